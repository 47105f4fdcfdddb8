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

// Selection sampling (Fan, Muller & Rezucha, JASA 1962): each of the samples that are left has the same chance, and both parts
// stay in order.
static void hold_back(struct es_training *training, size_t wanted) {
    struct es_stream stream = {.seed = training->experiment->seed, .purpose = ES_RANDOM_VALIDATION};
    size_t all = training->trained;
    training->trained = 0;
    for (size_t i = 0; i < all; i++)
        if (es_random_below(&stream, all - i) < wanted - training->validated)
            training->validation[training->validated++] = training->sample[i];
        else
            training->sample[training->trained++] = training->sample[i];
}

static enum es_status divide(struct es_training *training, struct es_arena *arena, struct es_error *error) {
    const struct es_dataset *set = training->set;
    double part = training->experiment->validation;
    for (size_t i = 0; i < set->samples; i++)
        if (set->folds <= 1 || (size_t)set->sample[i].fold != training->fold)
            training->sample[training->trained++] = i;
    if (!training->trained)
        return es_fail(error, ES_BAD_INPUT, "fold %zu holds every sample, so none is left to train on", training->fold);
    size_t wanted = part > 0 ? (size_t)fmax(1, round(part * (double)training->trained)) : 0;
    if (wanted >= training->trained)
        return es_fail(error, ES_BAD_INPUT,
                       "%s: validation = %g: none of the %zu training samples is left to train on; expected less, or a task with more samples",
                       training->experiment->file, part, training->trained);
    training->validation = ES_NEW(arena, wanted, size_t);
    hold_back(training, wanted);
    return ES_OK;
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
            .temperature = experiment->temperature,
            .mass = experiment->mass,
            .sampler = experiment->sampler,
            .kt = experiment->kt,
            .chains = experiment->chains,
            .seed = experiment->seed,
            .reversal = experiment->reversal,
            .losses_allowed = experiment->losses_allowed,
        },
    };
    if (engine->scheme->equilibrium)
        training->problem.grid.substeps = 1;
    else if (!training->problem.grid.substeps)
        training->problem.grid.substeps = es_substeps_for(net, theta, experiment->task.interval, 20);
    if (training->problem.grid.substeps > ES_MAX_SUBSTEPS)
        return es_fail(error, ES_BAD_INPUT,
                       "line %d: an interval of %g s needs more than %d steps to follow the fastest mode of %g Hz; "
                       "expected a shorter interval, or fewer steps", experiment->task.line, experiment->task.interval, ES_MAX_SUBSTEPS,
                       es_modes_fastest(net, theta) / (2 * M_PI));
    if (set->windowed && experiment->cost->reads != ES_READ_RUNNING)
        return es_fail(error, ES_BAD_INPUT, "line %d: from, to and mask say when a cost counts, and %s reads the end alone; remove them",
                       experiment->task.line, experiment->cost->row.name);
    if (set->folds > 1 && fold >= set->folds)
        return es_fail(error, ES_BAD_INPUT, "fold %zu: the task has folds 0 to %zu", fold, set->folds - 1);
    enum es_status status = divide(training, arena, error);
    if (status != ES_OK)
        return status;
    uint64_t per_epoch = (training->trained + experiment->batch - 1) / experiment->batch;
    training->updates = per_epoch * experiment->epochs;
    return ES_OK;
}

struct es_state es_state_new(const struct es_network *net, struct es_arena *arena) {
    struct es_state state = {
        .u = ES_NEW(arena, net->parameters, double),
        .moment = es_arena_alloc(arena, net->parameters, sizeof *state.moment),
        .cell = ES_NEW(arena, net->parameters, struct es_cell),
        .best_u = ES_NEW(arena, net->parameters, double),
    };
    es_network_start(net, state.u);
    for (size_t i = 0; i < net->parameters; i++)
        state.u[i] = es_parameter_coordinate(net, i, state.u[i]);
    return state;
}

