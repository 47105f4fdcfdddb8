// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// The network with its echo hardware in a deck that proves itself: plain `ngspice -b` runs the free pass, reverses, and runs both echoes, compares what
// integrators beside the trained elements have gathered with what echospice computed, and ends with status 0 if they agree.
//
// Two instances of one network see the same points of one transient, 0 .. 2 T, and differ in the sign of their nudges. A clock, 0 in the free pass and
// 1 in the echo, turns cells of four switches (`chopper`). How the reversal becomes a circuit (docs/theory.md 5):
//
//     flip-voltages  a chopper between every capacitor of the network and its wires swaps its plates
//     swap-outputs   a chopper at the outputs of every transconductor, the inputs' too; no charge is touched
//
// A trained element has an integrator (cell `integrator`) for the square of what it senses (an inductor's current, a gyrator's voltage w, the voltage
// between the fluxes of a mesh conductance, a capacitor's voltage), or for the product of an input and the flux of its branch, which a transconductor and a
// capacitor make of its voltage. With I the half of the integral of a square over the echo, or that of the product, dC/dtheta = factor (I+ - I-).
// A nudge is a transconductor whose input is gated, or a capacitor that is shorted until the flip (docs/theory.md 4).
#ifndef ES_NETLIST_TESTBENCH_H
#define ES_NETLIST_TESTBENCH_H

#include "engine/engine.h"

struct es_testbench {
    const struct es_model *model;  // of a differential network
    const struct es_grid *grid;    // also of the deck: its step is how finely both agree
    const struct es_pass *pass;    // [3] free, echo at +beta, echo at -beta
    double omega;                  // of the fastest mode [rad/s]
    double beta, beta_si;          // learn/cost.h
    const double *integral[2];     // [parameters] es_testbench_integral() over the echoes at +beta, -beta
    const double *size[2];         // [parameters] what its errors are relative to: the root of the product of both factors' squares, itself of a square
    const double *gradient;        // [parameters] dC/dtheta
};

// What the deck promises.
#define ES_TESTBENCH_INTEGRAL 1e-4 // error of each integral, relative to its size
#define ES_TESTBENCH_GRADIENT 1e-2 // of the gradient as a vector, in the parameters' coordinates
#define ES_TESTBENCH_COSINE 0.9999

// What is integrated for a parameter.
struct es_accumulator es_testbench_integral(const struct es_network *net, size_t parameter);

// The deck as one text, which the caller frees; NULL with ES_BAD_INPUT's message where the network, its reversal or its cost has no such hardware.
char *es_testbench_text(const struct es_testbench *bench, struct es_error *error);

#endif
