// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// The discrete adjoint of the twin's two schemes: reverse accumulation through the stored trajectory of one example. Dense and
// scalar, on the functions of src/net only, so that it shares no code with what it checks.
//
// g_phi and g_v are the derivatives of the loss to the state; c_o = dC/dI_o for the integral I_o of each output.
//   Verlet     v' = v + (h/2) M^-1 f(phi),  phi+ = phi + h v',  v+ = v' + (h/2) M^-1 f(phi+)
//   midpoint   M (m - v) = (h/2) f(phi + (h/2) m),  phi+ = phi + h m,  v+ = 2 m - v
#include "learn/gradient.h"

#include "net/lagrangian.h"

#include <gsl/gsl_linalg.h>
#include <math.h>
#include <string.h>

struct adjoint {
    const struct es_network *net;
    const double *k;             // [elements]
    const struct es_grid *grid;
    const struct es_example *example;
    struct es_arena *arena;
    size_t n, steps;             // nodes, steps
    double h;
    double *factor;              // [n][n] Cholesky factor of M, or of M + h^2/4 K
    double *flux, *velocity;     // [steps + 1][n] phi at the grid points; [steps][n] v in the middle of each step
    double *weight;              // [outputs] c_o
    double *g_phi, *g_v, *f, *m; // [n] scratch
    double *x;                   // [channels] scratch
    double *slope;               // [elements] dC/dk, summed up
};

static double signal(const struct adjoint *a, const double *samples, size_t channel, size_t step) {
    const double *s = samples + channel * a->grid->points;
    size_t i = step / a->grid->substeps, r = step % a->grid->substeps;
    return r ? s[i] + (double)r / (double)a->grid->substeps * (s[i + 1] - s[i]) : s[i];
}

// Inputs or targets at grid point n, or in the middle of n .. n + 1.
static double at(const struct adjoint *a, const double *samples, int channel, size_t n, bool middle) {
    if (!samples)
        return 0;
    double now = signal(a, samples, (size_t)channel, n);
    return middle ? (now + signal(a, samples, (size_t)channel, n + 1)) / 2 : now;
}

static void force(const struct adjoint *a, const double *phi, size_t n, bool middle, double *f) {
    for (size_t c = 0; c < a->net->channels; c++)
        a->x[c] = at(a, a->example->input, (int)c, n, middle);
    memset(a->m, 0, a->n * sizeof *a->m);
    es_lagrangian_force(a->net, a->k, phi, a->m, a->x, f);
}

// b = (factorised matrix)^-1 b
static void solve(const struct adjoint *a, double *b) {
    gsl_matrix_const_view factor = gsl_matrix_const_view_array(a->factor, a->n, a->n);
    gsl_vector_view v = gsl_vector_view_array(b, a->n);
    gsl_linalg_cholesky_svx(&factor.matrix, &v.vector);
}

static void axpy(size_t n, double scale, const double *x, double *y) {
    for (size_t i = 0; i < n; i++)
        y[i] += scale * x[i];
}

static void add_branch(const struct es_element *e, double value, double *g) {
    if (e->p >= 0)
        g[e->p] += value;
    if (e->n >= 0)
        g[e->n] -= value;
}

// Derivatives of the loss to the state where it is read: weight 2 c_o (psi - y) of the flux and error integrals ...
static void read_flux(const struct adjoint *a, const double *phi, size_t n, bool middle, double weight, bool voltage, bool error, double *g) {
    for (size_t o = 0; o < a->net->outputs && !voltage; o++) {
        const struct es_element *e = &a->net->element[a->net->output[o]];
        double target = error ? at(a, a->example->target, (int)o, n, middle) : 0;
        add_branch(e, weight * 2 * a->weight[o] * (es_across(e, phi) - target), g);
    }
}

// ... and 2 h c_o v of the voltage integrals.
static void read_voltage(const struct adjoint *a, const double *v, bool voltage, double *g) {
    for (size_t o = 0; o < a->net->outputs && voltage; o++) {
        const struct es_element *e = &a->net->element[a->net->output[o]];
        add_branch(e, a->h * 2 * a->weight[o] * es_across(e, v), g);
    }
}

// dC/dk from q = dC/df at the force that was evaluated at phi.
static void parameters(struct adjoint *a, const double *q, const double *phi, size_t n, bool middle) {
    for (size_t i = 0; i < a->net->elements; i++) {
        const struct es_element *e = &a->net->element[i];
        if (e->kind->term == ES_POTENTIAL)
            a->slope[i] -= es_across(e, q) * es_across(e, phi);
        else if (e->kind->term == ES_DRIVE)
            a->slope[i] += es_across(e, q) * at(a, a->example->input, e->channel, n, middle);
    }
}

