// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
#include "engine/twin/equilibrium.h"

#include "core/clock.h"

#include <math.h>
#include <string.h>

// ---- compiling -------------------------------------------------------------------------------------------------------

// The ends of element e as its voltage fp u[p] - fn u[n] sees them, and its weight.
static struct es_junction junction_of(const struct es_rest *rest, size_t e) {
    const struct es_resistive *r = rest->resistive;
    const struct es_element *element = &r->net->element[e];
    struct es_junction junction = {.element = element, .q = rest->model->q[e], .p = -1, .n = -1, .w = es_resistive_weight(r, e)};
    if (element->p >= 0) {
        junction.p = r->row[element->p];
        junction.fp = r->factor[element->p];
    }
    if (element->n >= 0) {
        junction.n = r->row[element->n];
        junction.fn = r->factor[element->n];
    }
    return junction;
}

// The entries of w a a' at the unknowns.
static size_t entries_of(const struct es_junction *x, struct es_entry *entry) {
    size_t count = 0;
    if (x->p >= 0)
        entry[count++] = (struct es_entry){x->p, x->p, x->w * x->fp * x->fp, 0, NULL};
    if (x->n >= 0)
        entry[count++] = (struct es_entry){x->n, x->n, x->w * x->fn * x->fn, 0, NULL};
    if (x->p >= 0 && x->n >= 0) {
        entry[count++] = (struct es_entry){x->p, x->n, -x->w * x->fp * x->fn, 0, NULL};
        entry[count++] = (struct es_entry){x->n, x->p, -x->w * x->fp * x->fn, 0, NULL};
    }
    return count;
}

static void take_places(struct es_junction *x, const int **place) {
    bool both = x->p >= 0 && x->n >= 0;
    x->place[0] = x->p >= 0 ? *(*place)++ : -1;
    x->place[1] = x->n >= 0 ? *(*place)++ : -1;
    x->place[2] = both ? *(*place)++ : -1;
    x->place[3] = both ? *(*place)++ : -1;
}

// a += conductance w a a'
static void stamp(const struct es_junction *x, double conductance, double *a) {
    double factor[4] = {x->fp * x->fp, x->fn * x->fn, -x->fp * x->fn, -x->fp * x->fn};
    for (int i = 0; i < 4; i++)
        if (x->place[i] >= 0)
            a[x->place[i]] += x->w * conductance * factor[i];
}

// b += current w a
static void inject(const struct es_junction *x, double current, double *b) {
    if (x->p >= 0)
        b[x->p] += x->w * x->fp * current;
    if (x->n >= 0)
        b[x->n] -= x->w * x->fn * current;
}

// What a conductance between an unknown and a given voltage brings to b.
static void list_given(struct es_rest *rest, const struct es_junction *x, double conductance) {
    const struct es_element *e = x->element;
    if (x->p >= 0 && x->n < 0 && e->n >= 0)
        rest->given[rest->givens++] = (struct es_given){x->p, (size_t)e->n, x->w * x->fp * conductance};
    if (x->n >= 0 && x->p < 0 && e->p >= 0)
        rest->given[rest->givens++] = (struct es_given){x->n, (size_t)e->p, x->w * x->fn * conductance};
}

static void list_junctions(struct es_rest *rest, struct es_arena *arena) {
    const struct es_network *net = rest->model->net;
    rest->junction = ES_NEW(arena, net->elements, struct es_junction);
    rest->skew = ES_NEW(arena, net->elements, struct es_junction);
    rest->nudge = ES_NEW(arena, net->outputs, struct es_junction);
    rest->drive = ES_NEW(arena, net->elements, size_t);
    rest->given = ES_NEW(arena, net->elements, struct es_given);
    for (size_t e = 0; e < net->elements; e++)
        if (net->element[e].kind->term == ES_RECTIFYING)
            rest->junction[rest->junctions++] = junction_of(rest, e);
        else if (net->element[e].kind->term == ES_SKEW)
            rest->skew[rest->skews++] = junction_of(rest, e);
        else if (net->element[e].kind->term == ES_DRIVE)
            rest->drive[rest->drives++] = e;
    for (size_t o = 0; o < net->outputs; o++)
        rest->nudge[o] = junction_of(rest, net->output[o]);
}

