// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
#include "learn/cost.h"

#include <math.h>
#include <string.h>

const struct es_row *const es_costs[] = {
    &es_flux_tracking.row, &es_voltage_tracking.row, &es_energy_crossentropy.row, &es_softmax_energies.row,
    &es_terminal_flux.row, &es_terminal_voltage.row, &es_terminal_charge.row, &es_softmax_voltages.row, NULL,
};

// ---- what they all need of a network ---------------------------------------------------------------------------------

// beta is relative to what is at an output already, so something has to be there.
static enum es_status require_reference(const struct es_network *net, struct es_error *error) {
    struct es_arena *arena = es_arena_new();
    double *theta = ES_NEW(arena, net->parameters, double), *reference = ES_NEW(arena, net->outputs, double);
    struct es_model model;
    es_network_start(net, theta);
    enum es_status status = es_model_new(net, theta, arena, &model, error);
    if (status == ES_OK)
        es_cost_reference(&model, NULL, reference);
    for (size_t o = 0; o < net->outputs && status == ES_OK; o++) {
        const struct es_element *e = &net->element[net->output[o]];
        if (!(reference[o] > 0))
            status = es_fail(error, ES_BAD_INPUT, "network \"%s\", line %d: output \"%s\" reads %s where no %s is, to which the nudge could be relative; add one",
                             net->name, e->line, e->name, e->read == ES_READ_FLUX ? "flux" : "voltage", e->read == ES_READ_FLUX ? "inductor" : "capacitor");
    }
    es_arena_free(arena);
    return status;
}

static enum es_status require_read(const struct es_network *net, enum es_read read, const char *cost, struct es_error *error) {
    for (size_t o = 0; o < net->outputs; o++) {
        const struct es_element *e = &net->element[net->output[o]];
        if (e->read != read)
            return es_fail(error, ES_BAD_INPUT, "network \"%s\", line %d: output \"%s\" reads %s, and the cost %s needs read=\"%s\"", net->name, e->line, e->name,
                           e->read == ES_READ_FLUX ? "flux" : "voltage", cost, read == ES_READ_FLUX ? "flux" : "voltage");
    }
    return ES_OK;
}

// ---- tracking: C = sum_o integral w (s_o - y_o)^2 / 2 dt -------------------------------------------------------------

static enum es_status flux_tracking_admits(const struct es_network *net, struct es_error *error) {
    enum es_status status = require_read(net, ES_READ_FLUX, "flux-tracking", error);
    return status == ES_OK ? require_reference(net, error) : status;
}

static enum es_status voltage_tracking_admits(const struct es_network *net, struct es_error *error) {
    enum es_status status = require_read(net, ES_READ_VOLTAGE, "voltage-tracking", error);
    return status == ES_OK ? require_reference(net, error) : status;
}

static enum es_signal error_signal(const struct es_network *net, size_t e) {
    return net->element[e].read == ES_READ_FLUX ? ES_SIGNAL_FLUX_ERROR : ES_SIGNAL_VOLTAGE_ERROR;
}

static double half_sum(const struct es_reading *reading) {
    double sum = 0;
    for (size_t o = 0; o < reading->net->outputs; o++)
        sum += reading->value[o] / 2;
    return sum;
}

static void half(const struct es_reading *reading, double *slope) {
    for (size_t o = 0; o < reading->net->outputs; o++)
        slope[o] = 0.5;
}

const struct es_cost es_flux_tracking = {
    .row = {"flux-tracking", "integral of (psi - y)^2 / 2 at every output; nudge: a negative inductor to the target flux", "docs/theory.md 4"},
    .admits = flux_tracking_admits,
    .signal = error_signal,
    .loss = half_sum,
    .slope = half,
};

const struct es_cost es_voltage_tracking = {
    .row = {"voltage-tracking", "integral of (v - y)^2 / 2 at every output; nudge: a capacitor to the target voltage", "docs/theory.md 4"},
    .admits = voltage_tracking_admits,
    .signal = error_signal,
    .loss = half_sum,
    .slope = half,
};

// ---- energies: E_k = sum over the outputs of class k of integral w v^2 dt (or psi^2) ---------------------------------

static enum es_status require_classes(const struct es_network *net, struct es_error *error) {
    if (net->classes < 2)
        return es_fail(error, ES_BAD_INPUT, "network \"%s\": a cost of classes needs outputs of at least two, found %zu", net->name, net->classes);
    for (size_t o = 0; o < net->outputs; o++) {
        const struct es_element *e = &net->element[net->output[o]];
        if (e->class < 0)
            return es_fail(error, ES_BAD_INPUT, "network \"%s\", line %d: output \"%s\" has no class, and this cost needs one", net->name, e->line, e->name);
    }
    return ES_OK;
}

