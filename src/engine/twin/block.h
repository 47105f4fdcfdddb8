// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// A block: up to ES_LANES passes that are stepped side by side, compiled from the network into flat lists of branches. All of its
// passes have the same parameters, and begin and run in the same way (es_pass.connected, reversal, growth).
// Row `nodes` of the state arrays is ground: its flux and voltage are always 0.
#ifndef ES_ENGINE_TWIN_BLOCK_H
#define ES_ENGINE_TWIN_BLOCK_H

#include "engine/engine.h"
#include "engine/solver.h"

struct es_branch {
    int p, n; // rows; ground is row `nodes`
    int channel; // of a drive
    double k; // shared coefficient
};

// A potential that is more than k psi^2 / 2 of its nodes' flux: with a curve of its own, an offset, a partner, or observed.
struct es_curve {
    size_t element;
    struct es_branch branch;
    const struct es_element_kind *kind;
    const double *q;         // values
    bool own;                // its flux is its own: dpsi/dt = sense(v) - decay psi + drift + series, sense(v) being v but for sensing elements
    double decay, drift;     // [1/s], [V]; decay < 0 where time runs backwards, as losses do not turn
    double share;            // dpsi/dv in the middle of a step over h/2: 1 / (1 + decay h/2)
    struct es_lanes series;  // [V] injected in the step
    struct es_lanes offset;  // o [Wb]; of a branch with its own flux that flux
    struct es_lanes psi, current;
    struct es_lanes stiffness; // d2U/dpsi2 where es_block_factorise_here() was called
    struct es_lanes *slope;  // [ES_QUANTITIES] dU/dq, or NULL where nothing reads them
};

// A node that a voltage source holds.
struct es_held {
    size_t node;
    int channel;
    double ratio; // with the reversal's sign
};

// One product to integrate, by rows of values.
struct es_product {
    const struct es_lanes *ap, *an, *bp, *bn; // a = ap - an, b = bp - bn
    const struct es_lanes *weight;            // block->weight or block->weight_windowed
    struct es_lanes *sum;
};

struct es_block {
    const struct es_network *net;
    const struct es_batch *batch;
    struct es_arena *arena; // owner of the arrays
    struct es_arena *scratch, *scratch_here, *scratch_mass; // owners of the factors, renewed with them
    struct es_solver *mass; // of M + N where es_block_connect() or es_block_damp() left it; NULL before
    struct es_model model;
    size_t passes;          // used lanes
    const struct es_pass *pass;
    struct es_result *result; // [passes]
    const struct es_reversal *reversal; // or NULL
    double h;               // < 0 where time runs backwards
    size_t steps;
    // State at the grid points and where the quadrature reads: [nodes + 1].
    struct es_lanes *flux, *voltage, *flux_at, *voltage_at;
    struct es_lanes *force;         // [nodes + 1] in A
    struct es_lanes *charge;        // [nodes + 1] in C, brought in by sources and voltage targets since they last moved; 0 if `still`
    struct es_lanes *moved;         // [nodes + 1] scratch
    struct es_lanes *input;         // [channels]
    struct es_lanes *injection;     // [batch's injections] in A or V, of the step
    struct es_branch *injected_at;  // [batch's injections]
    struct es_lanes *target, *miss; // [outputs] target, and flux or voltage less target at the quadrature point
    struct es_lanes *nudge;         // [outputs] as the passes say
    struct es_lanes *nudge_at;      // [outputs] times the window of the step and what they have grown to
    struct es_lanes *window;        // [1] of the step
    struct es_lanes *weight, *weight_windowed; // [1] of the quadrature
    struct es_lanes *one;           // [1]
    double growth;           // gamma [1/s] of the passes, see es_pass
    double beside;           // conductance over capacitance of nudge capacitors [1/s]: -growth where the stepper has conductances
    double grown;            // e^{growth t} of nudges now
    bool charged, pulled;    // some voltage, some flux output is nudged
    bool still;              // no source and no voltage target brings charge in
    bool missed;             // errors are read
    bool targeted;           // some pass has targets, and they are read or nudged to
    bool windowed;           // some pass has a window
    bool injected;           // some pass has an injection
    bool nonlinear;          // some curve is
    bool observed;           // some curve is
    size_t capacitors, potentials, drives, conductances, curves, helds, biases;
    struct es_branch *capacitor, *potential, *drive, *bias, *conductance, *output; // outputs: net->outputs of them
    struct es_curve *curve;
    struct es_curve **curve_of; // [elements] or NULL
    unsigned *seen;             // [elements] bits of the signals that are integrated
    struct es_held *held;
    size_t positions, velocities; // products of flux, input and flux error; products of voltages
    struct es_product *position, *velocity;
    double *trace;             // [2 nodes] scratch
    struct es_lanes *integral; // [accumulators]
};

