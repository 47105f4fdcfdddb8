// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
#include "learn/free.h"

#include <math.h>

static enum es_signal signal_of(const struct es_problem *problem, size_t output) {
    return problem->cost->signal(problem->net, problem->net->output[output]);
}

static size_t cost_integrals(const struct es_problem *problem, struct es_arena *arena, const struct es_accumulator **list) {
    const struct es_network *net = problem->net;
    struct es_accumulator *accumulator = ES_NEW(arena, net->outputs, struct es_accumulator);
    *list = accumulator;
    for (size_t o = 0; o < net->outputs && problem->cost->reads == ES_READ_RUNNING; o++) {
        struct es_observable s = {signal_of(problem, o), net->output[o], 0};
        accumulator[o] = (struct es_accumulator){.a = s, .b = s, .windowed = true};
    }
    return problem->cost->reads == ES_READ_RUNNING ? net->outputs : 0;
}

// The pass of one example from the network's state at t = 0.
static enum es_status write_pass(const struct es_problem *problem, const struct es_model *model, const struct es_example *example,
                                 struct es_arena *arena, struct es_pass *pass, struct es_error *error) {
    const struct es_network *net = problem->net;
    double *flux = ES_NEW(arena, net->nodes, double), *voltage = ES_NEW(arena, net->nodes, double), *offset = ES_NEW(arena, net->elements, double);
    double *x = ES_NEW(arena, net->channels, double);
    for (size_t c = 0; c < net->channels; c++)
        x[c] = example->input[c * problem->grid.points];
    bool running = problem->cost->reads == ES_READ_RUNNING;
    *pass = (struct es_pass){
        .theta = model->theta,
        .flux = flux,
        .voltage = voltage,
        .offset = offset,
        .input = example->input,
        .target = running && !problem->cost->labels ? example->target : NULL,
        .window = running ? example->window : NULL,
        .sample = example->sample,
        .update = problem->update,
    };
    return es_model_start(model, x, flux, voltage, offset, error);
}

enum es_status es_free_pass(const struct es_problem *problem, const double *theta, const struct es_example *example, struct es_arena *arena,
                            struct es_pass *pass, struct es_error *error) {
    struct es_model model;
    enum es_status status = es_model_new(problem->net, theta, arena, &model, error);
    return status == ES_OK ? write_pass(problem, &model, example, arena, pass, error) : status;
}

void es_free_read(const struct es_problem *problem, const struct es_model *model, const struct es_example *example, const struct es_result *result,
                  struct es_arena *arena, double *value, double *target) {
    const struct es_network *net = problem->net;
    double *charge = ES_NEW(arena, net->nodes, double);
    if (problem->cost->reads == ES_READ_CHARGE_AT_END)
        es_model_momentum(model, result->voltage, charge);
    for (size_t o = 0; o < net->outputs; o++) {
        const struct es_element *e = &net->element[net->output[o]];
        target[o] = example->target ? example->target[(o + 1) * problem->grid.points - 1] : 0;
        switch (problem->cost->reads) {
        case ES_READ_RUNNING:
            value[o] = result->integral[o];
            break;
        case ES_READ_FLUX_AT_END:
            value[o] = es_across(e, result->flux);
            break;
        case ES_READ_VOLTAGE_AT_END:
            value[o] = es_across(e, result->voltage);
            break;
        case ES_READ_CHARGE_AT_END:
            value[o] = es_across(e, charge);
            break;
        }
    }
}

