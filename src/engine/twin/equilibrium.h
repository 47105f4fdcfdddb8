// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// Equilibria of the twin: minima of the weighted co-content of net/resistive.h, split into what is quadratic and the rectifiers' part,
//     E(u) = u' A u / 2 - b' u + sum_l w_l W_l(v_l),    g = dE/du,    J = d2E/du2
// A, and the couplings that make b from the given voltages, depend on theta alone and are shared by passes. A nudge of conductance N at an output
// adds w N a a' to A and w N y a to b.
#ifndef ES_ENGINE_TWIN_EQUILIBRIUM_H
#define ES_ENGINE_TWIN_EQUILIBRIUM_H

#include "engine/engine.h"
#include "engine/solver.h"
#include "net/resistive.h"

// b[row] += value v[node] of a given voltage.
struct es_given {
    int row;
    size_t node;
    double value; // [S]
};

// A rectifier, a skew coupling, or an output's nudge: its voltage is fp u[p] - fn u[n] + given part, p and n being -1 where there is no unknown.
struct es_junction {
    const struct es_element *element;
    const double *q;
    int p, n, place[4]; // where pp, nn, pn and np are in J, or -1
    double fp, fn, w;
};

// The network at one theta.
struct es_rest {
    const struct es_resistive *resistive;
    const struct es_model *model;
    size_t n, givens, junctions, skews, drives;
    struct es_pattern pattern;
    double *a, *mass;                       // [nonzeros]; B of an active network
    struct es_given *given;
    size_t *drive;                          // elements
    struct es_junction *junction, *skew, *nudge; // [junctions], [skews], [outputs]
};

// One pass: where the solver stands.
struct es_rest_state {
    const struct es_rest *rest;
    double *a, *b;       // [nonzeros], [n] with the pass's nudges and inputs
    double *base;        // [junctions] given part of each voltage
    const double *given; // [nodes] voltages where they are given
    double largest_given; // of their sizes
    double *u, *g, *j;   // [n], [n], [nonzeros]
    double content, size; // E without skew couplings, and the sum of the sizes of its terms, which bounds its rounding
};

struct es_equilibrium {
    struct es_scheme scheme;
    // From state->u to the minimum. ES_FAILED: it found none.
    enum es_status (*solve)(struct es_rest_state *state, struct es_arena *arena, struct es_error *error);
};
extern const struct es_equilibrium es_newton;

// To where the transient from state->u comes to rest, in an active network, in steps of this local error, in parts of the largest voltage; errors as of
// solve().
enum es_status es_rest_settle(struct es_rest_state *state, double local_error, struct es_arena *arena, struct es_error *error);

// E, g and, unless `j` is NULL, J at u [n].
void es_rest_evaluate(struct es_rest_state *state, const double *u, double *g, double *j);

// The equilibria of `passes` passes of one theta, one after the other.
enum es_status es_equilibrium_run(const struct es_equilibrium *scheme, const struct es_resistive *resistive, const struct es_batch *batch, size_t passes,
                                  const struct es_pass *pass, struct es_result *result, struct es_error *error);

#endif
