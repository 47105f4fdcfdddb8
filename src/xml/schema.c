// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// Validation by a RELAX NG schema, which is compiled in. libxml2 says that a document is invalid, but rarely
// why; so the document is then walked beside the schema until the two differ, and that difference is what the user reads.
#include "xml/reader.h"

#include <libxml/parser.h>
#include <libxml/relaxng.h>
#include <stdio.h>
#include <string.h>

enum { EXPECTED = 96 };

// The attributes and elements that a pattern allows, as patterns of the schema.
struct expected {
    struct {
        xmlNode *pattern;
        bool required, many;
    } at[EXPECTED];
    size_t count;
};

struct walk {
    const struct es_reader *r;
    xmlNode *grammar;
};

static const char *pattern_name(const struct walk *w, xmlNode *pattern) {
    const char *name = es_xml_attribute(w->r, pattern, "name");
    return name ? name : "";
}

static bool is_pattern(const xmlNode *node, const char *name) {
    return node->type == XML_ELEMENT_NODE && strcmp((const char *)node->name, name) == 0;
}

static xmlNode *find_define(const struct walk *w, const char *name) {
    for (xmlNode *node = w->grammar->children; node; node = node->next)
        if (is_pattern(node, "define") && strcmp(pattern_name(w, node), name) == 0)
            return node;
    return NULL;
}

static xmlNode *resolve(const struct walk *w, xmlNode *pattern) {
    return is_pattern(pattern, "ref") ? find_define(w, pattern_name(w, pattern)) : pattern;
}

// The texts that an attribute's pattern lists, as "a, b or c"; NULL where it takes any. *match: the text is one of them.
static const char *listed_values(const struct walk *w, xmlNode *attribute, const char *text, bool *match, size_t *count) {
    xmlNode *first = es_xml_next(attribute->children);
    while (first && !is_pattern(first, "value") && !is_pattern(first, "choice"))
        first = es_xml_next(first->next);
    const char *names = NULL;
    *count = 0;
    *match = false;
    for (xmlNode *v = first && is_pattern(first, "choice") ? es_xml_next(first->children) : first; v; v = es_xml_next(v->next)) {
        if (!is_pattern(v, "value"))
            continue;
        xmlChar *value = xmlNodeGetContent(v);
        *match = *match || (text && strcmp(text, (const char *)value) == 0);
        names = es_arena_printf(w->r->arena, "%s%s\"%s\"", names ? names : "", names ? ", " : "", (const char *)value);
        ++*count;
        xmlFree(value);
    }
    return names;
}

static void collect(const struct walk *w, xmlNode *node, xmlNode *pattern, bool required, bool many, struct expected *list);

static void add(const struct walk *w, xmlNode *node, xmlNode *pattern, bool required, bool many, struct expected *list) {
    pattern = resolve(w, pattern);
    if (pattern && (is_pattern(pattern, "element") || is_pattern(pattern, "attribute"))) {
        if (list->count < EXPECTED) {
            list->at[list->count].pattern = pattern;
            list->at[list->count].required = required;
            list->at[list->count++].many = many;
        }
    } else if (pattern) {
        collect(w, node, pattern, required, many, list);
    }
}

// A branch of a choice is out where it fixes an attribute to one value and the document has another.
static bool is_open(const struct walk *w, xmlNode *node, xmlNode *branch) {
    struct expected list = {.count = 0};
    add(w, NULL, branch, true, false, &list);
    for (size_t i = 0; i < list.count; i++) {
        xmlNode *pattern = list.at[i].pattern;
        const char *text = is_pattern(pattern, "attribute") ? es_xml_attribute(w->r, node, pattern_name(w, pattern)) : NULL;
        size_t count;
        bool match;
        if (text && listed_values(w, pattern, text, &match, &count) && count == 1 && !match)
            return false;
    }
    return true;
}

// The branches of a choice that the document leaves open; all of them if it leaves none, or without a document.
static void collect_choice(const struct walk *w, xmlNode *node, xmlNode *choice, bool required, bool many,
                           struct expected *list) {
    size_t open = 0;
    for (xmlNode *branch = es_xml_next(choice->children); branch && node; branch = es_xml_next(branch->next))
        open += is_open(w, node, branch);
    for (xmlNode *branch = es_xml_next(choice->children); branch; branch = es_xml_next(branch->next))
        if (open == 0 || is_open(w, node, branch))
            add(w, node, branch, required && open == 1, many, list);
}

