// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
#include "import/text.h"

#include "data/file.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char digits[] = "0123456789";
static const char element_letters[] = "rlckvigexRLCKVIGEX";
static const char name_signs[] = "abcdefghijklmnopqrstuvwxyz0123456789_";
static const char element_signs[] = "abcdefghijklmnopqrstuvwxyz0123456789_.";
static const char node_signs[] = "abcdefghijklmnopqrstuvwxyz0123456789_.+-/";
static const char line_signs[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_ .+-*/(){}'=,^";

enum { WORDS = 2100 }; // of a line, but for those of waveforms

struct words {
    size_t count;
    char *word[WORDS];
};

struct reading {
    struct es_spice *spice;
    struct es_arena *arena;
    struct es_error *error;
    const char *folder; // of the circuit's file, with no links in it
    size_t bytes, files;
    int cell;           // that is being defined, or -1
    size_t line_room, cell_room, note_room, print_room;
    const struct es_spice_line **sorted; // [elements] by cell and name
    size_t elements;
    struct words words; // of the line in hand
};

// A file as it is read.
struct source {
    const char *path;
    size_t depth;
    const char *section; // of a library, that is wanted, or NULL
    bool skipping;       // in another section
    bool ended;
};

static enum es_status refuse(const struct reading *r, struct es_spice_place at, const char *format, ...) __attribute__((format(printf, 3, 4)));

static enum es_status refuse(const struct reading *r, struct es_spice_place at, const char *format, ...) {
    char sentence[768];
    va_list args;
    va_start(args, format);
    vsnprintf(sentence, sizeof sentence, format, args);
    va_end(args);
    return es_fail(r->error, ES_BAD_INPUT, "%.200s:%d: %s", at.file, at.line, sentence);
}

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

// ---- words -----------------------------------------------------------------------------------------------------------

// Of a line without blanks around "=" and in expressions; those after the last that fits are left out.
static void split(struct es_arena *arena, const char *text, const char *separators, struct words *w) {
    char *rest = es_arena_string(arena, text), *word;
    w->count = 0;
    while (w->count < WORDS && (word = strsep(&rest, separators)))
        if (*word)
            w->word[w->count++] = word;
}

// Blanks in expressions and around "=" are dropped, several are one, letters are small, tabs are blanks. False where braces or quotes do not match.
static bool normalise(const char *text, char *out) {
    bool quoted = false, braced = false;
    char *start = out;
    for (const char *c = text; *c; c++) {
        char x = *c == '\t' ? ' ' : (char)tolower((unsigned char)*c);
        if ((x == '{' && (braced || quoted)) || (x == '}' && !braced) || (x == '\'' && braced))
            return false;
        quoted ^= x == '\'';
        braced = x == '{' || (braced && x != '}');
        bool after = out == start || out[-1] == ' ' || out[-1] == '=';
        if (x == ' ' && (quoted || braced || after || c[strspn(c, " \t")] == '='))
            continue;
        *out++ = x;
    }
    while (out > start && out[-1] == ' ')
        out--;
    *out = '\0';
    return !quoted && !braced;
}

static bool is_in(const char *word, size_t length, const char *const *list) {
    for (size_t i = 0; list[i]; i++)
        if (strlen(list[i]) == length && strncmp(list[i], word, length) == 0)
            return true;
    return false;
}

static bool is_value(const char *word) {
    return *word && strchr("0123456789.+-{'", *word) != NULL;
}

// "4k7" is 4000 to ngspice.
static bool is_truncated(const char *word) {
    const char *c = word + strspn(word, "+-.0123456789");
    if (*c == 'e' && c[1 + strspn(c + 1, "+-")] && strchr(digits, c[1 + strspn(c + 1, "+-")]))
        c += 1 + strspn(c + 1, "+-0123456789");
    return strpbrk(c, digits) != NULL && strchr("{'", *word) == NULL;
}

// Functions that may be called: of expressions, and those of sources and initial conditions.
static enum es_status check_calls(const struct reading *r, const char *text, struct es_spice_place at) {
    static const char *const functions[] = {"sqrt", "sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh", "exp", "ln", "log", "log10", "abs", "min",
                                            "max", "pow", "int", "floor", "ceil", "sgn", NULL};
    static const char *const waves[] = {"sin", "pulse", "pwl", "exp", "sffm", "am", NULL}, *const state[] = {"v", NULL};
    static const char *const moving[] = {"time", "temper", "hertz", NULL};
    const char *const *more = *text == 'v' || *text == 'i' ? waves : strncmp(text, ".ic", 3) == 0 ? state : functions;
    int depth = 0;
    for (const char *c = text; *c; c++) {
        depth += *c == '(' ? 1 : *c == ')' ? -1 : 0;
        if (depth < 0 || depth > 50)
            return refuse(r, at, "parentheses do not match, or are more than 50 deep");
        bool begins = (isalpha((unsigned char)*c) || *c == '_') && (c == text || !strchr(node_signs, c[-1]) || strchr("+-/", c[-1]));
        size_t length = strspn(c, name_signs);
        if (begins && is_in(c, length, moving))
            return refuse(r, at, "\"%.*s\" makes a value that changes in time or with the temperature, which is not imported; expected a number", (int)length, c);
        if (!begins || c[length + strspn(c + length, " ")] != '(')
            continue;
        if (!is_in(c, length, functions) && !is_in(c, length, more))
            return refuse(r, at, "\"%.*s(\" is not among the functions that are imported; expected a number, or an expression of numbers, parameters and sqrt, sin, exp and "
                                 "the like", (int)(length < 64 ? length : 64), c);
    }
    return depth == 0 ? ES_OK : refuse(r, at, "parentheses do not match");
}

static enum es_status check_word(const struct reading *r, const char *what, const char *word, const char *signs, struct es_spice_place at) {
    if (strstr(word, "es__"))
        return refuse(r, at, "the name \"%.70s\" holds es__, which import keeps for parts of its own; take another", word);
    if (strlen(word) <= ES_SPICE_WORD && *word && word[strspn(word, signs)] == '\0')
        return ES_OK;
    return refuse(r, at, "\"%.70s%s\" is no name of %s; expected at most %d letters, digits and _", word, strlen(word) > 70 ? "..." : "", what, ES_SPICE_WORD);
}

static enum es_status check_nodes(const struct reading *r, const struct words *w, size_t first, size_t count, struct es_spice_place at) {
    if (w->count < first + count)
        return refuse(r, at, "\"%s\" has %zu words; expected a name and %zu nodes at least", w->word[0], w->count, count);
    enum es_status status = ES_OK;
    for (size_t i = first; i < first + count && status == ES_OK; i++)
        status = check_word(r, "a node", w->word[i], node_signs, at);
    return status;
}

// The words from `first` on: key=value, with the keys of the list.
static enum es_status check_keys(const struct reading *r, const struct words *w, size_t first, const char *const *keys, struct es_spice_place at) {
    for (size_t i = first; i < w->count; i++) {
        size_t length = strcspn(w->word[i], "=");
        if (w->word[i][length] != '=' || !is_in(w->word[i], length, keys) || !is_value(w->word[i] + length + 1))
            return refuse(r, at, "\"%s\": \"%.70s\" is not imported; expected %s=, %s= or nothing", w->word[0], w->word[i], keys[0], keys[1] ? keys[1] : keys[0]);
    }
    return ES_OK;
}

static enum es_status check_value(const struct reading *r, const struct words *w, size_t i, struct es_spice_place at) {
    const char *word = w->count > i ? w->word[i] : "", letter[] = {w->word[0][0], '=', '\0'};
    const char *value = strncmp(word, letter, 2) == 0 ? word + 2 : word;
    if (!is_value(value))
        return refuse(r, at, "\"%s\" has the value \"%.70s\"; expected a number or an expression in {}, as models, and what depends on voltages, are not imported", w->word[0], word);
    if (is_truncated(value))
        return refuse(r, at, "\"%s\" has the value \"%.70s\", of which ngspice takes no notice after the first letter; write 4.7k for 4k7", w->word[0], value);
    return ES_OK;
}

// ---- elements --------------------------------------------------------------------------------------------------------

static enum es_status check_two_pole(const struct reading *r, const struct words *w, const char *text, struct es_spice_place at) {
    static const char *const resistor[] = {"m", NULL}, *const storing[] = {"ic", "m", NULL};
    (void)text;
    enum es_status status = check_nodes(r, w, 1, 2, at);
    if (status == ES_OK)
        status = check_value(r, w, 3, at);
    return status == ES_OK ? check_keys(r, w, 4, w->word[0][0] == 'r' ? resistor : storing, at) : status;
}

static enum es_status check_coupling(const struct reading *r, const struct words *w, const char *text, struct es_spice_place at) {
    (void)text;
    if (w->count != 4)
        return refuse(r, at, "\"%s\" has %zu words; expected a name, two inductors and a coefficient, one pair in a line", w->word[0], w->count);
    for (size_t i = 1; i <= 2; i++) // ngspice does not survive others
        if (*w->word[i] != 'l')
            return refuse(r, at, "\"%s\" couples \"%.70s\"; expected two inductors", w->word[0], w->word[i]);
    enum es_status status = check_nodes(r, w, 1, 2, at);
    return status == ES_OK ? check_value(r, w, 3, at) : status;
}

static enum es_status check_controlled(const struct reading *r, const struct words *w, const char *text, struct es_spice_place at) {
    static const char *const keys[] = {"m", NULL};
    (void)text;
    if (w->count < 6 || !is_value(w->word[5]))
        return refuse(r, at, "\"%s\" is no linear source of four nodes; expected \"%s n+ n- c+ c- value\", as poly, tables and functions are not imported", w->word[0], w->word[0]);
    enum es_status status = check_nodes(r, w, 1, 4, at);
    if (status == ES_OK)
        status = check_value(r, w, 5, at);
    return status == ES_OK ? check_keys(r, w, 6, keys, at) : status;
}

static enum es_status check_source(const struct reading *r, const struct words *w, const char *text, struct es_spice_place at) {
    static const char *const known[] = {"dc", "ac", "sin", "pulse", "pwl", "exp", "sffm", "am", NULL};
    enum es_status status = check_nodes(r, w, 1, 2, at);
    const char *c = text;
    for (size_t i = 0; i < 3 && status == ES_OK; i++) { // what follows the nodes; of waveforms each word
        c += strcspn(c, " ");
        c += strspn(c, " ");
    }
    for (size_t length; status == ES_OK && *(c += strspn(c, " (),")); c += length) {
        length = *c == '{' ? strcspn(c, "}") + 1 : *c == '\'' ? strcspn(c + 1, "'") + 2 : strcspn(c, " (),");
        bool multiple = *text == 'i' && strncmp(c, "m=", 2) == 0;
        if (!is_value(c) && !multiple && !is_in(c, length, known))
            status = refuse(r, at, "\"%s\": \"%.*s\" is not imported; expected dc, sin, pulse, pwl, exp, sffm or am with numbers", w->word[0], (int)(length < 70 ? length : 70), c);
    }
    return status;
}

static enum es_status check_instance(const struct reading *r, const struct words *w, const char *text, struct es_spice_place at) {
    size_t count = 1;
    (void)text;
    while (count < w->count && !strchr(w->word[count], '='))
        count++;
    if (count < 3)
        return refuse(r, at, "\"%s\" has no nodes; expected \"%s nodes subcircuit\"", w->word[0], w->word[0]);
    enum es_status status = check_nodes(r, w, 1, count - 1, at);
    for (size_t i = count; i < w->count && status == ES_OK; i++)
        if (!strchr(w->word[i], '='))
            status = refuse(r, at, "\"%s\": \"%.70s\" after parameters; expected name=value", w->word[0], w->word[i]);
    return status;
}

static const struct {
    const char *letters;
    enum es_status (*check)(const struct reading *r, const struct words *w, const char *text, struct es_spice_place at);
} forms[] = {
    {"rlc", check_two_pole}, {"k", check_coupling}, {"ge", check_controlled}, {"vi", check_source}, {"x", check_instance},
};

static enum es_status take_element(struct reading *r, const char *text, const struct words *w, struct es_spice_place at) {
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        if (!strchr(forms[i].letters, *text))
            continue;
        bool pointed = *text != 'x' && text[1] != '.';
        enum es_status status = check_word(r, "an element", w->word[0], pointed ? element_signs : name_signs, at);
        if (status == ES_OK)
            status = forms[i].check(r, w, text, at);
        if (status == ES_OK)
            add_line(r, text, w->word[0], at);
        return status;
    }
    return ES_OK;
}

