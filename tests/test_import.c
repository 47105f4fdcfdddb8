// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// SPICE circuits as networks: against ngspice itself, which runs the original in its batch mode; what is not supported, with its line; and circuits that try to run
// commands, with a canary that none of them brings to life.
#include "runner.h"
#include "support.h"

#include "core/value.h"
#include "engine/ngspice/confine.h"
#include "engine/ngspice/expand.h"
#include "import/import.h"
#include "learn/cost.h"
#include "learn/rule.h"
#include "xml/xml.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

// ---- files -----------------------------------------------------------------------------------------------------------

static char folder[] = "/tmp/es_import_XXXXXX";

static void make_folder(void) {
    ck_assert_ptr_nonnull(mkdtemp(folder));
}

static void remove_folder(void) {
    char command[64];
    snprintf(command, sizeof command, "rm -rf %s", folder);
    ck_assert_int_eq(system(command), 0);
}

// A path in the folder; valid until the fourth call after it.
static const char *path_of(const char *name) {
    static char path[4][128];
    static int next;
    next = (next + 1) % 4;
    snprintf(path[next], sizeof path[next], "%s/%s", folder, name);
    return path[next];
}

static const char *put(const char *name, const char *text) {
    const char *path = path_of(name);
    FILE *file = fopen(path, "wb");
    ck_assert_ptr_nonnull(file);
    fputs(text, file);
    fclose(file);
    return path;
}

static void must_read(const char *path, struct es_import *import) {
    struct es_error error = {""};
    ck_assert_msg(es_import_read(path, import, &error) == ES_OK, "%s", error.text);
}

static void must_read_text(const char *text, struct es_import *import) {
    must_read(put("circuit.cir", text), import);
}

static const struct es_element *find(const struct es_import *import, const char *name) {
    for (size_t i = 0; i < import->net->elements; i++)
        if (strcmp(import->net->element[i].name, name) == 0)
            return &import->net->element[i];
    ck_abort_msg("no element %s", name);
}

static bool is_noted(const struct es_import *import, const char *text) {
    for (size_t i = 0; i < import->notes; i++)
        if (strstr(import->note[i].text, text))
            return true;
    return false;
}

// ---- against ngspice -------------------------------------------------------------------------------------------------

// What ngspice's batch mode writes: value [points][variables], of which the first is time.
struct raw {
    size_t variables, points;
    char name[64][80];
    double *value;
};

static void read_raw(const char *path, struct raw *raw) {
    char line[256];
    FILE *file = fopen(path, "rb");
    ck_assert_msg(file != NULL, "%s", path);
    size_t i = 0;
    while (fgets(line, sizeof line, file) && strncmp(line, "Variables:", 10) != 0) {
        sscanf(line, "No. Variables: %zu", &raw->variables);
        sscanf(line, "No. Points: %zu", &raw->points);
    }
    ck_assert_uint_le(raw->variables, 64);
    for (; i < raw->variables && fgets(line, sizeof line, file); i++)
        ck_assert_int_eq(sscanf(line, " %*d %79s", raw->name[i]), 1);
    ck_assert(fgets(line, sizeof line, file) && strncmp(line, "Binary:", 7) == 0);
    raw->value = malloc(raw->variables * raw->points * sizeof(double));
    ck_assert_uint_eq(fread(raw->value, sizeof(double), raw->variables * raw->points, file), raw->variables * raw->points);
    fclose(file);
}

struct trace {
    size_t nodes, points, room;
    double *voltage; // [room][nodes]
};

static void record(void *context, double t, const double *flux, const double *voltage) {
    struct trace *trace = context;
    (void)t, (void)flux;
    ck_assert_uint_lt(trace->points, trace->room);
    memcpy(trace->voltage + trace->points++ * trace->nodes, voltage, trace->nodes * sizeof *voltage);
}

// The imported network in the twin, on the circuit's own steps.
static void run(struct es_import *import, const struct es_grid *grid, struct trace *trace) {
    struct es_network *net = import->net;
    struct es_arena *arena = es_arena_new();
    struct es_error error = {""};
    struct es_model model;
    double *theta = ES_NEW(arena, net->parameters + 1, double), *x = ES_NEW(arena, net->channels + 1, double);
    double *flux = ES_NEW(arena, net->nodes, double), *voltage = ES_NEW(arena, net->nodes, double), *offset = ES_NEW(arena, net->elements, double);
    es_network_start(net, theta);
    for (size_t c = 0; c < net->channels; c++)
        x[c] = import->input[c * import->points];
    ck_assert_int_eq(es_model_new(net, theta, arena, &model, &error), ES_OK);
    ck_assert_int_eq(es_model_start(&model, x, flux, voltage, offset, &error), ES_OK);
    struct es_pass pass = {.theta = theta, .flux = flux, .voltage = voltage, .offset = offset, .input = import->input};
    *trace = (struct trace){net->nodes, 0, es_grid_steps(grid) + 1, calloc((es_grid_steps(grid) + 1) * net->nodes, sizeof(double))};
    struct es_sink sink = {record, trace};
    struct es_batch batch = {.grid = *grid, .passes = 1, .pass = &pass, .sink = &sink};
    struct es_engine *engine = test_engine(&es_twin, net, "midpoint", 1);
    ck_assert_msg(es_engine_run(engine, &batch, es_results_new(arena, net, 0, 1), &error) == ES_OK, "%s", error.text);
    es_engine_close(engine);
    es_arena_free(arena);
}

static const char *spice_name(const struct es_import *import, const char *xml) {
    for (size_t i = 0; i < import->nodes; i++)
        if (strcmp(import->node[i].xml, xml) == 0)
            return import->node[i].spice;
    return xml;
}

