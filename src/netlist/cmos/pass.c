// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// One pass, for an engine: what surrounds the network is constant, the state that it begins with is set exactly (a switch would leave the voltage that its current makes
// in it, some 1 %), all else settles with it before the first step, and the engine plays the signals.
// The engine measures w itself, by ideal meters: squarers, which only load it, are left out.
#include "netlist/cmos/network.h"

static enum es_status check_pass(struct cmos_writer *w) {
    const struct es_pass *pass = w->pass;
    const char *name = w->net->name;
    if (pass->reversal && !pass->reversal->swapped)
        return es_fail(w->error, ES_BAD_INPUT, "network \"%s\": transistors turn back by their polarity, and the reversal is %s; expected reversal=\"swap-outputs\"", name, pass->reversal->row.name);
    if (pass->window || pass->growth != 0)
        return es_fail(w->error, ES_BAD_INPUT, "network \"%s\": transistors nudge evenly along the pass; take a cost without from, to and mask, and a rule without growth", name);
    if (pass->injection)
        return es_fail(w->error, ES_BAD_INPUT, "network \"%s\": nothing is injected between transistors; take a rule of echoes", name);
    return es_cmos_check_outputs(w);
}

// v(node) = gain (v(p) - v(n)).
static void add_meter(struct cmos_writer *w, const char *node, double gain, const char *p, const char *n) {
    struct es_part *part = es_circuit_add(w->circuit, ES_PART_VCVS, "e", node, node, "0", gain);
    part->c = p;
    part->d = n;
}

// The network's signals where a deck of ideal parts has them (netlist/deck.h).
static void add_meters(struct cmos_writer *w) {
    const struct es_network *net = w->net;
    for (size_t i = 0; i < net->nodes; i++) {
        const char *node = CMOS_TEXT(w, "n_%s", net->node[i].name);
        add_meter(w, node, 1 / w->scale, CMOS_TEXT(w, "%s_p", node), CMOS_TEXT(w, "%s_n", node));
    }
    for (size_t i = 0; i < net->elements; i++) {
        const char *node = CMOS_TEXT(w, "w_%s", net->element[i].name);
        if (net->element[i].kind == &es_gyrator)
            add_meter(w, node, (net->element[i].p >= 0 ? 1 : -1) / w->scale, CMOS_TEXT(w, "%s_q", node), CMOS_TEXT(w, "%s_r", node));
    }
    for (size_t o = 0; o < net->outputs; o++) {
        size_t reader = es_cmos_reader(net, o);
        const double *q = w->model->q[reader];
        const char *held = CMOS_TEXT(w, "w_%s", net->element[reader].name);
        add_meter(w, CMOS_TEXT(w, "f_%s", net->element[net->output[o]].name), q[ES_CMOS_CL] / q[ES_CMOS_GM1] / w->grid->interval / w->scale, CMOS_TEXT(w, "%s_q", held), CMOS_TEXT(w, "%s_r", held));
    }
}

static void add_signals(struct cmos_writer *w) {
    for (size_t c = 0; c < w->net->channels; c++)
        es_cmos_add_voltage(w, CMOS_TEXT(w, "x_%s", w->net->channel[c]), 0)->waveform = ES_WAVE_EXTERNAL;
    for (size_t o = 0; o < w->net->outputs; o++)
        es_cmos_add_voltage(w, CMOS_TEXT(w, "y_%s", w->net->element[w->net->output[o]].name), 0)->waveform = ES_WAVE_EXTERNAL;
}

static void add_switches(struct cmos_writer *w) {
    bool back = w->pass->reversal;
    es_cmos_add_voltage(w, "clk", back ? 0 : ES_CMOS_SUPPLY);
    es_cmos_add_voltage(w, "clkb", back ? ES_CMOS_SUPPLY : 0);
    es_cmos_add_voltage(w, "up", ES_CMOS_SUPPLY);
    es_cmos_add_voltage(w, "down", 0);
    es_cmos_add_voltage(w, "idle", 0);
    es_cmos_add_voltage(w, "pre", 0);
}

enum es_status es_cmos_pass(const struct es_cmos_kit *kit, const struct es_model *model, const struct es_grid *grid, const struct es_pass *pass, struct es_arena *arena,
                            struct es_circuit **circuit, struct es_error *error) {
    const struct es_network *net = model->net;
    double *nudge = ES_NEW(arena, net->outputs, double);
    struct cmos_writer w = {.model = model, .net = net, .grid = grid, .process = kit->process, .corner = kit->corner, .pass = pass, .scale = 1, .set = true, .arena = arena,
                            .report = ES_NEW(arena, 1, struct es_cmos_report), .error = error};
    if (check_pass(&w) != ES_OK || es_cmos_begin(&w, CMOS_TEXT(&w, "echospice %s", net->name), CMOS_TEXT(&w, "%s%s", kit->head, ES_CMOS_OPTIONS)) != ES_OK)
        return w.status == ES_OK ? ES_BAD_INPUT : w.status;
    for (size_t o = 0; o < net->outputs && pass->nudge; o++) // an inverse inductance to the target's flux, which runs backwards by its sign
        nudge[o] = pass->reversal ? -pass->nudge[o] : pass->nudge[o];
    w.nudge = nudge;
    es_cmos_add_rails(&w);
    add_switches(&w);
    add_signals(&w);
    es_cmos_add_network(&w);
    add_meters(&w);
    *circuit = w.circuit;
    return w.status;
}
