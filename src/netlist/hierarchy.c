// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
#include "netlist/circuit.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

// A node and the only cell that has it; the cell is NULL where several have, or what is in no cell, or where it is shown.
struct place {
    const char *node, *cell;
};

struct folding {
    const struct es_circuit *from;
    struct es_arena *arena;
    size_t places;
    struct place *place; // sorted by node
    const char **cell;   // [parts] cell of each part: coupled inductors are in one
};

// A part of a cell.
struct member {
    const char *cell;
    size_t part;
};

static int by_node(const void *a, const void *b) {
    return strcasecmp(((const struct place *)a)->node, ((const struct place *)b)->node);
}

static int by_cell(const void *a, const void *b) {
    const struct member *x = a, *y = b;
    int order = strcmp(x->cell, y->cell);
    return order ? order : (x->part > y->part) - (x->part < y->part);
}

typedef void visitor(struct folding *f, const char *node, size_t part, void *context);

// Every node that a part is connected to, those of its expression last.
static void each_node(struct folding *f, size_t i, visitor *visit, void *context) {
    const struct es_part *part = &f->from->part[i];
    const char *terminal[] = {part->p, part->n, part->c, part->d};
    for (size_t t = 0; t < sizeof terminal / sizeof *terminal; t++)
        if (terminal[t])
            visit(f, terminal[t], i, context);
    for (size_t n = 0; n < part->nodes; n++)
        visit(f, part->node[n], i, context);
    for (const char *v = part->text ? strstr(part->text, "v(") : NULL; v; v = strstr(v, "v(")) {
        v += 2;
        for (size_t length; (length = strcspn(v, ",)")) > 0; v += length + (v[length] == ','))
            visit(f, es_arena_printf(f->arena, "%.*s", (int)length, v), i, context);
    }
}

static void count_node(struct folding *f, const char *node, size_t part, void *context) {
    (void)node, (void)part, (void)context;
    f->places++;
}

static void note_node(struct folding *f, const char *node, size_t part, void *context) {
    size_t *next = context;
    f->place[(*next)++] = (struct place){node, f->cell[part]};
}

static bool same_cell(const char *a, const char *b) {
    return a && b && strcmp(a, b) == 0;
}

// One entry for each node.
static void find_places(struct folding *f) {
    size_t next = f->from->shows, kept = 0;
    f->places = next;
    for (size_t i = 0; i < f->from->parts; i++)
        each_node(f, i, count_node, NULL);
    f->place = ES_NEW(f->arena, f->places, struct place);
    for (size_t i = 0; i < f->from->shows; i++)
        f->place[i] = (struct place){f->from->shown[i], NULL};
    for (size_t i = 0; i < f->from->parts; i++)
        each_node(f, i, note_node, &next);
    if (next)
        qsort(f->place, next, sizeof *f->place, by_node);
    for (size_t i = 0; i < next; i++)
        if (kept && by_node(&f->place[kept - 1], &f->place[i]) == 0)
            f->place[kept - 1].cell = same_cell(f->place[kept - 1].cell, f->place[i].cell) ? f->place[i].cell : NULL;
        else
            f->place[kept++] = f->place[i];
    f->places = kept;
}

static bool is_ground(const char *node) {
    return strcmp(node, "0") == 0;
}

static bool is_pin(const struct folding *f, const char *node) {
    struct place key = {.node = node}, *found = bsearch(&key, f->place, f->places, sizeof key, by_node);
    return !found || !found->cell;
}

static size_t part_called(const struct es_circuit *circuit, const char *name) {
    size_t i = 0;
    for (; i < circuit->parts; i++) {
        const struct es_part *part = &circuit->part[i];
        size_t prefix = strlen(part->prefix);
        if (strncmp(part->prefix, name, prefix) == 0 && name[prefix] == '_' && strcmp(part->name, name + prefix + 1) == 0)
            break;
    }
    return i;
}

static void merge(struct folding *f, const char *from, const char *to) {
    for (size_t i = 0; i < f->from->parts; i++)
        if (same_cell(f->cell[i], from))
            f->cell[i] = to;
}

// Magnetic fields do not pass through a cell's pins.
static void join_coupled(struct folding *f) {
    for (size_t i = 0; i < f->from->parts; i++)
        if (f->from->part[i].primitive == ES_PART_COUPLING) {
            const char *ends[] = {f->from->part[i].of, f->from->part[i].with};
            for (size_t end = 0; end < 2; end++)
                merge(f, f->cell[part_called(f->from, ends[end])], f->cell[i]);
        }
}

struct pins {
    struct es_circuit *cell;
    size_t room;
    bool ground;
};

static void add_pin(struct folding *f, const char *node, size_t part, void *context) {
    struct pins *pins = context;
    (void)part;
    pins->ground |= is_ground(node);
    if (is_ground(node) || !is_pin(f, node))
        return;
    for (size_t i = 0; i < pins->cell->pins; i++)
        if (strcasecmp(pins->cell->pin[i], node) == 0)
            return;
    if (pins->cell->pins + 2 > pins->room) {
        const char **old = pins->cell->pin;
        pins->room = pins->room ? 2 * pins->room : 8;
        pins->cell->pin = ES_NEW(f->arena, pins->room, const char *);
        if (old)
            memcpy(pins->cell->pin, old, pins->cell->pins * sizeof *old);
    }
    pins->cell->pin[pins->cell->pins++] = node;
}

