// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// Nagumo's cubic conductance (a tunnel diode about its bias point), q = {G [S], V [V]}, and its co-content W [W]:
//     i = G (v^3 / (3 V^2) - v),    W = G (v^4 / (12 V^2) - v^2 / 2)
// The conductance is -G at v = 0 and changes sign at +-V, where the current is -+2 G V / 3; i = 0 again at +-sqrt(3) V. In FitzHugh's equations
// F = -W. Nagumo, Arimoto, Yoshizawa, Proc. IRE 50 (1962) 2061.
#include "net/element.h"

static void nagumo_current(const double q[], size_t n, const double *v, double *current, double *conductance) {
    for (size_t i = 0; i < n; i++) {
        double s = v[i] / q[1];
        current[i] = q[0] * v[i] * (s * s / 3 - 1);
        if (conductance)
            conductance[i] = q[0] * (s * s - 1);
    }
}

static double nagumo_content(const double q[], double v) {
    double s = v / q[1];
    return q[0] * v * v * (s * s / 12 - 0.5);
}

static const struct es_potential content = {.current = nagumo_current, .energy = nagumo_content};

const struct es_element_kind es_nagumo = {
    .row = {"nagumo", "cubic conductance, current G (v^3 / 3 V^2 - v), negative between -V and V; for equilibria", "Nagumo et al. 1962"},
    .term = ES_RECTIFYING,
    .active = true,
    .quantity = {{"conductance", "S", .positive = true}, {"voltage", "V", .positive = true}},
    .content = &content,
};
