// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// Training, its store and its taking up again: losses fall, engines agree, and the bits do not depend on interruptions.
#include "runner.h"
#include "support.h"

#include "learn/train.h"
#include "store/store.h"
#include "xml/xml.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// A small experiment: six gyrator oscillators in a ring, synthetic vowels.
static const char text[] =
    "<experiment name='small'><network><ring nodes='6' name='n' seed='3'>"
    "<capacitor at='node' value='1 pF'/>"
    "<gyrator at='node' gm1='10 uS' gm2='1 uS .. 20 uS' CL='1 pF' trainable='yes' min='0.1 uS' max='100 uS'/>"
    "<gyrator at='neighbours' gm1='1 uS' gm2='0.3 uS .. 0.5 uS' CL='1 pF' trainable='yes' min='0.05 uS' max='5 uS'/>"
    "<input at='node' channel='audio' value='0 S +- 3 uS' trainable='yes' min='-20 uS' max='20 uS'/>"
    "<output at='random' count='2' read='voltage' class='ae'/>"
    "<output at='random' count='2' read='voltage' class='ei'/>"
    "<output at='random' count='2' read='voltage' class='iy'/>"
    "</ring></network>"
    "<task kind='formants' interval='100 ns' points='150' rate='10 kHz' speakers='8' test-speakers='2' seed='1'/>"
    "<learning cost='energy-crossentropy' rule='echo' beta='1e-2' optimiser='adam' schedule='cosine' rate='0.05' epochs='7' batch='8' seed='1'/>"
    "<engine name='twin' scheme='midpoint' substeps='4'/></experiment>";

struct session {
    struct es_experiment *experiment;
    struct es_dataset set;
    struct es_engine *engine;
    struct es_training training;
    struct es_arena *arena;
    struct es_store *store;  // or NULL
    uint64_t stop;           // after this update, 0: never
    double loss[64];
};

static enum es_status updated(void *context, const struct es_state *state, const struct es_metrics *update, const struct es_metrics *epoch,
                              struct es_error *error) {
    struct session *s = context;
    (void)epoch;
    if (state->update <= 64)
        s->loss[state->update - 1] = update->loss;
    if (s->store && es_store_update(s->store, s->experiment->net, state, update, error) != ES_OK)
        return ES_NO_RESOURCE;
    return state->update == s->stop ? es_fail(error, ES_INTERRUPTED, "stopped") : ES_OK;
}

static void open_session(struct session *s, const struct es_engine_kind *kind, size_t jobs, size_t batch) {
    struct es_error error = {""};
    *s = (struct session){.arena = es_arena_new()};
    ck_assert_msg(es_experiment_parse(text, strlen(text), "small.xml", NULL, &s->experiment, &error) == ES_OK, "%s", error.text);
    struct es_experiment *x = s->experiment;
    if (batch)
        x->batch = batch;
    const struct es_roles roles = {x->net->channels, x->net->channel, x->net->outputs, x->net->classes, x->net->class};
    ck_assert_int_eq(x->task.kind->load(&x->task, NULL, &roles, &s->set, &error), ES_OK);
    s->engine = test_engine(kind, x->net, NULL, jobs);
    ck_assert_int_eq(es_training_prepare(&s->training, x, &s->set, s->engine, 0, s->arena, &error), ES_OK);
    s->training.updated = updated;
    s->training.context = s;
}

static void close_session(struct session *s) {
    es_engine_close(s->engine);
    es_dataset_free(&s->set);
    es_experiment_free(s->experiment);
    es_arena_free(s->arena);
}

START_TEST(loss_falls) {
    struct session s;
    open_session(&s, &es_twin, 1, 0);
    s.experiment->epochs = 15;
    s.training.updates = 45;
    struct es_state state = es_state_new(s.experiment->net, s.arena);
    struct es_error error = {""};
    ck_assert_msg(es_train(&s.training, &state, &error) == ES_OK, "%s", error.text);
    double first = (s.loss[0] + s.loss[1] + s.loss[2]) / 3, last = (s.loss[42] + s.loss[43] + s.loss[44]) / 3;
    printf("training in the twin: loss %.4f to %.4f\n", first, last);
    ck_assert_double_lt(last, 0.8 * first);
    close_session(&s);
}
END_TEST

// The same start, the same samples: the loss curves of the two engines over the first 20 updates.
START_TEST(engines_learn_alike) {
    double loss[2][20], worst = 0;
    for (int i = 0; i < 2; i++) {
        struct session s;
        open_session(&s, i ? &es_ngspice : &es_twin, 0, 8);
        s.stop = 20;
        struct es_state state = es_state_new(s.experiment->net, s.arena);
        struct es_error error = {""};
        ck_assert_msg(es_train(&s.training, &state, &error) == ES_INTERRUPTED, "%s", error.text);
        memcpy(loss[i], s.loss, sizeof loss[i]);
        close_session(&s);
    }
    for (int i = 0; i < 20; i++)
        worst = fmax(worst, fabs(loss[0][i] / loss[1][i] - 1));
    printf("loss curves of twin and ngspice differ by %.1e over 20 updates\n", worst);
    ck_assert_double_lt(worst, 1e-7);
}
END_TEST

