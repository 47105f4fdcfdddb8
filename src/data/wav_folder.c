// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// A directory of recordings and folds.tsv: columns separated by tabs, named in the first line. `file` and `class` are
// needed, and the column that the task names for its folds, which counts them from 0.
#include "data/audio.h"
#include "data/file.h"

#include <stdlib.h>
#include <string.h>

enum { COLUMNS = 64, NAME = 255 };
enum column { FILE_NAME, CLASS, FOLD, NEEDED };

struct table {
    const struct es_task *task;
    const char *dir;
    struct es_text text;
    size_t columns, column[NEEDED];
    bool folds;
    const char **seen; // [classes] see es_label_find()
    struct es_arena *scratch;
    struct es_dataset *set;
    struct es_error *error;
};

// At most COLUMNS fields are stored; the count is of all.
static size_t split(char *line, char *field[COLUMNS]) {
    size_t count = 0;
    for (char *text; (text = strsep(&line, "\t")); count++)
        if (count < COLUMNS)
            field[count] = text;
    return count;
}

static enum es_status find_column(struct table *t, char **field, const char *name, size_t *column) {
    size_t found = 0;
    for (size_t i = 0; i < t->columns; i++)
        if (strcmp(field[i], name) == 0 && found++ == 0)
            *column = i;
    if (found == 1)
        return ES_OK;
    return es_fail(t->error, ES_BAD_INPUT,
                   "%s, line %zu: %zu columns are named \"%.100s\"; expected one, in a first line of names separated by tabs",
                   t->text.at.path, t->text.at.number, found, name);
}

static enum es_status read_header(struct table *t) {
    char *field[COLUMNS], *line = es_text_line(&t->text);
    t->columns = split(line, field);
    if (t->columns > COLUMNS)
        return es_fail(t->error, ES_BAD_INPUT, "%s, line %zu: %zu columns; expected at most %d", t->text.at.path,
                       t->text.at.number, t->columns, COLUMNS);
    enum es_status status = find_column(t, field, "file", &t->column[FILE_NAME]);
    if (!status)
        status = find_column(t, field, "class", &t->column[CLASS]);
    if (!status && t->folds)
        status = find_column(t, field, t->task->folds, &t->column[FOLD]);
    return status;
}

static enum es_status check_name(const struct table *t, const char *name) {
    if (*name && *name != '.' && !strchr(name, '/') && strlen(name) <= NAME)
        return ES_OK;
    return es_fail(t->error, ES_BAD_INPUT,
                   "%s, line %zu: file is \"%.255s\"; expected the name of a recording beside the table, without \"/\" and not "
                   "starting with \".\"",
                   t->text.at.path, t->text.at.number, name);
}

static enum es_status read_fold(const struct table *t, const char *text, int *fold) {
    size_t value;
    if (!es_text_whole(text, ES_DATA_FOLDS - 1, &value))
        return es_fail(t->error, ES_BAD_INPUT, "%s, line %zu: %.100s is \"%.100s\"; expected an integer from 0 to %d",
                       t->text.at.path, t->text.at.number, t->task->folds, text, ES_DATA_FOLDS - 1);
    *fold = (int)value;
    return ES_OK;
}

static enum es_status read_recording(struct table *t, struct es_sample *sample) {
    struct es_arena *scratch = es_arena_new();
    const char *path = es_arena_printf(scratch, "%s/%s", t->dir, sample->name);
    struct es_recording recording;
    enum es_status status = es_audio_read(path, scratch, &recording, t->error);
    if (!status)
        status = es_audio_keep(t->task, &recording, t->set->arena, sample, t->error);
    es_arena_free(scratch);
    return status;
}

static enum es_status read_row(struct table *t, char *line) {
    char *field[COLUMNS];
    size_t fields = split(line, field);
    struct es_sample *sample = &t->set->sample[t->set->samples];
    if (fields != t->columns)
        return es_fail(t->error, ES_BAD_INPUT, "%s, line %zu: %zu fields; expected %zu as in the first line, separated by tabs",
                       t->text.at.path, t->text.at.number, fields, t->columns);
    enum es_status status = check_name(t, field[t->column[FILE_NAME]]);
    if (!status)
        status = es_label_find(t->set, &t->text.at, field[t->column[CLASS]], t->seen, &sample->label, t->error);
    if (!status && t->folds)
        status = read_fold(t, field[t->column[FOLD]], &sample->fold);
    if (status)
        return status;
    sample->name = es_arena_string(t->set->arena, field[t->column[FILE_NAME]]);
    t->set->samples++;
    if ((size_t)sample->fold >= t->set->folds)
        t->set->folds = (size_t)sample->fold + 1;
    return ES_OK;
}

