// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// Elements, Lagrangian, Legendre transform, validator and modes, against finite differences and closed forms.
#include "runner.h"

#include "core/random.h"
#include "net/lagrangian.h"
#include "net/modes.h"
#include "net/rates.h"
#include "net/validate.h"

#include <math.h>
#include <string.h>

// Every kind of element at the scale of Josephson junctions: Phi_0 / 2 pi, 1 pF and 0.3 nH.
enum { NODES = 7, HELD = 6, MOST = 100 };
static const double weber = 3.3e-16, farad = 1e-12, henry = 0.3e-9, volt = 1.9e-5; // volt = weber / sqrt(henry farad)

static struct es_network *net;
static struct es_model model;
static double theta[MOST], phi[NODES], v[NODES], x[2] = {0.7, -1.3}, o[MOST];

static struct es_network *network(size_t nodes) {
    struct es_arena *arena = es_arena_new();
    struct es_network *made = ES_NEW(arena, 1, struct es_network);
    *made = (struct es_network){.arena = arena, .name = "test", .nodes = nodes, .channels = 2};
    made->node = ES_NEW(arena, nodes, struct es_node);
    made->element = ES_NEW(arena, MOST, struct es_element);
    made->parameter = ES_NEW(arena, MOST, struct es_parameter);
    for (size_t i = 0; i < nodes; i++)
        made->node[i] = (struct es_node){.name = es_arena_printf(arena, "n%zu", i), .source = -1};
    return made;
}

// Values that are left out are 0; every quantity that can be trained and has a value is.
static size_t add(struct es_network *to, const struct es_element_kind *kind, int p, int n, const double *value) {
    size_t e = to->elements++;
    to->element[e] = (struct es_element){.name = es_arena_printf(to->arena, "E%zu", e), .kind = kind, .p = p, .n = n, .channel = -1, .class = -1};
    for (size_t i = 0; i < ES_QUANTITIES; i++) {
        bool trained = kind->quantity[i].name && kind->quantity[i].trainable && !isnan(value[i]);
        to->element[e].value[i] = value[i];
        to->element[e].parameter[i] = trained ? (int)to->parameters : ES_FIXED;
        if (trained)
            to->parameter[to->parameters++] = (struct es_parameter){.element = e, .quantity = i, .min = -1, .max = 1, .coordinate = &es_logistic};
        if (kind->quantity[i].name == NULL)
            break;
    }
    return e;
}
#define ADD(to, kind, p, n, ...) add(to, kind, p, n, (double[ES_QUANTITIES + 1]){__VA_ARGS__})

static void add_group(void) {
    size_t l[] = {ADD(net, &es_inductor, 0, 1, henry, NAN), ADD(net, &es_inductor, 1, 4, 2 * henry, NAN), ADD(net, &es_inductor, 5, ES_GROUND, 3 * henry, NAN)};
    for (size_t i = 0; i < 2; i++) {
        size_t k = ADD(net, &es_mutual, ES_GROUND, ES_GROUND, i ? -0.3 : 0.4);
        net->element[k].first = l[i];
        net->element[k].second = l[i + 1];
    }
}

static void add_branches(void) {
    double gm = 1e-3, cl = gm * gm * henry, w = gm * weber / cl;
    ADD(net, &es_inductor, 0, 3, henry, NAN);
    ADD(net, &es_inductor, 2, ES_GROUND, 2 * henry, 0.4 * weber / henry);
    ADD(net, &es_duffing, 1, 2, henry, 0.3 / (henry * weber * weber));
    ADD(net, &es_saturating_inductor, 2, 3, weber / henry, weber);
    ADD(net, &es_gyrator, 3, 4, gm, gm, cl, NAN);
    ADD(net, &es_gyrator, 4, ES_GROUND, gm, 2 * gm, cl, 0.5 * w);
    ADD(net, &es_saturating_gyrator, 4, 5, gm, gm, cl, w, NAN);
    ADD(net, &es_saturating_gyrator, 5, 0, 2 * gm, gm, cl, w, -0.3 * w);
    ADD(net, &es_josephson, 5, ES_GROUND, weber / henry);
    for (int i = 0; i < 2; i++)
        net->element[ADD(net, &es_input, i, 3 - i, 0.3 * weber / henry)].channel = i;
}

// The node HELD is a source's; it drives through a capacitor and an inductor.
static void add_source(void) {
    size_t e = ADD(net, &es_source, HELD, ES_GROUND, volt);
    net->element[e].channel = 1;
    net->node[HELD].source = (int)e;
    ADD(net, &es_capacitor, HELD, 0, 0.3 * farad);
    ADD(net, &es_inductor, HELD, 1, henry, NAN);
}

