// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// Reads an experiment from XML (the format: netlists/echospice.rng), device cards (models/device.rng) and process maps (models/process/process.rng). The input may be hostile: no entity, no DTD and no
// address is ever followed, and sizes are bounded before memory is asked for.
#ifndef ES_XML_XML_H
#define ES_XML_XML_H

#include "device/card.h"
#include "learn/experiment.h"
#include "netlist/process.h"

#include <stdio.h>

extern const struct es_row *const es_generators[]; // what makes nodes and pairs of neighbours in a network file

// Errors: ES_BAD_INPUT with
//     FILE:LINE: <element> "name": attribute = "value": what was expected; hint
// or ES_NO_RESOURCE for a file that cannot be read; then *experiment is NULL. Free it with es_experiment_free.
// `seed`, unless NULL, replaces the seeds of the network, of its generators and of the training (not that of the task).
enum es_status es_experiment_read(const char *path, const uint64_t *seed, struct es_experiment **experiment, struct es_error *error);

// From memory, for the run store: `file` is what messages call it. The text must hold its network (see es_experiment.xml).
enum es_status es_experiment_parse(const char *text, size_t size, const char *file, const uint64_t *seed,
                                   struct es_experiment **experiment, struct es_error *error);

// Writes an experiment with a task of the kind waveform: network, task, cost, rule, batch and engine; the rest is as where a file says nothing. ES_NO_RESOURCE where
// it cannot be written.
enum es_status es_experiment_write(const struct es_experiment *experiment, FILE *file, struct es_error *error);

// A device card, in the same way; its table may stand in a file below the card's directory, in text from memory it has to stand in it (see
// es_card.xml). Free it with es_card_free.
enum es_status es_card_read(const char *path, struct es_card **card, struct es_error *error);
enum es_status es_card_parse(const char *text, size_t size, const char *file, struct es_card **card, struct es_error *error);

// A process map, in the same way. Free it with es_process_free.
enum es_status es_process_read(const char *path, struct es_process **process, struct es_error *error);
enum es_status es_process_parse(const char *text, size_t size, const char *file, struct es_process **process, struct es_error *error);

#endif
