// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
#include "cli/reference.h"

#include <math.h>
#include <stdio.h>

// (2^p fine - coarse) / (2^p - 1): without the error of order p in what was halved
static void extrapolate(size_t n, int p, const double *coarse, const double *fine, double *limit) {
    for (size_t i = 0; i < n; i++)
        limit[i] = (ldexp(fine[i], p) - coarse[i]) / (ldexp(1, p) - 1);
}

enum es_status cli_richardson_beta(struct cli_subject *s, const struct es_example *example, const double *gradient, double *slope,
                                   struct es_error *error) {
    struct es_problem problem = s->training.problem;
    struct es_gradient half = {.slope = slope};
    problem.beta /= 2;
    enum es_status status = es_gradient(&problem, s->theta, 1, example, &half, error);
    if (status == ES_OK)
        extrapolate(problem.net->parameters, problem.rule->one_sided ? 1 : 2, gradient, slope, slope);
    return status;
}

enum es_status cli_compare_continuous(struct cli_subject *s, const struct es_example *example, const double *weight, struct cli_continuous *result,
                                      struct es_error *error) {
    struct es_problem problem = s->training.problem;
    size_t n = problem.net->parameters;
    double *exact = ES_NEW(s->arena, n, double), *slope[CLI_STEP_SIZES];
    enum es_status status = es_continuous_gradient(&problem, s->theta, 1, example, true, NULL, exact, error);
    for (size_t i = 0; i < CLI_STEP_SIZES && status == ES_OK; i++) {
        struct es_gradient gradient = {.slope = slope[i] = ES_NEW(s->arena, n, double)};
        problem.grid.substeps = s->training.problem.grid.substeps << i;
        status = es_gradient(&problem, s->theta, 1, example, &gradient, error);
        result->error[i] = es_agreement_of(n, 1, weight, slope[i], exact).relative_error;
        result->steps[i] = 2 * M_PI / (s->omega * es_grid_step(&problem.grid));
    }
    if (status != ES_OK)
        return status;
    extrapolate(n, 2, slope[CLI_STEP_SIZES - 2], slope[CLI_STEP_SIZES - 1], slope[0]);
    result->extrapolated = es_agreement_of(n, 1, weight, slope[0], exact).relative_error;
    result->order = log2(result->error[CLI_STEP_SIZES - 2] / result->error[CLI_STEP_SIZES - 1]);
    return ES_OK;
}

json_t *cli_json_reference(const struct cli_reference *x, size_t parameters) {
    return json_pack("{s:I, s:o, s:o, s:s, s:s}", "parameters", (json_int_t)((parameters + x->every - 1) / x->every), "relative_error", cli_real(x->agreement.relative_error), "cosine",
                     cli_real(x->agreement.cosine), "reference", x->name, "of", x->of);
}

json_t *cli_json_continuous(const struct cli_continuous *result) {
    json_t *list = json_array();
    for (size_t i = 0; i < CLI_STEP_SIZES; i++)
        json_array_append_new(list, json_pack("{s:o, s:o}", "steps_per_period", cli_real(result->steps[i]), "relative_error", cli_real(result->error[i])));
    return json_pack("{s:s, s:s, s:o, s:o, s:o}", "reference", "cvodes-adjoint", "of", "the continuous circuit", "steps", list, "order",
                     cli_real(result->order), "richardson_relative_error", cli_real(result->extrapolated));
}

void cli_print_reference(const struct cli_reference *x) {
    if (x->slope && !isfinite(x->agreement.relative_error))
        printf("    %-21s it is 0: does what is trained reach the outputs?\n", x->name);
    else if (x->slope)
        printf("    %-21s relative error %.2g, 1 - cosine %.2g\n", x->name, x->agreement.relative_error, 1 - x->agreement.cosine);
}

void cli_print_continuous(const struct cli_continuous *result) {
    printf("  against the gradient of the continuous circuit\n");
    for (size_t i = 0; i < CLI_STEP_SIZES; i++)
        printf("    %-21s relative error %.2g at %.1f steps per period\n", i ? "" : "CVODES, adjoint", result->error[i], result->steps[i]);
    printf("    %-21s relative error %.2g; the error falls with order %.2f\n", "Richardson in h", result->extrapolated, result->order);
}
