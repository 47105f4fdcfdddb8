// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
#include "learn/gradient.h"

#include "net/lagrangian.h"

#include <math.h>

// The initial state of the network: flux, voltage [nodes].
static void initial_state(const struct es_network *net, double *flux, double *voltage) {
    for (size_t i = 0; i < net->nodes; i++) {
        flux[i] = net->node[i].flux;
        voltage[i] = net->node[i].voltage;
    }
}

static struct es_accumulator *cost_integrals(const struct es_problem *problem, struct es_arena *arena) {
    const struct es_network *net = problem->net;
    struct es_accumulator *accumulator = ES_NEW(arena, net->outputs, struct es_accumulator);
    for (size_t o = 0; o < net->outputs; o++)
        accumulator[o] = problem->cost->integral(net, net->output[o]);
    return accumulator;
}

// Passes of all examples at each of `variants` parameter vectors theta [variants][parameters], with their results.
struct free_passes {
    struct es_batch batch;
    struct es_result *result; // [variants][examples]
};

static enum es_status run_free(const struct es_problem *problem, struct es_arena *arena, size_t variants, const double *theta,
                               size_t examples, const struct es_example *example, struct free_passes *free, struct es_error *error) {
    const struct es_network *net = problem->net;
    double *flux = ES_NEW(arena, net->nodes, double), *voltage = ES_NEW(arena, net->nodes, double);
    initial_state(net, flux, voltage);
    struct es_pass *pass = ES_NEW(arena, variants * examples, struct es_pass);
    for (size_t i = 0; i < variants * examples; i++)
        pass[i] = (struct es_pass){
            .theta = theta + i / examples * net->parameters,
            .flux = flux,
            .voltage = voltage,
            .input = example[i % examples].input,
            .target = problem->cost->labels ? NULL : example[i % examples].target,
        };
    free->batch = (struct es_batch){
        .grid = problem->grid,
        .accumulators = net->outputs,
        .accumulator = cost_integrals(problem, arena),
        .passes = variants * examples,
        .pass = pass,
    };
    free->result = es_results_new(arena, net, net->outputs, variants * examples);
    return es_engine_run(problem->engine, &free->batch, free->result, error);
}

// The loss of one example; ES_BAD_INPUT if it is not finite.
static enum es_status loss_of(const struct es_problem *problem, const struct es_result *result, size_t index, int label, double *loss,
                              struct es_error *error) {
    *loss = problem->cost->loss(problem->net, result->integral, label);
    if (isfinite(*loss) || (problem->cost->labels && label < 0))
        return ES_OK;
    return es_fail(error, ES_BAD_INPUT,
                   "the loss of example %zu is %g: the outputs of its class have no energy; does the input reach them, and is the sample not silent?",
                   index, *loss);
}

enum es_status es_losses(const struct es_problem *problem, const double *theta, size_t examples, const struct es_example *example,
                         struct es_free *free, struct es_error *error) {
    const struct es_network *net = problem->net;
    struct es_arena *arena = es_arena_new();
    struct free_passes passes;
    enum es_status status = run_free(problem, arena, 1, theta, examples, example, &passes, error);
    for (size_t i = 0; i < examples && status == ES_OK; i++) {
        const struct es_result *result = &passes.result[i];
        status = loss_of(problem, result, i, example[i].label, &free->loss[i], error);
        if (free->energy)
            es_cost_class(net, result->integral, free->energy + i * net->classes);
        free->tran_s += result->tran_s;
        free->callback_s += result->callback_s;
        free->wall_s += result->wall_s;
    }
    es_arena_free(arena);
    return status;
}

// The sample as the rule sees it after the free pass.
static struct es_rule_sample rule_sample(const struct es_problem *problem, struct es_arena *arena, const double *reference,
                                         const struct es_pass *free, const struct es_result *result, int label,
                                         struct es_pass *pass, struct es_result *pass_result) {
    const struct es_network *net = problem->net;
    size_t passes = problem->rule->passes;
    double *nudge = ES_NEW(arena, net->outputs, double);
    problem->cost->nudge(net, result->integral, label, nudge);
    struct es_rule_sample sample = {
        .free = *free,
        .free_result = *result,
        .nudge = nudge,
        .beta_si = problem->beta * es_cost_beta_scale(net, reference, nudge),
        .pass = pass,
        .flux = ES_NEW(arena, passes, double *),
        .voltage = ES_NEW(arena, passes, double *),
        .nudge_value = ES_NEW(arena, passes, double *),
        .result = pass_result,
    };
    for (size_t i = 0; i < passes; i++) {
        sample.flux[i] = ES_NEW(arena, net->nodes, double);
        sample.voltage[i] = ES_NEW(arena, net->nodes, double);
        sample.nudge_value[i] = ES_NEW(arena, net->outputs, double);
    }
    return sample;
}

