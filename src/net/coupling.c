// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
#include "net/coupling.h"

#include <gsl/gsl_errno.h>
#include <gsl/gsl_linalg.h>
#include <math.h>

double es_mutual_inductance(const struct es_model *model, size_t e) {
    const struct es_element *coupling = &model->net->element[e];
    return model->q[e][0] * sqrt(model->q[coupling->first][0] * model->q[coupling->second][0]);
}

// The couplings of a network, and the groups of inductors that they join.
struct groups {
    size_t couplings, members, count;
    size_t *coupling;           // [couplings] elements
    size_t *member, *first;     // [members] elements, group after group; [count + 1] where each begins
    size_t *place, *group;      // [elements] of a member: within its group, and which
};

// Adds the group of inductor `start`.
static void gather_group(const struct es_network *net, struct groups *g, size_t start, bool *seen) {
    size_t begin = g->members;
    seen[start] = true;
    g->member[g->members++] = start;
    g->group[start] = g->count;
    for (size_t i = begin; i < g->members; i++)
        for (size_t k = 0; k < g->couplings; k++) {
            const struct es_element *c = &net->element[g->coupling[k]];
            size_t other = c->first == g->member[i] ? c->second : c->first;
            if ((c->first != g->member[i] && c->second != g->member[i]) || seen[other])
                continue;
            seen[other] = true;
            g->place[other] = g->members - begin;
            g->group[other] = g->count;
            g->member[g->members++] = other;
        }
    g->first[++g->count] = g->members;
}

static struct groups gather(const struct es_network *net, struct es_arena *arena) {
    struct groups g = {.coupling = ES_NEW(arena, net->elements, size_t), .member = ES_NEW(arena, net->elements, size_t),
                       .first = ES_NEW(arena, net->elements + 1, size_t), .place = ES_NEW(arena, net->elements, size_t), .group = ES_NEW(arena, net->elements, size_t)};
    bool *seen = ES_NEW(arena, net->elements, bool);
    for (size_t e = 0; e < net->elements; e++)
        if (net->element[e].kind->term == ES_COUPLING)
            g.coupling[g.couplings++] = e;
    for (size_t k = 0; k < g.couplings; k++)
        if (!seen[net->element[g.coupling[k]].first])
            gather_group(net, &g, net->element[g.coupling[k]].first, seen);
    return g;
}

// matrix [n][n] = the inductances of group i.
static void inductances(const struct es_model *model, const struct groups *g, size_t i, double *matrix) {
    const struct es_network *net = model->net;
    size_t begin = g->first[i], n = g->first[i + 1] - begin;
    for (size_t a = 0; a < n; a++)
        matrix[a * n + a] = model->q[g->member[begin + a]][0];
    for (size_t k = 0; k < g->couplings; k++) {
        const struct es_element *c = &net->element[g->coupling[k]];
        if (g->group[c->first] == i)
            matrix[g->place[c->first] * n + g->place[c->second]] = matrix[g->place[c->second] * n + g->place[c->first]] = es_mutual_inductance(model, g->coupling[k]);
    }
}

static bool invert(size_t n, double *matrix) {
    gsl_matrix_view view = gsl_matrix_view_array(matrix, n, n);
    gsl_error_handler_t *handler = gsl_set_error_handler_off();
    bool good = gsl_linalg_cholesky_decomp1(&view.matrix) == 0 && gsl_linalg_cholesky_invert(&view.matrix) == 0;
    gsl_set_error_handler(handler);
    return good;
}

static enum es_status couple_group(struct es_model *model, const struct groups *g, size_t group, struct es_arena *arena, struct es_error *error) {
    const size_t *member = g->member + g->first[group], n = g->first[group + 1] - g->first[group];
    double *gamma = ES_NEW(arena, n * n, double);
    for (size_t i = 0; i < n; i++)
        if (es_element_decays(&model->net->element[member[i]]))
            return es_fail(error, ES_BAD_INPUT, "network \"%s\", line %d: inductor \"%s\" has a resistance and is coupled to others, so that its flux decays with their currents too, "
                           "which is not simulated; put a conductance in series, at a node of its own", model->net->name, model->net->element[member[i]].line,
                           model->net->element[member[i]].name);
    inductances(model, g, group, gamma);
    if (!invert(n, gamma))
        return es_fail(error, ES_BAD_INPUT,
                       "network \"%s\": the inductances coupled to \"%s\" (line %d) have a matrix that is not positive definite; "
                       "weaken the couplings", model->net->name, model->net->element[member[0]].name, model->net->element[member[0]].line);
    for (size_t i = 0; i < n; i++) {
        model->k[member[i]] = gamma[i * n + i];
        model->coupled[member[i]] = true;
        for (size_t j = 0; j < i; j++)
            model->pair[model->pairs++] = (struct es_pair){member[i], member[j], gamma[i * n + j]};
    }
    return ES_OK;
}

enum es_status es_couple(struct es_model *model, struct es_arena *arena, struct es_error *error) {
    struct groups g = gather(model->net, arena);
    size_t pairs = 0;
    enum es_status status = ES_OK;
    for (size_t i = 0; i < g.count; i++)
        pairs += (g.first[i + 1] - g.first[i]) * (g.first[i + 1] - g.first[i] - 1) / 2;
    model->pair = ES_NEW(arena, pairs, struct es_pair);
    for (size_t i = 0; i < g.count && status == ES_OK; i++)
        status = couple_group(model, &g, i, arena, error);
    return status;
}
