// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// Elements, Lagrangian, Legendre transform, validator and modes, against finite differences and closed forms.
#include "runner.h"
#include "support.h"

#include "core/random.h"
#include "net/lagrangian.h"
#include "net/modes.h"
#include "net/validate.h"

#include <math.h>
#include <string.h>

enum { NODES = 7 };

static struct es_network *net;
static double k[ES_MAX_ELEMENTS], theta[ES_MAX_ELEMENTS], phi[NODES], v[NODES], x[2];

static void setup(void) {
    net = test_random_network(5, NODES, false);
    es_network_start(net, theta);
    es_network_coefficients(net, theta, k);
    struct es_stream stream = {.seed = 2, .purpose = ES_RANDOM_TEST};
    for (int i = 0; i < NODES; i++) {
        phi[i] = 1e-8 * es_random_normal(&stream);
        v[i] = es_random_normal(&stream);
    }
    x[0] = es_random_normal(&stream);
    x[1] = es_random_normal(&stream);
}

static void teardown(void) {
    es_network_free(net);
}

// The Lagrangian is quadratic, so that central differences are exact up to rounding.
START_TEST(force_is_gradient_of_lagrangian) {
    double force[NODES];
    es_lagrangian_force(net, k, phi, v, x, force);
    for (int i = 0; i < NODES; i++) {
        double at = phi[i], step = 1e-8;
        phi[i] = at + step;
        double above = es_lagrangian(net, k, phi, v, x);
        phi[i] = at - step;
        double below = es_lagrangian(net, k, phi, v, x);
        phi[i] = at;
        ck_assert_double_eq_tol((above - below) / (2 * step) / force[i], 1, 1e-6);
    }
}
END_TEST

START_TEST(momentum_is_derivative_to_velocity) {
    double p[NODES];
    es_lagrangian_momentum(net, k, v, p);
    for (int i = 0; i < NODES; i++) {
        double at = v[i], step = 0.5;
        v[i] = at + step;
        double above = es_lagrangian(net, k, phi, v, x);
        v[i] = at - step;
        double below = es_lagrangian(net, k, phi, v, x);
        v[i] = at;
        ck_assert_double_eq_tol((above - below) / (2 * step) / p[i], 1, 1e-9);
    }
}
END_TEST

// H(phi, p) = p v - L, and Hamilton's equation dH/dp = v, by differences of H; without inputs H is the stored energy.
START_TEST(legendre_transform) {
    double p[NODES], back[NODES], silence[2] = {0, 0};
    es_lagrangian_momentum(net, k, v, p);
    ck_assert_int_eq(es_lagrangian_velocity(net, k, p, back, NULL), ES_OK);
    for (int i = 0; i < NODES; i++)
        ck_assert_double_eq_tol(back[i], v[i], 1e-12);
    ck_assert_double_eq_tol(es_hamiltonian(net, k, phi, p, silence) / es_network_energy(net, k, phi, v), 1, 1e-12);
    for (int i = 0; i < NODES; i++) {
        double at = p[i], step = 1e-10;
        p[i] = at + step;
        double above = es_hamiltonian(net, k, phi, p, x);
        p[i] = at - step;
        double below = es_hamiltonian(net, k, phi, p, x);
        p[i] = at;
        ck_assert_double_eq_tol((above - below) / (2 * step), v[i], 1e-6);
    }
}
END_TEST

