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

// Plates of every size up to the largest, of ranges that end between steps of the grid and are no squares; none is larger than m of them that are smaller.
START_TEST(plates_of_all_ranges) {
    struct es_process *process = process_of(maps[_i]);
    struct es_process_device *device = process->device[2];
    struct es_stream stream = {.seed = 5, .purpose = ES_RANDOM_CHIP, .id = (uint64_t)_i};
    ck_assert_ptr_eq(device->role, &es_role_capacitor);
    for (size_t i = 0; i < 20000; i++) {
        struct es_process_size size;
        double u[5];
        for (size_t k = 0; k < 5; k++)
            u[k] = es_random_uniform(&stream);
        device->min_width = 2e-6 * (1 + u[0]);
        device->max_width = device->min_width * (1 + 5 * u[1]) + 2 * process->grid;
        device->min_length = 20e-6 * (1 + u[2]);
        device->max_length = device->min_length * (1 + 5 * u[3]) + 2 * process->grid;
        double least = es_process_value(device, &(struct es_process_size){device->min_width, device->min_length, 1});
        double most = es_process_value(device, &(struct es_process_size){device->max_width, device->max_length, 1});
        double c = i % 3 ? least * pow(20 * most / least, u[4]) : most * (1 - 2e-4 * u[4]);
        const char *why = es_sizing_plate(process, c, &size);
        double m = ceil(c / most - 1e-3); // the grid
        if (c / m < least * 1.01) // m plates would all be too large
            continue;
        ck_assert_msg(!why, "%g F of %g .. %g: %s", c, least, most, why);
        double worst = 2 * (double)size.multiplier * (device->density * fmax(size.width, size.length) + 2 * device->fringe) * process->grid; // two steps
        ck_assert_msg(fabs(es_process_value(device, &size) - c) <= worst, "%g F became %g", c, es_process_value(device, &size));
    }
    es_process_free(process);
}
END_TEST

START_TEST(what_a_process_lacks) {
    struct es_process *process = process_of(maps[_i]); // only generic has transconductors
    struct es_network *net = test_network(1);
    struct es_sizing sizing;
    process->device[2] = NULL;
    process->device[4] = NULL; // of the resistors the first is left
    test_add(net, &es_capacitor, 0, ES_GROUND, 1e-12, 0, 0);
    test_add(net, &es_conductance, 0, ES_GROUND, 1e-12, 0, 0);
    test_add(net, &es_conductance, 0, ES_GROUND, 1e9, 0, 0);
    test_add(net, &es_inductor, 0, ES_GROUND, 1e-6, 0, 0);
    test_add(net, &es_input, 0, ES_GROUND, -1e-5, 0, 0);
    test_add(net, &es_input, 0, ES_GROUND, 1, 0, 0);
    es_sizing_new(net, NULL, process, 0, net->arena, &sizing);
    const bool measured = process->transconductors > 0;
    const char *const why[] = {"no capacitor", "longer", "larger conductance", "no inductor", NULL, measured ? "no bias" : NULL};
    ck_assert_uint_eq(sizing.count, 6);
    for (size_t i = 0; i < 6; i++) {
        const char *lacking = sizing.made[i].lacking;
        ck_assert_msg(why[i] ? lacking && strstr(lacking, why[i]) : !lacking, "%zu: %s", i, lacking ? lacking : "fits");
        ck_assert_ptr_null(sizing.made[i].role);
    }
    if (measured) {
        struct es_transconductor_point point;
        ck_assert_int_eq(es_process_transconductor(process, NULL, "", 1e-5, &point, NULL), ES_OK);
        ck_assert_double_eq(sizing.made[4].bias, point.bias);
        ck_assert_double_le(fabs(es_sizing_power(&sizing, process) / (3 * 3.3 * point.bias) - 1), 1e-14);
    } else
        ck_assert(isnan(sizing.made[4].bias) && isnan(es_sizing_power(&sizing, process)));
    es_network_free(net);
    es_process_free(process);
}
END_TEST

START_TEST(what_a_process_does_not_say) {
    struct es_process *process = process_of(maps[_i % 4]);
    struct es_network *net = test_network(1);
    struct es_sizing sizing;
    for (size_t i = 2; i < 5; i++) {
        struct es_process_device *device = process->device[i];
        if (_i / 4)
            device->density = device->sheet = 0;
        else
            device->min_width = device->max_width = device->min_length = device->max_length = 0;
    }
    test_add(net, &es_capacitor, 0, ES_GROUND, 1e-12, 0, 0);
    test_add(net, &es_conductance, 0, ES_GROUND, 1e-5, 0, 0);
    es_sizing_new(net, NULL, process, 0, net->arena, &sizing);
    for (size_t i = 0; i < 2; i++) {
        ck_assert_msg(sizing.made[i].lacking && strstr(sizing.made[i].lacking, "does not say"), "%s", sizing.made[i].lacking);
        ck_assert_double_eq(sizing.made[i].made, sizing.made[i].asked);
    }
    es_network_free(net);
    es_process_free(process);
}
END_TEST

