// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// A comparison: the same trials, one for each seed, under each of several conditions. Conditions differ from the first, the base, in one thing each:
// the device, or one swept quantity.
#ifndef ES_LEARN_COMPARISON_H
#define ES_LEARN_COMPARISON_H

#include "learn/trial.h"

// A setting of the training that can be swept.
struct es_setting {
    struct es_row row;
    const char *unit;
    double min, max; // both excluded
    void (*set)(struct es_experiment *experiment, double value);
};
extern const struct es_row *const es_settings[]; // of struct es_setting

struct es_condition {
    const char *device; // the card's file, or "none"
    const char *key;    // what is swept, or "" at the base
    const char *unit;
    double value;
};

struct es_outcome { // of a trial
    bool ended;
    const char *reason; // why it failed, or ""
    double measure[ES_MEASURES];
    double *loss, *accuracy; // [epochs] on the training samples; NaN of an epoch that was not trained
    double seconds;          // of processors
};

struct es_comparison {
    size_t conditions, seeds, epochs;
    const char *loss_unit;
    struct es_condition *condition; // [conditions]
    uint64_t *seed;                 // [seeds]
    size_t *fold;                   // [seeds] that is tested
    struct es_outcome *outcome;     // [conditions][seeds]
};

// Room for the outcomes; arrays from `arena`.
void es_comparison_new(struct es_comparison *comparison, struct es_arena *arena);

static inline struct es_outcome *es_comparison_outcome(const struct es_comparison *c, size_t condition, size_t seed) {
    return &c->outcome[condition * c->seeds + seed];
}

size_t es_comparison_ended(const struct es_comparison *comparison); // trials

// Over the seeds at which the measure is a number.
struct es_statistic {
    size_t count;
    double mean, deviation; // NaN of none; the sample's standard deviation, NaN of less than two
};
struct es_statistic es_comparison_measure(const struct es_comparison *comparison, size_t condition, enum es_measure measure);
bool es_comparison_has(const struct es_comparison *comparison, enum es_measure measure); // under any condition
struct es_statistic es_comparison_epoch(const struct es_comparison *comparison, size_t condition, size_t epoch); // the loss

#endif
