// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
#include "netlist/cmos/network.h"

#include "netlist/sizing.h"

#include <ctype.h>
#include <math.h>
#include <string.h>
#include <strings.h>

static const double common = 1.65, gate_n = 2.1, gate_p = 1.3; // [V]
// The drives' transconductors see this much at most [V], and have this at least [S], where they are linear.
static const double drive_swing = 2e-3, drive_least = 1e-6;
// A squarer's integrator sees this much at most [V], as far as its outputs are linear, and loses this share of its charge at most in an echo. The bias by hand [A].
static const double squarer_swing = 50e-3, squarer_loss = 2e-3, squarer_bias = 0.5e-6;

static const struct es_element *element(const struct cmos_writer *w, size_t i) {
    return &w->net->element[i];
}

static const double *values(const struct cmos_writer *w, size_t i) {
    return w->model->q[i];
}

static const char *node_wire(struct cmos_writer *w, int node, char which) {
    return CMOS_TEXT(w, "n_%s_%c", w->net->node[node].name, which);
}

// ---- parts -----------------------------------------------------------------------------------------------------------

// What stands around the network.
static struct es_part *add_source(struct cmos_writer *w, enum es_primitive primitive, const char *prefix, const char *name, const char *p, const char *n, double value) {
    struct es_part *part = es_circuit_add(w->circuit, primitive, prefix, name, p, n, value);
    part->cell = NULL;
    return part;
}

struct es_part *es_cmos_add_voltage(struct cmos_writer *w, const char *name, double value) {
    return add_source(w, ES_PART_VOLTAGE, "v", name, name, "0", value);
}

static void add_instance(struct cmos_writer *w, const char *name, const char *cell, size_t nodes, const char *const *node) {
    struct es_part *part = es_circuit_add(w->circuit, ES_PART_INSTANCE, "x", name, NULL, NULL, 0);
    part->of = cell;
    part->nodes = nodes;
    part->node = ES_NEW(w->arena, nodes, const char *);
    memcpy(part->node, node, nodes * sizeof *node);
}
#define ADD_INSTANCE(w, name, cell, ...) \
    add_instance(w, name, cell, sizeof (const char *[]){__VA_ARGS__} / sizeof(const char *), (const char *const[]){__VA_ARGS__})
#define RAILS "vcm", "vcn", "vcp", "vdd", "0", "vdd", "0"

// Two wires p and n about the common mode, v(p) - v(n) = gain v(from).
static void add_halves(struct cmos_writer *w, const char *from, double gain, const char *p, const char *n) {
    for (size_t i = 0; i < 2; i++) {
        const char *wire = i ? n : p;
        struct es_part *part = add_source(w, ES_PART_VCVS, "e", wire, wire, "vcm", (i ? -0.5 : 0.5) * gain);
        part->c = from;
        part->d = "0";
    }
}

struct es_cmos_made *es_cmos_add_made(struct cmos_writer *w, enum es_cmos_kind kind, const char *name, double asked) {
    struct es_cmos_made *made = &w->report->made[w->report->count++];
    *made = (struct es_cmos_made){.kind = kind, .name = name, .asked = asked, .made = asked, .sigma = NAN};
    return made;
}

static struct es_transconductor_point look_up(struct cmos_writer *w, const char *name, double gm) {
    struct es_transconductor_point point = {.bias = NAN};
    const struct es_part *pair = es_cmos_transistor(&w->cells, "es_ota", "ip");
    if (w->status == ES_OK && w->by_hand)
        w->status = es_process_transconductor_by_hand(w->process, es_process_device(w->process, pair->role), pair->size.width / pair->size.length, name, gm, &point, w->error);
    else if (w->status == ES_OK)
        w->status = es_process_transconductor(w->process, w->corner, name, gm, &point, w->error);
    return point;
}

