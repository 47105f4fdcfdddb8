// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// Handwritten digits in a warm linear network, 2600 resistors from the 64 pixels and 1 V, each as +x and -x, to 20 nodes in pairs: trained by the rule contrastive
// at one nudge, with as many points of a chain for each average. Says how many of the test digits the network at rest has right after every epoch.
//     finite_nudge TRAIN TEST BETA [EXAMPLES [EPOCHS [KT [SEED]]]]     optdigits.tra, optdigits.tes; k T in W; of the start values and the noise
#include "core/random.h"
#include "learn/gradient.h"
#include "learn/optimiser.h"
#include "learn/thermal.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { PIXELS = 64, CHANNELS = PIXELS + 1, INPUTS = 2 * CHANNELS, CLASSES = 10, NODES = INPUTS + 2 * CLASSES, MOST = 4000, BATCH = 16, POINTS = 2 };

struct digits {
    size_t count;
    double (*input)[CHANNELS * POINTS], (*target)[CLASSES * POINTS];
    int *label;
};

static size_t add(struct es_network *net, const struct es_element_kind *kind, int p, int n, double value) {
    struct es_element *e = &net->element[net->elements];
    *e = (struct es_element){.name = es_arena_printf(net->arena, "e%zu", net->elements), .kind = kind, .p = p, .n = n, .value = {value}, .channel = -1, .class = -1};
    for (size_t q = 0; q < ES_QUANTITIES; q++)
        e->parameter[q] = ES_FIXED;
    return net->elements++;
}

static void add_resistor(struct es_network *net, int p, int n, double value) {
    size_t e = add(net, &es_conductance, p, n, value);
    net->element[e].parameter[0] = (int)net->parameters;
    net->parameter[net->parameters++] = (struct es_parameter){.element = e, .min = 1e-9, .max = 1e-2, .coordinate = &es_log};
}

static struct es_network *network(uint64_t seed, struct es_arena *arena) {
    struct es_network *net = ES_NEW(arena, 1, struct es_network);
    struct es_stream stream = {.seed = seed};
    *net = (struct es_network){.arena = arena, .name = "digits", .nodes = NODES, .channels = CHANNELS, .outputs = CLASSES, .node = ES_NEW(arena, NODES, struct es_node),
                               .element = ES_NEW(arena, ES_MAX_ELEMENTS, struct es_element), .channel = ES_NEW(arena, CHANNELS, const char *),
                               .parameter = ES_NEW(arena, ES_MAX_ELEMENTS, struct es_parameter), .output = ES_NEW(arena, CLASSES, size_t)};
    for (int i = 0; i < NODES; i++)
        net->node[i] = (struct es_node){.name = es_arena_printf(arena, "n%d", i), .source = i < INPUTS ? i : -1};
    for (int i = 0; i < INPUTS; i++) {
        net->element[add(net, &es_source, i, ES_GROUND, i % 2 ? -1 : 1)].channel = i / 2;
        net->channel[i / 2] = es_arena_printf(arena, "c%d", i / 2);
    }
    for (int o = INPUTS; o < NODES; o++) {
        add(net, &es_capacitor, o, ES_GROUND, 1e-9);
        for (int i = 0; i < INPUTS; i++)
            add_resistor(net, i, o, 1e-5 * exp(log(10) * es_random_uniform(&stream)));
    }
    for (int k = 0; k < CLASSES; k++) {
        net->output[k] = add(net, &es_output, INPUTS + 2 * k, INPUTS + 2 * k + 1, 0);
        net->element[net->output[k]].channel = k;
    }
    return net;
}

// Pixels 0 .. 16 as -1 .. 1 V, 1 V; targets 0.2 V of the digit's own output and 0 of the others, about their mean.
static struct digits read(const char *path, size_t most, struct es_arena *arena) {
    struct digits d = {.input = es_arena_alloc(arena, MOST, sizeof *d.input), .target = es_arena_alloc(arena, MOST, sizeof *d.target), .label = ES_NEW(arena, MOST, int)};
    FILE *file = fopen(path, "r");
    int value = 0;
    for (bool more = file != NULL; more && d.count < most; d.count += more) {
        for (int c = 0; c <= PIXELS && more; c++) {
            more = fscanf(file, "%d%*[,]", &value) == 1;
            for (int n = 0; n < POINTS; n++)
                d.input[d.count][c * POINTS + n] = c < PIXELS ? value / 8.0 - 1 : 1;
        }
        d.label[d.count] = value;
        for (int k = 0; k < CLASSES * POINTS; k++)
            d.target[d.count][k] = 0.2 * ((k / POINTS == value) - 0.1);
    }
    if (file)
        fclose(file);
    return d;
}

