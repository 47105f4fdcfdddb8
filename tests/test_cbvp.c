// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// Boundary value problems: gradients by both solvers against finite differences of the rule's own loss, and solutions against the engine's free
// pass, a closed form and a frequency response.
#include "runner.h"
#include "support.h"

#include "learn/action.h"
#include "net/modes.h"

#include <gsl/gsl_linalg.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static const double weber = 3.29e-16, volt = 1.9e-5; // the scale of test_mixed_network
static const double part = 0.1;                      // of it, where there is one solution near
static const double periods[] = {0.4, 2.3, 6.7};     // of the fastest mode
static const double nudge[] = {1e-3, 1e-4, 1e-4};    // beta, and the step of differences: where little resonates, more keeps clear of rounding
enum { DURATIONS = 3, STEPS = 20 };

static const struct es_rule *const rules[] = {&es_cbvp, &es_cbvp_flow, &es_cbvp_periodic, &es_cbvp_periodic_flow};

// Inputs and initial state of a nonlinear network, at which its resonances still are one solution each.
static void quieten(struct test_setting *s) {
    double *input = (double *)s->example.input;
    for (size_t i = 0; i < s->net->channels * s->problem.grid.points; i++)
        input[i] *= part;
    for (size_t e = 0; e < s->net->elements; e++) {
        struct es_element *element = &s->net->element[e];
        if (element->kind == &es_initial)
            element->value[0] *= part;
        else if (element->kind->initial_flux)
            element->value[element->kind->initial] *= part;
    }
}

static void add_final(struct es_network *net, int node, double flux) {
    net->element[test_add(net, &es_final, node, ES_GROUND, 0, 0, 0)].value[0] = flux;
}

// Linear with inductors, gyrators and coupling capacitors; of gyrators; or of all kinds, coupled inductors among them.
enum { LINEAR, GYRATORS, MIXED, NETWORKS };

static struct test_setting set_up(int network, uint64_t seed, int duration, const struct es_cost *cost, bool windowed) {
    enum es_read read = cost == &es_flux_tracking ? ES_READ_FLUX : ES_READ_VOLTAGE;
    struct es_network *net = network == LINEAR   ? test_random_network(seed, 6, false)
                             : network == MIXED ? test_mixed_network(seed, 6, TEST_NONLINEAR, read, false)
                                                : test_mixed_network(seed, 6, TEST_NONLINEAR | TEST_GYRATORS, read, false);
    double flux = network == LINEAR ? 1e-8 : part * weber, peak = read == ES_READ_FLUX ? flux : network == LINEAR ? 0.5 : part * volt;
    for (size_t o = 0; o < net->outputs; o++)
        net->element[net->output[o]].read = read;
    for (int i = 0; i < 5; i++) // the sixth has none: 0
        add_final(net, i, (i % 2 ? -0.3 : 0.4) * flux);
    struct test_setting s = test_at_start(net);
    double omega = es_modes_fastest(net, s.theta);
    s.problem = (struct es_problem){.net = net, .cost = cost, .reversal = &es_flip_voltages, .engine = test_engine(&es_twin, net, "midpoint", 0),
                                    .grid = test_grid(net, STEPS, 1 + (size_t)(periods[duration] * STEPS)), .beta = nudge[duration]};
    s.example = test_example(net, seed, &s.problem.grid, omega, peak, -1);
    if (windowed)
        s.example.window = test_window(net, &s.problem.grid);
    if (network != LINEAR)
        quieten(&s);
    es_network_start(net, s.theta);
    return s;
}

static double *gradient(struct test_setting *s, const struct es_rule *rule, size_t *iterations) {
    struct es_gradient gradient = {.slope = ES_NEW(s->net->arena, s->net->parameters, double)};
    struct es_error error = {""};
    s->problem.rule = rule;
    ck_assert_msg(es_gradient(&s->problem, s->theta, 1, &s->example, &gradient, &error) == ES_OK, "%s", error.text);
    *iterations = gradient.iterations;
    return gradient.slope;
}

// In the limit of a small nudge: the bias is O(beta^2).
static double *limit(struct test_setting *s, const struct es_rule *rule, size_t *iterations) {
    const double *coarse = gradient(s, rule, iterations);
    s->problem.beta /= 2;
    double *fine = gradient(s, rule, iterations);
    s->problem.beta *= 2;
    for (size_t i = 0; i < s->net->parameters; i++)
        fine[i] = (4 * fine[i] - coarse[i]) / 3;
    return fine;
}

