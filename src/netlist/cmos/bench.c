// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// One transient of all echoes, with what measures them and judges.
#include "netlist/cmos/network.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PASSES = 3, PERIOD = 400, PRESET = 100 }; // steps of the fastest mode's period; of a preset

// The nudge's g of its gyrator's gm1, at most; and g T / C_L, of which the gradient's bias is the square: 7e-4 at 1.25.
static const double nudge_share = 0.04, nudge_turn = 1.25;

struct bench {
    const struct es_cmos *cmos;
    struct cmos_writer w;
    size_t steps, echoes; // of a pass; 1 without anything trained, else PASSES
    double step, edge;    // [s]
    double beta;          // beta_si of the deck
};

static const double echo_sign[PASSES] = {0, 1, -1};

static const struct es_element *element(const struct bench *b, size_t i) {
    return &b->w.net->element[i];
}

static const double *values(const struct bench *b, size_t i) {
    return b->w.model->q[i];
}

// ---- time ------------------------------------------------------------------------------------------------------------

// Pass k: its preset ends and it begins, its polarity turns in the middle of a step, it ends.
static size_t beginning(const struct bench *b, size_t k) { // in steps
    return PRESET + k * (PRESET + 2 * b->steps + 1);
}
static double begin(const struct bench *b, size_t k) {
    return b->step * (double)beginning(b, k);
}
static double turn(const struct bench *b, size_t k) {
    return b->step * ((double)(beginning(b, k) + b->steps) + 0.5);
}
static double end(const struct bench *b, size_t k) {
    return b->step * (double)(beginning(b, k) + 2 * b->steps + 1);
}

static void add_function(struct bench *b, const char *name, const char *expression) {
    es_circuit_add(b->w.circuit, ES_PART_FUNCTION, "b", name, name, "0", 0)->text = expression;
}

// ---- sources of time -------------------------------------------------------------------------------------------------

// A voltage source through points; `levels` are given with the times.
struct points {
    size_t count;
    double time[8 * PASSES], level[8 * PASSES];
};

static void add_point(struct points *points, double time, double level) {
    points->time[points->count] = time;
    points->level[points->count++] = level;
}

static void add_points(struct bench *b, const char *name, const struct points *points) {
    struct es_part *part = es_circuit_add(b->w.circuit, ES_PART_VOLTAGE, "v", name, name, "0", 0);
    part->waveform = ES_WAVE_POINTS;
    part->points = points->count;
    part->time = ES_NEW(b->w.arena, points->count, double);
    part->level = ES_NEW(b->w.arena, points->count, double);
    memcpy(part->time, points->time, points->count * sizeof *points->time);
    memcpy(part->level, points->level, points->count * sizeof *points->level);
}

// High from `on` to `off`, each an edge's beginning.
static void pulse(const struct bench *b, struct points *points, double on, double off) {
    if (points->count == 0)
        add_point(points, 0, on > 0 ? 0 : ES_CMOS_SUPPLY);
    if (on > 0) {
        add_point(points, on, 0);
        add_point(points, on + b->edge, ES_CMOS_SUPPLY);
    }
    add_point(points, off, ES_CMOS_SUPPLY);
    add_point(points, off + b->edge, 0);
}

// The signals' time in intervals of the grid: up in the free pass, down again in the echo.
static void add_time(struct bench *b) {
    struct points points = {0};
    double top = (double)(b->w.grid->points - 1) * (1 + 0.5 / (double)b->steps);
    add_point(&points, 0, 0);
    for (size_t k = 0; k < b->echoes; k++) {
        add_point(&points, begin(b, k), 0);
        add_point(&points, turn(b, k), top);
        add_point(&points, end(b, k), 0);
    }
    add_points(b, "t", &points);
}

