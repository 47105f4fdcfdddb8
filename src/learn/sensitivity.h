// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// How much of each nonideality a network bears: the magnitude at which its gradient, its loss or its accuracy has suffered by a stated amount. From where
// the nonideality begins to tell, magnitudes are looked at outwards, four in a decade, and the first crossing is bisected on the logarithm; bits are whole
// numbers, looked at one by one. At every magnitude the chips are the same and draw the same, so that what is looked at is smooth, but for rounding.
#ifndef ES_LEARN_SENSITIVITY_H
#define ES_LEARN_SENSITIVITY_H

#include "chip/chip.h"
#include "learn/train.h"

// What is looked at.
enum es_limit {
    ES_LIMIT_COSINE_99, ES_LIMIT_COSINE_90, // of the rule's gradient at the given values, see es_specimen_agreement(): 0.99, 0.9
    ES_LIMIT_LOSS,     // on the test samples: 1.1 times that without the nonideality
    ES_LIMIT_ACCURACY, // 2 standard errors below that without the nonideality
    ES_LIMITS,
};
extern const struct es_row es_limits[ES_LIMITS]; // by enum es_limit; source: the heading of a column

// Where a nonideality acts while loss and accuracy are looked at. A network that is trained begins at the experiment's start values; one that is only
// used has the given values.
struct es_acting {
    struct es_row row;
    bool training, use;
};
extern const struct es_row *const es_actings[]; // of struct es_acting

// Means over the chips; NAN where there is no such thing, or where the circuit has failed.
struct es_quality {
    double cosine, loss, accuracy;
};

struct es_sensitivity {
    const struct es_experiment *experiment; // of the ideal network
    const struct es_dataset *set;
    const double *theta; // [parameters] the given values
    size_t fold;         // that is tested; all samples where the task has no test part
    size_t substeps;     // of the engine
    size_t samples;      // >= 1, whose gradients are compared
    const struct es_acting *acting;
    const struct es_chip *chip; // what the circuit is beside the nonideality in question; its seed is that of the first chip, and the next ones follow
    size_t chips;               // >= 1; one will do of what is not drawn
    // What is found without a nonideality: by es_sensitivity_start(), for es_sensitivity_find().
    struct es_quality ideal;
    size_t tested;         // samples
    double standard_error; // of an accuracy of (right + 1) / (tested + 2), which is never 0 or 1
    double limit[ES_LIMITS]; // NAN where there is no such thing
    void (*progress)(void *context, double done); // or NULL: told how much is done, 0 .. 1
    void *context;
};

// Writes what is found without a nonideality.
enum es_status es_sensitivity_start(struct es_sensitivity *sensitivity, struct es_error *error);

enum es_reach {
    ES_REACH_UNDEFINED, // there is no such limit, or nothing to act on
    ES_REACH_NONE,      // at no magnitude does it change anything
    ES_REACH_BEYOND,    // at none of the magnitudes that were looked at is the limit passed
    ES_REACH_ALWAYS,    // passed at all of them, and perhaps without the nonideality
    ES_REACH_FOUND,
};

// How much is borne. From `magnitude` on, away from the ideal, the limit is passed; of bits it is the fewest that keep it, of ES_REACH_BEYOND the worst
// magnitude looked at, of ES_REACH_ALWAYS the best.
struct es_margin {
    enum es_reach reach;
    double magnitude;
    double spread; // standard deviation over the chips of what is limited, there, over its way from the ideal to the limit; 0 of one chip
    bool fails;   // from there on the circuit has failed: the engine gives up, or what it finds is no number
    bool returns; // at some worse magnitude that was looked at the limit is not passed: it is the first crossing of several
};

// Relative error of es_margin.magnitude; of bits there is none.
extern const double es_sensitivity_tolerance;

// The magnitudes that are looked at, the best first: up to the row's limit in its only or its positive direction, times up to the length of a pass, and
// 24 decades of what has no other limit. Of bits, whole ones.
void es_sensitivity_range(const struct es_sensitivity *sensitivity, const struct es_nonideality *kind, double *best, double *worst);

// Finds the margins of one nonideality, against what is without it: where the chip has it, that is found first. `why` is why there is nothing to act on or the nonideality cannot act, of the limits that are undefined, or "".
enum es_status es_sensitivity_find(const struct es_sensitivity *sensitivity, const struct es_nonideality *kind, struct es_margin margin[ES_LIMITS],
                                   struct es_error *why, struct es_error *error);

// What the limits look at, of the nonideality at one magnitude. ES_BAD_INPUT where it cannot act; what fails in the circuit is NAN.
enum es_status es_sensitivity_measure(const struct es_sensitivity *sensitivity, const struct es_nonideality *kind, double magnitude,
                                      struct es_quality *quality, struct es_error *error);

#endif
