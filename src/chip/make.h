// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// What the rows that change a network share. Internal to src/chip.
#ifndef ES_CHIP_MAKE_H
#define ES_CHIP_MAKE_H

#include "chip/chip.h"

// A network while it is being made.
struct es_making {
    const struct es_chip *chip;
    const struct es_network *ideal;
    struct es_network *net; // as far as it is
    struct es_arena *arena;
    size_t room;            // of net->element
    double w0;              // of the ideal network; NAN where nothing oscillates
};

extern const struct es_nonideality es_capacitor_mismatch, es_inductor_mismatch, es_transconductor_mismatch, es_capacitor_area, es_transistor_area,
    es_temperature_rise, es_saturation, es_sense_saturation, es_offset, es_q_parallel, es_q_series, es_gain, es_excess_phase, es_compensation;

// What draws for the same quantity are for.
enum es_salt { ES_SALT_SIGMA, ES_SALT_AREA, ES_SALT_OFFSET };

// A normal draw of mean 0 and standard deviation 1 for one quantity of one element of this chip.
double es_making_draw(const struct es_making *making, enum es_salt salt, size_t element, size_t quantity);

// Quantity of that name of a kind, or -1.
int es_quantity_of(const struct es_element_kind *kind, const char *name);

// Multiplies a value, whether it is trained or not.
void es_making_scale(struct es_element *e, size_t quantity, double factor);

// A new element from p to n, called <prefix>.<name of e>, with all values fixed at 0 or, if they are optional, absent. Pointers to elements do not
// outlive it.
struct es_element *es_making_add(struct es_making *making, const struct es_element_kind *kind, const char *prefix, size_t e, int p, int n);

// The value as it is at the start.
double es_making_value(const struct es_element *e, size_t quantity);

// Adds `factor` times the element's own quantity `of` to its resistance or leakage. ES_BAD_INPUT where it would have to follow two values.
enum es_status es_making_lose(struct es_making *making, struct es_element *e, size_t of, double factor, struct es_error *error);

// ES_BAD_INPUT: a nonideality cannot act on element e, and why.
enum es_status es_making_refuse(const struct es_making *making, const struct es_nonideality *kind, size_t e, const char *why, struct es_error *error);

// ES_BAD_INPUT: nothing to act on; `what` is what it needs.
enum es_status es_making_nothing(const struct es_making *making, const struct es_nonideality *kind, const char *what, struct es_error *error);

// ES_BAD_INPUT where the ideal network has no w0.
enum es_status es_making_oscillates(const struct es_making *making, const struct es_nonideality *kind, struct es_error *error);

#endif
