// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// What `echospice netlist` made, and how it tells.
#ifndef ES_CLI_NETLIST_H
#define ES_CLI_NETLIST_H

#include "cli/cli.h"
#include "netlist/cmos.h"
#include "netlist/dialect.h"
#include "netlist/sizing.h"

struct cli_making {
    const struct es_dialect *dialect;
    struct es_process *process; // NULL: none
    const char *corner;         // of it; NULL: its first
    bool sized;
    struct es_sizing sizing;
    struct es_sizing_spread spread;
    struct es_evaluation before, after; // samples 0: not asked for
    const struct es_cmos_report *cmos;  // of the technology cmos, else NULL
    char *text;                         // the netlist
    size_t cells;
    char *path, *table;                 // of the files; NULL: none
};

// The deck of netlist/testbench.h for one sample, which the caller frees.
enum es_status cli_testbench_text(struct cli_subject *subject, size_t sample, char **text, struct es_error *error);

// The deck of netlist/cmos.h for one sample, or its cells, in making->text, with its report. `head` loads the process's corner.
enum es_status cli_cmos_text(struct cli_subject *subject, size_t sample, const char *corner, const char *head, const struct es_dialect *dialect, enum es_flavour flavour, struct cli_making *making, struct es_error *error);

// name,asked,unit,bias,slope,strays,made,width,length,multiplier, of the cells' transistors their length; the caller frees it.
char *cli_cmos_csv(const struct es_cmos_report *report);
void cli_cmos_print(const struct cli_making *making);
json_t *cli_cmos_json(const struct es_cmos_report *report);

// element,quantity,unit,asked,made,error,code,device,width,length,multiplier,copies,bias,sigma,lacking; the caller frees it.
char *cli_making_csv(const struct cli_subject *subject, const struct cli_making *making);

// One netlist as an object; a `list` as {"corners": [...]}, where each tells its corner, and what is the same in all of them once.
void cli_making_json(const struct cli_subject *subject, const struct cli_making *making, size_t count, bool list);

// The netlist, if it is in no file, to standard output, where the report is then left out.
void cli_making_print(const struct cli_subject *subject, const struct cli_making *making, size_t count);

#endif
