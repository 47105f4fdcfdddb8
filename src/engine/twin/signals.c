// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// What changes in time from outside: inputs, sources, targets, windows, and the nudges that a window takes in and out.
#include "engine/twin/block.h"

#include <math.h>
#include <string.h>

// A signal of the task at grid point n: linear between its samples.
static double interpolate(const double *sample, size_t n, size_t substeps) {
    size_t i = n / substeps, fraction = n % substeps;
    return fraction ? sample[i] + (double)fraction / (double)substeps * (sample[i + 1] - sample[i]) : sample[i];
}

static double signal(const struct es_block *b, const double *samples, size_t index, struct es_moment m) {
    const struct es_grid *grid = &b->batch->grid;
    const double *sample = samples + index * grid->points;
    size_t at = b->reversal ? b->steps - m.n : m.n, next = b->reversal ? at - m.middle : at + m.middle;
    double now = interpolate(sample, at, grid->substeps);
    return m.middle ? (now + interpolate(sample, next, grid->substeps)) / 2 : now;
}

static double input(const struct es_block *b, size_t lane, size_t channel, struct es_moment m) {
    const struct es_grid *grid = &b->batch->grid;
    const struct es_pass *pass = &b->pass[lane];
    const double *sample = pass->input + channel * grid->points;
    double now = es_pass_input(grid, pass, sample, m.n);
    return m.middle ? (now + es_pass_input(grid, pass, sample, m.n + 1)) / 2 : now;
}

// Moves the sources' nodes and the targets; charge = -(M + N) dv_s + N dy.
static void move(struct es_block *b, struct es_moment m) {
    size_t nodes = b->net->nodes;
    struct es_lanes *moved = b->moved;
    memset(moved, 0, (nodes + 1) * sizeof *moved);
    for (size_t i = 0; i < b->helds; i++)
        for (size_t l = 0; l < b->passes; l++) {
            struct es_lanes *voltage = &b->voltage[b->held[i].node];
            double x = b->held[i].ratio * input(b, l, (size_t)b->held[i].channel, m);
            moved[b->held[i].node].at[l] = x - voltage->at[l];
            voltage->at[l] = x;
        }
    if (b->helds)
        es_block_momentum(b, moved, b->charge);
    else if (b->charged)
        memset(b->charge, 0, (nodes + 1) * sizeof *b->charge);
    for (size_t o = 0; o < b->net->outputs && b->targeted; o++) {
        bool flux = es_block_reads_flux(b, o);
        double sign = !b->reversal ? 1 : flux ? b->reversal->flux_target : b->reversal->voltage_target;
        struct es_lanes charge;
        for (size_t l = 0; l < b->passes; l++) {
            double y = b->pass[l].target ? sign * signal(b, b->pass[l].target, o, m) : 0;
            charge.at[l] = b->nudge_at[o].at[l] * (y - b->target[o].at[l]);
            b->target[o].at[l] = y;
        }
        for (size_t l = b->passes; l < ES_LANES; l++)
            charge.at[l] = 0;
        if (!flux && b->charged)
            es_block_add(&b->output[o], &charge, b->charge);
    }
    es_block_clear_held(b, b->charge);
}

// What is injected in the step of that number in the order of the samples. Currents are those of real time, which the step turns round where h < 0.
static void inject(struct es_block *b, size_t step) {
    for (size_t i = 0; i < b->curves; i++)
        b->curve[i].series = (struct es_lanes){0};
    for (size_t i = 0; i < b->batch->injections; i++) {
        struct es_injection at = b->batch->injection[i];
        double sign = !at.series && b->h < 0 ? -1 : 1;
        for (size_t l = 0; l < b->passes; l++)
            b->injection[i].at[l] = b->pass[l].injection ? sign * b->pass[l].injection[i * b->steps + step] : 0;
        for (size_t l = 0; l < b->passes && at.series; l++)
            b->curve_of[at.element]->series.at[l] += b->injection[i].at[l];
    }
}

void es_block_signals(struct es_block *b, struct es_moment m) {
    double sign = b->reversal ? b->reversal->input : 1;
    for (size_t l = 0; l < b->passes; l++)
        for (size_t c = 0; c < b->net->channels; c++)
            b->input[c].at[l] = sign * input(b, l, c, m);
    if (b->injected && m.middle)
        inject(b, b->reversal ? b->steps - 1 - m.n : m.n);
    if (b->helds || b->targeted)
        move(b, m);
}

static double window_of(const struct es_block *b, size_t lane, size_t step) {
    const double *window = b->pass[lane].window;
    return window ? window[(b->reversal ? b->steps - 1 - step : step) / b->batch->grid.substeps] : 1;
}

