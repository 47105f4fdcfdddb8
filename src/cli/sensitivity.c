// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
#include "learn/sensitivity.h"

#include "cli/cli.h"
#include "cli/workers.h"
#include "learn/trial.h"

#include <math.h>
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
    "and the exact one falls to 0.99 and to 0.9, the loss on the test samples rises by 10 %, and the accuracy on them falls by 2 standard errors, each "
    "against the network without that nonideality. One at a time; means over the chips, whose draws are the same at every magnitude. A bisection on the "
    "logarithm of the magnitude, to 2 %, after 9 magnitudes evenly spaced in it.\n\n"
    "The exact gradient is that of the loss in the twin, of the network as it was made, without what is random or rounded: by the discrete adjoint, or, "
    "where there are losses, by the reciprocal rule where that is exact, or by finite differences. The twin's midpoint rule and ngspice's trapezoidal "
    "rule are the same to 1e-10 (docs/theory.md 3). The "
    "cosine is a matter of training, but taken at the given values. The standard error is that of an accuracy of (right + 1) / (n + 2).\v"
    "In the table: \"> X\" (\"< X\" of what should be large): the limit is passed at no magnitude up to X; \"none\": at no magnitude does it change "
    "anything but rounding; \"any\": the limit is passed at every magnitude, and perhaps without it; \"-\": there is no such limit here; *: at some worse "
    "magnitude that was looked at the limit is not passed, and this is the first crossing. Magnitudes go to the limits in `echospice list nonidealities`, in the positive direction, times "
    "to the length of a pass. What acts beside losses only (noise-temperature, compensation) needs them in --chip.\n"
    "What comes of a training is less smooth in the magnitude than what comes of use, and the more so the fewer its epochs and chips.\n"
    "Example: echospice sensitivity demo.db --engine twin\n"
    "Example: echospice sensitivity netlists/demo.xml --engine twin --acting both --epochs 6 --only q-parallel,integral-bits --chips 2",
    NULL, NULL, NULL,
};

// ---- what is found ---------------------------------------------------------------------------------------------------

struct finding { // of one nonideality, handed over by its process
    struct es_margin margin[ES_LIMITS];
    struct es_error why;
};

struct session {
    const struct options *options;
    struct cli_subject subject;
    struct es_chip chip; // beside the nonideality in question
    struct es_sensitivity sensitivity;
    bool started; // what is without a nonideality is known
    size_t kinds;
    const struct es_nonideality **kind; // [kinds]
    struct finding *finding;            // [kinds]
    bool *ended;                        // [kinds]
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
    session->kind = ES_NEW(arena, rows, const struct es_nonideality *);
    session->finding = ES_NEW(arena, rows, struct finding);
    session->ended = ES_NEW(arena, rows, bool);
    for (size_t i = 0; i < rows; i++)
        if (!only || is_listed(only, es_nonidealities[i]->name))
            session->kind[session->kinds++] = (const void *)es_nonidealities[i];
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
    struct finding *finding = result;
    return es_sensitivity_find(&s, session->kind[number], finding->margin, &finding->why, error);
}

static enum es_status prepare(void *context, size_t number, struct es_error *error) {
    (void)context, (void)number, (void)error;
    return ES_OK;
}

static enum es_status started(void *context, const struct cli_piece *piece, struct es_error *error) {
    struct session *session = context;
    struct es_sensitivity *s = &session->sensitivity;
    const struct es_sensitivity *found = piece->result;
    *error = piece->error;
    s->ideal = found->ideal;
    s->tested = found->tested;
    s->standard_error = found->standard_error;
    memcpy(s->limit, found->limit, sizeof s->limit);
    return piece->status;
}

static enum es_status ended(void *context, const struct cli_piece *piece, struct es_error *error) {
    struct session *session = context;
    const char *name = session->kind[piece->number]->row.name;
    if (piece->status == ES_NO_RESOURCE) {
        cli_progress_end();
        fprintf(stderr, "echospice: error: %s: %s\n", name, piece->error.text);
        session->died++;
        return ES_OK;
    }
    session->finding[piece->number] = *(const struct finding *)piece->result;
    session->ended[piece->number] = true;
    return piece->status == ES_OK ? ES_OK : es_fail(error, piece->status, "%s: %s", name, piece->error.text);
}

static enum es_status waiting(void *context, double done, struct es_error *error) {
    struct session *session = context;
    if (session->started)
        cli_progress_show(&session->progress, done, "%3.0f %% of %zu nonidealities", 100 * done, session->kinds);
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
    workers.pieces = session->kinds;
    workers.processes = jobs < session->kinds ? jobs : session->kinds;
    workers.size = sizeof(struct finding);
    workers.ended = ended;
    cli_progress_start(&session->progress);
    if (status == ES_OK)
        status = cli_work(&workers, error);
    cli_progress_end();
    return status;
}

// ---- what is shown ---------------------------------------------------------------------------------------------------

