// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// Hamiltonian echo backpropagation: inputs and parameters as initial states (heb), parameters as modes of the circuit (heb-self).
#include "runner.h"
#include "support.h"

#include "learn/heb_self.h"
#include "learn/train.h"
#include "net/modes.h"
#include "xml/xml.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct test_kind *const kinds = &test_kinds[9]; // the terminal costs: flux, voltage, charge

static bool is_capacitance(const struct es_network *net, size_t i) {
    return net->element[net->parameter[i].element].kind == &es_capacitor;
}

// Everything but the parameters that `wanted` names is fixed.
static void keep(struct es_network *net, bool (*wanted)(const struct es_network *, size_t), bool which) {
    bool *kept = ES_NEW(net->arena, net->parameters, bool);
    for (size_t i = 0; i < net->parameters; i++)
        kept[i] = wanted(net, i) == which;
    test_keep(net, kept);
}

static struct test_setting set_up(struct es_network *net, const struct test_kind *kind, const struct es_rule *rule, const struct es_engine_kind *engine,
                                  const char *scheme) {
    struct test_setting s = test_set_up(net, kind, test_grid(net, 20, 120));
    s.problem.rule = rule;
    s.problem.engine = test_engine(engine, net, scheme, 0);
    s.problem.beta = 1e-5;
    s.problem.mass = 1e6;
    test_admitted(&s);
    return s;
}

static double to_differences(struct test_setting *s) {
    test_gradient(s, s->slope);
    test_differences(s);
    return test_distance(s->net, s->theta, s->slope, s->difference);
}

static double to_adjoint(struct test_setting *s) {
    test_gradient(s, s->slope);
    test_adjoint(s);
    return test_distance(s->net, s->theta, s->slope, s->adjoint);
}

// A network of all kinds of element, or a linear one.
static struct es_network *mixed(int which, enum es_read read) {
    int features = (which % 2 ? TEST_NONLINEAR : 0) | (which / 2 % 2 ? TEST_CHARGES : 0) | (which % 3 == 2 ? TEST_SOURCE : 0);
    return test_mixed_network((uint64_t)which + 1, 8, features, read, false);
}

// ---- inputs through the initial state --------------------------------------------------------------------------------

// Flux, voltage and charge per volt of a channel at t = 0, and fixed ones beside them.
START_TEST(a_channel_scales_the_initial_state) {
    for (int charges = 0; charges < 2; charges++) {
        struct es_network *net = test_network(3);
        struct es_model model;
        double x[2] = {-0.5, 3}, flux[3], voltage[3], offset[8];
        net->channels = 2;
        for (int i = 0; i < 3; i++)
            test_add(net, &es_capacitor, i, ES_GROUND, 2e-9, 0, 0);
        net->element[test_initial(net, 0, 4e-9, charges ? NAN : 0.1, charges ? 1e-9 : NAN)].channel = 0;
        net->element[test_initial(net, 1, NAN, charges ? NAN : 0.2, charges ? 2e-9 : NAN)].channel = 1;
        test_initial(net, 2, 5e-9, charges ? NAN : 0.3, charges ? 3e-9 : NAN);
        ck_assert_int_eq(es_model_new(net, NULL, net->arena, &model, NULL), ES_OK);
        ck_assert_int_eq(es_model_start(&model, x, flux, voltage, offset, NULL), ES_OK);
        const double fluxes[] = {-2e-9, 0, 5e-9}, volts[2][3] = {{-0.05, 0.6, 0.3}, {-0.25, 3, 1.5}};
        for (int i = 0; i < 3; i++) {
            ck_assert_double_eq_tol(flux[i], fluxes[i], 1e-24);
            ck_assert_double_eq_tol(voltage[i], volts[charges][i], 1e-15);
        }
        es_network_free(net);
    }
}
END_TEST

