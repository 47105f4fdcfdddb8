// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
#include "store/store.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

struct es_store {
    sqlite3 *db;
    char *path;
    int lock; // file descriptor that holds the writer's lock, or -1
};

#define FORMAT "3"

static const char schema[] =
    "CREATE TABLE run(key TEXT PRIMARY KEY, value TEXT);"
    "CREATE TABLE updates(number INTEGER PRIMARY KEY, epoch INTEGER, samples INTEGER, loss REAL, correct INTEGER, beta_si REAL,"
    "  clipped INTEGER, pulses INTEGER, seconds REAL);"
    "CREATE TABLE validations(epoch INTEGER PRIMARY KEY, samples INTEGER, loss REAL, correct INTEGER);"
    "CREATE VIEW epochs AS SELECT u.epoch AS epoch, sum(u.samples) AS samples, sum(u.loss * u.samples) / sum(u.samples) AS loss,"
    "  sum(u.correct) AS correct, 1.0 * sum(u.correct) / sum(u.samples) AS accuracy, sum(u.clipped) AS clipped,"
    "  sum(u.pulses) AS pulses, sum(u.seconds) AS seconds,"
    "  v.samples AS validation_samples, v.loss AS validation_loss, v.correct AS validation_correct,"
    "  1.0 * v.correct / v.samples AS validation_accuracy FROM updates u LEFT JOIN validations v ON v.epoch = u.epoch GROUP BY u.epoch;"
    "CREATE TABLE parameter(id INTEGER PRIMARY KEY, element TEXT, quantity TEXT, unit TEXT, min REAL, max REAL, start REAL, value REAL);"
    "CREATE TABLE checkpoint(id INTEGER PRIMARY KEY CHECK (id = 1), number INTEGER, u BLOB, moments BLOB, cells BLOB,"
    "  best_epoch INTEGER, best_loss REAL, best_u BLOB);"
    "INSERT INTO run VALUES('format', '" FORMAT "');";

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

static enum es_status failed(const struct es_store *store, struct es_error *error) {
    return es_fail(error, ES_NO_RESOURCE, "%s: %s; is the disk full, or the file in use by another run?", store->path, sqlite3_errmsg(store->db));
}

static enum es_status execute(struct es_store *store, const char *sql, struct es_error *error) {
    return sqlite3_exec(store->db, sql, NULL, NULL, NULL) == SQLITE_OK ? ES_OK : failed(store, error);
}

// For writing too where it can be, to read it as well: what a killed run has left half done is rolled back then.
static enum es_status open_file(const char *path, int flags, struct es_store **store, struct es_error *error) {
    *store = calloc(1, sizeof **store);
    if (!*store || !((*store)->path = strdup(path)))
        return es_fail(error, ES_NO_RESOURCE, "out of memory");
    (*store)->lock = -1;
    if (sqlite3_open_v2(path, &(*store)->db, flags, NULL) != SQLITE_OK)
        return failed(*store, error);
    sqlite3_busy_timeout((*store)->db, 2000);
    return ES_OK;
}

static enum es_status prepare(struct es_store *store, const char *sql, sqlite3_stmt **statement, struct es_error *error) {
    return sqlite3_prepare_v2(store->db, sql, -1, statement, NULL) == SQLITE_OK ? ES_OK : failed(store, error);
}

// Runs a prepared statement that returns no row, and drops it.
static enum es_status finish(struct es_store *store, sqlite3_stmt *statement, struct es_error *error) {
    bool good = sqlite3_step(statement) == SQLITE_DONE;
    enum es_status status = good ? ES_OK : failed(store, error);
    sqlite3_finalize(statement);
    return status;
}

