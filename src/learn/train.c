// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
#include "learn/train.h"

#include "core/clock.h"
#include "core/random.h"
#include "net/modes.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

size_t es_substeps_for(const struct es_network *net, const double *theta, double interval, double steps) {
    double needed = steps * es_modes_fastest(net, theta) * interval / (2 * M_PI);
    return needed > 1 ? (size_t)fmin(ceil(needed * (1 - 1e-12)), ES_MAX_SUBSTEPS + 1) : 1;
}

enum es_status es_training_prepare(struct es_training *training, const struct es_experiment *experiment, const struct es_dataset *set,
                                   struct es_engine *engine, size_t fold, struct es_arena *arena, struct es_error *error) {
    const struct es_network *net = experiment->net;
    double *theta = ES_NEW(arena, net->parameters, double);
    es_network_start(net, theta);
    *training = (struct es_training){
        .experiment = experiment,
        .set = set,
        .fold = fold,
        .sample = ES_NEW(arena, set->samples, size_t),
        .problem = {
            .net = net,
            .cost = experiment->cost,
            .rule = experiment->rule,
            .engine = engine,
            .grid = {experiment->task.interval, set->points, experiment->substeps},
            .beta = experiment->beta,
        },
    };
    if (!training->problem.grid.substeps)
        training->problem.grid.substeps = es_substeps_for(net, theta, experiment->task.interval, 20);
    if (training->problem.grid.substeps > ES_MAX_SUBSTEPS)
        return es_fail(error, ES_BAD_INPUT,
                       "line %d: an interval of %g s needs more than %d steps to follow the fastest mode of %g Hz; "
                       "expected a shorter interval, or fewer steps", experiment->task.line, experiment->task.interval, ES_MAX_SUBSTEPS,
                       es_modes_fastest(net, theta) / (2 * M_PI));
    if (set->folds > 1 && fold >= set->folds)
        return es_fail(error, ES_BAD_INPUT, "fold %zu: the task has folds 0 to %zu", fold, set->folds - 1);
    for (size_t i = 0; i < set->samples; i++)
        if (set->folds <= 1 || (size_t)set->sample[i].fold != fold)
            training->sample[training->trained++] = i;
    if (!training->trained)
        return es_fail(error, ES_BAD_INPUT, "fold %zu holds every sample, so none is left to train on", fold);
    uint64_t per_epoch = (training->trained + experiment->batch - 1) / experiment->batch;
    training->updates = per_epoch * experiment->epochs;
    return ES_OK;
}

struct es_state es_state_new(const struct es_network *net, struct es_arena *arena) {
    struct es_state state = {0, ES_NEW(arena, net->parameters, double), es_arena_alloc(arena, net->parameters, sizeof *state.moment)};
    es_network_start(net, state.u);
    for (size_t i = 0; i < net->parameters; i++)
        state.u[i] = es_parameter_coordinate(net, i, state.u[i]);
    return state;
}

void es_state_theta(const struct es_network *net, const struct es_state *state, double *theta) {
    for (size_t i = 0; i < net->parameters; i++)
        theta[i] = es_parameter_value(net, i, state->u[i]);
}

// order [trained]: the samples of an epoch, shuffled.
static void shuffle(const struct es_training *training, uint64_t epoch, size_t *order) {
    struct es_stream stream = {.seed = training->experiment->seed, .purpose = ES_RANDOM_ORDER, .update = epoch};
    memcpy(order, training->sample, training->trained * sizeof *order);
    for (size_t i = training->trained; i > 1; i--) {
        size_t j = es_random_below(&stream, i), swap = order[i - 1];
        order[i - 1] = order[j];
        order[j] = swap;
    }
}

static struct es_example example_of(const struct es_dataset *set, size_t sample, bool draw, uint64_t seed, uint64_t epoch, struct es_arena *arena) {
    double *input = ES_NEW(arena, set->channels * set->points, double);
    es_dataset_window(set, sample, draw, seed, epoch, input);
    return (struct es_example){input, set->sample[sample].target, set->sample[sample].label};
}

struct es_example es_centre_example(const struct es_dataset *set, size_t sample, struct es_arena *arena) {
    return example_of(set, sample, false, 0, 0, arena);
}

// Each parameter moves by its own gradient and its own moments, nothing else.
static void update_parameters(const struct es_training *training, const double *theta, const double *slope, struct es_state *state) {
    const struct es_experiment *experiment = training->experiment;
    const struct es_network *net = experiment->net;
    double rate = experiment->rate * experiment->schedule->factor((double)state->update / (double)training->updates);
    state->update++;
    for (size_t i = 0; i < net->parameters; i++) {
        double g = slope[i] * es_parameter_slope(net, i, theta[i]);
        double u = state->u[i] + experiment->optimiser->step(g, rate, state->moment[i], state->update);
        state->u[i] = es_parameter_coordinate(net, i, es_parameter_value(net, i, u)); // stays within the bounds
    }
}

