// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
#include "netlist/circuit.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct splitting {
    struct es_circuit *to;
    const char **signal; // [signals], sorted
    size_t signals;
    const char **halved; // [parts] sorted whole names of those that became two
    size_t halves;
};

static int by_text(const void *a, const void *b) {
    return strcasecmp(*(const char *const *)a, *(const char *const *)b);
}

static bool holds(const char **list, size_t count, const char *name) {
    return name && bsearch(&name, list, count, sizeof *list, by_text);
}

static bool is_pair(const struct splitting *s, const char *node) {
    return holds(s->signal, s->signals, node);
}

// The wire of a node: that of a pair, or the node itself.
static const char *wire(const struct splitting *s, const char *node, char which) {
    return is_pair(s, node) ? es_arena_printf(s->to->arena, "%s_%c", node, which) : node;
}

static struct es_part *copy(struct splitting *s, const struct es_part *from, const char *suffix) {
    struct es_part *part = es_circuit_add(s->to, from->primitive, from->prefix, from->name, from->p, from->n, from->value);
    *part = *from;
    if (*suffix)
        part->name = es_arena_printf(s->to->arena, "%s_%s", from->name, suffix);
    return part;
}

// What lies between the terminals: as it is, across the wires of one pair, or one half from wire to wire each.
enum place { AS_IT_IS, ACROSS, HALVES, NOWHERE };

static enum place place_of(const struct splitting *s, const char *p, const char *n) {
    bool a = is_pair(s, p), b = is_pair(s, n);
    return a && b ? HALVES : !a && !b ? AS_IT_IS : es_node_is_ground(a ? n : p) ? ACROSS : NOWHERE;
}

static void lay_across(const struct splitting *s, struct es_part *part) {
    const char *p = part->p, *n = part->n;
    part->p = is_pair(s, p) ? wire(s, p, 'p') : wire(s, n, 'n');
    part->n = is_pair(s, p) ? wire(s, p, 'n') : wire(s, n, 'p');
}

// The first or second half of a part between two pairs.
static struct es_part *half(struct splitting *s, const struct es_part *from, bool second) {
    struct es_part *part = copy(s, from, second ? "n" : "p");
    part->p = wire(s, from->p, second ? 'n' : 'p');
    part->n = wire(s, from->n, second ? 'n' : 'p');
    return part;
}

static enum es_status split_passive(struct splitting *s, const struct es_part *from, enum place place) {
    if (place == ACROSS)
        lay_across(s, copy(s, from, ""));
    for (int second = 0; second < 2 && place == HALVES; second++) {
        struct es_part *part = half(s, from, second);
        part->value *= from->primitive == ES_PART_CAPACITOR ? 2 : 0.5;
        if (part->initial != 0) // and no -0
            part->initial *= from->primitive == ES_PART_CAPACITOR ? (second ? -0.5 : 0.5) : second ? -1 : 1;
    }
    return ES_OK;
}

// The voltages that control a source: one or two differences of wires whose sum is v(c) - v(d).
static size_t controls(const struct splitting *s, const struct es_part *from, const char *c[2], const char *d[2]) {
    size_t count = 0;
    if (is_pair(s, from->c)) {
        c[count] = wire(s, from->c, 'p');
        d[count++] = wire(s, from->c, 'n');
    }
    if (is_pair(s, from->d)) {
        c[count] = wire(s, from->d, 'n');
        d[count++] = wire(s, from->d, 'p');
    }
    if (count == 0 || (count == 1 && !es_node_is_ground(is_pair(s, from->c) ? from->d : from->c))) {
        c[count] = is_pair(s, from->c) ? "0" : from->c;
        d[count++] = is_pair(s, from->d) ? "0" : from->d;
    }
    return count;
}

// A current source that is controlled or constant: a current from wire to wire, there and back.
static enum es_status split_current(struct splitting *s, const struct es_part *from, enum place place) {
    const char *c[2] = {NULL, NULL}, *d[2] = {NULL, NULL};
    size_t count = from->primitive == ES_PART_VCCS ? controls(s, from, c, d) : 1;
    for (size_t i = 0; i < count; i++)
        for (int second = 0; second < (place == HALVES ? 2 : 1); second++) {
            struct es_part *part = place == HALVES ? half(s, from, second) : copy(s, from, "");
            if (place == ACROSS)
                lay_across(s, part);
            if (second)
                part->value = -part->value;
            if (count > 1)
                part->name = es_arena_printf(s->to->arena, "%s_%c", part->name, i ? 'd' : 'c');
            part->c = c[i];
            part->d = d[i];
        }
    return ES_OK;
}

