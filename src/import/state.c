// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// Capacitors begin with voltages and inductors with currents, a network with the voltages and fluxes of its nodes. Where branches agree around every loop these follow
// one from the other. Where capacitors do not, charge is conserved, as in ngspice's first step: M v = sum C v_c a.
#include "import/circuit.h"

#include "net/lagrangian.h"

#include <math.h>
#include <string.h>

// A branch and what it has between its nodes.
struct branch {
    const struct es_import_part *part;
    int p, n;
    double value;
};

static bool is_known(const bool *known, int node) {
    return node < 0 || known[node];
}

// value [nodes] from the branches, as far as they reach from ground and from the nodes that are known; those to ground first, and an island from 0 on. The index of
// the first branch that does not agree, or `branches`.
static size_t spread(const struct branch *branch, size_t branches, size_t nodes, bool *known, double *value) {
    double size = 0;
    for (size_t i = 0; i < branches; i++)
        size = fmax(size, fabs(branch[i].value));
    for (size_t island = 0, found = 1; island < nodes;) {
        found = 0;
        for (size_t i = 0; i < branches; i++) {
            const struct branch *b = &branch[i];
            if (is_known(known, b->p) == is_known(known, b->n))
                continue;
            if (is_known(known, b->n))
                value[b->p] = (b->n < 0 ? 0 : value[b->n]) + b->value;
            else
                value[b->n] = (b->p < 0 ? 0 : value[b->p]) - b->value;
            known[is_known(known, b->n) ? b->p : b->n] = true;
            found++;
        }
        if (!found) {
            while (island < nodes && known[island])
                island++;
            if (island < nodes)
                known[island] = true;
        }
    }
    for (size_t i = 0; i < branches; i++) {
        double across = (branch[i].p < 0 ? 0 : value[branch[i].p]) - (branch[i].n < 0 ? 0 : value[branch[i].n]);
        if (fabs(across - branch[i].value) > 1e-9 * size)
            return i;
    }
    return branches;
}

static double turned(const struct es_import_part *part) {
    return part->turned ? -1 : 1;
}

static struct branch branch_of(const struct es_circuit_import *c, const struct es_import_part *part, double value) {
    const struct es_element *e = &c->import->net->element[part->element];
    return (struct branch){part, e->p, e->n, value};
}

// voltage [nodes]
static enum es_status find_voltages(struct es_circuit_import *c, const struct es_model *model, double *voltage) {
    const struct es_import *import = c->import;
    const struct es_network *net = import->net;
    struct branch *branch = ES_NEW(c->arena, c->parts, struct branch);
    size_t branches = 0;
    bool *known = ES_NEW(c->arena, net->nodes, bool);
    double *charge = ES_NEW(c->arena, net->nodes, double), *held = ES_NEW(c->arena, net->nodes, double);
    for (int to_ground = 1; to_ground >= 0; to_ground--)
        for (size_t i = 0; i < c->parts; i++)
            if (c->part[i].kind == &es_capacitor && (net->element[c->part[i].element].n < 0) == to_ground)
                branch[branches++] = branch_of(c, &c->part[i], turned(&c->part[i]) * c->part[i].flat->initial);
    for (size_t i = 0; i < net->nodes; i++)
        if (net->node[i].source >= 0) {
            const struct es_element *e = &net->element[net->node[i].source];
            known[i] = true;
            voltage[i] = held[i] = e->value[0] * import->input[(size_t)e->channel * import->points];
        }
    size_t odd = spread(branch, branches, net->nodes, known, voltage);
    if (odd == branches)
        return ES_OK;
    for (size_t i = 0; i < branches; i++)
        es_add_across(&net->element[branch[i].part->element], charge, branch[i].part->value[0] * branch[i].value);
    memcpy(voltage, held, net->nodes * sizeof *voltage);
    es_import_note(c, branch[odd].part->line->at, es_arena_printf(c->arena, "\"%s\" begins with %.6g V, which the other capacitors and sources around it do not give it: it begins "
                                                                  "as charge is conserved", branch[odd].part->flat->name, branch[odd].value));
    return es_model_velocity(model, charge, voltage, c->error);
}

