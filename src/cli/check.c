// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
#include "cli/reference.h"

#include "core/clock.h"
#include "learn/expect.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct options {
    struct cli_options common;
    double beta; // 0: as the experiment says
    bool sweep;  // --beta auto
    bool continuous;
    const char *csv;
    double tolerance; // negative: none asked
};

struct report {
    struct es_return back;
    struct es_gradient gradient;
    double difference_step; // in units of the parameters' coordinates
    struct cli_reference difference, adjoint, richardson;
    struct cli_continuous continuous;
    struct es_error no_adjoint, no_continuous; // why there is none
    double *slope_at;                     // [parameters] dtheta/du
    double transient_s, total_s;
    size_t betas; // of the sweep
    double beta[16], change[16];
    struct es_expectation *expectation; // [expects], or NULL where the file's values are not those that are looked at
};

enum { KEY_BETA = CLI_OWN, KEY_CONTINUOUS, KEY_CSV, KEY_TOLERANCE };

static const struct argp_option option_list[] = {
    CLI_OPTION_ENGINE, CLI_OPTION_SCHEME, CLI_OPTION_DATA, CLI_OPTION_SAMPLE, CLI_OPTION_JOBS, CLI_OPTION_SEED, CLI_OPTION_JSON, CLI_OPTION_RULE,
    CLI_OPTION_CHIP, CLI_OPTION_TECHNOLOGY, CLI_OPTION_PROCESS, CLI_OPTION_CORNER, CLI_OPTION_PDK,
    {"steps", CLI_STEPS, "N", 0, "steps per period of the fastest linearised mode, default 20, of transistors 100", 0},
    {"beta", KEY_BETA, "B|auto", 0, "nudge: the largest nudge element over what is at its node already; auto sweeps decades", 0},
    {"continuous", KEY_CONTINUOUS, NULL, 0, "also against the gradient of the continuous circuit (CVODES), at this step, half and a quarter of it", 0},
    {"csv", KEY_CSV, "OUT", 0, "write echo, reference and difference of every parameter", 0},
    {"tolerance", KEY_TOLERANCE, "X", 0, "exit status 1 if the gradient's relative error is above X", 0},
    {0},
};

static error_t parse(int key, char *text, struct argp_state *state) {
    struct options *options = state->input;
    switch (key) {
    case KEY_BETA:
        options->sweep = strcmp(text, "auto") == 0;
        options->beta = options->sweep ? 0 : cli_number(text, "beta", 1e-15, 1e6, state);
        return 0;
    case KEY_CONTINUOUS:
        options->continuous = true;
        return 0;
    case KEY_CSV:
        options->csv = text;
        return 0;
    case KEY_TOLERANCE:
        options->tolerance = cli_number(text, "tolerance", 0, 1e9, state);
        return 0;
    default:
        return cli_parse_option(key, text, state, &options->common);
    }
}

static const struct argp parser = {
    option_list, parse, "FILE",
    "Reversibility and gradient report of an experiment or of a trained run: the echo's gradient of one sample against central finite "
    "differences in the same engine, and against the discrete adjoint in the twin; and whether the circuit does what the file's <expect> "
    "says, in the limit of small steps.\v"
    "Example: echospice check netlists/ring8.xml --engine ngspice --beta 1e-4",
    NULL, NULL, NULL,
};

// Gradients at beta = 1e-1 .. 1e-8: bias falls and rounding grows; the plateau is where neighbours differ least.
static enum es_status sweep(struct cli_subject *s, const struct es_example *example, struct report *r, struct es_error *error) {
    struct es_problem *problem = &s->training.problem;
    size_t n = problem->net->parameters, best = 0;
    double *slope = ES_NEW(s->arena, 8 * n, double);
    enum es_status status = ES_OK;
    for (r->betas = 0; r->betas < 8 && status == ES_OK; r->betas++) {
        struct es_gradient gradient = {.slope = slope + r->betas * n};
        problem->beta = r->beta[r->betas] = pow(10, -1 - (double)r->betas);
        status = es_gradient(problem, s->theta, 1, example, &gradient, error);
    }
    for (size_t i = 0; i + 1 < r->betas && status == ES_OK; i++) {
        r->change[i] = es_agreement_of(n, 1, r->slope_at, slope + i * n, slope + (i + 1) * n).relative_error;
        if (r->change[i] < r->change[best])
            best = i;
    }
    problem->beta = r->beta[best]; // of the two the one with less rounding
    return status;
}

