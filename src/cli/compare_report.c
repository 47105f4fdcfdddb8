// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
#include "cli/compare.h"

#include <math.h>
#include <string.h>

char *cli_device_name(const struct es_condition *condition, char text[64]) {
    const char *slash = strrchr(condition->device, '/'), *name = slash ? slash + 1 : condition->device, *end = strstr(name, ".xml");
    size_t length = end ? (size_t)(end - name) : strlen(name);
    bool none = strcmp(name, "none") == 0;
    snprintf(text, 64, "%.*s%s", none ? 9 : (int)length, none ? "no device" : name, end ? end + strlen(".xml") : "");
    return text;
}

char *cli_condition_name(const struct es_comparison *c, size_t i, char text[192]) {
    const struct es_condition *condition = &c->condition[i];
    char device[64], value[32];
    cli_device_name(condition, device);
    if (!condition->key[0]) {
        snprintf(text, 192, i ? "%s" : "%s (base)", device);
        return text;
    }
    if (condition->unit[0])
        cli_si(condition->value, condition->unit, value);
    else
        snprintf(value, sizeof value, "%.4g", condition->value);
    bool base = strcmp(condition->device, c->condition[0].device) == 0;
    snprintf(text, 192, "%.48s = %s%s%s", condition->key, value, base ? "" : ", ", base ? "" : device);
    return text;
}

const char *cli_measure_unit(const struct es_comparison *comparison, enum es_measure measure) {
    return es_measures[measure].unit ? es_measures[measure].unit : comparison->loss_unit;
}

// ---- the table -------------------------------------------------------------------------------------------------------

static const struct column {
    int block; // columns of one block stand side by side
    enum es_measure measure;
    const char *heading;
    const char *format; // of the mean; NULL: with an SI prefix
    bool spread;
} columns[] = {
    {0, ES_TEST_ACCURACY, "accuracy", "%.3f", true},
    {0, ES_TEST_NMSE, "NMSE", "%.4g", true},
    {0, ES_TEST_LOSS, "loss", "%.3g", true},
    {1, ES_START_COSINE, "cos start", "%.4f", false},
    {1, ES_END_COSINE, "cos end", "%.4f", true},
    {1, ES_START_NORM, "norm start", "%.4f", false},
    {1, ES_END_NORM, "norm end", "%.4f", false},
    {2, ES_RETRACE, "retrace", "%.2g", false},
    {2, ES_PULSES, "pulses", "%.3g", false},
    {2, ES_UPDATE_ENERGY, "energy per update", NULL, false},
    {2, ES_INFERENCE_ENERGY, "per inference", NULL, false},
};
enum { COLUMNS = sizeof columns / sizeof *columns, WIDE = 80 };

static size_t trials_of(const struct es_comparison *c, size_t condition) {
    size_t count = 0;
    for (size_t s = 0; s < c->seeds; s++)
        count += es_comparison_outcome(c, condition, s)->ended && !es_comparison_outcome(c, condition, s)->reason[0];
    return count;
}

static const char *cell(const struct es_comparison *c, size_t condition, const struct column *column, char text[64]) {
    struct es_statistic s = es_comparison_measure(c, condition, column->measure);
    char mean[32], spread[32] = "", fewer[32] = "";
    if (!s.count)
        return strcpy(text, "-");
    if (column->format)
        snprintf(mean, sizeof mean, column->format, s.mean);
    else
        cli_si(s.mean, cli_measure_unit(c, column->measure), mean);
    if (column->spread && isfinite(s.deviation))
        snprintf(spread, sizeof spread, strchr(column->format, 'f') ? column->format : "%.2g", s.deviation);
    if (s.count < trials_of(c, condition)) // a gradient of 0 has no cosine
        snprintf(fewer, sizeof fewer, " (%zu)", s.count);
    snprintf(text, 64, "%s%s%s%s", mean, *spread ? " +- " : "", spread, fewer);
    return text;
}

static const char *heading(const struct es_comparison *c, const struct column *column, char text[64]) {
    const char *unit = cli_measure_unit(c, column->measure);
    snprintf(text, 64, unit[0] && column->format ? "%s / %s" : "%s", column->heading, unit);
    return text;
}

static size_t wider(size_t width, const char *text) {
    return strlen(text) > width ? strlen(text) : width;
}

// The trials that failed.
static void print_failures(const struct es_comparison *c) {
    char text[192];
    for (size_t i = 0; i < c->conditions; i++)
        for (size_t s = 0; s < c->seeds; s++) {
            const char *reason = es_comparison_outcome(c, i, s)->reason;
            if (reason[0])
                printf("failed: %s, seed %llu: %s\n", cli_condition_name(c, i, text), (unsigned long long)c->seed[s], reason);
        }
}

// The columns [first, last) beside the conditions' names; a line each.
static void print_columns(const struct es_comparison *c, int name, const size_t width[COLUMNS], size_t first, size_t last) {
    char text[192];
    printf("%-*s  n", name, "condition");
    for (size_t k = first; k < last; k++)
        if (width[k])
            printf("  %*s", (int)width[k], heading(c, &columns[k], text));
    puts("");
    for (size_t i = 0; i < c->conditions; i++) {
        printf("%-*s  %zu", name, cli_condition_name(c, i, text), trials_of(c, i));
        for (size_t k = first; k < last; k++)
            if (width[k])
                printf("  %*s", (int)width[k], cell(c, i, &columns[k], text));
        puts("");
    }
}

