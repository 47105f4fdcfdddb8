// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// Costs: what a free pass is read for, the loss of these readings, and its derivatives; from them follow the nudges.
//
// A running cost reads r_o = integral w(t) s_o^2 dt at each output o, s being flux or voltage, or its difference to the target, w the
// task's window. Its nudge is L_beta = L_0 + beta_si sum_o (dC/dr_o) w s_o^2 (docs/theory.md 2, 4): a capacitor of 2 beta_si dC/dr_o at a
// voltage output, an inverse inductance of -2 beta_si dC/dr_o at a flux output. A terminal cost reads r_o = s_o(T) and kicks the
// state at the turn instead.
//
// beta_si has the unit that makes beta_si C an action, J s. What the user sets is the dimensionless beta: the largest nudge
// element is beta times the capacitance (or inverse inductance, or at rest conductance) already at its node; a kick has beta^2 times the energy
// that is stored at T or, if that is 0, that the outputs' deviations from their targets would store there. The factor between the two is one
// number per sample, divided out of the gradient again.
#ifndef ES_LEARN_COST_H
#define ES_LEARN_COST_H

#include "engine/engine.h"
#include "net/resistive.h"

enum es_quantity_read { ES_READ_RUNNING, ES_READ_FLUX_AT_END, ES_READ_VOLTAGE_AT_END, ES_READ_CHARGE_AT_END };

// The readings of one example, and what they are compared with.
struct es_reading {
    const struct es_network *net;
    const double *value;  // [outputs] r_o
    const double *target; // [outputs] at T, for a terminal cost, in the unit of r_o
    int label;            // or -1
    double temperature;   // of a softmax, in the unit of r_o
};

struct es_cost {
    struct es_row row;
    bool labels;      // needs a class for each output and a label for each sample; otherwise targets
    bool temperature; // needs one
    enum es_quantity_read reads;
    // Refuses a network whose outputs the cost cannot read.
    enum es_status (*admits)(const struct es_network *net, struct es_error *error);
    // Running: what is squared and integrated at output element `e`.
    enum es_signal (*signal)(const struct es_network *net, size_t e);
    double (*loss)(const struct es_reading *reading);
    void (*slope)(const struct es_reading *reading, double *slope); // slope [outputs] = dC/dr_o
    double (*curvature)(const struct es_reading *reading); // a size of d2C/dr2, for the nudges of equilibria; NULL for 1
};

extern const struct es_row *const es_costs[]; // of struct es_cost
extern const struct es_cost es_flux_tracking, es_voltage_tracking, es_energy_crossentropy, es_softmax_energies, es_terminal_flux,
    es_terminal_voltage, es_terminal_charge, es_softmax_voltages;

// nudge [outputs] per unit of beta_si, for es_pass, from slope [outputs] = dC/dr_o; 0 for a terminal cost.
void es_cost_nudge(const struct es_cost *cost, const struct es_network *net, const double *slope, double *nudge);

// What a terminal cost does to flux and voltage [nodes] at the turn, per unit of beta_si and forward in time: flux += dl/dp,
// voltage -= M^-1 dl/dphi; for a cost of voltages dl/dp = M^-1 dl/dv. 0 for a running cost.
enum es_status es_cost_kick(const struct es_cost *cost, const struct es_model *model, const double *slope, double *flux, double *voltage,
                            struct es_error *error);

// dl [nodes] = the derivatives slope [outputs] at the outputs' nodes, 0 at those of sources.
void es_cost_spread(const struct es_network *net, const double *slope, double *dl);

// beta_si / beta for one sample: of a nudge, from reference [outputs] (see below); of a kick flux, voltage [nodes], from the stored energy at T
// [J] and slope [outputs] = dC/dr_o.
double es_cost_nudge_scale(const struct es_network *net, const double *reference, const double *nudge);
double es_cost_kick_scale(const struct es_cost *cost, const struct es_model *model, const double *slope, const double *flux, const double *voltage,
                          double energy);

// reference [outputs]: sum of the coefficients at the output's node (for a branch, the smaller of its two nodes'), those of
// capacitors for a voltage output, those of inductors for a flux output; at equilibria (`resistive` is not NULL) those of conductances, by weight, at
// nodes that no source holds.
void es_cost_reference(const struct es_model *model, const struct es_resistive *resistive, double *reference);

// energy [classes] from value [outputs]: the sum over each class's outputs; returns the class of the largest.
size_t es_cost_class(const struct es_network *net, const double *value, double *energy);

#endif
