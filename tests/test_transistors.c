// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// Passes of transistors of the generic process in ngspice, against the ideal network in the twin.
#include "runner.h"
#include "support.h"

#include "netlist/cmos.h"
#include "xml/xml.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { GM2 = 1 };
enum { STEPS = 80, POINTS = 141 };

static struct es_process *process;
static struct es_cmos_kit kit;

static void read_process(void) {
    struct es_error error = {""};
    ck_assert_msg(es_process_read("models/process/generic.xml", &process, &error) == ES_OK, "%s", error.text);
    kit = (struct es_cmos_kit){.process = process, .corner = "bsim3"};
    char *kits = realpath("models/process", NULL); // workers stand elsewhere
    ck_assert_msg(es_process_libraries(process, kit.corner, kits, process->arena, &kit.head, &error) == ES_OK, "%s", error.text);
    free(kits);
}

static void forget_process(void) {
    es_process_free(process);
}

// Three oscillators of 400 kHz in a line, some mV large: the second gyrator is drawn the other way round, and the second node's is the output's.
static struct es_network *line(void) {
    struct es_network *net = test_network(3);
    for (int node = 0; node < 3; node++) {
        test_add(net, &es_capacitor, node, ES_GROUND, 2e-12 + 0.2e-12 * node, 0, 0);
        test_train(net, test_add(net, &es_gyrator, node == 1 ? ES_GROUND : node, node == 1 ? node : ES_GROUND, 5e-6, 4.6e-6 + 0.3e-6 * node, 2e-12), GM2, &es_log);
    }
    test_add(net, &es_capacitor, 0, 2, 0.1e-12, 0, 0);
    test_train(net, test_add(net, &es_gyrator, 0, 1, 3e-6, 2.6e-6, 2e-12), GM2, &es_log);
    test_train(net, test_add(net, &es_gyrator, 2, 1, 2.8e-6, 3e-6, 2e-12), GM2, &es_log);
    test_add(net, &es_input, 0, ES_GROUND, 8e-9, 0, 0);
    test_add(net, &es_input, 2, 1, 5e-9, 0, 0);
    test_output(net, 1, ES_READ_FLUX, -1);
    test_initial(net, 0, NAN, 4e-3, NAN);
    test_initial(net, 2, 1e-9, NAN, NAN);
    return net;
}

// With the engine of transistors, or the ideal network in the twin.
static struct test_setting set_up(bool transistors, size_t jobs) {
    struct test_setting s = test_at_start(line());
    struct es_error error = {""};
    s.problem.net = s.net;
    s.problem.grid = test_grid(s.net, STEPS, POINTS);
    s.example = test_example(s.net, 5, &s.problem.grid, 2.5e6, 1e-9, -1);
    s.problem.cost = &es_flux_tracking;
    s.problem.rule = &es_rhel;
    s.problem.reversal = &es_swap_outputs;
    s.problem.beta = 0.05;
    const struct es_engine_options options = {.scheme = transistors ? "transistors" : "midpoint", .jobs = jobs, .kit = transistors ? &kit : NULL};
    ck_assert_msg(es_engine_open(transistors ? &es_ngspice : &es_twin, s.net, &options, &s.problem.engine, &error) == ES_OK, "%s", error.text);
    return s;
}

// The free pass of the twin, and the pass that it turns into, with a nudge. [3]: forward, backward, forward with a nudge.
struct passes {
    struct test_setting twin;
    struct es_pass pass[3];
    double *nudge;
};

