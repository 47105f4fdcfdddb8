// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// Device cards (the format: models/device.rng).
#include "xml/xml.h"

#include "xml/reader.h"

#include <math.h>
#include <string.h>

enum { MOST_BITS = 24, MOST_SPREAD = 10 };

extern const char es_device_schema[];
extern const unsigned es_device_schema_size;

static const struct es_schema device_schema = {
    "models/device.rng", es_device_schema, &es_device_schema_size, "device", "expected a device card; a long table may stand in a file of its own",
};

static enum es_status check_source(const struct es_reader *r, xmlNode *node) {
    const char *source;
    enum es_status status = es_xml_required(r, node, "source", &source);
    return status != ES_OK || *source ? status : es_xml_fail(r, node, "source", "expected where these numbers come from: a paper, a data sheet, a measurement");
}

// An attribute within low .. high; *value stays where it is absent.
static enum es_status read_within(const struct es_reader *r, xmlNode *node, const char *attribute, const char *unit, double low, double high, double *value) {
    double number = *value;
    enum es_status status = es_xml_number(r, node, attribute, unit, &number);
    if (status != ES_OK || !es_xml_attribute(r, node, attribute))
        return status;
    *value = number;
    if (number >= low && number <= high)
        return ES_OK;
    return isinf(high) ? es_xml_fail(r, node, attribute, "expected a value >= %g", low) : es_xml_fail(r, node, attribute, "expected a value from %g to %g", low, high);
}

// Numbers of one element: its attributes, each into its place.
struct number {
    const char *attribute, *unit;
    double low, high; // infinite: any
    double *value;
};

static enum es_status read_numbers(const struct es_reader *r, xmlNode *node, size_t count, const struct number *number) {
    enum es_status status = check_source(r, node);
    for (size_t i = 0; i < count && status == ES_OK; i++)
        status = read_within(r, node, number[i].attribute, number[i].unit, number[i].low, number[i].high, number[i].value);
    return status;
}

#define READ(r, node, ...) \
    read_numbers(r, node, sizeof (struct number[]){__VA_ARGS__} / sizeof(struct number), (struct number[]){__VA_ARGS__})

// About an element that says how pulses differ.
static enum es_status check_pulses(const struct es_reader *r, xmlNode *node, const struct es_card *card) {
    if (card->model->size && !card->model->level)
        return ES_OK;
    return es_xml_fail(r, node, NULL, "the model %s %s, so that there is no spread or noise of its pulses; remove what says so", card->model->row.name,
                       card->model->level ? "goes from level to level" : "takes any value without pulses");
}

static enum es_status read_spread(const struct es_reader *r, xmlNode *node, struct es_card *card) {
    static const char *const distributions[] = {"normal", "log-normal", NULL};
    size_t distribution = 0;
    enum es_status status = READ(r, node, {"step", "", 0, MOST_SPREAD, &card->spread.step}, {"up-down", "", 0, MOST_SPREAD, &card->spread.up_down},
                                 {"min", "", 0, MOST_SPREAD, &card->spread.min}, {"max", "", 0, MOST_SPREAD, &card->spread.max},
                                 {"gamma", "", 0, MOST_SPREAD, &card->spread.slope});
    if (status == ES_OK && (card->spread.step > 0 || card->spread.up_down > 0))
        status = check_pulses(r, node, card);
    if (status == ES_OK && card->spread.slope > 0 && card->model != &es_model_linear)
        status = es_xml_fail(r, node, "gamma", "only the model linear has slopes to spread; remove it");
    if (status == ES_OK)
        status = es_xml_choice(r, node, "distribution", distributions, &distribution);
    card->spread.log_normal = distribution == 1;
    return status;
}

static enum es_status read_noise(const struct es_reader *r, xmlNode *node, struct es_card *card) {
    static const char *const forms[] = {"multiplicative", "additive", NULL};
    size_t form = 0;
    enum es_status status = READ(r, node, {"cycle", "", 0, INFINITY, &card->cycle}, {"constant", "", 0, INFINITY, &card->constant},
                                 {"slope", "", 0, INFINITY, &card->slope}, {"write", "", 0, INFINITY, &card->write});
    if (status == ES_OK && (card->cycle > 0 || card->constant > 0 || card->slope > 0 || (card->write > 0 && !(card->step > 0))))
        status = check_pulses(r, node, card);
    if (status == ES_OK)
        status = es_xml_choice(r, node, "form", forms, &form);
    card->multiplicative = form == 0;
    return status;
}

static enum es_status read_stuck(const struct es_reader *r, xmlNode *node, struct es_card *card) {
    return READ(r, node, {"fraction", "", 0, 1, &card->stuck}, {"range", "", 0, INFINITY, &card->stuck_range});
}

static enum es_status read_leak(const struct es_reader *r, xmlNode *node, struct es_card *card) {
    return READ(r, node, {"lifetime", "", 1, INFINITY, &card->lifetime}, {"spread", "", 0, MOST_SPREAD, &card->lifetime_spread});
}

