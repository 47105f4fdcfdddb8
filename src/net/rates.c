// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
#include "net/rates.h"

#include <gsl/gsl_eigen.h>
#include <gsl/gsl_errno.h>
#include <gsl/gsl_linalg.h>
#include <math.h>

// What is left of matrix [nodes][nodes] without the nodes of sources, in place; returns its size.
static size_t keep_free(const struct es_network *net, double *matrix) {
    size_t kept = 0, size = 0;
    for (size_t i = 0; i < net->nodes; i++)
        size += net->node[i].source < 0;
    for (size_t i = 0; i < net->nodes; i++)
        for (size_t j = 0; j < net->nodes; j++)
            if (net->node[i].source < 0 && net->node[j].source < 0)
                matrix[kept++] = matrix[i * net->nodes + j];
    return size;
}

// s of G x = -s x, in ascending order of -s.
static int first_order(gsl_matrix *g, struct es_rates *rates) {
    size_t n = g->size1;
    gsl_vector_view value = gsl_vector_view_array(rates->real, n);
    gsl_eigen_symm_workspace *work = gsl_eigen_symm_alloc(n);
    int failed = gsl_eigen_symm(g, &value.vector, work);
    gsl_vector_scale(&value.vector, -1);
    gsl_eigen_symm_free(work);
    return failed;
}

// s of (s^2 + G s + K) x = 0: of d/dt (w x, dx/dt) = ((0, w), (-K / w, -G)) (w x, dx/dt), w^2 the largest of
// the diagonal of K. Of g and k the lower triangles.
static int second_order(const gsl_matrix *g, const gsl_matrix *k, struct es_arena *arena, struct es_rates *rates) {
    size_t n = g->size1;
    gsl_vector_const_view stiffness = gsl_matrix_const_diagonal(k);
    double w = sqrt(gsl_vector_max(&stiffness.vector));
    gsl_matrix_view a = gsl_matrix_view_array(ES_NEW(arena, 4 * n * n, double), 2 * n, 2 * n);
    for (size_t i = 0; i < n; i++) {
        gsl_matrix_set(&a.matrix, i, n + i, w);
        for (size_t j = 0; j < n; j++) {
            size_t low = i > j ? i : j, high = i > j ? j : i;
            gsl_matrix_set(&a.matrix, n + i, j, -gsl_matrix_get(k, low, high) / w);
            gsl_matrix_set(&a.matrix, n + i, n + j, -gsl_matrix_get(g, low, high));
        }
    }
    gsl_vector_complex *value = gsl_vector_complex_alloc(2 * n);
    gsl_eigen_nonsymm_workspace *work = gsl_eigen_nonsymm_alloc(2 * n);
    int failed = gsl_eigen_nonsymm(&a.matrix, value, work);
    for (size_t i = 0; i < 2 * n && !failed; i++) {
        rates->real[i] = GSL_REAL(gsl_vector_complex_get(value, i));
        rates->imaginary[i] = GSL_IMAG(gsl_vector_complex_get(value, i));
    }
    gsl_eigen_nonsymm_free(work);
    gsl_vector_complex_free(value);
    return failed;
}

enum es_status es_rates(const struct es_model *model, struct es_arena *arena, struct es_rates *rates, struct es_error *error) {
    const struct es_network *net = model->net;
    double *matrix[3];
    for (int i = 0; i < 3; i++)
        matrix[i] = ES_NEW(arena, net->nodes * net->nodes, double);
    es_model_mass(model, matrix[0]);
    es_model_conductance(model, matrix[1]);
    es_model_stiffness(model, NULL, NULL, matrix[2]);
    size_t n = keep_free(net, matrix[0]);
    keep_free(net, matrix[1]);
    keep_free(net, matrix[2]);
    *rates = (struct es_rates){0, ES_NEW(arena, 2 * n, double), ES_NEW(arena, 2 * n, double)};
    if (n == 0)
        return ES_OK;
    gsl_matrix_view m = gsl_matrix_view_array(matrix[0], n, n), g = gsl_matrix_view_array(matrix[1], n, n), k = gsl_matrix_view_array(matrix[2], n, n);
    bool held = !gsl_matrix_isnull(&k.matrix);
    gsl_error_handler_t *handler = gsl_set_error_handler_off();
    int singular = gsl_linalg_cholesky_decomp1(&m.matrix), failed = 0;
    if (!singular) {
        gsl_eigen_gensymm_standardize(&g.matrix, &m.matrix);
        gsl_eigen_gensymm_standardize(&k.matrix, &m.matrix);
        failed = held ? second_order(&g.matrix, &k.matrix, arena, rates) : first_order(&g.matrix, rates);
    }
    gsl_set_error_handler(handler);
    rates->count = held ? 2 * n : n;
    if (singular)
        return es_fail(error, ES_BAD_INPUT, "network \"%s\": the mass matrix is singular; give every node a capacitor to ground", net->name);
    return failed ? es_fail(error, ES_FAILED, "network \"%s\": the eigenvalues of its free motion did not converge", net->name) : ES_OK;
}
