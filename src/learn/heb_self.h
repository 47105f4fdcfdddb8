// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// The self-learning circuit of the rule heb-self (rules/heb_self.c): a network whose parameters are physical modes of large mass. Each
// trained parameter theta_i = theta_i(u_i), but for initial states, has the coordinate u_i of its optimiser and a momentum pi_i [J s]:
//     H = p' M^-1 p / 2 + sum U(psi; theta(u)) - sum g(u) x psi + sum pi^2 / 2 m,    pi(0) = 0
//     m = mass E T^2 [J s^2],    T the length of the pass
// with E [J] one number of the network, at its start values: the energy that 1 V at every channel stores, in the state at t = 0, and by each
// input's constant current g x 1 V in the inductances at its nodes, g^2 / 2 Gamma.
#ifndef ES_LEARN_HEB_SELF_H
#define ES_LEARN_HEB_SELF_H

#include "learn/gradient.h"

// How the whole circuit runs backwards, in an echo without a kick.
struct es_heb_return {
    double flux, voltage, u, pi; // largest |end - start|, over the largest value at T (of u: over the largest change in the free pass)
    double moved;                // largest |u(T) - u(0)|
    double energy;               // |H(T) - H(0)| over the stored energy at T; conserved where the inputs are constant
};

// Of one example; the scheme is Verlet, whatever the engine's. The problem's cost is not looked at.
enum es_status es_heb_self_return(const struct es_problem *problem, const double *theta, const struct es_example *example, struct es_heb_return *back,
                                  struct es_error *error);

#endif
