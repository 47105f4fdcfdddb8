// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
#include "learn/variation.h"

#include "net/modes.h"

#include <gsl/gsl_errno.h>
#include <gsl/gsl_linalg.h>
#include <math.h>
#include <string.h>

// ---- the circuit -----------------------------------------------------------------------------------------------------

static bool is_held(const struct es_variation *w, size_t node) {
    return w->net->node[node].source >= 0;
}

static void clear(double *a, size_t count) {
    memset(a, 0, count * sizeof *a);
}

static void clear_held(const struct es_variation *w, double *a) {
    for (size_t i = 0; i < w->n; i++)
        if (is_held(w, i))
            a[i] = 0;
}

void es_variation_enter(struct es_variation *w, size_t s) {
    w->from = w->bend[s];
}

double es_variation_bend(const struct es_variation *w, size_t s) {
    return (double)w->bend[s] * w->problem->grid.interval;
}

// Inputs [V] and targets [Wb or V] at t in the present segment.
static double signal_at(const struct es_variation *w, const double *samples, size_t row, double t) {
    const double *s = samples + row * w->problem->grid.points + w->from;
    return s[0] + (t / w->problem->grid.interval - (double)w->from) * (s[1] - s[0]);
}

static void inputs(struct es_variation *w, double t) {
    for (size_t i = 0; i < w->net->channels; i++)
        w->x[i] = signal_at(w, w->example->input, i, t);
}

static void solve(const struct es_variation *w, double *b) {
    gsl_matrix_const_view factor = gsl_matrix_const_view_array(w->factor, w->n, w->n);
    gsl_vector_view view = gsl_vector_view_array(b, w->n);
    gsl_linalg_cholesky_svx(&factor.matrix, &view.vector);
}

// b = S b
static void solve_free(const struct es_variation *w, double *b) {
    clear_held(w, b);
    solve(w, b);
}

// v at t from p; the inputs stay in w->x.
static void velocity(struct es_variation *w, double t, const double *p, double *v) {
    inputs(w, t);
    for (size_t i = 0; i < w->n; i++) {
        int source = w->net->node[i].source;
        v[i] = source >= 0 ? w->model.k[source] * w->x[w->net->element[source].channel] : 0;
    }
    es_model_momentum(&w->model, v, w->charge);
    for (size_t i = 0; i < w->n; i++)
        v[i] = is_held(w, i) ? v[i] : p[i] - w->charge[i];
    solve(w, v);
}

static void linearise(struct es_variation *w, const double *phi) {
    for (size_t e = 0; e < w->net->elements; e++) {
        const struct es_element *element = &w->net->element[e];
        double psi = es_across(element, phi) + w->offset[e], current;
        w->stiffness[e] = element->kind->term == ES_POTENTIAL ? w->model.k[e] : 0;
        if (element->kind->potential)
            element->kind->potential->current(w->model.q[e], 1, &psi, &current, &w->stiffness[e]);
    }
}

// Linearised currents w->current of node fluxes q and, unless NULL, of branch offsets that lie `stride` apart.
static void branch_currents(struct es_variation *w, const double *q, const double *offset, size_t stride) {
    for (size_t e = 0; e < w->net->elements; e++) {
        w->across[e] = es_across(&w->net->element[e], q) + (offset ? offset[e * stride] : 0);
        w->current[e] = w->stiffness[e] * w->across[e];
    }
    for (size_t i = 0; i < w->model.pairs; i++) {
        struct es_pair pair = w->model.pair[i];
        w->current[pair.a] += pair.gamma * w->across[pair.b];
        w->current[pair.b] += pair.gamma * w->across[pair.a];
    }
}

// a += scale times the currents into the nodes
static void add_currents(const struct es_variation *w, double scale, double *a) {
    for (size_t e = 0; e < w->net->elements; e++)
        es_add_across(&w->net->element[e], a, scale * w->current[e]);
}

