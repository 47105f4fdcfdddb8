// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
#include "netlist/spice.h"

#include <string.h>

static void write_waveform(FILE *stream, const struct es_part *part) {
    switch (part->waveform) {
    case ES_WAVE_CONSTANT:
        fprintf(stream, "%.17g\n", part->value);
        break;
    case ES_WAVE_EXTERNAL: // with `dc` before it ngspice 39.3 crashes
        fprintf(stream, "external\n");
        break;
    case ES_WAVE_POINTS:
        fprintf(stream, "pwl(\n");
        for (size_t i = 0; i < part->points; i++)
            fprintf(stream, "+ %.17g %.17g\n", part->time[i], part->level[i]);
        fprintf(stream, "+ )\n");
        break;
    }
}

// A line of the process's form, without an initial voltage where it is no capacitor of the simulator's own.
static enum es_status device_line(const struct es_part *part, enum es_flavour flavour, struct es_arena *arena, const char **line, struct es_error *error) {
    const char *const node[] = {part->p, part->n, part->c, part->d};
    return es_process_line(part->process, part->role, flavour, es_arena_printf(arena, "%s_%s", part->prefix, part->name), node, &part->size, arena, line, error);
}

// An instance of a subcircuit without a multiplier.
static void write_single(FILE *stream, const char *line) {
    const char *parameter = strchr(line, '='), *multiplier = strstr(line, " m=1");
    while (parameter && *parameter != ' ')
        parameter--;
    int end = (int)((multiplier ? multiplier : strchr(line, '\0')) - line), model = parameter ? (int)(parameter - line) : end;
    fprintf(stream, "%.*s%s%.*s%s\n", model, line, model < end ? " PARAMS:" : "", end - model, line + model, multiplier ? multiplier + strlen(" m=1") : "");
}

static void write_device(FILE *stream, const struct es_part *part, enum es_flavour flavour, const struct es_spice *spice) {
    struct es_arena *arena = es_arena_new();
    struct es_part one = *part;
    const char *line = "";
    (void)device_line(part, flavour, arena, &line, NULL); // has been checked
    bool unrolls = spice->unrolls && *line == 'X';
    one.size.multiplier = unrolls ? 1 : part->size.multiplier;
    for (size_t i = 1; unrolls && i <= part->size.multiplier; i++) {
        one.name = part->size.multiplier > 1 ? es_arena_printf(arena, "%s_%zu", part->name, i) : part->name;
        (void)device_line(&one, flavour, arena, &line, NULL);
        write_single(stream, line);
    }
    if (!unrolls) {
        fputs(line, stream);
        if (es_part_keeps_start(part) && flavour == ES_FLAVOUR_SIM)
            fprintf(stream, " ic=%.17g", part->initial);
        fputc('\n', stream);
    }
    es_arena_free(arena);
}

static void write_instance(FILE *stream, const struct es_part *part) {
    size_t column = (size_t)fprintf(stream, "%s_%s", part->prefix, part->name);
    for (size_t i = 0; i < part->nodes; i++)
        es_put_word(stream, &column, "+", "%s", part->node[i]);
    es_put_word(stream, &column, "+", "%s", part->of);
    if (part->text)
        es_put_word(stream, &column, "+", "%s", part->text);
    fputc('\n', stream);
}

static void write_part(FILE *stream, const struct es_part *part, enum es_flavour flavour, const struct es_spice *spice) {
    if (part->primitive == ES_PART_GUESS) {
        fprintf(stream, ".nodeset v(%s)=%.17g\n", part->p, part->value);
        return;
    }
    if (part->primitive == ES_PART_DEVICE) {
        write_device(stream, part, flavour, spice);
        return;
    }
    if (part->primitive == ES_PART_INSTANCE) {
        write_instance(stream, part);
        return;
    }
    fprintf(stream, "%s_%s ", part->prefix, part->name);
    if (part->primitive != ES_PART_COUPLING)
        fprintf(stream, "%s %s ", part->p, part->n);
    switch (part->primitive) {
    case ES_PART_RESISTOR:
    case ES_PART_CURRENT:
        fprintf(stream, "%.17g\n", part->value);
        break;
    case ES_PART_CAPACITOR:
    case ES_PART_INDUCTOR:
        fprintf(stream, "%.17g ic=%.17g\n", part->value, part->initial);
        break;
    case ES_PART_COUPLING:
        fprintf(stream, "%s %s %.17g\n", part->of, part->with, part->value);
        break;
    case ES_PART_VCCS:
    case ES_PART_VCVS:
        fprintf(stream, "%s %s %.17g\n", part->c, part->d, part->value);
        break;
    case ES_PART_CCCS:
        fprintf(stream, "%s %.17g\n", part->of, part->value);
        break;
    case ES_PART_VOLTAGE:
        write_waveform(stream, part);
        break;
    case ES_PART_FUNCTION:
        fprintf(stream, spice->function, part->text);
        break;
    case ES_PART_DIODE:
        fprintf(stream, "m_%s\n.model m_%s d(is=%.17g n=%.17g)\n", part->name, part->name, part->value, part->initial / spice->thermal);
        break;
    case ES_PART_INSTANCE:
    case ES_PART_DEVICE:
    case ES_PART_GUESS:
        break;
    }
}

