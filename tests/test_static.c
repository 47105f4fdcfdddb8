// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// Resistive networks at rest: states against formulas and between solvers, equilibrium propagation against finite differences.
#include "runner.h"
#include "support.h"

#include "core/random.h"
#include "net/resistive.h"
#include "xml/xml.h"

#include <gsl/gsl_sf_lambert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static const struct es_grid grid = {.interval = 1, .points = 2, .substeps = 1};

static size_t source(struct es_network *net, int node, double ratio, int channel) {
    size_t e = test_add(net, &es_source, node, ES_GROUND, ratio, 0, 0);
    net->element[e].channel = channel;
    return e;
}

static size_t conductance(struct es_network *net, int p, int n, double value) {
    return test_add(net, &es_conductance, p, n, value, 0, 0);
}

static double largest_difference(size_t n, const double *a, const double *b) {
    double most = 0;
    for (size_t i = 0; i < n; i++)
        most = fmax(most, fabs(a[i] - b[i]));
    return most;
}

// 2 V over 1 S and 3 S to ground, and a current of 0.5 S x into the middle; a capacitor that is open.
START_TEST(divider) {
    struct es_network *net = test_network(2);
    double x = 2, v[2];
    source(net, 0, 1, 0);
    conductance(net, 0, 1, 1);
    conductance(net, 1, ES_GROUND, 3);
    test_add(net, &es_input, 1, ES_GROUND, 0.5, 0, 0);
    test_add(net, &es_capacitor, 0, 1, 1e-9, 0, 0);
    test_must_rest(net, &test_solvers[_i], &grid, &x, v);
    ck_assert_double_eq_tol(v[0], 2, 1e-15);
    ck_assert_double_eq_tol(v[1], (2 + 0.5 * 2) / 4, 1e-14);
    es_network_free(net);
}
END_TEST

// x over R in series with a diode: i = I (exp(v / V) - 1), R i = x - v: with w = W(R I / V exp((x + R I) / V)), v = x + R I - V w. Forward by up to
// 40 V_e, and in reverse where it conducts.
START_TEST(diode_follows_lambert) {
    const double current = 1e-9, emission = 0.04, r = 1e4;
    struct es_network *net = test_network(2);
    source(net, 0, 1, 0);
    conductance(net, 0, 1, 1 / r);
    test_add(net, &es_diode, 1, ES_GROUND, current, emission, 0);
    double worst = 0;
    for (double x = -0.1; x < 1.65; x += 0.15) {
        double v[2], expected = x + r * current - emission * gsl_sf_lambert_W0(r * current / emission * exp((x + r * current) / emission));
        test_must_rest(net, &test_solvers[_i], &grid, &x, v);
        worst = fmax(worst, fabs(v[1] - expected));
    }
    printf("diode, %s: %.1e V from Lambert's function\n", test_solvers[_i].scheme, worst);
    ck_assert_double_lt(worst, 2e-15);
    es_network_free(net);
}
END_TEST

// Far forward, where the first step of Newton's method is out of exp's range: v = V ln(1 + (x - v) / R I) to its fixed point.
START_TEST(diode_far_forward) {
    const double current = 1e-9, emission = 0.04, r = 1e4, x = 100;
    struct es_network *net = test_network(2);
    double v[2], expected = 0;
    source(net, 0, 1, 0);
    conductance(net, 0, 1, 1 / r);
    test_add(net, &es_diode, 1, ES_GROUND, current, emission, 0);
    for (int i = 0; i < 20; i++)
        expected = emission * log1p((x - expected) / (r * current));
    test_must_rest(net, &test_solvers[_i], &grid, &x, v);
    ck_assert_double_eq_tol(v[1], expected, 1e-14);
    es_network_free(net);
}
END_TEST

// Far in reverse, where SPICE's tail counts: all solvers against each other.
START_TEST(diode_in_reverse) {
    struct es_network *net = test_network(2);
    source(net, 0, 1, 0);
    conductance(net, 0, 1, 1e-6);
    test_add(net, &es_diode, 1, ES_GROUND, 1e-7, 0.03, 0);
    for (double x = -0.15; x > -1; x -= 0.2) {
        double v[2], other[2];
        test_must_rest(net, &test_solvers[0], &grid, &x, v);
        test_must_rest(net, &test_solvers[_i], &grid, &x, other);
        ck_assert_double_eq_tol(v[1], other[1], 1e-14);
        double current = 0, q[] = {1e-7, 0.03};
        es_diode.content->current(q, 1, &v[1], &current, NULL);
        ck_assert_double_eq_tol((x - v[1]) * 1e-6, current, 1e-18);
    }
    es_network_free(net);
}
END_TEST

