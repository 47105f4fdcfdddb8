// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
#include "netlist/deck.h"

#include "net/resistive.h"

#include <ctype.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct deck {
    struct es_arena *arena;
    const struct es_model *model;
    const struct es_network *net;
    const struct es_batch *batch;
    const struct es_grid *grid;
    const struct es_pass *pass;
    bool *series; // [elements] where voltages are injected
    enum es_deck_use use;
    double grown; // what nudge capacitors have grown to where the deck begins
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

// ---- the cell of each kind of element --------------------------------------------------------------------------------

// What a cell is made from: its terminals, values q, initial branch flux and voltage.
struct part {
    const struct es_element *e;
    const char *name, *p, *n;
    const double *q;
    double psi, v;
};

static bool swapped(const struct deck *deck) {
    return deck->pass->reversal && deck->pass->reversal->swapped;
}

static bool at_rest(const struct deck *deck) {
    return deck->use == ES_DECK_REST || deck->use == ES_DECK_SETTLE;
}

// A transconductor that draws gain (v(a) - v(b)) from `from` and returns it at `to`; its outputs are swapped where time runs backwards.
static void write_transconductor(struct deck *deck, const char *letters, const char *name, const char *from, const char *to, const char *a,
                                 const char *b, double gain) {
    bool swap = swapped(deck);
    add(deck, "%s_%s %s %s %s %s %.17g", letters, name, swap ? to : from, swap ? from : to, a, b, gain);
}

// The voltage of <letter>_<name> is the integral of gain (v(p) - v(n)) over capacitance, and starts at psi gain / capacitance.
static void write_integrator(struct deck *deck, char letter, const struct part *x, double gain, double capacitance) {
    const char *node = es_arena_printf(deck->arena, "%c_%s", letter, x->name);
    const char *g = letter == 'f' ? "gf" : "g1", *c = letter == 'f' ? "cf" : "cl";
    write_transconductor(deck, g, x->name, "0", node, x->p, x->n, gain);
    add(deck, "%s_%s %s 0 %.17g ic=%.17g", c, x->name, node, capacitance, gain * x->psi / capacitance);
}

static void write_capacitor(struct deck *deck, const struct part *x) {
    if (!at_rest(deck) || (deck->use == ES_DECK_SETTLE && es_network_active(deck->net)))
        add(deck, "c_%s %s %s %.17g ic=%.17g", x->name, x->p, x->n, x->q[0], x->v);
}

// The current at the start of a coupled inductor is that of its group.
static double initial_current(const struct deck *deck, const struct part *x) {
    const struct es_model *model = deck->model;
    size_t e = (size_t)(x->e - deck->net->element);
    double current = model->k[e] * x->psi;
    for (size_t i = 0; i < model->pairs; i++) {
        size_t other = model->pair[i].a == e ? model->pair[i].b : model->pair[i].a;
        if (model->pair[i].a == e || model->pair[i].b == e)
            current += model->pair[i].gamma * (es_across(&deck->net->element[other], deck->pass->flux) + deck->pass->offset[other]);
    }
    return current;
}

// Whether injection i is a voltage of element e.
static bool is_in_series(const struct deck *deck, size_t i, const struct es_element *e) {
    const struct es_injection *at = &deck->batch->injection[i];
    return at->series && &deck->net->element[at->element] == e;
}

// From its second end: the voltages that are injected, its resistance, itself.
static void write_inductor(struct deck *deck, const struct part *x) {
    const char *n = x->n, *q = es_arena_printf(deck->arena, "q_%s", x->name);
    for (size_t i = 0; i < deck->batch->injections && deck->series[x->e - deck->net->element]; i++)
        if (is_in_series(deck, i, x->e)) {
            add(deck, "ej_%zu %s z_%zu j_%zu 0 1", i, n, i, i);
            n = es_arena_printf(deck->arena, "z_%zu", i);
        }
    if (es_element_decays(x->e))
        add(deck, "r_%s %s %s %.17g", x->name, q, n, x->q[x->e->kind->loss]);
    add(deck, "l_%s %s %s %.17g ic=%.17g", x->name, x->p, es_element_decays(x->e) ? q : n, x->q[0], initial_current(deck, x));
}