static void add_clocks(struct bench *b) {
    struct points plus = {0}, minus = {0}, pre = {0}, idle = {0}, up = {0}, down = {0}, clear = {0};
    double held = 0, preset = PRESET * b->step, edge = b->edge;
    for (size_t k = 0; k < b->echoes; k++) {
        double flip = turn(b, k) - edge / 2, on = turn(b, k) + b->step / 2, off = end(b, k) - edge;
        pulse(b, &plus, k ? begin(b, k) - preset / 2 : 0, flip);
        pulse(b, &minus, flip, end(b, k));
        pulse(b, &pre, k ? begin(b, k) - preset + edge : 0, begin(b, k) - edge);
        if (echo_sign[k] == 0)
            continue;
        pulse(b, echo_sign[k] > 0 ? &up : &down, on, off);
        pulse(b, &idle, held, on - edge);
        held = end(b, k);
    }
    add_points(b, "clk", &plus);
    add_points(b, "clkb", &minus);
    add_points(b, "pre", &pre);
    if (b->echoes == 1)
        return;
    pulse(b, &idle, held, 2 * held);
    add_points(b, "idle", &idle);
    add_points(b, "up", &up);
    add_points(b, "down", &down);
    pulse(b, &clear, 0, begin(b, 1) - edge); // the first echo is not measured
    add_points(b, "clear", &clear);
}

// v(name) = sample(t) / unit, straight between samples.
static void add_waveform(struct bench *b, const char *name, const double *sample, double unit) {
    const size_t points = b->w.grid->points;
    bool moves = false;
    for (size_t i = 0; i < points && sample; i++)
        moves |= sample[i] != 0;
    if (!moves) {
        es_cmos_add_voltage(&b->w, name, 0);
        return;
    }
    const size_t room = 32;
    char *line = ES_NEW(b->w.arena, (points + 2) * room, char), *end = stpcpy(line, "pwl(v(t)");
    for (size_t i = 0; i <= points; i++)
        end += snprintf(end, room, "\n+ ,%zu,%.11g", i, sample[i < points ? i : points - 1] / unit);
    stpcpy(end, ")");
    add_function(b, name, line);
}

static void add_signals(struct bench *b) {
    const struct es_network *net = b->w.net;
    for (size_t c = 0; c < net->channels; c++)
        add_waveform(b, CMOS_TEXT(&b->w, "x_%s", net->channel[c]), b->w.pass->input + c * b->w.grid->points, 1);
    for (size_t o = 0; o < net->outputs && b->w.nudge; o++)
        if (b->w.nudge[o] != 0)
            add_waveform(b, CMOS_TEXT(&b->w, "y_%s", element(b, net->output[o])->name), b->w.pass->target ? b->w.pass->target + o * b->w.grid->points : NULL, b->w.grid->interval);
}

// ---- nudges ----------------------------------------------------------------------------------------------------------

// Of L_beta per unit of beta_si: c = weight (phi - y)^2 / 2.
static double weight_of(const struct bench *b, size_t o) {
    return b->cmos->echo->nudge ? -b->cmos->echo->nudge[o] / b->cmos->beta_si : 0;
}

// The largest nudge has what is best, the others follow by their weights.
static void choose_nudges(struct bench *b) {
    const struct es_network *net = b->w.net;
    double most = 0, length = b->step * (double)b->steps, *nudge = ES_NEW(b->w.arena, net->outputs, double);
    b->beta = INFINITY;
    if (es_cmos_check_outputs(&b->w) != ES_OK)
        return;
    for (size_t o = 0; o < net->outputs; o++) {
        const double *q = values(b, es_cmos_reader(net, o));
        double g = fmin(nudge_share * q[ES_CMOS_GM1], nudge_turn * q[ES_CMOS_CL] / length), per = fabs(weight_of(b, o)) * q[ES_CMOS_CL] / q[ES_CMOS_GM1];
        most = fmax(most, per);
        if (per > 0)
            b->beta = fmin(b->beta, g / per);
    }
    if (most == 0)
        b->w.status = es_fail(b->w.error, ES_BAD_INPUT, "network \"%s\": no output has a nudge; expected a flux output with a cost", net->name);
    for (size_t o = 0; o < net->outputs; o++)
        nudge[o] = b->beta * weight_of(b, o);
    b->w.nudge = nudge;
    b->w.report->beta_si = b->beta;
}

