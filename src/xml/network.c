// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
#include "xml/reader.h"

#include <string.h>

static enum es_status check_size(struct es_reader *r, xmlNode *node, size_t nodes, size_t elements) {
    if (nodes > ES_MAX_NODES)
        return es_xml_fail(r, node, NULL, "%zu nodes so far; expected at most %d", nodes, ES_MAX_NODES);
    if (elements > ES_MAX_ELEMENTS)
        return es_xml_fail(r, node, NULL, "%zu elements so far; expected at most %d", elements, ES_MAX_ELEMENTS);
    return ES_OK;
}

// Counts what the network will hold and reserves it.
static enum es_status reserve(struct es_reader *r, xmlNode *root) {
    size_t nodes = 0, elements = 0;
    enum es_status status = ES_OK;
    for (xmlNode *child = es_xml_next(root->children); child && status == ES_OK; child = es_xml_next(child->next)) {
        nodes += es_xml_is(child, "node");
        elements += es_xml_element_kind(child) != NULL;
        if (es_xml_is_generator(child))
            status = es_xml_generator_size(r, child, &nodes, &elements);
        if (status == ES_OK)
            status = check_size(r, child, nodes, elements);
    }
    if (status == ES_OK && nodes == 0)
        status = es_xml_fail(r, root, NULL, "there is no node; add <node name=\"a\"/>, <ring> or <grid>");
    if (status != ES_OK)
        return status;
    r->net->node = ES_NEW(r->arena, nodes, struct es_node);
    r->net->element = ES_NEW(r->arena, elements, struct es_element);
    r->net->parameter = ES_NEW(r->arena, elements, struct es_parameter);
    r->net->output = ES_NEW(r->arena, elements, size_t);
    r->net->channel = ES_NEW(r->arena, elements, const char *);
    r->net->class = ES_NEW(r->arena, elements, const char *);
    return ES_OK;
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

// Element `i` of those written out draws from the stream i.
static enum es_status read_element(struct es_reader *r, xmlNode *node, uint64_t i) {
    struct es_part part;
    const char *name;
    int p, n;
    enum es_status status = es_xml_name(r, node, "name", &name);
    if (status == ES_OK)
        status = find_ends(r, node, &p, &n);
    if (status == ES_OK)
        status = es_xml_part(r, node, &part);
    if (status != ES_OK)
        return status;
    return es_xml_place(r, &part, name, p, n, (struct es_stream){.seed = r->seed, .purpose = ES_RANDOM_NETWORK, .id = i});
}

static enum es_status read_elements(struct es_reader *r, xmlNode *root) {
    uint64_t written = 0, generators = 0;
    enum es_status status = ES_OK;
    for (xmlNode *child = es_xml_next(root->children); child && status == ES_OK; child = es_xml_next(child->next)) {
        if (es_xml_is_generator(child))
            status = es_xml_generate_elements(r, child, ++generators);
        else if (es_xml_element_kind(child))
            status = read_element(r, child, written++);
    }
    return status;
}

static enum es_status read_initial(struct es_reader *r, xmlNode *node, int *line) {
    int i;
    enum es_status status = es_xml_find_node(r, node, "node", &i);
    if (status != ES_OK)
        return status;
    if (line[i])
        return es_xml_fail(r, node, "node", "the initial state of \"%s\" already stands in line %d; give it once",
                           r->net->node[i].name, line[i]);
    line[i] = (int)xmlGetLineNo(node);
    if (!es_xml_attribute(r, node, "flux") && !es_xml_attribute(r, node, "voltage"))
        return es_xml_fail(r, node, NULL, "it says nothing; expected flux=\"1 nWb\", voltage=\"0.1 V\" or both");
    status = es_xml_number(r, node, "flux", "Wb", &r->net->node[i].flux);
    return status == ES_OK ? es_xml_number(r, node, "voltage", "V", &r->net->node[i].voltage) : status;
}

static enum es_status read_initials(struct es_reader *r, xmlNode *root) {
    int *line = ES_NEW(r->arena, r->net->nodes, int);
    enum es_status status = ES_OK;
    for (xmlNode *child = es_xml_next(root->children); child && status == ES_OK; child = es_xml_next(child->next))
        if (es_xml_is(child, "initial"))
            status = read_initial(r, child, line);
    return status;
}

static enum es_status check_floating(struct es_reader *r) {
    const struct es_network *net = r->net;
    bool *touched = ES_NEW(r->arena, net->nodes, bool);
    for (size_t i = 0; i < net->elements; i++) {
        const struct es_element *e = &net->element[i];
        if (e->kind->term == ES_READOUT)
            continue;
        touched[e->p] = true;
        if (e->n >= 0)
            touched[e->n] = true;
    }
    for (size_t i = 0; i < net->nodes; i++)
        if (!touched[i])
            return es_fail(r->error, ES_BAD_INPUT,
                           "%s:%d: <node> \"%s\": the node floats, no element is connected to it; connect a capacitor or remove "
                           "the node",
                           es_xml_path(r), net->node[i].line, net->node[i].name);
    return ES_OK;
}

static enum es_status check_roles(struct es_reader *r, xmlNode *root) {
    bool moves = r->net->channels > 0;
    for (size_t i = 0; i < r->net->nodes && !moves; i++)
        moves = r->net->node[i].flux != 0 || r->net->node[i].voltage != 0;
    if (!moves)
        return es_xml_fail(r, root, NULL, "nothing drives it; add an <input> or an <initial> state that is not zero");
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
        status = read_initials(r, root);
    if (status == ES_OK)
        status = check_floating(r);
    return status == ES_OK ? check_roles(r, root) : status;
}
