// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
#include "cli/compare_session.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
    struct cli_compare_options *options = state->input;
    switch (key) {
    case KEY_DEVICE:
        options->device = text;
        return 0;
    case KEY_SWEEP:
        if (options->sweeps == CLI_MOST_SWEEPS)
            argp_error(state, "--sweep: expected at most %d", CLI_MOST_SWEEPS);
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
    "one and ratio of their norms, at the start values (before a device holds them) and after training, for the mean loss of a few training samples; how "
    "far from its start an echo of the trained network ends; pulses "
    "to the devices; energy dissipated (by conductances, resistances and leakages) in all passes of an update (and by its pulses, where the card knows) "
    "and in an inference. What a condition does not have is left out.\n\n"
    "The exact gradient is that of the loss in the twin, of the network as it was made (with its losses, mismatch and offsets) and at the same values, but "
    "without what is random, rounded or badly flipped: by the discrete adjoint, or, "
    "where there are losses, by the reciprocal rule where that is exact, or by finite differences. The twin's midpoint rule and ngspice's trapezoidal "
    "rule are the same to 1e-10 (docs/theory.md 3).\n\n"
    "KEY: see `echospice list nonidealities` and `echospice list settings`.\v"
    "Each training is a process of its own, --jobs at once, and the results do not depend on how many. With --out, a comparison that was stopped, "
    "in whatever way, goes on by the same command.\n\n"
    "--json: `conditions` has an object for each: device, key, value and unit of what is swept, trials that succeeded, `measures` by name (test_loss, "
    "test_accuracy, test_nmse, start_cosine, end_cosine, start_norm_ratio, end_norm_ratio, retrace, pulses, update_energy, inference_energy; of each its unit, "
    "mean, deviation and count over the seeds, and `each` in their order, null where there is none), training_loss by epoch, and what failed and why. A line "
    "of --csv is a training, with the same names.\n\n"
    "Example: echospice compare netlists/demo.xml --device none,models/ecram-li.xml,models/pcm.xml --epochs 6 --out demo.db --plot demo\n"
    "Example: echospice compare netlists/demo.xml --engine twin --sweep q-parallel=10:1000:5log --sweep integral-bits=4:12:5",
    NULL, NULL, NULL,
};

static void print_json(const struct cli_session *session) {
    static const char *const facts[][2] = {{"network", "name"}, {"chip", "--chip"}, {"engine", "engine"}, {"scheme", "scheme"}, {"rule", "rule"}};
    const struct es_comparison *c = &session->comparison;
    json_t *object = json_object(), *seeds = json_array(), *folds = json_array();
    for (size_t i = 0; i < c->seeds; i++) {
        json_array_append_new(seeds, json_integer((json_int_t)c->seed[i]));
        json_array_append_new(folds, json_integer((json_int_t)c->fold[i]));
    }
    for (size_t i = 0; i < sizeof facts / sizeof *facts; i++)
        json_object_set_new(object, facts[i][0], json_string(cli_session_fact(session, facts[i][1])));
    json_object_set_new(object, "reference",
                        json_string("exact gradient of the loss in the twin, of the circuit as made, without what is random, rounded or badly flipped"));
    json_object_set_new(object, "epochs", json_integer((json_int_t)c->epochs));
    json_object_set_new(object, "gradient_samples", json_integer(strtoll(cli_session_fact(session, "--gradient-samples"), NULL, 10)));
    json_object_set_new(object, "seeds", seeds);
    json_object_set_new(object, "folds", folds);
    json_object_set_new(object, "trainings", json_integer((json_int_t)(c->conditions * c->seeds)));
    json_object_set_new(object, "ended", json_integer((json_int_t)es_comparison_ended(c)));
    json_object_set_new(object, "conditions", cli_compare_json(c));
    cli_print_json(object);
}

static void print_text(const struct cli_session *session) {
    const struct es_comparison *c = &session->comparison;
    const char *chip = cli_session_fact(session, "--chip");
    printf("%s: conditions %zu, seeds %zu, epochs %zu; engine %s, scheme %s, rule %s%s%s\n", cli_session_fact(session, "name"), c->conditions, c->seeds, c->epochs,
           cli_session_fact(session, "engine"), cli_session_fact(session, "scheme"), cli_session_fact(session, "rule"), *chip ? ", chip " : "", chip);
    printf("mean +- standard deviation over the seeds; n: trainings, (m): m have a number;\n"
           "cos, norm: the rule's gradient of %s training samples, before (start) and after\n"
           "training (end), against the exact one of the circuit as made, in the twin\n\n",
           cli_session_fact(session, "--gradient-samples"));
    cli_compare_table(c);
    if (es_comparison_ended(c) < c->conditions * c->seeds)
        printf("%zu of %zu trainings have ended\n", es_comparison_ended(c), c->conditions * c->seeds);
}

// To standard error, as it is not the same every time.
static void print_seconds(const struct cli_session *session) {
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

// The CSV, the table and then the pictures, so that what fails keeps nothing else back.
static enum es_status show(const struct cli_session *session, struct cli_output *csv, struct es_error *error) {
    const struct cli_compare_options *o = session->options;
    const struct es_comparison *c = &session->comparison;
    const char *chip = cli_session_fact(session, "--chip");
    const char *title = es_arena_printf(session->arena, "%s%s%s", cli_session_fact(session, "name"), *chip ? ", chip " : "", chip);
    if (o->csv)
        cli_compare_csv(c, csv->file);
    enum es_status status = cli_output_close(csv, true, error);
    (o->common.json ? print_json : print_text)(session);
    print_seconds(session);
    if (status == ES_OK && o->plot)
        status = cli_compare_plot(c, title, o->plot, error);
    bool failed = es_comparison_ended(c) && !es_comparison_has(c, ES_TEST_LOSS);
    return status == ES_OK && failed ? es_fail(error, ES_BAD_INPUT, "no training succeeded; the reasons are above") : status;
}

static int run(int argc, char **argv) {
    struct cli_compare_options options = {.common = {.fold = -1}};
    struct es_error error = {""};
    struct cli_output csv = {.file = NULL};
    argp_parse(&parser, argc, argv, 0, NULL, &options);
    if (options.common.file && !options.seeds)
        options.seeds = 3;
    if (options.common.file && !options.samples)
        options.samples = 4;
    struct cli_session session = {.options = &options, .arena = es_arena_new()};
    enum es_status status = options.csv ? cli_output_open(&csv, options.csv, &error) : ES_OK;
    if (status == ES_OK && options.plot)
        status = cli_compare_plot_ready(options.plot, &error);
    if (status == ES_OK)
        status = (options.common.file ? cli_session_train : cli_session_read)(&session, &error);
    if (status == ES_OK)
        status = show(&session, &csv, &error);
    cli_output_close(&csv, false, NULL); // if it has not been written
    size_t died = session.died;
    cli_session_close(&session);
    es_arena_free(session.arena);
    return status != ES_OK ? cli_fail(status, &error) : died ? CLI_ERROR : CLI_DONE;
}

const struct cli_command cli_compare = {
    {"compare", "train under many conditions and compare what comes of it", "echospice compare netlists/demo.xml --sweep beta=1e-4:1:5log --epochs 6 --out demo-beta.db"},
    run,
};