// The references start where the engines do: with the signal's first sample in another place, adjoint, echo and CVODES all follow.
START_TEST(references_start_with_the_channel) {
    for (int i = 0; i < 2; i++) {
        struct es_network *net = mixed(1, ES_READ_FLUX);
        size_t channels = 0;
        for (size_t e = 0; e < net->elements; e++)
            if (net->element[e].kind == &es_initial && net->element[e].p % 2 == 0)
                net->element[e].channel = (int)(channels++ % 2);
        keep(net, es_rule_initial, false);
        struct test_setting s = set_up(net, &kinds[0], &es_rhel, &es_twin, i ? "verlet" : "midpoint");
        double *input = ES_NEW(net->arena, net->channels * s.problem.grid.points, double);
        memcpy(input, s.example.input, net->channels * s.problem.grid.points * sizeof *input);
        input[0] = 0.8, input[s.problem.grid.points] = -1.7;
        s.example.input = input;
        double differences = to_differences(&s), adjoint = to_adjoint(&s), *continuous = ES_NEW(net->arena, net->parameters, double);
        double *forward = ES_NEW(net->arena, net->parameters, double);
        ck_assert_int_eq(es_continuous_gradient(&s.problem, s.theta, 1, &s.example, true, NULL, continuous, NULL), ES_OK);
        ck_assert_int_eq(es_continuous_gradient(&s.problem, s.theta, 1, &s.example, false, NULL, forward, NULL), ES_OK);
        s.problem.grid.substeps = 8;
        test_adjoint(&s);
        double to_continuous = test_distance(net, s.theta, s.adjoint, continuous), both = test_distance(net, s.theta, forward, continuous);
        printf("%s, inputs by initial states: to differences %.1e, to the adjoint %.1e; adjoint at 8 substeps to CVODES %.1e, whose two %.1e\n",
               s.problem.engine->scheme->row.name, differences, adjoint, to_continuous, both);
        ck_assert_double_lt(differences, 4e-9);
        ck_assert_double_lt(adjoint, 6e-10);
        ck_assert_double_lt(to_continuous, 1e-2);
        ck_assert_double_lt(both, 1e-9);
        test_tear_down(&s);
    }
}
END_TEST

// ---- heb -------------------------------------------------------------------------------------------------------------

// Initial fluxes, voltages, charges, and branches' own currents, of linear and nonlinear networks, with sources.
START_TEST(heb_is_exact) {
    static const char *const schemes[] = {"midpoint", "verlet"};
    for (int i = 0; i < 2; i++) {
        const struct test_kind *kind = &kinds[_i % 3];
        struct es_network *net = mixed(_i, kind->read);
        keep(net, es_rule_initial, true);
        struct test_setting s = set_up(net, kind, &es_heb, &es_twin, schemes[i]);
        double differences = to_differences(&s), adjoint = to_adjoint(&s);
        printf("heb, %s, %s, %zu initial states: to differences %.1e, to the adjoint %.1e\n", schemes[i], kind->cost->row.name, net->parameters, differences, adjoint);
        test_show(&s, s.slope, s.difference);
        ck_assert_double_lt(differences, 6e-9);
        ck_assert_double_lt(adjoint, 5e-9);
        test_tear_down(&s);
    }
}
END_TEST

// A nonlinear circuit at rest, whose kick is relative to what its outputs' deviations would store: nothing else has an energy.
START_TEST(heb_begins_at_rest) {
    const struct test_kind *kind = &kinds[_i];
    struct es_network *net = mixed(1, kind->read);
    keep(net, es_rule_initial, true);
    struct test_setting s = set_up(net, kind, &es_heb, &es_twin, "midpoint");
    memset(s.theta, 0, net->parameters * sizeof *s.theta);
    s.example.input = ES_NEW(net->arena, net->channels * s.problem.grid.points, double);
    double loss = test_gradient(&s, s.slope), adjoint = to_adjoint(&s);
    printf("heb, at rest, %s: loss %.3g, to the adjoint %.1e\n", kind->cost->row.name, loss, adjoint);
    ck_assert_double_gt(loss, 0);
    ck_assert_double_lt(adjoint, 1e-8);
    test_tear_down(&s);
}
END_TEST

START_TEST(heb_is_exact_in_ngspice) {
    struct es_network *net = mixed(_i + 1, kinds[_i].read);
    keep(net, es_rule_initial, true);
    struct test_setting s = set_up(net, &kinds[_i], &es_heb, &es_ngspice, NULL);
    s.problem.beta = 1e-4;
    double differences = to_differences(&s);
    printf("heb, ngspice, %s: to differences %.1e\n", kinds[_i].cost->row.name, differences);
    ck_assert_double_lt(differences, 7e-7);
    test_tear_down(&s);
}
END_TEST

