// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// What is trained: the kind's principal quantity by trainable="yes", any by <train quantity="..."/>.
#include "xml/reader.h"

#include <math.h>

static const char *const no_yes[] = {"no", "yes", NULL};

static enum es_status refuse_bounds(struct es_reader *r, xmlNode *node) {
    static const char *const needless[] = {"min", "max", "coordinate"};
    for (size_t i = 0; i < sizeof needless / sizeof *needless; i++)
        if (es_xml_attribute(r, node, needless[i]))
            return es_xml_fail(r, node, needless[i], "nothing is trained here; add trainable=\"yes\" or remove it");
    return ES_OK;
}

static enum es_status read_bound(struct es_reader *r, const struct es_quantity *quantity, xmlNode *node, const char *attribute,
                                 double *bound) {
    const char *text;
    enum es_status status = es_xml_required(r, node, attribute, &text);
    if (status == ES_OK)
        status = quantity->positive ? es_xml_positive(r, node, attribute, quantity->unit, bound)
                                    : es_xml_number(r, node, attribute, quantity->unit, bound);
    if (status == ES_OK && quantity->limit > 0 && !(fabs(*bound) < quantity->limit))
        status = es_xml_fail(r, node, attribute, "expected more than %g and less than %g", -quantity->limit, quantity->limit);
    return status;
}

static enum es_status read_coordinate(struct es_reader *r, const struct es_quantity *quantity, xmlNode *node,
                                      struct es_bounds *bounds) {
    const void *row = quantity->positive ? &es_log : &es_logistic;
    enum es_status status = es_xml_row(r, node, "coordinate", es_coordinates, &row);
    const struct es_coordinate *coordinate = row;
    if (status == ES_OK && coordinate->positive && bounds->min <= 0)
        status = es_xml_fail(r, node, "min", "the coordinate %s needs a bound > 0; take another coordinate",
                             coordinate->row.name);
    bounds->coordinate = coordinate;
    return status;
}

// `node` holds the bounds.
static enum es_status check_start(struct es_reader *r, const struct es_part *part, size_t q, xmlNode *node) {
    const struct es_distribution *d = &part->value[q];
    const struct es_bounds *bounds = &part->trained[q];
    bool low = d->shape == ES_EXACT && d->a < bounds->min, high = d->shape == ES_EXACT && d->a > bounds->max;
    if (d->shape == ES_RANGE) {
        low = d->b < bounds->min;
        high = d->a > bounds->max;
    }
    if (!low && !high)
        return ES_OK;
    return es_xml_fail(r, part->node, es_xml_quantity_attribute(part->kind, q),
                       "the start value lies %s = \"%s\"; move it or the bound", low ? "below min" : "above max",
                       es_xml_attribute(r, node, low ? "min" : "max"));
}

static enum es_status read_bounds(struct es_reader *r, struct es_part *part, size_t q, xmlNode *node) {
    const struct es_quantity *quantity = &part->kind->quantity[q];
    struct es_bounds *bounds = &part->trained[q];
    enum es_status status = read_bound(r, quantity, node, "min", &bounds->min);
    if (status == ES_OK)
        status = read_bound(r, quantity, node, "max", &bounds->max);
    if (status == ES_OK && !(bounds->min < bounds->max))
        status = es_xml_fail(r, node, "max", "expected more than min = \"%s\"", es_xml_attribute(r, node, "min"));
    if (status == ES_OK)
        status = read_coordinate(r, quantity, node, bounds);
    return status == ES_OK ? check_start(r, part, q, node) : status;
}

static enum es_status read_short_form(struct es_reader *r, struct es_part *part) {
    size_t yes = 0, q = part->kind->principal;
    enum es_status status = es_xml_choice(r, part->node, "trainable", no_yes, &yes);
    if (status != ES_OK || !yes)
        return status == ES_OK ? refuse_bounds(r, part->node) : status;
    if (!part->kind->quantity[q].trainable || part->kind->quantity[q].optional)
        return es_xml_fail(r, part->node, "trainable", "<%s> has no quantity that is trained without a name; expected \"no\"",
                           part->kind->row.name);
    return read_bounds(r, part, q, part->node);
}

// The quantity that <train> names.
static enum es_status read_quantity(struct es_reader *r, const struct es_part *part, xmlNode *node, size_t *q) {
    const char *choice[ES_QUANTITIES + 1] = {NULL}, *text;
    size_t index[ES_QUANTITIES] = {0}, count = 0, chosen = 0;
    for (size_t i = 0; part->kind->quantity[i].name; i++)
        if (part->kind->quantity[i].trainable) {
            choice[count] = part->kind->quantity[i].name;
            index[count++] = i;
        }
    if (count == 0)
        return es_xml_fail(r, node, NULL, "<%s> has no trainable quantity; remove it", part->kind->row.name);
    enum es_status status = es_xml_required(r, node, "quantity", &text);
    if (status == ES_OK)
        status = es_xml_choice(r, node, "quantity", choice, &chosen);
    *q = index[chosen];
    return status;
}

static enum es_status read_long_form(struct es_reader *r, struct es_part *part, xmlNode *node) {
    size_t q = 0;
    enum es_status status = read_quantity(r, part, node, &q);
    if (status != ES_OK)
        return status;
    if (part->trained[q].coordinate)
        return es_xml_fail(r, node, "quantity", "it is trained already%s; give its bounds once",
                           q == part->kind->principal && es_xml_attribute(r, part->node, "min") ? " by trainable=\"yes\"" : "");
    if (isnan(part->value[q].a))
        return es_xml_fail(r, node, "quantity", "it has no start value; add %s=\"...\" to <%s>",
                           es_xml_quantity_attribute(part->kind, q), part->kind->row.name);
    return read_bounds(r, part, q, node);
}

enum es_status es_xml_training(struct es_reader *r, struct es_part *part) {
    enum es_status status = read_short_form(r, part);
    for (xmlNode *child = part->node->children; child && status == ES_OK; child = child->next)
        if (es_xml_is(child, "train"))
            status = read_long_form(r, part, child);
    return status;
}