static struct es_model model_at(const double *values) {
    struct es_model made;
    struct es_error error = {""};
    ck_assert_msg(es_model_new(net, values, net->arena, &made, &error) == ES_OK, "%s", error.text);
    return made;
}

static void add_state(bool charges) {
    struct es_stream stream = {.seed = 2, .purpose = ES_RANDOM_TEST};
    for (int i = 0; i < NODES; i++) {
        double flux = weber * es_random_normal(&stream), held = volt * es_random_normal(&stream);
        ADD(net, &es_capacitor, i, i % 3 == 2 ? i - 1 : ES_GROUND, farad * (0.5 + es_random_uniform(&stream)));
        phi[i] = weber * es_random_normal(&stream);
        v[i] = volt * es_random_normal(&stream);
        if (i == HELD)
            ADD(net, &es_initial, i, ES_GROUND, flux, NAN, NAN);
        else if (i != 3)
            ADD(net, &es_initial, i, ES_GROUND, flux, charges ? NAN : held, charges ? held * farad : NAN);
    }
    es_network_start(net, theta);
    model = model_at(theta);
    for (size_t e = 0; e < net->elements; e++)
        o[e] = es_element_own_state(&net->element[e]) ? 0.4 * weber * es_random_normal(&stream) : 0;
}

static void build(bool charges) {
    net = network(NODES);
    add_branches();
    add_group();
    add_source();
    add_state(charges);
}

static void setup(void) {
    build(false);
}

static void teardown(void) {
    es_network_free(net);
}

// df/da by central differences of fourth order in steps of `step`; a is where f reads it.
static double difference(double (*f)(void), double *a, double step) {
    double at = *a, sum = 0;
    static const double offset[] = {-2, -1, 1, 2}, weight[] = {1, -8, 8, -1};
    for (int i = 0; i < 4; i++) {
        *a = at + offset[i] * step;
        sum += weight[i] * f();
    }
    *a = at;
    return sum / (12 * step);
}

static void close_to(double is, double expected, double tolerance, double scale) {
    ck_assert_double_le(fabs(is - expected), tolerance * scale);
}

static double largest(const double *a, size_t count) {
    double most = 0;
    for (size_t i = 0; i < count; i++)
        most = fmax(most, fabs(a[i]));
    return most;
}

// ---- forces and momenta ----------------------------------------------------------------------------------------------

static double lagrangian(void) {
    return es_model_lagrangian(&model, phi, v, x, o);
}

START_TEST(force_is_gradient_of_lagrangian) {
    double force[NODES];
    es_model_force(&model, phi, v, x, o, force);
    for (int i = 0; i < NODES; i++)
        close_to(difference(lagrangian, &phi[i], 1e-3 * weber), force[i], 1e-10, largest(force, NODES));
}
END_TEST

START_TEST(momentum_is_derivative_to_velocity) {
    double p[NODES];
    es_model_momentum(&model, v, p);
    for (int i = 0; i < NODES; i++)
        close_to(difference(lagrangian, &v[i], volt), p[i], 1e-12, largest(p, NODES));
}
END_TEST

static double force_at[NODES];
static int watched;

static double watched_force(void) {
    es_model_force(&model, phi, v, x, o, force_at);
    return force_at[watched];
}

// K = - dF/dphi, M = dp/dv, and K at zero flux.
START_TEST(matrices_are_derivatives) {
    double k[NODES][NODES], m[NODES][NODES], p[NODES], unit[NODES] = {0};
    for (int zero = 0; zero < 2; zero++) {
        if (zero) {
            memset(phi, 0, sizeof phi);
            memset(o, 0, sizeof o);
        }
        es_model_stiffness(&model, zero ? NULL : phi, zero ? NULL : o, k[0]);
        for (watched = 0; watched < NODES; watched++)
            for (int j = 0; j < NODES; j++)
                close_to(-difference(watched_force, &phi[j], 1e-3 * weber), k[watched][j], 1e-10, 1 / henry);
    }
    es_model_mass(&model, m[0]);
    for (int j = 0; j < NODES; j++) {
        unit[j] = 1;
        es_model_momentum(&model, unit, p);
        for (int i = 0; i < NODES; i++)
            close_to(m[i][j], p[i], 1e-14, farad);
        unit[j] = 0;
    }
}
END_TEST

