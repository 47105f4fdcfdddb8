// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// Implicit midpoint rule. With u the voltage in the middle of the step and d = u - v:
//     (M + N) d = (h/2) F(phi + (h/2) u, u, t + h/2) + dq,   phi += h u,   v += 2 d
// where inputs and targets at t + h/2 are the means of their values at the ends of the step, and dq is the charge that sources and voltage
// targets bring in by then. A branch with its own flux has psi = (o + (h/2) (u + e)) / (1 + r h/2) in the middle, and its share of K is
// over 1 + r h/2. All integrals read the middle. Linear networks take one solve with M + N + h^2/4 K + h/2 G; nonlinear
// ones repeat it as a Newton iteration with that fixed matrix (K at zero flux), each lane until its own correction is lost in rounding;
// where that takes long, Newton's method itself from the start, with K where the iteration stands.
// Nudges that grow are set to the middle of the step before it and to its end after it, node charge being conserved each time.
#include "engine/twin/block.h"

#include <math.h>
#include <string.h>

// Iterations on the way to rounding: each gains log10(4 / (omega h)^2) digits or more. After PATIENCE of them K is taken anew each time, in all
// lanes that still iterate: what a lane does depends on the lane alone.
enum { MOST_ITERATIONS = 50, PATIENCE = 20 };

struct midpoint {
    struct es_block *b;
    struct es_solver *solver;
    struct es_lanes *d, *right, *correction; // [nodes], [nodes + 1], [nodes]
};

// voltage_at = v + d, flux_at = phi + (h/2) voltage_at
ES_VECTORISED static void look_ahead(size_t rows, double half, const struct es_lanes *restrict flux, const struct es_lanes *restrict voltage,
                                     const struct es_lanes *restrict d, struct es_lanes *restrict flux_at, struct es_lanes *restrict voltage_at) {
    for (size_t i = 0; i < rows; i++)
        for (int l = 0; l < ES_LANES; l++) {
            double v = voltage[i].at[l] + d[i].at[l];
            voltage_at[i].at[l] = v;
            flux_at[i].at[l] = flux[i].at[l] + half * v;
        }
}

// From the middle of the step to its end.
ES_VECTORISED static void finish(size_t rows, double h, const struct es_lanes *restrict d, const struct es_lanes *restrict voltage_at,
                                 struct es_lanes *restrict flux, struct es_lanes *restrict voltage) {
    for (size_t i = 0; i < rows; i++)
        for (int l = 0; l < ES_LANES; l++) {
            flux[i].at[l] += h * voltage_at[i].at[l];
            voltage[i].at[l] += 2 * d[i].at[l];
        }
}

// sum += scale a
ES_VECTORISED static void add_scaled(size_t rows, double scale, const struct es_lanes *restrict a, struct es_lanes *restrict sum) {
    for (size_t i = 0; i < rows; i++)
        for (int l = 0; l < ES_LANES; l++)
            sum[i].at[l] += scale * a[i].at[l];
}

static void evaluate(struct midpoint *m) {
    struct es_block *b = m->b;
    look_ahead(b->net->nodes, b->h / 2, b->flux, b->voltage, m->d, b->flux_at, b->voltage_at);
    es_block_curves(b, b->flux_at, b->h / 2);
}

// right = (h/2) F + dq - (M + N) d
static void residual(struct midpoint *m) {
    struct es_block *b = m->b;
    size_t rows = b->net->nodes + 1;
    es_block_force(b, b->flux_at, b->voltage_at);
    es_block_momentum(b, m->d, m->right);
    add_scaled(rows, b->h / 2, b->force, m->right);
    add_scaled(rows, 1, b->charge, m->right);
}

// max |a|; NaN where any is not finite.
static double largest(const struct midpoint *m, const struct es_lanes *a, size_t lane) {
    double most = 0, poison = 0;
    for (size_t i = 0; i < m->b->net->nodes; i++) {
        double size = fabs(a[i].at[lane]);
        most = size > most ? size : most;
        poison += 0 * size;
    }
    return most + poison;
}

// Adds the correction to d in the lanes that are not done, half of it where it grows; a lane is done when its correction is lost in
// rounding, or no longer shrinks there. True if all are.
static bool correct(struct midpoint *m, bool *done, double *last) {
    bool all = true;
    for (size_t l = 0; l < m->b->passes; l++) {
        if (done[l])
            continue;
        double step = largest(m, m->correction, l), size = largest(m, m->b->voltage, l) + largest(m, m->d, l), part = step > last[l] ? 0.5 : 1;
        for (size_t i = 0; i < m->b->net->nodes; i++)
            m->d[i].at[l] += part * m->correction[i].at[l];
        done[l] = isfinite(step) && (step <= 1e-16 * size || (step <= 1e-12 * size && step >= last[l] / 2));
        last[l] = step;
        all &= done[l];
    }
    return all;
}

// Begins again at d = 0 in the lanes that are not done: they may have run away.
static void restart(struct midpoint *m, const bool *done, double *last) {
    for (size_t l = 0; l < m->b->passes; l++) {
        for (size_t i = 0; i < m->b->net->nodes && !done[l]; i++)
            m->d[i].at[l] = 0;
        last[l] = INFINITY;
    }
}

