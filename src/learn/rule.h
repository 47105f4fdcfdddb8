// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// Learning rules. A rule plans passes from earlier results and turns their integrals into a gradient; it never calls an engine. Stage 0 is the free pass with the cost's readings; stage 1 the rule's own passes with the elements' integrals.
//
// They are one family (docs/theory.md 2). For solutions s^beta of the equations of L_beta = L + beta c, whatever their boundary conditions,
//     dC/dtheta = d/dbeta integral dL_beta/dtheta (s^beta) dt  +  [ (dphi/dtheta)' dp/dbeta - (dp/dtheta)' dphi/dbeta ]_0^T
// and a rule is a choice of the boundary conditions, with what it makes of the residual in the bracket.
#ifndef ES_LEARN_RULE_H
#define ES_LEARN_RULE_H

#include "learn/cost.h"

// What a rule knows of one sample.
struct es_rule_sample {
    const struct es_model *model;
    const struct es_cost *cost;
    const struct es_grid *grid;
    const struct es_reversal *reversal;
    struct es_pass free; // stage 0
    struct es_result free_result;
    const double *slope; // [outputs] dC/dr_o, see cost.h
    const double *nudge; // [outputs] per unit of beta_si
    const double *kick_flux, *kick_voltage; // [nodes] per unit of beta_si, of a terminal cost
    const struct es_resistive *resistive; // where the engine finds equilibria, else NULL; `nudge` is then the curvature of the cost
    double beta_si;
    struct es_pass *pass; // [passes()] stage 1, to be written by plan()
    const struct es_result *result; // [passes()]
};

struct es_problem; // learn/gradient.h
struct es_example;

struct es_rule {
    struct es_row row;
    const char *boundary; // conditions that the nudged solution meets
    const char *memory;   // beside the state of the network itself
    const char *bias;     // "biased: why", or NULL where the gradient is exact as beta goes to 0
    bool local;           // an element's share takes only what it sees itself
    bool forward;         // no pass runs backwards
    bool recorded;        // passes, the free one too, keep their voltages in the middle of each step (es_result.middle)
    bool equilibrium;     // its passes are states of rest
    bool finite;          // exact at any size of the nudge, beta >= 1 too
    bool one_sided;       // its bias is O(beta), not O(beta^2)
    bool lossy;           // exact with the losses that it admits, so that they bias nothing
    // Its gradient is that of the loss of its own free solution, which is not the free pass, as this rule (itself, or one that finds the same
    // solution in another way) solves for it; or NULL.
    const struct es_rule *own_loss;
    // ES_BAD_INPUT names the element, the cost, the reversal or the engine that the rule's theorem or its method does not cover. The problem's
    // rule, grid and beta are not looked at.
    enum es_status (*admits)(const struct es_problem *problem, struct es_error *error);

    // A rule by passes:
    size_t (*passes)(const struct es_network *net); // in stage 1
    // What stage 1 integrates, from `arena`; returns the number.
    size_t (*integrals)(const struct es_model *model, struct es_arena *arena, const struct es_accumulator **accumulator);
    // Where stage 1 injects, from `arena`; returns the number. NULL: nowhere.
    size_t (*injections)(const struct es_network *net, struct es_arena *arena, const struct es_injection **injection);
    // Writes the passes; what they point to lives in `arena`.
    enum es_status (*plan)(struct es_rule_sample *sample, struct es_arena *arena, struct es_error *error);
    // slope [parameters] += dC/dtheta of the sample.
    enum es_status (*gradient)(const struct es_rule_sample *sample, struct es_arena *arena, double *slope, struct es_error *error);

    // *growth: es_pass.growth of a pass that runs backwards; NULL for 0. ES_FAILED where no such pass of this length returns.
    enum es_status (*growth)(const struct es_model *model, const struct es_grid *grid, double *growth, struct es_error *error);

    // Or, where no transient of an engine gives the nudged solutions, a rule that solves one example itself, the functions above being NULL:
    // loss is that of its free solution; slope [parameters] += dC/dtheta, or NULL where only the loss is asked for. iterations += those of the
    // solutions, where they are iterative.
    enum es_status (*solve)(const struct es_problem *problem, const double *theta, const struct es_example *example, double *loss, double *slope,
                            size_t *iterations, struct es_error *error);
};

extern const struct es_row *const es_rules[]; // of struct es_rule
extern const struct es_rule es_rhel, es_pfvp, es_civp, es_civp_residual, es_cbvp, es_cbvp_flow,
    es_cbvp_periodic, es_cbvp_periodic_flow, es_heb, es_heb_self, es_reciprocal, es_gain_flipped, es_ep, es_ep_one_sided, es_skew_ep,
    es_contrastive, es_path_integral;

// Whether it runs the circuit backwards, so that something has to return.
bool es_rule_echoes(const struct es_rule *rule);

// Whether the problem's engine finds what the rule's passes are, and then what the rule's admits() says.
enum es_status es_rule_admits(const struct es_rule *rule, const struct es_problem *problem, struct es_error *error);

// What the rules share. Passes 0 and 1 of stage 1 are those at +beta and -beta, D[.] is their difference over 2 beta.

// dL/dtheta of every parameter as shares (net/lagrangian.h), in order; then the current of every branch with an initial state of its own.
size_t es_rule_integrals(const struct es_model *model, struct es_arena *arena, const struct es_accumulator **accumulator);

// slope [parameters] += D[integral dL/dtheta dt]; to_offset [elements] = D[integral -dU/dpsi dt] of branches with a state of their own, times
// `sign`.
void es_rule_shares(const struct es_rule_sample *sample, struct es_arena *arena, double sign, double *slope, double *to_offset);

// ES_BAD_INPUT where the network trains the state at a source's node.
enum es_status es_rule_start(const struct es_network *net, struct es_error *error);

// The same, and where the network is not reversible or not Lagrangian, unless losses are allowed; or trains a conductance.
enum es_status es_rule_lagrangian(const struct es_network *net, bool losses_allowed, struct es_error *error);

// ES_BAD_INPUT unless the cost runs along the pass.
enum es_status es_rule_running(const struct es_cost *cost, struct es_error *error);

// ES_BAD_INPUT unless the cost reads the end of the pass, for the rule of that name.
enum es_status es_rule_terminal(const struct es_cost *cost, const char *rule, struct es_error *error);

// Whether parameter i is an initial state: of a node, or a branch's own.
bool es_rule_initial(const struct es_network *net, size_t i);

// The two echoes of rules/rhel.c: their passes, plan and gradient.
size_t es_rule_echo_passes(const struct es_network *net);
enum es_status es_rule_echo_plan(struct es_rule_sample *sample, struct es_arena *arena, struct es_error *error);
enum es_status es_rule_echo_gradient(const struct es_rule_sample *sample, struct es_arena *arena, double *slope, struct es_error *error);

// The Legendre transform of L_beta at grid point n of a pass, a turn undone: from the pass's node voltage [nodes] to
// charge [nodes] = dL_beta/dv = M v + sum N w (v_o - y), nudge capacitors N, grown to e^{growth t}, and their windows w being those of
// the pass; and back, voltage = dH_beta/dp. Voltages at the nodes of sources are given in both.
void es_rule_charge(const struct es_model *model, const struct es_grid *grid, const struct es_pass *pass, size_t n, const double *voltage,
                    double *charge);
enum es_status es_rule_voltage(const struct es_model *model, const struct es_grid *grid, const struct es_pass *pass, size_t n, const double *charge,
                               double *voltage, struct es_error *error);

#endif
