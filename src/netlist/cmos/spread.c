// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// What mismatch does to the network's modes, and their noise (netlist/cmos.h).
#include "netlist/cmos/network.h"

#include "net/modes.h"
#include "netlist/sizing.h"

#include <math.h>

// Squares of a transistor's threshold error, and of its gain's relative one.
static double threshold_variance(const struct cmos_writer *w, const struct es_part *t) {
    return pow(es_process_threshold_sigma(es_process_device(w->process, t->role), &t->size), 2);
}

static double gain_variance(const struct cmos_writer *w, const struct es_part *t) {
    return pow(es_process_relative_sigma(es_process_device(w->process, t->role), &t->size), 2);
}

double es_cmos_transconductor_sigma(const struct cmos_writer *w, const struct es_transconductor_point *point) {
    const struct es_part *mirror[] = {es_cmos_transistor(&w->cells, "es_ota", "b"), es_cmos_transistor(&w->cells, "es_ota", "t")}, *pair = es_cmos_transistor(&w->cells, "es_ota", "ip");
    double e = point->slope * point->bias / point->gm, current = 0; // relative
    for (size_t i = 0; i < 2; i++)
        current += pow(4 * point->gm / point->bias, 2) * threshold_variance(w, mirror[i]) + gain_variance(w, mirror[i]);
    return sqrt(e * e * current + (1 - e) * (1 - e) * gain_variance(w, pair) / 2);
}

// Variances of a mode's frequency by transistors and by plates, of one gyrator.
static void add_gyrator(const struct cmos_writer *w, size_t i, double omega, const double *shape, double *transistors, double *plates) {
    const struct es_element *e = &w->net->element[i];
    const double *q = w->model->q[i], across = es_across(e, shape), share = q[ES_CMOS_GM1] * q[ES_CMOS_GM2] / q[ES_CMOS_CL] * across / (2 * omega * omega);
    for (size_t k = 0; k < 2; k++)
        for (size_t side = 0; side < 2; side++) {
            int node = side ? e->n : e->p;
            *transistors += node >= 0 ? pow(share * shape[node] * w->gm_sigma[2 * i + k], 2) : 0;
        }
    *plates += pow(share * across * w->cl_sigma[i], 2);
}

// A coupling is two pairs of plates, of half the error together; ideal where they do not fit.
static double coupling_sigma(const struct cmos_writer *w, size_t i) {
    struct es_process_size size;
    if (es_sizing_plate(w->process, 2 * w->model->q[i][0], &size))
        return 0;
    return es_process_relative_sigma(es_process_device(w->process, &es_role_capacitor), &size) / sqrt(2);
}

static struct es_cmos_mode find_mode(const struct cmos_writer *w, double omega, const double *shape) {
    double transistors = 0, plates = 0;
    for (size_t n = 0; n < w->net->nodes; n++)
        plates += pow(es_cmos_node_capacitance(w, n) * shape[n] * shape[n] / 2 * w->node_sigma[n], 2);
    for (size_t i = 0; i < w->net->elements; i++) {
        const struct es_element *e = &w->net->element[i];
        if (e->kind == &es_gyrator)
            add_gyrator(w, i, omega, shape, &transistors, &plates);
        if (e->kind == &es_capacitor && e->p >= 0 && e->n >= 0)
            plates += pow(w->model->q[i][0] * es_across(e, shape) * es_across(e, shape) / 2 * coupling_sigma(w, i), 2);
    }
    return (struct es_cmos_mode){omega, sqrt(plates), sqrt(transistors)};
}

void es_cmos_find_spread(struct cmos_writer *w) {
    struct es_sizing ideal;
    struct es_modes modes = {0};
    const struct es_cmos_mode none = {NAN, NAN, NAN};
    es_sizing_new(w->net, w->model->theta, NULL, 0, w->arena, &ideal);
    w->report->noise = es_sizing_spread(&ideal, w->arena).noise;
    w->report->slowest = w->report->fastest = none;
    if (es_modes(w->model, w->arena, &modes, NULL) != ES_OK)
        return;
    for (size_t i = modes.modes; i-- > 0 && modes.omega[i] > 0;) {
        w->report->slowest = find_mode(w, modes.omega[i], modes.shape + i * w->net->nodes);
        if (i + 1 == modes.modes)
            w->report->fastest = w->report->slowest;
    }
}
