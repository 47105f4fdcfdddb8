// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// The linear kinds, and the list of all.
#include "net/element.h"

#include <math.h>

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
    .quantity = {{"capacitance", "F", .positive = true, .trainable = true}},
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

// psi(0) = L i(0)
static double inductor_flux(const double q[], double dpsi[]) {
    dpsi[0] = q[1];
    dpsi[1] = q[0];
    return q[0] * q[1];
}

const struct es_element_kind es_inductor = {
    .row = {"inductor", "linear inductor, current psi / L; `current` is its own at t = 0, `resistance` in series", "docs/theory.md 1"},
    .term = ES_POTENTIAL,
    .quantity = {{"inductance", "H", .positive = true, .trainable = true, .inverse = true},
                 {"current", "A", .trainable = true, .optional = true},
                 {"resistance", "Ohm", .positive = true, .optional = true}},
    .loss = 2,
    .coefficient = inductor_coefficient,
    .slope = inductor_slope,
    .initial = 1,
    .initial_flux = inductor_flux,
};

const struct es_element_kind es_mutual = {
    .row = {"mutual", "mutual inductance k sqrt(L1 L2) of two inductors; currents L^-1 psi", "docs/theory.md 1"},
    .term = ES_COUPLING,
    .quantity = {{"coupling", "", .trainable = true, .limit = 1}},
    .coefficient = first,
    .slope = first_slope,
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

static double gyrator_flux(const double q[], double dpsi[]) {
    dpsi[0] = -q[2] * q[3] / (q[0] * q[0]);
    dpsi[2] = q[3] / q[0];
    dpsi[3] = q[2] / q[0];
    return q[2] * q[3] / q[0];
}

const struct es_element_kind es_gyrator = {
    .row = {"gyrator", "inductor made of two transconductors and a capacitor, Gamma = gm1 gm2 / CL; `voltage` is CL's at t = 0, `leakage` beside it, `offset` gm1's at its input", "docs/theory.md 5"},
    .term = ES_POTENTIAL,
    .quantity = {{"gm1", "S", .positive = true, .trainable = true},
                 {"gm2", "S", .positive = true, .trainable = true},
                 {"CL", "F", .positive = true, .trainable = true},
                 {"voltage", "V", .trainable = true, .optional = true},
                 {"leakage", "S", .positive = true, .optional = true},
                 {"offset", "V", .optional = true}},
    .loss = 4,
    .store = 2,
    .drift = 5,
    .principal = 1,
    .coefficient = gyrator_coefficient,
    .slope = gyrator_slope,
    .initial = 3,
    .initial_flux = gyrator_flux,
};

// u = psi gm / C, i = G u
static double mesh_coefficient(const double q[]) {
    return q[0] * q[1] / q[2];
}

static void mesh_slope(const double q[], double dk[]) {
    dk[0] = q[1] / q[2];
    dk[1] = q[0] / q[2];
    dk[2] = -q[0] * q[1] / (q[2] * q[2]);
}

// Of the technology `mesh`, all of whose branches have the same gm and C; not among the kinds below, as no file has one.
const struct es_element_kind es_mesh = {
    .row = {"mesh", "inductor made of a conductance between nodes whose voltages are fluxes, Gamma = G gm / C; a conveyor brings its current back", "docs/theory.md 5"},
    .term = ES_POTENTIAL,
    .quantity = {{"conductance", "S", .positive = true, .trainable = true}, {"gm", "S", .positive = true}, {"C", "F", .positive = true}},
    .coefficient = mesh_coefficient,
    .slope = mesh_slope,
};

const struct es_element_kind es_input = {
    .row = {"input", "current source driven by an input signal through a transconductance, gain x(t)", "docs/theory.md 1"},
    .term = ES_DRIVE,
    .quantity = {{"gain", "S", .trainable = true}},
    .coefficient = first,
    .slope = first_slope,
};

static double bias_current(const double q[]) {
    return q[0] * q[1];
}

static void bias_slope(const double q[], double dk[]) {
    dk[0] = q[1];
    dk[1] = q[0];
}

// What a chip's transconductors deliver at no input; not among the kinds below, as no file has one.
const struct es_element_kind es_bias = {
    .row = {"bias", "constant current gm V out of a transconductor with the offset V at its input", "docs/theory.md 5"},
    .term = ES_BIAS,
    .quantity = {{.name = "gm", .unit = "S"}, {.name = "offset", .unit = "V"}},
    .coefficient = bias_current,
    .slope = bias_slope,
};

const struct es_element_kind es_source = {
    .row = {"source", "voltage source: holds its node at ratio x(t); what is in series with it is an element of its own", "docs/theory.md 1"},
    .term = ES_SOURCE,
    .quantity = {{.name = "ratio", .unit = ""}},
    .coefficient = first,
    .slope = first_slope,
};

const struct es_element_kind es_conductance = {
    .row = {"conductance", "conductor; lossy, so the echo through it is biased, and the rule reciprocal is not", "docs/theory.md 5"},
    .term = ES_DISSIPATION,
    .quantity = {{"conductance", "S", .positive = true, .trainable = true}},
    .coefficient = first,
    .slope = first_slope,
};

const struct es_element_kind es_amplifier = {
    .row = {"amplifier", "holds the node `to` at gain times the voltage of `node`, and draws 1/gain of the current it delivers from there", "Kendall et al., arXiv 2006.01981"},
    .term = ES_AMPLIFYING,
    .quantity = {{"gain", "", .positive = true}},
    .coefficient = first,
    .slope = first_slope,
};

const struct es_element_kind es_output = {
    .row = {"output", "where a cost reads node flux or node voltage, and where its nudge is attached", "docs/theory.md 4"},
    .term = ES_READOUT,
};

const struct es_element_kind es_initial = {
    .row = {"initial", "the state of a node at t = 0: its flux, and its voltage or its charge; fixed, or as an input signal says", "docs/theory.md 3"},
    .term = ES_INITIAL,
    .quantity = {{"flux", "Wb", .trainable = true, .optional = true},
                 {"voltage", "V", .trainable = true, .optional = true},
                 {"charge", "C", .trainable = true, .optional = true}},
};

const struct es_element_kind es_final = {
    .row = {"final", "the flux of a node at t = T, to rules that hold it; everything else takes no notice", "docs/theory.md 2"},
    .term = ES_FINAL,
    .quantity = {{"flux", "Wb", .optional = true}},
};

const struct es_row *const es_element_kinds[] = {
    &es_capacitor.row, &es_inductor.row,           &es_saturating_inductor.row, &es_josephson.row, &es_duffing.row,     &es_mutual.row,
    &es_gyrator.row,   &es_saturating_gyrator.row, &es_sensing_gyrator.row,     &es_input.row,     &es_source.row,      &es_output.row,
    &es_conductance.row, &es_diode.row, &es_nagumo.row, &es_amplifier.row, &es_skew_coupling.row, &es_initial.row, &es_final.row, NULL,
};

double es_ln_cosh(double x) { // cosh x = 1 + 2 sinh^2 (x / 2)
    double s = sinh(x / 2);
    return fabs(x) < 1 ? log1p(2 * s * s) : fabs(x) + log1p(exp(-2 * fabs(x))) - M_LN2;
}
