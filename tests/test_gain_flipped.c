// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// The echo with gain on networks with uniform damping, against central finite differences in the same engine.
#include "runner.h"
#include "support.h"

#include "net/modes.h"
#include "net/validate.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void fix_capacitors(struct es_network *net) {
    bool *kept = ES_NEW(net->arena, net->parameters, bool);
    for (size_t i = 0; i < net->parameters; i++)
        kept[i] = net->element[net->parameter[i].element].kind != &es_capacitor;
    test_keep(net, kept);
}

// Gives each capacitor C the conductance gamma C.
static void damp(struct es_network *net, double gamma) {
    size_t elements = net->elements;
    for (size_t e = 0; e < elements && gamma != 0; e++)
        if (net->element[e].kind == &es_capacitor)
            test_add(net, &es_conductance, net->element[e].p, net->element[e].n, gamma * net->element[e].value[0], 0, 0);
}

static const double periods = 7; // of the fastest mode, in T

// gamma_t: gamma T
static struct test_setting set_up(struct es_network *net, const struct test_kind *kind, const struct es_engine_kind *engine, const char *scheme, double steps,
                                  double gamma_t) {
    fix_capacitors(net);
    struct es_grid grid = test_grid(net, 20, (size_t)(20 * periods) + 1);
    grid.substeps = (size_t)(steps / 20);
    damp(net, gamma_t / (grid.interval * (double)(grid.points - 1)));
    struct test_setting s = test_set_up(net, kind, grid);
    s.problem.rule = &es_gain_flipped;
    s.problem.beta = 1e-5;
    s.problem.engine = test_engine(engine, net, scheme, 0);
    return s;
}

static void echo(struct test_setting *s) {
    test_admitted(s);
    test_gradient(s, s->slope);
}

static double error_of(struct test_setting *s) {
    test_differences(s);
    echo(s);
    return test_distance(s->net, s->theta, s->slope, s->difference);
}

// ---- every kind of element, parameter and cost -----------------------------------------------------------------------

static const double gamma_t[] = {0.1, 1, 3}, limits[] = {2e-8, 2e-8, 2e-8};
enum { GAMMAS = sizeof gamma_t / sizeof *gamma_t };

// Every `every`-th parameter trained.
static struct test_setting thinned(int which, size_t every, int features, double damping, const struct es_engine_kind *engine, const char *scheme, double steps) {
    const struct test_kind *kind = &test_kinds[which % TEST_KINDS];
    struct es_network *net = test_mixed_network((uint64_t)which + 1, 8, features, kind->read, kind->cost->labels);
    test_thin(net, every, (size_t)which);
    return set_up(net, kind, engine, scheme, steps, damping);
}

static struct test_setting mixed(int which, int features, double damping, const struct es_engine_kind *engine, const char *scheme, double steps) {
    return thinned(which, 1, features, damping, engine, scheme, steps);
}

static int features_of(int which) { // every cost meets sources and charges in some round
    return ((which / 4 + which / TEST_KINDS) % 3 ? TEST_NONLINEAR : 0) | (which % 2 ? TEST_SOURCE : 0) | (which / 2 % 2 ? TEST_CHARGES : 0);
}

START_TEST(conformal_is_exact_for_everything) {
    for (int i = _i / TEST_KINDS; i < GAMMAS; i += 1 + _i / TEST_KINDS) {
        struct test_setting s = mixed(_i, features_of(_i), gamma_t[i], &es_twin, "conformal", 20);
        double error = error_of(&s);
        printf("conformal %-20s gamma T %3.1f, features %d, %zu parameters: to differences %.1e\n", s.problem.cost->row.name, gamma_t[i], features_of(_i),
               s.net->parameters, error);
        test_show(&s, s.slope, s.difference);
        ck_assert_double_lt(error, limits[i]);
        test_tear_down(&s);
    }
}
END_TEST

