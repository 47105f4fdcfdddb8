// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// Equilibria of a layered resistor-diode network of 1568-100-20 nodes, 158 800 resistors: the inputs of 784 channels as +x and -x, diodes both ways at the
// hidden nodes. Says how far the twin's equilibrium is from ngspice's, and the time that each takes for one.
//     static [SAMPLES]
#include "core/random.h"
#include "engine/engine.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { CHANNELS = 784, INPUTS = 2 * CHANNELS, HIDDEN = 100, OUTPUTS = 20, NODES = INPUTS + HIDDEN + OUTPUTS };

static void add(struct es_network *net, const struct es_element_kind *kind, int p, int n, double q0, double q1, int channel) {
    struct es_element *e = &net->element[net->elements];
    *e = (struct es_element){.name = es_arena_printf(net->arena, "e%zu", net->elements), .kind = kind, .p = p, .n = n, .value = {q0, q1},
                             .channel = channel, .class = -1};
    for (size_t q = 0; q < ES_QUANTITIES; q++)
        e->parameter[q] = ES_FIXED;
    if (kind == &es_source)
        net->node[p].source = (int)net->elements;
    net->elements++;
}

// Conductances of 1 uS to 10 uS between all nodes of two layers.
static void connect(struct es_network *net, int first, int count, int to, int to_count, struct es_stream *stream) {
    for (int i = first; i < first + count; i++)
        for (int j = to; j < to + to_count; j++)
            add(net, &es_conductance, i, j, 1e-6 * exp(log(10) * es_random_uniform(stream)), 0, -1);
}

static struct es_network *layers(void) {
    struct es_arena *arena = es_arena_new();
    struct es_network *net = ES_NEW(arena, 1, struct es_network);
    struct es_stream stream = {.seed = 1};
    *net = (struct es_network){.arena = arena, .name = "layers", .nodes = NODES, .channels = CHANNELS, .node = ES_NEW(arena, NODES, struct es_node),
                               .element = ES_NEW(arena, 200000, struct es_element), .channel = ES_NEW(arena, CHANNELS, const char *)};
    for (int i = 0; i < NODES; i++)
        net->node[i] = (struct es_node){.name = es_arena_printf(arena, "n%d", i), .source = -1};
    for (int c = 0; c < CHANNELS; c++) {
        net->channel[c] = es_arena_printf(arena, "c%d", c);
        add(net, &es_source, c, ES_GROUND, 1, 0, c);
        add(net, &es_source, CHANNELS + c, ES_GROUND, -1, 0, c);
    }
    connect(net, 0, INPUTS, INPUTS, HIDDEN, &stream);
    connect(net, INPUTS, HIDDEN, INPUTS + HIDDEN, OUTPUTS, &stream);
    for (int h = INPUTS; h < INPUTS + HIDDEN; h++) {
        add(net, &es_diode, h, ES_GROUND, 1e-6, 0.05, -1);
        add(net, &es_diode, ES_GROUND, h, 1e-6, 0.05, -1);
    }
    return net;
}

// Seconds for each of the passes, all in one batch and one thread.
static double solve(const struct es_network *net, const struct es_engine_kind *kind, const char *scheme, size_t passes, const struct es_pass *pass,
                    struct es_result *result) {
    struct es_engine *engine;
    struct es_error error = {""};
    struct es_batch batch = {.grid = {1, 2, 1}, .passes = passes, .pass = pass};
    double seconds = 0;
    if (es_engine_open(kind, net, &(struct es_engine_options){.scheme = scheme, .jobs = 1}, &engine, &error) != ES_OK ||
        es_engine_run(engine, &batch, result, &error) != ES_OK) {
        fprintf(stderr, "%s\n", error.text);
        exit(1);
    }
    for (size_t i = 0; i < passes; i++)
        seconds += result[i].wall_s;
    es_engine_close(engine);
    return seconds / (double)passes;
}

int main(int argc, char **argv) {
    size_t samples = argc > 1 ? (size_t)strtoull(argv[1], NULL, 10) : 64;
    struct es_network *net = layers();
    struct es_stream stream = {.seed = 2};
    struct es_pass *pass = ES_NEW(net->arena, samples, struct es_pass);
    double theta = 0, *zero = ES_NEW(net->arena, net->elements, double);
    for (size_t i = 0; i < samples; i++) {
        double *input = ES_NEW(net->arena, 2 * CHANNELS, double);
        for (int c = 0; c < CHANNELS; c++)
            input[2 * c] = input[2 * c + 1] = 10 * es_random_normal(&stream);
        pass[i] = (struct es_pass){.theta = &theta, .flux = zero, .voltage = zero, .offset = zero, .input = input};
    }
    struct es_result *twin = es_results_new(net->arena, net, 0, samples), *spice = es_results_new(net->arena, net, 0, 1);
    double twin_s = solve(net, &es_twin, "newton", samples, pass, twin), spice_s = solve(net, &es_ngspice, "op", 1, pass, spice), apart = 0;
    for (size_t i = 0; i < NODES; i++)
        apart = fmax(apart, fabs(twin[0].voltage[i] - spice[0].voltage[i]));
    printf("%zu elements; hidden node 0 at %g V, output 0 at %g V; twin and ngspice %.1e V apart\n", net->elements, spice[0].voltage[INPUTS],
           spice[0].voltage[INPUTS + HIDDEN], apart);
    printf("an equilibrium takes %.3g s in the twin, %.3g s in ngspice, of which %.3g s without loading the deck: ratios %.0f, %.0f\n", twin_s, spice_s,
           spice[0].tran_s, spice_s / twin_s, spice[0].tran_s / twin_s);
    es_arena_free(net->arena);
    return 0;
}
