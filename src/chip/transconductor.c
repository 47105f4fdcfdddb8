// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// What transconductors are beside their gm: offset, limits, finite gain, a pole.
#include "chip/make.h"

#include <math.h>

static bool is_gyrator(const struct es_element *e) {
    return e->kind == &es_gyrator || e->kind == &es_saturating_gyrator || e->kind == &es_sensing_gyrator;
}

// ---- limits ----------------------------------------------------------------------------------------------------------

// A gyrator of another kind with the same values, by their names, and the same parameters.
static void convert(struct es_making *making, size_t i, const struct es_element_kind *kind) {
    struct es_network *net = making->net;
    struct es_element before = net->element[i], *e = &net->element[i];
    e->kind = kind;
    for (size_t q = 0; q < ES_QUANTITIES; q++) {
        int old = kind->quantity[q].name ? es_quantity_of(before.kind, kind->quantity[q].name) : -1;
        e->value[q] = old < 0 ? NAN : before.value[old];
        e->parameter[q] = old < 0 ? ES_FIXED : before.parameter[old];
        e->scale[q] = old < 0 ? 0 : before.scale[old];
    }
    for (size_t p = 0; p < net->parameters; p++)
        if (net->parameter[p].element == i)
            net->parameter[p].quantity = (size_t)es_quantity_of(kind, before.kind->quantity[net->parameter[p].quantity].name);
}

static enum es_status limit(struct es_making *making, const struct es_nonideality *row, const struct es_element_kind *kind, double volt, struct es_error *error) {
    size_t count = 0;
    for (size_t i = 0; i < making->ideal->elements; i++) {
        const struct es_element *e = &making->net->element[i];
        if (e->kind != &es_gyrator)
            continue;
        for (size_t q = 0; q < ES_QUANTITIES; q++)
            if (e->kind->quantity[q].name && !isnan(e->value[q]) && es_quantity_of(kind, e->kind->quantity[q].name) < 0)
                return es_making_refuse(making, row, i, es_arena_printf(making->arena, "has a value that a %s has not, %s; leave one of them out", kind->row.name,
                                                                        e->kind->quantity[q].name), error);
        convert(making, i, kind);
        making->net->element[i].value[es_quantity_of(kind, "saturation")] = volt;
        count++;
    }
    return count ? ES_OK : es_making_nothing(making, row, "linear gyrator, whose transconductors could saturate", error);
}

static enum es_status saturate(struct es_making *making, double volt, struct es_error *error) {
    return limit(making, &es_saturation, &es_saturating_gyrator, volt, error);
}

static enum es_status saturate_sense(struct es_making *making, double volt, struct es_error *error) {
    for (size_t i = 0; i < making->ideal->elements; i++)
        if (making->net->element[i].kind == &es_saturating_gyrator)
            return es_making_refuse(making, &es_sense_saturation, i, "saturates at its current side already, and there is no model of both; leave one of them out", error);
    return limit(making, &es_sense_saturation, &es_sensing_gyrator, volt, error);
}

// ---- offset ----------------------------------------------------------------------------------------------------------

// The constant current of a transconductor, value `gm` of element i, from p to n.
static void add_bias(struct es_making *making, size_t i, size_t gm, int p, int n, double volt) {
    struct es_element *bias = es_making_add(making, &es_bias, "offset", i, p, n);
    es_element_follow(bias, 0, &making->net->element[i], gm, 1);
    bias->value[1] = volt;
}

// e of gm1 is the gyrator's own; gm2 draws its current from p, an input delivers it there.
static enum es_status offset(struct es_making *making, double sigma, struct es_error *error) {
    size_t count = 0;
    for (size_t i = 0; i < making->ideal->elements; i++) {
        struct es_element *e = &making->net->element[i];
        if (e->kind != &es_input && !is_gyrator(e))
            continue;
        if (e->kind != &es_input && !e->kind->drift)
            return es_making_refuse(making, &es_offset, i, "has no offset in this model; leave one of offset and sense-saturation out", error);
        double first = sigma * es_making_draw(making, ES_SALT_OFFSET, i, 0);
        if (e->kind == &es_input)
            add_bias(making, i, 0, e->p, e->n, first);
        else {
            e->value[e->kind->drift] = (es_element_drifts(e) ? e->value[e->kind->drift] : 0) + first;
            add_bias(making, i, 1, e->n, e->p, sigma * es_making_draw(making, ES_SALT_OFFSET, i, 1));
        }
        count++;
    }
    return count ? ES_OK : es_making_nothing(making, &es_offset, "gyrator or input", error);
}

// ---- finite gain -----------------------------------------------------------------------------------------------------

