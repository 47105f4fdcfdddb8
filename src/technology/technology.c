// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
#include "technology/technology.h"

#include "technology/realise.h"

#include <math.h>
#include <string.h>

const struct es_row *const es_technologies[] = {
    &es_lc.row, &es_lc_differential.row, &es_gyrator_technology.row, &es_gyrator_differential.row, &es_mesh_technology.row, &es_mesh_differential.row, &es_cmos.row, NULL,
};

double es_tuned(struct es_tuning tuning, double theta) {
    return tuning.power == 1 ? tuning.factor * theta : tuning.factor / theta;
}

double es_untuned(struct es_tuning tuning, double tuned) {
    return tuning.power == 1 ? tuned / tuning.factor : tuning.factor / tuned;
}

double es_tuning_slope(struct es_tuning tuning, double theta) {
    return tuning.power == 1 ? tuning.factor : -tuning.factor / (theta * theta);
}

struct es_element *es_realise_as(struct es_realising *realising, size_t i, const struct es_element_kind *kind) {
    struct es_element *e = &realising->net->element[i];
    e->kind = kind;
    for (size_t q = 0; q < ES_QUANTITIES; q++) {
        e->value[q] = NAN;
        e->parameter[q] = ES_FIXED;
        e->scale[q] = 0;
    }
    return e;
}

enum es_status es_realise_refuse(const struct es_realising *realising, size_t i, const char *why, struct es_error *error) {
    const struct es_element *e = &realising->abstract->element[i];
    return es_fail(error, ES_BAD_INPUT, "--technology %s: network \"%s\", line %d: %s \"%s\" %s", realising->technology->row.name, realising->net->name, e->line,
                   e->kind->row.name, e->name, why);
}

// The parameter itself: where it is read, and between what.
static void retune(struct es_realising *realising, size_t parameter, size_t i, size_t from, size_t to) {
    struct es_parameter *p = &realising->net->parameter[parameter];
    const struct es_parameter *was = &realising->abstract->parameter[parameter];
    const struct es_tuning t = realising->tuning[parameter];
    double a = es_tuned(t, was->min), b = es_tuned(t, was->max);
    p->min = fmin(a, b);
    p->max = fmax(a, b);
    if (was->element == i && was->quantity == from)
        p->quantity = to;
}

enum es_status es_realise_value(struct es_realising *realising, size_t i, size_t to, size_t from, double factor, double power, struct es_error *error) {
    const struct es_element *was = &realising->abstract->element[i];
    struct es_element *e = &realising->net->element[i];
    int parameter = was->parameter[from];
    if (parameter == ES_FIXED) {
        e->value[to] = es_tuned((struct es_tuning){factor, power}, was->value[from]);
        return ES_OK;
    }
    struct es_tuning *tuning = &realising->tuning[parameter];
    const struct es_tuning own = {es_tuned((struct es_tuning){factor, power}, es_element_scale(was, from)), power}; // factor (scale theta)^power
    if (tuning->power != 0 && tuning->power != power)
        return es_realise_refuse(realising, i, "shares its trained value with an element in which that is tuned the other way round; train them apart", error);
    if (tuning->power == 0)
        *tuning = own;
    e->parameter[to] = parameter;
    e->value[to] = es_tuned(*tuning, was->value[from]);
    e->scale[to] = own.factor / tuning->factor;
    retune(realising, (size_t)parameter, i, from, to);
    return ES_OK;
}

bool es_realise_trains(const struct es_realising *realising, size_t i, size_t quantity) {
    return realising->abstract->element[i].parameter[quantity] != ES_FIXED;
}

bool es_realise_has(const struct es_realising *realising, size_t i, size_t quantity) {
    const struct es_element *e = &realising->abstract->element[i];
    return e->parameter[quantity] != ES_FIXED || (!isnan(e->value[quantity]) && e->value[quantity] != 0);
}

// The geometric mean of the coefficients of a term, or NAN without any.
static double middle(const struct es_network *net, enum es_term term) {
    double sum = 0, count = 0, q[ES_QUANTITIES];
    for (size_t i = 0; i < net->elements; i++) {
        const struct es_element *e = &net->element[i];
        for (size_t k = 0; k < ES_QUANTITIES; k++)
            q[k] = e->parameter[k] == ES_FIXED ? e->value[k] : es_element_scale(e, k) * e->value[k];
        double k = e->kind->term == term && e->kind->coefficient ? e->kind->coefficient(q) : 0;
        if (k > 0) {
            sum += log(k);
            count++;
        }
    }
    return exp(sum / count);
}

// What the technology leaves as it is may share a parameter with what it tunes.
static enum es_status keep(struct es_realising *realising, size_t i, struct es_error *error) {
    enum es_status status = ES_OK;
    for (size_t q = 0; q < ES_QUANTITIES && status == ES_OK; q++)
        if (es_realise_trains(realising, i, q))
            status = es_realise_value(realising, i, q, q, 1, 1, error);
    return status;
}

enum es_status es_technology_network(const struct es_technology *technology, const struct es_network *net, struct es_arena *arena, struct es_network **built,
                                     struct es_tuning **tuning, struct es_error *error) {
    struct es_realising realising = {.technology = technology, .abstract = net, .net = ES_NEW(arena, 1, struct es_network), .tuning = ES_NEW(arena, net->parameters, struct es_tuning)};
    *realising.net = *net;
    realising.net->differential = technology->differential;
    realising.net->element = ES_NEW(arena, net->elements, struct es_element);
    realising.net->parameter = ES_NEW(arena, net->parameters, struct es_parameter);
    memcpy(realising.net->element, net->element, net->elements * sizeof *net->element);
    if (net->parameters)
        memcpy(realising.net->parameter, net->parameter, net->parameters * sizeof *net->parameter);
    realising.capacitance = middle(net, ES_KINETIC);
    realising.transconductance = sqrt(realising.capacitance * middle(net, ES_POTENTIAL));
    enum es_status status = ES_OK;
    for (size_t i = 0; i < net->elements && status == ES_OK; i++) {
        status = technology->realise(&realising, i, error);
        if (status == ES_OK && realising.net->element[i].kind == net->element[i].kind)
            status = keep(&realising, i, error);
    }
    for (size_t i = 0; i < net->parameters; i++)
        if (realising.tuning[i].power == 0)
            realising.tuning[i] = (struct es_tuning){1, 1};
    *built = realising.net;
    *tuning = realising.tuning;
    return status;
}
