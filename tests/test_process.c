// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// Process maps: the shipped ones against the numbers that their sources publish, written here once more; lines as the flows themselves write them; sizes on
// the grid; what no map and no name can do to a netlist; and maps that are refused.
#include "runner.h"

#include "core/random.h"
#include "core/value.h"
#include "netlist/spice.h"
#include "xml/xml.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const maps[] = {"sky130", "gf180mcu", "ihp-sg13g2", "generic"};

enum { MAPS = sizeof maps / sizeof *maps };

static struct es_process *map_of(const char *name) {
    char path[512];
    struct es_process *process;
    struct es_error error = {""};
    snprintf(path, sizeof path, "models/process/%s.xml", name);
    ck_assert_msg(es_process_read(path, &process, &error) == ES_OK, "%s", error.text);
    ck_assert_str_eq(process->name, name);
    return process;
}

static const struct es_role *role_of(const char *name) {
    const struct es_role *role = es_row_find(es_roles, name);
    ck_assert_msg(role != NULL, "%s", name);
    return role;
}

// The nodes of these tests are called as the pins.
static enum es_status line_of(const struct es_process *process, const char *role, enum es_flavour flavour, const char *name, double w, double l, size_t m,
                              const char **line, struct es_error *error) {
    return es_process_line(process, role_of(role), flavour, name, role_of(role)->pin, &(struct es_process_size){w, l, m}, process->arena, line, error);
}

// ---- what is published -----------------------------------------------------------------------------------------------------------------------------

// Smallest and largest sizes in um. Mismatch of one device in mV um or % um; capacitors: fF/um2, fF/um; resistors: ohm, nm, ohm um.
static const struct published {
    const char *map, *role, *model;
    double min_w, max_w, min_l, max_l, threshold, relative, a, b, c;
} published[] = {
    {"sky130", "nfet", "sky130_fd_pr__nfet_01v8", 0.42, 100, 0.15, 100, 3.356, NAN, 0, 0, 0},
    {"sky130", "pfet", "sky130_fd_pr__pfet_01v8", 0.42, 100, 0.15, 100, 5.856, NAN, 0, 0, 0},
    {"sky130", "capacitor", "sky130_fd_pr__cap_mim_m3_1", 2, 30, 2, 30, NAN, 2.8, 2, 0.19, 0},
    {"sky130", "resistor", "sky130_fd_pr__res_high_po_0p35", 0.35, 0.35, 0.5, 1000, NAN, 3.55, 319.8, 0, 0},
    {"sky130", "high-resistor", "sky130_fd_pr__res_xhigh_po_0p35", 0.35, 0.35, 0.5, 1000, NAN, NAN, 2000, 0, 0},
    {"sky130", "memory", "sky130_fd_pr_reram__reram_cell", 0, 0, 0, 0, NAN, NAN, 0, 0, 0},
    {"gf180mcu", "nfet", "nfet_03v3", 0.22, 100, 0.28, 50, 7.148 * M_SQRT1_2, 0.7008 * M_SQRT1_2, 0, 0, 0},
    {"gf180mcu", "pfet", "pfet_03v3", 0.22, 100, 0.28, 50, 6.66 * M_SQRT1_2, 0.2833 * M_SQRT1_2, 0, 0, 0},
    {"gf180mcu", "capacitor", "cap_mim_2f0fF", 5, 100, 5, 100, NAN, NAN, 1.99, 0.2383, 0},
    {"gf180mcu", "resistor", "ppolyf_u", 0.8, 100, 1, 1000, NAN, NAN, 350, 0, 0},
    {"gf180mcu", "high-resistor", "ppolyf_u_1k", 1, 100, 1, 1000, NAN, NAN, 1000, 0, 0},
    {"ihp-sg13g2", "nfet", "sg13_lv_nmos", 0.15, 10, 0.13, 10, 3.9, NAN, 0, 0, 0},
    {"ihp-sg13g2", "pfet", "sg13_lv_pmos", 0.15, 10, 0.13, 10, 2.2, NAN, 0, 0, 0},
    {"ihp-sg13g2", "capacitor", "cap_cmim", 1.14, 75, 1.14, 75, NAN, 1, 1.5, 0.04, 0},
    {"ihp-sg13g2", "resistor", "rppd", 0.5, 1000, 0.5, 1000, NAN, 2, 260, 6, 70},
    {"ihp-sg13g2", "high-resistor", "rhigh", 0.5, 1000, 0.96, 1000, NAN, 5, 1360, -40, 160},
    {"generic", "nfet", "es_nfet", 0.5, 100, 0.35, 50, 5, 0.7, 0, 0, 0},
    {"generic", "pfet", "es_pfet", 0.5, 100, 0.35, 50, 5, 0.7, 0, 0, 0},
    {"sky130", "nfet-io", "sky130_fd_pr__nfet_g5v0d10v5", 0.42, 100, 0.5, 100, NAN, NAN, 0, 0, 0},
    {"sky130", "pfet-io", "sky130_fd_pr__pfet_g5v0d10v5", 0.42, 100, 0.5, 100, NAN, NAN, 0, 0, 0},
    {"ihp-sg13g2", "nfet-io", "sg13_hv_nmos", 0.3, 10, 0.45, 10, 9, 0.8, 0, 0, 0},
    {"ihp-sg13g2", "pfet-io", "sg13_hv_pmos", 0.3, 10, 0.4, 10, 8, 1, 0, 0, 0},
};

enum { PUBLISHED = sizeof published / sizeof *published };

static bool near(double a, double b) {
    return (isnan(a) && isnan(b)) || fabs(a - b) <= 1e-12 * fabs(b);
}

