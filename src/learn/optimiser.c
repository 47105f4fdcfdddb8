// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
#include "learn/optimiser.h"

#include <math.h>

static double sgd_step(double g, double rate, double moment[ES_MOMENTS], uint64_t update) {
    (void)moment, (void)update;
    return -rate * g;
}

const struct es_optimiser es_sgd = {
    .row = {"sgd", "u -= rate g", "Robbins & Monro 1951"},
    .step = sgd_step,
};

static double momentum_step(double g, double rate, double moment[ES_MOMENTS], uint64_t update) {
    const double b = 0.9;
    (void)update;
    moment[0] = b * moment[0] + g;
    return -rate * moment[0];
}

const struct es_optimiser es_momentum = {
    .row = {"momentum", "heavy ball, m = b m + g, u -= rate m, b 0.9", "Polyak, USSR Comput. Math. Math. Phys. 1964"},
    .step = momentum_step,
};

// m = b1 m + (1 - b1) g, s = b2 s + (1 - b2) g^2, u -= rate (m / (1 - b1^t)) / sqrt(s / (1 - b2^t)). Without the usual eps, which is a loss
// in disguise: the losses of circuits have units, and a flux of nanowebers is tracked with gradients of 1e-18 Wb^2 s.
static double adam_step(double g, double rate, double moment[ES_MOMENTS], uint64_t update) {
    const double b1 = 0.9, b2 = 0.999, t = (double)update;
    moment[0] = b1 * moment[0] + (1 - b1) * g;
    moment[1] = b2 * moment[1] + (1 - b2) * g * g;
    double mean = moment[0] / (1 - pow(b1, t)), square = moment[1] / (1 - pow(b2, t));
    return square > 0 ? -rate * mean / sqrt(square) : 0;
}

const struct es_optimiser es_adam = {
    .row = {"adam", "adaptive moments, b1 0.9, b2 0.999, no eps, so that the unit of the loss does not matter", "Kingma & Ba, ICLR 2015"},
    .step = adam_step,
};

const struct es_row *const es_optimisers[] = {&es_adam.row, &es_momentum.row, &es_sgd.row, NULL};

static double constant_factor(double progress) {
    (void)progress;
    return 1;
}

const struct es_schedule es_constant = {
    .row = {"constant", "the same rate throughout", "-"},
    .factor = constant_factor,
};

static double cosine_factor(double progress) {
    return 0.5 * (1 + cos(M_PI * progress));
}

const struct es_schedule es_cosine = {
    .row = {"cosine", "from the rate to 0 along half a cosine", "Loshchilov & Hutter, ICLR 2017"},
    .factor = cosine_factor,
};

const struct es_row *const es_schedules[] = {&es_cosine.row, &es_constant.row, NULL};