// Branch currents: F = - sum a i + inputs, and i = dU/dpsi = - dL/do.
START_TEST(currents_are_slopes_of_the_potentials) {
    double current[MOST], force[NODES], into[NODES] = {0};
    es_model_currents(&model, phi, o, current);
    es_model_force(&model, phi, v, x, o, force);
    for (size_t e = 0; e < net->elements; e++) {
        const struct es_element *element = &net->element[e];
        es_add_across(element, into, element->kind->term == ES_DRIVE ? model.k[e] * x[element->channel] : -current[e]);
        close_to(-difference(lagrangian, &o[e], 1e-3 * weber), current[e], 1e-9, weber / henry);
    }
    for (int i = 0; i < NODES; i++)
        close_to(into[i], force[i], 1e-14, weber / henry);
}
END_TEST

static double p_at[NODES];

// p' v - L, v being solved from p.
static double hamiltonian_of(const struct es_model *at, const double *inputs) {
    double velocity[NODES] = {0};
    ck_assert_int_eq(es_model_velocity(at, p_at, velocity, NULL), ES_OK);
    double h = -es_model_lagrangian(at, phi, velocity, inputs, o);
    for (int i = 0; i < NODES; i++)
        h += p_at[i] * velocity[i];
    return h;
}

static double hamiltonian(void) {
    return hamiltonian_of(&model, x);
}

// H(phi, p) = p v - L, and Hamilton's equation dH/dp = v; without inputs H is the stored energy.
START_TEST(legendre_transform) {
    double back[NODES], silence[2] = {0, 0};
    net->node[HELD].source = -1; // a source's charge is no momentum
    es_model_momentum(&model, v, p_at);
    ck_assert_int_eq(es_model_velocity(&model, p_at, back, NULL), ES_OK);
    for (int i = 0; i < NODES; i++)
        close_to(back[i], v[i], 1e-13, volt);
    close_to(hamiltonian_of(&model, silence) / es_model_energy(&model, phi, v, o), 1, 1e-12, 1);
    for (int i = 0; i < NODES; i++)
        close_to(difference(hamiltonian, &p_at[i], volt * farad), v[i], 1e-11, volt);
}
END_TEST

// A source's voltage stays, and its capacitors' charge is the nodes' too.
START_TEST(velocity_beside_a_source) {
    double p[NODES], back[NODES] = {0};
    es_model_momentum(&model, v, p);
    back[HELD] = v[HELD];
    p[HELD] = 1;
    ck_assert_int_eq(es_model_velocity(&model, p, back, NULL), ES_OK);
    for (int i = 0; i < NODES; i++)
        close_to(back[i], v[i], 1e-13, volt);
}
END_TEST

// ---- derivatives to the parameters -----------------------------------------------------------------------------------

static double step_of(size_t i) {
    return 1e-3 * fabs(theta[i]);
}

static double lagrangian_of_theta(void) {
    struct es_model moved = model_at(theta);
    return es_model_lagrangian(&moved, phi, v, x, o);
}

static double signal(struct es_observable a, const double *current) {
    const struct es_element *e = &net->element[a.element];
    double slope[ES_QUANTITIES];
    switch (a.signal) {
    case ES_SIGNAL_FLUX:
        return es_across(e, phi) + o[a.element];
    case ES_SIGNAL_VOLTAGE:
        return es_across(e, v);
    case ES_SIGNAL_CURRENT:
        return current[a.element];
    case ES_SIGNAL_SLOPE:
        e->kind->potential->slope(model.q[a.element], es_across(e, phi) + o[a.element], slope);
        return slope[a.quantity];
    case ES_SIGNAL_INPUT:
        return x[e->channel];
    default:
        return 1;
    }
}

static double hamiltonian_of_theta(void) {
    struct es_model moved = model_at(theta);
    return hamiltonian_of(&moved, x);
}

// dH/dtheta at fixed (phi, p) is -dL/dtheta at fixed (phi, v): why the echo's two forms have the same integrals.
START_TEST(hamiltonian_and_lagrangian_have_opposite_slopes) {
    double energy = volt * volt * farad;
    net->node[HELD].source = -1;
    es_model_momentum(&model, v, p_at);
    for (size_t i = 0; i < net->parameters; i++)
        close_to(difference(hamiltonian_of_theta, &theta[i], step_of(i)) * theta[i], -difference(lagrangian_of_theta, &theta[i], step_of(i)) * theta[i], 1e-10, energy);
}
END_TEST

static void check_shares(void) {
    struct es_share share[MOST];
    double current[MOST], energy = volt * volt * farad;
    es_model_currents(&model, phi, o, current);
    for (size_t i = 0; i < net->parameters; i++) {
        double sum = 0;
        size_t count = es_model_shares(&model, i, share);
        ck_assert_uint_le(count, es_model_shares_most(&model));
        for (size_t s = 0; s < count; s++)
            sum += share[s].weight * signal(share[s].a, current) * signal(share[s].b, current);
        close_to(difference(lagrangian_of_theta, &theta[i], step_of(i)) * theta[i], sum * theta[i], 1e-10, energy);
    }
}

