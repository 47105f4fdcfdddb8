// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
#include "learn/free.h"

#include "core/clock.h"

#include <math.h>
#include <string.h>

// Of a rule whose free solution is not the free pass.
static enum es_status own_losses(const struct es_problem *problem, const double *theta, size_t examples, const struct es_example *example,
                                 struct es_free *free, struct es_error *error) {
    enum es_status status = ES_OK;
    size_t iterations = 0;
    for (size_t i = 0; i < examples && status == ES_OK; i++)
        status = problem->rule->own_loss->solve(problem, theta, &example[i], &free->loss[i], NULL, &iterations, error);
    return status;
}

enum es_status es_losses(const struct es_problem *problem, const double *theta, size_t examples, const struct es_example *example,
                         struct es_free *free, struct es_error *error) {
    const struct es_network *net = problem->net;
    if (problem->rule && problem->rule->own_loss)
        return own_losses(problem, theta, examples, example, free, error);
    struct es_arena *arena = es_arena_new();
    struct es_free_passes passes;
    enum es_status status = es_free_run(problem, arena, 1, theta, examples, example, false, &passes, error);
    for (size_t i = 0; i < examples && status == ES_OK; i++) {
        const struct es_result *result = &passes.result[i];
        status = es_free_loss(problem, &passes, i, example[i].label, &free->loss[i], error);
        if (free->energy)
            es_cost_class(net, passes.value[i], free->energy + i * net->classes);
        if (free->value)
            memcpy(free->value + i * net->outputs, passes.value[i], net->outputs * sizeof *free->value);
        free->tran_s += result->tran_s;
        free->callback_s += result->callback_s;
        free->wall_s += result->wall_s;
    }
    es_arena_free(arena);
    return status;
}

static void add_times(struct es_gradient *gradient, size_t results, const struct es_result *result) {
    for (size_t i = 0; i < results; i++) {
        gradient->tran_s += result[i].tran_s;
        gradient->callback_s += result[i].callback_s;
        gradient->wall_s += result[i].wall_s;
    }
}

static enum es_status run_rule(const struct es_problem *problem, struct es_arena *arena, size_t examples, const struct es_example *example,
                               const struct es_free_passes *free, struct es_gradient *gradient, struct es_error *error) {
    const struct es_network *net = problem->net;
    const struct es_rule *rule = problem->rule;
    const struct es_model *model = free->model;
    size_t passes = rule->passes(net);
    struct es_batch batch = {.grid = problem->grid, .passes = examples * passes};
    struct es_pass *pass = ES_NEW(arena, batch.passes, struct es_pass);
    batch.pass = pass;
    batch.accumulators = rule->integrals(model, arena, &batch.accumulator);
    batch.injections = rule->injections ? rule->injections(net, arena, &batch.injection) : 0;
    batch.recorded = rule->recorded;
    struct es_result *result = es_results_new(arena, net, batch.accumulators, batch.passes);
    if (batch.recorded)
        es_results_add_middles(arena, net, &problem->grid, batch.passes, result);
    struct es_rule_sample *sample = ES_NEW(arena, examples, struct es_rule_sample);
    double *reference = ES_NEW(arena, net->outputs, double);
    enum es_status status = ES_OK;
    es_cost_reference(model, free->resistive, reference);
    for (size_t i = 0; i < examples && status == ES_OK; i++)
        status = es_rule_prepare(problem, arena, reference, free, i, example[i].label, pass + i * passes, result + i * passes, &sample[i], error);
    if (status == ES_OK)
        status = es_engine_run(problem->engine, &batch, result, error);
    memset(gradient->slope, 0, net->parameters * sizeof *gradient->slope);
    for (size_t i = 0; i < examples && status == ES_OK; i++) // in sample order, whatever ran first
        status = rule->gradient(&sample[i], arena, gradient->slope, error);
    for (size_t i = 0; i < net->parameters; i++)
        gradient->slope[i] /= (double)examples;
    gradient->beta_si = sample[0].beta_si;
    add_times(gradient, batch.passes, result);
    return status;
}

// By a rule that solves the examples itself.
static enum es_status solve_examples(const struct es_problem *problem, const double *theta, size_t examples, const struct es_example *example,
                                     struct es_gradient *gradient, struct es_error *error) {
    size_t parameters = problem->net->parameters;
    double start = es_now();
    enum es_status status = ES_OK;
    memset(gradient->slope, 0, parameters * sizeof *gradient->slope);
    for (size_t i = 0; i < examples && status == ES_OK; i++) {
        double loss = 0;
        status = problem->rule->solve(problem, theta, &example[i], &loss, gradient->slope, &gradient->iterations, error);
        gradient->loss += loss / (double)examples;
    }
    for (size_t i = 0; i < parameters; i++)
        gradient->slope[i] /= (double)examples;
    gradient->wall_s = es_now() - start;
    return status;
}

static enum es_status by_passes(const struct es_problem *problem, const double *theta, size_t examples, const struct es_example *example,
                                struct es_gradient *gradient, struct es_error *error) {
    const struct es_network *net = problem->net;
    struct es_arena *arena = es_arena_new();
    struct es_free_passes free;
    enum es_status status = es_free_run(problem, arena, 1, theta, examples, example, problem->rule->recorded, &free, error);
    double *energy = ES_NEW(arena, net->classes, double);
    for (size_t i = 0; i < examples && status == ES_OK; i++) {
        double loss = 0;
        status = es_free_loss(problem, &free, i, example[i].label, &loss, error);
        gradient->loss += loss / (double)examples;
        gradient->right += problem->cost->labels && (int)es_cost_class(net, free.value[i], energy) == example[i].label;
    }
    add_times(gradient, examples, free.result);
    if (status == ES_OK)
        status = run_rule(problem, arena, examples, example, &free, gradient, error);
    es_arena_free(arena);
    return status;
}

enum es_status es_gradient(const struct es_problem *problem, const double *theta, size_t examples, const struct es_example *example,
                           struct es_gradient *gradient, struct es_error *error) {
    const struct es_network *net = problem->net;
    *gradient = (struct es_gradient){.slope = gradient->slope};
    enum es_status status = (problem->rule->solve ? solve_examples : by_passes)(problem, theta, examples, example, gradient, error);
    for (size_t i = 0; i < net->parameters && status == ES_OK; i++)
        if (!isfinite(gradient->slope[i]))
            status = es_fail(error, ES_FAILED, "the gradient to \"%s\" is %g; look at the sample with `echospice check`",
                             net->element[net->parameter[i].element].name, gradient->slope[i]);
    return status;
}

enum es_status es_passes(const struct es_problem *problem, const double *theta, const struct es_example *example,
                         struct es_arena *arena, struct es_pass *pass, struct es_error *error) {
    struct es_free_passes free;
    if (problem->rule->solve)
        return es_fail(error, ES_BAD_INPUT, "the rule %s solves for its trajectories as a whole: it has no passes to be simulated", problem->rule->row.name);
    enum es_status status = es_free_run(problem, arena, 1, theta, 1, example, problem->rule->recorded, &free, error);
    if (status != ES_OK)
        return status;
    pass[0] = free.batch.pass[0];
    double *reference = ES_NEW(arena, problem->net->outputs, double), loss;
    es_cost_reference(free.model, free.resistive, reference);
    if ((status = es_free_loss(problem, &free, 0, example->label, &loss, error)) != ES_OK)
        return status;
    struct es_rule_sample sample;
    return es_rule_prepare(problem, arena, reference, &free, 0, example->label, pass + 1, NULL, &sample, error);
}
