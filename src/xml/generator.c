// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// Generators: nodes name0, name1, ..., and elements from templates. Element i of generator g (counted from 1 in the network)
// draws from the stream (g 2^32 + i), so that what is added elsewhere, or at the end, moves no value.
#include "xml/xml.h"

#include "xml/reader.h"

#include <string.h>

enum at { AT_NODE, AT_NEIGHBOURS, AT_RANDOM };

static const char *const places[] = {[AT_NODE] = "node", [AT_NEIGHBOURS] = "neighbours", [AT_RANDOM] = "random", NULL};

struct generator {
    xmlNode *node;
    const struct es_generator *kind;
    const char *name; // of its nodes, before their number
    struct es_graph graph;
    uint64_t seed, ordinal;
    size_t first;  // its first node in the network
    size_t *from;  // [extent[1]] the nodes of the layers that it joins
    size_t placed; // elements so far
    bool *read;    // [nodes] an output at="random" is there
};

static const struct es_generator *find_kind(const xmlNode *node) {
    return node->type == XML_ELEMENT_NODE && !node->ns ? es_row_find(es_generators, (const char *)node->name) : NULL;
}

bool es_xml_is_generator(const xmlNode *node) {
    return find_kind(node) != NULL;
}

// Of the generator of that name.
static size_t first_node(const struct es_reader *r, const char *name) {
    const char *first = es_arena_printf(r->arena, "%s0", name);
    size_t i = 0;
    while (strcmp(r->net->node[i].name, first) != 0)
        i++;
    return i;
}

// The <layer> of that name beside `g`, or NULL.
static xmlNode *find_layer(struct es_reader *r, const struct generator *g, const char *name) {
    for (xmlNode *other = es_xml_next(g->node->parent->children); other; other = es_xml_next(other->next)) {
        const char *its = find_kind(other) == g->kind ? es_xml_attribute(r, other, "name") : NULL;
        if (other != g->node && its && strcmp(its, name) == 0)
            return other;
    }
    return NULL;
}

// Counts the nodes of the layers that `from` names; or lists them, once they are in the network.
static enum es_status read_from(struct es_reader *r, struct generator *g, size_t *list) {
    const char *text = es_xml_attribute(r, g->node, "from");
    char *names = text ? es_arena_string(r->arena, text) : NULL, *rest = NULL;
    enum es_status status = ES_OK;
    g->graph.extent[1] = 0;
    for (char *name = names ? strtok_r(names, " \t\n", &rest) : NULL; name && status == ES_OK; name = strtok_r(NULL, " \t\n", &rest)) {
        xmlNode *layer = find_layer(r, g, name);
        size_t nodes = 0;
        status = layer ? es_xml_size(r, layer, "nodes", 1, ES_MAX_NODES, &nodes)
                       : es_xml_fail(r, g->node, "from", "there is no other <%s name=\"%s\">", g->kind->row.name, name);
        for (size_t i = 0; list && i < nodes; i++)
            list[g->graph.extent[1] + i] = first_node(r, name) + i;
        g->graph.extent[1] += nodes;
    }
    return status;
}

static enum es_status check_graph(struct es_reader *r, const struct generator *g) {
    const char *first = g->kind->extent[0].name, *second = g->kind->extent[1].name;
    size_t n = g->graph.nodes, pairs = g->graph.pairs, most = n * (n - 1) / 2;
    if (n > ES_MAX_NODES)
        return es_xml_fail(r, g->node, first, "with %s = \"%s\" it makes %zu nodes; expected at most %d", second,
                           es_xml_attribute(r, g->node, second), n, ES_MAX_NODES);
    if (g->kind->joins)
        return ES_OK;
    if (pairs + 1 < n)
        return es_xml_fail(r, g->node, second, "%zu pairs cannot connect %zu nodes; expected a larger %s", pairs, n, second);
    if (pairs > most)
        return es_xml_fail(r, g->node, second, "makes %zu pairs, and %zu nodes have only %zu; expected at most %zu", pairs, n,
                           most, n - 1);
    return ES_OK;
}