// The shares add up to dL/dtheta of every parameter.
START_TEST(shares_are_derivatives_of_lagrangian) {
    check_shares();
}
END_TEST

static double q_at[NODES];

static double weighted_force(void) {
    struct es_model moved = model_at(theta);
    double force[NODES], sum = 0;
    es_model_force(&moved, phi, v, x, o, force);
    for (int i = 0; i < NODES; i++)
        sum += q_at[i] * force[i];
    return sum;
}

static double weighted_charge(void) {
    struct es_model moved = model_at(theta);
    double p[NODES], sum = 0;
    es_model_momentum(&moved, v, p);
    for (int i = 0; i < NODES; i++)
        sum += q_at[i] * p[i];
    return sum;
}

static void check_slopes(void) {
    struct es_stream stream = {.seed = 3, .purpose = ES_RANDOM_TEST};
    double forces[MOST] = {0}, masses[MOST] = {0};
    for (int i = 0; i < NODES; i++)
        q_at[i] = es_random_normal(&stream);
    es_model_force_slope(&model, phi, x, o, q_at, forces);
    es_model_loss_slope(&model, q_at, v, forces);
    es_model_mass_slope(&model, q_at, v, masses);
    for (size_t i = 0; i < net->parameters; i++) {
        close_to(difference(weighted_force, &theta[i], step_of(i)) * theta[i], forces[i] * theta[i], 1e-10, weber / henry);
        close_to(difference(weighted_charge, &theta[i], step_of(i)) * theta[i], masses[i] * theta[i], 1e-11, volt * farad);
    }
}

START_TEST(slopes_of_forces_and_masses) {
    check_slopes();
}
END_TEST

// Each potential by itself, where nothing larger hides it: its current, its stiffness, dU/dq and d2U/dpsi dq.
static double q_now[ES_QUANTITIES], psi_now;
static const struct es_potential *potential;
static size_t quantity;

static double potential_energy(void) {
    return potential->energy(q_now, psi_now);
}

static double potential_current(void) {
    double current;
    potential->current(q_now, 1, &psi_now, &current, NULL);
    return current;
}

START_TEST(potentials_by_themselves) {
    static const double at[] = {-1.7, -0.6, 1e-3, 0.4, 2.5};
    for (size_t e = 0; e < net->elements; e++)
        for (size_t j = 0; j < sizeof at / sizeof *at && net->element[e].kind->potential; j++) {
            const struct es_element_kind *kind = net->element[e].kind;
            double current, stiffness, du[ES_QUANTITIES] = {0}, di[ES_QUANTITIES] = {0};
            potential = kind->potential;
            psi_now = at[j] * weber;
            memcpy(q_now, model.q[e], sizeof q_now);
            potential->current(q_now, 1, &psi_now, &current, &stiffness);
            potential->slope(q_now, psi_now, du);
            potential->cross(q_now, psi_now, di);
            double joule = fabs(current) * weber + potential_energy();
            close_to(difference(potential_energy, &psi_now, 1e-3 * weber) * weber, current * weber, 1e-9, joule);
            close_to(difference(potential_current, &psi_now, 1e-3 * weber), stiffness, 1e-9, fabs(model.k[e]) * 10);
            for (quantity = 0; quantity < ES_QUANTITIES && kind->quantity[quantity].name; quantity++) {
                double q = q_now[quantity];
                if (isnan(q) || q == 0)
                    continue;
                close_to(difference(potential_energy, &q_now[quantity], 1e-3 * fabs(q)) * q, du[quantity] * q, 1e-9, joule);
                close_to(difference(potential_current, &q_now[quantity], 1e-3 * fabs(q)) * q, di[quantity] * q, 1e-9, fabs(current));
            }
        }
}
END_TEST

// ---- the state at t = 0 ----------------------------------------------------------------------------------------------

// A cost that is linear in the state: to_flux' flux + to_charge' p + to_offset' o, p being the charge of free nodes.
static double to_flux[NODES], to_charge[NODES], to_offset[MOST];

static double start_cost(void) {
    struct es_model moved = model_at(theta);
    double flux[NODES], voltage[NODES], offset[MOST], p[NODES], sum = 0;
    ck_assert_int_eq(es_model_start(&moved, x, flux, voltage, offset, NULL), ES_OK);
    es_model_momentum(&moved, voltage, p);
    for (int i = 0; i < NODES; i++)
        sum += to_flux[i] * flux[i] + to_charge[i] * p[i];
    for (size_t e = 0; e < net->elements; e++)
        sum += to_offset[e] * offset[e];
    return sum;
}

