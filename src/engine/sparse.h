// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// A square sparse matrix and its factors, by GSL (storage) and KLU (order, factors): built once by its entries, then filled anew
// and factorised as often as need be. The fill-reducing order is found once; pivots are chosen each time, the largest of their
// columns (partial pivoting), as what is solved need not be definite.
#ifndef ES_ENGINE_SPARSE_H
#define ES_ENGINE_SPARSE_H

#include "core/arena.h"

#include <stdbool.h>
#include <stddef.h>

struct es_sparse;

struct es_sparse *es_sparse_new(struct es_arena *arena, size_t n); // n > 0 rows and columns, no entries
void es_sparse_close(struct es_sparse *a);                         // what does not live in the arena; NULL is allowed

// Entry (row, column) += value. Until the matrix is first used by one of the functions further down this makes entries; afterwards they
// have to be there.
void es_sparse_add(struct es_sparse *a, size_t row, size_t column, double value);
void es_sparse_clear(struct es_sparse *a); // all entries 0; they stay

double es_sparse_norm(struct es_sparse *a); // largest sum of |entries| in a column

// False where the matrix is singular to working precision. es_sparse_solve() needs true: b [n] becomes A^-1 b.
bool es_sparse_factorise(struct es_sparse *a);
void es_sparse_solve(struct es_sparse *a, double *b);
double es_sparse_condition(struct es_sparse *a); // |A| |A^-1| in the norm above, as estimated by KLU; of a factorised matrix

#endif
