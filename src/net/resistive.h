// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// A network at rest (docs/theory.md 7). Capacitors carry no current and sources hold their nodes; an amplifier's node follows another. What is
// left are the voltages u of the free nodes, v_i = factor_i u_row(i), at the minimum of the weighted co-content
//     E(u) = sum_e w_e W_e(v_e) - sum_s w_s g_s x_s v_s  [W],    W = G v^2 / 2, or that of the element's row
// An amplifier of gain A draws from its input 1/A of the current I that it delivers, so that dE/du is Kirchhoff's current law at the free nodes where
// everything connected to its output has the weight w = w_input / A^2: (dE/du)_input holds w_output A I = w_input I / A.
//
// A skew coupling k adds w_p k f(v_p) v_n, and the weights of its two ends have opposite signs: nodes of positive weight are activators, which descend
// E, the others inhibitors, which climb it (docs/theory.md 8). With these, or with conductances that may be negative, the network is active: its
// states of rest are saddles or several, and whether one is stable is told by the capacitors: Kirchhoff's law is B du/dt = -dE/du with
// B = sum w C a a', in which they have the weights of what they are connected to.
#ifndef ES_NET_RESISTIVE_H
#define ES_NET_RESISTIVE_H

#include "net/lagrangian.h"

struct es_resistive {
    const struct es_network *net;
    size_t unknowns;
    size_t *node;   // [unknowns] the free node of each
    int *row;       // [nodes] the unknown, or -1 where a source gives the voltage
    size_t *root;   // [nodes] the free or held node that it follows: itself where no amplifier holds it
    double *factor; // [nodes] v_i = factor_i v_root(i)
    double *weight; // [nodes] w of what is connected to it; 0 where the voltage is given. The first node of a connected part has w > 0
    bool active;
};

// Arrays from `arena`. ES_BAD_INPUT, naming the element or node: what is a short at rest (inductors, gyrators) or has no meaning there; amplifiers whose
// outputs meet each other or a source, in a loop, or so that one element has two weights; a node whose voltage nothing decides; a
// skew coupling to ground; in an active network a node without capacitance.
enum es_status es_resistive_new(const struct es_network *net, struct es_arena *arena, struct es_resistive *resistive, struct es_error *error);

// Whether an element is active: a skew coupling, or a conductance that may be negative.
bool es_network_active(const struct es_network *net);

// w of element e, of a skew coupling w_p = -w_n; 1 where both its ends are given.
double es_resistive_weight(const struct es_resistive *resistive, size_t e);

// voltage [nodes] from u [unknowns] and the sources at x [channels].
void es_resistive_voltages(const struct es_resistive *resistive, const double *u, const double *x, double *voltage);

// matrix [unknowns][unknowns] = d2E/du2 at voltage [nodes], without nudges.
void es_resistive_curvature(const struct es_resistive *resistive, const struct es_model *model, const double *voltage, double *matrix);

// ES_FAILED where a deviation from the state of rest `voltage` grows: in an active network with its rate and frequency, in any other where the co-content
// has no minimum there. nudge [outputs] in S, or NULL for 0.
enum es_status es_resistive_stable(const struct es_resistive *resistive, const struct es_model *model, const double *nudge, const double *voltage,
                                   struct es_error *error);

#endif
