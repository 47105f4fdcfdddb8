// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// Spectre, written to its circuit simulator reference and not executed here. Names are case-sensitive, and all names of nodes and parts here are in lower case; a
// controlled source that copies a current names the probe; a current source's positive current flows from its first node through it to its second, as in SPICE.
#include "netlist/dialect.h"

#include <string.h>

static const char *primitive_name(enum es_primitive primitive) {
    switch (primitive) {
    case ES_PART_RESISTOR:
        return "resistor";
    case ES_PART_CAPACITOR:
        return "capacitor";
    case ES_PART_INDUCTOR:
        return "inductor";
    case ES_PART_VCCS:
        return "vccs";
    case ES_PART_VCVS:
        return "vcvs";
    case ES_PART_CCCS:
        return "cccs";
    case ES_PART_VOLTAGE:
        return "vsource";
    case ES_PART_CURRENT:
        return "isource";
    case ES_PART_FUNCTION:
        return "bsource";
    case ES_PART_COUPLING:
        return "mutual_inductor";
    case ES_PART_DIODE:
    case ES_PART_INSTANCE:
    case ES_PART_DEVICE:
    case ES_PART_GUESS:
        break;
    }
    return "";
}

static void write_wave(FILE *stream, const struct es_part *part) {
    fprintf(stream, "type=pwl wave=[ \\\n");
    for (size_t i = 0; i < part->points; i++)
        fprintf(stream, "    %.17g %.17g \\\n", part->time[i], part->level[i]);
    fprintf(stream, "    ]\n");
}

static void write_values(FILE *stream, const struct es_part *part) {
    switch (part->primitive) {
    case ES_PART_RESISTOR:
        fprintf(stream, "r=%.17g\n", part->value);
        break;
    case ES_PART_CAPACITOR:
        fprintf(stream, "c=%.17g ic=%.17g\n", part->value, part->initial);
        break;
    case ES_PART_INDUCTOR:
        fprintf(stream, "l=%.17g ic=%.17g\n", part->value, part->initial);
        break;
    case ES_PART_COUPLING:
        fprintf(stream, "coupling=%.17g ind1=%s ind2=%s\n", part->value, part->of, part->with);
        break;
    case ES_PART_VCCS:
        fprintf(stream, "gm=%.17g\n", part->value);
        break;
    case ES_PART_VCVS:
        fprintf(stream, "gain=%.17g\n", part->value);
        break;
    case ES_PART_CCCS:
        fprintf(stream, "gain=%.17g probe=%s\n", part->value, part->of);
        break;
    case ES_PART_VOLTAGE:
        if (part->waveform == ES_WAVE_POINTS)
            write_wave(stream, part);
        else
            fprintf(stream, "type=dc dc=%.17g\n", part->value);
        break;
    case ES_PART_CURRENT:
        fprintf(stream, "type=dc dc=%.17g\n", part->value);
        break;
    case ES_PART_FUNCTION:
        fprintf(stream, "v=%s\n", part->text);
        break;
    case ES_PART_DIODE:
    case ES_PART_INSTANCE:
    case ES_PART_DEVICE:
    case ES_PART_GUESS:
        break;
    }
}

static void write_instance(FILE *stream, const struct es_part *part) {
    size_t column = (size_t)fprintf(stream, "%s_%s (", part->prefix, part->name);
    for (size_t i = 0; i < part->nodes; i++)
        es_put_word(stream, &column, "+", "%s", part->node[i]);
    fprintf(stream, " ) %s\n", part->of);
}

static void write_part(FILE *stream, const struct es_part *part) {
    if (part->primitive == ES_PART_GUESS) {
        fprintf(stream, "nodeset %s=%.17g\n", part->p, part->value);
        return;
    }
    if (part->primitive == ES_PART_DIODE) // at Spectre's default of 27 degrees
        fprintf(stream, "model m_%s diode is=%.17g n=%.17g\n", part->name, part->value, part->initial / (1.380649e-23 / 1.602176634e-19 * 300.15));
    if (part->primitive == ES_PART_INSTANCE) {
        write_instance(stream, part);
        return;
    }
    fprintf(stream, "%s_%s ", part->prefix, part->name);
    if (part->primitive == ES_PART_DIODE) {
        fprintf(stream, "(%s %s) m_%s\n", part->p, part->n, part->name);
        return;
    }
    if (part->primitive == ES_PART_VCCS || part->primitive == ES_PART_VCVS)
        fprintf(stream, "(%s %s %s %s) ", part->p, part->n, part->c, part->d);
    else if (part->primitive != ES_PART_COUPLING)
        fprintf(stream, "(%s %s) ", part->p, part->n);
    fprintf(stream, "%s ", primitive_name(part->primitive));
    write_values(stream, part);
}

