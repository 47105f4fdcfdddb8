// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// What a network's values become in a process: sizes against the formulas of capacitors and resistors, and the spread of modes against many draws.
#include "runner.h"
#include "support.h"

#include "core/random.h"
#include "net/modes.h"
#include "netlist/sizing.h"
#include "technology/technology.h"
#include "xml/xml.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const char *const maps[] = {"models/process/sky130.xml", "models/process/gf180mcu.xml", "models/process/ihp-sg13g2.xml", "models/process/generic.xml"};

static struct es_process *process_of(const char *path) {
    struct es_process *process;
    struct es_error error = {""};
    ck_assert_msg(es_process_read(path, &process, &error) == ES_OK, "%s", error.text);
    return process;
}

static bool on_grid(const struct es_process *process, double size) {
    double steps = size / process->grid;
    return fabs(steps - round(steps)) < 1e-6;
}

// A capacitor of each size, between a node and ground and between two nodes.
START_TEST(plates) {
    struct es_process *process = process_of(maps[_i]);
    const struct es_process_device *device = es_process_device(process, &es_role_capacitor);
    for (double c = 60e-15; c < 2e-9; c *= 1.7)
        for (int differential = 0; differential < 2; differential++) {
            struct es_network *net = test_network(2);
            struct es_sizing sizing;
            test_add(net, &es_capacitor, 0, ES_GROUND, c, 0, 0);
            test_add(net, &es_capacitor, 0, 1, c, 0, 0);
            net->differential = differential;
            es_sizing_new(net, NULL, process, 0, net->arena, &sizing);
            ck_assert_uint_eq(sizing.count, 2);
            for (size_t i = 0; i < 2; i++) {
                const struct es_made *made = &sizing.made[i];
                size_t halves = i && differential ? 2 : 1;
                double w = made->size.width, l = made->size.length, m = (double)made->size.multiplier;
                ck_assert_msg(!made->lacking, "%g F: %s", c, made->lacking);
                ck_assert_uint_eq(made->copies, halves);
                ck_assert(on_grid(process, w) && on_grid(process, l));
                ck_assert(w >= device->min_width * 0.999 && w <= device->max_width * 1.001 && l >= device->min_length * 0.999 && l <= device->max_length * 1.001);
                double one = m * (device->density * w * l + 2 * device->fringe * (w + l)); // F, by hand
                ck_assert_double_le(fabs(made->made / (one / (double)halves) - 1), 1e-12);
                double worst = 2 * m * (device->density * w + 2 * device->fringe) * process->grid / one; // two steps of the grid
                ck_assert_msg(fabs(made->made / c - 1) <= worst, "%g F became %g", c, made->made);
                ck_assert_double_eq(sizing.net->element[i].value[0], made->made);
                if (device->relative_mismatch > 0) {
                    double area = (w + device->width_offset) * (l + device->length_offset) * m * (double)halves;
                    ck_assert_double_le(fabs(made->sigma / (device->relative_mismatch / sqrt(area)) - 1), 1e-12);
                }
            }
            es_network_free(net);
        }
    es_process_free(process);
}
END_TEST

START_TEST(strips) {
    struct es_process *process = process_of(maps[_i]);
    for (double g = 1e-2; g > 2e-6; g /= 1.9) {
        struct es_network *net = test_network(1);
        struct es_sizing sizing;
        test_add(net, &es_conductance, 0, ES_GROUND, g, 0, 0);
        es_sizing_new(net, NULL, process, 0, net->arena, &sizing);
        const struct es_made *made = &sizing.made[0];
        ck_assert_msg(!made->lacking && made->role, "%g S: %s", g, made->lacking);
        const struct es_process_device *device = es_process_device(process, made->role);
        double w = made->size.width, r = (device->sheet * made->size.length / (w + device->narrowing) + device->ends / w) / (double)made->size.multiplier;
        ck_assert_double_le(fabs(made->made * r - 1), 1e-12);
        ck_assert_msg(fabs(made->made / g - 1) < 0.01, "%g S became %g", g, made->made);
        es_network_free(net);
    }
    es_process_free(process);
}
END_TEST

START_TEST(what_does_not_fit) {
    struct es_process *process = process_of(maps[0]);
    struct es_network *net = test_network(1);
    struct es_sizing sizing;
    test_add(net, &es_capacitor, 0, ES_GROUND, 1e-15, 0, 0);
    test_add(net, &es_capacitor, 0, ES_GROUND, 1e-6, 0, 0);
    test_add(net, &es_conductance, 0, ES_GROUND, 1e-12, 0, 0);
    test_add(net, &es_inductor, 0, ES_GROUND, 1e-6, 0, 0);
    const char *const why[] = {"smaller", "larger", "longer", "no inductor"};
    es_sizing_new(net, NULL, process, 0, net->arena, &sizing);
    for (size_t i = 0; i < 4; i++) {
        ck_assert_msg(sizing.made[i].lacking && strstr(sizing.made[i].lacking, why[i]), "%s", why[i]);
        ck_assert_double_eq(sizing.made[i].made, sizing.made[i].asked);
    }
    ck_assert_double_eq(es_sizing_area(&sizing), 0);
    es_network_free(net);
    es_process_free(process);
}
END_TEST

