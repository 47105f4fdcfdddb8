// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// The training loop. Its state is what a checkpoint holds: the number of updates, the parameters' coordinates, the optimiser's moments and the memory
// devices' weights, and the kept state if there is a validation part. Order and windows of an epoch are functions of
// (seed, epoch), and an epoch's validation belongs to its last update, so that a run that is taken up again from its last
// checkpoint ends in the same bits.
#ifndef ES_LEARN_TRAIN_H
#define ES_LEARN_TRAIN_H

#include "device/memory.h"
#include "learn/gradient.h"
#include "learn/optimiser.h"

struct es_state {
    uint64_t update;                // updates done
    double *u;                      // [parameters] coordinates
    double (*moment)[ES_MOMENTS];   // [parameters] of the optimiser
    struct es_cell *cell;           // [parameters] of the memory devices; zeros without
    uint64_t best_epoch;            // epochs done when the validation loss was smallest; 0: none validated yet
    double best_loss;               // the validation loss then
    double *best_u;                 // [parameters] coordinates then
};

struct es_metrics { // of one update, or of an epoch so far
    uint64_t update, epoch;
    size_t samples, right;
    double loss;      // mean over the samples
    double beta_si;   // of the first sample, see cost.h
    size_t clipped;   // updates whose gradient was clipped
    size_t pulses;    // that memory devices got
    double seconds;
    bool epoch_ends;
    size_t validated, validated_right; // samples of the validation part, at the end of an epoch; else 0
    double validated_loss;             // mean over them
};

struct es_training {
    const struct es_experiment *experiment;
    const struct es_dataset *set;
    struct es_problem problem;
    size_t fold;              // samples of this fold are for the test; the others are divided into the two parts below
    size_t trained, validated; // samples of the training and of the validation part
    size_t *sample;           // [trained] indices in the dataset
    size_t *validation;       // [validated]
    uint64_t updates;         // of the whole training
    const struct es_card *device;  // of memory devices that hold the parameters, drawn from the experiment's seed; NULL: they take any value
    struct es_device_use use;
    // Called after each update with its metrics and those of the epoch so far; anything but ES_OK ends the training.
    enum es_status (*updated)(void *context, const struct es_state *state, const struct es_metrics *update,
                              const struct es_metrics *epoch, struct es_error *error);
    void *context;
};

enum { ES_MAX_SUBSTEPS = 1000 };

// Engine steps per sample of the task, so that the fastest mode at theta gets at least `steps` steps per period; at most
// ES_MAX_SUBSTEPS + 1, which es_training_prepare() refuses.
size_t es_substeps_for(const struct es_network *net, const double *theta, double interval, double steps);

// Divides the dataset: what is not in `fold` is trained on, but for the experiment's validation part, which is drawn without
// replacement from its seed. Arrays from `arena`. ES_BAD_INPUT if nothing is left.
enum es_status es_training_prepare(struct es_training *training, const struct es_experiment *experiment, const struct es_dataset *set,
                                   struct es_engine *engine, size_t fold, struct es_arena *arena, struct es_error *error);

struct es_state es_state_new(const struct es_network *net, struct es_arena *arena); // at the start values

// What the training has come to: the coordinates [parameters] with the smallest validation loss, or the last ones where none
// has been validated; and theta [parameters] there.
const double *es_state_kept(const struct es_state *state);
void es_state_theta(const struct es_network *net, const struct es_state *state, double *theta);

// True after the last update, or after the last of `patience` epochs without a smaller validation loss.
bool es_training_ended(const struct es_training *training, const struct es_state *state);

// Runs from the state to the end.
enum es_status es_train(const struct es_training *training, struct es_state *state, struct es_error *error);

struct es_evaluation {
    size_t samples, right;
    bool judged;       // `right` counts, see es_judged()
    double loss;       // mean
    double nmse;       // mean squared error of the targets over their variance, both over samples and outputs, at T or over the
                       // counted time; NAN where there are labels, where that variance is 0, and of a validation part
    size_t *confusion; // [classes][classes] label, answer; NULL where the cost has no labels
    size_t *answer;    // [samples]
};

// Whether answers are right or wrong: by labels, or, of a cost that reads the end, by the signs of targets where the task says so.
bool es_judged(const struct es_problem *problem, const struct es_dataset *set);

// The samples of one fold (or all with fold = SIZE_MAX) in their centre windows. Arrays from `arena`.
enum es_status es_evaluate(const struct es_problem *problem, const struct es_dataset *set, size_t fold, const double *theta,
                           struct es_arena *arena, struct es_evaluation *evaluation, struct es_error *error);

// One sample in its centre window, from `arena`.
struct es_example es_centre_example(const struct es_dataset *set, size_t sample, struct es_arena *arena);

#endif
