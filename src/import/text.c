// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
#include "import/text.h"

#include "data/file.h"
#include "import/form.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct reading {
    struct es_spice *spice;
    struct es_arena *arena;
    struct es_error *error;
    const char *folder; // of the circuit's file, with no links in it
    size_t bytes, files;
    int cell;           // that is being defined, or -1
    size_t line_room, cell_room, note_room, print_room;
    struct es_spice_words words; // of the line in hand
};

// A file as it is read.
struct source {
    const char *path;
    size_t depth;
    const char *section; // of a library, that is wanted, or NULL
    bool skipping;       // in another section
    bool found;          // the section
    bool ended;
};

// array [count] with room for one more.
static void *grown(struct es_arena *arena, void *array, size_t count, size_t *room, size_t size) {
    if (count < *room)
        return array;
    *room = *room ? 2 * *room : 64;
    void *more = es_arena_alloc(arena, *room, size);
    return count ? memcpy(more, array, count * size) : more;
}

static void add_note(struct reading *r, struct es_spice_place at, const char *text) {
    struct es_spice *s = r->spice;
    s->note = grown(r->arena, s->note, s->notes, &r->note_room, sizeof *s->note);
    s->note[s->notes++] = (struct es_spice_note){at, text};
}

static struct es_spice_line *add_line(struct reading *r, const char *text, const char *name, struct es_spice_place at) {
    struct es_spice *s = r->spice;
    s->line = grown(r->arena, s->line, s->lines, &r->line_room, sizeof *s->line);
    s->line[s->lines] = (struct es_spice_line){text, name, r->cell, -1, at};
    return &s->line[s->lines++];
}

static enum es_status take_element(struct reading *r, const char *text, const struct es_spice_words *w, struct es_spice_place at) {
    enum es_status status = es_spice_check_element(r->error, w, text, at);
    if (status == ES_OK)
        add_line(r, text, w->word[0], at);
    return status;
}

// ---- dot-lines -------------------------------------------------------------------------------------------------------

static enum es_status begin_cell(struct reading *r, const char *text, const struct es_spice_words *w, struct es_spice_place at) {
    struct es_spice *s = r->spice;
    size_t count = 1;
    while (count < w->count && !strchr(w->word[count], '='))
        count++;
    if (r->cell >= 0)
        return es_spice_refuse(r->error, at, ".subckt stands in the subcircuit \"%s\" of line %d; expected .ends before it", s->cell[r->cell].name, s->cell[r->cell].at.line);
    if (count < 3)
        return es_spice_refuse(r->error, at, ".subckt has %zu words; expected a name and a node at least", w->count);
    enum es_status status = es_spice_check_name(r->error, "a subcircuit", w->word[1], at);
    if (status == ES_OK)
        status = es_spice_check_nodes(r->error, w, 2, count - 2, at);
    for (size_t i = 0; i < s->cells && status == ES_OK; i++)
        if (strcmp(s->cell[i].name, w->word[1]) == 0)
            status = es_spice_refuse(r->error, at, "the subcircuit \"%s\" already stands in line %d of %s; take another name", w->word[1], s->cell[i].at.line, s->cell[i].at.file);
    if (status != ES_OK)
        return status;
    s->cell = grown(r->arena, s->cell, s->cells, &r->cell_room, sizeof *s->cell);
    s->cell[s->cells] = (struct es_spice_cell){es_arena_string(r->arena, w->word[1]), count - 2, 0, at};
    r->cell = (int)s->cells++;
    add_line(r, text, ".subckt", at);
    return ES_OK;
}

static enum es_status end_cell(struct reading *r, const char *text, const struct es_spice_words *w, struct es_spice_place at) {
    (void)text, (void)w;
    if (r->cell < 0)
        return es_spice_refuse(r->error, at, ".ends without a .subckt before it");
    add_line(r, ".ends", ".ends", at);
    r->cell = -1;
    return ES_OK;
}

static enum es_status pass_on(struct reading *r, const char *text, const struct es_spice_words *w, struct es_spice_place at) {
    if (w->count < 2)
        return es_spice_refuse(r->error, at, "%s says nothing; expected name=value", w->word[0]);
    add_line(r, text, es_arena_string(r->arena, w->word[0]), at);
    return ES_OK;
}