static double *differences(struct test_setting *s, double step) {
    double *slope = ES_NEW(s->net->arena, s->net->parameters, double);
    struct es_error error = {""};
    ck_assert_msg(es_finite_differences(&s->problem, s->theta, 1, &s->example, step, slope, &error) == ES_OK, "%s", error.text);
    return slope;
}

// ---- gradients -------------------------------------------------------------------------------------------------------

// Half of the parameters, for which differences do not take as long.
static void compare(int network, uint64_t seed, int duration, const struct es_cost *cost, bool windowed, bool periodic) {
    struct test_setting s = set_up(network, seed, duration, cost, windowed);
    test_thin(s.net, 2, seed);
    es_network_start(s.net, s.theta);
    size_t newton_steps, flow_steps;
    const struct es_rule *const *pair = rules + (periodic ? 2 : 0);
    const double *newton = limit(&s, pair[0], &newton_steps), *flow = limit(&s, pair[1], &flow_steps);
    s.problem.rule = pair[0];
    const double *exact = differences(&s, nudge[duration]);
    double to_exact = test_distance(s.net, s.theta, newton, exact), flow_to_exact = test_distance(s.net, s.theta, flow, exact);
    double between = test_distance(s.net, s.theta, flow, newton);
    printf("network %d, %.1f periods, %-16s%s %s: to differences %.1e, flow %.1e, flow to Newton %.1e; %zu and %zu iterations\n", network, periods[duration],
           cost->row.name, windowed ? " in a window" : "", periodic ? "periodic" : "held", to_exact, flow_to_exact, between, newton_steps, flow_steps);
    bool flux = cost == &es_flux_tracking; // voltages are small differences of fluxes
    double tolerance = flux ? 2e-8 : 1e-6;
    ck_assert_double_lt(to_exact, tolerance);
    ck_assert_double_lt(flow_to_exact, tolerance);
    ck_assert_double_lt(between, flux ? 2.5e-9 : 2e-7);
    test_tear_down(&s);
}

START_TEST(gradients_are_exact) {
    int network = _i % NETWORKS, duration = _i / NETWORKS % DURATIONS, rest = _i / NETWORKS / DURATIONS;
    compare(network, (uint64_t)_i + 3, duration, rest % 2 ? &es_voltage_tracking : &es_flux_tracking, (_i + rest) % 2, rest / 2);
}
END_TEST

// ---- solutions -------------------------------------------------------------------------------------------------------

struct trace {
    size_t nodes, points;
    double *path;
};

static void keep_point(void *context, double t, const double *flux, const double *voltage) {
    struct trace *trace = context;
    (void)t, (void)voltage;
    memcpy(trace->path + trace->nodes * trace->points++, flux, trace->nodes * sizeof *flux);
}

static double distance(size_t n, const double *a, const double *b) {
    double difference = 0, size = 0;
    for (size_t i = 0; i < n; i++) {
        difference += pow(a[i] - b[i], 2);
        size += b[i] * b[i];
    }
    return sqrt(difference / size);
}

// The engine's pass of s.example from this state; the path [steps + 1][nodes] and the voltages at T.
static double *run_engine(struct test_setting *s, const struct es_pass *pass, double *voltage) {
    struct trace trace = {s->net->nodes, 0, ES_NEW(s->net->arena, (es_grid_steps(&s->problem.grid) + 1) * s->net->nodes, double)};
    struct es_sink sink = {keep_point, &trace};
    struct es_batch batch = {.grid = s->problem.grid, .passes = 1, .pass = pass, .sink = &sink};
    struct es_result *result = es_results_new(s->net->arena, s->net, 0, 1);
    struct es_error error = {""};
    ck_assert_msg(es_engine_run(s->problem.engine, &batch, result, &error) == ES_OK, "%s", error.text);
    ck_assert_uint_eq(trace.points, es_grid_steps(&s->problem.grid) + 1);
    memcpy(voltage, result->voltage, s->net->nodes * sizeof *voltage);
    return trace.path;
}