// A bias current into pin `name`, of a cell that with its reference draws `draw` times that from the supply.
static struct es_cmos_made *add_current(struct cmos_writer *w, enum es_cmos_kind kind, const char *name, double asked, double bias, double draw) {
    add_source(w, ES_PART_CURRENT, "i", name, "vdd", name, bias);
    w->report->power += draw * ES_CMOS_SUPPLY * bias;
    struct es_cmos_made *made = es_cmos_add_made(w, kind, name, asked);
    made->bias = bias;
    return made;
}

static void add_bias(struct cmos_writer *w, const char *name, const struct es_transconductor_point *point) {
    struct es_cmos_made *made = add_current(w, ES_CMOS_TRANSCONDUCTOR, name, point->gm, point->bias, ES_TRANSCONDUCTOR_DRAW);
    made->slope = point->slope;
    made->sigma = es_cmos_transconductor_sigma(w, point);
}

static void add_plates(struct cmos_writer *w, const char *name, const char *p, const char *n, const struct es_process_size *size) {
    struct es_part *part = es_circuit_add(w->circuit, ES_PART_DEVICE, "c", name, p, n, 0);
    part->process = w->process;
    part->role = &es_role_capacitor;
    part->size = *size;
    w->report->plates += size->width * size->length * (double)size->multiplier;
}

static const double plates_share = 0.4; // of the capacitance: 2 x 0.4 across, and 0.4 / 2 of those to ground in series
static const double plates_sum = 1.457737973711325; // sqrt(1 + 1 + 1 / 4^2 + 1 / 4^2): of the errors of a plate, which count 1 across, and 1/4 to ground

// NULL with w->status.
static const struct es_cmos_made *add_capacitor(struct cmos_writer *w, const char *name, double asked, double strays, const char *p, const char *n) {
    if (w->status != ES_OK)
        return NULL;
    struct es_cmos_made *made = es_cmos_add_made(w, ES_CMOS_CAPACITOR, name, asked);
    const char *process = w->process->name;
    made->strays = strays;
    if (!(asked > strays)) {
        w->status = es_fail(w->error, ES_BAD_INPUT, "process %s, capacitor \"%s\": C = %.6g F, and the transconductors on its wires have %.6g F already; expected more, 1 pF and up: scale all capacitors and transconductances up",
                            process, name, asked, strays);
        return NULL;
    }
    const char *lacking = es_sizing_plate(w->process, plates_share * (asked - strays), &made->size);
    if (lacking) {
        w->status = es_fail(w->error, ES_BAD_INPUT, "process %s, capacitor \"%s\": C = %.6g F less %.6g F of strays takes plates of %.6g F: %s; scale all capacitors and transconductances",
                            process, name, asked, strays, plates_share * (asked - strays), lacking);
        return NULL;
    }
    const struct es_process_device *plates = es_process_device(w->process, &es_role_capacitor);
    const double value = es_process_value(plates, &made->size);
    made->made = strays + value / plates_share;
    made->sigma = es_process_relative_sigma(plates, &made->size) * value * plates_sum / made->made;
    add_plates(w, CMOS_TEXT(w, "%s_a", name), p, n, &made->size);
    add_plates(w, CMOS_TEXT(w, "%s_b", name), n, p, &made->size);
    add_plates(w, CMOS_TEXT(w, "%s_p", name), p, "0", &made->size);
    add_plates(w, CMOS_TEXT(w, "%s_n", name), n, "0", &made->size);
    return made;
}

// Holds two wires at vcm +- v / 2 while pre is high.
static void add_preset(struct cmos_writer *w, const char *name, const char *p, const char *n, double v) {
    const char *from[2] = {"vcm", "vcm"};
    for (size_t i = 0; i < 2; i++) {
        const double level = common + (i ? -v : v) / 2;
        if (w->set)
            w->circuit->start[w->circuit->starts++] = (struct es_signal_node){.name = i ? n : p, .start = level};
        else if (v != 0) {
            from[i] = CMOS_TEXT(w, "%s_start_%c", name, i ? 'n' : 'p');
            es_cmos_add_voltage(w, from[i], level);
        }
    }
    ADD_INSTANCE(w, name, "es_preset", p, n, from[0], from[1], "pre", "0");
}

