// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// The engines: closed forms, order of convergence, exact reversal, one against the other, workers that die.
#include "runner.h"
#include "support.h"

#include "core/random.h"
#include "learn/rule.h"
#include "net/lagrangian.h"
#include "net/modes.h"
#include "netlist/deck.h"

#include <complex.h>
#include <dirent.h>
#include <fcntl.h>
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

// One LC resonator that starts at 1 V: v = cos(w t), with the stepped frequency that the scheme itself declares.
static void check_oscillator(const struct es_engine_kind *kind, const char *scheme, double tolerance) {
    struct es_network *net = test_network(1);
    test_add(net, &es_capacitor, 0, ES_GROUND, 1e-9, 0, 0);
    test_add(net, &es_inductor, 0, ES_GROUND, 1e-6, 0, 0);
    test_add(net, &es_input, 0, ES_GROUND, 1e-3, 0, 0);
    test_output(net, 0, ES_READ_VOLTAGE, 0);
    struct es_grid grid = test_grid(net, 20, 101);
    struct es_engine *engine = test_engine(kind, net, scheme, 1);
    double silence[101] = {0}, zero = 0, one = 1, none[4] = {0}, omega = 1 / sqrt(1e-15), h = es_grid_step(&grid);
    struct es_pass pass = {.flux = &zero, .voltage = &one, .offset = none, .input = silence};
    struct es_accumulator energy = {.a = {ES_SIGNAL_VOLTAGE, 3, 0}, .b = {ES_SIGNAL_VOLTAGE, 3, 0}};
    struct es_batch batch = {.grid = grid, .accumulators = 1, .accumulator = &energy, .passes = 1, .pass = &pass};
    struct es_result *result = es_results_new(net->arena, net, 1, 1);
    struct es_error error = {""};
    ck_assert_msg(es_engine_run(engine, &batch, result, &error) == ES_OK, "%s", error.text);
    double t = 100 * h, stepped = engine->scheme->frequency(omega, h);
    ck_assert_double_eq_tol(result->voltage[0], cos(stepped * t), tolerance);
    double square = t / 2 + sin(2 * stepped * t) / (4 * stepped); // of cos^2, up to O(h^2)
    ck_assert_double_eq_tol(result->integral[0] / square, 1, 0.03);
    es_engine_close(engine);
    es_network_free(net);
}

START_TEST(oscillator) {
    check_oscillator(&es_twin, "verlet", 1e-11);
    check_oscillator(&es_twin, "midpoint", 1e-11);
    check_oscillator(&es_ngspice, "trapezoidal", 1e-7);
}
END_TEST

// State at T of a driven random network with `substeps` steps per sample.
static void final_state(struct es_network *net, struct es_engine *engine, const struct es_pass *pass, struct es_grid grid, size_t substeps,
                        struct es_result *result) {
    grid.substeps = substeps;
    struct es_batch batch = {.grid = grid, .passes = 1, .pass = pass};
    struct es_error error = {""};
    ck_assert_msg(es_engine_run(engine, &batch, result, &error) == ES_OK, "%s", error.text);
    (void)net;
}

static double distance(const struct es_network *net, const double *theta, const struct es_result *a, const struct es_result *b) {
    double *flux = ES_NEW(net->arena, net->nodes, double), *voltage = ES_NEW(net->arena, net->nodes, double);
    struct es_model model;
    ck_assert_int_eq(es_model_new(net, theta, net->arena, &model, NULL), ES_OK);
    for (size_t i = 0; i < net->nodes; i++) {
        flux[i] = a->flux[i] - b->flux[i];
        voltage[i] = a->voltage[i] - b->voltage[i];
    }
    return sqrt(es_model_energy(&model, flux, voltage, NULL) / es_model_energy(&model, b->flux, b->voltage, NULL));
}

struct driven {
    struct es_network *net;
    struct es_grid grid;
    struct es_pass pass;
    struct es_model model;
    double *theta;
};

static struct driven drive(struct es_network *net, uint64_t seed, double steps, size_t points) {
    struct driven d = {.net = net, .theta = ES_NEW(net->arena, net->parameters, double)};
    es_network_start(d.net, d.theta);
    d.grid = test_grid(d.net, steps, points);
    double *flux = ES_NEW(net->arena, net->nodes, double), *voltage = ES_NEW(net->arena, net->nodes, double), *offset = ES_NEW(net->arena, net->elements, double), x[8];
    struct es_example example = test_example(d.net, seed, &d.grid, es_modes_fastest(d.net, d.theta), 0, 0);
    for (size_t c = 0; c < net->channels; c++)
        x[c] = example.input[c * points];
    ck_assert_int_eq(es_model_new(net, d.theta, net->arena, &d.model, NULL), ES_OK);
    ck_assert_int_eq(es_model_start(&d.model, x, flux, voltage, offset, NULL), ES_OK);
    d.pass = (struct es_pass){.theta = d.theta, .flux = flux, .voltage = voltage, .offset = offset, .input = example.input};
    return d;
}

static struct driven driven_network(uint64_t seed, double steps, size_t points) {
    return drive(test_random_network(seed, 9, true), seed, steps, points);
}

