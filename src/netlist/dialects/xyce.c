// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// Xyce 7, written to its reference guide and not executed here.
#include "netlist/spice.h"

static void write_options(FILE *stream, const struct es_analysis *analysis) {
    (void)analysis;
    fprintf(stream, "* written to the Xyce reference guide, not executed by echospice\n.options timeint method=trap reltol=1e-9 abstol=1e-12\n");
}

static void write_analysis(FILE *stream, const struct es_circuit *circuit) {
    const struct es_analysis *a = &circuit->analysis;
    if (a->kind == ES_ANALYSIS_TRANSIENT) {
        fprintf(stream, ".tran %.17g %.17g 0 %.17g uic\n.print tran format=csv", a->step, a->end, a->step);
        for (size_t i = 0; i < circuit->shows; i++)
            fprintf(stream, " v(%s)", circuit->shown[i]);
        fprintf(stream, "\n");
    }
    if (a->kind == ES_ANALYSIS_REST)
        fprintf(stream, ".op\n");
}

static enum es_status write(FILE *stream, const struct es_circuit *circuit, struct es_error *error) {
    const struct es_spice spice = {&es_dialect_xyce, write_options, write_analysis, "V={%s}\n", ES_THERMAL_VOLTAGE, false, true};
    return es_spice_write(stream, circuit, &spice, error);
}

const struct es_dialect es_dialect_xyce = {.row = {"xyce", "Xyce 7; not executed here", "Xyce reference guide"}, .suffix = "cir", .write = write};
