// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// A network of nodes and elements, with its parameters (docs/theory.md, section 1):
//
//     L(phi, v, t; theta) = sum_capacitors C v_b^2 / 2  -  sum_inductors U(psi_b)  +  sum_inputs g x(t) psi_b
//
// phi [nodes] node flux in weber, v [nodes] node voltage in volt, theta [parameters] values in SI units; lagrangian.h is the network
// at one theta. Everything is in SI units.
#ifndef ES_NET_NETWORK_H
#define ES_NET_NETWORK_H

#include "core/arena.h"
#include "core/status.h"
#include "net/element.h"

enum { ES_GROUND = -1, ES_FIXED = -1, ES_MAX_NODES = 1024, ES_MAX_ELEMENTS = 16384 };
enum { ES_MAX_COUPLINGS = 1024, ES_MAX_COUPLED = 256 }; // of a network; inductors in one coupled group

enum es_read { ES_READ_VOLTAGE, ES_READ_FLUX }; // what an output gives to the cost

struct es_node {
    const char *name;
    int source; // element of the voltage source that holds it, or -1
    int line;   // of the file that declared it
};

struct es_element {
    const char *name;
    const struct es_element_kind *kind;
    int p, n;                     // nodes; ES_GROUND; of a coupling both
    size_t first, second;         // coupling: elements of the two inductors
    double value[ES_QUANTITIES];  // SI; start values where trained
    int parameter[ES_QUANTITIES]; // index into parameter[], or ES_FIXED; elements may share one
    double scale[ES_QUANTITIES];  // the element has scale times its parameter's value: its mismatch; 0, as where nothing is said, is 1
    int channel;                  // input, source, initial (or -1): index into channel[]; output: index into output[]; else -1
    enum es_read read;            // output
    int class;                    // output: index into class[], or -1
    int line;                     // of the file that declared it
};

// What a file says of itself: in the free pass of the task's first sample, the continuous circuit has this value.
struct es_expect {
    size_t node;
    enum es_read quantity;
    double time;      // [s], >= 0
    double value;     // [V] or [Wb]
    double tolerance; // > 0, relative to |value|; absolute in SI where value is 0
    int line;
};

// A coordinate maps a value theta with bounds to an unbounded u in which the optimiser steps: theta = value(u).
struct es_coordinate {
    struct es_row row;
    bool positive; // needs 0 < min
    double (*value)(double u, double min, double max);
    double (*inverse)(double theta, double min, double max);
    double (*slope)(double theta, double min, double max); // dtheta/du
};
extern const struct es_row *const es_coordinates[]; // of struct es_coordinate
extern const struct es_coordinate es_log, es_logistic;

// Identity of a parameter: the element and quantity that a local rule reads it from. Others that share it (a parasitic that follows a trained
// value) have no part in what such a rule measures, and all have in derivatives.
struct es_parameter {
    size_t element, quantity;
    double min, max; // SI, min < max, the element's start value lies between
    const struct es_coordinate *coordinate;
};

struct es_network {
    struct es_arena *arena; // owner of everything below
    const char *name;
    size_t nodes, elements, channels, outputs, classes, parameters;
    struct es_node *node;
    struct es_element *element;
    const char **channel;           // names of the input signals
    size_t *output;                 // [outputs] element of each output, in file order
    const char **class;             // names
    struct es_parameter *parameter;
    size_t expects;
    struct es_expect *expect; // in file order
    bool differential; // circuits of it have two wires for every node
};

void es_network_free(struct es_network *net); // NULL is allowed

// The network with a conductance gamma C [S] beside every capacitor C at theta, gamma >= 0 in 1/s: uniform damping, where there were no
// losses. From `arena`, and made of `net`, which must outlive it.
struct es_network *es_network_damped(const struct es_network *net, const double *theta, double gamma, struct es_arena *arena);

// theta [parameters]: the start values.
void es_network_start(const struct es_network *net, double *theta);

// dq/dtheta of a trained quantity.
static inline double es_element_scale(const struct es_element *e, size_t quantity) {
    return e->scale[quantity] != 0 ? e->scale[quantity] : 1;
}

// slope [parameters] += value dq/dtheta, where the quantity is trained.
static inline void es_element_add_slope(const struct es_element *e, size_t quantity, double value, double *slope) {
    if (e->parameter[quantity] != ES_FIXED)
        slope[e->parameter[quantity]] += value * es_element_scale(e, quantity);
}

// Makes a quantity `factor` times one of another element, or of the same, whether that is trained or not.
void es_element_follow(struct es_element *e, size_t quantity, const struct es_element *from, size_t of, double factor);

// The values of element e at theta: q [ES_QUANTITIES].
void es_element_values(const struct es_network *net, const double *theta, size_t e, double *q);

bool es_network_has(const struct es_network *net, enum es_term term); // an element of that term

bool es_network_couples(const struct es_network *net, size_t e); // whether a mutual inductance joins inductor e to another

// Whether the branch has an initial state of its own, so that its flux is not that of its nodes.
bool es_element_own_state(const struct es_element *element);

// Whether the branch's flux decays by itself, and whether it drifts (element.h).
bool es_element_decays(const struct es_element *element);
bool es_element_drifts(const struct es_element *element);

// Parameter i between its value theta and its coordinate u: theta(u), u(theta), dtheta/du at theta.
double es_parameter_value(const struct es_network *net, size_t i, double u);
double es_parameter_coordinate(const struct es_network *net, size_t i, double theta);
double es_parameter_slope(const struct es_network *net, size_t i, double theta);

// a[p] - a[n], ground being 0.
static inline double es_across(const struct es_element *e, const double *a) {
    return (e->p >= 0 ? a[e->p] : 0) - (e->n >= 0 ? a[e->n] : 0);
}

// a[p] += value, a[n] -= value.
static inline void es_add_across(const struct es_element *e, double *a, double value) {
    if (e->p >= 0)
        a[e->p] += value;
    if (e->n >= 0)
        a[e->n] -= value;
}

#endif
