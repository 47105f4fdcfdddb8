// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// Writes a pass as a SPICE deck. The engine runs the very lines that a user gets; only the sources differ: `external` for the
// engine, which supplies them as functions of time, PWL for everybody else.
//
// Names: node a is n_a, element x is <letter>_x; numbers are plain %.17g. A gyrator x has its capacitor at w_x; a flux output
// o has an integrator of 1 S into `interval` farad at f_o, so that v(f_o) = flux / interval, and its target, divided by the
// same, at y_o. The nudges cn_o and gn_o stand in every deck, with value 0 in a free pass.
#ifndef ES_NETLIST_DECK_H
#define ES_NETLIST_DECK_H

#include "engine/engine.h"

enum es_sources { ES_SOURCES_EXTERNAL, ES_SOURCES_PWL };

// NULL-ended lines from `arena`; the first is the title, the last ".end".
char **es_deck_lines(struct es_arena *arena, const struct es_network *net, const struct es_grid *grid, const struct es_pass *pass,
                     enum es_sources sources);

// The same with PWL sources as one text; the caller frees it. NULL if out of memory.
char *es_deck_text(const struct es_network *net, const struct es_grid *grid, const struct es_pass *pass);

// Lower-case names of what the deck's solution holds, as ngspice spells them: nodes and branch currents.
const char *es_deck_node(struct es_arena *arena, const struct es_network *net, size_t node);   // n_a
const char *es_deck_inner(struct es_arena *arena, char letter, const char *name);             // w_x, f_o, y_o, ch_c
const char *es_deck_current(struct es_arena *arena, const char *name);                        // l_x#branch

#endif
