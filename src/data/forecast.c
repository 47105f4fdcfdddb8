// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// One series x, of which y = x, or another column of the file, is to be told `ahead` values in advance. A sample is a window of
// L = points values that ends with the value at t, and its target is told at every point, sequence to sequence:
//
//     input[n] = x[t - L + 1 + n],   target[n] = y[t - L + 1 + n + ahead],   n = 0 .. L - 1,
//
// so the target at the last point is the forecast y[t + ahead]. Samples whose forecast is among the first `train` values, every
// `stride` of them, are to learn from; all those that are forecast after it are to test. x and y are standardised by the mean
// and the deviation of the part that is not tested:
//
//     x_circuit = amplitude (x - mean) / deviation [V],   y_circuit = target (y - mean) / deviation.
#include "data/file.h"

#include <math.h>
#include <string.h>

enum part { TEST, TRAIN, PARTS }; // the fold

struct forecast {
    const struct es_task *task;
    struct es_dataset *set;
    struct es_arena *scratch;
    struct es_error *error;
    struct es_text text;
    size_t values;
    double *x, *y; // [values]
};

static enum es_status check_numbers(const struct es_task *task, struct es_error *error) {
    if (!(task->amplitude > 0 && task->amplitude < HUGE_VAL && task->target > 0 && task->target < HUGE_VAL))
        return es_fail(error, ES_BAD_INPUT,
                       "task, line %d: amplitude is %g V and target is %g; expected what one standard deviation is, which is > 0",
                       task->line, task->amplitude, task->target);
    if (task->points < 2 || task->stride < 1)
        return es_fail(error, ES_BAD_INPUT,
                       "task, line %d: %zu points with a stride of %zu; expected 2 points and a stride of 1 at least", task->line,
                       task->points, task->stride);
    if (task->ahead < 1 && task->input_column == task->target_column)
        return es_fail(
            error, ES_BAD_INPUT,
            "task, line %d: ahead is 0, so column %zu would tell itself; expected 1 at least, or another target-column",
            task->line, task->input_column);
    return ES_OK;
}

static enum es_status check_roles(const struct es_task *task, const struct es_roles *roles, struct es_error *error) {
    size_t signals = es_roles_signals(roles);
    if (signals == 1 && roles->outputs >= 1)
        return ES_OK;
    return es_fail(
        error, ES_BAD_INPUT,
        "task, line %d: the network has %zu input channels but the bias, and %zu outputs; expected one channel, and an output "
        "at least, as forecast gives one series",
        task->line, signals, roles->outputs);
}

// The two columns of a line.
static enum es_status read_line(struct forecast *f, char *line) {
    const struct es_task *task = f->task;
    char separator = es_text_separator(line);
    size_t fields = es_text_fields(line, separator);
    size_t last = task->input_column > task->target_column ? task->input_column : task->target_column;
    enum es_status status = ES_OK;
    if (last >= fields)
        return es_fail(f->error, ES_BAD_INPUT, "%s, line %zu: %zu columns; expected column %zu, counted from 0", f->text.at.path,
                       f->text.at.number, fields, last);
    for (size_t i = 0; i <= last && !status; i++) {
        const char *field = es_text_field(&line, separator);
        if (i == task->input_column)
            status = es_text_number(&f->text, field, i + 1, &f->x[f->values], f->error);
        if (i == task->target_column && !status)
            status = es_text_number(&f->text, field, i + 1, &f->y[f->values], f->error);
    }
    f->values++;
    return status;
}

static enum es_status read_values(struct forecast *f, const char *path) {
    enum es_status status = es_text_read(path, "a series, one value in a line", f->scratch, &f->text, f->error);
    if (status)
        return status;
    size_t lines = es_text_lines(&f->text);
    f->x = ES_NEW(f->set->arena, lines, double);
    f->y = ES_NEW(f->set->arena, lines, double);
    char *line = es_text_data(&f->text, "#");
    if (line && es_text_is_title(line, f->scratch))
        line = es_text_data(&f->text, "#");
    for (; line && !status; line = es_text_data(&f->text, "#"))
        status = read_line(f, line);
    return status;
}

