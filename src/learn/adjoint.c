// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// The discrete adjoint of the twin's two schemes: reverse accumulation through the stored trajectory of one example. Dense and
// scalar, on the functions of src/net only, so that it shares no code with what it checks.
//
// g_phi and g_v are the derivatives of the loss to the state, c_o = dC/dr_o for the reading r_o of each output.
//   Verlet     M (u - v) = (h/2) F(phi),  phi+ = phi + h u,  M (v+ - u) = (h/2) F(phi+)
//   midpoint   M (u - v) = (h/2) F(phi + (h/2) u),  phi+ = phi + h u,  v+ = 2 u - v
// At nodes that a source holds v is the source's at the grid points, and u the mean of both ends.
#include "learn/gradient.h"
#include "learn/implicit.h"
#include "net/validate.h"

#include <gsl/gsl_errno.h>
#include <gsl/gsl_linalg.h>
#include <math.h>
#include <string.h>

struct adjoint {
    const struct es_problem *problem;
    const struct es_model *model;
    const struct es_network *net;
    const struct es_grid *grid;
    const struct es_example *example;
    struct es_arena *arena;
    size_t n, steps; // nodes, steps
    double h;
    bool middle, nonlinear; // midpoint, otherwise Verlet
    double *matrix;             // [n][n] Cholesky factor of M, or of M + h^2/4 K
    double *flux, *voltage, *u; // [steps + 1][n] phi and v at the grid points, [steps][n] in the middle
    double *offset;             // [elements]
    double *weight;             // [outputs] c_o
    double *g_phi, *g_v;        // [n]
    double *to_offset;          // [elements] dC/do
    double *stiffness, *force, *x, *scratch, *middle_flux; // [n][n], [n], [channels], [n], [n]
    double *slope;              // [parameters] dC/dtheta, summed up
    double *lambda_phi, *lambda_p; // [steps + 1][n] g_phi and M^-1 g_v at the grid points, or NULL
    enum es_status status;
};

static double sample_at(const struct adjoint *a, const double *samples, size_t channel, size_t step) {
    const double *s = samples + channel * a->grid->points;
    size_t i = step / a->grid->substeps, r = step % a->grid->substeps;
    return r ? s[i] + (double)r / (double)a->grid->substeps * (s[i + 1] - s[i]) : s[i];
}

// Inputs or targets at grid point n, or in the middle of n .. n + 1.
static double at(const struct adjoint *a, const double *samples, size_t channel, size_t n, bool middle) {
    if (!samples)
        return 0;
    double now = sample_at(a, samples, channel, n);
    return middle ? (now + sample_at(a, samples, channel, n + 1)) / 2 : now;
}

static void load_inputs(struct adjoint *a, size_t n, bool middle) {
    for (size_t c = 0; c < a->net->channels; c++)
        a->x[c] = at(a, a->example->input, c, n, middle);
}

static double window(const struct adjoint *a, size_t step) {
    return a->example->window ? a->example->window[step / a->grid->substeps] : 1;
}

static void axpy(size_t n, double scale, const double *x, double *y) {
    for (size_t i = 0; i < n; i++)
        y[i] += scale * x[i];
}

static bool held(const struct adjoint *a, size_t node) {
    return a->net->node[node].source >= 0;
}

static void hold(const struct adjoint *a, double *vector) {
    for (size_t i = 0; i < a->n; i++)
        vector[i] = held(a, i) ? 0 : vector[i];
}

static void factorise(struct adjoint *a, const double *phi) {
    size_t n = a->n;
    es_model_mass(a->model, a->matrix);
    if (a->middle) {
        es_model_stiffness(a->model, phi, a->offset, a->stiffness);
        axpy(n * n, a->h * a->h / 4, a->stiffness, a->matrix);
    }
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++)
            if (held(a, i) || held(a, j))
                a->matrix[i * n + j] = i == j;
    gsl_matrix_view matrix = gsl_matrix_view_array(a->matrix, n, n);
    gsl_error_handler_t *handler = gsl_set_error_handler_off();
    if (gsl_linalg_cholesky_decomp1(&matrix.matrix))
        a->status = ES_FAILED;
    gsl_set_error_handler(handler);
}

// b = (factorised matrix)^-1 b, 0 at held nodes
static void solve(const struct adjoint *a, double *b) {
    gsl_matrix_const_view matrix = gsl_matrix_const_view_array(a->matrix, a->n, a->n);
    gsl_vector_view v = gsl_vector_view_array(b, a->n);
    hold(a, b);
    gsl_linalg_cholesky_svx(&matrix.matrix, &v.vector);
}

