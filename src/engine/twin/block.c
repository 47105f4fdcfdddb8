// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
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

static bool is_curve(const struct es_block *b, size_t e) {
    const struct es_element *element = &b->net->element[e];
    if (element->kind->term != ES_POTENTIAL)
        return element->kind->term == ES_SENSING;
    return element->kind->potential || es_element_own_state(element) || b->model.coupled[e] || is_observed(b, e, ES_SIGNAL_CURRENT);
}

// Branches of one term; without those that are curves.
static size_t list_branches(const struct es_block *b, enum es_term term, struct es_branch **list) {
    const struct es_network *net = b->net;
    size_t count = 0;
    *list = ES_NEW(b->arena, net->elements, struct es_branch);
    for (size_t e = 0; e < net->elements; e++)
        if (net->element[e].kind->term == term && !is_curve(b, e))
            (*list)[count++] = branch_of(b, e);
    return count;
}

// ---- curves ----------------------------------------------------------------------------------------------------------

static void add_curve(struct es_block *b, size_t e) {
    const struct es_element *element = &b->net->element[e];
    struct es_curve *curve = &b->curve[b->curves++];
    *curve = (struct es_curve){.element = e, .branch = branch_of(b, e), .kind = element->kind, .q = b->model.q[e]};
    for (size_t l = 0; l < b->passes; l++) {
        const struct es_pass *pass = &b->pass[l];
        curve->offset.at[l] = pass->offset[e] + (element->kind->sense ? es_across(element, pass->flux) : 0);
    }
    if (is_observed(b, e, ES_SIGNAL_SLOPE))
        curve->slope = ES_NEW(b->arena, ES_QUANTITIES, struct es_lanes);
    b->nonlinear |= element->kind->potential || element->kind->sense;
    b->observed |= curve->slope || is_observed(b, e, ES_SIGNAL_CURRENT) || is_observed(b, e, ES_SIGNAL_FLUX);
}

static void list_curves(struct es_block *b) {
    const struct es_network *net = b->net;
    size_t count = 0;
    b->curve_of = ES_NEW(b->arena, net->elements, struct es_curve *);
    for (size_t e = 0; e < net->elements; e++)
        count += is_curve(b, e);
    b->curve = ES_NEW(b->arena, count, struct es_curve);
    for (size_t e = 0; e < net->elements; e++)
        if (is_curve(b, e)) {
            b->curve_of[e] = &b->curve[b->curves];
            add_curve(b, e);
        }
}