static const char *const reaches[] = {"undefined", "none", "beyond", "always", "found"}; // by enum es_reach

static bool acts(const struct finding *finding) {
    bool any = false;
    for (enum es_limit limit = 0; limit < ES_LIMITS; limit++)
        any |= finding->margin[limit].reach != ES_REACH_UNDEFINED;
    return any;
}

// A limit that exists for this network and cost.
static bool exists(const struct session *session, enum es_limit limit) {
    return !isnan(session->sensitivity.limit[limit]);
}

static const char *acting_of(const struct session *session, enum es_limit limit) {
    return limit == ES_LIMIT_COSINE_99 || limit == ES_LIMIT_COSINE_90 ? "training" : session->sensitivity.acting->row.name;
}

static const char *magnitude_text(const struct es_nonideality *kind, double x, char text[32]) {
    bool prefixed = *kind->unit && strcmp(kind->unit, "m2") != 0 && fabs(x) >= 1e-15; // a prefix does not go with a square, and there is none for less
    if (prefixed) {
        double digits = pow(10, 2 - floor(log10(x)));
        return cli_si(round(x * digits) / digits, kind->unit, text);
    }
    snprintf(text, 32, *kind->unit ? "%.3g %s" : "%.3g", x, kind->unit);
    return text;
}

static const char *cell(const struct es_nonideality *kind, const struct es_margin *margin, char text[40]) {
    char magnitude[32];
    magnitude_text(kind, margin->magnitude, magnitude);
    switch (margin->reach) {
    case ES_REACH_UNDEFINED:
        return "-";
    case ES_REACH_NONE:
        return "none";
    case ES_REACH_ALWAYS:
        return "any";
    case ES_REACH_BEYOND:
        snprintf(text, 40, "%s %s", isfinite(kind->ideal) ? ">" : "<", magnitude);
        return text;
    case ES_REACH_FOUND:
        snprintf(text, 40, "%s%s", magnitude, margin->returns ? " *" : "");
        return text;
    }
    return "";
}

static void print_head(const struct session *session) {
    const struct cli_subject *subject = &session->subject;
    const struct es_sensitivity *s = &session->sensitivity;
    const struct es_experiment *x = subject->experiment;
    const char *unit = es_cost_unit(x->cost, x->net);
    printf("%s, %s; engine %s, scheme %s, rule %s; means over %zu chip%s\n", x->net->name, subject->trained ? "trained" : "not trained", x->engine->row.name,
           x->scheme->row.name, x->rule->row.name, s->chips, s->chips == 1 ? "" : "s");
    printf("training: gradient at the %s values, of %zu training samples; %s: %s", subject->trained ? "trained" : "start", s->samples, s->acting->row.name,
           s->acting->row.about);
    if (s->acting->training)
        printf(", %zu epochs", x->epochs);
    printf("; %zu %ssamples%s\n", s->tested, subject->set.folds > 1 ? "test " : "", s->tested < 1000 ? ", fewer than 1000" : "");
    printf("%s: cosine %.6g, loss %.4g %s", session->chip.count ? "with --chip alone" : "ideal", s->ideal.cosine, s->ideal.loss, unit);
    if (exists(session, ES_LIMIT_ACCURACY))
        printf(", accuracy %.4f, standard error (SE) %.4f", s->ideal.accuracy, s->standard_error);
    printf("\nhow much of each nonideality, alone, until (to 2 %%):\n\n");
}

static void print_table(const struct session *session) {
    char text[40];
    size_t width[ES_LIMITS];
    printf("%-23s  %-8s", "", "");
    for (enum es_limit limit = 0; limit < ES_LIMITS; limit++) {
        width[limit] = strlen(es_limits[limit].source);
        for (size_t i = 0; i < session->kinds; i++) {
            size_t length = strlen(cell(session->kind[i], &session->finding[i].margin[limit], text));
            width[limit] = length > width[limit] ? length : width[limit];
        }
        if (exists(session, limit))
            printf("  %-*s", (int)width[limit], acting_of(session, limit));
    }
    printf("\n%-23s  %-8s", "nonideality", "");
    for (enum es_limit limit = 0; limit < ES_LIMITS; limit++)
        if (exists(session, limit))
            printf("  %-*s", (int)width[limit], es_limits[limit].source);
    for (size_t i = 0; i < session->kinds; i++) {
        if (!session->ended[i] || !acts(&session->finding[i]))
            continue;
        printf("\n%-23s  %-8s", session->kind[i]->row.name, isfinite(session->kind[i]->ideal) ? "at most" : "at least");
        for (enum es_limit limit = 0; limit < ES_LIMITS; limit++)
            if (exists(session, limit))
                printf("  %-*s", (int)width[limit], cell(session->kind[i], &session->finding[i].margin[limit], text));
    }
    puts("\n");
}