static void write_mutual(struct deck *deck, const struct part *x) {
    add(deck, "k_%s l_%s l_%s %.17g", x->name, deck->net->element[x->e->first].name, deck->net->element[x->e->second].name, x->q[0]);
}

// The integrator of a gyrator, with its leakage and the currents that gm1 makes of its offset and of injected voltages.
static void write_storage(struct deck *deck, const struct part *x) {
    const char *w = es_arena_printf(deck->arena, "w_%s", x->name);
    write_integrator(deck, 'w', x, x->q[0], x->q[2]);
    if (es_element_decays(x->e))
        add(deck, "r_%s %s 0 %.17g", x->name, w, 1 / x->q[x->e->kind->loss]);
    if (es_element_drifts(x->e))
        add(deck, "i_%s 0 %s %.17g", x->name, w, (swapped(deck) ? -1 : 1) * x->q[0] * x->q[x->e->kind->drift]);
    for (size_t i = 0; i < deck->batch->injections && deck->series[x->e - deck->net->element]; i++)
        if (is_in_series(deck, i, x->e))
            write_transconductor(deck, "gj", es_arena_printf(deck->arena, "%zu", i), "0", w, es_arena_printf(deck->arena, "j_%zu", i), "0", x->q[0]);
}

static void write_gyrator(struct deck *deck, const struct part *x) {
    const char *w = es_arena_printf(deck->arena, "w_%s", x->name);
    write_storage(deck, x);
    write_transconductor(deck, "g2", x->name, x->p, x->n, w, "0", x->q[1]);
}

// Current gain f(v(u)), f an expression in v(%s).
static void write_curve(struct deck *deck, const struct part *x, const char *input, const char *before, const char *after, double gain) {
    const char *t = es_arena_printf(deck->arena, "t_%s", x->name);
    add(deck, "b_%s %s 0 v=%sv(%s)%s", x->name, t, before, input, after);
    write_transconductor(deck, "g2", x->name, x->p, x->n, t, "0", gain);
}

// u = psi / psi_s, i = I_s tanh(u)
static void write_saturating_inductor(struct deck *deck, const struct part *x) {
    write_integrator(deck, 'u', x, 1, x->q[1]);
    write_curve(deck, x, es_arena_printf(deck->arena, "u_%s", x->name), "tanh(", ")", x->q[0]);
}

// u = 2 pi psi / Phi_0, i = I_c sin(u)
static void write_josephson(struct deck *deck, const struct part *x) {
    write_integrator(deck, 'u', x, 1, x->q[0] / es_josephson.coefficient(x->q));
    write_curve(deck, x, es_arena_printf(deck->arena, "u_%s", x->name), "sin(", ")", x->q[0]);
}

// u = psi / interval; an inductor carries the linear part
static void write_duffing(struct deck *deck, const struct part *x) {
    double unit = deck->grid->interval;
    const char *u = es_arena_printf(deck->arena, "u_%s", x->name);
    add(deck, "l_%s %s %s %.17g ic=%.17g", x->name, x->p, x->n, x->q[0], x->psi / x->q[0]);
    write_integrator(deck, 'u', x, 1, unit);
    write_curve(deck, x, u, "", es_arena_printf(deck->arena, "*v(%s)*v(%s)", u, u), x->q[1] * unit * unit * unit);
}

// s = w / W, i = gm2 W tanh(s)
static void write_saturating_gyrator(struct deck *deck, const struct part *x) {
    write_storage(deck, x);
    add(deck, "e_%s s_%s 0 w_%s 0 %.17g", x->name, x->name, x->name, 1 / x->q[3]);
    write_curve(deck, x, es_arena_printf(deck->arena, "s_%s", x->name), "tanh(", ")", x->q[1] * x->q[3]);
}

