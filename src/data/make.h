// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// What every reader and synthesiser does. Internal to src/data.
#ifndef ES_DATA_MAKE_H
#define ES_DATA_MAKE_H

#include "data/dataset.h"

enum {
    ES_DATA_SAMPLES = 100000,       // most samples of a task
    ES_DATA_VALUES = 8 << 20,       // most values that a synthesiser makes: 64 MiB
    ES_DATA_FILE_VALUES = 64 << 20, // most values that are kept of files: 512 MiB
    ES_DATA_FOLDS = 1000
};

// Where in a file something is wrong.
struct es_place {
    const char *path, *unit; // "line", "image"
    size_t number;
};

// The network's channels but the bias.
size_t es_roles_signals(const struct es_roles *roles);

// An arena with the sizes, a copy of the names, and where the cost counts. ES_BAD_INPUT if that is not between points.
enum es_status es_dataset_make(const struct es_task *task, const struct es_roles *roles, struct es_dataset *set,
                               struct es_error *error);

// [count] samples without label, of full length, in the set's arena.
struct es_sample *es_samples_new(const struct es_dataset *set, size_t count);

// Refuses a synthetic task of more than ES_DATA_SAMPLES samples, or of more than ES_DATA_VALUES values.
enum es_status es_dataset_fits(const struct es_task *task, size_t samples, double values_per_sample, struct es_error *error);

// The class that a file calls `text`: the class of that name, or of that name with "c" in front, as a class cannot start with
// a digit; and what no class can have in its name counts as "_". So 1 is the class c1, and Iris-setosa is Iris_setosa.
// seen [classes], NULL at first, keeps what the files call each class, as two names for one class are refused.
enum es_status es_label_find(const struct es_dataset *set, const struct es_place *at, const char *text, const char **seen,
                             int *label, struct es_error *error);

// Refuse, naming the file, a class of the network, or one of the folds from 0, that no sample has.
enum es_status es_classes_check(const struct es_dataset *set, const char *path, struct es_error *error);
enum es_status es_folds_check(const struct es_dataset *set, const char *path, const char *column, struct es_error *error);

// Mean and standard deviation (divided by the count) of what the training sees; a constant is as if it deviated by 1.
struct es_scale {
    double count, mean, squares; // sum of the squared deviations
};
void es_scale_add(struct es_scale *scale, const double *value, size_t count);

// value [count]: gain (value - mean) / deviation.
void es_scale_apply(const struct es_scale *scale, double gain, double *value, size_t count);

#endif
