// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// The echo's gradient against central finite differences in the same engine and against the discrete adjoint.
#include "runner.h"
#include "support.h"

#include "net/modes.h"
#include "net/validate.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct test_setting set_up_scaled(struct es_network *net, const struct test_kind *kind, const struct es_engine_kind *engine, const char *scheme,
                                         double steps) {
    struct test_setting s = test_set_up(net, kind, test_grid(net, steps, (size_t)(7 * steps)));
    s.problem.rule = &es_rhel;
    s.problem.engine = test_engine(engine, net, scheme, 0);
    return s;
}

// Targets at the scale of the inputs.
static struct test_setting set_up(struct es_network *net, const struct es_cost *cost, const struct es_engine_kind *engine, const char *scheme, double steps) {
    double *theta = ES_NEW(net->arena, net->parameters, double);
    es_network_start(net, theta);
    return set_up_scaled(net, &(struct test_kind){.cost = cost, .peak = 0.2 / es_modes_fastest(net, theta)}, engine, scheme, steps);
}

static void echo(struct test_setting *s, double beta, double *slope) {
    s->problem.beta = beta;
    test_gradient(s, slope);
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
        struct test_setting s = set_up(network(_i), cost(_i), &es_twin, schemes[i], 20);
        test_differences(&s);
        test_adjoint(&s);
        echo(&s, 1e-5, s.slope);
        double to_difference = test_distance(s.net, s.theta, s.slope, s.difference), to_adjoint = test_distance(s.net, s.theta, s.slope, s.adjoint);
        // Richardson: the bias is O(beta^2)
        double *coarse = ES_NEW(s.net->arena, s.net->parameters, double);
        echo(&s, 1e-3, coarse);
        echo(&s, 5e-4, s.slope);
        for (size_t j = 0; j < s.net->parameters; j++)
            s.slope[j] = (4 * s.slope[j] - coarse[j]) / 3;
        double richardson = test_distance(s.net, s.theta, s.slope, s.adjoint);
        printf("twin %s, network %d: to differences %.1e, to the adjoint %.1e, by Richardson %.1e\n", schemes[i], _i, to_difference, to_adjoint, richardson);
        ck_assert_double_lt(to_difference, 5e-8);
        ck_assert_double_lt(richardson, 1e-9);
        ck_assert_double_lt(to_adjoint, 5e-8);
        test_tear_down(&s);
    }
}
END_TEST

START_TEST(ngspice_is_exact) {
    struct test_setting s = set_up(network(_i), cost(_i), &es_ngspice, NULL, 20);
    test_differences(&s);
    echo(&s, 1e-5, s.slope);
    double distance = test_distance(s.net, s.theta, s.slope, s.difference), cosine = test_cosine(s.net, s.theta, s.slope, s.difference);
    printf("ngspice, network %d: to differences %.1e, 1 - cosine %.1e\n", _i, distance, 1 - cosine);
    ck_assert_double_lt(distance, 5e-8);
    ck_assert_double_lt(1 - cosine, 1e-11);
    test_tear_down(&s);
}
END_TEST

// The bias of the symmetric nudge falls by 100 for each decade of beta.
START_TEST(bias_is_quadratic_in_beta) {
    struct test_setting s = set_up(test_ring(false), &es_flux_tracking, &es_twin, "midpoint", 20);
    test_adjoint(&s);
    echo(&s, 1e-3, s.slope);
    double coarse = test_distance(s.net, s.theta, s.slope, s.adjoint);
    echo(&s, 1e-4, s.slope);
    ck_assert_double_eq_tol(coarse / test_distance(s.net, s.theta, s.slope, s.adjoint), 100, 1);
    test_tear_down(&s);
}
END_TEST

// Exact for the discretised loss at any step, also a coarse one.
START_TEST(exact_at_ten_steps_per_period) {
    const struct es_engine_kind *const kinds[] = {&es_twin, &es_ngspice};
    for (int i = 0; i < 2; i++) {
        struct test_setting s = set_up(test_ring(true), &es_flux_tracking, kinds[i], NULL, 10);
        test_differences(&s);
        echo(&s, 1e-5, s.slope);
        ck_assert_double_lt(test_distance(s.net, s.theta, s.slope, s.difference), 1e-8);
        test_tear_down(&s);
    }
}
END_TEST

