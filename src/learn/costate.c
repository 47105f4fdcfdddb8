// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// The costates as two echoes show them.
#include "learn/free.h"

#include <string.h>

struct costates {
    const struct es_model *model;
    const struct es_grid *grid;
    const struct es_pass *pass;    // the echo that runs
    double scale;                  // 1 / 2 beta with the sign of its nudge
    size_t next;                   // grid point t' / h
    double *charge;                // [nodes] scratch
    double *lambda_phi, *lambda_p; // [steps + 1][nodes], forward in time
};

static void add_costates(void *context, double t, const double *flux, const double *voltage) {
    struct costates *c = context;
    const struct es_network *net = c->model->net;
    size_t row = (es_grid_steps(c->grid) - c->next) * net->nodes;
    (void)t;
    es_rule_charge(c->model, c->grid, c->pass, c->next++, voltage, c->charge);
    for (size_t i = 0; i < net->nodes; i++)
        if (net->node[i].source < 0) {
            c->lambda_phi[row + i] -= c->scale * c->charge[i];
            c->lambda_p[row + i] += c->scale * c->pass->reversal->flux * flux[i];
        }
}

static enum es_status run_costates(const struct es_problem *problem, struct es_arena *arena, struct costates *costates, struct es_error *error) {
    struct es_sink sink = {add_costates, costates};
    struct es_batch batch = {.grid = problem->grid, .passes = 1, .pass = costates->pass, .sink = &sink};
    costates->charge = ES_NEW(arena, problem->net->nodes, double);
    return es_engine_run(problem->engine, &batch, es_results_new(arena, problem->net, 0, 1), error);
}

enum es_status es_echo_trajectory(const struct es_problem *problem, const double *theta, const struct es_example *example,
                                  double *lambda_phi, double *lambda_p, struct es_error *error) {
    const struct es_network *net = problem->net;
    struct es_arena *arena = es_arena_new();
    struct es_free_passes free;
    struct es_problem echo = *problem;
    struct es_pass pass[2];
    struct es_rule_sample sample;
    echo.rule = &es_rhel;
    size_t size = (es_grid_steps(&problem->grid) + 1) * net->nodes * sizeof(double);
    double *reference = ES_NEW(arena, net->outputs, double);
    enum es_status status = es_free_run(problem, arena, 1, theta, 1, example, false, &free, error);
    memset(lambda_phi, 0, size);
    memset(lambda_p, 0, size);
    if (status == ES_OK) {
        es_cost_reference(free.model, NULL, reference);
        status = es_rule_prepare(&echo, arena, reference, &free, 0, example->label, pass, NULL, &sample, error);
    }
    for (int i = 0; i < 2 && status == ES_OK; i++) {
        struct costates c = {.model = free.model, .grid = &problem->grid, .pass = &pass[i], .scale = (i ? -0.5 : 0.5) / sample.beta_si,
                             .lambda_phi = lambda_phi, .lambda_p = lambda_p};
        status = run_costates(problem, arena, &c, error);
    }
    es_arena_free(arena);
    return status;
}
