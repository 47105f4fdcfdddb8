// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// The reciprocal run (docs/theory.md 5): the exact gradient of a linear reciprocal network, losses and all, from one run of the network itself
// with its outputs as inputs. No turn, no small nudge.
//
// M, G and K are symmetric, so that the map from the currents s_n to the voltages u_n in the middle of the steps is a causal symmetric Toeplitz
// operator, and its adjoint is the same map in mirrored order: from rest, all sources off (nodes of voltage sources at 0), the current j_m into
// the outputs in step m, mirror m = N - 1 - n. With e_n = w dc/ds in the middle of step n and hats for this second run
//     voltage   j_m = e_{N-1-m}                       flux   j_m = h e_{N-1-m} / 2 + h sum_{k<m} e_{N-1-k}
//     dC/dtheta = sum_n uhat_{N-1-n}' (h dF/dtheta(phi_n, u_n, x_n) - (dM/dtheta) Delta v_n) - vhat(T)' (dM/dtheta) v_0 + start
//     dC/dp_0 = vhat(T),   dC/dphi_0 = -K phihat(T) + (flux) h sum e,   dC/do = -ihat(T)
// phi_n being the flux in the middle of step n, and Delta v_n = 2 (u_n - v_n) between its ends: both follow from the u_n. So do the fluxes psi_n of
// branches in which they decay, dpsi/dt = v - r psi: the branch is a causal symmetric map from voltages to currents as well, so that nothing
// above changes, and r gets
//     dC/dr = + sum_n h ihat_{N-1-n} psi_n
// Director & Rohrer, IEEE Trans. Circuit Theory 16 (1969); Boesch, Gediz, Tuereci 2026.
#include "learn/gradient.h"

#include "net/validate.h"

#include <math.h>
#include <string.h>

static enum es_status linear(const struct es_network *net, struct es_error *error) {
    for (size_t i = 0; i < net->elements; i++) {
        const struct es_element *e = &net->element[i];
        if (e->kind->potential || e->kind->sense)
            return es_fail(error, ES_BAD_INPUT, "network \"%s\", line %d: %s \"%s\" is %s, and the rule reciprocal runs linear reciprocal networks only; "
                           "take linear elements, or rule=\"rhel\" without losses", net->name, e->line, e->kind->row.name, e->name,
                           e->kind->sense ? "nonlinear and not reciprocal" : "nonlinear");
    }
    return ES_OK;
}

// The second run begins at rest with all sources off, and an offset cannot be turned off.
static enum es_status at_rest(const struct es_network *net, struct es_error *error) {
    for (size_t i = 0; i < net->elements; i++) {
        const struct es_element *e = &net->element[i];
        if (es_element_drifts(e))
            return es_fail(error, ES_BAD_INPUT, "network \"%s\", line %d: the offset of %s \"%s\" drives the second run of the rule reciprocal too, whose sources have to be off; "
                           "remove it, or state losses=\"allowed\" in <learning> to accept a biased gradient", net->name, e->line, e->kind->row.name, e->name);
    }
    return es_validate_bias(net, error);
}

static enum es_status reciprocal_admits(const struct es_problem *problem, struct es_error *error) {
    const struct es_engine *engine = problem->engine;
    enum es_status status = linear(problem->net, error);
    if (status == ES_OK && !problem->losses_allowed)
        status = at_rest(problem->net, error);
    if (status == ES_OK)
        status = es_rule_start(problem->net, error);
    if (status == ES_OK && problem->cost->reads != ES_READ_RUNNING)
        return es_fail(error, ES_BAD_INPUT, "the cost %s reads the state at the end, and the rule reciprocal injects what a cost reads along the pass; take a running cost",
                       problem->cost->row.name);
    if (status == ES_OK && !engine->scheme->middle)
        return es_fail(error, ES_BAD_INPUT, "engine %s: scheme %s does not step through the middle of its steps, where the rule reciprocal reads and injects; use scheme %s",
                       engine->kind->row.name, engine->scheme->row.name, engine->kind->schemes[0]->name);
    return status;
}

static size_t one_pass(const struct es_network *net) {
    (void)net;
    return 1;
}

static size_t no_integrals(const struct es_model *model, struct es_arena *arena, const struct es_accumulator **accumulator) {
    (void)model, (void)arena;
    *accumulator = NULL;
    return 0;
}

