// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
#include "learn/implicit.h"

#include "learn/free.h"

#include <gsl/gsl_errno.h>
#include <gsl/gsl_linalg.h>
#include <string.h>

// a [unknowns] = dv_e/du
static void branch_slope(const struct es_resistive *r, const struct es_element *e, double *a) {
    memset(a, 0, r->unknowns * sizeof *a);
    if (e->p >= 0 && r->row[e->p] >= 0)
        a[r->row[e->p]] += r->factor[e->p];
    if (e->n >= 0 && r->row[e->n] >= 0)
        a[r->row[e->n]] -= r->factor[e->n];
}

// x = matrix^-1 x: where the network is not active the matrix has to be positive definite.
static bool solve(const struct es_resistive *r, double *matrix, double *x) {
    gsl_error_handler_t *handler = gsl_set_error_handler_off();
    gsl_matrix_view j = gsl_matrix_view_array(matrix, r->unknowns, r->unknowns);
    gsl_vector_view right = gsl_vector_view_array(x, r->unknowns);
    gsl_permutation *order = gsl_permutation_alloc(r->unknowns);
    int sign;
    bool good = r->active ? !gsl_linalg_LU_decomp(&j.matrix, order, &sign) && !gsl_linalg_LU_svx(&j.matrix, order, &right.vector)
                          : !gsl_linalg_cholesky_decomp1(&j.matrix) && !gsl_linalg_cholesky_svx(&j.matrix, &right.vector);
    gsl_permutation_free(order);
    gsl_set_error_handler(handler);
    return good;
}

// slope -= lambda' dg/dtheta, lambda [nodes].
static void add_slopes(const struct es_model *model, const struct es_resistive *r, const double *voltage, const double *input, size_t points,
                       const double *lambda, double *slope) {
    const struct es_network *net = model->net;
    for (size_t e = 0; e < net->elements; e++) {
        const struct es_element *element = &net->element[e];
        if (element->parameter[0] == ES_FIXED)
            continue;
        double w = es_resistive_weight(r, e), across = es_across(element, lambda);
        if (element->kind->term == ES_DISSIPATION)
            es_element_add_slope(element, 0, -w * es_across(element, voltage) * across, slope);
        else if (element->kind->term == ES_DRIVE)
            es_element_add_slope(element, 0, w * input[(size_t)element->channel * points] * across, slope);
        else if (element->kind->term == ES_SKEW) {
            double slant, bend, sense = es_skew_sense(model->q[e], voltage[element->p], &slant, &bend);
            es_element_add_slope(element, 0, -w * (slant * voltage[element->n] * lambda[element->p] + sense * lambda[element->n]), slope);
        }
    }
}

static enum es_status add_example(const struct es_problem *problem, const struct es_free_passes *free, size_t index, int label, double *slope,
                                  struct es_error *error) {
    const struct es_network *net = problem->net;
    const struct es_resistive *r = free->resistive;
    size_t n = r->unknowns;
    struct es_arena *arena = es_arena_new();
    struct es_reading reading = es_free_reading(problem, free, index, label);
    double *matrix = ES_NEW(arena, n * n, double), *a = ES_NEW(arena, n, double), *right = ES_NEW(arena, n, double);
    double *lambda = ES_NEW(arena, net->nodes, double), *weight = ES_NEW(arena, net->outputs, double);
    problem->cost->slope(&reading, weight);
    for (size_t o = 0; o < net->outputs; o++) {
        branch_slope(r, &net->element[net->output[o]], a);
        for (size_t i = 0; i < n; i++)
            right[i] += weight[o] * a[i];
    }
    es_resistive_curvature(r, free->model, free->result[index].voltage, matrix);
    bool good = solve(r, matrix, right);
    for (size_t i = 0; i < net->nodes; i++)
        lambda[i] = r->row[i] >= 0 ? r->factor[i] * right[r->row[i]] : 0;
    add_slopes(free->model, r, free->result[index].voltage, free->batch.pass[index].input, problem->grid.points, lambda, slope);
    es_arena_free(arena);
    return good ? ES_OK : es_fail(error, ES_FAILED, "the equilibrium has no definite curvature, so no gradient follows from it");
}

enum es_status es_implicit_gradient(const struct es_problem *problem, const double *theta, size_t examples, const struct es_example *example, double *slope,
                                    struct es_error *error) {
    struct es_arena *arena = es_arena_new();
    struct es_free_passes free;
    enum es_status status = es_free_run(problem, arena, 1, theta, examples, example, false, &free, error);
    memset(slope, 0, problem->net->parameters * sizeof *slope);
    for (size_t i = 0; i < examples && status == ES_OK && free.resistive->unknowns; i++)
        status = add_example(problem, &free, i, example[i].label, slope, error);
    for (size_t i = 0; i < problem->net->parameters; i++)
        slope[i] /= (double)examples;
    es_arena_free(arena);
    return status;
}