// ---- the cost --------------------------------------------------------------------------------------------------------

static const struct es_element *output(const struct es_variation *w, size_t o) {
    return &w->net->element[w->net->output[o]];
}

static bool reads_flux(const struct es_variation *w, size_t o) {
    if (!w->running)
        return w->problem->cost->reads == ES_READ_FLUX_AT_END;
    enum es_signal signal = w->problem->cost->signal(w->net, w->net->output[o]);
    return signal == ES_SIGNAL_FLUX || signal == ES_SIGNAL_FLUX_ERROR;
}

static bool reads_error(const struct es_variation *w, size_t o) {
    if (!w->running || !w->example->target)
        return false;
    enum es_signal signal = w->problem->cost->signal(w->net, w->net->output[o]);
    return signal == ES_SIGNAL_FLUX_ERROR || signal == ES_SIGNAL_VOLTAGE_ERROR;
}

// s_o of a running cost
static double seen(const struct es_variation *w, size_t o, double t, const double *phi, const double *v) {
    double target = reads_error(w, o) ? signal_at(w, w->example->target, o, t) : 0;
    return es_across(output(w, o), reads_flux(w, o) ? phi : v) - target;
}

static double window(const struct es_variation *w) {
    return w->example->window ? w->example->window[w->from] : 1;
}

void es_variation_rate(struct es_variation *w, double t, const double *y, double *rate) {
    double *v = rate, *force = rate + w->n, *reading = rate + 2 * w->n;
    velocity(w, t, y + w->n, v);
    es_model_force(&w->model, y, v, w->x, w->offset, force);
    clear_held(w, force);
    for (size_t o = 0; o < w->net->outputs; o++)
        reading[o] = w->running ? window(w) * pow(seen(w, o, t, y, v), 2) : 0;
}

// to_flux, to_voltage = c_phi, c_v of a running cost
static void pull_running(const struct es_variation *w, double t, const double *phi, const double *v, double *to_flux, double *to_voltage) {
    clear(to_flux, w->n);
    clear(to_voltage, w->n);
    for (size_t o = 0; o < w->net->outputs && w->running; o++)
        es_add_across(output(w, o), reads_flux(w, o) ? to_flux : to_voltage, 2 * w->weight[o] * window(w) * seen(w, o, t, phi, v));
}

// The readings of the end state; v(T) stays in w->v.
static void read_end(struct es_variation *w, const double *y, double *reading) {
    enum es_quantity_read reads = w->problem->cost->reads;
    w->from = w->problem->grid.points - 2;
    velocity(w, (double)(w->from + 1) * w->problem->grid.interval, y + w->n, w->v);
    es_model_momentum(&w->model, w->v, w->charge);
    for (size_t o = 0; o < w->net->outputs; o++) {
        const struct es_element *e = output(w, o);
        double charge = e->p >= 0 ? w->charge[e->p] : 0;
        double terminal = reads == ES_READ_CHARGE_AT_END ? charge : es_across(e, reads_flux(w, o) ? y : w->v);
        reading[o] = w->running ? y[2 * w->n + o] : terminal;
    }
}

static void pull_end(struct es_variation *w) {
    bool charge = w->problem->cost->reads == ES_READ_CHARGE_AT_END;
    clear(w->end_flux, w->n);
    clear(w->end_mass, w->n);
    for (size_t o = 0; o < w->net->outputs && charge; o++)
        if (output(w, o)->p >= 0)
            w->end_mass[output(w, o)->p] += w->weight[o];
    es_model_momentum(&w->model, w->end_mass, w->end_voltage); // charge = M v
    for (size_t o = 0; o < w->net->outputs && !charge && !w->running; o++)
        es_add_across(output(w, o), reads_flux(w, o) ? w->end_flux : w->end_voltage, w->weight[o]);
}

