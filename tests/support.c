// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
#include "support.h"

#include "core/random.h"
#include "net/modes.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct es_network *test_network(size_t nodes) {
    struct es_arena *arena = es_arena_new();
    struct es_network *net = ES_NEW(arena, 1, struct es_network);
    *net = (struct es_network){.arena = arena, .name = "test", .nodes = nodes};
    net->node = ES_NEW(arena, nodes, struct es_node);
    for (size_t i = 0; i < nodes; i++)
        net->node[i] = (struct es_node){.name = es_arena_printf(arena, "n%zu", i), .source = -1};
    net->element = ES_NEW(arena, ES_MAX_ELEMENTS, struct es_element);
    net->parameter = ES_NEW(arena, ES_MAX_ELEMENTS, struct es_parameter);
    net->output = ES_NEW(arena, ES_MAX_NODES, size_t);
    net->channel = ES_NEW(arena, 8, const char *);
    net->class = ES_NEW(arena, 8, const char *);
    net->channels = 1;
    net->channel[0] = "a";
    net->channel[1] = "b";
    return net;
}

size_t test_add(struct es_network *net, const struct es_element_kind *kind, int p, int n, double q0, double q1, double q2) {
    size_t i = net->elements++;
    struct es_element *e = &net->element[i];
    *e = (struct es_element){
        .name = es_arena_printf(net->arena, "E%zu", i),
        .kind = kind,
        .p = p,
        .n = n,
        .value = {q0, q1, q2},
        .channel = kind == &es_input || kind == &es_source ? 0 : -1,
        .class = -1,
    };
    for (size_t q = 0; q < ES_QUANTITIES; q++) {
        e->parameter[q] = ES_FIXED;
        if (kind->quantity[q].name && kind->quantity[q].optional)
            e->value[q] = NAN;
    }
    if (kind == &es_source)
        net->node[p].source = (int)i;
    return i;
}

void test_train(struct es_network *net, size_t element, size_t quantity, const struct es_coordinate *coordinate) {
    double value = net->element[element].value[quantity];
    bool positive = coordinate->positive;
    net->element[element].parameter[quantity] = (int)net->parameters;
    net->parameter[net->parameters++] = (struct es_parameter){
        .element = element,
        .quantity = quantity,
        .min = positive ? value / 10 : -10 * fabs(value),
        .max = positive ? value * 10 : 10 * fabs(value),
        .coordinate = coordinate,
    };
}

// Trains every quantity of an element that has a value and can be trained.
static void train_all(struct es_network *net, size_t e) {
    const struct es_element_kind *kind = net->element[e].kind;
    for (size_t q = 0; q < ES_QUANTITIES && kind->quantity[q].name; q++)
        if (kind->quantity[q].trainable && !isnan(net->element[e].value[q]))
            test_train(net, e, q, kind->quantity[q].positive ? &es_log : &es_logistic);
}

void test_keep(struct es_network *net, const bool *kept) {
    size_t parameters = net->parameters;
    net->parameters = 0;
    for (size_t i = 0; i < parameters; i++) {
        struct es_parameter p = net->parameter[i];
        net->element[p.element].parameter[p.quantity] = kept[i] ? (int)net->parameters : ES_FIXED;
        net->parameter[net->parameters] = p;
        net->parameters += kept[i];
    }
}

void test_thin(struct es_network *net, size_t every, size_t first) {
    bool *kept = ES_NEW(net->arena, net->parameters, bool);
    for (size_t i = 0; i < net->parameters; i++)
        kept[i] = i % every == first % every;
    test_keep(net, kept);
}

void test_output(struct es_network *net, int node, enum es_read read, int class) {
    size_t i = test_add(net, &es_output, node, ES_GROUND, 0, 0, 0);
    net->element[i].read = read;
    net->element[i].class = class;
    net->element[i].channel = (int)net->outputs;
    net->output[net->outputs++] = i;
    if (class >= 0 && (size_t)class >= net->classes) {
        net->class[class] = es_arena_printf(net->arena, "k%d", class);
        net->classes = (size_t)class + 1;
    }
}

size_t test_initial(struct es_network *net, int node, double flux, double voltage, double charge) {
    size_t e = test_add(net, &es_initial, node, ES_GROUND, 0, 0, 0);
    net->element[e].value[0] = flux;
    net->element[e].value[1] = voltage;
    net->element[e].value[2] = charge;
    return e;
}