// The nudge grows by e^{gamma T}; beta is that of its end, so that no nudge capacitor outgrows the capacitance at its node.
START_TEST(long_passes) {
    static const double lengths[] = {6, 9, 12};
    struct test_setting s = mixed(_i, features_of(_i), lengths[_i / 3], &es_twin, "conformal", 20);
    s.problem.beta = 1e-2;
    double error = error_of(&s);
    printf("conformal %-20s gamma T %3.1f, beta 1e-2: to differences %.1e\n", s.problem.cost->row.name, lengths[_i / 3], error);
    ck_assert_double_lt(error, 2e-4);
    test_tear_down(&s);
}
END_TEST

// Beyond what rounding allows there is no answer, rather than a wrong one.
START_TEST(too_long_passes) {
    struct test_setting s = mixed(_i, TEST_NONLINEAR, 30, &es_twin, "conformal", 20);
    struct es_gradient gradient = {.slope = s.slope};
    struct es_error error = {""};
    ck_assert_int_eq(es_gradient(&s.problem, s.theta, 1, &s.example, &gradient, &error), ES_FAILED);
    ck_assert_msg(strstr(error.text, "is 30") && strstr(error.text, "shorter pass"), "%s", error.text);
    test_tear_down(&s);
}
END_TEST

static const double resolutions[] = {20, 40, 80};
enum { RESOLUTIONS = sizeof resolutions / sizeof *resolutions };

// The implicit midpoint rule damps each mode by a little too much or too little: off by O(h^2).
START_TEST(midpoint_converges) {
    double last = NAN;
    for (int i = 0; i < RESOLUTIONS; i++) {
        struct test_setting s = thinned(_i, 2, features_of(_i), 1, &es_twin, "midpoint", resolutions[i]);
        double error = error_of(&s);
        printf("midpoint %-20s features %d, %3.0f steps a period: to differences %.2e\n", s.problem.cost->row.name, features_of(_i), resolutions[i], error);
        test_show(&s, s.slope, s.difference);
        if (i > 0)
            ck_assert_double_eq_tol(log(last / error) / log(resolutions[i] / resolutions[i - 1]), 2, 0.15);
        last = error;
        test_tear_down(&s);
    }
}
END_TEST

// On the way back currents and charges of the twin's implicit midpoint rule are ngspice's, so that ngspice's gradient converges with it.
START_TEST(ngspice_is_midpoint) {
    double *first = NULL;
    for (int i = 0; i < 2; i++) {
        struct test_setting s = mixed(_i, features_of(_i), 1, i ? &es_ngspice : &es_twin, i ? NULL : "midpoint", 20);
        s.problem.beta = 1e-3; // the two share the bias
        echo(&s);
        if (i) {
            double distance = test_distance(s.net, s.theta, s.slope, first);
            printf("ngspice %-20s features %d: to the twin's midpoint %.1e\n", s.problem.cost->row.name, features_of(_i), distance);
            ck_assert_double_lt(distance, 8e-7);
        } else
            first = memcpy(malloc(s.net->parameters * sizeof *first), s.slope, s.net->parameters * sizeof *first);
        test_tear_down(&s);
    }
    free(first);
}
END_TEST

START_TEST(ngspice_is_exact_to_the_step) {
    static const int which[] = {0, 3, 10};
    struct test_setting s = thinned(which[_i], 3, features_of(which[_i]), 1, &es_ngspice, NULL, 400);
    double error = error_of(&s);
    printf("ngspice %-20s features %d, 400 steps a period: to differences %.2e\n", s.problem.cost->row.name, features_of(which[_i]), error);
    ck_assert_double_lt(error, 1e-4);
    test_tear_down(&s);
}
END_TEST

// ---- passes ----------------------------------------------------------------------------------------------------------

static const struct {
    const struct es_engine_kind *kind;
    const char *scheme;
    double retrace;
} engines[] = {{&es_twin, "conformal", 3e-13}, {&es_twin, "midpoint", 2e-14}, {&es_ngspice, NULL, 6e-9}};

