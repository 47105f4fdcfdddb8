// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// Elements, as the rows of es_element_kinds describe them.
#include "xml/reader.h"

#include <string.h>

static const char *const no_yes[] = {"no", "yes", NULL};
static const char *const reads[] = {[ES_READ_VOLTAGE] = "voltage", [ES_READ_FLUX] = "flux", NULL};

const struct es_element_kind *es_xml_element_kind(const xmlNode *node) {
    return node->type == XML_ELEMENT_NODE && !node->ns ? es_row_find(es_element_kinds, (const char *)node->name) : NULL;
}

static size_t quantities(const struct es_element_kind *kind) {
    size_t n = 0;
    while (kind->quantity[n].name)
        n++;
    return n;
}

static const char *quantity_attribute(const struct es_element_kind *kind, size_t q) {
    return quantities(kind) == 1 ? "value" : kind->quantity[q].name;
}

static enum es_status read_values(struct es_reader *r, struct es_part *part) {
    for (size_t q = 0; q < quantities(part->kind); q++) {
        const struct es_quantity *quantity = &part->kind->quantity[q];
        const char *attribute = quantity_attribute(part->kind, q), *text;
        enum es_status status = es_xml_required(r, part->node, attribute, &text);
        if (status != ES_OK)
            return status;
        struct es_error why;
        if (es_distribution_parse(text, quantity->unit, quantity->positive, &part->value[q], &why) != ES_OK)
            return es_xml_fail(r, part->node, attribute, "%s", why.text);
    }
    return ES_OK;
}

static enum es_status refuse_bounds(struct es_reader *r, xmlNode *node) {
    static const char *const needless[] = {"min", "max", "coordinate"};
    for (size_t i = 0; i < sizeof needless / sizeof *needless; i++)
        if (es_xml_attribute(r, node, needless[i]))
            return es_xml_fail(r, node, needless[i], "nothing is trained here; add trainable=\"yes\" or remove it");
    return ES_OK;
}

static enum es_status read_bound(struct es_reader *r, struct es_part *part, const char *attribute, double *bound) {
    const struct es_quantity *quantity = &part->kind->quantity[part->trained];
    const char *text;
    enum es_status status = es_xml_required(r, part->node, attribute, &text);
    if (status != ES_OK)
        return status;
    return quantity->positive ? es_xml_positive(r, part->node, attribute, quantity->unit, bound)
                              : es_xml_number(r, part->node, attribute, quantity->unit, bound);
}

static enum es_status read_coordinate(struct es_reader *r, struct es_part *part) {
    const void *row = part->kind->quantity[part->trained].positive ? &es_log : &es_logistic;
    enum es_status status = es_xml_row(r, part->node, "coordinate", es_coordinates, &row);
    part->coordinate = row;
    if (status == ES_OK && part->coordinate->positive && part->min <= 0)
        status = es_xml_fail(r, part->node, "min", "the coordinate %s needs a bound > 0; take another coordinate",
                             part->coordinate->row.name);
    return status;
}

static enum es_status check_start(struct es_reader *r, const struct es_part *part) {
    const struct es_distribution *d = &part->value[part->trained];
    const char *attribute = quantity_attribute(part->kind, part->trained);
    bool low = d->shape == ES_EXACT && d->a < part->min, high = d->shape == ES_EXACT && d->a > part->max;
    if (d->shape == ES_RANGE) {
        low = d->b < part->min;
        high = d->a > part->max;
    }
    if (!low && !high)
        return ES_OK;
    return es_xml_fail(r, part->node, attribute, "the start value lies %s = \"%s\"; move it or the bound",
                       low ? "below min" : "above max", es_xml_attribute(r, part->node, low ? "min" : "max"));
}

static enum es_status read_bounds(struct es_reader *r, struct es_part *part) {
    enum es_status status = read_bound(r, part, "min", &part->min);
    if (status == ES_OK)
        status = read_bound(r, part, "max", &part->max);
    if (status == ES_OK && !(part->min < part->max))
        status = es_xml_fail(r, part->node, "max", "expected more than min = \"%s\"", es_xml_attribute(r, part->node, "min"));
    if (status == ES_OK)
        status = read_coordinate(r, part);
    return status == ES_OK ? check_start(r, part) : status;
}

