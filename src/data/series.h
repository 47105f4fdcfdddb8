// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// Labelled series of one or several channels, as .ts files, tables and images hold them:
//
//     x_circuit = amplitude (x - mean) / deviation   [V]
//
// with the mean and the standard deviation of the channel over all points of all samples that are not tested, so nothing of
// the tested ones is in it (a constant channel is divided by 1). With `decimate` = k a point is the average of k values, and
// what is left of fewer than k at the end is dropped; this comes first. A series shorter than the task's points is then
// followed by zeros, a longer one is refused. Internal to src/data.
#ifndef ES_DATA_SERIES_H
#define ES_DATA_SERIES_H

#include "data/file.h"

struct es_series {
    const struct es_task *task;
    struct es_dataset *set;
    struct es_arena *scratch;
    struct es_error *error;
    size_t signals; // channels but the bias
    bool joint;     // one mean and deviation for all channels
    size_t room;    // for so many samples
    size_t kept;    // values of the samples so far
    double **value; // [samples][signals * points] of the samples so far
    double *raw;    // [raw_room] one series as read
    size_t raw_room;
    const char **seen; // [classes] see es_label_find()
    const char *path;  // of the file or directory that is to blame if a class is missing
};

// Refuses what no such task can have, and begins the dataset; `dir` is to hold `what`. The caller sets the folds and the path.
enum es_status es_series_begin(struct es_series *series, const struct es_task *task, const char *dir, const char *what,
                               const struct es_roles *roles, struct es_dataset *set, struct es_error *error);

// Room for so many samples at most.
void es_series_expect(struct es_series *series, size_t samples);

// Room for the next series as read, *raw [signals][length]. ES_BAD_INPUT unless 1 to `points` points come of it, and there is
// room for the sample.
enum es_status es_series_raw(struct es_series *series, const struct es_place *at, size_t length, double **raw);

// Keeps the series in series->raw as a sample, called by its file and number.
enum es_status es_series_add(struct es_series *series, const struct es_place *at, size_t length, const char *label, int fold);

// Standardises and pads what has been added, or, given a failure, frees the set. To be called in any case after the begin.
enum es_status es_series_end(struct es_series *series, enum es_status status);

#endif
