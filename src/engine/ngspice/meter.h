// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// Reads ngspice's solution point by point and accumulates the pass's integrals by the midpoint quadrature
//     integral += h ((a_n + a_{n+1}) / 2) ((b_n + b_{n+1}) / 2)
// which belongs to the trapezoidal rule on linear networks (docs/theory.md 3). An inductor's flux is read from its own current, a
// gyrator's from the voltage of its own capacitor, an output's from its integrator; the flux of any other branch is the
// trapezoidal integral of its node voltages.
#ifndef ES_ENGINE_NGSPICE_METER_H
#define ES_ENGINE_NGSPICE_METER_H

#include "engine/engine.h"

// value = scale (values[plus] - values[minus])
struct es_probe {
    size_t plus, minus;
    double scale;
};

struct es_meter {
    const struct es_network *net;
    const struct es_batch *batch;
    struct es_arena *arena;
    size_t vectors;
    double *values;         // [1 + vectors + nodes]: 0, ngspice's vectors, node fluxes
    size_t *voltage;        // [nodes] place of each node's voltage
    struct es_probe *a, *b; // [accumulators]
    double *last_a, *last_b, *last_voltage; // at the point before
    double *integral;       // [accumulators]
};

// Looks up what the pass needs among the names of ngspice's vectors. False, with the name in `missing`, if one is not there.
bool es_meter_start(struct es_meter *meter, const struct es_network *net, const struct es_batch *batch, struct es_arena *arena,
                    size_t vectors, const char *const *name, const char **missing);

// Takes a point: value of vector i in values[1 + i] already; dt is the time since the last point [s]. Integrates the node
// fluxes, and, if `counts`, the accumulators over the step that ends here.
void es_meter_point(struct es_meter *meter, double dt, bool counts);

static inline double *es_meter_flux(const struct es_meter *meter) { // [nodes]
    return meter->values + 1 + meter->vectors;
}

#endif
