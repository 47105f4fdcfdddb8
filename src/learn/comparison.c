// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
#include "learn/comparison.h"

#include <math.h>

static void set_beta(struct es_experiment *experiment, double value) {
    experiment->beta = value;
}

static void set_rate(struct es_experiment *experiment, double value) {
    experiment->rate = value;
}

static const struct es_setting
    beta = {{"beta", "nudge: the largest nudge element over what is at its node already", "learn/cost.h"}, "", 0, 1, set_beta},
    rate = {{"rate", "the optimiser's, at the start", "learn/optimiser.h"}, "", 0, INFINITY, set_rate};

const struct es_row *const es_settings[] = {&beta.row, &rate.row, NULL};

void es_comparison_new(struct es_comparison *c, struct es_arena *arena) {
    c->outcome = ES_NEW(arena, c->conditions * c->seeds, struct es_outcome);
    for (size_t i = 0; i < c->conditions * c->seeds; i++) {
        struct es_outcome *outcome = &c->outcome[i];
        *outcome = (struct es_outcome){.reason = "", .loss = ES_NEW(arena, c->epochs, double), .accuracy = ES_NEW(arena, c->epochs, double)};
        for (size_t m = 0; m < ES_MEASURES; m++)
            outcome->measure[m] = NAN;
        for (size_t e = 0; e < c->epochs; e++)
            outcome->loss[e] = outcome->accuracy[e] = NAN;
    }
}

size_t es_comparison_ended(const struct es_comparison *c) {
    size_t ended = 0;
    for (size_t i = 0; i < c->conditions * c->seeds; i++)
        ended += c->outcome[i].ended;
    return ended;
}

static double measure_of(const struct es_outcome *outcome, size_t measure) {
    return outcome->measure[measure];
}

static double loss_of(const struct es_outcome *outcome, size_t epoch) {
    return outcome->loss[epoch];
}

// Two passes, as a spread may be much smaller than the mean.
static struct es_statistic statistic(const struct es_comparison *c, size_t condition, double (*of)(const struct es_outcome *outcome, size_t which), size_t which) {
    struct es_statistic s = {.deviation = NAN};
    double sum = 0, squares = 0;
    for (size_t i = 0; i < c->seeds; i++) {
        double x = of(es_comparison_outcome(c, condition, i), which);
        if (isfinite(x)) {
            sum += x;
            s.count++;
        }
    }
    s.mean = sum / (double)s.count;
    for (size_t i = 0; i < c->seeds; i++) {
        double x = of(es_comparison_outcome(c, condition, i), which);
        if (isfinite(x))
            squares += (x - s.mean) * (x - s.mean);
    }
    if (s.count > 1)
        s.deviation = sqrt(squares / (double)(s.count - 1));
    return s;
}

struct es_statistic es_comparison_measure(const struct es_comparison *c, size_t condition, enum es_measure measure) {
    return statistic(c, condition, measure_of, measure);
}

bool es_comparison_has(const struct es_comparison *c, enum es_measure measure) {
    for (size_t i = 0; i < c->conditions; i++)
        if (es_comparison_measure(c, i, measure).count)
            return true;
    return false;
}

struct es_statistic es_comparison_epoch(const struct es_comparison *c, size_t condition, size_t epoch) {
    return statistic(c, condition, loss_of, epoch);
}