static void collect(const struct walk *w, xmlNode *node, xmlNode *pattern, bool required, bool many, struct expected *list) {
    if (is_pattern(pattern, "choice")) {
        collect_choice(w, node, pattern, required, many, list);
        return;
    }
    bool optional = is_pattern(pattern, "optional") || is_pattern(pattern, "zeroOrMore");
    bool repeated = is_pattern(pattern, "oneOrMore") || is_pattern(pattern, "zeroOrMore");
    for (xmlNode *child = es_xml_next(pattern->children); child; child = es_xml_next(child->next))
        add(w, node, child, required && !optional, many || repeated, list);
}

// What the pattern of `node` allows of one sort, "attribute" or "element".
static struct expected expect(const struct walk *w, xmlNode *node, xmlNode *pattern, const char *sort) {
    struct expected all = {.count = 0}, list = {.count = 0};
    for (xmlNode *child = es_xml_next(pattern->children); child; child = es_xml_next(child->next))
        add(w, node, child, true, false, &all);
    for (size_t i = 0; i < all.count; i++)
        if (is_pattern(all.at[i].pattern, sort))
            list.at[list.count++] = all.at[i];
    return list;
}

static const char *expected_names(const struct walk *w, const struct expected *list, const char *form) {
    const char *names = "";
    for (size_t i = 0; i < list->count; i++) {
        const char *name = pattern_name(w, list->at[i].pattern);
        bool again = false;
        for (size_t k = 0; k < i && !again; k++)
            again = strcmp(pattern_name(w, list->at[k].pattern), name) == 0;
        const char *shown = es_arena_printf(w->r->arena, *form == '<' ? "<%s>" : "%s", name);
        if (!again)
            names = es_arena_printf(w->r->arena, "%s%s%s", names, *names ? ", " : "", shown);
    }
    return *names ? names : "nothing";
}

static enum es_status check_value(const struct walk *w, xmlNode *node, const struct expected *list, const char *name) {
    const char *text = es_xml_attribute(w->r, node, name), *values = NULL;
    for (size_t i = 0; i < list->count; i++) {
        if (strcmp(pattern_name(w, list->at[i].pattern), name) != 0)
            continue;
        size_t count;
        bool match;
        const char *more = listed_values(w, list->at[i].pattern, text, &match, &count);
        if (match || !more)
            return ES_OK;
        values = values ? es_arena_printf(w->r->arena, "%s, %s", values, more) : more;
    }
    return es_xml_fail(w->r, node, name, "expected one of %s", values);
}

static enum es_status check_attributes(const struct walk *w, xmlNode *node, xmlNode *pattern) {
    struct expected list = expect(w, node, pattern, "attribute");
    for (xmlAttr *a = node->properties; a; a = a->next) {
        bool known = false;
        const char *name = (const char *)a->name;
        for (size_t i = 0; i < list.count && !known; i++)
            known = !a->ns && strcmp(pattern_name(w, list.at[i].pattern), name) == 0;
        if (!known)
            return es_xml_fail(w->r, node, es_xml_show(w->r->arena, name), "this attribute cannot stand here; expected %s",
                               expected_names(w, &list, ""));
        enum es_status status = check_value(w, node, &list, name);
        if (status != ES_OK)
            return status;
    }
    for (size_t i = 0; i < list.count; i++) {
        const char *name = pattern_name(w, list.at[i].pattern);
        if (list.at[i].required && !es_xml_attribute(w->r, node, name))
            return es_xml_fail(w->r, node, name, "it has to be given");
    }
    return ES_OK;
}

static enum es_status check_node(const struct walk *w, xmlNode *node, xmlNode *pattern);

static enum es_status check_child(const struct walk *w, xmlNode *child, const struct expected *list) {
    for (size_t i = 0; i < list->count; i++) {
        if (!es_xml_is(child, pattern_name(w, list->at[i].pattern)))
            continue;
        for (xmlNode *before = child->prev; before && !list->at[i].many; before = before->prev)
            if (es_xml_is(before, (const char *)child->name))
                return es_xml_fail(w->r, child, NULL, "it already stands in line %ld; give it once", xmlGetLineNo(before));
        return check_node(w, child, list->at[i].pattern);
    }
    if (child->ns)
        return es_xml_fail(w->r, child, NULL, "it belongs to the namespace \"%s\"; expected none: remove xmlns",
                           es_xml_show(w->r->arena, (const char *)child->ns->href));
    return es_xml_fail(w->r, child, NULL, "this element cannot stand in <%s>; expected %s", (const char *)child->parent->name,
                       expected_names(w, list, "<"));
}