START_TEST(devices_are_the_published_ones) {
    const struct published *p = &published[_i];
    struct es_process *process = map_of(p->map);
    const struct es_process_device *d = es_process_device(process, role_of(p->role));
    ck_assert(d != NULL);
    ck_assert_str_eq(d->model, p->model);
    ck_assert(near(d->min_width, p->min_w * 1e-6) && near(d->max_width, p->max_w * 1e-6));
    ck_assert(near(d->min_length, p->min_l * 1e-6) && near(d->max_length, p->max_l * 1e-6));
    ck_assert(near(d->threshold_mismatch, p->threshold * 1e-9) && near(d->relative_mismatch, p->relative * 1e-8));
    bool capacitor = d->role == &es_role_capacitor;
    ck_assert(near(d->density, capacitor ? p->a * 1e-3 : 0) && near(d->fringe, capacitor ? p->b * 1e-9 : 0));
    ck_assert(near(d->sheet, capacitor ? 0 : p->a) && near(d->narrowing, capacitor ? 0 : p->b * 1e-9) && near(d->ends, capacitor ? 0 : p->c * 1e-6));
    es_process_free(process);
}
END_TEST

START_TEST(processes_are_the_published_ones) {
    static const double node[] = {130, 180, 130, 180}, supply[] = {1.8, 3.3, 1.2, 3.3};
    static const size_t corners[] = {7, 5, 6, 2};
    struct es_process *process = map_of(maps[_i]);
    ck_assert(near(process->node, node[_i] * 1e-9) && process->supply == supply[_i] && process->grid == 5e-9 && process->corners == corners[_i]);
    for (size_t k = 0; es_roles[k]; k++) { // what every technology needs is there, with a mobility of the right order
        const struct es_process_device *d = process->device[k];
        ck_assert(d || k >= 4);
        if (k < 2)
            ck_assert(d->mu_cox > 3e-5 && d->mu_cox < 1e-3 && d->slope >= 1.2 && d->slope < 1.6 && d->early > 1e6 && d->early < 1e8);
    }
    es_process_free(process);
}
END_TEST

// ---- values ----------------------------------------------------------------------------------------------------------------------------------------

START_TEST(values_and_spreads_are_those_of_the_design_kits) {
    const struct {
        const char *map, *role;
        double w, l;
        size_t m;
        double value, sigma, relative; // NAN: not checked
    } cases[] = {
        {"sky130", "capacitor", 22, 22, 1, 0.98472e-12, NAN, 2.8e-2 / 22}, // 0.98 pF in a chip that was made
        {"sky130", "capacitor", 22, 22, 4, 4 * 0.98472e-12, NAN, 1.4e-2 / 22},
        {"ihp-sg13g2", "capacitor", 7, 7, 1, 74.62e-15, NAN, 0.01 / 7}, // the design kit's own example
        {"ihp-sg13g2", "resistor", 0.5, 0.5, 1, 140 + 130 / 0.506, NAN, 0.04},
        {"ihp-sg13g2", "high-resistor", 1, 10, 2, (160 + 13600 / 0.96) / 2, NAN, 0.05 / M_SQRT2 / sqrt(10)},
        {"sky130", "nfet", 1, 1, 1, NAN, 3.356e-3, NAN},
        {"sky130", "nfet", 4, 1, 4, NAN, 3.356e-3 / 4, NAN},
        {"gf180mcu", "nfet", 4, 0.5, 1, NAN, 7.148e-3 * M_SQRT1_2 / sqrt(4.1 * 0.35), 7.008e-3 * M_SQRT1_2 / sqrt(4.1 * 0.35)},
        {"ihp-sg13g2", "pfet", 2, 0.5, 1, NAN, 2.2e-3, NAN},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct es_process *process = map_of(cases[i].map);
        const struct es_process_device *d = es_process_device(process, role_of(cases[i].role));
        struct es_process_size size = {cases[i].w * 1e-6, cases[i].l * 1e-6, cases[i].m};
        ck_assert_msg(near(es_process_value(d, &size), cases[i].value), "%zu: %.17g", i, es_process_value(d, &size));
        ck_assert_msg(near(es_process_threshold_sigma(d, &size), cases[i].sigma), "%zu: %.17g", i, es_process_threshold_sigma(d, &size));
        if (!isnan(cases[i].relative))
            ck_assert_msg(near(es_process_relative_sigma(d, &size), cases[i].relative), "%zu: %.17g", i, es_process_relative_sigma(d, &size));
        es_process_free(process);
    }
}
END_TEST

// ---- lines -----------------------------------------------------------------------------------------------------------------------------------------

