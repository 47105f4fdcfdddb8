// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
#include "cli/workers.h"

#include "core/arena.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

// What a process shares with its parent; the result follows.
struct shared {
    volatile double done;
    enum es_status status;
    struct es_error error;
};
enum { RESULT_AT = (sizeof(struct shared) + 63) / 64 * 64 };

struct process {
    pid_t pid; // 0: none
    size_t number;
    struct shared *shared;
};

struct work {
    const struct cli_workers *workers;
    size_t begun, ended;
    struct process *process; // [processes]
};

static void *result_of(const struct process *process) {
    return (char *)process->shared + RESULT_AT;
}

_Noreturn static void work_here(const struct cli_workers *w, const struct process *process, pid_t parent) {
    struct shared *shared = process->shared;
    signal(SIGINT, SIG_IGN); // the parent decides
    signal(SIGTERM, SIG_DFL);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() == parent)
        shared->status = w->work(w->context, process->number, result_of(process), &shared->done, &shared->error);
    _exit(0); // what the parent has buffered is the parent's
}

static enum es_status begin(struct work *work, struct process *process, struct es_error *error) {
    const struct cli_workers *w = work->workers;
    enum es_status status = w->prepare(w->context, work->begun, error);
    if (status != ES_OK)
        return status;
    memset(process->shared, 0, RESULT_AT + w->size);
    process->number = work->begun++;
    pid_t parent = getpid();
    fflush(NULL);
    process->pid = fork();
    if (process->pid == 0)
        work_here(w, process, parent);
    if (process->pid > 0)
        return ES_OK;
    process->pid = 0;
    return es_fail(error, ES_NO_RESOURCE, "no process can be started: %s", strerror(errno));
}

static double seconds_of(const struct rusage *used) {
    return (double)(used->ru_utime.tv_sec + used->ru_stime.tv_sec) + 1e-6 * (double)(used->ru_utime.tv_usec + used->ru_stime.tv_usec);
}

static enum es_status end(struct work *work, struct process *process, int exited, const struct rusage *used, struct es_error *error) {
    const struct cli_workers *w = work->workers;
    struct cli_piece piece = {process->number, result_of(process), process->shared->status, process->shared->error, seconds_of(used)};
    process->pid = 0;
    work->ended++;
    if (WIFSIGNALED(exited))
        piece.status = es_fail(&piece.error, ES_NO_RESOURCE, "its process died of signal %d (%s)", WTERMSIG(exited), strsignal(WTERMSIG(exited)));
    else if (WEXITSTATUS(exited) != 0)
        piece.status = es_fail(&piece.error, ES_NO_RESOURCE, "its process ended with status %d", WEXITSTATUS(exited));
    return w->ended(w->context, &piece, error);
}

// Takes in the processes that have ended; whether there was one.
static bool collect(struct work *work, enum es_status *status, struct es_error *error) {
    bool any = false;
    for (size_t i = 0; i < work->workers->processes && *status == ES_OK; i++) {
        int exited;
        struct rusage used;
        if (work->process[i].pid && wait4(work->process[i].pid, &exited, WNOHANG, &used) > 0) {
            *status = end(work, &work->process[i], exited, &used, error);
            any = true;
        }
    }
    return any;
}

static double done(const struct work *work) {
    double sum = (double)work->ended;
    for (size_t i = 0; i < work->workers->processes; i++)
        if (work->process[i].pid)
            sum += work->process[i].shared->done;
    return sum / (double)work->workers->pieces;
}

static enum es_status work_all(struct work *work, struct es_error *error) {
    const struct cli_workers *w = work->workers;
    const struct timespec moment = {.tv_nsec = 10000000};
    enum es_status status = ES_OK;
    while (status == ES_OK && work->ended < w->pieces) {
        for (size_t i = 0; i < w->processes && work->begun < w->pieces && status == ES_OK; i++)
            if (!work->process[i].pid)
                status = begin(work, &work->process[i], error);
        if (status == ES_OK && !collect(work, &status, error))
            nanosleep(&moment, NULL);
        if (status == ES_OK)
            status = w->waiting(w->context, done(work), error);
    }
    return status;
}

static void kill_all(struct work *work) {
    for (size_t i = 0; i < work->workers->processes; i++)
        if (work->process[i].pid)
            kill(work->process[i].pid, SIGKILL);
    for (size_t i = 0; i < work->workers->processes; i++)
        while (work->process[i].pid && waitpid(work->process[i].pid, NULL, 0) < 0 && errno == EINTR)
            ;
}

enum es_status cli_work(const struct cli_workers *workers, struct es_error *error) {
    struct es_arena *arena = es_arena_new();
    size_t size = (RESULT_AT + workers->size + 63) / 64 * 64;
    char *memory = mmap(NULL, workers->processes * size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) {
        es_arena_free(arena);
        return es_fail(error, ES_NO_RESOURCE, "no memory to share with %zu processes", workers->processes);
    }
    struct work work = {.workers = workers, .process = ES_NEW(arena, workers->processes, struct process)};
    for (size_t i = 0; i < workers->processes; i++)
        work.process[i].shared = (void *)(memory + i * size);
    enum es_status status = work_all(&work, error);
    kill_all(&work);
    munmap(memory, workers->processes * size);
    es_arena_free(arena);
    return status;
}
