// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
#include "learn/expect.h"

#include <math.h>

enum { LEAST_SUBSTEPS = 6, LEVELS = 8, MOST_STEPS = 1 << 22 }; // per sample; halvings of the step; steps of one pass
enum { NODES = 7 };                                            // grid points that a polynomial goes through

// What is kept of a pass for one expectation: its quantity at grid points first .. first + NODES - 1 of one sample interval.
struct reading {
    const struct es_expect *expect;
    size_t first;
    double at; // the time, in steps after `first`
    double value[NODES];
};

struct readings {
    size_t count, next; // readings; the grid point that comes next
    struct reading *reading;
};

static void read_point(void *context, double t, const double *flux, const double *voltage) {
    struct readings *r = context;
    (void)t;
    for (size_t i = 0; i < r->count; i++) {
        struct reading *reading = &r->reading[i];
        const double *state = reading->expect->quantity == ES_READ_FLUX ? flux : voltage;
        if (r->next >= reading->first && r->next < reading->first + NODES)
            reading->value[r->next - reading->first] = state[reading->expect->node];
    }
    r->next++;
}

static struct reading reading_of(const struct es_expect *expect, const struct es_grid *grid) {
    double substeps = (double)grid->substeps;
    double sample = fmin(floor(expect->time / grid->interval), (double)(grid->points - 2)), into = (expect->time / grid->interval - sample) * substeps;
    double first = fmin(fmax(floor(into) - (NODES - 1) / 2, 0), substeps - (NODES - 1));
    return (struct reading){.expect = expect, .first = (size_t)(sample * substeps + first), .at = into - first};
}

// The polynomial through (i, y_i), at x (Neville).
static double interpolate(double x, const double *y) {
    double p[NODES];
    for (int i = 0; i < NODES; i++)
        p[i] = y[i];
    for (int order = 1; order < NODES; order++)
        for (int i = 0; i + order < NODES; i++)
            p[i] = ((x - i) * p[i + 1] + (i + order - x) * p[i]) / order;
    return p[0];
}

// value [expects] of one pass at the grid's step.
static enum es_status run_once(const struct es_problem *problem, const struct es_grid *grid, const struct es_pass *pass, double *value, struct es_error *error) {
    const struct es_network *net = problem->net;
    struct es_arena *arena = es_arena_new();
    struct readings readings = {.count = net->expects, .reading = ES_NEW(arena, net->expects, struct reading)};
    struct es_sink sink = {read_point, &readings};
    struct es_batch batch = {.grid = *grid, .passes = 1, .pass = pass, .sink = &sink};
    for (size_t i = 0; i < net->expects; i++)
        readings.reading[i] = reading_of(&net->expect[i], grid);
    struct es_result *result = es_results_new(arena, net, 0, 1);
    enum es_status status = es_engine_run(problem->engine, &batch, result, error);
    for (size_t i = 0; i < net->expects; i++)
        if (problem->engine->scheme->equilibrium) // the same at all times
            value[i] = net->expect[i].quantity == ES_READ_VOLTAGE ? result->voltage[net->expect[i].node] : 0;
        else
            value[i] = interpolate(readings.reading[i].at, readings.reading[i].value);
    es_arena_free(arena);
    return status;
}

// y [LEVELS] at steps h, h/2, ..., of which `level` is the last; becomes y_2 and its last change.
static void extrapolate(const double *y, size_t level, struct es_expectation *result) {
    double first[3], second[2];
    for (size_t i = 0; i < 3; i++)
        first[i] = (4 * y[level - 2 + i] - y[level - 3 + i]) / 3;
    for (size_t i = 0; i < 2; i++)
        second[i] = (16 * first[i + 1] - first[i]) / 15;
    result->value = second[1];
    result->step = fabs(second[1] - second[0]);
}

// Whether halving the step again would tell nothing new.
static bool judge(const struct es_expect *expect, struct es_expectation *result) {
    double unit = expect->value != 0 ? fabs(expect->value) : 1;
    result->error = fabs(result->value - expect->value) / unit;
    result->pass = result->error <= expect->tolerance && result->step <= expect->tolerance * unit;
    return result->step <= expect->tolerance * unit / 10;
}

static enum es_status refine(const struct es_problem *problem, const struct es_pass *pass, struct es_arena *arena, struct es_expectation *result,
                             struct es_error *error) {
    const struct es_network *net = problem->net;
    struct es_grid grid = problem->grid;
    double *value = ES_NEW(arena, net->expects, double), *y = ES_NEW(arena, net->expects * LEVELS, double);
    enum es_status status = ES_OK;
    bool settled = net->expects == 0;
    grid.substeps = grid.substeps < LEAST_SUBSTEPS ? LEAST_SUBSTEPS : grid.substeps;
    for (size_t level = 0; level < LEVELS && !settled && status == ES_OK && es_grid_steps(&grid) <= MOST_STEPS; level++, grid.substeps *= 2) {
        status = run_once(problem, &grid, pass, value, error);
        settled = level >= 3;
        for (size_t i = 0; i < net->expects; i++) {
            y[i * LEVELS + level] = value[i];
            if (level >= 3) {
                extrapolate(y + i * LEVELS, level, &result[i]);
                settled &= judge(&net->expect[i], &result[i]);
            }
        }
    }
    return status;
}

static enum es_status check_times(const struct es_problem *problem, struct es_error *error) {
    const struct es_network *net = problem->net;
    double end = problem->grid.interval * (double)(problem->grid.points - 1);
    for (size_t i = 0; i < net->expects; i++)
        if (net->expect[i].time > end * (1 + 1e-12))
            return es_fail(error, ES_BAD_INPUT, "network \"%s\", line %d: <expect> at %g s, and the task's samples end at %g s", net->name,
                           net->expect[i].line, net->expect[i].time, end);
    return ES_OK;
}

enum es_status es_expectations(const struct es_problem *problem, const double *theta, const struct es_example *example,
                               struct es_expectation *result, struct es_error *error) {
    const struct es_network *net = problem->net;
    struct es_arena *arena = es_arena_new();
    struct es_model model;
    double *flux = ES_NEW(arena, net->nodes, double), *voltage = ES_NEW(arena, net->nodes, double), *offset = ES_NEW(arena, net->elements, double);
    double *x = ES_NEW(arena, net->channels, double);
    enum es_status status = check_times(problem, error);
    for (size_t c = 0; c < net->channels; c++)
        x[c] = example->input[c * problem->grid.points];
    for (size_t i = 0; i < net->expects; i++)
        result[i] = (struct es_expectation){NAN, NAN, NAN, false};
    if (status == ES_OK)
        status = es_model_new(net, theta, arena, &model, error);
    if (status == ES_OK)
        status = es_model_start(&model, x, flux, voltage, offset, error);
    struct es_pass pass = {.theta = theta, .flux = flux, .voltage = voltage, .offset = offset, .input = example->input};
    if (status == ES_OK)
        status = refine(problem, &pass, arena, result, error);
    es_arena_free(arena);
    return status;
}
