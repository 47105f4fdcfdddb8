// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
#include "cli/compare.h"

#include "chip/chip.h"
#include "cli/gnuplot.h"

#include <ctype.h>
#include <math.h>
#include <string.h>

static const char look[] = "set border 3; set tics nomirror; set grid lc rgb '#dddddd'\n";

// The text as gnuplot may read it in quotes.
static char *plain(char *text) {
    for (char *c = text; *c; c++)
        if (!isalnum((unsigned char)*c) && !strchr(" ,;._+-*=:%/()", *c))
            *c = '_';
    return text;
}

// What there is of accuracy, NMSE and loss.
static enum es_measure result_of(const struct es_comparison *c) {
    return es_comparison_has(c, ES_TEST_ACCURACY) ? ES_TEST_ACCURACY : es_comparison_has(c, ES_TEST_NMSE) ? ES_TEST_NMSE : ES_TEST_LOSS;
}

static const char *axis_of(const struct es_comparison *c, enum es_measure measure, char text[96]) {
    static const char *const names[ES_MEASURES] = {
        [ES_TEST_LOSS] = "loss of the test samples",
        [ES_TEST_ACCURACY] = "accuracy on the test samples",
        [ES_TEST_NMSE] = "NMSE of the test samples",
        [ES_END_COSINE] = "cosine with the exact gradient, after training",
    };
    const char *unit = cli_measure_unit(c, measure);
    snprintf(text, 96, unit[0] ? "%s / %s" : "%s", names[measure], unit);
    return text;
}

static const char *range_of(enum es_measure measure) {
    return measure == ES_END_COSINE ? "*<0.9:1.01" : measure == ES_TEST_ACCURACY ? "0<*:*<1.01" : "*:*";
}

static double spread_of(const struct es_statistic *s) {
    return isfinite(s->deviation) ? s->deviation : 0;
}

// ---- every condition -------------------------------------------------------------------------------------------------

// Rows from the top, one for each condition; the base as a line through all.
static void write_rows(const struct es_comparison *c, const char *block, enum es_measure measure, FILE *to) {
    char text[96];
    struct es_statistic base = es_comparison_measure(c, 0, measure);
    fprintf(to, "$%s << EOD\n", block);
    for (size_t i = 0; i < c->conditions; i++) {
        struct es_statistic s = es_comparison_measure(c, i, measure);
        if (s.count)
            fprintf(to, "%zu %.9g %.9g %d\n", i, s.mean, spread_of(&s), !c->condition[i].key[0] ? 0x1f5fa8 : 0xc8501e);
    }
    fprintf(to, "EOD\nset xlabel '%s'\nset xrange [%s]\n", axis_of(c, measure, text), range_of(measure));
    if (base.count)
        fprintf(to, "set arrow 1 from first %.9g, graph 0 to first %.9g, graph 1 nohead lc rgb '#888888' dt 2\n", base.mean, base.mean);
    fprintf(to, "plot $%s using 2:1:3:4 with xerrorbars pt 7 ps 0.7 lw 1.5 lc rgb variable notitle\nunset arrow 1\n", block);
}

// As gnuplot may read them.
static const char *device_of(const struct es_condition *condition, char text[64]) {
    return plain(cli_device_name(condition, text));
}

static const char *label_of(const struct es_comparison *c, size_t i, char text[192]) {
    return plain(cli_condition_name(c, i, text));
}

static size_t longest_label(const struct es_comparison *c) {
    char text[192];
    size_t longest = 0;
    for (size_t i = 0; i < c->conditions; i++)
        longest = strlen(label_of(c, i, text)) > longest ? strlen(text) : longest;
    return longest;
}

static void write_conditions(const struct es_comparison *c, const char *title, const char *name, FILE *to) {
    (void)name;
    char text[192];
    size_t margin = longest_label(c) + 2;
    fprintf(to, "set terminal svg size %zu,%zu font 'sans,12' background 'white'\n%s", 900 + 7 * margin, 150 + 22 * c->conditions, look);
    fprintf(to, "set multiplot layout 1,%d title '%s: mean of %zu trainings, bars: standard deviation; dashed: the base' noenhanced\n",
            es_comparison_has(c, ES_END_COSINE) ? 2 : 1, title, c->seeds);
    fprintf(to, "set yrange [%g:-0.5]\nset offsets graph 0.03, graph 0.03, 0, 0\nset lmargin %zu\nset ytics noenhanced (", (double)c->conditions - 0.5, margin);
    for (size_t i = 0; i < c->conditions; i++)
        fprintf(to, "%s'%s' %zu", i ? ", " : "", label_of(c, i, text), i);
    fputs(")\n", to);
    write_rows(c, "result", result_of(c), to);
    if (es_comparison_has(c, ES_END_COSINE))
        write_rows(c, "cosine", ES_END_COSINE, to);
}

