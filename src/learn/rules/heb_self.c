// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// Hamiltonian echo backpropagation, self-learning (Lopez-Pastor & Marquardt, PRX 13, 031020): every trained parameter is a mode (u, pi) of the
// circuit, see heb_self.h, and its own momentum after the echo is its gradient.
//     1. free pass 0 .. T from (phi_0, p_0), u, pi = 0
//     2. flip everything, then kick: pi -> -pi, p_e(0) = -p(T) - eta dC/dphi, phi_e(0) = phi(T) - eta dC/dp, p the forward momentum
//     3. echo 0 .. T with x(T - t'): then pi = -eta dC/du + O(eta^2), the even part removed by a second echo at -eta
//        dC/dtheta = -(pi(+eta) - pi(-eta)) / 2 eta / (dtheta/du)
// A friction dpi/dt = -kappa pi then moves u by pi / (m kappa): the step -(eta / m kappa) dC/du of the optimiser sgd, whose part that is here.
// Initial states get their gradients from the end of the echoes (rules/heb.c). A branch's own offset o is a mode of infinite mass, which does
// not move; its momentum `sigma` tells dC/do.
//
// The Hamiltonian is separable while no capacitance is trained, so that Verlet's scheme over (phi, u) and (p, pi) is symmetric and symplectic:
//     M (w - v) = (h/2) F(phi; theta(u)),  pi += (h/2) dL/du(phi, u)       w the voltage in the middle of the step
//     phi += h w,  u += h pi / m;  then the first line again, at the new (phi, u)
// As m grows u stays, and the gradient tends to that of the twin's Verlet scheme at fixed theta, with an error that falls as 1 / m.
#include "learn/heb_self.h"

#include "learn/free.h"
#include "net/validate.h"

#include <gsl/gsl_errno.h>
#include <gsl/gsl_linalg.h>
#include <math.h>
#include <string.h>

struct state {
    double *flux, *voltage; // [nodes]
    double *u, *pi;         // [parameters]; of initial states u stays and pi is 0
    double *sigma;          // [elements] momentum of the branches' own offsets [C]
};

struct circuit {
    const struct es_problem *problem;
    const struct es_network *net;
    const struct es_example *example;
    struct es_arena *arena;
    size_t steps;
    double h, mass;        // [s], m [J s^2]
    struct es_model start; // at theta
    const double *theta;
    double *factor;        // [nodes][nodes] Cholesky factor of M, sources held
    double *offset;        // [elements]
    bool turned;           // in the echo
    struct state now;
    double *moving;        // [parameters] theta(u), but for initial states
    double *force, *thrust, *current; // [nodes] F, [parameters] dL/du, [elements] dU/dpsi, at (phi, u)
    double *x, *change, *charge;      // [channels], [nodes] scratch
};

// ---- the network's energy scale --------------------------------------------------------------------------------------

// Inverse inductance at both ends of input e, the smaller; 0 where there is none.
static double inverse_inductance(const struct es_model *model, const struct es_element *input) {
    double at_p = 0, at_n = 0;
    for (size_t i = 0; i < model->net->elements; i++) {
        const struct es_element *e = &model->net->element[i];
        if (e->kind->term != ES_POTENTIAL)
            continue;
        at_p += e->p == input->p || e->n == input->p ? model->k[i] : 0;
        at_n += e->p == input->n || e->n == input->n ? model->k[i] : 0;
    }
    return input->n == ES_GROUND ? at_p : fmin(at_p, at_n);
}

