// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// Parts as elements. G p n c d g: a current g (v_c - v_d) from p through it to n, so out of the node p and into n.
#include "import/circuit.h"

#include <math.h>
#include <string.h>

static bool at_ground(const struct es_import_part *part) { // ends at ground on one side only
    return (part->node[0] < 0) != (part->node[1] < 0);
}

static int other_end(const struct es_import_part *part, int node) {
    return part->node[0] == node ? part->node[1] : part->node[0];
}

static void leave_out(struct es_circuit_import *c, struct es_import_part *part, const char *why) {
    part->taken = true;
    es_import_note(c, part->line->at, es_arena_printf(c->arena, "\"%s\" %s: it is left out", part->flat->name, why));
}

// The part makes an element of that kind between p and n, turned so that p is not ground. Returns 1, or -1 where it is turned.
static double make(struct es_import_part *part, const struct es_element_kind *kind, int p, int n) {
    part->taken = true;
    part->kind = kind;
    part->turned = p < 0;
    part->p = p < 0 ? n : p;
    part->n = p < 0 ? p : n;
    for (size_t q = 0; q < ES_QUANTITIES; q++)
        part->value[q] = q < ES_QUANTITIES && kind->quantity[q].name && kind->quantity[q].optional ? NAN : 0;
    return part->turned ? -1 : 1;
}

// ---- what is held ----------------------------------------------------------------------------------------------------

int es_import_held(const struct es_circuit_import *c, int node, double *factor) {
    *factor = 1;
    for (int deep = 0; node >= 0 && c->node[node].holder >= 0 && deep < ES_SPICE_DEPTH; deep++) {
        const struct es_import_part *holder = &c->part[c->node[node].holder];
        *factor *= holder->node[0] == node ? 1 : -1;
        if (holder->letter == 'v') {
            *factor *= holder->wave ? 1 : holder->flat->value;
            return c->node[node].holder;
        }
        bool plus = holder->node[3] < 0; // an E, controlled between one node and ground
        *factor *= plus ? holder->flat->value : -holder->flat->value;
        node = plus ? holder->node[2] : holder->node[3];
    }
    return -1;
}

static enum es_status hold(struct es_circuit_import *c, int i) {
    struct es_import_part *part = &c->part[i];
    int node = part->node[0] >= 0 ? part->node[0] : part->node[1];
    if (!at_ground(part))
        return es_import_refuse(c, part, "is a voltage source between %s; expected one end at ground, as a network's sources hold nodes against ground",
                                node < 0 || part->node[0] == part->node[1] ? "one node and itself" : "two nodes");
    if (c->node[node].holder >= 0)
        return es_import_refuse(c, part, "holds the node \"%s\", which \"%s\" holds already; expected one source at a node", c->node[node].name,
                                c->part[c->node[node].holder].flat->name);
    c->node[node].holder = i;
    return ES_OK;
}

// The signal between two control nodes, one of which is at ground; -1 if no source holds the other.
static int signal_between(const struct es_circuit_import *c, int plus, int minus, double *factor) {
    int signal = es_import_held(c, plus >= 0 ? plus : minus, factor);
    if (plus < 0)
        *factor = -*factor;
    return plus >= 0 && minus >= 0 ? -1 : signal;
}

// V first, then E that they control.
static enum es_status find_held(struct es_circuit_import *c) {
    enum es_status status = ES_OK;
    double factor;
    for (size_t i = 0; i < c->parts && status == ES_OK; i++)
        if (c->part[i].letter == 'v' && !c->part[i].taken)
            status = hold(c, (int)i);
    for (bool changed = true; changed && status == ES_OK;) {
        changed = false;
        for (size_t i = 0; i < c->parts && status == ES_OK; i++) {
            struct es_import_part *part = &c->part[i];
            int node = part->node[0] >= 0 ? part->node[0] : part->node[1];
            if (part->letter != 'e' || part->taken || !at_ground(part) || c->node[node].holder == (int)i ||
                signal_between(c, part->node[2], part->node[3], &factor) < 0)
                continue;
            status = hold(c, (int)i);
            changed = true;
        }
    }
    return status;
}