static void check_start(void) {
    struct es_stream stream = {.seed = 4, .purpose = ES_RANDOM_TEST};
    double flux[NODES], voltage[NODES], offset[MOST], slope[MOST] = {0};
    for (int i = 0; i < NODES; i++) {
        to_flux[i] = es_random_normal(&stream) / weber;
        to_charge[i] = i == HELD ? 0 : es_random_normal(&stream) / (volt * farad);
    }
    for (size_t e = 0; e < net->elements; e++)
        to_offset[e] = es_random_normal(&stream) / weber;
    ck_assert_int_eq(es_model_start(&model, x, flux, voltage, offset, NULL), ES_OK);
    ck_assert_double_eq(voltage[HELD], volt * x[1]);
    es_model_start_slope(&model, voltage, to_flux, to_charge, to_offset, slope);
    for (size_t i = 0; i < net->parameters; i++)
        close_to(difference(start_cost, &theta[i], step_of(i)) * theta[i], slope[i] * theta[i], 1e-11, 1);
}

// Branches with a state of their own start at psi(0) = L i(0) or C_L w(0) / gm1, whatever the fluxes of their nodes.
START_TEST(start_with_voltages) {
    double flux[NODES], voltage[NODES], offset[MOST];
    ck_assert_int_eq(es_model_start(&model, x, flux, voltage, offset, NULL), ES_OK);
    for (size_t e = 0; e < net->elements; e++) {
        const struct es_element *element = &net->element[e];
        double psi = es_across(element, flux) + offset[e];
        if (element->kind == &es_inductor && es_element_own_state(element))
            close_to(psi, element->value[0] * element->value[1], 1e-14, weber);
        if (element->kind == &es_gyrator && es_element_own_state(element))
            close_to(psi, element->value[2] * element->value[3] / element->value[0], 1e-14, weber);
        if (element->kind == &es_initial && element->p != HELD)
            ck_assert_double_eq(voltage[element->p], element->value[1]);
    }
    check_start();
}
END_TEST

START_TEST(start_with_charges) {
    double flux[NODES], voltage[NODES], offset[MOST], p[NODES];
    es_network_free(net);
    build(true);
    ck_assert_int_eq(es_model_start(&model, x, flux, voltage, offset, NULL), ES_OK);
    es_model_momentum(&model, voltage, p);
    for (size_t e = 0; e < net->elements; e++)
        if (net->element[e].kind == &es_initial && net->element[e].p != HELD)
            close_to(p[net->element[e].p], net->element[e].value[2], 1e-13, volt * farad);
    check_start();
}
END_TEST

// Gives an initial state a trained voltage too.
static void add_voltage(size_t e) {
    net->element[e].value[1] = volt;
    net->element[e].parameter[1] = (int)net->parameters;
    net->parameter[net->parameters++] = (struct es_parameter){.element = e, .quantity = 1, .min = -1, .max = 1, .coordinate = &es_logistic};
}

// A voltage that a source overrules has no slope, and none has where a charge is given.
START_TEST(overruled_voltages) {
    for (int i = 0; i < 2; i++) {
        if (i)
            ADD(net, &es_initial, 3, ES_GROUND, NAN, NAN, volt * farad);
        else
            add_voltage(net->elements - 1); // that of HELD
        es_network_start(net, theta);
        model = model_at(theta);
        check_start();
    }
}
END_TEST

// Two coupled inductors: L^-1 = (L2, -M; -M, L1) / (L1 L2 - M^2).
START_TEST(mutual_inductance) {
    struct es_network *pair = network(2);
    double l1 = henry, l2 = 3 * henry, k = 0.6, m = k * sqrt(l1 * l2), flux[] = {weber, -2 * weber}, current[3], values[3];
    size_t a = ADD(pair, &es_inductor, 0, ES_GROUND, l1, NAN), b = ADD(pair, &es_inductor, 1, ES_GROUND, l2, NAN), c = ADD(pair, &es_mutual, ES_GROUND, ES_GROUND, k);
    struct es_model coupled;
    struct es_error error = {""};
    pair->element[c].first = b;
    pair->element[c].second = a;
    es_network_start(pair, values);
    ck_assert_int_eq(es_model_new(pair, values, pair->arena, &coupled, NULL), ES_OK);
    es_model_currents(&coupled, flux, NULL, current);
    close_to(current[a], (l2 * flux[0] - m * flux[1]) / (l1 * l2 - m * m), 1e-14, weber / henry);
    close_to(current[b], (l1 * flux[1] - m * flux[0]) / (l1 * l2 - m * m), 1e-14, weber / henry);
    values[2] = -1.01;
    ck_assert_int_eq(es_model_new(pair, values, pair->arena, &coupled, &error), ES_BAD_INPUT);
    ck_assert_ptr_nonnull(strstr(error.text, "not positive definite"));
    es_network_free(pair);
}
END_TEST

