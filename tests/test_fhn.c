// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// FitzHugh-Nagumo networks at rest: states against formulas and between solvers, what is stable, skew-gradient equilibrium propagation against finite
// differences and against the rules as they are published.
#include "runner.h"
#include "support.h"

#include "core/random.h"
#include "net/resistive.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const struct es_grid grid = {.interval = 1e-3, .points = 2, .substeps = 1};

static const double unit = 1e-4; // S, of cells
static const double swing = 0.5; // V

// A cell: activator n2i, inhibitor n2i+1; skew coupling k and inhibitor's conductance gamma in parts of the cubic's.
static void add_cell(struct es_network *net, int i, double k, double gamma, double inhibitor) {
    test_add(net, &es_nagumo, 2 * i, ES_GROUND, unit, swing, 0);
    test_add(net, &es_capacitor, 2 * i, ES_GROUND, 1e-9, 0, 0);
    test_add(net, &es_skew_coupling, 2 * i, 2 * i + 1, k * unit, 0, 0);
    test_add(net, &es_conductance, 2 * i + 1, ES_GROUND, gamma * unit, 0, 0);
    test_add(net, &es_capacitor, 2 * i + 1, ES_GROUND, inhibitor, 0, 0);
}

// A ring and half as many chords of activators, a chain of inhibitors, all trained; inputs into a third of the cells, one by a trained conductance from a
// source at the last node.
static struct es_network *random_network(uint64_t seed, int cells) {
    struct es_stream stream = {.seed = seed};
    struct es_network *net = test_network((size_t)(2 * cells + 1));
    net->channels = 2;
    for (int i = 0; i < cells; i++) {
        add_cell(net, i, 1.2 + 0.4 * es_random_uniform(&stream), 0.8 + 0.4 * es_random_uniform(&stream), 2e-10);
        net->element[net->elements - 3].value[1] = i % 2 ? 2 * swing : NAN; // every other skew coupling bends
        test_train(net, net->elements - 3, 0, &es_logistic);
    }
    for (int i = 0; i < cells + cells / 2; i++) {
        int a = i < cells ? i : (int)es_random_below(&stream, (uint64_t)cells), b = i < cells ? (i + 1) % cells : (a + 2) % cells;
        test_train(net, test_add(net, &es_conductance, 2 * a, 2 * b, unit * exp(es_random_normal(&stream)) / 2, 0, 0), 0, &es_log);
    }
    for (int i = 0; i + 1 < cells; i++)
        test_train(net, test_add(net, &es_conductance, 2 * i + 1, 2 * i + 3, unit * exp(es_random_normal(&stream)) / 5, 0, 0), 0, &es_log);
    for (int i = 0; i < cells; i += 3)
        test_train(net, test_add(net, &es_input, 2 * i, ES_GROUND, unit * (0.3 + es_random_uniform(&stream)), 0, 0), 0, &es_logistic);
    size_t source = test_add(net, &es_source, 2 * cells, ES_GROUND, 1, 0, 0);
    net->element[source].channel = 1;
    test_train(net, test_add(net, &es_conductance, 2 * cells, 2, unit / 2, 0, 0), 0, &es_log);
    return net;
}

enum place { ON_ACTIVATORS, ON_INHIBITORS, ON_BOTH, PLACES };

static struct es_network *network(uint64_t seed, enum place where, bool classes) {
    int cells = 4 + (int)seed;
    struct es_network *net = random_network(seed, cells);
    for (int o = 0; o < 2; o++)
        test_output(net, 2 * (o + 1) + (where == ON_INHIBITORS || (where == ON_BOTH && o) ? 1 : 0), ES_READ_VOLTAGE, classes ? o : -1);
    net->classes = classes ? 2 : 0;
    return net;
}

