// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
#include "net/element.h"

static double first(const double q[]) {
    return q[0];
}

static void first_slope(const double q[], double dk[]) {
    (void)q;
    dk[0] = 1;
}

const struct es_element_kind es_capacitor = {
    .row = {"capacitor", "capacitor; between two nodes it couples them through the mass matrix", "docs/theory.md 1"},
    .term = ES_KINETIC,
    .quantity = {{"capacitance", "F", .positive = true}},
    .coefficient = first,
    .slope = first_slope,
};

// Gamma = 1 / L
static double inductor_coefficient(const double q[]) {
    return 1 / q[0];
}

static void inductor_slope(const double q[], double dk[]) {
    dk[0] = -1 / (q[0] * q[0]);
}

const struct es_element_kind es_inductor = {
    .row = {"inductor", "linear inductor, current psi / L", "docs/theory.md 1"},
    .term = ES_POTENTIAL,
    .quantity = {{"inductance", "H", .positive = true, .trainable = true}},
    .coefficient = inductor_coefficient,
    .slope = inductor_slope,
};

// C_L dw/dt = gm1 (v_p - v_n), i = gm2 w: psi = C_L w / gm1, Gamma = gm1 gm2 / C_L
static double gyrator_coefficient(const double q[]) {
    return q[0] * q[1] / q[2];
}

static void gyrator_slope(const double q[], double dk[]) {
    dk[0] = q[1] / q[2];
    dk[1] = q[0] / q[2];
    dk[2] = -q[0] * q[1] / (q[2] * q[2]);
}

const struct es_element_kind es_gyrator = {
    .row = {"gyrator", "inductor made of two transconductors and a capacitor: Gamma = gm1 gm2 / CL", "docs/theory.md 5"},
    .term = ES_POTENTIAL,
    .quantity = {{"gm1", "S", .positive = true}, {"gm2", "S", .positive = true, .trainable = true}, {"CL", "F", .positive = true}},
    .coefficient = gyrator_coefficient,
    .slope = gyrator_slope,
};

const struct es_element_kind es_input = {
    .row = {"input", "current source driven by an input signal through a transconductance, gain x(t)", "docs/theory.md 1"},
    .term = ES_DRIVE,
    .quantity = {{"gain", "S", .trainable = true}},
    .coefficient = first,
    .slope = first_slope,
};

const struct es_element_kind es_conductance = {
    .row = {"conductance", "conductor; lossy, so the echo through it is biased", "docs/theory.md 5"},
    .term = ES_DISSIPATION,
    .quantity = {{"conductance", "S", .positive = true}},
    .coefficient = first,
    .slope = first_slope,
};

const struct es_element_kind es_output = {
    .row = {"output", "where a cost reads node flux or node voltage, and where its nudge is attached", "docs/theory.md 4"},
    .term = ES_READOUT,
};

const struct es_row *const es_element_kinds[] = {
    &es_capacitor.row, &es_inductor.row, &es_gyrator.row, &es_input.row, &es_output.row, &es_conductance.row, NULL,
};