// psi = L i of a coupled inductor.
static double coupled_flux(const struct es_circuit_import *c, const struct es_import_part *part) {
    const struct es_network *net = c->import->net;
    double flux = part->flat->value * turned(part) * part->flat->initial;
    for (size_t i = 0; i < c->parts; i++) {
        const struct es_element *k = &net->element[c->part[i].element];
        if (c->part[i].kind != &es_mutual || (k->first != part->element && k->second != part->element))
            continue;
        size_t other = k->first == part->element ? k->second : k->first;
        for (size_t j = 0; j < c->parts; j++)
            if (c->part[j].kind == &es_inductor && c->part[j].element == other)
                flux += k->value[0] * sqrt(part->flat->value * c->part[j].flat->value) * turned(&c->part[j]) * c->part[j].flat->initial;
    }
    return flux;
}

static bool is_coupled(const struct es_network *net, size_t element) {
    for (size_t i = 0; i < net->elements; i++)
        if (net->element[i].kind == &es_mutual && (net->element[i].first == element || net->element[i].second == element))
            return true;
    return false;
}

// flux [nodes] of what has no flux of its own: coupled inductors, and outputs.
static enum es_status find_fluxes(struct es_circuit_import *c, double *flux) {
    struct es_network *net = c->import->net;
    struct branch *branch = ES_NEW(c->arena, c->parts, struct branch);
    size_t branches = 0;
    for (size_t i = 0; i < c->parts; i++) {
        const struct es_import_part *part = &c->part[i];
        if (part->kind == &es_inductor && is_coupled(net, part->element))
            branch[branches++] = branch_of(c, part, coupled_flux(c, part));
        else if (part->kind == &es_output && part->read == ES_READ_FLUX)
            branch[branches++] = branch_of(c, part, part->initial);
    }
    size_t odd = spread(branch, branches, net->nodes, ES_NEW(c->arena, net->nodes, bool), flux);
    if (odd < branches)
        return es_import_refuse(c, branch[odd].part, "begins with a flux of %.6g Wb, which the nodes of the coupled inductors and outputs around it do not give it; expected initial "
                                                     "currents that agree around loops, or none", branch[odd].value);
    bool any = false;
    for (size_t i = 0; i < net->nodes; i++)
        any |= flux[i] != 0;
    for (size_t i = 0; i < net->elements; i++) { // the others' is their own
        struct es_element *e = &net->element[i];
        bool own = (e->kind == &es_inductor && !is_coupled(net, i)) || e->kind == &es_gyrator;
        if (own && any && isnan(e->value[e->kind->initial]))
            e->value[e->kind->initial] = 0;
        else if (e->kind == &es_inductor && !own)
            e->value[e->kind->initial] = NAN;
    }
    return ES_OK;
}

enum es_status es_import_state(struct es_circuit_import *c) {
    struct es_network *net = c->import->net;
    struct es_model model;
    double *voltage = ES_NEW(c->arena, net->nodes, double), *flux = ES_NEW(c->arena, net->nodes, double), theta = 0;
    enum es_status status = es_model_new(net, &theta, c->arena, &model, c->error);
    if (status == ES_OK)
        status = find_voltages(c, &model, voltage);
    if (status == ES_OK)
        status = find_fluxes(c, flux);
    for (size_t i = 0; i < net->nodes && status == ES_OK; i++) {
        bool held = net->node[i].source >= 0;
        if (flux[i] == 0 && (voltage[i] == 0 || held))
            continue;
        struct es_element *e = &net->element[net->elements++];
        *e = (struct es_element){.name = es_arena_printf(c->arena, "initial_%zu", i), .kind = &es_initial, .p = (int)i, .n = ES_GROUND, .channel = -1, .class = -1,
                                 .line = net->node[i].line, .value = {flux[i] != 0 ? flux[i] : NAN, held || voltage[i] == 0 ? NAN : voltage[i], NAN}};
        for (size_t q = 0; q < ES_QUANTITIES; q++)
            e->parameter[q] = ES_FIXED;
    }
    return status;
}
