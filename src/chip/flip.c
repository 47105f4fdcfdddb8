// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// A flip that is not perfect, and inputs that the echo plays late. A pass that runs backwards begins with the state that has been flipped, so that is
// where these act.
#include "chip/use.h"

#include <gsl/gsl_errno.h>
#include <gsl/gsl_odeiv2.h>
#include <math.h>
#include <string.h>

// The same numbers, to be changed.
static double *copy(const struct es_using *use, size_t count, const double *a) {
    double *b = ES_NEW(use->arena, count, double);
    memcpy(b, a, count * sizeof *b);
    return b;
}

// The state that is flipped has no nudge capacitors yet: where the pass has them connected, it is what conserves node charge (engine.h), M v - (M + N) v(0+) + N y = 0.
static enum es_status disconnect(const struct es_using *use, const struct es_batch *batch, struct es_pass *pass, struct es_error *error) {
    const struct es_network *net = use->net;
    const size_t points = batch->grid.points;
    double window = pass->window ? pass->window[points - 2] : 1, *charge = ES_NEW(use->arena, net->nodes, double), *v = copy(use, net->nodes, pass->voltage);
    struct es_model model;
    enum es_status status = es_model_new(net, pass->theta, use->arena, &model, error);
    if (status != ES_OK)
        return status;
    es_model_momentum(&model, v, charge);
    for (size_t o = 0; o < net->outputs && pass->nudge; o++) {
        const struct es_element *e = &net->element[net->output[o]];
        double y = pass->target ? pass->reversal->voltage_target * pass->target[o * points + points - 1] : 0;
        if (e->read == ES_READ_VOLTAGE)
            es_add_across(e, charge, window * pass->nudge[o] * (es_across(e, v) - y));
    }
    pass->voltage = v;
    pass->connected = false;
    return es_model_velocity(&model, charge, v, error);
}

typedef enum es_status change_flip(const struct es_using *use, double value, const struct es_batch *batch, struct es_pass *pass, struct es_error *error);

// Changes the state with which each pass that runs backwards begins.
static enum es_status change_flips(const struct es_using *use, double value, const struct es_batch *batch, struct es_pass *pass, change_flip *change, struct es_error *error) {
    enum es_status status = ES_OK;
    for (size_t i = 0; i < batch->passes && status == ES_OK; i++) {
        if (pass[i].reversal && pass[i].connected)
            status = disconnect(use, batch, &pass[i], error);
        if (pass[i].reversal && status == ES_OK)
            status = change(use, value, batch, &pass[i], error);
    }
    return status;
}

// ---- gain and charge -------------------------------------------------------------------------------------------------

static enum es_status scale_flipped(const struct es_using *use, double value, const struct es_batch *batch, struct es_pass *pass, struct es_error *error) {
    (void)batch, (void)error;
    size_t nodes = use->net->nodes, elements = use->net->elements;
    double voltage = pass->reversal->voltage < 0 ? 1 + value : 1, flux = pass->reversal->flux < 0 ? 1 + value : 1;
    double *v = copy(use, nodes, pass->voltage), *phi = copy(use, nodes, pass->flux), *o = copy(use, elements, pass->offset);
    for (size_t n = 0; n < nodes; n++) {
        v[n] *= voltage;
        phi[n] *= flux;
    }
    for (size_t e = 0; e < elements; e++)
        o[e] *= flux;
    pass->voltage = v;
    pass->flux = phi;
    pass->offset = o;
    return ES_OK;
}

static enum es_status flip_gain(const struct es_using *use, double value, struct es_batch *batch, struct es_pass *pass, struct es_error *error) {
    return change_flips(use, value, batch, pass, scale_flipped, error);
}

static enum es_status add_charge(const struct es_using *use, double value, const struct es_batch *batch, struct es_pass *pass, struct es_error *error) {
    (void)batch;
    size_t nodes = use->net->nodes;
    double *charge = ES_NEW(use->arena, nodes, double), *rise = ES_NEW(use->arena, nodes, double), *v = copy(use, nodes, pass->voltage);
    struct es_model model;
    enum es_status status = es_model_new(use->net, pass->theta, use->arena, &model, error);
    for (size_t n = 0; n < nodes; n++)
        charge[n] = value;
    if (status == ES_OK)
        status = es_model_velocity(&model, charge, rise, error);
    for (size_t n = 0; n < nodes; n++)
        v[n] += rise[n];
    pass->voltage = v;
    return status;
}

