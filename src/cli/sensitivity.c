// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
#include "cli/sensitivity.h"

#include "cli/workers.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct options {
    struct cli_options common;
    const char *acting, *only, *csv;
    size_t chips, samples, epochs; // of epochs 0: as the experiment says
};

enum { KEY_ACTING = CLI_OWN, KEY_CHIPS, KEY_EPOCHS, KEY_SAMPLES, KEY_GRADIENTS, KEY_ONLY, KEY_CSV };

static const struct argp_option option_list[] = {
    CLI_OPTION_ENGINE, CLI_OPTION_SCHEME, CLI_OPTION_DATA, CLI_OPTION_FOLD, CLI_OPTION_STEPS, CLI_OPTION_RULE, CLI_OPTION_SEED, CLI_OPTION_JSON,
    {"chip", CLI_CHIP, "KEY=VALUE,...", 0, "what the circuit is beside the nonideality in question, as made, see `echospice list nonidealities`", 0},
    {"acting", KEY_ACTING, "WHERE", 0, "where nonidealities act while loss and accuracy are looked at: use (the values as given, used on the chip; the default), "
     "training (trained on the chip, used on one without the nonideality) or both", 0},
    {"epochs", KEY_EPOCHS, "N", 0, "of each training, with --acting training or both", 0},
    {"chips", KEY_CHIPS, "N", 0, "how many chips the means are over, default 3; one will do of what is not drawn", 0},
    {"samples", KEY_SAMPLES, "N", 0, "test samples, default 1000, where the task makes as many as are asked for (formants); else all that the test part has", 0},
    {"gradient-samples", KEY_GRADIENTS, "N", 0, "training samples for whose mean loss gradients are compared, default 16", 0},
    {"only", KEY_ONLY, "KEY,...", 0, "of these nonidealities, in place of all", 0},
    {"jobs", CLI_JOBS, "N", 0, "nonidealities at once; default the cores", 0},
    {"csv", KEY_CSV, "OUT.csv", 0, "also write one line for each nonideality and limit", 0},
    {0},
};

static error_t parse(int key, char *text, struct argp_state *state) {
    struct options *options = state->input;
    switch (key) {
    case KEY_ACTING:
        options->acting = text;
        return 0;
    case KEY_EPOCHS:
        options->epochs = (size_t)cli_whole(text, "epochs", 1, 1e5, state);
        return 0;
    case KEY_CHIPS:
        options->chips = (size_t)cli_whole(text, "chips", 1, 1e4, state);
        return 0;
    case KEY_SAMPLES:
        options->common.tested = (size_t)cli_whole(text, "samples", 1, 1e6, state);
        return 0;
    case KEY_GRADIENTS:
        options->samples = (size_t)cli_whole(text, "gradient-samples", 1, 1e6, state);
        return 0;
    case KEY_ONLY:
        options->only = text;
        return 0;
    case KEY_CSV:
        options->csv = text;
        return 0;
    default:
        return cli_parse_option(key, text, state, &options->common);
    }
}

static const struct argp parser = {
    option_list, parse, "FILE|RUN.db",
    "How much of each nonideality a network bears, trained (RUN.db) or as its file states it: the magnitude at which the cosine between the rule's gradient "
    "and the exact one falls to 0.99 and to 0.9, and, against the network without that nonideality, the loss on the test samples rises by 10 % and the "
    "accuracy on them falls by 2 standard errors. One at a time; means over the chips. Samples and draws are the same at every magnitude: 9 evenly spaced on "
    "a logarithm, then, from where the nonideality begins to tell, 4 in a decade, then a bisection of the first crossing, to 2 %. Bits are whole: the "
    "fewest that keep the limit.\n\n"
    "The exact gradient is that of the loss in the twin, of the network as it was made, without what is random or rounded: by the discrete adjoint, or, "
    "where there are losses, by the reciprocal rule where that is exact, or by finite differences. The twin's midpoint rule and ngspice's trapezoidal "
    "rule are the same to 1e-10 (docs/theory.md 3). The "
    "cosine is a matter of training, but taken at the given values. The standard error is that of one accuracy, sqrt(p (1 - p) / n) with p = (right + 1) / "
    "(n + 2).\v"
    "In the table: \"> X\" (\"< X\" of what should be large): the limit is passed at no magnitude up to X; \"none\": at no magnitude does it change "
    "anything but rounding; \"any\": the limit is passed at every magnitude, and perhaps without it; \"-\": there is no such limit here; *: at some worse "
    "magnitude that was looked at the limit is not passed, and this is the first crossing; !: from there on the circuit has failed, and cannot be simulated; "
    "~: the chips' standard deviation is more than the change asked for (CSV and JSON: spread, their ratio). Magnitudes go to the limits in `echospice list nonidealities`, in the positive direction, times "
    "to the length of a pass. What acts beside losses only (noise-temperature, compensation) needs them in --chip.\n"
    "Where the exact gradient is by finite differences (sense-saturation), a row takes minutes; --only and --gradient-samples take less.\n"
    "What comes of a training is less smooth in the magnitude than what comes of use, and the more so the fewer its epochs and chips.\n"
    "Example: echospice sensitivity demo.db --engine twin\n"
    "Example: echospice sensitivity netlists/demo.xml --engine twin --acting both --epochs 6 --only q-parallel,integral-bits --chips 2",
    NULL, NULL, NULL,
};

