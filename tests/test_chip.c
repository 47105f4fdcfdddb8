// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// The circuit as made: every nonideality against its formula, and twin against ngspice.
#include "runner.h"
#include "support.h"

#include "chip/chip.h"
#include "core/random.h"
#include "net/modes.h"

#include <complex.h>
#include <gsl/gsl_poly.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// A network as made, and a problem on it.
struct setting {
    struct es_network *ideal, *net;
    struct es_chip chip;
    struct es_problem problem;
    struct es_example example;
    double *theta;
};

static struct es_chip chip_of(struct es_arena *arena, const char *text, uint64_t seed) {
    struct es_chip chip;
    struct es_error error = {""};
    ck_assert_msg(es_chip_parse(text, seed, arena, &chip, &error) == ES_OK, "%s", error.text);
    return chip;
}

static struct setting set_up(struct es_network *ideal, const char *text, const struct es_engine_kind *kind, const char *scheme, double steps, size_t points) {
    struct setting s = {.ideal = ideal, .chip = chip_of(ideal->arena, text, 5)};
    struct es_error error = {""};
    ck_assert_msg(es_chip_network(&s.chip, ideal, ideal->arena, &s.net, &error) == ES_OK, "%s", error.text);
    s.theta = ES_NEW(ideal->arena, ideal->parameters, double);
    es_network_start(ideal, s.theta);
    s.problem = (struct es_problem){.net = s.net, .cost = &es_flux_tracking, .rule = &es_rhel, .reversal = &es_flip_voltages, .beta = 1e-3, .losses_allowed = true,
                                    .grid = test_grid(ideal, steps, points), .engine = test_engine(kind, s.net, scheme, 0)};
    s.example = test_example(ideal, 3, &s.problem.grid, es_modes_fastest(ideal, s.theta), 3e-9, -1);
    return s;
}

// The engine as used, from which only es_engine_close() parts.
static void use(struct setting *s) {
    struct es_error error = {""};
    ck_assert_msg(es_chip_open(&s->chip, s->problem.engine, &s->problem.engine, &error) == ES_OK, "%s", error.text);
}

static void tear_down(struct setting *s, bool network) {
    es_engine_close(s->problem.engine);
    if (network)
        es_network_free(s->ideal);
}

static double *gradient(struct setting *s) {
    struct es_gradient gradient = {.slope = ES_NEW(s->ideal->arena, s->net->parameters, double)};
    struct es_error error = {""};
    ck_assert_msg(es_rule_admits(s->problem.rule, &s->problem, &error) == ES_OK, "%s", error.text);
    ck_assert_msg(es_gradient(&s->problem, s->theta, 1, &s->example, &gradient, &error) == ES_OK, "%s", error.text);
    return gradient.slope;
}

static double *differences(struct setting *s) {
    struct es_problem plain = s->problem;
    double *slope = ES_NEW(s->ideal->arena, s->net->parameters, double);
    struct es_error error = {""};
    plain.engine = es_chip_inside(plain.engine);
    ck_assert_msg(es_finite_differences(&plain, s->theta, 1, &s->example, 1e-3, slope, &error) == ES_OK, "%s", error.text);
    return slope;
}

// ---- waveforms -------------------------------------------------------------------------------------------------------

struct wave {
    size_t nodes, points;
    double *value; // [points][2 nodes]: flux, voltage
    struct es_result *result;
};

static void keep(void *context, double t, const double *flux, const double *voltage) {
    struct wave *w = context;
    (void)t;
    memcpy(w->value + w->points * 2 * w->nodes, flux, w->nodes * sizeof *flux);
    memcpy(w->value + (w->points++ * 2 + 1) * w->nodes, voltage, w->nodes * sizeof *voltage);
}

static struct wave run_pass(struct setting *s, const struct es_pass *pass) {
    struct wave w = {.nodes = s->net->nodes, .value = ES_NEW(s->ideal->arena, 2 * s->net->nodes * (es_grid_steps(&s->problem.grid) + 1), double)};
    struct es_sink sink = {keep, &w};
    struct es_batch batch = {.grid = s->problem.grid, .passes = 1, .pass = pass, .sink = &sink};
    struct es_error error = {""};
    w.result = es_results_new(s->ideal->arena, s->net, 0, 1);
    ck_assert_msg(es_engine_run(s->problem.engine, &batch, w.result, &error) == ES_OK, "%s", error.text);
    return w;
}

static struct es_pass free_pass(struct setting *s) {
    struct es_pass pass;
    struct es_error error = {""};
    ck_assert_msg(es_free_pass(&s->problem, s->theta, &s->example, s->ideal->arena, &pass, &error) == ES_OK, "%s", error.text);
    return pass;
}

static struct wave waveform(struct setting *s) {
    struct es_pass pass = free_pass(s);
    return run_pass(s, &pass);
}

// Largest difference of voltages over the largest voltage.
static double apart(const struct wave *a, const struct wave *b) {
    double most = 0, difference = 0;
    for (size_t p = 0; p < a->points; p++)
        for (size_t n = 0; n < a->nodes; n++) {
            double x = a->value[(p * 2 + 1) * a->nodes + n], y = b->value[(p * 2 + 1) * b->nodes + n];
            most = fmax(most, fabs(x));
            difference = fmax(difference, fabs(x - y));
        }
    return difference / most;
}

static double voltage(const struct wave *w, size_t point, size_t node) {
    return w->value[(point * 2 + 1) * w->nodes + node];
}

// ---- every row: ideal, acting, the same in both engines --------------------------------------------------------------

static const struct sample {
    const char *key;
    const char *value[3];
    bool gyrators, nonlinear;
    const char *with; // other nonidealities that it needs
} samples[] = {
    {"capacitor-mismatch", {"0.01", "0.05", "0.2"}, true, false, ""},
    {"inductor-mismatch", {"0.01", "0.05", "0.2"}, true, false, ""},
    {"inductor-mismatch", {"0.01", "0.05", "0.2"}, false, false, ""},
    {"transconductor-mismatch", {"0.01", "0.05", "0.2"}, true, false, ""},
    {"capacitor-area", {"1e-10 m2", "1e-12 m2", "1e-14 m2"}, true, false, ""},
    {"transistor-area", {"1e-10 m2", "1e-11 m2", "1e-12 m2"}, true, false, ""},
    {"temperature-rise", {"-20 K", "10 K", "50 K"}, true, false, ""},
    {"saturation", {"100 V", "30 V", "10 V"}, true, true, ""},
    {"sense-saturation", {"1 V", "0.3 V", "0.1 V"}, true, true, ""},
    {"offset", {"0.1 mV", "1 mV", "10 mV"}, true, false, ""},
    {"q-parallel", {"1000", "100", "10"}, true, false, ""},
    {"q-parallel", {"1000", "100", "10"}, false, false, ""},
    {"q-series", {"1000", "100", "10"}, true, false, ""},
    {"q-series", {"1000", "100", "10"}, false, false, ""},
    {"gain", {"1000", "300", "100"}, true, false, ""},
    {"excess-phase", {"0.1 mrad", "1 mrad", "10 mrad"}, true, false, ""},
    {"compensation", {"0.1", "0.5", "1"}, true, false, "q-parallel=100,q-series=50,"},
    {"flip-jitter", {"0.1 ns", "1 ns", "10 ns"}, true, false, ""},
    {"flip-gain", {"1e-3", "-0.01", "0.1"}, true, false, ""},
    {"flip-charge", {"0.1 pC", "1 pC", "-10 pC"}, true, false, ""},
    {"drive-skew", {"0.1 ns", "1 ns", "-10 ns"}, true, false, ""},
    {"input-bits", {"12", "8", "4"}, true, false, ""},
    {"noise-temperature", {"1e9 K", "1e10 K", "1e11 K"}, true, false, "q-parallel=100,q-series=100,"},
    {"noise-temperature", {"1e9 K", "1e10 K", "1e11 K"}, false, false, "q-parallel=100,q-series=100,"},
    {"output-noise", {"1e-3", "1e-2", "0.1"}, true, false, ""},
    {"output-bits", {"12", "8", "4"}, true, false, ""},
    {"integral-noise", {"1e-6", "1e-5", "1e-4"}, true, false, ""},
    {"integral-bits", {"20", "16", "12"}, true, false, ""},
};
enum { SAMPLES = sizeof samples / sizeof *samples };

static const struct es_nonideality *row_of(const char *key) {
    const struct es_nonideality *row = es_row_find(es_nonidealities, key);
    ck_assert_ptr_nonnull(row);
    return row;
}

