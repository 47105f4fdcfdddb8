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
enum { DURATIONS = 3, STEPS = 20 };

static const struct es_rule *const rules[] = {&es_cbvp, &es_cbvp_flow, &es_cbvp_periodic, &es_cbvp_periodic_flow};

struct setting {
    struct es_network *net;
    struct es_problem problem;
    struct es_example example;
    double *theta;
};

// Input and initial fluxes of a nonlinear network, at which its resonances still are one solution each.
static void quieten(struct setting *s) {
    double *input = (double *)s->example.input;
    for (size_t i = 0; i < s->net->channels * s->problem.grid.points; i++)
        input[i] *= part;
    for (size_t e = 0; e < s->net->elements; e++)
        if (s->net->element[e].kind == &es_initial)
            s->net->element[e].value[0] *= part;
}

static void add_final(struct es_network *net, int node, double flux) {
    net->element[test_add(net, &es_final, node, ES_GROUND, 0, 0, 0)].value[0] = flux;
}

// Linear with inductors, gyrators and coupling capacitors; of gyrators; or of all kinds, coupled inductors among them.
enum { LINEAR, GYRATORS, MIXED, NETWORKS };

static struct setting set_up(int network, uint64_t seed, int duration, const struct es_cost *cost, bool windowed) {
    enum es_read read = cost == &es_flux_tracking ? ES_READ_FLUX : ES_READ_VOLTAGE;
    struct es_network *net = network == LINEAR   ? test_random_network(seed, 6, false)
                             : network == MIXED ? test_mixed_network(seed, 6, TEST_NONLINEAR, read, false)
                                                : test_mixed_network(seed, 6, TEST_NONLINEAR | TEST_GYRATORS, read, false);
    double flux = network == LINEAR ? 1e-8 : part * weber, peak = read == ES_READ_FLUX ? flux : network == LINEAR ? 0.5 : part * volt;
    for (size_t o = 0; o < net->outputs; o++)
        net->element[net->output[o]].read = read;
    for (int i = 0; i < 5; i++) // the sixth has none: 0
        add_final(net, i, (i % 2 ? -0.3 : 0.4) * flux);
    struct setting s = {.net = net, .theta = ES_NEW(net->arena, net->parameters, double)};
    es_network_start(net, s.theta);
    double omega = es_modes_fastest(net, s.theta);
    s.problem = (struct es_problem){.net = net, .cost = cost, .reversal = &es_flip_voltages, .engine = test_engine(&es_twin, net, "midpoint", 0),
                                    .grid = test_grid(net, STEPS, 1 + (size_t)(periods[duration] * STEPS)), .beta = 1e-4};
    s.example = test_example(net, seed, &s.problem.grid, omega, peak, -1);
    if (windowed)
        s.example.window = test_window(net, &s.problem.grid);
    if (network != LINEAR)
        quieten(&s);
    es_network_start(net, s.theta);
    return s;
}

static void tear_down(struct setting *s) {
    es_engine_close(s->problem.engine);
    es_network_free(s->net);
}

static double *gradient(struct setting *s, const struct es_rule *rule, size_t *iterations) {
    struct es_gradient gradient = {.slope = ES_NEW(s->net->arena, s->net->parameters, double)};
    struct es_error error = {""};
    s->problem.rule = rule;
    ck_assert_msg(es_gradient(&s->problem, s->theta, 1, &s->example, &gradient, &error) == ES_OK, "%s", error.text);
    *iterations = gradient.iterations;
    return gradient.slope;
}

// In the limit of a small nudge: the bias is O(beta^2).
static double *limit(struct setting *s, const struct es_rule *rule, size_t *iterations) {
    const double *coarse = gradient(s, rule, iterations);
    s->problem.beta /= 2;
    double *fine = gradient(s, rule, iterations);
    s->problem.beta *= 2;
    for (size_t i = 0; i < s->net->parameters; i++)
        fine[i] = (4 * fine[i] - coarse[i]) / 3;
    return fine;
}

static double *differences(struct setting *s, double step) {
    double *slope = ES_NEW(s->net->arena, s->net->parameters, double);
    struct es_error error = {""};
    ck_assert_msg(es_finite_differences(&s->problem, s->theta, 1, &s->example, step, slope, &error) == ES_OK, "%s", error.text);
    return slope;
}

// ---- gradients -------------------------------------------------------------------------------------------------------

static void compare(int network, uint64_t seed, int duration, const struct es_cost *cost, bool windowed, bool periodic) {
    struct setting s = set_up(network, seed, duration, cost, windowed);
    size_t newton_steps, flow_steps;
    const struct es_rule *const *pair = rules + (periodic ? 2 : 0);
    const double *newton = limit(&s, pair[0], &newton_steps), *flow = limit(&s, pair[1], &flow_steps);
    const double *exact = differences(&s, 1e-4);
    double to_exact = test_distance(s.net, s.theta, newton, exact), flow_to_exact = test_distance(s.net, s.theta, flow, exact);
    double between = test_distance(s.net, s.theta, flow, newton);
    printf("network %d, %.1f periods, %-16s%s %s: to differences %.1e, flow %.1e, flow to Newton %.1e; %zu and %zu iterations\n", network, periods[duration],
           cost->row.name, windowed ? " in a window" : "", periodic ? "periodic" : "held", to_exact, flow_to_exact, between, newton_steps, flow_steps);
    ck_assert_double_lt(to_exact, 1e-6);
    ck_assert_double_lt(flow_to_exact, 1e-6);
    ck_assert_double_lt(between, 1e-6);
    tear_down(&s);
}

START_TEST(gradients_are_exact) {
    int network = _i % NETWORKS, duration = _i / NETWORKS % DURATIONS, rest = _i / NETWORKS / DURATIONS;
    compare(network, (uint64_t)_i + 3, duration, rest % 2 ? &es_voltage_tracking : &es_flux_tracking, (_i + rest) % 2, rest / 2);
}
END_TEST

Suite *test_suite(void) {
    Suite *suite = suite_create("cbvp");
    TCase *gradients = tcase_create("gradients");
    tcase_set_timeout(gradients, 120);
    tcase_add_loop_test(gradients, gradients_are_exact, 0, NETWORKS * DURATIONS * 4);
    suite_add_tcase(suite, gradients);
    return suite;
}