static void run_to_end(const struct es_engine_kind *kind, size_t jobs, double *u, size_t *count) {
    struct session s;
    open_session(&s, kind, jobs, 0);
    struct es_state state = es_state_new(s.experiment->net, s.arena);
    ck_assert_int_eq(es_train(&s.training, &state, NULL), ES_OK);
    *count = s.experiment->net->parameters;
    memcpy(u, state.u, *count * sizeof *u);
    close_session(&s);
}

START_TEST(same_bits_for_any_number_of_workers) {
    const struct es_engine_kind *kind = _i ? &es_ngspice : &es_twin;
    double one[64], two[64];
    size_t count;
    run_to_end(kind, 1, one, &count);
    run_to_end(kind, 2, two, &count);
    ck_assert_mem_eq(one, two, count * sizeof *one);
}
END_TEST

// Stopped after every single update and taken up from the store by a new session: the same bits as without.
START_TEST(resume_to_the_same_bits) {
    char path[] = "/tmp/es_test_XXXXXX", out[64];
    ck_assert_ptr_nonnull(mkdtemp(path));
    snprintf(out, sizeof out, "%s/run.db", path);
    double whole[64], *pieces = NULL;
    size_t count;
    run_to_end(&es_twin, 0, whole, &count);
    struct session s;
    struct es_error error = {""};
    enum es_status status = ES_INTERRUPTED;
    for (uint64_t stop = 1; status == ES_INTERRUPTED; stop++) {
        open_session(&s, &es_twin, 0, 0);
        ck_assert_msg((stop == 1 ? es_store_create(out, s.experiment->net, 0, NULL, &s.store, &error) : es_store_open(out, true, &s.store, &error)) == ES_OK,
                      "%s", error.text);
        s.stop = stop;
        struct es_state state = es_state_new(s.experiment->net, s.arena);
        ck_assert_int_eq(es_store_state(s.store, s.experiment->net, &state, &error), ES_OK);
        ck_assert_uint_eq(state.update, stop - 1);
        status = es_train(&s.training, &state, &error);
        if (state.update == s.training.updates) {
            pieces = malloc(count * sizeof *pieces);
            memcpy(pieces, state.u, count * sizeof *pieces);
            status = ES_OK;
        }
        es_store_close(s.store);
        close_session(&s);
    }
    ck_assert_ptr_nonnull(pieces);
    ck_assert_mem_eq(pieces, whole, count * sizeof *whole);
    free(pieces);
    unlink(out);
    rmdir(path);
}
END_TEST

START_TEST(store_refuses) {
    char path[] = "/tmp/es_test_XXXXXX", out[64];
    struct session s;
    struct es_error error = {""};
    ck_assert_ptr_nonnull(mkdtemp(path));
    snprintf(out, sizeof out, "%s/run.db", path);
    open_session(&s, &es_twin, 1, 0);
    ck_assert_int_eq(es_store_create(out, s.experiment->net, 0, NULL, &s.store, &error), ES_OK);
    ck_assert_int_eq(es_store_set(s.store, "key", "value", &error), ES_OK);
    ck_assert_str_eq(es_store_get(s.store, "key", s.arena), "value");
    ck_assert_ptr_null(es_store_get(s.store, "other", s.arena));
    es_store_close(s.store);
    ck_assert_int_eq(es_store_create(out, s.experiment->net, 0, NULL, &s.store, &error), ES_BAD_INPUT); // is there already
    ck_assert_ptr_nonnull(strstr(error.text, "run.db"));
    FILE *file = fopen(out, "w");
    fputs("not a database", file);
    fclose(file);
    ck_assert_int_eq(es_store_open(out, false, &s.store, &error), ES_BAD_INPUT);
    ck_assert_ptr_nonnull(strstr(error.text, "run.db"));
    close_session(&s);
    unlink(out);
    rmdir(path);
}
END_TEST

// Every class gets some of the random windows' samples, and each epoch has its own order.
START_TEST(folds_are_kept_apart) {
    struct session s;
    open_session(&s, &es_twin, 1, 0);
    ck_assert_uint_eq(s.training.trained, 24);
    for (size_t i = 0; i < s.training.trained; i++)
        ck_assert_int_ne(s.set.sample[s.training.sample[i]].fold, 0);
    struct es_evaluation e;
    double theta[64];
    es_network_start(s.experiment->net, theta);
    ck_assert_int_eq(es_evaluate(&s.training.problem, &s.set, 0, theta, s.arena, &e, NULL), ES_OK);
    ck_assert_uint_eq(e.samples, 6);
    size_t sum = 0, diagonal = 0;
    for (size_t i = 0; i < 9; i++)
        sum += e.confusion[i];
    for (size_t i = 0; i < 3; i++)
        diagonal += e.confusion[4 * i];
    ck_assert_uint_eq(sum, 6);
    ck_assert_uint_eq(diagonal, e.right);
    close_session(&s);
}
END_TEST

Suite *test_suite(void) {
    Suite *suite = suite_create("train");
    TCase *tests = tcase_create("train");
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, loss_falls);
    tcase_add_test(tests, engines_learn_alike);
    tcase_add_loop_test(tests, same_bits_for_any_number_of_workers, 0, 2);
    tcase_add_test(tests, resume_to_the_same_bits);
    tcase_add_test(tests, store_refuses);
    tcase_add_test(tests, folds_are_kept_apart);
    suite_add_tcase(suite, tests);
    return suite;
}