// One cell: v = k u / gamma, and s^3 / 3 + (k^2 / gamma - 1) s = I / G V with s = u / V, by Cardano.
START_TEST(one_cell_by_cardano) {
    const double k = 1.3, gamma = 0.9;
    struct es_network *net = test_network(2);
    net->channels = 1;
    add_cell(net, 0, k, gamma, 2e-10);
    test_add(net, &es_input, 0, ES_GROUND, unit, 0, 0);
    double worst = 0, p = 3 * (k * k / gamma - 1);
    for (double x = -2; x < 2.1; x += 0.37) {
        double v[2], q = 3 * x / swing, root = sqrt(q * q / 4 + p * p * p / 27), u = swing * (cbrt(q / 2 + root) + cbrt(q / 2 - root));
        test_must_rest(net, &test_solvers[_i], &grid, &x, v);
        worst = fmax(worst, fmax(fabs(v[0] - u), fabs(v[1] - k / gamma * u)));
    }
    printf("one cell, %s: %.1e V from Cardano's formula\n", test_solvers[_i].scheme, worst);
    ck_assert_double_lt(worst, 1.3e-14);
    es_network_free(net);
}
END_TEST

// A source in the place of the inhibitor, g u = -k x, and in that of the activator, gamma v = k x.
START_TEST(skew_couplings_to_sources) {
    const double x = 0.7, k = 3e-4, g = 2e-4;
    struct es_network *net = test_network(3);
    double v[3];
    net->channels = 1;
    test_add(net, &es_source, 0, ES_GROUND, 1, 0, 0);
    test_add(net, &es_skew_coupling, 1, 0, k, 0, 0);
    test_add(net, &es_skew_coupling, 0, 2, k, 0, 0);
    for (int i = 1; i < 3; i++) {
        test_add(net, &es_conductance, i, ES_GROUND, g, 0, 0);
        test_add(net, &es_capacitor, i, ES_GROUND, 1e-9, 0, 0);
    }
    test_must_rest(net, &test_solvers[_i], &grid, &x, v);
    ck_assert_double_eq_tol(v[1], -k / g * x, 1e-14);
    ck_assert_double_eq_tol(v[2], k / g * x, 1e-14);
    es_network_free(net);
}
END_TEST

START_TEST(nagumo_content) {
    const double q[] = {1e-4, 0.5}, h = 1e-4;
    for (double v = -1.4; v < 1.4; v += 0.0931) {
        double at[] = {v - h, v, v + h}, i[3], g[3];
        es_nagumo.content->current(q, 3, at, i, g);
        ck_assert_double_eq_tol((es_nagumo.content->energy(q, v + h) - es_nagumo.content->energy(q, v - h)) / (2 * h), i[1], 1e-11);
        ck_assert_double_eq_tol((i[2] - i[0]) / (2 * h), g[1], 1e-11);
    }
}
END_TEST

static const double inputs[] = {0.4, -0.3};

START_TEST(solvers_agree) {
    struct es_network *net = network((uint64_t)_i, ON_BOTH, true);
    double v[64], other[64];
    test_must_rest(net, &test_solvers[0], &grid, inputs, v);
    for (int k = 1; k < TEST_SOLVERS; k++) {
        double most = 0;
        test_must_rest(net, &test_solvers[k], &grid, inputs, other);
        for (size_t i = 0; i < net->nodes; i++)
            most = fmax(most, fabs(v[i] - other[i]));
        printf("network %d: newton and %s %.1e V apart\n", _i, test_solvers[k].scheme, most);
        ck_assert_double_lt(most, 1e-14);
    }
    es_network_free(net);
}
END_TEST

// Ends with the network.
static void check_gradient(struct es_network *net, bool classes, const struct test_solver *solver, const char *name) {
    struct test_setting s = test_rest_set_up(net, &es_skew_ep, classes, solver, &grid, inputs);
    test_rest_exact(&s, name, 9e-8, 7e-10);
    test_tear_down(&s);
}

enum { SEEDS = 2, CASES = TEST_SOLVERS * PLACES * 2 * SEEDS };

