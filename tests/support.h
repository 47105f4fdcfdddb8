// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// Networks and problems for the tests, built without any file.
#ifndef ES_TESTS_SUPPORT_H
#define ES_TESTS_SUPPORT_H

#include "learn/gradient.h"

// An empty network of nodes n0, n1, ...; room for ES_MAX_ELEMENTS elements.
struct es_network *test_network(size_t nodes);

// Adds an element with up to three values (unused ones 0); returns its index. `p`, `n` are nodes or ES_GROUND.
size_t test_add(struct es_network *net, const struct es_element_kind *kind, int p, int n, double q0, double q1, double q2);

// Makes quantity `quantity` of an element a parameter, bounds a factor 10 around its value (or +-10 |value| where logistic).
void test_train(struct es_network *net, size_t element, size_t quantity, const struct es_coordinate *coordinate);

// Fixes what is not kept [parameters].
void test_keep(struct es_network *net, const bool *kept);

// Keeps every `every`-th parameter from `first` mod `every` on, where differences to all would take long.
void test_thin(struct es_network *net, size_t every, size_t first);

void test_output(struct es_network *net, int node, enum es_read read, int class);

// A random connected lossless network: capacitors (some between nodes), inductors and gyrators, one or two channels, all
// inductances, gm2 and gains trained. `class` outputs of voltage or flux for the energy cost, or flux outputs for tracking.
struct es_network *test_random_network(uint64_t seed, size_t nodes, bool energies);

// A random network of all kinds of element at the scale of Josephson junctions, everything trained that can be; outputs at every other node. With
// decays, inductors that are not coupled have a resistance and gyrators a leakage, with drifts gyrators have an offset.
enum { TEST_NONLINEAR = 1, TEST_SOURCE = 2, TEST_CHARGES = 4, TEST_GYRATORS = 8, TEST_DECAYS = 16, TEST_DRIFTS = 32 };
struct es_network *test_mixed_network(uint64_t seed, size_t nodes, int features, enum es_read read, bool classes);

// Initial state of a node; NAN for what is not given.
size_t test_initial(struct es_network *net, int node, double flux, double voltage, double charge);

// A ring of 8 nodes with 16 trained inductors (or gyrators), initial state, one input, two flux outputs.
struct es_network *test_ring(bool gyrators);

// Smooth inputs and targets for a network, inputs of 1 V, targets of `peak`; arrays from net->arena.
struct es_example test_example(struct es_network *net, uint64_t seed, const struct es_grid *grid, double omega, double peak, int label);

// 0 at first and at the end, 1 and 0.3 in between.
const double *test_window(struct es_network *net, const struct es_grid *grid);

// A grid of `points` samples with `steps` steps per period of the fastest mode at the start values.
struct es_grid test_grid(const struct es_network *net, double steps, size_t points);

// The largest |a - b| over the largest |b|, of n values.
double test_apart(size_t n, const double *a, const double *b);

// |a - b| / |b| and cosine of two gradients in the parameters' coordinates.
double test_distance(const struct es_network *net, const double *theta, const double *a, const double *b);
double test_cosine(const struct es_network *net, const double *theta, const double *a, const double *b);

struct es_engine *test_engine(const struct es_engine_kind *kind, const struct es_network *net, const char *scheme, size_t jobs);

// ---- problems --------------------------------------------------------------------------------------------------------

// A cost and the outputs it reads, with targets at the scale of test_mixed_network. Rows 0 .. TEST_KINDS - 1 have each cost, windowed and not; one more is
// of softmax-energies of voltages in a window.
struct test_kind {
    const struct es_cost *cost;
    enum es_read read;
    double peak; // of the targets
    bool windowed;
};
enum { TEST_KINDS = 12 };
extern const struct test_kind test_kinds[TEST_KINDS + 1];

// A problem and an example of it at the network's start values, and room for its gradients [parameters].
struct test_setting {
    struct es_network *net;
    struct es_problem problem;
    struct es_example example;
    double *theta, *slope, *difference, *adjoint;
};

// Without a problem or an example.
struct test_setting test_at_start(struct es_network *net);

// With smooth signals; the engine and the rule, and beta, are the caller's to choose.
struct test_setting test_set_up(struct es_network *net, const struct test_kind *kind, struct es_grid grid);

// Ends the engine, if there is one, and the network.
void test_tear_down(struct test_setting *s);

// What must succeed: that the problem's rule admits it; the gradient by that rule, returning the loss; differences at a step of 1e-3 to s->difference;
// the adjoint to s->adjoint.
void test_admitted(const struct test_setting *s);
double test_gradient(struct test_setting *s, double *slope);
void test_differences(struct test_setting *s);
void test_adjoint(struct test_setting *s);

// With ES_VERBOSE in the environment, prints two gradients.
void test_show(const struct test_setting *s, const double *a, const double *b);

// ---- states of rest --------------------------------------------------------------------------------------------------

// What finds states of rest: the twin's newton, and ngspice's op and settle.
enum { TEST_SOLVERS = 3 };
extern const struct test_solver {
    const struct es_engine_kind *kind;
    const char *scheme;
} test_solvers[TEST_SOLVERS];

// voltage [nodes] at rest with inputs x [channels], found from `voltage` on; nudge and target [outputs], or NULL. The second from 0 on, without nudges;
// it fails the test where no state of rest is found.
enum es_status test_rest(struct es_network *net, const struct test_solver *solver, const struct es_grid *grid, const double *x, const double *nudge,
                         const double *target, double *voltage, struct es_error *error);
void test_must_rest(struct es_network *net, const struct test_solver *solver, const struct es_grid *grid, const double *x, double *voltage);

// Two channels with inputs x, the cost softmax-voltages of classes or terminal-voltage.
struct test_setting test_rest_set_up(struct es_network *net, const struct es_rule *rule, bool classes, const struct test_solver *solver,
                                     const struct es_grid *grid, const double x[2]);

// Relative error of the rule's gradient at beta against s->difference.
double test_rest_error(struct test_setting *s, double beta);

// The rule's gradient at the best of a few betas, and the implicit one, against differences.
void test_rest_exact(struct test_setting *s, const char *name, double limit, double implicit_limit);

#endif
