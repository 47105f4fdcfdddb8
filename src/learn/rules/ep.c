// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// Equilibrium propagation on resistive networks (docs/theory.md 7; Scellier & Bengio 2017, Kendall et al., arXiv 2006.01981, in the literature's sign:
// +beta pulls towards the target). The free equilibrium minimises the weighted co-content E, the nudged ones E + beta C~, where
//     C~ = sum_o kappa (v_o - y_o)^2 / 2,   y_o = v_o(free) - (dC/dv_o) / kappa
// has the slope of the cost at the free equilibrium, and is the cost itself where that is a squared error: a conductance beta kappa / w_o from the output
// to the target voltage y_o. With D[.] = (at +beta - at -beta) / 2 beta (one-sided: (at +beta - free) / beta), w the weight of an element's part
// (net/resistive.h):
//     dC/dG = w D[v^2 / 2],    dC/dg = -w x D[v],    dC/dk = w D[f(v_p) v_n]
// of a conductance, of the gain of a current source and of a skew coupling.
// Error O(beta^2) (Laborieux et al. 2021), one-sided O(beta). The nudged solutions begin at the free one.
//
// The rule skew-ep is the same at the saddles of E of networks of activators (w > 0) and inhibitors (w < 0), FitzHugh-Nagumo cells with diffusive
// couplings (docs/theory.md 8): dE/du = 0 and dE/dtheta are all that EP needs. So an inhibitor's conductance learns by -D[v^2 / 2], and a positive nudge
// at an inhibitor is a negative conductance, dv/dt rising by +beta dC/dv.
#include "learn/gradient.h"

static bool is_trainable(enum es_term term) {
    return term == ES_DISSIPATION || term == ES_DRIVE || term == ES_SKEW;
}

static enum es_status check_parameters(const struct es_network *net, struct es_error *error) {
    for (size_t i = 0; i < net->parameters; i++) {
        const struct es_element *e = &net->element[net->parameter[i].element];
        if (!is_trainable(e->kind->term))
            return es_fail(error, ES_BAD_INPUT, "network \"%s\", line %d: %s \"%s\" cannot be trained by equilibria; expected conductances, skew couplings and the gains of inputs",
                           net->name, e->line, e->kind->row.name, e->name);
    }
    return ES_OK;
}

static enum es_status check_references(const struct es_network *net, const struct es_resistive *resistive, struct es_arena *arena, struct es_error *error) {
    double *theta = ES_NEW(arena, net->parameters, double), *reference = ES_NEW(arena, net->outputs, double);
    struct es_model model;
    es_network_start(net, theta);
    enum es_status status = es_model_new(net, theta, arena, &model, error);
    if (status == ES_OK)
        es_cost_reference(&model, resistive, reference);
    for (size_t o = 0; o < net->outputs && status == ES_OK; o++) {
        const struct es_element *e = &net->element[net->output[o]];
        if (!(reference[o] > 0))
            status = es_fail(error, ES_BAD_INPUT, "network \"%s\", line %d: output \"%s\" is where no conductance is, to which the nudge could be relative; add one",
                             net->name, e->line, e->name);
    }
    return status;
}

static enum es_status admits(const struct es_problem *problem, struct es_error *error) {
    if (problem->cost->reads != ES_READ_VOLTAGE_AT_END)
        return es_fail(error, ES_BAD_INPUT, "the cost %s does not read the voltages of a state of rest; take terminal-voltage or softmax-voltages", problem->cost->row.name);
    struct es_arena *arena = es_arena_new();
    struct es_resistive resistive;
    enum es_status status = es_resistive_new(problem->net, arena, &resistive, error);
    if (status == ES_OK)
        status = check_parameters(problem->net, error);
    if (status == ES_OK)
        status = check_references(problem->net, &resistive, arena, error);
    es_arena_free(arena);
    return status;
}

static enum es_status ep_admits(const struct es_problem *problem, struct es_error *error) {
    const struct es_network *net = problem->net;
    for (size_t i = 0; i < net->elements; i++)
        if (es_element_active(&net->element[i]))
            return es_fail(error, ES_BAD_INPUT, "network \"%s\", line %d: with %s \"%s\" states of rest are no minima of the co-content; take rule=\"skew-ep\"",
                           net->name, net->element[i].line, net->element[i].kind->row.name, net->element[i].name);
    return admits(problem, error);
}

static enum es_status skew_admits(const struct es_problem *problem, struct es_error *error) {
    if (!es_network_active(problem->net))
        return es_fail(error, ES_BAD_INPUT, "network \"%s\" has no inhibitors (skew-coupling) and no nagumo conductances, for which this rule is; take rule=\"ep\"",
                       problem->net->name);
    return admits(problem, error);
}

static size_t two_passes(const struct es_network *net) {
    (void)net;
    return 2;
}

static size_t one_pass(const struct es_network *net) {
    (void)net;
    return 1;
}