// Adds one sample's share to the gradient: each parameter from its own element's integrals.
static void add_updates(const struct es_problem *problem, const double *slope, const struct es_rule_sample *sample, double weight, double *sum) {
    const struct es_network *net = problem->net;
    double integral[ES_RULE_PASSES];
    for (size_t i = 0; i < net->parameters; i++) {
        for (size_t pass = 0; pass < problem->rule->passes; pass++)
            integral[pass] = sample->result[pass].integral[i];
        sum[i] += weight * problem->rule->update(&net->element[net->parameter[i].element], slope[i], sample->beta_si, integral);
    }
}

static enum es_status run_rule(const struct es_problem *problem, struct es_arena *arena, const double *theta, size_t examples,
                               const struct es_example *example, const struct free_passes *free, struct es_gradient *gradient,
                               struct es_error *error) {
    const struct es_network *net = problem->net;
    const struct es_rule *rule = problem->rule;
    struct es_accumulator *accumulator = ES_NEW(arena, net->parameters, struct es_accumulator);
    for (size_t i = 0; i < net->parameters; i++)
        accumulator[i] = rule->integral(net, &net->parameter[i]);
    struct es_pass *pass = ES_NEW(arena, examples * rule->passes, struct es_pass);
    struct es_result *result = es_results_new(arena, net, net->parameters, examples * rule->passes);
    struct es_rule_sample *sample = ES_NEW(arena, examples, struct es_rule_sample);
    double *reference = ES_NEW(arena, net->outputs, double), *slope = ES_NEW(arena, net->parameters, double);
    es_cost_reference(net, theta, reference);
    es_network_slopes(net, theta, slope);
    for (size_t i = 0; i < examples; i++) {
        sample[i] = rule_sample(problem, arena, reference, &free->batch.pass[i], &free->result[i], example[i].label,
                                pass + i * rule->passes, result + i * rule->passes);
        rule->plan(net, &sample[i]);
    }
    struct es_batch batch = {
        .grid = problem->grid,
        .accumulators = net->parameters,
        .accumulator = accumulator,
        .passes = examples * rule->passes,
        .pass = pass,
    };
    enum es_status status = es_engine_run(problem->engine, &batch, result, error);
    for (size_t i = 0; i < net->parameters; i++)
        gradient->slope[i] = 0;
    for (size_t i = 0; i < examples && status == ES_OK; i++) // in sample order, whatever ran first
        add_updates(problem, slope, &sample[i], 1 / (double)examples, gradient->slope);
    gradient->beta_si = sample[0].beta_si;
    for (size_t i = 0; i < batch.passes; i++) {
        gradient->tran_s += result[i].tran_s;
        gradient->callback_s += result[i].callback_s;
        gradient->wall_s += result[i].wall_s;
    }
    return status;
}

enum es_status es_gradient(const struct es_problem *problem, const double *theta, size_t examples, const struct es_example *example,
                           struct es_gradient *gradient, struct es_error *error) {
    const struct es_network *net = problem->net;
    struct es_arena *arena = es_arena_new();
    struct free_passes free;
    *gradient = (struct es_gradient){.slope = gradient->slope};
    enum es_status status = run_free(problem, arena, 1, theta, examples, example, &free, error);
    double *energy = ES_NEW(arena, net->classes, double);
    for (size_t i = 0; i < examples && status == ES_OK; i++) {
        const struct es_result *result = &free.result[i];
        double loss = 0;
        status = loss_of(problem, result, i, example[i].label, &loss, error);
        gradient->loss += loss / (double)examples;
        gradient->right += problem->cost->labels && (int)es_cost_class(net, result->integral, energy) == example[i].label;
        gradient->tran_s += result->tran_s;
        gradient->callback_s += result->callback_s;
        gradient->wall_s += result->wall_s;
    }
    if (status == ES_OK)
        status = run_rule(problem, arena, theta, examples, example, &free, gradient, error);
    for (size_t i = 0; i < net->parameters && status == ES_OK; i++)
        if (!isfinite(gradient->slope[i]))
            status = es_fail(error, ES_FAILED, "the gradient to \"%s\" is %g; look at the sample with `echospice check`",
                             net->element[net->parameter[i].element].name, gradient->slope[i]);
    es_arena_free(arena);
    return status;
}

enum es_status es_passes(const struct es_problem *problem, const double *theta, const struct es_example *example,
                         struct es_arena *arena, struct es_pass *pass, struct es_error *error) {
    struct free_passes free;
    enum es_status status = run_free(problem, arena, 1, theta, 1, example, &free, error);
    if (status != ES_OK)
        return status;
    double *reference = ES_NEW(arena, problem->net->outputs, double), loss;
    es_cost_reference(problem->net, theta, reference);
    if ((status = loss_of(problem, free.result, 0, example->label, &loss, error)) != ES_OK)
        return status;
    struct es_rule_sample sample = rule_sample(problem, arena, reference, free.batch.pass, free.result, example->label, pass + 1, NULL);
    problem->rule->plan(problem->net, &sample);
    pass[0] = free.batch.pass[0];
    return ES_OK;
}

