// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
#include "cli/cli.h"

#include "engine/ngspice/starter.h"
#include "netlist/deck.h"
#include "netlist/dialect.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct options {
    struct cli_options common;
    const char *dialect, *out;
};

enum { KEY_DIALECT = CLI_OWN, KEY_OUT };

static const struct argp_option option_list[] = {
    CLI_OPTION_TECHNOLOGY, CLI_OPTION_DATA, CLI_OPTION_SAMPLE, CLI_OPTION_SEED, CLI_OPTION_STEPS, CLI_OPTION_CHIP, CLI_OPTION_JSON,
    {"dialect", KEY_DIALECT, "NAME", 0, "whose netlist it is, see `echospice list dialects`; default ngspice", 0},
    {"out", KEY_OUT, "DIR", 0, "write it there, as a file of the network's name; without it, to standard output", 0},
    {0},
};

static error_t parse(int key, char *text, struct argp_state *state) {
    struct options *options = state->input;
    switch (key) {
    case KEY_DIALECT:
        options->dialect = text;
        return 0;
    case KEY_OUT:
        options->out = text;
        return 0;
    default:
        return cli_parse_option(key, text, state, &options->common);
    }
}

static const struct argp parser = {
    option_list, parse, "FILE|RUN.db",
    "The network, with its trained values where a run is given, as a netlist of cells: one for each element, and around them the sources of the task's first "
    "sample and a transient analysis from the network's initial state.\v"
    "Example: echospice netlist netlists/ring8.xml --technology gyrator --dialect gnucap --out tapeout",
    NULL, NULL, NULL,
};

// The free pass as a circuit of cells.
static enum es_status make_circuit(struct cli_subject *s, const struct options *options, struct es_circuit **circuit, struct es_error *error) {
    struct es_problem *problem = &s->training.problem;
    struct es_example example = es_centre_example(&s->set, options->common.sample, s->arena);
    struct es_pass pass, start, early;
    struct es_model *model = ES_NEW(s->arena, 1, struct es_model);
    struct es_circuit *flat;
    enum es_status status = es_free_pass(problem, s->theta, &example, s->arena, &pass, error);
    struct es_batch batch = {.grid = problem->grid, .passes = 1, .pass = &pass};
    if (status == ES_OK)
        status = es_chip_ask(s->engine, &batch, s->arena, error);
    start = *batch.pass;
    if (status == ES_OK)
        status = es_model_new(s->experiment->net, s->theta, s->arena, model, error);
    if (status == ES_OK && !cli_at_rest(s))
        status = es_starter_state(model, &batch, batch.pass, 0, s->arena, &start, &early, error);
    if (status == ES_OK)
        status = es_deck_circuit(s->arena, model, &batch, &start, cli_at_rest(s) ? ES_DECK_REST : ES_DECK_USER, &flat, error);
    if (status == ES_OK)
        *circuit = es_circuit_hierarchy(flat);
    return status;
}

static enum es_status write_file(const char *directory, const char *name, const struct es_dialect *dialect, const char *text, char **path, struct es_arena *arena, struct es_error *error) {
    struct cli_output out;
    if (mkdir(directory, 0777) != 0 && errno != EEXIST)
        return es_fail(error, ES_NO_RESOURCE, "--out %s: %s", directory, strerror(errno));
    *path = es_arena_printf(arena, "%s/%s.%s", directory, name, dialect->suffix);
    if (cli_output_open(&out, *path, error) != ES_OK)
        return ES_NO_RESOURCE;
    fputs(text, out.file);
    return cli_output_close(&out, true, error);
}

static int run(int argc, char **argv) {
    struct options options = {.common = {.fold = -1, .engine = "twin"}, .dialect = "ngspice"};
    struct cli_subject s;
    struct es_error error = {""};
    struct es_circuit *circuit = NULL;
    char names[128], *text = NULL, *path = NULL;
    argp_parse(&parser, argc, argv, 0, NULL, &options);
    const struct es_dialect *dialect = es_row_find(es_dialects, options.dialect);
    if (!dialect) {
        es_fail(&error, ES_BAD_INPUT, "--dialect %s: expected %s", options.dialect, es_row_names(es_dialects, names, sizeof names));
        return cli_fail(ES_BAD_INPUT, &error);
    }
    enum es_status status = cli_open(&options.common, CLI_LOSS, &s, &error);
    if (status == ES_OK && options.common.sample >= s.set.samples)
        status = es_fail(&error, ES_BAD_INPUT, "--sample %zu: the task has samples 0 to %zu", options.common.sample, s.set.samples - 1);
    if (status == ES_OK)
        status = make_circuit(&s, &options, &circuit, &error);
    if (status == ES_OK && !(text = es_circuit_text(circuit, dialect, &error)))
        status = ES_BAD_INPUT;
    if (status == ES_OK && options.out)
        status = write_file(options.out, s.experiment->net->name, dialect, text, &path, s.arena, &error);
    if (status == ES_OK && options.common.json)
        cli_print_json(json_pack("{s:s, s:s, s:I, s:I, s:s?}", "dialect", dialect->row.name, "technology", s.technology ? s.technology->row.name : "as the file says", "cells",
                                 (json_int_t)circuit->cells, "parts", (json_int_t)circuit->parts, "file", path));
    else if (status == ES_OK && path)
        printf("%s: %zu cells in the dialect %s\n", path, circuit->cells, dialect->row.name);
    else if (status == ES_OK)
        fputs(text, stdout);
    free(text);
    cli_close(&s);
    return status == ES_OK ? CLI_DONE : cli_fail(status, &error);
}

const struct cli_command cli_netlist = {
    {"netlist", "the network as a netlist of cells, in another simulator's dialect", "echospice netlist netlists/ring8.xml --technology gyrator --out tapeout"},
    run,
};
