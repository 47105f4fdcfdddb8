// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// What a process gives up before libngspice runs in it.
#ifndef ES_ENGINE_NGSPICE_CONFINE_H
#define ES_ENGINE_NGSPICE_CONFINE_H

// In a freshly forked child: no other program can be started, no start-up file of ngspice is read, nothing is printed, memory has a limit, and of what was open
// only `fd` stays. Returns it in its new place; ends the process where that fails.
int es_confine(int fd);

#endif