struct problem {
    struct es_model model;
    struct es_action action;
    struct es_pass pass; // of the same example, from the state at t = 0
    double *path;
};

static struct problem action_of(struct test_setting *s, bool periodic) {
    struct es_network *net = s->net;
    struct problem p = {.path = ES_NEW(net->arena, (es_grid_steps(&s->problem.grid) + 1) * net->nodes, double)};
    double *flux = ES_NEW(net->arena, net->nodes, double), *voltage = ES_NEW(net->arena, net->nodes, double), *offset = ES_NEW(net->arena, net->elements, double);
    double x[2] = {s->example.input[0], net->channels > 1 ? s->example.input[s->problem.grid.points] : 0};
    ck_assert_int_eq(es_model_new(net, s->theta, net->arena, &p.model, NULL), ES_OK);
    ck_assert_int_eq(es_model_start(&p.model, x, flux, voltage, offset, NULL), ES_OK);
    p.pass = (struct es_pass){.theta = s->theta, .flux = flux, .voltage = voltage, .offset = offset, .input = s->example.input};
    p.action = (struct es_action){.grid = &s->problem.grid, .input = s->example.input, .target = s->example.target, .window = s->example.window, .offset = offset, .first = periodic ? NULL : flux};
    return p;
}

static const struct es_action_solver *const solvers[] = {&es_action_newton, &es_action_flow};

// The loss of a path against that of the engine's free pass.
static double loss_error(struct test_setting *s, const struct problem *p) {
    double *value = ES_NEW(s->net->arena, s->net->outputs, double), loss = NAN;
    struct es_reading reading = {s->net, value, NULL, -1, 0};
    struct es_free free = {.loss = &loss};
    s->problem.rule = &es_rhel;
    ck_assert_int_eq(es_losses(&s->problem, s->theta, 1, &s->example, &free, NULL), ES_OK);
    es_action_read(&p->action, p->path, value);
    return fabs(s->problem.cost->loss(&reading) / loss - 1);
}

// Between the two ends of the engine's free pass, near it, lies that pass again, with its charge at t = 0 and its loss.
START_TEST(solution_is_the_free_pass) {
    struct test_setting s = set_up(_i % NETWORKS, (uint64_t)_i + 60, _i / NETWORKS, _i % 2 ? &es_voltage_tracking : &es_flux_tracking, _i / 2 % 2);
    s.problem.grid.substeps = 1 + (size_t)_i % 2;
    struct problem p = action_of(&s, false);
    size_t nodes = s.net->nodes, n = (es_grid_steps(&s.problem.grid) + 1) * nodes, iterations = 0;
    double *end = ES_NEW(s.net->arena, nodes, double), *charge = ES_NEW(s.net->arena, nodes, double), *momentum = ES_NEW(s.net->arena, nodes, double);
    const double *pass = run_engine(&s, &p.pass, end);
    p.action.model = &p.model;
    p.action.last = pass + n - nodes;
    es_model_momentum(&p.model, p.pass.voltage, momentum);
    for (int i = 0; i < 2; i++) {
        struct es_error error = {""};
        for (size_t j = 0; j < n; j++) // 1 % off inside
            p.path[j] = pass[j] * (j < nodes || j >= n - nodes ? 1 : 1 + 0.01 * sin((double)j));
        ck_assert_msg(solvers[i]->solve(&p.action, p.path, &iterations, &error) == ES_OK, "%s", error.text);
        es_action_charge(&p.action, p.path, charge);
        double of_path = distance(n, p.path, pass), of_charge = distance(nodes, charge, momentum), of_loss = loss_error(&s, &p);
        printf("network %d, %.1f periods, %s: to the free pass %.1e, charge at 0 %.1e, loss %.1e\n", _i % NETWORKS, periods[_i / NETWORKS], solvers[i]->row.name,
               of_path, of_charge, of_loss);
        ck_assert_double_lt(of_path, 4e-14);
        ck_assert_double_lt(of_charge, 6e-14);
        ck_assert_double_lt(of_loss, 5e-14);
    }
    test_tear_down(&s);
}
END_TEST

