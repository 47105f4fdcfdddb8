// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// Reversible stepping of libngspice: uniform steps of the trapezoidal rule through the middles of the steps of the pass (starter.h).
// ngspice's points are at h/2 (the pass's t = 0), h (the middle of its first step), 2 h, ..., N h; sources are functions of t - h/2. Each
// pass loads its deck anew, so that nothing of one pass is left in the next. Circuits of transistors take ngspice's own steps.
#include "engine/ngspice/worker.h"

#include "core/clock.h"
#include "engine/ngspice/confine.h"
#include "engine/ngspice/meter.h"
#include "engine/ngspice/message.h"
#include "engine/ngspice/starter.h"
#include "net/resistive.h"
#include "netlist/cmos.h"
#include "netlist/deck.h"
#include "netlist/dialect.h"

#include <math.h>
#include <ngspice/sharedspice.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct source {
    const char *name; // of the voltage source, lower case
    const char *seen; // the same as ngspice's pointer, which is stable within a pass
    struct es_deck_source signal;
};

struct worker {
    int fd;
    const struct es_network *net;
    const struct es_scheme *scheme;
    const struct es_cmos_kit *kit;
    struct es_arena *arena; // of the current pass
    struct es_batch batch;
    struct es_pass pass, start; // as asked; after its nudges are connected
    struct es_model model;
    bool traced;
    struct es_meter meter;
    double *middle; // [steps][nodes] voltages in the middle of each step, or NULL where they are not recorded
    bool metered; // the meter knows ngspice's vectors
    int scale;    // which of them is time
    size_t sources;
    struct source *source;
    double h, end, time;    // step, end time, time of the last point [s]
    size_t points, wanted;  // points so far; 0: as many as ngspice likes
    size_t rejected;
    double callback_s;
    double moved;         // the largest change of a voltage from the point before, of a state of rest
    char problem[512]; // the first that was seen, or ""
};

static void note(struct worker *w, const char *problem) {
    if (!w->problem[0])
        snprintf(w->problem, sizeof w->problem, "%.500s", problem);
}

// ---- callbacks -------------------------------------------------------------------------------------------------------

static int on_text(char *text, int id, void *user) {
    (void)id;
    struct worker *w = user;
    if (w->arena && (strncmp(text, "stderr Error", 12) == 0 || strncmp(text, "stderr warning, can't find", 26) == 0 ||
                     strstr(text, "simulation(s) aborted") || strstr(text, "Timestep too small") || strstr(text, "singular matrix")))
        note(w, text + 7);
    return 0;
}

static int on_exit_request(int status, NG_BOOL immediate, NG_BOOL quit, int id, void *user) {
    (void)immediate, (void)quit, (void)id, (void)user;
    _exit(status ? status : 3); // the instance is dead: the engine replaces this worker
}

static double grid_time(const struct worker *w, size_t point) { // of point 1, 2, ...
    return point < 2 ? w->h / 2 : (double)(point - 1) * w->h;
}

static int on_sync(double t, double *delta, double old, int redo, int id, int location, void *user) {
    (void)old, (void)id;
    struct worker *w = user;
    if (redo)
        w->rejected++;
    if (location != 0 || !w->wanted)
        return 0;
    double start = es_now(), target = fmin(grid_time(w, w->points + 1), w->end), step = target - t;
    while (t + step > w->end)
        step = nextafter(step, 0);
    *delta = step;
    w->callback_s += es_now() - start;
    return 0;
}

// An input that is played late, at time t of the pass: linear between the grid points.
static double skewed_at(const struct worker *w, const struct es_deck_source *signal, double t) {
    const struct es_grid *grid = &w->batch.grid;
    double steps = (double)es_grid_steps(grid), at = fmin(fmax(t / es_grid_step(grid), 0), steps);
    size_t n = (size_t)fmin(at, steps - 1);
    double now = es_pass_input(grid, &w->pass, signal->sample, n), next = es_pass_input(grid, &w->pass, signal->sample, n + 1);
    return signal->scale * (now + (at - (double)n) * (next - now));
}

