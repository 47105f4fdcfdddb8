// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
#include "data/dataset.h"
#include "core/random.h"
#include "data/make.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

const struct es_row *const es_data_kinds[] = {&es_formants.row, &es_wav_folder.row, &es_sines.row,    &es_ts.row,
                                              &es_csv.row,      &es_idx.row,        &es_forecast.row, &es_parity.row, &es_waveform.row, NULL};

static int bias_of(const struct es_roles *roles) {
    for (size_t c = 0; c < roles->channels; c++)
        if (strcmp(roles->channel[c], "bias") == 0)
            return (int)c;
    return -1;
}

size_t es_roles_signals(const struct es_roles *roles) {
    return roles->channels - (bias_of(roles) >= 0);
}

// The point at time t, which has to be at one.
static enum es_status find_point(const struct es_task *task, const char *name, double t, size_t *point, struct es_error *error) {
    double n = round(t / task->interval), last = (double)(task->points - 1);
    if (!(fabs(t - n * task->interval) <= 1e-6 * t && n <= last))
        return es_fail(error, ES_BAD_INPUT,
                       "task, line %d: %s is %.9g s; expected a multiple of the interval (%g s), up to %.9g s", task->line, name,
                       t, task->interval, last * task->interval);
    *point = (size_t)n;
    return ES_OK;
}

static enum es_status find_window(const struct es_task *task, struct es_dataset *set, struct es_error *error) {
    set->first = 0;
    set->last = task->points - 1;
    enum es_status status = task->from != 0 ? find_point(task, "from", task->from, &set->first, error) : ES_OK;
    if (!status && task->to != 0)
        status = find_point(task, "to", task->to, &set->last, error);
    if (!status && set->first >= set->last)
        status = es_fail(error, ES_BAD_INPUT, "task, line %d: the cost counts from %.9g s to %.9g s; expected to > from",
                         task->line, (double)set->first * task->interval, (double)set->last * task->interval);
    set->windowed = set->first > 0 || set->last < task->points - 1;
    return status;
}

enum es_status es_dataset_make(const struct es_task *task, const struct es_roles *roles, struct es_dataset *set,
                               struct es_error *error) {
    struct es_dataset made = {.channels = roles->channels,
                              .outputs = roles->outputs,
                              .points = task->points,
                              .classes = roles->classes,
                              .bias = bias_of(roles)};
    enum es_status status = find_window(task, &made, error);
    if (status)
        return status;
    made.arena = es_arena_new();
    made.class = ES_NEW(made.arena, made.classes, const char *);
    for (size_t i = 0; i < made.classes; i++)
        made.class[i] = es_arena_string(made.arena, roles->class[i]);
    *set = made;
    return ES_OK;
}

struct es_sample *es_samples_new(const struct es_dataset *set, size_t count) {
    struct es_sample *sample = ES_NEW(set->arena, count, struct es_sample);
    for (size_t i = 0; i < count; i++)
        sample[i] = (struct es_sample){.label = -1, .length = set->points, .counted = set->points - 1};
    return sample;
}

enum es_status es_dataset_fits(const struct es_task *task, size_t samples, double values_per_sample, struct es_error *error) {
    if (samples > ES_DATA_SAMPLES)
        return es_fail(error, ES_BAD_INPUT, "task, line %d: %zu samples; expected at most %d: ask for fewer", task->line, samples,
                       ES_DATA_SAMPLES);
    if ((double)samples * values_per_sample > ES_DATA_VALUES)
        return es_fail(error, ES_BAD_INPUT,
                       "task, line %d: %zu samples of %g values each take %.0f MiB; expected at most %d MiB: ask for fewer "
                       "samples or fewer points",
                       task->line, samples, values_per_sample, (double)samples * values_per_sample * 8 / (1 << 20),
                       ES_DATA_VALUES / (1 << 17));
    return ES_OK;
}

void es_dataset_free(struct es_dataset *set) {
    if (!set)
        return;
    es_arena_free(set->arena);
    *set = (struct es_dataset){0};
}

static void scale_to_rms(double *wave, size_t points, double rms) {
    double sum = 0;
    for (size_t n = 0; n < points; n++)
        sum += wave[n] * wave[n];
    double gain = sum > 0 ? rms / sqrt(sum / (double)points) : 0;
    for (size_t n = 0; n < points; n++)
        wave[n] *= gain;
}

static void cut_window(const struct es_dataset *set, const struct es_wave *wave, size_t signal, size_t offset, double *window) {
    memcpy(window, wave->value + signal * wave->length + offset, set->points * sizeof *window);
    if (set->amplitude > 0)
        scale_to_rms(window, set->points, set->amplitude);
    for (size_t n = 0; set->envelope && n < set->points; n++)
        window[n] *= set->envelope[n];
}

void es_dataset_window(const struct es_dataset *set, size_t sample, bool draw, uint64_t seed, uint64_t epoch, double *input) {
    const struct es_sample *s = &set->sample[sample];
    struct es_stream stream = {.seed = seed, .purpose = ES_RANDOM_WINDOW, .sample = sample, .update = epoch};
    const struct es_wave *wave = draw && s->variants ? &s->variant[es_random_below(&stream, s->variants)] : &s->wave;
    size_t slack = wave->length - set->points, signal = 0;
    size_t offset = draw ? (size_t)es_random_below(&stream, slack + 1) : slack / 2;
    for (size_t c = 0; c < set->channels; c++) {
        double *window = input + c * set->points;
        if ((int)c != set->bias)
            cut_window(set, wave, signal++, offset, window);
        for (size_t n = 0; (int)c == set->bias && n < set->points; n++)
            window[n] = 1;
    }
}