// The co-content's derivative is the current, its slope the conductance.
START_TEST(diode_content) {
    double q[] = {1e-9, 0.03}, h = 1e-5;
    for (double v = -0.5; v < 0.7; v += 0.0137) {
        double at[] = {v - h, v, v + h}, i[3], g[3];
        es_diode.content->current(q, 3, at, i, g);
        ck_assert_double_eq_tol((es_diode.content->energy(q, v + h) - es_diode.content->energy(q, v - h)) / (2 * h) / (fabs(i[1]) + 1e-12), i[1] / (fabs(i[1]) + 1e-12), 1e-6);
        ck_assert_double_eq_tol((i[2] - i[0]) / (2 * h) / (g[1] + 1e-12), g[1] / (g[1] + 1e-12), 1e-5);
    }
    double top[] = {2.5, 3 - 1e-9, 3 + 1e-9, 4}, current[4], slope[4]; // goes on along the tangent at 3 V
    es_diode.content->current(q, 4, top, current, slope);
    ck_assert_double_eq_tol(current[2] / current[1], 1, 1e-6);
    ck_assert_double_eq(slope[3], slope[2]);
    for (int k = 0; k < 4; k += 3)
        ck_assert_double_eq_tol((es_diode.content->energy(q, top[k] + h) - es_diode.content->energy(q, top[k] - h)) / (2 * h) / current[k], 1, 1e-6);
    ck_assert(isfinite(es_diode.content->energy(q, 1e6)));
}
END_TEST

// n0 = x; G1 to n1; amplifier A: n2 = A n1; G2 to n3; amplifier B: n4 = B n3, G3 to ground; amplifier C behind it: n5 = C n4, G4 to ground. C delivers
// C B G4 v3 and draws 1 / C of that; so by hand
// at n3: G2 (A v1 - v3) = (1 / B) (G3 + G4) B v3;   at n1: G1 (x - v1) = (1 / A) G2 (A v1 - v3).
START_TEST(amplifier_chain) {
    const double a = 3, b = 5, c = -0.5, g1 = 1e-3, g2 = 2e-3, g3 = 7e-4, g4 = 3e-4, x = 1.7;
    struct es_network *net = test_network(6);
    double v[6];
    source(net, 0, 1, 0);
    conductance(net, 0, 1, g1);
    test_add(net, &es_amplifier, 1, 2, a, 0, 0);
    conductance(net, 2, 3, g2);
    test_add(net, &es_amplifier, 3, 4, b, 0, 0);
    conductance(net, 4, ES_GROUND, g3);
    test_add(net, &es_amplifier, 4, 5, c, 0, 0);
    conductance(net, 5, ES_GROUND, g4);
    test_must_rest(net, &test_solvers[_i], &grid, &x, v);
    double ratio = g2 * a / (g2 + g3 + g4), v1 = g1 * x / (g1 + g2 * (a - ratio) / a), v3 = ratio * v1;
    double expected[] = {x, v1, a * v1, v3, b * v3, c * b * v3};
    ck_assert_double_lt(largest_difference(6, v, expected), 2e-14);
    es_network_free(net);
}
END_TEST

// Diodes forward by thousands of V_e where the search for their state of rest begins: G v = I (exp((x - v) / V) - 1).
START_TEST(diodes_are_found_from_afar) {
    const double emission[] = {1e-3, 0.05}, supply[] = {2, 40}, current = 1e-9, g = 1e-4;
    for (int k = 0; k < 2; k++) {
        struct es_network *net = test_network(2);
        double v[2];
        source(net, 0, 1, 0);
        conductance(net, 1, ES_GROUND, g);
        test_add(net, &es_diode, 0, 1, current, emission[k], 0);
        test_must_rest(net, &test_solvers[_i], &grid, &supply[k], v);
        ck_assert_double_eq_tol(current * expm1((supply[k] - v[1]) / emission[k]) / (g * v[1]), 1, 1e-11);
        es_network_free(net);
    }
}
END_TEST

// A diode as sharp as 1e-10 of the voltages: Newton's steps of one V_e are small, and still not lost in rounding.
START_TEST(small_steps_are_not_the_end) {
    const double x = 10, emission = 1e-9, current = 1e-9, g = 1e-4;
    struct es_network *net = test_network(2);
    double v[2];
    source(net, 0, 1, 0);
    conductance(net, 1, ES_GROUND, g);
    test_add(net, &es_diode, 0, 1, current, emission, 0);
    test_must_rest(net, &test_solvers[0], &grid, &x, v);
    ck_assert_double_eq_tol((x - v[1]) / emission, log1p(g * x / current), 1e-5);
    es_network_free(net);
}
END_TEST