START_TEST(echo_returns) {
    static const struct {
        const struct es_engine_kind *kind;
        const char *scheme;
        double retrace, drift;
    } cases[] = {{&es_twin, "verlet", 1e-14, 1e-2}, {&es_twin, "midpoint", 1e-14, 1e-13}, {&es_ngspice, "trapezoidal", 4e-13, 3e-13}};
    for (int i = 0; i < 3; i++) {
        struct test_setting s = set_up(test_ring(false), &es_flux_tracking, cases[i].kind, cases[i].scheme, 20);
        struct es_return back;
        ck_assert_int_eq(es_return(&s.problem, s.theta, &s.example, &back, NULL), ES_OK);
        printf("%s %s: retrace %.1e, energy drift %.1e\n", cases[i].kind->row.name, cases[i].scheme, back.retrace, back.energy_drift);
        ck_assert_double_lt(back.retrace, cases[i].retrace);
        ck_assert_double_lt(back.energy_drift, cases[i].drift);
        test_tear_down(&s);
    }
}
END_TEST

// ngspice's own stepping does not return: the check must be able to see that.
START_TEST(adaptive_stepping_does_not_return) {
    struct test_setting s = set_up(test_ring(false), &es_flux_tracking, &es_ngspice, "adaptive", 20);
    struct es_return back;
    ck_assert_int_eq(es_return(&s.problem, s.theta, &s.example, &back, NULL), ES_OK);
    printf("ngspice adaptive: retrace %.1e\n", back.retrace);
    ck_assert_double_gt(back.retrace, 1e-5);
    test_tear_down(&s);
}
END_TEST

// A resistor is refused by the echo, and where losses are allowed the gradient is biased.
START_TEST(losses_are_refused_and_bias) {
    struct es_network *net = test_ring(false);
    struct es_error error = {""};
    size_t e = test_add(net, &es_conductance, 3, ES_GROUND, 1e-3, 0, 0);
    ck_assert_int_eq(es_rhel.admits(&(struct es_problem){.net = net, .cost = &es_flux_tracking, .reversal = &es_flip_voltages, .losses_allowed = false}, &error), ES_BAD_INPUT);
    ck_assert_ptr_nonnull(strstr(error.text, net->element[e].name));
    ck_assert_int_eq(es_rhel.admits(&(struct es_problem){.net = net, .cost = &es_flux_tracking, .reversal = &es_flip_voltages, .losses_allowed = true}, &error), ES_OK);
    struct test_setting s = set_up(net, &es_flux_tracking, &es_twin, "midpoint", 20);
    test_differences(&s);
    echo(&s, 1e-5, s.slope);
    ck_assert_double_gt(test_distance(s.net, s.theta, s.slope, s.difference), 1e-2);
    ck_assert_double_gt(test_cosine(s.net, s.theta, s.slope, s.difference), 0.5);
    test_tear_down(&s);
}
END_TEST

// With a conductance the two engines still agree on the loss.
START_TEST(losses_agree_between_engines) {
    double loss[2];
    const struct es_engine_kind *const kinds[] = {&es_twin, &es_ngspice};
    for (int i = 0; i < 2; i++) {
        struct es_network *net = test_ring(true);
        test_add(net, &es_conductance, 3, ES_GROUND, 1e-3, 0, 0);
        struct test_setting s = set_up(net, &es_flux_tracking, kinds[i], NULL, 20);
        struct es_free free = {.loss = &loss[i]};
        ck_assert_int_eq(es_losses(&s.problem, s.theta, 1, &s.example, &free, NULL), ES_OK);
        test_tear_down(&s);
    }
    ck_assert_double_eq_tol(loss[0] / loss[1], 1, 1e-7);
}
END_TEST

// ---- every kind of element, parameter, cost and reversal -------------------------------------------------------------

