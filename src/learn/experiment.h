// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// An experiment as its file states it: network, task, cost, rule, engine, optimiser, seeds.
#ifndef ES_LEARN_EXPERIMENT_H
#define ES_LEARN_EXPERIMENT_H

#include "data/dataset.h"
#include "engine/engine.h"
#include "net/network.h"

struct es_cost;
struct es_rule;
struct es_optimiser;
struct es_sampler;
struct es_schedule;

struct es_experiment {
    struct es_network *net;  // owner of all memory is net->arena
    const char *file;        // as the user named it
    const char *xml;         // its text as read, for the run store
    struct es_task task;
    const struct es_cost *cost;
    const struct es_rule *rule;
    double beta;             // dimensionless nudge, see cost.h
    double temperature;      // of the cost, in the unit of its readings; 0 where it has none
    double mass;             // dimensionless, of parameters that are modes themselves, see heb_self.h
    const struct es_sampler *sampler; // of thermal averages, or NULL
    double kt;               // k T of the sampler [J] or [W], see learn/thermal.h
    size_t chains;           // passes of the sampler at each nudge
    const struct es_reversal *reversal;
    bool losses_allowed;     // the experiment accepts a biased gradient
    const struct es_engine_kind *engine;
    const struct es_scheme *scheme;
    size_t substeps;         // engine steps per sample of the task; 0: from 20 steps per period of the fastest mode
    const struct es_optimiser *optimiser;
    const struct es_schedule *schedule;
    double rate;             // the optimiser's, at the start
    size_t epochs, batch;
    double clip;             // largest norm of the gradient in the optimiser's coordinates, in the cost's unit; 0: any
    double validation;       // part of the training samples that is held back, below 1; 0: none
    size_t patience;         // epochs without a smaller validation loss after which the training ends; 0: never
    uint64_t seed;           // of order, windows and the validation part
};

void es_experiment_free(struct es_experiment *experiment); // NULL is allowed

#endif