// ---- what carries nothing, and what reads ----------------------------------------------------------------------------

static void compare(struct es_circuit_import *c, struct es_import_part *output, int signal, double scale) {
    if (signal < 0)
        return;
    output->target = signal;
    output->target_scale = scale;
    c->part[signal].taken = true;
}

// A capacitor of 0 F stands where a nudge would be, perhaps behind an E with the target: E m n y 0 1, C p m 0.
static void read_voltage(struct es_circuit_import *c, struct es_import_part *part) {
    int p = part->node[0], m = part->node[1], n = m;
    struct es_import_part *behind = NULL;
    for (size_t i = 0; m >= 0 && c->node[m].ends == 2 && !c->node[m].controls && i < 2; i++)
        if (c->part[c->node[m].end[i]].letter == 'e' && c->part[c->node[m].end[i]].node[0] == m)
            behind = &c->part[c->node[m].end[i]];
    if (behind) {
        double factor;
        n = behind->node[1];
        int signal = signal_between(c, behind->node[2], behind->node[3], &factor);
        behind->taken = true;
        c->node[m].holder = -1;
        compare(c, part, signal, factor * behind->flat->value);
    }
    if (p == n) {
        leave_out(c, part, "has both ends at one node");
        return;
    }
    if (part->flat->name[1] != 'n') // as our own decks call theirs
        es_import_note(c, part->line->at, es_arena_printf(c->arena, "\"%s\" of 0 F is an output, of the voltage across it", part->flat->name));
    double sign = make(part, &es_output, p, n);
    part->read = ES_READ_VOLTAGE;
    part->target_scale *= sign;
}

// Parts of 0 F and 0 S draw no current.
static void leave_zeros(struct es_circuit_import *c) {
    for (size_t i = 0; i < c->parts; i++) {
        struct es_import_part *part = &c->part[i];
        if (part->taken || part->flat->value != 0)
            continue;
        if (part->letter == 'c')
            read_voltage(c, part);
        else if (part->letter == 'g')
            part->taken = true; // noted below, as it may tell of a target
    }
}

// A node with nothing but a capacitor and a transconductor to ground. *charged and *fed are these.
static bool is_integrator(struct es_circuit_import *c, int node, struct es_import_part **charged, struct es_import_part **fed, struct es_import_part **leak,
                          struct es_import_part **offset) {
    *charged = *fed = *leak = *offset = NULL;
    bool good = c->node[node].holder < 0;
    for (size_t i = 0; i < c->node[node].ends && good; i++) {
        struct es_import_part *part = &c->part[c->node[node].end[i]], **slot = NULL;
        switch (part->letter) {
        case 'c':
            slot = charged;
            break;
        case 'g':
            slot = fed;
            break;
        case 'r':
            slot = leak;
            break;
        case 'i':
            slot = part->wave ? NULL : offset;
            break;
        default:
            break;
        }
        good = slot && !*slot && at_ground(part) && !part->taken;
        if (good)
            *slot = part;
    }
    return good && *charged && *fed && (*charged)->flat->value > 0;
}

// Current of a transconductor into `node` at v_p - v_n = 1 V.
static double into(const struct es_import_part *g, int node, int p, int n) {
    double sign = (g->node[1] == node ? 1 : -1) * (g->node[2] == p && g->node[3] == n ? 1 : g->node[2] == n && g->node[3] == p ? -1 : 0);
    return sign * g->flat->value;
}

