// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// gnucap of 2017, which is Debian's. It drops lines that it does not know, with a message and exit status 0: no B sources, no .nodeset.
#include "netlist/spice.h"

static void write_options(FILE *stream, const struct es_analysis *analysis) {
    (void)analysis;
    fprintf(stream, ".options method=trap reltol=1e-9 abstol=1e-15 vntol=1e-12 numdgt=9\n");
}

static void write_analysis(FILE *stream, const struct es_circuit *circuit) {
    const struct es_analysis *a = &circuit->analysis;
    if (a->kind == ES_ANALYSIS_TRANSIENT) {
        fprintf(stream, ".print tran");
        for (size_t i = 0; i < circuit->shows; i++)
            fprintf(stream, " v(%s)", circuit->shown[i]);
        fprintf(stream, "\n.tran %.17g %.17g 0 %.17g uic\n", a->step, a->end, a->step);
    }
}

static enum es_status write(FILE *stream, const struct es_circuit *circuit, struct es_error *error) {
    const struct es_spice spice = {&es_dialect_gnucap, write_options, write_analysis, NULL, ES_THERMAL_VOLTAGE, false, false};
    return es_spice_write(stream, circuit, &spice, error);
}

const struct es_dialect es_dialect_gnucap = {.row = {"gnucap", "gnucap of 2017, which is Debian's; no behavioural sources", "gnucap user manual"}, .suffix = "ckt", .write = write};
