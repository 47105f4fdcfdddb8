// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// Training, its store and its taking up again: losses fall, engines agree, and the bits do not depend on interruptions.
#include "runner.h"
#include "support.h"

#include "learn/optimiser.h"
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
    "<learning cost='energy-crossentropy' rule='rhel' beta='1e-2' optimiser='adam' schedule='cosine' rate='0.05' epochs='7' batch='8' seed='1'/>"
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
    size_t validations;      // told of so far
    double validated[64];    // losses
    double u[64][64];        // [epoch][parameter] at their ends
    size_t clipped;          // updates
};

static enum es_status updated(void *context, const struct es_state *state, const struct es_metrics *update, const struct es_metrics *epoch,
                              struct es_error *error) {
    struct session *s = context;
    (void)epoch;
    if (state->update <= 64)
        s->loss[state->update - 1] = update->loss;
    s->clipped += update->clipped;
    if (update->validated && s->validations < 64) {
        ck_assert(update->epoch_ends && update->validated == s->training.validated);
        memcpy(s->u[s->validations], state->u, s->experiment->net->parameters * sizeof *state->u);
        s->validated[s->validations++] = update->validated_loss;
    }
    if (s->store && es_store_update(s->store, s->experiment->net, state, update, error) != ES_OK)
        return ES_NO_RESOURCE;
    return state->update == s->stop ? es_fail(error, ES_INTERRUPTED, "stopped") : ES_OK;
}

// The experiment and its data; its methods and numbers may be changed before prepare().
static void read_session(struct session *s) {
    struct es_error error = {""};
    *s = (struct session){.arena = es_arena_new()};
    ck_assert_msg(es_experiment_parse(text, strlen(text), "small.xml", NULL, &s->experiment, &error) == ES_OK, "%s", error.text);
    struct es_experiment *x = s->experiment;
    const struct es_roles roles = {x->net->channels, x->net->channel, x->net->outputs, x->net->classes, x->net->class};
    ck_assert_int_eq(x->task.kind->load(&x->task, NULL, &roles, &s->set, &error), ES_OK);
}

static void prepare(struct session *s, const struct es_engine_kind *kind, size_t jobs) {
    struct es_error error = {""};
    s->engine = test_engine(kind, s->experiment->net, NULL, jobs);
    ck_assert_msg(es_training_prepare(&s->training, s->experiment, &s->set, s->engine, 0, s->arena, &error) == ES_OK, "%s", error.text);
    s->training.updated = updated;
    s->training.context = s;
}

static void open_session(struct session *s, const struct es_engine_kind *kind, size_t jobs, size_t batch) {
    read_session(s);
    if (batch)
        s->experiment->batch = batch;
    prepare(s, kind, jobs);
}