static struct setting sampled(const struct sample *x, const char *value, const struct es_engine_kind *engine) {
    struct es_network *net = test_ring(x->gyrators);
    const char *text = es_arena_printf(net->arena, "%s%s=%s", x->with, x->key, value);
    bool energies = strncmp(x->key, "output", 6) == 0; // that of a tracking cost changes no gradient
    if (energies)
        test_output(net, 1, ES_READ_FLUX, 2);
    for (int i = 0; i < 2 && energies; i++)
        net->element[net->output[i]].class = i;
    struct setting s = set_up(net, text, engine, NULL, 20, 101);
    if (energies) {
        s.problem.cost = &es_softmax_energies;
        s.problem.temperature = 1e-23;
        s.example.label = 1;
    }
    use(&s);
    return s;
}

START_TEST(every_row_is_tested) {
    for (size_t r = 0; es_nonidealities[r]; r++) {
        bool found = false;
        for (size_t i = 0; i < SAMPLES; i++)
            found |= strcmp(samples[i].key, es_nonidealities[r]->name) == 0;
        ck_assert_msg(found, "%s", es_nonidealities[r]->name);
    }
}
END_TEST

// The ideal value changes no bit.
START_TEST(ideal_is_no_chip) {
    const struct sample *x = &samples[_i];
    const struct es_nonideality *row = row_of(x->key);
    struct setting s = sampled(x, isinf(row->ideal) ? "inf" : "0", &es_twin), called = sampled(x, x->value[0], &es_twin);
    char *with = es_arena_string(s.ideal->arena, x->with);
    if (*with)
        with[strlen(with) - 1] = '\0'; // the comma
    struct setting plain = set_up(s.ideal, with, &es_twin, NULL, 20, 101);
    plain.problem.cost = s.problem.cost;
    plain.problem.temperature = s.problem.temperature;
    plain.example.label = s.example.label;
    ck_assert_int_eq(memcmp(gradient(&s), gradient(&plain), s.net->parameters * sizeof(double)), 0);
    ck_assert_uint_eq(s.chip.count, plain.chip.count);
    ck_assert_uint_gt(called.chip.count, plain.chip.count);
    tear_down(&called, true);
    tear_down(&plain, false);
    tear_down(&s, true);
}
END_TEST

START_TEST(engines_agree) {
    const struct sample *x = &samples[_i];
    struct setting plain = sampled(x, isinf(row_of(x->key)->ideal) ? "inf" : "0", &es_twin);
    struct wave ideal = waveform(&plain);
    double *without = gradient(&plain);
    for (int i = 0; i < 3; i++) {
        struct setting twin = sampled(x, x->value[i], &es_twin), spice = sampled(x, x->value[i], &es_ngspice);
        struct wave a = waveform(&twin), b = waveform(&spice);
        double *exact = differences(&twin), *ga = gradient(&twin), *gb = gradient(&spice), waves = apart(&a, &b), moved = test_distance(twin.net, twin.theta, ga, without);
        double ca = test_cosine(twin.net, twin.theta, ga, exact), cb = test_cosine(twin.net, twin.theta, gb, exact);
        printf("%-24s %-9s waves move by %.1e, apart %.1e; gradient moves by %.1e, 1 - cosine %.3e, apart %.1e, in cosine %.1e\n", x->key, x->value[i], apart(&a, &ideal), waves,
               moved, 1 - ca, test_distance(twin.net, twin.theta, ga, gb), fabs(ca - cb));
        ck_assert_double_gt(moved, 1e-8);
        ck_assert_double_lt(waves, x->nonlinear ? 1e-8 : 1e-11);
        ck_assert_double_lt(test_distance(twin.net, twin.theta, ga, gb), x->nonlinear ? 2e-7 : 1e-10);
        ck_assert_double_lt(fabs(ca - cb), 1e-8);
        tear_down(&twin, true);
        tear_down(&spice, true);
    }
    tear_down(&plain, true);
}
END_TEST

// ---- oracles ---------------------------------------------------------------------------------------------------------

static const double farad = 1e-9, henry = 1e-6;

// A node with a capacitor and an inductor, or a gyrator of the same inductance; 1 V at t = 0.
static struct es_network *tank(bool gyrator) {
    struct es_network *net = test_network(1);
    test_train(net, test_add(net, &es_capacitor, 0, ES_GROUND, farad, 0, 0), 0, &es_log);
    if (gyrator)
        test_train(net, test_add(net, &es_gyrator, 0, ES_GROUND, 1e-3, 1e-9 / henry, 1e-12), 1, &es_log);
    else
        test_train(net, test_add(net, &es_inductor, 0, ES_GROUND, henry, 0, 0), 0, &es_log);
    test_output(net, 0, ES_READ_FLUX, -1);
    test_initial(net, 0, NAN, 1, NAN);
    return net;
}

static const struct es_engine_kind *const engines[] = {&es_twin, &es_ngspice};

// With gamma = w0 / Q: v'' + gamma v' + w0^2 v = 0, where v'(0) is -gamma v(0) with a parallel loss and 0 with a series loss.
START_TEST(quality_decays) {
    bool series = _i & 1, gyrator = _i & 2;
    struct setting s = set_up(tank(gyrator), series ? "q-series=20" : "q-parallel=20", engines[_i / 4], NULL, 1000, 5001);
    double w0 = 1 / sqrt(henry * farad), gamma = w0 / 20, wd = sqrt(w0 * w0 - gamma * gamma / 4), worst = 0;
    ck_assert_double_eq_tol(es_chip_frequency(s.ideal) / w0, 1, 1e-12);
    memset((double *)s.example.input, 0, s.problem.grid.points * sizeof(double));
    struct wave w = waveform(&s);
    for (size_t p = 0; p < w.points; p++) {
        double t = (double)p * es_grid_step(&s.problem.grid), exact = exp(-gamma * t / 2) * (cos(wd * t) + (series ? 1 : -1) * gamma / (2 * wd) * sin(wd * t));
        worst = fmax(worst, fabs(voltage(&w, p, 0) - exact));
    }
    printf("%s %s, %s: off the decay by %.1e\n", engines[_i / 4]->row.name, series ? "q-series" : "q-parallel", gyrator ? "gyrator" : "inductor", worst);
    ck_assert_double_lt(worst, 5e-4); // h^2
    tear_down(&s, true);
}
END_TEST

// Parasitics follow what is trained.
START_TEST(losses_follow) {
    struct setting s = set_up(tank(_i), "q-parallel=20,q-series=30,capacitor-mismatch=0.1,inductor-mismatch=0.1", &es_twin, NULL, 20, 21);
    double w0 = es_chip_frequency(s.ideal);
    struct es_model model;
    s.theta[0] *= 1.7;
    s.theta[1] *= 0.6;
    ck_assert_int_eq(es_model_new(s.net, s.theta, s.ideal->arena, &model, NULL), ES_OK);
    size_t conductance = s.net->elements - 1;
    ck_assert_ptr_eq(s.net->element[conductance].kind, &es_conductance);
    ck_assert_double_ne(model.q[0][0], s.theta[0]);
    ck_assert_double_eq_tol(model.q[conductance][0] / (w0 * model.q[0][0] / 20), 1, 1e-14);
    ck_assert_double_eq_tol(model.decay[1] / (w0 / 30), 1, 1e-14);
    tear_down(&s, true);
}
END_TEST

// Leakages of two kinds add up, unless they would have to follow two values.
START_TEST(leakages_add) {
    struct setting s = set_up(tank(true), "q-series=30,gain=50", &es_twin, NULL, 20, 21);
    struct es_model model;
    struct es_error error = {""};
    ck_assert_int_eq(es_model_new(s.net, s.theta, s.ideal->arena, &model, NULL), ES_OK);
    ck_assert_double_eq_tol(model.decay[1] / (es_chip_frequency(s.ideal) / 30 + 1e-3 / (50 * 1e-12)), 1, 1e-14);
    test_train(s.ideal, 1, 0, &es_log);
    ck_assert_int_eq(es_chip_network(&s.chip, s.ideal, s.ideal->arena, &s.net, &error), ES_BAD_INPUT);
    ck_assert_msg(strstr(error.text, "would follow two values"), "%s", error.text);
    tear_down(&s, true);
}
END_TEST

// A gyrator that comes to saturate keeps its values by their names, trained ones too.
START_TEST(converted_gyrators) {
    struct es_network *net = tank(true);
    net->element[1].value[3] = 0.2;
    test_train(net, 1, 3, &es_logistic);
    struct setting s = set_up(net, "saturation=40", &es_twin, NULL, 20, 101);
    s.problem.beta = 1e-4;
    const struct es_parameter *p = &s.net->parameter[2];
    ck_assert_str_eq(s.net->element[1].kind->quantity[p->quantity].name, "voltage");
    ck_assert_double_eq(s.net->element[1].value[p->quantity], 0.2);
    double distance = test_distance(s.net, s.theta, gradient(&s), differences(&s));
    printf("saturated, with a trained voltage at t = 0: %.1e from differences\n", distance);
    ck_assert_double_lt(distance, 1e-5); // beta^2
    static const char *const texts[] = {"", "transconductor-mismatch=0.2", "transconductor-mismatch=0.2,saturation=40"};
    double k[3];
    for (int i = 0; i < 3; i++) { // mismatch too stays, of fixed gm1 and of trained gm2
        struct es_chip chip = chip_of(net->arena, texts[i], 1);
        struct es_network *made;
        struct es_model model;
        ck_assert_int_eq(es_chip_network(&chip, net, net->arena, &made, NULL), ES_OK);
        ck_assert_int_eq(es_model_new(made, s.theta, net->arena, &model, NULL), ES_OK);
        k[i] = model.k[1];
    }
    ck_assert_double_ne(k[0], k[1]);
    ck_assert_double_eq_tol(k[2] / k[1], 1, 1e-14);
    tear_down(&s, true);
}
END_TEST

