// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
#include "engine/ngspice/starter.h"

#include "engine/solver.h"

#include <math.h>
#include <string.h>

static int solved(const struct es_network *net, int node) {
    return node >= 0 && net->node[node].source >= 0 ? ES_GROUND : node;
}

static bool is_nudge(const struct es_element *e) {
    return e->kind->term == ES_READOUT && e->read == ES_READ_VOLTAGE;
}

// charge [nodes] -= (M + w N) v
static void draw_charge(const struct es_model *model, const double *nudge, double window, const double *v, double *charge) {
    for (size_t i = 0; i < model->net->elements; i++) {
        const struct es_element *e = &model->net->element[i];
        double c = e->kind->term == ES_KINETIC ? model->k[i] : nudge && is_nudge(e) ? window * nudge[e->channel] : 0;
        es_add_across(e, charge, -c * es_across(e, v));
    }
}

enum es_status es_starter_voltage(const struct es_model *model, const double *nudge, double window, const double *charge, double *voltage,
                                  struct es_arena *arena, struct es_error *error) {
    const struct es_network *net = model->net;
    struct es_entry *entry = ES_NEW(arena, 4 * net->elements + net->nodes, struct es_entry);
    double *right = ES_NEW(arena, net->nodes, double), *held = ES_NEW(arena, net->nodes, double);
    size_t count = 0;
    for (size_t i = 0; i < net->nodes; i++)
        if (net->node[i].source >= 0) {
            held[i] = voltage[i];
            entry[count++] = (struct es_entry){(int)i, (int)i, 1, 1, NULL};
        }
    for (size_t i = 0; i < net->elements; i++) {
        const struct es_element *e = &net->element[i];
        if (e->kind->term == ES_KINETIC || (nudge && is_nudge(e)))
            count += es_solver_branch(solved(net, e->p), solved(net, e->n), 1, e->kind->term == ES_KINETIC ? model->k[i] : window * nudge[e->channel], NULL, entry + count);
    }
    memcpy(right, charge, net->nodes * sizeof *right);
    draw_charge(model, nudge, window, held, right);
    struct es_lanes *b = ES_NEW(arena, net->nodes, struct es_lanes), *x = ES_NEW(arena, net->nodes, struct es_lanes);
    for (size_t i = 0; i < net->nodes; i++)
        b[i].at[0] = net->node[i].source >= 0 ? held[i] : right[i];
    struct es_solver *solver;
    enum es_status status = es_solver_new(arena, net->nodes, count, entry, &solver, error);
    if (status == ES_OK)
        es_solver_apply(solver, 1, b, x);
    for (size_t i = 0; i < net->nodes && status == ES_OK; i++)
        voltage[i] = x[i].at[0];
    return status;
}

// What the signals are where the pass begins.
struct beginning {
    double *x, *y, *j; // [channels], [outputs], [injections]
    double window;
};

static struct beginning beginning_of(const struct es_network *net, const struct es_batch *batch, const struct es_pass *pass, struct es_arena *arena) {
    const struct es_grid *grid = &batch->grid;
    struct beginning at = {ES_NEW(arena, net->channels, double), ES_NEW(arena, net->outputs, double), ES_NEW(arena, batch->injections, double), 1};
    const struct es_reversal *turn = pass->reversal;
    size_t point = turn ? grid->points - 1 : 0, steps = es_grid_steps(grid);
    for (size_t c = 0; c < net->channels; c++)
        at.x[c] = (turn ? turn->input : 1) * es_pass_input(grid, pass, pass->input + c * grid->points, 0);
    for (size_t o = 0; o < net->outputs; o++) {
        double sign = !turn ? 1 : net->element[net->output[o]].read == ES_READ_FLUX ? turn->flux_target : turn->voltage_target;
        at.y[o] = pass->target ? sign * pass->target[o * grid->points + point] : 0;
    }
    for (size_t i = 0; i < batch->injections && pass->injection; i++)
        at.j[i] = pass->injection[i * steps + (turn ? steps - 1 : 0)];
    if (pass->window)
        at.window = pass->window[turn ? grid->points - 2 : 0];
    return at;
}

static void hold_sources(const struct es_model *model, const struct es_pass *pass, const struct beginning *at, double *voltage) {
    const struct es_network *net = model->net;
    double sign = pass->reversal ? pass->reversal->source * pass->reversal->input : 1;
    for (size_t i = 0; i < net->nodes; i++)
        if (net->node[i].source >= 0)
            voltage[i] = sign * model->k[net->node[i].source] * at->x[net->element[net->node[i].source].channel];
}