// A signal at time t of the pass: linear between its samples, or constant in parts.
static double signal_at(const struct worker *w, const struct es_deck_source *signal, double t) {
    const struct es_grid *grid = &w->batch.grid;
    double parts = signal->parts ? (double)signal->parts : 1, length = (double)(grid->points - 1) * parts;
    double at = fmin(fmax(t / grid->interval * parts, 0), length);
    at = w->pass.reversal ? length - at : at;
    size_t k = (size_t)fmin(at, length - 1);
    if (signal->skewed)
        return skewed_at(w, signal, t);
    if (!signal->sample)
        return signal->growth != 0 ? exp(signal->growth * t) : 0;
    double between = signal->parts ? 0 : (at - (double)k) * (signal->sample[k + 1] - signal->sample[k]);
    return signal->scale * (signal->sample[k] + between);
}

static double window_at(const struct worker *w, double t) {
    return w->pass.window ? signal_at(w, &(struct es_deck_source){"", w->pass.window, 1, 1, 0, false}, t) : 1;
}

static int on_source(double *value, double t, char *name, int id, void *user) {
    (void)id;
    struct worker *w = user;
    size_t i = 0;
    while (i < w->sources && w->source[i].seen != name)
        i++;
    for (size_t j = 0; i == w->sources && j < w->sources; j++)
        if (strcmp(w->source[j].name, name) == 0) {
            w->source[j].seen = name;
            i = j;
        }
    if (i == w->sources) {
        note(w, "ngspice asks for a source that is not in the deck");
        return 0;
    }
    *value = signal_at(w, &w->source[i].signal, t - (w->wanted ? w->h / 2 : 0));
    return 0;
}

static int on_current_source(double *value, double t, char *name, int id, void *user) {
    (void)t, (void)name, (void)id, (void)user;
    *value = 0;
    return 0;
}

static int on_vectors(pvecinfoall info, int id, void *user) {
    (void)info, (void)id, (void)user;
    return 0;
}

// Target of a voltage output at time t of the pass, with its sign.
static double target_at(const struct worker *w, size_t output, double t) {
    if (!w->pass.target)
        return 0;
    struct es_deck_source y = {"", w->pass.target + output * w->batch.grid.points, w->pass.reversal ? w->pass.reversal->voltage_target : 1, 0, 0, false};
    return signal_at(w, &y, t);
}

static void start_meter(struct worker *w, const vecvaluesall *all) {
    const char **name = ES_NEW(w->arena, (size_t)all->veccount, const char *), *missing;
    for (int i = 0; i < all->veccount; i++) {
        name[i] = all->vecsa[i]->name;
        w->scale = all->vecsa[i]->is_scale ? i : w->scale;
    }
    if (!es_meter_start(&w->meter, &w->model, &w->batch, &w->start, w->scheme, w->arena, (size_t)all->veccount, name, &missing))
        note(w, es_arena_printf(w->arena, "ngspice has no vector %s", missing));
    for (size_t o = 0; o < w->net->outputs; o++)
        w->meter.nudge_charge[o] = window_at(w, 0) * (es_across(&w->net->element[w->net->output[o]], w->start.voltage) - target_at(w, o, 0));
    w->metered = true;
}

// The voltages at the grid point that the meter has reached: where a window or growth changes the nudge capacitors, from the charge.
static const double *grid_voltage(struct worker *w) {
    const struct es_network *net = w->net;
    struct es_meter *meter = &w->meter;
    if (!meter->recharged || !meter->middles)
        return meter->voltage;
    double *charge = ES_NEW(w->arena, net->nodes, double), *voltage = ES_NEW(w->arena, net->nodes, double);
    double t = (double)(w->points - 1) * w->h, window = window_at(w, t - w->h / 2) * exp(w->pass.growth * t);
    es_model_momentum(&w->model, meter->voltage, charge);
    for (size_t o = 0; o < net->outputs; o++) {
        const struct es_element *e = &net->element[net->output[o]];
        if (e->read == ES_READ_VOLTAGE)
            es_add_across(e, charge, w->pass.nudge[o] * (meter->nudge_charge[o] + window * target_at(w, o, t)));
    }
    for (size_t i = 0; i < net->nodes; i++)
        voltage[i] = meter->voltage[i]; // of the sources
    struct es_error error;
    if (es_starter_voltage(&w->model, w->pass.nudge, window, charge, voltage, w->arena, &error) != ES_OK)
        note(w, error.text);
    return voltage;
}

