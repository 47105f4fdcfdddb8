// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// From a SPICE circuit to a network. ngspice expands it (engine/ngspice/expand.h); here its parts become elements:
//     C, L, K, R                                   capacitor, inductor, mutual, conductance 1/R
//     R and L in series, nothing else between      inductor with a resistance
//     I; G driven by a V to ground                 input, its channel's signal in ampere or volt
//     V to ground; E driven by one                 source; V of 0 V is a wire
//     G into w, C at w, G back out of w            gyrator, leakage and offset if an R and an I are at w
//     G into f, C at f, nothing reads f            output of the flux that they integrate; a C of 0 F: output of its voltage
// A constant signal is the channel bias. What is none of these is refused with its line.
#ifndef ES_IMPORT_IMPORT_H
#define ES_IMPORT_IMPORT_H

#include "import/text.h"
#include "net/network.h"

struct es_import_name {
    const char *spice, *xml; // ngspice's name in the expanded circuit, and that in the network
    struct es_spice_place at;
};

// What a network is, and why not: "" where it is.
struct es_import_verdicts {
    struct es_error transient;  // it can be simulated: capacitors reach every node, inductances are positive definite
    struct es_error reversible, lagrangian;
    struct es_error uniform;    // it has losses, and they are uniform
    double gamma;               // [1/s], of uniform losses
};

struct es_import {
    struct es_arena *arena;   // owner of everything
    struct es_network *net;   // inductors, gyrators and, where there are losses, conductances are its parameters
    double interval;          // of the signals [s]
    size_t points, substeps;  // substeps: 0 for as many as the network needs
    double *input;            // [channels][points] in V, 1 for the bias
    double *target;           // [outputs][points] in Wb or V, or NULL where the circuit holds none
    struct es_spice_place *place; // [elements] of the network: the line of each; no file for what import adds itself
    size_t notes, nodes, parts;
    struct es_spice_note *note;          // what was left out or read in a way of its own
    struct es_import_name *node, *part;  // [nodes], [parts] how names have changed
    struct es_import_verdicts verdict;
};

// Errors: ES_BAD_INPUT with FILE:LINE, or in ngspice's words. To be freed with es_import_free in any case.
enum es_status es_import_read(const char *path, struct es_import *import, struct es_error *error);
void es_import_free(struct es_import *import);

#endif
