// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// What any engine does: it runs passes. A pass is one transient of one sample, a pure request whose result does not depend
// on any pass before it. Integrals are accumulated while it runs, so that memory does not grow with its length.
//
// Grid: samples of the task at i interval, i = 0 .. points - 1, linearly interpolated between; the engine's step is
// h = interval / substeps, N = (points - 1) substeps steps, duration T = (points - 1) interval.
#ifndef ES_ENGINE_ENGINE_H
#define ES_ENGINE_ENGINE_H

#include "net/lagrangian.h"

#include <stdint.h>

struct es_grid {
    double interval; // [s]
    size_t points;   // >= 2
    size_t substeps; // >= 1
};

static inline double es_grid_step(const struct es_grid *grid) { // h [s]
    return grid->interval / (double)grid->substeps;
}

static inline size_t es_grid_steps(const struct es_grid *grid) { // N
    return (grid->points - 1) * grid->substeps;
}

// integral_0^T w a b dt, by the quadrature that belongs to the engine's scheme (docs/theory.md 3, discrete exactness).
struct es_accumulator {
    struct es_observable a, b;
    bool windowed; // w is the pass's window, else 1
};

// How a pass runs backwards: what is done to the state at the turn, and which signs the signals then have (docs/theory.md 3). Signals are
// replayed as x(T - t). With `swapped`, the outputs of every transconductor change sign, so that time itself runs backwards.
struct es_reversal {
    struct es_row row;
    double flux, voltage;                // of the state: phi and o, v and p
    double input, source;                // of current and of voltage sources
    double flux_target, voltage_target;
    bool swapped;
};
extern const struct es_row *const es_reversals[]; // of struct es_reversal
extern const struct es_reversal es_flip_voltages, es_flip_fluxes, es_swap_outputs;

// Where passes inject: a current beside an element, into p and out of n; or, in `series`, a voltage that adds to v in dpsi/dt of its branch: in
// series with an inductor (not a coupled one), at the input of a gyrator's gm1. The branch's flux is then its own.
struct es_injection {
    size_t element;
    bool series;
};

struct es_pass {
    const double *theta; // [parameters] in SI units
    // Initial state: node flux [Wb] and voltage [V] [nodes], the branches' own offsets [Wb] [elements]. Nudge capacitors are connected to
    // it uncharged, so that node charge is conserved: (M + N) v(0+) - N y = M voltage. A source sets its node's voltage.
    const double *flux, *voltage, *offset;
    const double *input;  // [channels][points] in V; an equilibrium takes the first point
    const double *target; // [outputs][points] in Wb or V, as the output reads; or NULL for 0
    const double *window; // [points - 1] weight of nudges and windowed integrals in each interval between samples; or NULL for 1
    // [outputs], or NULL for 0: at a voltage output a capacitor N [F] from its branch to its target voltage; at a flux output an inverse
    // inductance [1/H] from its branch to its target flux. Negative values are negative elements.
    const double *nudge;
    bool connected; // the nudge capacitors have their charge already: `voltage` is v(0+)
    const struct es_reversal *reversal; // NULL: forward
    // Of a pass that runs backwards: its inputs are played this much late [s], x(T - t + skew), held at their ends; in each step they go from their
    // value at its beginning to that at its end. Targets, windows and injections are in time.
    double skew;
    // gamma [1/s] of a gain-flipped echo (docs/theory.md 5), else 0: conductances change sign, nudges grow as e^{gamma t} (a nudge capacitor N
    // with the conductance -gamma N beside it, its charge being N (v - y) of the moment), integrals are taken with e^{-gamma t}.
    double growth;
    // What the pass is for: the example's number in the data set, the update of the training, and 0 for the free pass or the number of the
    // rule's pass from 1 on. They change nothing here; noise is drawn by them.
    uint64_t sample, update;
    unsigned run;
    // [batch's injections][steps] in A or V, or NULL for 0: constant over each step; replayed like all signals, without a change of sign
    // (with swapped outputs a voltage at gm1's input is swapped with them).
    const double *injection;
};

// With an equilibrium scheme a pass is a state of rest (net/resistive.h) in place of a transient: at the first sample of inputs and targets, found from
// `voltage` on; a nudge at a voltage output is a conductance [S] from its branch to its target voltage; integrals are the products a b there, of voltages
// and inputs. flux, offset and what belongs to steps are not looked at, and those of the result are 0.

