// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// What the parts of the reader share. Internal to src/xml.
#ifndef ES_XML_READER_H
#define ES_XML_READER_H

#include "learn/experiment.h"
#include "core/value.h"

#include <libxml/hash.h>
#include <libxml/tree.h>

// A format: its RELAX NG schema, compiled in.
struct es_schema {
    const char *file; // where it stands in the sources
    const char *text;
    const unsigned *size;
    const char *root; // the outermost element
    const char *hint; // to who has too large a file
};

struct es_process;

struct es_reader {
    const char *file; // of the document that is being read
    const struct es_schema *schema;
    struct es_arena *arena;
    struct es_network *net;
    xmlHashTable *node, *element; // index + 1 by lower-case name
    xmlHashTable *pair;           // index + 1 of the coupling of two elements, by their indices
    int *initial, *final;         // [nodes] line of the <initial>, of the <final> there, or 0
    xmlNode *held;                // the first <initial> with a voltage or a charge
    uint64_t seed;                // of the network
    const uint64_t *reseed;       // in place of every seed but the task's, or NULL
    struct es_error *error;
};

// attribute.c: one attribute of `node`. Texts are trimmed and live in the arena; errors name file, line, element, value.

// The attribute's text, or NULL.
const char *es_xml_attribute(const struct es_reader *r, xmlNode *node, const char *attribute);