// At rest gm1 (v + e1) = 0, gm2 (w + e2) + G v = g e3: v = -e1, w = (g e3 + G e1) / gm2 - e2.
START_TEST(offset_shifts) {
    struct es_network *net = tank(true);
    test_add(net, &es_conductance, 0, ES_GROUND, 1e-2, 0, 0);
    test_add(net, &es_input, 0, ES_GROUND, 2e-3, 0, 0);
    struct setting s = set_up(net, "offset=5 mV", engines[_i], NULL, 40, 1201);
    memset((double *)s.example.input, 0, s.problem.grid.points * sizeof(double));
    struct wave w = waveform(&s);
    const struct es_element *gyrator = &s.net->element[1], *output = &s.net->element[6], *input = &s.net->element[7];
    double e1 = gyrator->value[gyrator->kind->drift], e2 = output->value[1], e3 = input->value[1], psi = w.result->flux[0] + w.result->offset[1];
    double at_rest = (2e-3 * e3 + 1e-2 * e1) / 1e-3 - e2;
    printf("%s offset: %g, %g, %g V: v %.6g, w %.6g V\n", engines[_i]->row.name, e1, e2, e3, w.result->voltage[0], psi * 1e-3 / 1e-12);
    ck_assert_double_ne(e1, 0);
    ck_assert_double_ne(e2, e1);
    ck_assert_double_ne(e3, e1);
    ck_assert_double_eq_tol(w.result->voltage[0], -e1, 1e-6 * fabs(e1));
    ck_assert_double_eq_tol(psi * 1e-3 / 1e-12, at_rest, 1e-5 * fabs(at_rest));
    tear_down(&s, true);
}
END_TEST

// At rest w = A0 v, and g x = v (gm2 A0 + gm2 / A0 + g / A0).
START_TEST(finite_gain_levels) {
    struct es_network *net = tank(true);
    test_add(net, &es_input, 0, ES_GROUND, 2e-3, 0, 0);
    struct setting s = set_up(net, "gain=10", engines[_i], NULL, 40, 2001);
    for (size_t i = 0; i < s.problem.grid.points; i++)
        ((double *)s.example.input)[i] = 1;
    struct wave w = waveform(&s);
    double level = 2e-3 / (1e-3 * 10 + 1e-3 / 10 + 2e-3 / 10);
    printf("%s gain 10: level %.9g, expected %.9g V\n", engines[_i]->row.name, w.result->voltage[0], level);
    ck_assert_double_eq_tol(w.result->voltage[0] / level, 1, 1e-6);
    tear_down(&s, true);
}
END_TEST

START_TEST(saturation_is_tanh) {
    struct setting s = set_up(tank(true), "saturation=0.5", &es_twin, NULL, 20, 21);
    struct es_model model;
    double current[8];
    ck_assert_int_eq(es_model_new(s.net, s.theta, s.ideal->arena, &model, NULL), ES_OK);
    for (double w = -3; w < 3; w += 0.37) {
        double psi = 1e-12 * w / 1e-3;
        es_model_currents(&model, &psi, NULL, current);
        ck_assert_double_eq_tol(current[1], 1e-3 * 0.5 * tanh(w / 0.5), 1e-15);
    }
    tear_down(&s, true);
    struct es_network *net = test_network(2); // the sensed voltage held by a source
    test_add(net, &es_capacitor, 0, ES_GROUND, farad, 0, 0);
    test_add(net, &es_inductor, 0, ES_GROUND, henry, 0, 0);
    test_add(net, &es_gyrator, 1, ES_GROUND, 1e-3, 1e-3, 1e-12);
    test_add(net, &es_source, 1, ES_GROUND, 1, 0, 0);
    s = set_up(net, "sense-saturation=0.5", engines[_i], NULL, 20, 41);
    for (size_t i = 0; i < s.problem.grid.points; i++)
        ((double *)s.example.input)[i] = 0.8;
    struct wave w = waveform(&s);
    double length = s.problem.grid.interval * 40, psi = w.result->flux[1] + w.result->offset[2];
    ck_assert_double_eq_tol(psi / (0.5 * tanh(0.8 / 0.5) * length), 1, 1e-9);
    tear_down(&s, true);
}
END_TEST

// 1 + L C s^2 (1 + s tau) = 0, from v = 1, v' = v'' = 0.
START_TEST(phase_grows) {
    const double phase = 0.1;
    struct setting s = set_up(tank(true), "excess-phase=0.1", engines[_i], NULL, 1000, 5001);
    double w0 = 1 / sqrt(henry * farad), tau = tan(phase), worst = 0; // in units of w0
    double complex z[3];
    gsl_poly_complex_solve_cubic(1 / tau, 0, 1 / tau, (gsl_complex *)&z[0], (gsl_complex *)&z[1], (gsl_complex *)&z[2]);
    memset((double *)s.example.input, 0, s.problem.grid.points * sizeof(double));
    struct wave w = waveform(&s);
    for (size_t p = 0; p < w.points; p++) {
        double t = w0 * (double)p * es_grid_step(&s.problem.grid);
        double complex v = 0;
        for (int i = 0; i < 3; i++) {
            double complex a = z[(i + 1) % 3], b = z[(i + 2) % 3];
            v += a * b / ((z[i] - a) * (z[i] - b)) * cexp(z[i] * t);
        }
        worst = fmax(worst, fabs(voltage(&w, p, 0) - creal(v)));
    }
    double rate = fmax(fmax(creal(z[0]), creal(z[1])), creal(z[2]));
    printf("%s excess phase %g: grows at %.4g w0, half of it %.4g; off by %.1e\n", engines[_i]->row.name, phase, rate, phase / 2, worst);
    ck_assert_double_eq_tol(rate, phase / 2, 0.02 * phase);
    ck_assert_double_lt(worst, 2e-3);
    tear_down(&s, true);
}
END_TEST

// A leaking gyrator with a pole and offsets, by its own equations: C v' = -gm2 (y + e2), CL w' = gm1 (v + e1) - GL w, tau y' = w - y. Times are in units of
// 1 / w0, w and y in units of w0 C / gm2 volt.
START_TEST(poles_leak_and_shift) {
    enum { STEPS = 20 }; // of Heun's method in a step of the engine
    struct setting s = set_up(tank(true), "excess-phase=0.3,q-series=4,offset=1 V", engines[_i], NULL, 800, 4001);
    double tau = tan(0.3), r = 1. / 4, e1 = s.net->element[1].value[s.net->element[1].kind->drift], e2 = 0, worst = 0, v = 1, w = 0, y = 0;
    for (size_t e = 0; e < s.net->elements; e++)
        e2 = s.net->element[e].kind == &es_bias ? s.net->element[e].value[1] * 1e-3 / sqrt(farad / henry) : e2;
    double h = es_grid_step(&s.problem.grid) / sqrt(henry * farad) / STEPS;
    memset((double *)s.example.input, 0, s.problem.grid.points * sizeof(double));
    struct wave wave = waveform(&s);
    for (size_t p = 0; p < wave.points; p++) {
        worst = fmax(worst, fabs(voltage(&wave, p, 0) - v));
        for (int i = 0; i < STEPS; i++) {
            double dv = -(y + e2), dw = v + e1 - r * w, dy = (w - y) / tau;
            double vp = v + h * dv, wp = w + h * dw, yp = y + h * dy;
            v += h / 2 * (dv - (yp + e2));
            w += h / 2 * (dw + vp + e1 - r * wp);
            y += h / 2 * (dy + (wp - yp) / tau);
        }
    }
    printf("%s pole, leakage, offsets %g and %g: %.1e off\n", engines[_i]->row.name, e1, e2, worst);
    ck_assert_double_gt(fmin(fabs(e1), fabs(e2)), 1e-3);
    ck_assert_double_lt(worst, 2e-3); // h^2
    tear_down(&s, true);
}
END_TEST

START_TEST(temperature_detunes) {
    struct setting s = set_up(tank(true), "temperature-rise=25", &es_twin, NULL, 20, 21);
    ck_assert_double_eq_tol(es_modes_fastest(s.net, s.theta) / es_modes_fastest(s.ideal, s.theta), 1 - 0.002 * 25, 1e-12);
    tear_down(&s, true);
}
END_TEST

