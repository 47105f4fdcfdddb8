// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// Saturating inductor, q = {I_s [A], psi_s [Wb]}, y = psi / psi_s:
//     U = I_s psi_s ln cosh y,   current I_s tanh y,   stiffness (I_s / psi_s) / cosh^2 y
#include "net/element.h"

#include <math.h>

static void saturating_current(const double q[], size_t n, const double *psi, double *current, double *stiffness) {
    for (size_t i = 0; i < n; i++) {
        double t = tanh(psi[i] / q[1]);
        current[i] = q[0] * t;
        if (stiffness)
            stiffness[i] = q[0] / q[1] * (1 - t * t);
    }
}

static double saturating_energy(const double q[], double psi) {
    return q[0] * q[1] * es_ln_cosh(psi / q[1]);
}

static void saturating_slope(const double q[], double psi, double du[]) {
    double y = psi / q[1];
    du[0] = q[1] * es_ln_cosh(y);
    du[1] = q[0] * (es_ln_cosh(y) - y * tanh(y));
}

static void saturating_cross(const double q[], double psi, double di[]) {
    double y = psi / q[1], t = tanh(y);
    di[0] = t;
    di[1] = -q[0] * y / q[1] * (1 - t * t);
}

static const struct es_potential potential = {saturating_current, saturating_energy, saturating_slope, saturating_cross};

static double small_signal(const double q[]) {
    return q[0] / q[1];
}

static void small_signal_slope(const double q[], double dk[]) {
    dk[0] = 1 / q[1];
    dk[1] = -q[0] / (q[1] * q[1]);
}

const struct es_element_kind es_saturating_inductor = {
    .row = {"saturating-inductor", "inductor of current I_s tanh(psi / psi_s)", "docs/theory.md 1"},
    .term = ES_POTENTIAL,
    .quantity = {{"current", "A", .positive = true, .trainable = true}, {"flux", "Wb", .positive = true, .trainable = true}},
    .coefficient = small_signal,
    .slope = small_signal_slope,
    .potential = &potential,
};