static void print_text(const struct session *session) {
    print_head(session);
    print_table(session);
    char text[32];
    double w0 = es_chip_frequency(session->subject.ideal);
    if (isfinite(w0))
        printf("Q and phase are meant at w0 = %s, the middle of the network's band.\n", cli_si(w0, "rad/s", text));
    puts("none: changes nothing but rounding; > and <: not up to there; any: from the start; *: the first of several crossings; see --help.");
    for (size_t i = 0; i < session->kinds; i++)
        if (session->ended[i] && session->finding[i].why.text[0])
            printf("%s %s: %s\n", session->kind[i]->row.name, acts(&session->finding[i]) ? "not at every magnitude" : "left out", session->finding[i].why.text);
}

static json_t *margin_json(const struct session *session, const struct es_nonideality *kind, const struct es_margin *margin, enum es_limit limit) {
    return json_pack("{s:s, s:s, s:o, s:s, s:b}", "acting", acting_of(session, limit), "reach", reaches[margin->reach], "magnitude",
                     cli_real(margin->magnitude), "unit", kind->unit, "returns", margin->returns);
}

static void print_json(const struct session *session) {
    const struct cli_subject *subject = &session->subject;
    const struct es_sensitivity *s = &session->sensitivity;
    const struct es_experiment *x = subject->experiment;
    json_t *list = json_array();
    for (size_t i = 0; i < session->kinds; i++) {
        const struct es_nonideality *kind = session->kind[i];
        json_t *row = json_pack("{s:s, s:s, s:o, s:s}", "nonideality", kind->row.name, "unit", kind->unit, "ideal", cli_real(kind->ideal), "why",
                                session->finding[i].why.text);
        for (enum es_limit limit = 0; limit < ES_LIMITS && session->ended[i]; limit++)
            json_object_set_new(row, es_limits[limit].name, margin_json(session, kind, &session->finding[i].margin[limit], limit));
        json_array_append_new(list, row);
    }
    cli_print_json(json_pack("{s:s, s:b, s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:o, s:o, s:s, s:o, s:o, s:o, s:o}", "network", x->net->name, "trained",
                             subject->trained, "engine", x->engine->row.name, "scheme", x->scheme->row.name, "rule", x->rule->row.name, "acting",
                             s->acting->row.name, "epochs", (json_int_t)(s->acting->training ? x->epochs : 0), "chips", (json_int_t)s->chips, "seed",
                             (json_int_t)s->chip->seed, "samples", (json_int_t)s->tested, "gradient_samples", (json_int_t)s->samples, "cosine",
                             cli_real(s->ideal.cosine), "loss", cli_real(s->ideal.loss), "loss_unit", es_cost_unit(x->cost, x->net), "accuracy",
                             cli_real(s->ideal.accuracy), "standard_error", cli_real(s->standard_error), "tolerance", cli_real(es_sensitivity_tolerance),
                             "nonidealities", list));
}

static void write_csv(const struct session *session, FILE *csv) {
    fputs("nonideality,unit,ideal,limit,acting,reach,magnitude,returns\n", csv);
    for (size_t i = 0; i < session->kinds; i++)
        for (enum es_limit limit = 0; limit < ES_LIMITS && session->ended[i]; limit++) {
            const struct es_nonideality *kind = session->kind[i];
            const struct es_margin *margin = &session->finding[i].margin[limit];
            fprintf(csv, "%s,%s,%g,%s,%s,%s,", kind->row.name, kind->unit, kind->ideal, es_limits[limit].name, acting_of(session, limit), reaches[margin->reach]);
            fprintf(csv, isnan(margin->magnitude) ? "," : "%.17g,", margin->magnitude);
            fprintf(csv, "%s\n", margin->returns ? "yes" : "no");
        }
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
    if (session->options->epochs)
        x->epochs = session->options->epochs;
    status = es_chip_parse(chip ? chip : "", x->seed, s->arena, &session->chip, error);
    session->sensitivity = (struct es_sensitivity){.experiment = x, .set = &s->set, .theta = s->theta, .fold = s->training.fold,
                                                   .substeps = s->training.problem.grid.substeps, .samples = session->options->samples, .acting = acting,
                                                   .chip = &session->chip, .chips = session->options->chips};
    return status;
}

static int run(int argc, char **argv) {
    struct options options = {.common = {.fold = -1, .tested = 1000}, .chips = 3, .samples = 16};
    struct session session = {.options = &options};
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
        (options.common.json ? print_json : print_text)(&session);
    if (status == ES_OK && options.csv)
        write_csv(&session, csv.file);
    if (cli_output_close(&csv, status == ES_OK, status == ES_OK ? &error : NULL) != ES_OK)
        status = ES_NO_RESOURCE;
    cli_close(&session.subject);
    return status != ES_OK ? cli_fail(status, &error) : session.died ? CLI_ERROR : CLI_DONE;
}

const struct cli_command cli_sensitivity = {
    {"sensitivity", "how much of each nonideality a network bears", "echospice sensitivity demo.db --engine twin"},
    run,
};