static void values_at(const struct es_network *net, const double *u, double *theta) {
    for (size_t i = 0; i < net->parameters; i++)
        theta[i] = es_parameter_value(net, i, u[i]);
}

const double *es_state_kept(const struct es_state *state) {
    return state->best_epoch ? state->best_u : state->u;
}

void es_state_theta(const struct es_network *net, const struct es_state *state, double *theta) {
    values_at(net, es_state_kept(state), theta);
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
    double *window = set->windowed ? ES_NEW(arena, set->points - 1, double) : NULL;
    if (window)
        es_dataset_counted(set, sample, window);
    return (struct es_example){input, set->sample[sample].target, window, set->sample[sample].label, sample};
}

struct es_example es_centre_example(const struct es_dataset *set, size_t sample, struct es_arena *arena) {
    return example_of(set, sample, false, 0, 0, arena);
}

// slope [parameters] from dC/dtheta to g = dC/du; one with a larger norm than `clip` is scaled to it. Returns whether it was.
static bool clip_gradient(const struct es_network *net, const double *theta, double clip, double *slope) {
    double norm = 0;
    for (size_t i = 0; i < net->parameters; i++) {
        slope[i] *= es_parameter_slope(net, i, theta[i]);
        norm = hypot(norm, slope[i]);
    }
    bool clipped = clip > 0 && norm > clip;
    for (size_t i = 0; i < net->parameters && clipped; i++)
        slope[i] *= clip / norm;
    return clipped;
}

// Each parameter moves by its own g = dC/du at theta and its own moments, nothing else; memory devices make of that move what they can. Returns the
// pulses they got.
static size_t update_parameters(const struct es_training *training, const struct es_memory *memory, const double *theta, const double *g, struct es_state *state) {
    const struct es_experiment *experiment = training->experiment;
    const struct es_network *net = experiment->net;
    double rate = experiment->rate * experiment->schedule->factor((double)state->update / (double)training->updates);
    size_t pulses = 0;
    state->update++;
    for (size_t i = 0; i < net->parameters; i++) {
        double step = experiment->optimiser->step(g[i], rate, state->moment[i], state->update), held;
        double asked = es_parameter_value(net, i, (memory ? es_parameter_coordinate(net, i, theta[i]) : state->u[i]) + step);
        if (!memory)
            state->u[i] = es_parameter_coordinate(net, i, asked); // stays within the bounds
        else if (es_memory_update(memory, i, state->update, theta[i], asked, &state->cell[i], &pulses, &held))
            state->u[i] = es_parameter_coordinate(net, i, held);
    }
    return pulses;
}

// The devices take the start values as well as they can.
static void program_devices(const struct es_memory *memory, struct es_state *state) {
    for (size_t i = 0; i < memory->net->parameters; i++) {
        double theta = es_memory_program(memory, i, es_parameter_value(memory->net, i, state->u[i]), &state->cell[i]);
        state->u[i] = es_parameter_coordinate(memory->net, i, theta);
    }
}

// `memory` may be NULL.
static enum es_status one_update(const struct es_training *training, const struct es_memory *memory, const size_t *order, size_t first,
                                 struct es_state *state, struct es_metrics *metrics, struct es_error *error) {
    const struct es_network *net = training->experiment->net;
    struct es_arena *arena = es_arena_new();
    size_t left = training->trained - first, count = left < training->experiment->batch ? left : training->experiment->batch;
    struct es_example *example = ES_NEW(arena, count, struct es_example);
    double *theta = ES_NEW(arena, net->parameters, double), start = es_now();
    struct es_gradient gradient = {.slope = ES_NEW(arena, net->parameters, double)};
    for (size_t i = 0; i < count; i++)
        example[i] = example_of(training->set, order[first + i], true, training->experiment->seed, metrics->epoch, arena);
    values_at(net, state->u, theta);
    struct es_problem problem = training->problem;
    problem.update = state->update;
    enum es_status status = es_gradient(&problem, theta, count, example, &gradient, error);
    for (size_t i = 0; i < net->parameters && memory; i++)
        theta[i] = es_memory_off_bounds(memory, i, theta[i]);
    if (status == ES_OK) {
        metrics->clipped = clip_gradient(net, theta, training->experiment->clip, gradient.slope);
        metrics->pulses = update_parameters(training, memory, theta, gradient.slope, state);
    }
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
    epoch->clipped += update->clipped;
    epoch->pulses += update->pulses;
    epoch->seconds += update->seconds;
    epoch->update = update->update;
    epoch->epoch_ends = update->epoch_ends;
    epoch->validated = update->validated;
    epoch->validated_right = update->validated_right;
    epoch->validated_loss = update->validated_loss;
}

