// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
#include "engine/ngspice/starter.h"

#include "engine/solver.h"
#include "net/lagrangian.h"

// x [nodes] = (M + nudge capacitors)^-1 b; without nudges where `nudge` is NULL.
static enum es_status solve_mass(const struct es_network *net, const double *k, const double *nudge, const double *b, double *x,
                                 struct es_arena *arena, struct es_error *error) {
    struct es_entry *entry = ES_NEW(arena, 4 * net->elements, struct es_entry);
    size_t count = 0;
    for (size_t i = 0; i < net->elements; i++) {
        const struct es_element *e = &net->element[i];
        bool nudged = nudge && e->kind->term == ES_READOUT && e->read == ES_READ_VOLTAGE;
        if (nudged || e->kind->term == ES_KINETIC)
            count += es_solver_branch(e->p, e->n, 1, nudged ? nudge[e->channel] : k[i], NULL, entry + count);
    }
    struct es_solver *solver;
    enum es_status status = es_solver_new(arena, net->nodes, count, entry, &solver, error);
    struct es_lanes *right = ES_NEW(arena, net->nodes, struct es_lanes), *left = ES_NEW(arena, net->nodes, struct es_lanes);
    for (size_t i = 0; i < net->nodes; i++)
        right[i].at[0] = b[i];
    if (status == ES_OK)
        es_solver_apply(solver, 1, right, left);
    for (size_t i = 0; i < net->nodes && status == ES_OK; i++)
        x[i] = left[i].at[0];
    return status;
}

static void add_nudge_inductors(const struct es_network *net, const struct es_grid *grid, const struct es_pass *pass, double *force) {
    for (size_t o = 0; o < net->outputs && pass->nudge; o++) {
        const struct es_element *e = &net->element[net->output[o]];
        size_t first = o * grid->points + (pass->reversed ? grid->points - 1 : 0);
        double current = e->read == ES_READ_FLUX ? pass->nudge[o] * (es_across(e, pass->flux) - (pass->target ? pass->target[first] : 0)) : 0;
        if (e->p >= 0)
            force[e->p] -= current;
        if (e->n >= 0)
            force[e->n] += current;
    }
}

enum es_status es_starter_state(const struct es_network *net, const struct es_grid *grid, const struct es_pass *pass, double before,
                                struct es_arena *arena, double *flux, double *voltage, struct es_error *error) {
    double *k = ES_NEW(arena, net->elements, double), *x = ES_NEW(arena, net->channels, double);
    double *force = ES_NEW(arena, net->nodes, double), *connected = ES_NEW(arena, net->nodes, double);
    es_network_coefficients(net, pass->theta, k);
    for (size_t c = 0; c < net->channels; c++)
        x[c] = pass->input[c * grid->points + (pass->reversed ? grid->points - 1 : 0)];
    es_lagrangian_momentum(net, k, pass->voltage, force);
    enum es_status status = solve_mass(net, k, pass->nudge, force, connected, arena, error);
    es_lagrangian_force(net, k, pass->flux, connected, x, force);
    add_nudge_inductors(net, grid, pass, force);
    if (status == ES_OK)
        status = solve_mass(net, k, NULL, force, voltage, arena, error);
    for (size_t i = 0; i < net->nodes; i++) {
        flux[i] = pass->flux[i] - before * connected[i];
        voltage[i] = pass->voltage[i] - before * voltage[i];
    }
    return status;
}
