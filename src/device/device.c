// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
#include "device/device.h"

#include <math.h>

const struct es_row *const es_device_models[] = {
    &es_model_ideal.row, &es_model_quantised.row, &es_model_constant.row, &es_model_linear.row,
    &es_model_soft_bounds.row, &es_model_exponential.row, &es_model_table.row, NULL,
};

// Each constant has its own step of the device's stream.
enum constant { STEP, BETA, MAX, MIN, SLOPE_UP, SLOPE_DOWN, STUCK, STUCK_AT, LIFETIME };

static double normal(struct es_stream stream, enum constant constant) {
    stream.step = constant;
    return es_random_normal(&stream);
}

static double uniform(struct es_stream stream, enum constant constant) {
    stream.step = constant;
    return es_random_uniform(&stream);
}

// The size of the slopes of a linear step is drawn, about the mean bounds: gamma^+ = -|gamma_up| / w_max, gamma^- = -|gamma_down| / w_min.
static void draw_slopes(const struct es_card *card, struct es_stream stream, struct es_device *device) {
    if (card->model != &es_model_linear)
        return;
    device->slope[ES_UP] = -fabs(card->p[0] + card->spread.slope * normal(stream, SLOPE_UP)) / card->max;
    device->slope[ES_DOWN] = -fabs(card->p[1] + card->spread.slope * normal(stream, SLOPE_DOWN)) / card->min;
}

static void draw_stuck(const struct es_card *card, struct es_stream stream, struct es_device *device) {
    device->stuck = uniform(stream, STUCK) < card->stuck;
    if (!device->stuck)
        return;
    double low = fmax(device->min, -card->stuck_range), high = fmin(device->max, card->stuck_range);
    device->min = device->max = low + (high - low) * uniform(stream, STUCK_AT);
}

struct es_device es_device_draw(const struct es_card *card, uint64_t seed, uint64_t id) {
    struct es_stream stream = {.seed = seed, .purpose = ES_RANDOM_DEVICE, .id = id};
    double draw = card->spread.step * normal(stream, STEP), gain = card->spread.log_normal ? exp(draw) : 1 + draw;
    double beta = card->up_down + card->spread.up_down * normal(stream, BETA);
    double lifetime = card->lifetime * fabs(1 + card->lifetime_spread * normal(stream, LIFETIME));
    struct es_device device = {
        .gain = {[ES_UP] = fabs(gain + beta), [ES_DOWN] = fabs(gain - beta)},
        .max = card->max * fabs(1 + card->spread.max * normal(stream, MAX)),
        .min = card->min * fabs(1 + card->spread.min * normal(stream, MIN)),
        .keep = card->lifetime <= 0 ? 1 : lifetime > 1 ? 1 - 1 / lifetime : 0,
    };
    draw_slopes(card, stream, &device);
    draw_stuck(card, stream, &device);
    return device;
}

struct es_device es_device_mean(const struct es_card *card) {
    struct es_card mean = *card;
    mean.spread.step = mean.spread.up_down = mean.spread.min = mean.spread.max = mean.spread.slope = 0;
    mean.lifetime_spread = mean.stuck = 0;
    return es_device_draw(&mean, 0, 0);
}

double es_device_place(const struct es_card *card, const struct es_device *device, double w) {
    if (card->model->level)
        w = card->model->level(card, w);
    return fmin(fmax(w, device->min), device->max);
}

double es_device_pulse(const struct es_card *card, const struct es_device *device, double w, int d, struct es_stream *noise) {
    double xi = card->cycle * es_random_normal(noise);
    if (device->stuck)
        return w;
    double size = card->model->size(card, device, w, d);
    size = card->multiplicative ? size * (1 + xi) : size + xi;
    return es_device_place(card, device, w + d * (card->step * device->gain[d > 0] * size + (card->constant + card->slope * fabs(w)) * xi));
}

void es_card_free(struct es_card *card) {
    if (card)
        es_arena_free(card->arena);
}

double es_card_unit(const struct es_card *card) {
    if (!card->model->size)
        return 0;
    struct es_device mean = es_device_mean(card);
    double middle = (card->min + card->max) / 2;
    double up = card->step * mean.gain[ES_UP] * card->model->size(card, &mean, middle, +1);
    double down = card->step * mean.gain[ES_DOWN] * card->model->size(card, &mean, middle, -1);
    return card->one_sided ? up : (up + down) / 2;
}
