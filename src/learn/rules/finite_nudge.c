// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// Finite nudges at a temperature (docs/theory.md 9; Litman 2025), exact at any nudge b > 0: with A_b = -T ln Z_b of F_b = E + b l, and d = dE/dtheta,
//     dJ/dtheta = (<d>_b - <d>_0) / b                         contrastive Hebbian learning
//               = -(1 / T b) integral_0^b Cov_b'[l, d] db'    path integral, by Gauss and Legendre over ln(1 + c b'), c the compliance of the outputs,
//                                                             as an output's variance falls like T c / (1 + c b')
// J = (A_b - A_0) / b, the loss of these rules, is not the supervised loss: J <= <l>_0. Averages are over chains of independent noise, in the engine.
#include "learn/thermal.h"

#include <gsl/gsl_integration.h>
#include <math.h>

enum { NODES = 6 }; // of the path integral

// slope [parameters] += weight <d>_b
static enum es_status add_mean(const struct es_problem *problem, const double *theta, const struct es_example *example, double b, size_t run, double weight,
                               double *slope, struct es_error *error) {
    struct es_arena *arena = es_arena_new();
    struct es_chain_means *mean;
    enum es_status status = es_thermal_sample(problem, theta, example, b, run, arena, &mean, error);
    for (size_t c = 0; c < problem->chains && status == ES_OK; c++)
        for (size_t i = 0; i < problem->net->parameters; i++)
            slope[i] += weight * mean[c].slope[i] / (double)problem->chains;
    es_arena_free(arena);
    return status;
}

// slope [parameters] += weight Cov_b[l, d]: the mean of the covariances in the chains and the covariance of their means, together without bias at any length.
static enum es_status add_covariance(const struct es_problem *problem, const double *theta, const struct es_example *example, double b, size_t run, double weight,
                                     double *slope, struct es_error *error) {
    struct es_arena *arena = es_arena_new();
    struct es_chain_means *mean;
    enum es_status status = es_thermal_sample(problem, theta, example, b, run, arena, &mean, error);
    double chains = (double)problem->chains;
    for (size_t i = 0; i < problem->net->parameters && status == ES_OK; i++) {
        double cost = 0, d = 0;
        for (size_t c = 0; c < problem->chains; c++) {
            cost += mean[c].cost / chains;
            d += mean[c].slope[i] / chains;
        }
        for (size_t c = 0; c < problem->chains; c++)
            slope[i] += weight * (mean[c].covariance[i] / chains + (mean[c].cost - cost) * (mean[c].slope[i] - d) / (chains - 1));
    }
    es_arena_free(arena);
    return status;
}

static enum es_status contrast(const struct es_problem *problem, const double *theta, const struct es_example *example, double b, double *slope,
                               struct es_error *error) {
    enum es_status status = add_mean(problem, theta, example, b, 0, 1 / b, slope, error);
    return status == ES_OK ? add_mean(problem, theta, example, 0, 1, -1 / b, slope, error) : status;
}

static enum es_status integrate(const struct es_problem *problem, const double *theta, const struct es_example *example, double b, double *slope,
                                struct es_error *error) {
    double c = 0;
    enum es_status status = es_thermal_compliance(problem, theta, example, &c, error);
    gsl_integration_glfixed_table *table = gsl_integration_glfixed_table_alloc(NODES);
    if (!table)
        return es_fail(error, ES_NO_RESOURCE, "out of memory");
    for (size_t k = 0; k < NODES && status == ES_OK; k++) {
        double at, weight;
        gsl_integration_glfixed_point(0, log1p(c * b), k, &at, &weight, table);
        status = add_covariance(problem, theta, example, expm1(at) / c, k, -weight * exp(at) / (problem->kt * b * c), slope, error);
    }
    gsl_integration_glfixed_table_free(table);
    return status;
}

typedef enum es_status gradient_of(const struct es_problem *, const double *, const struct es_example *, double, double *, struct es_error *);

static enum es_status solve(const struct es_problem *problem, const double *theta, const struct es_example *example, gradient_of *gradient, double *loss,
                            double *slope, struct es_error *error) {
    double b = 0;
    enum es_status status = es_thermal_nudge(problem, &b, error);
    if (status == ES_OK)
        status = es_energy_gap(problem, theta, example, loss, error);
    return status == ES_OK && slope ? gradient(problem, theta, example, b, slope, error) : status;
}

static enum es_status solve_contrastive(const struct es_problem *problem, const double *theta, const struct es_example *example, double *loss, double *slope,
                                        size_t *iterations, struct es_error *error) {
    (void)iterations;
    return solve(problem, theta, example, contrast, loss, slope, error);
}

static enum es_status solve_path(const struct es_problem *problem, const double *theta, const struct es_example *example, double *loss, double *slope,
                                 size_t *iterations, struct es_error *error) {
    (void)iterations;
    return solve(problem, theta, example, integrate, loss, slope, error);
}

static enum es_status path_admits(const struct es_problem *problem, struct es_error *error) {
    if (problem->sampler && problem->chains < 2)
        return es_fail(error, ES_BAD_INPUT, "the rule path-integral compares chains with each other, and there is one; expected chains=\"2\" or more in <learning>");
    return es_thermal_admits(problem, error);
}

const struct es_rule es_contrastive = {
    .row = {"contrastive", "thermal averages of dE/dtheta with and without a nudge of any size; the gradient of the free energy's gap", "CHL; Litman 2025; docs/theory.md 9"},
    .boundary = "thermal",
    .memory = "O(T): noise and voltages of the chains",
    .local = true,
    .forward = true,
    .lossy = true,
    .own_loss = &es_contrastive,
    .finite = true,
    .admits = es_thermal_admits,
    .solve = solve_contrastive,
};

const struct es_rule es_path_integral = {
    .row = {"path-integral", "covariances of the cost and dE/dtheta at 6 nudges on the way to the full one; the same gradient as contrastive", "Litman 2025; docs/theory.md 9"},
    .boundary = "thermal",
    .memory = "O(T): noise and voltages of the chains",
    .forward = true,
    .lossy = true,
    .own_loss = &es_contrastive,
    .finite = true,
    .admits = path_admits,
    .solve = solve_path,
};
