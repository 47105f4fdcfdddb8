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

const struct es_part *es_circuit_part(const struct es_circuit *circuit, const char *name) {
    for (size_t i = 0; i < circuit->parts; i++) {
        const struct es_part *part = &circuit->part[i];
        size_t prefix = strlen(part->prefix);
        if (strncmp(part->prefix, name, prefix) == 0 && name[prefix] == '_' && strcmp(part->name, name + prefix + 1) == 0)
            return part;
    }
    return NULL;
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
