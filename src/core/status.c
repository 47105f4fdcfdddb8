// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
#include "core/status.h"

#include <stdarg.h>
#include <stdio.h>

enum es_status es_fail(struct es_error *error, enum es_status status, const char *format, ...) {
    if (error) {
        va_list args;
        va_start(args, format);
        vsnprintf(error->text, sizeof error->text, format, args);
        va_end(args);
    }
    return status;
}
