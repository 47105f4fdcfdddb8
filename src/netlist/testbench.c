// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
#include "netlist/testbench.h"

#include "netlist/deck.h"
#include "netlist/dialect.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct writer {
    const struct es_testbench *bench;
    struct es_arena *arena;
    struct es_circuit *pass[3]; // the free pass and both echoes, part for part the same
    struct es_circuit *inner;   // the network with its echo hardware, before it is folded into cells
    const struct es_circuit *folded; // the same in cells, and the cell of the whole
    const char **measured; // [parameters] where the integrator is, in an instance of the network
    double length;         // T [s]
    double edge;           // half the clock's rise [s]
};

// The edge has break points, between which steps are tiny: the flip is then as good as at T.
static const double edge_of_step = 1e-3;

// Volts that stand for one ampere of an inductor's current.
static const double current_reading = 1e3;

static bool same(const char *a, const char *b) {
    return a && b && strcmp(a, b) == 0;
}

static bool is_capacitor(const struct es_part *part) {
    return part->primitive == ES_PART_CAPACITOR && same(part->prefix, "c");
}

// Whether the reversal exchanges the part's outputs, or their sign.
static bool is_exchanged(const struct writer *w, size_t i) {
    const struct es_part *a = &w->pass[0]->part[i], *b = &w->pass[1]->part[i];
    return (same(a->p, b->n) && same(a->n, b->p)) || (a->value != 0 && a->value == -b->value);
}

static struct es_part *copy(struct es_circuit *to, const struct es_part *from) {
    struct es_part *part = es_circuit_add(to, from->primitive, from->prefix, from->name, from->p, from->n, from->value);
    *part = *from;
    return part;
}

static void add_instance(struct writer *w, struct es_circuit *to, const char *name, const char *of, const char *cell, size_t nodes, const char *const *node) {
    struct es_part *part = es_circuit_add(to, ES_PART_INSTANCE, "x", name, NULL, NULL, 0);
    part->of = of;
    part->cell = cell;
    part->nodes = nodes;
    part->node = ES_NEW(w->arena, nodes, const char *);
    memcpy(part->node, node, nodes * sizeof *node);
}

static void add_chopper(struct writer *w, struct es_circuit *to, const char *name, const char *cell, const char *a, const char *b, const char *c, const char *d) {
    add_instance(w, to, name, "chopper", cell, 5, (const char *const[]){a, b, c, d, "ck"});
}

static void add_swapped_capacitor(struct writer *w, const struct es_part *from) {
    struct es_part *part = copy(w->inner, from);
    const char *p = es_arena_printf(w->arena, "q_%s_1", from->name), *n = es_arena_printf(w->arena, "q_%s_2", from->name);
    part->p = p;
    part->n = n;
    add_chopper(w, w->inner, es_arena_printf(w->arena, "swap_%s", from->name), from->cell, p, n, from->p, from->n);
}

// Whether two parts are the halves of one output between two nodes, from wire to wire each.
static bool are_halves(const struct es_part *a, const struct es_part *b) {
    size_t length = strlen(a->p);
    return a->primitive == b->primitive && same(a->prefix, b->prefix) && a->value == -b->value && same(a->c, b->c) && same(a->d, b->d) && length == strlen(b->p) &&
           strncmp(a->p, b->p, length - 1) == 0 && a->p[length - 1] == 'p' && b->p[length - 1] == 'n';
}

// The outputs of one source, or of both halves of one, behind choppers. Returns how many parts that were.
static size_t add_chopped_source(struct writer *w, struct es_circuit *to, const struct es_part *from, bool more) {
    bool halves = more && are_halves(from, from + 1);
    const char *z[4];
    for (size_t i = 0; i < 4; i++)
        z[i] = es_arena_printf(w->arena, "z_%s_%s_%zu", from->prefix, from->name, i + 1);
    struct es_part *first = copy(to, from);
    first->p = z[0];
    first->n = halves ? z[2] : z[1];
    if (halves) {
        struct es_part *second = copy(to, from + 1);
        second->p = z[1];
        second->n = z[3];
        add_chopper(w, to, es_arena_printf(w->arena, "p_%s_%s", from->prefix, from->name), from->cell, z[0], z[1], from->p, from[1].p);
        add_chopper(w, to, es_arena_printf(w->arena, "n_%s_%s", from->prefix, from->name), from->cell, z[2], z[3], from->n, from[1].n);
    } else
        add_chopper(w, to, es_arena_printf(w->arena, "%s_%s", from->prefix, from->name), from->cell, z[0], z[1], from->p, from->n);
    return halves ? 2 : 1;
}