// ---- coordinates, modes, validator, random numbers -------------------------------------------------------------------

START_TEST(coordinates_invert_and_slope) {
    for (size_t i = 0; es_coordinates[i]; i++) {
        const struct es_coordinate *c = (const void *)es_coordinates[i];
        double min = c->positive ? 1e-7 : -2e-3, max = c->positive ? 1e-5 : 3e-3, middle = c->positive ? 1e-6 : 1e-3;
        double u = c->inverse(middle, min, max), step = 1e-5;
        ck_assert_double_eq_tol(c->value(u, min, max) / middle, 1, 1e-12);
        double difference = (c->value(u + step, min, max) - c->value(u - step, min, max)) / (2 * step);
        ck_assert_double_eq_tol(difference / c->slope(middle, min, max), 1, 1e-8);
        ck_assert_double_le(c->value(100, min, max), max);
        ck_assert_double_ge(c->value(-100, min, max), min);
    }
}
END_TEST

// A ring of equal parts: omega_m^2 = (Gamma_0 + 4 Gamma sin^2(pi m / n)) / C.
START_TEST(modes_of_a_ring) {
    struct es_network *ring = network(8);
    for (int i = 0; i < 8; i++) {
        ADD(ring, &es_capacitor, i, ES_GROUND, 1e-9);
        ADD(ring, &es_inductor, i, ES_GROUND, 1e-6, NAN);
        ADD(ring, &es_inductor, i, (i + 1) % 8, 3e-6, NAN);
    }
    double values[24], expected[8];
    struct es_model linear;
    struct es_modes modes;
    es_network_start(ring, values);
    ck_assert_int_eq(es_model_new(ring, values, ring->arena, &linear, NULL), ES_OK);
    ck_assert_int_eq(es_modes(&linear, ring->arena, &modes, NULL), ES_OK);
    for (int m = 0; m < 8; m++)
        expected[m] = sqrt((1e6 + 4e6 / 3 * pow(sin(3.14159265358979323846 * ((m + 1) / 2) / 8), 2)) / 1e-9);
    for (int m = 0; m < 8; m++)
        ck_assert_double_eq_tol(modes.omega[m] / expected[m], 1, 1e-12);
    ck_assert_double_eq_tol(es_modes_fastest(ring, values) / expected[7], 1, 1e-12);
    es_network_free(ring);
}
END_TEST

// How far s is from the nearest of the rates, relative to |s|.
static double away(const struct es_rates *rates, double real, double imaginary) {
    double least = INFINITY;
    for (size_t i = 0; i < rates->count; i++)
        least = fmin(least, hypot(rates->real[i] - real, rates->imaginary[i] - imaginary) / hypot(real, imaginary));
    return least;
}

// The same ring with a conductance gamma C beside every capacitor: s = -gamma / 2 +- sqrt(gamma^2 / 4 - omega_m^2), lightly and so heavily damped that the
// slow modes creep; without inductors, of conductances like they were, s = -omega_m^2 / gamma. A source beyond one more conductance changes nothing but that.
START_TEST(rates_of_a_ring) {
    const double gamma[] = {1e6, 8e7, 3e7};
    for (int k = 0; k < 3; k++) {
        struct es_network *ring = network(9);
        ring->node[8].source = (int)ADD(ring, &es_source, 8, ES_GROUND, 1);
        ADD(ring, &es_capacitor, 8, ES_GROUND, 1e-9);
        for (int i = 0; i < 8; i++) {
            ADD(ring, &es_capacitor, i, ES_GROUND, 1e-9);
            ADD(ring, &es_conductance, i, i % 2 ? 8 : ES_GROUND, k < 2 ? 1e-9 * gamma[k] : 1e6 / gamma[k]);
            ADD(ring, k < 2 ? &es_inductor : &es_conductance, i, (i + 1) % 8, k < 2 ? 3e-6 : 1e6 / 3 / gamma[k], NAN);
            if (k < 2)
                ADD(ring, &es_inductor, i, ES_GROUND, 1e-6, NAN);
        }
        double values[48];
        struct es_model linear;
        struct es_rates rates;
        es_network_start(ring, values);
        ck_assert_int_eq(es_model_new(ring, values, ring->arena, &linear, NULL), ES_OK);
        ck_assert_int_eq(es_rates(&linear, ring->arena, &rates, NULL), ES_OK);
        ck_assert_uint_eq(rates.count, k < 2 ? 16 : 8);
        for (int m = 0; m < 8; m++) {
            double square = (1e6 + 4e6 / 3 * pow(sin(3.14159265358979323846 * m / 8), 2)) / 1e-9, root = sqrt(fabs(gamma[k] * gamma[k] / 4 - square));
            for (int sign = -1; sign < 2; sign += 2) {
                bool creeps = gamma[k] * gamma[k] / 4 > square;
                double real = k == 2 ? -square / gamma[k] : -gamma[k] / 2 + creeps * sign * root, imaginary = k == 2 || creeps ? 0 : sign * root;
                ck_assert_double_lt(away(&rates, real, imaginary), 1e-12);
            }
        }
        es_network_free(ring);
    }
}
END_TEST

