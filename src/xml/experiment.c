// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
#include "xml/reader.h"

#include "learn/cost.h"
#include "learn/optimiser.h"
#include "learn/rule.h"
#include "learn/thermal.h"

#include <string.h>

enum { POINTS = 10000000, SAMPLES = 1000000, SUBSTEPS = 1000, EPOCHS = 1000000, BATCH = 100000 };
enum { COLUMNS = 1000000, LINES = 1000000000, FILE_NAME = 255, BITS = 16, CHAINS = 100000 };

static const char *const losses[] = {"refused", "allowed", NULL};
static const char *const no_yes[] = {"no", "yes", NULL};

static enum es_status read_audio(struct es_reader *r, xmlNode *node, struct es_task *task) {
    enum es_status status = es_xml_positive(r, node, "rate", "Hz", &task->rate);
    if (status == ES_OK)
        status = es_xml_size(r, node, "span", 0, POINTS, &task->span);
    if (status == ES_OK)
        status = es_xml_number(r, node, "pre-emphasis", "", &task->pre_emphasis);
    if (status == ES_OK && !(task->pre_emphasis >= 0 && task->pre_emphasis <= 1))
        status = es_xml_fail(r, node, "pre-emphasis", "expected 0 (none) to 1");
    if (status == ES_OK)
        status = es_xml_number(r, node, "speed", "", &task->speed);
    if (status == ES_OK && !(task->speed >= 0 && task->speed <= 0.5))
        status = es_xml_fail(r, node, "speed", "expected 0 (none) to 0.5");
    if (status == ES_OK)
        status = es_xml_size(r, node, "frame", 0, POINTS, &task->frame);
    if (status == ES_OK)
        status = es_xml_size(r, node, "speakers", 1, SAMPLES, &task->speakers);
    if (status == ES_OK)
        status = es_xml_size(r, node, "test-speakers", 1, SAMPLES, &task->test_speakers);
    const char *folds = es_xml_attribute(r, node, "folds");
    if (folds)
        task->folds = folds;
    return status;
}

// In the unit of what the cost reads, which is not known here.
static enum es_status read_target(struct es_reader *r, xmlNode *node, double *target) {
    static const char *const units[] = {"Wb", "V", "C", NULL};
    const char *text = es_xml_attribute(r, node, "target");
    struct es_error why = {""};
    enum es_status status = text ? ES_BAD_INPUT : ES_OK;
    for (size_t i = 0; units[i] && status != ES_OK; i++)
        status = es_value_parse(text, units[i], target, &why);
    if (status != ES_OK)
        return es_xml_fail(r, node, "target", "expected a number in Wb, V or C, whichever the cost reads, such as 2 nWb");
    return !text || *target > 0 ? ES_OK : es_xml_fail(r, node, "target", "expected a value > 0");
}

static enum es_status read_synthetic(struct es_reader *r, xmlNode *node, struct es_task *task) {
    enum es_status status = es_xml_size(r, node, "samples", 1, SAMPLES, &task->samples);
    if (status == ES_OK)
        status = read_target(r, node, &task->target);
    if (status == ES_OK)
        status = es_xml_size(r, node, "bits", 1, BITS, &task->bits);
    return status == ES_OK ? es_xml_positive(r, node, "frequency", "Hz", &task->frequency) : status;
}

// The name of a file in the user's directory, so it cannot lead out of it. Without the attribute, *name stays.
static enum es_status read_file(struct es_reader *r, xmlNode *node, const char *attribute, const char **name) {
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-";
    const char *text = es_xml_attribute(r, node, attribute);
    if (!text)
        return ES_OK;
    *name = text;
    if (*text && *text != '.' && !text[strspn(text, allowed)] && strlen(text) <= FILE_NAME)
        return ES_OK;
    return es_xml_fail(r, node, attribute,
                       "expected the name of a file in the directory of --data: letters A-Z a-z, digits, _, - and ., not starting with "
                       "., at most %d characters",
                       FILE_NAME);
}

