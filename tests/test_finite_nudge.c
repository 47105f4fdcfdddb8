// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// Finite nudges at a temperature: what the noise samples against closed forms, both rules against differences of the free energy's gap.
#include "runner.h"
#include "support.h"

#include "core/random.h"
#include "learn/thermal.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

// Time constants of 0.2 to 5 us: C of 1 nF, conductances of 0.2 to 2 mS; inductors of 1 to 4 uH.
enum { CO_CONTENT, STORED_FLUX, STORED_CHARGE, CASES };
static const char *const names[CASES] = {"co-content", "stored energy, RLC", "stored energy, RC"};

struct setting {
    struct es_network *net;
    struct es_problem problem;
    struct es_example example;
    double *theta, *slope, *reference;
};

static double random_value(struct es_stream *stream, double low, double high) {
    return low * pow(high / low, es_random_uniform(stream));
}

// A random tree of conductances, and half as many again, on a source and ground; a capacitor at every free node and one between two; one drive.
static struct es_network *co_content_network(void) {
    struct es_stream stream = {.seed = 3, .purpose = ES_RANDOM_TEST};
    struct es_network *net = test_network(6);
    net->channels = 2;
    net->element[test_add(net, &es_source, 0, ES_GROUND, 1, 0, 0)].channel = 0;
    for (int i = 1; i < 9; i++) {
        int p = i < 6 ? i : i - 5, n = i < 6 ? (int)es_random_below(&stream, (uint64_t)i) : ES_GROUND;
        test_train(net, test_add(net, &es_conductance, p, n, random_value(&stream, 2e-4, 2e-3), 0, 0), 0, &es_log);
    }
    for (int i = 1; i < 6; i++)
        test_add(net, &es_capacitor, i, ES_GROUND, i == 2 ? 2e-9 : 1e-9, 0, 0);
    test_add(net, &es_capacitor, 3, 4, 0.5e-9, 0, 0);
    size_t drive = test_add(net, &es_input, 2, 4, 1e-3, 0, 0);
    net->element[drive].channel = 1;
    test_train(net, drive, 0, &es_logistic);
    return net;
}

// Nodes with capacitors and conductances to ground and to the node before, the conductances fixed at `scale` times their value; of all but RC networks also
// with inductors and a drive.
static struct es_network *stored_network(bool fluxes, double scale) {
    struct es_stream stream = {.seed = 4, .purpose = ES_RANDOM_TEST};
    struct es_network *net = test_network(4);
    net->channels = 1;
    for (int i = 0; i < 4; i++) {
        int before = i ? i - 1 : ES_GROUND;
        test_train(net, test_add(net, &es_capacitor, i, ES_GROUND, random_value(&stream, 0.5e-9, 2e-9), 0, 0), 0, &es_log);
        test_train(net, test_add(net, &es_capacitor, i, before, random_value(&stream, 0.2e-9, 1e-9), 0, 0), 0, &es_log);
        test_add(net, &es_conductance, i, before, scale * random_value(&stream, 5e-3, 2e-2), 0, 0);
        test_add(net, &es_conductance, i, ES_GROUND, scale * random_value(&stream, 5e-3, 2e-2), 0, 0);
        if (fluxes)
            test_train(net, test_add(net, &es_inductor, i, before, random_value(&stream, 1e-6, 4e-6), 0, 0), 0, &es_log);
    }
    if (fluxes)
        test_train(net, test_add(net, &es_input, 1, ES_GROUND, 1e-3, 0, 0), 0, &es_logistic);
    return net;
}

