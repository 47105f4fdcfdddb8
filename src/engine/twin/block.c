// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
#include "engine/twin/block.h"

#include <math.h>
#include <string.h>

// What makes a branch's own flux, but for its decay [V], at voltage_at.
static void drive_of(const struct es_block *b, const struct es_curve *c, struct es_lanes *drive) {
    const struct es_lanes *p = &b->voltage_at[c->branch.p], *n = &b->voltage_at[c->branch.n];
    double slope;
    for (int l = 0; l < ES_LANES; l++)
        drive->at[l] = p->at[l] - n->at[l];
    for (int l = 0; l < ES_LANES && c->kind->sense; l++)
        drive->at[l] = c->kind->sense(c->q, drive->at[l], &slope);
    for (int l = 0; l < ES_LANES; l++)
        drive->at[l] += c->drift + c->series.at[l];
}

void es_block_curves(struct es_block *b, const struct es_lanes *flux, double ahead) {
    for (size_t i = 0; i < b->curves; i++) {
        struct es_curve *c = &b->curve[i];
        const struct es_lanes *p = &flux[c->branch.p], *n = &flux[c->branch.n];
        struct es_lanes drive;
        if (c->own)
            drive_of(b, c, &drive);
        for (int l = 0; l < ES_LANES; l++)
            c->psi.at[l] = c->own ? (c->offset.at[l] + ahead * drive.at[l]) / (1 + c->decay * ahead) : p->at[l] - n->at[l] + c->offset.at[l];
        if (c->kind->potential)
            c->kind->potential->current(c->q, ES_LANES, c->psi.at, c->current.at, NULL);
        else
            for (int l = 0; l < ES_LANES; l++)
                c->current.at[l] = c->branch.k * c->psi.at[l];
    }
    for (size_t i = 0; i < b->model.pairs; i++) {
        struct es_pair pair = b->model.pair[i];
        struct es_curve *first = b->curve_of[pair.a], *second = b->curve_of[pair.b];
        for (int l = 0; l < ES_LANES; l++) {
            first->current.at[l] += pair.gamma * second->psi.at[l];
            second->current.at[l] += pair.gamma * first->psi.at[l];
        }
    }
}

void es_block_slopes(struct es_block *b) {
    for (size_t i = 0; i < b->curves; i++)
        for (size_t l = 0; l < b->passes && b->curve[i].slope; l++) {
            struct es_curve *c = &b->curve[i];
            double du[ES_QUANTITIES] = {0};
            c->kind->potential->slope(c->q, c->psi.at[l], du);
            for (size_t q = 0; q < ES_QUANTITIES; q++)
                c->slope[q].at[l] = du[q];
        }
}

void es_block_flow(struct es_block *b) {
    for (size_t i = 0; i < b->curves; i++) {
        struct es_curve *c = &b->curve[i];
        struct es_lanes drive;
        if (!c->own)
            continue;
        drive_of(b, c, &drive);
        for (int l = 0; l < ES_LANES; l++)
            c->offset.at[l] += b->h * (drive.at[l] - c->decay * c->psi.at[l]);
    }
}

// ---- forces and integrals --------------------------------------------------------------------------------------------

// Draws the charge k a of every branch, a = across p and n, out of the nodes.
ES_VECTORISED static void draw(size_t branches, const struct es_branch *branch, const struct es_lanes *a, struct es_lanes *out) {
    for (size_t i = 0; i < branches; i++) {
        struct es_lanes current; // a local array, so that the compiler knows that nothing overlaps and vectorises
        for (int l = 0; l < ES_LANES; l++)
            current.at[l] = branch[i].k * (a[branch[i].p].at[l] - a[branch[i].n].at[l]);
        for (int l = 0; l < ES_LANES; l++)
            out[branch[i].p].at[l] -= current.at[l];
        for (int l = 0; l < ES_LANES; l++)
            out[branch[i].n].at[l] += current.at[l];
    }
}

void es_block_momentum(const struct es_block *b, const struct es_lanes *x, struct es_lanes *product) {
    memset(product, 0, (b->net->nodes + 1) * sizeof *product);
    draw(b->capacitors, b->capacitor, x, product);
    for (size_t o = 0; o < b->net->outputs && b->charged; o++) {
        struct es_lanes value;
        for (int l = 0; l < ES_LANES && !es_block_reads_flux(b, o); l++)
            value.at[l] = -b->nudge_at[o].at[l] * (x[b->output[o].p].at[l] - x[b->output[o].n].at[l]);
        if (!es_block_reads_flux(b, o))
            es_block_add(&b->output[o], &value, product);
    }
    es_block_clear_held(b, product);
}

