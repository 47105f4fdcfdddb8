// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// Memory devices that hold a network's parameters, between the optimiser, which asks for a change, and the parameter, which changes by what the
// devices make of their pulses.
//
// A parameter with the bounds min .. max has g = theta, or 1 / theta of an inductance, and a card's window is the parameter's range:
//     g = g_mid + g_half x,    g_mid, g_half = (g(max) +- g(min)) / 2 (g_half > 0)
//     x = (w - w_mid) / w_half           of one device, in its card's window
//     x = (w_plus - w_minus) / (w_max - w_min)   of a pair
// An asked change of x is an asked change of w, which makes |dw| / unit pulses (es_card_unit()): rounded up or down at random so that its mean is
// right, or, where changes are accumulated (Nandakumar et al., Front. Neurosci. 2020), whole ones, and the rest waits. A pair of devices that move
// both ways gets each pulse twice, up on one and down on the other; of devices that only move up, the one on the side of the change gets it.
// Refreshing brings a pair whose devices are far up both back, and programs their difference again, by pulses.
#ifndef ES_DEVICE_MEMORY_H
#define ES_DEVICE_MEMORY_H

#include "device/device.h"
#include "net/network.h"

enum { ES_PAIR = 2, ES_MOST_PULSES = 1000 }; // of one change, or of programming one device by pulses; levels have no such bound

// How the devices of a card are used.
struct es_device_use {
    bool accumulate;  // changes below one pulse
    bool pair;        // of devices; those that only move up always are
    uint64_t refresh; // pairs every so many updates; 0: never
};

// The state of a parameter's devices, for checkpoints: doubles only.
struct es_cell {
    double w[ES_PAIR]; // w[1] is 0 without a pair
    double rest;       // of w, accumulated
};

struct es_memory {
    const struct es_card *card;
    struct es_device_use use;
    const struct es_network *net;
    uint64_t seed;
    double unit;                          // change of w by a pulse; of both devices of a pair
    struct es_device (*device)[ES_PAIR]; // [parameters]
};

// The devices of parameter i are 2 i and 2 i + 1 of the seed. From `arena`; card and net must outlive it. ES_BAD_INPUT where pairs are refreshed that
// are none.
enum es_status es_memory_new(const struct es_card *card, const struct es_device_use *use, const struct es_network *net, uint64_t seed,
                             struct es_arena *arena, struct es_memory *memory, struct es_error *error);

// Programs parameter i to theta, as near as its devices come, with the card's programming noise. Returns the theta that is read.
double es_memory_program(const struct es_memory *memory, size_t i, double theta, struct es_cell *cell);

// theta that is read `seconds` after parameter i was programmed, by the card's drift and noise of reading.
double es_memory_read_after(const struct es_memory *memory, size_t i, double seconds, const struct es_cell *cell);

// theta kept off the bounds of parameter i by half a pulse and half its write noise: coordinates are stiff at bounds, where a pulse may well take a
// device, and it has to come off them again.
double es_memory_off_bounds(const struct es_memory *memory, size_t i, double theta);

// Update number `update` (from 1) asks for the change from theta `from` to `to`. False where the devices have not moved; else *theta becomes what is
// read now. *pulses are counted up.
bool es_memory_update(const struct es_memory *memory, size_t i, uint64_t update, double from, double to, struct es_cell *cell, size_t *pulses, double *theta);

#endif