// kt at which the voltages, or the fluxes, fluctuate by about 0.3 V, or by what makes 0.3 mA in the inductors, times the square root of `hot`.
static struct setting set_up(int which, double scale, double hot, const char *scheme, const struct es_engine_kind *kind, size_t jobs) {
    struct es_network *net = which == CO_CONTENT ? co_content_network() : stored_network(which == STORED_FLUX, scale);
    bool flux = which == STORED_FLUX;
    struct setting s = {.net = net};
    test_output(net, 2, flux ? ES_READ_FLUX : ES_READ_VOLTAGE, -1);
    test_output(net, 3, flux ? ES_READ_FLUX : ES_READ_VOLTAGE, -1);
    double h = which == CO_CONTENT ? 1e-6 : which == STORED_FLUX ? 1e-7 : 1e-7, y = which == CO_CONTENT ? 1 : flux ? 1e-9 : 0;
    double *input = ES_NEW(net->arena, 4, double), *target = ES_NEW(net->arena, 4, double);
    for (int i = 0; i < 4; i++) {
        input[i] = i < 2 ? 1 : 0.5;
        target[i] = i < 2 ? -0.4 * y : 0.6 * y;
    }
    s.example = (struct es_example){.input = input, .target = target, .label = -1};
    s.theta = ES_NEW(net->arena, net->parameters, double);
    s.slope = ES_NEW(net->arena, net->parameters, double);
    s.reference = ES_NEW(net->arena, net->parameters, double);
    es_network_start(net, s.theta);
    s.problem = (struct es_problem){
        .net = net, .cost = flux ? &es_terminal_flux : &es_terminal_voltage, .rule = &es_contrastive, .grid = {.interval = 1000 * h, .points = 2, .substeps = 1000},
        .beta = 1, .sampler = which == CO_CONTENT ? &es_co_content : &es_stored_energy, .kt = hot * (which == CO_CONTENT ? 1e-4 : flux ? 2e-13 : 1e-13), .chains = flux ? 512 : 64, .seed = 1,
        .engine = test_engine(kind, net, scheme, jobs),
    };
    return s;
}

static void tear_down(struct setting *s) {
    es_engine_close(s->problem.engine);
    es_network_free(s->net);
}

static void must(enum es_status status, const struct es_error *error) {
    ck_assert_msg(status == ES_OK, "%s", error->text);
}

static void differences(struct setting *s) {
    struct es_error error = {""};
    must(es_finite_differences(&s->problem, s->theta, 1, &s->example, 1e-3, s->reference, &error), &error);
}

static void gradient(struct setting *s, const struct es_rule *rule) {
    struct es_error error = {""};
    struct es_gradient gradient = {.slope = s->slope};
    s->problem.rule = rule;
    must(rule->admits(&s->problem, &error), &error);
    must(es_gradient(&s->problem, s->theta, 1, &s->example, &gradient, &error), &error);
}

// ---- closed forms ----------------------------------------------------------------------------------------------------

// One node: x over G1, G2 to ground, nudged by b = G1 + G2: F = G1 (v - x)^2 / 2 + G2 v^2 / 2 + b (v - y)^2 / 2.
START_TEST(one_conductive_node) {
    const double g1 = 1e-3, g2 = 2e-3, x = 0.7, y = -0.2, kt = 3e-4, g = g1 + g2;
    struct es_network *net = test_network(2);
    net->element[test_add(net, &es_source, 0, ES_GROUND, 1, 0, 0)].channel = 0;
    test_add(net, &es_conductance, 0, 1, g1, 0, 0);
    test_add(net, &es_conductance, 1, ES_GROUND, g2, 0, 0);
    test_add(net, &es_capacitor, 1, ES_GROUND, 1e-9, 0, 0);
    test_output(net, 1, ES_READ_VOLTAGE, -1);
    double input[] = {x, x}, target[] = {y, y}, theta[1] = {0}, value, free = g1 * g2 / g * x * x / 2;
    double v = (g1 * x + g * y) / (2 * g), nudged = g1 * (v - x) * (v - x) / 2 + g2 * v * v / 2 + g * (v - y) * (v - y) / 2;
    struct es_problem problem = {.net = net, .cost = &es_terminal_voltage, .sampler = &es_co_content, .kt = kt, .beta = 1, .grid = {1, 2, 1}};
    struct es_example example = {.input = input, .target = target, .label = -1};
    struct es_error error = {""};
    must(es_energy_gap(&problem, theta, &example, &value, &error), &error);
    ck_assert_double_eq_tol(value / ((nudged - free + kt / 2 * log(2)) / g), 1, 1e-14);
    es_network_free(net);
}
END_TEST

// One node with L, C and a current g x: F = psi^2 / 2 L - g x psi + b (psi - y)^2 / 2, b = 1 / L; the capacitor's share cancels.
START_TEST(one_node_of_flux) {
    const double l = 2e-6, c = 1e-9, g = 1e-3, x = 0.3, y = 4e-10, kt = 1e-13, b = 1 / l;
    struct es_network *net = test_network(1);
    test_add(net, &es_inductor, 0, ES_GROUND, l, 0, 0);
    test_add(net, &es_capacitor, 0, ES_GROUND, c, 0, 0);
    test_add(net, &es_conductance, 0, ES_GROUND, 1e-3, 0, 0);
    test_add(net, &es_input, 0, ES_GROUND, g, 0, 0);
    test_output(net, 0, ES_READ_FLUX, -1);
    double input[] = {x, x}, target[] = {y, y}, theta[1] = {0}, value, i = g * x;
    double nudged = -(i + b * y) * (i + b * y) / (4 * b) + b * y * y / 2, free = -i * i / (2 * b);
    struct es_problem problem = {.net = net, .cost = &es_terminal_flux, .sampler = &es_stored_energy, .kt = kt, .beta = 1, .grid = {1, 2, 1}};
    struct es_example example = {.input = input, .target = target, .label = -1};
    struct es_error error = {""};
    must(es_energy_gap(&problem, theta, &example, &value, &error), &error);
    ck_assert_double_eq_tol(value / ((nudged - free + kt / 2 * log(2)) / b), 1, 1e-14);
    es_network_free(net);
}
END_TEST

