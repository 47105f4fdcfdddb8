// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
#include "cli/cli.h"

#include "device/memory.h"
#include "xml/xml.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

struct options {
    struct cli_options common;
    size_t refine;   // divides the engine's step
    double at_least; // accuracy asked for; negative: none
    bool all, untrained;
    const char *answers; // file
    const char *device;  // a card
    bool pair;
    double after;        // seconds after programming
};

enum { KEY_REFINE = CLI_OWN, KEY_AT_LEAST, KEY_ALL, KEY_UNTRAINED, KEY_ANSWERS, KEY_DEVICE, KEY_PAIR, KEY_AFTER };

static const struct argp_option option_list[] = {
    CLI_OPTION_ENGINE, CLI_OPTION_SCHEME, CLI_OPTION_FOLD, CLI_OPTION_JOBS, CLI_OPTION_SEED, CLI_OPTION_STEPS, CLI_OPTION_JSON, CLI_OPTION_CHIP, CLI_OPTION_TECHNOLOGY, CLI_OPTION_PROCESS, CLI_OPTION_CORNER, CLI_OPTION_PDK,
    {"data", 'd', "DIR|FILE.wav", 0, "directory of the recordings, or one recording to be classified", 0},
    {"all", KEY_ALL, NULL, 0, "all samples, not only those of the tested fold", 0},
    {"refine", KEY_REFINE, "N", 0, "an N times finer step than in training: the circuit as it would be built", 0},
    {"untrained", KEY_UNTRAINED, NULL, 0, "with the start values", 0},
    {"answers", KEY_ANSWERS, "OUT", 0, "write sample, label and answer as CSV", 0},
    {"device", KEY_DEVICE, "CARD.xml", 0, "the trained values are programmed into memory devices first, as those of the seed come out", 0},
    {"pair", KEY_PAIR, NULL, 0, "two of them for each value, which is their difference", 0},
    {"after", KEY_AFTER, "SECONDS", 0, "and are read so long after; default 0", 0},
    {"at-least", KEY_AT_LEAST, "X", 0, "exit status 1 if the accuracy is below X", 0},
    {0},
};

static error_t parse(int key, char *text, struct argp_state *state) {
    struct options *options = state->input;
    switch (key) {
    case KEY_REFINE:
        options->refine = (size_t)cli_whole(text, "refine", 1, 1000, state);
        return 0;
    case KEY_AT_LEAST:
        options->at_least = cli_number(text, "at-least", 0, 1, state);
        return 0;
    case KEY_ALL:
        options->all = true;
        return 0;
    case KEY_UNTRAINED:
        options->untrained = true;
        return 0;
    case KEY_ANSWERS:
        options->answers = text;
        return 0;
    case KEY_DEVICE:
        options->device = text;
        return 0;
    case KEY_PAIR:
        options->pair = true;
        return 0;
    case KEY_AFTER:
        options->after = cli_number(text, "after", 0, 1e12, state);
        return 0;
    case ARGP_KEY_END:
        if (!options->device && (options->pair || options->after > 0))
            argp_error(state, "--pair and --after are about memory devices; which? name a card with --device");
        return cli_parse_option(key, text, state, &options->common);
    default:
        return cli_parse_option(key, text, state, &options->common);
    }
}

static const struct argp parser = {
    option_list, parse, "FILE|RUN.db",
    "Loss, accuracy and confusion table, or NMSE, of a network, trained (RUN.db) or as its file states it, on the samples of the tested fold.\v"
    "Costs of targets give the NMSE as well: the mean squared error over the variance of the targets. A terminal cost takes both at the end of "
    "the pass over samples and outputs, a tracking cost over the time in which it counts too. Always telling the mean would be 1. JSON: nmse, "
    "null with labels and where the targets do not vary. Where a task's targets are true or false by their sign (parity), a terminal cost counts as "
    "right what has the sign of its target.\n"
    "With --device the circuit in use: what the card's bounds, levels, stuck devices, programming, drift and reading make of the trained values. Each "
    "--seed is another chip; without it, the training's.\n"
    "Example: echospice evaluate demo.db --engine ngspice\n"
    "Example: echospice evaluate demo.db --engine twin --device models/pcm.xml --after 86400",
    NULL, NULL, NULL,
};