static enum es_status energy_admits(const struct es_network *net, struct es_error *error) {
    const struct es_element *first = net->outputs ? &net->element[net->output[0]] : NULL;
    enum es_status status = require_classes(net, error);
    for (size_t o = 0; o < net->outputs && status == ES_OK; o++) {
        const struct es_element *e = &net->element[net->output[o]];
        if (e->read != first->read)
            return es_fail(error, ES_BAD_INPUT, "network \"%s\", line %d: output \"%s\" does not read the same quantity as \"%s\"; energies of both kinds cannot be added",
                           net->name, e->line, e->name, first->name);
    }
    return status == ES_OK ? require_reference(net, error) : status;
}

static enum es_signal energy_signal(const struct es_network *net, size_t e) {
    return net->element[e].read == ES_READ_FLUX ? ES_SIGNAL_FLUX : ES_SIGNAL_VOLTAGE;
}

// E_label and sum E
static double class_energy(const struct es_reading *reading, double *total) {
    double energy = 0;
    *total = 0;
    for (size_t o = 0; o < reading->net->outputs; o++) {
        *total += reading->value[o];
        if (reading->net->element[reading->net->output[o]].class == reading->label)
            energy += reading->value[o];
    }
    return energy;
}

// P_k = E_k / sum E, C = -ln P_label, dC/dE_k = 1 / sum E - [k = label] / E_label
static double crossentropy_loss(const struct es_reading *reading) {
    double total, energy = class_energy(reading, &total);
    return log(total / energy);
}

static void crossentropy_slope(const struct es_reading *reading, double *slope) {
    double total, energy = class_energy(reading, &total);
    for (size_t o = 0; o < reading->net->outputs; o++)
        slope[o] = 1 / total - (reading->net->element[reading->net->output[o]].class == reading->label ? 1 / energy : 0);
}

const struct es_cost es_energy_crossentropy = {
    .row = {"energy-crossentropy", "-ln of the label's share of the output energies; nudge: a capacitor (or inductor) at every output", "docs/theory.md 4; Hughes et al. 2019"},
    .labels = true,
    .admits = energy_admits,
    .signal = energy_signal,
    .loss = crossentropy_loss,
    .slope = crossentropy_slope,
};

// P_k = exp(E_k / tau) / sum_j exp(E_j / tau): energy [classes] from the readings becomes P; returns ln of the label's.
static double softmax(const struct es_reading *reading, double *p) {
    size_t best = es_cost_class(reading->net, reading->value, p);
    double largest = p[best], sum = 0, of_label = reading->label >= 0 ? (p[reading->label] - largest) / reading->temperature : NAN;
    for (size_t k = 0; k < reading->net->classes; k++)
        sum += p[k] = exp((p[k] - largest) / reading->temperature);
    for (size_t k = 0; k < reading->net->classes; k++)
        p[k] /= sum;
    return of_label - log(sum);
}

static double softmax_loss(const struct es_reading *reading) {
    struct es_arena *arena = es_arena_new();
    double loss = -softmax(reading, ES_NEW(arena, reading->net->classes, double));
    es_arena_free(arena);
    return loss;
}

// dC/dE_k = (P_k - [k = label]) / tau
static void softmax_slope(const struct es_reading *reading, double *slope) {
    struct es_arena *arena = es_arena_new();
    double *p = ES_NEW(arena, reading->net->classes, double);
    softmax(reading, p);
    for (size_t o = 0; o < reading->net->outputs; o++) {
        int class = reading->net->element[reading->net->output[o]].class;
        slope[o] = (p[class] - (class == reading->label)) / reading->temperature;
    }
    es_arena_free(arena);
}

const struct es_cost es_softmax_energies = {
    .row = {"softmax-energies", "-ln of the label's share in the softmax of output energies over a temperature; nudges as for energy-crossentropy", "docs/theory.md 4"},
    .labels = true,
    .temperature = true,
    .admits = energy_admits,
    .signal = energy_signal,
    .loss = softmax_loss,
    .slope = softmax_slope,
};

// ---- terminal: C = sum_o (s_o(T) - y_o(T))^2 / 2 ---------------------------------------------------------------------

static enum es_status terminal_flux_admits(const struct es_network *net, struct es_error *error) {
    return require_read(net, ES_READ_FLUX, "terminal-flux", error);
}

static enum es_status terminal_voltage_admits(const struct es_network *net, struct es_error *error) {
    return require_read(net, ES_READ_VOLTAGE, "terminal-voltage", error);
}

