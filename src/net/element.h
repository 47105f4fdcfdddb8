// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// The kinds of element a network is made of. Nearly every kind is a branch from node p to node n with
//     branch flux     psi = phi_p - phi_n + o   [Wb]    o: the branch's own offset, 0 unless its initial state is its own
//     branch voltage  v   = v_p - v_n           [V]
// and contributes one term to the Lagrangian (docs/theory.md, section 1), with one coefficient k or a potential U:
//     kinetic      + k v^2 / 2      k = capacitance          [F]
//     potential    - U(psi; q)      U = k psi^2 / 2, k = inverse inductance [1/H], unless the row has another
//     drive        + k x(t) psi     k = transconductance     [S], x in volt
//     bias         + k psi          k = a constant current [A]
//     source       0; holds the voltage of node p at k x(t), k a ratio
//     coupling     0; makes the inductances of two inductors a matrix, k = coupling coefficient
//     dissipation  a current k v that no Lagrangian holds, k = conductance [S]
//     rectifying   a current dW/dv of a co-content W(v; q) [W], at equilibria only
//     amplifying   holds the voltage of node n at k times that of p, and draws 1/k of the current it delivers there from p; at equilibria only
//     skew         currents k f'(v_p) v_n out of node p and -k f(v_p) out of node n, voltages to ground: a gyrator without its inductance; at equilibria only
//     sensing      a current k psi with dpsi/dt = f(v): from no Lagrangian unless f is linear
//     readout      0; where a cost reads psi or v, and where its nudge is attached
//     initial      0; the state of node p at t = 0, or, with a channel, that state for 1 V of x(0)
//     final        0; the flux of node p at t = T, to rules that hold it
// The flux of some may decay and drift by itself, and is then their own:
//     dpsi/dt = v - r psi + e       r = R / L of an inductor with a resistance, leakage / C_L of a gyrator [1/s]; e a gyrator's offset [V]
#ifndef ES_NET_ELEMENT_H
#define ES_NET_ELEMENT_H

#include "core/rows.h"

#include <stdbool.h>

enum { ES_QUANTITIES = 7 }; // the most values that an element has

enum es_term {
    ES_KINETIC, ES_POTENTIAL, ES_DRIVE, ES_BIAS, ES_SOURCE, ES_COUPLING, ES_DISSIPATION, ES_RECTIFYING, ES_AMPLIFYING, ES_SKEW, ES_SENSING, ES_READOUT,
    ES_INITIAL, ES_FINAL,
};

// One value of an element.
struct es_quantity {
    const char *name;  // attribute in the network file; NULL ends the list
    const char *unit;  // SI: "F", "H", "S"; "" for a ratio
    bool positive;     // must be > 0; otherwise any finite number
    bool trainable;    // may be a parameter
    bool optional;     // may be absent: its value is then NaN
    bool inverse;      // 1/q acts as a conductance does: an inductance
    double limit;      // its size must be below this; 0 for no limit
};

// A potential U(psi; q) that is not k psi^2 / 2. All U are even in psi.
struct es_potential {
    // current [n] = dU/dpsi in A, stiffness [n] = d2U/dpsi2 in 1/H (may be NULL), at psi [n].
    void (*current)(const double q[], size_t n, const double *psi, double *current, double *stiffness);
    double (*energy)(const double q[], double psi);           // U [J]
    void (*slope)(const double q[], double psi, double du[]); // du[i] = dU/dq[i]
    void (*cross)(const double q[], double psi, double di[]); // di[i] = d2U/dpsi dq[i]
};

struct es_element_kind {
    struct es_row row;
    enum es_term term;
    bool active; // of a rectifying kind: its conductance may be negative
    struct es_quantity quantity[ES_QUANTITIES + 1];
    size_t principal; // the quantity that is trained where a file names none; not an optional one
    // The coefficient k from the values q, and its derivatives dk[i] = dk/dq[i]. With a potential, k is its stiffness at psi = 0.
    // NULL for kinds without one.
    double (*coefficient)(const double q[]);
    void (*slope)(const double q[], double dk[]);
    const struct es_potential *potential; // NULL: k psi^2 / 2
    const struct es_potential *content;   // of a rectifying kind: W(v) in place of U(psi), in W, A and S
    // The quantity, if given, that holds the branch's own initial state, and the flux psi(0) [Wb] that it makes, with its derivatives
    // dpsi[i] to q[i]. 0 and NULL for kinds without one.
    size_t initial;
    double (*initial_flux)(const double q[], double dpsi[]);
    // Optional quantities of the branch's own flux, dpsi/dt = v - r psi + e: r = q[loss] / q[store] and e = q[drift]; 0 for kinds without one.
    size_t loss, store, drift;
    // Sensing: dpsi/dt = sense(v) [V], with its derivative.
    double (*sense)(const double q[], double v, double *slope);
};

extern const struct es_row *const es_element_kinds[]; // of struct es_element_kind
extern const struct es_element_kind es_capacitor, es_inductor, es_saturating_inductor, es_josephson, es_duffing, es_mutual, es_gyrator, es_mesh,
    es_saturating_gyrator, es_sensing_gyrator, es_input, es_bias, es_source, es_output, es_conductance, es_diode,
    es_nagumo, es_amplifier, es_skew_coupling, es_initial, es_final;

// f(v) of a skew coupling [V], and its first two derivatives.
double es_skew_sense(const double q[], double v, double *slope, double *bend);

// ln cosh x, without overflow.
double es_ln_cosh(double x);

#endif
