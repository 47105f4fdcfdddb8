// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
#include "core/random.h"

#include <Random123/philox.h>
#include <gsl/gsl_cdf.h>

double es_random_uniform(struct es_stream *s) {
    philox4x64_ctr_t counter = {{s->step++, s->id, s->sample, s->update}};
    philox4x64_key_t key = {{s->seed, s->purpose}};
    uint64_t bits = philox4x64(counter, key).v[0] >> 12; // 52 bits, so that the half below is exact
    return ((double)bits + 0.5) * 0x1p-52;
}

double es_random_normal(struct es_stream *stream) {
    return gsl_cdf_ugaussian_Pinv(es_random_uniform(stream));
}

uint64_t es_random_below(struct es_stream *stream, uint64_t bound) {
    return (uint64_t)(es_random_uniform(stream) * (double)bound);
}
