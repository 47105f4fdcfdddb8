// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// A SPICE circuit as an experiment: what it is, and, with --out, its file, with a table of its waveforms beside it.
#include "cli/cli.h"

#include "import/import.h"
#include "learn/cost.h"
#include "learn/optimiser.h"
#include "learn/rule.h"
#include "net/validate.h"
#include "xml/xml.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

struct options {
    struct cli_options common;
    const char *out;
};

enum { KEY_OUT = CLI_OWN };

static const struct argp_option option_list[] = {
    {"out", KEY_OUT, "FILE.xml", 0, "write the experiment, and FILE.csv with its waveforms beside it", 0},
    CLI_OPTION_JSON,
    {0},
};

static error_t parse(int key, char *text, struct argp_state *state) {
    struct options *options = state->input;
    if (key == KEY_OUT) {
        options->out = text;
        return 0;
    }
    return cli_parse_option(key, text, state, &options->common);
}

static const struct argp parser = {
    option_list, parse, "CIRCUIT.cir",
    "Reads a SPICE circuit of R, L, C, K, V, I, G, E and subcircuits with parameters, tells whether it is reversible and Lagrangian and why not, and writes it as an "
    "experiment.\v"
    "ngspice expands the circuit, in a process that can start no program and open no file, after every line has been checked: nothing in it is run. What is not supported is "
    "named with its line. An I, and a G that a V drives, become inputs; a V to ground becomes a source, one of 0 V a wire; two G and a capacitor a gyrator; R and L in series "
    "an inductor with a resistance; nodes in .save and .print outputs (or else the last node). A constant source is the channel bias. Other waveforms are sampled "
    "at the steps of .tran into FILE.csv, straight between these, and play by `--data DIR`, DIR being where FILE.csv is; without .tran the pass takes ten periods of the fastest mode. "
    "The circuit begins where ngspice's transient does: with uic, or without .tran, from ic= and .ic, otherwise at its operating point. Inductors and gyrators can be trained at once, and where there "
    "are losses conductances too.\n"
    "Example: echospice import tests/import/ladder.cir --out ladder.xml",
    NULL, NULL, NULL,
};

struct subject {
    const struct options *options;
    struct es_import import;
    struct es_experiment experiment;
    char *table; // the name of the waveforms' file, or NULL
};

// ---- the experiment --------------------------------------------------------------------------------------------------

// Outputs read one quantity.
static const struct es_cost *choose_cost(const struct es_network *net) {
    return net->element[net->output[0]].read == ES_READ_FLUX ? &es_flux_tracking : &es_voltage_tracking;
}

// The echo where it is exact, else the reciprocal run; else the echo, whose bias is accepted.
static void choose_rule(struct subject *s) {
    static const struct es_rule *const rules[] = {&es_rhel, &es_reciprocal};
    struct es_experiment *x = &s->experiment;
    struct es_engine_options options = {.scheme = x->scheme->row.name, .jobs = 1};
    struct es_problem problem = {.net = x->net, .cost = x->cost, .reversal = x->reversal};
    bool good = es_engine_open(x->engine, x->net, &options, &problem.engine, NULL) == ES_OK;
    x->rule = NULL;
    for (size_t i = 0; i < 2 && good && !x->rule; i++)
        x->rule = es_rule_admits(rules[i], &problem, NULL) == ES_OK ? rules[i] : NULL;
    es_engine_close(problem.engine);
    x->losses_allowed = !x->rule;
    x->rule = x->rule ? x->rule : &es_rhel;
}

static void make_experiment(struct subject *s) {
    const struct es_import *import = &s->import;
    s->experiment = (struct es_experiment){.net = import->net, .batch = 1, .reversal = &es_flip_voltages, .engine = &es_twin, .substeps = import->substeps};
    struct es_experiment *x = &s->experiment;
    x->task = (struct es_task){.kind = &es_waveform, .interval = import->interval, .points = import->points, .file = s->table};
    x->scheme = es_engine_scheme(x->engine, false);
    x->cost = choose_cost(x->net);
    choose_rule(s);
}

// ---- the table of waveforms ------------------------------------------------------------------------------------------

static bool is_bias(const struct es_network *net, size_t channel) {
    return strcmp(net->channel[channel], "bias") == 0;
}

static bool has_table(const struct es_import *import) {
    bool needed = import->target != NULL;
    for (size_t c = 0; c < import->net->channels; c++)
        needed |= !is_bias(import->net, c);
    return needed;
}

