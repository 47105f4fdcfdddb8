// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// How well an engine runs backwards.
#include "learn/free.h"

#include <math.h>

// The state at the end of a pass, turned.
static void turn_state(const struct es_network *net, const struct es_reversal *turn, struct es_result *end) {
    for (size_t i = 0; i < net->nodes; i++) {
        end->flux[i] *= turn->flux;
        end->voltage[i] *= turn->voltage;
    }
    for (size_t e = 0; e < net->elements; e++)
        end->offset[e] *= turn->flux;
}

// |end - start| in the norm of the stored energy [J^1/2].
static double distance(const struct es_model *model, const struct es_pass *start, struct es_result *end) {
    for (size_t i = 0; i < model->net->nodes; i++) {
        end->flux[i] -= start->flux[i];
        end->voltage[i] -= start->voltage[i];
    }
    for (size_t e = 0; e < model->net->elements; e++)
        end->offset[e] -= start->offset[e];
    return sqrt(es_model_energy(model, end->flux, end->voltage, end->offset));
}

static double energy_at(const struct es_model *model, const struct es_result *end) {
    return es_model_energy(model, end->flux, end->voltage, end->offset);
}

static void compare_return(const struct es_network *net, const struct es_reversal *turn, const struct es_free_passes *free, struct es_result *echo,
                           struct es_return *back) {
    const struct es_pass *start = free->batch.pass;
    struct es_result *end = free->result;
    double before = es_model_energy(free->model, start->flux, start->voltage, start->offset), turned = energy_at(free->model, end);
    turn_state(net, turn, &echo[0]);
    back->retrace = distance(free->model, start, &echo[0]) / sqrt(fmax(before, turned));
    for (size_t i = 0; i < net->nodes; i++) // what is silent is at 0 V from the start
        end->voltage[i] = net->node[i].source >= 0 ? 0 : end->voltage[i];
    back->energy_drift = fabs(energy_at(free->model, &echo[1]) / energy_at(free->model, end) - 1);
}

enum es_status es_return(const struct es_problem *problem, const double *theta, const struct es_example *example,
                         struct es_return *back, struct es_error *error) {
    const struct es_network *net = problem->net;
    struct es_arena *arena = es_arena_new();
    struct es_free_passes free;
    enum es_status status = es_free_run(problem, arena, 1, theta, 1, example, false, &free, error);
    if (status == ES_OK) {
        struct es_result *echo = es_results_new(arena, net, 0, 2), *end = free.result;
        double growth = 0;
        turn_state(net, problem->reversal, end);
        struct es_pass pass[2] = {*free.batch.pass, *free.batch.pass};
        for (int i = 0; i < 2; i++) {
            pass[i].flux = end->flux;
            pass[i].voltage = end->voltage;
            pass[i].offset = end->offset;
            pass[i].run = (unsigned)(i + 1);
            pass[i].reversal = problem->reversal;
        }
        if (problem->rule && problem->rule->growth)
            status = problem->rule->growth(free.model, &problem->grid, &growth, error);
        pass[0].growth = growth;
        pass[1].input = ES_NEW(arena, net->channels * problem->grid.points, double); // silence
        struct es_batch batch = {.grid = problem->grid, .passes = 2, .pass = pass};
        if (status == ES_OK)
            status = es_engine_run(problem->engine, &batch, echo, error);
        if (status == ES_OK)
            compare_return(net, problem->reversal, &free, echo, back);
    }
    es_arena_free(arena);
    return status;
}