// Costs read on activators, inhibitors, both; the best of a few betas.
START_TEST(propagation_is_exact) {
    bool classes = _i % 2;
    enum place where = (enum place)(_i / 2 % PLACES);
    uint64_t seed = (uint64_t)(_i / 2 / PLACES % SEEDS);
    const struct test_solver *solver = &test_solvers[_i / 2 / PLACES / SEEDS];
    static const char *const names[] = {"on activators", "on inhibitors", "on both"};
    check_gradient(network(seed, where, classes), classes, solver, names[where]);
}
END_TEST

// ---- what is published -----------------------------------------------------------------------------------------------

// A sum over two passes at +-beta, over 2 beta: the engine's states, the nudges made by hand with the signs of the literature, du/dt -= beta dC/du and
// dv/dt += beta dC/dv: conductances +beta at an activator and -beta at an inhibitor. Then dC/dw = +d/dbeta (u_i - u_j)^2 / 2 between activators and
// dC/dz = -d/dbeta (v_i - v_j)^2 / 2 between inhibitors.
START_TEST(signs_of_the_literature) {
    struct test_setting s = test_rest_set_up(network(1, (enum place)_i, false), &es_skew_ep, false, &test_solvers[0], &grid, inputs);
    struct es_network *net = s.net;
    const double beta = 1e-6 * unit;
    double nudge[2][2];
    struct es_pass pass[2];
    struct es_error error = {""};
    ck_assert_int_eq(es_free_pass(&s.problem, s.theta, &s.example, net->arena, &pass[0], &error), ES_OK);
    for (int k = 0; k < 2; k++) {
        for (int o = 0; o < 2; o++)
            nudge[k][o] = (k ? -beta : beta) * (net->element[net->output[o]].p % 2 ? -1 : 1);
        pass[k] = pass[0];
        pass[k].nudge = nudge[k];
        pass[k].target = s.example.target;
    }
    struct es_result *result = es_results_new(net->arena, net, 0, 2);
    ck_assert_int_eq(es_engine_run(s.problem.engine, &(struct es_batch){.grid = grid, .passes = 2, .pass = pass}, result, &error), ES_OK);
    test_differences(&s);
    double worst = 0, size = 0;
    for (size_t i = 0; i < net->parameters; i++) {
        const struct es_element *e = &net->element[net->parameter[i].element];
        double a = es_across(e, result[0].voltage), b = es_across(e, result[1].voltage), rule = (a * a - b * b) / 2 / (2 * beta) * (e->p % 2 ? -1 : 1);
        if (e->kind == &es_conductance) {
            worst = fmax(worst, fabs(rule - s.difference[i]));
            size = fmax(size, fabs(s.difference[i]));
        }
    }
    printf("by hand, %s: %.1e\n", _i == ON_BOTH ? "both" : _i == ON_INHIBITORS ? "inhibitors" : "activators", worst / size);
    ck_assert_double_lt(worst / size, 3e-8);
    test_tear_down(&s);
}
END_TEST

// The curvature of E has as many negative directions as there are inhibitors: the states of rest are saddles of it.
START_TEST(rest_is_a_saddle) {
    struct es_network *net = network(2, ON_BOTH, false);
    struct es_resistive r;
    struct es_model model;
    double v[64], theta[64], j[64 * 64], pivots = 0;
    test_must_rest(net, &test_solvers[0], &grid, inputs, v);
    es_network_start(net, theta);
    ck_assert_int_eq(es_resistive_new(net, net->arena, &r, NULL), ES_OK);
    ck_assert_int_eq(es_model_new(net, theta, net->arena, &model, NULL), ES_OK);
    es_resistive_curvature(&r, &model, v, j);
    size_t n = r.unknowns;
    for (size_t k = 0; k < n; k++) { // the signs of the pivots
        pivots += j[k * n + k] < 0;
        for (size_t i = k + 1; i < n; i++)
            for (size_t c = n; c-- > k;)
                j[i * n + c] -= j[i * n + k] / j[k * n + k] * j[k * n + c];
    }
    for (size_t i = 0; i + 1 < net->nodes; i++)
        ck_assert_double_eq(r.weight[i], i % 2 ? -1 : 1);
    ck_assert_double_eq(pivots, 6);
    es_network_free(net);
}
END_TEST