// C_L dw/dt = gm1 V tanh(v / V), i = gm2 w
static void write_sensing_gyrator(struct deck *deck, const struct part *x) {
    const char *w = es_arena_printf(deck->arena, "w_%s", x->name), *t = es_arena_printf(deck->arena, "t_%s", x->name);
    add(deck, "e_%s s_%s 0 %s %s %.17g", x->name, x->name, x->p, x->n, 1 / x->q[3]);
    add(deck, "b_%s %s 0 v=tanh(v(s_%s))", x->name, t, x->name);
    write_transconductor(deck, "g1", x->name, "0", w, t, "0", x->q[0] * x->q[3]);
    add(deck, "cl_%s %s 0 %.17g ic=%.17g", x->name, w, x->q[2], x->q[0] * x->psi / x->q[2]);
    write_transconductor(deck, "g2", x->name, x->p, x->n, w, "0", x->q[1]);
}

static void write_input(struct deck *deck, const struct part *x) {
    const char *channel = es_arena_printf(deck->arena, "x_%s", deck->net->channel[x->e->channel]);
    write_transconductor(deck, "gi", x->name, x->n, x->p, channel, "0", x->q[0]);
}

static void write_bias(struct deck *deck, const struct part *x) {
    bool swap = swapped(deck);
    add(deck, "i_%s %s %s %.17g", x->name, swap ? x->p : x->n, swap ? x->n : x->p, x->q[0] * x->q[1]);
}

// The channel's node has the sign of current sources.
static void write_voltage_source(struct deck *deck, const struct part *x) {
    const struct es_reversal *turn = deck->pass->reversal;
    add(deck, "e_%s %s 0 x_%s 0 %.17g", x->name, x->p, deck->net->channel[x->e->channel], (turn ? turn->source * turn->input : 1) * x->q[0]);
}

// With gain where the pass grows.
static void write_conductance(struct deck *deck, const struct part *x) {
    add(deck, "r_%s %s %s %.17g", x->name, x->p, x->n, (deck->pass->growth != 0 ? -1 : 1) / x->q[0]);
}

// What multiplies nudges in time, as the beginning of an expression; NULL where nothing does.
static const char *factor(const struct deck *deck) {
    static const char *const factors[2][2] = {{NULL, "v(growth)*"}, {"v(window)*", "v(window)*v(growth)*"}};
    return factors[deck->pass->window != NULL][deck->pass->growth != 0];
}

// n V_T in SPICE, at 27 degrees and with its constants of nature.
static double emission(double voltage) {
    return voltage / (1.38064852e-23 * (27 + 273.15) / 1.6021766208e-19);
}

static void write_diode(struct deck *deck, const struct part *x) {
    add(deck, "d_%s %s %s m_%s", x->name, x->p, x->n, x->name);
    add(deck, ".model m_%s d(is=%.17g n=%.17g)", x->name, x->q[0], emission(x->q[1]));
}

static void write_amplifier(struct deck *deck, const struct part *x) {
    add(deck, "e_%s %s 0 %s 0 %.17g", x->name, x->n, x->p, x->q[0]);
    add(deck, "f_%s %s 0 e_%s %.17g", x->name, x->p, x->name, -1 / x->q[0]);
}

// s = v / V, i = G V s (s^2 / 3 - 1)
static void write_nagumo(struct deck *deck, const struct part *x) {
    const char *s = es_arena_printf(deck->arena, "s_%s", x->name);
    add(deck, "e_%s %s 0 %s %s %.17g", x->name, s, x->p, x->n, 1 / x->q[1]);
    write_curve(deck, x, s, "", es_arena_printf(deck->arena, "*(v(%s)*v(%s)/3-1)", s, s), x->q[0] * x->q[1]);
}

// s = v / V: from node p k v(n) (1 - tanh(s)^2), into node n k V tanh(s)
static void write_skew_coupling(struct deck *deck, const struct part *x) {
    const char *s = es_arena_printf(deck->arena, "s_%s", x->name), *t = es_arena_printf(deck->arena, "t_%s", x->name);
    const char *u = es_arena_printf(deck->arena, "u_%s", x->name);
    bool linear = isnan(x->q[1]);
    if (!linear) {
        add(deck, "e_%s %s 0 %s 0 %.17g", x->name, s, x->p, 1 / x->q[1]);
        add(deck, "b_%s %s 0 v=tanh(v(%s))", x->name, t, s);
        add(deck, "bu_%s %s 0 v=v(%s)*(1-v(%s)*v(%s))", x->name, u, x->n, t, t);
    }
    write_transconductor(deck, "g1", x->name, x->p, "0", linear ? x->n : u, "0", x->q[0]);
    write_transconductor(deck, "g2", x->name, "0", x->n, linear ? x->p : t, "0", x->q[0] * (linear ? 1 : x->q[1]));
}