// ---- dot-lines -------------------------------------------------------------------------------------------------------

static enum es_status begin_cell(struct reading *r, const char *text, const struct words *w, struct es_spice_place at) {
    struct es_spice *s = r->spice;
    size_t count = 1;
    while (count < w->count && !strchr(w->word[count], '='))
        count++;
    if (r->cell >= 0)
        return refuse(r, at, ".subckt stands in the subcircuit \"%s\" of line %d; expected .ends before it", s->cell[r->cell].name, s->cell[r->cell].at.line);
    if (count < 3)
        return refuse(r, at, ".subckt has %zu words; expected a name and a node at least", w->count);
    enum es_status status = check_word(r, "a subcircuit", w->word[1], name_signs, at);
    if (status == ES_OK)
        status = check_nodes(r, w, 2, count - 2, at);
    for (size_t i = 0; i < s->cells && status == ES_OK; i++)
        if (strcmp(s->cell[i].name, w->word[1]) == 0)
            status = refuse(r, at, "the subcircuit \"%s\" already stands in line %d of %s; take another name", w->word[1], s->cell[i].at.line, s->cell[i].at.file);
    if (status != ES_OK)
        return status;
    s->cell = grown(r->arena, s->cell, s->cells, &r->cell_room, sizeof *s->cell);
    s->cell[s->cells] = (struct es_spice_cell){es_arena_string(r->arena, w->word[1]), count - 2, 0, at};
    r->cell = (int)s->cells++;
    add_line(r, text, ".subckt", at);
    return ES_OK;
}

