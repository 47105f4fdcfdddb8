// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
#include "netlist/bench.h"

#include "netlist/deck.h"
#include "netlist/dialect.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

// The edge has break points, between which steps are tiny: the flip is then as good as at T.
static const double edge_of_step = 1e-3;

bool es_bench_same(const char *a, const char *b) {
    return a && b && strcasecmp(a, b) == 0;
}

static bool is_capacitor(const struct es_part *part) {
    return part->primitive == ES_PART_CAPACITOR && es_bench_same(part->prefix, "c");
}

// Whether the reversal exchanges the part's outputs, or their sign.
static bool is_exchanged(const struct es_bench *w, size_t i) {
    const struct es_part *a = &w->pass[0]->part[i], *b = &w->pass[1]->part[i];
    return (es_bench_same(a->p, b->n) && es_bench_same(a->n, b->p)) || (a->value != 0 && a->value == -b->value);
}

struct es_part *es_bench_copy(struct es_circuit *to, const struct es_part *from) {
    struct es_part *part = es_circuit_add(to, from->primitive, from->prefix, from->name, from->p, from->n, from->value);
    *part = *from;
    return part;
}

void es_bench_add_instance(struct es_bench *w, struct es_circuit *to, const char *name, const char *of, const char *cell, size_t nodes, const char *const *node) {
    struct es_part *part = es_circuit_add(to, ES_PART_INSTANCE, "x", name, NULL, NULL, 0);
    part->of = of;
    part->cell = cell;
    part->nodes = nodes;
    part->node = ES_NEW(w->arena, nodes, const char *);
    memcpy(part->node, node, nodes * sizeof *node);
}

static void add_chopper(struct es_bench *w, struct es_circuit *to, const char *name, const char *cell, const char *a, const char *b, const char *c, const char *d) {
    es_bench_add_instance(w, to, name, "chopper", cell, 5, (const char *const[]){a, b, c, d, "ck"});
}

static void add_swapped_capacitor(struct es_bench *w, const struct es_part *from) {
    struct es_part *part = es_bench_copy(w->inner, from);
    const char *p = es_arena_printf(w->arena, "q_%s_1", from->name), *n = es_arena_printf(w->arena, "q_%s_2", from->name);
    part->p = p;
    part->n = n;
    add_chopper(w, w->inner, es_arena_printf(w->arena, "swap_%s", from->name), from->cell, p, n, from->p, from->n);
}

// Whether two parts are the halves of one output between two nodes, from wire to wire each.
static bool are_halves(const struct es_part *a, const struct es_part *b) {
    size_t length = strlen(a->p);
    return a->primitive == b->primitive && es_bench_same(a->prefix, b->prefix) && a->value == -b->value && es_bench_same(a->c, b->c) && es_bench_same(a->d, b->d) && length == strlen(b->p) &&
           strncmp(a->p, b->p, length - 1) == 0 && a->p[length - 1] == 'p' && b->p[length - 1] == 'n';
}

size_t es_bench_add_chopped(struct es_bench *w, struct es_circuit *to, const struct es_part *from, bool more) {
    bool halves = more && are_halves(from, from + 1);
    const char *z[4];
    for (size_t i = 0; i < 4; i++)
        z[i] = es_arena_printf(w->arena, "z_%s_%s_%zu", from->prefix, from->name, i + 1);
    struct es_part *first = es_bench_copy(to, from);
    first->p = z[0];
    first->n = halves ? z[2] : z[1];
    if (halves) {
        struct es_part *second = es_bench_copy(to, from + 1);
        second->p = z[1];
        second->n = z[3];
        add_chopper(w, to, es_arena_printf(w->arena, "p_%s_%s", from->prefix, from->name), from->cell, z[0], z[1], from->p, from[1].p);
        add_chopper(w, to, es_arena_printf(w->arena, "n_%s_%s", from->prefix, from->name), from->cell, z[2], z[3], from->n, from[1].n);
    } else
        add_chopper(w, to, es_arena_printf(w->arena, "%s_%s", from->prefix, from->name), from->cell, z[0], z[1], from->p, from->n);
    return halves ? 2 : 1;
}