// A row of diodes and conductances from a source on, and 1.5 mA through those beyond its middle; on the way diodes conduct 1e20 times as well as what is
// beside them.
START_TEST(a_row_of_diodes) {
    const double x = -1.5, g = 1e-4, q[] = {1e-7, 0.02};
    for (int length = 2; length < 9; length++) {
        struct es_network *net = test_network((size_t)length + 1);
        double v[16], current;
        source(net, 0, 1, 0);
        for (int i = 0; i < length; i++) {
            conductance(net, i, i + 1, g);
            test_add(net, &es_diode, i + 1, i, q[0], q[1], 0);
        }
        test_add(net, &es_input, length / 2, length, 1e-3, 0, 0);
        test_must_rest(net, &test_solvers[0], &grid, &x, v);
        for (int i = 0; i < length; i++) {
            double across = v[i + 1] - v[i];
            es_diode.content->current(q, 1, &across, &current, NULL);
            ck_assert_double_eq_tol(current + g * across, i < length / 2 ? 0 : 1.5e-3, 1e-15);
        }
        es_network_free(net);
    }
}
END_TEST

// Between +x and -x everything is symmetric and every free voltage 0, so that nothing but the sources' voltages measures rounding.
START_TEST(balanced_networks_rest) {
    struct es_stream stream = {.seed = 3};
    for (int i = 0; i < 300; i++) {
        struct es_network *net = test_network(5);
        double v[5], x = 0.1 + 3 * es_random_uniform(&stream), start = 0.1 * es_random_normal(&stream);
        struct es_error error = {""};
        source(net, 0, 1, 0);
        source(net, 1, -1, 0);
        for (int n = 2; n < 5; n++) {
            double g[3], emission = 0.02 + 0.3 * es_random_uniform(&stream), current = 1e-9 * exp(9 * es_random_uniform(&stream));
            for (int k = 0; k < 3; k++)
                conductance(net, 0, n, g[k] = 1e-5 * exp(es_random_normal(&stream)));
            conductance(net, 1, n, g[2] + g[1] + g[0]);
            conductance(net, n - 1 + 3 * (n == 2), n, 1e-5);
            test_add(net, &es_diode, n, 0, current, emission, 0);
            test_add(net, &es_diode, 1, n, current, emission, 0);
        }
        for (int n = 0; n < 5; n++)
            v[n] = start;
        ck_assert_msg(test_rest(net, &test_solvers[0], &grid, &x, NULL, NULL, v, &error) == ES_OK, "network %d: %s", i, error.text);
        ck_assert_double_lt(fmax(fabs(v[2]), fmax(fabs(v[3]), fabs(v[4]))), 1e-13);
        es_network_free(net);
    }
}
END_TEST

// ---- random and layered networks -------------------------------------------------------------------------------------

// A random tree of conductances and half as many again, hung on two sources and ground; antiparallel and single diodes; classes of differential outputs.
static struct es_network *random_network(uint64_t seed, size_t nodes) {
    struct es_stream stream = {.seed = seed};
    struct es_network *net = test_network(nodes);
    net->channels = 2;
    source(net, 0, 1, 0);
    source(net, 1, -0.7, 1);
    for (size_t i = 1; i < nodes + nodes / 2; i++) {
        int p = (int)(i < nodes ? i : es_random_below(&stream, nodes)), n = (int)es_random_below(&stream, i < nodes ? i : nodes);
        if (p != n)
            test_train(net, conductance(net, p, n, 1e-4 * exp(es_random_normal(&stream))), 0, &es_log);
    }
    for (int i = 2; i < (int)nodes; i++) {
        int to = i % 3 ? ES_GROUND : (int)es_random_below(&stream, (uint64_t)i);
        if (i % 2)
            test_add(net, &es_diode, i, to, 1e-7 * (i % 5 + 1), 0.05, 0);
        else
            test_train(net, conductance(net, i, ES_GROUND, 2e-5), 0, &es_log);
    }
    size_t gain = test_add(net, &es_input, 3, 4, 3e-5, 0, 0);
    test_train(net, gain, 0, &es_logistic);
    return net;
}