START_TEST(echo_with_gain_returns) {
    for (int e = 0; e < 3; e++)
        for (int r = 0; r < 2; r++) {
            struct test_setting s = mixed(5 + 4 * r, features_of(5), gamma_t[_i], engines[e].kind, engines[e].scheme, 20);
            struct es_return back;
            s.problem.reversal = r ? &es_flip_fluxes : &es_flip_voltages;
            ck_assert_int_eq(es_return(&s.problem, s.theta, &s.example, &back, NULL), ES_OK);
            printf("%s, %s, gamma T %3.1f: retrace %.1e\n", s.problem.engine->scheme->row.name, s.problem.reversal->row.name, gamma_t[_i], back.retrace);
            ck_assert_double_lt(back.retrace, engines[e].retrace);
            test_tear_down(&s);
        }
}
END_TEST

START_TEST(reversals_agree) {
    double *first = NULL;
    for (int r = 0; r < 2; r++) {
        struct test_setting s = mixed(_i, TEST_NONLINEAR | TEST_SOURCE, 1, &es_twin, "conformal", 20);
        s.problem.reversal = r ? &es_flip_fluxes : &es_flip_voltages;
        echo(&s);
        first = r ? first : memcpy(malloc(s.net->parameters * sizeof *first), s.slope, s.net->parameters * sizeof *first);
        ck_assert_double_lt(test_distance(s.net, s.theta, s.slope, first), 1e-12); // the same bits, so far
        test_tear_down(&s);
    }
    free(first);
}
END_TEST

// Without conductances the scheme is midpoint, and the rule is rhel, to the bit.
START_TEST(conformal_without_damping_is_midpoint) {
    struct test_setting s = mixed(_i, features_of(_i), 0, &es_twin, "conformal", 20), t = mixed(_i, features_of(_i), 0, &es_twin, "midpoint", 20);
    t.problem.rule = &es_rhel;
    echo(&s);
    echo(&t);
    ck_assert_mem_eq(s.slope, t.slope, s.net->parameters * sizeof *s.slope);
    test_tear_down(&s);
    test_tear_down(&t);
}
END_TEST

struct trace {
    size_t nodes, points;
    double *at; // [points][2 nodes]
};

static void keep_point(void *context, double t, const double *flux, const double *voltage) {
    struct trace *trace = context;
    (void)t;
    double *at = trace->at + 2 * trace->nodes * trace->points++;
    memcpy(at, flux, trace->nodes * sizeof *at);
    memcpy(at + trace->nodes, voltage, trace->nodes * sizeof *at);
}

static struct trace trace_echo(struct test_setting *s, const struct es_engine_kind *kind) {
    struct es_arena *arena = s->net->arena;
    struct trace trace = {.nodes = s->net->nodes, .at = ES_NEW(arena, 2 * s->net->nodes * (es_grid_steps(&s->problem.grid) + 1), double)};
    struct es_pass pass[3];
    struct es_error error = {""};
    s->problem.beta = 0.1; // to be seen
    ck_assert_msg(es_passes(&s->problem, s->theta, &s->example, arena, pass, &error) == ES_OK, "%s", error.text);
    ck_assert_double_gt(pass[1].growth, 0);
    struct es_engine *engine = test_engine(kind, s->net, kind == &es_twin ? "midpoint" : NULL, 1);
    struct es_batch batch = {.grid = s->problem.grid, .passes = 1, .pass = &pass[1], .sink = &(struct es_sink){keep_point, &trace}};
    ck_assert_msg(es_engine_run(engine, &batch, es_results_new(arena, s->net, 0, 1), &error) == ES_OK, "%s", error.text);
    es_engine_close(engine);
    return trace;
}

// |a - b| / |b| over all points, of one half of each.
static double apart(const struct trace *a, const struct trace *b, size_t half) {
    double difference = 0, norm = 0;
    for (size_t i = 0; i < a->points; i++)
        for (size_t j = half * a->nodes; j < (half + 1) * a->nodes; j++) {
            difference += pow(a->at[2 * a->nodes * i + j] - b->at[2 * a->nodes * i + j], 2);
            norm += pow(b->at[2 * a->nodes * i + j], 2);
        }
    return sqrt(difference / norm);
}

