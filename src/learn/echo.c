// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// The echo (docs/theory.md 3), with symmetric nudge:
//     1. free pass 0 .. T from (phi_0, p_0) with x(t)
//     2. turn: a terminal cost l kicks phi += beta dl/dp, p -= beta dl/dphi; then the reversal, e.g. keep every flux, negate every voltage
//     3. echo 0 .. T with x(T - t') and the nudge at +beta, and again at -beta
//     4. with D[.] = (at +beta - at -beta) / 2 beta, and Phi, P the state at the end of the echo with the turn undone:
//        dC/dtheta = D[integral dL/dtheta dt'] + (dp_0/dtheta)' D[Phi] - (dphi_0/dtheta)' D[P] + sum_l (do_l/dtheta) D[integral -dU/dpsi_l dt']
// Pourcel & Ernoult, arXiv 2506.05259 (with the sign of docs/theory.md 3); Pourcel et al., arXiv 2506.06248. Error O(beta^2).
#include "learn/rule.h"

#include "net/validate.h"

static enum es_status echo_admits(const struct es_network *net, const struct es_reversal *reversal, bool losses_allowed, struct es_error *error) {
    enum es_status status = losses_allowed ? ES_OK : es_validate_reversible(net, error);
    if (status == ES_OK && !losses_allowed)
        status = es_validate_lagrangian(net, error);
    if (status == ES_OK && reversal->swapped)
        status = es_validate_transconductors(net, error);
    for (size_t i = 0; i < net->parameters && status == ES_OK; i++) {
        const struct es_element *e = &net->element[net->parameter[i].element];
        if (e->kind->term == ES_INITIAL && net->node[e->p].source >= 0)
            status = es_fail(error, ES_BAD_INPUT, "network \"%s\", line %d: the initial state of node \"%s\" cannot be trained, as a source holds the node",
                             net->name, e->line, net->node[e->p].name);
    }
    return status;
}

