// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// What libngspice makes of a hierarchical circuit: its parts, without subcircuits, parameters and expressions; where they begin; and the waveforms of its
// sources. Each call has a process of its own, as ngspice may exit, hang or crash over the text of a user, and which can start no program and open no file.
// Lines are to be clean all the same: letters, no commands, no file names (import/text.h).
#ifndef ES_ENGINE_NGSPICE_EXPAND_H
#define ES_ENGINE_NGSPICE_EXPAND_H

#include "core/arena.h"
#include "core/status.h"

#include <stdbool.h>

enum { ES_FLAT_PARTS = 65536, ES_FLAT_NAME = 256 }; // most parts; room for a name

struct es_flat_part {
    const char *name;    // in lower case: l1, and of the instance x1 of a subcircuit l.x1.l1; the first letter says what it is: r c l k v i g e
    const char *node[4]; // in lower case, x1.a for a node of the instance x1; "0" is ground
    const char *of[2];   // of a coupling: its inductors
    double value;        // [ohm], [F], [H], of a coupling M [H], [V], [A], [S], ratio; m of them side by side are one part
    double initial;      // of a capacitor [V], of an inductor [A]: where a transient begins
    double side_by_side; // m, by which `value` is made already
    double narrowest;    // of a source with PULSE: how long a pulse, or the pause before the next, takes [s]; 0 where that is not less than a step of .tran
};

// line [lines]: the circuit but its title, with .subckt, .param, .ic and no analysis. uic: the transient begins with the initial values in the lines; otherwise
// at the operating point. Parts from `arena`, in the order of the lines. ES_BAD_INPUT with ngspice's words.
enum es_status es_ngspice_expand(const char *const *line, size_t lines, bool uic, struct es_arena *arena, struct es_flat_part **part, size_t *parts,
                                 struct es_error *error);

// value [nodes][points]: the voltages of nodes of a circuit of sources alone, `interval` apart from t = 0, in a transient of the given tstep and
// end >= (points - 1) interval, which waveforms take their defaults from.
enum es_status es_ngspice_sample(const char *const *line, size_t lines, const char *const *node, size_t nodes, double step, double end, double interval, size_t points,
                                 double *value, struct es_error *error);

#endif
