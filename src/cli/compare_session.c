// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
#include "cli/compare_session.h"

#include "cli/workers.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MOST_EPOCHS = 10000000 }; // of all trainings together

static void close_subject(struct cli_session *session) {
    if (session->open)
        cli_close(&session->subject);
    session->open = false;
}

// The experiment and the data of one seed.
static enum es_status open_subject(struct cli_session *session, uint64_t seed, long fold, struct es_error *error) {
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

static void add_fact(struct cli_session *session, const char *key, const char *value) {
    session->fact[session->facts][0] = key;
    session->fact[session->facts++][1] = value;
}

static const char *joined(const struct cli_compare_options *options, struct es_arena *arena) {
    const char *all = "";
    for (size_t i = 0; i < options->sweeps; i++)
        all = es_arena_printf(arena, "%s%s%s", all, i ? " " : "", options->sweep[i]);
    return all;
}

// Everything that the results follow from.
static void write_facts(struct cli_session *session) {
    const struct cli_compare_options *o = session->options;
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

const char *cli_session_fact(const struct cli_session *session, const char *key) {
    for (size_t i = 0; i < session->facts; i++)
        if (strcmp(session->fact[i][0], key) == 0)
            return session->fact[i][1] ? session->fact[i][1] : "";
    const char *value = session->store ? es_store_get(session->store, key, session->arena) : NULL;
    return value ? value : "";
}

static enum es_status list_seeds(struct cli_session *session, struct es_error *error) {
    const struct cli_compare_options *o = session->options;
    struct es_comparison *c = &session->comparison;
    const struct cli_subject *s = &session->subject;
    if (s->set.folds <= 1)
        return es_fail(error, ES_BAD_INPUT, "%s:%d: the task %s has no test part, on which trainings could be compared; expected folds or a test file in <task>",
                       s->experiment->file, s->experiment->task.line, s->experiment->task.kind->row.name);
    c->seeds = o->seeds;
    c->epochs = s->experiment->epochs;
    c->loss_unit = es_cost_unit(s->experiment->cost, s->experiment->net);
    if ((double)c->conditions * (double)c->seeds * (double)c->epochs > MOST_EPOCHS)
        return es_fail(error, ES_BAD_INPUT, "%zu conditions, %zu seeds and %zu epochs: expected at most %d epochs in all trainings together; fewer of something, please",
                       c->conditions, c->seeds, c->epochs, MOST_EPOCHS);
    c->seed = ES_NEW(session->arena, c->seeds, uint64_t);
    c->fold = ES_NEW(session->arena, c->seeds, size_t);
    for (size_t i = 0; i < c->seeds; i++) {
        c->seed[i] = (o->common.seeded ? o->common.seed : 1) + i;
        c->fold[i] = o->folds ? i % s->set.folds : s->training.fold;
    }
    return ES_OK;
}

// The comparison that the options ask for, in its store with what has ended.
static enum es_status take_up(struct cli_session *session, struct es_error *error) {
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
static void list_trials(struct cli_session *session) {
    const struct es_comparison *c = &session->comparison;
    session->trial = ES_NEW(session->arena, c->conditions * c->seeds, size_t);
    for (size_t s = 0; s < c->seeds; s++)
        for (size_t i = 0; i < c->conditions; i++)
            if (!es_comparison_outcome(c, i, s)->ended)
                session->trial[session->trials++] = i * c->seeds + s;
}

static enum es_status prepare(void *context, size_t number, struct es_error *error) {
    struct cli_session *session = context;
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
    struct cli_session *session = context;
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
    struct cli_session *session = context;
    const struct es_comparison *c = &session->comparison;
    size_t condition = session->trial[piece->number] / c->seeds, seed = session->trial[piece->number] % c->seeds;
    struct es_outcome *outcome = es_comparison_outcome(c, condition, seed);
    const struct handed *handed = piece->result;
    char text[192];
    if (piece->status == ES_NO_RESOURCE) {
        cli_progress_end();
        fprintf(stderr, "echospice: error: %s, seed %llu: %s; the same command trains it again\n", cli_condition_name(c, condition, text),
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
    struct cli_session *session = context;
    const struct es_comparison *c = &session->comparison;
    size_t all = c->conditions * c->seeds, is = es_comparison_ended(c);
    cli_progress_show(&session->progress, done, "%zu of %zu trainings", is, all);
    if (!cli_signal())
        return ES_OK;
    cli_progress_end();
    return es_fail(error, ES_INTERRUPTED, session->store ? "stopped with %zu of %zu trainings; the same command goes on" : "stopped with %zu of %zu trainings", is, all);
}

static enum es_status run_trials(struct cli_session *session, struct es_error *error) {
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

// Whether each chip can be made of the network.
static enum es_status try_chips(const struct cli_session *session, struct es_error *error) {
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

enum es_status cli_session_train(struct cli_session *session, struct es_error *error) {
    const struct cli_compare_options *o = session->options;
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

void cli_session_close(struct cli_session *session) {
    close_subject(session);
    es_store_close(session->store);
    cli_conditions_free(&session->conditions);
}

enum es_status cli_session_read(struct cli_session *session, struct es_error *error) {
    const struct cli_compare_options *o = session->options;
    const struct cli_options *p = &o->common;
    bool trains = o->device || o->sweeps || o->cross || o->folds || o->seeds || o->samples || o->epochs || p->engine || p->scheme || p->data || p->rule || p->chip ||
                  p->steps > 0 || p->jobs || p->fold >= 0 || p->seeded;
    if (trains)
        return es_fail(error, ES_BAD_INPUT, "--out %s without FILE shows what is in it; give FILE to go on, or leave out all but --json, --csv and --plot", o->out);
    enum es_status status = es_comparison_open(o->out, false, &session->store, error);
    return status == ES_OK ? es_comparison_read(session->store, session->arena, &session->comparison, error) : status;
}