// Sources n0 .. n3 (+x, -x of two channels); four hidden nodes with diodes to ground both ways and an amplifier each; outputs behind them.
static struct es_network *layered_network(uint64_t seed, size_t outputs) {
    enum { INPUTS = 4, HIDDEN = 4 };
    struct es_stream stream = {.seed = seed};
    struct es_network *net = test_network(INPUTS + 2 * HIDDEN + outputs);
    net->channels = 2;
    for (int i = 0; i < INPUTS; i++)
        source(net, i, i % 2 ? -1 : 1, i / 2);
    for (int h = 0; h < HIDDEN; h++) {
        for (int i = 0; i < INPUTS; i++)
            test_train(net, conductance(net, i, INPUTS + h, 1e-4 * exp(es_random_normal(&stream))), 0, &es_log);
        test_add(net, &es_diode, INPUTS + h, ES_GROUND, 1e-7, 0.05, 0);
        test_add(net, &es_diode, ES_GROUND, INPUTS + h, 1e-7, 0.05, 0);
        test_add(net, &es_amplifier, INPUTS + h, INPUTS + HIDDEN + h, 4, 0, 0);
        for (int o = 0; o < (int)outputs; o++)
            test_train(net, conductance(net, INPUTS + HIDDEN + h, INPUTS + 2 * HIDDEN + o, 1e-4 * exp(es_random_normal(&stream))), 0, &es_log);
    }
    return net;
}

// Its first output at an amplifier's node, n8, and every conductance from there turned round.
static void read_amplifier(struct es_network *net) {
    net->element[net->output[0]].p = 8;
    for (size_t i = 0; i < net->elements; i++) {
        struct es_element *e = &net->element[i];
        if (e->kind == &es_conductance && e->p == 8) {
            e->p = e->n;
            e->n = 8;
        }
    }
}

enum { NETWORKS = 7 };

// Networks 0 .. 2 random, 3 .. 6 layered, of 2 classes with differential outputs, or targets; the last reads behind an amplifier, too.
static struct es_network *network(int which, bool classes) {
    struct es_network *net = which < 3 ? random_network((uint64_t)which + 1, 9 + 4 * (size_t)which) : layered_network((uint64_t)which, 4);
    for (int o = 0; o < 2; o++) {
        test_output(net, (int)net->nodes - 4 + 2 * o, ES_READ_VOLTAGE, classes ? o : -1);
        net->element[net->elements - 1].n = which % 2 && o ? 0 : (int)net->nodes - 3 + 2 * o; // also against a source
    }
    if (which == 6)
        read_amplifier(net);
    net->classes = classes ? 2 : 0;
    return net;
}

static const double inputs[] = {1.3, -0.8};

START_TEST(solvers_agree) {
    struct es_network *net = network(_i, true);
    double v[ES_MAX_NODES], other[ES_MAX_NODES];
    test_must_rest(net, &test_solvers[0], &grid, inputs, v);
    for (int k = 1; k < TEST_SOLVERS; k++) {
        test_must_rest(net, &test_solvers[k], &grid, inputs, other);
        double difference = largest_difference(net->nodes, v, other);
        printf("network %d: newton and %s %.1e V apart\n", _i, test_solvers[k].scheme, difference);
        ck_assert_double_lt(difference, 1e-14);
    }
    es_network_free(net);
}
END_TEST

// Random and layered, both costs, newton and ngspice, the best of a few betas.
START_TEST(propagation_is_exact) {
    bool classes = _i / NETWORKS % 2;
    char name[32];
    snprintf(name, sizeof name, "network %d", _i % NETWORKS);
    struct test_setting s = test_rest_set_up(network(_i % NETWORKS, classes), &es_ep, classes, &test_solvers[_i / NETWORKS / 2], &grid, inputs);
    test_rest_exact(&s, name, 2e-8, 8e-11);
    test_tear_down(&s);
}
END_TEST

// Centred falls by 100 for each decade of beta, one-sided by 10.
START_TEST(bias_by_order) {
    struct test_setting s = test_rest_set_up(network(_i, true), &es_ep, true, &test_solvers[0], &grid, inputs);
    test_differences(&s);
    double coarse = test_rest_error(&s, 1e-1), fine = test_rest_error(&s, 1e-2);
    s.problem.rule = &es_ep_one_sided;
    double one_coarse = test_rest_error(&s, 1e-2), one_fine = test_rest_error(&s, 1e-3);
    printf("network %d: centred %.1e to %.1e, one-sided %.1e to %.1e\n", _i, coarse, fine, one_coarse, one_fine);
    ck_assert_double_lt(fabs(log10(coarse / fine) - 2), 0.1);
    ck_assert_double_lt(fabs(log10(one_coarse / one_fine) - 1), 0.1);
    test_tear_down(&s);
}
END_TEST