// ---- the network -----------------------------------------------------------------------------------------------------

// The nodes of a branch, the first not ground: of a gyrator and a capacitor the direction does not matter.
static void ends(const struct es_element *e, int *a, int *b) {
    *a = e->p >= 0 ? e->p : e->n;
    *b = e->p >= 0 ? e->n : ES_GROUND;
}

// The cell that the next parts of the network are in.
static void begin_cell(struct cmos_writer *w, const char *what, const char *name) {
    w->circuit->inside = CMOS_TEXT(w, "%s_%s", what, name);
}

static void add_gyrator(struct cmos_writer *w, size_t i) {
    const char *name = element(w, i)->name;
    const double *q = values(w, i);
    int a, b;
    ends(element(w, i), &a, &b);
    size_t sides = b >= 0 ? 2 : 1;
    const char *pin[4];
    const struct es_transconductor_point point[2] = {look_up(w, name, q[ES_CMOS_GM1]), look_up(w, name, q[ES_CMOS_GM2])};
    if (w->status != ES_OK)
        return;
    begin_cell(w, "gyrator", name);
    for (size_t k = 0; k < 2 * sides; k++) {
        pin[k] = sides == 2 ? CMOS_TEXT(w, "bias_%s_%c%zu", name, k % 2 ? 'b' : 'a', k / 2 + 1) : CMOS_TEXT(w, "bias_%s_%zu", name, k + 1);
        add_bias(w, pin[k], &point[k / sides]);
    }
    const char *p = CMOS_TEXT(w, "w_%s_p", name), *n = CMOS_TEXT(w, "w_%s_n", name), *q_p = CMOS_TEXT(w, "w_%s_q", name), *q_n = CMOS_TEXT(w, "w_%s_r", name);
    if (sides == 2)
        ADD_INSTANCE(w, CMOS_TEXT(w, "gyrator_%s", name), "es_gyrator", node_wire(w, a, 'p'), node_wire(w, a, 'n'), node_wire(w, b, 'p'), node_wire(w, b, 'n'), p, n, pin[0], pin[1], pin[2], pin[3], "clk", "clkb", RAILS);
    else
        ADD_INSTANCE(w, CMOS_TEXT(w, "gyrator_%s", name), "es_gyrator_ground", node_wire(w, a, 'p'), node_wire(w, a, 'n'), p, n, pin[0], pin[1], "clk", "clkb", RAILS);
    w->node_stray[a] += point[0].cin + point[1].cout;
    if (b >= 0)
        w->node_stray[b] += point[0].cin + point[1].cout;
    w->stray[i] += (double)sides * (point[0].cout + point[1].cin);
    for (size_t k = 0; k < 2; k++)
        w->gm_sigma[2 * i + k] = es_cmos_transconductor_sigma(w, &point[k]);
    double lead = (point[0].delay + point[1].delay) / q[ES_CMOS_CL] - (point[0].go + point[1].go) / (q[ES_CMOS_GM1] * q[ES_CMOS_GM2]);
    if (lead < 2e-3) // losses prevail
        lead = 2e-3;
    es_circuit_add(w->circuit, ES_PART_RESISTOR, "r", CMOS_TEXT(w, "lead_%s_p", name), p, q_p, lead / 2);
    es_circuit_add(w->circuit, ES_PART_RESISTOR, "r", CMOS_TEXT(w, "lead_%s_n", name), n, q_n, lead / 2);
    double flux = es_model_flux(w->model, i, w->pass->flux, w->pass->offset);
    add_preset(w, CMOS_TEXT(w, "pre_w_%s", name), q_p, q_n, w->scale * q[ES_CMOS_GM1] / q[ES_CMOS_CL] * (a == element(w, i)->p ? flux : -flux));
}

