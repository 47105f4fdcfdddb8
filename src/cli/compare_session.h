// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// A comparison while it is made: its conditions, the store that keeps it, and its trainings, each in a process of its own.
#ifndef ES_CLI_COMPARE_SESSION_H
#define ES_CLI_COMPARE_SESSION_H

#include "cli/compare.h"
#include "cli/conditions.h"

enum { CLI_MOST_SWEEPS = 64 };

struct cli_compare_options {
    struct cli_options common;
    const char *device;
    size_t sweeps;
    const char *sweep[CLI_MOST_SWEEPS];
    bool cross, folds;
    size_t seeds, samples; // 0: not given, with a store to be read
    size_t epochs;         // 0: as the experiment says
    const char *csv, *plot, *out;
};

struct cli_session {
    const struct cli_compare_options *options;
    struct cli_subject subject; // of the seed that is trained, if open
    bool open;
    size_t seed; // in the comparison
    struct es_comparison comparison;
    struct cli_conditions conditions;
    size_t *trial; // what is left to do: [conditions * seeds] numbers of outcomes
    size_t trials;
    size_t facts;
    const char *(*fact)[2]; // [facts] what the results follow from
    struct es_store *store; // or NULL
    struct cli_progress progress;
    size_t died; // trials whose process died
    struct es_arena *arena;
};

// With zeros but for the options and the arena, which the caller frees; to be closed in any case.
void cli_session_close(struct cli_session *session);

// Trains all that the options ask for and the store does not have yet.
enum es_status cli_session_train(struct cli_session *session, struct es_error *error);

// What the store has; nothing is trained.
enum es_status cli_session_read(struct cli_session *session, struct es_error *error);

// What was compared, by a key of store/comparison.h's table run; "" if there is none.
const char *cli_session_fact(const struct cli_session *session, const char *key);

#endif
