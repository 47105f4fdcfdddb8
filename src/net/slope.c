// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// Derivatives of forces, charges and the Lagrangian to the parameters.
#include "net/coupling.h"

#include <math.h>

// Adds value dk/dq to the parameters of element e.
static void add_coefficient_slope(const struct es_model *model, size_t e, double value, double *slope) {
    const struct es_element *element = &model->net->element[e];
    double dk[ES_QUANTITIES] = {0};
    element->kind->slope(model->q[e], dk);
    for (size_t i = 0; i < ES_QUANTITIES; i++)
        es_element_add_slope(element, i, value * dk[i], slope);
}

static void add_cross(const struct es_model *model, size_t e, double psi, double value, double *slope) {
    const struct es_element *element = &model->net->element[e];
    double di[ES_QUANTITIES] = {0};
    element->kind->potential->cross(model->q[e], psi, di);
    for (size_t i = 0; i < ES_QUANTITIES; i++)
        es_element_add_slope(element, i, value * di[i], slope);
}

// Current of inductor e of a coupled group at the branch fluxes of phi: (L^-1 psi)_e.
static double coupled_current(const struct es_model *model, size_t e, const double *phi, const double *o) {
    double current = model->k[e] * es_model_flux(model, e, phi, o);
    for (size_t i = 0; i < model->pairs; i++)
        if (model->pair[i].a == e || model->pair[i].b == e)
            current += model->pair[i].gamma * es_model_flux(model, model->pair[i].a == e ? model->pair[i].b : model->pair[i].a, phi, o);
    return current;
}

// dF = sum a_l (L^-1 dL L^-1 psi)_l: with currents i at psi and j at q, q' dF/dtheta = j' dL i. dL_ab and dL_ba = value times the change of the
// first quantity of `trained`.
static void add_inductance(const struct es_model *model, size_t a, size_t b, double value, const double *phi, const double *o, const double *q,
                           const struct es_element *trained, double *slope) {
    if (trained->parameter[0] == ES_FIXED)
        return;
    double i = coupled_current(model, a, q, NULL) * coupled_current(model, b, phi, o);
    double j = a == b ? 0 : coupled_current(model, b, q, NULL) * coupled_current(model, a, phi, o);
    es_element_add_slope(trained, 0, value * (i + j), slope);
}

// M = k sqrt(L_1 L_2): dM/dk = M / k, dM/dL_1 = M / (2 L_1)
static void coupling_slope(const struct es_model *model, size_t e, const double *phi, const double *o, const double *q, double *slope) {
    const struct es_element *c = &model->net->element[e], *first = &model->net->element[c->first], *second = &model->net->element[c->second];
    double product = sqrt(model->q[c->first][0] * model->q[c->second][0]), m = model->q[e][0] * product;
    add_inductance(model, c->first, c->second, product, phi, o, q, c, slope);
    add_inductance(model, c->first, c->second, m / (2 * model->q[c->first][0]), phi, o, q, first, slope);
    add_inductance(model, c->first, c->second, m / (2 * model->q[c->second][0]), phi, o, q, second, slope);
}

void es_model_force_slope(const struct es_model *model, const double *phi, const double *x, const double *o, const double *q, double *slope) {
    const struct es_network *net = model->net;
    for (size_t e = 0; e < net->elements; e++) {
        const struct es_element *element = &net->element[e];
        double psi = es_model_flux(model, e, phi, o), aq = es_across(element, q);
        if (element->kind->term == ES_COUPLING)
            coupling_slope(model, e, phi, o, q, slope);
        else if (element->kind->potential)
            add_cross(model, e, psi, -aq, slope);
        else if (element->kind->term == ES_POTENTIAL && model->coupled[e])
            add_inductance(model, e, e, 1, phi, o, q, element, slope);
        else if (element->kind->term == ES_POTENTIAL)
            add_coefficient_slope(model, e, -aq * psi, slope);
        else if (element->kind->term == ES_DRIVE)
            add_coefficient_slope(model, e, aq * x[element->channel], slope);
        else if (element->kind->term == ES_BIAS)
            add_coefficient_slope(model, e, aq, slope);
    }
}

void es_model_mass_slope(const struct es_model *model, const double *q, const double *w, double *slope) {
    const struct es_network *net = model->net;
    for (size_t e = 0; e < net->elements; e++)
        if (net->element[e].kind->term == ES_KINETIC)
            add_coefficient_slope(model, e, es_across(&net->element[e], q) * es_across(&net->element[e], w), slope);
}

void es_model_loss_slope(const struct es_model *model, const double *q, const double *v, double *slope) {
    const struct es_network *net = model->net;
    for (size_t e = 0; e < net->elements; e++)
        if (net->element[e].kind->term == ES_DISSIPATION)
            add_coefficient_slope(model, e, -es_across(&net->element[e], q) * es_across(&net->element[e], v), slope);
}

void es_model_decay_slope(const struct es_model *model, const double *value, double *slope) {
    for (size_t e = 0; e < model->net->elements; e++) {
        const struct es_element *element = &model->net->element[e];
        if (!es_element_decays(element))
            continue;
        size_t loss = element->kind->loss, store = element->kind->store;
        es_element_add_slope(element, loss, value[e] / model->q[e][store], slope);
        es_element_add_slope(element, store, -value[e] * model->decay[e] / model->q[e][store], slope);
    }
}

static struct es_observable see(enum es_signal signal, size_t element) {
    return (struct es_observable){.signal = signal, .element = element};
}

