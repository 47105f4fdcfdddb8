// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// The echo's gradient against central finite differences in the same engine and against the discrete adjoint.
#include "runner.h"
#include "support.h"

#include "net/modes.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

struct setting {
    struct es_network *net;
    struct es_problem problem;
    struct es_example example;
    double *theta, *echo, *difference, *adjoint;
};

static struct setting set_up(struct es_network *net, const struct es_cost *cost, const struct es_engine_kind *kind, const char *scheme, double steps) {
    struct setting s = {.net = net};
    s.theta = ES_NEW(net->arena, net->parameters, double);
    s.echo = ES_NEW(net->arena, net->parameters, double);
    s.difference = ES_NEW(net->arena, net->parameters, double);
    s.adjoint = ES_NEW(net->arena, net->parameters, double);
    es_network_start(net, s.theta);
    s.problem = (struct es_problem){
        .net = net,
        .cost = cost,
        .rule = &es_echo,
        .engine = test_engine(kind, net, scheme, 0),
        .grid = test_grid(net, steps, (size_t)(7 * steps)),
        .beta = 1e-5,
    };
    s.example = test_example(net, 3, &s.problem.grid, es_modes_fastest(net, s.theta), cost->labels ? 1 : -1);
    return s;
}

static void tear_down(struct setting *s) {
    es_engine_close(s->problem.engine);
    es_network_free(s->net);
}

static void echo(struct setting *s, double beta, double *slope) {
    struct es_gradient gradient = {.slope = slope};
    struct es_error error = {""};
    s->problem.beta = beta;
    ck_assert_msg(es_gradient(&s->problem, s->theta, 1, &s->example, &gradient, &error) == ES_OK, "%s", error.text);
}

static void differences(struct setting *s) {
    struct es_error error = {""};
    ck_assert_msg(es_finite_differences(&s->problem, s->theta, 1, &s->example, 1e-3, s->difference, &error) == ES_OK, "%s", error.text);
}

static struct es_network *network(int which) {
    return which < 2 ? test_ring(which == 1) : test_random_network((uint64_t)which, 9, which >= 5);
}

static const struct es_cost *cost(int which) {
    return which >= 5 ? &es_energy_crossentropy : &es_flux_tracking;
}

// Rings and random networks, tracking and energies of voltage and of flux, inductors, gyrators and input gains.
START_TEST(twin_is_exact) {
    static const char *const schemes[] = {"verlet", "midpoint"};
    for (int i = 0; i < 2; i++) {
        struct setting s = set_up(network(_i), cost(_i), &es_twin, schemes[i], 20);
        struct es_error error = {""};
        differences(&s);
        ck_assert_int_eq(es_adjoint(&s.problem, s.theta, 1, &s.example, s.adjoint, &error), ES_OK);
        echo(&s, 1e-5, s.echo);
        double to_difference = test_distance(s.net, s.theta, s.echo, s.difference), to_adjoint = test_distance(s.net, s.theta, s.echo, s.adjoint);
        // Richardson: the bias is O(beta^2)
        double *coarse = ES_NEW(s.net->arena, s.net->parameters, double);
        echo(&s, 1e-3, coarse);
        echo(&s, 5e-4, s.echo);
        for (size_t j = 0; j < s.net->parameters; j++)
            s.echo[j] = (4 * s.echo[j] - coarse[j]) / 3;
        double richardson = test_distance(s.net, s.theta, s.echo, s.adjoint);
        printf("twin %s, network %d: to differences %.1e, to the adjoint %.1e, by Richardson %.1e\n", schemes[i], _i, to_difference, to_adjoint, richardson);
        ck_assert_double_lt(to_difference, 5e-8);
        ck_assert_double_lt(richardson, 1e-9);
        ck_assert_double_lt(to_adjoint, 5e-8);
        tear_down(&s);
    }
}
END_TEST

START_TEST(ngspice_is_exact) {
    struct setting s = set_up(network(_i), cost(_i), &es_ngspice, NULL, 20);
    differences(&s);
    echo(&s, 1e-5, s.echo);
    double distance = test_distance(s.net, s.theta, s.echo, s.difference), cosine = test_cosine(s.net, s.theta, s.echo, s.difference);
    printf("ngspice, network %d: to differences %.1e, 1 - cosine %.1e\n", _i, distance, 1 - cosine);
    ck_assert_double_lt(distance, 3e-6);
    ck_assert_double_lt(1 - cosine, 1e-11);
    tear_down(&s);
}
END_TEST

// The bias of the symmetric nudge falls by 100 for each decade of beta.
START_TEST(bias_is_quadratic_in_beta) {
    struct setting s = set_up(test_ring(false), &es_flux_tracking, &es_twin, "midpoint", 20);
    ck_assert_int_eq(es_adjoint(&s.problem, s.theta, 1, &s.example, s.adjoint, NULL), ES_OK);
    echo(&s, 1e-3, s.echo);
    double coarse = test_distance(s.net, s.theta, s.echo, s.adjoint);
    echo(&s, 1e-4, s.echo);
    ck_assert_double_eq_tol(coarse / test_distance(s.net, s.theta, s.echo, s.adjoint), 100, 1);
    tear_down(&s);
}
END_TEST

