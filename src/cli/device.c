// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// What a device card says, shown: many devices of it pulsed up and down, and programmed and left alone.
#include "cli/cli.h"

#include "cli/gnuplot.h"
#include "device/device.h"
#include "xml/xml.h"

#include <gsl/gsl_statistics_double.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { SINGLES = 4, SAMPLES = 100, ROWS = 10, MOST = 1000000 };

static const double levels[] = {0.1, 0.5, 1}; // g at which devices are programmed

static const struct {
    const char *name;
    double seconds;
} times[] = {{"1 s", 1}, {"1 min", 60}, {"1 h", 3600}, {"1 day", 86400}, {"30 days", 30 * 86400.}, {"1 year", 365.25 * 86400}};

enum { LEVELS = sizeof levels / sizeof *levels, TIMES = sizeof times / sizeof *times };

struct statistic {
    double mean, sd;
};

// w of all devices after some pulses.
struct sample {
    size_t pulse;
    struct statistic w;
    double single[SINGLES]; // what is read of the first devices
};

struct report {
    const struct es_card *card;
    uint64_t seed;
    size_t devices, pulses;
    size_t samples;              // of one direction, without pulse 0
    struct sample *curve[2];     // [samples + 1] up, then down
    struct statistic up, down, max, min; // steps over the card's, bounds
    size_t stuck;
    struct statistic programmed[LEVELS], kept[LEVELS][TIMES]; // g
};

struct options {
    struct cli_options common;
    size_t pulses, devices;
    const char *plot, *csv;
};

enum { KEY_PULSES = CLI_OWN, KEY_DEVICES, KEY_PLOT, KEY_CSV };

static const struct argp_option option_list[] = {
    {"pulses", KEY_PULSES, "N", 0, "up, and then down; default as many as lead across the window from its middle, or those of the card's table, at least 20", 0},
    {"devices", KEY_DEVICES, "N", 0, "how many devices are drawn; default 100", 0},
    {"plot", KEY_PLOT, "OUT.svg", 0, "also draw the curves (needs gnuplot)", 0},
    {"csv", KEY_CSV, "OUT.csv", 0, "also write the curves", 0},
    {"seed", CLI_SEED, "S", 0, "of the devices; default 1", 0},
    CLI_OPTION_JSON,
    {0},
};

static error_t parse(int key, char *text, struct argp_state *state) {
    struct options *options = state->input;
    switch (key) {
    case KEY_PULSES:
        options->pulses = (size_t)cli_whole(text, "pulses", 1, MOST, state);
        return 0;
    case KEY_DEVICES:
        options->devices = (size_t)cli_whole(text, "devices", 2, MOST, state);
        return 0;
    case KEY_PLOT:
        options->plot = text;
        return 0;
    case KEY_CSV:
        options->csv = text;
        return 0;
    case ARGP_KEY_END:
        if (!options->common.file)
            argp_error(state, "which CARD? a file of models/, or one like them");
        return 0;
    default:
        return cli_parse_option(key, text, state, &options->common);
    }
}

static const struct argp parser = {
    option_list, parse, "CARD.xml",
    "Shows a card of a memory device: its weight w, which has no unit, under pulses up from its lowest value and then down, for many devices (mean and "
    "standard deviation, as the devices hold it; single devices as they are read), their spread, and, where the card knows of conductances, the noise of "
    "programming and what is left after a second to a year.\v"
    "Example: echospice device models/reram-es.xml --plot reram-es.svg\n"
    "Example: echospice device models/pcm.xml --devices 1000 --pulses 20 --json\n"
    "The cards' format: models/device.rng; what models there are: echospice list devices.",
    NULL, NULL, NULL,
};

static struct statistic statistic_of(size_t n, const double *x) {
    double mean = gsl_stats_mean(x, 1, n);
    return (struct statistic){mean, gsl_stats_sd_m(x, 1, n, mean)};
}

