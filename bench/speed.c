// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// How fast the engines are, as ratios measured in one run: branch updates per second of the twin, the share of an ngspice
// pass that ngspice itself takes, the ratio of the two per step and sample, and the memory of a worker over many passes.
//
//     speed [PASSES]      PASSES of the memory test, default 10000
#include "support.h"

#include "core/clock.h"
#include "net/modes.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

// side x side oscillators, every inductance and every node's input gain trained.
static struct es_network *grid_network(int side) {
    struct es_network *net = test_network((size_t)(side * side));
    for (int i = 0; i < side * side; i++) {
        test_add(net, &es_capacitor, i, ES_GROUND, 1e-9, 0, 0);
        test_train(net, test_add(net, &es_inductor, i, ES_GROUND, 1e-6 * (1 + i % 7), 0, 0), 0, &es_log);
        if (i % side + 1 < side)
            test_train(net, test_add(net, &es_inductor, i, i + 1, 20e-6, 0, 0), 0, &es_log);
        if (i + side < side * side)
            test_train(net, test_add(net, &es_inductor, i, i + side, 20e-6, 0, 0), 0, &es_log);
        test_train(net, test_add(net, &es_input, i, ES_GROUND, 1e-3, 0, 0), 0, &es_logistic);
    }
    test_output(net, 0, ES_READ_VOLTAGE, 0);
    test_output(net, side, ES_READ_VOLTAGE, 1);
    return net;
}

struct job {
    struct es_network *net;
    struct es_batch batch;
    struct es_pass *pass;
    struct es_result *result;
};

// `passes` passes with the integrals of every parameter, as in an echo.
static struct job make_job(struct es_network *net, size_t passes, size_t points) {
    struct job job = {.net = net, .pass = ES_NEW(net->arena, passes, struct es_pass)};
    double *theta = ES_NEW(net->arena, net->parameters, double), *zero = ES_NEW(net->arena, net->nodes, double);
    double *none = ES_NEW(net->arena, net->elements, double);
    struct es_model model;
    const struct es_accumulator *accumulator;
    es_network_start(net, theta);
    struct es_grid grid = test_grid(net, 20, points);
    struct es_example example = test_example(net, 1, &grid, es_modes_fastest(net, theta), 0, 0);
    for (size_t i = 0; i < passes; i++)
        job.pass[i] = (struct es_pass){.theta = theta, .flux = zero, .voltage = zero, .offset = none, .input = example.input};
    if (es_model_new(net, theta, net->arena, &model, NULL) != ES_OK)
        exit(2);
    size_t accumulators = es_rhel.integrals(&model, net->arena, &accumulator);
    job.batch = (struct es_batch){.grid = grid, .accumulators = accumulators, .accumulator = accumulator, .passes = passes, .pass = job.pass};
    job.result = es_results_new(net->arena, net, accumulators, passes);
    return job;
}

static double run(struct job *job, struct es_engine *engine) {
    struct es_error error;
    double start = es_now();
    if (es_engine_run(engine, &job->batch, job->result, &error) != ES_OK) {
        fprintf(stderr, "%s\n", error.text);
        exit(2);
    }
    return es_now() - start;
}

static struct es_engine *open_engine(const struct es_engine_kind *kind, const struct es_network *net, const char *scheme) {
    struct es_engine *engine;
    if (es_engine_open(kind, net, &(struct es_engine_options){.scheme = scheme, .jobs = 1}, &engine, NULL) != ES_OK)
        exit(2);
    return engine;
}

// Seconds per step and sample, the best of five.
static double twin(int side, const char *scheme) {
    struct es_network *net = grid_network(side);
    struct job job = make_job(net, 16, 4001);
    struct es_engine *engine = open_engine(&es_twin, net, scheme);
    double best = 1e300;
    for (int i = 0; i < 5; i++) {
        double t = run(&job, engine);
        best = t < best ? t : best;
    }
    double updates = 16. * 4000 * (double)net->parameters;
    printf("twin %-8s %4d nodes: %.3g branch updates per second and core, %.3g s per step and sample\n", scheme, side * side, updates / best,
           best / (16 * 4000));
    es_engine_close(engine);
    es_network_free(net);
    return best / (16 * 4000);
}

static void ngspice(int side, double twin_s) {
    struct es_network *net = grid_network(side);
    struct job job = make_job(net, 1, 4001);
    struct es_engine *engine = open_engine(&es_ngspice, net, NULL);
    run(&job, engine); // starts the worker
    double tran = 0, callback = 0, wall = 0;
    for (int i = 0; i < 3; i++) {
        run(&job, engine);
        tran += job.result->tran_s;
        callback += job.result->callback_s;
        wall += job.result->wall_s;
    }
    double step = wall / (3 * 4000);
    printf("ngspice       %4d nodes: %.3f of a pass is ngspice's own transient (%.3f our callbacks); %.3g s per step, %.0f times the twin's midpoint\n",
           side * side, (tran - callback) / wall, callback / wall, step, step / twin_s);
    es_engine_close(engine);
    es_network_free(net);
}

static long child_memory(void) { // resident kilobytes of our only child
    long pages = 0;
    DIR *proc = opendir("/proc");
    for (struct dirent *entry; (entry = readdir(proc));) {
        char path[300];
        int parent = 0;
        snprintf(path, sizeof path, "/proc/%s/stat", entry->d_name);
        FILE *file = atoi(entry->d_name) > 0 ? fopen(path, "r") : NULL;
        bool child = file && fscanf(file, "%*d %*s %*c %d", &parent) == 1 && parent == getpid();
        if (file)
            fclose(file);
        snprintf(path, sizeof path, "/proc/%s/statm", entry->d_name);
        file = child ? fopen(path, "r") : NULL;
        if (file && fscanf(file, "%*d %ld", &pages) != 1)
            pages = 0;
        if (file)
            fclose(file);
    }
    closedir(proc);
    return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

static void memory(size_t passes) {
    struct es_network *net = grid_network(4);
    struct job job = make_job(net, 100, 51);
    struct es_engine *engine = open_engine(&es_ngspice, net, NULL);
    run(&job, engine);
    long before = child_memory();
    for (size_t done = 0; done < passes; done += 100)
        run(&job, engine);
    printf("ngspice worker: resident memory grew by %ld kB over %zu passes (from %ld kB)\n", child_memory() - before, passes, before);
    es_engine_close(engine);
    es_network_free(net);
}

int main(int argc, char **argv) {
    twin(8, "verlet");
    for (int side = 4; side <= 16; side *= 2)
        ngspice(side, twin(side, "midpoint"));
    memory(argc > 1 ? (size_t)atoi(argv[1]) : 10000);
    return 0;
}
