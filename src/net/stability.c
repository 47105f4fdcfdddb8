// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// Small deviations from a state of rest, B dx/dt = -J x (net/resistive.h): x ~ e^{-lambda t} with J x = lambda B x. Dense, by GSL.
//
// Most states are proven stable without eigenvalues. With capacitors to ground, B = S N, S the signs of the weights, and y = N^1/2 x, dy/dt = -R y with
// R = N^-1/2 S J N^-1/2 = (A, K; -K', D). By Lyapunov's theorem it decays if Q and Q R + R' Q are positive definite for some Q = I + e (0, -K; -K', 0):
// what activators lose by K, e K K', has to outweigh what they gain in A.
#include "net/resistive.h"

#include <gsl/gsl_eigen.h>
#include <gsl/gsl_errno.h>
#include <gsl/gsl_linalg.h>
#include <math.h>

// matrix += w k at the rows of two nodes, if both are unknown.
static void add_entry(const struct es_resistive *r, int i, int j, double value, double *matrix) {
    if (i >= 0 && j >= 0 && r->row[i] >= 0 && r->row[j] >= 0)
        matrix[(size_t)r->row[i] * r->unknowns + (size_t)r->row[j]] += value * r->factor[i] * r->factor[j];
}

// matrix += w k a a'
static void add_element(const struct es_resistive *r, size_t e, double k, double *matrix) {
    const struct es_element *element = &r->net->element[e];
    double w = es_resistive_weight(r, e);
    add_entry(r, element->p, element->p, w * k, matrix);
    add_entry(r, element->n, element->n, w * k, matrix);
    add_entry(r, element->p, element->n, -w * k, matrix);
    add_entry(r, element->n, element->p, -w * k, matrix);
}

static void add_skew(const struct es_resistive *r, const struct es_model *model, size_t e, const double *voltage, double *matrix) {
    const struct es_element *element = &r->net->element[e];
    double slope, bend, k = es_resistive_weight(r, e) * model->k[e];
    es_skew_sense(model->q[e], voltage[element->p], &slope, &bend);
    add_entry(r, element->p, element->p, k * bend * voltage[element->n], matrix);
    add_entry(r, element->p, element->n, k * slope, matrix);
    add_entry(r, element->n, element->p, k * slope, matrix);
}

void es_resistive_curvature(const struct es_resistive *r, const struct es_model *model, const double *voltage, double *matrix) {
    for (size_t i = 0; i < r->unknowns * r->unknowns; i++)
        matrix[i] = 0;
    for (size_t e = 0; e < r->net->elements; e++) {
        const struct es_element *element = &r->net->element[e];
        enum es_term term = element->kind->term;
        double v = es_across(element, voltage), current, conductance = model->k[e];
        if (term == ES_RECTIFYING)
            element->kind->content->current(model->q[e], 1, &v, &current, &conductance);
        if (term == ES_SKEW)
            add_skew(r, model, e, voltage, matrix);
        if (term == ES_RECTIFYING || term == ES_DISSIPATION)
            add_element(r, e, conductance, matrix);
    }
}

static void nudged_curvature(const struct es_resistive *r, const struct es_model *model, const double *nudge, const double *voltage, double *j) {
    es_resistive_curvature(r, model, voltage, j);
    for (size_t o = 0; o < r->net->outputs && nudge; o++)
        add_element(r, r->net->output[o], nudge[o], j);
}

// J and B with the nudges, both in units that make B's mean 1: returns the unit of lambda [1/s].
static double linearise(const struct es_resistive *r, const struct es_model *model, const double *nudge, const double *voltage, double *j, double *b) {
    const struct es_network *net = r->net;
    double sizes[2] = {0, 0};
    nudged_curvature(r, model, nudge, voltage, j);
    for (size_t e = 0; e < net->elements; e++)
        if (net->element[e].kind->term == ES_KINETIC)
            add_element(r, e, model->k[e], b);
    for (size_t i = 0; i < r->unknowns; i++) {
        sizes[0] += fabs(j[i * r->unknowns + i]);
        sizes[1] += fabs(b[i * r->unknowns + i]);
    }
    for (size_t i = 0; i < r->unknowns * r->unknowns; i++) {
        j[i] /= sizes[0];
        b[i] /= sizes[1] > 0 ? sizes[1] : 1; // a passive network needs no capacitors
    }
    return sizes[0] / sizes[1];
}

