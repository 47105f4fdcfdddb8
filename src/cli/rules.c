// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
#include "cli/gnuplot.h"
#include "cli/reference.h"
#include "cli/sweep.h"
#include "core/clock.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

struct options {
    struct cli_options common;
    const char *plot, *csv;
};

enum { KEY_PLOT = CLI_OWN, KEY_CSV };

static const struct argp_option option_list[] = {
    CLI_OPTION_ENGINE, CLI_OPTION_SCHEME, CLI_OPTION_DATA, CLI_OPTION_SAMPLE, CLI_OPTION_JOBS, CLI_OPTION_SEED, CLI_OPTION_JSON, CLI_OPTION_STEPS, CLI_OPTION_CHIP, CLI_OPTION_TECHNOLOGY,
    {"plot", KEY_PLOT, "OUT.svg", 0, "also draw the rules' error against the length of the pass, damping and beta (needs gnuplot)", 0},
    {"csv", KEY_CSV, "OUT.csv", 0, "also write the numbers of that picture", 0},
    {0},
};

static error_t parse(int key, char *text, struct argp_state *state) {
    struct options *options = state->input;
    switch (key) {
    case KEY_PLOT:
        options->plot = text;
        return 0;
    case KEY_CSV:
        options->csv = text;
        return 0;
    default:
        return cli_parse_option(key, text, state, &options->common);
    }
}

static const struct argp parser = {
    option_list, parse, "FILE",
    "Every learning rule on this circuit, side by side: the boundary conditions of its nudged runs, how many runs it takes, and how far its gradient "
    "of one sample is from the exact one (finite differences in the same engine; in the twin the discrete adjoint; a rule with a loss of its own is "
    "compared with the differences of that). The time of one gradient is given in both engines, or in the one that --engine names. A rule that the "
    "circuit does not admit is listed with the reason.\n\nheld: what the nudged solutions have in common with the free one. runs: free and nudged passes, or "
    "the iterations of a solver. local: an element learns from what it sees itself. forward: nothing runs backwards. error, 1-cosine, norm: of the "
    "gradient, relative to the exact one.\vExample: echospice rules netlists/ring8.xml --plot rules.svg",
    NULL, NULL, NULL,
};

enum { ENGINES = 2 };

struct report {
    struct cli_case exact;
    size_t rules;
    struct cli_comparison comparison[CLI_RULES];
    bool timed[ENGINES];                // in the order of es_engine_kinds
    double seconds[CLI_RULES][ENGINES]; // NaN where it was not run
    struct cli_sweeps sweeps;
};

static enum es_status find_exact(struct cli_subject *s, struct es_example *example, struct report *r, struct es_error *error) {
    const struct es_problem *problem = &s->training.problem;
    double *weight = ES_NEW(s->arena, problem->net->parameters, double);
    for (size_t i = 0; i < problem->net->parameters; i++)
        weight[i] = es_parameter_slope(problem->net, i, s->theta[i]);
    r->exact = (struct cli_case){.problem = problem, .theta = s->theta, .weight = weight, .example = example,
                                 .difference_step = cli_difference_step(s), .arena = s->arena};
    return cli_find_exact(&r->exact, error);
}

// The time of the rules' gradients in another engine, where it admits them.
static enum es_status time_rules(const struct cli_subject *s, struct es_engine *engine, size_t column, struct report *r, struct es_error *error) {
    struct es_problem problem = s->training.problem;
    double loss;
    problem.engine = engine;
    problem.rule = &es_rhel;
    r->timed[column] = true;
    enum es_status status = es_losses(&problem, s->theta, 1, r->exact.example, &(struct es_free){.loss = &loss}, error); // workers are started
    for (size_t i = 0; i < r->rules && status == ES_OK; i++) {
        struct es_gradient gradient = {.slope = ES_NEW(s->arena, problem.net->parameters, double)};
        problem.rule = r->comparison[i].rule;
        if (!cli_compared(&r->comparison[i]) || es_rule_admits(problem.rule, &problem, NULL) != ES_OK)
            continue;
        double start = es_now();
        status = es_gradient(&problem, s->theta, 1, r->exact.example, &gradient, error);
        if (status == ES_FAILED) // in this engine; it has no time then
            status = ES_OK;
        else
            r->seconds[i][column] = es_now() - start;
    }
    return status;
}

static enum es_status time_engines(const struct cli_subject *s, const struct cli_options *options, struct report *r, struct es_error *error) {
    enum es_status status = ES_OK;
    for (size_t k = 0; es_engine_kinds[k] && status == ES_OK; k++) {
        const struct es_engine_kind *kind = (const void *)es_engine_kinds[k];
        struct es_engine_options other = {.jobs = options->jobs, .scheme = es_engine_scheme(kind, cli_at_rest(s))->row.name};
        struct es_engine *engine;
        if (strcmp(kind->row.name, s->engine->kind->row.name) == 0) {
            status = time_rules(s, s->engine, k, r, error);
            continue;
        }
        if (options->engine)
            continue;
        status = es_engine_open(kind, s->experiment->net, &other, &engine, error);
        if (status == ES_OK)
            status = time_rules(s, engine, k, r, error);
        es_engine_close(engine);
    }
    return status;
}

