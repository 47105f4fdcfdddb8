// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
#include "cli/compare.h"

#include "cli/conditions.h"
#include "cli/gnuplot.h"
#include "cli/workers.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MOST_SWEEPS = 64 };

struct options {
    struct cli_options common;
    const char *device;
    size_t sweeps;
    const char *sweep[MOST_SWEEPS];
    bool cross, folds;
    size_t seeds, samples, epochs; // of epochs 0: as the experiment says
    const char *csv, *plot, *out;
};

enum { KEY_DEVICE = CLI_OWN, KEY_SWEEP, KEY_CROSS, KEY_SEEDS, KEY_FOLDS, KEY_EPOCHS, KEY_SAMPLES, KEY_CSV, KEY_PLOT, KEY_OUT };

static const struct argp_option option_list[] = {
    CLI_OPTION_ENGINE, CLI_OPTION_SCHEME, CLI_OPTION_DATA, CLI_OPTION_FOLD, CLI_OPTION_STEPS, CLI_OPTION_RULE, CLI_OPTION_CHIP, CLI_OPTION_JSON,
    {"jobs", CLI_JOBS, "N", 0, "trainings at once; default the cores", 0},
    {"device", KEY_DEVICE, "A.xml,B.xml,...", 0, "cards of the devices that hold the trained values, \"none\" for any value; the first is the base. How a card is used "
     "(see train --help) follows it: A.xml+accumulate+pair+refresh=100", 0},
    {"sweep", KEY_SWEEP, "KEY=A:B:N[log]", 0, "also trains at N values of KEY from A to B, evenly spaced or by equal factors; may be repeated", 0},
    {"cross", KEY_CROSS, NULL, 0, "sweeps with every device, not with the first alone", 0},
    {"seeds", KEY_SEEDS, "N", 0, "trainings of each condition, default 3", 0},
    {"seed", CLI_SEED, "S", 0, "the first seed of network and training, default 1", 0},
    {"folds", KEY_FOLDS, NULL, 0, "the first seed tests fold 0, the next fold 1, and so on, in place of --fold for all", 0},
    {"epochs", KEY_EPOCHS, "N", 0, "how many times through the training samples", 0},
    {"gradient-samples", KEY_SAMPLES, "N", 0, "training samples for whose mean loss gradients are compared, default 4", 0},
    {"csv", KEY_CSV, "OUT.csv", 0, "also write one line for each training", 0},
    {"plot", KEY_PLOT, "PREFIX", 0, "also draw PREFIX-conditions.svg, PREFIX-curves.svg and PREFIX-KEY.svg for each sweep of several values (needs gnuplot)", 0},
    {"out", KEY_OUT, "RUN.db", 0, "keep what has ended in this store: the same command goes on where it was stopped; without FILE: show what is in it", 0},
    {0},
};

static error_t parse(int key, char *text, struct argp_state *state) {
    struct options *options = state->input;
    switch (key) {
    case KEY_DEVICE:
        options->device = text;
        return 0;
    case KEY_SWEEP:
        if (options->sweeps == MOST_SWEEPS)
            argp_error(state, "--sweep: expected at most %d", MOST_SWEEPS);
        options->sweep[options->sweeps++] = text;
        return 0;
    case KEY_CROSS:
        options->cross = true;
        return 0;
    case KEY_SEEDS:
        options->seeds = (size_t)cli_whole(text, "seeds", 1, 1e4, state);
        return 0;
    case KEY_FOLDS:
        options->folds = true;
        return 0;
    case KEY_EPOCHS:
        options->epochs = (size_t)cli_whole(text, "epochs", 1, 1e5, state);
        return 0;
    case KEY_SAMPLES:
        options->samples = (size_t)cli_whole(text, "gradient-samples", 1, 1e6, state);
        return 0;
    case KEY_CSV:
        options->csv = text;
        return 0;
    case KEY_PLOT:
        options->plot = text;
        return 0;
    case KEY_OUT:
        options->out = text;
        return 0;
    case ARGP_KEY_END:
        if (options->folds && options->common.fold >= 0)
            argp_error(state, "--fold and --folds: one or the other, please");
        if (!options->common.file && options->out)
            return 0; // shows the store
        return cli_parse_option(key, text, state, &options->common);
    default:
        return cli_parse_option(key, text, state, &options->common);
    }
}

