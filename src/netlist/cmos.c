// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
#include "netlist/cmos.h"

#include "netlist/sizing.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern const char es_ota_text[], es_chopper_text[], es_preset_text[], es_gyrator_text[], es_gyrator_ground_text[];
extern const unsigned es_ota_text_size, es_chopper_text_size, es_preset_text_size, es_gyrator_text_size, es_gyrator_ground_text_size;

static const struct cell {
    const char *name, *text;
    const unsigned *size;
} cells[] = {
    {"es_ota", es_ota_text, &es_ota_text_size},
    {"es_chopper", es_chopper_text, &es_chopper_text_size},
    {"es_preset", es_preset_text, &es_preset_text_size},
    {"es_gyrator", es_gyrator_text, &es_gyrator_text_size},
    {"es_gyrator_ground", es_gyrator_ground_text, &es_gyrator_ground_text_size},
};
enum { CELLS = sizeof cells / sizeof *cells };

enum { GM1, GM2, CL };                     // of a gyrator
enum { PASSES = 3, PERIOD = 400, PRESET = 100 }; // steps of the fastest mode's period; of a preset

// Rails of the cells, whose stack takes about 3 V.
static const double supply = 3.3, common = 1.65, gate_n = 2.1, gate_p = 1.3, least_supply = 3;
// The drives' transconductors see this much at most [V], and have this at least [S], where they are linear.
static const double drive_swing = 2e-3, drive_least = 1e-6;
// The nudge's g of its gyrator's gm1, at most; and g T / C_L, of which the gradient's bias is the square: 7e-4 at 1.25.
static const double nudge_share = 0.04, nudge_turn = 1.25;

struct writer {
    const struct es_cmos *cmos;
    const struct es_network *net;
    struct es_arena *arena;
    struct es_circuit *circuit;
    struct es_cmos_report *report;
    struct es_error *error;
    enum es_status status; // of the first that failed
    double *stray;         // [elements] at w of a gyrator [F]
    double *node_stray;    // [nodes] [F]
    size_t steps, echoes;  // of a pass; 1 without anything trained, else PASSES
    double step, edge;     // [s]
    double beta;           // beta_si of the deck
};

static const double echo_sign[PASSES] = {0, 1, -1};

#define TEXT(w, ...) es_arena_printf((w)->arena, __VA_ARGS__)

static const char *node_wire(struct writer *w, int node, char which) {
    return TEXT(w, "n_%s_%c", w->net->node[node].name, which);
}

// ---- time ------------------------------------------------------------------------------------------------------------

// Pass k: its preset ends and it begins, its polarity turns in the middle of a step, it ends.
static size_t beginning(const struct writer *w, size_t k) { // in steps
    return PRESET + k * (PRESET + 2 * w->steps + 1);
}
static double begin(const struct writer *w, size_t k) {
    return w->step * (double)beginning(w, k);
}
static double turn(const struct writer *w, size_t k) {
    return w->step * ((double)(beginning(w, k) + w->steps) + 0.5);
}
static double end(const struct writer *w, size_t k) {
    return w->step * (double)(beginning(w, k) + 2 * w->steps + 1);
}

// ---- parts -----------------------------------------------------------------------------------------------------------

static void add_voltage(struct writer *w, const char *name, double value) {
    es_circuit_add(w->circuit, ES_PART_VOLTAGE, "v", name, name, "0", value);
}

static void add_instance(struct writer *w, const char *name, const char *cell, size_t nodes, const char *const *node) {
    struct es_part *part = es_circuit_add(w->circuit, ES_PART_INSTANCE, "x", name, NULL, NULL, 0);
    part->of = cell;
    part->nodes = nodes;
    part->node = ES_NEW(w->arena, nodes, const char *);
    memcpy(part->node, node, nodes * sizeof *node);
}
#define ADD_INSTANCE(w, name, cell, ...) \
    add_instance(w, name, cell, sizeof (const char *[]){__VA_ARGS__} / sizeof(const char *), (const char *const[]){__VA_ARGS__})
#define RAILS "vcm", "vcn", "vcp", "vdd", "0", "vdd", "0"

static void add_function(struct writer *w, const char *name, const char *expression) {
    es_circuit_add(w->circuit, ES_PART_FUNCTION, "b", name, name, "0", 0)->text = expression;
}

// Two wires p and n about the common mode, +-v(from) / 2.
static void add_halves(struct writer *w, const char *from, const char *p, const char *n) {
    for (size_t i = 0; i < 2; i++) {
        const char *wire = i ? n : p;
        struct es_part *part = es_circuit_add(w->circuit, ES_PART_VCVS, "e", wire, wire, "vcm", i ? -0.5 : 0.5);
        part->c = from;
        part->d = "0";
    }
}

static struct es_cmos_made *add_made(struct writer *w, const char *name, double asked) {
    struct es_cmos_made *made = &w->report->made[w->report->count++];
    *made = (struct es_cmos_made){.name = name, .asked = asked, .made = asked};
    return made;
}

