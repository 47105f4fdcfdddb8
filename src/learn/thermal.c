// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
#include "learn/thermal.h"

#include "core/random.h"
#include "net/rates.h"

#include <assert.h>
#include <gsl/gsl_errno.h>
#include <gsl/gsl_linalg.h>
#include <math.h>
#include <string.h>

const struct es_sampler es_stored_energy = {
    .row = {"stored-energy", "E = energy in capacitors and inductors [J], by the Johnson noise of the network's own conductances, on which it does not depend",
            "Johnson, Nyquist 1928; docs/theory.md 9"},
    .unit = "J",
    .nudge = {[ES_READ_VOLTAGE] = &es_capacitor, [ES_READ_FLUX] = &es_inductor},
    .noise = ES_DISSIPATION,
    .in_energy = {[ES_KINETIC] = true, [ES_POTENTIAL] = true, [ES_COUPLING] = true, [ES_DRIVE] = true},
};

const struct es_sampler es_co_content = {
    .row = {"co-content", "E = co-content of conductances and inputs [W], by white currents of 2 T C beside every capacitor C, on which it does not depend",
            "Langevin; docs/theory.md 9"},
    .unit = "W",
    .nudge = {[ES_READ_VOLTAGE] = &es_conductance},
    .noise = ES_KINETIC,
    .electric = true,
    .in_energy = {[ES_DISSIPATION] = true, [ES_DRIVE] = true},
};

const struct es_row *const es_samplers[] = {&es_stored_energy.row, &es_co_content.row, NULL};

// ---- the nudged network ----------------------------------------------------------------------------------------------

// One example's network at nudge b.
struct nudged {
    const struct es_problem *problem;
    const struct es_example *example;
    struct es_network net;
    struct es_model model;
    double *theta, *x, *target; // [parameters], [channels of the nudged network], [outputs of the problem's network]
    double b;
    size_t injections;
    struct es_injection *injection; // beside the elements that make noise
};

static struct es_element *append(struct es_network *net, const struct es_element *like, const struct es_element_kind *kind, double value, struct es_arena *arena) {
    struct es_element *e = &net->element[net->elements++];
    *e = *like;
    e->name = es_arena_printf(arena, "%s.%zu", kind->row.name, net->elements);
    e->kind = kind;
    e->channel = -1;
    for (size_t q = 0; q < ES_QUANTITIES; q++) {
        e->value[q] = NAN;
        e->parameter[q] = ES_FIXED;
    }
    e->value[0] = value;
    return e;
}

// b (r - y)^2 / 2 = b r^2 / 2 - b y r + b y^2 / 2: an element and, but for a capacitor, whose target is 0, a drive.
static void add_nudges(struct nudged *n, struct es_arena *arena) {
    const struct es_network *own = n->problem->net;
    n->net.channel = ES_NEW(arena, own->channels + own->outputs, const char *);
    memcpy(n->net.channel, own->channel, own->channels * sizeof *own->channel);
    for (size_t o = 0; o < own->outputs && n->b > 0; o++) {
        const struct es_element *output = &own->element[own->output[o]];
        const struct es_element_kind *kind = n->problem->sampler->nudge[output->read];
        append(&n->net, output, kind, kind == &es_inductor ? 1 / n->b : n->b, arena);
        if (kind == &es_capacitor)
            continue;
        n->x[n->net.channels] = n->target[o];
        n->net.channel[n->net.channels] = es_arena_printf(arena, "target.%zu", o);
        append(&n->net, output, &es_input, n->b, arena)->channel = (int)n->net.channels++;
    }
}

static void list_noise(struct nudged *n, struct es_arena *arena) {
    n->injection = ES_NEW(arena, n->net.elements, struct es_injection);
    for (size_t e = 0; e < n->net.elements; e++)
        if (n->net.element[e].kind->term == n->problem->sampler->noise)
            n->injection[n->injections++].element = e;
}