// The entries of all conductances, with their values.
static size_t conductance_entries(struct es_rest *rest, struct es_entry *entry) {
    const struct es_network *net = rest->model->net;
    size_t count = 0;
    for (size_t e = 0; e < net->elements; e++) {
        if (net->element[e].kind->term != ES_DISSIPATION)
            continue;
        struct es_junction x = junction_of(rest, e);
        size_t added = entries_of(&x, entry + count);
        for (size_t i = 0; i < added; i++)
            entry[count + i].shared = rest->model->k[e];
        list_given(rest, &x, rest->model->k[e]);
        count += added;
    }
    return count;
}

// The entries of capacitors.
static size_t mass_entries(const struct es_rest *rest, struct es_entry *entry) {
    const struct es_network *net = rest->model->net;
    size_t count = 0;
    for (size_t e = 0; e < net->elements && rest->resistive->active; e++) {
        struct es_junction x = junction_of(rest, e);
        size_t added = net->element[e].kind->term == ES_KINETIC ? entries_of(&x, entry + count) : 0;
        for (size_t i = 0; i < added; i++)
            entry[count + i].shared = rest->model->k[e];
        count += added;
    }
    return count;
}

// Entries of rectifiers, nudges and skew couplings come first, those of capacitors last.
static void compile_matrix(struct es_rest *rest, struct es_arena *arena) {
    const struct es_network *net = rest->model->net;
    struct es_entry *entry = ES_NEW(arena, 4 * (net->elements + net->outputs), struct es_entry);
    size_t count = 0, linear, reactive;
    for (size_t i = 0; i < rest->junctions; i++)
        count += entries_of(&rest->junction[i], entry + count);
    for (size_t o = 0; o < net->outputs; o++)
        count += entries_of(&rest->nudge[o], entry + count);
    for (size_t i = 0; i < rest->skews; i++)
        count += entries_of(&rest->skew[i], entry + count);
    linear = count;
    reactive = count += conductance_entries(rest, entry + count);
    count += mass_entries(rest, entry + count);
    rest->pattern = es_pattern_new(arena, rest->n, count, entry);
    rest->a = ES_NEW(arena, (size_t)rest->pattern.nonzeros, double);
    const int *place = rest->pattern.place;
    rest->mass = ES_NEW(arena, (size_t)rest->pattern.nonzeros, double);
    for (size_t i = linear; i < count; i++)
        (i < reactive ? rest->a : rest->mass)[place[i]] += entry[i].factor * entry[i].shared;
    for (size_t i = 0; i < rest->junctions; i++)
        take_places(&rest->junction[i], &place);
    for (size_t o = 0; o < net->outputs; o++)
        take_places(&rest->nudge[o], &place);
    for (size_t i = 0; i < rest->skews; i++)
        take_places(&rest->skew[i], &place);
}

static struct es_rest *compile(const struct es_resistive *resistive, const struct es_model *model, struct es_arena *arena) {
    struct es_rest *rest = ES_NEW(arena, 1, struct es_rest);
    *rest = (struct es_rest){.resistive = resistive, .model = model, .n = resistive->unknowns};
    list_junctions(rest, arena);
    compile_matrix(rest, arena);
    return rest;
}

// ---- one pass --------------------------------------------------------------------------------------------------------

static double across(const struct es_junction *x, const double *u) {
    return (x->p >= 0 ? x->fp * u[x->p] : 0) - (x->n >= 0 ? x->fn * u[x->n] : 0);
}

// The part of a branch's voltage that comes from given nodes, their voltages standing in `voltage`.
static double given_across(const struct es_junction *x, const double *voltage) {
    const struct es_element *e = x->element;
    return (x->p < 0 && e->p >= 0 ? voltage[e->p] : 0) - (x->n < 0 && e->n >= 0 ? voltage[e->n] : 0);
}

