// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
#include "store/sql.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

bool es_store_is(const char *path) {
    char head[16] = "";
    FILE *file = fopen(path, "rb");
    size_t got = file ? fread(head, 1, sizeof head, file) : 0;
    if (file)
        fclose(file);
    return got == sizeof head && memcmp(head, "SQLite format 3", sizeof head) == 0;
}

const char *es_store_version(void) {
    return sqlite3_libversion();
}

enum es_status es_sql_failed(const struct es_store *store, struct es_error *error) {
    return es_fail(error, ES_NO_RESOURCE, "%s: %s; is the disk full, or the file in use by another run?", store->path, sqlite3_errmsg(store->db));
}

enum es_status es_sql_execute(struct es_store *store, const char *sql, struct es_error *error) {
    return sqlite3_exec(store->db, sql, NULL, NULL, NULL) == SQLITE_OK ? ES_OK : es_sql_failed(store, error);
}

// For writing too where it can be, to read it as well: what a killed run has left half done is rolled back then.
static enum es_status open_file(const char *path, int flags, struct es_store **store, struct es_error *error) {
    *store = calloc(1, sizeof **store);
    if (!*store || !((*store)->path = strdup(path)))
        return es_fail(error, ES_NO_RESOURCE, "out of memory");
    (*store)->lock = -1;
    if (sqlite3_open_v2(path, &(*store)->db, flags, NULL) != SQLITE_OK)
        return es_sql_failed(*store, error);
    sqlite3_busy_timeout((*store)->db, 2000);
    return ES_OK;
}

enum es_status es_sql_prepare(struct es_store *store, const char *sql, sqlite3_stmt **statement, struct es_error *error) {
    return sqlite3_prepare_v2(store->db, sql, -1, statement, NULL) == SQLITE_OK ? ES_OK : es_sql_failed(store, error);
}

enum es_status es_sql_finish(struct es_store *store, sqlite3_stmt *statement, struct es_error *error) {
    bool good = sqlite3_step(statement) == SQLITE_DONE;
    enum es_status status = good ? ES_OK : es_sql_failed(store, error);
    sqlite3_finalize(statement);
    return status;
}

static enum es_status write_all(struct es_store *store, enum es_status (*fill)(struct es_store *store, const void *context, struct es_error *error),
                                const void *context, size_t facts, const char *const (*fact)[2], struct es_error *error) {
    enum es_status status = es_sql_execute(store, "BEGIN IMMEDIATE", error);
    if (status == ES_OK)
        status = fill(store, context, error);
    for (size_t i = 0; i < facts && status == ES_OK; i++)
        if (fact[i][1])
            status = es_store_set(store, fact[i][0], fact[i][1], error);
    return status == ES_OK ? es_sql_execute(store, "COMMIT", error) : status;
}

// Moves a file to a name that no other has: a process that has begun a store of that name meanwhile keeps it.
static enum es_status name_file(const char *part, const char *path, struct es_error *error) {
    if (renameat2(AT_FDCWD, part, AT_FDCWD, path, RENAME_NOREPLACE) == 0)
        return ES_OK;
    if (errno == EEXIST)
        return es_fail(error, ES_NO_RESOURCE, "%s: another process has just begun it; wait for it or stop it", path);
    bool unknown = errno == EINVAL; // to this file system
    return unknown && rename(part, path) == 0 ? ES_OK : es_fail(error, ES_NO_RESOURCE, "%s: cannot be written: %s", path, strerror(errno));
}

enum es_status es_sql_create(const char *path, enum es_status (*fill)(struct es_store *store, const void *context, struct es_error *error),
                             const void *context, size_t facts, const char *const (*fact)[2], struct es_error *error) {
    struct es_store *store = NULL;
    struct es_arena *arena = es_arena_new();
    const char *part = es_arena_printf(arena, "%s.%ld.part", path, (long)getpid());
    FILE *file = fopen(part, "wb"); // says more than SQLite why it cannot be
    enum es_status status = file ? ES_OK : es_fail(error, ES_NO_RESOURCE, "%s: cannot be written: %s", path, strerror(errno));
    if (file)
        fclose(file);
    if (status == ES_OK)
        status = open_file(part, SQLITE_OPEN_READWRITE, &store, error);
    if (status == ES_OK)
        status = write_all(store, fill, context, facts, fact, error);
    es_store_close(store);
    if (status == ES_OK)
        status = name_file(part, path, error);
    if (status != ES_OK && file)
        remove(part);
    es_arena_free(arena);
    return status;
}

