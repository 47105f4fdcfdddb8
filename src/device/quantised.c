// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// 2^n levels, even from w_min to w_max; a pulse moves to the next one: f = 1, dw_min = (w_max - w_min) / (2^n - 1).
#include "device/device.h"

#include <math.h>

static double size(const struct es_card *card, const struct es_device *device, double w, int d) {
    (void)card, (void)device, (void)w, (void)d;
    return 1;
}

static double level(const struct es_card *card, double w) {
    return card->min + (card->max - card->min) * round((w - card->min) / card->step) / (exp2(card->p[0]) - 1);
}

const struct es_device_model es_model_quantised = {
    .row = {"quantised", "2^bits even levels, a pulse moves to the next", "-"},
    .parameter = {"bits"},
    .size = size,
    .level = level,
};