void es_variation_measure(struct es_variation *w, size_t count, const double *y) {
    double amplitude = 0;
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < 2 * w->n; j++)
            amplitude = fmax(amplitude, fabs(y[i * w->length + j]) / w->scale[j]);
    for (size_t j = 0; j < w->length && amplitude > 0; j++)
        w->scale[j] *= j >= 2 * w->n && w->running ? amplitude * amplitude : amplitude;
}

double es_variation_loss(struct es_variation *w, const double *y) {
    struct es_arena *arena = es_arena_new();
    double *value = ES_NEW(arena, w->net->outputs, double), *target = ES_NEW(arena, w->net->outputs, double);
    read_end(w, y, value);
    for (size_t o = 0; o < w->net->outputs && w->example->target; o++)
        target[o] = w->example->target[(o + 1) * w->problem->grid.points - 1];
    struct es_reading reading = {w->net, value, target, w->example->label, w->problem->temperature};
    double loss = w->problem->cost->loss(&reading);
    w->problem->cost->slope(&reading, w->weight);
    w->cost_scale = 0;
    for (size_t o = 0; o < w->net->outputs; o++) {
        double scale = w->scale[2 * w->n + o];
        w->cost_scale += fabs(w->weight[o]) * (w->running ? sqrt(fabs(value[o]) * scale) : scale); // by Cauchy and Schwarz
    }
    pull_end(w);
    es_arena_free(arena);
    return loss;
}

double es_variation_parameter_scale(const struct es_variation *w, size_t i) {
    const struct es_parameter *p = &w->net->parameter[i];
    double value = fabs(w->model.theta[i]);
    return value > 0 ? value : p->max - p->min;
}

// ---- forward ---------------------------------------------------------------------------------------------------------

// [n][parameters], row by row from products with the unit vectors.
static void mass_columns(struct es_variation *w) {
    clear(w->masses, w->n * w->net->parameters);
    clear(w->to_flux, w->n);
    for (size_t i = 0; i < w->n; i++) {
        w->to_flux[i] = 1;
        es_model_mass_slope(&w->model, w->to_flux, w->v, w->masses + i * w->net->parameters);
        w->to_flux[i] = 0;
    }
}

static void force_columns(struct es_variation *w, const double *phi) {
    clear(w->forces, w->n * w->net->parameters);
    clear(w->to_flux, w->n);
    for (size_t i = 0; i < w->n; i++) {
        w->to_flux[i] = 1;
        es_model_force_slope(&w->model, phi, w->x, w->offset, w->to_flux, w->forces + i * w->net->parameters);
        w->to_flux[i] = 0;
    }
}

static void start_columns(struct es_variation *w, struct es_arena *arena) {
    size_t parameters = w->net->parameters;
    double *to_flux = ES_NEW(arena, w->n, double), *to_charge = ES_NEW(arena, w->n, double), *to_offset = ES_NEW(arena, w->net->elements, double);
    for (size_t i = 0; i < w->n; i++) {
        to_flux[i] = 1;
        es_model_start_slope(&w->model, w->voltage, to_flux, to_charge, to_offset, w->starts + i * parameters);
        to_flux[i] = 0;
        to_charge[i] = is_held(w, i) ? 0 : 1;
        es_model_start_slope(&w->model, w->voltage, to_flux, to_charge, to_offset, w->starts + (w->n + i) * parameters);
        to_charge[i] = 0;
    }
    for (size_t e = 0; e < w->net->elements; e++) {
        to_offset[e] = 1;
        es_model_start_slope(&w->model, w->voltage, to_flux, to_charge, to_offset, w->offsets + e * parameters);
        to_offset[e] = 0;
    }
}

void es_variation_open_changes(struct es_variation *w, struct es_arena *arena) {
    size_t parameters = w->net->parameters;
    w->starts = ES_NEW(arena, 2 * w->n * parameters, double);
    w->offsets = ES_NEW(arena, w->net->elements * parameters, double);
    w->forces = ES_NEW(arena, w->n * parameters, double);
    w->masses = ES_NEW(arena, w->n * parameters, double);
    start_columns(w, arena);
}

