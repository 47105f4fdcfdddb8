// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
#include "cli/cli.h"

#include "xml/xml.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct options {
    struct cli_options common;
    size_t epochs; // 0: as the experiment says
    const char *out;
    bool resume;
};

enum { KEY_EPOCHS = CLI_OWN, KEY_OUT, KEY_RESUME };

static const struct argp_option option_list[] = {
    CLI_OPTION_ENGINE, CLI_OPTION_SCHEME, CLI_OPTION_DATA, CLI_OPTION_FOLD, CLI_OPTION_JOBS, CLI_OPTION_SEED, CLI_OPTION_STEPS, CLI_OPTION_JSON,
    {"epochs", KEY_EPOCHS, "N", 0, "how many times through the training samples", 0},
    {"out", KEY_OUT, "RUN.db", 0, "the run store; default FILE with .db in place of .xml, in this directory", 0},
    {"resume", KEY_RESUME, NULL, 0, "take the run in --out (or FILE, if that is a run) up again from its last checkpoint", 0},
    {0},
};

static error_t parse(int key, char *text, struct argp_state *state) {
    struct options *options = state->input;
    switch (key) {
    case KEY_EPOCHS:
        options->epochs = (size_t)cli_whole(text, "epochs", 1, 1e6, state);
        return 0;
    case KEY_OUT:
        options->out = text;
        return 0;
    case KEY_RESUME:
        options->resume = true;
        return 0;
    default:
        return cli_parse_option(key, text, state, &options->common);
    }
}

static const struct argp parser = {
    option_list, parse, "FILE",
    "Trains an experiment's network by its rule and writes every update to a run store, from which a stopped run goes on to the same "
    "bits. At the end the samples of the tested fold are evaluated once.\v"
    "Example: echospice train netlists/vowels.xml --data vowels/ --fold 0 --out vowels0.db",
    NULL, NULL, NULL,
};

struct session {
    const struct es_training *training;
    struct es_store *store;
    struct cli_progress progress;
    uint64_t first;   // update at which this session began
    double last_loss, last_accuracy; // of the epoch so far
};

static enum es_status updated(void *context, const struct es_state *state, const struct es_metrics *update, const struct es_metrics *epoch,
                              struct es_error *error) {
    struct session *session = context;
    const struct es_training *training = session->training;
    enum es_status status = es_store_update(session->store, training->problem.net, state, update, error);
    if (status != ES_OK)
        return status;
    session->last_loss = epoch->loss;
    session->last_accuracy = (double)epoch->right / (double)epoch->samples;
    double done = (double)(state->update - session->first) / (double)(training->updates - session->first);
    cli_progress_show(&session->progress, done, "epoch %llu/%zu  loss %.4g  accuracy %.3f", (unsigned long long)epoch->epoch + 1,
                      training->experiment->epochs, epoch->loss, session->last_accuracy);
    if (cli_signal() && state->update < training->updates)
        return es_fail(error, ES_INTERRUPTED, "stopped after update %llu of %llu; go on with --resume", (unsigned long long)state->update,
                       (unsigned long long)training->updates);
    return ES_OK;
}

// A new store with everything that a later session needs to go on in the same way.
static enum es_status create(const struct options *options, const struct cli_subject *s, struct es_store **store, struct es_error *error) {
    const struct es_experiment *x = s->experiment;
    char *data = options->common.data ? realpath(options->common.data, NULL) : NULL, seed[32] = "";
    if (options->common.seeded)
        snprintf(seed, sizeof seed, "%llu", (unsigned long long)options->common.seed);
    const char *const fact[][2] = {
        {"experiment", x->xml},
        {"file", x->file},
        {"engine", x->engine->row.name},
        {"scheme", x->scheme->row.name},
        {"rule", x->rule->row.name},
        {"cost", x->cost->row.name},
        {"seed", seed},
        {"data", data},
        {"fold", es_arena_printf(s->arena, "%zu", s->training.fold)},
        {"epochs", es_arena_printf(s->arena, "%zu", x->epochs)},
        {"substeps", es_arena_printf(s->arena, "%zu", s->training.problem.grid.substeps)},
        {"frequency_error", es_arena_printf(s->arena, "%.17g", cli_frequency_error(s))},
        {"exactness", cli_exactness(s)},
        {"echospice", ES_VERSION},
        {"libraries", ES_LIBRARIES},
        {"sqlite", es_store_version()},
    };
    enum es_status status = es_store_create(options->out, x->net, sizeof fact / sizeof *fact, fact, store, error);
    free(data);
    return status;
}