// All of a parallel loss undone is none; of a series loss what is left is second order in 1 / Q.
START_TEST(compensation_undoes) {
    struct setting lossy = set_up(test_ring(true), "q-parallel=30,compensation=1", &es_twin, NULL, 20, 401), ideal = set_up(test_ring(true), "", &es_twin, NULL, 20, 401);
    struct wave a = waveform(&lossy), b = waveform(&ideal);
    ck_assert_double_lt(apart(&a, &b), 1e-11);
    tear_down(&lossy, true);
    tear_down(&ideal, true);
    double left[2];
    for (int i = 0; i < 2; i++) {
        struct setting s = set_up(tank(false), i ? "q-series=30,compensation=1" : "q-series=30", &es_twin, NULL, 200, 2001);
        struct es_model model;
        memset((double *)s.example.input, 0, s.problem.grid.points * sizeof(double));
        struct wave w = waveform(&s);
        ck_assert_int_eq(es_model_new(s.net, s.theta, s.ideal->arena, &model, NULL), ES_OK);
        left[i] = -log(es_model_energy(&model, w.result->flux, w.result->voltage, w.result->offset) / (farad / 2));
        tear_down(&s, true);
    }
    printf("energy falls by e to the %.3g, compensated %.3g\n", left[0], left[1]);
    ck_assert_double_lt(fabs(left[1]), 0.03 * left[0]);
}
END_TEST

// What a row has no model of is refused, and named.
START_TEST(conflicts_are_refused) {
    static const struct {
        const char *text, *why;
    } cases[] = {
        {"sense-saturation=1", "leakage"}, // of the file
        {"saturation=1,sense-saturation=1", "saturates at its current side already"},
        {"sense-saturation=1,q-series=10", "has no leakage in this model"},
        {"q-series=10", "is coupled to others"},
    };
    struct es_network *net = tank(true), *made;
    struct es_error error = {""};
    if (_i == 0)
        net->element[1].value[net->element[1].kind->loss] = 1e-9;
    for (int i = 0; i < 2 && _i == 3; i++)
        test_add(net, &es_inductor, 0, ES_GROUND, henry, 0, 0);
    if (_i == 3) {
        size_t mutual = test_add(net, &es_mutual, ES_GROUND, ES_GROUND, 0.3, 0, 0);
        net->element[mutual].first = mutual - 1;
        net->element[mutual].second = mutual - 2;
    }
    struct es_chip chip = chip_of(net->arena, cases[_i].text, 1);
    ck_assert_int_eq(es_chip_network(&chip, net, net->arena, &made, &error), ES_BAD_INPUT);
    ck_assert_msg(strstr(error.text, cases[_i].why), "%s", error.text);
    es_network_free(net);
}
END_TEST

// ---- draws -----------------------------------------------------------------------------------------------------------

// What a pole damps or a file loses is none of a compensation's business, nor of the noise.
START_TEST(poles_are_no_losses) {
    struct es_network *net = tank(true), *made;
    struct es_error error = {""};
    const char *texts[] = {"excess-phase=0.01,compensation=0.5", "q-parallel=10,excess-phase=0.01,compensation=0.5"};
    net->element[1].value[net->element[1].kind->loss] = 1e-9;
    struct es_chip chip = chip_of(net->arena, texts[0], 1);
    ck_assert_int_eq(es_chip_network(&chip, net, net->arena, &made, &error), ES_BAD_INPUT);
    ck_assert_msg(strstr(error.text, "has no loss by"), "%s", error.text);
    chip = chip_of(net->arena, texts[1], 1);
    ck_assert_int_eq(es_chip_network(&chip, net, net->arena, &made, &error), ES_OK);
    ck_assert_uint_eq(made->elements, net->elements + 3); // loss, pole, what undoes the loss
    es_network_free(net);
    struct setting s = set_up(tank(true), "excess-phase=0.01,noise-temperature=300", &es_twin, NULL, 20, 21);
    struct es_pass pass = free_pass(&s);
    struct es_batch batch = {.grid = s.problem.grid, .passes = 1, .pass = &pass};
    use(&s);
    ck_assert_int_eq(es_chip_ask(s.problem.engine, &batch, s.ideal->arena, &error), ES_BAD_INPUT);
    tear_down(&s, true);
}
END_TEST

// Standard normal for each value, the same ones at every sigma; other ones on another chip.
START_TEST(mismatch_draws) {
    struct es_network *net = test_network(1), *made[3];
    enum { VALUES = 2000 };
    struct es_error error = {""};
    double sum = 0, square = 0, change = 0;
    for (int i = 0; i < VALUES; i++)
        test_add(net, &es_capacitor, 0, ES_GROUND, farad, 0, 0);
    for (int i = 0; i < 3; i++) {
        struct es_chip chip = chip_of(net->arena, i == 1 ? "capacitor-mismatch=0.2" : "capacitor-mismatch=0.01", i == 2);
        ck_assert_int_eq(es_chip_network(&chip, net, net->arena, &made[i], &error), ES_OK);
    }
    for (int i = 0; i < VALUES; i++) {
        double x = log(made[0]->element[i].value[0] / farad) / 0.01;
        sum += x / VALUES;
        square += x * x / VALUES;
        change += x * log(made[2]->element[i].value[0] / farad) / 0.01 / VALUES;
        ck_assert_double_eq_tol(log(made[1]->element[i].value[0] / farad) / 0.2, x, 1e-9);
    }
    ck_assert_double_lt(fabs(sum), 3 / sqrt(VALUES));
    ck_assert_double_lt(fabs(square - 1), 3 * sqrt(2. / VALUES));
    ck_assert_double_lt(fabs(change), 3 / sqrt(VALUES));
    struct es_chip chip = chip_of(net->arena, "capacitor-area=100 um2", 0); // 0.047 %
    ck_assert_int_eq(es_chip_network(&chip, net, net->arena, &made[1], &error), ES_OK);
    square = change = 0;
    for (int i = 0; i < VALUES; i++) {
        double x = log(made[1]->element[i].value[0] / farad) / 2.8e-3;
        square += x * x / VALUES;
        change += x * log(made[0]->element[i].value[0] / farad) / 0.01 / VALUES;
    }
    ck_assert_double_eq_tol(sqrt(square), 1, 3 / sqrt(2. * VALUES));
    ck_assert_double_lt(fabs(change), 3 / sqrt(VALUES)); // the two add up as independent ones do
    es_network_free(net);
}
END_TEST

// Of gm1, gm2 and inputs, three for each of many: each normal, and none like another.
START_TEST(offset_draws) {
    enum { VALUES = 1000 };
    struct es_network *net = test_network(1), *made;
    double x[3][VALUES];
    for (int i = 0; i < VALUES; i++) {
        test_add(net, &es_gyrator, 0, ES_GROUND, 1e-3, 1e-3, 1e-12);
        test_add(net, &es_input, 0, ES_GROUND, 1e-3, 0, 0);
    }
    struct es_chip chip = chip_of(net->arena, "offset=5 mV", 3);
    ck_assert_int_eq(es_chip_network(&chip, net, net->arena, &made, NULL), ES_OK);
    for (int i = 0; i < VALUES; i++) {
        x[0][i] = made->element[2 * i].value[es_gyrator.drift] / 5e-3;
        for (int j = 0; j < 2; j++) {
            ck_assert_ptr_eq(made->element[2 * VALUES + 2 * i + j].kind, &es_bias);
            x[1 + j][i] = made->element[2 * VALUES + 2 * i + j].value[1] / 5e-3;
        }
    }
    for (int a = 0; a < 3; a++)
        for (int b = 0; b <= a; b++) {
            double mean = 0, product = 0;
            for (int i = 0; i < VALUES; i++) {
                mean += x[a][i] / VALUES;
                product += x[a][i] * x[b][i] / VALUES;
            }
            ck_assert_double_lt(fabs(mean), 3.5 / sqrt(VALUES));
            ck_assert_double_lt(fabs(product - (a == b)), 3.5 * sqrt((a == b ? 2. : 1.) / VALUES));
        }
    es_network_free(net);
}
END_TEST

// 22 x 22 um: 3.36 mV um sqrt(2) / 22 um = 0.216 mV over 36.2 mV.
START_TEST(pelgrom_transistors) {
    struct es_network *net = test_network(1), *made;
    enum { VALUES = 1000 };
    double square = 0;
    for (int i = 0; i < VALUES; i++)
        test_add(net, &es_gyrator, 0, ES_GROUND, 1e-3, 1e-3, 1e-12);
    struct es_chip chip = chip_of(net->arena, "transistor-area=484 um2", 0);
    ck_assert_int_eq(es_chip_network(&chip, net, net->arena, &made, NULL), ES_OK);
    for (int i = 0; i < VALUES; i++)
        square += (pow(log(made->element[i].value[0] / 1e-3), 2) + pow(log(made->element[i].value[1] / 1e-3), 2)) / (2 * VALUES);
    ck_assert_double_eq_tol(sqrt(square) / 0.00597, 1, 3 / sqrt(4. * VALUES) + 1e-3);
    es_network_free(net);
}
END_TEST