// The largest difference of node `node` between a trace and ngspice's column, over the column's peak.
static double difference(const struct trace *trace, size_t node, double h, const struct raw *raw, size_t column) {
    double worst = 0, peak = 0, end = (double)(trace->points - 1) * h;
    for (size_t i = 0; i < raw->points; i++) {
        double t = raw->value[i * raw->variables], v = raw->value[i * raw->variables + column];
        size_t k = (size_t)fmin(floor(t / h), (double)trace->points - 2);
        const double *at = trace->voltage + k * trace->nodes + node;
        peak = fmax(peak, fabs(v));
        if (t <= end)
            worst = fmax(worst, fabs(at[0] + (t / h - (double)k) * (at[trace->nodes] - at[0]) - v));
    }
    return worst / peak;
}

// Where the circuit's own step is fine.
static const struct {
    const char *path;
    size_t nodes, seen; // of the network, and those of them that ngspice writes
    bool reversible;
} circuits[] = {
    {"tests/import/ladder.cir", 5, 2, false}, {"tests/import/coupled.cir", 3, 3, true}, {"tests/import/filter.cir", 5, 1, false}, {"tests/import/gyrator.cir", 4, 4, false},
    {"tests/import/included.cir", 3, 3, false}, {"tests/import/charge.cir", 2, 2, true},
};

START_TEST(imported_circuits_do_what_ngspice_does) {
    struct es_import import;
    struct trace trace;
    struct raw raw = {.variables = 0};
    char command[256];
    size_t seen = 0;
    must_read(circuits[_i].path, &import);
    ck_assert_uint_eq(import.net->nodes, circuits[_i].nodes);
    ck_assert_int_eq(!import.verdict.reversible.text[0], circuits[_i].reversible);
    ck_assert_str_eq(import.verdict.transient.text, "");
    struct es_grid grid = {import.interval, import.points, import.substeps ? import.substeps : 1};
    run(&import, &grid, &trace);
    snprintf(command, sizeof command, "ngspice -b -r %s %s >/dev/null 2>&1", path_of("wave.raw"), circuits[_i].path);
    ck_assert_int_eq(system(command), 0);
    read_raw(path_of("wave.raw"), &raw);
    for (size_t node = 0; node < import.net->nodes; node++)
        for (size_t column = 1; column < raw.variables; column++) {
            char name[2][128];
            snprintf(name[0], 96, "%.90s", spice_name(&import, import.net->node[node].name));
            snprintf(name[1], sizeof name[1], "v(%.90s)", name[0]);
            if (strcmp(raw.name[column], name[0]) != 0 && strcmp(raw.name[column], name[1]) != 0)
                continue;
            double worst = difference(&trace, node, es_grid_step(&grid), &raw, column);
            if (getenv("ES_VERBOSE"))
                printf("    %s %s %.2e\n", circuits[_i].path, name[0], worst);
            ck_assert_msg(worst < 1e-6, "%s: %s is off by %.2e", circuits[_i].path, name[0], worst);
            seen++;
        }
    ck_assert_uint_ge(seen, circuits[_i].seen);
    free(trace.voltage);
    free(raw.value);
    es_import_free(&import);
}
END_TEST

// ---- what becomes of parts -------------------------------------------------------------------------------------------

static void assert_near(double a, double b) {
    ck_assert_msg(fabs(a - b) <= 1e-14 * fabs(b), "%.17g is not %.17g", a, b);
}

START_TEST(parts_become_elements) {
    struct es_import import;
    must_read_text("title\n.param q=3\nV1 in 0 5\nG1 0 a in 0 2m\nG2 a 0 in 0 1m\nI1 a 0 {q*1m}\nI2 0 a 4m m=2\nR1 in a 2k m=4\nC1 a 0 {q*1p} m=2\nL1 0 a 2u m=2\nG3 a 0 a 0 0.1\n"
                   "E1 b 0 in 0 -2\nC2 b a 1p\nRs a s 10\nLs s 0 1u\n.tran 1n 10n uic\n.end\nthis is after the end\n", &import);
    assert_near(find(&import, "v1")->value[0], 5);
    ck_assert_str_eq(import.net->channel[find(&import, "v1")->channel], "bias");
    assert_near(find(&import, "g1")->value[0], 10e-3); // into a
    assert_near(find(&import, "g2")->value[0], -5e-3);
    assert_near(find(&import, "i1")->value[0], -3e-3);
    assert_near(find(&import, "i2")->value[0], 8e-3);
    assert_near(find(&import, "r1")->value[0], 2e-3);
    assert_near(find(&import, "c1")->value[0], 6e-12);
    assert_near(find(&import, "l1")->value[0], 1e-6);
    assert_near(find(&import, "g3")->value[0], 0.1);
    ck_assert_ptr_eq(find(&import, "g3")->kind, &es_conductance);
    assert_near(find(&import, "e1")->value[0], -10);
    assert_near(find(&import, "ls")->value[2], 10);
    ck_assert_int_eq(find(&import, "ls")->p, find(&import, "c1")->p);
    ck_assert_int_eq(find(&import, "l1")->line, 10);
    ck_assert_uint_eq(import.net->nodes, 3); // in, a, b
    ck_assert_uint_eq(import.net->channels, 1);
    es_import_free(&import);
}
END_TEST

