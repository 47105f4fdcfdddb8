// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
#include "net/validate.h"

#include <math.h>
#include <stdio.h>
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

// Names the quantity of element e that does `why`.
static enum es_status refuse_quantity(const struct es_network *net, const struct es_element *e, size_t quantity, const char *why, struct es_error *error) {
    const struct es_quantity *q = &e->kind->quantity[quantity];
    return es_fail(error, ES_BAD_INPUT, "network \"%s\", line %d: the %s of %s \"%s\" (%g %s) %s", net->name, e->line, q->name, e->kind->row.name, e->name,
                   e->value[quantity], q->unit, why);
}

static enum es_status refuse_decay(const struct es_network *net, const char *why, struct es_error *error) {
    for (size_t i = 0; i < net->elements; i++)
        if (es_element_decays(&net->element[i]))
            return refuse_quantity(net, &net->element[i], net->element[i].kind->loss, why, error);
    return ES_OK;
}

static enum es_status refuse_drift(const struct es_network *net, const char *why, struct es_error *error) {
    for (size_t i = 0; i < net->elements; i++)
        if (es_element_drifts(&net->element[i]))
            return refuse_quantity(net, &net->element[i], net->element[i].kind->drift, why, error);
    return ES_OK;
}

enum es_status es_validate_no_own_flux(const struct es_network *net, const char *what, struct es_error *error) {
    char why[256];
    snprintf(why, sizeof why, "makes its flux change by itself, which is not followed by %s", what);
    enum es_status status = refuse_decay(net, why, error);
    return status == ES_OK ? refuse_drift(net, why, error) : status;
}

enum es_status es_validate_drift(const struct es_network *net, struct es_error *error) {
    return refuse_drift(net, "makes its flux drift, the same way in the echo, so that none returns where voltages are flipped; take reversal=\"flip-fluxes\" or "
                             "\"swap-outputs\", which undo it, or state losses=\"allowed\" in <learning> to accept a biased gradient", error);
}

enum es_status es_validate_transient(const struct es_network *net, struct es_error *error) {
    for (size_t i = 0; i < net->elements; i++) {
        const struct es_element *e = &net->element[i];
        if (e->kind->term == ES_RECTIFYING || e->kind->term == ES_AMPLIFYING || e->kind->term == ES_SKEW)
            return es_fail(error, ES_BAD_INPUT, "network \"%s\", line %d: %s \"%s\" has a place in equilibria only, and here transients are followed; "
                                                "remove it, or take a rule of equilibria (ep, skew-ep) and a scheme that finds them", net->name, e->line, e->kind->row.name, e->name);
    }
    return ES_OK;
}

enum es_status es_validate_reversible(const struct es_network *net, struct es_error *error) {
    enum es_status status = refuse_term(net, ES_DISSIPATION,
                                        "is not reversible: its current changes sign with the voltage, so no echo returns through it; remove it, "
                                        "or state losses=\"allowed\" in <learning> to accept a biased gradient",
                                        error);
    return status != ES_OK ? status : refuse_decay(net, "is not reversible: the flux decays, forwards and backwards, so no echo returns through it; remove it, or state "
                                                        "losses=\"allowed\" in <learning> to accept a biased gradient", error);
}

enum es_status es_validate_bias(const struct es_network *net, struct es_error *error) {
    return refuse_term(net, ES_BIAS, "is a constant current, which neither changes its sign with the inputs nor is off without them", error);
}

enum es_status es_validate_lagrangian(const struct es_network *net, struct es_error *error) {
    enum es_status status = refuse_term(net, ES_DISSIPATION,
                                        "is not Lagrangian: its current follows from no potential; remove it, "
                                        "or state losses=\"allowed\" in <learning> to accept a biased gradient",
                                        error);
    if (status == ES_OK)
        status = refuse_decay(net, "is not Lagrangian: a flux that decays follows from no potential; remove it, or state losses=\"allowed\" in <learning> to accept a "
                                   "biased gradient", error);
    return status == ES_OK ? es_validate_potentials(net, error) : status;
}

enum es_status es_validate_potentials(const struct es_network *net, struct es_error *error) {
    return refuse_term(net, ES_SENSING,
                       "is not Lagrangian: where the voltage-sensing side is nonlinear its current follows from no potential, so the echo "
                       "returns but its gradient is wrong; make the current side the nonlinear one (saturating-gyrator), or state "
                       "losses=\"allowed\" in <learning> to accept a biased gradient",
                       error);
}

// ---- uniform damping -------------------------------------------------------------------------------------------------

// A capacitor or a conductance, by the pair of nodes that it is between.
struct part {
    int low, high;
    size_t element;
};

// What is between one pair of nodes.
struct pair {
    double capacitance, conductance;
    size_t first, parts; // its first part in the list
};

static int by_pair(const void *a, const void *b) {
    const struct part *x = a, *y = b;
    int order = (x->low > y->low) - (x->low < y->low);
    order = order ? order : (x->high > y->high) - (x->high < y->high);
    return order ? order : (x->element > y->element) - (x->element < y->element);
}