static enum es_status one_update(const struct es_training *training, const size_t *order, size_t first, struct es_state *state,
                                 struct es_metrics *metrics, struct es_error *error) {
    const struct es_network *net = training->experiment->net;
    struct es_arena *arena = es_arena_new();
    size_t left = training->trained - first, count = left < training->experiment->batch ? left : training->experiment->batch;
    struct es_example *example = ES_NEW(arena, count, struct es_example);
    double *theta = ES_NEW(arena, net->parameters, double), start = es_now();
    struct es_gradient gradient = {.slope = ES_NEW(arena, net->parameters, double)};
    for (size_t i = 0; i < count; i++)
        example[i] = example_of(training->set, order[first + i], true, training->experiment->seed, metrics->epoch, arena);
    es_state_theta(net, state, theta);
    enum es_status status = es_gradient(&training->problem, theta, count, example, &gradient, error);
    if (status == ES_OK)
        update_parameters(training, theta, gradient.slope, state);
    metrics->update = state->update;
    metrics->samples = count;
    metrics->right = gradient.right;
    metrics->loss = gradient.loss;
    metrics->beta_si = gradient.beta_si;
    metrics->epoch_ends = count == left;
    metrics->seconds = es_now() - start;
    es_arena_free(arena);
    return status;
}

static void add_metrics(struct es_metrics *epoch, const struct es_metrics *update) {
    double samples = (double)epoch->samples, more = (double)update->samples;
    epoch->loss = (epoch->loss * samples + update->loss * more) / (samples + more);
    epoch->samples += update->samples;
    epoch->right += update->right;
    epoch->seconds += update->seconds;
    epoch->update = update->update;
    epoch->epoch_ends = update->epoch_ends;
}

enum es_status es_train(const struct es_training *training, struct es_state *state, struct es_error *error) {
    uint64_t per_epoch = training->updates / training->experiment->epochs;
    struct es_arena *arena = es_arena_new();
    size_t *order = ES_NEW(arena, training->trained, size_t);
    enum es_status status = ES_OK;
    struct es_metrics epoch = {0};
    bool shuffled = false;
    while (state->update < training->updates && status == ES_OK) {
        uint64_t number = state->update / per_epoch, place = state->update % per_epoch;
        if (!shuffled || place == 0) {
            shuffle(training, number, order);
            epoch = (struct es_metrics){.epoch = number};
            shuffled = true;
        }
        struct es_metrics update = {.epoch = number};
        status = one_update(training, order, place * training->experiment->batch, state, &update, error);
        if (status == ES_OK) {
            add_metrics(&epoch, &update);
            status = training->updated(training->context, state, &update, &epoch, error);
        }
    }
    es_arena_free(arena);
    return status;
}

// The losses of all examples, some at a time so that progress can be told.
static enum es_status losses_in_parts(const struct es_problem *problem, const double *theta, size_t count, const struct es_example *example,
                                      struct es_free *free, struct es_error *error) {
    enum { PART = 32 };
    enum es_status status = ES_OK;
    for (size_t first = 0; first < count && status == ES_OK; first += PART) {
        struct es_free part = {.loss = free->loss + first, .energy = free->energy ? free->energy + first * problem->net->classes : NULL};
        status = es_losses(problem, theta, count - first < PART ? count - first : PART, example + first, &part, error);
        if (problem->progress)
            problem->progress(problem->context, (double)first / (double)count);
    }
    return status;
}

enum es_status es_evaluate(const struct es_problem *problem, const struct es_dataset *set, size_t fold, const double *theta,
                           struct es_arena *arena, struct es_evaluation *evaluation, struct es_error *error) {
    const struct es_network *net = problem->net;
    size_t *sample = ES_NEW(arena, set->samples, size_t), count = 0, classes = net->classes;
    struct es_example *example = ES_NEW(arena, set->samples, struct es_example);
    for (size_t i = 0; i < set->samples; i++)
        if (fold == SIZE_MAX || (size_t)set->sample[i].fold == fold) {
            example[count] = es_centre_example(set, i, arena);
            sample[count++] = i;
        }
    *evaluation = (struct es_evaluation){.samples = count, .answer = ES_NEW(arena, count, size_t)};
    if (!count)
        return es_fail(error, ES_BAD_INPUT, "fold %zu holds no sample; the task has folds 0 to %zu", fold, set->folds - 1);
    struct es_free free = {.loss = ES_NEW(arena, count, double)};
    if (problem->cost->labels) {
        free.energy = ES_NEW(arena, count * classes, double);
        evaluation->confusion = ES_NEW(arena, classes * classes, size_t);
    }
    enum es_status status = losses_in_parts(problem, theta, count, example, &free, error);
    for (size_t i = 0; i < count && status == ES_OK; i++) {
        int label = set->sample[sample[i]].label;
        if (free.energy)
            for (size_t c = 1; c < classes; c++)
                if (free.energy[i * classes + c] > free.energy[i * classes + evaluation->answer[i]])
                    evaluation->answer[i] = c;
        if (evaluation->confusion && label >= 0) {
            evaluation->confusion[(size_t)label * classes + evaluation->answer[i]]++;
            evaluation->right += (size_t)label == evaluation->answer[i];
        }
        if (label >= 0 || !problem->cost->labels)
            evaluation->loss += free.loss[i] / (double)count;
    }
    return status;
}