static double log_uniform(struct es_stream *stream, double low, double high) {
    return low * pow(high / low, es_random_uniform(stream));
}

static void random_branch(struct es_network *net, struct es_stream *stream, int p, int n) {
    double inductance = log_uniform(stream, 0.5e-6, 2e-6);
    if (es_random_uniform(stream) < 0.7)
        test_train(net, test_add(net, &es_inductor, p, n, inductance, 0, 0), 0, &es_log);
    else // Gamma = gm1 gm2 / CL
        test_train(net, test_add(net, &es_gyrator, p, n, 1e-3, 1e-12 / 1e-3 / inductance, 1e-12), 1, &es_log);
}

struct es_network *test_random_network(uint64_t seed, size_t nodes, bool energies) {
    struct es_network *net = test_network(nodes);
    struct es_stream stream = {.seed = seed, .purpose = ES_RANDOM_TEST};
    net->channels = 2;
    for (int i = 0; i < (int)nodes; i++) {
        test_add(net, &es_capacitor, i, ES_GROUND, log_uniform(&stream, 0.5e-9, 2e-9), 0, 0);
        if (i > 0 && es_random_uniform(&stream) < 0.3) {
            double value = log_uniform(&stream, 0.1e-9, 0.5e-9); // not among the arguments, whose order is the compiler's
            test_add(net, &es_capacitor, i, (int)es_random_below(&stream, (uint64_t)i), value, 0, 0);
        }
        random_branch(net, &stream, i, i > 0 && es_random_uniform(&stream) < 0.7 ? (int)es_random_below(&stream, (uint64_t)i) : ES_GROUND);
        if (es_random_uniform(&stream) < 0.5)
            random_branch(net, &stream, i, ES_GROUND);
        if (i < 2 || es_random_uniform(&stream) < 0.3) {
            size_t e = test_add(net, &es_input, i, ES_GROUND, 1e-3 * es_random_normal(&stream), 0, 0);
            net->element[e].channel = i & 1;
            test_train(net, e, 0, &es_logistic);
        }
        double voltage = 0.1 * es_random_normal(&stream);
        test_initial(net, i, 0.3e-8 * es_random_normal(&stream), voltage, NAN);
    }
    for (int i = 0; i < (int)nodes; i += 2)
        test_output(net, i, energies && seed % 2 ? ES_READ_VOLTAGE : ES_READ_FLUX, energies ? i / 2 % 3 : -1);
    return net;
}

// ---- every kind of element and of parameter --------------------------------------------------------------------------

// Everything at the scale of Josephson junctions: 1 pF and 0.3 nH ring at 9 GHz, where Phi_0 / 2 pi = 0.33 fWb makes 20 uV.
static const double farad = 1e-12, henry = 0.3e-9, weber = 3.29e-16, volt = 1.9e-5, siemens = 1e-3;

static size_t add_potential(struct es_network *net, struct es_stream *stream, int kind, int p, int n) {
    double l = henry * log_uniform(stream, 0.5, 2), cl = 1e-14, gm1 = siemens * log_uniform(stream, 0.5, 2), gm2 = cl / (gm1 * l), w = gm1 * weber / cl;
    size_t e = 0;
    switch (kind) {
    case 0:
        e = test_add(net, &es_josephson, p, n, weber / l, 0, 0);
        break;
    case 1:
        e = test_add(net, &es_saturating_inductor, p, n, weber / l, weber, 0);
        break;
    case 2:
        e = test_add(net, &es_duffing, p, n, l, 0.3 / (l * weber * weber), 0);
        break;
    case 3:
        e = test_add(net, &es_saturating_gyrator, p, n, gm1, gm2, cl);
        net->element[e].value[3] = w;
        net->element[e].value[4] = es_random_uniform(stream) < 0.5 ? NAN : 0.3 * w;
        break;
    case 4:
        e = test_add(net, &es_gyrator, p, n, gm1, gm2, cl);
        net->element[e].value[3] = es_random_uniform(stream) < 0.5 ? NAN : 0.3 * w;
        break;
    default:
        e = test_add(net, &es_inductor, p, n, l, 0, 0);
        net->element[e].value[1] = es_random_uniform(stream) < 0.5 ? NAN : 0.3 * weber / l;
    }
    train_all(net, e);
    return e;
}

