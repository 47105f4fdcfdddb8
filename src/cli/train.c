// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
#include "cli/cli.h"

#include "net/modes.h"
#include "xml/xml.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct options {
    struct cli_options common;
    size_t epochs; // 0: as the experiment says
    const char *out, *device; // a card
    struct es_device_use use;
    bool resume;
};

enum { KEY_EPOCHS = CLI_OWN, KEY_BETA, KEY_OUT, KEY_RESUME, KEY_DEVICE, KEY_USE, KEY_PAIR, KEY_REFRESH };

static const struct argp_option option_list[] = {
    CLI_OPTION_ENGINE, CLI_OPTION_SCHEME, CLI_OPTION_DATA, CLI_OPTION_FOLD, CLI_OPTION_JOBS, CLI_OPTION_SEED, CLI_OPTION_STEPS, CLI_OPTION_JSON, CLI_OPTION_CHIP, CLI_OPTION_TECHNOLOGY, CLI_OPTION_PROCESS, CLI_OPTION_CORNER, CLI_OPTION_PDK,
    CLI_OPTION_RULE,
    {"beta", KEY_BETA, "B", 0, "nudge in place of the experiment's: the largest nudge element over what is at its node already", 0},
    {"epochs", KEY_EPOCHS, "N", 0, "how many times through the training samples", 0},
    {"out", KEY_OUT, "RUN.db", 0, "the run store; default FILE with .db in place of .xml, in this directory", 0},
    {"device", KEY_DEVICE, "CARD.xml", 0, "memory devices hold the trained values, see `echospice device --help` and models/", 0},
    {"device-use", KEY_USE, "USE", 0, "pulses: a change becomes pulses, rounded at random; accumulate: what is less than a pulse waits. Default pulses", 0},
    {"pair", KEY_PAIR, NULL, 0, "two devices for each value, which is their difference", 0},
    {"refresh", KEY_REFRESH, "N", 0, "every N updates bring pairs that are far up back, and program their difference again", 0},
    {"resume", KEY_RESUME, NULL, 0, "take the run in --out (or FILE, if that is a run) up again from its last checkpoint", 0},
    {0},
};

static error_t parse(int key, char *text, struct argp_state *state) {
    struct options *options = state->input;
    switch (key) {
    case KEY_EPOCHS:
        options->epochs = (size_t)cli_whole(text, "epochs", 1, 1e6, state);
        return 0;
    case KEY_BETA:
        options->common.beta = cli_number(text, "beta", 1e-15, 1e6, state);
        return 0;
    case KEY_OUT:
        options->out = text;
        return 0;
    case KEY_RESUME:
        options->resume = true;
        return 0;
    case KEY_DEVICE:
        options->device = text;
        return 0;
    case KEY_USE:
        if (strcmp(text, "pulses") != 0 && strcmp(text, "accumulate") != 0)
            argp_error(state, "--device-use=%s: expected pulses or accumulate", text);
        options->use.accumulate = *text == 'a';
        return 0;
    case KEY_PAIR:
        options->use.pair = true;
        return 0;
    case KEY_REFRESH:
        options->use.refresh = (uint64_t)cli_whole(text, "refresh", 1, 1e9, state);
        return 0;
    case ARGP_KEY_END:
        if (!options->device && (options->use.accumulate || options->use.pair || options->use.refresh))
            argp_error(state, "--device-use, --pair and --refresh say how devices are used; which? name a card with --device");
        return cli_parse_option(key, text, state, &options->common);
    default:
        return cli_parse_option(key, text, state, &options->common);
    }
}