static enum es_status finite_gain(struct es_making *making, double gain, struct es_error *error) {
    size_t count = 0;
    enum es_status status = ES_OK;
    for (size_t i = 0; i < making->ideal->elements && status == ES_OK; i++) {
        struct es_element *e = &making->net->element[i];
        if (e->kind == &es_input) {
            double gm = fabs(es_making_value(e, 0)); // its sign may change in training; a conductance's does not
            if (gm > 0)
                es_making_add(making, &es_conductance, "output", i, e->p, e->n)->value[0] = gm / gain;
            count += gm > 0;
        } else if (is_gyrator(e)) {
            if (!e->kind->loss)
                return es_making_refuse(making, &es_gain, i, "has no leakage in this model; leave one of gain and sense-saturation out", error);
            status = es_making_lose(making, e, 0, 1 / gain, error);
            struct es_element *output = es_making_add(making, &es_conductance, "output", i, e->p, e->n);
            es_element_follow(output, 0, &making->net->element[i], 1, 1 / gain);
            count++;
        }
    }
    return status == ES_OK && !count ? es_making_nothing(making, &es_gain, "gyrator or input", error) : status;
}

// ---- a pole ----------------------------------------------------------------------------------------------------------

// gm2 / (1 + s tau), tau = tan(phase) / w0, makes of the admittance of a gyrator whose flux decays by r
//     1 / (L (s + r) (1 + s tau)) = (1 / (s + r) - 1 / (s + 1 / tau)) / (L (1 - r tau)),
// the gyrator beside one with -gm2 and the leakage CL / tau, at 0 V where the pass begins, both with gm2 over 1 - r tau. Without r it damps at w
// by the conductance -(tau / L) / (1 + (w tau)^2), which is negative: a node of capacitance C = 1 / (w^2 L) grows by about w phase / 2.
static void add_pole(struct es_making *making, size_t i, double tau, double share) {
    struct es_element *e = &making->net->element[i], *pole;
    es_making_scale(e, 1, share);
    pole = es_making_add(making, &es_gyrator, "pole", i, e->p, e->n);
    e = &making->net->element[i];
    for (size_t q = 0; q < 3; q++)
        es_element_follow(pole, q, e, q, q == 1 ? -1 : 1);
    pole->value[pole->kind->initial] = 0;
    es_element_follow(pole, pole->kind->loss, e, pole->kind->store, 1 / tau);
    pole->value[pole->kind->drift] = e->value[e->kind->drift];
}

static enum es_status lag(struct es_making *making, double phase, struct es_error *error) {
    size_t count = 0;
    double tau = tan(phase) / making->w0; // of the angle at w0, atan(w0 tau)
    enum es_status status = es_making_oscillates(making, &es_excess_phase, error);
    for (size_t i = 0; i < making->ideal->elements && status == ES_OK; i++) {
        const struct es_element *e = &making->net->element[i];
        if (e->kind != &es_gyrator && is_gyrator(e))
            return es_making_refuse(making, &es_excess_phase, i, "saturates, and the pole of excess-phase is modelled for linear gyrators only; leave one of them out", error);
        if (e->kind != &es_gyrator)
            continue;
        double decay = es_element_decays(e) ? es_making_value(e, e->kind->loss) / es_making_value(e, e->kind->store) : 0;
        if (decay * tau > 0.5)
            return es_making_refuse(making, &es_excess_phase, i, "leaks as fast as its pole is; expected a higher q-series or gain, or less phase", error);
        add_pole(making, i, tau, 1 / (1 - decay * tau));
        count++;
    }
    return status == ES_OK && !count ? es_making_nothing(making, &es_excess_phase, "gyrator", error) : status;
}

// ---- the rows --------------------------------------------------------------------------------------------------------

const struct es_nonideality es_saturation = {
    .row = {"saturation", "CL's voltage W at which the second transconductor of every gyrator saturates, i = gm2 W tanh(w / W)", "docs/theory.md 5"},
    .unit = "V", .ideal = INFINITY, .min = 1e-9, .max = 1e9, .make = saturate,
};

const struct es_nonideality es_sense_saturation = {
    .row = {"sense-saturation", "node voltage V at which the first transconductor of every gyrator saturates, gm1 V tanh(v / V): echoes return, gradients are wrong",
            "docs/theory.md 5"},
    .unit = "V", .ideal = INFINITY, .min = 1e-9, .max = 1e9, .make = saturate_sense,
};

const struct es_nonideality es_offset = {
    .row = {"offset", "standard deviation of the input-referred offset of every transconductor, those of inputs too, drawn once for a chip",
            "Pelgrom et al., IEEE JSSC 24 (1989)"},
    .unit = "V", .ideal = 0, .min = 0, .max = 10, .drawn = true, .make = offset,
};

const struct es_nonideality es_gain = {
    .row = {"gain", "A0 of every transconductor: a conductance gm / A0 at its output, at a gyrator's nodes, at its CL, and (of the start value) at inputs",
            "gm / go"},
    .unit = "", .ideal = INFINITY, .min = 1, .max = 1e12, .make = finite_gain,
};

const struct es_nonideality es_excess_phase = {
    .row = {"excess-phase", "at w0, of one pole in the second transconductor of every gyrator: damping that is negative", "docs/theory.md 5"},
    .unit = "rad", .ideal = 0, .min = 1e-9, .max = 1.5, .at_w0 = true, .make = lag,
};