START_TEST(gyrators_in_either_orientation) {
    static const char *const forms[] = {
        "G1 0 w p n 2u\nG2 p n w 0 3u", "G1 w 0 n p 2u\nG2 p n w 0 3u", "G1 0 w p n -2u\nG2 p n w 0 -3u", "G1 0 w n p 2u\nG2 n p w 0 3u", "G1 w 0 p n 2u\nG2 p n 0 w 3u",
        "G1 0 w p n 2u\nG2 n p w 0 -3u",
    };
    static const double sign[] = {1, 1, -1, 1, -1, 1}; // of w
    struct es_import import;
    char text[512];
    snprintf(text, sizeof text, "title\nCp p 0 1p\nCn n 0 1p\n%s\nCw w 0 5p ic=0.25\n.tran 1n 10n uic\n", forms[_i]);
    must_read_text(text, &import);
    const struct es_element *e = find(&import, "g1");
    ck_assert_ptr_eq(e->kind, &es_gyrator);
    bool turned = strcmp(import.net->node[e->p].name, "p") != 0;
    assert_near(e->value[0], 2e-6);
    assert_near(e->value[1], 3e-6);
    assert_near(e->value[2], 5e-12);
    assert_near(e->value[3], (turned && _i != 3 ? -1 : 1) * sign[_i] * 0.25);
    ck_assert_uint_eq(import.net->nodes, 2);
    ck_assert_str_eq(import.verdict.lagrangian.text, "");
    es_import_free(&import);
}
END_TEST

START_TEST(what_a_network_is_and_why_not) {
    struct es_import import;
    must_read_text("title\nC1 a 0 1n ic=1\nL1 a 0 1u\n\nR1 a 0 1k\n.tran 1n 10n uic\n", &import);
    ck_assert_ptr_nonnull(strstr(import.verdict.reversible.text, "line 5"));
    ck_assert_ptr_nonnull(strstr(import.verdict.reversible.text, "\"r1\""));
    ck_assert_str_eq(import.verdict.uniform.text, "");
    assert_near(import.verdict.gamma, 1e6);
    es_import_free(&import);
    must_read_text("title\nC1 a 0 1n ic=1\nL1 a b 1u\nL2 b 0 1u\n.tran 1n 10n uic\n", &import);
    ck_assert_ptr_nonnull(strstr(import.verdict.transient.text, "\"b\" has no capacitance"));
    ck_assert_str_eq(import.verdict.reversible.text, "");
    es_import_free(&import);
    must_read_text("title\nC1 a 0 1n\nL1 a 0 1u\n.tran 1n 10n uic\n", &import);
    ck_assert_ptr_nonnull(strstr(import.verdict.transient.text, "at rest"));
    es_import_free(&import);
}
END_TEST

START_TEST(names_are_made_fit) {
    struct es_import import;
    must_read_text("title\n.subckt t a\nC1 a n+ 1p\nC2 n+ 0 1p\nC3 a 0 1p ic=1\n.ends\nX1 1 t\nX2 ground t\nC1 x1/n 0 1p\nCx x1_n_ x1/n 1p\nL1 1 ground 1u\n.tran 1n 10n uic\n", &import);
    for (size_t i = 0; i < import.net->nodes; i++) {
        ck_assert(es_name_valid(import.net->node[i].name));
        ck_assert_str_ne(import.net->node[i].name, "ground");
        for (size_t k = 0; k < i; k++)
            ck_assert_int_ne(strcasecmp(import.net->node[i].name, import.net->node[k].name), 0);
    }
    ck_assert_uint_eq(import.net->nodes, 6);
    for (size_t i = 0; i < import.nodes; i++)
        if (strcmp(import.node[i].spice, "x1.n+") == 0)
            ck_assert_int_eq(import.node[i].at.line, 3);
    ck_assert_int_eq(find(&import, "x2_c3")->line, 5);
    ck_assert_int_eq(find(&import, "x2_c1")->line, 3); // and not that of the other C1
    ck_assert_int_eq(find(&import, "c1")->line, 9);
    es_import_free(&import);
}
END_TEST

// What is written reads back to the same bits.
START_TEST(written_experiments_read_back) {
    struct es_import import;
    struct es_error error = {""};
    struct es_experiment *back;
    char *text = NULL;
    size_t size = 0;
    must_read(circuits[_i].path, &import);
    struct es_experiment x = {.net = import.net, .batch = 1, .engine = &es_twin, .scheme = es_engine_scheme(&es_twin, false), .substeps = import.substeps,
                              .cost = &es_voltage_tracking, .rule = &es_rhel, .losses_allowed = true,
                              .task = {.kind = &es_waveform, .interval = import.interval, .points = import.points, .file = "table.csv"}};
    FILE *file = open_memstream(&text, &size);
    ck_assert_int_eq(es_experiment_write(&x, file, &error), ES_OK);
    fclose(file);
    ck_assert_msg(es_experiment_parse(text, size, "memory", NULL, &back, &error) == ES_OK, "%s", error.text);
    ck_assert_uint_eq(back->net->elements, import.net->elements);
    ck_assert_uint_eq(back->net->parameters, import.net->parameters);
    ck_assert_double_eq(back->task.interval, import.interval);
    ck_assert_str_eq(back->task.file, "table.csv");
    for (size_t i = 0; i < back->net->elements; i++) {
        const struct es_element *a = &back->net->element[i], *b = find(&import, a->name);
        ck_assert_ptr_eq(a->kind, b->kind);
        for (size_t q = 0; a->kind->quantity[q].name; q++)
            ck_assert((isnan(a->value[q]) && isnan(b->value[q])) || a->value[q] == b->value[q]);
        ck_assert_str_eq(a->p < 0 ? "" : back->net->node[a->p].name, b->p < 0 ? "" : import.net->node[b->p].name);
        ck_assert_str_eq(a->n < 0 ? "" : back->net->node[a->n].name, b->n < 0 ? "" : import.net->node[b->n].name);
    }
    es_experiment_free(back);
    free(text);
    es_import_free(&import);
}
END_TEST