// ---- what is sensed --------------------------------------------------------------------------------------------------

// What is integrated for a trained coefficient k of a kind: dC/dk = share D[integral a b dt], D[.] being the difference between the echoes over 2 beta.
static const struct meter {
    const struct es_element_kind *kind;
    enum es_signal a, b;
    double share;
} meters[] = {
    {&es_inductor, ES_SIGNAL_FLUX, ES_SIGNAL_FLUX, -0.5},     {&es_gyrator, ES_SIGNAL_FLUX, ES_SIGNAL_FLUX, -0.5}, {&es_mesh, ES_SIGNAL_FLUX, ES_SIGNAL_FLUX, -0.5},
    {&es_capacitor, ES_SIGNAL_VOLTAGE, ES_SIGNAL_VOLTAGE, 0.5}, {&es_input, ES_SIGNAL_INPUT, ES_SIGNAL_FLUX, 1},
};

static const struct meter *meter_of(const struct es_element *e) {
    for (size_t i = 0; i < sizeof meters / sizeof *meters; i++)
        if (meters[i].kind == e->kind)
            return &meters[i];
    return NULL;
}

struct es_accumulator es_testbench_integral(const struct es_network *net, size_t parameter) {
    size_t e = net->parameter[parameter].element;
    const struct meter *meter = meter_of(&net->element[e]);
    enum es_signal none = ES_SIGNAL_ONE;
    return (struct es_accumulator){.a = {meter ? meter->a : none, e, 0}, .b = {meter ? meter->b : none, e, 0}};
}

static const struct es_element *element_of(const struct writer *w, size_t parameter) {
    const struct es_network *net = w->bench->model->net;
    return &net->element[net->parameter[parameter].element];
}

static bool is_inductor(const struct es_element *e) {
    return e->kind == &es_inductor;
}

// integral a b dt over I, the integral of what is sensed: of amperes for an inductor's flux, of volts for all others.
static double reading_of(const struct writer *w, size_t parameter) {
    const struct es_model *model = w->bench->model;
    const struct es_element *e = element_of(w, parameter);
    const struct meter *meter = meter_of(e);
    size_t i = (size_t)(e - model->net->element);
    double flux = is_inductor(e) ? 1 / model->k[i] : e->kind == &es_input ? w->bench->grid->interval : es_deck_flux(w->arena, model, w->bench->grid, i).scale;
    return (meter->a == ES_SIGNAL_FLUX ? flux : 1) * (meter->b == ES_SIGNAL_FLUX ? flux : 1) / fabs(meter->share);
}

// dC/dtheta over I+ - I-.
static double factor_of(const struct writer *w, size_t parameter) {
    const struct es_element *e = element_of(w, parameter);
    size_t quantity = w->bench->model->net->parameter[parameter].quantity;
    double slope[ES_QUANTITIES] = {0};
    e->kind->slope(w->bench->model->q[e - w->bench->model->net->element], slope);
    return meter_of(e)->share * slope[quantity] * es_element_scale(e, quantity) * reading_of(w, parameter) / (2 * w->bench->beta_si);
}