// A, b and the junctions' bases of the pass; voltage [nodes] has the given ones.
static void set_up(struct es_rest_state *s, const struct es_pass *pass, size_t points, const double *voltage) {
    const struct es_rest *rest = s->rest;
    const struct es_network *net = rest->model->net;
    memcpy(s->a, rest->a, (size_t)rest->pattern.nonzeros * sizeof *s->a);
    memset(s->b, 0, rest->n * sizeof *s->b);
    for (size_t i = 0; i < rest->givens; i++)
        s->b[rest->given[i].row] += rest->given[i].value * voltage[rest->given[i].node];
    for (size_t i = 0; i < rest->drives; i++) {
        struct es_junction x = junction_of(rest, rest->drive[i]);
        inject(&x, rest->model->k[rest->drive[i]] * pass->input[(size_t)x.element->channel * points], s->b);
    }
    for (size_t o = 0; o < net->outputs && pass->nudge; o++) {
        double target = pass->target ? pass->target[o * points] : 0;
        stamp(&rest->nudge[o], pass->nudge[o], s->a);
        inject(&rest->nudge[o], pass->nudge[o] * (target - given_across(&rest->nudge[o], voltage)), s->b);
    }
    for (size_t i = 0; i < rest->junctions; i++)
        s->base[i] = given_across(&rest->junction[i], voltage);
    s->given = voltage;
    s->largest_given = 0;
    for (size_t i = 0; i < net->nodes; i++)
        if (rest->resistive->row[i] < 0)
            s->largest_given = fmax(s->largest_given, fabs(voltage[i]));
}

static void evaluate_linear(struct es_rest_state *s, const double *u, double *g) {
    const struct es_pattern *pattern = &s->rest->pattern;
    memset(g, 0, s->rest->n * sizeof *g);
    for (size_t c = 0; c < s->rest->n; c++)
        for (int i = pattern->column[c]; i < pattern->column[c + 1]; i++)
            g[pattern->row[i]] += s->a[i] * u[c];
    s->content = s->size = 0;
    for (size_t i = 0; i < s->rest->n; i++) {
        double square = g[i] * u[i] / 2, product = s->b[i] * u[i];
        s->content += square - product;
        s->size += fabs(square) + fabs(product);
        g[i] -= s->b[i];
    }
}

// w_p k f(v_p) v_n
static void add_skew(struct es_rest_state *s, const struct es_junction *x, const double *u, double *g, double *j) {
    double p = x->p >= 0 ? x->fp * u[x->p] : s->given[x->element->p], n = x->n >= 0 ? x->fn * u[x->n] : s->given[x->element->n];
    double slope, bend, k = x->w * x->q[0], sense = es_skew_sense(x->q, p, &slope, &bend);
    if (x->p >= 0)
        g[x->p] += k * slope * x->fp * n;
    if (x->n >= 0)
        g[x->n] += k * sense * x->fn;
    double value[4] = {k * bend * x->fp * x->fp * n, 0, k * slope * x->fp * x->fn, k * slope * x->fp * x->fn};
    for (int i = 0; i < 4 && j; i++)
        if (x->place[i] >= 0)
            j[x->place[i]] += value[i];
}

void es_rest_evaluate(struct es_rest_state *s, const double *u, double *g, double *j) {
    evaluate_linear(s, u, g);
    if (j)
        memcpy(j, s->a, (size_t)s->rest->pattern.nonzeros * sizeof *j);
    for (size_t i = 0; i < s->rest->junctions; i++) {
        const struct es_junction *x = &s->rest->junction[i];
        const struct es_potential *law = x->element->kind->content;
        double v = across(x, u) + s->base[i], current, conductance, content = x->w * law->energy(x->q, v);
        law->current(x->q, 1, &v, &current, &conductance);
        s->content += content;
        s->size += fabs(content);
        inject(x, current, g);
        if (j)
            stamp(x, conductance, j);
    }
    for (size_t i = 0; i < s->rest->skews; i++)
        add_skew(s, &s->rest->skew[i], u, g, j);
}