static enum es_status read_files(struct es_reader *r, xmlNode *node, struct es_task *task) {
    const struct {
        const char *attribute, **name;
    } files[] = {
        {"train", &task->train}, {"test", &task->test}, {"folds", &task->folds}, {"train-images", &task->train_images},
        {"train-labels", &task->train_labels}, {"test-images", &task->test_images}, {"test-labels", &task->test_labels},
    };
    enum es_status status = ES_OK;
    for (size_t i = 0; i < sizeof files / sizeof *files && status == ES_OK; i++)
        status = read_file(r, node, files[i].attribute, files[i].name);
    if (status == ES_OK && task->test && *task->folds)
        status = es_xml_fail(r, node, "folds", "the file in test says already what is tested; leave one of them out");
    return status;
}

static enum es_status read_series(struct es_reader *r, xmlNode *node, struct es_task *task) {
    size_t mask = 0;
    enum es_status status = es_xml_choice(r, node, "mask", no_yes, &mask);
    task->mask = mask == 1;
    if (status == ES_OK)
        status = es_xml_size(r, node, "decimate", 1, POINTS, &task->decimate);
    return status == ES_OK ? read_files(r, node, task) : status;
}

static enum es_status read_forecast(struct es_reader *r, xmlNode *node, struct es_task *task) {
    enum es_status status = read_file(r, node, "file", &task->file);
    if (status == ES_OK)
        status = es_xml_size(r, node, "input-column", 0, COLUMNS, &task->input_column);
    task->target_column = task->input_column;
    if (status == ES_OK)
        status = es_xml_size(r, node, "target-column", 0, COLUMNS, &task->target_column);
    if (status == ES_OK)
        status = es_xml_size(r, node, "ahead", 0, POINTS, &task->ahead);
    if (status == ES_OK)
        status = es_xml_size(r, node, "stride", 1, POINTS, &task->stride);
    if (status == ES_OK)
        status = es_xml_size(r, node, "train", 1, LINES, &task->train_values);
    return status == ES_OK ? read_target(r, node, &task->target) : status;
}

static enum es_status read_common(struct es_reader *r, xmlNode *node, struct es_task *task) {
    const char *text;
    enum es_status status = es_xml_required(r, node, "interval", &text);
    if (status == ES_OK)
        status = es_xml_required(r, node, "points", &text);
    if (status == ES_OK)
        status = es_xml_positive(r, node, "interval", "s", &task->interval);
    if (status == ES_OK)
        status = es_xml_size(r, node, "points", 2, POINTS, &task->points);
    if (status == ES_OK)
        status = es_xml_number(r, node, "amplitude", "V", &task->amplitude);
    if (status == ES_OK && task->amplitude < 0)
        status = es_xml_fail(r, node, "amplitude", "expected a value >= 0");
    if (status == ES_OK)
        status = es_xml_number(r, node, "from", "s", &task->from);
    if (status == ES_OK && task->from < 0)
        status = es_xml_fail(r, node, "from", "expected a time >= 0");
    if (status == ES_OK)
        status = es_xml_positive(r, node, "to", "s", &task->to);
    return status == ES_OK ? es_xml_integer(r, node, "seed", 0, INT64_MAX, &task->seed) : status;
}

// Every attribute that a task may have; the schema says which of them its kind has.
static enum es_status read_task(struct es_reader *r, xmlNode *node, struct es_task *task) {
    const char *text;
    const void *kind = NULL;
    *task = (struct es_task){.amplitude = 1,
                             .seed = 1,
                             .line = (int)xmlGetLineNo(node),
                             .rate = 10e3,
                             .folds = "",
                             .speakers = 50,
                             .test_speakers = 50,
                             .samples = 1,
                             .bits = 2,
                             .ahead = 1,
                             .stride = 1};
    enum es_status status = es_xml_required(r, node, "kind", &text);
    if (status == ES_OK)
        status = es_xml_row(r, node, "kind", es_data_kinds, &kind);
    task->kind = kind;
    if (status == ES_OK)
        status = read_common(r, node, task);
    if (status == ES_OK)
        status = read_audio(r, node, task);
    if (status == ES_OK)
        status = read_synthetic(r, node, task);
    if (status != ES_OK || task->kind == &es_wav_folder) // whose folds is no file
        return status;
    if (task->kind == &es_waveform)
        return read_file(r, node, "file", &task->file);
    return task->kind == &es_forecast ? read_forecast(r, node, task) : read_series(r, node, task);
}

