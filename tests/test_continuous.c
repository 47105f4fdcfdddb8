// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// The continuous circuit's gradient: its adjoint and its forward sensitivities against each other, against finite differences of its
// loss, and as the limit of the discrete adjoint as the step goes to 0.
#include "runner.h"
#include "support.h"

#include "core/random.h"
#include "net/modes.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const int kinds[] = {0, 1, 2, 3, 4, 6, TEST_KINDS, 9, 10, 11}; // of test_kinds
enum { KINDS = sizeof kinds / sizeof *kinds };

// Sources and held charges meet every cost in one of two rounds.
static struct test_setting set_up(int which, double steps, double periods) {
    const struct test_kind *kind = &test_kinds[kinds[which % KINDS]];
    bool second = which >= KINDS;
    int features = TEST_NONLINEAR | ((which % 2) != second ? TEST_SOURCE : 0) | ((which / 2 % 2) != second ? TEST_CHARGES : 0);
    struct es_network *net = test_mixed_network((uint64_t)which + 1, 6, features, kind->read, kind->cost->labels);
    return test_set_up(net, kind, test_grid(net, steps, (size_t)(periods * steps)));
}

static double *gradient(struct test_setting *s, const double *theta, bool adjoint, double *loss) {
    double *slope = ES_NEW(s->net->arena, s->net->parameters, double);
    struct es_error error = {""};
    ck_assert_msg(es_continuous_gradient(&s->problem, theta, 1, &s->example, adjoint, loss, slope, &error) == ES_OK, "%s", error.text);
    return slope;
}

// |dC - difference of C| / (|dC/dtheta| |dtheta|), along a direction that moves every parameter by a few tenths of `step`.
static double to_difference(struct test_setting *s, const double *slope, double step) {
    static const double at[] = {-2, -1, 1, 2}, weight[] = {1, -8, 8, -1}; // fourth order
    size_t parameters = s->net->parameters;
    double *theta = ES_NEW(s->net->arena, parameters, double), change = 0, expected = 0, norm = 0;
    for (size_t j = 0; j < 4; j++) {
        struct es_stream stream = {.seed = 5, .purpose = ES_RANDOM_TEST};
        double loss;
        for (size_t i = 0; i < parameters; i++)
            theta[i] = s->theta[i] + at[j] * step * es_random_normal(&stream) * fabs(s->theta[i]);
        gradient(s, theta, true, &loss);
        change += weight[j] * loss / 12;
    }
    struct es_stream stream = {.seed = 5, .purpose = ES_RANDOM_TEST};
    for (size_t i = 0; i < parameters; i++) {
        expected += step * es_random_normal(&stream) * fabs(s->theta[i]) * slope[i];
        norm += pow(step * s->theta[i] * slope[i], 2);
    }
    return fabs(change - expected) / sqrt(norm);
}

START_TEST(adjoint_is_forward_is_difference) {
    struct test_setting s = set_up(_i, 10, 3);
    double loss[2], *adjoint = gradient(&s, s.theta, true, &loss[0]), *forward = gradient(&s, s.theta, false, &loss[1]);
    double distance = test_distance(s.net, s.theta, adjoint, forward), difference = to_difference(&s, adjoint, 1e-4);
    printf("continuous %-20s %zu parameters: adjoint to forward %.1e, to differences %.1e\n", s.problem.cost->row.name, s.net->parameters, distance, difference);
    ck_assert_double_eq_tol(loss[0] / loss[1], 1, 1e-9);
    ck_assert_double_lt(distance, 1e-9);
    ck_assert_double_lt(difference, 1e-8);
    test_tear_down(&s);
}
END_TEST

// Second order in the step, for both schemes.
START_TEST(discrete_gradient_tends_to_it) {
    static const char *const schemes[] = {"midpoint", "verlet"};
    for (int i = 0; i < 2; i++) {
        struct test_setting s = set_up(_i, 20, 2);
        double *limit = gradient(&s, s.theta, true, NULL), distance[3];
        s.problem.engine = test_engine(&es_twin, s.net, schemes[i], 1);
        for (size_t j = 0; j < 3; j++) {
            s.problem.grid.substeps = (size_t)4 << j;
            test_adjoint(&s);
            distance[j] = test_distance(s.net, s.theta, s.adjoint, limit);
        }
        printf("%-8s %-20s to the continuous gradient %.1e, with half the step %.1e, a quarter %.1e\n", schemes[i], s.problem.cost->row.name, distance[0],
               distance[1], distance[2]);
        ck_assert_double_eq_tol(distance[0] / distance[1], 4, 0.3);
        ck_assert_double_eq_tol(distance[1] / distance[2], 4, 0.1);
        ck_assert_double_lt(distance[2], 1e-3);
        test_tear_down(&s);
    }
}
END_TEST