START_TEST(codes) { // of a mesh, and of inputs that may be negative
    struct es_network *net = test_ring(false), *built;
    struct es_tuning *tuning;
    struct es_sizing sizing;
    double *theta = ES_NEW(net->arena, net->parameters + 1, double), most = 0;
    ck_assert_int_eq(es_technology_network(es_row_find(es_technologies, "mesh"), net, net->arena, &built, &tuning, NULL), ES_OK);
    es_network_start(built, theta);
    theta[3] *= 1e-6; // less than a unit
    for (size_t i = 0; i < net->parameters; i++)
        if (built->element[built->parameter[i].element].kind == &es_mesh)
            most = fmax(most, theta[i]);
    for (unsigned bits = 1; bits <= 12; bits++) {
        es_sizing_new(built, theta, NULL, bits, net->arena, &sizing);
        double unit = most / exp2(bits);
        for (size_t i = 0; i < net->parameters; i++) {
            const struct es_parameter *p = &built->parameter[i];
            const struct es_made *made = es_sizing_find(&sizing, p->element, p->quantity);
            if (built->element[p->element].kind != &es_mesh)
                continue;
            ck_assert_ptr_nonnull(made);
            ck_assert(made->programmed && made->code >= 1 && made->code <= 1 << bits);
            ck_assert_double_le(fabs(sizing.theta[i] / (unit * (double)made->code) - 1), 1e-12);
            ck_assert(made->code == 1 || fabs(sizing.theta[i] - theta[i]) <= unit * 0.5000001);
        }
    }
    es_network_free(net);
}
END_TEST

// Draws every value's error, and looks at what the modes become.
START_TEST(spread_of_modes) {
    enum { DRAWS = 2000 };
    struct es_process *process = process_of(maps[0]);
    struct es_network *net = test_network(3);
    struct es_sizing sizing;
    for (int i = 0; i < 3; i++) {
        test_add(net, &es_capacitor, i, ES_GROUND, 60e-15 * (1 + i), 0, 0);
        test_add(net, &es_gyrator, i, i < 2 ? i + 1 : ES_GROUND, 1e-6, 1.3e-6, 50e-15 * (1 + i));
    }
    test_add(net, &es_capacitor, 0, 1, 30e-15, 0, 0);
    es_sizing_new(net, NULL, process, 0, net->arena, &sizing);
    struct es_sizing_spread spread = es_sizing_spread(&sizing, net->arena);
    double sum[2] = {0}, square[2] = {0};
    for (uint64_t d = 0; d < DRAWS; d++) {
        struct es_network drawn = *sizing.net;
        struct es_arena *arena = es_arena_new();
        struct es_model model;
        struct es_modes modes;
        drawn.element = ES_NEW(arena, net->elements, struct es_element);
        memcpy(drawn.element, sizing.net->element, net->elements * sizeof *drawn.element);
        for (size_t i = 0; i < sizing.count; i++)
            if (!isnan(sizing.made[i].sigma)) {
                struct es_stream stream = {.seed = 7, .purpose = ES_RANDOM_CHIP, .id = i, .sample = d};
                drawn.element[sizing.made[i].element].value[sizing.made[i].quantity] *= 1 + sizing.made[i].sigma * es_random_normal(&stream);
            }
        ck_assert_int_eq(es_model_new(&drawn, NULL, arena, &model, NULL), ES_OK);
        ck_assert_int_eq(es_modes(&model, arena, &modes, NULL), ES_OK);
        for (int end = 0; end < 2; end++) {
            double x = modes.omega[end ? modes.modes - 1 : 0] / (end ? spread.fastest : spread.slowest) - 1;
            sum[end] += x;
            square[end] += x * x;
        }
        es_arena_free(arena);
    }
    for (int end = 0; end < 2; end++) {
        double sigma = sqrt(square[end] / DRAWS - pow(sum[end] / DRAWS, 2)), told = end ? spread.fastest_sigma : spread.slowest_sigma;
        printf("mode %d: sigma of %d draws %.4g, told %.4g\n", end, DRAWS, sigma, told);
        ck_assert_double_le(fabs(sigma / told - 1), 4 / sqrt(2. * DRAWS)); // four standard errors
    }
    es_network_free(net);
    es_process_free(process);
}
END_TEST

Suite *test_suite(void) {
    Suite *suite = suite_create("sizing");
    TCase *cases = tcase_create("sizes");
    tcase_set_timeout(cases, 60);
    tcase_add_loop_test(cases, plates, 0, 4);
    tcase_add_loop_test(cases, strips, 0, 4);
    tcase_add_test(cases, what_does_not_fit);
    tcase_add_test(cases, codes);
    tcase_add_test(cases, spread_of_modes);
    suite_add_tcase(suite, cases);
    return suite;
}
