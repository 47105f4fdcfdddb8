// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// Hamiltonian echo backpropagation of a static map: inputs and parameters are the state at t = 0, the answer is the state at T. The echo of
// rules/rhel.c, where the kick at the turn is all of the nudge and the end of the echoes all of the gradient:
//     1. free pass 0 .. T from (phi_0, p_0)
//     2. the flip, then the kick: p_e(0) = -p(T) - eta dC/dphi, phi_e(0) = phi(T) - eta dC/dp, p the forward momentum; eta = -beta_si
//     3. echo 0 .. T at +beta, and at -beta; with D[.] = (at +beta - at -beta) / 2 beta and the turn undone at its end
//        dC/dphi_0 = -D[P],  dC/dp_0 = +D[Phi]
// A branch's own initial state also needs the integral of its current. Lopez-Pastor & Marquardt, PRX 13, 031020. Error O(beta^2).
#include "learn/gradient.h"

static enum es_status heb_admits(const struct es_problem *problem, struct es_error *error) {
    const struct es_network *net = problem->net;
    enum es_status status = es_rule_terminal(problem->cost, es_heb.row.name, error);
    if (status == ES_OK)
        status = es_rhel.admits(problem, error);
    for (size_t i = 0; i < net->parameters && status == ES_OK; i++) {
        const struct es_element *e = &net->element[net->parameter[i].element];
        if (!es_rule_initial(net, i))
            status = es_fail(error, ES_BAD_INPUT,
                             "network \"%s\", line %d: the %s of %s \"%s\" is trained, and the end of an echo, which is all that the rule heb reads, tells "
                             "the gradient of initial states only; take rhel, or heb-self, or train <initial> states",
                             net->name, e->line, e->kind->quantity[net->parameter[i].quantity].name, e->kind->row.name, e->name);
    }
    return status;
}

const struct es_rule es_heb = {
    .row = {"heb", "kicks at the turn; initial states are trained by how the echoes end", "HEB, PRX 13, 031020"},
    .boundary = "phi, p at T",
    .memory = "none",
    .local = true,
    .passes = es_rule_echo_passes,
    .admits = heb_admits,
    .integrals = es_rule_integrals,
    .plan = es_rule_echo_plan,
    .gradient = es_rule_echo_gradient,
};
