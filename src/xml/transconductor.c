// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// The calibration of a process map's transconductor: a file of rows corner,bias,gm,delay,cin,go,cout.
#include "xml/reader.h"

#include "data/file.h"
#include "netlist/process.h"

#include <string.h>

enum { MOST_CORNERS = 64, MOST_POINTS = 1000, NUMBERS = 6 };

static const char *const columns[NUMBERS + 1] = {"corner", "bias", "gm", "delay", "cin", "go", "cout"};

static enum es_status fail_row(const struct es_reader *r, const struct es_text *text, size_t column, const char *sentence) {
    return es_fail(r->error, ES_BAD_INPUT, "%s:%zu: column \"%s\": %s", text->at.path, text->at.number, columns[column], sentence);
}

// The table of the corner, a new one where it has none yet; NULL where there are too many.
static struct es_process_transconductor *table_of(const struct es_reader *r, struct es_process *process, const char *corner) {
    for (size_t i = 0; i < process->transconductors; i++)
        if (strcmp(process->transconductor[i].corner, corner) == 0)
            return &process->transconductor[i];
    if (process->transconductors == MOST_CORNERS)
        return NULL;
    struct es_process_transconductor *table = &process->transconductor[process->transconductors++];
    table->corner = es_arena_string(r->arena, corner);
    table->point = ES_NEW(r->arena, MOST_POINTS, struct es_transconductor_point);
    return table;
}

static enum es_status read_row(const struct es_reader *r, struct es_text *text, char *line, struct es_process *process) {
    char separator = es_text_separator(line), *rest = line;
    if (es_text_fields(line, separator) != NUMBERS + 1)
        return es_fail(r->error, ES_BAD_INPUT, "%s:%zu: %zu columns; expected 7: corner, bias, gm, delay, cin, go, cout", text->at.path, text->at.number, es_text_fields(line, separator));
    const char *corner = es_text_field(&rest, separator);
    if (!es_name_valid(corner))
        return fail_row(r, text, 0, "expected the name of a corner");
    struct es_process_transconductor *table = table_of(r, process, corner);
    if (!table || table->points == MOST_POINTS)
        return fail_row(r, text, 0, "too many rows; leave some out, it is straight between them on logarithmic scales");
    struct es_transconductor_point *point = &table->point[table->points];
    double *const value[NUMBERS] = {&point->bias, &point->gm, &point->delay, &point->cin, &point->go, &point->cout};
    enum es_status status = ES_OK;
    for (size_t i = 0; i < NUMBERS && status == ES_OK; i++) {
        status = es_text_number(text, es_text_field(&rest, separator), i + 2, value[i], r->error);
        if (status == ES_OK && !(*value[i] > 0))
            status = fail_row(r, text, i + 1, "expected more than 0");
    }
    if (status == ES_OK && table->points && !(point->bias > point[-1].bias))
        status = fail_row(r, text, 1, "expected more than in the row before");
    if (status == ES_OK && table->points && !(point->gm > point[-1].gm))
        status = fail_row(r, text, 2, "expected more than in the row before, as a transconductance is set by its bias; end the table where it saturates");
    table->points++;
    return status;
}

enum es_status es_xml_transconductor(const struct es_reader *r, xmlNode *node, struct es_process *process) {
    const char *path;
    struct es_text text;
    struct es_error why = {""};
    enum es_status status = es_xml_path_below(r, node, "the table", &path);
    if (status == ES_OK && es_text_read(path, "a table of a transconductor", r->arena, &text, &why) != ES_OK)
        status = es_xml_fail(r, node, "file", "%s", why.text);
    if (status != ES_OK)
        return status;
    process->transconductor = ES_NEW(r->arena, MOST_CORNERS, struct es_process_transconductor);
    char *line = es_text_data(&text, "#");
    if (line && es_text_is_title(line, r->arena))
        line = es_text_data(&text, "#");
    for (; line && status == ES_OK; line = es_text_data(&text, "#"))
        status = read_row(r, &text, line, process);
    for (size_t i = 0; i < process->transconductors && status == ES_OK; i++)
        if (process->transconductor[i].points < 2)
            status = es_xml_fail(r, node, "file", "the corner %s has one row; expected at least two", process->transconductor[i].corner);
    return status == ES_OK && !process->transconductors ? es_xml_fail(r, node, "file", "expected rows of corner, bias, gm, delay, cin, go, cout") : status;
}
