// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// From bytes to an experiment: parsing without trust, the schema, and a network that stands in a second file.
#include "xml/xml.h"

#include "xml/reader.h"

#include <errno.h>
#include <libxml/SAX2.h>
#include <libxml/parser.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { FILE_BYTES = 4 << 20, TAG_ATTRIBUTES = 1000 };

extern const char es_experiment_schema[];
extern const unsigned es_experiment_schema_size;

static const struct es_schema experiment_schema = {
    "netlists/echospice.rng", es_experiment_schema, &es_experiment_schema_size, "experiment", "use a generator such as <grid> for large networks",
};

// What libxml2 reported first, and whether a DOCTYPE was met.
struct report {
    int line, doctype;
    char text[512];
};

static void keep_first(void *context, xmlError *e) {
    struct report *report = context;
    if (report->text[0] || !e->message)
        return;
    report->line = e->line;
    snprintf(report->text, sizeof report->text, "%s", e->message);
    report->text[strcspn(report->text, "\n")] = '\0';
}

// Called before anything of the DTD is read. Whatever it would declare is refused with it.
static void stop_at_doctype(void *context, const xmlChar *name, const xmlChar *id, const xmlChar *address) {
    xmlParserCtxt *parser = context;
    (void)name, (void)id, (void)address;
    struct report *report = parser->_private;
    report->doctype = xmlSAX2GetLineNumber(parser);
    xmlStopParser(parser);
}

static enum es_status refuse_document(const struct es_reader *r, const struct report *report) {
    if (report->doctype)
        return es_fail(r->error, ES_BAD_INPUT,
                       "%s:%d: <!DOCTYPE ...> is refused, as no entities and no DTD are read; remove it, the format needs none",
                       es_xml_path(r), report->doctype);
    return es_fail(r->error, ES_BAD_INPUT, "%s:%d: not well-formed XML: %s; correct the text there, or the lines before",
                   es_xml_path(r), report->line, report->text[0] ? es_xml_show(r->arena, report->text) : "no document");
}

static enum es_status parse(const struct es_reader *r, const char *text, size_t size, xmlDoc **document) {
    struct report report = {.line = 1};
    xmlStructuredErrorFunc handler = xmlStructuredError;
    void *context = xmlStructuredErrorContext;
    xmlParserCtxt *parser = xmlNewParserCtxt();
    *document = NULL;
    if (!parser)
        return es_fail(r->error, ES_NO_RESOURCE, "%s: out of memory", es_xml_path(r));
    parser->_private = &report;
    parser->sax->internalSubset = stop_at_doctype;
    xmlSetStructuredErrorFunc(&report, keep_first);
    xmlDoc *read = xmlCtxtReadMemory(parser, text, (int)size, NULL, "UTF-8", XML_PARSE_NONET | XML_PARSE_BIG_LINES);
    xmlSetStructuredErrorFunc(context, handler);
    xmlFreeParserCtxt(parser);
    if (read && !report.doctype && !read->intSubset && xmlDocGetRootElement(read)) {
        *document = read;
        return ES_OK;
    }
    xmlFreeDoc(read);
    return refuse_document(r, &report);
}

static enum es_status check_size(const struct es_reader *r, size_t size) {
    if (size == 0)
        return es_fail(r->error, ES_BAD_INPUT, "%s:1: the file is empty; expected <%s>", es_xml_path(r), r->schema->root);
    if (size > FILE_BYTES)
        return es_fail(r->error, ES_BAD_INPUT,
                       "%s:1: the file is larger than %d MiB; %s", es_xml_path(r), FILE_BYTES >> 20, r->schema->hint);
    return ES_OK;
}

// libxml2's time is quadratic in the attributes of a tag, so they are bounded first: "<" cannot stand within a tag, and an
// attribute is an "=" before a quote.
static enum es_status check_bytes(const struct es_reader *r, const char *text, size_t size) {
    enum es_status status = check_size(r, size);
    if (status == ES_OK && memchr(text, 0, size))
        return es_fail(r->error, ES_BAD_INPUT, "%s:1: the file holds bytes of value 0; expected XML in UTF-8", es_xml_path(r));
    size_t attributes = 0;
    int line = 1;
    for (const char *c = text; status == ES_OK && *c; c++) {
        line += *c == '\n';
        if (*c == '<')
            attributes = 0;
        else if (*c == '=')
            attributes += strchr("\"'", c[1 + strspn(c + 1, " \t\r\n")]) != NULL;
        if (attributes > TAG_ATTRIBUTES)
            return es_fail(r->error, ES_BAD_INPUT, "%s:%d: a tag of more than %d attributes; no element has so many",
                           es_xml_path(r), line, TAG_ATTRIBUTES);
    }
    return status;
}