// ES_BAD_INPUT where the parameter is none that one product of readings tells.
static enum es_status check_parameter(const struct writer *w, size_t parameter, struct es_error *error) {
    const struct es_model *model = w->bench->model;
    const struct es_element *e = element_of(w, parameter);
    const char *quantity = e->kind->quantity[model->net->parameter[parameter].quantity].name;
    if (!meter_of(e) || model->coupled[e - model->net->element] || es_element_own_state(e) || es_element_decays(e))
        return es_fail(error, ES_BAD_INPUT, "network \"%s\", line %d: %s \"%s\" trains \"%s\", for which a testbench has no integrator; expected uncoupled and lossless inductors, gyrators, "
                       "mesh conductances, capacitors and inputs, without a state of their own", model->net->name, e->line, e->kind->row.name, e->name, quantity);
    if (e->kind == &es_capacitor && es_across(e, w->bench->pass[0].voltage) != 0)
        return es_fail(error, ES_BAD_INPUT, "network \"%s\", line %d: capacitor \"%s\" trains \"%s\" and begins with a voltage, whose part of the gradient no integrator sees", model->net->name, e->line, e->name, quantity);
    return ES_OK;
}

// The integrator of `parameter` beside its element, in its cell, for the product of v(p) - v(n) and v(c) - v(d).
static void add_integrator(struct writer *w, size_t parameter, const char *cell, const char *p, const char *n, const char *c, const char *d) {
    const char *name = element_of(w, parameter)->name, *m = es_arena_printf(w->arena, "m_%s", name);
    add_instance(w, w->inner, es_arena_printf(w->arena, "product_%s", name), "integrator", cell, 7, (const char *const[]){p, n, c, d, "ck", m, "0"});
    char *path = es_arena_printf(w->arena, "x_%s.%s", cell, m);
    for (char *letter = path; *letter; letter++)
        *letter = (char)tolower((unsigned char)*letter);
    w->measured[parameter] = path;
}

// An inductor, or the first half of one, with an ammeter in series.
static void add_sensed_inductor(struct writer *w, const struct es_part *from, size_t parameter) {
    const char *name = element_of(w, parameter)->name, *y = es_arena_printf(w->arena, "y_%s", name), *s = es_arena_printf(w->arena, "s_%s", name);
    copy(w->inner, from)->n = y;
    es_circuit_add(w->inner, ES_PART_VOLTAGE, "vs", name, y, from->n, 0)->cell = from->cell;
    struct es_part *mirror = es_circuit_add(w->inner, ES_PART_CCCS, "fs", name, "0", s, 1);
    mirror->cell = from->cell;
    mirror->of = es_arena_printf(w->arena, "vs_%s", name);
    es_circuit_add(w->inner, ES_PART_RESISTOR, "rs", name, s, "0", current_reading)->cell = from->cell;
    add_integrator(w, parameter, from->cell, s, "0", s, "0");
}

// Whether a part of that name is the element's, or the first half of it.
static bool is_first(const struct es_part *part, const char *name) {
    size_t length = strlen(name);
    return strncmp(part->name, name, length) == 0 && (part->name[length] == '\0' || same(part->name + length, "_p"));
}

// The parameter of the inductor that this part is, or is the first half of; or the number of parameters.
static size_t sensed_here(const struct writer *w, const struct es_part *part) {
    size_t parameters = w->bench->model->net->parameters, i = 0;
    while (i < parameters && !(part->primitive == ES_PART_INDUCTOR && is_inductor(element_of(w, i)) && is_first(part, element_of(w, i)->name)))
        i++;
    return i;
}

// The cell of the element's own part.
static const char *cell_of(const struct writer *w, const char *name) {
    for (size_t i = 0; i < w->inner->parts; i++)
        if (w->inner->part[i].cell && is_first(&w->inner->part[i], name))
            return w->inner->part[i].cell;
    return NULL;
}

// A wire of a node that carries a signal.
static const char *wire(struct writer *w, const char *node, char which) {
    return es_arena_printf(w->arena, "%s_%c", node, which);
}

static struct es_part controlled(const char *prefix, enum es_primitive primitive, const char *name, const char *cell, const char *p, const char *n, const char *c, const char *d) {
    return (struct es_part){.primitive = primitive, .prefix = prefix, .name = name, .cell = cell, .p = p, .n = n, .c = c, .d = d, .value = 1};
}

