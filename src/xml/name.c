// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
#include "xml/reader.h"

#include <string.h>

// key [ES_NAME + 1] becomes the name in lower case.
static const xmlChar *lower(const char *name, char *key) {
    size_t i = 0;
    for (; name[i]; i++)
        key[i] = (char)(name[i] >= 'A' && name[i] <= 'Z' ? name[i] - 'A' + 'a' : name[i]);
    key[i] = '\0';
    return (const xmlChar *)key;
}

static const char *name_at(const struct es_reader *r, const xmlHashTable *table, size_t index) {
    return table == r->node ? r->net->node[index].name : r->net->element[index].name;
}

static enum es_status refuse_second(struct es_reader *r, xmlNode *node, xmlHashTable *table, const char *name, size_t first) {
    bool is_node = table == r->node;
    const char *other = name_at(r, table, first);
    int line = is_node ? r->net->node[first].line : r->net->element[first].line;
    return es_xml_fail(r, node, es_xml_attribute(r, node, "name") ? "name" : NULL,
                       "the %s \"%s\" already stands in line %d%s; take another name", is_node ? "node" : "element", other, line,
                       strcmp(name, other) == 0 ? "" : ", and SPICE does not tell upper from lower case");
}

enum es_status es_xml_add_name(struct es_reader *r, xmlNode *node, xmlHashTable *table, const char *name, size_t index) {
    char key[ES_NAME + 1];
    if (!es_name_valid(name))
        return es_xml_fail(r, node, es_xml_attribute(r, node, "name") ? "name" : NULL,
                           "makes the name \"%s\"; expected at most %d letters, digits and _: shorten it",
                           es_xml_show(r->arena, name), ES_NAME);
    if (xmlHashAddEntry(table, lower(name, key), (void *)(uintptr_t)(index + 1)) == 0)
        return ES_OK;
    return refuse_second(r, node, table, name, (size_t)(uintptr_t)xmlHashLookup(table, (const xmlChar *)key) - 1);
}

enum es_status es_xml_add_node(struct es_reader *r, xmlNode *node, const char *name) {
    size_t i = r->net->nodes;
    if (strcasecmp(name, "ground") == 0)
        return es_xml_fail(r, node, "name", "\"ground\" is the ground itself; take another name");
    enum es_status status = es_xml_add_name(r, node, r->node, name, i);
    if (status != ES_OK)
        return status;
    r->net->node[i] = (struct es_node){.name = es_arena_string(r->arena, name), .source = -1, .line = (int)xmlGetLineNo(node)};
    r->net->nodes++;
    return ES_OK;
}

// A node or an inductor; `rest` is what its declaration holds besides the name.
static enum es_status find(struct es_reader *r, xmlNode *node, const char *attribute, const char *what, const char *rest,
                           size_t *index) {
    xmlHashTable *table = *rest ? r->element : r->node;
    char key[ES_NAME + 1];
    const char *name;
    enum es_status status = es_xml_name(r, node, attribute, &name);
    if (status != ES_OK)
        return status;
    size_t found = (size_t)(uintptr_t)xmlHashLookup(table, lower(name, key));
    if (!found)
        return es_xml_fail(r, node, attribute, "there is no %s \"%s\"; declare it with <%s name=\"%s\"%s/>", what, name, what,
                           name, rest);
    *index = found - 1;
    if (strcmp(name_at(r, table, *index), name) != 0)
        return es_xml_fail(r, node, attribute, "there is no %s \"%s\", but there is \"%s\"; write it the same way", what, name,
                           name_at(r, table, *index));
    return ES_OK;
}

enum es_status es_xml_find_node(struct es_reader *r, xmlNode *node, const char *attribute, int *index) {
    const char *name = es_xml_attribute(r, node, attribute);
    size_t found = 0;
    if (name && strcmp(name, "ground") == 0)
        return es_xml_fail(r, node, attribute, "ground can only stand at \"to\"; name another node, or turn the element round");
    enum es_status status = find(r, node, attribute, "node", "", &found);
    *index = (int)found;
    return status;
}

enum es_status es_xml_find_inductor(struct es_reader *r, xmlNode *node, const char *attribute, size_t *index) {
    enum es_status status = find(r, node, attribute, "inductor", " ...", index);
    if (status != ES_OK)
        return status;
    const struct es_element *e = &r->net->element[*index];
    if (e->kind != &es_inductor)
        return es_xml_fail(r, node, attribute,
                           "the element in line %d is a <%s>, and only linear inductors are coupled; expected an <inductor>", e->line,
                           e->kind->row.name);
    if (es_element_own_state(e))
        return es_xml_fail(r, node, attribute,
                           "the inductor in line %d has a current of its own at t = 0, and coupled inductors "
                           "cannot; remove its current, or the coupling",
                           e->line);
    return ES_OK;
}