static struct passes make_passes(void) {
    struct passes p = {.twin = set_up(false, 1)};
    struct es_arena *arena = p.twin.net->arena;
    struct es_error error = {""};
    struct es_result *end = es_results_new(arena, p.twin.net, 0, 1);
    ck_assert_int_eq(es_free_pass(&p.twin.problem, p.twin.theta, &p.twin.example, arena, &p.pass[0], &error), ES_OK);
    struct es_batch batch = {.grid = p.twin.problem.grid, .passes = 1, .pass = p.pass};
    ck_assert_int_eq(es_engine_run(p.twin.problem.engine, &batch, end, &error), ES_OK);
    p.nudge = ES_NEW(arena, 1, double);
    *p.nudge = -1.2; // 1/H; 0.1 of what is at the node
    p.pass[1] = p.pass[2] = p.pass[0];
    p.pass[1].flux = end->flux;
    p.pass[1].voltage = end->voltage;
    p.pass[1].reversal = &es_swap_outputs;
    p.pass[1].nudge = p.pass[2].nudge = p.nudge;
    return p;
}

// Voltages and gyrators' fluxes at the end of a pass [nodes + elements], the latter times omega.
static void final_state(struct test_setting *s, const struct es_pass *pass, double *state) {
    struct es_arena *arena = s->net->arena;
    struct es_model model;
    struct es_error error = {""};
    struct es_result *end = es_results_new(arena, s->net, 0, 1);
    struct es_batch batch = {.grid = s->problem.grid, .passes = 1, .pass = pass};
    ck_assert_int_eq(es_model_new(s->net, s->theta, arena, &model, &error), ES_OK);
    ck_assert_msg(es_engine_run(s->problem.engine, &batch, end, &error) == ES_OK, "%s", error.text);
    for (size_t i = 0; i < s->net->nodes; i++)
        state[i] = end->voltage[i];
    for (size_t i = 0; i < s->net->elements; i++)
        state[s->net->nodes + i] = s->net->element[i].kind == &es_gyrator ? 2.5e6 * es_model_flux(&model, i, end->flux, end->offset) : 0;
}

START_TEST(passes_are_those_of_the_network) {
    struct passes p = make_passes();
    struct test_setting real = set_up(true, 1);
    size_t n = p.twin.net->nodes + p.twin.net->elements;
    double *expected = ES_NEW(p.twin.net->arena, 2 * n, double), *state = ES_NEW(p.twin.net->arena, 2 * n, double);
    struct es_pass pass = p.pass[_i], bare = pass;
    bare.nudge = NULL;
    final_state(&p.twin, &pass, expected);
    final_state(&real, &pass, state);
    printf("pass %d: ends within %.1e of the ideal network's", _i, test_apart(n, state, expected));
    ck_assert_double_le(test_apart(n, state, expected), 0.006); // a stray that is forgotten takes it to 0.01
    if (pass.nudge) { // what the nudge alone does
        final_state(&p.twin, &bare, expected + n);
        final_state(&real, &bare, state + n);
        for (size_t i = 0; i < n; i++) {
            expected[i] -= expected[n + i];
            state[i] -= state[n + i];
        }
        printf(", what its nudge does within %.1e", test_apart(n, state, expected));
        ck_assert_double_le(test_apart(n, state, expected), 0.1);
    }
    printf("\n");
    test_tear_down(&p.twin);
    test_tear_down(&real);
}
END_TEST

// What a gyrator's capacitor holds is its own flux, which delay and strays keep a little off the integral of its voltage.
START_TEST(fluxes_are_what_is_held) {
    struct passes p = make_passes();
    struct test_setting real = set_up(true, 1);
    struct es_error error = {""};
    struct es_result *end = es_results_new(real.net->arena, real.net, 0, 1);
    struct es_batch batch = {.grid = real.problem.grid, .passes = 1, .pass = p.pass};
    ck_assert_msg(es_engine_run(real.problem.engine, &batch, end, &error) == ES_OK, "%s", error.text);
    for (size_t i = 0; i < real.net->elements; i++) {
        bool holds = real.net->element[i].kind == &es_gyrator;
        ck_assert(holds ? end->offset[i] != 0 : end->offset[i] == 0);
        ck_assert_double_le(fabs(end->offset[i]), 0.01e-9); // fluxes are some nWb
    }
    test_tear_down(&p.twin);
    test_tear_down(&real);
}
END_TEST