static const char of_rest[] = "a state of rest has no steps, and the gradient above is that of the circuit itself";
static const char of_own_loss[] = "the rule's loss is that of its own free solution, which is no pass from t = 0";

static const char *loss_name(const struct cli_subject *s) {
    return s->experiment->rule->own_loss ? "the loss of the rule's own free solution at this step" : "the loss at this engine, scheme and step";
}

static struct cli_reference reference(const struct cli_subject *s, const struct report *r, const char *name, size_t every, double *slope) {
    return (struct cli_reference){name, loss_name(s), slope, every,
                                  es_agreement_of(s->experiment->net->parameters, every, r->slope_at, r->gradient.slope, slope)};
}

static const size_t most_differences = 500; // parameters, evenly spread, as each takes four passes

// The references of the discretised loss.
static enum es_status refer(struct cli_subject *s, const struct es_example *example, struct report *r, struct es_error *error) {
    struct es_problem plain = s->training.problem, *problem = &plain;
    plain.engine = es_chip_inside(s->engine); // without what is random or rounded
    size_t n = problem->net->parameters;
    double *difference = ES_NEW(s->arena, n, double), *adjoint = ES_NEW(s->arena, n, double), *limit = ES_NEW(s->arena, n, double);
    r->difference_step = cli_difference_step(s) * (problem->rule->own_loss ? es_own_step : 1);
    size_t every = (n + most_differences - 1) / most_differences;
    enum es_status status = es_finite_differences_of(problem, s->theta, 1, example, r->difference_step, every, difference, error);
    if (status != ES_OK)
        return status;
    r->difference = reference(s, r, "finite-difference", every, difference);
    if (problem->rule->own_loss)
        es_fail(&r->no_adjoint, ES_BAD_INPUT, "%s", of_own_loss);
    else if (plain.engine->kind == &es_twin && es_adjoint(problem, s->theta, 1, example, adjoint, &r->no_adjoint) == ES_OK)
        r->adjoint = reference(s, r, cli_at_rest(s) ? "implicit-function" : "discrete-adjoint", 1, adjoint);
    if (problem->rule->finite) // another nudge is another loss
        return ES_OK;
    status = cli_richardson_beta(s, example, r->gradient.slope, limit, error);
    size_t compared = r->adjoint.slope ? 1 : every;
    if (status == ES_OK) // the echo's own limit of a small nudge, against the best of the others
        r->richardson = (struct cli_reference){"richardson-in-beta", r->difference.of, limit, compared,
                                               es_agreement_of(n, compared, r->slope_at, limit, r->adjoint.slope ? adjoint : difference)};
    return status;
}

static enum es_status choose_beta(const struct options *options, struct es_problem *problem, struct es_error *error) {
    const struct es_rule *rule = problem->rule;
    if (options->beta > 0)
        problem->beta = options->beta;
    if (options->sweep && rule->finite)
        return es_fail(error, ES_BAD_INPUT, "--beta auto: to the rule %s another nudge is another loss, and none is best; expected a number", rule->row.name);
    if (!options->sweep && problem->beta >= 1 && !rule->finite)
        return es_fail(error, ES_BAD_INPUT, "beta = %g: the rule %s needs less than 1, as the nudge must not outweigh what is at its node; take --beta", problem->beta, rule->row.name);
    return ES_OK;
}

static enum es_status measure(struct cli_subject *s, const struct options *options, struct report *r, struct es_error *error) {
    const struct es_network *net = s->experiment->net;
    struct es_problem *problem = &s->training.problem;
    double started = es_now();
    struct cli_progress progress;
    cli_progress_of(&progress, problem);
    struct es_example example = es_centre_example(&s->set, options->common.sample, s->arena);
    r->slope_at = ES_NEW(s->arena, net->parameters, double);
    for (size_t i = 0; i < net->parameters; i++)
        r->slope_at[i] = es_parameter_slope(net, i, s->theta[i]);
    r->gradient.slope = ES_NEW(s->arena, net->parameters, double);
    enum es_status status = choose_beta(options, problem, error);
    if (status == ES_OK && options->sweep)
        status = sweep(s, &example, r, error);
    r->back = (struct es_return){NAN, NAN};
    if (status == ES_OK && es_rule_echoes(problem->rule))
        status = es_return(problem, s->theta, &example, &r->back, error);
    if (status == ES_OK)
        status = es_gradient(problem, s->theta, 1, &example, &r->gradient, error);
    if (status == ES_OK)
        status = refer(s, &example, r, error);
    if (status == ES_OK && options->continuous && (problem->rule->own_loss || cli_at_rest(s)))
        es_fail(&r->no_continuous, ES_BAD_INPUT, "%s", cli_at_rest(s) ? of_rest : of_own_loss);
    else if (status == ES_OK && options->continuous)
        (void)cli_compare_continuous(s, &example, r->slope_at, &r->continuous, &r->no_continuous); // the others stand without it
    cli_progress_end();
    r->transient_s = r->gradient.tran_s;
    r->total_s = es_now() - started;
    return status;
}