static enum es_status list_parameters(struct es_store *store, const struct es_network *net, struct es_error *error) {
    enum es_status status = ES_OK;
    for (size_t i = 0; i < net->parameters && status == ES_OK; i++) {
        const struct es_parameter *p = &net->parameter[i];
        const struct es_element *e = &net->element[p->element];
        sqlite3_stmt *statement;
        status = prepare(store, "INSERT INTO parameter VALUES(?, ?, ?, ?, ?, ?, ?, ?)", &statement, error);
        if (status != ES_OK)
            break;
        sqlite3_bind_int64(statement, 1, (sqlite3_int64)i);
        sqlite3_bind_text(statement, 2, e->name, -1, SQLITE_STATIC);
        sqlite3_bind_text(statement, 3, e->kind->quantity[p->quantity].name, -1, SQLITE_STATIC);
        sqlite3_bind_text(statement, 4, e->kind->quantity[p->quantity].unit, -1, SQLITE_STATIC);
        sqlite3_bind_double(statement, 5, p->min);
        sqlite3_bind_double(statement, 6, p->max);
        sqlite3_bind_double(statement, 7, e->value[p->quantity]);
        sqlite3_bind_double(statement, 8, e->value[p->quantity]);
        status = finish(store, statement, error);
    }
    return status;
}

static enum es_status write_facts(struct es_store *store, const struct es_network *net, size_t facts, const char *const (*fact)[2],
                                  struct es_error *error) {
    enum es_status status = execute(store, "BEGIN IMMEDIATE", error);
    if (status == ES_OK)
        status = execute(store, schema, error);
    if (status == ES_OK)
        status = list_parameters(store, net, error);
    for (size_t i = 0; i < facts && status == ES_OK; i++)
        if (fact[i][1])
            status = es_store_set(store, fact[i][0], fact[i][1], error);
    return status == ES_OK ? execute(store, "COMMIT", error) : status;
}

enum es_status es_store_create(const char *path, const struct es_network *net, size_t facts, const char *const (*fact)[2],
                               struct es_store **store, struct es_error *error) {
    *store = NULL;
    if (access(path, F_OK) == 0)
        return es_fail(error, ES_BAD_INPUT, "%s: the file is there already; name another with --out, or continue it with --resume", path);
    struct es_arena *arena = es_arena_new();
    const char *part = es_arena_printf(arena, "%s.part", path);
    remove(part);
    enum es_status status = open_file(part, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, store, error);
    if (status == ES_OK)
        status = write_facts(*store, net, facts, fact, error);
    es_store_close(*store);
    *store = NULL;
    if (status == ES_OK && rename(part, path) != 0)
        status = es_fail(error, ES_NO_RESOURCE, "%s: cannot be written", path);
    if (status != ES_OK)
        remove(part);
    es_arena_free(arena);
    return status == ES_OK ? es_store_open(path, true, store, error) : status;
}

static enum es_status begin_writing(struct es_store *store, struct es_error *error) {
    store->lock = open(store->path, O_RDWR | O_CLOEXEC);
    if (store->lock < 0)
        return es_fail(error, ES_NO_RESOURCE, "%s: cannot be written", store->path);
    for (int i = 0; flock(store->lock, LOCK_EX | LOCK_NB) != 0; i++) {
        if (i == 20)
            return es_fail(error, ES_NO_RESOURCE, "%s: another process is writing this run; wait for it or stop it", store->path);
        usleep(50000); // a worker may outlive a killed run by a moment, and the lock is its own too
    }
    return execute(store, "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL", error);
}

