// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// A chip: the circuit as it was made. Its nonidealities are rows; each one changes the network (real elements and changed values, which both
// engines run and every deck shows), or the passes that an engine is asked for (what drives, flips and disturbs the circuit), or what is read of
// their results. Rules and commands see a network and an engine like any other.
//
//     ideal network  --es_chip_network()-->  network as made      losses, mismatch, offsets, saturation, phase
//     engine         --es_chip_open()---->   engine as it is used  flip, drive, noise, converters
//
// What differs from chip to chip is drawn for (seed, element, quantity), and a larger sigma scales the same draws: one seed is one chip, whatever the
// rule, the memory devices or the point of a sweep. What differs from pass to pass is drawn for (seed, sample, update, run).
#ifndef ES_CHIP_CHIP_H
#define ES_CHIP_CHIP_H

#include "engine/engine.h"

struct es_nonideality;

// One nonideality of a given size.
struct es_nonideal {
    const struct es_nonideality *kind;
    double value; // in the row's unit
};

struct es_chip {
    size_t count;
    struct es_nonideal *nonideal; // [count], in the order of the list, each kind once and none ideal
    uint64_t seed;
};

struct es_making; // chip/make.h
struct es_using;  // chip/use.h

struct es_nonideality {
    struct es_row row; // name is the key in --chip
    const char *unit;  // SI; "" for a ratio
    double ideal;      // the value at which nothing is changed; may be INFINITY
    double min, max;   // what is accepted
    bool at_w0;        // it is meant at es_chip_frequency()
    bool drawn;        // it differs from chip to chip, or from pass to pass
    // Exactly one of the following is given. `make` changes the network; `ask` changes pass [batch->passes] before they run; `read` changes their
    // results. ES_BAD_INPUT where there is nothing to act on.
    enum es_status (*make)(struct es_making *making, double value, struct es_error *error);
    enum es_status (*ask)(const struct es_using *use, double value, struct es_batch *batch, struct es_pass *pass, struct es_error *error);
    void (*read)(const struct es_using *use, double value, const struct es_batch *batch, struct es_result *result);
};

extern const struct es_row *const es_nonidealities[]; // of struct es_nonideality

// KEY=VALUE[,KEY=VALUE]... with SI prefixes and units where given, from `arena`; "inf" is a value where the ideal is infinite, and "" the ideal chip. ES_BAD_INPUT names the
// key or the value, and what was expected.
enum es_status es_chip_parse(const char *text, uint64_t seed, struct es_arena *arena, struct es_chip *chip, struct es_error *error);

// The network as made, from `arena`; `net` must outlive it and owns what they share, so that only `net` is freed. Elements and parameters keep their
// places, and parasitics come after them. ES_BAD_INPUT where a nonideality has nothing to act on, or cannot act beside another.
enum es_status es_chip_network(const struct es_chip *chip, const struct es_network *net, struct es_arena *arena, struct es_network **made,
                               struct es_error *error);

// Turns `engine`, opened on the network as made, into the engine as it is used, which takes it over and closes it with itself. The same engine where
// the chip asks for nothing of the kind. The chip's list must outlive it.
enum es_status es_chip_open(const struct es_chip *chip, struct es_engine *engine, struct es_engine **used, struct es_error *error);

// The engine inside an engine as used, or the engine itself: on the network as made, without what is random, rounded or badly flipped.
struct es_engine *es_chip_inside(struct es_engine *engine);

// What the engine, if it is one as used, asks of the one inside: the batch's passes as they will run, from `arena`.
enum es_status es_chip_ask(struct es_engine *engine, struct es_batch *batch, struct es_arena *arena, struct es_error *error);

// w0 [rad/s], at which every Q and phase is meant: the geometric mean of the frequencies of the ideal network's modes at its start values, the middle
// of its band. NAN where nothing oscillates.
double es_chip_frequency(const struct es_network *net);

// "KEY, KEY and KEY" of the nonidealities that are in no network, and so in no deck; "" without any. From `arena`.
const char *es_chip_outside(const struct es_chip *chip, struct es_arena *arena);

#endif