// The losses of all examples, some at a time so that progress can be told.
static enum es_status losses_in_parts(const struct es_problem *problem, const double *theta, size_t count, const struct es_example *example,
                                      struct es_free *free, struct es_error *error) {
    enum { PART = 32 };
    enum es_status status = ES_OK;
    for (size_t first = 0; first < count && status == ES_OK; first += PART) {
        struct es_free part = {.loss = free->loss + first, .energy = free->energy ? free->energy + first * problem->net->classes : NULL,
                               .value = free->value ? free->value + first * problem->net->outputs : NULL};
        status = es_losses(problem, theta, count - first < PART ? count - first : PART, example + first, &part, error);
        if (problem->progress)
            problem->progress(problem->context, (double)first / (double)count);
    }
    return status;
}

static bool judged_by_signs(const struct es_problem *problem, const struct es_dataset *set) {
    return set->signs && problem->cost->reads != ES_READ_RUNNING && !(problem->rule && problem->rule->own_loss);
}

bool es_judged(const struct es_problem *problem, const struct es_dataset *set) {
    return problem->cost->labels || judged_by_signs(problem, set);
}

// Whether every output has its target's sign at the end.
static bool signs_agree(const struct es_network *net, const struct es_example *example, size_t points, const double *value) {
    for (size_t o = 0; o < net->outputs; o++)
        if (!(value[o] * example->target[(o + 1) * points - 1] > 0))
            return false;
    return true;
}

// The `count` samples with these indices, in their centre windows.
static enum es_status evaluate(const struct es_problem *problem, const struct es_dataset *set, size_t count, const size_t *sample,
                               const double *theta, struct es_arena *arena, struct es_evaluation *evaluation, struct es_error *error) {
    size_t classes = problem->net->classes;
    struct es_example *example = ES_NEW(arena, count, struct es_example);
    for (size_t i = 0; i < count; i++)
        example[i] = es_centre_example(set, sample[i], arena);
    *evaluation = (struct es_evaluation){.samples = count, .nmse = NAN, .answer = ES_NEW(arena, count, size_t)};
    struct es_free free = {.loss = ES_NEW(arena, count, double)};
    if (problem->cost->labels) {
        free.energy = ES_NEW(arena, count * classes, double);
        evaluation->confusion = ES_NEW(arena, classes * classes, size_t);
    }
    if (judged_by_signs(problem, set))
        free.value = ES_NEW(arena, count * problem->net->outputs, double);
    evaluation->judged = es_judged(problem, set);
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
        if (free.value)
            evaluation->right += signs_agree(problem->net, &example[i], set->points, free.value + i * problem->net->outputs);
        if (label >= 0 || !problem->cost->labels)
            evaluation->loss += free.loss[i] / (double)count;
    }
    return status;
}

// A loss is the sum of e^2 / 2 over the outputs at T, or its integral over the counted time.
static double nmse_of(const struct es_problem *problem, const struct es_dataset *set, size_t fold, const struct es_evaluation *evaluation) {
    double variance, intervals, time = 1;
    if (problem->cost->labels)
        return NAN;
    if (problem->cost->reads == ES_READ_RUNNING) {
        variance = es_dataset_tracked_variance(set, fold, &intervals);
        time = intervals * problem->grid.interval / (double)evaluation->samples;
    } else
        variance = es_dataset_target_variance(set, fold);
    return variance > 0 ? 2 * evaluation->loss / ((double)set->outputs * time * variance) : NAN;
}

