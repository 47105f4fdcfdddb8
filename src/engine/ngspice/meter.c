// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
#include "engine/ngspice/meter.h"

#include "netlist/deck.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { ZERO, ONE, FIRST }; // places in values

struct entry {
    const char *name;
    size_t place; // in values
};

struct index {
    struct es_meter *meter;
    size_t entries;
    struct entry *entry; // sorted by name
    const char *missing;
};

static int by_name(const void *a, const void *b) {
    return strcmp(((const struct entry *)a)->name, ((const struct entry *)b)->name);
}

static size_t place_of(const struct index *index, const char *name) {
    struct entry key = {.name = name}, *found = bsearch(&key, index->entry, index->entries, sizeof key, by_name);
    return found ? found->place : 0;
}

// A vector, or the difference of a differential node's wires.
static size_t find(struct index *index, const char *name) {
    struct es_meter *meter = index->meter;
    size_t place = place_of(index, name), first = FIRST + meter->vectors + meter->model->net->nodes;
    if (place)
        return place;
    size_t plus = place_of(index, es_arena_printf(meter->arena, "%s_p", name)), minus = place_of(index, es_arena_printf(meter->arena, "%s_n", name));
    if (!plus || !minus) {
        index->missing = name;
        return 0;
    }
    for (size_t i = 0; i < meter->pairs; i++)
        if (meter->pair[i].plus == plus)
            return first + i;
    meter->pair[meter->pairs] = (struct es_probe){.plus = plus, .minus = minus};
    return first + meter->pairs++;
}

static void take_differences(struct es_meter *meter) {
    double *difference = meter->values + FIRST + meter->vectors + meter->model->net->nodes;
    for (size_t i = 0; i < meter->pairs; i++)
        difference[i] = meter->values[meter->pair[i].plus] - meter->values[meter->pair[i].minus];
}

static size_t flux_place(const struct es_meter *meter, int node) {
    return node == ES_GROUND ? ZERO : FIRST + meter->vectors + (size_t)node;
}

static size_t voltage_place(const struct es_meter *meter, int node) {
    return node == ES_GROUND ? ZERO : meter->place[node];
}

static struct es_probe flux_probe(struct index *index, size_t element) {
    struct es_meter *meter = index->meter;
    const struct es_element *e = &meter->model->net->element[element];
    struct es_deck_reading flux = es_deck_flux(meter->arena, meter->model, &meter->batch->grid, element);
    if (flux.plus || flux.minus)
        return (struct es_probe){.plus = flux.plus ? find(index, flux.plus) : ZERO, .minus = flux.minus ? find(index, flux.minus) : ZERO, .scale = flux.scale};
    if (e->kind == &es_inductor && !meter->model->coupled[element]) // psi = L i
        return (struct es_probe){.plus = find(index, es_deck_current(meter->arena, meter->model->net, element)), .scale = meter->model->q[element][0]};
    return (struct es_probe){.plus = flux_place(meter, e->p), .minus = flux_place(meter, e->n), .scale = 1};
}

static struct es_probe probe(struct index *index, struct es_observable o) {
    struct es_meter *meter = index->meter;
    const struct es_element *e = &meter->model->net->element[o.element];
    struct es_probe result = {.plus = ONE, .scale = 1};
    switch (o.signal) {
    case ES_SIGNAL_ONE:
        break;
    case ES_SIGNAL_CURRENT:
        if (e->kind == &es_inductor) {
            result.plus = find(index, es_deck_current(meter->arena, meter->model->net, o.element));
            break;
        }
        result = flux_probe(index, o.element);
        result.bent = true;
        break;
    case ES_SIGNAL_SLOPE:
        result = flux_probe(index, o.element);
        result.bent = true;
        break;
    case ES_SIGNAL_FLUX:
        result = flux_probe(index, o.element);
        break;
    case ES_SIGNAL_VOLTAGE:
        result = (struct es_probe){.plus = voltage_place(meter, e->p), .minus = voltage_place(meter, e->n), .scale = 1};
        break;
    case ES_SIGNAL_INPUT:
        result.plus = find(index, es_deck_inner(meter->arena, 'x', meter->model->net->channel[e->channel]));
        break;
    case ES_SIGNAL_FLUX_ERROR: // both in units of the interval
        result = flux_probe(index, o.element);
        result.minus = find(index, es_deck_inner(meter->arena, 'y', e->name));
        break;
    case ES_SIGNAL_VOLTAGE_ERROR: // its target is only there where the pass has one
        result = (struct es_probe){.plus = voltage_place(meter, e->p), .minus = voltage_place(meter, e->n), .less = meter->target[e->channel], .scale = 1};
        break;
    }
    result.signal = o;
    return result;
}