static enum es_status measure(struct cli_subject *s, const struct options *options, struct report *r, struct es_error *error) {
    struct es_example example = es_centre_example(&s->set, options->common.sample, s->arena), *kept = ES_NEW(s->arena, 1, struct es_example);
    struct cli_progress progress;
    *kept = example;
    cli_progress_of(&progress, &s->training.problem);
    enum es_status status = find_exact(s, kept, r, error);
    for (; es_rules[r->rules] && r->rules < CLI_RULES && status == ES_OK; r->rules++) {
        r->seconds[r->rules][0] = r->seconds[r->rules][1] = NAN;
        status = cli_compare_rule(&r->exact, (const void *)es_rules[r->rules], &r->comparison[r->rules], error);
    }
    if (status == ES_OK)
        status = time_engines(s, &options->common, r, error);
    s->training.problem.progress = NULL;
    cli_progress_end();
    return status;
}

// The files are opened first, as the sweeps take their time.
static enum es_status sweep(const struct cli_subject *s, const struct options *options, struct report *r, struct es_error *error) {
    struct cli_output csv = {.file = NULL}, svg = {.file = NULL};
    enum es_status status = options->csv ? cli_output_open(&csv, options->csv, error) : ES_OK;
    if (status == ES_OK && options->plot)
        status = cli_output_open(&svg, options->plot, error);
    if (status == ES_OK && options->plot)
        status = cli_gnuplot_found(error);
    if (status == ES_OK)
        status = cli_sweep(&r->exact, &r->sweeps, error);
    if (status == ES_OK && options->csv)
        cli_sweep_csv(&r->sweeps, csv.file);
    if (status == ES_OK && options->plot)
        status = cli_sweep_svg(&r->sweeps, s->experiment->net->name, svg.file, error);
    enum es_status csv_closed = cli_output_close(&csv, status == ES_OK, error), svg_closed = cli_output_close(&svg, status == ES_OK, error);
    return status != ES_OK ? status : csv_closed != ES_OK ? csv_closed : svg_closed;
}

static json_t *json_rule(const struct report *r, size_t i) {
    const struct cli_comparison *c = &r->comparison[i];
    const struct es_rule *rule = c->rule;
    json_t *row = json_pack("{s:s, s:b, s:s, s:o, s:s, s:b, s:b}", "rule", rule->row.name, "admitted", (int)cli_compared(c), "boundary", rule->boundary, "passes",
                            c->passes ? json_integer((json_int_t)c->passes) : json_null(), "memory", rule->memory, "local", (int)rule->local, "forward_only", (int)rule->forward);
    if (!cli_compared(c)) {
        json_object_set_new(row, "reason", json_string(c->reason.text));
        return row;
    }
    json_t *seconds = json_object();
    for (size_t k = 0; k < ENGINES; k++)
        json_object_set_new(seconds, es_engine_kinds[k]->name, cli_real(r->seconds[i][k]));
    json_t *found = json_pack("{s:s, s:o, s:o, s:o, s:o, s:o}", "reference", rule->own_loss ? "finite-difference of its own loss" : r->exact.reference, "relative_error",
                              cli_real(c->agreement.relative_error), "cosine", cli_real(c->agreement.cosine), "norm_ratio", cli_real(c->agreement.norm_ratio), "iterations",
                              c->iterations ? json_integer((json_int_t)c->iterations) : json_null(), "seconds", seconds);
    json_object_update(row, found);
    json_decref(found);
    return row;
}

static void print_json(const struct cli_subject *s, const struct options *options, const struct report *r) {
    json_t *list = json_array();
    for (size_t i = 0; i < r->rules; i++)
        json_array_append_new(list, json_rule(r, i));
    cli_print_json(json_pack("{s:s, s:I, s:I, s:s, s:s, s:s, s:f, s:o}", "file", options->common.file, "parameters", (json_int_t)s->experiment->net->parameters, "sample",
                             (json_int_t)options->common.sample, "engine", s->engine->kind->row.name, "scheme", s->engine->scheme->row.name, "reference", r->exact.reference,
                             "beta", s->training.problem.beta, "rules", list));
}

static int widest(const struct report *r, const char *heading, const char *(*text)(const struct es_rule *)) {
    size_t width = strlen(heading);
    for (size_t i = 0; i < r->rules; i++)
        if (strlen(text(r->comparison[i].rule)) > width)
            width = strlen(text(r->comparison[i].rule));
    return (int)width;
}

static const char *name_of(const struct es_rule *rule) {
    return rule->row.name;
}

static const char *boundary_of(const struct es_rule *rule) {
    return rule->boundary;
}

// Passes, or the iterations of a rule that solves.
static const char *runs_text(const struct cli_comparison *c, char text[32]) {
    snprintf(text, 32, c->passes ? "%zu" : c->iterations ? "%zu it." : "its own", c->passes ? c->passes : c->iterations);
    return text;
}