static struct test_setting mixed(int which, int features, const struct es_engine_kind *engine, const char *scheme, double steps) {
    const struct test_kind *kind = &test_kinds[which % TEST_KINDS];
    return set_up_scaled(test_mixed_network((uint64_t)which + 1, 8, features, kind->read, kind->cost->labels), kind, engine, scheme, steps);
}

static int features_of(int which) { // every cost meets sources and charges in some round
    return TEST_NONLINEAR | (which % 2 ? TEST_SOURCE : 0) | (which / 2 % 2 ? TEST_CHARGES : 0);
}

START_TEST(twin_is_exact_for_everything) {
    static const char *const schemes[] = {"midpoint", "verlet"};
    for (int i = 0; i < 2; i++) {
        struct test_setting s = mixed(_i, features_of(_i), &es_twin, schemes[i], 20);
        test_differences(&s);
        test_adjoint(&s);
        echo(&s, 1e-5, s.slope);
        double to_difference = test_distance(s.net, s.theta, s.slope, s.difference), to_adjoint = test_distance(s.net, s.theta, s.slope, s.adjoint);
        double references = test_distance(s.net, s.theta, s.adjoint, s.difference);
        printf("twin %-8s %-20s %zu parameters: to differences %.1e, to the adjoint %.1e; adjoint to differences %.1e\n", schemes[i],
               s.problem.cost->row.name, s.net->parameters, to_difference, to_adjoint, references);
        test_show(&s, s.slope, s.adjoint);
        ck_assert_double_lt(to_difference, 1e-7);
        ck_assert_double_lt(to_adjoint, 1e-8);
        test_tear_down(&s);
    }
}
END_TEST

START_TEST(ngspice_is_exact_for_everything) {
    struct test_setting s = mixed(_i, features_of(_i), &es_ngspice, NULL, _i % 2 ? 10 : 20);
    test_differences(&s);
    echo(&s, 1e-4, s.slope);
    double distance = test_distance(s.net, s.theta, s.slope, s.difference);
    printf("ngspice %-20s %zu parameters: to differences %.1e\n", s.problem.cost->row.name, s.net->parameters, distance);
    test_show(&s, s.slope, s.difference);
    ck_assert_double_lt(distance, 3e-6);
    test_tear_down(&s);
}
END_TEST

// The three ways to turn back. Only gyrators can swap outputs, so that all three run on the same network.
START_TEST(reversals_agree) {
    static const struct es_engine_kind *const engines[] = {&es_twin, &es_twin, &es_ngspice};
    static const char *const schemes[] = {"midpoint", "verlet", NULL};
    static const int which[] = {0, 1, 2, 3, 5, 7, 9, 10, 11}; // of test_kinds
    for (int i = 0; i < 3; i++) {
        double *first = NULL;
        int features = TEST_GYRATORS | TEST_NONLINEAR | (_i % 2 ? TEST_SOURCE : 0);
        for (int r = 0; es_reversals[r]; r++) {
            const struct test_kind *kind = &test_kinds[which[_i]];
            struct es_network *net = test_mixed_network((uint64_t)_i + 40, 6, features & ~TEST_SOURCE, kind->read, kind->cost->labels);
            struct test_setting s = set_up_scaled(net, kind, engines[i], schemes[i], 20);
            struct es_return back;
            s.problem.reversal = (const void *)es_reversals[r];
            ck_assert_int_eq(es_rhel.admits(&(struct es_problem){.net = s.net, .cost = &es_flux_tracking, .reversal = s.problem.reversal, .losses_allowed = false}, NULL), ES_OK);
            ck_assert_int_eq(es_return(&s.problem, s.theta, &s.example, &back, NULL), ES_OK);
            echo(&s, 1e-5, s.slope);
            if (!first) {
                first = malloc(s.net->parameters * sizeof *first);
                memcpy(first, s.slope, s.net->parameters * sizeof *first);
            }
            double distance = test_distance(s.net, s.theta, s.slope, first);
            printf("%s, %s, %s: to the first reversal %.1e, retrace %.1e\n", s.problem.engine->scheme->row.name, s.problem.cost->row.name,
                   s.problem.reversal->row.name, distance, back.retrace);
            ck_assert_double_lt(distance, 1e-12); // the same bits, so far
            ck_assert_double_lt(back.retrace, i < 2 ? 1e-13 : 1e-9);
            test_tear_down(&s);
        }
        free(first);
    }
}
END_TEST