// The voltage between two signal nodes, as *p above *n; NULL is ground.
static void add_difference(struct writer *w, const char *name, const char *cell, const char *plus, const char *minus, const char **p, const char **n) {
    const char *one = plus ? plus : minus;
    *p = wire(w, one, 'p');
    *n = wire(w, one, 'n');
    if (!plus || !minus)
        return;
    const char *s = es_arena_printf(w->arena, "s_%s", name), *t = es_arena_printf(w->arena, "t_%s", name);
    const struct es_part first = controlled("es", ES_PART_VCVS, s, cell, s, t, *p, *n), second = controlled("es", ES_PART_VCVS, t, cell, t, "0", wire(w, minus, 'n'), wire(w, minus, 'p'));
    copy(w->inner, &first);
    copy(w->inner, &second);
    *p = s;
    *n = "0";
}

static const char *node_of(struct writer *w, int node) {
    return node >= 0 ? es_deck_node(w->arena, w->bench->model->net, (size_t)node) : NULL;
}

// The flux of an input's branch in units of `interval`, as that of a flux output.
static const char *add_flux(struct writer *w, const struct es_element *e, const char *cell) {
    const char *q = es_arena_printf(w->arena, "q_%s", e->name), *p, *n;
    double interval = w->bench->grid->interval, psi = (e->p >= 0 ? 1 : -1) * es_across(e, w->bench->pass[0].flux);
    add_difference(w, e->name, cell, node_of(w, e->p), node_of(w, e->n), &p, &n);
    const struct es_part integrate = controlled("gq", ES_PART_VCCS, e->name, cell, "0", q, p, n);
    if (w->bench->pass[1].reversal->swapped)
        add_chopped_source(w, w->inner, &integrate, false);
    else
        copy(w->inner, &integrate);
    struct es_part *capacitor = es_circuit_add(w->inner, ES_PART_CAPACITOR, "cq", e->name, q, "0", interval);
    capacitor->cell = cell;
    capacitor->initial = psi / interval;
    return q;
}

// What is not an inductor's current.
static void add_sensed_voltage(struct writer *w, size_t parameter) {
    const struct es_element *e = element_of(w, parameter);
    const struct es_model *model = w->bench->model;
    const char *cell = cell_of(w, e->name), *p, *n;
    if (e->kind == &es_input) {
        const char *x = es_deck_inner(w->arena, 'x', model->net->channel[e->channel]), *q = add_flux(w, e, cell);
        add_integrator(w, parameter, cell, q, "0", e->p >= 0 ? x : "0", e->p >= 0 ? "0" : x);
        return;
    }
    struct es_deck_reading reading = es_deck_flux(w->arena, model, w->bench->grid, (size_t)(e - model->net->element));
    bool node = e->kind == &es_capacitor;
    add_difference(w, e->name, cell, node ? node_of(w, e->p) : reading.plus, node ? node_of(w, e->n) : reading.minus, &p, &n);
    add_integrator(w, parameter, cell, p, n, p, n);
}

// ---- the network -----------------------------------------------------------------------------------------------------

static void add_clock(struct writer *w, struct es_circuit *to) {
    struct es_part *clock = es_circuit_add(to, ES_PART_VOLTAGE, "v", "ck", "ck", "0", 0);
    clock->waveform = ES_WAVE_POINTS;
    clock->points = 3;
    clock->time = ES_NEW(w->arena, 3, double);
    clock->level = ES_NEW(w->arena, 3, double);
    clock->time[1] = w->length - w->edge;
    clock->time[2] = w->length + w->edge;
    clock->level[2] = 1;
}

