// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
#include "engine/ngspice/meter.h"

#include "netlist/deck.h"

#include <stdlib.h>
#include <string.h>

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

static size_t find(struct index *index, const char *name) {
    struct entry key = {.name = name}, *found = bsearch(&key, index->entry, index->entries, sizeof key, by_name);
    if (!found)
        index->missing = name;
    return found ? found->place : 0;
}

static size_t flux_place(const struct es_meter *meter, int node) {
    return node == ES_GROUND ? 0 : 1 + meter->vectors + (size_t)node;
}

static size_t voltage_place(const struct es_meter *meter, int node) {
    return node == ES_GROUND ? 0 : meter->voltage[node];
}

static struct es_probe flux_probe(struct index *index, const struct es_element *e, const double *q) {
    struct es_meter *meter = index->meter;
    if (e->kind == &es_inductor) // psi = L i
        return (struct es_probe){find(index, es_deck_current(meter->arena, e->name)), 0, q[0]};
    if (e->kind == &es_gyrator) // psi = C_L w / gm1
        return (struct es_probe){find(index, es_deck_inner(meter->arena, 'w', e->name)), 0, q[2] / q[0]};
    if (e->kind == &es_output && e->read == ES_READ_FLUX)
        return (struct es_probe){find(index, es_deck_inner(meter->arena, 'f', e->name)), 0, meter->batch->grid.interval};
    return (struct es_probe){flux_place(meter, e->p), flux_place(meter, e->n), 1};
}

static struct es_probe probe(struct index *index, struct es_observable o) {
    struct es_meter *meter = index->meter;
    const struct es_element *e = &meter->net->element[o.element];
    double q[ES_QUANTITIES];
    es_element_values(meter->net, meter->batch->pass->theta, o.element, q);
    struct es_probe result = {0, 0, 0};
    switch (o.signal) {
    case ES_SIGNAL_FLUX:
        return flux_probe(index, e, q);
    case ES_SIGNAL_VOLTAGE:
        return (struct es_probe){voltage_place(meter, e->p), voltage_place(meter, e->n), 1};
    case ES_SIGNAL_INPUT:
        return (struct es_probe){find(index, es_deck_inner(meter->arena, 'x', meter->net->channel[e->channel])), 0, 1};
    case ES_SIGNAL_ERROR:
        result = flux_probe(index, e, q);
        result.minus = find(index, es_deck_inner(meter->arena, 'y', e->name));
        return result;
    }
    return result;
}

static double read_probe(const struct es_meter *meter, const struct es_probe *p) {
    return p->scale * (meter->values[p->plus] - meter->values[p->minus]);
}

bool es_meter_start(struct es_meter *meter, const struct es_network *net, const struct es_batch *batch, struct es_arena *arena,
                    size_t vectors, const char *const *name, const char **missing) {
    size_t count = batch->accumulators;
    *meter = (struct es_meter){
        .net = net,
        .batch = batch,
        .arena = arena,
        .vectors = vectors,
        .values = ES_NEW(arena, 1 + vectors + net->nodes, double),
        .voltage = ES_NEW(arena, net->nodes, size_t),
        .a = ES_NEW(arena, count, struct es_probe),
        .b = ES_NEW(arena, count, struct es_probe),
        .last_a = ES_NEW(arena, count, double),
        .last_b = ES_NEW(arena, count, double),
        .last_voltage = ES_NEW(arena, net->nodes, double),
        .integral = ES_NEW(arena, count, double),
    };
    struct index index = {.meter = meter, .entries = vectors, .entry = ES_NEW(arena, vectors, struct entry)};
    for (size_t i = 0; i < vectors; i++)
        index.entry[i] = (struct entry){name[i], 1 + i};
    qsort(index.entry, vectors, sizeof *index.entry, by_name);
    for (size_t i = 0; i < net->nodes; i++) {
        meter->voltage[i] = find(&index, es_deck_node(arena, net, i));
        meter->last_voltage[i] = batch->pass->voltage[i];
        es_meter_flux(meter)[i] = batch->pass->flux[i];
    }
    for (size_t i = 0; i < count; i++) {
        meter->a[i] = probe(&index, batch->accumulator[i].a);
        meter->b[i] = probe(&index, batch->accumulator[i].b);
    }
    *missing = index.missing;
    return !index.missing;
}

void es_meter_point(struct es_meter *meter, double dt, bool counts) {
    double *flux = es_meter_flux(meter);
    for (size_t i = 0; i < meter->net->nodes; i++) {
        double now = meter->values[meter->voltage[i]];
        flux[i] += dt / 2 * (meter->last_voltage[i] + now);
        meter->last_voltage[i] = now;
    }
    for (size_t i = 0; i < meter->batch->accumulators; i++) {
        double a = read_probe(meter, &meter->a[i]), b = read_probe(meter, &meter->b[i]);
        if (counts)
            meter->integral[i] += dt * ((meter->last_a[i] + a) / 2) * ((meter->last_b[i] + b) / 2);
        meter->last_a[i] = a;
        meter->last_b[i] = b;
    }
}
