// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// Lengths of residuals are Euclidean, and relative to |H| |path|, the size of the terms that cancel in them.
#include "learn/action.h"

#include <math.h>
#include <string.h>

enum { NEWTON_STEPS = 50, HALVINGS = 20, FLOW_STEPS = 200, IDLE = 3 };

static const double rounding = 1e-17;  // of a residual: nothing below it
static const double small = 1e-12;     // where no step makes it smaller any more
static const double regular = 1e10;    // largest condition number of the Hessian
static const double first_step = 1;    // of tau, in 1 / |H|^2
static const double grow = 4, shrink = 1. / 16; // of its steps; they also grow by what |r| falls

struct search {
    const struct es_action *action;
    struct es_arena *arena;
    struct es_sparse *hessian, *flow; // [n][n] H; [2 n][2 n] the flow's, or NULL
    size_t n, doubles;                // unknowns; of a path
    double *path, *r, length;         // where it is, its residual
    double *trial, *trial_r, trial_length;
    double *step;                     // [n], of the flow [2 n]
    double norm;                      // |H| at first
};

static double length(size_t n, const double *a) {
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += a[i] * a[i];
    return sqrt(sum);
}

static void find_hessian(struct search *s) {
    es_sparse_clear(s->hessian);
    es_action_hessian(s->action, s->path, 1, s->hessian, 0, 0);
}

static struct search begin(const struct es_action *a, double *path) {
    struct es_arena *arena = es_arena_new();
    size_t n = es_action_unknowns(a), doubles = (es_grid_steps(a->grid) + 1) * a->model->net->nodes;
    struct search s = {.action = a, .arena = arena, .n = n, .doubles = doubles, .path = path, .hessian = es_sparse_new(arena, n)};
    s.r = ES_NEW(arena, n, double);
    s.trial_r = ES_NEW(arena, n, double);
    s.trial = ES_NEW(arena, doubles, double);
    s.step = ES_NEW(arena, 2 * n, double);
    es_action_hessian(a, path, 1, s.hessian, 0, 0);
    s.norm = es_sparse_norm(s.hessian);
    es_action_residual(a, path, s.r);
    s.length = length(n, s.r);
    return s;
}

static bool below(const struct search *s, double limit) {
    return s->length <= limit * s->norm * length(s->doubles, s->path);
}

// Whether path + scale step has a smaller residual.
static bool try_step(struct search *s, double scale, const double *step) {
    memcpy(s->trial, s->path, s->doubles * sizeof *s->trial);
    es_action_move(s->action, scale, step, s->trial);
    es_action_residual(s->action, s->trial, s->trial_r);
    s->trial_length = length(s->n, s->trial_r);
    return s->trial_length < s->length;
}

static void take_step(struct search *s) {
    memcpy(s->path, s->trial, s->doubles * sizeof *s->path);
    memcpy(s->r, s->trial_r, s->n * sizeof *s->r);
    s->length = s->trial_length;
}

// Releases everything. The path is a solution if the search has arrived, and the only one near if the Hessian is regular there.
static enum es_status end(struct search *s, bool arrived, const char *method, struct es_error *error) {
    const struct es_action *a = s->action;
    double relative = s->length / (s->norm * length(s->doubles, s->path)), duration = (double)(a->grid->points - 1) * a->grid->interval;
    find_hessian(s);
    double condition = es_sparse_factorise(s->hessian) ? es_sparse_condition(s->hessian) : INFINITY;
    es_sparse_close(s->hessian);
    es_sparse_close(s->flow);
    es_arena_free(s->arena);
    if (!(condition <= regular))
        return es_fail(error, ES_FAILED,
                       "network \"%s\": %s has no single solution near (condition number %.1e): T = %g s is a whole number of %s of a mode; take "
                       "another number of points, or another interval",
                       a->model->net->name, a->first ? "its path between fluxes that are held" : "its periodic path", condition, duration,
                       a->first ? "half periods" : "periods");
    if (!arrived)
        return es_fail(error, ES_FAILED,
                       "network \"%s\": %s leaves a residual of %.1e of the action's terms and finds no stationary path; take smaller inputs or "
                       "final fluxes, or a shorter T",
                       a->model->net->name, method, relative);
    return ES_OK;
}

// ---- Newton's method -------------------------------------------------------------------------------------------------

static bool newton_step(struct search *s) {
    find_hessian(s);
    for (size_t i = 0; i < s->n; i++)
        s->step[i] = -s->r[i];
    if (!es_sparse_factorise(s->hessian))
        return false;
    es_sparse_solve(s->hessian, s->step);
    double scale = 1;
    bool falls = try_step(s, scale, s->step);
    for (int i = 0; i < HALVINGS && !falls && !below(s, small); i++)
        falls = try_step(s, scale /= 2, s->step);
    return falls;
}

static enum es_status solve_newton(const struct es_action *a, double *path, size_t *iterations, struct es_error *error) {
    struct search s = begin(a, path);
    bool moves = true;
    for (int i = 0; i < NEWTON_STEPS && moves && !below(&s, rounding); i++) {
        bool last = below(&s, small); // it only takes rounding off
        moves = newton_step(&s);
        ++*iterations;
        if (moves)
            take_step(&s);
        moves = moves && !last;
    }
    return end(&s, below(&s, small), es_action_newton.row.name, error);
}

const struct es_action_solver es_action_newton = {
    .row = {"newton", "Newton's method on the action, sparse (KLU)", "docs/theory.md 2"},
    .solve = solve_newton,
};

// ---- gradient flow ---------------------------------------------------------------------------------------------------

// The step of length dtau / |H|^2, with H and r over |H|.
static bool flow_step(struct search *s, double dtau) {
    es_sparse_clear(s->flow);
    es_action_hessian(s->action, s->path, 1 / s->norm, s->flow, 0, s->n);
    es_action_hessian(s->action, s->path, 1 / s->norm, s->flow, s->n, 0);
    for (size_t i = 0; i < s->n; i++) {
        es_sparse_add(s->flow, i, i, -1);
        es_sparse_add(s->flow, s->n + i, s->n + i, 1 / dtau);
        s->step[i] = -s->r[i] / s->norm;
        s->step[s->n + i] = 0;
    }
    if (!es_sparse_factorise(s->flow))
        return false;
    es_sparse_solve(s->flow, s->step);
    return try_step(s, 1, s->step + s->n);
}

static enum es_status solve_flow(const struct es_action *a, double *path, size_t *iterations, struct es_error *error) {
    struct search s = begin(a, path);
    s.flow = es_sparse_new(s.arena, 2 * s.n);
    double dtau = first_step;
    for (int i = 0, idle = 0; i < FLOW_STEPS && idle < IDLE && !below(&s, rounding); i++) {
        double before = s.length;
        bool falls = flow_step(&s, dtau);
        ++*iterations;
        if (falls)
            take_step(&s);
        dtau *= falls ? grow * before / s.length : shrink;
        idle = below(&s, small) && s.length > before / 2 ? idle + 1 : 0;
    }
    return end(&s, below(&s, small), es_action_flow.row.name, error);
}

const struct es_action_solver es_action_flow = {
    .row = {"flow", "gradient flow on |dS/dphi|^2 / 2 in fictitious time, linearly implicit", "docs/theory.md 2"},
    .solve = solve_flow,
};
