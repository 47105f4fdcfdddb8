// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// A directory of recordings and folds.tsv: columns separated by tabs, named in the first line. `file` and `class` are
// needed, and the column that the task names for its folds, which counts them from 0.
#include "data/audio.h"
#include "data/make.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { COLUMNS = 64, FOLDS = 1000, NAME = 255, TABLE = 64 << 20 };
enum column { FILE_NAME, CLASS, FOLD, NEEDED };

struct table {
    const struct es_task *task;
    const char *dir, *path;
    char *rest; // of the text
    int line;
    size_t columns, column[NEEDED];
    bool folds;
    struct es_arena *scratch;
    struct es_dataset *set;
    struct es_error *error;
};

static const char *class_names(const struct es_dataset *set, struct es_arena *scratch) {
    const char *names = "";
    for (size_t i = 0; i < set->classes && strlen(names) < 400; i++)
        names = es_arena_printf(scratch, "%s%s%.100s", names, i == 0 ? "" : ", ", set->class[i]);
    return names;
}

static enum es_status check_directory(const char *dir, struct es_error *error) {
    struct stat about;
    if (!dir)
        return es_fail(error, ES_BAD_INPUT,
                       "wav-folder has no directory; expected one with folds.tsv and recordings: name it with --data");
    if (stat(dir, &about))
        return es_fail(error, ES_BAD_INPUT,
                       "%s: cannot be opened (%s); expected a directory with folds.tsv and recordings: check the name", dir,
                       strerror(errno));
    if (!S_ISDIR(about.st_mode))
        return es_fail(error, ES_BAD_INPUT, "%s: not a directory; expected one with folds.tsv and recordings", dir);
    return ES_OK;
}

static enum es_status read_text(struct table *t, FILE *file, size_t size) {
    t->rest = ES_NEW(t->scratch, size + 1, char);
    const char *end = t->rest + size;
    size_t got = fread(t->rest, 1, size, file);
    if (got < size)
        return es_fail(t->error, ES_BAD_INPUT, "%s: %zu of %zu bytes could be read; expected a text file", t->path, got, size);
    if (strncmp(t->rest, "\xef\xbb\xbf", 3) == 0)
        t->rest += 3;
    int line = 1;
    for (const char *c = t->rest; c < end; c++) {
        bool space = *c == '\t' || *c == '\n' || (*c == '\r' && c[1] == '\n');
        if (((unsigned char)*c < ' ' && !space) || *c == 0x7f)
            return es_fail(t->error, ES_BAD_INPUT, "%s, line %d: a byte of value %d; expected text", t->path, line, *c);
        line += *c == '\n';
    }
    return ES_OK;
}

static enum es_status read_table(struct table *t) {
    struct stat about;
    FILE *file = stat(t->path, &about) == 0 && S_ISREG(about.st_mode) ? fopen(t->path, "rb") : NULL;
    if (!file)
        return es_fail(t->error, ES_BAD_INPUT,
                       "%s: cannot be opened; expected a table of the recordings with the columns file and class", t->path);
    enum es_status status;
    if (about.st_size > TABLE)
        status = es_fail(t->error, ES_BAD_INPUT, "%s: the table has %lld bytes; expected at most %d", t->path,
                         (long long)about.st_size, TABLE);
    else
        status = read_text(t, file, (size_t)about.st_size);
    fclose(file);
    return status;
}

static char *next_line(struct table *t) {
    char *line = strsep(&t->rest, "\n");
    if (!line)
        return NULL;
    t->line++;
    line[strcspn(line, "\r")] = '\0';
    return line;
}

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
                   "%s, line %d: %zu columns are named \"%.100s\"; expected one, in a first line of names separated by tabs",
                   t->path, t->line, found, name);
}

static enum es_status read_header(struct table *t) {
    char *field[COLUMNS], *line = next_line(t);
    t->columns = split(line, field);
    if (t->columns > COLUMNS)
        return es_fail(t->error, ES_BAD_INPUT, "%s, line %d: %zu columns; expected at most %d", t->path, t->line, t->columns,
                       COLUMNS);
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
                   "%s, line %d: file is \"%.255s\"; expected the name of a recording beside the table, without \"/\" and not "
                   "starting with \".\"",
                   t->path, t->line, name);
}

static enum es_status find_class(const struct table *t, const char *name, int *label) {
    for (size_t i = 0; i < t->set->classes; i++)
        if (strcmp(name, t->set->class[i]) == 0) {
            *label = (int)i;
            return ES_OK;
        }
    return es_fail(t->error, ES_BAD_INPUT,
                   "%s, line %d: class is \"%.100s\"; expected one of the network's: %.400s: name it there or leave the row out",
                   t->path, t->line, name, class_names(t->set, t->scratch));
}

