// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// How ngspice's trapezoidal rule is made the implicit midpoint rule, which is exact for nonlinear networks too (docs/theory.md 3).
//
// With s_n the states of the midpoint rule and m_n = (s_n + s_{n+1}) / 2 the middles of its steps, m_{n+1} = m_n + (h/2) (f(m_n) + f(m_{n+1})):
// the middles follow the trapezoidal rule. The first of them is a step of backward Euler, m_0 = s_0 + (h/2) f(m_0). ngspice begins every
// transient with two steps of backward Euler, so it is started half a step early, at s_0 - (h/2) f(s_0), and given the steps h/2 (which
// ends in s_0, exactly), h/2 (which ends in m_0), h, h, ...
// A nudge capacitor that grows as e^{gamma t}, with the conductance -gamma N beside it, holds q = N e^{gamma t} (v - y); to end in s_0 it starts
// with (1 - gamma h/2) N (v - y) of the early state's v.
#ifndef ES_ENGINE_NGSPICE_STARTER_H
#define ES_ENGINE_NGSPICE_STARTER_H

#include "engine/engine.h"

// The pass's state after its nudges are connected, (M + N) v(0+) - N y = M v, in `start`; and `before` seconds earlier along
// f(s_0) in `early`. Arrays from `arena`.
enum es_status es_starter_state(const struct es_model *model, const struct es_batch *batch, const struct es_pass *pass, double before,
                                struct es_arena *arena, struct es_pass *start, struct es_pass *early, struct es_error *error);

// voltage [nodes] at the free nodes, from the charge [nodes] that free nodes hold on M and the nudge capacitors: (M + w N) v = charge. Those of
// sources' nodes stand in `voltage`.
enum es_status es_starter_voltage(const struct es_model *model, const double *nudge, double window, const double *charge, double *voltage,
                                  struct es_arena *arena, struct es_error *error);

#endif