// ---- what is found ---------------------------------------------------------------------------------------------------

struct session {
    const struct options *options;
    struct cli_subject subject;
    struct es_chip chip; // beside the nonideality in question
    struct es_sensitivity sensitivity;
    bool started; // what is without a nonideality is known
    struct cli_budget budget;
    size_t died;
    struct cli_progress progress;
};

static bool is_listed(const char *list, const char *name) {
    size_t length = strlen(name);
    for (const char *at = list; at; at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL)
        if (strncmp(at, name, length) == 0 && (at[length] == ',' || !at[length]))
            return true;
    return false;
}

static enum es_status choose_kinds(struct session *session, struct es_error *error) {
    struct es_arena *arena = session->subject.arena;
    const char *only = session->options->only;
    char *left = es_arena_string(arena, only ? only : ""), names[1024];
    for (char *name; only && (name = strsep(&left, ","));)
        if (!es_row_find(es_nonidealities, name))
            return es_fail(error, ES_BAD_INPUT, "--only %s: \"%s\" is no nonideality; expected some of %s, with commas between", only, name,
                           es_row_names(es_nonidealities, names, sizeof names));
    size_t rows = 0;
    while (es_nonidealities[rows])
        rows++;
    session->budget.kind = ES_NEW(arena, rows, const struct es_nonideality *);
    session->budget.finding = ES_NEW(arena, rows, struct cli_finding);
    session->budget.ended = ES_NEW(arena, rows, bool);
    for (size_t i = 0; i < rows; i++)
        if (!only || is_listed(only, es_nonidealities[i]->name))
            session->budget.kind[session->budget.kinds++] = (const void *)es_nonidealities[i];
    return ES_OK;
}

static void note(void *context, double done) {
    volatile double *shared = context;
    *shared = done;
}

// The process of piece `number`: what is without a nonideality, or that of one.
static enum es_status look(void *context, size_t number, void *result, volatile double *done, struct es_error *error) {
    struct session *session = context;
    struct es_sensitivity s = session->sensitivity;
    s.progress = note;
    s.context = (void *)(uintptr_t)done;
    if (!session->started) {
        enum es_status status = es_sensitivity_start(&s, error);
        *(struct es_sensitivity *)result = s;
        return status;
    }
    struct cli_finding *finding = result;
    return es_sensitivity_find(&s, session->budget.kind[number], finding->margin, &finding->why, error);
}

static enum es_status prepare(void *context, size_t number, struct es_error *error) {
    (void)context, (void)number, (void)error;
    return ES_OK;
}

static enum es_status started(void *context, const struct cli_piece *piece, struct es_error *error) {
    struct session *session = context;
    struct es_sensitivity *s = &session->sensitivity;
    *error = piece->error;
    if (piece->status == ES_OK)
        *s = *(const struct es_sensitivity *)piece->result; // what it points to, its parent has too
    return piece->status;
}

static enum es_status ended(void *context, const struct cli_piece *piece, struct es_error *error) {
    struct session *session = context;
    const char *name = session->budget.kind[piece->number]->row.name;
    if (piece->status == ES_NO_RESOURCE) {
        cli_progress_end();
        fprintf(stderr, "echospice: error: %s: %s\n", name, piece->error.text);
        session->died++;
        return ES_OK;
    }
    session->budget.finding[piece->number] = *(const struct cli_finding *)piece->result;
    session->budget.ended[piece->number] = true;
    return piece->status == ES_OK ? ES_OK : es_fail(error, piece->status, "%s: %s", name, piece->error.text);
}

static enum es_status waiting(void *context, double done, struct es_error *error) {
    struct session *session = context;
    if (session->started)
        cli_progress_show(&session->progress, done, "%3.0f %% of %zu nonidealities", 100 * done, session->budget.kinds);
    else
        cli_progress_show(&session->progress, done, "%3.0f %% of the network without any", 100 * done);
    if (!cli_signal())
        return ES_OK;
    cli_progress_end();
    return es_fail(error, ES_INTERRUPTED, "stopped");
}

