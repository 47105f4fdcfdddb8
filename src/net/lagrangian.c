// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
#include "net/lagrangian.h"

#include <gsl/gsl_errno.h>
#include <gsl/gsl_linalg.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

// ---- coupled inductors -----------------------------------------------------------------------------------------------

// The couplings of a network, and the groups of inductors that they join.
struct groups {
    size_t couplings, members, count;
    size_t *coupling;           // [couplings] elements
    size_t *member, *first;     // [members] elements, group after group; [count + 1] where each begins
    size_t *place, *group;      // [elements] of a member: within its group, and which
};

// Adds the group of inductor `start`.
static void gather_group(const struct es_network *net, struct groups *g, size_t start, bool *seen) {
    size_t begin = g->members;
    seen[start] = true;
    g->member[g->members++] = start;
    g->group[start] = g->count;
    for (size_t i = begin; i < g->members; i++)
        for (size_t k = 0; k < g->couplings; k++) {
            const struct es_element *c = &net->element[g->coupling[k]];
            size_t other = c->first == g->member[i] ? c->second : c->first;
            if ((c->first != g->member[i] && c->second != g->member[i]) || seen[other])
                continue;
            seen[other] = true;
            g->place[other] = g->members - begin;
            g->group[other] = g->count;
            g->member[g->members++] = other;
        }
    g->first[++g->count] = g->members;
}

static struct groups gather(const struct es_network *net, struct es_arena *arena) {
    struct groups g = {.coupling = ES_NEW(arena, net->elements, size_t), .member = ES_NEW(arena, net->elements, size_t),
                       .first = ES_NEW(arena, net->elements + 1, size_t), .place = ES_NEW(arena, net->elements, size_t), .group = ES_NEW(arena, net->elements, size_t)};
    bool *seen = ES_NEW(arena, net->elements, bool);
    for (size_t e = 0; e < net->elements; e++)
        if (net->element[e].kind->term == ES_COUPLING)
            g.coupling[g.couplings++] = e;
    for (size_t k = 0; k < g.couplings; k++)
        if (!seen[net->element[g.coupling[k]].first])
            gather_group(net, &g, net->element[g.coupling[k]].first, seen);
    return g;
}

static double mutual(const struct es_model *model, const struct es_element *coupling, size_t e) {
    return model->q[e][0] * sqrt(model->q[coupling->first][0] * model->q[coupling->second][0]);
}

// matrix [n][n] = the inductances of group i.
static void inductances(const struct es_model *model, const struct groups *g, size_t i, double *matrix) {
    const struct es_network *net = model->net;
    size_t begin = g->first[i], n = g->first[i + 1] - begin;
    for (size_t a = 0; a < n; a++)
        matrix[a * n + a] = model->q[g->member[begin + a]][0];
    for (size_t k = 0; k < g->couplings; k++) {
        const struct es_element *c = &net->element[g->coupling[k]];
        if (g->group[c->first] == i)
            matrix[g->place[c->first] * n + g->place[c->second]] = matrix[g->place[c->second] * n + g->place[c->first]] = mutual(model, c, g->coupling[k]);
    }
}

static bool invert(size_t n, double *matrix) {
    gsl_matrix_view view = gsl_matrix_view_array(matrix, n, n);
    gsl_error_handler_t *handler = gsl_set_error_handler_off();
    bool good = gsl_linalg_cholesky_decomp1(&view.matrix) == 0 && gsl_linalg_cholesky_invert(&view.matrix) == 0;
    gsl_set_error_handler(handler);
    return good;
}

static enum es_status couple_group(struct es_model *model, const struct groups *g, size_t group, struct es_arena *arena, struct es_error *error) {
    const size_t *member = g->member + g->first[group], n = g->first[group + 1] - g->first[group];
    double *gamma = ES_NEW(arena, n * n, double);
    inductances(model, g, group, gamma);
    if (!invert(n, gamma))
        return es_fail(error, ES_BAD_INPUT,
                       "network \"%s\": the inductances coupled to \"%s\" (line %d) have a matrix that is not positive definite; "
                       "weaken the couplings", model->net->name, model->net->element[member[0]].name, model->net->element[member[0]].line);
    for (size_t i = 0; i < n; i++) {
        model->k[member[i]] = gamma[i * n + i];
        model->coupled[member[i]] = true;
        for (size_t j = 0; j < i; j++)
            model->pair[model->pairs++] = (struct es_pair){member[i], member[j], gamma[i * n + j]};
    }
    return ES_OK;
}