// Sources turn round with the first two.
START_TEST(reversals_agree_with_sources) {
    double *first = NULL;
    for (int r = 0; r < 2; r++) {
        struct test_setting s = mixed(2, TEST_NONLINEAR | TEST_SOURCE, &es_twin, "midpoint", 20);
        s.problem.reversal = (const void *)es_reversals[r];
        echo(&s, 1e-5, s.slope);
        first = r ? first : memcpy(malloc(s.net->parameters * sizeof *first), s.slope, s.net->parameters * sizeof *first);
        ck_assert_double_lt(test_distance(s.net, s.theta, s.slope, first), 1e-7);
        test_tear_down(&s);
    }
    free(first);
}
END_TEST

// A gyrator whose voltage-sensing side saturates returns, and has a wrong gradient: an echo refuses it and says why.
START_TEST(sensing_gyrators_return_with_a_wrong_gradient) {
    static const struct es_engine_kind *const engines[] = {&es_twin, &es_twin, &es_ngspice};
    static const char *const schemes[] = {"midpoint", "verlet", NULL};
    for (int i = 0; i < 3; i++) {
        struct es_network *net = test_network(4);
        for (int n = 0; n < 4; n++) {
            test_add(net, &es_capacitor, n, ES_GROUND, 1e-12 * (1 + 0.1 * n), 0, 0);
            for (int ground = 0; ground < 2; ground++) {
                size_t e = test_add(net, &es_sensing_gyrator, n, ground ? ES_GROUND : (n + 1) % 4, 1e-3, 1e-3 * (1 + 0.2 * n), 1e-12);
                net->element[e].value[3] = 0.2;
                test_train(net, e, 1, &es_log);
            }
            test_initial(net, n, NAN, 0.3 * (n % 2 ? -1 : 0.5), NAN);
        }
        test_add(net, &es_input, 0, ES_GROUND, 1e-4, 0, 0);
        test_output(net, 2, ES_READ_VOLTAGE, -1);
        struct test_setting s = set_up_scaled(net, &(struct test_kind){&es_voltage_tracking, ES_READ_VOLTAGE, 0.1, false}, engines[i], schemes[i], 40);
        struct es_error error = {""};
        struct es_return back;
        ck_assert_int_eq(es_rhel.admits(&(struct es_problem){.net = net, .cost = &es_flux_tracking, .reversal = &es_flip_voltages, .losses_allowed = false}, &error), ES_BAD_INPUT);
        ck_assert_ptr_nonnull(strstr(error.text, "voltage-sensing side"));
        ck_assert_int_eq(es_return(&s.problem, s.theta, &s.example, &back, NULL), ES_OK);
        test_differences(&s);
        echo(&s, 1e-5, s.slope);
        double cosine = test_cosine(s.net, s.theta, s.slope, s.difference);
        printf("%s, sensing gyrators: retrace %.1e, cosine of the gradient %.3f\n", s.problem.engine->scheme->row.name, back.retrace, cosine);
        ck_assert_double_lt(back.retrace, 1e-9);
        ck_assert_double_lt(cosine, 0.99);
        test_tear_down(&s);
    }
}
END_TEST