void es_variation_begin_change(const struct es_variation *w, size_t i, double *change) {
    clear(change, w->length);
    for (size_t j = 0; j < 2 * w->n; j++)
        change[j] = w->starts[j * w->net->parameters + i];
}

// dv = S (dp - dM v)
static void velocity_change(const struct es_variation *w, size_t i, const double *dp, double *dv) {
    for (size_t j = 0; j < w->n; j++)
        dv[j] = dp[j] - w->masses[j * w->net->parameters + i];
    solve_free(w, dv);
}

void es_variation_linearise(struct es_variation *w, double t, const double *y) {
    velocity(w, t, y + w->n, w->v);
    linearise(w, y);
    mass_columns(w);
    force_columns(w, y);
}

void es_variation_change(struct es_variation *w, double t, const double *y, size_t i, const double *change, double *rate) {
    double *dv = rate, *dp = rate + w->n, *dr = rate + 2 * w->n;
    velocity_change(w, i, change + w->n, dv);
    branch_currents(w, change, w->offsets + i, w->net->parameters);
    for (size_t j = 0; j < w->n; j++)
        dp[j] = w->forces[j * w->net->parameters + i];
    add_currents(w, -1, dp);
    clear_held(w, dp);
    for (size_t o = 0; o < w->net->outputs; o++)
        dr[o] = w->running ? 2 * window(w) * seen(w, o, t, y, w->v) * es_across(output(w, o), reads_flux(w, o) ? change : dv) : 0;
}

static double inner(size_t n, const double *a, const double *b) {
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += a[i] * b[i];
    return sum;
}

void es_variation_close_changes(struct es_variation *w) {
    mass_columns(w); // v(T) is that of es_variation_loss()
}

double es_variation_change_slope(struct es_variation *w, size_t i, const double *change) {
    velocity_change(w, i, change + w->n, w->to_voltage);
    double slope = inner(w->n, w->end_flux, change) + inner(w->n, w->end_voltage, w->to_voltage);
    for (size_t j = 0; j < w->n; j++)
        slope += w->end_mass[j] * w->masses[j * w->net->parameters + i];
    return slope + inner(w->net->outputs, w->weight, change + 2 * w->n);
}

// ---- backward --------------------------------------------------------------------------------------------------------

void es_variation_end_costate(struct es_variation *w, double *costate, double *slope) {
    double *mu = costate + w->n;
    clear(costate, w->back);
    memcpy(costate, w->end_flux, w->n * sizeof *costate);
    memcpy(mu, w->end_voltage, w->n * sizeof *mu);
    solve_free(w, mu);
    for (size_t i = 0; i < w->n; i++)
        w->to_voltage[i] = w->end_mass[i] - mu[i];
    es_model_mass_slope(&w->model, w->to_voltage, w->v, slope);
}

void es_variation_costate_scale(const struct es_variation *w, double *scale) {
    for (size_t i = 0; i < 2 * w->n; i++)
        scale[i] = w->cost_scale / w->scale[i];
    for (size_t i = 0; i < w->net->parameters; i++)
        scale[2 * w->n + i] = w->cost_scale / es_variation_parameter_scale(w, i);
    for (size_t e = 0; e < w->net->elements; e++)
        scale[2 * w->n + w->net->parameters + e] = w->cost_scale / w->scale[0];
}

// share += -mu' dF/dtheta + m' dM v, and -mu' F_o = mu' a (d2U/dpsi2) behind it
static void add_shares(struct es_variation *w, const double *y, const double *mu, const double *m, double *share) {
    es_model_mass_slope(&w->model, m, w->v, share);
    for (size_t i = 0; i < w->n; i++)
        w->to_voltage[i] = -mu[i];
    es_model_force_slope(&w->model, y, w->x, w->offset, w->to_voltage, share);
    for (size_t e = 0; e < w->net->elements; e++)
        if (es_element_own_state(&w->net->element[e]))
            share[w->net->parameters + e] += w->current[e];
}

