// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
#include "netlist/deck.h"

#include "netlist/cell.h"
#include "netlist/dialect.h"
#include "net/resistive.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

const char *es_deck_current(struct es_arena *arena, const struct es_network *net, size_t element) {
    const struct es_element *e = &net->element[element];
    bool halves = net->differential && ((e->p >= 0 && e->n >= 0) || es_element_decays(e));
    return lower(arena, "l_", e->name, halves ? "_p#branch" : "#branch");
}

const char *es_deck_terminal(const struct deck *deck, int node) {
    return node == ES_GROUND ? "0" : es_deck_node(deck->arena, deck->net, (size_t)node);
}

struct es_deck_reading es_deck_flux(struct es_arena *arena, const struct es_model *model, const struct es_grid *grid, size_t element) {
    const struct es_network *net = model->net;
    const struct es_element *e = &net->element[element];
    const double *q = model->q[element];
    char letter = e->kind == &es_gyrator || e->kind == &es_saturating_gyrator || e->kind == &es_sensing_gyrator ? 'w'
                  : e->kind == &es_saturating_inductor || e->kind == &es_josephson || e->kind == &es_duffing    ? 'u'
                  : e->kind == &es_output && e->read == ES_READ_FLUX                                             ? 'f'
                                                                                                                 : '\0';
    if (e->kind == &es_mesh) // psi = C u / gm
        return (struct es_deck_reading){e->p >= 0 ? es_deck_inner(arena, 'p', net->node[e->p].name) : NULL, e->n >= 0 ? es_deck_inner(arena, 'p', net->node[e->n].name) : NULL, q[2] / q[1]};
    if (!letter)
        return (struct es_deck_reading){NULL, NULL, 0};
    double scale = letter == 'w'                        ? q[2] / q[0] // psi = C_L w / gm1
            : e->kind == &es_saturating_inductor ? q[1]
            : e->kind == &es_josephson           ? q[0] / e->kind->coefficient(q)
                                                 : grid->interval;
    return (struct es_deck_reading){es_deck_inner(arena, letter, e->name), NULL, scale};
}

bool es_deck_rests(const struct deck *deck) {
    return deck->use == ES_DECK_REST || deck->use == ES_DECK_SETTLE;
}

// ---- sources ---------------------------------------------------------------------------------------------------------

size_t es_deck_sources(struct es_arena *arena, const struct es_model *model, const struct es_batch *batch, const struct es_pass *pass,
                       struct es_deck_source **list) {
    const struct es_network *net = model->net;
    const struct es_grid *grid = &batch->grid;
    size_t injections = pass->injection ? batch->injections : 0;
    const struct es_reversal *turn = pass->reversal;
    struct es_deck_source *source = *list = ES_NEW(arena, net->channels + net->outputs + injections + 2, struct es_deck_source);
    size_t count = 0;
    for (size_t c = 0; c < net->channels; c++)
        source[count++] = (struct es_deck_source){es_deck_inner(arena, 'x', net->channel[c]), pass->input + c * grid->points, turn ? turn->input : 1, 0, 0, turn && pass->skew != 0};
    for (size_t o = 0; o < net->outputs; o++) {
        const struct es_element *e = &net->element[net->output[o]];
        bool flux = e->read == ES_READ_FLUX;
        double sign = !turn ? 1 : flux ? turn->flux_target : turn->voltage_target;
        if (flux || pass->target)
            source[count++] = (struct es_deck_source){es_deck_inner(arena, 'y', e->name), pass->target ? pass->target + o * grid->points : NULL,
                                                      flux ? sign / grid->interval : sign, 0, 0, false};
    }
    for (size_t i = 0; i < injections; i++)
        source[count++] = (struct es_deck_source){es_arena_printf(arena, "j_%zu", i), pass->injection + i * es_grid_steps(grid), 1, grid->substeps, 0, false};
    if (pass->window)
        source[count++] = (struct es_deck_source){"window", pass->window, 1, 1, 0, false};
    if (pass->growth != 0)
        source[count++] = (struct es_deck_source){"growth", NULL, 1, 0, pass->growth, false};
    return count;
}

// In the user's deck what is constant in parts has edges of a thousandth of a part, in its own nonzero parts.
static void add_points(struct deck *deck, const struct es_deck_source *s, struct es_part *part) {
    size_t last = (deck->grid->points - 1) * (s->parts ? s->parts : 1), steps = es_grid_steps(deck->grid);
    bool back = deck->pass->reversal;
    double width = deck->grid->interval / (double)(s->parts ? s->parts : 1);
    size_t room = s->skewed ? steps + 1 : s->parts ? 2 * last : last + 1;
    part->waveform = ES_WAVE_POINTS;
    part->time = ES_NEW(deck->arena, room, double);
    part->level = ES_NEW(deck->arena, room, double);
    for (; part->points < room; part->points++) {
        size_t i = part->points, cell = i / 2;
        part->time[i] = s->skewed ? (double)i * es_grid_step(deck->grid) : s->parts ? ((double)cell + (i % 2 ? 0.9995 : 0.0005)) * width : (double)i * width;
        part->level[i] = s->skewed  ? s->scale * es_pass_input(deck->grid, deck->pass, s->sample, i)
                         : s->parts ? s->scale * s->sample[back ? last - 1 - cell : cell]
                         : s->sample ? s->scale * s->sample[back ? last - i : i]
                                     : 0;
    }
}

