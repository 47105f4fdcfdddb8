// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// Verlet, kick-drift-kick:
//     v += (M + N)^-1 ((h/2) F(phi, t) + dq);  phi += h v;  v += (M + N)^-1 ((h/2) F(phi, t + h) + dq)
// dq being the charge that sources and voltage targets bring in from the grid point to the middle of the step, and from there to the next.
// Two half kicks between drifts are one. Products of flux are taken at the kicks with trapezoidal weights, products of
// voltage at the half steps; with these the echo's gradient is that of the discretised loss (docs/theory.md 3).
#include "engine/twin/block.h"

#include <math.h>
#include <string.h>

struct verlet {
    struct es_block *b;
    struct es_solver *mass;
    struct es_lanes *right, *kick, *traced; // [nodes + 1]
};

ES_VECTORISED static void add_scaled(size_t rows, double scale, const struct es_lanes *restrict a, struct es_lanes *restrict sum) {
    for (size_t i = 0; i < rows; i++)
        for (int l = 0; l < ES_LANES; l++)
            sum[i].at[l] += scale * a[i].at[l];
}

// Forces at grid point n, and the integrals over positions.
static void evaluate(struct es_block *b, size_t n) {
    es_block_window_at_point(b, n);
    es_block_curves(b, b->flux, 0);
    es_block_force(b, b->flux, b->voltage);
    if (b->observed)
        es_block_slopes(b);
    es_block_accumulate(b, b->positions, b->position);
}

static void drift(struct verlet *v) {
    struct es_block *b = v->b;
    add_scaled(b->net->nodes, 1, v->kick, b->voltage);
    for (int l = 0; l < ES_LANES; l++) {
        b->weight->at[l] = fabs(b->h);
        b->weight_windowed->at[l] = fabs(b->h) * b->window->at[l];
    }
    es_block_accumulate(b, b->velocities, b->velocity);
    add_scaled(b->net->nodes, b->h, b->voltage, b->flux);
    es_block_flow(b);
}

// right = charge brought in since the last time + weight F; kick from it.
static void kick(struct verlet *v, double weight) {
    size_t rows = v->b->net->nodes + 1;
    if (v->b->still) {
        es_solver_apply(v->mass, weight, v->b->force, v->kick);
        return;
    }
    add_scaled(rows, weight, v->b->force, v->right);
    es_solver_apply(v->mass, 1, v->right, v->kick);
    memset(v->right, 0, rows * sizeof *v->right);
}

static void move(struct verlet *v, size_t n, bool middle) {
    es_block_signals(v->b, (struct es_moment){n, middle});
    if (!v->b->still)
        add_scaled(v->b->net->nodes + 1, 1, v->b->charge, v->right);
}

static enum es_status renew(struct verlet *v, bool first, struct es_error *error) {
    enum es_status status = es_block_connect(v->b, first, error);
    return status == ES_OK ? es_block_factorise(v->b, 1, 0, 0, &v->mass, error) : status;
}

// The voltage at grid point n, for the sink: half a kick from that in the middle of the step.
static void trace(struct verlet *v, size_t n) {
    struct es_block *b = v->b;
    size_t rows = b->net->nodes + 1;
    if (!b->batch->sink)
        return;
    struct es_lanes *right = b->moved;
    memcpy(right, v->right, rows * sizeof *right);
    add_scaled(rows, b->h / 2, b->force, right);
    es_solver_apply(v->mass, 1, right, v->traced);
    add_scaled(rows, 1, b->voltage, v->traced);
    es_block_trace(b, n, v->traced);
}

// A half kick to grid point n, where nudges come in or go out.
static enum es_status change_window(struct verlet *v, struct es_error *error) {
    kick(v, v->b->h / 2);
    add_scaled(v->b->net->nodes, 1, v->kick, v->b->voltage);
    size_t size = (v->b->net->nodes + 1) * sizeof *v->kick;
    memcpy(v->kick, v->b->force, size); // es_block_connect() uses force
    enum es_status status = renew(v, false, error);
    memcpy(v->b->force, v->kick, size);
    return status;
}

static enum es_status step(struct verlet *v, size_t n, struct es_error *error) {
    struct es_block *b = v->b;
    enum es_status status = ES_OK;
    drift(v);
    move(v, n, false);
    evaluate(b, n);
    trace(v, n);
    if (n == b->steps)
        kick(v, b->h / 2);
    else if (es_block_window(b, n)) {
        status = change_window(v, error);
        move(v, n, true);
        if (status == ES_OK)
            kick(v, b->h / 2);
    } else {
        move(v, n, true);
        kick(v, b->h);
    }
    return status;
}

static enum es_status verlet_run(struct es_block *b, struct es_error *error) {
    size_t rows = b->net->nodes + 1;
    struct verlet v = {b, NULL, ES_NEW(b->arena, rows, struct es_lanes), ES_NEW(b->arena, rows, struct es_lanes), ES_NEW(b->arena, rows, struct es_lanes)};
    es_block_window(b, 0);
    enum es_status status = renew(&v, true, error);
    if (status != ES_OK)
        return status;
    es_block_trace(b, 0, b->voltage);
    evaluate(b, 0);
    move(&v, 0, true);
    kick(&v, b->h / 2);
    for (size_t n = 1; n <= b->steps && status == ES_OK; n++)
        status = step(&v, n, error);
    add_scaled(b->net->nodes, 1, v.kick, b->voltage);
    return status;
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