// ---- predictive coding -----------------------------------------------------------------------------------------------

enum { SIZE_IN = 3, SIZE_HIDDEN = 5, SIZE_OUT = 2 };

static double draw(struct es_stream *stream) {
    return 1.2 * es_random_normal(stream) * unit;
}

// Cells first .. first + count - 1, values then errors, each e = x - sum W f(previous), the W trained; f is linear at the inputs.
static void add_layer(struct es_network *net, struct es_stream *stream, int first, int count, int previous, int sources) {
    for (int i = 0; i < count; i++) {
        int x = first + i, e = first + count + i;
        test_add(net, &es_skew_coupling, x, e, unit, 0, 0);
        test_add(net, &es_conductance, e, ES_GROUND, unit, 0, 0);
        test_add(net, &es_capacitor, x, ES_GROUND, 1e-10, 0, 0);
        test_add(net, &es_capacitor, e, ES_GROUND, 2e-11, 0, 0);
        for (int j = 0; j < sources; j++) {
            size_t coupling = test_add(net, &es_skew_coupling, previous + j, e, draw(stream), 0, 0);
            net->element[coupling].value[1] = previous ? swing : NAN;
            test_train(net, coupling, 0, &es_logistic);
        }
    }
}

static struct es_network *predictive_network(uint64_t seed, bool classes) {
    struct es_stream stream = {.seed = seed};
    struct es_network *net = test_network(SIZE_IN + 2 * SIZE_HIDDEN + 2 * SIZE_OUT);
    net->channels = 2;
    for (int i = 0; i < SIZE_IN; i++) {
        size_t e = test_add(net, &es_source, i, ES_GROUND, i == 2 ? -0.7 : 1, 0, 0);
        net->element[e].channel = i % 2;
    }
    add_layer(net, &stream, SIZE_IN, SIZE_HIDDEN, 0, SIZE_IN);
    add_layer(net, &stream, SIZE_IN + 2 * SIZE_HIDDEN, SIZE_OUT, SIZE_IN, SIZE_HIDDEN);
    for (int o = 0; o < SIZE_OUT; o++)
        test_output(net, SIZE_IN + 2 * SIZE_HIDDEN + o, ES_READ_VOLTAGE, classes ? o : -1);
    net->classes = classes ? SIZE_OUT : 0;
    return net;
}

// The free state is the feedforward network's, with no error anywhere.
START_TEST(prediction_is_feedforward) {
    struct es_network *net = predictive_network(1, false);
    double v[32], expected[32] = {0.4, -0.3, -0.7 * 0.4};
    for (size_t i = 0; i < net->elements; i++) {
        const struct es_element *e = &net->element[i];
        int x = e->n < SIZE_IN + 2 * SIZE_HIDDEN ? e->n - SIZE_HIDDEN : e->n - SIZE_OUT; // whose error n is
        if (e->kind == &es_skew_coupling && e->parameter[0] >= 0)
            expected[x] -= e->value[0] / unit * (e->p < SIZE_IN ? expected[e->p] : swing * tanh(expected[e->p] / swing));
    }
    test_must_rest(net, &test_solvers[_i], &grid, inputs, v);
    double worst = 0;
    for (size_t i = 0; i < net->nodes; i++)
        worst = fmax(worst, fabs(v[i] - expected[i]));
    printf("feedforward, %s: %.1e V\n", test_solvers[_i].scheme, worst);
    ck_assert_double_lt(worst, 7e-15);
    es_network_free(net);
}
END_TEST

START_TEST(predictive_coding_is_exact) {
    bool classes = _i % 2;
    struct es_network *net = predictive_network(2, classes);
    test_thin(net, _i / 2 == 2 ? 3 : 1, classes); // settling takes long
    check_gradient(net, classes, &test_solvers[_i / 2], "predictive coding");
}
END_TEST

// ---- stability -------------------------------------------------------------------------------------------------------

