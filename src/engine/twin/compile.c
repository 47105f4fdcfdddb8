// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// From a network and its passes to flat lists of branches.
#include "engine/twin/block.h"

#include <assert.h>
#include <math.h>
#include <string.h>

static size_t row_of(const struct es_block *b, int node) {
    return node < 0 ? b->net->nodes : (size_t)node;
}

static struct es_branch branch_of(const struct es_block *b, size_t e) {
    const struct es_element *element = &b->net->element[e];
    return (struct es_branch){(int)row_of(b, element->p), (int)row_of(b, element->n), element->channel, b->model.k[e]};
}

static bool is_observed(const struct es_block *b, size_t e, enum es_signal signal) {
    return b->seen[e] >> signal & 1;
}

static void list_observed(struct es_block *b) {
    b->seen = ES_NEW(b->arena, b->net->elements, unsigned);
    for (size_t i = 0; i < b->batch->accumulators; i++) {
        const struct es_accumulator *a = &b->batch->accumulator[i];
        b->seen[a->a.element] |= 1u << a->a.signal;
        b->seen[a->b.element] |= 1u << a->b.signal;
    }
}

static bool is_curve(const struct es_block *b, size_t e, const bool *own) {
    const struct es_element *element = &b->net->element[e];
    if (element->kind->term != ES_POTENTIAL)
        return element->kind->term == ES_SENSING;
    return element->kind->potential || es_element_own_state(element) || own[e] || b->model.coupled[e] ||
           is_observed(b, e, ES_SIGNAL_CURRENT);
}

// Branches of one term; without those that are curves.
static size_t list_branches(const struct es_block *b, enum es_term term, struct es_branch **list) {
    const struct es_network *net = b->net;
    size_t count = 0;
    *list = ES_NEW(b->arena, net->elements, struct es_branch);
    for (size_t e = 0; e < net->elements; e++)
        if (net->element[e].kind->term == term && !b->curve_of[e])
            (*list)[count++] = branch_of(b, e);
    return count;
}

static void add_curve(struct es_block *b, size_t e, bool own) {
    const struct es_element *element = &b->net->element[e];
    struct es_curve *curve = &b->curve[b->curves++];
    *curve = (struct es_curve){.element = e, .branch = branch_of(b, e), .kind = element->kind, .q = b->model.q[e]};
    curve->own = own;
    curve->decay = b->h < 0 ? -b->model.decay[e] : b->model.decay[e];
    curve->drift = b->model.drift[e];
    curve->share = 1 / (1 + curve->decay * b->h / 2);
    for (size_t l = 0; l < b->passes; l++) {
        const struct es_pass *pass = &b->pass[l];
        curve->offset.at[l] = pass->offset[e] + (curve->own ? es_across(element, pass->flux) : 0);
    }
    if (is_observed(b, e, ES_SIGNAL_SLOPE))
        curve->slope = ES_NEW(b->arena, ES_QUANTITIES, struct es_lanes);
    b->nonlinear |= element->kind->potential || element->kind->sense;
    b->observed |= curve->slope || is_observed(b, e, ES_SIGNAL_CURRENT) || is_observed(b, e, ES_SIGNAL_FLUX);
}

static void list_curves(struct es_block *b) {
    const struct es_network *net = b->net;
    size_t count = 0, *element = ES_NEW(b->arena, net->elements, size_t);
    const bool *own = es_batch_own_fluxes(b->batch, &b->model, b->arena);
    b->curve_of = ES_NEW(b->arena, net->elements, struct es_curve *);
    for (size_t e = 0; e < net->elements; e++)
        if (is_curve(b, e, own))
            element[count++] = e;
    b->curve = ES_NEW(b->arena, count, struct es_curve);
    for (size_t i = 0; i < count; i++) {
        b->curve_of[element[i]] = &b->curve[i];
        add_curve(b, element[i], own[element[i]]);
    }
}

static void list_held(struct es_block *b) {
    const struct es_network *net = b->net;
    double sign = b->reversal ? b->reversal->source : 1;
    b->held = ES_NEW(b->arena, net->nodes, struct es_held);
    for (size_t i = 0; i < net->nodes; i++)
        if (net->node[i].source >= 0) {
            size_t e = (size_t)net->node[i].source;
            b->held[b->helds++] = (struct es_held){i, net->element[e].channel, sign * b->model.k[e]};
        }
}

// The two rows whose difference is the observable.
static void rows_of(const struct es_block *b, struct es_observable o, const struct es_lanes **plus, const struct es_lanes **minus) {
    const struct es_element *e = &b->net->element[o.element];
    const struct es_curve *curve = b->curve_of[o.element];
    size_t p = row_of(b, e->p), n = row_of(b, e->n);
    *minus = &b->flux[b->net->nodes]; // zero
    switch (o.signal) {
    case ES_SIGNAL_ONE:
        *plus = b->one;
        break;
    case ES_SIGNAL_FLUX:
        *plus = curve ? &curve->psi : &b->flux_at[p];
        *minus = curve ? *minus : &b->flux_at[n];
        break;
    case ES_SIGNAL_VOLTAGE:
        *plus = &b->voltage_at[p];
        *minus = &b->voltage_at[n];
        break;
    case ES_SIGNAL_CURRENT:
        *plus = &curve->current;
        break;
    case ES_SIGNAL_SLOPE:
        *plus = &curve->slope[o.quantity];
        break;
    case ES_SIGNAL_INPUT:
        *plus = &b->input[e->channel];
        break;
    case ES_SIGNAL_FLUX_ERROR:
    case ES_SIGNAL_VOLTAGE_ERROR:
        *plus = &b->miss[e->channel];
        break;
    }
}

