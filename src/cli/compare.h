// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// What is shown of a comparison. All of it follows from the comparison alone, in the order of its conditions.
#ifndef ES_CLI_COMPARE_H
#define ES_CLI_COMPARE_H

#include "cli/cli.h"
#include "store/comparison.h"

// "no device", or the card's file without folder and ending, and how it is used: "ecram-li+pair"; in `text`.
char *cli_device_name(const struct es_condition *condition, char text[64]);

// "no device (base)", "ecram-li", "beta = 0.1", or, with another device than the base's, "beta = 0.1, ecram-li"; in `text`.
char *cli_condition_name(const struct es_comparison *comparison, size_t condition, char text[192]);

// The measure's unit in this comparison.
const char *cli_measure_unit(const struct es_comparison *comparison, enum es_measure measure);

// Means over the seeds, with the sample's standard deviation behind +-; columns without a number are left out, and those that are too many for 80
// characters follow below. Then why trials failed.
void cli_compare_table(const struct es_comparison *comparison);

// One line for each trial.
void cli_compare_csv(const struct es_comparison *comparison, FILE *csv);

json_t *cli_compare_json(const struct es_comparison *comparison); // an array, one object for each condition

// PREFIX-conditions.svg: accuracy and cosine of every condition; PREFIX-curves.svg: the training loss under each device; PREFIX-KEY.svg: accuracy and
// cosine against each swept quantity. By gnuplot.
enum es_status cli_compare_plot(const struct es_comparison *comparison, const char *title, const char *prefix, struct es_error *error);

// Whether it will be able to: there is gnuplot, and files can be written there.
enum es_status cli_compare_plot_ready(const char *prefix, struct es_error *error);

#endif
