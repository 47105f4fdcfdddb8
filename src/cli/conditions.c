// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
#include "cli/conditions.h"

#include "chip/chip.h"
#include "core/value.h"
#include "xml/xml.h"

#include <math.h>
#include <string.h>

enum { MOST_POINTS = 1000 };

struct sweep {
    const struct es_row *row; // of a nonideality or a setting
    const char *unit;
    size_t points;
    double from, to;
    bool logarithmic;
};

static enum es_status bad_sweep(const char *text, const char *expected, struct es_error *error) {
    return es_fail(error, ES_BAD_INPUT, "--sweep %s: expected %s; e.g. --sweep beta=1e-3:1e-1:3log", text, expected);
}

// The limits of a setting are excluded, and es_chip_parse() knows those of nonidealities.
static bool find_key(const char *key, struct sweep *sweep, double *min, double *max) {
    const struct es_setting *setting = es_row_find(es_settings, key);
    const struct es_nonideality *nonideality = es_row_find(es_nonidealities, key);
    if (setting)
        *sweep = (struct sweep){.row = &setting->row, .unit = setting->unit};
    else if (nonideality)
        *sweep = (struct sweep){.row = &nonideality->row, .unit = nonideality->unit};
    *min = setting ? setting->min : -INFINITY;
    *max = setting ? setting->max : INFINITY;
    return setting || nonideality;
}

// "5" or "5log".
static enum es_status read_points(const char *text, char *count, struct sweep *sweep, struct es_error *error) {
    size_t length = strlen(count);
    struct es_error why;
    uint64_t points;
    sweep->logarithmic = length > 3 && strcmp(count + length - 3, "log") == 0;
    if (sweep->logarithmic)
        count[length - 3] = '\0';
    if (es_integer_parse(count, 1, MOST_POINTS, &points, &why) != ES_OK)
        return bad_sweep(text, "1 to 1000 points behind the second colon", error);
    sweep->points = (size_t)points;
    return ES_OK;
}

static enum es_status check_range(const char *text, const struct sweep *sweep, double min, double max, struct es_arena *arena, struct es_error *error) {
    struct es_chip chip;
    struct es_error why = {""};
    enum es_status status = ES_OK;
    if (sweep->points > 1 && !(sweep->from != sweep->to))
        return bad_sweep(text, "two different values, as there is more than one point", error);
    if (sweep->points == 1 && sweep->from != sweep->to)
        return bad_sweep(text, "the same value twice for a single point", error);
    if (sweep->logarithmic && !(sweep->from > 0 && sweep->to > 0))
        return bad_sweep(text, "values > 0 for equal factors between them", error);
    if (!(fmin(sweep->from, sweep->to) > min && fmax(sweep->from, sweep->to) < max))
        return es_fail(error, ES_BAD_INPUT, "--sweep %s: expected values of %s between %g and %g", text, sweep->row->name, min, max);
    for (int end = 0; end < 2 && status == ES_OK && es_row_find(es_nonidealities, sweep->row->name); end++)
        status = es_chip_parse(es_arena_printf(arena, "%s=%.17g", sweep->row->name, end ? sweep->to : sweep->from), 1, arena, &chip, &why);
    return status == ES_OK ? ES_OK : es_fail(error, status, "--sweep %s: %s", text, why.text);
}

static enum es_status read_sweep(const char *text, struct es_arena *arena, struct sweep *sweep, struct es_error *error) {
    char *key = es_arena_string(arena, text), *from = strchr(key, '='), *to = from ? strchr(from, ':') : NULL, *count = to ? strchr(to + 1, ':') : NULL;
    char settings[128], names[1024];
    double min, max;
    struct es_error why;
    if (!count)
        return bad_sweep(text, "KEY=, the first and the last value and the number of points, with colons between them", error);
    *from++ = *to++ = *count++ = '\0';
    if (!find_key(key, sweep, &min, &max))
        return es_fail(error, ES_BAD_INPUT, "--sweep %s: \"%s\" cannot be swept; expected %s, or %s", text, key,
                       es_row_names(es_settings, settings, sizeof settings), es_row_names(es_nonidealities, names, sizeof names));
    if (es_value_parse(from, sweep->unit, &sweep->from, &why) != ES_OK || es_value_parse(to, sweep->unit, &sweep->to, &why) != ES_OK)
        return es_fail(error, ES_BAD_INPUT, "--sweep %s: %s", text, why.text);
    enum es_status status = read_points(text, count, sweep, error);
    return status == ES_OK ? check_range(text, sweep, min, max, arena, error) : status;
}

static double sweep_value(const struct sweep *sweep, size_t i) {
    if (i == 0 || i + 1 == sweep->points)
        return i ? sweep->to : sweep->from;
    double part = (double)i / (double)(sweep->points - 1);
    return sweep->logarithmic ? sweep->from * pow(sweep->to / sweep->from, part) : sweep->from + part * (sweep->to - sweep->from);
}

