// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// Margins of nonidealities: against a closed form, against direct scans by other code, and what is said where there is none.
#include "runner.h"
#include "support.h"

#include "learn/sensitivity.h"
#include "learn/specimen.h"
#include "learn/trial.h"
#include "xml/xml.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const char ring[] =
    "<experiment name='ring'><network><ring nodes='5' name='n' seed='2'><capacitor at='node' value='1 nF'/>"
    "<inductor at='node' value='1 uH .. 2 uH' trainable='yes' min='0.2 uH' max='20 uH'/>"
    "<inductor at='neighbours' value='1 uH .. 2 uH' trainable='yes' min='0.2 uH' max='20 uH'/></ring>"
    "<input name='x' node='n0' channel='signal' value='%g S'/><output name='o' node='n2' read='flux'/></network>"
    "<task kind='sines' interval='5 ns' points='81' frequency='5 MHz' samples='7' target='2 nWb'/>"
    "<learning cost='flux-tracking' rule='%s' beta='1e-4' rate='0.01' epochs='3' batch='4'/>"
    "<engine name='twin' scheme='midpoint'/></experiment>";

static const char vowels[] =
    "<experiment name='vowels'><network><ring nodes='6' name='n' seed='3'><capacitor at='node' value='1 pF'/>"
    "<gyrator at='node' gm1='10 uS' gm2='1 uS .. 20 uS' CL='1 pF' trainable='yes' min='0.1 uS' max='100 uS'/>"
    "<gyrator at='neighbours' gm1='1 uS' gm2='0.3 uS .. 0.5 uS' CL='1 pF' trainable='yes' min='0.05 uS' max='5 uS'/>"
    "<input at='node' channel='audio' value='0 S +- 3 uS' trainable='yes' min='-20 uS' max='20 uS'/>"
    "<output at='random' count='2' read='voltage' class='ah'/><output at='random' count='2' read='voltage' class='iy'/></ring></network>"
    "<task kind='formants' interval='100 ns' points='100' rate='10 kHz' speakers='6' test-speakers='20' seed='1'/>"
    "<learning cost='energy-crossentropy' rule='rhel' beta='1e-3' optimiser='adam' rate='0.1' epochs='12' batch='4' seed='1'/>"
    "<engine name='twin' scheme='midpoint'/></experiment>";

struct fixture {
    struct es_experiment *experiment;
    struct es_dataset set;
    struct es_chip chip;
    struct es_sensitivity s;
    struct es_arena *arena;
};

static void set_up(struct fixture *f, const char *text, const char *chip, const char *acting) {
    struct es_error error = {""};
    *f = (struct fixture){.arena = es_arena_new()};
    ck_assert_msg(es_experiment_parse(text, strlen(text), "test", NULL, &f->experiment, &error) == ES_OK, "%s", error.text);
    const struct es_network *net = f->experiment->net;
    struct es_roles roles = {net->channels, net->channel, net->outputs, net->classes, net->class};
    ck_assert_msg(f->experiment->task.kind->load(&f->experiment->task, NULL, &roles, &f->set, &error) == ES_OK, "%s", error.text);
    ck_assert_msg(es_chip_parse(chip, 5, f->arena, &f->chip, &error) == ES_OK, "%s", error.text);
    double *theta = ES_NEW(f->arena, net->parameters, double);
    es_network_start(net, theta);
    f->s = (struct es_sensitivity){.experiment = f->experiment, .set = &f->set, .theta = theta, .substeps = 2, .samples = 2, .chip = &f->chip, .chips = 1,
                                   .acting = es_row_find(es_actings, acting)};
}

static void tear_down(struct fixture *f) {
    es_dataset_free(&f->set);
    es_experiment_free(f->experiment);
    es_arena_free(f->arena);
}

static const char *ring_of(struct es_arena *arena, double gain, const char *rule) {
    return es_arena_printf(arena, ring, gain, rule);
}

static void set_up_ring(struct fixture *f, double gain, const char *rule, const char *chip, const char *acting) {
    struct es_arena *arena = es_arena_new();
    set_up(f, ring_of(arena, gain, rule), chip, acting);
    es_arena_free(arena);
}

static void start(struct fixture *f) {
    struct es_error error = {""};
    ck_assert_msg(es_sensitivity_start(&f->s, &error) == ES_OK, "%s", error.text);
}