static json_t *json_confusion(const struct es_network *net, const size_t *confusion) {
    json_t *table = json_object();
    for (size_t label = 0; confusion && label < net->classes; label++) {
        json_t *row = json_object();
        for (size_t answer = 0; answer < net->classes; answer++)
            json_object_set_new(row, net->class[answer], json_integer((json_int_t)confusion[label * net->classes + answer]));
        json_object_set_new(table, net->class[label], row);
    }
    return table;
}

static void print_json(const struct cli_subject *s, const struct options *options, const struct es_evaluation *e) {
    json_t *object = json_pack("{s:o, s:o, s:o, s:I, s:o, s:s, s:s, s:o, s:s}", "accuracy", e->judged ? cli_real((double)e->right / (double)e->samples) : json_null(),
                             "loss", cli_real(e->loss), "nmse", cli_real(e->nmse), "samples", (json_int_t)e->samples, "confusion", json_confusion(s->experiment->net, e->confusion),
                             "engine", s->engine->kind->row.name, "scheme", s->engine->scheme->row.name, "frequency_error",
                             cli_real(cli_frequency_error(s)), "exactness", cli_exactness(s));
    if (options->device)
        json_object_update_new(object, json_pack("{s:s, s:b, s:o}", "device", options->device, "pair", options->pair, "after", cli_real(options->after)));
    cli_print_json(object);
}

static void print_text(const struct cli_subject *s, const struct options *options, const struct es_evaluation *e) {
    const struct es_network *net = s->experiment->net;
    printf("%s, scheme %s", s->engine->kind->row.name, s->engine->scheme->row.name);
    if (!cli_at_rest(s) && s->omega > 0)
        printf(", %.1f steps per period of the fastest mode (off by %+.2g %%)", cli_steps_per_period(s), 100 * cli_frequency_error(s));
    puts("");
    if (options->device)
        printf("values programmed into %s%s, read %g s after\n", options->pair ? "pairs of " : "", options->device, options->after);
    if (strncmp(cli_exactness(s), "biased", 6) == 0)
        puts(cli_exactness(s));
    if (!e->confusion) {
        printf("loss %.6g", e->loss);
        if (isfinite(e->nmse))
            printf(", NMSE %.4g", e->nmse);
        printf(" over %zu samples\n", e->samples);
        if (e->judged)
            printf("%zu of %zu right (%.3f): every output has its target's sign\n", e->right, e->samples, (double)e->right / (double)e->samples);
        return;
    }
    printf("%zu of %zu right (%.3f), loss %.4g\n\n  %-10s", e->right, e->samples, (double)e->right / (double)e->samples, e->loss, "label");
    for (size_t c = 0; c < net->classes; c++)
        printf(" %8s", net->class[c]);
    for (size_t label = 0; label < net->classes; label++) {
        printf("\n  %-10s", net->class[label]);
        for (size_t c = 0; c < net->classes; c++)
            printf(" %8zu", e->confusion[label * net->classes + c]);
    }
    puts("");
}

static enum es_status write_answers(const char *path, const struct cli_subject *s, size_t fold, const struct es_evaluation *e, struct es_error *error) {
    const struct es_network *net = s->experiment->net;
    struct cli_output out;
    if (!e->confusion)
        return es_fail(error, ES_BAD_INPUT, "--answers %s: the cost %s does not classify", path, s->experiment->cost->row.name);
    if (cli_output_open(&out, path, error) != ES_OK)
        return ES_NO_RESOURCE;
    fputs("sample,label,answer\n", out.file);
    for (size_t i = 0, n = 0; i < s->set.samples; i++) {
        const struct es_sample *sample = &s->set.sample[i];
        if (fold == SIZE_MAX || (size_t)sample->fold == fold)
            fprintf(out.file, "%s,%s,%s\n", sample->name, sample->label >= 0 ? net->class[sample->label] : "", net->class[e->answer[n++]]);
    }
    return cli_output_close(&out, true, error);
}