START_TEST(gradient_is_that_of_the_network) {
    struct test_setting twin = set_up(false, 1), real = set_up(true, 2);
    test_adjoint(&twin);
    double loss = test_gradient(&twin, twin.slope), real_loss = test_gradient(&real, real.slope);
    double cosine = test_cosine(twin.net, twin.theta, real.slope, twin.adjoint);
    printf("gradient of transistors: 1 - cosine %.1e, relative error %.1e of the exact one; loss off by %.1e\n", 1 - cosine, test_distance(twin.net, twin.theta, real.slope, twin.adjoint), real_loss / loss - 1);
    test_show(&twin, real.slope, twin.adjoint);
    ck_assert_double_ge(cosine, 0.999);
    ck_assert_double_le(fabs(real_loss / loss - 1), 0.005);
    struct test_setting alone = set_up(true, 1);
    test_gradient(&alone, alone.slope);
    for (size_t i = 0; i < alone.net->parameters; i++)
        ck_assert(alone.slope[i] == real.slope[i]);
    test_tear_down(&twin);
    test_tear_down(&real);
    test_tear_down(&alone);
}
END_TEST

// What is asked in vain, and the message's part that says so.
static void refused(struct test_setting *s, const struct es_pass *pass, const char *why) {
    struct es_error error = {""};
    struct es_batch batch = {.grid = s->problem.grid, .passes = 1, .pass = pass};
    ck_assert_int_ne(es_engine_run(s->problem.engine, &batch, es_results_new(s->net->arena, s->net, 0, 1), &error), ES_OK);
    ck_assert_msg(strstr(error.text, why), "%s", error.text);
}

START_TEST(refusals) {
    struct passes p = make_passes();
    struct test_setting real = set_up(true, 1);
    struct es_error error = {""};
    struct es_engine *engine;
    struct es_pass pass = p.pass[1];
    pass.reversal = &es_flip_voltages;
    refused(&real, &pass, "expected reversal=\"swap-outputs\"");
    pass = p.pass[1];
    pass.window = test_window(real.net, &real.problem.grid);
    refused(&real, &pass, "take a cost without from, to and mask");
    pass = p.pass[1];
    *p.nudge = -1e-4;
    refused(&real, &pass, "transconductor \"E");
    pass.growth = 1e4;
    refused(&real, &pass, "does not step through the middle");
    real.net->element[real.net->output[0]].read = ES_READ_VOLTAGE;
    struct test_setting voltage = {.net = real.net, .problem = real.problem};
    ck_assert_int_eq(es_engine_open(&es_ngspice, real.net, &(struct es_engine_options){.scheme = "transistors", .jobs = 1, .kit = &kit}, &voltage.problem.engine, &error), ES_OK);
    refused(&voltage, &p.pass[0], "expected outputs of fluxes");
    es_engine_close(voltage.problem.engine);
    ck_assert_int_eq(es_engine_open(&es_ngspice, real.net, &(struct es_engine_options){.scheme = "transistors"}, &engine, &error), ES_BAD_INPUT);
    ck_assert_msg(strstr(error.text, "of which process?"), "%s", error.text);
    test_tear_down(&p.twin);
    test_tear_down(&real);
}
END_TEST

Suite *test_suite(void) {
    Suite *suite = suite_create("transistors");
    TCase *tc = tcase_create("passes");
    tcase_add_unchecked_fixture(tc, read_process, forget_process);
    tcase_set_timeout(tc, 600);
    tcase_add_loop_test(tc, passes_are_those_of_the_network, 0, 3);
    tcase_add_test(tc, fluxes_are_what_is_held);
    tcase_add_test(tc, gradient_is_that_of_the_network);
    tcase_add_test(tc, refusals);
    suite_add_tcase(suite, tc);
    return suite;
}
