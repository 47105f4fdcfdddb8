// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// The Lagrangian of a network and what follows from it (docs/theory.md 1). k [elements] are the coefficients at some theta
// (es_network_coefficients); phi [nodes] in Wb, v [nodes] in V, x [channels] in V, p [nodes] node charge in C.
#ifndef ES_NET_LAGRANGIAN_H
#define ES_NET_LAGRANGIAN_H

#include "net/network.h"

// L = v' M v / 2 - phi' K phi / 2 + sum g x (a . phi)   [J]
double es_lagrangian(const struct es_network *net, const double *k, const double *phi, const double *v, const double *x);

// force = dL/dphi - (currents of conductances), so that M dv/dt = force [A]. force [nodes] is written.
void es_lagrangian_force(const struct es_network *net, const double *k, const double *phi, const double *v, const double *x,
                         double *force);

// p = dL/dv = M v; p [nodes] is written.
void es_lagrangian_momentum(const struct es_network *net, const double *k, const double *v, double *p);

// v from p = M v. ES_BAD_INPUT where M is not positive definite. v [nodes] is written.
enum es_status es_lagrangian_velocity(const struct es_network *net, const double *k, const double *p, double *v, struct es_error *error);

// H(phi, p) = p' v - L  [J], the Legendre transform; v is solved from p. NaN where M is singular.
double es_hamiltonian(const struct es_network *net, const double *k, const double *phi, const double *p, const double *x);

// Stored energy v' M v / 2 + phi' K phi / 2  [J]
double es_network_energy(const struct es_network *net, const double *k, const double *phi, const double *v);

// dL/dk of one element from its own branch: v^2/2, -psi^2/2 or x psi.
double es_element_dlagrangian(const struct es_element *element, double psi, double v, double x);

// The matrix sum of k a a' over the elements of one term, dense and symmetric [nodes][nodes].
void es_network_matrix(const struct es_network *net, const double *k, enum es_term term, double *matrix);

#endif
