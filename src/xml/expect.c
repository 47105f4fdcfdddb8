// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// <expect>: what a file says of its own free pass.
#include "xml/reader.h"

static enum es_status require_all(struct es_reader *r, xmlNode *node) {
    static const char *const all[] = {"node", "quantity", "time", "value", "tolerance"};
    enum es_status status = ES_OK;
    for (size_t i = 0; i < sizeof all / sizeof *all && status == ES_OK; i++) {
        const char *text;
        status = es_xml_required(r, node, all[i], &text);
    }
    return status;
}

enum es_status es_xml_expect(struct es_reader *r, xmlNode *node) {
    struct es_expect *e = &r->net->expect[r->net->expects++];
    size_t quantity = ES_READ_VOLTAGE;
    int index = 0;
    enum es_status status = require_all(r, node);
    if (status == ES_OK)
        status = es_xml_find_node(r, node, "node", &index);
    if (status == ES_OK)
        status = es_xml_choice(r, node, "quantity", es_xml_reads, &quantity);
    if (status == ES_OK)
        status = es_xml_number(r, node, "time", "s", &e->time);
    if (status == ES_OK && e->time < 0)
        status = es_xml_fail(r, node, "time", "expected a value >= 0");
    if (status == ES_OK)
        status = es_xml_number(r, node, "value", quantity == ES_READ_FLUX ? "Wb" : "V", &e->value);
    e->node = (size_t)index;
    e->quantity = (enum es_read)quantity;
    e->line = (int)xmlGetLineNo(node);
    return status == ES_OK ? es_xml_positive(r, node, "tolerance", "", &e->tolerance) : status;
}