static size_t at_outputs(const struct es_network *net, struct es_arena *arena, const struct es_injection **injection) {
    struct es_injection *list = ES_NEW(arena, net->outputs, struct es_injection);
    for (size_t o = 0; o < net->outputs; o++)
        list[o].element = net->output[o];
    *injection = list;
    return net->outputs;
}

// A signal of the task in the middle of step n.
static double middle_of(const struct es_grid *grid, const double *sample, size_t n) {
    size_t i = n / grid->substeps;
    double part = ((double)(n % grid->substeps) + 0.5) / (double)grid->substeps;
    return sample[i] + part * (sample[i + 1] - sample[i]);
}

// phi += h u / 2 twice in each step: before its middle is looked at, and after.
static void advance(size_t nodes, double h, const double *u, double *phi) {
    for (size_t i = 0; i < nodes; i++)
        phi[i] += h / 2 * u[i];
}

// e [outputs][steps] = w dc/ds in the middle of each step of the free pass.
static void read_errors(const struct es_rule_sample *sample, struct es_arena *arena, double *e) {
    const struct es_network *net = sample->model->net;
    const struct es_grid *grid = sample->grid;
    const struct es_pass *free = &sample->free;
    size_t steps = es_grid_steps(grid);
    double h = es_grid_step(grid), *phi = ES_NEW(arena, net->nodes, double);
    memcpy(phi, free->flux, net->nodes * sizeof *phi);
    for (size_t n = 0; n < steps; n++) {
        const double *u = sample->free_result.middle + n * net->nodes;
        double w = free->window ? free->window[n / grid->substeps] : 1;
        advance(net->nodes, h, u, phi);
        for (size_t o = 0; o < net->outputs; o++) {
            const struct es_element *output = &net->element[net->output[o]];
            double y = free->target ? middle_of(grid, free->target + o * grid->points, n) : 0;
            e[o * steps + n] = 2 * sample->slope[o] * w * (es_across(output, output->read == ES_READ_FLUX ? phi : u) - y);
        }
        advance(net->nodes, h, u, phi);
    }
}

// j [steps] from e [steps] of one output; returns h sum e of a flux, 0 of a voltage.
static double mirror(const struct es_grid *grid, enum es_read read, const double *e, double *j) {
    size_t steps = es_grid_steps(grid);
    double h = es_grid_step(grid), sum = 0;
    for (size_t m = 0; m < steps; m++) {
        double now = e[steps - 1 - m];
        j[m] = read == ES_READ_FLUX ? sum + h / 2 * now : now;
        sum += read == ES_READ_FLUX ? h * now : 0;
    }
    return sum;
}

// The largest current that the capacitors at any node take in the free pass.
static double largest_current(const struct es_rule_sample *sample, struct es_arena *arena) {
    const struct es_network *net = sample->model->net;
    double *change = ES_NEW(arena, net->nodes, double), *charge = ES_NEW(arena, net->nodes, double), most = 0;
    for (size_t n = 0; n + 1 < es_grid_steps(sample->grid); n++) {
        const double *u = sample->free_result.middle + n * net->nodes;
        for (size_t i = 0; i < net->nodes; i++)
            change[i] = u[net->nodes + i] - u[i];
        es_model_momentum(sample->model, change, charge);
        for (size_t i = 0; i < net->nodes; i++)
            most = fmax(most, net->node[i].source < 0 ? fabs(charge[i]) : 0);
    }
    return most / es_grid_step(sample->grid);
}

// What multiplies the second run, which a linear network allows: it then has about the currents of the free pass, so that noise and offsets of a circuit as
// made weigh as much in it. A power of two, which changes no digit.
static double size_of(const struct es_rule_sample *sample, struct es_arena *arena, const double *injection) {
    double current = largest_current(sample, arena), most = 0;
    for (size_t i = 0; i < sample->model->net->outputs * es_grid_steps(sample->grid); i++)
        most = fmax(most, fabs(injection[i]));
    return current > 0 && most > 0 ? ldexp(1, ilogb(current) - ilogb(most)) : 1;
}

