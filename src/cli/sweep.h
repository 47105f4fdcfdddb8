// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// How the rules' bias depends on the length of the pass, on damping and on the nudge: one sweep each, written as CSV or drawn as SVG.
#ifndef ES_CLI_SWEEP_H
#define ES_CLI_SWEEP_H

#include "cli/comparison.h"

enum { CLI_SWEEPS = 3, CLI_SWEEP_POINTS = 7, CLI_RULES = 32 };

struct cli_sweep_point {
    double value;
    struct es_error reason; // why no rule could be measured here, or ""
    struct cli_comparison comparison[CLI_RULES]; // as many as there are rules
};

struct cli_sweeps {
    struct cli_sweep_point point[CLI_SWEEPS][CLI_SWEEP_POINTS];
};

// All rules at every point of every sweep, but for those that find another rule's solutions in another way, on the case's circuit and sample. Losses are allowed: bias is what is looked for.
enum es_status cli_sweep(const struct cli_case *c, struct cli_sweeps *sweeps, struct es_error *error);

// To the user: the points at which nothing could be measured, and why.
void cli_sweep_gaps(const struct cli_sweeps *sweeps);

// Lines sweep,value,unit,rule,relative_error,cosine,norm_ratio of the rules that admit the circuit there.
void cli_sweep_csv(const struct cli_sweeps *sweeps, FILE *csv);

// As SVG, by gnuplot.
enum es_status cli_sweep_svg(const struct cli_sweeps *sweeps, const char *title, FILE *svg, struct es_error *error);

#endif