// A stepper takes a block from its initial state to T.
struct es_stepper {
    struct es_scheme scheme;
    enum es_status (*run)(struct es_block *block, struct es_error *error);
};

extern const struct es_stepper es_verlet, es_midpoint, es_conformal;

// The implicit midpoint rule (midpoint.c). Before and after each step the nodes' charge is multiplied by `decay`.
enum es_status es_midpoint_steps(struct es_block *block, double decay, struct es_error *error);

// Fills in the block; `block` has net, batch, arena, model, passes and pass set. The sources' nodes have their first voltage.
void es_block_compile(struct es_block *block, bool middle);

// Where on the grid: at point n, or in the middle of the step n .. n + 1, where signals are the means of their values at its ends.
struct es_moment {
    size_t n;
    bool middle;
};

// Inputs, targets and the voltages of sources as they are then; in the middle of a step its injection. block->charge becomes what the move of
// sources and voltage targets brings to the nodes: -M_fs dx + N dy.
void es_block_signals(struct es_block *block, struct es_moment moment);

// The window of step n: true if it differs from that before it in some lane (and for n = 0).
bool es_block_window(struct es_block *block, size_t n);

// The weight of nudges at flux outputs, and of windowed integrals of flux, at grid point n: half from the step before, half from the next.
void es_block_window_at_point(struct es_block *block, size_t n);

// Fluxes and currents of the curves at flux [nodes + 1]; those with their own flux are `ahead` seconds later, at block->voltage_at: after half a
// step of backward Euler, psi = (o + ahead (v + e)) / (1 + r ahead).
void es_block_curves(struct es_block *block, const struct es_lanes *flux, double ahead);

// dU/dq of the curves that are observed, at the fluxes they have now.
void es_block_slopes(struct es_block *block);

// The branches' own fluxes after h at voltage_at, es_block_curves() having been in the middle.
void es_block_flow(struct es_block *block);

// block->force = - sum U' - sum G v + sum g x + injections - nudges at flux outputs, and what is beside nudge capacitors, at flux and voltage
// [nodes + 1], with inputs and targets as they stand, after es_block_curves(). 0 at the nodes of sources.
void es_block_force(struct es_block *block, const struct es_lanes *flux, const struct es_lanes *voltage);

// product [nodes + 1] = - (M + N) x; 0 at the nodes of sources.
void es_block_momentum(const struct es_block *block, const struct es_lanes *x, struct es_lanes *product);

// sum += weight a b for a list of products. Flux errors and voltage errors are those at flux_at and voltage_at.
void es_block_accumulate(struct es_block *block, size_t products, const struct es_product *product);

// Factorises scale_m (M + N) + scale_k K + scale_g G, K at zero flux and of decaying fluxes over 1 + r h/2, with the nudges of the step and what is beside them. The solver is valid until the next call.
enum es_status es_block_factorise(struct es_block *block, double scale_m, double scale_k, double scale_g, struct es_solver **solver,
                                  struct es_error *error);

// block->mass, of M + N with the nudges of the step; valid until its own next call.
enum es_status es_block_factorise_mass(struct es_block *block, struct es_error *error);

// The same as the first with K where the curves stand, lane by lane; valid until its own next call.
enum es_status es_block_factorise_here(struct es_block *block, double scale_m, double scale_k, double scale_g, struct es_solver **solver,
                                       struct es_error *error);

// Nudge capacitors are set to the window of the step, those that come in being uncharged: node charge is conserved,
// (M + N') v' - N' y = (M + N) v - N y. `first`: there was no N.
enum es_status es_block_connect(struct es_block *block, bool first, struct es_error *error);

// Nudges grow to time t of the pass [s], node charge to `decay` of what it was: (M + N') v' - N' y = decay ((M + N) v - N y).
enum es_status es_block_damp(struct es_block *block, double decay, double t, struct es_error *error);

static inline bool es_block_reads_flux(const struct es_block *block, size_t output) {
    return block->net->element[block->net->output[output]].read == ES_READ_FLUX;
}

// out [nodes + 1] += value at p, -= value at n.
static inline void es_block_add(const struct es_branch *branch, const struct es_lanes *value, struct es_lanes *out) {
    for (int l = 0; l < ES_LANES; l++)
        out[branch->p].at[l] += value->at[l];
    for (int l = 0; l < ES_LANES; l++)
        out[branch->n].at[l] -= value->at[l];
}

// row [nodes + 1] becomes 0 at the nodes of sources.
static inline void es_block_clear_held(const struct es_block *block, struct es_lanes *row) {
    for (size_t i = 0; i < block->helds; i++)
        row[block->held[i].node] = (struct es_lanes){0};
}

// Keeps voltage_at as the middle of step n, where the batch is recorded.
void es_block_record(const struct es_block *block, size_t n);

// Gives lane 0 to the batch's sink, if there is one, as the state at grid point n.
void es_block_trace(const struct es_block *block, size_t n, const struct es_lanes *voltage);

#endif
