// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// What a network is built of: the same waveforms, and the same gradients in the coordinates of the file.
#include "runner.h"
#include "support.h"

#include "net/modes.h"
#include "technology/technology.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const struct es_technology *technology_of(const char *name) {
    const struct es_technology *technology = es_row_find(es_technologies, name);
    ck_assert_ptr_nonnull(technology);
    return technology;
}

// A network as built, its values, and a problem on it.
struct setting {
    struct es_network *net;
    struct es_tuning *tuning;
    struct es_problem problem;
    double *theta;
};

static struct setting build(const char *name, struct es_network *abstract, const struct es_engine_kind *engine, const struct es_grid *grid, const struct es_reversal *turn) {
    struct setting s = {.net = abstract};
    struct es_error error = {""};
    s.theta = ES_NEW(abstract->arena, abstract->parameters, double);
    es_network_start(abstract, s.theta);
    if (name) {
        const struct es_technology *technology = technology_of(name);
        ck_assert_msg(es_technology_network(technology, abstract, abstract->arena, &s.net, &s.tuning, &error) == ES_OK, "%s", error.text);
        double *start = ES_NEW(abstract->arena, abstract->parameters, double);
        es_network_start(s.net, start);
        for (size_t i = 0; i < abstract->parameters; i++) {
            double tuned = es_tuned(s.tuning[i], s.theta[i]);
            ck_assert_double_le(fabs(start[i] / tuned - 1), 1e-14);
            ck_assert_double_le(fabs(es_untuned(s.tuning[i], tuned) / s.theta[i] - 1), 1e-14);
            ck_assert(s.net->parameter[i].min <= tuned && tuned <= s.net->parameter[i].max);
            s.theta[i] = tuned;
        }
    }
    s.problem = (struct es_problem){.net = s.net, .cost = &es_flux_tracking, .rule = &es_rhel, .reversal = turn, .beta = 1e-4, .losses_allowed = true, .grid = *grid,
                                    .engine = test_engine(engine, s.net, engine == &es_twin ? "midpoint" : NULL, 0)};
    return s;
}

// dC/dtheta in the coordinates of the file.
static double *gradient(struct setting *s, const struct es_network *abstract, struct es_example *example, double *loss) {
    struct es_gradient gradient = {.slope = ES_NEW(abstract->arena, abstract->parameters, double)};
    struct es_error error = {""};
    ck_assert_msg(es_gradient(&s->problem, s->theta, 1, example, &gradient, &error) == ES_OK, "%s", error.text);
    for (size_t i = 0; i < abstract->parameters && s->tuning; i++)
        gradient.slope[i] *= es_tuning_slope(s->tuning[i], es_untuned(s->tuning[i], s->theta[i]));
    *loss = gradient.loss;
    return gradient.slope;
}

// Voltages at the end of the free pass [nodes].
static double *end_of(struct setting *s, const struct es_network *abstract, struct es_example *example) {
    struct es_pass pass;
    struct es_error error = {""};
    struct es_result *result = es_results_new(abstract->arena, s->net, 0, 1);
    ck_assert_msg(es_free_pass(&s->problem, s->theta, example, abstract->arena, &pass, &error) == ES_OK, "%s", error.text);
    struct es_batch batch = {.grid = s->problem.grid, .passes = 1, .pass = &pass};
    ck_assert_msg(es_engine_run(s->problem.engine, &batch, result, &error) == ES_OK, "%s", error.text);
    return result->voltage;
}

// As the file says in the twin, against as built in `engine`.
static void compare(struct es_network *abstract, const char *name, const struct es_engine_kind *engine, const struct es_reversal *turn) {
    struct es_grid grid = test_grid(abstract, 25, 60);
    struct setting file = build(NULL, abstract, &es_twin, &grid, &es_flip_voltages), built = build(name, abstract, engine, &grid, turn);
    struct es_example example = test_example(abstract, 3, &grid, es_modes_fastest(abstract, file.theta), 3e-9, -1);
    double loss, built_loss;
    double *expected = gradient(&file, abstract, &example, &loss), *slope = gradient(&built, abstract, &example, &built_loss);
    double waves = test_apart(abstract->nodes, end_of(&built, abstract, &example), end_of(&file, abstract, &example));
    double error = test_distance(abstract, file.theta, slope, expected);
    printf("%-22s %-8s %-13s waveform %.1e, gradient %.1e\n", name, engine->row.name, turn->row.name, waves, error);
    ck_assert_double_le(waves, engine == &es_twin ? 1e-14 : 4e-11); // ten times what is seen
    ck_assert_double_le(fabs(built_loss / loss - 1), engine == &es_twin ? 2e-14 : 4e-11);
    ck_assert_double_le(error, engine == &es_twin ? 1e-10 : 1.5e-9);
    es_engine_close(file.problem.engine);
    es_engine_close(built.problem.engine);
}

static const char *const names[] = {"lc", "lc-differential", "gyrator", "gyrator-differential", "mesh", "mesh-differential", "cmos"};
enum { TECHNOLOGIES = sizeof names / sizeof *names };