static bool is_node_state(const struct es_network *net, size_t i) {
    return net->element[net->parameter[i].element].kind == &es_initial;
}

// Without branches that have states of their own the ends of the echoes are all that is read.
START_TEST(heb_integrates_nothing) {
    struct es_network *net = test_ring(false);
    const struct es_accumulator *none;
    struct es_model model;
    double theta[16];
    es_network_start(net, theta);
    ck_assert_int_eq(es_model_new(net, theta, net->arena, &model, NULL), ES_OK);
    ck_assert_uint_gt(es_heb.integrals(&model, net->arena, &none), 0);
    keep(net, is_node_state, true);
    ck_assert_uint_eq(es_heb.integrals(&model, net->arena, &none), 0);
    es_network_free(net);
}
END_TEST

// A step down the gradient lowers the loss by rate |g|^2, and the sign of either rule is that of its own descent.
START_TEST(a_step_descends) {
    const struct es_rule *rules[] = {&es_heb, &es_heb_self};
    for (int i = 0; i < 2; i++)
        for (int k = 0; k < 3; k++) {
            struct es_network *net = mixed(1, kinds[k].read);
            keep(net, i ? is_capacitance : es_rule_initial, i == 0);
            struct test_setting s = set_up(net, &kinds[k], rules[i], &es_twin, "verlet");
            double before, square = 0, after;
            struct es_free free = {.loss = &before}; // at fixed parameters
            ck_assert_int_eq(es_losses(&s.problem, s.theta, 1, &s.example, &free, NULL), ES_OK);
            test_gradient(&s, s.slope);
            for (size_t j = 0; j < net->parameters; j++)
                square += pow(s.slope[j] * es_parameter_slope(net, j, s.theta[j]), 2);
            for (size_t j = 0; j < net->parameters; j++) {
                double u = es_parameter_coordinate(net, j, s.theta[j]);
                s.theta[j] = es_parameter_value(net, j, u - 1e-6 * before / square * s.slope[j] * es_parameter_slope(net, j, s.theta[j]));
            }
            free.loss = &after;
            ck_assert_int_eq(es_losses(&s.problem, s.theta, 1, &s.example, &free, NULL), ES_OK);
            printf("%s, %s: a step lowers the loss by %.6f of what the gradient says\n", rules[i]->row.name, kinds[k].cost->row.name, (before - after) / (1e-6 * before));
            ck_assert_double_eq_tol((before - after) / (1e-6 * before), 1, 0.003);
            test_tear_down(&s);
        }
}
END_TEST

// ---- heb-self --------------------------------------------------------------------------------------------------------

// dL/dtheta at fixed state, against differences of L.
START_TEST(lagrangian_slopes) {
    struct es_network *net = test_mixed_network((uint64_t)_i + 1, 8, TEST_NONLINEAR, ES_READ_FLUX, false);
    double theta[256], slope[256] = {0}, flux[8], voltage[8], offset[256], current[256], x[2] = {0.7, -0.4};
    struct es_model model;
    es_network_start(net, theta);
    ck_assert_int_eq(es_model_new(net, theta, net->arena, &model, NULL), ES_OK);
    ck_assert_int_eq(es_model_start(&model, x, flux, voltage, offset, NULL), ES_OK);
    es_model_currents(&model, flux, offset, current);
    es_model_lagrangian_slope(&model, flux, voltage, x, offset, current, slope);
    double worst = 0, size = 0;
    for (size_t i = 0; i < net->parameters; i++) {
        double l[2], at = theta[i], step = 1e-4 * es_parameter_slope(net, i, at);
        for (int side = 0; side < 2; side++) {
            theta[i] = at + (side ? step : -step);
            ck_assert_int_eq(es_model_new(net, theta, net->arena, &model, NULL), ES_OK);
            l[side] = es_model_lagrangian(&model, flux, voltage, x, offset);
        }
        theta[i] = at;
        worst = fmax(worst, fabs((l[1] - l[0]) / 2 - slope[i] * step));
        size = fmax(size, fabs(slope[i] * step));
    }
    printf("dL/dtheta of %zu parameters: to differences %.1e\n", net->parameters, worst / size);
    ck_assert_double_lt(worst / size, 1e-7);
    es_network_free(net);
}
END_TEST

