// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// Losses and gradients of a batch of samples, by an engine and a rule; and the references that prove them.
#ifndef ES_LEARN_GRADIENT_H
#define ES_LEARN_GRADIENT_H

#include "learn/cost.h"
#include "learn/experiment.h"
#include "learn/rule.h"

// One sample as the passes see it: input [channels][points], target [outputs][points] or NULL, window [points - 1] or NULL.
struct es_example {
    const double *input, *target, *window;
    int label; // or -1
    uint64_t sample; // its number in the data set, for rules that draw
};

extern const struct es_row *const es_samplers[]; // of struct es_sampler, learn/thermal.h

// What all of the functions below need.
struct es_problem {
    const struct es_network *net;
    const struct es_cost *cost;
    const struct es_rule *rule;
    struct es_engine *engine;
    struct es_grid grid;
    double beta;        // dimensionless
    double temperature; // of the cost, if it has one
    double mass;        // dimensionless, of heb-self's parameters, see learn/heb_self.h
    const struct es_sampler *sampler;   // of rules that compare thermal averages (learn/thermal.h), or NULL
    double kt;                          // k T of the sampler, in its unit
    size_t chains;                      // independent passes of the sampler at each nudge
    uint64_t seed, update;              // of its noise
    const struct es_reversal *reversal; // how the rule turns back
    bool losses_allowed; // the user accepts a biased gradient
    void (*progress)(void *context, double done); // or NULL: told how much of a long computation is done, 0 .. 1
    void *context;                                // of progress
};

// loss [examples], and, where not NULL: energy [examples][classes], the cost's readings value [examples][outputs], and the seconds of each
// pass summed up.
struct es_free {
    double *loss;
    double *energy, *value;
    double tran_s, callback_s, wall_s;
};

// The free passes of all examples; of a rule with a loss of its own, its free solutions (then without energies, readings and seconds).
enum es_status es_losses(const struct es_problem *problem, const double *theta, size_t examples, const struct es_example *example,
                         struct es_free *free, struct es_error *error);

struct es_gradient {
    double *slope;         // [parameters] mean of dC/dtheta over the examples, per SI unit of theta
    double loss;           // mean
    size_t right;          // examples whose class came out right
    double beta_si;        // of the first example, see cost.h; 0 of a rule that solves
    size_t iterations;     // of a rule that solves, summed over the examples
    double tran_s, callback_s, wall_s; // summed over the passes
};

// By the problem's rule.
enum es_status es_gradient(const struct es_problem *problem, const double *theta, size_t examples, const struct es_example *example,
                           struct es_gradient *gradient, struct es_error *error);

// The free pass of one example, whatever the rule; what it points to lives in `arena`. Nothing runs.
enum es_status es_free_pass(const struct es_problem *problem, const double *theta, const struct es_example *example, struct es_arena *arena,
                            struct es_pass *pass, struct es_error *error);

// The passes of one example, for a rule by passes: pass[0] is the free one, pass[1 ..] are the rule's, planned after running the free one.
// pass [1 + rule->passes()]; what they point to lives in `arena`.
enum es_status es_passes(const struct es_problem *problem, const double *theta, const struct es_example *example,
                         struct es_arena *arena, struct es_pass *pass, struct es_error *error);

// How well the engine runs backwards on one example.
struct es_return {
    double retrace;      // |state after an echo without nudge - initial state| / |state|, in the norm of the stored energy
    double energy_drift; // relative change of the stored energy over T without inputs, from the state at T
};
enum es_status es_return(const struct es_problem *problem, const double *theta, const struct es_example *example,
                           struct es_return *back, struct es_error *error);

// How far gradient a [n] is from gradient b [n] in the parameters' coordinates: weight [n] is dtheta/du. Of the parameters 0, every, 2 every, ...
struct es_agreement {
    double relative_error, cosine, norm_ratio; // |a - b| / |b|, a b / (|a| |b|), |a| / |b|
};
struct es_agreement es_agreement_of(size_t n, size_t every, const double *weight, const double *a, const double *b);

// The step of finite differences in units of the parameters' coordinates: a relative change d of an inductance turns the phase at T by
// omega T d / 2, which has to stay small; omega is that of the fastest mode, or NAN at rest.
double es_difference_step(const struct es_grid *grid, double omega);

// Times that, of a loss that is a rule's own: a boundary value problem is singular where a mode fits in the pass, and differences that reach as
// far as that say nothing.
static const double es_own_step = 1. / 64;

// Central finite differences of fourth order in the same engine: theta moved by +-1 and +-2 times step dtheta/du, u being the
// parameter's coordinate, or by less where bounds are much wider than theta. slope [parameters] is written.
enum es_status es_finite_differences(const struct es_problem *problem, const double *theta, size_t examples,
                                     const struct es_example *example, double step, double *slope, struct es_error *error);

// The same of the parameters 0, every, 2 every, ... alone; the others' slope is NAN.
enum es_status es_finite_differences_of(const struct es_problem *problem, const double *theta, size_t examples, const struct es_example *example,
                                        double step, size_t every, double *slope, struct es_error *error);

// The gradient of the continuous circuit by CVODES (SUNDIALS), with inputs and targets linear between their samples: independent of
// every scheme, so that it differs from all of the above by the discretisation, O(h^2). `adjoint`: by its adjoint sensitivities, otherwise
// by forward sensitivities, one for each parameter. loss may be NULL. ES_BAD_INPUT where the network is not Lagrangian,
// ES_FAILED where its state grows without bound.
enum es_status es_continuous_gradient(const struct es_problem *problem, const double *theta, size_t examples,
                                      const struct es_example *example, bool adjoint, double *loss, double *slope, struct es_error *error);

// The discrete adjoint of the twin's scheme: the exact gradient of the discretised loss, by reverse accumulation through the
// stored trajectory. Scalar and independent of the twin's code. slope [parameters] is written. ES_BAD_INPUT with losses. At equilibria the
// exact gradient by the implicit function theorem.
enum es_status es_adjoint(const struct es_problem *problem, const double *theta, size_t examples, const struct es_example *example,
                          double *slope, struct es_error *error);

// The costates of one example at the grid points, [steps + 1][nodes]: lambda_phi = dC/dphi(t) and lambda_p = dC/dp(t), p = M v, of the part
// of C after t; to Verlet half of a flux's cost at a grid point comes after it. 0 at nodes that sources hold.
// By the discrete adjoint of the engine's scheme (midpoint, which is also ngspice's trapezoidal rule on linear networks, or Verlet):
enum es_status es_adjoint_trajectory(const struct es_problem *problem, const double *theta, const struct es_example *example,
                                     double *lambda_phi, double *lambda_p, struct es_error *error);

// As two echoes show them while they run, by no more than their states (docs/theory.md 3): with t = T - t' and the turn undone,
//     lambda_phi(t) = -(P_+ - P_-)(t') / 2 beta,   lambda_p(t) = +(Phi_+ - Phi_-)(t') / 2 beta
// Phi being node flux, P node charge with that of the nudge capacitors. For the rule echo. Error O(beta^2).
enum es_status es_echo_trajectory(const struct es_problem *problem, const double *theta, const struct es_example *example,
                                  double *lambda_phi, double *lambda_p, struct es_error *error);

#endif
