// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// What is shown of a device card: many devices of it, pulsed up and then down, and programmed and left alone.
#ifndef ES_CLI_DEVICE_H
#define ES_CLI_DEVICE_H

#include "cli/cli.h"
#include "device/device.h"

enum { CLI_SINGLES = 4, CLI_LEVELS = 3, CLI_TIMES = 6 };

struct cli_statistic {
    double mean, sd;
};

// w of all devices after some pulses.
struct cli_sample {
    size_t pulse;
    struct cli_statistic w;
    double single[CLI_SINGLES]; // what is read of the first devices
};

struct cli_device_report {
    const struct es_card *card;
    uint64_t seed;
    size_t devices, pulses;          // pulses of each direction; 0: none are shown
    size_t samples;                  // of one direction, without pulse 0
    struct cli_sample *curve[2];     // [samples + 1] up, then down
    struct cli_statistic up, down;   // |gain + d beta|, see device/card.h
    struct cli_statistic max, min;   // bounds of w
    size_t stuck;
    bool retention;                  // the card says something of it: then the rows below are filled
    struct cli_statistic programmed[CLI_LEVELS], kept[CLI_LEVELS][CLI_TIMES]; // g
};

extern const double cli_level[CLI_LEVELS]; // g at which devices are programmed

extern const struct cli_time {
    const char *name;
    double seconds;
} cli_time[CLI_TIMES];

size_t cli_directions(const struct cli_device_report *report); // of the curves: up, and down where the device moves so

// The unit in which retention is shown, "uS" or "g_max", and how many of it are in g = 1.
const char *cli_retention_unit(const struct es_card *card, double *scale);

void cli_device_text(const struct cli_device_report *report);
json_t *cli_device_json(const struct cli_device_report *report);
void cli_device_csv(const struct cli_device_report *report, FILE *csv);                                                  // the curves
enum es_status cli_device_plot(const struct cli_device_report *report, FILE *picture, struct es_error *error); // SVG, by gnuplot

#endif