// ---- forward ---------------------------------------------------------------------------------------------------------

static void hold_sources(const struct adjoint *a, size_t n, bool middle, double *v) {
    for (size_t i = 0; i < a->n; i++)
        if (held(a, i)) {
            size_t e = (size_t)a->net->node[i].source;
            v[i] = a->model->k[e] * at(a, a->example->input, (size_t)a->net->element[e].channel, n, middle);
        }
}

// residual = (h/2) F(phi) - M (b - a)
static void kick_residual(struct adjoint *a, const double *phi, const double *from, const double *to, double *residual) {
    memset(a->scratch, 0, a->n * sizeof *a->scratch);
    es_model_force(a->model, phi, a->scratch, a->x, a->offset, a->force);
    for (size_t i = 0; i < a->n; i++)
        a->scratch[i] = to[i] - from[i];
    es_model_momentum(a->model, a->scratch, residual);
    for (size_t i = 0; i < a->n; i++)
        residual[i] = a->h / 2 * a->force[i] - residual[i];
}

// to: M (to - from) = (h/2) F(phi), the held nodes being set already; the others start as from.
static void kick(struct adjoint *a, const double *phi, const double *from, double *to) {
    double *residual = ES_NEW(a->arena, a->n, double);
    for (size_t i = 0; i < a->n; i++)
        to[i] = held(a, i) ? to[i] : from[i];
    kick_residual(a, phi, from, to, residual);
    solve(a, residual);
    axpy(a->n, 1, residual, to);
}

// u by Newton's method with the exact Jacobian.
static void step_midpoint(struct adjoint *a, const double *phi, const double *v, double *u) {
    double *residual = ES_NEW(a->arena, a->n, double);
    for (size_t i = 0; i < a->n; i++)
        u[i] = held(a, i) ? u[i] : v[i];
    bool converged = !a->nonlinear;
    for (int iteration = 0; iteration < (a->nonlinear ? 20 : 1) && !(iteration && converged); iteration++) {
        memcpy(a->middle_flux, phi, a->n * sizeof *phi);
        axpy(a->n, a->h / 2, u, a->middle_flux);
        if (a->nonlinear)
            factorise(a, a->middle_flux);
        kick_residual(a, a->middle_flux, v, u, residual);
        solve(a, residual);
        axpy(a->n, 1, residual, u);
        double correction = 0, size = 0;
        for (size_t i = 0; i < a->n; i++) {
            correction = fmax(correction, fabs(residual[i]));
            size = fmax(size, fabs(u[i]));
        }
        converged |= correction <= 1e-13 * size; // and quadratic, so that the next is below rounding
    }
    if (!converged)
        a->status = ES_FAILED;
}

static void forward(struct adjoint *a) {
    size_t n = a->n;
    for (size_t s = 0; s < a->steps && a->status == ES_OK; s++) {
        const double *phi = a->flux + s * n, *v = a->voltage + s * n;
        double *next = a->flux + (s + 1) * n, *v_next = a->voltage + (s + 1) * n, *u = a->u + s * n;
        hold_sources(a, s, true, u);
        hold_sources(a, s + 1, false, v_next);
        load_inputs(a, s, a->middle);
        if (a->middle)
            step_midpoint(a, phi, v, u);
        else
            kick(a, phi, v, u);
        memcpy(next, phi, n * sizeof *next);
        axpy(n, a->h, u, next);
        load_inputs(a, s + 1, false);
        if (!a->middle)
            kick(a, next, u, v_next);
        for (size_t i = 0; i < n && a->middle; i++)
            v_next[i] = held(a, i) ? v_next[i] : 2 * u[i] - v[i];
    }
}

// ---- what the cost reads ---------------------------------------------------------------------------------------------

static bool reads_voltage(const struct adjoint *a, size_t output) {
    return a->net->element[a->net->output[output]].read == ES_READ_VOLTAGE;
}

// The signal of a running cost at state a (phi or u), its target at point n or in the middle.
static double read_signal(const struct adjoint *a, size_t o, const double *state, size_t n, bool middle) {
    const struct es_element *e = &a->net->element[a->net->output[o]];
    return es_across(e, state) - (a->problem->cost->labels ? 0 : at(a, a->example->target, o, n, middle));
}