// value = the lambda of the least real part. False where B is singular.
static bool slowest(size_t n, double *j, double *b, struct es_arena *arena, gsl_complex *value) {
    gsl_matrix_view lambda = gsl_matrix_view_array(j, n, n), mass = gsl_matrix_view_array(b, n, n);
    gsl_vector_view real = gsl_vector_view_array(ES_NEW(arena, n, double), n);
    gsl_permutation *order = gsl_permutation_alloc(n);
    gsl_vector_complex *values = gsl_vector_complex_alloc(n);
    gsl_eigen_nonsymm_workspace *work = gsl_eigen_nonsymm_alloc(n);
    int sign;
    bool good = !gsl_linalg_LU_decomp(&mass.matrix, order, &sign);
    for (size_t c = 0; c < n && good; c++) { // B^-1 J
        gsl_matrix_get_col(&real.vector, &lambda.matrix, c);
        good = !gsl_linalg_LU_svx(&mass.matrix, order, &real.vector);
        gsl_matrix_set_col(&lambda.matrix, c, &real.vector);
    }
    good = good && !gsl_eigen_nonsymm(&lambda.matrix, values, work);
    *value = good ? gsl_vector_complex_get(values, 0) : *value;
    for (size_t i = 1; i < n && good; i++)
        if (GSL_REAL(gsl_vector_complex_get(values, i)) < GSL_REAL(*value))
            *value = gsl_vector_complex_get(values, i);
    gsl_eigen_nonsymm_free(work);
    gsl_vector_complex_free(values);
    gsl_permutation_free(order);
    return good;
}

// Of matrix [n][n], symmetric, of which the lower triangle is read; it is overwritten.
static bool is_positive(size_t n, double *matrix) {
    gsl_matrix_view view = gsl_matrix_view_array(matrix, n, n);
    return !gsl_linalg_cholesky_decomp1(&view.matrix);
}

enum es_status es_resistive_no_minimum(struct es_error *error) {
    return es_fail(error, ES_FAILED, "the network has no stable equilibrium: a negative nudge outweighs the conductances at an output (take a smaller beta), or an "
                                     "input draws more through a diode in reverse than it lets pass");
}

// Of a network that is not active: E has a minimum there, as it always has where no nudge is negative.
static enum es_status check_minimum(const struct es_resistive *r, const struct es_model *model, const double *nudge, const double *voltage,
                                    struct es_error *error) {
    size_t n = r->unknowns;
    bool negative = false;
    for (size_t o = 0; o < r->net->outputs && nudge; o++)
        negative |= nudge[o] < 0;
    if (!negative)
        return ES_OK;
    struct es_arena *arena = es_arena_new();
    double *j = ES_NEW(arena, n * n, double);
    nudged_curvature(r, model, nudge, voltage, j);
    gsl_error_handler_t *handler = gsl_set_error_handler_off();
    bool good = is_positive(n, j);
    gsl_set_error_handler(handler);
    es_arena_free(arena);
    return good ? ES_OK : es_resistive_no_minimum(error);
}

// rate [n][n] = R. False where a capacitor joins two nodes.
static bool write_rate(const struct es_resistive *r, const double *j, const double *b, double *rate) {
    size_t n = r->unknowns;
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < n; k++) {
            if (i != k && b[i * n + k] != 0)
                return false;
            rate[i * n + k] = (b[i * n + i] < 0 ? -1 : 1) * j[i * n + k] / sqrt(fabs(b[i * n + i] * b[k * n + k]));
        }
    return true;
}

