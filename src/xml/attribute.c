// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
#include "xml/reader.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { SHOWN = 80, SENTENCE = 1024, PATH = 256 };

bool es_xml_is(const xmlNode *node, const char *name) {
    return node->type == XML_ELEMENT_NODE && !node->ns && strcmp((const char *)node->name, name) == 0;
}

xmlNode *es_xml_next(xmlNode *node) {
    while (node && node->type != XML_ELEMENT_NODE)
        node = node->next;
    return node;
}

xmlNode *es_xml_child(xmlNode *node, const char *name) {
    for (xmlNode *child = node->children; child; child = child->next)
        if (es_xml_is(child, name))
            return child;
    return NULL;
}

const char *es_xml_show(struct es_arena *arena, const char *text) {
    size_t length = strlen(text), shown = length > SHOWN ? SHOWN : length;
    while (shown < length && shown > 0 && ((unsigned char)text[shown] & 0xc0) == 0x80) // not in the middle of a character
        shown--;
    char *copy = es_arena_printf(arena, "%.*s%s", (int)shown, text, shown < length ? "..." : "");
    for (char *c = copy; *c; c++)
        if ((unsigned char)*c < ' ' || *c == 0x7f)
            *c = ' ';
    return copy;
}

const char *es_xml_attribute(const struct es_reader *r, xmlNode *node, const char *attribute) {
    xmlChar *text = xmlGetNoNsProp(node, (const xmlChar *)attribute);
    if (!text)
        return NULL;
    static const char space[] = " \t\r\n";
    const char *start = (const char *)text + strspn((const char *)text, space);
    char *copy = es_arena_string(r->arena, start);
    for (size_t length = strlen(copy); length > 0 && strchr(space, copy[length - 1]); length--)
        copy[length - 1] = '\0';
    xmlFree(text);
    return copy;
}

// The end of a long path says more than its start.
const char *es_xml_path(const struct es_reader *r) {
    size_t length = strlen(r->file), shown = length > PATH ? PATH : length;
    char *path = es_arena_printf(r->arena, "%s%s", shown < length ? "..." : "", r->file + length - shown);
    for (char *c = path; *c; c++)
        if ((unsigned char)*c < ' ')
            *c = '?';
    return path;
}

// What follows the element's name in a message.
static const char *title(const struct es_reader *r, xmlNode *node) {
    const char *name = es_xml_attribute(r, node, "name");
    if (name && *name)
        return es_arena_printf(r->arena, " \"%s\"", es_xml_show(r->arena, name));
    if (!es_xml_is(node, "train") || node->parent->type != XML_ELEMENT_NODE)
        return "";
    return es_arena_printf(r->arena, " of <%s>%s", es_xml_show(r->arena, (const char *)node->parent->name),
                           title(r, node->parent));
}

enum es_status es_xml_fail(const struct es_reader *r, xmlNode *node, const char *attribute, const char *format, ...) {
    char sentence[SENTENCE];
    va_list args;
    va_start(args, format);
    vsnprintf(sentence, sizeof sentence, format, args);
    va_end(args);
    const char *value = attribute ? es_xml_attribute(r, node, attribute) : NULL;
    const char *what = "";
    if (value)
        what = es_arena_printf(r->arena, "%s = \"%s\": ", attribute, es_xml_show(r->arena, value));
    else if (attribute)
        what = es_arena_printf(r->arena, "attribute \"%s\" is missing: ", attribute);
    return es_fail(r->error, ES_BAD_INPUT, "%s:%ld: <%s>%s: %s%s", es_xml_path(r), xmlGetLineNo(node),
                   es_xml_show(r->arena, (const char *)node->name), title(r, node), what, sentence);
}

enum es_status es_xml_required(const struct es_reader *r, xmlNode *node, const char *attribute, const char **text) {
    *text = es_xml_attribute(r, node, attribute);
    return *text ? ES_OK : es_xml_fail(r, node, attribute, "it has to be given");
}

enum es_status es_xml_name(const struct es_reader *r, xmlNode *node, const char *attribute, const char **name) {
    enum es_status status = es_xml_required(r, node, attribute, name);
    if (status != ES_OK || es_name_valid(*name))
        return status;
    return es_xml_fail(r, node, attribute,
                       "expected a name: letters A-Z a-z, digits and _, not starting with a digit, at most %d "
                       "characters",
                       ES_NAME);
}

enum es_status es_xml_number(const struct es_reader *r, xmlNode *node, const char *attribute, const char *unit, double *value) {
    struct es_error why;
    const char *text = es_xml_attribute(r, node, attribute);
    if (!text || es_value_parse(text, unit, value, &why) == ES_OK)
        return ES_OK;
    return es_xml_fail(r, node, attribute, "%s", why.text);
}

enum es_status es_xml_positive(const struct es_reader *r, xmlNode *node, const char *attribute, const char *unit, double *value) {
    double number = 1;
    enum es_status status = es_xml_number(r, node, attribute, unit, &number);
    if (status != ES_OK || !es_xml_attribute(r, node, attribute))
        return status;
    *value = number;
    return number > 0 ? ES_OK : es_xml_fail(r, node, attribute, "expected a value > 0");
}

enum es_status es_xml_integer(const struct es_reader *r, xmlNode *node, const char *attribute, uint64_t min, uint64_t max,
                              uint64_t *value) {
    struct es_error why;
    uint64_t number;
    const char *text = es_xml_attribute(r, node, attribute);
    if (!text)
        return ES_OK;
    if (es_integer_parse(text, min, max, &number, &why) != ES_OK)
        return es_xml_fail(r, node, attribute, "%s", why.text);
    *value = number;
    return ES_OK;
}

enum es_status es_xml_size(const struct es_reader *r, xmlNode *node, const char *attribute, size_t min, size_t max,
                           size_t *value) {
    uint64_t number = *value;
    enum es_status status = es_xml_integer(r, node, attribute, min, max, &number);
    *value = (size_t)number;
    return status;
}

enum es_status es_xml_row(const struct es_reader *r, xmlNode *node, const char *attribute, const struct es_row *const *list,
                          const void **row) {
    const char *text = es_xml_attribute(r, node, attribute);
    const void *found = text ? es_row_find(list, text) : NULL;
    char names[SENTENCE / 2];
    if (text && !found)
        return es_xml_fail(r, node, attribute, "there is no such %s; expected %s", attribute,
                           es_row_names(list, names, sizeof names));
    if (found)
        *row = found;
    return ES_OK;
}

static const char *choice_names(const struct es_reader *r, const char *const *choice) {
    const char *names = "";
    for (size_t i = 0; choice[i]; i++)
        names = es_arena_printf(r->arena, "%s%s\"%s\"", names, i == 0 ? "" : choice[i + 1] ? ", " : " or ", choice[i]);
    return names;
}

enum es_status es_xml_choice(const struct es_reader *r, xmlNode *node, const char *attribute, const char *const *choice,
                             size_t *value) {
    const char *text = es_xml_attribute(r, node, attribute);
    if (!text)
        return ES_OK;
    for (size_t i = 0; choice[i]; i++)
        if (strcmp(text, choice[i]) == 0) {
            *value = i;
            return ES_OK;
        }
    return es_xml_fail(r, node, attribute, "expected %s", choice_names(r, choice));
}

enum es_status es_xml_seed(const struct es_reader *r, xmlNode *node, uint64_t *seed) {
    enum es_status status = es_xml_integer(r, node, "seed", 0, INT64_MAX, seed);
    if (r->reseed)
        *seed = *r->reseed;
    return status;
}
