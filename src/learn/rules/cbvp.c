// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// The nudged solutions as boundary value problems (CBVP; Pourcel et al., arXiv 2506.06248): stationary paths of the action S_beta of
// L_beta = L + beta c (learn/action.h), with the same fluxes held at both ends whatever the nudge: phi(0) of <initial>, phi(T) of <final>; or,
// periodic, with nothing held. There is no residual. With D[.] = (at +beta - at -beta) / 2 beta
//     dC/dtheta = D[integral dL/dtheta dt] - (dphi_0/dtheta)' D[p_0] + sum_l (do_l/dtheta) D[integral -dU/dpsi_l dt]
// for dS/dphi_0 = -p_0, p_0 with the charge of the nudge capacitors. By the discrete action's own sums this is exact, as beta goes to 0, for the
// loss of its own stationary path. That path is not the free pass of an engine: initial voltages and charges are not held, and not used.
//
// Where the network is nonlinear there may be several stationary paths between the same ends. The free solution is the one that grows out
// of rest as inputs, held fluxes and offsets grow from 0 to what they are: followed in as few parts as it takes, each close to the last
// one extended. The nudged ones are found from the free one.
#include "learn/action.h"
#include "learn/gradient.h"
#include "net/validate.h"

#include <math.h>
#include <string.h>

enum { FLUX, MOST_UNKNOWNS = 1 << 18 }; // the quantity of es_initial that is held

static const double rest = 0x1p-20;   // of what drives the path, where it still is that of a linear network
static const double closest = 0x1p-8; // smallest part in which it grows
static const double apart = 0.1;      // of the path, at most, between what is extended and what is found

static enum es_status admit_parameter(const struct es_network *net, const struct es_parameter *p, struct es_error *error) {
    const struct es_element *e = &net->element[p->element];
    if (e->kind->term != ES_INITIAL || p->quantity == FLUX)
        return ES_OK;
    return es_fail(error, ES_BAD_INPUT, "network \"%s\", line %d: the initial %s of node \"%s\" is trained, and no part of a boundary value problem, which holds fluxes only; fix it",
                   net->name, e->line, e->kind->quantity[p->quantity].name, net->node[e->p].name);
}

static enum es_status admit_network(const struct es_network *net, struct es_error *error) {
    for (size_t i = 0; i < net->elements; i++) { // which losses="allowed" would not help
        const struct es_element *e = &net->element[i];
        if (e->kind->term == ES_DISSIPATION || e->kind->sense)
            return es_fail(error, ES_BAD_INPUT, "network \"%s\", line %d: %s \"%s\" is in no Lagrangian, and a boundary value problem is a stationary path of an action; remove it, or take a rule that runs from t = 0",
                           net->name, e->line, e->kind->row.name, e->name);
    }
    enum es_status status = es_validate_no_own_flux(net, "a boundary value problem; take a rule that runs from t = 0", error);
    if (status == ES_OK)
        status = es_rule_lagrangian(net, false, error);
    for (size_t i = 0; i < net->nodes && status == ES_OK; i++)
        if (net->node[i].source >= 0)
            status = es_fail(error, ES_BAD_INPUT, "network \"%s\", line %d: the source \"%s\" holds node \"%s\", whose flux at T can then not be chosen; drive it by an <input>",
                             net->name, net->element[net->node[i].source].line, net->element[net->node[i].source].name, net->node[i].name);
    for (size_t i = 0; i < net->parameters && status == ES_OK; i++)
        status = admit_parameter(net, &net->parameter[i], error);
    return status;
}

