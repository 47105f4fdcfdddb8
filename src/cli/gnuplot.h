// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// Pictures by gnuplot: a script is written to a file that has no name, and gnuplot draws it.
#ifndef ES_CLI_GNUPLOT_H
#define ES_CLI_GNUPLOT_H

#include "core/status.h"

#include <stdio.h>

// Whether there is a gnuplot; ES_NO_RESOURCE says how to get it.
enum es_status cli_gnuplot_found(struct es_error *error);

// The colours of lines, one after the other.
enum { CLI_COLOURS = 12 };
extern const char *const cli_colour[CLI_COLOURS];

// An empty script; NULL, with the error set, where no temporary file can be made.
FILE *cli_gnuplot_script(struct es_error *error);

// Draws the script, which sets a terminal, into `picture`, and closes the script. ES_NO_RESOURCE where gnuplot fails.
enum es_status cli_gnuplot_draw(FILE *script, FILE *picture, struct es_error *error);

#endif
