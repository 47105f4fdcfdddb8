// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
#include "import/circuit.h"

#include "core/value.h"

#include <ctype.h>
#include <search.h>
#include <stdio.h>
#include <string.h>

// Names of one kind, each once.
struct pool {
    struct es_arena *arena;
    struct hsearch_data table;
};

static bool is_free(struct pool *pool, const char *name) {
    ENTRY entry = {.key = es_arena_string(pool->arena, name)}, *found;
    return es_name_valid(name) && strcmp(name, "ground") != 0 && !hsearch_r(entry, FIND, &found, &pool->table) && hsearch_r(entry, ENTER, &found, &pool->table);
}

// The name in letters, digits and _, with a number behind it where it is taken already; what is too long loses its middle.
static const char *unique(struct pool *pool, const char *name, char before) {
    char text[ES_NAME + 1], numbered[2 * ES_NAME];
    size_t length = strlen(name);
    const char *tail = length > ES_NAME - 8 ? name + length - (ES_NAME - 8) / 2 : "";
    snprintf(text, sizeof text, "%s%.*s%s", isdigit((unsigned char)*name) ? (char[]){before, '\0'} : "", *tail ? (ES_NAME - 8) / 2 : (int)length, name, tail);
    for (char *c = text; *c; c++)
        *c = isalnum((unsigned char)*c) ? *c : '_';
    if (is_free(pool, text))
        return es_arena_string(pool->arena, text);
    for (size_t i = 2;; i++) {
        snprintf(numbered, sizeof numbered, "%s_%zu", text, i);
        if (is_free(pool, numbered))
            return es_arena_string(pool->arena, numbered);
    }
}

// l.x1.l1 is x1.l1.
static const char *without_letter(const char *flat) {
    return flat[1] == '.' ? flat + 2 : flat;
}

// x1.n_a is n_a.
static const char *last_part(const char *name) {
    const char *point = strrchr(name, '.');
    return point ? point + 1 : name;
}

static bool has_prefixes(const struct es_circuit_import *c, const bool *node_used) {
    for (size_t i = 0; i < c->nodes; i++) {
        const char *name = last_part(c->node[i].name);
        if (node_used[i] && (strncmp(name, "n_", 2) != 0 || !name[2]))
            return false;
    }
    return true;
}

void es_import_names(struct es_circuit_import *c, const bool *node_used, const char **node, const char **part) {
    struct pool nodes = {.arena = c->arena}, parts = {.arena = c->arena};
    bool prefixes = has_prefixes(c, node_used);
    hcreate_r(4 * c->nodes + 16, &nodes.table);
    hcreate_r(4 * c->parts + 16, &parts.table);
    for (size_t i = 0; i < c->nodes; i++)
        if (node_used[i])
            node[i] = unique(&nodes, prefixes ? last_part(c->node[i].name) + 2 : c->node[i].name, 'n');
    for (size_t i = 0; i < c->parts; i++) {
        const char *rest = strchr(c->part[i].line->name, '_');
        if (c->part[i].kind)
            part[i] = unique(&parts, prefixes && rest && rest[1] ? rest + 1 : without_letter(c->part[i].flat->name), c->part[i].letter);
    }
    hdestroy_r(&nodes.table);
    hdestroy_r(&parts.table);
}
