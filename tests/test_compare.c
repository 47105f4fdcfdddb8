// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// Trials and what they are measured by: gradients against finite differences, energies against closed forms, statistics, the store.
#include "runner.h"
#include "support.h"

#include "learn/comparison.h"
#include "store/comparison.h"
#include "xml/xml.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// A node of 1 nF at 1 V with 1 mS to ground, and next to no inductor: 0.5 nJ that are gone after 20 us. The input and what is nudged are next to nothing.
static const char decay[] =
    "<experiment name='decay'><network><node name='n'/><capacitor name='c' node='n' value='1 nF'/><conductance name='g' node='n' value='1 mS'/>"
    "<inductor name='l' node='n' value='1 kH' trainable='yes' min='0.1 kH' max='10 kH'/><input name='x' node='n' channel='signal' value='1 pS'/>"
    "<output name='o' node='n' read='flux'/><initial node='n' voltage='1 V'/></network>"
    "<task kind='sines' interval='20 ns' points='1001' frequency='1 MHz' samples='6' target='1 nWb'/>"
    "<learning cost='flux-tracking' rule='rhel' losses='allowed' beta='1e-3' rate='1e-9' epochs='2' batch='3' optimiser='sgd'/>"
    "<engine name='twin' scheme='midpoint'/></experiment>";

// 2 mA in 1 uH with 10 Ohm, and 1 V on 1 pF with 1 uS: 2 pJ and 0.5 pJ that are gone, at a node that nothing moves.
static const char own_losses[] =
    "<experiment name='own'><network><node name='n'/><capacitor name='c' node='n' value='1 F'/>"
    "<inductor name='l' node='n' value='1 uH' current='2 mA' resistance='10 Ohm' trainable='yes' min='0.1 uH' max='10 uH'/>"
    "<gyrator name='g' node='n' gm1='1 uS' gm2='3 uS' CL='1 pF' voltage='1 V' leakage='1 uS'/>"
    "<input name='x' node='n' channel='signal' value='1 pS'/><output name='o' node='n' read='flux'/></network>"
    "<task kind='sines' interval='20 ns' points='1001' frequency='1 MHz' samples='6' target='1 nWb'/>"
    "<learning cost='flux-tracking' rule='rhel' losses='allowed' beta='1e-3' rate='1e-9' epochs='1' batch='3' optimiser='sgd'/>"
    "<engine name='twin' scheme='midpoint'/></experiment>";

static const char ring[] =
    "<experiment name='ring'><network><ring nodes='5' name='n' seed='2'><capacitor at='node' value='1 nF'/>"
    "<inductor at='node' value='1 uH .. 2 uH' trainable='yes' min='0.2 uH' max='20 uH'/>"
    "<inductor at='neighbours' value='1 uH .. 2 uH' trainable='yes' min='0.2 uH' max='20 uH'/></ring>"
    "<input name='x' node='n0' channel='signal' value='1 mS'/><output name='o' node='n2' read='flux'/></network>"
    "<task kind='sines' interval='5 ns' points='81' frequency='5 MHz' samples='7' target='2 nWb'/>"
    "<learning cost='flux-tracking' rule='civp' beta='1e-3' rate='0.01' epochs='3' batch='4'/>"
    "<engine name='twin' scheme='midpoint'/></experiment>";

struct fixture {
    struct es_experiment *experiment;
    struct es_dataset set;
    struct es_trial trial;
    double measure[ES_MEASURES], loss[8], done;
    size_t epochs;
};

static void note_epoch(void *context, uint64_t number, double loss, double accuracy) {
    struct fixture *f = context;
    ck_assert_uint_eq(number, f->epochs);
    ck_assert(isnan(accuracy)); // nothing is labelled
    f->loss[f->epochs++] = loss;
}

static void note_progress(void *context, double done) {
    struct fixture *f = context;
    ck_assert(done > f->done && done <= 1);
    f->done = done;
}