// ---- measurement -----------------------------------------------------------------------------------------------------

static const struct es_element *trained(const struct bench *b, size_t parameter) {
    return element(b, b->w.net->parameter[parameter].element);
}

static void check_parameters(struct bench *b) {
    for (size_t i = 0; i < b->w.net->parameters && b->w.status == ES_OK; i++)
        if (trained(b, i)->kind != &es_gyrator)
            b->w.status = es_fail(b->w.error, ES_BAD_INPUT, "network \"%s\", line %d: %s \"%s\" is trained, for which there is no cell that measures; expected trained gyrators and inductors alone",
                                b->w.net->name, trained(b, i)->line, trained(b, i)->kind->row.name, trained(b, i)->name);
}

// v(m_plus) and v(m_minus) at the end: the mean over an echo of (w / swing)^2.
static void add_integrators(struct bench *b, size_t i) {
    for (size_t k = 0; k < 2; k++) {
        const char *side = k ? "minus" : "plus", *name = element(b, i)->name, *square = CMOS_TEXT(&b->w, "square_%s_%s", side, name), *m = CMOS_TEXT(&b->w, "m_%s_%s", side, name);
        add_function(b, square, CMOS_TEXT(&b->w, "(v(w_%s_q,w_%s_r)/%.11g)^2*v(%s)/%.11g", name, name, ES_CMOS_SWING, k ? "down" : "up", ES_CMOS_SUPPLY));
        struct es_part *part = es_circuit_add(b->w.circuit, ES_PART_VCCS, "g", m, "0", m, 1);
        part->c = square;
        part->d = "0";
        double length = b->step * (double)b->steps;
        es_circuit_add(b->w.circuit, ES_PART_CAPACITOR, "c", m, m, "0", length);
        es_circuit_add(b->w.circuit, ES_PART_RESISTOR, "r", m, m, "0", 1e9); // for the operating point
    }
}

static void add_all_integrators(struct bench *b) {
    for (size_t i = 0; i < b->w.net->parameters; i++) {
        size_t first = 0;
        while (trained(b, first) != trained(b, i))
            first++;
        if (first == i)
            add_integrators(b, b->w.net->parameter[i].element);
    }
}

// Whether an input moves anything; one that is 0 all the time only loads its node.
static bool is_driven(const struct bench *b) {
    const struct es_grid *grid = b->w.grid;
    for (size_t i = 0; i < b->w.net->elements; i++)
        for (size_t n = 0; n < grid->points && element(b, i)->kind == &es_input; n++)
            if (b->w.pass->input[(size_t)element(b, i)->channel * grid->points + n] != 0)
                return true;
    return false;
}

// Vectors z1 .. of the state: voltages of nodes, then w of gyrators. How many.
static size_t write_states(const struct bench *b, FILE *stream, size_t first, size_t last, const char *suffix) {
    size_t count = 0;
    for (size_t i = 0; i < b->w.net->nodes; i++)
        fprintf(stream, "let z%zu%s = v(n_%s_p)[%zu,%zu] - v(n_%s_n)[%zu,%zu]\n", ++count, suffix, b->w.net->node[i].name, first, last, b->w.net->node[i].name, first, last);
    for (size_t i = 0; i < b->w.net->elements; i++)
        if (element(b, i)->kind == &es_gyrator)
            fprintf(stream, "let z%zu%s = v(w_%s_q)[%zu,%zu] - v(w_%s_r)[%zu,%zu]\n", ++count, suffix, element(b, i)->name, first, last, element(b, i)->name, first, last);
    return count;
}

static void write_sum(FILE *stream, const char *name, size_t count, const char *format) {
    fprintf(stream, "let %s = 0 * z1\n", name);
    for (size_t i = 1; i <= count; i++) {
        fprintf(stream, "let %s = %s + ", name, name);
        for (const char *c = format; *c; c++)
            *c == '#' ? fprintf(stream, "%zu", i) : fputc(*c, stream);
        fputc('\n', stream);
    }
}