static const struct argp parser = {
    option_list, parse, "[FILE]",
    "Trains the same network from the same seeds under each of several conditions: with each device, and at each value of each sweep. Conditions differ "
    "from the first, the base, in one thing each; start values, order, windows and the chip's own deviations are the same for all.\n\n"
    "Of each condition, mean over the seeds +- standard deviation: accuracy and loss on the test part; cosine between the rule's gradient and the exact "
    "one and ratio of their norms, before and after training, for the mean loss of a few training samples; how far from its start an echo ends; pulses "
    "to the devices; energy dissipated (by conductances, resistances and leakages) in all passes of an update (and by its pulses, where the card knows) "
    "and in an inference.\n\n"
    "The exact gradient is that of the loss in the twin, of the network as it was made, without what is random or rounded: by the discrete adjoint, or, "
    "where there are losses, by the reciprocal rule where that is exact, or by finite differences. The twin's midpoint rule and ngspice's trapezoidal "
    "rule are the same to 1e-10 (docs/theory.md 3).\n\n"
    "KEY: see `echospice list nonidealities` and `echospice list settings`.\v"
    "Each training is a process of its own, --jobs at once, and the results do not depend on how many. With --out, a comparison that was stopped, "
    "in whatever way, goes on by the same command.\n"
    "Example: echospice compare netlists/demo.xml --device none,models/ecram-li.xml,models/pcm.xml --epochs 6 --out demo.db --plot demo\n"
    "Example: echospice compare netlists/demo.xml --engine twin --sweep q-parallel=10:1000:5log --sweep integral-bits=4:12:5",
    NULL, NULL, NULL,
};

// ---- the trials ------------------------------------------------------------------------------------------------------

struct session {
    const struct options *options;
    struct cli_subject subject; // of the seed that is trained, if open
    bool open;
    size_t seed; // in the comparison
    struct es_comparison comparison;
    struct cli_conditions conditions;
    size_t *trial; // what is left to do: [conditions * seeds] numbers of outcomes
    size_t trials;
    size_t facts;
    const char *(*fact)[2]; // [facts]
    struct es_store *store;
    struct cli_progress progress;
    size_t died; // trials whose process died
    struct es_arena *arena;
};

static void close_subject(struct session *session) {
    if (session->open)
        cli_close(&session->subject);
    session->open = false;
}

// The experiment and the data of one seed.
static enum es_status open_subject(struct session *session, uint64_t seed, long fold, struct es_error *error) {
    struct cli_options options = session->options->common;
    options.seed = seed;
    options.seeded = true;
    options.fold = fold;
    options.jobs = 1;
    options.chip = NULL; // each condition has its own
    close_subject(session);
    session->open = true;
    enum es_status status = cli_open(&options, CLI_TRAINING, &session->subject, error);
    if (status == ES_OK && session->options->epochs)
        session->subject.experiment->epochs = session->options->epochs;
    return status;
}

static void add_fact(struct session *session, const char *key, const char *value) {
    session->fact[session->facts][0] = key;
    session->fact[session->facts++][1] = value;
}

static const char *joined(const struct options *options, struct es_arena *arena) {
    const char *all = "";
    for (size_t i = 0; i < options->sweeps; i++)
        all = es_arena_printf(arena, "%s%s%s", all, i ? " " : "", options->sweep[i]);
    return all;
}

