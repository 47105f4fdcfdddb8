// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
#include "cli/reference.h"

#include "core/clock.h"

#include <math.h>
#include <stdio.h>

static const struct argp_option option_list[] = {
    CLI_OPTION_ENGINE, CLI_OPTION_SCHEME, CLI_OPTION_DATA, CLI_OPTION_SAMPLE, CLI_OPTION_JOBS, CLI_OPTION_SEED, CLI_OPTION_JSON, CLI_OPTION_STEPS, {0},
};

static error_t parse(int key, char *text, struct argp_state *state) {
    return cli_parse_option(key, text, state, state->input);
}

static const struct argp parser = {
    option_list, parse, "FILE",
    "Every learning rule on this circuit, side by side: the boundary conditions of its nudged runs, how many runs it takes, and how far its gradient "
    "of one sample is from the exact one (finite differences in the same engine; in the twin the discrete adjoint). A rule that the "
    "circuit does not admit is listed with the reason.\vExample: echospice rules netlists/ring8.xml",
    NULL, NULL, NULL,
};

struct outcome {
    const struct es_rule *rule;
    size_t passes; // with the free one
    double relative_error, cosine, norm_ratio, seconds;
    struct es_error reason; // why it is not admitted, or ""
};

enum { MOST_RULES = 32 };

struct report {
    const char *reference;
    double *exact, *slope_at; // [parameters]
    size_t outcomes;
    struct outcome outcome[MOST_RULES];
};

static enum es_status find_exact(struct cli_subject *s, const struct es_example *example, struct report *r, struct es_error *error) {
    const struct es_problem *problem = &s->training.problem;
    size_t n = problem->net->parameters;
    r->exact = ES_NEW(s->arena, n, double);
    r->slope_at = ES_NEW(s->arena, n, double);
    for (size_t i = 0; i < n; i++)
        r->slope_at[i] = es_parameter_slope(problem->net, i, s->theta[i]);
    r->reference = "discrete-adjoint";
    if (s->engine->kind == &es_twin && es_adjoint(problem, s->theta, 1, example, r->exact, NULL) == ES_OK)
        return ES_OK;
    r->reference = "finite-difference";
    return es_finite_differences(problem, s->theta, 1, example, cli_difference_step(s), r->exact, error);
}

static double norm(size_t n, const double *weight, const double *a) {
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += pow(weight[i] * a[i], 2);
    return sqrt(sum);
}

// An engine that gives up ends the command; a rule that does not admit the circuit is an outcome.
static enum es_status try_rule(struct cli_subject *s, const struct es_example *example, const struct es_rule *rule, struct report *r, struct es_error *error) {
    const struct es_experiment *x = s->experiment;
    struct es_problem problem = s->training.problem;
    struct outcome *outcome = &r->outcome[r->outcomes++];
    struct es_gradient gradient = {.slope = ES_NEW(s->arena, x->net->parameters, double)};
    *outcome = (struct outcome){.rule = rule, .passes = rule->solve ? 0 : 1 + rule->passes(x->net)};
    if (rule->admits(&problem, &outcome->reason) != ES_OK)
        return ES_OK;
    problem.rule = rule;
    double start = es_now();
    enum es_status status = es_gradient(&problem, s->theta, 1, example, &gradient, error);
    outcome->seconds = es_now() - start;
    cli_compare(x->net->parameters, r->slope_at, gradient.slope, r->exact, &outcome->relative_error, &outcome->cosine);
    outcome->norm_ratio = norm(x->net->parameters, r->slope_at, gradient.slope) / norm(x->net->parameters, r->slope_at, r->exact);
    return status;
}

static enum es_status measure(struct cli_subject *s, const struct cli_options *options, struct report *r, struct es_error *error) {
    struct es_example example = es_centre_example(&s->set, options->sample, s->arena);
    struct cli_progress progress;
    cli_progress_of(&progress, &s->training.problem);
    enum es_status status = find_exact(s, &example, r, error);
    for (size_t i = 0; es_rules[i] && i < MOST_RULES && status == ES_OK; i++)
        status = try_rule(s, &example, (const void *)es_rules[i], r, error);
    cli_progress_end();
    return status;
}