static struct test_setting self(int which, const struct test_kind *kind) {
    struct es_network *net = mixed(which, kind->read);
    keep(net, is_capacitance, false);
    return set_up(net, kind, &es_heb_self, &es_twin, "verlet");
}

// Circuit and parameters retrace their way, also where the parameters move a good deal.
START_TEST(everything_returns) {
    struct test_setting s = self(_i, &kinds[_i % 3]);
    for (double mass = 30; mass < 1e5; mass *= 10) {
        struct es_heb_return back;
        struct es_error error = {""};
        s.problem.mass = mass;
        ck_assert_msg(es_heb_self_return(&s.problem, s.theta, &s.example, &back, &error) == ES_OK, "%s", error.text);
        printf("heb-self, mass %g: u moves by %.1e; returns within flux %.1e, voltage %.1e, u %.1e, pi %.1e\n", mass, back.moved, back.flux, back.voltage, back.u, back.pi);
        ck_assert_double_lt(back.flux, 4e-14);
        ck_assert_double_lt(back.voltage, 4e-14);
        ck_assert_double_lt(back.pi, 4e-14);
        ck_assert_double_lt(back.u * back.moved, 4e-14); // of |u| up to 40
    }
    test_tear_down(&s);
}
END_TEST

// With constant inputs the energy of circuit and parameters together is kept, but for Verlet's O(h^2).
START_TEST(total_energy_is_kept) {
    struct test_setting s = self(1, &kinds[0]);
    double *input = ES_NEW(s.net->arena, s.net->channels * s.problem.grid.points, double), error[3];
    for (size_t i = 0; i < s.net->channels * s.problem.grid.points; i++)
        input[i] = 0.5;
    s.example.input = input;
    s.problem.mass = 30;
    for (int i = 0; i < 3; i++) {
        struct es_heb_return back;
        s.problem.grid.substeps = (size_t)4 << i;
        ck_assert_int_eq(es_heb_self_return(&s.problem, s.theta, &s.example, &back, NULL), ES_OK);
        error[i] = back.energy;
        printf("heb-self, %zu substeps: u moves by %.2g, energy drifts by %.2e\n", s.problem.grid.substeps, back.moved, back.energy);
    }
    ck_assert_double_eq_tol(error[0] / error[1], 4, 0.1);
    ck_assert_double_eq_tol(error[1] / error[2], 4, 0.1);
    test_tear_down(&s);
}
END_TEST

// The least-squares slope of ln y over ln x.
static double slope_of(size_t n, const double *x, const double *y) {
    double mx = 0, my = 0, xy = 0, xx = 0;
    for (size_t i = 0; i < n; i++) {
        mx += log(x[i]) / (double)n;
        my += log(y[i]) / (double)n;
    }
    for (size_t i = 0; i < n; i++) {
        xy += (log(x[i]) - mx) * (log(y[i]) - my);
        xx += (log(x[i]) - mx) * (log(x[i]) - mx);
    }
    return xy / xx;
}

// However light the modes are, the echo's momenta are the exact gradient of the loss of the circuit that moves.
START_TEST(the_gradient_is_that_of_the_moving_circuit) {
    struct test_setting s = self(_i, &kinds[_i % 3]);
    struct es_rule own = es_heb_self;
    struct es_heb_return back;
    s.problem.mass = 3;
    double to_fixed = to_adjoint(&s);
    ck_assert_int_eq(es_heb_self_return(&s.problem, s.theta, &s.example, &back, NULL), ES_OK);
    own.own_loss = &own; // differences of its own free solutions
    s.problem.rule = &own;
    double differences = to_differences(&s);
    printf("heb-self, %s, mass 3, u moves by %.1e: to differences of its own loss %.1e, to the adjoint at fixed u %.1e\n", s.problem.cost->row.name, back.moved,
           differences, to_fixed);
    ck_assert_double_lt(differences, 1e-7);
    ck_assert_double_gt(to_fixed, 1e-2);
    test_tear_down(&s);
}
END_TEST

