// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
#include "cli/device.h"

#include <math.h>

enum { ROWS = 10 };

size_t cli_directions(const struct cli_device_report *r) {
    return r->card->one_sided ? 1 : 2;
}

const char *cli_retention_unit(const struct es_card *card, double *scale) {
    *scale = card->g_max > 0 ? 1e6 * card->g_max : 1;
    return card->g_max > 0 ? "uS" : "g_max";
}

static void print_curve(const struct cli_device_report *r) {
    bool both = cli_directions(r) == 2;
    printf("\npulses from the lowest value up%s, weight w over %zu devices:\n  %8s %10s %10s%s\n", both ? ", then as many down" : "", r->devices, "pulses", "up: mean",
           "sd", both ? "  down: mean         sd" : "");
    size_t rows = r->samples < ROWS ? r->samples : ROWS;
    for (size_t i = 0; i <= rows; i++) {
        const struct cli_sample *up = &r->curve[0][r->samples * i / rows], *down = &r->curve[1][r->samples * i / rows];
        printf("  %8zu %10.4f %10.4f", up->pulse, up->w.mean, up->w.sd);
        if (both)
            printf("  %10.4f %10.4f", down->w.mean, down->w.sd);
        puts("");
    }
}

static void print_noise(const struct es_card *card) {
    printf("noise:\n  of each pulse  %.3g of %s", card->cycle, card->multiplicative ? "its own size" : "the step");
    if (card->constant > 0 || card->slope > 0)
        printf(", and %.3g + %.3g |w|", card->cycle * card->constant, card->cycle * card->slope);
    printf("\n  of what is read after writing  %.3g in w\n", card->write * card->step);
}

static void print_spread(const struct cli_device_report *r) {
    const struct es_card *card = r->card;
    printf("\ndevice to device, mean and standard deviation over %zu devices:\n", r->devices);
    if (card->step > 0) {
        printf("  dw_min up      %.4g +- %.2g\n", card->step * r->up.mean, card->step * r->up.sd);
        if (cli_directions(r) == 2)
            printf("  dw_min down    %.4g +- %.2g\n", card->step * r->down.mean, card->step * r->down.sd);
    }
    printf("  bounds of w    %.4g +- %.2g .. %.4g +- %.2g\n", r->min.mean, r->min.sd, r->max.mean, r->max.sd);
    if (card->stuck > 0)
        printf("  stuck          %zu of %zu\n", r->stuck, r->devices);
    if (card->step > 0)
        print_noise(card);
    if (card->lifetime > 0)
        printf("leak: w falls by 1/%g at each update\n", card->lifetime);
    if (isfinite(card->energy))
        printf("energy: %.3g J a pulse\n", card->energy);
}

static void print_retention(const struct cli_device_report *r) {
    double scale;
    const char *unit = cli_retention_unit(r->card, &scale);
    printf("\nconductance in %s over %zu devices, programmed and then left alone, mean +- standard deviation:\n  %-12s %-16s", unit, r->devices, "asked", "programmed");
    for (size_t t = 0; t < CLI_TIMES; t++)
        printf(" after %-9s", cli_time[t].name);
    puts("");
    for (size_t i = 0; i < CLI_LEVELS; i++) {
        printf("  %-12.4g %6.3f +- %-6.3f", scale * cli_level[i], scale * r->programmed[i].mean, scale * r->programmed[i].sd);
        for (size_t t = 0; t < CLI_TIMES; t++)
            printf(" %6.3f+-%-6.3f", scale * r->kept[i][t].mean, scale * r->kept[i][t].sd);
        puts("");
    }
}

void cli_device_text(const struct cli_device_report *r) {
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
    if (r->retention)
        print_retention(r);
}

static json_t *json_statistic(struct cli_statistic s, double scale) {
    return json_pack("{s:o, s:o}", "mean", cli_real(scale * s.mean), "sd", cli_real(scale * s.sd));
}

static json_t *json_curve(const struct cli_device_report *r, size_t direction) {
    json_t *array = json_array();
    for (size_t s = 0; s <= r->samples; s++) {
        const struct cli_sample *sample = &r->curve[direction][s];
        json_t *row = json_statistic(sample->w, 1);
        json_object_set_new(row, "pulse", json_integer((json_int_t)sample->pulse));
        json_array_append_new(array, row);
    }
    return array;
}

static json_t *json_retention(const struct cli_device_report *r, double scale) {
    json_t *array = json_array();
    for (size_t i = 0; i < CLI_LEVELS; i++) {
        json_t *after = json_array();
        for (size_t t = 0; t < CLI_TIMES; t++) {
            json_t *row = json_statistic(r->kept[i][t], scale);
            json_object_set_new(row, "seconds", json_real(cli_time[t].seconds));
            json_array_append_new(after, row);
        }
        json_array_append_new(array, json_pack("{s:o, s:o, s:o}", "asked", cli_real(scale * cli_level[i]), "programmed", json_statistic(r->programmed[i], scale), "after",
                                               after));
    }
    return array;
}

json_t *cli_device_json(const struct cli_device_report *r) {
    const struct es_card *card = r->card;
    json_t *object = json_pack("{s:s, s:s, s:I, s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:I}", "device", card->name, "model", card->model->row.name, "devices",
                               (json_int_t)r->devices, "pulses", (json_int_t)r->pulses, "pulse_in_the_middle", cli_real(es_card_unit(card)), "w_max",
                               json_statistic(r->max, 1), "w_min", json_statistic(r->min, 1), "write_noise", cli_real(card->write * card->step), "gain_up",
                               json_statistic(r->up, 1), "gain_down", json_statistic(r->down, 1), "stuck", (json_int_t)r->stuck);
    if (r->pulses)
        json_object_set_new(object, "up", json_curve(r, 0));
    if (r->pulses && cli_directions(r) == 2)
        json_object_set_new(object, "down", json_curve(r, 1));
    if (r->retention) {
        bool siemens = card->g_max > 0;
        json_object_set_new(object, "retention", json_retention(r, siemens ? card->g_max : 1));
        json_object_set_new(object, "retention_unit", json_string(siemens ? "S" : "g_max"));
    }
    return object;
}

void cli_device_csv(const struct cli_device_report *r, FILE *csv) {
    size_t singles = r->devices < CLI_SINGLES ? r->devices : CLI_SINGLES;
    fputs("direction,pulse,mean,sd", csv);
    for (size_t k = 0; k < singles; k++)
        fprintf(csv, ",read_%zu", k + 1);
    fputs("\n", csv);
    for (size_t i = 0; i < cli_directions(r) && r->pulses; i++)
        for (size_t s = 0; s <= r->samples; s++) {
            const struct cli_sample *sample = &r->curve[i][s];
            fprintf(csv, "%s,%zu,%.17g,%.17g", i ? "down" : "up", sample->pulse, sample->w.mean, sample->w.sd);
            for (size_t k = 0; k < singles; k++)
                fprintf(csv, ",%.17g", sample->single[k]);
            fputs("\n", csv);
        }
}
