// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// The run store: one SQLite file per run, the only place that sees SQLite. Tables:
//     run(key, value)          what was run: the experiment's text, options, versions, results
//     updates(number, epoch, samples, loss, correct, beta_si, clipped, pulses, seconds)   metrics, one row an update
//     validations(epoch, samples, loss, correct)   one row an epoch, if there is a validation part
//     epochs(epoch, samples, loss, correct, accuracy, clipped, pulses, seconds, validation_samples, validation_loss, validation_correct,
//         validation_accuracy)   a view of both, summed up
//     parameter(id, element, quantity, unit, min, max, start, value)   value as of the last epoch, or of the kept state
//     checkpoint(number, u, moments, cells, best_epoch, best_loss, best_u)   one row, replaced in the transaction that records its update
// A process that is killed loses the update it was working on, and nothing else.
#ifndef ES_STORE_STORE_H
#define ES_STORE_STORE_H

#include "learn/train.h"

struct es_store;

// True if the file at `path` begins like an SQLite file.
bool es_store_is(const char *path);

// A new run with its facts, fact [facts][2] being keys and values (a NULL value is left out); open for writing. It appears under
// its name only when it is whole. ES_BAD_INPUT if the file is there already.
enum es_status es_store_create(const char *path, const struct es_network *net, size_t facts, const char *const (*fact)[2],
                               struct es_store **store, struct es_error *error);

// An existing run, to be continued (`write`, by one process at a time) or read.
enum es_status es_store_open(const char *path, bool write, struct es_store **store, struct es_error *error);

void es_store_close(struct es_store *store); // NULL is allowed

// In a child process, which must not use the store: its lock then ends with the parent, and not with the child. NULL is allowed.
void es_store_forget(const struct es_store *store);

enum es_status es_store_set(struct es_store *store, const char *key, const char *value, struct es_error *error);

// The value, from `arena`; NULL if there is none.
const char *es_store_get(struct es_store *store, const char *key, struct es_arena *arena);

// Commits an update: its metrics, the validation that ended its epoch and the state after both, in one transaction.
enum es_status es_store_update(struct es_store *store, const struct es_network *net, const struct es_state *state,
                               const struct es_metrics *metrics, struct es_error *error);

// The last committed state, into arrays that fit the network. ES_BAD_INPUT if it is not of this network.
enum es_status es_store_state(struct es_store *store, const struct es_network *net, struct es_state *state, struct es_error *error);

// Metrics of the epochs from `first` on, [*count] from `arena`.
enum es_status es_store_epochs(struct es_store *store, uint64_t first, struct es_arena *arena, size_t *count, struct es_metrics **epoch,
                               struct es_error *error);

// The SQLite library's version.
const char *es_store_version(void);

#endif
