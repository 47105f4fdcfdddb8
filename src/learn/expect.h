// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// What a network file says of itself (<expect>), checked: the free pass of an example, taken to the limit of small steps, against
// values that were found independently.
//
// Both engines' fixed steps have errors in even powers of h only, so that the values y(h), y(h/2), y(h/4) ... of the pass give
//     y_1(h) = (4 y(h/2) - y(h)) / 3  + O(h^4),    y_2(h) = (16 y_1(h/2) - y_1(h)) / 15  + O(h^6)
// (Richardson). The step is halved until y_2 changes by less than a tenth of the tolerance. Between grid points a polynomial goes
// through those of the sample interval that the time lies in, where signals are straight and the state is smooth.
#ifndef ES_LEARN_EXPECT_H
#define ES_LEARN_EXPECT_H

#include "learn/gradient.h"

// One expectation's outcome; value and step in V or Wb.
struct es_expectation {
    double value; // the engine's, extrapolated to h = 0
    double step;  // what the last halving of the step changed
    double error; // |value - expected| / |expected|; not divided where 0 is expected
    bool pass;    // error <= tolerance, and step is small enough to say so
};

// result [net->expects]. The scheme must have a fixed step. ES_BAD_INPUT for a time after the end of the pass.
enum es_status es_expectations(const struct es_problem *problem, const double *theta, const struct es_example *example,
                               struct es_expectation *result, struct es_error *error);

#endif
