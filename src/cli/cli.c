// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
#include "cli/cli.h"

#include "cli/kit.h"
#include "core/clock.h"
#include "learn/specimen.h"
#include "net/modes.h"
#include "net/validate.h"
#include "xml/xml.h"

#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

double cli_number(const char *text, const char *option, double min, double max, struct argp_state *state) {
    char *end;
    errno = 0;
    double x = strtod(text, &end);
    if (errno || end == text || *end || !(x >= min && x <= max))
        argp_error(state, "--%s=%s: expected a number from %g to %g", option, text, min, max);
    return x;
}

double cli_whole(const char *text, const char *option, double min, double max, struct argp_state *state) {
    double x = cli_number(text, option, min, max, state);
    if (x != floor(x))
        argp_error(state, "--%s=%s: expected a whole number", option, text);
    return x;
}

error_t cli_parse_option(int key, char *text, struct argp_state *state, struct cli_options *options) {
    switch (key) {
    case 'e':
        options->engine = text;
        return 0;
    case 's':
        options->scheme = text;
        return 0;
    case 'd':
        options->data = text;
        return 0;
    case CLI_SEED:
        options->seed = (uint64_t)cli_whole(text, "seed", 0, 9007199254740992., state);
        options->seeded = true;
        return 0;
    case CLI_FOLD:
        options->fold = (long)cli_whole(text, "fold", 0, 1e6, state);
        return 0;
    case CLI_JOBS:
        options->jobs = (size_t)cli_whole(text, "jobs", 1, 1024, state);
        return 0;
    case CLI_JSON:
        options->json = true;
        return 0;
    case CLI_STEPS:
        options->steps = cli_number(text, "steps", 2.5, 1e6, state);
        return 0;
    case CLI_RULE:
        options->rule = text;
        return 0;
    case CLI_CHIP:
        options->chip = text;
        return 0;
    case CLI_TECHNOLOGY:
        options->technology = text;
        return 0;
    case CLI_PROCESS:
        options->process = text;
        return 0;
    case CLI_CORNER:
        options->corner = text;
        return 0;
    case CLI_PDK:
        options->pdk = text;
        return 0;
    case CLI_SAMPLE:
        options->sample = (size_t)cli_whole(text, "sample", 0, 1e9, state);
        return 0;
    case ARGP_KEY_ARG:
        if (options->file)
            argp_error(state, "one FILE, please; \"%s\" is a second", text);
        options->file = text;
        return 0;
    case ARGP_KEY_END:
        if (!options->file)
            argp_error(state, "which FILE? an experiment (.xml) or a run (.db)");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

// The experiment out of a store, with its engine, seeds and data as run.
static enum es_status read_store(const struct cli_options *options, struct cli_subject *s, struct es_error *error) {
    enum es_status status = es_store_open(options->file, false, &s->store, error);
    if (status != ES_OK)
        return status;
    const char *xml = es_store_get(s->store, "experiment", s->arena), *name = es_store_get(s->store, "file", s->arena);
    const char *seed = es_store_get(s->store, "seed", s->arena);
    uint64_t number = seed && *seed ? strtoull(seed, NULL, 10) : 0;
    if (!xml)
        return es_fail(error, ES_BAD_INPUT, "%s: the store holds no experiment", options->file);
    return es_experiment_parse(xml, strlen(xml), name ? name : options->file, seed && *seed ? &number : NULL, &s->experiment, error);
}

// The network as made. With it losses are what it has, and a biased gradient is what is looked at.
static enum es_status make_chip(const struct cli_options *options, struct cli_subject *s, struct es_error *error) {
    struct es_experiment *x = s->experiment;
    const char *text = options->chip ? options->chip : s->store ? es_store_get(s->store, "chip", s->arena) : NULL;
    struct es_network *made;
    s->ideal = x->net;
    enum es_status status = text && *text ? es_chip_parse(text, x->seed, s->arena, &s->chip, error) : ES_OK;
    if (status != ES_OK || !s->chip.count)
        return status;
    status = es_specimen_admits(&s->chip, x->rule, error);
    if (status == ES_OK)
        status = es_chip_network(&s->chip, x->net, s->arena, &made, error);
    if (status == ES_OK)
        x->net = made;
    x->losses_allowed = true;
    return status;
}

static enum es_status choose_engine(const struct cli_options *options, struct cli_subject *s, struct es_error *error) {
    struct es_experiment *x = s->experiment;
    const char *name = options->engine, *scheme = options->scheme;
    if (!name && s->store)
        name = es_store_get(s->store, "engine", s->arena);
    if (!scheme && options->process) {
        scheme = es_transistors.row.name;
        name = options->engine ? name : es_ngspice.row.name;
    }
    if (!scheme && s->store && !options->engine)
        scheme = es_store_get(s->store, "scheme", s->arena);
    if (name) {
        const struct es_engine_kind *kind = es_row_find(es_engine_kinds, name);
        char names[128];
        if (!kind)
            return es_fail(error, ES_BAD_INPUT, "--engine %s: expected %s", name, es_row_names(es_engine_kinds, names, sizeof names));
        if (kind != x->engine)
            x->scheme = es_engine_scheme(kind, x->rule->equilibrium);
        x->engine = kind;
    }
    scheme = scheme ? scheme : x->scheme->row.name;
    struct es_engine_options engine = {.scheme = scheme, .jobs = options->jobs};
    enum es_status status = ES_OK;
    if (strcmp(scheme, es_transistors.row.name) == 0) {
        if (!s->process)
            status = cli_kit_open(options, s, error);
        engine.kit = &s->kit;
    } else if (options->process || options->corner || options->pdk)
        status = es_fail(error, ES_BAD_INPUT, "%s is of transistors, and the scheme is %s; take --technology cmos --process NAME and no other scheme, or neither",
                         options->process ? "--process" : options->corner ? "--corner" : "--pdk", scheme);
    if (status == ES_OK)
        status = es_engine_open(x->engine, x->net, &engine, &s->engine, error);
    if (status == ES_OK)
        x->scheme = s->engine->scheme;
    return status == ES_OK ? es_chip_open(&s->chip, s->engine, &s->engine, error) : status;
}

// The fold that the training leaves out: a run's own, even where another is asked for.
static size_t trained_fold(const struct cli_options *options, const struct cli_subject *s) {
    const char *stored = s->store ? es_store_get(s->store, "fold", s->arena) : NULL;
    return stored ? (size_t)strtoull(stored, NULL, 10) : options->fold >= 0 ? (size_t)options->fold : 0;
}

static enum es_status choose_rule(const struct cli_options *options, struct cli_subject *s, struct es_error *error) {
    const char *name = options->rule ? options->rule : s->store ? es_store_get(s->store, "rule", s->arena) : NULL;
    const struct es_rule *rule = name ? es_row_find(es_rules, name) : s->experiment->rule;
    char names[256];
    if (!rule)
        return es_fail(error, ES_BAD_INPUT, "--rule %s: expected %s", name, es_row_names(es_rules, names, sizeof names));
    s->experiment->rule = rule;
    const char *stored = s->store ? es_store_get(s->store, "beta", s->arena) : NULL;
    if (options->beta > 0 || stored)
        s->experiment->beta = options->beta > 0 ? options->beta : strtod(stored, NULL);
    if (options->beta >= 1 && !rule->finite)
        return es_fail(error, ES_BAD_INPUT, "beta = %g: the rule %s needs less than 1, as the nudge must not outweigh what is at its node; take --beta", s->experiment->beta, rule->row.name);
    if (rule->equilibrium && s->technology && s->technology->differential)
        return es_fail(error, ES_BAD_INPUT, "--technology %s: the rule %s compares states of rest, whose circuits are single-ended", s->technology->row.name, rule->row.name);
    return ES_OK;
}

static enum es_status load_data(const struct cli_options *options, enum cli_need need, struct cli_subject *s, struct es_error *error) {
    const struct es_experiment *x = s->experiment;
    const struct es_network *net = x->net;
    const struct es_roles roles = {net->channels, net->channel, net->outputs, net->classes, net->class};
    struct es_task task = x->task;
    const char *directory = options->data;
    if (need < CLI_TRAINING)
        task.speed = 0; // variants take time to make, and only training windows use them
    task.fold = trained_fold(options, s);
    if (task.kind == &es_formants && options->tested && net->classes) // each speaker says every vowel
        task.test_speakers = (options->tested + net->classes - 1) / net->classes;
    if (need == CLI_RECORDING) {
        if (!x->cost->labels)
            return es_fail(error, ES_BAD_INPUT, "--data %s: one recording needs a cost that classifies (it has %s)", directory, x->cost->row.name);
        return es_wav_file(&task, directory, &roles, &s->set, error);
    }
    if (!directory && s->store)
        directory = es_store_get(s->store, "data", s->arena);
    if (x->task.kind->files && !directory)
        return es_fail(error, ES_BAD_INPUT, "%s:%d: the task %s reads files; say where they are with --data DIR", x->file, x->task.line, x->task.kind->row.name);
    return x->task.kind->load(&task, directory, &roles, &s->set, error);
}

static enum es_status prepare(const struct cli_options *options, enum cli_need need, struct cli_subject *s, struct es_error *error) {
    struct es_experiment *x = s->experiment;
    const char *substeps = s->store ? es_store_get(s->store, "substeps", s->arena) : NULL;
    if (need < CLI_TRAINING)
        x->validation = 0; // nothing is held back where nothing is trained
    if (substeps)
        x->substeps = (size_t)strtoull(substeps, NULL, 10);
    if (options->steps > 0 && !cli_at_rest(s))
        x->substeps = es_substeps_for(s->ideal, s->theta, x->task.interval, options->steps);
    if (!x->substeps && s->process) // what meters and losses are taken at; ngspice's own steps are finer where it needs them
        x->substeps = es_substeps_for(s->ideal, s->theta, x->task.interval, CLI_TRANSISTOR_STEPS);
    if (!x->substeps && s->chip.count) // of the ideal network, and not of what its parasitics resonate at
        x->substeps = es_substeps_for(s->ideal, s->theta, x->task.interval, 20);
    size_t fold = options->fold >= 0 ? (size_t)options->fold : trained_fold(options, s);
    return es_training_prepare(&s->training, x, &s->set, s->engine, fold, s->arena, error);
}

static enum es_status find_technology(const char *name, const struct es_technology **technology, struct es_error *error) {
    char names[256];
    *technology = name ? es_row_find(es_technologies, name) : NULL;
    if (name && !*technology)
        return es_fail(error, ES_BAD_INPUT, "--technology %s: expected %s", name, es_row_names(es_technologies, names, sizeof names));
    return ES_OK;
}

// Start or trained values of x->net.
static enum es_status read_parameters(struct cli_subject *s, struct es_error *error) {
    const struct es_network *net = s->experiment->net;
    s->theta = ES_NEW(s->arena, net->parameters, double);
    es_network_start(net, s->theta);
    if (!s->store)
        return ES_OK;
    struct es_state state = es_state_new(net, s->arena);
    enum es_status status = es_store_state(s->store, net, &state, error);
    es_state_theta(net, &state, s->theta);
    s->trained = state.update > 0;
    return status;
}

// The network as it is built, which x->net becomes.
static enum es_status build(struct cli_subject *s, const struct es_technology *technology, struct es_error *error) {
    struct es_network *built;
    enum es_status status = es_technology_network(technology, s->abstract, s->arena, &built, &s->tuning, error);
    if (status == ES_OK) {
        s->experiment->net = built;
        s->technology = technology;
    }
    return status;
}

// The network as the run was trained, with its values, and then as it is asked for, with what becomes of them.
static enum es_status choose_technology(const struct cli_options *options, struct cli_subject *s, struct es_error *error) {
    const struct es_technology *stored, *asked;
    s->abstract = s->experiment->net;
    enum es_status status = find_technology(s->store ? es_store_get(s->store, "technology", s->arena) : NULL, &stored, error);
    if (status == ES_OK)
        status = find_technology(options->technology, &asked, error);
    if (status == ES_OK && stored)
        status = build(s, stored, error);
    if (status == ES_OK)
        status = read_parameters(s, error);
    if (status != ES_OK || !asked || asked == stored)
        return status;
    for (size_t i = 0; i < s->abstract->parameters && stored; i++)
        s->theta[i] = es_untuned(s->tuning[i], s->theta[i]);
    status = build(s, asked, error);
    for (size_t i = 0; i < s->abstract->parameters && status == ES_OK; i++)
        s->theta[i] = es_tuned(s->tuning[i], s->theta[i]);
    return status;
}

enum es_status cli_open(const struct cli_options *options, enum cli_need need, struct cli_subject *s, struct es_error *error) {
    *s = (struct cli_subject){.arena = es_arena_new()};
    enum es_status status = es_store_is(options->file)
                                ? read_store(options, s, error)
                                : es_experiment_read(options->file, options->seeded ? &options->seed : NULL, &s->experiment, error);
    if (status != ES_OK)
        return status;
    struct es_experiment *x = s->experiment;
    status = choose_technology(options, s, error);
    if (status == ES_OK)
        status = choose_rule(options, s, error);
    if (status == ES_OK)
        status = make_chip(options, s, error);
    if (status == ES_OK)
        status = choose_engine(options, s, error); // after the mass matrix has been checked
    s->omega = status == ES_OK && !cli_at_rest(s) ? es_modes_fastest(s->ideal, s->theta) : NAN;
    if (status == ES_OK && need > CLI_NETWORK)
        status = x->cost->admits(x->net, error);
    if (status == ES_OK && need >= CLI_GRADIENT)
        status = es_rule_admits(x->rule, &(struct es_problem){.net = x->net, .cost = x->cost, .engine = s->engine, .reversal = x->reversal, .sampler = x->sampler,
                                                      .kt = x->kt, .chains = x->chains, .losses_allowed = x->losses_allowed}, error);
    if (status == ES_OK && need > CLI_NETWORK)
        status = load_data(options, need, s, error);
    if (status == ES_OK && need > CLI_NETWORK)
        status = prepare(options, need, s, error);
    return status;
}

enum es_status cli_reopen(const struct cli_options *options, struct cli_subject *s, struct es_error *error) {
    es_engine_close(s->engine);
    s->engine = NULL;
    enum es_status status = choose_engine(options, s, error);
    s->training.problem.engine = s->engine;
    s->training.problem.net = s->experiment->net;
    return status;
}

void cli_close(struct cli_subject *s) {
    es_engine_close(s->engine);
    es_process_free(s->process);
    es_dataset_free(&s->set);
    es_store_close(s->store);
    es_experiment_free(s->experiment);
    es_arena_free(s->arena);
}

bool cli_at_rest(const struct cli_subject *s) {
    return s->engine->scheme->equilibrium;
}

double cli_frequency_error(const struct cli_subject *s) {
    return cli_at_rest(s) ? NAN : s->engine->scheme->frequency(s->omega, es_grid_step(&s->training.problem.grid)) / s->omega - 1;
}

double cli_steps_per_period(const struct cli_subject *s) {
    return 2 * M_PI / (s->omega * es_grid_step(&s->training.problem.grid));
}

double cli_difference_step(const struct cli_subject *s) {
    const double transistor_steps = 8; // ngspice's own steps leave some 1e-5 of a loss to chance; the differences' own error is then some 1 %
    return es_difference_step(&s->training.problem.grid, s->omega) * (s->process ? transistor_steps : 1);
}

const char *cli_chip_frequency(const struct cli_subject *s) {
    char text[32];
    bool meant = false;
    for (size_t i = 0; i < s->chip.count; i++)
        meant |= s->chip.nonideal[i].kind->at_w0;
    return meant ? es_arena_printf(s->arena, "w0 = %s, the middle of the ideal network's band, at which Q and phase are meant", cli_si(es_chip_frequency(s->ideal), "rad/s", text)) : NULL;
}

// A trained transconductor delivers gm (x + V), and a local rule reads x.
static bool offset_is_trained(const struct es_network *net) {
    for (size_t i = 0; i < net->elements; i++)
        if (net->element[i].kind->term == ES_BIAS && net->element[i].parameter[0] != ES_FIXED)
            return true;
    return false;
}

const char *cli_exactness(const struct cli_subject *s) {
    const struct es_network *net = s->experiment->net;
    const struct es_rule *rule = s->experiment->rule;
    const struct es_reversal *turn = s->experiment->reversal;
    bool losses = es_validate_reversible(net, NULL) != ES_OK;
    bool drifts = es_validate_drift(net, NULL) != ES_OK && (rule->forward ? rule->lossy : turn->flux > 0 && !turn->swapped);
    bool bends = es_validate_bias(net, NULL) != ES_OK && (rule->forward ? rule->lossy : turn->input < 0);
    if (cli_at_rest(s))
        return rule->bias ? rule->bias : "exact at rest";
    if (s->engine->scheme == &es_transistors)
        return "biased: transistors delay, lose and bend";
    if (rule->finite)
        return "exact but for the noise of its averages";
    if (losses && !rule->lossy)
        return "biased: the network has losses";
    if (drifts || bends)
        return "biased: an offset is not undone";
    if (rule->integrals == es_rule_integrals && offset_is_trained(net))
        return "biased: of a trained transconductor's offset the rule reads nothing";
    if (es_validate_potentials(net, NULL) != ES_OK)
        return "biased: the network is not Lagrangian";
    if (losses && rule->growth && !s->engine->scheme->conformal)
        return "biased by O(h^2): the scheme does not keep the decay of uniform damping, as the twin's conformal does";
    if (rule->bias)
        return rule->bias;
    const char *outside = es_chip_outside(&s->chip, s->arena);
    if (*outside)
        return es_arena_printf(s->arena, "biased: %s", outside);
    return strcmp(s->engine->scheme->row.name, "adaptive") == 0 ? "biased: adaptive steps are not reversible" : "discretised-exact";
}

const char *cli_whole_path(const char *path, struct es_arena *arena) {
    char *whole = realpath(path, NULL);
    path = whole ? es_arena_string(arena, whole) : path;
    free(whole);
    return path;
}

// Where the maps are that ship: as installed beside the program, or in its source.
static const char *process_folder(struct es_arena *arena) {
    char *program = realpath("/proc/self/exe", NULL), *slash = program ? strrchr(program, '/') : NULL;
    const char *installed = slash ? es_arena_printf(arena, "%.*s/../share/echospice/process", (int)(slash - program), program) : "";
    free(program);
    return access(installed, R_OK) == 0 ? installed : ES_PROCESSES;
}

static int is_map(const struct dirent *entry) {
    size_t length = strlen(entry->d_name);
    return length > 4 && strcmp(entry->d_name + length - 4, ".xml") == 0;
}

// "generic, gf180mcu, ..."
static const char *process_names(struct es_arena *arena, const char *folder) {
    struct dirent **entry;
    int count = scandir(folder, &entry, is_map, alphasort);
    const char *names = "";
    for (int i = 0; i < count; i++) {
        names = es_arena_printf(arena, "%s%s%.*s", names, i ? ", " : "", (int)strlen(entry[i]->d_name) - 4, entry[i]->d_name);
        free(entry[i]);
    }
    if (count >= 0)
        free(entry);
    return names;
}

enum es_status cli_process_read(const char *word, struct es_process **process, struct es_error *error) {
    if (strpbrk(word, "/."))
        return es_process_read(word, process, error);
    struct es_arena *arena = es_arena_new();
    const char *folder = process_folder(arena), *file = es_arena_printf(arena, "%s/%s.xml", folder, word);
    *process = NULL;
    enum es_status status = *word && access(file, R_OK) == 0
                                ? es_process_read(file, process, error)
                                : es_fail(error, ES_BAD_INPUT, "--process %s: expected a file, MAP.xml, or one that ships: %s", word, process_names(arena, folder));
    es_arena_free(arena);
    return status;
}

int cli_fail(enum es_status status, const struct es_error *error) {
    if (status == ES_INTERRUPTED) {
        fprintf(stderr, "echospice: %s\n", error->text);
        return 128 + cli_signal();
    }
    fprintf(stderr, "echospice: error: %s\n", error->text);
    return CLI_ERROR;
}

json_t *cli_real(double x) {
    return isfinite(x) ? json_real(x) : json_null();
}

void cli_print_json(json_t *object) {
    json_dumpf(object, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(17));
    putchar('\n');
    json_decref(object);
}

enum es_status cli_output_open(struct cli_output *output, const char *path, struct es_error *error) {
    *output = (struct cli_output){.path = path, .part = malloc(strlen(path) + 6)};
    if (output->part) {
        stpcpy(stpcpy(output->part, path), ".part");
        output->file = fopen(output->part, "wb");
    }
    if (output->file)
        return ES_OK;
    free(output->part);
    output->part = NULL;
    return es_fail(error, ES_NO_RESOURCE, "%s: cannot be written", path);
}

enum es_status cli_output_close(struct cli_output *output, bool keep, struct es_error *error) {
    if (!output->part)
        return ES_OK;
    bool whole = !ferror(output->file);
    whole = fclose(output->file) == 0 && whole && keep && rename(output->part, output->path) == 0;
    if (!whole)
        remove(output->part);
    free(output->part);
    output->part = NULL;
    return whole || !keep ? ES_OK : es_fail(error, ES_NO_RESOURCE, "%s: writing failed; is the disk full?", output->path);
}

const char *cli_si(double x, const char *unit, char text[32]) {
    static const char *const prefix[] = {"f", "p", "n", "u", "m", "", "k", "M", "G"};
    bool square = strcmp(unit, "m2") == 0; // um2 from 0.001 on
    int i = x == 0 ? 5 : (int)floor(square ? (log10(fabs(x)) + 3) / 6 : log10(fabs(x)) / 3) + 5;
    i = i < 0 ? 0 : i > 8 ? 8 : i;
    snprintf(text, 32, "%.4g %s%s", x / pow(10, (square ? 6 : 3) * (i - 5)), prefix[i], unit);
    return text;
}

void cli_progress_start(struct cli_progress *progress) {
    *progress = (struct cli_progress){es_now(), 0};
}

void cli_progress_show(struct cli_progress *progress, double done, const char *format, ...) {
    double t = es_now();
    if (!isatty(STDERR_FILENO) || t - progress->started < 2 || t - progress->shown < 0.1)
        return;
    char bar[26], what[160];
    for (int i = 0; i < 25; i++)
        bar[i] = i < done * 25 ? '#' : '-';
    bar[25] = '\0';
    va_list args;
    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    int left = done > 0 ? (int)((t - progress->started) * (1 - done) / done + 0.5) : 0;
    fprintf(stderr, "\r[%s] %s  %d:%02d left\033[K", bar, what, left / 60, left % 60);
    progress->shown = t;
}

void cli_progress_end(void) {
    if (isatty(STDERR_FILENO))
        fputs("\r\033[K", stderr);
}

static void show_done(void *context, double done) {
    cli_progress_show(context, done, "%3.0f %%", 100 * done);
}

void cli_progress_of(struct cli_progress *progress, struct es_problem *problem) {
    cli_progress_start(progress);
    problem->progress = show_done;
    problem->context = progress;
}

static volatile sig_atomic_t caught;

static void on_signal(int number) {
    caught = number;
}

void cli_catch_signals(void) {
    struct sigaction action = {.sa_handler = on_signal}; // no SA_RESTART, a second signal acts as usual
    action.sa_flags = (int)SA_RESETHAND;
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

int cli_signal(void) {
    return caught;
}