START_TEST(second_order) {
    for (int i = 0; i < 2; i++) {
        struct driven d = driven_network(3, 20, 60);
        struct es_engine *engine = test_engine(&es_twin, d.net, i ? "verlet" : "midpoint", 1);
        struct es_result *coarse = es_results_new(d.net->arena, d.net, 0, 1), *fine = es_results_new(d.net->arena, d.net, 0, 1),
                         *finest = es_results_new(d.net->arena, d.net, 0, 1);
        final_state(d.net, engine, &d.pass, d.grid, 2, coarse);
        final_state(d.net, engine, &d.pass, d.grid, 4, fine);
        final_state(d.net, engine, &d.pass, d.grid, 64, finest);
        double ratio = distance(d.net, d.theta, coarse, finest) / distance(d.net, d.theta, fine, finest);
        ck_assert_double_eq_tol(ratio, 4, 0.1);
        es_engine_close(engine);
        es_network_free(d.net);
    }
}
END_TEST

// Waveforms of the two engines, point by point.
struct trace {
    size_t points, nodes;
    double *value; // [points][2 nodes]
};

static void record(void *context, double t, const double *flux, const double *voltage) {
    struct trace *trace = context;
    double *row = trace->value + trace->points++ * 2 * trace->nodes;
    (void)t;
    memcpy(row, flux, trace->nodes * sizeof *flux);
    memcpy(row + trace->nodes, voltage, trace->nodes * sizeof *voltage);
}

static struct trace run_trace(struct driven *d, const struct es_engine_kind *kind, const char *scheme) {
    size_t rows = es_grid_steps(&d->grid) + 1;
    struct trace trace = {.nodes = d->net->nodes, .value = ES_NEW(d->net->arena, rows * 2 * d->net->nodes, double)};
    struct es_sink sink = {record, &trace};
    struct es_batch batch = {.grid = d->grid, .passes = 1, .pass = &d->pass, .sink = &sink};
    struct es_engine *engine = test_engine(kind, d->net, scheme, 1);
    struct es_error error = {""};
    ck_assert_msg(es_engine_run(engine, &batch, es_results_new(d->net->arena, d->net, 0, 1), &error) == ES_OK, "%s", error.text);
    es_engine_close(engine);
    ck_assert_uint_eq(trace.points, rows);
    return trace;
}

// Largest difference of any waveform over that waveform's kind's largest value.
static double worst_difference(const struct trace *a, const struct trace *b) {
    double worst = 0;
    for (size_t kind = 0; kind < 2; kind++) {
        double largest = 0, difference = 0;
        for (size_t i = 0; i < a->points; i++)
            for (size_t j = kind * a->nodes; j < (kind + 1) * a->nodes; j++) {
                size_t at = i * 2 * a->nodes + j;
                largest = fmax(largest, fabs(b->value[at]));
                difference = fmax(difference, fabs(a->value[at] - b->value[at]));
            }
        worst = fmax(worst, difference / largest);
    }
    return worst;
}

START_TEST(twin_and_ngspice_agree) {
    struct driven d = driven_network((uint64_t)_i, 20, 201);
    struct trace twin = run_trace(&d, &es_twin, "midpoint"), ngspice = run_trace(&d, &es_ngspice, "trapezoidal");
    double worst = worst_difference(&ngspice, &twin);
    printf("twin against ngspice, random network %d: waveforms differ by %.2g\n", _i, worst);
    ck_assert_double_lt(worst, 4e-11);
    es_network_free(d.net);
}
END_TEST

static double mixed_difference(uint64_t seed, int features) {
    struct driven d = drive(test_mixed_network(seed, 9, features, ES_READ_FLUX, false), seed, 40, 281);
    struct trace twin = run_trace(&d, &es_twin, "midpoint"), ngspice = run_trace(&d, &es_ngspice, "trapezoidal");
    double worst = worst_difference(&ngspice, &twin);
    printf("twin against ngspice, network %llu of %s kinds%s: waveforms differ by %.2g\n", (unsigned long long)seed,
           features & TEST_NONLINEAR ? "all" : "linear", features & TEST_SOURCE ? " with a source" : "", worst);
    es_network_free(d.net);
    return worst;
}

// 20 random networks of every kind with fixed seeds, and 5 with seeds that nobody has seen before (printed, so that they can be repeated).
START_TEST(twin_and_ngspice_agree_on_all_kinds) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    uint64_t seed = _i < 20 ? (uint64_t)_i + 100 : (uint64_t)now.tv_nsec * 1000 + (uint64_t)_i;
    int features = (_i % 2 ? TEST_NONLINEAR : 0) | (_i % 3 == 1 ? TEST_SOURCE : 0) | (_i % 5 == 2 ? TEST_CHARGES : 0) | (_i % 7 == 3 ? TEST_GYRATORS : 0);
    double limit = features & TEST_NONLINEAR ? 4e-9 : 1e-12;
    ck_assert_double_lt(mixed_difference(seed, features), _i < 20 ? limit : 100 * limit); // of seeds not seen before, the worst so far is 1.9e-9
}
END_TEST