static void set_up(struct fixture *f, const char *text) {
    struct es_error error = {""};
    *f = (struct fixture){.epochs = 0};
    ck_assert_msg(es_experiment_parse(text, strlen(text), "test", NULL, &f->experiment, &error) == ES_OK, "%s", error.text);
    const struct es_network *net = f->experiment->net;
    struct es_roles roles = {net->channels, net->channel, net->outputs, net->classes, net->class};
    ck_assert_msg(f->experiment->task.kind->load(&f->experiment->task, NULL, &roles, &f->set, &error) == ES_OK, "%s", error.text);
    f->trial = (struct es_trial){.experiment = f->experiment, .set = &f->set, .substeps = 2, .samples = 4, .progress = note_progress, .epoch = note_epoch, .context = f};
}

static void run(struct fixture *f) {
    struct es_error error = {""};
    ck_assert_msg(es_trial_run(&f->trial, f->measure, &error) == ES_OK, "%s", error.text);
    ck_assert_uint_eq(f->epochs, f->experiment->epochs);
    ck_assert_double_eq(f->done, 1);
}

static void tear_down(struct fixture *f) {
    es_dataset_free(&f->set);
    es_experiment_free(f->experiment);
}

START_TEST(energies_are_those_of_a_decay) {
    struct fixture f;
    set_up(&f, decay);
    run(&f);
    ck_assert_double_eq_tol(f.measure[ES_INFERENCE_ENERGY], 0.5e-9, 0.5e-9 * 1e-5);           // C V^2 / 2
    ck_assert_double_eq_tol(f.measure[ES_UPDATE_ENERGY], 3 * 0.5e-9, 3 * 0.5e-9 * 1e-4);      // the echoes begin with nothing; a batch of 3
    ck_assert(isnan(f.measure[ES_PULSES]) && isnan(f.measure[ES_TEST_ACCURACY]));
    double decayed = f.measure[ES_RETRACE];
    ck_assert_double_eq_tol(decayed, 1, 1e-4); // nothing returns
    tear_down(&f);
}
END_TEST

static const char card_text[] = "<device name='d'><update model='constant' step='0.01' min='-1' max='1' source='test'/><energy pulse='1 pJ' source='test'/></device>";

START_TEST(inductors_and_gyrators_dissipate) {
    struct fixture f;
    set_up(&f, own_losses);
    run(&f);
    ck_assert_double_eq_tol(f.measure[ES_INFERENCE_ENERGY], 2.5e-12, 2.5e-12 * 1e-6); // L I^2 / 2 + CL W^2 / 2
    tear_down(&f);
}
END_TEST

START_TEST(pulses_take_energy) {
    struct fixture f;
    struct es_card *card;
    struct es_error error = {""};
    ck_assert_msg(es_card_parse(card_text, strlen(card_text), "card", &card, &error) == ES_OK, "%s", error.text);
    ck_assert_double_eq(card->energy, 1e-12);
    set_up(&f, decay);
    f.experiment->optimiser = es_row_find(es_optimisers, "adam"); // whose steps do not depend on the size of the gradient
    f.experiment->rate = 0.3;
    f.trial.device = card;
    run(&f);
    ck_assert_double_ge(f.measure[ES_PULSES], 1);
    double pulses = f.measure[ES_PULSES] / 4, passes = 3 * 0.5e-9; // 4 updates
    ck_assert_double_eq_tol(f.measure[ES_UPDATE_ENERGY], passes + pulses * card->energy, passes * 1e-3);
    tear_down(&f);
    es_card_free(card);
}
END_TEST