// Receives a trace: node flux and voltage [nodes] at time t [s], t = 0, h, ..., T.
struct es_sink {
    void (*point)(void *context, double t, const double *flux, const double *voltage);
    void *context;
};

// What the passes of one run have in common.
struct es_batch {
    struct es_grid grid;
    size_t accumulators;
    const struct es_accumulator *accumulator;
    size_t injections;
    const struct es_injection *injection;
    size_t passes;
    const struct es_pass *pass;
    const struct es_sink *sink; // or NULL; only with passes == 1
    bool recorded; // results keep the middles of the steps
};

// An input of the pass at its grid point n [V], without the reversal's sign; sample [points].
double es_pass_input(const struct es_grid *grid, const struct es_pass *pass, const double *sample, size_t n);

// [elements], from `arena`: whether the branch's flux is its own, at this theta and with these injections.
bool *es_batch_own_fluxes(const struct es_batch *batch, const struct es_model *model, struct es_arena *arena);

// The caller owns the arrays.
struct es_result {
    double *integral;                // [accumulators]
    double *flux, *voltage, *offset; // [nodes], [nodes], [elements] at T
    double *middle; // [steps][nodes] voltages in the middle of each step, where the batch is recorded; else NULL
    double tran_s, callback_s, wall_s; // time of the transient, of our callbacks in it, of the whole pass
};

struct es_cmos_kit;

struct es_engine_options {
    const char *scheme; // NULL: the engine's first
    size_t jobs;        // 0: the cores
    const struct es_cmos_kit *kit; // netlist/cmos.h; of the scheme es_transistors, and only of it; must outlive the engine
};

struct es_engine;

struct es_scheme {
    struct es_row row;
    bool conformal; // keeps the decay of uniform damping exactly, and takes no other conductances
    bool middle; // reads fluxes and voltages in the middle of its steps, which recorded and injecting passes need
    bool equilibrium; // finds states of rest, not transients
    double (*frequency)(double omega, double h); // angular frequency of the stepped oscillator; NaN where unstable; NULL of an equilibrium
};

struct es_engine_kind {
    struct es_row row;
    const struct es_row *const *schemes; // of struct es_scheme; the first is the default
    // `net` must outlive the engine.
    enum es_status (*open)(const struct es_network *net, const struct es_scheme *scheme, const struct es_engine_options *options,
                           struct es_engine **engine, struct es_error *error);
    // result [passes]. ES_BAD_INPUT: the scheme cannot run this network or such passes; ES_FAILED: the engine gave up, with its reason.
    enum es_status (*run)(struct es_engine *engine, const struct es_batch *batch, struct es_result *result, struct es_error *error);
    void (*close)(struct es_engine *engine);
};

// Every engine's struct starts with this.
struct es_engine {
    const struct es_engine_kind *kind;
    const struct es_scheme *scheme;
    const struct es_network *net;
    size_t jobs; // as asked for
};

extern const struct es_row *const es_engine_kinds[]; // of struct es_engine_kind
extern const struct es_engine_kind es_twin, es_ngspice;
extern const struct es_scheme es_transistors; // of es_ngspice

enum es_status es_engine_open(const struct es_engine_kind *kind, const struct es_network *net, const struct es_engine_options *options,
                              struct es_engine **engine, struct es_error *error);
enum es_status es_engine_run(struct es_engine *engine, const struct es_batch *batch, struct es_result *result, struct es_error *error);

// The engine's first scheme that finds equilibria, or that follows transients.
const struct es_scheme *es_engine_scheme(const struct es_engine_kind *kind, bool equilibrium);

// integral [accumulators]: the products of voltage [nodes] and the first inputs at an equilibrium.
void es_equilibrium_products(const struct es_batch *batch, const struct es_network *net, const struct es_pass *pass, const double *voltage, double *integral);
void es_engine_close(struct es_engine *engine); // NULL is allowed

// Results for `passes` passes, all arrays from one arena; and room for the middles of their steps.
struct es_result *es_results_new(struct es_arena *arena, const struct es_network *net, size_t accumulators, size_t passes);
void es_results_add_middles(struct es_arena *arena, const struct es_network *net, const struct es_grid *grid, size_t passes, struct es_result *result);

#endif
