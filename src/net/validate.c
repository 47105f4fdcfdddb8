// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
#include "net/validate.h"

#include <stdlib.h>

static bool is_joined(const struct es_network *net, const bool *joined, int node) {
    return node < 0 || joined[node] || net->node[node].source >= 0;
}

// M = sum C a a' with C > 0 is positive definite exactly where capacitors join every node to ground or to a source. Marks the nodes so joined.
static void mark_joined(const struct es_network *net, bool *joined) {
    for (bool changed = true; changed;) {
        changed = false;
        for (size_t i = 0; i < net->elements; i++) {
            const struct es_element *e = &net->element[i];
            if (e->kind->term != ES_KINETIC)
                continue;
            bool p = is_joined(net, joined, e->p), n = is_joined(net, joined, e->n);
            if (p != n) {
                joined[p ? e->n : e->p] = true;
                changed = true;
            }
        }
    }
}

enum es_status es_validate_mass(const struct es_network *net, struct es_error *error) {
    bool *joined = calloc(net->nodes + 1, sizeof *joined);
    if (!joined)
        return es_fail(error, ES_NO_RESOURCE, "out of memory");
    mark_joined(net, joined);
    size_t i = 0;
    while (i < net->nodes && is_joined(net, joined, (int)i))
        i++;
    free(joined);
    if (i == net->nodes)
        return ES_OK;
    return es_fail(error, ES_BAD_INPUT,
                   "network \"%s\", line %d: node \"%s\" has no capacitance to ground, so the mass matrix is singular; "
                   "give it a capacitor to ground, or to a node that has one",
                   net->name, net->node[i].line, net->node[i].name);
}

static enum es_status refuse_term(const struct es_network *net, enum es_term term, const char *why, struct es_error *error) {
    for (size_t i = 0; i < net->elements; i++) {
        const struct es_element *e = &net->element[i];
        if (e->kind->term == term)
            return es_fail(error, ES_BAD_INPUT, "network \"%s\", line %d: %s \"%s\" (%g S) %s", net->name, e->line,
                           e->kind->row.name, e->name, e->value[0], why);
    }
    return ES_OK;
}

enum es_status es_validate_transient(const struct es_network *net, struct es_error *error) {
    for (size_t i = 0; i < net->elements; i++) {
        const struct es_element *e = &net->element[i];
        if (e->kind->term == ES_RECTIFYING || e->kind->term == ES_AMPLIFYING)
            return es_fail(error, ES_BAD_INPUT, "network \"%s\", line %d: %s \"%s\" has a place in equilibria only, and here transients are followed; "
                                                "remove it, or take a rule of equilibria (ep) and a scheme that finds them", net->name, e->line, e->kind->row.name, e->name);
    }
    return ES_OK;
}

enum es_status es_validate_reversible(const struct es_network *net, struct es_error *error) {
    return refuse_term(net, ES_DISSIPATION,
                       "is not reversible: its current changes sign with the voltage, so no echo returns through it; remove it, "
                       "or state losses=\"allowed\" in <learning> to accept a biased gradient",
                       error);
}

enum es_status es_validate_lagrangian(const struct es_network *net, struct es_error *error) {
    enum es_status status = refuse_term(net, ES_DISSIPATION,
                                        "is not Lagrangian: its current follows from no potential; remove it, "
                                        "or state losses=\"allowed\" in <learning> to accept a biased gradient",
                                        error);
    if (status != ES_OK)
        return status;
    return refuse_term(net, ES_SENSING,
                       "is not Lagrangian: where the voltage-sensing side is nonlinear its current follows from no potential, so the echo "
                       "returns but its gradient is wrong; make the current side the nonlinear one (saturating-gyrator), or state "
                       "losses=\"allowed\" in <learning> to accept a biased gradient",
                       error);
}

enum es_status es_validate_transconductors(const struct es_network *net, struct es_error *error) {
    for (size_t i = 0; i < net->elements; i++) {
        const struct es_element *e = &net->element[i];
        bool gyrator = e->kind == &es_gyrator || e->kind == &es_saturating_gyrator || e->kind == &es_sensing_gyrator;
        if ((e->kind->term == ES_POTENTIAL && !gyrator) || e->kind->term == ES_DISSIPATION)
            return es_fail(error, ES_BAD_INPUT,
                           "network \"%s\", line %d: %s \"%s\" has no transconductors, and the reversal swap-outputs swaps their outputs; "
                           "use gyrators, or another reversal", net->name, e->line, e->kind->row.name, e->name);
    }
    return ES_OK;
}