static struct es_transconductor_point look_up(struct writer *w, const char *name, double gm) {
    struct es_transconductor_point point = {.bias = NAN};
    if (w->status == ES_OK)
        w->status = es_process_transconductor(w->cmos->process, w->cmos->corner, name, gm, &point, w->error);
    return point;
}

// A bias current into pin `name`, that of one transconductor with its reference: three times that from the supply.
static void add_bias(struct writer *w, const char *name, const struct es_transconductor_point *point) {
    es_circuit_add(w->circuit, ES_PART_CURRENT, "i", name, "vdd", name, point->bias);
    w->report->power += 3 * supply * point->bias;
    struct es_cmos_made *made = add_made(w, name, point->gm);
    made->bias = point->bias;
    made->slope = point->slope;
}

static void add_plates(struct writer *w, const char *name, const char *p, const char *n, const struct es_process_size *size) {
    struct es_part *part = es_circuit_add(w->circuit, ES_PART_DEVICE, "c", name, p, n, 0);
    part->process = w->cmos->process;
    part->role = &es_role_capacitor;
    part->size = *size;
    w->report->plates += size->width * size->length * (double)size->multiplier;
}

static const double plates_share = 0.4; // of the capacitance: 2 x 0.4 across, and 0.4 / 2 of those to ground in series

static void add_capacitor(struct writer *w, const char *name, double asked, double strays, const char *p, const char *n) {
    if (w->status != ES_OK)
        return;
    struct es_cmos_made *made = add_made(w, name, asked);
    const char *process = w->cmos->process->name;
    made->strays = strays;
    if (!(asked > strays)) {
        w->status = es_fail(w->error, ES_BAD_INPUT, "process %s, capacitor \"%s\": C = %.6g F, and the transconductors on its wires have %.6g F already; expected more, 1 pF and up: scale all capacitors and transconductances up",
                            process, name, asked, strays);
        return;
    }
    const char *lacking = es_sizing_plate(w->cmos->process, plates_share * (asked - strays), &made->size);
    if (lacking) {
        w->status = es_fail(w->error, ES_BAD_INPUT, "process %s, capacitor \"%s\": C = %.6g F less %.6g F of strays takes plates of %.6g F: %s; scale all capacitors and transconductances",
                            process, name, asked, strays, plates_share * (asked - strays), lacking);
        return;
    }
    made->made = strays + es_process_value(es_process_device(w->cmos->process, &es_role_capacitor), &made->size) / plates_share;
    add_plates(w, TEXT(w, "%s_a", name), p, n, &made->size);
    add_plates(w, TEXT(w, "%s_b", name), n, p, &made->size);
    add_plates(w, TEXT(w, "%s_p", name), p, "0", &made->size);
    add_plates(w, TEXT(w, "%s_n", name), n, "0", &made->size);
}

// Holds two wires at vcm +- v / 2 while `clock` is high.
static void add_preset(struct writer *w, const char *name, const char *p, const char *n, double v, const char *clock) {
    const char *from[2] = {"vcm", "vcm"};
    for (size_t i = 0; i < 2 && v != 0; i++) {
        from[i] = TEXT(w, "%s_start_%c", name, i ? 'n' : 'p');
        add_voltage(w, from[i], common + (i ? -v : v) / 2);
    }
    ADD_INSTANCE(w, name, "es_preset", p, n, from[0], from[1], clock, "0");
}

// ---- sources of time -------------------------------------------------------------------------------------------------

// A voltage source through points; `levels` are given with the times.
struct points {
    size_t count;
    double time[8 * PASSES], level[8 * PASSES];
};

static void add_point(struct points *points, double time, double level) {
    points->time[points->count] = time;
    points->level[points->count++] = level;
}

static void add_points(struct writer *w, const char *name, const struct points *points) {
    struct es_part *part = es_circuit_add(w->circuit, ES_PART_VOLTAGE, "v", name, name, "0", 0);
    part->waveform = ES_WAVE_POINTS;
    part->points = points->count;
    part->time = ES_NEW(w->arena, points->count, double);
    part->level = ES_NEW(w->arena, points->count, double);
    memcpy(part->time, points->time, points->count * sizeof *points->time);
    memcpy(part->level, points->level, points->count * sizeof *points->level);
}

// High from `on` to `off`, each an edge's beginning.
static void pulse(const struct writer *w, struct points *points, double on, double off) {
    if (points->count == 0)
        add_point(points, 0, on > 0 ? 0 : supply);
    if (on > 0) {
        add_point(points, on, 0);
        add_point(points, on + w->edge, supply);
    }
    add_point(points, off, supply);
    add_point(points, off + w->edge, 0);
}

// The signals' time in intervals of the grid: up in the free pass, down again in the echo.
static void add_time(struct writer *w) {
    struct points points = {0};
    double top = (double)(w->cmos->grid->points - 1) * (1 + 0.5 / (double)w->steps);
    add_point(&points, 0, 0);
    for (size_t k = 0; k < w->echoes; k++) {
        add_point(&points, begin(w, k), 0);
        add_point(&points, turn(w, k), top);
        add_point(&points, end(w, k), 0);
    }
    add_points(w, "t", &points);
}