static enum es_status energy_scale(const struct es_network *net, struct es_arena *arena, double *energy, struct es_error *error) {
    struct es_model model;
    double *theta = ES_NEW(arena, net->parameters, double), *x = ES_NEW(arena, net->channels, double), *flux = ES_NEW(arena, net->nodes, double);
    double *voltage = ES_NEW(arena, net->nodes, double), *offset = ES_NEW(arena, net->elements, double);
    for (size_t c = 0; c < net->channels; c++)
        x[c] = 1;
    es_network_start(net, theta);
    enum es_status status = es_model_new(net, theta, arena, &model, error);
    if (status == ES_OK)
        status = es_model_start(&model, x, flux, voltage, offset, error);
    if (status != ES_OK)
        return status;
    *energy = es_model_energy(&model, flux, voltage, offset);
    for (size_t e = 0; e < net->elements; e++) {
        double gamma = net->element[e].kind->term == ES_DRIVE ? inverse_inductance(&model, &net->element[e]) : 0;
        *energy += gamma > 0 ? model.k[e] * model.k[e] / (2 * gamma) : 0;
    }
    return *energy > 0 ? ES_OK : es_fail(error, ES_BAD_INPUT, "network \"%s\": 1 V at every channel stores no energy in it, to which the mass of its parameters could be relative", net->name);
}

// ---- the equations of motion -----------------------------------------------------------------------------------------

static bool held(const struct circuit *c, size_t node) {
    return c->net->node[node].source >= 0;
}

// b = M^-1 b at the nodes that no source holds, 0 at the others.
static void solve_mass(const struct circuit *c, double *b) {
    gsl_matrix_const_view factor = gsl_matrix_const_view_array(c->factor, c->net->nodes, c->net->nodes);
    gsl_vector_view vector = gsl_vector_view_array(b, c->net->nodes);
    for (size_t i = 0; i < c->net->nodes; i++)
        b[i] = held(c, i) ? 0 : b[i];
    gsl_linalg_cholesky_svx(&factor.matrix, &vector.vector);
}

// Input at grid point n of the pass that runs.
static double input_at(const struct circuit *c, size_t channel, size_t n) {
    const struct es_grid *grid = &c->problem->grid;
    size_t at = c->turned ? c->steps - n : n, i = at / grid->substeps, rest = at % grid->substeps;
    const double *s = c->example->input + channel * grid->points + i;
    return rest ? s[0] + (double)rest / (double)grid->substeps * (s[1] - s[0]) : s[0];
}

// The voltage of node i, which a source holds, at grid point n or in the middle of n .. n + 1.
static double source_at(const struct circuit *c, size_t i, size_t n, bool middle) {
    size_t e = (size_t)c->net->node[i].source, channel = (size_t)c->net->element[e].channel;
    double x = middle ? (input_at(c, channel, n) + input_at(c, channel, n + 1)) / 2 : input_at(c, channel, n);
    return (c->turned ? -1 : 1) * c->start.k[e] * x;
}

// Forces on the circuit, its modes and its offsets at grid point n.
static enum es_status find_forces(struct circuit *c, size_t n, struct es_error *error) {
    const struct es_network *net = c->net;
    struct es_arena *arena = es_arena_new();
    struct es_model model;
    for (size_t i = 0; i < net->parameters; i++)
        c->moving[i] = es_rule_initial(net, i) ? c->theta[i] : es_parameter_value(net, i, c->now.u[i]);
    for (size_t i = 0; i < net->channels; i++)
        c->x[i] = input_at(c, i, n);
    enum es_status status = es_model_new(net, c->moving, arena, &model, error);
    memset(c->thrust, 0, net->parameters * sizeof *c->thrust);
    if (status == ES_OK) {
        es_model_force(&model, c->now.flux, c->now.voltage, c->x, c->offset, c->force);
        es_model_currents(&model, c->now.flux, c->offset, c->current);
        es_model_lagrangian_slope(&model, c->now.flux, c->now.voltage, c->x, c->offset, c->current, c->thrust);
    }
    for (size_t i = 0; i < net->parameters; i++)
        c->thrust[i] *= es_parameter_slope(net, i, c->moving[i]);
    es_arena_free(arena);
    return status;
}

