// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
#include "net/modes.h"

#include <gsl/gsl_eigen.h>
#include <gsl/gsl_errno.h>
#include <math.h>

// Scales K and M to unit mean diagonal, so that GSL sees numbers near 1. Returns the unit of omega^2 that this leaves.
static double scale(double *k, double *m, size_t n) {
    double sk = 0, sm = 0;
    for (size_t i = 0; i < n; i++) {
        sk += fabs(k[i * n + i]);
        sm += m[i * n + i];
    }
    sk = sk > 0 ? sk / (double)n : 1;
    sm = sm / (double)n;
    for (size_t i = 0; i < n * n; i++) {
        k[i] /= sk;
        m[i] /= sm;
    }
    return sk / sm;
}

static int solve(double *k, double *m, size_t n, struct es_modes *modes) {
    gsl_matrix_view stiffness = gsl_matrix_view_array(k, n, n), mass = gsl_matrix_view_array(m, n, n);
    gsl_vector *value = gsl_vector_alloc(n);
    gsl_matrix *vector = gsl_matrix_alloc(n, n);
    gsl_eigen_gensymmv_workspace *work = gsl_eigen_gensymmv_alloc(n);
    int failed = gsl_eigen_gensymmv(&stiffness.matrix, &mass.matrix, value, vector, work);
    if (!failed)
        gsl_eigen_gensymmv_sort(value, vector, GSL_EIGEN_SORT_VAL_ASC);
    for (size_t i = 0; i < n && !failed; i++) {
        modes->omega[i] = gsl_vector_get(value, i);
        for (size_t j = 0; j < n; j++)
            modes->shape[i * n + j] = gsl_matrix_get(vector, j, i);
    }
    gsl_eigen_gensymmv_free(work);
    gsl_matrix_free(vector);
    gsl_vector_free(value);
    return failed;
}

// A source's node does not move: its rows and columns are 0 in K, and in M those of a capacitor of the mean size.
static void hold_sources(const struct es_network *net, double *k, double *m) {
    size_t n = net->nodes;
    double mean = 0;
    for (size_t i = 0; i < n; i++)
        mean += m[i * n + i] / (double)n;
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++)
            if (net->node[i].source >= 0 || net->node[j].source >= 0) {
                k[i * n + j] = 0;
                m[i * n + j] = i == j ? mean : 0;
            }
}

// Scales a shape so that x' M x = 1 with M in farad; that of a source's node stays as it is.
static void normalise(const struct es_network *net, const double *k, double *x) {
    double norm = 0;
    for (size_t i = 0; i < net->elements; i++)
        if (net->element[i].kind->term == ES_KINETIC)
            norm += k[i] * pow(es_across(&net->element[i], x), 2);
    for (size_t i = 0; i < net->nodes && norm > 0; i++)
        x[i] /= sqrt(norm);
}

enum es_status es_modes(const struct es_model *model, struct es_arena *arena, struct es_modes *modes, struct es_error *error) {
    const struct es_network *net = model->net;
    size_t n = net->nodes;
    double *stiffness = ES_NEW(arena, n * n, double), *mass = ES_NEW(arena, n * n, double);
    *modes = (struct es_modes){n, ES_NEW(arena, n, double), ES_NEW(arena, n * n, double)};
    es_model_stiffness(model, NULL, NULL, stiffness);
    es_model_mass(model, mass);
    hold_sources(net, stiffness, mass);
    double unit = scale(stiffness, mass, n);
    gsl_error_handler_t *handler = gsl_set_error_handler_off();
    int failed = solve(stiffness, mass, n, modes);
    gsl_set_error_handler(handler);
    if (failed)
        return es_fail(error, ES_BAD_INPUT, "network \"%s\": the mass matrix is singular; give every node a capacitor to ground", net->name);
    for (size_t i = 0; i < n; i++) {
        modes->omega[i] = sqrt(fmax(modes->omega[i], 0) * unit);
        normalise(net, model->k, modes->shape + i * n);
    }
    return ES_OK;
}

double es_modes_fastest(const struct es_network *net, const double *theta) {
    struct es_arena *arena = es_arena_new();
    double fastest = NAN;
    struct es_model model;
    struct es_modes modes;
    if (net->nodes && es_model_new(net, theta, arena, &model, NULL) == ES_OK && es_modes(&model, arena, &modes, NULL) == ES_OK)
        fastest = modes.omega[net->nodes - 1];
    es_arena_free(arena);
    return fastest;
}