// All devices in one direction from where they stand: w [devices].
static void pulse_devices(struct report *r, const struct es_device *device, int d, double *w) {
    const struct es_card *card = r->card;
    struct sample *curve = r->curve[d < 0];
    size_t done = 0;
    for (size_t s = 0; s <= r->samples; s++) {
        curve[s].pulse = r->pulses * s / r->samples;
        for (size_t k = 0; k < r->devices; k++) {
            struct es_stream noise = {.seed = r->seed, .purpose = ES_RANDOM_PULSE, .id = k, .update = d < 0, .step = done};
            for (size_t n = done; n < curve[s].pulse; n++)
                w[k] = es_device_pulse(card, &device[k], w[k], d, &noise);
        }
        done = curve[s].pulse;
        curve[s].w = statistic_of(r->devices, w);
        for (size_t k = 0; k < SINGLES && k < r->devices; k++) {
            struct es_stream noise = {.seed = r->seed, .purpose = ES_RANDOM_WRITE, .id = k, .update = d < 0, .step = s};
            curve[s].single[k] = w[k] + card->write * card->step * es_random_normal(&noise);
        }
    }
}

static void pulse_all(struct report *r, const struct es_device *device, struct es_arena *arena) {
    double *w = ES_NEW(arena, r->devices, double);
    r->samples = r->pulses < SAMPLES ? r->pulses : SAMPLES;
    for (size_t i = 0; i < 2; i++)
        r->curve[i] = ES_NEW(arena, r->samples + 1, struct sample);
    for (size_t k = 0; k < r->devices; k++)
        w[k] = es_device_place(r->card, &device[k], device[k].min);
    pulse_devices(r, device, +1, w);
    if (!r->card->one_sided)
        pulse_devices(r, device, -1, w);
}

static void spread_of(struct report *r, const struct es_device *device, struct es_arena *arena) {
    double *x[4];
    for (size_t i = 0; i < 4; i++)
        x[i] = ES_NEW(arena, r->devices, double);
    for (size_t k = 0; k < r->devices; k++) {
        x[0][k] = device[k].gain[ES_UP];
        x[1][k] = device[k].gain[ES_DOWN];
        x[2][k] = device[k].max;
        x[3][k] = device[k].min;
        r->stuck += device[k].stuck;
    }
    r->up = statistic_of(r->devices, x[0]);
    r->down = statistic_of(r->devices, x[1]);
    r->max = statistic_of(r->devices, x[2]);
    r->min = statistic_of(r->devices, x[3]);
}

// Devices programmed to one level and read at each time; each reading has its own noise.
static void keep_level(struct report *r, size_t level, struct es_arena *arena) {
    const struct es_card *card = r->card;
    double *g = ES_NEW(arena, r->devices, double), *nu = ES_NEW(arena, r->devices, double), *read = ES_NEW(arena, r->devices, double);
    for (size_t k = 0; k < r->devices; k++) {
        struct es_stream noise = {.seed = r->seed, .purpose = ES_RANDOM_PROGRAM, .id = k, .sample = level};
        g[k] = fmax(levels[level] + es_card_programming(card, levels[level]) * es_random_normal(&noise), 0);
        nu[k] = es_card_drift_exponent(card, levels[level], es_random_normal(&noise));
    }
    r->programmed[level] = statistic_of(r->devices, g);
    for (size_t t = 0; t < TIMES; t++) {
        for (size_t k = 0; k < r->devices; k++) {
            struct es_stream noise = {.seed = r->seed, .purpose = ES_RANDOM_PROGRAM, .id = k, .sample = level, .update = 1 + t};
            double left = g[k] * es_card_drift(card, nu[k], times[t].seconds);
            read[k] = fmax(left * (1 + es_card_reading(card, g[k], times[t].seconds) * es_random_normal(&noise)), 0);
        }
        r->kept[level][t] = statistic_of(r->devices, read);
    }
}

static void fill(struct report *r, struct es_arena *arena) {
    struct es_device *device = ES_NEW(arena, r->devices, struct es_device);
    for (size_t k = 0; k < r->devices; k++)
        device[k] = es_device_draw(r->card, r->seed, k);
    spread_of(r, device, arena);
    if (r->pulses)
        pulse_all(r, device, arena);
    for (size_t i = 0; i < LEVELS && r->card->g_max > 0; i++)
        keep_level(r, i, arena);
}