static enum es_status check_children(const struct walk *w, xmlNode *node, xmlNode *pattern) {
    struct expected list = expect(w, node, pattern, "element");
    enum es_status status = ES_OK;
    for (xmlNode *child = node->children; child && status == ES_OK; child = child->next) {
        if (child->type == XML_ELEMENT_NODE)
            status = check_child(w, child, &list);
        else if ((child->type == XML_TEXT_NODE || child->type == XML_CDATA_SECTION_NODE) && !xmlIsBlankNode(child))
            status = es_xml_fail(w->r, node, NULL, "the text \"%s\" cannot stand in it; values are attributes",
                                 es_xml_show(w->r->arena, (const char *)child->content));
    }
    for (size_t i = 0; i < list.count && status == ES_OK; i++) {
        const char *name = pattern_name(w, list.at[i].pattern);
        if (list.at[i].required && !es_xml_child(node, name))
            status = es_xml_fail(w->r, node, NULL, "<%s> is missing", name);
    }
    return status;
}

static enum es_status check_node(const struct walk *w, xmlNode *node, xmlNode *pattern) {
    struct es_reader scratch = *w->r;
    struct walk here = {&scratch, w->grammar};
    scratch.arena = es_arena_new();
    enum es_status status = check_attributes(&here, node, pattern);
    if (status == ES_OK)
        status = check_children(&here, node, pattern);
    es_arena_free(scratch.arena);
    return status;
}

// ES_OK if no difference is found.
static enum es_status find_difference(const struct es_reader *r, xmlNode *root) {
    xmlDoc *schema = xmlReadMemory(r->schema->text, (int)*r->schema->size, NULL, NULL, XML_PARSE_NONET);
    if (!schema)
        return ES_OK;
    struct walk w = {r, xmlDocGetRootElement(schema)};
    xmlNode *define = find_define(&w, (const char *)root->name);
    enum es_status status = define ? check_node(&w, root, es_xml_next(define->children)) : ES_OK;
    xmlFreeDoc(schema);
    return status;
}

// The first message of libxml2 about an element.
struct complaint {
    long line;
    char text[256];
};

static void keep_first(void *context, xmlError *e) {
    struct complaint *complaint = context;
    if (complaint->text[0] || !e->message)
        return;
    complaint->line = e->node ? xmlGetLineNo(e->node) : e->line;
    snprintf(complaint->text, sizeof complaint->text, "%s", e->message);
    complaint->text[strcspn(complaint->text, "\n")] = '\0';
}

static enum es_status validate(const struct es_reader *r, xmlRelaxNG *schema, xmlDoc *document, bool *precise) {
    struct complaint complaint = {.line = 1};
    xmlRelaxNGValidCtxt *valid = xmlRelaxNGNewValidCtxt(schema);
    xmlRelaxNGSetValidStructuredErrors(valid, keep_first, &complaint);
    int invalid = xmlRelaxNGValidateDoc(valid, document);
    xmlRelaxNGFreeValidCtxt(valid);
    if (!invalid)
        return ES_OK;
    enum es_status status = find_difference(r, xmlDocGetRootElement(document));
    *precise = status != ES_OK;
    if (status != ES_OK)
        return status;
    return es_fail(r->error, ES_BAD_INPUT, "%s:%ld: not valid by %s: %s", es_xml_path(r), complaint.line, r->schema->file,
                   es_xml_show(r->arena, complaint.text));
}

enum es_status es_xml_validate(const struct es_reader *r, xmlDoc *document, bool *precise) {
    struct complaint complaint = {.line = 1};
    xmlRelaxNGParserCtxt *parser = xmlRelaxNGNewMemParserCtxt(r->schema->text, (int)*r->schema->size);
    xmlRelaxNGSetParserStructuredErrors(parser, keep_first, &complaint);
    xmlRelaxNG *schema = parser ? xmlRelaxNGParse(parser) : NULL;
    xmlRelaxNGFreeParserCtxt(parser);
    if (!schema)
        return es_fail(r->error, ES_FAILED, "the compiled-in schema, line %ld: %s", complaint.line, complaint.text);
    enum es_status status = validate(r, schema, document, precise);
    xmlRelaxNGFree(schema);
    return status;
}
