// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
#include "import/circuit.h"

#include "net/lagrangian.h"
#include "net/validate.h"

#include <ctype.h>
#include <math.h>
#include <string.h>

// After its file, without the suffix.
static const char *network_name(struct es_arena *arena, const char *path) {
    const char *slash = strrchr(path, '/'), *start = slash ? slash + 1 : path;
    size_t length = strcspn(start, ".");
    char *name = es_arena_printf(arena, "%s%.*s", isalpha((unsigned char)*start) ? "" : "circuit_", (int)(length < 48 ? length : 48), start);
    for (char *c = name; *c; c++)
        *c = isalnum((unsigned char)*c) ? *c : '_';
    return name;
}

// The principal quantity of every element of that kind, between a tenth and ten times its value.
static void train(struct es_network *net, const struct es_element_kind *kind) {
    for (size_t i = 0; i < net->elements; i++) {
        struct es_element *e = &net->element[i];
        size_t q = kind->principal;
        if (e->kind != kind)
            continue;
        e->parameter[q] = (int)net->parameters;
        net->parameter[net->parameters++] = (struct es_parameter){i, q, e->value[q] / 10, e->value[q] * 10, &es_log};
    }
}

static void judge(struct es_import *import) {
    struct es_import_verdicts *v = &import->verdict;
    const struct es_network *net = import->net;
    struct es_arena *arena = es_arena_new();
    struct es_model model;
    double theta = 0;
    bool driven = net->channels > 0;
    for (size_t i = 0; i < net->elements; i++)
        driven |= net->element[i].kind == &es_initial || es_element_own_state(&net->element[i]);
    if (es_validate_mass(net, &v->transient) == ES_OK && es_model_new(net, &theta, arena, &model, &v->transient) == ES_OK && !driven)
        es_fail(&v->transient, ES_BAD_INPUT, "nothing drives it, and it begins at rest; give it a source, or an initial voltage or current");
    es_validate_reversible(net, &v->reversible);
    es_validate_lagrangian(net, &v->lagrangian);
    es_validate_uniform_damping(net, NULL, &v->gamma, &v->uniform);
    es_arena_free(arena);
}

enum es_status es_import_read(const char *path, struct es_import *import, struct es_error *error) {
    struct es_spice spice;
    *import = (struct es_import){.arena = es_arena_new()};
    struct es_circuit_import c = {.arena = import->arena, .error = error, .spice = &spice, .import = import};
    import->net = ES_NEW(import->arena, 1, struct es_network);
    import->net->name = network_name(import->arena, path);
    enum es_status status = es_spice_read(path, import->arena, &spice, error);
    for (size_t i = 0; i < spice.notes && status == ES_OK; i++)
        es_import_note(&c, spice.note[i].at, spice.note[i].text);
    if (status == ES_OK)
        status = es_import_expand(&c);
    if (status == ES_OK)
        status = es_import_recognise(&c);
    if (status == ES_OK)
        status = es_import_network(&c);
    if (status == ES_OK)
        status = es_import_signals(&c);
    if (status == ES_OK)
        status = es_import_state(&c);
    if (status != ES_OK)
        return status;
    judge(import);
    train(import->net, &es_inductor);
    train(import->net, &es_gyrator);
    if (import->verdict.reversible.text[0])
        train(import->net, &es_conductance);
    if (!import->net->parameters)
        train(import->net, &es_capacitor);
    return ES_OK;
}

void es_import_free(struct es_import *import) {
    es_arena_free(import->arena);
}