// A waveform is what ngspice makes of it, and its grid the coarsest that has all its corners.
START_TEST(waveforms_are_sampled) {
    struct es_import import;
    must_read_text("title\nV1 a 0 PULSE(-1 2 2n 2n 4n 6n 20n)\nC1 a b 1n\nC2 b 0 1n\nL1 b 0 1u\n.tran 0.1n 40n uic\n", &import);
    ck_assert_double_eq(import.interval, 2e-9);
    ck_assert_uint_eq(import.points, 21);
    ck_assert_uint_eq(import.substeps, 20);
    static const double expected[] = {-1, -1, 2, 2, 2, 2, 0.5, -1, -1, -1, -1, -1, 2};
    for (size_t n = 0; n < 13; n++)
        ck_assert_double_eq_tol(import.input[n], expected[n], 1e-11);
    es_import_free(&import);
    must_read_text("title\n.subckt s a amp=2\nI1 0 a SIN(0 {amp} 1meg)\n.ends\nX1 b s amp=3 m=3\nC2 b 0 1n\nL1 b 0 1u\n.tran 10n 1u uic\n", &import);
    ck_assert_uint_eq(import.points, 101);
    for (size_t n = 0; n < 101; n++) // 3 of them side by side
        ck_assert_double_eq_tol(import.input[n] * find(&import, "x1_i1")->value[0], 9 * sin(2 * M_PI * 0.01 * (double)n), 1e-9);
    ck_assert(is_noted(&import, "straight between points"));
    es_import_free(&import);
}
END_TEST

START_TEST(current_sources_side_by_side) {
    struct es_import import;
    must_read_text("title\nI1 0 a SIN(0 2m 1meg) m=3\nI2 0 a m={1+1} SIN(0 2m 1meg)\nC1 a 0 1n\nL1 a 0 1u\n.tran 10n 1u uic\n", &import);
    for (size_t i = 0; i < 2; i++) {
        const struct es_element *e = find(&import, i ? "i2" : "i1");
        for (size_t n = 0; n < import.points; n++)
            ck_assert_double_eq_tol(import.input[(size_t)e->channel * import.points + n] * e->value[0], (i ? 4e-3 : 6e-3) * sin(2 * M_PI * 0.01 * (double)n), 1e-12);
    }
    es_import_free(&import);
}
END_TEST

// A capacitance that is set to 0, which an exported deck's outputs are too.
START_TEST(capacitors_of_0_F_are_told_of) {
    struct es_import import;
    must_read_text("title\n.param parasitic=0\nC1 a 0 1n ic=1\nC2 a b {parasitic}\nC3 b 0 1n\nL1 a 0 1u\n.print v(b)\n", &import);
    ck_assert(is_noted(&import, "\"c2\" of 0 F is an output"));
    es_import_free(&import);
    must_read_text("title\nC1 a 0 1n ic=1\nCn_out a 0 0\nL1 a 0 1u\n", &import);
    ck_assert(!is_noted(&import, "of 0 F"));
    es_import_free(&import);
}
END_TEST

// ngspice finds a current there, and in another run another.
START_TEST(loops_without_an_operating_point_are_told_of) {
    struct es_import import;
    static const char circuit[] = "title\nI1 0 a 1m\nC1 a 0 1n\nC2 b 0 1n\nL1 a b 1u\nL2 b 0 1u\nL3 %s 0 1u\nVmeter c %s 0\nR1 b c 50\n.tran 1n 10n %s\n";
    for (int uic = 0; uic < 2; uic++)
        for (int loop = 0; loop < 2; loop++) {
            char text[256];
            snprintf(text, sizeof text, circuit, loop ? "c" : "d", loop ? "a" : "0", uic ? "uic" : "");
            must_read_text(text, &import);
            ck_assert_int_eq(is_noted(&import, "\"l3\" closes a loop"), loop && !uic);
            ck_assert(!is_noted(&import, "\"l2\" closes"));
            es_import_free(&import);
        }
}
END_TEST

// It lies between all points, and is told of.
START_TEST(pulses_between_points_are_told_of) {
    struct es_import import;
    must_read_text("title\nV1 a 0 PULSE(0 1 12n 0.1n 0.1n 2n)\nR1 a b 1k\nC1 b 0 1n\n.tran 10n 1u uic\n", &import);
    ck_assert(is_noted(&import, "pulses, or pauses, of 2.2e-09 s"));
    es_import_free(&import);
    must_read_text("title\n.subckt s a w=1\nI1 0 a PULSE(0 1 0 1n 1n {w*10n} 14n)\n.ends\nX1 a s w=0.9\nC1 a 0 1n\n.tran 10n 1u uic\n", &import);
    ck_assert(is_noted(&import, "pulses, or pauses, of 3e-09 s"));
    es_import_free(&import);
    must_read_text("title\nV1 a 0 PULSE(0 1 20n 10n 10n 20n)\nR1 a b 1k\nC1 b 0 1n\n.tran 10n 1u uic\n", &import);
    ck_assert(!is_noted(&import, "pulses") && !is_noted(&import, "of its peak"));
    es_import_free(&import);
}
END_TEST

