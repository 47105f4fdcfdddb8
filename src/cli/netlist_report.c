// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
#include "cli/netlist.h"

#include <math.h>
#include <stdlib.h>

static const struct es_element *element_of(const struct cli_making *making, const struct es_made *made) {
    return &making->sizing.net->element[made->element];
}

static const struct es_quantity *quantity_of(const struct cli_making *making, const struct es_made *made) {
    return &element_of(making, made)->kind->quantity[made->quantity];
}

static double error_of(const struct es_made *made) {
    return made->made == made->asked ? 0 : made->made / made->asked - 1;
}

static void put_number(FILE *file, double x) {
    if (isfinite(x))
        fprintf(file, "%.17g", x);
    fputc(',', file);
}

char *cli_making_csv(const struct cli_subject *s, const struct cli_making *making) {
    char *text = NULL;
    size_t size = 0;
    FILE *file = open_memstream(&text, &size);
    (void)s;
    if (!file)
        return NULL;
    fputs("element,quantity,unit,asked,made,error,code,device,width,length,multiplier,copies,bias,sigma,lacking\n", file);
    for (size_t i = 0; i < making->sizing.count; i++) {
        const struct es_made *made = &making->sizing.made[i];
        const struct es_quantity *q = quantity_of(making, made);
        fprintf(file, "%s,%s,%s,%.17g,%.17g,%.17g,", element_of(making, made)->name, q->name, q->unit, made->asked, made->made, error_of(made));
        fprintf(file, made->programmed ? "%ld," : ",", made->code);
        if (made->role)
            fprintf(file, "%s,%.17g,%.17g,%zu,%zu,", made->role->row.name, made->size.width, made->size.length, made->size.multiplier, made->copies);
        else
            fputs(",,,,,", file);
        put_number(file, made->bias);
        put_number(file, made->sigma);
        fprintf(file, "%s\n", made->lacking ? made->lacking : "");
    }
    fclose(file);
    return text;
}

static double accuracy(const struct es_evaluation *e) {
    return e->judged ? (double)e->right / (double)e->samples : NAN;
}

static json_t *json_evaluation(const struct es_evaluation *e) {
    return json_pack("{s:o, s:o, s:I}", "accuracy", cli_real(accuracy(e)), "loss", cli_real(e->loss), "samples", (json_int_t)e->samples);
}

static json_t *json_values(const struct cli_making *making) {
    const struct es_sizing *sizing = &making->sizing;
    json_t *values = json_array();
    for (size_t i = 0; i < sizing->count && making->sized; i++) {
        const struct es_made *made = &sizing->made[i];
        const struct es_quantity *q = quantity_of(making, made);
        json_t *value = json_pack("{s:s, s:s, s:s, s:f, s:f, s:o, s:s?}", "element", element_of(making, made)->name, "quantity", q->name, "unit", q->unit, "asked", made->asked, "made",
                                  made->made, "sigma", cli_real(made->sigma), "lacking", made->lacking);
        if (isfinite(made->bias))
            json_object_set_new(value, "bias", json_real(made->bias));
        if (made->programmed)
            json_object_set_new(value, "code", json_integer((json_int_t)made->code));
        if (made->role)
            json_object_set_new(value, "device", json_pack("{s:s, s:f, s:f, s:I, s:I}", "role", made->role->row.name, "width", made->size.width, "length", made->size.length, "multiplier",
                                                           (json_int_t)made->size.multiplier, "copies", (json_int_t)made->copies));
        json_array_append_new(values, value);
    }
    return values;
}

// What all corners have.
static void put_sizes(json_t *object, const struct cli_making *making) {
    if (making->sized && making->process && !making->cmos) {
        json_object_set_new(object, "area", cli_real(es_sizing_area(&making->sizing)));
        json_object_set_new(object, "power", cli_real(es_sizing_power(&making->sizing, making->process)));
        json_object_set_new(object, "noise", cli_real(making->spread.noise));
        json_object_set_new(object, "slowest_mode", json_pack("{s:o, s:o}", "frequency", cli_real(making->spread.slowest / (2 * M_PI)), "sigma", cli_real(making->spread.slowest_sigma)));
        json_object_set_new(object, "fastest_mode", json_pack("{s:o, s:o}", "frequency", cli_real(making->spread.fastest / (2 * M_PI)), "sigma", cli_real(making->spread.fastest_sigma)));
    }
    json_object_set_new(object, "values", json_values(making));
    if (making->before.samples)
        json_object_set_new(object, "evaluation", json_pack("{s:o, s:o}", "before", json_evaluation(&making->before), "after", json_evaluation(&making->after)));
}

void cli_making_json(const struct cli_subject *s, const struct cli_making *making, size_t count, bool list) {
    const char *technology = s->technology ? s->technology->row.name : "as the file says";
    json_t *corners = json_array();
    for (size_t i = 0; i < count; i++) {
        json_t *object = json_pack("{s:s, s:s, s:I, s:s?}", "dialect", making[i].dialect->row.name, "technology", technology, "cells", (json_int_t)making[i].cells, "file", making[i].path);
        if (making[i].corner)
            json_object_set_new(object, "corner", json_string(making[i].corner));
        if (making[i].cmos)
            json_object_set_new(object, "cmos", cli_cmos_json(making[i].cmos));
        json_array_append_new(corners, object);
    }
    json_t *whole = list ? json_pack("{s:O}", "corners", corners) : json_incref(json_array_get(corners, 0));
    json_decref(corners);
    put_sizes(whole, making);
    cli_print_json(whole);
}

