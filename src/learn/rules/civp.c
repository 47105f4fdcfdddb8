// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// The nudged solutions as initial value problems (CIVP; Pourcel et al., arXiv 2506.06248): the free pass once more from its own initial state
// (phi_0, p_0), forward in time, with the nudge at +beta, and again at -beta. With D[.] = (at +beta - at -beta) / 2 beta
//     dC/dtheta = D[integral dL/dtheta dt] + sum_l (do_l/dtheta) D[integral -dU/dpsi_l dt]
//                 + (dphi(T)/dtheta)' D[P(T)] - (dp(T)/dtheta)' D[Phi(T)]
// P with the charge of the nudge capacitors. The residual in the second line needs the sensitivities of the free pass's end to every
// parameter. `civp` leaves it out, as hardware that only runs forward would: biased. `civp-residual` measures them, by central differences of
// fourth order, four more passes for each parameter.
#include "learn/difference.h"
#include "learn/gradient.h"

static const double step = 1e-3; // of dtheta/du, or of theta where that is less

static enum es_status civp_admits(const struct es_problem *problem, struct es_error *error) {
    enum es_status status = es_rule_running(problem->cost, error);
    return status == ES_OK ? es_rule_lagrangian(problem->net, problem->losses_allowed, error) : status;
}

static size_t two_passes(const struct es_network *net) {
    (void)net;
    return 2;
}

static size_t all_passes(const struct es_network *net) {
    return 2 + ES_DIFFERENCES * net->parameters;
}

static enum es_status plan_nudged(struct es_rule_sample *sample, struct es_arena *arena, struct es_error *error) {
    (void)error;
    for (int i = 0; i < 2; i++) {
        double *nudge = ES_NEW(arena, sample->model->net->outputs, double);
        for (size_t o = 0; o < sample->model->net->outputs; o++)
            nudge[o] = (i ? -1 : 1) * sample->beta_si * sample->nudge[o];
        sample->pass[i] = sample->free;
        sample->pass[i].nudge = nudge;
    }
    return ES_OK;
}

static double move_of(const struct es_model *model, size_t i) {
    return step * es_difference_move(model->net, i, model->theta[i]);
}

// The free pass with parameter i moved, from its own initial state.
static enum es_status plan_moved(const struct es_rule_sample *sample, size_t i, double move, struct es_arena *arena, struct es_pass *pass,
                                 struct es_error *error) {
    const struct es_network *net = sample->model->net;
    double *theta = ES_NEW(arena, net->parameters, double), *x = ES_NEW(arena, net->channels, double);
    double *flux = ES_NEW(arena, net->nodes, double), *voltage = ES_NEW(arena, net->nodes, double), *offset = ES_NEW(arena, net->elements, double);
    struct es_model model;
    for (size_t j = 0; j < net->parameters; j++)
        theta[j] = sample->model->theta[j] + (i == j ? move : 0);
    for (size_t c = 0; c < net->channels; c++)
        x[c] = sample->free.input[c * sample->grid->points];
    *pass = sample->free;
    pass->theta = theta;
    pass->flux = flux;
    pass->voltage = voltage;
    pass->offset = offset;
    enum es_status status = es_model_new(net, theta, arena, &model, error);
    return status == ES_OK ? es_model_start(&model, x, flux, voltage, offset, error) : status;
}

static enum es_status plan_all(struct es_rule_sample *sample, struct es_arena *arena, struct es_error *error) {
    enum es_status status = plan_nudged(sample, arena, error);
    for (size_t i = 0; i < ES_DIFFERENCES * sample->model->net->parameters && status == ES_OK; i++)
        status = plan_moved(sample, i / ES_DIFFERENCES, es_difference_shift[i % ES_DIFFERENCES] * move_of(sample->model, i / ES_DIFFERENCES), arena, &sample->pass[2 + i], error);
    return status;
}

static enum es_status nudged_gradient(const struct es_rule_sample *sample, struct es_arena *arena, double *slope, struct es_error *error) {
    (void)error;
    const struct es_network *net = sample->model->net;
    double *none = ES_NEW(arena, net->nodes, double), *to_offset = ES_NEW(arena, net->elements, double);
    es_rule_shares(sample, arena, 1, slope, to_offset);
    es_model_start_slope(sample->model, sample->free.voltage, none, none, to_offset, slope);
    return ES_OK;
}

// Adds scale (to_phi' phi(T) - to_p' p(T)) of a pass at its own theta to the residual.
static enum es_status add_end(const struct es_rule_sample *sample, size_t pass, const double *to_phi, const double *to_p, struct es_arena *arena,
                              double scale, double *residual, struct es_error *error) {
    const struct es_network *net = sample->model->net;
    double *charge = ES_NEW(arena, net->nodes, double);
    struct es_model model;
    enum es_status status = es_model_new(net, sample->pass[pass].theta, arena, &model, error);
    if (status != ES_OK)
        return status;
    es_model_momentum(&model, sample->result[pass].voltage, charge);
    for (size_t n = 0; n < net->nodes; n++)
        *residual += scale * (to_phi[n] * (sample->result[pass].flux[n] - sample->free_result.flux[n]) - to_p[n] * charge[n]);
    return ES_OK;
}

static enum es_status whole_gradient(const struct es_rule_sample *sample, struct es_arena *arena, double *slope, struct es_error *error) {
    const struct es_network *net = sample->model->net;
    double *charge[2] = {ES_NEW(arena, net->nodes, double), ES_NEW(arena, net->nodes, double)};
    double *to_phi = ES_NEW(arena, net->nodes, double), *to_p = ES_NEW(arena, net->nodes, double);
    for (size_t i = 0; i < 2; i++)
        es_rule_charge(sample->model, sample->grid, &sample->pass[i], es_grid_steps(sample->grid), sample->result[i].voltage, charge[i]);
    for (size_t n = 0; n < net->nodes; n++)
        if (net->node[n].source < 0) {
            to_phi[n] = (charge[0][n] - charge[1][n]) / (2 * sample->beta_si);
            to_p[n] = (sample->result[0].flux[n] - sample->result[1].flux[n]) / (2 * sample->beta_si);
        }
    enum es_status status = nudged_gradient(sample, arena, slope, error);
    for (size_t i = 0; i < ES_DIFFERENCES * net->parameters && status == ES_OK; i++)
        status = add_end(sample, 2 + i, to_phi, to_p, arena, es_difference_weight[i % ES_DIFFERENCES] / move_of(sample->model, i / ES_DIFFERENCES), &slope[i / ES_DIFFERENCES], error);
    return status;
}

const struct es_rule es_civp = {
    .row = {"civp", "two nudged runs forward from the initial state, without the residual at T: biased", "CIVP, arXiv 2506.06248"},
    .boundary = "phi, p at 0",
    .memory = "O(1)",
    .bias = "biased: the rule leaves out the residual at T",
    .local = true,
    .forward = true,
    .passes = two_passes,
    .admits = civp_admits,
    .integrals = es_rule_integrals,
    .plan = plan_nudged,
    .gradient = nudged_gradient,
};

const struct es_rule es_civp_residual = {
    .row = {"civp-residual", "the same with the residual at T, from the sensitivities of the free run: four more runs for each parameter", "CIVP, arXiv 2506.06248"},
    .boundary = "phi, p at 0",
    .memory = "O(1), a sensitivity per parameter",
    .forward = true,
    .passes = all_passes,
    .admits = civp_admits,
    .integrals = es_rule_integrals,
    .plan = plan_all,
    .gradient = whole_gradient,
};
