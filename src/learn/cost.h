// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// Costs: the loss of a free pass from one integral per output, and the nudge that pushes along it as circuit elements.
//
// L_beta = L_0 + beta_si c, C = integral c dt (docs/theory.md 2, 4). beta_si has the unit that makes beta_si c an energy: J s for
// energy-crossentropy, J/Wb^2 for flux-tracking. What the user sets is the dimensionless beta: the largest nudge element is beta
// times the capacitance (or inverse inductance) already at its node. The factor between the two is one number per sample, divided
// out of the gradient again.
#ifndef ES_LEARN_COST_H
#define ES_LEARN_COST_H

#include "engine/engine.h"

struct es_cost {
    struct es_row row;
    bool labels; // needs a class for each output and a label for each sample; otherwise flux targets
    // Refuses a network whose outputs the cost cannot read.
    enum es_status (*admits)(const struct es_network *net, struct es_error *error);
    // What is integrated at output element `e` in the free pass.
    struct es_accumulator (*integral)(const struct es_network *net, size_t e);
    // The loss from integral [outputs].
    double (*loss)(const struct es_network *net, const double *integral, int label);
    // nudge [outputs]: each output's nudge element per unit of beta_si (see es_pass).
    void (*nudge)(const struct es_network *net, const double *integral, int label, double *nudge);
};

extern const struct es_row *const es_costs[]; // of struct es_cost
extern const struct es_cost es_flux_tracking, es_energy_crossentropy;

// beta_si / beta for one sample. reference [outputs]: the capacitance [F] or inverse inductance [1/H] already at each output.
double es_cost_beta_scale(const struct es_network *net, const double *reference, const double *nudge);

// reference [outputs]: sum of the coefficients at the output's node (for a branch, the smaller of its two nodes'), those of
// capacitors for a voltage output, those of inductors for a flux output.
void es_cost_reference(const struct es_network *net, const double *theta, double *reference);

// energy [classes] from integral [outputs]: the sum over each class's outputs; returns the class of the largest.
size_t es_cost_class(const struct es_network *net, const double *integral, double *energy);

#endif
