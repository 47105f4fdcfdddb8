// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
#include "store/comparison.h"

#include "store/sql.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FORMAT "comparison 1"

// The tables; those of trials have a column for each measure.
static const char *schema(struct es_arena *arena) {
    const char *measures = "";
    for (size_t m = 0; m < ES_MEASURES; m++)
        measures = es_arena_printf(arena, "%s %s REAL,", measures, es_measures[m].name);
    return es_arena_printf(arena,
                           "CREATE TABLE run(key TEXT PRIMARY KEY, value TEXT);"
                           "CREATE TABLE condition(id INTEGER PRIMARY KEY, device TEXT, key TEXT, value REAL, unit TEXT);"
                           "CREATE TABLE seed(id INTEGER PRIMARY KEY, seed INTEGER, fold INTEGER);"
                           "CREATE TABLE trial(condition INTEGER, seed INTEGER, reason TEXT, seconds REAL,%s PRIMARY KEY(condition, seed));"
                           "CREATE TABLE epoch(condition INTEGER, seed INTEGER, number INTEGER, loss REAL, accuracy REAL,"
                           "  PRIMARY KEY(condition, seed, number));"
                           "INSERT INTO run VALUES('format', '" FORMAT "');",
                           measures);
}

// SQLite takes NaN for NULL.
static double read_real(sqlite3_stmt *row, int column) {
    return sqlite3_column_type(row, column) == SQLITE_NULL ? NAN : sqlite3_column_double(row, column);
}

static const char *read_text(sqlite3_stmt *row, int column, struct es_arena *arena) {
    const void *text = sqlite3_column_text(row, column);
    return es_arena_string(arena, text ? text : "");
}

static enum es_status put_condition(struct es_store *store, size_t id, const struct es_condition *c, struct es_error *error) {
    sqlite3_stmt *statement;
    enum es_status status = es_sql_prepare(store, "INSERT INTO condition VALUES(?, ?, ?, ?, ?)", &statement, error);
    if (status != ES_OK)
        return status;
    sqlite3_bind_int64(statement, 1, (sqlite3_int64)id);
    sqlite3_bind_text(statement, 2, c->device, -1, SQLITE_STATIC);
    sqlite3_bind_text(statement, 3, c->key, -1, SQLITE_STATIC);
    sqlite3_bind_double(statement, 4, c->value);
    sqlite3_bind_text(statement, 5, c->unit, -1, SQLITE_STATIC);
    return es_sql_finish(store, statement, error);
}

static enum es_status put_seed(struct es_store *store, size_t id, uint64_t seed, size_t fold, struct es_error *error) {
    sqlite3_stmt *statement;
    enum es_status status = es_sql_prepare(store, "INSERT INTO seed VALUES(?, ?, ?)", &statement, error);
    if (status != ES_OK)
        return status;
    sqlite3_bind_int64(statement, 1, (sqlite3_int64)id);
    sqlite3_bind_int64(statement, 2, (sqlite3_int64)seed);
    sqlite3_bind_int64(statement, 3, (sqlite3_int64)fold);
    return es_sql_finish(store, statement, error);
}

static enum es_status fill(struct es_store *store, const void *context, struct es_error *error) {
    const struct es_comparison *c = context;
    struct es_arena *arena = es_arena_new();
    enum es_status status = es_sql_execute(store, schema(arena), error);
    for (size_t i = 0; i < c->conditions && status == ES_OK; i++)
        status = put_condition(store, i, &c->condition[i], error);
    for (size_t i = 0; i < c->seeds && status == ES_OK; i++)
        status = put_seed(store, i, c->seed[i], c->fold[i], error);
    if (status == ES_OK)
        status = es_store_set(store, "epochs", es_arena_printf(arena, "%zu", c->epochs), error);
    if (status == ES_OK)
        status = es_store_set(store, "loss_unit", c->loss_unit, error);
    es_arena_free(arena);
    return status;
}

enum es_status es_comparison_create(const char *path, const struct es_comparison *comparison, size_t facts, const char *const (*fact)[2],
                                    struct es_store **store, struct es_error *error) {
    *store = NULL;
    enum es_status status = es_sql_create(path, fill, comparison, facts, fact, error);
    return status == ES_OK ? es_comparison_open(path, true, store, error) : status;
}

