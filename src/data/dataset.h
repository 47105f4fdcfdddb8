// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// A task: samples with inputs in volt at a fixed interval, and labels or targets. Readers and synthesisers are rows of one
// list.
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
    double amplitude;   // of the input: rms of a window of audio, peak of a sine, size of a bit [V]
    uint64_t seed;
    double from, to;    // the cost counts in from <= t <= to only; to = 0: until the end [s]
    size_t fold;        // that the training leaves out, so nothing is fitted to it; the command line's, not the file's
    int line;           // of the <task> element
    // audio
    double rate;        // the recordings are resampled to this [Hz]
    size_t span;        // training windows are drawn from the centre `span` samples; 0 or >= points
    double pre_emphasis; // a in y[n] = x[n] - a x[n-1], 0 <= a <= 1
    double speed;       // training windows are played up to this fraction faster or slower, as by shorter and longer vocal tracts
    size_t frame;       // windows are played in frames of so many samples, see es_dataset_window(); 0 for none
    const char *folds;  // wav-folder: column of the fold table; csv: file of folds; "" for none
    // formants
    size_t speakers, test_speakers;
    // sines
    size_t samples;
    double frequency;   // centre of the sines [Hz] in the circuit's time
    // parity
    size_t bits;        // 1 .. 16
    // sines, forecast, parity
    double target;      // peak of a sine, one standard deviation of a forecast, size of a parity [Wb], or what else the cost compares it with
    // ts, csv, idx; the amplitude is one standard deviation [V]
    size_t decimate;    // each point is the average of so many values of the series; 0 is 1
    bool mask;          // the cost counts up to the last point of a series, and not in what is padded
    // csv, idx; files in the user's directory
    const char *train, *test; // tables; no test: NULL
    const char *train_images, *train_labels, *test_images, *test_labels;
    // forecast, waveform
    const char *file;   // in the user's directory; of waveform it may be NULL
    // forecast
    size_t input_column, target_column; // of the file, from 0
    size_t ahead;       // the target is so many values after the input
    size_t train_values; // so many values at the start are for the training
    size_t stride;      // between training windows
};

// What the network makes of a task: the names of its input signals, one of which may be "bias", and of its classes.
struct es_roles {
    size_t channels;
    const char *const *channel;
    size_t outputs, classes;
    const char *const *class;
};

struct es_wave {
    const double *value; // [channels but the bias][length]
    size_t length;       // >= points
};

struct es_sample {
    const char *name;
    struct es_wave wave;           // as it is
    size_t variants;
    const struct es_wave *variant; // [variants] faster and slower, for training windows
    const double *target; // [outputs][points] in Wb, or what the cost reads; or NULL
    int label;            // index into class[], or -1
    int fold;             // fold in which it is tested, from 0
    size_t length;        // points that the series has; the points that follow are 0
    size_t counted;       // intervals between points, from the first, in which the cost counts: points - 1, or by mask length - 1
};

struct es_dataset {
    struct es_arena *arena; // owner of everything below
    size_t channels, outputs, points, samples, classes, folds;
    int bias;               // channel that is 1 V at all times, or -1
    const char **class;     // names, as the network's
    struct es_sample *sample;
    double amplitude;       // 0: windows are not scaled
    const double *envelope; // [points] that windows are multiplied by, or NULL
    bool signs;             // an answer is right where every output has its target's sign
    size_t first, last;     // points between which the cost counts
    bool windowed;          // there is a sample and an interval in which it does not count
};

struct es_data_kind {
    struct es_row row;
    bool labels, targets; // gives these
    bool files;   // reads files: needs a directory
    // `dir` is the user's directory or NULL; the dataset's labels are indices into the roles' classes. Where the network has
    // several channels, signals go to them in the order in which its file first names them, leaving out "bias".
    // Errors: ES_BAD_INPUT with file and value.
    enum es_status (*load)(const struct es_task *task, const char *dir, const struct es_roles *roles, struct es_dataset *set,
                           struct es_error *error);
};

extern const struct es_row *const es_data_kinds[]; // of struct es_data_kind
extern const struct es_data_kind es_wav_folder, es_formants, es_sines, es_ts, es_csv, es_idx, es_forecast, es_parity, es_waveform;

void es_dataset_free(struct es_dataset *set);

// input [channels][points] in V: the centre window of the sample, or, with `draw`, a window of a speed and at a place that
// are functions of (seed, sample, epoch); audio is scaled to the task's rms. With frames, each frame is then weighted by half a
// sine and given a fixed random sign, so that a resonator adds up the energies of the frames and not their amplitudes. The
// bias is 1 V.
void es_dataset_window(const struct es_dataset *set, size_t sample, bool draw, uint64_t seed, uint64_t epoch, double *input);

// weight [points - 1]: 1 in the intervals between points in which the sample's cost counts, 0 elsewhere.
void es_dataset_counted(const struct es_dataset *set, size_t sample, double *weight);

// Of the targets at the last point, over the samples of one fold (or all with fold = SIZE_MAX), in their unit squared; the mean
// over the outputs. 0 without targets. The mean squared error of a forecast over it is its NMSE.
double es_dataset_target_variance(const struct es_dataset *set, size_t fold);

// The same over the intervals in which the cost counts, targets being linear between points; `counted` gets their number.
double es_dataset_tracked_variance(const struct es_dataset *set, size_t fold, double *counted);

// One recording for `evaluate --data FILE.wav`: as the reader would have read it.
enum es_status es_wav_file(const struct es_task *task, const char *path, const struct es_roles *roles, struct es_dataset *set,
                           struct es_error *error);

#endif