static enum es_status read_conductance(const struct es_reader *r, xmlNode *node, struct es_card *card) {
    enum es_status status = check_source(r, node);
    return status == ES_OK ? es_xml_positive(r, node, "max", "S", &card->g_max) : status;
}

static enum es_status read_programming(const struct es_reader *r, xmlNode *node, struct es_card *card) {
    enum es_status status = READ(r, node, {"c0", "S", 0, INFINITY, &card->programming[0]}, {"c1", "S", -INFINITY, INFINITY, &card->programming[1]},
                                 {"c2", "S", -INFINITY, INFINITY, &card->programming[2]}, {"c3", "S", -INFINITY, INFINITY, &card->programming[3]});
    if (status == ES_OK && !(card->g_max > 0))
        status = es_xml_fail(r, node, NULL, "<conductance> is missing: this noise is in siemens, so the card has to say what its window is");
    return status;
}

static enum es_status check_order(const struct es_reader *r, xmlNode *node, const char *low, const char *high, const struct es_log_law *law) {
    return law->min <= law->max ? ES_OK : es_xml_fail(r, node, high, "expected at least %s = \"%s\"", low, es_xml_attribute(r, node, low));
}

static enum es_status read_drift(const struct es_reader *r, xmlNode *node, struct es_card *card) {
    struct es_log_law *mean = &card->drift_mean, *spread = &card->drift_spread;
    enum es_status status = READ(r, node, {"mean-slope", "", -INFINITY, INFINITY, &mean->slope}, {"mean-offset", "", -INFINITY, INFINITY, &mean->offset},
                                 {"mean-min", "", 0, INFINITY, &mean->min}, {"mean-max", "", 0, INFINITY, &mean->max},
                                 {"spread-slope", "", -INFINITY, INFINITY, &spread->slope}, {"spread-offset", "", -INFINITY, INFINITY, &spread->offset},
                                 {"spread-min", "", 0, INFINITY, &spread->min}, {"spread-max", "", 0, INFINITY, &spread->max});
    if (status == ES_OK)
        status = check_order(r, node, "mean-min", "mean-max", mean);
    if (status == ES_OK)
        status = check_order(r, node, "spread-min", "spread-max", spread);
    return status == ES_OK ? es_xml_positive(r, node, "time", "s", &card->drift_time) : status;
}

static enum es_status read_read(const struct es_reader *r, xmlNode *node, struct es_card *card) {
    enum es_status status = READ(r, node, {"q", "", 0, INFINITY, &card->read}, {"exponent", "", 0, INFINITY, &card->read_exponent}, {"most", "", 0, INFINITY, &card->read_most});
    if (status == ES_OK)
        status = es_xml_positive(r, node, "floor", "", &card->read_floor);
    return status == ES_OK ? es_xml_positive(r, node, "time", "s", &card->read_time) : status;
}

static enum es_status read_energy(const struct es_reader *r, xmlNode *node, struct es_card *card) {
    return READ(r, node, {"pulse", "J", 0, INFINITY, &card->energy});
}

static const struct part {
    const char *name;
    enum es_status (*read)(const struct es_reader *r, xmlNode *node, struct es_card *card);
} parts[] = {
    {"spread", read_spread},           {"noise", read_noise}, {"stuck", read_stuck}, {"leak", read_leak},     {"conductance", read_conductance},
    {"programming", read_programming}, {"drift", read_drift}, {"read", read_read},   {"energy", read_energy},
};

static enum es_status read_step(const struct es_reader *r, xmlNode *update, struct es_card *card) {
    static const char *const directions[] = {"both", "up", NULL};
    size_t direction = 0;
    uint64_t bits = 0;
    enum es_status status = es_xml_positive(r, update, "step", "", &card->step);
    if (status == ES_OK)
        status = read_within(r, update, "up-down", "", -1, 1, &card->up_down);
    if (status == ES_OK)
        status = es_xml_choice(r, update, "direction", directions, &direction);
    if (status == ES_OK && card->step > card->max - card->min)
        status = es_xml_fail(r, update, "step", "expected at most the window, max - min = %g", card->max - card->min);
    card->one_sided = direction == 1;
    if (status == ES_OK && card->model == &es_model_quantised) {
        status = es_xml_integer(r, update, "bits", 1, MOST_BITS, &bits);
        card->step = (card->max - card->min) / (exp2((double)bits) - 1);
    }
    return status;
}