// Offsets drift the same way in the echo: it returns, with the exact gradient, where fluxes are flipped or outputs swapped, and not where voltages are.
START_TEST(offsets_return_where_fluxes_are_flipped) {
    static const struct es_reversal *const turns[] = {&es_flip_voltages, &es_flip_fluxes, &es_swap_outputs};
    static const struct es_engine_kind *const engines[] = {&es_twin, &es_ngspice};
    const struct es_reversal *turn = turns[_i % 3];
    int features = TEST_DRIFTS | TEST_GYRATORS | (_i / 6 ? TEST_NONLINEAR : 0);
    struct test_setting s = set_up_scaled(test_mixed_network(7, 8, features, ES_READ_FLUX, false), &test_kinds[0], engines[_i / 3 % 2], NULL, 20);
    struct es_error error = {""};
    struct es_return back;
    s.problem.reversal = turn;
    ck_assert_msg((es_rule_admits(&es_rhel, &s.problem, &error) == ES_OK) == (turn != &es_flip_voltages), "%s", error.text);
    ck_assert(turn != &es_flip_voltages || (strstr(error.text, "offset of") && strstr(error.text, "flip-fluxes")));
    s.problem.losses_allowed = true;
    ck_assert_int_eq(es_rule_admits(&es_rhel, &s.problem, &error), ES_OK);
    ck_assert_int_eq(es_return(&s.problem, s.theta, &s.example, &back, NULL), ES_OK);
    test_differences(&s);
    echo(&s, 1e-5, s.slope);
    double distance = test_distance(s.net, s.theta, s.slope, s.difference);
    printf("%s, offsets, %s: retrace %.1e, gradient to differences %.1e\n", s.problem.engine->scheme->row.name, turn->row.name, back.retrace, distance);
    if (turn == &es_flip_voltages) {
        ck_assert_double_gt(back.retrace, 1e-2);
        ck_assert_double_gt(distance, 1e-2);
    } else {
        ck_assert_double_lt(back.retrace, 4e-10);
        ck_assert_double_lt(distance, 2e-8);
    }
    ck_assert_int_eq(es_adjoint(&s.problem, s.theta, 1, &s.example, s.adjoint, &error), ES_BAD_INPUT);
    ck_assert_ptr_nonnull(strstr(error.text, "discrete adjoint"));
    ck_assert_int_eq(es_continuous_gradient(&s.problem, s.theta, 1, &s.example, true, NULL, s.adjoint, &error), ES_BAD_INPUT);
    for (size_t i = 0; i < 2; i++) {
        const struct es_rule *rule = i ? &es_heb_self : &es_cbvp;
        s.problem.cost = i ? &es_terminal_flux : &es_flux_tracking;
        ck_assert_int_eq(rule->admits(&s.problem, &error), ES_BAD_INPUT);
    }
    test_tear_down(&s);
}
END_TEST

// With losses allowed, the gradient of a network whose fluxes decay is near the exact one, and biased; all rules of lossless networks refuse it else.
START_TEST(resistances_bias_an_echo) {
    struct test_setting s = set_up(test_ring(false), &es_flux_tracking, &es_twin, "midpoint", 20);
    struct es_error error = {""};
    size_t e = 0;
    for (size_t i = s.net->elements; i-- > 0;)
        if (s.net->element[i].kind == &es_inductor)
            s.net->element[e = i].value[2] = 0.3; // of 30 Ohm
    s.net->element[e].line = 4711;
    ck_assert_int_eq(es_rule_admits(&es_rhel, &s.problem, &error), ES_BAD_INPUT);
    ck_assert_msg(strstr(error.text, "line 4711") && strstr(error.text, "resistance of inductor") && strstr(error.text, "0.3 Ohm"), "%s", error.text);
    double gamma;
    ck_assert_int_eq(es_validate_uniform_damping(s.net, NULL, &gamma, &error), ES_BAD_INPUT);
    s.problem.losses_allowed = true;
    ck_assert_int_eq(es_rule_admits(&es_rhel, &s.problem, &error), ES_OK);
    test_differences(&s);
    echo(&s, 1e-5, s.slope);
    double distance = test_distance(s.net, s.theta, s.slope, s.difference), cosine = test_cosine(s.net, s.theta, s.slope, s.difference);
    printf("resistances: echo to differences %.2g, cosine %.4f\n", distance, cosine);
    ck_assert_double_gt(distance, 1e-2);
    ck_assert_double_gt(cosine, 0.9);
    test_tear_down(&s);
}
END_TEST