static enum es_status read_training(struct es_reader *r, struct es_part *part) {
    size_t yes = 0, q = 0;
    enum es_status status = es_xml_choice(r, part->node, "trainable", no_yes, &yes);
    part->trained = ES_QUANTITIES;
    if (status != ES_OK || !yes)
        return status == ES_OK ? refuse_bounds(r, part->node) : status;
    while (part->kind->quantity[q].name && !part->kind->quantity[q].trainable)
        q++;
    if (!part->kind->quantity[q].name)
        return es_xml_fail(r, part->node, "trainable", "a %s has no trainable quantity", part->kind->row.name);
    part->trained = q;
    return read_bounds(r, part);
}

// Index of a channel or class, added to the list where it is new. Names that differ in case only would meet in SPICE.
static enum es_status find_label(struct es_reader *r, xmlNode *node, const char *attribute, const char **list, size_t *count,
                                 int *index) {
    const char *name;
    enum es_status status = es_xml_name(r, node, attribute, &name);
    if (status != ES_OK)
        return status;
    size_t i = 0;
    while (i < *count && strcasecmp(list[i], name) != 0)
        i++;
    if (i < *count && strcmp(list[i], name) != 0)
        return es_xml_fail(r, node, attribute, "\"%s\" stands above and differs in upper and lower case only; use one spelling",
                           list[i]);
    if (i == ES_MAX_NODES)
        return es_xml_fail(r, node, attribute, "expected at most %d different names", ES_MAX_NODES);
    if (i == *count)
        list[(*count)++] = name;
    *index = (int)i;
    return ES_OK;
}

static enum es_status read_role(struct es_reader *r, struct es_part *part) {
    struct es_network *net = r->net;
    part->channel = part->class = -1;
    if (part->kind->term == ES_DRIVE)
        return find_label(r, part->node, "channel", net->channel, &net->channels, &part->channel);
    if (part->kind->term != ES_READOUT)
        return ES_OK;
    const char *text;
    size_t read = ES_READ_VOLTAGE;
    enum es_status status = es_xml_required(r, part->node, "read", &text);
    if (status == ES_OK)
        status = es_xml_choice(r, part->node, "read", reads, &read);
    part->read = (enum es_read)read;
    if (status == ES_OK && es_xml_attribute(r, part->node, "class"))
        status = find_label(r, part->node, "class", net->class, &net->classes, &part->class);
    return status;
}

enum es_status es_xml_part(struct es_reader *r, xmlNode *node, struct es_part *part) {
    *part = (struct es_part){.node = node, .kind = es_xml_element_kind(node)};
    enum es_status status = read_values(r, part);
    if (status == ES_OK)
        status = read_training(r, part);
    return status == ES_OK ? read_role(r, part) : status;
}

static void add_parameter(struct es_network *net, const struct es_part *part, struct es_element *e) {
    size_t q = part->trained;
    e->value[q] = e->value[q] < part->min ? part->min : e->value[q] > part->max ? part->max : e->value[q];
    e->parameter[q] = (int)net->parameters;
    net->parameter[net->parameters++] =
        (struct es_parameter){.element = net->elements, .quantity = q, .min = part->min, .max = part->max, part->coordinate};
}

enum es_status es_xml_place(struct es_reader *r, const struct es_part *part, const char *name, int p, int n,
                            struct es_stream stream) {
    struct es_network *net = r->net;
    struct es_element *e = &net->element[net->elements];
    enum es_status status = es_xml_add_name(r, part->node, r->element, name, net->elements);
    if (status != ES_OK)
        return status;
    *e = (struct es_element){.name = es_arena_string(r->arena, name),
                             .kind = part->kind,
                             .p = p,
                             .n = n,
                             .channel = part->channel,
                             .read = part->read,
                             .class = part->class,
                             .line = (int)xmlGetLineNo(part->node)};
    for (size_t q = 0; q < ES_QUANTITIES; q++) {
        stream.sample = q; // so that fixing one quantity leaves the draws of the others alone
        stream.step = 0;
        e->value[q] = es_distribution_draw(&part->value[q], part->kind->quantity[q].positive, &stream);
        e->parameter[q] = ES_FIXED;
    }
    if (part->trained < ES_QUANTITIES)
        add_parameter(net, part, e);
    if (part->kind->term == ES_READOUT) {
        e->channel = (int)net->outputs;
        net->output[net->outputs++] = net->elements;
    }
    net->elements++;
    return ES_OK;
}