// Fluxes that decay at up to a third of the rate at which they ring, and drift at up to a tenth of the voltages.
static void add_rates(struct es_network *net, struct es_stream *stream, int features) {
    double omega = 1 / sqrt(henry * farad);
    for (size_t i = 0; i < net->elements; i++) {
        struct es_element *e = &net->element[i];
        size_t loss = e->kind->loss, drift = e->kind->drift;
        double rate = omega * log_uniform(stream, 0.01, 0.3), offset = 0.1 * volt * es_random_normal(stream);
        if (features & TEST_DECAYS && loss)
            e->value[loss] = rate * e->value[e->kind->store];
        if (features & TEST_DRIFTS && drift)
            e->value[drift] = offset;
    }
}

// Two coupled inductors, and a third coupled to the second.
static void add_group(struct es_network *net, struct es_stream *stream) {
    size_t l[3];
    for (int i = 0; i < 3; i++) {
        l[i] = test_add(net, &es_inductor, i, i == 1 ? (int)net->nodes - 2 : ES_GROUND, henry * log_uniform(stream, 1, 3), 0, 0);
        train_all(net, l[i]);
    }
    for (int i = 0; i < 2; i++) {
        size_t k = test_add(net, &es_mutual, ES_GROUND, ES_GROUND, i ? -0.3 : 0.4, 0, 0);
        net->element[k].first = l[i];
        net->element[k].second = l[i + 1];
        test_train(net, k, 0, &es_logistic);
        net->parameter[net->parameters - 1].min = -0.9;
        net->parameter[net->parameters - 1].max = 0.9;
    }
}

// A source at the last node, which drives through a capacitor and an inductor.
static void add_source(struct es_network *net) {
    int last = (int)net->nodes - 1;
    size_t source = test_add(net, &es_source, last, ES_GROUND, volt, 0, 0);
    net->element[source].channel = 1;
    train_all(net, test_add(net, &es_capacitor, last, 0, 0.3 * farad, 0, 0));
    train_all(net, test_add(net, &es_inductor, 1, last, 3 * henry, 0, 0));
}

struct es_network *test_mixed_network(uint64_t seed, size_t nodes, int features, enum es_read read, bool classes) {
    struct es_network *net = test_network(nodes);
    struct es_stream stream = {.seed = seed, .purpose = ES_RANDOM_TEST, .id = 1};
    int free = (int)nodes - (features & TEST_SOURCE ? 1 : 0);
    net->channels = 2;
    for (int i = 0; i < free; i++) {
        train_all(net, test_add(net, &es_capacitor, i, ES_GROUND, farad * log_uniform(&stream, 0.5, 2), 0, 0));
        if (i > 0 && es_random_uniform(&stream) < 0.3) {
            double value = farad * log_uniform(&stream, 0.1, 0.5);
            train_all(net, test_add(net, &es_capacitor, i, (int)es_random_below(&stream, (uint64_t)i), value, 0, 0));
        }
        int kind = features & TEST_GYRATORS ? 3 + i % 2 : features & TEST_NONLINEAR ? (int)((seed + (uint64_t)i) % 6) : 4 + i % 2;
        add_potential(net, &stream, features & TEST_GYRATORS && !(features & TEST_NONLINEAR) ? 4 : kind, i,
                      i > 0 && es_random_uniform(&stream) < 0.7 ? (int)es_random_below(&stream, (uint64_t)i) : ES_GROUND);
        add_potential(net, &stream, features & TEST_GYRATORS ? 4 : 5, i, ES_GROUND);
        if (i < 2) {
            size_t e = test_add(net, &es_input, i, ES_GROUND, 0.3 * weber / henry * (i ? 1 : -1.5), 0, 0);
            net->element[e].channel = i & 1;
            train_all(net, e);
        }
        double v = volt * es_random_normal(&stream), flux = weber * 0.5 * es_random_normal(&stream);
        bool charges = features & TEST_CHARGES;
        train_all(net, test_initial(net, i, flux, charges ? NAN : v, charges ? v * farad : NAN));
    }
    if (features & (TEST_DECAYS | TEST_DRIFTS))
        add_rates(net, &stream, features);
    if (!(features & TEST_GYRATORS))
        add_group(net, &stream);
    if (features & TEST_SOURCE)
        add_source(net);
    for (int i = 0; i < free; i += 2)
        test_output(net, i, read, classes ? i / 2 % 3 : -1);
    return net;
}