static const struct argp parser = {
    option_list, parse, "FILE",
    "Trains an experiment's network by its rule and writes every update to a run store, from which a stopped run goes on to the same "
    "bits. With a validation part (validation=\"0.2\" in <learning>) it keeps the state with the smallest validation loss, and the other "
    "commands use that. At the end the samples of the tested fold are evaluated once.\v"
    "JSON: train_ and validation_ loss and accuracy are those of the last epoch, or of the kept one (kept_epoch), and in `epochs` of each; "
    "those of an epoch's training are means over its updates. clipped: how many updates had their gradient clipped. "
    "nmse: see evaluate --help.\n"
    "With --device the optimiser's step of each trained value becomes a number of pulses, and the device says what becomes of the value; pulses: "
    "how many there were.\n"
    "Example: echospice train netlists/vowels.xml --data vowels/ --fold 0 --out vowels0.db\n"
    "Example: echospice train netlists/demo.xml --engine twin --device models/ecram-li.xml --device-use accumulate",
    NULL, NULL, NULL,
};

struct session {
    const struct es_training *training;
    struct es_store *store;
    struct cli_progress progress;
    uint64_t first;   // update at which this session began
    bool quiet;       // tells nothing about epochs
};

// "training loss 0.3, accuracy 0.9"
static void print_part(const struct es_training *training, const char *part, double loss, size_t right, size_t samples) {
    printf("%s loss %.4g", part, loss);
    if (training->problem.cost->labels)
        printf(", accuracy %.3f", (double)right / (double)samples);
}

static void print_parts(const struct es_training *training, const struct es_metrics *epoch) {
    print_part(training, "training", epoch->loss, epoch->right, epoch->samples);
    if (epoch->validated) {
        fputs("; ", stdout);
        print_part(training, "validation", epoch->validated_loss, epoch->validated_right, epoch->validated);
    }
}

// From the store, as an earlier session may have begun the epoch.
static enum es_status print_epoch(const struct session *session, uint64_t number, const struct es_state *state, struct es_error *error) {
    struct es_arena *arena = es_arena_new();
    struct es_metrics *epoch;
    size_t count;
    enum es_status status = es_store_epochs(session->store, number, arena, &count, &epoch, error);
    if (status == ES_OK && count) {
        cli_progress_end();
        printf("epoch %llu: ", (unsigned long long)number + 1);
        print_parts(session->training, epoch);
        puts(state->best_epoch == number + 1 ? " (smallest)" : "");
        fflush(stdout);
    }
    es_arena_free(arena);
    return status;
}

static enum es_status updated(void *context, const struct es_state *state, const struct es_metrics *update, const struct es_metrics *epoch,
                              struct es_error *error) {
    struct session *session = context;
    const struct es_training *training = session->training;
    enum es_status status = es_store_update(session->store, training->problem.net, state, update, error);
    if (status == ES_OK && update->validated && !session->quiet)
        status = print_epoch(session, update->epoch, state, error);
    if (status != ES_OK)
        return status;
    double done = (double)(state->update - session->first) / (double)(training->updates - session->first);
    cli_progress_show(&session->progress, done, "epoch %llu/%zu  loss %.4g  accuracy %.3f", (unsigned long long)epoch->epoch + 1,
                      training->experiment->epochs, epoch->loss, (double)epoch->right / (double)epoch->samples);
    if (cli_signal() && !es_training_ended(training, state))
        return es_fail(error, ES_INTERRUPTED, "stopped after update %llu of %llu; go on with --resume", (unsigned long long)state->update,
                       (unsigned long long)training->updates);
    return ES_OK;
}

