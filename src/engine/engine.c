// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
#include "engine/engine.h"

#include "net/validate.h"

#include <assert.h>
#include <math.h>

const struct es_row *const es_engine_kinds[] = {&es_twin.row, &es_ngspice.row, NULL};

// docs/theory.md 3 has the table. Without voltage sources and flux targets the first two are the same run in other variables.
const struct es_reversal es_flip_voltages = {
    .row = {"flip-voltages", "negate every capacitor's voltage, keep the fluxes; voltage sources and voltage targets change sign", "docs/theory.md 3"},
    .flux = 1, .voltage = -1, .input = 1, .source = -1, .flux_target = 1, .voltage_target = -1,
};

const struct es_reversal es_flip_fluxes = {
    .row = {"flip-fluxes", "negate every flux (inductor currents, gyrators' voltages), keep the voltages; current sources and flux targets change sign", "docs/theory.md 3"},
    .flux = -1, .voltage = 1, .input = -1, .source = 1, .flux_target = -1, .voltage_target = 1,
};

const struct es_reversal es_swap_outputs = {
    .row = {"swap-outputs", "swap the outputs of every transconductor and touch no charge, so that time runs backwards", "docs/theory.md 3"},
    .flux = 1, .voltage = 1, .input = 1, .source = 1, .flux_target = 1, .voltage_target = 1, .swapped = true,
};

const struct es_row *const es_reversals[] = {&es_flip_voltages.row, &es_flip_fluxes.row, &es_swap_outputs.row, NULL};

enum es_status es_engine_open(const struct es_engine_kind *kind, const struct es_network *net, const struct es_engine_options *options,
                              struct es_engine **engine, struct es_error *error) {
    const struct es_scheme *scheme = (const void *)kind->schemes[0];
    *engine = NULL;
    if (options->scheme && !(scheme = es_row_find(kind->schemes, options->scheme))) {
        char names[256];
        return es_fail(error, ES_BAD_INPUT, "engine %s has no scheme \"%s\"; it has %s", kind->row.name, options->scheme,
                       es_row_names(kind->schemes, names, sizeof names));
    }
    enum es_status status = scheme->equilibrium ? ES_OK : es_validate_transient(net, error);
    if (status == ES_OK && !scheme->equilibrium)
        status = es_validate_mass(net, error);
    return status == ES_OK ? kind->open(net, scheme, options, engine, error) : status;
}

const struct es_scheme *es_engine_scheme(const struct es_engine_kind *kind, bool equilibrium) {
    for (size_t i = 0; kind->schemes[i]; i++) {
        const struct es_scheme *scheme = (const void *)kind->schemes[i];
        if (scheme->equilibrium == equilibrium)
            return scheme;
    }
    return NULL;
}

static double observed(const struct es_network *net, size_t points, struct es_observable o, const struct es_pass *pass, const double *voltage) {
    const struct es_element *e = &net->element[o.element];
    const double *target = pass->target ? pass->target + (size_t)e->channel * points : NULL;
    double slope, bend;
    switch (o.signal) {
    case ES_SIGNAL_ONE:
        return 1;
    case ES_SIGNAL_VOLTAGE:
        return es_across(e, voltage);
    case ES_SIGNAL_INPUT:
        return pass->input[(size_t)e->channel * points];
    case ES_SIGNAL_SLOPE:
        return es_skew_sense(e->value, voltage[e->p], &slope, &bend) * voltage[e->n];
    case ES_SIGNAL_VOLTAGE_ERROR:
        return es_across(e, voltage) - (target ? *target : 0);
    default:
        return NAN; // nothing that a state of rest has
    }
}

void es_equilibrium_products(const struct es_batch *batch, const struct es_network *net, const struct es_pass *pass, const double *voltage, double *integral) {
    for (size_t i = 0; i < batch->accumulators; i++)
        integral[i] = observed(net, batch->grid.points, batch->accumulator[i].a, pass, voltage) * observed(net, batch->grid.points, batch->accumulator[i].b, pass, voltage);
}

static bool finite_result(const struct es_network *net, const struct es_batch *batch, const struct es_result *result) {
    double sum = 0; // NaN or inf where any term is
    for (size_t i = 0; i < batch->accumulators; i++)
        sum += result->integral[i] * 0;
    for (size_t i = 0; i < net->nodes; i++)
        sum += result->flux[i] * 0 + result->voltage[i] * 0;
    return sum == 0;
}

