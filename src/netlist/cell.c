// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
#include "netlist/cell.h"

#include "net/resistive.h"

#include <math.h>
#include <string.h>

// What a cell is made from: its terminals, values q, initial branch flux and voltage.
struct cell {
    const struct es_element *e;
    const char *name, *p, *n;
    const double *q;
    double psi, v;
};

static bool swapped(const struct deck *deck) {
    return deck->pass->reversal && deck->pass->reversal->swapped;
}

// The node <letter>_<name> inside a cell.
static const char *inner(struct deck *deck, char letter, const char *name) {
    return es_deck_inner(deck->arena, letter, name);
}

// The same, where it carries a signal of the network.
static const char *signal(struct deck *deck, char letter, const char *name, double start, bool floating) {
    const char *node = inner(deck, letter, name);
    es_circuit_signal(&deck->circuit, node, start, floating);
    return node;
}

// The part that was added last is that value of element e.
static void is_value(struct deck *deck, size_t e, size_t quantity) {
    struct es_part *part = &deck->circuit.part[deck->circuit.parts - 1];
    part->element = e;
    part->quantity = quantity;
    part->valued = true;
}

static size_t index_of(const struct deck *deck, const struct cell *x) {
    return (size_t)(x->e - deck->net->element);
}

static void add_resistor(struct deck *deck, const char *prefix, const char *name, const char *p, const char *n, double ohm) {
    es_circuit_add(&deck->circuit, ES_PART_RESISTOR, prefix, name, p, n, ohm);
}

static void add_capacitor(struct deck *deck, const char *prefix, const char *name, const char *p, const char *n, double farad, double volt) {
    es_circuit_add(&deck->circuit, ES_PART_CAPACITOR, prefix, name, p, n, farad)->initial = volt;
}

static void add_inductor(struct deck *deck, const char *name, const char *p, const char *n, double henry, double ampere) {
    es_circuit_add(&deck->circuit, ES_PART_INDUCTOR, "l", name, p, n, henry)->initial = ampere;
}

// p is held gain (v(a) - v(b)) above n.
static void add_amplifier(struct deck *deck, const char *prefix, const char *name, const char *p, const char *n, const char *a, const char *b, double gain) {
    struct es_part *part = es_circuit_add(&deck->circuit, ES_PART_VCVS, prefix, name, p, n, gain);
    part->c = a;
    part->d = b;
}

static void add_function(struct deck *deck, const char *prefix, const char *name, const char *p, const char *text) {
    es_circuit_add(&deck->circuit, ES_PART_FUNCTION, prefix, name, p, "0", 0)->text = text;
}

// `gain` times the current through the source `of`, from p to n.
static void add_mirror(struct deck *deck, const char *prefix, const char *name, const char *p, const char *n, const char *of, double gain) {
    es_circuit_add(&deck->circuit, ES_PART_CCCS, prefix, name, p, n, gain)->of = of;
}

static void add_fixed_transconductor(struct deck *deck, const char *prefix, const char *name, const char *from, const char *to, const char *a, const char *b, double gain) {
    struct es_part *part = es_circuit_add(&deck->circuit, ES_PART_VCCS, prefix, name, from, to, gain);
    part->c = a;
    part->d = b;
}

// A transconductor that draws gain (v(a) - v(b)) from `from` and returns it at `to`; its outputs are swapped where time runs backwards.
static void add_transconductor(struct deck *deck, const char *prefix, const char *name, const char *from, const char *to, const char *a, const char *b, double gain) {
    bool swap = swapped(deck);
    add_fixed_transconductor(deck, prefix, name, swap ? to : from, swap ? from : to, a, b, gain);
}

// The voltage of <letter>_<name> is the integral of gain (v(p) - v(n)) over capacitance, and starts at psi gain / capacitance.
static void add_integrator(struct deck *deck, char letter, const struct cell *x, double gain, double capacitance) {
    const char *node = inner(deck, letter, x->name);
    add_transconductor(deck, letter == 'f' ? "gf" : "g1", x->name, "0", node, x->p, x->n, gain);
    if (letter == 'w')
        is_value(deck, index_of(deck, x), 0);
    add_capacitor(deck, letter == 'f' ? "cf" : "cl", x->name, node, "0", capacitance, gain * x->psi / capacitance);
    if (letter == 'w')
        is_value(deck, index_of(deck, x), 2);
}

static void add_capacitor_cell(struct deck *deck, const struct cell *x) {
    if (es_deck_rests(deck) && !(deck->use == ES_DECK_SETTLE && es_network_active(deck->net)))
        return;
    add_capacitor(deck, "c", x->name, x->p, x->n, x->q[0], x->v);
    is_value(deck, index_of(deck, x), 0);
}

