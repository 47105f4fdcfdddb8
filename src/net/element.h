// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// The kinds of element a network is made of. Every kind is a branch from node p to node n with
//     branch flux     psi = phi_p - phi_n   [Wb]
//     branch voltage  v   = v_p - v_n       [V]
// and contributes one term to the Lagrangian (docs/theory.md, section 1) with one coefficient k:
//     kinetic      + k v^2 / 2      k = capacitance          [F]
//     potential    - k psi^2 / 2    k = inverse inductance   [1/H]
//     drive        + k x(t) psi     k = transconductance     [S], x in volt
//     dissipation  a current k v that no Lagrangian holds, k = conductance [S]
//     readout      0; where a cost reads psi or v, and where its nudge is attached
#ifndef ES_NET_ELEMENT_H
#define ES_NET_ELEMENT_H

#include "core/rows.h"

#include <stdbool.h>

enum { ES_QUANTITIES = 3 }; // the most values that an element has

enum es_term { ES_KINETIC, ES_POTENTIAL, ES_DRIVE, ES_DISSIPATION, ES_READOUT };

// One value of an element.
struct es_quantity {
    const char *name;  // attribute in the network file; NULL ends the list
    const char *unit;  // SI: "F", "H", "S"
    bool positive;     // must be > 0; otherwise any finite number
    bool trainable;    // may be a parameter
};

struct es_element_kind {
    struct es_row row;
    enum es_term term;
    struct es_quantity quantity[ES_QUANTITIES + 1];
    // The coefficient k from the values q, and its derivatives dk[i] = dk/dq[i]. NULL for a readout.
    double (*coefficient)(const double q[]);
    void (*slope)(const double q[], double dk[]);
};

extern const struct es_row *const es_element_kinds[]; // of struct es_element_kind
extern const struct es_element_kind es_capacitor, es_inductor, es_gyrator, es_input, es_output, es_conductance;

#endif