static bool needs_middles(const struct es_batch *batch) {
    bool needs = batch->recorded;
    for (size_t i = 0; i < batch->passes; i++)
        needs |= batch->pass[i].injection || batch->pass[i].growth != 0;
    return needs;
}

double es_pass_input(const struct es_grid *grid, const struct es_pass *pass, const double *sample, size_t n) {
    size_t steps = es_grid_steps(grid), at = pass->reversal ? steps - n : n, i = at / grid->substeps, rest = at % grid->substeps;
    double part = (double)rest / (double)grid->substeps;
    if (pass->reversal && pass->skew != 0) {
        double late = ((double)at + pass->skew / es_grid_step(grid)) / (double)grid->substeps;
        late = fmin(fmax(late, 0), (double)(grid->points - 1));
        i = (size_t)late;
        part = late - (double)i;
    }
    return part > 0 ? sample[i] + part * (sample[i + 1] - sample[i]) : sample[i];
}

bool *es_batch_own_fluxes(const struct es_batch *batch, const struct es_model *model, struct es_arena *arena) {
    bool *own = ES_NEW(arena, model->net->elements, bool);
    for (size_t e = 0; e < model->net->elements; e++)
        own[e] = es_model_own_flux(model, e);
    for (size_t i = 0; i < batch->injections; i++)
        own[batch->injection[i].element] |= batch->injection[i].series;
    return own;
}

static enum es_status check_injections(const struct es_network *net, const struct es_batch *batch, struct es_error *error) {
    for (size_t i = 0; i < batch->injections; i++) {
        const struct es_element *e = &net->element[batch->injection[i].element];
        if (batch->injection[i].series && (!e->kind->loss || es_network_couples(net, batch->injection[i].element)))
            return es_fail(error, ES_BAD_INPUT, "network \"%s\", line %d: no voltage can be injected in series with %s \"%s\"; expected an inductor without couplings or a gyrator", net->name,
                           e->line, e->kind->row.name, e->name);
    }
    return ES_OK;
}

enum es_status es_engine_run(struct es_engine *engine, const struct es_batch *batch, struct es_result *result, struct es_error *error) {
    assert(!batch->sink || batch->passes == 1);
    if (!engine->scheme->middle && !engine->scheme->equilibrium && needs_middles(batch))
        return es_fail(error, ES_BAD_INPUT, "engine %s: scheme %s does not step through the middle of its steps, where this rule reads and injects; use %s",
                       engine->kind->row.name, engine->scheme->row.name, engine->kind->schemes[0]->name);
    enum es_status status = check_injections(engine->net, batch, error);
    if (status == ES_OK)
        status = engine->kind->run(engine, batch, result, error);
    if (engine->scheme->equilibrium) // it was found and is stable, or its solver said why not
        return status;
    for (size_t i = 0; i < batch->passes && status == ES_OK; i++)
        if (!finite_result(engine->net, batch, &result[i]))
            status = es_fail(error, ES_FAILED,
                             "engine %s, scheme %s: the transient of pass %zu diverged at step %g s; take a smaller step "
                             "(more substeps), or check the signs of the elements (a Duffing inductor with cubic < 0 holds nothing back)",
                             engine->kind->row.name, engine->scheme->row.name, i, es_grid_step(&batch->grid));
    return status;
}

void es_engine_close(struct es_engine *engine) {
    if (engine)
        engine->kind->close(engine);
}

struct es_result *es_results_new(struct es_arena *arena, const struct es_network *net, size_t accumulators, size_t passes) {
    struct es_result *result = ES_NEW(arena, passes, struct es_result);
    for (size_t i = 0; i < passes; i++) {
        result[i].integral = ES_NEW(arena, accumulators, double);
        result[i].flux = ES_NEW(arena, net->nodes, double);
        result[i].voltage = ES_NEW(arena, net->nodes, double);
        result[i].offset = ES_NEW(arena, net->elements, double);
    }
    return result;
}

void es_results_add_middles(struct es_arena *arena, const struct es_network *net, const struct es_grid *grid, size_t passes, struct es_result *result) {
    for (size_t i = 0; i < passes; i++)
        result[i].middle = ES_NEW(arena, es_grid_steps(grid) * net->nodes, double);
}