// What a trial says of the start against a gradient in `engine` and finite differences in the plain twin.
static void check_start(struct fixture *f, struct es_engine *engine, struct es_engine *plain) {
    struct es_error error = {""};
    struct es_arena *arena = es_arena_new();
    struct es_training training;
    const struct es_network *net = f->experiment->net;
    f->experiment->substeps = 2;
    ck_assert(es_training_prepare(&training, f->experiment, &f->set, engine, 0, arena, &error) == ES_OK);
    double *theta = ES_NEW(arena, net->parameters, double), *exact = ES_NEW(arena, net->parameters, double), more = 0, less = 0;
    struct es_gradient gradient = {.slope = ES_NEW(arena, net->parameters, double)};
    struct es_example example[4];
    static const size_t spaced[4] = {0, 1, 3, 5}; // of 7
    for (size_t i = 0; i < 4; i++)
        example[i] = es_centre_example(&f->set, spaced[i], arena);
    es_network_start(net, theta);
    ck_assert(es_gradient(&training.problem, theta, 4, example, &gradient, &error) == ES_OK);
    training.problem.rule = &es_rhel;
    training.problem.engine = plain;
    ck_assert(es_finite_differences(&training.problem, theta, 4, example, 1e-4, exact, &error) == ES_OK);
    double cosine = test_cosine(net, theta, gradient.slope, exact);
    ck_assert_double_lt(cosine, 0.99);
    ck_assert_double_eq_tol(f->measure[ES_START_COSINE], cosine, 1e-6);
    for (size_t i = 0; i < net->parameters; i++) {
        more += pow(gradient.slope[i] * es_parameter_slope(net, i, theta[i]), 2);
        less += pow(exact[i] * es_parameter_slope(net, i, theta[i]), 2);
    }
    ck_assert_double_eq_tol(f->measure[ES_START_NORM], sqrt(more / less), 1e-6);
    ck_assert_double_ne(f->measure[ES_START_COSINE], f->measure[ES_END_COSINE]);
    es_arena_free(arena);
}

// civp is far from the exact gradient, by as much as finite differences say.
START_TEST(agreement_is_that_of_differences) {
    struct fixture f;
    set_up(&f, ring);
    run(&f);
    struct es_engine *engine = test_engine(&es_twin, f.experiment->net, "midpoint", 1);
    check_start(&f, engine, engine);
    ck_assert(isnan(f.measure[ES_RETRACE]) && isnan(f.measure[ES_INFERENCE_ENERGY])); // nothing runs backwards, nothing dissipates
    es_engine_close(engine);
    tear_down(&f);
}
END_TEST

static void write_lossy(char text[sizeof ring + 128]) {
    const char *element = strstr(ring, "<inductor");
    snprintf(text, sizeof ring + 128, "%.*s<conductance at='node' value='0.2 mS'/>%s", (int)(element - ring), ring, element);
}

// The rule is measured on the circuit as used; the exact gradient knows no converter.
START_TEST(exact_gradients_are_not_rounded) {
    struct fixture f;
    struct es_error error = {""};
    struct es_chip chip;
    char text[sizeof ring + 128];
    write_lossy(text);
    set_up(&f, text);
    f.experiment->rule = &es_rhel;
    ck_assert_msg(es_chip_parse("integral-bits=6,output-bits=6", 1, f.experiment->net->arena, &chip, &error) == ES_OK, "%s", error.text);
    f.trial.chip = &chip;
    run(&f);
    struct es_engine *plain = test_engine(&es_twin, f.experiment->net, "midpoint", 1), *used = test_engine(&es_twin, f.experiment->net, "midpoint", 1);
    ck_assert(es_chip_open(&chip, used, &used, &error) == ES_OK && used != plain);
    f.experiment->losses_allowed = true;
    check_start(&f, used, plain);
    es_engine_close(used);
    es_engine_close(plain);
    tear_down(&f);
}
END_TEST

// With losses the rule reciprocal is exact, by finite differences.
START_TEST(lossy_networks_have_an_exact_gradient) {
    struct fixture f;
    char text[sizeof ring + 128];
    write_lossy(text);
    set_up(&f, text);
    f.experiment->rule = &es_reciprocal;
    run(&f);
    ck_assert_double_ge(f.measure[ES_START_COSINE], 1 - 1e-9);
    ck_assert_double_ge(f.measure[ES_END_COSINE], 1 - 1e-9);
    ck_assert_double_eq_tol(f.measure[ES_END_NORM], 1, 1e-5);
    ck_assert(f.measure[ES_INFERENCE_ENERGY] > 0 && f.measure[ES_UPDATE_ENERGY] >= 4 * f.measure[ES_INFERENCE_ENERGY]); // of a batch
    tear_down(&f);
}
END_TEST