// A new store with everything that a later session needs to go on in the same way.
static enum es_status create(const struct options *options, const struct cli_subject *s, struct es_store **store, struct es_error *error) {
    const struct es_experiment *x = s->experiment;
    char seed[32] = "";
    if (options->common.seeded)
        snprintf(seed, sizeof seed, "%llu", (unsigned long long)options->common.seed);
    const struct es_training *t = &s->training;
    const char *const fact[][2] = {
        {"experiment", x->xml},
        {"file", x->file},
        {"engine", x->engine->row.name},
        {"scheme", x->scheme->row.name},
        {"rule", x->rule->row.name},
        {"beta", es_arena_printf(s->arena, "%.17g", x->beta)},
        {"cost", x->cost->row.name},
        {"chip", options->common.chip},
        {"technology", s->technology ? s->technology->row.name : NULL},
        {"process", s->process ? cli_whole_path(s->process->file, s->arena) : NULL},
        {"corner", s->kit.corner},
        {"pdk", options->common.pdk ? cli_whole_path(options->common.pdk, s->arena) : NULL},
        {"seed", seed},
        {"data", options->common.data ? cli_whole_path(options->common.data, s->arena) : NULL},
        {"fold", es_arena_printf(s->arena, "%zu", s->training.fold)},
        {"epochs", es_arena_printf(s->arena, "%zu", x->epochs)},
        {"device", t->device ? t->device->xml : NULL},
        {"device_file", t->device ? t->device->file : NULL},
        {"device_accumulate", t->use.accumulate ? "yes" : NULL},
        {"device_pair", t->use.pair ? "yes" : NULL},
        {"device_refresh", t->use.refresh ? es_arena_printf(s->arena, "%llu", (unsigned long long)t->use.refresh) : NULL},
        {"substeps", es_arena_printf(s->arena, "%zu", s->training.problem.grid.substeps)},
        {"frequency_error", es_arena_printf(s->arena, "%.17g", cli_frequency_error(s))},
        {"exactness", cli_exactness(s)},
        {"echospice", ES_VERSION},
        {"libraries", ES_LIBRARIES},
        {"sqlite", es_store_version()},
    };
    enum es_status status = es_store_create(options->out, x->net, sizeof fact / sizeof *fact, fact, store, error);
    return status;
}

static void print_start(const struct cli_subject *s, const struct es_state *state) {
    const struct es_experiment *x = s->experiment;
    const struct es_training *t = &s->training;
    printf("%s %s: %zu nodes, %zu parameters, %zu training samples, %llu updates; engine %s, scheme %s, rule %s (%s)\n",
           state->update ? "Resuming" : "Training", x->net->name, x->net->nodes, x->net->parameters, t->trained, (unsigned long long)t->updates,
           x->engine->row.name, x->scheme->row.name, x->rule->row.name, cli_exactness(s));
    if (t->device)
        printf("each value is held by %s %s (%s), %s\n", t->use.pair || t->device->one_sided ? "a pair of devices" : "a device", t->device->name,
               t->device->model->row.name, t->use.accumulate ? "changes accumulate to whole pulses" : "changes are rounded to pulses at random");
    if (s->technology)
        printf("technology %s: %s\n", s->technology->row.name, s->technology->row.about);
    if (s->process)
        printf("transistors of %s, corner %s; echoes turn back by %s\n", s->process->name, s->kit.corner, x->reversal->row.name);
    if (cli_chip_frequency(s))
        printf("chip: %s\n", cli_chip_frequency(s));
    if (t->validated)
        printf("%zu samples held back for validation; keeps the state with their smallest loss\n", t->validated);
    if (!cli_at_rest(s) && s->omega > 0)
        printf("step: %.1f per period of the fastest mode, which the scheme puts off by %+.2g %%\n", cli_steps_per_period(s), 100 * cli_frequency_error(s));
    fflush(stdout);
}

static enum es_status put_result(struct es_store *store, const char *key, double value, struct es_error *error) {
    char text[32];
    snprintf(text, sizeof text, "%.17g", value);
    return es_store_set(store, key, text, error);
}

// What the store tells of the run when it has ended.
struct history {
    size_t epochs;
    struct es_metrics *epoch; // [epochs]
    struct es_metrics kept;   // the last epoch, or the one of the smallest validation loss
    size_t clipped, pulses;   // updates; of memory devices
};