// A network of mismatched elements is, to the bit, that of their values, in both engines: the deck has them too.
START_TEST(mismatch_is_a_change_of_values) {
    int features = TEST_NONLINEAR | TEST_SOURCE;
    struct driven scaled = drive(test_mixed_network(11, 9, features, ES_READ_FLUX, false), 11, 40, 81), changed = drive(test_mixed_network(11, 9, features, ES_READ_FLUX, false), 11, 40, 81);
    struct es_stream stream = {.seed = 12, .purpose = ES_RANDOM_TEST};
    struct trace plain = run_trace(&scaled, &es_twin, "midpoint");
    for (size_t i = 0; i < scaled.net->parameters; i++) {
        const struct es_parameter *p = &scaled.net->parameter[i];
        double scale = 0.9 + 0.2 * es_random_uniform(&stream);
        scaled.net->element[p->element].scale[p->quantity] = scale;
        changed.theta[i] *= scale;
    }
    for (int i = 0; i < 2; i++) {
        struct trace a = run_trace(&scaled, i ? &es_ngspice : &es_twin, NULL), b = run_trace(&changed, i ? &es_ngspice : &es_twin, NULL);
        ck_assert_mem_eq(a.value, b.value, a.points * 2 * a.nodes * sizeof *a.value);
        ck_assert_double_gt(worst_difference(&a, &plain), 1e-3);
    }
    es_network_free(scaled.net);
    es_network_free(changed.net);
}
END_TEST

// Fluxes that decay and drift by themselves, in both engines; backwards too, where losses stay losses.
START_TEST(own_fluxes_agree) {
    static const struct es_reversal *const turns[] = {NULL, &es_flip_voltages, &es_flip_fluxes, &es_swap_outputs};
    const struct es_reversal *turn = turns[_i % 4];
    int features = TEST_DECAYS | TEST_DRIFTS | (turn == &es_swap_outputs ? TEST_GYRATORS : _i % 3 ? TEST_SOURCE : 0) | (_i / 4 % 2 ? TEST_NONLINEAR : 0);
    struct es_network *net = test_mixed_network((uint64_t)_i + 200, 9, features, ES_READ_FLUX, false);
    for (int i = 0; i < (int)net->nodes && turn != &es_swap_outputs; i += 2)
        test_add(net, &es_conductance, i, ES_GROUND, 1e-3, 0, 0);
    struct driven d = drive(net, (uint64_t)_i + 200, 40, 281);
    d.pass.reversal = turn;
    struct trace twin = run_trace(&d, &es_twin, "midpoint"), ngspice = run_trace(&d, &es_ngspice, "trapezoidal");
    double worst = worst_difference(&ngspice, &twin), offset = 0, psi = 0;
    struct es_batch batch = {.grid = d.grid, .passes = 1, .pass = &d.pass};
    struct es_result *result = es_results_new(net->arena, net, 0, 2);
    for (int i = 0; i < 2; i++) {
        struct es_engine *engine = test_engine(i ? &es_ngspice : &es_twin, net, NULL, 1);
        ck_assert_int_eq(es_engine_run(engine, &batch, &result[i], NULL), ES_OK);
        es_engine_close(engine);
    }
    for (size_t e = 0; e < net->elements; e++) {
        offset = fmax(offset, fabs(result[1].offset[e] - result[0].offset[e]));
        psi = fmax(psi, fabs(result[0].offset[e]));
    }
    printf("twin against ngspice, own fluxes, network %d: waveforms differ by %.2g, offsets by %.2g\n", _i + 200, worst, offset / psi);
    ck_assert_double_lt(worst, features & TEST_NONLINEAR ? 4e-9 : 4e-13);
    ck_assert_double_lt(offset / psi, features & TEST_NONLINEAR ? 4e-10 : 2e-13);
    es_network_free(net);
}
END_TEST

// A capacitor that starts at 1 V discharges through an inductor with a resistance: v = A e^{mu t} + its conjugate, with the exponents mu that the
// implicit midpoint rule makes of lambda, tanh(mu h / 2) = lambda h / 2.
START_TEST(a_series_rlc_decays) {
    static const double c = 1e-9, l = 1e-6, r = 12;
    struct es_network *net = test_network(1);
    test_add(net, &es_capacitor, 0, ES_GROUND, c, 0, 0);
    size_t inductor = test_add(net, &es_inductor, 0, ES_GROUND, l, 0, 0);
    net->element[inductor].value[2] = r;
    test_add(net, &es_input, 0, ES_GROUND, 1e-9, 0, 0);
    net->channels = 1;
    test_initial(net, 0, NAN, 1, NAN);
    double _Complex lambda = -r / (2 * l) + csqrt(r * r / (4 * l * l) - 1 / (l * c)), a = -conj(lambda) / (lambda - conj(lambda));
    for (int i = 0; i < 2; i++) {
        struct driven d = drive(net, 1, 15, 61);
        double h = es_grid_step(&d.grid), *silence = ES_NEW(net->arena, 61, double), worst = 0;
        d.pass.input = silence;
        double _Complex mu = 2 / h * catanh(lambda * h / 2);
        struct trace trace = run_trace(&d, i ? &es_ngspice : &es_twin, NULL);
        for (size_t n = 0; n < trace.points; n++)
            worst = fmax(worst, fabs(trace.value[2 * n + 1] - 2 * creal(a * cexp(mu * h * (double)n))));
        printf("series RLC: voltages differ from the closed form by %.1e\n", worst);
        ck_assert_double_lt(worst, 2e-14);
    }
    es_network_free(net);
}
END_TEST