enum es_status es_xml_read_bytes(const struct es_reader *r, const char *path, char **text, size_t *size) {
    struct stat about;
    if (stat(path, &about) != 0)
        return es_fail(r->error, ES_NO_RESOURCE, "%s: %s; check the path", es_xml_path(r), strerror(errno));
    if (!S_ISREG(about.st_mode))
        return es_fail(r->error, ES_NO_RESOURCE, "%s: not a regular file; expected an XML file", es_xml_path(r));
    if (about.st_size > FILE_BYTES)
        return check_size(r, FILE_BYTES + 1);
    FILE *file = fopen(path, "rb");
    if (!file)
        return es_fail(r->error, ES_NO_RESOURCE, "%s: %s; check its permissions", es_xml_path(r), strerror(errno));
    *text = ES_NEW(r->arena, (size_t)about.st_size + 1, char);
    *size = fread(*text, 1, (size_t)about.st_size, file);
    fclose(file);
    return check_bytes(r, *text, *size);
}

enum es_status es_xml_copy_bytes(const struct es_reader *r, const char *bytes, size_t size, char **text) {
    enum es_status status = check_size(r, size);
    if (status != ES_OK)
        return status;
    *text = ES_NEW(r->arena, size + 1, char);
    memcpy(*text, bytes, size);
    return check_bytes(r, *text, size);
}

static enum es_status check_document(struct es_reader *r, xmlDoc *document, const char *root, struct es_verdict *verdict) {
    xmlNode *node = xmlDocGetRootElement(document);
    if (!es_xml_is(node, root))
        return es_xml_fail(r, node, NULL, "expected <%s>%s as the outermost element", root,
                           node->ns ? " without a namespace (xmlns)" : "");
    bool precise = true;
    struct es_error *error = r->error;
    r->error = &verdict->error;
    verdict->status = es_xml_validate(r, document, &precise);
    r->error = error;
    return verdict->status != ES_OK && precise ? es_fail(error, verdict->status, "%s", verdict->error.text) : ES_OK;
}

enum es_status es_xml_open(struct es_reader *r, const char *text, size_t size, const char *root, xmlDoc **document, struct es_verdict *verdict) {
    enum es_status status = parse(r, text, size, document);
    return status == ES_OK ? check_document(r, *document, root, verdict) : status;
}

static bool has_parent_step(const char *path) {
    for (const char *end; *path; path = *end ? end + 1 : end) {
        end = path + strcspn(path, "/");
        if (end - path == 2 && strncmp(path, "..", 2) == 0)
            return true;
    }
    return false;
}

enum es_status es_xml_path_below(const struct es_reader *r, xmlNode *node, const char *what, const char **path) {
    const char *file = es_xml_attribute(r, node, "file"), *slash = strrchr(r->file, '/');
    if (!*file || *file == '/' || has_parent_step(file))
        return es_xml_fail(r, node, "file", "expected a relative path without \"..\", as %s must stand below the directory of this file", what);
    *path = es_arena_printf(r->arena, "%.*s%s", (int)(slash ? slash + 1 - r->file : 0), r->file, file);
    return ES_OK;
}

// Parses the second file; r->file becomes its path.
static enum es_status open_network(struct es_reader *r, xmlNode *node, xmlDoc **document, struct es_verdict *verdict) {
    const char *path = NULL, *experiment = r->file;
    char *text;
    size_t size;
    if (node->properties->next || es_xml_next(node->children))
        return es_xml_fail(r, node, "file", "the network stands in that file; nothing else can stand here");
    enum es_status status = es_xml_path_below(r, node, "the network", &path);
    if (status != ES_OK)
        return status;
    struct es_error *error = r->error, why = {""};
    r->file = path;
    r->error = &why;
    status = es_xml_read_bytes(r, path, &text, &size);
    r->error = error;
    if (status != ES_OK) {
        r->file = experiment;
        return es_xml_fail(r, node, "file", "%s", why.text);
    }
    return es_xml_open(r, text, size, "network", document, verdict);
}