// dU/dq or dU/dpsi at the flux x.
static double bend(const struct es_model *model, struct es_observable signal, double x) {
    const struct es_element_kind *kind = model->net->element[signal.element].kind;
    const double *q = model->q[signal.element];
    double current = model->k[signal.element] * x, du[ES_QUANTITIES];
    if (signal.signal == ES_SIGNAL_SLOPE) {
        kind->potential->slope(q, x, du);
        return du[signal.quantity];
    }
    if (kind->potential)
        kind->potential->current(q, 1, &x, &current, NULL);
    return current;
}

static double read_probe(const struct es_meter *meter, const struct es_probe *p) {
    double x = p->scale * (meter->values[p->plus] - meter->values[p->minus]) - meter->values[p->less];
    return p->bent ? bend(meter->model, p->signal, x) : x;
}

static void allocate(struct es_meter *meter, size_t vectors) {
    const struct es_network *net = meter->model->net;
    size_t count = meter->batch->accumulators;
    struct es_arena *arena = meter->arena;
    meter->vectors = vectors;
    meter->values = ES_NEW(arena, FIRST + vectors + net->nodes + vectors / 2, double);
    meter->pair = ES_NEW(arena, vectors / 2, struct es_probe);
    meter->values[ONE] = 1;
    meter->place = ES_NEW(arena, net->nodes, size_t);
    meter->a = ES_NEW(arena, count, struct es_probe);
    meter->b = ES_NEW(arena, count, struct es_probe);
    meter->square = ES_NEW(arena, count, bool);
    meter->target = ES_NEW(arena, net->outputs, size_t);
    meter->own = ES_NEW(arena, net->elements, struct es_own_flux);
    double **rows[] = {&meter->last_a, &meter->last_b, &meter->integral, &meter->last_voltage, &meter->flux, &meter->voltage, &meter->nudge_charge};
    size_t size[] = {count, count, count, net->nodes, net->nodes, net->nodes, net->outputs};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        *rows[i] = ES_NEW(arena, size[i], double);
}

static void find_targets(struct index *index, const struct es_pass *start) {
    struct es_meter *meter = index->meter;
    const struct es_network *net = meter->model->net;
    for (size_t o = 0; o < net->outputs; o++) {
        const struct es_element *e = &net->element[net->output[o]];
        if (e->read == ES_READ_VOLTAGE && start->target)
            meter->target[o] = find(index, es_deck_inner(meter->arena, 'y', e->name));
    }
}

static void find_own(struct index *index, const struct es_pass *start) {
    struct es_meter *meter = index->meter;
    const bool *own = es_batch_own_fluxes(meter->batch, meter->model, meter->arena);
    for (size_t e = 0; e < meter->model->net->elements; e++)
        if (own[e] || (meter->stored && meter->model->net->element[e].kind == &es_gyrator))
            meter->own[meter->owns++] = (struct es_own_flux){e, flux_probe(index, e), es_model_flux(meter->model, e, start->flux, start->offset)};
}