static enum es_status terminal_charge_admits(const struct es_network *net, struct es_error *error) {
    for (size_t o = 0; o < net->outputs; o++) {
        const struct es_element *e = &net->element[net->output[o]];
        if (net->node[e->p].source >= 0)
            return es_fail(error, ES_BAD_INPUT, "network \"%s\", line %d: output \"%s\" is at a node that a source holds, and the cost terminal-charge cannot nudge its charge; read a free node",
                           net->name, e->line, e->name);
        if (e->n != ES_GROUND)
            return es_fail(error, ES_BAD_INPUT, "network \"%s\", line %d: output \"%s\" lies between two nodes, and the cost terminal-charge reads the charge of one; remove `to`",
                           net->name, e->line, e->name);
    }
    return require_read(net, ES_READ_VOLTAGE, "terminal-charge", error);
}

static double square_loss(const struct es_reading *reading) {
    double sum = 0;
    for (size_t o = 0; o < reading->net->outputs; o++)
        sum += (reading->value[o] - reading->target[o]) * (reading->value[o] - reading->target[o]) / 2;
    return sum;
}

static void square_slope(const struct es_reading *reading, double *slope) {
    for (size_t o = 0; o < reading->net->outputs; o++)
        slope[o] = reading->value[o] - reading->target[o];
}

const struct es_cost es_terminal_flux = {
    .row = {"terminal-flux", "(psi(T) - y(T))^2 / 2 at every output; a kick of charge at the turn", "docs/theory.md 4"},
    .reads = ES_READ_FLUX_AT_END,
    .admits = terminal_flux_admits,
    .loss = square_loss,
    .slope = square_slope,
};

const struct es_cost es_terminal_voltage = {
    .row = {"terminal-voltage", "(v(T) - y(T))^2 / 2 at every output; a kick of flux at the turn", "docs/theory.md 4"},
    .reads = ES_READ_VOLTAGE_AT_END,
    .admits = terminal_voltage_admits,
    .loss = square_loss,
    .slope = square_slope,
};

const struct es_cost es_terminal_charge = {
    .row = {"terminal-charge", "(p(T) - y(T))^2 / 2 of every output's node charge; a kick of flux at the turn", "docs/theory.md 4"},
    .reads = ES_READ_CHARGE_AT_END,
    .admits = terminal_charge_admits,
    .loss = square_loss,
    .slope = square_slope,
};

static enum es_status softmax_voltages_admits(const struct es_network *net, struct es_error *error) {
    enum es_status status = require_read(net, ES_READ_VOLTAGE, "softmax-voltages", error);
    return status == ES_OK ? require_classes(net, error) : status;
}

static double softmax_curvature(const struct es_reading *reading) {
    return 1 / (reading->temperature * reading->temperature);
}

const struct es_cost es_softmax_voltages = {
    .row = {"softmax-voltages", "-ln of the label's share in the softmax of the classes' output voltages at the end, or at rest, over a temperature", "docs/theory.md 7"},
    .labels = true,
    .temperature = true,
    .reads = ES_READ_VOLTAGE_AT_END,
    .admits = softmax_voltages_admits,
    .loss = softmax_loss,
    .slope = softmax_slope,
    .curvature = softmax_curvature,
};

// ---- nudges ----------------------------------------------------------------------------------------------------------

void es_cost_nudge(const struct es_cost *cost, const struct es_network *net, const double *slope, double *nudge) {
    for (size_t o = 0; o < net->outputs; o++)
        nudge[o] = cost->reads != ES_READ_RUNNING ? 0 : net->element[net->output[o]].read == ES_READ_FLUX ? -2 * slope[o] : 2 * slope[o];
}

void es_cost_spread(const struct es_network *net, const double *slope, double *dl) {
    memset(dl, 0, net->nodes * sizeof *dl);
    for (size_t o = 0; o < net->outputs; o++)
        es_add_across(&net->element[net->output[o]], dl, slope[o]);
    for (size_t i = 0; i < net->nodes; i++)
        if (net->node[i].source >= 0)
            dl[i] = 0;
}