static void write_row(const struct es_import *import, FILE *file, size_t point) {
    const struct es_network *net = import->net;
    const char *comma = "";
    for (size_t c = 0; c < net->channels; c++)
        if (!is_bias(net, c)) {
            fprintf(file, "%s%.17g", comma, import->input[c * import->points + point]);
            comma = ",";
        }
    for (size_t o = 0; o < net->outputs && import->target; o++) {
        fprintf(file, "%s%.17g", comma, import->target[o * import->points + point]);
        comma = ",";
    }
    fputc('\n', file);
}

static void write_table(const struct es_import *import, FILE *file) {
    const struct es_network *net = import->net;
    const char *comma = "";
    for (size_t c = 0; c < net->channels; c++)
        if (!is_bias(net, c)) {
            fprintf(file, "%s%s", comma, net->channel[c]);
            comma = ",";
        }
    for (size_t o = 0; o < net->outputs && import->target; o++) {
        fprintf(file, "%starget_%zu", comma, o + 1);
        comma = ",";
    }
    fputc('\n', file);
    for (size_t n = 0; n < import->points; n++)
        write_row(import, file, n);
}

// out.csv for out.xml. Its name has to be one that an experiment may give.
static enum es_status name_table(struct subject *s, char **path, struct es_error *error) {
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-";
    const char *out = s->options->out;
    size_t length = strlen(out);
    if (length > 4 && strcmp(out + length - 4, ".xml") == 0)
        length -= 4;
    *path = es_arena_printf(s->import.arena, "%.*s.csv", (int)length, out);
    s->table = strrchr(*path, '/') ? strrchr(*path, '/') + 1 : *path;
    if (*s->table != '.' && !s->table[strspn(s->table, allowed)])
        return ES_OK;
    return es_fail(error, ES_BAD_INPUT, "--out %s: the waveforms would be in %s; expected a name of letters A-Z a-z, digits, _, - and .", out, s->table);
}

static enum es_status write_files(struct subject *s, const char *table_path, struct es_error *error) {
    struct cli_output table = {0}, out;
    enum es_status status = cli_output_open(&out, s->options->out, error);
    if (status == ES_OK && s->table)
        status = cli_output_open(&table, table_path, error);
    if (status == ES_OK && s->table)
        write_table(&s->import, table.file);
    if (status == ES_OK)
        status = es_experiment_write(&s->experiment, out.file, error);
    enum es_status closed = cli_output_close(&out, status == ES_OK, error);
    status = status == ES_OK ? closed : status;
    closed = cli_output_close(&table, status == ES_OK, error);
    return status == ES_OK ? closed : status;
}

// ---- the report ------------------------------------------------------------------------------------------------------

static bool is_lossy(const struct es_element *e) {
    return e->kind->term == ES_DISSIPATION || es_element_decays(e);
}

static size_t count_losses(const struct es_network *net) {
    size_t losses = 0;
    for (size_t i = 0; i < net->elements; i++)
        losses += is_lossy(&net->element[i]);
    return losses;
}

// A verdict speaks of the network by its name, and of lines of the circuit.
static const char *reason(const struct subject *s, const struct es_error *verdict) {
    const char *colon = strstr(verdict->text, ": ");
    return colon && strncmp(verdict->text, "network", 7) == 0 && strstr(verdict->text, ", line ") ? es_arena_printf(s->import.arena, "%s", strstr(verdict->text, "line ")) : verdict->text;
}

static void print_verdict(const struct subject *s, const char *what, const struct es_error *verdict) {
    printf("%s: %s%s\n", what, verdict->text[0] ? "no: " : "yes", reason(s, verdict));
}

static void print_losses(const struct subject *s) {
    const struct es_import *import = &s->import;
    size_t losses = count_losses(import->net), shown = 0;
    for (size_t i = 0; i < import->net->elements && shown < 10; i++)
        if (is_lossy(&import->net->element[i])) {
            printf("  %s:%d: \"%s\"\n", import->place[i].file, import->place[i].line, import->net->element[i].name);
            shown++;
        }
    if (losses > shown)
        printf("  and %zu more\n", losses - shown);
}

static void print_elements(const struct es_network *net) {
    const char *comma = "";
    for (size_t k = 0; es_element_kinds[k]; k++) {
        size_t count = 0;
        for (size_t i = 0; i < net->elements; i++)
            count += &net->element[i].kind->row == es_element_kinds[k];
        if (count) {
            printf("%s %zu %s", comma, count, es_element_kinds[k]->name);
            comma = ",";
        }
    }
}

static void print_names(const char *what, const struct es_import_name *name, size_t names) {
    for (size_t i = 0; i < names; i++)
        printf("  %s %s is %s (%s:%d)\n", what, name[i].spice, name[i].xml, name[i].at.file, name[i].at.line);
}