static enum es_status read_graph(struct es_reader *r, struct generator *g) {
    size_t *extent = g->graph.extent;
    enum es_status status = ES_OK;
    for (size_t i = 0; i < ES_EXTENTS && g->kind->extent[i].name && status == ES_OK; i++) {
        const char *name = g->kind->extent[i].name, *text;
        status = es_xml_required(r, g->node, name, &text);
        if (status == ES_OK)
            status = es_xml_size(r, g->node, name, g->kind->extent[i].min, ES_MAX_NODES, &extent[i]);
    }
    if (status == ES_OK && g->kind->joins)
        status = read_from(r, g, NULL);
    if (status != ES_OK)
        return status;
    g->graph.nodes = g->kind->nodes(extent);
    g->graph.pairs = g->kind->pairs(extent);
    return check_graph(r, g);
}

static enum es_status read_generator(struct es_reader *r, xmlNode *node, struct generator *g) {
    *g = (struct generator){.node = node, .kind = find_kind(node), .name = "n", .seed = r->seed};
    enum es_status status = read_graph(r, g);
    if (status == ES_OK)
        status = es_xml_seed(r, node, &g->seed);
    if (status == ES_OK && es_xml_attribute(r, node, "name"))
        status = es_xml_name(r, node, "name", &g->name);
    return status;
}

// A template's place, and how many elements that makes.
static enum es_status read_place(struct es_reader *r, const struct generator *g, xmlNode *node, enum at *at, size_t *count) {
    const char *text;
    size_t place = AT_NODE;
    enum es_status status = es_xml_required(r, node, "at", &text);
    if (status == ES_OK)
        status = es_xml_choice(r, node, "at", places, &place);
    if (status != ES_OK)
        return status;
    *at = (enum at)place;
    *count = place == AT_NODE ? g->graph.nodes : g->graph.pairs;
    if (place == AT_RANDOM) {
        status = es_xml_required(r, node, "count", &text);
        return status == ES_OK ? es_xml_size(r, node, "count", 1, ES_MAX_NODES, count) : status;
    }
    return es_xml_attribute(r, node, "count") ? es_xml_fail(r, node, "count", "only at=\"random\" counts; remove it") : ES_OK;
}

enum es_status es_xml_generator_size(struct es_reader *r, xmlNode *node, size_t *nodes, size_t *elements) {
    struct generator g;
    enum es_status status = read_generator(r, node, &g);
    *nodes += g.graph.nodes;
    for (xmlNode *child = es_xml_next(node->children); child && status == ES_OK; child = es_xml_next(child->next)) {
        enum at at;
        size_t count = 0;
        if (es_xml_element_kind(child))
            status = read_place(r, &g, child, &at, &count);
        *elements += count;
    }
    return status;
}

enum es_status es_xml_generate_nodes(struct es_reader *r, xmlNode *node) {
    struct generator g;
    enum es_status status = read_generator(r, node, &g);
    for (size_t i = 0; i < g.graph.nodes && status == ES_OK; i++)
        status = es_xml_add_node(r, node, es_arena_printf(r->arena, "%s%zu", g.name, i));
    return status;
}

// SPICE names hold no '-'.
static const char *kind_name(const struct es_reader *r, const struct es_element_kind *kind) {
    char *name = es_arena_string(r->arena, kind->row.name);
    for (char *c = name; *c; c++)
        *c = *c == '-' ? '_' : *c;
    return name;
}

// p and n are nodes of the network or ES_GROUND; `nodes` is what the element's name ends in.
static enum es_status place(struct es_reader *r, struct generator *g, const struct es_part *part, int p, int n, const char *nodes) {
    const char *prefix = es_xml_attribute(r, part->node, "name");
    const char *name = es_arena_printf(r->arena, "%s_%s", prefix ? prefix : kind_name(r, part->kind), nodes);
    struct es_stream stream = {.seed = g->seed, .purpose = ES_RANDOM_NETWORK, .id = (g->ordinal << 32) + g->placed++};
    return es_xml_place(r, part, name, p, n, stream);
}