static enum es_status end_cell(struct reading *r, const char *text, const struct words *w, struct es_spice_place at) {
    (void)text, (void)w;
    if (r->cell < 0)
        return refuse(r, at, ".ends without a .subckt before it");
    add_line(r, ".ends", ".ends", at);
    r->cell = -1;
    return ES_OK;
}

static enum es_status pass_on(struct reading *r, const char *text, const struct words *w, struct es_spice_place at) {
    if (w->count < 2)
        return refuse(r, at, "%s says nothing; expected name=value", w->word[0]);
    add_line(r, text, es_arena_string(r->arena, w->word[0]), at);
    return ES_OK;
}

static enum es_status take_initial(struct reading *r, const char *text, const struct words *w, struct es_spice_place at) {
    if (r->cell >= 0)
        return refuse(r, at, ".ic stands in a subcircuit; expected it outside, with the node as x1.a");
    for (size_t i = 1; i < w->count; i++)
        if (strncmp(w->word[i], "v(", 2) != 0 || !strstr(w->word[i], ")=") || !is_value(strstr(w->word[i], ")=") + 2))
            return refuse(r, at, ".ic: \"%.70s\"; expected v(node)=value", w->word[i]);
    return pass_on(r, text, w, at);
}

static enum es_status take_transient(struct reading *r, const char *text, const struct words *w, struct es_spice_place at) {
    if (r->spice->tran)
        return refuse(r, at, "a second .tran; expected one, as in line %d", r->spice->tran_at.line);
    for (size_t i = 1; i < w->count; i++)
        if (!is_value(w->word[i]) && strcmp(w->word[i], "uic") != 0)
            return refuse(r, at, ".tran: \"%.70s\"; expected numbers, and uic", w->word[i]);
    if (w->count < 3 || !is_value(w->word[2]))
        return refuse(r, at, ".tran has %zu words; expected a step and an end", w->count);
    r->spice->tran = text + strlen(".tran ");
    r->spice->tran_at = at;
    return ES_OK;
}