static enum es_status work(struct session *session, struct es_error *error) {
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    size_t jobs = session->options->common.jobs ? session->options->common.jobs : cores > 0 ? (size_t)cores : 1;
    struct cli_workers workers = {.pieces = 1, .processes = 1, .size = sizeof(struct es_sensitivity), .context = session, .prepare = prepare, .work = look,
                                  .ended = started, .waiting = waiting};
    cli_catch_signals();
    cli_progress_start(&session->progress);
    enum es_status status = cli_work(&workers, error);
    session->started = true;
    workers.pieces = session->budget.kinds;
    workers.processes = jobs < session->budget.kinds ? jobs : session->budget.kinds;
    workers.size = sizeof(struct cli_finding);
    workers.ended = ended;
    cli_progress_start(&session->progress);
    if (status == ES_OK)
        status = cli_work(&workers, error);
    cli_progress_end();
    return status;
}

// ---- the command -----------------------------------------------------------------------------------------------------

static const struct es_acting *choose_acting(const struct options *options, struct es_error *error) {
    char names[64];
    const struct es_acting *acting = es_row_find(es_actings, options->acting ? options->acting : es_actings[0]->name);
    if (!acting)
        es_fail(error, ES_BAD_INPUT, "--acting %s: expected %s", options->acting, es_row_names(es_actings, names, sizeof names));
    else if (options->epochs && !acting->training) {
        es_fail(error, ES_BAD_INPUT, "--epochs %zu: nothing is trained with --acting %s; expected --acting training or both, or no --epochs", options->epochs,
                acting->row.name);
        acting = NULL;
    }
    return acting;
}

// The subject is the ideal network; the chip is the one of --chip or the store.
static enum es_status open_subject(struct session *session, const struct es_acting *acting, struct es_error *error) {
    struct cli_options common = session->options->common;
    struct cli_subject *s = &session->subject;
    common.chip = "";
    common.jobs = 1;
    enum es_status status = cli_open(&common, acting->training ? CLI_TRAINING : CLI_GRADIENT, s, error);
    if (status != ES_OK)
        return status;
    struct es_experiment *x = s->experiment;
    const char *chip = session->options->common.chip ? session->options->common.chip : s->store ? es_store_get(s->store, "chip", s->arena) : NULL;
    if (x->rule->equilibrium)
        return es_fail(error, ES_BAD_INPUT, "sensitivity: nonidealities act on transients, and the rule %s compares states of rest; expected another rule", x->rule->row.name);
    if (s->process)
        return es_fail(error, ES_BAD_INPUT, "sensitivity: transistors have nonidealities of their own; take --engine twin");
    if (session->options->epochs)
        x->epochs = session->options->epochs;
    size_t trained = s->training.trained, samples = session->options->samples < trained ? session->options->samples : trained;
    status = es_chip_parse(chip ? chip : "", x->seed, s->arena, &session->chip, error);
    session->sensitivity = (struct es_sensitivity){.experiment = x, .set = &s->set, .theta = s->theta, .fold = s->training.fold,
                                                   .substeps = s->training.problem.grid.substeps, .samples = samples, .acting = acting,
                                                   .chip = &session->chip, .chips = session->options->chips};
    return status;
}

static int run(int argc, char **argv) {
    struct options options = {.common = {.fold = -1, .tested = 1000}, .chips = 3, .samples = 16};
    struct session session = {.options = &options, .budget = {.subject = &session.subject, .sensitivity = &session.sensitivity}};
    struct es_error error = {""};
    struct cli_output csv = {.file = NULL};
    argp_parse(&parser, argc, argv, 0, NULL, &options);
    const struct es_acting *acting = choose_acting(&options, &error);
    if (!acting)
        return cli_fail(ES_BAD_INPUT, &error);
    enum es_status status = options.csv ? cli_output_open(&csv, options.csv, &error) : ES_OK;
    if (status != ES_OK)
        return cli_fail(status, &error);
    status = open_subject(&session, acting, &error);
    if (status == ES_OK)
        status = choose_kinds(&session, &error);
    if (status == ES_OK)
        status = work(&session, &error);
    if (status == ES_OK)
        (options.common.json ? cli_budget_json : cli_budget_text)(&session.budget);
    if (status == ES_OK && options.csv)
        cli_budget_csv(&session.budget, csv.file);
    if (cli_output_close(&csv, status == ES_OK, status == ES_OK ? &error : NULL) != ES_OK)
        status = ES_NO_RESOURCE;
    cli_close(&session.subject);
    return status != ES_OK ? cli_fail(status, &error) : session.died ? CLI_ERROR : CLI_DONE;
}

const struct cli_command cli_sensitivity = {
    {"sensitivity", "how much of each nonideality a network bears", "echospice sensitivity demo.db --engine twin"},
    run,
};
