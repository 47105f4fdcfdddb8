// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// What `check` compares the echo's gradient with. Each reference says of what it is the gradient: of the loss that the engine computes
// with this scheme and step, or of that of the continuous circuit.
#ifndef ES_CLI_REFERENCE_H
#define ES_CLI_REFERENCE_H

#include "cli/cli.h"

struct cli_reference {
    const char *name, *of;
    double *slope; // [parameters] per SI unit; NULL where there is none
    size_t every;  // of the parameters 0, every, 2 every, ... only
    struct es_agreement agreement; // of the echo's with it
};

// (4 g(beta / 2) - g(beta)) / 3, without the bias in beta^2, or 2 g(beta / 2) - g(beta), without that in beta, into slope [parameters]; gradient [parameters] is g(beta).
enum es_status cli_richardson_beta(struct cli_subject *subject, const struct es_example *example, const double *gradient, double *slope,
                                   struct es_error *error);

enum { CLI_STEP_SIZES = 3 };

// The echo's gradient at h, h/2 and h/4 against that of the continuous circuit (CVODES, adjoint sensitivities).
struct cli_continuous {
    double steps[CLI_STEP_SIZES]; // per period of the fastest mode
    double error[CLI_STEP_SIZES]; // relative
    double order;                 // of the last halving: log2 of the ratio of the errors
    double extrapolated;          // relative error of (4 g(h/4) - g(h/2)) / 3, without the error in h^2
};
enum es_status cli_compare_continuous(struct cli_subject *subject, const struct es_example *example, const double *weight,
                                      struct cli_continuous *result, struct es_error *error);

json_t *cli_json_reference(const struct cli_reference *reference, size_t parameters);
json_t *cli_json_continuous(const struct cli_continuous *result);
void cli_print_reference(const struct cli_reference *reference);
void cli_print_continuous(const struct cli_continuous *result);

#endif
