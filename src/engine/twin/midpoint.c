// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// Implicit midpoint rule, for linear networks also the trapezoidal rule that ngspice steps. With d = v_mid - v:
//     (M + h^2/4 K + h/2 G) d = (h/2) F(phi + (h/2) v, v, t + h/2),   phi += h (v + d),   v += 2 d
// where inputs and targets at t + h/2 are the means of their values at the ends of the step. All integrals read the middle.
#include "engine/twin/block.h"

#include <math.h>

// flux_at = phi + (h/2) v_at
ES_VECTORISED static void look_ahead(size_t rows, double half, const struct es_lanes *restrict flux, const struct es_lanes *restrict voltage,
                                     struct es_lanes *restrict flux_at) {
    for (size_t i = 0; i < rows; i++)
        for (int l = 0; l < ES_LANES; l++)
            flux_at[i].at[l] = flux[i].at[l] + half * voltage[i].at[l];
}

// From d to the middle of the step and to its end.
ES_VECTORISED static void finish(size_t rows, double h, const struct es_lanes *restrict d, struct es_lanes *restrict flux,
                                 struct es_lanes *restrict voltage, struct es_lanes *restrict flux_at, struct es_lanes *restrict voltage_at) {
    for (size_t i = 0; i < rows; i++)
        for (int l = 0; l < ES_LANES; l++) {
            double v = voltage[i].at[l] + d[i].at[l];
            flux_at[i].at[l] = flux[i].at[l] + h / 2 * v;
            voltage_at[i].at[l] = v;
            flux[i].at[l] += h * v;
            voltage[i].at[l] += 2 * d[i].at[l];
        }
}

static enum es_status midpoint_run(struct es_block *b, struct es_error *error) {
    size_t nodes = b->net->nodes;
    double h = b->h;
    struct es_entry *entry;
    struct es_solver *solver;
    enum es_status status = es_block_connect(b, error);
    size_t entries = es_block_entries(b, 1, h * h / 4, h / 2, &entry);
    if (status == ES_OK)
        status = es_solver_new(b->arena, nodes, entries, entry, &solver, error);
    if (status != ES_OK)
        return status;
    struct es_lanes *d = ES_NEW(b->arena, nodes, struct es_lanes);
    es_block_trace(b, 0, b->voltage);
    for (size_t n = 0; n < b->steps; n++) {
        es_block_signals(b, n, true);
        look_ahead(nodes, h / 2, b->flux, b->voltage, b->flux_at);
        es_block_miss(b, b->flux_at);
        es_block_force(b, b->flux_at);
        es_solver_apply(solver, h / 2, b->force, d);
        finish(nodes, h, d, b->flux, b->voltage, b->flux_at, b->voltage_at);
        es_block_miss(b, b->flux_at);
        es_block_accumulate(b->positions, b->position, h);
        es_block_accumulate(b->velocities, b->velocity, h);
        es_block_trace(b, n + 1, b->voltage);
    }
    return ES_OK;
}

// tan(w h / 2) = omega h / 2
static double midpoint_frequency(double omega, double h) {
    return 2 / h * atan(omega * h / 2);
}

const struct es_stepper es_midpoint = {
    .scheme = {.row = {"midpoint", "implicit midpoint, KLU; the fastest mode comes out too slow by (omega h)^2 / 12", "Hairer, Lubich, Wanner 2006; docs/theory.md 3"},
               .frequency = midpoint_frequency},
    .middle = true,
    .run = midpoint_run,
};