// A cell at u = 0, C du/dt = G u - k v, C' dv/dt = k u - gamma v: deviations grow at half of G / C - gamma / C', which is above 0 where C' > gamma C / G.
START_TEST(an_oscillating_cell_is_told) {
    const double x = 0, k = 1.3, gamma = 0.9;
    struct es_error error = {""};
    for (int slow = 0; slow < 2; slow++) {
        struct es_network *net = test_network(3); // the third node decays
        double v[3] = {0}, c = slow ? 0.91e-9 : 0.89e-9;
        net->channels = 1;
        add_cell(net, 0, k, gamma, c);
        test_add(net, &es_conductance, 2, ES_GROUND, unit, 0, 0);
        test_add(net, &es_capacitor, 2, ES_GROUND, 1e-10, 0, 0);
        test_add(net, &es_input, 0, ES_GROUND, unit, 0, 0);
        enum es_status status = test_rest(net, &test_solvers[_i], &grid, &x, NULL, NULL, v, &error);
        ck_assert_int_eq(status, slow ? ES_FAILED : ES_OK);
        double rate = (unit / 1e-9 - gamma * unit / c) / 2, product = unit * unit * (k * k - gamma) / 1e-9 / c;
        char expected[128];
        snprintf(expected, sizeof expected, "grows at %.3g 1/s and oscillates at %.3g Hz", rate, sqrt(product - rate * rate) / (2 * M_PI));
        ck_assert_msg(!slow || strstr(error.text, expected), "%s; expected %s", error.text, expected);
        es_network_free(net);
    }
}
END_TEST

// A ring of equal cells at u = 0 falls into modes of s = 2 - 2 cos(2 pi q / n): A = w s - G, D = gamma + z s, and all lambda of (A / C, k / C; -k / c, D / c)
// have a positive real part where A / C + D / c > 0 and A D + k^2 > 0 (Turing 1952). Drawn on both sides of either edge.
START_TEST(a_ring_of_cells_is_judged_as_turing_does) {
    enum { RING = 5, DRAWS = 200 };
    struct es_stream stream = {.seed = 11};
    struct es_error error;
    size_t verdicts[2] = {0, 0}, oscillating = 0;
    for (int draw = 0; draw < DRAWS; draw++) {
        double k = 0.9 + es_random_uniform(&stream), gamma = 0.5 + es_random_uniform(&stream), c = exp(2 * es_random_uniform(&stream) - 2);
        double w = exp(3 * es_random_uniform(&stream) - 3), z = exp(4 * es_random_uniform(&stream) - 3), trace = INFINITY, product = INFINITY, v[2 * RING];
        struct es_network *net = test_network(2 * RING);
        net->channels = 0;
        for (int i = 0; i < RING; i++) {
            double s = 2 - 2 * cos(2 * M_PI * i / RING);
            trace = fmin(trace, w * s - 1 + (gamma + z * s) / c);
            product = fmin(product, (w * s - 1) * (gamma + z * s) + k * k);
            add_cell(net, i, k, gamma, c * 1e-9);
        }
        for (int i = 0; i < RING; i++) {
            test_add(net, &es_conductance, 2 * i, 2 * ((i + 1) % RING), w * unit, 0, 0);
            test_add(net, &es_conductance, 2 * i + 1, 2 * ((i + 1) % RING) + 1, z * unit, 0, 0);
        }
        bool stable = trace > 0 && product > 0;
        memset(v, 0, sizeof v);
        enum es_status status = test_rest(net, &test_solvers[0], &grid, inputs, NULL, NULL, v, &error);
        ck_assert_msg(status == (stable ? ES_OK : ES_FAILED), "draw %d: trace %g, product %g, %s", draw, trace, product, status == ES_OK ? "taken" : error.text);
        verdicts[stable]++;
        oscillating += trace < 0 && product > 0;
        es_network_free(net);
    }
    printf("rings of cells: %zu stable, %zu not, %zu of them oscillate\n", verdicts[1], verdicts[0], oscillating);
    ck_assert(verdicts[0] >= 40 && verdicts[1] >= 40 && oscillating >= 10);
}
END_TEST