// Everything that the results follow from.
static void write_facts(struct session *session) {
    const struct options *o = session->options;
    const struct cli_subject *s = &session->subject;
    const struct es_experiment *x = s->experiment;
    struct es_arena *arena = session->arena;
    char *data = o->common.data ? realpath(o->common.data, NULL) : NULL;
    session->fact = es_arena_alloc(arena, 24 + session->conditions.devices, sizeof *session->fact);
    add_fact(session, "name", es_arena_string(arena, x->net->name));
    add_fact(session, "experiment", es_arena_string(arena, x->xml));
    add_fact(session, "engine", x->engine->row.name);
    add_fact(session, "scheme", x->scheme->row.name);
    add_fact(session, "rule", x->rule->row.name);
    add_fact(session, "substeps", es_arena_printf(arena, "%zu", s->training.problem.grid.substeps));
    add_fact(session, "--data", data ? es_arena_string(arena, data) : NULL);
    add_fact(session, "--device", o->device);
    add_fact(session, "--sweep", joined(o, arena));
    add_fact(session, "--chip", o->common.chip);
    add_fact(session, "--cross", o->cross ? "yes" : NULL);
    add_fact(session, "--seed", es_arena_printf(arena, "%llu", (unsigned long long)session->comparison.seed[0]));
    add_fact(session, "--seeds", es_arena_printf(arena, "%zu", session->comparison.seeds));
    add_fact(session, "--fold", o->folds ? "one for each seed" : es_arena_printf(arena, "%zu", s->training.fold));
    add_fact(session, "--epochs", es_arena_printf(arena, "%zu", x->epochs));
    add_fact(session, "--gradient-samples", es_arena_printf(arena, "%zu", o->samples));
    add_fact(session, "echospice", ES_VERSION);
    add_fact(session, "libraries", ES_LIBRARIES);
    for (size_t d = 0; d < session->conditions.devices; d++) {
        const struct cli_held *held = &session->conditions.held[d];
        if (held->card)
            add_fact(session, es_arena_printf(arena, "card %s", held->name), held->card->xml);
    }
    free(data);
}

static const char *fact_of(const struct session *session, const char *key) {
    for (size_t i = 0; i < session->facts; i++)
        if (strcmp(session->fact[i][0], key) == 0)
            return session->fact[i][1] ? session->fact[i][1] : "";
    const char *value = session->store ? es_store_get(session->store, key, session->arena) : NULL;
    return value ? value : "";
}

static enum es_status list_seeds(struct session *session, struct es_error *error) {
    const struct options *o = session->options;
    struct es_comparison *c = &session->comparison;
    const struct cli_subject *s = &session->subject;
    if (s->set.folds <= 1)
        return es_fail(error, ES_BAD_INPUT, "%s:%d: the task %s has no test part, on which trainings could be compared; expected folds or a test file in <task>",
                       s->experiment->file, s->experiment->task.line, s->experiment->task.kind->row.name);
    c->seeds = o->seeds;
    c->seed = ES_NEW(session->arena, c->seeds, uint64_t);
    c->fold = ES_NEW(session->arena, c->seeds, size_t);
    for (size_t i = 0; i < c->seeds; i++) {
        c->seed[i] = (o->common.seeded ? o->common.seed : 1) + i;
        c->fold[i] = o->folds ? i % s->set.folds : s->training.fold;
    }
    c->epochs = s->experiment->epochs;
    c->loss_unit = es_cost_unit(s->experiment->cost, s->experiment->net);
    return ES_OK;
}

// The comparison that the options ask for, in its store with what has ended.
static enum es_status take_up(struct session *session, struct es_error *error) {
    const char *out = session->options->out;
    const char *const (*fact)[2] = (const char *const (*)[2])session->fact;
    es_comparison_new(&session->comparison, session->arena);
    if (!out)
        return ES_OK;
    if (access(out, F_OK) != 0)
        return es_comparison_create(out, &session->comparison, session->facts, fact, &session->store, error);
    enum es_status status = es_comparison_open(out, true, &session->store, error);
    if (status == ES_OK)
        status = es_comparison_same(session->store, out, session->facts, fact, error);
    return status == ES_OK ? es_comparison_read(session->store, session->arena, &session->comparison, error) : status;
}

// All conditions with the first seed, then with the next, so that the data of each are read once.
static void list_trials(struct session *session) {
    const struct es_comparison *c = &session->comparison;
    session->trial = ES_NEW(session->arena, c->conditions * c->seeds, size_t);
    for (size_t s = 0; s < c->seeds; s++)
        for (size_t i = 0; i < c->conditions; i++)
            if (!es_comparison_outcome(c, i, s)->ended)
                session->trial[session->trials++] = i * c->seeds + s;
}