void es_variation_costate(struct es_variation *w, double t, const double *y, const double *costate, double *rate) {
    const double *lambda = costate, *mu = costate + w->n;
    double *dlambda = rate, *dmu = rate + w->n;
    clear(rate, w->back);
    velocity(w, t, y + w->n, w->v);
    pull_running(w, t, y, w->v, w->to_flux, dmu);
    for (size_t i = 0; i < w->n; i++) {
        dlambda[i] = -w->to_flux[i];
        dmu[i] += lambda[i];
    }
    solve_free(w, dmu); // m
    linearise(w, y);
    branch_currents(w, mu, NULL, 0);
    add_currents(w, 1, dlambda);
    add_shares(w, y, mu, dmu, rate + 2 * w->n);
    for (size_t i = 0; i < w->n; i++)
        dmu[i] = -dmu[i];
}

void es_variation_start_slope(const struct es_variation *w, const double *costate, double *slope) {
    const double *mu = costate + w->n, *share = costate + 2 * w->n;
    for (size_t i = 0; i < w->net->parameters; i++)
        slope[i] += share[i];
    es_model_start_slope(&w->model, w->voltage, costate, mu, share + w->net->parameters, slope);
}

// ---- preparation -----------------------------------------------------------------------------------------------------

static bool rows_bend(const double *samples, size_t rows, size_t points, size_t k) {
    bool bend = false;
    for (size_t i = 0; i < rows && samples && !bend; i++) {
        const double *s = samples + i * points + k;
        bend = s[1] - s[0] != s[0] - s[-1];
    }
    return bend;
}

static void find_bends(struct es_variation *w, struct es_arena *arena) {
    const struct es_example *example = w->example;
    size_t points = w->problem->grid.points;
    w->bend = ES_NEW(arena, points, size_t);
    for (size_t k = 1; k + 1 < points; k++) {
        bool bend = w->running && example->window && example->window[k] != example->window[k - 1];
        bend = bend || rows_bend(example->input, w->net->channels, points, k);
        if (bend || (w->running && rows_bend(example->target, w->net->outputs, points, k)))
            w->bend[++w->segments] = k;
    }
    w->bend[++w->segments] = points - 1;
}

// capacitance [n] = those of M's diagonal, 1 at sources.
static enum es_status factorise(struct es_variation *w, double *capacitance, struct es_error *error) {
    es_model_mass(&w->model, w->factor);
    for (size_t i = 0; i < w->n; i++)
        capacitance[i] = is_held(w, i) ? 1 : w->factor[i * w->n + i];
    for (size_t i = 0; i < w->n; i++)
        for (size_t j = 0; j < w->n; j++)
            if (is_held(w, i) || is_held(w, j))
                w->factor[i * w->n + j] = i == j;
    gsl_matrix_view view = gsl_matrix_view_array(w->factor, w->n, w->n);
    gsl_error_handler_t *handler = gsl_set_error_handler_off();
    int failed = gsl_linalg_cholesky_decomp1(&view.matrix);
    gsl_set_error_handler(handler);
    if (!failed)
        return ES_OK;
    return es_fail(error, ES_BAD_INPUT, "network \"%s\": the mass matrix is singular; give every node a capacitor to ground", w->net->name);
}

static double largest(const double *a, size_t count) {
    double most = 0;
    for (size_t i = 0; i < count; i++)
        most = fmax(most, fabs(a[i]));
    return most;
}

