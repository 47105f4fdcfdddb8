// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// The reciprocal run: passes that inject and keep their middles, in both engines; and its gradient against finite differences in the same
// engine and, without losses, against the discrete adjoint.
#include "runner.h"
#include "support.h"

#include "core/random.h"
#include "net/modes.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const int kinds[] = {0, 1, 2, 3, 4, 6, 8, TEST_KINDS}; // of test_kinds
enum { KINDS = sizeof kinds / sizeof *kinds };

// Non-uniform trained conductances of 0.3 to 30 mS: to ground, between nodes, and from the last node, which may be a source's.
static void add_conductances(struct es_network *net, uint64_t seed) {
    struct es_stream stream = {.seed = seed, .purpose = ES_RANDOM_TEST, .id = 3};
    for (int i = 0; i < (int)net->nodes; i++) {
        int n = i == (int)net->nodes - 1 ? 1 : i % 2 ? ES_GROUND : (i + 3) % (int)net->nodes;
        test_train(net, test_add(net, &es_conductance, i, n, 3e-4 * pow(100, es_random_uniform(&stream)), 0, 0), 0, &es_log);
    }
}

static struct test_setting set_up(struct es_network *net, const struct test_kind *kind, const struct es_engine_kind *engine, double steps, size_t substeps) {
    struct es_grid grid = test_grid(net, steps / (double)substeps, (size_t)(7 * steps) / substeps);
    grid.substeps = substeps;
    struct test_setting s = test_set_up(net, kind, grid);
    s.problem.rule = &es_reciprocal;
    s.problem.beta = 1e-4;
    s.problem.engine = test_engine(engine, net, NULL, 0);
    return s;
}

// Linear, with gyrators, coupled inductors, resistances and leakages, coupling capacitors and initial states; in turn with a source, with charges given, without inductors.
static struct test_setting mixed(int which, bool lossy, const struct es_engine_kind *engine, double steps, size_t substeps) {
    const struct test_kind *kind = &test_kinds[kinds[which % KINDS]];
    int features = (which % 2 ? TEST_SOURCE : 0) | (which / 2 % 2 ? TEST_CHARGES : 0) | (which % 5 == 4 ? TEST_GYRATORS : 0) | (lossy && which % 3 ? TEST_DECAYS : 0);
    struct es_network *net = test_mixed_network((uint64_t)which + 1, 8, features, kind->read, kind->cost->labels);
    if (lossy)
        add_conductances(net, (uint64_t)which);
    return set_up(net, kind, engine, steps, substeps);
}

static void find_slope(struct test_setting *s) {
    test_admitted(s);
    test_gradient(s, s->slope);
}

// The worst derivative to one kind of quantity, over the norm of all that kind's.
static double worst_quantity(const struct test_setting *s, const double *reference) {
    double worst = 0;
    for (size_t i = 0; i < s->net->parameters; i++) {
        const struct es_parameter *p = &s->net->parameter[i];
        double miss = 0, norm = 0;
        for (size_t j = 0; j < s->net->parameters; j++)
            if (s->net->element[s->net->parameter[j].element].kind == s->net->element[p->element].kind && s->net->parameter[j].quantity == p->quantity) {
                miss += pow(es_parameter_slope(s->net, j, s->theta[j]) * (s->slope[j] - reference[j]), 2);
                norm += pow(es_parameter_slope(s->net, j, s->theta[j]) * reference[j], 2);
            }
        worst = fmax(worst, sqrt(miss / norm));
    }
    return worst;
}

static double compare(const struct test_setting *s, const double *reference, const char *name) {
    double distance = test_distance(s->net, s->theta, s->slope, reference), worst = worst_quantity(s, reference);
    printf("%s, %-20s %zu parameters: to %s %.1e, worst quantity %.1e\n", s->problem.engine->kind->row.name, s->problem.cost->row.name, s->net->parameters,
           name, distance, worst);
    return fmax(distance, worst);
}

// ---- the gradient ----------------------------------------------------------------------------------------------------

START_TEST(twin_is_exact_with_losses) {
    struct test_setting s = mixed(_i, true, &es_twin, _i % 3 ? 20 : 8, _i % 2 ? 1 : 4);
    find_slope(&s);
    test_differences(&s);
    ck_assert_double_lt(compare(&s, s.difference, "differences"), 5e-8);
    test_tear_down(&s);
}
END_TEST