// The gradient tends to that at fixed parameters as 1 / mass.
START_TEST(the_error_falls_with_the_mass) {
    static const double mass[] = {1e2, 1e4, 1e6};
    double error[3];
    struct test_setting s = self(_i, &kinds[_i % 3]);
    for (int i = 0; i < 3; i++) {
        s.problem.mass = mass[i];
        error[i] = to_adjoint(&s);
    }
    double slope = slope_of(3, mass, error);
    printf("heb-self, %s, %zu parameters: to the adjoint of Verlet %.2e, %.2e, %.2e at mass 1e2, 1e4, 1e6: slope %.4f\n", s.problem.cost->row.name,
           s.net->parameters, error[0], error[1], error[2], slope);
    ck_assert_double_eq_tol(slope, -1, 0.002);
    s.problem.mass = 1e9;
    double heavy = to_adjoint(&s), differences = to_differences(&s);
    test_show(&s, s.slope, s.difference);
    printf("    at mass 1e9: to the adjoint %.1e, to differences %.1e\n", heavy, differences);
    ck_assert_double_lt(heavy, 2e-8);
    ck_assert_double_lt(differences, 2e-8);
    test_tear_down(&s);
}
END_TEST

// ---- refusals --------------------------------------------------------------------------------------------------------

static void refused(const struct es_rule *rule, const struct es_problem *problem, const char *one, const char *two) {
    struct es_error error = {""};
    ck_assert_int_eq(rule->admits(problem, &error), ES_BAD_INPUT);
    ck_assert_msg(strstr(error.text, one) && strstr(error.text, two), "%s", error.text);
}

START_TEST(what_is_not_covered_is_refused) {
    struct test_setting s = self(1, &kinds[0]);
    struct es_problem other = s.problem;
    struct es_network *all = mixed(1, ES_READ_FLUX), *lossy = test_ring(false);
    refused(&es_heb, &s.problem, "is trained", "heb-self");
    other.cost = &es_flux_tracking;
    refused(&es_heb, &other, "flux-tracking", "rhel");
    refused(&es_heb_self, &other, "flux-tracking", "rhel");
    other = s.problem;
    other.net = all;
    refused(&es_heb_self, &other, "capacitance", "rhel");
    test_add(lossy, &es_conductance, 0, ES_GROUND, 1e-3, 0, 0);
    other.net = lossy;
    refused(&es_heb_self, &other, "conductance", "Hamiltonian");
    other.losses_allowed = true;
    refused(&es_heb_self, &other, "conductance", "Hamiltonian");
    keep(lossy, es_rule_initial, true);
    other.losses_allowed = false;
    refused(&es_heb, &other, "conductance", "not reversible");
    other = s.problem;
    other.reversal = &es_flip_fluxes;
    refused(&es_heb_self, &other, "flip-voltages", "flip-fluxes");
    static const struct es_engine_kind *const engines[] = {&es_ngspice, &es_twin};
    for (int i = 0; i < 2; i++) {
        other = s.problem;
        other.engine = test_engine(engines[i], s.net, NULL, 0);
        refused(&es_heb_self, &other, "verlet", other.engine->scheme->row.name);
        es_engine_close(other.engine);
    }
    es_network_free(all);
    es_network_free(lossy);
    test_tear_down(&s);
}
END_TEST

// ---- files, parity, XOR ----------------------------------------------------------------------------------------------

static const char one_bit[] = "<experiment name='x'><network><node name='a'/><capacitor name='c' node='a' value='1 nF'/>"
    "<inductor name='l' node='a' value='1 uH' trainable='yes' min='0.1 uH' max='10 uH'/>%s<output name='o' node='a' read='voltage'/></network>"
    "<task kind='parity' %s interval='1 ns' points='2' target='0.1 V'/><learning cost='%s' rule='heb-self'/></experiment>";

static enum es_status read_text(const char *initial, const char *bits, const char *cost, struct es_experiment **x, struct es_error *error) {
    char text[1500];
    int size = snprintf(text, sizeof text, one_bit, initial, bits, cost);
    return es_experiment_parse(text, (size_t)size, "x.xml", NULL, x, error);
}

static enum es_status load(const struct es_experiment *x, struct es_dataset *set, struct es_error *error) {
    const struct es_roles roles = {x->net->channels, x->net->channel, x->net->outputs, x->net->classes, x->net->class};
    return x->task.kind->load(&x->task, NULL, &roles, set, error);
}