// The same bits from any number of threads, in any company.
START_TEST(threads_do_not_matter) {
    enum { PASSES = 40 };
    struct es_network *net = network(5, true);
    double theta[64], input[PASSES][4], zero[64] = {0};
    struct es_pass pass[PASSES];
    struct es_result *result[2] = {es_results_new(net->arena, net, 0, PASSES), es_results_new(net->arena, net, 0, PASSES)};
    es_network_start(net, theta);
    for (int i = 0; i < PASSES; i++) {
        input[i][0] = input[i][1] = cos(i);
        input[i][2] = input[i][3] = sin(3 * i);
        pass[i] = (struct es_pass){.theta = theta, .input = input[i], .flux = zero, .voltage = zero, .offset = zero};
    }
    for (int k = 0; k < 2; k++) {
        struct es_engine *engine = test_engine(&es_twin, net, "newton", k ? 3 : 1);
        struct es_batch batch = {.grid = grid, .passes = PASSES, .pass = pass};
        ck_assert_int_eq(es_engine_run(engine, &batch, result[k], NULL), ES_OK);
        es_engine_close(engine);
    }
    for (int i = 0; i < PASSES; i++)
        ck_assert_mem_eq(result[0][i].voltage, result[1][i].voltage, net->nodes * sizeof(double));
    double alone[64];
    test_must_rest(net, &test_solvers[0], &grid, (double[]){input[17][0], input[17][2]}, alone);
    ck_assert_mem_eq(result[0][17].voltage, alone, net->nodes * sizeof(double));
    es_network_free(net);
}
END_TEST

// ---- refusals --------------------------------------------------------------------------------------------------------

static struct es_network *divided(void) {
    struct es_network *net = test_network(4);
    source(net, 0, 1, 0);
    for (int i = 1; i < 4; i++) {
        test_train(net, conductance(net, 0, i, 1e-3), 0, &es_log);
        conductance(net, i, ES_GROUND, 1e-3);
    }
    test_output(net, 1, ES_READ_VOLTAGE, -1);
    return net;
}

static void add_inductor(struct es_network *net) {
    test_add(net, &es_inductor, 1, 2, 1e-6, 0, 0);
}

static void add_initial(struct es_network *net) {
    test_initial(net, 1, 0, NAN, NAN);
}

static void add_loop(struct es_network *net) {
    test_add(net, &es_amplifier, 2, 3, 2, 0, 0);
    test_add(net, &es_amplifier, 3, 2, 2, 0, 0);
}

static void add_two(struct es_network *net) {
    test_add(net, &es_amplifier, 1, 3, 2, 0, 0);
    test_add(net, &es_amplifier, 2, 3, 2, 0, 0);
}

static void hold_source(struct es_network *net) {
    test_add(net, &es_amplifier, 1, 0, 2, 0, 0);
}

static void add_shortcut(struct es_network *net) {
    test_add(net, &es_amplifier, 1, 2, 2, 0, 0);
    conductance(net, 1, 2, 1e-3);
}

static void hold_ground(struct es_network *net) {
    test_add(net, &es_amplifier, 1, ES_GROUND, 2, 0, 0);
}

static void float_node(struct es_network *net) {
    net->element[5].n = 2; // n3 has but a current source
    net->element[6].p = 2;
    test_add(net, &es_input, 3, ES_GROUND, 1e-3, 0, 0);
}

static void train_capacitor(struct es_network *net) {
    test_train(net, test_add(net, &es_capacitor, 1, ES_GROUND, 1e-9, 0, 0), 0, &es_log);
}

static void read_bare(struct es_network *net) {
    net->element[5].kind = net->element[6].kind = &es_diode;
    net->element[5].parameter[0] = ES_FIXED;
    net->parameters = 2;
    net->element[5].value[1] = net->element[6].value[1] = 0.05;
    test_output(net, 3, ES_READ_VOLTAGE, -1);
}

static void read_across_gains(struct es_network *net) {
    test_add(net, &es_amplifier, 1, 3, 2, 0, 0);
    test_output(net, 1, ES_READ_VOLTAGE, -1);
    net->element[net->elements - 1].n = 3;
}

static const struct refusal {
    void (*spoil)(struct es_network *net);
    const char *element, *reason;
} refusals[] = {
    {add_inductor, "inductor \"E8\"", "short at rest"},
    {add_initial, "initial \"E8\"", "does not depend on it"},
    {add_loop, "amplifier \"E9\"", "loop of amplifiers"},
    {add_two, "amplifier \"E9\"", "holds a node"},
    {hold_source, "amplifier \"E8\"", "holds a node"},
    {add_shortcut, "conductance \"E9\"", "different gains"},
    {hold_ground, "amplifier \"E8\"", "end at ground"},
    {float_node, "node \"n3\"", "undecided"},
    {train_capacitor, "capacitor \"E8\"", "cannot be trained"},
    {read_across_gains, "output \"E9\"", "different gains"},
    {read_bare, "output \"E8\"", "no conductance"},
};
enum { REFUSALS = sizeof refusals / sizeof *refusals };

