// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// ngspice, as the engine runs it. B sources hold no numbers of more than a few digits: ngspice keeps 11 of them.
#include "netlist/dialect.h"

// n V_T in ngspice, at 27 degrees and with its constants of nature.
static double emission(double voltage) {
    return voltage / (1.38064852e-23 * (27 + 273.15) / 1.6021766208e-19);
}

static void write_waveform(FILE *stream, const struct es_part *part) {
    switch (part->waveform) {
    case ES_WAVE_CONSTANT:
        fprintf(stream, "%.17g\n", part->value);
        break;
    case ES_WAVE_EXTERNAL: // with `dc` before it ngspice 39.3 crashes
        fprintf(stream, "external\n");
        break;
    case ES_WAVE_POINTS:
        fprintf(stream, "pwl(\n");
        for (size_t i = 0; i < part->points; i++)
            fprintf(stream, "+ %.17g %.17g\n", part->time[i], part->level[i]);
        fprintf(stream, "+ )\n");
        break;
    }
}

static void write_part(FILE *stream, const struct es_part *part) {
    if (part->primitive == ES_PART_GUESS) {
        fprintf(stream, ".nodeset v(%s)=%.17g\n", part->p, part->value);
        return;
    }
    fprintf(stream, "%s_%s ", part->prefix, part->name);
    if (part->primitive != ES_PART_COUPLING)
        fprintf(stream, "%s %s ", part->p, part->n);
    switch (part->primitive) {
    case ES_PART_RESISTOR:
    case ES_PART_CURRENT:
        fprintf(stream, "%.17g\n", part->value);
        break;
    case ES_PART_CAPACITOR:
    case ES_PART_INDUCTOR:
        fprintf(stream, "%.17g ic=%.17g\n", part->value, part->initial);
        break;
    case ES_PART_COUPLING:
        fprintf(stream, "%s %s %.17g\n", part->of, part->with, part->value);
        break;
    case ES_PART_VCCS:
    case ES_PART_VCVS:
        fprintf(stream, "%s %s %.17g\n", part->c, part->d, part->value);
        break;
    case ES_PART_CCCS:
        fprintf(stream, "%s %.17g\n", part->of, part->value);
        break;
    case ES_PART_VOLTAGE:
        write_waveform(stream, part);
        break;
    case ES_PART_FUNCTION:
        fprintf(stream, "v=%s\n", part->text);
        break;
    case ES_PART_DIODE:
        fprintf(stream, "m_%s\n.model m_%s d(is=%.17g n=%.17g)\n", part->name, part->name, part->value, emission(part->initial));
        break;
    case ES_PART_GUESS:
        break;
    }
}

// Where time runs in given steps, the truncation error is not to shorten them. Where a transient settles, trtol lets its steps be as long as a
// relative error of 1e-6 allows; gmin is what ngspice puts beside every diode.
static void write_options(FILE *stream, const struct es_analysis *a) {
    if (a->resting)
        fprintf(stream, ".options noacct norefvalue reltol=1e-10 vntol=1e-13 abstol=1e-18 gmin=1e-20 itl1=1000%s\n", a->settles ? " method=gear trtol=1e4" : "");
    else
        fprintf(stream, ".options noacct norefvalue method=trap%s%s\n", a->controlled ? "" : " trtol=1e30 ",
                a->controlled ? "" : a->nonlinear ? "reltol=1e-9 vntol=1e-12 abstol=1e-15" : "reltol=1e-6");
}

static enum es_status write(FILE *stream, const struct es_circuit *circuit, struct es_error *error) {
    const struct es_analysis *a = &circuit->analysis;
    (void)error; // everything can be said
    fprintf(stream, "%s\n", circuit->title);
    write_options(stream, a);
    for (size_t i = 0; i < circuit->parts; i++)
        write_part(stream, &circuit->part[i]);
    if (a->kind == ES_ANALYSIS_TRANSIENT)
        fprintf(stream, ".tran %.17g %.17g 0 %.17g uic\n", a->step, a->end, a->step);
    if (a->kind == ES_ANALYSIS_REST)
        fprintf(stream, ".op\n");
    fprintf(stream, ".end\n");
    return ES_OK;
}

const struct es_dialect es_dialect_ngspice = {{"ngspice", "ngspice 39 and later", "ngspice user's manual"}, write};
