// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// Writes a pass as a SPICE deck. The engine runs the very lines that a user gets; only sources, stepping and the instant of the initial state
// differ: the engine supplies `external` sources as functions of time, holds the step and begins half a step early (engine/ngspice/starter.h),
// everybody else gets PWL sources and a .tran line.
//
// Names: node a is n_a, element x is <letter>_x, channel c is node x_c; numbers are plain %.17g, and B sources hold none (ngspice keeps
// 11 digits of those). A gyrator x has its capacitor at w_x, with its leakage r_x and the current i_x of its offset there; an inductor with a
// resistance r_x has that between q_x and its second end. The cells of nonlinear elements have three parts: g1_x and cl_x integrate the
// branch's voltage to u_x (1 there is the flux or voltage that the curve is measured in), b_x bends it at t_x, g2_x makes the current. A flux
// output o has an integrator of 1 S into `interval` farad at f_o, so that v(f_o) = flux / interval, and its target, divided by the
// same, at y_o; a voltage output with targets has them at y_o. The nudges cn_o and gn_o stand in every deck, with value 0 in a free pass;
// where the cost has a window, its value at node `window` multiplies them. Injection number i is v(j_i) times 1 S beside
// its element (gj_i); in series with an inductor it is ej_i, between z_i and what follows, at a gyrator gj_i beside its g1.
//
// In a pass with growth nudges are multiplied by e^{growth t} at node `growth` likewise, nudge capacitors have a conductance gn_o beside them, and
// conductances r_x are negative.
//
// At rest capacitors are left out, and a nudge is a resistor rn_o with the current in_o of its target voltage beside it. A diode's model m_x has no series
// resistance, and its emission coefficient makes n V_T at ngspice's 27 degrees the element's voltage. A nagumo conductance has v / V at s_x, its cubic, from
// b_x, at t_x. A skew coupling is the transconductors g1_x and g2_x, with v / V at s_x, tanh at t_x and its slope times v(to) at u_x
// where it has a voltage V. Where active networks settle, their own capacitors are in the deck.
//
// A mesh conductance x is r_x between the mesh's nodes b; at each of its nodes a, gm_a and cm_a integrate v(n_a) to p_a, em_a holds e_a there, vm_a is an ammeter between that and b_a, and fm_a draws
// from n_a the current that it shows.
//
// A differential network has two wires a_p and a_n for every node a that carries a signal (circuit.h), so that "n_x" above is v(n_x_p) - v(n_x_n).
//
// A reversal is in the deck: negated sources and targets, and with swap-outputs the swapped outputs of every transconductor.
#ifndef ES_NETLIST_DECK_H
#define ES_NETLIST_DECK_H

#include "engine/engine.h"
#include "netlist/circuit.h"

enum es_deck_use {
    ES_DECK_UNIFORM,  // external sources, no truncation error control: the engine holds the step
    ES_DECK_ADAPTIVE, // external sources, ngspice's own control
    ES_DECK_USER,     // PWL sources, .tran
    ES_DECK_REST,     // constant sources, for an operating point that is sought from the pass's voltages on
    ES_DECK_SETTLE,   // the same as a transient that settles, see es_deck_settling
};

// The pass as a circuit, from `arena`. Its state is where the circuit begins; of the batch are its grid and where it injects. ES_BAD_INPUT names an
// element that a differential network cannot have.
enum es_status es_deck_circuit(struct es_arena *arena, const struct es_model *model, const struct es_batch *batch, const struct es_pass *pass, enum es_deck_use use,
                               struct es_circuit **circuit, struct es_error *error);

// The same in ngspice's dialect, or NULL: NULL-ended lines from `arena`; the first is the title, the last ".end".
char **es_deck_lines(struct es_arena *arena, const struct es_model *model, const struct es_batch *batch, const struct es_pass *pass,
                     enum es_deck_use use, struct es_error *error);

// Where a network settles, a capacitor cs_a from every free node to ground makes its conductances' time constant this part of the pass's duration.
extern const double es_deck_settling;

// The user's deck (ES_DECK_USER, or ES_DECK_REST) as one text, which the caller frees; NULL if it cannot be made. frequency_error: relative error of the fastest mode
// on the engine's grid, NAN if nothing resonates, for the comment that says how far the user's run may be from the engine's.
char *es_deck_text(const struct es_model *model, const struct es_batch *batch, const struct es_pass *pass, enum es_deck_use use, double frequency_error,
                   struct es_error *error);

// The deck's voltage sources that play signals: node <name> is at scale times its samples, replayed if the pass is reversed.
struct es_deck_source {
    const char *node;
    const double *sample; // [points], or [(points - 1) parts] where parts > 0; NULL for 0
    double scale;
    size_t parts; // of an interval, in each of which it is constant; 0: linear between the points
    double growth; // or, if not 0, the signal is e^{growth t} [1/s]
    bool skewed;   // an input that the pass plays late (es_pass.skew): linear between the grid points
};
size_t es_deck_sources(struct es_arena *arena, const struct es_model *model, const struct es_batch *batch, const struct es_pass *pass,
                       struct es_deck_source **list);

// Lower-case names of what the deck's solution holds, as ngspice spells them: nodes and branch currents.
const char *es_deck_node(struct es_arena *arena, const struct es_network *net, size_t node); // n_a
const char *es_deck_name(struct es_arena *arena, const char *name);
const char *es_deck_inner(struct es_arena *arena, char letter, const char *name);           // w_x, f_o, y_o, x_c
const char *es_deck_current(struct es_arena *arena, const struct es_network *net, size_t element); // l_x#branch of an inductor, of its first half

// How the branch flux of an element is read: scale (v(plus) - v(minus)), a node of NULL being ground; an inductor's from its current, and where both are
// NULL only its nodes tell it.
struct es_deck_reading {
    const char *plus, *minus;
    double scale; // [Wb / V]
    bool signal;  // whether these nodes carry signals, and so are two wires each in a differential network
};
struct es_deck_reading es_deck_flux(struct es_arena *arena, const struct es_model *model, const struct es_grid *grid, size_t element);

#endif