// Of those from `first` on that stand side by side, `wide` characters being taken.
static size_t end_of_columns(const size_t width[COLUMNS], size_t first, size_t wide) {
    int block = -1; // none yet
    for (size_t k = first; k < COLUMNS; k++) {
        if (!width[k])
            continue;
        if (block >= 0 && (columns[k].block != block || wide + 2 + width[k] > WIDE))
            return k;
        block = columns[k].block;
        wide += 2 + width[k];
    }
    return COLUMNS;
}

void cli_compare_table(const struct es_comparison *c) {
    size_t name = strlen("condition"), width[COLUMNS];
    char text[192];
    for (size_t i = 0; i < c->conditions; i++)
        name = wider(name, cli_condition_name(c, i, text));
    for (size_t k = 0; k < COLUMNS; k++) {
        width[k] = es_comparison_has(c, columns[k].measure) ? strlen(heading(c, &columns[k], text)) : 0;
        for (size_t i = 0; i < c->conditions && width[k]; i++)
            width[k] = wider(width[k], cell(c, i, &columns[k], text));
    }
    for (size_t first = 0, last; first < COLUMNS; first = last) {
        last = end_of_columns(width, first, name + 3);
        print_columns(c, (int)name, width, first, last);
        if (last < COLUMNS)
            puts("");
    }
    print_failures(c);
}

// ---- CSV and JSON ----------------------------------------------------------------------------------------------------

static void write_quoted(const char *text, FILE *csv) {
    fputc('"', csv);
    for (; *text; text++) {
        if (*text == '"')
            fputc('"', csv);
        fputc(*text, csv);
    }
    fputc('"', csv);
}

static void write_trial(const struct es_comparison *c, size_t condition, size_t seed, FILE *csv) {
    const struct es_condition *point = &c->condition[condition];
    const struct es_outcome *outcome = es_comparison_outcome(c, condition, seed);
    write_quoted(point->device, csv);
    fprintf(csv, ",%s,", point->key);
    if (point->key[0])
        fprintf(csv, "%.17g", point->value);
    fprintf(csv, ",%s,%llu,%zu", point->unit, (unsigned long long)c->seed[seed], c->fold[seed]);
    for (size_t m = 0; m < ES_MEASURES; m++)
        fprintf(csv, isnan(outcome->measure[m]) ? "," : ",%.17g", outcome->measure[m]);
    fputc(',', csv);
    write_quoted(outcome->reason, csv);
    fputc('\n', csv);
}

void cli_compare_csv(const struct es_comparison *c, FILE *csv) {
    fputs("device,key,value,unit,seed,fold", csv);
    for (size_t m = 0; m < ES_MEASURES; m++) {
        const char *unit = cli_measure_unit(c, (enum es_measure)m);
        fprintf(csv, unit[0] ? ",%s [%s]" : ",%s", es_measures[m].name, unit);
    }
    fputs(",failed\n", csv);
    for (size_t i = 0; i < c->conditions; i++)
        for (size_t s = 0; s < c->seeds; s++)
            if (es_comparison_outcome(c, i, s)->ended)
                write_trial(c, i, s, csv);
}

static json_t *json_measure(const struct es_comparison *c, size_t condition, enum es_measure measure) {
    struct es_statistic s = es_comparison_measure(c, condition, measure);
    json_t *each = json_array();
    for (size_t i = 0; i < c->seeds; i++)
        json_array_append_new(each, cli_real(es_comparison_outcome(c, condition, i)->measure[measure]));
    return json_pack("{s:o, s:o, s:s, s:I, s:o}", "mean", cli_real(s.mean), "deviation", cli_real(s.deviation), "unit", cli_measure_unit(c, measure), "count",
                     (json_int_t)s.count, "each", each);
}

static json_t *json_condition(const struct es_comparison *c, size_t i) {
    const struct es_condition *point = &c->condition[i];
    json_t *object = json_pack("{s:s, s:s, s:o, s:s, s:I}", "device", point->device, "key", point->key, "value",
                               point->key[0] ? cli_real(point->value) : json_null(), "unit", point->unit, "trials", (json_int_t)trials_of(c, i));
    json_t *measures = json_object(), *curve = json_array(), *failed = json_array();
    for (size_t m = 0; m < ES_MEASURES; m++)
        json_object_set_new(measures, es_measures[m].name, json_measure(c, i, (enum es_measure)m));
    for (size_t e = 0; e < c->epochs; e++)
        json_array_append_new(curve, cli_real(es_comparison_epoch(c, i, e).mean));
    for (size_t s = 0; s < c->seeds; s++)
        if (es_comparison_outcome(c, i, s)->reason[0])
            json_array_append_new(failed, json_pack("{s:I, s:s}", "seed", (json_int_t)c->seed[s], "reason", es_comparison_outcome(c, i, s)->reason));
    json_object_set_new(object, "measures", measures);
    json_object_set_new(object, "training_loss", json_pack("{s:o, s:s}", "mean_by_epoch", curve, "unit", c->loss_unit));
    json_object_set_new(object, "failed", failed);
    return object;
}

json_t *cli_compare_json(const struct es_comparison *c) {
    json_t *array = json_array();
    for (size_t i = 0; i < c->conditions; i++)
        json_array_append_new(array, json_condition(c, i));
    return array;
}
