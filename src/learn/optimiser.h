// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// Optimisers step the parameters' coordinates u (see es_coordinate), each from its own gradient and its own memory.
#ifndef ES_LEARN_OPTIMISER_H
#define ES_LEARN_OPTIMISER_H

#include "core/rows.h"

#include <stdint.h>

enum { ES_MOMENTS = 2 };

struct es_optimiser {
    struct es_row row;
    // The step to add to u, from g = dC/du, the rate, this parameter's moments and the number of the update (from 1).
    double (*step)(double g, double rate, double moment[ES_MOMENTS], uint64_t update);
};

// The learning rate over the course of a training, as a factor in 0 .. 1.
struct es_schedule {
    struct es_row row;
    double (*factor)(double progress); // progress in 0 .. 1
};

extern const struct es_row *const es_optimisers[]; // of struct es_optimiser
extern const struct es_row *const es_schedules[];  // of struct es_schedule
extern const struct es_optimiser es_sgd, es_momentum, es_adam;
extern const struct es_schedule es_constant, es_cosine;

#endif