// The first echo has no nudge: the free pass, and its mirror image.
static void write_retrace(const struct bench *b, FILE *stream) {
    size_t first = beginning(b, 0), back = first + b->steps + 1;
    size_t count = write_states(b, stream, first, first + b->steps, "");
    write_states(b, stream, back + b->steps, back, "b");
    write_sum(stream, "norm", count, "z#^2");
    write_sum(stream, "miss", count, "(z# - z#b)^2");
    fprintf(stream, "let retrace = sqrt(vecmax(miss) / vecmax(norm))\necho \"retrace $&retrace of the largest state, at most %g\"\n"
                    "if retrace <= %g\nlet good = good + 1\nend\n", ES_CMOS_RETRACE, ES_CMOS_RETRACE);
}

// Half the slope of the logarithm of the stored energy, by least squares.
static void write_growth(const struct bench *b, FILE *stream) {
    size_t count = 0;
    fprintf(stream, "let energy = 0 * z1\n");
    for (size_t n = 0; n < b->w.net->nodes; n++) {
        double c = 0;
        for (size_t i = 0; i < b->w.net->elements; i++)
            if (element(b, i)->kind == &es_capacitor && (element(b, i)->p == (int)n || element(b, i)->n == (int)n))
                c += values(b, i)[0];
        fprintf(stream, "let energy = energy + %.17g * z%zu^2\n", c, ++count);
    }
    for (size_t i = 0; i < b->w.net->elements; i++) {
        const struct es_element *e = element(b, i);
        const double *q = values(b, i);
        if (e->kind == &es_gyrator)
            fprintf(stream, "let energy = energy + %.17g * z%zu^2\n", q[ES_CMOS_CL] * q[ES_CMOS_GM2] / q[ES_CMOS_GM1], ++count);
        if (e->kind == &es_capacitor && e->p >= 0 && e->n >= 0) // C (va - vb)^2 = C va^2 + C vb^2 - 2 C va vb
            fprintf(stream, "let energy = energy - %.17g * z%d * z%d\n", 2 * q[0], e->p + 1, e->n + 1);
    }
    fprintf(stream, "let number = vector(%zu) / %d\nlet level = ln(energy) / 2\nlet growth = (mean(number * level) - mean(number) * mean(level)) / (mean(number^2) - mean(number)^2)\n", b->steps + 1, PERIOD);
    fprintf(stream, "echo \"growth $&growth of the amplitude per period, at most %g\"\nif abs(growth) < %g\nlet good = good + 1\nend\n", ES_CMOS_GROWTH, ES_CMOS_GROWTH);
    if (b->w.net->nodes == 1 && count == 2)
        fprintf(stream, "let angle = cph(z1 + i * z2)\nlet f0 = abs(mean(number * angle) - mean(number) * mean(angle)) / (mean(number^2) - mean(number)^2) / (2 * pi) - 1\n"
                        "echo \"f0 $&f0 off the network's %.6g Hz, at most %g\"\nif abs(f0) < %g\nlet good = good + 1\nend\n",
                b->cmos->omega / (2 * acos(-1)), ES_CMOS_FREQUENCY, ES_CMOS_FREQUENCY);
}