// Calls for each reading of step s: flux in the middle (midpoint) or half at each end (Verlet), voltage in the middle.
static void read_step(struct adjoint *a, size_t s, double *value) {
    const double *phi = a->flux + s * a->n, *u = a->u + s * a->n;
    double w = a->h * window(a, s);
    memcpy(a->middle_flux, phi, a->n * sizeof *phi);
    axpy(a->n, a->h / 2, u, a->middle_flux);
    for (size_t o = 0; o < a->net->outputs; o++) {
        if (reads_voltage(a, o))
            value[o] += w * pow(read_signal(a, o, u, s, true), 2);
        else if (a->middle)
            value[o] += w * pow(read_signal(a, o, a->middle_flux, s, true), 2);
        else
            value[o] += w / 2 * (pow(read_signal(a, o, phi, s, false), 2) + pow(read_signal(a, o, phi + a->n, s + 1, false), 2));
    }
}

// g += derivative of the running cost's reading with this weight.
static void pull_signal(const struct adjoint *a, bool voltage, const double *state, size_t n, bool middle, double weight, double *g) {
    for (size_t o = 0; o < a->net->outputs && a->problem->cost->reads == ES_READ_RUNNING; o++)
        if (reads_voltage(a, o) == voltage)
            es_add_across(&a->net->element[a->net->output[o]], g, weight * 2 * a->weight[o] * read_signal(a, o, state, n, middle));
}

static void read_end(const struct adjoint *a, double *value, double *target) {
    const double *phi = a->flux + a->steps * a->n, *v = a->voltage + a->steps * a->n;
    double *charge = ES_NEW(a->arena, a->n, double);
    es_model_momentum(a->model, v, charge);
    for (size_t o = 0; o < a->net->outputs; o++) {
        const struct es_element *e = &a->net->element[a->net->output[o]];
        enum es_quantity_read reads = a->problem->cost->reads;
        target[o] = at(a, a->example->target, o, a->steps, false);
        if (reads != ES_READ_RUNNING)
            value[o] = es_across(e, reads == ES_READ_FLUX_AT_END ? phi : reads == ES_READ_VOLTAGE_AT_END ? v : charge);
    }
}

// The readings of the stored trajectory; c_o from them; the derivatives to the state at T.
static void read_trajectory(struct adjoint *a) {
    const struct es_cost *cost = a->problem->cost;
    double *value = ES_NEW(a->arena, a->net->outputs, double), *target = ES_NEW(a->arena, a->net->outputs, double), *dl = ES_NEW(a->arena, a->n, double);
    for (size_t s = 0; s < a->steps && cost->reads == ES_READ_RUNNING; s++)
        read_step(a, s, value);
    read_end(a, value, target);
    struct es_reading reading = {a->net, value, target, a->example->label, a->problem->temperature};
    cost->slope(&reading, a->weight);
    es_cost_spread(a->net, a->weight, dl);
    if (cost->reads == ES_READ_FLUX_AT_END)
        memcpy(a->g_phi, dl, a->n * sizeof *dl);
    else if (cost->reads == ES_READ_VOLTAGE_AT_END)
        memcpy(a->g_v, dl, a->n * sizeof *dl);
    else if (cost->reads == ES_READ_CHARGE_AT_END) {
        es_model_momentum(a->model, dl, a->g_v);
        es_model_mass_slope(a->model, dl, a->voltage + a->steps * a->n, a->slope);
    }
}

// ---- backward --------------------------------------------------------------------------------------------------------

// dC/do from q' dF/do = - (a . q) d2U/dpsi2
static void pull_offsets(struct adjoint *a, const double *q, const double *phi) {
    for (size_t e = 0; e < a->net->elements; e++) {
        const struct es_element *element = &a->net->element[e];
        double stiffness = a->model->k[e], current, psi = es_across(element, phi) + a->offset[e];
        if (!es_element_own_state(element))
            continue;
        if (element->kind->potential)
            element->kind->potential->current(a->model->q[e], 1, &psi, &current, &stiffness);
        a->to_offset[e] -= es_across(element, q) * stiffness;
    }
}

