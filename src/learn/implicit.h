// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// The exact gradient at rest by the implicit function theorem. The free equilibrium has g(u, theta) = dE/du = 0 (net/resistive.h), so that with
//     J lambda = dC/du,  J = d2E/du2:    dC/dtheta = -lambda' dg/dtheta
// dC/dG = -w v lambda_e of a conductance, dC/dg = +w x lambda_e of a current source's gain, lambda_e being lambda across the element. Dense. Internal to
// src/learn.
#ifndef ES_LEARN_IMPLICIT_H
#define ES_LEARN_IMPLICIT_H

#include "learn/gradient.h"

// For an engine that finds equilibria; slope [parameters] is written. ES_FAILED where J is not positive definite.
enum es_status es_implicit_gradient(const struct es_problem *problem, const double *theta, size_t examples, const struct es_example *example, double *slope,
                                    struct es_error *error);

#endif
