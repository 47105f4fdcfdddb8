// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// Takes any value in its window: what every change is compared with.
#include "device/device.h"

const struct es_device_model es_model_ideal = {
    .row = {"ideal", "takes any value, without pulses", "-"},
};