// One product for each parameter: v^2 of a conductance, x v of an input, f(v_p) v_n of a skew coupling.
static size_t ep_integrals(const struct es_model *model, struct es_arena *arena, const struct es_accumulator **list) {
    const struct es_network *net = model->net;
    struct es_accumulator *accumulator = ES_NEW(arena, net->parameters, struct es_accumulator);
    for (size_t i = 0; i < net->parameters; i++) {
        size_t e = net->parameter[i].element;
        enum es_term term = net->element[e].kind->term;
        enum es_signal other = term == ES_DRIVE ? ES_SIGNAL_INPUT : ES_SIGNAL_VOLTAGE;
        if (term == ES_SKEW)
            accumulator[i] = (struct es_accumulator){.a = {ES_SIGNAL_SLOPE, e, 0}, .b = {ES_SIGNAL_ONE, e, 0}};
        else
            accumulator[i] = (struct es_accumulator){.a = {ES_SIGNAL_VOLTAGE, e, 0}, .b = {other, e, 0}};
    }
    *list = accumulator;
    return net->parameters;
}

static struct es_pass nudged(const struct es_rule_sample *sample, double beta_si, struct es_arena *arena) {
    const struct es_network *net = sample->model->net;
    size_t points = sample->grid->points;
    double *nudge = ES_NEW(arena, net->outputs, double), *target = ES_NEW(arena, net->outputs * points, double);
    for (size_t o = 0; o < net->outputs; o++) {
        nudge[o] = beta_si * sample->nudge[o] / es_resistive_weight(sample->resistive, net->output[o]);
        double y = es_across(&net->element[net->output[o]], sample->free_result.voltage) - sample->slope[o] / sample->nudge[o];
        for (size_t n = 0; n < points; n++)
            target[o * points + n] = y;
    }
    struct es_pass pass = sample->free;
    pass.voltage = sample->free_result.voltage;
    pass.nudge = nudge;
    pass.target = target;
    return pass;
}

static enum es_status plan_centred(struct es_rule_sample *sample, struct es_arena *arena, struct es_error *error) {
    (void)error;
    sample->pass[0] = nudged(sample, sample->beta_si, arena);
    sample->pass[1] = nudged(sample, -sample->beta_si, arena);
    return ES_OK;
}

static enum es_status plan_one_sided(struct es_rule_sample *sample, struct es_arena *arena, struct es_error *error) {
    (void)error;
    sample->pass[0] = nudged(sample, sample->beta_si, arena);
    return ES_OK;
}

// slope += the shares of the difference of two states over the difference of their betas.
static void add_shares(const struct es_rule_sample *sample, const double *to, const double *from, double between, double *slope) {
    const struct es_network *net = sample->model->net;
    for (size_t i = 0; i < net->parameters; i++) {
        size_t e = net->parameter[i].element;
        enum es_term term = net->element[e].kind->term;
        double share = (term == ES_DRIVE ? -1 : term == ES_SKEW ? 1 : 0.5) * es_element_scale(&net->element[e], net->parameter[i].quantity);
        slope[i] += share * es_resistive_weight(sample->resistive, e) * (to[i] - from[i]) / between;
    }
}

static enum es_status centred_gradient(const struct es_rule_sample *sample, struct es_arena *arena, double *slope, struct es_error *error) {
    (void)arena, (void)error;
    add_shares(sample, sample->result[0].integral, sample->result[1].integral, 2 * sample->beta_si, slope);
    return ES_OK;
}

static enum es_status one_sided_gradient(const struct es_rule_sample *sample, struct es_arena *arena, double *slope, struct es_error *error) {
    (void)error;
    struct es_batch batch = {.grid = *sample->grid};
    batch.accumulators = ep_integrals(sample->model, arena, &batch.accumulator);
    double *free = ES_NEW(arena, batch.accumulators, double);
    es_equilibrium_products(&batch, sample->model->net, &sample->free, sample->free_result.voltage, free);
    add_shares(sample, sample->result[0].integral, free, sample->beta_si, slope);
    return ES_OK;
}

const struct es_rule es_ep = {
    .row = {"ep", "two states of rest at nudges +beta and -beta; a conductance learns from its own voltage in both", "EP, arXiv 1602.05179; arXiv 2006.01981"},
    .boundary = "at rest",
    .memory = "O(1)",
    .local = true,
    .forward = true,
    .equilibrium = true,
    .passes = two_passes,
    .admits = ep_admits,
    .integrals = ep_integrals,
    .plan = plan_centred,
    .gradient = centred_gradient,
};

const struct es_rule es_ep_one_sided = {
    .row = {"ep-one-sided", "the state of rest at nudge +beta against the free one: error of first order in beta", "EP, arXiv 1602.05179; arXiv 2006.01981"},
    .boundary = "at rest",
    .memory = "O(1)",
    .local = true,
    .forward = true,
    .equilibrium = true,
    .one_sided = true,
    .passes = one_pass,
    .admits = ep_admits,
    .integrals = ep_integrals,
    .plan = plan_one_sided,
    .gradient = one_sided_gradient,
};

const struct es_rule es_skew_ep = {
    .row = {"skew-ep", "ep at the saddles of activators and inhibitors (FitzHugh-Nagumo cells), which descend and climb the co-content", "docs/theory.md 8"},
    .boundary = "at rest",
    .memory = "O(1)",
    .local = true,
    .forward = true,
    .equilibrium = true,
    .passes = two_passes,
    .admits = skew_admits,
    .integrals = ep_integrals,
    .plan = plan_centred,
    .gradient = centred_gradient,
};
