// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// A block: up to ES_LANES passes that are stepped side by side, compiled from the network into flat lists of branches.
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

// One product to integrate, by rows of values.
struct es_product {
    const struct es_lanes *ap, *an, *bp, *bn; // a = ap - an, b = bp - bn
    struct es_lanes *sum;
};

struct es_block {
    const struct es_network *net;
    const struct es_batch *batch;
    struct es_arena *arena; // owner of the arrays
    double *k;              // [elements]
    size_t passes;          // used lanes
    const struct es_pass *pass;
    double h;
    size_t steps;
    // State at the grid points and where the quadrature reads: [nodes + 1].
    struct es_lanes *flux, *voltage, *flux_at, *voltage_at;
    struct es_lanes *force;         // [nodes + 1]
    struct es_lanes *input;         // [channels]
    struct es_lanes *target, *miss; // [outputs] target, and flux less target at the quadrature point
    struct es_lanes *nudge;         // [outputs]
    bool charged, pulled;    // some voltage, some flux output is nudged
    bool missed;             // miss is read
    size_t capacitors, potentials, drives, conductances;
    struct es_branch *capacitor, *potential, *drive, *conductance, *output; // outputs: net->outputs of them
    size_t positions, velocities; // products of flux, input and error; products of voltages
    struct es_product *position, *velocity;
    double *trace;             // [2 nodes] scratch
    struct es_lanes *integral; // [accumulators]
};

// A stepper takes a block from its initial state to T.
struct es_stepper {
    struct es_scheme scheme;
    bool middle; // reads flux and voltage in the middle of a step, otherwise where they are
    enum es_status (*run)(struct es_block *block, struct es_error *error);
};

extern const struct es_stepper es_verlet, es_midpoint;

// Fills in the block; `block` has net, batch, arena, k, passes and pass set.
void es_block_compile(struct es_block *block, bool middle);

// Inputs and targets at grid point n, or, with `middle`, their means over the step n .. n + 1.
void es_block_signals(struct es_block *block, size_t n, bool middle);

// block->miss = flux less target at the outputs, if anything reads it.
void es_block_miss(struct es_block *block, const struct es_lanes *flux);

// block->force = - sum Gamma psi - sum G v + sum g x - nudges, at flux [nodes + 1], with voltage, input and miss as they stand.
void es_block_force(struct es_block *block, const struct es_lanes *flux);

// sum += weight a b for a list of products.
void es_block_accumulate(size_t products, const struct es_product *product, double weight);

// Entries of scale_m M + scale_k K + scale_g G, nudge elements included, for es_solver_new. Returns their number.
size_t es_block_entries(struct es_block *block, double scale_m, double scale_k, double scale_g, struct es_entry **entry);

// voltage = (M + nudges)^-1 M voltage: nudge capacitors are connected uncharged, node charge is conserved.
enum es_status es_block_connect(struct es_block *block, struct es_error *error);

// Gives lane 0 to the batch's sink, if there is one, as the state at grid point n.
void es_block_trace(const struct es_block *block, size_t n, const struct es_lanes *voltage);

#endif
