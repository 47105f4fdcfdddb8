// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
#include "engine/ngspice/message.h"

#include <errno.h>
#include <sys/socket.h>

bool es_send(int fd, const void *data, size_t size) {
    for (const char *at = data; size > 0;) {
        ssize_t sent = send(fd, at, size, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent <= 0)
            return false;
        at += sent;
        size -= (size_t)sent;
    }
    return true;
}

bool es_receive(int fd, void *data, size_t size) {
    for (char *at = data; size > 0;) {
        ssize_t got = recv(fd, at, size, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return false;
        at += got;
        size -= (size_t)got;
    }
    return true;
}

struct request {
    struct es_grid grid;
    size_t accumulators, injections;
    const struct es_reversal *reversal; // a worker is a fork: rows are at the same place
    bool target, window, nudge, traced, recorded, connected, injection;
    double growth, skew;
};

static bool send_doubles(int fd, const double *x, size_t count) {
    return es_send(fd, x, count * sizeof *x);
}

static const double *receive_doubles(int fd, struct es_arena *arena, size_t count, bool *good) {
    double *x = ES_NEW(arena, count, double);
    *good = *good && es_receive(fd, x, count * sizeof *x);
    return x;
}

bool es_send_pass(int fd, const struct es_network *net, const struct es_batch *batch, const struct es_pass *pass) {
    struct request request = {batch->grid, batch->accumulators, batch->injections, pass->reversal, pass->target, pass->window, pass->nudge, batch->sink, batch->recorded,
                              pass->connected, pass->injection, pass->growth, pass->skew};
    size_t points = batch->grid.points;
    return es_send(fd, &request, sizeof request) &&
           es_send(fd, batch->accumulator, batch->accumulators * sizeof *batch->accumulator) &&
           es_send(fd, batch->injection, batch->injections * sizeof *batch->injection) &&
           send_doubles(fd, pass->theta, net->parameters) && send_doubles(fd, pass->flux, net->nodes) &&
           send_doubles(fd, pass->voltage, net->nodes) && send_doubles(fd, pass->offset, net->elements) &&
           send_doubles(fd, pass->input, net->channels * points) &&
           (!pass->target || send_doubles(fd, pass->target, net->outputs * points)) &&
           (!pass->window || send_doubles(fd, pass->window, points - 1)) &&
           (!pass->nudge || send_doubles(fd, pass->nudge, net->outputs)) &&
           (!pass->injection || send_doubles(fd, pass->injection, batch->injections * es_grid_steps(&batch->grid)));
}

bool es_receive_pass(int fd, const struct es_network *net, struct es_arena *arena, struct es_batch *batch, struct es_pass *pass,
                     bool *traced) {
    struct request request;
    if (!es_receive(fd, &request, sizeof request))
        return false;
    struct es_accumulator *accumulator = ES_NEW(arena, request.accumulators, struct es_accumulator);
    bool good = es_receive(fd, accumulator, request.accumulators * sizeof *accumulator);
    struct es_injection *injection = ES_NEW(arena, request.injections, struct es_injection);
    good = good && es_receive(fd, injection, request.injections * sizeof *injection);
    size_t points = request.grid.points;
    pass->reversal = request.reversal;
    pass->theta = receive_doubles(fd, arena, net->parameters, &good);
    pass->flux = receive_doubles(fd, arena, net->nodes, &good);
    pass->voltage = receive_doubles(fd, arena, net->nodes, &good);
    pass->offset = receive_doubles(fd, arena, net->elements, &good);
    pass->input = receive_doubles(fd, arena, net->channels * points, &good);
    pass->target = request.target ? receive_doubles(fd, arena, net->outputs * points, &good) : NULL;
    pass->window = request.window ? receive_doubles(fd, arena, points - 1, &good) : NULL;
    pass->nudge = request.nudge ? receive_doubles(fd, arena, net->outputs, &good) : NULL;
    pass->connected = request.connected;
    pass->growth = request.growth;
    pass->skew = request.skew;
    pass->injection = request.injection ? receive_doubles(fd, arena, request.injections * es_grid_steps(&request.grid), &good) : NULL;
    *batch = (struct es_batch){.grid = request.grid, .accumulators = request.accumulators, .accumulator = accumulator, .injections = request.injections, .injection = injection, .passes = 1, .pass = pass,
                               .recorded = request.recorded};
    *traced = request.traced;
    return good;
}

struct times {
    double tran_s, callback_s;
};

bool es_send_result(int fd, const struct es_network *net, const struct es_batch *batch, const struct es_result *result) {
    enum es_message done = ES_MESSAGE_DONE;
    struct times times = {result->tran_s, result->callback_s};
    return es_send(fd, &done, sizeof done) && es_send(fd, &times, sizeof times) && send_doubles(fd, result->integral, batch->accumulators) &&
           send_doubles(fd, result->flux, net->nodes) && send_doubles(fd, result->voltage, net->nodes) && send_doubles(fd, result->offset, net->elements) &&
           (!batch->recorded || send_doubles(fd, result->middle, es_grid_steps(&batch->grid) * net->nodes));
}

bool es_receive_result(int fd, const struct es_network *net, const struct es_batch *batch, struct es_result *result) {
    struct times times;
    bool good = es_receive(fd, &times, sizeof times) && es_receive(fd, result->integral, batch->accumulators * sizeof(double)) &&
                es_receive(fd, result->flux, net->nodes * sizeof(double)) && es_receive(fd, result->voltage, net->nodes * sizeof(double)) &&
                es_receive(fd, result->offset, net->elements * sizeof(double)) &&
                (!batch->recorded || es_receive(fd, result->middle, es_grid_steps(&batch->grid) * net->nodes * sizeof(double)));
    result->tran_s = times.tran_s;
    result->callback_s = times.callback_s;
    return good;
}
