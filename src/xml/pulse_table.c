// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// The measured table of a device card: a file of three columns, or <point>s.
#include "xml/reader.h"

#include "data/file.h"
#include "device/card.h"

#include <math.h>

enum { MOST_POINTS = 10000 };

static const char *const title[] = {"pulse", "up", "down"};

// A table while it is read: the places of its rows for messages.
struct table {
    const struct es_reader *r;
    xmlNode *update;  // messages about rows of a file name the file and its line
    struct es_text text;
    struct es_card *card;
};

// ES_BAD_INPUT about the row that was read last, from a file or from <point>.
static enum es_status fail_row(const struct table *t, xmlNode *point, const char *column, const char *sentence) {
    if (point)
        return es_xml_fail(t->r, point, column, "%s", sentence);
    return es_fail(t->r->error, ES_BAD_INPUT, "%s:%zu: column \"%s\": %s", t->text.at.path, t->text.at.number, column, sentence);
}

static enum es_status add_row(struct table *t, xmlNode *point, double pulse, double up, double down) {
    struct es_card *card = t->card;
    size_t i = card->points;
    if (i == MOST_POINTS)
        return fail_row(t, point, "pulse", "a table has at most 10000 rows; leave some out, it is straight between them");
    if (i == 0 && pulse != 0)
        return fail_row(t, point, "pulse", "expected 0 in the first row");
    if (i > 0 && !(pulse > card->pulse[i - 1]))
        return fail_row(t, point, "pulse", "expected more pulses than in the row before");
    if (i > 0 && !(up > card->up[i - 1]))
        return fail_row(t, point, "up", "expected more than in the row before, as each pulse up has to raise the device; smooth the measurement, or leave rows out");
    if (i > 0 && !(down < card->down[i - 1]))
        return fail_row(t, point, "down", "expected less than in the row before, as each pulse down has to lower the device; smooth the measurement, or leave rows out");
    card->pulse[i] = pulse;
    card->up[i] = up;
    card->down[i] = down;
    card->points++;
    return ES_OK;
}

static enum es_status read_row(struct table *t, char *line) {
    char separator = es_text_separator(line), *rest = line;
    size_t columns = es_text_fields(line, separator);
    double value[3];
    if (columns != 3)
        return es_fail(t->r->error, ES_BAD_INPUT, "%s:%zu: %zu columns; expected 3: pulse, up, down", t->text.at.path, t->text.at.number, columns);
    for (size_t i = 0; i < 3; i++) {
        enum es_status status = es_text_number(&t->text, es_text_field(&rest, separator), i + 1, &value[i], t->r->error);
        if (status != ES_OK)
            return status;
    }
    return add_row(t, NULL, value[0], value[1], value[2]);
}

// The rows of a file become <point>s, so that the card's text stands alone.
static enum es_status read_file(struct table *t) {
    const char *path;
    enum es_status status = es_xml_path_below(t->r, t->update, "the table", &path);
    struct es_error why = {""};
    if (status == ES_OK && es_text_read(path, "a table of pulses", t->r->arena, &t->text, &why) != ES_OK)
        status = es_xml_fail(t->r, t->update, "file", "%s", why.text);
    if (status != ES_OK)
        return status;
    char *line = es_text_data(&t->text, "#");
    if (line && es_text_is_title(line, t->r->arena))
        line = es_text_data(&t->text, "#");
    for (; line && status == ES_OK; line = es_text_data(&t->text, "#"))
        status = read_row(t, line);
    for (size_t i = 0; i < t->card->points && status == ES_OK; i++) {
        xmlNode *point = xmlNewChild(t->update, NULL, (const xmlChar *)"point", NULL);
        const double value[] = {t->card->pulse[i], t->card->up[i], t->card->down[i]};
        for (size_t k = 0; k < 3; k++)
            xmlNewProp(point, (const xmlChar *)title[k], (const xmlChar *)es_arena_printf(t->r->arena, "%.17g", value[k]));
    }
    return status;
}

static enum es_status read_points(struct table *t) {
    enum es_status status = ES_OK;
    for (xmlNode *point = es_xml_next(t->update->children); point && status == ES_OK; point = es_xml_next(point->next)) {
        double value[3] = {0};
        for (size_t k = 0; k < 3 && status == ES_OK; k++)
            status = es_xml_number(t->r, point, title[k], "", &value[k]);
        if (status == ES_OK)
            status = add_row(t, point, value[0], value[1], value[2]);
    }
    return status;
}

// The measured window becomes the card's: the lowest of both curves w_min, the highest w_max.
static void scale_table(struct es_card *card) {
    size_t last = card->points - 1;
    double low = fmin(card->up[0], card->down[last]), high = fmax(card->up[last], card->down[0]), scale = (card->max - card->min) / (high - low);
    for (size_t i = 0; i <= last; i++) {
        card->up[i] = card->min + scale * (card->up[i] - low);
        card->down[i] = card->min + scale * (card->down[i] - low);
    }
    card->step = (card->max - card->min) / card->pulse[last];
}

enum es_status es_xml_pulse_table(const struct es_reader *r, xmlNode *update, struct es_card *card) {
    struct table t = {.r = r, .update = update, .card = card};
    card->pulse = ES_NEW(r->arena, MOST_POINTS, double);
    card->up = ES_NEW(r->arena, MOST_POINTS, double);
    card->down = ES_NEW(r->arena, MOST_POINTS, double);
    enum es_status status = es_xml_attribute(r, update, "file") ? read_file(&t) : read_points(&t);
    const char *file = es_xml_attribute(r, update, "file") ? "file" : NULL;
    if (status == ES_OK && card->points < 2)
        status = es_xml_fail(r, update, file, "expected a file of, or <point>s with, at least two rows of pulse, up, down");
    if (status == ES_OK && !(fmax(card->up[0], card->down[card->points - 1]) < fmin(card->up[card->points - 1], card->down[0])))
        status = es_xml_fail(r, update, file, "the curves up (%g .. %g) and down (%g .. %g) share no values; expected both over the same window", card->up[0],
                             card->up[card->points - 1], card->down[0], card->down[card->points - 1]);
    if (status == ES_OK)
        scale_table(card);
    return status;
}