static void print_curve(const struct report *r) {
    printf("\npulses from the lowest value up%s, weight w over %zu devices:\n  %8s %10s %10s", r->card->one_sided ? "" : ", then as many down", r->devices, "pulses",
           "up: mean", "sd");
    puts(r->card->one_sided ? "" : "  down: mean         sd");
    size_t rows = r->samples < ROWS ? r->samples : ROWS;
    for (size_t i = 0; i <= rows; i++) {
        const struct sample *up = &r->curve[0][r->samples * i / rows], *down = &r->curve[1][r->samples * i / rows];
        printf("  %8zu %10.4f %10.4f", up->pulse, up->w.mean, up->w.sd);
        if (!r->card->one_sided)
            printf("  %10.4f %10.4f", down->w.mean, down->w.sd);
        puts("");
    }
}

static void print_spread(const struct report *r) {
    const struct es_card *card = r->card;
    printf("\ndevice to device, mean and standard deviation over %zu devices:\n", r->devices);
    if (card->step > 0) {
        printf("  step up        %.4g +- %.2g\n", card->step * r->up.mean, card->step * r->up.sd);
        if (!card->one_sided)
            printf("  step down      %.4g +- %.2g\n", card->step * r->down.mean, card->step * r->down.sd);
    }
    printf("  bounds of w    %.4g +- %.2g .. %.4g +- %.2g\n", r->min.mean, r->min.sd, r->max.mean, r->max.sd);
    if (card->stuck > 0)
        printf("  stuck          %zu of %zu\n", r->stuck, r->devices);
    if (card->step > 0)
        printf("noise:\n  of each pulse  %.3g of %s\n  of what is read after writing  %.3g in w\n", card->cycle, card->multiplicative ? "its own size" : "the step",
               card->write * card->step);
    if (card->lifetime > 0)
        printf("leak: w falls by 1/%g at each update\n", card->lifetime);
    if (isfinite(card->energy))
        printf("energy: %.3g J a pulse\n", card->energy);
}

static void print_retention(const struct report *r) {
    double micro = 1e6 * r->card->g_max;
    printf("\nconductance in uS over %zu devices, programmed and then left alone, mean +- standard deviation:\n  %-12s %-16s", r->devices, "asked", "programmed");
    for (size_t t = 0; t < TIMES; t++)
        printf(" after %-9s", times[t].name);
    puts("");
    for (size_t i = 0; i < LEVELS; i++) {
        printf("  %-12.4g %6.3f +- %-6.3f", micro * levels[i], micro * r->programmed[i].mean, micro * r->programmed[i].sd);
        for (size_t t = 0; t < TIMES; t++)
            printf(" %6.3f+-%-6.3f", micro * r->kept[i][t].mean, micro * r->kept[i][t].sd);
        puts("");
    }
}

static void print_text(const struct report *r) {
    const struct es_card *card = r->card;
    double unit = es_card_unit(card);
    printf("%s: %s\nmodel %s, %s\nwindow of w %g .. %g", card->name, card->about ? card->about : "a memory device", card->model->row.name, card->model->row.about,
           card->min, card->max);
    if (unit > 0)
        printf(", a pulse in its middle %.4g (the window is %.0f of them)", unit, (card->max - card->min) / unit);
    puts(card->one_sided ? "; only moves up until it is reset, so that two hold a value" : "");
    if (r->pulses)
        print_curve(r);
    print_spread(r);
    if (card->g_max > 0)
        print_retention(r);
}

static json_t *json_statistic(struct statistic s) {
    return json_pack("{s:o, s:o}", "mean", cli_real(s.mean), "sd", cli_real(s.sd));
}

static json_t *json_curve(const struct report *r, size_t direction) {
    json_t *array = json_array();
    for (size_t s = 0; s <= r->samples; s++) {
        const struct sample *sample = &r->curve[direction][s];
        json_t *row = json_statistic(sample->w);
        json_object_set_new(row, "pulse", json_integer((json_int_t)sample->pulse));
        json_array_append_new(array, row);
    }
    return array;
}

