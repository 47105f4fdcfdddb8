// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// Verlet, kick-drift-kick:
//     v += (h/2) M^-1 F(phi, t);  phi += h v;  v += (h/2) M^-1 F(phi, t + h)
// Two half kicks between drifts are one. Products of flux are taken at the kicks with trapezoidal weights, products of
// voltage at the half steps; with these the echo's gradient is that of the discretised loss (docs/theory.md 3).
#include "engine/twin/block.h"

#include <math.h>

ES_VECTORISED static void add_scaled(size_t rows, double scale, const struct es_lanes *restrict a, struct es_lanes *restrict sum) {
    for (size_t i = 0; i < rows; i++)
        for (int l = 0; l < ES_LANES; l++)
            sum[i].at[l] += scale * a[i].at[l];
}

// Inputs, misses and forces at grid point n, and the integrals over positions.
static void evaluate(struct es_block *b, size_t n) {
    es_block_signals(b, n, false);
    es_block_miss(b, b->flux);
    es_block_accumulate(b->positions, b->position, n == 0 || n == b->steps ? b->h / 2 : b->h);
    es_block_force(b, b->flux);
}

static enum es_status verlet_run(struct es_block *b, struct es_error *error) {
    size_t nodes = b->net->nodes;
    struct es_entry *entry;
    struct es_solver *mass;
    enum es_status status = es_block_connect(b, error);
    size_t entries = es_block_entries(b, 1, 0, 0, &entry);
    if (status == ES_OK)
        status = es_solver_new(b->arena, nodes, entries, entry, &mass, error);
    if (status != ES_OK)
        return status;
    struct es_lanes *kick = ES_NEW(b->arena, nodes, struct es_lanes);
    struct es_lanes *traced = b->batch->sink ? ES_NEW(b->arena, nodes, struct es_lanes) : NULL;
    evaluate(b, 0);
    es_block_trace(b, 0, b->voltage);
    es_solver_apply(mass, b->h / 2, b->force, kick);
    for (size_t n = 1; n <= b->steps; n++) {
        add_scaled(nodes, 1, kick, b->voltage);
        es_block_accumulate(b->velocities, b->velocity, b->h);
        add_scaled(nodes, b->h, b->voltage, b->flux);
        evaluate(b, n);
        es_solver_apply(mass, n < b->steps ? b->h : b->h / 2, b->force, kick);
        for (size_t i = 0; traced && i < nodes; i++)
            traced[i].at[0] = b->voltage[i].at[0] + kick[i].at[0] * (n < b->steps ? 0.5 : 1);
        es_block_trace(b, n, traced);
    }
    add_scaled(nodes, 1, kick, b->voltage);
    return ES_OK;
}

// sin(w h / 2) = omega h / 2
static double verlet_frequency(double omega, double h) {
    return 2 / h * asin(omega * h / 2);
}

const struct es_stepper es_verlet = {
    .scheme = {.row = {"verlet", "kick-drift-kick, explicit; the fastest mode comes out too fast by (omega h)^2 / 24", "Verlet 1967; docs/theory.md 3"},
               .frequency = verlet_frequency},
    .run = verlet_run,
};
