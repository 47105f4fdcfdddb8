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

struct setting {
    struct es_network *net;
    struct es_problem problem;
    struct es_example example;
    double *theta, *echo, *difference;
    double gamma;
};

// The parameters of all elements but capacitors.
static void fix_capacitors(struct es_network *net) {
    size_t kept = 0;
    for (size_t i = 0; i < net->parameters; i++) {
        struct es_parameter p = net->parameter[i];
        bool capacitor = net->element[p.element].kind == &es_capacitor;
        net->element[p.element].parameter[p.quantity] = capacitor ? ES_FIXED : (int)kept;
        if (!capacitor)
            net->parameter[kept++] = p;
    }
    net->parameters = kept;
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
static struct setting set_up(struct es_network *net, const struct es_cost *cost, const struct es_engine_kind *kind, const char *scheme, double steps,
                             double gamma_t, double peak, bool windowed) {
    struct setting s = {.net = net};
    fix_capacitors(net);
    s.theta = ES_NEW(net->arena, net->parameters, double);
    s.echo = ES_NEW(net->arena, net->parameters, double);
    s.difference = ES_NEW(net->arena, net->parameters, double);
    es_network_start(net, s.theta);
    double omega = es_modes_fastest(net, s.theta);
    s.problem = (struct es_problem){
        .net = net, .cost = cost, .rule = &es_gain_flipped, .reversal = &es_flip_voltages, .beta = 1e-5,
        .grid = test_grid(net, 20, (size_t)(20 * periods) + 1),
    };
    s.problem.grid.substeps = (size_t)(steps / 20);
    s.gamma = gamma_t / (s.problem.grid.interval * (double)(s.problem.grid.points - 1));
    damp(net, s.gamma);
    s.problem.engine = test_engine(kind, net, scheme, 0);
    s.problem.temperature = 3 * peak * peak * s.problem.grid.interval * (double)s.problem.grid.points;
    s.example = test_example(net, 3, &s.problem.grid, omega, peak, cost->labels ? 1 : -1);
    if (windowed)
        s.example.window = test_window(net, &s.problem.grid);
    return s;
}

static void tear_down(struct setting *s) {
    es_engine_close(s->problem.engine);
    es_network_free(s->net);
}

static void echo(struct setting *s, double *slope) {
    struct es_gradient gradient = {.slope = slope};
    struct es_error error = {""};
    ck_assert_msg(es_gain_flipped.admits(&s->problem, &error) == ES_OK, "%s", error.text);
    ck_assert_msg(es_gradient(&s->problem, s->theta, 1, &s->example, &gradient, &error) == ES_OK, "%s", error.text);
}

static void differences(struct setting *s) {
    struct es_error error = {""};
    ck_assert_msg(es_finite_differences(&s->problem, s->theta, 1, &s->example, 1e-3, s->difference, &error) == ES_OK, "%s", error.text);
}

static double error_of(struct setting *s) {
    differences(s);
    echo(s, s->echo);
    return test_distance(s->net, s->theta, s->echo, s->difference);
}

// ---- every kind of element, parameter and cost -----------------------------------------------------------------------

static const struct kind {
    const struct es_cost *cost;
    enum es_read read;
    double peak; // of the targets, at the scale of test_mixed_network
    bool windowed;
} kinds[] = {
    {&es_flux_tracking, ES_READ_FLUX, 2e-16, false},      {&es_flux_tracking, ES_READ_FLUX, 2e-16, true},
    {&es_voltage_tracking, ES_READ_VOLTAGE, 1e-5, false}, {&es_voltage_tracking, ES_READ_VOLTAGE, 1e-5, true},
    {&es_energy_crossentropy, ES_READ_VOLTAGE, 1e-5, false}, {&es_energy_crossentropy, ES_READ_VOLTAGE, 1e-5, true},
    {&es_energy_crossentropy, ES_READ_FLUX, 2e-16, true}, {&es_softmax_energies, ES_READ_VOLTAGE, 1e-5, false},
    {&es_softmax_energies, ES_READ_FLUX, 2e-16, false},   {&es_terminal_flux, ES_READ_FLUX, 2e-16, false},
    {&es_terminal_voltage, ES_READ_VOLTAGE, 1e-5, false}, {&es_terminal_charge, ES_READ_VOLTAGE, 1e-17, false},
};
enum { KINDS = sizeof kinds / sizeof *kinds };
static const double gamma_t[] = {0.1, 1, 3};
enum { GAMMAS = sizeof gamma_t / sizeof *gamma_t };

static struct setting mixed(int which, int features, double damping, const struct es_engine_kind *engine, const char *scheme, double steps) {
    const struct kind *k = &kinds[which % KINDS];
    struct es_network *net = test_mixed_network((uint64_t)which + 1, 8, features, k->read, k->cost->labels);
    return set_up(net, k->cost, engine, scheme, steps, damping, k->peak, k->windowed);
}

static int features_of(int which) { // every cost meets sources and charges in some round
    return ((which / 4 + which / KINDS) % 3 ? TEST_NONLINEAR : 0) | (which % 2 ? TEST_SOURCE : 0) | (which / 2 % 2 ? TEST_CHARGES : 0);
}

static void show_parameters(const struct setting *s) {
    for (size_t i = 0; i < s->net->parameters && getenv("ES_VERBOSE"); i++) {
        const struct es_parameter *p = &s->net->parameter[i];
        double scale = es_parameter_slope(s->net, i, s->theta[i]);
        printf("    %-22s %-12s %.10g %.10g %.2e\n", s->net->element[p->element].kind->row.name, s->net->element[p->element].kind->quantity[p->quantity].name,
               scale * s->echo[i], scale * s->difference[i], scale * (s->echo[i] - s->difference[i]));
    }
}

START_TEST(conformal_is_exact_for_everything) {
    for (int i = 0; i < GAMMAS; i++) {
        struct setting s = mixed(_i, features_of(_i), gamma_t[i], &es_twin, "conformal", 20);
        double error = error_of(&s);
        printf("conformal %-20s gamma T %3.1f, features %d, %zu parameters: to differences %.1e\n", s.problem.cost->row.name, gamma_t[i], features_of(_i),
               s.net->parameters, error);
        show_parameters(&s);
        ck_assert_double_lt(error, 1e-6);
        tear_down(&s);
    }
}
END_TEST

Suite *test_suite(void) {
    Suite *suite = suite_create("gain-flipped");
    TCase *twin = tcase_create("twin");
    tcase_set_timeout(twin, 120);
    tcase_add_loop_test(twin, conformal_is_exact_for_everything, 0, 2 * KINDS);
    suite_add_tcase(suite, twin);
    return suite;
}
