// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
#include "cli/cli.h"

#include "engine/ngspice/starter.h"
#include "netlist/deck.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct options {
    struct cli_options common;
    size_t phase; // 0 free, 1 plus, 2 minus
    double beta;
    const char *deck, *out;
};

enum { KEY_PHASE = CLI_OWN, KEY_BETA, KEY_DECK, KEY_OUT };

static const char *const phases[] = {"free", "plus", "minus"};

static const struct argp_option option_list[] = {
    CLI_OPTION_ENGINE, CLI_OPTION_SCHEME, CLI_OPTION_DATA, CLI_OPTION_SAMPLE, CLI_OPTION_SEED, CLI_OPTION_STEPS, CLI_OPTION_JSON, CLI_OPTION_CHIP, CLI_OPTION_TECHNOLOGY, CLI_OPTION_PROCESS, CLI_OPTION_CORNER, CLI_OPTION_PDK,
    {"phase", KEY_PHASE, "PHASE", 0, "free, plus or minus: the free pass, or the rule's own pass with the nudge at +beta or -beta; of the rule reciprocal, plus is its second run", 0},
    {"beta", KEY_BETA, "B", 0, "nudge, as in check", 0},
    {"deck", KEY_DECK, "OUT.cir", 0, "write the pass as a deck for ngspice", 0},
    {"out", KEY_OUT, "OUT", 0, "write the waveforms, as an ngspice raw file or, if OUT ends in .csv, as CSV", 0},
    {0},
};

