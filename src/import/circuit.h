// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// The expanded circuit, and which of its parts make which element. Internal to src/import.
#ifndef ES_IMPORT_CIRCUIT_H
#define ES_IMPORT_CIRCUIT_H

#include "engine/ngspice/expand.h"
#include "import/import.h"

enum { ES_IMPORT_TIMES = 4 }; // step, end, start and largest step of .tran

// One part of the flat circuit.
struct es_import_part {
    const struct es_flat_part *flat;
    const struct es_spice_line *line;
    char letter;
    int node[4];        // indices into node[], ES_GROUND
    bool wave;          // of a source: it changes in time
    bool taken;         // it belongs to an element, its own or that of another part, or was left out
    // The element that it makes, alone or with others; kind NULL for none.
    const struct es_element_kind *kind;
    size_t element;     // its index in the network
    int p, n;
    bool turned;        // p and n are the part's second and first node
    double value[ES_QUANTITIES];
    int signal;         // of an input or a source: the part whose signal it is; value[0] counts it in
    enum es_read read;  // of an output
    double initial;     // of an output of flux: its flux [Wb] where the circuit begins
    int target;         // of an output: part whose signal it is compared with, or -1,
    double target_scale; // times this
};

struct es_import_node {
    const char *name;
    int index;  // in the network, or -1
    int holder; // the V that holds it against ground, or the E; or -1
    size_t ends, controls; // parts that end there, and that are controlled from there
    int *end, *control;
};

struct es_circuit_import {
    struct es_arena *arena;
    struct es_error *error;
    const struct es_spice *spice;
    struct es_import *import;
    size_t nodes, parts, note_room;
    struct es_import_node *node;
    struct es_import_part *part; // in the order of the file
    bool timed;                  // there is a .tran
    bool uic;                    // it begins with ic= and .ic, not at the operating point
    double time[ES_IMPORT_TIMES]; // 0 for what it leaves out
};

enum es_status es_import_refuse(const struct es_circuit_import *c, const struct es_import_part *part, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void es_import_note(struct es_circuit_import *c, struct es_spice_place at, const char *text);

// 15 figures of x: SPICE programs read decimals within one unit of the last of 17, which would change a number each time that it is written and read.
double es_import_round(double x);

// circuit.c: ngspice's parts, nodes that wires join as one.
enum es_status es_import_expand(struct es_circuit_import *c);

// recognise.c: the elements that the parts make.
enum es_status es_import_recognise(struct es_circuit_import *c);

// The V that holds a node against ground, itself or through an E, and *factor, so that v(node) = factor v(V); -1 if none does. With a V that is
// constant, its voltage is in the factor.
int es_import_held(const struct es_circuit_import *c, int node, double *factor);

// names.c: the names of nodes and elements, and how they have changed. XML has letters, digits and _ alone, and SPICE does not tell upper from lower case.
// A circuit whose nodes are all called n_..., in whatever cell, has our own decks' prefixes and cells, which go again.
void es_import_names(struct es_circuit_import *c, const bool *node_used, const char **node, const char **part);

// network.c: nodes and elements.
enum es_status es_import_network(struct es_circuit_import *c);

// signals.c: channels, the grid, and the signals on it; after the network, whose fastest mode says how fine the grid has to be.
enum es_status es_import_signals(struct es_circuit_import *c);

// state.c: where it begins, as <initial> of nodes and values of branches.
enum es_status es_import_state(struct es_circuit_import *c);

#endif
