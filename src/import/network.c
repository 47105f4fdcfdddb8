// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
#include "import/circuit.h"

#include <math.h>
#include <string.h>

// Nodes that an element ends at.
static bool *used_nodes(const struct es_circuit_import *c) {
    bool *used = ES_NEW(c->arena, c->nodes, bool);
    for (size_t i = 0; i < c->parts; i++)
        if (c->part[i].kind && c->part[i].kind != &es_mutual)
            for (int end = 0; end < 2; end++) {
                int node = end ? c->part[i].n : c->part[i].p;
                if (node >= 0)
                    used[node] = true;
            }
    return used;
}

static enum es_status check_size(const struct es_circuit_import *c, size_t nodes, size_t elements, size_t couplings) {
    if (nodes == 0)
        return es_fail(c->error, ES_BAD_INPUT, "%.200s: no element is left between nodes; expected capacitors, and what they are joined by", c->spice->line[0].at.file);
    if (nodes <= ES_MAX_NODES && elements + nodes <= ES_MAX_ELEMENTS && couplings <= ES_MAX_COUPLINGS)
        return ES_OK;
    return es_fail(c->error, ES_BAD_INPUT, "%.200s: the circuit has %zu nodes, %zu elements and %zu couplings; expected at most %d, %d and %d", c->spice->line[0].at.file, nodes,
                   elements, couplings, ES_MAX_NODES, ES_MAX_ELEMENTS, ES_MAX_COUPLINGS);
}

static void add_nodes(struct es_circuit_import *c, const bool *used, const char *const *name) {
    struct es_network *net = c->import->net;
    for (size_t i = 0; i < c->nodes; i++)
        if (used[i]) {
            const struct es_spice_line *line = c->node[i].ends ? c->part[c->node[i].end[0]].line : c->spice->line;
            c->node[i].index = (int)net->nodes;
            net->node[net->nodes++] = (struct es_node){name[i], -1, line->at.line};
            if (strcmp(name[i], c->node[i].name) != 0)
                c->import->node[c->import->nodes++] = (struct es_import_name){c->node[i].name, name[i], line->at};
        }
}

static int index_of(const struct es_circuit_import *c, int node) {
    return node < 0 ? ES_GROUND : c->node[node].index;
}

static void add_element(struct es_circuit_import *c, struct es_import_part *part, const char *name) {
    struct es_network *net = c->import->net;
    struct es_element *e = &net->element[part->element = net->elements];
    *e = (struct es_element){.name = name, .kind = part->kind, .channel = -1, .class = -1, .read = part->read, .line = part->line->at.line};
    e->p = part->kind == &es_mutual ? ES_GROUND : index_of(c, part->p);
    e->n = part->kind == &es_mutual ? ES_GROUND : index_of(c, part->n);
    for (size_t q = 0; q < ES_QUANTITIES; q++) {
        e->value[q] = part->value[q];
        e->parameter[q] = ES_FIXED;
    }
    if (part->kind == &es_source)
        net->node[e->p].source = (int)net->elements;
    if (part->kind == &es_output) {
        e->channel = (int)net->outputs;
        net->output[net->outputs++] = net->elements;
    }
    c->import->place[net->elements++] = part->line->at;
    const char *flat = part->flat->name;
    if (strcmp(name, flat) != 0)
        c->import->part[c->import->parts++] = (struct es_import_name){flat, name, part->line->at};
}

static const struct es_import_part *find_inductor(const struct es_circuit_import *c, const char *name) {
    for (size_t i = 0; i < c->parts; i++)
        if (c->part[i].letter == 'l' && strcmp(c->part[i].flat->name, name) == 0)
            return &c->part[i];
    return NULL;
}

// M over the root of both inductances, turned as they are.
static enum es_status couple(struct es_circuit_import *c, const struct es_import_part *part) {
    struct es_element *e = &c->import->net->element[part->element];
    const struct es_import_part *a = find_inductor(c, part->flat->of[0]), *b = find_inductor(c, part->flat->of[1]);
    if (!a || !b || a == b)
        return es_import_refuse(c, part, "couples \"%.80s\" and \"%.80s\"; expected two inductors", part->flat->of[0], part->flat->of[1]);
    e->first = a->element;
    e->second = b->element;
    e->value[0] = es_import_round(part->flat->value / sqrt(a->flat->value * b->flat->value)) * (a->turned ? -1 : 1) * (b->turned ? -1 : 1);
    if (!(fabs(e->value[0]) < 1))
        return es_import_refuse(c, part, "couples by %.9g; expected more than -1 and less than 1", e->value[0]);
    for (size_t i = 0; i < part->element; i++) {
        const struct es_element *other = &c->import->net->element[i];
        if (other->kind == &es_mutual && ((other->first == e->first && other->second == e->second) || (other->first == e->second && other->second == e->first)))
            return es_import_refuse(c, part, "couples two inductors that line %d couples already; expected one coupling", other->line);
    }
    return ES_OK;
}