// What follows a trained value as its parasitic is not programmed, and no drive at all is code 0.
START_TEST(codes_of_some) {
    struct es_network *net = test_network(1);
    struct es_sizing sizing;
    size_t capacitor = test_add(net, &es_capacitor, 0, ES_GROUND, 1e-12, 0, 0), stray = test_add(net, &es_conductance, 0, ES_GROUND, 0, 0, 0);
    size_t other = test_add(net, &es_capacitor, 0, ES_GROUND, 3e-12, 0, 0), gain = test_add(net, &es_input, 0, ES_GROUND, 0, 0, 0);
    test_train(net, capacitor, 0, &es_log);
    test_train(net, other, 0, &es_log);
    test_train(net, gain, 0, &es_logistic);
    net->element[stray].parameter[0] = net->element[capacitor].parameter[0];
    net->element[stray].scale[0] = 1e6;
    const double theta[] = {1e-12, 3e-12, 0};
    es_sizing_new(net, theta, NULL, 2, net->arena, &sizing); // units of 0.75 pF
    ck_assert_ptr_null(es_sizing_find(&sizing, stray, 0));
    ck_assert_double_eq(sizing.theta[0], 0.75e-12);
    ck_assert_double_eq(sizing.theta[1], 3e-12);
    ck_assert_double_eq(sizing.theta[2], 0);
    ck_assert_int_eq(es_sizing_find(&sizing, gain, 0)->code, 0);
    ck_assert_double_eq(es_sizing_find(&sizing, gain, 0)->made, 0);
    es_network_free(net);
}
END_TEST

// A mesh of two nodes, whose integrators scale its columns: M d2phi/dt2 = -G D phi gm / C. And the noise of its nodes by hand.
START_TEST(spread_of_a_mesh) {
    enum { DRAWS = 4000 };
    struct es_process *process = process_of(maps[0]);
    struct es_network *net = test_network(2), *built;
    struct es_tuning *tuning;
    struct es_sizing sizing;
    test_add(net, &es_capacitor, 0, ES_GROUND, 0.1e-12, 0, 0);
    test_add(net, &es_capacitor, 1, ES_GROUND, 0.2e-12, 0, 0);
    test_add(net, &es_capacitor, 0, 1, 0.06e-12, 0, 0);
    for (int i = 0; i < 3; i++)
        test_add(net, &es_inductor, i % 2, i < 2 ? ES_GROUND : 1, 1e-2 * (1 + i), 0, 0);
    ck_assert_int_eq(es_technology_network(es_row_find(es_technologies, "mesh"), net, net->arena, &built, &tuning, NULL), ES_OK);
    es_sizing_new(built, NULL, process, 0, net->arena, &sizing);
    struct es_sizing_spread spread = es_sizing_spread(&sizing, net->arena);
    double sum[2] = {0}, square[2] = {0};
    for (uint64_t d = 0; d <= DRAWS; d++) {
        struct es_stream stream = {.seed = 7, .purpose = ES_RANDOM_CHIP, .id = d};
        double value[3], g[3], integrator[2];
        for (size_t i = 0; i < 6; i++) {
            const struct es_made *made = es_sizing_find(&sizing, i, 0);
            ck_assert(made->role && made->sigma > 0);
            *(i < 3 ? &value[i] : &g[i - 3]) = made->made * (d ? 1 + made->sigma * es_random_normal(&stream) : 1);
        }
        const struct es_made *made = es_sizing_find(&sizing, 3, 2);
        for (int n = 0; n < 2; n++)
            integrator[n] = sizing.net->element[3].value[1] / made->made / (d ? 1 + made->sigma * es_random_normal(&stream) : 1);
        double m[3] = {value[0] + value[2], value[1] + value[2], -value[2]}, det = m[0] * m[1] - m[2] * m[2];
        double k[2][2] = {{(g[0] + g[2]) * integrator[0], -g[2] * integrator[1]}, {-g[2] * integrator[0], (g[1] + g[2]) * integrator[1]}};
        double a00 = (m[1] * k[0][0] - m[2] * k[1][0]) / det, a01 = (m[1] * k[0][1] - m[2] * k[1][1]) / det, a10 = (m[0] * k[1][0] - m[2] * k[0][0]) / det, a11 = (m[0] * k[1][1] - m[2] * k[0][1]) / det;
        double middle = (a00 + a11) / 2, apart = sqrt(middle * middle - a00 * a11 + a01 * a10);
        for (int end = 0; end < 2; end++) {
            double x = sqrt(middle + (end ? apart : -apart)) / (end ? spread.fastest : spread.slowest) - 1;
            if (d == 0)
                ck_assert_double_le(fabs(x), 1e-12);
            sum[end] += x;
            square[end] += x * x;
        }
        if (d == 0)
            ck_assert_double_le(fabs(spread.noise / sqrt(1.380649e-23 * 300 * m[1] / det) - 1), 1e-12);
    }
    for (int end = 0; end < 2; end++) {
        double sigma = sqrt(square[end] / DRAWS - pow(sum[end] / DRAWS, 2)), told = end ? spread.fastest_sigma : spread.slowest_sigma;
        printf("mode %d of a mesh: sigma of %d draws %.4g, told %.4g\n", end, DRAWS, sigma, told);
        ck_assert_double_le(fabs(sigma / told - 1), 4 / sqrt(2. * DRAWS));
    }
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
    tcase_add_loop_test(cases, plates_of_all_ranges, 0, 4);
    tcase_add_loop_test(cases, what_a_process_lacks, 0, 4);
    tcase_add_loop_test(cases, what_a_process_does_not_say, 0, 8);
    tcase_add_test(cases, codes_of_some);
    tcase_add_test(cases, spread_of_a_mesh);
    suite_add_tcase(suite, cases);
    return suite;
}