static enum es_status cbvp_admits(const struct es_problem *problem, struct es_error *error) {
    if (problem->engine && problem->engine->kind != &es_twin)
        return es_fail(error, ES_BAD_INPUT, "a boundary value problem is solved as a whole, in the twin, and the engine %s runs from t = 0; take engine twin",
                       problem->engine->kind->row.name);
    if (problem->engine && !problem->engine->scheme->middle)
        return es_fail(error, ES_BAD_INPUT, "a boundary value problem is solved on the steps of the midpoint rule, and the engine twin runs %s; take scheme midpoint",
                       problem->engine->scheme->row.name);
    if (problem->cost->labels)
        return es_fail(error, ES_BAD_INPUT, "the cost %s answers by the energies of a pass from t = 0, and a boundary value problem has none; take a tracking cost",
                       problem->cost->row.name);
    enum es_status status = es_rule_running(problem->cost, error);
    return status == ES_OK ? admit_network(problem->net, error) : status;
}

static enum es_status periodic_admits(const struct es_problem *problem, struct es_error *error) {
    const struct es_network *net = problem->net;
    enum es_status status = cbvp_admits(problem, error);
    for (size_t i = 0; i < net->elements && status == ES_OK; i++) {
        const struct es_element *e = &net->element[i];
        bool initial = e->kind->term == ES_INITIAL && e->parameter[FLUX] != ES_FIXED;
        if (initial || es_element_own_state(e))
            status = es_fail(error, ES_BAD_INPUT, "network \"%s\", line %d: \"%s\" %s, and a periodic solution starts nowhere; %s", net->name, e->line, e->name,
                             initial ? "trains a flux at t = 0" : "has a state of its own at t = 0", initial ? "fix it" : "remove it");
    }
    return status;
}

// ---- one example -----------------------------------------------------------------------------------------------------

struct boundary {
    const struct es_problem *problem;
    const struct es_action_solver *solver;
    struct es_model model;
    struct es_action action;
    struct es_arena *arena;
    double *voltage;     // [nodes] at t = 0, as the file says
    size_t drives;
    double *full, *now;  // [drives] inputs, phi_0, phi_N and offsets, as they are, and as the action has them
    size_t doubles;      // of a path
    size_t *iterations;
};

static enum es_status check_size(const struct es_problem *problem, struct es_error *error) {
    size_t steps = es_grid_steps(&problem->grid), most = MOST_UNKNOWNS / (problem->net->nodes + 1);
    if (steps >= 2 && steps <= most)
        return ES_OK;
    return es_fail(error, ES_BAD_INPUT, "network \"%s\": a boundary value problem of %zu steps and %zu nodes; expected 2 to %zu steps (points less 1, times substeps)",
                   problem->net->name, steps, problem->net->nodes, most);
}

// What drives the path, times `part`.
static void drive(struct boundary *b, double part) {
    for (size_t i = 0; i < b->drives; i++)
        b->now[i] = part * b->full[i];
}

static void set_action(struct boundary *b, const struct es_example *example, bool periodic) {
    const struct es_network *net = b->problem->net;
    const double *first = b->now + net->channels * b->problem->grid.points, *last = first + net->nodes, *offset = last + net->nodes;
    b->action = (struct es_action){&b->model, &b->problem->grid, b->now, example->target, example->window, NULL, offset, periodic ? NULL : first, last};
}

static enum es_status begin(struct boundary *b, const double *theta, const struct es_example *example, bool periodic, struct es_error *error) {
    const struct es_network *net = b->problem->net;
    size_t points = b->problem->grid.points, inputs = net->channels * points;
    b->drives = inputs + 2 * net->nodes + net->elements;
    b->full = ES_NEW(b->arena, b->drives, double);
    b->now = ES_NEW(b->arena, b->drives, double);
    b->voltage = ES_NEW(b->arena, net->nodes, double);
    b->doubles = (es_grid_steps(&b->problem->grid) + 1) * net->nodes;
    double *x = ES_NEW(b->arena, net->channels, double), *first = b->full + inputs, *last = first + net->nodes, *offset = last + net->nodes;
    memcpy(b->full, example->input, inputs * sizeof *b->full);
    for (size_t c = 0; c < net->channels; c++)
        x[c] = example->input[c * points];
    for (size_t e = 0; e < net->elements; e++)
        if (net->element[e].kind->term == ES_FINAL)
            last[net->element[e].p] = net->element[e].value[FLUX];
    set_action(b, example, periodic);
    enum es_status status = check_size(b->problem, error);
    if (status == ES_OK)
        status = es_model_new(net, theta, b->arena, &b->model, error);
    return status == ES_OK ? es_model_start(&b->model, x, first, b->voltage, offset, error) : status;
}

