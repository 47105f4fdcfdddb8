// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// Free passes and what their cost reads, and a rule's sample made from them: what gradients and their references begin with. Internal to
// src/learn.
#ifndef ES_LEARN_FREE_H
#define ES_LEARN_FREE_H

#include "learn/gradient.h"

// Passes of all examples at each of `variants` parameter vectors theta [variants][parameters], with their results and readings.
struct es_free_passes {
    struct es_batch batch;
    struct es_model *model;   // [variants]
    struct es_result *result; // [variants][examples]
    struct es_resistive *resistive; // where the engine finds equilibria, else NULL
    double **value, **target; // [variants][examples][outputs] readings, and targets at T
};

// Runs them; all arrays from `arena`. `recorded`: they keep the middles of their steps.
enum es_status es_free_run(const struct es_problem *problem, struct es_arena *arena, size_t variants, const double *theta, size_t examples,
                           const struct es_example *example, bool recorded, struct es_free_passes *free, struct es_error *error);

// What the cost reads of one result: value, target [outputs].
void es_free_read(const struct es_problem *problem, const struct es_model *model, const struct es_example *example, const struct es_result *result,
                  struct es_arena *arena, double *value, double *target);

struct es_reading es_free_reading(const struct es_problem *problem, const struct es_free_passes *free, size_t pass, int label);

// The loss of one pass; ES_BAD_INPUT if it is not finite.
enum es_status es_free_loss(const struct es_problem *problem, const struct es_free_passes *free, size_t pass, int label, double *loss,
                            struct es_error *error);

// The sample as the rule sees it after the free pass `index` (of the first variant), with its passes planned into pass [rule->passes()].
// reference [outputs]: see es_cost_reference().
enum es_status es_rule_prepare(const struct es_problem *problem, struct es_arena *arena, const double *reference, const struct es_free_passes *free,
                               size_t index, int label, struct es_pass *pass, struct es_result *result, struct es_rule_sample *sample,
                               struct es_error *error);

#endif
