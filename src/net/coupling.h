// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// Coupled inductors: L_ab = k sqrt(L_a L_b), i = L^-1 psi within each group. Internal to src/net.
#ifndef ES_NET_COUPLING_H
#define ES_NET_COUPLING_H

#include "net/lagrangian.h"

// Mutual inductance of coupling e [H].
double es_mutual_inductance(const struct es_model *model, size_t e);

// Fills in coupled, pair, pairs and the coefficients of coupled inductors, from the values. ES_BAD_INPUT where an inductance matrix is not
// positive definite.
enum es_status es_couple(struct es_model *model, struct es_arena *arena, struct es_error *error);

#endif
