// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// Skew coupling, q = {k [S], V [V]}: E holds w_p k f(v_p) v_n, w_p being the weight at p and -w_p that at n (net/resistive.h), so that with voltages to ground
//     current k f'(v_p) v_n out of node p, -k f(v_p) out of node n,    f(v) = V tanh(v / V), or v where no V is given
// From an activator to its inhibitor; and, with k = -W, from one layer of a predictive coding network to the errors of the next (docs/theory.md 8).
#include "net/element.h"

#include <math.h>

double es_skew_sense(const double q[], double v, double *slope, double *bend) {
    double s = isnan(q[1]) ? 0 : tanh(v / q[1]);
    *slope = 1 - s * s;
    *bend = isnan(q[1]) ? 0 : -2 * s * *slope / q[1];
    return isnan(q[1]) ? v : q[1] * s;
}

static double first(const double q[]) {
    return q[0];
}

static void first_slope(const double q[], double dk[]) {
    (void)q;
    dk[0] = 1;
}

const struct es_element_kind es_skew_coupling = {
    .row = {"skew-coupling", "draws k f'(v) times the voltage of `to` from `node`, and delivers k f(v) to `to`, v being that of `node`; f(v) = v, or V tanh(v / V) "
                             "with `voltage` V; joins an inhibitor `to` to its activator, for equilibria", "docs/theory.md 8"},
    .term = ES_SKEW,
    .quantity = {{"conductance", "S", .trainable = true}, {"voltage", "V", .positive = true, .optional = true}},
    .coefficient = first,
    .slope = first_slope,
};