// ---- the training ----------------------------------------------------------------------------------------------------

static void write_curve(const struct es_comparison *c, size_t i, FILE *to) {
    fprintf(to, "$c%zu << EOD\n", i);
    for (size_t e = 0; e < c->epochs; e++) {
        struct es_statistic s = es_comparison_epoch(c, i, e);
        if (s.count)
            fprintf(to, "%zu %.9g\n", e + 1, s.mean);
    }
    fputs("EOD\n", to);
}

// Whether it has a curve of its own: not a sweep, and trained.
static bool has_curve(const struct es_comparison *c, size_t i) {
    return !c->condition[i].key[0] && es_comparison_epoch(c, i, 0).count;
}

static bool wide(const struct es_comparison *c) { // so that its axis is to be logarithmic
    double low = INFINITY, high = -INFINITY;
    for (size_t i = 0; i < c->conditions; i++)
        for (size_t e = 0; e < c->epochs && has_curve(c, i); e++) {
            struct es_statistic s = es_comparison_epoch(c, i, e);
            low = s.count ? fmin(low, s.mean) : low;
            high = s.count ? fmax(high, s.mean) : high;
        }
    return low > 0 && high > 30 * low;
}

static void write_curves(const struct es_comparison *c, const char *title, const char *name, FILE *to) {
    (void)name;
    const char *separator = "plot ";
    char text[64];
    fprintf(to, "set terminal svg size 820,460 font 'sans,12' background 'white'\n%s", look);
    fprintf(to, "set title '%s: training under each device, mean of %zu trainings' noenhanced\n", title, c->seeds);
    fprintf(to, "set xlabel 'epoch'; set ylabel 'loss of the training samples / %s'\nset key outside right top noenhanced title 'device'\n", c->loss_unit);
    fprintf(to, "set xrange [0.5:%g]; set xtics %d\n%s", (double)c->epochs + 0.5, (int)ceil((double)c->epochs / 12), wide(c) ? "set logscale y\n" : "");
    for (size_t i = 0; i < c->conditions; i++)
        if (has_curve(c, i))
            write_curve(c, i, to);
    for (size_t i = 0; i < c->conditions; i++) {
        if (!has_curve(c, i))
            continue;
        fprintf(to, "%s$c%zu with lines lc rgb '%s' dt %zu lw 2 title '%s'", separator, i, cli_colour[i % CLI_COLOURS], 1 + i / CLI_COLOURS,
                device_of(&c->condition[i], text));
        separator = ", ";
    }
    fputs("\n", to);
}

// ---- one sweep -------------------------------------------------------------------------------------------------------

// The conditions of one key and one device.
static bool in_line(const struct es_comparison *c, size_t i, const char *key, const char *device) {
    return strcmp(c->condition[i].key, key) == 0 && strcmp(c->condition[i].device, device) == 0;
}

static void write_line(const struct es_comparison *c, const char *key, size_t base, enum es_measure measure, FILE *to) {
    fprintf(to, "$m%dd%zu << EOD\n", (int)measure, base);
    for (size_t i = 0; i < c->conditions; i++) {
        struct es_statistic s = es_comparison_measure(c, i, measure);
        if (s.count && in_line(c, i, key, c->condition[base].device))
            fprintf(to, "%.9g %.9g %.9g\n", c->condition[i].value, s.mean, spread_of(&s));
    }
    fputs("EOD\n", to);
}

static bool has_line(const struct es_comparison *c, const char *key, size_t base, enum es_measure measure) {
    bool any = false;
    for (size_t i = 0; i < c->conditions && !c->condition[base].key[0]; i++)
        any |= in_line(c, i, key, c->condition[base].device) && es_comparison_measure(c, i, measure).count;
    return any;
}

static void write_panel(const struct es_comparison *c, const char *key, enum es_measure measure, FILE *to) {
    const char *separator = "plot ";
    char text[96];
    struct es_statistic base = es_comparison_measure(c, 0, measure);
    fprintf(to, "set ylabel '%s'\nset yrange [%s]\n", axis_of(c, measure, text), range_of(measure));
    for (size_t d = 0; d < c->conditions; d++)
        if (has_line(c, key, d, measure))
            write_line(c, key, d, measure, to);
    if (base.count) {
        fprintf(to, "%s%.9g with lines dt 2 lc rgb '#888888' title 'base (%s)'", separator, base.mean, device_of(&c->condition[0], text));
        separator = ", ";
    }
    for (size_t d = 0; d < c->conditions; d++) {
        if (!has_line(c, key, d, measure))
            continue;
        fprintf(to, "%s$m%dd%zu with yerrorlines lc rgb '%s' pt %zu ps 0.7 lw 1.5 title '%s'", separator, (int)measure, d, cli_colour[d % CLI_COLOURS], d + 5,
                device_of(&c->condition[d], text));
        separator = ", ";
    }
    fputs("\n", to);
}

