// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// The files of the UEA and UCR archives: one NAME_TRAIN.ts and one NAME_TEST.ts in a directory. Lines that start with # or %
// are comments; headers start with @, the last is @data; then each line is a sample, x,x,...:x,x,...:label, its channels
// separated by colons.
#include "data/series.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <strings.h>

enum part { TEST, TRAIN, PARTS }; // the fold

static const char *const ending[PARTS] = {"_TEST.ts", "_TRAIN.ts"};

struct ts {
    struct es_series series;
    struct es_text text;
    bool equal;    // all series have the same length:
    size_t length; // or 0
};

static enum es_status fail_header(const struct ts *t, const char *header, const char *value, const char *expected) {
    return es_fail(t->series.error, ES_BAD_INPUT, "%s, line %zu: %s is \"%.100s\"; expected %s", t->text.at.path,
                   t->text.at.number, header, value, expected);
}

static enum es_status refuse_true(struct ts *t, const char *header, char *value) {
    if (strncasecmp(value, "true", 4) != 0)
        return ES_OK;
    return fail_header(t, header, value,
                       "false, as points at times of their own, and targets, cannot be read: write another file");
}

static enum es_status read_dimensions(struct ts *t, const char *header, char *value) {
    size_t dimensions;
    if (es_text_whole(value, SIZE_MAX, &dimensions) && dimensions == t->series.signals)
        return ES_OK;
    return fail_header(t, header, value,
                       es_arena_printf(t->series.scratch, "%zu, the network's input channels but the bias: change the network",
                                       t->series.signals));
}

static enum es_status read_equal(struct ts *t, const char *header, char *value) {
    (void)header;
    t->equal = strcasecmp(value, "true") == 0;
    return ES_OK;
}

static enum es_status read_length(struct ts *t, const char *header, char *value) {
    return es_text_whole(value, SIZE_MAX, &t->length) ? ES_OK : fail_header(t, header, value, "a whole number");
}

static enum es_status read_labels(struct ts *t, const char *header, char *value) {
    int label;
    char *text = es_text_field(&value, ' ');
    enum es_status status = ES_OK;
    if (!text || strcasecmp(text, "true") != 0)
        return fail_header(t, header, text ? text : "", "true and the labels, as classes are to be learned");
    while (!status && (text = es_text_field(&value, ' ')))
        status = es_label_find(t->series.set, &t->text.at, text, t->series.seen, &label, t->series.error);
    return status;
}

static const struct header {
    const char *name;
    enum es_status (*read)(struct ts *t, const char *header, char *value); // NULL: the samples show it
} headers[] = {
    {"@problemName", NULL},
    {"@timeStamps", refuse_true},
    {"@targetLabel", refuse_true},
    {"@missing", NULL},
    {"@univariate", NULL},
    {"@dimension", read_dimensions},
    {"@dimensions", read_dimensions},
    {"@equalLength", read_equal},
    {"@seriesLength", read_length},
    {"@classLabel", read_labels},
};

static enum es_status read_header(struct ts *t, const char *name, char *value) {
    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++)
        if (strcasecmp(headers[i].name, name) == 0)
            return headers[i].read ? headers[i].read(t, headers[i].name, value) : ES_OK;
    return es_fail(t->series.error, ES_BAD_INPUT,
                   "%s, line %zu: \"%.100s\" stands before @data; expected a header such as @classLabel, or # and a comment",
                   t->text.at.path, t->text.at.number, name);
}

static enum es_status read_headers(struct ts *t) {
    enum es_status status = ES_OK;
    t->equal = false;
    t->length = 0;
    for (char *line; !status && (line = es_text_data(&t->text, "#%"));) {
        size_t length = strcspn(line, " \t");
        char *rest = line[length] ? line + length + 1 : line + length, *value = es_text_field(&rest, '\n');
        line[length] = '\0';
        if (strcasecmp(line, "@data") == 0)
            return ES_OK;
        status = read_header(t, line, value);
    }
    return status ? status
                  : es_fail(t->series.error, ES_BAD_INPUT,
                            "%s, line %zu: the file ends without @data; expected it above the samples", t->text.at.path,
                            t->text.at.number);
}