// The path extended to another part of what drives it; false unless what is found is close.
static bool extend(struct boundary *b, const double *path, double factor, double *found, struct es_error *why) {
    double distance = 0, size = 0;
    for (size_t i = 0; i < b->doubles; i++)
        found[i] = factor * path[i];
    if (b->solver->solve(&b->action, found, b->iterations, why) != ES_OK)
        return false;
    for (size_t i = 0; i < b->doubles; i++) {
        distance += pow(found[i] - factor * path[i], 2);
        size += pow(factor * path[i], 2);
    }
    return distance <= apart * apart * size;
}

static enum es_status find_free(struct boundary *b, double *path, struct es_error *error) {
    double *found = ES_NEW(b->arena, b->doubles, double), gap = 1;
    struct es_error why = {"another path is nearer"};
    drive(b, rest);
    es_action_line(&b->action, path);
    enum es_status status = b->solver->solve(&b->action, path, b->iterations, error);
    for (double part = rest; part < 1 && status == ES_OK;) {
        double next = fmin(1, part + gap);
        drive(b, next);
        if (extend(b, path, next / part, found, &why)) {
            memcpy(path, found, b->doubles * sizeof *path);
            part = next;
            gap *= 2;
        } else if ((gap /= 2) < closest)
            status = es_fail(error, ES_FAILED, "the stationary path that grows out of rest ends at %.3g of the inputs and held fluxes (%s); make them smaller",
                             part, why.text);
    }
    return status;
}

static enum es_status find_loss(struct boundary *b, const double *path, double *slope, double *loss, struct es_error *error) {
    double *value = ES_NEW(b->arena, b->problem->net->outputs, double);
    es_action_read(&b->action, path, value);
    struct es_reading reading = {b->problem->net, value, NULL, -1, b->problem->temperature};
    *loss = b->problem->cost->loss(&reading);
    b->problem->cost->slope(&reading, slope);
    return isfinite(*loss) ? ES_OK : es_fail(error, ES_FAILED, "the loss of the boundary value problem is %g", *loss);
}

// Adds the share of the nudged path at beta_si, found from the free one, to the slope.
static enum es_status add_nudged(struct boundary *b, const double *free, const double *unit, double beta_si, double *slope, struct es_error *error) {
    const struct es_network *net = b->problem->net;
    double *path = ES_NEW(b->arena, b->doubles, double), *nudge = ES_NEW(b->arena, net->outputs, double), scale = 1 / (2 * beta_si);
    double *to_flux = ES_NEW(b->arena, net->nodes, double), *to_charge = ES_NEW(b->arena, net->nodes, double), *to_offset = ES_NEW(b->arena, net->elements, double);
    memcpy(path, free, b->doubles * sizeof *path);
    for (size_t o = 0; o < net->outputs; o++)
        nudge[o] = beta_si * unit[o];
    b->action.nudge = nudge;
    enum es_status status = b->solver->solve(&b->action, path, b->iterations, error);
    if (status != ES_OK)
        return status;
    es_action_slope(&b->action, path, scale, slope, to_offset);
    es_action_charge(&b->action, path, to_flux);
    for (size_t i = 0; i < net->nodes; i++)
        to_flux[i] *= b->action.first ? -scale : 0;
    es_model_start_slope(&b->model, b->voltage, to_flux, to_charge, to_offset, slope);
    return ES_OK;
}