enum es_status es_reversal(const struct es_problem *problem, const double *theta, const struct es_example *example,
                           struct es_reversal *reversal, struct es_error *error) {
    const struct es_network *net = problem->net;
    struct es_arena *arena = es_arena_new();
    struct free_passes free;
    enum es_status status = run_free(problem, arena, 1, theta, 1, example, &free, error);
    const struct es_pass *start = free.batch.pass;
    double *flipped = ES_NEW(arena, net->nodes, double), *k = ES_NEW(arena, net->elements, double);
    double *silence = ES_NEW(arena, net->channels * problem->grid.points, double);
    es_network_coefficients(net, theta, k);
    for (size_t i = 0; i < net->nodes; i++)
        flipped[i] = -free.result->voltage[i];
    struct es_pass pass[2] = {
        {.theta = theta, .flux = free.result->flux, .voltage = flipped, .input = example->input, .reversed = true},
        {.theta = theta, .flux = free.result->flux, .voltage = flipped, .input = silence},
    };
    struct es_batch batch = {.grid = problem->grid, .passes = 2, .pass = pass};
    struct es_result *result = es_results_new(arena, net, 0, 2);
    if (status == ES_OK)
        status = es_engine_run(problem->engine, &batch, result, error);
    double before = es_network_energy(net, k, start->flux, start->voltage), turned = es_network_energy(net, k, free.result->flux, flipped);
    for (size_t i = 0; i < net->nodes; i++) {
        result[0].flux[i] -= start->flux[i];
        result[0].voltage[i] += start->voltage[i]; // still flipped
    }
    reversal->retrace = sqrt(es_network_energy(net, k, result[0].flux, result[0].voltage) / fmax(before, turned));
    reversal->energy_drift = fabs(es_network_energy(net, k, result[1].flux, result[1].voltage) / turned - 1);
    es_arena_free(arena);
    return status;
}

enum { DIFFERENCES = 4, CHUNK = 16 }; // parameters whose passes run together

static const double shift[DIFFERENCES] = {1, -1, 2, -2}, weight[DIFFERENCES] = {2. / 3, -2. / 3, -1. / 12, 1. / 12};

// theta with parameter i moved by shift step dtheta/du, once for each shift.
static void write_variants(const struct es_network *net, const double *theta, size_t i, double step, double *variant) {
    for (size_t s = 0; s < DIFFERENCES; s++)
        for (size_t j = 0; j < net->parameters; j++)
            variant[s * net->parameters + j] = theta[j] + (i == j ? shift[s] * step * es_parameter_slope(net, j, theta[j]) : 0);
}

static enum es_status difference_chunk(const struct es_problem *problem, const double *theta, size_t first, size_t count, size_t examples,
                                       const struct es_example *example, double step, double *slope, struct es_error *error) {
    const struct es_network *net = problem->net;
    struct es_arena *arena = es_arena_new();
    double *variant = ES_NEW(arena, DIFFERENCES * count * net->parameters, double);
    for (size_t i = 0; i < count; i++)
        write_variants(net, theta, first + i, step, variant + i * DIFFERENCES * net->parameters);
    struct free_passes free;
    enum es_status status = run_free(problem, arena, DIFFERENCES * count, variant, examples, example, &free, error);
    for (size_t i = 0; i < count && status == ES_OK; i++) {
        double sum = 0;
        for (size_t s = 0; s < DIFFERENCES; s++)
            for (size_t e = 0; e < examples; e++)
                sum += weight[s] * problem->cost->loss(net, free.result[(DIFFERENCES * i + s) * examples + e].integral, example[e].label);
        slope[first + i] = sum / (step * es_parameter_slope(net, first + i, theta[first + i]) * (double)examples);
    }
    es_arena_free(arena);
    return status;
}

enum es_status es_finite_differences(const struct es_problem *problem, const double *theta, size_t examples,
                                     const struct es_example *example, double step, double *slope, struct es_error *error) {
    enum es_status status = ES_OK;
    for (size_t first = 0; first < problem->net->parameters && status == ES_OK; first += CHUNK) {
        size_t left = problem->net->parameters - first;
        status = difference_chunk(problem, theta, first, left < CHUNK ? left : CHUNK, examples, example, step, slope, error);
        if (problem->progress)
            problem->progress(problem->context, (double)first / (double)problem->net->parameters);
    }
    return status;
}