static struct es_margin find(struct fixture *f, const char *key, enum es_limit limit, struct es_error *why) {
    struct es_margin margin[ES_LIMITS];
    struct es_error error = {""};
    ck_assert_msg(es_sensitivity_find(&f->s, es_row_find(es_nonidealities, key), margin, why, &error) == ES_OK, "%s", error.text);
    return margin[limit];
}

static struct es_quality quality_at(struct fixture *f, const char *key, double magnitude) {
    struct es_quality quality;
    struct es_error error = {""};
    ck_assert_msg(es_sensitivity_measure(&f->s, es_row_find(es_nonidealities, key), magnitude, &quality, &error) == ES_OK, "%s: %s", key, error.text);
    return quality;
}

// Offsets are constant currents, so that fluxes are linear and the loss is quadratic in them: l0 + b x + c x^2.
START_TEST(a_quadratic_loss) {
    struct fixture f;
    struct es_error why;
    set_up_ring(&f, 1e-3, "rhel", "", "use");
    f.s.chips = 4;
    start(&f);
    ck_assert_uint_eq(f.s.tested, 7);
    ck_assert_str_eq(es_cost_unit(f.experiment->cost, f.experiment->net), "Wb^2 s");
    double l0 = f.s.ideal.loss, l1 = quality_at(&f, "offset", 1).loss, l2 = quality_at(&f, "offset", 2).loss;
    double c = (l2 - 2 * l1 + l0) / 2, b = l1 - l0 - c;
    struct es_margin margin = find(&f, "offset", ES_LIMIT_LOSS, &why);
    ck_assert_int_eq(margin.reach, ES_REACH_FOUND);
    ck_assert(!margin.returns && !why.text[0]);
    ck_assert_double_eq_tol(margin.magnitude * 2 * c / (sqrt(b * b + 4 * c * 0.1 * l0) - b), 1, 0.0101); // half of a step
    ck_assert(find(&f, "offset", ES_LIMIT_ACCURACY, &why).reach == ES_REACH_UNDEFINED); // nothing is labelled
    tear_down(&f);
}
END_TEST

// The cosine of a lossy ring by code of its own: a network with conductances w0 C / Q, its echo, finite differences.
static double cosine_at(struct fixture *f, double q) {
    struct es_error error = {""};
    struct es_arena *arena = es_arena_new();
    struct es_experiment x = *f->experiment;
    struct es_network net = *x.net;
    double w0 = es_chip_frequency(x.net);
    net.element = ES_NEW(arena, 2 * net.elements, struct es_element);
    memcpy(net.element, x.net->element, net.elements * sizeof *net.element);
    for (size_t e = 0, n = net.elements; e < n; e++)
        if (net.element[e].kind == &es_capacitor) {
            struct es_element *g = &net.element[net.elements++];
            *g = (struct es_element){.name = "g", .kind = &es_conductance, .p = net.element[e].p, .n = net.element[e].n, .channel = -1, .class = -1};
            for (size_t i = 0; i < ES_QUANTITIES; i++)
                g->parameter[i] = ES_FIXED;
            g->value[0] = w0 * net.element[e].value[0] / q;
        }
    x.net = &net;
    x.substeps = 2;
    x.losses_allowed = true;
    struct es_training training;
    struct es_engine *engine = test_engine(&es_twin, &net, "midpoint", 1);
    ck_assert_msg(es_training_prepare(&training, &x, &f->set, engine, 0, arena, &error) == ES_OK, "%s", error.text);
    struct es_gradient gradient = {.slope = ES_NEW(arena, net.parameters, double)};
    double *exact = ES_NEW(arena, net.parameters, double);
    struct es_example example[2] = {es_centre_example(&f->set, 0, arena), es_centre_example(&f->set, 3, arena)}; // of 7
    ck_assert(es_gradient(&training.problem, f->s.theta, 2, example, &gradient, &error) == ES_OK);
    ck_assert(es_finite_differences(&training.problem, f->s.theta, 2, example, 1e-3, exact, &error) == ES_OK);
    double cosine = test_cosine(&net, f->s.theta, gradient.slope, exact);
    es_engine_close(engine);
    es_arena_free(arena);
    return cosine;
}