static void add_growth(struct deck *deck, const struct es_deck_source *s) {
    es_circuit_add(&deck->circuit, ES_PART_VOLTAGE, "v", "gamma", "gamma", "0", s->growth);
    es_circuit_add(&deck->circuit, ES_PART_FUNCTION, "b", s->node, s->node, "0", 0)->text = "exp(v(gamma)*time)";
}

static void add_sources(struct deck *deck) {
    struct es_deck_source *source;
    size_t count = es_deck_sources(deck->arena, deck->model, deck->batch, deck->pass, &source);
    if (es_deck_rests(deck)) // targets are in the nudges
        count = deck->net->channels;
    for (size_t i = 0; i < count; i++) {
        if (deck->use == ES_DECK_USER && source[i].growth != 0) {
            add_growth(deck, &source[i]);
            continue;
        }
        struct es_part *part = es_circuit_add(&deck->circuit, ES_PART_VOLTAGE, "v", source[i].node, source[i].node, "0", 0);
        if (es_deck_rests(deck))
            part->value = *source[i].sample;
        else if (deck->use == ES_DECK_USER)
            add_points(deck, &source[i], part);
        else
            part->waveform = ES_WAVE_EXTERNAL;
    }
}

// The currents that are injected beside elements.
static void add_injections(struct deck *deck) {
    for (size_t i = 0; i < deck->batch->injections && deck->pass->injection; i++) {
        const struct es_element *e = &deck->net->element[deck->batch->injection[i].element];
        if (deck->batch->injection[i].series)
            continue;
        struct es_part *part = es_circuit_add(&deck->circuit, ES_PART_VCCS, "gj", es_arena_printf(deck->arena, "%zu", i), es_deck_terminal(deck, e->n), es_deck_terminal(deck, e->p), 1);
        part->c = es_arena_printf(deck->arena, "j_%zu", i);
        part->d = "0";
    }
}

static bool is_nonlinear(const struct es_network *net, bool weighed) {
    bool nonlinear = weighed;
    for (size_t i = 0; i < net->elements; i++)
        nonlinear |= net->element[i].kind->potential || net->element[i].kind->sense;
    return nonlinear;
}

const double es_deck_settling = 1e-3;

// capacitance [nodes] of the nodes that neither a source nor an amplifier holds; 0 at the others.
static void settling(const struct deck *deck, double *capacitance) {
    const struct es_network *net = deck->net;
    double time = es_deck_settling * (double)(deck->grid->points - 1) * deck->grid->interval;
    for (size_t e = 0; e < net->elements; e++)
        if (net->element[e].kind->term == ES_DISSIPATION)
            for (int end = 0; end < 2; end++) {
                int node = end ? net->element[e].n : net->element[e].p;
                if (node >= 0 && net->node[node].source < 0)
                    capacitance[node] += time * deck->model->k[e];
            }
    for (size_t e = 0; e < net->elements; e++)
        if (net->element[e].kind->term == ES_AMPLIFYING)
            capacitance[net->element[e].n] = 0;
}

// What a state of rest is sought from, or settles through.
static void add_rest(struct deck *deck) {
    const struct es_network *net = deck->net;
    bool settles = deck->use == ES_DECK_SETTLE;
    double *capacitance = ES_NEW(deck->arena, net->nodes, double);
    if (settles && !es_network_active(net))
        settling(deck, capacitance);
    for (size_t i = 0; i < net->nodes; i++) {
        const char *node = es_deck_terminal(deck, (int)i);
        if (capacitance[i] > 0)
            es_circuit_add(&deck->circuit, ES_PART_CAPACITOR, "cs", net->node[i].name, node, "0", capacitance[i])->initial = deck->pass->voltage[i];
        else if (!settles && net->node[i].source < 0 && deck->pass->voltage[i] != 0)
            es_circuit_add(&deck->circuit, ES_PART_GUESS, "", net->node[i].name, node, "0", deck->pass->voltage[i]);
    }
}

// What a mesh has at each of its nodes.
static void add_mesh(struct deck *deck) {
    const struct es_network *net = deck->net;
    bool *there = ES_NEW(deck->arena, net->nodes, bool);
    size_t first = 0;
    while (first < net->elements && net->element[first].kind != &es_mesh)
        first++;
    for (size_t i = first; i < net->elements; i++)
        for (int end = 0; end < 2 && net->element[i].kind == &es_mesh; end++) {
            int node = end ? net->element[i].n : net->element[i].p;
            if (node >= 0 && !there[node])
                es_cell_add_mesh(deck, (size_t)node, first);
            if (node >= 0)
                there[node] = true;
        }
}