// Negative conductances, nudges that grow, windows: the waveforms of a nudged echo, point by point.
START_TEST(waveforms_agree) {
    struct test_setting s = mixed(_i, features_of(_i), 1, &es_twin, "midpoint", 20);
    struct trace twin = trace_echo(&s, &es_twin), ngspice = trace_echo(&s, &es_ngspice);
    ck_assert_uint_eq(twin.points, ngspice.points);
    double flux = apart(&ngspice, &twin, 0), voltage = apart(&ngspice, &twin, 1);
    printf("%-20s features %d: waveforms of ngspice and twin apart by %.1e (flux), %.1e (voltage)\n", s.problem.cost->row.name, features_of(_i), flux, voltage);
    ck_assert_double_lt(flux, 1e-8);
    ck_assert_double_lt(voltage, 1e-8);
    test_tear_down(&s);
}
END_TEST

// ---- one damped oscillator -------------------------------------------------------------------------------------------

// phi'' + gamma phi' + omega^2 phi = 0 from phi = 0, phi' = u: with W^2 = omega^2 - gamma^2 / 4, phi = (u / W) e^{-gamma t / 2} sin W t.
struct oscillator {
    double flux, voltage, energy; // errors at T, of the flux's and the voltage's amplitude and of the energy
};

static struct oscillator oscillate(const char *scheme, size_t steps) {
    const double c = 1e-9, l = 1e-6, u = 0.1, gamma = 3e6, omega = 1 / sqrt(c * l), w = sqrt(omega * omega - gamma * gamma / 4), length = 20 / omega;
    struct es_network *net = test_network(1);
    test_add(net, &es_capacitor, 0, ES_GROUND, c, 0, 0);
    test_add(net, &es_inductor, 0, ES_GROUND, l, 0, 0);
    test_add(net, &es_conductance, 0, ES_GROUND, gamma * c, 0, 0);
    struct es_engine *engine = test_engine(&es_twin, net, scheme, 1);
    double zero[3] = {0}, input[2] = {0}, phi = u / w * exp(-gamma * length / 2) * sin(w * length);
    double v = u * exp(-gamma * length / 2) * (cos(w * length) - gamma / (2 * w) * sin(w * length));
    struct es_pass pass = {.theta = zero, .flux = zero, .voltage = &u, .offset = zero, .input = input};
    struct es_batch batch = {.grid = {length, 2, steps}, .passes = 1, .pass = &pass};
    struct es_result *result = es_results_new(net->arena, net, 0, 1);
    ck_assert_int_eq(es_engine_run(engine, &batch, result, NULL), ES_OK);
    struct oscillator found = {(result->flux[0] - phi) * w / u, (result->voltage[0] - v) / u,
                               (c * pow(result->voltage[0], 2) + pow(result->flux[0], 2) / l) / (c * v * v + phi * phi / l) - 1};
    es_engine_close(engine);
    es_network_free(net);
    return found;
}

START_TEST(oscillator_decays) {
    struct oscillator coarse = oscillate("conformal", 400), fine = oscillate("conformal", 800);
    printf("RLC, 400 steps in 20 / omega: flux off by %.2e, voltage by %.2e, energy by %.2e; order %.3f, %.3f, %.3f\n", coarse.flux, coarse.voltage,
           coarse.energy, log2(coarse.flux / fine.flux), log2(coarse.voltage / fine.voltage), log2(coarse.energy / fine.energy));
    ck_assert_double_eq_tol(log2(coarse.flux / fine.flux), 2, 0.02);
    ck_assert_double_eq_tol(log2(coarse.voltage / fine.voltage), 2, 0.02);
    ck_assert_double_eq_tol(log2(coarse.energy / fine.energy), 2, 0.02);
    ck_assert_double_lt(fabs(fine.flux), 1e-2);
}
END_TEST

// ---- refusals --------------------------------------------------------------------------------------------------------

