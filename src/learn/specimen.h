// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// A specimen: an experiment on one chip, ready to be trained and measured. Its network is as the chip has made it, its engine as it is used.
#ifndef ES_LEARN_SPECIMEN_H
#define ES_LEARN_SPECIMEN_H

#include "chip/chip.h"
#include "learn/train.h"

struct es_specimen {
    const struct es_network *ideal;
    struct es_experiment experiment; // of the network as made
    struct es_engine *engine;        // as it is used
    struct es_engine *twin;          // of the network as made, without what is random, rounded or badly flipped
    struct es_training training;     // its problem serves all measurements
    size_t samples;
    struct es_example *example; // [samples] evenly spaced training samples in their centre windows
    struct es_arena *arena;
};

// Whether the chip can act on what the rule asks of an engine. ES_BAD_INPUT where it compares states of rest, or runs no passes of this network on which
// nonidealities that are in no network could act.
enum es_status es_specimen_admits(const struct es_chip *chip, const struct es_rule *rule, struct es_error *error);

// `experiment` is of the ideal network, and `substeps` are the engine's of that network, so that all chips have the same. A biased gradient is accepted
// where there is a chip (NULL or empty: the ideal network); whether the rule admits the network is not asked. At most `samples` (>= 1) examples. What is
// pointed to must outlive the specimen, which stays where it is and is to be closed in any case.
enum es_status es_specimen_open(struct es_specimen *specimen, const struct es_experiment *experiment, const struct es_dataset *set, size_t fold,
                                size_t substeps, size_t samples, const struct es_chip *chip, struct es_error *error);
void es_specimen_close(struct es_specimen *specimen);

// The rule's gradient of the examples' mean loss, in the engine as used and as of this update, against the exact one of the network as made: that of
// the loss in the twin, whose midpoint rule is ngspice's trapezoidal rule (docs/theory.md 3), by the discrete adjoint; where there is none, as with
// losses, by the reciprocal rule in the twin where that is exact, or by finite differences. Of a rule with a loss of its own it is that loss.
enum es_status es_specimen_agreement(const struct es_specimen *specimen, const double *theta, uint64_t update, struct es_agreement *agreement,
                                     struct es_error *error);

#endif