START_TEST(a_channel_stands_in_the_file) {
    struct es_experiment *x;
    struct es_error error = {""};
    ck_assert_msg(read_text("<initial node='a' voltage='0.1 V' channel='s'/>", "bits='1'", "terminal-voltage", &x, &error) == ES_OK, "%s", error.text);
    ck_assert_uint_eq(x->net->channels, 1);
    ck_assert_str_eq(x->net->channel[0], "s");
    ck_assert_int_eq(x->net->element[x->net->elements - 1].channel, 0);
    ck_assert_double_eq(x->mass, 1e6);
    es_experiment_free(x);
    ck_assert_int_eq(read_text("<initial node='a' voltage='0.1 V' channel='s'><train quantity='voltage' min='-1 V' max='1 V'/></initial>", "bits='1'",
                               "terminal-voltage", &x, &error), ES_BAD_INPUT);
    ck_assert_msg(strstr(error.text, "x.xml:1: <initial>") && strstr(error.text, "channel = \"s\"") && strstr(error.text, "voltage cannot be trained"), "%s", error.text);
}
END_TEST

START_TEST(parity_is_that_of_all_words) {
    static const char *const class[] = {"odd", "even"}, *const channel[] = {"x", "bias", "y", "z"};
    struct es_task task = {.kind = &es_parity, .interval = 1, .points = 3, .amplitude = 2, .target = 5, .bits = 3, .line = 7};
    struct es_roles roles = {4, channel, 2, 2, class};
    struct es_dataset set;
    double input[12], sum = 0;
    ck_assert_int_eq(es_parity.load(&task, NULL, &roles, &set, NULL), ES_OK);
    ck_assert_uint_eq(set.samples, 8);
    ck_assert(set.signs);
    for (size_t i = 0; i < 8; i++) {
        es_dataset_window(&set, i, false, 1, 0, input);
        double product = 1;
        for (size_t c = 0; c < 4; c++) {
            ck_assert(input[3 * c] == input[3 * c + 1] && input[3 * c] == input[3 * c + 2] && fabs(input[3 * c]) == (c == 1 ? 1 : 2));
            product *= c == 1 ? 1 : input[3 * c] / 2;
        }
        for (size_t n = 0; n < 6; n++) // of three bits: odd where the product of the signs is positive
            ck_assert_double_eq(set.sample[i].target[n], 5 * product);
        ck_assert_str_eq(set.class[set.sample[i].label], product > 0 ? "odd" : "even");
        sum += input[0] + 10 * input[6] + 100 * input[9];
    }
    ck_assert_double_eq(sum, 0);
    es_dataset_free(&set);
}
END_TEST

START_TEST(bad_parity_is_refused) {
    static const char *const class[] = {"even", "other"}, *const channel[] = {"x", "y"};
    const struct es_task good = {.kind = &es_parity, .interval = 1, .points = 2, .amplitude = 1, .target = 1, .bits = 2, .line = 7};
    const struct es_roles roles = {2, channel, 1, 0, NULL}, other = {2, channel, 1, 2, class}, one = {1, channel, 1, 0, NULL};
    struct es_task task = good;
    struct es_dataset set;
    struct es_error error;
    ck_assert_int_eq(es_parity.load(&good, NULL, &other, &set, &error), ES_BAD_INPUT);
    ck_assert_ptr_nonnull(strstr(error.text, "line 7: no output of the network has the class \"odd\""));
    ck_assert_int_eq(es_parity.load(&good, NULL, &one, &set, &error), ES_BAD_INPUT);
    ck_assert_ptr_nonnull(strstr(error.text, "1 channels besides the bias, and the words of parity have 2 bits"));
    for (int i = 0; i < 4; i++) {
        static const char *const says[] = {"bits is 0", "bits is 17", "amplitude is 0 V", "target inf"};
        task = good;
        task.bits = i == 0 ? 0 : i == 1 ? 17 : 2;
        task.amplitude = i != 2;
        task.target = i == 3 ? INFINITY : 1;
        ck_assert_int_eq(es_parity.load(&task, NULL, &roles, &set, &error), ES_BAD_INPUT);
        ck_assert_msg(strstr(error.text, says[i]), "%s", error.text);
    }
}
END_TEST

static const char *shipped(const char *name) {
    static char path[500];
    const char *const places[] = {getenv("ES_NETLISTS"), "netlists", "../netlists", "../../netlists"};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        snprintf(path, sizeof path, "%s/%s", places[i] ? places[i] : "", name);
        if (access(path, R_OK) == 0)
            return path;
    }
    ck_abort_msg("netlists/%s is not found; run from the repository, or set ES_NETLISTS", name);
}