// An integrator that nothing reads but transconductors of 0 S, one of which may compare it with a target.
static void read_flux(struct es_circuit_import *c, int f) {
    struct es_import_part *charged, *fed, *leak, *offset;
    double factor;
    if (!is_integrator(c, f, &charged, &fed, &leak, &offset) || leak || offset || (fed->node[2] == f || fed->node[3] == f) || fed->node[2] == fed->node[3])
        return;
    if (signal_between(c, fed->node[2], fed->node[3], &factor) >= 0)
        return; // an input at a capacitor
    for (size_t i = 0; i < c->node[f].controls; i++)
        if (c->part[c->node[f].control[i]].flat->value != 0)
            return;
    double unit = charged->flat->value / into(fed, f, fed->node[2], fed->node[3]); // [Wb] / [V]
    if (fed->flat->name[1] != 'f') // which our own decks call so
        es_import_note(c, fed->line->at, es_arena_printf(c->arena, "\"%s\" and \"%s\" only read: an output of the flux that they integrate", fed->flat->name, charged->flat->name));
    double sign = make(fed, &es_output, fed->node[2], fed->node[3]) * (unit < 0 ? -1 : 1); // turned below where unit < 0
    if (unit < 0 && fed->n >= 0) {
        int p = fed->p;
        fed->p = fed->n;
        fed->n = p;
    } else if (unit < 0)
        sign = -sign;
    charged->taken = true;
    fed->read = ES_READ_FLUX;
    double v = (charged->node[0] == f ? 1 : -1) * charged->flat->initial;
    fed->initial = sign * unit * v;
    for (size_t i = 0; i < c->node[f].controls; i++) {
        const struct es_import_part *g = &c->part[c->node[f].control[i]];
        int y = g->node[2] == f ? g->node[3] : g->node[2];
        if (y >= 0 && fed->target < 0)
            compare(c, fed, signal_between(c, y, ES_GROUND, &factor), sign * unit * factor);
    }
}

// ---- gyrators --------------------------------------------------------------------------------------------------------

// C w 0, G 0 w p n gm1, G p n w 0 gm2: the current gm2 v_w from p to n, C dv_w/dt = gm1 (v_p - v_n).
static enum es_status find_gyrator(struct es_circuit_import *c, int w) {
    struct es_import_part *charged, *fed, *leak, *offset, *back;
    if (c->node[w].controls != 1 || !is_integrator(c, w, &charged, &fed, &leak, &offset))
        return ES_OK;
    back = &c->part[c->node[w].control[0]];
    int p = back->node[0], n = back->node[1];
    bool alone = back->node[2] < 0 || back->node[3] < 0, pair = (fed->node[2] == p && fed->node[3] == n) || (fed->node[2] == n && fed->node[3] == p);
    if (back->letter != 'g' || back->taken || back == fed || !alone || !pair || p == n || p == w || n == w)
        return ES_OK;
    double gm1 = into(fed, w, p, n), gm2 = (back->node[2] == w ? 1 : -1) * back->flat->value;
    if (p < 0) {
        gm1 = -gm1;
        gm2 = -gm2;
    }
    if (!(gm1 * gm2 > 0))
        return es_import_refuse(c, back, "and \"%s\" act as a negative inductance through \"%s\"; swap the outputs, or the inputs, of one of them", fed->flat->name,
                                charged->flat->name);
    double sign = gm1 < 0 ? -1 : 1, v = (charged->node[0] == w ? 1 : -1) * charged->flat->initial; // of v_w
    fed->taken = charged->taken = true;
    make(fed, &es_gyrator, p, n);
    fed->turned = false;
    back->taken = true;
    fed->value[0] = sign * gm1;
    fed->value[1] = sign * gm2;
    fed->value[2] = charged->flat->value;
    fed->value[3] = v != 0 ? sign * v : NAN;
    if (leak && !(leak->flat->value > 0))
        return es_import_refuse(c, leak, "is a resistor of %g ohm; expected more than 0", leak->flat->value);
    if (leak) {
        leak->taken = true;
        fed->value[4] = 1 / leak->flat->value;
    }
    if (offset) {
        offset->taken = true;
        fed->value[5] = (offset->node[1] == w ? 1 : -1) * offset->flat->value / gm1;
    }
    return ES_OK;
}

// Where both ends of a resonator could be the inner one: those that are called so first, then the one that comes later.
static enum es_status find_gyrators(struct es_circuit_import *c) {
    enum es_status status = ES_OK;
    for (int round = 0; round < 2; round++)
        for (size_t i = c->nodes; i-- > 0 && status == ES_OK;)
            if (round == 1 || strncmp(c->node[i].name, "w_", 2) == 0)
                status = find_gyrator(c, (int)i);
    return status;
}

