// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// Uniform damping D = gamma M (each capacitor C with a conductance gamma C beside it) by Strang's splitting: half a step of damping, a step of
// the implicit midpoint rule of the network without its conductances, half a step of damping,
//     Q -> e^{-gamma h/2} Q,    Q = (M + N) v - N y the charge of the free nodes, that behind sources and voltage targets too
// This is the variational integrator of the Lagrangian e^{gamma t} L (Caldirola, Kanai) with the midpoint quadrature: it shrinks areas by
// e^{-gamma h} in each step, exactly, as the implicit midpoint rule does not, and a pass with growth (engine.h) therefore
// retraces it, and shows the exact gradient of the discretised loss.
#include "engine/twin/block.h"

#include "net/validate.h"

#include <math.h>

static enum es_status conformal_run(struct es_block *b, struct es_error *error) {
    double gamma;
    enum es_status status = es_validate_uniform_damping(b->net, b->model.k, &gamma, error);
    b->conductances = 0; // the decay has them, and what is beside nudge capacitors
    b->beside = 0;
    return status == ES_OK ? es_midpoint_steps(b, exp((b->growth != 0 ? gamma : -gamma) * fabs(b->h) / 2), error) : status;
}

// Of the undamped oscillator: tan(w h / 2) = omega h / 2
static double conformal_frequency(double omega, double h) {
    return 2 / h * atan(omega * h / 2);
}

const struct es_stepper es_conformal = {
    .scheme = {.row = {"conformal", "implicit midpoint with the exact decay of uniform damping, which it needs; the fastest mode comes out too slow by (omega h)^2 / 12",
                       "McLachlan & Perlmutter 2001; docs/theory.md 5"},
               .conformal = true, .middle = true, .frequency = conformal_frequency},
    .run = conformal_run,
};