// Between nodes: no stray, and no preset of its own.
static void add_coupling(struct cmos_writer *w, size_t i) {
    const struct es_element *e = element(w, i);
    begin_cell(w, "coupling", e->name);
    for (size_t k = 0; k < 2; k++) {
        char wire = k ? 'n' : 'p';
        es_circuit_add(w->circuit, ES_PART_CAPACITOR, "c", CMOS_TEXT(w, "coupling_%s_%c", e->name, wire), node_wire(w, e->p, wire), node_wire(w, e->n, wire), 2 * values(w, i)[0]);
    }
}

// Each end of an input has a transconductor, driven where it is linear.
static void add_input(struct cmos_writer *w, size_t i) {
    const struct es_element *e = element(w, i);
    const double *x = w->pass->input + (size_t)e->channel * w->grid->points, g = values(w, i)[0];
    double most = 0;
    for (size_t k = 0; k < w->grid->points; k++)
        most = fmax(most, fabs(g * x[k]) * w->scale);
    const char *p = CMOS_TEXT(w, "drive_%s_p", e->name), *n = CMOS_TEXT(w, "drive_%s_n", e->name);
    const struct es_transconductor_point point = look_up(w, e->name, fmax(most / drive_swing, drive_least));
    if (w->status != ES_OK)
        return;
    begin_cell(w, "input", e->name);
    add_halves(w, CMOS_TEXT(w, "x_%s", w->net->channel[e->channel]), g * w->scale / point.gm, p, n);
    for (size_t k = 0; k < 2; k++) {
        int node = k ? e->n : e->p;
        if (node < 0)
            continue;
        const char *pin = CMOS_TEXT(w, "bias_%s_%zu", e->name, k + 1), *out_p = CMOS_TEXT(w, "%s_p", pin), *out_n = CMOS_TEXT(w, "%s_n", pin);
        add_bias(w, pin, &point);
        ADD_INSTANCE(w, pin, "es_ota", k ? n : p, k ? p : n, out_p, out_n, pin, RAILS);
        ADD_INSTANCE(w, CMOS_TEXT(w, "%s_c", pin), "es_chopper", out_p, out_n, node_wire(w, node, 'p'), node_wire(w, node, 'n'), "clk", "clkb", "0");
        w->node_stray[node] += point.cout;
    }
}

// ---- nudges ----------------------------------------------------------------------------------------------------------

size_t es_cmos_reader(const struct es_network *net, size_t o) {
    const struct es_element *e = &net->element[net->output[o]];
    size_t i = 0;
    for (; i < net->elements; i++) {
        int a, b;
        ends(&net->element[i], &a, &b);
        if (net->element[i].kind == &es_gyrator && b < 0 && a == e->p && e->n < 0)
            break;
    }
    return i;
}

enum es_status es_cmos_check_outputs(struct cmos_writer *w) {
    for (size_t o = 0; o < w->net->outputs && w->status == ES_OK; o++) {
        const struct es_element *e = element(w, w->net->output[o]);
        if (e->read != ES_READ_FLUX || es_cmos_reader(w->net, o) == w->net->elements)
            w->status = es_fail(w->error, ES_BAD_INPUT, "network \"%s\", line %d: output \"%s\" has no gyrator to ground at its node whose capacitor shows its flux; expected outputs of fluxes from a node to ground, with a gyrator (or an inductor) there",
                                w->net->name, e->line, e->name);
    }
    return w->status;
}