// ---- the flip --------------------------------------------------------------------------------------------------------

static struct es_return back(struct setting *s) {
    struct es_return r;
    struct es_error error = {""};
    ck_assert_msg(es_return(&s->problem, s->theta, &s->example, &r, &error) == ES_OK, "%s", error.text);
    return r;
}

// Which way: v -> -(1 + e) v + q / C where voltages are flipped, phi -> -(1 + e) phi where fluxes are, and nothing is scaled where outputs are swapped.
START_TEST(flips_have_signs) {
    static const struct es_reversal *const turns[] = {&es_flip_voltages, &es_flip_fluxes, &es_swap_outputs};
    const struct es_reversal *turn = turns[_i];
    struct setting s = set_up(tank(true), "flip-gain=0.1,flip-charge=1 nC", &es_twin, NULL, 20, 21);
    struct es_pass pass = free_pass(&s);
    double flux = 2, voltage = 3, offset[16] = {0, 4};
    pass.flux = &flux;
    pass.voltage = &voltage;
    pass.offset = offset;
    pass.reversal = turn;
    struct es_batch batch = {.grid = s.problem.grid, .passes = 1, .pass = &pass};
    use(&s);
    ck_assert_int_eq(es_chip_ask(s.problem.engine, &batch, s.ideal->arena, NULL), ES_OK);
    ck_assert_double_eq_tol(batch.pass->voltage[0], (turn->voltage < 0 ? 1.1 : 1) * 3 + 1e-9 / farad, 1e-12);
    ck_assert_double_eq_tol(batch.pass->flux[0], (turn->flux < 0 ? 1.1 : 1) * 2, 1e-12);
    ck_assert_double_eq_tol(batch.pass->offset[1], (turn->flux < 0 ? 1.1 : 1) * 4, 1e-12);
    pass.reversal = NULL;
    batch.pass = &pass;
    ck_assert_int_eq(es_chip_ask(s.problem.engine, &batch, s.ideal->arena, NULL), ES_OK);
    ck_assert_double_eq(batch.pass->voltage[0], 3);
    tear_down(&s, true);
}
END_TEST

static double energy_of(struct setting *s, const double *flux, const double *v, const double *o) {
    struct es_model model;
    ck_assert_int_eq(es_model_new(s->net, s->theta, s->ideal->arena, &model, NULL), ES_OK);
    return es_model_energy(&model, flux, v, o);
}

// A linear network keeps the energy norm of a deviation: of that of the flip. What the norm of the state is, es_return() says.
START_TEST(flip_errors_come_back) {
    struct setting plain = set_up(test_ring(true), "", engines[_i], NULL, 20, 101);
    struct es_pass pass = free_pass(&plain);
    struct wave w = waveform(&plain);
    double *zero = ES_NEW(plain.ideal->arena, plain.net->elements + plain.net->nodes, double), *charge = ES_NEW(plain.ideal->arena, plain.net->nodes, double);
    double kinetic = energy_of(&plain, zero, w.result->voltage, zero), total = fmax(energy_of(&plain, w.result->flux, w.result->voltage, w.result->offset),
                                                                                  energy_of(&plain, pass.flux, pass.voltage, pass.offset));
    for (size_t i = 0; i < plain.net->nodes; i++) // q / C at every node
        charge[i] = 1e-12 / plain.net->element[3 * i].value[0];
    double deviations[] = {0.03 * sqrt(kinetic / total), sqrt(energy_of(&plain, zero, charge, zero) / total)};
    static const char *const texts[] = {"flip-gain=0.03", "flip-charge=1 pC"};
    for (int i = 0; i < 2; i++) {
        struct setting s = set_up(test_ring(true), texts[i], engines[_i], NULL, 20, 101);
        use(&s);
        struct es_return r = back(&s);
        printf("%s %s: comes back %.8g off, expected %.8g\n", engines[_i]->row.name, texts[i], r.retrace, deviations[i]);
        ck_assert_double_eq_tol(r.retrace / deviations[i], 1, 1e-9);
        tear_down(&s, true);
    }
    tear_down(&plain, true);
}
END_TEST

// What a flip does wrong is done before the nudges come: whether they are connected at the flip (rhel) or their charge is there already (pfvp) is the same.
START_TEST(flips_come_before_nudges) {
    static const char *const texts[] = {"flip-charge=1 pC", "flip-gain=0.05", "flip-jitter=1 ns"};
    double *slope[2];
    struct es_network *net = test_ring(true);
    for (size_t o = 0; o < 2; o++)
        net->element[net->output[o]].read = ES_READ_VOLTAGE;
    struct setting s = set_up(net, texts[_i / 2], engines[_i % 2], NULL, 20, 101);
    double *window = ES_NEW(net->arena, s.problem.grid.points - 1, double);
    for (size_t i = 0; i + 1 < s.problem.grid.points; i++)
        window[i] = 0.3;
    s.example.window = window;
    s.problem.cost = &es_voltage_tracking;
    s.problem.beta = 1e-2;
    use(&s);
    slope[0] = gradient(&s);
    s.problem.rule = &es_pfvp;
    slope[1] = gradient(&s);
    printf("%s: pfvp is %.1e from rhel\n", texts[_i / 2], test_distance(s.net, s.theta, slope[1], slope[0]));
    ck_assert_double_lt(test_distance(s.net, s.theta, slope[1], slope[0]), 3e-11);
    tear_down(&s, true);
}
END_TEST

// The state at T + tau, before or after T, is that of a pass of this length with the inputs held after T; sources, losses and curves included.
START_TEST(jitter_runs_on) {
    enum { POINTS = 401, LATE = 8, SUBSTEPS = 20 };
    struct es_network *net = test_network(2);
    test_add(net, &es_capacitor, 0, ES_GROUND, farad, 0, 0);
    test_add(net, &es_gyrator, 0, ES_GROUND, 1e-3, 1e-9 / henry, 1e-12);
    test_add(net, &es_inductor, 0, 1, 2 * henry, 0, 0);
    test_add(net, &es_capacitor, 0, 1, farad / 3, 0, 0);
    test_add(net, &es_source, 1, ES_GROUND, 1, 0, 0);
    test_add(net, &es_input, 0, ES_GROUND, 2e-3, 0, 0);
    test_output(net, 0, ES_READ_FLUX, -1);
    struct setting s = set_up(net, "q-series=20,q-parallel=30,saturation=20,flip-jitter=1 s", &es_twin, NULL, 40, POINTS);
    const struct es_reversal *turn = _i & 1 ? &es_flip_fluxes : &es_flip_voltages;
    s.problem.grid.substeps = SUBSTEPS;
    double *input = (double *)s.example.input;
    for (int i = POINTS - LATE; i < POINTS; i++)
        input[i] = input[POINTS - LATE - 1];
    struct es_grid whole = s.problem.grid;
    struct es_stream stream = {.purpose = ES_RANDOM_FLIP};
    for (s.chip.seed = 1; es_random_normal(&(struct es_stream){.seed = s.chip.seed, .purpose = ES_RANDOM_FLIP}) < 0 ? _i < 2 : _i >= 2;)
        s.chip.seed++;
    stream.seed = s.chip.seed;
    double late = es_random_normal(&stream);
    for (size_t i = 0; i < s.chip.count; i++) // so that the flip is LATE samples after T, or as many before
        if (s.chip.nonideal[i].kind == row_of("flip-jitter"))
            s.chip.nonideal[i].value = LATE * whole.interval / fabs(late);
    struct es_result *end[2];
    for (int i = 0; i < 2; i++) { // the flip is that many samples later than the shorter, or earlier than the longer of two passes
        s.problem.grid.points = i ? POINTS : POINTS - LATE;
        s.example.input = input;
        end[i] = waveform(&s).result;
    }
    int from = late < 0;
    s.problem.grid.points = from ? POINTS : POINTS - LATE;
    struct es_pass pass = free_pass(&s);
    double flux[2], voltage[2], offset[16];
    for (int i = 0; i < 2; i++) {
        flux[i] = turn->flux * end[from]->flux[i];
        voltage[i] = turn->voltage * end[from]->voltage[i];
    }
    for (size_t e = 0; e < s.net->elements; e++)
        offset[e] = turn->flux * end[from]->offset[e];
    pass.flux = flux;
    pass.voltage = voltage;
    pass.offset = offset;
    pass.reversal = turn;
    struct es_batch batch = {.grid = s.problem.grid, .passes = 1, .pass = &pass};
    struct es_error error = {""};
    use(&s);
    ck_assert_msg(es_chip_ask(s.problem.engine, &batch, net->arena, &error) == ES_OK, "%s", error.text);
    const struct es_pass *asked = batch.pass;
    double apart = 0;
    for (int i = 0; i < 2; i++) {
        apart = fmax(apart, fabs(turn->voltage * asked->voltage[i] - end[!from]->voltage[i]) / 0.3);
        apart = fmax(apart, fabs(turn->flux * asked->flux[i] - end[!from]->flux[i]) / 1e-8);
    }
    for (size_t e = 0; e < s.net->elements; e++)
        apart = fmax(apart, fabs(turn->flux * asked->offset[e] - end[!from]->offset[e]) / 1e-8);
    printf("%s, %+.0f samples: %.1e off, having moved %.2f V\n", turn->row.name, late < 0 ? -(double)LATE : LATE, apart, fabs(end[0]->voltage[0] - end[1]->voltage[0]));
    ck_assert_double_gt(fabs(end[0]->voltage[0] - end[1]->voltage[0]), 1e-3);
    ck_assert_double_lt(apart, 3e-5); // h^2
    tear_down(&s, true);
}
END_TEST