// Three capacitors, one of them between nodes, each with its conductance: 1e6 1/s.
static struct es_network *small(void) {
    struct es_network *net = test_network(2);
    test_add(net, &es_capacitor, 0, ES_GROUND, 1e-9, 0, 0);
    test_add(net, &es_capacitor, ES_GROUND, 1, 2e-9, 0, 0);
    test_add(net, &es_capacitor, 0, 1, 0.5e-9, 0, 0);
    test_add(net, &es_conductance, ES_GROUND, 0, 0.4e-3, 0, 0);
    test_add(net, &es_conductance, 1, ES_GROUND, 2e-3, 0, 0);
    test_add(net, &es_conductance, 1, 0, 0.5e-3, 0, 0);
    test_add(net, &es_conductance, 0, ES_GROUND, 0.6e-3, 0, 0); // with the first
    test_train(net, test_add(net, &es_inductor, 0, 1, 1e-6, 0, 0), 0, &es_log);
    test_output(net, 1, ES_READ_FLUX, -1);
    return net;
}

static void refused(struct es_network *net, const char *what, const char *more) {
    struct es_error error = {""};
    double gamma;
    ck_assert_int_eq(es_validate_uniform_damping(net, NULL, &gamma, &error), ES_BAD_INPUT);
    ck_assert_msg(strstr(error.text, what) && strstr(error.text, more), "%s", error.text);
    es_network_free(net);
}

START_TEST(uniform_damping) {
    struct es_network *net = small();
    double gamma;
    ck_assert_int_eq(es_validate_uniform_damping(net, NULL, &gamma, NULL), ES_OK);
    ck_assert_double_eq_tol(gamma, 1e6, 1e-3);
    net->element[5].value[0] *= 1 + 1e-6;
    refused(net, "\"E5\"", "expects 0.0005 S");
    net = small();
    net->element[2].value[0] = 0.7e-9;
    refused(net, "\"E5\"", "expects 0.0007 S");
    net = small();
    net->elements -= 2; // the output and the inductor
    test_add(net, &es_capacitor, 0, 1, 0.1e-9, 0, 0);
    refused(net, "\"E5\"", "expects 0.0006 S");
    net = small();
    net->element[2].kind = &es_inductor; // a conductance on its own
    refused(net, "\"E5\"", "expects 0 S");
    net = small();
    net->element[5].kind = &es_inductor; // a capacitor on its own
    refused(net, "\"E2\"", "expects 0.0005 S");
    net = test_network(2); // what is between a source and ground damps nothing, what is between a source and a node does
    test_add(net, &es_source, 1, ES_GROUND, 1, 0, 0);
    test_add(net, &es_capacitor, 0, ES_GROUND, 1e-9, 0, 0);
    test_add(net, &es_conductance, 1, ES_GROUND, 1e-3, 0, 0);
    ck_assert_int_eq(es_validate_uniform_damping(net, NULL, &gamma, NULL), ES_OK);
    ck_assert_double_eq(gamma, 0);
    test_add(net, &es_conductance, 1, 0, 1e-3, 0, 0);
    refused(net, "\"E3\"", "expects 0 S");
}
END_TEST

static void not_admitted(const struct es_problem *problem, const char *why) {
    struct es_error error = {""};
    ck_assert_int_eq(es_gain_flipped.admits(problem, &error), ES_BAD_INPUT);
    ck_assert_msg(strstr(error.text, why), "%s", error.text);
}

static enum es_status loss_of(const struct es_problem *problem, struct es_error *error) {
    double theta[2], input[20] = {0}, loss;
    es_network_start(problem->net, theta);
    struct es_free free = {.loss = &loss};
    return es_losses(problem, theta, 1, &(struct es_example){.input = input, .label = -1}, &free, error);
}

