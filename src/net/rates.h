// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// How a linear network with its conductances comes to rest: e^{s t} with (M s^2 + G s + K) x = 0, or (M s + G) x = 0 where K = 0.
#ifndef ES_NET_RATES_H
#define ES_NET_RATES_H

#include "net/lagrangian.h"

struct es_rates {
    size_t count;
    double *real, *imaginary; // [count] of s [1/s]
};

// Linearised at zero flux; the nodes of sources stand still. Arrays from `arena`. ES_BAD_INPUT where M is singular, ES_FAILED where the eigenvalues do not
// converge. Cost O(nodes^3) (GSL; of a network with inductors a nonsymmetric problem of twice the size).
enum es_status es_rates(const struct es_model *model, struct es_arena *arena, struct es_rates *rates, struct es_error *error);

#endif