// nudge (y - phi) into the node, by two transconductors of g = |nudge| CL / gm1 with common outputs, which rest on vcm while it is off.
static void add_nudge(struct cmos_writer *w, size_t o) {
    const struct es_element *e = element(w, w->net->output[o]);
    size_t i = es_cmos_reader(w->net, o);
    if (w->nudge[o] == 0)
        return;
    const double *q = values(w, i);
    const struct es_transconductor_point point = look_up(w, e->name, fabs(w->nudge[o]) * q[ES_CMOS_CL] / q[ES_CMOS_GM1]);
    if (w->status != ES_OK)
        return;
    begin_cell(w, "nudge", e->name);
    const char *y = CMOS_TEXT(w, "y_%s", e->name), *y_p = CMOS_TEXT(w, "y_%s_p", e->name), *y_n = CMOS_TEXT(w, "y_%s_n", e->name), *name = element(w, i)->name;
    const char *w_p = CMOS_TEXT(w, "w_%s_p", name), *w_n = CMOS_TEXT(w, "w_%s_n", name), *u_p = CMOS_TEXT(w, "u_%s_p", e->name), *u_n = CMOS_TEXT(w, "u_%s_n", e->name);
    const char *pin[2] = {CMOS_TEXT(w, "bias_%s_w", e->name), CMOS_TEXT(w, "bias_%s_y", e->name)};
    add_halves(w, y, w->scale * q[ES_CMOS_GM1] / q[ES_CMOS_CL] * w->grid->interval, y_p, y_n);
    for (size_t k = 0; k < 2; k++)
        add_bias(w, pin[k], &point);
    ADD_INSTANCE(w, pin[0], "es_ota", w_p, w_n, u_n, u_p, pin[0], RAILS);
    ADD_INSTANCE(w, pin[1], "es_ota", y_p, y_n, u_p, u_n, pin[1], RAILS);
    bool up = w->nudge[o] > 0;
    ADD_INSTANCE(w, CMOS_TEXT(w, "nudge_%s", e->name), "es_chopper", u_p, u_n, node_wire(w, e->p, 'p'), node_wire(w, e->p, 'n'), up ? "up" : "down", up ? "down" : "up", "0");
    ADD_INSTANCE(w, CMOS_TEXT(w, "idle_%s", e->name), "es_preset", u_p, u_n, "vcm", "vcm", "idle", "0");
    w->node_stray[e->p] += point.cout / 2; // half of its cout is its chopper, which both share
    w->stray[i] += point.cin;
}

// ---- squarers --------------------------------------------------------------------------------------------------------

static bool is_trained(const struct cmos_writer *w, size_t i) {
    for (size_t p = 0; p < w->net->parameters; p++)
        if (w->net->parameter[p].element == i)
            return true;
    return false;
}

static double ratio(const struct es_part *transistor) {
    return transistor->size.width / transistor->size.length;
}

static struct es_process_squarer look_up_squarer(struct cmos_writer *w, const char *name) {
    const struct es_process_squarer *measured = es_process_squarer(w->process, w->corner);
    struct es_process_squarer point = {.k = NAN};
    if (measured)
        return *measured;
    const struct es_part *n = es_cmos_transistor(&w->cells, "es_squarer", "qpp"), *p = es_cmos_transistor(&w->cells, "es_squarer", "pp");
    w->report->squarers_by_hand = true;
    if (w->status == ES_OK)
        w->status = es_process_squarer_by_hand(w->process, es_process_device(w->process, n->role), ratio(n), es_process_device(w->process, p->role), ratio(p), name, squarer_bias, &point, w->error);
    return point;
}

// For all that it may integrate; for what go takes of it in an echo, and what cout, which rests on vcm before, takes as the chopper closes; and what the smallest plates make.
static double integrator(const struct cmos_writer *w, const struct es_process_squarer *point) {
    const struct es_process_device *device = es_process_device(w->process, &es_role_capacitor);
    double least = device ? es_process_value(device, &(struct es_process_size){device->min_width, device->min_length, 1}) / plates_share : 0;
    return fmax(fmax(point->k * w->square / squarer_swing, (point->cout + point->go * w->length) / squarer_loss), point->cout + least);
}

