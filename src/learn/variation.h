// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// The continuous circuit of one example, what changes it, and its adjoint, as right-hand sides for any integrator; on the functions of
// src/net only. State y = (phi, p, r) with node charge p = M v; f are the free nodes, s those of sources, whose voltage k x(t) is given:
//
//     dphi/dt = v,   dp_f/dt = F_f(phi, x, o),   v_s = k x,   v_f = M_ff^-1 (p_f - M_fs v_s),   p_s is kept 0
//     running costs: dr_o/dt = w s_o^2;   terminal costs: r_o = s_o(T);   g_o = dC/dr_o
//
// A change (dphi, dp, dr) of one parameter, with K = d2U/dphi2, F_o = dF/do, S = M_ff^-1 at free nodes and 0 at those of sources:
//
//     d/dt dphi = dv = S (dp - dM v),   d/dt dp_f = -K dphi + F_o do + dF/dtheta,   d/dt dr_o = 2 w s_o ds_o
//
// The costate (lambda, mu) = dC/d(phi, p), mu_s = 0, with c_phi, c_v the derivatives to phi and v of sum g_o w s_o^2, or at T of
// sum g_o s_o, runs back from lambda(T) = c_phi, mu(T) = S c_v of a terminal cost (0 of a running one), which then has no c:
//
//     dlambda/dt = K mu - c_phi,   dmu/dt = -m,   m = S (lambda + c_v)
//     dC/dtheta = integral (mu' dF/dtheta - m' dM v) dt - mu(T)' dM v(T) + lambda(0)' dphi(0) + mu(0)' dp(0) + (integral mu' F_o dt) do
//
// Where node charge M v is read at T, the cost depends on M by itself: + sum g_o (dM v(T))_o.
#ifndef ES_LEARN_VARIATION_H
#define ES_LEARN_VARIATION_H

#include "learn/gradient.h"

// Inputs, targets and windows bend at some of the samples; a segment is what lies between two bends.
struct es_variation {
    const struct es_problem *problem;
    const struct es_network *net;
    const struct es_example *example;
    struct es_model model;
    size_t n, length, back; // nodes; of y, 2 n + outputs; of the costate, 2 n + parameters + elements
    size_t segments, *bend; // [segments + 1] samples
    size_t from;            // the sample at which the present segment begins
    bool running;           // cost
    double *start;          // [length] y(0)
    double *offset;         // [elements] o
    double *voltage;        // [n] v(0)
    double *scale;          // [length] size of y in its units, for tolerances
    double *weight;         // [outputs] g_o, once the loss is known
    double cost_scale;      // size of the changes of the loss; 0 where nothing changes it
    // Only here.
    double *factor;                                // [n][n] Cholesky factor of M_ff, of 1 in the rows and columns of sources
    double *stiffness, *across, *current;          // [elements] d2U/dpsi2 of a branch by itself; linearised branch fluxes and currents
    double *x, *v, *charge, *to_flux, *to_voltage; // [channels], [n] ...
    double *end_flux, *end_voltage, *end_mass;     // [n] of a terminal cost: dC = end_flux' dphi + end_voltage' dv + end_mass' dM v
    double *starts, *offsets, *forces, *masses;    // [2 n][parameters] dphi(0), dp(0); [elements][] do; [n][] dF/dtheta, dM/dtheta v
};

// The circuit at theta, all in `arena`. ES_BAD_INPUT where M is singular.
enum es_status es_variation_new(const struct es_problem *problem, const double *theta, const struct es_example *example,
                                struct es_arena *arena, struct es_variation *w, struct es_error *error);

// From here on t lies in segment s; its ends [s].
void es_variation_enter(struct es_variation *w, size_t s);
double es_variation_bend(const struct es_variation *w, size_t s); // [s] at which segment s begins

// rate [length] = dy/dt at t and y.
void es_variation_rate(struct es_variation *w, double t, const double *y, double *rate);

// Makes `scale` that of y [count][length] as it was integrated, for the costate's tolerances.
void es_variation_measure(struct es_variation *w, size_t count, const double *y);

// The loss of the end state y(T). From here on its derivatives are known.
double es_variation_loss(struct es_variation *w, const double *y);

// Forward, a change [length] being that of parameter i; es_variation_linearise() comes before the rates of all parameters at (t, y), and
// es_variation_close_changes(), after the loss, before the slopes dC/dtheta_i from the changes at T.
void es_variation_open_changes(struct es_variation *w, struct es_arena *arena);
void es_variation_begin_change(const struct es_variation *w, size_t i, double *change);
void es_variation_linearise(struct es_variation *w, double t, const double *y);
void es_variation_change(struct es_variation *w, double t, const double *y, size_t i, const double *change, double *rate);
void es_variation_close_changes(struct es_variation *w);
double es_variation_change_slope(struct es_variation *w, size_t i, const double *change);

// Backward: costate [back] = (lambda, mu, integral from t to T of mu' dF/dtheta - m' dM v [parameters], and of mu' F_o [elements]).
// es_variation_end_costate() also adds to slope [parameters] what is left at T, es_variation_start_slope() what the costate at 0 says.
void es_variation_end_costate(struct es_variation *w, double *costate, double *slope);
void es_variation_costate_scale(const struct es_variation *w, double *scale); // its size, for tolerances
void es_variation_costate(struct es_variation *w, double t, const double *y, const double *costate, double *rate);
void es_variation_start_slope(const struct es_variation *w, const double *costate, double *slope);

// Size of theta_i in its unit.
double es_variation_parameter_scale(const struct es_variation *w, size_t i);

#endif