// Takes the equation M (to - from) = (h/2) F(phi) back: q is its multiplier. g_phi of phi gets - (h/2) K q.
static void pull_kick(struct adjoint *a, double *q, const double *phi, const double *from, const double *to, double *g_phi) {
    size_t n = a->n;
    es_model_stiffness(a->model, phi, a->offset, a->stiffness);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++)
            g_phi[i] -= a->h / 2 * a->stiffness[i * n + j] * q[j];
    for (size_t i = 0; i < n; i++)
        a->scratch[i] = from[i] - to[i];
    es_model_mass_slope(a->model, q, a->scratch, a->slope);
    for (size_t i = 0; i < n; i++)
        a->scratch[i] = a->h / 2 * q[i];
    es_model_force_slope(a->model, phi, a->x, a->offset, a->scratch, a->slope);
    pull_offsets(a, a->scratch, phi);
}

static void pull_verlet(struct adjoint *a, size_t s, double *q) {
    const double *phi = a->flux + s * a->n, *next = phi + a->n, *v = a->voltage + s * a->n, *u = a->u + s * a->n;
    double w = a->h * window(a, s);
    memcpy(q, a->g_v, a->n * sizeof *q);
    solve(a, q);
    load_inputs(a, s + 1, false);
    pull_kick(a, q, next, u, v + a->n, a->g_phi);
    pull_signal(a, false, next, s + 1, false, w / 2, a->g_phi);
    axpy(a->n, a->h, a->g_phi, a->g_v);
    pull_signal(a, true, u, s, true, w, a->g_v);
    memcpy(q, a->g_v, a->n * sizeof *q);
    solve(a, q);
    load_inputs(a, s, false);
    pull_kick(a, q, phi, v, u, a->g_phi);
    pull_signal(a, false, phi, s, false, w / 2, a->g_phi);
}

static void pull_midpoint(struct adjoint *a, size_t s, double *q) {
    const double *phi = a->flux + s * a->n, *v = a->voltage + s * a->n, *u = a->u + s * a->n;
    double w = a->h * window(a, s), *direct = ES_NEW(a->arena, a->n, double), *charge = ES_NEW(a->arena, a->n, double);
    double *middle = ES_NEW(a->arena, a->n, double);
    memcpy(middle, phi, a->n * sizeof *middle);
    axpy(a->n, a->h / 2, u, middle);
    if (a->nonlinear)
        factorise(a, middle);
    memset(q, 0, a->n * sizeof *q);
    pull_signal(a, false, middle, s, true, w, direct);
    pull_signal(a, true, u, s, true, w, q);
    axpy(a->n, a->h / 2, direct, q);
    axpy(a->n, a->h, a->g_phi, q);
    axpy(a->n, 2, a->g_v, q);
    solve(a, q);
    axpy(a->n, 1, direct, a->g_phi);
    load_inputs(a, s, true);
    pull_kick(a, q, middle, v, u, a->g_phi);
    es_model_momentum(a->model, q, charge);
    for (size_t i = 0; i < a->n; i++)
        a->g_v[i] = charge[i] - a->g_v[i];
}

// From the derivatives to (phi_0, v_0) to those to (phi_0, p_0), and to what these depend on.
static void pull_start(struct adjoint *a, double *q) {
    a->middle = false;
    factorise(a, NULL);
    memcpy(q, a->g_v, a->n * sizeof *q);
    solve(a, q);
    for (size_t i = 0; i < a->n; i++)
        a->scratch[i] = -q[i];
    es_model_mass_slope(a->model, a->scratch, a->voltage, a->slope);
    es_model_start_slope(a->model, a->voltage, a->g_phi, q, a->to_offset, a->slope);
}

// Keeps g_phi and g_v at grid point s.
static void keep(const struct adjoint *a, size_t s) {
    if (!a->lambda_phi)
        return;
    memcpy(a->lambda_phi + s * a->n, a->g_phi, a->n * sizeof *a->g_phi);
    memcpy(a->lambda_p + s * a->n, a->g_v, a->n * sizeof *a->g_v);
    hold(a, a->lambda_phi + s * a->n);
}

// dC/dp = M^-1 dC/dv at all grid points, M being the factorised matrix.
static void to_charges(const struct adjoint *a) {
    for (size_t s = 0; s <= a->steps && a->lambda_p; s++)
        solve(a, a->lambda_p + s * a->n);
}

