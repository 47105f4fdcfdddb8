// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
#include "netlist/cmos/cells.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

extern const char es_ota_text[], es_chopper_text[], es_preset_text[], es_gyrator_text[], es_gyrator_ground_text[], es_squarer_text[];
extern const unsigned es_ota_text_size, es_chopper_text_size, es_preset_text_size, es_gyrator_text_size, es_gyrator_ground_text_size, es_squarer_text_size;

static const struct source {
    const char *text;
    const unsigned *size;
} sources[] = {
    {es_ota_text, &es_ota_text_size},         {es_chopper_text, &es_chopper_text_size},
    {es_preset_text, &es_preset_text_size},   {es_gyrator_text, &es_gyrator_text_size},
    {es_gyrator_ground_text, &es_gyrator_ground_text_size}, {es_squarer_text, &es_squarer_text_size},
};
enum { CELLS = sizeof sources / sizeof *sources, WORDS = 32, TRANSISTORS = 64 };

static const double least_supply = 3; // [V] of five transistors on each other

struct reading {
    const struct es_process *process;
    const struct es_role *n, *p;
    struct es_cmos_report *report;
    struct es_error *error;
};

static size_t split(char *line, char *word[WORDS]) {
    char *rest = NULL;
    size_t count = 0;
    for (char *w = strtok_r(line, " ", &rest); w && count < WORDS; w = strtok_r(NULL, " ", &rest))
        word[count++] = w;
    return count;
}

// The number after "w=" or "l=".
static double parameter(char *const word[], size_t words, char letter) {
    for (size_t i = 0; i < words; i++)
        if (word[i][0] == letter && word[i][1] == '=')
            return strtod(word[i] + 2, NULL);
    return NAN;
}

// m<name> d g s b es_nfet|es_pfet w=W l=L ...
static enum es_status read_transistor(const struct reading *r, struct es_circuit *cell, char *const word[], size_t words) {
    assert(words >= 8);
    struct es_part *part = es_circuit_add(cell, ES_PART_DEVICE, "m", word[0] + 1, word[1], word[2], 0);
    part->c = word[3];
    part->d = word[4];
    part->process = r->process;
    part->role = strcmp(word[5], "es_nfet") == 0 ? r->n : r->p;
    const double length = parameter(word, words, 'l'), grown = fmax(1, es_process_device(r->process, part->role)->min_length / length);
    const struct es_process_size asked = {grown * parameter(word, words, 'w'), grown * length, 1};
    enum es_status status = es_process_fit(r->process, part->role, es_arena_printf(cell->arena, "%s %s", cell->title, word[0]), &asked, &part->size, r->error);
    assert(r->report->transistors < TRANSISTORS);
    r->report->transistor[r->report->transistors++] = (struct es_cmos_transistor){.cell = cell->title, .name = word[0], .role = part->role, .asked = length, .size = part->size};
    return status;
}

// x<name> nodes cell
static void read_instance(struct es_circuit *cell, char *const word[], size_t words) {
    struct es_part *part = es_circuit_add(cell, ES_PART_INSTANCE, "x", word[0] + 1, NULL, NULL, 0);
    part->of = word[words - 1];
    part->nodes = words - 2;
    part->node = ES_NEW(cell->arena, part->nodes, const char *);
    for (size_t i = 0; i < part->nodes; i++)
        part->node[i] = word[i + 1];
}

// .subckt name pins
static void read_title(struct es_circuit *cell, char *const word[], size_t words) {
    cell->title = word[1];
    cell->pins = words - 2;
    cell->pin = ES_NEW(cell->arena, cell->pins, const char *);
    for (size_t i = 0; i < cell->pins; i++)
        cell->pin[i] = word[i + 2];
}

static enum es_status read_cell(const struct reading *r, const struct source *source, struct es_circuit *cell) {
    char *text = ES_NEW(cell->arena, *source->size + 1, char), *rest = NULL, *word[WORDS];
    enum es_status status = ES_OK;
    memcpy(text, source->text, *source->size);
    for (char *line = strtok_r(text, "\n", &rest); line && status == ES_OK; line = strtok_r(NULL, "\n", &rest)) {
        if (*line == '*' && !cell->title) // what it is
            cell->head = es_arena_printf(cell->arena, "%s%s\n", cell->head ? cell->head : "", line);
        if (*line == '*')
            continue;
        size_t words = split(line, word);
        if (*word[0] == 'm')
            status = read_transistor(r, cell, word, words);
        else if (*word[0] == 'x')
            read_instance(cell, word, words);
        else if (strcmp(word[0], ".subckt") == 0)
            read_title(cell, word, words);
        else
            assert(strcmp(word[0], ".ends") == 0);
    }
    return status;
}

enum es_status es_cmos_cells(const struct es_process *process, struct es_arena *arena, struct cmos_cells *cells, struct es_cmos_report *report, struct es_error *error) {
    struct reading r = {.process = process, .report = report, .error = error};
    enum es_status status = ES_OK;
    if (!es_process_transistors(process, least_supply, &r.n, &r.p))
        return es_fail(error, ES_BAD_INPUT, "process %s: supply = %g V: the cells stack five transistors and take %g V at least; expected a process of 3.3 V, or devices nfet-io and pfet-io in %s", process->name,
                       process->supply, least_supply, process->file);
    *cells = (struct cmos_cells){.count = CELLS, .cell = ES_NEW(arena, CELLS, struct es_circuit *)};
    report->transistor = ES_NEW(arena, TRANSISTORS, struct es_cmos_transistor);
    for (size_t i = 0; i < CELLS && status == ES_OK; i++) {
        cells->cell[i] = ES_NEW(arena, 1, struct es_circuit);
        *cells->cell[i] = (struct es_circuit){.arena = arena};
        status = read_cell(&r, &sources[i], cells->cell[i]);
    }
    return status;
}

static const struct es_circuit *find(const struct cmos_cells *cells, const char *name) {
    for (size_t i = 0; i < cells->count; i++)
        if (strcmp(cells->cell[i]->title, name) == 0)
            return cells->cell[i];
    return NULL;
}

double es_cmos_cell_area(const struct cmos_cells *cells, const char *name) {
    const struct es_circuit *cell = find(cells, name);
    double area = 0;
    for (size_t i = 0; cell && i < cell->parts; i++) {
        const struct es_part *part = &cell->part[i];
        area += part->primitive == ES_PART_DEVICE ? part->size.width * part->size.length : es_cmos_cell_area(cells, part->of);
    }
    return area;
}

const struct es_part *es_cmos_transistor(const struct cmos_cells *cells, const char *cell_name, const char *name) {
    const struct es_circuit *cell = find(cells, cell_name);
    size_t i = 0;
    while (strcmp(cell->part[i].name, name) != 0)
        i++;
    return &cell->part[i];
}