START_TEST(ngspice_is_exact_with_losses) {
    struct test_setting s = mixed(_i, true, &es_ngspice, _i % 2 ? 8 : 20, _i % 3 ? 1 : 2);
    find_slope(&s);
    test_differences(&s);
    ck_assert_double_lt(compare(&s, s.difference, "differences"), 7e-8);
    test_tear_down(&s);
}
END_TEST

START_TEST(twin_is_the_adjoint_without_losses) {
    struct test_setting s = mixed(_i, false, &es_twin, 20, 1 + (size_t)_i % 3);
    find_slope(&s);
    test_adjoint(&s);
    ck_assert_double_lt(compare(&s, s.adjoint, "the adjoint"), 6e-13);
    test_tear_down(&s);
}
END_TEST

// Both engines, the same gradient.
START_TEST(engines_agree) {
    struct test_setting twin = mixed(_i, true, &es_twin, 20, 2), ngspice = mixed(_i, true, &es_ngspice, 20, 2);
    find_slope(&twin);
    find_slope(&ngspice);
    ck_assert_double_lt(compare(&ngspice, twin.slope, "the twin"), 6e-13);
    test_tear_down(&twin);
    test_tear_down(&ngspice);
}
END_TEST

// A resistance that follows its inductance, and a leakage its capacitance: of one quality at any value.
START_TEST(losses_may_follow_what_is_trained) {
    static const struct es_engine_kind *const engines[] = {&es_twin, &es_ngspice};
    struct test_setting s = mixed(1 + 3 * (_i / 2), true, engines[_i % 2], 20, 2); // with decays
    size_t followers = 0;
    for (size_t e = 0; e < s.net->elements; e++) {
        struct es_element *element = &s.net->element[e];
        size_t loss = element->kind->loss, store = element->kind->store;
        if (!es_element_decays(element))
            continue;
        element->parameter[loss] = element->parameter[store];
        element->scale[loss] = element->value[loss] / element->value[store];
        element->scale[store] = 1.1;
        followers++;
    }
    ck_assert_uint_gt(followers, 2);
    find_slope(&s);
    test_differences(&s);
    ck_assert_double_lt(compare(&s, s.difference, "differences"), 7e-8);
    test_tear_down(&s);
}
END_TEST

// An offset drives the second run too.
START_TEST(offsets_are_refused) {
    struct test_setting s = mixed(4, true, &es_twin, 20, 1);
    size_t e = 0;
    while (s.net->element[e].kind != &es_gyrator)
        e++;
    s.net->element[e].value[5] = 1e-6;
    struct es_error error = {""};
    ck_assert_int_eq(es_reciprocal.admits(&s.problem, &error), ES_BAD_INPUT);
    ck_assert_msg(strstr(error.text, s.net->element[e].name) && strstr(error.text, "offset"), "%s", error.text);
    s.problem.losses_allowed = true;
    ck_assert_int_eq(es_reciprocal.admits(&s.problem, &error), ES_OK);
    test_tear_down(&s);
}
END_TEST

// Examples of one batch do not see each other.
START_TEST(a_batch_is_the_mean_of_its_examples) {
    static const struct es_engine_kind *const engines[] = {&es_twin, &es_ngspice};
    struct test_setting s = mixed(3, true, engines[_i], 20, 2);
    struct es_example example[3];
    struct es_gradient gradient = {.slope = s.slope};
    double *mean = ES_NEW(s.net->arena, s.net->parameters, double);
    for (uint64_t e = 0; e < 3; e++) {
        s.example = example[e] = test_example(s.net, e, &s.problem.grid, es_modes_fastest(s.net, s.theta), (double)(e + 1) * 1e-5, -1);
        find_slope(&s);
        for (size_t i = 0; i < s.net->parameters; i++)
            mean[i] += s.slope[i] / 3;
    }
    ck_assert_int_eq(es_gradient(&s.problem, s.theta, 3, example, &gradient, NULL), ES_OK);
    ck_assert_double_lt(compare(&s, mean, "the mean of three"), 1e-14);
    test_tear_down(&s);
}
END_TEST

// ---- passes that inject and keep their middles -----------------------------------------------------------------------

