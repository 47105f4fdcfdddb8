// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// Inductors of two transconductors and a capacitor each: Gamma = gm1 gm2 / CL with gm1 = gm and CL = C. gm2 = CL / (gm L) is tuned; where the inductor's
// current at t = 0 is given, that is gm2 w(0), so that gm2 = gm is kept and gm1 tuned. R becomes the leakage R CL / L = R gm1 gm2.
#include "technology/realise.h"

#include <math.h>

enum { INDUCTANCE, CURRENT, RESISTANCE };
enum { GM1, GM2, CL, VOLTAGE, LEAKAGE };
enum { SATURATION_CURRENT, SATURATION_FLUX };
enum { SATURATION = 3 };

static enum es_status realise_inductor(struct es_realising *realising, size_t i, struct es_error *error) {
    const struct es_element *was = &realising->abstract->element[i];
    const double gm = realising->transconductance, c = realising->capacitance;
    bool given = es_realise_has(realising, i, CURRENT);
    size_t tuned = given ? GM1 : GM2, kept = given ? GM2 : GM1;
    struct es_element *e = es_realise_as(realising, i, &es_gyrator);
    e->value[kept] = gm;
    e->value[CL] = c;
    enum es_status status = es_realise_value(realising, i, tuned, INDUCTANCE, c / gm, -1, error);
    if (status == ES_OK && given)
        status = es_realise_value(realising, i, VOLTAGE, CURRENT, 1 / gm, 1, error);
    if (es_realise_has(realising, i, RESISTANCE))
        es_element_follow(e, LEAKAGE, e, tuned, was->value[RESISTANCE] * gm);
    return status;
}

// I_s tanh(psi / psi_s) = gm2 W tanh(w / W): I_s = gm2 W, psi_s = CL W / gm1. W is what makes gm1 = gm at the start.
static enum es_status realise_saturating_inductor(struct es_realising *realising, size_t i, struct es_error *error) {
    const struct es_element *was = &realising->abstract->element[i];
    double w = realising->transconductance * was->value[SATURATION_FLUX] * es_element_scale(was, SATURATION_FLUX) / realising->capacitance;
    struct es_element *e = es_realise_as(realising, i, &es_saturating_gyrator);
    e->value[CL] = realising->capacitance;
    e->value[SATURATION] = w;
    enum es_status status = es_realise_value(realising, i, GM1, SATURATION_FLUX, realising->capacitance * w, -1, error);
    return status == ES_OK ? es_realise_value(realising, i, GM2, SATURATION_CURRENT, 1 / w, 1, error) : status;
}

static enum es_status realise(struct es_realising *realising, size_t i, struct es_error *error) {
    const struct es_element_kind *kind = realising->abstract->element[i].kind;
    if (kind == &es_inductor)
        return realise_inductor(realising, i, error);
    if (kind == &es_saturating_inductor)
        return realise_saturating_inductor(realising, i, error);
    if (kind == &es_mutual)
        return es_realise_refuse(realising, i, "couples inductors, and gyrators have no magnetic field", error);
    if (kind == &es_josephson || kind == &es_duffing)
        return es_realise_refuse(realising, i, "has a curve that no transconductor has; expected inductors, saturating inductors and gyrators", error);
    return ES_OK;
}

const struct es_technology es_gyrator_technology = {
    .row = {"gyrator", "each inductor two transconductors and a capacitor; tunes gm2", "docs/theory.md 5"}, .realise = realise,
};
const struct es_technology es_gyrator_differential = {
    .row = {"gyrator-differential", "the same with two wires for every node", "docs/theory.md 5"}, .differential = true, .realise = realise,
};