static void add_clocks(struct writer *w) {
    struct points plus = {0}, minus = {0}, pre = {0}, idle = {0}, up = {0}, down = {0};
    double held = 0, preset = PRESET * w->step, edge = w->edge;
    for (size_t k = 0; k < w->echoes; k++) {
        double flip = turn(w, k) - edge / 2, on = turn(w, k) + w->step / 2, off = end(w, k) - edge;
        pulse(w, &plus, k ? begin(w, k) - preset / 2 : 0, flip);
        pulse(w, &minus, flip, end(w, k));
        pulse(w, &pre, k ? begin(w, k) - preset + edge : 0, begin(w, k) - edge);
        if (echo_sign[k] == 0)
            continue;
        pulse(w, echo_sign[k] > 0 ? &up : &down, on, off);
        pulse(w, &idle, held, on - edge);
        held = end(w, k);
    }
    add_points(w, "clk", &plus);
    add_points(w, "clkb", &minus);
    add_points(w, "pre", &pre);
    if (w->echoes == 1)
        return;
    pulse(w, &idle, held, 2 * held);
    add_points(w, "idle", &idle);
    add_points(w, "up", &up);
    add_points(w, "down", &down);
}

// v(name) = factor sample(t), straight between samples.
static void add_waveform(struct writer *w, const char *name, double factor, const double *sample) {
    char *line = NULL;
    size_t size = 0;
    double most = 0;
    for (size_t i = 0; i < w->cmos->grid->points && sample; i++)
        most = fmax(most, fabs(factor * sample[i]));
    FILE *stream = most > 0 ? open_memstream(&line, &size) : NULL;
    if (!stream) {
        add_voltage(w, name, 0);
        return;
    }
    fputs("pwl(v(t)", stream);
    for (size_t i = 0; i < w->cmos->grid->points; i++)
        fprintf(stream, "\n+ ,%zu,%.11g", i, factor * sample[i]);
    fprintf(stream, "\n+ ,%zu,%.11g)", w->cmos->grid->points, factor * sample[w->cmos->grid->points - 1]);
    fclose(stream);
    add_function(w, name, es_arena_string(w->arena, line));
    free(line);
}

// ---- the network -----------------------------------------------------------------------------------------------------

static const struct es_element *element(const struct writer *w, size_t i) {
    return &w->net->element[i];
}

static const double *values(const struct writer *w, size_t i) {
    return w->cmos->model->q[i];
}

// The nodes of a branch, the first not ground: of a gyrator and a capacitor the direction does not matter.
static void ends(const struct es_element *e, int *a, int *b) {
    *a = e->p >= 0 ? e->p : e->n;
    *b = e->p >= 0 ? e->n : ES_GROUND;
}

static void add_gyrator(struct writer *w, size_t i) {
    const char *name = element(w, i)->name;
    const double *q = values(w, i);
    int a, b;
    ends(element(w, i), &a, &b);
    size_t sides = b >= 0 ? 2 : 1;
    const char *pin[4];
    const struct es_transconductor_point point[2] = {look_up(w, name, q[GM1]), look_up(w, name, q[GM2])};
    if (w->status != ES_OK)
        return;
    for (size_t k = 0; k < 2 * sides; k++) {
        pin[k] = sides == 2 ? TEXT(w, "bias_%s_%c%zu", name, k % 2 ? 'b' : 'a', k / 2 + 1) : TEXT(w, "bias_%s_%zu", name, k + 1);
        add_bias(w, pin[k], &point[k / sides]);
    }
    const char *p = TEXT(w, "w_%s_p", name), *n = TEXT(w, "w_%s_n", name), *q_p = TEXT(w, "w_%s_q", name), *q_n = TEXT(w, "w_%s_r", name);
    if (sides == 2)
        ADD_INSTANCE(w, TEXT(w, "gyrator_%s", name), "es_gyrator", node_wire(w, a, 'p'), node_wire(w, a, 'n'), node_wire(w, b, 'p'), node_wire(w, b, 'n'), p, n, pin[0], pin[1], pin[2], pin[3], "clk", "clkb", RAILS);
    else
        ADD_INSTANCE(w, TEXT(w, "gyrator_%s", name), "es_gyrator_ground", node_wire(w, a, 'p'), node_wire(w, a, 'n'), p, n, pin[0], pin[1], "clk", "clkb", RAILS);
    w->node_stray[a] += point[0].cin + point[1].cout;
    if (b >= 0)
        w->node_stray[b] += point[0].cin + point[1].cout;
    w->stray[i] += (double)sides * (point[0].cout + point[1].cin);
    double lead = (point[0].delay + point[1].delay) / q[CL] - (point[0].go + point[1].go) / (q[GM1] * q[GM2]);
    if (lead < 2e-3) // losses prevail
        lead = 2e-3;
    es_circuit_add(w->circuit, ES_PART_RESISTOR, "r", TEXT(w, "lead_%s_p", name), p, q_p, lead / 2);
    es_circuit_add(w->circuit, ES_PART_RESISTOR, "r", TEXT(w, "lead_%s_n", name), n, q_n, lead / 2);
    add_preset(w, TEXT(w, "pre_w_%s", name), q_p, q_n, w->report->scale * q[GM1] / q[CL] * ((a >= 0 ? w->cmos->free->flux[a] : 0) - (b >= 0 ? w->cmos->free->flux[b] : 0)), "pre");
}

