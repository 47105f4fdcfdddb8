// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// The cells of models/cells as circuits of the transistors of a process: read from those files, whose sizes are the generic process's. A transistor that is shorter
// than the process makes has its smallest length, and W in proportion. Internal to src/netlist/cmos.
#ifndef ES_NETLIST_CMOS_CELLS_H
#define ES_NETLIST_CMOS_CELLS_H

#include "netlist/circuit.h"
#include "netlist/cmos.h"

struct cmos_cells {
    size_t count;
    struct es_circuit **cell; // [count], a cell before those that have it
};

// From `arena`, with report->transistor. ES_BAD_INPUT where the process has no transistors for the cells' supply, or none of such a size.
enum es_status es_cmos_cells(const struct es_process *process, struct es_arena *arena, struct cmos_cells *cells, struct es_cmos_report *report, struct es_error *error);

// Sum of W L over the transistors of the cell of that name, and of the cells in it [m2]; 0 where there is no such cell.
double es_cmos_cell_area(const struct cmos_cells *cells, const char *name);

// The transistor m<name> of a cell, which has it.
const struct es_part *es_cmos_transistor(const struct cmos_cells *cells, const char *cell, const char *name);

#endif
