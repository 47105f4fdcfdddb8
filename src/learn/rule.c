// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
#include "learn/gradient.h"

#include "net/validate.h"

#include <math.h>

const struct es_row *const es_rules[] = {
    &es_rhel.row, &es_pfvp.row, &es_civp.row, &es_civp_residual.row, &es_cbvp.row, &es_cbvp_flow.row,
    &es_cbvp_periodic.row, &es_cbvp_periodic_flow.row, &es_heb.row, &es_heb_self.row, &es_reciprocal.row, &es_gain_flipped.row,
    &es_ep.row, &es_ep_one_sided.row, &es_skew_ep.row, &es_contrastive.row, &es_path_integral.row, NULL,
};

bool es_rule_echoes(const struct es_rule *rule) {
    return !rule->forward && !rule->own_loss;
}

enum es_status es_rule_admits(const struct es_rule *rule, const struct es_problem *problem, struct es_error *error) {
    const struct es_engine *engine = problem->engine;
    bool turns = !rule->forward && !rule->equilibrium && !rule->solve && problem->reversal && problem->reversal->flux > 0 && !problem->reversal->swapped;
    enum es_status status = turns && !problem->losses_allowed ? es_validate_drift(problem->net, error) : ES_OK;
    if (status != ES_OK)
        return status;
    if (rule->equilibrium == engine->scheme->equilibrium)
        return rule->admits(problem, error);
    return es_fail(error, ES_BAD_INPUT, "this rule %s, and the scheme %s of engine %s %s; take the scheme %s, or another rule",
                   rule->equilibrium ? "compares states of rest" : "follows transients", engine->scheme->row.name, engine->kind->row.name,
                   rule->equilibrium ? "follows transients" : "finds states of rest", es_engine_scheme(engine->kind, rule->equilibrium)->row.name);
}

size_t es_rule_integrals(const struct es_model *model, struct es_arena *arena, const struct es_accumulator **list) {
    const struct es_network *net = model->net;
    size_t most = es_model_shares_most(model), count = 0;
    struct es_share *share = ES_NEW(arena, most, struct es_share);
    struct es_accumulator *accumulator = ES_NEW(arena, net->parameters * most + net->elements, struct es_accumulator);
    for (size_t i = 0; i < net->parameters; i++) {
        size_t shares = es_model_shares(model, i, share);
        for (size_t s = 0; s < shares; s++)
            accumulator[count++] = (struct es_accumulator){.a = share[s].a, .b = share[s].b};
    }
    for (size_t e = 0; e < net->elements; e++)
        if (es_element_own_state(&net->element[e]))
            accumulator[count++] = (struct es_accumulator){.a = {ES_SIGNAL_CURRENT, e, 0}, .b = {ES_SIGNAL_ONE, e, 0}};
    *list = accumulator;
    return count;
}

// D of one integral
static double difference(const struct es_rule_sample *sample, size_t integral) {
    return (sample->result[0].integral[integral] - sample->result[1].integral[integral]) / (2 * sample->beta_si);
}

void es_rule_shares(const struct es_rule_sample *sample, struct es_arena *arena, double sign, double *slope, double *to_offset) {
    const struct es_network *net = sample->model->net;
    struct es_share *share = ES_NEW(arena, es_model_shares_most(sample->model), struct es_share);
    size_t integral = 0;
    for (size_t i = 0; i < net->parameters; i++) {
        size_t shares = es_model_shares(sample->model, i, share);
        for (size_t s = 0; s < shares; s++)
            slope[i] += share[s].weight * difference(sample, integral++);
    }
    for (size_t e = 0; e < net->elements; e++)
        to_offset[e] = es_element_own_state(&net->element[e]) ? -sign * difference(sample, integral++) : 0;
}

// A conductance has no dL/dtheta, in which an echo could measure its share.
static enum es_status refuse_trained_conductances(const struct es_network *net, struct es_error *error) {
    for (size_t i = 0; i < net->parameters; i++) {
        const struct es_element *e = &net->element[net->parameter[i].element];
        if (e->kind->term == ES_DISSIPATION)
            return es_fail(error, ES_BAD_INPUT, "network \"%s\", line %d: conductance \"%s\" (%g S) cannot be trained by this rule: it is in no Lagrangian, so an echo "
                           "measures nothing for it; take rule=\"reciprocal\", or leave it fixed", net->name, e->line, e->name, e->value[0]);
    }
    return ES_OK;
}

enum es_status es_rule_start(const struct es_network *net, struct es_error *error) {
    for (size_t i = 0; i < net->parameters; i++) {
        const struct es_element *e = &net->element[net->parameter[i].element];
        if (e->kind->term == ES_INITIAL && net->node[e->p].source >= 0)
            return es_fail(error, ES_BAD_INPUT, "network \"%s\", line %d: the initial state of node \"%s\" cannot be trained, as a source holds the node",
                           net->name, e->line, net->node[e->p].name);
    }
    return ES_OK;
}