static void write_cell(FILE *stream, const struct es_circuit *cell, enum es_flavour flavour, const struct es_spice *spice) {
    fputs(cell->head ? cell->head : "", stream);
    size_t column = (size_t)fprintf(stream, ".subckt %s", cell->title);
    for (size_t i = 0; i < cell->pins; i++)
        es_put_word(stream, &column, "+", "%s", cell->pin[i]);
    column = (size_t)fprintf(stream, "\n*.PININFO") - 1;
    for (size_t i = 0; i < cell->pins; i++)
        es_put_word(stream, &column, "*.PININFO", "%s:B", cell->pin[i]);
    fprintf(stream, "\n");
    for (size_t i = 0; i < cell->parts; i++)
        write_part(stream, &cell->part[i], flavour, spice);
    fprintf(stream, ".ends %s\n", cell->title);
}

// What the dialect lacks for this part, or NULL.
static const char *lacks(const struct es_part *part, const struct es_spice *spice) {
    return part->primitive == ES_PART_FUNCTION && !spice->function                              ? "behavioural source"
           : part->primitive == ES_PART_VOLTAGE && part->waveform == ES_WAVE_EXTERNAL && !spice->external ? "source that the running program drives"
           : part->primitive == ES_PART_GUESS && !spice->guess                                  ? "first guess of a node's voltage"
                                                                                                : NULL;
}

static enum es_status check(const struct es_circuit *circuit, const struct es_spice *spice, struct es_error *error) {
    enum es_status status = ES_OK;
    const size_t parts = circuit->flavour == ES_FLAVOUR_LVS ? 0 : circuit->parts; // what stands around cells is not written
    for (size_t i = 0; i < parts && status == ES_OK; i++)
        if (lacks(&circuit->part[i], spice))
            status = es_fail(error, ES_BAD_INPUT, "--dialect %s: %s_%s is a %s, which %s has not; take the dialect ngspice", spice->dialect->row.name, circuit->part[i].prefix,
                             circuit->part[i].name, lacks(&circuit->part[i], spice), spice->dialect->row.name);
    for (size_t i = 0; i < parts && status == ES_OK; i++)
        if (circuit->part[i].primitive == ES_PART_DEVICE) {
            struct es_arena *arena = es_arena_new();
            const char *line;
            status = device_line(&circuit->part[i], ES_FLAVOUR_SIM, arena, &line, error);
            es_arena_free(arena);
        }
    for (size_t i = 0; i < circuit->cells && status == ES_OK; i++)
        status = check(circuit->cell[i], spice, error);
    return status;
}

void es_spice_shown(FILE *stream, const char *line, const struct es_circuit *circuit) {
    size_t column = (size_t)fprintf(stream, "%s", line);
    for (size_t i = 0; i < circuit->shows; i++)
        es_put_word(stream, &column, "+", "v(%s)", circuit->shown[i]);
    fputc('\n', stream);
}

// Where voltages begin that no part says; names of instances and nodes are joined by '.' in `start`.
static void write_starts(FILE *stream, const struct es_circuit *circuit, char path) {
    for (size_t i = 0; i < circuit->starts; i++) {
        fprintf(stream, ".ic v(");
        for (const char *c = circuit->start[i].name; *c; c++)
            fputc(*c == '.' ? path : *c, stream);
        fprintf(stream, ")=%.17g\n", circuit->start[i].start);
    }
}

enum es_status es_spice_write(FILE *stream, const struct es_circuit *circuit, const struct es_spice *spice, struct es_error *error) {
    enum es_status status = check(circuit, spice, error);
    bool cells = circuit->flavour == ES_FLAVOUR_LVS;
    const char *name = spice->dialect->row.name;
    if (cells && !spice->layouts)
        status = es_fail(error, ES_BAD_INPUT, "--dialect %s: it is there to simulate; for layouts take --dialect ngspice or cdl", name);
    if (status == ES_OK && circuit->starts && !cells && !spice->path)
        status = es_fail(error, ES_BAD_INPUT, "--dialect %s: %s begins at %g V, on capacitors that are subcircuits, and %s has no .ic; take the dialect ngspice", name, circuit->start[0].name, circuit->start[0].start, name);
    if (status != ES_OK)
        return status;
    fprintf(stream, "%s%s\n%s", cells ? "* " : "", circuit->title, circuit->head ? circuit->head : "");
    if (!cells)
        spice->options(stream, &circuit->analysis);
    for (size_t i = 0; i < circuit->cells; i++)
        write_cell(stream, circuit->cell[i], circuit->flavour, spice);
    for (size_t i = 0; i < circuit->parts && !cells; i++)
        write_part(stream, &circuit->part[i], circuit->flavour, spice);
    if (!cells) {
        write_starts(stream, circuit, spice->path);
        spice->analysis(stream, circuit);
        fprintf(stream, ".end\n");
    }
    return ES_OK;
}
