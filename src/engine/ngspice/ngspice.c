// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// The ngspice engine: a pool of worker processes. A worker that dies or hangs is replaced and its pass repeated; what ngspice
// itself reports about a pass is final. Each result lands at its pass's place, whoever computed it.
#include "core/clock.h"
#include "engine/ngspice/message.h"
#include "engine/ngspice/worker.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ATTEMPTS = 3, IDLE = -1 };

struct slot {
    pid_t pid;
    int fd;
    long pass; // IDLE or the pass it works on
    double started, deadline;
};

struct pool {
    struct es_engine base;
    size_t jobs;
    struct slot *slot;
    const struct es_cmos_kit *kit;
};

static bool start_worker(struct pool *pool, struct slot *slot) {
    int fd[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd) != 0)
        return false;
    pid_t pid = fork();
    if (pid == 0) {
        for (size_t i = 0; i < pool->jobs; i++)
            if (pool->slot[i].pid)
                close(pool->slot[i].fd);
        close(fd[0]);
        es_worker_main(fd[1], pool->base.net, pool->base.scheme, pool->kit);
    }
    close(fd[1]);
    struct timeval limit = {5, 0}; // a worker that stops in the middle of a message is lost
    setsockopt(fd[0], SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    setsockopt(fd[0], SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    if (pid < 0) {
        close(fd[0]);
        return false;
    }
    *slot = (struct slot){.pid = pid, .fd = fd[0], .pass = IDLE};
    return true;
}

static void stop_worker(struct slot *slot, bool kill_it) {
    if (!slot->pid)
        return;
    close(slot->fd);
    if (kill_it)
        kill(slot->pid, SIGKILL);
    while (waitpid(slot->pid, NULL, 0) < 0 && errno == EINTR)
        ;
    *slot = (struct slot){.pass = IDLE};
}

static void pool_close(struct es_engine *engine) {
    struct pool *pool = (struct pool *)engine;
    for (size_t i = 0; i < pool->jobs; i++)
        stop_worker(&pool->slot[i], true);
    free(pool->slot);
    free(pool);
}

static enum es_status pool_open(const struct es_network *net, const struct es_scheme *scheme, const struct es_engine_options *options,
                                struct es_engine **engine, struct es_error *error) {
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    if (scheme == &es_transistors && !options->kit)
        return es_fail(error, ES_BAD_INPUT, "the scheme transistors: of which process? take --technology cmos --process NAME");
    struct pool *pool = calloc(1, sizeof *pool);
    if (!pool)
        return es_fail(error, ES_NO_RESOURCE, "out of memory");
    pool->base = (struct es_engine){&es_ngspice, scheme, net, options->jobs};
    pool->kit = options->kit;
    pool->jobs = options->jobs ? options->jobs : cores > 0 ? (size_t)cores : 1;
    if (!(pool->slot = calloc(pool->jobs, sizeof *pool->slot))) {
        free(pool);
        return es_fail(error, ES_NO_RESOURCE, "out of memory for %zu workers", options->jobs);
    }
    *engine = &pool->base;
    return ES_OK;
}

// A deck takes tens of microseconds per element to load, a pass microseconds per unknown and step, and a gyrator of transistors half a millisecond; many times
// as long means that it hangs.
static double patience(const struct es_engine *engine, const struct es_batch *batch) {
    double step = engine->scheme == &es_transistors ? 2e-2 : 1e-4;
    return 10 + 1e-3 * (double)engine->net->elements + step * (double)engine->net->elements * (double)es_grid_steps(&batch->grid);
}

// One run of a batch.
struct run {
    struct pool *pool;
    const struct es_batch *batch;
    struct es_result *result;
    int *attempts; // [passes]
    size_t next, done;
    size_t again; // passes to be repeated
    size_t *repeat;
    size_t traced, forwarded; // points of the sink's pass: received in this attempt, given to the sink
};

static enum es_status give(struct run *run, struct slot *slot, size_t pass, struct es_error *error) {
    if (++run->attempts[pass] > ATTEMPTS)
        return es_fail(error, ES_FAILED, "ngspice: the worker died or hung %d times on pass %zu; look at its deck with `echospice simulate --deck`", ATTEMPTS, pass);
    if (!slot->pid && !start_worker(run->pool, slot))
        return es_fail(error, ES_NO_RESOURCE, "cannot start an ngspice worker: %s", strerror(errno));
    run->traced = 0;
    slot->pass = (long)pass;
    slot->started = es_now();
    slot->deadline = slot->started + patience(&run->pool->base, run->batch);
    if (!es_send_pass(slot->fd, run->pool->base.net, run->batch, &run->batch->pass[pass])) {
        stop_worker(slot, true); // it was dead already
        run->repeat[run->again++] = pass;
    }
    return ES_OK;
}

static void lose(struct run *run, struct slot *slot) {
    run->repeat[run->again++] = (size_t)slot->pass;
    stop_worker(slot, true);
}

static bool forward_point(struct run *run, struct slot *slot) {
    size_t nodes = run->pool->base.net->nodes;
    double t, flux[ES_MAX_NODES], voltage[ES_MAX_NODES];
    bool good = es_receive(slot->fd, &t, sizeof t) && es_receive(slot->fd, flux, nodes * sizeof *flux) &&
                es_receive(slot->fd, voltage, nodes * sizeof *voltage);
    if (good && run->batch->sink && run->traced++ == run->forwarded) { // a repeated pass sends the same points again
        run->forwarded++;
        run->batch->sink->point(run->batch->sink->context, t, flux, voltage);
    }
    return good;
}

// Takes one message from a worker that has one.
static enum es_status take(struct run *run, struct slot *slot, struct es_error *error) {
    enum es_message message;
    struct es_result *result = &run->result[slot->pass];
    char problem[512];
    bool good = es_receive(slot->fd, &message, sizeof message);
    if (good && message == ES_MESSAGE_FAILED && es_receive(slot->fd, problem, sizeof problem))
        return es_fail(error, ES_FAILED, "ngspice: pass %ld: %s", slot->pass, problem);
    if (good && message == ES_MESSAGE_POINT)
        good = forward_point(run, slot);
    else if (good && message == ES_MESSAGE_DONE) {
        good = es_receive_result(slot->fd, run->pool->base.net, run->batch, result);
        if (good) {
            result->wall_s = es_now() - slot->started;
            slot->pass = IDLE;
            run->done++;
        }
    }
    if (!good)
        lose(run, slot);
    return ES_OK;
}

static enum es_status hand_out(struct run *run, struct es_error *error) {
    enum es_status status = ES_OK;
    for (size_t i = 0; i < run->pool->jobs && status == ES_OK; i++) {
        struct slot *slot = &run->pool->slot[i];
        if (slot->pid && slot->pass != IDLE)
            continue;
        if (run->again)
            status = give(run, slot, run->repeat[--run->again], error);
        else if (run->next < run->batch->passes)
            status = give(run, slot, run->next++, error);
    }
    return status;
}

static enum es_status collect(struct run *run, struct pollfd *list, struct slot **busy, struct es_error *error) {
    nfds_t count = 0;
    double first = 1e300;
    for (size_t i = 0; i < run->pool->jobs; i++)
        if (run->pool->slot[i].pid && run->pool->slot[i].pass != IDLE) {
            busy[count] = &run->pool->slot[i];
            list[count++] = (struct pollfd){.fd = run->pool->slot[i].fd, .events = POLLIN};
            first = run->pool->slot[i].deadline < first ? run->pool->slot[i].deadline : first;
        }
    double wait = first - es_now();
    if (count && poll(list, count, wait > 0 ? (int)(wait * 1000) + 1 : 0) < 0 && errno != EINTR)
        return es_fail(error, ES_NO_RESOURCE, "cannot wait for ngspice workers: %s", strerror(errno));
    enum es_status status = ES_OK;
    double polled = es_now(); // take() may wait for one worker while another finishes
    for (nfds_t i = 0; i < count && status == ES_OK; i++)
        if (list[i].revents)
            status = take(run, busy[i], error);
        else if (polled > busy[i]->deadline)
            lose(run, busy[i]);
    return status;
}

static enum es_status pool_run(struct es_engine *engine, const struct es_batch *batch, struct es_result *result, struct es_error *error) {
    struct pool *pool = (struct pool *)engine;
    struct es_arena *arena = es_arena_new();
    struct run run = {.pool = pool, .batch = batch, .result = result, .attempts = ES_NEW(arena, batch->passes, int), .repeat = ES_NEW(arena, batch->passes, size_t)};
    struct pollfd *list = ES_NEW(arena, pool->jobs, struct pollfd);
    struct slot **busy = ES_NEW(arena, pool->jobs, struct slot *);
    enum es_status status = ES_OK;
    while (run.done < batch->passes && status == ES_OK) {
        status = hand_out(&run, error);
        if (status == ES_OK)
            status = collect(&run, list, busy, error);
    }
    for (size_t i = 0; i < pool->jobs && status != ES_OK; i++) // what they still compute is not wanted
        stop_worker(&pool->slot[i], true);
    es_arena_free(arena);
    return status;
}

static const struct es_row *const schemes[] = {&es_trapezoidal.row, &es_adaptive.row, &es_transistors.row, &es_operating_point.row, &es_settle.row, NULL};

const struct es_engine_kind es_ngspice = {
    .row = {"ngspice", "libngspice in worker processes, uniform reversible stepping", "ngspice 39"},
    .schemes = schemes,
    .open = pool_open,
    .run = pool_run,
    .close = pool_close,
};