// Of the nodes in v(node), the network's outputs.
static enum es_status take_print(struct reading *r, const char *text, const struct words *w, struct es_spice_place at) {
    struct es_spice *s = r->spice;
    (void)w;
    for (const char *c = text; (c = strstr(c, "v(")); c++) {
        size_t length = strspn(c + 2, node_signs);
        if (strchr(" (,", c[-1]) && length > 0 && c[2 + length] == ')') {
            s->print = grown(r->arena, s->print, s->printed, &r->print_room, sizeof *s->print);
            s->print[s->printed++] = es_arena_printf(r->arena, "%.*s", (int)length, c + 2);
        }
    }
    add_note(r, at, es_arena_printf(r->arena, "%s is not acted on, but nodes in it become outputs", w->word[0]));
    return ES_OK;
}

static enum es_status leave_out(struct reading *r, const char *text, const struct words *w, struct es_spice_place at) {
    (void)text;
    add_note(r, at, es_arena_printf(r->arena, "%s is left out", w->word[0]));
    return ES_OK;
}

static const struct {
    const char *name;
    enum es_status (*take)(struct reading *r, const char *text, const struct words *w, struct es_spice_place at);
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
            return refuse(r, at, "the name of an included file has a byte of value %d; expected ASCII", (unsigned char)*c);
    if (!*name || !realpath(path, real))
        return refuse(r, at, "\"%.100s\" cannot be opened (%s); expected a file in the folder of the circuit", name, *name ? strerror(errno) : "no name");
    if (strncmp(real, r->folder, length) != 0 || real[length] != '/')
        return refuse(r, at, "\"%.100s\" lies outside the folder of the circuit, %.100s; copy it there", name, r->folder);
    if (from->depth == ES_SPICE_DEPTH)
        return refuse(r, at, "files are included %d deep; expected less: does one include itself?", ES_SPICE_DEPTH);
    struct source source = {.path = path, .depth = from->depth + 1, .section = section, .skipping = section != NULL};
    return read_file(r, &source, at);
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
            return refuse(r, at, ".lib \"%.70s\": expected .lib FILE SECTION", name);
        source->skipping = strcasecmp(name, source->section) != 0;
        return ES_OK;
    }
    *taken = false;
    return ES_OK;
}