START_TEST(validator_names_the_conductance) {
    struct es_error error = {""};
    ck_assert_int_eq(es_validate_reversible(net, &error), ES_OK);
    ck_assert_int_eq(es_validate_lagrangian(net, &error), ES_OK);
    size_t e = ADD(net, &es_conductance, 1, ES_GROUND, 1e-3);
    ck_assert_int_eq(es_validate_reversible(net, &error), ES_BAD_INPUT);
    ck_assert_ptr_nonnull(strstr(error.text, net->element[e].name));
    ck_assert_ptr_nonnull(strstr(error.text, "reversible"));
    ck_assert_int_eq(es_validate_lagrangian(net, &error), ES_BAD_INPUT);
    ck_assert_ptr_nonnull(strstr(error.text, net->element[e].name));
}
END_TEST

START_TEST(validator_names_the_sensing_gyrator) {
    struct es_error error = {""};
    size_t e = ADD(net, &es_sensing_gyrator, 1, ES_GROUND, 1e-3, 1e-3, 1e-12, 0.1);
    ck_assert_int_eq(es_validate_reversible(net, &error), ES_OK);
    ck_assert_int_eq(es_validate_lagrangian(net, &error), ES_BAD_INPUT);
    ck_assert_ptr_nonnull(strstr(error.text, net->element[e].name));
}
END_TEST

START_TEST(validator_names_the_node_without_capacitance) {
    struct es_network *bare = network(3);
    struct es_error error = {""};
    ADD(bare, &es_capacitor, 0, ES_GROUND, 1e-9);
    ADD(bare, &es_capacitor, 1, 2, 1e-9); // joined to each other, not to ground
    ADD(bare, &es_inductor, 0, 1, 1e-6, NAN);
    ck_assert_int_eq(es_validate_mass(bare, &error), ES_BAD_INPUT);
    ck_assert_ptr_nonnull(strstr(error.text, "\"n1\""));
    ADD(bare, &es_capacitor, 2, 0, 1e-9);
    ck_assert_int_eq(es_validate_mass(bare, &error), ES_OK);
    es_network_free(bare);
}
END_TEST

// Philox4x64-10 of Random123 is tested there; here: streams differ, draws repeat, moments are those of the distributions.
START_TEST(random_streams) {
    struct es_stream a = {.seed = 1, .purpose = ES_RANDOM_TEST}, b = a, c = {.seed = 1, .purpose = ES_RANDOM_TEST, .sample = 1};
    double sum = 0, square = 0;
    ck_assert_double_eq(es_random_uniform(&a), es_random_uniform(&b));
    ck_assert_double_ne(es_random_uniform(&a), es_random_uniform(&c));
    for (int i = 0; i < 100000; i++) {
        double g = es_random_normal(&a);
        sum += g;
        square += g * g;
        ck_assert_uint_lt(es_random_below(&b, 7), 7);
    }
    ck_assert_double_eq_tol(sum / 1e5, 0, 4 / sqrt(1e5));
    ck_assert_double_eq_tol(square / 1e5, 1, 4 * sqrt(2 / 1e5));
}
END_TEST

// ---- mismatch --------------------------------------------------------------------------------------------------------

// An element whose first value is scale times a parameter of another.
static void follow(const struct es_element_kind *kind, int p, int n, size_t leader, size_t of, double scale) {
    struct es_element *e = &net->element[net->elements++];
    *e = (struct es_element){.name = "follower", .kind = kind, .p = p, .n = n, .channel = -1, .class = -1};
    for (size_t i = 0; i < ES_QUANTITIES; i++) {
        e->value[i] = NAN;
        e->parameter[i] = ES_FIXED;
    }
    e->parameter[0] = net->element[leader].parameter[of];
    e->scale[0] = scale;
    e->value[0] = net->element[leader].value[of];
}