// Between nodes: no stray, and no preset of its own. A negative one is crossed.
static void add_coupling(struct writer *w, size_t i) {
    const struct es_element *e = element(w, i);
    double c = 2 * values(w, i)[0];
    for (size_t k = 0; k < 2; k++) {
        char wire = k ? 'n' : 'p', other = (c < 0) == (k == 0) ? 'n' : 'p';
        es_circuit_add(w->circuit, ES_PART_CAPACITOR, "c", TEXT(w, "coupling_%s_%c", e->name, wire), node_wire(w, e->p, wire), node_wire(w, e->n, other), fabs(c));
    }
}

// Each end of an input has a transconductor, driven where it is linear.
static void add_input(struct writer *w, size_t i) {
    const struct es_element *e = element(w, i);
    const double *x = w->cmos->free->input + (size_t)e->channel * w->cmos->grid->points, g = values(w, i)[0];
    double most = 0;
    for (size_t k = 0; k < w->cmos->grid->points; k++)
        most = fmax(most, fabs(g * x[k]) * w->report->scale);
    const char *source = TEXT(w, "x_%s", e->name), *p = TEXT(w, "x_%s_p", e->name), *n = TEXT(w, "x_%s_n", e->name);
    const struct es_transconductor_point point = look_up(w, e->name, fmax(most / drive_swing, drive_least));
    if (w->status != ES_OK)
        return;
    add_waveform(w, source, g * w->report->scale / point.gm, x);
    add_halves(w, source, p, n);
    for (size_t k = 0; k < 2; k++) {
        int node = k ? e->n : e->p;
        if (node < 0)
            continue;
        const char *pin = TEXT(w, "bias_%s_%zu", e->name, k + 1), *out_p = TEXT(w, "%s_p", pin), *out_n = TEXT(w, "%s_n", pin);
        add_bias(w, pin, &point);
        ADD_INSTANCE(w, pin, "es_ota", k ? n : p, k ? p : n, out_p, out_n, pin, RAILS);
        ADD_INSTANCE(w, TEXT(w, "%s_c", pin), "es_chopper", out_p, out_n, node_wire(w, node, 'p'), node_wire(w, node, 'n'), "clk", "clkb", "0");
        w->node_stray[node] += point.cout;
    }
}

// ---- nudges ----------------------------------------------------------------------------------------------------------

// The gyrator whose w is the flux of output o, or the number of elements.
static size_t reader(const struct writer *w, size_t o) {
    const struct es_element *e = element(w, w->net->output[o]);
    size_t i = 0;
    for (; i < w->net->elements; i++) {
        int a, b;
        ends(element(w, i), &a, &b);
        if (element(w, i)->kind == &es_gyrator && b < 0 && a == e->p && e->n < 0)
            break;
    }
    return i;
}

// Of L_beta per unit of beta_si: c = weight (phi - y)^2 / 2.
static double weight_of(const struct writer *w, size_t o) {
    return w->cmos->echo->nudge ? -w->cmos->echo->nudge[o] / w->cmos->beta_si : 0;
}

// The largest nudge has what is best, the others follow by their weights.
static void choose_beta(struct writer *w) {
    double most = 0, length = w->step * (double)w->steps;
    w->beta = INFINITY;
    for (size_t o = 0; o < w->net->outputs && w->status == ES_OK; o++) {
        const struct es_element *e = element(w, w->net->output[o]);
        size_t i = reader(w, o);
        if (e->read != ES_READ_FLUX || i == w->net->elements) {
            w->status = es_fail(w->error, ES_BAD_INPUT, "network \"%s\", line %d: output \"%s\" has no gyrator to ground at its node whose capacitor shows its flux; expected outputs of fluxes from a node to ground, with a gyrator (or an inductor) there",
                                w->net->name, e->line, e->name);
            return;
        }
        const double *q = values(w, i);
        double g = fmin(nudge_share * q[GM1], nudge_turn * q[CL] / length), per = fabs(weight_of(w, o)) * q[CL] / q[GM1];
        most = fmax(most, per);
        if (per > 0)
            w->beta = fmin(w->beta, g / per);
    }
    if (w->status == ES_OK && most == 0)
        w->status = es_fail(w->error, ES_BAD_INPUT, "network \"%s\": no output has a nudge; expected a flux output with a cost", w->net->name);
    w->report->beta_si = w->beta;
}

