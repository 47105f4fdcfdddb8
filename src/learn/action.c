// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
#include "learn/action.h"

#include <string.h>

// One step of a path, seen in its middle.
struct step {
    const struct es_action *action;
    struct es_arena *arena;
    double h, weight;              // the window's
    double *middle, *u;            // [nodes] m_n, u_n
    double *x, *y;                 // [channels], [outputs]
    double *force, *charge;        // [nodes] F, M u, both with the nudges
    double *current;               // [elements]
    double *mass, *stiffness;      // [nodes][nodes] M, K, both with the nudges
};

static struct step step_new(const struct es_action *a) {
    const struct es_network *net = a->model->net;
    struct step s = {.action = a, .arena = es_arena_new(), .h = es_grid_step(a->grid)};
    double **vectors[] = {&s.middle, &s.u, &s.force, &s.charge};
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++)
        *vectors[i] = ES_NEW(s.arena, net->nodes, double);
    s.x = ES_NEW(s.arena, net->channels, double);
    s.y = ES_NEW(s.arena, net->outputs, double);
    return s;
}

// ---- points ----------------------------------------------------------------------------------------------------------

static size_t nodes_of(const struct es_action *a) {
    return a->model->net->nodes;
}

static bool is_held(const struct es_action *a, size_t point) {
    return a->first && (point == 0 || point == es_grid_steps(a->grid));
}

// The first unknown of a point that is not held.
static size_t unknown(const struct es_action *a, size_t point) {
    return nodes_of(a) * (a->first ? point - 1 : point % es_grid_steps(a->grid));
}

size_t es_action_unknowns(const struct es_action *a) {
    return nodes_of(a) * (es_grid_steps(a->grid) - (a->first ? 1 : 0));
}

void es_action_line(const struct es_action *a, double *path) {
    size_t steps = es_grid_steps(a->grid), n = nodes_of(a);
    for (size_t point = 0; point <= steps; point++)
        for (size_t i = 0; i < n; i++) {
            double at = (double)point / (double)steps;
            path[point * n + i] = a->first ? (1 - at) * a->first[i] + at * a->last[i] : 0;
        }
}

void es_action_move(const struct es_action *a, double scale, const double *change, double *path) {
    for (size_t point = 0; point <= es_grid_steps(a->grid); point++)
        for (size_t i = 0; i < nodes_of(a) && !is_held(a, point); i++)
            path[point * nodes_of(a) + i] += scale * change[unknown(a, point) + i];
}

// ---- one step --------------------------------------------------------------------------------------------------------

static double sample_at(const struct es_grid *grid, const double *samples, size_t step) {
    size_t i = step / grid->substeps, r = step % grid->substeps;
    return r ? samples[i] + (double)r / (double)grid->substeps * (samples[i + 1] - samples[i]) : samples[i];
}

static double middle_of(const struct es_grid *grid, const double *samples, size_t step) {
    return (sample_at(grid, samples, step) + sample_at(grid, samples, step + 1)) / 2;
}

static void load(struct step *s, const double *path, size_t n) {
    const struct es_action *a = s->action;
    const struct es_network *net = a->model->net;
    const double *phi = path + n * net->nodes, *next = phi + net->nodes;
    for (size_t i = 0; i < net->nodes; i++) {
        s->u[i] = (next[i] - phi[i]) / s->h;
        s->middle[i] = (phi[i] + next[i]) / 2;
    }
    for (size_t c = 0; c < net->channels; c++)
        s->x[c] = middle_of(a->grid, a->input + c * a->grid->points, n);
    for (size_t o = 0; o < net->outputs; o++)
        s->y[o] = a->target ? middle_of(a->grid, a->target + o * a->grid->points, n) : 0;
    s->weight = a->window ? a->window[n / a->grid->substeps] : 1;
}

static const struct es_element *output(const struct step *s, size_t o) {
    return &s->action->model->net->element[s->action->model->net->output[o]];
}

// What output o reads less its target.
static double deviation(const struct step *s, size_t o) {
    const struct es_element *e = output(s, o);
    return es_across(e, e->read == ES_READ_FLUX ? s->middle : s->u) - s->y[o];
}

static void derive(struct step *s) {
    const struct es_action *a = s->action;
    es_model_force(a->model, s->middle, s->u, s->x, a->offset, s->force);
    es_model_momentum(a->model, s->u, s->charge);
    for (size_t o = 0; o < a->model->net->outputs && a->nudge; o++) {
        double pull = s->weight * a->nudge[o] * deviation(s, o);
        if (output(s, o)->read == ES_READ_FLUX)
            es_add_across(output(s, o), s->force, -pull);
        else
            es_add_across(output(s, o), s->charge, pull);
    }
}

void es_action_residual(const struct es_action *a, const double *path, double *r) {
    struct step s = step_new(a);
    memset(r, 0, es_action_unknowns(a) * sizeof *r);
    for (size_t n = 0; n < es_grid_steps(a->grid); n++) {
        load(&s, path, n);
        derive(&s);
        for (size_t i = 0; i < nodes_of(a); i++) {
            if (!is_held(a, n))
                r[unknown(a, n) + i] += s.h / 2 * s.force[i] - s.charge[i];
            if (!is_held(a, n + 1))
                r[unknown(a, n + 1) + i] += s.h / 2 * s.force[i] + s.charge[i];
        }
    }
    es_arena_free(s.arena);
}

void es_action_charge(const struct es_action *a, const double *path, double *charge) {
    struct step s = step_new(a);
    load(&s, path, 0);
    derive(&s);
    for (size_t i = 0; i < nodes_of(a); i++)
        charge[i] = s.charge[i] - s.h / 2 * s.force[i];
    es_arena_free(s.arena);
}