static enum es_status couple(struct es_model *model, struct es_arena *arena, struct es_error *error) {
    struct groups g = gather(model->net, arena);
    size_t pairs = 0;
    enum es_status status = ES_OK;
    for (size_t i = 0; i < g.count; i++)
        pairs += (g.first[i + 1] - g.first[i]) * (g.first[i + 1] - g.first[i] - 1) / 2;
    model->pair = ES_NEW(arena, pairs, struct es_pair);
    for (size_t i = 0; i < g.count && status == ES_OK; i++)
        status = couple_group(model, &g, i, arena, error);
    return status;
}

enum es_status es_model_new(const struct es_network *net, const double *theta, struct es_arena *arena, struct es_model *model,
                            struct es_error *error) {
    *model = (struct es_model){.net = net, .theta = theta, .k = ES_NEW(arena, net->elements, double), .coupled = ES_NEW(arena, net->elements, bool)};
    model->q = es_arena_alloc(arena, net->elements, sizeof *model->q);
    for (size_t e = 0; e < net->elements; e++) {
        es_element_values(net, theta, e, model->q[e]);
        if (net->element[e].kind->coefficient)
            model->k[e] = net->element[e].kind->coefficient(model->q[e]);
    }
    return couple(model, arena, error);
}

// ---- energies and forces ---------------------------------------------------------------------------------------------

static double branch_flux(const struct es_model *model, size_t e, const double *phi, const double *o) {
    return es_across(&model->net->element[e], phi) + (o ? o[e] : 0);
}

static double potential_energy(const struct es_model *model, const double *phi, const double *o) {
    const struct es_network *net = model->net;
    double sum = 0;
    for (size_t e = 0; e < net->elements; e++) {
        const struct es_element_kind *kind = net->element[e].kind;
        if (kind->term != ES_POTENTIAL && kind->term != ES_SENSING)
            continue;
        double psi = branch_flux(model, e, phi, o);
        sum += kind->potential ? kind->potential->energy(model->q[e], psi) : model->k[e] * psi * psi / 2;
    }
    for (size_t i = 0; i < model->pairs; i++)
        sum += model->pair[i].gamma * branch_flux(model, model->pair[i].a, phi, o) * branch_flux(model, model->pair[i].b, phi, o);
    return sum;
}

static double kinetic_energy(const struct es_model *model, const double *v) {
    const struct es_network *net = model->net;
    double sum = 0;
    for (size_t e = 0; e < net->elements; e++)
        if (net->element[e].kind->term == ES_KINETIC)
            sum += model->k[e] * pow(es_across(&net->element[e], v), 2) / 2;
    return sum;
}

double es_model_energy(const struct es_model *model, const double *phi, const double *v, const double *o) {
    return kinetic_energy(model, v) + potential_energy(model, phi, o);
}

double es_model_lagrangian(const struct es_model *model, const double *phi, const double *v, const double *x, const double *o) {
    const struct es_network *net = model->net;
    double sum = kinetic_energy(model, v) - potential_energy(model, phi, o);
    for (size_t e = 0; e < net->elements; e++)
        if (net->element[e].kind->term == ES_DRIVE)
            sum += model->k[e] * x[net->element[e].channel] * es_across(&net->element[e], phi);
    return sum;
}

double es_model_hamiltonian(const struct es_model *model, const double *phi, const double *p, const double *x, const double *o) {
    double *v = calloc(model->net->nodes + 1, sizeof *v), h = NAN;
    if (v && es_model_velocity(model, p, v, NULL) == ES_OK) {
        h = -es_model_lagrangian(model, phi, v, x, o);
        for (size_t i = 0; i < model->net->nodes; i++)
            h += p[i] * v[i];
    }
    free(v);
    return h;
}