static enum es_status take_initial(struct reading *r, const char *text, const struct es_spice_words *w, struct es_spice_place at) {
    if (r->cell >= 0)
        return es_spice_refuse(r->error, at, ".ic stands in a subcircuit; expected it outside, with the node as x1.a");
    for (size_t i = 1; i < w->count; i++)
        if (strncmp(w->word[i], "v(", 2) != 0 || !strstr(w->word[i], ")=") || !es_spice_is_value(strstr(w->word[i], ")=") + 2))
            return es_spice_refuse(r->error, at, ".ic: \"%.70s\"; expected v(node)=value", w->word[i]);
    return pass_on(r, text, w, at);
}

static enum es_status take_transient(struct reading *r, const char *text, const struct es_spice_words *w, struct es_spice_place at) {
    if (r->spice->tran)
        return es_spice_refuse(r->error, at, "a second .tran; expected one, as in line %d", r->spice->tran_at.line);
    for (size_t i = 1; i < w->count; i++)
        if (!es_spice_is_value(w->word[i]) && strcmp(w->word[i], "uic") != 0)
            return es_spice_refuse(r->error, at, ".tran: \"%.70s\"; expected numbers, and uic", w->word[i]);
    if (w->count < 3 || !es_spice_is_value(w->word[2]))
        return es_spice_refuse(r->error, at, ".tran has %zu words; expected a step and an end", w->count);
    r->spice->tran = text + strlen(".tran ");
    r->spice->tran_at = at;
    return ES_OK;
}

// Of the nodes in v(node), the network's outputs.
static enum es_status take_print(struct reading *r, const char *text, const struct es_spice_words *w, struct es_spice_place at) {
    struct es_spice *s = r->spice;
    (void)w;
    for (const char *c = text; (c = strstr(c, "v(")); c++) {
        size_t length = es_spice_node_length(c + 2);
        if (strchr(" (,", c[-1]) && length > 0 && c[2 + length] == ')') {
            s->print = grown(r->arena, s->print, s->printed, &r->print_room, sizeof *s->print);
            s->print[s->printed++] = es_arena_printf(r->arena, "%.*s", (int)length, c + 2);
        }
    }
    add_note(r, at, es_arena_printf(r->arena, "%s is not acted on, but nodes in it become outputs", w->word[0]));
    return ES_OK;
}

static enum es_status leave_out(struct reading *r, const char *text, const struct es_spice_words *w, struct es_spice_place at) {
    (void)text;
    add_note(r, at, es_arena_printf(r->arena, "%s is left out", w->word[0]));
    return ES_OK;
}

static const struct {
    const char *name;
    enum es_status (*take)(struct reading *r, const char *text, const struct es_spice_words *w, struct es_spice_place at);
    bool foreign; // may hold any characters, as it goes nowhere
} dots[] = {
    {".subckt", begin_cell, false}, {".ends", end_cell, false}, {".param", pass_on, false}, {".ic", take_initial, false}, {".tran", take_transient, false},
    {".save", take_print, true}, {".print", take_print, true}, {".plot", take_print, true}, {".probe", take_print, true},
    {".options", leave_out, true}, {".option", leave_out, true}, {".op", leave_out, true}, {".ac", leave_out, true}, {".dc", leave_out, true},
    {".meas", leave_out, true}, {".measure", leave_out, true}, {".four", leave_out, true}, {".nodeset", leave_out, true}, {".title", leave_out, true},
};

// ---- files -----------------------------------------------------------------------------------------------------------

static enum es_status read_file(struct reading *r, struct source *source, struct es_spice_place from);

// The next word of `text`, which may stand in quotes, as it is written; "" if there is none.
static const char *next_word(struct es_arena *arena, const char **text) {
    const char *c = *text + strspn(*text, " \t");
    bool quoted = *c && strchr("\"'", *c) != NULL;
    const char ends[] = {quoted ? *c : ' ', quoted ? '\0' : '\t', '\0'};
    size_t length = strcspn(c + quoted, ends);
    *text = c + quoted + length + (quoted && c[1 + length]);
    return es_arena_printf(arena, "%.*s", (int)length, c + quoted);
}

