// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
#include "learn/trial.h"

#include "learn/specimen.h"

#include <math.h>

const struct es_measured es_measures[ES_MEASURES] = {
    [ES_TEST_LOSS] = {"test_loss", NULL},
    [ES_TEST_ACCURACY] = {"test_accuracy", ""},
    [ES_TEST_NMSE] = {"test_nmse", ""},
    [ES_START_COSINE] = {"start_cosine", ""},
    [ES_END_COSINE] = {"end_cosine", ""},
    [ES_START_NORM] = {"start_norm_ratio", ""},
    [ES_END_NORM] = {"end_norm_ratio", ""},
    [ES_RETRACE] = {"retrace", ""},
    [ES_PULSES] = {"pulses", ""},
    [ES_UPDATE_ENERGY] = {"update_energy", "J"},
    [ES_INFERENCE_ENERGY] = {"inference_energy", "J"},
};

const char *es_cost_unit(const struct es_cost *cost, const struct es_network *net) {
    if (cost->labels)
        return "nat";
    switch (cost->reads) {
    case ES_READ_FLUX_AT_END:
        return "Wb^2";
    case ES_READ_VOLTAGE_AT_END:
        return "V^2";
    case ES_READ_CHARGE_AT_END:
        return "C^2";
    case ES_READ_RUNNING:
        break;
    }
    return net->outputs && net->element[net->output[0]].read == ES_READ_FLUX ? "Wb^2 s" : "V^2 s";
}

// One trial while it runs.
struct run {
    const struct es_trial *trial;
    struct es_specimen specimen;
    double *theta; // [parameters]
    size_t pulses; // to all devices
    double *measure;
};

static enum es_status updated(void *context, const struct es_state *state, const struct es_metrics *update, const struct es_metrics *epoch,
                              struct es_error *error) {
    struct run *run = context;
    const struct es_trial *trial = run->trial;
    (void)error;
    run->pulses += update->pulses;
    if (trial->progress)
        trial->progress(trial->context, (double)state->update / (double)run->specimen.training.updates);
    if (trial->epoch && update->epoch_ends)
        trial->epoch(trial->context, update->epoch, epoch->loss,
                     run->specimen.training.problem.cost->labels ? (double)epoch->right / (double)epoch->samples : NAN);
    return ES_OK;
}

static enum es_status agree(const struct run *run, uint64_t update, enum es_measure cosine, enum es_measure norm_ratio, struct es_error *error) {
    struct es_agreement agreement = {NAN, NAN, NAN};
    enum es_status status = es_specimen_agreement(&run->specimen, run->theta, update, &agreement, error);
    run->measure[cosine] = agreement.cosine;
    run->measure[norm_ratio] = agreement.norm_ratio;
    return status;
}

static enum es_status retrace(const struct run *run, struct es_error *error) {
    const struct es_problem *problem = &run->specimen.training.problem;
    enum es_status status = ES_OK;
    double sum = 0;
    if (problem->engine->scheme->equilibrium || !es_rule_echoes(problem->rule))
        return ES_OK;
    for (size_t i = 0; i < run->specimen.samples && status == ES_OK; i++) {
        struct es_return back = {NAN, NAN};
        status = es_return(problem, run->theta, &run->specimen.example[i], &back, error);
        sum += back.retrace;
    }
    run->measure[ES_RETRACE] = sum / (double)run->specimen.samples;
    return status;
}

// What element e dissipates is *loss times the integral of the square of this signal; *loss is 0 of one that dissipates nothing.
static enum es_signal loss_of(const struct es_model *model, size_t e, double *loss) {
    const struct es_element_kind *kind = model->net->element[e].kind;
    const double *q = model->q[e];
    *loss = 0;
    if (model->decay[e] > 0) // R i^2 of an inductor, i = psi / L; G w^2 of a gyrator, w = gm1 psi / CL
        *loss = q[kind->loss] * pow((kind == &es_inductor ? 1 : q[0]) / q[kind->store], 2);
    else if (kind->term == ES_DISSIPATION)
        *loss = fmax(model->k[e], 0);
    return model->decay[e] > 0 ? ES_SIGNAL_FLUX : ES_SIGNAL_VOLTAGE;
}

// What is to be integrated, and loss for each; returns their number.
static size_t losses_of(const struct es_model *model, struct es_accumulator *accumulator, double *loss) {
    size_t count = 0;
    for (size_t e = 0; e < model->net->elements; e++) {
        struct es_observable x = {loss_of(model, e, &loss[count]), e, 0};
        accumulator[count] = (struct es_accumulator){.a = x, .b = x};
        count += loss[count] > 0;
    }
    return count;
}