enum es_status es_comparison_open(const char *path, bool write, struct es_store **store, struct es_error *error) {
    *store = NULL;
    if (access(path, F_OK) != 0)
        return es_fail(error, ES_BAD_INPUT, "%s: there is no such file; give the experiment's FILE to begin a comparison", path);
    if (!es_store_is(path))
        return es_fail(error, ES_BAD_INPUT, "%s: not the store of a comparison (an SQLite file that `echospice compare --out` has written)", path);
    return es_sql_open(path, write, FORMAT, store, error);
}

enum es_status es_comparison_same(struct es_store *store, const char *path, size_t facts, const char *const (*fact)[2], struct es_error *error) {
    struct es_arena *arena = es_arena_new();
    enum es_status status = ES_OK;
    for (size_t i = 0; i < facts && status == ES_OK; i++) {
        const char *now = fact[i][1] ? fact[i][1] : "", *then = es_store_get(store, fact[i][0], arena);
        then = then ? then : "";
        if (strcmp(now, then) == 0)
            continue;
        if (strchr(now, '\n') || strchr(then, '\n'))
            status = es_fail(error, ES_BAD_INPUT, "%s: the comparison in it was begun with another text of %s; name another file with --out", path, fact[i][0]);
        else
            status = es_fail(error, ES_BAD_INPUT, "%s: the comparison in it was begun with %s \"%s\", not \"%s\"; name another file with --out", path,
                             fact[i][0], then, now);
    }
    es_arena_free(arena);
    return status;
}

// Steps through the rows of a query; `read` takes one.
static enum es_status each_row(struct es_store *store, const char *sql, struct es_comparison *c, struct es_arena *arena,
                               void (*read)(sqlite3_stmt *row, struct es_comparison *c, struct es_arena *arena), struct es_error *error) {
    sqlite3_stmt *row;
    int got;
    enum es_status status = es_sql_prepare(store, sql, &row, error);
    if (status != ES_OK)
        return status;
    while ((got = sqlite3_step(row)) == SQLITE_ROW)
        read(row, c, arena);
    status = got == SQLITE_DONE ? ES_OK : es_sql_failed(store, error);
    sqlite3_finalize(row);
    return status;
}

static void read_condition(sqlite3_stmt *row, struct es_comparison *c, struct es_arena *arena) {
    if (!c->condition)
        c->condition = ES_NEW(arena, (size_t)sqlite3_column_int64(row, 4), struct es_condition);
    c->condition[c->conditions++] =
        (struct es_condition){read_text(row, 0, arena), read_text(row, 1, arena), read_text(row, 3, arena), read_real(row, 2)};
}

static void read_seed(sqlite3_stmt *row, struct es_comparison *c, struct es_arena *arena) {
    size_t count = (size_t)sqlite3_column_int64(row, 2);
    if (!c->seed) {
        c->seed = ES_NEW(arena, count, uint64_t);
        c->fold = ES_NEW(arena, count, size_t);
    }
    c->seed[c->seeds] = (uint64_t)sqlite3_column_int64(row, 0);
    c->fold[c->seeds++] = (size_t)sqlite3_column_int64(row, 1);
}

// NULL where the row is of no such trial.
static struct es_outcome *outcome_of(sqlite3_stmt *row, const struct es_comparison *c) {
    sqlite3_int64 condition = sqlite3_column_int64(row, 0), seed = sqlite3_column_int64(row, 1);
    bool known = condition >= 0 && seed >= 0 && (size_t)condition < c->conditions && (size_t)seed < c->seeds;
    return known ? es_comparison_outcome(c, (size_t)condition, (size_t)seed) : NULL;
}

static void read_trial(sqlite3_stmt *row, struct es_comparison *c, struct es_arena *arena) {
    struct es_outcome *outcome = outcome_of(row, c);
    if (!outcome)
        return;
    outcome->ended = true;
    outcome->reason = read_text(row, 2, arena);
    outcome->seconds = read_real(row, 3);
    for (int m = 0; m < ES_MEASURES; m++)
        outcome->measure[m] = read_real(row, 4 + m);
}