static void print_json(const struct cli_subject *s, const struct report *r) {
    json_t *list = json_array();
    for (size_t i = 0; i < r->outcomes; i++) {
        const struct outcome *o = &r->outcome[i];
        bool admitted = !o->reason.text[0];
        json_t *row = json_pack("{s:s, s:b, s:s, s:I, s:s, s:b, s:b}", "rule", o->rule->row.name, "admitted", (int)admitted, "boundary", o->rule->boundary, "passes",
                                (json_int_t)o->passes, "memory", o->rule->memory, "local", (int)o->rule->local, "forward_only", (int)o->rule->forward);
        json_t *found = admitted ? json_pack("{s:o, s:o, s:o, s:f}", "relative_error", cli_real(o->relative_error), "cosine", cli_real(o->cosine), "norm_ratio",
                                             cli_real(o->norm_ratio), "seconds", o->seconds)
                                 : json_pack("{s:s}", "reason", o->reason.text);
        json_object_update(row, found);
        json_decref(found);
        json_array_append_new(list, row);
    }
    cli_print_json(json_pack("{s:s, s:s, s:s, s:f, s:o}", "engine", s->engine->kind->row.name, "scheme", s->engine->scheme->row.name, "reference", r->reference,
                             "beta", s->training.problem.beta, "rules", list));
}

static void print_text(const struct cli_subject *s, const struct cli_options *options, const struct report *r) {
    printf("%s: %zu parameters; engine %s, scheme %s, sample %zu, beta %g; against the %s\n", options->file, s->experiment->net->parameters,
           s->engine->kind->row.name, s->engine->scheme->row.name, options->sample, s->training.problem.beta, r->reference);
    printf("%-14s %-13s %6s %-33s %-5s %-7s %9s %9s %9s %8s\n", "rule", "held", "passes", "memory", "local", "forward", "error", "1-cosine", "norm", "time");
    for (size_t i = 0; i < r->outcomes; i++) {
        const struct outcome *o = &r->outcome[i];
        char time[32];
        printf("%-14s %-13s %6zu %-33s %-5s %-7s ", o->rule->row.name, o->rule->boundary, o->passes, o->rule->memory, o->rule->local ? "yes" : "no",
               o->rule->forward ? "only" : "no");
        if (o->reason.text[0])
            printf("no: %s\n", o->reason.text);
        else
            printf("%9.2g %9.2g %9.4f %8s\n", o->relative_error, 1 - o->cosine, o->norm_ratio, cli_si(o->seconds, "s", time));
    }
}

static int run(int argc, char **argv) {
    struct cli_options options = {.fold = -1, .steps = 20};
    struct cli_subject subject;
    struct es_error error = {""};
    struct report report = {.outcomes = 0};
    argp_parse(&parser, argc, argv, 0, NULL, &options);
    enum es_status status = cli_open(&options, CLI_LOSS, &subject, &error);
    if (status == ES_OK && options.sample >= subject.set.samples)
        status = es_fail(&error, ES_BAD_INPUT, "--sample %zu: the task has samples 0 to %zu", options.sample, subject.set.samples - 1);
    if (status == ES_OK && subject.experiment->net->parameters == 0)
        status = es_fail(&error, ES_BAD_INPUT, "%s: no element is trainable, so there is no gradient; write trainable=\"yes\" with min and max", options.file);
    if (status == ES_OK)
        status = measure(&subject, &options, &report, &error);
    if (status == ES_OK && options.json)
        print_json(&subject, &report);
    else if (status == ES_OK)
        print_text(&subject, &options, &report);
    cli_close(&subject);
    return status == ES_OK ? CLI_DONE : cli_fail(status, &error);
}

const struct cli_command cli_rules = {
    {"rules", "every learning rule on this circuit, side by side", "echospice rules netlists/ring8.xml"},
    run,
};