static bool of_voltage(struct es_observable o) {
    return o.signal == ES_SIGNAL_VOLTAGE || o.signal == ES_SIGNAL_VOLTAGE_ERROR;
}

static bool of_error(struct es_observable o) {
    return o.signal == ES_SIGNAL_FLUX_ERROR || o.signal == ES_SIGNAL_VOLTAGE_ERROR;
}

static void compile_products(struct es_block *b) {
    size_t count = b->batch->accumulators;
    b->integral = ES_NEW(b->arena, count, struct es_lanes);
    b->position = ES_NEW(b->arena, count, struct es_product);
    b->velocity = ES_NEW(b->arena, count, struct es_product);
    for (size_t i = 0; i < count; i++) {
        const struct es_accumulator *a = &b->batch->accumulator[i];
        bool velocity = of_voltage(a->a);
        assert(velocity == of_voltage(a->b)); // Verlet knows flux and voltage at different times
        struct es_product *product = velocity ? &b->velocity[b->velocities++] : &b->position[b->positions++];
        rows_of(b, a->a, &product->ap, &product->an);
        rows_of(b, a->b, &product->bp, &product->bn);
        product->weight = a->windowed ? b->weight_windowed : b->weight;
        product->sum = &b->integral[i];
        b->missed |= of_error(a->a) || of_error(a->b);
    }
}

static void compile_nudges(struct es_block *b) {
    for (size_t l = 0; l < b->passes; l++)
        for (size_t o = 0; o < b->net->outputs && b->pass[l].nudge; o++) {
            double value = b->pass[l].nudge[o];
            b->nudge[o].at[l] = value;
            if (value != 0)
                *(es_block_reads_flux(b, o) ? &b->pulled : &b->charged) = true;
        }
    for (size_t l = 0; l < b->passes; l++) {
        b->windowed |= b->pass[l].window != NULL;
        b->injected |= b->pass[l].injection != NULL;
    }
    for (size_t l = 0; l < b->passes; l++)
        b->targeted |= b->pass[l].target && (b->missed || b->pulled || b->charged);
    b->still = !b->helds && !(b->charged && b->targeted);
}

static struct es_lanes *filled(struct es_block *b, double value) {
    struct es_lanes *row = ES_NEW(b->arena, 1, struct es_lanes);
    for (int l = 0; l < ES_LANES; l++)
        row->at[l] = value;
    return row;
}

static void allocate(struct es_block *b, bool middle) {
    const struct es_network *net = b->net;
    size_t rows = net->nodes + 1;
    b->flux = ES_NEW(b->arena, rows, struct es_lanes);
    b->voltage = ES_NEW(b->arena, rows, struct es_lanes);
    b->flux_at = middle ? ES_NEW(b->arena, rows, struct es_lanes) : b->flux;
    b->voltage_at = middle ? ES_NEW(b->arena, rows, struct es_lanes) : b->voltage;
    b->force = ES_NEW(b->arena, rows, struct es_lanes);
    b->charge = ES_NEW(b->arena, rows, struct es_lanes);
    b->moved = ES_NEW(b->arena, rows, struct es_lanes);
    b->input = ES_NEW(b->arena, net->channels, struct es_lanes);
    b->injection = ES_NEW(b->arena, b->batch->injections, struct es_lanes);
    b->injected_at = ES_NEW(b->arena, b->batch->injections, struct es_branch);
    b->target = ES_NEW(b->arena, net->outputs, struct es_lanes);
    b->miss = ES_NEW(b->arena, net->outputs, struct es_lanes);
    b->nudge = ES_NEW(b->arena, net->outputs, struct es_lanes);
    b->nudge_at = ES_NEW(b->arena, net->outputs, struct es_lanes);
    b->trace = ES_NEW(b->arena, 2 * net->nodes, double);
    b->window = filled(b, 1);
    b->weight = filled(b, 0);
    b->weight_windowed = filled(b, 0);
    b->one = filled(b, 1);
}

void es_block_compile(struct es_block *b, bool middle) {
    const struct es_network *net = b->net;
    b->reversal = b->pass->reversal;
    b->h = es_grid_step(&b->batch->grid) * (b->reversal && b->reversal->swapped ? -1 : 1);
    b->steps = es_grid_steps(&b->batch->grid);
    b->growth = b->pass->growth;
    b->beside = b->h > 0 ? -b->growth : b->growth;
    b->grown = 1;
    allocate(b, middle);
    list_observed(b);
    list_curves(b);
    b->capacitors = list_branches(b, ES_KINETIC, &b->capacitor);
    b->potentials = list_branches(b, ES_POTENTIAL, &b->potential);
    b->drives = list_branches(b, ES_DRIVE, &b->drive);
    b->biases = list_branches(b, ES_BIAS, &b->bias);
    b->conductances = list_branches(b, ES_DISSIPATION, &b->conductance);
    for (size_t i = 0; i < b->conductances && (b->growth != 0) == (b->h > 0); i++) // where h < 0 the step itself turns them round
        b->conductance[i].k = -b->conductance[i].k;
    b->output = ES_NEW(b->arena, net->outputs, struct es_branch);
    for (size_t o = 0; o < net->outputs; o++)
        b->output[o] = branch_of(b, net->output[o]);
    for (size_t i = 0; i < b->batch->injections; i++)
        b->injected_at[i] = branch_of(b, b->batch->injection[i].element);
    list_held(b);
    compile_products(b);
    compile_nudges(b);
    for (size_t l = 0; l < b->passes; l++)
        for (size_t i = 0; i < net->nodes; i++) {
            b->flux[i].at[l] = b->pass[l].flux[i];
            b->voltage[i].at[l] = b->pass[l].voltage[i];
        }
    es_block_signals(b, (struct es_moment){0, false});
    memset(b->charge, 0, (net->nodes + 1) * sizeof *b->charge);
}