// The current at the start of a coupled inductor is that of its group.
static double initial_current(const struct deck *deck, const struct cell *x) {
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
    return deck->series[e - deck->net->element] && at->series && &deck->net->element[at->element] == e;
}

static const char *number(struct deck *deck, size_t i) {
    return es_arena_printf(deck->arena, "%zu", i);
}

// From its second end: the voltages that are injected, its resistance, itself.
static void add_inductor_cell(struct deck *deck, const struct cell *x) {
    const char *n = x->n, *q = n;
    bool decays = es_element_decays(x->e);
    for (size_t i = 0; i < deck->batch->injections; i++)
        if (is_in_series(deck, i, x->e)) {
            const char *name = number(deck, i), *z = signal(deck, 'z', name, 0, false);
            add_amplifier(deck, "ej", name, n, z, inner(deck, 'j', name), "0", 1);
            n = z;
        }
    if (decays) {
        q = signal(deck, 'q', x->name, 0, false);
        add_resistor(deck, "r", x->name, q, n, x->q[x->e->kind->loss]);
    }
    add_inductor(deck, x->name, x->p, decays ? q : n, x->q[0], initial_current(deck, x));
    is_value(deck, index_of(deck, x), 0);
}

static void add_mutual_cell(struct deck *deck, const struct cell *x) {
    struct es_part *part = es_circuit_add(&deck->circuit, ES_PART_COUPLING, "k", x->name, NULL, NULL, x->q[0]);
    part->of = inner(deck, 'l', deck->net->element[x->e->first].name);
    part->with = inner(deck, 'l', deck->net->element[x->e->second].name);
}

// The integrator of a gyrator, with its leakage and the currents that gm1 makes of its offset and of injected voltages.
static void add_storage(struct deck *deck, const struct cell *x) {
    const char *w = signal(deck, 'w', x->name, x->q[0] * x->psi / x->q[2], true);
    add_integrator(deck, 'w', x, x->q[0], x->q[2]);
    if (es_element_decays(x->e))
        add_resistor(deck, "r", x->name, w, "0", 1 / x->q[x->e->kind->loss]);
    if (es_element_drifts(x->e))
        es_circuit_add(&deck->circuit, ES_PART_CURRENT, "i", x->name, "0", w, (swapped(deck) ? -1 : 1) * x->q[0] * x->q[x->e->kind->drift]);
    for (size_t i = 0; i < deck->batch->injections; i++)
        if (is_in_series(deck, i, x->e)) {
            const char *name = number(deck, i);
            add_transconductor(deck, "gj", name, "0", w, inner(deck, 'j', name), "0", x->q[0]);
        }
}

static void add_gyrator_cell(struct deck *deck, const struct cell *x) {
    add_storage(deck, x);
    add_transconductor(deck, "g2", x->name, x->p, x->n, inner(deck, 'w', x->name), "0", x->q[1]);
    is_value(deck, index_of(deck, x), 1);
}

// A resistor between the mesh's nodes b, whose voltages are psi gm / C; es_cell_add_mesh() adds what is at each node.
static void add_mesh_cell(struct deck *deck, const struct cell *x) {
    const char *p = x->e->p >= 0 ? inner(deck, 'b', deck->net->node[x->e->p].name) : "0", *n = x->e->n >= 0 ? inner(deck, 'b', deck->net->node[x->e->n].name) : "0";
    add_resistor(deck, "r", x->name, p, n, 1 / x->q[0]);
    is_value(deck, index_of(deck, x), 0);
}

// Current gain f, f an expression.
static void add_curve(struct deck *deck, const struct cell *x, const char *f, double gain) {
    const char *t = inner(deck, 't', x->name);
    add_function(deck, "b", x->name, t, f);
    add_transconductor(deck, "g2", x->name, x->p, x->n, t, "0", gain);
}

// u = psi / psi_s, i = I_s tanh(u)
static void add_saturating_inductor_cell(struct deck *deck, const struct cell *x) {
    add_integrator(deck, 'u', x, 1, x->q[1]);
    add_curve(deck, x, es_arena_printf(deck->arena, "tanh(v(u_%s))", x->name), x->q[0]);
}

// u = 2 pi psi / Phi_0, i = I_c sin(u)
static void add_josephson_cell(struct deck *deck, const struct cell *x) {
    add_integrator(deck, 'u', x, 1, x->q[0] / es_josephson.coefficient(x->q));
    add_curve(deck, x, es_arena_printf(deck->arena, "sin(v(u_%s))", x->name), x->q[0]);
}