static double first_window(const struct deck *deck) {
    const double *window = deck->pass->window;
    return !window ? 1 : window[deck->pass->reversal ? deck->grid->points - 2 : 0];
}

// Target of output o where the pass begins, with its sign.
static double first_target(const struct deck *deck, size_t o, double sign) {
    const struct es_pass *pass = deck->pass;
    size_t points = deck->grid->points;
    return pass->target ? sign * pass->target[o * points + (pass->reversal ? points - 1 : 0)] : 0;
}

static void write_flux_output(struct deck *deck, const struct part *x, double nudge) {
    const char *f = es_arena_printf(deck->arena, "f_%s", x->name), *y = es_arena_printf(deck->arena, "y_%s", x->name);
    double unit = deck->grid->interval;
    write_integrator(deck, 'f', x, 1, unit);
    if (factor(deck)) {
        add(deck, "bn_%s m_%s 0 v=%s(v(%s)-v(%s))", x->name, x->name, factor(deck), f, y);
        f = es_arena_printf(deck->arena, "m_%s", x->name);
        y = "0";
    }
    write_transconductor(deck, "gn", x->name, x->p, x->n, f, y, nudge * unit);
}

static void write_voltage_output(struct deck *deck, const struct part *x, double nudge) {
    const struct es_reversal *turn = deck->pass->reversal;
    const char *name = x->name, *n = x->n;
    double miss = x->v - first_target(deck, (size_t)x->e->channel, turn ? turn->voltage_target : 1);
    if (factor(deck)) { // the charge of a capacitor that grows and shrinks, carried by one that does not
        add(deck, "bn_%s m_%s 0 v=%s(v(%s,%s)%s)", name, name, factor(deck), x->p, x->n,
            deck->pass->target ? es_arena_printf(deck->arena, "-v(y_%s)", name) : "");
        add(deck, "cn_%s m_%s s_%s %.17g ic=%.17g", name, name, name, nudge, first_window(deck) * deck->grown * miss);
        add(deck, "vn_%s s_%s 0 0", name, name);
        add(deck, "fn_%s %s %s vn_%s 1", name, x->p, x->n, name);
        if (deck->pass->growth != 0) // its conductance
            add(deck, "gn_%s %s %s m_%s 0 %.17g", name, x->p, x->n, name, -deck->pass->growth * nudge);
        return;
    }
    if (deck->pass->target) {
        add(deck, "en_%s m_%s %s y_%s 0 1", name, name, x->n, name);
        n = es_arena_printf(deck->arena, "m_%s", name);
    }
    add(deck, "cn_%s %s %s %.17g ic=%.17g", name, x->p, n, nudge, miss);
}

static void write_rest_output(struct deck *deck, const struct part *x, double nudge) {
    if (nudge == 0)
        return;
    add(deck, "rn_%s %s %s %.17g", x->name, x->p, x->n, 1 / nudge);
    add(deck, "in_%s %s %s %.17g", x->name, x->n, x->p, nudge * first_target(deck, (size_t)x->e->channel, 1));
}

static void write_output(struct deck *deck, const struct part *x) {
    double nudge = deck->pass->nudge ? deck->pass->nudge[x->e->channel] : 0;
    if (at_rest(deck)) {
        write_rest_output(deck, x, nudge);
        return;
    }
    (x->e->read == ES_READ_FLUX ? write_flux_output : write_voltage_output)(deck, x, nudge);
}

static void write_nothing(struct deck *deck, const struct part *x) { // the state at t = 0 is in the other cells
    (void)deck, (void)x;
}

