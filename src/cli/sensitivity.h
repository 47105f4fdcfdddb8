// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// What is shown of the margins: the budget of a network's nonidealities.
#ifndef ES_CLI_SENSITIVITY_H
#define ES_CLI_SENSITIVITY_H

#include "cli/cli.h"
#include "learn/sensitivity.h"

struct cli_finding { // of one nonideality, see es_sensitivity_find()
    struct es_margin margin[ES_LIMITS];
    struct es_error why;
};

struct cli_budget {
    const struct cli_subject *subject;
    const struct es_sensitivity *sensitivity; // with what is found without a nonideality
    size_t kinds;
    const struct es_nonideality **kind; // [kinds]
    struct cli_finding *finding;        // [kinds]
    bool *ended;                        // [kinds] its finding is there
};

void cli_budget_text(const struct cli_budget *budget); // at most 80 columns, but for names of files and networks
void cli_budget_json(const struct cli_budget *budget);

// One line for each nonideality and limit.
void cli_budget_csv(const struct cli_budget *budget, FILE *csv);

#endif
