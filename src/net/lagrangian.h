// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// The network at one theta: its Lagrangian and what follows from it (docs/theory.md 1).
//
//     L(phi, v, t) = v' M v / 2 - sum U_l(psi_l) + sum g x (a . phi),    psi_l = a_l . phi + o_l
//     M dv/dt = F = dL/dphi - (currents of conductances)                 at the nodes that no source holds
//     do_l/dt = -r_l psi_l + e_l                                         of branches whose flux is their own, else 0
//
// phi [nodes] in Wb, v [nodes] in V, x [channels] in V, p [nodes] node charge in C, o [elements] the branches' own offsets in Wb (0
// where a branch's flux is that of its nodes). The inductors of a coupled group share U = psi' L^-1 psi / 2.
//
// A source's node has a given flux and voltage; forces and charges of such nodes are computed like all others and mean nothing.
#ifndef ES_NET_LAGRANGIAN_H
#define ES_NET_LAGRANGIAN_H

#include "net/network.h"

// What an element sees at its own branch.
enum es_signal {
    ES_SIGNAL_ONE,     // 1
    ES_SIGNAL_FLUX,    // psi [Wb]
    ES_SIGNAL_VOLTAGE, // v [V]
    ES_SIGNAL_CURRENT, // dU/dpsi [A]
    ES_SIGNAL_SLOPE,   // dU/dq of one quantity q of a potential; at rest f(v_p) v_n of a skew coupling
    ES_SIGNAL_INPUT,   // x(t) of an input's channel [V]
    ES_SIGNAL_FLUX_ERROR,    // an output's flux less its target [Wb]
    ES_SIGNAL_VOLTAGE_ERROR, // an output's voltage less its target [V]
};

struct es_observable {
    enum es_signal signal;
    size_t element;
    size_t quantity; // of ES_SIGNAL_SLOPE
};

// One of the few terms weight a b whose sum is dL/dtheta of a parameter.
struct es_share {
    double weight;
    struct es_observable a, b;
};

// Two inductors of a coupled group, a != b: the current of a holds gamma psi_b, and that of b gamma psi_a.
struct es_pair {
    size_t a, b;
    double gamma; // [1/H]
};

struct es_model {
    const struct es_network *net;
    const double *theta;        // [parameters]
    double (*q)[ES_QUANTITIES]; // [elements] values
    double *k;                  // [elements] coefficients (element.h); of a coupled inductor the diagonal of L^-1
    double *decay, *drift;      // [elements] r [1/s] and e [V] of dpsi/dt = v - r psi + e
    bool *coupled;              // [elements] inductors of a coupled group
    size_t pairs;
    struct es_pair *pair;
};

// Everything lives in `arena`; theta is kept. ES_BAD_INPUT where an inductance matrix is not positive definite.
enum es_status es_model_new(const struct es_network *net, const double *theta, struct es_arena *arena, struct es_model *model,
                            struct es_error *error);

// psi of branch e [Wb]; o may be NULL for 0.
static inline double es_model_flux(const struct es_model *model, size_t e, const double *phi, const double *o) {
    return es_across(&model->net->element[e], phi) + (o ? o[e] : 0);
}

// Whether the flux of branch e is its own, so that o changes in time; also that of a sensing element.
static inline bool es_model_own_flux(const struct es_model *model, size_t e) {
    return model->net->element[e].kind->sense || model->decay[e] != 0 || model->drift[e] != 0;
}

// dpsi/dt [V] of such a branch at its flux psi and voltage v.
double es_model_flux_rate(const struct es_model *model, size_t e, double psi, double v);

// L [J], without conductances.
double es_model_lagrangian(const struct es_model *model, const double *phi, const double *v, const double *x, const double *o);

// Stored energy v' M v / 2 + sum U [J].
double es_model_energy(const struct es_model *model, const double *phi, const double *v, const double *o);

// force [nodes] = F.
void es_model_force(const struct es_model *model, const double *phi, const double *v, const double *x, const double *o, double *force);

// current [elements] = dU/dpsi of every potential [A]; 0 elsewhere.
void es_model_currents(const struct es_model *model, const double *phi, const double *o, double *current);

// p [nodes] = dL/dv = M v.
void es_model_momentum(const struct es_model *model, const double *v, double *p);

// v at the free nodes from p = M v, where v at the nodes of sources stands in `v` already. ES_BAD_INPUT where M is singular.
enum es_status es_model_velocity(const struct es_model *model, const double *p, double *v, struct es_error *error);

// The same for any positive definite mass [nodes][nodes] in place of M; it is overwritten.
enum es_status es_model_velocity_of(const struct es_network *net, double *mass, const double *p, double *v, struct es_error *error);

// matrix [nodes][nodes] = M; the sum of G a a'; K = d2U/dphi2 at phi (phi NULL: at zero flux).
void es_model_mass(const struct es_model *model, double *matrix);
void es_model_conductance(const struct es_model *model, double *matrix);
void es_model_stiffness(const struct es_model *model, const double *phi, const double *o, double *matrix);

// slope [parameters] += q' dF/dtheta, without conductances, and += q' (dM/dtheta) w, for vectors q, w [nodes], at fixed offsets.
void es_model_force_slope(const struct es_model *model, const double *phi, const double *x, const double *o, const double *q, double *slope);
void es_model_mass_slope(const struct es_model *model, const double *q, const double *w, double *slope);

// The part of q' dF/dtheta that conductances have at node voltages v [nodes]: slope [parameters] -= q' (dG/dtheta) v.
void es_model_loss_slope(const struct es_model *model, const double *q, const double *v, double *slope);

// slope [parameters] += sum over the branches of value dr/dtheta; value [elements].
void es_model_decay_slope(const struct es_model *model, const double *value, double *slope);

// dL/dtheta_i at fixed (phi, v, o), as products of what the parameter's own element sees (an inductor of a coupled group also sees the
// currents of its partners). share [es_model_shares_most()]; returns their number, 0 for an initial state. Other elements that share the
// parameter are left out here, and in no other derivative.
size_t es_model_shares(const struct es_model *model, size_t i, struct es_share *share);
size_t es_model_shares_most(const struct es_model *model);

// slope [parameters] += dL/dtheta at fixed (phi, v, o), by the shares of all elements; current [elements] is that of es_model_currents().
void es_model_lagrangian_slope(const struct es_model *model, const double *phi, const double *v, const double *x, const double *o,
                               const double *current, double *slope);

// The state at t = 0, where the inputs are x: flux, voltage [nodes] and offset [elements]. Where a charge is given to any node, charges
// are held (those not given being 0), otherwise voltages. What an <initial> gives with a channel is per volt of that channel.
enum es_status es_model_start(const struct es_model *model, const double *x, double *flux, double *voltage, double *offset,
                              struct es_error *error);

// slope [parameters] += the dependence of the state at t = 0 on theta (an <initial> with a channel is not trained), for the derivatives of a cost to its flux [nodes], charge [nodes]
// and offset [elements]; voltage [nodes] is that of es_model_start(). to_charge is 0 at the nodes of sources.
void es_model_start_slope(const struct es_model *model, const double *voltage, const double *to_flux, const double *to_charge,
                          const double *to_offset, double *slope);

#endif
