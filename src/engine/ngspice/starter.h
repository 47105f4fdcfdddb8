// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// ngspice must begin with two order-1 steps of e each. So that they end in the state that the pass asks for, they begin a
// little earlier:
//     phi(-2e) = phi - 2 e v(0+)
//     v(-2e)   = v - 2 e M^-1 F(phi, v(0+), x(0)),   (M + nudges) v(0+) = M v
// which leaves an error of O(e^2).
#ifndef ES_ENGINE_NGSPICE_STARTER_H
#define ES_ENGINE_NGSPICE_STARTER_H

#include "engine/engine.h"

// flux, voltage [nodes] are written: the pass's initial state `before` seconds earlier.
enum es_status es_starter_state(const struct es_network *net, const struct es_grid *grid, const struct es_pass *pass, double before,
                                struct es_arena *arena, double *flux, double *voltage, struct es_error *error);

#endif