// ---- one by one ------------------------------------------------------------------------------------------------------

static bool is_coupled(const struct es_circuit_import *c, const struct es_import_part *part) {
    for (size_t i = 0; i < c->parts; i++)
        if (c->part[i].letter == 'k' && (strcmp(c->part[i].flat->of[0], part->flat->name) == 0 || strcmp(c->part[i].flat->of[1], part->flat->name) == 0))
            return true;
    return false;
}

// The resistor in series with an inductor at its node q, or NULL.
static struct es_import_part *in_series(const struct es_circuit_import *c, const struct es_import_part *l, int q) {
    struct es_import_part *r = NULL;
    if (q < 0 || c->node[q].ends != 2 || c->node[q].controls || c->node[q].holder >= 0)
        return NULL;
    for (size_t i = 0; i < 2; i++)
        if (c->part[c->node[q].end[i]].letter == 'r')
            r = &c->part[c->node[q].end[i]];
    return r && !r->taken && other_end(r, q) != q && other_end(r, q) != other_end(l, q) ? r : NULL;
}

static enum es_status take_inductor(struct es_circuit_import *c, struct es_import_part *part) {
    struct es_import_part *r = NULL;
    int end[2] = {part->node[0], part->node[1]};
    bool coupled = is_coupled(c, part);
    if (!(part->flat->value > 0))
        return es_import_refuse(c, part, "is an inductor of %g H; expected more than 0", part->flat->value);
    if (coupled && part->flat->side_by_side != 1)
        return es_import_refuse(c, part, "is %g inductors side by side, and coupled; expected m = 1", part->flat->side_by_side);
    for (int i = 0; i < 2 && !r && !coupled; i++)
        if ((r = in_series(c, part, end[i])))
            end[i] = other_end(r, end[i]);
    if (end[0] == end[1])
        return es_import_refuse(c, part, "has both ends at one node; expected two nodes");
    double sign = make(part, &es_inductor, end[0], end[1]);
    part->value[0] = part->flat->value;
    part->value[1] = part->flat->initial != 0 ? sign * part->flat->initial : NAN;
    if (r && !(r->flat->value > 0))
        return es_import_refuse(c, r, "is a resistor of %g ohm; expected more than 0", r->flat->value);
    if (r) {
        r->taken = true;
        part->value[2] = r->flat->value;
    }
    return ES_OK;
}

static enum es_status take_capacitor(struct es_circuit_import *c, struct es_import_part *part) {
    if (!(part->flat->value > 0))
        return es_import_refuse(c, part, "is a capacitor of %g F; expected more than 0", part->flat->value);
    make(part, &es_capacitor, part->node[0], part->node[1]);
    part->value[0] = part->flat->value;
    return ES_OK;
}

static enum es_status take_resistor(struct es_circuit_import *c, struct es_import_part *part) {
    if (!(part->flat->value > 0))
        return es_import_refuse(c, part, "is a resistor of %g ohm; expected more than 0", part->flat->value);
    make(part, &es_conductance, part->node[0], part->node[1]);
    part->value[0] = 1 / part->flat->value;
    return ES_OK;
}

static enum es_status take_current(struct es_circuit_import *c, struct es_import_part *part) {
    double sign = make(part, &es_input, part->node[1], part->node[0]);
    part->signal = (int)(part - c->part);
    part->value[0] = sign * (part->wave ? part->flat->side_by_side : part->flat->value);
    part->turned = false;
    return ES_OK;
}

static enum es_status take_transconductor(struct es_circuit_import *c, struct es_import_part *part) {
    double factor;
    int p = part->node[0], n = part->node[1];
    int signal = signal_between(c, part->node[2], part->node[3], &factor);
    bool across = (part->node[2] == p && part->node[3] == n) || (part->node[2] == n && part->node[3] == p);
    double conductance = (part->node[2] == p ? 1 : -1) * part->flat->value;
    if (signal >= 0) {
        double sign = make(part, &es_input, n, p);
        part->signal = signal;
        part->value[0] = sign * factor * part->flat->value;
        return ES_OK;
    }
    if (across && conductance > 0) {
        make(part, &es_conductance, p, n);
        part->value[0] = conductance;
        return ES_OK;
    }
    return es_import_refuse(c, part, "is a transconductor that is no input (its control is at no node that a voltage source holds against ground) and no half of a gyrator (two of "
                                     "them, and a capacitor to ground at a node where nothing else is): it follows from no Lagrangian");
}

