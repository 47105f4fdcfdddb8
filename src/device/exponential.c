// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
//     w += d dw max(y, 0) (1 + c xi),   y = 1 - A^d exp(d gamma^d z),   z = 2 a w / (w_max - w_min) + b        with the device's own bounds
//
// Fitted to measured potentiation and depression curves (Gong et al., Nat. Commun. 9:2102, 2018); aihwkit ExpStepDevice.
#include "device/device.h"

#include <math.h>

enum { A, B, GAMMA_UP, GAMMA_DOWN, A_UP, A_DOWN };

static double size(const struct es_card *card, const struct es_device *device, double w, int d) {
    const double *p = card->p;
    double z = 2 * p[A] * w / (device->max - device->min) + p[B];
    double y = d > 0 ? 1 - p[A_UP] * exp(p[GAMMA_UP] * z) : 1 - p[A_DOWN] * exp(-p[GAMMA_DOWN] * z);
    return fmax(y, 0);
}

const struct es_device_model es_model_exponential = {
    .row = {"exponential", "a step that depends on w exponentially", "Gong et al., Nat. Commun. 2018; aihwkit ExpStepDevice"},
    .parameter = {"a", "b", "gamma-up", "gamma-down", "A-up", "A-down"},
    .size = size,
};
