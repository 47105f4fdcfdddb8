// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// Duffing inductor, q = {L [H], kappa [A/Wb^3]}:
//     U = psi^2 / (2 L) + kappa psi^4 / 4,   current psi / L + kappa psi^3,   stiffness 1 / L + 3 kappa psi^2
#include "net/element.h"

static void duffing_current(const double q[], size_t n, const double *psi, double *current, double *stiffness) {
    double gamma = 1 / q[0], kappa = q[1];
    for (size_t i = 0; i < n; i++)
        current[i] = (gamma + kappa * (psi[i] * psi[i])) * psi[i];
    for (size_t i = 0; i < n && stiffness; i++)
        stiffness[i] = gamma + 3 * kappa * (psi[i] * psi[i]);
}

static double duffing_energy(const double q[], double psi) {
    return psi * psi * (0.5 / q[0] + q[1] * psi * psi / 4);
}

static void duffing_slope(const double q[], double psi, double du[]) {
    du[0] = -psi * psi / (2 * q[0] * q[0]);
    du[1] = psi * psi * psi * psi / 4;
}

static void duffing_cross(const double q[], double psi, double di[]) {
    di[0] = -psi / (q[0] * q[0]);
    di[1] = psi * psi * psi;
}

static const struct es_potential potential = {duffing_current, duffing_energy, duffing_slope, duffing_cross};

static double small_signal(const double q[]) {
    return 1 / q[0];
}

static void small_signal_slope(const double q[], double dk[]) {
    dk[0] = -1 / (q[0] * q[0]);
    dk[1] = 0;
}

const struct es_element_kind es_duffing = {
    .row = {"duffing", "inductor of current psi / L + kappa psi^3", "docs/theory.md 1; Duffing 1918"},
    .term = ES_POTENTIAL,
    .quantity = {{"inductance", "H", .positive = true, .trainable = true, .inverse = true}, {"cubic", "A/Wb3", .trainable = true}},
    .coefficient = small_signal,
    .slope = small_signal_slope,
    .potential = &potential,
};
