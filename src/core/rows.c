// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
#include "core/rows.h"

#include <stdio.h>
#include <string.h>

const void *es_row_find(const struct es_row *const *list, const char *name) {
    for (; *list; list++)
        if (strcmp((*list)->name, name) == 0)
            return *list;
    return NULL;
}

const char *es_row_names(const struct es_row *const *list, char *text, size_t size) {
    size_t used = 0;
    text[0] = '\0';
    for (size_t i = 0; list[i] && used < size; i++) {
        const char *joint = i == 0 ? "" : list[i + 1] ? ", " : " or ";
        used += (size_t)snprintf(text + used, size - used, "%s%s", joint, list[i]->name);
    }
    return text;
}