static enum es_status flip_charge(const struct es_using *use, double value, struct es_batch *batch, struct es_pass *pass, struct es_error *error) {
    return change_flips(use, value, batch, pass, add_charge, error);
}

// ---- the instant -----------------------------------------------------------------------------------------------------

// The circuit before the flip, at time t - T: d(phi, v, o)/dt with the inputs of that time; after T they stay.
struct flow {
    const struct es_model *model;
    const struct es_pass *pass;
    const struct es_grid *grid;
    double *x, *force; // [channels], [nodes]
    struct es_error *error;
};

// An input at t - T = s, and its slope.
static double input_at(const struct flow *f, size_t channel, double s, double *slope) {
    size_t last = f->grid->points - 1;
    const double *x = f->pass->input + channel * f->grid->points;
    double place = fmax(s < 0 ? (double)last + s / f->grid->interval : (double)last, 0);
    size_t i = place < (double)last ? (size_t)place : last - 1;
    *slope = s < 0 ? (x[i + 1] - x[i]) / f->grid->interval : 0;
    return x[i] + (place - (double)i) * (x[i + 1] - x[i]);
}

static int derivative(double s, const double y[], double dy[], void *context) {
    struct flow *f = context;
    const struct es_network *net = f->model->net;
    const double *phi = y, *v = y + net->nodes, *o = y + 2 * net->nodes;
    double *dv = dy + net->nodes, slope;
    for (size_t c = 0; c < net->channels; c++)
        f->x[c] = input_at(f, c, s, &slope);
    es_model_force(f->model, phi, v, f->x, o, f->force);
    for (size_t i = 0; i < net->nodes; i++) {
        const struct es_element *source = net->node[i].source >= 0 ? &net->element[net->node[i].source] : NULL;
        dy[i] = v[i];
        if (source)
            (void)input_at(f, (size_t)source->channel, s, &slope);
        dv[i] = source ? f->model->k[net->node[i].source] * slope : 0;
    }
    for (size_t e = 0; e < net->elements; e++)
        dy[2 * net->nodes + e] = es_model_own_flux(f->model, e) ? es_model_flux_rate(f->model, e, es_model_flux(f->model, e, phi, o), es_across(&net->element[e], v)) -
                                                                      es_across(&net->element[e], v)
                                                                : 0;
    return es_model_velocity(f->model, f->force, dv, f->error) == ES_OK ? GSL_SUCCESS : GSL_FAILURE;
}

// scale [count] = the largest size that any of y has, or comes to within |time| at its rate; 1 where all are 0.
static void fill_scale(size_t count, const double *y, const double *rate, double time, double *scale) {
    double most = 0;
    for (size_t i = 0; i < count; i++)
        most = fmax(most, fabs(y[i]) + fabs(time * rate[i]));
    for (size_t i = 0; i < count; i++)
        scale[i] = most > 0 ? most : 1;
}

// Lets the state y [2 nodes + elements] run from t = T to T + time.
static enum es_status run_on(struct flow *flow, double time, double *y, struct es_arena *arena) {
    size_t nodes = flow->model->net->nodes, elements = flow->model->net->elements;
    double *rate = ES_NEW(arena, 2 * nodes + elements, double), *scale = ES_NEW(arena, 2 * nodes + elements, double), s = 0;
    gsl_odeiv2_system system = {derivative, NULL, 2 * nodes + elements, flow};
    derivative(0, y, rate, flow);
    fill_scale(nodes, y, rate, time, scale);
    fill_scale(nodes, y + nodes, rate + nodes, time, scale + nodes);
    fill_scale(elements, y + 2 * nodes, rate + 2 * nodes, time, scale + 2 * nodes);
    gsl_error_handler_t *handler = gsl_set_error_handler_off();
    gsl_odeiv2_driver *driver = gsl_odeiv2_driver_alloc_scaled_new(&system, gsl_odeiv2_step_rk8pd, time / 4, 1e-13, 0, 1, 0, scale);
    int failed = driver ? gsl_odeiv2_driver_apply(driver, &s, time, y) : GSL_ENOMEM;
    gsl_odeiv2_driver_free(driver);
    gsl_set_error_handler(handler);
    return failed ? es_fail(flow->error, ES_FAILED, "--chip flip-jitter: the circuit cannot be followed for the %g s between T and the flip: %s", time, gsl_strerror(failed))
                  : ES_OK;
}