// ES_BAD_INPUT with place and value in front of the sentence. `attribute` may be NULL.
enum es_status es_xml_fail(const struct es_reader *r, xmlNode *node, const char *attribute, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

// As much of a text as a message can show, without control characters.
const char *es_xml_show(struct es_arena *arena, const char *text);
const char *es_xml_path(const struct es_reader *r); // of the file

bool es_xml_is(const xmlNode *node, const char *name);  // an element of that name
xmlNode *es_xml_child(xmlNode *node, const char *name); // the first, or NULL
xmlNode *es_xml_next(xmlNode *node);                    // the first element from `node` on, or NULL

enum es_status es_xml_required(const struct es_reader *r, xmlNode *node, const char *attribute, const char **text);
enum es_status es_xml_name(const struct es_reader *r, xmlNode *node, const char *attribute, const char **name);

// Those that follow leave *value as it is where the attribute is absent.
enum es_status es_xml_number(const struct es_reader *r, xmlNode *node, const char *attribute, const char *unit, double *value);
enum es_status es_xml_positive(const struct es_reader *r, xmlNode *node, const char *attribute, const char *unit, double *value);
enum es_status es_xml_integer(const struct es_reader *r, xmlNode *node, const char *attribute, uint64_t min, uint64_t max,
                              uint64_t *value);
enum es_status es_xml_seed(const struct es_reader *r, xmlNode *node, uint64_t *seed);
enum es_status es_xml_size(const struct es_reader *r, xmlNode *node, const char *attribute, size_t min, size_t max,
                           size_t *value);
enum es_status es_xml_row(const struct es_reader *r, xmlNode *node, const char *attribute, const struct es_row *const *list,
                          const void **row);

// `choice` is NULL-ended; *value becomes the index in it.
enum es_status es_xml_choice(const struct es_reader *r, xmlNode *node, const char *attribute, const char *const *choice,
                             size_t *value);

// element.c: what an element says, before it has a place.
struct es_bounds {
    const struct es_coordinate *coordinate; // NULL: not trained
    double min, max;
};

struct es_part {
    xmlNode *node;
    const struct es_element_kind *kind;
    struct es_distribution value[ES_QUANTITIES]; // exactly NaN where it is absent
    struct es_bounds trained[ES_QUANTITIES];
    int channel, class;
    enum es_read read;
};

extern const char *const es_xml_reads[]; // by enum es_read

const struct es_element_kind *es_xml_element_kind(const xmlNode *node); // NULL if it is none
enum es_status es_xml_part(struct es_reader *r, xmlNode *node, struct es_part *part);

// The attribute that holds a quantity: "value" for the only one that is not optional, otherwise its name.
const char *es_xml_quantity_attribute(const struct es_element_kind *kind, size_t quantity);

// The channel of that name, added where it is new; errors are about the attribute `channel` of `node`.
enum es_status es_xml_channel(struct es_reader *r, xmlNode *node, const char *name, int *index);

// Adds the part to the network, between nodes p and n; `stream` is the element's own.
enum es_status es_xml_place(struct es_reader *r, const struct es_part *part, const char *name, int p, int n,
                            struct es_stream stream);

// training.c: trainable="yes" and <train>, into part->trained.
enum es_status es_xml_training(struct es_reader *r, struct es_part *part);

// mutual.c: <mutual>, after all inductors. The second one bounds the groups that couplings make, once all are there.
enum es_status es_xml_mutual(struct es_reader *r, xmlNode *node, struct es_stream stream);
enum es_status es_xml_check_couplings(struct es_reader *r);

// initial.c: <initial> and <final>, after all sources.
enum es_status es_xml_initial(struct es_reader *r, xmlNode *node, struct es_stream stream);
enum es_status es_xml_final(struct es_reader *r, xmlNode *node, struct es_stream stream);

// expect.c: <expect>, into r->net->expect[].
enum es_status es_xml_expect(struct es_reader *r, xmlNode *node);

// name.c: nodes and elements by name, upper and lower case alike, as SPICE sees them.
enum es_status es_xml_add_name(struct es_reader *r, xmlNode *node, xmlHashTable *table, const char *name, size_t index);
enum es_status es_xml_add_node(struct es_reader *r, xmlNode *node, const char *name);

// The node, or the inductor that may be coupled, that an attribute names.
enum es_status es_xml_find_node(struct es_reader *r, xmlNode *node, const char *attribute, int *index);
enum es_status es_xml_find_inductor(struct es_reader *r, xmlNode *node, const char *attribute, size_t *index);

// graph.c: the nodes and the pairs of neighbours that generators make.
enum { ES_EXTENTS = 2 };

struct es_graph {
    size_t extent[ES_EXTENTS]; // what its attributes say
    size_t nodes, pairs;
    size_t (*edge)[2]; // [pairs] where pairs are drawn
};

struct es_generator {
    struct es_row row;
    struct {
        const char *name; // of an attribute, or NULL
        size_t min;
    } extent[ES_EXTENTS];
    size_t (*nodes)(const size_t extent[]);
    size_t (*pairs)(const size_t extent[]);
    void (*pair)(const struct es_graph *graph, size_t i, size_t *a, size_t *b);            // the nodes of pair i, a != b
    void (*draw)(struct es_graph *graph, struct es_stream stream, struct es_arena *arena); // edge[]; or NULL
    bool joins; // pair() counts a among the nodes of the layers that `from` names, extent[1] of them
};

// generator.c: <ring>, <grid> and the others of es_generators.
bool es_xml_is_generator(const xmlNode *node);
enum es_status es_xml_generator_size(struct es_reader *r, xmlNode *node, size_t *nodes, size_t *elements);
enum es_status es_xml_generate_nodes(struct es_reader *r, xmlNode *node);
enum es_status es_xml_generate_elements(struct es_reader *r, xmlNode *node, uint64_t ordinal); // ordinal >= 1 in the network

// network.c: <network>, into r->net.
enum es_status es_xml_network(struct es_reader *r, xmlNode *node);

// experiment.c: all of <experiment> but <network>.
enum es_status es_xml_experiment(struct es_reader *r, xmlNode *root, struct es_experiment *experiment);

// document.c: from bytes to a document. A schema error that is not precise is kept, as the reader may find better words.
struct es_verdict {
    enum es_status status;
    struct es_error error;
};

// The bytes of a file, or those given, checked; text [size] lives in the arena and ends with '\0'.
enum es_status es_xml_read_bytes(const struct es_reader *r, const char *path, char **text, size_t *size);
enum es_status es_xml_copy_bytes(const struct es_reader *r, const char *bytes, size_t size, char **text);

// Parses it, and checks it by r->schema. *document is to be freed in any case.
enum es_status es_xml_open(struct es_reader *r, const char *text, size_t size, const char *root, xmlDoc **document, struct es_verdict *verdict);

// The path in the attribute `file`, relative to the directory of r->file, which it may not leave. `what` stands there.
enum es_status es_xml_path_below(const struct es_reader *r, xmlNode *node, const char *what, const char **path);

// The table of a card's <update>, scaled to the card's window; the rows of a file become <point>s, so that the card's text stands alone.
struct es_card;
enum es_status es_xml_pulse_table(const struct es_reader *r, xmlNode *update, struct es_card *card);

// transconductor.c: the calibration that a process map's <transconductor> names.
enum es_status es_xml_transconductor(const struct es_reader *r, xmlNode *node, struct es_process *process);

// The document as text, from the arena.
const char *es_xml_serialise(const struct es_reader *r, xmlDoc *document);

// schema.c: ES_BAD_INPUT unless the document is valid. `precise` becomes false where only libxml2's words say why, so that
// the reader may find better ones.
enum es_status es_xml_validate(const struct es_reader *r, xmlDoc *document, bool *precise);

#endif