// One oscillator, phi(0) = a: r = integral phi^2 dt = a^2 (T / 2 + sin(2 omega T) / (4 omega)); C = r / 2 for flux tracking to 0.
START_TEST(oscillator_in_closed_form) {
    struct es_network *net = test_network(1);
    double a = 2e-9, c = 1e-9, l = 1e-6, omega = 1 / sqrt(l * c), slope[2], loss, target[31] = {0};
    test_train(net, test_add(net, &es_inductor, 0, ES_GROUND, l, 0, 0), 0, &es_log);
    net->element[0].value[1] = NAN;
    test_add(net, &es_capacitor, 0, ES_GROUND, c, 0, 0);
    test_train(net, test_initial(net, 0, a, NAN, NAN), 0, &es_logistic);
    test_output(net, 0, ES_READ_FLUX, -1);
    struct es_problem problem = {.net = net, .cost = &es_flux_tracking, .grid = {.interval = 0.7 / omega, .points = 31, .substeps = 1}};
    struct es_example example = {.input = target, .target = target, .label = -1};
    double t = 30 * problem.grid.interval, theta[2] = {l, a};
    double integral = t / 2 + sin(2 * omega * t) / (4 * omega), to_omega = t * cos(2 * omega * t) / (2 * omega) - sin(2 * omega * t) / (4 * omega * omega);
    for (int adjoint = 0; adjoint < 2; adjoint++) {
        ck_assert_int_eq(es_continuous_gradient(&problem, theta, 1, &example, adjoint, &loss, slope, NULL), ES_OK);
        ck_assert_double_eq_tol(loss / (a * a * integral / 2), 1, 1e-10);
        ck_assert_double_eq_tol(slope[0] / (a * a * to_omega / 2 * -omega / (2 * l)), 1, 1e-9);
        ck_assert_double_eq_tol(slope[1] / (a * integral), 1, 1e-9);
    }
    es_network_free(net);
}
END_TEST

// The mean over examples; progress from 0 to 1.
static void progress(void *context, double done) {
    double *last = context;
    ck_assert_double_ge(done, *last);
    *last = done;
}

START_TEST(mean_and_progress) {
    struct test_setting s = set_up(2, 10, 1);
    struct es_example pair[] = {s.example, s.example};
    double last = 0, loss[3], *first = gradient(&s, s.theta, true, &loss[0]), *both = ES_NEW(s.net->arena, s.net->parameters, double);
    pair[1].target = NULL;
    s.example = pair[1];
    double *second = gradient(&s, s.theta, true, &loss[1]);
    s.problem.progress = progress;
    s.problem.context = &last;
    ck_assert_int_eq(es_continuous_gradient(&s.problem, s.theta, 2, pair, true, &loss[2], both, NULL), ES_OK);
    ck_assert_double_eq_tol(2 * loss[2] / (loss[0] + loss[1]), 1, 1e-14);
    for (size_t i = 0; i < s.net->parameters; i++)
        second[i] = (first[i] + second[i]) / 2;
    ck_assert_double_lt(test_distance(s.net, s.theta, both, second), 1e-14);
    ck_assert_double_eq(last, 1);
    test_tear_down(&s);
}
END_TEST

START_TEST(losses_are_refused) {
    static const struct es_element_kind *const lossy[] = {&es_conductance, &es_sensing_gyrator};
    for (int i = 0; i < 2; i++) {
        struct test_setting s = set_up(0, 10, 1);
        struct es_error error = {""};
        double slope[200];
        size_t e = test_add(s.net, lossy[i], 1, ES_GROUND, 1e-3, 1e-3, 1e-12);
        s.net->element[e].value[3] = 1;
        ck_assert_int_eq(es_continuous_gradient(&s.problem, s.theta, 1, &s.example, true, NULL, slope, &error), ES_BAD_INPUT);
        ck_assert_ptr_nonnull(strstr(error.text, s.net->element[e].name));
        test_tear_down(&s);
    }
}
END_TEST

START_TEST(escape_is_said) {
    struct test_setting s = set_up(0, 10, 3);
    struct es_error error = {""};
    double slope[200];
    test_add(s.net, &es_duffing, 0, ES_GROUND, 0.3e-9, -1e43, 0); // 300 times what the others hold against it
    for (int adjoint = 0; adjoint < 2; adjoint++) {
        ck_assert_int_eq(es_continuous_gradient(&s.problem, s.theta, 1, &s.example, adjoint, NULL, slope, &error), ES_FAILED);
        ck_assert_ptr_nonnull(strstr(error.text, "without bound"));
    }
    test_tear_down(&s);
}
END_TEST

Suite *test_suite(void) {
    Suite *suite = suite_create("continuous");
    TCase *tests = tcase_create("continuous");
    tcase_set_timeout(tests, 120);
    tcase_add_loop_test(tests, adjoint_is_forward_is_difference, 0, 2 * KINDS);
    tcase_add_loop_test(tests, discrete_gradient_tends_to_it, 0, KINDS);
    tcase_add_test(tests, oscillator_in_closed_form);
    tcase_add_test(tests, mean_and_progress);
    tcase_add_test(tests, losses_are_refused);
    tcase_add_test(tests, escape_is_said);
    suite_add_tcase(suite, tests);
    return suite;
}
