// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// A network that noise keeps at a temperature T (docs/theory.md 9): what it samples, and its free energy in closed form.
//
//     rho_b ~ exp(-F_b / T),    F_b = E + b l,    l = sum_o (r_o - y_o)^2 / 2,    A_b = -T ln Z_b,    J = (A_b - A_0) / b
//
// Inputs have the first value of their samples, targets y the last. The nudge b is a plain element at every output, so that the network of rho_b is a
// network like any other. White currents stand beside the elements that make the noise, constant over each step of the implicit midpoint rule:
//     i = sqrt(2 T k / h) xi,    xi ~ N(0, 1) from Philox, keyed by (seed, noise; element, example's sample, update, run, step)
// With them the midpoint rule leaves the Gaussian distribution of a linear network at its grid points as it is, at any step h.
#ifndef ES_LEARN_THERMAL_H
#define ES_LEARN_THERMAL_H

#include "learn/gradient.h"

// What is sampled, and by which noise.
struct es_sampler {
    struct es_row row;
    const char *unit; // of E and of T
    const struct es_element_kind *nudge[2]; // by es_read: b l at such outputs; NULL where none is in E
    enum es_term noise; // elements of this term have the noise 2 T k [A^2 s], k [F] or [S], beside them
    bool electric;      // E is a co-content, of voltages; else a stored energy, of fluxes and voltages
    bool in_energy[ES_FINAL + 1]; // terms that E holds, so that they can be trained
};

extern const struct es_sampler es_stored_energy, es_co_content;

// The energy gap J at theta of one example; ES_BAD_INPUT where E has no minimum, or the example no meaning for the sampler.
enum es_status es_energy_gap(const struct es_problem *problem, const double *theta, const struct es_example *example, double *gap, struct es_error *error);

// How far the outputs move: the sum of a' H^-1 a over them, H being G, or K or M of a stored energy, without the nudge. Their variance is T times that.
enum es_status es_thermal_compliance(const struct es_problem *problem, const double *theta, const struct es_example *example, double *compliance,
                                     struct es_error *error);

// ES_BAD_INPUT, naming the element or the setting, where the problem's sampler does not sample a Gaussian exp(-E / T) of this network.
enum es_status es_thermal_admits(const struct es_problem *problem, struct es_error *error);

// b in the unit of E per squared reading: beta times the smallest sum of coefficients of the nudge's kind at an output's node, at the start values, so
// that J does not change with theta by its nudge.
enum es_status es_thermal_nudge(const struct es_problem *problem, double *b, struct es_error *error);

// Over the grid points of a chain, but for the first ones, in which its slowest motion forgets where it began, to e^-5.
struct es_chain_means {
    double cost;        // mean of l
    double *slope;      // [parameters] mean of dE/dtheta
    double *covariance; // [parameters] of l and dE/dtheta, about the means of the chain
};

// Runs the problem's chains at nudge b >= 0 in its engine; mean [chains] from `arena`. `run` keys the noise: runs of different number are independent.
// ES_BAD_INPUT where half a pass is too short for the chains to forget their beginning.
enum es_status es_thermal_sample(const struct es_problem *problem, const double *theta, const struct es_example *example, double b, size_t run,
                                 struct es_arena *arena, struct es_chain_means **mean, struct es_error *error);

#endif