struct trace {
    size_t nodes, points;
    double *voltage; // [steps + 1][nodes]
};

static void keep_point(void *context, double t, const double *flux, const double *voltage) {
    struct trace *trace = context;
    (void)t, (void)flux;
    memcpy(trace->voltage + trace->points++ * trace->nodes, voltage, trace->nodes * sizeof *voltage);
}

static double largest(size_t count, const double *a) {
    double most = 0;
    for (size_t i = 0; i < count; i++)
        most = fmax(most, fabs(a[i]));
    return most;
}

static double farthest(size_t count, const double *a, const double *b) {
    double most = 0;
    for (size_t i = 0; i < count; i++)
        most = fmax(most, fabs(a[i] - b[i]));
    return most / largest(count, b);
}

// The free pass of a setting, with a random injection if asked for, backwards if asked for.
static struct es_pass pass_of(struct test_setting *s, bool injected, const struct es_reversal *reversal) {
    struct es_stream stream = {.seed = 5, .purpose = ES_RANDOM_TEST};
    struct es_arena *arena = s->net->arena;
    size_t count = s->net->outputs * es_grid_steps(&s->problem.grid);
    double *flux = ES_NEW(arena, s->net->nodes, double), *voltage = ES_NEW(arena, s->net->nodes, double), *offset = ES_NEW(arena, s->net->elements, double);
    double *injection = ES_NEW(arena, count, double), *x = ES_NEW(arena, s->net->channels, double);
    struct es_model model;
    for (size_t i = 0; i < count; i++)
        injection[i] = 1e-6 * es_random_normal(&stream);
    for (size_t c = 0; c < s->net->channels; c++)
        x[c] = s->example.input[c * s->problem.grid.points];
    ck_assert_int_eq(es_model_new(s->net, s->theta, arena, &model, NULL), ES_OK);
    ck_assert_int_eq(es_model_start(&model, x, flux, voltage, offset, NULL), ES_OK);
    return (struct es_pass){.theta = s->theta, .flux = flux, .voltage = voltage, .offset = offset, .input = s->example.input,
                            .injection = injected ? injection : NULL, .reversal = reversal};
}

static struct es_result run(struct test_setting *s, const struct es_pass *pass, struct trace *trace) {
    struct es_arena *arena = s->net->arena;
    const struct es_grid *grid = &s->problem.grid;
    struct es_error error = {""};
    struct es_sink sink = {keep_point, trace};
    struct es_batch batch = {.grid = *grid, .passes = 1, .pass = pass, .recorded = true, .sink = trace ? &sink : NULL};
    batch.injections = es_reciprocal.injections(s->net, arena, &batch.injection);
    struct es_result *result = es_results_new(arena, s->net, 0, 1);
    es_results_add_middles(arena, s->net, grid, 1, result);
    if (trace)
        *trace = (struct trace){.nodes = s->net->nodes, .voltage = ES_NEW(arena, (es_grid_steps(grid) + 1) * s->net->nodes, double)};
    ck_assert_msg(es_engine_run(s->problem.engine, &batch, result, &error) == ES_OK, "%s", error.text);
    return *result;
}

static const struct es_reversal *const turns[] = {NULL, &es_flip_voltages, &es_flip_fluxes};

// Twin and ngspice see the same injected currents; backwards too.
START_TEST(engines_agree_on_injections) {
    struct test_setting s[2] = {mixed(_i, true, &es_twin, 20, 2), mixed(_i, true, &es_ngspice, 20, 2)};
    struct es_result result[2], plain;
    size_t count = s[0].net->nodes * es_grid_steps(&s[0].problem.grid);
    for (int i = 0; i < 2; i++) {
        struct es_pass pass = pass_of(&s[i], true, turns[_i % 3]);
        result[i] = run(&s[i], &pass, NULL);
    }
    struct es_pass pass = pass_of(&s[0], false, turns[_i % 3]);
    plain = run(&s[0], &pass, NULL);
    double middle = farthest(count, result[1].middle, result[0].middle), end = farthest(s[0].net->nodes, result[1].voltage, result[0].voltage);
    double effect = farthest(count, plain.middle, result[0].middle);
    printf("injection: middles differ by %.1e, ends by %.1e; its effect is %.1e\n", middle, end, effect);
    ck_assert_double_lt(middle, 2e-13);
    ck_assert_double_lt(end, 6e-13);
    ck_assert_double_gt(effect, 1e-2);
    for (int i = 0; i < 2; i++)
        test_tear_down(&s[i]);
}
END_TEST

