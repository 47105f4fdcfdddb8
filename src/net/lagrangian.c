// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
#include "net/lagrangian.h"

#include <gsl/gsl_errno.h>
#include <gsl/gsl_linalg.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static void add(const struct es_element *e, double *a, double value) {
    if (e->p >= 0)
        a[e->p] += value;
    if (e->n >= 0)
        a[e->n] -= value;
}

static double branch_lagrangian(const struct es_element *e, double k, double psi, double v, double x) {
    return e->kind->coefficient ? k * es_element_dlagrangian(e, psi, v, x) : 0;
}

double es_element_dlagrangian(const struct es_element *e, double psi, double v, double x) {
    switch (e->kind->term) {
    case ES_KINETIC:
        return v * v / 2;
    case ES_POTENTIAL:
        return -psi * psi / 2;
    case ES_DRIVE:
        return x * psi;
    case ES_DISSIPATION:
    case ES_READOUT:
        break;
    }
    return 0;
}

double es_lagrangian(const struct es_network *net, const double *k, const double *phi, const double *v, const double *x) {
    double sum = 0;
    for (size_t i = 0; i < net->elements; i++) {
        const struct es_element *e = &net->element[i];
        double input = e->kind->term == ES_DRIVE ? x[e->channel] : 0;
        sum += branch_lagrangian(e, k[i], es_across(e, phi), es_across(e, v), input);
    }
    return sum;
}

void es_lagrangian_force(const struct es_network *net, const double *k, const double *phi, const double *v, const double *x,
                         double *force) {
    memset(force, 0, net->nodes * sizeof *force);
    for (size_t i = 0; i < net->elements; i++) {
        const struct es_element *e = &net->element[i];
        if (e->kind->term == ES_POTENTIAL)
            add(e, force, -k[i] * es_across(e, phi));
        else if (e->kind->term == ES_DRIVE)
            add(e, force, k[i] * x[e->channel]);
        else if (e->kind->term == ES_DISSIPATION)
            add(e, force, -k[i] * es_across(e, v));
    }
}

void es_lagrangian_momentum(const struct es_network *net, const double *k, const double *v, double *p) {
    memset(p, 0, net->nodes * sizeof *p);
    for (size_t i = 0; i < net->elements; i++)
        if (net->element[i].kind->term == ES_KINETIC)
            add(&net->element[i], p, k[i] * es_across(&net->element[i], v));
}

void es_network_matrix(const struct es_network *net, const double *k, enum es_term term, double *matrix) {
    size_t n = net->nodes;
    memset(matrix, 0, n * n * sizeof *matrix);
    for (size_t i = 0; i < net->elements; i++) {
        const struct es_element *e = &net->element[i];
        if (e->kind->term != term)
            continue;
        if (e->p >= 0)
            add(e, matrix + (size_t)e->p * n, k[i]);
        if (e->n >= 0)
            add(e, matrix + (size_t)e->n * n, -k[i]);
    }
}

enum es_status es_lagrangian_velocity(const struct es_network *net, const double *k, const double *p, double *v, struct es_error *error) {
    size_t n = net->nodes;
    double *mass = malloc((n * n + 1) * sizeof *mass);
    if (!mass)
        return es_fail(error, ES_NO_RESOURCE, "out of memory for a mass matrix of %zu nodes", n);
    es_network_matrix(net, k, ES_KINETIC, mass);
    gsl_error_handler_t *handler = gsl_set_error_handler_off();
    gsl_matrix_view m = gsl_matrix_view_array(mass, n, n);
    gsl_vector_const_view charge = gsl_vector_const_view_array(p, n);
    gsl_vector_view voltage = gsl_vector_view_array(v, n);
    int failed = gsl_linalg_cholesky_decomp1(&m.matrix) || gsl_linalg_cholesky_solve(&m.matrix, &charge.vector, &voltage.vector);
    gsl_set_error_handler(handler);
    free(mass);
    if (failed)
        return es_fail(error, ES_BAD_INPUT, "network \"%s\": the mass matrix is singular; give every node a capacitor to ground", net->name);
    return ES_OK;
}

double es_hamiltonian(const struct es_network *net, const double *k, const double *phi, const double *p, const double *x) {
    double *v = calloc(net->nodes + 1, sizeof *v), h = NAN;
    if (v && es_lagrangian_velocity(net, k, p, v, NULL) == ES_OK) {
        h = -es_lagrangian(net, k, phi, v, x);
        for (size_t i = 0; i < net->nodes; i++)
            h += p[i] * v[i];
    }
    free(v);
    return h;
}

double es_network_energy(const struct es_network *net, const double *k, const double *phi, const double *v) {
    double sum = 0;
    for (size_t i = 0; i < net->elements; i++) {
        const struct es_element *e = &net->element[i];
        double a = e->kind->term == ES_KINETIC ? es_across(e, v) : e->kind->term == ES_POTENTIAL ? es_across(e, phi) : 0;
        sum += k[i] * a * a / 2;
    }
    return sum;
}