// ---- the network -----------------------------------------------------------------------------------------------------

static void add_clock(struct es_bench *w, struct es_circuit *to) {
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
static void add_network(struct es_bench *w) {
    const struct es_circuit *free = w->pass[0];
    const size_t parameters = w->bench->model->net->parameters;
    bool swaps = w->bench->pass[1].reversal == &es_flip_voltages;
    add_clock(w, w->inner);
    for (size_t i = 0; i < free->parts;) {
        const struct es_part *part = &free->part[i];
        size_t sensed = es_meter_here(w, part), done = 1;
        if (part->cell && swaps && is_capacitor(part))
            add_swapped_capacitor(w, part);
        else if (part->cell && is_exchanged(w, i))
            done = es_bench_add_chopped(w, w->inner, part, i + 1 < free->parts);
        else if (sensed < parameters)
            es_meter_add_current(w, part, sensed);
        else
            es_bench_copy(w->inner, part);
        i += done;
    }
    for (size_t i = 0; i < parameters; i++) {
        size_t first = 0;
        while (es_bench_element(w, first) != es_bench_element(w, i))
            first++;
        if (first < i)
            w->measured[i] = w->measured[first];
        else if (!w->measured[i])
            es_meter_add_voltage(w, i);
    }
}

static bool is_source(const struct es_part *part) {
    return !part->cell && part->primitive == ES_PART_VOLTAGE;
}

// ---- what stands around it -------------------------------------------------------------------------------------------

// A source as a function of time: it sets no break points, at each of which ngspice would take a step of order 1.
static void add_source(struct es_bench *w, struct es_circuit *to, const struct es_part *there, const struct es_part *back) {
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
static const char *beside(struct es_bench *w, const char *side, const char *node) {
    const struct es_circuit *free = w->pass[0];
    bool shared = es_bench_same(node, "0") || es_bench_same(node, "ck");
    for (size_t i = 0; i < free->parts && !shared; i++)
        shared = is_source(&free->part[i]) && es_bench_same(free->part[i].p, node);
    return shared ? node : es_arena_printf(w->arena, "%s_%s", side, node);
}

static struct es_part beside_part(struct es_bench *w, const char *side, const struct es_part *from) {
    struct es_part part = *from;
    part.name = es_arena_printf(w->arena, "%s_%s", side, from->name);
    part.p = beside(w, side, from->p);
    part.n = beside(w, side, from->n);
    part.c = from->c ? beside(w, side, from->c) : NULL;
    part.d = from->d ? beside(w, side, from->d) : NULL;
    return part;
}

// A flux output: its integrator runs from the start; its nudge sees the miss from the flip on. A voltage output: its nudge capacitor is shorted until then.
static void add_output_part(struct es_bench *w, struct es_circuit *to, size_t i, size_t pass) {
    const char *side = pass == 1 ? "plus" : "minus";
    const struct es_part *free = &w->pass[0]->part[i];
    bool current = es_bench_same(free->prefix, "gn"), capacitor = es_bench_same(free->prefix, "cn");
    struct es_part part = beside_part(w, side, current || capacitor ? &w->pass[pass]->part[i] : free);
    if (current || capacitor) {
        const char *e = es_arena_printf(w->arena, "%s_e_%s", side, free->name), **gated = current ? &part.c : &part.p;
        es_bench_add_instance(w, to, es_arena_printf(w->arena, "gate_%s", part.name), "gate", NULL, 4, (const char *const[]){*gated, current ? part.d : part.n, e, "ck"});
        *gated = e;
        part.initial = 0;
        es_bench_copy(to, &part);
    } else if (is_exchanged(w, i))
        es_bench_add_chopped(w, to, &part, false);
    else
        es_bench_copy(to, &part);
}

static void add_side(struct es_bench *w, struct es_circuit *to, size_t pass) {
    const char *side = pass == 1 ? "plus" : "minus";
    const struct es_part *network = w->folded->part;
    while (network->primitive != ES_PART_INSTANCE)
        network++;
    const char **node = ES_NEW(w->arena, network->nodes, const char *);
    for (size_t i = 0; i < network->nodes; i++)
        node[i] = beside(w, side, network->node[i]);
    es_bench_add_instance(w, to, side, network->of, NULL, network->nodes, node);
    for (size_t i = 0; i < w->pass[0]->parts; i++)
        if (!w->pass[0]->part[i].cell && !is_source(&w->pass[0]->part[i]))
            add_output_part(w, to, i, pass);
}

static struct es_circuit *surround(struct es_bench *w) {
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

// Smallest and largest of these capacitors, without sign.
static void span(const struct es_circuit *circuit, const char *prefix, bool inside, double *least, double *most) {
    *least = INFINITY;
    *most = 0;
    for (size_t i = 0; i < circuit->parts; i++) {
        const struct es_part *part = &circuit->part[i];
        if (part->primitive == ES_PART_CAPACITOR && (part->cell != NULL) == inside && (!prefix || es_bench_same(part->prefix, prefix))) {
            *least = fmin(*least, fabs(part->value));
            *most = fmax(*most, fabs(part->value));
        }
    }
}

// Switches turn at one point of time, by one clock with opposite thresholds. Where a capacitor's current goes through them they have 1e-5 of what would
// damp it away in a pass; less is noise in the gradient. At the outputs of transconductors any resistance will do. A negative nudge capacitor C behind R runs
// away as e^{t / RC}, which the trapezoidal rule turns into (1 + 4 RC / h) in each step h: RC is 1e-6 h. Open they have a thousand million times
// the impedance of the smallest capacitor. Sparse's own choice of pivots (pivrel 1e-3) loses all digits beside such ratios in the short steps at the edge;
// abstol is for the currents of voltage sources, which those ratios round.
static void write_cells(const struct es_bench *w, FILE *stream) {
    double least, most, small, nudge, omega = w->bench->omega;
    span(w->pass[0], NULL, true, &least, &most);
    span(w->pass[1], "cn", false, &small, &nudge);
    bool swaps = w->bench->pass[1].reversal == &es_flip_voltages;
    double closed = swaps ? 1e-5 / (2 * omega * omega * most * w->length) : 1, open = 1e9 / (omega * least);
    double gate = nudge > 0 ? fmin(1, 1e-6 * es_grid_step(w->bench->grid) / nudge) : 1;
    fprintf(stream, ".options abstol=1e-6 pivrel=0.5\n"
                    "* closed until the flip, and from the flip on\n"
                    ".model straight sw(vt=-0.5 vh=0 ron=%.2g roff=%.2g)\n.model crossed sw(vt=0.5 vh=0 ron=%.2g roff=%.2g)\n"
                    ".model before sw(vt=-0.5 vh=0 ron=%.2g roff=%.2g)\n.model after sw(vt=0.5 vh=0 ron=%.2g roff=%.2g)\n", closed, open, closed, open, gate, open, gate, open);
    fprintf(stream, ".subckt chopper a_p a_n b_p b_n ck\n"
                    "s1 a_p b_p 0 ck straight\ns2 a_n b_n 0 ck straight\ns3 a_p b_n ck 0 crossed\ns4 a_n b_p ck 0 crossed\n.ends chopper\n"
                    "* e is y until the flip, then f\n"
                    ".subckt gate f y e ck\ns1 y e 0 ck before\ns2 f e ck 0 after\n.ends gate\n"
                    "* v(m) at the end is the mean of the product over the echo\n"
                    ".subckt integrator p n c d ck m gnd\nb1 gnd m i=v(p,n)*v(c,d)*v(ck)\nc1 m gnd %.17g ic=0\n.ends integrator\n", w->length);
}

// What is counted is what is right, as a failed run leaves vectors undefined. The gradient is compared in the parameters' coordinates.
// An element that no signal reaches has integrals of size 0: what is gathered there is compared with the `largest` of all.
static void write_row(const struct es_bench *w, FILE *stream, size_t i, double largest) {
    const struct es_testbench *bench = w->bench;
    const struct es_network *net = bench->model->net;
    const struct es_element *e = es_bench_element(w, i);
    double reading = es_meter_reading(w, i), scale = w->length * es_meter_scale(w, i), expected[2], size[2], weight = es_parameter_slope(net, i, bench->model->theta[i]);
    for (size_t k = 0; k < 2; k++) {
        expected[k] = bench->integral[k][i] / reading;
        size[k] = bench->size[k][i] > 0 ? bench->size[k][i] / fabs(reading) : largest;
    }
    fprintf(stream, "let plus = v(x_plus.%s)[last] * %.17g\nlet minus = v(x_minus.%s)[last] * %.17g\n", w->measured[i], scale, w->measured[i], scale);
    fprintf(stream, "let gradient = (plus - minus) * %.17g\nlet expected = %.17g\nlet difference = abs(gradient - expected) / %.17g\n", es_meter_factor(w, i), bench->gradient[i],
            bench->gradient[i] != 0 ? fabs(bench->gradient[i]) : 1);
    fprintf(stream, "echo \"%-23s\t$&plus\t$&minus\t$&gradient\t$&expected\t$&difference\"\n", es_arena_printf(w->arena, "%s %s", e->name, e->kind->quantity[net->parameter[i].quantity].name));
    for (size_t k = 0; k < 2; k++)
        fprintf(stream, "let off = abs(%s - %.17g) / %.17g\nif off < %g\nlet good = good + 1\nend\nif off > worst\nlet worst = off\nend\n", k ? "minus" : "plus", expected[k], size[k], ES_TESTBENCH_INTEGRAL);
    fprintf(stream, "let ours = ours + (%.17g * gradient) ^ 2\nlet theirs = theirs + (%.17g * expected) ^ 2\nlet both = both + %.17g ^ 2 * gradient * expected\nlet miss = miss + (%.17g * (gradient - expected)) ^ 2\n", weight, weight, weight, weight);
}

static void write_script(const struct es_bench *w, FILE *stream) {
    const struct es_testbench *bench = w->bench;
    size_t parameters = bench->model->net->parameters;
    double step = es_grid_step(bench->grid), largest = 0;
    for (size_t i = 0; i < parameters; i++)
        largest = fmax(largest, bench->size[0][i] / fabs(es_meter_reading(w, i)));
    fprintf(stream, ".control\nset numdgt=7\nsave");
    for (size_t i = 0; i < parameters; i++)
        fprintf(stream, " v(x_plus.%s) v(x_minus.%s)", w->measured[i], w->measured[i]);
    fprintf(stream, "\ntran %.17g %.17g 0 %.17g uic\nlet last = length(time) - 1\nlet done = 0\nif abs(time[last] / %.17g - 1) < 1e-9\nlet done = 1\nend\n", step, 2 * w->length, step, 2 * w->length);
    fprintf(stream, "let good = 0\nlet worst = 0\nlet both = 0\nlet ours = 0\nlet theirs = 0\nlet miss = 0\n"
                    "echo\necho \"integrals of what the element senses, half a square [A^2 s, V^2 s] or input times flux [V^2 s], gradient in SI units, beta = %g (%g per SI unit)\"\n"
                    "echo \"%-23s\tintegral +\tintegral -\tgradient\techospice\tdifference\"\n", bench->beta, bench->beta_si, "trained");
    for (size_t i = 0; i < parameters; i++)
        write_row(w, stream, i, largest);
    fprintf(stream, "let off = sqrt(miss / theirs)\nlet cosine = both / sqrt(ours * theirs)\nlet turn = 1 - cosine\n"
                    "echo \"integrals: $&good of %zu within %g, the worst off by $&worst\"\necho \"gradient: relative error $&off, 1 - cosine $&turn\"\n"
                    "if (done = 1) & (good = %zu) & (off < %g) & (cosine > %g)\necho agrees\nquit 0\nend\necho DISAGREES\nquit 1\n.endc\n.end\n",
            2 * parameters, ES_TESTBENCH_INTEGRAL, 2 * parameters, ES_TESTBENCH_GRADIENT, ES_TESTBENCH_COSINE);
}

static char *write_text(const struct es_bench *w, const struct es_circuit *circuit, struct es_error *error) {
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

// A nudge capacitor from wire to wire of one node leaves their mean alone. Any other loads it, and where it is negative the mean runs away, as nothing but
// common-mode feedback holds it.
static enum es_status check_output(const struct es_bench *w, size_t output, struct es_error *error) {
    const struct es_network *net = w->bench->model->net;
    const struct es_element *e = &net->element[net->output[output]];
    if (e->read == ES_READ_FLUX || (!w->bench->pass[1].target && (e->p < 0 || e->n < 0)))
        return ES_OK;
    return es_fail(error, ES_BAD_INPUT, "network \"%s\", line %d: output \"%s\" reads a voltage %s, for which a testbench has no nudge; expected outputs that read fluxes, or energies of single nodes", net->name,
                   e->line, e->name, w->bench->pass[1].target ? "that has a target" : "between two nodes");
}

static enum es_status check(const struct es_bench *w, struct es_error *error) {
    const struct es_network *net = w->bench->model->net;
    const struct es_pass *echo = &w->bench->pass[1];
    enum es_status status = ES_OK;
    if (!net->differential)
        return es_fail(error, ES_BAD_INPUT, "network \"%s\": a testbench reverses what has two wires; take a differential --technology, e.g. gyrator-differential", net->name);
    if (echo->reversal != &es_flip_voltages && echo->reversal != &es_swap_outputs)
        return es_fail(error, ES_BAD_INPUT, "network \"%s\": the reversal %s has no circuit; expected %s or %s", net->name, echo->reversal->row.name, es_flip_voltages.row.name, es_swap_outputs.row.name);
    if (echo->window || echo->growth != 0 || echo->skew != 0)
        return es_fail(error, ES_BAD_INPUT, "network \"%s\": a testbench nudges evenly along the pass; take a cost without from, to and mask, and a rule without gain", net->name);
    bool moves = false;
    for (size_t i = 0; i < net->parameters; i++)
        moves |= w->bench->gradient[i] != 0;
    if (!moves)
        return es_fail(error, ES_BAD_INPUT, "network \"%s\": the gradient of this sample is 0, so that a testbench has nothing to prove; train what reaches the outputs, or take another --sample", net->name);
    for (size_t i = 0; i < net->parameters && status == ES_OK; i++)
        status = es_meter_check(w, i, error);
    for (size_t i = 0; i < net->outputs && status == ES_OK; i++)
        status = check_output(w, i, error);
    return status;
}

// The network's cell beside those of the testbench.
static const char *name_beside(struct es_arena *arena, const char *name) {
    static const char *const taken[] = {"chopper", "gate", "integrator"};
    for (size_t i = 0; i < sizeof taken / sizeof *taken; i++)
        if (strcasecmp(name, taken[i]) == 0)
            return es_arena_printf(arena, "%s_network", name);
    return name;
}

char *es_testbench_text(const struct es_testbench *bench, struct es_error *error) {
    struct es_arena *arena = es_arena_new();
    const struct es_batch batch = {.grid = *bench->grid};
    struct es_bench w = {.bench = bench, .arena = arena, .measured = ES_NEW(arena, bench->model->net->parameters, const char *),
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
        w.folded = es_circuit_hierarchy(w.inner, name_beside(arena, bench->model->net->name));
        text = write_text(&w, surround(&w), error);
    }
    es_arena_free(arena);
    return text;
}