// injection [outputs][steps], `size` times the formulas above; to_flux [nodes] += the cost's own dependence on the flux at t = 0, times that too, unless NULL.
static const double *injection_of(const struct es_rule_sample *sample, struct es_arena *arena, double *to_flux, double *size) {
    const struct es_network *net = sample->model->net;
    size_t steps = es_grid_steps(sample->grid);
    double *e = ES_NEW(arena, net->outputs * steps, double), *injection = ES_NEW(arena, net->outputs * steps, double), *sum = ES_NEW(arena, net->outputs, double);
    read_errors(sample, arena, e);
    for (size_t o = 0; o < net->outputs; o++)
        sum[o] = mirror(sample->grid, net->element[net->output[o]].read, e + o * steps, injection + o * steps);
    *size = size_of(sample, arena, injection);
    for (size_t i = 0; i < net->outputs * steps; i++)
        injection[i] *= *size;
    for (size_t o = 0; o < net->outputs && to_flux; o++)
        es_add_across(&net->element[net->output[o]], to_flux, *size * sum[o]);
    return injection;
}

static enum es_status reciprocal_plan(struct es_rule_sample *sample, struct es_arena *arena, struct es_error *error) {
    (void)error;
    const struct es_network *net = sample->model->net;
    double size;
    const double *rest = ES_NEW(arena, net->nodes, double);
    sample->pass[0] = (struct es_pass){
        .theta = sample->free.theta,
        .flux = rest,
        .voltage = rest,
        .offset = ES_NEW(arena, net->elements, double),
        .input = ES_NEW(arena, net->channels * sample->grid->points, double),
        .injection = injection_of(sample, arena, NULL, &size),
    };
    return ES_OK;
}

// One step of the branches whose flux is their own: psi [elements] goes from its beginning to its end, o is that of its middle, at node flux phi
// and voltage u.
static void advance_own(const struct es_model *model, double h, const double *phi, const double *u, double *psi, double *o) {
    for (size_t e = 0; e < model->net->elements; e++) {
        double v = es_across(&model->net->element[e], u), half = 1 + h / 2 * model->decay[e];
        if (!es_model_own_flux(model, e))
            continue;
        double middle = (psi[e] + h / 2 * (v + model->drift[e])) / half;
        psi[e] = 2 * middle - psi[e];
        o[e] = middle - es_across(&model->net->element[e], phi);
    }
}

// A run's state as its recorded voltages tell it: node flux in the middle of a step, the branches' own fluxes at the grid points and their offsets in
// the middle.
struct replay {
    const struct es_model *model;
    double h, *phi, *psi, *offset;
};

static struct replay replay_new(const struct es_rule_sample *sample, const struct es_pass *pass, struct es_arena *arena) {
    const struct es_network *net = sample->model->net;
    struct replay r = {sample->model, es_grid_step(sample->grid), ES_NEW(arena, net->nodes, double), ES_NEW(arena, net->elements, double), ES_NEW(arena, net->elements, double)};
    memcpy(r.phi, pass->flux, net->nodes * sizeof *r.phi);
    memcpy(r.offset, pass->offset, net->elements * sizeof *r.offset);
    for (size_t e = 0; e < net->elements; e++)
        r.psi[e] = es_model_flux(r.model, e, r.phi, r.offset);
    return r;
}

// To the middle of a step, and from there to its end; u is its voltage there.
static void to_middle(struct replay *r, const double *u) {
    advance(r->model->net->nodes, r->h, u, r->phi);
    advance_own(r->model, r->h, r->phi, u, r->psi, r->offset);
}

static void to_end(struct replay *r, const double *u) {
    advance(r->model->net->nodes, r->h, u, r->phi);
}

// ihat [steps][decaying] of the branches whose flux decays, in the order of the elements.
static const double *decaying_currents(const struct es_rule_sample *sample, struct es_arena *arena, size_t *decaying) {
    const struct es_model *model = sample->model;
    const struct es_network *net = model->net;
    size_t steps = es_grid_steps(sample->grid), at = 0;
    *decaying = 0;
    for (size_t e = 0; e < net->elements; e++)
        *decaying += es_element_decays(&net->element[e]);
    double *current = ES_NEW(arena, steps * *decaying, double);
    struct replay hat = replay_new(sample, &sample->pass[0], arena);
    for (size_t n = 0; n < steps && *decaying; n++) {
        const double *u = sample->result[0].middle + n * net->nodes;
        to_middle(&hat, u);
        for (size_t e = 0; e < net->elements; e++)
            if (es_element_decays(&net->element[e]))
                current[at++] = model->k[e] * es_model_flux(model, e, hat.phi, hat.offset);
        to_end(&hat, u);
    }
    return current;
}

