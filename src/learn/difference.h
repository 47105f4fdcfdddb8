// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// Central differences of fourth order: df/dx = sum weight f(x + shift h) / h. Internal to src/learn.
#ifndef ES_LEARN_DIFFERENCE_H
#define ES_LEARN_DIFFERENCE_H

#include "net/network.h"

enum { ES_DIFFERENCES = 4 };
extern const double es_difference_shift[ES_DIFFERENCES], es_difference_weight[ES_DIFFERENCES];

// What a step of 1 moves parameter i by: dtheta/du, but not much more than theta, as wide bounds say nothing of its size.
double es_difference_move(const struct es_network *net, size_t i, double theta);

#endif