enum es_status es_evaluate(const struct es_problem *problem, const struct es_dataset *set, size_t fold, const double *theta,
                           struct es_arena *arena, struct es_evaluation *evaluation, struct es_error *error) {
    size_t *sample = ES_NEW(arena, set->samples, size_t), count = 0;
    for (size_t i = 0; i < set->samples; i++)
        if (fold == SIZE_MAX || (size_t)set->sample[i].fold == fold)
            sample[count++] = i;
    if (!count)
        return es_fail(error, ES_BAD_INPUT, "fold %zu holds no sample; the task has folds 0 to %zu", fold, set->folds - 1);
    enum es_status status = evaluate(problem, set, count, sample, theta, arena, evaluation, error);
    if (status == ES_OK)
        evaluation->nmse = nmse_of(problem, set, fold, evaluation);
    return status;
}

// The validation part after an epoch. The state is kept if its loss is smaller than any before.
static enum es_status validate(const struct es_training *training, struct es_state *state, struct es_metrics *metrics, struct es_error *error) {
    const struct es_network *net = training->problem.net;
    struct es_arena *arena = es_arena_new();
    struct es_evaluation e;
    double *theta = ES_NEW(arena, net->parameters, double);
    values_at(net, state->u, theta);
    enum es_status status = evaluate(&training->problem, training->set, training->validated, training->validation, theta, arena, &e, error);
    if (status == ES_OK) {
        metrics->validated = e.samples;
        metrics->validated_right = e.right;
        metrics->validated_loss = e.loss;
        if (!state->best_epoch || e.loss < state->best_loss) {
            state->best_epoch = metrics->epoch + 1;
            state->best_loss = e.loss;
            memcpy(state->best_u, state->u, net->parameters * sizeof *state->u);
        }
    }
    es_arena_free(arena);
    return status;
}

static uint64_t updates_per_epoch(const struct es_training *training) {
    return training->updates / training->experiment->epochs;
}

bool es_training_ended(const struct es_training *training, const struct es_state *state) {
    uint64_t epochs = state->update / updates_per_epoch(training), patience = training->experiment->patience;
    return state->update >= training->updates || (patience && state->best_epoch && epochs >= state->best_epoch + patience);
}

enum es_status es_train(const struct es_training *training, struct es_state *state, struct es_error *error) {
    uint64_t per_epoch = updates_per_epoch(training);
    struct es_arena *arena = es_arena_new();
    size_t *order = ES_NEW(arena, training->trained, size_t);
    struct es_memory memory;
    enum es_status status = ES_OK;
    if (training->device)
        status = es_memory_new(training->device, &training->use, training->problem.net, training->experiment->seed, arena, &memory, error);
    if (status == ES_OK && training->device && state->update == 0)
        program_devices(&memory, state);
    struct es_metrics epoch = {0};
    bool shuffled = false;
    while (status == ES_OK && !es_training_ended(training, state)) {
        uint64_t number = state->update / per_epoch, place = state->update % per_epoch;
        if (!shuffled || place == 0) {
            shuffle(training, number, order);
            epoch = (struct es_metrics){.epoch = number};
            shuffled = true;
        }
        struct es_metrics update = {.epoch = number};
        status = one_update(training, training->device ? &memory : NULL, order, place * training->experiment->batch, state, &update, error);
        if (status == ES_OK && update.epoch_ends && training->validated)
            status = validate(training, state, &update, error);
        if (status == ES_OK) {
            add_metrics(&epoch, &update);
            status = training->updated(training->context, state, &update, &epoch, error);
        }
    }
    es_arena_free(arena);
    return status;
}