// e that leaves half of the least d in D to what Q takes from it: d / (d^2 + 2 |K|^2); 0 where there is no d > 0. |K|^2 is not above its largest sum of a
// row times that of a column.
static double choose_share(size_t n, const double *b, const double *rate) {
    double d = INFINITY, row = 0, column = 0;
    for (size_t i = 0; i < n; i++) {
        bool inhibitor = b[i * n + i] < 0;
        double sum = 0;
        for (size_t k = 0; k < n; k++)
            sum += (b[k * n + k] < 0) != inhibitor ? fabs(rate[i * n + k]) : 0;
        if (inhibitor) {
            d = fmin(d, rate[i * n + i]);
            column = fmax(column, sum);
        } else
            row = fmax(row, sum);
    }
    return isfinite(d) && d > 0 ? d / (d * d + 2 * row * column) : 0;
}

// Whether Lyapunov's theorem proves it. j and b [n][n] are kept.
static bool is_proven(const struct es_resistive *r, const double *j, const double *b, struct es_arena *arena) {
    size_t n = r->unknowns;
    double *rate = ES_NEW(arena, n * n, double), *q = ES_NEW(arena, n * n, double), *product = ES_NEW(arena, n * n, double);
    double share = write_rate(r, j, b, rate) ? choose_share(n, b, rate) : 0;
    if (share == 0)
        return false;
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < n; k++) {
            bool activator = b[i * n + i] > 0, other = b[k * n + k] > 0;
            q[i * n + k] = i == k ? 1 : activator && !other ? -share * rate[i * n + k] : !activator && other ? share * rate[i * n + k] : 0;
        }
    for (size_t i = 0; i < n; i++) // Q R, row by row
        for (size_t k = 0; k < n; k++)
            for (size_t l = 0; l < n && q[i * n + k] != 0; l++)
                product[i * n + l] += q[i * n + k] * rate[k * n + l];
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k <= i; k++)
            rate[i * n + k] = product[i * n + k] + product[k * n + i];
    return is_positive(n, rate); // and Q is, as e |K| < 1 / 2 sqrt 2
}

// Of an active network.
static enum es_status check_rate(const struct es_resistive *r, double unit, double *j, double *b, struct es_arena *arena, struct es_error *error) {
    gsl_complex value = {{0, 0}};
    if (is_proven(r, j, b, arena))
        return ES_OK;
    if (!slowest(r->unknowns, j, b, arena, &value))
        return es_fail(error, ES_FAILED, "the stability of the state of rest cannot be told, as the network's capacitances make a singular matrix");
    if (GSL_REAL(value) > 0)
        return ES_OK;
    return es_fail(error, ES_FAILED, "the network's state of rest is not stable: a deviation grows at %.3g 1/s and oscillates at %.3g Hz; give inhibitors "
                                     "smaller capacitors, cells more conductance, or take a smaller beta; of several states ngspice's scheme op may find "
                                     "such a one where settle does not", -GSL_REAL(value) * unit, fabs(GSL_IMAG(value)) * unit / (2 * M_PI));
}

enum es_status es_resistive_stable(const struct es_resistive *r, const struct es_model *model, const double *nudge, const double *voltage,
                                   struct es_error *error) {
    size_t n = r->unknowns;
    if (n == 0)
        return ES_OK;
    if (!r->active)
        return check_minimum(r, model, nudge, voltage, error);
    struct es_arena *arena = es_arena_new();
    double *j = ES_NEW(arena, n * n, double), *b = ES_NEW(arena, n * n, double);
    double unit = linearise(r, model, nudge, voltage, j, b);
    gsl_error_handler_t *handler = gsl_set_error_handler_off();
    enum es_status status = check_rate(r, unit, j, b, arena, error);
    gsl_set_error_handler(handler);
    es_arena_free(arena);
    return status;
}