// Exact for the discretised loss at any step, also a coarse one.
START_TEST(exact_at_ten_steps_per_period) {
    const struct es_engine_kind *const kinds[] = {&es_twin, &es_ngspice};
    for (int i = 0; i < 2; i++) {
        struct setting s = set_up(test_ring(true), &es_flux_tracking, kinds[i], NULL, 10);
        differences(&s);
        echo(&s, 1e-5, s.echo);
        ck_assert_double_lt(test_distance(s.net, s.theta, s.echo, s.difference), i ? 1e-6 : 1e-7);
        tear_down(&s);
    }
}
END_TEST

START_TEST(echo_returns) {
    static const struct {
        const struct es_engine_kind *kind;
        const char *scheme;
        double retrace, drift;
    } cases[] = {{&es_twin, "verlet", 1e-14, 1e-2}, {&es_twin, "midpoint", 1e-14, 1e-13}, {&es_ngspice, "trapezoidal", 2e-9, 2e-9}};
    for (int i = 0; i < 3; i++) {
        struct setting s = set_up(test_ring(false), &es_flux_tracking, cases[i].kind, cases[i].scheme, 20);
        struct es_reversal reversal;
        ck_assert_int_eq(es_reversal(&s.problem, s.theta, &s.example, &reversal, NULL), ES_OK);
        printf("%s %s: retrace %.1e, energy drift %.1e\n", cases[i].kind->row.name, cases[i].scheme, reversal.retrace, reversal.energy_drift);
        ck_assert_double_lt(reversal.retrace, cases[i].retrace);
        ck_assert_double_lt(reversal.energy_drift, cases[i].drift);
        tear_down(&s);
    }
}
END_TEST

// ngspice's own stepping does not return: the check must be able to see that.
START_TEST(adaptive_stepping_does_not_return) {
    struct setting s = set_up(test_ring(false), &es_flux_tracking, &es_ngspice, "adaptive", 20);
    struct es_reversal reversal;
    ck_assert_int_eq(es_reversal(&s.problem, s.theta, &s.example, &reversal, NULL), ES_OK);
    printf("ngspice adaptive: retrace %.1e\n", reversal.retrace);
    ck_assert_double_gt(reversal.retrace, 1e-5);
    tear_down(&s);
}
END_TEST

// A resistor is refused by the echo, and where losses are allowed the gradient is biased.
START_TEST(losses_are_refused_and_bias) {
    struct es_network *net = test_ring(false);
    struct es_error error = {""};
    size_t e = test_add(net, &es_conductance, 3, ES_GROUND, 1e-3, 0, 0);
    ck_assert_int_eq(es_echo.admits(net, false, &error), ES_BAD_INPUT);
    ck_assert_ptr_nonnull(strstr(error.text, net->element[e].name));
    ck_assert_int_eq(es_echo.admits(net, true, &error), ES_OK);
    struct setting s = set_up(net, &es_flux_tracking, &es_twin, "midpoint", 20);
    differences(&s);
    echo(&s, 1e-5, s.echo);
    ck_assert_double_gt(test_distance(s.net, s.theta, s.echo, s.difference), 1e-2);
    ck_assert_double_gt(test_cosine(s.net, s.theta, s.echo, s.difference), 0.5);
    tear_down(&s);
}
END_TEST

// With a conductance the two engines still agree on the loss.
START_TEST(losses_agree_between_engines) {
    double loss[2];
    const struct es_engine_kind *const kinds[] = {&es_twin, &es_ngspice};
    for (int i = 0; i < 2; i++) {
        struct es_network *net = test_ring(true);
        test_add(net, &es_conductance, 3, ES_GROUND, 1e-3, 0, 0);
        struct setting s = set_up(net, &es_flux_tracking, kinds[i], NULL, 20);
        struct es_free free = {.loss = &loss[i]};
        ck_assert_int_eq(es_losses(&s.problem, s.theta, 1, &s.example, &free, NULL), ES_OK);
        tear_down(&s);
    }
    ck_assert_double_eq_tol(loss[0] / loss[1], 1, 1e-7);
}
END_TEST

Suite *test_suite(void) {
    Suite *suite = suite_create("gradient");
    TCase *tests = tcase_create("gradient");
    tcase_set_timeout(tests, 120);
    tcase_add_loop_test(tests, twin_is_exact, 0, 9);
    tcase_add_loop_test(tests, ngspice_is_exact, 0, 9);
    tcase_add_test(tests, bias_is_quadratic_in_beta);
    tcase_add_test(tests, exact_at_ten_steps_per_period);
    tcase_add_test(tests, echo_returns);
    tcase_add_test(tests, adaptive_stepping_does_not_return);
    tcase_add_test(tests, losses_are_refused_and_bias);
    tcase_add_test(tests, losses_agree_between_engines);
    suite_add_tcase(suite, tests);
    return suite;
}