static enum es_status find_slope(struct boundary *b, const double *free, const double *cost_slope, double *slope, struct es_error *error) {
    const struct es_network *net = b->problem->net;
    double *reference = ES_NEW(b->arena, net->outputs, double), *unit = ES_NEW(b->arena, net->outputs, double);
    es_cost_reference(&b->model, NULL, reference);
    es_cost_nudge(b->problem->cost, net, cost_slope, unit);
    double beta_si = b->problem->beta * es_cost_nudge_scale(net, reference, unit);
    enum es_status status = add_nudged(b, free, unit, beta_si, slope, error);
    return status == ES_OK ? add_nudged(b, free, unit, -beta_si, slope, error) : status;
}

static enum es_status solve(const struct es_problem *problem, const double *theta, const struct es_example *example, bool periodic,
                            const struct es_action_solver *solver, double *loss, double *slope, size_t *iterations, struct es_error *error) {
    struct boundary b = {.problem = problem, .solver = solver, .arena = es_arena_new(), .iterations = iterations};
    double *cost_slope = ES_NEW(b.arena, problem->net->outputs, double), *path = NULL;
    enum es_status status = begin(&b, theta, example, periodic, error);
    if (status == ES_OK) {
        path = ES_NEW(b.arena, b.doubles, double);
        status = find_free(&b, path, error);
    }
    if (status == ES_OK)
        status = find_loss(&b, path, cost_slope, loss, error);
    if (status == ES_OK && slope)
        status = find_slope(&b, path, cost_slope, slope, error);
    es_arena_free(b.arena);
    return status;
}

// ---- the rules -------------------------------------------------------------------------------------------------------

static enum es_status solve_held(const struct es_problem *problem, const double *theta, const struct es_example *example, double *loss, double *slope,
                                 size_t *iterations, struct es_error *error) {
    return solve(problem, theta, example, false, &es_action_newton, loss, slope, iterations, error);
}

static enum es_status flow_held(const struct es_problem *problem, const double *theta, const struct es_example *example, double *loss, double *slope,
                                size_t *iterations, struct es_error *error) {
    return solve(problem, theta, example, false, &es_action_flow, loss, slope, iterations, error);
}

static enum es_status solve_periodic(const struct es_problem *problem, const double *theta, const struct es_example *example, double *loss, double *slope,
                                     size_t *iterations, struct es_error *error) {
    return solve(problem, theta, example, true, &es_action_newton, loss, slope, iterations, error);
}

static enum es_status flow_periodic(const struct es_problem *problem, const double *theta, const struct es_example *example, double *loss, double *slope,
                                    size_t *iterations, struct es_error *error) {
    return solve(problem, theta, example, true, &es_action_flow, loss, slope, iterations, error);
}

const struct es_rule es_cbvp = {
    .row = {"cbvp", "fluxes held at both ends, own free solution; two-point boundary value problems by Newton's method", "CBVP, arXiv 2506.06248"},
    .boundary = "phi at 0, T",
    .memory = "O(T), the path",
    .local = true,
    .own_loss = &es_cbvp,
    .admits = cbvp_admits,
    .solve = solve_held,
};

const struct es_rule es_cbvp_flow = {
    .row = {"cbvp-flow", "the same by gradient flow on the action's residual in fictitious time", "CBVP, arXiv 2506.06248"},
    .boundary = "phi at 0, T",
    .memory = "O(T), the path",
    .local = true,
    .own_loss = &es_cbvp,
    .admits = cbvp_admits,
    .solve = flow_held,
};

const struct es_rule es_cbvp_periodic = {
    .row = {"cbvp-periodic", "periodic solutions, own free solution; boundary value problems by Newton's method", "CBVP, arXiv 2506.06248"},
    .boundary = "periodic",
    .memory = "O(T), the path",
    .local = true,
    .own_loss = &es_cbvp_periodic,
    .admits = periodic_admits,
    .solve = solve_periodic,
};

const struct es_rule es_cbvp_periodic_flow = {
    .row = {"cbvp-periodic-flow", "the same by gradient flow on the action's residual in fictitious time", "CBVP, arXiv 2506.06248"},
    .boundary = "periodic",
    .memory = "O(T), the path",
    .local = true,
    .own_loss = &es_cbvp_periodic,
    .admits = periodic_admits,
    .solve = flow_periodic,
};
