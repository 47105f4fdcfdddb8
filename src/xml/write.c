// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// An experiment as its file: every element written out, numbers in SI units, as short as read back to the same.
#include "xml/xml.h"

#include "xml/reader.h"

#include "learn/cost.h"
#include "learn/rule.h"

#include <libxml/xmlwriter.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct out {
    xmlTextWriter *writer;
    bool good;
};

static void begin(struct out *o, const char *element) {
    o->good = o->good && xmlTextWriterStartElement(o->writer, (const xmlChar *)element) >= 0;
}

static void end(struct out *o) {
    o->good = o->good && xmlTextWriterEndElement(o->writer) >= 0;
}

static void put(struct out *o, const char *attribute, const char *text) {
    o->good = o->good && xmlTextWriterWriteAttribute(o->writer, (const xmlChar *)attribute, (const xmlChar *)text) >= 0;
}

static void put_number(struct out *o, const char *attribute, double x) {
    char text[40];
    for (int figures = 6; figures <= 17; figures++) {
        snprintf(text, sizeof text, "%.*g", figures, x);
        if (strtod(text, NULL) == x)
            break;
    }
    put(o, attribute, text);
}

static void put_size(struct out *o, const char *attribute, size_t n) {
    char text[24];
    snprintf(text, sizeof text, "%zu", n);
    put(o, attribute, text);
}

static void put_values(struct out *o, const struct es_element *e) {
    for (size_t q = 0; e->kind->quantity[q].name; q++)
        if (!isnan(e->value[q]))
            put_number(o, es_xml_quantity_attribute(e->kind, q), e->value[q]);
}

static void put_training(struct out *o, const struct es_network *net, const struct es_element *e) {
    for (size_t q = 0; e->kind->quantity[q].name; q++) {
        if (e->parameter[q] == ES_FIXED)
            continue;
        const struct es_parameter *p = &net->parameter[e->parameter[q]];
        begin(o, "train");
        put(o, "quantity", e->kind->quantity[q].name);
        put_number(o, "min", p->min);
        put_number(o, "max", p->max);
        put(o, "coordinate", p->coordinate->row.name);
        end(o);
    }
}

static void write_element(struct out *o, const struct es_network *net, const struct es_element *e) {
    begin(o, e->kind->row.name);
    put(o, "name", e->name);
    if (e->kind->term == ES_COUPLING) {
        put(o, "first", net->element[e->first].name);
        put(o, "second", net->element[e->second].name);
    } else
        put(o, "node", net->node[e->p].name);
    if (e->n >= 0)
        put(o, "to", net->node[e->n].name);
    if (e->kind->term != ES_READOUT && e->channel >= 0)
        put(o, "channel", net->channel[e->channel]);
    if (e->kind->term == ES_READOUT)
        put(o, "read", es_xml_reads[e->read]);
    if (e->kind->term == ES_READOUT && e->class >= 0)
        put(o, "class", net->class[e->class]);
    put_values(o, e);
    put_training(o, net, e);
    end(o);
}

static void write_network(struct out *o, const struct es_network *net) {
    begin(o, "network");
    for (size_t i = 0; i < net->nodes; i++) {
        begin(o, "node");
        put(o, "name", net->node[i].name);
        end(o);
    }
    for (size_t i = 0; i < net->elements; i++)
        write_element(o, net, &net->element[i]);
    end(o);
}

static void write_task(struct out *o, const struct es_task *task) {
    begin(o, "task");
    put(o, "kind", task->kind->row.name);
    put_number(o, "interval", task->interval);
    put_size(o, "points", task->points);
    if (task->file)
        put(o, "file", task->file);
    end(o);
}

static void write_learning(struct out *o, const struct es_experiment *x) {
    begin(o, "learning");
    put(o, "cost", x->cost->row.name);
    put(o, "rule", x->rule->row.name);
    if (x->losses_allowed)
        put(o, "losses", "allowed");
    put_size(o, "batch", x->batch);
    end(o);
}

static void write_engine(struct out *o, const struct es_experiment *x) {
    begin(o, "engine");
    put(o, "name", x->engine->row.name);
    put(o, "scheme", x->scheme->row.name);
    if (x->substeps)
        put_size(o, "substeps", x->substeps);
    end(o);
}

enum es_status es_experiment_write(const struct es_experiment *x, FILE *file, struct es_error *error) {
    xmlBuffer *buffer = xmlBufferCreate();
    struct out o = {buffer ? xmlNewTextWriterMemory(buffer, 0) : NULL, true};
    o.good = o.writer && xmlTextWriterSetIndent(o.writer, 1) >= 0 && xmlTextWriterSetIndentString(o.writer, (const xmlChar *)"  ") >= 0 &&
             xmlTextWriterStartDocument(o.writer, NULL, "UTF-8", NULL) >= 0;
    begin(&o, "experiment");
    put(&o, "name", x->net->name);
    write_network(&o, x->net);
    write_task(&o, &x->task);
    write_learning(&o, x);
    write_engine(&o, x);
    end(&o);
    o.good = o.good && xmlTextWriterEndDocument(o.writer) >= 0;
    xmlFreeTextWriter(o.writer);
    o.good = o.good && fwrite(xmlBufferContent(buffer), 1, (size_t)xmlBufferLength(buffer), file) == (size_t)xmlBufferLength(buffer);
    xmlBufferFree(buffer);
    return o.good ? ES_OK : es_fail(error, ES_NO_RESOURCE, "the experiment cannot be written; is the disk full?");
}