static const struct cell {
    const struct es_element_kind *kind;
    void (*write)(struct deck *, const struct part *);
} cells[] = {
    {&es_capacitor, write_capacitor}, {&es_inductor, write_inductor}, {&es_mutual, write_mutual}, {&es_gyrator, write_gyrator},
    {&es_saturating_inductor, write_saturating_inductor}, {&es_josephson, write_josephson}, {&es_duffing, write_duffing},
    {&es_saturating_gyrator, write_saturating_gyrator}, {&es_sensing_gyrator, write_sensing_gyrator}, {&es_input, write_input}, {&es_bias, write_bias},
    {&es_source, write_voltage_source}, {&es_output, write_output}, {&es_conductance, write_conductance},
    {&es_diode, write_diode}, {&es_nagumo, write_nagumo}, {&es_skew_coupling, write_skew_coupling}, {&es_amplifier, write_amplifier}, {&es_initial, write_nothing}, {&es_final, write_nothing},
};

static void write_element(struct deck *deck, size_t i) {
    const struct es_element *e = &deck->net->element[i];
    struct part part = {e, e->name, terminal(deck, e->p), terminal(deck, e->n), deck->model->q[i],
                        es_across(e, deck->pass->flux) + deck->pass->offset[i], es_across(e, deck->pass->voltage)};
    for (size_t c = 0; c < sizeof cells / sizeof *cells; c++)
        if (cells[c].kind == e->kind)
            cells[c].write(deck, &part);
}

