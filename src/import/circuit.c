// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
#include "import/circuit.h"

#include "import/form.h"

#include <math.h>
#include <search.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum es_status es_import_refuse(const struct es_circuit_import *c, const struct es_import_part *part, const char *format, ...) {
    char sentence[640];
    va_list args;
    va_start(args, format);
    vsnprintf(sentence, sizeof sentence, format, args);
    va_end(args);
    return es_fail(c->error, ES_BAD_INPUT, "%.200s:%d: \"%.100s\" %s", part->line->at.file, part->line->at.line, part->flat->name, sentence);
}

void es_import_note(struct es_circuit_import *c, struct es_spice_place at, const char *text) {
    struct es_import *import = c->import;
    if (import->notes == c->note_room) {
        struct es_spice_note *old = import->note;
        c->note_room = 2 * c->note_room + 64;
        import->note = ES_NEW(c->arena, c->note_room, struct es_spice_note);
        if (old)
            memcpy(import->note, old, import->notes * sizeof *old);
    }
    import->note[import->notes++] = (struct es_spice_note){at, text};
}

double es_import_round(double x) {
    char text[32];
    snprintf(text, sizeof text, "%.14e", x);
    return strtod(text, NULL);
}

// ---- from ngspice ----------------------------------------------------------------------------------------------------

// ngspice names no line that is ours, but what it does not understand: "Undefined parameter [x]"; or the element.
static enum es_status explain(const struct es_circuit_import *c, const char *path) {
    char word[ES_SPICE_WORD + 1] = "";
    const char *open = strchr(c->error->text, '['), *colon = strstr(c->error->text, "err: "), *said = strstr(c->error->text, ": ");
    if (open)
        snprintf(word, sizeof word, "%.*s", (int)strcspn(open + 1, "]"), open + 1);
    else if (colon)
        snprintf(word, sizeof word, "%.*s", (int)strcspn(colon + 5, "}"), colon + 5);
    const struct es_spice_line *line = es_spice_holds(c->spice, word);
    bool times = !line && *word && c->spice->tran && strstr(c->spice->tran, word);
    for (const char *next = said; next && !line && !times; next = strchr(next + 1, ' ')) {
        snprintf(word, sizeof word, "%.*s", (int)strcspn(next + 1, " :,"), next + 1);
        line = *word ? es_spice_find(c->spice, word) : NULL;
    }
    char text[sizeof c->error->text];
    strcpy(text, c->error->text);
    if (line || times) {
        const struct es_spice_place *at = line ? &line->at : &c->spice->tran_at;
        return es_fail(c->error, ES_BAD_INPUT, "%.200s:%d: %.700s", at->file, at->line, text);
    }
    return es_fail(c->error, ES_BAD_INPUT, "%.200s: %.700s; try it with ngspice -b, which may name the line", path, text);
}

// Lines for ngspice; the times of .tran are the capacitances of parts of our own between ground and ground.
static enum es_status expand(struct es_circuit_import *c, const char *path, struct es_flat_part **flat, size_t *parts) {
    const struct es_spice *spice = c->spice;
    const char **line = ES_NEW(c->arena, spice->lines + ES_IMPORT_TIMES, const char *);
    size_t lines = 0, times = 0;
    c->uic = !spice->tran;
    for (size_t i = 0; i < spice->lines; i++)
        line[lines++] = spice->line[i].text;
    char *rest = es_arena_string(c->arena, spice->tran ? spice->tran : ""), *word;
    while ((word = strsep(&rest, " "))) {
        c->uic |= strcmp(word, "uic") == 0;
        if (*word && strcmp(word, "uic") != 0 && times < ES_IMPORT_TIMES)
            line[lines++] = es_arena_printf(c->arena, "ces__%zu 0 0 %s", times++, word);
    }
    c->timed = times > 0;
    enum es_status status = es_ngspice_expand(line, lines, c->uic, c->arena, flat, parts, c->error);
    return status == ES_BAD_INPUT ? explain(c, path) : status;
}

