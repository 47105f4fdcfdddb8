// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// Reads ngspice's solution point by point and accumulates the pass's integrals.
//
// On the engine's own grid the points are the middles m of the steps (starter.h): integral += h w a(m) b(m) (with e^{-gamma t} of a pass with
// growth), and from one grid point to the next phi += h v(m), v = 2 v(m) - v, which is also true of the charge of a nudge capacitor that a window
// or growth changes. In ngspice's adaptive
// steps a and b are the means of their values at the ends.
// The flux of a potential is read from its own part (an inductor's current, a gyrator's capacitor, the integrator of a curve), that of
// any other branch is the integral of its node voltages.
#ifndef ES_ENGINE_NGSPICE_METER_H
#define ES_ENGINE_NGSPICE_METER_H

#include "engine/engine.h"

// scale (values[plus] - values[minus]) - values[less] is a signal, or the flux that a curve makes one of.
struct es_probe {
    size_t plus, minus, less;
    double scale;
    bool bent; // by the curve of `signal`
    struct es_observable signal;
};

// A branch's own flux at the grid points, and how it is read.
struct es_own_flux {
    size_t element;
    struct es_probe probe;
    double flux;
};

struct es_meter {
    const struct es_model *model;
    const struct es_batch *batch;
    struct es_arena *arena;
    bool middles;           // the engine's own grid
    bool stored;            // every gyrator's flux is its own, what its capacitor holds
    size_t vectors;
    double *values;         // [2 + vectors + nodes + pairs]: 0, 1, ngspice's vectors, node fluxes, differences of the wires of differential nodes
    size_t pairs;
    struct es_probe *pair;  // [pairs]
    size_t *place;          // [nodes] place of each node's voltage
    struct es_probe *a, *b; // [accumulators]
    bool *square;           // [accumulators] a and b are the same
    double *last_a, *last_b, *last_voltage; // at the point before
    double *flux, *voltage; // [nodes] at the grid points
    bool recharged;         // nudge capacitors change with a window or with growth
    double *nudge_charge;   // [outputs] charge of each nudge capacitor over its capacitance, at the grid points [V]
    size_t *target;         // [outputs] place of a voltage output's target; 0 for none
    size_t owns;            // branches whose flux is their own
    struct es_own_flux *own;
    double *integral;       // [accumulators]
};

// Looks up what the pass needs among the names of ngspice's vectors; `start` is the state at the first grid point. False, with the name in
// `missing`, if one is not there.
bool es_meter_start(struct es_meter *meter, const struct es_model *model, const struct es_batch *batch, const struct es_pass *start, const struct es_scheme *scheme,
                    struct es_arena *arena, size_t vectors, const char *const *name, const char **missing);

// Takes a point: value of vector i in values[2 + i] already. dt: the step that it is in the middle of, or, adaptive, that it ends [s];
// window: its weight there; grown: e^{growth t} there; `counts`: whether the integrals take it.
void es_meter_point(struct es_meter *meter, double dt, double window, double grown, bool counts);

#endif