// u = psi / interval; an inductor carries the linear part
static void add_duffing_cell(struct deck *deck, const struct cell *x) {
    double unit = deck->grid->interval;
    const char *name = x->name;
    add_inductor(deck, name, x->p, x->n, x->q[0], x->psi / x->q[0]);
    add_integrator(deck, 'u', x, 1, unit);
    add_curve(deck, x, es_arena_printf(deck->arena, "v(u_%s)*v(u_%s)*v(u_%s)", name, name, name), x->q[1] * unit * unit * unit);
}

// s = w / W, i = gm2 W tanh(s)
static void add_saturating_gyrator_cell(struct deck *deck, const struct cell *x) {
    add_storage(deck, x);
    add_amplifier(deck, "e", x->name, inner(deck, 's', x->name), "0", inner(deck, 'w', x->name), "0", 1 / x->q[3]);
    add_curve(deck, x, es_arena_printf(deck->arena, "tanh(v(s_%s))", x->name), x->q[1] * x->q[3]);
}

// C_L dw/dt = gm1 V tanh(v / V), i = gm2 w
static void add_sensing_gyrator_cell(struct deck *deck, const struct cell *x) {
    const char *w = signal(deck, 'w', x->name, x->q[0] * x->psi / x->q[2], true), *t = inner(deck, 't', x->name), *s = inner(deck, 's', x->name);
    add_amplifier(deck, "e", x->name, s, "0", x->p, x->n, 1 / x->q[3]);
    add_function(deck, "b", x->name, t, es_arena_printf(deck->arena, "tanh(v(%s))", s));
    add_transconductor(deck, "g1", x->name, "0", w, t, "0", x->q[0] * x->q[3]);
    add_capacitor(deck, "cl", x->name, w, "0", x->q[2], x->q[0] * x->psi / x->q[2]);
    add_transconductor(deck, "g2", x->name, x->p, x->n, w, "0", x->q[1]);
}

static void add_input_cell(struct deck *deck, const struct cell *x) {
    add_transconductor(deck, "gi", x->name, x->n, x->p, inner(deck, 'x', deck->net->channel[x->e->channel]), "0", x->q[0]);
    is_value(deck, index_of(deck, x), 0);
}

static void add_bias_cell(struct deck *deck, const struct cell *x) {
    bool swap = swapped(deck);
    es_circuit_add(&deck->circuit, ES_PART_CURRENT, "i", x->name, swap ? x->p : x->n, swap ? x->n : x->p, x->q[0] * x->q[1]);
}

// The channel's node has the sign of current sources.
static void add_source_cell(struct deck *deck, const struct cell *x) {
    const struct es_reversal *turn = deck->pass->reversal;
    add_amplifier(deck, "e", x->name, x->p, "0", inner(deck, 'x', deck->net->channel[x->e->channel]), "0", (turn ? turn->source * turn->input : 1) * x->q[0]);
}

// With gain where the pass grows.
static void add_conductance_cell(struct deck *deck, const struct cell *x) {
    add_resistor(deck, "r", x->name, x->p, x->n, (deck->pass->growth != 0 ? -1 : 1) / x->q[0]);
    is_value(deck, index_of(deck, x), 0);
}

static void add_diode_cell(struct deck *deck, const struct cell *x) {
    es_circuit_add(&deck->circuit, ES_PART_DIODE, "d", x->name, x->p, x->n, x->q[0])->initial = x->q[1];
}

// Only an independent source measures a current in every simulator.
static void add_amplifier_cell(struct deck *deck, const struct cell *x) {
    const char *a = inner(deck, 'a', x->name);
    add_amplifier(deck, "e", x->name, a, "0", x->p, "0", x->q[0]);
    es_circuit_add(&deck->circuit, ES_PART_VOLTAGE, "va", x->name, a, x->n, 0);
    add_mirror(deck, "f", x->name, x->p, "0", es_arena_printf(deck->arena, "va_%s", x->name), 1 / x->q[0]);
}

// s = v / V, i = G V s (s^2 / 3 - 1)
static void add_nagumo_cell(struct deck *deck, const struct cell *x) {
    const char *name = x->name;
    add_amplifier(deck, "e", name, inner(deck, 's', name), "0", x->p, x->n, 1 / x->q[1]);
    add_curve(deck, x, es_arena_printf(deck->arena, "v(s_%s)*(v(s_%s)*v(s_%s)/3-1)", name, name, name), x->q[0] * x->q[1]);
}

