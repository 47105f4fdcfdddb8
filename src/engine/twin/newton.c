// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// Newton's method on the co-content, J d = -g by KLU, with backtracking until E has fallen (Armijo); it ends where the corrections are lost in rounding.
// Without negative nudges E is convex, and with them its minimum is where J is positive definite: KLU's pivots are held to the diagonal, and are all
// positive exactly there. On the way diodes can conduct so well that the rest of J is lost beside them; a small share of J's diagonal is then added to it.
#include "engine/twin/equilibrium.h"

#include <math.h>
#include <suitesparse/klu.h>

enum { MOST_ITERATIONS = 1000, MOST_HALVINGS = 60 };
static const double rounding = 1e-14; // of E, relative to its terms, and of u
static const double descent = 1e-4;   // part of the slope by which E has to fall
static const double damping = 1e-8;   // share of J's diagonal that is added where J is lost in rounding

struct newton {
    struct es_rest_state *s;
    klu_common common;
    klu_symbolic *symbolic;
    klu_numeric *numeric;
    double *d, *trial;
    double fall; // of E to first order along d, at least 0
};

// J = L U; false where it is not positive definite.
static bool factorise(struct newton *n) {
    const struct es_pattern *a = &n->s->rest->pattern;
    if (n->numeric)
        klu_refactor(a->column, a->row, n->s->j, n->symbolic, n->numeric, &n->common);
    else
        n->numeric = klu_factor(a->column, a->row, n->s->j, n->symbolic, &n->common);
    bool definite = n->numeric && n->common.status == KLU_OK;
    for (int i = 0; i < a->n && definite; i++)
        definite = ((const double *)n->numeric->Udiag)[i] > 0;
    return definite;
}

static void damp(struct newton *n) {
    const struct es_pattern *a = &n->s->rest->pattern;
    for (int c = 0; c < a->n; c++)
        for (int i = a->column[c]; i < a->column[c + 1]; i++)
            if (a->row[i] == c)
                n->s->j[i] *= 1 + damping;
}

static bool solve_linear(struct newton *n) {
    for (size_t i = 0; i < n->s->rest->n; i++)
        n->d[i] = -n->s->g[i];
    return klu_solve(n->symbolic, n->numeric, (int)n->s->rest->n, 1, n->d, &n->common);
}

static double slack(const struct newton *n) {
    return rounding * n->s->size;
}

// u += t d with the first t = 1, 1/2, ... at which E falls enough. False where d does not lead down.
static bool advance(struct newton *n) {
    struct es_rest_state *s = n->s;
    double slope = 0, before = s->content + slack(n);
    for (size_t i = 0; i < s->rest->n; i++)
        slope += s->g[i] * n->d[i];
    n->fall = -slope;
    if (!(slope <= 0))
        return false;
    double t = 1;
    for (int halvings = 0; halvings < MOST_HALVINGS; halvings++, t /= 2) {
        for (size_t i = 0; i < s->rest->n; i++)
            n->trial[i] = s->u[i] + t * n->d[i];
        es_rest_evaluate(s, n->trial, s->g, s->j);
        if (s->content <= before + descent * t * slope)
            break;
    }
    for (size_t i = 0; i < s->rest->n; i++)
        s->u[i] = n->trial[i];
    return isfinite(s->content);
}

// The largest correction relative to the largest voltage; 0 where nothing is to be corrected.
static double correction(const struct newton *n) {
    double d = 0, u = n->s->largest_given;
    for (size_t i = 0; i < n->s->rest->n; i++) {
        d = fmax(d, fabs(n->d[i]));
        u = fmax(u, fabs(n->s->u[i] + n->d[i]));
    }
    return d > 0 ? d / u : 0;
}

static enum es_status iterate(struct newton *n, struct es_error *error) {
    double last = INFINITY;
    es_rest_evaluate(n->s, n->s->u, n->s->g, n->s->j);
    for (int i = 0; i < MOST_ITERATIONS; i++) {
        bool definite = factorise(n);
        if (!definite)
            damp(n);
        if (!(definite || factorise(n)) || !solve_linear(n))
            return es_resistive_no_minimum(error);
        double size = correction(n);
        if (!advance(n))
            return es_resistive_no_minimum(error);
        bool ends = size <= rounding || (size < 1e-9 && size > last / 2 && n->fall <= slack(n));
        if (ends && !definite)
            return es_fail(error, ES_FAILED, "the network has no single equilibrium: its conductances make a singular matrix; "
                                             "check for nodes that hang on nothing but a diode in reverse");
        if (ends)
            return ES_OK;
        last = size;
    }
    return es_fail(error, ES_FAILED, "no equilibrium after %d iterations of Newton's method; the last correction was %.2g of the largest voltage",
                   MOST_ITERATIONS, last);
}

static enum es_status solve(struct es_rest_state *s, struct es_arena *arena, struct es_error *error) {
    const struct es_pattern *a = &s->rest->pattern;
    struct newton n = {.s = s, .d = ES_NEW(arena, s->rest->n, double), .trial = ES_NEW(arena, s->rest->n, double)};
    if (a->n == 0)
        return ES_OK;
    klu_defaults(&n.common);
    n.common.btf = 0;
    n.common.tol = 0; // pivots on the diagonal
    n.symbolic = klu_analyze(a->n, a->column, a->row, &n.common);
    enum es_status status = n.symbolic ? iterate(&n, error) : es_fail(error, ES_NO_RESOURCE, "out of memory for a matrix of %d nodes", a->n);
    klu_free_numeric(&n.numeric, &n.common);
    klu_free_symbolic(&n.symbolic, &n.common);
    return status;
}

const struct es_equilibrium es_newton = {
    .scheme = {.row = {"newton", "equilibria by Newton's method on the co-content, with KLU; of active networks where their transient ends", "docs/theory.md 7"}, .equilibrium = true},
    .solve = solve,
};