static void allocate(struct adjoint *a) {
    size_t n = a->n;
    a->flux = ES_NEW(a->arena, (a->steps + 1) * n, double);
    a->voltage = ES_NEW(a->arena, (a->steps + 1) * n, double);
    a->u = ES_NEW(a->arena, a->steps * n, double);
    a->offset = ES_NEW(a->arena, a->net->elements, double);
    a->to_offset = ES_NEW(a->arena, a->net->elements, double);
    a->weight = ES_NEW(a->arena, a->net->outputs, double);
    a->matrix = ES_NEW(a->arena, n * n, double);
    a->stiffness = ES_NEW(a->arena, n * n, double);
    a->x = ES_NEW(a->arena, a->net->channels, double);
    double **vectors[] = {&a->g_phi, &a->g_v, &a->force, &a->scratch, &a->middle_flux};
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++)
        *vectors[i] = ES_NEW(a->arena, n, double);
}

static enum es_status run(struct adjoint *a, struct es_error *error) {
    double *q = ES_NEW(a->arena, a->n, double);
    allocate(a);
    load_inputs(a, 0, false);
    a->status = es_model_start(a->model, a->x, a->flux, a->voltage, a->offset, error);
    for (size_t e = 0; e < a->net->elements; e++)
        a->nonlinear |= a->net->element[e].kind->potential != NULL;
    factorise(a, NULL);
    forward(a);
    read_trajectory(a);
    keep(a, a->steps);
    for (size_t s = a->steps; s-- > 0 && a->status == ES_OK; keep(a, s))
        if (a->middle)
            pull_midpoint(a, s, q);
        else
            pull_verlet(a, s, q);
    pull_start(a, q);
    to_charges(a);
    return a->status == ES_FAILED ? es_fail(error, ES_FAILED, "the discrete adjoint met a step that Newton's method does not solve; take a smaller step") : a->status;
}

// Adds the slope of one example, and keeps its costates unless lambda_phi is NULL.
static enum es_status pull_example(const struct es_problem *problem, const struct es_model *model, const struct es_example *example, double *slope,
                                   double *lambda_phi, double *lambda_p, struct es_error *error) {
    struct adjoint a = {.problem = problem, .model = model, .net = model->net, .grid = &problem->grid, .example = example, .arena = es_arena_new(),
                        .n = model->net->nodes, .steps = es_grid_steps(&problem->grid), .h = es_grid_step(&problem->grid), .slope = slope,
                        .lambda_phi = lambda_phi, .lambda_p = lambda_p,
                        .middle = strcmp(problem->engine->scheme->row.name, "verlet") != 0};
    enum es_status status = run(&a, error);
    es_arena_free(a.arena);
    return status;
}

static enum es_status prepare(const struct es_network *net, const double *theta, struct es_arena *arena, struct es_model *model, struct es_error *error) {
    for (size_t i = 0; i < net->elements; i++)
        if (net->element[i].kind->term == ES_DISSIPATION || net->element[i].kind->term == ES_SENSING)
            return es_fail(error, ES_BAD_INPUT, "the discrete adjoint covers Lagrangian networks only; \"%s\" is a %s", net->element[i].name, net->element[i].kind->row.name);
    enum es_status status = es_validate_no_own_flux(net, "the discrete adjoint; use finite differences", error);
    return status == ES_OK ? es_model_new(net, theta, arena, model, error) : status;
}

enum es_status es_adjoint(const struct es_problem *problem, const double *theta, size_t examples, const struct es_example *example,
                          double *slope, struct es_error *error) {
    if (problem->engine->scheme->equilibrium)
        return es_implicit_gradient(problem, theta, examples, example, slope, error);
    struct es_arena *arena = es_arena_new();
    struct es_model model;
    enum es_status status = prepare(problem->net, theta, arena, &model, error);
    memset(slope, 0, problem->net->parameters * sizeof *slope);
    for (size_t i = 0; i < examples && status == ES_OK; i++)
        status = pull_example(problem, &model, &example[i], slope, NULL, NULL, error);
    for (size_t i = 0; i < problem->net->parameters; i++)
        slope[i] /= (double)examples;
    es_arena_free(arena);
    return status;
}

enum es_status es_adjoint_trajectory(const struct es_problem *problem, const double *theta, const struct es_example *example, double *lambda_phi,
                                     double *lambda_p, struct es_error *error) {
    struct es_arena *arena = es_arena_new();
    struct es_model model;
    enum es_status status = prepare(problem->net, theta, arena, &model, error);
    if (status == ES_OK)
        status = pull_example(problem, &model, example, ES_NEW(arena, problem->net->parameters, double), lambda_phi, lambda_p, error);
    es_arena_free(arena);
    return status;
}