enum es_status es_rule_lagrangian(const struct es_network *net, bool losses_allowed, struct es_error *error) {
    enum es_status status = losses_allowed ? ES_OK : es_validate_reversible(net, error);
    if (status == ES_OK && !losses_allowed)
        status = es_validate_lagrangian(net, error);
    if (status == ES_OK)
        status = refuse_trained_conductances(net, error);
    return status == ES_OK ? es_rule_start(net, error) : status;
}

enum es_status es_rule_running(const struct es_cost *cost, struct es_error *error) {
    if (cost->reads == ES_READ_RUNNING)
        return ES_OK;
    return es_fail(error, ES_BAD_INPUT, "the cost %s acts at the end alone, where a nudge has no time left to be seen in; take a running cost", cost->row.name);
}

enum es_status es_rule_terminal(const struct es_cost *cost, const char *rule, struct es_error *error) {
    if (cost->reads != ES_READ_RUNNING)
        return ES_OK;
    return es_fail(error, ES_BAD_INPUT, "the cost %s acts all along the pass, and the rule %s kicks once, at the turn; take a terminal cost, or the rule rhel",
                   cost->row.name, rule);
}

bool es_rule_initial(const struct es_network *net, size_t i) {
    const struct es_element *e = &net->element[net->parameter[i].element];
    return e->kind->term == ES_INITIAL || (e->kind->initial_flux && net->parameter[i].quantity == e->kind->initial);
}

// What the nudge at output o is made of at grid point n of a pass: capacitor N w and target y, in the pass's own frame.
struct nudge {
    double capacitance, target;
};

static struct nudge nudge_at(const struct es_network *net, const struct es_grid *grid, const struct es_pass *pass, size_t n, size_t o) {
    const struct es_reversal *turn = pass->reversal;
    size_t steps = es_grid_steps(grid), at = turn ? steps - n : n; // in the order of the samples: the point, and the step that led there
    size_t step = turn ? (n ? at : at - 1) : n ? n - 1 : 0, point = at / grid->substeps, rest = at % grid->substeps;
    if (!pass->nudge || net->element[net->output[o]].read != ES_READ_VOLTAGE)
        return (struct nudge){0, 0};
    const double *target = pass->target ? pass->target + o * grid->points + point : NULL;
    double y = target ? target[0] + (rest ? (double)rest / (double)grid->substeps * (target[1] - target[0]) : 0) : 0;
    double weight = (pass->window ? pass->window[step / grid->substeps] : 1) * exp(pass->growth * es_grid_step(grid) * (double)n);
    return (struct nudge){pass->nudge[o] * weight, (turn ? turn->voltage_target : 1) * y};
}

void es_rule_charge(const struct es_model *model, const struct es_grid *grid, const struct es_pass *pass, size_t n, const double *voltage, double *charge) {
    const struct es_network *net = model->net;
    es_model_momentum(model, voltage, charge);
    for (size_t o = 0; o < net->outputs; o++) {
        const struct es_element *e = &net->element[net->output[o]];
        struct nudge nudge = nudge_at(net, grid, pass, n, o);
        es_add_across(e, charge, nudge.capacitance * (es_across(e, voltage) - nudge.target));
    }
    for (size_t i = 0; i < net->nodes; i++)
        charge[i] *= pass->reversal ? pass->reversal->voltage : 1;
}

// matrix [nodes][nodes] += k a a'
static void add_branch(const struct es_network *net, const struct es_element *e, double k, double *matrix) {
    int node[2] = {e->p, e->n};
    for (int i = 0; i < 2; i++)
        for (int j = 0; j < 2; j++)
            if (node[i] >= 0 && node[j] >= 0)
                matrix[(size_t)node[i] * net->nodes + (size_t)node[j]] += i == j ? k : -k;
}

enum es_status es_rule_voltage(const struct es_model *model, const struct es_grid *grid, const struct es_pass *pass, size_t n, const double *charge,
                               double *voltage, struct es_error *error) {
    const struct es_network *net = model->net;
    struct es_arena *arena = es_arena_new();
    double *mass = ES_NEW(arena, net->nodes * net->nodes, double), *held = ES_NEW(arena, net->nodes, double);
    es_model_mass(model, mass);
    for (size_t i = 0; i < net->nodes; i++)
        held[i] = (pass->reversal ? pass->reversal->voltage : 1) * charge[i];
    for (size_t o = 0; o < net->outputs; o++) {
        const struct es_element *e = &net->element[net->output[o]];
        struct nudge nudge = nudge_at(net, grid, pass, n, o);
        add_branch(net, e, nudge.capacitance, mass);
        es_add_across(e, held, nudge.capacitance * nudge.target);
    }
    enum es_status status = es_model_velocity_of(net, mass, held, voltage, error);
    es_arena_free(arena);
    return status;
}