// g -= scale K q
static void pull_back(const struct adjoint *a, const double *q, double scale, double *g) {
    memset(a->m, 0, a->n * sizeof *a->m);
    memset(a->x, 0, a->net->channels * sizeof *a->x);
    es_lagrangian_force(a->net, a->k, q, a->m, a->x, a->f); // - K q
    axpy(a->n, scale, a->f, g);
}

// What the cost reads, and the scheme, in one place.
struct kind {
    bool middle, voltage, error;
};

static void forward(struct adjoint *a, bool middle) {
    size_t n = a->n;
    double *v = ES_NEW(a->arena, n, double), *f = ES_NEW(a->arena, n, double), *ahead = ES_NEW(a->arena, n, double);
    for (size_t i = 0; i < n; i++) {
        a->flux[i] = a->net->node[i].flux;
        v[i] = a->net->node[i].voltage;
    }
    for (size_t s = 0; s < a->steps; s++) {
        const double *phi = a->flux + s * n;
        double *next = a->flux + (s + 1) * n, *m = a->velocity + s * n;
        memcpy(ahead, phi, n * sizeof *ahead);
        if (middle)
            axpy(n, a->h / 2, v, ahead);
        force(a, ahead, s, middle, f);
        solve(a, f);
        memcpy(m, v, n * sizeof *m);
        axpy(n, a->h / 2, f, m);
        memcpy(next, phi, n * sizeof *next);
        axpy(n, a->h, m, next);
        memcpy(v, m, n * sizeof *v);
        if (!middle) {
            force(a, next, s + 1, false, f);
            solve(a, f);
        }
        axpy(n, a->h / 2, f, v);
    }
}

static void kick_back(struct adjoint *a, const double *g, const double *phi, size_t step, double *q) {
    memcpy(q, g, a->n * sizeof *q);
    solve(a, q);
    for (size_t i = 0; i < a->n; i++)
        q[i] *= a->h / 2;
    parameters(a, q, phi, step, false);
    pull_back(a, q, 1, a->g_phi);
}

static void backward_verlet(struct adjoint *a, struct kind kind) {
    double *q = ES_NEW(a->arena, a->n, double);
    read_flux(a, a->flux + a->steps * a->n, a->steps, false, a->h / 2, kind.voltage, kind.error, a->g_phi);
    for (size_t s = a->steps; s-- > 0;) {
        const double *phi = a->flux + s * a->n, *next = phi + a->n;
        kick_back(a, a->g_v, next, s + 1, q);
        axpy(a->n, a->h, a->g_phi, a->g_v);
        read_voltage(a, a->velocity + s * a->n, kind.voltage, a->g_v);
        kick_back(a, a->g_v, phi, s, q);
        read_flux(a, phi, s, false, s ? a->h : a->h / 2, kind.voltage, kind.error, a->g_phi);
    }
}

static void backward_midpoint(struct adjoint *a, struct kind kind) {
    size_t n = a->n;
    double *q = ES_NEW(a->arena, n, double), *middle = ES_NEW(a->arena, n, double), *direct = ES_NEW(a->arena, n, double);
    for (size_t s = a->steps; s-- > 0;) {
        const double *m = a->velocity + s * n;
        memcpy(middle, a->flux + s * n, n * sizeof *middle);
        axpy(n, a->h / 2, m, middle);
        memset(direct, 0, n * sizeof *direct);
        memset(q, 0, n * sizeof *q);
        read_flux(a, middle, s, true, a->h, kind.voltage, kind.error, direct);
        read_voltage(a, m, kind.voltage, q);
        axpy(n, a->h / 2, direct, q);
        axpy(n, a->h, a->g_phi, q);
        axpy(n, 2, a->g_v, q);
        solve(a, q);
        axpy(n, 1, direct, a->g_phi);
        pull_back(a, q, a->h / 2, a->g_phi);
        es_lagrangian_momentum(a->net, a->k, q, direct);
        for (size_t i = 0; i < n; i++) {
            a->g_v[i] = direct[i] - a->g_v[i];
            q[i] *= a->h / 2;
        }
        parameters(a, q, middle, s, true);
    }
}