// A middle is the mean of the two grid points around it.
START_TEST(middles_are_means) {
    static const struct es_engine_kind *const engines[] = {&es_twin, &es_ngspice};
    struct test_setting s = mixed(_i / 2, true, engines[_i % 2], 20, 2);
    struct es_pass pass = pass_of(&s, true, NULL);
    struct trace trace;
    struct es_result result = run(&s, &pass, &trace);
    size_t nodes = s.net->nodes, steps = es_grid_steps(&s.problem.grid);
    double *mean = ES_NEW(s.net->arena, steps * nodes, double);
    ck_assert_uint_eq(trace.points, steps + 1);
    for (size_t i = 0; i < steps * nodes; i++)
        mean[i] = (trace.voltage[i] + trace.voltage[i + nodes]) / 2;
    double distance = farthest(steps * nodes, result.middle, mean);
    printf("%s: middles differ from the means of grid points by %.1e\n", s.problem.engine->kind->row.name, distance);
    ck_assert_double_lt(distance, 1e-14);
    test_tear_down(&s);
}
END_TEST

// An injection of g x in the middle of each step is an input of gain g at the output's branch.
START_TEST(an_injection_is_an_input) {
    struct test_setting s = mixed(0, true, &es_twin, 20, 1);
    size_t steps = es_grid_steps(&s.problem.grid), points = s.problem.grid.points;
    double *x = ES_NEW(s.net->arena, s.net->channels * points, double), *j = ES_NEW(s.net->arena, s.net->outputs * steps, double);
    struct es_pass driven = pass_of(&s, false, turns[_i]), injected = driven;
    for (size_t e = 0; e < s.net->elements; e++) { // one input, at the branch of output 1
        struct es_element *element = &s.net->element[e];
        element->channel = element->kind == &es_input ? (int)s.net->channels - 1 : element->channel;
    }
    size_t e = test_add(s.net, &es_input, s.net->element[s.net->output[1]].p, ES_GROUND, 2e-7, 0, 0);
    s.net->element[e].channel = 0;
    for (size_t i = 0; i < points; i++)
        x[i] = s.example.input[i];
    for (size_t n = 0; n < steps; n++)
        j[steps + n] = (turns[_i] ? turns[_i]->input : 1) * 2e-7 * (x[n] + x[n + 1]) / 2; // an injection keeps its sign
    double *offset = ES_NEW(s.net->arena, s.net->elements, double);
    memcpy(offset, driven.offset, (s.net->elements - 1) * sizeof *offset);
    driven.offset = injected.offset = offset;
    driven.input = x;
    injected.input = ES_NEW(s.net->arena, s.net->channels * points, double);
    injected.injection = j;
    struct es_result a = run(&s, &driven, NULL), b = run(&s, &injected, NULL);
    double distance = farthest(s.net->nodes * steps, b.middle, a.middle);
    printf("an injection differs from an input by %.1e\n", distance);
    ck_assert_double_lt(distance, 1e-14);
    test_tear_down(&s);
}
END_TEST

// A network with series voltages at inductors, with and without a resistance, and at gyrators, and currents beside other elements.
static size_t list_injections(const struct es_network *net, struct es_injection **list) {
    size_t count = 0;
    bool *coupled = ES_NEW(net->arena, net->elements, bool);
    *list = ES_NEW(net->arena, 2 * net->elements, struct es_injection);
    for (size_t e = 0; e < net->elements; e++)
        if (net->element[e].kind->term == ES_COUPLING)
            coupled[net->element[e].first] = coupled[net->element[e].second] = true;
    for (size_t e = 0; e < net->elements; e++)
        if (net->element[e].kind->loss && !coupled[e])
            (*list)[count++] = (struct es_injection){e, true};
        else if (net->element[e].kind->term == ES_KINETIC || coupled[e])
            (*list)[count++] = (struct es_injection){e, false};
    (*list)[count] = (*list)[0]; // two at one element
    for (size_t i = 0; i < count && !(*list)[count].series; i++)
        (*list)[count] = (*list)[i];
    return count + 1;
}