static enum es_status check_targets(const struct nudged *n, struct es_error *error) {
    const struct es_network *net = n->problem->net;
    for (size_t o = 0; o < net->outputs; o++) {
        const struct es_element *e = &net->element[net->output[o]];
        if (n->problem->sampler->nudge[e->read] == &es_capacitor && n->target[o] != 0)
            return es_fail(error, ES_BAD_INPUT, "network \"%s\", line %d: output \"%s\" has the target %g V, to which a nudge capacitor pulls nothing in thermal equilibrium, as it "
                           "charges; expected 0 V, or a flux output", net->name, e->line, e->name, n->target[o]);
    }
    return ES_OK;
}

static enum es_status nudge(const struct es_problem *problem, const double *theta, const struct es_example *example, double b, struct es_arena *arena,
                            struct nudged *n, struct es_error *error) {
    const struct es_network *own = problem->net;
    *n = (struct nudged){.problem = problem, .example = example, .net = *own, .b = b, .theta = ES_NEW(arena, own->parameters, double),
                         .x = ES_NEW(arena, own->channels + own->outputs, double), .target = ES_NEW(arena, own->outputs, double)};
    memcpy(n->theta, theta, own->parameters * sizeof *theta);
    for (size_t c = 0; c < own->channels; c++)
        n->x[c] = example->input[c * problem->grid.points];
    for (size_t o = 0; o < own->outputs; o++)
        n->target[o] = example->target ? example->target[(o + 1) * problem->grid.points - 1] : 0;
    n->net.element = ES_NEW(arena, own->elements + 2 * own->outputs, struct es_element);
    memcpy(n->net.element, own->element, own->elements * sizeof *own->element);
    add_nudges(n, arena);
    list_noise(n, arena);
    enum es_status status = check_targets(n, error);
    return status == ES_OK ? es_model_new(&n->net, n->theta, arena, &n->model, error) : status;
}

// ---- closed form: A = min F + (T / 2) ln det H of a Gaussian, but for what has no parameters --------------------------

// z = the sources' voltages, 0 at the other nodes; right = i - H z, i being the drives' currents.
static void load(const struct nudged *n, const double *matrix, bool driven, double *z, double *right) {
    const struct es_network *net = &n->net;
    for (size_t e = 0; e < net->elements && driven; e++)
        if (net->element[e].kind->term == ES_DRIVE)
            es_add_across(&net->element[e], right, n->model.k[e] * n->x[net->element[e].channel]);
    for (size_t i = 0; i < net->nodes; i++) {
        int source = net->node[i].source;
        z[i] = source >= 0 ? n->model.k[source] * n->x[net->element[source].channel] : 0;
    }
    for (size_t i = 0; i < net->nodes; i++)
        for (size_t j = 0; j < net->nodes; j++)
            right[i] -= matrix[i * net->nodes + j] * z[j];
}

// matrix H becomes its factor, with 1 at the nodes of sources.
static enum es_status factor(const struct nudged *n, double *matrix, struct es_error *error) {
    const struct es_network *net = &n->net;
    size_t size = net->nodes;
    for (size_t i = 0; i < size; i++)
        for (size_t j = 0; j < size; j++)
            if (net->node[i].source >= 0 || net->node[j].source >= 0)
                matrix[i * size + j] = i == j;
    gsl_matrix_view h = gsl_matrix_view_array(matrix, size, size);
    gsl_error_handler_t *handler = gsl_set_error_handler_off();
    int failed = gsl_linalg_cholesky_decomp1(&h.matrix);
    gsl_set_error_handler(handler);
    return failed ? es_fail(error, ES_BAD_INPUT, "network \"%s\": the sampler %s finds a node that its energy does not hold, so that it has no equilibrium; give every node a%s",
                            net->name, n->problem->sampler->row.name, n->problem->sampler->electric ? " conductance" : "n inductor, or none and no input") : ES_OK;
}

// x [nodes] = H^-1 x at the free nodes, and 0 at those of sources; matrix is the factor.
static void solve(const struct es_network *net, double *matrix, double *x) {
    for (size_t i = 0; i < net->nodes; i++)
        x[i] = net->node[i].source >= 0 ? 0 : x[i];
    gsl_matrix_view h = gsl_matrix_view_array(matrix, net->nodes, net->nodes);
    gsl_vector_view right = gsl_vector_view_array(x, net->nodes);
    gsl_linalg_cholesky_svx(&h.matrix, &right.vector);
}