static enum es_status go_on(void *context, const struct es_state *state, const struct es_metrics *update, const struct es_metrics *epoch, struct es_error *error) {
    (void)context, (void)state, (void)update, (void)epoch, (void)error;
    return ES_OK;
}

// From ten draws of its inductances the circuit teaches itself XOR; untrained it never knows all four answers.
START_TEST(xor_is_learned) {
    struct es_arena *arena = es_arena_new();
    struct es_experiment *x;
    struct es_dataset set;
    struct es_engine *engine;
    struct es_training training;
    struct es_evaluation before, after;
    struct es_error error = {""};
    uint64_t seed = (uint64_t)_i;
    ck_assert_msg(es_experiment_read(shipped("xor.xml"), &seed, &x, &error) == ES_OK, "%s", error.text);
    ck_assert_ptr_eq(x->rule, &es_heb_self);
    ck_assert_int_eq(load(x, &set, &error), ES_OK);
    engine = test_engine(x->engine, x->net, x->scheme->row.name, 0);
    ck_assert_int_eq(es_training_prepare(&training, x, &set, engine, 0, arena, &error), ES_OK);
    ck_assert_msg(x->rule->admits(&training.problem, &error) == ES_OK, "%s", error.text);
    training.updated = go_on;
    struct es_state state = es_state_new(x->net, arena);
    double *theta = ES_NEW(arena, x->net->parameters, double);
    es_network_start(x->net, theta);
    double first = theta[0];
    ck_assert_int_eq(es_evaluate(&training.problem, &set, SIZE_MAX, theta, arena, &before, &error), ES_OK);
    ck_assert_msg(es_train(&training, &state, &error) == ES_OK, "%s", error.text);
    es_state_theta(x->net, &state, theta);
    ck_assert_int_eq(es_evaluate(&training.problem, &set, SIZE_MAX, theta, arena, &after, &error), ES_OK);
    training.problem.grid.substeps *= 8;
    printf("XOR, seed %d, from %.4g uH: %zu of 4 right, NMSE %.2g; trained %zu of 4, NMSE %.2g", _i, 1e6 * first, before.right, before.nmse, after.right, after.nmse);
    ck_assert(before.judged && after.judged && before.right < 4);
    ck_assert_uint_eq(after.right, 4);
    ck_assert_int_eq(es_evaluate(&training.problem, &set, SIZE_MAX, theta, arena, &after, &error), ES_OK);
    printf("; at an 8 times finer step %zu of 4, NMSE %.2g\n", after.right, after.nmse);
    ck_assert_uint_eq(after.right, 4);
    es_engine_close(engine);
    es_dataset_free(&set);
    es_experiment_free(x);
    es_arena_free(arena);
}
END_TEST

Suite *test_suite(void) {
    Suite *suite = suite_create("heb");
    TCase *tests = tcase_create("heb");
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, a_channel_scales_the_initial_state);
    tcase_add_test(tests, references_start_with_the_channel);
    tcase_add_loop_test(tests, heb_is_exact, 0, 12);
    tcase_add_loop_test(tests, heb_begins_at_rest, 0, 3);
    tcase_add_loop_test(tests, heb_is_exact_in_ngspice, 0, 3);
    tcase_add_test(tests, heb_integrates_nothing);
    tcase_add_test(tests, a_step_descends);
    tcase_add_loop_test(tests, lagrangian_slopes, 0, 6);
    tcase_add_loop_test(tests, everything_returns, 0, 6);
    tcase_add_test(tests, total_energy_is_kept);
    tcase_add_loop_test(tests, the_gradient_is_that_of_the_moving_circuit, 0, 6);
    tcase_add_loop_test(tests, the_error_falls_with_the_mass, 0, 6);
    tcase_add_test(tests, what_is_not_covered_is_refused);
    tcase_add_test(tests, a_channel_stands_in_the_file);
    tcase_add_test(tests, parity_is_that_of_all_words);
    tcase_add_test(tests, bad_parity_is_refused);
    tcase_add_loop_test(tests, xor_is_learned, 1, 11);
    suite_add_tcase(suite, tests);
    return suite;
}