START_TEST(swapping_needs_transconductors) {
    struct es_network *net = test_ring(false);
    struct es_error error = {""};
    ck_assert_int_eq(es_rhel.admits(&(struct es_problem){.net = net, .cost = &es_flux_tracking, .reversal = &es_swap_outputs, .losses_allowed = false}, &error), ES_BAD_INPUT);
    ck_assert_ptr_nonnull(strstr(error.text, "swap-outputs"));
    es_network_free(net);
}
END_TEST

// ---- costates --------------------------------------------------------------------------------------------------------

// The costates by the adjoint [0] and by the echoes [1], and how far they are apart.
struct costates {
    double *flux[2], *charge[2]; // [steps + 1][nodes]
    double flux_error, charge_error;
};

// The largest difference at any node and any grid point, over the largest value.
static double worst(size_t n, const double *a, const double *b) {
    double difference = 0, largest = 0;
    for (size_t i = 0; i < n; i++) {
        difference = fmax(difference, fabs(a[i] - b[i]));
        largest = fmax(largest, fabs(b[i]));
    }
    return difference / largest;
}

static struct costates costates_of(struct test_setting *s, double beta) {
    size_t size = (es_grid_steps(&s->problem.grid) + 1) * s->net->nodes;
    struct es_error error = {""};
    struct costates c;
    s->problem.beta = beta;
    for (int i = 0; i < 2; i++) {
        c.flux[i] = ES_NEW(s->net->arena, size, double);
        c.charge[i] = ES_NEW(s->net->arena, size, double);
        ck_assert_msg((i ? es_echo_trajectory : es_adjoint_trajectory)(&s->problem, s->theta, &s->example, c.flux[i], c.charge[i], &error) == ES_OK,
                      "%s", error.text);
    }
    c.flux_error = worst(size, c.flux[1], c.flux[0]);
    c.charge_error = worst(size, c.charge[1], c.charge[0]);
    printf("%-11s %-20s costates at %zu points: echo to adjoint, of flux %.1e, of charge %.1e\n", s->problem.engine->scheme->row.name,
           s->problem.cost->row.name, size / s->net->nodes, c.flux_error, c.charge_error);
    return c;
}

// Six oscillators, a spring between every two, a force on the first, one output: netlists/rhel6.xml.
static struct es_network *all_to_all(void) {
    struct es_network *net = test_network(6);
    for (int i = 0; i < 6; i++) {
        test_train(net, test_add(net, &es_capacitor, i, ES_GROUND, 1e-9 * (1 + 0.05 * i), 0, 0), 0, &es_log);
        test_train(net, test_add(net, &es_inductor, i, ES_GROUND, 1e-6 * (1 + 0.1 * i), 0, 0), 0, &es_log);
        for (int j = 0; j < i; j++)
            test_train(net, test_add(net, &es_inductor, i, j, 4e-6 * (1 + 0.1 * i + 0.07 * j), 0, 0), 0, &es_log);
        test_train(net, test_initial(net, i, 1e-9, 0.01 * (i - 3.5), NAN), 0, &es_logistic);
        test_train(net, net->elements - 1, 1, &es_logistic);
    }
    test_add(net, &es_input, 0, ES_GROUND, 3e-3, 0, 0);
    test_output(net, 3, ES_READ_FLUX, -1);
    return net;
}

// At every grid point the echoes show every node's costates; at t = 0 these are the derivatives to the initial state.
START_TEST(echo_shows_the_costates) {
    static const struct es_engine_kind *const engines[] = {&es_twin, &es_twin, &es_ngspice};
    static const char *const schemes[] = {"midpoint", "verlet", "trapezoidal"};
    struct test_setting s = set_up(all_to_all(), &es_flux_tracking, engines[_i], schemes[_i], 20);
    struct costates c = costates_of(&s, 1e-5);
    ck_assert_double_lt(c.flux_error, 3e-8);
    ck_assert_double_lt(c.charge_error, 3e-8);
    test_differences(&s);
    for (size_t i = 0; i < s.net->parameters; i++) {
        const struct es_parameter *p = &s.net->parameter[i];
        size_t node = (size_t)s.net->element[p->element].p;
        if (s.net->element[p->element].kind != &es_initial)
            continue;
        double derivative = p->quantity == 0 ? c.flux[0][node] : c.charge[0][node] * 1e-9 * (1 + 0.05 * (double)node); // dp = C dv
        ck_assert_double_eq_tol(derivative / s.difference[i], 1, 1e-6);
    }
    test_tear_down(&s);
}
END_TEST