// Ground has a name inside a cell.
static const char *inside(const char *node) {
    return node && is_ground(node) ? "gnd" : node;
}

// The cell of these parts; its instance goes to `top`.
static void fold(struct folding *f, const struct member *member, size_t members, struct es_circuit *top) {
    const char *name = member->cell;
    struct es_circuit *cell = ES_NEW(f->arena, 1, struct es_circuit);
    struct pins pins = {.cell = cell};
    *cell = (struct es_circuit){.arena = f->arena, .title = name};
    for (size_t i = 0; i < members; i++) {
        const struct es_part *from = &f->from->part[member[i].part];
        struct es_part *part = es_circuit_add(cell, from->primitive, from->prefix, from->name, NULL, NULL, 0);
        *part = *from;
        part->p = inside(from->p);
        part->n = inside(from->n);
        part->c = inside(from->c);
        part->d = inside(from->d);
        part->cell = NULL;
        part->node = ES_NEW(f->arena, from->nodes, const char *);
        for (size_t n = 0; n < from->nodes; n++)
            part->node[n] = inside(from->node[n]);
        each_node(f, member[i].part, add_pin, &pins);
    }
    struct es_part *instance = es_circuit_add(top, ES_PART_INSTANCE, "x", name, NULL, NULL, 0);
    instance->node = ES_NEW(f->arena, cell->pins + 1, const char *);
    if (cell->pins)
        memcpy(instance->node, cell->pin, cell->pins * sizeof *cell->pin);
    instance->nodes = cell->pins;
    if (pins.ground) {
        const char **pin = ES_NEW(f->arena, cell->pins + 1, const char *);
        if (cell->pins)
            memcpy(pin, cell->pin, cell->pins * sizeof *pin);
        cell->pin = pin;
        cell->pin[cell->pins++] = "gnd";
        instance->node[instance->nodes++] = "0";
    }
    instance->of = name;
    top->cell[top->cells++] = cell;
}

// Every cell that parts name, and instances in their place.
static struct es_circuit *fold_cells(const struct es_circuit *circuit) {
    struct folding f = {.from = circuit, .arena = circuit->arena, .cell = ES_NEW(circuit->arena, circuit->parts, const char *)};
    struct es_circuit *top = ES_NEW(circuit->arena, 1, struct es_circuit);
    *top = (struct es_circuit){.arena = circuit->arena, .title = circuit->title, .analysis = circuit->analysis, .flavour = circuit->flavour, .head = circuit->head, .shows = circuit->shows, .shown = circuit->shown, .cell = ES_NEW(circuit->arena, circuit->parts, struct es_circuit *)};
    for (size_t i = 0; i < circuit->parts; i++)
        f.cell[i] = circuit->part[i].cell;
    join_coupled(&f);
    find_places(&f);
    struct member *member = ES_NEW(f.arena, circuit->parts, struct member);
    size_t *members = ES_NEW(f.arena, circuit->parts, size_t), *first = ES_NEW(f.arena, circuit->parts, size_t), count = 0; // of the cell that a part begins
    for (size_t i = 0; i < circuit->parts; i++)
        if (f.cell[i])
            member[count++] = (struct member){f.cell[i], i};
    if (count)
        qsort(member, count, sizeof *member, by_cell);
    for (size_t i = 0, begin = 0; i < count; i++) {
        begin = i && strcmp(member[i - 1].cell, member[i].cell) == 0 ? begin : i;
        first[member[begin].part] = begin;
        members[member[begin].part]++;
    }
    for (size_t i = 0; i < circuit->parts; i++)
        if (!f.cell[i])
            *es_circuit_add(top, circuit->part[i].primitive, NULL, NULL, NULL, NULL, 0) = circuit->part[i];
        else if (members[i])
            fold(&f, &member[first[i]], members[i], top);
    return top;
}

struct es_circuit *es_circuit_hierarchy(const struct es_circuit *circuit, const char *name) {
    struct es_circuit *cells = fold_cells(circuit);
    for (size_t i = 0; i < circuit->cells + cells->cells; i++)
        if (strcasecmp((i < circuit->cells ? circuit->cell[i] : cells->cell[i - circuit->cells])->title, name) == 0)
            name = es_arena_printf(circuit->arena, "%s_network", name);
    for (size_t i = 0; i < cells->parts; i++)
        cells->part[i].cell = cells->part[i].primitive == ES_PART_INSTANCE ? name : NULL;
    struct es_circuit *top = fold_cells(cells);
    const struct es_circuit *const levels[] = {circuit, cells, top};
    struct es_circuit **all = ES_NEW(circuit->arena, circuit->cells + cells->cells + top->cells, struct es_circuit *);
    size_t count = 0;
    for (size_t level = 0; level < 3; level++)
        for (size_t i = 0; i < levels[level]->cells; i++)
            all[count++] = levels[level]->cell[i];
    top->cell = all;
    top->cells = count;
    return top;
}
