// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// Losses of capacitors and inductors by their quality at w0, and negative conductances that undo a part of them.
#include "chip/make.h"

#include <math.h>

// G = w0 C / Q beside every capacitor: damping that is uniform, gamma = w0 / Q.
static enum es_status lose_parallel(struct es_making *making, double quality, struct es_error *error) {
    size_t count = 0;
    enum es_status status = es_making_oscillates(making, &es_q_parallel, error);
    for (size_t i = 0; i < making->ideal->elements && status == ES_OK; i++) {
        const struct es_element *e = &making->net->element[i];
        if (e->kind != &es_capacitor)
            continue;
        struct es_element *loss = es_making_add(making, &es_conductance, "parallel", i, e->p, e->n);
        es_element_follow(loss, 0, &making->net->element[i], 0, making->w0 / quality);
        count++;
    }
    return status == ES_OK && !count ? es_making_nothing(making, &es_q_parallel, "capacitor", error) : status;
}

// R = w0 L / Q of an inductor, GL = w0 CL / Q of a gyrator: the flux of either decays by w0 / Q.
static enum es_status lose_series(struct es_making *making, double quality, struct es_error *error) {
    size_t count = 0;
    enum es_status status = es_making_oscillates(making, &es_q_series, error);
    for (size_t i = 0; i < making->ideal->elements && status == ES_OK; i++) {
        struct es_element *e = &making->net->element[i];
        if (e->kind == &es_sensing_gyrator)
            return es_making_refuse(making, &es_q_series, i, "has no leakage in this model; leave one of q-series and sense-saturation out", error);
        if (es_network_couples(making->net, i))
            return es_making_refuse(making, &es_q_series, i, "is coupled to others, with whose currents its flux would decay too, which is not simulated; leave q-series out",
                                    error);
        if (!e->kind->loss)
            continue;
        status = es_making_lose(making, e, e->kind->store, making->w0 / quality, error);
        count++;
    }
    return status == ES_OK && !count ? es_making_nothing(making, &es_q_series, "linear inductor or gyrator", error) : status;
}

// The conductance at w0, of the start values, that an inductor's resistance or a gyrator's leakage is worth where the chip, and not the file, has it: of the
// admittance 1 / (L (s + r)) the real part (1 / L) r / (w0^2 + r^2).
static double series_loss(const struct es_making *making, size_t i) {
    const struct es_element *e = &making->net->element[i], *ideal = &making->ideal->element[i];
    size_t loss = e->kind->loss;
    double q[ES_QUANTITIES], added = es_element_decays(e) ? es_making_value(e, loss) - (es_element_decays(ideal) ? es_making_value(ideal, ideal->kind->loss) : 0) : 0;
    for (size_t j = 0; j < ES_QUANTITIES; j++)
        q[j] = es_making_value(e, j);
    double r = added > 0 ? added / q[e->kind->store] : 0;
    return r > 0 ? e->kind->coefficient(q) * r / (making->w0 * making->w0 + r * r) : 0;
}

static enum es_status compensate(struct es_making *making, double part, struct es_error *error) {
    size_t elements = making->net->elements, own = making->ideal->elements, count = 0;
    enum es_status status = es_making_oscillates(making, &es_compensation, error);
    for (size_t i = 0; i < elements && status == ES_OK; i++) {
        const struct es_element *e = &making->net->element[i];
        bool added = i >= own && e->kind == &es_conductance;
        double series = i < own ? series_loss(making, i) : 0;
        if (!added && series == 0)
            continue;
        struct es_element *gain = es_making_add(making, &es_conductance, "undo", i, e->p, e->n);
        if (added)
            es_element_follow(gain, 0, &making->net->element[i], 0, -part);
        else
            gain->value[0] = -part * series;
        count++;
    }
    return status == ES_OK && !count ? es_making_nothing(making, &es_compensation, "loss by q-parallel, q-series or gain", error) : status;
}

const struct es_nonideality es_q_parallel = {
    .row = {"q-parallel", "quality at w0 of every capacitor: a conductance w0 C / Q beside it, which follows C", "Q = w C / G"},
    .unit = "", .ideal = INFINITY, .min = 1e-3, .max = 1e15, .at_w0 = true, .make = lose_parallel,
};

const struct es_nonideality es_q_series = {
    .row = {"q-series", "quality at w0 of every inductor, a resistance w0 L / Q in series, and of every gyrator, a leakage w0 CL / Q at CL", "Q = w L / R"},
    .unit = "", .ideal = INFINITY, .min = 1e-3, .max = 1e15, .at_w0 = true, .make = lose_series,
};

const struct es_nonideality es_compensation = {
    .row = {"compensation",
            "a mitigation: the part of the losses by q-parallel, q-series and gain that negative conductances at the nodes undo (of series losses as they are at w0)",
            "cross-coupled pairs"},
    .unit = "", .ideal = 0, .min = 0, .max = 2, .at_w0 = true, .make = compensate,
};
