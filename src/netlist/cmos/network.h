// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// The network itself as transistors (netlist/cmos.h), without what drives and looks at it. Internal to src/netlist/cmos.
//
// Node a is n_a_p and n_a_n; a gyrator x has its transconductors at w_x_p and w_x_n, and behind its lead its capacitor at w_x_q and w_x_r; if it is trained and something
// squares, its squarer integrates at sum_x_p and sum_x_n. Whoever surrounds the network holds vdd, the rails of es_cmos_add_rails, x_c (channel c), y_o (target of flux
// output o over the grid's interval), and as levels of 0 and vdd: clk and clkb (polarity of all transconductors but the nudges': forward while clk is high, backward while
// clkb is), pre (every capacitor is held where the pass begins), up and down (nudges as given, and negated; squares add, and are taken away), idle (outputs of nudges and
// squarers rest), and clear (integrators are held at 0).
#ifndef ES_NETLIST_CMOS_NETWORK_H
#define ES_NETLIST_CMOS_NETWORK_H

#include "netlist/cmos/cells.h"

// A circuit of transistors while it is being made.
struct cmos_writer {
    const struct es_model *model;
    const struct es_network *net; // the model's
    const struct es_grid *grid;
    const struct es_process *process;
    const char *corner;         // NULL: the first
    bool by_hand;               // biases by es_process_transconductor_by_hand
    const struct es_pass *pass; // the state that it begins with, and its inputs
    const double *nudge;        // [outputs] the current nudge (y - phi) into a flux output's node, in A/Wb; NULL: none
    double scale;               // of all signals
    double length;              // [s] of a pass
    double square;              // [V2 s] the most that the square of one integrates to over it; 0: nothing squares
    bool set;                   // the simulator sets the state that it begins with, as .ic, and no switch; pre is low
    struct es_arena *arena;
    struct es_circuit *circuit;
    struct cmos_cells cells;
    struct es_cmos_report *report;
    struct es_error *error;
    enum es_status status; // of the first that failed
    double *stray;         // [elements] at w of a gyrator [F]
    double *node_stray;    // [nodes] [F]
    double *charge;        // [elements] what its squarer integrates for a volt [V2 s]
    double *gm_sigma;      // [elements][2] relative standard deviation by mismatch of gm1 and gm2 of a gyrator, each of its sides
    double *cl_sigma;      // [elements] of its C_L
    double *node_sigma;    // [nodes] of what holds charge there, to ground
};

enum { ES_CMOS_GM1, ES_CMOS_GM2, ES_CMOS_CL }; // quantities of a gyrator

#define ES_CMOS_SUPPLY 3.3 // [V] of the cells, whose stack takes about 3 V

#define CMOS_TEXT(w, ...) es_arena_printf((w)->arena, __VA_ARGS__)

// Room for it, and an empty circuit of that title with the cells after `head`. ES_BAD_INPUT where the process does not make the cells, or names would meet.
enum es_status es_cmos_begin(struct cmos_writer *w, const char *title, const char *head);

// The supply and what holds the gates of cascodes and the common mode.
void es_cmos_add_rails(struct cmos_writer *w);

// Capacitors, gyrators, inputs and nudges, with what they become in w->report; w->status says what failed.
void es_cmos_add_network(struct cmos_writer *w);

// A new row of w->report.
struct es_cmos_made *es_cmos_add_made(struct cmos_writer *w, enum es_cmos_kind kind, const char *name, double asked);

// v(name) = value.
struct es_part *es_cmos_add_voltage(struct cmos_writer *w, const char *name, double value);

// The gyrator whose w is the flux of output o, or the number of elements; ES_BAD_INPUT names an output that has none.
size_t es_cmos_reader(const struct es_network *net, size_t o);
enum es_status es_cmos_check_outputs(struct cmos_writer *w);

// What holds charge at node n, to ground [F].
double es_cmos_node_capacitance(const struct cmos_writer *w, size_t n);

// spread.c: of a transconductor's gm by mismatch, relative; and into w->report the slowest and the fastest mode, and the noise (netlist/cmos.h).
double es_cmos_transconductor_sigma(const struct cmos_writer *w, const struct es_transconductor_point *point);
void es_cmos_find_spread(struct cmos_writer *w);

// Its cells alone, in the form for layouts (es_cmos.flavour): leads are strips, couplings plates, or cells es_resistor and es_capacitor that are not defined where they
// do not fit. A cell for each element and node, and one of the network's name, whose pins are what surrounds the network, and the wires of nodes and gyrators.
// The caller frees it; NULL with w->status.
char *es_cmos_layout_text(struct cmos_writer *w, const struct es_dialect *dialect);

#endif