// Each wire is held at half the difference; two controlling differences are two sources in series.
static enum es_status split_voltage(struct splitting *s, const struct es_part *from, enum place place) {
    const char *c[2], *d[2];
    size_t count = controls(s, from, c, d);
    for (int second = 0; second < (place == AS_IT_IS ? 1 : 2); second++) {
        const char *p = wire(s, from->p, second ? 'n' : 'p'), *n = wire(s, from->n, second ? 'n' : 'p');
        const char *between = es_arena_printf(s->to->arena, "k%s_%s_%c", from->prefix, from->name, second ? 'n' : 'p');
        for (size_t i = 0; i < count; i++) {
            struct es_part *part = copy(s, from, place == AS_IT_IS ? "" : second ? "n" : "p");
            if (i)
                part->name = es_arena_printf(s->to->arena, "%s_d", part->name);
            part->p = i ? between : p;
            part->n = i + 1 < count ? between : n;
            part->value *= place == AS_IT_IS ? 1 : second ? -0.5 : 0.5;
            part->c = c[i];
            part->d = d[i];
        }
    }
    return ES_OK;
}

// Of the current of one wire each, where that has become two; else there and back.
static enum es_status split_mirror(struct splitting *s, const struct es_part *from, enum place place, struct es_error *error) {
    if (!holds(s->halved, s->halves, from->of))
        return split_current(s, from, place);
    if (place != ACROSS)
        return es_fail(error, ES_BAD_INPUT, "%s_%s copies the current of %s to where it has no differential form; take a single-ended technology", from->prefix, from->name, from->of);
    for (int second = 0; second < 2; second++) {
        struct es_part *part = half(s, from, second);
        part->of = es_arena_printf(s->to->arena, "%s_%c", from->of, second ? 'n' : 'p');
    }
    return ES_OK;
}

// Inductors of one part lie across a pair, so that the halves of others see them with M / 2 over the root of L1 L2 / 2.
static enum es_status split_coupling(struct splitting *s, const struct es_part *from) {
    bool of = holds(s->halved, s->halves, from->of), with = holds(s->halved, s->halves, from->with);
    for (int second = 0; second < (of || with ? 2 : 1); second++) {
        struct es_part *part = copy(s, from, of || with ? (second ? "n" : "p") : "");
        if (of)
            part->of = es_arena_printf(s->to->arena, "%s_%c", from->of, second ? 'n' : 'p');
        if (with)
            part->with = es_arena_printf(s->to->arena, "%s_%c", from->with, second ? 'n' : 'p');
        if (of != with)
            part->value *= second ? -sqrt(0.5) : sqrt(0.5);
    }
    return ES_OK;
}

// Whether an expression reads a node that has become two.
static bool reads_pairs(const struct splitting *s, const char *text) {
    char *rest = es_arena_string(s->to->arena, text), *nodes;
    while ((nodes = strstr(rest, "v("))) {
        rest = nodes += 2;
        strsep(&rest, ")");
        for (char *node; (node = strsep(&nodes, ","));)
            if (is_pair(s, node))
                return true;
        if (!rest)
            break;
    }
    return false;
}

static enum es_status split(struct splitting *s, const struct es_part *part, struct es_error *error) {
    if (part->primitive == ES_PART_COUPLING)
        return split_coupling(s, part);
    enum place place = place_of(s, part->p, part->n);
    bool bent = part->primitive == ES_PART_FUNCTION && reads_pairs(s, part->text);
    if (place == NOWHERE || bent)
        return es_fail(error, ES_BAD_INPUT, "%s_%s %s, and has no differential form; take a single-ended technology", part->prefix, part->name,
                       bent ? "bends the voltages of single nodes" : "lies between a signal and what is none");
    switch (part->primitive) {
    case ES_PART_RESISTOR:
    case ES_PART_CAPACITOR:
    case ES_PART_INDUCTOR:
        if (place != AS_IT_IS)
            return split_passive(s, part, place);
        break;
    case ES_PART_VCCS:
    case ES_PART_CURRENT:
        return split_current(s, part, place);
    case ES_PART_VCVS:
        return split_voltage(s, part, place);
    case ES_PART_VOLTAGE:
        if (place != AS_IT_IS && (part->waveform != ES_WAVE_CONSTANT || part->value != 0))
            return es_fail(error, ES_BAD_INPUT, "%s_%s drives a single node, and has no differential form", part->prefix, part->name);
        if (place == HALVES) { // an ammeter
            half(s, part, false);
            half(s, part, true);
            return ES_OK;
        }
        break;
    case ES_PART_CCCS:
        return split_mirror(s, part, place, error);
    case ES_PART_DIODE:
    case ES_PART_FUNCTION:
    case ES_PART_GUESS:
        if (place != AS_IT_IS)
            return es_fail(error, ES_BAD_INPUT, "%s_%s has no differential form; take a single-ended technology", part->prefix, part->name);
        break;
    case ES_PART_COUPLING:
    case ES_PART_INSTANCE:
    case ES_PART_DEVICE:
        break;
    }
    copy(s, part, "");
    return ES_OK;
}