static enum es_status read_methods(struct es_reader *r, xmlNode *node, struct es_experiment *x) {
    const char *text;
    const void *cost = NULL, *rule = NULL, *optimiser = &es_adam, *schedule = &es_cosine;
    enum es_status status = es_xml_required(r, node, "cost", &text);
    if (status == ES_OK)
        status = es_xml_required(r, node, "rule", &text);
    if (status == ES_OK)
        status = es_xml_row(r, node, "cost", es_costs, &cost);
    if (status == ES_OK)
        status = es_xml_row(r, node, "rule", es_rules, &rule);
    if (status == ES_OK)
        status = es_xml_row(r, node, "optimiser", es_optimisers, &optimiser);
    if (status == ES_OK)
        status = es_xml_row(r, node, "schedule", es_schedules, &schedule);
    x->cost = cost;
    x->rule = rule;
    x->optimiser = optimiser;
    x->schedule = schedule;
    return status;
}

static enum es_status read_validation(struct es_reader *r, xmlNode *node, struct es_experiment *x) {
    enum es_status status = es_xml_number(r, node, "validation", "", &x->validation);
    if (status == ES_OK && !(x->validation >= 0 && x->validation < 1))
        status = es_xml_fail(r, node, "validation", "expected 0 (none) or a part of the training samples, below 1");
    if (status == ES_OK)
        status = es_xml_size(r, node, "patience", 0, EPOCHS, &x->patience);
    if (status == ES_OK && x->patience > 0 && x->validation == 0)
        status = es_xml_fail(r, node, "patience", "it waits for a smaller validation loss; expected validation=\"0.2\" or the like beside it");
    return status;
}

static enum es_status read_numbers(struct es_reader *r, xmlNode *node, struct es_experiment *x) {
    size_t allowed = 0;
    x->beta = 1e-3;
    x->mass = 1e6;
    x->rate = 0.05;
    x->epochs = 100;
    x->batch = 16;
    x->seed = 1;
    enum es_status status = es_xml_positive(r, node, "beta", "", &x->beta);
    if (status == ES_OK && x->beta >= 1 && !x->rule->finite)
        status = es_xml_fail(r, node, "beta", "expected less than 1, as the nudge must not outweigh what its node has already");
    if (status == ES_OK)
        status = es_xml_positive(r, node, "mass", "", &x->mass);
    if (status == ES_OK)
        status = es_xml_choice(r, node, "losses", losses, &allowed);
    x->losses_allowed = allowed == 1;
    if (status == ES_OK)
        status = es_xml_positive(r, node, "rate", "", &x->rate);
    if (status == ES_OK)
        status = es_xml_size(r, node, "epochs", 1, EPOCHS, &x->epochs);
    if (status == ES_OK)
        status = es_xml_size(r, node, "batch", 1, BATCH, &x->batch);
    if (status == ES_OK)
        status = es_xml_number(r, node, "clip", "", &x->clip);
    if (status == ES_OK && x->clip < 0)
        status = es_xml_fail(r, node, "clip", "expected 0 (none) or the gradient's largest norm");
    if (status == ES_OK)
        status = read_validation(r, node, x);
    return status == ES_OK ? es_xml_seed(r, node, &x->seed) : status;
}

// `node` may be NULL.
static enum es_status read_engine(struct es_reader *r, xmlNode *node, struct es_experiment *x) {
    const void *engine = &es_twin, *scheme = NULL;
    enum es_status status = node ? es_xml_row(r, node, "name", es_engine_kinds, &engine) : ES_OK;
    x->engine = engine;
    scheme = es_engine_scheme(x->engine, x->rule->equilibrium);
    if (status == ES_OK && node)
        status = es_xml_row(r, node, "scheme", x->engine->schemes, &scheme);
    x->scheme = scheme;
    return status == ES_OK && node ? es_xml_size(r, node, "substeps", 0, SUBSTEPS, &x->substeps) : status;
}