static void write_cell(FILE *stream, const struct es_circuit *cell) {
    size_t column = (size_t)fprintf(stream, "subckt %s", cell->title);
    for (size_t i = 0; i < cell->pins; i++)
        es_put_word(stream, &column, "+", "%s", cell->pin[i]);
    fprintf(stream, "\n");
    for (size_t i = 0; i < cell->parts; i++)
        write_part(stream, &cell->part[i]);
    fprintf(stream, "ends %s\n", cell->title);
}

// Words that begin a statement, components that are written here, and the names of analyses.
static bool is_reserved(const char *name) {
    static const char *const words[] = {
        "ahdl_include", "alter", "altergroup", "bsource", "capacitor", "cccs", "check", "correlate", "dc", "diode", "else", "end", "ends", "export", "for", "function", "global", "ic", "if",
        "include", "inductor", "info", "inline", "isource", "library", "local", "march", "model", "mutual_inductor", "nodeset", "noise", "options", "parameters", "paramset", "plot",
        "print", "protect", "real", "resistor", "return", "save", "section", "sens", "set", "shell", "simulator", "statistics", "subckt", "to", "tran", "truncate", "unprotect", "vary",
        "vccs", "vcvs", "vsource", "operatingPoint", "simulatorOptions", "transient",
    };
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcmp(words[i], name) == 0)
            return true;
    return false;
}

static enum es_status check(const struct es_circuit *circuit, struct es_error *error) {
    enum es_status status = ES_OK;
    for (size_t i = 0; i < circuit->parts && status == ES_OK; i++) {
        const struct es_part *part = &circuit->part[i];
        const char *what = part->primitive == ES_PART_VOLTAGE && part->waveform == ES_WAVE_EXTERNAL ? "a source that the running program drives"
                           : part->primitive == ES_PART_DEVICE                                       ? "a device, whose form the process's map gives for SPICE alone"
                           : part->primitive == ES_PART_FUNCTION && strstr(part->text, "time")       ? "a function of time, which is not written here"
                                                                                                     : NULL;
        if (what)
            status = es_fail(error, ES_BAD_INPUT, "--dialect spectre: %s_%s is %s; take the dialect ngspice", part->prefix, part->name, what);
    }
    for (size_t i = 0; i < circuit->cells && status == ES_OK; i++)
        status = is_reserved(circuit->cell[i]->title) ? es_fail(error, ES_BAD_INPUT, "--dialect spectre: a cell would be called %s, which is a word of Spectre's; rename the network or the element", circuit->cell[i]->title)
                                                      : check(circuit->cell[i], error);
    return status;
}

static enum es_status write(FILE *stream, const struct es_circuit *circuit, struct es_error *error) {
    const struct es_analysis *a = &circuit->analysis;
    enum es_status status = circuit->flavour == ES_FLAVOUR_SIM ? check(circuit, error) : es_fail(error, ES_BAD_INPUT, "--dialect spectre: it is there to simulate; for layouts take --dialect cdl");
    if (status == ES_OK && circuit->head)
        status = es_fail(error, ES_BAD_INPUT, "--dialect spectre: the process's map gives libraries and devices for SPICE alone; take the dialect ngspice or xyce, or leave out --process");
    if (status != ES_OK)
        return status;
    fprintf(stream, "// %s\n// written to the Spectre reference, not executed by echospice\nsimulator lang=spectre\n", circuit->title);
    for (size_t i = 0; i < circuit->cells; i++)
        write_cell(stream, circuit->cell[i]);
    for (size_t i = 0; i < circuit->parts; i++)
        write_part(stream, &circuit->part[i]);
    fprintf(stream, "simulatorOptions options reltol=1e-6 vabstol=1e-12 iabstol=1e-15\n");
    size_t column = circuit->shows ? (size_t)fprintf(stream, "save") : 0;
    for (size_t i = 0; i < circuit->shows; i++)
        es_put_word(stream, &column, "+", "%s", circuit->shown[i]);
    if (circuit->shows)
        fputc('\n', stream);
    if (a->kind == ES_ANALYSIS_TRANSIENT)
        fprintf(stream, "transient tran step=%.17g stop=%.17g maxstep=%.17g\n+ method=traponly skipdc=yes ic=all\n", a->step, a->end, a->step);
    if (a->kind == ES_ANALYSIS_REST)
        fprintf(stream, "operatingPoint dc\n");
    return ES_OK;
}

const struct es_dialect es_dialect_spectre = {.row = {"spectre", "Cadence Spectre; not executed here", "Spectre circuit simulator reference"}, .suffix = "scs", .write = write};