static enum es_status read_update(const struct es_reader *r, xmlNode *update, struct es_card *card) {
    const void *model = NULL;
    enum es_status status = check_source(r, update);
    if (status == ES_OK)
        status = es_xml_row(r, update, "model", es_device_models, &model);
    card->model = model;
    if (status == ES_OK)
        status = es_xml_number(r, update, "min", "", &card->min);
    if (status == ES_OK)
        status = es_xml_number(r, update, "max", "", &card->max);
    if (status == ES_OK && !(card->min < card->max))
        status = es_xml_fail(r, update, "max", "expected more than min = \"%s\"", es_xml_attribute(r, update, "min"));
    if (status == ES_OK && card->model->around_zero && !(card->min < 0 && card->max > 0))
        status = es_xml_fail(r, update, "min", "the model %s needs min < 0 < max, as its steps are referred to both bounds", card->model->row.name);
    if (status == ES_OK && !(card->min <= 0 && card->max >= 0))
        status = es_xml_fail(r, update, card->min > 0 ? "min" : "max", "expected min <= 0 <= max, as bounds vary in proportion to themselves and leaks go to 0; shift the window");
    for (size_t i = 0; status == ES_OK && card->model->parameter[i]; i++)
        status = card->model->fractions ? read_within(r, update, card->model->parameter[i], "", 0, 1, &card->p[i])
                                        : es_xml_number(r, update, card->model->parameter[i], "", &card->p[i]);
    if (status == ES_OK)
        status = read_step(r, update, card);
    if (status == ES_OK && card->model == &es_model_table)
        status = es_xml_pulse_table(r, update, card);
    double unit = status == ES_OK ? es_card_unit(card) : 0;
    if (status == ES_OK && card->model->size && !(unit > 0 && isfinite(unit)))
        status = es_xml_fail(r, update, NULL, "a pulse in the middle of the window changes w by %g; check the model's numbers", unit);
    return status;
}

static enum es_status read_name(const struct es_reader *r, xmlNode *root, struct es_card *card) {
    enum es_status status = es_xml_required(r, root, "name", &card->name);
    size_t length = status == ES_OK ? strlen(card->name) : 0;
    const char *allowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
    if (status == ES_OK && (length == 0 || length > ES_NAME || strspn(card->name, allowed) < length))
        status = es_xml_fail(r, root, "name", "expected letters, digits, _ and -, at most %d", ES_NAME);
    card->about = es_xml_attribute(r, root, "about");
    return status;
}

static enum es_status read_card(const struct es_reader *r, xmlNode *root, struct es_card *card) {
    enum es_status status = read_name(r, root, card);
    if (status == ES_OK)
        status = read_update(r, es_xml_child(root, "update"), card);
    for (size_t i = 0; i < sizeof parts / sizeof *parts && status == ES_OK; i++) {
        xmlNode *node = es_xml_child(root, parts[i].name);
        if (node)
            status = parts[i].read(r, node, card);
    }
    return status;
}

// With `files` a table may stand in a file.
static enum es_status load(struct es_reader *r, const char *text, size_t size, bool files, struct es_card *card) {
    struct es_verdict verdict = {0};
    xmlDoc *document = NULL;
    enum es_status status = es_xml_open(r, text, size, "device", &document, &verdict);
    xmlNode *root = status == ES_OK ? xmlDocGetRootElement(document) : NULL, *update = root ? es_xml_child(root, "update") : NULL;
    bool table = update && xmlHasProp(update, (const xmlChar *)"file");
    if (status == ES_OK && !update)
        status = es_xml_fail(r, root, NULL, "<update> is missing");
    if (table && !files)
        status = es_xml_fail(r, update, "file", "this text is no file, so it has to hold its table");
    if (status == ES_OK)
        status = read_card(r, root, card);
    if (status == ES_OK && verdict.status != ES_OK)
        status = es_fail(r->error, verdict.status, "%s", verdict.error.text);
    if (status == ES_OK && table)
        xmlUnsetProp(update, (const xmlChar *)"file");
    card->xml = status == ES_OK && table ? es_xml_serialise(r, document) : text;
    xmlFreeDoc(document);
    return status;
}

static struct es_reader open_reader(const char *file, struct es_error *error, struct es_card **card) {
    struct es_arena *arena = es_arena_new();
    *card = ES_NEW(arena, 1, struct es_card);
    **card = (struct es_card){.arena = arena, .file = es_arena_string(arena, file), .multiplicative = true, .stuck_range = INFINITY, .energy = NAN};
    return (struct es_reader){.file = (*card)->file, .schema = &device_schema, .arena = arena, .error = error};
}

static enum es_status close_reader(enum es_status status, struct es_card **card) {
    if (status == ES_OK)
        return ES_OK;
    es_card_free(*card);
    *card = NULL;
    return status;
}

enum es_status es_card_read(const char *path, struct es_card **card, struct es_error *error) {
    struct es_reader r = open_reader(path, error, card);
    char *text = NULL;
    size_t size = 0;
    enum es_status status = es_xml_read_bytes(&r, path, &text, &size);
    return close_reader(status == ES_OK ? load(&r, text, size, true, *card) : status, card);
}

enum es_status es_card_parse(const char *text, size_t size, const char *file, struct es_card **card, struct es_error *error) {
    struct es_reader r = open_reader(file, error, card);
    char *copy = NULL;
    enum es_status status = es_xml_copy_bytes(&r, text, size, &copy);
    return close_reader(status == ES_OK ? load(&r, copy, size, false, *card) : status, card);
}