START_TEST(cosines_of_a_lossy_ring) {
    struct fixture f;
    struct es_error why;
    static const double level[] = {[ES_LIMIT_COSINE_99] = 0.99, [ES_LIMIT_COSINE_90] = 0.9};
    set_up_ring(&f, 1e-3, "rhel", "", "use");
    start(&f);
    for (enum es_limit limit = ES_LIMIT_COSINE_99; limit <= ES_LIMIT_COSINE_90; limit++) {
        struct es_margin margin = find(&f, "q-parallel", limit, &why);
        ck_assert_int_eq(margin.reach, ES_REACH_FOUND);
        ck_assert_double_lt(cosine_at(&f, margin.magnitude * 0.99), level[limit]);
        for (double q = margin.magnitude * 1.0101; q < 1e4 * margin.magnitude; q *= 1.2) // the first crossing
            ck_assert_double_gt(cosine_at(&f, q), level[limit]);
        double most = -1;
        for (double q = margin.magnitude; q > 1e-3; q /= 1.2)
            most = fmax(most, cosine_at(&f, q));
        ck_assert_int_eq(margin.returns, limit == ES_LIMIT_COSINE_90); // as far as was looked
        ck_assert(!margin.returns || most > level[limit]);
    }
    tear_down(&f);
}
END_TEST

static double value_at(struct fixture *f, const char *key, enum es_limit limit, double magnitude) {
    struct es_quality quality = quality_at(f, key, magnitude);
    return limit == ES_LIMIT_LOSS ? quality.loss : limit == ES_LIMIT_ACCURACY ? quality.accuracy : quality.cosine;
}

// Whether the limit is passed where a direct scan, 16 magnitudes in a decade, looks between `from` and `to`.
static bool is_passed(struct fixture *f, const char *key, enum es_limit limit, double from, double to) {
    bool passed = false;
    for (double x = from; x <= to && !passed; x *= pow(10, 1. / 16)) {
        double value = value_at(f, key, limit, x);
        passed = limit == ES_LIMIT_LOSS ? value >= f->s.limit[limit] : value <= f->s.limit[limit];
    }
    return passed;
}

// A loss that rises and falls again: what is found is the first crossing.
START_TEST(first_crossings) {
    static const uint64_t seed[] = {1, 6, 48, 59}; // 6 and 48: 1.1 times the ideal loss is passed, and at a mismatch of 1 it is kept
    static const char key[] = "inductor-mismatch";
    struct es_error why;
    struct fixture f;
    set_up_ring(&f, 1e-3, "rhel", "", "use");
    start(&f);
    for (size_t i = 0; i < sizeof seed / sizeof *seed; i++) {
        f.chip.seed = seed[i];
        struct es_margin margin = find(&f, key, ES_LIMIT_LOSS, &why);
        bool found = margin.reach == ES_REACH_FOUND;
        printf("chip %d: %s %g%s\n", (int)seed[i], found ? "from" : "not up to", margin.magnitude, margin.returns ? ", and back" : "");
        ck_assert(found || margin.reach == ES_REACH_BEYOND);
        ck_assert(!is_passed(&f, key, ES_LIMIT_LOSS, 1e-3, found ? margin.magnitude * 0.98 : 1));
        ck_assert(!found || is_passed(&f, key, ES_LIMIT_LOSS, margin.magnitude * 1.0101, margin.magnitude * 1.02));
        ck_assert(margin.returns == (seed[i] == 6 || seed[i] == 48));
    }
    tear_down(&f);
}
END_TEST

// Rounding is not smooth in the bits: the fewest of which, as of all that are more, the limit is kept.
START_TEST(whole_bits) {
    struct fixture f;
    struct es_error why;
    set_up_ring(&f, 1e-3, "rhel", "", "use");
    start(&f);
    for (enum es_limit limit = ES_LIMIT_COSINE_99; limit <= ES_LIMIT_COSINE_90; limit++) {
        struct es_margin margin = find(&f, "integral-bits", limit, &why);
        ck_assert_int_eq(margin.reach, ES_REACH_FOUND);
        ck_assert_double_eq(margin.magnitude, round(margin.magnitude));
        for (double bits = 52; bits >= margin.magnitude; bits--)
            ck_assert_double_gt(value_at(&f, "integral-bits", limit, bits), f.s.limit[limit]);
        ck_assert_double_le(value_at(&f, "integral-bits", limit, margin.magnitude - 1), f.s.limit[limit]);
    }
    tear_down(&f);
}
END_TEST

static enum es_status updated(void *context, const struct es_state *state, const struct es_metrics *update, const struct es_metrics *epoch, struct es_error *error) {
    (void)context, (void)state, (void)update, (void)epoch, (void)error;
    return ES_OK;
}