START_TEST(what_is_not_admitted) {
    struct es_network *net = small();
    struct es_engine *engine = test_engine(&es_twin, net, "midpoint", 1), *adaptive = test_engine(&es_ngspice, net, "adaptive", 1);
    struct es_engine *conformal = test_engine(&es_twin, net, "conformal", 1);
    struct es_problem problem = {.net = net, .cost = &es_flux_tracking, .rule = &es_gain_flipped, .reversal = &es_flip_voltages, .engine = engine,
                                 .grid = {1e-8, 20, 1}, .beta = 1e-4};
    struct es_error error = {""};
    ck_assert_msg(es_gain_flipped.admits(&problem, &error) == ES_OK, "%s", error.text);
    ck_assert_msg(loss_of(&problem, &error) == ES_OK, "%s", error.text);
    problem.engine = adaptive;
    not_admitted(&problem, "trapezoidal");
    problem.engine = engine;
    problem.reversal = &es_swap_outputs;
    not_admitted(&problem, "swap-outputs");
    problem.reversal = &es_flip_voltages;
    test_train(net, 1, 0, &es_log);
    not_admitted(&problem, "capacitor \"E1\"");
    double theta[2], slope[2], input[20] = {0}; // which a rule that admits it would see too late
    es_network_start(net, theta);
    theta[1] *= 1.1;
    struct es_gradient gradient = {.slope = slope};
    ck_assert_int_eq(es_gradient(&problem, theta, 1, &(struct es_example){.input = input, .label = -1}, &gradient, &error), ES_BAD_INPUT);
    ck_assert_msg(strstr(error.text, "\"E4\"") && strstr(error.text, "expects 0.0022 S"), "%s", error.text);
    struct es_engine *none; // nor would the scheme see it in time
    ck_assert_int_eq(es_engine_open(&es_twin, net, &(struct es_engine_options){.scheme = "conformal"}, &none, &error), ES_BAD_INPUT);
    ck_assert_msg(strstr(error.text, "capacitor \"E1\" is trained") && !none, "%s", error.text);
    net->element[5].value[0] *= 2;
    net->element[1].parameter[0] = ES_FIXED;
    net->parameters--;
    not_admitted(&problem, "\"E5\"");
    problem.engine = conformal;
    ck_assert_int_eq(loss_of(&problem, &error), ES_BAD_INPUT);
    ck_assert_msg(strstr(error.text, "\"E5\""), "%s", error.text);
    net->element[5].value[0] /= 2;
    net->element[7].kind = &es_sensing_gyrator;
    not_admitted(&problem, "not Lagrangian");
    es_engine_close(conformal);
    es_engine_close(adaptive);
    es_engine_close(engine);
    es_network_free(net);
}
END_TEST

Suite *test_suite(void) {
    Suite *suite = suite_create("gain-flipped");
    TCase *twin = tcase_create("twin"), *ngspice = tcase_create("ngspice"), *steps = tcase_create("steps"), *refusals = tcase_create("refusals");
    tcase_set_timeout(twin, 120);
    tcase_add_loop_test(twin, conformal_is_exact_for_everything, 0, 2 * TEST_KINDS);
    tcase_add_loop_test(twin, long_passes, 0, 9);
    tcase_add_loop_test(twin, too_long_passes, 0, TEST_KINDS);
    tcase_add_loop_test(twin, midpoint_converges, 0, TEST_KINDS);
    tcase_add_loop_test(twin, reversals_agree, 0, TEST_KINDS);
    tcase_add_loop_test(twin, conformal_without_damping_is_midpoint, 0, TEST_KINDS);
    tcase_add_test(twin, oscillator_decays);
    tcase_set_timeout(ngspice, 120);
    tcase_set_timeout(steps, 240);
    tcase_add_loop_test(ngspice, echo_with_gain_returns, 0, GAMMAS);
    tcase_add_loop_test(ngspice, waveforms_agree, 0, TEST_KINDS);
    tcase_add_loop_test(ngspice, ngspice_is_midpoint, 0, TEST_KINDS);
    tcase_add_loop_test(steps, ngspice_is_exact_to_the_step, 0, 3);
    tcase_add_test(refusals, uniform_damping);
    tcase_add_test(refusals, what_is_not_admitted);
    suite_add_tcase(suite, twin);
    suite_add_tcase(suite, ngspice);
    suite_add_tcase(suite, steps);
    suite_add_tcase(suite, refusals);
    return suite;
}