static const double most = 1e100; // of a value

struct names {
    struct hsearch_data table;
    bool full;
};

static int find_node(struct es_circuit_import *c, struct names *names, const char *name) {
    ENTRY entry = {.key = (char *)(uintptr_t)name}, *found;
    if (strcmp(name, "0") == 0)
        return ES_GROUND;
    if (hsearch_r(entry, FIND, &found, &names->table))
        return (int)(intptr_t)found->data;
    entry.data = (void *)(intptr_t)c->nodes;
    names->full |= !hsearch_r(entry, ENTER, &found, &names->table);
    c->node[c->nodes] = (struct es_import_node){.name = name, .holder = -1};
    return (int)c->nodes++;
}

// Initial values that are nothing beside the largest are what rounding has left of 0.
static void clear_dust(struct es_flat_part *flat, size_t parts, char letter) {
    double largest = 0;
    for (size_t i = 0; i < parts; i++)
        if (flat[i].name[0] == letter)
            largest = fmax(largest, fabs(flat[i].initial));
    for (size_t i = 0; i < parts; i++)
        if (flat[i].name[0] == letter && fabs(flat[i].initial) < 1e-14 * largest)
            flat[i].initial = 0;
}

static enum es_status take_parts(struct es_circuit_import *c, struct es_flat_part *flat, size_t parts) {
    struct names names = {.full = false};
    c->part = ES_NEW(c->arena, parts, struct es_import_part);
    c->node = ES_NEW(c->arena, 4 * parts, struct es_import_node);
    if (!hcreate_r(8 * parts + 16, &names.table))
        return es_fail(c->error, ES_NO_RESOURCE, "out of memory");
    clear_dust(flat, parts, 'c');
    clear_dust(flat, parts, 'l');
    enum es_status status = ES_OK;
    for (size_t i = 0; i < parts && status == ES_OK; i++) {
        flat[i].value = es_import_round(flat[i].value);
        flat[i].initial = es_import_round(flat[i].initial);
        struct es_import_part part = {.flat = &flat[i], .line = es_spice_find(c->spice, flat[i].name), .letter = flat[i].name[0], .signal = -1, .target = -1};
        if (strncmp(flat[i].name, "ces__", 5) == 0) {
            c->time[flat[i].name[5] - '0'] = flat[i].value;
            continue;
        }
        if (!part.line)
            status = es_fail(c->error, ES_FAILED, "ngspice has a part \"%s\" that is not in the circuit", flat[i].name);
        size_t ends = part.letter == 'k' ? 0 : strchr("ge", part.letter) ? 4 : 2;
        for (size_t k = 0; k < 4; k++)
            part.node[k] = k < ends ? find_node(c, &names, flat[i].node[k]) : ES_GROUND;
        if (status == ES_OK && !(fabs(part.flat->value) <= most && fabs(part.flat->initial) <= most))
            status = es_import_refuse(c, &part, "has the value %g, and %g where it begins; expected at most %g", part.flat->value, part.flat->initial, most);
        part.wave = status == ES_OK && strchr("vi", part.letter) && es_spice_is_wave(part.line->text);
        c->part[c->parts++] = part;
    }
    hdestroy_r(&names.table);
    return names.full ? es_fail(c->error, ES_NO_RESOURCE, "out of memory") : status;
}

// ---- wires -----------------------------------------------------------------------------------------------------------

static int root(const int *wire, int node) {
    while (node >= 0 && wire[node] != node)
        node = wire[node];
    return node;
}

static int *no_wires(const struct es_circuit_import *c) {
    int *wire = ES_NEW(c->arena, c->nodes, int);
    for (size_t i = 0; i < c->nodes; i++)
        wire[i] = (int)i;
    return wire;
}

// False where both are one node already.
static bool join(int *wire, const int *node) {
    int a = root(wire, node[0]), b = root(wire, node[1]);
    if (a != b)
        wire[a > b ? a : b] = a > b ? b : a;
    return a != b;
}

