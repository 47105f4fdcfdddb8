// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// How far a learning rule's gradient of one sample is from the exact one.
#ifndef ES_CLI_COMPARISON_H
#define ES_CLI_COMPARISON_H

#include "cli/cli.h"

struct cli_comparison {
    const struct es_rule *rule;
    size_t passes;     // with the free one; 0 of a rule that solves
    size_t iterations; // of a rule that solves
    struct es_agreement agreement; // with the exact one
    struct es_error reason; // why the rule does not admit the problem, or ""
};

// What is compared: the problem's rule does not matter.
struct cli_case {
    const struct es_problem *problem;
    const double *theta, *weight; // [parameters] values, dtheta/du
    const struct es_example *example;
    double difference_step;       // of finite differences, see es_difference_step()
    const char *reference;        // name of the exact gradient
    double *exact;                // [parameters]
    struct es_arena *arena;
};

// The case's exact gradient: by the discrete adjoint where there is one, otherwise by finite differences.
enum es_status cli_find_exact(struct cli_case *c, struct es_error *error);

// A rule with a loss of its own is compared with the finite differences of that. A rule that does not admit the problem, whose passes an engine
// gives up, or that finds no solution of its own, is a comparison with the reason.
enum es_status cli_compare_rule(const struct cli_case *c, const struct es_rule *rule, struct cli_comparison *comparison, struct es_error *error);

static inline bool cli_compared(const struct cli_comparison *c) {
    return !c->reason.text[0];
}

#endif