enum es_status es_deck_circuit(struct es_arena *arena, const struct es_model *model, const struct es_batch *batch, const struct es_pass *pass, enum es_deck_use use,
                               struct es_circuit **circuit, struct es_error *error) {
    const struct es_network *net = model->net;
    const struct es_grid *grid = &batch->grid;
    double h = es_grid_step(grid);
    struct deck deck = {.circuit.arena = arena, .arena = arena, .model = model, .net = net, .batch = batch, .grid = grid, .pass = pass, .use = use, .series = ES_NEW(arena, net->elements, bool)};
    bool rests = es_deck_rests(&deck), changing = pass->window || pass->growth != 0;
    for (size_t i = 0; i < batch->injections && pass->injection; i++)
        deck.series[batch->injection[i].element] |= batch->injection[i].series;
    deck.grown = use == ES_DECK_UNIFORM ? 1 - pass->growth * h / 2 : 1;
    deck.circuit.title = rests ? es_arena_printf(arena, "echospice %s, %s state of rest", net->name, pass->nudge ? "nudged" : "free")
                               : es_arena_printf(arena, "echospice %s, %s pass%s", net->name, pass->reversal ? "echo" : "free", pass->growth != 0 ? " with gain" : "");
    deck.circuit.analysis = (struct es_analysis){.kind = use == ES_DECK_USER ? ES_ANALYSIS_TRANSIENT : use == ES_DECK_REST ? ES_ANALYSIS_REST : ES_ANALYSIS_NONE,
        .step = h, .end = (double)(grid->points - 1) * grid->interval, .resting = rests, .settles = use == ES_DECK_SETTLE, .controlled = use == ES_DECK_ADAPTIVE,
        .nonlinear = is_nonlinear(net, changing)};
    deck.circuit.shown = ES_NEW(arena, 2 * net->outputs, const char *);
    for (size_t o = 0; o < net->outputs; o++)
        for (int end = 0; end < 2; end++) {
            int node = end ? net->element[net->output[o]].n : net->element[net->output[o]].p;
            if (node >= 0)
                deck.circuit.shown[deck.circuit.shows++] = es_deck_terminal(&deck, node);
        }
    for (size_t i = 0; i < net->nodes; i++)
        es_circuit_signal(&deck.circuit, es_deck_terminal(&deck, (int)i), pass->voltage[i], net->node[i].source < 0);
    add_sources(&deck);
    for (size_t i = 0; i < net->elements; i++)
        es_cell_add(&deck, i);
    add_mesh(&deck);
    (rests ? add_rest : add_injections)(&deck);
    *circuit = ES_NEW(arena, 1, struct es_circuit);
    **circuit = deck.circuit;
    return net->differential ? es_circuit_differential(&deck.circuit, circuit, error) : ES_OK;
}

char **es_deck_lines(struct es_arena *arena, const struct es_model *model, const struct es_batch *batch, const struct es_pass *pass,
                     enum es_deck_use use, struct es_error *error) {
    struct es_circuit *circuit;
    return es_deck_circuit(arena, model, batch, pass, use, &circuit, error) == ES_OK ? es_circuit_lines(circuit, &es_dialect_ngspice, arena, error) : NULL;
}

static void comment(FILE *stream, const struct es_grid *grid, double frequency_error) {
    if (isfinite(frequency_error))
        fprintf(stream,
                "* echospice's own grid, of step %.6g s, puts the fastest mode %+.2g %% off. ngspice by itself takes extra steps at the\n"
                "* corners of the PWL sources and comes closer to the continuous circuit: the phases of the two runs drift apart by about\n"
                "* that share of every period. They agree better on a finer grid: echospice simulate --steps 200 --deck OUT.cir ...\n",
                es_grid_step(grid), 100 * frequency_error);
    fprintf(stream, "* ngspice -b -r wave.raw DECK\n");
}

char *es_deck_text(const struct es_model *model, const struct es_batch *batch, const struct es_pass *pass, enum es_deck_use use, double frequency_error, struct es_error *error) {
    struct es_arena *arena = es_arena_new();
    char **line = es_deck_lines(arena, model, batch, pass, use, error), *text = NULL;
    size_t size = 0;
    FILE *stream = line ? open_memstream(&text, &size) : NULL;
    for (size_t i = 0; stream && line[i]; i++) {
        fprintf(stream, "%s\n", line[i]);
        if (i == 0 && use == ES_DECK_USER)
            comment(stream, &batch->grid, frequency_error);
    }
    if (stream)
        fclose(stream);
    es_arena_free(arena);
    return text;
}
