// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
#include "netlist/dialect.h"

#include <stdlib.h>
#include <string.h>

const struct es_row *const es_dialects[] = {&es_dialect_ngspice.row, &es_dialect_gnucap.row, &es_dialect_cdl.row, &es_dialect_xyce.row, &es_dialect_spectre.row, NULL};

char *es_circuit_text(const struct es_circuit *circuit, const struct es_dialect *dialect, struct es_error *error) {
    char *text = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&text, &size);
    enum es_status status = stream ? dialect->write(stream, circuit, error) : es_fail(error, ES_NO_RESOURCE, "no memory for the netlist");
    if (stream && fclose(stream) != 0 && status == ES_OK)
        status = es_fail(error, ES_NO_RESOURCE, "no memory for the netlist");
    if (status == ES_OK)
        return text;
    free(text);
    return NULL;
}

char **es_circuit_lines(const struct es_circuit *circuit, const struct es_dialect *dialect, struct es_arena *arena, struct es_error *error) {
    char *text = es_circuit_text(circuit, dialect, error);
    if (!text)
        return NULL;
    size_t lines = 0;
    for (const char *c = text; *c; c++)
        lines += *c == '\n';
    char **line = ES_NEW(arena, lines + 1, char *), *rest = es_arena_string(arena, text);
    for (size_t i = 0; i < lines; i++)
        line[i] = strsep(&rest, "\n");
    free(text);
    return line;
}