// dC/dtheta = -dk/dq dq/dtheta D[integral psi^2 / 2 dt], psi = C_L w / gm1.
static void write_row(const struct bench *b, FILE *stream, size_t i) {
    const struct es_element *e = trained(b, i);
    size_t k = b->w.net->parameter[i].element, quantity = b->w.net->parameter[i].quantity;
    double slope[ES_QUANTITIES] = {0}, length = b->step * (double)b->steps, psi = values(b, k)[ES_CMOS_CL] / values(b, k)[ES_CMOS_GM1] * ES_CMOS_SWING / b->w.scale;
    double weight = es_parameter_slope(b->w.net, i, b->w.model->theta[i]);
    e->kind->slope(values(b, k), slope);
    double factor = -slope[quantity] * es_element_scale(e, quantity) * psi * psi * length / 2 / (2 * b->beta);
    fprintf(stream, "let plus = v(m_plus_%s)[last]\nlet minus = v(m_minus_%s)[last]\nlet gradient = (plus - minus) * %.17g\nlet expected = %.17g\n"
                    "let squared = (v(sum_%s_p)[last] - v(sum_%s_n)[last]) * %.17g\necho \"%-23s\t$&plus\t$&minus\t$&gradient\t$&squared\t$&expected\"\n",
            e->name, e->name, factor, b->cmos->gradient[i], e->name, e->name, factor * b->w.charge[k] / (length * ES_CMOS_SWING * ES_CMOS_SWING),
            es_arena_printf(b->w.arena, "%s %s", e->name, e->kind->quantity[quantity].name));
    fprintf(stream, "let ours = ours + (%.17g * gradient) ^ 2\nlet cells = cells + (%.17g * squared) ^ 2\nlet theirs = theirs + (%.17g * expected) ^ 2\n"
                    "let both = both + %.17g ^ 2 * gradient * expected\nlet common = common + %.17g ^ 2 * squared * expected\n", weight, weight, weight, weight, weight);
}

static void write_cosine(FILE *stream, const char *what, const char *ours, const char *both) {
    fprintf(stream, "let cosine = %s / sqrt(%s * theirs)\nlet ratio = sqrt(%s / theirs)\necho \"%s: cosine $&cosine, at least %g, norm $&ratio of echospice's\"\n"
                    "if cosine >= %g\nlet good = good + 1\nend\n", both, ours, ours, what, ES_CMOS_COSINE, ES_CMOS_COSINE);
}

static void write_gradient(const struct bench *b, FILE *stream) {
    fprintf(stream, "let ours = 0\nlet cells = 0\nlet theirs = 0\nlet both = 0\nlet common = 0\nlet last = length(v(t)) - 1\n"
                    "echo\necho \"means of (w / %g V)^2 over the echoes, gradient in SI units, beta = %.6g per SI unit, signals times %.6g\"\n"
                    "echo \"%-23s\techo +\techo -\tgradient\tsquarers\techospice\"\n", ES_CMOS_SWING, b->beta, b->w.scale, "trained");
    for (size_t i = 0; i < b->w.net->parameters; i++)
        write_row(b, stream, i);
    write_cosine(stream, "gradient", "ours", "both");
    write_cosine(stream, "squarers", "cells", "common");
}

static void write_wires(const struct bench *b, FILE *stream) {
    for (size_t i = 0; i < b->w.net->nodes; i++)
        fprintf(stream, " v(n_%s_p) v(n_%s_n)", b->w.net->node[i].name, b->w.net->node[i].name);
    for (size_t i = 0; i < b->w.net->elements; i++)
        if (element(b, i)->kind == &es_gyrator)
            fprintf(stream, " v(w_%s_q) v(w_%s_r)", element(b, i)->name, element(b, i)->name);
}

// Its switching needs smaller tolerances than ngspice's.
static void write_gnucap(const struct bench *b, FILE *stream) {
    fprintf(stream, ".options reltol=1e-7 vntol=1e-9 abstol=1e-14 chgtol=1e-18 trtol=1 numdgt=12\n.print tran");
    write_wires(b, stream);
    fprintf(stream, "\n.tran %.12g %.12g 0 %.12g\n.end\n", b->step, end(b, b->echoes - 1), b->step / 2);
}

