// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// gnucap of 2017, which is Debian's. It drops lines that it does not know, with a message and exit status 0: no B sources, no .nodeset, no .ic.
#include "netlist/spice.h"

static void write_options(FILE *stream, const struct es_analysis *analysis) {
    fprintf(stream, ".options %s reltol=1e-9 abstol=1e-15 vntol=1e-12 numdgt=9\n", analysis->resting ? "gmin=1e-20 itl1=1000" : "method=trap");
}

static void write_analysis(FILE *stream, const struct es_circuit *circuit) {
    const struct es_analysis *a = &circuit->analysis;
    if (a->kind == ES_ANALYSIS_NONE)
        return;
    es_spice_shown(stream, a->kind == ES_ANALYSIS_TRANSIENT ? ".print tran" : ".print op", circuit);
    if (a->kind == ES_ANALYSIS_TRANSIENT)
        fprintf(stream, ".tran %.17g %.17g 0 %.17g uic\n", a->step, a->end, a->step);
    else
        fprintf(stream, ".op\n");
}

static enum es_status write(FILE *stream, const struct es_circuit *circuit, struct es_error *error) {
    const struct es_spice spice = {.dialect = &es_dialect_gnucap, .options = write_options, .analysis = write_analysis, .thermal = ES_THERMAL_VOLTAGE_SPICE2};
    return es_spice_write(stream, circuit, &spice, error);
}

const struct es_dialect es_dialect_gnucap = {.row = {"gnucap", "gnucap of 2017, which is Debian's; no behavioural sources", "gnucap user manual"}, .suffix = "ckt", .write = write};