// M (v' - v) = (h/2) F, the sources' nodes being led; pi and sigma likewise.
static void kick(struct circuit *c, size_t n, bool middle) {
    const struct es_network *net = c->net;
    for (size_t i = 0; i < net->nodes; i++)
        c->change[i] = held(c, i) ? source_at(c, i, n, middle) - c->now.voltage[i] : 0;
    es_model_momentum(&c->start, c->change, c->charge);
    for (size_t i = 0; i < net->nodes; i++) {
        c->now.voltage[i] += c->change[i];
        c->charge[i] = c->h / 2 * c->force[i] - c->charge[i];
    }
    solve_mass(c, c->charge);
    for (size_t i = 0; i < net->nodes; i++)
        c->now.voltage[i] += c->charge[i];
    for (size_t i = 0; i < net->parameters; i++)
        c->now.pi[i] += c->h / 2 * c->thrust[i];
    for (size_t e = 0; e < net->elements; e++)
        c->now.sigma[e] -= c->h / 2 * c->current[e];
}

static void drift(struct circuit *c) {
    for (size_t i = 0; i < c->net->nodes; i++)
        c->now.flux[i] += c->h * c->now.voltage[i];
    for (size_t i = 0; i < c->net->parameters; i++)
        c->now.u[i] += c->h * c->now.pi[i] / c->mass;
}

static enum es_status run(struct circuit *c, struct es_error *error) {
    enum es_status status = find_forces(c, 0, error);
    for (size_t n = 0; n < c->steps && status == ES_OK; n++) {
        kick(c, n, true);
        drift(c);
        status = find_forces(c, n + 1, error);
        kick(c, n + 1, false);
    }
    return status;
}

// The flip, and before it, in terms of the forward momentum, the kick: flux and voltage [nodes] per unit of -eta, as es_cost_kick() has them.
static void turn(struct circuit *c, double eta, const double *flux, const double *voltage) {
    c->turned = true;
    for (size_t i = 0; i < c->net->nodes; i++) {
        c->now.flux[i] -= eta * flux[i];
        c->now.voltage[i] = -(c->now.voltage[i] - eta * voltage[i]);
    }
    for (size_t i = 0; i < c->net->parameters; i++)
        c->now.pi[i] = -c->now.pi[i];
    for (size_t e = 0; e < c->net->elements; e++)
        c->now.sigma[e] = -c->now.sigma[e];
}

// ---- opening ---------------------------------------------------------------------------------------------------------

static struct state state_new(const struct es_network *net, struct es_arena *arena) {
    return (struct state){ES_NEW(arena, net->nodes, double), ES_NEW(arena, net->nodes, double), ES_NEW(arena, net->parameters, double),
                          ES_NEW(arena, net->parameters, double), ES_NEW(arena, net->elements, double)};
}

static void copy_state(const struct es_network *net, const struct state *from, struct state *to) {
    memcpy(to->flux, from->flux, net->nodes * sizeof *to->flux);
    memcpy(to->voltage, from->voltage, net->nodes * sizeof *to->voltage);
    memcpy(to->u, from->u, net->parameters * sizeof *to->u);
    memcpy(to->pi, from->pi, net->parameters * sizeof *to->pi);
    memcpy(to->sigma, from->sigma, net->elements * sizeof *to->sigma);
}

static enum es_status factorise(struct circuit *c, struct es_error *error) {
    size_t n = c->net->nodes;
    es_model_mass(&c->start, c->factor);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++)
            if (held(c, i) || held(c, j))
                c->factor[i * n + j] = i == j;
    gsl_matrix_view matrix = gsl_matrix_view_array(c->factor, n, n);
    gsl_error_handler_t *handler = gsl_set_error_handler_off();
    int failed = gsl_linalg_cholesky_decomp1(&matrix.matrix);
    gsl_set_error_handler(handler);
    return failed ? es_fail(error, ES_BAD_INPUT, "network \"%s\": the mass matrix is singular; give every node a capacitor to ground", c->net->name) : ES_OK;
}