static void print_text(const struct subject *s) {
    const struct es_import *import = &s->import;
    const struct es_import_verdicts *v = &import->verdict;
    char step[32];
    printf("%s: %zu nodes,", s->options->common.file, import->net->nodes);
    print_elements(import->net);
    printf("; %zu points, %s apart\n", import->points, cli_si(import->interval, "s", step));
    if (v->transient.text[0])
        print_verdict(s, "can be simulated", &v->transient);
    print_verdict(s, "reversible", &v->reversible);
    print_verdict(s, "Lagrangian", &v->lagrangian);
    if (v->reversible.text[0]) {
        printf("losses:%s\n", v->uniform.text[0] ? "" : es_arena_printf(import->arena, " uniform, gamma = %.6g 1/s: the rule gain-flipped is exact too", v->gamma));
        print_losses(s);
    }
    printf("rule: %s%s\n", s->experiment.rule->row.name, s->experiment.losses_allowed ? ", with a bias that is accepted" : "");
    if (import->notes)
        puts("notes:");
    for (size_t i = 0; i < import->notes; i++)
        printf("  %s:%d: %s\n", import->note[i].at.file, import->note[i].at.line, import->note[i].text);
    if (import->nodes + import->parts)
        puts("names:");
    print_names("node", import->node, import->nodes);
    print_names("element", import->part, import->parts);
    if (s->options->out)
        printf("experiment: %s\n", s->options->out);
    if (s->options->out && s->table)
        printf("waveforms: %s, beside it; give its directory by --data\n", s->table);
}

static json_t *place_json(const struct es_spice_place *at) {
    return json_pack("{s:s, s:i}", "file", at->file, "line", at->line);
}

static json_t *names_json(const struct es_import_name *name, size_t names) {
    json_t *object = json_object();
    for (size_t i = 0; i < names; i++)
        json_object_set_new(object, name[i].spice, json_string(name[i].xml));
    return object;
}

static json_t *why(const struct subject *s, const struct es_error *verdict) {
    return verdict->text[0] ? json_string(reason(s, verdict)) : json_null();
}

static void print_json(const struct subject *s) {
    const struct es_import *import = &s->import;
    const struct es_import_verdicts *v = &import->verdict;
    json_t *losses = json_array(), *notes = json_array();
    for (size_t i = 0; i < import->net->elements; i++)
        if (is_lossy(&import->net->element[i])) {
            json_t *loss = place_json(&import->place[i]);
            json_object_set_new(loss, "element", json_string(import->net->element[i].name));
            json_array_append_new(losses, loss);
        }
    for (size_t i = 0; i < import->notes; i++) {
        json_t *note = place_json(&import->note[i].at);
        json_object_set_new(note, "text", json_string(import->note[i].text));
        json_array_append_new(notes, note);
    }
    cli_print_json(json_pack("{s:s, s:I, s:I, s:I, s:I, s:f, s:I, s:b, s:o, s:b, s:o, s:b, s:o, s:o, s:o, s:s, s:o, s:{s:o, s:o}, s:s?, s:s?}", "network", import->net->name, "nodes",
                             (json_int_t)import->net->nodes, "elements", (json_int_t)import->net->elements, "channels", (json_int_t)import->net->channels, "points",
                             (json_int_t)import->points, "interval", import->interval, "substeps", (json_int_t)import->substeps, "simulable", !v->transient.text[0], "not_simulable_as",
                             why(s, &v->transient), "reversible", !v->reversible.text[0], "not_reversible_as", why(s, &v->reversible), "lagrangian", !v->lagrangian.text[0],
                             "not_lagrangian_as", why(s, &v->lagrangian), "gamma", cli_real(v->uniform.text[0] ? NAN : v->gamma), "losses", losses, "rule",
                             s->experiment.rule->row.name, "notes", notes, "names", "nodes", names_json(import->node, import->nodes), "elements", names_json(import->part, import->parts),
                             "out", s->options->out, "waveforms", s->options->out ? s->table : NULL));
}

static int run(int argc, char **argv) {
    struct options options = {.common = {.fold = -1}};
    struct subject subject = {.options = &options};
    struct es_error error = {""};
    char *path = NULL;
    argp_parse(&parser, argc, argv, 0, NULL, &options);
    enum es_status status = es_import_read(options.common.file, &subject.import, &error);
    if (status == ES_OK && options.out && has_table(&subject.import))
        status = name_table(&subject, &path, &error);
    if (status == ES_OK)
        make_experiment(&subject);
    if (status == ES_OK && options.out)
        status = write_files(&subject, path, &error);
    if (status == ES_OK)
        (options.common.json ? print_json : print_text)(&subject);
    es_import_free(&subject.import);
    return status == ES_OK ? CLI_DONE : cli_fail(status, &error);
}

const struct cli_command cli_import = {
    {"import", "a SPICE circuit as an experiment", "echospice import tests/import/ladder.cir --out ladder.xml"},
    run,
};