// Driven, the same cell comes to no rest: neither the transients nor the operating point are taken for one.
START_TEST(a_limit_cycle_is_told) {
    const double x = 0.3;
    struct es_error error = {""};
    struct es_network *net = test_network(2);
    double v[2] = {0};
    net->channels = 1;
    add_cell(net, 0, 1.3, 0.9, 1e-8);
    test_add(net, &es_input, 0, ES_GROUND, unit, 0, 0);
    ck_assert_int_eq(test_rest(net, &test_solvers[_i], &grid, &x, NULL, NULL, v, &error), ES_FAILED);
    printf("%s: %s\n", test_solvers[_i].scheme, error.text);
    ck_assert_msg(strstr(error.text, _i == 0 ? "oscillates" : _i == 1 ? "not stable" : "not settled"), "%s", error.text);
    es_network_free(net);
}
END_TEST

// A cell with three states of rest, k^2 < gamma G: a small current decides which of the outer two its transient ends in, in every solver that follows it.
START_TEST(a_bistable_cell_goes_where_it_is_pushed) {
    struct es_network *net = test_network(2);
    double v[2];
    net->channels = 1;
    add_cell(net, 0, 0.5, 0.9, 2e-10);
    test_add(net, &es_input, 0, ES_GROUND, unit, 0, 0);
    for (double x = -1e-4; x < 2e-4; x += 2e-4) {
        test_must_rest(net, &test_solvers[2 * _i], &grid, &x, v);
        double outer = swing * sqrt(3 * (1 - 0.25 / 0.9));
        ck_assert_double_eq_tol(v[0], x > 0 ? outer : -outer, 1e-3);
    }
    es_network_free(net);
}
END_TEST

// The same beside a diode that conducts 1e30 times as well at the beginning as at rest: the cell has hardly moved when the diode's time constants are past.
START_TEST(a_stiff_beginning_is_not_rest) {
    for (double push = -1e-4; push < 2e-4; push += 2e-4) {
        struct es_network *net = test_network(4);
        double v[4], x[] = {push, 2}, outer = swing * sqrt(3 * (1 - 0.25 / 0.9));
        net->channels = 2;
        add_cell(net, 0, 0.5, 0.9, 2e-10);
        test_add(net, &es_input, 0, ES_GROUND, unit, 0, 0);
        net->element[test_add(net, &es_source, 2, ES_GROUND, 1, 0, 0)].channel = 1;
        test_add(net, &es_diode, 2, 3, 1e-8, 0.025, 0);
        test_add(net, &es_conductance, 3, ES_GROUND, unit, 0, 0);
        test_add(net, &es_capacitor, 3, ES_GROUND, 1e-10, 0, 0);
        test_must_rest(net, &test_solvers[2 * _i], &grid, x, v);
        ck_assert_double_eq_tol(v[0], push > 0 ? outer : -outer, 1e-3);
        es_network_free(net);
    }
}
END_TEST

// Without a current a pass ends on the side on which it begins.
START_TEST(passes_begin_where_they_are_told) {
    const double x = 0, outer = swing * sqrt(3 * (1 - 0.25 / 0.9));
    struct es_network *net = test_network(2);
    double v[2];
    net->channels = 1;
    add_cell(net, 0, 0.5, 0.9, 2e-10);
    test_add(net, &es_input, 0, ES_GROUND, unit, 0, 0);
    for (int side = -1; side < 2; side += 2) {
        struct es_error error = {""};
        v[0] = 0.8 * side * outer;
        v[1] = 0.3 * side * outer;
        ck_assert_msg(test_rest(net, &test_solvers[_i], &grid, &x, NULL, NULL, v, &error) == ES_OK, "%s", error.text);
        printf("begun at %.2g V, %s: %.1e V from the root\n", 0.8 * side * outer, test_solvers[_i].scheme, fabs(v[0] - side * outer));
        ck_assert_double_eq_tol(v[0], side * outer, 3e-13);
    }
    es_network_free(net);
}
END_TEST