// A tank turns by w0 tau between T and the flip.
START_TEST(jitter_comes_back) {
    struct setting s = set_up(tank(_i & 1), "flip-jitter=3 ns", engines[_i / 2], NULL, 20, 101);
    struct es_stream stream = {.seed = s.chip.seed, .purpose = ES_RANDOM_FLIP, .update = 1}; // the echo is run 1
    double late = 3e-9 * es_random_normal(&stream), expected = 2 * fabs(sin(late / sqrt(henry * farad) / 2));
    memset((double *)s.example.input, 0, s.problem.grid.points * sizeof(double));
    use(&s);
    struct es_return r = back(&s);
    printf("%s flip %.3g s late: comes back %.12g off, expected %.12g\n", engines[_i / 2]->row.name, late, r.retrace, expected);
    ck_assert_double_eq_tol(r.retrace / expected, 1, 1e-8);
    tear_down(&s, true);
}
END_TEST

// ---- noise -----------------------------------------------------------------------------------------------------------

struct moments {
    size_t first, points;
    double voltage, flux; // sums of squares
};

static void square(void *context, double t, const double *flux, const double *v) {
    struct moments *m = context;
    (void)t;
    if (m->points++ < m->first)
        return;
    m->voltage += v[0] * v[0];
    m->flux += flux[0] * flux[0];
}

static const struct noisy {
    const char *text;
    bool gyrator;
    double ratio;   // gm2 / gm1, or the temperature that is left over that of the conductances
    double damping; // over w0
} noisy[] = {
    {"q-parallel=3,noise-temperature=300 K", false, 1, 1. / 3},
    {"q-series=3,noise-temperature=300 K", false, 1, 1. / 3},
    {"q-parallel=6,q-series=6,noise-temperature=300 K", true, 1, 1. / 3},
    {"q-parallel=1.5,compensation=0.5,noise-temperature=300 K", false, 3, 1. / 3}, // (1 + 1/2) of the noise and (1 - 1/2) of the loss
    {"q-series=3,noise-temperature=300 K", true, 2, 1. / 3}, // an active gyrator: its CL is at kT, its node at kT gm2 / gm1
};
enum { NOISY = sizeof noisy / sizeof *noisy };

// <v^2> = kT / C and, with a lossy inductor in its own right, <phi^2> = kT L. v^2 is correlated as rho^2 = exp(-gamma t) (1 + cos 2 w t) / 2, so that the
// mean over T has the standard error sqrt(2 / gamma T).
START_TEST(noise_is_kt_over_c) {
    const struct noisy *x = &noisy[_i % NOISY];
    const struct es_engine_kind *engine = engines[_i / NOISY];
    struct es_network *net = tank(x->gyrator);
    if (x->gyrator) {
        net->element[1].value[1] *= x->ratio;
        net->element[1].value[2] *= x->ratio;
    }
    net->element[net->elements - 1].value[1] = 0; // begins at rest
    size_t points = engine == &es_twin ? 100001 : 20001, passes = engine == &es_twin ? 8 : 2;
    struct setting s = set_up(net, x->text, engine, NULL, 30, points);
    memset((double *)s.example.input, 0, s.problem.grid.points * sizeof(double));
    use(&s);
    struct moments m = {.first = 1000};
    double w0 = 1 / sqrt(henry * farad), kept = 0, kt = 1.380649e-23 * 300 * x->ratio;
    for (size_t p = 0; p < passes; p++) {
        struct es_pass pass = free_pass(&s);
        struct es_sink sink = {square, &m};
        struct es_batch batch = {.grid = s.problem.grid, .passes = 1, .pass = &pass, .sink = &sink};
        struct es_error error = {""};
        pass.sample = p;
        m.points = 0;
        ck_assert_msg(es_engine_run(s.problem.engine, &batch, es_results_new(net->arena, s.net, 0, 1), &error) == ES_OK, "%s", error.text);
        kept += (double)(m.points - m.first);
    }
    double length = kept * s.problem.grid.interval, sigma = sqrt(2 / (x->damping * w0 * length)), ratio = m.voltage / kept / (kt / farad);
    printf("%s %s%s: <v^2> is %.4f kT / C, %.2f standard errors of %.4f off\n", engine->row.name, x->gyrator ? "gyrator, " : "", x->text, ratio, (ratio - 1) / sigma, sigma);
    ck_assert_double_lt(sigma, 0.06);
    ck_assert_double_lt(fabs(ratio - 1), 3 * sigma);
    if (!strstr(x->text, "series")) {
        ratio = m.flux / kept / (kt * henry);
        printf("    <phi^2> is %.4f kT L\n", ratio);
        ck_assert_double_lt(fabs(ratio - 1), 3 * sigma);
    }
    tear_down(&s, true);
}
END_TEST

// cov(v) = k T M^-1, with a capacitor between two nodes and so a conductance between them; noise of the passes at the values that they have, not at the start.
START_TEST(noise_is_thermal) {
    enum { PASSES = 8, POINTS = 50001 };
    struct es_network *net = test_network(2);
    for (int i = 0; i < 2; i++) {
        test_train(net, test_add(net, &es_capacitor, i, ES_GROUND, farad, 0, 0), 0, &es_log);
        test_add(net, &es_inductor, i, ES_GROUND, henry, 0, 0);
    }
    test_add(net, &es_capacitor, 0, 1, 2 * farad, 0, 0);
    test_output(net, 0, ES_READ_FLUX, -1);
    struct setting s = set_up(net, "q-parallel=3,q-series=5,noise-temperature=300 K,compensation=0", &es_twin, NULL, 30, POINTS);
    struct moments m[3] = {{0}}; // v0 v0, v0 v1, v1 v1
    memset((double *)s.example.input, 0, s.problem.grid.points * sizeof(double));
    s.theta[0] *= 3;
    use(&s);
    for (size_t p = 0; p < PASSES; p++) {
        struct es_pass pass = free_pass(&s);
        pass.sample = p;
        struct wave w = run_pass(&s, &pass);
        for (size_t i = 1000; i < w.points; i++)
            for (size_t j = 0; j < 3; j++)
                m[j].voltage += voltage(&w, i, j / 2) * voltage(&w, i, (j + 1) / 2) / (PASSES * (double)(POINTS - 1000));
    }
    double a = 3 + 2, b = 1 + 2, c = -2, determinant = a * b - c * c, kt = 1.380649e-23 * 300 / farad, expected[] = {b / determinant, -c / determinant, a / determinant};
    double slowest = 1 / sqrt(henry * farad * 5) / 3, length = PASSES * (double)(POINTS - 1000) * s.problem.grid.interval, sigma = sqrt(2 / (slowest * length));
    for (int j = 0; j < 3; j++) {
        double off = (m[j].voltage / kt - expected[j]) / sqrt(expected[0] * expected[2]);
        printf("cov(v)[%d] is %.4f k T / C, expected %.4f: %.2f standard errors of %.4f\n", j, m[j].voltage / kt, expected[j], off / sigma, sigma);
        ck_assert_double_lt(fabs(off), 3 * sigma * fmax(expected[0], expected[2]) / sqrt(expected[0] * expected[2]));
    }
    ck_assert_double_lt(sigma, 0.03);
    tear_down(&s, true);
}
END_TEST