ES_VECTORISED static void inject(size_t branches, const struct es_branch *branch, const struct es_lanes *x, struct es_lanes *force) {
    for (size_t i = 0; i < branches; i++) {
        struct es_lanes current;
        for (int l = 0; l < ES_LANES; l++)
            current.at[l] = branch[i].k * x[branch[i].channel].at[l];
        for (int l = 0; l < ES_LANES; l++)
            force[branch[i].p].at[l] += current.at[l];
        for (int l = 0; l < ES_LANES; l++)
            force[branch[i].n].at[l] -= current.at[l];
    }
}

void es_block_force(struct es_block *b, const struct es_lanes *flux, const struct es_lanes *voltage) {
    memset(b->force, 0, (b->net->nodes + 1) * sizeof *b->force);
    draw(b->conductances, b->conductance, voltage, b->force);
    draw(b->potentials, b->potential, flux, b->force);
    inject(b->drives, b->drive, b->input, b->force);
    struct es_lanes current;
    for (size_t i = 0; i < b->biases; i++) {
        for (int l = 0; l < ES_LANES; l++)
            current.at[l] = b->bias[i].k;
        es_block_add(&b->bias[i], &current, b->force);
    }
    for (size_t i = 0; i < b->curves; i++) {
        for (int l = 0; l < ES_LANES; l++)
            current.at[l] = -b->curve[i].current.at[l];
        es_block_add(&b->curve[i].branch, &current, b->force);
    }
    for (size_t o = 0; o < b->net->outputs && (b->pulled || (b->charged && b->beside != 0)); o++) {
        const struct es_branch *branch = &b->output[o];
        const struct es_lanes *a = es_block_reads_flux(b, o) ? flux : voltage;
        double per_nudge = es_block_reads_flux(b, o) ? 1 : b->beside;
        for (int l = 0; l < ES_LANES; l++)
            current.at[l] = -per_nudge * b->nudge_at[o].at[l] * (a[branch->p].at[l] - a[branch->n].at[l] - b->target[o].at[l]);
        if (per_nudge != 0)
            es_block_add(branch, &current, b->force);
    }
    for (size_t i = 0; i < b->batch->injections && b->injected; i++)
        if (!b->batch->injection[i].series)
            es_block_add(&b->injected_at[i], &b->injection[i], b->force);
    es_block_clear_held(b, b->force);
}

static void find_miss(struct es_block *b) {
    for (size_t o = 0; o < b->net->outputs; o++) {
        const struct es_branch *branch = &b->output[o];
        const struct es_lanes *a = es_block_reads_flux(b, o) ? b->flux_at : b->voltage_at;
        for (int l = 0; l < ES_LANES; l++)
            b->miss[o].at[l] = a[branch->p].at[l] - a[branch->n].at[l] - b->target[o].at[l];
    }
}

ES_VECTORISED static void accumulate(size_t products, const struct es_product *product) {
    for (size_t i = 0; i < products; i++) {
        struct es_product p = product[i];
        struct es_lanes value;
        for (int l = 0; l < ES_LANES; l++)
            value.at[l] = p.weight->at[l] * ((p.ap->at[l] - p.an->at[l]) * (p.bp->at[l] - p.bn->at[l]));
        for (int l = 0; l < ES_LANES; l++)
            p.sum->at[l] += value.at[l];
    }
}

void es_block_accumulate(struct es_block *b, size_t products, const struct es_product *product) {
    if (b->missed && products)
        find_miss(b);
    accumulate(products, product);
}

// ---- matrices --------------------------------------------------------------------------------------------------------

// Ground for the solver is also a node that a source holds.
static int solved(const struct es_block *b, int row) {
    return row == (int)b->net->nodes || b->net->node[row].source >= 0 ? ES_GROUND : row;
}

static size_t add_entries(const struct es_block *b, const struct es_branch *branch, double factor, double shared, const struct es_lanes *lane,
                          struct es_entry *entry) {
    return es_solver_branch(solved(b, branch->p), solved(b, branch->n), factor, shared, lane, entry);
}

static size_t add_list(const struct es_block *b, size_t branches, const struct es_branch *branch, double factor, struct es_entry *entry) {
    size_t count = 0;
    for (size_t i = 0; i < branches && factor != 0; i++)
        count += add_entries(b, &branch[i], factor, branch[i].k, NULL, entry + count);
    return count;
}

