// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// The store of a comparison: one SQLite file. Tables:
//     run(key, value)                         what was compared: the experiment's text, options, versions
//     condition(id, device, key, value, unit) the points
//     seed(id, seed, fold)
//     trial(condition, seed, reason, seconds, MEASURE ...)   one row for each training that has ended, by the ids above; MEASURE: es_measures
//     epoch(condition, seed, number, loss, accuracy)         of its training
// Only trials that have ended are in it: what is killed loses the trials that were running.
#ifndef ES_STORE_COMPARISON_H
#define ES_STORE_COMPARISON_H

#include "learn/comparison.h"
#include "store/store.h"

// A new store without trials, with its facts (store/store.h); open for writing. ES_NO_RESOURCE if a file of that name is there, which stays as it is.
enum es_status es_comparison_create(const char *path, const struct es_comparison *comparison, size_t facts, const char *const (*fact)[2],
                                    struct es_store **store, struct es_error *error);

// An existing one, to be continued (`write`, by one process at a time) or read.
enum es_status es_comparison_open(const char *path, bool write, struct es_store **store, struct es_error *error);

// ES_BAD_INPUT names the first fact that the store has otherwise.
enum es_status es_comparison_same(struct es_store *store, const char *path, size_t facts, const char *const (*fact)[2], struct es_error *error);

// The comparison with the trials that have ended, from `arena`.
enum es_status es_comparison_read(struct es_store *store, struct es_arena *arena, struct es_comparison *comparison, struct es_error *error);

// Commits the outcome of a trial, in one transaction.
enum es_status es_comparison_put(struct es_store *store, const struct es_comparison *comparison, size_t condition, size_t seed, struct es_error *error);

#endif