// A gyrator whose input is held at 0 V: its offset alone fills its capacitor, its leakage empties it.
START_TEST(a_gyrator_drifts_to_rest) {
    static const double gm = 1e-3, cl = 1e-12, leakage = 3e-4, offset = 2e-3, voltage = 0.5;
    struct es_network *net = test_network(2);
    net->element[test_add(net, &es_source, 0, ES_GROUND, 1, 0, 0)].channel = 0;
    test_add(net, &es_capacitor, 0, ES_GROUND, 1e-12, 0, 0);
    test_add(net, &es_capacitor, 1, ES_GROUND, 1e-12, 0, 0);
    test_add(net, &es_inductor, 1, ES_GROUND, 1e-6, 0, 0);
    size_t e = test_add(net, &es_gyrator, 0, ES_GROUND, gm, gm, cl);
    net->element[e].value[3] = voltage;
    net->element[e].value[4] = leakage;
    net->element[e].value[5] = offset;
    net->channels = 1;
    for (int i = 0; i < 2; i++) {
        struct driven d = drive(net, 1, 20, 21);
        double silence[21] = {0}, r = leakage / cl, h = es_grid_step(&d.grid);
        d.pass.input = silence;
        struct es_batch batch = {.grid = d.grid, .passes = 1, .pass = &d.pass};
        struct es_engine *engine = test_engine(i ? &es_ngspice : &es_twin, net, NULL, 1);
        struct es_result *result = es_results_new(net->arena, net, 0, 1);
        ck_assert_int_eq(es_engine_run(engine, &batch, result, NULL), ES_OK);
        double rest = offset / r, start = cl * voltage / gm, factor = pow((1 - r * h / 2) / (1 + r * h / 2), 20);
        ck_assert_double_eq_tol(result->offset[e] / (rest + (start - rest) * factor), 1, 1e-13);
        es_engine_close(engine);
    }
    es_network_free(net);
}
END_TEST

// What is stored changes by what losses take and drifts bring, exactly in each step: E(T) - E(0) = sum e int i - sum (r / k) int i^2.
START_TEST(energy_is_balanced) {
    struct es_network *net = test_mixed_network(5, 9, TEST_GYRATORS | TEST_DECAYS | TEST_DRIFTS, ES_READ_FLUX, false);
    struct driven d = drive(net, 5, 20, 141);
    size_t count = 0;
    struct es_accumulator *a = ES_NEW(net->arena, 2 * net->elements, struct es_accumulator);
    double *weight = ES_NEW(net->arena, 2 * net->elements, double);
    d.pass.input = ES_NEW(net->arena, net->channels * d.grid.points, double);
    for (size_t e = 0; e < net->elements; e++) {
        if (!es_model_own_flux(&d.model, e))
            continue;
        weight[count] = d.model.drift[e];
        a[count++] = (struct es_accumulator){.a = {ES_SIGNAL_CURRENT, e, 0}, .b = {ES_SIGNAL_ONE, e, 0}};
        weight[count] = -d.model.decay[e] / d.model.k[e];
        a[count++] = (struct es_accumulator){.a = {ES_SIGNAL_CURRENT, e, 0}, .b = {ES_SIGNAL_CURRENT, e, 0}};
    }
    for (int i = 0; i < 2; i++) {
        struct es_batch batch = {.grid = d.grid, .accumulators = count, .accumulator = a, .passes = 1, .pass = &d.pass};
        struct es_engine *engine = test_engine(i ? &es_ngspice : &es_twin, net, NULL, 1);
        struct es_result *result = es_results_new(net->arena, net, count, 1);
        ck_assert_int_eq(es_engine_run(engine, &batch, result, NULL), ES_OK);
        double before = es_model_energy(&d.model, d.pass.flux, d.pass.voltage, d.pass.offset), after = es_model_energy(&d.model, result->flux, result->voltage, result->offset);
        double brought = 0, taken = 0;
        for (size_t j = 0; j < count; j++)
            *(j % 2 ? &taken : &brought) += weight[j] * result->integral[j];
        printf("energy %.3g J: offsets bring %.3g, losses take %.3g, %.1e is left over\n", before, brought / before, -taken / before, (after - before - brought - taken) / before);
        ck_assert_double_gt(fabs(brought) / before, 0.01);
        ck_assert_double_gt(-taken / before, 0.1);
        ck_assert_double_lt(fabs(after - before - brought - taken) / before, 5e-14);
        es_engine_close(engine);
    }
    es_network_free(net);
}
END_TEST