START_TEST(a_bad_network_is_named) {
    struct es_network *net = divided();
    const struct refusal *refusal = &refusals[_i];
    struct es_engine engine = {&es_twin, es_engine_scheme(&es_twin, true), net, 1};
    struct es_problem problem = {.net = net, .cost = &es_terminal_voltage, .engine = &engine, .grid = grid};
    struct es_error error = {""};
    ck_assert_msg(es_rule_admits(&es_ep, &problem, &error) == ES_OK, "%s", error.text);
    refusal->spoil(net);
    ck_assert_int_eq(es_rule_admits(&es_ep, &problem, &error), ES_BAD_INPUT);
    ck_assert_msg(strstr(error.text, refusal->element) && strstr(error.text, refusal->reason), "%s", error.text);
    es_network_free(net);
}
END_TEST

START_TEST(rules_and_schemes_must_match) {
    struct es_network *net = divided(), *ring = test_ring(false);
    struct es_error error = {""};
    struct es_problem at_rest = {.net = net, .cost = &es_terminal_voltage, .engine = test_engine(&es_twin, net, "newton", 1), .reversal = &es_flip_voltages};
    struct es_problem moving = {.net = ring, .cost = &es_terminal_voltage, .engine = test_engine(&es_twin, ring, "midpoint", 1), .reversal = &es_flip_voltages};
    for (size_t i = 0; es_rules[i]; i++) {
        const struct es_rule *rule = (const void *)es_rules[i];
        ck_assert_int_eq(es_rule_admits(rule, rule->equilibrium ? &moving : &at_rest, &error), ES_BAD_INPUT);
        ck_assert_msg(strstr(error.text, rule->equilibrium ? "this rule compares states of rest" : "this rule follows transients"), "%s", error.text);
        ck_assert_msg(strstr(error.text, rule->equilibrium ? "take the scheme newton" : "take the scheme midpoint"), "%s", error.text);
    }
    struct es_network *lossy = test_ring(false);
    test_train(lossy, conductance(lossy, 0, 1, 1e-6), 0, &es_log);
    moving.net = lossy;
    moving.losses_allowed = true;
    ck_assert_int_eq(es_rule_admits(&es_rhel, &moving, &error), ES_BAD_INPUT);
    ck_assert_msg(strstr(error.text, "cannot be trained by this rule"), "%s", error.text);
    es_network_free(lossy);
    at_rest.cost = &es_voltage_tracking;
    ck_assert_int_eq(es_rule_admits(&es_ep, &at_rest, &error), ES_BAD_INPUT);
    ck_assert_ptr_nonnull(strstr(error.text, "voltage-tracking"));
    es_engine_close(at_rest.engine);
    es_engine_close(moving.engine);
    struct es_engine *engine;
    test_add(ring, &es_diode, 0, 1, 1e-9, 0.05, 0);
    ck_assert_int_eq(es_engine_open(&es_twin, ring, &(struct es_engine_options){.scheme = "midpoint"}, &engine, &error), ES_BAD_INPUT);
    ck_assert_msg(strstr(error.text, "diode") && strstr(error.text, "equilibria only"), "%s", error.text);
    es_network_free(net);
    es_network_free(ring);
}
END_TEST

// G to the output from a node that hardly anything else holds: -beta G is more than what the rest of the network has to offer.
START_TEST(an_unstable_nudge_is_told) {
    struct es_network *net = test_network(3);
    source(net, 0, 1, 0);
    test_train(net, conductance(net, 0, 1, 1e-6), 0, &es_log);
    test_train(net, conductance(net, 1, 2, 1e-3), 0, &es_log);
    test_output(net, 2, ES_READ_VOLTAGE, -1);
    struct test_setting s = test_rest_set_up(net, &es_ep, false, &test_solvers[0], &grid, inputs);
    struct es_gradient gradient = {.slope = s.slope};
    struct es_error error = {""};
    s.problem.beta = 0.1;
    ck_assert_int_eq(es_gradient(&s.problem, s.theta, 1, &s.example, &gradient, &error), ES_FAILED);
    ck_assert_msg(strstr(error.text, "smaller beta"), "%s", error.text);
    test_tear_down(&s);
}
END_TEST

