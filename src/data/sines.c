// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// Each signal is sum_i a_i sin(2 pi f_i t + phi_i) with sum_i a_i = peak, f_i log-uniform in [frequency / 2, 2 frequency]
// and phi_i uniform: three sines for an input [V], two for a target [Wb].
#include "core/random.h"
#include "data/make.h"

#include <math.h>

enum { SINES = 3, INPUT_SINES = SINES, TARGET_SINES = 2 };

static const uint64_t first_output = (uint64_t)1 << 32; // id of the streams of targets; inputs count from 0
static const double tau = 6.28318530717958647692;

struct sine {
    double weight, frequency, phase;
};

static void fill(const struct es_task *task, struct es_stream stream, size_t sines, double peak, double *signal) {
    struct sine sine[SINES];
    double weights = 0;
    for (size_t i = 0; i < sines; i++) {
        sine[i].weight = 0.5 + es_random_uniform(&stream);
        sine[i].frequency = task->frequency * exp2(2 * es_random_uniform(&stream) - 1);
        sine[i].phase = tau * es_random_uniform(&stream);
        weights += sine[i].weight;
    }
    for (size_t n = 0; n < task->points; n++)
        for (size_t i = 0; i < sines; i++)
            signal[n] +=
                peak * sine[i].weight / weights * sin(tau * sine[i].frequency * (double)n * task->interval + sine[i].phase);
}

static enum es_status check_number(const struct es_task *task, const char *name, double value, const char *unit, bool zero,
                                   struct es_error *error) {
    if ((value > 0 || (zero && value == 0)) && value < HUGE_VAL)
        return ES_OK;
    return es_fail(error, ES_BAD_INPUT, "task, line %d: %s is %g %s; expected a positive number%s", task->line, name, value, unit,
                   zero ? " or 0" : "");
}

static enum es_status check_resolution(const struct es_task *task, struct es_error *error) {
    if (2 * task->frequency * task->interval < 0.5)
        return ES_OK;
    return es_fail(error, ES_BAD_INPUT,
                   "task, line %d: frequency is %g Hz, so sines reach %g Hz, which samples every %g s do not resolve; "
                   "expected less than %g Hz: lower it or take more points",
                   task->line, task->frequency, 2 * task->frequency, task->interval, 0.25 / task->interval);
}

static enum es_status check_values(const struct es_task *task, struct es_error *error) {
    enum es_status status = check_number(task, "interval", task->interval, "s", false, error);
    if (!status)
        status = check_number(task, "frequency", task->frequency, "Hz", false, error);
    if (!status)
        status = check_number(task, "amplitude", task->amplitude, "V", true, error);
    if (!status)
        status = check_number(task, "target", task->target, "Wb", true, error);
    return status ? status : check_resolution(task, error);
}

static enum es_status check_sizes(const struct es_task *task, size_t signals, size_t outputs, struct es_error *error) {
    if (signals < 1 || outputs < 1)
        return es_fail(error, ES_BAD_INPUT,
                       "task, line %d: the network has %zu inputs and %zu outputs; expected one of each at least, as sines "
                       "drive inputs and outputs track them",
                       task->line, signals, outputs);
    if (task->samples < 1 || task->points < 2)
        return es_fail(error, ES_BAD_INPUT, "task, line %d: %zu samples of %zu points; expected 1 sample of 2 points at least",
                       task->line, task->samples, task->points);
    return es_dataset_fits(task, task->samples, ((double)signals + (double)outputs) * (double)task->points, error);
}

static void make_sample(const struct es_task *task, struct es_dataset *set, size_t signals, size_t index) {
    double *wave = ES_NEW(set->arena, signals * set->points, double);
    double *target = ES_NEW(set->arena, set->outputs * set->points, double);
    struct es_stream stream = {.seed = task->seed, .purpose = ES_RANDOM_TASK, .sample = index};
    for (stream.id = 0; stream.id < signals; stream.id++)
        fill(task, stream, INPUT_SINES, task->amplitude, wave + stream.id * set->points);
    for (size_t o = 0; o < set->outputs; o++) {
        stream.id = first_output + o;
        fill(task, stream, TARGET_SINES, task->target, target + o * set->points);
    }
    set->sample[index].name = es_arena_printf(set->arena, "sines-%zu", index);
    set->sample[index].wave = (struct es_wave){wave, set->points};
    set->sample[index].target = target;
}

static enum es_status load_sines(const struct es_task *task, const char *dir, const struct es_roles *roles,
                                 struct es_dataset *set, struct es_error *error) {
    (void)dir;
    *set = (struct es_dataset){0};
    size_t signals = es_roles_signals(roles);
    enum es_status status = check_sizes(task, signals, roles->outputs, error);
    if (!status)
        status = check_values(task, error);
    if (!status)
        status = es_dataset_make(task, roles, set, error);
    if (status)
        return status;
    set->samples = task->samples;
    set->folds = 1;
    set->sample = es_samples_new(set, set->samples);
    for (size_t i = 0; i < set->samples; i++)
        make_sample(task, set, signals, i);
    return ES_OK;
}

const struct es_data_kind es_sines = {
    .row = {"sines", "seeded sums of sines as inputs and as targets", "-"},
    .targets = true,
    .load = load_sines,
};