static enum es_status place_pairs(struct es_reader *r, struct generator *g, const struct es_part *part) {
    const struct es_node *node = r->net->node;
    enum es_status status = ES_OK;
    for (size_t i = 0; i < g->graph.pairs && status == ES_OK; i++) {
        size_t a, b;
        g->kind->pair(&g->graph, i, &a, &b);
        a = g->kind->joins ? g->from[a] : g->first + a;
        b += g->first;
        status = place(r, g, part, (int)a, (int)b, es_arena_printf(r->arena, "%s_%s", node[a].name, node[b].name));
    }
    return status;
}

// The end that a template names, or ground.
static enum es_status find_end(struct es_reader *r, const struct es_part *part, const char *attribute, int *node) {
    const char *name = es_xml_attribute(r, part->node, attribute);
    *node = ES_GROUND;
    return name && strcmp(name, "ground") != 0 ? es_xml_find_node(r, part->node, attribute, node) : ES_OK;
}

// A source plays the channel of its node's number.
static enum es_status place_source(struct es_reader *r, struct generator *g, const struct es_part *part, size_t i) {
    struct es_part one = *part;
    const struct es_node *node = &r->net->node[g->first + i];
    const char *channel;
    enum es_status status = es_xml_name(r, part->node, "channel", &channel);
    if (status == ES_OK && node->source >= 0)
        return es_xml_fail(r, part->node, NULL, "the source \"%s\" holds node \"%s\" already; expected one source at a node", r->net->element[node->source].name, node->name);
    if (status == ES_OK)
        status = es_xml_channel(r, part->node, es_arena_printf(r->arena, "%s%zu", channel, i), &one.channel);
    return status == ES_OK ? place(r, g, &one, (int)(g->first + i), ES_GROUND, node->name) : status;
}

static enum es_status place_at(struct es_reader *r, struct generator *g, const struct es_part *part, size_t i) {
    int end, node = (int)(g->first + i);
    bool begins = es_xml_attribute(r, part->node, "node") != NULL;
    if (part->kind->term == ES_SOURCE)
        return place_source(r, g, part, i);
    enum es_status status = find_end(r, part, begins ? "node" : "to", &end);
    if (status == ES_OK && end == node)
        status = es_xml_fail(r, part->node, begins ? "node" : "to", "both ends are at the same node; expected two nodes");
    return status == ES_OK ? place(r, g, part, begins ? end : node, begins ? node : end, r->net->node[node].name) : status;
}

// Draws `count` of the free nodes: chosen [nodes] is written.
static void choose(const struct generator *g, struct es_stream stream, const bool *taken, size_t count, bool *chosen,
                   size_t *pool) {
    size_t size = 0;
    for (size_t i = 0; i < g->graph.nodes; i++)
        if (!taken[i])
            pool[size++] = i;
    for (size_t k = 0; k < count; k++) {
        size_t i = k + (size_t)es_random_below(&stream, size - k), node = pool[i];
        pool[i] = pool[k];
        chosen[node] = true;
    }
}

static enum es_status place_random(struct es_reader *r, struct generator *g, const struct es_part *part, size_t count) {
    bool readout = part->kind->term == ES_READOUT;
    bool *taken = readout ? g->read : ES_NEW(r->arena, g->graph.nodes, bool), *chosen = ES_NEW(r->arena, g->graph.nodes, bool);
    size_t room = 0;
    for (size_t i = 0; i < g->graph.nodes; i++)
        room += !taken[i];
    if (count > room)
        return es_xml_fail(r, part->node, "count", "only %zu of the %zu nodes of <%s> are free; expected at most so many", room,
                           g->graph.nodes, (const char *)g->node->name);
    struct es_stream stream = {.seed = g->seed, .purpose = ES_RANDOM_OUTPUTS, .id = (g->ordinal << 32) + g->placed};
    choose(g, stream, taken, count, chosen, ES_NEW(r->arena, g->graph.nodes, size_t));
    enum es_status status = ES_OK;
    for (size_t i = 0; i < g->graph.nodes && status == ES_OK; i++)
        if (chosen[i]) {
            taken[i] = true;
            status = place_at(r, g, part, i);
        }
    return status;
}