// Words of waveforms, and words that ngspice takes for vectors of its own, as names of nodes; and tabs.
START_TEST(nodes_of_any_name) {
    static const char *const name[] = {"all", "ally", "c.e", "t.a", "const.pi", "1", "n+", "sink", "am", "e"};
    struct es_import import;
    char text[1024] = "title\nVmeter am\tsink 0\nV1\tam\t0 0.5\n";
    size_t nodes = sizeof name / sizeof *name, length = strlen(text);
    for (size_t i = 0; i < nodes; i++)
        length += (size_t)snprintf(text + length, sizeof text - length, "I%zu\t0 %s %zu\nR%zu %s 0 1\nC%zu %s 0 1n\n", i + 2, name[i], i + 1, i, name[i], i, name[i]);
    snprintf(text + length, sizeof text - length, ".tran 1n 10n\n");
    must_read_text(text, &import);
    size_t seen = 0;
    for (size_t i = 0; i < import.net->elements; i++) {
        const struct es_element *e = &import.net->element[i];
        const char *spice = e->kind == &es_initial ? spice_name(&import, import.net->node[e->p].name) : "";
        for (size_t k = 0; k < nodes; k++)
            if (strcmp(spice, name[k]) == 0) {
                ck_assert_msg(fabs(e->value[1] - (double)(k + 1)) < 1e-9, "%s begins with %.9g V; expected %zu", name[k], e->value[1], k + 1);
                seen++;
            }
    }
    ck_assert_uint_eq(seen, nodes - 2); // sink is am, which a source holds
    assert_near(find(&import, "v1")->value[0], 0.5);
    es_import_free(&import);
}
END_TEST

// ---- what is not supported -------------------------------------------------------------------------------------------

static const struct {
    const char *text; // after the title, so from line 2 on
    int line;
    const char *says;
} unsupported[] = {
    {"C1 a 0 1n\nD1 a 0 mod\n", 3, "letter D"},
    {"C1 a 0 1n\nQ1 a b 0 mod\n", 3, "letter Q"},
    {"C1 a 0 1n\nB1 a 0 v=v(a)\n", 3, "letter B"},
    {"C1 a 0 1n\nF1 a 0 v1 2\n", 3, "letter F"},
    {"C1 a 0 1n\n.model m d\n", 3, ".model"},
    {"C1 a 0 1n\n.func f(x) {x}\n", 3, ".func"},
    {"C1 a 0 1n\n.global vdd\n", 3, ".global"},
    {"C1 a 0 1n\nR1 a 0 rmod 1k\n", 3, "models"},
    {"C1 a 0 1n\nR1 a 0 r='v(a)*2'\n", 3, "\"v(\""},
    {"C1 a 0 1n\nR1 a 0 1k tc1=1m\n", 3, "tc1=1m"},
    {"C1 a 0 1n\nR1 a 0 4k7\n", 3, "4.7k"},
    {"C1 a 0 {1n*time}\n", 2, "\"time\""},
    {"C1 a 0 {agauss(1n,1p,3)}\n", 2, "agauss("},
    {"C1 a 0 {foo*2}\n", 2, "foo"},
    {"C1 a 0 {1}n\n", 2, "unknown parameter"},
    {"C1 a 0 1n\nE9 0 0 a 0 2\n.tran 1n 1u\n", 3, "e9"},
    {"C1 a 0 -1n\n", 2, "expected more than 0"},
    {"C1 a 0 1n\nR1 a b 0\n", 3, "of 0 ohm"},
    {"C1 a 0 1n\nR1 a b r={0*2} m=2\n", 3, "of 0 ohm"},
    {"C1 a 0 1n\nL1 a q 1u\nR1 q 0 0.0k\n", 4, "of 0 ohm"},
    {"C1 a 0 1n ic=1\n.ic v(a)=1 v(b)=1\n", 3, "no node \"b\""},
    {"C1 a 0 1n ic=1\n.subckt t x\nR1 x y 1k\n.ends\nX1 a t\n.ic v(gnd)=0\n+ v(x1.z)=1\n", 7, "no node \"x1.z\""},
    {"C1 a 0 1n\nL1 a 0 0\n", 3, "of 0 H"},
    {"C1 a 0 1n\nV1 a b 1\nC2 b 0 1n\n", 3, "between two nodes"},
    {"C1 a 0 1n\nV1 a 0 1\nV2 0 a 2\n", 4, ""},
    {"C1 a 0 1n\nG1 a 0 b 0 1m\nC2 b 0 1n\nL1 a 0 1u\n", 3, "no Lagrangian"},
    {"C1 a 0 1n\nG1 0 w a 0 1m\nCw w 0 1n\nG2 a 0 0 w 1m\n", 5, "negative inductance"},
    {"C1 a 0 1n\nG1 a 0 poly(2) b 0 c 0 1 2\n", 3, "is not among the functions"},
    {"C1 a 0 1n\nG1 a 0 cur='v(a)'\n", 3, "is not among the functions"},
    {"C1 a 0 1n\nG1 a 0 b 0 table\n", 3, "no linear source"},
    {"C1 a 0 1n\nE1 b 0 a 0 2\nC2 b 0 1n\n", 3, "no voltage source controls"},
    {"C1 a 0 1n\nL1 a 0 1u\nK1 L1 L2 0.5\n", 4, ""},
    {"C1 a 0 1n\nL1 a 0 1u\nK1 L1 K1 0.5\n", 4, "two inductors"},
    {"C1 a 0 1e120\n", 2, "at most 1e+100"},
    {"C1 a 0 1n\nL1 a 0 1u\nL2 a 0 1u\nL3 a 0 1u\nK1 L1 L2 L3 0.5\n", 6, "one pair"},
    {"C1 a 0 1n\nL1 a 0 1u\nL2 a 0 1u\nK1 L1 L2 1\n", 5, "less than 1"},
    {"C1 a 0 1n\nL1 a 0 1u\nL2 a 0 1u m=2\nK1 L1 L2 0.1\n", 4, "m = 1"},
    {"C1 a 0 1n\nV1 a 0 SIN(0 1 1meg)\n", 3, ".tran"},
    {"C1 a 0 1n\nV1 a 0 TRNOISE(1 1n 0 0)\n.tran 1n 1u\n", 3, "trnoise"},
    {"C1 a 0 1n\nV1 a 0 dc 0 external\n.tran 1n 1u\n", 3, "external"},
    {"C1 a 0 1n\nX1 a cell\n", 3, "no subcircuit"},
    {"C1 a 0 1n\nX1 a b cell\n.subckt cell a\nC1 a 0 1n\n.ends\n", 3, "2 nodes"},
    {"C1 a 0 1n\n.subckt cell a\nC1 a 0 1n\n", 3, "no .ends"},
    {"C1 a 0 1n\n.subckt cell a\n.subckt inner b\n", 4, ".ends before it"},
    {"C1 a 0 1n\n.ends\n", 3, "without a .subckt"},
    {"C1 a 0 1n\nC1 b 0 1n\n", 3, "already stands in line 2"},
    {"C1 a 0 1n\n.tran 1n\n", 3, ".tran has"},
    {"C1 a 0 1n\n.tran 1n 1u\n.tran 1n 2u\n", 4, "a second .tran"},
    {"C1 a 0 1n ic=1\n.tran 1n 1 uic\n", 3, "1000000"},
    {"C1 a 0 1n\n.tran 1n {foo}\n", 3, "foo"},
    {"+ 1n\nC1 a 0 1n\n", 2, "go on from"},
    {"C1 a 0 (1n\n", 2, "do not match"},
    {"C1 a 0 {1n\n", 2, "do not match"},
    {"C1 a 0 1\xc2\xb5\n", 2, "value 194"},
    {"C1 es__x 0 1n\n", 2, "es__"},
};

