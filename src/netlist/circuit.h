// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// A circuit as a list of parts, before a dialect spells it (netlist/dialect.h). A part is called <prefix>_<name>; its current flows through it from its
// first node p to its second n. Nodes are names; "0" is ground.
#ifndef ES_NETLIST_CIRCUIT_H
#define ES_NETLIST_CIRCUIT_H

#include "core/arena.h"
#include "core/status.h"
#include "netlist/process.h"

#include <stdbool.h>
#include <string.h>

enum es_primitive {
    ES_PART_RESISTOR,  // v = value i [ohm]
    ES_PART_CAPACITOR, // i = value dv/dt [F]; v = initial [V] where the circuit begins
    ES_PART_INDUCTOR,  // v = value di/dt [H]; i = initial [A] where the circuit begins
    ES_PART_COUPLING,  // value = M / sqrt(L1 L2) of the inductors called `of` and `with`
    ES_PART_VCCS,      // i = value (v(c) - v(d)) [S]
    ES_PART_VCVS,      // v(p) - v(n) = value (v(c) - v(d))
    ES_PART_CCCS,      // i = value times the current through the voltage source called `of`
    ES_PART_VOLTAGE,   // v(p) - v(n) = the waveform [V]
    ES_PART_CURRENT,   // i = value [A]
    ES_PART_FUNCTION,  // v(p) - v(n) = text, an expression in v(a), v(a,b) and time [V]
    ES_PART_DIODE,     // i = value (exp(v / initial) - 1), value in A, initial in V
    ES_PART_INSTANCE,  // of the cell called `of`, at `node`; `text`, if given, are its parameters
    ES_PART_DEVICE,    // of a process, at p, n, c and d, the pins of its role in their order
    ES_PART_GUESS,     // v(p) = value is where the search for a state of rest begins [V]
};

enum es_waveform {
    ES_WAVE_CONSTANT, // `value`
    ES_WAVE_EXTERNAL, // the program that runs the circuit gives it
    ES_WAVE_POINTS,   // linear between `points` of `time` and `level`
};

struct es_part {
    enum es_primitive primitive;
    const char *prefix, *name;
    const char *p, *n, *c, *d;
    double value, initial;
    const char *of, *with; // other parts, by their whole names
    const char *cell;      // the cell that it belongs to; NULL: what stands around the network, its sources and measurements
    const char **node;     // [nodes] of an instance
    size_t nodes;
    const char *text;
    size_t element, quantity;  // the value of the network that it is, if `valued`
    bool valued;
    const struct es_process *process; // of a device, with what it is
    const struct es_role *role;
    struct es_process_size size;
    enum es_waveform waveform;
    size_t points;
    double *time, *level; // [points] in s and V
};

// What is asked of the circuit.
enum es_analysis_kind {
    ES_ANALYSIS_NONE,      // the program that runs it asks
    ES_ANALYSIS_TRANSIENT, // from the parts' initial values, in steps of `step` up to `end`
    ES_ANALYSIS_REST,      // its state of rest
};

struct es_analysis {
    enum es_analysis_kind kind;
    double step, end;  // [s]
    bool resting;      // options are those of a search for a state of rest
    bool settles;      // ... by a transient that settles
    bool controlled;   // the simulator chooses its steps by their truncation error
    bool nonlinear;    // Newton's method is to converge to the last digits
};

// A node that carries a signal of the network, and so is two wires, <node>_p and <node>_n, in a fully differential circuit.
struct es_signal_node {
    const char *name;
    const char *cell; // that it is inside of; NULL: of the network
    double start;     // its voltage where the circuit begins [V]
    bool floating; // nothing holds the mean of its two wires but what holds it on purpose
};

struct es_circuit {
    struct es_arena *arena;
    const char *title;
    struct es_analysis analysis;
    size_t parts, room;
    struct es_part *part;
    enum es_flavour flavour; // ES_FLAVOUR_LVS: cells alone, without what stands around the network
    const char *head;        // lines after the title: the process's libraries, comments; of a cell, comments before it; NULL: none
    size_t starts;
    struct es_signal_node *start; // [starts] nodes whose voltages no part says, by their names in the whole circuit
    const char *inside; // the cell that the next parts belong to
    size_t pins;        // of a cell
    const char **pin;
    size_t shows;
    const char **shown; // [shows] nodes whose waveforms the circuit is run for
    size_t cells;
    struct es_circuit **cell; // [cells] that instances are of
    size_t signals, signal_room;
    struct es_signal_node *signal;
};

// A new part with its first nodes and value, the rest zero; valid until the next is added.
struct es_part *es_circuit_add(struct es_circuit *circuit, enum es_primitive primitive, const char *prefix, const char *name, const char *p, const char *n, double value);

// The part called <prefix>_<name>, or NULL.
const struct es_part *es_circuit_part(const struct es_circuit *circuit, const char *name);

static inline bool es_node_is_ground(const char *node) {
    return strcmp(node, "0") == 0;
}

// Whether a part's own line says where it begins; the devices of a process do not.
static inline bool es_part_keeps_start(const struct es_part *part) {
    return part->primitive == ES_PART_CAPACITOR ||
           (part->primitive == ES_PART_DEVICE && part->role == &es_role_capacitor && !es_process_device(part->process, part->role)->model);
}

// Says that `node` carries a signal of the network. Each node once.
void es_circuit_signal(struct es_circuit *circuit, const char *node, double start, bool floating);

// The same circuit with two wires for every signal node a, v(a) = v(a_p) - v(a_n): what hangs between two such nodes is there twice, of half the
// impedance; what hangs between one and ground lies across its wires; a current into a comes out of a_n. Their means are held at 0 by
// ES_COMMON_MODE [S], which no differential signal sees. From the circuit's arena. The halves of a part x are x_p and x_n. ES_BAD_INPUT names a part that
// has no such form, or whose half would have another's name.
enum es_status es_circuit_differential(const struct es_circuit *circuit, struct es_circuit **differential, struct es_error *error);

#define ES_COMMON_MODE 1e-3

// The same circuit with an instance for every cell, in a cell called `name` (or <name>_network, where an element's is called so), which is the last of all
// and stands in the circuit with what stands around the network. A cell's pins are the nodes that others have too, or that are shown, in the order of its parts, and "vgnd" last where it has
// ground, which has no other name inside. Coupled inductors share a cell. From the circuit's arena.
struct es_circuit *es_circuit_hierarchy(const struct es_circuit *circuit, const char *name);

#endif
