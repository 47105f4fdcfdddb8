// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
#include "engine/solver.h"

#include <string.h>
#include <suitesparse/klu.h>

// L U = P A Q; L has a unit diagonal that is left out, U's diagonal is kept as its reciprocal.
struct es_solver {
    int n;
    int *lp, *li, *up, *ui; // compressed columns without the diagonal
    int *p, *q;
    struct es_lanes *l, *u, *reciprocal, *work; // values by entry and lane; [n]
};

size_t es_solver_branch(int p, int n, double factor, double shared, const struct es_lanes *lane, struct es_entry *entry) {
    size_t count = 0;
    if (p >= 0)
        entry[count++] = (struct es_entry){p, p, factor, shared, lane};
    if (n >= 0)
        entry[count++] = (struct es_entry){n, n, factor, shared, lane};
    if (p >= 0 && n >= 0) {
        entry[count++] = (struct es_entry){p, n, -factor, shared, lane};
        entry[count++] = (struct es_entry){n, p, -factor, shared, lane};
    }
    return count;
}

// Compressed columns of the union of all entries: columns are sorted by counting, then rows within a column are merged. (CSparse
// compresses triplets too, but does not tell where each of them went, which every lane needs again.)
struct es_pattern es_pattern_new(struct es_arena *arena, size_t n, size_t entries, const struct es_entry *entry) {
    struct es_pattern a = {.n = (int)n, .column = ES_NEW(arena, n + 1, int), .row = ES_NEW(arena, entries, int),
                        .place = ES_NEW(arena, entries, int)};
    size_t *start = ES_NEW(arena, n + 2, size_t), *order = ES_NEW(arena, entries, size_t);
    int *seen = ES_NEW(arena, n, int);
    for (size_t i = 0; i < entries; i++)
        start[entry[i].column + 2]++;
    for (size_t j = 0; j < n; j++)
        start[j + 2] += start[j + 1];
    for (size_t i = 0; i < entries; i++)
        order[start[entry[i].column + 1]++] = i;
    for (size_t j = 0; j < n; j++) {
        a.column[j] = a.nonzeros;
        for (size_t i = start[j]; i < start[j + 1]; i++) {
            int row = entry[order[i]].row;
            if (seen[row] <= a.column[j]) { // not yet in this column: seen holds place + 1
                a.row[a.nonzeros++] = row;
                seen[row] = a.nonzeros;
            }
            a.place[order[i]] = seen[row] - 1;
        }
    }
    a.column[n] = a.nonzeros;
    return a;
}

static void lane_values(const struct es_pattern *a, size_t entries, const struct es_entry *entry, size_t lane, double *value) {
    memset(value, 0, (size_t)a->nonzeros * sizeof *value);
    for (size_t i = 0; i < entries; i++)
        value[a->place[i]] += entry[i].factor * (entry[i].shared + (entry[i].lane ? entry[i].lane->at[lane] : 0));
}

// One lane's factors out of KLU: raw columns with L's diagonal first and U's last.
struct factors {
    int *lp, *li, *up, *ui;
    double *lx, *ux;
};

static void allocate(struct es_arena *arena, struct es_solver *s, struct factors *f, const klu_numeric *numeric) {
    size_t n = (size_t)s->n, lnz = (size_t)numeric->lnz, unz = (size_t)numeric->unz;
    *f = (struct factors){ES_NEW(arena, n + 1, int), ES_NEW(arena, lnz, int),    ES_NEW(arena, n + 1, int),
                          ES_NEW(arena, unz, int),   ES_NEW(arena, lnz, double), ES_NEW(arena, unz, double)};
    s->p = ES_NEW(arena, n, int);
    s->q = ES_NEW(arena, n, int);
    s->lp = ES_NEW(arena, n + 1, int);
    s->up = ES_NEW(arena, n + 1, int);
    s->li = ES_NEW(arena, lnz, int);
    s->ui = ES_NEW(arena, unz, int);
    s->l = ES_NEW(arena, lnz, struct es_lanes);
    s->u = ES_NEW(arena, unz, struct es_lanes);
    s->reciprocal = ES_NEW(arena, n, struct es_lanes);
    s->work = ES_NEW(arena, n, struct es_lanes);
}