// Schemes and references that know no flux of a branch's own say so, naming it; coupled inductors too.
START_TEST(own_fluxes_are_refused_where_they_are_not_followed) {
    static const char *const schemes[] = {"verlet", "conformal"};
    for (int i = 0; i < 4; i++) {
        bool decays = i % 2;
        struct es_network *net = test_network(1);
        test_add(net, &es_capacitor, 0, ES_GROUND, 1e-9, 0, 0);
        size_t e = test_add(net, decays ? &es_inductor : &es_gyrator, 0, ES_GROUND, 1e-6, 1e-6, 1e-12);
        net->element[e].value[decays ? 1 : 3] = NAN;
        net->element[e].value[decays ? 2 : 5] = 2e-3;
        net->element[e].line = 4711;
        struct es_engine *engine;
        struct es_error error = {""};
        ck_assert_int_eq(es_engine_open(&es_twin, net, &(struct es_engine_options){.scheme = schemes[i / 2], .jobs = 1}, &engine, &error), ES_BAD_INPUT);
        ck_assert_msg(strstr(error.text, "line 4711") && strstr(error.text, net->element[e].name) && strstr(error.text, "0.002") && strstr(error.text, "use scheme midpoint"), "%s",
                      error.text);
        if (decays) {
            size_t other = test_add(net, &es_inductor, 0, ES_GROUND, 1e-6, 0, 0), k = test_add(net, &es_mutual, ES_GROUND, ES_GROUND, 0.3, 0, 0);
            struct es_model model;
            net->element[k].first = other;
            net->element[k].second = e;
            ck_assert_int_eq(es_model_new(net, NULL, net->arena, &model, &error), ES_BAD_INPUT);
            ck_assert_msg(strstr(error.text, "line 4711") && strstr(error.text, "coupled"), "%s", error.text);
        }
        es_network_free(net);
    }
}
END_TEST

// A Duffing oscillator 60 times as stiff at its peak as at rest, at 6 steps per period at rest: the fixed matrix does not converge there,
// Newton's method does. And one that passes through 0 V in the middle of a step.
START_TEST(hard_steps_are_solved) {
    for (int i = 0; i < 2; i++) {
        struct es_network *net = test_network(1);
        test_add(net, &es_capacitor, 0, ES_GROUND, 1e-9, 0, 0);
        test_add(net, &es_duffing, 0, ES_GROUND, 1e-6, i ? 1e22 : 20 / (1e-6 * 1e-8 * 1e-8), 0);
        test_add(net, &es_input, 0, ES_GROUND, 1e-12, 0, 0);
        test_output(net, 0, ES_READ_FLUX, -1);
        test_initial(net, 0, i ? NAN : 1e-8, i ? 0.031250184809889225 : NAN, NAN);
        struct driven d = drive(net, 1, i ? 5 : 6, 81);
        struct trace twin = run_trace(&d, &es_twin, "midpoint"), ngspice = run_trace(&d, &es_ngspice, "trapezoidal");
        double worst = worst_difference(&ngspice, &twin);
        printf("twin against ngspice, hard steps: waveforms differ by %.2g\n", worst);
        ck_assert_double_lt(worst, 4e-7);
        es_network_free(net);
    }
}
END_TEST

// A source drives through a series resistor: lossy, but both engines run it; an echo refuses it by name.
START_TEST(a_series_resistor_runs_and_is_refused) {
    struct es_network *net = test_mixed_network(3, 8, TEST_NONLINEAR | TEST_SOURCE, ES_READ_FLUX, false);
    size_t e = test_add(net, &es_conductance, 7, 2, 1e-3, 0, 0);
    struct es_error error = {""};
    ck_assert_int_eq(es_rhel.admits(&(struct es_problem){.net = net, .cost = &es_flux_tracking, .reversal = &es_flip_voltages, .losses_allowed = false}, &error), ES_BAD_INPUT);
    ck_assert_ptr_nonnull(strstr(error.text, net->element[e].name));
    struct driven d = drive(net, 3, 40, 281);
    struct trace twin = run_trace(&d, &es_twin, "midpoint"), ngspice = run_trace(&d, &es_ngspice, "trapezoidal");
    double worst = worst_difference(&ngspice, &twin);
    printf("twin against ngspice, source behind a resistor: waveforms differ by %.2g\n", worst);
    ck_assert_double_lt(worst, 1e-9);
    es_network_free(net);
}
END_TEST

// Verlet is another discretisation: the same comparison must see it.
START_TEST(another_scheme_is_noticed) {
    struct driven d = driven_network(1, 20, 201);
    struct trace twin = run_trace(&d, &es_twin, "verlet"), ngspice = run_trace(&d, &es_ngspice, "trapezoidal");
    ck_assert_double_gt(worst_difference(&ngspice, &twin), 1e-3);
    es_network_free(d.net);
}
END_TEST

// A pass's result is the same bits whatever ran beside it or before it, and on any number of threads.
START_TEST(passes_are_pure) {
    const struct es_engine_kind *const kinds[] = {&es_twin, &es_ngspice};
    struct driven d = driven_network(4, 20, 50);
    enum { PASSES = 40 };
    struct es_pass pass[PASSES];
    for (int i = 0; i < PASSES; i++) {
        pass[i] = d.pass;
        double *voltage = ES_NEW(d.net->arena, d.net->nodes, double);
        for (size_t j = 0; j < d.net->nodes; j++)
            voltage[j] = d.pass.voltage[j] * (1 + i % 5);
        pass[i].voltage = voltage;
    }
    for (int e = 0; e < 2; e++) {
        struct es_result *result[2];
        for (int jobs = 1; jobs <= 2; jobs++) {
            struct es_engine *engine = test_engine(kinds[e], d.net, NULL, (size_t)jobs);
            struct es_batch batch = {.grid = d.grid, .passes = PASSES, .pass = pass};
            result[jobs - 1] = es_results_new(d.net->arena, d.net, 0, PASSES);
            ck_assert_int_eq(es_engine_run(engine, &batch, result[jobs - 1], NULL), ES_OK);
            es_engine_close(engine);
        }
        for (int i = 0; i < PASSES; i++) {
            ck_assert_mem_eq(result[0][i].voltage, result[1][i].voltage, d.net->nodes * sizeof(double));
            ck_assert_mem_eq(result[0][i].flux, result[0][i % 5].flux, d.net->nodes * sizeof(double));
        }
    }
    es_network_free(d.net);
}
END_TEST