static void print_start(const struct cli_subject *s, const struct es_state *state) {
    const struct es_experiment *x = s->experiment;
    const struct es_training *t = &s->training;
    printf("%s %s: %zu nodes, %zu parameters, %zu training samples, %llu updates; engine %s, scheme %s, rule %s (%s)\n",
           state->update ? "Resuming" : "Training", x->net->name, x->net->nodes, x->net->parameters, t->trained, (unsigned long long)t->updates,
           x->engine->row.name, x->scheme->row.name, x->rule->row.name, cli_exactness(s));
    printf("step: %.1f per period of the fastest mode, which the scheme puts off by %+.2g %%\n", cli_steps_per_period(s), 100 * cli_frequency_error(s));
    fflush(stdout);
}

static enum es_status put_result(struct es_store *store, const char *key, double value, struct es_error *error) {
    char text[32];
    snprintf(text, sizeof text, "%.17g", value);
    return es_store_set(store, key, text, error);
}

static void print_json(const struct cli_subject *s, const struct options *options, const struct es_state *state, const struct session *session,
                       const struct es_evaluation *e) {
    bool labels = e->confusion, trained = session->first < state->update;
    cli_print_json(json_pack("{s:s, s:I, s:o, s:o, s:o, s:o, s:I, s:b, s:o, s:s, s:s}", "run", options->out, "updates", (json_int_t)state->update,
                             "train_loss", trained ? cli_real(session->last_loss) : json_null(), "train_accuracy",
                             labels && trained ? cli_real(session->last_accuracy) : json_null(), "test_loss", cli_real(e->loss), "test_accuracy",
                             labels ? cli_real((double)e->right / (double)e->samples) : json_null(), "test_samples", (json_int_t)e->samples,
                             "test_held_out", s->set.folds > 1, "frequency_error", cli_real(cli_frequency_error(s)), "exactness", cli_exactness(s),
                             "engine", s->engine->kind->row.name));
}

static void print_text(const struct cli_subject *s, const struct options *options, const struct es_state *state, const struct session *session,
                       const struct es_evaluation *e) {
    printf("after %zu epochs: ", s->experiment->epochs);
    if (session->first < state->update) {
        printf("training loss %.4g", session->last_loss);
        if (e->confusion)
            printf(", accuracy %.3f", session->last_accuracy);
        fputs("; ", stdout);
    }
    fputs(s->set.folds > 1 ? "test" : "training samples (the task has no folds)", stdout);
    if (e->confusion)
        printf(": %zu of %zu right (%.3f)", e->right, e->samples, (double)e->right / (double)e->samples);
    printf(", loss %.4g\nrun: %s\n", e->loss, options->out);
}

static enum es_status finish(struct cli_subject *s, struct es_store *store, const struct es_state *state, const struct options *options,
                             const struct session *session, struct es_error *error) {
    struct es_evaluation e;
    es_state_theta(s->experiment->net, state, s->theta);
    size_t fold = s->set.folds > 1 ? s->training.fold : SIZE_MAX;
    enum es_status status = es_evaluate(&s->training.problem, &s->set, fold, s->theta, s->arena, &e, error);
    if (status == ES_OK && e.confusion && s->set.folds > 1)
        status = put_result(store, "test_accuracy", (double)e.right / (double)e.samples, error);
    if (status == ES_OK && s->set.folds > 1)
        status = put_result(store, "test_loss", e.loss, error);
    if (status == ES_OK)
        (options->common.json ? print_json : print_text)(s, options, state, session, &e);
    return status;
}

static enum es_status train(struct cli_subject *s, const struct options *options, struct es_store *store, struct es_state *state, struct es_error *error) {
    enum es_status status = es_store_state(store, s->experiment->net, state, error);
    if (status != ES_OK)
        return status;
    if (!options->common.json)
        print_start(s, state);
    struct session session = {.training = &s->training, .store = store, .first = state->update};
    s->training.updated = updated;
    s->training.context = &session;
    cli_progress_start(&session.progress);
    cli_catch_signals();
    status = es_train(&s->training, state, error);
    cli_progress_end();
    return status == ES_OK ? finish(s, store, state, options, &session, error) : status;
}