static void factorise(struct adjoint *a, bool middle) {
    size_t n = a->n;
    double *stiffness = ES_NEW(a->arena, n * n, double);
    a->factor = ES_NEW(a->arena, n * n, double);
    es_network_matrix(a->net, a->k, ES_KINETIC, a->factor);
    es_network_matrix(a->net, a->k, ES_POTENTIAL, stiffness);
    if (middle)
        axpy(n * n, a->h * a->h / 4, stiffness, a->factor);
    gsl_matrix_view matrix = gsl_matrix_view_array(a->factor, n, n);
    gsl_linalg_cholesky_decomp1(&matrix.matrix);
}

// integral [outputs] of the stored trajectory, by the scheme's own quadrature.
static void integrals(const struct adjoint *a, struct kind kind, double *integral) {
    for (size_t o = 0; o < a->net->outputs; o++) {
        const struct es_element *e = &a->net->element[a->net->output[o]];
        integral[o] = 0;
        for (size_t s = 0; s < a->steps + !kind.middle; s++) {
            const double *phi = a->flux + s * a->n, *v = a->velocity + (s < a->steps ? s : 0) * a->n;
            double psi = es_across(e, phi) + (kind.middle ? a->h / 2 * es_across(e, v) : 0);
            double weight = kind.middle || (s && s < a->steps) ? a->h : a->h / 2;
            if (kind.error)
                psi -= at(a, a->example->target, (int)o, s, kind.middle);
            if (!kind.voltage)
                integral[o] += weight * psi * psi;
            else if (s < a->steps)
                integral[o] += a->h * es_across(e, v) * es_across(e, v);
        }
    }
}

static void run(struct adjoint *a, const struct es_problem *problem, struct kind kind) {
    size_t n = a->n;
    a->flux = ES_NEW(a->arena, (a->steps + 1) * n, double);
    a->velocity = ES_NEW(a->arena, a->steps * n, double);
    a->weight = ES_NEW(a->arena, a->net->outputs, double);
    a->g_phi = ES_NEW(a->arena, n, double);
    a->g_v = ES_NEW(a->arena, n, double);
    a->f = ES_NEW(a->arena, n, double);
    a->m = ES_NEW(a->arena, n, double);
    a->x = ES_NEW(a->arena, a->net->channels, double);
    factorise(a, kind.middle);
    forward(a, kind.middle);
    double *integral = ES_NEW(a->arena, a->net->outputs, double);
    integrals(a, kind, integral);
    problem->cost->nudge(a->net, integral, a->example->label, a->weight);
    for (size_t o = 0; o < a->net->outputs; o++) // a nudge element is 2 c_o as a capacitor, -2 c_o as an inverse inductance
        a->weight[o] *= kind.voltage ? 0.5 : -0.5;
    if (kind.middle)
        backward_midpoint(a, kind);
    else
        backward_verlet(a, kind);
}

enum es_status es_adjoint(const struct es_problem *problem, const double *theta, size_t examples, const struct es_example *example,
                          double *slope, struct es_error *error) {
    const struct es_network *net = problem->net;
    struct es_arena *arena = es_arena_new();
    double *k = ES_NEW(arena, net->elements, double), *total = ES_NEW(arena, net->elements, double), *dk = ES_NEW(arena, net->parameters, double);
    es_network_coefficients(net, theta, k);
    enum es_signal signal_kind = problem->cost->integral(net, net->output[0]).a.signal;
    struct kind kind = {.middle = strcmp(problem->engine->scheme->row.name, "verlet") != 0,
                        .voltage = signal_kind == ES_SIGNAL_VOLTAGE, .error = signal_kind == ES_SIGNAL_ERROR};
    enum es_status status = ES_OK;
    for (size_t i = 0; i < net->elements && status == ES_OK; i++)
        if (net->element[i].kind->term == ES_DISSIPATION)
            status = es_fail(error, ES_BAD_INPUT, "the discrete adjoint covers lossless networks only; \"%s\" is a conductance", net->element[i].name);
    for (size_t i = 0; i < examples && status == ES_OK; i++) {
        struct adjoint a = {.net = net, .k = k, .grid = &problem->grid, .example = &example[i], .arena = es_arena_new(), .n = net->nodes,
                            .steps = es_grid_steps(&problem->grid), .h = es_grid_step(&problem->grid), .slope = total};
        run(&a, problem, kind);
        es_arena_free(a.arena);
    }
    es_network_slopes(net, theta, dk);
    for (size_t i = 0; i < net->parameters && status == ES_OK; i++)
        slope[i] = dk[i] * total[net->parameter[i].element] / (double)examples;
    es_arena_free(arena);
    return status;
}
