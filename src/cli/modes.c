// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
#include "cli/cli.h"

#include "net/modes.h"

#include <math.h>
#include <stdio.h>

static const struct argp_option option_list[] = {CLI_OPTION_SEED, CLI_OPTION_JSON, {0}};

static error_t parse(int key, char *text, struct argp_state *state) {
    return cli_parse_option(key, text, state, state->input);
}

static const struct argp parser = {
    option_list, parse, "FILE|RUN.db",
    "Normal modes of the linearised lossless network: frequency, the nodes that take part most, and how strongly each input drives them.\v"
    "A mode's participation is its share of the stored electric energy at a node, in percent; its coupling to an input is the current "
    "that one volt of that input feeds into the mode, sum g (a . x) with x' M x = 1, as a share of the input's total.\n"
    "Example: echospice modes netlists/ring8.xml",
    NULL, NULL, NULL,
};

// b [channels]: sum over the channel's inputs of g a . x for one mode's shape x.
static void couplings(const struct es_network *net, const double *k, const double *x, double *b) {
    for (size_t c = 0; c < net->channels; c++)
        b[c] = 0;
    for (size_t i = 0; i < net->elements; i++)
        if (net->element[i].kind->term == ES_DRIVE)
            b[net->element[i].channel] += k[i] * es_across(&net->element[i], x);
}

// share [nodes]: x_i (M x)_i, which sums to 1.
static void participation(const struct es_network *net, const double *k, const double *x, double *share) {
    for (size_t i = 0; i < net->nodes; i++)
        share[i] = 0;
    for (size_t i = 0; i < net->elements; i++) {
        const struct es_element *e = &net->element[i];
        if (e->kind->term != ES_KINETIC)
            continue;
        double charge = k[i] * es_across(e, x);
        if (e->p >= 0)
            share[e->p] += charge * x[e->p];
        if (e->n >= 0)
            share[e->n] -= charge * x[e->n];
    }
}

struct table {
    const struct es_network *net;
    struct es_modes modes;
    double *share;    // [modes][nodes]
    double *coupling; // [modes][channels] of unit sum of squares over the modes
};

static void fill(struct table *t, const double *k, struct es_arena *arena) {
    size_t n = t->modes.modes, channels = t->net->channels;
    t->share = ES_NEW(arena, n * n, double);
    t->coupling = ES_NEW(arena, n * channels, double);
    for (size_t i = 0; i < n; i++) {
        participation(t->net, k, t->modes.shape + i * n, t->share + i * n);
        couplings(t->net, k, t->modes.shape + i * n, t->coupling + i * channels);
    }
    for (size_t c = 0; c < channels; c++) {
        double norm = 0;
        for (size_t i = 0; i < n; i++)
            norm += pow(t->coupling[i * channels + c], 2);
        for (size_t i = 0; i < n && norm > 0; i++)
            t->coupling[i * channels + c] /= sqrt(norm);
    }
}

static void print_top_nodes(const struct table *t, const double *share) {
    double above = INFINITY;
    for (int rank = 0; rank < 3; rank++) {
        int best = -1;
        for (size_t i = 0; i < t->net->nodes; i++)
            if (share[i] < above && (best < 0 || share[i] > share[best]))
                best = (int)i;
        if (best < 0 || share[best] < 0.01)
            return;
        printf(" %s %.0f%%", t->net->node[best].name, 100 * share[best]);
        above = share[best];
    }
}

static void print_text(const struct table *t) {
    printf("%-5s %-12s %-30s", "mode", "frequency", "nodes");
    for (size_t c = 0; c < t->net->channels; c++)
        printf(" %10s", t->net->channel[c]);
    puts("");
    for (size_t i = 0; i < t->modes.modes; i++) {
        char frequency[32];
        printf("%-5zu %-12s", i, cli_si(t->modes.omega[i] / (2 * M_PI), "Hz", frequency));
        print_top_nodes(t, t->share + i * t->modes.modes);
        for (size_t c = 0; c < t->net->channels; c++)
            printf(" %10.3f", t->coupling[i * t->net->channels + c]);
        puts("");
    }
}

static void print_json(const struct table *t) {
    json_t *list = json_array();
    for (size_t i = 0; i < t->modes.modes; i++) {
        json_t *nodes = json_object(), *inputs = json_object();
        for (size_t j = 0; j < t->net->nodes; j++)
            json_object_set_new(nodes, t->net->node[j].name, cli_real(t->share[i * t->modes.modes + j]));
        for (size_t c = 0; c < t->net->channels; c++)
            json_object_set_new(inputs, t->net->channel[c], cli_real(t->coupling[i * t->net->channels + c]));
        json_array_append_new(list, json_pack("{s:o, s:o, s:o}", "frequency", cli_real(t->modes.omega[i] / (2 * M_PI)), "participation",
                                              nodes, "coupling", inputs));
    }
    cli_print_json(json_pack("{s:o}", "modes", list));
}

static int run(int argc, char **argv) {
    struct cli_options options = {.fold = -1};
    struct cli_subject subject;
    struct es_error error = {""};
    argp_parse(&parser, argc, argv, 0, NULL, &options);
    enum es_status status = cli_open(&options, CLI_NETWORK, &subject, &error);
    if (status == ES_OK && cli_at_rest(&subject))
        status = es_fail(&error, ES_BAD_INPUT, "%s: the scheme %s finds states of rest, and there is no mode to be told of; take an experiment that follows transients", options.file,
                         subject.engine->scheme->row.name);
    if (status == ES_OK) {
        struct table table = {.net = subject.ideal};
        struct es_model model;
        status = es_model_new(table.net, subject.theta, subject.arena, &model, &error);
        if (status == ES_OK)
            status = es_modes(&model, subject.arena, &table.modes, &error);
        if (status == ES_OK) {
            fill(&table, model.k, subject.arena);
            (options.json ? print_json : print_text)(&table);
        }
    }
    cli_close(&subject);
    return status == ES_OK ? CLI_DONE : cli_fail(status, &error);
}

const struct cli_command cli_modes = {
    {"modes", "what resonates where, and what the inputs reach", "echospice modes netlists/ring8.xml"},
    run,
};
