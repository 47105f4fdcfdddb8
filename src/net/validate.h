// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// The properties that a network must have before it can be stepped, and before it can be trained by an echo (docs/theory.md 1).
#ifndef ES_NET_VALIDATE_H
#define ES_NET_VALIDATE_H

#include "net/network.h"

// ES_BAD_INPUT for a node that no capacitor reaches or capacitors that leave the mass matrix singular, naming the node.
enum es_status es_validate_mass(const struct es_network *net, struct es_error *error);

// ES_BAD_INPUT for an element that equilibria alone know (diodes, amplifiers), naming it.
enum es_status es_validate_transient(const struct es_network *net, struct es_error *error);

// ES_BAD_INPUT unless L(phi, v) = L(phi, -v), naming the element that breaks it: a conductance, or a flux that decays. (Of drifting fluxes see
// es_validate_drift().)
enum es_status es_validate_reversible(const struct es_network *net, struct es_error *error);

// ES_BAD_INPUT where a flux drifts, dpsi/dt = v + e, naming its element: unlike inputs e cannot be replayed. Its current does come from a
// potential, U(a . phi + e t), and the circuit returns where e and flux change sign together: where all fluxes are flipped in place of all
// voltages, or the outputs of all transconductors swapped.
enum es_status es_validate_drift(const struct es_network *net, struct es_error *error);

// ES_BAD_INPUT where there is a constant current, naming its element: it cannot be switched off, nor change its sign with the inputs.
enum es_status es_validate_bias(const struct es_network *net, struct es_error *error);

// ES_BAD_INPUT where a flux decays or drifts by itself, naming its element; `what` does not follow it: "the scheme verlet; use ...".
enum es_status es_validate_no_own_flux(const struct es_network *net, const char *what, struct es_error *error);

// ES_BAD_INPUT unless all forces come from one potential (the network is reciprocal), naming the element that breaks it.
enum es_status es_validate_lagrangian(const struct es_network *net, struct es_error *error);

// The same, conductances apart: all other forces come from one potential.
enum es_status es_validate_potentials(const struct es_network *net, struct es_error *error);

// ES_BAD_INPUT unless damping is uniform, D = gamma M at the nodes that no source holds, and no flux decays: between any two nodes, conductances add up to gamma times
// what capacitors add up to. Names the first element that breaks it, and the conductance expected there. k [elements] are the coefficients of
// the elements (es_model.k), or NULL for the start values; *gamma [1/s] is 0 without conductances.
enum es_status es_validate_uniform_damping(const struct es_network *net, const double *k, double *gamma, struct es_error *error);

// ES_BAD_INPUT unless every potential is made of transconductors, whose outputs can be swapped, and, unless they are allowed, there are no
// conductances, which stay losses.
enum es_status es_validate_transconductors(const struct es_network *net, bool losses_allowed, struct es_error *error);

#endif