static void write_sweep(const struct es_comparison *c, const char *title, const char *key, FILE *to) {
    const struct es_row *setting = es_row_find(es_settings, key), *row = setting ? setting : es_row_find(es_nonidealities, key);
    double low = INFINITY, high = -INFINITY;
    const char *unit = "";
    char about[160];
    snprintf(about, sizeof about, "%s", row ? row->about : "");
    plain(about);
    for (size_t i = 0; i < c->conditions; i++)
        if (strcmp(c->condition[i].key, key) == 0) {
            low = fmin(low, c->condition[i].value);
            high = fmax(high, c->condition[i].value);
            unit = c->condition[i].unit;
        }
    double width = 990 + 7 * (double)longest_label(c);
    fprintf(to, "set terminal svg size %g,440 font 'sans,12' background 'white'\n%s", width, look);
    fprintf(to, "set multiplot layout 1,2 margins %.4f,%.4f,0.14,0.86 spacing %.4f ", 80 / width, 880 / width, 90 / width);
    fprintf(to, "title \"%s: mean of %zu trainings, bars: standard deviation\\n%s: %s\" noenhanced\n", title, c->seeds, key, about);
    fprintf(to, "set xlabel '%s%s%s' noenhanced\nunset key\n", key, unit[0] ? " / " : "", unit);
    if (low > 0 && high >= 9 * low)
        fprintf(to, "set logscale x; set format x '%s'; set xrange [%.9g:%.9g]\n", unit[0] ? "%.0s%c" : "10^{%T}", low / 1.3, high * 1.3);
    else
        fprintf(to, "set xrange [%.9g:%.9g]\n", low - 0.05 * (high - low + (high == low)), high + 0.05 * (high - low + (high == low)));
    write_panel(c, key, result_of(c), to);
    fprintf(to, "set key at screen %.4f, 0.86 left top Left reverse noenhanced\n", 895 / width);
    write_panel(c, key, ES_END_COSINE, to);
}

// ---- files -----------------------------------------------------------------------------------------------------------

// Draws PREFIX-NAME.svg.
static enum es_status draw(const struct es_comparison *c, const char *title, const char *prefix, const char *name,
                           void (*write)(const struct es_comparison *c, const char *title, const char *name, FILE *to), struct es_error *error) {
    struct es_arena *arena = es_arena_new();
    struct cli_output svg;
    FILE *script = cli_gnuplot_script(error);
    enum es_status status = script ? cli_output_open(&svg, es_arena_printf(arena, "%s-%s.svg", prefix, name), error) : ES_NO_RESOURCE;
    if (status == ES_OK) {
        write(c, title, name, script);
        status = cli_gnuplot_draw(script, svg.file, error);
        enum es_status closed = cli_output_close(&svg, status == ES_OK, error);
        status = status == ES_OK ? closed : status;
    } else if (script)
        fclose(script);
    es_arena_free(arena);
    return status;
}

// Whether condition i is the first of a sweep that has several values.
static bool begins_sweep(const struct es_comparison *c, size_t i) {
    bool first = c->condition[i].key[0], several = false;
    for (size_t j = 0; j < c->conditions; j++) {
        bool same = strcmp(c->condition[j].key, c->condition[i].key) == 0;
        first &= j >= i || !same;
        several |= same && c->condition[j].value != c->condition[i].value;
    }
    return first && several;
}

enum es_status cli_compare_plot_ready(const char *prefix, struct es_error *error) {
    struct es_arena *arena = es_arena_new();
    struct cli_output svg;
    enum es_status status = cli_gnuplot_found(error);
    if (status == ES_OK)
        status = cli_output_open(&svg, es_arena_printf(arena, "%s-conditions.svg", prefix), error);
    if (status == ES_OK)
        cli_output_close(&svg, false, NULL);
    es_arena_free(arena);
    return status;
}

enum es_status cli_compare_plot(const struct es_comparison *c, const char *name, const char *prefix, struct es_error *error) {
    char title[160];
    bool curves = false;
    if (!es_comparison_has(c, ES_TEST_LOSS)) // there is nothing to draw
        return ES_OK;
    snprintf(title, sizeof title, "%s", name);
    plain(title);
    for (size_t i = 0; i < c->conditions; i++)
        curves |= has_curve(c, i);
    enum es_status status = draw(c, title, prefix, "conditions", write_conditions, error);
    if (status == ES_OK && curves)
        status = draw(c, title, prefix, "curves", write_curves, error);
    for (size_t i = 0; i < c->conditions && status == ES_OK; i++)
        if (begins_sweep(c, i))
            status = draw(c, title, prefix, c->condition[i].key, write_sweep, error);
    return status;
}