static void copy_lane(struct es_solver *s, const struct factors *f, size_t lane) {
    int l = 0, u = 0;
    for (int j = 0; j < s->n; j++) {
        s->lp[j] = l;
        for (int i = f->lp[j]; i < f->lp[j + 1]; i++)
            if (f->li[i] != j) {
                s->li[l] = f->li[i];
                s->l[l++].at[lane] = f->lx[i];
            }
        s->up[j] = u;
        for (int i = f->up[j]; i < f->up[j + 1]; i++)
            if (f->ui[i] != j) {
                s->ui[u] = f->ui[i];
                s->u[u++].at[lane] = f->ux[i];
            } else
                s->reciprocal[j].at[lane] = 1 / f->ux[i];
    }
    s->lp[s->n] = l;
    s->up[s->n] = u;
}

static bool factorise(struct es_arena *arena, struct es_solver *s, const struct es_pattern *a, size_t entries,
                      const struct es_entry *entry, klu_symbolic *symbolic, klu_common *common) {
    double *value = ES_NEW(arena, (size_t)a->nonzeros, double);
    lane_values(a, entries, entry, 0, value);
    klu_numeric *numeric = klu_factor(a->column, a->row, value, symbolic, common);
    bool good = numeric != NULL;
    struct factors f;
    if (good)
        allocate(arena, s, &f, numeric);
    for (size_t lane = 0; good && lane < ES_LANES; lane++) {
        lane_values(a, entries, entry, lane, value);
        good = klu_refactor(a->column, a->row, value, symbolic, numeric, common) && common->status == KLU_OK &&
               klu_extract(numeric, symbolic, f.lp, f.li, f.lx, f.up, f.ui, f.ux, NULL, NULL, NULL, s->p, s->q, NULL, NULL, common);
        if (good)
            copy_lane(s, &f, lane);
    }
    klu_free_numeric(&numeric, common);
    return good;
}

enum es_status es_solver_new(struct es_arena *arena, size_t n, size_t entries, const struct es_entry *entry,
                             struct es_solver **solver, struct es_error *error) {
    struct es_pattern a = es_pattern_new(arena, n, entries, entry);
    klu_common common;
    klu_defaults(&common);
    common.btf = 0;   // one block
    common.scale = 0; // no row scaling, which would differ between lanes
    klu_symbolic *symbolic = klu_analyze(a.n, a.column, a.row, &common);
    *solver = ES_NEW(arena, 1, struct es_solver);
    (*solver)->n = a.n;
    bool good = symbolic && factorise(arena, *solver, &a, entries, entry, symbolic, &common);
    klu_free_symbolic(&symbolic, &common);
    return good ? ES_OK : es_fail(error, ES_BAD_INPUT, "a step's matrix is singular (KLU status %d); check for zero or negative elements", common.status);
}

// y -= factor x, over the lanes
static inline void eliminate(const struct es_lanes *factor, const struct es_lanes *x, struct es_lanes *y) {
    struct es_lanes product;
    for (int k = 0; k < ES_LANES; k++)
        product.at[k] = factor->at[k] * x->at[k];
    for (int k = 0; k < ES_LANES; k++)
        y->at[k] -= product.at[k];
}

ES_VECTORISED void es_solver_apply(const struct es_solver *s, double scale, const struct es_lanes *restrict b, struct es_lanes *restrict x) {
    struct es_lanes *restrict y = s->work;
    for (int j = 0; j < s->n; j++)
        for (int k = 0; k < ES_LANES; k++)
            y[j].at[k] = scale * b[s->p[j]].at[k];
    for (int j = 0; j < s->n; j++) {
        struct es_lanes pivot = y[j];
        for (int i = s->lp[j]; i < s->lp[j + 1]; i++)
            eliminate(&s->l[i], &pivot, &y[s->li[i]]);
    }
    for (int j = s->n - 1; j >= 0; j--) {
        struct es_lanes pivot;
        for (int k = 0; k < ES_LANES; k++)
            pivot.at[k] = y[j].at[k] * s->reciprocal[j].at[k];
        x[s->q[j]] = pivot;
        for (int i = s->up[j]; i < s->up[j + 1]; i++)
            eliminate(&s->u[i], &pivot, &y[s->ui[i]]);
    }
}