// [parameters], trained on a chip.
static double *trained_on(struct fixture *f, const struct es_chip *chip) {
    struct es_error error = {""};
    struct es_specimen specimen;
    ck_assert_msg(es_specimen_open(&specimen, f->experiment, &f->set, 0, 2, 1, chip, &error) == ES_OK, "%s", error.text);
    struct es_state state = es_state_new(specimen.experiment.net, specimen.arena);
    double *theta = ES_NEW(f->arena, f->experiment->net->parameters, double);
    specimen.training.updated = updated;
    ck_assert_msg(es_train(&specimen.training, &state, &error) == ES_OK, "%s", error.text);
    es_state_theta(f->experiment->net, &state, theta);
    es_specimen_close(&specimen);
    return theta;
}

// Accuracy is a step function: the next points of the search are on both sides of it.
START_TEST(accuracies) {
    struct fixture f;
    struct es_error why;
    double best, worst;
    set_up(&f, vowels, "", "use");
    f.s.chips = 3;
    f.s.theta = trained_on(&f, NULL);
    start(&f);
    ck_assert_uint_eq(f.s.tested, 40);
    ck_assert_double_ge(f.s.ideal.accuracy, 0.8);
    double p = (f.s.ideal.accuracy * 40 + 1) / 42, limit = f.s.ideal.accuracy - 2 * sqrt(p * (1 - p) / 40);
    struct es_margin margin = find(&f, "transconductor-mismatch", ES_LIMIT_ACCURACY, &why);
    ck_assert_int_eq(margin.reach, ES_REACH_FOUND);
    es_sensitivity_range(&f.s, es_row_find(es_nonidealities, "transconductor-mismatch"), &best, &worst);
    double steps = ceil(log(worst / best) / log(1.02)), half = pow(worst / best, 0.5 / steps);
    ck_assert_double_gt(quality_at(&f, "transconductor-mismatch", margin.magnitude / half).accuracy, limit);
    ck_assert_double_le(quality_at(&f, "transconductor-mismatch", margin.magnitude * half).accuracy, limit);
    tear_down(&f);
}
END_TEST

// Means over the chips are means over their seeds.
START_TEST(chips) {
    struct fixture f;
    set_up(&f, vowels, "", "use");
    f.s.chips = 3;
    struct es_quality all = quality_at(&f, "transconductor-mismatch", 0.2), sum = {0, 0, 0};
    f.s.chips = 1;
    for (f.chip.seed = 5; f.chip.seed < 8; f.chip.seed++) {
        struct es_quality one = quality_at(&f, "transconductor-mismatch", 0.2);
        sum.cosine += one.cosine / 3;
        sum.loss += one.loss / 3;
        sum.accuracy += one.accuracy / 3;
    }
    ck_assert_double_eq_tol(all.cosine, sum.cosine, 1e-14);
    ck_assert_double_eq_tol(all.loss, sum.loss, 1e-14);
    ck_assert_double_eq_tol(all.accuracy, sum.accuracy, 1e-14);
    tear_down(&f);
}
END_TEST

// What is drawn, and only that, differs between seeds.
START_TEST(draws) {
    struct fixture f;
    set_up(&f, vowels, "q-parallel=200", "use");
    for (size_t i = 0; es_nonidealities[i]; i++) {
        const struct es_nonideality *kind = (const void *)es_nonidealities[i];
        double best, worst, middle;
        es_sensitivity_range(&f.s, kind, &best, &worst);
        middle = strstr(kind->row.name, "jitter") ? 1e-9 : strstr(kind->row.name, "skew") ? 1e-9 : strstr(kind->row.name, "charge") ? 1e-15
                 : strstr(kind->row.name, "bits") ? 6 : strstr(kind->row.name, "area") ? 1e-12 : strstr(kind->row.name, "saturation") ? 1
                 : isinf(kind->ideal) ? 100 : strstr(kind->row.name, "temperature") ? 100 : 0.01;
        ck_assert(fmin(best, worst) <= middle && middle <= fmax(best, worst));
        f.chip.seed = 1;
        struct es_quality one = quality_at(&f, kind->row.name, middle);
        f.chip.seed = 2;
        struct es_quality two = quality_at(&f, kind->row.name, middle);
        ck_assert_msg((one.cosine != two.cosine || one.loss != two.loss) == kind->drawn, "%s", kind->row.name);
    }
    tear_down(&f);
}
END_TEST