// What the file expects holds for its own start values, the ideal network, the task's first sample, and steps of one size.
static enum es_status meet_expectations(struct cli_subject *s, const struct options *options, struct report *r, struct es_error *error) {
    const struct es_network *net = s->experiment->net;
    struct es_example example = es_centre_example(&s->set, 0, s->arena);
    if (s->trained || s->chip.count || options->common.seeded || net->expects == 0 || strcmp(s->engine->scheme->row.name, "adaptive") == 0)
        return ES_OK;
    r->expectation = ES_NEW(s->arena, net->expects, struct es_expectation);
    return es_expectations(&s->training.problem, s->theta, &example, r->expectation, error);
}

static bool expectations_met(const struct cli_subject *s, const struct report *r) {
    bool met = true;
    for (size_t i = 0; r->expectation && i < s->experiment->net->expects; i++)
        met &= r->expectation[i].pass;
    return met;
}

static const char *quantity_name(const struct es_expect *expect) {
    return expect->quantity == ES_READ_FLUX ? "flux" : "voltage";
}

static json_t *json_expectations(const struct cli_subject *s, const struct report *r) {
    const struct es_network *net = s->experiment->net;
    json_t *list = json_array();
    for (size_t i = 0; r->expectation && i < net->expects; i++) {
        const struct es_expect *e = &net->expect[i];
        const struct es_expectation *x = &r->expectation[i];
        json_array_append_new(list, json_pack("{s:s, s:s, s:f, s:f, s:o, s:o, s:f, s:o, s:b}", "node", net->node[e->node].name, "quantity", quantity_name(e),
                                              "time", e->time, "expected", e->value, "value", cli_real(x->value), "error", cli_real(x->error), "tolerance",
                                              e->tolerance, "step_error", cli_real(x->step), "pass", (int)x->pass));
    }
    return list;
}

static void print_expectations(const struct cli_subject *s, const struct report *r) {
    const struct es_network *net = s->experiment->net;
    for (size_t i = 0; r->expectation && i < net->expects; i++) {
        const struct es_expect *e = &net->expect[i];
        const struct es_expectation *x = &r->expectation[i];
        const char *unit = e->quantity == ES_READ_FLUX ? "Wb" : "V";
        char time[32], value[32], expected[32];
        printf("  expect          %s %s at %s: %s, expected %s, off by %.1g%s%s%s\n", net->node[e->node].name, quantity_name(e), cli_si(e->time, "s", time),
               cli_si(x->value, unit, value), cli_si(e->value, unit, expected), x->error, e->value != 0 ? "" : " ", e->value != 0 ? "" : unit,
               x->pass ? "" : x->error <= e->tolerance ? "; FAILED: the step error is above the tolerance" : "; FAILED: above the tolerance");
    }
}

// Parameter i as the file has it, and its gradient there.
static void put_abstract(FILE *file, const struct cli_subject *s, size_t i, double echo) {
    const struct es_parameter *p = &s->abstract->parameter[i];
    const struct es_quantity *q = &s->abstract->element[p->element].kind->quantity[p->quantity];
    double theta = es_untuned(s->tuning[i], s->theta[i]);
    fprintf(file, ",%s,%s,%.17g,%.17g", q->name, q->unit, theta, echo * es_tuning_slope(s->tuning[i], theta));
}

