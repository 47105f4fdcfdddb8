// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// One device: its own constants, its pulses, and its conductance over time. Everything random is keyed by (seed, id) and what it is for.
#ifndef ES_DEVICE_DEVICE_H
#define ES_DEVICE_DEVICE_H

#include "core/random.h"
#include "device/card.h"

enum es_direction { ES_DOWN, ES_UP, ES_DIRECTIONS };

struct es_device {
    double gain[ES_DIRECTIONS];  // |gain + d beta|
    double slope[ES_DIRECTIONS]; // of a linear step, gamma^d
    double min, max;
    double keep;                 // of w over an update
    bool stuck;                  // then min = max
};

// Constants of device `id`; a larger spread scales the same draws. ES_RANDOM_DEVICE.
struct es_device es_device_draw(const struct es_card *card, uint64_t seed, uint64_t id);

// The device without any spread.
struct es_device es_device_mean(const struct es_card *card);

// w nearest to the asked one that the device can hold.
double es_device_place(const struct es_card *card, const struct es_device *device, double w);

// w after one pulse, d = +1 or -1; takes one draw from `noise`.
double es_device_pulse(const struct es_card *card, const struct es_device *device, double w, int d, struct es_stream *noise);

// G / g_max of a weight in the card's window.
double es_card_conductance(const struct es_card *card, double w);

// Standard deviation of g after programming to g, and of a reading t seconds after, relative to what is read.
double es_card_programming(const struct es_card *card, double g);
double es_card_reading(const struct es_card *card, double g, double t);

// Whether the card says what becomes of a conductance with time.
bool es_card_ages(const struct es_card *card);

// What is read of g, programmed t seconds ago: with drift and the noise of reading, at least 0; takes two draws from `noise`.
double es_card_left(const struct es_card *card, double g, double t, struct es_stream *noise);

// nu of a device that was programmed to g, xi standard normal; and what is left of g after t seconds, 1 until t_0.
double es_card_drift_exponent(const struct es_card *card, double g, double xi);
double es_card_drift(const struct es_card *card, double nu, double t);

#endif