// Other passes, other chips, other samples have other noise; the same have the same, whatever runs beside them.
START_TEST(noise_is_keyed) {
    struct setting s = set_up(test_ring(true), "q-parallel=100,noise-temperature=1e10 K", engines[_i], NULL, 20, 41);
    enum { PASSES = 70 };
    struct es_pass pass[PASSES];
    struct es_result *result = es_results_new(s.ideal->arena, s.net, 0, PASSES), *alone = es_results_new(s.ideal->arena, s.net, 0, 1);
    use(&s);
    for (size_t i = 0; i < PASSES; i++) {
        pass[i] = free_pass(&s);
        pass[i].sample = i / 4;
        pass[i].update = i / 2 % 2;
        pass[i].run = i % 2;
    }
    struct es_batch batch = {.grid = s.problem.grid, .passes = PASSES, .pass = pass}, one = {.grid = s.problem.grid, .passes = 1};
    ck_assert_int_eq(es_engine_run(s.problem.engine, &batch, result, NULL), ES_OK);
    for (size_t i = 0; i < PASSES; i++) {
        one.pass = &pass[i];
        ck_assert_int_eq(es_engine_run(s.problem.engine, &one, alone, NULL), ES_OK);
        ck_assert_int_eq(memcmp(alone->voltage, result[i].voltage, s.net->nodes * sizeof(double)), 0);
        for (size_t j = 0; j < i; j++)
            ck_assert_double_ne(result[i].voltage[0], result[j].voltage[0]);
    }
    tear_down(&s, true);
    double *slope[2]; // nor does it know of workers
    for (int jobs = 1; jobs < 4; jobs += 2) {
        s = set_up(test_ring(true), "q-parallel=100,noise-temperature=1e10 K,flip-jitter=1 ns,integral-noise=1e-4", engines[_i], NULL, 20, 41);
        es_engine_close(s.problem.engine);
        s.problem.engine = test_engine(engines[_i], s.net, NULL, (size_t)jobs);
        use(&s);
        slope[jobs / 2] = memcpy(malloc(s.net->parameters * sizeof(double)), gradient(&s), s.net->parameters * sizeof(double));
        if (jobs == 3)
            ck_assert_int_eq(memcmp(slope[0], slope[1], s.net->parameters * sizeof(double)), 0);
        tear_down(&s, true);
    }
    free(slope[0]);
    free(slope[1]);
}
END_TEST

// More passes than are given their noise at a time.
START_TEST(many_passes) {
    enum { PASSES = 40 };
    struct setting s = set_up(test_ring(true), "q-parallel=100,noise-temperature=1e10 K", &es_twin, NULL, 20, 6001);
    struct es_pass pass[PASSES];
    struct es_result *result = es_results_new(s.ideal->arena, s.net, 0, PASSES), *alone = es_results_new(s.ideal->arena, s.net, 0, 1);
    use(&s);
    ck_assert_uint_gt(PASSES * s.net->elements * es_grid_steps(&s.problem.grid), 1 << 23);
    for (size_t i = 0; i < PASSES; i++) {
        pass[i] = free_pass(&s);
        pass[i].sample = i;
    }
    struct es_batch batch = {.grid = s.problem.grid, .passes = PASSES, .pass = pass}, one = {.grid = s.problem.grid, .passes = 1};
    ck_assert_int_eq(es_engine_run(s.problem.engine, &batch, result, NULL), ES_OK);
    for (size_t i = 0; i < PASSES; i += PASSES - 1) {
        one.pass = &pass[i];
        ck_assert_int_eq(es_engine_run(s.problem.engine, &one, alone, NULL), ES_OK);
        ck_assert_int_eq(memcmp(alone->voltage, result[i].voltage, s.net->nodes * sizeof(double)), 0);
    }
    tear_down(&s, true);
}
END_TEST

// ---- lossy echoes, and what repairs them -----------------------------------------------------------------------------

// The plain echo gets worse with every loss; the echo with gain is exact where damping is uniform, in the scheme that keeps its decay.
START_TEST(gain_repairs_uniform_damping) {
    static const char *const texts[] = {"q-parallel=1000", "q-parallel=100", "q-parallel=30,capacitor-mismatch=0.05,transconductor-mismatch=0.05"};
    double last = 0;
    for (int i = 0; i < 3; i++) {
        struct setting s = set_up(test_ring(true), texts[i], &es_twin, "conformal", 20, 101);
        s.problem.beta = 1e-5;
        double *exact = differences(&s), *plain = gradient(&s), bias = 1 - test_cosine(s.net, s.theta, plain, exact);
        s.problem.rule = &es_gain_flipped;
        double error = test_distance(s.net, s.theta, gradient(&s), exact);
        printf("%s: 1 - cosine of the plain echo %.1e, error of the echo with gain %.1e\n", texts[i], bias, error);
        ck_assert_double_gt(bias, 3 * last);
        ck_assert_double_lt(error, 2e-8);
        last = bias;
        tear_down(&s, true);
    }
}
END_TEST

// The reciprocal run is exact with any linear losses, in both engines.
START_TEST(reciprocal_repairs_linear_losses) {
    static const char *const texts[] = {"q-parallel=30", "q-parallel=50,q-series=20,capacitor-mismatch=0.1,inductor-mismatch=0.1"};
    struct setting s = set_up(test_ring(false), texts[_i % 2], engines[_i / 2], NULL, 20, 101);
    double *exact = differences(&s), bias = 1 - test_cosine(s.net, s.theta, gradient(&s), exact);
    s.problem.rule = &es_reciprocal;
    double error = test_distance(s.net, s.theta, gradient(&s), exact);
    printf("%s %s: 1 - cosine of the plain echo %.1e, error of the reciprocal run %.1e\n", engines[_i / 2]->row.name, texts[_i % 2], bias, error);
    ck_assert_double_gt(bias, 1e-3);
    ck_assert_double_lt(error, 5e-10);
    tear_down(&s, true);
}
END_TEST

// Noise that moves the voltages by some share moves the gradient by about as much, whatever unit the cost has: both runs of the rule reciprocal are of the same size.
START_TEST(reciprocal_runs_have_one_size) {
    bool flux = _i & 1;
    struct es_network *net = test_ring(false);
    for (size_t o = 0; o < 2; o++)
        net->element[net->output[o]].read = flux ? ES_READ_FLUX : ES_READ_VOLTAGE;
    struct setting quiet = set_up(net, "q-parallel=30", engines[_i / 2], NULL, 20, 101);
    struct setting loud = set_up(net, "q-parallel=30,noise-temperature=1e7 K", engines[_i / 2], NULL, 20, 101);
    use(&loud);
    struct wave a = waveform(&loud), b = waveform(&quiet);
    quiet.problem.cost = loud.problem.cost = flux ? &es_flux_tracking : &es_voltage_tracking;
    quiet.problem.rule = loud.problem.rule = &es_reciprocal;
    double share = apart(&a, &b), moved = test_distance(quiet.net, quiet.theta, gradient(&loud), gradient(&quiet));
    printf("%s, %s: noise moves voltages by %.1e, the gradient by %.1e\n", engines[_i / 2]->row.name, loud.problem.cost->row.name, share, moved);
    ck_assert_double_gt(moved, share / 10);
    ck_assert_double_lt(moved, share * 10);
    tear_down(&loud, false);
    tear_down(&quiet, true);
}
END_TEST

// Swapped outputs undo offsets, but for gm2's own, which its gradient takes no notice of, and no losses; the engines agree on what is left.
START_TEST(swapped_outputs) {
    static const char *const texts[] = {"offset=1 mV", "q-parallel=100", "q-parallel=100,q-series=50,offset=1 mV,gain=300,excess-phase=0.01"};
    double *found[2], bias = 0, retrace = 0;
    for (int i = 0; i < 2; i++) {
        struct setting s = set_up(test_ring(true), texts[_i], engines[i], NULL, 20, 101);
        s.problem.reversal = &es_swap_outputs;
        s.problem.beta = 1e-4;
        found[i] = memcpy(malloc(s.net->parameters * sizeof(double)), gradient(&s), s.net->parameters * sizeof(double));
        if (i == 0)
            bias = 1 - test_cosine(s.net, s.theta, found[0], differences(&s));
        else {
            double distance = test_distance(s.net, s.theta, found[1], found[0]);
            retrace = back(&s).retrace;
            printf("swap-outputs, %s: 1 - cosine %.1e, comes back %.1e off; engines %.1e apart\n", texts[_i], bias, retrace, distance);
            ck_assert_double_lt(distance, 3e-10);
        }
        tear_down(&s, true);
    }
    ck_assert(_i == 0 ? bias < 1e-6 && retrace < 1e-9 : bias > 1e-4 && retrace > 1e-2);
    free(found[0]);
    free(found[1]);
}
END_TEST

// ---- converters ------------------------------------------------------------------------------------------------------