static error_t parse(int key, char *text, struct argp_state *state) {
    struct options *options = state->input;
    switch (key) {
    case KEY_PHASE:
        for (options->phase = 0; options->phase < 3 && strcmp(phases[options->phase], text) != 0;)
            options->phase++;
        if (options->phase == 3)
            argp_error(state, "--phase=%s: expected free, plus or minus", text);
        return 0;
    case KEY_BETA:
        options->beta = cli_number(text, "beta", 1e-15, 0.999, state);
        return 0;
    case KEY_DECK:
        options->deck = text;
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
    "Runs one pass of one sample: waveforms of every node voltage and inductor current, and the deck as the engine runs it.\v"
    "Example: echospice simulate netlists/ring8.xml --engine ngspice --phase plus --deck plus.cir --out plus.raw",
    NULL, NULL, NULL,
};

// Writes points as they come: time, node voltages, node fluxes, inductor currents.
struct wave {
    FILE *file;
    bool csv;
    const struct es_network *net;
    const struct es_model *model;
    double *offset;       // [elements] of the branches, at the last point
    double *current;      // [elements] scratch
    double *flux, *voltage; // [nodes] at the last point
    double t, direction;  // of the last point; -1 where time runs backwards
    size_t points;
    long count_at;   // where the head holds the number of points
    double last[2];  // voltage and flux of node 0 at the end
};

static size_t columns(const struct wave *w) {
    size_t count = 1 + 2 * w->net->nodes;
    for (size_t i = 0; i < w->net->elements; i++)
        count += w->net->element[i].kind->term == ES_POTENTIAL;
    return count;
}

static void heading(const struct wave *w, size_t column, const char *what, const char *name, const char *unit) {
    if (w->csv)
        fprintf(w->file, "%s%s%s%s", column ? "," : "", what, *name ? "_" : "", name);
    else if (*name)
        fprintf(w->file, "\t%zu\t%s(%s)\t%s\n", column, what, name, unit);
    else
        fprintf(w->file, "\t%zu\t%s\t%s\n", column, what, unit);
}

static void headings(const struct wave *w) {
    size_t column = 0;
    heading(w, column++, "time", "", "time");
    for (size_t i = 0; i < w->net->nodes; i++)
        heading(w, column++, "v", w->net->node[i].name, "voltage");
    for (size_t i = 0; i < w->net->nodes; i++)
        heading(w, column++, "flux", w->net->node[i].name, "notype");
    for (size_t i = 0; i < w->net->elements; i++)
        if (w->net->element[i].kind->term == ES_POTENTIAL)
            heading(w, column++, "i", w->net->element[i].name, "current");
}

static void head(struct wave *w, const char *phase) {
    time_t now = time(NULL);
    char date[32];
    if (!w->csv) {
        fprintf(w->file, "Title: echospice %s, %s pass\nDate: %sPlotname: Transient Analysis\nFlags: real\nNo. Variables: %zu\nNo. Points: ",
                w->net->name, phase, ctime_r(&now, date), columns(w));
        w->count_at = ftell(w->file);
        fprintf(w->file, "%-10d\nVariables:\n", 0);
    }
    headings(w);
    fputs(w->csv ? "\n" : "Binary:\n", w->file);
}

static void put(const struct wave *w, double x, bool first) {
    if (!w->csv)
        fwrite(&x, sizeof x, 1, w->file);
    else
        fprintf(w->file, "%s%.17g", first ? "" : ",", x);
}

// The branches' own fluxes, by a step of the implicit midpoint rule from the last point.
static void follow(struct wave *w, double t, const double *flux, const double *voltage) {
    double h = w->points > 1 ? t - w->t : 0;
    for (size_t e = 0; e < w->net->elements; e++) {
        const struct es_element *element = &w->net->element[e];
        double v = (es_across(element, w->voltage) + es_across(element, voltage)) / 2, half = w->model->decay[e] * h / 2;
        double psi = es_model_flux(w->model, e, w->flux, w->offset);
        if (es_model_own_flux(w->model, e) && !element->kind->sense && h > 0)
            w->offset[e] = ((1 - half) * psi + w->direction * h * (v + w->model->drift[e])) / (1 + half) - es_across(element, flux);
    }
    w->t = t;
    memcpy(w->flux, flux, w->net->nodes * sizeof *flux);
    memcpy(w->voltage, voltage, w->net->nodes * sizeof *voltage);
}

static void point(void *context, double t, const double *flux, const double *voltage) {
    struct wave *w = context;
    w->points++;
    follow(w, t, flux, voltage);
    w->last[0] = voltage[0];
    w->last[1] = flux[0];
    if (!w->file)
        return;
    put(w, t, true);
    for (size_t i = 0; i < w->net->nodes; i++)
        put(w, voltage[i], false);
    for (size_t i = 0; i < w->net->nodes; i++)
        put(w, flux[i], false);
    es_model_currents(w->model, flux, w->offset, w->current);
    for (size_t i = 0; i < w->net->elements; i++)
        if (w->net->element[i].kind->term == ES_POTENTIAL)
            put(w, w->current[i], false);
    if (w->csv)
        fputc('\n', w->file);
}

// After the title: where in the deck each nonideality is.
static void write_notes(const struct cli_subject *s, FILE *file) {
    const struct es_chip *chip = &s->chip;
    if (cli_chip_frequency(s))
        fprintf(file, "* chip: %s\n", cli_chip_frequency(s));
    for (size_t i = 0; i < chip->count; i++) {
        const struct es_nonideality *kind = chip->nonideal[i].kind;
        fprintf(file, "* chip: %s = %g%s%s, %s%s\n", kind->row.name, chip->nonideal[i].value, *kind->unit ? " " : "", kind->unit,
                kind->make ? "in the elements" : kind->ask ? "in the initial state and the sources of this pass" : "in no deck: ", kind->read ? kind->row.about : "");
    }
}

static enum es_status write_deck(const struct cli_subject *s, const struct options *options, const struct es_model *model, const struct es_batch *planned, struct es_error *error) {
    struct cli_output out;
    struct es_batch batch = *planned;
    if (s->process)
        return es_fail(error, ES_BAD_INPUT, "--deck: the deck of transistors is that of echospice netlist --technology cmos; leave out --process for that of ideal gyrators");
    enum es_status status = es_chip_ask(s->engine, &batch, s->arena, error);
    struct es_pass start = *batch.pass, early;
    bool rest = cli_at_rest(s);
    if (status == ES_OK && !rest)
        status = es_starter_state(model, &batch, batch.pass, 0, s->arena, &start, &early, error);
    if (status != ES_OK)
        return status;
    if (cli_output_open(&out, options->deck, error) != ES_OK)
        return ES_NO_RESOURCE;
    char *text = es_deck_text(model, &batch, &start, rest ? ES_DECK_REST : ES_DECK_USER, cli_frequency_error(s), error), *body = text ? strchr(text, '\n') + 1 : NULL;
    if (text) {
        fprintf(out.file, "%.*s", (int)(body - text), text);
        write_notes(s, out.file);
        fputs(body, out.file);
    }
    free(text);
    enum es_status closed = cli_output_close(&out, text != NULL, text ? error : NULL);
    return text ? closed : ES_BAD_INPUT;
}

static enum es_status run_pass(struct cli_subject *s, const struct options *options, const struct es_batch *batch, struct wave *wave, struct es_error *error) {
    struct es_result *result = es_results_new(s->arena, s->experiment->net, 0, 1);
    struct cli_output out = {.file = NULL};
    enum es_status status = options->out ? cli_output_open(&out, options->out, error) : ES_OK;
    if (status != ES_OK)
        return status;
    wave->file = out.file;
    if (wave->file)
        head(wave, phases[options->phase]);
    status = es_engine_run(s->engine, batch, result, error);
    if (wave->file && !wave->csv && fseek(wave->file, wave->count_at, SEEK_SET) == 0)
        fprintf(wave->file, "%-10zu", wave->points);
    enum es_status closed = cli_output_close(&out, status == ES_OK, error);
    return status == ES_OK ? closed : status;
}

static enum es_status simulate(struct cli_subject *s, const struct options *options, struct wave *wave, struct es_error *error) {
    struct es_problem *problem = &s->training.problem;
    struct es_example example = es_centre_example(&s->set, options->common.sample, s->arena);
    size_t passes = 1 + (problem->rule->passes ? problem->rule->passes(problem->net) : 0);
    struct es_pass *pass = ES_NEW(s->arena, passes, struct es_pass);
    if (options->phase >= passes)
        return es_fail(error, ES_BAD_INPUT, "--phase %s: the rule %s has %s beside the free one; take --phase %s", phases[options->phase], problem->rule->row.name,
                       passes == 1 ? "no pass" : "one pass only", phases[passes - 1]);
    if (options->beta > 0)
        problem->beta = options->beta;
    enum es_status status = options->phase ? es_passes(problem, s->theta, &example, s->arena, pass, error)
                                           : es_free_pass(problem, s->theta, &example, s->arena, pass, error);
    struct es_model *model = ES_NEW(s->arena, 1, struct es_model);
    if (status == ES_OK)
        status = es_model_new(s->experiment->net, s->theta, s->arena, model, error);
    size_t length = options->out ? strlen(options->out) : 0;
    *wave = (struct wave){.csv = length > 4 && strcmp(options->out + length - 4, ".csv") == 0, .net = s->experiment->net, .model = model, .direction = 1};
    wave->offset = ES_NEW(s->arena, wave->net->elements, double);
    wave->flux = ES_NEW(s->arena, wave->net->nodes, double);
    wave->voltage = ES_NEW(s->arena, wave->net->nodes, double);
    if (status == ES_OK) {
        const struct es_reversal *turn = pass[options->phase].reversal;
        memcpy(wave->offset, pass[options->phase].offset, wave->net->elements * sizeof *wave->offset);
        wave->direction = turn && turn->swapped ? -1 : 1;
    }
    wave->current = ES_NEW(s->arena, s->experiment->net->elements, double);
    struct es_sink sink = {point, wave};
    struct es_batch batch = {.grid = problem->grid, .passes = 1, .pass = &pass[options->phase], .sink = &sink};
    if (options->phase && problem->rule->injections)
        batch.injections = problem->rule->injections(problem->net, s->arena, &batch.injection);
    if (status == ES_OK && options->deck)
        status = write_deck(s, options, model, &batch, error);
    if (status == ES_OK)
        status = run_pass(s, options, &batch, wave, error);
    if (status != ES_OK || !options->deck || !cli_at_rest(s))
        return status;
    pass[options->phase].voltage = wave->voltage; // of several states of rest the user's ngspice finds this one
    return write_deck(s, options, model, &batch, error);
}

static void print_json(const struct cli_subject *s, const struct options *options, const struct wave *wave) {
    cli_print_json(json_pack("{s:s, s:I, s:f, s:s, s:s, s:o, s:s, s:s?, s:s?}", "phase", phases[options->phase], "points", (json_int_t)wave->points,
                             "step", es_grid_step(&s->training.problem.grid), "engine", s->engine->kind->row.name, "scheme",
                             s->engine->scheme->row.name, "frequency_error", cli_real(cli_frequency_error(s)), "exactness", cli_exactness(s), "deck",
                             options->deck, "out", options->out));
}

static void print_rest(const struct cli_subject *s, const struct options *options, const struct wave *wave) {
    const struct es_network *net = s->experiment->net;
    char voltage[32];
    printf("%s state of rest:", phases[options->phase]);
    for (size_t o = 0; o < net->outputs; o++) {
        const struct es_element *e = &net->element[net->output[o]];
        printf("%s %s %s", o ? "," : "", e->name, cli_si(es_across(e, wave->voltage), "V", voltage));
    }
    printf("\n");
}

static void print_text(const struct cli_subject *s, const struct options *options, const struct wave *wave) {
    char step[32], voltage[32], flux[32];
    if (cli_at_rest(s))
        print_rest(s, options, wave);
    else
        printf("%s pass: %zu points, step %s; %s ends at %s, %s\n", phases[options->phase], wave->points,
               cli_si(es_grid_step(&s->training.problem.grid), "s", step), s->experiment->net->node[0].name, cli_si(wave->last[0], "V", voltage),
               cli_si(wave->last[1], "Wb", flux));
    if (s->training.problem.rule->finite)
        puts("without the sampler's noise");
    if (strncmp(cli_exactness(s), "biased", 6) == 0)
        puts(cli_exactness(s));
    if (options->deck)
        printf("deck: %s\n", options->deck);
    if (options->out)
        printf("waveforms: %s\n", options->out);
}

static int run(int argc, char **argv) {
    struct options options = {.common = {.fold = -1}};
    struct cli_subject subject;
    struct es_error error = {""};
    struct wave wave;
    argp_parse(&parser, argc, argv, 0, NULL, &options);
    enum es_status status = cli_open(&options.common, options.phase ? CLI_GRADIENT : CLI_LOSS, &subject, &error);
    if (status == ES_OK && options.common.sample >= subject.set.samples)
        status = es_fail(&error, ES_BAD_INPUT, "--sample %zu: the task has samples 0 to %zu", options.common.sample, subject.set.samples - 1);
    if (status == ES_OK)
        status = simulate(&subject, &options, &wave, &error);
    if (status == ES_OK)
        (options.common.json ? print_json : print_text)(&subject, &options, &wave);
    cli_close(&subject);
    return status == ES_OK ? CLI_DONE : cli_fail(status, &error);
}

const struct cli_command cli_simulate = {
    {"simulate", "waveforms of one pass, and its deck", "echospice simulate netlists/ring8.xml --deck ring8.cir --out ring8.raw"},
    run,
};