// +-g (y - w) into the node, by two transconductors with common outputs, which rest on vcm while no echo is nudged. Its polarity is kept.
static void add_nudge(struct writer *w, size_t o) {
    const struct es_element *e = element(w, w->net->output[o]);
    size_t i = reader(w, o);
    const double *q = values(w, i), weight = weight_of(w, o);
    if (weight == 0 || w->status != ES_OK)
        return;
    const struct es_transconductor_point point = look_up(w, e->name, w->beta * fabs(weight) * q[CL] / q[GM1]);
    if (w->status != ES_OK)
        return;
    const char *y = TEXT(w, "y_%s", e->name), *y_p = TEXT(w, "y_%s_p", e->name), *y_n = TEXT(w, "y_%s_n", e->name), *name = element(w, i)->name;
    const char *w_p = TEXT(w, "w_%s_p", name), *w_n = TEXT(w, "w_%s_n", name), *u_p = TEXT(w, "u_%s_p", e->name), *u_n = TEXT(w, "u_%s_n", e->name);
    const char *pin[2] = {TEXT(w, "bias_%s_w", e->name), TEXT(w, "bias_%s_y", e->name)};
    add_waveform(w, y, w->report->scale * q[GM1] / q[CL], w->cmos->free->target ? w->cmos->free->target + o * w->cmos->grid->points : NULL);
    add_halves(w, y, y_p, y_n);
    for (size_t k = 0; k < 2; k++)
        add_bias(w, pin[k], &point);
    ADD_INSTANCE(w, pin[0], "es_ota", w_p, w_n, u_n, u_p, pin[0], RAILS);
    ADD_INSTANCE(w, pin[1], "es_ota", y_p, y_n, u_p, u_n, pin[1], RAILS);
    bool up = weight > 0;
    ADD_INSTANCE(w, TEXT(w, "nudge_%s", e->name), "es_chopper", u_p, u_n, node_wire(w, e->p, 'p'), node_wire(w, e->p, 'n'), up ? "up" : "down", up ? "down" : "up", "0");
    ADD_INSTANCE(w, TEXT(w, "idle_%s", e->name), "es_preset", u_p, u_n, "vcm", "vcm", "idle", "0");
    w->node_stray[e->p] += point.cout / 2; // half of its cout is its chopper, which both share
    w->stray[i] += point.cin;
}

// ---- measurement -----------------------------------------------------------------------------------------------------

static const struct es_element *trained(const struct writer *w, size_t parameter) {
    return element(w, w->net->parameter[parameter].element);
}

static void check_parameters(struct writer *w) {
    for (size_t i = 0; i < w->net->parameters && w->status == ES_OK; i++)
        if (trained(w, i)->kind != &es_gyrator)
            w->status = es_fail(w->error, ES_BAD_INPUT, "network \"%s\", line %d: %s \"%s\" is trained, for which there is no cell that measures; expected trained gyrators and inductors alone",
                                w->net->name, trained(w, i)->line, trained(w, i)->kind->row.name, trained(w, i)->name);
}

// v(m_plus) and v(m_minus) at the end: the mean over an echo of (w / swing)^2.
static void add_integrators(struct writer *w, size_t i) {
    for (size_t k = 0; k < 2; k++) {
        const char *side = k ? "minus" : "plus", *name = element(w, i)->name, *square = TEXT(w, "square_%s_%s", side, name), *m = TEXT(w, "m_%s_%s", side, name);
        add_function(w, square, TEXT(w, "(v(w_%s_q,w_%s_r)/%.11g)^2*v(%s)/%.11g", name, name, ES_CMOS_SWING, k ? "down" : "up", supply));
        struct es_part *part = es_circuit_add(w->circuit, ES_PART_VCCS, "g", m, "0", m, 1);
        part->c = square;
        part->d = "0";
        double length = w->step * (double)w->steps;
        es_circuit_add(w->circuit, ES_PART_CAPACITOR, "c", m, m, "0", length);
        es_circuit_add(w->circuit, ES_PART_RESISTOR, "r", m, m, "0", 1e9); // for the operating point
    }
}

// Whether an input moves anything; one that is 0 all the time only loads its node.
static bool is_driven(const struct writer *w) {
    const struct es_grid *grid = w->cmos->grid;
    for (size_t i = 0; i < w->net->elements; i++)
        for (size_t n = 0; n < grid->points && element(w, i)->kind == &es_input; n++)
            if (w->cmos->free->input[(size_t)element(w, i)->channel * grid->points + n] != 0)
                return true;
    return false;
}

// Vectors z1 .. of the state: voltages of nodes, then w of gyrators; each with what half its square is times to be energy.
static size_t write_states(const struct writer *w, FILE *stream, size_t first, size_t last, const char *suffix) {
    size_t count = 0;
    for (size_t i = 0; i < w->net->nodes; i++)
        fprintf(stream, "let z%zu%s = v(n_%s_p)[%zu,%zu] - v(n_%s_n)[%zu,%zu]\n", ++count, suffix, w->net->node[i].name, first, last, w->net->node[i].name, first, last);
    for (size_t i = 0; i < w->net->elements; i++)
        if (element(w, i)->kind == &es_gyrator)
            fprintf(stream, "let z%zu%s = v(w_%s_q)[%zu,%zu] - v(w_%s_r)[%zu,%zu]\n", ++count, suffix, element(w, i)->name, first, last, element(w, i)->name, first, last);
    return count;
}