static void splice(xmlDoc *experiment, xmlNode *node, xmlDoc *network) {
    xmlNode *copy = xmlDocCopyNode(xmlDocGetRootElement(network), experiment, 1);
    if (copy)
        xmlFreeNode(xmlReplaceNode(node, copy));
}

const char *es_xml_serialise(const struct es_reader *r, xmlDoc *document) {
    xmlChar *text = NULL;
    int size = 0;
    xmlDocDumpMemoryEnc(document, &text, &size, "UTF-8");
    const char *copy = es_arena_string(r->arena, text ? (const char *)text : "");
    xmlFree(text);
    return copy;
}

// What one call works on; released by close_load.
struct load {
    struct es_reader r;
    const char *text;
    size_t size;
    bool files; // the network may stand in a second file
    xmlDoc *experiment, *network;
    struct es_experiment *x;
};

static enum es_status read_all(struct load *l) {
    struct es_reader *r = &l->r;
    const char *file = r->file;
    struct es_verdict first = {0}, second = {0};
    enum es_status status = es_xml_open(r, l->text, l->size, "experiment", &l->experiment, &first);
    if (status != ES_OK)
        return status;
    xmlNode *root = xmlDocGetRootElement(l->experiment), *node = es_xml_child(root, "network");
    if (!node)
        return es_xml_fail(r, root, NULL, "<network> is missing");
    bool other = xmlHasProp(node, (const xmlChar *)"file") != NULL;
    if (other && !l->files)
        return es_xml_fail(r, node, "file", "this text is no file, so it has to hold its network");
    if (other)
        status = open_network(r, node, &l->network, &second);
    if (status == ES_OK)
        status = es_xml_network(r, other ? xmlDocGetRootElement(l->network) : node);
    r->file = file;
    if (status == ES_OK)
        status = es_xml_experiment(r, root, l->x);
    if (status == ES_OK && first.status + second.status != ES_OK)
        return es_fail(r->error, ES_BAD_INPUT, "%s", (first.status ? first : second).error.text);
    if (status == ES_OK && other)
        splice(l->experiment, node, l->network);
    return status;
}

static struct load open_load(const char *file, const uint64_t *seed, struct es_error *error) {
    struct es_arena *arena = es_arena_new();
    struct load l = {.r = {.arena = arena, .schema = &experiment_schema, .reseed = seed, .error = error}};
    l.r.net = ES_NEW(arena, 1, struct es_network);
    l.r.net->arena = arena;
    l.r.file = es_arena_string(arena, file);
    l.r.node = xmlHashCreate(64);
    l.r.element = xmlHashCreate(256);
    l.r.pair = xmlHashCreate(16);
    l.x = ES_NEW(arena, 1, struct es_experiment);
    l.x->net = l.r.net;
    l.x->file = l.r.file;
    return l;
}

static enum es_status close_load(struct load *l, enum es_status status, struct es_experiment **experiment) {
    if (status == ES_OK)
        l->x->xml = l->network ? es_xml_serialise(&l->r, l->experiment) : l->text;
    xmlHashFree(l->r.node, NULL);
    xmlHashFree(l->r.element, NULL);
    xmlHashFree(l->r.pair, NULL);
    xmlFreeDoc(l->network);
    xmlFreeDoc(l->experiment);
    if (status != ES_OK)
        es_arena_free(l->r.arena);
    *experiment = status == ES_OK ? l->x : NULL;
    return status;
}

enum es_status es_experiment_read(const char *path, const uint64_t *seed, struct es_experiment **experiment, struct es_error *error) {
    struct load l = open_load(path, seed, error);
    char *text = NULL;
    enum es_status status = es_xml_read_bytes(&l.r, path, &text, &l.size);
    l.text = text;
    l.files = true;
    return close_load(&l, status == ES_OK ? read_all(&l) : status, experiment);
}

enum es_status es_experiment_parse(const char *text, size_t size, const char *file, const uint64_t *seed,
                                   struct es_experiment **experiment, struct es_error *error) {
    struct load l = open_load(file, seed, error);
    char *copy = NULL;
    enum es_status status = es_xml_copy_bytes(&l.r, text, size, &copy);
    l.text = copy;
    l.size = size;
    return close_load(&l, status == ES_OK ? read_all(&l) : status, experiment);
}

void es_experiment_free(struct es_experiment *experiment) {
    if (experiment)
        es_network_free(experiment->net);
}