static void print_value(const struct cli_making *making, const struct es_made *made) {
    const struct es_quantity *q = quantity_of(making, made);
    char asked[32], became[32];
    printf("  %-24s %-12s %10s -> %-10s %+9.2g %%  ", element_of(making, made)->name, q->name, cli_si(made->asked, q->unit, asked), cli_si(made->made, q->unit, became), 100 * error_of(made));
    if (made->programmed)
        printf("code %ld", made->code);
    else if (made->role)
        printf("%s%.4g x %.4g um%s", made->copies > 1 ? "each " : "", made->size.width * 1e6, made->size.length * 1e6, "");
    if (made->role && made->size.multiplier > 1)
        printf(", %zu in parallel", made->size.multiplier);
    if (made->lacking)
        printf("does not fit: %s", made->lacking);
    puts("");
}

static int by_error(const void *a, const void *b) {
    double x = fabs(error_of(*(const struct es_made *const *)a)), y = fabs(error_of(*(const struct es_made *const *)b));
    return (x < y) - (x > y);
}

// The values that are farthest from what was asked, and those that do not fit.
static void print_values(const struct cli_making *making, struct es_arena *arena) {
    enum { SHOWN = 8 };
    const struct es_sizing *sizing = &making->sizing;
    const struct es_made **list = ES_NEW(arena, sizing->count + 1, const struct es_made *);
    size_t rounded = 0, lacking = 0;
    for (size_t i = 0; i < sizing->count; i++) {
        const struct es_made *made = &sizing->made[i];
        if (made->programmed || made->role)
            list[rounded++] = made;
        if (made->lacking && lacking++ < SHOWN)
            print_value(making, made);
    }
    if (lacking > SHOWN)
        printf("  ... and %zu more that do not fit\n", lacking - SHOWN);
    if (!rounded)
        return;
    qsort(list, rounded, sizeof *list, by_error);
    printf("  %zu values are rounded, half of them by less than %.2g %%; the farthest:\n", rounded, 100 * fabs(error_of(list[rounded / 2])));
    for (size_t i = 0; i < rounded && i < SHOWN; i++)
        print_value(making, list[i]);
}

static void print_mode(const char *name, double omega, double sigma) {
    char frequency[32];
    if (isfinite(omega) && isfinite(sigma))
        printf("  %s mode %s, +- %.2g %% by mismatch (one standard deviation)\n", name, cli_si(omega / (2 * M_PI), "Hz", frequency), 100 * sigma);
}

static void print_power(const struct cli_making *making) {
    char power[32], noise[32];
    double watt = es_sizing_power(&making->sizing, making->process);
    if (isfinite(watt))
        printf("  %s of the transconductors that fit, %d times their biases from %g V\n", cli_si(watt, "W", power), ES_TRANSCONDUCTOR_DRAW, making->process->supply);
    else
        puts("  no power is known: the process has no transconductors that were measured");
    if (isfinite(making->spread.noise))
        printf("  noise of the nodes up to %s rms at %d K (k T / C; transconductors add theirs)\n", cli_si(making->spread.noise, "V", noise), ES_SIZING_TEMPERATURE);
}

static void print_evaluation(const char *name, const struct es_evaluation *e) {
    printf("  %s: ", name);
    if (e->judged)
        printf("%zu of %zu right (%.3f), ", e->right, e->samples, accuracy(e));
    printf("loss %.4g over %zu samples\n", e->loss, e->samples);
}

static void print_file(const struct cli_making *making) {
    if (making->cells)
        printf("%s: %zu cells in the dialect %s", making->path, making->cells, making->dialect->row.name);
    else
        printf("%s: proves itself by ngspice -b %s", making->path, making->path);
    printf("%s%s\n", making->corner ? ", corner " : "", making->corner ? making->corner : "");
    if (making->cmos)
        cli_cmos_print(making);
}

void cli_making_print(const struct cli_subject *s, const struct cli_making *making, size_t count) {
    if (!making->path) {
        fputs(making->text, stdout);
        return;
    }
    for (size_t i = 0; i < count; i++)
        print_file(&making[i]);
    if (!making->sized)
        return;
    if (!making->cmos)
        printf("%s: what each value became\n", making->table);
    print_values(making, s->arena);
    if (making->process && !making->cmos)
        printf("  %s: %.4g um2 of capacitors and resistors; transconductors, conveyors and inductors are ideal here, and not counted\n", making->process->name,
               es_sizing_area(&making->sizing) * 1e12);
    if (making->process && !making->cmos)
        print_power(making);
    print_mode("slowest", making->spread.slowest, making->spread.slowest_sigma);
    print_mode("fastest", making->spread.fastest, making->spread.fastest_sigma);
    if (making->before.samples) {
        print_evaluation("as trained", &making->before);
        print_evaluation("as rounded", &making->after);
    }
}