// energy += min (z' H z / 2 - i' z) + (T / 2) ln det H over the free z; H becomes its factor.
static enum es_status add_gaussian(const struct nudged *n, double *matrix, bool driven, struct es_arena *arena, double *energy, struct es_error *error) {
    const struct es_network *net = &n->net;
    size_t size = net->nodes;
    double *z = ES_NEW(arena, size, double), *right = ES_NEW(arena, size, double), *solution = ES_NEW(arena, size, double);
    load(n, matrix, driven, z, right);
    for (size_t i = 0; i < size; i++)
        for (size_t j = 0; j < size; j++) // what the sources alone have
            *energy += matrix[i * size + j] * z[i] * z[j] / 2;
    for (size_t e = 0; e < net->elements && driven; e++)
        if (net->element[e].kind->term == ES_DRIVE)
            *energy -= n->model.k[e] * n->x[net->element[e].channel] * es_across(&net->element[e], z);
    enum es_status status = factor(n, matrix, error);
    if (status != ES_OK)
        return status;
    memcpy(solution, right, size * sizeof *right);
    solve(net, matrix, solution);
    for (size_t i = 0; i < size; i++)
        *energy += n->problem->kt * log(matrix[i * size + i]) - right[i] * solution[i] / 2;
    return ES_OK;
}

// Whether a stored energy knows fluxes.
static bool moves_flux(const struct es_network *net) {
    return es_network_has(net, ES_POTENTIAL) || es_network_has(net, ES_DRIVE);
}

// A_b
static enum es_status free_energy(const struct es_problem *problem, const double *theta, const struct es_example *example, double b, double *energy,
                                  struct es_error *error) {
    struct es_arena *arena = es_arena_new();
    struct nudged n;
    enum es_status status = nudge(problem, theta, example, b, arena, &n, error);
    double *matrix = ES_NEW(arena, n.net.nodes * n.net.nodes, double);
    *energy = 0;
    for (size_t o = 0; o < problem->net->outputs; o++)
        *energy += b * n.target[o] * n.target[o] / 2;
    if (status == ES_OK) {
        (problem->sampler->electric ? es_model_conductance : es_model_mass)(&n.model, matrix);
        status = add_gaussian(&n, matrix, problem->sampler->electric, arena, energy, error);
    }
    if (status == ES_OK && !problem->sampler->electric && moves_flux(&n.net)) {
        es_model_stiffness(&n.model, NULL, NULL, matrix);
        status = add_gaussian(&n, matrix, true, arena, energy, error);
    }
    es_arena_free(arena);
    return status;
}

enum es_status es_energy_gap(const struct es_problem *problem, const double *theta, const struct es_example *example, double *gap, struct es_error *error) {
    double b = 0, nudged = 0, free = 0;
    enum es_status status = es_thermal_nudge(problem, &b, error);
    if (status == ES_OK)
        status = free_energy(problem, theta, example, 0, &free, error);
    if (status == ES_OK)
        status = free_energy(problem, theta, example, b, &nudged, error);
    *gap = (nudged - free) / b;
    return status;
}

enum es_status es_thermal_compliance(const struct es_problem *problem, const double *theta, const struct es_example *example, double *compliance,
                                     struct es_error *error) {
    struct es_arena *arena = es_arena_new();
    struct nudged n;
    enum es_status status = nudge(problem, theta, example, 0, arena, &n, error);
    double *matrix = ES_NEW(arena, n.net.nodes * n.net.nodes, double), *x = ES_NEW(arena, n.net.nodes, double);
    *compliance = 0;
    if (status == ES_OK && problem->sampler->electric)
        es_model_conductance(&n.model, matrix);
    else if (status == ES_OK && problem->cost->reads == ES_READ_FLUX_AT_END)
        es_model_stiffness(&n.model, NULL, NULL, matrix);
    else if (status == ES_OK)
        es_model_mass(&n.model, matrix);
    if (status == ES_OK)
        status = factor(&n, matrix, error);
    for (size_t o = 0; o < problem->net->outputs && status == ES_OK; o++) {
        const struct es_element *output = &n.net.element[n.net.output[o]];
        memset(x, 0, n.net.nodes * sizeof *x);
        es_add_across(output, x, 1);
        solve(&n.net, matrix, x);
        *compliance += es_across(output, x);
    }
    es_arena_free(arena);
    return status;
}

