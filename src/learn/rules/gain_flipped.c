// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// The echo with gain (docs/theory.md 5), for uniform damping D = gamma M: each capacitor C, mutual ones too, with a conductance gamma C beside
// it, so that the circuit has the Lagrangian e^{gamma t} L_0 (Caldirola, Kanai). The echo of rhel.c with every conductance negated. Over the
// echo's time t' nudges grow as e^{gamma t'}, a nudge capacitor N with the conductance -gamma N beside it:
//     dC/dtheta = D[integral e^{-gamma t'} dL_0/dtheta dt'] + e^{-gamma T} ((dp_0/dtheta)' D[Phi] - (dphi_0/dtheta)' D[P])
//                 + sum_l (do_l/dtheta) D[integral -e^{-gamma t'} dU/dpsi_l dt']
// beta is that of the end of the echo, where nudges are at their largest.
// The twin's scheme conformal is the variational integrator of that Lagrangian, and the gradient exact for the discretised loss there; with
// the implicit midpoint and the trapezoidal rule, which damp each mode by a little less or more, it is off by O(h^2).
#include "learn/gradient.h"

#include "net/validate.h"

#include <math.h>

static const double longest = 24; // gamma T: the echo multiplies rounding by e^{gamma T}, here 3e10

static bool is_damped(const struct es_network *net) {
    for (size_t i = 0; i < net->elements; i++)
        if (net->element[i].kind->term == ES_DISSIPATION)
            return true;
    return false;
}

static enum es_status refuse_trained(const struct es_network *net, struct es_error *error) {
    for (size_t i = 0; i < net->elements; i++) {
        const struct es_element *e = &net->element[i];
        if ((e->kind->term == ES_KINETIC || e->kind->term == ES_DISSIPATION) && e->parameter[0] != ES_FIXED)
            return es_fail(error, ES_BAD_INPUT,
                           "network \"%s\", line %d: the rule gain-flipped cannot train %s \"%s\": damping would not stay uniform; train inductances, or use the "
                           "rule reciprocal",
                           net->name, e->line, e->kind->row.name, e->name);
    }
    return ES_OK;
}

static enum es_status admits(const struct es_problem *problem, struct es_error *error) {
    const struct es_network *net = problem->net;
    double gamma;
    enum es_status status = es_rule_lagrangian(net, true, error);
    if (status == ES_OK)
        status = es_validate_potentials(net, error);
    if (status == ES_OK && is_damped(net))
        status = refuse_trained(net, error);
    if (status == ES_OK)
        status = es_validate_uniform_damping(net, NULL, &gamma, error);
    if (status == ES_OK && is_damped(net) && !problem->engine->scheme->middle)
        status = es_fail(error, ES_BAD_INPUT, "the rule gain-flipped needs a scheme that steps through the middle of its steps, and the engine %s runs %s; use %s",
                         problem->engine->kind->row.name, problem->engine->scheme->row.name, problem->engine->kind->schemes[0]->name);
    return status == ES_OK && problem->reversal->swapped ? es_validate_transconductors(net, false, error) : status;
}

static double gamma_t(const struct es_grid *grid, double gamma) {
    return gamma * es_grid_step(grid) * (double)es_grid_steps(grid);
}

static enum es_status growth(const struct es_model *model, const struct es_grid *grid, double *gamma, struct es_error *error) {
    enum es_status status = es_validate_uniform_damping(model->net, model->k, gamma, error);
    if (status != ES_OK || gamma_t(grid, *gamma) <= longest)
        return status;
    return es_fail(error, ES_FAILED,
                   "network \"%s\": the damping times the length of the pass is %.3g, and above %g the echo with gain, which multiplies rounding by e to that power, does "
                   "not return; take a shorter pass, or the rule reciprocal where the network is linear", model->net->name, gamma_t(grid, *gamma), longest);
}

static size_t passes(const struct es_network *net) {
    return es_rhel.passes(net);
}

static enum es_status plan(struct es_rule_sample *sample, struct es_arena *arena, struct es_error *error) {
    double gamma;
    enum es_status status = growth(sample->model, sample->grid, &gamma, error);
    if (status == ES_OK && sample->cost->reads == ES_READ_RUNNING)
        sample->beta_si *= exp(-gamma_t(sample->grid, gamma));
    if (status == ES_OK)
        status = es_rhel.plan(sample, arena, error);
    for (size_t i = 0; i < 2 && status == ES_OK; i++)
        sample->pass[i].growth = gamma;
    return status;
}

static enum es_status gradient(const struct es_rule_sample *sample, struct es_arena *arena, double *slope, struct es_error *error) {
    return es_rhel.gradient(sample, arena, slope, error);
}

const struct es_rule es_gain_flipped = {
    .row = {"gain-flipped", "two echoes with every conductance negated, for uniform damping; integrals with e^{-gamma t'}", "Caldirola 1941, Kanai 1948; arXiv 2506.06248"},
    .boundary = "phi, p at T",
    .memory = "O(1)",
    .local = true,
    .lossy = true,
    .passes = passes,
    .admits = admits,
    .integrals = es_rule_integrals,
    .plan = plan,
    .gradient = gradient,
    .growth = growth,
};