// Trained and used on the chip: a trial. Trained on it and used on the ideal one: by hand.
START_TEST(where_it_acts) {
    struct fixture f;
    struct es_error error = {""};
    struct es_chip chip;
    double measure[ES_MEASURES];
    set_up(&f, vowels, "", "both");
    ck_assert(es_chip_parse("transconductor-mismatch=0.3", 5, f.arena, &chip, &error) == ES_OK);
    struct es_trial trial = {.experiment = f.experiment, .set = &f.set, .substeps = 2, .samples = 2, .chip = &chip};
    ck_assert_msg(es_trial_run(&trial, measure, &error) == ES_OK, "%s", error.text);
    struct es_quality both = quality_at(&f, "transconductor-mismatch", 0.3);
    ck_assert_double_eq(both.loss, measure[ES_TEST_LOSS]);
    ck_assert_double_eq(both.accuracy, measure[ES_TEST_ACCURACY]);
    ck_assert_double_eq(both.cosine, measure[ES_START_COSINE]);

    struct es_evaluation e;
    double *theta = trained_on(&f, &chip);
    struct es_engine *engine = test_engine(&es_twin, f.experiment->net, "midpoint", 1);
    struct es_training ideal;
    f.experiment->substeps = 2;
    ck_assert(es_training_prepare(&ideal, f.experiment, &f.set, engine, 0, f.arena, &error) == ES_OK);
    ck_assert(es_evaluate(&ideal.problem, &f.set, 0, theta, f.arena, &e, &error) == ES_OK);
    f.s.acting = es_row_find(es_actings, "training");
    ck_assert_double_eq(quality_at(&f, "transconductor-mismatch", 0.3).loss, e.loss);
    ck_assert_double_ne(e.loss, both.loss);

    chip.count = 0;
    f.s.acting = es_row_find(es_actings, "use");
    f.s.theta = theta;
    ck_assert(es_evaluate(&ideal.problem, &f.set, 0, theta, f.arena, &e, &error) == ES_OK);
    start(&f);
    ck_assert_double_eq(f.s.ideal.loss, e.loss);
    ck_assert_double_eq(quality_at(&f, "flip-gain", 0.3).loss, e.loss); // nothing is flipped in use
    f.s.acting = es_row_find(es_actings, "training");
    struct es_quality flipped = quality_at(&f, "flip-gain", 0.3);
    f.s.acting = es_row_find(es_actings, "both");
    ck_assert_double_eq(quality_at(&f, "flip-gain", 0.3).loss, flipped.loss);
    ck_assert_double_ne(flipped.loss, e.loss);
    es_engine_close(engine);
    tear_down(&f);
}
END_TEST

START_TEST(what_is_said_of_the_others) {
    struct fixture f;
    struct es_error why;
    set_up_ring(&f, 1e-3, "rhel", "", "use");
    start(&f);
    ck_assert_int_eq(find(&f, "flip-gain", ES_LIMIT_LOSS, &why).reach, ES_REACH_NONE);
    struct es_margin margin = find(&f, "temperature-rise", ES_LIMIT_COSINE_99, &why); // an echo is exact with any gain
    ck_assert_int_eq(margin.reach, ES_REACH_BEYOND);
    ck_assert_double_eq(margin.magnitude, 400);
    margin = find(&f, "noise-temperature", ES_LIMIT_LOSS, &why);
    ck_assert(margin.reach == ES_REACH_UNDEFINED && strstr(why.text, "noise-temperature") && strstr(why.text, "no conductance"));
    margin = find(&f, "saturation", ES_LIMIT_COSINE_90, &why);
    ck_assert(margin.reach == ES_REACH_UNDEFINED && strstr(why.text, "nothing that it could act on"));
    tear_down(&f);
    set_up_ring(&f, 1e-3, "civp", "", "use");
    start(&f);
    ck_assert_double_lt(f.s.ideal.cosine, 0.9);
    ck_assert_int_eq(find(&f, "input-bits", ES_LIMIT_COSINE_90, &why).reach, ES_REACH_ALWAYS);
    tear_down(&f);
}
END_TEST