// ---- sampling --------------------------------------------------------------------------------------------------------

// injection [injections][steps]
static const double *draw_noise(const struct nudged *n, size_t run, struct es_arena *arena) {
    enum { RUNS = 1 << 20 }; // of one update
    const struct es_problem *problem = n->problem;
    size_t steps = es_grid_steps(&problem->grid);
    assert(run < RUNS);
    double *injection = ES_NEW(arena, n->injections * steps, double);
    for (size_t j = 0; j < n->injections; j++) {
        size_t e = n->injection[j].element;
        struct es_stream stream = {.seed = problem->seed, .purpose = ES_RANDOM_NOISE, .id = e, .sample = n->example->sample, .update = problem->update * RUNS + run};
        double size = sqrt(2 * problem->kt * n->model.k[e] / es_grid_step(&problem->grid));
        for (size_t i = 0; i < steps; i++)
            injection[j * steps + i] = size * es_random_normal(&stream);
    }
    return injection;
}

// The pass of every chain, but for its noise: from the state of rest, so that no chain has farther to go than its noise takes it, however cold it is.
static enum es_status plan(const struct nudged *n, struct es_arena *arena, struct es_pass *pass, struct es_error *error) {
    const struct es_network *net = &n->net;
    bool electric = n->problem->sampler->electric;
    size_t points = n->problem->grid.points, nodes = net->nodes;
    double *input = ES_NEW(arena, net->channels * points, double), *matrix = ES_NEW(arena, nodes * nodes, double), *right = ES_NEW(arena, nodes, double);
    double *flux = ES_NEW(arena, nodes, double), *voltage = ES_NEW(arena, nodes, double), *rest = electric ? voltage : flux;
    for (size_t c = 0; c < net->channels; c++)
        for (size_t i = 0; i < points; i++)
            input[c * points + i] = n->x[c];
    *pass = (struct es_pass){.theta = n->theta, .flux = flux, .voltage = voltage, .offset = ES_NEW(arena, net->elements, double), .input = input};
    if (!electric && !moves_flux(net))
        return ES_OK;
    if (electric)
        es_model_conductance(&n->model, matrix);
    else
        es_model_stiffness(&n->model, NULL, NULL, matrix);
    load(n, matrix, true, rest, right);
    enum es_status status = factor(n, matrix, error);
    if (status == ES_OK)
        solve(net, matrix, right);
    for (size_t i = 0; i < nodes && status == ES_OK; i++)
        rest[i] += right[i];
    return status;
}

static double cost_at(const struct nudged *n, const double *flux, const double *voltage) {
    const struct es_network *net = n->problem->net;
    double sum = 0;
    for (size_t o = 0; o < net->outputs; o++) {
        const struct es_element *e = &net->element[net->output[o]];
        double miss = es_across(e, e->read == ES_READ_FLUX ? flux : voltage) - n->target[o];
        sum += miss * miss / 2;
    }
    return sum;
}

// slope [parameters] = dE/dtheta: of a stored energy -dL/dtheta, but +dL/dtheta where it is kinetic; of a co-content v^2 / 2 and -x v.
static void energy_slope(const struct nudged *n, const double *flux, const double *voltage, double *current, double *slope) {
    const struct es_network *net = n->problem->net;
    bool electric = n->problem->sampler->electric;
    memset(slope, 0, net->parameters * sizeof *slope);
    es_model_currents(&n->model, flux, NULL, current);
    es_model_lagrangian_slope(&n->model, electric ? voltage : flux, voltage, n->x, NULL, current, slope);
    for (size_t i = 0; i < net->parameters; i++) {
        const struct es_element *e = &net->element[net->parameter[i].element];
        double v = es_across(e, voltage);
        slope[i] = e->kind->term == ES_DISSIPATION ? es_element_scale(e, net->parameter[i].quantity) * v * v / 2 : e->kind->term == ES_KINETIC ? slope[i] : -slope[i];
    }
}

