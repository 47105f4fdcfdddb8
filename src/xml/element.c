// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// Elements, as the rows of es_element_kinds describe them.
#include "xml/reader.h"

#include <math.h>
#include <string.h>

const char *const es_xml_reads[] = {[ES_READ_VOLTAGE] = "voltage", [ES_READ_FLUX] = "flux", NULL};

const struct es_element_kind *es_xml_element_kind(const xmlNode *node) {
    return node->type == XML_ELEMENT_NODE && !node->ns ? es_row_find(es_element_kinds, (const char *)node->name) : NULL;
}

const char *es_xml_quantity_attribute(const struct es_element_kind *kind, size_t quantity) {
    size_t needed = 0;
    for (size_t q = 0; kind->quantity[q].name; q++)
        needed += !kind->quantity[q].optional;
    return needed == 1 && !kind->quantity[quantity].optional ? "value" : kind->quantity[quantity].name;
}

static enum es_status read_value(struct es_reader *r, struct es_part *part, size_t q) {
    const struct es_quantity *quantity = &part->kind->quantity[q];
    const char *attribute = es_xml_quantity_attribute(part->kind, q), *text = es_xml_attribute(r, part->node, attribute);
    struct es_error why;
    if (!text && quantity->optional) {
        part->value[q] = (struct es_distribution){.shape = ES_EXACT, .a = NAN};
        return ES_OK;
    }
    enum es_status status = es_xml_required(r, part->node, attribute, &text);
    if (status != ES_OK || es_distribution_parse(text, quantity->unit, quantity->positive, &part->value[q], &why) == ES_OK)
        return status;
    return es_xml_fail(r, part->node, attribute, "%s", why.text);
}

static enum es_status read_values(struct es_reader *r, struct es_part *part) {
    enum es_status status = ES_OK;
    for (size_t q = 0; part->kind->quantity[q].name && status == ES_OK; q++)
        status = read_value(r, part, q);
    return status;
}

// Index of a channel or class, added to the list where it is new. Names that differ in case only would meet in SPICE.
static enum es_status find_name(struct es_reader *r, xmlNode *node, const char *attribute, const char *name, const char **list, size_t *count, int *index) {
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

static enum es_status find_label(struct es_reader *r, xmlNode *node, const char *attribute, const char **list, size_t *count,
                                 int *index) {
    const char *name;
    enum es_status status = es_xml_name(r, node, attribute, &name);
    return status == ES_OK ? find_name(r, node, attribute, name, list, count, index) : status;
}

enum es_status es_xml_channel(struct es_reader *r, xmlNode *node, const char *name, int *index) {
    return find_name(r, node, "channel", name, r->net->channel, &r->net->channels, index);
}

static enum es_status read_role(struct es_reader *r, struct es_part *part) {
    struct es_network *net = r->net;
    part->channel = part->class = -1;
    if (part->kind->term == ES_SOURCE && es_xml_is_generator(part->node->parent))
        return ES_OK; // each has a channel of its own
    if (part->kind->term == ES_DRIVE || part->kind->term == ES_SOURCE)
        return find_label(r, part->node, "channel", net->channel, &net->channels, &part->channel);
    if (part->kind->term == ES_INITIAL && es_xml_attribute(r, part->node, "channel"))
        return find_label(r, part->node, "channel", net->channel, &net->channels, &part->channel);
    if (part->kind->term != ES_READOUT)
        return ES_OK;
    const char *text;
    size_t read = ES_READ_VOLTAGE;
    enum es_status status = es_xml_required(r, part->node, "read", &text);
    if (status == ES_OK)
        status = es_xml_choice(r, part->node, "read", es_xml_reads, &read);
    part->read = (enum es_read)read;
    if (status == ES_OK && es_xml_attribute(r, part->node, "class"))
        status = find_label(r, part->node, "class", net->class, &net->classes, &part->class);
    return status;
}

enum es_status es_xml_part(struct es_reader *r, xmlNode *node, struct es_part *part) {
    *part = (struct es_part){.node = node, .kind = es_xml_element_kind(node)};
    enum es_status status = read_values(r, part);
    if (status == ES_OK)
        status = es_xml_training(r, part);
    return status == ES_OK ? read_role(r, part) : status;
}

static int add_parameter(struct es_network *net, size_t q, const struct es_bounds *bounds) {
    struct es_parameter *p = &net->parameter[net->parameters];
    *p = (struct es_parameter){
        .element = net->elements, .quantity = q, .min = bounds->min, .max = bounds->max, bounds->coordinate};
    return (int)net->parameters++;
}

static enum es_status set_value(struct es_reader *r, const struct es_part *part, size_t q, struct es_stream stream,
                                struct es_element *e) {
    const struct es_quantity *quantity = &part->kind->quantity[q];
    const struct es_bounds *bounds = &part->trained[q];
    stream.sample = q; // so that fixing one quantity leaves the draws of the others alone
    double value = es_distribution_draw(&part->value[q], quantity->positive, &stream);
    e->parameter[q] = ES_FIXED;
    if (bounds->coordinate) {
        value = value < bounds->min ? bounds->min : value > bounds->max ? bounds->max : value;
        e->parameter[q] = add_parameter(r->net, q, bounds);
    }
    e->value[q] = value;
    if (quantity->limit > 0 && !(fabs(value) < quantity->limit))
        return es_xml_fail(r, part->node, es_xml_quantity_attribute(part->kind, q),
                           "makes %g; expected more than %g and less than %g", value, -quantity->limit, quantity->limit);
    return ES_OK;
}

// What the element is to the network.
static void set_role(struct es_network *net, struct es_element *e) {
    if (e->kind->term == ES_SOURCE)
        net->node[e->p].source = (int)net->elements;
    if (e->kind->term != ES_READOUT)
        return;
    e->channel = (int)net->outputs;
    net->output[net->outputs++] = net->elements;
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
    for (size_t q = 0; q < ES_QUANTITIES && status == ES_OK; q++)
        status = set_value(r, part, q, stream, e);
    set_role(net, e);
    net->elements++;
    return status;
}