static void write_sum(FILE *stream, const char *name, size_t count, const char *format) {
    fprintf(stream, "let %s = 0 * z1\n", name);
    for (size_t i = 1; i <= count; i++) {
        fprintf(stream, "let %s = %s + ", name, name);
        for (const char *c = format; *c; c++)
            *c == '#' ? fprintf(stream, "%zu", i) : fputc(*c, stream);
        fputc('\n', stream);
    }
}

// The first echo has no nudge: the free pass, and its mirror image.
static void write_retrace(const struct writer *w, FILE *stream) {
    size_t first = beginning(w, 0), back = first + w->steps + 1;
    size_t count = write_states(w, stream, first, first + w->steps, "");
    write_states(w, stream, back + w->steps, back, "b");
    write_sum(stream, "norm", count, "z#^2");
    write_sum(stream, "miss", count, "(z# - z#b)^2");
    fprintf(stream, "let retrace = sqrt(vecmax(miss) / vecmax(norm))\necho \"retrace $&retrace of the largest state, at most %g\"\n"
                    "if retrace <= %g\nlet good = good + 1\nend\n", ES_CMOS_RETRACE, ES_CMOS_RETRACE);
}

// Half the slope of the logarithm of the stored energy, by least squares.
static void write_growth(const struct writer *w, FILE *stream) {
    size_t count = 0;
    fprintf(stream, "let energy = 0 * z1\n");
    for (size_t n = 0; n < w->net->nodes; n++) {
        double c = 0;
        for (size_t i = 0; i < w->net->elements; i++)
            if (element(w, i)->kind == &es_capacitor && (element(w, i)->p == (int)n || element(w, i)->n == (int)n))
                c += values(w, i)[0];
        fprintf(stream, "let energy = energy + %.17g * z%zu^2\n", c, ++count);
    }
    for (size_t i = 0; i < w->net->elements; i++) {
        const struct es_element *e = element(w, i);
        const double *q = values(w, i);
        if (e->kind == &es_gyrator)
            fprintf(stream, "let energy = energy + %.17g * z%zu^2\n", q[CL] * q[GM2] / q[GM1], ++count);
        if (e->kind == &es_capacitor && e->p >= 0 && e->n >= 0) // C (va - vb)^2 = C va^2 + C vb^2 - 2 C va vb
            fprintf(stream, "let energy = energy - %.17g * z%d * z%d\n", 2 * q[0], e->p + 1, e->n + 1);
    }
    fprintf(stream, "let number = vector(%zu) / %d\nlet level = ln(energy) / 2\nlet growth = (mean(number * level) - mean(number) * mean(level)) / (mean(number^2) - mean(number)^2)\n", w->steps + 1, PERIOD);
    fprintf(stream, "echo \"growth $&growth of the amplitude per period, at most %g\"\nif abs(growth) < %g\nlet good = good + 1\nend\n", ES_CMOS_GROWTH, ES_CMOS_GROWTH);
    if (w->net->nodes == 1 && count == 2)
        fprintf(stream, "let angle = cph(z1 + i * z2)\nlet f0 = abs(mean(number * angle) - mean(number) * mean(angle)) / (mean(number^2) - mean(number)^2) / (2 * pi) - 1\n"
                        "echo \"f0 $&f0 off the network's %.6g Hz, at most %g\"\nif abs(f0) < %g\nlet good = good + 1\nend\n",
                w->cmos->omega / (2 * acos(-1)), ES_CMOS_FREQUENCY, ES_CMOS_FREQUENCY);
}

// dC/dtheta = -dk/dq dq/dtheta D[integral psi^2 / 2 dt], psi = C_L w / gm1.
static void write_row(const struct writer *w, FILE *stream, size_t i) {
    const struct es_element *e = trained(w, i);
    size_t k = w->net->parameter[i].element, quantity = w->net->parameter[i].quantity;
    double slope[ES_QUANTITIES] = {0}, length = w->step * (double)w->steps, psi = values(w, k)[CL] / values(w, k)[GM1] * ES_CMOS_SWING / w->report->scale;
    double weight = es_parameter_slope(w->net, i, w->cmos->model->theta[i]);
    e->kind->slope(values(w, k), slope);
    double factor = -slope[quantity] * es_element_scale(e, quantity) * psi * psi * length / 2 / (2 * w->beta);
    fprintf(stream, "let plus = v(m_plus_%s)[last]\nlet minus = v(m_minus_%s)[last]\nlet gradient = (plus - minus) * %.17g\nlet expected = %.17g\n"
                    "echo \"%-23s\t$&plus\t$&minus\t$&gradient\t$&expected\"\n", e->name, e->name, factor, w->cmos->gradient[i],
            es_arena_printf(w->arena, "%s %s", e->name, e->kind->quantity[quantity].name));
    fprintf(stream, "let ours = ours + (%.17g * gradient) ^ 2\nlet theirs = theirs + (%.17g * expected) ^ 2\nlet both = both + %.17g ^ 2 * gradient * expected\n", weight, weight, weight);
}