// Currents and series voltages that are injected anywhere, in both engines; backwards too.
START_TEST(engines_agree_on_injections_anywhere) {
    static const struct es_reversal *const all[] = {NULL, &es_flip_voltages, &es_flip_fluxes, &es_swap_outputs};
    static const struct es_engine_kind *const engines[] = {&es_twin, &es_ngspice};
    int features = (_i % 4 == 3 ? TEST_GYRATORS : TEST_SOURCE) | (_i / 4 ? TEST_DECAYS | TEST_DRIFTS : 0);
    struct es_result result[3];
    double *offset[3];
    struct es_network *net = test_mixed_network((uint64_t)_i + 31, 8, features, ES_READ_FLUX, false);
    struct es_stream stream = {.seed = 6, .purpose = ES_RANDOM_TEST};
    struct es_injection *list;
    size_t count = list_injections(net, &list);
    struct test_setting s = set_up(net, &test_kinds[0], &es_twin, 20, 2);
    size_t steps = es_grid_steps(&s.problem.grid);
    double *j = ES_NEW(net->arena, count * steps, double);
    for (size_t i = 0; i < count * steps; i++)
        j[i] = (list[i / steps].series ? 1e-5 : 1e-7) * es_random_normal(&stream);
    for (int i = 0; i < 3; i++) { // the third without
        struct es_pass pass = pass_of(&s, false, all[_i % 4]);
        struct es_batch batch = {.grid = s.problem.grid, .injections = count, .injection = list, .passes = 1, .pass = &pass, .recorded = true};
        struct es_engine *engine = test_engine(engines[i % 2], net, NULL, 1);
        struct es_error error = {""};
        pass.injection = i < 2 ? j : NULL;
        struct es_result *made = es_results_new(net->arena, net, 0, 1);
        es_results_add_middles(net->arena, net, &s.problem.grid, 1, made);
        ck_assert_msg(es_engine_run(engine, &batch, made, &error) == ES_OK, "%s", error.text);
        es_engine_close(engine);
        result[i] = *made;
        offset[i] = made->offset;
    }
    double middle = farthest(net->nodes * steps, result[1].middle, result[0].middle), fluxes = farthest(net->elements, offset[1], offset[0]);
    double effect = farthest(net->nodes * steps, result[2].middle, result[0].middle);
    printf("%zu injections: middles differ by %.1e, offsets by %.1e; their effect is %.1e\n", count, middle, fluxes, effect);
    ck_assert_double_lt(middle, 7e-12); // of strong drifts in ngspice
    ck_assert_double_lt(fluxes, 3e-11);
    ck_assert_double_gt(effect, 1e-2);
    test_tear_down(&s);
}
END_TEST

// A constant voltage at the input of a gyrator is its offset.
START_TEST(a_series_voltage_is_an_offset) {
    struct test_setting s = mixed(4, true, &es_twin, 20, 1); // of gyrators
    size_t e = 0, steps = es_grid_steps(&s.problem.grid);
    while (s.net->element[e].kind != &es_gyrator)
        e++;
    struct es_injection at = {e, true};
    double *j = ES_NEW(s.net->arena, steps, double);
    struct es_pass pass = pass_of(&s, false, turns[_i]);
    struct es_batch batch = {.grid = s.problem.grid, .passes = 1, .pass = &pass, .recorded = true};
    struct es_result *result = es_results_new(s.net->arena, s.net, 0, 2);
    es_results_add_middles(s.net->arena, s.net, &s.problem.grid, 2, result);
    s.net->element[e].value[5] = 3e-6;
    ck_assert_int_eq(es_engine_run(s.problem.engine, &batch, &result[0], NULL), ES_OK);
    s.net->element[e].value[5] = NAN;
    for (size_t n = 0; n < steps; n++)
        j[n] = 3e-6;
    pass.injection = j;
    batch.injections = 1;
    batch.injection = &at;
    ck_assert_int_eq(es_engine_run(s.problem.engine, &batch, &result[1], NULL), ES_OK);
    double distance = farthest(s.net->nodes * steps, result[1].middle, result[0].middle);
    printf("a series voltage differs from an offset by %.1e\n", distance);
    ck_assert_double_lt(distance, 1e-14);
    at.element = 0; // a capacitor
    struct es_error error = {""};
    ck_assert_int_eq(es_engine_run(s.problem.engine, &batch, &result[1], &error), ES_BAD_INPUT);
    ck_assert_msg(strstr(error.text, "in series with capacitor") && strstr(error.text, s.net->element[0].name), "%s", error.text);
    test_tear_down(&s);
}
END_TEST

