// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
#include "net/coupling.h"

#include <gsl/gsl_errno.h>
#include <gsl/gsl_linalg.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum es_status es_model_new(const struct es_network *net, const double *theta, struct es_arena *arena, struct es_model *model,
                            struct es_error *error) {
    *model = (struct es_model){.net = net, .theta = theta, .k = ES_NEW(arena, net->elements, double), .coupled = ES_NEW(arena, net->elements, bool)};
    model->q = es_arena_alloc(arena, net->elements, sizeof *model->q);
    model->decay = ES_NEW(arena, net->elements, double);
    model->drift = ES_NEW(arena, net->elements, double);
    for (size_t e = 0; e < net->elements; e++) {
        es_element_values(net, theta, e, model->q[e]);
        if (net->element[e].kind->coefficient)
            model->k[e] = net->element[e].kind->coefficient(model->q[e]);
        if (es_element_decays(&net->element[e]))
            model->decay[e] = model->q[e][net->element[e].kind->loss] / model->q[e][net->element[e].kind->store];
        if (es_element_drifts(&net->element[e]))
            model->drift[e] = model->q[e][net->element[e].kind->drift];
    }
    return es_couple(model, arena, error);
}

double es_model_flux_rate(const struct es_model *model, size_t e, double psi, double v) {
    const struct es_element_kind *kind = model->net->element[e].kind;
    double slope;
    return (kind->sense ? kind->sense(model->q[e], v, &slope) : v) - model->decay[e] * psi + model->drift[e];
}

// ---- energies and forces ---------------------------------------------------------------------------------------------

static double potential_energy(const struct es_model *model, const double *phi, const double *o) {
    const struct es_network *net = model->net;
    double sum = 0;
    for (size_t e = 0; e < net->elements; e++) {
        const struct es_element_kind *kind = net->element[e].kind;
        if (kind->term != ES_POTENTIAL && kind->term != ES_SENSING)
            continue;
        double psi = es_model_flux(model, e, phi, o);
        sum += kind->potential ? kind->potential->energy(model->q[e], psi) : model->k[e] * psi * psi / 2;
    }
    for (size_t i = 0; i < model->pairs; i++)
        sum += model->pair[i].gamma * es_model_flux(model, model->pair[i].a, phi, o) * es_model_flux(model, model->pair[i].b, phi, o);
    return sum;
}

static double kinetic_energy(const struct es_model *model, const double *v) {
    const struct es_network *net = model->net;
    double sum = 0;
    for (size_t e = 0; e < net->elements; e++)
        if (net->element[e].kind->term == ES_KINETIC)
            sum += model->k[e] * pow(es_across(&net->element[e], v), 2) / 2;
    return sum;
}

double es_model_energy(const struct es_model *model, const double *phi, const double *v, const double *o) {
    return kinetic_energy(model, v) + potential_energy(model, phi, o);
}

double es_model_lagrangian(const struct es_model *model, const double *phi, const double *v, const double *x, const double *o) {
    const struct es_network *net = model->net;
    double sum = kinetic_energy(model, v) - potential_energy(model, phi, o);
    for (size_t e = 0; e < net->elements; e++)
        if (net->element[e].kind->term == ES_DRIVE)
            sum += model->k[e] * x[net->element[e].channel] * es_across(&net->element[e], phi);
        else if (net->element[e].kind->term == ES_BIAS)
            sum += model->k[e] * es_across(&net->element[e], phi);
    return sum;
}

void es_model_currents(const struct es_model *model, const double *phi, const double *o, double *current) {
    const struct es_network *net = model->net;
    for (size_t e = 0; e < net->elements; e++) {
        const struct es_element_kind *kind = net->element[e].kind;
        double psi = es_model_flux(model, e, phi, o);
        current[e] = 0;
        if (kind->potential)
            kind->potential->current(model->q[e], 1, &psi, &current[e], NULL);
        else if (kind->term == ES_POTENTIAL || kind->term == ES_SENSING)
            current[e] = model->k[e] * psi;
    }
    for (size_t i = 0; i < model->pairs; i++) {
        struct es_pair pair = model->pair[i];
        current[pair.a] += pair.gamma * es_model_flux(model, pair.b, phi, o);
        current[pair.b] += pair.gamma * es_model_flux(model, pair.a, phi, o);
    }
}

void es_model_force(const struct es_model *model, const double *phi, const double *v, const double *x, const double *o, double *force) {
    const struct es_network *net = model->net;
    double *current = malloc((net->elements + 1) * sizeof *current);
    memset(force, 0, net->nodes * sizeof *force);
    if (current)
        es_model_currents(model, phi, o, current);
    for (size_t e = 0; e < net->elements; e++) {
        const struct es_element *element = &net->element[e];
        double into = current ? -current[e] : NAN;
        if (element->kind->term == ES_DRIVE)
            into += model->k[e] * x[element->channel];
        else if (element->kind->term == ES_BIAS)
            into += model->k[e];
        else if (element->kind->term == ES_DISSIPATION)
            into -= model->k[e] * es_across(element, v);
        es_add_across(element, force, into);
    }
    free(current);
}