// ---- sampling --------------------------------------------------------------------------------------------------------

static const double hotness[] = {0.25, 1, 4};

// Mean and standard error over the chains of quantity i of their means: dE/dtheta_i.
static double mean_of(const struct setting *s, const struct es_chain_means *mean, size_t i, double *deviation) {
    double sum = 0, squares = 0, chains = (double)s->problem.chains;
    for (size_t c = 0; c < s->problem.chains; c++)
        sum += mean[c].slope[i] / chains;
    for (size_t c = 0; c < s->problem.chains; c++)
        squares += pow(mean[c].slope[i] - sum, 2);
    *deviation = sqrt(squares / (chains - 1) / chains);
    return sum;
}

// <dE/dtheta>_b against dA_b/dtheta: at small b the gap is <l>, so the free means come from the identity <dE/dtheta>_0 = <dE/dtheta>_b - b dJ/dtheta.
// The largest distance of the difference between both from b dJ/dtheta, in standard errors.
static double worst_contrast(struct setting *s) {
    struct es_arena *arena = es_arena_new();
    struct es_error error = {""};
    struct es_chain_means *free, *nudged;
    double b, worst = 0;
    differences(s);
    must(es_thermal_nudge(&s->problem, &b, &error), &error);
    must(es_thermal_sample(&s->problem, s->theta, &s->example, 0, 0, arena, &free, &error), &error);
    must(es_thermal_sample(&s->problem, s->theta, &s->example, b, 1, arena, &nudged, &error), &error);
    for (size_t i = 0; i < s->net->parameters; i++) {
        double d0, d1, difference = mean_of(s, nudged, i, &d1) - mean_of(s, free, i, &d0);
        worst = fmax(worst, fabs(difference - b * s->reference[i]) / hypot(d0, d1));
    }
    es_arena_free(arena);
    return worst;
}

START_TEST(averages_are_those_of_the_energy) {
    struct setting s = set_up(_i % CASES, 1, hotness[_i / CASES], "midpoint", &es_twin, 1);
    double worst = worst_contrast(&s);
    printf("%s, kT %g %s: %zu averages, at most %.2f standard errors off\n", names[_i % CASES], s.problem.kt, s.problem.sampler->unit, s.net->parameters, worst);
    ck_assert_double_lt(worst, 3);
    tear_down(&s);
}
END_TEST

START_TEST(gradients) {
    struct setting s = set_up(_i % CASES, 1, hotness[_i / CASES], "midpoint", &es_twin, 1);
    const struct es_rule *const rules[] = {&es_contrastive, &es_path_integral};
    differences(&s);
    for (int r = 0; r < 2; r++) {
        gradient(&s, rules[r]);
        double cosine = test_cosine(s.net, s.theta, s.slope, s.reference), distance = test_distance(s.net, s.theta, s.slope, s.reference);
        printf("%s, kT %g %s, %s: cosine %.5f, error %.3f, from %zu x 800 points a nudge\n", names[_i % CASES], s.problem.kt, s.problem.sampler->unit, rules[r]->row.name, cosine,
               distance, s.problem.chains);
        ck_assert_double_gt(cosine, 0.99);
    }
    tear_down(&s);
}
END_TEST

static Suite *suite(void) {
    Suite *suite = suite_create("finite-nudge");
    TCase *closed = tcase_create("closed"), *sampled = tcase_create("sampled");
    tcase_add_test(closed, one_conductive_node);
    tcase_add_test(closed, one_node_of_flux);
    tcase_set_timeout(sampled, 300);
    tcase_add_loop_test(sampled, averages_are_those_of_the_energy, 0, 3 * CASES);
    tcase_add_loop_test(sampled, gradients, 0, 3 * CASES);
    suite_add_tcase(suite, closed);
    suite_add_tcase(suite, sampled);
    return suite;
}

Suite *test_suite(void) {
    return suite();
}
