// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
//     w += dw (1 - w / w_max)  up,    w -= dw (1 - w / w_min)  down        with the device's own bounds, noise as the card says
//
// Fusi & Abbott, Nat. Neurosci. 10, 485 (2007); aihwkit SoftBoundsDevice.
#include "device/device.h"

#include <math.h>

static double size(const struct es_card *card, const struct es_device *device, double w, int d) {
    (void)card;
    return fmax(1 - w / (d > 0 ? device->max : device->min), 0);
}

const struct es_device_model es_model_soft_bounds = {
    .row = {"soft-bounds", "a step in proportion to the way left to the bound", "Fusi & Abbott, Nat. Neurosci. 2007; aihwkit SoftBoundsDevice"},
    .around_zero = true,
    .size = size,
};
