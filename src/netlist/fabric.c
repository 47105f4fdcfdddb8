// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
#include "netlist/fabric.h"

#include <stdlib.h>
#include <string.h>

enum { LONGEST_NAME = 32 };

// An ideal part as an instance of a cell.
static const struct box {
    enum es_primitive primitive;
    const char *cell, *value; // name of its parameter
    size_t pins;
} boxes[] = {
    {ES_PART_RESISTOR, "es_resistor", "r", 2},  {ES_PART_CAPACITOR, "es_capacitor", "c", 2}, {ES_PART_INDUCTOR, "es_inductor", "l", 2},
    {ES_PART_VCCS, "es_vccs", "gm", 4},         {ES_PART_VCVS, "es_vcvs", "gain", 4},        {ES_PART_CCCS, "es_cccs", "gain", 4},
    {ES_PART_CURRENT, "es_current", "dc", 2},
};
enum { BOXES = sizeof boxes / sizeof *boxes };

static enum es_status put_into_box(const struct es_circuit *from, const struct box *box, struct es_part *part, struct es_error *error) {
    struct es_arena *arena = from->arena;
    const struct es_part *meter = part->primitive == ES_PART_CCCS ? es_circuit_part(from, part->of) : NULL;
    const char *pins[] = {part->p, part->n, meter ? meter->p : part->c, meter ? meter->n : part->d};
    if (part->primitive == ES_PART_CCCS && !meter)
        return es_fail(error, ES_BAD_INPUT, "%s_%s measures the current of %s, which is no part", part->prefix, part->name, part->of);
    const char **node = ES_NEW(arena, box->pins, const char *);
    memcpy(node, pins, box->pins * sizeof *node);
    *part = (struct es_part){.primitive = ES_PART_INSTANCE, .prefix = "x", .name = es_arena_printf(arena, "%s_%s", part->prefix, part->name), .of = box->cell, .node = node,
                             .nodes = box->pins, .text = es_arena_printf(arena, "%s=%.17g", box->value, part->value), .cell = part->cell};
    return ES_OK;
}

// Ammeters are in the boxes of the sources that copy their current.
static enum es_status make_ideal(const struct es_circuit *from, struct es_circuit *to, struct es_error *error) {
    struct es_part *part = &to->part[to->parts - 1];
    if (part->primitive == ES_PART_VOLTAGE && part->value == 0 && part->waveform == ES_WAVE_CONSTANT) {
        part->primitive = ES_PART_RESISTOR; // a wire would join two nets
        part->value = 0;
    }
    for (size_t i = 0; i < BOXES; i++)
        if (boxes[i].primitive == part->primitive)
            return put_into_box(from, &boxes[i], part, error);
    return part->primitive == ES_PART_INSTANCE || part->primitive == ES_PART_DEVICE
               ? ES_OK
               : es_fail(error, ES_BAD_INPUT, "--flavour lvs: %s_%s has no form that a layout could have; take a technology of linear parts", part->prefix, part->name);
}

enum es_status es_fabric_circuit(const struct es_circuit *circuit, const struct es_sizing *sizing, const struct es_process *process, enum es_flavour flavour,
                                 struct es_circuit **made, struct es_error *error) {
    struct es_circuit *to = ES_NEW(circuit->arena, 1, struct es_circuit);
    enum es_status status = ES_OK;
    *to = *circuit;
    to->flavour = flavour;
    to->parts = to->room = 0;
    for (size_t i = 0; i < circuit->parts && status == ES_OK; i++) {
        const struct es_part *from = &circuit->part[i];
        const struct es_made *size = from->valued && process ? es_sizing_find(sizing, from->element, from->quantity) : NULL;
        struct es_part *part = es_circuit_add(to, from->primitive, NULL, NULL, NULL, NULL, 0);
        *part = *from;
        if (!from->cell) // what stands around the network
            continue;
        if (size && size->role) {
            part->primitive = ES_PART_DEVICE;
            part->process = process;
            part->role = size->role;
            part->size = size->size;
            part->c = size->role == &es_role_capacitor ? NULL : "0"; // body
            part->d = NULL;
        } else if (flavour == ES_FLAVOUR_LVS)
            status = make_ideal(circuit, to, error);
    }
    *made = to;
    return status;
}

static int by_text(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

// The nodes of a circuit's parts, sorted.
struct nodes {
    size_t count;
    const char **node;
};

static struct nodes nodes_of(const struct es_circuit *circuit) {
    struct nodes nodes = {0};
    size_t room = 0;
    for (size_t i = 0; i < circuit->parts; i++)
        room += 4 + circuit->part[i].nodes;
    nodes.node = ES_NEW(circuit->arena, room, const char *);
    for (size_t i = 0; i < circuit->parts; i++) {
        const struct es_part *part = &circuit->part[i];
        const char *terminal[] = {part->p, part->n, part->c, part->d};
        for (size_t t = 0; t < 4; t++)
            if (terminal[t])
                nodes.node[nodes.count++] = terminal[t];
        for (size_t n = 0; n < part->nodes; n++)
            nodes.node[nodes.count++] = part->node[n];
    }
    if (nodes.count)
        qsort(nodes.node, nodes.count, sizeof *nodes.node, by_text);
    return nodes;
}

static bool has_node(const struct nodes *nodes, const char *node) {
    return nodes->count && bsearch(&node, nodes->node, nodes->count, sizeof *nodes->node, by_text);
}

void es_fabric_start(const struct es_circuit *flat, struct es_circuit *circuit) {
    const struct es_circuit *network = circuit->cell[circuit->cells - 1];
    bool silent = false;
    for (size_t i = 0; i < flat->parts; i++)
        silent |= flat->part[i].primitive == ES_PART_DEVICE && flat->part[i].role == &es_role_capacitor && !es_part_keeps_start(&flat->part[i]);
    if (!silent)
        return;
    const struct nodes outside = nodes_of(circuit), inside = nodes_of(network);
    circuit->start = ES_NEW(circuit->arena, flat->signals, struct es_signal_node);
    for (size_t i = 0; i < flat->signals; i++) {
        const struct es_signal_node *signal = &flat->signal[i];
        if (signal->start == 0)
            continue;
        const char *path = has_node(&outside, signal->name) ? signal->name
                           : has_node(&inside, signal->name)  ? es_arena_printf(circuit->arena, "x_%s.%s", network->title, signal->name)
                                                             : es_arena_printf(circuit->arena, "x_%s.x_%s.%s", network->title, signal->cell, signal->name);
        circuit->start[circuit->starts++] = (struct es_signal_node){.name = path, .start = signal->start};
    }
}

enum es_status es_fabric_check_names(const struct es_circuit *circuit, struct es_error *error) {
    for (size_t i = 0; i < circuit->cells; i++)
        if (strlen(circuit->cell[i]->title) > LONGEST_NAME)
            return es_fail(error, ES_BAD_INPUT, "the cell %s has %zu characters in its name, and layout programs take %d; shorten the name of the element", circuit->cell[i]->title,
                           strlen(circuit->cell[i]->title), LONGEST_NAME);
    return ES_OK;
}
