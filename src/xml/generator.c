// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// <ring> and <grid>: nodes name0, name1, ... (row by row), and elements from templates. Element i of generator g (counted from 1
// in the network) draws from the stream (g 2^32 + i), so that what is added elsewhere, or at the end, moves no value.
#include "xml/reader.h"

#include <string.h>

enum at { AT_NODE, AT_NEIGHBOURS, AT_RANDOM };

static const char *const places[] = {[AT_NODE] = "node", [AT_NEIGHBOURS] = "neighbours", [AT_RANDOM] = "random", NULL};

struct generator {
    xmlNode *node;
    const char *name; // of its nodes, before their number
    bool ring;
    size_t rows, columns; // a ring is one row
    size_t nodes, pairs;  // pairs of neighbours
    uint64_t seed, ordinal;
    size_t first;  // its first node in the network
    size_t placed; // elements so far
    bool *read;    // [nodes] an output at="random" is there
};

bool es_xml_is_generator(const xmlNode *node) {
    return es_xml_is(node, "ring") || es_xml_is(node, "grid");
}

static enum es_status read_extent(struct es_reader *r, xmlNode *node, const char *attribute, size_t min, size_t *extent) {
    const char *text;
    enum es_status status = es_xml_required(r, node, attribute, &text);
    return status == ES_OK ? es_xml_size(r, node, attribute, min, ES_MAX_NODES, extent) : status;
}

static enum es_status read_generator(struct es_reader *r, xmlNode *node, struct generator *g) {
    *g = (struct generator){.node = node, .name = "n", .ring = es_xml_is(node, "ring"), .rows = 1, .seed = r->seed};
    enum es_status status = ES_OK;
    if (g->ring)
        status = read_extent(r, node, "nodes", 3, &g->columns);
    else if ((status = read_extent(r, node, "rows", 1, &g->rows)) == ES_OK)
        status = read_extent(r, node, "columns", 1, &g->columns);
    g->nodes = g->rows * g->columns;
    g->pairs = g->ring ? g->nodes : g->rows * (g->columns - 1) + (g->rows - 1) * g->columns;
    if (status == ES_OK && g->nodes > ES_MAX_NODES)
        status = es_xml_fail(r, node, "rows", "%zu x %zu makes %zu nodes; expected at most %d", g->rows, g->columns, g->nodes,
                             ES_MAX_NODES);
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
    *count = place == AT_NODE ? g->nodes : g->pairs;
    if (place == AT_RANDOM) {
        status = es_xml_required(r, node, "count", &text);
        return status == ES_OK ? es_xml_size(r, node, "count", 1, ES_MAX_NODES, count) : status;
    }
    return es_xml_attribute(r, node, "count") ? es_xml_fail(r, node, "count", "only at=\"random\" counts; remove it") : ES_OK;
}

enum es_status es_xml_generator_size(struct es_reader *r, xmlNode *node, size_t *nodes, size_t *elements) {
    struct generator g;
    enum es_status status = read_generator(r, node, &g);
    *nodes += g.nodes;
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
    for (size_t i = 0; i < g.nodes && status == ES_OK; i++)
        status = es_xml_add_node(r, node, es_arena_printf(r->arena, "%s%zu", g.name, i));
    return status;
}

// Along the rows first, then down the columns.
static void pair(const struct generator *g, size_t i, size_t *a, size_t *b) {
    size_t along = g->rows * (g->columns - 1);
    if (g->ring) {
        *a = i;
        *b = (i + 1) % g->nodes;
    } else if (i < along) {
        *a = i / (g->columns - 1) * g->columns + i % (g->columns - 1);
        *b = *a + 1;
    } else {
        *a = i - along;
        *b = *a + g->columns;
    }
}

static enum es_status place(struct es_reader *r, struct generator *g, const struct es_part *part, size_t a, const size_t *b) {
    const char *prefix = es_xml_attribute(r, part->node, "name");
    const char *first = r->net->node[g->first + a].name, *second = b ? r->net->node[g->first + *b].name : "";
    const char *name =
        es_arena_printf(r->arena, "%s_%s%s%s", prefix ? prefix : part->kind->row.name, first, b ? "_" : "", second);
    struct es_stream stream = {.seed = g->seed, .purpose = ES_RANDOM_NETWORK, .id = (g->ordinal << 32) + g->placed++};
    return es_xml_place(r, part, name, (int)(g->first + a), b ? (int)(g->first + *b) : ES_GROUND, stream);
}

static enum es_status place_pairs(struct es_reader *r, struct generator *g, const struct es_part *part) {
    enum es_status status = ES_OK;
    for (size_t i = 0; i < g->pairs && status == ES_OK; i++) {
        size_t a, b;
        pair(g, i, &a, &b);
        status = place(r, g, part, a, &b);
    }
    return status;
}

// Draws `count` of the free nodes: chosen [nodes] is written.
static void choose(const struct generator *g, struct es_stream stream, const bool *taken, size_t count, bool *chosen,
                   size_t *pool) {
    size_t size = 0;
    for (size_t i = 0; i < g->nodes; i++)
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
    bool *taken = readout ? g->read : ES_NEW(r->arena, g->nodes, bool), *chosen = ES_NEW(r->arena, g->nodes, bool);
    size_t room = 0;
    for (size_t i = 0; i < g->nodes; i++)
        room += !taken[i];
    if (count > room)
        return es_xml_fail(r, part->node, "count", "only %zu of the %zu nodes of <%s> are free; expected at most so many", room,
                           g->nodes, (const char *)g->node->name);
    struct es_stream stream = {.seed = g->seed, .purpose = ES_RANDOM_OUTPUTS, .id = (g->ordinal << 32) + g->placed};
    choose(g, stream, taken, count, chosen, ES_NEW(r->arena, g->nodes, size_t));
    enum es_status status = ES_OK;
    for (size_t i = 0; i < g->nodes && status == ES_OK; i++)
        if (chosen[i]) {
            taken[i] = true;
            status = place(r, g, part, i, NULL);
        }
    return status;
}

static enum es_status place_nodes(struct es_reader *r, struct generator *g, const struct es_part *part) {
    enum es_status status = ES_OK;
    for (size_t i = 0; i < g->nodes && status == ES_OK; i++)
        status = place(r, g, part, i, NULL);
    return status;
}

static enum es_status place_template(struct es_reader *r, struct generator *g, xmlNode *node) {
    struct es_part part;
    enum at at;
    size_t count;
    enum es_status status = read_place(r, g, node, &at, &count);
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
    const char *first = es_arena_printf(r->arena, "%s0", g.name);
    while (strcmp(r->net->node[g.first].name, first) != 0)
        g.first++;
    g.ordinal = ordinal;
    g.read = ES_NEW(r->arena, g.nodes, bool);
    for (xmlNode *child = es_xml_next(node->children); child && status == ES_OK; child = es_xml_next(child->next))
        if (es_xml_element_kind(child))
            status = place_template(r, &g, child);
    return status;
}
