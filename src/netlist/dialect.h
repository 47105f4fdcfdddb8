// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// How a simulator spells a circuit. Numbers are plain %.17g, never with suffixes.
#ifndef ES_NETLIST_DIALECT_H
#define ES_NETLIST_DIALECT_H

#include "core/rows.h"
#include "core/status.h"
#include "netlist/circuit.h"

#include <stdio.h>

struct es_dialect {
    struct es_row row;
    const char *suffix; // of its files
    // Title, options and analysis around the parts, to `stream`. ES_BAD_INPUT names a part that the dialect cannot express; nothing is dropped.
    enum es_status (*write)(FILE *stream, const struct es_circuit *circuit, struct es_error *error);
};

extern const struct es_row *const es_dialects[]; // of struct es_dialect
extern const struct es_dialect es_dialect_ngspice, es_dialect_gnucap, es_dialect_cdl, es_dialect_xyce, es_dialect_spectre;

// The circuit as one text, which the caller frees, or NULL.
char *es_circuit_text(const struct es_circuit *circuit, const struct es_dialect *dialect, struct es_error *error);

// The same as NULL-ended lines from `arena`.
char **es_circuit_lines(const struct es_circuit *circuit, const struct es_dialect *dialect, struct es_arena *arena, struct es_error *error);

#endif