// One output is held tightly and pulled, the other loosely and hardly: Newton's method goes down to where the second is not stable.
START_TEST(a_saddle_is_told) {
    struct es_network *net = test_network(4);
    const double x = 1, nudge[] = {-1e-4, -1e-4};
    struct es_error error = {""};
    source(net, 0, 1, 0);
    conductance(net, 0, 1, 1e-3);
    conductance(net, 1, ES_GROUND, 1e-3);
    conductance(net, 0, 2, 1e-6);
    conductance(net, 2, 3, 1e-3);
    test_output(net, 1, ES_READ_VOLTAGE, -1);
    test_output(net, 3, ES_READ_VOLTAGE, -1);
    for (double pull = -0.2; pull < 0.2; pull += 0.03) {
        double v[4] = {1, 0.5, 1, 1};
        ck_assert_int_eq(test_rest(net, &test_solvers[_i], &grid, &x, nudge, (const double[]){0.5 + pull, 1 - pull / 1e6}, v, &error), ES_FAILED);
        ck_assert_msg(strstr(error.text, _i < 2 ? "smaller beta" : "not settled"), "%s", error.text);
    }
    es_network_free(net);
}
END_TEST

// Read across two parts, one behind an amplifier: the nudge joins them, and has to weigh the same in both, as in ngspice's circuit it does.
START_TEST(a_readout_joins_parts) {
    struct es_network *net = test_network(5);
    const double x = 1, nudge[] = {1e-4}, target[] = {0.3};
    double v[5] = {0}, other[5] = {0};
    struct es_error error = {""};
    source(net, 0, 1, 0);
    conductance(net, 0, 1, 1e-4);
    test_add(net, &es_amplifier, 1, 2, 3, 0, 0);
    conductance(net, 2, 3, 1e-4);
    conductance(net, 3, ES_GROUND, 1e-4);
    conductance(net, 0, 4, 1e-4);
    conductance(net, 4, ES_GROUND, 3e-4);
    test_output(net, 4, ES_READ_VOLTAGE, -1);
    net->element[net->elements - 1].n = 3;
    ck_assert_int_eq(test_rest(net, &test_solvers[0], &grid, &x, nudge, target, v, &error), ES_OK);
    ck_assert_int_eq(test_rest(net, &test_solvers[_i], &grid, &x, nudge, target, other, &error), ES_OK);
    ck_assert_double_lt(largest_difference(5, v, other), 1e-13);
    es_network_free(net);
}
END_TEST

// Read against a source that nothing else is at: beta is relative to the conductances at the free end.
START_TEST(an_output_may_be_against_a_source) {
    struct es_network *net = test_network(3);
    source(net, 0, 1, 0);
    source(net, 2, 0.1, 0);
    test_train(net, conductance(net, 0, 1, 1e-3), 0, &es_log);
    conductance(net, 1, ES_GROUND, 2e-3);
    test_output(net, 1, ES_READ_VOLTAGE, -1);
    net->element[net->elements - 1].n = 2;
    struct test_setting s = test_rest_set_up(net, &es_ep, false, &test_solvers[0], &grid, inputs);
    struct es_gradient gradient = {.slope = s.slope};
    struct es_error error = {""};
    test_admitted(&s);
    s.problem.beta = 1e-3;
    ck_assert_int_eq(es_gradient(&s.problem, s.theta, 1, &s.example, &gradient, &error), ES_OK);
    ck_assert_double_eq_tol(gradient.beta_si, s.problem.beta * 3e-3, 1e-18);
    test_tear_down(&s);
}
END_TEST

// A node behind 1e6 times its own conductances has not settled in a thousand of their time constants.
START_TEST(a_slow_network_is_told) {
    struct es_network *net = test_network(3);
    double x = 1, v[3] = {0};
    struct es_error error = {""};
    source(net, 0, 1, 0);
    conductance(net, 0, 1, 1e-9);
    conductance(net, 1, 2, 1e-3);
    conductance(net, 2, ES_GROUND, 1e-9);
    ck_assert_int_eq(test_rest(net, &test_solvers[2], &grid, &x, NULL, NULL, v, &error), ES_FAILED);
    ck_assert_msg(strstr(error.text, "not settled"), "%s", error.text);
    test_must_rest(net, &test_solvers[1], &grid, &x, v);
    ck_assert_double_eq_tol(v[2], 0.5, 1e-6);
    es_network_free(net);
}
END_TEST