// ---- inputs that are played late -------------------------------------------------------------------------------------

static struct es_result run_with_skew(struct test_setting *s, struct es_pass pass, double skew) {
    pass.skew = skew;
    return run(s, &pass, NULL);
}

// Backwards, inputs and sources may come late, by any time and in both engines; forwards, and by a skew of 0, nothing changes.
START_TEST(engines_agree_on_skew) {
    static const struct es_reversal *const all[] = {&es_flip_voltages, &es_flip_fluxes, &es_swap_outputs};
    const struct es_reversal *turn = all[_i % 3];
    int features = turn == &es_swap_outputs ? TEST_GYRATORS : TEST_SOURCE;
    struct test_setting s[2];
    for (int i = 0; i < 2; i++)
        s[i] = set_up(test_mixed_network((uint64_t)_i + 51, 8, features, ES_READ_FLUX, false), &test_kinds[0], i ? &es_ngspice : &es_twin, 20, 3);
    double interval = s[0].problem.grid.interval, skew = (_i / 3 ? -0.7 : 2.37) * interval;
    size_t count = s[0].net->nodes * es_grid_steps(&s[0].problem.grid);
    struct es_pass pass[2] = {pass_of(&s[0], false, turn), pass_of(&s[1], false, turn)};
    struct es_result late[2] = {run_with_skew(&s[0], pass[0], skew), run_with_skew(&s[1], pass[1], skew)}, plain = run(&s[0], &pass[0], NULL);
    double middle = farthest(count, late[1].middle, late[0].middle), end = farthest(s[0].net->nodes, late[1].voltage, late[0].voltage);
    double effect = farthest(count, plain.middle, late[0].middle);
    printf("skew: middles differ by %.1e, ends by %.1e; its effect is %.1e\n", middle, end, effect);
    ck_assert_double_lt(middle, 1e-13);
    ck_assert_double_lt(end, 6e-13);
    ck_assert_double_gt(effect, 1e-2);
    pass[0].reversal = NULL;
    struct es_result forward = run(&s[0], &pass[0], NULL), unmoved = run_with_skew(&s[0], pass[0], skew);
    ck_assert_mem_eq(forward.middle, unmoved.middle, count * sizeof(double));
    for (int i = 0; i < 2; i++)
        test_tear_down(&s[i]);
}
END_TEST

// A skew of two samples is an input that is moved by two samples and held at its end.
START_TEST(a_skew_of_samples_is_a_shift) {
    static const struct es_engine_kind *const engines[] = {&es_twin, &es_ngspice};
    struct test_setting s = mixed(1, true, engines[_i % 2], 20, 2); // with a source
    size_t points = s.problem.grid.points, channels = s.net->channels, count = s.net->nodes * es_grid_steps(&s.problem.grid);
    double *moved = ES_NEW(s.net->arena, channels * points, double);
    struct es_pass pass = pass_of(&s, false, &es_flip_voltages);
    struct es_result late = run_with_skew(&s, pass, (_i / 2 ? -2 : 2) * s.problem.grid.interval);
    for (size_t c = 0; c < channels; c++)
        for (size_t i = 0; i < points; i++) {
            size_t from = _i / 2 ? (i < 2 ? 0 : i - 2) : i + 2 < points ? i + 2 : points - 1;
            moved[c * points + i] = s.example.input[c * points + from];
        }
    pass.input = moved;
    struct es_result shifted = run(&s, &pass, NULL);
    double distance = farthest(count, late.middle, shifted.middle);
    printf("a skew differs from a shift by %.1e\n", distance);
    ck_assert_double_lt(distance, 2e-14);
    test_tear_down(&s);
}
END_TEST

// ---- refusals --------------------------------------------------------------------------------------------------------