bool es_meter_start(struct es_meter *meter, const struct es_model *model, const struct es_batch *batch, const struct es_pass *start, const struct es_scheme *scheme,
                    struct es_arena *arena, size_t vectors, const char *const *name, const char **missing) {
    const struct es_network *net = model->net;
    *meter = (struct es_meter){.model = model, .batch = batch, .arena = arena, .middles = scheme->middle, .stored = scheme == &es_transistors, .recharged = (start->window || start->growth != 0) && start->nudge};
    allocate(meter, vectors);
    struct index index = {.meter = meter, .entries = vectors, .entry = ES_NEW(arena, vectors, struct entry)};
    for (size_t i = 0; i < vectors; i++)
        index.entry[i] = (struct entry){name[i], FIRST + i};
    qsort(index.entry, vectors, sizeof *index.entry, by_name);
    for (size_t i = 0; i < net->nodes; i++) {
        meter->place[i] = find(&index, es_deck_node(arena, net, i));
        meter->last_voltage[i] = meter->voltage[i] = start->voltage[i];
        meter->flux[i] = meter->values[FIRST + vectors + i] = start->flux[i];
    }
    find_targets(&index, start);
    find_own(&index, start);
    for (size_t i = 0; i < batch->accumulators; i++) {
        meter->a[i] = probe(&index, batch->accumulator[i].a);
        meter->b[i] = probe(&index, batch->accumulator[i].b);
        meter->square[i] = memcmp(&meter->a[i], &meter->b[i], sizeof *meter->a) == 0;
    }
    *missing = index.missing;
    return !index.missing;
}

static void accumulate_middle(struct es_meter *meter, double h, double window, double grown) {
    for (size_t i = 0; i < meter->batch->accumulators; i++) {
        double weight = meter->batch->accumulator[i].windowed ? fabs(h) * window / grown : fabs(h) / grown;
        double a = read_probe(meter, &meter->a[i]), b = meter->square[i] ? a : read_probe(meter, &meter->b[i]);
        meter->integral[i] += weight * a * b;
    }
}

// h < 0 where time runs backwards.
static void take_middle(struct es_meter *meter, double h, double window, double grown) {
    const struct es_network *net = meter->model->net;
    double *at = meter->values + FIRST + meter->vectors;
    for (size_t i = 0; i < net->nodes; i++) {
        double v = meter->values[meter->place[i]];
        at[i] = meter->flux[i] + h / 2 * v;
        meter->flux[i] += h * v;
        meter->voltage[i] = 2 * v - meter->voltage[i];
    }
    for (size_t o = 0; o < net->outputs && meter->recharged; o++) {
        const struct es_element *e = &net->element[net->output[o]];
        double v = meter->values[voltage_place(meter, e->p)] - meter->values[voltage_place(meter, e->n)];
        meter->nudge_charge[o] = 2 * window * grown * (v - meter->values[meter->target[o]]) - meter->nudge_charge[o];
    }
    for (size_t i = 0; i < meter->owns; i++)
        meter->own[i].flux = 2 * read_probe(meter, &meter->own[i].probe) - meter->own[i].flux;
    accumulate_middle(meter, h, window, grown);
}

static void take_end(struct es_meter *meter, double dt, double window, bool counts) {
    double *at = meter->values + FIRST + meter->vectors;
    for (size_t i = 0; i < meter->model->net->nodes; i++) {
        double now = meter->values[meter->place[i]];
        at[i] = meter->flux[i] += dt / 2 * (meter->last_voltage[i] + now);
        meter->voltage[i] = meter->last_voltage[i] = now;
    }
    for (size_t i = 0; i < meter->owns; i++)
        meter->own[i].flux = read_probe(meter, &meter->own[i].probe);
    for (size_t i = 0; i < meter->batch->accumulators; i++) {
        double a = read_probe(meter, &meter->a[i]), b = read_probe(meter, &meter->b[i]);
        double weight = meter->batch->accumulator[i].windowed ? fabs(dt) * window : fabs(dt);
        if (counts)
            meter->integral[i] += weight * ((meter->last_a[i] + a) / 2) * ((meter->last_b[i] + b) / 2);
        meter->last_a[i] = a;
        meter->last_b[i] = b;
    }
}

void es_meter_point(struct es_meter *meter, double dt, double window, double grown, bool counts) {
    take_differences(meter);
    if (!meter->middles)
        take_end(meter, dt, window, counts);
    else if (counts)
        take_middle(meter, dt, window, grown);
}
