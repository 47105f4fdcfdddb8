// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// Independent pieces of work, each in a process of its own, some at a time. A process is a fork, so that it finds in memory all that its parent
// has read; it dies with its parent.
#ifndef ES_CLI_WORKERS_H
#define ES_CLI_WORKERS_H

#include "core/status.h"

#include <stddef.h>

// How a piece ended.
struct cli_piece {
    size_t number;
    const void *result;    // [size] bytes that the process has written
    enum es_status status; // of work(); ES_NO_RESOURCE of a process that died
    struct es_error error;
    double seconds;        // of processors, its own children's too
};

struct cli_workers {
    size_t pieces, processes; // of work; at once
    size_t size;              // bytes of a result, shared with the process
    void *context;            // of all that follow
    // In the parent, before piece `number` is forked; they are begun in order.
    enum es_status (*prepare)(void *context, size_t number, struct es_error *error);
    // In the process: *done is how much of it is, 0 .. 1, for others to see.
    enum es_status (*work)(void *context, size_t number, void *result, volatile double *done, struct es_error *error);
    // In the parent, when a piece has ended; in any order.
    enum es_status (*ended)(void *context, const struct cli_piece *piece, struct es_error *error);
    // In the parent, now and then: how much of all is done, 0 .. 1. Anything but ES_OK ends the work.
    enum es_status (*waiting)(void *context, double done, struct es_error *error);
};

// Until all pieces have ended, or one of prepare(), ended() and waiting() fails: processes that still run are then killed.
enum es_status cli_work(const struct cli_workers *workers, struct es_error *error);

#endif