// Nudges begin where the free pass ends, so that one that overcomes the small current, but not the cell, does not change sides.
START_TEST(nudged_states_stay_by_the_free_one) {
    struct es_network *net = test_network(2);
    add_cell(net, 0, 0.5, 0.9, 2e-10);
    test_train(net, test_add(net, &es_input, 0, ES_GROUND, 1e-4 * unit, 0, 0), 0, &es_logistic);
    test_output(net, 0, ES_READ_VOLTAGE, -1);
    struct test_setting s = test_rest_set_up(net, &es_skew_ep, false, &test_solvers[2 * _i], &grid, inputs);
    s.example.target = (const double[]){-0.2, -0.2};
    test_differences(&s);
    double error = test_rest_error(&s, 1e-3);
    printf("bistable, %s: %.1e at beta 1e-3\n", test_solvers[2 * _i].scheme, error);
    ck_assert_double_lt(error, 2e-6);
    test_tear_down(&s);
}
END_TEST

// The cell at the edge of what is stable, an inhibitor's capacitor 1.1 % below C gamma: -beta at the activator is more than that.
START_TEST(an_oscillating_nudge_is_told) {
    struct es_network *net = test_network(2);
    add_cell(net, 0, 1.3, 0.9, 0.89e-9);
    test_train(net, test_add(net, &es_input, 0, ES_GROUND, unit, 0, 0), 0, &es_logistic);
    test_output(net, 0, ES_READ_VOLTAGE, -1);
    struct test_setting s = test_rest_set_up(net, &es_skew_ep, false, &test_solvers[_i], &grid, inputs);
    struct es_gradient gradient = {.slope = s.slope};
    struct es_error error = {""};
    s.example = (struct es_example){.input = (const double[]){0, 0}, .target = (const double[]){0, 0}, .label = -1};
    for (int large = 0; large < 2; large++) {
        s.problem.beta = large ? 2e-2 : 2e-3;
        ck_assert_int_eq(es_gradient(&s.problem, s.theta, 1, &s.example, &gradient, &error), large ? ES_FAILED : ES_OK);
    }
    ck_assert_msg(strstr(error.text, "not stable") && strstr(error.text, "smaller beta"), "%s", error.text);
    test_tear_down(&s);
}
END_TEST

// ---- refusals --------------------------------------------------------------------------------------------------------

static void join_kinds(struct es_network *net) {
    test_add(net, &es_conductance, 0, 1, unit, 0, 0);
}

static void couple_ground(struct es_network *net) {
    test_add(net, &es_skew_coupling, 0, ES_GROUND, unit, 0, 0);
}

static void couple_activators(struct es_network *net) {
    test_add(net, &es_skew_coupling, 0, 2, unit, 0, 0);
}

static void forget_capacitor(struct es_network *net) {
    net->element[1].kind = &es_conductance;
}

static void join_by_capacitor(struct es_network *net) {
    test_add(net, &es_capacitor, 0, 1, 1e-9, 0, 0);
}

static void read_across(struct es_network *net) {
    test_output(net, 0, ES_READ_VOLTAGE, -1);
    net->element[net->elements - 1].n = 1;
}

static void train_capacitor(struct es_network *net) {
    test_train(net, 1, 0, &es_log);
}

static const struct refusal {
    void (*spoil)(struct es_network *net);
    const char *element, *reason;
} refusals[] = {
    {join_kinds, "conductance \"E", "an activator and an inhibitor"},
    {couple_ground, "skew-coupling \"E", "end at ground"},
    {couple_activators, "skew-coupling \"E", "an activator and an inhibitor"},
    {forget_capacitor, "node \"n0\"", "no capacitance"},
    {join_by_capacitor, "capacitor \"E", "an activator and an inhibitor"},
    {read_across, "output \"E", "an activator and an inhibitor"},
    {train_capacitor, "capacitor \"E1\"", "cannot be trained"},
};
enum { REFUSALS = sizeof refusals / sizeof *refusals };