static enum es_status solve_nonlinear(struct midpoint *m, struct es_error *error) {
    bool done[ES_LANES] = {false};
    double last[ES_LANES];
    for (size_t l = 0; l < ES_LANES; l++)
        last[l] = INFINITY;
    struct es_solver *solver = m->solver;
    enum es_status status = ES_OK;
    for (int i = 0; i < MOST_ITERATIONS && status == ES_OK; i++) {
        if (i == PATIENCE)
            restart(m, done, last);
        evaluate(m);
        residual(m);
        if (i >= PATIENCE)
            status = es_block_factorise_here(m->b, 1, m->b->h * m->b->h / 4, m->b->h / 2, &solver, error);
        if (status == ES_OK)
            es_solver_apply(solver, 1, m->right, m->correction);
        if (status == ES_OK && correct(m, done, last))
            return ES_OK;
    }
    return status != ES_OK ? status : es_fail(error, ES_FAILED, "engine twin: the equations of a step of %g s do not converge in %d iterations; take a smaller step (more substeps)",
                   fabs(m->b->h), MOST_ITERATIONS);
}

static enum es_status solve(struct midpoint *m, struct es_error *error) {
    struct es_block *b = m->b;
    enum es_status status = ES_OK;
    if (b->nonlinear) // d starts as that of the step before
        status = solve_nonlinear(m, error);
    else {
        memset(m->d, 0, b->net->nodes * sizeof *m->d);
        evaluate(m);
        es_block_force(b, b->flux_at, b->voltage_at);
        if (!b->still) // force becomes that of the charge too
            add_scaled(b->net->nodes, 2 / b->h, b->charge, b->force);
        es_solver_apply(m->solver, b->h / 2, b->force, m->d);
    }
    evaluate(m);
    return status;
}

static void integrate(struct es_block *b) {
    if (b->observed)
        es_block_slopes(b);
    for (int l = 0; l < ES_LANES; l++) {
        b->weight->at[l] = fabs(b->h) / b->grown;
        b->weight_windowed->at[l] = b->weight->at[l] * b->window->at[l];
    }
    es_block_accumulate(b, b->positions, b->position);
    es_block_accumulate(b, b->velocities, b->velocity);
}

// Nudges as they are in step n, whose matrix is factorised where they change.
static enum es_status nudge(struct midpoint *m, size_t n, double decay, struct es_error *error) {
    struct es_block *b = m->b;
    enum es_status status = ES_OK;
    bool changed = es_block_window(b, n), growing = b->growth != 0;
    if (changed)
        status = es_block_connect(b, n == 0, error);
    if (n == 0)
        es_block_trace(b, 0, b->voltage);
    if (status == ES_OK && (growing || decay != 1))
        status = es_block_damp(b, decay, ((double)n + 0.5) * fabs(b->h), error);
    if (status == ES_OK && (changed || (growing && (b->charged || b->pulled))))
        status = es_block_factorise(b, 1, b->h * b->h / 4, b->h / 2, &m->solver, error);
    return status;
}

static enum es_status step(struct midpoint *m, size_t n, double decay, struct es_error *error) {
    struct es_block *b = m->b;
    enum es_status status = nudge(m, n, decay, error);
    es_block_signals(b, (struct es_moment){n, true});
    if (status == ES_OK)
        status = solve(m, error);
    integrate(b);
    es_block_record(b, n);
    es_block_flow(b);
    finish(b->net->nodes, b->h, m->d, b->voltage_at, b->flux, b->voltage);
    es_block_signals(b, (struct es_moment){n + 1, false});
    if (status == ES_OK && (b->growth != 0 || decay != 1))
        status = es_block_damp(b, decay, (double)(n + 1) * fabs(b->h), error);
    return status;
}

enum es_status es_midpoint_steps(struct es_block *b, double decay, struct es_error *error) {
    size_t rows = b->net->nodes + 1;
    struct midpoint m = {b, NULL, ES_NEW(b->arena, rows, struct es_lanes), ES_NEW(b->arena, rows, struct es_lanes), ES_NEW(b->arena, rows, struct es_lanes)};
    enum es_status status = ES_OK;
    for (size_t n = 0; n < b->steps && status == ES_OK; n++) {
        status = step(&m, n, decay, error);
        es_block_trace(b, n + 1, b->voltage);
    }
    return status;
}

static enum es_status midpoint_run(struct es_block *b, struct es_error *error) {
    return es_midpoint_steps(b, 1, error);
}

// tan(w h / 2) = omega h / 2
static double midpoint_frequency(double omega, double h) {
    return 2 / h * atan(omega * h / 2);
}

const struct es_stepper es_midpoint = {
    .scheme = {.row = {"midpoint", "implicit midpoint, KLU; the fastest mode comes out too slow by (omega h)^2 / 12", "Hairer, Lubich, Wanner 2006; docs/theory.md 3"},
               .middle = true, .frequency = midpoint_frequency},
    .run = midpoint_run,
};
