// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// A testbench while it is written: its circuits, and what it integrates. Internal to src/netlist; for all others there is netlist/testbench.h.
#ifndef ES_NETLIST_BENCH_H
#define ES_NETLIST_BENCH_H

#include "netlist/circuit.h"
#include "netlist/testbench.h"

struct es_bench {
    const struct es_testbench *bench;
    struct es_arena *arena;
    struct es_circuit *pass[3]; // the free pass and both echoes, part for part the same
    struct es_circuit *inner;   // the network with its echo hardware, before it is folded into cells
    const struct es_circuit *folded; // the same in cells, and the cell of the whole
    const char **measured; // [parameters] where the integrator is, in an instance of the network
    double length;         // T [s]
    double edge;           // half the clock's rise [s]
};

const struct es_element *es_bench_element(const struct es_bench *w, size_t parameter);

bool es_bench_same(const char *a, const char *b); // two names, as SPICE compares them, neither of them NULL

struct es_part *es_bench_copy(struct es_circuit *to, const struct es_part *from);
void es_bench_add_instance(struct es_bench *w, struct es_circuit *to, const char *name, const char *of, const char *cell, size_t nodes, const char *const *node);

// The outputs of one source or, if there is `more` after it, of both halves of one, behind choppers. Returns how many parts that were.
size_t es_bench_add_chopped(struct es_bench *w, struct es_circuit *to, const struct es_part *from, bool more);

// ES_BAD_INPUT where the parameter is none that one product of readings tells.
enum es_status es_meter_check(const struct es_bench *w, size_t parameter, struct es_error *error);

// I over the integral of the voltages' product at the integrator; es_testbench_integral() over I; dC/dtheta over I+ - I-. I is of amperes for an inductor,
// of volts for all others.
double es_meter_scale(const struct es_bench *w, size_t parameter);
double es_meter_reading(const struct es_bench *w, size_t parameter);
double es_meter_factor(const struct es_bench *w, size_t parameter);

// The parameter of the inductor that this part is, or is the first half of; or the number of parameters.
size_t es_meter_here(const struct es_bench *w, const struct es_part *part);

// To `inner` and `measured`: that inductor with an ammeter in series; and what senses a voltage, at elements that are there already.
void es_meter_add_current(struct es_bench *w, const struct es_part *from, size_t parameter);
void es_meter_add_voltage(struct es_bench *w, size_t parameter);

#endif