// Only files below the circuit's folder, wherever links lead.
static enum es_status include(struct reading *r, const struct source *from, const char *name, const char *section, struct es_spice_place at) {
    const char *slash = strrchr(from->path, '/');
    char real[PATH_MAX];
    char *path = *name == '/' ? es_arena_string(r->arena, name)
                              : es_arena_printf(r->arena, "%.*s%s", slash ? (int)(slash + 1 - from->path) : 0, from->path, name);
    size_t length = strlen(r->folder);
    for (const char *c = name; *c; c++)
        if ((unsigned char)*c < ' ' || (unsigned char)*c > '~')
            return es_spice_refuse(r->error, at, "the name of an included file has a byte of value %d; expected ASCII", (unsigned char)*c);
    if (!*name || !realpath(path, real))
        return es_spice_refuse(r->error, at, "\"%.100s\" cannot be opened (%s); expected a file in the folder of the circuit", name, *name ? strerror(errno) : "no name");
    if (strncmp(real, r->folder, length) != 0 || real[length] != '/')
        return es_spice_refuse(r->error, at, "\"%.100s\" lies outside the folder of the circuit, %.100s; copy it there", name, r->folder);
    if (from->depth == ES_SPICE_DEPTH)
        return es_spice_refuse(r->error, at, "files are included %d deep; expected less: does one include itself?", ES_SPICE_DEPTH);
    struct source source = {.path = path, .depth = from->depth + 1, .section = section, .skipping = section != NULL};
    enum es_status status = read_file(r, &source, at);
    if (status == ES_OK && section && !source.found)
        status = es_spice_refuse(r->error, at, "\"%.100s\" has no section \"%.70s\"; expected .lib %.70s in it", name, section, section);
    return status;
}

// .include FILE, .lib FILE SECTION, and, inside a library, .lib SECTION ... .endl. *taken unless the line is none of these.
static enum es_status take_file(struct reading *r, struct source *source, const char *text, struct es_spice_place at, bool *taken) {
    const char *rest = text + strcspn(text, " \t");
    size_t length = (size_t)(rest - text);
    *taken = true;
    if ((length == 8 && strncasecmp(text, ".include", 8) == 0) || (length == 4 && strncasecmp(text, ".inc", 4) == 0))
        return source->skipping ? ES_OK : include(r, source, next_word(r->arena, &rest), NULL, at);
    if (length == 5 && strncasecmp(text, ".endl", 5) == 0) {
        source->skipping = source->section != NULL;
        return ES_OK;
    }
    if (length == 4 && strncasecmp(text, ".lib", 4) == 0) {
        const char *name = next_word(r->arena, &rest), *section = next_word(r->arena, &rest);
        if (*section)
            return source->skipping ? ES_OK : include(r, source, name, section, at);
        if (!source->section)
            return es_spice_refuse(r->error, at, ".lib \"%.70s\": expected .lib FILE SECTION", name);
        source->skipping = strcasecmp(name, source->section) != 0;
        source->found |= !source->skipping;
        return ES_OK;
    }
    *taken = false;
    return ES_OK;
}

