// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// Counter-based random numbers: a draw is a pure function of what it is for, so that results do not depend on the order of
// the draws or on the number of workers. Philox4x64-10 (Salmon et al., SC 2011), from Random123; the normal distribution
// by inversion, from GSL.
#ifndef ES_CORE_RANDOM_H
#define ES_CORE_RANDOM_H

#include <stdint.h>

// What the numbers are for: streams of different purpose are independent for the same seed.
enum es_purpose {
    ES_RANDOM_NETWORK = 1, // generated element values; id = element. With update = 1: pairs of a random graph; id = generator
    ES_RANDOM_OUTPUTS,     // choice of output nodes
    ES_RANDOM_TASK,        // synthetic tasks; sample = sample
    ES_RANDOM_SPEAKER,     // synthetic speakers; sample = speaker
    ES_RANDOM_FRAME,       // signs of the frames of a window; id = frame
    ES_RANDOM_ORDER,       // order of the samples in an epoch; update = epoch
    ES_RANDOM_WINDOW,      // training windows; sample = sample, update = epoch
    ES_RANDOM_TEST,        // tests and benchmarks
    ES_RANDOM_VALIDATION,  // choice of the validation samples
    ES_RANDOM_NOISE,       // thermal noise; id = element, sample = sample, update = 2^20 update + run, step = step
    ES_RANDOM_DEVICE,      // constants of memory devices; id = device, step = constant
    ES_RANDOM_PROGRAM,     // their programming, drift and reading; id = device
    ES_RANDOM_PULSE,       // their pulses; id = device, update = update
    ES_RANDOM_WRITE,       // their write noise; id = device, update = update
    ES_RANDOM_ROUNDING,    // of an asked change to pulses; id = parameter, update = update
    ES_RANDOM_CHIP,        // what differs from chip to chip; id = element, sample = quantity, update = which draw for it
    ES_RANDOM_FLIP,        // instants of flips; sample, update as of ES_RANDOM_NOISE
    ES_RANDOM_JOHNSON,     // noise of a chip's losses; id, sample, update, step as of ES_RANDOM_NOISE
    ES_RANDOM_READ,        // noise of what is read; id = integral, or, after them, node; sample, update as of ES_RANDOM_NOISE
};

struct es_stream {
    uint64_t seed;
    uint64_t purpose;            // enum es_purpose
    uint64_t id, sample, update; // what the stream belongs to
    uint64_t step;               // the next draw: every draw below adds one
};

double es_random_uniform(struct es_stream *stream); // in (0, 1)
double es_random_normal(struct es_stream *stream);  // mean 0, standard deviation 1
uint64_t es_random_below(struct es_stream *stream, uint64_t bound); // in 0 .. bound - 1; bound >= 1 and below 2^53

#endif