static enum es_status read_rows(struct table *t) {
    size_t lines = es_text_lines(&t->text);
    t->set->sample = es_samples_new(t->set, lines < ES_DATA_SAMPLES ? lines : ES_DATA_SAMPLES);
    for (char *line; (line = es_text_line(&t->text));) {
        if (!*line)
            continue;
        if (t->set->samples == ES_DATA_SAMPLES)
            return es_fail(t->error, ES_BAD_INPUT, "%s, line %zu: more than %d rows; expected at most so many: split the table",
                           t->text.at.path, t->text.at.number, ES_DATA_SAMPLES);
        enum es_status status = read_row(t, line);
        if (status)
            return status;
    }
    return ES_OK;
}

static int compare_names(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static enum es_status check_repeats(const struct table *t) {
    const char **name = ES_NEW(t->scratch, t->set->samples, const char *);
    for (size_t i = 0; i < t->set->samples; i++)
        name[i] = t->set->sample[i].name;
    qsort(name, t->set->samples, sizeof *name, compare_names);
    for (size_t i = 1; i < t->set->samples; i++)
        if (strcmp(name[i - 1], name[i]) == 0)
            return es_fail(t->error, ES_BAD_INPUT,
                           "%s: file \"%s\" is in more than one row; expected each recording once, so that none is both learned "
                           "and tested",
                           t->text.at.path, name[i]);
    return ES_OK;
}

static enum es_status read_recordings(struct table *t) {
    size_t values = 0;
    for (size_t i = 0; i < t->set->samples; i++) {
        enum es_status status = read_recording(t, &t->set->sample[i]);
        if (status)
            return status;
        values += t->set->sample[i].wave.length * (1 + t->set->sample[i].variants);
        if (values > ES_DATA_FILE_VALUES)
            return es_fail(t->error, ES_BAD_INPUT,
                           "%s: %zu of %zu recordings already take more than %d MiB; expected less: shorten the task's span",
                           t->text.at.path, i + 1, t->set->samples, ES_DATA_FILE_VALUES / (1 << 17));
    }
    return ES_OK;
}

static enum es_status read_folder(struct table *t) {
    const char *path = es_arena_printf(t->scratch, "%s/folds.tsv", t->dir);
    enum es_status status =
        es_text_read(path, "a table of the recordings with the columns file and class", t->scratch, &t->text, t->error);
    if (!status)
        status = read_header(t);
    if (!status)
        status = read_rows(t);
    if (!status)
        status = es_classes_check(t->set, path, t->error);
    if (!status)
        status = es_folds_check(t->set, path, t->task->folds, t->error);
    if (!status)
        status = check_repeats(t);
    return status ? status : read_recordings(t);
}

static enum es_status load_folder(const struct es_task *task, const char *dir, const struct es_roles *roles,
                                  struct es_dataset *set, struct es_error *error) {
    *set = (struct es_dataset){0};
    enum es_status status = es_audio_check(task, es_wav_folder.row.name, roles, error);
    if (!status)
        status = es_directory_check(dir, es_wav_folder.row.name, "folds.tsv and recordings", error);
    if (!status)
        status = es_dataset_make(task, roles, set, error);
    if (status)
        return status;
    es_audio_windows(task, set);
    set->folds = 1;
    struct table t = {.task = task, .dir = dir, .scratch = es_arena_new(), .set = set, .error = error};
    t.folds = task->folds && *task->folds;
    t.seen = ES_NEW(t.scratch, set->classes, const char *);
    status = read_folder(&t);
    es_arena_free(t.scratch);
    if (status)
        es_dataset_free(set);
    return status;
}

enum es_status es_wav_file(const struct es_task *task, const char *path, const struct es_roles *roles, struct es_dataset *set,
                           struct es_error *error) {
    *set = (struct es_dataset){0};
    enum es_status status = es_audio_check(task, es_wav_folder.row.name, roles, error);
    if (!status)
        status = es_dataset_make(task, roles, set, error);
    if (status)
        return status;
    es_audio_windows(task, set);
    set->samples = set->folds = 1;
    set->sample = es_samples_new(set, 1);
    const char *slash = strrchr(path, '/');
    set->sample->name = es_arena_string(set->arena, slash ? slash + 1 : path);
    struct es_recording recording;
    struct es_arena *scratch = es_arena_new();
    status = es_audio_read(path, scratch, &recording, error);
    if (!status)
        status = es_audio_keep(task, &recording, set->arena, set->sample, error);
    es_arena_free(scratch);
    if (status)
        es_dataset_free(set);
    return status;
}

const struct es_data_kind es_wav_folder = {
    .row = {"wav-folder", "a directory of recordings with folds.tsv", "libsndfile, libsamplerate"},
    .labels = true,
    .files = true,
    .load = load_folder,
};