static void allocate(struct circuit *c) {
    const struct es_network *net = c->net;
    double **nodes[] = {&c->force, &c->change, &c->charge}, **parameters[] = {&c->moving, &c->thrust}, **elements[] = {&c->offset, &c->current};
    for (size_t i = 0; i < sizeof nodes / sizeof *nodes; i++)
        *nodes[i] = ES_NEW(c->arena, net->nodes, double);
    for (size_t i = 0; i < sizeof parameters / sizeof *parameters; i++)
        *parameters[i] = ES_NEW(c->arena, net->parameters, double);
    for (size_t i = 0; i < sizeof elements / sizeof *elements; i++)
        *elements[i] = ES_NEW(c->arena, net->elements, double);
    c->x = ES_NEW(c->arena, net->channels, double);
    c->factor = ES_NEW(c->arena, net->nodes * net->nodes, double);
    c->now = state_new(net, c->arena);
}

// The circuit at t = 0.
static enum es_status begin(const struct es_problem *problem, const double *theta, const struct es_example *example, struct es_arena *arena,
                            struct circuit *c, struct es_error *error) {
    const struct es_network *net = problem->net;
    double energy = 0, duration = problem->grid.interval * (double)(problem->grid.points - 1);
    *c = (struct circuit){.problem = problem, .net = net, .example = example, .arena = arena, .theta = theta,
                          .steps = es_grid_steps(&problem->grid), .h = es_grid_step(&problem->grid)};
    allocate(c);
    for (size_t i = 0; i < net->parameters; i++)
        c->now.u[i] = es_parameter_coordinate(net, i, theta[i]);
    for (size_t i = 0; i < net->channels; i++)
        c->x[i] = input_at(c, i, 0);
    enum es_status status = energy_scale(net, arena, &energy, error);
    c->mass = problem->mass * energy * duration * duration;
    if (status == ES_OK)
        status = es_model_new(net, theta, arena, &c->start, error);
    if (status == ES_OK)
        status = es_model_start(&c->start, c->x, c->now.flux, c->now.voltage, c->offset, error);
    return status == ES_OK ? factorise(c, error) : status;
}

// ---- the gradient ----------------------------------------------------------------------------------------------------

// The loss at T, and for unit -eta the kick flux, voltage [nodes]; *scale is eta per unit of the user's beta.
static enum es_status read_end(const struct circuit *c, double *loss, double *flux, double *voltage, double *scale, struct es_error *error) {
    const struct es_problem *problem = c->problem;
    double *value = ES_NEW(c->arena, c->net->outputs, double), *target = ES_NEW(c->arena, c->net->outputs, double);
    double *slope = ES_NEW(c->arena, c->net->outputs, double);
    struct es_result end = {.flux = c->now.flux, .voltage = c->now.voltage, .offset = c->offset};
    es_free_read(problem, &c->start, c->example, &end, c->arena, value, target);
    struct es_reading reading = {c->net, value, target, c->example->label, problem->temperature};
    *loss = problem->cost->loss(&reading);
    if (!isfinite(*loss))
        return es_fail(error, ES_FAILED, "the circuit of the rule heb-self diverged at step %g s; take a smaller step (more substeps), or a larger mass", c->h);
    problem->cost->slope(&reading, slope);
    enum es_status status = es_cost_kick(problem->cost, &c->start, slope, flux, voltage, error);
    *scale = es_cost_kick_scale(problem->cost, &c->start, slope, flux, voltage, es_model_energy(&c->start, c->now.flux, c->now.voltage, c->offset));
    return status;
}

// slope += what the ends of the echoes at +eta and -eta tell. D[.] of heb.c is the difference over -2 eta; the flip is undone by P = -M v.
static void add_slopes(const struct circuit *c, double eta, const struct state *plus, const struct state *minus, const double *voltage, double *slope) {
    const struct es_network *net = c->net;
    double *to_flux = ES_NEW(c->arena, net->nodes, double), *to_charge = ES_NEW(c->arena, net->nodes, double);
    double *to_offset = ES_NEW(c->arena, net->elements, double);
    for (size_t i = 0; i < net->nodes; i++) {
        c->change[i] = (plus->voltage[i] - minus->voltage[i]) / (-2 * eta);
        to_charge[i] = held(c, i) ? 0 : (plus->flux[i] - minus->flux[i]) / (-2 * eta);
    }
    es_model_momentum(&c->start, c->change, to_flux);
    for (size_t e = 0; e < net->elements; e++)
        to_offset[e] = es_element_own_state(&net->element[e]) ? (plus->sigma[e] - minus->sigma[e]) / (-2 * eta) : 0;
    for (size_t i = 0; i < net->parameters; i++)
        if (!es_rule_initial(net, i))
            slope[i] += (plus->pi[i] - minus->pi[i]) / (-2 * eta) / es_parameter_slope(net, i, c->theta[i]);
    es_model_start_slope(&c->start, voltage, to_flux, to_charge, to_offset, slope);
}

