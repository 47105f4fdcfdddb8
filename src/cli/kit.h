// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// A process as netlists and the engine of transistors take it.
#ifndef ES_CLI_KIT_H
#define ES_CLI_KIT_H

#include "cli/cli.h"
#include "netlist/dialect.h"

// The lines that load a corner (NULL: the first), after what the process's users have to know, from `arena`. pdk: where the libraries are; NULL: beside the map, or
// a place to be filled in.
enum es_status cli_kit_head(const struct es_process *process, const char *corner, const char *pdk, const struct es_dialect *dialect, struct es_arena *arena, const char **head,
                             struct es_error *error);

// Makes the subject's network one of transistors of --process, or of the run's, with its corner and its libraries: s->process, s->kit, and the reversal by polarity.
// ES_BAD_INPUT where its technology is not cmos, a chip's nonidealities are asked for, a trained transconductance is bounded beyond the calibration, or libraries are
// not where they are looked for.
enum es_status cli_kit_open(const struct cli_options *options, struct cli_subject *s, struct es_error *error);

#endif