START_TEST(what_is_not_supported_is_named_with_its_line) {
    struct es_import import;
    struct es_error error = {""};
    char text[512], place[160];
    snprintf(text, sizeof text, "title\n%s", unsupported[_i].text);
    const char *path = put("circuit.cir", text);
    ck_assert_msg(es_import_read(path, &import, &error) == ES_BAD_INPUT, "%s passes", unsupported[_i].text);
    snprintf(place, sizeof place, "%s:%d: ", path, unsupported[_i].line);
    ck_assert_msg(strncmp(error.text, place, strlen(place)) == 0 && strstr(error.text, unsupported[_i].says), "%s gives %s", unsupported[_i].text, error.text);
    es_import_free(&import);
}
END_TEST

// ---- hostile circuits ------------------------------------------------------------------------------------------------

#define TOUCH "touch canary"
#define LONG10(x) x x x x x x x x x x
#define LONG1000(x) LONG10(LONG10(LONG10(x)))

static const struct {
    const char *text;
    const char *says; // NULL: it may be imported, and what it tries is left out
} hostile[] = {
    {"title\n.control\nshell " TOUCH "\n.endc\nC1 a 0 1n ic=1\n", ".control"},
    {"title\nC1 a 0 1n ic=1\n.CONTROL\nshell " TOUCH "\n.ENDC\n", ".CONTROL"},
    {"title\n  .control\n  shell " TOUCH "\n  .endc\nC1 a 0 1n\n", ".control"},
    {"title\nC1 a 0 1n ic=1\n*#shell " TOUCH "\n", "command"},
    {"title\nC1 a 0 1n ic=1\n *# shell " TOUCH "\n", "command"},
    {"*#shell " TOUCH "\nC1 a 0 1n ic=1\n", "command"},
    {"*ng_script\nshell " TOUCH "\nC1 a 0 1n ic=1\n", "command"},
    {"*NG_SCRIPT\nshell " TOUCH "\n", "command"},
    {"*ng_script_with_params\nshell " TOUCH "\n", "command"},
    {"title\n*ng_script\nshell " TOUCH "\nC1 a 0 1n\n", "command"},
    {"title\npre_shell " TOUCH "\nC1 a 0 1n\n", "letter P"},
    {"title\n.control\npre_system " TOUCH "\n.endc\n", ".control"},
    {"title\nshell " TOUCH "\nC1 a 0 1n\n", "letter S"},
    {"title\nC1 a 0 `" TOUCH "`\n", "character `"},
    {"title\nC1 a 0 {`" TOUCH "`}\n", "character `"},
    {"title\nC1 a 0 1n ic=1; shell " TOUCH "\n", NULL},
    {"title\nC1 a 0 1n ic=1 $ `" TOUCH "`\n", NULL},
    {"title\nC1 a 0 1n ic=1 // `" TOUCH "`\n", NULL},
    {"title\nC1 a 0 $HOME\n", "has the value"},
    {"title\nC1 a 0 {$(" TOUCH ")}\n", "character $"},
    {"title\nC1 a 0 1n > canary\n", "character >"},
    {"title\n.include '|" TOUCH "'\nC1 a 0 1n\n", "cannot be opened"},
    {"title\n.include /etc/passwd\nC1 a 0 1n\n", "outside the folder"},
    {"title\n.include ../escape.inc\nC1 a 0 1n\n", "folder"},
    {"title\n.include link.inc\nC1 a 0 1n\n", "outside the folder"},
    {"title\n.include sub/../../../etc/passwd\nC1 a 0 1n\n", "folder"},
    {"title\n.include fifo.inc\nC1 a 0 1n\n", "not a regular file"},
    {"* title\n.include circuit.cir\nC1 a 0 1n\n", "deep"},
    {"title\n.include hostile.inc\nC1 a 0 1n\n", ".control"},
    {"title\n.lib '../escape.lib' tt\nC1 a 0 1n\n", "folder"},
    {"title\n.csparam x={1}\nC1 a 0 1n\n", ".csparam"},
    {"title\n.func f(x) {system(x)}\nC1 a 0 1n\n", ".func"},
    {"title\n.param f(x)={x}\nC1 a 0 {f(1)}\n", "f("},
    {"title\n.param x={y.system(1)}\nC1 a 0 1n\n", "y.system("},
    {"title\n.param x={2system(1)}\nC1 a 0 1n\n", "2system("},
    {"title\n.param x = system (1)\nC1 a 0 1n\n", "system("},
    {"title\n.param x={system(1)}\nC1 a 0 1n\n", "system("},
    {"title\n.param x=\"shell " TOUCH "\"\nC1 a 0 1n\n", "character \""},
    {"title\n.save v(a);shell " TOUCH "\nC1 a 0 1n ic=1\n", NULL},
    {"title\n.meas tran x `" TOUCH "`\nC1 a 0 1n ic=1\n", NULL},
    {"title\n.options `" TOUCH "`\nC1 a 0 1n ic=1\n", NULL},
    {"title\n.title `" TOUCH "`\nC1 a 0 1n ic=1\n", NULL},
    {"title\n.endc\nC1 a 0 1n\n", ".endc"},
    {"title\n.if (1)\nC1 a 0 1n\n.endif\n", ".if"},
    {"title\n.exec " TOUCH "\nC1 a 0 1n\n", ".exec"},
    {"title\n.inc\nC1 a 0 1n\n", "no name"},
    {"title\nA1 [a] [b] model\n", "letter A"},
    {"title\n.subckt a x\nX1 x b\n.ends\n.subckt b x\nX1 x a\n.ends\nX1 n a\n", "hold itself"},
    {"title\n.subckt a x\nX1 x a\n.ends\nX1 n a\n", "hold itself"},
    {"title\n.subckt a x\nC1 x 0 1n\nC2 x 0 1n\nC3 x 0 1n\nC4 x 0 1n\n.ends\n.subckt b x\nX1 x a\nX2 x a\nX3 x a\nX4 x a\nX5 x a\nX6 x a\nX7 x a\nX8 x a\n.ends\n"
     ".subckt c x\nX1 x b\nX2 x b\nX3 x b\nX4 x b\nX5 x b\nX6 x b\nX7 x b\nX8 x b\n.ends\n.subckt d x\nX1 x c\nX2 x c\nX3 x c\nX4 x c\nX5 x c\nX6 x c\nX7 x c\nX8 x c\n.ends\n"
     ".subckt e x\nX1 x d\nX2 x d\nX3 x d\nX4 x d\nX5 x d\nX6 x d\nX7 x d\nX8 x d\n.ends\n.subckt f x\nX1 x e\nX2 x e\nX3 x e\nX4 x e\nX5 x e\nX6 x e\nX7 x e\nX8 x e\n.ends\nX1 n f\nX2 n f\n",
     "more than 65536 elements"},
    {"title\nC1 " LONG10("nnnnnnnnnn") " 0 1n\n", "at most 64"},
    {"title\nC" LONG10("nnnnnnnnnn") " a 0 1n\n", "at most 64"},
    {"title\nC1 a 0 " LONG1000("11") "\n", "at most 1000"},
    {"title\nC1 a 0 {" LONG10("((((((((((") "1n" LONG10("))))))))))") "}\n", "50 deep"},
    {"title\nC1 a 0 1n\033[2J\n", "byte of value 27"},
    {"title\nC1 a 0 1n\007\n", "byte of value 7"},
    {"title\nC1 a 0 1n \\\nshell " TOUCH "\n", "character \\"},
    {"title\nC1 a 0 1n\n+ `" TOUCH "`\n", "character `"},
    {"title\nC1 a 0 1n\r.control\rshell " TOUCH "\r.endc\r\n", "byte of value 13"},
};