// The same for every cost, with windows, sources, charges and all kinds of element. (Where a window of fluxes changes, half the cost at
// the grid point is that of one side to the adjoint, and the mean of both to Verlet's echo.)
START_TEST(echo_shows_all_costates) {
    static const char *const schemes[] = {"midpoint", "verlet"};
    for (int i = 0; i < 2; i++) {
        struct test_setting s = mixed(_i, features_of(_i), &es_twin, schemes[i], 20);
        struct costates c = costates_of(&s, 1e-5);
        bool halves = i == 1 && test_kinds[_i].windowed && test_kinds[_i].read == ES_READ_FLUX;
        ck_assert_double_lt(c.flux_error, halves ? 0.02 : 1e-7);
        ck_assert_double_lt(c.charge_error, 1e-7);
        test_tear_down(&s);
    }
}
END_TEST

// The Lagrangian and the Hamiltonian form of the echo are one, also where beta is large and both have the same bias.
START_TEST(lagrangian_and_hamiltonian_form_agree) {
    static const struct es_engine_kind *const engines[] = {&es_twin, &es_twin, &es_ngspice};
    static const char *const schemes[] = {"midpoint", "verlet", NULL};
    for (int i = 0; i < 3; i++) {
        struct test_setting s = mixed(_i, i == 2 ? features_of(_i) & ~TEST_NONLINEAR : features_of(_i), engines[i], schemes[i], 20);
        echo(&s, 1e-2, s.adjoint);
        s.problem.rule = &es_pfvp;
        echo(&s, 1e-2, s.slope);
        double distance = test_distance(s.net, s.theta, s.slope, s.adjoint);
        printf("%s, %s: pfvp and rhel at beta 1e-2 differ by %.1e\n", s.problem.engine->scheme->row.name, s.problem.cost->row.name, distance);
        ck_assert_double_lt(distance, i == 2 ? 1e-11 : 1e-12);
        test_tear_down(&s);
    }
}
END_TEST

// Passes say which example, which update and which of the rule's they are.
START_TEST(passes_are_numbered) {
    static const struct es_rule *const rules[] = {&es_rhel, &es_pfvp, &es_civp, &es_reciprocal};
    struct test_setting s = set_up(test_ring(false), &es_flux_tracking, &es_twin, "midpoint", 20);
    struct es_pass pass[3];
    s.example.sample = 41;
    s.problem.update = 7;
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        s.problem.rule = rules[i];
        ck_assert_int_eq(es_passes(&s.problem, s.theta, &s.example, s.net->arena, pass, NULL), ES_OK);
        for (unsigned j = 0; j <= rules[i]->passes(s.net); j++)
            ck_assert(pass[j].sample == 41 && pass[j].update == 7 && pass[j].run == j);
    }
    test_tear_down(&s);
}
END_TEST

// From velocity to charge and back, with nudges, targets and windows, at both ends of an echo.
START_TEST(legendre_transform_returns) {
    struct test_setting s = mixed(_i, features_of(_i), &es_twin, "midpoint", 20);
    struct es_arena *arena = s.net->arena;
    struct es_pass pass[3];
    struct es_model model;
    double *charge = ES_NEW(arena, s.net->nodes, double), *voltage = ES_NEW(arena, s.net->nodes, double);
    s.problem.beta = 0.1;
    ck_assert_int_eq(es_passes(&s.problem, s.theta, &s.example, arena, pass, NULL), ES_OK);
    ck_assert_int_eq(es_model_new(s.net, s.theta, arena, &model, NULL), ES_OK);
    for (size_t end = 0; end < 2; end++) {
        size_t n = end ? es_grid_steps(&s.problem.grid) : 0;
        es_rule_charge(&model, &s.problem.grid, &pass[1], n, pass[1].voltage, charge);
        for (size_t i = 0; i < s.net->nodes; i++) // those of sources are given
            voltage[i] = s.net->node[i].source >= 0 ? pass[1].voltage[i] : 0;
        ck_assert_int_eq(es_rule_voltage(&model, &s.problem.grid, &pass[1], n, charge, voltage, NULL), ES_OK);
        for (size_t i = 0; i < s.net->nodes; i++)
            ck_assert_double_eq_tol(voltage[i], pass[1].voltage[i], 1e-13 * (fabs(pass[1].voltage[i]) + 1e-6));
    }
    test_tear_down(&s);
}
END_TEST