static enum es_status prepare(void *context, size_t number, struct es_error *error) {
    struct session *session = context;
    const struct es_comparison *c = &session->comparison;
    size_t seed = session->trial[number] % c->seeds;
    if (session->open && session->seed == seed)
        return ES_OK;
    session->seed = seed;
    return open_subject(session, c->seed[seed], (long)c->fold[seed], error);
}

// What a trial's process hands over; the accuracies follow the losses.
struct handed {
    double measure[ES_MEASURES];
    double loss[]; // [2][epochs]
};

struct watched {
    struct handed *handed;
    size_t epochs;
    volatile double *done;
};

static void note_progress(void *context, double done) {
    const struct watched *watched = context;
    *watched->done = done;
}

static void note_epoch(void *context, uint64_t number, double loss, double accuracy) {
    const struct watched *watched = context;
    if (number < watched->epochs) {
        watched->handed->loss[number] = loss;
        watched->handed->loss[watched->epochs + number] = accuracy;
    }
}

static enum es_status run_trial(void *context, size_t number, void *result, volatile double *done, struct es_error *error) {
    struct session *session = context;
    const struct es_comparison *c = &session->comparison;
    size_t place = session->trial[number] / c->seeds;
    const struct es_condition *condition = &c->condition[place];
    const struct cli_held *held = session->conditions.with[place];
    const struct cli_subject *s = &session->subject;
    struct es_experiment x = *s->experiment;
    const struct es_setting *setting = es_row_find(es_settings, condition->key);
    struct watched watched = {result, c->epochs, done};
    es_store_forget(session->store);
    for (size_t e = 0; e < 2 * c->epochs; e++)
        watched.handed->loss[e] = NAN;
    for (size_t m = 0; m < ES_MEASURES; m++)
        watched.handed->measure[m] = NAN;
    struct es_chip chip;
    enum es_status status = es_chip_parse(session->conditions.chip[place], c->seed[session->seed], s->arena, &chip, error);
    if (status != ES_OK)
        return status;
    if (setting)
        setting->set(&x, condition->value);
    struct es_trial trial = {.experiment = &x, .set = &s->set, .fold = s->training.fold, .substeps = s->training.problem.grid.substeps,
                             .samples = session->options->samples, .device = held->card, .use = held->use, .chip = &chip,
                             .progress = note_progress, .epoch = note_epoch, .context = &watched};
    return es_trial_run(&trial, watched.handed->measure, error);
}

static enum es_status ended(void *context, const struct cli_piece *piece, struct es_error *error) {
    struct session *session = context;
    const struct es_comparison *c = &session->comparison;
    size_t condition = session->trial[piece->number] / c->seeds, seed = session->trial[piece->number] % c->seeds;
    struct es_outcome *outcome = es_comparison_outcome(c, condition, seed);
    const struct handed *handed = piece->result;
    char text[192];
    if (piece->status == ES_NO_RESOURCE) {
        cli_progress_end();
        fprintf(stderr, "echospice: error: %s, seed %llu: %s; the same command trains it again\n", cli_condition_text(&c->condition[condition], text),
                (unsigned long long)c->seed[seed], piece->error.text);
        session->died++;
        return ES_OK;
    }
    outcome->ended = true;
    outcome->seconds = piece->seconds;
    outcome->reason = piece->status == ES_OK ? "" : es_arena_string(session->arena, piece->error.text);
    memcpy(outcome->measure, handed->measure, sizeof outcome->measure);
    memcpy(outcome->loss, handed->loss, c->epochs * sizeof *outcome->loss);
    memcpy(outcome->accuracy, handed->loss + c->epochs, c->epochs * sizeof *outcome->accuracy);
    return session->store ? es_comparison_put(session->store, c, condition, seed, error) : ES_OK;
}

