// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// The network's cells, for comparison with a layout.
#include "netlist/cmos/network.h"

#include "netlist/fabric.h"
#include "netlist/sizing.h"

#include <math.h>
#include <string.h>

// Wires that are pins, whatever hangs on them.
static void show_wires(struct cmos_writer *w) {
    struct es_circuit *circuit = w->circuit;
    circuit->shown = ES_NEW(w->arena, 2 * w->net->nodes + 4 * w->net->elements, const char *);
    for (size_t i = 0; i < 2 * w->net->nodes; i++)
        circuit->shown[circuit->shows++] = CMOS_TEXT(w, "n_%s_%c", w->net->node[i / 2].name, i % 2 ? 'n' : 'p');
    for (size_t i = 0; i < 2 * w->net->elements; i++)
        if (w->net->element[i / 2].kind == &es_gyrator)
            circuit->shown[circuit->shows++] = CMOS_TEXT(w, "w_%s_%c", w->net->element[i / 2].name, i % 2 ? 'r' : 'q');
    for (size_t i = 0; i < 2 * w->net->elements; i++)
        if (w->charge[i / 2] != 0)
            circuit->shown[circuit->shows++] = CMOS_TEXT(w, "sum_%s_%c", w->net->element[i / 2].name, i % 2 ? 'n' : 'p');
}

// A lead as a strip, a coupling as plates, where they fit; each is there for both wires and has one row.
static void make_device(struct cmos_writer *w, struct es_part *part) {
    const bool lead = part->primitive == ES_PART_RESISTOR;
    const struct es_role *role = &es_role_capacitor;
    struct es_process_size size;
    const char *lacking = lead ? es_sizing_strip(w->process, part->value, &role, &size) : es_sizing_plate(w->process, part->value, &size);
    if (part->name[strlen(part->name) - 1] == 'p') {
        struct es_cmos_made *made = es_cmos_add_made(w, lead ? ES_CMOS_LEAD : ES_CMOS_COUPLING, CMOS_TEXT(w, "%.*s", (int)strlen(part->name) - 2, part->name), part->value);
        made->role = lacking ? NULL : role;
        made->size = lacking ? (struct es_process_size){0} : size;
        made->made = lacking ? part->value : es_process_value(es_process_device(w->process, role), &size);
    }
    if (lacking)
        return;
    *part = (struct es_part){.primitive = ES_PART_DEVICE, .prefix = part->prefix, .name = part->name, .p = part->p, .n = part->n, .c = lead ? "0" : NULL, .cell = part->cell,
                             .process = w->process, .role = role, .size = size};
    if (!lead)
        w->report->plates += size.width * size.length * (double)size.multiplier;
}

char *es_cmos_layout_text(struct cmos_writer *w, const struct es_dialect *dialect) {
    struct es_circuit *flat, *circuit;
    show_wires(w);
    for (size_t i = 0; i < w->circuit->parts; i++) {
        struct es_part *part = &w->circuit->part[i];
        if (part->cell && (part->primitive == ES_PART_RESISTOR || part->primitive == ES_PART_CAPACITOR))
            make_device(w, part);
    }
    w->status = es_fabric_circuit(w->circuit, NULL, NULL, ES_FLAVOUR_LVS, &flat, w->error);
    if (w->status != ES_OK)
        return NULL;
    circuit = es_circuit_hierarchy(flat, w->net->name);
    if (w->by_hand)
        circuit->head = "* biases to first order by hand formulas, not simulated; strays, delays and losses are taken as 0, so that plates are for all of C and leads wires of 1 mohm:\n"
                        "* calibrate the transconductor with the design kit, as bench/cmos.sh calibrate does, and write it anew before it is laid out\n";
    w->report->cells = circuit->cells;
    w->status = es_fabric_check_names(circuit, w->error);
    return w->status == ES_OK ? es_circuit_text(circuit, dialect, w->error) : NULL;
}