enum es_status es_free_run(const struct es_problem *problem, struct es_arena *arena, size_t variants, const double *theta,
                           size_t examples, const struct es_example *example, bool recorded, struct es_free_passes *free, struct es_error *error) {
    const struct es_network *net = problem->net;
    size_t passes = variants * examples;
    struct es_pass *pass = ES_NEW(arena, passes, struct es_pass);
    enum es_status status = ES_OK;
    *free = (struct es_free_passes){.model = ES_NEW(arena, variants, struct es_model), .value = ES_NEW(arena, passes, double *), .target = ES_NEW(arena, passes, double *)};
    for (size_t v = 0; v < variants && status == ES_OK; v++)
        status = es_model_new(net, theta + v * net->parameters, arena, &free->model[v], error);
    for (size_t i = 0; i < passes && status == ES_OK; i++)
        status = write_pass(problem, &free->model[i / examples], &example[i % examples], arena, &pass[i], error);
    if (problem->engine->scheme->equilibrium && status == ES_OK)
        status = es_resistive_new(net, arena, free->resistive = ES_NEW(arena, 1, struct es_resistive), error);
    free->batch = (struct es_batch){.grid = problem->grid, .passes = passes, .pass = pass, .recorded = recorded};
    free->batch.accumulators = cost_integrals(problem, arena, &free->batch.accumulator);
    free->result = es_results_new(arena, net, free->batch.accumulators, passes);
    if (recorded)
        es_results_add_middles(arena, net, &problem->grid, passes, free->result);
    if (status == ES_OK)
        status = es_engine_run(problem->engine, &free->batch, free->result, error);
    for (size_t i = 0; i < passes && status == ES_OK; i++) {
        free->value[i] = ES_NEW(arena, net->outputs, double);
        free->target[i] = ES_NEW(arena, net->outputs, double);
        es_free_read(problem, &free->model[i / examples], &example[i % examples], &free->result[i], arena, free->value[i], free->target[i]);
    }
    return status;
}

struct es_reading es_free_reading(const struct es_problem *problem, const struct es_free_passes *free, size_t pass, int label) {
    return (struct es_reading){problem->net, free->value[pass], free->target[pass], label, problem->temperature};
}

enum es_status es_free_loss(const struct es_problem *problem, const struct es_free_passes *free, size_t pass, int label, double *loss,
                              struct es_error *error) {
    struct es_reading reading = es_free_reading(problem, free, pass, label);
    *loss = problem->cost->loss(&reading);
    if (isfinite(*loss) || (problem->cost->labels && label < 0))
        return ES_OK;
    for (size_t o = 0; o < problem->net->outputs; o++)
        if (!isfinite(free->value[pass][o]))
            return es_fail(error, ES_FAILED, "what output %zu reads of example %zu is %g: the circuit grows without bound", o, pass, free->value[pass][o]);
    return es_fail(error, ES_BAD_INPUT,
                   "the loss of example %zu is %g: the outputs of its class have no energy; does the input reach them, and is the sample not silent?",
                   pass, *loss);
}

enum es_status es_rule_prepare(const struct es_problem *problem, struct es_arena *arena, const double *reference, const struct es_free_passes *free,
                                  size_t index, int label, struct es_pass *pass, struct es_result *result, struct es_rule_sample *sample,
                                  struct es_error *error) {
    const struct es_network *net = problem->net;
    double *slope = ES_NEW(arena, net->outputs, double), *nudge = ES_NEW(arena, net->outputs, double);
    double *flux = ES_NEW(arena, net->nodes, double), *voltage = ES_NEW(arena, net->nodes, double);
    struct es_reading reading = es_free_reading(problem, free, index, label);
    problem->cost->slope(&reading, slope);
    es_cost_nudge(problem->cost, net, slope, nudge);
    for (size_t o = 0; o < net->outputs && free->resistive; o++)
        nudge[o] = problem->cost->curvature ? problem->cost->curvature(&reading) : 1;
    *sample = (struct es_rule_sample){
        .model = free->model,
        .cost = problem->cost,
        .grid = &problem->grid,
        .reversal = problem->reversal,
        .free = free->batch.pass[index],
        .free_result = free->result[index],
        .slope = slope,
        .nudge = nudge,
        .resistive = free->resistive,
        .kick_flux = flux,
        .kick_voltage = voltage,
        .pass = pass,
        .result = result,
    };
    enum es_status status = free->resistive ? ES_OK : es_cost_kick(problem->cost, free->model, slope, flux, voltage, error);
    const struct es_result *end = &free->result[index];
    if (problem->cost->reads == ES_READ_RUNNING || free->resistive)
        sample->beta_si = problem->beta * es_cost_nudge_scale(net, reference, nudge);
    else
        sample->beta_si = problem->beta * es_cost_kick_scale(problem->cost, free->model, slope, flux, voltage,
                                                             es_model_energy(free->model, end->flux, end->voltage, end->offset));
    if (status == ES_OK)
        status = problem->rule->plan(sample, arena, error);
    for (size_t i = 0; i < problem->rule->passes(net) && status == ES_OK; i++) {
        pass[i].sample = sample->free.sample;
        pass[i].update = sample->free.update;
        pass[i].run = (unsigned)(i + 1);
    }
    return status;
}