void es_model_currents(const struct es_model *model, const double *phi, const double *o, double *current) {
    const struct es_network *net = model->net;
    for (size_t e = 0; e < net->elements; e++) {
        const struct es_element_kind *kind = net->element[e].kind;
        double psi = branch_flux(model, e, phi, o);
        current[e] = 0;
        if (kind->potential)
            kind->potential->current(model->q[e], 1, &psi, &current[e], NULL);
        else if (kind->term == ES_POTENTIAL || kind->term == ES_SENSING)
            current[e] = model->k[e] * psi;
    }
    for (size_t i = 0; i < model->pairs; i++) {
        struct es_pair pair = model->pair[i];
        current[pair.a] += pair.gamma * branch_flux(model, pair.b, phi, o);
        current[pair.b] += pair.gamma * branch_flux(model, pair.a, phi, o);
    }
}

void es_model_force(const struct es_model *model, const double *phi, const double *v, const double *x, const double *o, double *force) {
    const struct es_network *net = model->net;
    double *current = malloc((net->elements + 1) * sizeof *current);
    memset(force, 0, net->nodes * sizeof *force);
    if (current)
        es_model_currents(model, phi, o, current);
    for (size_t e = 0; e < net->elements; e++) {
        const struct es_element *element = &net->element[e];
        double into = current ? -current[e] : NAN;
        if (element->kind->term == ES_DRIVE)
            into += model->k[e] * x[element->channel];
        else if (element->kind->term == ES_DISSIPATION)
            into -= model->k[e] * es_across(element, v);
        es_add_across(element, force, into);
    }
    free(current);
}

void es_model_momentum(const struct es_model *model, const double *v, double *p) {
    const struct es_network *net = model->net;
    memset(p, 0, net->nodes * sizeof *p);
    for (size_t e = 0; e < net->elements; e++)
        if (net->element[e].kind->term == ES_KINETIC)
            es_add_across(&net->element[e], p, model->k[e] * es_across(&net->element[e], v));
}

// ---- matrices --------------------------------------------------------------------------------------------------------

// matrix += value a_e a_f'
static void stamp(const struct es_network *net, size_t e, size_t f, double value, double *matrix) {
    const struct es_element *row = &net->element[e], *column = &net->element[f];
    if (row->p >= 0)
        es_add_across(column, matrix + (size_t)row->p * net->nodes, value);
    if (row->n >= 0)
        es_add_across(column, matrix + (size_t)row->n * net->nodes, -value);
}

void es_model_mass(const struct es_model *model, double *matrix) {
    const struct es_network *net = model->net;
    memset(matrix, 0, net->nodes * net->nodes * sizeof *matrix);
    for (size_t e = 0; e < net->elements; e++)
        if (net->element[e].kind->term == ES_KINETIC)
            stamp(net, e, e, model->k[e], matrix);
}

void es_model_stiffness(const struct es_model *model, const double *phi, const double *o, double *matrix) {
    const struct es_network *net = model->net;
    memset(matrix, 0, net->nodes * net->nodes * sizeof *matrix);
    for (size_t e = 0; e < net->elements; e++) {
        const struct es_element_kind *kind = net->element[e].kind;
        double stiffness = model->k[e], current, psi;
        if (kind->term != ES_POTENTIAL && kind->term != ES_SENSING)
            continue;
        if (kind->potential && phi) {
            psi = branch_flux(model, e, phi, o);
            kind->potential->current(model->q[e], 1, &psi, &current, &stiffness);
        }
        stamp(net, e, e, stiffness, matrix);
    }
    for (size_t i = 0; i < model->pairs; i++) {
        stamp(net, model->pair[i].a, model->pair[i].b, model->pair[i].gamma, matrix);
        stamp(net, model->pair[i].b, model->pair[i].a, model->pair[i].gamma, matrix);
    }
}

// Makes the rows and columns of sources' nodes those of the identity.
static void hold_sources(const struct es_network *net, double *matrix) {
    for (size_t i = 0; i < net->nodes; i++)
        for (size_t j = 0; j < net->nodes; j++)
            if (net->node[i].source >= 0 || net->node[j].source >= 0)
                matrix[i * net->nodes + j] = i == j;
}

