// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// Diode, q = {I_s [A], V_e = n V_T [V]}, with Shockley's current, and in reverse (v < -3 V_e) the cubic tail by which SPICE3 goes on from there
// with the same current and slope:
//     i = I_s (exp(v / V_e) - 1),    i = -I_s (1 + (3 V_e / (e v))^3)
// and the co-content W [W] of which it is the derivative. Above 100 V_e, where i is 1e43 I_s and no circuit rests, it goes on along the tangent, so that
// nothing overflows on the way to where one does.
#include "net/element.h"

#include <math.h>

static double tail(const double q[], double v) {
    double a = 3 * q[1] / (M_E * v);
    return a * a * a;
}

static double top(const double q[]) {
    return 100 * q[1];
}

static void diode_current(const double q[], size_t n, const double *v, double *current, double *conductance) {
    for (size_t i = 0; i < n; i++) {
        bool reverse = v[i] < -3 * q[1];
        double at = fmin(v[i], top(q)), slope = reverse ? 3 * q[0] * tail(q, v[i]) / v[i] : q[0] / q[1] * exp(at / q[1]);
        current[i] = reverse ? -q[0] * (1 + tail(q, v[i])) : q[0] * expm1(at / q[1]) + slope * (v[i] - at);
        if (conductance)
            conductance[i] = slope;
    }
}

// The integral of i from 0 to v: to the ends of Shockley's part, and from there on.
static double diode_content(const double q[], double v) {
    double at = fmin(fmax(v, -3 * q[1]), top(q)), content = q[0] * (q[1] * expm1(at / q[1]) - at), beyond = v - at;
    if (v < at)
        return content - q[0] * (beyond - (tail(q, v) * v - tail(q, at) * at) / 2);
    return content + q[0] * (expm1(at / q[1]) + exp(at / q[1]) * beyond / (2 * q[1])) * beyond;
}

static const struct es_potential content = {.current = diode_current, .energy = diode_content};

const struct es_element_kind es_diode = {
    .row = {"diode", "current I_s (exp(v / V_e) - 1), for equilibria of resistive networks", "Shockley 1949; SPICE3"},
    .term = ES_RECTIFYING,
    .quantity = {{"current", "A", .positive = true}, {"voltage", "V", .positive = true}},
    .content = &content,
};