// A line with its continuations.
static enum es_status take_line(struct reading *r, struct source *source, char *text, struct es_spice_place at) {
    bool taken = false;
    enum es_status status = *text == '.' ? take_file(r, source, text, at, &taken) : ES_OK;
    if (status != ES_OK || taken || source->skipping)
        return status;
    size_t kind = 0, length = strcspn(text, " \t");
    if (strncasecmp(text, ".end", length) == 0 && length == 4) {
        source->ended = true;
        return ES_OK;
    }
    while (kind < sizeof dots / sizeof *dots && (strncasecmp(text, dots[kind].name, length) != 0 || strlen(dots[kind].name) != length))
        kind++;
    if (*text == '.' && kind == sizeof dots / sizeof *dots)
        return es_spice_refuse(r->error, at, "%.*s is not imported; expected .subckt, .ends, .param, .include, .lib, .ic, .tran or .end", (int)(length < 70 ? length : 70), text);
    if (*text != '.' && !es_spice_is_element(text))
        return es_spice_refuse(r->error, at, "\"%.*s\": elements of the letter %c are not imported; expected R, L, C, K, V, I, G, E or X", (int)(length < 70 ? length : 70), text,
                      toupper((unsigned char)*text));
    bool foreign = *text == '.' && dots[kind].foreign;
    for (char *params = text; (params = strcasestr(params, " params:"));) // the word that some put before parameters
        memset(params, ' ', 8);
    status = foreign ? ES_OK : es_spice_check_signs(r->error, text, at);
    char *clean = ES_NEW(r->arena, strlen(text) + 1, char);
    if (status == ES_OK && !es_spice_normalise(text, clean) && !foreign)
        status = es_spice_refuse(r->error, at, "braces or quotes do not match");
    if (status == ES_OK && !foreign)
        status = es_spice_check_calls(r->error, clean, at);
    if (status != ES_OK)
        return status;
    struct es_spice_words *w = &r->words;
    if (r->spice->lines == ES_SPICE_LINES)
        return es_spice_refuse(r->error, at, "more than %d lines, comments apart; expected fewer", ES_SPICE_LINES);
    es_spice_split(r->arena, clean, " ", w);
    if (w->count == ES_SPICE_WORDS && !strchr("vi", *clean))
        return es_spice_refuse(r->error, at, "more than %d words; expected fewer", ES_SPICE_WORDS);
    return *clean == '.' ? dots[kind].take(r, clean, w, at) : take_element(r, clean, w, at);
}

// What is after ; or, as a word begins, after $ or //, is a comment.
static void cut_comment(char *line) {
    for (char *c = line; *c; c++)
        if (*c == ';' || ((c == line || strchr(" \t", c[-1])) && (*c == '$' || (c[0] == '/' && c[1] == '/')))) {
            *c = '\0';
            return;
        }
}