// What stands around the network stays beside it for now, and so makes pins of the nodes that it is connected to.
static void add_network(struct writer *w) {
    const struct es_circuit *free = w->pass[0];
    const size_t parameters = w->bench->model->net->parameters;
    bool swaps = w->bench->pass[1].reversal == &es_flip_voltages;
    add_clock(w, w->inner);
    for (size_t i = 0; i < free->parts;) {
        const struct es_part *part = &free->part[i];
        size_t sensed = sensed_here(w, part), done = 1;
        if (part->cell && swaps && is_capacitor(part))
            add_swapped_capacitor(w, part);
        else if (part->cell && is_exchanged(w, i))
            done = add_chopped_source(w, w->inner, part, i + 1 < free->parts);
        else if (sensed < parameters)
            add_sensed_inductor(w, part, sensed);
        else
            copy(w->inner, part);
        i += done;
    }
    for (size_t i = 0; i < parameters; i++) {
        size_t first = 0;
        while (element_of(w, first) != element_of(w, i))
            first++;
        if (first < i)
            w->measured[i] = w->measured[first];
        else if (!is_inductor(element_of(w, i)))
            add_sensed_voltage(w, i);
    }
}

static bool is_source(const struct es_part *part) {
    return !part->cell && part->primitive == ES_PART_VOLTAGE;
}

// ---- what stands around it -------------------------------------------------------------------------------------------

// A source as a function of time: it sets no break points, at each of which ngspice would take a step of order 1.
static void add_source(struct writer *w, struct es_circuit *to, const struct es_part *there, const struct es_part *back) {
    char *text = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&text, &size);
    if (!stream)
        return;
    fprintf(stream, "pwl(time");
    for (size_t i = 0; i < there->points; i++)
        fprintf(stream, "\n+ ,%.17g,%.17g", there->time[i], there->level[i]);
    for (size_t i = 0; i < back->points; i++)
        fprintf(stream, "\n+ ,%.17g,%.17g", w->length + (i ? back->time[i] : w->edge), back->level[i]);
    fprintf(stream, ")");
    fclose(stream);
    es_circuit_add(to, ES_PART_FUNCTION, "b", there->p, there->p, "0", 0)->text = es_arena_string(w->arena, text);
    free(text);
}

// The node beside instance `side` of the network: sources and the clock serve both.
static const char *beside(struct writer *w, const char *side, const char *node) {
    const struct es_circuit *free = w->pass[0];
    bool shared = same(node, "0") || same(node, "ck");
    for (size_t i = 0; i < free->parts && !shared; i++)
        shared = is_source(&free->part[i]) && same(free->part[i].p, node);
    return shared ? node : es_arena_printf(w->arena, "%s_%s", side, node);
}

static struct es_part beside_part(struct writer *w, const char *side, const struct es_part *from) {
    struct es_part part = *from;
    part.name = es_arena_printf(w->arena, "%s_%s", side, from->name);
    part.p = beside(w, side, from->p);
    part.n = beside(w, side, from->n);
    part.c = from->c ? beside(w, side, from->c) : NULL;
    part.d = from->d ? beside(w, side, from->d) : NULL;
    return part;
}

// A flux output: its integrator runs from the start; its nudge sees the miss from the flip on. A voltage output: its nudge capacitor is shorted until then.
static void add_output_part(struct writer *w, struct es_circuit *to, size_t i, size_t pass) {
    const char *side = pass == 1 ? "plus" : "minus";
    const struct es_part *free = &w->pass[0]->part[i];
    bool current = same(free->prefix, "gn"), capacitor = same(free->prefix, "cn");
    struct es_part part = beside_part(w, side, current || capacitor ? &w->pass[pass]->part[i] : free);
    if (current || capacitor) {
        const char *e = es_arena_printf(w->arena, "%s_e_%s", side, free->name), **gated = current ? &part.c : &part.p;
        add_instance(w, to, es_arena_printf(w->arena, "gate_%s", part.name), "gate", NULL, 4, (const char *const[]){*gated, current ? part.d : part.n, e, "ck"});
        *gated = e;
        part.initial = 0;
        copy(to, &part);
    } else if (is_exchanged(w, i))
        add_chopped_source(w, to, &part, false);
    else
        copy(to, &part);
}