static enum es_status write_csv(const char *path, const struct cli_subject *s, const struct report *r, struct es_error *error) {
    const struct es_network *net = s->experiment->net;
    struct cli_output out;
    if (cli_output_open(&out, path, error) != ES_OK)
        return ES_NO_RESOURCE;
    fprintf(out.file, "element,quantity,unit,value,echo,reference,difference%s\n", s->technology ? ",abstract_quantity,abstract_unit,abstract_value,abstract_echo" : "");
    for (size_t i = 0; i < net->parameters; i++) {
        const struct es_parameter *p = &net->parameter[i];
        const struct es_element *e = &net->element[p->element];
        double echo = r->gradient.slope[i], reference = r->difference.slope[i];
        fprintf(out.file, "%s,%s,%s,%.17g,%.17g,", e->name, e->kind->quantity[p->quantity].name, e->kind->quantity[p->quantity].unit, s->theta[i], echo);
        if (i % r->difference.every == 0)
            fprintf(out.file, "%.17g,%.17g", reference, echo - reference);
        else
            fputs(",", out.file);
        if (s->technology)
            put_abstract(out.file, s, i, echo);
        fputs("\n", out.file);
    }
    return cli_output_close(&out, true, error);
}

static void print_json(const struct cli_subject *s, const struct options *options, const struct report *r) {
    const struct es_problem *problem = &s->training.problem;
    size_t n = problem->net->parameters;
    json_t *sweep_list = json_array();
    for (size_t i = 0; i + 1 < r->betas; i++)
        json_array_append_new(sweep_list, json_pack("{s:f, s:o}", "beta", r->beta[i], "change", cli_real(r->change[i])));
    json_t *object = json_pack(
        "{s:s, s:s, s:s, s:o, s:o, s:f, s:o, s:I, s:o, s:s, s:o, s:o, s:o, s:o, s:{s:o, s:f}, s:o, s:f}", "engine", s->engine->kind->row.name, "scheme",
        s->engine->scheme->row.name, "rule", problem->rule->row.name, "beta", cli_real(problem->beta), "beta_si", cli_real(problem->rule->solve ? NAN : r->gradient.beta_si),
        "steps", options->common.steps, "steps_per_period", cli_real(cli_steps_per_period(s)), "substeps", (json_int_t)problem->grid.substeps,
        "frequency_error", cli_real(cli_frequency_error(s)), "exactness", cli_exactness(s), "retrace_error", cli_real(r->back.retrace),
        "energy_drift", cli_real(r->back.energy_drift), "loss", cli_real(r->gradient.loss), "gradient", cli_json_reference(&r->difference, n),
        "time", "transient_s", cli_real(problem->rule->solve ? NAN : r->transient_s), "total_s", r->total_s, "beta_sweep", sweep_list,
        "difference_step", r->difference_step);
    if (s->chip.count)
        json_object_set_new(object, "w0", cli_real(es_chip_frequency(s->ideal)));
    if (r->adjoint.slope)
        json_object_set_new(object, "adjoint", cli_json_reference(&r->adjoint, n));
    if (r->gradient.iterations > 0)
        json_object_set_new(object, "iterations", json_integer((json_int_t)r->gradient.iterations));
    if (r->richardson.slope)
        json_object_set_new(object, "richardson_beta", cli_json_reference(&r->richardson, n));
    if (options->continuous)
        json_object_set_new(object, "continuous", r->no_continuous.text[0] ? json_pack("{s:s}", "unavailable", r->no_continuous.text)
                                                                           : cli_json_continuous(&r->continuous));
    json_object_set_new(object, "expect", json_expectations(s, r));
    cli_print_json(object);
}

// What only transients have: the step, and the way back.
static void print_pass(const struct cli_subject *s, const struct report *r) {
    const struct es_problem *problem = &s->training.problem;
    char step[32], frequency[32];
    if (s->omega > 0)
        printf("  step            %s, %.1f per period of the fastest mode (%s); the scheme puts that mode off by %+.2g %%\n",
               cli_si(es_grid_step(&problem->grid), "s", step), cli_steps_per_period(s), cli_si(s->omega / (2 * M_PI), "Hz", frequency),
               100 * cli_frequency_error(s));
    else
        printf("  step            %s; nothing resonates\n", cli_si(es_grid_step(&problem->grid), "s", step));
    if (!es_rule_echoes(problem->rule))
        printf("  retrace         the rule %s runs no echo, so that nothing has to return\n", problem->rule->row.name);
    else if (isnan(r->back.retrace))
        printf("  retrace         there is no energy at either end of the pass, so the echo has nothing to return to\n");
    else
        printf("  retrace         the echo returns within %.2g of the state's norm; stored energy drifts by %.2g\n", r->back.retrace, r->back.energy_drift);
}