enum { HOSTILE = sizeof hostile / sizeof *hostile };

static bool canary_lives(void) {
    return access(path_of("canary"), F_OK) == 0;
}

// Every way in: a start-up file too, and the folder is where the program works.
static void lay_traps(void) {
    put(".spiceinit", "shell " TOUCH "\n");
    put("hostile.inc", ".control\nshell " TOUCH "\n.endc\n");
    mkdir(path_of("sub"), 0700);
    ck_assert(symlink("/etc/passwd", path_of("link.inc")) == 0 || access(path_of("link.inc"), F_OK) == 0);
    mkfifo(path_of("fifo.inc"), 0600);
    setenv("HOME", folder, 1);
    ck_assert_int_eq(chdir(folder), 0);
}

START_TEST(hostile_circuits_run_nothing) {
    struct es_import import;
    struct es_error error = {""};
    lay_traps();
    put("circuit.cir", hostile[_i].text);
    enum es_status status = es_import_read("circuit.cir", &import, &error);
    ck_assert_msg(!canary_lives(), "%s", hostile[_i].text);
    if (hostile[_i].says)
        ck_assert_msg(status == ES_BAD_INPUT && strstr(error.text, hostile[_i].says), "%s gives %s", hostile[_i].text, error.text);
    else
        ck_assert_msg(status == ES_OK, "%s gives %s", hostile[_i].text, error.text);
    es_import_free(&import);
}
END_TEST

// The same texts past every check: the process that ngspice runs in can start no program and open no file.
START_TEST(the_process_of_ngspice_is_confined) {
    const char *line[4096];
    size_t lines = 0, parts;
    struct es_flat_part *part;
    struct es_error error = {""};
    if (strstr(hostile[_i].says ? hostile[_i].says : "", "65536")) // which only takes its time
        return;
    lay_traps();
    put("canary.inc", "C9 z 0 1n\n");
    char *text = strdup(hostile[_i].text), *rest = strchr(text, '\n') + 1, *word;
    while ((word = strsep(&rest, "\n")))
        line[lines++] = word;
    struct es_arena *arena = es_arena_new();
    es_ngspice_expand(line, lines, true, arena, &part, &parts, &error); // whatever it says
    ck_assert_msg(!canary_lives(), "%s", text);
    es_arena_free(arena);
    free(text);
}
END_TEST

