// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// Solves A_l x_l = b_l for ES_LANES symmetric sparse matrices of one pattern at once. KLU orders and factorises (every lane
// with the pivots of the first); the triangular solves run over all lanes together, which klu_solve cannot do.
#ifndef ES_ENGINE_SOLVER_H
#define ES_ENGINE_SOLVER_H

#include "engine/lanes.h"
#include "net/network.h"

struct es_solver;

// One entry: factor (shared + lane), `lane` being NULL for 0. Entries at the same place add up.
struct es_entry {
    int row, column;
    double factor, shared;
    const struct es_lanes *lane;
};

// The places of a matrix [n][n], in compressed columns, each column holding every row once.
struct es_pattern {
    int n, nonzeros;
    int *column, *row; // [n + 1] first place of each column; [nonzeros]
    int *place;        // [entries] where each entry adds
};
struct es_pattern es_pattern_new(struct es_arena *arena, size_t n, size_t entries, const struct es_entry *entry);

// Writes the entries of factor (shared + lane) a a' of a branch from node p to n, negative for ground; returns their number, at
// most 4.
size_t es_solver_branch(int p, int n, double factor, double shared, const struct es_lanes *lane, struct es_entry *entry);

// Factorises. Every diagonal place must occur among the entries. The solver lives in `arena`. ES_BAD_INPUT if a matrix is
// singular.
enum es_status es_solver_new(struct es_arena *arena, size_t n, size_t entries, const struct es_entry *entry,
                             struct es_solver **solver, struct es_error *error);

// x [n] = scale A^-1 b [n], in every lane; x and b may not overlap.
void es_solver_apply(const struct es_solver *solver, double scale, const struct es_lanes *b, struct es_lanes *x);

#endif
