// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// Gyrators of which one transconductor saturates.
//
// Current side, q = {gm1, gm2 [S], C_L [F], W [V], w(0) [V]}: C_L dw/dt = gm1 v, i = gm2 f(w), f = W tanh(w / W). With
// w = gm1 psi / C_L and F = W^2 ln cosh(w / W):
//     U = (C_L gm2 / gm1) F(w),   current gm2 f(w),   stiffness (gm1 gm2 / C_L) f'(w)
//
// Voltage-sensing side: C_L dw/dt = gm1 V tanh(v / V), i = gm2 w. It is reversible, but its force is not the gradient of a potential in
// the node fluxes: an echo returns, and its gradient is wrong.
#include "net/element.h"

#include <math.h>

static void gyrator_current(const double q[], size_t n, const double *psi, double *current, double *stiffness) {
    for (size_t i = 0; i < n; i++) {
        double t = tanh(q[0] * psi[i] / q[2] / q[3]);
        current[i] = q[1] * q[3] * t;
        if (stiffness)
            stiffness[i] = q[0] * q[1] / q[2] * (1 - t * t);
    }
}

static double gyrator_energy(const double q[], double psi) {
    return q[2] * q[1] / q[0] * q[3] * q[3] * es_ln_cosh(q[0] * psi / q[2] / q[3]);
}

// with F = W^2 l, w f - F = W^2 (y tanh y - l), l = ln cosh y
static void gyrator_slope(const double q[], double psi, double du[]) {
    double y = q[0] * psi / q[2] / q[3], l = es_ln_cosh(y), excess = q[3] * q[3] * (y * tanh(y) - l);
    du[0] = q[1] * q[2] / (q[0] * q[0]) * excess;
    du[1] = q[2] / q[0] * q[3] * q[3] * l;
    du[2] = -q[1] / q[0] * excess;
    du[3] = q[2] * q[1] / q[0] * q[3] * (2 * l - y * tanh(y));
    du[4] = 0;
}

static void gyrator_cross(const double q[], double psi, double di[]) {
    double y = q[0] * psi / q[2] / q[3], t = tanh(y), g = q[1] * (1 - t * t);
    di[0] = g * psi / q[2];
    di[1] = q[3] * t;
    di[2] = -g * y * q[3] / q[2];
    di[3] = q[1] * t - g * y;
    di[4] = 0;
}

static const struct es_potential potential = {gyrator_current, gyrator_energy, gyrator_slope, gyrator_cross};

static double small_signal(const double q[]) {
    return q[0] * q[1] / q[2];
}

static void small_signal_slope(const double q[], double dk[]) {
    dk[0] = q[1] / q[2];
    dk[1] = q[0] / q[2];
    dk[2] = -q[0] * q[1] / (q[2] * q[2]);
    dk[3] = dk[4] = 0;
}

// psi(0) = C_L w(0) / gm1
static double gyrator_flux(const double q[], double dpsi[]) {
    dpsi[0] = -q[2] * q[4] / (q[0] * q[0]);
    dpsi[2] = q[4] / q[0];
    dpsi[4] = q[2] / q[0];
    return q[2] * q[4] / q[0];
}

const struct es_element_kind es_saturating_gyrator = {
    .row = {"saturating-gyrator", "gyrator whose current side saturates, i = gm2 W tanh(w / W); `voltage` is CL's at t = 0, `leakage` beside it, `offset` gm1's at its input", "docs/theory.md 5"},
    .term = ES_POTENTIAL,
    .quantity = {{"gm1", "S", .positive = true, .trainable = true},
                 {"gm2", "S", .positive = true, .trainable = true},
                 {"CL", "F", .positive = true, .trainable = true},
                 {"saturation", "V", .positive = true, .trainable = true},
                 {"voltage", "V", .trainable = true, .optional = true},
                 {"leakage", "S", .positive = true, .optional = true},
                 {"offset", "V", .optional = true}},
    .loss = 5,
    .store = 2,
    .drift = 6,
    .principal = 1,
    .coefficient = small_signal,
    .slope = small_signal_slope,
    .potential = &potential,
    .initial = 4,
    .initial_flux = gyrator_flux,
};

static double sense(const double q[], double v, double *slope) {
    double t = tanh(v / q[3]);
    *slope = 1 - t * t;
    return q[3] * t;
}

const struct es_element_kind es_sensing_gyrator = {
    .row = {"sensing-gyrator", "gyrator whose voltage-sensing side saturates: it retraces, but is not Lagrangian, so an echo refuses it", "docs/theory.md 5"},
    .term = ES_SENSING,
    .quantity = {{"gm1", "S", .positive = true, .trainable = true},
                 {"gm2", "S", .positive = true, .trainable = true},
                 {"CL", "F", .positive = true, .trainable = true},
                 {"saturation", "V", .positive = true}},
    .principal = 1,
    .coefficient = small_signal,
    .slope = small_signal_slope,
    .sense = sense,
};