static double weighed(const struct es_block *b, size_t output, int lane) {
    return b->nudge[output].at[lane] * b->window->at[lane] * b->grown;
}

static void weigh_nudges(struct es_block *b) {
    for (size_t o = 0; o < b->net->outputs; o++)
        for (int l = 0; l < ES_LANES; l++)
            b->nudge_at[o].at[l] = weighed(b, o, l);
}

bool es_block_window(struct es_block *b, size_t n) {
    bool changed = n == 0;
    for (size_t l = 0; l < b->passes && b->windowed; l++) {
        double w = window_of(b, l, n);
        changed |= w != b->window->at[l];
        b->window->at[l] = w;
    }
    return changed;
}

void es_block_window_at_point(struct es_block *b, size_t n) {
    double h = fabs(b->h);
    if (!b->windowed) {
        for (int l = 0; l < ES_LANES; l++)
            b->weight->at[l] = b->weight_windowed->at[l] = n > 0 && n < b->steps ? h : h / 2;
        return;
    }
    for (size_t l = 0; l < b->passes; l++) {
        double before = n > 0 ? window_of(b, l, n - 1) : 0, after = n < b->steps ? window_of(b, l, n) : 0;
        b->weight->at[l] = n > 0 && n < b->steps ? h : h / 2;
        b->weight_windowed->at[l] = h / 2 * (before + after);
        for (size_t o = 0; o < b->net->outputs; o++)
            if (es_block_reads_flux(b, o))
                b->nudge_at[o].at[l] = b->nudge[o].at[l] * b->weight_windowed->at[l] / b->weight->at[l];
    }
}

// charge [nodes + 1] = decay ((M + N) v - N y) + N' y: what the nodes hold where the nudges change to N' = nudge window grown, with what comes
// in behind the targets.
static void held_charge(const struct es_block *b, double decay, struct es_lanes *charge) {
    es_block_momentum(b, b->voltage, charge);
    for (size_t i = 0; i <= b->net->nodes; i++)
        for (int l = 0; l < ES_LANES; l++)
            charge[i].at[l] *= -decay;
    for (size_t o = 0; o < b->net->outputs && b->charged; o++) {
        struct es_lanes change;
        for (int l = 0; l < ES_LANES; l++)
            change.at[l] = (weighed(b, o, l) - decay * b->nudge_at[o].at[l]) * b->target[o].at[l];
        if (!es_block_reads_flux(b, o))
            es_block_add(&b->output[o], &change, charge);
    }
}

// charge -= (M_fs + N_fs) v_s; the rows of the sources' nodes become their voltages.
static void take_sources(struct es_block *b, struct es_lanes *charge) {
    size_t rows = b->net->nodes + 1;
    memset(b->moved, 0, rows * sizeof *b->moved);
    for (size_t i = 0; i < b->helds; i++)
        b->moved[b->held[i].node] = b->voltage[b->held[i].node];
    es_block_momentum(b, b->moved, b->charge);
    for (size_t i = 0; i < rows; i++)
        for (int l = 0; l < ES_LANES; l++)
            charge[i].at[l] += b->charge[i].at[l];
    for (size_t i = 0; i < b->helds; i++)
        charge[b->held[i].node] = b->voltage[b->held[i].node];
}

// The voltages of nodes that hold charge [nodes + 1], with nudges as they are to be.
static enum es_status recharge(struct es_block *b, struct es_lanes *charge, struct es_error *error) {
    weigh_nudges(b);
    take_sources(b, charge);
    enum es_status status = b->charged || !b->mass ? es_block_factorise_mass(b, error) : ES_OK;
    if (status == ES_OK)
        es_solver_apply(b->mass, 1, charge, b->voltage);
    return status;
}

enum es_status es_block_connect(struct es_block *b, bool first, struct es_error *error) {
    if (first)
        memset(b->nudge_at, 0, b->net->outputs * sizeof *b->nudge_at);
    if (!b->charged || (first && b->pass->connected)) {
        weigh_nudges(b);
        return ES_OK;
    }
    held_charge(b, 1, b->force); // free at this time
    return recharge(b, b->force, error);
}

enum es_status es_block_damp(struct es_block *b, double decay, double t, struct es_error *error) {
    b->grown = exp(b->growth * t);
    if (b->charged || (b->helds && decay != 1)) {
        held_charge(b, decay, b->force);
        return recharge(b, b->force, error);
    }
    weigh_nudges(b);
    for (size_t i = 0; i < b->net->nodes; i++)
        for (int l = 0; l < ES_LANES; l++)
            b->voltage[i].at[l] *= decay;
    return ES_OK;
}
