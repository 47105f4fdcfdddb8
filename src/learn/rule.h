// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// Learning rules. A rule plans passes from earlier results and turns their integrals into a gradient; it never calls an
// engine. Stage 0 is the free pass with the cost's readings; stage 1 the rule's own passes with the elements' integrals.
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
    double beta_si;
    struct es_pass *pass; // [rule->passes] stage 1, to be written by plan()
    const struct es_result *result; // [rule->passes]
};

enum { ES_RULE_PASSES = 4 }; // the most of any rule

struct es_rule {
    struct es_row row;
    size_t passes; // in stage 1, at most ES_RULE_PASSES
    // ES_BAD_INPUT names the element that the rule's theorem, or the reversal, does not cover. `losses_allowed`: the user accepts a bias.
    enum es_status (*admits)(const struct es_network *net, const struct es_reversal *reversal, bool losses_allowed, struct es_error *error);
    // What stage 1 integrates, from `arena`; returns the number.
    size_t (*integrals)(const struct es_model *model, struct es_arena *arena, const struct es_accumulator **accumulator);
    // Writes the passes; what they point to lives in `arena`.
    void (*plan)(struct es_rule_sample *sample, struct es_arena *arena);
    // slope [parameters] += dC/dtheta of the sample: each element's share from its own integrals and its own state at the ends.
    enum es_status (*gradient)(const struct es_rule_sample *sample, struct es_arena *arena, double *slope, struct es_error *error);
};

extern const struct es_row *const es_rules[]; // of struct es_rule
extern const struct es_rule es_echo;

// charge [nodes] at grid point n of an echo with node voltage [nodes], the turn undone; that of a nudge capacitor N to the target y is
// N (v - y).
void es_echo_charge(const struct es_model *model, const struct es_grid *grid, const struct es_pass *pass, size_t n, const double *voltage,
                    double *charge);

#endif
