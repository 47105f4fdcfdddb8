// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
#include "cli/compare.h"

#include <math.h>
#include <string.h>

char *cli_device_name(const struct es_condition *condition, char text[64]) {
    const char *slash = strrchr(condition->device, '/'), *name = slash ? slash + 1 : condition->device, *end = strstr(name, ".xml");
    size_t length = end ? (size_t)(end - name) : strlen(name);
    snprintf(text, 64, "%.*s%s", (int)length, name, end ? end + strlen(".xml") : "");
    return text;
}

char *cli_swept_text(const struct es_condition *condition, char text[96]) {
    char value[32];
    if (!condition->key[0])
        return strcpy(text, "-");
    if (condition->unit[0])
        cli_si(condition->value, condition->unit, value);
    else
        snprintf(value, sizeof value, "%.4g", condition->value);
    snprintf(text, 96, "%.48s = %s", condition->key, value);
    return text;
}

char *cli_condition_text(const struct es_condition *condition, char text[192]) {
    char device[64], swept[96];
    snprintf(text, 192, condition->key[0] ? "device %s, %s" : "device %s", cli_device_name(condition, device), cli_swept_text(condition, swept));
    return text;
}

const char *cli_measure_unit(const struct es_comparison *comparison, enum es_measure measure) {
    return es_measures[measure].unit ? es_measures[measure].unit : comparison->loss_unit;
}

// ---- the table -------------------------------------------------------------------------------------------------------

static const struct column {
    enum es_measure measure;
    const char *heading;
    const char *format; // of the mean; NULL: with an SI prefix
    bool spread;
} columns[] = {
    {ES_TEST_ACCURACY, "accuracy", "%.3f", true},
    {ES_TEST_NMSE, "NMSE", "%.4g", true},
    {ES_TEST_LOSS, "loss", "%.3g", true},
    {ES_START_COSINE, "cos start", "%.4f", false},
    {ES_END_COSINE, "cos end", "%.4f", true},
    {ES_START_NORM, "norm start", "%.4f", false},
    {ES_END_NORM, "norm end", "%.4f", false},
    {ES_RETRACE, "retrace", "%.2g", false},
    {ES_PULSES, "pulses", "%.3g", false},
    {ES_UPDATE_ENERGY, "energy per update", NULL, false},
    {ES_INFERENCE_ENERGY, "per inference", NULL, false},
};
enum { COLUMNS = sizeof columns / sizeof *columns };

static const char *cell(const struct es_comparison *c, size_t condition, const struct column *column, char text[64]) {
    struct es_statistic s = es_comparison_measure(c, condition, column->measure);
    if (!s.count)
        return strcpy(text, "-");
    if (!column->format)
        return cli_si(s.mean, cli_measure_unit(c, column->measure), text);
    int length = snprintf(text, 32, column->format, s.mean);
    if (column->spread && isfinite(s.deviation)) {
        strcpy(text + length, " +- ");
        snprintf(text + length + 4, 24, strchr(column->format, 'f') ? column->format : "%.2g", s.deviation);
    }
    return text;
}

static bool is_empty(const struct es_comparison *c, enum es_measure measure) {
    for (size_t i = 0; i < c->conditions; i++)
        if (es_comparison_measure(c, i, measure).count)
            return false;
    return true;
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
                printf("failed: %s, seed %llu: %s\n", cli_condition_text(&c->condition[i], text), (unsigned long long)c->seed[s], reason);
        }
}

static size_t trials_of(const struct es_comparison *c, size_t condition) {
    size_t count = 0;
    for (size_t s = 0; s < c->seeds; s++)
        count += es_comparison_outcome(c, condition, s)->ended && !es_comparison_outcome(c, condition, s)->reason[0];
    return count;
}

void cli_compare_table(const struct es_comparison *c) {
    size_t device = strlen("device"), swept = strlen("swept"), width[COLUMNS];
    char text[96];
    for (size_t i = 0; i < c->conditions; i++) {
        device = wider(device, cli_device_name(&c->condition[i], text));
        swept = wider(swept, cli_swept_text(&c->condition[i], text));
    }
    printf("%-*s  %-*s  n", (int)device, "device", (int)swept, "swept");
    for (size_t k = 0; k < COLUMNS; k++) {
        width[k] = is_empty(c, columns[k].measure) ? 0 : strlen(heading(c, &columns[k], text));
        for (size_t i = 0; i < c->conditions && width[k]; i++)
            width[k] = wider(width[k], cell(c, i, &columns[k], text));
        if (width[k])
            printf("  %*s", (int)width[k], heading(c, &columns[k], text));
    }
    puts("");
    for (size_t i = 0; i < c->conditions; i++) {
        printf("%-*s  ", (int)device, cli_device_name(&c->condition[i], text));
        printf("%-*s  %zu", (int)swept, cli_swept_text(&c->condition[i], text), trials_of(c, i));
        for (size_t k = 0; k < COLUMNS; k++)
            if (width[k])
                printf("  %*s", (int)width[k], cell(c, i, &columns[k], text));
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