// The sum over the steps.
static void add_steps(const struct es_rule_sample *sample, struct es_arena *arena, double *slope) {
    const struct es_model *model = sample->model;
    const struct es_pass *free = &sample->free;
    size_t nodes = model->net->nodes, steps = es_grid_steps(sample->grid);
    double h = es_grid_step(sample->grid), *v = ES_NEW(arena, nodes, double), *decay = ES_NEW(arena, model->net->elements, double);
    double *q = ES_NEW(arena, nodes, double), *fall = ES_NEW(arena, nodes, double), *x = ES_NEW(arena, model->net->channels, double);
    struct replay run = replay_new(sample, free, arena);
    size_t decaying;
    const double *current = decaying_currents(sample, arena, &decaying);
    memcpy(v, free->voltage, nodes * sizeof *v);
    for (size_t n = 0; n < steps; n++) {
        const double *u = sample->free_result.middle + n * nodes, *hat = sample->result[0].middle + (steps - 1 - n) * nodes;
        to_middle(&run, u);
        for (size_t c = 0; c < model->net->channels; c++)
            x[c] = middle_of(sample->grid, free->input + c * sample->grid->points, n);
        for (size_t i = 0; i < nodes; i++) {
            q[i] = h * hat[i];
            fall[i] = 2 * (v[i] - u[i]); // - Delta v
            v[i] -= fall[i];
        }
        es_model_force_slope(model, run.phi, x, run.offset, q, slope);
        es_model_loss_slope(model, q, u, slope);
        es_model_mass_slope(model, hat, fall, slope);
        for (size_t e = 0, i = (steps - 1 - n) * decaying; e < model->net->elements && decaying; e++)
            if (es_element_decays(&model->net->element[e]))
                decay[e] += h * current[i++] * es_model_flux(model, e, run.phi, run.offset);
        to_end(&run, u);
    }
    es_model_decay_slope(model, decay, slope);
}

// What the state at t = 0 owes to theta. Returns the size of the second run.
static double add_start(const struct es_rule_sample *sample, struct es_arena *arena, double *slope) {
    const struct es_model *model = sample->model;
    const struct es_network *net = model->net;
    const struct es_result *hat = &sample->result[0];
    double *to_flux = ES_NEW(arena, net->nodes, double), *to_charge = ES_NEW(arena, net->nodes, double), *to_offset = ES_NEW(arena, net->elements, double);
    double *current = ES_NEW(arena, net->elements, double), *less = ES_NEW(arena, net->nodes, double);
    double size;
    (void)injection_of(sample, arena, to_flux, &size);
    es_model_currents(model, hat->flux, hat->offset, current);
    for (size_t e = 0; e < net->elements; e++) {
        es_add_across(&net->element[e], to_flux, -current[e]);
        to_offset[e] = es_element_own_state(&net->element[e]) ? -current[e] : 0;
    }
    for (size_t i = 0; i < net->nodes; i++) {
        to_charge[i] = net->node[i].source >= 0 ? 0 : hat->voltage[i];
        less[i] = -to_charge[i];
    }
    es_model_mass_slope(model, less, sample->free.voltage, slope); // v_0 = M^-1 p_0
    es_model_start_slope(model, sample->free.voltage, to_flux, to_charge, to_offset, slope);
    return size;
}

static enum es_status reciprocal_gradient(const struct es_rule_sample *sample, struct es_arena *arena, double *slope, struct es_error *error) {
    (void)error;
    size_t parameters = sample->model->net->parameters;
    double *sized = ES_NEW(arena, parameters, double);
    add_steps(sample, arena, sized);
    double size = add_start(sample, arena, sized);
    for (size_t i = 0; i < parameters; i++)
        slope[i] += sized[i] / size;
    return ES_OK;
}

const struct es_rule es_reciprocal = {
    .row = {"reciprocal", "one run of the network from rest with its outputs as inputs; linear networks, with any losses", "Director & Rohrer 1969; docs/theory.md 5"},
    .boundary = "rest at 0",
    .memory = "O(T): voltages of two runs",
    .local = true,
    .forward = true,
    .recorded = true,
    .lossy = true,
    .admits = reciprocal_admits,
    .passes = one_pass,
    .integrals = no_integrals,
    .injections = at_outputs,
    .plan = reciprocal_plan,
    .gradient = reciprocal_gradient,
};