static enum es_status check_signs(const struct reading *r, const char *text, struct es_spice_place at) {
    const char *c = text + strspn(text, line_signs);
    if (!*c)
        return ES_OK;
    return refuse(r, at, *c > ' ' && *c <= '~' ? "the character %c is not imported%s" : "a byte of value %d%s",
                  *c > ' ' && *c <= '~' ? *c : (unsigned char)*c, "; expected letters, digits and _ . + - * / ( ) { } ' = , ^");
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
        return refuse(r, at, "%.*s is not imported; expected .subckt, .ends, .param, .include, .lib, .ic, .tran or .end", (int)(length < 70 ? length : 70), text);
    if (*text != '.' && !strchr(element_letters, *text))
        return refuse(r, at, "\"%.*s\": elements of the letter %c are not imported; expected R, L, C, K, V, I, G, E or X", (int)(length < 70 ? length : 70), text,
                      toupper((unsigned char)*text));
    bool foreign = *text == '.' && dots[kind].foreign;
    for (char *params = text; (params = strcasestr(params, " params:"));) // the word that some put before parameters
        memset(params, ' ', 8);
    status = foreign ? ES_OK : check_signs(r, text, at);
    char *clean = ES_NEW(r->arena, strlen(text) + 1, char);
    if (status == ES_OK && !normalise(text, clean) && !foreign)
        status = refuse(r, at, "braces or quotes do not match");
    if (status == ES_OK && !foreign)
        status = check_calls(r, clean, at);
    if (status != ES_OK)
        return status;
    struct words *w = &r->words;
    split(r->arena, clean, " ", w);
    if (w->count == WORDS && !strchr("vi", *clean))
        return refuse(r, at, "more than %d words; expected fewer", WORDS);
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
            return refuse(r, at, "the line has %zu characters; expected at most %d: go on in the next with +", strlen(line), ES_SPICE_LINE);
        if (is_control(line))
            return refuse(r, at, "\"%.70s\" is a command to ngspice; expected a circuit alone, as import runs no commands", line);
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
        return refuse(r, from, "more than %d files are included; expected fewer", ES_SPICE_FILES);
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
            status = refuse(r, at, "+ with no line that it could go on from");
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
    r->sorted = ES_NEW(r->arena, s->lines, const struct es_spice_line *);
    for (size_t i = 0; i < s->lines; i++)
        if (*s->line[i].name != '.')
            r->sorted[r->elements++] = &s->line[i];
    qsort(r->sorted, r->elements, sizeof *r->sorted, by_name);
    for (size_t i = 1; i < r->elements; i++)
        if (by_name(&r->sorted[i - 1], &r->sorted[i]) == 0) {
            const struct es_spice_line *a = r->sorted[i - 1], *b = r->sorted[i];
            bool later = a > b;
            return refuse(r, later ? a->at : b->at, "the element \"%s\" already stands in line %d; take another name", a->name, later ? b->at.line : a->at.line);
        }
    return r->elements ? ES_OK : es_fail(r->error, ES_BAD_INPUT, "%.200s: there is no element; expected R, L, C and the like after the first line, which is a title", r->folder);
}