static void refuse(const struct es_rule *rule, const struct es_problem *problem, const char *what, const char *hint) {
    struct es_error error = {""};
    ck_assert_int_eq(rule->admits(problem, &error), ES_BAD_INPUT);
    ck_assert_msg(strstr(error.text, what) && strstr(error.text, hint), "%s", error.text);
}

START_TEST(what_it_is_not_made_for_is_refused) {
    static const struct es_element_kind *const bent[] = {&es_josephson, &es_saturating_inductor, &es_duffing, &es_saturating_gyrator, &es_sensing_gyrator};
    for (size_t i = 0; i < sizeof bent / sizeof *bent; i++) {
        struct test_setting s = mixed(0, true, &es_twin, 20, 1);
        size_t e = test_add(s.net, bent[i], 0, ES_GROUND, 1e-3, 1e-3, 1e-12);
        refuse(&es_reciprocal, &s.problem, s.net->element[e].name, bent[i] == &es_sensing_gyrator ? "not reciprocal" : "nonlinear");
        test_tear_down(&s);
    }
    struct test_setting s = mixed(0, false, &es_twin, 20, 1);
    s.problem.cost = &es_terminal_flux;
    refuse(&es_reciprocal, &s.problem, "terminal-flux", "running cost");
    s.problem.cost = &es_flux_tracking;
    es_engine_close(s.problem.engine);
    s.problem.engine = test_engine(&es_twin, s.net, "verlet", 1);
    refuse(&es_reciprocal, &s.problem, "verlet", "use scheme midpoint");
    es_engine_close(s.problem.engine);
    s.problem.engine = test_engine(&es_ngspice, s.net, "adaptive", 1);
    refuse(&es_reciprocal, &s.problem, "adaptive", "use scheme trapezoidal");
    test_tear_down(&s);
}
END_TEST

// Nothing else trains a conductance, whatever losses are allowed; all references that need a Lagrangian refuse it.
START_TEST(other_rules_refuse_trained_conductances) {
    struct test_setting s = mixed(0, true, &es_twin, 20, 1);
    const struct es_rule *const others[] = {&es_rhel, &es_civp, &es_civp_residual};
    s.problem.losses_allowed = true;
    for (size_t i = 0; i < 3; i++)
        refuse(others[i], &s.problem, "conductance", "rule=\"reciprocal\"");
    ck_assert_int_eq(es_adjoint(&s.problem, s.theta, 1, &s.example, s.slope, NULL), ES_BAD_INPUT);
    ck_assert_int_eq(es_continuous_gradient(&s.problem, s.theta, 1, &s.example, true, NULL, s.slope, NULL), ES_BAD_INPUT);
    test_tear_down(&s);
}
END_TEST

Suite *test_suite(void) {
    Suite *suite = suite_create("reciprocal");
    TCase *tests = tcase_create("reciprocal");
    tcase_set_timeout(tests, 120);
    tcase_add_loop_test(tests, twin_is_exact_with_losses, 0, 2 * KINDS);
    tcase_add_loop_test(tests, ngspice_is_exact_with_losses, 0, KINDS);
    tcase_add_loop_test(tests, twin_is_the_adjoint_without_losses, 0, 2 * KINDS);
    tcase_add_loop_test(tests, engines_agree, 0, 4);
    tcase_add_loop_test(tests, losses_may_follow_what_is_trained, 0, 4);
    tcase_add_test(tests, offsets_are_refused);
    tcase_add_loop_test(tests, a_batch_is_the_mean_of_its_examples, 0, 2);
    tcase_add_loop_test(tests, engines_agree_on_injections, 0, 6);
    tcase_add_loop_test(tests, engines_agree_on_injections_anywhere, 0, 8);
    tcase_add_loop_test(tests, a_series_voltage_is_an_offset, 0, 3);
    tcase_add_loop_test(tests, engines_agree_on_skew, 0, 6);
    tcase_add_loop_test(tests, a_skew_of_samples_is_a_shift, 0, 4);
    tcase_add_loop_test(tests, middles_are_means, 0, 4);
    tcase_add_loop_test(tests, an_injection_is_an_input, 0, 3);
    tcase_add_test(tests, what_it_is_not_made_for_is_refused);
    tcase_add_test(tests, other_rules_refuse_trained_conductances);
    suite_add_tcase(suite, tests);
    return suite;
}