// Training samples forecast y[start + i stride], start <= i < train; test samples y[from train on].
static enum es_status count_samples(const struct forecast *f, size_t *first, size_t *training, size_t *tests) {
    const struct es_task *task = f->task;
    *first = task->points - 1 + task->ahead; // the first value that has a window before it
    size_t end = task->train_values < f->values ? task->train_values : f->values;
    *training = end > *first ? (end - *first + task->stride - 1) / task->stride : 0;
    size_t begin = end > *first ? end : *first;
    *tests = f->values > begin ? f->values - begin : 0;
    if (!*training || !*tests)
        return es_fail(
            f->error, ES_BAD_INPUT,
            "%s: %zu values, of which the first %zu are for training, give %zu windows of %zu points to learn from and %zu to "
            "test; expected one of each at least: change train or points",
            f->text.at.path, f->values, task->train_values, *training, task->points, *tests);
    return es_dataset_fits(task, *training + *tests, f->set->outputs > 1 ? (double)(f->set->outputs * task->points) : 0,
                           f->error);
}

// All values in the circuit's units, by those of the part that is learned from.
static void standardise(struct forecast *f) {
    const struct es_task *task = f->task;
    size_t begin = task->fold == TRAIN ? task->train_values : 0, end = task->fold == TRAIN ? f->values : task->train_values;
    struct es_scale x = {0}, y = {0};
    es_scale_add(&x, f->x + begin, end - begin);
    es_scale_add(&y, f->y + begin, end - begin);
    es_scale_apply(&x, task->amplitude, f->x, f->values);
    es_scale_apply(&y, task->target, f->y, f->values);
}

// target [outputs][points]: the same for every output.
static const double *repeat(const struct es_dataset *set, const double *target) {
    if (set->outputs == 1)
        return target;
    double *copy = ES_NEW(set->arena, set->outputs * set->points, double);
    for (size_t o = 0; o < set->outputs; o++)
        memcpy(copy + o * set->points, target, set->points * sizeof *target);
    return copy;
}

// The sample that forecasts y[index].
static void add_sample(struct forecast *f, size_t index, enum part part) {
    struct es_dataset *set = f->set;
    struct es_sample *sample = &set->sample[set->samples++];
    size_t start = index - f->task->ahead - (set->points - 1);
    sample->name = es_arena_printf(set->arena, "%s-%zu", f->task->file, index);
    sample->wave = (struct es_wave){f->x + start, set->points};
    sample->target = repeat(set, f->y + start + f->task->ahead);
    sample->fold = (int)part;
}

static enum es_status make_samples(struct forecast *f) {
    const struct es_task *task = f->task;
    struct es_dataset *set = f->set;
    size_t first, training, tests;
    enum es_status status = count_samples(f, &first, &training, &tests);
    if (status)
        return status;
    standardise(f);
    set->sample = es_samples_new(set, training + tests);
    for (size_t i = 0; i < training; i++)
        add_sample(f, first + i * task->stride, TRAIN);
    for (size_t i = f->values - tests; i < f->values; i++)
        add_sample(f, i, TEST);
    return ES_OK;
}

static enum es_status load_forecast(const struct es_task *task, const char *dir, const struct es_roles *roles,
                                    struct es_dataset *set, struct es_error *error) {
    *set = (struct es_dataset){0};
    enum es_status status = check_numbers(task, error);
    if (!status)
        status = check_roles(task, roles, error);
    if (!status)
        status = es_directory_check(dir, es_forecast.row.name, "the series that the task names", error);
    if (!status)
        status = es_dataset_make(task, roles, set, error);
    if (status)
        return status;
    set->folds = PARTS;
    struct forecast f = {.task = task, .set = set, .scratch = es_arena_new(), .error = error};
    status = read_values(&f, es_arena_printf(f.scratch, "%s/%s", dir, task->file));
    if (!status)
        status = make_samples(&f);
    es_arena_free(f.scratch);
    if (status)
        es_dataset_free(set);
    return status;
}

const struct es_data_kind es_forecast = {
    .row = {"forecast", "windows of one series, and what comes after them as targets", "-"},
    .files = true,
    .targets = true,
    .load = load_forecast,
};