static void write_gradient(const struct writer *w, FILE *stream) {
    fprintf(stream, "let ours = 0\nlet theirs = 0\nlet both = 0\nlet last = length(v(t)) - 1\n"
                    "echo\necho \"means of (w / %g V)^2 over the echoes, gradient in SI units, beta = %.6g per SI unit, signals times %.6g\"\n"
                    "echo \"%-23s\techo +\techo -\tgradient\techospice\"\n", ES_CMOS_SWING, w->beta, w->report->scale, "trained");
    for (size_t i = 0; i < w->net->parameters; i++)
        write_row(w, stream, i);
    fprintf(stream, "let cosine = both / sqrt(ours * theirs)\nlet ratio = sqrt(ours / theirs)\necho \"gradient: cosine $&cosine, at least %g, norm $&ratio of echospice's\"\n"
                    "if cosine >= %g\nlet good = good + 1\nend\n", ES_CMOS_COSINE, ES_CMOS_COSINE);
}

static void write_wires(const struct writer *w, FILE *stream) {
    for (size_t i = 0; i < w->net->nodes; i++)
        fprintf(stream, " v(n_%s_p) v(n_%s_n)", w->net->node[i].name, w->net->node[i].name);
    for (size_t i = 0; i < w->net->elements; i++)
        if (element(w, i)->kind == &es_gyrator)
            fprintf(stream, " v(w_%s_q) v(w_%s_r)", element(w, i)->name, element(w, i)->name);
}

// Its switching needs smaller tolerances than ngspice's.
static void write_gnucap(const struct writer *w, FILE *stream) {
    fprintf(stream, ".options reltol=1e-7 vntol=1e-9 abstol=1e-14 chgtol=1e-18 trtol=1 numdgt=12\n.print tran");
    write_wires(w, stream);
    fprintf(stream, "\n.tran %.12g %.12g 0 %.12g\n.end\n", w->step, end(w, w->echoes - 1), w->step / 2);
}

static void write_script(const struct writer *w, FILE *stream) {
    const double stop = end(w, w->echoes - 1) + w->step; // not at a break point
    size_t promises = 2;
    fprintf(stream, ".options reltol=1e-5 vntol=1e-8 abstol=1e-14 chgtol=1e-18\n.control\nset num_threads=1\nset numdgt=7\nsave v(t)");
    write_wires(w, stream);
    for (size_t i = 0; i < w->net->parameters; i++)
        fprintf(stream, " v(m_plus_%s) v(m_minus_%s)", trained(w, i)->name, trained(w, i)->name);
    fprintf(stream, "\ntran %.12g %.12g 0 %.12g\nlinearize\nlet good = 0\nif time[length(time) - 1] > %.12g\nlet good = 1\nend\n", w->step, stop, w->step / 2, stop - w->step);
    write_retrace(w, stream);
    if (!is_driven(w)) {
        write_growth(w, stream);
        promises += w->net->nodes == 1 ? 2 : 1;
    }
    if (w->echoes > 1) {
        write_gradient(w, stream);
        promises++;
    }
    fprintf(stream, "if good = %zu\necho agrees\nquit 0\nend\necho DISAGREES\nquit 1\n.endc\n.end\n", promises);
}

// ---- the whole -------------------------------------------------------------------------------------------------------

// Sum of W L over the transistors of a cell and of the cells in it [m2].
static double channel_area(const char *name) {
    double area = 0;
    const struct cell *cell = cells;
    while (cell < cells + CELLS && strcmp(cell->name, name) != 0)
        cell++;
    if (cell == cells + CELLS)
        return 0;
    char *copy = strndup(cell->text, *cell->size), *rest = NULL;
    for (char *line = copy ? strtok_r(copy, "\n", &rest) : NULL; line; line = strtok_r(NULL, "\n", &rest)) {
        const char *width = strstr(line, " w="), *length = strstr(line, " l="), *last = strrchr(line, ' ');
        if (*line == 'm' && width && length)
            area += strtod(width + 3, NULL) * strtod(length + 3, NULL);
        else if (*line == 'x' && last)
            area += channel_area(last + 1);
    }
    free(copy);
    return area;
}

static const char *head(struct writer *w) {
    char *line = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&line, &size);
    if (!stream)
        return "";
    if (w->cmos->dialect == &es_dialect_ngspice)
        fprintf(stream, "* ngspice -b DECK: status 0 if the echo retraces within %g, the amplitude grows by less than %g per period, f0 is within %g, the gradient's cosine at least %g\n",
                ES_CMOS_RETRACE, ES_CMOS_GROWTH, ES_CMOS_FREQUENCY, ES_CMOS_COSINE);
    fputs(w->cmos->head, stream);
    for (size_t i = 0; i < CELLS; i++)
        fprintf(stream, "%.*s", (int)*cells[i].size, cells[i].text);
    fclose(stream);
    const char *copy = es_arena_string(w->arena, line);
    free(line);
    return copy;
}