// All shares of all parameters, in order; then the current of every branch with an initial state of its own.
static size_t echo_integrals(const struct es_model *model, struct es_arena *arena, const struct es_accumulator **list) {
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

static void echo_plan(struct es_rule_sample *sample, struct es_arena *arena) {
    const struct es_network *net = sample->model->net;
    const struct es_reversal *turn = sample->reversal;
    double *offset = ES_NEW(arena, net->elements, double);
    for (size_t e = 0; e < net->elements; e++)
        offset[e] = turn->flux * sample->free_result.offset[e];
    for (int sign = 1; sign >= -1; sign -= 2) {
        double beta = sign * sample->beta_si;
        double *flux = ES_NEW(arena, net->nodes, double), *voltage = ES_NEW(arena, net->nodes, double), *nudge = ES_NEW(arena, net->outputs, double);
        for (size_t i = 0; i < net->nodes; i++) {
            flux[i] = turn->flux * (sample->free_result.flux[i] + beta * sample->kick_flux[i]);
            voltage[i] = turn->voltage * (sample->free_result.voltage[i] + beta * sample->kick_voltage[i]);
        }
        for (size_t o = 0; o < net->outputs; o++)
            nudge[o] = beta * sample->nudge[o];
        struct es_pass *pass = &sample->pass[sign < 0];
        *pass = sample->free;
        pass->flux = flux;
        pass->voltage = voltage;
        pass->offset = offset;
        pass->nudge = nudge;
        pass->reversal = turn;
    }
}

void es_echo_charge(const struct es_model *model, const struct es_grid *grid, const struct es_pass *pass, size_t n, const double *voltage, double *charge) {
    const struct es_network *net = model->net;
    size_t left = es_grid_steps(grid) - n, step = n ? left : left - 1; // forward: the point, and the step by which the echo came there
    size_t point = left / grid->substeps, rest = left % grid->substeps;
    es_model_momentum(model, voltage, charge);
    for (size_t o = 0; o < net->outputs; o++) {
        const struct es_element *e = &net->element[net->output[o]];
        const double *target = pass->target ? pass->target + o * grid->points + point : NULL;
        double y = target ? target[0] + (rest ? (double)rest / (double)grid->substeps * (target[1] - target[0]) : 0) : 0;
        double weight = pass->window ? pass->window[step / grid->substeps] : 1;
        if (e->read == ES_READ_VOLTAGE)
            es_add_across(e, charge, pass->nudge[o] * weight * (es_across(e, voltage) - pass->reversal->voltage_target * y));
    }
    for (size_t i = 0; i < net->nodes; i++)
        charge[i] *= pass->reversal->voltage;
}

// D of one integral
static double difference(const struct es_rule_sample *sample, size_t integral) {
    return (sample->result[0].integral[integral] - sample->result[1].integral[integral]) / (2 * sample->beta_si);
}

static size_t add_shares(const struct es_rule_sample *sample, struct es_arena *arena, double *slope) {
    const struct es_model *model = sample->model;
    struct es_share *share = ES_NEW(arena, es_model_shares_most(model), struct es_share);
    size_t integral = 0;
    for (size_t i = 0; i < model->net->parameters; i++) {
        size_t shares = es_model_shares(model, i, share);
        for (size_t s = 0; s < shares; s++)
            slope[i] += share[s].weight * difference(sample, integral++);
    }
    return integral;
}

static void add_start(const struct es_rule_sample *sample, struct es_arena *arena, size_t integral, double *slope) {
    const struct es_network *net = sample->model->net;
    double *charge[2] = {ES_NEW(arena, net->nodes, double), ES_NEW(arena, net->nodes, double)}, scale = 1 / (2 * sample->beta_si);
    double *to_flux = ES_NEW(arena, net->nodes, double), *to_charge = ES_NEW(arena, net->nodes, double), *to_offset = ES_NEW(arena, net->elements, double);
    for (size_t pass = 0; pass < 2; pass++)
        es_echo_charge(sample->model, sample->grid, &sample->pass[pass], es_grid_steps(sample->grid), sample->result[pass].voltage, charge[pass]);
    for (size_t i = 0; i < net->nodes; i++) {
        to_flux[i] = -(charge[0][i] - charge[1][i]) * scale;
        to_charge[i] = net->node[i].source >= 0 ? 0 : sample->reversal->flux * (sample->result[0].flux[i] - sample->result[1].flux[i]) * scale;
    }
    for (size_t e = 0; e < net->elements; e++)
        if (es_element_own_state(&net->element[e]))
            to_offset[e] = -sample->reversal->flux * difference(sample, integral++);
    es_model_start_slope(sample->model, sample->free.voltage, to_flux, to_charge, to_offset, slope);
}

static enum es_status echo_gradient(const struct es_rule_sample *sample, struct es_arena *arena, double *slope, struct es_error *error) {
    const struct es_network *net = sample->model->net;
    enum es_status status = ES_OK;
    add_start(sample, arena, add_shares(sample, arena, slope), slope);
    if (sample->cost->reads == ES_READ_VOLTAGE_AT_END) { // v(T) = M^-1 p(T): - lambda' dM v(T)
        double *dl = ES_NEW(arena, net->nodes, double), *lambda = ES_NEW(arena, net->nodes, double);
        es_cost_spread(net, sample->slope, dl);
        status = es_model_velocity(sample->model, dl, lambda, error);
        for (size_t i = 0; i < net->nodes; i++)
            lambda[i] = -lambda[i];
        es_model_mass_slope(sample->model, lambda, sample->free_result.voltage, slope);
    }
    return status;
}

const struct es_rule es_echo = {
    .row = {"echo", "two echoes at +beta and -beta; each element's update from its own two integrals", "RHEL, arXiv 2506.05259; PFVP, arXiv 2506.06248"},
    .passes = 2,
    .admits = echo_admits,
    .integrals = echo_integrals,
    .plan = echo_plan,
    .gradient = echo_gradient,
};

const struct es_row *const es_rules[] = {&es_echo.row, NULL};
