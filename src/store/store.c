// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
#include "store/sql.h"

#include <string.h>
#include <unistd.h>

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

static enum es_status list_parameters(struct es_store *store, const struct es_network *net, struct es_error *error) {
    enum es_status status = ES_OK;
    for (size_t i = 0; i < net->parameters && status == ES_OK; i++) {
        const struct es_parameter *p = &net->parameter[i];
        const struct es_element *e = &net->element[p->element];
        sqlite3_stmt *statement;
        status = es_sql_prepare(store, "INSERT INTO parameter VALUES(?, ?, ?, ?, ?, ?, ?, ?)", &statement, error);
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
        status = es_sql_finish(store, statement, error);
    }
    return status;
}

static enum es_status fill(struct es_store *store, const void *context, struct es_error *error) {
    enum es_status status = es_sql_execute(store, schema, error);
    return status == ES_OK ? list_parameters(store, context, error) : status;
}

enum es_status es_store_create(const char *path, const struct es_network *net, size_t facts, const char *const (*fact)[2],
                               struct es_store **store, struct es_error *error) {
    *store = NULL;
    if (access(path, F_OK) == 0)
        return es_fail(error, ES_BAD_INPUT, "%s: the file is there already; name another with --out, or continue it with --resume", path);
    enum es_status status = es_sql_create(path, fill, net, facts, fact, error);
    return status == ES_OK ? es_store_open(path, true, store, error) : status;
}

enum es_status es_store_open(const char *path, bool write, struct es_store **store, struct es_error *error) {
    *store = NULL;
    if (!es_store_is(path))
        return es_fail(error, ES_BAD_INPUT, "%s: not a run store (an SQLite file that `echospice train --out` has written)", path);
    return es_sql_open(path, write, FORMAT, store, error);
}

static enum es_status put_metrics(struct es_store *store, const struct es_metrics *m, struct es_error *error) {
    sqlite3_stmt *statement;
    enum es_status status = es_sql_prepare(store, "INSERT OR REPLACE INTO updates VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?)", &statement, error);
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
    return es_sql_finish(store, statement, error);
}

static enum es_status put_validation(struct es_store *store, const struct es_metrics *m, struct es_error *error) {
    sqlite3_stmt *statement;
    enum es_status status = es_sql_prepare(store, "INSERT OR REPLACE INTO validations VALUES(?, ?, ?, ?)", &statement, error);
    if (status != ES_OK)
        return status;
    sqlite3_bind_int64(statement, 1, (sqlite3_int64)m->epoch);
    sqlite3_bind_int64(statement, 2, (sqlite3_int64)m->validated);
    sqlite3_bind_double(statement, 3, m->validated_loss);
    sqlite3_bind_int64(statement, 4, (sqlite3_int64)m->validated_right);
    return es_sql_finish(store, statement, error);
}

static enum es_status put_state(struct es_store *store, const struct es_network *net, const struct es_state *state, struct es_error *error) {
    sqlite3_stmt *statement;
    enum es_status status = es_sql_prepare(store, "INSERT OR REPLACE INTO checkpoint VALUES(1, ?, ?, ?, ?, ?, ?, ?)", &statement, error);
    if (status != ES_OK)
        return status;
    sqlite3_bind_int64(statement, 1, (sqlite3_int64)state->update);
    sqlite3_bind_blob64(statement, 2, state->u, net->parameters * sizeof *state->u, SQLITE_STATIC);
    sqlite3_bind_blob64(statement, 3, state->moment, net->parameters * sizeof *state->moment, SQLITE_STATIC);
    sqlite3_bind_blob64(statement, 4, state->cell, net->parameters * sizeof *state->cell, SQLITE_STATIC);
    sqlite3_bind_int64(statement, 5, (sqlite3_int64)state->best_epoch);
    sqlite3_bind_double(statement, 6, state->best_loss);
    sqlite3_bind_blob64(statement, 7, state->best_u, net->parameters * sizeof *state->best_u, SQLITE_STATIC);
    return es_sql_finish(store, statement, error);
}

static enum es_status put_values(struct es_store *store, const struct es_network *net, const struct es_state *state, struct es_error *error) {
    enum es_status status = ES_OK;
    for (size_t i = 0; i < net->parameters && status == ES_OK; i++) {
        sqlite3_stmt *statement;
        status = es_sql_prepare(store, "UPDATE parameter SET value = ? WHERE id = ?", &statement, error);
        if (status != ES_OK)
            break;
        sqlite3_bind_double(statement, 1, es_parameter_value(net, i, es_state_kept(state)[i]));
        sqlite3_bind_int64(statement, 2, (sqlite3_int64)i);
        status = es_sql_finish(store, statement, error);
    }
    return status;
}

enum es_status es_store_update(struct es_store *store, const struct es_network *net, const struct es_state *state,
                               const struct es_metrics *metrics, struct es_error *error) {
    enum es_status status = es_sql_execute(store, "BEGIN IMMEDIATE", error);
    if (status == ES_OK)
        status = put_metrics(store, metrics, error);
    if (status == ES_OK && metrics->validated)
        status = put_validation(store, metrics, error);
    if (status == ES_OK)
        status = put_state(store, net, state, error);
    if (status == ES_OK && metrics->epoch_ends)
        status = put_values(store, net, state, error);
    if (status == ES_OK)
        return es_sql_execute(store, "COMMIT", error);
    es_sql_execute(store, "ROLLBACK", NULL);
    return status;
}

enum es_status es_store_state(struct es_store *store, const struct es_network *net, struct es_state *state, struct es_error *error) {
    sqlite3_stmt *statement;
    enum es_status status = es_sql_prepare(store, "SELECT number, u, moments, cells, best_epoch, best_loss, best_u FROM checkpoint", &statement, error);
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
    enum es_status status = es_sql_prepare(store, "SELECT epoch, samples, loss, correct, clipped, pulses, seconds, validation_samples, validation_loss,"
                                           "  validation_correct, count(*) OVER () FROM epochs WHERE epoch >= ? ORDER BY epoch", &row, error);
    if (status != ES_OK)
        return status;
    int got;
    *count = 0;
    sqlite3_bind_int64(row, 1, (sqlite3_int64)first);
    for (*epoch = NULL; (got = sqlite3_step(row)) == SQLITE_ROW; (*epoch)[(*count)++] = read_epoch(row))
        if (!*epoch)
            *epoch = ES_NEW(arena, (size_t)sqlite3_column_int64(row, 10), struct es_metrics);
    status = got == SQLITE_DONE ? ES_OK : es_sql_failed(store, error);
    sqlite3_finalize(row);
    return status;
}