static void print_text(const struct cli_subject *s, const struct options *options, const struct report *r) {
    const struct es_problem *problem = &s->training.problem;
    printf("%s: %zu nodes, %zu parameters%s; engine %s, scheme %s, sample %zu\n", options->common.file, problem->net->nodes,
           problem->net->parameters, s->trained ? " (trained)" : "", s->engine->kind->row.name, s->engine->scheme->row.name, options->common.sample);
    if (s->technology)
        printf("  technology      %s: %s\n", s->technology->row.name, s->technology->row.about);
    if (s->process)
        printf("  transistors     of %s, corner %s; echoes turn back by %s\n", s->process->name, s->kit.corner, s->experiment->reversal->row.name);
    if (!cli_at_rest(s))
        print_pass(s, r);
    for (size_t i = 0; i + 1 < r->betas; i++)
        printf("  beta %-10.0e the gradient changes by %.2g to the next decade\n", r->beta[i], r->change[i]);
    printf("  gradient        rule %s, beta %.3g", problem->rule->row.name, problem->beta);
    if (!problem->rule->solve)
        printf(" (beta_si %.4g)", r->gradient.beta_si);
    printf(", loss %.6g\n", r->gradient.loss);
    if (r->gradient.iterations > 0)
        printf("  solver          %zu iterations for the free solution and the two nudged ones\n", r->gradient.iterations);
    printf("  against the gradient of %s\n", loss_name(s));
    cli_print_reference(&r->difference);
    if (r->difference.every > 1)
        printf("                          of %zu parameters, evenly spread\n", (problem->net->parameters + r->difference.every - 1) / r->difference.every);
    cli_print_reference(&r->adjoint);
    if (r->no_adjoint.text[0])
        printf("    discrete-adjoint      none: %s\n", r->no_adjoint.text);
    cli_print_reference(&r->richardson);
    if (r->no_continuous.text[0])
        printf("  no gradient of the continuous circuit: %s\n", r->no_continuous.text);
    else if (options->continuous)
        cli_print_continuous(&r->continuous);
    print_expectations(s, r);
    if (cli_chip_frequency(s))
        printf("  chip            %s\n", cli_chip_frequency(s));
    printf("  exactness       %s\n", cli_exactness(s));
    printf("  time            ");
    if (!problem->rule->solve)
        printf("%.3g s in transients of the gradient, ", r->transient_s);
    printf("%.3g s in all\n", r->total_s);
}

static int run(int argc, char **argv) {
    struct options options = {.common = {.fold = -1}, .tolerance = -1};
    struct cli_subject subject;
    struct es_error error = {""};
    struct report report = {.betas = 0};
    argp_parse(&parser, argc, argv, 0, NULL, &options);
    if (options.common.steps == 0)
        options.common.steps = options.common.process ? 2 * CLI_TRANSISTOR_STEPS : 20;
    enum es_status status = cli_open(&options.common, CLI_GRADIENT, &subject, &error);
    if (status == ES_OK && options.common.sample >= subject.set.samples)
        status = es_fail(&error, ES_BAD_INPUT, "--sample %zu: the task has samples 0 to %zu", options.common.sample, subject.set.samples - 1);
    if (status == ES_OK && subject.experiment->net->parameters == 0)
        status = es_fail(&error, ES_BAD_INPUT, "%s: no element is trainable, so there is no gradient; write trainable=\"yes\" with min and max",
                         options.common.file);
    if (status == ES_OK)
        status = measure(&subject, &options, &report, &error);
    if (status == ES_OK)
        status = meet_expectations(&subject, &options, &report, &error);
    if (status == ES_OK && options.csv)
        status = write_csv(options.csv, &subject, &report, &error);
    if (status == ES_OK)
        (options.common.json ? print_json : print_text)(&subject, &options, &report);
    bool met = status == ES_OK && expectations_met(&subject, &report);
    cli_close(&subject);
    if (status != ES_OK)
        return cli_fail(status, &error);
    return !met || (options.tolerance >= 0 && !(report.difference.agreement.relative_error <= options.tolerance)) ? CLI_VERDICT : CLI_DONE;
}

const struct cli_command cli_check = {
    {"check", "is it reversible, and is the echo's gradient exact?", "echospice check netlists/ring8.xml --engine ngspice"},
    run,
};
