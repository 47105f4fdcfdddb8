// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// What stores of any kind are made of: an SQLite file with a table run(key, value) of facts, one of which is its format. Internal to src/store.
#ifndef ES_STORE_SQL_H
#define ES_STORE_SQL_H

#include "store/store.h"

#include <sqlite3.h>

struct es_store {
    sqlite3 *db;
    char *path;
    int lock; // file descriptor that holds the writer's lock, or -1
};

// ES_NO_RESOURCE with what SQLite says.
enum es_status es_sql_failed(const struct es_store *store, struct es_error *error);

enum es_status es_sql_execute(struct es_store *store, const char *sql, struct es_error *error);
enum es_status es_sql_prepare(struct es_store *store, const char *sql, sqlite3_stmt **statement, struct es_error *error);

// Runs a prepared statement that returns no row, and drops it.
enum es_status es_sql_finish(struct es_store *store, sqlite3_stmt *statement, struct es_error *error);

// A new file: `fill` makes its tables, then the facts are written, all in one transaction; it appears under its name only when it is whole.
// ES_NO_RESOURCE if there is a file of that name by then, which stays as it is.
enum es_status es_sql_create(const char *path, enum es_status (*fill)(struct es_store *store, const void *context, struct es_error *error),
                             const void *context, size_t facts, const char *const (*fact)[2], struct es_error *error);

// An SQLite file of that format; any other is left as it is.
enum es_status es_sql_open(const char *path, bool write, const char *format, struct es_store **store, struct es_error *error);

#endif
