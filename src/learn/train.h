// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// The training loop. Its state is what a checkpoint holds: the number of updates, the parameters' coordinates and the
// optimiser's moments. Order and windows of an epoch are functions of (seed, epoch), so that a run that is taken up again
// from its last checkpoint ends in the same bits.
#ifndef ES_LEARN_TRAIN_H
#define ES_LEARN_TRAIN_H

#include "learn/gradient.h"
#include "learn/optimiser.h"

struct es_state {
    uint64_t update;                // updates done
    double *u;                      // [parameters] coordinates
    double (*moment)[ES_MOMENTS];   // [parameters] of the optimiser
};

struct es_metrics { // of one update, or of an epoch so far
    uint64_t update, epoch;
    size_t samples, right;
    double loss;      // mean over the samples
    double beta_si;   // of the first sample, see cost.h
    double seconds;
    bool epoch_ends;
};

struct es_training {
    const struct es_experiment *experiment;
    const struct es_dataset *set;
    struct es_problem problem;
    size_t fold;              // samples of this fold are for the test
    size_t trained;           // samples for the training
    size_t *sample;           // [trained] their indices
    uint64_t updates;         // of the whole training
    // Called after each update with its metrics and those of the epoch so far; anything but ES_OK ends the training.
    enum es_status (*updated)(void *context, const struct es_state *state, const struct es_metrics *update,
                              const struct es_metrics *epoch, struct es_error *error);
    void *context;
};

enum { ES_MAX_SUBSTEPS = 1000 };

// Engine steps per sample of the task, so that the fastest mode at theta gets at least `steps` steps per period; at most
// ES_MAX_SUBSTEPS + 1, which es_training_prepare() refuses.
size_t es_substeps_for(const struct es_network *net, const double *theta, double interval, double steps);

// Divides the dataset: what is not in `fold` is trained on. Arrays from `arena`. ES_BAD_INPUT if nothing is left.
enum es_status es_training_prepare(struct es_training *training, const struct es_experiment *experiment, const struct es_dataset *set,
                                   struct es_engine *engine, size_t fold, struct es_arena *arena, struct es_error *error);

struct es_state es_state_new(const struct es_network *net, struct es_arena *arena); // at the start values

// theta [parameters] from the state's coordinates.
void es_state_theta(const struct es_network *net, const struct es_state *state, double *theta);

// Runs from the state to the last update.
enum es_status es_train(const struct es_training *training, struct es_state *state, struct es_error *error);

struct es_evaluation {
    size_t samples, right;
    double loss;       // mean
    size_t *confusion; // [classes][classes] label, answer; NULL where the cost has no labels
    size_t *answer;    // [samples]
};

// The samples of one fold (or all with fold = SIZE_MAX) in their centre windows. Arrays from `arena`.
enum es_status es_evaluate(const struct es_problem *problem, const struct es_dataset *set, size_t fold, const double *theta,
                           struct es_arena *arena, struct es_evaluation *evaluation, struct es_error *error);

// One sample in its centre window, from `arena`.
struct es_example es_centre_example(const struct es_dataset *set, size_t sample, struct es_arena *arena);

#endif
