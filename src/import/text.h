// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// A circuit's text before ngspice may see it. A SPICE deck is a program: control lines, included files and expressions can start others. So only lines of a
// short list of forms pass, made of letters, digits and a few signs; titles and comments stay behind; included files are read here, and from the circuit's own folder only.
#ifndef ES_IMPORT_TEXT_H
#define ES_IMPORT_TEXT_H

#include "core/arena.h"
#include "core/status.h"

#include <stdbool.h>
#include <stddef.h>

enum {
    ES_SPICE_BYTES = 8 << 20, // of all files together
    ES_SPICE_LINE = 1000,     // characters of a line, its continuations apart
    ES_SPICE_WORD = 64,       // of a name
    ES_SPICE_FILES = 100,
    ES_SPICE_DEPTH = 20,      // of included files, and of subcircuits
    ES_SPICE_LINES = 65536,   // that are no comments, their continuations apart
    ES_SPICE_PARTS = 65536,   // elements and instances after all subcircuits have been put in
};

struct es_spice_place {
    const char *file;
    int line;
};

// A line with its continuations, in lower case, blanks between its words.
struct es_spice_line {
    const char *text;
    const char *name;  // of an element, without instances: "l1"; or of a dot-line: ".param"
    int cell;          // index into cell[], or -1 at top level
    int of;            // of an instance: index of its cell, else -1
    struct es_spice_place at;
};

struct es_spice_cell {
    const char *name;
    size_t pins;
    size_t parts; // elements and instances, its own too, after all that it holds has been put in; 0 before they are counted
    struct es_spice_place at;
};

struct es_spice_note {
    struct es_spice_place at;
    const char *text;
};

struct es_spice {
    struct es_arena *arena;
    size_t lines, cells, notes;
    struct es_spice_line *line; // what ngspice gets, in order
    size_t elements;
    const struct es_spice_line **sorted; // [elements] those of elements, by cell and name
    struct es_spice_cell *cell;
    struct es_spice_note *note; // what was left out, and why
    const char *tran;           // what follows .tran, or NULL
    struct es_spice_place tran_at;
    size_t printed;             // nodes that .save, .print, .plot or .probe name
    const char **print;
};

// Everything from `arena`. ES_BAD_INPUT with FILE:LINE for what is not supported or not safe; nothing of the text has been acted on.
enum es_status es_spice_read(const char *path, struct es_arena *arena, struct es_spice *spice, struct es_error *error);

// The line of an element by ngspice's flat name, as "l.x1.l1"; NULL if there is none.
const struct es_spice_line *es_spice_find(const struct es_spice *spice, const char *flat);

// The first line that holds `word`, to tell where ngspice may mean; NULL if there is none.
const struct es_spice_line *es_spice_holds(const struct es_spice *spice, const char *word);

#endif