// The default store: ring8.db for netlists/ring8.xml.
static const char *default_out(const char *file, char text[256]) {
    const char *slash = strrchr(file, '/'), *name = slash ? slash + 1 : file, *dot = strrchr(name, '.');
    snprintf(text, 256, "%.*s.db", (int)(dot ? (size_t)(dot - name) : strlen(name)), name);
    return text;
}

static enum es_status same_experiment(const char *file, const char *out, struct es_error *error) {
    struct es_experiment *now = NULL;
    struct es_store *store = NULL;
    struct es_arena *arena = es_arena_new();
    enum es_status status = es_experiment_read(file, NULL, &now, error);
    if (status == ES_OK)
        status = es_store_open(out, false, &store, error);
    if (status == ES_OK) {
        const char *then = es_store_get(store, "experiment", arena);
        if (!then || strcmp(then, now->xml) != 0)
            status = es_fail(error, ES_BAD_INPUT, "--resume: %s is not the experiment that %s was begun with; give the run itself as FILE to go on with that", file, out);
    }
    es_store_close(store);
    es_experiment_free(now);
    es_arena_free(arena);
    return status;
}

// With --resume the run's own experiment and options count.
static enum es_status adopt(struct options *options, struct es_error *error) {
    struct cli_options *o = &options->common;
    if (!options->resume)
        return es_store_is(o->file) ? es_fail(error, ES_BAD_INPUT, "%s is a run already; go on with it by --resume", o->file) : ES_OK;
    if (!es_store_is(options->out))
        return es_fail(error, ES_BAD_INPUT, "--resume: %s is not a run store; name it with --out, or leave --resume out to begin", options->out);
    if (o->engine || o->scheme || o->fold >= 0 || o->seeded || o->steps > 0)
        return es_fail(error, ES_BAD_INPUT, "--resume goes on as %s was begun; leave out --engine, --scheme, --fold, --seed and --steps", options->out);
    enum es_status status = es_store_is(o->file) ? ES_OK : same_experiment(o->file, options->out, error);
    o->file = options->out;
    return status;
}

static enum es_status check_epochs(const struct options *options, struct cli_subject *s, struct es_error *error) {
    struct es_experiment *x = s->experiment;
    const char *stored = s->store ? es_store_get(s->store, "epochs", s->arena) : NULL;
    size_t before = x->epochs;
    if (stored)
        x->epochs = (size_t)strtoull(stored, NULL, 10);
    if (options->epochs && stored && options->epochs != x->epochs)
        return es_fail(error, ES_BAD_INPUT, "--epochs %zu: the run was begun with %zu, on which its learning rates depend", options->epochs, x->epochs);
    if (options->epochs)
        x->epochs = options->epochs;
    s->training.updates = s->training.updates / before * x->epochs;
    return ES_OK;
}

static int run(int argc, char **argv) {
    struct options options = {.common = {.fold = -1}};
    struct cli_subject subject = {.arena = NULL};
    struct es_error error = {""};
    struct es_store *store = NULL;
    char name[256];
    argp_parse(&parser, argc, argv, 0, NULL, &options);
    if (!options.out)
        options.out = es_store_is(options.common.file) ? options.common.file : default_out(options.common.file, name);
    enum es_status status = adopt(&options, &error);
    if (status == ES_OK)
        status = cli_open(&options.common, CLI_TRAINING, &subject, &error);
    if (status == ES_OK)
        status = check_epochs(&options, &subject, &error);
    if (status == ES_OK)
        status = options.resume ? es_store_open(options.out, true, &store, &error) : create(&options, &subject, &store, &error);
    struct es_state state = {.update = 0};
    if (status == ES_OK) {
        state = es_state_new(subject.experiment->net, subject.arena);
        status = train(&subject, &options, store, &state, &error);
    }
    bool unused = store && !options.resume && state.update == 0; // nothing came of it
    if (subject.arena)
        cli_close(&subject);
    es_store_close(store); // last, as only the last connection can fold its log into the file
    if (unused)
        remove(options.out);
    return status == ES_OK ? CLI_DONE : cli_fail(status, &error);
}

const struct cli_command cli_train = {
    {"train", "train by the experiment's rule, into a run store", "echospice train netlists/demo.xml --out demo.db"},
    run,
};
