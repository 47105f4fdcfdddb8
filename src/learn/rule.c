// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
#include "learn/rule.h"

#include "net/validate.h"

const struct es_row *const es_rules[] = {&es_rhel.row, &es_civp.row, &es_civp_residual.row, &es_cbvp.row, &es_cbvp_flow.row,
                                         &es_cbvp_periodic.row, &es_cbvp_periodic_flow.row, NULL};

size_t es_rule_integrals(const struct es_model *model, struct es_arena *arena, const struct es_accumulator **list) {
    const struct es_network *net = model->net;
    size_t most = es_model_shares_most(model), count = 0;
    struct es_share *share = ES_NEW(arena, most, struct es_share);
    struct es_accumulator *accumulator = ES_NEW(arena, net->parameters * most + net->elements, struct es_accumulator);
    for (size_t i = 0; i < net->parameters; i++) {
        size_t shares = es_model_shares(model, i, share);
        for (size_t s = 0; s < shares; s++)
            accumulator[count++] = (struct es_accumulator){.a = share[s].a, .b = share[s].b};
    }
    for (size_t e = 0; e < net->elements; e++)
        if (es_element_own_state(&net->element[e]))
            accumulator[count++] = (struct es_accumulator){.a = {ES_SIGNAL_CURRENT, e, 0}, .b = {ES_SIGNAL_ONE, e, 0}};
    *list = accumulator;
    return count;
}

// D of one integral
static double difference(const struct es_rule_sample *sample, size_t integral) {
    return (sample->result[0].integral[integral] - sample->result[1].integral[integral]) / (2 * sample->beta_si);
}

void es_rule_shares(const struct es_rule_sample *sample, struct es_arena *arena, double sign, double *slope, double *to_offset) {
    const struct es_network *net = sample->model->net;
    struct es_share *share = ES_NEW(arena, es_model_shares_most(sample->model), struct es_share);
    size_t integral = 0;
    for (size_t i = 0; i < net->parameters; i++) {
        size_t shares = es_model_shares(sample->model, i, share);
        for (size_t s = 0; s < shares; s++)
            slope[i] += share[s].weight * difference(sample, integral++);
    }
    for (size_t e = 0; e < net->elements; e++)
        to_offset[e] = es_element_own_state(&net->element[e]) ? -sign * difference(sample, integral++) : 0;
}

enum es_status es_rule_lagrangian(const struct es_network *net, bool losses_allowed, struct es_error *error) {
    enum es_status status = losses_allowed ? ES_OK : es_validate_reversible(net, error);
    if (status == ES_OK && !losses_allowed)
        status = es_validate_lagrangian(net, error);
    for (size_t i = 0; i < net->parameters && status == ES_OK; i++) {
        const struct es_element *e = &net->element[net->parameter[i].element];
        if (e->kind->term == ES_INITIAL && net->node[e->p].source >= 0)
            status = es_fail(error, ES_BAD_INPUT, "network \"%s\", line %d: the initial state of node \"%s\" cannot be trained, as a source holds the node",
                             net->name, e->line, net->node[e->p].name);
    }
    return status;
}

enum es_status es_rule_running(const struct es_cost *cost, struct es_error *error) {
    if (cost->reads == ES_READ_RUNNING)
        return ES_OK;
    return es_fail(error, ES_BAD_INPUT, "the cost %s acts at the end alone, where a nudge has no time left to be seen in; take a running cost", cost->row.name);
}

void es_rule_charge(const struct es_model *model, const struct es_grid *grid, const struct es_pass *pass, size_t n, const double *voltage, double *charge) {
    const struct es_network *net = model->net;
    const struct es_reversal *turn = pass->reversal;
    size_t steps = es_grid_steps(grid), at = turn ? steps - n : n; // in the order of the samples: the point, and the step that led there
    size_t step = turn ? (n ? at : at - 1) : n ? n - 1 : 0, point = at / grid->substeps, rest = at % grid->substeps;
    es_model_momentum(model, voltage, charge);
    for (size_t o = 0; o < net->outputs && pass->nudge; o++) {
        const struct es_element *e = &net->element[net->output[o]];
        const double *target = pass->target ? pass->target + o * grid->points + point : NULL;
        double y = target ? target[0] + (rest ? (double)rest / (double)grid->substeps * (target[1] - target[0]) : 0) : 0;
        double weight = pass->window ? pass->window[step / grid->substeps] : 1;
        if (e->read == ES_READ_VOLTAGE)
            es_add_across(e, charge, pass->nudge[o] * weight * (es_across(e, voltage) - (turn ? turn->voltage_target : 1) * y));
    }
    for (size_t i = 0; i < net->nodes; i++)
        charge[i] *= turn ? turn->voltage : 1;
}
