// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// A measured table: w after n pulses up from w_min, and after n pulses down from w_max, piecewise linear between its points. A pulse at w goes to
// where one more pulse leads on that curve:
//     w -> W^d(n + 1),   W^d(n) = w        f = |W^d(n + 1) - w| / dw_min
// so that the mean device retraces the table. dw_min is the window over the number of pulses. NeuroSim and aihwkit (PiecewiseStepDevice) tabulate
// the step over w in place of the curve.
#include "device/device.h"

#include <math.h>

// The curve `to` at `x` of `from`, both [points] monotone; at its ends beyond them.
static double interpolate(size_t points, const double *from, const double *to, double x) {
    double sign = from[points - 1] > from[0] ? 1 : -1;
    size_t i = 1;
    while (i < points - 1 && sign * from[i] < sign * x)
        i++;
    double part = (x - from[i - 1]) / (from[i] - from[i - 1]);
    return to[i - 1] + fmin(fmax(part, 0), 1) * (to[i] - to[i - 1]);
}

static double size(const struct es_card *card, const struct es_device *device, double w, int d) {
    const double *curve = d > 0 ? card->up : card->down;
    (void)device;
    double pulse = interpolate(card->points, curve, card->pulse, w);
    double next = interpolate(card->points, card->pulse, curve, pulse + 1);
    return fmax(d * (next - w), 0) / card->step;
}

const struct es_device_model es_model_table = {
    .row = {"table", "retraces measured curves of potentiation and depression", "the card's table"},
    .size = size,
};
