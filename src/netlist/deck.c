// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
#include "netlist/deck.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct deck {
    struct es_arena *arena;
    const struct es_network *net;
    const struct es_grid *grid;
    const struct es_pass *pass;
    enum es_deck_use use;
    size_t lines, room;
    char **line;
};

static void add(struct deck *deck, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void add(struct deck *deck, const char *format, ...) {
    char text[512]; // four names of 64 characters and two numbers fit
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (deck->lines + 2 > deck->room) {
        char **old = deck->line;
        deck->room = deck->room ? 2 * deck->room : 256;
        deck->line = ES_NEW(deck->arena, deck->room, char *);
        for (size_t i = 0; i < deck->lines; i++)
            deck->line[i] = old[i];
    }
    deck->line[deck->lines++] = es_arena_string(deck->arena, text);
}

static const char *lower(struct es_arena *arena, const char *prefix, const char *name, const char *suffix) {
    char *text = es_arena_printf(arena, "%s%s%s", prefix, name, suffix);
    for (char *c = text; *c; c++)
        *c = (char)tolower((unsigned char)*c);
    return text;
}

const char *es_deck_node(struct es_arena *arena, const struct es_network *net, size_t node) {
    return lower(arena, "n_", net->node[node].name, "");
}

const char *es_deck_inner(struct es_arena *arena, char letter, const char *name) {
    return lower(arena, (char[]){letter, '_', '\0'}, name, "");
}

const char *es_deck_current(struct es_arena *arena, const char *name) {
    return lower(arena, "l_", name, "#branch");
}

static const char *terminal(const struct deck *deck, int node) {
    return node == ES_GROUND ? "0" : es_deck_node(deck->arena, deck->net, (size_t)node);
}

// The cell of each kind of element: q are its values, psi and v the initial flux and voltage of its branch.

static void write_capacitor(struct deck *deck, const struct es_element *e, const char *p, const char *n, const double *q, double psi, double v) {
    (void)psi;
    add(deck, "c_%s %s %s %.17g ic=%.17g", e->name, p, n, q[0], v);
}

static void write_inductor(struct deck *deck, const struct es_element *e, const char *p, const char *n, const double *q, double psi, double v) {
    (void)v;
    add(deck, "l_%s %s %s %.17g ic=%.17g", e->name, p, n, q[0], psi / q[0]);
}

static void write_gyrator(struct deck *deck, const struct es_element *e, const char *p, const char *n, const double *q, double psi, double v) {
    (void)v;
    add(deck, "g1_%s 0 w_%s %s %s %.17g", e->name, e->name, p, n, q[0]);
    add(deck, "cl_%s w_%s 0 %.17g ic=%.17g", e->name, e->name, q[2], q[0] * psi / q[2]);
    add(deck, "g2_%s %s %s w_%s 0 %.17g", e->name, p, n, e->name, q[1]);
}

static void write_input(struct deck *deck, const struct es_element *e, const char *p, const char *n, const double *q, double psi, double v) {
    (void)psi, (void)v;
    add(deck, "gi_%s %s %s x_%s 0 %.17g", e->name, n, p, deck->net->channel[e->channel], q[0]);
}

static void write_conductance(struct deck *deck, const struct es_element *e, const char *p, const char *n, const double *q, double psi, double v) {
    (void)psi, (void)v;
    add(deck, "r_%s %s %s %.17g", e->name, p, n, 1 / q[0]);
}

static void write_output(struct deck *deck, const struct es_element *e, const char *p, const char *n, const double *q, double psi, double v) {
    (void)q, (void)v;
    double nudge = deck->pass->nudge ? deck->pass->nudge[e->channel] : 0, interval = deck->grid->interval;
    if (e->read == ES_READ_VOLTAGE) {
        add(deck, "cn_%s %s %s %.17g ic=0", e->name, p, n, nudge);
        return;
    }
    add(deck, "gf_%s 0 f_%s %s %s 1", e->name, e->name, p, n);
    add(deck, "cf_%s f_%s 0 %.17g ic=%.17g", e->name, e->name, interval, psi / interval);
    add(deck, "gn_%s %s %s f_%s y_%s %.17g", e->name, p, n, e->name, e->name, nudge * interval);
}

static const struct cell {
    const struct es_element_kind *kind;
    void (*write)(struct deck *, const struct es_element *, const char *p, const char *n, const double *q, double psi, double v);
} cells[] = {
    {&es_capacitor, write_capacitor}, {&es_inductor, write_inductor}, {&es_gyrator, write_gyrator},
    {&es_input, write_input},         {&es_output, write_output},     {&es_conductance, write_conductance},
};

static void write_element(struct deck *deck, size_t i) {
    const struct es_element *e = &deck->net->element[i];
    double q[ES_QUANTITIES];
    es_element_values(deck->net, deck->pass->theta, i, q);
    for (size_t c = 0; c < sizeof cells / sizeof *cells; c++)
        if (cells[c].kind == e->kind)
            cells[c].write(deck, e, terminal(deck, e->p), terminal(deck, e->n), q, es_across(e, deck->pass->flux), es_across(e, deck->pass->voltage));
}

// A voltage source that plays samples, divided by `unit`.
static void write_source(struct deck *deck, const char *node, const double *sample, double unit) {
    if (deck->use != ES_DECK_USER) {
        add(deck, "v_%s %s 0 external", node, node);
        return;
    }
    size_t points = deck->grid->points;
    add(deck, "v_%s %s 0 pwl(", node, node);
    for (size_t i = 0; i < points; i++)
        add(deck, "+ %.17g %.17g", (double)i * deck->grid->interval, sample ? sample[deck->pass->reversed ? points - 1 - i : i] / unit : 0);
    add(deck, "+ )");
}

static void write_sources(struct deck *deck) {
    const struct es_network *net = deck->net;
    const struct es_pass *pass = deck->pass;
    size_t points = deck->grid->points;
    for (size_t c = 0; c < net->channels; c++)
        write_source(deck, es_deck_inner(deck->arena, 'x', net->channel[c]), pass->input + c * points, 1);
    for (size_t o = 0; o < net->outputs; o++) {
        const struct es_element *e = &net->element[net->output[o]];
        if (e->read == ES_READ_FLUX)
            write_source(deck, es_deck_inner(deck->arena, 'y', e->name), pass->target ? pass->target + o * points : NULL, deck->grid->interval);
    }
}

char **es_deck_lines(struct es_arena *arena, const struct es_network *net, const struct es_grid *grid, const struct es_pass *pass,
                     enum es_deck_use use) {
    struct deck deck = {.arena = arena, .net = net, .grid = grid, .pass = pass, .use = use};
    double h = es_grid_step(grid), end = (double)(grid->points - 1) * grid->interval;
    add(&deck, "echospice %s, %s pass", net->name, pass->reversed ? "echo" : "free");
    add(&deck, ".options noacct norefvalue method=trap%s", use == ES_DECK_ADAPTIVE ? "" : " trtol=1e30 reltol=1e-6");
    write_sources(&deck);
    for (size_t i = 0; i < net->elements; i++)
        write_element(&deck, i);
    if (use == ES_DECK_USER)
        add(&deck, ".tran %.17g %.17g 0 %.17g uic", h, end, h);
    add(&deck, ".end");
    deck.line[deck.lines] = NULL;
    return deck.line;
}

static void comment(FILE *stream, const struct es_grid *grid, double frequency_error) {
    fprintf(stream,
            "* echospice's own grid, of step %.6g s, puts the fastest mode %+.2g %% off. ngspice by itself takes extra steps at the\n"
            "* corners of the PWL sources and comes closer to the continuous circuit: the phases of the two runs drift apart by about\n"
            "* that share of every period. They agree better on a finer grid: echospice simulate --steps 200 --deck OUT.cir ...\n"
            "* ngspice -b -r wave.raw DECK\n",
            es_grid_step(grid), 100 * frequency_error);
}

char *es_deck_text(const struct es_network *net, const struct es_grid *grid, const struct es_pass *pass, double frequency_error) {
    struct es_arena *arena = es_arena_new();
    char **line = es_deck_lines(arena, net, grid, pass, ES_DECK_USER), *text = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&text, &size);
    for (size_t i = 0; stream && line[i]; i++) {
        fprintf(stream, "%s\n", line[i]);
        if (i == 0)
            comment(stream, grid, frequency_error);
    }
    if (stream)
        fclose(stream);
    es_arena_free(arena);
    return text;
}
