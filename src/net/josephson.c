// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// Josephson junction, q = {I_c [A]}, a = 2 pi / Phi_0, Phi_0 = h / 2e:
//     U = (I_c / a) (1 - cos(a psi)),   current I_c sin(a psi),   stiffness I_c a cos(a psi)
// Josephson, Phys. Lett. 1 (1962) 251. Its capacitance is a capacitor beside it.
#include "net/element.h"

#include <math.h>

static const double a = 2 * M_PI / 2.067833848461929e-15; // 1/Wb; exact since 2019

static void josephson_current(const double q[], size_t n, const double *psi, double *current, double *stiffness) {
    for (size_t i = 0; i < n; i++)
        current[i] = q[0] * sin(a * psi[i]);
    for (size_t i = 0; i < n && stiffness; i++)
        stiffness[i] = q[0] * a * cos(a * psi[i]);
}

static double versine(double psi) { // (1 - cos(a psi)) / a
    double s = sin(a * psi / 2);
    return 2 * s * s / a;
}

static double josephson_energy(const double q[], double psi) {
    return q[0] * versine(psi);
}

static void josephson_slope(const double q[], double psi, double du[]) {
    (void)q;
    du[0] = versine(psi);
}

static void josephson_cross(const double q[], double psi, double di[]) {
    (void)q;
    di[0] = sin(a * psi);
}

static const struct es_potential potential = {josephson_current, josephson_energy, josephson_slope, josephson_cross};

static double small_signal(const double q[]) {
    return q[0] * a;
}

static void small_signal_slope(const double q[], double dk[]) {
    (void)q;
    dk[0] = a;
}

const struct es_element_kind es_josephson = {
    .row = {"josephson", "Josephson junction, current I_c sin(2 pi psi / Phi_0)", "docs/theory.md 1; Josephson 1962"},
    .term = ES_POTENTIAL,
    .quantity = {{"current", "A", .positive = true, .trainable = true}},
    .coefficient = small_signal,
    .slope = small_signal_slope,
    .potential = &potential,
};