// The cell of each instance, its last word without "=".
static enum es_status find_cell(struct reading *r, struct es_spice_line *line) {
    struct es_spice *s = r->spice;
    struct words *w = &r->words;
    size_t last = 1;
    split(r->arena, line->text, " ", w);
    while (last + 1 < w->count && !strchr(w->word[last + 1], '='))
        last++;
    for (size_t i = 0; i < s->cells && line->of < 0; i++)
        if (strcmp(s->cell[i].name, w->word[last]) == 0)
            line->of = (int)i;
    if (line->of < 0)
        return refuse(r, line->at, "\"%s\": there is no subcircuit \"%.70s\"; define it with .subckt, or include its file", line->name, w->word[last]);
    if (s->cell[line->of].pins != last - 1)
        return refuse(r, line->at, "\"%s\" has %zu nodes; expected the %zu of the subcircuit \"%s\" in line %d", line->name, last - 1, s->cell[line->of].pins,
                      s->cell[line->of].name, s->cell[line->of].at.line);
    return ES_OK;
}

// parts = the elements of a cell, or of the whole, after all instances in it have been put in.
static enum es_status count_parts(const struct reading *r, int cell, int depth, size_t *parts) {
    const struct es_spice *s = r->spice;
    enum es_status status = ES_OK;
    *parts = 0;
    for (size_t i = 0; i < s->lines && status == ES_OK; i++) {
        const struct es_spice_line *line = &s->line[i];
        if (line->cell != cell || *line->name == '.')
            continue;
        size_t inside = 1;
        if (line->of >= 0 && depth == ES_SPICE_DEPTH)
            return refuse(r, line->at, "subcircuits are put into each other %d deep; expected less: does \"%s\" hold itself?", ES_SPICE_DEPTH, s->cell[line->of].name);
        if (line->of >= 0 && s->cell[line->of].parts)
            inside = s->cell[line->of].parts;
        else if (line->of >= 0)
            status = count_parts(r, line->of, depth + 1, &inside);
        *parts += inside;
        if (status == ES_OK && *parts > ES_SPICE_PARTS)
            status = refuse(r, line->at, "with \"%s\" the circuit has more than %d elements; expected fewer", line->name, ES_SPICE_PARTS);
    }
    if (status == ES_OK && cell >= 0)
        s->cell[cell].parts = *parts;
    return status;
}

static enum es_status check_cells(struct reading *r) {
    struct es_spice *s = r->spice;
    size_t parts;
    if (r->cell >= 0)
        return refuse(r, s->cell[r->cell].at, "the subcircuit \"%s\" has no .ends", s->cell[r->cell].name);
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
    return status == ES_OK ? check_cells(&r) : status;
}

// ---- from ngspice back to the lines ----------------------------------------------------------------------------------

static const struct es_spice_line *find_in(const struct es_spice *spice, int cell, const char *name, size_t length) {
    for (size_t i = 0; i < spice->lines; i++)
        if (spice->line[i].cell == cell && strncmp(spice->line[i].name, name, length) == 0 && spice->line[i].name[length] == '\0')
            return &spice->line[i];
    return NULL;
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