// A periodic path repeats: the engine, begun with its flux and charge at 0, comes back to both at T.
START_TEST(periodic_path_returns) {
    struct test_setting s = set_up(_i % NETWORKS, (uint64_t)_i + 3, _i / NETWORKS, &es_flux_tracking, false);
    struct problem p = action_of(&s, true);
    size_t nodes = s.net->nodes, n = (es_grid_steps(&s.problem.grid) + 1) * nodes, iterations = 0;
    double *end = ES_NEW(s.net->arena, nodes, double), *start = ES_NEW(s.net->arena, nodes, double), *charge = ES_NEW(s.net->arena, nodes, double);
    struct es_error error = {""};
    p.action.model = &p.model;
    ck_assert_msg(es_action_newton.solve(&p.action, p.path, &iterations, &error) == ES_OK, "%s", error.text);
    es_action_charge(&p.action, p.path, charge);
    ck_assert_int_eq(es_model_velocity(&p.model, charge, start, NULL), ES_OK);
    p.pass.flux = p.path;
    p.pass.voltage = start;
    const double *pass = run_engine(&s, &p.pass, end);
    double of_path = distance(n, p.path, pass), of_voltage = distance(nodes, end, start);
    double before = es_model_energy(&p.model, pass, start, p.pass.offset), after = es_model_energy(&p.model, pass + n - nodes, end, p.pass.offset);
    printf("network %d, %.1f periods: to the engine's %.1e, voltages at T to those at 0 %.1e, stored energy %.1e\n", _i % NETWORKS, periods[_i / NETWORKS], of_path,
           of_voltage, fabs(after / before - 1));
    ck_assert_double_lt(of_path, 1e-14);
    ck_assert_double_lt(of_voltage, 2e-13);
    ck_assert_double_lt(fabs(after / before - 1), 3e-14);
    test_tear_down(&s);
}
END_TEST

// One oscillator of angular frequency omega, N steps, phi(0) = 1 nWb, phi(T) = -0.4 nWb, without or with an input.
static struct test_setting oscillator(double omega, size_t steps, double gain) {
    struct es_network *net = test_network(1);
    double c = 1e-9, interval = 1e-9;
    test_add(net, &es_capacitor, 0, ES_GROUND, c, 0, 0);
    test_train(net, test_add(net, &es_inductor, 0, ES_GROUND, 1 / (omega * omega * c), 0, 0), 0, &es_log);
    test_add(net, &es_input, 0, ES_GROUND, gain, 0, 0);
    test_output(net, 0, ES_READ_FLUX, -1);
    test_initial(net, 0, 1e-9, NAN, NAN);
    add_final(net, 0, -0.4e-9);
    struct test_setting s = test_at_start(net);
    s.problem = (struct es_problem){.net = net, .cost = &es_flux_tracking, .reversal = &es_flip_voltages, .engine = test_engine(&es_twin, net, "midpoint", 0),
                                    .grid = {interval, steps + 1, 1}, .beta = 1e-6};
    s.example = test_example(net, 1, &s.problem.grid, omega, 1e-9, -1);
    return s;
}

// phi_n = [phi_0 sin(W (N - n)) + phi_N sin(W n)] / sin(W N), tan(W / 2) = omega h / 2; Newton's method gets there at once.
START_TEST(one_oscillator) {
    struct test_setting s = oscillator(0.3e9, 100, 0);
    struct problem p = action_of(&s, false);
    double last = -0.4e-9, w = 2 * atan(0.3 / 2), exact[101];
    p.action.model = &p.model;
    p.action.last = &last;
    for (int n = 0; n <= 100; n++)
        exact[n] = (1e-9 * sin(w * (100 - n)) + last * sin(w * n)) / sin(w * 100);
    for (int i = 0; i < 2; i++) {
        size_t iterations = 0;
        es_action_line(&p.action, p.path);
        ck_assert_int_eq(solvers[i]->solve(&p.action, p.path, &iterations, NULL), ES_OK);
        printf("one oscillator, %s: off by %.1e after %zu iterations\n", solvers[i]->row.name, distance(101, p.path, exact), iterations);
        ck_assert_double_lt(distance(101, p.path, exact), 1e-14);
        ck_assert_uint_le(iterations, i ? 20 : 2);
    }
    test_tear_down(&s);
}
END_TEST

