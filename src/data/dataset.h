// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// A task: samples with inputs in volt at a fixed interval, and labels or flux targets. Readers and synthesisers are rows of
// one list.
#ifndef ES_DATA_DATASET_H
#define ES_DATA_DATASET_H

#include "core/arena.h"
#include "core/rows.h"
#include "core/status.h"

#include <stdbool.h>
#include <stdint.h>

// What the network file says about the task; the reader takes what it needs.
struct es_task {
    const struct es_data_kind *kind;
    double interval;    // between samples, in the circuit's time [s]
    size_t points;      // samples in one pass
    double amplitude;   // of the input: rms of a window of audio, peak of a sine [V]
    uint64_t seed;
    int line;           // of the <task> element
    // audio
    double rate;        // the recordings are resampled to this [Hz]
    size_t span;        // training windows are drawn from the centre `span` samples; 0 or >= points
    double pre_emphasis; // a in y[n] = x[n] - a x[n-1], 0 <= a <= 1
    double speed;       // training windows are played up to this fraction faster or slower, as by shorter and longer vocal tracts
    size_t frame;       // windows are played in frames of so many samples, see es_dataset_window(); 0 for none
    const char *folds;  // column of the fold table, "" for none
    // formants
    size_t speakers, test_speakers;
    // sines
    size_t samples;
    double target;      // peak of the flux target [Wb]
    double frequency;   // centre of the sines [Hz] in the circuit's time
};

struct es_wave {
    const double *value; // [channels][length]
    size_t length;       // >= points
};

struct es_sample {
    const char *name;
    struct es_wave wave;           // as it is
    size_t variants;
    const struct es_wave *variant; // [variants] faster and slower, for training windows
    const double *target; // [outputs][points] in Wb, or NULL
    int label;            // index into class[], or -1
    int fold;             // fold in which it is tested, from 0
};

struct es_dataset {
    struct es_arena *arena; // owner of everything below
    size_t channels, outputs, points, samples, classes, folds;
    const char **class;     // names, as the network's
    struct es_sample *sample;
    double amplitude;       // 0: windows are not scaled
    const double *envelope; // [points] that windows are multiplied by, or NULL
};

struct es_data_kind {
    struct es_row row;
    bool labels;  // gives labels; otherwise flux targets
    bool files;   // reads files: needs a directory
    // `dir` is the user's directory or NULL; class [classes] names what the network's outputs tell apart; the dataset's labels
    // are indices into it. Errors: ES_BAD_INPUT with file and value.
    enum es_status (*load)(const struct es_task *task, const char *dir, size_t channels, size_t outputs, size_t classes,
                           const char *const *class, struct es_dataset *set, struct es_error *error);
};

extern const struct es_row *const es_data_kinds[]; // of struct es_data_kind
extern const struct es_data_kind es_wav_folder, es_formants, es_sines;

void es_dataset_free(struct es_dataset *set);

// input [channels][points] in V: the centre window of the sample, or, with `draw`, a window of a speed and at a place that
// are functions of (seed, sample, epoch); audio is scaled to the task's rms. With frames, each frame is then weighted by half a
// sine and given a fixed random sign, so that a resonator adds up the energies of the frames and not their amplitudes.
void es_dataset_window(const struct es_dataset *set, size_t sample, bool draw, uint64_t seed, uint64_t epoch, double *input);

// One recording for `evaluate --data FILE.wav`: as the reader would have read it.
enum es_status es_wav_file(const struct es_task *task, const char *path, size_t classes, const char *const *class,
                           struct es_dataset *set, struct es_error *error);

#endif
