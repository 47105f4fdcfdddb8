// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// The cell of each kind of element: the parts that realise it in a pass. Internal to src/netlist.
#ifndef ES_NETLIST_CELL_H
#define ES_NETLIST_CELL_H

#include "netlist/circuit.h"
#include "netlist/deck.h"

// A deck while it is being made.
struct deck {
    struct es_circuit circuit;
    struct es_arena *arena;
    const struct es_model *model;
    const struct es_network *net;
    const struct es_batch *batch;
    const struct es_grid *grid;
    const struct es_pass *pass;
    bool *series; // [elements] where voltages are injected
    enum es_deck_use use;
    double grown; // what nudge capacitors have grown to where the deck begins
};

// Whether it is for a state of rest.
bool es_deck_rests(const struct deck *deck);

// The name of a network's node in the circuit.
const char *es_deck_terminal(const struct deck *deck, int node);

// Adds the parts of element i.
void es_cell_add(struct deck *deck, size_t i);

// Adds what a conductance mesh has at a node: the integrator that makes its flux a voltage, that voltage's buffer, and the conveyor that draws from
// the node the current which the mesh draws from the buffer. element: one of its branches, whose gm and C agree in all of them.
void es_cell_add_mesh(struct deck *deck, size_t node, size_t element);

#endif
