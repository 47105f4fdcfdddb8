// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// Gyrators of transistors (netlist/cmos.h): Gamma = gm1 gm2 / CL with CL = C and, at the start, gm1 = gm2 = sqrt(Gamma C), so that both
// transconductors have the same delay and swing. gm2 is tuned, by its bias current.
#include "technology/realise.h"

#include <math.h>

enum { INDUCTANCE, CURRENT, RESISTANCE };
enum { GM1, GM2, CL, VOLTAGE, LEAKAGE, OFFSET };

static enum es_status realise_inductor(struct es_realising *realising, size_t i, struct es_error *error) {
    const struct es_element *was = &realising->abstract->element[i];
    if (es_realise_has(realising, i, CURRENT))
        return es_realise_refuse(realising, i, "begins with a current of its own, which no transistor presets; give its node a flux, <initial flux>", error);
    if (es_realise_has(realising, i, RESISTANCE))
        return es_realise_refuse(realising, i, "has a resistance, whose loss no polarity reverses; leave it out", error);
    const double c = realising->capacitance, inductance = was->value[INDUCTANCE] * es_element_scale(was, INDUCTANCE), gm = sqrt(c / inductance);
    struct es_element *e = es_realise_as(realising, i, &es_gyrator);
    e->value[GM1] = gm;
    e->value[CL] = c;
    return es_realise_value(realising, i, GM2, INDUCTANCE, c / gm, -1, error);
}

static enum es_status realise(struct es_realising *realising, size_t i, struct es_error *error) {
    const struct es_element_kind *kind = realising->abstract->element[i].kind;
    if (kind == &es_inductor)
        return realise_inductor(realising, i, error);
    if (kind == &es_gyrator && (es_realise_has(realising, i, VOLTAGE) || es_realise_has(realising, i, LEAKAGE) || es_realise_has(realising, i, OFFSET)))
        return es_realise_refuse(realising, i, "has a voltage, a leakage or an offset of its own; leave them out", error);
    if (kind == &es_gyrator || kind == &es_capacitor || kind == &es_input || kind == &es_output || kind == &es_initial)
        return ES_OK;
    return es_realise_refuse(realising, i, "has no cell of transistors; expected capacitors, inductors, gyrators, inputs and flux outputs", error);
}

const struct es_technology es_cmos = {
    .row = {"cmos", "gyrators of transistors of a process, with two wires for every node; tunes gm2 by its bias", "docs/theory.md 5, models/cells"}, .differential = true, .realise = realise,
};
