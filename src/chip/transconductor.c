// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// What transconductors are beside their gm: offset, limits, finite gain, a pole.
#include "chip/make.h"

#include <math.h>

static bool is_gyrator(const struct es_element *e) {
    return e->kind == &es_gyrator || e->kind == &es_saturating_gyrator || e->kind == &es_sensing_gyrator;
}

static enum es_status refuse(const struct es_making *making, const struct es_nonideality *kind, size_t e, const char *why, struct es_error *error) {
    const struct es_element *element = &making->net->element[e];
    return es_fail(error, ES_BAD_INPUT, "--chip %s: network \"%s\", line %d: %s \"%s\" %s", kind->row.name, making->net->name, element->line, element->kind->row.name,
                   element->name, why);
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
        if (making->net->element[i].kind != &es_gyrator)
            continue;
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
    for (size_t i = 0; i < making->ideal->elements; i++) {
        const struct es_element *e = &making->net->element[i];
        if (e->kind == &es_saturating_gyrator)
            return refuse(making, &es_sense_saturation, i, "saturates at its current side already, and there is no model of both; leave one of them out", error);
        if (e->kind == &es_gyrator && !isnan(e->value[e->kind->initial]))
            return refuse(making, &es_sense_saturation, i, "has an initial voltage, which a sensing-gyrator has not; leave one of them out", error);
    }
    return limit(making, &es_sense_saturation, &es_sensing_gyrator, volt, error);
}

// ---- offset ----------------------------------------------------------------------------------------------------------

// Of gm2: the constant current gm2 V, which follows gm2.
static void offset_output(struct es_making *making, size_t i, double volt) {
    const struct es_element *e = &making->net->element[i];
    struct es_element *current = es_making_add(making, &es_input, "offset", i, e->n, e->p);
    es_making_follow(current, 0, &making->net->element[i], 1, 1);
    current->value[es_quantity_of(&es_input, "offset")] = volt;
}

static enum es_status offset(struct es_making *making, double sigma, struct es_error *error) {
    size_t count = 0;
    for (size_t i = 0; i < making->ideal->elements; i++) {
        struct es_element *e = &making->net->element[i];
        int q = es_quantity_of(e->kind, "offset");
        if (q < 0 && is_gyrator(e))
            return refuse(making, &es_offset, i, "has no offset in this model; leave one of offset and sense-saturation out", error);
        if (q < 0)
            continue;
        e->value[q] = (isnan(e->value[q]) ? 0 : e->value[q]) + sigma * es_making_draw(making, 1, i, 0);
        if (is_gyrator(e))
            offset_output(making, i, sigma * es_making_draw(making, 1, i, 1));
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
                return refuse(making, &es_gain, i, "has no leakage in this model; leave one of gain and sense-saturation out", error);
            status = es_making_lose(making, e, 0, 1 / gain, error);
            struct es_element *output = es_making_add(making, &es_conductance, "output", i, e->p, e->n);
            es_making_follow(output, 0, &making->net->element[i], 1, 1 / gain);
            count++;
        }
    }
    return status == ES_OK && !count ? es_making_nothing(making, &es_gain, "gyrator or input", error) : status;
}

// ---- a pole ----------------------------------------------------------------------------------------------------------

// gm2 / (1 + s tau), tau = phase / w0, makes of the gyrator's admittance
//     1 / (s L (1 + s tau)) = 1 / (s L) - 1 / (s L + L / tau),
// the ideal gyrator beside one with -gm2 and the leakage CL / tau, at 0 V where the pass begins. At w it damps by the conductance
// -(tau / L) / (1 + (w tau)^2), which is negative: a node of capacitance C = 1 / (w^2 L) grows by about w phase / 2.
static enum es_status lag(struct es_making *making, double phase, struct es_error *error) {
    size_t count = 0;
    enum es_status status = es_making_oscillates(making, &es_excess_phase, error);
    for (size_t i = 0; i < making->ideal->elements && status == ES_OK; i++) {
        const struct es_element *e = &making->net->element[i];
        if (e->kind == &es_saturating_gyrator || e->kind == &es_sensing_gyrator)
            return refuse(making, &es_excess_phase, i, "saturates, and the pole of excess-phase is modelled for linear gyrators only; leave one of them out", error);
        if (e->kind != &es_gyrator)
            continue;
        if (es_element_decays(e))
            return refuse(making, &es_excess_phase, i, "leaks, and the pole of excess-phase is modelled without leakage only; leave q-series and gain out", error);
        struct es_element *pole = es_making_add(making, &es_gyrator, "pole", i, e->p, e->n);
        e = &making->net->element[i];
        for (size_t q = 0; q < 3; q++)
            es_making_follow(pole, q, e, q, q == 1 ? -1 : 1);
        pole->value[pole->kind->initial] = 0;
        es_making_follow(pole, pole->kind->loss, e, pole->kind->store, making->w0 / phase);
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
    .row = {"sense-saturation", "node voltage V at which the first transconductor of every gyrator saturates, gm1 V tanh(v / V): echoes return, gradients are wrong", "docs/theory.md 5"},
    .unit = "V", .ideal = INFINITY, .min = 1e-9, .max = 1e9, .make = saturate_sense,
};

const struct es_nonideality es_offset = {
    .row = {"offset", "standard deviation of the input-referred offset of every transconductor, those of inputs too, drawn once for a chip", "Pelgrom et al., IEEE JSSC 24 (1989)"},
    .unit = "V", .ideal = 0, .min = 0, .max = 10, .make = offset,
};

const struct es_nonideality es_gain = {
    .row = {"gain", "A0 of every transconductor: a conductance gm / A0 at its output, at a gyrator's nodes, at its CL, and (of the start value) at inputs", "gm / go"},
    .unit = "", .ideal = INFINITY, .min = 1, .max = 1e12, .make = finite_gain,
};

const struct es_nonideality es_excess_phase = {
    .row = {"excess-phase", "at w0, of one pole in the second transconductor of every gyrator: damping that is negative", "docs/theory.md 5"},
    .unit = "rad", .ideal = 0, .min = 1e-9, .max = 1.5, .at_w0 = true, .make = lag,
};
