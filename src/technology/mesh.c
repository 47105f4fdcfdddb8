// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// Fluxes as voltages of a mesh of resistors: an integrator at each node makes u = phi gm / C of its flux, a conductance G draws G (u_p - u_n), and
// current conveyors bring that back to the nodes: Gamma = G gm / C, G = C / (gm L). There is one integrator for each node, and so one flux.
#include "technology/realise.h"

#include <math.h>

enum { CONDUCTANCE, GM, C };                         // of a mesh
enum { INDUCTANCE, CURRENT, RESISTANCE };            // of an inductor
enum { GM1, GM2, CL, VOLTAGE, LEAKAGE, OFFSET };     // of a gyrator

static enum es_status realise_branch(struct es_realising *realising, size_t i, size_t from, double factor, double power, struct es_error *error) {
    struct es_element *e = es_realise_as(realising, i, &es_mesh);
    e->value[GM] = realising->transconductance;
    e->value[C] = realising->capacitance;
    return es_realise_value(realising, i, CONDUCTANCE, from, factor * realising->capacitance / realising->transconductance, power, error);
}

static enum es_status realise_gyrator(struct es_realising *realising, size_t i, struct es_error *error) {
    const double *q = realising->abstract->element[i].value;
    bool at_gm1 = es_realise_trains(realising, i, GM1), at_gm2 = es_realise_trains(realising, i, GM2), at_cl = es_realise_trains(realising, i, CL);
    if (at_gm1 + at_gm2 + at_cl > 1)
        return es_realise_refuse(realising, i, "trains two of its values, and a conductance is one; train one of gm1, gm2 and CL", error);
    return at_gm1   ? realise_branch(realising, i, GM1, q[GM2] / q[CL], 1, error)
           : at_gm2 ? realise_branch(realising, i, GM2, q[GM1] / q[CL], 1, error)
                    : realise_branch(realising, i, CL, q[GM1] * q[GM2], -1, error);
}

static enum es_status realise(struct es_realising *realising, size_t i, struct es_error *error) {
    const struct es_element_kind *kind = realising->abstract->element[i].kind;
    bool inductor = kind == &es_inductor, gyrator = kind == &es_gyrator;
    if (kind == &es_mutual)
        return es_realise_refuse(realising, i, "couples inductors, and conductances have no magnetic field", error);
    if ((kind->term == ES_POTENTIAL || kind->term == ES_SENSING) && !inductor && !gyrator)
        return es_realise_refuse(realising, i, "is not linear, and conductances are", error);
    if ((inductor && es_realise_has(realising, i, CURRENT)) || (gyrator && es_realise_has(realising, i, VOLTAGE)))
        return es_realise_refuse(realising, i, "begins with a flux of its own, and a mesh has one flux for each node; give it to the nodes, <initial flux>", error);
    if ((inductor && es_realise_has(realising, i, RESISTANCE)) || (gyrator && (es_realise_has(realising, i, LEAKAGE) || es_realise_has(realising, i, OFFSET))))
        return es_realise_refuse(realising, i, "has a loss or an offset of its own, and a mesh has one flux for each node", error);
    return inductor  ? realise_branch(realising, i, INDUCTANCE, 1, -1, error)
           : gyrator ? realise_gyrator(realising, i, error)
                     : ES_OK;
}

const struct es_technology es_mesh_technology = {
    .row = {"mesh", "conductances between nodes whose voltages are fluxes, with integrators and current conveyors; tunes the conductances", "docs/theory.md 5"}, .realise = realise,
};
const struct es_technology es_mesh_differential = {
    .row = {"mesh-differential", "the same with two wires for every node", "docs/theory.md 5"}, .differential = true, .realise = realise,
};
