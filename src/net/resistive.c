// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
#include "net/resistive.h"

#include "net/validate.h"

#include <math.h>

static enum es_status refuse(const struct es_network *net, const struct es_element *e, const char *why, struct es_error *error) {
    return es_fail(error, ES_BAD_INPUT, "network \"%s\", line %d: %s \"%s\" %s", net->name, e->line, e->kind->row.name, e->name, why);
}

static enum es_status check_terms(const struct es_network *net, struct es_error *error) {
    for (size_t i = 0; i < net->elements; i++) {
        enum es_term term = net->element[i].kind->term;
        if (term == ES_POTENTIAL || term == ES_SENSING || term == ES_COUPLING)
            return refuse(net, &net->element[i], "is a short at rest, so an equilibrium has no use for it; remove it, or take a rule that follows "
                                                 "transients", error);
        if (term == ES_INITIAL)
            return refuse(net, &net->element[i], "says how a transient begins, and an equilibrium does not depend on it; remove it", error);
        if (term == ES_SKEW && (net->element[i].p < 0 || net->element[i].n < 0))
            return refuse(net, &net->element[i], "has an end at ground; expected the node of an activator and, in `to`, that of its inhibitor", error);
    }
    return ES_OK;
}

bool es_element_active(const struct es_element *element) {
    return element->kind->active || element->kind->term == ES_SKEW;
}

bool es_network_active(const struct es_network *net) {
    bool active = false;
    for (size_t i = 0; i < net->elements; i++)
        active |= es_element_active(&net->element[i]);
    return active;
}

// drive [nodes]: the amplifier that holds each node, or -1.
static enum es_status find_drives(const struct es_network *net, int *drive, struct es_error *error) {
    for (size_t i = 0; i < net->nodes; i++)
        drive[i] = -1;
    for (size_t i = 0; i < net->elements; i++) {
        const struct es_element *e = &net->element[i];
        if (e->kind->term != ES_AMPLIFYING)
            continue;
        if (e->p < 0 || e->n < 0)
            return refuse(net, e, "has an end at ground; expected the node that it reads and, in `to`, the node that it holds", error);
        if (net->node[e->n].source >= 0 || drive[e->n] >= 0)
            return refuse(net, e, "holds a node that a source or another amplifier holds already; expected one at a node", error);
        drive[e->n] = (int)i;
    }
    return ES_OK;
}

static enum es_status follow(struct es_resistive *r, const int *drive, struct es_error *error) {
    const struct es_network *net = r->net;
    for (size_t i = 0; i < net->nodes; i++) {
        size_t at = i, amplifiers = 0;
        r->factor[i] = 1;
        for (; drive[at] >= 0 && amplifiers <= net->nodes; amplifiers++) {
            r->factor[i] *= net->element[drive[at]].value[0];
            at = (size_t)net->element[drive[at]].p;
        }
        if (amplifiers > net->nodes)
            return refuse(net, &net->element[drive[i]], "is in a loop of amplifiers that nothing else drives; expected a free node or a source to "
                                                        "begin with", error);
        r->root[i] = at;
        r->row[i] = -1;
    }
    for (size_t i = 0; i < net->nodes; i++)
        if (r->root[i] == i && net->node[i].source < 0) {
            r->row[i] = (int)r->unknowns;
            r->node[r->unknowns++] = i;
        }
    for (size_t i = 0; i < net->nodes; i++)
        r->row[i] = r->row[r->root[i]];
    return ES_OK;
}

static bool is_free(const struct es_resistive *r, int node) {
    return node >= 0 && r->row[node] >= 0;
}

// Carries weights, and what decides the voltages, over one element. `ratio`: w_n / w_p. False where the two ends disagree.
static bool carry(struct es_resistive *r, const struct es_element *e, double ratio, bool conducts, bool *decided, bool *changed) {
    double *p = &r->weight[e->p], *n = &r->weight[e->n];
    if (*p == 0 && *n == 0)
        return true;
    if (*p == 0 || *n == 0) {
        *(*p == 0 ? p : n) = *p == 0 ? *n / ratio : *p * ratio;
        *changed = true;
    }
    if (conducts && decided[e->p] != decided[e->n])
        decided[e->p] = decided[e->n] = *changed = true;
    return fabs(*n / (*p * ratio) - 1) < 1e-12;
}

