// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
#include "engine/twin/block.h"

#include "net/lagrangian.h"

#include <assert.h>
#include <string.h>

static size_t list_branches(const struct es_block *b, enum es_term term, struct es_branch **list) {
    const struct es_network *net = b->net;
    size_t count = 0, ground = net->nodes;
    *list = ES_NEW(b->arena, net->elements, struct es_branch);
    for (size_t i = 0; i < net->elements; i++) {
        const struct es_element *e = &net->element[i];
        if (e->kind->term == term)
            (*list)[count++] = (struct es_branch){e->p < 0 ? (int)ground : e->p, e->n < 0 ? (int)ground : e->n, e->channel, b->k[i]};
    }
    return count;
}

// The two rows whose difference is the observable.
static void rows_of(const struct es_block *b, struct es_observable o, const struct es_lanes **plus, const struct es_lanes **minus) {
    const struct es_element *e = &b->net->element[o.element];
    size_t ground = b->net->nodes, p = e->p < 0 ? ground : (size_t)e->p, n = e->n < 0 ? ground : (size_t)e->n;
    *minus = &b->flux[ground]; // zero
    switch (o.signal) {
    case ES_SIGNAL_FLUX:
        *plus = &b->flux_at[p];
        *minus = &b->flux_at[n];
        break;
    case ES_SIGNAL_VOLTAGE:
        *plus = &b->voltage_at[p];
        *minus = &b->voltage_at[n];
        break;
    case ES_SIGNAL_INPUT:
        *plus = &b->input[e->channel];
        break;
    case ES_SIGNAL_ERROR:
        *plus = &b->miss[e->channel];
        break;
    }
}

static void compile_products(struct es_block *b) {
    size_t count = b->batch->accumulators;
    b->integral = ES_NEW(b->arena, count, struct es_lanes);
    b->position = ES_NEW(b->arena, count, struct es_product);
    b->velocity = ES_NEW(b->arena, count, struct es_product);
    for (size_t i = 0; i < count; i++) {
        const struct es_accumulator *a = &b->batch->accumulator[i];
        bool velocity = a->a.signal == ES_SIGNAL_VOLTAGE;
        assert(velocity == (a->b.signal == ES_SIGNAL_VOLTAGE)); // Verlet knows flux and voltage at different times
        struct es_product *product = velocity ? &b->velocity[b->velocities++] : &b->position[b->positions++];
        rows_of(b, a->a, &product->ap, &product->an);
        rows_of(b, a->b, &product->bp, &product->bn);
        product->sum = &b->integral[i];
        b->missed |= a->a.signal == ES_SIGNAL_ERROR || a->b.signal == ES_SIGNAL_ERROR;
    }
}

static void compile_nudges(struct es_block *b) {
    const struct es_network *net = b->net;
    b->nudge = ES_NEW(b->arena, net->outputs, struct es_lanes);
    for (size_t l = 0; l < b->passes; l++)
        for (size_t o = 0; o < net->outputs && b->pass[l].nudge; o++) {
            double value = b->pass[l].nudge[o];
            b->nudge[o].at[l] = value;
            if (value != 0)
                *(net->element[net->output[o]].read == ES_READ_FLUX ? &b->pulled : &b->charged) = true;
        }
    b->missed |= b->pulled;
}