static enum es_status run_all(struct circuit *c, double *loss, double *slope, struct es_error *error) {
    const struct es_network *net = c->net;
    struct state end = state_new(net, c->arena), echo[2] = {state_new(net, c->arena), state_new(net, c->arena)}, start = state_new(net, c->arena);
    double *flux = ES_NEW(c->arena, net->nodes, double), *voltage = ES_NEW(c->arena, net->nodes, double), scale = 1;
    copy_state(net, &c->now, &start);
    enum es_status status = run(c, error);
    if (status == ES_OK)
        status = read_end(c, loss, flux, voltage, &scale, error);
    double eta = c->problem->beta * scale;
    copy_state(net, &c->now, &end);
    for (int i = 0; i < 2 && slope && status == ES_OK; i++) {
        copy_state(net, &end, &c->now);
        turn(c, i ? -eta : eta, flux, voltage);
        status = run(c, error);
        copy_state(net, &c->now, &echo[i]);
    }
    if (slope && status == ES_OK)
        add_slopes(c, eta, &echo[0], &echo[1], start.voltage, slope);
    return status;
}

static enum es_status heb_self_solve(const struct es_problem *problem, const double *theta, const struct es_example *example, double *loss,
                                     double *slope, size_t *iterations, struct es_error *error) {
    struct es_arena *arena = es_arena_new();
    struct circuit c;
    (void)iterations;
    enum es_status status = begin(problem, theta, example, arena, &c, error);
    if (status == ES_OK)
        status = run_all(&c, loss, slope, error);
    es_arena_free(arena);
    return status;
}

// ---- how it returns --------------------------------------------------------------------------------------------------

// H at the end of grid point n, sources aside.
static enum es_status total_energy(struct circuit *c, size_t n, double *energy, struct es_error *error) {
    struct es_model model;
    enum es_status status = find_forces(c, n, error); // for theta(u) and x
    if (status == ES_OK)
        status = es_model_new(c->net, c->moving, c->arena, &model, error);
    if (status != ES_OK)
        return status;
    es_model_momentum(&model, c->now.voltage, c->charge);
    *energy = -es_model_lagrangian(&model, c->now.flux, c->now.voltage, c->x, c->offset);
    for (size_t i = 0; i < c->net->nodes; i++)
        *energy += c->charge[i] * c->now.voltage[i];
    for (size_t i = 0; i < c->net->parameters; i++)
        *energy += c->now.pi[i] * c->now.pi[i] / (2 * c->mass);
    return ES_OK;
}

// The largest |sign a - b|; b may be NULL for 0.
static double largest(size_t count, double sign, const double *a, const double *b) {
    double size = 0;
    for (size_t i = 0; i < count; i++)
        size = fmax(size, fabs(sign * a[i] - (b ? b[i] : 0)));
    return size;
}