// Outputs where the circuit names none: nodes that it prints, or else the last that has a capacitor.
static void add_outputs(struct es_circuit_import *c) {
    struct es_network *net = c->import->net;
    bool *capacitive = ES_NEW(c->arena, net->nodes, bool);
    int last = -1, line = 0;
    for (size_t i = 0; i < net->elements; i++)
        for (int end = 0; end < 2; end++) {
            int node = end ? net->element[i].n : net->element[i].p;
            if (net->element[i].kind == &es_capacitor && node >= 0)
                capacitive[node] = true;
        }
    for (size_t i = 0; i < net->nodes; i++) {
        capacitive[i] &= net->node[i].source < 0;
        last = capacitive[i] ? (int)i : last;
    }
    bool *wanted = ES_NEW(c->arena, net->nodes, bool), any = false;
    for (size_t k = 0; k < c->spice->printed; k++) {
        size_t i = 0;
        while (i < c->nodes && !(strcmp(c->node[i].name, c->spice->print[k]) == 0 && c->node[i].index >= 0 && capacitive[c->node[i].index]))
            i++;
        if (i < c->nodes)
            wanted[c->node[i].index] = any = true;
        else
            es_import_note(c, c->spice->line[0].at, es_arena_printf(c->arena, "v(%s) is printed, and is no node with a capacitor: it is no output", c->spice->print[k]));
    }
    for (size_t i = 0; i < net->nodes; i++) {
        if (any ? !wanted[i] : (int)i != last)
            continue;
        const char *name = es_arena_printf(c->arena, "output_%zu", net->outputs + 1);
        for (size_t k = 0; k < net->elements; k++) // which an element may have
            if (strcmp(net->element[k].name, name) == 0)
                name = es_arena_printf(c->arena, "%s_", name);
        net->element[net->elements] = (struct es_element){.name = name, .kind = &es_output, .p = (int)i, .n = ES_GROUND, .channel = (int)net->outputs, .class = -1,
                                                          .read = ES_READ_VOLTAGE, .line = line};
        for (size_t q = 0; q < ES_QUANTITIES; q++)
            net->element[net->elements].parameter[q] = ES_FIXED;
        net->output[net->outputs++] = net->elements++;
    }
}

enum es_status es_import_network(struct es_circuit_import *c) {
    struct es_import *import = c->import;
    struct es_network *net = import->net;
    bool *used = used_nodes(c);
    size_t nodes = 0, elements = 0, couplings = 0;
    for (size_t i = 0; i < c->nodes; i++) {
        c->node[i].index = -1;
        nodes += used[i];
    }
    for (size_t i = 0; i < c->parts; i++) {
        elements += c->part[i].kind != NULL;
        couplings += c->part[i].kind == &es_mutual;
    }
    enum es_status status = check_size(c, nodes, elements, couplings);
    if (status != ES_OK)
        return status;
    size_t room = elements + 2 * nodes; // with outputs and initial states
    *net = (struct es_network){.arena = c->arena, .name = net->name, .node = ES_NEW(c->arena, nodes, struct es_node), .element = ES_NEW(c->arena, room, struct es_element),
                               .channel = ES_NEW(c->arena, elements, const char *), .output = ES_NEW(c->arena, room, size_t),
                               .parameter = ES_NEW(c->arena, room, struct es_parameter)};
    import->place = ES_NEW(c->arena, room, struct es_spice_place);
    import->node = ES_NEW(c->arena, nodes, struct es_import_name);
    import->part = ES_NEW(c->arena, elements, struct es_import_name);
    const char **node_name = ES_NEW(c->arena, c->nodes, const char *), **part_name = ES_NEW(c->arena, c->parts, const char *);
    es_import_names(c, used, node_name, part_name);
    add_nodes(c, used, node_name);
    for (size_t i = 0; i < c->parts; i++)
        if (c->part[i].kind)
            add_element(c, &c->part[i], part_name[i]);
    for (size_t i = 0; i < c->parts && status == ES_OK; i++)
        if (c->part[i].kind == &es_mutual)
            status = couple(c, &c->part[i]);
    if (!net->outputs && status == ES_OK)
        add_outputs(c);
    return status;
}
