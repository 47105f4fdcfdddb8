// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// What the rows that change passes and results share. Internal to src/chip.
#ifndef ES_CHIP_USE_H
#define ES_CHIP_USE_H

#include "chip/chip.h"
#include "core/random.h"

struct es_using {
    const struct es_chip *chip;
    const struct es_network *net; // as made
    struct es_arena *arena;       // of what the passes of one run point to
};

extern const struct es_nonideality es_flip_gain, es_flip_charge, es_flip_jitter, es_drive_skew, es_noise_temperature, es_input_bits, es_output_noise,
    es_output_bits, es_integral_noise, es_integral_bits;

// The stream of a pass: (seed, purpose, id, sample, update, run).
struct es_stream es_using_stream(const struct es_using *use, enum es_purpose purpose, uint64_t id, const struct es_pass *pass);

#endif