// k w^2 into plates, plus while `up`, minus while `down`, from where `clear` left them.
static void add_squarer(struct cmos_writer *w, size_t i) {
    const char *name = element(w, i)->name, *cell = CMOS_TEXT(w, "squarer_%s", name), *pin = CMOS_TEXT(w, "bias_%s_s", name);
    const char *out_p = CMOS_TEXT(w, "%s_p", cell), *out_n = CMOS_TEXT(w, "%s_n", cell), *sum = CMOS_TEXT(w, "sum_%s", name), *sum_p = CMOS_TEXT(w, "%s_p", sum), *sum_n = CMOS_TEXT(w, "%s_n", sum);
    const struct es_process_squarer point = look_up_squarer(w, name);
    if (w->status != ES_OK)
        return;
    begin_cell(w, "squarer", name);
    add_current(w, ES_CMOS_SQUARER, pin, point.k, point.bias, ES_SQUARER_DRAW);
    ADD_INSTANCE(w, cell, "es_squarer", CMOS_TEXT(w, "w_%s_p", name), CMOS_TEXT(w, "w_%s_n", name), out_p, out_n, pin, RAILS);
    ADD_INSTANCE(w, CMOS_TEXT(w, "sign_%s", name), "es_chopper", out_p, out_n, sum_p, sum_n, "up", "down", "0");
    ADD_INSTANCE(w, CMOS_TEXT(w, "idle_%s", name), "es_preset", out_p, out_n, "vcm", "vcm", "idle", "0");
    ADD_INSTANCE(w, CMOS_TEXT(w, "clear_%s", name), "es_preset", sum_p, sum_n, "vcm", "vcm", "clear", "0");
    const struct es_cmos_made *made = add_capacitor(w, sum, integrator(w, &point), point.cout, sum_p, sum_n);
    w->stray[i] += point.cin;
    w->charge[i] = made ? made->made / point.k : NAN;
}

// ---- the whole -------------------------------------------------------------------------------------------------------

// What holds charge at node n, to ground [F].
double es_cmos_node_capacitance(const struct cmos_writer *w, size_t n) {
    double sum = 0;
    for (size_t i = 0; i < w->net->elements; i++) {
        int a, b;
        ends(element(w, i), &a, &b);
        if (element(w, i)->kind == &es_capacitor && a == (int)n && b < 0)
            sum += values(w, i)[0];
    }
    return sum;
}

void es_cmos_add_network(struct cmos_writer *w) {
    for (size_t i = 0; i < w->net->elements && w->status == ES_OK; i++) {
        const struct es_element *e = element(w, i);
        if (e->kind == &es_gyrator)
            add_gyrator(w, i);
        else if (e->kind == &es_input)
            add_input(w, i);
        else if (e->kind == &es_capacitor && e->p >= 0 && e->n >= 0)
            add_coupling(w, i);
    }
    for (size_t o = 0; o < w->net->outputs && w->nudge && w->status == ES_OK; o++)
        add_nudge(w, o);
    for (size_t i = 0; i < w->net->elements && w->square > 0 && w->status == ES_OK; i++)
        if (is_trained(w, i))
            add_squarer(w, i);
    for (size_t n = 0; n < w->net->nodes && w->status == ES_OK; n++) {
        const char *name = CMOS_TEXT(w, "n_%s", w->net->node[n].name), *p = node_wire(w, (int)n, 'p'), *m = node_wire(w, (int)n, 'n');
        begin_cell(w, "node", w->net->node[n].name);
        const struct es_cmos_made *made = add_capacitor(w, name, es_cmos_node_capacitance(w, n), w->node_stray[n], p, m);
        w->node_sigma[n] = made ? made->sigma : NAN;
        add_preset(w, CMOS_TEXT(w, "pre_%s", name), p, m, w->scale * w->pass->voltage[n]);
    }
    for (size_t i = 0; i < w->net->elements && w->status == ES_OK; i++)
        if (element(w, i)->kind == &es_gyrator) {
            begin_cell(w, "gyrator", element(w, i)->name);
            const char *name = CMOS_TEXT(w, "w_%s", element(w, i)->name);
            const struct es_cmos_made *made = add_capacitor(w, name, values(w, i)[ES_CMOS_CL], w->stray[i], CMOS_TEXT(w, "%s_q", name), CMOS_TEXT(w, "%s_r", name));
            w->cl_sigma[i] = made ? made->sigma : NAN;
        }
    w->circuit->inside = NULL;
    for (size_t i = 0; i < w->circuit->parts; i++)
        if (w->circuit->part[i].primitive == ES_PART_INSTANCE)
            w->report->channels += es_cmos_cell_area(&w->cells, w->circuit->part[i].of);
}