static enum es_status read_fold(const struct table *t, const char *text, int *fold) {
    char *end;
    long value = strtol(text, &end, 10);
    if (*text >= '0' && *text <= '9' && !*end && value < FOLDS) {
        *fold = (int)value;
        return ES_OK;
    }
    return es_fail(t->error, ES_BAD_INPUT, "%s, line %d: %.100s is \"%.100s\"; expected an integer from 0 to %d", t->path,
                   t->line, t->task->folds, text, FOLDS - 1);
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
        return es_fail(t->error, ES_BAD_INPUT, "%s, line %d: %zu fields; expected %zu as in the first line, separated by tabs",
                       t->path, t->line, fields, t->columns);
    enum es_status status = check_name(t, field[t->column[FILE_NAME]]);
    if (!status)
        status = find_class(t, field[t->column[CLASS]], &sample->label);
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
    size_t lines = 1;
    for (const char *c = t->rest; c && *c; c++)
        lines += *c == '\n';
    t->set->sample = ES_NEW(t->set->arena, lines < ES_DATA_SAMPLES ? lines : ES_DATA_SAMPLES, struct es_sample);
    for (char *line; (line = next_line(t));) {
        if (!*line)
            continue;
        if (t->set->samples == ES_DATA_SAMPLES)
            return es_fail(t->error, ES_BAD_INPUT, "%s, line %d: more than %d rows; expected at most so many: split the table",
                           t->path, t->line, ES_DATA_SAMPLES);
        enum es_status status = read_row(t, line);
        if (status)
            return status;
    }
    return ES_OK;
}

static enum es_status check_classes(const struct table *t) {
    size_t *count = ES_NEW(t->scratch, t->set->classes, size_t);
    for (size_t i = 0; i < t->set->samples; i++)
        count[t->set->sample[i].label]++;
    for (size_t i = 0; i < t->set->classes; i++)
        if (count[i] == 0)
            return es_fail(t->error, ES_BAD_INPUT,
                           "%s: no row has the class \"%.100s\" of the network; expected one at least: add recordings or remove "
                           "the class",
                           t->path, t->set->class[i]);
    return ES_OK;
}

static enum es_status check_folds(const struct table *t) {
    size_t count[FOLDS] = {0};
    for (size_t i = 0; i < t->set->samples; i++)
        count[t->set->sample[i].fold]++;
    for (size_t i = 0; i < t->set->folds; i++)
        if (count[i] == 0)
            return es_fail(t->error, ES_BAD_INPUT,
                           "%s: no row has %.100s %zu, but one has %zu; expected every fold from 0 to have rows", t->path,
                           t->task->folds, i, t->set->folds - 1);
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
                           t->path, name[i]);
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
                           t->path, i + 1, t->set->samples, ES_DATA_FILE_VALUES / (1 << 17));
    }
    return ES_OK;
}

static enum es_status read_folder(struct table *t) {
    enum es_status status = read_table(t);
    if (!status)
        status = read_header(t);
    if (!status)
        status = read_rows(t);
    if (!status)
        status = check_classes(t);
    if (!status)
        status = check_folds(t);
    if (!status)
        status = check_repeats(t);
    return status ? status : read_recordings(t);
}

static enum es_status load_folder(const struct es_task *task, const char *dir, size_t channels, size_t outputs, size_t classes,
                                  const char *const *class, struct es_dataset *set, struct es_error *error) {
    *set = (struct es_dataset){0};
    enum es_status status = es_audio_check(task, es_wav_folder.row.name, channels, classes, error);
    if (!status)
        status = check_directory(dir, error);
    if (status)
        return status;
    *set = es_dataset_make(task, channels, outputs, classes, class);
    es_audio_windows(task, set);
    set->folds = 1;
    struct table t = {.task = task, .dir = dir, .scratch = es_arena_new(), .set = set, .error = error};
    t.path = es_arena_printf(t.scratch, "%s/folds.tsv", dir);
    t.folds = task->folds && *task->folds;
    status = read_folder(&t);
    es_arena_free(t.scratch);
    if (status)
        es_dataset_free(set);
    return status;
}

enum es_status es_wav_file(const struct es_task *task, const char *path, size_t classes, const char *const *class,
                           struct es_dataset *set, struct es_error *error) {
    *set = (struct es_dataset){0};
    enum es_status status = es_audio_check(task, es_wav_folder.row.name, 1, classes, error);
    if (status)
        return status;
    *set = es_dataset_make(task, 1, classes, classes, class);
    es_audio_windows(task, set);
    set->samples = set->folds = 1;
    set->sample = ES_NEW(set->arena, 1, struct es_sample);
    const char *slash = strrchr(path, '/');
    *set->sample = (struct es_sample){.name = es_arena_string(set->arena, slash ? slash + 1 : path), .label = -1};
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
