// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
#include "xml/reader.h"

#include <math.h>
#include <string.h>

static enum es_status check_size(struct es_reader *r, xmlNode *node, size_t nodes, size_t elements) {
    if (nodes > ES_MAX_NODES)
        return es_xml_fail(r, node, NULL, "%zu nodes so far; expected at most %d", nodes, ES_MAX_NODES);
    if (elements > ES_MAX_ELEMENTS)
        return es_xml_fail(r, node, NULL, "%zu elements so far; expected at most %d", elements, ES_MAX_ELEMENTS);
    return ES_OK;
}

static void allocate(struct es_reader *r, size_t nodes, size_t elements, size_t expects) {
    struct es_network *net = r->net;
    net->node = ES_NEW(r->arena, nodes, struct es_node);
    net->element = ES_NEW(r->arena, elements, struct es_element);
    net->parameter = ES_NEW(r->arena, elements * ES_QUANTITIES, struct es_parameter);
    net->output = ES_NEW(r->arena, elements, size_t);
    net->channel = ES_NEW(r->arena, elements, const char *);
    net->class = ES_NEW(r->arena, elements, const char *);
    net->expect = ES_NEW(r->arena, expects, struct es_expect);
    r->initial = ES_NEW(r->arena, nodes, int);
    r->final = ES_NEW(r->arena, nodes, int);
}

// Counts what the network will hold and reserves it.
static enum es_status reserve(struct es_reader *r, xmlNode *root) {
    size_t nodes = 0, elements = 0, expects = 0;
    enum es_status status = ES_OK;
    for (xmlNode *child = es_xml_next(root->children); child && status == ES_OK; child = es_xml_next(child->next)) {
        nodes += es_xml_is(child, "node");
        expects += es_xml_is(child, "expect");
        elements += es_xml_element_kind(child) != NULL;
        if (es_xml_is_generator(child))
            status = es_xml_generator_size(r, child, &nodes, &elements);
        if (status == ES_OK)
            status = check_size(r, child, nodes, elements);
    }
    if (status == ES_OK && nodes == 0)
        status = es_xml_fail(r, root, NULL, "there is no node; add <node name=\"a\"/>, <ring> or <grid>");
    if (status == ES_OK)
        allocate(r, nodes, elements, expects);
    return status;
}

static enum es_status read_nodes(struct es_reader *r, xmlNode *root) {
    enum es_status status = ES_OK;
    for (xmlNode *child = es_xml_next(root->children); child && status == ES_OK; child = es_xml_next(child->next)) {
        const char *name;
        if (es_xml_is_generator(child))
            status = es_xml_generate_nodes(r, child);
        else if (es_xml_is(child, "node") && (status = es_xml_name(r, child, "name", &name)) == ES_OK)
            status = es_xml_add_node(r, child, name);
    }
    return status;
}

static enum es_status find_ends(struct es_reader *r, xmlNode *node, int *p, int *n) {
    const char *to = es_xml_attribute(r, node, "to");
    enum es_status status = es_xml_find_node(r, node, "node", p);
    *n = ES_GROUND;
    if (status == ES_OK && to && strcmp(to, "ground") != 0)
        status = es_xml_find_node(r, node, "to", n);
    if (status == ES_OK && *p == *n)
        status = es_xml_fail(r, node, "to", "both ends are at the same node; expected two nodes");
    return status;
}

// A source holds its node against ground.
static enum es_status find_held(struct es_reader *r, xmlNode *node, int *p, int *n) {
    enum es_status status = es_xml_find_node(r, node, "node", p);
    *n = ES_GROUND;
    if (status != ES_OK || r->net->node[*p].source < 0)
        return status;
    const struct es_element *first = &r->net->element[r->net->node[*p].source];
    return es_xml_fail(r, node, "node", "the source \"%s\" in line %d holds it already; expected one source at a node",
                       first->name, first->line);
}

// Element `i` of those written out draws from the stream i.
static enum es_status read_element(struct es_reader *r, xmlNode *node, uint64_t i) {
    struct es_part part;
    const char *name;
    int p, n;
    enum es_status status = es_xml_name(r, node, "name", &name);
    if (status == ES_OK)
        status = es_xml_element_kind(node)->term == ES_SOURCE ? find_held(r, node, &p, &n) : find_ends(r, node, &p, &n);
    if (status == ES_OK)
        status = es_xml_part(r, node, &part);
    if (status != ES_OK)
        return status;
    return es_xml_place(r, &part, name, p, n, (struct es_stream){.seed = r->seed, .purpose = ES_RANDOM_NETWORK, .id = i});
}

