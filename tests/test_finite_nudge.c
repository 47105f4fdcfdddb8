// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// Finite nudges at a temperature: what the noise samples against closed forms, both rules against differences of the free energy's gap.
#include "runner.h"
#include "support.h"

#include "core/random.h"
#include "learn/thermal.h"

#include <gsl/gsl_linalg.h>
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
    double h = which == CO_CONTENT ? 1e-6 : 1e-7, y = which == CO_CONTENT ? 1 : flux ? 1e-9 : 0;
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
        .beta = 1, .sampler = which == CO_CONTENT ? &es_co_content : &es_stored_energy, .kt = hot * (which == CO_CONTENT ? 3e-4 : flux ? 4e-12 : 1e-13), .chains = flux ? 128 : 64, .seed = 1,
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

// beta times the sum of the conductances at the end that has less of them, whichever end that is.
START_TEST(nudge_is_relative_to_the_weaker_end) {
    for (int turned = 0; turned < 2; turned++) {
        struct es_network *net = test_network(2);
        test_add(net, &es_conductance, 0, ES_GROUND, 3e-3, 0, 0);
        test_add(net, &es_conductance, 0, 1, 1e-3, 0, 0);
        test_output(net, turned, ES_READ_VOLTAGE, -1);
        net->element[net->output[0]].n = 1 - turned;
        struct es_problem problem = {.net = net, .cost = &es_terminal_voltage, .sampler = &es_co_content, .beta = 0.3};
        struct es_error error = {""};
        double b;
        must(es_thermal_nudge(&problem, &b, &error), &error);
        ck_assert_double_eq_tol(b, 3e-4, 1e-18);
        es_network_free(net);
    }
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

// H [n][n] += k a a', right [n] += current a.
static void stamp(const struct es_element *e, double k, double current, gsl_matrix *h, gsl_vector *right) {
    int node[2] = {e->p, e->n};
    for (int i = 0; i < 2; i++)
        for (int j = 0; j < 2 && node[i] >= 0; j++)
            if (node[j] >= 0)
                *gsl_matrix_ptr(h, (size_t)node[i], (size_t)node[j]) += i == j ? k : -k;
    for (int i = 0; i < 2; i++)
        if (node[i] >= 0)
            *gsl_vector_ptr(right, (size_t)node[i]) += i ? -current : current;
}

// mean [n] and covariance [n][n] of the voltages (or fluxes): T H^-1, the source's node 0 standing at x_0.
static void gaussian(const struct setting *s, bool fluxes, double b, gsl_matrix *covariance, gsl_vector *mean) {
    const struct es_network *net = s->net;
    bool electric = s->problem.sampler->electric;
    gsl_matrix *h = gsl_matrix_calloc(net->nodes, net->nodes);
    gsl_vector *right = gsl_vector_calloc(net->nodes);
    for (size_t i = 0; i < net->elements; i++) {
        const struct es_element *e = &net->element[i];
        if (e->kind == (electric ? &es_conductance : fluxes ? &es_inductor : &es_capacitor))
            stamp(e, fluxes ? 1 / e->value[0] : e->value[0], 0, h, right);
        else if (e->kind == &es_input && (electric || fluxes))
            stamp(e, 0, e->value[0] * s->example.input[2 * e->channel], h, right);
        else if (e->kind == &es_output && fluxes == (e->read == ES_READ_FLUX))
            stamp(e, b, b * s->example.target[2 * e->channel + 1], h, right);
    }
    for (size_t i = 0; i < net->nodes && electric; i++) { // node 0
        double x = s->example.input[0];
        *gsl_vector_ptr(right, i) = i ? gsl_vector_get(right, i) - gsl_matrix_get(h, i, 0) * x : x;
        gsl_matrix_set(h, i, 0, i == 0);
        gsl_matrix_set(h, 0, i, i == 0);
    }
    gsl_linalg_cholesky_decomp1(h);
    gsl_linalg_cholesky_solve(h, right, mean);
    gsl_linalg_cholesky_invert(h);
    gsl_matrix_scale(h, s->problem.kt);
    for (size_t i = 0; i < net->nodes && electric; i++)
        gsl_matrix_set(h, 0, i, 0);
    for (size_t i = 0; i < net->nodes && electric; i++)
        gsl_matrix_set(h, i, 0, 0);
    gsl_matrix_memcpy(covariance, h);
    gsl_matrix_free(h);
    gsl_vector_free(right);
}

// <(a . z)^2> and <a . z>
static double square(const struct es_element *e, const gsl_matrix *c, const gsl_vector *mean, double *first) {
    int node[2] = {e->p, e->n};
    double sum = 0;
    *first = 0;
    for (int i = 0; i < 2; i++)
        for (int j = 0; j < 2 && node[i] >= 0; j++)
            sum += node[j] >= 0 ? (i == j ? 1 : -1) * gsl_matrix_get(c, (size_t)node[i], (size_t)node[j]) : 0;
    for (int i = 0; i < 2; i++)
        *first += node[i] >= 0 ? (i ? -1 : 1) * gsl_vector_get(mean, (size_t)node[i]) : 0;
    return sum + *first * *first;
}

// <dE/dtheta>_b: v^2 / 2 of a conductance or capacitor, -psi^2 / 2 L^2 of an inductor, -x v or -x psi of an input.
static void closed_form(const struct setting *s, double b, double *expected) {
    const struct es_network *net = s->net;
    bool fluxes = s->problem.cost == &es_terminal_flux;
    gsl_matrix *c[2] = {gsl_matrix_calloc(net->nodes, net->nodes), gsl_matrix_calloc(net->nodes, net->nodes)};
    gsl_vector *mean[2] = {gsl_vector_calloc(net->nodes), gsl_vector_calloc(net->nodes)};
    for (int f = 0; f < (fluxes ? 2 : 1); f++)
        gaussian(s, f, b, c[f], mean[f]);
    for (size_t i = 0; i < net->parameters; i++) {
        const struct es_element *e = &net->element[net->parameter[i].element];
        int f = fluxes && e->kind != &es_capacitor;
        double first, second = square(e, c[f], mean[f], &first);
        expected[i] = e->kind == &es_input ? -s->example.input[2 * e->channel] * first : e->kind == &es_inductor ? -second / 2 / pow(e->value[0], 2) : second / 2;
    }
    for (int f = 0; f < 2; f++) {
        gsl_matrix_free(c[f]);
        gsl_vector_free(mean[f]);
    }
}

// Of some 220 averages none is farther off than this many standard errors, but once in 500 seeds.
static const double far = 4.5;

// The largest distance of <dE/dtheta>_b from its closed form, in standard errors; these are within 2 % of dE/dtheta.
static double worst_average(const struct setting *s, double b, size_t run) {
    struct es_arena *arena = es_arena_new();
    struct es_error error = {""};
    struct es_chain_means *mean;
    double *expected = ES_NEW(arena, s->net->parameters, double), *errors = ES_NEW(arena, s->net->parameters, double), *off = ES_NEW(arena, s->net->parameters, double);
    double worst = 0;
    closed_form(s, b, expected);
    must(es_thermal_sample(&s->problem, s->theta, &s->example, b, run, arena, &mean, &error), &error);
    for (size_t i = 0; i < s->net->parameters; i++) {
        worst = fmax(worst, fabs(mean_of(s, mean, i, &errors[i]) - expected[i]) / errors[i]);
        off[i] = expected[i] + errors[i];
    }
    ck_assert_double_lt(test_distance(s->net, s->theta, off, expected), 0.02);
    es_arena_free(arena);
    return worst;
}

// The outputs' variance over T, without the nudge.
static double output_variance(const struct setting *s) {
    const struct es_network *net = s->net;
    gsl_matrix *c = gsl_matrix_calloc(net->nodes, net->nodes);
    gsl_vector *mean = gsl_vector_calloc(net->nodes);
    double sum = 0, first;
    gaussian(s, s->problem.cost == &es_terminal_flux, 0, c, mean);
    for (size_t o = 0; o < net->outputs; o++)
        sum += (square(&net->element[net->output[o]], c, mean, &first) - first * first) / s->problem.kt;
    gsl_matrix_free(c);
    gsl_vector_free(mean);
    return sum;
}

START_TEST(compliance_is_variance) {
    struct setting s = set_up(_i, 1, 1, "midpoint", &es_twin, 1);
    struct es_error error = {""};
    double compliance;
    must(es_thermal_compliance(&s.problem, s.theta, &s.example, &compliance, &error), &error);
    ck_assert_double_eq_tol(compliance / output_variance(&s), 1, 1e-10);
    tear_down(&s);
}
END_TEST

// (<dE/dtheta>_b - <dE/dtheta>_0) / b in closed form is the slope of the gap.
START_TEST(gap_has_the_slope_of_the_averages) {
    struct setting s = set_up(_i, 1, 1, "midpoint", &es_twin, 1);
    struct es_error error = {""};
    double b, nudged[32], free[32];
    must(es_thermal_nudge(&s.problem, &b, &error), &error);
    closed_form(&s, b, nudged);
    closed_form(&s, 0, free);
    differences(&s);
    for (size_t i = 0; i < s.net->parameters; i++)
        s.slope[i] = (nudged[i] - free[i]) / b;
    double distance = test_distance(s.net, s.theta, s.slope, s.reference);
    printf("%s: slope of the gap %.1e from the closed form\n", names[_i], distance);
    ck_assert_double_lt(distance, 1e-9);
    tear_down(&s);
}
END_TEST

START_TEST(averages_are_those_of_the_energy) {
    struct setting s = set_up(_i % CASES, 1, hotness[_i / CASES], "midpoint", &es_twin, 1);
    s.problem.seed += (uint64_t)(_i / CASES); // other noise at each temperature
    s.problem.chains = 256;
    struct es_error error = {""};
    double b;
    must(es_thermal_nudge(&s.problem, &b, &error), &error);
    double free = worst_average(&s, 0, 0), nudged = worst_average(&s, b, 1);
    printf("%s, kT %g %s: %zu averages, at most %.2f standard errors off, nudged %.2f\n", names[_i % CASES], s.problem.kt, s.problem.sampler->unit, s.net->parameters, free, nudged);
    ck_assert_double_lt(free, far);
    ck_assert_double_lt(nudged, far);
    tear_down(&s);
}
END_TEST

// With hardly any noise a chain stands at the minimum while it is counted.
START_TEST(cold_chains_rest) {
    struct setting s = set_up(_i, 1, 1e-30, "midpoint", &es_twin, 1);
    struct es_error error = {""};
    struct es_chain_means *mean;
    double b;
    must(es_thermal_nudge(&s.problem, &b, &error), &error);
    closed_form(&s, b, s.reference);
    must(es_thermal_sample(&s.problem, s.theta, &s.example, b, 0, s.net->arena, &mean, &error), &error);
    double distance = test_distance(s.net, s.theta, mean[0].slope, s.reference);
    printf("%s, hardly any noise: %.1e from the minimum\n", names[_i], distance);
    ck_assert_double_lt(distance, 1.1e-13);
    tear_down(&s);
}
END_TEST

START_TEST(gradients) {
    struct setting s = set_up(_i % CASES, 1, hotness[_i / CASES], "midpoint", &es_twin, 1);
    s.problem.seed += (uint64_t)(_i / CASES); // other noise at each temperature
    const struct es_rule *const rules[] = {&es_contrastive, &es_path_integral};
    differences(&s);
    for (int r = 0; r < 2; r++) {
        gradient(&s, rules[r]);
        double cosine = test_cosine(s.net, s.theta, s.slope, s.reference), distance = test_distance(s.net, s.theta, s.slope, s.reference);
        printf("%s, kT %g %s, %s: cosine %.5f, error %.3f, from %zu chains a nudge\n", names[_i % CASES], s.problem.kt, s.problem.sampler->unit, rules[r]->row.name, cosine,
               distance, s.problem.chains);
        ck_assert_double_gt(cosine, 0.999);
        ck_assert_double_lt(distance, 0.1);
    }
    tear_down(&s);
}
END_TEST

// The path is as long as ln b, and covariances are small differences where it is cold; twin and ngspice.
START_TEST(far_and_cold_paths) {
    const struct es_engine_kind *kind = _i % 2 ? &es_ngspice : &es_twin;
    bool cold = _i / 2;
    struct setting s = set_up(CO_CONTENT, 1, cold ? 1e-16 : 1, _i % 2 ? "trapezoidal" : "midpoint", kind, 1);
    s.problem.beta = cold ? 1 : 100;
    s.problem.chains = 16;
    if (!cold)
        s.problem.grid.substeps = 3000; // the nudge makes the outputs fast
    differences(&s);
    gradient(&s, &es_path_integral);
    double distance = test_distance(s.net, s.theta, s.slope, s.reference);
    printf("path-integral in %s at beta %g, kT %g W: error %.3f\n", kind->row.name, s.problem.beta, s.problem.kt, distance);
    ck_assert_double_lt(distance, 0.1);
    tear_down(&s);
}
END_TEST

// Two chains that are hardly longer than their memory: each gradient is noise, their mean over many updates is not biased.
START_TEST(short_chains) {
    enum { UPDATES = 2000 };
    struct setting s = set_up(CO_CONTENT, 1, 1, "midpoint", &es_twin, 1);
    double sum[32] = {0}, squares[32] = {0}, worst = 0;
    s.problem.chains = 2;
    s.problem.grid.interval = 60e-6;
    s.problem.grid.substeps = 60;
    differences(&s);
    for (s.problem.update = 0; s.problem.update < UPDATES; s.problem.update++) {
        gradient(&s, _i ? &es_path_integral : &es_contrastive);
        for (size_t i = 0; i < s.net->parameters; i++) {
            sum[i] += s.slope[i] / UPDATES;
            squares[i] += s.slope[i] * s.slope[i] / UPDATES;
        }
    }
    for (size_t i = 0; i < s.net->parameters; i++) {
        double deviation = sqrt((squares[i] - sum[i] * sum[i]) / UPDATES);
        worst = fmax(worst, fabs(sum[i] - s.reference[i]) / deviation);
    }
    printf("%s, 2 short chains: mean of %d gradients at most %.2f standard errors and %.3f off\n", s.problem.rule->row.name, UPDATES, worst,
           test_distance(s.net, s.theta, sum, s.reference));
    ck_assert_double_lt(worst, far);
    tear_down(&s);
}
END_TEST

// Two inductors coupled, and a gyrator: the gradient to a coupling and to a transconductance too.
START_TEST(coupled_gradients) {
    struct setting s = set_up(STORED_FLUX, 1, 1, "midpoint", &es_twin, 1);
    size_t first[2] = {0}, found = 0;
    for (size_t e = 0; e < s.net->elements && found < 2; e++)
        if (s.net->element[e].kind == &es_inductor)
            first[found++] = e;
    size_t k = test_add(s.net, &es_mutual, ES_GROUND, ES_GROUND, 0.4, 0, 0);
    s.net->element[k].first = first[0];
    s.net->element[k].second = first[1];
    test_train(s.net, k, 0, &es_logistic);
    test_train(s.net, test_add(s.net, &es_gyrator, 0, 2, 1e-3, 5e-4, 1e-12), 1, &es_log);
    s.theta = ES_NEW(s.net->arena, s.net->parameters, double);
    s.slope = ES_NEW(s.net->arena, s.net->parameters, double);
    s.reference = ES_NEW(s.net->arena, s.net->parameters, double);
    es_network_start(s.net, s.theta);
    s.problem.kt *= 4;
    differences(&s);
    for (int r = 0; r < 2; r++) {
        gradient(&s, r ? &es_path_integral : &es_contrastive);
        double cosine = test_cosine(s.net, s.theta, s.slope, s.reference), distance = test_distance(s.net, s.theta, s.slope, s.reference);
        printf("coupled inductors and a gyrator, %s: cosine %.5f, error %.3f\n", s.problem.rule->row.name, cosine, distance);
        ck_assert_double_gt(cosine, 0.99);
        ck_assert_double_lt(distance, 0.1);
    }
    tear_down(&s);
}
END_TEST

// Conductances ten times as large: the gap has the same bits, the averages are those of the same closed form, and the noise itself is another.
START_TEST(stored_energy_does_not_see_conductances) {
    double gaps[2], worst[2], cost[2];
    for (int k = 0; k < 2; k++) {
        struct setting s = set_up(_i ? STORED_CHARGE : STORED_FLUX, k ? 10 : 1, 1, "midpoint", &es_twin, 1);
        struct es_error error = {""};
        struct es_chain_means *mean;
        s.problem.chains = 512;
        must(es_energy_gap(&s.problem, s.theta, &s.example, &gaps[k], &error), &error);
        worst[k] = worst_average(&s, 0, 0);
        must(es_thermal_sample(&s.problem, s.theta, &s.example, 0, 0, s.net->arena, &mean, &error), &error);
        cost[k] = mean[0].cost;
        tear_down(&s);
    }
    printf("%s: conductances times 1 and 10, averages at most %.2f and %.2f standard errors off the same values\n", _i ? "RC" : "RLC", worst[0], worst[1]);
    ck_assert_double_eq(gaps[0], gaps[1]);
    ck_assert_double_ne(cost[0], cost[1]);
    ck_assert_double_lt(fmax(worst[0], worst[1]), far);
}
END_TEST

// Any number of threads or workers gives the same bits; ngspice, driven by the same noise, the same averages.
START_TEST(engines_share_the_noise) {
    const struct {
        const struct es_engine_kind *kind;
        const char *scheme;
        size_t jobs;
    } run[] = {{&es_twin, "midpoint", 1}, {&es_twin, "midpoint", 3}, {&es_ngspice, "trapezoidal", 1}, {&es_ngspice, "trapezoidal", 2}};
    double slope[4][32];
    for (int k = 0; k < 4; k++) {
        struct setting s = set_up(_i, 1, 1, run[k].scheme, run[k].kind, run[k].jobs);
        s.problem.chains = 20;
        s.problem.grid = (struct es_grid){.interval = s.problem.grid.interval / 4, .points = 2, .substeps = 250};
        gradient(&s, &es_contrastive);
        memcpy(slope[k], s.slope, s.net->parameters * sizeof(double));
        if (k % 2)
            ck_assert_mem_eq(slope[k], slope[k - 1], s.net->parameters * sizeof(double));
        double distance = test_distance(s.net, s.theta, slope[k], slope[0]);
        if (k == 2)
            printf("%s: ngspice %.1e from the twin, by the same noise\n", names[_i], distance);
        ck_assert_double_lt(distance, 1e-13);
        tear_down(&s);
    }
}
END_TEST

// Another seed, update, sample, run or chain is other noise.
START_TEST(noise_is_keyed) {
    enum { CHAINS = 3, VARIANTS = 5 };
    double cost[VARIANTS * CHAINS];
    for (int k = 0; k < VARIANTS; k++) {
        struct setting s = set_up(CO_CONTENT, 1, 1, "midpoint", &es_twin, 1);
        struct es_error error = {""};
        struct es_chain_means *mean;
        s.problem.chains = CHAINS;
        s.problem.seed += k == 1;
        s.problem.update = k == 2;
        s.example.sample = k == 3;
        must(es_thermal_sample(&s.problem, s.theta, &s.example, 0, k == 4, s.net->arena, &mean, &error), &error);
        for (int c = 0; c < CHAINS; c++)
            cost[k * CHAINS + c] = mean[c].cost;
        for (int c = k * CHAINS; c < (k + 1) * CHAINS; c++)
            for (int j = 0; j < c; j++)
                ck_assert_double_ne(cost[j], cost[c]);
        tear_down(&s);
    }
}
END_TEST

// ---- misuse ----------------------------------------------------------------------------------------------------------

static void refused(struct setting *s, const char *reason) {
    struct es_error error = {""};
    ck_assert_int_eq(es_rule_admits(&es_contrastive, &s->problem, &error), ES_BAD_INPUT);
    ck_assert_msg(strstr(error.text, reason) != NULL, "\"%s\" is not in \"%s\"", reason, error.text);
    tear_down(s);
}

START_TEST(misuse) {
    struct setting s = set_up(CO_CONTENT, 1, 0, "midpoint", &es_twin, 1);
    refused(&s, "nothing fluctuates");
    s = set_up(CO_CONTENT, 1, 1, "midpoint", &es_twin, 1);
    s.problem.sampler = NULL;
    refused(&s, "no sampler");
    s = set_up(STORED_FLUX, 1, 1, "midpoint", &es_twin, 1);
    test_train(s.net, test_add(s.net, &es_conductance, 0, ES_GROUND, 1e-3, 0, 0), 0, &es_log);
    refused(&s, "does not depend on it");
    s = set_up(CO_CONTENT, 1, 1, "midpoint", &es_twin, 1);
    test_train(s.net, test_add(s.net, &es_capacitor, 2, ES_GROUND, 1e-9, 0, 0), 0, &es_log);
    refused(&s, "does not depend on it");
    s = set_up(CO_CONTENT, 1, 1, "midpoint", &es_twin, 1);
    test_add(s.net, &es_inductor, 2, ES_GROUND, 1e-6, 0, 0);
    refused(&s, "is in no energy");
    s = set_up(STORED_FLUX, 1, 1, "midpoint", &es_twin, 1);
    test_add(s.net, &es_duffing, 2, ES_GROUND, 1e6, 1e6, 0);
    refused(&s, "is not linear");
    s = set_up(STORED_FLUX, 1, 1, "midpoint", &es_twin, 1);
    s.net->element[test_add(s.net, &es_inductor, 2, ES_GROUND, 1e-6, 0, 0)].value[1] = 1e-3;
    refused(&s, "of its own");
    s = set_up(STORED_FLUX, 1, 1, "midpoint", &es_twin, 1);
    s.problem.cost = &es_flux_tracking;
    refused(&s, "is not (r - y)^2 / 2");
    s = set_up(CO_CONTENT, 1, 1, "newton", &es_twin, 1);
    refused(&s, "follows transients");
    s = set_up(STORED_FLUX, 1, 1, "midpoint", &es_twin, 1);
    test_add(s.net, &es_source, 3, ES_GROUND, 1, 0, 0);
    refused(&s, "no thermal equilibrium");
    s = set_up(STORED_FLUX, 1, 1, "midpoint", &es_twin, 1);
    for (size_t e = 0; e < s.net->elements; e++) // what is at node 3 moves by itself
        if (s.net->element[e].p == 3 && s.net->element[e].kind != &es_output && s.net->element[e].n != ES_GROUND)
            s.net->element[e].n = ES_GROUND;
    for (size_t e = 0; e < s.net->elements; e++)
        if (s.net->element[e].p == 3 && s.net->element[e].kind == &es_conductance)
            s.net->element[e].p = 2;
    refused(&s, "damped by no conductance");
    s = set_up(STORED_CHARGE, 1, 1, "midpoint", &es_twin, 1);
    for (size_t e = 0; e < s.net->elements; e++) // what all nodes have in common stays
        if (s.net->element[e].kind == &es_conductance && s.net->element[e].n == ES_GROUND)
            s.net->element[e].n = (s.net->element[e].p + 1) % 4;
    refused(&s, "damped by no conductance");
}
END_TEST

// Passes of 2000 steps: too short in all, or with steps that are much longer than a time constant.
START_TEST(too_short) {
    const double interval[] = {0.5e-6, 10};
    for (int k = 0; k < 4; k++) {
        struct setting s = set_up(k < 2 ? CO_CONTENT : STORED_FLUX, 1, 1, "midpoint", &es_twin, 1);
        struct es_error error = {""};
        struct es_chain_means *mean;
        s.problem.chains = 1;
        s.problem.grid = (struct es_grid){.interval = interval[k % 2], .points = 2, .substeps = 2000};
        ck_assert_int_eq(es_thermal_sample(&s.problem, s.theta, &s.example, 0, 0, s.net->arena, &mean, &error), ES_BAD_INPUT);
        ck_assert_msg(strstr(error.text, "forget its beginning") != NULL, "%s", error.text);
        tear_down(&s);
    }
}
END_TEST

// A target that a nudge capacitor cannot hold, and a flux that nothing does.
START_TEST(no_equilibrium) {
    struct setting s = set_up(STORED_CHARGE, 1, 1, "midpoint", &es_twin, 1);
    struct es_error error = {""};
    double value, target[] = {0, 1, 0, 0};
    s.example.target = target;
    ck_assert_int_eq(es_energy_gap(&s.problem, s.theta, &s.example, &value, &error), ES_BAD_INPUT);
    ck_assert_msg(strstr(error.text, "pulls nothing") != NULL, "%s", error.text);
    s.example.target = NULL;
    test_add(s.net, &es_inductor, 0, ES_GROUND, 1e-6, 0, 0);
    ck_assert_int_eq(es_energy_gap(&s.problem, s.theta, &s.example, &value, &error), ES_BAD_INPUT);
    ck_assert_msg(strstr(error.text, "does not hold") != NULL, "%s", error.text);
    tear_down(&s);
}
END_TEST

static Suite *suite(void) {
    Suite *suite = suite_create("finite-nudge");
    TCase *closed = tcase_create("closed"), *sampled = tcase_create("sampled");
    tcase_add_test(closed, one_conductive_node);
    tcase_add_test(closed, one_node_of_flux);
    tcase_add_test(closed, nudge_is_relative_to_the_weaker_end);
    tcase_add_loop_test(closed, gap_has_the_slope_of_the_averages, 0, CASES);
    tcase_add_loop_test(closed, compliance_is_variance, 0, CASES);
    tcase_add_test(closed, misuse);
    tcase_add_test(closed, no_equilibrium);
    tcase_add_test(closed, too_short);
    tcase_set_timeout(sampled, 300);
    tcase_add_loop_test(sampled, averages_are_those_of_the_energy, 0, 3 * CASES);
    tcase_add_loop_test(sampled, cold_chains_rest, 0, 2); // of those with a target
    tcase_add_loop_test(sampled, gradients, 0, 3 * CASES);
    tcase_add_test(sampled, coupled_gradients);
    tcase_add_loop_test(sampled, far_and_cold_paths, 0, 4);
    tcase_add_loop_test(sampled, short_chains, 0, 2);
    tcase_add_loop_test(sampled, stored_energy_does_not_see_conductances, 0, 2);
    tcase_add_loop_test(sampled, engines_share_the_noise, 0, CASES);
    tcase_add_test(sampled, noise_is_keyed);
    suite_add_tcase(suite, closed);
    suite_add_tcase(suite, sampled);
    return suite;
}

Suite *test_suite(void) {
    return suite();
}