// The voltage [V] that initial state, sources and inputs make, omega being the angular frequency of the fastest mode; 1 at rest.
static double natural_voltage(const struct es_variation *w, double omega, const double *capacitance) {
    size_t points = w->problem->grid.points;
    double scale = fmax(largest(w->voltage, w->n), omega * fmax(largest(w->start, w->n), largest(w->offset, w->net->elements)));
    for (size_t e = 0; e < w->net->elements; e++) {
        const struct es_element *element = &w->net->element[e];
        int node = element->p >= 0 ? element->p : element->n;
        if ((element->kind->term != ES_SOURCE && element->kind->term != ES_DRIVE) || node < 0)
            continue;
        double ratio = element->kind->term == ES_SOURCE ? w->model.k[e] : w->model.k[e] / (omega * capacitance[node]);
        scale = fmax(scale, fabs(ratio) * largest(w->example->input + (size_t)element->channel * points, points));
    }
    return scale > 0 ? scale : 1;
}

static void find_scales(struct es_variation *w, const double *capacitance) {
    const struct es_grid *grid = &w->problem->grid;
    double duration = (double)(grid->points - 1) * grid->interval, omega = es_modes_fastest(w->net, w->model.theta);
    if (!(omega > 0))
        omega = 2 * M_PI / duration;
    double volt = natural_voltage(w, omega, capacitance), flux = volt / omega;
    for (size_t i = 0; i < w->n; i++) {
        w->scale[i] = flux;
        w->scale[w->n + i] = volt * capacitance[i];
    }
    for (size_t o = 0; o < w->net->outputs; o++) {
        const struct es_element *e = output(w, o);
        double target = reads_error(w, o) ? largest(w->example->target + o * grid->points, grid->points) : 0;
        double size = (reads_flux(w, o) ? flux : volt) + target;
        if (w->problem->cost->reads == ES_READ_CHARGE_AT_END)
            size = e->p >= 0 ? w->scale[w->n + (size_t)e->p] : 1;
        w->scale[2 * w->n + o] = w->running ? size * size * duration : size;
    }
}

static void allocate(struct es_variation *w, struct es_arena *arena) {
    const struct es_network *net = w->net;
    double **vector[] = {&w->voltage, &w->v, &w->charge, &w->to_flux, &w->to_voltage, &w->end_flux, &w->end_voltage, &w->end_mass};
    double **branch[] = {&w->offset, &w->stiffness, &w->across, &w->current};
    for (size_t i = 0; i < sizeof vector / sizeof *vector; i++)
        *vector[i] = ES_NEW(arena, w->n, double);
    for (size_t i = 0; i < sizeof branch / sizeof *branch; i++)
        *branch[i] = ES_NEW(arena, net->elements, double);
    w->x = ES_NEW(arena, net->channels, double);
    w->start = ES_NEW(arena, w->length, double);
    w->scale = ES_NEW(arena, w->length, double);
    w->weight = ES_NEW(arena, net->outputs, double);
    w->factor = ES_NEW(arena, w->n * w->n, double);
}

enum es_status es_variation_new(const struct es_problem *problem, const double *theta, const struct es_example *example,
                                struct es_arena *arena, struct es_variation *w, struct es_error *error) {
    const struct es_network *net = problem->net;
    *w = (struct es_variation){.problem = problem, .net = net, .example = example, .n = net->nodes, .length = 2 * net->nodes + net->outputs,
                               .back = 2 * net->nodes + net->parameters + net->elements,
                               .running = problem->cost->reads == ES_READ_RUNNING};
    enum es_status status = es_model_new(net, theta, arena, &w->model, error);
    if (status != ES_OK)
        return status;
    double *capacitance = ES_NEW(arena, w->n, double);
    allocate(w, arena);
    find_bends(w, arena);
    status = factorise(w, capacitance, error);
    inputs(w, 0);
    if (status == ES_OK)
        status = es_model_start(&w->model, w->x, w->start, w->voltage, w->offset, error);
    es_model_momentum(&w->model, w->voltage, w->start + w->n);
    clear_held(w, w->start + w->n);
    find_scales(w, capacitance);
    return status;
}
