// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// The echo (docs/theory.md 3), with symmetric nudge:
//     1. free pass 0 .. T from (phi_0, v_0) with x(t)
//     2. flip: keep every flux, negate every voltage
//     3. echo 0 .. T with x(T - t') and the nudge at +beta, and again at -beta
//     4. dC/dtheta = (1 / 2 beta) integral (dL/dtheta at +beta - dL/dtheta at -beta) dt'
// Pourcel & Ernoult, arXiv 2506.05259 (with the sign of docs/theory.md 3); Pourcel et al., arXiv 2506.06248. Error O(beta^2).
#include "learn/rule.h"

#include "net/validate.h"

static enum es_status echo_admits(const struct es_network *net, bool losses_allowed, struct es_error *error) {
    if (losses_allowed)
        return ES_OK;
    enum es_status status = es_validate_reversible(net, error);
    return status == ES_OK ? es_validate_lagrangian(net, error) : status;
}

static struct es_accumulator echo_integral(const struct es_network *net, const struct es_parameter *parameter) {
    size_t e = parameter->element;
    bool drive = net->element[e].kind->term == ES_DRIVE;
    return (struct es_accumulator){{drive ? ES_SIGNAL_INPUT : ES_SIGNAL_FLUX, e}, {ES_SIGNAL_FLUX, e}};
}

static void echo_plan(const struct es_network *net, struct es_rule_sample *sample) {
    for (size_t sign = 0; sign < 2; sign++) {
        for (size_t i = 0; i < net->nodes; i++) {
            sample->flux[sign][i] = sample->free_result.flux[i];
            sample->voltage[sign][i] = -sample->free_result.voltage[i];
        }
        for (size_t o = 0; o < net->outputs; o++)
            sample->nudge_value[sign][o] = (sign == 0 ? sample->beta_si : -sample->beta_si) * sample->nudge[o];
        sample->pass[sign] = (struct es_pass){
            .theta = sample->free.theta,
            .flux = sample->flux[sign],
            .voltage = sample->voltage[sign],
            .input = sample->free.input,
            .target = sample->free.target,
            .nudge = sample->nudge_value[sign],
            .reversed = true,
        };
    }
}

// dL/dk is -psi^2 / 2 for an inductor, x psi for an input; slope is dk/dtheta.
static double echo_update(const struct es_element *element, double slope, double beta_si, const double *integral) {
    double difference = (integral[0] - integral[1]) / (2 * beta_si);
    return slope * (element->kind->term == ES_DRIVE ? difference : -difference / 2);
}

const struct es_rule es_echo = {
    .row = {"echo", "two echoes at +beta and -beta; each element's update from its own two integrals", "RHEL, arXiv 2506.05259; PFVP, arXiv 2506.06248"},
    .passes = 2,
    .admits = echo_admits,
    .integral = echo_integral,
    .plan = echo_plan,
    .update = echo_update,
};

const struct es_row *const es_rules[] = {&es_echo.row, NULL};