// Node flux and voltage at time t to the engine's sink.
static void send_point(struct worker *w, double t, const double *flux, const double *voltage) {
    const size_t nodes = w->net->nodes;
    enum es_message message = ES_MESSAGE_POINT;
    if (!es_send(w->fd, &message, sizeof message) || !es_send(w->fd, &t, sizeof t) || !es_send(w->fd, flux, nodes * sizeof(double)) ||
        !es_send(w->fd, voltage, nodes * sizeof(double)))
        _exit(0);
}

static void take_point(struct worker *w, double t) {
    double sign = w->pass.reversal && w->pass.reversal->swapped ? -1 : 1;
    w->points++;
    if (!w->wanted) {
        double dt = t - w->time;
        es_meter_point(&w->meter, sign * dt, window_at(w, t - dt / 2), 1, w->points > 1);
        if (w->traced)
            send_point(w, t, w->meter.flux, w->meter.voltage);
        return;
    }
    double middle = ((double)w->points - 1.5) * w->h; // the first point is the pass's own beginning
    if (w->points > 1)
        es_meter_point(&w->meter, sign * w->h, window_at(w, middle), exp(w->pass.growth * middle), true);
    for (size_t i = 0; i < w->net->nodes && w->middle && w->points > 1; i++)
        w->middle[(w->points - 2) * w->net->nodes + i] = w->meter.values[w->meter.place[i]];
    if (w->traced)
        send_point(w, (double)(w->points - 1) * w->h, w->meter.flux, grid_voltage(w));
}

// The voltages of a state of rest, by name.
static void take_rest(struct worker *w, const vecvaluesall *all) {
    w->moved = 0;
    for (size_t node = 0; node < w->net->nodes; node++) {
        const char *name = es_deck_node(w->arena, w->net, node);
        int i = 0;
        while (i < all->veccount && strcmp(all->vecsa[i]->name, name) != 0)
            i++;
        if (i == all->veccount)
            note(w, es_arena_printf(w->arena, "ngspice has no vector %s", name));
        else {
            w->moved = fmax(w->moved, fabs(all->vecsa[i]->creal - w->meter.voltage[node]));
            w->meter.voltage[node] = all->vecsa[i]->creal;
        }
    }
    for (int i = 0; i < all->veccount; i++)
        w->time = strcmp(all->vecsa[i]->name, "time") == 0 ? all->vecsa[i]->creal : w->time;
    w->points++;
}

static int on_point(pvecvaluesall all, int count, int id, void *user) {
    (void)count, (void)id;
    struct worker *w = user;
    if (!w->arena)
        return 0;
    double start = es_now(), t = w->time;
    if (w->scheme->equilibrium) {
        take_rest(w, all);
        return 0;
    }
    if (!w->metered)
        start_meter(w, all);
    if ((size_t)all->veccount == w->meter.vectors && !w->problem[0]) {
        for (int i = 0; i < all->veccount; i++)
            w->meter.values[2 + i] = all->vecsa[i]->creal;
        t = w->meter.values[2 + w->scale];
        take_point(w, t);
    }
    w->time = t;
    w->callback_s += es_now() - start;
    return 0;
}

// ---- passes ----------------------------------------------------------------------------------------------------------

static void list_sources(struct worker *w) {
    struct es_deck_source *signal;
    w->sources = es_deck_sources(w->arena, &w->model, &w->batch, &w->pass, &signal);
    w->source = ES_NEW(w->arena, w->sources, struct source);
    for (size_t i = 0; i < w->sources; i++)
        w->source[i] = (struct source){es_arena_printf(w->arena, "v_%s", signal[i].node), NULL, signal[i]};
}

static void command(const char *text) {
    char copy[256]; // ngspice takes a writable string
    snprintf(copy, sizeof copy, "%s", text);
    ngSpice_Command(copy);
}

