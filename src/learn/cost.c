// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
#include "learn/cost.h"

#include <math.h>

const struct es_row *const es_costs[] = {&es_flux_tracking.row, &es_energy_crossentropy.row, NULL};

// c = sum_o (psi_o - y_o)^2 / 2, so dc/dpsi = psi - y and the force +beta dc/dpsi is that of an inductor of inverse
// inductance -beta to the target flux.

// beta is relative to what is at an output already, so something has to be there.
static enum es_status require_reference(const struct es_network *net, struct es_error *error) {
    struct es_arena *arena = es_arena_new();
    double *theta = ES_NEW(arena, net->parameters, double), *reference = ES_NEW(arena, net->outputs, double);
    enum es_status status = ES_OK;
    es_network_start(net, theta);
    es_cost_reference(net, theta, reference);
    for (size_t o = 0; o < net->outputs && status == ES_OK; o++) {
        const struct es_element *e = &net->element[net->output[o]];
        if (!(reference[o] > 0))
            status = es_fail(error, ES_BAD_INPUT, "network \"%s\", line %d: output \"%s\" reads %s where no %s is, to which the nudge could be relative; add one",
                             net->name, e->line, e->name, e->read == ES_READ_FLUX ? "flux" : "voltage", e->read == ES_READ_FLUX ? "inductor" : "capacitor");
    }
    es_arena_free(arena);
    return status;
}

static enum es_status tracking_admits(const struct es_network *net, struct es_error *error) {
    for (size_t o = 0; o < net->outputs; o++) {
        const struct es_element *e = &net->element[net->output[o]];
        if (e->read != ES_READ_FLUX)
            return es_fail(error, ES_BAD_INPUT, "network \"%s\", line %d: output \"%s\" reads voltage, and the cost flux-tracking needs read=\"flux\"",
                           net->name, e->line, e->name);
    }
    return require_reference(net, error);
}

static struct es_accumulator tracking_integral(const struct es_network *net, size_t e) {
    (void)net;
    return (struct es_accumulator){{ES_SIGNAL_ERROR, e}, {ES_SIGNAL_ERROR, e}};
}

static double tracking_loss(const struct es_network *net, const double *integral, int label) {
    (void)label;
    double sum = 0;
    for (size_t o = 0; o < net->outputs; o++)
        sum += integral[o] / 2;
    return sum;
}

static void tracking_nudge(const struct es_network *net, const double *integral, int label, double *nudge) {
    (void)integral, (void)label;
    for (size_t o = 0; o < net->outputs; o++)
        nudge[o] = -1;
}

const struct es_cost es_flux_tracking = {
    .row = {"flux-tracking", "integral of (psi - y)^2 / 2 at every output; nudge: a negative inductor to the target flux", "docs/theory.md 4"},
    .admits = tracking_admits,
    .integral = tracking_integral,
    .loss = tracking_loss,
    .nudge = tracking_nudge,
};

// E_k = sum over the outputs of class k of integral v^2 dt (or psi^2), P_k = E_k / sum E, C = -ln P_label.
// w_k = dC/dE_k = 1 / sum E - [k = label] / E_label, c = sum_k w_k sum_o v_o^2: a capacitor of 2 beta w_k at each output,
// or, reading flux, an inverse inductance of -2 beta w_k.

static enum es_status energy_admits(const struct es_network *net, struct es_error *error) {
    const struct es_element *first = &net->element[net->output[0]];
    if (net->classes < 2)
        return es_fail(error, ES_BAD_INPUT, "network \"%s\": the cost energy-crossentropy needs outputs of at least two classes, found %zu",
                       net->name, net->classes);
    for (size_t o = 0; o < net->outputs; o++) {
        const struct es_element *e = &net->element[net->output[o]];
        if (e->class < 0)
            return es_fail(error, ES_BAD_INPUT, "network \"%s\", line %d: output \"%s\" has no class, and the cost energy-crossentropy needs one",
                           net->name, e->line, e->name);
        if (e->read != first->read)
            return es_fail(error, ES_BAD_INPUT, "network \"%s\", line %d: output \"%s\" does not read the same quantity as \"%s\"; energies of both kinds cannot be added",
                           net->name, e->line, e->name, first->name);
    }
    return require_reference(net, error);
}

static struct es_accumulator energy_integral(const struct es_network *net, size_t e) {
    enum es_signal signal = net->element[e].read == ES_READ_FLUX ? ES_SIGNAL_FLUX : ES_SIGNAL_VOLTAGE;
    return (struct es_accumulator){{signal, e}, {signal, e}};
}

// E_label and sum E
static double class_energy(const struct es_network *net, const double *integral, int label, double *total) {
    double energy = 0;
    *total = 0;
    for (size_t o = 0; o < net->outputs; o++) {
        *total += integral[o];
        if (net->element[net->output[o]].class == label)
            energy += integral[o];
    }
    return energy;
}

static double energy_loss(const struct es_network *net, const double *integral, int label) {
    double total, energy = class_energy(net, integral, label, &total);
    return log(total / energy);
}

static void energy_nudge(const struct es_network *net, const double *integral, int label, double *nudge) {
    double total, energy = class_energy(net, integral, label, &total);
    for (size_t o = 0; o < net->outputs; o++) {
        const struct es_element *e = &net->element[net->output[o]];
        double w = 1 / total - (e->class == label ? 1 / energy : 0);
        nudge[o] = e->read == ES_READ_FLUX ? -2 * w : 2 * w;
    }
}

const struct es_cost es_energy_crossentropy = {
    .row = {"energy-crossentropy", "-ln of the label's share of the output energies; nudge: a capacitor (or inductor) at every output", "docs/theory.md 4; Hughes et al. 2019"},
    .labels = true,
    .admits = energy_admits,
    .integral = energy_integral,
    .loss = energy_loss,
    .nudge = energy_nudge,
};

void es_cost_reference(const struct es_network *net, const double *theta, double *reference) {
    struct es_arena *arena = es_arena_new();
    double *k = ES_NEW(arena, net->elements, double), *mass = ES_NEW(arena, net->nodes, double), *stiffness = ES_NEW(arena, net->nodes, double);
    es_network_coefficients(net, theta, k);
    for (size_t i = 0; i < net->elements; i++) {
        const struct es_element *e = &net->element[i];
        double *sum = e->kind->term == ES_KINETIC ? mass : e->kind->term == ES_POTENTIAL ? stiffness : NULL;
        if (sum && e->p >= 0)
            sum[e->p] += k[i];
        if (sum && e->n >= 0)
            sum[e->n] += k[i];
    }
    for (size_t o = 0; o < net->outputs; o++) {
        const struct es_element *e = &net->element[net->output[o]];
        const double *sum = e->read == ES_READ_FLUX ? stiffness : mass;
        reference[o] = fmin(e->p >= 0 ? sum[e->p] : INFINITY, e->n >= 0 ? sum[e->n] : INFINITY);
    }
    es_arena_free(arena);
}

double es_cost_beta_scale(const struct es_network *net, const double *reference, const double *nudge) {
    double largest = 0;
    for (size_t o = 0; o < net->outputs; o++)
        largest = fmax(largest, fabs(nudge[o]) / reference[o]);
    return 1 / largest;
}

size_t es_cost_class(const struct es_network *net, const double *integral, double *energy) {
    size_t best = 0;
    for (size_t c = 0; c < net->classes; c++)
        energy[c] = 0;
    for (size_t o = 0; o < net->outputs; o++)
        energy[net->element[net->output[o]].class] += integral[o];
    for (size_t c = 1; c < net->classes; c++)
        if (energy[c] > energy[best])
            best = c;
    return best;
}