static enum es_status read_temperature(struct es_reader *r, xmlNode *node, struct es_experiment *x) {
    bool given = es_xml_attribute(r, node, "temperature") != NULL;
    if (x->cost->temperature && !given)
        return es_xml_fail(r, node, "temperature", "the cost %s needs it, in the SI unit of its readings", x->cost->row.name);
    if (!x->cost->temperature && given)
        return es_xml_fail(r, node, "temperature", "the cost %s has no temperature; remove it", x->cost->row.name);
    return es_xml_positive(r, node, "temperature", "", &x->temperature);
}

// Of rules that compare thermal averages.
static enum es_status read_sampler(struct es_reader *r, xmlNode *node, struct es_experiment *x) {
    const void *row = NULL;
    const char *text;
    enum es_status status = es_xml_row(r, node, "sampler", es_samplers, &row);
    const struct es_sampler *sampler = x->sampler = row;
    x->chains = 32;
    if (status == ES_OK && !sampler && es_xml_attribute(r, node, "kT"))
        return es_xml_fail(r, node, "kT", "there is nothing that it could be the temperature of; expected sampler=\"...\" beside it");
    if (status == ES_OK && sampler)
        status = es_xml_required(r, node, "kT", &text);
    if (status == ES_OK && sampler)
        status = es_xml_positive(r, node, "kT", sampler->unit, &x->kt);
    return status == ES_OK ? es_xml_size(r, node, "chains", 1, CHAINS, &x->chains) : status;
}

static enum es_status read_reversal(struct es_reader *r, xmlNode *node, struct es_experiment *x) {
    const void *reversal = &es_flip_voltages;
    enum es_status status = es_xml_row(r, node, "reversal", es_reversals, &reversal);
    x->reversal = reversal;
    if (status == ES_OK)
        status = read_sampler(r, node, x);
    return status == ES_OK ? read_temperature(r, node, x) : status;
}

static enum es_status check_labels(struct es_reader *r, xmlNode *learning, const struct es_experiment *x) {
    const struct es_network *net = x->net;
    if (!(x->cost->labels ? x->task.kind->labels : x->task.kind->targets))
        return es_xml_fail(r, learning, "cost", "it needs %s, and the task %s in line %d gives %s; change one of them",
                           x->cost->labels ? "labels" : "targets", x->task.kind->row.name, x->task.line,
                           x->task.kind->labels ? "labels" : "targets");
    for (size_t o = 0; o < net->outputs && x->cost->labels; o++) {
        const struct es_element *e = &net->element[net->output[o]];
        if (e->class < 0)
            return es_xml_fail(r, learning, "cost",
                               "it needs a class for every output, and \"%s\" in line %d of the network has "
                               "none; give it class=\"...\"",
                               e->name, e->line);
    }
    return ES_OK;
}

static enum es_status require(struct es_reader *r, xmlNode *root, const char *name, xmlNode **node) {
    *node = es_xml_child(root, name);
    return *node ? ES_OK : es_xml_fail(r, root, NULL, "<%s> is missing", name);
}

enum es_status es_xml_experiment(struct es_reader *r, xmlNode *root, struct es_experiment *x) {
    xmlNode *task, *learning;
    enum es_status status = es_xml_name(r, root, "name", &r->net->name);
    if (status == ES_OK)
        status = require(r, root, "task", &task);
    if (status == ES_OK)
        status = require(r, root, "learning", &learning);
    if (status == ES_OK)
        status = read_task(r, task, &x->task);
    if (status == ES_OK)
        status = read_methods(r, learning, x);
    if (status == ES_OK)
        status = read_numbers(r, learning, x);
    if (status == ES_OK)
        status = read_engine(r, es_xml_child(root, "engine"), x);
    if (status == ES_OK)
        status = read_reversal(r, learning, x);
    return status == ES_OK ? check_labels(r, learning, x) : status;
}
