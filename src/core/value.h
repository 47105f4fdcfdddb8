// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// Values as text: "2.2 nF", "1e-9", "1 uH .. 2 uH".
#ifndef ES_CORE_VALUE_H
#define ES_CORE_VALUE_H

#include "core/random.h"
#include "core/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum es_shape {
    ES_EXACT,    // a
    ES_RANGE,    // "a .. b": log-uniform where the quantity is positive, else uniform
    ES_NORMAL,   // "a +- b": mean a, standard deviation b
    ES_LOGNORMAL // "a +- 10 %": a exp(b z), z normal
};

struct es_distribution {
    enum es_shape shape;
    double a, b; // SI
};

// One number with the unit ("" for none), its SI prefix allowed; rounded once, so that "2.2 nF" is the double 2.2e-9.
// Otherwise ES_BAD_INPUT, and `why` says what was expected.
enum es_status es_value_parse(const char *text, const char *unit, double *value, struct es_error *why);

// One number or a distribution of the quantity, which has to be > 0 where `positive`.
enum es_status es_distribution_parse(const char *text, const char *unit, bool positive, struct es_distribution *distribution,
                                     struct es_error *why);

// One draw; ES_EXACT takes none from the stream.
double es_distribution_draw(const struct es_distribution *distribution, bool positive, struct es_stream *stream);

// A whole number in min .. max, in decimal digits.
enum es_status es_integer_parse(const char *text, uint64_t min, uint64_t max, uint64_t *value, struct es_error *why);

// [A-Za-z_][A-Za-z0-9_]*, ES_NAME characters at most.
enum { ES_NAME = 64 };
bool es_name_valid(const char *text);

#endif