void es_model_momentum(const struct es_model *model, const double *v, double *p) {
    const struct es_network *net = model->net;
    memset(p, 0, net->nodes * sizeof *p);
    for (size_t e = 0; e < net->elements; e++)
        if (net->element[e].kind->term == ES_KINETIC)
            es_add_across(&net->element[e], p, model->k[e] * es_across(&net->element[e], v));
}

// ---- matrices --------------------------------------------------------------------------------------------------------

// matrix += value a_e a_f'
static void stamp(const struct es_network *net, size_t e, size_t f, double value, double *matrix) {
    const struct es_element *row = &net->element[e], *column = &net->element[f];
    if (row->p >= 0)
        es_add_across(column, matrix + (size_t)row->p * net->nodes, value);
    if (row->n >= 0)
        es_add_across(column, matrix + (size_t)row->n * net->nodes, -value);
}

// matrix = the sum of k a a' over the elements of that term.
static void stamp_term(const struct es_model *model, enum es_term term, double *matrix) {
    const struct es_network *net = model->net;
    memset(matrix, 0, net->nodes * net->nodes * sizeof *matrix);
    for (size_t e = 0; e < net->elements; e++)
        if (net->element[e].kind->term == term)
            stamp(net, e, e, model->k[e], matrix);
}

void es_model_mass(const struct es_model *model, double *matrix) {
    stamp_term(model, ES_KINETIC, matrix);
}

void es_model_conductance(const struct es_model *model, double *matrix) {
    stamp_term(model, ES_DISSIPATION, matrix);
}

void es_model_stiffness(const struct es_model *model, const double *phi, const double *o, double *matrix) {
    const struct es_network *net = model->net;
    memset(matrix, 0, net->nodes * net->nodes * sizeof *matrix);
    for (size_t e = 0; e < net->elements; e++) {
        const struct es_element_kind *kind = net->element[e].kind;
        double stiffness = model->k[e], current, psi;
        if (kind->term != ES_POTENTIAL && kind->term != ES_SENSING)
            continue;
        if (kind->potential && phi) {
            psi = es_model_flux(model, e, phi, o);
            kind->potential->current(model->q[e], 1, &psi, &current, &stiffness);
        }
        stamp(net, e, e, stiffness, matrix);
    }
    for (size_t i = 0; i < model->pairs; i++) {
        stamp(net, model->pair[i].a, model->pair[i].b, model->pair[i].gamma, matrix);
        stamp(net, model->pair[i].b, model->pair[i].a, model->pair[i].gamma, matrix);
    }
}

// Makes the rows and columns of sources' nodes those of the identity.
static void hold_sources(const struct es_network *net, double *matrix) {
    for (size_t i = 0; i < net->nodes; i++)
        for (size_t j = 0; j < net->nodes; j++)
            if (net->node[i].source >= 0 || net->node[j].source >= 0)
                matrix[i * net->nodes + j] = i == j;
}

enum es_status es_model_velocity_of(const struct es_network *net, double *mass, const double *p, double *v, struct es_error *error) {
    size_t n = net->nodes;
    double *charge = malloc((n + 1) * sizeof *charge);
    if (!charge)
        return es_fail(error, ES_NO_RESOURCE, "out of memory");
    for (size_t i = 0; i < n; i++) {
        charge[i] = net->node[i].source >= 0 ? v[i] : p[i];
        for (size_t j = 0; j < n; j++) // what the sources alone put there
            charge[i] -= net->node[i].source < 0 && net->node[j].source >= 0 ? mass[i * n + j] * v[j] : 0;
    }
    hold_sources(net, mass);
    gsl_error_handler_t *handler = gsl_set_error_handler_off();
    gsl_matrix_view m = gsl_matrix_view_array(mass, n, n);
    gsl_vector_view right = gsl_vector_view_array(charge, n), voltage = gsl_vector_view_array(v, n);
    int failed = gsl_linalg_cholesky_decomp1(&m.matrix) || gsl_linalg_cholesky_solve(&m.matrix, &right.vector, &voltage.vector);
    gsl_set_error_handler(handler);
    free(charge);
    if (failed)
        return es_fail(error, ES_BAD_INPUT, "network \"%s\": the mass matrix is singular; give every node a capacitor to ground", net->name);
    return ES_OK;
}

enum es_status es_model_velocity(const struct es_model *model, const double *p, double *v, struct es_error *error) {
    size_t n = model->net->nodes;
    double *mass = malloc((n * n + 1) * sizeof *mass);
    if (!mass)
        return es_fail(error, ES_NO_RESOURCE, "out of memory for a mass matrix of %zu nodes", n);
    es_model_mass(model, mass);
    enum es_status status = es_model_velocity_of(model->net, mass, p, v, error);
    free(mass);
    return status;
}