START_TEST(same_network) { // of inductors and gyrators
    const char *name = names[_i % TECHNOLOGIES];
    bool twin = _i / TECHNOLOGIES % 2;
    struct es_network *net = test_random_network((uint64_t)_i, 6, false);
    compare(net, name, twin ? &es_twin : &es_ngspice, &es_flip_voltages);
    es_network_free(net);
}
END_TEST

START_TEST(same_when_outputs_are_swapped) {
    struct es_network *net = test_random_network(77 + (uint64_t)_i, 5, false);
    const char *name = names[2 + _i];
    compare(net, name, &es_ngspice, &es_swap_outputs);
    compare(net, name, &es_twin, &es_swap_outputs);
    es_network_free(net);
}
END_TEST

// Currents of their own, resistances, values that several share; and, where asked for, inductors that are coupled: two between nodes with one to ground.
static struct es_network *special(bool coupled) {
    struct es_network *net = test_network(3);
    for (int i = 0; i < 3; i++) {
        test_add(net, &es_capacitor, i, ES_GROUND, 1e-9 * (1 + i), 0, 0);
        size_t e = test_add(net, &es_inductor, i, i < 2 ? i + 1 : ES_GROUND, 1e-6 * (2 - 0.3 * i), 0, 0);
        test_train(net, e, 0, &es_log);
        if (i == 1)
            net->element[e].value[1] = 2e-3;
        if (i == 2 && !coupled)
            net->element[e].value[2] = 3;
    }
    test_add(net, &es_inductor, 0, ES_GROUND, 1e-6, 0, 0);
    size_t twin = test_add(net, &es_inductor, 1, ES_GROUND, 0, 0, 0); // as the first trained one, 0.7 times
    net->element[twin].parameter[0] = 0;
    net->element[twin].value[0] = net->element[net->parameter[0].element].value[0];
    net->element[twin].scale[0] = 0.7;
    size_t leaky = test_add(net, &es_gyrator, 0, 2, 1e-3, 0.7e-3, 1e-12);
    net->element[leaky].value[3] = 0.02; // at t = 0
    net->element[leaky].value[4] = 3e-8;
    test_train(net, leaky, 0, &es_log);
    for (size_t k = 0; k < 3 && coupled; k++) { // of the inductors E1, E3 and E6
        const size_t of[] = {1, 3, 6}, with[] = {3, 6, 1};
        size_t mutual = test_add(net, &es_mutual, ES_GROUND, ES_GROUND, k == 1 ? -0.3 : 0.2, 0, 0);
        net->element[mutual].first = of[k];
        net->element[mutual].second = with[k];
        test_train(net, mutual, 0, &es_logistic);
    }
    test_initial(net, 0, 2e-9, 0.05, NAN);
    test_add(net, &es_conductance, 2, ES_GROUND, 1e-4, 0, 0);
    size_t gain = test_add(net, &es_input, 0, ES_GROUND, 1e-3, 0, 0);
    test_train(net, gain, 0, &es_log);
    test_output(net, 2, ES_READ_FLUX, -1);
    return net;
}

START_TEST(same_with_states_and_losses) {
    struct es_network *net = special(false);
    compare(net, names[_i % 4], _i / 4 ? &es_twin : &es_ngspice, &es_flip_voltages);
    es_network_free(net);
}
END_TEST

START_TEST(coupled_inductors_in_halves) {
    struct es_network *net = special(true);
    compare(net, names[_i], &es_ngspice, &es_flip_voltages);
    es_network_free(net);
}
END_TEST

// A node may have the name of another's wire, and so may elements of what lies at one node.
START_TEST(same_with_names_like_wires) {
    static const char *const nodes[] = {"a_p", "a", "a_n", "A_pp"};
    struct es_network *net = test_random_network(31 + (uint64_t)_i, 5, false);
    for (size_t i = 0; i < 4; i++)
        net->node[i].name = nodes[i];
    for (size_t i = 0, grounded = 0; i < net->elements; i++)
        if (net->element[i].p >= 0 && net->element[i].n < 0 && grounded < 4)
            net->element[i].name = nodes[grounded++];
    compare(net, names[1 + 2 * _i], &es_ngspice, &es_flip_voltages);
    es_network_free(net);
}
END_TEST

// Nudge capacitors that follow targets, or lie between two nodes, do not load the mean of the wires: negative ones would make it run away.
START_TEST(nudges_of_voltages) {
    struct es_network *net = test_random_network(91 + (uint64_t)_i, 5, false);
    const char *name = names[1 + 2 * (_i / 2)];
    struct es_grid grid = test_grid(net, 200, 400);
    net->element[net->output[0]].n = _i % 2 ? (net->element[net->output[0]].p + 1) % 5 : ES_GROUND;
    for (size_t o = 0; o < net->outputs; o++)
        net->element[net->output[o]].read = ES_READ_VOLTAGE;
    struct setting file = build(NULL, net, &es_twin, &grid, &es_flip_voltages), built = build(name, net, &es_ngspice, &grid, &es_flip_voltages);
    struct es_example example = test_example(net, 3, &grid, es_modes_fastest(net, file.theta), 0.05, -1);
    file.problem.cost = built.problem.cost = &es_voltage_tracking;
    double loss, built_loss, *expected = gradient(&file, net, &example, &loss), *slope = gradient(&built, net, &example, &built_loss);
    double error = test_distance(net, file.theta, slope, expected);
    printf("%-22s voltages %s, gradient %.1e\n", name, _i % 2 ? "between two nodes" : "to ground", error);
    ck_assert_double_le(error, 1.6e-9);
    es_engine_close(file.problem.engine);
    es_engine_close(built.problem.engine);
    es_network_free(net);
}
END_TEST