static struct es_share currents(double weight, size_t a, size_t b) {
    return (struct es_share){weight, see(ES_SIGNAL_CURRENT, a), see(ES_SIGNAL_CURRENT, b)};
}

// -dU/dL_e = i_e^2 / 2 + sum over the partners M / (2 L_e) i_e i_partner
static size_t inductance_shares(const struct es_model *model, size_t e, struct es_share *share) {
    const struct es_network *net = model->net;
    size_t count = 0;
    share[count++] = currents(0.5, e, e);
    for (size_t c = 0; c < net->elements; c++) {
        const struct es_element *coupling = &net->element[c];
        if (coupling->kind->term == ES_COUPLING && (coupling->first == e || coupling->second == e))
            share[count++] = currents(es_mutual_inductance(model, c) / (2 * model->q[e][0]), coupling->first, coupling->second);
    }
    return count;
}

static size_t potential_shares(const struct es_model *model, size_t e, size_t quantity, double dk, struct es_share *share) {
    const struct es_element *element = &model->net->element[e];
    const struct es_element_kind *kind = element->kind;
    if (quantity && ((quantity == kind->initial && kind->initial_flux) || quantity == kind->loss || quantity == kind->drift))
        return 0; // they act through the offset alone
    if (element->kind->potential) {
        share[0] = (struct es_share){-1, {ES_SIGNAL_SLOPE, e, quantity}, see(ES_SIGNAL_ONE, e)};
        return 1;
    }
    if (model->coupled[e])
        return inductance_shares(model, e, share);
    share[0] = (struct es_share){-dk / 2, see(ES_SIGNAL_FLUX, e), see(ES_SIGNAL_FLUX, e)};
    return 1;
}

// dL/dq of one quantity of element e.
static size_t quantity_shares(const struct es_model *model, size_t e, size_t quantity, struct es_share *share) {
    const struct es_element *element = &model->net->element[e];
    double dk[ES_QUANTITIES] = {0};
    if (element->kind->slope)
        element->kind->slope(model->q[e], dk);
    switch (element->kind->term) {
    case ES_KINETIC:
        share[0] = (struct es_share){dk[quantity] / 2, see(ES_SIGNAL_VOLTAGE, e), see(ES_SIGNAL_VOLTAGE, e)};
        return 1;
    case ES_POTENTIAL:
    case ES_SENSING:
        return potential_shares(model, e, quantity, dk[quantity], share);
    case ES_DRIVE:
        share[0] = (struct es_share){dk[quantity], see(ES_SIGNAL_INPUT, e), see(ES_SIGNAL_FLUX, e)};
        return 1;
    case ES_BIAS:
        share[0] = (struct es_share){dk[quantity], see(ES_SIGNAL_ONE, e), see(ES_SIGNAL_FLUX, e)};
        return 1;
    case ES_COUPLING:
        share[0] = currents(sqrt(model->q[element->first][0] * model->q[element->second][0]), element->first, element->second);
        return 1;
    case ES_SOURCE:
    case ES_DISSIPATION:
    case ES_RECTIFYING:
    case ES_AMPLIFYING:
    case ES_SKEW:
    case ES_READOUT:
    case ES_INITIAL:
    case ES_FINAL:
        break;
    }
    return 0;
}

size_t es_model_shares(const struct es_model *model, size_t i, struct es_share *share) {
    const struct es_parameter *p = &model->net->parameter[i];
    size_t shares = quantity_shares(model, p->element, p->quantity, share);
    for (size_t s = 0; s < shares; s++)
        share[s].weight *= es_element_scale(&model->net->element[p->element], p->quantity);
    return shares;
}

size_t es_model_shares_most(const struct es_model *model) {
    size_t couplings = 0;
    for (size_t e = 0; e < model->net->elements; e++)
        couplings += model->net->element[e].kind->term == ES_COUPLING;
    return 1 + couplings;
}

// What is seen at the state.
static double observe(const struct es_model *model, struct es_observable s, const double *phi, const double *v, const double *x, const double *o,
                      const double *current) {
    const struct es_element *element = &model->net->element[s.element];
    double psi = es_model_flux(model, s.element, phi, o), du[ES_QUANTITIES] = {0};
    switch (s.signal) {
    case ES_SIGNAL_ONE:
        return 1;
    case ES_SIGNAL_FLUX:
        return psi;
    case ES_SIGNAL_VOLTAGE:
        return es_across(element, v);
    case ES_SIGNAL_CURRENT:
        return current[s.element];
    case ES_SIGNAL_SLOPE:
        element->kind->potential->slope(model->q[s.element], psi, du);
        return du[s.quantity];
    case ES_SIGNAL_INPUT:
        return x[element->channel];
    case ES_SIGNAL_FLUX_ERROR:
    case ES_SIGNAL_VOLTAGE_ERROR:
        break; // of costs, in no share
    }
    return 0;
}

void es_model_lagrangian_slope(const struct es_model *model, const double *phi, const double *v, const double *x, const double *o,
                               const double *current, double *slope) {
    const struct es_network *net = model->net;
    struct es_share share[1 + ES_MAX_COUPLINGS];
    for (size_t e = 0; e < net->elements; e++)
        for (size_t q = 0; net->element[e].kind->quantity[q].name; q++) {
            size_t shares = net->element[e].parameter[q] != ES_FIXED ? quantity_shares(model, e, q, share) : 0;
            for (size_t s = 0; s < shares; s++)
                es_element_add_slope(&net->element[e], q, share[s].weight * observe(model, share[s].a, phi, v, x, o, current) *
                                                              observe(model, share[s].b, phi, v, x, o, current), slope);
        }
}