static enum es_status take_source(struct es_circuit_import *c, struct es_import_part *part) {
    double factor;
    int node = part->node[0] >= 0 ? part->node[0] : part->node[1];
    bool used = false;
    if (node < 0 || c->node[node].holder != (int)(part - c->part))
        return es_import_refuse(c, part, "is a voltage-controlled voltage source that no voltage source controls; expected one end, and its control, at ground, and the other "
                                         "end of the control at a node that a V holds");
    for (size_t i = 0; i < c->parts; i++)
        used |= c->part[i].kind && c->part[i].kind != &es_mutual && (c->part[i].p == node || c->part[i].n == node);
    part->taken = true;
    if (!used)
        return ES_OK;
    part->signal = es_import_held(c, node, &factor);
    make(part, &es_source, node, ES_GROUND);
    part->value[0] = factor;
    return ES_OK;
}

static enum es_status take_coupling(struct es_circuit_import *c, struct es_import_part *part) {
    part->taken = true;
    part->kind = &es_mutual; // its value in network.c, where its inductors are known
    (void)c;
    return ES_OK;
}

static const struct {
    char letter;
    enum es_status (*take)(struct es_circuit_import *c, struct es_import_part *part);
} forms[] = {
    {'l', take_inductor}, {'c', take_capacitor}, {'r', take_resistor}, {'i', take_current}, {'g', take_transconductor}, {'k', take_coupling},
    {'v', take_source}, {'e', take_source}, // which of them drive elements is known last
};

static enum es_status take_letter(struct es_circuit_import *c, size_t form) {
    enum es_status status = ES_OK;
    for (size_t i = 0; i < c->parts && status == ES_OK; i++) {
        struct es_import_part *part = &c->part[i];
        if (part->taken || part->letter != forms[form].letter)
            continue;
        if (strchr("crig", part->letter) && part->node[0] == part->node[1])
            leave_out(c, part, "has both ends at one node");
        else if (part->letter == 'i' && !part->wave && part->flat->value == 0)
            leave_out(c, part, "gives no current");
        else
            status = forms[form].take(c, part);
    }
    return status;
}

// V that nothing listens to.
static void note_silent(struct es_circuit_import *c) {
    bool *heard = ES_NEW(c->arena, c->parts, bool);
    for (size_t i = 0; i < c->parts; i++) {
        if (c->part[i].kind && c->part[i].signal >= 0)
            heard[c->part[i].signal] = true;
        if (c->part[i].target >= 0)
            heard[c->part[i].target] = true;
    }
    for (size_t i = 0; i < c->parts; i++)
        if (c->part[i].letter == 'v' && !heard[i] && (c->part[i].wave || c->part[i].flat->value != 0))
            es_import_note(c, c->part[i].line->at, es_arena_printf(c->arena, "\"%s\" drives nothing: it is left out", c->part[i].flat->name));
}

enum es_status es_import_recognise(struct es_circuit_import *c) {
    enum es_status status = find_held(c);
    if (status != ES_OK)
        return status;
    leave_zeros(c);
    for (size_t i = 0; i < c->nodes; i++)
        read_flux(c, (int)i);
    for (size_t i = 0; i < c->parts; i++)
        if (c->part[i].letter == 'g' && c->part[i].flat->value == 0)
            leave_out(c, &c->part[i], "of 0 S draws no current");
    status = find_gyrators(c);
    for (size_t i = 0; i < sizeof forms / sizeof *forms && status == ES_OK; i++)
        status = take_letter(c, i);
    if (status == ES_OK)
        note_silent(c);
    return status;
}