static enum es_status waiting(void *context, double done, struct es_error *error) {
    struct session *session = context;
    const struct es_comparison *c = &session->comparison;
    size_t all = c->conditions * c->seeds, is = es_comparison_ended(c);
    cli_progress_show(&session->progress, done, "%zu of %zu trainings", is, all);
    if (!cli_signal())
        return ES_OK;
    cli_progress_end();
    return es_fail(error, ES_INTERRUPTED, session->store ? "stopped with %zu of %zu trainings; the same command goes on" : "stopped with %zu of %zu trainings", is, all);
}

static enum es_status run_trials(struct session *session, struct es_error *error) {
    const struct es_comparison *c = &session->comparison;
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    size_t jobs = session->options->common.jobs ? session->options->common.jobs : cores > 0 ? (size_t)cores : 1;
    struct cli_workers workers = {
        .pieces = session->trials,
        .processes = jobs < session->trials ? jobs : session->trials,
        .size = sizeof(struct handed) + 2 * c->epochs * sizeof(double),
        .context = session,
        .prepare = prepare,
        .work = run_trial,
        .ended = ended,
        .waiting = waiting,
    };
    if (!session->trials)
        return ES_OK;
    cli_progress_start(&session->progress);
    cli_catch_signals();
    enum es_status status = cli_work(&workers, error);
    cli_progress_end();
    return status;
}

// ---- what is shown ---------------------------------------------------------------------------------------------------

static void print_json(const struct session *session) {
    const struct es_comparison *c = &session->comparison;
    json_t *seeds = json_array(), *folds = json_array();
    for (size_t i = 0; i < c->seeds; i++) {
        json_array_append_new(seeds, json_integer((json_int_t)c->seed[i]));
        json_array_append_new(folds, json_integer((json_int_t)c->fold[i]));
    }
    cli_print_json(json_pack("{s:s, s:s, s:s, s:s, s:s, s:I, s:I, s:o, s:o, s:I, s:I, s:s, s:o}", "network", fact_of(session, "name"), "chip", fact_of(session, "--chip"), "engine", fact_of(session, "engine"), "scheme",
                             fact_of(session, "scheme"), "rule", fact_of(session, "rule"), "epochs", (json_int_t)c->epochs, "gradient_samples",
                             (json_int_t)strtoull(fact_of(session, "--gradient-samples"), NULL, 10), "seeds", seeds, "folds", folds, "trainings",
                             (json_int_t)(c->conditions * c->seeds), "ended", (json_int_t)es_comparison_ended(c), "reference",
                             "exact gradient of the loss in the twin", "conditions", cli_compare_json(c)));
}

static void print_text(const struct session *session) {
    const struct es_comparison *c = &session->comparison;
    const char *chip = fact_of(session, "--chip");
    printf("%s: %zu conditions, %zu seeds, %zu epochs; engine %s, scheme %s, rule %s%s%s\n", fact_of(session, "name"), c->conditions, c->seeds, c->epochs,
           fact_of(session, "engine"), fact_of(session, "scheme"), fact_of(session, "rule"), *chip ? ", chip " : "", chip);
    printf("mean over the seeds +- standard deviation; n: trainings; cos, norm: the rule's gradient of %s training samples against the exact one in the twin\n",
           fact_of(session, "--gradient-samples"));
    cli_compare_table(c);
    if (es_comparison_ended(c) < c->conditions * c->seeds)
        printf("%zu of %zu trainings have ended\n", es_comparison_ended(c), c->conditions * c->seeds);
}

// To standard error, as it is not the same every time.
static void print_seconds(const struct session *session) {
    const struct es_comparison *c = &session->comparison;
    double sum = 0, longest = 0;
    size_t count = 0;
    for (size_t i = 0; i < c->conditions * c->seeds; i++)
        if (c->outcome[i].ended) {
            sum += c->outcome[i].seconds;
            longest = fmax(longest, c->outcome[i].seconds);
            count++;
        }
    if (count)
        fprintf(stderr, "processor time of a training: %.1f s, longest %.1f s\n", sum / (double)count, longest);
}

