// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
#include "cli/cli.h"

#include "device/card.h"
#include "learn/comparison.h"
#include "learn/sensitivity.h"
#include "netlist/dialect.h"
#include "technology/technology.h"
#include "xml/xml.h"

#include <stdio.h>
#include <string.h>

static const struct list {
    const char *name, *about;
    const struct es_row *const *rows;
} lists[] = {
    {"elements", "what a network is made of", es_element_kinds},
    {"generators", "what makes many nodes and branches at once", es_generators},
    {"coordinates", "how a parameter is bounded", es_coordinates},
    {"tasks", "where samples come from", es_data_kinds},
    {"costs", "what is learned, and the element that nudges for it", es_costs},
    {"rules", "how a gradient is found", es_rules},
    {"samplers", "what noise makes a network at a temperature sample", es_samplers},
    {"reversals", "how an echo turns back", es_reversals},
    {"optimisers", "how a gradient becomes a step", es_optimisers},
    {"schedules", "the learning rate over time", es_schedules},
    {"settings", "of a training, that `compare` can sweep", es_settings},
    {"devices", "what a pulse does to a memory device that holds a trained value; cards that use them are in models/", es_device_models},
    {"technologies", "what a network is built of, and what that tunes", es_technologies},
    {"dialects", "whose netlists can be written", es_dialects},
    {"engines", "what runs the passes", es_engine_kinds},
    {"nonidealities", "how a circuit as made differs, as keys of --chip, with unit and ideal value", es_nonidealities},
    {"acting", "where a nonideality acts in what `sensitivity` looks at", es_actings},
};

static const struct argp_option option_list[] = {CLI_OPTION_JSON, {0}};

static error_t parse(int key, char *text, struct argp_state *state) {
    struct cli_options *options = state->input;
    return key == ARGP_KEY_END && !options->file ? 0 : cli_parse_option(key, text, state, options);
}

static const struct argp parser = {
    option_list, parse, "[elements|generators|coordinates|tasks|costs|rules|samplers|reversals|optimisers|schedules|settings|devices|technologies|dialects|engines|nonidealities|acting|schemes]",
    "What this program knows, from the lists that it works with itself.\vExample: echospice list elements", NULL, NULL, NULL,
};

static void print_rows(const char *name, const char *about, const struct es_row *const *rows, json_t *json) {
    json_t *array = json_array();
    if (!json)
        printf("%s: %s\n", name, about);
    for (bool chip = rows == es_nonidealities; *rows; rows++) {
        const struct es_nonideality *kind = chip ? (const void *)*rows : NULL;
        if (json)
            json_array_append_new(array, json_pack("{s:s, s:s, s:s, s:s*, s:o*}", "name", (*rows)->name, "about", (*rows)->about, "source", (*rows)->source,
                                                   "unit", kind ? kind->unit : NULL, "ideal", kind ? cli_real(kind->ideal) : NULL)); // null: infinite
        else if (kind)
            printf("  %-23s %-4s ideal %-4g %s  [%s]\n", kind->row.name, *kind->unit ? kind->unit : "1", kind->ideal, kind->row.about, kind->row.source);
        else
            printf("  %-20s %s  [%s]\n", (*rows)->name, (*rows)->about, (*rows)->source);
    }
    if (json)
        json_object_set(json, name, array);
    json_decref(array);
}

static int run(int argc, char **argv) {
    struct cli_options options = {.file = NULL};
    size_t shown = 0;
    argp_parse(&parser, argc, argv, 0, NULL, &options);
    json_t *json = options.json ? json_object() : NULL;
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
        if (!options.file || strcmp(options.file, lists[i].name) == 0) {
            print_rows(lists[i].name, lists[i].about, lists[i].rows, json);
            shown++;
        }
    for (size_t i = 0; es_engine_kinds[i]; i++)
        if (!options.file || strcmp(options.file, "schemes") == 0) {
            char name[64];
            snprintf(name, sizeof name, "schemes of %s", es_engine_kinds[i]->name);
            print_rows(name, "the first is the default", ((const struct es_engine_kind *)(const void *)es_engine_kinds[i])->schemes, json);
            shown++;
        }
    if (json)
        cli_print_json(json);
    if (shown)
        return CLI_DONE;
    struct es_error error;
    return cli_fail(es_fail(&error, ES_BAD_INPUT, "list %s: no such list; see `echospice list`", options.file), &error);
}

const struct cli_command cli_list = {
    {"list", "elements, costs, rules, engines, ... that this program knows", "echospice list elements"},
    run,
};
