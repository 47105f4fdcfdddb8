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

static enum es_status refuse_second(struct es_reader *r, xmlNode *node, xmlHashTable *table, const char *name, size_t first) {
    bool is_node = table == r->node;
    const char *other = is_node ? r->net->node[first].name : r->net->element[first].name;
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
    r->net->node[i] = (struct es_node){.name = es_arena_string(r->arena, name), .line = (int)xmlGetLineNo(node)};
    r->net->nodes++;
    return ES_OK;
}

enum es_status es_xml_find_node(struct es_reader *r, xmlNode *node, const char *attribute, int *index) {
    char key[ES_NAME + 1];
    const char *name;
    enum es_status status = es_xml_name(r, node, attribute, &name);
    if (status != ES_OK)
        return status;
    if (strcmp(name, "ground") == 0)
        return es_xml_fail(r, node, attribute, "ground can only stand at \"to\"; turn the element round");
    size_t found = (size_t)(uintptr_t)xmlHashLookup(r->node, lower(name, key));
    *index = (int)found - 1;
    if (!found)
        return es_xml_fail(r, node, attribute, "there is no node \"%s\"; declare it with <node name=\"%s\"/>", name, name);
    if (strcmp(r->net->node[found - 1].name, name) != 0)
        return es_xml_fail(r, node, attribute, "there is no node \"%s\", but there is \"%s\"; write it the same way", name,
                           r->net->node[found - 1].name);
    return ES_OK;
}
