// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// <initial>: the state of a node at t = 0, its own or a signal's. <final>: its flux at t = T.
#include "xml/reader.h"

static bool has(const struct es_reader *r, xmlNode *node, const char *attribute) {
    return es_xml_attribute(r, node, attribute) != NULL;
}

static enum es_status check_once(struct es_reader *r, xmlNode *node, int p) {
    if (r->initial[p])
        return es_xml_fail(r, node, "node", "the initial state of \"%s\" already stands in line %d; give it once",
                           r->net->node[p].name, r->initial[p]);
    r->initial[p] = (int)xmlGetLineNo(node);
    if (!has(r, node, "flux") && !has(r, node, "voltage") && !has(r, node, "charge"))
        return es_xml_fail(r, node, NULL, "it says nothing; expected flux=\"1 nWb\", and voltage=\"0.1 V\" or charge=\"1 pC\"");
    return ES_OK;
}

// Either the voltages of the nodes are held at t = 0, or their charges.
static enum es_status check_held(struct es_reader *r, xmlNode *node, int p) {
    const char *held = has(r, node, "charge") ? "charge" : has(r, node, "voltage") ? "voltage" : NULL;
    int source = r->net->node[p].source;
    if (!held)
        return ES_OK;
    if (has(r, node, "charge") && has(r, node, "voltage"))
        return es_xml_fail(r, node, "charge", "a voltage is given too; remove one of them");
    if (source >= 0)
        return es_xml_fail(r, node, held, "the source \"%s\" in line %d holds this node; remove the %s (a flux may stay)",
                           r->net->element[source].name, r->net->element[source].line, held);
    if (r->held && !has(r, r->held, held))
        return es_xml_fail(r, node, held,
                           "line %ld gives a %s, and either voltages or charges are held at t = 0; give all nodes the same",
                           xmlGetLineNo(r->held), has(r, r->held, "charge") ? "charge" : "voltage");
    r->held = r->held ? r->held : node;
    return ES_OK;
}

// A state that a signal brings in is an input, and no parameter.
static enum es_status check_channel(struct es_reader *r, const struct es_part *part) {
    for (size_t q = 0; q < ES_QUANTITIES && part->channel >= 0; q++)
        if (part->trained[q].coordinate)
            return es_xml_fail(r, part->node, "channel", "the state at t = 0 is then this signal's, and its %s cannot be trained; remove <train>, or the channel",
                               part->kind->quantity[q].name);
    return ES_OK;
}

static enum es_status place(struct es_reader *r, xmlNode *node, int p, struct es_stream stream) {
    struct es_part part;
    const char *name = es_arena_printf(r->arena, "%s_%s", (const char *)node->name, r->net->node[p].name);
    enum es_status status = has(r, node, "name") ? es_xml_name(r, node, "name", &name) : ES_OK;
    if (status == ES_OK)
        status = es_xml_part(r, node, &part);
    if (status == ES_OK)
        status = check_channel(r, &part);
    return status == ES_OK ? es_xml_place(r, &part, name, p, ES_GROUND, stream) : status;
}

enum es_status es_xml_initial(struct es_reader *r, xmlNode *node, struct es_stream stream) {
    int p;
    enum es_status status = es_xml_find_node(r, node, "node", &p);
    if (status == ES_OK)
        status = check_once(r, node, p);
    if (status == ES_OK)
        status = check_held(r, node, p);
    return status == ES_OK ? place(r, node, p, stream) : status;
}

enum es_status es_xml_final(struct es_reader *r, xmlNode *node, struct es_stream stream) {
    int p;
    enum es_status status = es_xml_find_node(r, node, "node", &p);
    if (status != ES_OK)
        return status;
    if (r->final[p])
        return es_xml_fail(r, node, "node", "the final flux of \"%s\" already stands in line %d; give it once", r->net->node[p].name, r->final[p]);
    r->final[p] = (int)xmlGetLineNo(node);
    const char *text;
    status = es_xml_required(r, node, "flux", &text);
    return status == ES_OK ? place(r, node, p, stream) : status;
}