enum es_status es_model_velocity(const struct es_model *model, const double *p, double *v, struct es_error *error) {
    const struct es_network *net = model->net;
    size_t n = net->nodes;
    double *mass = malloc((n * n + n + 1) * sizeof *mass), *charge = mass + n * n;
    if (!mass)
        return es_fail(error, ES_NO_RESOURCE, "out of memory for a mass matrix of %zu nodes", n);
    for (size_t i = 0; i < n; i++)
        v[i] = net->node[i].source >= 0 ? v[i] : 0;
    es_model_momentum(model, v, charge); // what the sources alone put there
    for (size_t i = 0; i < n; i++)
        charge[i] = net->node[i].source >= 0 ? v[i] : p[i] - charge[i];
    es_model_mass(model, mass);
    hold_sources(net, mass);
    gsl_error_handler_t *handler = gsl_set_error_handler_off();
    gsl_matrix_view m = gsl_matrix_view_array(mass, n, n);
    gsl_vector_view right = gsl_vector_view_array(charge, n), voltage = gsl_vector_view_array(v, n);
    int failed = gsl_linalg_cholesky_decomp1(&m.matrix) || gsl_linalg_cholesky_solve(&m.matrix, &right.vector, &voltage.vector);
    gsl_set_error_handler(handler);
    free(mass);
    if (failed)
        return es_fail(error, ES_BAD_INPUT, "network \"%s\": the mass matrix is singular; give every node a capacitor to ground", net->name);
    return ES_OK;
}

// ---- derivatives to the parameters -----------------------------------------------------------------------------------

// Adds value dk/dq to the parameters of element e.
static void add_coefficient_slope(const struct es_model *model, size_t e, double value, double *slope) {
    const struct es_element *element = &model->net->element[e];
    double dk[ES_QUANTITIES] = {0};
    element->kind->slope(model->q[e], dk);
    for (size_t i = 0; i < ES_QUANTITIES; i++)
        if (element->parameter[i] != ES_FIXED)
            slope[element->parameter[i]] += value * dk[i];
}

static void add_cross(const struct es_model *model, size_t e, double psi, double value, double *slope) {
    const struct es_element *element = &model->net->element[e];
    double di[ES_QUANTITIES] = {0};
    element->kind->potential->cross(model->q[e], psi, di);
    for (size_t i = 0; i < ES_QUANTITIES; i++)
        if (element->parameter[i] != ES_FIXED)
            slope[element->parameter[i]] += value * di[i];
}

// Current of inductor e of a coupled group at the branch fluxes of phi: (L^-1 psi)_e.
static double coupled_current(const struct es_model *model, size_t e, const double *phi, const double *o) {
    double current = model->k[e] * branch_flux(model, e, phi, o);
    for (size_t i = 0; i < model->pairs; i++)
        if (model->pair[i].a == e || model->pair[i].b == e)
            current += model->pair[i].gamma * branch_flux(model, model->pair[i].a == e ? model->pair[i].b : model->pair[i].a, phi, o);
    return current;
}

// dF = sum a_l (L^-1 dL L^-1 psi)_l: with currents i at psi and j at q, q' dF/dtheta = j' dL i. dL_ab and dL_ba = value.
static void add_inductance(const struct es_model *model, size_t a, size_t b, double value, const double *phi, const double *o, const double *q,
                           int parameter, double *slope) {
    if (parameter == ES_FIXED)
        return;
    double i = coupled_current(model, a, q, NULL) * coupled_current(model, b, phi, o);
    double j = a == b ? 0 : coupled_current(model, b, q, NULL) * coupled_current(model, a, phi, o);
    slope[parameter] += value * (i + j);
}

// M = k sqrt(L_1 L_2): dM/dk = M / k, dM/dL_1 = M / (2 L_1)
static void coupling_slope(const struct es_model *model, size_t e, const double *phi, const double *o, const double *q, double *slope) {
    const struct es_element *c = &model->net->element[e], *first = &model->net->element[c->first], *second = &model->net->element[c->second];
    double product = sqrt(model->q[c->first][0] * model->q[c->second][0]), m = model->q[e][0] * product;
    add_inductance(model, c->first, c->second, product, phi, o, q, c->parameter[0], slope);
    add_inductance(model, c->first, c->second, m / (2 * model->q[c->first][0]), phi, o, q, first->parameter[0], slope);
    add_inductance(model, c->first, c->second, m / (2 * model->q[c->second][0]), phi, o, q, second->parameter[0], slope);
}