// Each wire gives half the conductance for either wire's voltage, so that only their mean draws a current.
static void hold_mean(struct splitting *s, const struct es_signal_node *signal) {
    const char *node = signal->name;
    for (int i = 0; i < 4; i++) {
        const char *name = es_arena_printf(s->to->arena, "%s_%c%c", node, i & 2 ? 'n' : 'p', i & 1 ? 'n' : 'p');
        struct es_part *part = es_circuit_add(s->to, ES_PART_VCCS, "gcm", name, wire(s, node, i & 2 ? 'n' : 'p'), "0", ES_COMMON_MODE / 2);
        part->c = wire(s, node, i & 1 ? 'n' : 'p');
        part->d = "0";
        part->cell = signal->cell ? signal->cell : es_arena_printf(s->to->arena, "common_mode_%s", node);
    }
}

// Sorted names of the signal nodes, and of the parts that become two.
static void sort_names(struct splitting *s, const struct es_circuit *from) {
    s->signal = ES_NEW(from->arena, from->signals, const char *);
    s->signals = from->signals;
    for (size_t i = 0; i < from->signals; i++)
        s->signal[i] = from->signal[i].name;
    qsort(s->signal, s->signals, sizeof *s->signal, by_text);
    s->halved = ES_NEW(from->arena, from->parts, const char *);
    for (size_t i = 0; i < from->parts; i++) {
        const struct es_part *part = &from->part[i];
        bool counts = part->primitive == ES_PART_VOLTAGE || part->primitive == ES_PART_INDUCTOR;
        if (counts && place_of(s, part->p, part->n) == HALVES)
            s->halved[s->halves++] = es_arena_printf(from->arena, "%s_%s", part->prefix, part->name);
    }
    qsort(s->halved, s->halves, sizeof *s->halved, by_text);
}

// An element may have the name of another's half.
static enum es_status check_names(const struct es_circuit *circuit, struct es_error *error) {
    const char **name = ES_NEW(circuit->arena, circuit->parts, const char *);
    for (size_t i = 0; i < circuit->parts; i++)
        name[i] = es_arena_printf(circuit->arena, "%s_%s", circuit->part[i].prefix, circuit->part[i].name);
    if (circuit->parts)
        qsort(name, circuit->parts, sizeof *name, by_text);
    for (size_t i = 1; i < circuit->parts; i++)
        if (by_text(&name[i - 1], &name[i]) == 0)
            return es_fail(error, ES_BAD_INPUT, "two parts would be called %s: in a differential circuit an element x has the halves x_p and x_n; rename the element \"%s\"", name[i],
                           strchr(name[i], '_') + 1);
    return ES_OK;
}

enum es_status es_circuit_differential(const struct es_circuit *circuit, struct es_circuit **differential, struct es_error *error) {
    struct splitting s = {.to = ES_NEW(circuit->arena, 1, struct es_circuit)};
    enum es_status status = ES_OK;
    *s.to = (struct es_circuit){.arena = circuit->arena, .title = circuit->title, .analysis = circuit->analysis};
    sort_names(&s, circuit);
    for (size_t i = 0; i < circuit->parts && status == ES_OK; i++)
        status = split(&s, &circuit->part[i], error);
    for (size_t i = 0; i < circuit->signals; i++) {
        const struct es_signal_node *signal = &circuit->signal[i];
        if (signal->floating)
            hold_mean(&s, signal);
        for (int second = 0; second < 2; second++) {
            s.to->inside = signal->cell;
            es_circuit_signal(s.to, wire(&s, signal->name, second ? 'n' : 'p'), (second ? -0.5 : 0.5) * signal->start, false);
        }
    }
    s.to->inside = NULL;
    s.to->shown = ES_NEW(circuit->arena, 2 * circuit->shows, const char *);
    for (size_t i = 0; i < circuit->shows; i++)
        for (int second = 0; second < (is_pair(&s, circuit->shown[i]) ? 2 : 1); second++)
            s.to->shown[s.to->shows++] = wire(&s, circuit->shown[i], second ? 'n' : 'p');
    *differential = s.to;
    return status == ES_OK ? check_names(s.to, error) : status;
}