// It knows of losses that follow what is trained, in its own element and beside it.
START_TEST(losses_that_follow_are_in_the_exact_gradient) {
    static const char *const chips[2] = {"q-series=8", "gain=8"};
    char text[sizeof ring + 128];
    const char *element = strstr(ring, "<inductor"), *rest = strstr(element + 1, "<inductor");
    snprintf(text, sizeof text, "%.*s<gyrator at='node' gm1='1 mS' gm2='0.5 mS .. 1 mS' CL='1 pF' trainable='yes' min='0.1 mS' max='10 mS'/>%s", (int)(element - ring),
             ring, rest);
    struct fixture f;
    struct es_error error = {""};
    struct es_chip chip;
    set_up(&f, text);
    struct es_network *ideal = f.experiment->net, *made;
    f.experiment->rule = &es_rhel;
    ck_assert_msg(es_chip_parse(chips[_i], 1, ideal->arena, &chip, &error) == ES_OK, "%s", error.text);
    f.trial.chip = &chip;
    run(&f);
    ck_assert_msg(es_chip_network(&chip, ideal, ideal->arena, &made, &error) == ES_OK, "%s", error.text);
    struct es_engine *engine = test_engine(&es_twin, made, "midpoint", 1);
    f.experiment->losses_allowed = true;
    f.experiment->net = made;
    check_start(&f, engine, engine);
    f.experiment->net = ideal;
    es_engine_close(engine);
    tear_down(&f);
}
END_TEST

START_TEST(exact_rules_agree) {
    struct fixture f;
    set_up(&f, ring);
    f.experiment->rule = &es_rhel;
    f.experiment->beta = 1e-5;
    run(&f);
    ck_assert_double_ge(f.measure[ES_START_COSINE], 1 - 1e-9);
    ck_assert_double_ge(f.measure[ES_END_COSINE], 1 - 1e-9);
    ck_assert_double_eq_tol(f.measure[ES_END_NORM], 1, 1e-5);
    ck_assert_double_lt(f.measure[ES_RETRACE], 1e-12);
    tear_down(&f);
}
END_TEST

static void make_comparison(struct es_comparison *c, struct es_arena *arena) {
    static struct es_condition conditions[2] = {{"none", "", "", NAN}, {"none", "beta", "", 0.1}};
    static uint64_t seeds[4] = {7, 8, 9, 10};
    static size_t folds[4] = {0, 1, 0, 1};
    *c = (struct es_comparison){.conditions = 2, .seeds = 4, .epochs = 3, .loss_unit = "nat", .condition = conditions, .seed = seeds, .fold = folds};
    es_comparison_new(c, arena);
}

START_TEST(statistics_leave_out_what_is_not_there) {
    struct es_arena *arena = es_arena_new();
    struct es_comparison c;
    make_comparison(&c, arena);
    for (size_t i = 0; i < 3; i++)
        es_comparison_outcome(&c, 1, i + (i > 0))->measure[ES_TEST_LOSS] = 1e9 + (double)i;
    struct es_statistic s = es_comparison_measure(&c, 1, ES_TEST_LOSS), none = es_comparison_measure(&c, 0, ES_TEST_LOSS);
    ck_assert_uint_eq(s.count, 3);
    ck_assert_double_eq_tol(s.mean, 1e9 + 1, 1e-6);
    ck_assert_double_eq_tol(s.deviation, 1, 1e-6);
    ck_assert(none.count == 0 && isnan(none.mean) && isnan(none.deviation));
    es_arena_free(arena);
}
END_TEST

