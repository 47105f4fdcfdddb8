// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// What every reader and synthesiser does first. Internal to src/data.
#ifndef ES_DATA_MAKE_H
#define ES_DATA_MAKE_H

#include "data/dataset.h"

enum {
    ES_DATA_SAMPLES = 100000,      // most samples of a task
    ES_DATA_VALUES = 8 << 20,      // most values that a synthesiser makes: 64 MiB
    ES_DATA_FILE_VALUES = 64 << 20 // most values that are kept of a folder: 512 MiB
};

// An arena with the sizes and a copy of the names.
struct es_dataset es_dataset_make(const struct es_task *task, size_t channels, size_t outputs, size_t classes,
                                  const char *const *class);

// Refuses a synthetic task of more than ES_DATA_SAMPLES samples, or of more than ES_DATA_VALUES values.
enum es_status es_dataset_fits(const struct es_task *task, size_t samples, double values_per_sample, struct es_error *error);

#endif