static void add_side(struct writer *w, struct es_circuit *to, size_t pass) {
    const char *side = pass == 1 ? "plus" : "minus";
    const struct es_part *network = w->folded->part;
    while (network->primitive != ES_PART_INSTANCE)
        network++;
    const char **node = ES_NEW(w->arena, network->nodes, const char *);
    for (size_t i = 0; i < network->nodes; i++)
        node[i] = beside(w, side, network->node[i]);
    add_instance(w, to, side, network->of, NULL, network->nodes, node);
    for (size_t i = 0; i < w->pass[0]->parts; i++)
        if (!w->pass[0]->part[i].cell && !is_source(&w->pass[0]->part[i]))
            add_output_part(w, to, i, pass);
}

static struct es_circuit *surround(struct writer *w) {
    struct es_circuit *top = ES_NEW(w->arena, 1, struct es_circuit);
    *top = (struct es_circuit){.arena = w->arena, .title = es_arena_printf(w->arena, "echospice %s, the free pass and both echoes", w->bench->model->net->name),
        .analysis = w->pass[0]->analysis, .cell = w->folded->cell, .cells = w->folded->cells};
    top->analysis.kind = ES_ANALYSIS_NONE;
    add_clock(w, top);
    for (size_t i = 0; i < w->pass[0]->parts; i++)
        if (is_source(&w->pass[0]->part[i]))
            add_source(w, top, &w->pass[0]->part[i], &w->pass[1]->part[i]);
    add_side(w, top, 1);
    add_side(w, top, 2);
    return top;
}

// ---- cells and script ------------------------------------------------------------------------------------------------

// Switches turn at one point of time, by one clock with opposite thresholds. Where a capacitor's current goes through them they have 1e-5 of what would
// damp it away in a pass; less is noise in the gradient. Elsewhere any resistance will do. Open they have a thousand million times the
// impedance of the smallest capacitor. Sparse's own choice of pivots (pivrel 1e-3) loses all digits beside such ratios in the short steps at the edge; abstol
// is for the currents of voltage sources, which those ratios round.
static void write_cells(const struct writer *w, FILE *stream) {
    double most = 0, least = INFINITY, omega = w->bench->omega;
    for (size_t i = 0; i < w->pass[0]->parts; i++) {
        const struct es_part *part = &w->pass[0]->part[i];
        if (part->cell && part->primitive == ES_PART_CAPACITOR) {
            most = fmax(most, part->value);
            least = fmin(least, part->value);
        }
    }
    bool swaps = w->bench->pass[1].reversal == &es_flip_voltages;
    double closed = swaps ? 1e-5 / (2 * omega * omega * most * w->length) : 1, open = 1e9 / (omega * least);
    fprintf(stream, ".options abstol=1e-6 pivrel=0.5\n"
                    "* closed until the flip, and from the flip on\n"
                    ".model straight sw(vt=-0.5 vh=0 ron=%.2g roff=%.2g)\n.model crossed sw(vt=0.5 vh=0 ron=%.2g roff=%.2g)\n"
                    ".model before sw(vt=-0.5 vh=0 ron=1 roff=%.2g)\n.model after sw(vt=0.5 vh=0 ron=1 roff=%.2g)\n", closed, open, closed, open, open, open);
    fprintf(stream, ".subckt chopper a_p a_n b_p b_n ck\n"
                    "s1 a_p b_p 0 ck straight\ns2 a_n b_n 0 ck straight\ns3 a_p b_n ck 0 crossed\ns4 a_n b_p ck 0 crossed\n.ends chopper\n"
                    "* e is y until the flip, then f\n"
                    ".subckt gate f y e ck\ns1 y e 0 ck before\ns2 f e ck 0 after\n.ends gate\n"
                    "* v(m) at the end is the mean of the product over the echo\n"
                    ".subckt integrator p n c d ck m gnd\nb1 gnd m i=v(p,n)*v(c,d)*v(ck)\nc1 m gnd %.17g ic=0\n.ends integrator\n", w->length);
}

