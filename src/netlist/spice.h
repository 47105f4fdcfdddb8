// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// What the dialects that come from SPICE share: everything but options, analyses and behavioural sources.
#ifndef ES_NETLIST_SPICE_H
#define ES_NETLIST_SPICE_H

#include "netlist/dialect.h"

struct es_spice {
    const struct es_dialect *dialect;
    void (*options)(FILE *stream, const struct es_analysis *analysis);
    void (*analysis)(FILE *stream, const struct es_circuit *circuit);
    const char *function; // how a behavioural voltage source ends: "v=%s\n"; NULL where there is none
    double thermal;       // k T / e [V] of an emission coefficient of 1
    char path;            // between the names of an instance and of a node in it, in .ic; '\0' where there is no .ic
    bool layouts;         // cells alone, for a comparison with a layout
    bool external, guess; // sources whose values the running program gives; .nodeset
    bool unrolls;         // a subcircuit has no multiplier, and its parameters follow "PARAMS:"
};

// k / e times 27 degrees Celsius: of CODATA 2014, as ngspice has it, and of SPICE 2, as gnucap and Xyce still have it.
#define ES_THERMAL_VOLTAGE (1.38064852e-23 * (27 + 273.15) / 1.6021766208e-19)
#define ES_THERMAL_VOLTAGE_SPICE2 (1.3806226e-23 * (27 + 273.15) / 1.6021918e-19)

// " v(NODE)" for each node that the circuit is run for, after `line`, and the end of the line.
void es_spice_shown(FILE *stream, const char *line, const struct es_circuit *circuit);

// Title, options, cells, parts, analysis, .end. ES_BAD_INPUT names a part that the dialect has not.
enum es_status es_spice_write(FILE *stream, const struct es_circuit *circuit, const struct es_spice *spice, struct es_error *error);

#endif
