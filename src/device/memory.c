// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
#include "device/memory.h"

#include <math.h>
#include <string.h>

static bool paired(const struct es_memory *m) {
    return m->use.pair || m->card->one_sided;
}

static double window(const struct es_card *card) {
    return card->max - card->min;
}

enum es_status es_memory_new(const struct es_card *card, const struct es_device_use *use, const struct es_network *net, uint64_t seed,
                             struct es_arena *arena, struct es_memory *memory, struct es_error *error) {
    *memory = (struct es_memory){.card = card, .use = *use, .net = net, .seed = seed};
    if (use->refresh && !paired(memory))
        return es_fail(error, ES_BAD_INPUT, "%s: refreshing needs pairs of devices, and %s is a single one; add --pair", card->file, card->name);
    memory->unit = es_card_unit(card) * (use->pair && !card->one_sided ? 2 : 1);
    memory->device = es_arena_alloc(arena, net->parameters, sizeof *memory->device);
    for (size_t i = 0; i < net->parameters; i++)
        for (size_t k = 0; k < ES_PAIR; k++)
            memory->device[i][k] = es_device_draw(card, seed, ES_PAIR * i + k);
    return ES_OK;
}

// The middle and half of a parameter's range of g.
struct range {
    bool inverse;
    double mid, half;
};

static struct range range_of(const struct es_network *net, size_t i) {
    const struct es_parameter *p = &net->parameter[i];
    bool inverse = net->element[p->element].kind->quantity[p->quantity].inverse;
    double a = inverse ? 1 / p->max : p->min, b = inverse ? 1 / p->min : p->max;
    return (struct range){inverse, (a + b) / 2, (b - a) / 2};
}

static double x_of(const struct range *r, double theta) {
    return ((r->inverse ? 1 / theta : theta) - r->mid) / r->half;
}

static double theta_of(const struct range *r, double x) {
    double g = r->mid + r->half * fmin(fmax(x, -1), 1);
    return r->inverse ? 1 / g : g;
}

// dw of a change of x, and x of the weights.
static double scale_of(const struct es_memory *m) {
    return paired(m) ? window(m->card) : window(m->card) / 2;
}

static double x_at(const struct es_memory *m, const double w[ES_PAIR]) {
    double zero = paired(m) ? w[1] : (m->card->min + m->card->max) / 2;
    return (w[0] - zero) / scale_of(m);
}

// What is read, with the write noise of that update.
static double read_theta(const struct es_memory *m, size_t i, uint64_t update, const struct es_cell *cell) {
    double w[ES_PAIR];
    for (size_t k = 0; k < ES_PAIR; k++) {
        struct es_stream noise = {.seed = m->seed, .purpose = ES_RANDOM_WRITE, .id = ES_PAIR * i + k, .update = update};
        w[k] = cell->w[k] + (m->card->write > 0 ? m->card->write * m->card->step * es_random_normal(&noise) : 0);
    }
    struct range r = range_of(m->net, i);
    return theta_of(&r, x_at(m, w));
}

// Where the devices stand that hold x best: a pair about the middle of its window, or, of devices that only move up, with one at its lowest.
static void split(const struct es_memory *m, double x, double w[ES_PAIR]) {
    const struct es_card *card = m->card;
    double mid = (card->min + card->max) / 2;
    w[0] = card->one_sided ? card->min + window(card) * fmax(x, 0) : mid + window(card) / 2 * x;
    w[1] = card->one_sided ? card->min + window(card) * fmax(-x, 0) : paired(m) ? mid - window(card) / 2 * x : 0;
}

double es_memory_program(const struct es_memory *m, size_t i, double theta, struct es_cell *cell) {
    const struct es_card *card = m->card;
    struct range r = range_of(m->net, i);
    *cell = (struct es_cell){.rest = 0};
    split(m, x_of(&r, theta), cell->w);
    for (size_t k = 0; k < (paired(m) ? ES_PAIR : 1); k++) {
        struct es_stream noise = {.seed = m->seed, .purpose = ES_RANDOM_PROGRAM, .id = ES_PAIR * i + k};
        double sigma = es_card_programming(card, es_card_conductance(card, cell->w[k])) * window(card);
        cell->w[k] = es_device_place(card, &m->device[i][k], cell->w[k] + sigma * es_random_normal(&noise));
    }
    return read_theta(m, i, 0, cell);
}

double es_memory_read_after(const struct es_memory *m, size_t i, double seconds, const struct es_cell *cell) {
    const struct es_card *card = m->card;
    struct es_cell later = *cell;
    for (size_t k = 0; k < (paired(m) ? ES_PAIR : 1); k++) {
        struct es_stream noise = {.seed = m->seed, .purpose = ES_RANDOM_PROGRAM, .id = ES_PAIR * i + k, .update = 1};
        double g = fmax(es_card_conductance(card, cell->w[k]), 0), left = es_card_left(card, g, seconds, &noise);
        later.w[k] = left == g ? cell->w[k] : card->min + window(card) * left;
    }
    return read_theta(m, i, 0, &later);
}

// The noise of the pulses that one update gives the two devices of a parameter.
struct pulses {
    struct es_stream noise[ES_PAIR];
    size_t count;
};

