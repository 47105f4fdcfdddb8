// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// States of rest of active networks: the transient B du/dt = -g(u) of the network's own capacitors is followed, and its end is found by Newton's method
// (pseudo-transient continuation, Kelley & Keyes, SIAM J. Numer. Anal. 35 (1998) 508). Steps are linearly implicit, (B / tau + J) d = -g by KLU, with
// a local error |d - tau du/dt| / 2 that is held to a part of the largest voltage while anything moves; as the network comes to rest, tau grows until B / tau
// no longer counts.
#include "engine/twin/equilibrium.h"

#include <math.h>
#include <string.h>
#include <suitesparse/klu.h>

enum { MOST_STEPS = 20000 };
static const double rounding = 1e-14;   // of u
static const double rest = 1e10;        // tau in parts of the shortest time constant at which only Newton's steps are left

struct settling {
    struct es_rest_state *s;
    klu_common common;
    klu_symbolic *symbolic;
    double *matrix, *d, *rate; // B / tau + J; the step; du/dt before it
    double tau, local_error; // of a step, in parts of the largest voltage
};

// x [n] = matrix^-1 x
static bool solve_linear(struct settling *t, double *x) {
    const struct es_pattern *a = &t->s->rest->pattern;
    klu_numeric *numeric = klu_factor(a->column, a->row, t->matrix, t->symbolic, &t->common);
    bool good = numeric && t->common.status == KLU_OK && klu_solve(t->symbolic, numeric, a->n, 1, x, &t->common);
    klu_free_numeric(&numeric, &t->common);
    return good;
}

// x [n] = -(capacity B + share J)^-1 g
static bool direction(struct settling *t, double capacity, double share, double *x) {
    const struct es_rest *r = t->s->rest;
    for (int i = 0; i < r->pattern.nonzeros; i++)
        t->matrix[i] = capacity * r->mass[i] + share * t->s->j[i];
    for (size_t i = 0; i < r->n; i++)
        x[i] = -t->s->g[i];
    return solve_linear(t, x);
}

static double largest(size_t n, const double *x) {
    double most = 0;
    for (size_t i = 0; i < n; i++)
        most = fmax(most, fabs(x[i]));
    return most;
}

// The local error of step d in parts of what is permitted.
static double step_error(const struct settling *t) {
    const struct es_rest_state *s = t->s;
    double error = 0, size = 0;
    for (size_t i = 0; i < s->rest->n; i++) {
        error = fmax(error, fabs(t->d[i] - t->tau * t->rate[i]) / 2);
        size = fmax(size, fmax(fabs(s->u[i]), fabs(s->u[i] + t->d[i])));
    }
    return error > 0 ? error / (size * t->local_error) : 0;
}

// u += d, and how fast d went.
static void advance(struct settling *t, bool transient) {
    struct es_rest_state *s = t->s;
    for (size_t i = 0; i < s->rest->n; i++) {
        s->u[i] += t->d[i];
        t->rate[i] = transient ? t->d[i] / t->tau : 0;
    }
    es_rest_evaluate(s, s->u, s->g, s->j);
}

static enum es_status singular(struct es_error *error) {
    return es_fail(error, ES_FAILED, "the network has no single equilibrium: its conductances make a singular matrix on the way to rest; is a cell at the "
                                     "edge of what is stable?");
}

// The shortest time constant that one node has where the network stands.
static double shortest(const struct es_rest_state *s) {
    const struct es_pattern *a = &s->rest->pattern;
    double rate = 0;
    for (int c = 0; c < a->n; c++)
        for (int i = a->column[c]; i < a->column[c + 1]; i++)
            if (a->row[i] == c && s->rest->mass[i] != 0)
                rate = fmax(rate, fabs(s->j[i] / s->rest->mass[i]));
    return rate > 0 ? 1 / rate : 1;
}

// From u until the capacitors no longer count.
static enum es_status follow(struct settling *t, struct es_error *error) {
    t->tau = shortest(t->s) / 100;
    if (!direction(t, 1, 0, t->rate))
        return es_fail(error, ES_FAILED, "the network's capacitances make a singular matrix, so that its transient cannot be followed");
    for (int i = 0; i < MOST_STEPS; i++) {
        if (!direction(t, 1 / t->tau, 1, t->d))
            return singular(error);
        double off = step_error(t);
        if (off <= 1)
            advance(t, true);
        if (off <= 1 && t->tau > rest * shortest(t->s))
            return ES_OK;
        t->tau *= fmin(10, fmax(0.1, 0.9 / sqrt(off)));
    }
    return es_fail(error, ES_FAILED, "the network comes to no rest in %d steps, so it oscillates: give inhibitors smaller capacitors, or cells more "
                                     "conductance", MOST_STEPS);
}

static enum es_status polish(struct settling *t, struct es_error *error) {
    const struct es_rest_state *s = t->s;
    double last = INFINITY;
    for (int i = 0; i < 50; i++) {
        if (!direction(t, 0, 1, t->d))
            return singular(error);
        advance(t, false);
        double u = fmax(s->largest_given, largest(s->rest->n, s->u)), size = u > 0 ? largest(s->rest->n, t->d) / u : 0;
        if (size <= rounding || (size < 1e-9 && size > last / 2))
            return ES_OK;
        last = size;
    }
    return es_fail(error, ES_FAILED, "Newton's method does not end where the network comes to rest; the last correction was %.2g of the largest voltage", last);
}

enum es_status es_rest_settle(struct es_rest_state *s, double local_error, struct es_arena *arena, struct es_error *error) {
    const struct es_pattern *a = &s->rest->pattern;
    struct settling t = {.s = s, .local_error = local_error, .matrix = ES_NEW(arena, (size_t)a->nonzeros, double), .d = ES_NEW(arena, s->rest->n, double), .rate = ES_NEW(arena, s->rest->n, double)};
    if (a->n == 0)
        return ES_OK;
    klu_defaults(&t.common);
    t.symbolic = klu_analyze(a->n, a->column, a->row, &t.common);
    if (!t.symbolic)
        return es_fail(error, ES_NO_RESOURCE, "out of memory for a matrix of %d nodes", a->n);
    es_rest_evaluate(s, s->u, s->g, s->j);
    enum es_status status = follow(&t, error);
    if (status == ES_OK)
        status = polish(&t, error);
    klu_free_symbolic(&t.symbolic, &t.common);
    return status;
}