void es_action_read(const struct es_action *a, const double *path, double *value) {
    struct step s = step_new(a);
    memset(value, 0, a->model->net->outputs * sizeof *value);
    for (size_t n = 0; n < es_grid_steps(a->grid); n++) {
        load(&s, path, n);
        for (size_t o = 0; o < a->model->net->outputs; o++)
            value[o] += s.h * s.weight * deviation(&s, o) * deviation(&s, o);
    }
    es_arena_free(s.arena);
}

// ---- Hessian ---------------------------------------------------------------------------------------------------------

static void join(const struct es_element *a, const struct es_element *b, size_t nodes, bool *joined) {
    const int from[] = {a->p, a->n}, to[] = {b->p, b->n};
    for (int i = 0; i < 2; i++)
        for (int j = 0; j < 2; j++)
            if (from[i] >= 0 && to[j] >= 0)
                joined[(size_t)from[i] * nodes + (size_t)to[j]] = joined[(size_t)to[j] * nodes + (size_t)from[i]] = true;
}

// joined [nodes][nodes]: M or K may have an entry there.
static bool *find_joined(const struct es_model *model, struct es_arena *arena) {
    const struct es_network *net = model->net;
    bool *joined = ES_NEW(arena, net->nodes * net->nodes, bool);
    for (size_t e = 0; e < net->elements; e++) {
        enum es_term term = net->element[e].kind->term;
        if (term == ES_KINETIC || term == ES_POTENTIAL || term == ES_READOUT)
            join(&net->element[e], &net->element[e], net->nodes, joined);
    }
    for (size_t i = 0; i < model->pairs; i++)
        join(&net->element[model->pair[i].a], &net->element[model->pair[i].b], net->nodes, joined);
    return joined;
}

static void curve(struct step *s) {
    const struct es_action *a = s->action;
    size_t n = nodes_of(a);
    es_model_mass(a->model, s->mass);
    es_model_stiffness(a->model, s->middle, a->offset, s->stiffness);
    for (size_t o = 0; o < a->model->net->outputs && a->nudge; o++) {
        const struct es_element *e = output(s, o);
        double *matrix = e->read == ES_READ_FLUX ? s->stiffness : s->mass, value = s->weight * a->nudge[o];
        if (e->p >= 0)
            es_add_across(e, matrix + (size_t)e->p * n, value);
        if (e->n >= 0)
            es_add_across(e, matrix + (size_t)e->n * n, -value);
    }
}

void es_action_hessian(const struct es_action *a, const double *path, double scale, struct es_sparse *matrix, size_t row, size_t column) {
    size_t n = nodes_of(a);
    struct step s = step_new(a);
    const bool *joined = find_joined(a->model, s.arena);
    s.mass = ES_NEW(s.arena, n * n, double);
    s.stiffness = ES_NEW(s.arena, n * n, double);
    for (size_t step = 0; step < es_grid_steps(a->grid); step++) {
        load(&s, path, step);
        curve(&s);
        for (size_t ij = 0; ij < n * n; ij++)
            for (size_t ends = 0; ends < 4 && joined[ij]; ends++) {
                size_t from = step + ends / 2, to = step + ends % 2;
                double m = s.mass[ij] / s.h, k = s.h / 4 * s.stiffness[ij];
                if (!is_held(a, from) && !is_held(a, to))
                    es_sparse_add(matrix, row + unknown(a, from) + ij / n, column + unknown(a, to) + ij % n, scale * (from == to ? m - k : -m - k));
            }
    }
    es_arena_free(s.arena);
}

// ---- derivatives to the parameters -----------------------------------------------------------------------------------

static double observe(const struct step *s, struct es_observable observable) {
    const struct es_model *model = s->action->model;
    const struct es_element *e = &model->net->element[observable.element];
    double flux = es_model_flux(model, observable.element, s->middle, s->action->offset), du[ES_QUANTITIES];
    switch (observable.signal) {
    case ES_SIGNAL_ONE:
        return 1;
    case ES_SIGNAL_FLUX:
        return flux;
    case ES_SIGNAL_VOLTAGE:
        return es_across(e, s->u);
    case ES_SIGNAL_CURRENT:
        return s->current[observable.element];
    case ES_SIGNAL_SLOPE:
        e->kind->potential->slope(model->q[observable.element], flux, du);
        return du[observable.quantity];
    case ES_SIGNAL_INPUT:
        return s->x[e->channel];
    case ES_SIGNAL_FLUX_ERROR:
    case ES_SIGNAL_VOLTAGE_ERROR:
        break;
    }
    return deviation(s, (size_t)e->channel);
}

void es_action_slope(const struct es_action *a, const double *path, double scale, double *slope, double *to_offset) {
    const struct es_network *net = a->model->net;
    struct step s = step_new(a);
    struct es_share *share = ES_NEW(s.arena, es_model_shares_most(a->model), struct es_share);
    s.current = ES_NEW(s.arena, net->elements, double);
    for (size_t n = 0; n < es_grid_steps(a->grid); n++) {
        load(&s, path, n);
        es_model_currents(a->model, s.middle, a->offset, s.current);
        for (size_t i = 0; i < net->parameters; i++) {
            size_t shares = es_model_shares(a->model, i, share);
            for (size_t k = 0; k < shares; k++)
                slope[i] += scale * s.h * share[k].weight * observe(&s, share[k].a) * observe(&s, share[k].b);
        }
        for (size_t e = 0; e < net->elements; e++)
            if (es_element_own_state(&net->element[e]))
                to_offset[e] -= scale * s.h * s.current[e];
    }
    es_arena_free(s.arena);
}