// energy [passes]: what each pass of one example dissipates [J].
static enum es_status dissipate(const struct run *run, const struct es_example *example, size_t passes, double *energy, struct es_error *error) {
    const struct es_problem *problem = &run->specimen.training.problem;
    const struct es_network *net = problem->net;
    struct es_arena *arena = run->specimen.arena;
    struct es_pass *pass = ES_NEW(arena, passes, struct es_pass);
    struct es_accumulator *accumulator = ES_NEW(arena, net->elements + 1, struct es_accumulator);
    double *loss = ES_NEW(arena, net->elements + 1, double);
    struct es_model model;
    enum es_status status = es_model_new(net, run->theta, arena, &model, error);
    if (status == ES_OK)
        status = passes > 1 ? es_passes(problem, run->theta, example, arena, pass, error) : es_free_pass(problem, run->theta, example, arena, pass, error);
    if (status != ES_OK)
        return status;
    struct es_batch batch = {.grid = problem->grid, .passes = passes, .pass = pass, .accumulator = accumulator};
    batch.accumulators = losses_of(&model, accumulator, loss);
    struct es_result *result = es_results_new(arena, net, batch.accumulators, passes);
    status = es_engine_run(es_chip_inside(problem->engine), &batch, result, error); // a converter rounds no energy
    for (size_t p = 0; p < passes && status == ES_OK; p++) {
        energy[p] = pass[p].growth > 0 || !batch.accumulators ? NAN : 0; // a growing pass weights its integrals
        for (size_t i = 0; i < batch.accumulators; i++)
            energy[p] += loss[i] * result[p].integral[i];
    }
    return status;
}

// The mean over the samples. A state of rest has a power, and an energy only with a time to settle in.
static enum es_status energies(const struct run *run, struct es_error *error) {
    const struct es_problem *problem = &run->specimen.training.problem;
    const struct es_rule *rule = problem->rule;
    size_t passes = 1 + (rule->solve ? 0 : rule->passes(problem->net)), batch = run->trial->experiment->batch;
    double *energy = ES_NEW(run->specimen.arena, passes, double), free = 0, all = 0;
    enum es_status status = ES_OK;
    if (problem->engine->scheme->equilibrium)
        return ES_OK;
    for (size_t i = 0; i < run->specimen.samples && status == ES_OK; i++) {
        status = dissipate(run, &run->specimen.example[i], passes, energy, error);
        free += energy[0] / (double)run->specimen.samples;
        for (size_t p = 0; p < passes; p++)
            all += energy[p] / (double)run->specimen.samples;
    }
    run->measure[ES_INFERENCE_ENERGY] = free;
    if (!rule->solve)
        run->measure[ES_UPDATE_ENERGY] = all * (double)(batch < run->specimen.training.trained ? batch : run->specimen.training.trained);
    return status;
}

// Adds the energy of the pulses of an update, the mean over all.
static void add_pulses(const struct run *run, uint64_t updates) {
    const struct es_card *device = run->trial->device;
    double *energy = &run->measure[ES_UPDATE_ENERGY];
    if (!device || !(es_card_unit(device) > 0)) // takes any value
        return;
    run->measure[ES_PULSES] = (double)run->pulses;
    if (isfinite(device->energy))
        *energy = (isnan(*energy) ? 0 : *energy) + device->energy * (double)run->pulses / (double)updates;
}

static enum es_status test(const struct run *run, struct es_error *error) {
    const struct es_trial *trial = run->trial;
    struct es_evaluation e;
    enum es_status status = es_evaluate(&run->specimen.training.problem, trial->set, trial->fold, run->theta, run->specimen.arena, &e, error);
    if (status != ES_OK)
        return status;
    run->measure[ES_TEST_LOSS] = e.loss;
    run->measure[ES_TEST_ACCURACY] = e.judged ? (double)e.right / (double)e.samples : NAN;
    run->measure[ES_TEST_NMSE] = e.nmse;
    return ES_OK;
}

static enum es_status train_and_measure(struct run *run, struct es_error *error) {
    struct es_training *training = &run->specimen.training;
    const struct es_network *net = training->problem.net;
    struct es_state state = es_state_new(net, run->specimen.arena);
    run->theta = ES_NEW(run->specimen.arena, net->parameters, double);
    es_state_theta(net, &state, run->theta);
    enum es_status status = agree(run, 0, ES_START_COSINE, ES_START_NORM, error);
    if (status == ES_OK)
        status = es_train(training, &state, error);
    es_state_theta(net, &state, run->theta);
    if (status == ES_OK)
        status = agree(run, state.update, ES_END_COSINE, ES_END_NORM, error);
    if (status == ES_OK)
        status = retrace(run, error);
    if (status == ES_OK)
        status = energies(run, error);
    add_pulses(run, state.update);
    return status == ES_OK ? test(run, error) : status;
}

enum es_status es_trial_run(const struct es_trial *trial, double *measure, struct es_error *error) {
    struct run run = {.trial = trial, .measure = measure};
    struct es_training *training = &run.specimen.training;
    for (size_t m = 0; m < ES_MEASURES; m++)
        measure[m] = NAN;
    enum es_status status = es_specimen_open(&run.specimen, trial->experiment, trial->set, trial->fold, trial->substeps, trial->samples, trial->chip, error);
    if (status == ES_OK)
        status = es_rule_admits(training->problem.rule, &training->problem, error);
    if (status == ES_OK) {
        training->updated = updated;
        training->context = &run;
        training->device = trial->device;
        training->use = trial->use;
        status = train_and_measure(&run, error);
    }
    es_specimen_close(&run.specimen);
    return status;
}
