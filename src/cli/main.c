// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
#include "cli/cli.h"

#include <malloc.h>
#include <stdio.h>
#include <string.h>

static const struct es_row *const commands[] = {
    &cli_check.row, &cli_rules.row, &cli_train.row, &cli_evaluate.row, &cli_compare.row, &cli_sensitivity.row, &cli_simulate.row, &cli_modes.row, &cli_netlist.row, &cli_import.row, &cli_device.row, &cli_list.row, NULL,
};

static void print_help(FILE *out) {
    fputs("echospice: circuits of capacitors, inductors and gyrators that learn by running twice\n\n"
          "usage: echospice COMMAND [OPTION...] FILE      (each command has --help)\n\n", out);
    for (size_t i = 0; commands[i]; i++)
        fprintf(out, "  %-11s %s\n              e.g. %s\n", commands[i]->name, commands[i]->about, commands[i]->source);
    fputs("\nexit status: 0 done, 1 a requested verdict failed, 2 input, usage or resources, 130/143 signals\n", out);
}

int main(int argc, char **argv) {
    if (argc < 2 || strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0) {
        print_help(argc < 2 ? stderr : stdout);
        return argc < 2 ? CLI_ERROR : CLI_DONE;
    }
    if (strcmp(argv[1], "--version") == 0) {
        puts("echospice " ES_VERSION);
        return CLI_DONE;
    }
    const struct cli_command *command = es_row_find(commands, argv[1]);
    if (!command) {
        char names[128];
        fprintf(stderr, "echospice: error: no command \"%s\"; there are %s\n", argv[1], es_row_names(commands, names, sizeof names));
        return CLI_ERROR;
    }
    char name[64];
    snprintf(name, sizeof name, "echospice %s", command->row.name);
    argv[1] = name; // how argp names the program in its messages
    argp_err_exit_status = CLI_ERROR;
    mallopt(M_TRIM_THRESHOLD, 1 << 28); // memory that a pass gives back is wanted by the next
    mallopt(M_MMAP_THRESHOLD, 1 << 26);
    int status = command->run(argc - 1, argv + 1);
    if (fflush(stdout) != 0 || ferror(stdout)) {
        fputs("echospice: error: standard output cannot be written; is the disk full?\n", stderr);
        return CLI_ERROR;
    }
    return status;
}