// A line that ngspice would run, though it looks like a comment.
static bool is_control(const char *line) {
    return strncasecmp(line, "*ng_script", 10) == 0 || (strncmp(line, "*#", 2) == 0 && strpbrk(line, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ`;>"));
}

// Joins continuations: the logical line that begins at *i of line [count], and *i after it. Comments may stand between.
static char *join(struct es_arena *arena, char *const *line, size_t count, size_t *i) {
    size_t first = *i, size = strlen(line[first]) + 1, after = first + 1;
    for (size_t k = first + 1; *line[first] && k < count && (!*line[k] || *line[k] == '+'); k++) {
        size += strlen(line[k]) + 1;
        after = *line[k] == '+' ? k + 1 : after;
    }
    char *text = ES_NEW(arena, size, char), *end = stpcpy(text, line[first]);
    for (size_t k = first + 1; k < after; k++)
        if (*line[k]) {
            end = stpcpy(end, " ");
            end = stpcpy(end, line[k] + 1);
        }
    *i = after;
    return text;
}

static const char *title_note(struct es_arena *arena, const char *line) {
    char *note = es_arena_printf(arena, "the title is left out: %.60s", line);
    for (char *c = note; *c; c++)
        *c = *c >= ' ' && *c <= '~' ? *c : '?';
    return note;
}

// The file's lines without comments and blanks in front; in the first file the title becomes "".
static enum es_status split_lines(struct reading *r, const struct source *source, struct es_text *text, char ***lines, size_t *count) {
    *lines = ES_NEW(r->arena, es_text_lines(text), char *);
    *count = 0;
    for (char *line; (line = es_text_line(text)); ++*count) {
        struct es_spice_place at = {source->path, (int)*count + 1};
        bool title = source->depth == 0 && *count == 0;
        line += strspn(line, " \t");
        if (strlen(line) > ES_SPICE_LINE)
            return es_spice_refuse(r->error, at, "the line has %zu characters; expected at most %d: go on in the next with +", strlen(line), ES_SPICE_LINE);
        if (is_control(line))
            return es_spice_refuse(r->error, at, "\"%.70s\" is a command to ngspice; expected a circuit alone, as import runs no commands", line);
        if (title && *line)
            add_note(r, at, title_note(r->arena, line));
        cut_comment(line);
        if (*line == '*' || title)
            *line = '\0';
        (*lines)[*count] = line;
    }
    return ES_OK;
}

static enum es_status read_file(struct reading *r, struct source *source, struct es_spice_place from) {
    struct es_text text;
    char **line;
    size_t count;
    if (++r->files > ES_SPICE_FILES)
        return es_spice_refuse(r->error, from, "more than %d files are included; expected fewer", ES_SPICE_FILES);
    enum es_status status = es_text_read(source->path, "a SPICE netlist", r->arena, &text, r->error);
    if (status != ES_OK)
        return status;
    r->bytes += strlen(text.rest);
    if (r->bytes > ES_SPICE_BYTES)
        return es_fail(r->error, ES_BAD_INPUT, "%.200s: the circuit has more than %d bytes with its included files; expected fewer", source->path, ES_SPICE_BYTES);
    status = split_lines(r, source, &text, &line, &count);
    for (size_t i = 0; i < count && status == ES_OK && !source->ended;) {
        struct es_spice_place at = {source->path, (int)i + 1};
        char *logical = join(r->arena, line, count, &i);
        if (*logical == '+' && !source->skipping)
            status = es_spice_refuse(r->error, at, "+ with no line that it could go on from");
        else if (*logical)
            status = take_line(r, source, logical, at);
    }
    return status;
}

// ---- cells -----------------------------------------------------------------------------------------------------------

static int by_name(const void *a, const void *b) {
    const struct es_spice_line *x = *(const struct es_spice_line *const *)a, *y = *(const struct es_spice_line *const *)b;
    int order = (x->cell > y->cell) - (x->cell < y->cell);
    return order ? order : strcmp(x->name, y->name);
}

// Two elements of one name in one place.
static enum es_status check_names(struct reading *r) {
    struct es_spice *s = r->spice;
    s->sorted = ES_NEW(r->arena, s->lines, const struct es_spice_line *);
    for (size_t i = 0; i < s->lines; i++)
        if (*s->line[i].name != '.')
            s->sorted[s->elements++] = &s->line[i];
    qsort(s->sorted, s->elements, sizeof *s->sorted, by_name);
    for (size_t i = 1; i < s->elements; i++)
        if (by_name(&s->sorted[i - 1], &s->sorted[i]) == 0) {
            const struct es_spice_line *a = s->sorted[i - 1], *b = s->sorted[i];
            bool later = a > b;
            return es_spice_refuse(r->error, later ? a->at : b->at, "the element \"%s\" already stands in line %d; take another name", a->name, later ? b->at.line : a->at.line);
        }
    return ES_OK;
}

// The cell of each instance, its last word without "=".
static enum es_status find_cell(struct reading *r, struct es_spice_line *line) {
    struct es_spice *s = r->spice;
    struct es_spice_words *w = &r->words;
    size_t last = 1;
    es_spice_split(r->arena, line->text, " ", w);
    while (last + 1 < w->count && !strchr(w->word[last + 1], '='))
        last++;
    for (size_t i = 0; i < s->cells && line->of < 0; i++)
        if (strcmp(s->cell[i].name, w->word[last]) == 0)
            line->of = (int)i;
    if (line->of < 0)
        return es_spice_refuse(r->error, line->at, "\"%s\": there is no subcircuit \"%.70s\"; define it with .subckt, or include its file", line->name, w->word[last]);
    if (s->cell[line->of].pins != last - 1)
        return es_spice_refuse(r->error, line->at, "\"%s\" has %zu nodes; expected the %zu of the subcircuit \"%s\" in line %d", line->name, last - 1, s->cell[line->of].pins,
                      s->cell[line->of].name, s->cell[line->of].at.line);
    return ES_OK;
}

// parts = the elements of a cell, or of the whole, after all instances in it have been put in, each of which counts as one itself.
static enum es_status count_parts(const struct reading *r, int cell, int depth, size_t *parts) {
    const struct es_spice *s = r->spice;
    enum es_status status = ES_OK;
    *parts = 1;
    for (size_t i = 0; i < s->lines && status == ES_OK; i++) {
        const struct es_spice_line *line = &s->line[i];
        if (line->cell != cell || *line->name == '.')
            continue;
        size_t inside = 1;
        if (line->of >= 0 && depth == ES_SPICE_DEPTH)
            return es_spice_refuse(r->error, line->at, "subcircuits are put into each other %d deep; expected less: does \"%s\" hold itself?", ES_SPICE_DEPTH, s->cell[line->of].name);
        if (line->of >= 0 && s->cell[line->of].parts)
            inside = s->cell[line->of].parts;
        else if (line->of >= 0)
            status = count_parts(r, line->of, depth + 1, &inside);
        *parts += inside;
        if (status == ES_OK && *parts > ES_SPICE_PARTS)
            status = es_spice_refuse(r->error, line->at, "with \"%s\" the circuit has more than %d elements; expected fewer", line->name, ES_SPICE_PARTS);
    }
    if (status == ES_OK && cell >= 0)
        s->cell[cell].parts = *parts;
    return status;
}

static enum es_status check_cells(struct reading *r) {
    struct es_spice *s = r->spice;
    size_t parts;
    if (r->cell >= 0)
        return es_spice_refuse(r->error, s->cell[r->cell].at, "the subcircuit \"%s\" has no .ends", s->cell[r->cell].name);
    enum es_status status = check_names(r);
    for (size_t i = 0; i < s->lines && status == ES_OK; i++)
        if (*s->line[i].name == 'x')
            status = find_cell(r, &s->line[i]);
    return status == ES_OK ? count_parts(r, -1, 0, &parts) : status;
}

enum es_status es_spice_read(const char *path, struct es_arena *arena, struct es_spice *spice, struct es_error *error) {
    struct reading r = {.spice = spice, .arena = arena, .error = error, .cell = -1};
    struct source source = {.path = es_arena_string(arena, path)};
    const char *slash = strrchr(path, '/');
    char real[PATH_MAX];
    *spice = (struct es_spice){.arena = arena};
    if (!realpath(slash ? es_arena_printf(arena, "%.*s", (int)(slash - path + 1), path) : ".", real))
        return es_fail(error, ES_BAD_INPUT, "%.200s: cannot be opened (%s); expected a SPICE netlist: check the name", path, strerror(errno));
    r.folder = strcmp(real, "/") == 0 ? "" : es_arena_string(arena, real);
    enum es_status status = read_file(&r, &source, (struct es_spice_place){path, 1});
    if (status == ES_OK)
        status = check_cells(&r);
    if (status == ES_OK && !spice->elements)
        status = es_fail(error, ES_BAD_INPUT, "%.200s: there is no element; expected R, L, C and the like after the first line, which is a title", path);
    return status;
}

// ---- from ngspice back to the lines ----------------------------------------------------------------------------------

static const struct es_spice_line *find_in(const struct es_spice *spice, int cell, const char *name, size_t length) {
    char word[ES_SPICE_WORD + 1];
    struct es_spice_line line = {.name = word, .cell = cell};
    const struct es_spice_line *key = &line, **found = NULL;
    if ((size_t)snprintf(word, sizeof word, "%.*s", (int)length, name) < sizeof word)
        found = bsearch(&key, spice->sorted, spice->elements, sizeof *spice->sorted, by_name);
    return found ? *found : NULL;
}

// An element's own name may have points, an instance's has none.
const struct es_spice_line *es_spice_find(const struct es_spice *spice, const char *flat) {
    const struct es_spice_line *line;
    const char *name = flat[1] == '.' ? flat + 2 : flat;
    int cell = -1;
    while (!(line = find_in(spice, cell, name, strlen(name))) && flat[1] == '.' && strchr(name, '.')) {
        const struct es_spice_line *instance = find_in(spice, cell, name, strcspn(name, "."));
        if (!instance || instance->of < 0)
            return NULL;
        cell = instance->of;
        name = strchr(name, '.') + 1;
    }
    return line;
}

const struct es_spice_line *es_spice_holds(const struct es_spice *spice, const char *word) {
    for (size_t i = 0; i < spice->lines && *word; i++)
        if (strstr(spice->line[i].text, word))
            return &spice->line[i];
    return NULL;
}