// Driven by cos(2 pi k n / N), a linear network's periodic path is Phi cos(2 pi k n / N), (K - W^2 M) Phi = g a, W = (2 / h) tan(pi k / N).
START_TEST(periodic_path_is_the_frequency_response) {
    enum { NODES = 6, N = 50, TURNS = 3 };
    struct test_setting s = set_up(LINEAR, 5, 1, &es_flux_tracking, false);
    struct es_network *net = s.net;
    s.problem.grid.points = N + 1;
    double *input = ES_NEW(net->arena, 2 * (N + 1), double), omega = 2 / es_grid_step(&s.problem.grid) * tan(M_PI * TURNS / N);
    for (int n = 0; n <= N; n++)
        input[n] = input[N + 1 + n] = cos(2 * M_PI * TURNS * n / N);
    s.example.input = input;
    struct problem p = action_of(&s, true);
    p.action.model = &p.model;
    double mass[NODES * NODES], matrix[NODES * NODES], drive[NODES] = {0}, response[NODES], exact[(N + 1) * NODES], x[2] = {1, 1}, still[NODES] = {0};
    es_model_mass(&p.model, mass);
    es_model_stiffness(&p.model, NULL, p.pass.offset, matrix);
    for (int i = 0; i < NODES * NODES; i++)
        matrix[i] -= omega * omega * mass[i];
    es_model_force(&p.model, still, still, x, NULL, drive);
    gsl_matrix_view m = gsl_matrix_view_array(matrix, NODES, NODES);
    gsl_vector_view d = gsl_vector_view_array(drive, NODES), r = gsl_vector_view_array(response, NODES);
    ck_assert_int_eq(gsl_linalg_HH_solve(&m.matrix, &d.vector, &r.vector), 0);
    for (int i = 0; i < (N + 1) * NODES; i++)
        exact[i] = response[i % NODES] * input[i / NODES];
    for (int i = 0; i < 2; i++) {
        size_t iterations = 0;
        memset(p.path, 0, sizeof exact);
        ck_assert_int_eq(solvers[i]->solve(&p.action, p.path, &iterations, NULL), ES_OK);
        printf("frequency response, %s: off by %.1e after %zu iterations\n", solvers[i]->row.name, distance((N + 1) * NODES, p.path, exact), iterations);
        ck_assert_double_lt(distance((N + 1) * NODES, p.path, exact), 2e-14);
        ck_assert_uint_le(iterations, i ? 20 : 2);
    }
    test_tear_down(&s);
}
END_TEST

// From 1e-3 and 1e-6 off, in a nonlinear network: errors 1e-3, below 1e-6, below 1e-12; or 1e-6, below 1e-12.
START_TEST(newton_is_quadratic) {
    struct test_setting s = set_up(MIXED, 9, 1, &es_flux_tracking, false);
    struct problem p = action_of(&s, true);
    size_t nodes = s.net->nodes, n = (es_grid_steps(&s.problem.grid) + 1) * nodes, iterations = 0;
    double *exact = ES_NEW(s.net->arena, n, double);
    p.action.model = &p.model;
    ck_assert_int_eq(es_action_newton.solve(&p.action, p.path, &iterations, NULL), ES_OK);
    memcpy(exact, p.path, n * sizeof *exact);
    for (int i = 0; i < 2; i++) {
        iterations = 0;
        for (size_t j = 0; j < n; j++)
            p.path[j] = exact[j] * (1 + (i ? 1e-6 : 1e-3) * sin((double)(j % (n - nodes)))); // its last point is its first
        ck_assert_int_eq(es_action_newton.solve(&p.action, p.path, &iterations, NULL), ES_OK);
        printf("Newton from %g off: %zu iterations, off by %.1e\n", i ? 1e-6 : 1e-3, iterations, distance(n, p.path, exact));
        ck_assert_double_lt(distance(n, p.path, exact), 6e-15);
        ck_assert_uint_le(iterations, i ? 2 : 3);
    }
    test_tear_down(&s);
}
END_TEST

// ---- refusals --------------------------------------------------------------------------------------------------------