static bool is_recording(const char *path) {
    size_t length = path ? strlen(path) : 0;
    return length > 4 && strcasecmp(path + length - 4, ".wav") == 0;
}

// s->theta becomes what devices of the card hold of it.
static enum es_status put_into_devices(struct cli_subject *s, const struct options *options, struct es_error *error) {
    const struct es_network *net = s->experiment->net;
    const struct es_device_use use = {.pair = options->pair};
    uint64_t seed = options->common.seeded ? options->common.seed : s->experiment->seed;
    struct es_card *card;
    struct es_memory memory;
    enum es_status status = es_card_read(options->device, &card, error);
    if (status == ES_OK && options->after > 0 && !es_card_ages(card))
        status = es_fail(error, ES_BAD_INPUT, "--after %g: %s says nothing of time: it has neither <drift> nor <read>; leave --after out", options->after, options->device);
    if (status == ES_OK)
        status = es_memory_new(card, &use, net, seed, s->arena, &memory, error);
    for (size_t i = 0; i < net->parameters && status == ES_OK; i++) {
        struct es_cell cell;
        es_memory_program(&memory, i, s->theta[i], &cell);
        s->theta[i] = es_memory_read_after(&memory, i, options->after, &cell);
    }
    es_card_free(card);
    return status;
}

static enum es_status evaluate(struct cli_subject *s, const struct options *options, struct es_evaluation *e, struct es_error *error) {
    struct es_problem problem = s->training.problem;
    size_t fold = options->all || s->set.folds <= 1 ? SIZE_MAX : s->training.fold;
    if (options->refine)
        problem.grid.substeps *= options->refine;
    s->training.problem = problem;
    if (options->untrained)
        es_network_start(s->experiment->net, s->theta);
    enum es_status status = options->device ? put_into_devices(s, options, error) : ES_OK;
    if (status != ES_OK)
        return status;
    struct cli_progress progress;
    cli_progress_of(&progress, &problem);
    status = es_evaluate(&problem, &s->set, fold, s->theta, s->arena, e, error);
    cli_progress_end();
    return status == ES_OK && options->answers ? write_answers(options->answers, s, fold, e, error) : status;
}

static void print_recording(const struct cli_subject *s, const struct options *options, const struct es_evaluation *e) {
    const char *class = s->experiment->net->class[e->answer[0]];
    if (options->common.json)
        cli_print_json(json_pack("{s:s, s:s, s:n, s:n, s:i, s:{}}", "file", options->common.data, "class", class, "accuracy", "loss", "samples", 1, "confusion"));
    else
        printf("%s: %s\n", options->common.data, class);
}

static int run(int argc, char **argv) {
    struct options options = {.common = {.fold = -1}, .at_least = -1};
    struct cli_subject subject;
    struct es_error error = {""};
    struct es_evaluation evaluation;
    argp_parse(&parser, argc, argv, 0, NULL, &options);
    bool recording = is_recording(options.common.data);
    enum es_status status = cli_open(&options.common, recording ? CLI_RECORDING : CLI_LOSS, &subject, &error);
    if (status == ES_OK && options.at_least >= 0 && (recording || !es_judged(&subject.training.problem, &subject.set)))
        status = es_fail(&error, ES_BAD_INPUT, "--at-least: nothing is labelled here, so there is no accuracy");
    if (status == ES_OK)
        status = evaluate(&subject, &options, &evaluation, &error);
    if (status == ES_OK && recording)
        print_recording(&subject, &options, &evaluation);
    else if (status == ES_OK)
        (options.common.json ? print_json : print_text)(&subject, &options, &evaluation);
    bool verdict = status == ES_OK && (double)evaluation.right < options.at_least * (double)evaluation.samples;
    cli_close(&subject);
    return status != ES_OK ? cli_fail(status, &error) : verdict ? CLI_VERDICT : CLI_DONE;
}

const struct cli_command cli_evaluate = {
    {"evaluate", "loss, accuracy and confusion table", "echospice evaluate demo.db --engine ngspice"},
    run,
};
