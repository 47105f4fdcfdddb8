// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
//     w += d dw (1 + c xi)        f = 1
//
// Gokmen & Vlasov, Front. Neurosci. 10:333 (2016).
#include "device/device.h"

static double size(const struct es_card *card, const struct es_device *device, double w, int d) {
    (void)card, (void)device, (void)w, (void)d;
    return 1;
}

const struct es_device_model es_model_constant = {
    .row = {"constant", "the same step everywhere, then a hard bound", "Gokmen & Vlasov, Front. Neurosci. 2016"},
    .size = size,
};
