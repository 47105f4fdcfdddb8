// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// The state at t = 0, and how it depends on the parameters.
#include "net/lagrangian.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { FLUX, VOLTAGE, CHARGE }; // quantities of es_initial

static bool charges_held(const struct es_network *net) {
    for (size_t e = 0; e < net->elements; e++)
        if (net->element[e].kind->term == ES_INITIAL && !isnan(net->element[e].value[CHARGE]))
            return true;
    return false;
}

// A quantity of an <initial>: 0 if it is not given, per volt of its channel if it has one.
static double given(const struct es_model *model, size_t e, size_t quantity, const double *x) {
    double value = model->q[e][quantity];
    int channel = model->net->element[e].channel;
    return isnan(value) ? 0 : channel >= 0 ? value * x[channel] : value;
}

enum es_status es_model_start(const struct es_model *model, const double *x, double *flux, double *voltage, double *offset,
                              struct es_error *error) {
    const struct es_network *net = model->net;
    bool charges = charges_held(net);
    double *held = calloc(net->nodes + 1, sizeof *held), unused[ES_QUANTITIES];
    if (!held)
        return es_fail(error, ES_NO_RESOURCE, "out of memory");
    memset(flux, 0, net->nodes * sizeof *flux);
    for (size_t e = 0; e < net->elements; e++)
        if (net->element[e].kind->term == ES_INITIAL) {
            flux[net->element[e].p] = given(model, e, FLUX, x);
            held[net->element[e].p] = given(model, e, charges ? CHARGE : VOLTAGE, x);
        }
    for (size_t e = 0; e < net->elements; e++) {
        const struct es_element *element = &net->element[e];
        offset[e] = es_element_own_state(element) ? element->kind->initial_flux(model->q[e], unused) - es_across(element, flux) : 0;
    }
    memcpy(voltage, held, net->nodes * sizeof *voltage);
    for (size_t i = 0; i < net->nodes; i++)
        if (net->node[i].source >= 0)
            voltage[i] = model->k[net->node[i].source] * x[net->element[net->node[i].source].channel];
    enum es_status status = charges ? es_model_velocity(model, held, voltage, error) : ES_OK;
    free(held);
    return status;
}

static void offset_slope(const struct es_model *model, size_t e, double to_offset, double *to_flux, double *slope) {
    const struct es_element *element = &model->net->element[e];
    double dpsi[ES_QUANTITIES] = {0};
    element->kind->initial_flux(model->q[e], dpsi);
    for (size_t i = 0; i < ES_QUANTITIES; i++)
        es_element_add_slope(element, i, to_offset * dpsi[i], slope);
    es_add_across(element, to_flux, -to_offset);
}

void es_model_start_slope(const struct es_model *model, const double *voltage, const double *to_flux, const double *to_charge,
                          const double *to_offset, double *slope) {
    const struct es_network *net = model->net;
    struct es_arena *arena = es_arena_new();
    double *flux = ES_NEW(arena, net->nodes, double), *weighted = ES_NEW(arena, net->nodes, double);
    memcpy(flux, to_flux, net->nodes * sizeof *flux);
    for (size_t e = 0; e < net->elements; e++)
        if (es_element_own_state(&net->element[e]))
            offset_slope(model, e, to_offset[e], flux, slope);
    bool charges = charges_held(net);
    es_model_momentum(model, to_charge, weighted); // dp/dv = M
    for (size_t e = 0; e < net->elements; e++) {
        const struct es_element *element = &net->element[e];
        if (element->kind->term != ES_INITIAL)
            continue;
        es_element_add_slope(element, FLUX, flux[element->p], slope);
        if (charges)
            es_element_add_slope(element, CHARGE, to_charge[element->p], slope);
        else if (net->node[element->p].source < 0)
            es_element_add_slope(element, VOLTAGE, weighted[element->p], slope);
    }
    if (!charges)
        es_model_mass_slope(model, to_charge, voltage, slope);
    es_arena_free(arena);
}