// `count` pulses at device k; levels are all the same, so that it goes over them at once.
static void pulse(const struct es_memory *m, size_t i, size_t k, int d, size_t count, struct es_cell *cell, struct pulses *pulses) {
    const struct es_device *device = &m->device[i][k];
    if (m->card->model->level)
        cell->w[k] = es_device_place(m->card, device, cell->w[k] + d * (double)count * m->card->step);
    else
        for (size_t n = 0; n < count; n++)
            cell->w[k] = es_device_pulse(m->card, device, cell->w[k], d, &pulses->noise[k]);
    pulses->count += count;
}

// n pulses up, or -n down.
static void change(const struct es_memory *m, size_t i, double n, struct es_cell *cell, struct pulses *pulses) {
    int d = n > 0 ? +1 : -1;
    size_t count = (size_t)fabs(n);
    if (m->card->one_sided) {
        pulse(m, i, d < 0, +1, count, cell, pulses);
        return;
    }
    pulse(m, i, 0, d, count, cell, pulses);
    if (m->use.pair)
        pulse(m, i, 1, -d, count, cell, pulses);
}

// Where a device takes any value it needs no pulses.
static void set(const struct es_memory *m, size_t i, double dw, struct es_cell *cell) {
    bool pair = paired(m);
    for (size_t k = 0; k < (pair ? ES_PAIR : 1); k++)
        cell->w[k] = es_device_place(m->card, &m->device[i][k], cell->w[k] + (k ? -dw : dw) / (pair ? 2 : 1));
}

// How many pulses a change of w makes, with its sign.
static double pulses_for(const struct es_memory *m, size_t i, uint64_t update, double dw, struct es_cell *cell) {
    double count = (dw + cell->rest) / m->unit, most = m->card->model->level ? INFINITY : ES_MOST_PULSES;
    if (m->use.accumulate) {
        count = fmin(fmax(trunc(count), -most), most);
        cell->rest += dw - count * m->unit;
        return count;
    }
    struct es_stream rounding = {.seed = m->seed, .purpose = ES_RANDOM_ROUNDING, .id = i, .update = update};
    return fmin(fmax(floor(count + es_random_uniform(&rounding)), -most), most);
}

// Programs one device to w by pulses, with a look after each, until it is there or beyond; those that only move up are reset first.
static void program_by_pulses(const struct es_memory *m, size_t i, size_t k, double w, struct es_cell *cell, struct pulses *pulses) {
    const struct es_card *card = m->card;
    double near = es_card_unit(card) / 2;
    w = es_device_place(card, &m->device[i][k], w);
    if (card->one_sided)
        cell->w[k] = es_device_place(card, &m->device[i][k], card->min);
    int d = w > cell->w[k] ? +1 : -1;
    if (card->model->level)
        pulse(m, i, k, d, (size_t)round(fabs(w - cell->w[k]) / card->step), cell, pulses);
    for (size_t n = 0; n < ES_MOST_PULSES && d * (w - cell->w[k]) > near; n++)
        pulse(m, i, k, d, 1, cell, pulses);
}

// A pair of which a device is more than a quarter of its window from where it would best be.
static void refresh(const struct es_memory *m, size_t i, struct es_cell *cell, struct pulses *pulses) {
    double best[ES_PAIR];
    split(m, x_at(m, cell->w), best);
    if (fmax(fabs(cell->w[0] - best[0]), fabs(cell->w[1] - best[1])) > window(m->card) / 4)
        for (size_t k = 0; k < ES_PAIR; k++)
            program_by_pulses(m, i, k, best[k], cell, pulses);
}

static void leak(const struct es_memory *m, size_t i, struct es_cell *cell) {
    for (size_t k = 0; k < ES_PAIR; k++)
        if (!m->device[i][k].stuck)
            cell->w[k] *= m->device[i][k].keep;
}

double es_memory_off_bounds(const struct es_memory *m, size_t i, double theta) {
    struct range r = range_of(m->net, i);
    double margin = fmin((m->unit + m->card->write * m->card->step) / 2 / scale_of(m), 0.5), x = x_of(&r, theta);
    return fabs(x) > 1 - margin ? theta_of(&r, copysign(1 - margin, x)) : theta;
}

bool es_memory_update(const struct es_memory *m, size_t i, uint64_t update, double from, double to, struct es_cell *cell, size_t *pulses, double *theta) {
    struct range r = range_of(m->net, i);
    struct es_cell before = *cell;
    double dw = (x_of(&r, to) - x_of(&r, from)) * scale_of(m);
    struct pulses given = {.count = 0};
    for (size_t k = 0; k < ES_PAIR; k++)
        given.noise[k] = (struct es_stream){.seed = m->seed, .purpose = ES_RANDOM_PULSE, .id = ES_PAIR * i + k, .update = update};
    if (m->unit > 0)
        change(m, i, pulses_for(m, i, update, dw, cell), cell, &given);
    else
        set(m, i, dw, cell);
    leak(m, i, cell);
    if (m->use.refresh && update % m->use.refresh == 0 && m->unit > 0)
        refresh(m, i, cell, &given);
    *pulses += given.count;
    if (memcmp(before.w, cell->w, sizeof before.w) == 0)
        return false;
    *theta = read_theta(m, i, update, cell);
    return true;
}
