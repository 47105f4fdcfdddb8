// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// A circuit in a process: what has a size becomes a device, and, in the flavour for a comparison with a layout, what is ideal becomes an instance of a
// cell es_<kind> that is not defined, because such programs drop ideal elements, and instances of empty cells, in silence:
//
//     es_vccs p n c d gm=    es_vcvs p n c d gain=    es_cccs p n c d gain=, c and d where the current is measured    es_inductor p n l=    ...
#ifndef ES_NETLIST_FABRIC_H
#define ES_NETLIST_FABRIC_H

#include "netlist/circuit.h"
#include "netlist/sizing.h"

// The flat circuit of the network sizing->net, from its arena; without a process (sizing and process NULL) devices stay what they are. ES_BAD_INPUT names a part that
// has no form.
enum es_status es_fabric_circuit(const struct es_circuit *circuit, const struct es_sizing *sizing, const struct es_process *process, enum es_flavour flavour,
                                 struct es_circuit **made, struct es_error *error);

// Of the circuit with its hierarchy: what a node's voltage is where no part of it says so, circuit->start. Voltages of 0 need not be said.
void es_fabric_start(const struct es_circuit *flat, struct es_circuit *circuit);

// ES_BAD_INPUT where the name of a cell is longer than layout programs take (32 characters).
enum es_status es_fabric_check_names(const struct es_circuit *circuit, struct es_error *error);

#endif
