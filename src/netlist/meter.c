// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// What is sensed at trained elements, and integrated beside them.
#include "netlist/bench.h"

#include "netlist/deck.h"

#include <ctype.h>
#include <math.h>
#include <string.h>

// Volts that stand for one ampere of an inductor's current.
static const double current_reading = 1e3;

// What is integrated for a trained coefficient k of a kind: dC/dk = share D[integral a b dt], D[.] being the difference between the echoes over 2 beta.
static const struct meter {
    const struct es_element_kind *kind;
    enum es_signal a, b;
    double share;
} meters[] = {
    {&es_inductor, ES_SIGNAL_FLUX, ES_SIGNAL_FLUX, -0.5},
    {&es_gyrator, ES_SIGNAL_FLUX, ES_SIGNAL_FLUX, -0.5},
    {&es_mesh, ES_SIGNAL_FLUX, ES_SIGNAL_FLUX, -0.5},
    {&es_capacitor, ES_SIGNAL_VOLTAGE, ES_SIGNAL_VOLTAGE, 0.5},
    {&es_input, ES_SIGNAL_INPUT, ES_SIGNAL_FLUX, 1},
};

static const struct meter *meter_of(const struct es_element *e) {
    for (size_t i = 0; i < sizeof meters / sizeof *meters; i++)
        if (meters[i].kind == e->kind)
            return &meters[i];
    return NULL;
}

struct es_accumulator es_testbench_integral(const struct es_network *net, size_t parameter) {
    size_t e = net->parameter[parameter].element;
    const struct meter *meter = meter_of(&net->element[e]);
    enum es_signal none = ES_SIGNAL_ONE;
    return (struct es_accumulator){.a = {meter ? meter->a : none, e, 0}, .b = {meter ? meter->b : none, e, 0}};
}

const struct es_element *es_bench_element(const struct es_bench *w, size_t parameter) {
    const struct es_network *net = w->bench->model->net;
    return &net->element[net->parameter[parameter].element];
}

static bool is_inductor(const struct es_element *e) {
    return e->kind == &es_inductor;
}

double es_meter_reading(const struct es_bench *w, size_t parameter) {
    const struct es_model *model = w->bench->model;
    const struct es_element *e = es_bench_element(w, parameter);
    const struct meter *meter = meter_of(e);
    size_t i = (size_t)(e - model->net->element);
    double flux = is_inductor(e) ? 1 / model->k[i] : e->kind == &es_input ? w->bench->grid->interval : es_deck_flux(w->arena, model, w->bench->grid, i).scale;
    return (meter->a == ES_SIGNAL_FLUX ? flux : 1) * (meter->b == ES_SIGNAL_FLUX ? flux : 1) / fabs(meter->share);
}

double es_meter_scale(const struct es_bench *w, size_t parameter) {
    const struct es_element *e = es_bench_element(w, parameter);
    return fabs(meter_of(e)->share) / (is_inductor(e) ? current_reading * current_reading : 1);
}

double es_meter_factor(const struct es_bench *w, size_t parameter) {
    const struct es_element *e = es_bench_element(w, parameter);
    size_t quantity = w->bench->model->net->parameter[parameter].quantity;
    double slope[ES_QUANTITIES] = {0};
    e->kind->slope(w->bench->model->q[e - w->bench->model->net->element], slope);
    return meter_of(e)->share * slope[quantity] * es_element_scale(e, quantity) * es_meter_reading(w, parameter) / (2 * w->bench->beta_si);
}

enum es_status es_meter_check(const struct es_bench *w, size_t parameter, struct es_error *error) {
    const struct es_model *model = w->bench->model;
    const struct es_element *e = es_bench_element(w, parameter);
    const char *quantity = e->kind->quantity[model->net->parameter[parameter].quantity].name;
    if (!meter_of(e) || model->coupled[e - model->net->element] || es_element_own_state(e) || es_element_decays(e))
        return es_fail(error, ES_BAD_INPUT, "network \"%s\", line %d: %s \"%s\" trains \"%s\", for which a testbench has no integrator; expected uncoupled and lossless inductors, gyrators, "
                       "mesh conductances, capacitors and inputs, without a state of their own", model->net->name, e->line, e->kind->row.name, e->name, quantity);
    if (e->kind == &es_capacitor && es_across(e, w->bench->pass[0].voltage) != 0)
        return es_fail(error, ES_BAD_INPUT, "network \"%s\", line %d: capacitor \"%s\" trains \"%s\" and begins with a voltage, whose part of the gradient no integrator sees", model->net->name, e->line, e->name, quantity);
    return ES_OK;
}

// The integrator of `parameter` beside its element, in its cell, for the product of v(p) - v(n) and v(c) - v(d).
static void add_integrator(struct es_bench *w, size_t parameter, const char *cell, const char *p, const char *n, const char *c, const char *d) {
    const char *name = es_bench_element(w, parameter)->name, *m = es_arena_printf(w->arena, "m_%s", name);
    es_bench_add_instance(w, w->inner, es_arena_printf(w->arena, "product_%s", name), "integrator", cell, 7, (const char *const[]){p, n, c, d, "ck", m, "0"});
    char *path = es_arena_printf(w->arena, "x_%s.%s", cell, m);
    for (char *letter = path; *letter; letter++)
        *letter = (char)tolower((unsigned char)*letter);
    w->measured[parameter] = path;
}