static void read_epoch(sqlite3_stmt *row, struct es_comparison *c, struct es_arena *arena) {
    struct es_outcome *outcome = outcome_of(row, c);
    sqlite3_int64 number = sqlite3_column_int64(row, 2);
    (void)arena;
    if (!outcome || number < 0 || (size_t)number >= c->epochs)
        return;
    outcome->loss[number] = read_real(row, 3);
    outcome->accuracy[number] = read_real(row, 4);
}

enum es_status es_comparison_read(struct es_store *store, struct es_arena *arena, struct es_comparison *c, struct es_error *error) {
    const char *epochs = es_store_get(store, "epochs", arena), *unit = es_store_get(store, "loss_unit", arena);
    *c = (struct es_comparison){.epochs = epochs ? strtoull(epochs, NULL, 10) : 0, .loss_unit = unit ? unit : ""};
    enum es_status status = each_row(store, "SELECT device, key, value, unit, count(*) OVER () FROM condition ORDER BY id", c, arena, read_condition, error);
    if (status == ES_OK)
        status = each_row(store, "SELECT seed, fold, count(*) OVER () FROM seed ORDER BY id", c, arena, read_seed, error);
    if (status != ES_OK)
        return status;
    es_comparison_new(c, arena);
    status = each_row(store, "SELECT * FROM trial", c, arena, read_trial, error);
    return status == ES_OK ? each_row(store, "SELECT * FROM epoch", c, arena, read_epoch, error) : status;
}

static enum es_status put_trial(struct es_store *store, const struct es_outcome *outcome, size_t condition, size_t seed, struct es_error *error) {
    struct es_arena *arena = es_arena_new();
    const char *places = "?, ?, ?, ?";
    sqlite3_stmt *statement;
    for (size_t m = 0; m < ES_MEASURES; m++)
        places = es_arena_printf(arena, "%s, ?", places);
    enum es_status status = es_sql_prepare(store, es_arena_printf(arena, "INSERT OR REPLACE INTO trial VALUES(%s)", places), &statement, error);
    es_arena_free(arena);
    if (status != ES_OK)
        return status;
    sqlite3_bind_int64(statement, 1, (sqlite3_int64)condition);
    sqlite3_bind_int64(statement, 2, (sqlite3_int64)seed);
    sqlite3_bind_text(statement, 3, outcome->reason, -1, SQLITE_STATIC);
    sqlite3_bind_double(statement, 4, outcome->seconds);
    for (int m = 0; m < ES_MEASURES; m++)
        sqlite3_bind_double(statement, 5 + m, outcome->measure[m]);
    return es_sql_finish(store, statement, error);
}

static enum es_status put_epoch(struct es_store *store, const struct es_outcome *outcome, size_t condition, size_t seed, size_t number,
                                struct es_error *error) {
    sqlite3_stmt *statement;
    enum es_status status = es_sql_prepare(store, "INSERT OR REPLACE INTO epoch VALUES(?, ?, ?, ?, ?)", &statement, error);
    if (status != ES_OK)
        return status;
    sqlite3_bind_int64(statement, 1, (sqlite3_int64)condition);
    sqlite3_bind_int64(statement, 2, (sqlite3_int64)seed);
    sqlite3_bind_int64(statement, 3, (sqlite3_int64)number);
    sqlite3_bind_double(statement, 4, outcome->loss[number]);
    sqlite3_bind_double(statement, 5, outcome->accuracy[number]);
    return es_sql_finish(store, statement, error);
}

enum es_status es_comparison_put(struct es_store *store, const struct es_comparison *c, size_t condition, size_t seed, struct es_error *error) {
    const struct es_outcome *outcome = es_comparison_outcome(c, condition, seed);
    enum es_status status = es_sql_execute(store, "BEGIN IMMEDIATE", error);
    if (status == ES_OK)
        status = put_trial(store, outcome, condition, seed, error);
    for (size_t e = 0; e < c->epochs && status == ES_OK; e++)
        if (!isnan(outcome->loss[e]))
            status = put_epoch(store, outcome, condition, seed, e, error);
    if (status == ES_OK)
        return es_sql_execute(store, "COMMIT", error);
    es_sql_execute(store, "ROLLBACK", NULL);
    return status;
}
