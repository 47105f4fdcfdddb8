// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// Learning rules. A rule plans passes from earlier results and turns their integrals into a gradient; it never calls an
// engine. Stage 0 is the free pass with the cost's integrals; stage 1 the rule's own passes with the elements' integrals.
#ifndef ES_LEARN_RULE_H
#define ES_LEARN_RULE_H

#include "engine/engine.h"

// What a rule knows of one sample.
struct es_rule_sample {
    struct es_pass free;          // stage 0
    struct es_result free_result;
    const double *nudge;          // [outputs] per unit of beta_si
    double beta_si;
    struct es_pass *pass;         // [rule->passes] stage 1, with room: flux, voltage and nudge point to arrays of their sizes
    double **flux, **voltage, **nudge_value; // [rule->passes] those arrays, to be written by plan()
    struct es_result *result;     // [rule->passes]
};

enum { ES_RULE_PASSES = 4 }; // the most of any rule

struct es_rule {
    struct es_row row;
    size_t passes; // in stage 1, at most ES_RULE_PASSES
    // ES_BAD_INPUT names the element that the rule's theorem does not cover. `losses_allowed`: the user accepts a bias.
    enum es_status (*admits)(const struct es_network *net, bool losses_allowed, struct es_error *error);
    // What stage 1 integrates at the element of one parameter.
    struct es_accumulator (*integral)(const struct es_network *net, const struct es_parameter *parameter);
    void (*plan)(const struct es_network *net, struct es_rule_sample *sample);
    // One parameter's share from its own element's integral in each pass, `slope` = dk/dtheta of that element; nothing else.
    double (*update)(const struct es_element *element, double slope, double beta_si, const double *integral);
};

extern const struct es_row *const es_rules[]; // of struct es_rule
extern const struct es_rule es_echo;

#endif