const char *es_deck_flux(struct es_arena *arena, const struct es_model *model, const struct es_grid *grid, size_t element, double *scale) {
    const struct es_element *e = &model->net->element[element];
    const double *q = model->q[element];
    if (e->kind == &es_gyrator || e->kind == &es_saturating_gyrator || e->kind == &es_sensing_gyrator) { // psi = C_L w / gm1
        *scale = q[2] / q[0];
        return es_deck_inner(arena, 'w', e->name);
    }
    *scale = e->kind == &es_saturating_inductor ? q[1] : e->kind == &es_josephson ? q[0] / e->kind->coefficient(q) : grid->interval;
    if (e->kind == &es_saturating_inductor || e->kind == &es_josephson || e->kind == &es_duffing)
        return es_deck_inner(arena, 'u', e->name);
    if (e->kind == &es_output && e->read == ES_READ_FLUX)
        return es_deck_inner(arena, 'f', e->name);
    return NULL;
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
static void write_points(struct deck *deck, const struct es_deck_source *s) {
    size_t last = (deck->grid->points - 1) * (s->parts ? s->parts : 1);
    bool back = deck->pass->reversal;
    double width = deck->grid->interval / (double)(s->parts ? s->parts : 1);
    add(deck, "v_%s %s 0 pwl(", s->node, s->node);
    for (size_t i = 0; i <= es_grid_steps(deck->grid) && s->skewed; i++)
        add(deck, "+ %.17g %.17g", (double)i * es_grid_step(deck->grid), s->scale * es_pass_input(deck->grid, deck->pass, s->sample, i));
    for (size_t i = 0; i <= last && !s->parts && !s->skewed; i++)
        add(deck, "+ %.17g %.17g", (double)i * width, s->sample ? s->scale * s->sample[back ? last - i : i] : 0);
    for (size_t i = 0; i < last && s->parts; i++) {
        double value = s->scale * s->sample[back ? last - 1 - i : i];
        add(deck, "+ %.17g %.17g %.17g %.17g", ((double)i + 0.0005) * width, value, ((double)i + 0.9995) * width, value);
    }
    add(deck, "+ )");
}

static void write_growth(struct deck *deck, const struct es_deck_source *s) {
    add(deck, "v_gamma gamma 0 %.17g", s->growth);
    add(deck, "b_%s %s 0 v=exp(v(gamma)*time)", s->node, s->node);
}

static void write_sources(struct deck *deck) {
    struct es_deck_source *source;
    size_t count = es_deck_sources(deck->arena, deck->model, deck->batch, deck->pass, &source);
    for (size_t i = 0; i < count; i++)
        if (at_rest(deck) && i < deck->net->channels)
            add(deck, "v_%s %s 0 %.17g", source[i].node, source[i].node, *source[i].sample);
        else if (at_rest(deck))
            return; // targets are in the nudges
        else if (deck->use == ES_DECK_USER)
            (source[i].growth != 0 ? write_growth : write_points)(deck, &source[i]);
        else
            add(deck, "v_%s %s 0 external", source[i].node, source[i].node);
}

// The currents that are injected beside elements.
static void write_injections(struct deck *deck) {
    for (size_t i = 0; i < deck->batch->injections && deck->pass->injection; i++) {
        const struct es_element *e = &deck->net->element[deck->batch->injection[i].element];
        if (!deck->batch->injection[i].series)
            add(deck, "gj_%zu %s %s j_%zu 0 1", i, terminal(deck, e->n), terminal(deck, e->p), i);
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

// Newton's method is to go on until the voltages stand; gmin is what ngspice puts beside every diode. Where a transient settles, trtol lets its steps
// be as long as a relative error of 1e-6 allows.
static char **rest_lines(struct deck *deck) {
    const struct es_network *net = deck->net;
    bool settles = deck->use == ES_DECK_SETTLE;
    double *capacitance = ES_NEW(deck->arena, net->nodes, double);
    add(deck, "echospice %s, %s state of rest", net->name, deck->pass->nudge ? "nudged" : "free");
    add(deck, ".options noacct norefvalue reltol=1e-10 vntol=1e-13 abstol=1e-18 gmin=1e-20 itl1=1000%s", settles ? " method=gear trtol=1e4" : "");
    write_sources(deck);
    for (size_t i = 0; i < net->elements; i++)
        write_element(deck, i);
    if (settles && !es_network_active(net))
        settling(deck, capacitance);
    for (size_t i = 0; i < net->nodes; i++)
        if (capacitance[i] > 0)
            add(deck, "cs_%s %s 0 %.17g ic=%.17g", net->node[i].name, terminal(deck, (int)i), capacitance[i], deck->pass->voltage[i]);
        else if (!settles && net->node[i].source < 0 && deck->pass->voltage[i] != 0)
            add(deck, ".nodeset v(%s)=%.17g", terminal(deck, (int)i), deck->pass->voltage[i]);
    if (!settles)
        add(deck, ".op");
    add(deck, ".end");
    deck->line[deck->lines] = NULL;
    return deck->line;
}

char **es_deck_lines(struct es_arena *arena, const struct es_model *model, const struct es_batch *batch, const struct es_pass *pass,
                     enum es_deck_use use) {
    const struct es_network *net = model->net;
    const struct es_grid *grid = &batch->grid;
    struct deck deck = {.arena = arena, .model = model, .net = net, .batch = batch, .grid = grid, .pass = pass, .use = use, .series = ES_NEW(arena, net->elements, bool)};
    for (size_t i = 0; i < batch->injections && pass->injection; i++)
        deck.series[batch->injection[i].element] |= batch->injection[i].series;
    deck.grown = use == ES_DECK_UNIFORM ? 1 - pass->growth * es_grid_step(grid) / 2 : 1;
    double h = es_grid_step(grid), end = (double)(grid->points - 1) * grid->interval;
    if (at_rest(&deck))
        return rest_lines(&deck);
    const char *tolerance = is_nonlinear(net, pass->window || pass->growth != 0) ? "reltol=1e-9 vntol=1e-12 abstol=1e-15" : "reltol=1e-6";
    add(&deck, "echospice %s, %s pass%s", net->name, pass->reversal ? "echo" : "free", pass->growth != 0 ? " with gain" : "");
    add(&deck, ".options noacct norefvalue method=trap%s%s", use == ES_DECK_ADAPTIVE ? "" : " trtol=1e30 ", use == ES_DECK_ADAPTIVE ? "" : tolerance);
    write_sources(&deck);
    for (size_t i = 0; i < net->elements; i++)
        write_element(&deck, i);
    write_injections(&deck);
    if (use == ES_DECK_USER)
        add(&deck, ".tran %.17g %.17g 0 %.17g uic", h, end, h);
    add(&deck, ".end");
    deck.line[deck.lines] = NULL;
    return deck.line;
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

char *es_deck_text(const struct es_model *model, const struct es_batch *batch, const struct es_pass *pass, enum es_deck_use use, double frequency_error) {
    struct es_arena *arena = es_arena_new();
    char **line = es_deck_lines(arena, model, batch, pass, use), *text = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&text, &size);
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
