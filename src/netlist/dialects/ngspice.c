// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// ngspice, as the engine runs it. B sources hold no numbers of more than a few digits: ngspice keeps 11 of them.
#include "netlist/spice.h"

// Where time runs in given steps, the truncation error is not to shorten them. Where a transient settles, trtol lets its steps be as long as a
// relative error of 1e-6 allows; gmin is what ngspice puts beside every diode.
static void write_options(FILE *stream, const struct es_analysis *a) {
    if (a->resting)
        fprintf(stream, ".options noacct norefvalue reltol=1e-10 vntol=1e-13 abstol=1e-18 gmin=1e-20 itl1=1000%s\n", a->settles ? " method=gear trtol=1e4" : "");
    else
        fprintf(stream, ".options noacct norefvalue method=trap%s%s\n", a->controlled ? "" : " trtol=1e30 ",
                a->controlled ? "" : a->nonlinear ? "reltol=1e-9 vntol=1e-12 abstol=1e-15" : "reltol=1e-6");
}

static void write_analysis(FILE *stream, const struct es_circuit *circuit) {
    const struct es_analysis *a = &circuit->analysis;
    if (a->kind == ES_ANALYSIS_TRANSIENT)
        fprintf(stream, ".tran %.17g %.17g 0 %.17g uic\n", a->step, a->end, a->step);
    if (a->kind == ES_ANALYSIS_REST)
        fprintf(stream, ".op\n");
}

static enum es_status write(FILE *stream, const struct es_circuit *circuit, struct es_error *error) {
    const struct es_spice spice = {.dialect = &es_dialect_ngspice, .options = write_options, .analysis = write_analysis, .function = "v=%s\n", .thermal = ES_THERMAL_VOLTAGE, .path = '.',
                                   .layouts = true, .external = true, .guess = true};
    return es_spice_write(stream, circuit, &spice, error);
}

const struct es_dialect es_dialect_ngspice = {.row = {"ngspice", "ngspice 39 and later", "ngspice user's manual"}, .suffix = "cir", .write = write};