// Nodes that sources of 0 V join become the first of them, or ground.
static void join_wires(struct es_circuit_import *c) {
    int *wire = no_wires(c);
    for (size_t i = 0; i < c->parts; i++) {
        struct es_import_part *part = &c->part[i];
        if (part->letter != 'v' || part->wave || part->flat->value != 0)
            continue;
        join(wire, part->node);
        part->taken = true;
        es_import_note(c, part->line->at, es_arena_printf(c->arena, "\"%s\" of 0 V is a wire: its nodes are one", part->flat->name));
    }
    for (size_t i = 0; i < c->parts; i++)
        for (size_t k = 0; k < 4; k++)
            c->part[i].node[k] = root(wire, c->part[i].node[k]);
}

// An operating point leaves the current around a loop of inductors and voltage sources open: it is what ngspice comes upon.
static void tell_loops(struct es_circuit_import *c) {
    int *wire = no_wires(c);
    for (const char *letter = "vl"; *letter; letter++)
        for (size_t i = 0; i < c->parts; i++) {
            const struct es_import_part *part = &c->part[i];
            if (part->letter == *letter && !join(wire, part->node) && *letter == 'l')
                es_import_note(c, part->line->at, es_arena_printf(c->arena, "\"%s\" closes a loop of inductors, or with sources, around which an operating point may have any current: it "
                                                                  "begins with one of these; state ic= of inductors, and uic in .tran", part->flat->name));
        }
}

static void list_ends(struct es_circuit_import *c) {
    for (size_t round = 0; round < 2; round++) // count, then fill
        for (size_t i = 0; i < c->parts; i++)
            for (size_t k = 0; k < 4; k++) {
                const struct es_import_part *part = &c->part[i];
                struct es_import_node *node = part->node[k] >= 0 ? &c->node[part->node[k]] : NULL;
                if (!node || part->taken || (k > 0 && part->node[k] == part->node[k - 1] && k != 2))
                    continue;
                size_t *count = k < 2 ? &node->ends : &node->controls;
                int **list = k < 2 ? &node->end : &node->control;
                if (round == 1 && !*list) {
                    *list = ES_NEW(c->arena, *count, int);
                    *count = 0;
                }
                if (round == 1)
                    (*list)[*count] = (int)i;
                ++*count;
            }
}

static bool is_node(const struct es_circuit_import *c, const char *name, size_t length) {
    bool found = (length == 1 && *name == '0') || (length == 3 && strncmp(name, "gnd", 3) == 0);
    for (size_t i = 0; i < c->nodes && !found; i++)
        found = strncmp(c->node[i].name, name, length) == 0 && !c->node[i].name[length];
    return found;
}

// ngspice takes no notice of others.
static enum es_status check_initial(const struct es_circuit_import *c) {
    for (size_t i = 0; i < c->spice->lines; i++) {
        const struct es_spice_line *line = &c->spice->line[i];
        for (const char *v = strcmp(line->name, ".ic") == 0 ? line->text : NULL; v && (v = strstr(v, "v(")); v++) {
            size_t length = es_spice_node_length(v + 2);
            if (!is_node(c, v + 2, length))
                return es_spice_refuse(c->error, line->at, ".ic: there is no node \"%.*s\"; expected one that an element ends at, in a subcircuit as x1.a",
                                       (int)(length < 70 ? length : 70), v + 2);
        }
    }
    return ES_OK;
}

enum es_status es_import_expand(struct es_circuit_import *c) {
    struct es_flat_part *flat;
    size_t parts;
    enum es_status status = expand(c, c->spice->line[0].at.file, &flat, &parts);
    if (status == ES_OK)
        status = take_parts(c, flat, parts);
    if (status == ES_OK)
        status = check_initial(c);
    if (status != ES_OK)
        return status;
    join_wires(c);
    if (!c->uic)
        tell_loops(c);
    list_ends(c);
    return ES_OK;
}