void es_block_curves(struct es_block *b, const struct es_lanes *flux, double ahead) {
    for (size_t i = 0; i < b->curves; i++) {
        struct es_curve *c = &b->curve[i];
        const struct es_lanes *p = &flux[c->branch.p], *n = &flux[c->branch.n], *vp = &b->voltage_at[c->branch.p], *vn = &b->voltage_at[c->branch.n];
        double slope;
        for (int l = 0; l < ES_LANES && !c->kind->sense; l++)
            c->psi.at[l] = p->at[l] - n->at[l] + c->offset.at[l];
        for (int l = 0; l < ES_LANES && c->kind->sense; l++)
            c->psi.at[l] = c->offset.at[l] + (ahead != 0 ? ahead * c->kind->sense(c->q, vp->at[l] - vn->at[l], &slope) : 0);
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

void es_block_sense(struct es_block *b) {
    for (size_t i = 0; i < b->curves; i++)
        for (int l = 0; l < ES_LANES && b->curve[i].kind->sense; l++) {
            struct es_curve *c = &b->curve[i];
            double slope, v = b->voltage_at[c->branch.p].at[l] - b->voltage_at[c->branch.n].at[l];
            c->offset.at[l] += b->h * c->kind->sense(c->q, v, &slope);
        }
}

// ---- compilation -----------------------------------------------------------------------------------------------------

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

static bool reads_flux(const struct es_block *b, size_t output) {
    return b->net->element[b->net->output[output]].read == ES_READ_FLUX;
}

static void compile_nudges(struct es_block *b) {
    for (size_t l = 0; l < b->passes; l++)
        for (size_t o = 0; o < b->net->outputs && b->pass[l].nudge; o++) {
            double value = b->pass[l].nudge[o];
            b->nudge[o].at[l] = value;
            if (value != 0)
                *(reads_flux(b, o) ? &b->pulled : &b->charged) = true;
        }
    for (size_t l = 0; l < b->passes; l++)
        b->windowed |= b->pass[l].window != NULL;
    b->missed |= b->pulled || b->charged;
    b->still = !b->helds && !b->charged;
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
    allocate(b, middle);
    list_observed(b);
    b->capacitors = list_branches(b, ES_KINETIC, &b->capacitor);
    b->potentials = list_branches(b, ES_POTENTIAL, &b->potential);
    b->drives = list_branches(b, ES_DRIVE, &b->drive);
    b->conductances = list_branches(b, ES_DISSIPATION, &b->conductance);
    b->output = ES_NEW(b->arena, net->outputs, struct es_branch);
    for (size_t o = 0; o < net->outputs; o++)
        b->output[o] = branch_of(b, net->output[o]);
    list_curves(b);
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

// ---- signals ---------------------------------------------------------------------------------------------------------

// A signal of the task at grid point n: linear between its samples.
static double interpolate(const double *sample, size_t n, size_t substeps) {
    size_t i = n / substeps, fraction = n % substeps;
    return fraction ? sample[i] + (double)fraction / (double)substeps * (sample[i + 1] - sample[i]) : sample[i];
}

static double signal(const struct es_block *b, const double *samples, size_t index, struct es_moment m) {
    const struct es_grid *grid = &b->batch->grid;
    const double *sample = samples + index * grid->points;
    size_t at = b->reversal ? b->steps - m.n : m.n, next = b->reversal ? at - m.middle : at + m.middle;
    double now = interpolate(sample, at, grid->substeps);
    return m.middle ? (now + interpolate(sample, next, grid->substeps)) / 2 : now;
}

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

static void add_branch(const struct es_branch *branch, const struct es_lanes *value, struct es_lanes *out) {
    for (int l = 0; l < ES_LANES; l++)
        out[branch->p].at[l] += value->at[l];
    for (int l = 0; l < ES_LANES; l++)
        out[branch->n].at[l] -= value->at[l];
}

static void clear_held(const struct es_block *b, struct es_lanes *row) {
    for (size_t i = 0; i < b->helds; i++)
        row[b->held[i].node] = (struct es_lanes){0};
}

void es_block_momentum(const struct es_block *b, const struct es_lanes *x, struct es_lanes *product) {
    memset(product, 0, (b->net->nodes + 1) * sizeof *product);
    draw(b->capacitors, b->capacitor, x, product);
    for (size_t o = 0; o < b->net->outputs && b->charged; o++) {
        struct es_lanes value;
        for (int l = 0; l < ES_LANES && !reads_flux(b, o); l++)
            value.at[l] = -b->nudge_at[o].at[l] * (x[b->output[o].p].at[l] - x[b->output[o].n].at[l]);
        if (!reads_flux(b, o))
            add_branch(&b->output[o], &value, product);
    }
    clear_held(b, product);
}

// Moves the sources' nodes and the targets; charge = -(M + N) dv_s + N dy.
static void move(struct es_block *b, struct es_moment m) {
    size_t nodes = b->net->nodes;
    struct es_lanes *moved = b->moved;
    memset(moved, 0, (nodes + 1) * sizeof *moved);
    for (size_t i = 0; i < b->helds; i++)
        for (size_t l = 0; l < b->passes; l++) {
            struct es_lanes *voltage = &b->voltage[b->held[i].node];
            double x = b->held[i].ratio * signal(b, b->pass[l].input, (size_t)b->held[i].channel, m);
            moved[b->held[i].node].at[l] = x - voltage->at[l];
            voltage->at[l] = x;
        }
    if (b->helds)
        es_block_momentum(b, moved, b->charge);
    else if (b->charged)
        memset(b->charge, 0, (nodes + 1) * sizeof *b->charge);
    for (size_t o = 0; o < b->net->outputs && b->missed; o++) {
        bool flux = reads_flux(b, o);
        double sign = !b->reversal ? 1 : flux ? b->reversal->flux_target : b->reversal->voltage_target;
        struct es_lanes charge;
        for (size_t l = 0; l < b->passes; l++) {
            double y = b->pass[l].target ? sign * signal(b, b->pass[l].target, o, m) : 0;
            charge.at[l] = b->nudge_at[o].at[l] * (y - b->target[o].at[l]);
            b->target[o].at[l] = y;
        }
        for (size_t l = b->passes; l < ES_LANES; l++)
            charge.at[l] = 0;
        if (!flux && b->charged)
            add_branch(&b->output[o], &charge, b->charge);
    }
    clear_held(b, b->charge);
}

void es_block_signals(struct es_block *b, struct es_moment m) {
    double sign = b->reversal ? b->reversal->input : 1;
    for (size_t l = 0; l < b->passes; l++)
        for (size_t c = 0; c < b->net->channels; c++)
            b->input[c].at[l] = sign * signal(b, b->pass[l].input, c, m);
    if (b->helds || b->missed)
        move(b, m);
}

static double window_of(const struct es_block *b, size_t lane, size_t step) {
    const double *window = b->pass[lane].window;
    return window ? window[(b->reversal ? b->steps - 1 - step : step) / b->batch->grid.substeps] : 1;
}

static void weigh_nudges(struct es_block *b) {
    for (size_t o = 0; o < b->net->outputs; o++)
        for (int l = 0; l < ES_LANES; l++)
            b->nudge_at[o].at[l] = b->nudge[o].at[l] * b->window->at[l];
}

bool es_block_window(struct es_block *b, size_t n) {
    bool changed = n == 0;
    for (size_t l = 0; l < b->passes && b->windowed; l++) {
        double w = window_of(b, l, n);
        changed |= w != b->window->at[l];
        b->window->at[l] = w;
    }
    return changed;
}

void es_block_window_at_point(struct es_block *b, size_t n) {
    double h = fabs(b->h);
    if (!b->windowed) {
        for (int l = 0; l < ES_LANES; l++)
            b->weight->at[l] = b->weight_windowed->at[l] = n > 0 && n < b->steps ? h : h / 2;
        return;
    }
    for (size_t l = 0; l < b->passes; l++) {
        double before = n > 0 ? window_of(b, l, n - 1) : 0, after = n < b->steps ? window_of(b, l, n) : 0;
        b->weight->at[l] = n > 0 && n < b->steps ? h : h / 2;
        b->weight_windowed->at[l] = h / 2 * (before + after);
        for (size_t o = 0; o < b->net->outputs; o++)
            if (reads_flux(b, o))
                b->nudge_at[o].at[l] = b->nudge[o].at[l] * b->weight_windowed->at[l] / b->weight->at[l];
    }
}

// ---- forces and integrals --------------------------------------------------------------------------------------------

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
    for (size_t i = 0; i < b->curves; i++) {
        for (int l = 0; l < ES_LANES; l++)
            current.at[l] = -b->curve[i].current.at[l];
        add_branch(&b->curve[i].branch, &current, b->force);
    }
    for (size_t o = 0; o < b->net->outputs && b->pulled; o++) {
        const struct es_branch *branch = &b->output[o];
        for (int l = 0; l < ES_LANES && reads_flux(b, o); l++)
            current.at[l] = -b->nudge_at[o].at[l] * (flux[branch->p].at[l] - flux[branch->n].at[l] - b->target[o].at[l]);
        if (reads_flux(b, o))
            add_branch(branch, &current, b->force);
    }
    clear_held(b, b->force);
}

static void find_miss(struct es_block *b) {
    for (size_t o = 0; o < b->net->outputs; o++) {
        const struct es_branch *branch = &b->output[o];
        const struct es_lanes *a = reads_flux(b, o) ? b->flux_at : b->voltage_at;
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

static size_t list_entries(const struct es_block *b, double scale_m, double scale_k, double scale_g, struct es_entry *entry) {
    size_t count = add_list(b, b->capacitors, b->capacitor, scale_m, entry);
    count += add_list(b, b->potentials, b->potential, scale_k, entry + count);
    count += add_list(b, b->conductances, b->conductance, scale_g, entry + count);
    for (size_t i = 0; i < b->curves && scale_k != 0; i++)
        count += add_entries(b, &b->curve[i].branch, scale_k, b->curve[i].branch.k, NULL, entry + count);
    for (size_t i = 0; i < b->model.pairs && scale_k != 0; i++) {
        struct es_pair pair = b->model.pair[i];
        count += add_pair(b, &b->curve_of[pair.a]->branch, &b->curve_of[pair.b]->branch, scale_k * pair.gamma, entry + count);
    }
    for (size_t o = 0; o < b->net->outputs; o++) {
        double factor = reads_flux(b, o) ? scale_k : scale_m;
        if (factor != 0)
            count += add_entries(b, &b->output[o], factor, 0, &b->nudge_at[o], entry + count);
    }
    for (size_t i = 0; i < b->helds; i++)
        entry[count++] = (struct es_entry){(int)b->held[i].node, (int)b->held[i].node, 1, 1, NULL};
    return count;
}

enum es_status es_block_factorise(struct es_block *b, double scale_m, double scale_k, double scale_g, struct es_solver **solver,
                                  struct es_error *error) {
    es_arena_free(b->scratch);
    b->scratch = es_arena_new();
    struct es_entry *entry = ES_NEW(b->scratch, 4 * b->net->elements + 8 * b->model.pairs + b->helds, struct es_entry);
    size_t entries = list_entries(b, scale_m, scale_k, scale_g, entry);
    return es_solver_new(b->scratch, b->net->nodes, entries, entry, solver, error);
}

// charge [nodes + 1] = (M + N) v + (N' - N) y: what the nodes hold before the nudges change to N' = nudge window, with what comes in
// behind the targets.
static void held_charge(const struct es_block *b, struct es_lanes *charge) {
    es_block_momentum(b, b->voltage, charge);
    for (size_t i = 0; i <= b->net->nodes; i++)
        for (int l = 0; l < ES_LANES; l++)
            charge[i].at[l] = -charge[i].at[l];
    for (size_t o = 0; o < b->net->outputs; o++) {
        struct es_lanes change;
        for (int l = 0; l < ES_LANES; l++)
            change.at[l] = (b->nudge[o].at[l] * b->window->at[l] - b->nudge_at[o].at[l]) * b->target[o].at[l];
        if (!reads_flux(b, o))
            add_branch(&b->output[o], &change, charge);
    }
}

// charge -= (M_fs + N_fs) v_s; the rows of the sources' nodes become their voltages.
static void take_sources(struct es_block *b, struct es_lanes *charge) {
    size_t rows = b->net->nodes + 1;
    memset(b->moved, 0, rows * sizeof *b->moved);
    for (size_t i = 0; i < b->helds; i++)
        b->moved[b->held[i].node] = b->voltage[b->held[i].node];
    es_block_momentum(b, b->moved, b->charge);
    for (size_t i = 0; i < rows; i++)
        for (int l = 0; l < ES_LANES; l++)
            charge[i].at[l] += b->charge[i].at[l];
    for (size_t i = 0; i < b->helds; i++)
        charge[b->held[i].node] = b->voltage[b->held[i].node];
}

enum es_status es_block_connect(struct es_block *b, bool first, struct es_error *error) {
    struct es_lanes *charge = b->force; // free at this time
    struct es_solver *mass;
    if (first)
        memset(b->nudge_at, 0, b->net->outputs * sizeof *b->nudge_at);
    if (b->charged)
        held_charge(b, charge);
    weigh_nudges(b);
    if (!b->charged)
        return ES_OK;
    take_sources(b, charge);
    enum es_status status = es_block_factorise(b, 1, 0, 0, &mass, error);
    if (status == ES_OK)
        es_solver_apply(mass, 1, charge, b->voltage);
    return status;
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
