// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
#include "netlist/circuit.h"

#include <string.h>

struct es_part *es_circuit_add(struct es_circuit *circuit, enum es_primitive primitive, const char *prefix, const char *name, const char *p, const char *n, double value) {
    if (circuit->parts == circuit->room) {
        circuit->room = circuit->room ? 2 * circuit->room : 256;
        struct es_part *part = ES_NEW(circuit->arena, circuit->room, struct es_part);
        if (circuit->parts)
            memcpy(part, circuit->part, circuit->parts * sizeof *part);
        circuit->part = part;
    }
    struct es_part *part = &circuit->part[circuit->parts++];
    *part = (struct es_part){.primitive = primitive, .prefix = prefix, .name = name, .p = p, .n = n, .value = value, .cell = circuit->inside};
    return part;
}

void es_circuit_signal(struct es_circuit *circuit, const char *node, double start, bool floating) {
    if (circuit->signals == circuit->signal_room) {
        circuit->signal_room = circuit->signal_room ? 2 * circuit->signal_room : 64;
        struct es_signal_node *signal = ES_NEW(circuit->arena, circuit->signal_room, struct es_signal_node);
        if (circuit->signals)
            memcpy(signal, circuit->signal, circuit->signals * sizeof *signal);
        circuit->signal = signal;
    }
    circuit->signal[circuit->signals++] = (struct es_signal_node){node, circuit->inside, start, floating};
}