static enum es_status read_use(char *use, struct cli_held *held, struct es_error *error) {
    static const char refresh[] = "refresh=";
    struct es_error why;
    for (char *word; (word = strsep(&use, "+"));)
        if (strcmp(word, "accumulate") == 0)
            held->use.accumulate = true;
        else if (strcmp(word, "pair") == 0)
            held->use.pair = true;
        else if (strncmp(word, refresh, strlen(refresh)) != 0 || es_integer_parse(word + strlen(refresh), 1, 1000000000, &held->use.refresh, &why) != ES_OK)
            return es_fail(error, ES_BAD_INPUT, "--device %s: \"%s\": expected accumulate, pair or refresh=N behind the card, N updates", held->name, word);
    return ES_OK;
}

static enum es_status read_device(const char *name, struct es_arena *arena, struct cli_held *held, struct es_error *error) {
    char *file = es_arena_string(arena, name), *use = strchr(file, '+');
    *held = (struct cli_held){.name = name};
    if (strcmp(name, "none") == 0)
        return ES_OK;
    if (use)
        *use++ = '\0';
    enum es_status status = use ? read_use(use, held, error) : ES_OK;
    return status == ES_OK ? es_card_read(file, &held->card, error) : status;
}

// held [*count] from "A,B,C". The cards are to be freed in any case.
static enum es_status read_devices(const char *text, struct es_arena *arena, size_t *count, struct cli_held **held, struct es_error *error) {
    char *left = es_arena_string(arena, text ? text : "none"), *name;
    enum es_status status = ES_OK;
    *held = ES_NEW(arena, strlen(left) + 1, struct cli_held);
    for (*count = 0; status == ES_OK && (name = strsep(&left, ","));) {
        for (size_t i = 0; i < *count && status == ES_OK; i++)
            if (strcmp((*held)[i].name, name) == 0)
                status = es_fail(error, ES_BAD_INPUT, "--device %s: %s is there twice", text, name);
        if (status == ES_OK && !*name)
            status = es_fail(error, ES_BAD_INPUT, "--device \"%s\": a name is missing; expected cards' files, or none, with commas between them", text);
        if (status == ES_OK)
            status = read_device(name, arena, &(*held)[(*count)++], error);
    }
    return status;
}

static enum es_status read_sweeps(size_t sweeps, const char *const *text, struct es_arena *arena, struct sweep *sweep, size_t *points, struct es_error *error) {
    enum es_status status = ES_OK;
    *points = 0;
    for (size_t k = 0; k < sweeps && status == ES_OK; k++) {
        status = read_sweep(text[k], arena, &sweep[k], error);
        *points += sweep[k].points;
        for (size_t j = 0; j < k && status == ES_OK; j++)
            if (sweep[j].row == sweep[k].row)
                status = es_fail(error, ES_BAD_INPUT, "--sweep %s: %s is swept already", text[k], sweep[k].row->name);
    }
    return status;
}

// The chip of a condition, as of --chip: what is swept takes the place of what the base has.
static const char *chip_of(const char *base, const struct es_condition *condition, struct es_arena *arena) {
    char *left = es_arena_string(arena, base ? base : "");
    const char *text = "";
    if (!es_row_find(es_nonidealities, condition->key))
        return left;
    for (char *pair; (pair = strsep(&left, ","));)
        if (*pair && !(strncmp(pair, condition->key, strlen(condition->key)) == 0 && pair[strlen(condition->key)] == '='))
            text = es_arena_printf(arena, "%s%s,", text, pair);
    return es_arena_printf(arena, "%s%s=%.17g", text, condition->key, condition->value);
}

static void add_condition(struct cli_conditions *c, const struct cli_held *held, const struct sweep *sweep, size_t i, const char *chip, struct es_arena *arena) {
    struct es_condition *condition = &c->condition[c->count];
    *condition = sweep ? (struct es_condition){held->name, sweep->row->name, sweep->unit, sweep_value(sweep, i)} : (struct es_condition){held->name, "", "", NAN};
    c->with[c->count] = held;
    c->chip[c->count++] = chip_of(chip, condition, arena);
}

enum es_status cli_conditions_read(const char *device, size_t sweeps, const char *const *text, bool cross, const char *chip, struct es_arena *arena,
                                   struct cli_conditions *c, struct es_error *error) {
    struct sweep *sweep = ES_NEW(arena, sweeps + 1, struct sweep);
    size_t points;
    *c = (struct cli_conditions){.count = 0};
    enum es_status status = read_devices(device, arena, &c->devices, &c->held, error);
    if (status == ES_OK)
        status = read_sweeps(sweeps, text, arena, sweep, &points, error);
    if (status != ES_OK)
        return status;
    size_t crossed = cross ? c->devices : 1, all = c->devices + crossed * points;
    c->condition = ES_NEW(arena, all, struct es_condition);
    c->with = ES_NEW(arena, all, const struct cli_held *);
    c->chip = ES_NEW(arena, all, const char *);
    for (size_t d = 0; d < c->devices; d++)
        add_condition(c, &c->held[d], NULL, 0, chip, arena);
    for (size_t k = 0; k < sweeps; k++)
        for (size_t d = 0; d < crossed; d++)
            for (size_t i = 0; i < sweep[k].points; i++)
                add_condition(c, &c->held[d], &sweep[k], i, chip, arena);
    return ES_OK;
}

void cli_conditions_free(struct cli_conditions *c) {
    for (size_t d = 0; d < c->devices; d++)
        es_card_free(c->held[d].card);
}
