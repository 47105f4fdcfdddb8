// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// Which problems the samplers admit (learn/thermal.h).
#include "learn/thermal.h"

#include "net/rates.h"

#include <math.h>

static enum es_status check_settings(const struct es_problem *problem, struct es_error *error) {
    const struct es_scheme *scheme = problem->engine->scheme;
    if (!problem->sampler)
        return es_fail(error, ES_BAD_INPUT, "this rule compares thermal averages, and the experiment has no sampler; add sampler=\"co-content\" or \"stored-energy\" and kT to <learning>");
    if (!(problem->kt > 0))
        return es_fail(error, ES_BAD_INPUT, "the sampler %s at kT = %g %s: nothing fluctuates there, so that there is nothing to average; expected kT > 0, or take the rule ep, "
                       "which is the limit", problem->sampler->row.name, problem->kt, problem->sampler->unit);
    if (problem->chains < 1)
        return es_fail(error, ES_BAD_INPUT, "the sampler %s has no chains; expected 1 or more", problem->sampler->row.name);
    if (!scheme->middle || scheme->conformal)
        return es_fail(error, ES_BAD_INPUT, "the sampler %s needs the implicit midpoint rule, which leaves Gaussians as they are; take the scheme %s of engine %s in place of %s",
                       problem->sampler->row.name, problem->engine->kind->schemes[0]->name, problem->engine->kind->row.name, scheme->row.name);
    if (problem->cost->labels || (problem->cost->reads != ES_READ_VOLTAGE_AT_END && problem->cost->reads != ES_READ_FLUX_AT_END))
        return es_fail(error, ES_BAD_INPUT, "the cost %s is not (r - y)^2 / 2 of a voltage or flux, which an element could add to the energy; take terminal-voltage or terminal-flux",
                       problem->cost->row.name);
    return ES_OK;
}

static bool holds_linear(const struct es_sampler *sampler, const struct es_element *e) {
    switch (e->kind->term) {
    case ES_POTENTIAL:
        return !sampler->electric && !e->kind->potential && !es_element_own_state(e) && !es_element_decays(e) && !es_element_drifts(e);
    case ES_COUPLING:
        return !sampler->electric;
    case ES_SOURCE:
        return sampler->electric;
    case ES_KINETIC:
    case ES_DISSIPATION:
    case ES_DRIVE:
    case ES_READOUT:
    case ES_INITIAL:
    case ES_FINAL:
        return true;
    default:
        return false;
    }
}

static const char *why_not(const struct es_element *e) {
    if (e->kind->term == ES_SOURCE)
        return "drives a current through the conductances for ever, which is no thermal equilibrium";
    if (e->kind->potential || e->kind->content)
        return "is not linear: what the network samples would be no Gaussian, and only of those the steps leave the distribution as it is and the gap, the loss, is known";
    return es_element_own_state(e) ? "begins with a current or voltage of its own, of which the energy knows nothing" : "is in no energy that the sampler knows";
}

static enum es_status check_elements(const struct es_network *net, const struct es_sampler *sampler, struct es_error *error) {
    for (size_t i = 0; i < net->elements; i++) {
        const struct es_element *e = &net->element[i];
        if (!holds_linear(sampler, e))
            return es_fail(error, ES_BAD_INPUT, "network \"%s\", line %d: %s \"%s\" %s; expected %s", net->name, e->line, e->kind->row.name, e->name, why_not(e),
                           sampler->electric ? "conductances, capacitors, inputs and sources" : "capacitors, inductors, mutual couplings, gyrators, conductances and inputs");
        if (e->kind->term == ES_READOUT && !sampler->nudge[e->read])
            return es_fail(error, ES_BAD_INPUT, "network \"%s\", line %d: output \"%s\" reads a flux, of which the co-content knows nothing; read the voltage", net->name, e->line, e->name);
    }
    if (!es_network_has(net, sampler->noise))
        return es_fail(error, ES_BAD_INPUT, "network \"%s\": the sampler %s needs a %s, beside which its noise is; add one", net->name, sampler->row.name,
                       sampler->electric ? "capacitor" : "conductance");
    return ES_OK;
}

static enum es_status check_trained(const struct es_network *net, const struct es_sampler *sampler, struct es_error *error) {
    for (size_t i = 0; i < net->parameters; i++) {
        const struct es_element *e = &net->element[net->parameter[i].element];
        if (!sampler->in_energy[e->kind->term] || es_rule_initial(net, i))
            return es_fail(error, ES_BAD_INPUT, "network \"%s\", line %d: %s \"%s\" cannot be trained with the sampler %s: what it samples does not depend on it; leave it fixed%s",
                           net->name, e->line, e->kind->row.name, e->name, sampler->row.name,
                           e->kind->term == ES_DISSIPATION ? ", or take the sampler co-content" : e->kind->term == ES_KINETIC ? ", or take the sampler stored-energy" : "");
    }
    return ES_OK;
}

// Every motion must be damped, by conductances that also make its noise.
static enum es_status check_damping(const struct es_network *net, struct es_error *error) {
    struct es_arena *arena = es_arena_new();
    struct es_model model;
    struct es_rates rates = {0};
    double *theta = ES_NEW(arena, net->parameters, double), fastest = 0;
    es_network_start(net, theta);
    enum es_status status = es_model_new(net, theta, arena, &model, error);
    if (status == ES_OK)
        status = es_rates(&model, arena, &rates, error);
    for (size_t i = 0; i < rates.count; i++)
        fastest = fmax(fastest, hypot(rates.real[i], rates.imaginary[i]));
    for (size_t i = 0; i < rates.count && status == ES_OK; i++)
        if (!(-rates.real[i] > 1e-9 * fastest))
            status = es_fail(error, ES_BAD_INPUT, "network \"%s\": a motion of %.3g Hz is damped by no conductance, so that it never comes to the temperature; add one where it moves",
                             net->name, fabs(rates.imaginary[i]) / (2 * M_PI));
    es_arena_free(arena);
    return status;
}

enum es_status es_thermal_admits(const struct es_problem *problem, struct es_error *error) {
    enum es_status status = check_settings(problem, error);
    if (status == ES_OK)
        status = check_elements(problem->net, problem->sampler, error);
    if (status == ES_OK)
        status = check_trained(problem->net, problem->sampler, error);
    return status == ES_OK && !problem->sampler->electric ? check_damping(problem->net, error) : status;
}
