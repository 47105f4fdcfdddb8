// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// What a device card says, shown: many devices of it pulsed up and down, and programmed and left alone.
#include "cli/device.h"

#include "xml/xml.h"

#include <gsl/gsl_statistics_double.h>
#include <math.h>
#include <stdio.h>

enum { SAMPLES = 100, MOST = 1000000, MOST_DEFAULT = 100000 };

const double cli_level[CLI_LEVELS] = {0.1, 0.5, 1};

const struct cli_time cli_time[CLI_TIMES] = {{"1 s", 1}, {"1 min", 60}, {"1 h", 3600}, {"1 day", 86400}, {"30 days", 30 * 86400.}, {"1 year", 365.25 * 86400}};

struct options {
    struct cli_options common;
    size_t pulses, devices;
    const char *plot, *csv;
};

enum { KEY_PULSES = CLI_OWN, KEY_DEVICES, KEY_PLOT, KEY_CSV };

static const struct argp_option option_list[] = {
    {"pulses", KEY_PULSES, "N", 0, "up, and then down; default as many as lead across the window from its middle, at least 20, or those of the card's table", 0},
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
    "standard deviation, as the devices hold it; single devices as they are read), their spread, and, where the card knows of it, the noise of "
    "programming and what is left after a second to a year.\v"
    "Example: echospice device models/reram-es.xml --plot reram-es.svg\n"
    "Example: echospice device models/pcm.xml --devices 1000 --pulses 20 --json\n"
    "The cards' format: models/device.rng; what models there are: echospice list devices.",
    NULL, NULL, NULL,
};

static struct cli_statistic statistic_of(size_t n, const double *x) {
    double mean = gsl_stats_mean(x, 1, n);
    return (struct cli_statistic){mean, gsl_stats_sd_m(x, 1, n, mean)};
}

// All devices in one direction from where they stand: w [devices].
static void pulse_devices(struct cli_device_report *r, const struct es_device *device, int d, double *w) {
    const struct es_card *card = r->card;
    struct cli_sample *curve = r->curve[d < 0];
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
        for (size_t k = 0; k < CLI_SINGLES && k < r->devices; k++) {
            struct es_stream noise = {.seed = r->seed, .purpose = ES_RANDOM_WRITE, .id = k, .update = d < 0, .step = s};
            curve[s].single[k] = w[k] + card->write * card->step * es_random_normal(&noise);
        }
    }
}

static void pulse_all(struct cli_device_report *r, const struct es_device *device, struct es_arena *arena) {
    double *w = ES_NEW(arena, r->devices, double);
    r->samples = r->pulses < SAMPLES ? r->pulses : SAMPLES;
    for (size_t i = 0; i < 2; i++)
        r->curve[i] = ES_NEW(arena, r->samples + 1, struct cli_sample);
    for (size_t k = 0; k < r->devices; k++)
        w[k] = es_device_place(r->card, &device[k], device[k].min);
    pulse_devices(r, device, +1, w);
    if (!r->card->one_sided)
        pulse_devices(r, device, -1, w);
}

static void spread_of(struct cli_device_report *r, const struct es_device *device, struct es_arena *arena) {
    double *up = ES_NEW(arena, r->devices, double), *down = ES_NEW(arena, r->devices, double);
    double *max = ES_NEW(arena, r->devices, double), *min = ES_NEW(arena, r->devices, double);
    for (size_t k = 0; k < r->devices; k++) {
        up[k] = device[k].gain[ES_UP];
        down[k] = device[k].gain[ES_DOWN];
        max[k] = device[k].max;
        min[k] = device[k].min;
        r->stuck += device[k].stuck;
    }
    r->up = statistic_of(r->devices, up);
    r->down = statistic_of(r->devices, down);
    r->max = statistic_of(r->devices, max);
    r->min = statistic_of(r->devices, min);
}

// Devices programmed to one level and read at each time.
static void keep_level(struct cli_device_report *r, size_t level, struct es_arena *arena) {
    const struct es_card *card = r->card;
    double *g = ES_NEW(arena, r->devices, double), *read = ES_NEW(arena, r->devices, double);
    for (size_t k = 0; k < r->devices; k++) {
        struct es_stream noise = {.seed = r->seed, .purpose = ES_RANDOM_PROGRAM, .id = k, .sample = level};
        g[k] = fmax(cli_level[level] + es_card_programming(card, cli_level[level]) * es_random_normal(&noise), 0);
    }
    r->programmed[level] = statistic_of(r->devices, g);
    for (size_t t = 0; t < CLI_TIMES; t++) {
        for (size_t k = 0; k < r->devices; k++) {
            struct es_stream noise = {.seed = r->seed, .purpose = ES_RANDOM_PROGRAM, .id = k, .sample = level, .update = 1};
            read[k] = es_card_left(card, g[k], cli_time[t].seconds, &noise);
        }
        r->kept[level][t] = statistic_of(r->devices, read);
    }
}

static void fill(struct cli_device_report *r, struct es_arena *arena) {
    struct es_device *device = ES_NEW(arena, r->devices, struct es_device);
    for (size_t k = 0; k < r->devices; k++)
        device[k] = es_device_draw(r->card, r->seed, k);
    spread_of(r, device, arena);
    if (r->pulses)
        pulse_all(r, device, arena);
    for (size_t i = 0; i < CLI_LEVELS && r->retention; i++)
        keep_level(r, i, arena);
}

static enum es_status write_files(const struct cli_device_report *r, const struct options *options, struct es_error *error) {
    struct cli_output csv = {.file = NULL}, svg = {.file = NULL};
    enum es_status status = options->csv ? cli_output_open(&csv, options->csv, error) : ES_OK;
    if (status == ES_OK && options->plot)
        status = cli_output_open(&svg, options->plot, error);
    if (status == ES_OK && options->csv)
        cli_device_csv(r, csv.file);
    if (status == ES_OK && options->plot)
        status = cli_device_plot(r, svg.file, error);
    enum es_status csv_closed = cli_output_close(&csv, status == ES_OK, error), svg_closed = cli_output_close(&svg, status == ES_OK, error);
    return status != ES_OK ? status : csv_closed != ES_OK ? csv_closed : svg_closed;
}

// As many pulses as lead across the window from its middle, or those of the card's table.
static size_t pulses_across(const struct es_card *card) {
    double unit = es_card_unit(card);
    if (!(unit > 0))
        return 0;
    double across = card->points ? card->pulse[card->points - 1] : fmax(ceil((card->max - card->min) / unit - 1e-9), 20);
    return (size_t)fmin(fmax(across, 1), MOST_DEFAULT);
}

static enum es_status show(const struct es_card *card, const struct options *options, struct es_error *error) {
    size_t across = pulses_across(card);
    struct cli_device_report r = {
        .card = card,
        .seed = options->common.seeded ? options->common.seed : 1,
        .devices = options->devices ? options->devices : 100,
        .pulses = across && options->pulses ? options->pulses : across,
        .retention = es_card_ages(card) || es_card_programming(card, 0) > 0,
    };
    if (options->plot && !r.pulses && !r.retention)
        return es_fail(error, ES_BAD_INPUT, "--plot: %s takes any value without pulses, so there is nothing to draw", card->name);
    struct es_arena *arena = es_arena_new();
    fill(&r, arena);
    enum es_status status = write_files(&r, options, error);
    if (status == ES_OK && options->common.json)
        cli_print_json(cli_device_json(&r));
    else if (status == ES_OK)
        cli_device_text(&r);
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
