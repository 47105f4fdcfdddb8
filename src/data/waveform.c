// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// One sample, as it is: the first line of the file names its columns, and each line after it has their values at one point. A column has the name of an input
// channel, and its signal in volt, or is called target_1, target_2, ... after the network's outputs in order, and has that target in the unit that the cost reads.
// What has no column, and all without a file, is 0.
#include "data/file.h"

#include <string.h>

struct table {
    const struct es_task *task;
    const struct es_roles *roles;
    struct es_error *error;
    struct es_text text;
    size_t columns;
    double **column; // [columns] where the values of a column go
};

// The signals of the network's channels are in order, without the bias.
static double *place(const struct table *t, const char *title, double *wave, double *target) {
    size_t signal = 0, points = t->task->points;
    for (size_t c = 0; c < t->roles->channels; c++) {
        bool bias = strcmp(t->roles->channel[c], "bias") == 0;
        if (!bias && strcmp(t->roles->channel[c], title) == 0)
            return wave + signal * points;
        signal += !bias;
    }
    size_t output;
    bool is_target = strncmp(title, "target_", 7) == 0 && es_text_whole(title + 7, t->roles->outputs, &output) && output > 0;
    return is_target ? target + (output - 1) * points : NULL;
}

static enum es_status read_titles(struct table *t, char *line, struct es_arena *scratch, double *wave, double *target) {
    char separator = es_text_separator(line);
    t->columns = es_text_fields(line, separator);
    t->column = ES_NEW(scratch, t->columns, double *);
    for (size_t i = 0; i < t->columns; i++) {
        const char *title = es_text_field(&line, separator);
        t->column[i] = place(t, title, wave, target);
        for (size_t k = 0; k < i && t->column[i]; k++)
            if (t->column[k] == t->column[i])
                return es_fail(t->error, ES_BAD_INPUT, "%s, line %zu: two columns are called \"%.100s\"; expected one", t->text.at.path, t->text.at.number, title);
        if (!t->column[i])
            return es_fail(t->error, ES_BAD_INPUT, "%s, line %zu: column %zu is called \"%.100s\"; expected the name of an input channel but the bias, or target_1 and so on for an output", t->text.at.path,
                           t->text.at.number, i + 1, title);
    }
    return ES_OK;
}

static enum es_status read_point(struct table *t, char *line, size_t point) {
    char separator = es_text_separator(line);
    size_t columns = es_text_fields(line, separator);
    enum es_status status = ES_OK;
    if (point >= t->task->points)
        return es_fail(t->error, ES_BAD_INPUT, "%s, line %zu: a point after the %zu of the task; expected as many lines as points", t->text.at.path, t->text.at.number,
                       t->task->points);
    if (columns != t->columns)
        return es_fail(t->error, ES_BAD_INPUT, "%s, line %zu: %zu columns; expected %zu as in the titles", t->text.at.path, t->text.at.number, columns, t->columns);
    for (size_t i = 0; i < columns && !status; i++)
        status = es_text_number(&t->text, es_text_field(&line, separator), i + 1, t->column[i] + point, t->error);
    return status;
}

static enum es_status read_table(struct table *t, const char *path, struct es_arena *scratch, double *wave, double *target) {
    size_t points = 0;
    enum es_status status = es_text_read(path, "a table with a column for each signal", scratch, &t->text, t->error);
    char *line = status ? NULL : es_text_data(&t->text, "#");
    if (!status && !line)
        return es_fail(t->error, ES_BAD_INPUT, "%s: it is empty; expected the names of channels in the first line, and %zu lines of values", path, t->task->points);
    if (!status)
        status = read_titles(t, line, scratch, wave, target);
    while (!status && (line = es_text_data(&t->text, "#")))
        status = read_point(t, line, points++);
    if (!status && points < t->task->points)
        status = es_fail(t->error, ES_BAD_INPUT, "%s: %zu points; expected the %zu of the task, a line for each", path, points, t->task->points);
    return status;
}

static enum es_status load_waveform(const struct es_task *task, const char *dir, const struct es_roles *roles, struct es_dataset *set, struct es_error *error) {
    struct table t = {.task = task, .roles = roles, .error = error};
    size_t signals = es_roles_signals(roles);
    *set = (struct es_dataset){0};
    enum es_status status = es_dataset_fits(task, 1, ((double)signals + (double)roles->outputs) * (double)task->points, error);
    if (!status && task->file)
        status = es_directory_check(dir, es_waveform.row.name, "the table that the task names", error);
    if (!status)
        status = es_dataset_make(task, roles, set, error);
    if (status)
        return status;
    struct es_arena *scratch = es_arena_new();
    double *wave = ES_NEW(set->arena, signals * task->points, double), *target = ES_NEW(set->arena, roles->outputs * task->points, double);
    if (task->file)
        status = read_table(&t, es_arena_printf(scratch, "%s/%s", dir, task->file), scratch, wave, target);
    es_arena_free(scratch);
    set->samples = set->folds = 1;
    set->sample = es_samples_new(set, 1);
    set->sample->name = es_arena_string(set->arena, task->file ? task->file : "rest");
    set->sample->wave = (struct es_wave){wave, task->points};
    set->sample->target = target;
    if (status)
        es_dataset_free(set);
    return status;
}

const struct es_data_kind es_waveform = {
    .row = {"waveform", "one sample as a table has it: a column for each signal, and for targets", "-"},
    .targets = true,
    .load = load_waveform,
};
