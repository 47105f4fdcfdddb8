// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// The native engine: passes are stepped in blocks of ES_LANES, blocks are shared out among threads. A block's result does not
// depend on its neighbours, so that any number of threads gives the same bits.
#include "core/clock.h"
#include "engine/twin/block.h"
#include "engine/twin/equilibrium.h"
#include "net/validate.h"

#include <gsl/gsl_errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct twin {
    struct es_engine base;
    size_t jobs;
    struct es_arena *arena;
    struct es_resistive resistive; // of an equilibrium scheme
};

static void twin_close(struct es_engine *engine) {
    es_arena_free(((struct twin *)engine)->arena);
    free(engine);
}

// Damping that is uniform stays so only where no capacitance and no conductance is trained.
static enum es_status check_conformal(const struct es_network *net, struct es_error *error) {
    bool damped = es_network_has(net, ES_DISSIPATION);
    for (size_t i = 0; i < net->elements && damped; i++) {
        const struct es_element *e = &net->element[i];
        if ((e->kind->term == ES_KINETIC || e->kind->term == ES_DISSIPATION) && e->parameter[0] != ES_FIXED)
            return es_fail(error, ES_BAD_INPUT, "network \"%s\", line %d: scheme conformal needs uniform damping, and %s \"%s\" is trained, which would not leave it uniform; "
                           "use scheme midpoint, or leave it fixed", net->name, e->line, e->kind->row.name, e->name);
    }
    return ES_OK;
}

static enum es_status twin_open(const struct es_network *net, const struct es_scheme *scheme, const struct es_engine_options *options,
                                struct es_engine **engine, struct es_error *error) {
    for (size_t i = 0; i < net->elements && scheme == &es_verlet.scheme; i++)
        if (net->element[i].kind->term == ES_DISSIPATION)
            return es_fail(error, ES_BAD_INPUT, "network \"%s\", line %d: scheme verlet cannot step the conductance \"%s\"; use scheme midpoint",
                           net->name, net->element[i].line, net->element[i].name);
    enum es_status status = scheme == &es_conformal.scheme ? check_conformal(net, error) : ES_OK;
    if (status == ES_OK && scheme == &es_verlet.scheme)
        status = es_validate_no_own_flux(net, "the scheme verlet, which knows fluxes and voltages at different times; use scheme midpoint", error);
    if (status == ES_OK && scheme == &es_conformal.scheme)
        status = es_validate_no_own_flux(net, "the scheme conformal, whose decay is that of the capacitors' charge; use scheme midpoint", error);
    if (status != ES_OK)
        return status;
    struct twin *twin = calloc(1, sizeof *twin);
    if (!twin)
        return es_fail(error, ES_NO_RESOURCE, "out of memory");
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    twin->base = (struct es_engine){&es_twin, scheme, net, options->jobs};
    twin->jobs = options->jobs ? options->jobs : cores > 0 ? (size_t)cores : 1;
    twin->arena = es_arena_new();
    status = scheme->equilibrium ? es_resistive_new(net, twin->arena, &twin->resistive, error) : ES_OK;
    if (status == ES_OK)
        *engine = &twin->base;
    else
        twin_close(&twin->base);
    return status;
}

struct run {
    const struct es_engine *engine;
    const struct es_batch *batch;
    struct es_result *result;
    size_t blocks;
    size_t *first;          // [blocks + 1] first pass of each block
    enum es_status *status; // [blocks]
    struct es_error *error; // [blocks]
    atomic_size_t next;     // block to be taken
};

// Offsets stay as they were, but for branches with their own flux.
static void copy_offsets(const struct es_block *b, size_t lane, struct es_result *result) {
    memcpy(result->offset, b->pass[lane].offset, b->net->elements * sizeof *result->offset);
    for (size_t i = 0; i < b->curves; i++)
        if (b->curve[i].own) {
            size_t e = b->curve[i].element;
            result->offset[e] = b->curve[i].offset.at[lane] - es_across(&b->net->element[e], result->flux);
        }
}