// The steps in which the network that runs forgets its start to e^-5: the midpoint rule shrinks e^{s t} by |(1 + h s / 2) / (1 - h s / 2)| in one.
static enum es_status forgetting(const struct nudged *n, size_t *steps, struct es_error *error) {
    const struct es_grid *grid = &n->problem->grid;
    struct es_arena *arena = es_arena_new();
    struct es_rates rates;
    enum es_status status = es_rates(&n->model, arena, &rates, error);
    double most = 0, real = 0;
    for (size_t i = 0; i < rates.count && status == ES_OK; i++) {
        double a = es_grid_step(grid) * rates.real[i] / 2, b = es_grid_step(grid) * rates.imaginary[i] / 2, needed = 10 / log1p(-4 * a / ((1 + a) * (1 + a) + b * b));
        if (needed > most) {
            most = needed;
            real = rates.real[i];
        }
    }
    es_arena_free(arena);
    *steps = (size_t)ceil(fmin(most, 1e15));
    if (status == ES_OK && 2 * *steps > es_grid_steps(grid))
        return es_fail(error, ES_BAD_INPUT, "network \"%s\": its slowest motion has a time constant of %.3g s and needs %zu steps of %.3g s to forget its beginning, and a pass has %zu; "
                       "expected at least twice as many: a longer pass%s", n->net.name, -1 / real, *steps, es_grid_step(grid), es_grid_steps(grid),
                       -real * es_grid_step(grid) > 2 ? ", or more substeps, as steps much longer than a time constant forget slowly" : "");
    return status;
}

// Means along one pass from step `first` on. The middles of its steps tell its grid points: v_{n+1} = 2 m_n - v_n, phi_{n+1} = phi_n + h m_n.
static void average(const struct nudged *n, size_t first, const struct es_pass *pass, const struct es_result *result, struct es_arena *arena,
                    struct es_chain_means *mean) {
    const struct es_network *net = &n->net;
    const struct es_grid *grid = &n->problem->grid;
    size_t steps = es_grid_steps(grid), parameters = n->problem->net->parameters;
    double *flux = ES_NEW(arena, net->nodes, double), *voltage = ES_NEW(arena, net->nodes, double), *current = ES_NEW(arena, net->elements, double);
    double *slope = ES_NEW(arena, parameters, double);
    memcpy(flux, pass->flux, net->nodes * sizeof *flux);
    memcpy(voltage, pass->voltage, net->nodes * sizeof *voltage);
    for (size_t s = 0; s < steps; s++) {
        const double *middle = result->middle + s * net->nodes;
        for (size_t i = 0; i < net->nodes; i++) {
            voltage[i] = 2 * middle[i] - voltage[i];
            flux[i] += es_grid_step(grid) * middle[i];
        }
        if (s < first)
            continue;
        double share = 1 / (double)(s - first + 1), cost = cost_at(n, flux, voltage) - mean->cost; // Welford's recurrence
        energy_slope(n, flux, voltage, current, slope);
        mean->cost += share * cost;
        for (size_t i = 0; i < parameters; i++) {
            mean->slope[i] += share * (slope[i] - mean->slope[i]);
            mean->covariance[i] += share * (cost * (slope[i] - mean->slope[i]) - mean->covariance[i]);
        }
    }
}