static int children(pid_t *pid, int room) {
    int count = 0;
    DIR *proc = opendir("/proc");
    for (struct dirent *entry; (entry = readdir(proc));) {
        char path[300];
        int parent = 0;
        snprintf(path, sizeof path, "/proc/%s/stat", entry->d_name);
        FILE *file = atoi(entry->d_name) > 0 ? fopen(path, "r") : NULL;
        if (file && fscanf(file, "%*d %*s %*c %d", &parent) == 1 && parent == getpid() && count < room)
            pid[count++] = atoi(entry->d_name);
        if (file)
            fclose(file);
    }
    closedir(proc);
    return count;
}

static int sent_signal;

static void *signal_workers(void *unused) {
    (void)unused;
    usleep(30000); // once: a pass may be lost with one worker and then be given to another that died idle, and the engine tries it three times
    pid_t pid[8];
    for (int n = children(pid, 8); n > 0; n--)
        kill(pid[n - 1], sent_signal);
    return NULL;
}

// Workers that are killed, or hang (SIGSTOP), are replaced and their passes repeated, to the same bits.
START_TEST(lost_workers_do_not_show) {
    struct driven d = driven_network(2, 20, 400);
    enum { PASSES = 60 };
    struct es_pass pass[PASSES];
    for (int i = 0; i < PASSES; i++)
        pass[i] = d.pass;
    struct es_result *result = es_results_new(d.net->arena, d.net, 0, PASSES);
    struct es_batch batch = {.grid = d.grid, .passes = PASSES, .pass = pass};
    struct es_engine *engine = test_engine(&es_ngspice, d.net, NULL, 2);
    pthread_t killer;
    sent_signal = _i ? SIGSTOP : SIGKILL;
    pthread_create(&killer, NULL, signal_workers, NULL);
    struct es_error error = {""};
    ck_assert_msg(es_engine_run(engine, &batch, result, &error) == ES_OK, "%s", error.text);
    pthread_join(killer, NULL);
    for (int i = 1; i < PASSES; i++)
        ck_assert_mem_eq(result[i].voltage, result[0].voltage, d.net->nodes * sizeof(double));
    es_engine_close(engine);
    pid_t left[8];
    ck_assert_int_eq(children(left, 8), 0);
    es_network_free(d.net);
}
END_TEST

// A sink that harms the workers once, while they wait in the middle of a message for it to take more points.
struct harm {
    struct trace trace;
    int signal;
};

static void record_and_harm(void *context, double t, const double *flux, const double *voltage) {
    struct harm *harm = context;
    pid_t pid[8];
    record(&harm->trace, t, flux, voltage);
    if (harm->trace.points != 50 || !harm->signal)
        return;
    usleep(200000);
    for (int n = children(pid, 8); n > 0; n--)
        kill(pid[n - 1], harm->signal);
}

// Every point of a repeated pass is seen once.
START_TEST(a_lost_trace_does_not_show) {
    static const int signals[] = {0, SIGKILL, SIGSTOP};
    struct driven d = driven_network(2, 20, 1000);
    size_t size = 1000 * 2 * d.net->nodes;
    struct harm harm[2] = {{.signal = 0}, {.signal = signals[_i]}};
    for (int i = 0; i < 2; i++) {
        harm[i].trace = (struct trace){.nodes = d.net->nodes, .value = ES_NEW(d.net->arena, 2 * size, double)};
        struct es_sink sink = {record_and_harm, &harm[i]};
        struct es_batch batch = {.grid = d.grid, .passes = 1, .pass = &d.pass, .sink = &sink};
        struct es_engine *engine = test_engine(&es_ngspice, d.net, NULL, 1);
        ck_assert_int_eq(es_engine_run(engine, &batch, es_results_new(d.net->arena, d.net, 0, 1), NULL), ES_OK);
        es_engine_close(engine);
        ck_assert_uint_eq(harm[i].trace.points, 1000);
    }
    ck_assert_mem_eq(harm[0].trace.value, harm[1].trace.value, size * sizeof(double));
    es_network_free(d.net);
}
END_TEST

