// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// CDL, which layout programs compare with: cells of devices and of cells, without analyses, models or expressions.
#include "netlist/spice.h"

static void write_nothing(FILE *stream, const struct es_analysis *analysis) {
    (void)stream, (void)analysis;
}

static void write_no_analysis(FILE *stream, const struct es_circuit *circuit) {
    (void)stream, (void)circuit;
}

static enum es_status write(FILE *stream, const struct es_circuit *circuit, struct es_error *error) {
    const struct es_spice spice = {.dialect = &es_dialect_cdl, .options = write_nothing, .analysis = write_no_analysis, .thermal = ES_THERMAL_VOLTAGE, .layouts = true};
    if (circuit->flavour != ES_FLAVOUR_LVS)
        return es_fail(error, ES_BAD_INPUT, "--dialect cdl: CDL holds devices and cells, and nothing that is simulated; add --flavour lvs");
    fprintf(stream, "*.BUSDELIMITER [\n");
    return es_spice_write(stream, circuit, &spice, error);
}

const struct es_dialect es_dialect_cdl = {.row = {"cdl", "CDL for layout programs; needs the flavour lvs", "tapeout flows of xschem, magic and netgen"}, .suffix = "cdl", .write = write};