// As xschem writes them from the design kits' symbols, with numbers in place of expressions and suffixes.
START_TEST(lines_are_those_of_the_flows) {
    static const struct {
        const char *map, *role;
        enum es_flavour flavour;
        double w, l;
        size_t m;
        const char *line;
    } cases[] = {
        // ad, pd: what magic extracts from the smallest transistor of 1 um
        {"sky130", "nfet", ES_FLAVOUR_SIM, 1, 0.15, 1,
         "X1x d g s b sky130_fd_pr__nfet_01v8 L=0.15 W=1 nf=1 ad=0.29 as=0.29 pd=2.58 ps=2.58 nrd=0.29 nrs=0.29 sa=0 sb=0 sd=0 mult=1 m=1"},
        {"sky130", "nfet", ES_FLAVOUR_LVS, 1, 0.15, 2, "X1x d g s b sky130_fd_pr__nfet_01v8 L=0.15 W=1 nf=1 m=2"},
        {"sky130", "pfet", ES_FLAVOUR_LVS, 0.42, 8, 1, "X1x d g s b sky130_fd_pr__pfet_01v8 L=8 W=0.42 nf=1 m=1"},
        {"sky130", "capacitor", ES_FLAVOUR_SIM, 22, 22.005, 1, "X1x p n sky130_fd_pr__cap_mim_m3_1 W=22 L=22.005 MF=1 m=1"},
        {"sky130", "resistor", ES_FLAVOUR_SIM, 0, 4.5, 3, "X1x p n b sky130_fd_pr__res_high_po_0p35 L=4.5 mult=3 m=3"},
        {"sky130", "high-resistor", ES_FLAVOUR_LVS, 0.35, 4.5, 1, "X1x p n b sky130_fd_pr__res_xhigh_po_0p35 L=4.5 m=1"},
        {"sky130", "memory", ES_FLAVOUR_SIM, 0, 0, 1, "X1x te be sky130_fd_pr_reram__reram_cell"},
        {"sky130", "memory", ES_FLAVOUR_LVS, 0, 0, 0, "X1x be te sky130_fd_pr_reram__reram_cell"},
        {"gf180mcu", "nfet", ES_FLAVOUR_SIM, 1, 0.28, 1,
         "X1x d g s b nfet_03v3 L=2.8e-07 W=1e-06 nf=1 ad=1.8e-13 as=1.8e-13 pd=2.36e-06 ps=2.36e-06 nrd=0.18 nrs=0.18 sa=0 sb=0 sd=0 m=1"},
        {"gf180mcu", "nfet", ES_FLAVOUR_LVS, 0.22, 0.28, 1, "M1x d g s b nfet_03v3 L=2.8e-07 W=2.2e-07 nf=1 m=1"},
        {"gf180mcu", "capacitor", ES_FLAVOUR_LVS, 34.32, 20, 1, "X1x p n cap_mim_2f0fF c_width=3.432e-05 c_length=2e-05 m=1"},
        {"gf180mcu", "high-resistor", ES_FLAVOUR_SIM, 1, 13.37, 10, "X1x p n b ppolyf_u_1k r_width=1e-06 r_length=1.337e-05 m=10"},
        {"ihp-sg13g2", "nfet", ES_FLAVOUR_SIM, 1, 0.45, 1, "X1x d g s b sg13_lv_nmos w=1e-06 l=4.5e-07 ng=1 m=1"},
        {"ihp-sg13g2", "pfet", ES_FLAVOUR_LVS, 0.15, 0.13, 3, "M1x d g s b sg13_lv_pmos w=1.5e-07 l=1.3e-07 ng=1 m=3"},
        {"ihp-sg13g2", "capacitor", ES_FLAVOUR_SIM, 6.99, 6.99, 1, "X1x p n cap_cmim w=6.99e-06 l=6.99e-06 m=1"},
        {"ihp-sg13g2", "capacitor", ES_FLAVOUR_LVS, 6.99, 6.99, 2, "C1x p n cap_cmim w=6.99e-06 l=6.99e-06 m=2"},
        {"ihp-sg13g2", "resistor", ES_FLAVOUR_LVS, 0.7, 1.2, 1, "X1x p n b rppd w=7e-07 l=1.2e-06 b=0 m=1"},
        {"ihp-sg13g2", "high-resistor", ES_FLAVOUR_SIM, 0.5, 0.96, 1, "X1x p n b rhigh w=5e-07 l=9.6e-07 b=0 m=1"},
        {"sky130", "pfet-io", ES_FLAVOUR_LVS, 1, 0.5, 1, "X1x d g s b sky130_fd_pr__pfet_g5v0d10v5 L=0.5 W=1 nf=1 m=1"},
        {"ihp-sg13g2", "nfet-io", ES_FLAVOUR_LVS, 0.6, 0.45, 1, "M1x d g s b sg13_hv_nmos w=6e-07 l=4.5e-07 ng=1 m=1"}, // of the design kit's own test
        {"generic", "nfet", ES_FLAVOUR_SIM, 2, 2, 1, "M1x d g s b es_nfet w=2e-06 l=2e-06 ad=1e-12 as=1e-12 pd=5e-06 ps=5e-06 m=1"},
        {"generic", "pfet", ES_FLAVOUR_LVS, 2, 0.35, 1, "M1x d g s b es_pfet w=2e-06 l=3.5e-07 m=1"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct es_process *process = map_of(cases[i].map);
        struct es_error error = {""};
        const char *line = NULL;
        char expected[512];
        snprintf(expected, sizeof expected, "%cM1%s", cases[i].line[0], strchr(cases[i].line, ' '));
        ck_assert_msg(line_of(process, cases[i].role, cases[i].flavour, "M1", cases[i].w * 1e-6, cases[i].l * 1e-6, cases[i].m, &line, &error) == ES_OK, "%s",
                      error.text);
        ck_assert_str_eq(line, expected);
        es_process_free(process);
    }
}
END_TEST

// Without a model the value stands on the line, of all in parallel, to the last digit.
START_TEST(plain_parts_have_their_value) {
    struct es_process *process = map_of("generic");
    struct es_error error = {""};
    const char *line;
    ck_assert(line_of(process, "capacitor", ES_FLAVOUR_SIM, "a", 20e-6, 10e-6, 3, &line, &error) == ES_OK);
    ck_assert(strncmp(line, "Ca p n ", 7) == 0 && near(strtod(line + 7, NULL), 3 * (2e-3 * 200e-12 + 0.2e-9 * 60e-6)));
    ck_assert(line_of(process, "resistor", ES_FLAVOUR_LVS, "a", 2e-6, 10e-6, 4, &line, &error) == ES_OK);
    ck_assert(strncmp(line, "Ra p n ", 7) == 0 && near(strtod(line + 7, NULL), 375));
    es_process_free(process);
}
END_TEST

static double number_on(const char *line, const char *parameter) {
    const char *at = strstr(line, parameter);
    ck_assert_msg(at != NULL, "%s: %s", line, parameter);
    return strtod(at + strlen(parameter), NULL);
}

// Any size is spelled as whole steps of the grid, no further than half a step from what was asked, and with no more digits than it needs.
START_TEST(sizes_are_on_the_grid) {
    struct es_process *process = map_of(maps[_i]);
    double unit = _i == 0 ? 1e-6 : 1;
    struct es_stream stream = {.seed = 1, .purpose = ES_RANDOM_TEST, .id = (uint64_t)_i};
    const struct es_process_device *d = es_process_device(process, &es_role_nfet);
    for (size_t k = 0; k < 2000; k++) {
        double w = d->min_width * pow(d->max_width / d->min_width, es_random_uniform(&stream));
        double l = d->min_length * pow(d->max_length / d->min_length, es_random_uniform(&stream));
        struct es_error error = {""};
        struct es_process_size size;
        const char *line;
        ck_assert_msg(line_of(process, "nfet", ES_FLAVOUR_LVS, "a", w, l, 1, &line, &error) == ES_OK, "%s", error.text);
        ck_assert(es_process_fit(process, &es_role_nfet, "a", &(struct es_process_size){w, l, 1}, &size, &error) == ES_OK);
        double said[] = {number_on(line, _i < 2 ? " W=" : " w=") * unit, number_on(line, _i < 2 ? " L=" : " l=") * unit}, asked[] = {w, l};
        double given[] = {size.width, size.length};
        for (size_t n = 0; n < 2; n++) {
            double steps = said[n] / 5e-9;
            ck_assert_msg(fabs(steps - round(steps)) < 1e-9 * steps, "%s", line);
            ck_assert_msg(fabs(said[n] - asked[n]) <= 2.5e-9 * (1 + 1e-9), "%s", line);
            ck_assert(fabs(said[n] - given[n]) <= 1e-15 * given[n] * 4);
        }
        ck_assert_msg(strlen(line) < 64, "%s", line);
    }
    es_process_free(process);
}
END_TEST

START_TEST(sizes_out_of_range_are_refused) {
    static const struct {
        const char *map, *role;
        double w, l; // [um]
        size_t m;
        const char *says[3];
    } cases[] = {
        {"sky130", "nfet", 0.3, 1, 1, {"sky130, nfet \"m1\": width = 0.3 um", "0.42 um .. 100 um", "bias"}},
        {"sky130", "nfet", 0.417, 1, 1, {"width = 0.417 um", "0.42 um", ""}},
        {"sky130", "nfet", 101, 1, 1, {"width = 101 um", "0.42 um .. 100 um", "multiplier"}},
        {"sky130", "nfet", 1, 0.1, 1, {"length = 0.1 um", "0.15 um .. 100 um", ""}},
        {"sky130", "nfet", 0, 1, 1, {"width = 0 um", "0.42 um", ""}},
        {"sky130", "nfet", -1, 1, 1, {"width = -1 um", "0.42 um", ""}},
        {"sky130", "nfet", NAN, 1, 1, {"width = ", "0.42 um", ""}},
        {"sky130", "nfet", 1, INFINITY, 1, {"length = inf", "100 um", ""}},
        {"sky130", "nfet", 1, 1, 10001, {"multiplier = 10001", "at most 10000", "larger"}},
        {"sky130", "resistor", 0.7, 1, 1, {"width = 0.7 um", "0.35 um .. 0.35 um", "only one"}},
        {"sky130", "memory", 1, 0, 1, {"width = 1 um", "only one", ""}},
        {"sky130", "memory", 0, 0, 2, {"multiplier = 2", "at most 1", "of its own"}},
        {"gf180mcu", "capacitor", 4, 5, 1, {"width = 4 um", "5 um .. 100 um", ""}},
        {"ihp-sg13g2", "pfet", 11, 1, 1, {"width = 11 um", "0.15 um .. 10 um", "multiplier"}},
        {"ihp-sg13g2", "memory", 0, 0, 1, {"ihp-sg13g2 has no device in the role memory", "m1", "ihp-sg13g2.xml"}},
        {"generic", "capacitor", 1, 1, 1, {"width = 1 um", "2 um .. 100 um", ""}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct es_process *process = map_of(cases[i].map);
        struct es_error error = {""};
        const char *line = NULL;
        ck_assert_msg(line_of(process, cases[i].role, ES_FLAVOUR_SIM, "m1", cases[i].w * 1e-6, cases[i].l * 1e-6, cases[i].m, &line, &error) == ES_BAD_INPUT,
                      "%zu: %s", i, line ? line : "");
        for (size_t k = 0; k < 3; k++)
            ck_assert_msg(strstr(error.text, cases[i].says[k]) != NULL, "%zu: %s", i, error.text);
        es_process_free(process);
    }
}
END_TEST

// No name turns into a command, a second line, another node or a parameter.
START_TEST(names_cannot_leave_their_place) {
    static const char *const bad[] = {"",      "1a",     "a b",   "a\n.control", "a\n+ m=5", "a;quit", "a$b", "*a",    "a'b'",   "a{b}",
                                      "a=1",   "a.b",    "a\tb",  "a\"b",        "`ls`",     "a,b",    "a\\", "a(b)", "\xc3\xa4", "a/b"};
    struct es_process *process = map_of("sky130");
    const char *line = NULL;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct es_error error = {""};
        ck_assert_msg(line_of(process, "nfet", ES_FLAVOUR_SIM, bad[i], 1e-6, 1e-6, 1, &line, &error) == ES_BAD_INPUT, "%s", bad[i]);
        ck_assert_msg(strstr(error.text, "cannot stand in a netlist"), "%s", error.text);
        for (size_t pin = 0; pin < 4; pin++) {
            const char *node[] = {"d", "g", "s", "0"};
            node[pin] = bad[i];
            ck_assert(es_process_line(process, &es_role_nfet, ES_FLAVOUR_SIM, "m1", node, &(struct es_process_size){1e-6, 1e-6, 1}, process->arena, &line, &error) ==
                      ES_BAD_INPUT);
            ck_assert_msg(strstr(error.text, "cannot stand in a netlist"), "%s", error.text);
        }
    }
    ck_assert(line == NULL);
    es_process_free(process);
}
END_TEST

// Whatever a map holds, its lines are of letters, digits, _ = . - + and single spaces.
START_TEST(every_line_is_plain) {
    struct es_process *process = map_of(maps[_i]);
    for (size_t k = 0; es_roles[k]; k++)
        for (enum es_flavour flavour = ES_FLAVOUR_SIM; flavour < ES_FLAVOURS && process->device[k]; flavour++) {
            const struct es_process_device *d = process->device[k];
            struct es_error error = {""};
            const char *line;
            ck_assert_msg(line_of(process, es_roles[k]->name, flavour, "a", d->min_width, d->min_length, 1, &line, &error) == ES_OK, "%s", error.text);
            for (const char *c = line; *c; c++)
                ck_assert_msg(isalnum((unsigned char)*c) || strchr("_=.-+", *c) || (*c == ' ' && c[1] != ' '), "%s", line);
        }
    es_process_free(process);
}
END_TEST

START_TEST(corners_are_libraries) {
    struct es_process *process = map_of("gf180mcu");
    struct es_error error = {""};
    const char *lines;
    ck_assert(es_process_libraries(process, NULL, "/opt/gf180mcuD", process->arena, &lines, &error) == ES_OK);
    ck_assert_str_eq(lines, ".include \"/opt/gf180mcuD/libs.tech/ngspice/design.ngspice\"\n"
                            ".lib \"/opt/gf180mcuD/libs.tech/ngspice/sm141064.ngspice\" typical\n"
                            ".lib \"/opt/gf180mcuD/libs.tech/ngspice/sm141064.ngspice\" res_typical\n"
                            ".lib \"/opt/gf180mcuD/libs.tech/ngspice/sm141064.ngspice\" mimcap_typical\n");
    ck_assert(es_process_libraries(process, "ss", "kits/my kit", process->arena, &lines, &error) == ES_OK);
    ck_assert(strstr(lines, ".lib \"kits/my kit/libs.tech/ngspice/sm141064.ngspice\" ss\n") != NULL);
    ck_assert(es_process_libraries(process, "tt", "/opt", process->arena, &lines, &error) == ES_BAD_INPUT);
    ck_assert_msg(strstr(error.text, "typical, ss, ff, sf, fs"), "%s", error.text);
    static const char *const bad[] = {"", "a\n.control", "a\" tt\n", "a`ls`", "$HOME", "a;b", "a{b}", "a\\b", "a'b"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        ck_assert_msg(es_process_libraries(process, "ss", bad[i], process->arena, &lines, &error) == ES_BAD_INPUT, "%s", bad[i]);
        ck_assert_msg(strstr(error.text, "cannot stand in a netlist"), "%s", error.text);
    }
    es_process_free(process);
}
END_TEST

// ---- transistors of 3.3 V --------------------------------------------------------------------------------------------------------------------------

START_TEST(transistors_stand_the_supply) {
    static const char *const n[] = {"nfet-io", "nfet", "nfet-io", "nfet"};
    struct es_process *process = map_of(maps[_i]);
    const struct es_role *role[2];
    ck_assert(es_process_transistors(process, 3, &role[0], &role[1]));
    ck_assert_str_eq(role[0]->row.name, n[_i]);
    ck_assert(role[1]->row.name[0] == 'p' && strcmp(role[0]->row.name + 1, role[1]->row.name + 1) == 0);
    ck_assert(es_process_transistors(process, process->supply, &role[0], &role[1]) && role[0] == &es_role_nfet && role[1] == &es_role_pfet);
    if (strcmp(n[_i], "nfet") == 0)
        ck_assert(!es_process_transistors(process, 5, &role[0], &role[1]));
    es_process_free(process);
}
END_TEST

// Over four decades of bias the hand formula needs the bias that was simulated of the same pair, es_ota's of 1 um / 2 um in BSIM3, within 25 %, and what the bias
// does to gm within 40 %.
START_TEST(biases_by_hand_are_near_those_simulated) {
    struct es_process *process = map_of("generic");
    const struct es_process_transconductor *table = &process->transconductor[1];
    const struct es_process_device *pair = es_process_device(process, &es_role_nfet);
    struct es_transconductor_point hand, simulated;
    struct es_error error = {""};
    size_t rows = 0;
    ck_assert_str_eq(table->corner, "bsim3");
    for (size_t i = 0; i < table->points && table->point[i].bias < 1.01e-5; i++, rows++) {
        double gm = table->point[i].gm;
        ck_assert_msg(es_process_transconductor_by_hand(process, pair, 0.5, "a", gm, &hand, &error) == ES_OK, "%s", error.text);
        ck_assert(es_process_transconductor(process, "bsim3", "a", gm, &simulated, &error) == ES_OK);
        ck_assert_msg(fabs(hand.bias / simulated.bias - 1) < 0.25, "%g S: %g A, simulated %g A", gm, hand.bias, simulated.bias);
        ck_assert_msg(fabs(hand.slope / simulated.slope - 1) < 0.4, "%g S: %g S/A, simulated %g S/A", gm, hand.slope, simulated.slope);
        ck_assert(hand.gm == gm && hand.cin == 0 && hand.cout == 0 && hand.go == 0 && hand.delay == 0);
    }
    ck_assert(rows == 33);
    es_process_free(process);
}
END_TEST

// A simple pair of SKY130 that was made, which has twice the gm of a differential one: 0.153 uS at 10 nA, weakly inverted.
START_TEST(bias_by_hand_is_that_of_a_chip) {
    struct es_process *process = map_of("sky130");
    struct es_transconductor_point hand, more;
    struct es_error error = {""};
    const struct es_process_device *pair = es_process_device(process, &es_role_nfet);
    ck_assert(es_process_transconductor_by_hand(process, pair, 10, "a", 0.153e-6 / 2, &hand, &error) == ES_OK);
    ck_assert_msg(fabs(hand.bias / 10e-9 - 1) < 0.05, "%g A", hand.bias);
    ck_assert(es_process_transconductor_by_hand(process, pair, 10, "a", 0.153e-6 / 2 * 1.001, &more, &error) == ES_OK);
    ck_assert(fabs((more.gm - hand.gm) / (more.bias - hand.bias) / hand.slope - 1) < 1e-3);
    es_process_free(process);
}
END_TEST

START_TEST(biases_by_hand_end) {
    struct es_process *process = map_of("sky130");
    struct es_transconductor_point hand;
    struct es_error error = {""};
    struct es_process_device silent = *es_process_device(process, &es_role_nfet_io);
    ck_assert(es_process_transconductor_by_hand(process, &silent, 0.5, "a", 1e-3, &hand, &error) == ES_BAD_INPUT);
    ck_assert_msg(strstr(error.text, "transconductor \"a\": gm = 0.001 S") && strstr(error.text, "by hand formulas"), "%s", error.text);
    ck_assert(es_process_transconductor_by_hand(process, &silent, 0.5, "a", 1e-9, &hand, &error) == ES_BAD_INPUT);
    ck_assert(es_process_transconductor_by_hand(process, &silent, 0.5, "a", NAN, &hand, &error) == ES_BAD_INPUT);
    silent.mu_cox = NAN;
    ck_assert(es_process_transconductor_by_hand(process, &silent, 0.5, "a", 1e-6, &hand, &error) == ES_BAD_INPUT);
    ck_assert_msg(strstr(error.text, "nfet-io has no <channel>"), "%s", error.text);
    es_process_free(process);
}
END_TEST

// ---- squarers --------------------------------------------------------------------------------------------------------------------------------------

// The hand formula of the p pair and the n quad of es_squarer, 1 um / 2 um both, against what was simulated in BSIM3; in weak inversion against the tanh of both pairs,
// i = bias tanh(v / (2 n UT))^2 / 2.
START_TEST(squarer_by_hand_is_near_that_simulated) {
    struct es_process *process = map_of("generic");
    const struct es_process_device *n = es_process_device(process, &es_role_nfet), *p = es_process_device(process, &es_role_pfet);
    const struct es_process_squarer *measured = es_process_squarer(process, "bsim3");
    struct es_process_squarer hand;
    struct es_error error = {""};
    ck_assert(process->squarers == 2 && measured && es_process_squarer(process, NULL) == measured && es_process_squarer(process, "level1") != measured && !es_process_squarer(process, "slow"));
    ck_assert_msg(es_process_squarer_by_hand(process, n, 0.5, p, 0.5, "a", measured->bias, &hand, &error) == ES_OK, "%s", error.text);
    ck_assert_msg(fabs(hand.k / measured->k - 1) < 0.25, "%g A/V2, simulated %g A/V2", hand.k, measured->k);
    ck_assert(hand.bias == measured->bias && hand.cin == 0 && hand.go == 0 && hand.cout == 0);
    double bias = 1e-12, v = 1e-4;
    ck_assert(es_process_squarer_by_hand(process, n, 0.5, p, 0.5, "a", bias, &hand, &error) == ES_OK);
    ck_assert_double_eq_tol(hand.k * v * v, bias / 2 * pow(tanh(v / (2 * 1.25 * ES_THERMAL_VOLTAGE)), 2), 1e-4 * hand.k * v * v);
    struct es_process_device silent = *p;
    silent.slope = NAN;
    ck_assert(es_process_squarer_by_hand(process, n, 0.5, &silent, 0.5, "a", bias, &hand, &error) == ES_BAD_INPUT);
    ck_assert_msg(strstr(error.text, "squarer \"a\": pfet has no <channel>"), "%s", error.text);
    es_process_free(process);
}
END_TEST

// ---- maps that are refused ---------------------------------------------------------------------------------------------------------------------------

// A good one, line by line; each case changes one line.
static const char *const good[] = {
    "<process name='a' node='130 nm' supply='1.8 V' grid='5 nm' source='s'>",
    "<note text='t'/>",
    "<setting name='ngbehavior' value='hsa' source='s'/>",
    "<corner name='tt'>",
    "<library file='${PDK}/a.lib' section='tt'/>",
    "</corner><squarer corner='tt' bias='1 uA' k='10 uA/V2' cin='9 fF' go='100 pS' cout='5 fF' source='s'/>",
    "<device role='nfet' model='n' source='s'>",
    "<sim letter='X' pins='d g s b' unit='1 um'>",
    "<parameter name='L' is='length'/>",
    "<parameter name='W' is='width'/><parameter name='ad' is='area'/><parameter name='nf' value='1'/>",
    "<parameter name='m' is='multiplier'/>",
    "</sim>",
    "<lvs letter='M' pins='d g s b'><parameter name='l' is='length'/><parameter name='w' is='width'/><parameter name='m' is='multiplier'/></lvs>",
    "<size min-width='0.5 um' max-width='1 um' min-length='0.5 um' max-length='1 um' diffusion='0.3 um' source='s'/>",
    "<mismatch of='pair' threshold='5 nVm' width-offset='-0.1 um' source='s'/>",
    "<channel mu-cox='200 uA/V2' slope='1.3' threshold='0.5 V' early='5 MV/m' source='s'/>",
    "</device>",
    "<device role='capacitor' source='s'><sim letter='C' pins='p n'/><lvs letter='C' pins='p n'/>",
    "<size min-width='2 um' max-width='9 um' min-length='2 um' max-length='9 um' source='s'/>",
    "<capacitance density='2 mF/m2' fringe='0.2 nF/m' source='s'/>",
    "</device>",
    "</process>",
};

enum { LINES = sizeof good / sizeof *good };

static const struct {
    int line, said; // from 1; said of line 0: the same
    const char *text, *says;
} bad[] = {
    {1, 0, "<process node='130 nm' supply='1.8 V' grid='5 nm' source='s'>", "name"},
    {1, 0, "<process name='a b' node='130 nm' supply='1.8 V' grid='5 nm' source='s'>", "letters"},
    {1, 0, "<process name='a' node='130 nm' supply='0' grid='5 nm' source='s'>", "value > 0"},
    {1, 0, "<process name='a' node='130 nm' supply='1.8 A' grid='5 nm' source='s'>", "in V (volt)"},
    {1, 0, "<process name='a' node='130 nm' supply='1.8 V' grid='-5 nm' source='s'>", "value > 0"},
    {1, 0, "<process name='a' node='130 nm' supply='1.8 V' grid='5 ns' source='s'>", "in m (metre) such as 0.5 um"},
    {1, 0, "<process name='a' node='130 nm' supply='1.8 V' grid='5 nm' source=' '>", "come from"},
    {1, 0, "<process name='a' node='130 nm' supply='1.8 V' grid='5 nm'>", "source"},
    {1, 0, "<process name='a' node='130 nm' supply='1.8 V' grid='5 nm' source='s' colour='red'>", "cannot stand here"},
    {2, 0, "<note text=''/>", "a sentence"},
    {2, 0, "<note>free words</note>", "text"},
    {2, 0, "<control run='1'/>", "cannot stand in <process>"},
    {3, 0, "<setting name='sourcepath' value='x' source='s'/>", "ngbehavior"},
    {3, 0, "<setting name='num_threads' value='1;shell ls' source='s'/>", "letters, digits and _"},
    {3, 0, "<setting name='num_threads' value='-1' source='s'/>", "whole number"},
    {3, 0, "<setting name='num_threads' value='1'/>", "source"},
    {4, 0, "<corner name='t t'>", "expected a name"},
    {4, 0, "<corner name='tt' file='a'>", "cannot stand here"},
    {4, 0, "<corner name='tt'><library file='${PDK}/a.lib'/></corner><corner name='tt'>", "already stands above"},
    {5, 4, "", "<library> is missing"},
    {5, 0, "<library file='a.lib'/>", "expected ${PDK}/"},
    {5, 0, "<library file='/etc/passwd'/>", "expected ${PDK}/"},
    {5, 0, "<library file='${PDK}/../a.lib'/>", "without \"..\""},
    {5, 0, "<library file='${PDK}//etc/passwd'/>", "expected ${PDK}/"},
    {5, 0, "<library file='${PDK}/a.lib\"&#10;.control'/>", "expected ${PDK}/"},
    {5, 0, "<library file='${PDK}/a b'/>", "expected ${PDK}/"},
    {5, 0, "<library file='${HOME}/a.lib'/>", "expected ${PDK}/"},
    {5, 0, "<library file='${PDK}/'/>", "expected ${PDK}/"},
    {5, 0, "<library file='${PDK}/a.lib' section='tt&#10;.control'/>", "expected a name"},
    {6, 0, "</corner><squarer corner='t t' bias='1 uA' k='10 uA/V2' cin='9 fF' go='100 pS' cout='5 fF' source='s'/>", "expected a name"},
    {6, 0, "</corner><squarer corner='tt' bias='0' k='10 uA/V2' cin='9 fF' go='100 pS' cout='5 fF' source='s'/>", "value > 0"},
    {6, 0, "</corner><squarer corner='tt' bias='1 uA' k='10 uA/V' cin='9 fF' go='100 pS' cout='5 fF' source='s'/>", "in A/V2"},
    {6, 0, "</corner><squarer corner='tt' bias='1 uA' k='10 uA/V2' cin='9 fS' go='100 pS' cout='5 fF' source='s'/>", "in F"},
    {6, 0, "</corner><squarer corner='tt' bias='1 uA' k='10 uA/V2' cin='9 fF' go='-1 pS' cout='5 fF' source='s'/>", "value > 0"},
    {6, 0, "</corner><squarer corner='tt' bias='1 uA' k='10 uA/V2' cin='9 fF' go='100 pS' source='s'/>", "cout"},
    {6, 0, "</corner><squarer corner='tt' bias='1 uA' k='10 uA/V2' cin='9 fF' go='100 pS' cout='5 fF'/>", "source"},
    {6, 0, "</corner><squarer corner='tt' bias='1 uA' k='10 uA/V2' cin='9 fF' go='100 pS' cout='5 fF' source='s'/><squarer corner='tt' bias='1 uA' k='10 uA/V2' cin='9 fF' go='100 pS' cout='5 fF' source='s'/>",
     "already stands above"},
    {6, 0, "</corner><squarer corner='ss' bias='1 uA' k='10 uA/V2' cin='9 fF' go='100 pS' cout='5 fF' source='s'/>", "no corner of this name"},
    {7, 0, "<device role='gate' model='n' source='s'>", "nfet"},
    {7, 0, "<device model='n' source='s'>", "role"},
    {7, 0, "<device role='nfet' model='n.1' source='s'>", "expected a name"},
    {7, 0, "<device role='nfet' model='1n' source='s'>", "expected a name"},
    {7, 0, "<device role='nfet' model='n&#10;.control' source='s'>", "expected a name"},
    {7, 0, "<device role='nfet' model='n'>", "source"},
    {7, 8, "<device role='nfet' source='s'>", "no model"},
    {8, 0, "<sim letter='B' pins='d g s b' unit='1 um'>", "\"X\", \"M\", \"C\", \"R\""},
    {8, 0, "<sim letter='.' pins='d g s b' unit='1 um'>", "\"X\", \"M\", \"C\", \"R\""},
    {8, 0, "<sim letter='X' pins='d g s x' unit='1 um'>", "out of \"d g s b\""},
    {8, 0, "<sim letter='X' pins='d g s d' unit='1 um'>", "each once"},
    {8, 0, "<sim letter='X' pins='d' unit='1 um'>", "at least two"},
    {8, 0, "<sim letter='X' unit='1 um'>", "pins"},
    {8, 0, "<sim letter='X' pins='d g s b' unit='0'>", "value > 0"},
    {8, 0, "<sim letter='X' pins='d g s b' unit='1 V'>", "in m (metre)"},
    {9, 0, "<parameter name='L' is='height'/>", "\"width\", \"length\""},
    {9, 0, "<parameter name='L m' is='length'/>", "expected a name"},
    {9, 0, "<parameter is='length'/>", "name"},
    {9, 0, "<parameter name='w' is='length'/>", "already stands on the line"}, // beside W, as SPICE reads it; said of line 10
    {9, 0, "<parameter name='L' value='1 um'/>", "plain number"},
    {9, 0, "<parameter name='L' value='{1+1}'/>", "number"},
    {9, 8, "<parameter name='L' value='1'/>", "no parameter is the length"},
    {11, 8, "", "no parameter is the multiplier"},
    {11, 0, "<resistor name='m'/>", "cannot stand in <sim>"},
    {13, 7, "", "<lvs> is missing"},
    {14, 0, "<size min-width='0.5 um' max-width='0.4 um' min-length='0.5 um' max-length='1 um' diffusion='0.3 um' source='s'/>", "at least min-width"},
    {14, 0, "<size min-width='0.5 um' max-width='1 um' min-length='2 um' max-length='1 um' diffusion='0.3 um' source='s'/>", "at least min-length"},
    {14, 0, "<size min-width='0' max-width='1 um' min-length='0.5 um' max-length='1 um' diffusion='0.3 um' source='s'/>", ">= 1e-09"},
    {14, 0, "<size min-width='0.5 um' max-width='1 um' min-length='0.5 um' diffusion='0.3 um' source='s'/>", "max-length"},
    {14, 0, "<size min-width='0.5 um' max-width='1 um' min-length='0.5 um' max-length='1 um' diffusion='0.3 um'/>", "source"},
    {14, 8, "<size min-width='0.5 um' max-width='1 um' min-length='0.5 um' max-length='1 um' source='s'/>", "ad needs the diffusion"},
    {14, 15, "", "no area left"},
    {15, 0, "<mismatch threshold='5 nVm' source='s'/>", "of"},
    {15, 0, "<mismatch of='pairs' threshold='5 nVm' source='s'/>", "\"device\", \"pair\""},
    {15, 0, "<mismatch of='pair' threshold='-5 nVm' source='s'/>", ">= 0"},
    {15, 0, "<mismatch of='pair' threshold='5 mV' source='s'/>", "in Vm (volt metre)"},
    {15, 0, "<mismatch of='pair' threshold='5 nVm' width-offset='-0.5 um' source='s'/>", "no area left"},
    {16, 0, "<channel mu-cox='0' slope='1.3' source='s'/>", "value > 0"},
    {16, 0, "<channel mu-cox='200 uA/V2' slope='0.9' source='s'/>", ">= 1"},
    {16, 0, "<channel mu-cox='200 uA/V2' source='s'/>", "slope"},
    {18, 0, "<device role='nfet' model='n' source='s'><sim letter='C' pins='p n'/><lvs letter='C' pins='p n'/>", "already stands above"},
    {18, 0, "<device role='capacitor' source='s'><sim letter='M' pins='p n'/><lvs letter='C' pins='p n'/>", "expected C or R"},
    {18, 0, "<device role='capacitor' source='s'><sim letter='C' pins='p n'><parameter name='m' is='multiplier'/></sim><lvs letter='C' pins='p n'/>",
     "has no model"},
    {19, 18, "", "<size> is missing"},
    {20, 18, "", "<capacitance> or <resistance>"},
    {20, 0, "<capacitance density='0' source='s'/>", "value > 0"},
    {20, 0, "<capacitance density='2 fF' source='s'/>", "in F/m2 (farad per square metre)"},
    {20, 0, "<capacitance density='2 mF/m2' fringe='-1 nF/m' source='s'/>", ">= 0"},
    {20, 0, "<resistance sheet='300 Ohm' width-offset='-2 um' source='s'/>", "keep a width"},
    {21, 0, "</devise>", "not well-formed"},
};

enum { BAD = sizeof bad / sizeof *bad };

static enum es_status parse_lines(int line, const char *text, struct es_error *error) {
    char whole[8192] = "";
    struct es_process *process;
    for (int i = 0; i < LINES; i++) {
        strcat(whole, i + 1 == line ? text : good[i]);
        strcat(whole, "\n");
    }
    enum es_status status = es_process_parse(whole, strlen(whole), "map.xml", &process, error);
    ck_assert((status == ES_OK) == (process != NULL));
    es_process_free(process);
    return status;
}

START_TEST(bad_maps_are_refused) {
    struct es_error error = {""};
    ck_assert_msg(parse_lines(0, "", &error) == ES_OK, "%s", error.text);
    for (size_t i = 0; i < BAD; i++) {
        char place[32];
        error.text[0] = '\0';
        ck_assert_msg(parse_lines(bad[i].line, bad[i].text, &error) == ES_BAD_INPUT, "accepted: %s", bad[i].text);
        snprintf(place, sizeof place, "map.xml:%d: ", bad[i].said ? bad[i].said : strstr(bad[i].says, "on the line") ? 10 : bad[i].line);
        ck_assert_msg(strncmp(error.text, place, strlen(place)) == 0, "%s expected: %s", place, error.text);
        ck_assert_msg(strstr(error.text, bad[i].says) != NULL, "%s", error.text);
    }
}
END_TEST

Suite *test_suite(void) {
    Suite *suite = suite_create("process");
    TCase *cases = tcase_create("maps");
    tcase_add_loop_test(cases, processes_are_the_published_ones, 0, MAPS);
    tcase_add_loop_test(cases, devices_are_the_published_ones, 0, PUBLISHED);
    tcase_add_test(cases, values_and_spreads_are_those_of_the_design_kits);
    tcase_add_test(cases, lines_are_those_of_the_flows);
    tcase_add_test(cases, plain_parts_have_their_value);
    tcase_add_loop_test(cases, sizes_are_on_the_grid, 0, MAPS);
    tcase_add_test(cases, sizes_out_of_range_are_refused);
    tcase_add_test(cases, names_cannot_leave_their_place);
    tcase_add_loop_test(cases, every_line_is_plain, 0, MAPS);
    tcase_add_test(cases, corners_are_libraries);
    tcase_add_loop_test(cases, transistors_stand_the_supply, 0, MAPS);
    tcase_add_test(cases, biases_by_hand_are_near_those_simulated);
    tcase_add_test(cases, bias_by_hand_is_that_of_a_chip);
    tcase_add_test(cases, biases_by_hand_end);
    tcase_add_test(cases, squarer_by_hand_is_near_that_simulated);
    tcase_add_test(cases, bad_maps_are_refused);
    suite_add_tcase(suite, cases);
    return suite;
}
