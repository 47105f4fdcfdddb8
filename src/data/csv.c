// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// Tables whose rows are samples: the last column is the label, the others hold the series of the first channel, then that of
// the second, and so on, so their number is that of the channels times the points. Where this makes one point, the value is
// held for all points. Columns are separated by commas, else tabs, else blanks; lines that start with # are comments, and
// titles may stand in the first line. There is a table to learn from with one to test, or one with a file of folds, which has
// one fold, from 0, for each row.
#include "data/series.h"

#include <string.h>

enum part { TEST, TRAIN, PARTS }; // the fold

struct csv {
    struct es_series series;
    struct es_text text;
    size_t columns; // of all rows; 0 before the first
};

static enum es_status check_columns(struct csv *t, const char *line, char separator) {
    size_t columns = es_text_fields(line, separator);
    if (t->columns == 0)
        t->columns = columns;
    if (columns != t->columns)
        return es_fail(t->series.error, ES_BAD_INPUT, "%s, line %zu: %zu columns; expected %zu as before", t->text.at.path,
                       t->text.at.number, columns, t->columns);
    if (columns < 2 || (columns - 1) % t->series.signals != 0)
        return es_fail(
            t->series.error, ES_BAD_INPUT,
            "%s, line %zu: %zu columns; expected a multiple of the network's %zu input channels but the bias, and one for "
            "the label",
            t->text.at.path, t->text.at.number, columns, t->series.signals);
    return ES_OK;
}

static enum es_status read_row(struct csv *t, char *line, int fold) {
    char separator = es_text_separator(line);
    enum es_status status = check_columns(t, line, separator);
    if (status)
        return status;
    double *raw, value;
    bool hold = t->columns - 1 == t->series.signals && t->series.task->decimate <= 1;
    size_t repeat = hold ? t->series.task->points : 1;
    size_t length = (t->columns - 1) / t->series.signals * repeat;
    status = es_series_raw(&t->series, &t->text.at, length, &raw);
    for (size_t i = 0; i < t->columns - 1 && !status; i++) {
        status = es_text_number(&t->text, es_text_field(&line, separator), i + 1, &value, t->series.error);
        for (size_t n = 0; n < repeat && !status; n++)
            *raw++ = value;
    }
    return status ? status : es_series_add(&t->series, &t->text.at, length, es_text_field(&line, separator), fold);
}

static enum es_status read_rows(struct csv *t, const struct es_text *text, int fold) {
    enum es_status status = ES_OK;
    t->text = *text;
    char *line = es_text_data(&t->text, "#");
    if (line && es_text_is_title(line, t->series.scratch))
        line = es_text_data(&t->text, "#");
    for (; line && !status; line = es_text_data(&t->text, "#"))
        status = read_row(t, line, fold);
    return status;
}

static enum es_status open_table(struct csv *t, const char *dir, const char *name, const char *what, struct es_text *text) {
    const char *path = es_arena_printf(t->series.scratch, "%s/%s", dir, name);
    return es_text_read(path, what, t->series.scratch, text, t->series.error);
}

static enum es_status read_parts(struct csv *t, const char *dir, const struct es_text *train) {
    struct es_text test;
    enum es_status status = open_table(t, dir, t->series.task->test, "a table of samples", &test);
    if (status)
        return status;
    t->series.set->folds = PARTS;
    es_series_expect(&t->series, es_text_lines(train) + es_text_lines(&test));
    status = read_rows(t, train, TRAIN);
    return status ? status : read_rows(t, &test, TEST);
}

static enum es_status read_fold(const struct csv *t, const struct es_text *text, char *line, size_t sample) {
    struct es_dataset *set = t->series.set;
    size_t fold;
    const char *field = es_text_field(&line, '\n');
    if (sample >= set->samples || !es_text_whole(field, ES_DATA_FOLDS - 1, &fold))
        return es_fail(
            t->series.error, ES_BAD_INPUT,
            "%s, line %zu: \"%.100s\" is the fold of row %zu; expected an integer from 0 to %d for each of the %zu rows",
            text->at.path, text->at.number, field, sample + 1, ES_DATA_FOLDS - 1, set->samples);
    set->sample[sample].fold = (int)fold;
    if (fold >= set->folds)
        set->folds = fold + 1;
    return ES_OK;
}

static enum es_status read_folds(struct csv *t, const char *dir) {
    struct es_text text;
    size_t samples = 0;
    enum es_status status = open_table(t, dir, t->series.task->folds, "a list of folds", &text);
    for (char *line; !status && (line = es_text_data(&text, "#"));)
        status = read_fold(t, &text, line, samples++);
    if (!status && samples < t->series.set->samples)
        status = es_fail(t->series.error, ES_BAD_INPUT, "%s, line %zu: %zu folds; expected one for each of the %zu rows",
                         text.at.path, text.at.number, samples, t->series.set->samples);
    return status ? status : es_folds_check(t->series.set, text.at.path, "fold", t->series.error);
}

static enum es_status read_tables(struct csv *t, const char *dir) {
    const struct es_task *task = t->series.task;
    struct es_text train;
    enum es_status status = open_table(t, dir, task->train, "a table of samples", &train);
    if (status || task->test)
        return status ? status : read_parts(t, dir, &train);
    es_series_expect(&t->series, es_text_lines(&train));
    status = read_rows(t, &train, 0);
    return status || !task->folds || !*task->folds ? status : read_folds(t, dir);
}

static enum es_status load_csv(const struct es_task *task, const char *dir, const struct es_roles *roles, struct es_dataset *set,
                               struct es_error *error) {
    struct csv t = {.columns = 0};
    enum es_status status = es_series_begin(&t.series, task, dir, "the tables that the task names", roles, set, error);
    if (status)
        return status;
    set->folds = 1;
    t.series.path = es_arena_printf(t.series.scratch, "%s/%s", dir, task->train);
    return es_series_end(&t.series, read_tables(&t, dir));
}

const struct es_data_kind es_csv = {
    .row = {"csv", "tables of samples, a row each, the label in the last column", "-"},
    .labels = true,
    .files = true,
    .load = load_csv,
};