static void print_row(const struct report *r, size_t i, int name, int boundary) {
    const struct cli_comparison *c = &r->comparison[i];
    char time[32], runs[32];
    int order = (int)strcspn(c->rule->memory, ",:"); // what it is made of stands behind
    if (!cli_compared(c))
        return;
    printf("%-*s  %-*s %8s  %-6.*s %-5s  %-7s %9.2g%c %8.2g %8.4f", name, c->rule->row.name, boundary, c->rule->boundary, runs_text(c, runs), order, c->rule->memory,
           c->rule->local ? "yes" : "no", c->rule->forward ? "only" : "no", c->agreement.relative_error, c->rule->own_loss ? '*' : ' ', fmax(1 - c->agreement.cosine, 0), c->agreement.norm_ratio);
    for (size_t k = 0; k < ENGINES; k++)
        if (r->timed[k])
            printf(" %9s", isnan(r->seconds[i][k]) ? "-" : cli_si(r->seconds[i][k], "s", time));
    printf("\n");
}

// Each reason once, with all the rules that give it.
static void print_refusals(const struct report *r) {
    for (size_t i = 0; i < r->rules; i++) {
        const char *reason = r->comparison[i].reason.text, *separator = "";
        size_t first = 0;
        while (strcmp(r->comparison[first].reason.text, reason) != 0)
            first++;
        if (!reason[0] || first < i)
            continue;
        printf("not here: ");
        for (size_t j = i; j < r->rules; j++)
            if (strcmp(r->comparison[j].reason.text, reason) == 0) {
                printf("%s%s", separator, r->comparison[j].rule->row.name);
                separator = ", ";
            }
        printf(": %s\n", reason);
    }
}

static void print_text(const struct cli_subject *s, const struct options *options, const struct report *r) {
    int name = widest(r, "rule", name_of), boundary = widest(r, "held", boundary_of);
    bool starred = false;
    printf("%s: %zu parameters; engine %s, scheme %s, sample %zu, beta %g; against the %s\n", options->common.file, s->experiment->net->parameters,
           s->engine->kind->row.name, s->engine->scheme->row.name, options->common.sample, s->training.problem.beta, r->exact.reference);
    printf("%-*s  %-*s %8s  %-6s %-5s  %-7s %9s  %8s %8s", name, "rule", boundary, "held", "runs", "memory", "local", "forward", "error", "1-cosine", "norm");
    for (size_t k = 0; k < ENGINES; k++)
        if (r->timed[k])
            printf(" %9s", es_engine_kinds[k]->name);
    printf("\n");
    for (size_t i = 0; i < r->rules; i++) {
        print_row(r, i, name, boundary);
        starred |= cli_compared(&r->comparison[i]) && r->comparison[i].rule->own_loss;
    }
    if (starred)
        printf("* of the loss of the rule's own free solution, against finite differences of that\n");
    print_refusals(r);
    if (options->plot)
        printf("The rules against %s: %s\n", cli_at_rest(s) ? "beta" : "horizon, damping and beta", options->plot);
    cli_sweep_gaps(&r->sweeps);
}

static int run(int argc, char **argv) {
    struct options options = {.common = {.fold = -1, .steps = 20}};
    struct cli_subject subject;
    struct es_error error = {""};
    static struct report report; // too large for the stack
    argp_parse(&parser, argc, argv, 0, NULL, &options);
    enum es_status status = cli_open(&options.common, CLI_LOSS, &subject, &error);
    if (status == ES_OK && options.plot && options.csv && strcmp(options.plot, options.csv) == 0)
        status = es_fail(&error, ES_BAD_INPUT, "--plot and --csv both name %s; expected two files", options.plot);
    if (status == ES_OK && (options.plot || options.csv) && *es_chip_outside(&subject.chip, subject.arena))
        status = es_fail(&error, ES_BAD_INPUT, "--plot and --csv sweep networks, and %s would be left out; leave them out of --chip", es_chip_outside(&subject.chip, subject.arena));
    if (status == ES_OK && options.common.sample >= subject.set.samples)
        status = es_fail(&error, ES_BAD_INPUT, "--sample %zu: the task has samples 0 to %zu", options.common.sample, subject.set.samples - 1);
    if (status == ES_OK && subject.experiment->net->parameters == 0)
        status = es_fail(&error, ES_BAD_INPUT, "%s: no element is trainable, so there is no gradient; write trainable=\"yes\" with min and max", options.common.file);
    if (status == ES_OK)
        status = measure(&subject, &options, &report, &error);
    if (status == ES_OK && (options.plot || options.csv))
        status = sweep(&subject, &options, &report, &error);
    if (status == ES_OK && options.common.json)
        print_json(&subject, &options, &report);
    else if (status == ES_OK)
        print_text(&subject, &options, &report);
    cli_close(&subject);
    return status == ES_OK ? CLI_DONE : cli_fail(status, &error);
}

const struct cli_command cli_rules = {
    {"rules", "every learning rule on this circuit, side by side", "echospice rules netlists/ring8.xml"},
    run,
};