static enum es_status lock_file(struct es_store *store, struct es_error *error) {
    store->lock = open(store->path, O_RDWR | O_CLOEXEC);
    if (store->lock < 0)
        return es_fail(error, ES_NO_RESOURCE, "%s: cannot be written", store->path);
    for (int i = 0; flock(store->lock, LOCK_EX | LOCK_NB) != 0; i++) {
        if (i == 20)
            return es_fail(error, ES_NO_RESOURCE, "%s: another process is writing this run; wait for it or stop it", store->path);
        usleep(50000); // a worker may outlive a killed run by a moment, and the lock is its own too
    }
    return ES_OK;
}

// Before anything is written, as the file may be another program's.
static enum es_status check_format(struct es_store *store, const char *wanted, struct es_error *error) {
    struct es_arena *arena = es_arena_new();
    const char *format = es_store_get(store, "format", arena);
    int problem = sqlite3_errcode(store->db);
    enum es_status status = ES_OK;
    if (!format && problem != SQLITE_ERROR && problem != SQLITE_OK && problem != SQLITE_DONE) // neither without the table nor without the row
        status = es_sql_failed(store, error);
    else if (!format)
        status = es_fail(error, ES_BAD_INPUT, "%s: an SQLite file that echospice has not written; name another", store->path);
    else if (strcmp(format, wanted) != 0)
        status = es_fail(error, ES_BAD_INPUT, "%s: store of format %s, expected %s; another command or another version of echospice wrote it", store->path, format, wanted);
    es_arena_free(arena);
    return status;
}

enum es_status es_sql_open(const char *path, bool write, const char *wanted, struct es_store **store, struct es_error *error) {
    enum es_status status = open_file(path, SQLITE_OPEN_READWRITE, store, error);
    if (status == ES_OK)
        status = check_format(*store, wanted, error);
    if (status == ES_OK && write)
        status = lock_file(*store, error);
    if (status == ES_OK && write)
        status = es_sql_execute(*store, "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL", error);
    if (status != ES_OK) {
        es_store_close(*store);
        *store = NULL;
    }
    return status;
}

void es_store_close(struct es_store *store) {
    if (!store)
        return;
    if (store->lock >= 0) // so that the file stands alone; not an error if a reader keeps it from that
        sqlite3_exec(store->db, "PRAGMA journal_mode = DELETE", NULL, NULL, NULL);
    sqlite3_close(store->db);
    if (store->lock >= 0)
        close(store->lock);
    free(store->path);
    free(store);
}

void es_store_forget(const struct es_store *store) {
    if (store && store->lock >= 0)
        close(store->lock);
}

enum es_status es_store_set(struct es_store *store, const char *key, const char *value, struct es_error *error) {
    sqlite3_stmt *statement;
    enum es_status status = es_sql_prepare(store, "INSERT OR REPLACE INTO run VALUES(?, ?)", &statement, error);
    if (status != ES_OK)
        return status;
    sqlite3_bind_text(statement, 1, key, -1, SQLITE_STATIC);
    sqlite3_bind_text(statement, 2, value, -1, SQLITE_STATIC);
    return es_sql_finish(store, statement, error);
}

const char *es_store_get(struct es_store *store, const char *key, struct es_arena *arena) {
    sqlite3_stmt *statement;
    const char *value = NULL;
    if (es_sql_prepare(store, "SELECT value FROM run WHERE key = ?", &statement, NULL) != ES_OK)
        return NULL;
    sqlite3_bind_text(statement, 1, key, -1, SQLITE_STATIC);
    if (sqlite3_step(statement) == SQLITE_ROW && sqlite3_column_text(statement, 0))
        value = es_arena_string(arena, (const char *)sqlite3_column_text(statement, 0));
    sqlite3_finalize(statement);
    return value;
}