static void load(struct worker *w) {
    struct es_error error;
    struct es_pass early;
    double before = !w->wanted ? 0 : w->pass.reversal && w->pass.reversal->swapped ? -w->h / 2 : w->h / 2;
    enum es_status status = es_model_new(w->net, w->pass.theta, w->arena, &w->model, &error);
    if (status == ES_OK)
        status = es_starter_state(&w->model, &w->batch, &w->pass, before, w->arena, &w->start, &early, &error);
    if (status != ES_OK) {
        note(w, error.text);
        return;
    }
    list_sources(w);
    if (w->batch.recorded)
        w->middle = ES_NEW(w->arena, es_grid_steps(&w->batch.grid) * w->net->nodes, double);
    struct es_circuit *circuit;
    char **deck = NULL;
    if (w->scheme != &es_transistors)
        deck = es_deck_lines(w->arena, &w->model, &w->batch, &early, w->wanted ? ES_DECK_UNIFORM : ES_DECK_ADAPTIVE, &error);
    else if (es_cmos_pass(w->kit, &w->model, &w->batch.grid, &w->pass, w->arena, &circuit, &error) == ES_OK)
        deck = es_circuit_lines(circuit, &es_dialect_ngspice, w->arena, &error);
    if (!deck || ngSpice_Circ(deck))
        note(w, deck ? "ngspice refused the deck" : error.text);
}

// Runs the transient and says what was wrong with it in w->problem.
static void transient(struct worker *w, struct es_result *result) {
    bool uniform = w->scheme->middle;
    w->h = es_grid_step(&w->batch.grid);
    size_t steps = es_grid_steps(&w->batch.grid);
    w->wanted = uniform ? steps + 1 : 0;
    w->end = (double)steps * w->h;
    load(w);
    char text[256];
    snprintf(text, sizeof text, "tran %.17g %.17g 0 %.17g%s", uniform ? w->end : w->h, w->end, w->h, w->scheme == &es_transistors ? "" : " uic");
    double start = es_now();
    if (!w->problem[0])
        command(text);
    result->tran_s = es_now() - start;
    result->callback_s = w->callback_s;
    if (!w->problem[0] && (fabs(w->time / w->end - 1) > 1e-9 || (uniform && (w->points != w->wanted || w->rejected)))) {
        snprintf(text, sizeof text, "transient ended at %g of %g s with %zu of %zu points, %zu steps rejected", w->time, w->end, w->points, w->wanted, w->rejected);
        note(w, text);
    }
}

// ngspice finds states of rest that are not stable too.
static void check_stability(struct worker *w) {
    struct es_resistive resistive;
    struct es_error error;
    if (es_resistive_new(w->net, w->arena, &resistive, &error) != ES_OK ||
        es_resistive_stable(&resistive, &w->model, w->pass.nudge, w->meter.voltage, &error) != ES_OK)
        note(w, error.text);
}

// The operating point in place of a transient, or where one settles.
static void rest(struct worker *w, struct es_result *result) {
    struct es_error error;
    const struct es_grid *grid = &w->batch.grid;
    bool settles = w->scheme == &es_settle;
    double end_time = (double)(grid->points - 1) * grid->interval;
    char text[256];
    snprintf(text, sizeof text, "tran %.17g %.17g 0 %.17g uic", end_time / 20, end_time, end_time / 20);
    w->meter = (struct es_meter){.voltage = ES_NEW(w->arena, w->net->nodes, double), .flux = ES_NEW(w->arena, w->net->nodes, double),
                                 .integral = ES_NEW(w->arena, w->batch.accumulators, double)};
    char **deck = NULL;
    if (es_model_new(w->net, w->pass.theta, w->arena, &w->model, &error) == ES_OK)
        deck = es_deck_lines(w->arena, &w->model, &w->batch, &w->pass, settles ? ES_DECK_SETTLE : ES_DECK_REST, &error);
    if (!deck || ngSpice_Circ(deck))
        note(w, deck ? "ngspice refused the deck" : error.text);
    double start = es_now();
    if (!w->problem[0])
        command(settles ? text : "op");
    result->tran_s = es_now() - start;
    if (w->points < 1 || (settles && !(fabs(w->time / end_time - 1) < 1e-9)))
        note(w, settles ? "the transient did not reach its end" : "ngspice found no operating point");
    else if (settles && w->moved > 1e-9)
        note(w, es_arena_printf(w->arena, "the network has not settled: the last step, a 20th of the pass, still moved a node by %.2g V; "
                                          "take the scheme op", w->moved));
    if (!w->problem[0])
        check_stability(w);
    es_equilibrium_products(&w->batch, w->net, &w->pass, w->meter.voltage, w->meter.integral);
    for (int end = 0; end < 2 && w->traced && !w->problem[0]; end++)
        send_point(w, end ? end_time : 0, w->meter.flux, w->meter.voltage);
}