// Forward runs alone are biased, the more the longer they are; with the residual at T they are exact, for every kind of parameter: a third of them with
// each engine.
START_TEST(initial_value_problems) {
    static const struct es_engine_kind *const engines[] = {&es_twin, &es_twin, &es_ngspice};
    static const char *const schemes[] = {"midpoint", "verlet", NULL};
    static const int which[] = {0, 1, 2, 3, 4, 6, 7}; // of test_kinds, with a running cost
    for (int i = 0; i < 3; i++) {
        const struct test_kind *kind = &test_kinds[which[_i]];
        int features = TEST_NONLINEAR | (_i % 2 ? TEST_SOURCE : 0) | (_i % 3 == 1 ? TEST_CHARGES : 0);
        struct es_network *net = test_mixed_network((uint64_t)which[_i] + 1, 8, features, kind->read, kind->cost->labels);
        test_thin(net, 3, (size_t)i);
        struct test_setting s = set_up_scaled(net, kind, engines[i], schemes[i], 20);
        test_differences(&s);
        s.problem.rule = &es_civp_residual;
        echo(&s, 1e-5, s.slope);
        double distance = test_distance(s.net, s.theta, s.slope, s.difference);
        s.problem.rule = &es_civp;
        echo(&s, 1e-5, s.slope);
        double bias = test_distance(s.net, s.theta, s.slope, s.difference);
        printf("%s, %s: civp with the residual %.1e, without %.1e\n", s.problem.engine->scheme->row.name, s.problem.cost->row.name, distance, bias);
        ck_assert_double_lt(distance, 1e-6);
        ck_assert_double_gt(bias, 1e-2);
        test_tear_down(&s);
    }
}
END_TEST

START_TEST(terminal_costs_have_no_initial_value_problem) {
    struct es_error error = {""};
    struct test_setting s = mixed(9, TEST_NONLINEAR, &es_twin, "midpoint", 20);
    ck_assert_int_eq(es_civp.admits(&s.problem, &error), ES_BAD_INPUT);
    ck_assert_ptr_nonnull(strstr(error.text, "terminal-flux"));
    test_tear_down(&s);
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
    tcase_add_loop_test(tests, twin_is_exact_for_everything, 0, 2 * TEST_KINDS);
    tcase_add_loop_test(tests, ngspice_is_exact_for_everything, 0, TEST_KINDS);
    tcase_add_loop_test(tests, reversals_agree, 0, 9);
    tcase_add_test(tests, reversals_agree_with_sources);
    tcase_add_test(tests, sensing_gyrators_return_with_a_wrong_gradient);
    tcase_add_loop_test(tests, offsets_return_where_fluxes_are_flipped, 0, 12);
    tcase_add_test(tests, resistances_bias_an_echo);
    tcase_add_test(tests, swapping_needs_transconductors);
    tcase_add_loop_test(tests, echo_shows_the_costates, 0, 3);
    tcase_add_loop_test(tests, echo_shows_all_costates, 0, TEST_KINDS);
    tcase_add_loop_test(tests, lagrangian_and_hamiltonian_form_agree, 0, TEST_KINDS);
    tcase_add_test(tests, passes_are_numbered);
    tcase_add_loop_test(tests, legendre_transform_returns, 0, TEST_KINDS);
    tcase_add_loop_test(tests, initial_value_problems, 0, 7);
    tcase_add_test(tests, terminal_costs_have_no_initial_value_problem);
    suite_add_tcase(suite, tests);
    return suite;
}