void es_cmos_add_rails(struct cmos_writer *w) {
    es_cmos_add_voltage(w, "vdd", ES_CMOS_SUPPLY);
    es_cmos_add_voltage(w, "vcm", common);
    es_cmos_add_voltage(w, "vcn", gate_n);
    es_cmos_add_voltage(w, "vcp", gate_p);
}

// A name may not be that of another's wire.
static enum es_status check_name(struct cmos_writer *w, const char *what, const char *name, const char *other) {
    size_t length = strlen(name);
    if (strncasecmp(other, name, length) != 0 || other[length] != '_' || !strchr("pnqr", tolower((unsigned char)other[length + 1])) || strlen(other) != length + 2)
        return ES_OK;
    return es_fail(w->error, ES_BAD_INPUT, "network \"%s\": the %s \"%s\" has the name of a wire of \"%s\": of transistors x has the wires x_p, x_n, x_q and x_r; rename one", w->net->name, what, other, name);
}

static enum es_status check_names(struct cmos_writer *w) {
    const struct es_network *net = w->net;
    for (size_t i = 0; i < net->nodes && w->status == ES_OK; i++)
        for (size_t k = 0; k < net->nodes && w->status == ES_OK; k++)
            w->status = check_name(w, "node", net->node[i].name, net->node[k].name);
    for (size_t i = 0; i < net->elements && w->status == ES_OK; i++)
        for (size_t k = 0; k < net->elements && w->status == ES_OK; k++)
            if (element(w, i)->kind == element(w, k)->kind && (element(w, i)->kind == &es_gyrator || element(w, i)->kind == &es_output))
                w->status = check_name(w, element(w, k)->kind->row.name, element(w, i)->name, element(w, k)->name);
    return w->status;
}

enum es_status es_cmos_begin(struct cmos_writer *w, const char *title, const char *head) {
    w->stray = ES_NEW(w->arena, w->net->elements, double);
    w->node_stray = ES_NEW(w->arena, w->net->nodes, double);
    w->charge = ES_NEW(w->arena, w->net->elements, double);
    w->gm_sigma = ES_NEW(w->arena, 2 * w->net->elements, double);
    w->cl_sigma = ES_NEW(w->arena, w->net->elements, double);
    w->node_sigma = ES_NEW(w->arena, w->net->nodes, double);
    *w->report = (struct es_cmos_report){.made = ES_NEW(w->arena, 8 * w->net->elements + w->net->nodes, struct es_cmos_made), .scale = w->scale, .by_hand = w->by_hand};
    w->circuit = ES_NEW(w->arena, 1, struct es_circuit);
    *w->circuit = (struct es_circuit){.arena = w->arena, .title = title, .head = head, .analysis = {.controlled = true}};
    w->circuit->start = ES_NEW(w->arena, 2 * (w->net->nodes + w->net->elements), struct es_signal_node);
    if (check_names(w) != ES_OK)
        return w->status;
    w->status = es_cmos_cells(w->process, w->arena, &w->cells, w->report, w->error);
    w->circuit->cell = w->cells.cell;
    w->circuit->cells = w->cells.count;
    return w->status;
}