// Nudges at the outputs that read `read`: adds N y to the charge, or draws the current of the inductors from the force.
static void add_nudges(const struct es_network *net, const struct es_pass *pass, const struct beginning *at, enum es_read read, const double *flux, double *to) {
    for (size_t o = 0; o < net->outputs && pass->nudge; o++) {
        const struct es_element *e = &net->element[net->output[o]];
        double nudge = at->window * pass->nudge[o];
        if (e->read == read)
            es_add_across(e, to, read == ES_READ_FLUX ? -nudge * (es_across(e, flux) - at->y[o]) : nudge * at->y[o]);
    }
}

static struct es_pass copy_state(const struct es_network *net, const struct es_pass *pass, struct es_arena *arena, double **flux, double **voltage, double **offset) {
    struct es_pass copy = *pass;
    copy.flux = *flux = ES_NEW(arena, net->nodes, double);
    copy.voltage = *voltage = ES_NEW(arena, net->nodes, double);
    copy.offset = *offset = ES_NEW(arena, net->elements, double);
    memcpy(*flux, pass->flux, net->nodes * sizeof **flux);
    memcpy(*voltage, pass->voltage, net->nodes * sizeof **voltage);
    memcpy(*offset, pass->offset, net->elements * sizeof **offset);
    return copy;
}

// A branch's own flux: what its nodes' moves are must not show in it. Where time runs backwards, its decay does not.
static void move_own(const struct es_model *model, const bool *own, double before, const double *v, const double *from, const double *to, double *offset) {
    for (size_t i = 0; i < model->net->elements; i++) {
        const struct es_element *e = &model->net->element[i];
        double psi = es_model_flux(model, i, from, offset), forwards = before < 0 ? -1 : 1;
        if (own[i])
            offset[i] += es_across(e, from) - es_across(e, to) - before * es_model_flux_rate(model, i, forwards * psi, es_across(e, v));
    }
}

// A pass with growth has its conductances negated. Where time runs backwards, they do not.
static void turn_conductances(const struct es_model *model, const struct es_pass *pass, const double *v, double *force) {
    bool swapped = pass->reversal && pass->reversal->swapped;
    for (size_t i = 0; i < model->net->elements && (pass->growth != 0) != swapped; i++) {
        const struct es_element *e = &model->net->element[i];
        if (e->kind->term == ES_DISSIPATION)
            es_add_across(e, force, 2 * model->k[i] * es_across(e, v));
    }
}

enum es_status es_starter_state(const struct es_model *model, const struct es_batch *batch, const struct es_pass *pass, double before,
                                struct es_arena *arena, struct es_pass *start, struct es_pass *early, struct es_error *error) {
    const struct es_network *net = model->net;
    double *charge = ES_NEW(arena, net->nodes, double), *slope = ES_NEW(arena, net->nodes, double), *v0, *flux, *voltage, *offset;
    struct beginning at = beginning_of(net, batch, pass, arena);
    *start = copy_state(net, pass, arena, &flux, &v0, &offset);
    *early = copy_state(net, pass, arena, &flux, &voltage, &offset);
    hold_sources(model, pass, &at, v0);
    es_model_momentum(model, v0, charge);
    add_nudges(net, pass, &at, ES_READ_VOLTAGE, pass->flux, charge);
    enum es_status status = pass->connected ? ES_OK : es_starter_voltage(model, pass->nudge, at.window, charge, v0, arena, error);
    es_model_force(model, pass->flux, v0, at.x, pass->offset, charge);
    add_nudges(net, pass, &at, ES_READ_FLUX, pass->flux, charge);
    for (size_t i = 0; i < batch->injections; i++)
        if (!batch->injection[i].series)
            es_add_across(&net->element[batch->injection[i].element], charge, before < 0 ? -at.j[i] : at.j[i]);
    turn_conductances(model, pass, v0, charge);
    at.window *= 1 - pass->growth * fabs(before);
    if (status == ES_OK) // the sources stand still
        status = es_starter_voltage(model, pass->nudge, at.window, charge, slope, arena, error);
    for (size_t i = 0; i < net->nodes; i++) {
        flux[i] = pass->flux[i] - before * v0[i];
        voltage[i] = v0[i] - before * slope[i];
    }
    move_own(model, es_batch_own_fluxes(batch, model, arena), before, v0, pass->flux, flux, offset);
    for (size_t i = 0; i < batch->injections; i++)
        offset[batch->injection[i].element] -= batch->injection[i].series ? before * at.j[i] : 0;
    return status;
}
