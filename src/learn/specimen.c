// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
#include "learn/specimen.h"

#include "net/modes.h"

#include <math.h>

enum es_status es_specimen_admits(const struct es_chip *chip, const struct es_rule *rule, struct es_error *error) {
    struct es_arena *arena = es_arena_new();
    const char *outside = es_chip_outside(chip, arena);
    enum es_status status = ES_OK;
    if (chip->count && rule->equilibrium)
        status = es_fail(error, ES_BAD_INPUT, "--chip: nonidealities act on transients, and the rule %s compares states of rest; leave --chip out", rule->row.name);
    else if (*outside && (rule->solve || rule->finite))
        status = es_fail(error, ES_BAD_INPUT, "--chip: the rule %s %s, on which %s could act; take another rule, or leave that out", rule->row.name,
                         rule->solve ? "solves for its trajectories as a whole and runs no passes" : "runs passes of another network than this one", outside);
    es_arena_free(arena);
    return status;
}

static enum es_status make(struct es_specimen *s, const struct es_chip *chip, struct es_error *error) {
    struct es_experiment *x = &s->experiment;
    if (!chip || !chip->count)
        return ES_OK;
    x->losses_allowed = true; // a biased gradient is what is looked at
    enum es_status status = es_specimen_admits(chip, x->rule, error);
    return status == ES_OK ? es_chip_network(chip, x->net, s->arena, &x->net, error) : status;
}

static enum es_status open_engines(struct es_specimen *s, const struct es_chip *chip, struct es_error *error) {
    const struct es_experiment *x = &s->experiment;
    const struct es_scheme *scheme = x->engine == &es_twin ? x->scheme : es_engine_scheme(&es_twin, x->scheme->equilibrium);
    enum es_status status = es_engine_open(x->engine, x->net, &(struct es_engine_options){.scheme = x->scheme->row.name, .jobs = 1}, &s->engine, error);
    if (status == ES_OK && chip)
        status = es_chip_open(chip, s->engine, &s->engine, error);
    return status == ES_OK ? es_engine_open(&es_twin, x->net, &(struct es_engine_options){.scheme = scheme->row.name, .jobs = 1}, &s->twin, error) : status;
}

static void choose_examples(struct es_specimen *s, size_t samples) {
    const struct es_training *training = &s->training;
    s->samples = samples < training->trained ? samples : training->trained;
    s->example = ES_NEW(s->arena, s->samples, struct es_example);
    for (size_t i = 0; i < s->samples; i++)
        s->example[i] = es_centre_example(training->set, training->sample[i * training->trained / s->samples], s->arena);
}

enum es_status es_specimen_open(struct es_specimen *s, const struct es_experiment *experiment, const struct es_dataset *set, size_t fold, size_t substeps,
                                size_t samples, const struct es_chip *chip, struct es_error *error) {
    *s = (struct es_specimen){.ideal = experiment->net, .experiment = *experiment, .arena = es_arena_new()};
    s->experiment.substeps = substeps;
    enum es_status status = make(s, chip, error);
    if (status == ES_OK)
        status = open_engines(s, chip, error);
    if (status == ES_OK)
        status = es_training_prepare(&s->training, &s->experiment, set, s->engine, fold, s->arena, error);
    if (status == ES_OK)
        choose_examples(s, samples);
    return status;
}

void es_specimen_close(struct es_specimen *s) {
    es_engine_close(s->twin);
    es_engine_close(s->engine);
    es_arena_free(s->arena);
}

// Whether the reciprocal rule gives the exact gradient, and is not what is to be judged.
static bool is_reciprocal(const struct es_problem *problem) {
    struct es_problem strict = *problem;
    strict.losses_allowed = false;
    return problem->rule != &es_reciprocal && es_rule_admits(&es_reciprocal, &strict, NULL) == ES_OK;
}

static enum es_status find_exact(const struct es_specimen *s, const double *theta, double *slope, struct es_error *error) {
    struct es_problem exact = s->training.problem;
    bool own = exact.rule->own_loss;
    exact.engine = s->twin;
    bool reciprocal = !own && is_reciprocal(&exact);
    if (!own)
        exact.rule = reciprocal ? &es_reciprocal : &es_rhel;
    if (!own && es_adjoint(&exact, theta, s->samples, s->example, slope, NULL) == ES_OK)
        return ES_OK;
    if (reciprocal)
        return es_gradient(&exact, theta, s->samples, s->example, &(struct es_gradient){.slope = slope}, error);
    double omega = exact.engine->scheme->equilibrium ? NAN : es_modes_fastest(s->ideal, theta);
    double step = es_difference_step(&exact.grid, omega) * (own ? es_own_step : 1);
    return es_finite_differences(&exact, theta, s->samples, s->example, step, slope, error);
}

enum es_status es_specimen_agreement(const struct es_specimen *s, const double *theta, uint64_t update, struct es_agreement *agreement,
                                     struct es_error *error) {
    struct es_problem problem = s->training.problem;
    struct es_arena *arena = es_arena_new();
    size_t n = problem.net->parameters;
    struct es_gradient gradient = {.slope = ES_NEW(arena, n, double)};
    double *exact = ES_NEW(arena, n, double), *weight = ES_NEW(arena, n, double);
    for (size_t i = 0; i < n; i++)
        weight[i] = es_parameter_slope(problem.net, i, theta[i]);
    problem.update = update;
    enum es_status status = es_gradient(&problem, theta, s->samples, s->example, &gradient, error);
    if (status == ES_OK)
        status = find_exact(s, theta, exact, error);
    if (status == ES_OK)
        *agreement = es_agreement_of(n, 1, weight, gradient.slope, exact);
    es_arena_free(arena);
    return status;
}
