// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// Normal modes of the lossless network, linearised at zero flux: K x = omega^2 M x, x' M x = 1.
#ifndef ES_NET_MODES_H
#define ES_NET_MODES_H

#include "net/lagrangian.h"

struct es_modes {
    size_t modes;  // = nodes
    double *omega; // [modes] angular frequency [rad/s], ascending; 0 for a mode that does not oscillate
    double *shape; // [modes][nodes] x, in 1/sqrt(F)
};

// Arrays from `arena`. Cost O(nodes^3) (GSL, generalised symmetric-definite).
enum es_status es_modes(const struct es_model *model, struct es_arena *arena, struct es_modes *modes, struct es_error *error);

// Angular frequency of the fastest mode [rad/s]; NaN where M is singular.
double es_modes_fastest(const struct es_network *net, const double *theta);

#endif