// value (a b' + b a')
static size_t add_pair(const struct es_block *b, const struct es_branch *first, const struct es_branch *second, double value, struct es_entry *entry) {
    int row[2] = {solved(b, first->p), solved(b, first->n)}, column[2] = {solved(b, second->p), solved(b, second->n)};
    size_t count = 0;
    for (int i = 0; i < 2; i++)
        for (int j = 0; j < 2; j++)
            if (row[i] >= 0 && column[j] >= 0) {
                entry[count++] = (struct es_entry){row[i], column[j], i == j ? value : -value, 1, NULL};
                entry[count++] = (struct es_entry){column[j], row[i], i == j ? value : -value, 1, NULL};
            }
    return count;
}

static size_t list_entries(const struct es_block *b, double scale_m, double scale_k, double scale_g, bool here, struct es_entry *entry) {
    size_t count = add_list(b, b->capacitors, b->capacitor, scale_m, entry);
    count += add_list(b, b->potentials, b->potential, scale_k, entry + count);
    count += add_list(b, b->conductances, b->conductance, scale_g, entry + count);
    for (size_t i = 0; i < b->curves && scale_k != 0; i++)
        count += add_entries(b, &b->curve[i].branch, scale_k * b->curve[i].share, here ? 0 : b->curve[i].branch.k, here ? &b->curve[i].stiffness : NULL, entry + count);
    for (size_t i = 0; i < b->model.pairs && scale_k != 0; i++) {
        struct es_pair pair = b->model.pair[i];
        count += add_pair(b, &b->curve_of[pair.a]->branch, &b->curve_of[pair.b]->branch, scale_k * pair.gamma, entry + count);
    }
    for (size_t o = 0; o < b->net->outputs; o++) {
        double factor = es_block_reads_flux(b, o) ? scale_k : scale_m + scale_g * b->beside;
        if (factor != 0)
            count += add_entries(b, &b->output[o], factor, 0, &b->nudge_at[o], entry + count);
    }
    for (size_t i = 0; i < b->helds; i++)
        entry[count++] = (struct es_entry){(int)b->held[i].node, (int)b->held[i].node, 1, 1, NULL};
    return count;
}

static enum es_status factorise(struct es_block *b, double scale_m, double scale_k, double scale_g, bool here, struct es_arena **scratch,
                                struct es_solver **solver, struct es_error *error) {
    es_arena_free(*scratch);
    *scratch = es_arena_new();
    struct es_entry *entry = ES_NEW(*scratch, 4 * b->net->elements + 8 * b->model.pairs + b->helds, struct es_entry);
    size_t entries = list_entries(b, scale_m, scale_k, scale_g, here, entry);
    return es_solver_new(*scratch, b->net->nodes, entries, entry, solver, error);
}

enum es_status es_block_factorise(struct es_block *b, double scale_m, double scale_k, double scale_g, struct es_solver **solver,
                                  struct es_error *error) {
    return factorise(b, scale_m, scale_k, scale_g, false, &b->scratch, solver, error);
}

enum es_status es_block_factorise_mass(struct es_block *b, struct es_error *error) {
    return factorise(b, 1, 0, 0, false, &b->scratch_mass, &b->mass, error);
}

enum es_status es_block_factorise_here(struct es_block *b, double scale_m, double scale_k, double scale_g, struct es_solver **solver,
                                       struct es_error *error) {
    for (size_t i = 0; i < b->curves; i++) {
        struct es_curve *c = &b->curve[i];
        struct es_lanes unused;
        for (int l = 0; l < ES_LANES; l++)
            c->stiffness.at[l] = c->branch.k;
        if (c->kind->potential)
            c->kind->potential->current(c->q, ES_LANES, c->psi.at, unused.at, c->stiffness.at);
    }
    return factorise(b, scale_m, scale_k, scale_g, true, &b->scratch_here, solver, error);
}

void es_block_record(const struct es_block *b, size_t n) {
    for (size_t l = 0; l < b->passes && b->batch->recorded; l++)
        for (size_t i = 0; i < b->net->nodes; i++)
            b->result[l].middle[n * b->net->nodes + i] = b->voltage_at[i].at[l];
}

void es_block_trace(const struct es_block *b, size_t n, const struct es_lanes *voltage) {
    const struct es_sink *sink = b->batch->sink;
    if (!sink)
        return;
    double *lane = b->trace;
    for (size_t i = 0; i < b->net->nodes; i++) {
        lane[i] = b->flux[i].at[0];
        lane[b->net->nodes + i] = voltage[i].at[0];
    }
    sink->point(sink->context, (double)n * fabs(b->h), lane, lane + b->net->nodes);
}