// s = v / V: from node p k v(n) (1 - tanh(s)^2), into node n k V tanh(s)
static void add_skew_coupling_cell(struct deck *deck, const struct cell *x) {
    const char *s = inner(deck, 's', x->name), *t = inner(deck, 't', x->name), *u = inner(deck, 'u', x->name);
    bool linear = isnan(x->q[1]);
    if (!linear) {
        add_amplifier(deck, "e", x->name, s, "0", x->p, "0", 1 / x->q[1]);
        add_function(deck, "b", x->name, t, es_arena_printf(deck->arena, "tanh(v(%s))", s));
        add_function(deck, "bu", x->name, u, es_arena_printf(deck->arena, "v(%s)*(1-v(%s)*v(%s))", x->n, t, t));
    }
    add_transconductor(deck, "g1", x->name, x->p, "0", linear ? x->n : u, "0", x->q[0]);
    add_transconductor(deck, "g2", x->name, "0", x->n, linear ? x->p : t, "0", x->q[0] * (linear ? 1 : x->q[1]));
}

// ---- outputs and their nudges ----------------------------------------------------------------------------------------

// What multiplies nudges in time, as the beginning of an expression; NULL where nothing does.
static const char *factor(const struct deck *deck) {
    static const char *const factors[2][2] = {{NULL, "v(growth)*"}, {"v(window)*", "v(window)*v(growth)*"}};
    return factors[deck->pass->window != NULL][deck->pass->growth != 0];
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

static void add_flux_output(struct deck *deck, const struct cell *x, double nudge) {
    const char *f = inner(deck, 'f', x->name), *y = inner(deck, 'y', x->name);
    double unit = deck->grid->interval;
    add_integrator(deck, 'f', x, 1, unit);
    if (factor(deck)) {
        const char *m = inner(deck, 'm', x->name);
        add_function(deck, "bn", x->name, m, es_arena_printf(deck->arena, "%s(v(%s)-v(%s))", factor(deck), f, y));
        f = m;
        y = "0";
    }
    add_transconductor(deck, "gn", x->name, x->p, x->n, f, y, nudge * unit);
}

// The charge of a capacitor that grows and shrinks, carried by one that does not.
static void add_changing_capacitor(struct deck *deck, const struct cell *x, double nudge, double miss) {
    const char *name = x->name, *m = inner(deck, 'm', name), *s = inner(deck, 's', name);
    const char *target = deck->pass->target ? es_arena_printf(deck->arena, "-v(y_%s)", name) : "";
    add_function(deck, "bn", name, m, es_arena_printf(deck->arena, "%s(v(%s,%s)%s)", factor(deck), x->p, x->n, target));
    add_capacitor(deck, "cn", name, m, s, nudge, first_window(deck) * deck->grown * miss);
    es_circuit_add(&deck->circuit, ES_PART_VOLTAGE, "vn", name, s, "0", 0);
    add_mirror(deck, "fn", name, x->p, x->n, es_arena_printf(deck->arena, "vn_%s", name), 1);
    if (deck->pass->growth != 0) // its conductance
        add_fixed_transconductor(deck, "gn", name, x->p, x->n, m, "0", -deck->pass->growth * nudge);
}

// The same capacitor beside measuring circuits, its current copied between the wires of a differential network: it must not load their mean, which has
// no capacitance that a negative one could be beside.
static void add_mirrored_capacitor(struct deck *deck, const struct cell *x, double nudge, double miss) {
    const char *name = x->name, *m = inner(deck, 'm', name), *s = inner(deck, 's', name), *k = deck->pass->target ? inner(deck, 'k', name) : "0";
    add_amplifier(deck, "en", name, m, k, x->p, x->n, 1);
    if (deck->pass->target)
        add_amplifier(deck, "ey", name, k, "0", inner(deck, 'y', name), "0", -1);
    add_capacitor(deck, "cn", name, m, s, nudge, miss);
    es_circuit_add(&deck->circuit, ES_PART_VOLTAGE, "vn", name, s, "0", 0);
    add_mirror(deck, "fn", name, x->p, x->n, es_arena_printf(deck->arena, "vn_%s", name), 1);
}

static void add_voltage_output(struct deck *deck, const struct cell *x, double nudge) {
    const struct es_reversal *turn = deck->pass->reversal;
    const char *name = x->name, *n = x->n;
    double miss = x->v - first_target(deck, (size_t)x->e->channel, turn ? turn->voltage_target : 1);
    if (factor(deck)) {
        add_changing_capacitor(deck, x, nudge, miss);
        return;
    }
    if (deck->net->differential && (deck->pass->target || (x->e->p >= 0 && x->e->n >= 0))) {
        add_mirrored_capacitor(deck, x, nudge, miss);
        return;
    }
    if (deck->pass->target) {
        n = inner(deck, 'm', name);
        add_amplifier(deck, "en", name, n, x->n, inner(deck, 'y', name), "0", 1);
    }
    add_capacitor(deck, "cn", name, x->p, n, nudge, miss);
}

static void add_rest_output(struct deck *deck, const struct cell *x, double nudge) {
    if (nudge == 0)
        return;
    add_resistor(deck, "rn", x->name, x->p, x->n, 1 / nudge);
    es_circuit_add(&deck->circuit, ES_PART_CURRENT, "in", x->name, x->n, x->p, nudge * first_target(deck, (size_t)x->e->channel, 1));
}

static void add_output_cell(struct deck *deck, const struct cell *x) {
    double nudge = deck->pass->nudge ? deck->pass->nudge[x->e->channel] : 0;
    if (es_deck_rests(deck))
        add_rest_output(deck, x, nudge);
    else
        (x->e->read == ES_READ_FLUX ? add_flux_output : add_voltage_output)(deck, x, nudge);
}

static void add_nothing(struct deck *deck, const struct cell *x) { // the state at t = 0 is in the other cells
    (void)deck, (void)x;
}

static const struct cell_kind {
    const struct es_element_kind *kind;
    void (*add)(struct deck *, const struct cell *);
} kinds[] = {
    {&es_capacitor, add_capacitor_cell}, {&es_inductor, add_inductor_cell}, {&es_mutual, add_mutual_cell}, {&es_gyrator, add_gyrator_cell}, {&es_mesh, add_mesh_cell},
    {&es_saturating_inductor, add_saturating_inductor_cell}, {&es_josephson, add_josephson_cell}, {&es_duffing, add_duffing_cell},
    {&es_saturating_gyrator, add_saturating_gyrator_cell}, {&es_sensing_gyrator, add_sensing_gyrator_cell}, {&es_input, add_input_cell}, {&es_bias, add_bias_cell},
    {&es_source, add_source_cell}, {&es_output, add_output_cell}, {&es_conductance, add_conductance_cell}, {&es_diode, add_diode_cell},
    {&es_nagumo, add_nagumo_cell}, {&es_skew_coupling, add_skew_coupling_cell}, {&es_amplifier, add_amplifier_cell}, {&es_initial, add_nothing}, {&es_final, add_nothing},
};

// "gyrator_x", or x where that begins so; what measures and nudges is in no cell.
static const char *cell_name(struct deck *deck, const char *kind, const char *name) {
    bool said = strncmp(name, kind, strlen(kind)) == 0;
    char *text = es_arena_printf(deck->arena, "%s%s%s", said ? "" : kind, said ? "" : "_", name);
    for (char *c = text; *c; c++)
        if (*c == '-' || *c == '.')
            *c = '_';
    return text;
}

void es_cell_add(struct deck *deck, size_t i) {
    const struct es_element *e = &deck->net->element[i];
    struct cell cell = {e, es_deck_name(deck->arena, e->name), es_deck_terminal(deck, e->p), es_deck_terminal(deck, e->n), deck->model->q[i],
                        es_across(e, deck->pass->flux) + deck->pass->offset[i], es_across(e, deck->pass->voltage)};
    deck->circuit.inside = e->kind == &es_output ? NULL : cell_name(deck, e->kind->row.name, e->name);
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++)
        if (kinds[k].kind == e->kind)
            kinds[k].add(deck, &cell);
    deck->circuit.inside = NULL;
}

void es_cell_add_mesh(struct deck *deck, size_t node, size_t element) {
    const double *q = deck->model->q[element], u = deck->pass->flux[node] * q[1] / q[2];
    const char *name = es_deck_name(deck->arena, deck->net->node[node].name), *n = es_deck_terminal(deck, (int)node);
    deck->circuit.inside = cell_name(deck, "mesh_node", name);
    const char *phi = signal(deck, 'p', name, u, true), *e = signal(deck, 'e', name, u, false), *b = signal(deck, 'b', name, u, false);
    add_transconductor(deck, "gm", name, "0", phi, n, "0", q[1]);
    is_value(deck, element, 1);
    add_capacitor(deck, "cm", name, phi, "0", q[2], u);
    is_value(deck, element, 2);
    add_amplifier(deck, "em", name, e, "0", phi, "0", 1);
    es_circuit_add(&deck->circuit, ES_PART_VOLTAGE, "vm", name, e, b, 0);
    add_mirror(deck, "fm", name, n, "0", es_arena_printf(deck->arena, "vm_%s", name), swapped(deck) ? -1 : 1);
    deck->circuit.inside = NULL;
}