// What is counted is what is right, as a failed run leaves vectors undefined. The gradient is compared in the parameters' coordinates.
static void write_row(const struct writer *w, FILE *stream, size_t i) {
    const struct es_testbench *bench = w->bench;
    const struct es_network *net = bench->model->net;
    const struct es_element *e = element_of(w, i);
    double reading = reading_of(w, i), share = fabs(meter_of(e)->share), scale = w->length * share / (is_inductor(e) ? current_reading * current_reading : 1), expected[2], weight = es_parameter_slope(net, i, bench->model->theta[i]);
    for (size_t k = 0; k < 2; k++)
        expected[k] = bench->integral[k][i] / reading;
    fprintf(stream, "let plus = v(x_plus.%s)[last] * %.17g\nlet minus = v(x_minus.%s)[last] * %.17g\n", w->measured[i], scale, w->measured[i], scale);
    fprintf(stream, "let gradient = (plus - minus) * %.17g\nlet expected = %.17g\nlet difference = abs(gradient / expected - 1)\n", factor_of(w, i), bench->gradient[i]);
    fprintf(stream, "echo \"%-23s\t$&plus\t$&minus\t$&gradient\t$&expected\t$&difference\"\n", es_arena_printf(w->arena, "%s %s", e->name, e->kind->quantity[net->parameter[i].quantity].name));
    for (size_t k = 0; k < 2; k++)
        fprintf(stream, "let off = abs(%s / %.17g - 1)\nif off < %g\nlet good = good + 1\nend\nif off > worst\nlet worst = off\nend\n", k ? "minus" : "plus", expected[k], ES_TESTBENCH_INTEGRAL);
    fprintf(stream, "let ours = ours + (%.17g * gradient) ^ 2\nlet theirs = theirs + (%.17g * expected) ^ 2\nlet both = both + %.17g ^ 2 * gradient * expected\nlet miss = miss + (%.17g * (gradient - expected)) ^ 2\n", weight, weight, weight, weight);
}

static void write_script(const struct writer *w, FILE *stream) {
    const struct es_testbench *bench = w->bench;
    size_t parameters = bench->model->net->parameters;
    double step = es_grid_step(bench->grid);
    fprintf(stream, ".control\nset numdgt=7\nsave");
    for (size_t i = 0; i < parameters; i++)
        fprintf(stream, " v(x_plus.%s) v(x_minus.%s)", w->measured[i], w->measured[i]);
    fprintf(stream, "\ntran %.17g %.17g 0 %.17g uic\nlet last = length(time) - 1\nlet done = 0\nif abs(time[last] / %.17g - 1) < 1e-9\nlet done = 1\nend\n", step, 2 * w->length, step, 2 * w->length);
    fprintf(stream, "let good = 0\nlet worst = 0\nlet both = 0\nlet ours = 0\nlet theirs = 0\nlet miss = 0\n"
                    "echo\necho \"integrals of what the element senses, half a square [A^2 s, V^2 s] or input times flux [V^2 s], gradient in SI units, beta = %g (%g per SI unit)\"\n"
                    "echo \"%-23s\tintegral +\tintegral -\tgradient\techospice\tdifference\"\n", bench->beta, bench->beta_si, "trained");
    for (size_t i = 0; i < parameters; i++)
        write_row(w, stream, i);
    fprintf(stream, "let off = sqrt(miss / theirs)\nlet cosine = both / sqrt(ours * theirs)\nlet turn = 1 - cosine\n"
                    "echo \"integrals: $&good of %zu within %g, the worst off by $&worst\"\necho \"gradient: relative error $&off, 1 - cosine $&turn\"\n"
                    "if (done = 1) & (good = %zu) & (off < %g) & (cosine > %g)\necho agrees\nquit 0\nend\necho DISAGREES\nquit 1\n.endc\n.end\n",
            2 * parameters, ES_TESTBENCH_INTEGRAL, 2 * parameters, ES_TESTBENCH_GRADIENT, ES_TESTBENCH_COSINE);
}