static enum es_status go_and_return(struct circuit *c, struct es_heb_return *back, struct es_error *error) {
    const struct es_network *net = c->net;
    struct state start = state_new(net, c->arena), end = state_new(net, c->arena);
    double *none = ES_NEW(c->arena, net->nodes, double), before = 0, after = 0;
    copy_state(net, &c->now, &start);
    enum es_status status = total_energy(c, 0, &before, error);
    if (status == ES_OK)
        status = run(c, error);
    if (status == ES_OK)
        status = total_energy(c, c->steps, &after, error);
    copy_state(net, &c->now, &end);
    turn(c, 0, none, none);
    if (status == ES_OK)
        status = run(c, error);
    back->moved = largest(net->parameters, 1, end.u, start.u);
    back->flux = largest(net->nodes, 1, c->now.flux, start.flux) / largest(net->nodes, 1, end.flux, NULL);
    back->voltage = largest(net->nodes, -1, c->now.voltage, start.voltage) / largest(net->nodes, 1, end.voltage, NULL);
    back->u = largest(net->parameters, 1, c->now.u, start.u) / back->moved;
    back->pi = largest(net->parameters, 1, c->now.pi, start.pi) / largest(net->parameters, 1, end.pi, NULL);
    back->energy = fabs(after - before) / es_model_energy(&c->start, end.flux, end.voltage, c->offset);
    return status;
}

enum es_status es_heb_self_return(const struct es_problem *problem, const double *theta, const struct es_example *example, struct es_heb_return *back,
                                  struct es_error *error) {
    struct es_arena *arena = es_arena_new();
    struct circuit c;
    enum es_status status = begin(problem, theta, example, arena, &c, error);
    if (status == ES_OK)
        status = go_and_return(&c, back, error);
    es_arena_free(arena);
    return status;
}

// ---- what it covers --------------------------------------------------------------------------------------------------

static enum es_status check_network(const struct es_network *net, struct es_error *error) {
    for (size_t i = 0; i < net->elements; i++) {
        const struct es_element *e = &net->element[i];
        if (e->kind->term == ES_DISSIPATION || e->kind->term == ES_SENSING)
            return es_fail(error, ES_BAD_INPUT,
                           "network \"%s\", line %d: %s \"%s\" follows from no Hamiltonian, and the rule heb-self needs one for circuit and parameters; remove it, or "
                           "take the rule rhel and losses=\"allowed\"", net->name, e->line, e->kind->row.name, e->name);
        if (e->kind->term == ES_KINETIC && e->parameter[0] != ES_FIXED)
            return es_fail(error, ES_BAD_INPUT,
                           "network \"%s\", line %d: the capacitance of \"%s\" is trained, and as a mode it would couple to momenta, so that Verlet's scheme of the "
                           "rule heb-self does not hold; train other elements, or take the rule rhel", net->name, e->line, e->name);
    }
    enum es_status status = es_validate_no_own_flux(net, "the rule heb-self; take the rule rhel", error);
    return status == ES_OK ? es_rule_lagrangian(net, false, error) : status;
}

static enum es_status check_engine(const struct es_engine *engine, struct es_error *error) {
    if (engine->kind == &es_twin && strcmp(engine->scheme->row.name, "verlet") == 0)
        return ES_OK;
    return es_fail(error, ES_BAD_INPUT, "the rule heb-self moves the parameters with the circuit, in the scheme verlet of the engine twin; it cannot run in %s (%s): expected "
                   "<engine name=\"twin\" scheme=\"verlet\"/>", engine->kind->row.name, engine->scheme->row.name);
}

static enum es_status heb_self_admits(const struct es_problem *problem, struct es_error *error) {
    enum es_status status = es_rule_terminal(problem->cost, es_heb_self.row.name, error);
    if (status == ES_OK)
        status = check_network(problem->net, error);
    if (status == ES_OK)
        status = check_engine(problem->engine, error);
    if (status == ES_OK && problem->reversal != &es_flip_voltages)
        return es_fail(error, ES_BAD_INPUT, "the rule heb-self turns round by flip-voltages, and by the momenta of its parameters; remove reversal=\"%s\"",
                       problem->reversal->row.name);
    return status;
}

const struct es_rule es_heb_self = {
    .row = {"heb-self", "parameters are modes of large mass; the momentum that an echo leaves them is their gradient, friction the optimiser sgd", "HEB, PRX 13, 031020"},
    .boundary = "all at T",
    .memory = "none",
    .bias = "biased: as 1 / mass, because the parameters move during a pass",
    .local = true,
    .admits = heb_self_admits,
    .solve = heb_self_solve,
};