// Whole half periods (held) and periods (periodic) of the discrete oscillator fit in T.
START_TEST(resonance_is_refused) {
    for (int i = 0; i < 4; i++)
        for (int off = 0; off < 2; off++) {
            double omega = 2e9 * tan(M_PI * 4 / (i < 2 ? 2 : 1) / 60 * (off ? 1.01 : 1)), loss;
            size_t iterations = 0;
            struct test_setting s = oscillator(omega, 60, 1e-3);
            struct es_error error = {""};
            enum es_status status = rules[i]->solve(&s.problem, s.theta, &s.example, &loss, NULL, &iterations, &error);
            ck_assert_int_eq(status, off ? ES_OK : ES_FAILED);
            ck_assert_msg(off || strstr(error.text, i < 2 ? "half periods of a mode" : "number of periods of a mode"), "%s", error.text);
            test_tear_down(&s);
        }
}
END_TEST

static void refused(const struct es_rule *rule, struct es_network *net, const struct es_cost *cost, struct es_engine *engine, const char *why) {
    struct es_error error = {""};
    enum es_status status = rule->admits(&(struct es_problem){.net = net, .cost = cost, .engine = engine, .reversal = &es_flip_voltages, .losses_allowed = true}, &error);
    ck_assert_int_eq(status, why ? ES_BAD_INPUT : ES_OK);
    ck_assert_msg(!why || strstr(error.text, why), "\"%s\" does not say \"%s\"", error.text, why);
}

START_TEST(refusals_say_why) {
    for (int i = 0; i < 4; i++) {
        struct es_network *net = test_ring(false);
        struct es_engine *engine = test_engine(&es_ngspice, net, NULL, 1);
        refused(rules[i], net, &es_flux_tracking, NULL, NULL);
        refused(rules[i], net, &es_flux_tracking, engine, "take engine twin");
        refused(rules[i], net, &es_terminal_flux, NULL, "take a running cost");
        refused(rules[i], net, &es_energy_crossentropy, NULL, "take a tracking cost");
        size_t initial = test_initial(net, 4, 1e-9, 0.1, NAN);
        test_train(net, initial, 0, &es_logistic);
        refused(rules[i], net, &es_flux_tracking, NULL, i < 2 ? NULL : "trains a flux at t = 0");
        test_train(net, initial, 1, &es_logistic);
        refused(rules[i], net, &es_flux_tracking, NULL, "the initial voltage of node \"n4\" is trained");
        net->parameters = 0;
        test_add(net, &es_conductance, 3, ES_GROUND, 1e-3, 0, 0);
        refused(rules[i], net, &es_flux_tracking, NULL, "conductance");
        es_engine_close(engine);
        es_network_free(net);
    }
}
END_TEST

START_TEST(sources_and_states_of_branches) {
    for (int i = 0; i < 4; i++) {
        struct es_network *net = test_ring(false);
        size_t l = test_add(net, &es_inductor, 0, ES_GROUND, 1e-6, 0, 0);
        net->element[l].value[1] = 1e-3;
        refused(rules[i], net, &es_flux_tracking, NULL, i < 2 ? NULL : "has a state of its own at t = 0");
        test_add(net, &es_source, 7, ES_GROUND, 1, 0, 0);
        refused(rules[i], net, &es_flux_tracking, NULL, "flux at T can then not be chosen");
        es_network_free(net);
    }
}
END_TEST

Suite *test_suite(void) {
    Suite *suite = suite_create("cbvp");
    TCase *gradients = tcase_create("gradients"), *solutions = tcase_create("solutions"), *refusals = tcase_create("refusals");
    tcase_set_timeout(gradients, 120);
    tcase_set_timeout(solutions, 60);
    tcase_add_loop_test(gradients, gradients_are_exact, 0, NETWORKS * DURATIONS * 4);
    tcase_add_loop_test(solutions, solution_is_the_free_pass, 0, NETWORKS * DURATIONS);
    tcase_add_loop_test(solutions, periodic_path_returns, 0, NETWORKS * DURATIONS);
    tcase_add_test(solutions, one_oscillator);
    tcase_add_test(solutions, periodic_path_is_the_frequency_response);
    tcase_add_test(solutions, newton_is_quadratic);
    tcase_add_test(refusals, resonance_is_refused);
    tcase_add_test(refusals, refusals_say_why);
    tcase_add_test(refusals, sources_and_states_of_branches);
    suite_add_tcase(suite, gradients);
    suite_add_tcase(suite, solutions);
    suite_add_tcase(suite, refusals);
    return suite;
}