static void refused(struct es_network *net, const char *name, const char *why) {
    struct es_network *built;
    struct es_tuning *tuning;
    struct es_error error = {""};
    ck_assert_msg(es_technology_network(technology_of(name), net, net->arena, &built, &tuning, &error) == ES_BAD_INPUT, "%s: %s", name, why);
    ck_assert_msg(strstr(error.text, why) && strstr(error.text, name) && strstr(error.text, "line"), "%s", error.text);
}

START_TEST(what_cannot_be_built) {
    const struct {
        const struct es_element_kind *kind;
        double q[3];
        const char *technology, *why;
        int trained; // how many of its values
    } cases[] = {
        {&es_josephson, {1e-6, NAN, NAN}, "gyrator", "curve", 0},
        {&es_josephson, {1e-6, NAN, NAN}, "lc", "not linear", 0},
        {&es_saturating_gyrator, {1e-3, 1e-3, 1e-9}, "lc", "not linear", 0},
        {&es_saturating_inductor, {1e-3, 1e-9, NAN}, "mesh", "not linear", 0},
        {&es_inductor, {1e-6, 1e-3, NAN}, "mesh", "flux of its own", 0},
        {&es_inductor, {1e-6, NAN, 2}, "mesh", "loss", 0},
        {&es_gyrator, {1e-3, 1e-3, 1e-9}, "mesh", "trains two", 2},
        {&es_gyrator, {1e-3, 1e-3, 1e-9}, "lc", "trains two", 2},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct es_network *net = test_network(1);
        test_add(net, &es_capacitor, 0, ES_GROUND, 1e-9, 0, 0);
        size_t e = test_add(net, cases[i].kind, 0, ES_GROUND, 0, 0, 0);
        memcpy(net->element[e].value, cases[i].q, sizeof cases[i].q);
        for (int q = 0; q < cases[i].trained; q++)
            test_train(net, e, (size_t)q, &es_log);
        refused(net, cases[i].technology, cases[i].why);
        es_network_free(net);
    }
    struct es_network *net = special(true);
    refused(net, "gyrator", "no magnetic field");
    refused(net, "mesh", "flux of its own");
    es_network_free(net);
}
END_TEST

// A gain that is also a gyrator's gm1: as it is in the technology gyrator, and in no other, where that is tuned the other way round.
START_TEST(kept_values_that_are_shared) {
    struct es_network *net = test_network(1), *built;
    struct es_tuning *tuning;
    test_add(net, &es_capacitor, 0, ES_GROUND, 1e-9, 0, 0);
    size_t gain = test_add(net, &es_input, 0, ES_GROUND, 1e-3, 0, 0), e = test_add(net, &es_gyrator, 0, ES_GROUND, 1e-3, 1e-3, 1e-12);
    test_train(net, e, 0, &es_log);
    net->element[gain].parameter[0] = net->element[e].parameter[0];
    refused(net, "lc", "shares its trained value");
    ck_assert_int_eq(es_technology_network(technology_of("gyrator"), net, net->arena, &built, &tuning, NULL), ES_OK);
    ck_assert(tuning[0].factor == 1 && tuning[0].power == 1);
    es_network_free(net);
}
END_TEST

START_TEST(all_are_tested) {
    for (size_t i = 0; es_technologies[i]; i++) {
        ck_assert_uint_lt(i, TECHNOLOGIES);
        ck_assert_str_eq(es_technologies[i]->name, names[i]);
    }
}
END_TEST

Suite *test_suite(void) {
    Suite *suite = suite_create("technology");
    TCase *cases = tcase_create("technologies");
    tcase_set_timeout(cases, 120);
    tcase_add_test(cases, all_are_tested);
    tcase_add_loop_test(cases, same_network, 0, 4 * TECHNOLOGIES);
    tcase_add_loop_test(cases, same_when_outputs_are_swapped, 0, 4);
    tcase_add_loop_test(cases, same_with_states_and_losses, 0, 8);
    tcase_add_loop_test(cases, coupled_inductors_in_halves, 0, 2);
    tcase_add_loop_test(cases, same_with_names_like_wires, 0, 3);
    tcase_add_loop_test(cases, nudges_of_voltages, 0, 6);
    tcase_add_test(cases, what_cannot_be_built);
    tcase_add_test(cases, kept_values_that_are_shared);
    suite_add_tcase(suite, cases);
    return suite;
}