static size_t first_of(const struct es_element_kind *kind) {
    size_t e = 0;
    while (net->element[e].kind != kind)
        e++;
    return e;
}

// Every trained value is its parameter times a scale of its own, and the same derivatives hold.
START_TEST(mismatched_values) {
    struct es_stream stream = {.seed = 5, .purpose = ES_RANDOM_TEST};
    double q[ES_QUANTITIES];
    for (size_t e = 0; e < net->elements; e++)
        for (size_t i = 0; i < ES_QUANTITIES; i++)
            net->element[e].scale[i] = 0.7 + 0.6 * es_random_uniform(&stream);
    model = model_at(theta);
    for (size_t i = 0; i < net->parameters; i++) {
        const struct es_parameter *p = &net->parameter[i];
        es_element_values(net, theta, p->element, q);
        ck_assert_double_eq(q[p->quantity], theta[i] * net->element[p->element].scale[p->quantity]);
    }
    check_shares();
    check_slopes();
    check_start();
}
END_TEST

// Elements that follow a trained value: all derivatives know them, and the shares, which are what a local rule measures, do not.
START_TEST(followers_of_a_value) {
    struct es_share share[MOST], after[MOST];
    double current[MOST], slope[MOST] = {0}, energy = volt * volt * farad;
    size_t inductor = first_of(&es_inductor), gyrator = first_of(&es_gyrator), capacitor = first_of(&es_capacitor), leader = 0;
    while (net->parameter[leader].element != inductor)
        leader++;
    size_t count = es_model_shares(&model, leader, share);
    net->element[inductor].scale[0] = 1.2;
    follow(&es_inductor, 1, 3, inductor, 0, 2);
    follow(&es_conductance, 1, 3, inductor, 0, 1e-3 / henry); // 1 mS
    follow(&es_conductance, 3, 4, gyrator, 1, 0.3);
    follow(&es_capacitor, 3, 4, capacitor, 0, 0.1);
    model = model_at(theta);
    es_model_currents(&model, phi, o, current);
    es_model_lagrangian_slope(&model, phi, v, x, o, current, slope);
    for (size_t i = 0; i < net->parameters; i++)
        close_to(difference(lagrangian_of_theta, &theta[i], step_of(i)) * theta[i], slope[i] * theta[i], 1e-10, energy);
    check_slopes();
    check_start();
    ck_assert_uint_eq(es_model_shares(&model, leader, after), count);
    for (size_t s = 0; s < count; s++) {
        ck_assert_uint_eq(after[s].a.element, inductor);
        close_to(after[s].weight, share[s].weight / 1.2, 1e-14, fabs(share[s].weight)); // -dk/2 = 1 / 2 L^2, times the scale
    }
}
END_TEST

Suite *test_suite(void) {
    Suite *suite = suite_create("network");
    TCase *tests = tcase_create("network");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, force_is_gradient_of_lagrangian);
    tcase_add_test(tests, momentum_is_derivative_to_velocity);
    tcase_add_test(tests, matrices_are_derivatives);
    tcase_add_test(tests, currents_are_slopes_of_the_potentials);
    tcase_add_test(tests, legendre_transform);
    tcase_add_test(tests, velocity_beside_a_source);
    tcase_add_test(tests, hamiltonian_and_lagrangian_have_opposite_slopes);
    tcase_add_test(tests, shares_are_derivatives_of_lagrangian);
    tcase_add_test(tests, slopes_of_forces_and_masses);
    tcase_add_test(tests, potentials_by_themselves);
    tcase_add_test(tests, start_with_voltages);
    tcase_add_test(tests, start_with_charges);
    tcase_add_test(tests, overruled_voltages);
    tcase_add_test(tests, mismatched_values);
    tcase_add_test(tests, followers_of_a_value);
    tcase_add_test(tests, mutual_inductance);
    tcase_add_test(tests, coordinates_invert_and_slope);
    tcase_add_test(tests, modes_of_a_ring);
    tcase_add_test(tests, rates_of_a_ring);
    tcase_add_test(tests, validator_names_the_conductance);
    tcase_add_test(tests, validator_names_the_sensing_gyrator);
    tcase_add_test(tests, validator_names_the_node_without_capacitance);
    tcase_add_test(tests, random_streams);
    suite_add_tcase(suite, tests);
    return suite;
}