// w_n / w_p across an element.
static double weight_ratio(const struct es_element *e) {
    return e->kind->term == ES_AMPLIFYING ? 1 / (e->value[0] * e->value[0]) : e->kind->term == ES_SKEW ? -1 : 1;
}

// Whether an element brings a term to E, itself or by its nudge, or, where the network is active, to B.
static bool is_weighed(const struct es_resistive *r, enum es_term term) {
    return term == ES_AMPLIFYING || term == ES_DISSIPATION || term == ES_RECTIFYING || term == ES_SKEW || term == ES_DRIVE || term == ES_READOUT ||
           (r->active && term == ES_KINETIC);
}

static const char refusal[] = "connects parts that lie behind different gains, so that the equilibrium is the minimum of no co-content; "
                              "expected every path between two nodes to have the same product of gains";
static const char refusal_active[] = "connects an activator and an inhibitor, or parts behind different gains, so that the equilibrium belongs to no "
                                     "co-content; expected only skew couplings between the two";

static enum es_status sweep(struct es_resistive *r, bool *decided, bool *changed, struct es_error *error) {
    for (size_t i = 0; i < r->net->elements; i++) {
        const struct es_element *e = &r->net->element[i];
        enum es_term term = e->kind->term;
        bool directed = term == ES_AMPLIFYING || term == ES_SKEW, conducts = directed || term == ES_DISSIPATION || term == ES_RECTIFYING;
        if (!is_weighed(r, term))
            continue;
        bool p = is_free(r, e->p), n = is_free(r, e->n);
        if (conducts && !directed && p != n && !decided[p ? e->p : e->n])
            decided[p ? e->p : e->n] = *changed = true;
        if (p && n && !carry(r, e, weight_ratio(e), conducts, decided, changed))
            return refuse(r->net, e, r->active ? refusal_active : refusal, error);
    }
    return ES_OK;
}

// Every part that amplifiers and elements connect begins with weight 1 at its first node.
static enum es_status weigh(struct es_resistive *r, bool *decided, struct es_error *error) {
    const struct es_network *net = r->net;
    enum es_status status = ES_OK;
    for (size_t i = 0; i < net->nodes && status == ES_OK; i++) {
        if (r->row[i] < 0 || r->weight[i] != 0)
            continue;
        bool changed = true;
        for (r->weight[i] = 1; changed && status == ES_OK;) {
            changed = false;
            status = sweep(r, decided, &changed, error);
        }
    }
    for (size_t i = 0; i < net->nodes && status == ES_OK; i++)
        if (r->row[i] >= 0 && !decided[i])
            return es_fail(error, ES_BAD_INPUT, "network \"%s\", line %d: the voltage of node \"%s\" is undecided at rest; "
                                                "connect it, by conductances or diodes, to ground or a source", net->name, net->node[i].line, net->node[i].name);
    return status;
}

enum es_status es_resistive_new(const struct es_network *net, struct es_arena *arena, struct es_resistive *r, struct es_error *error) {
    int *drive = ES_NEW(arena, net->nodes, int);
    *r = (struct es_resistive){.net = net, .node = ES_NEW(arena, net->nodes, size_t), .row = ES_NEW(arena, net->nodes, int),
                               .root = ES_NEW(arena, net->nodes, size_t), .factor = ES_NEW(arena, net->nodes, double), .weight = ES_NEW(arena, net->nodes, double)};
    r->active = es_network_active(net);
    enum es_status status = check_terms(net, error);
    if (status == ES_OK && r->active)
        status = es_validate_mass(net, error);
    if (status == ES_OK)
        status = find_drives(net, drive, error);
    if (status == ES_OK)
        status = follow(r, drive, error);
    return status == ES_OK ? weigh(r, ES_NEW(arena, net->nodes, bool), error) : status;
}

double es_resistive_weight(const struct es_resistive *r, size_t e) {
    const struct es_element *element = &r->net->element[e];
    return is_free(r, element->p) ? r->weight[element->p] : is_free(r, element->n) ? r->weight[element->n] / weight_ratio(element) : 1;
}

void es_resistive_voltages(const struct es_resistive *r, const double *u, const double *x, double *voltage) {
    const struct es_network *net = r->net;
    for (size_t i = 0; i < net->nodes; i++) {
        const struct es_element *source = r->row[i] < 0 ? &net->element[net->node[r->root[i]].source] : NULL;
        voltage[i] = r->factor[i] * (source ? source->value[0] * x[source->channel] : u[r->row[i]]);
    }
}
