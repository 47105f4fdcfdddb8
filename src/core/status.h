// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// How a function of the library says that it failed: a status, and one sentence for the user.
#ifndef ES_CORE_STATUS_H
#define ES_CORE_STATUS_H

enum es_status {
    ES_OK = 0,
    ES_BAD_INPUT,   // the user's file, data or option: the sentence says what, where, which value, and a hint
    ES_NO_RESOURCE, // a file, a process or memory that could not be had
    ES_FAILED,      // an engine did not deliver
    ES_INTERRUPTED, // SIGINT or SIGTERM was taken; what was committed stays
};

struct es_error {
    char text[1024]; // one sentence, no newline, "" while there is none
};

// Writes the sentence (later calls overwrite it) and returns `status`, so that a caller can `return es_fail(...)`.
// `error` may be NULL.
enum es_status es_fail(struct es_error *error, enum es_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
