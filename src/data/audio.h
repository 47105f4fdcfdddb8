// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// What recordings and synthetic voices have in common. Internal to src/data.
#ifndef ES_DATA_AUDIO_H
#define ES_DATA_AUDIO_H

#include "data/make.h"

enum { ES_AUDIO_FRAMES = 10000000 }; // longest recording, as read and as resampled

struct es_recording {
    const char *name; // for errors
    double rate;      // [Hz]
    size_t frames;
    double *wave; // [frames], full scale is 1
    struct es_arena *scratch;
};

// Refuses what no audio task can have.
enum es_status es_audio_check(const struct es_task *task, const char *kind, const struct es_roles *roles, struct es_error *error);

// Samples kept of a recording at task->rate: its centre, at most so many.
size_t es_audio_span(const struct es_task *task);

// Resamples to task->rate, applies the pre-emphasis and keeps the centre, in `arena`, as the wave of `sample`; and the same at
// the speeds of the training windows as its variants.
enum es_status es_audio_keep(const struct es_task *task, const struct es_recording *recording, struct es_arena *arena,
                             struct es_sample *sample, struct es_error *error);

// How the windows of the set are scaled and framed.
void es_audio_windows(const struct es_task *task, struct es_dataset *set);

// Reads WAV, AIFF or FLAC; the channels are averaged. The wave belongs to `scratch`.
enum es_status es_audio_read(const char *path, struct es_arena *scratch, struct es_recording *recording, struct es_error *error);

#endif