// Each parameter's dL/dtheta = dk/dtheta dL/dk, against differences of the whole Lagrangian.
START_TEST(element_derivatives) {
    double slope[ES_MAX_ELEMENTS], moved[ES_MAX_ELEMENTS], kk[ES_MAX_ELEMENTS];
    es_network_slopes(net, theta, slope);
    for (size_t i = 0; i < net->parameters; i++) {
        const struct es_element *e = &net->element[net->parameter[i].element];
        double step = 1e-4 * fabs(theta[i]), value[2];
        for (int side = 0; side < 2; side++) {
            memcpy(moved, theta, net->parameters * sizeof *moved);
            moved[i] += side ? -step : step;
            es_network_coefficients(net, moved, kk);
            value[side] = es_lagrangian(net, kk, phi, v, x);
        }
        double input = e->channel >= 0 ? x[e->channel] : 0;
        double expected = slope[i] * es_element_dlagrangian(e, es_across(e, phi), es_across(e, v), input);
        ck_assert_double_eq_tol((value[0] - value[1]) / (2 * step) / expected, 1, 1e-4);
    }
}
END_TEST

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
    struct es_network *ring = test_network(8);
    for (int i = 0; i < 8; i++) {
        test_add(ring, &es_capacitor, i, ES_GROUND, 1e-9, 0, 0);
        test_add(ring, &es_inductor, i, ES_GROUND, 1e-6, 0, 0);
        test_add(ring, &es_inductor, i, (i + 1) % 8, 3e-6, 0, 0);
    }
    double coefficient[24], expected[8];
    struct es_modes modes;
    es_network_coefficients(ring, NULL, coefficient);
    ck_assert_int_eq(es_modes(ring, coefficient, ring->arena, &modes, NULL), ES_OK);
    for (int m = 0; m < 8; m++)
        expected[m] = sqrt((1e6 + 4e6 / 3 * pow(sin(3.14159265358979323846 * ((m + 1) / 2) / 8), 2)) / 1e-9);
    for (int m = 0; m < 8; m++)
        ck_assert_double_eq_tol(modes.omega[m] / expected[m], 1, 1e-12);
    es_network_free(ring);
}
END_TEST

START_TEST(validator_names_the_conductance) {
    struct es_error error = {""};
    ck_assert_int_eq(es_validate_reversible(net, &error), ES_OK);
    ck_assert_int_eq(es_validate_lagrangian(net, &error), ES_OK);
    size_t e = test_add(net, &es_conductance, 1, ES_GROUND, 1e-3, 0, 0);
    ck_assert_int_eq(es_validate_reversible(net, &error), ES_BAD_INPUT);
    ck_assert_ptr_nonnull(strstr(error.text, net->element[e].name));
    ck_assert_ptr_nonnull(strstr(error.text, "reversible"));
    ck_assert_int_eq(es_validate_lagrangian(net, &error), ES_BAD_INPUT);
    ck_assert_ptr_nonnull(strstr(error.text, net->element[e].name));
}
END_TEST

START_TEST(validator_names_the_node_without_capacitance) {
    struct es_network *bare = test_network(3);
    struct es_error error = {""};
    test_add(bare, &es_capacitor, 0, ES_GROUND, 1e-9, 0, 0);
    test_add(bare, &es_capacitor, 1, 2, 1e-9, 0, 0); // joined to each other, not to ground
    test_add(bare, &es_inductor, 0, 1, 1e-6, 0, 0);
    ck_assert_int_eq(es_validate_mass(bare, &error), ES_BAD_INPUT);
    ck_assert_ptr_nonnull(strstr(error.text, "\"n1\""));
    test_add(bare, &es_capacitor, 2, 0, 1e-9, 0, 0);
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

Suite *test_suite(void) {
    Suite *suite = suite_create("network");
    TCase *tests = tcase_create("network");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, force_is_gradient_of_lagrangian);
    tcase_add_test(tests, momentum_is_derivative_to_velocity);
    tcase_add_test(tests, legendre_transform);
    tcase_add_test(tests, element_derivatives);
    tcase_add_test(tests, coordinates_invert_and_slope);
    tcase_add_test(tests, modes_of_a_ring);
    tcase_add_test(tests, validator_names_the_conductance);
    tcase_add_test(tests, validator_names_the_node_without_capacitance);
    tcase_add_test(tests, random_streams);
    suite_add_tcase(suite, tests);
    return suite;
}