static enum es_status flip_late(const struct es_using *use, double sigma, const struct es_batch *batch, struct es_pass *pass, struct es_error *error) {
    struct es_stream stream = es_using_stream(use, ES_RANDOM_FLIP, 0, pass);
    double time = sigma * es_random_normal(&stream), length = batch->grid.interval * (double)(batch->grid.points - 1);
    if (fabs(time) > 10 * length)
        return es_fail(error, ES_BAD_INPUT, "--chip flip-jitter: a flip would be %.3g s from its instant, and a pass is %.3g s long; expected a standard deviation below that",
                       time, length);
    const struct es_network *net = use->net;
    const struct es_reversal *turn = pass->reversal;
    struct es_model model;
    enum es_status status = es_model_new(net, pass->theta, use->arena, &model, error);
    struct flow flow = {&model, pass, &batch->grid, ES_NEW(use->arena, net->channels, double), ES_NEW(use->arena, net->nodes, double), error};
    double *y = ES_NEW(use->arena, 2 * net->nodes + net->elements, double), *v = y + net->nodes, *o = y + 2 * net->nodes;
    for (size_t n = 0; n < net->nodes; n++) {
        y[n] = turn->flux * pass->flux[n];
        v[n] = turn->voltage * pass->voltage[n];
    }
    for (size_t e = 0; e < net->elements; e++)
        o[e] = turn->flux * pass->offset[e];
    if (status == ES_OK && time != 0)
        status = run_on(&flow, time, y, use->arena);
    for (size_t n = 0; n < net->nodes; n++) {
        y[n] *= turn->flux;
        v[n] *= turn->voltage;
    }
    for (size_t e = 0; e < net->elements; e++)
        o[e] *= turn->flux;
    pass->flux = y;
    pass->voltage = v;
    pass->offset = o;
    return status;
}

static enum es_status flip_jitter(const struct es_using *use, double sigma, struct es_batch *batch, struct es_pass *pass, struct es_error *error) {
    return change_flips(use, sigma, batch, pass, flip_late, error);
}

// ---- inputs ----------------------------------------------------------------------------------------------------------

static enum es_status skew(const struct es_using *use, double value, struct es_batch *batch, struct es_pass *pass, struct es_error *error) {
    (void)use, (void)error;
    for (size_t i = 0; i < batch->passes; i++)
        if (pass[i].reversal)
            pass[i].skew += value;
    return ES_OK;
}

const struct es_nonideality es_flip_jitter = {
    .row = {"flip-jitter", "standard deviation of the instant of each flip; the circuit runs on meanwhile, and the echo's inputs begin with the flip",
            "docs/theory.md 3"},
    .unit = "s", .ideal = 0, .min = 0, .max = 1e6, .drawn = true, .ask = flip_jitter,
};

const struct es_nonideality es_flip_gain = {
    .row = {"flip-gain", "relative error of what a flip negates, the voltages or the fluxes; swap-outputs negates no state",
            "(C - Cd) / (C + Cd) of swapped plates, docs/theory.md 3"},
    .unit = "", .ideal = 0, .min = -1, .max = 1, .ask = flip_gain,
};

const struct es_nonideality es_flip_charge = {
    .row = {"flip-charge", "charge that the switches leave at every node at each flip", "charge injection"},
    .unit = "C", .ideal = 0, .min = -1, .max = 1, .ask = flip_charge,
};

const struct es_nonideality es_drive_skew = {
    .row = {"drive-skew", "by which the inputs of passes that run backwards come late, x(T - t + skew)", "docs/theory.md 3"},
    .unit = "s", .ideal = 0, .min = -1e6, .max = 1e6, .ask = skew,
};
