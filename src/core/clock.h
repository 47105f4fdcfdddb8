// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
#ifndef ES_CORE_CLOCK_H
#define ES_CORE_CLOCK_H

#include <time.h>

// Seconds of a clock that only runs forward.
static inline double es_now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

#endif