static struct es_rest_state new_state(const struct es_rest *rest, struct es_arena *arena) {
    size_t nonzeros = (size_t)rest->pattern.nonzeros;
    return (struct es_rest_state){.rest = rest, .a = ES_NEW(arena, nonzeros, double), .b = ES_NEW(arena, rest->n, double),
                                  .base = ES_NEW(arena, rest->junctions, double), .u = ES_NEW(arena, rest->n, double),
                                  .g = ES_NEW(arena, rest->n, double), .j = ES_NEW(arena, nonzeros, double)};
}

// Coarse steps can end in a state of rest that is not stable, from which the transient has hardly begun to move away: it is then followed once more.
static enum es_status settle(struct es_rest_state *s, const struct es_pass *pass, const double *x, double *voltage, struct es_arena *arena,
                             struct es_error *error) {
    const struct es_resistive *r = s->rest->resistive;
    enum es_status status = ES_FAILED;
    for (double local_error = 1e-3; local_error > 1e-7 && status != ES_OK; local_error *= 1e-3) {
        for (size_t i = 0; i < s->rest->n; i++)
            s->u[i] = pass->voltage[r->node[i]];
        if ((status = es_rest_settle(s, local_error, arena, error)) != ES_OK)
            return status;
        es_resistive_voltages(r, s->u, x, voltage);
        status = es_resistive_stable(r, s->rest->model, pass->nudge, voltage, error);
    }
    return status;
}

static enum es_status run_pass(const struct es_equilibrium *scheme, struct es_rest_state *s, const struct es_batch *batch, const struct es_pass *pass,
                               struct es_result *result, struct es_error *error) {
    const struct es_resistive *r = s->rest->resistive;
    const struct es_network *net = r->net;
    struct es_arena *arena = es_arena_new();
    double *x = ES_NEW(arena, net->channels, double), start = es_now();
    for (size_t c = 0; c < net->channels; c++)
        x[c] = pass->input[c * batch->grid.points];
    for (size_t i = 0; i < s->rest->n; i++)
        s->u[i] = pass->voltage[r->node[i]];
    es_resistive_voltages(r, s->u, x, result->voltage);
    set_up(s, pass, batch->grid.points, result->voltage);
    enum es_status status = r->active ? settle(s, pass, x, result->voltage, arena, error) : scheme->solve(s, arena, error);
    es_resistive_voltages(r, s->u, x, result->voltage);
    memset(result->flux, 0, net->nodes * sizeof *result->flux);
    memset(result->offset, 0, net->elements * sizeof *result->offset);
    es_equilibrium_products(batch, net, pass, result->voltage, result->integral);
    result->callback_s = 0;
    result->wall_s = result->tran_s = es_now() - start;
    for (int end = 0; end < 2 && batch->sink && status == ES_OK; end++)
        batch->sink->point(batch->sink->context, end ? (double)(batch->grid.points - 1) * batch->grid.interval : 0, result->flux, result->voltage);
    es_arena_free(arena);
    return status;
}

enum es_status es_equilibrium_run(const struct es_equilibrium *scheme, const struct es_resistive *resistive, const struct es_batch *batch, size_t passes,
                                  const struct es_pass *pass, struct es_result *result, struct es_error *error) {
    struct es_arena *arena = es_arena_new();
    struct es_model model;
    enum es_status status = es_model_new(resistive->net, pass->theta, arena, &model, error);
    if (status == ES_OK) {
        struct es_rest_state state = new_state(compile(resistive, &model, arena), arena);
        for (size_t i = 0; i < passes && status == ES_OK; i++)
            status = run_pass(scheme, &state, batch, &pass[i], &result[i], error);
    }
    es_arena_free(arena);
    return status;
}
