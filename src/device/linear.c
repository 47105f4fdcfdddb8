// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
//     w += d dw (gamma^d w + 1 + c xi)  or, multiplicative,  d dw (gamma^d w + 1)(1 + c xi)        f = gamma^d w + 1
//     gamma^+ = -gamma_up / w_max,  gamma^- = -gamma_down / w_min
//
// so that the card's gamma_up and gamma_down are the parts by which a step is smaller at the bound it runs to, as in aihwkit, whose form this is
// (LinearStepDevice, with its slopes referred to the mean bounds). Their device-to-device spreads are absolute, as there.
#include "device/device.h"

#include <math.h>

static double size(const struct es_card *card, const struct es_device *device, double w, int d) {
    (void)card;
    return fmax(device->slope[d > 0] * w + 1, 0);
}

const struct es_device_model es_model_linear = {
    .row = {"linear", "a step that shrinks in proportion to w", "Rasch et al., AICAS 2021 (aihwkit LinearStepDevice)"},
    .parameter = {"gamma-up", "gamma-down"},
    .fractions = true,
    .around_zero = true,
    .size = size,
};
