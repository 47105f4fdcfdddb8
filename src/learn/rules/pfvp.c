// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// The echo in Lagrangian form (PFVP; Pourcel et al., arXiv 2506.06248): the nudged solutions of L_beta = L + beta c are those that end in the free
// run's final flux and *momentum*, dL_beta/dv (phi, v^beta) = dL/dv (phi, v) at T. Where the cost reads voltages their final velocity is another
// one; here the Legendre transform finds it,
//     p = dL/dv = M v,    v^beta = dH_beta/dp:  (M + N) v^beta - N y = p
// and the passes begin in (phi, -v^beta) with their nudges connected. rhel hands over (phi, -p) instead, and the circuit finds v^beta by itself, as
// charge is conserved. From there on the two are the same run, and so is the gradient: dL/dtheta at fixed (phi, v) = -dH/dtheta at fixed (phi, p), and
// the term (d2L/dtheta dv)' D[phi(0)] is (dp_0/dtheta)' D[Phi].
#include "learn/gradient.h"

static enum es_status pfvp_admits(const struct es_problem *problem, struct es_error *error) {
    return es_rhel.admits(problem, error);
}

static size_t pfvp_passes(const struct es_network *net) {
    return es_rhel.passes(net);
}

// From (phi, p) to (phi, v).
static enum es_status to_velocity(const struct es_rule_sample *sample, struct es_pass *pass, struct es_arena *arena, struct es_error *error) {
    const struct es_network *net = sample->model->net;
    double *momentum = ES_NEW(arena, net->nodes, double), *voltage = ES_NEW(arena, net->nodes, double);
    for (size_t i = 0; i < net->nodes; i++) // that of the sources stays
        voltage[i] = pass->voltage[i];
    es_model_momentum(sample->model, pass->voltage, momentum);
    for (size_t i = 0; i < net->nodes; i++) // the turn undone
        momentum[i] *= pass->reversal->voltage;
    pass->voltage = voltage;
    pass->connected = true;
    return es_rule_voltage(sample->model, sample->grid, pass, 0, momentum, voltage, error);
}

static enum es_status pfvp_plan(struct es_rule_sample *sample, struct es_arena *arena, struct es_error *error) {
    enum es_status status = es_rhel.plan(sample, arena, error);
    for (int i = 0; i < 2 && status == ES_OK; i++)
        status = to_velocity(sample, &sample->pass[i], arena, error);
    return status;
}

static enum es_status pfvp_gradient(const struct es_rule_sample *sample, struct es_arena *arena, double *slope, struct es_error *error) {
    return es_rhel.gradient(sample, arena, slope, error);
}

const struct es_rule es_pfvp = {
    .row = {"pfvp", "the echo in (phi, v): it begins at the velocity that the Legendre transform of the nudged Lagrangian gives", "PFVP, arXiv 2506.06248"},
    .boundary = "phi, p at T",
    .memory = "O(1)",
    .local = true,
    .passes = pfvp_passes,
    .admits = pfvp_admits,
    .integrals = es_rule_integrals,
    .plan = pfvp_plan,
    .gradient = pfvp_gradient,
};