static void add_network(struct writer *w) {
    for (size_t i = 0; i < w->net->elements && w->status == ES_OK; i++) {
        const struct es_element *e = element(w, i);
        if (e->kind == &es_gyrator)
            add_gyrator(w, i);
        else if (e->kind == &es_input)
            add_input(w, i);
        else if (e->kind == &es_capacitor && e->p >= 0 && e->n >= 0)
            add_coupling(w, i);
    }
    for (size_t o = 0; o < w->net->outputs && w->echoes > 1 && w->status == ES_OK; o++)
        add_nudge(w, o);
    for (size_t n = 0; n < w->net->nodes && w->status == ES_OK; n++) {
        double c = 0;
        for (size_t i = 0; i < w->net->elements; i++) {
            int a, b;
            ends(element(w, i), &a, &b);
            if (element(w, i)->kind == &es_capacitor && a == (int)n && b < 0)
                c += values(w, i)[0];
        }
        const char *name = TEXT(w, "n_%s", w->net->node[n].name), *p = node_wire(w, (int)n, 'p'), *m = node_wire(w, (int)n, 'n');
        add_capacitor(w, name, c, w->node_stray[n], p, m);
        add_preset(w, TEXT(w, "pre_%s", name), p, m, w->report->scale * w->cmos->free->voltage[n], "pre");
    }
    for (size_t i = 0; i < w->net->elements && w->status == ES_OK; i++)
        if (element(w, i)->kind == &es_gyrator)
            add_capacitor(w, TEXT(w, "w_%s", element(w, i)->name), values(w, i)[CL], w->stray[i], TEXT(w, "w_%s_q", element(w, i)->name), TEXT(w, "w_%s_r", element(w, i)->name));
    for (size_t i = 0; i < w->net->parameters && w->status == ES_OK; i++) {
        size_t first = 0;
        while (trained(w, first) != trained(w, i))
            first++;
        if (first == i)
            add_integrators(w, w->net->parameter[i].element);
    }
}

static char *write_deck(struct writer *w) {
    char *body = es_circuit_text(w->circuit, w->cmos->dialect, w->error), *deck = NULL;
    size_t size = 0;
    FILE *stream = body ? open_memstream(&deck, &size) : NULL;
    if (stream) {
        fprintf(stream, "%.*s", (int)(strlen(body) - strlen(".end\n")), body);
        if (w->cmos->dialect == &es_dialect_ngspice)
            write_script(w, stream);
        else
            write_gnucap(w, stream);
        fclose(stream);
    }
    free(body);
    return deck;
}

char *es_cmos_text(const struct es_cmos *cmos, struct es_arena *arena, struct es_cmos_report *report, struct es_error *error) {
    const struct es_network *net = cmos->model->net;
    const struct es_process *process = cmos->process;
    if (process->supply < least_supply) {
        es_fail(error, ES_BAD_INPUT, "process %s: supply = %g V: the cells stack five transistors and take %g V at least; expected a process, or its devices, of 3.3 V", process->name, process->supply, least_supply);
        return NULL;
    }
    struct writer w = {.cmos = cmos, .net = net, .arena = arena, .report = report, .error = error, .circuit = ES_NEW(arena, 1, struct es_circuit),
        .stray = ES_NEW(arena, net->elements, double), .node_stray = ES_NEW(arena, net->nodes, double), .echoes = net->parameters ? PASSES : 1};
    double length = (double)(cmos->grid->points - 1) * cmos->grid->interval, period = 2 * acos(-1) / cmos->omega;
    w.steps = (size_t)ceil(length / period * PERIOD);
    w.step = length / (double)w.steps;
    w.edge = period / 2500;
    *report = (struct es_cmos_report){.made = ES_NEW(arena, 8 * net->elements + net->nodes, struct es_cmos_made), .scale = fmin(1, ES_CMOS_SWING / cmos->swing)};
    *w.circuit = (struct es_circuit){.arena = arena, .title = TEXT(&w, "echospice %s, transistors of the process %s", net->name, process->name), .analysis = {.controlled = true}};
    w.circuit->head = head(&w);
    check_parameters(&w);
    if (w.echoes > 1 && w.status == ES_OK)
        choose_beta(&w);
    add_voltage(&w, "vdd", supply);
    add_voltage(&w, "vcm", common);
    add_voltage(&w, "vcn", gate_n);
    add_voltage(&w, "vcp", gate_p);
    add_time(&w);
    add_clocks(&w);
    add_network(&w);
    for (size_t i = 0; i < w.circuit->parts; i++)
        if (w.circuit->part[i].primitive == ES_PART_INSTANCE)
            report->channels += channel_area(w.circuit->part[i].of);
    return w.status == ES_OK ? write_deck(&w) : NULL;
}
