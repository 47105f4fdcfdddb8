// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// What the technologies share. Internal to src/technology.
#ifndef ES_TECHNOLOGY_REALISE_H
#define ES_TECHNOLOGY_REALISE_H

#include "technology/technology.h"

// A network while it is being built.
struct es_realising {
    const struct es_technology *technology;
    const struct es_network *abstract;
    struct es_network *net; // as far as it is
    struct es_tuning *tuning; // [parameters]; power 0 while nothing is known
    double capacitance, transconductance; // C [F] and gm [S]
};

extern const struct es_technology es_lc, es_gyrator_technology, es_gyrator_differential, es_mesh_technology, es_mesh_differential;

// Element i anew, of this kind, with all its values absent.
struct es_element *es_realise_as(struct es_realising *realising, size_t i, const struct es_element_kind *kind);

// Quantity `to` of the new element i becomes factor q^power, q being what its quantity `from` was. ES_BAD_INPUT where another element that shares the
// parameter needs another power.
enum es_status es_realise_value(struct es_realising *realising, size_t i, size_t to, size_t from, double factor, double power, struct es_error *error);

// Whether element i of the abstract network trains that quantity, and whether it has that value.
bool es_realise_trains(const struct es_realising *realising, size_t i, size_t quantity);
bool es_realise_has(const struct es_realising *realising, size_t i, size_t quantity);

// ES_BAD_INPUT: element i `why`.
enum es_status es_realise_refuse(const struct es_realising *realising, size_t i, const char *why, struct es_error *error);

#endif
