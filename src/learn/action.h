// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// The action of a path on the engine's grid, and its stationary paths. Internal to src/learn.
//
//     S(phi_0 .. phi_N) = sum_n h [L(m_n, u_n, x_n) + nudges],    u_n = (phi_{n+1} - phi_n) / h,  m_n = (phi_n + phi_{n+1}) / 2
//
// inputs and targets in the middle of a step being the means of its ends (midpoint quadrature). A nudge adds + w N (u - y)^2 / 2 at a voltage
// output, - w n (psi - y)^2 / 2 at a flux output. With force F and mass matrix M, both with the nudges,
//     dS/dphi_n = [M u_{n-1} + (h/2) F_{n-1}] - [M u_n - (h/2) F_n] = p_n - p_n,
// the charge that the step before leaves at point n less that which the step behind takes up: where it vanishes, S is stationary and the path
// is one of the implicit midpoint rule. Held are either phi_0 and phi_N, the unknowns being phi_1 .. phi_{N-1}; or nothing, the path being
// periodic, phi_N = phi_0, with phi_0 .. phi_{N-1} unknown, so that p is periodic too, while the inputs may jump.
//
// Hessian: block tridiagonal (and its corners, where periodic), from each step 4 blocks: M/h - (h/4) K for its ends, -M/h - (h/4) K between.
// It is indefinite as soon as T is longer than half a period of the fastest mode: S is a saddle, not a minimum.
#ifndef ES_LEARN_ACTION_H
#define ES_LEARN_ACTION_H

#include "engine/engine.h"
#include "engine/sparse.h"

struct es_action {
    const struct es_model *model;
    const struct es_grid *grid;
    const double *input;        // [channels][points] in V
    const double *target;       // [outputs][points] in Wb or V, as the output reads; or NULL for 0
    const double *window;       // [points - 1] weight of nudges and readings, or NULL for 1
    const double *nudge;        // [outputs] N [F] or n [1/H], or NULL for 0
    const double *offset;       // [elements] of the branches [Wb]
    const double *first, *last; // [nodes] phi_0, phi_N [Wb]; NULL where periodic
};

// A path is [steps + 1][nodes] in Wb; periodic, its last point is its first. Unknowns are nodes of the points that are not held, in order.
size_t es_action_unknowns(const struct es_action *action);

// The straight line between the ends that are held; where periodic, 0.
void es_action_line(const struct es_action *action, double *path);

// path += scale change [unknowns]
void es_action_move(const struct es_action *action, double scale, const double *change, double *path);

// r [unknowns] = dS/dphi [C]
void es_action_residual(const struct es_action *action, const double *path, double *r);

// matrix += scale d2S/dphi2, from (row, column) on.
void es_action_hessian(const struct es_action *action, const double *path, double scale, struct es_sparse *matrix, size_t row, size_t column);

// value [outputs] = r_o = sum_n h w s_o^2, s_o being u or psi less the target.
void es_action_read(const struct es_action *action, const double *path, double *value);

// charge [nodes] = p_0 = M u_0 - (h/2) F_0 = -dS/dphi_0 [C], with the charge of the nudges.
void es_action_charge(const struct es_action *action, const double *path, double *charge);

// slope [parameters] += scale sum_n h dL_0/dtheta, to_offset [elements] += scale sum_n h dL_0/do (of branches with a state of their own), at
// fixed phi and o.
void es_action_slope(const struct es_action *action, const double *path, double scale, double *slope, double *to_offset);

// A solver: from `path` to a stationary path near it, down to rounding. iterations += systems solved. ES_FAILED where it does not get there;
// or gets to a path where the Hessian is singular, or nearly: a mode with omega T = k pi (held) or 2 k pi (periodic), for which ends do not
// make a solution, or more than one.
struct es_action_solver {
    struct es_row row;
    enum es_status (*solve)(const struct es_action *action, double *path, size_t *iterations, struct es_error *error);
};

// Newton's method, H d = -r: quadratic, in one step where the network is linear. A step that does not make |r| smaller is halved.
extern const struct es_action_solver es_action_newton;

// Gradient flow in a fictitious time tau. As S is a saddle, dphi/dtau = -dS/dphi would run away from it; what falls towards any stationary path
// is |r|^2 / 2, so dphi/dtau = -H r. Its rates are the squares of H's eigenvalues, condition(H)^2 apart: linearly implicit Euler,
//     (1 / dtau + H H) d = -H r      as      [-1, H; H, 1 / dtau] [s; d] = [-r; 0],
// which squares nothing (r dH/dphi, 0 at the end, is left out of the flow's Jacobian), with steps that grow as |r| falls: pseudo-transient
// continuation. Where the flow comes to rest with r != 0 there is no solution near.
extern const struct es_action_solver es_action_flow;

#endif