static enum es_status read_history(struct es_store *store, const struct es_state *state, struct es_arena *arena, struct history *h, struct es_error *error) {
    *h = (struct history){.kept = {.loss = NAN}};
    enum es_status status = es_store_epochs(store, 0, arena, &h->epochs, &h->epoch, error);
    for (size_t i = 0; i < h->epochs && status == ES_OK; i++) {
        h->clipped += h->epoch[i].clipped;
        h->pulses += h->epoch[i].pulses;
        if (!state->best_epoch || h->epoch[i].epoch + 1 == state->best_epoch)
            h->kept = h->epoch[i];
    }
    return status;
}

static json_t *json_loss(double loss, size_t samples) {
    return samples ? cli_real(loss) : json_null();
}

static json_t *json_accuracy(const struct cli_subject *s, size_t right, size_t samples) {
    return samples && s->experiment->cost->labels ? cli_real((double)right / (double)samples) : json_null();
}

static json_t *json_parts(const struct cli_subject *s, const struct es_metrics *m) {
    return json_pack("{s:o, s:o, s:o, s:o}", "train_loss", json_loss(m->loss, m->samples), "train_accuracy", json_accuracy(s, m->right, m->samples),
                     "validation_loss", json_loss(m->validated_loss, m->validated), "validation_accuracy",
                     json_accuracy(s, m->validated_right, m->validated));
}

static json_t *json_epochs(const struct cli_subject *s, const struct history *h) {
    json_t *array = json_array();
    for (size_t i = 0; i < h->epochs; i++) {
        json_t *epoch = json_pack("{s:I}", "epoch", (json_int_t)h->epoch[i].epoch + 1);
        json_object_update_new(epoch, json_parts(s, &h->epoch[i]));
        json_array_append_new(array, epoch);
    }
    return array;
}

static void print_json(const struct cli_subject *s, const struct options *options, const struct es_state *state, const struct history *h,
                       const struct es_evaluation *e) {
    json_t *object = json_pack("{s:s, s:I, s:I, s:I}", "run", options->out, "updates", (json_int_t)state->update, "clipped", (json_int_t)h->clipped,
                               "kept_epoch", (json_int_t)h->kept.epoch + 1);
    if (s->training.device)
        json_object_update_new(object, json_pack("{s:s, s:I}", "device", s->training.device->name, "pulses", (json_int_t)h->pulses));
    json_object_update_new(object, json_parts(s, &h->kept));
    json_object_update_new(object, json_pack("{s:I, s:o, s:o, s:o, s:I, s:b, s:o, s:s, s:s, s:o}", "validation_samples", (json_int_t)s->training.validated,
                                             "test_loss", cli_real(e->loss), "test_accuracy", json_accuracy(s, e->right, e->samples), "nmse",
                                             cli_real(e->nmse), "test_samples",
                                             (json_int_t)e->samples, "test_held_out", s->set.folds > 1, "frequency_error",
                                             cli_real(cli_frequency_error(s)), "exactness", cli_exactness(s), "engine", s->engine->kind->row.name,
                                             "epochs", json_epochs(s, h)));
    cli_print_json(object);
}

static void print_text(const struct cli_subject *s, const struct options *options, const struct es_state *state, const struct history *h,
                       const struct es_evaluation *e) {
    printf("after %zu epochs: ", h->epochs);
    if (state->best_epoch)
        printf("kept that of epoch %llu, ", (unsigned long long)state->best_epoch);
    print_parts(&s->training, &h->kept);
    fputs(s->set.folds > 1 ? "; test" : "; all samples (the task has no folds)", stdout);
    if (e->confusion)
        printf(": %zu of %zu right (%.3f)", e->right, e->samples, (double)e->right / (double)e->samples);
    printf(", loss %.4g", e->loss);
    if (isfinite(e->nmse))
        printf(", NMSE %.4g", e->nmse);
    printf("\nrun: %s\n", options->out);
    if (h->clipped)
        printf("%zu of %llu gradients were clipped\n", h->clipped, (unsigned long long)state->update);
    if (s->training.device)
        printf("the devices got %zu pulses, %.3g for each value and update\n", h->pulses,
               (double)h->pulses / (double)s->experiment->net->parameters / (double)state->update);
}