static bool answer(struct worker *w, struct es_result *result) {
    if (!w->problem[0]) {
        result->integral = w->meter.integral;
        result->flux = w->meter.flux;
        result->middle = w->middle;
        memcpy(result->voltage, grid_voltage(w), w->net->nodes * sizeof *result->voltage);
        for (size_t e = 0; e < w->net->elements; e++)
            result->offset[e] = w->pass.offset[e];
        for (size_t i = 0; i < w->meter.owns; i++)
            result->offset[w->meter.own[i].element] = w->meter.own[i].flux - es_across(&w->net->element[w->meter.own[i].element], result->flux);
        return es_send_result(w->fd, w->net, &w->batch, result);
    }
    enum es_message failed = ES_MESSAGE_FAILED;
    return es_send(w->fd, &failed, sizeof failed) && es_send(w->fd, w->problem, sizeof w->problem);
}

static bool serve(struct worker *w) {
    struct es_arena *arena = es_arena_new();
    *w = (struct worker){.fd = w->fd, .net = w->net, .scheme = w->scheme, .kit = w->kit, .arena = arena};
    bool good = es_receive_pass(w->fd, w->net, arena, &w->batch, &w->pass, &w->traced);
    if (good) {
        struct es_result result = {.voltage = ES_NEW(arena, w->net->nodes, double), .offset = ES_NEW(arena, w->net->elements, double)};
        (w->scheme->equilibrium ? rest : transient)(w, &result);
        good = answer(w, &result);
        w->arena = NULL; // what ngspice says while it cleans up is not about the pass
        command("destroy all");
        command("remcirc");
        ngSpice_Command(NULL); // drops its history of commands
    }
    es_arena_free(arena);
    return good;
}

// ---- the process -----------------------------------------------------------------------------------------------------

_Noreturn void es_worker_main(int fd, const struct es_network *net, const struct es_scheme *scheme, const struct es_cmos_kit *kit) {
    fd = es_confine(fd);
    struct worker worker = {.fd = fd, .net = net, .scheme = scheme, .kit = kit};
    int id = 0;
    if (ngSpice_Init(on_text, NULL, on_exit_request, on_point, on_vectors, NULL, &worker) != 0 ||
        ngSpice_Init_Sync(on_source, on_current_source, on_sync, &id, &worker) != 0)
        _exit(3);
    command("set num_threads=1");
    command("save none"); // keeps vectors at length 1; on_point still sees all
    while (serve(&worker))
        ;
    _exit(0);
}

static double trapezoidal_frequency(double omega, double h) { // tan(w h / 2) = omega h / 2
    return 2 / h * atan(omega * h / 2);
}

const struct es_scheme es_trapezoidal = {
    .row = {"trapezoidal", "uniform reversible steps of the trapezoidal rule; the fastest mode comes out too slow by (omega h)^2 / 12", "ngspice 39; docs/theory.md 3"},
    .middle = true,
    .frequency = trapezoidal_frequency,
};

const struct es_scheme es_adaptive = {
    .row = {"adaptive", "ngspice's own choice of step and order, at most h; not reversible, for comparison", "ngspice 39"},
    .frequency = trapezoidal_frequency,
};

static double true_frequency(double omega, double h) {
    (void)h;
    return omega;
}

const struct es_scheme es_transistors = {
    .row = {"transistors", "a network of the technology cmos as transistors of --process, in ngspice's own steps of at most h", "netlist/cmos.h"},
    .frequency = true_frequency,
};

const struct es_scheme es_operating_point = {
    .row = {"op", "equilibria as operating points, sought from the voltages that the pass begins with", "ngspice 39"},
    .equilibrium = true,
};

const struct es_scheme es_settle = {
    .row = {"settle", "equilibria as the ends of transients that settle, from the voltages that the pass begins with, by capacitors to ground", "ngspice 39; docs/theory.md 7"},
    .equilibrium = true,
};