// The network at rest: every output node is at the mean of its inputs, weighed by their conductances.
static int answer(const double *theta, const double *input) {
    double best = -INFINITY;
    int label = 0;
    for (int k = 0; k < CLASSES; k++) {
        double v[2];
        for (int end = 0; end < 2; end++) {
            const double *g = theta + (2 * k + end) * INPUTS;
            double sum = 0, all = 0;
            for (int i = 0; i < INPUTS; i++) {
                sum += g[i] * (i % 2 ? -1 : 1) * input[i / 2 * POINTS];
                all += g[i];
            }
            v[end] = sum / all;
        }
        if (v[0] - v[1] > best) {
            best = v[0] - v[1];
            label = k;
        }
    }
    return label;
}

static double right(const struct digits *d, const double *theta) {
    size_t count = 0;
    for (size_t i = 0; i < d->count; i++)
        count += answer(theta, d->input[i]) == d->label[i];
    return (double)count / (double)d->count;
}

static void step(const struct es_network *net, const double *slope, double rate, uint64_t update, double *theta, double (*moment)[ES_MOMENTS]) {
    for (size_t i = 0; i < net->parameters; i++) {
        double u = es_parameter_coordinate(net, i, theta[i]) + es_adam.step(slope[i] * es_parameter_slope(net, i, theta[i]), rate, moment[i], update);
        theta[i] = es_parameter_value(net, i, u);
    }
}

int main(int argc, char **argv) {
    struct es_arena *arena = es_arena_new();
    struct es_error error = {""};
    if (argc < 4)
        return fputs("finite_nudge TRAIN TEST BETA [EXAMPLES [EPOCHS [KT [SEED]]]]\n", stderr), 2;
    struct digits train = read(argv[1], argc > 4 ? (size_t)fmin(atof(argv[4]), MOST) : MOST, arena), test = read(argv[2], MOST, arena);
    uint64_t seed = argc > 7 ? strtoull(argv[7], NULL, 10) : 1;
    struct es_network *net = network(seed, arena);
    double *theta = ES_NEW(arena, net->parameters, double), *slope = ES_NEW(arena, net->parameters, double);
    double (*moment)[ES_MOMENTS] = es_arena_alloc(arena, net->parameters, sizeof *moment);
    struct es_problem problem = {.net = net, .cost = &es_terminal_voltage, .rule = &es_contrastive, .grid = {.interval = 25 * 3e-7, .points = POINTS, .substeps = 25},
                                 .beta = atof(argv[3]), .sampler = &es_co_content, .kt = argc > 6 ? atof(argv[6]) : 1.6e-5, .chains = 4, .seed = seed};
    es_network_start(net, theta);
    enum es_status status = es_engine_open(&es_twin, net, &(struct es_engine_options){.scheme = "midpoint", .jobs = 1}, &problem.engine, &error);
    if (status == ES_OK)
        status = es_rule_admits(problem.rule, &problem, &error);
    for (int epoch = 0; epoch < (argc > 5 ? atoi(argv[5]) : 5) && status == ES_OK; epoch++) {
        double loss = 0;
        for (size_t first = 0; first + BATCH <= train.count && status == ES_OK; first += BATCH) {
            struct es_example example[BATCH];
            struct es_gradient gradient = {.slope = slope};
            for (size_t i = 0; i < BATCH; i++)
                example[i] = (struct es_example){.input = train.input[first + i], .target = train.target[first + i], .label = -1, .sample = first + i};
            status = es_gradient(&problem, theta, BATCH, example, &gradient, &error);
            step(net, slope, 0.05, ++problem.update, theta, moment);
            loss += gradient.loss * BATCH / (double)train.count;
        }
        printf("beta %g, kT %g W, epoch %d: gap %.5g V^2, %.4f right\n", problem.beta, problem.kt, epoch + 1, loss, right(&test, theta));
        fflush(stdout);
    }
    if (status != ES_OK)
        fprintf(stderr, "%s\n", error.text);
    es_engine_close(problem.engine);
    es_arena_free(arena);
    return status == ES_OK ? 0 : 1;
}