// In place of what --chip says of it, beside the rest of that.
START_TEST(beside_a_chip) {
    struct fixture f, g;
    set_up(&f, vowels, "q-parallel=50,input-bits=3", "use");
    set_up(&g, vowels, "q-parallel=50", "use");
    start(&f);
    struct es_quality one = quality_at(&f, "input-bits", 6), two = quality_at(&g, "input-bits", 6);
    ck_assert(one.loss == two.loss && one.cosine == two.cosine);
    ck_assert_double_ne(one.loss, f.s.ideal.loss);
    ck_assert_double_eq(quality_at(&f, "input-bits", 3).loss, f.s.ideal.loss);
    start(&g);
    struct es_error why;
    for (enum es_limit limit = 0; limit < ES_LIMITS; limit++) { // against what is without it, not against 3 bits
        struct es_margin margin = find(&f, "input-bits", limit, &why), expected = find(&g, "input-bits", limit, &why);
        ck_assert_int_eq(margin.reach, expected.reach);
        ck_assert(margin.magnitude == expected.magnitude || isnan(margin.magnitude));
    }
    tear_down(&f);
    tear_down(&g);
}
END_TEST

// How far the chips are from each other where their mean passes the limit.
START_TEST(spread) {
    struct fixture f;
    struct es_error why;
    double best, worst, loss[3], mean = 0, square = 0;
    set_up(&f, vowels, "", "use");
    f.s.chips = 3;
    f.s.theta = trained_on(&f, NULL);
    start(&f);
    struct es_margin margin = find(&f, "transconductor-mismatch", ES_LIMIT_LOSS, &why);
    ck_assert_int_eq(margin.reach, ES_REACH_FOUND);
    es_sensitivity_range(&f.s, es_row_find(es_nonidealities, "transconductor-mismatch"), &best, &worst);
    double steps = ceil(log(worst / best) / log(1.02)), kept = margin.magnitude / pow(worst / best, 0.5 / steps);
    f.s.chips = 1;
    for (int i = 0; i < 3; i++, f.chip.seed++) {
        loss[i] = quality_at(&f, "transconductor-mismatch", kept).loss;
        mean += loss[i] / 3;
    }
    for (int i = 0; i < 3; i++)
        square += (loss[i] - mean) * (loss[i] - mean) / 2;
    ck_assert_double_lt(mean, 1.1 * f.s.ideal.loss);
    ck_assert_double_eq_tol(margin.spread * 0.1 * f.s.ideal.loss / sqrt(square), 1, 1e-9);
    tear_down(&f);
}
END_TEST

START_TEST(references_have_no_noise) {
    struct fixture f;
    struct es_error error = {""};
    struct es_specimen specimen;
    struct es_agreement agreement;
    set_up(&f, vowels, "q-parallel=50,output-noise=0.1,input-bits=4", "use");
    ck_assert_msg(es_specimen_open(&specimen, f.experiment, &f.set, 0, 2, 2, &f.chip, &error) == ES_OK, "%s", error.text);
    ck_assert_msg(es_specimen_agreement(&specimen, f.s.theta, 0, &agreement, &error) == ES_OK, "%s", error.text);
    const struct es_network *net = specimen.experiment.net;
    struct es_problem problem = specimen.training.problem;
    struct es_gradient gradient = {.slope = ES_NEW(f.arena, net->parameters, double)};
    double *exact = ES_NEW(f.arena, net->parameters, double);
    ck_assert(es_gradient(&problem, f.s.theta, 2, specimen.example, &gradient, &error) == ES_OK);
    problem.engine = test_engine(&es_twin, net, "midpoint", 1);
    ck_assert(es_finite_differences(&problem, f.s.theta, 2, specimen.example, 1e-3, exact, &error) == ES_OK);
    ck_assert_double_eq_tol(agreement.cosine, test_cosine(net, f.s.theta, gradient.slope, exact), 1e-6);
    ck_assert_double_lt(agreement.cosine, 0.999);
    es_engine_close(problem.engine);
    es_specimen_close(&specimen);
    tear_down(&f);
}
END_TEST

Suite *test_suite(void) {
    Suite *suite = suite_create("sensitivity");
    TCase *all = tcase_create("all");
    tcase_set_timeout(all, 120);
    tcase_add_test(all, a_quadratic_loss);
    tcase_add_test(all, cosines_of_a_lossy_ring);
    tcase_add_test(all, first_crossings);
    tcase_add_test(all, whole_bits);
    tcase_add_test(all, accuracies);
    tcase_add_test(all, chips);
    tcase_add_test(all, draws);
    tcase_add_test(all, where_it_acts);
    tcase_add_test(all, what_is_said_of_the_others);
    tcase_add_test(all, beside_a_chip);
    tcase_add_test(all, spread);
    tcase_add_test(all, references_have_no_noise);
    suite_add_tcase(suite, all);
    return suite;
}
