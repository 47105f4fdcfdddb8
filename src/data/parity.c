// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// Parity: sample i is the word i, whose bit c holds signal c at +amplitude (1) or -amplitude (0) [V]. Odd words have the target +target at
// every output, even ones -target, and the labels odd and even where the network has classes. XOR is the parity of 2 bits.
#include "data/make.h"

#include <math.h>
#include <string.h>

enum { MOST_BITS = 16 };

static const char *const names[] = {"even", "odd"};

static bool is_odd(size_t word) {
    bool odd = false;
    for (; word; word >>= 1)
        odd ^= word & 1;
    return odd;
}

static enum es_status check_values(const struct es_task *task, const struct es_roles *roles, struct es_error *error) {
    size_t signals = es_roles_signals(roles);
    if (task->bits < 1 || task->bits > MOST_BITS)
        return es_fail(error, ES_BAD_INPUT, "task, line %d: bits is %zu; expected 1 to %d", task->line, task->bits, MOST_BITS);
    if (signals != task->bits)
        return es_fail(error, ES_BAD_INPUT,
                       "task, line %d: the network has %zu channels besides the bias, and the words of parity have %zu bits; expected as many: "
                       "change bits or the channels",
                       task->line, signals, task->bits);
    if (!(task->amplitude > 0 && task->amplitude < HUGE_VAL) || !(task->target > 0 && task->target < HUGE_VAL))
        return es_fail(error, ES_BAD_INPUT, "task, line %d: amplitude is %g V and target %g; expected positive numbers", task->line, task->amplitude,
                       task->target);
    return es_dataset_fits(task, (size_t)1 << task->bits, (double)(signals + roles->outputs) * (double)task->points, error);
}

// class [2]: the network's even and odd; -1 of a network without classes.
static enum es_status find_classes(const struct es_task *task, const struct es_roles *roles, int class[2], struct es_error *error) {
    for (int odd = 0; odd < 2; odd++) {
        class[odd] = -1;
        for (size_t i = 0; i < roles->classes; i++)
            if (strcmp(roles->class[i], names[odd]) == 0)
                class[odd] = (int)i;
        if (roles->classes && class[odd] < 0)
            return es_fail(error, ES_BAD_INPUT, "task, line %d: no output of the network has the class \"%s\"; parity has the classes even and odd", task->line,
                           names[odd]);
    }
    return ES_OK;
}

static void fill(double value, size_t points, double *signal) {
    for (size_t n = 0; n < points; n++)
        signal[n] = value;
}

static void make_sample(const struct es_task *task, const struct es_dataset *set, const int class[2], size_t word) {
    double *wave = ES_NEW(set->arena, task->bits * set->points, double), *target = ES_NEW(set->arena, set->outputs * set->points, double);
    bool odd = is_odd(word);
    for (size_t c = 0; c < task->bits; c++)
        fill((word >> c & 1 ? 1 : -1) * task->amplitude, set->points, wave + c * set->points);
    for (size_t o = 0; o < set->outputs; o++)
        fill((odd ? 1 : -1) * task->target, set->points, target + o * set->points);
    set->sample[word].name = es_arena_printf(set->arena, "parity-%zu", word);
    set->sample[word].wave = (struct es_wave){wave, set->points};
    set->sample[word].target = target;
    set->sample[word].label = class[odd];
}

static enum es_status load_parity(const struct es_task *task, const char *dir, const struct es_roles *roles, struct es_dataset *set,
                                  struct es_error *error) {
    int class[2];
    (void)dir;
    *set = (struct es_dataset){0};
    enum es_status status = check_values(task, roles, error);
    if (!status)
        status = find_classes(task, roles, class, error);
    if (!status)
        status = es_dataset_make(task, roles, set, error);
    if (status)
        return status;
    set->samples = (size_t)1 << task->bits;
    set->folds = 1;
    set->signs = true;
    set->sample = es_samples_new(set, set->samples);
    for (size_t word = 0; word < set->samples; word++)
        make_sample(task, set, class, word);
    return ES_OK;
}

const struct es_data_kind es_parity = {
    .row = {"parity", "all words of a few bits, and whether they are odd; XOR is that of 2 bits", "Minsky & Papert, Perceptrons, 1969"},
    .labels = true,
    .targets = true,
    .load = load_parity,
};
