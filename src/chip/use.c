// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// The engine as it is used: it changes what is asked of the engine inside, and what that answers.
#include "chip/use.h"

#include <stdlib.h>
#include <string.h>

struct used {
    struct es_engine base;
    struct es_engine_kind kind; // that of the engine inside, with the functions below
    struct es_engine *inside;
    struct es_chip chip;
};

struct es_stream es_using_stream(const struct es_using *use, enum es_purpose purpose, uint64_t id, const struct es_pass *pass) {
    enum { RUNS = 1 << 20 }; // of one update
    return (struct es_stream){.seed = use->chip->seed, .purpose = purpose, .id = id, .sample = pass->sample, .update = pass->update * RUNS + pass->run};
}

// Everything that the rows ask for, in place of the batch's passes.
static enum es_status ask(const struct es_using *use, struct es_batch *batch, struct es_error *error) {
    struct es_pass *pass = ES_NEW(use->arena, batch->passes, struct es_pass);
    memcpy(pass, batch->pass, batch->passes * sizeof *pass);
    batch->pass = pass;
    enum es_status status = ES_OK;
    for (size_t i = 0; i < use->chip->count && status == ES_OK; i++)
        if (use->chip->nonideal[i].kind->ask)
            status = use->chip->nonideal[i].kind->ask(use, use->chip->nonideal[i].value, batch, pass, error);
    return status;
}

static enum es_status run_some(struct used *used, struct es_batch batch, struct es_result *result, struct es_error *error) {
    struct es_using use = {&used->chip, used->base.net, es_arena_new()};
    enum es_status status = ask(&use, &batch, error);
    if (status == ES_OK)
        status = es_engine_run(used->inside, &batch, result, error);
    for (size_t i = 0; i < used->chip.count && status == ES_OK; i++)
        if (used->chip.nonideal[i].kind->read)
            used->chip.nonideal[i].kind->read(&use, used->chip.nonideal[i].value, &batch, result);
    es_arena_free(use.arena);
    return status;
}

// Not too many passes at a time, as their streams of noise take memory.
static enum es_status used_run(struct es_engine *engine, const struct es_batch *batch, struct es_result *result, struct es_error *error) {
    enum { ROOM = 1 << 23, LEAST = 16 }; // numbers, 64 MB; passes
    size_t fit = ROOM / (engine->net->elements * es_grid_steps(&batch->grid)), most = fit > LEAST ? fit : LEAST;
    enum es_status status = ES_OK;
    for (size_t first = 0; first < batch->passes && status == ES_OK; first += most) {
        struct es_batch some = *batch;
        some.pass += first;
        some.passes = batch->passes - first < most ? batch->passes - first : most;
        status = run_some((struct used *)engine, some, result + first, error);
    }
    return status;
}

static void used_close(struct es_engine *engine) {
    struct used *used = (struct used *)engine;
    es_engine_close(used->inside);
    free(used);
}

enum es_status es_chip_open(const struct es_chip *chip, struct es_engine *engine, struct es_engine **result, struct es_error *error) {
    bool changes = false;
    for (size_t i = 0; i < chip->count; i++)
        changes |= !chip->nonideal[i].kind->make;
    *result = engine;
    if (!changes)
        return ES_OK;
    struct used *used = calloc(1, sizeof *used);
    if (!used)
        return es_fail(error, ES_NO_RESOURCE, "out of memory");
    *used = (struct used){.base = *engine, .kind = *engine->kind, .inside = engine, .chip = *chip};
    used->kind.run = used_run;
    used->kind.close = used_close;
    used->base.kind = &used->kind;
    *result = &used->base;
    return ES_OK;
}

struct es_engine *es_chip_inside(struct es_engine *engine) {
    return engine->kind->run == used_run ? ((struct used *)engine)->inside : engine;
}

enum es_status es_chip_ask(struct es_engine *engine, struct es_batch *batch, struct es_arena *arena, struct es_error *error) {
    if (es_chip_inside(engine) == engine)
        return ES_OK;
    return ask(&(struct es_using){&((struct used *)engine)->chip, engine->net, arena}, batch, error);
}