// A worker that stops while it is idle cannot take a request that is larger than its socket's buffer.
START_TEST(a_stopped_idle_worker_is_replaced) {
    struct driven d = driven_network(2, 20, 100), large = driven_network(2, 20, 60000);
    struct es_engine *engine = test_engine(&es_ngspice, d.net, NULL, 1);
    struct es_result *result = es_results_new(d.net->arena, d.net, 0, 1);
    struct es_batch batch = {.grid = d.grid, .passes = 1, .pass = &d.pass};
    ck_assert_int_eq(es_engine_run(engine, &batch, result, NULL), ES_OK);
    pid_t idle, next;
    ck_assert_int_eq(children(&idle, 1), 1);
    kill(idle, SIGSTOP);
    batch = (struct es_batch){.grid = large.grid, .passes = 1, .pass = &large.pass};
    ck_assert_int_eq(es_engine_run(engine, &batch, result, NULL), ES_OK);
    ck_assert_int_eq(children(&next, 1), 1);
    ck_assert_int_ne(next, idle);
    es_engine_close(engine);
    es_network_free(large.net);
    es_network_free(d.net);
}
END_TEST

// A worker holds no descriptor of ours but its socket.
START_TEST(workers_inherit_only_their_socket) {
    struct driven d = driven_network(2, 20, 50);
    struct es_engine *engine = test_engine(&es_ngspice, d.net, NULL, 1);
    struct es_batch batch = {.grid = d.grid, .passes = 1, .pass = &d.pass};
    int ours = dup(STDOUT_FILENO), high = fcntl(ours, F_DUPFD, 100), sockets = 0, others = 0;
    ck_assert_int_eq(es_engine_run(engine, &batch, es_results_new(d.net->arena, d.net, 0, 1), NULL), ES_OK);
    pid_t pid;
    ck_assert_int_eq(children(&pid, 1), 1);
    for (int fd = 0; fd <= 200; fd++) {
        char link[64], name[64] = "";
        snprintf(link, sizeof link, "/proc/%d/fd/%d", pid, fd);
        if (readlink(link, name, sizeof name - 1) > 0)
            *(strncmp(name, "socket:", 7) == 0 ? &sockets : &others) += strcmp(name, "/dev/null") != 0;
    }
    ck_assert_int_eq(sockets, 1);
    ck_assert_int_eq(others, 0);
    close(ours);
    close(high);
    es_engine_close(engine);
    es_network_free(d.net);
}
END_TEST

// Verlet cannot step a conductance, and says so before anything runs.
START_TEST(verlet_refuses_losses) {
    struct driven d = driven_network(1, 20, 10);
    struct es_engine *engine;
    struct es_error error = {""};
    size_t e = test_add(d.net, &es_conductance, 0, ES_GROUND, 1e-3, 0, 0);
    d.net->element[e].line = 4711;
    ck_assert_int_eq(es_engine_open(&es_twin, d.net, &(struct es_engine_options){.scheme = "verlet", .jobs = 1}, &engine, &error), ES_BAD_INPUT);
    ck_assert_ptr_null(engine);
    ck_assert_ptr_nonnull(strstr(error.text, d.net->element[e].name));
    ck_assert_ptr_nonnull(strstr(error.text, "line 4711"));
    ck_assert_ptr_nonnull(strstr(error.text, "scheme midpoint"));
    es_engine_close(test_engine(&es_twin, d.net, "midpoint", 1));
    es_network_free(d.net);
}
END_TEST

// Integral of a node's flux times an input over one single step, where a wrong flux at its start would be half of it.
START_TEST(flux_is_exact_in_the_first_step) {
    struct es_network *net = test_network(1);
    test_add(net, &es_capacitor, 0, ES_GROUND, 1e-9, 0, 0);
    test_add(net, &es_inductor, 0, ES_GROUND, 1e-6, 0, 0);
    size_t input = test_add(net, &es_input, 0, ES_GROUND, 1e-9, 0, 0);
    test_output(net, 0, ES_READ_VOLTAGE, 0);
    struct es_grid grid = test_grid(net, 20, 2);
    double ones[2] = {1, 1}, flux = 0, voltage = 1, integral[2], none[4] = {0};
    struct es_pass pass = {.flux = &flux, .voltage = &voltage, .offset = none, .input = ones};
    struct es_accumulator product = {.a = {ES_SIGNAL_FLUX, input, 0}, .b = {ES_SIGNAL_INPUT, input, 0}};
    struct es_batch batch = {.grid = grid, .accumulators = 1, .accumulator = &product, .passes = 1, .pass = &pass};
    for (int i = 0; i < 2; i++) {
        struct es_engine *engine = test_engine(i ? &es_twin : &es_ngspice, net, NULL, 1);
        struct es_result *result = es_results_new(net->arena, net, 1, 1);
        ck_assert_int_eq(es_engine_run(engine, &batch, result, NULL), ES_OK);
        integral[i] = result->integral[0];
        es_engine_close(engine);
    }
    printf("first step: flux integral of ngspice over the twin's less 1: %.1e\n", integral[0] / integral[1] - 1);
    ck_assert_double_eq_tol(integral[0] / integral[1], 1, 1e-7);
    es_network_free(net);
}
END_TEST