enum es_status es_store_open(const char *path, bool write, struct es_store **store, struct es_error *error) {
    *store = NULL;
    if (!es_store_is(path))
        return es_fail(error, ES_BAD_INPUT, "%s: not a run store (an SQLite file that `echospice train --out` has written)", path);
    enum es_status status = open_file(path, SQLITE_OPEN_READWRITE, store, error);
    struct es_arena *arena = es_arena_new();
    if (status == ES_OK && write)
        status = begin_writing(*store, error);
    if (status == ES_OK) {
        const char *format = es_store_get(*store, "format", arena);
        if (!format)
            status = failed(*store, error);
        else if (strcmp(format, FORMAT) != 0)
            status = es_fail(error, ES_BAD_INPUT, "%s: run store of format %s, expected " FORMAT "; another version of echospice wrote it", path, format);
    }
    es_arena_free(arena);
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

enum es_status es_store_set(struct es_store *store, const char *key, const char *value, struct es_error *error) {
    sqlite3_stmt *statement;
    enum es_status status = prepare(store, "INSERT OR REPLACE INTO run VALUES(?, ?)", &statement, error);
    if (status != ES_OK)
        return status;
    sqlite3_bind_text(statement, 1, key, -1, SQLITE_STATIC);
    sqlite3_bind_text(statement, 2, value, -1, SQLITE_STATIC);
    return finish(store, statement, error);
}

const char *es_store_get(struct es_store *store, const char *key, struct es_arena *arena) {
    sqlite3_stmt *statement;
    const char *value = NULL;
    if (prepare(store, "SELECT value FROM run WHERE key = ?", &statement, NULL) != ES_OK)
        return NULL;
    sqlite3_bind_text(statement, 1, key, -1, SQLITE_STATIC);
    if (sqlite3_step(statement) == SQLITE_ROW && sqlite3_column_text(statement, 0))
        value = es_arena_string(arena, (const char *)sqlite3_column_text(statement, 0));
    sqlite3_finalize(statement);
    return value;
}

static enum es_status put_metrics(struct es_store *store, const struct es_metrics *m, struct es_error *error) {
    sqlite3_stmt *statement;
    enum es_status status = prepare(store, "INSERT OR REPLACE INTO updates VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?)", &statement, error);
    if (status != ES_OK)
        return status;
    sqlite3_bind_int64(statement, 1, (sqlite3_int64)m->update);
    sqlite3_bind_int64(statement, 2, (sqlite3_int64)m->epoch);
    sqlite3_bind_int64(statement, 3, (sqlite3_int64)m->samples);
    sqlite3_bind_double(statement, 4, m->loss);
    sqlite3_bind_int64(statement, 5, (sqlite3_int64)m->right);
    sqlite3_bind_double(statement, 6, m->beta_si);
    sqlite3_bind_int64(statement, 7, (sqlite3_int64)m->clipped);
    sqlite3_bind_int64(statement, 8, (sqlite3_int64)m->pulses);
    sqlite3_bind_double(statement, 9, m->seconds);
    return finish(store, statement, error);
}

static enum es_status put_validation(struct es_store *store, const struct es_metrics *m, struct es_error *error) {
    sqlite3_stmt *statement;
    enum es_status status = prepare(store, "INSERT OR REPLACE INTO validations VALUES(?, ?, ?, ?)", &statement, error);
    if (status != ES_OK)
        return status;
    sqlite3_bind_int64(statement, 1, (sqlite3_int64)m->epoch);
    sqlite3_bind_int64(statement, 2, (sqlite3_int64)m->validated);
    sqlite3_bind_double(statement, 3, m->validated_loss);
    sqlite3_bind_int64(statement, 4, (sqlite3_int64)m->validated_right);
    return finish(store, statement, error);
}

static enum es_status put_state(struct es_store *store, const struct es_network *net, const struct es_state *state, struct es_error *error) {
    sqlite3_stmt *statement;
    enum es_status status = prepare(store, "INSERT OR REPLACE INTO checkpoint VALUES(1, ?, ?, ?, ?, ?, ?, ?)", &statement, error);
    if (status != ES_OK)
        return status;
    sqlite3_bind_int64(statement, 1, (sqlite3_int64)state->update);
    sqlite3_bind_blob64(statement, 2, state->u, net->parameters * sizeof *state->u, SQLITE_STATIC);
    sqlite3_bind_blob64(statement, 3, state->moment, net->parameters * sizeof *state->moment, SQLITE_STATIC);
    sqlite3_bind_blob64(statement, 4, state->cell, net->parameters * sizeof *state->cell, SQLITE_STATIC);
    sqlite3_bind_int64(statement, 5, (sqlite3_int64)state->best_epoch);
    sqlite3_bind_double(statement, 6, state->best_loss);
    sqlite3_bind_blob64(statement, 7, state->best_u, net->parameters * sizeof *state->best_u, SQLITE_STATIC);
    return finish(store, statement, error);
}

static enum es_status put_values(struct es_store *store, const struct es_network *net, const struct es_state *state, struct es_error *error) {
    enum es_status status = ES_OK;
    for (size_t i = 0; i < net->parameters && status == ES_OK; i++) {
        sqlite3_stmt *statement;
        status = prepare(store, "UPDATE parameter SET value = ? WHERE id = ?", &statement, error);
        if (status != ES_OK)
            break;
        sqlite3_bind_double(statement, 1, es_parameter_value(net, i, es_state_kept(state)[i]));
        sqlite3_bind_int64(statement, 2, (sqlite3_int64)i);
        status = finish(store, statement, error);
    }
    return status;
}

enum es_status es_store_update(struct es_store *store, const struct es_network *net, const struct es_state *state,
                               const struct es_metrics *metrics, struct es_error *error) {
    enum es_status status = execute(store, "BEGIN IMMEDIATE", error);
    if (status == ES_OK)
        status = put_metrics(store, metrics, error);
    if (status == ES_OK && metrics->validated)
        status = put_validation(store, metrics, error);
    if (status == ES_OK)
        status = put_state(store, net, state, error);
    if (status == ES_OK && metrics->epoch_ends)
        status = put_values(store, net, state, error);
    if (status == ES_OK)
        return execute(store, "COMMIT", error);
    execute(store, "ROLLBACK", NULL);
    return status;
}

enum es_status es_store_state(struct es_store *store, const struct es_network *net, struct es_state *state, struct es_error *error) {
    sqlite3_stmt *statement;
    enum es_status status = prepare(store, "SELECT number, u, moments, cells, best_epoch, best_loss, best_u FROM checkpoint", &statement, error);
    if (status != ES_OK)
        return status;
    size_t u = net->parameters * sizeof *state->u, moments = net->parameters * sizeof *state->moment, cells = net->parameters * sizeof *state->cell;
    if (sqlite3_step(statement) == SQLITE_ROW) { // without a row the run was stopped before its first update
        if ((size_t)sqlite3_column_bytes(statement, 1) != u || (size_t)sqlite3_column_bytes(statement, 2) != moments ||
            (size_t)sqlite3_column_bytes(statement, 3) != cells || (size_t)sqlite3_column_bytes(statement, 6) != u)
            status = es_fail(error, ES_BAD_INPUT, "%s: the checkpoint is not of a network with %zu parameters", store->path, net->parameters);
        else {
            state->update = (uint64_t)sqlite3_column_int64(statement, 0);
            memcpy(state->u, sqlite3_column_blob(statement, 1), u);
            memcpy(state->moment, sqlite3_column_blob(statement, 2), moments);
            memcpy(state->cell, sqlite3_column_blob(statement, 3), cells);
            state->best_epoch = (uint64_t)sqlite3_column_int64(statement, 4);
            state->best_loss = sqlite3_column_double(statement, 5);
            memcpy(state->best_u, sqlite3_column_blob(statement, 6), u);
        }
    }
    sqlite3_finalize(statement);
    return status;
}

static struct es_metrics read_epoch(sqlite3_stmt *row) {
    return (struct es_metrics){
        .epoch = (uint64_t)sqlite3_column_int64(row, 0),
        .samples = (size_t)sqlite3_column_int64(row, 1),
        .loss = sqlite3_column_double(row, 2),
        .right = (size_t)sqlite3_column_int64(row, 3),
        .clipped = (size_t)sqlite3_column_int64(row, 4),
        .pulses = (size_t)sqlite3_column_int64(row, 5),
        .seconds = sqlite3_column_double(row, 6),
        .validated = (size_t)sqlite3_column_int64(row, 7),
        .validated_loss = sqlite3_column_double(row, 8),
        .validated_right = (size_t)sqlite3_column_int64(row, 9),
    };
}

enum es_status es_store_epochs(struct es_store *store, uint64_t first, struct es_arena *arena, size_t *count, struct es_metrics **epoch,
                               struct es_error *error) {
    sqlite3_stmt *row;
    enum es_status status = prepare(store, "SELECT epoch, samples, loss, correct, clipped, pulses, seconds, validation_samples, validation_loss,"
                                           "  validation_correct, count(*) OVER () FROM epochs WHERE epoch >= ? ORDER BY epoch", &row, error);
    if (status != ES_OK)
        return status;
    int got;
    *count = 0;
    sqlite3_bind_int64(row, 1, (sqlite3_int64)first);
    for (*epoch = NULL; (got = sqlite3_step(row)) == SQLITE_ROW; (*epoch)[(*count)++] = read_epoch(row))
        if (!*epoch)
            *epoch = ES_NEW(arena, (size_t)sqlite3_column_int64(row, 10), struct es_metrics);
    status = got == SQLITE_DONE ? ES_OK : failed(store, error);
    sqlite3_finalize(row);
    return status;
}
