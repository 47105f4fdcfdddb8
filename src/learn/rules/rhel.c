// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// The echo (docs/theory.md 3), with symmetric nudge:
//     1. free pass 0 .. T from (phi_0, p_0) with x(t)
//     2. turn: a terminal cost l kicks phi += beta dl/dp, p -= beta dl/dphi; then the reversal, e.g. keep every flux, negate every voltage
//     3. echo 0 .. T with x(T - t') and the nudge at +beta, and again at -beta
//     4. with D[.] = (at +beta - at -beta) / 2 beta, and Phi, P the state at the end of the echo with the turn undone:
//        dC/dtheta = D[integral dL/dtheta dt'] + (dp_0/dtheta)' D[Phi] - (dphi_0/dtheta)' D[P] + sum_l (do_l/dtheta) D[integral -dU/dpsi_l dt']
//        With gain (gain_flipped.c) the engine weighs the integrals, and Phi and P get a factor e^{-gamma T}.
// Pourcel & Ernoult, arXiv 2506.05259 (with the sign of docs/theory.md 3); Pourcel et al., arXiv 2506.06248. Error O(beta^2).
#include "learn/gradient.h"

#include "net/validate.h"

#include <math.h>

static enum es_status echo_admits(const struct es_problem *problem, struct es_error *error) {
    enum es_status status = es_rule_lagrangian(problem->net, problem->losses_allowed, error);
    return status == ES_OK && problem->reversal->swapped ? es_validate_transconductors(problem->net, problem->losses_allowed, error) : status;
}

size_t es_rule_echo_passes(const struct es_network *net) {
    (void)net;
    return 2;
}

enum es_status es_rule_echo_plan(struct es_rule_sample *sample, struct es_arena *arena, struct es_error *error) {
    (void)error;
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
    return ES_OK;
}

static void add_shares_and_start(const struct es_rule_sample *sample, struct es_arena *arena, double *slope) {
    const struct es_network *net = sample->model->net;
    double *charge[2] = {ES_NEW(arena, net->nodes, double), ES_NEW(arena, net->nodes, double)};
    double length = es_grid_step(sample->grid) * (double)es_grid_steps(sample->grid), scale = exp(-sample->pass->growth * length) / (2 * sample->beta_si);
    double *to_flux = ES_NEW(arena, net->nodes, double), *to_charge = ES_NEW(arena, net->nodes, double), *to_offset = ES_NEW(arena, net->elements, double);
    for (size_t pass = 0; pass < 2; pass++)
        es_rule_charge(sample->model, sample->grid, &sample->pass[pass], es_grid_steps(sample->grid), sample->result[pass].voltage, charge[pass]);
    for (size_t i = 0; i < net->nodes; i++) {
        to_flux[i] = -(charge[0][i] - charge[1][i]) * scale;
        to_charge[i] = net->node[i].source >= 0 ? 0 : sample->reversal->flux * (sample->result[0].flux[i] - sample->result[1].flux[i]) * scale;
    }
    es_rule_shares(sample, arena, sample->reversal->flux, slope, to_offset);
    es_model_start_slope(sample->model, sample->free.voltage, to_flux, to_charge, to_offset, slope);
}

enum es_status es_rule_echo_gradient(const struct es_rule_sample *sample, struct es_arena *arena, double *slope, struct es_error *error) {
    const struct es_network *net = sample->model->net;
    enum es_status status = ES_OK;
    add_shares_and_start(sample, arena, slope);
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

const struct es_rule es_rhel = {
    .row = {"rhel", "two echoes at +beta and -beta; each element's update from its own two integrals", "RHEL, arXiv 2506.05259"},
    .boundary = "phi, p at T",
    .memory = "O(1)",
    .local = true,
    .passes = es_rule_echo_passes,
    .admits = echo_admits,
    .integrals = es_rule_integrals,
    .plan = es_rule_echo_plan,
    .gradient = es_rule_echo_gradient,
};