void es_block_compile(struct es_block *b, bool middle) {
    const struct es_network *net = b->net;
    size_t rows = net->nodes + 1;
    b->h = es_grid_step(&b->batch->grid);
    b->steps = es_grid_steps(&b->batch->grid);
    b->flux = ES_NEW(b->arena, rows, struct es_lanes);
    b->voltage = ES_NEW(b->arena, rows, struct es_lanes);
    b->flux_at = middle ? ES_NEW(b->arena, rows, struct es_lanes) : b->flux;
    b->voltage_at = middle ? ES_NEW(b->arena, rows, struct es_lanes) : b->voltage;
    b->force = ES_NEW(b->arena, rows, struct es_lanes);
    b->input = ES_NEW(b->arena, net->channels, struct es_lanes);
    b->target = ES_NEW(b->arena, net->outputs, struct es_lanes);
    b->miss = ES_NEW(b->arena, net->outputs, struct es_lanes);
    b->capacitors = list_branches(b, ES_KINETIC, &b->capacitor);
    b->potentials = list_branches(b, ES_POTENTIAL, &b->potential);
    b->drives = list_branches(b, ES_DRIVE, &b->drive);
    b->trace = ES_NEW(b->arena, 2 * net->nodes, double);
    b->conductances = list_branches(b, ES_DISSIPATION, &b->conductance);
    list_branches(b, ES_READOUT, &b->output);
    compile_products(b);
    compile_nudges(b);
    for (size_t l = 0; l < b->passes; l++)
        for (size_t i = 0; i < net->nodes; i++) {
            b->flux[i].at[l] = b->pass[l].flux[i];
            b->voltage[i].at[l] = b->pass[l].voltage[i];
        }
}

// A signal of the task at grid point n: linear between its samples.
static double interpolate(const double *sample, size_t n, size_t substeps) {
    size_t i = n / substeps, fraction = n % substeps;
    return fraction ? sample[i] + (double)fraction / (double)substeps * (sample[i + 1] - sample[i]) : sample[i];
}

static void load_signals(size_t signals, size_t lane, const double *samples, size_t points, size_t substeps, size_t n,
                         bool middle, size_t next, struct es_lanes *value) {
    for (size_t s = 0; s < signals; s++) {
        const double *sample = samples + s * points;
        double now = interpolate(sample, n, substeps);
        value[s].at[lane] = middle ? (now + interpolate(sample, next, substeps)) / 2 : now;
    }
}

void es_block_signals(struct es_block *b, size_t n, bool middle) {
    const struct es_grid *grid = &b->batch->grid;
    for (size_t l = 0; l < b->passes; l++) {
        const struct es_pass *pass = &b->pass[l];
        size_t at = pass->reversed ? b->steps - n : n, next = pass->reversed ? at - middle : at + middle;
        load_signals(b->net->channels, l, pass->input, grid->points, grid->substeps, at, middle, next, b->input);
        if (b->missed && pass->target)
            load_signals(b->net->outputs, l, pass->target, grid->points, grid->substeps, at, middle, next, b->target);
    }
}

void es_block_miss(struct es_block *b, const struct es_lanes *flux) {
    for (size_t o = 0; o < b->net->outputs && b->missed; o++) {
        const struct es_branch *branch = &b->output[o];
        for (int l = 0; l < ES_LANES; l++)
            b->miss[o].at[l] = flux[branch->p].at[l] - flux[branch->n].at[l] - b->target[o].at[l];
    }
}

// The loops over lanes go through a local array, so that the compiler knows that nothing overlaps and vectorises them.

ES_VECTORISED static void inject(size_t branches, const struct es_branch *branch, const struct es_lanes *x, struct es_lanes *force) {
    for (size_t i = 0; i < branches; i++) {
        struct es_lanes current;
        for (int l = 0; l < ES_LANES; l++)
            current.at[l] = branch[i].k * x[branch[i].channel].at[l];
        for (int l = 0; l < ES_LANES; l++)
            force[branch[i].p].at[l] += current.at[l];
        for (int l = 0; l < ES_LANES; l++)
            force[branch[i].n].at[l] -= current.at[l];
    }
}

// Draws the current k a of every branch, a = across p and n: of flux through inductors, of voltage through conductances.
ES_VECTORISED static void draw(size_t branches, const struct es_branch *branch, const struct es_lanes *a, struct es_lanes *force) {
    for (size_t i = 0; i < branches; i++) {
        struct es_lanes current;
        for (int l = 0; l < ES_LANES; l++)
            current.at[l] = branch[i].k * (a[branch[i].p].at[l] - a[branch[i].n].at[l]);
        for (int l = 0; l < ES_LANES; l++)
            force[branch[i].p].at[l] -= current.at[l];
        for (int l = 0; l < ES_LANES; l++)
            force[branch[i].n].at[l] += current.at[l];
    }
}

