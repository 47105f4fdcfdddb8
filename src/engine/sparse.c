// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
#include "engine/sparse.h"

#include <gsl/gsl_spmatrix.h>
#include <math.h>
#include <string.h>
#include <suitesparse/klu.h>

struct es_sparse {
    gsl_spmatrix *a; // triplets while entries are made, then compressed columns
    klu_common common;
    klu_symbolic *symbolic;
    klu_numeric *numeric;
};

struct es_sparse *es_sparse_new(struct es_arena *arena, size_t n) {
    struct es_sparse *a = ES_NEW(arena, 1, struct es_sparse);
    a->a = gsl_spmatrix_alloc(n, n);
    klu_defaults(&a->common);
    a->common.ordering = 1; // COLAMD, made for partial pivoting: a tenth of the fill of AMD here
    a->common.tol = 1; // KLU's own 0.001 prefers the diagonal: down a long band of an indefinite matrix factors then grow without bound
    return a;
}

void es_sparse_close(struct es_sparse *a) {
    if (!a)
        return;
    klu_free_numeric(&a->numeric, &a->common);
    klu_free_symbolic(&a->symbolic, &a->common);
    gsl_spmatrix_free(a->a);
}

void es_sparse_add(struct es_sparse *a, size_t row, size_t column, double value) {
    double *at = gsl_spmatrix_ptr(a->a, row, column);
    if (at)
        *at += value;
    else {
        gsl_spmatrix_set(a->a, row, column, 1); // which keeps no 0
        *gsl_spmatrix_ptr(a->a, row, column) = value;
    }
}

void es_sparse_clear(struct es_sparse *a) {
    memset(a->a->data, 0, gsl_spmatrix_nnz(a->a) * sizeof *a->a->data);
}

static void compress(struct es_sparse *a) {
    if (GSL_SPMATRIX_ISCSC(a->a))
        return;
    gsl_spmatrix *columns = gsl_spmatrix_compress(a->a, GSL_SPMATRIX_CSC);
    gsl_spmatrix_free(a->a);
    a->a = columns;
}

double es_sparse_norm(struct es_sparse *a) {
    compress(a);
    return gsl_spmatrix_norm1(a->a);
}

bool es_sparse_factorise(struct es_sparse *a) {
    compress(a);
    if (!a->symbolic)
        a->symbolic = klu_analyze((int)a->a->size2, a->a->p, a->a->i, &a->common);
    klu_free_numeric(&a->numeric, &a->common);
    a->numeric = a->symbolic ? klu_factor(a->a->p, a->a->i, a->a->data, a->symbolic, &a->common) : NULL;
    return a->numeric && a->common.status == KLU_OK;
}

void es_sparse_solve(struct es_sparse *a, double *b) {
    klu_solve(a->symbolic, a->numeric, (int)a->a->size2, 1, b, &a->common);
}

double es_sparse_condition(struct es_sparse *a) {
    bool known = klu_condest(a->a->p, a->a->data, a->symbolic, a->numeric, &a->common);
    return known ? a->common.condest : INFINITY;
}