enum es_status es_cost_kick(const struct es_cost *cost, const struct es_model *model, const double *slope, double *flux, double *voltage,
                            struct es_error *error) {
    const struct es_network *net = model->net;
    enum es_status status = ES_OK;
    struct es_arena *arena = es_arena_new();
    double *dl = ES_NEW(arena, net->nodes, double);
    memset(flux, 0, net->nodes * sizeof *flux);
    memset(voltage, 0, net->nodes * sizeof *voltage);
    es_cost_spread(net, slope, dl);
    switch (cost->reads) {
    case ES_READ_RUNNING:
        break;
    case ES_READ_CHARGE_AT_END:
        memcpy(flux, dl, net->nodes * sizeof *flux);
        break;
    case ES_READ_VOLTAGE_AT_END:
        status = es_model_velocity(model, dl, flux, error);
        break;
    case ES_READ_FLUX_AT_END:
        status = es_model_velocity(model, dl, voltage, error);
        for (size_t i = 0; i < net->nodes; i++)
            voltage[i] = -voltage[i];
        break;
    }
    es_arena_free(arena);
    return status;
}

double es_cost_nudge_scale(const struct es_network *net, const double *reference, const double *nudge) {
    double largest = 0;
    for (size_t o = 0; o < net->outputs; o++)
        largest = fmax(largest, fabs(nudge[o]) / reference[o]);
    return largest > 0 ? 1 / largest : 1;
}

// What the outputs' deviations from their targets [outputs] would store in what is at their nodes.
static double missing_energy(const struct es_cost *cost, const struct es_model *model, const double *slope) {
    struct es_arena *arena = es_arena_new();
    double *reference = ES_NEW(arena, model->net->outputs, double), sum = 0;
    es_cost_reference(model, NULL, reference);
    for (size_t o = 0; o < model->net->outputs; o++)
        sum += slope[o] * slope[o] / 2 * (cost->reads == ES_READ_CHARGE_AT_END ? 1 / reference[o] : reference[o]);
    es_arena_free(arena);
    return sum;
}

double es_cost_kick_scale(const struct es_cost *cost, const struct es_model *model, const double *slope, const double *flux, const double *voltage,
                          double energy) {
    const struct es_network *net = model->net;
    double sum = 0;
    if (!(energy > 0)) // at rest
        energy = missing_energy(cost, model, slope);
    for (size_t i = 0; i < net->elements; i++) {
        const struct es_element *e = &net->element[i];
        if (e->kind->term == ES_KINETIC)
            sum += model->k[i] * pow(es_across(e, voltage), 2) / 2;
        else if ((e->kind->term == ES_POTENTIAL || e->kind->term == ES_SENSING) && model->k[i] > 0)
            sum += model->k[i] * pow(es_across(e, flux), 2) / 2;
    }
    return sum > 0 && energy > 0 ? sqrt(energy / sum) : 1;
}

// The sum at an end of an output; none at ground, nor, at rest, where a source gives the voltage.
static double sum_at(const struct es_resistive *resistive, int node, const double *sum) {
    return node < 0 || (resistive && resistive->row[node] < 0) ? INFINITY : sum[node];
}

void es_cost_reference(const struct es_model *model, const struct es_resistive *resistive, double *reference) {
    const struct es_network *net = model->net;
    struct es_arena *arena = es_arena_new();
    double *mass = ES_NEW(arena, net->nodes, double), *stiffness = ES_NEW(arena, net->nodes, double);
    for (size_t i = 0; i < net->elements; i++) {
        const struct es_element *e = &net->element[i];
        bool potential = (e->kind->term == ES_POTENTIAL || e->kind->term == ES_SENSING) && model->k[i] > 0; // a negative one is a pole of another
        bool holds = resistive ? e->kind->term == ES_DISSIPATION || e->kind->term == ES_SKEW : e->kind->term == ES_KINETIC;
        double *sum = holds ? mass : potential ? stiffness : NULL;
        if (sum && e->p >= 0)
            sum[e->p] += e->kind->term == ES_SKEW ? fabs(model->k[i]) : model->k[i];
        if (sum && e->n >= 0)
            sum[e->n] += e->kind->term == ES_SKEW ? fabs(model->k[i]) : model->k[i];
    }
    for (size_t o = 0; o < net->outputs; o++) {
        const struct es_element *e = &net->element[net->output[o]];
        const double *sum = e->read == ES_READ_FLUX ? stiffness : mass;
        reference[o] = fmin(sum_at(resistive, e->p, sum), sum_at(resistive, e->n, sum)) * (resistive ? fabs(es_resistive_weight(resistive, net->output[o])) : 1);
    }
    es_arena_free(arena);
}

size_t es_cost_class(const struct es_network *net, const double *value, double *energy) {
    size_t best = 0;
    for (size_t c = 0; c < net->classes; c++)
        energy[c] = 0;
    for (size_t o = 0; o < net->outputs; o++)
        energy[net->element[net->output[o]].class] += value[o];
    for (size_t c = 1; c < net->classes; c++)
        if (energy[c] > energy[best])
            best = c;
    return best;
}