static bool is_given(const struct es_network *net, int node) {
    return node < 0 || net->node[node].source >= 0;
}

// Sorted; those between nodes whose voltages are given damp nothing and are left out.
static size_t list_parts(const struct es_network *net, struct part *part) {
    size_t count = 0;
    for (size_t i = 0; i < net->elements; i++) {
        const struct es_element *e = &net->element[i];
        bool counts = e->kind->term == ES_KINETIC || e->kind->term == ES_DISSIPATION;
        if (counts && e->p != e->n && !(is_given(net, e->p) && is_given(net, e->n)))
            part[count++] = (struct part){e->p < e->n ? e->p : e->n, e->p < e->n ? e->n : e->p, i};
    }
    qsort(part, count, sizeof *part, by_pair);
    return count;
}

static size_t list_pairs(const struct es_network *net, const double *k, size_t parts, const struct part *part, struct pair *pair) {
    size_t count = 0;
    for (size_t i = 0; i < parts; i++) {
        const struct es_element *e = &net->element[part[i].element];
        double value = k ? k[part[i].element] : e->parameter[0] == ES_FIXED ? e->value[0] : es_element_scale(e, 0) * e->value[0];
        if (i == 0 || part[i].low != part[i - 1].low || part[i].high != part[i - 1].high)
            pair[count++] = (struct pair){.first = i};
        *(e->kind->term == ES_KINETIC ? &pair[count - 1].capacitance : &pair[count - 1].conductance) += value;
        pair[count - 1].parts++;
    }
    return count;
}

// The element of a pair that comes first in the network: a conductance, where there is one.
static size_t culprit(const struct es_network *net, const struct part *part, const struct pair *pair) {
    for (size_t i = pair->first; i < pair->first + pair->parts; i++)
        if (net->element[part[i].element].kind->term == ES_DISSIPATION)
            return part[i].element;
    return part[pair->first].element;
}

static double first_ratio(const struct es_network *net, const struct part *part, size_t pairs, const struct pair *pair) {
    size_t first = net->elements;
    double gamma = 0;
    for (size_t i = 0; i < pairs; i++)
        if (pair[i].conductance != 0 && pair[i].capacitance != 0 && culprit(net, part, &pair[i]) < first) {
            first = culprit(net, part, &pair[i]);
            gamma = pair[i].conductance / pair[i].capacitance;
        }
    return gamma;
}

static enum es_status refuse_pair(const struct es_network *net, const struct part *part, const struct pair *pair, double gamma, struct es_error *error) {
    const struct es_element *e = &net->element[culprit(net, part, pair)];
    return es_fail(error, ES_BAD_INPUT,
                   "network \"%s\", line %d: damping is not uniform: between the nodes of %s \"%s\" are %.6g F and %.10g S, and gamma = %.10g 1/s, as at "
                   "the first conductance, expects %.10g S; give each capacitor C a conductance gamma C beside it, and none elsewhere",
                   net->name, e->line, e->kind->row.name, e->name, pair->capacitance, pair->conductance, gamma, gamma * pair->capacitance);
}

enum es_status es_validate_uniform_damping(const struct es_network *net, const double *k, double *gamma, struct es_error *error) {
    struct part *part = calloc(net->elements + 1, sizeof *part);
    struct pair *pair = calloc(net->elements + 1, sizeof *pair);
    const struct pair *worst = NULL;
    if (!part || !pair) {
        free(part);
        free(pair);
        return es_fail(error, ES_NO_RESOURCE, "out of memory");
    }
    size_t pairs = list_pairs(net, k, list_parts(net, part), part, pair);
    *gamma = first_ratio(net, part, pairs, pair);
    for (size_t i = 0; i < pairs; i++) {
        double expected = *gamma * pair[i].capacitance;
        bool breaks = !(fabs(pair[i].conductance - expected) <= 1e-9 * fabs(expected));
        if (breaks && (!worst || culprit(net, part, &pair[i]) < culprit(net, part, worst)))
            worst = &pair[i];
    }
    enum es_status status = worst ? refuse_pair(net, part, worst, *gamma, error) : ES_OK;
    free(part);
    free(pair);
    return status != ES_OK ? status : refuse_decay(net, "is a damping that is not uniform: it belongs to no capacitor; remove it, or give each capacitor C a conductance gamma C "
                                                        "in its place", error);
}

enum es_status es_validate_transconductors(const struct es_network *net, bool losses_allowed, struct es_error *error) {
    for (size_t i = 0; i < net->elements; i++) {
        const struct es_element *e = &net->element[i];
        bool gyrator = e->kind == &es_gyrator || e->kind == &es_saturating_gyrator || e->kind == &es_sensing_gyrator || e->kind == &es_mesh;
        if ((e->kind->term == ES_POTENTIAL && !gyrator) || (e->kind->term == ES_DISSIPATION && !losses_allowed))
            return es_fail(error, ES_BAD_INPUT,
                           "network \"%s\", line %d: %s \"%s\" has no transconductors, and the reversal swap-outputs swaps their outputs; "
                           "use gyrators, or another reversal", net->name, e->line, e->kind->row.name, e->name);
    }
    return ES_OK;
}
