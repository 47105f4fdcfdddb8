// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// A device card: what is known of one kind of memory device, a file of models/ (the format: models/device.rng).
//
// A device holds a weight w, dimensionless, in a window w_min .. w_max. A pulse up or down (d = +1, -1) changes it by
//     w += d (s f (1 + c xi) + n)    noise multiplicative      s = step |gain + d beta|, step: the card's dw_min
//     w += d (s (f + c xi) + n)      noise additive            f = f^d(w): the model's row;  n = c (constant + slope |w|) xi
// and w stops at the device's own bounds. xi is standard normal for each pulse, c its cycle-to-cycle spread. Drawn once for each device are
//     gain = 1 + s xi, or exp(s xi) where log-normal;  beta = up_down + s xi;  bounds w_max |1 + s xi|, w_min |1 + s xi|;  and the model's slopes.
// The magnitudes are taken so that no drawn device moves the wrong way or has its bounds on the wrong side of 0.
// What is read is w + write step xi, drawn anew when pulses have come; the device's own w stays.
//
// Source of the form: aihwkit (Rasch et al., AICAS 2021), whose own code differs from it in that its up_down only weakens one of the directions,
// and that only some of its presets take magnitudes.
#ifndef ES_DEVICE_CARD_H
#define ES_DEVICE_CARD_H

#include "core/arena.h"
#include "core/rows.h"

#include <stdbool.h>
#include <stdint.h>

struct es_card;
struct es_device;

enum { ES_MODEL_PARAMETERS = 6, ES_PROGRAMMING = 4 };

struct es_device_model {
    struct es_row row;
    const char *parameter[ES_MODEL_PARAMETERS + 1]; // of the card's <update>, into card->p[]; NULL ends the list
    bool fractions;                                 // the parameters lie within 0 .. 1
    bool around_zero;                               // needs w_min < 0 < w_max
    // f^d(w) >= 0: the mean size of a pulse's change, over step |gain + d beta|. NULL: takes any value, without pulses.
    double (*size)(const struct es_card *card, const struct es_device *device, double w, int d);
    double (*level)(const struct es_card *card, double w); // the value nearest to w that it can hold, `step` from the next; NULL: any
};

extern const struct es_row *const es_device_models[]; // of struct es_device_model
extern const struct es_device_model es_model_ideal, es_model_quantised, es_model_constant, es_model_linear, es_model_soft_bounds, es_model_exponential,
    es_model_table;

// c0 + slope ln g, kept within min .. max.
struct es_log_law {
    double slope, offset, min, max;
};

struct es_card {
    struct es_arena *arena;      // owner of everything
    const char *name, *about;
    const char *file;            // as the user named it
    const char *xml;             // its text, with its table in it, for the run store
    const struct es_device_model *model;
    double p[ES_MODEL_PARAMETERS];
    bool one_sided;              // only moves up, until it is reset to w_min; comes in pairs, w = w_plus - w_minus
    double step;                 // dw_min > 0; 0: takes any value
    double up_down;              // beta
    double min, max;             // w_min < w_max, w_min <= 0 <= w_max
    bool multiplicative;         // the cycle-to-cycle noise
    double cycle, write;         // c; write noise; both over step
    double constant, slope;      // of the noise n
    struct {                     // device to device, standard deviations, relative to the mean but for up_down and slope, which are absolute
        double step, up_down, min, max, slope;
        bool log_normal;         // of step
    } spread;
    double stuck, stuck_range;   // part of the devices that never move; they hold a value drawn within +- stuck_range
    double lifetime, lifetime_spread; // w -= w / lifetime at each update; 0: no leak. Spread relative
    size_t points;               // of the table below; 0: none
    double *pulse, *up, *down;   // [points] pulses from 0 on; w after them, from w_min up and from w_max down
    // Of the conductance G, in the window 0 .. g_max; g = G / g_max.
    double g_max;                      // [S], 0: not known
    double programming[ES_PROGRAMMING]; // [S] sigma of G after programming = sum c_i g^i, at least 0
    double drift_time;                 // [s] t_0; 0: no drift. G (t / t_0)^-nu, nu = |mean + spread xi|
    struct es_log_law drift_mean, drift_spread;
    double read_time;                  // [s] t_r; 0: no read noise. sigma = G Q sqrt(ln((t + t_r) / (2 t_r))),
    double read, read_exponent, read_floor, read_most; // Q = min(read / max(g^read_exponent, read_floor), read_most)
    double energy;                     // [J] of a pulse; NAN where the card says nothing
};

void es_card_free(struct es_card *card); // NULL is allowed

// The change of w by one pulse, as an optimiser reckons with it that does not see the device: the mean of up and down of the card's mean device in
// the middle of its window; only up where it is one-sided. 0: takes any value.
double es_card_unit(const struct es_card *card);

#endif