// Each of the two by itself: no program is started, though files may be opened; and no file is opened.
START_TEST(each_confinement_holds) {
    struct es_flat_part *part;
    struct es_error error = {""};
    size_t parts;
    int fd[2];
    lay_traps();
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
    pid_t pid = fork();
    if (pid == 0) {
        char command[128];
        snprintf(command, sizeof command, "touch %s", path_of("canary"));
        es_confine(fd[1]);
        FILE *seen = fopen(path_of("confined"), "w");
        int status = system(command);
        _exit(!seen || status == 0);
    }
    int status;
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    ck_assert(!canary_lives());
    const char *included = put("canary.inc", "C9 a 0 1n\n"), *line[2] = {"C1 a 0 1n ic=1"};
    char text[160];
    snprintf(text, sizeof text, ".include %s", included);
    line[1] = text;
    struct es_arena *arena = es_arena_new();
    es_ngspice_expand(line, 2, true, arena, &part, &parts, &error);
    ck_assert_uint_le(parts, 1);
    es_arena_free(arena);
}
END_TEST

// What is proven by the canary is worth as much as the canary: in ngspice itself it does come to life.
START_TEST(the_canary_lives_in_ngspice) {
    static const char *const decks[] = {"title\n.control\nshell " TOUCH "\n.endc\nR1 a 0 1\n.end\n", "title\n*#shell " TOUCH "\nR1 a 0 1\n.end\n"};
    lay_traps();
    ck_assert_int_eq(unlink(path_of(".spiceinit")), 0);
    put("circuit.cir", decks[_i]);
    ck_assert(!canary_lives());
    int status = system("ngspice -b circuit.cir >/dev/null 2>&1 </dev/null");
    (void)status;
    ck_assert(canary_lives());
}
END_TEST

// Files of a size that passes, and which take time that nobody has if they are not stopped.
START_TEST(what_multiplies_is_bounded) {
    static const char *const says[] = {"more than 65536 elements", "more than 65536 lines"};
    struct es_import import;
    struct es_error error = {""};
    FILE *file = fopen(path_of("wide.cir"), "wb");
    ck_assert_ptr_nonnull(file);
    fprintf(file, "title\nC1 a 0 1n ic=1\nX1 a c0\n");
    for (int i = 0; i < (_i ? 70000 : 14); i++) // cells that hold nothing but ten of the next, or nothing
        for (int k = -1; k < (_i ? 1 : 11); k++)
            k < 0 ? fprintf(file, ".subckt c%d a\n", i) : k < 10 && !_i ? fprintf(file, "X%d a c%d\n", k, i + 1) : fprintf(file, ".ends\n");
    fprintf(file, ".subckt c14%s a\n.ends\n", _i ? "z" : "");
    fclose(file);
    ck_assert_int_eq(es_import_read(path_of("wide.cir"), &import, &error), ES_BAD_INPUT);
    ck_assert_msg(strstr(error.text, says[_i]) != NULL, "%s", error.text);
    es_import_free(&import);
}
END_TEST

START_TEST(a_circuit_is_bounded) {
    struct es_import import;
    struct es_error error = {""};
    FILE *file = fopen(path_of("big.cir"), "wb");
    ck_assert_ptr_nonnull(file);
    for (size_t i = 0; i < (ES_SPICE_BYTES >> 5) + 1; i++)
        fprintf(file, "* 0123456789012345678901234567890\n");
    fclose(file);
    ck_assert_int_eq(es_import_read(path_of("big.cir"), &import, &error), ES_BAD_INPUT);
    ck_assert_ptr_nonnull(strstr(error.text, "bytes with its included files"));
    es_import_free(&import);
    ck_assert_int_eq(es_import_read(path_of("none.cir"), &import, &error), ES_BAD_INPUT);
    ck_assert_ptr_nonnull(strstr(error.text, "none.cir"));
    es_import_free(&import);
}
END_TEST

Suite *test_suite(void) {
    Suite *suite = suite_create("import");
    TCase *tests = tcase_create("import");
    tcase_set_timeout(tests, 120);
    tcase_add_checked_fixture(tests, make_folder, remove_folder);
    tcase_add_loop_test(tests, imported_circuits_do_what_ngspice_does, 0, sizeof circuits / sizeof *circuits);
    tcase_add_test(tests, parts_become_elements);
    tcase_add_loop_test(tests, gyrators_in_either_orientation, 0, 6);
    tcase_add_test(tests, what_a_network_is_and_why_not);
    tcase_add_test(tests, names_are_made_fit);
    tcase_add_loop_test(tests, written_experiments_read_back, 0, sizeof circuits / sizeof *circuits);
    tcase_add_test(tests, waveforms_are_sampled);
    tcase_add_test(tests, current_sources_side_by_side);
    tcase_add_test(tests, capacitors_of_0_F_are_told_of);
    tcase_add_test(tests, loops_without_an_operating_point_are_told_of);
    tcase_add_test(tests, pulses_between_points_are_told_of);
    tcase_add_test(tests, nodes_of_any_name);
    tcase_add_loop_test(tests, what_is_not_supported_is_named_with_its_line, 0, sizeof unsupported / sizeof *unsupported);
    tcase_add_loop_test(tests, hostile_circuits_run_nothing, 0, HOSTILE);
    tcase_add_loop_test(tests, the_process_of_ngspice_is_confined, 0, HOSTILE);
    tcase_add_test(tests, each_confinement_holds);
    tcase_add_loop_test(tests, the_canary_lives_in_ngspice, 0, 2);
    tcase_add_loop_test(tests, what_multiplies_is_bounded, 0, 2);
    tcase_add_test(tests, a_circuit_is_bounded);
    suite_add_tcase(suite, tests);
    return suite;
}