// What cannot be run ends with its reason; the next pass is not harmed.
START_TEST(a_failed_pass_is_reported) {
    struct driven d = driven_network(1, 20, 50);
    struct es_engine *engine = test_engine(&es_ngspice, d.net, NULL, 1);
    struct es_result *result = es_results_new(d.net->arena, d.net, 0, 1);
    struct es_error error = {""};
    double *nudge = ES_NEW(d.net->arena, d.net->outputs, double);
    for (size_t i = 0; i < d.net->elements; i++) // takes away the whole capacitance of node 0, where output 0 is
        if (d.net->element[i].kind == &es_capacitor && (d.net->element[i].p == 0 || d.net->element[i].n == 0))
            nudge[0] -= d.model.k[i];
    for (size_t i = 0; i < d.net->elements; i++) // and that of its neighbours through coupling capacitors
        ck_assert(d.net->element[i].kind != &es_capacitor || d.net->element[i].n != 0);
    struct es_pass pass = d.pass;
    pass.nudge = nudge;
    struct es_batch batch = {.grid = d.grid, .passes = 1, .pass = &pass};
    ck_assert_int_eq(es_engine_run(engine, &batch, result, &error), ES_FAILED);
    ck_assert_ptr_nonnull(strstr(error.text, "singular"));
    batch.pass = &d.pass;
    ck_assert_msg(es_engine_run(engine, &batch, result, &error) == ES_OK, "%s", error.text);
    es_engine_close(engine);
    es_network_free(d.net);
}
END_TEST

// The deck is what ngspice ran: nudges of value 0 in a free pass, numbers that read back, no names but ours.
START_TEST(deck_holds_the_pass) {
    struct driven d = driven_network(3, 20, 10);
    char *text = es_deck_text(&d.model, &(struct es_batch){.grid = d.grid}, &d.pass, ES_DECK_USER, 0, NULL);
    size_t nudges = 0;
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
        if (strncmp(line, "cn_", 3) == 0) {
            double value = 1;
            ck_assert_int_eq(sscanf(line, "%*s %*s %*s %lg", &value), 1);
            ck_assert_double_eq(value, 0);
            nudges++;
        }
    ck_assert_uint_eq(nudges, d.net->outputs);
    free(text);
    es_network_free(d.net);
}
END_TEST

static bool deck_has(struct driven *d, enum es_deck_use use, const char *part) {
    char **line = es_deck_lines(d->net->arena, &d->model, &(struct es_batch){.grid = d->grid}, &d->pass, use, NULL);
    while (*line && !strstr(*line, part))
        line++;
    return *line;
}

// Only the engine's own grid takes away ngspice's control of the step; only the user's deck runs by itself.
START_TEST(decks_differ_by_use) {
    struct driven d = driven_network(3, 20, 10);
    ck_assert(deck_has(&d, ES_DECK_UNIFORM, "trtol=1e30") && deck_has(&d, ES_DECK_UNIFORM, " external"));
    ck_assert(!deck_has(&d, ES_DECK_ADAPTIVE, "trtol") && !deck_has(&d, ES_DECK_ADAPTIVE, "reltol"));
    ck_assert(deck_has(&d, ES_DECK_ADAPTIVE, " external") && !deck_has(&d, ES_DECK_ADAPTIVE, ".tran"));
    ck_assert(deck_has(&d, ES_DECK_USER, " pwl(") && deck_has(&d, ES_DECK_USER, ".tran") && !deck_has(&d, ES_DECK_USER, " external"));
    char *text = es_deck_text(&d.model, &(struct es_batch){.grid = d.grid}, &d.pass, ES_DECK_USER, -0.008, NULL);
    ck_assert_ptr_nonnull(strstr(text, "-0.8 % off"));
    ck_assert_ptr_nonnull(strstr(text, "--steps 200 --deck"));
    free(text);
    es_network_free(d.net);
}
END_TEST

Suite *test_suite(void) {
    Suite *suite = suite_create("engine");
    TCase *tests = tcase_create("engine");
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, oscillator);
    tcase_add_test(tests, second_order);
    tcase_add_loop_test(tests, twin_and_ngspice_agree, 1, 6);
    tcase_add_loop_test(tests, twin_and_ngspice_agree_on_all_kinds, 0, 25);
    tcase_add_test(tests, mismatch_is_a_change_of_values);
    tcase_add_loop_test(tests, own_fluxes_agree, 0, 12);
    tcase_add_test(tests, a_series_rlc_decays);
    tcase_add_test(tests, a_gyrator_drifts_to_rest);
    tcase_add_test(tests, energy_is_balanced);
    tcase_add_test(tests, own_fluxes_are_refused_where_they_are_not_followed);
    tcase_add_test(tests, hard_steps_are_solved);
    tcase_add_test(tests, a_series_resistor_runs_and_is_refused);
    tcase_add_test(tests, another_scheme_is_noticed);
    tcase_add_test(tests, passes_are_pure);
    tcase_add_loop_test(tests, lost_workers_do_not_show, 0, 2);
    tcase_add_loop_test(tests, a_lost_trace_does_not_show, 0, 3);
    tcase_add_test(tests, a_stopped_idle_worker_is_replaced);
    tcase_add_test(tests, workers_inherit_only_their_socket);
    tcase_add_test(tests, verlet_refuses_losses);
    tcase_add_test(tests, flux_is_exact_in_the_first_step);
    tcase_add_test(tests, a_failed_pass_is_reported);
    tcase_add_test(tests, deck_holds_the_pass);
    tcase_add_test(tests, decks_differ_by_use);
    suite_add_tcase(suite, tests);
    return suite;
}
