// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
#include "learn/difference.h"

#include "learn/free.h"

#include <math.h>

enum { CHUNK = 16 }; // parameters whose passes run together

const double es_difference_shift[ES_DIFFERENCES] = {1, -1, 2, -2}, es_difference_weight[ES_DIFFERENCES] = {2. / 3, -2. / 3, -1. / 12, 1. / 12};

double es_difference_move(const struct es_network *net, size_t i, double theta) {
    double slope = es_parameter_slope(net, i, theta);
    return fmax(fmin(slope, fabs(theta)), slope / 100);
}

// theta with parameter i moved by shift step es_difference_move(), once for each shift.
static void write_variants(const struct es_network *net, const double *theta, size_t i, double step, double *variant) {
    for (size_t s = 0; s < ES_DIFFERENCES; s++)
        for (size_t j = 0; j < net->parameters; j++)
            variant[s * net->parameters + j] = theta[j] + (i == j ? es_difference_shift[s] * step * es_difference_move(net, j, theta[j]) : 0);
}

// The same of a loss that a rule's own free solution has.
static enum es_status own_differences(const struct es_problem *problem, const double *theta, size_t examples, const struct es_example *example,
                                      double step, size_t every, double *slope, struct es_error *error) {
    const struct es_network *net = problem->net;
    struct es_arena *arena = es_arena_new();
    double *variant = ES_NEW(arena, ES_DIFFERENCES * net->parameters, double), *loss = ES_NEW(arena, examples, double);
    struct es_free free = {.loss = loss};
    enum es_status status = ES_OK;
    for (size_t i = 0; i < net->parameters && status == ES_OK; i += every) {
        double sum = 0;
        write_variants(net, theta, i, step, variant);
        for (size_t s = 0; s < ES_DIFFERENCES && status == ES_OK; s++) {
            status = es_losses(problem, variant + s * net->parameters, examples, example, &free, error);
            for (size_t e = 0; e < examples; e++)
                sum += es_difference_weight[s] * loss[e];
        }
        slope[i] = sum / (step * es_difference_move(net, i, theta[i]) * (double)examples);
        if (problem->progress)
            problem->progress(problem->context, (double)i / (double)net->parameters);
    }
    es_arena_free(arena);
    return status;
}

// Of the parameters first, first + every, ...
static enum es_status difference_chunk(const struct es_problem *problem, const double *theta, size_t first, size_t every, size_t count, size_t examples,
                                       const struct es_example *example, double step, double *slope, struct es_error *error) {
    const struct es_network *net = problem->net;
    struct es_arena *arena = es_arena_new();
    double *variant = ES_NEW(arena, ES_DIFFERENCES * count * net->parameters, double);
    for (size_t i = 0; i < count; i++)
        write_variants(net, theta, first + i * every, step, variant + i * ES_DIFFERENCES * net->parameters);
    struct es_free_passes free;
    enum es_status status = es_free_run(problem, arena, ES_DIFFERENCES * count, variant, examples, example, false, &free, error);
    for (size_t i = 0; i < count && status == ES_OK; i++) {
        double sum = 0;
        size_t parameter = first + i * every;
        for (size_t s = 0; s < ES_DIFFERENCES; s++)
            for (size_t e = 0; e < examples; e++) {
                struct es_reading reading = es_free_reading(problem, &free, (ES_DIFFERENCES * i + s) * examples + e, example[e].label);
                sum += es_difference_weight[s] * problem->cost->loss(&reading);
            }
        slope[parameter] = sum / (step * es_difference_move(net, parameter, theta[parameter]) * (double)examples);
    }
    es_arena_free(arena);
    return status;
}

enum es_status es_finite_differences_of(const struct es_problem *problem, const double *theta, size_t examples, const struct es_example *example,
                                        double step, size_t every, double *slope, struct es_error *error) {
    size_t parameters = problem->net->parameters;
    enum es_status status = ES_OK;
    for (size_t i = 0; i < parameters; i++)
        slope[i] = NAN;
    if (problem->rule && problem->rule->own_loss)
        return own_differences(problem, theta, examples, example, step, every, slope, error);
    for (size_t first = 0; first < parameters && status == ES_OK; first += CHUNK * every) {
        size_t left = (parameters - first + every - 1) / every;
        status = difference_chunk(problem, theta, first, every, left < CHUNK ? left : CHUNK, examples, example, step, slope, error);
        if (problem->progress)
            problem->progress(problem->context, (double)first / (double)parameters);
    }
    return status;
}

enum es_status es_finite_differences(const struct es_problem *problem, const double *theta, size_t examples,
                                     const struct es_example *example, double step, double *slope, struct es_error *error) {
    return es_finite_differences_of(problem, theta, examples, example, step, 1, slope, error);
}

double es_difference_step(const struct es_grid *grid, double omega) {
    return fmin(1e-3, 0.03 / (omega * (double)(grid->points - 1) * grid->interval));
}

struct es_agreement es_agreement_of(size_t n, size_t every, const double *weight, const double *a, const double *b) {
    double ab = 0, aa = 0, bb = 0, difference = 0;
    for (size_t i = 0; i < n; i += every) {
        double x = weight[i] * a[i], y = weight[i] * b[i];
        ab += x * y;
        aa += x * x;
        bb += y * y;
        difference += (x - y) * (x - y);
    }
    return (struct es_agreement){sqrt(difference / bb), ab / sqrt(aa * bb), sqrt(aa / bb)};
}