void es_model_force_slope(const struct es_model *model, const double *phi, const double *x, const double *o, const double *q, double *slope) {
    const struct es_network *net = model->net;
    for (size_t e = 0; e < net->elements; e++) {
        const struct es_element *element = &net->element[e];
        double psi = branch_flux(model, e, phi, o), aq = es_across(element, q);
        if (element->kind->term == ES_COUPLING)
            coupling_slope(model, e, phi, o, q, slope);
        else if (element->kind->potential)
            add_cross(model, e, psi, -aq, slope);
        else if (element->kind->term == ES_POTENTIAL && model->coupled[e])
            add_inductance(model, e, e, 1, phi, o, q, element->parameter[0], slope);
        else if (element->kind->term == ES_POTENTIAL)
            add_coefficient_slope(model, e, -aq * psi, slope);
        else if (element->kind->term == ES_DRIVE)
            add_coefficient_slope(model, e, aq * x[element->channel], slope);
    }
}

void es_model_mass_slope(const struct es_model *model, const double *q, const double *w, double *slope) {
    const struct es_network *net = model->net;
    for (size_t e = 0; e < net->elements; e++)
        if (net->element[e].kind->term == ES_KINETIC)
            add_coefficient_slope(model, e, es_across(&net->element[e], q) * es_across(&net->element[e], w), slope);
}

static struct es_observable see(enum es_signal signal, size_t element) {
    return (struct es_observable){.signal = signal, .element = element};
}

static struct es_share currents(double weight, size_t a, size_t b) {
    return (struct es_share){weight, see(ES_SIGNAL_CURRENT, a), see(ES_SIGNAL_CURRENT, b)};
}

// -dU/dL_e = i_e^2 / 2 + sum over the partners M / (2 L_e) i_e i_partner
static size_t inductance_shares(const struct es_model *model, size_t e, struct es_share *share) {
    const struct es_network *net = model->net;
    size_t count = 0;
    share[count++] = currents(0.5, e, e);
    for (size_t c = 0; c < net->elements; c++) {
        const struct es_element *coupling = &net->element[c];
        if (coupling->kind->term == ES_COUPLING && (coupling->first == e || coupling->second == e))
            share[count++] = currents(mutual(model, coupling, c) / (2 * model->q[e][0]), coupling->first, coupling->second);
    }
    return count;
}

static size_t potential_shares(const struct es_model *model, size_t e, size_t quantity, double dk, struct es_share *share) {
    const struct es_element *element = &model->net->element[e];
    if (quantity == element->kind->initial && element->kind->initial_flux)
        return 0; // it acts through the offset alone
    if (element->kind->potential) {
        share[0] = (struct es_share){-1, {ES_SIGNAL_SLOPE, e, quantity}, see(ES_SIGNAL_ONE, e)};
        return 1;
    }
    if (model->coupled[e])
        return inductance_shares(model, e, share);
    share[0] = (struct es_share){-dk / 2, see(ES_SIGNAL_FLUX, e), see(ES_SIGNAL_FLUX, e)};
    return 1;
}

size_t es_model_shares(const struct es_model *model, size_t i, struct es_share *share) {
    const struct es_network *net = model->net;
    size_t e = net->parameter[i].element, quantity = net->parameter[i].quantity;
    const struct es_element *element = &net->element[e];
    double dk[ES_QUANTITIES] = {0};
    if (element->kind->slope)
        element->kind->slope(model->q[e], dk);
    switch (element->kind->term) {
    case ES_KINETIC:
        share[0] = (struct es_share){dk[quantity] / 2, see(ES_SIGNAL_VOLTAGE, e), see(ES_SIGNAL_VOLTAGE, e)};
        return 1;
    case ES_POTENTIAL:
    case ES_SENSING:
        return potential_shares(model, e, quantity, dk[quantity], share);
    case ES_DRIVE:
        share[0] = (struct es_share){dk[quantity], see(ES_SIGNAL_INPUT, e), see(ES_SIGNAL_FLUX, e)};
        return 1;
    case ES_COUPLING:
        share[0] = currents(sqrt(model->q[element->first][0] * model->q[element->second][0]), element->first, element->second);
        return 1;
    case ES_SOURCE:
    case ES_DISSIPATION:
    case ES_READOUT:
    case ES_INITIAL:
        break;
    }
    return 0;
}