static enum es_status show(const struct session *session, struct cli_output *csv, struct es_error *error) {
    const struct options *o = session->options;
    if (o->csv)
        cli_compare_csv(&session->comparison, csv->file);
    enum es_status status = o->plot ? cli_compare_plot(&session->comparison, fact_of(session, "name"), o->plot, error) : ES_OK;
    (o->common.json ? print_json : print_text)(session);
    print_seconds(session);
    return status;
}

static enum es_status read_only(struct session *session, struct es_error *error) {
    const struct options *o = session->options;
    if (o->device || o->common.chip || o->sweeps || o->seeds || o->epochs)
        return es_fail(error, ES_BAD_INPUT, "--out %s without FILE shows what is in it; give FILE to go on, or leave out --device, --chip, --sweep, --seeds and --epochs", o->out);
    enum es_status status = es_comparison_open(o->out, false, &session->store, error);
    return status == ES_OK ? es_comparison_read(session->store, session->arena, &session->comparison, error) : status;
}

// Whether each chip can be made of the network.
static enum es_status try_chips(const struct session *session, struct es_error *error) {
    const struct es_comparison *c = &session->comparison;
    enum es_status status = ES_OK;
    for (size_t i = 0; i < c->conditions && status == ES_OK; i++) {
        struct cli_options options = session->options->common;
        struct cli_subject subject;
        options.chip = session->conditions.chip[i];
        options.seed = c->seed[0];
        options.seeded = true;
        if (!*options.chip || (i && strcmp(session->conditions.chip[i - 1], options.chip) == 0))
            continue;
        status = cli_open(&options, CLI_NETWORK, &subject, error);
        cli_close(&subject);
    }
    return status;
}

static enum es_status compare(struct session *session, struct es_error *error) {
    const struct options *o = session->options;
    enum es_status status = cli_conditions_read(o->device, o->sweeps, o->sweep, o->cross, o->common.chip, session->arena, &session->conditions, error);
    session->comparison.conditions = session->conditions.count;
    session->comparison.condition = session->conditions.condition;
    if (status == ES_OK && es_store_is(o->common.file))
        status = es_fail(error, ES_BAD_INPUT, "%s: expected an experiment; to see a comparison, give its store as --out alone", o->common.file);
    if (status == ES_OK)
        status = open_subject(session, o->common.seeded ? o->common.seed : 1, o->folds ? 0 : o->common.fold, error);
    if (status == ES_OK)
        status = list_seeds(session, error);
    if (status == ES_OK)
        status = try_chips(session, error);
    if (status == ES_OK) {
        write_facts(session);
        status = take_up(session, error);
    }
    if (status == ES_OK) {
        list_trials(session);
        status = run_trials(session, error);
    }
    return status;
}

static int run(int argc, char **argv) {
    struct options options = {.common = {.fold = -1}, .samples = 4};
    struct es_error error = {""};
    struct cli_output csv = {.file = NULL};
    argp_parse(&parser, argc, argv, 0, NULL, &options);
    bool reading = !options.common.file;
    struct session session = {.options = &options, .arena = es_arena_new()};
    enum es_status status = options.csv ? cli_output_open(&csv, options.csv, &error) : ES_OK;
    if (status == ES_OK && options.plot)
        status = cli_gnuplot_found(&error);
    if (status == ES_OK)
        status = reading ? read_only(&session, &error) : ES_OK;
    if (status == ES_OK && !reading) {
        options.seeds = options.seeds ? options.seeds : 3;
        status = compare(&session, &error);
    }
    if (status == ES_OK)
        status = show(&session, &csv, &error);
    if (cli_output_close(&csv, status == ES_OK, status == ES_OK ? &error : NULL) != ES_OK)
        status = ES_NO_RESOURCE;
    size_t died = session.died;
    close_subject(&session);
    es_store_close(session.store);
    cli_conditions_free(&session.conditions);
    es_arena_free(session.arena);
    return status != ES_OK ? cli_fail(status, &error) : died ? CLI_ERROR : CLI_DONE;
}

const struct cli_command cli_compare = {
    {"compare", "train under many conditions and compare what comes of it", "echospice compare netlists/demo.xml --sweep beta=1e-4:1:5log --epochs 6 --out demo-beta.db"},
    run,
};
