// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
#include "net/network.h"

#include <math.h>

void es_network_free(struct es_network *net) {
    if (net)
        es_arena_free(net->arena);
}

void es_network_start(const struct es_network *net, double *theta) {
    for (size_t i = 0; i < net->parameters; i++)
        theta[i] = net->element[net->parameter[i].element].value[net->parameter[i].quantity];
}

void es_element_follow(struct es_element *e, size_t quantity, const struct es_element *from, size_t of, double factor) {
    bool trained = from->parameter[of] != ES_FIXED;
    e->parameter[quantity] = from->parameter[of];
    e->value[quantity] = trained ? from->value[of] : factor * from->value[of];
    e->scale[quantity] = trained ? factor * es_element_scale(from, of) : 0;
}

void es_element_values(const struct es_network *net, const double *theta, size_t e, double *q) {
    const struct es_element *element = &net->element[e];
    for (size_t i = 0; i < ES_QUANTITIES; i++)
        q[i] = element->parameter[i] == ES_FIXED ? element->value[i] : es_element_scale(element, i) * theta[element->parameter[i]];
}

bool es_network_has(const struct es_network *net, enum es_term term) {
    for (size_t e = 0; e < net->elements; e++)
        if (net->element[e].kind->term == term)
            return true;
    return false;
}

bool es_network_couples(const struct es_network *net, size_t e) {
    for (size_t i = 0; i < net->elements; i++)
        if (net->element[i].kind->term == ES_COUPLING && (net->element[i].first == e || net->element[i].second == e))
            return true;
    return false;
}

bool es_element_own_state(const struct es_element *element) {
    return element->kind->initial_flux && !isnan(element->value[element->kind->initial]);
}

// An optional quantity: what is 0 is as absent.
static bool acts(const struct es_element *element, size_t quantity) {
    return quantity && !isnan(element->value[quantity]) && element->value[quantity] != 0;
}

bool es_element_decays(const struct es_element *element) {
    return acts(element, element->kind->loss);
}

bool es_element_drifts(const struct es_element *element) {
    return acts(element, element->kind->drift);
}

double es_parameter_value(const struct es_network *net, size_t i, double u) {
    const struct es_parameter *p = &net->parameter[i];
    return p->coordinate->value(u, p->min, p->max);
}

double es_parameter_coordinate(const struct es_network *net, size_t i, double theta) {
    const struct es_parameter *p = &net->parameter[i];
    return p->coordinate->inverse(theta, p->min, p->max);
}

double es_parameter_slope(const struct es_network *net, size_t i, double theta) {
    const struct es_parameter *p = &net->parameter[i];
    return p->coordinate->slope(theta, p->min, p->max);
}

static double log_value(double u, double min, double max) {
    return fmin(fmax(exp(u), min), max);
}

static double log_inverse(double theta, double min, double max) {
    return log(fmin(fmax(theta, min), max));
}

static double log_slope(double theta, double min, double max) {
    (void)min, (void)max;
    return theta;
}

const struct es_coordinate es_log = {
    .row = {"log", "theta = exp(u), held within its bounds", "Adam on ln theta"},
    .positive = true,
    .value = log_value,
    .inverse = log_inverse,
    .slope = log_slope,
};

// theta = min + (max - min) / (1 + exp(-u))
static double logistic_value(double u, double min, double max) {
    return min + (max - min) / (1 + exp(-u));
}

static double logistic_inverse(double theta, double min, double max) {
    double s = fmin(fmax((theta - min) / (max - min), 1e-9), 1 - 1e-9);
    return log(s / (1 - s));
}

static double logistic_slope(double theta, double min, double max) {
    return fmax((theta - min) * (max - theta) / (max - min), 1e-9 * (max - min)); // as value() and inverse() keep off the bounds
}

const struct es_coordinate es_logistic = {
    .row = {"logistic", "theta = min + (max - min) / (1 + exp(-u))", "bounds by a smooth map"},
    .value = logistic_value,
    .inverse = logistic_inverse,
    .slope = logistic_slope,
};

const struct es_row *const es_coordinates[] = {&es_log.row, &es_logistic.row, NULL};

struct es_network *es_network_damped(const struct es_network *net, const double *theta, double gamma, struct es_arena *arena) {
    struct es_network *damped = ES_NEW(arena, 1, struct es_network);
    *damped = *net;
    damped->element = ES_NEW(arena, 2 * net->elements, struct es_element);
    for (size_t e = 0; e < net->elements; e++)
        damped->element[e] = net->element[e];
    for (size_t e = 0; e < net->elements; e++) {
        struct es_element loss = net->element[e];
        double q[ES_QUANTITIES];
        if (loss.kind->term != ES_KINETIC)
            continue;
        es_element_values(net, theta, e, q);
        loss.name = es_arena_printf(arena, "loss.%zu", e);
        loss.kind = &es_conductance;
        loss.value[0] = gamma * q[0];
        loss.parameter[0] = ES_FIXED;
        damped->element[damped->elements++] = loss;
    }
    return damped;
}