START_TEST(a_bad_network_is_named) {
    struct es_network *net = network(0, ON_ACTIVATORS, false);
    struct es_error error = {""};
    struct es_engine *engine = NULL;
    refusals[_i].spoil(net);
    enum es_status status = es_engine_open(&es_twin, net, &(struct es_engine_options){.scheme = "newton"}, &engine, &error);
    if (status == ES_OK)
        status = es_rule_admits(&es_skew_ep, &(struct es_problem){.net = net, .cost = &es_terminal_voltage, .engine = engine, .grid = grid}, &error);
    ck_assert_int_eq(status, ES_BAD_INPUT);
    ck_assert_msg(strstr(error.text, refusals[_i].element) && strstr(error.text, refusals[_i].reason), "%s", error.text);
    es_engine_close(engine);
    es_network_free(net);
}
END_TEST

START_TEST(rules_know_their_networks) {
    struct test_setting s = test_rest_set_up(network(0, ON_ACTIVATORS, false), &es_skew_ep, false, &test_solvers[0], &grid, inputs);
    struct es_error error = {""};
    ck_assert_int_eq(es_rule_admits(&es_ep, &s.problem, &error), ES_BAD_INPUT);
    ck_assert_msg(strstr(error.text, "skew-ep"), "%s", error.text);
    ck_assert_int_eq(es_rule_admits(&es_rhel, &s.problem, &error), ES_BAD_INPUT);
    struct es_engine *engine;
    ck_assert_int_eq(es_engine_open(&es_twin, s.net, &(struct es_engine_options){.scheme = "midpoint"}, &engine, &error), ES_BAD_INPUT);
    ck_assert_msg(strstr(error.text, "nagumo") && strstr(error.text, "equilibria only"), "%s", error.text);
    for (size_t e = 0; e < s.net->elements; e++)
        if (s.net->element[e].kind == &es_nagumo || s.net->element[e].kind == &es_skew_coupling)
            s.net->element[e].kind = &es_conductance;
    ck_assert_int_eq(es_rule_admits(&es_skew_ep, &s.problem, &error), ES_BAD_INPUT);
    ck_assert_msg(strstr(error.text, "no inhibitors"), "%s", error.text);
    test_tear_down(&s);
}
END_TEST

Suite *test_suite(void) {
    Suite *suite = suite_create("fhn");
    TCase *tests = tcase_create("fhn");
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, nagumo_content);
    tcase_add_loop_test(tests, one_cell_by_cardano, 0, TEST_SOLVERS);
    tcase_add_loop_test(tests, skew_couplings_to_sources, 0, TEST_SOLVERS);
    tcase_add_loop_test(tests, solvers_agree, 0, 4);
    tcase_add_loop_test(tests, propagation_is_exact, 0, CASES);
    tcase_add_loop_test(tests, prediction_is_feedforward, 0, TEST_SOLVERS);
    tcase_add_loop_test(tests, predictive_coding_is_exact, 0, 2 * TEST_SOLVERS);
    tcase_add_loop_test(tests, signs_of_the_literature, 0, PLACES);
    tcase_add_test(tests, rest_is_a_saddle);
    tcase_add_loop_test(tests, an_oscillating_cell_is_told, 0, TEST_SOLVERS);
    tcase_add_test(tests, a_ring_of_cells_is_judged_as_turing_does);
    tcase_add_loop_test(tests, a_limit_cycle_is_told, 0, TEST_SOLVERS);
    tcase_add_loop_test(tests, a_bistable_cell_goes_where_it_is_pushed, 0, 2);
    tcase_add_loop_test(tests, a_stiff_beginning_is_not_rest, 0, 2);
    tcase_add_loop_test(tests, passes_begin_where_they_are_told, 0, TEST_SOLVERS);
    tcase_add_loop_test(tests, nudged_states_stay_by_the_free_one, 0, 2);
    tcase_add_loop_test(tests, an_oscillating_nudge_is_told, 0, TEST_SOLVERS);
    tcase_add_loop_test(tests, a_bad_network_is_named, 0, REFUSALS);
    tcase_add_test(tests, rules_know_their_networks);
    suite_add_tcase(suite, tests);
    return suite;
}