// A batch of chains, the first of which is `from`.
static enum es_status run_batch(const struct nudged *n, struct es_engine *engine, const struct es_pass *quiet, size_t run, size_t first, size_t from,
                                size_t chains, struct es_chain_means *mean, struct es_error *error) {
    struct es_arena *scratch = es_arena_new();
    struct es_pass *pass = ES_NEW(scratch, chains, struct es_pass);
    struct es_batch batch = {.grid = n->problem->grid, .injections = n->injections, .injection = n->injection, .passes = chains, .pass = pass, .recorded = true};
    struct es_result *result = es_results_new(scratch, &n->net, 0, chains);
    es_results_add_middles(scratch, &n->net, &batch.grid, chains, result);
    for (size_t c = 0; c < chains; c++) {
        pass[c] = *quiet;
        pass[c].injection = draw_noise(n, run * n->problem->chains + from + c, scratch);
    }
    enum es_status status = es_engine_run(engine, &batch, result, error);
    for (size_t c = 0; c < chains && status == ES_OK; c++)
        average(n, first, &pass[c], &result[c], scratch, &mean[from + c]);
    es_arena_free(scratch);
    return status;
}

static enum es_status run_chains(const struct nudged *n, size_t run, struct es_arena *arena, struct es_chain_means *mean, struct es_error *error) {
    enum { MOST = 256 }; // chains in memory, with all their noise and steps
    const struct es_engine *own = n->problem->engine;
    struct es_engine *engine = NULL;
    size_t first = 0, chains = n->problem->chains;
    struct es_pass quiet;
    enum es_status status = plan(n, arena, &quiet, error);
    if (status == ES_OK)
        status = forgetting(n, &first, error);
    if (status == ES_OK)
        status = es_engine_open(own->kind, &n->net, &(struct es_engine_options){.scheme = own->scheme->row.name, .jobs = own->jobs}, &engine, error);
    for (size_t from = 0; from < chains && status == ES_OK; from += MOST)
        status = run_batch(n, engine, &quiet, run, first, from, chains - from < MOST ? chains - from : MOST, mean, error);
    es_engine_close(engine);
    return status;
}

enum es_status es_thermal_sample(const struct es_problem *problem, const double *theta, const struct es_example *example, double b, size_t run,
                                 struct es_arena *arena, struct es_chain_means **mean, struct es_error *error) {
    struct nudged n;
    enum es_status status = nudge(problem, theta, example, b, arena, &n, error);
    *mean = ES_NEW(arena, problem->chains, struct es_chain_means);
    for (size_t c = 0; c < problem->chains; c++)
        (*mean)[c] = (struct es_chain_means){.slope = ES_NEW(arena, problem->net->parameters, double), .covariance = ES_NEW(arena, problem->net->parameters, double)};
    return status == ES_OK ? run_chains(&n, run, arena, *mean, error) : status;
}

// The smaller sum of the coefficients of that term at the ends of a branch.
static double reference(const struct es_model *model, const struct es_element *branch, enum es_term term) {
    double least = INFINITY;
    for (int end = 0; end < 2; end++) {
        int node = end ? branch->n : branch->p;
        double sum = 0;
        for (size_t e = 0; e < model->net->elements && node >= 0; e++)
            if (model->net->element[e].kind->term == term && (model->net->element[e].p == node || model->net->element[e].n == node))
                sum += model->k[e];
        least = node >= 0 ? fmin(least, sum) : least;
    }
    return least;
}

enum es_status es_thermal_nudge(const struct es_problem *problem, double *b, struct es_error *error) {
    const struct es_network *net = problem->net;
    struct es_arena *arena = es_arena_new();
    struct es_model model;
    double least = INFINITY, *theta = ES_NEW(arena, net->parameters, double);
    es_network_start(net, theta);
    enum es_status status = es_model_new(net, theta, arena, &model, error);
    for (size_t o = 0; o < net->outputs && status == ES_OK; o++) {
        const struct es_element *output = &net->element[net->output[o]];
        const struct es_element_kind *kind = problem->sampler->nudge[output->read];
        double here = reference(&model, output, kind->term);
        if (!(here > 0))
            status = es_fail(error, ES_BAD_INPUT, "network \"%s\", line %d: output \"%s\" is where no %s is, to which the nudge could be relative; add one", net->name,
                             output->line, output->name, kind->row.name);
        least = fmin(least, here);
    }
    *b = problem->beta * least;
    es_arena_free(arena);
    return status;
}