static enum es_status finish(struct cli_subject *s, struct es_store *store, const struct es_state *state, const struct options *options,
                             struct es_error *error) {
    struct es_evaluation e;
    struct history history;
    es_state_theta(s->experiment->net, state, s->theta);
    if (!cli_at_rest(s))
        s->omega = es_modes_fastest(s->ideal, s->theta); // of the trained network, whichever session ends the training
    size_t fold = s->set.folds > 1 ? s->training.fold : SIZE_MAX;
    enum es_status status = es_evaluate(&s->training.problem, &s->set, fold, s->theta, s->arena, &e, error);
    if (status == ES_OK && e.confusion && s->set.folds > 1)
        status = put_result(store, "test_accuracy", (double)e.right / (double)e.samples, error);
    if (status == ES_OK && s->set.folds > 1)
        status = put_result(store, "test_loss", e.loss, error);
    if (status == ES_OK && isfinite(e.nmse) && s->set.folds > 1)
        status = put_result(store, "test_nmse", e.nmse, error);
    if (status == ES_OK)
        status = read_history(store, state, s->arena, &history, error);
    if (status == ES_OK)
        (options->common.json ? print_json : print_text)(s, options, state, &history, &e);
    return status;
}

static enum es_status train(struct cli_subject *s, const struct options *options, struct es_store *store, struct es_state *state, struct es_error *error) {
    enum es_status status = es_store_state(store, s->experiment->net, state, error);
    if (status != ES_OK)
        return status;
    if (!options->common.json)
        print_start(s, state);
    struct session session = {.training = &s->training, .store = store, .first = state->update, .quiet = options->common.json};
    s->training.updated = updated;
    s->training.context = &session;
    cli_progress_start(&session.progress);
    cli_catch_signals();
    status = es_train(&s->training, state, error);
    cli_progress_end();
    return status == ES_OK ? finish(s, store, state, options, error) : status;
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
    if (o->engine || o->scheme || o->rule || o->fold >= 0 || o->seeded || o->steps > 0 || o->chip || o->technology || o->process || o->corner || o->pdk || o->beta > 0 || options->device)
        return es_fail(error, ES_BAD_INPUT, "--resume goes on as %s was begun; leave out --engine, --scheme, --rule, --fold, --seed, --steps, --chip, --technology, --process, --corner, --pdk, --beta and --device", options->out);
    enum es_status status = es_store_is(o->file) ? ES_OK : same_experiment(o->file, options->out, error);
    o->file = options->out;
    return status;
}

// The devices of the command line, or of the run that goes on.
static enum es_status choose_device(const struct options *options, struct cli_subject *s, struct es_card **card, struct es_error *error) {
    const char *text = s->store ? es_store_get(s->store, "device", s->arena) : NULL;
    enum es_status status = ES_OK;
    s->training.use = options->use;
    if (options->device)
        status = es_card_read(options->device, card, error);
    else if (text) {
        const char *refresh = es_store_get(s->store, "device_refresh", s->arena), *file = es_store_get(s->store, "device_file", s->arena);
        s->training.use = (struct es_device_use){
            .accumulate = es_store_get(s->store, "device_accumulate", s->arena) != NULL,
            .pair = es_store_get(s->store, "device_pair", s->arena) != NULL,
            .refresh = refresh ? strtoull(refresh, NULL, 10) : 0,
        };
        status = es_card_parse(text, strlen(text), file ? file : options->out, card, error);
    }
    s->training.device = *card;
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
    struct es_card *card = NULL;
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
        status = choose_device(&options, &subject, &card, &error);
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
    es_card_free(card);
    es_store_close(store); // last, as only the last connection can fold its log into the file
    if (unused)
        remove(options.out);
    return status == ES_OK ? CLI_DONE : cli_fail(status, &error);
}

const struct cli_command cli_train = {
    {"train", "train by the experiment's rule, into a run store", "echospice train netlists/demo.xml --out demo.db"},
    run,
};