static json_t *json_retention(const struct report *r) {
    json_t *array = json_array();
    for (size_t i = 0; i < LEVELS; i++) {
        json_t *after = json_array();
        for (size_t t = 0; t < TIMES; t++) {
            json_t *row = json_statistic((struct statistic){r->card->g_max * r->kept[i][t].mean, r->card->g_max * r->kept[i][t].sd});
            json_object_set_new(row, "seconds", json_real(times[t].seconds));
            json_array_append_new(after, row);
        }
        json_array_append_new(array, json_pack("{s:o, s:o, s:o}", "asked", cli_real(r->card->g_max * levels[i]), "programmed",
                                               json_statistic((struct statistic){r->card->g_max * r->programmed[i].mean, r->card->g_max * r->programmed[i].sd}),
                                               "after", after));
    }
    return array;
}

static void print_json(const struct report *r) {
    const struct es_card *card = r->card;
    json_t *object = json_pack("{s:s, s:s, s:I, s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:I}", "device", card->name, "model", card->model->row.name, "devices",
                               (json_int_t)r->devices, "pulses", (json_int_t)r->pulses, "pulse_in_the_middle", cli_real(es_card_unit(card)), "w_max",
                               json_statistic(r->max), "w_min", json_statistic(r->min), "write_noise", cli_real(card->write * card->step), "gain_up",
                               json_statistic(r->up), "gain_down", json_statistic(r->down), "stuck", (json_int_t)r->stuck);
    if (r->pulses)
        json_object_set_new(object, "up", json_curve(r, 0));
    if (r->pulses && !card->one_sided)
        json_object_set_new(object, "down", json_curve(r, 1));
    if (card->g_max > 0) {
        json_object_set_new(object, "retention", json_retention(r));
        json_object_set_new(object, "retention_unit", json_string("S"));
    }
    cli_print_json(object);
}

static void write_csv(const struct report *r, FILE *to) {
    fputs("direction,pulse,mean,sd", to);
    for (size_t k = 0; k < SINGLES && k < r->devices; k++)
        fprintf(to, ",read_%zu", k + 1);
    fputs("\n", to);
    for (size_t i = 0; i < (r->card->one_sided ? 1 : 2) && r->pulses; i++)
        for (size_t s = 0; s <= r->samples; s++) {
            const struct sample *sample = &r->curve[i][s];
            fprintf(to, "%s,%zu,%.17g,%.17g", i ? "down" : "up", sample->pulse, sample->w.mean, sample->w.sd);
            for (size_t k = 0; k < SINGLES && k < r->devices; k++)
                fprintf(to, ",%.17g", sample->single[k]);
            fputs("\n", to);
        }
}

// Pulses up and then down along one axis: columns pulse, mean, sd, single devices.
static void plot_curve(const struct report *r, FILE *to) {
    fputs("$curve << EOD\n", to);
    for (size_t i = 0; i < (r->card->one_sided ? 1 : 2); i++)
        for (size_t s = 0; s <= r->samples; s++) {
            const struct sample *sample = &r->curve[i][s];
            fprintf(to, "%zu %.9g %.9g", sample->pulse + (i ? r->pulses : 0), sample->w.mean, sample->w.sd);
            for (size_t k = 0; k < SINGLES && k < r->devices; k++)
                fprintf(to, " %.9g", sample->single[k]);
            fputs("\n", to);
        }
    fprintf(to, "EOD\nset xrange [0:%zu]\nset xlabel 'pulses: %zu up%s'\nset ylabel 'weight w'\n", r->pulses * (r->card->one_sided ? 1 : 2), r->pulses, r->card->one_sided ? "" : ", then as many down");
    fprintf(to, "plot $curve using 1:($2-$3):($2+$3) with filledcurves lc rgb '#c6dbef' title 'mean +- standard deviation of %zu devices'", r->devices);
    for (size_t k = 0; k < SINGLES && k < r->devices; k++)
        fprintf(to, ", $curve using 1:%zu with lines lc rgb '%s' lw 1 title '%s'", 4 + k, cli_colour[1 + k], k ? "" : "single devices, as read");
    fputs(", $curve using 1:2 with lines lc rgb '#08519c' lw 3 title 'mean'\n", to);
}

