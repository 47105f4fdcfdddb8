// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
#include "data/series.h"

#include <math.h>
#include <string.h>

static enum es_status check_task(const struct es_task *task, size_t signals, const struct es_roles *roles,
                                 struct es_error *error) {
    if (signals < 1 || roles->classes < 1)
        return es_fail(error, ES_BAD_INPUT,
                       "task, line %d: the network has %zu input channels but the bias, and %zu classes; expected one of each at "
                       "least, as %s gives series and labels",
                       task->line, signals, roles->classes, task->kind->row.name);
    if (task->points < 2)
        return es_fail(error, ES_BAD_INPUT, "task, line %d: %zu points; expected 2 at least", task->line, task->points);
    if (!(task->amplitude > 0 && task->amplitude < HUGE_VAL))
        return es_fail(error, ES_BAD_INPUT,
                       "task, line %d: amplitude is %g V; expected the voltage of one standard deviation, which is > 0",
                       task->line, task->amplitude);
    return ES_OK;
}

enum es_status es_series_begin(struct es_series *series, const struct es_task *task, const char *dir, const char *what,
                               const struct es_roles *roles, struct es_dataset *set, struct es_error *error) {
    *set = (struct es_dataset){0};
    *series = (struct es_series){.task = task, .set = set, .error = error, .signals = es_roles_signals(roles)};
    enum es_status status = check_task(task, series->signals, roles, error);
    if (!status)
        status = es_directory_check(dir, task->kind->row.name, what, error);
    if (!status)
        status = es_dataset_make(task, roles, set, error);
    if (status)
        return status;
    series->scratch = es_arena_new();
    series->seen = ES_NEW(series->scratch, set->classes, const char *);
    return ES_OK;
}

void es_series_expect(struct es_series *series, size_t samples) {
    series->room = samples < ES_DATA_SAMPLES ? samples : ES_DATA_SAMPLES;
    series->set->sample = es_samples_new(series->set, series->room);
    series->value = ES_NEW(series->scratch, series->room, double *);
}

static size_t group(const struct es_task *task) {
    return task->decimate > 1 ? task->decimate : 1;
}

static enum es_status check_room(const struct es_series *series, const struct es_place *at) {
    if (series->set->samples == series->room)
        return es_fail(series->error, ES_BAD_INPUT, "%s, %s %zu: more than %d samples; expected at most so many: split the file",
                       at->path, at->unit, at->number, ES_DATA_SAMPLES);
    if (series->kept + series->signals * series->task->points > ES_DATA_FILE_VALUES)
        return es_fail(series->error, ES_BAD_INPUT,
                       "%s, %s %zu: the samples take more than %d MiB; expected less: ask for fewer points, by decimate",
                       at->path, at->unit, at->number, ES_DATA_FILE_VALUES / (1 << 17));
    return ES_OK;
}

enum es_status es_series_raw(struct es_series *series, const struct es_place *at, size_t length, double **raw) {
    const struct es_task *task = series->task;
    size_t points = length / group(task);
    enum es_status status = check_room(series, at);
    if (status)
        return status;
    if (points < 1 || points > task->points)
        return es_fail(series->error, ES_BAD_INPUT,
                       "%s, %s %zu: the series has %zu values, which make %zu points with decimate=\"%zu\"; expected 1 to the "
                       "task's %zu: change points or decimate",
                       at->path, at->unit, at->number, length, points, group(task), task->points);
    size_t needed = series->signals * length;
    if (needed > series->raw_room) {
        series->raw_room = 2 * needed;
        series->raw = ES_NEW(series->scratch, series->raw_room, double);
    }
    *raw = series->raw;
    return ES_OK;
}

static void decimate(const double *raw, size_t group, size_t points, double *value) {
    for (size_t n = 0; n < points; n++) {
        double sum = 0;
        for (size_t i = 0; i < group; i++)
            sum += raw[n * group + i];
        value[n] = sum / (double)group;
    }
}

enum es_status es_series_add(struct es_series *series, const struct es_place *at, size_t length, const char *label, int fold) {
    struct es_dataset *set = series->set;
    struct es_sample *sample = &set->sample[set->samples];
    enum es_status status = es_label_find(set, at, label, series->seen, &sample->label, series->error);
    if (status)
        return status;
    double *value = ES_NEW(set->arena, series->signals * set->points, double);
    sample->length = length / group(series->task);
    for (size_t c = 0; c < series->signals; c++)
        decimate(series->raw + c * length, group(series->task), sample->length, value + c * set->points);
    const char *slash = strrchr(at->path, '/');
    sample->name = es_arena_printf(set->arena, "%s:%zu", slash ? slash + 1 : at->path, at->number);
    sample->wave = (struct es_wave){value, set->points};
    sample->fold = fold;
    series->value[set->samples++] = value;
    series->kept += series->signals * set->points;
    return ES_OK;
}

static bool is_fitted(const struct es_series *series, const struct es_sample *sample) {
    return series->set->folds == 1 || (size_t)sample->fold != series->task->fold;
}

// scale [signals] of the samples that are not tested
static void fit(const struct es_series *series, struct es_scale *scale) {
    const struct es_dataset *set = series->set;
    for (size_t i = 0; i < set->samples; i++)
        for (size_t c = 0; c < series->signals && is_fitted(series, &set->sample[i]); c++)
            es_scale_add(&scale[series->joint ? 0 : c], series->value[i] + c * set->points, set->sample[i].length);
}

static void standardise(const struct es_series *series) {
    const struct es_dataset *set = series->set;
    struct es_scale *scale = ES_NEW(series->scratch, series->signals, struct es_scale);
    fit(series, scale);
    for (size_t i = 0; i < set->samples; i++)
        for (size_t c = 0; c < series->signals; c++)
            es_scale_apply(&scale[series->joint ? 0 : c], series->task->amplitude, series->value[i] + c * set->points,
                           set->sample[i].length);
}

// The intervals in which the samples' costs count; each has to have one.
static enum es_status mask(const struct es_series *series) {
    struct es_dataset *set = series->set;
    for (size_t i = 0; i < set->samples; i++) {
        struct es_sample *sample = &set->sample[i];
        if (series->task->mask)
            sample->counted = sample->length - 1;
        if (sample->counted <= set->first)
            return es_fail(
                series->error, ES_BAD_INPUT,
                "%s: with mask=\"yes\" the cost of a series of %zu points counts nowhere; expected more than %zu: leave "
                "it out, lower from, or take mask=\"no\"",
                sample->name, sample->length, set->first + 1);
        set->windowed = set->windowed || sample->counted < set->points - 1;
    }
    return ES_OK;
}

enum es_status es_series_end(struct es_series *series, enum es_status status) {
    if (!status)
        status = es_classes_check(series->set, series->path, series->error);
    if (!status)
        status = mask(series);
    if (!status)
        standardise(series);
    es_arena_free(series->scratch);
    if (status)
        es_dataset_free(series->set);
    return status;
}