// Everything that a state can hold: momentum, clipping, and a validation part.
static void open_guarded(struct session *s) {
    read_session(s);
    s->experiment->optimiser = &es_momentum;
    s->experiment->clip = 0.7;
    s->experiment->validation = 0.2;
    s->experiment->patience = 4;
    prepare(s, &es_twin, 0);
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

static void open_plain(struct session *s) {
    open_session(s, &es_twin, 0, 0);
}

static void check_same(const struct es_state *a, const struct es_state *b, size_t count) {
    ck_assert_uint_eq(a->update, b->update);
    ck_assert_mem_eq(a->u, b->u, count * sizeof *a->u);
    ck_assert_mem_eq(a->moment, b->moment, count * sizeof *a->moment);
    ck_assert_uint_eq(a->best_epoch, b->best_epoch);
    ck_assert_mem_eq(&a->best_loss, &b->best_loss, sizeof a->best_loss);
    ck_assert_mem_eq(es_state_kept(a), es_state_kept(b), count * sizeof *a->u);
}

// Stopped after every single update and taken up from the store by a new session: the same bits as without.
START_TEST(resume_to_the_same_bits) {
    void (*open)(struct session *s) = _i ? open_guarded : open_plain;
    char path[] = "/tmp/es_test_XXXXXX", out[64];
    ck_assert_ptr_nonnull(mkdtemp(path));
    snprintf(out, sizeof out, "%s/run.db", path);
    struct session whole, s;
    struct es_error error = {""};
    open(&whole);
    size_t count = whole.experiment->net->parameters, validations = 0;
    struct es_state straight = es_state_new(whole.experiment->net, whole.arena);
    ck_assert_int_eq(es_train(&whole.training, &straight, NULL), ES_OK);
    bool ended = false;
    for (uint64_t stop = 1; !ended; stop++) {
        open(&s);
        ck_assert_msg((stop == 1 ? es_store_create(out, s.experiment->net, 0, NULL, &s.store, &error) : es_store_open(out, true, &s.store, &error)) == ES_OK,
                      "%s", error.text);
        s.stop = stop;
        struct es_state state = es_state_new(s.experiment->net, s.arena);
        ck_assert_int_eq(es_store_state(s.store, s.experiment->net, &state, &error), ES_OK);
        ck_assert_uint_eq(state.update, stop - 1);
        ck_assert_int_eq(es_train(&s.training, &state, &error), ES_INTERRUPTED);
        validations += s.validations;
        if ((ended = es_training_ended(&s.training, &state)))
            check_same(&state, &straight, count);
        es_store_close(s.store);
        close_session(&s);
    }
    ck_assert_uint_eq(validations, whole.validations); // each epoch once
    close_session(&whole);
    unlink(out);
    rmdir(path);
}
END_TEST

// The recursion of the heavy ball, and its sum for a constant gradient: m = g (1 - b^t) / (1 - b).
START_TEST(momentum_is_a_heavy_ball) {
    const double rate = 0.03, b = 0.9;
    double moment[ES_MOMENTS] = {0}, m = 0, constant[ES_MOMENTS] = {0};
    for (uint64_t t = 1; t <= 50; t++) {
        double g = sin((double)t);
        m = b * m + g;
        ck_assert_double_eq_tol(es_momentum.step(g, rate, moment, t), -rate * m, 1e-16);
        ck_assert_double_eq_tol(es_momentum.step(2, rate, constant, t), -rate * 2 * (1 - pow(b, (double)t)) / (1 - b), 1e-14);
    }
}
END_TEST

// The step [parameters] of one update of plain descent with rate 0.01.
static void one_step(double clip, double *step, size_t *count, size_t *clipped) {
    struct session s;
    read_session(&s);
    s.experiment->optimiser = &es_sgd;
    s.experiment->schedule = &es_constant;
    s.experiment->rate = 0.01;
    s.experiment->clip = clip;
    prepare(&s, &es_twin, 1);
    s.stop = 1;
    struct es_state before = es_state_new(s.experiment->net, s.arena), after = es_state_new(s.experiment->net, s.arena);
    ck_assert_int_eq(es_train(&s.training, &after, NULL), ES_INTERRUPTED);
    *count = s.experiment->net->parameters;
    *clipped = s.clipped;
    for (size_t i = 0; i < *count; i++)
        step[i] = (after.u[i] - before.u[i]) / -0.01;
    close_session(&s);
}

// The step keeps its direction and gets the norm asked for, but only where it is larger.
START_TEST(clipping_sets_the_norm) {
    double free[64], clipped[64], norm = 0, loose[64];
    size_t count, times;
    one_step(0, free, &count, &times);
    ck_assert_uint_eq(times, 0);
    for (size_t i = 0; i < count; i++)
        norm += free[i] * free[i];
    norm = sqrt(norm);
    one_step(norm / 3, clipped, &count, &times);
    ck_assert_uint_eq(times, 1);
    double sum = 0;
    for (size_t i = 0; i < count; i++) {
        sum += clipped[i] * clipped[i];
        ck_assert_double_eq_tol(clipped[i], free[i] / 3, 1e-12 * norm);
    }
    ck_assert_double_eq_tol(sqrt(sum), norm / 3, 1e-12 * norm);
    one_step(norm * 1.001, loose, &count, &times);
    ck_assert_uint_eq(times, 0);
    ck_assert_mem_eq(loose, free, count * sizeof *free);
}
END_TEST

// part [samples of the dataset]: 0 trained on, 1 validation, 2 test; each sample in one of them.
static void division(uint64_t seed, double validation, size_t *part, size_t *validated) {
    struct session s;
    read_session(&s);
    s.experiment->seed = seed;
    s.experiment->validation = validation;
    prepare(&s, &es_twin, 1);
    const struct es_training *t = &s.training;
    size_t times[64] = {0}, test = 0;
    for (size_t i = 0; i < s.set.samples; i++)
        if (s.set.sample[i].fold == 0) {
            part[i] = 2;
            times[i]++;
            test++;
        }
    for (size_t i = 0; i < t->trained; times[t->sample[i++]]++)
        part[t->sample[i]] = 0;
    for (size_t i = 0; i < t->validated; times[t->validation[i++]]++)
        part[t->validation[i]] = 1;
    for (size_t i = 0; i < s.set.samples; i++)
        ck_assert_uint_eq(times[i], 1);
    ck_assert_uint_eq(t->trained + t->validated + test, s.set.samples);
    *validated = t->validated;
    close_session(&s);
}

START_TEST(validation_part_is_held_back) {
    size_t first[64] = {0}, again[64] = {0}, other[64] = {0}, validated;
    size_t hits[64] = {0};
    division(1, 0.25, first, &validated);
    ck_assert_uint_eq(validated, 6); // of 24
    division(1, 0.25, again, &validated);
    ck_assert_mem_eq(first, again, sizeof first);
    division(2, 0.25, other, &validated);
    ck_assert_mem_ne(first, other, sizeof first);
    division(1, 1e-9, other, &validated);
    ck_assert_uint_eq(validated, 1);
    division(1, 0, other, &validated);
    ck_assert_uint_eq(validated, 0);
    for (uint64_t seed = 0; seed < 20; seed++) {
        division(seed, 0.25, other, &validated);
        for (size_t i = 0; i < 30; i++)
            hits[i] += other[i] == 1;
    }
    for (size_t i = 0; i < 30; i++) // 5 of 20 expected
        ck_assert(first[i] == 2 ? hits[i] == 0 : hits[i] >= 1 && hits[i] <= 14);
}
END_TEST

// Nothing of a validation sample reaches the parameters: with noise in its place the training goes the same way.
START_TEST(validation_samples_are_not_trained_on) {
    double u[2][64];
    size_t count = 0;
    for (int i = 0; i < 2; i++) {
        struct session s;
        open_guarded(&s);
        s.experiment->patience = 0;
        for (size_t v = 0; i && v < s.training.validated; v++) {
            struct es_sample *sample = &s.set.sample[s.training.validation[v]];
            *sample = s.set.sample[s.training.sample[v]];
            sample->label = (sample->label + 1) % 3;
        }
        struct es_state state = es_state_new(s.experiment->net, s.arena);
        ck_assert_int_eq(es_train(&s.training, &state, NULL), ES_OK);
        count = s.experiment->net->parameters;
        memcpy(u[i], state.u, count * sizeof *state.u);
        close_session(&s);
    }
    ck_assert_mem_eq(u[0], u[1], count * sizeof *u[0]);
}
END_TEST

static size_t smallest(const double *loss, size_t count) {
    size_t best = 0;
    for (size_t i = 1; i < count; i++)
        if (loss[i] < loss[best])
            best = i;
    return best;
}

// The loss of the validation part at theta, from the samples themselves.
static double validation_loss(const struct session *s, const double *theta) {
    double sum = 0, loss;
    for (size_t i = 0; i < s->training.validated; i++) {
        struct es_example example = es_centre_example(&s->set, s->training.validation[i], s->arena);
        ck_assert_int_eq(es_losses(&s->training.problem, theta, 1, &example, &(struct es_free){.loss = &loss}, NULL), ES_OK);
        sum += loss;
    }
    return sum / (double)s->training.validated;
}

// A rate so large that the loss rises again: the state of the smallest validation loss is kept, here and in the store.
START_TEST(the_best_state_is_kept) {
    char path[] = "/tmp/es_test_XXXXXX", out[64];
    ck_assert_ptr_nonnull(mkdtemp(path));
    snprintf(out, sizeof out, "%s/run.db", path);
    struct session s;
    read_session(&s);
    s.experiment->schedule = &es_constant;
    s.experiment->rate = 1;
    s.experiment->epochs = 12;
    s.experiment->validation = 0.3;
    prepare(&s, &es_twin, 0);
    ck_assert_int_eq(es_store_create(out, s.experiment->net, 0, NULL, &s.store, NULL), ES_OK);
    size_t count = s.experiment->net->parameters, epochs;
    struct es_state state = es_state_new(s.experiment->net, s.arena), stored = es_state_new(s.experiment->net, s.arena);
    ck_assert_mem_eq(es_state_kept(&state), state.u, count * sizeof *state.u);
    ck_assert_int_eq(es_train(&s.training, &state, NULL), ES_OK);
    ck_assert_uint_eq(s.validations, 12);
    size_t best = smallest(s.validated, 12);
    printf("validation loss %.3f at its smallest after epoch %zu, %.3f after the last\n", s.validated[best], best + 1, s.validated[11]);
    ck_assert_double_lt(s.validated[best], s.validated[11]);
    ck_assert_uint_eq(state.best_epoch, best + 1);
    ck_assert_double_eq(state.best_loss, s.validated[best]);
    ck_assert_mem_eq(es_state_kept(&state), s.u[best], count * sizeof *state.u);
    double theta[64];
    es_state_theta(s.experiment->net, &state, theta);
    ck_assert_double_eq_tol(validation_loss(&s, theta), state.best_loss, 1e-12);
    ck_assert_int_eq(es_store_state(s.store, s.experiment->net, &stored, NULL), ES_OK);
    check_same(&stored, &state, count);
    struct es_metrics *epoch;
    ck_assert_int_eq(es_store_epochs(s.store, 2, s.arena, &epochs, &epoch, NULL), ES_OK);
    ck_assert_uint_eq(epochs, 10);
    for (size_t i = 0; i < epochs; i++) {
        ck_assert_uint_eq(epoch[i].epoch, i + 2);
        ck_assert_uint_eq(epoch[i].samples, s.training.trained);
        ck_assert_uint_eq(epoch[i].validated, s.training.validated);
        ck_assert_double_eq(epoch[i].validated_loss, s.validated[i + 2]);
    }
    es_store_close(s.store);
    close_session(&s);
    unlink(out);
    rmdir(path);
}
END_TEST

START_TEST(patience_ends_the_training) {
    struct session s;
    read_session(&s);
    s.experiment->rate = 0.5;
    s.experiment->epochs = 60;
    s.experiment->validation = 0.3;
    s.experiment->patience = 3;
    prepare(&s, &es_twin, 0);
    struct es_state state = es_state_new(s.experiment->net, s.arena);
    ck_assert(!es_training_ended(&s.training, &state));
    ck_assert_int_eq(es_train(&s.training, &state, NULL), ES_OK);
    ck_assert_uint_lt(s.validations, 60);
    ck_assert_uint_eq(s.validations, state.best_epoch + 3);
    ck_assert_uint_eq(smallest(s.validated, s.validations) + 1, state.best_epoch);
    for (size_t i = 3; i + 1 < s.validations; i++) // and it did not end too late
        ck_assert_uint_gt(smallest(s.validated, i + 1) + 3, i);
    uint64_t update = state.update;
    ck_assert(es_training_ended(&s.training, &state));
    ck_assert_int_eq(es_train(&s.training, &state, NULL), ES_OK);
    ck_assert_uint_eq(state.update, update);
    close_session(&s);
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
    tcase_add_loop_test(tests, resume_to_the_same_bits, 0, 2);
    tcase_add_test(tests, momentum_is_a_heavy_ball);
    tcase_add_test(tests, clipping_sets_the_norm);
    tcase_add_test(tests, validation_part_is_held_back);
    tcase_add_test(tests, validation_samples_are_not_trained_on);
    tcase_add_test(tests, the_best_state_is_kept);
    tcase_add_test(tests, patience_ends_the_training);
    tcase_add_test(tests, store_refuses);
    tcase_add_test(tests, folds_are_kept_apart);
    suite_add_tcase(suite, tests);
    return suite;
}
