// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// Messages between the engine and its workers over a socket pair of one machine: whole structs and arrays of doubles. All
// functions return false when the other side is gone.
#ifndef ES_ENGINE_NGSPICE_MESSAGE_H
#define ES_ENGINE_NGSPICE_MESSAGE_H

#include "engine/engine.h"

enum es_message { ES_MESSAGE_DONE = 1, ES_MESSAGE_POINT, ES_MESSAGE_FAILED };

bool es_send(int fd, const void *data, size_t size);
bool es_receive(int fd, void *data, size_t size);

// A pass as a request: grid, accumulators and everything the pass points to. The received arrays live in `arena`.
bool es_send_pass(int fd, const struct es_network *net, const struct es_batch *batch, const struct es_pass *pass);
bool es_receive_pass(int fd, const struct es_network *net, struct es_arena *arena, struct es_batch *batch, struct es_pass *pass,
                     bool *traced);

bool es_send_result(int fd, const struct es_network *net, const struct es_batch *batch, const struct es_result *result);
bool es_receive_result(int fd, const struct es_network *net, const struct es_batch *batch, struct es_result *result);

#endif