static char *write_text(const struct writer *w, const struct es_circuit *circuit, struct es_error *error) {
    char *body = es_circuit_text(circuit, &es_dialect_ngspice, error), *text = NULL;
    size_t size = 0, length = body ? strlen(body) : 0, end = strlen(".end\n");
    FILE *stream = body ? open_memstream(&text, &size) : NULL;
    if (stream) {
        char *rest = strchr(body, '\n') + 1;
        fprintf(stream, "%.*s* ngspice -b DECK: status 0 if integrals agree within %g, the gradient within %g, with a cosine of at least %g\n", (int)(rest - body), body,
                ES_TESTBENCH_INTEGRAL, ES_TESTBENCH_GRADIENT, ES_TESTBENCH_COSINE);
        fprintf(stream, "* reversal: %s; %.3g steps per period of the fastest mode\n", w->bench->pass[1].reversal->row.about, 2 * acos(-1) / (w->bench->omega * es_grid_step(w->bench->grid)));
        fprintf(stream, "%.*s", (int)(length - end - (size_t)(rest - body)), rest);
        write_cells(w, stream);
        write_script(w, stream);
        fclose(stream);
    }
    free(body);
    return text;
}

// ---- what has no hardware --------------------------------------------------------------------------------------------

static enum es_status check_output(const struct writer *w, const struct es_part *part, struct es_error *error) {
    if (part->cell || is_source(part) || same(part->prefix, "gf") || same(part->prefix, "cf") || same(part->prefix, "gn") || same(part->prefix, "cn"))
        return ES_OK;
    return es_fail(error, ES_BAD_INPUT, "network \"%s\": output \"%s\" has a target voltage, for which a testbench has no nudge; expected outputs that read fluxes, or energies", w->bench->model->net->name, part->name);
}

static enum es_status check(const struct writer *w, struct es_error *error) {
    const struct es_network *net = w->bench->model->net;
    const struct es_pass *echo = &w->bench->pass[1];
    enum es_status status = ES_OK;
    if (!net->differential)
        return es_fail(error, ES_BAD_INPUT, "network \"%s\": a testbench reverses what has two wires; take a differential --technology, e.g. gyrator-differential", net->name);
    if (echo->reversal != &es_flip_voltages && echo->reversal != &es_swap_outputs)
        return es_fail(error, ES_BAD_INPUT, "network \"%s\": the reversal %s has no circuit; expected %s or %s", net->name, echo->reversal->row.name, es_flip_voltages.row.name, es_swap_outputs.row.name);
    if (echo->window || echo->growth != 0 || echo->skew != 0)
        return es_fail(error, ES_BAD_INPUT, "network \"%s\": a testbench nudges evenly along the pass; take a cost without from, to and mask, and a rule without gain", net->name);
    for (size_t i = 0; i < net->parameters && status == ES_OK; i++)
        status = check_parameter(w, i, error);
    for (size_t i = 0; i < w->pass[0]->parts && status == ES_OK; i++)
        status = check_output(w, &w->pass[0]->part[i], error);
    return status;
}

char *es_testbench_text(const struct es_testbench *bench, struct es_error *error) {
    struct es_arena *arena = es_arena_new();
    const struct es_batch batch = {.grid = *bench->grid};
    struct writer w = {.bench = bench, .arena = arena, .measured = ES_NEW(arena, bench->model->net->parameters, const char *),
        .length = (double)(bench->grid->points - 1) * bench->grid->interval, .edge = edge_of_step * es_grid_step(bench->grid)};
    enum es_status status = ES_OK;
    char *text = NULL;
    for (size_t i = 0; i < 3 && status == ES_OK; i++)
        status = es_deck_circuit(arena, bench->model, &batch, &bench->pass[i], ES_DECK_USER, &w.pass[i], error);
    if (status == ES_OK)
        status = check(&w, error);
    if (status == ES_OK) {
        w.inner = ES_NEW(arena, 1, struct es_circuit);
        *w.inner = (struct es_circuit){.arena = arena};
        add_network(&w);
        w.folded = es_circuit_hierarchy(w.inner, bench->model->net->name);
        text = write_text(&w, surround(&w), error);
    }
    es_arena_free(arena);
    return text;
}