static enum es_status place_nodes(struct es_reader *r, struct generator *g, const struct es_part *part) {
    enum es_status status = ES_OK;
    for (size_t i = 0; i < g->graph.nodes && status == ES_OK; i++)
        status = place_at(r, g, part, i);
    return status;
}

static enum es_status check_template(struct es_reader *r, const struct generator *g, xmlNode *node) {
    enum es_term term = es_xml_element_kind(node)->term;
    if (term != ES_COUPLING && term != ES_INITIAL && term != ES_FINAL && (term != ES_SOURCE || g->kind->joins))
        return ES_OK;
    return es_xml_fail(r, node, NULL, "it has no template in <%s>; write it beside, with the names of nodes or elements",
                       (const char *)g->node->name);
}

static enum es_status check_place(struct es_reader *r, const struct generator *g, xmlNode *node, enum at at) {
    bool source = es_xml_element_kind(node)->term == ES_SOURCE, to = es_xml_attribute(r, node, "to"), from = es_xml_attribute(r, node, "node");
    if (source && at != AT_NODE)
        return es_xml_fail(r, node, "at", "expected \"node\", as a source holds one node");
    if (source && (to || from))
        return es_xml_fail(r, node, to ? "to" : "node", "a source holds one node, each of <%s>; remove it", g->kind->row.name);
    if (at == AT_NEIGHBOURS && g->kind->joins && g->graph.pairs == 0)
        return es_xml_fail(r, node, "at", "<%s> has no neighbours; name other layers in its \"from\"", g->kind->row.name);
    if (to && from)
        return es_xml_fail(r, node, "node", "\"to\" stands beside it, and the generator's node is one of the two ends; remove one of them");
    return ES_OK;
}

static enum es_status place_template(struct es_reader *r, struct generator *g, xmlNode *node) {
    struct es_part part;
    enum at at;
    size_t count;
    enum es_status status = check_template(r, g, node);
    if (status == ES_OK)
        status = read_place(r, g, node, &at, &count);
    if (status == ES_OK)
        status = check_place(r, g, node, at);
    if (status == ES_OK && es_xml_attribute(r, node, "name")) {
        const char *name;
        status = es_xml_name(r, node, "name", &name);
    }
    if (status == ES_OK)
        status = es_xml_part(r, node, &part);
    if (status != ES_OK)
        return status;
    switch (at) {
    case AT_NEIGHBOURS:
        return place_pairs(r, g, &part);
    case AT_RANDOM:
        return place_random(r, g, &part, count);
    case AT_NODE:
        break;
    }
    return place_nodes(r, g, &part);
}

enum es_status es_xml_generate_elements(struct es_reader *r, xmlNode *node, uint64_t ordinal) {
    struct generator g;
    enum es_status status = read_generator(r, node, &g);
    if (status != ES_OK)
        return status;
    g.first = first_node(r, g.name);
    if (g.kind->joins)
        status = read_from(r, &g, g.from = ES_NEW(r->arena, g.graph.extent[1], size_t));
    g.ordinal = ordinal;
    if (g.kind->draw)
        g.kind->draw(&g.graph, (struct es_stream){.seed = g.seed, .purpose = ES_RANDOM_NETWORK, .id = ordinal << 32, .update = 1},
                     r->arena);
    g.read = ES_NEW(r->arena, g.graph.nodes, bool);
    for (xmlNode *child = es_xml_next(node->children); child && status == ES_OK; child = es_xml_next(child->next))
        if (es_xml_element_kind(child))
            status = place_template(r, &g, child);
    return status;
}