static void write_script(const struct bench *b, FILE *stream) {
    const double stop = end(b, b->echoes - 1) + b->step; // not at a break point
    size_t promises = 2;
    fprintf(stream, ES_CMOS_OPTIONS ".control\nset num_threads=1\nset numdgt=7\nsave v(t)");
    write_wires(b, stream);
    for (size_t i = 0; i < b->w.net->parameters; i++)
        fprintf(stream, " v(m_plus_%s) v(m_minus_%s) v(sum_%s_p) v(sum_%s_n)", trained(b, i)->name, trained(b, i)->name, trained(b, i)->name, trained(b, i)->name);
    fprintf(stream, "\ntran %.12g %.12g 0 %.12g\nlinearize\nlet good = 0\nif time[length(time) - 1] > %.12g\nlet good = 1\nend\n", b->step, stop, b->step / 2, stop - b->step);
    write_retrace(b, stream);
    if (!is_driven(b)) {
        write_growth(b, stream);
        promises += b->w.net->nodes == 1 ? 2 : 1;
    }
    if (b->echoes > 1) {
        write_gradient(b, stream);
        promises += 2;
    }
    fprintf(stream, "if good = %zu\necho agrees\nquit 0\nend\necho DISAGREES\nquit 1\n.endc\n.end\n", promises);
}

static char *write_deck(struct bench *b) {
    char *body = es_circuit_text(b->w.circuit, b->cmos->dialect, b->w.error), *deck = NULL;
    size_t size = 0;
    FILE *stream = body ? open_memstream(&deck, &size) : NULL;
    if (stream) {
        fprintf(stream, "%.*s", (int)(strlen(body) - strlen(".end\n")), body);
        if (b->cmos->dialect == &es_dialect_ngspice)
            write_script(b, stream);
        else
            write_gnucap(b, stream);
        fclose(stream);
    }
    free(body);
    return deck;
}

char *es_cmos_text(const struct es_cmos *cmos, struct es_arena *arena, struct es_cmos_report *report, struct es_error *error) {
    const struct es_network *net = cmos->model->net;
    struct bench bench = {.cmos = cmos, .echoes = net->parameters ? PASSES : 1, .w = {.model = cmos->model, .net = net, .grid = cmos->grid, .process = cmos->process,
        .corner = cmos->corner, .by_hand = cmos->flavour == ES_FLAVOUR_LVS && !cmos->process->transconductors, .pass = cmos->free, .scale = fmin(1, ES_CMOS_SWING / cmos->swing), .arena = arena, .report = report, .error = error}}, *b = &bench;
    double length = (double)(cmos->grid->points - 1) * cmos->grid->interval, period = 2 * acos(-1) / cmos->omega;
    b->steps = (size_t)ceil(length / period * PERIOD);
    b->step = length / (double)b->steps;
    b->edge = period / 2500;
    b->w.length = length;
    b->w.square = b->echoes > 1 ? pow(b->w.scale * cmos->swing, 2) * length : 0;
    const char *promises = cmos->dialect == &es_dialect_ngspice && cmos->flavour == ES_FLAVOUR_SIM ? es_arena_printf(arena, "* ngspice -b DECK: status 0 if the echo retraces within %g, the amplitude grows by less than %g per period, f0 is within %g, the cosine of the gradient at least %g, by ideal integrals and by the squarers\n",
                                                                                  ES_CMOS_RETRACE, ES_CMOS_GROWTH, ES_CMOS_FREQUENCY, ES_CMOS_COSINE) : "";
    if (es_cmos_begin(&b->w, es_arena_printf(arena, "echospice %s, transistors of the process %s", net->name, cmos->process->name), es_arena_printf(arena, "%s%s", promises, cmos->head)) == ES_OK)
        check_parameters(b);
    if (b->echoes > 1 && b->w.status == ES_OK)
        choose_nudges(b);
    if (b->w.status != ES_OK)
        return NULL;
    es_cmos_add_rails(&b->w);
    add_time(b);
    add_clocks(b);
    add_signals(b);
    es_cmos_add_network(&b->w);
    add_all_integrators(b);
    if (b->w.status == ES_OK)
        es_cmos_find_spread(&b->w);
    return b->w.status != ES_OK ? NULL : cmos->flavour == ES_FLAVOUR_LVS ? es_cmos_layout_text(&b->w, cmos->dialect) : write_deck(b);
}
