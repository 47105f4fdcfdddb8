// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// Every kind of method (elements, costs, rules, engines, ...) is one NULL-ended list of `const` rows. A row's struct starts
// with a `struct es_row`, so that help, schema checks, `echospice list` and the tests walk all lists alike.
#ifndef ES_CORE_ROWS_H
#define ES_CORE_ROWS_H

#include <stddef.h>

struct es_row {
    const char *name;   // as written in files and on the command line
    const char *about;  // one line for people
    const char *source; // where the method comes from
};

// The row of that name, as a pointer to the struct that starts with it; NULL if there is none.
const void *es_row_find(const struct es_row *const *list, const char *name);

// Writes "a, b or c" into `text` for error messages; returns `text`.
const char *es_row_names(const struct es_row *const *list, char *text, size_t size);

#endif