static void plot_retention(const struct report *r, FILE *to) {
    double micro = 1e6 * r->card->g_max;
    for (size_t i = 0; i < LEVELS; i++) {
        fprintf(to, "$keep%zu << EOD\n", i);
        for (size_t t = 0; t < TIMES; t++)
            fprintf(to, "%.9g %.9g %.9g\n", times[t].seconds, micro * r->kept[i][t].mean, micro * r->kept[i][t].sd);
        fputs("EOD\n", to);
    }
    fputs("set logscale x; set xrange [0.5:1e8]; set yrange [0:*]; set xlabel 'time since programming'; set ylabel 'conductance / uS'\n"
          "set xtics ('1 s' 1, '1 min' 60, '1 h' 3600, '1 day' 86400, '30 d' 2592000, '1 year' 31557600)\nplot ", to);
    for (size_t i = 0; i < LEVELS; i++)
        fprintf(to, "%s$keep%zu with yerrorlines lc rgb '%s' lw 2 pt 7 ps 0.5 title 'programmed to %.3g uS'", i ? ", " : "", i, cli_colour[i], micro * levels[i]);
    fputs("\n", to);
}

static enum es_status draw(const struct report *r, FILE *picture, struct es_error *error) {
    FILE *script = cli_gnuplot_script(error);
    if (!script)
        return ES_NO_RESOURCE;
    int panels = (r->pulses > 0) + (r->card->g_max > 0);
    fprintf(script,
            "set terminal svg size %d,460 font 'sans,12' background 'white'\n"
            "set multiplot layout 1,%d title '%s: %s' noenhanced\n"
            "set border 3; set tics nomirror; set grid ytics lc rgb '#dddddd'\n"
            "set key at graph 0.5, -0.18 center top horizontal font 'sans,10'; set bmargin 7\n",
            panels > 1 ? 1100 : 640, panels, r->card->name, r->card->model->row.about);
    if (r->pulses)
        plot_curve(r, script);
    if (r->card->g_max > 0)
        plot_retention(r, script);
    return cli_gnuplot_draw(script, picture, error);
}

static enum es_status write_files(const struct report *r, const struct options *options, struct es_error *error) {
    struct cli_output csv = {.file = NULL}, svg = {.file = NULL};
    enum es_status status = options->csv ? cli_output_open(&csv, options->csv, error) : ES_OK;
    if (status == ES_OK && options->plot)
        status = cli_output_open(&svg, options->plot, error);
    if (status == ES_OK && options->csv)
        write_csv(r, csv.file);
    if (status == ES_OK && options->plot)
        status = draw(r, svg.file, error);
    enum es_status csv_closed = cli_output_close(&csv, status == ES_OK, error), svg_closed = cli_output_close(&svg, status == ES_OK, error);
    return status != ES_OK ? status : csv_closed != ES_OK ? csv_closed : svg_closed;
}

static enum es_status show(const struct es_card *card, const struct options *options, struct es_error *error) {
    double unit = es_card_unit(card), across = unit > 0 ? fmin(fmax(ceil((card->max - card->min) / unit - 1e-9), 20), MOST) : 0;
    if (card->points)
        across = fmin(card->pulse[card->points - 1], MOST);
    struct report r = {
        .card = card,
        .seed = options->common.seeded ? options->common.seed : 1,
        .devices = options->devices ? options->devices : 100,
        .pulses = unit > 0 && options->pulses ? options->pulses : (size_t)across,
    };
    if (options->plot && !r.pulses && !(card->g_max > 0))
        return es_fail(error, ES_BAD_INPUT, "--plot: %s takes any value without pulses, so there is nothing to draw", card->name);
    struct es_arena *arena = es_arena_new();
    fill(&r, arena);
    enum es_status status = write_files(&r, options, error);
    if (status == ES_OK)
        (options->common.json ? print_json : print_text)(&r);
    es_arena_free(arena);
    return status;
}

static int run(int argc, char **argv) {
    struct options options = {.common = {.fold = -1}};
    struct es_card *card = NULL;
    struct es_error error = {""};
    argp_parse(&parser, argc, argv, 0, NULL, &options);
    enum es_status status = es_card_read(options.common.file, &card, &error);
    if (status == ES_OK)
        status = show(card, &options, &error);
    es_card_free(card);
    return status == ES_OK ? CLI_DONE : cli_fail(status, &error);
}

const struct cli_command cli_device = {
    {"device", "a memory device's card: its curves under pulses, spread, drift", "echospice device models/reram-es.xml --plot reram-es.svg"},
    run,
};