struct es_network *test_ring(bool gyrators) {
    struct es_network *net = test_network(8);
    struct es_stream stream = {.seed = 1, .purpose = ES_RANDOM_TEST};
    for (int i = 0; i < 8; i++) {
        test_add(net, &es_capacitor, i, ES_GROUND, 1e-9 * (1 + 0.1 * es_random_normal(&stream)), 0, 0);
        for (int ground = 0; ground < 2; ground++) {
            double inductance = log_uniform(&stream, 1e-6, 2e-6);
            int n = ground ? ES_GROUND : (i + 1) % 8;
            if (gyrators)
                test_train(net, test_add(net, &es_gyrator, i, n, 1e-3, 1e-9 / inductance, 1e-12), 1, &es_log);
            else
                test_train(net, test_add(net, &es_inductor, i, n, inductance, 0, 0), 0, &es_log);
        }
    }
    test_add(net, &es_input, 0, ES_GROUND, 1e-3, 0, 0);
    test_output(net, 4, ES_READ_FLUX, -1);
    test_output(net, 6, ES_READ_FLUX, -1);
    test_initial(net, 2, NAN, 0.1, NAN);
    test_initial(net, 5, 3e-9, NAN, NAN);
    return net;
}

static void smooth(struct es_stream *stream, size_t points, double interval, double omega, double amplitude, double *wave) {
    double w1 = omega * log_uniform(stream, 0.2, 0.6), w2 = omega * log_uniform(stream, 0.2, 0.6);
    double p1 = 6.28 * es_random_uniform(stream), p2 = 6.28 * es_random_uniform(stream);
    for (size_t i = 0; i < points; i++)
        wave[i] = amplitude / 2 * (sin(w1 * interval * (double)i + p1) + sin(w2 * interval * (double)i + p2));
}

struct es_example test_example(struct es_network *net, uint64_t seed, const struct es_grid *grid, double omega, double peak, int label) {
    struct es_stream stream = {.seed = seed, .purpose = ES_RANDOM_TEST, .id = 7};
    double *input = ES_NEW(net->arena, net->channels * grid->points, double);
    double *target = ES_NEW(net->arena, net->outputs * grid->points, double);
    for (size_t c = 0; c < net->channels; c++)
        smooth(&stream, grid->points, grid->interval, omega, 1, input + c * grid->points);
    for (size_t o = 0; o < net->outputs; o++)
        smooth(&stream, grid->points, grid->interval, omega, peak, target + o * grid->points);
    return (struct es_example){.input = input, .target = target, .label = label};
}

const double *test_window(struct es_network *net, const struct es_grid *grid) {
    double *window = ES_NEW(net->arena, grid->points - 1, double);
    for (size_t i = 0; i + 1 < grid->points; i++)
        window[i] = i < grid->points / 4 ? 0 : i < grid->points / 2 ? 1 : i < 3 * grid->points / 4 ? 0.3 : 0;
    return window;
}

struct es_grid test_grid(const struct es_network *net, double steps, size_t points) {
    double *theta = ES_NEW(net->arena, net->parameters, double);
    es_network_start(net, theta);
    double period = 2 * M_PI / es_modes_fastest(net, theta);
    return (struct es_grid){.interval = period / steps, .points = points, .substeps = 1};
}

double test_apart(size_t n, const double *a, const double *b) {
    double difference = 0, size = 0;
    for (size_t i = 0; i < n; i++) {
        difference = fmax(difference, fabs(a[i] - b[i]));
        size = fmax(size, fabs(b[i]));
    }
    return difference / size;
}

double test_distance(const struct es_network *net, const double *theta, const double *a, const double *b) {
    double difference = 0, norm = 0;
    for (size_t i = 0; i < net->parameters; i++) {
        double scale = es_parameter_slope(net, i, theta[i]);
        difference += pow(scale * (a[i] - b[i]), 2);
        norm += pow(scale * b[i], 2);
    }
    return sqrt(difference / norm);
}