static const char layers[] =
    "<experiment name=\"l\"><network><node name=\"one\"/><source name=\"one\" node=\"one\" channel=\"bias\" value=\"1\"/>"
    "<layer name=\"p\" nodes=\"3\"><source at=\"node\" channel=\"x\" value=\"1\"/></layer>"
    "<layer name=\"m\" nodes=\"2\"><source at=\"node\" channel=\"x\" value=\"-1\"/></layer>"
    "<layer name=\"h\" nodes=\"4\" from=\"p m\"><conductance name=\"g\" at=\"neighbours\" value=\"1 uS\"/>"
    "<diode name=\"u\" at=\"node\" to=\"one\" current=\"1 uA\" voltage=\"50 mV\"/><diode name=\"d\" at=\"node\" node=\"one\" current=\"1 uA\" voltage=\"50 mV\"/></layer>"
    "<output name=\"a\" node=\"h0\" to=\"h1\" read=\"voltage\" class=\"c0\"/><output name=\"b\" node=\"h2\" read=\"voltage\" class=\"c1\"/></network>"
    "<task kind=\"csv\" train=\"t.csv\" interval=\"1 s\" points=\"2\"/>"
    "<learning cost=\"softmax-voltages\" temperature=\"0.1\" rule=\"ep\"/></experiment>";

START_TEST(layers_are_joined) {
    struct es_experiment *x;
    struct es_error error = {""};
    ck_assert_msg(es_experiment_parse(layers, strlen(layers), "l.xml", NULL, &x, &error) == ES_OK, "%s", error.text);
    const struct es_network *net = x->net;
    size_t found = 0;
    ck_assert_uint_eq(net->nodes, 10);
    ck_assert_uint_eq(net->channels, 4); // bias and x0 .. x2
    ck_assert_str_eq(x->scheme->row.name, "newton");
    for (size_t e = 0; e < net->elements; e++) {
        const struct es_element *element = &net->element[e];
        if (strcmp(element->name, "g_m1_h3") == 0 || strcmp(element->name, "u_h2") == 0 || strcmp(element->name, "d_h2") == 0) {
            const char *p = net->node[element->p].name, *n = net->node[element->n].name;
            ck_assert_str_eq(p, element->name[0] == 'g' ? "m1" : element->name[0] == 'u' ? "h2" : "one");
            ck_assert_str_eq(n, element->name[0] == 'g' ? "h3" : element->name[0] == 'u' ? "one" : "h2");
            found++;
        } else if (strcmp(element->name, "source_m1") == 0) {
            ck_assert_str_eq(net->channel[element->channel], "x1");
            found++;
        }
    }
    ck_assert_uint_eq(found, 4);
    ck_assert_uint_eq(net->elements, 1 + 3 + 2 + 20 + 8 + 2);
    es_experiment_free(x);
}
END_TEST

Suite *test_suite(void) {
    Suite *suite = suite_create("static");
    TCase *tests = tcase_create("static");
    tcase_set_timeout(tests, 120);
    tcase_add_loop_test(tests, divider, 0, TEST_SOLVERS);
    tcase_add_loop_test(tests, diode_follows_lambert, 0, TEST_SOLVERS);
    tcase_add_loop_test(tests, diode_in_reverse, 0, TEST_SOLVERS);
    tcase_add_test(tests, diode_content);
    tcase_add_loop_test(tests, diodes_are_found_from_afar, 0, TEST_SOLVERS);
    tcase_add_test(tests, small_steps_are_not_the_end);
    tcase_add_test(tests, a_row_of_diodes);
    tcase_add_test(tests, balanced_networks_rest);
    tcase_add_loop_test(tests, diode_far_forward, 0, TEST_SOLVERS);
    tcase_add_loop_test(tests, amplifier_chain, 0, TEST_SOLVERS);
    tcase_add_loop_test(tests, solvers_agree, 0, NETWORKS);
    tcase_add_loop_test(tests, propagation_is_exact, 0, TEST_SOLVERS * 2 * NETWORKS);
    tcase_add_loop_test(tests, bias_by_order, 0, NETWORKS);
    tcase_add_test(tests, threads_do_not_matter);
    tcase_add_loop_test(tests, a_bad_network_is_named, 0, REFUSALS);
    tcase_add_test(tests, rules_and_schemes_must_match);
    tcase_add_test(tests, an_unstable_nudge_is_told);
    tcase_add_loop_test(tests, a_saddle_is_told, 0, TEST_SOLVERS);
    tcase_add_loop_test(tests, a_readout_joins_parts, 1, TEST_SOLVERS);
    tcase_add_test(tests, an_output_may_be_against_a_source);
    tcase_add_test(tests, a_slow_network_is_told);
    tcase_add_test(tests, layers_are_joined);
    suite_add_tcase(suite, tests);
    return suite;
}