void es_block_force(struct es_block *b, const struct es_lanes *flux) {
    memset(b->force, 0, (b->net->nodes + 1) * sizeof *b->force);
    draw(b->conductances, b->conductance, b->voltage, b->force);
    draw(b->potentials, b->potential, flux, b->force);
    inject(b->drives, b->drive, b->input, b->force);
    for (size_t o = 0; o < b->net->outputs && b->pulled; o++)
        for (int l = 0; l < ES_LANES; l++) {
            double current = b->nudge[o].at[l] * b->miss[o].at[l];
            b->force[b->output[o].p].at[l] -= current;
            b->force[b->output[o].n].at[l] += current;
        }
}

ES_VECTORISED void es_block_accumulate(size_t products, const struct es_product *product, double weight) {
    for (size_t i = 0; i < products; i++) {
        struct es_product p = product[i];
        struct es_lanes value;
        for (int l = 0; l < ES_LANES; l++)
            value.at[l] = weight * ((p.ap->at[l] - p.an->at[l]) * (p.bp->at[l] - p.bn->at[l]));
        for (int l = 0; l < ES_LANES; l++)
            p.sum->at[l] += value.at[l];
    }
}

static size_t add_entries(const struct es_block *b, const struct es_branch *branch, double factor, double shared, const struct es_lanes *lane,
                          struct es_entry *entry) {
    int ground = (int)b->net->nodes, p = branch->p == ground ? ES_GROUND : branch->p, n = branch->n == ground ? ES_GROUND : branch->n;
    return es_solver_branch(p, n, factor, shared, lane, entry);
}

static size_t add_list(const struct es_block *b, size_t branches, const struct es_branch *branch, double factor, struct es_entry *entry) {
    size_t count = 0;
    for (size_t i = 0; i < branches && factor != 0; i++)
        count += add_entries(b, &branch[i], factor, branch[i].k, NULL, entry + count);
    return count;
}

size_t es_block_entries(struct es_block *b, double scale_m, double scale_k, double scale_g, struct es_entry **list) {
    const struct es_network *net = b->net;
    struct es_entry *entry = *list = ES_NEW(b->arena, 4 * (net->elements + 1), struct es_entry);
    size_t count = add_list(b, b->capacitors, b->capacitor, scale_m, entry);
    count += add_list(b, b->potentials, b->potential, scale_k, entry + count);
    count += add_list(b, b->conductances, b->conductance, scale_g, entry + count);
    for (size_t o = 0; o < net->outputs; o++) {
        double factor = net->element[net->output[o]].read == ES_READ_FLUX ? scale_k : scale_m;
        if (factor != 0)
            count += add_entries(b, &b->output[o], factor, 0, &b->nudge[o], entry + count);
    }
    return count;
}

enum es_status es_block_connect(struct es_block *b, struct es_error *error) {
    if (!b->charged)
        return ES_OK;
    struct es_entry *entry;
    struct es_solver *mass;
    size_t entries = es_block_entries(b, 1, 0, 0, &entry);
    enum es_status status = es_solver_new(b->arena, b->net->nodes, entries, entry, &mass, error);
    if (status != ES_OK)
        return status;
    memset(b->force, 0, (b->net->nodes + 1) * sizeof *b->force);
    draw(b->capacitors, b->capacitor, b->voltage, b->force); // - M v
    es_solver_apply(mass, -1, b->force, b->voltage);
    return ES_OK;
}

void es_block_trace(const struct es_block *b, size_t n, const struct es_lanes *voltage) {
    const struct es_sink *sink = b->batch->sink;
    if (!sink)
        return;
    double *lane = b->trace;
    for (size_t i = 0; i < b->net->nodes; i++) {
        lane[i] = b->flux[i].at[0];
        lane[b->net->nodes + i] = voltage[i].at[0];
    }
    sink->point(sink->context, (double)n * b->h, lane, lane + b->net->nodes);
}
