// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// What a network is built of. A technology makes of each element of the abstract network one that can be built, of the same name between the same
// nodes, so that rules, engines, chips and decks see a network like any other:
//
//     lc        Gamma = 1 / L             inductors and capacitors            tunes L
//     gyrator   Gamma = gm1 gm2 / CL      two transconductors, a capacitor    tunes gm2
//     mesh      Gamma = G gm / C          conductances between fluxes         tunes G
//     cmos      Gamma = gm1 gm2 / CL      the same of transistors             tunes gm2 by its bias
//
// What is trained becomes what the technology tunes, theta' = factor theta^power, so that dC/dtheta = dC/dtheta' power theta' / theta.
// All transconductors that are not tuned are gm = sqrt(C Gamma), and all capacitors that a technology adds are C, with C and Gamma the geometric means of
// the network's capacitances and inverse inductances at its start values: then signals inside are about as large as at the nodes.
#ifndef ES_TECHNOLOGY_TECHNOLOGY_H
#define ES_TECHNOLOGY_TECHNOLOGY_H

#include "net/network.h"

// tuned = factor theta^power.
struct es_tuning {
    double factor, power;
};

struct es_realising; // technology/realise.h

struct es_technology {
    struct es_row row;
    bool differential; // two wires for every node (netlist/circuit.h)
    // Makes element i what can be built. ES_BAD_INPUT names an element that cannot.
    enum es_status (*realise)(struct es_realising *realising, size_t i, struct es_error *error);
};

extern const struct es_row *const es_technologies[]; // of struct es_technology
extern const struct es_technology es_lc_differential, es_cmos;

// The network as it is built, from `arena`, with tuning [parameters]; `net` must outlive it and owns what they share, so that only `net` is freed. Elements
// and parameters keep their places.
enum es_status es_technology_network(const struct es_technology *technology, const struct es_network *net, struct es_arena *arena, struct es_network **built,
                                     struct es_tuning **tuning, struct es_error *error);

// theta' of theta, theta of theta', and dtheta'/dtheta at theta.
double es_tuned(struct es_tuning tuning, double theta);
double es_untuned(struct es_tuning tuning, double tuned);
double es_tuning_slope(struct es_tuning tuning, double theta);

#endif
