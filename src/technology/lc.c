// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// Real inductors and capacitors. A gyrator becomes the inductor that it stands for: L = CL / (gm1 gm2), i(0) = gm2 w(0), R = leakage / (gm1 gm2).
#include "technology/realise.h"

#include <math.h>

enum { GM1, GM2, CL, VOLTAGE, LEAKAGE, OFFSET }; // of a gyrator
enum { INDUCTANCE, CURRENT, RESISTANCE };        // of an inductor

static enum es_status realise_gyrator(struct es_realising *realising, size_t i, struct es_error *error) {
    const struct es_element *was = &realising->abstract->element[i];
    const double gm1 = was->value[GM1], gm2 = was->value[GM2], c = was->value[CL];
    bool at_gm1 = es_realise_trains(realising, i, GM1), at_gm2 = es_realise_trains(realising, i, GM2), at_cl = es_realise_trains(realising, i, CL);
    if (at_gm1 + at_gm2 + at_cl > 1)
        return es_realise_refuse(realising, i, "trains two of its values, and an inductor has one; train one of gm1, gm2 and CL", error);
    if (es_realise_has(realising, i, OFFSET))
        return es_realise_refuse(realising, i, "has an offset, and an inductor has none", error);
    if (es_realise_has(realising, i, VOLTAGE) && at_gm2)
        return es_realise_refuse(realising, i, "begins with a voltage, whose current would follow the trained gm2; train gm1", error);
    struct es_element *e = es_realise_as(realising, i, &es_inductor);
    enum es_status status = at_gm1   ? es_realise_value(realising, i, INDUCTANCE, GM1, c / gm2, -1, error)
                            : at_gm2 ? es_realise_value(realising, i, INDUCTANCE, GM2, c / gm1, -1, error)
                                     : es_realise_value(realising, i, INDUCTANCE, CL, 1 / (gm1 * gm2), 1, error);
    if (status == ES_OK && es_realise_has(realising, i, VOLTAGE))
        status = es_realise_value(realising, i, CURRENT, VOLTAGE, gm2, 1, error);
    if (es_realise_has(realising, i, LEAKAGE) && at_cl)
        e->value[RESISTANCE] = was->value[LEAKAGE] / (gm1 * gm2);
    else if (es_realise_has(realising, i, LEAKAGE))
        es_element_follow(e, RESISTANCE, e, INDUCTANCE, was->value[LEAKAGE] / c);
    return status;
}

static enum es_status realise(struct es_realising *realising, size_t i, struct es_error *error) {
    const struct es_element_kind *kind = realising->abstract->element[i].kind;
    if (kind == &es_gyrator)
        return realise_gyrator(realising, i, error);
    if ((kind->term == ES_POTENTIAL && kind != &es_inductor) || kind->term == ES_SENSING)
        return es_realise_refuse(realising, i, "is not linear, and inductors are", error);
    return ES_OK;
}

const struct es_technology es_lc = {
    .row = {"lc", "inductors and capacitors; tunes inductances", "docs/theory.md 1"}, .realise = realise,
};
const struct es_technology es_lc_differential = {
    .row = {"lc-differential", "the same with two wires for every node", "docs/theory.md 1"}, .differential = true, .realise = realise,
};