// Channel `c` of a sample: raw [length].
static enum es_status read_channel(struct ts *t, size_t c, char *list, size_t length, double *raw) {
    enum es_status status = ES_OK;
    if (es_text_fields(list, ',') != length)
        return es_fail(t->series.error, ES_BAD_INPUT, "%s, line %zu: channel %zu has %zu values; expected %zu as in channel 1",
                       t->text.at.path, t->text.at.number, c + 1, es_text_fields(list, ','), length);
    for (size_t n = 0; n < length && !status; n++)
        status = es_text_number(&t->text, es_text_field(&list, ','), c * length + n + 1, &raw[n], t->series.error);
    return status;
}

static enum es_status check_length(struct ts *t, size_t length) {
    if (t->equal && t->length == 0)
        t->length = length;
    if (!t->equal || t->length == length)
        return ES_OK;
    return es_fail(t->series.error, ES_BAD_INPUT,
                   "%s, line %zu: the series has %zu values; expected %zu, as @equalLength is true", t->text.at.path,
                   t->text.at.number, length, t->length);
}

static enum es_status read_sample(struct ts *t, char *line, int fold) {
    double *raw;
    size_t parts = es_text_fields(line, ':');
    if (parts != t->series.signals + 1)
        return es_fail(t->series.error, ES_BAD_INPUT,
                       "%s, line %zu: %zu parts between colons; expected %zu: a series for each input channel of the network but "
                       "the bias, and the label",
                       t->text.at.path, t->text.at.number, parts, t->series.signals + 1);
    char *list = es_text_field(&line, ':');
    size_t length = es_text_fields(list, ',');
    enum es_status status = check_length(t, length);
    if (!status)
        status = es_series_raw(&t->series, &t->text.at, length, &raw);
    for (size_t c = 0; c < t->series.signals && !status; c++, list = es_text_field(&line, ':'))
        status = read_channel(t, c, list, length, raw + c * length);
    return status ? status : es_series_add(&t->series, &t->text.at, length, list, fold);
}

static enum es_status find_file(struct ts *t, const char *dir, const char *end, const char **path) {
    size_t found = 0;
    DIR *directory = opendir(dir);
    if (!directory)
        return es_fail(t->series.error, ES_BAD_INPUT, "%s: cannot be listed (%s); expected a directory", dir, strerror(errno));
    for (struct dirent *entry; (entry = readdir(directory));) {
        size_t length = strlen(entry->d_name);
        if (length < strlen(end) || strcmp(entry->d_name + length - strlen(end), end) != 0)
            continue;
        *path = es_arena_printf(t->series.scratch, "%s/%s", dir, entry->d_name);
        found++;
    }
    closedir(directory);
    return found == 1 ? ES_OK
                      : es_fail(t->series.error, ES_BAD_INPUT,
                                "%s: %zu files end in %s; expected one: name a directory with one data set", dir, found, end);
}

static enum es_status read_samples(struct ts *t, const struct es_text *text, int fold) {
    t->text = *text;
    enum es_status status = read_headers(t);
    for (char *line; !status && (line = es_text_data(&t->text, "#%"));)
        status = read_sample(t, line, fold);
    return status;
}

static enum es_status read_files(struct ts *t, const char *dir) {
    struct es_text text[PARTS];
    const char *path = dir;
    enum es_status status = ES_OK;
    size_t lines = 0;
    for (size_t part = 0; part < PARTS && !status; part++) {
        status = find_file(t, dir, ending[part], &path);
        if (!status)
            status = es_text_read(path, "a .ts file", t->series.scratch, &text[part], t->series.error);
        lines += status ? 0 : es_text_lines(&text[part]);
    }
    if (status)
        return status;
    es_series_expect(&t->series, lines);
    status = read_samples(t, &text[TRAIN], TRAIN);
    return status ? status : read_samples(t, &text[TEST], TEST);
}

static enum es_status load_ts(const struct es_task *task, const char *dir, const struct es_roles *roles, struct es_dataset *set,
                              struct es_error *error) {
    struct ts t;
    enum es_status status = es_series_begin(&t.series, task, dir, "NAME_TRAIN.ts and NAME_TEST.ts", roles, set, error);
    if (status)
        return status;
    set->folds = PARTS;
    t.series.path = dir;
    return es_series_end(&t.series, read_files(&t, dir));
}

const struct es_data_kind es_ts = {
    .row = {"ts", "a directory with NAME_TRAIN.ts and NAME_TEST.ts, of the UEA and UCR archives", "timeseriesclassification.com"},
    .labels = true,
    .files = true,
    .load = load_ts,
};
