// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// A trial: one training of a network under given conditions, and what came of it. Trials with the same seed draw the same start values, orders and
// windows, whatever their conditions.
#ifndef ES_LEARN_TRIAL_H
#define ES_LEARN_TRIAL_H

#include "chip/chip.h"
#include "learn/train.h"

// What a trial is measured by; NaN where there is no such thing. The gradients are means over some training samples in their centre windows, the rule's
// in the engine of the trial. The exact ones are those of the loss in the twin, whose midpoint rule is ngspice's trapezoidal rule (docs/theory.md 3), of
// the network as it was made, but without what is random or rounded: by the discrete adjoint, or, where there are losses, by the
// reciprocal rule or finite differences (specimen.h).
enum es_measure {
    ES_TEST_LOSS, ES_TEST_ACCURACY, ES_TEST_NMSE,
    ES_START_COSINE, ES_END_COSINE, ES_START_NORM, ES_END_NORM, // see es_agreement
    ES_RETRACE,          // of the trained network: |state after an echo without nudge - start| / |state|, the mean over the samples
    ES_PULSES,           // to all devices, in the whole training; NaN of devices that take any value and need none
    ES_UPDATE_ENERGY,    // [J] dissipated in all passes of one update of the trained network, and by its pulses where the card knows their energy
    ES_INFERENCE_ENERGY, // [J] dissipated in the free pass of one sample: by conductances, resistances and leakages, what is active taking none
    ES_MEASURES,
};

struct es_measured {
    const char *name; // in CSV, JSON and stores
    const char *unit; // SI; "" for a ratio or a number; NULL: the loss's, see es_cost_unit()
};
extern const struct es_measured es_measures[ES_MEASURES]; // by enum es_measure

struct es_trial {
    const struct es_experiment *experiment; // with the conditions' beta and rate
    const struct es_dataset *set;
    size_t fold;     // that is tested
    size_t substeps; // of the engine
    size_t samples;  // >= 1, whose gradients are compared: evenly spaced among the training samples
    const struct es_card *device; // that holds the parameters, and how; NULL: they take any value
    struct es_device_use use;
    const struct es_chip *chip; // what the circuit is made and used as; the experiment's network is the ideal one
    // Told after each update how much of the training is done, 0 .. 1, and after each epoch its loss and accuracy on the training samples (NaN without
    // labels).
    void (*progress)(void *context, double done);
    void (*epoch)(void *context, uint64_t number, double loss, double accuracy);
    void *context;
};

// measure [ES_MEASURES]. Anything but ES_OK: the training or a measurement failed.
enum es_status es_trial_run(const struct es_trial *trial, double *measure, struct es_error *error);

// The unit of a cost's loss: "nat" of labels, else that of what it reads, squared, and times s where it runs.
const char *es_cost_unit(const struct es_cost *cost, const struct es_network *net);

#endif