START_TEST(stores_keep_every_bit) {
    struct es_arena *arena = es_arena_new();
    struct es_comparison c, read;
    struct es_store *store;
    struct es_error error = {""};
    char path[] = "/tmp/es_compareXXXXXX";
    static const char *const fact[][2] = {{"--seeds", "4"}, {"--chip", NULL}}, *const other[][2] = {{"--seeds", "4"}, {"--chip", "offset=1"}};
    close(mkstemp(path));
    remove(path);
    make_comparison(&c, arena);
    struct es_outcome *outcome = es_comparison_outcome(&c, 1, 2);
    *outcome = (struct es_outcome){true, "why", {[ES_TEST_LOSS] = 0.1 + 0.2, [ES_PULSES] = NAN, [ES_UPDATE_ENERGY] = INFINITY}, outcome->loss, outcome->accuracy, 1.5};
    outcome->loss[0] = 1. / 3;
    ck_assert_msg(es_comparison_create(path, &c, 2, fact, &store, &error) == ES_OK, "%s", error.text);
    ck_assert_msg(es_comparison_put(store, &c, 1, 2, &error) == ES_OK, "%s", error.text);
    es_store_close(store);
    ck_assert(es_comparison_open(path, false, &store, &error) == ES_OK);
    ck_assert(es_comparison_same(store, path, 2, fact, &error) == ES_OK);
    ck_assert(es_comparison_same(store, path, 2, other, &error) == ES_BAD_INPUT && strstr(error.text, "--chip \"\", not \"offset=1\""));
    ck_assert(es_comparison_read(store, arena, &read, &error) == ES_OK);
    ck_assert(read.conditions == 2 && read.seeds == 4 && read.epochs == 3 && es_comparison_ended(&read) == 1);
    ck_assert(read.seed[3] == 10 && read.fold[3] == 1 && strcmp(read.condition[1].key, "beta") == 0 && read.condition[1].value == 0.1);
    const struct es_outcome *got = es_comparison_outcome(&read, 1, 2);
    ck_assert(got->ended && strcmp(got->reason, "why") == 0 && got->measure[ES_TEST_LOSS] == 0.1 + 0.2 && isnan(got->measure[ES_PULSES]));
    ck_assert(isinf(got->measure[ES_UPDATE_ENERGY]) && got->loss[0] == 1. / 3 && isnan(got->loss[1]) && got->seconds == 1.5);
    es_store_close(store);
    remove(path);
    es_arena_free(arena);
}
END_TEST

// Two processes that begin the same store: one of them has it.
START_TEST(stores_are_not_replaced) {
    struct es_arena *arena = es_arena_new();
    struct es_comparison c;
    struct es_store *first, *second;
    struct es_error error = {""};
    char path[] = "/tmp/es_compareXXXXXX";
    close(mkstemp(path));
    remove(path);
    make_comparison(&c, arena);
    ck_assert_msg(es_comparison_create(path, &c, 0, NULL, &first, &error) == ES_OK, "%s", error.text);
    ck_assert(es_comparison_create(path, &c, 0, NULL, &second, &error) == ES_NO_RESOURCE && strstr(error.text, "another process"));
    es_comparison_outcome(&c, 0, 0)->ended = true;
    ck_assert(es_comparison_put(first, &c, 0, 0, &error) == ES_OK);
    es_store_close(first);
    ck_assert(es_comparison_open(path, false, &second, &error) == ES_OK && es_comparison_read(second, arena, &c, &error) == ES_OK);
    ck_assert_uint_eq(es_comparison_ended(&c), 1);
    es_store_close(second);
    remove(path);
    es_arena_free(arena);
}
END_TEST

Suite *test_suite(void) {
    Suite *suite = suite_create("compare");
    TCase *all = tcase_create("all");
    tcase_set_timeout(all, 60);
    tcase_add_test(all, energies_are_those_of_a_decay);
    tcase_add_test(all, inductors_and_gyrators_dissipate);
    tcase_add_test(all, pulses_take_energy);
    tcase_add_test(all, agreement_is_that_of_differences);
    tcase_add_test(all, exact_gradients_are_not_rounded);
    tcase_add_test(all, lossy_networks_have_an_exact_gradient);
    tcase_add_loop_test(all, losses_that_follow_are_in_the_exact_gradient, 0, 2);
    tcase_add_test(all, exact_rules_agree);
    tcase_add_test(all, statistics_leave_out_what_is_not_there);
    tcase_add_test(all, stores_keep_every_bit);
    tcase_add_test(all, stores_are_not_replaced);
    suite_add_tcase(suite, all);
    return suite;
}
