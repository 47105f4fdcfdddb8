// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// The worker process: the only place that calls libngspice, which may exit, hang or crash there without harm to the run.
#ifndef ES_ENGINE_NGSPICE_WORKER_H
#define ES_ENGINE_NGSPICE_WORKER_H

#include "engine/engine.h"

extern const struct es_scheme es_trapezoidal, es_adaptive, es_operating_point, es_settle;

// Serves passes from the socket `fd` until it closes. Runs in a freshly forked child and does not return. kit: of the scheme es_transistors.
_Noreturn void es_worker_main(int fd, const struct es_network *net, const struct es_scheme *scheme, const struct es_cmos_kit *kit);

#endif
