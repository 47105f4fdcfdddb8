// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// <mutual>: between two inductors that stand anywhere in the network.
#include "xml/reader.h"

// A pair is the same either way round.
static enum es_status add_pair(struct es_reader *r, xmlNode *node, size_t first, size_t second) {
    const struct es_element *element = r->net->element;
    if (first == second)
        return es_xml_fail(r, node, "second", "an inductor cannot be coupled to itself; expected another than first");
    size_t low = first < second ? first : second, high = first < second ? second : first;
    const xmlChar *key = (const xmlChar *)es_arena_printf(r->arena, "%zu %zu", low, high);
    if (xmlHashAddEntry(r->pair, key, (void *)(uintptr_t)(r->net->elements + 1)) == 0)
        return ES_OK;
    const struct es_element *other = &element[(size_t)(uintptr_t)xmlHashLookup(r->pair, key) - 1];
    return es_xml_fail(r, node, "second", "\"%s\" and \"%s\" are coupled by \"%s\" in line %d already; give one coupling",
                       element[first].name, element[second].name, other->name, other->line);
}

enum es_status es_xml_mutual(struct es_reader *r, xmlNode *node, struct es_stream stream) {
    struct es_part part;
    const char *name;
    size_t first, second;
    enum es_status status = es_xml_name(r, node, "name", &name);
    if (status == ES_OK)
        status = es_xml_find_inductor(r, node, "first", &first);
    if (status == ES_OK)
        status = es_xml_find_inductor(r, node, "second", &second);
    if (status == ES_OK)
        status = add_pair(r, node, first, second);
    if (status == ES_OK)
        status = es_xml_part(r, node, &part);
    if (status == ES_OK)
        status = es_xml_place(r, &part, name, ES_GROUND, ES_GROUND, stream);
    if (status != ES_OK)
        return status;
    struct es_element *e = &r->net->element[r->net->elements - 1];
    e->first = first;
    e->second = second;
    return ES_OK;
}

static size_t find_root(size_t *parent, size_t i) {
    while (parent[i] != i)
        i = parent[i] = parent[parent[i]];
    return i;
}

// Joins the groups of two inductors; returns the size of the new one.
static size_t join(size_t *parent, size_t *size, const struct es_element *coupling) {
    size_t a = find_root(parent, coupling->first), b = find_root(parent, coupling->second);
    size_t small = size[a] < size[b] ? a : b, large = small == a ? b : a;
    if (small == large)
        return size[large];
    parent[small] = large;
    return size[large] += size[small];
}

static enum es_status refuse_coupling(struct es_reader *r, const struct es_element *e, const char *what, int most) {
    return es_fail(r->error, ES_BAD_INPUT, "%s:%d: <mutual> \"%s\": it makes more than %d %s; expected at most so many",
                   es_xml_path(r), e->line, e->name, most, what);
}

enum es_status es_xml_check_couplings(struct es_reader *r) {
    const struct es_network *net = r->net;
    size_t *parent = ES_NEW(r->arena, net->elements, size_t), *size = ES_NEW(r->arena, net->elements, size_t), couplings = 0;
    for (size_t i = 0; i < net->elements; i++) {
        parent[i] = i;
        size[i] = 1;
    }
    for (size_t i = 0; i < net->elements; i++) {
        const struct es_element *e = &net->element[i];
        if (e->kind->term != ES_COUPLING)
            continue;
        if (++couplings > ES_MAX_COUPLINGS)
            return refuse_coupling(r, e, "couplings", ES_MAX_COUPLINGS);
        if (join(parent, size, e) > ES_MAX_COUPLED)
            return refuse_coupling(r, e, "inductors that are coupled to each other", ES_MAX_COUPLED);
    }
    return ES_OK;
}