double test_cosine(const struct es_network *net, const double *theta, const double *a, const double *b) {
    double ab = 0, aa = 0, bb = 0;
    for (size_t i = 0; i < net->parameters; i++) {
        double scale = pow(es_parameter_slope(net, i, theta[i]), 2);
        ab += scale * a[i] * b[i];
        aa += scale * a[i] * a[i];
        bb += scale * b[i] * b[i];
    }
    return ab / sqrt(aa * bb);
}

struct es_engine *test_engine(const struct es_engine_kind *kind, const struct es_network *net, const char *scheme, size_t jobs) {
    struct es_engine *engine;
    struct es_error error = {""};
    enum es_status status = es_engine_open(kind, net, &(struct es_engine_options){.scheme = scheme, .jobs = jobs}, &engine, &error);
    ck_assert_msg(status == ES_OK, "%s", error.text);
    return engine;
}

// ---- problems --------------------------------------------------------------------------------------------------------

const struct test_kind test_kinds[] = {
    {&es_flux_tracking, ES_READ_FLUX, 2e-16, false},         {&es_flux_tracking, ES_READ_FLUX, 2e-16, true},
    {&es_voltage_tracking, ES_READ_VOLTAGE, 1e-5, false},    {&es_voltage_tracking, ES_READ_VOLTAGE, 1e-5, true},
    {&es_energy_crossentropy, ES_READ_VOLTAGE, 1e-5, false}, {&es_energy_crossentropy, ES_READ_VOLTAGE, 1e-5, true},
    {&es_energy_crossentropy, ES_READ_FLUX, 2e-16, true},    {&es_softmax_energies, ES_READ_VOLTAGE, 1e-5, false},
    {&es_softmax_energies, ES_READ_FLUX, 2e-16, false},      {&es_terminal_flux, ES_READ_FLUX, 2e-16, false},
    {&es_terminal_voltage, ES_READ_VOLTAGE, 1e-5, false},    {&es_terminal_charge, ES_READ_VOLTAGE, 1e-17, false},
    {&es_softmax_energies, ES_READ_VOLTAGE, 1e-5, true},
};

struct test_setting test_at_start(struct es_network *net) {
    struct test_setting s = {.net = net};
    double **vectors[] = {&s.theta, &s.slope, &s.difference, &s.adjoint};
    for (size_t i = 0; i < 4; i++)
        *vectors[i] = ES_NEW(net->arena, net->parameters, double);
    es_network_start(net, s.theta);
    return s;
}

struct test_setting test_set_up(struct es_network *net, const struct test_kind *kind, struct es_grid grid) {
    struct test_setting s = test_at_start(net);
    s.problem = (struct es_problem){.net = net, .cost = kind->cost, .reversal = &es_flip_voltages, .grid = grid};
    s.problem.temperature = 3 * kind->peak * kind->peak * grid.interval * (double)grid.points;
    s.example = test_example(net, 3, &grid, es_modes_fastest(net, s.theta), kind->peak, kind->cost->labels ? 1 : -1);
    if (kind->windowed)
        s.example.window = test_window(net, &grid);
    return s;
}

void test_tear_down(struct test_setting *s) {
    es_engine_close(s->problem.engine);
    es_network_free(s->net);
}

void test_admitted(const struct test_setting *s) {
    struct es_error error = {""};
    ck_assert_msg(es_rule_admits(s->problem.rule, &s->problem, &error) == ES_OK, "%s", error.text);
}

double test_gradient(struct test_setting *s, double *slope) {
    struct es_gradient gradient = {.slope = slope};
    struct es_error error = {""};
    ck_assert_msg(es_gradient(&s->problem, s->theta, 1, &s->example, &gradient, &error) == ES_OK, "%s", error.text);
    return gradient.loss;
}

void test_differences(struct test_setting *s) {
    struct es_error error = {""};
    ck_assert_msg(es_finite_differences(&s->problem, s->theta, 1, &s->example, 1e-3, s->difference, &error) == ES_OK, "%s", error.text);
}

void test_adjoint(struct test_setting *s) {
    struct es_error error = {""};
    ck_assert_msg(es_adjoint(&s->problem, s->theta, 1, &s->example, s->adjoint, &error) == ES_OK, "%s", error.text);
}