static bool is_counted(const struct es_dataset *set, size_t sample, size_t n) {
    return n >= set->first && n < set->last && n < set->sample[sample].counted;
}

void es_dataset_counted(const struct es_dataset *set, size_t sample, double *weight) {
    for (size_t n = 0; n + 1 < set->points; n++)
        weight[n] = is_counted(set, sample, n);
}

static bool has_target(const struct es_dataset *set, size_t sample, size_t fold) {
    return set->sample[sample].target && (fold == SIZE_MAX || (size_t)set->sample[sample].fold == fold);
}

double es_dataset_target_variance(const struct es_dataset *set, size_t fold) {
    double sum = 0;
    for (size_t o = 0; o < set->outputs; o++) {
        struct es_scale scale = {0};
        for (size_t i = 0; i < set->samples; i++)
            if (has_target(set, i, fold))
                es_scale_add(&scale, &set->sample[i].target[(o + 1) * set->points - 1], 1);
        sum += scale.count > 0 ? scale.squares / scale.count / (double)set->outputs : 0;
    }
    return sum;
}

// The target in one interval by Simpson's rule, which is exact for the square of what is linear.
static void add_interval(struct es_scale *scale, const double *target) {
    double middle = (target[0] + target[1]) / 2;
    es_scale_add(scale, (const double[]){target[0], middle, middle, middle, middle, target[1]}, 6);
}

double es_dataset_tracked_variance(const struct es_dataset *set, size_t fold, double *counted) {
    double sum = 0;
    *counted = 0;
    for (size_t o = 0; o < set->outputs; o++) {
        struct es_scale scale = {0};
        for (size_t i = 0; i < set->samples; i++)
            for (size_t n = 0; n + 1 < set->points && has_target(set, i, fold); n++)
                if (is_counted(set, i, n))
                    add_interval(&scale, &set->sample[i].target[o * set->points + n]);
        sum += scale.count > 0 ? scale.squares / scale.count / (double)set->outputs : 0;
        *counted = scale.count / 6;
    }
    return sum;
}

static bool in_name(char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static bool is_label(const char *class, const char *text) {
    while (*text && *class == (in_name(*text) ? *text : '_'))
        class ++, text++;
    return !*text && !*class;
}

static const char *class_names(const struct es_dataset *set, char names[400]) {
    size_t length = 0;
    names[0] = '\0';
    for (size_t i = 0; i < set->classes && length < 400; i++)
        length += (size_t)snprintf(names + length, 400 - length, "%s%s", i == 0 ? "" : ", ", set->class[i]);
    return names;
}

static enum es_status keep_label(const struct es_dataset *set, const struct es_place *at, const char *text, const char **seen,
                                 struct es_error *error) {
    if (!*seen)
        *seen = es_arena_string(set->arena, text);
    if (strcmp(*seen, text) == 0)
        return ES_OK;
    return es_fail(
        error, ES_BAD_INPUT,
        "%s, %s %zu: class is \"%.100s\", and \"%.100s\" before; expected one of them, as both are the same class of the "
        "network: rename one",
        at->path, at->unit, at->number, text, *seen);
}

enum es_status es_label_find(const struct es_dataset *set, const struct es_place *at, const char *text, const char **seen,
                             int *label, struct es_error *error) {
    char names[400];
    for (int exact = 1; exact >= 0; exact--)
        for (size_t i = 0; i < set->classes && *text; i++)
            if (is_label(set->class[i], text) || (!exact && *set->class[i] == 'c' && is_label(set->class[i] + 1, text))) {
                *label = (int)i;
                return keep_label(set, at, text, &seen[i], error);
            }
    return es_fail(
        error, ES_BAD_INPUT,
        "%s, %s %zu: class is \"%.100s\"; expected one of the network's: %s; there, class=\"c1\" is for 1, and _ for what "
        "no name can have: name it there or leave it out here",
        at->path, at->unit, at->number, text, class_names(set, names));
}

enum es_status es_classes_check(const struct es_dataset *set, const char *path, struct es_error *error) {
    for (size_t c = 0; c < set->classes; c++) {
        size_t i = 0;
        while (i < set->samples && set->sample[i].label != (int)c)
            i++;
        if (i == set->samples)
            return es_fail(error, ES_BAD_INPUT,
                           "%s: no sample has the class \"%.100s\" of the network; expected one at least: add some or remove the "
                           "class",
                           path, set->class[c]);
    }
    return ES_OK;
}

enum es_status es_folds_check(const struct es_dataset *set, const char *path, const char *column, struct es_error *error) {
    size_t count[ES_DATA_FOLDS] = {0};
    for (size_t i = 0; i < set->samples; i++)
        count[set->sample[i].fold]++;
    for (size_t i = 0; i < set->folds; i++)
        if (count[i] == 0)
            return es_fail(error, ES_BAD_INPUT,
                           "%s: no row has %.100s %zu, but one has %zu; expected every fold from 0 to have rows", path, column, i,
                           set->folds - 1);
    return ES_OK;
}

void es_scale_add(struct es_scale *scale, const double *value, size_t count) {
    for (size_t i = 0; i < count; i++) { // Welford 1962, so that a constant has squares = 0
        double difference = value[i] - scale->mean;
        scale->count++;
        scale->mean += difference / scale->count;
        scale->squares += difference * (value[i] - scale->mean);
    }
}

void es_scale_apply(const struct es_scale *scale, double gain, double *value, size_t count) {
    double deviation = scale->squares > 0 ? sqrt(scale->squares / scale->count) : 1;
    for (size_t i = 0; i < count; i++)
        value[i] = gain * ((value[i] - scale->mean) / deviation);
}