// What refers to other elements is read after them.
static bool is_late(const struct es_element_kind *kind) {
    return kind->term == ES_COUPLING || kind->term == ES_INITIAL || kind->term == ES_FINAL;
}

static enum es_status read_elements(struct es_reader *r, xmlNode *root) {
    uint64_t written = 0, generators = 0;
    enum es_status status = ES_OK;
    for (xmlNode *child = es_xml_next(root->children); child && status == ES_OK; child = es_xml_next(child->next)) {
        const struct es_element_kind *kind = es_xml_element_kind(child);
        if (es_xml_is_generator(child))
            status = es_xml_generate_elements(r, child, ++generators);
        else if (kind && !is_late(kind))
            status = read_element(r, child, written++);
    }
    return status;
}

// Late element `i` draws from the stream (2^32 - 1) 2^32 + i, so that it moves no value of the others.
static enum es_status read_late_elements(struct es_reader *r, xmlNode *root) {
    struct es_stream stream = {.seed = r->seed, .purpose = ES_RANDOM_NETWORK, .id = (uint64_t)UINT32_MAX << 32};
    enum es_status status = ES_OK;
    for (xmlNode *child = es_xml_next(root->children); child && status == ES_OK; child = es_xml_next(child->next)) {
        const struct es_element_kind *kind = es_xml_element_kind(child);
        if (!kind || !is_late(kind))
            continue;
        status = (kind->term == ES_COUPLING ? es_xml_mutual : kind->term == ES_INITIAL ? es_xml_initial : es_xml_final)(r, child, stream);
        stream.id++;
    }
    return status == ES_OK ? es_xml_check_couplings(r) : status;
}

static enum es_status read_expectations(struct es_reader *r, xmlNode *root) {
    enum es_status status = ES_OK;
    for (xmlNode *child = es_xml_next(root->children); child && status == ES_OK; child = es_xml_next(child->next))
        if (es_xml_is(child, "expect"))
            status = es_xml_expect(r, child);
    return status;
}

static enum es_status check_floating(struct es_reader *r) {
    const struct es_network *net = r->net;
    bool *touched = ES_NEW(r->arena, net->nodes, bool);
    for (size_t i = 0; i < net->elements; i++) {
        const struct es_element *e = &net->element[i];
        if (e->kind->term == ES_READOUT || is_late(e->kind))
            continue;
        if (e->p >= 0)
            touched[e->p] = true;
        if (e->n >= 0)
            touched[e->n] = true;
    }
    for (size_t i = 0; i < net->nodes; i++)
        if (!touched[i])
            return es_fail(r->error, ES_BAD_INPUT,
                           "%s:%d: <node> \"%s\": the node floats, no element is connected to it; connect an element or remove "
                           "the node",
                           es_xml_path(r), net->node[i].line, net->node[i].name);
    return ES_OK;
}

// Whether the element's state at t = 0 is not zero.
static bool starts(const struct es_element *e) {
    bool any = es_element_own_state(e) && e->value[e->kind->initial] != 0;
    for (size_t q = 0; q < ES_QUANTITIES && e->kind->term == ES_INITIAL; q++)
        any = any || fabs(e->value[q]) > 0; // not NaN
    return any;
}

static bool moves(const struct es_network *net) {
    bool any = net->channels > 0;
    for (size_t i = 0; i < net->elements && !any; i++)
        any = starts(&net->element[i]);
    return any;
}

static enum es_status check_roles(struct es_reader *r, xmlNode *root) {
    if (!moves(r->net))
        return es_xml_fail(r, root, NULL, "nothing drives it; add an <input>, a <source> or an <initial> state that is not zero");
    if (r->net->outputs == 0)
        return es_xml_fail(r, root, NULL, "there is no <output>; add one where the cost reads the network");
    return ES_OK;
}

enum es_status es_xml_network(struct es_reader *r, xmlNode *root) {
    r->seed = 1;
    enum es_status status = es_xml_seed(r, root, &r->seed);
    if (status == ES_OK)
        status = reserve(r, root);
    if (status == ES_OK)
        status = read_nodes(r, root);
    if (status == ES_OK)
        status = read_elements(r, root);
    if (status == ES_OK)
        status = read_late_elements(r, root);
    if (status == ES_OK)
        status = read_expectations(r, root);
    if (status == ES_OK)
        status = check_floating(r);
    return status == ES_OK ? check_roles(r, root) : status;
}