// x = 1, c, c, ... charges a capacitor: C v = gain interval (1/2 + c/2 + (points - 2) c).
START_TEST(inputs_are_rounded) {
    struct es_network *net = tank(false);
    net->elements = 1; // the capacitor
    net->parameters = 1;
    net->outputs = 0;
    test_add(net, &es_input, 0, ES_GROUND, 2e-3, 0, 0);
    struct es_network *reference = tank(false);
    struct setting s = {.ideal = net, .net = net, .chip = chip_of(net->arena, "input-bits=5", 1)};
    s.theta = (double[]){farad};
    s.problem = (struct es_problem){.net = net, .cost = &es_flux_tracking, .grid = test_grid(reference, 20, 41), .engine = test_engine(engines[_i], net, NULL, 1)};
    double x[41], c = 0.3, step = 2. / 30, rounded = 4 * step; // 0.3 = 4.5 steps, which round() takes away from 0
    c = 4.4 * step;
    for (int i = 0; i < 41; i++)
        x[i] = i ? c : 1;
    s.example = (struct es_example){.input = x, .label = -1};
    use(&s);
    struct wave w = waveform(&s);
    ck_assert_double_eq_tol(w.result->voltage[0] / (2e-3 * s.problem.grid.interval / farad * (0.5 + rounded / 2 + 39 * rounded)), 1, 1e-9);
    struct es_pass pass = free_pass(&s);
    struct es_batch batch = {.grid = s.problem.grid, .passes = 1, .pass = &pass};
    pass.reversal = &es_flip_voltages; // the echo plays the same
    pass.run = 1;
    ck_assert_int_eq(es_chip_ask(s.problem.engine, &batch, net->arena, NULL), ES_OK);
    ck_assert_double_eq_tol(batch.pass->input[40] / rounded, 1, 1e-12);
    tear_down(&s, true);
    es_network_free(reference);
}
END_TEST

// Four integrals of a pass, as the plain engine and as the used one give them. `run`: 0 of a free pass.
static void integrals(const char *text, unsigned run, uint64_t sample, double *plain, double *used) {
    struct setting s = set_up(test_ring(true), text, &es_twin, NULL, 20, 101);
    struct es_accumulator list[4];
    for (size_t i = 0; i < 4; i++)
        list[i] = (struct es_accumulator){.a = {ES_SIGNAL_VOLTAGE, 3 * i, 0}, .b = {ES_SIGNAL_VOLTAGE, run ? 3 * i + 3 : 3 * i, 0}};
    struct es_pass pass = free_pass(&s);
    pass.run = run;
    pass.sample = sample;
    struct es_batch batch = {.grid = s.problem.grid, .passes = 1, .pass = &pass, .accumulators = 4, .accumulator = list};
    struct es_result *result = es_results_new(s.ideal->arena, s.net, 4, 1);
    ck_assert_int_eq(es_engine_run(s.problem.engine, &batch, result, NULL), ES_OK);
    memcpy(plain, result->integral, 4 * sizeof *plain);
    use(&s);
    ck_assert_int_eq(es_engine_run(s.problem.engine, &batch, result, NULL), ES_OK);
    memcpy(used, result->integral, 4 * sizeof *used);
    tear_down(&s, true);
}

START_TEST(results_are_rounded) {
    double plain[4], used[4], full = 0;
    integrals("output-bits=3", 0, 0, plain, used);
    for (int i = 0; i < 4; i++)
        full = fmax(full, plain[i]);
    for (int i = 0; i < 4; i++) // eight levels in the middles of their steps
        ck_assert_double_eq_tol(used[i] / full, fmin(floor(8 * plain[i] / full), 7) / 8 + 1. / 16, 1e-12);
    integrals("output-bits=3,output-noise=0.1", 1, 0, plain, used);
    ck_assert_int_eq(memcmp(plain, used, sizeof plain), 0); // not the rule's own passes
    integrals("integral-bits=4", 1, 0, plain, used);
    full = 0;
    for (int i = 0; i < 4; i++)
        full = fmax(full, fabs(plain[i]));
    for (int i = 0; i < 4; i++) // -7 .. 7
        ck_assert_double_eq_tol(7 * used[i] / full, round(7 * plain[i] / full), 1e-12);
    integrals("integral-bits=4,integral-noise=0.1", 0, 0, plain, used);
    ck_assert_int_eq(memcmp(plain, used, sizeof plain), 0);
}
END_TEST

// Noise of standard deviation sigma full scale, and other noise for other outputs, passes and samples.
START_TEST(results_are_noisy) {
    enum { SAMPLES_DRAWN = 250 };
    double sum = 0, square = 0, plain[4], used[4];
    for (uint64_t sample = 0; sample < SAMPLES_DRAWN; sample++) {
        double full = 0;
        integrals(_i ? "integral-noise=1e-3" : "output-noise=1e-3", (unsigned)_i, sample, plain, used);
        for (int i = 0; i < 4; i++)
            full = fmax(full, fabs(plain[i]));
        for (int i = 0; i < 4; i++) {
            double xi = (used[i] - plain[i]) / (1e-3 * full);
            sum += xi / (4 * SAMPLES_DRAWN);
            square += xi * xi / (4 * SAMPLES_DRAWN);
        }
    }
    printf("noise of results: mean %.3f, mean square %.3f\n", sum, square);
    ck_assert_double_lt(fabs(sum), 3 / sqrt(4 * SAMPLES_DRAWN));
    ck_assert_double_lt(fabs(square - 1), 3 * sqrt(2. / (4 * SAMPLES_DRAWN)));
}
END_TEST

// Inputs come late where a pass runs backwards, and only there.
START_TEST(drive_is_late) {
    struct setting s = set_up(tank(true), "drive-skew=3 ns", &es_twin, NULL, 20, 21);
    struct es_pass pass[2] = {free_pass(&s), free_pass(&s)};
    pass[1].reversal = &es_flip_voltages;
    struct es_batch batch = {.grid = s.problem.grid, .passes = 2, .pass = pass};
    use(&s);
    ck_assert_int_eq(es_chip_ask(s.problem.engine, &batch, s.ideal->arena, NULL), ES_OK);
    ck_assert_double_eq(batch.pass[0].skew, 0);
    ck_assert_double_eq(batch.pass[1].skew, 3e-9);
    double ramp[21];
    for (int i = 0; i < 21; i++)
        ramp[i] = i;
    pass[1].skew = 2.5 * s.problem.grid.interval;
    for (size_t n = 0; n < 21; n++) // x(T - t) is 20 - n, and late by 2.5 samples
        ck_assert_double_eq_tol(es_pass_input(&s.problem.grid, &pass[1], ramp, n), fmin(22.5 - (double)n, 20), 1e-12);
    tear_down(&s, true);
}
END_TEST

Suite *test_suite(void) {
    Suite *suite = suite_create("chip");
    TCase *rows = tcase_create("rows"), *oracles = tcase_create("oracles");
    tcase_set_timeout(rows, 120);
    tcase_set_timeout(oracles, 120);
    tcase_add_test(rows, every_row_is_tested);
    tcase_add_loop_test(rows, ideal_is_no_chip, 0, SAMPLES);
    tcase_add_loop_test(rows, engines_agree, 0, SAMPLES);
    tcase_add_loop_test(oracles, quality_decays, 0, 8);
    tcase_add_loop_test(oracles, losses_follow, 0, 2);
    tcase_add_test(oracles, leakages_add);
    tcase_add_test(oracles, converted_gyrators);
    tcase_add_loop_test(oracles, offset_shifts, 0, 2);
    tcase_add_loop_test(oracles, finite_gain_levels, 0, 2);
    tcase_add_loop_test(oracles, saturation_is_tanh, 0, 2);
    tcase_add_loop_test(oracles, phase_grows, 0, 2);
    tcase_add_loop_test(oracles, poles_leak_and_shift, 0, 2);
    tcase_add_test(oracles, temperature_detunes);
    tcase_add_test(oracles, compensation_undoes);
    tcase_add_test(oracles, poles_are_no_losses);
    tcase_add_loop_test(oracles, conflicts_are_refused, 0, 4);
    tcase_add_test(oracles, mismatch_draws);
    tcase_add_test(oracles, offset_draws);
    tcase_add_test(oracles, pelgrom_transistors);
    tcase_add_loop_test(oracles, flips_have_signs, 0, 3);
    tcase_add_loop_test(oracles, flip_errors_come_back, 0, 2);
    tcase_add_loop_test(oracles, flips_come_before_nudges, 0, 6);
    tcase_add_loop_test(oracles, jitter_comes_back, 0, 4);
    tcase_add_loop_test(oracles, jitter_runs_on, 0, 4);
    tcase_add_loop_test(oracles, noise_is_kt_over_c, 0, 2 * NOISY);
    tcase_add_test(oracles, noise_is_thermal);
    tcase_add_loop_test(oracles, noise_is_keyed, 0, 2);
    tcase_add_test(oracles, many_passes);
    tcase_add_test(oracles, gain_repairs_uniform_damping);
    tcase_add_loop_test(oracles, reciprocal_repairs_linear_losses, 0, 4);
    tcase_add_loop_test(oracles, reciprocal_runs_have_one_size, 0, 4);
    tcase_add_loop_test(oracles, swapped_outputs, 0, 3);
    tcase_add_loop_test(oracles, inputs_are_rounded, 0, 2);
    tcase_add_test(oracles, results_are_rounded);
    tcase_add_loop_test(oracles, results_are_noisy, 0, 2);
    tcase_add_test(oracles, drive_is_late);
    suite_add_tcase(suite, rows);
    suite_add_tcase(suite, oracles);
    return suite;
}
