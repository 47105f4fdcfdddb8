// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// The graphs that generators make. Nodes count from 0; a grid's row by row.
#include "xml/xml.h"

#include "xml/reader.h"

static size_t extent(const size_t e[]) {
    return e[0];
}

static size_t area(const size_t e[]) {
    return e[0] * e[1];
}

static void closed_chain(const struct es_graph *graph, size_t i, size_t *a, size_t *b) {
    *a = i;
    *b = (i + 1) % graph->nodes;
}

static const struct es_generator ring = {
    .row = {"ring", "closed chain of `nodes` nodes", "docs/theory.md 1"},
    .extent = {{"nodes", 3}},
    .nodes = extent,
    .pairs = extent,
    .pair = closed_chain,
};

static size_t ladder_pairs(const size_t e[]) {
    return e[0] - 1;
}

static const struct es_generator ladder = {
    .row = {"ladder", "open chain of `nodes` nodes", "docs/theory.md 1"},
    .extent = {{"nodes", 2}},
    .nodes = extent,
    .pairs = ladder_pairs,
    .pair = closed_chain, // without its last pair
};

static size_t grid_pairs(const size_t e[]) {
    return e[0] * (e[1] - 1) + (e[0] - 1) * e[1];
}

// Along the rows first, then down the columns.
static void grid_pair(const struct es_graph *graph, size_t i, size_t *a, size_t *b) {
    size_t rows = graph->extent[0], columns = graph->extent[1], along = rows * (columns - 1);
    if (i < along) {
        *a = i / (columns - 1) * columns + i % (columns - 1);
        *b = *a + 1;
    } else {
        *a = i - along;
        *b = *a + columns;
    }
}

static const struct es_generator grid = {
    .row = {"grid", "square grid of `rows` times `columns` nodes", "docs/theory.md 1"},
    .extent = {{"rows", 1}, {"columns", 1}},
    .nodes = area,
    .pairs = grid_pairs,
    .pair = grid_pair,
};

static size_t all_pairs(const size_t e[]) {
    return e[0] * (e[0] - 1) / 2;
}

// (0, 1), (0, 2), ... (1, 2), ...
static void ordered_pair(const struct es_graph *graph, size_t i, size_t *a, size_t *b) {
    size_t first = 0;
    for (size_t row = graph->nodes - 1; i >= row; row--, first++)
        i -= row;
    *a = first;
    *b = first + 1 + i;
}

static const struct es_generator all_to_all = {
    .row = {"all-to-all", "`nodes` nodes, each a neighbour of every other", "docs/theory.md 1"},
    .extent = {{"nodes", 2}},
    .nodes = extent,
    .pairs = all_pairs,
    .pair = ordered_pair,
};

static size_t random_pairs(const size_t e[]) {
    return e[0] * e[1] / 2;
}

static void drawn_pair(const struct es_graph *graph, size_t i, size_t *a, size_t *b) {
    *a = graph->edge[i][0];
    *b = graph->edge[i][1];
}

static void join(bool *joined, size_t n, size_t a, size_t b) {
    joined[a * n + b] = joined[b * n + a] = true;
}

// joined [n][n] becomes a tree, each of the n^(n - 2) trees of n numbered nodes being as likely: the one of n - 2 random numbers
// in Pruefer's code (H. Pruefer, Arch. Math. Phys. 27 (1918) 742).
static void draw_tree(size_t n, struct es_stream *stream, struct es_arena *arena, bool *joined) {
    size_t *code = ES_NEW(arena, n, size_t), next = 0;
    size_t *ahead = ES_NEW(arena, n, size_t); // how often a node is still to come
    for (size_t i = 0; i + 2 < n; i++)
        ahead[code[i] = (size_t)es_random_below(stream, n)]++;
    while (ahead[next])
        next++;
    size_t leaf = next;
    for (size_t i = 0; i + 2 < n; i++) {
        join(joined, n, leaf, code[i]);
        leaf = code[i];
        if (--ahead[leaf] == 0 && leaf < next)
            continue;
        do
            next++;
        while (ahead[next]);
        leaf = next;
    }
    join(joined, n, leaf, n - 1);
}

// Adds `count` of the pairs that are not joined yet, each choice being as likely (Knuth, TAOCP 2, 3.4.2, algorithm S).
static void draw_pairs(size_t n, size_t count, struct es_stream *stream, bool *joined) {
    size_t room = n * (n - 1) / 2 - (n - 1);
    for (size_t a = 0; a < n; a++)
        for (size_t b = a + 1; b < n; b++) {
            if (joined[a * n + b])
                continue;
            if (es_random_below(stream, room--) >= count)
                continue;
            join(joined, n, a, b);
            count--;
        }
}

static void draw_graph(struct es_graph *graph, struct es_stream stream, struct es_arena *arena) {
    size_t n = graph->nodes, i = 0;
    bool *joined = ES_NEW(arena, n * n, bool);
    draw_tree(n, &stream, arena, joined);
    draw_pairs(n, graph->pairs - (n - 1), &stream, joined);
    graph->edge = es_arena_alloc(arena, graph->pairs, sizeof *graph->edge);
    for (size_t a = 0; a < n; a++)
        for (size_t b = a + 1; b < n; b++)
            if (joined[a * n + b]) {
                graph->edge[i][0] = a;
                graph->edge[i++][1] = b;
            }
}

static const struct es_generator random_graph = {
    .row = {"random", "connected random graph: a random tree and random pairs besides, nodes x degree / 2 in all",
            "Pruefer 1918; Knuth, TAOCP 2"},
    .extent = {{"nodes", 2}, {"degree", 1}},
    .nodes = extent,
    .pairs = random_pairs,
    .pair = drawn_pair,
    .draw = draw_graph,
};

static size_t layer_pairs(const size_t e[]) {
    return e[0] * e[1];
}

static void joined_pair(const struct es_graph *graph, size_t i, size_t *a, size_t *b) {
    *a = i / graph->nodes;
    *b = i % graph->nodes;
}

static const struct es_generator layer = {
    .row = {"layer", "`nodes` nodes, each a neighbour of every node of the layers `from`", "Kendall et al., arXiv 2006.01981"},
    .extent = {{"nodes", 1}},
    .nodes = extent,
    .pairs = layer_pairs,
    .pair = joined_pair,
    .joins = true,
};

const struct es_row *const es_generators[] = {&ring.row, &ladder.row, &grid.row, &all_to_all.row, &random_graph.row, &layer.row, NULL};
