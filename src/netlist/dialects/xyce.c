// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// Xyce 7, written to its reference guide and not executed here. By it the first number of .tran is the first step and the fourth the longest; uic takes
// what is said by .ic and ic=, and 0 for the rest; Newton's tolerances are those of nonlin and, in .tran, nonlin-tran.
#include "netlist/spice.h"

static void write_options(FILE *stream, const struct es_analysis *analysis) {
    fprintf(stream, "* written to the Xyce reference guide, not executed by echospice\n");
    if (analysis->resting)
        fprintf(stream, ".options nonlin reltol=1e-10 abstol=1e-13\n");
    else
        fprintf(stream, ".options timeint method=trap reltol=1e-9 abstol=1e-12\n%s", analysis->nonlinear ? ".options nonlin-tran reltol=1e-9 abstol=1e-12\n" : "");
}

static void write_analysis(FILE *stream, const struct es_circuit *circuit) {
    const struct es_analysis *a = &circuit->analysis;
    if (a->kind == ES_ANALYSIS_NONE)
        return;
    if (a->kind == ES_ANALYSIS_TRANSIENT)
        fprintf(stream, ".tran %.17g %.17g 0 %.17g uic\n", a->step, a->end, a->step);
    else
        fprintf(stream, ".op\n");
    es_spice_shown(stream, a->kind == ES_ANALYSIS_TRANSIENT ? ".print tran format=csv" : ".print dc format=csv", circuit);
}

static enum es_status write(FILE *stream, const struct es_circuit *circuit, struct es_error *error) {
    const struct es_spice spice = {.dialect = &es_dialect_xyce, .options = write_options, .analysis = write_analysis, .function = "V={%s}\n", .thermal = ES_THERMAL_VOLTAGE_SPICE2, .path = ':',
                                   .guess = true, .unrolls = true};
    return es_spice_write(stream, circuit, &spice, error);
}

const struct es_dialect es_dialect_xyce = {.row = {"xyce", "Xyce 7; not executed here", "Xyce reference guide"}, .suffix = "cir", .write = write};