void es_meter_add_current(struct es_bench *w, const struct es_part *from, size_t parameter) {
    const char *name = es_bench_element(w, parameter)->name, *y = es_arena_printf(w->arena, "y_%s", name), *s = es_arena_printf(w->arena, "s_%s", name);
    es_bench_copy(w->inner, from)->n = y;
    es_circuit_add(w->inner, ES_PART_VOLTAGE, "vs", name, y, from->n, 0)->cell = from->cell;
    struct es_part *mirror = es_circuit_add(w->inner, ES_PART_CCCS, "fs", name, "0", s, 1);
    mirror->cell = from->cell;
    mirror->of = es_arena_printf(w->arena, "vs_%s", name);
    es_circuit_add(w->inner, ES_PART_RESISTOR, "rs", name, s, "0", current_reading)->cell = from->cell;
    add_integrator(w, parameter, from->cell, s, "0", s, "0");
}

static bool is_of(const struct es_bench *w, const struct es_part *part, const struct es_element *e) {
    return part->valued && &w->bench->model->net->element[part->element] == e;
}

size_t es_meter_here(const struct es_bench *w, const struct es_part *part) {
    size_t parameters = w->bench->model->net->parameters, i = 0;
    while (i < parameters && !(part->primitive == ES_PART_INDUCTOR && is_of(w, part, es_bench_element(w, i)) && !w->measured[i]))
        i++;
    return i;
}

// The cell of the element's own part.
static const char *cell_of(const struct es_bench *w, const struct es_element *e) {
    for (size_t i = 0; i < w->inner->parts; i++)
        if (w->inner->part[i].cell && is_of(w, &w->inner->part[i], e))
            return w->inner->part[i].cell;
    return NULL;
}

// A wire of a node that carries a signal.
static const char *wire(struct es_bench *w, const char *node, char which) {
    return es_arena_printf(w->arena, "%s_%c", node, which);
}

static struct es_part controlled(const char *prefix, enum es_primitive primitive, const char *name, const char *cell, const char *p, const char *n, const char *c, const char *d) {
    return (struct es_part){.primitive = primitive, .prefix = prefix, .name = name, .cell = cell, .p = p, .n = n, .c = c, .d = d, .value = 1};
}

// The voltage between two signal nodes, as *p above *n; NULL is ground.
static void add_difference(struct es_bench *w, const char *name, const char *cell, const char *plus, const char *minus, const char **p, const char **n) {
    const char *one = plus ? plus : minus;
    *p = wire(w, one, 'p');
    *n = wire(w, one, 'n');
    if (!plus || !minus)
        return;
    const char *s = es_arena_printf(w->arena, "s_%s", name), *t = es_arena_printf(w->arena, "t_%s", name);
    const struct es_part first = controlled("es", ES_PART_VCVS, s, cell, s, t, *p, *n), second = controlled("es", ES_PART_VCVS, t, cell, t, "0", wire(w, minus, 'n'), wire(w, minus, 'p'));
    es_bench_copy(w->inner, &first);
    es_bench_copy(w->inner, &second);
    *p = s;
    *n = "0";
}

static const char *node_of(struct es_bench *w, int node) {
    return node >= 0 ? es_deck_node(w->arena, w->bench->model->net, (size_t)node) : NULL;
}

// The flux of an input's branch in units of `interval`, as that of a flux output.
static const char *add_flux(struct es_bench *w, const struct es_element *e, const char *cell) {
    const char *q = es_arena_printf(w->arena, "q_%s", e->name), *p, *n;
    double interval = w->bench->grid->interval, psi = (e->p >= 0 ? 1 : -1) * es_across(e, w->bench->pass[0].flux);
    add_difference(w, e->name, cell, node_of(w, e->p), node_of(w, e->n), &p, &n);
    const struct es_part integrate = controlled("gq", ES_PART_VCCS, e->name, cell, "0", q, p, n);
    if (w->bench->pass[1].reversal->swapped)
        es_bench_add_chopped(w, w->inner, &integrate, false);
    else
        es_bench_copy(w->inner, &integrate);
    struct es_part *capacitor = es_circuit_add(w->inner, ES_PART_CAPACITOR, "cq", e->name, q, "0", interval);
    capacitor->cell = cell;
    capacitor->initial = psi / interval;
    return q;
}

void es_meter_add_voltage(struct es_bench *w, size_t parameter) {
    const struct es_element *e = es_bench_element(w, parameter);
    const struct es_model *model = w->bench->model;
    const char *cell = cell_of(w, e), *p, *n;
    if (e->kind == &es_input) {
        const char *x = es_deck_inner(w->arena, 'x', model->net->channel[e->channel]), *q = add_flux(w, e, cell);
        add_integrator(w, parameter, cell, q, "0", e->p >= 0 ? x : "0", e->p >= 0 ? "0" : x);
        return;
    }
    struct es_deck_reading reading = es_deck_flux(w->arena, model, w->bench->grid, (size_t)(e - model->net->element));
    bool node = e->kind == &es_capacitor;
    add_difference(w, e->name, cell, node ? node_of(w, e->p) : reading.plus, node ? node_of(w, e->n) : reading.minus, &p, &n);
    add_integrator(w, parameter, cell, p, n, p, n);
}
