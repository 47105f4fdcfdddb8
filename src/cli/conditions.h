// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// The conditions that --device and --sweep ask for: the base, which has the first device; the other devices; then, with the first device or (crossed)
// with every one, each value of each sweep.
#ifndef ES_CLI_CONDITIONS_H
#define ES_CLI_CONDITIONS_H

#include "device/memory.h"
#include "learn/comparison.h"

// A device as --device names it: a card and how it is used, "A.xml+accumulate+pair+refresh=100".
struct cli_held {
    const char *name;
    struct es_card *card; // NULL of "none"
    struct es_device_use use;
};

struct cli_conditions {
    size_t devices, count;
    struct cli_held *held;         // [devices]
    struct es_condition *condition; // [count]
    const struct cli_held **with;  // [count]
    const char **chip;             // [count] as of --chip, what is swept being in the place of what the base has
};

// `device` is "A,B,..." or NULL for "none"; text [sweeps] is KEY=A:B:N[log] each; `chip` is the base's, or NULL. Everything but the cards is from
// `arena`; cli_conditions_free() is to be called in any case. ES_BAD_INPUT names the option and what was expected.
enum es_status cli_conditions_read(const char *device, size_t sweeps, const char *const *text, bool cross, const char *chip, struct es_arena *arena,
                                   struct cli_conditions *conditions, struct es_error *error);
void cli_conditions_free(struct cli_conditions *conditions);

#endif