static void copy_out(const struct es_block *b, struct es_result *result, double wall_s) {
    for (size_t l = 0; l < b->passes; l++) {
        for (size_t i = 0; i < b->batch->accumulators; i++)
            result[l].integral[i] = b->integral[i].at[l];
        for (size_t i = 0; i < b->net->nodes; i++) {
            result[l].flux[i] = b->flux[i].at[l];
            result[l].voltage[i] = b->voltage[i].at[l];
        }
        copy_offsets(b, l, &result[l]);
        result[l].wall_s = result[l].tran_s = wall_s / (double)b->passes;
        result[l].callback_s = 0;
    }
}

static enum es_status run_block(const struct run *run, size_t first, size_t end, struct es_error *error) {
    const struct es_network *net = run->engine->net;
    if (run->engine->scheme->equilibrium)
        return es_equilibrium_run((const void *)run->engine->scheme, &((const struct twin *)run->engine)->resistive, run->batch, end - first, run->batch->pass + first,
                                  run->result + first, error);
    const struct es_stepper *stepper = (const void *)run->engine->scheme;
    double start = es_now();
    struct es_block block = {.net = net, .batch = run->batch, .arena = es_arena_new(), .passes = end - first, .pass = run->batch->pass + first,
                             .result = run->result + first};
    enum es_status status = es_model_new(net, block.pass->theta, block.arena, &block.model, error);
    if (status == ES_OK) {
        es_block_compile(&block, stepper->scheme.middle);
        status = stepper->run(&block, error);
    }
    if (status == ES_OK)
        copy_out(&block, run->result + first, es_now() - start);
    es_arena_free(block.scratch);
    es_arena_free(block.scratch_here);
    es_arena_free(block.scratch_mass);
    es_arena_free(block.arena);
    return status;
}

static void *work(void *context) {
    struct run *run = context;
    for (size_t i; (i = atomic_fetch_add(&run->next, 1)) < run->blocks;)
        run->status[i] = run_block(run, run->first[i], run->first[i + 1], &run->error[i]);
    return NULL;
}

static bool alike(const struct es_pass *a, const struct es_pass *b) {
    return a->theta == b->theta && a->reversal == b->reversal && a->connected == b->connected && a->growth == b->growth;
}

// Consecutive passes with the same parameters that begin in the same way share a block.
static void divide(struct run *run, struct es_arena *arena) {
    const struct es_batch *batch = run->batch;
    run->first = ES_NEW(arena, batch->passes + 1, size_t);
    for (size_t i = 1; i <= batch->passes; i++)
        if (i == batch->passes || i - run->first[run->blocks] == ES_LANES || !alike(&batch->pass[i], &batch->pass[i - 1]))
            run->first[++run->blocks] = i;
    run->status = ES_NEW(arena, run->blocks, enum es_status);
    run->error = ES_NEW(arena, run->blocks, struct es_error);
}

static enum es_status twin_run(struct es_engine *engine, const struct es_batch *batch, struct es_result *result, struct es_error *error) {
    struct es_arena *arena = es_arena_new();
    struct run run = {.engine = engine, .batch = batch, .result = result};
    divide(&run, arena);
    size_t jobs = ((struct twin *)engine)->jobs, helpers = (jobs < run.blocks ? jobs : run.blocks) - 1, started = 0;
    pthread_t *thread = ES_NEW(arena, helpers, pthread_t);
    gsl_error_handler_t *handler = gsl_set_error_handler_off(); // one for all threads, so none of them may restore another
    while (started < helpers && pthread_create(&thread[started], NULL, work, &run) == 0)
        started++;
    work(&run); // this thread works too, so a refused thread costs only time
    for (size_t i = 0; i < started; i++)
        pthread_join(thread[i], NULL);
    gsl_set_error_handler(handler);
    enum es_status status = ES_OK;
    for (size_t i = 0; i < run.blocks && status == ES_OK; i++)
        if (run.status[i] != ES_OK)
            status = es_fail(error, run.status[i], "%s", run.error[i].text);
    es_arena_free(arena);
    return status;
}

static const struct es_row *const schemes[] = {&es_midpoint.scheme.row, &es_verlet.scheme.row, &es_conformal.scheme.row, &es_newton.scheme.row, NULL};

const struct es_engine_kind es_twin = {
    .row = {"twin", "native steppers, vectorised over samples, one thread a core", "echospice"},
    .schemes = schemes,
    .open = twin_open,
    .run = twin_run,
    .close = twin_close,
};
