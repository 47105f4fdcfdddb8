// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
#include "support.h"

#include "core/random.h"
#include "net/modes.h"

#include <check.h>
#include <math.h>

struct es_network *test_network(size_t nodes) {
    struct es_arena *arena = es_arena_new();
    struct es_network *net = ES_NEW(arena, 1, struct es_network);
    *net = (struct es_network){.arena = arena, .name = "test", .nodes = nodes};
    net->node = ES_NEW(arena, nodes, struct es_node);
    for (size_t i = 0; i < nodes; i++)
        net->node[i].name = es_arena_printf(arena, "n%zu", i);
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
    net->element[i] = (struct es_element){
        .name = es_arena_printf(net->arena, "E%zu", i),
        .kind = kind,
        .p = p,
        .n = n,
        .value = {q0, q1, q2},
        .parameter = {ES_FIXED, ES_FIXED, ES_FIXED},
        .channel = kind == &es_input ? 0 : -1,
        .class = -1,
    };
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
        if (i > 0 && es_random_uniform(&stream) < 0.3)
            test_add(net, &es_capacitor, i, (int)es_random_below(&stream, (uint64_t)i), log_uniform(&stream, 0.1e-9, 0.5e-9), 0, 0);
        random_branch(net, &stream, i, i > 0 && es_random_uniform(&stream) < 0.7 ? (int)es_random_below(&stream, (uint64_t)i) : ES_GROUND);
        if (es_random_uniform(&stream) < 0.5)
            random_branch(net, &stream, i, ES_GROUND);
        if (i < 2 || es_random_uniform(&stream) < 0.3) {
            size_t e = test_add(net, &es_input, i, ES_GROUND, 1e-3 * es_random_normal(&stream), 0, 0);
            net->element[e].channel = i & 1;
            test_train(net, e, 0, &es_logistic);
        }
        net->node[i].voltage = 0.1 * es_random_normal(&stream);
        net->node[i].flux = 0.3e-8 * es_random_normal(&stream);
    }
    for (int i = 0; i < (int)nodes; i += 2)
        test_output(net, i, energies && seed % 2 ? ES_READ_VOLTAGE : ES_READ_FLUX, energies ? i / 2 % 3 : -1);
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
    net->node[2].voltage = 0.1;
    net->node[5].flux = 3e-9;
    return net;
}

static void smooth(struct es_stream *stream, size_t points, double interval, double omega, double amplitude, double *wave) {
    double w1 = omega * log_uniform(stream, 0.2, 0.6), w2 = omega * log_uniform(stream, 0.2, 0.6);
    double p1 = 6.28 * es_random_uniform(stream), p2 = 6.28 * es_random_uniform(stream);
    for (size_t i = 0; i < points; i++)
        wave[i] = amplitude / 2 * (sin(w1 * interval * (double)i + p1) + sin(w2 * interval * (double)i + p2));
}

struct es_example test_example(struct es_network *net, uint64_t seed, const struct es_grid *grid, double omega, int label) {
    struct es_stream stream = {.seed = seed, .purpose = ES_RANDOM_TEST, .id = 7};
    double *input = ES_NEW(net->arena, net->channels * grid->points, double);
    double *target = ES_NEW(net->arena, net->outputs * grid->points, double);
    for (size_t c = 0; c < net->channels; c++)
        smooth(&stream, grid->points, grid->interval, omega, 1, input + c * grid->points);
    for (size_t o = 0; o < net->outputs; o++)
        smooth(&stream, grid->points, grid->interval, omega, 0.2 / omega, target + o * grid->points);
    return (struct es_example){input, target, label};
}

struct es_grid test_grid(const struct es_network *net, double steps, size_t points) {
    double *theta = ES_NEW(net->arena, net->parameters, double);
    es_network_start(net, theta);
    double period = 2 * M_PI / es_modes_fastest(net, theta);
    return (struct es_grid){.interval = period / steps, .points = points, .substeps = 1};
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