size_t es_model_shares_most(const struct es_model *model) {
    size_t couplings = 0;
    for (size_t e = 0; e < model->net->elements; e++)
        couplings += model->net->element[e].kind->term == ES_COUPLING;
    return 1 + couplings;
}

// ---- the state at t = 0 ----------------------------------------------------------------------------------------------

enum { FLUX, VOLTAGE, CHARGE }; // quantities of es_initial

static bool charges_held(const struct es_network *net) {
    for (size_t e = 0; e < net->elements; e++)
        if (net->element[e].kind->term == ES_INITIAL && !isnan(net->element[e].value[CHARGE]))
            return true;
    return false;
}

enum es_status es_model_start(const struct es_model *model, const double *x, double *flux, double *voltage, double *offset,
                              struct es_error *error) {
    const struct es_network *net = model->net;
    bool charges = charges_held(net);
    double *held = calloc(net->nodes + 1, sizeof *held), unused[ES_QUANTITIES];
    if (!held)
        return es_fail(error, ES_NO_RESOURCE, "out of memory");
    memset(flux, 0, net->nodes * sizeof *flux);
    for (size_t e = 0; e < net->elements; e++) {
        const double *q = model->q[e];
        if (net->element[e].kind->term != ES_INITIAL)
            continue;
        flux[net->element[e].p] = isnan(q[FLUX]) ? 0 : q[FLUX];
        held[net->element[e].p] = isnan(q[charges ? CHARGE : VOLTAGE]) ? 0 : q[charges ? CHARGE : VOLTAGE];
    }
    for (size_t e = 0; e < net->elements; e++) {
        const struct es_element *element = &net->element[e];
        offset[e] = es_element_own_state(element) ? element->kind->initial_flux(model->q[e], unused) - es_across(element, flux) : 0;
    }
    memcpy(voltage, held, net->nodes * sizeof *voltage);
    for (size_t i = 0; i < net->nodes; i++)
        if (net->node[i].source >= 0)
            voltage[i] = model->k[net->node[i].source] * x[net->element[net->node[i].source].channel];
    enum es_status status = charges ? es_model_velocity(model, held, voltage, error) : ES_OK;
    free(held);
    return status;
}

static void add(double *slope, int parameter, double value) {
    if (parameter != ES_FIXED)
        slope[parameter] += value;
}

static void offset_slope(const struct es_model *model, size_t e, double to_offset, double *to_flux, double *slope) {
    const struct es_element *element = &model->net->element[e];
    double dpsi[ES_QUANTITIES] = {0};
    element->kind->initial_flux(model->q[e], dpsi);
    for (size_t i = 0; i < ES_QUANTITIES; i++)
        add(slope, element->parameter[i], to_offset * dpsi[i]);
    es_add_across(element, to_flux, -to_offset);
}

void es_model_start_slope(const struct es_model *model, const double *voltage, const double *to_flux, const double *to_charge,
                          const double *to_offset, double *slope) {
    const struct es_network *net = model->net;
    struct es_arena *arena = es_arena_new();
    double *flux = ES_NEW(arena, net->nodes, double), *weighted = ES_NEW(arena, net->nodes, double);
    memcpy(flux, to_flux, net->nodes * sizeof *flux);
    for (size_t e = 0; e < net->elements; e++)
        if (es_element_own_state(&net->element[e]))
            offset_slope(model, e, to_offset[e], flux, slope);
    bool charges = charges_held(net);
    es_model_momentum(model, to_charge, weighted); // dp/dv = M
    for (size_t e = 0; e < net->elements; e++) {
        const struct es_element *element = &net->element[e];
        if (element->kind->term != ES_INITIAL)
            continue;
        add(slope, element->parameter[FLUX], flux[element->p]);
        if (charges)
            add(slope, element->parameter[CHARGE], to_charge[element->p]);
        else if (net->node[element->p].source < 0)
            add(slope, element->parameter[VOLTAGE], weighted[element->p]);
    }
    if (!charges)
        es_model_mass_slope(model, to_charge, voltage, slope);
    es_arena_free(arena);
}