void test_show(const struct test_setting *s, const double *a, const double *b) {
    for (size_t i = 0; i < s->net->parameters && getenv("ES_VERBOSE"); i++) {
        const struct es_parameter *p = &s->net->parameter[i];
        const struct es_element_kind *kind = s->net->element[p->element].kind;
        double scale = es_parameter_slope(s->net, i, s->theta[i]);
        printf("    %-22s %-12s %.10g %.10g %.2e\n", kind->row.name, kind->quantity[p->quantity].name, scale * a[i], scale * b[i], scale * (a[i] - b[i]));
    }
}

// ---- states of rest --------------------------------------------------------------------------------------------------

const struct test_solver test_solvers[TEST_SOLVERS] = {{&es_twin, "newton"}, {&es_ngspice, "op"}, {&es_ngspice, "settle"}};

// Both samples are the first.
static double *constant(struct es_arena *arena, size_t n, const double *x) {
    double *signal = ES_NEW(arena, 2 * n, double);
    for (size_t i = 0; i < n; i++)
        signal[2 * i] = signal[2 * i + 1] = x[i];
    return signal;
}

enum es_status test_rest(struct es_network *net, const struct test_solver *solver, const struct es_grid *grid, const double *x, const double *nudge,
                         const double *target, double *voltage, struct es_error *error) {
    struct es_arena *arena = es_arena_new();
    struct es_engine *engine = NULL;
    double *theta = ES_NEW(arena, net->parameters, double);
    struct es_pass pass = {.theta = theta, .input = constant(arena, net->channels, x), .flux = ES_NEW(arena, net->nodes, double), .voltage = voltage,
                           .offset = ES_NEW(arena, net->elements, double), .nudge = nudge, .target = target ? constant(arena, net->outputs, target) : NULL};
    struct es_batch batch = {.grid = *grid, .passes = 1, .pass = &pass};
    struct es_result *result = es_results_new(arena, net, 0, 1);
    es_network_start(net, theta);
    enum es_status status = es_engine_open(solver->kind, net, &(struct es_engine_options){.scheme = solver->scheme, .jobs = 1}, &engine, error);
    if (status == ES_OK)
        status = es_engine_run(engine, &batch, result, error);
    memcpy(voltage, result->voltage, net->nodes * sizeof *voltage);
    es_engine_close(engine);
    es_arena_free(arena);
    return status;
}

void test_must_rest(struct es_network *net, const struct test_solver *solver, const struct es_grid *grid, const double *x, double *voltage) {
    struct es_error error = {""};
    memset(voltage, 0, net->nodes * sizeof *voltage);
    ck_assert_msg(test_rest(net, solver, grid, x, NULL, NULL, voltage, &error) == ES_OK, "%s", error.text);
}

struct test_setting test_rest_set_up(struct es_network *net, const struct es_rule *rule, bool classes, const struct test_solver *solver,
                                     const struct es_grid *grid, const double x[2]) {
    static const double target[] = {0.1, 0.1, -0.2, -0.2};
    struct test_setting s = test_at_start(net);
    s.example = (struct es_example){.input = constant(net->arena, 2, x), .target = classes ? NULL : target, .label = classes ? 1 : -1};
    s.problem = (struct es_problem){
        .net = net, .cost = classes ? &es_softmax_voltages : &es_terminal_voltage, .rule = rule, .reversal = &es_flip_voltages, .grid = *grid,
        .temperature = 0.2, .engine = test_engine(solver->kind, net, solver->scheme, 1),
    };
    return s;
}

double test_rest_error(struct test_setting *s, double beta) {
    s->problem.beta = beta;
    test_gradient(s, s->slope);
    return test_distance(s->net, s->theta, s->slope, s->difference);
}

void test_rest_exact(struct test_setting *s, const char *name, double limit, double implicit_limit) {
    test_admitted(s);
    test_differences(s);
    test_adjoint(s);
    double best = INFINITY, at = 0, implicit = test_distance(s->net, s->theta, s->adjoint, s->difference);
    for (double beta = 1e-2; beta > 1e-6; beta /= 10) {
        double found = test_rest_error(s, beta);
        at = found < best ? beta : at;
        best = fmin(best, found);
    }
    printf("%s, %s, %s: %.1e at beta %.0e, the implicit gradient %.1e\n", s->problem.engine->scheme->row.name, name, s->problem.cost->row.name, best, at, implicit);
    ck_assert_double_lt(best, limit);
    ck_assert_double_lt(implicit, implicit_limit);
}
