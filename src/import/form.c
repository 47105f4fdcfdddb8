// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
#include "import/form.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char digits[] = "0123456789";
static const char element_letters[] = "rlckvigexRLCKVIGEX";
static const char name_signs[] = "abcdefghijklmnopqrstuvwxyz0123456789_";
static const char element_signs[] = "abcdefghijklmnopqrstuvwxyz0123456789_.";
static const char *const waves[] = {"sin", "pulse", "pwl", "exp", "sffm", "am", NULL};
static const char node_signs[] = "abcdefghijklmnopqrstuvwxyz0123456789_.+-/";
static const char line_signs[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_ \t.+-*/(){}'=,^";

enum es_status es_spice_refuse(struct es_error *error, struct es_spice_place at, const char *format, ...) {
    char sentence[768];
    va_list args;
    va_start(args, format);
    vsnprintf(sentence, sizeof sentence, format, args);
    va_end(args);
    return es_fail(error, ES_BAD_INPUT, "%.200s:%d: %s", at.file, at.line, sentence);
}

// ---- words -----------------------------------------------------------------------------------------------------------

void es_spice_split(struct es_arena *arena, const char *text, const char *separators, struct es_spice_words *w) {
    char *rest = es_arena_string(arena, text), *word;
    w->count = 0;
    while (w->count < ES_SPICE_WORDS && (word = strsep(&rest, separators)))
        if (*word)
            w->word[w->count++] = word;
}

bool es_spice_normalise(const char *text, char *out) {
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

bool es_spice_is_value(const char *word) {
    return *word && strchr("0123456789.+-{'", *word) != NULL;
}

// "4k7" is 4000 to ngspice.
static bool is_truncated(const char *word) {
    const char *c = word + strspn(word, "+-.0123456789");
    if (*c == 'e' && c[1 + strspn(c + 1, "+-")] && strchr(digits, c[1 + strspn(c + 1, "+-")]))
        c += 1 + strspn(c + 1, "+-0123456789");
    return strpbrk(c, digits) != NULL && strchr("{'", *word) == NULL;
}

static bool in_name(char c) {
    return c && strchr(element_signs, c) != NULL;
}

// What is called by the parenthesis at c: the word before it. Where a blank is between, a number is none.
static const char *called(const char *text, const char *c, size_t *length) {
    const char *end = c;
    while (end > text && end[-1] == ' ')
        end--;
    const char *start = end;
    while (start > text && in_name(start[-1]))
        start--;
    bool number = end < c && es_spice_is_value(start);
    *length = number ? 0 : (size_t)(end - start);
    return start;
}

enum es_status es_spice_check_calls(struct es_error *error, const char *text, struct es_spice_place at) {
    static const char *const functions[] = {"sqrt", "sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh", "exp", "ln", "log", "log10", "abs", "min",
                                            "max", "pow", "int", "floor", "ceil", "sgn", NULL};
    static const char *const state[] = {"v", NULL}, *const moving[] = {"time", "temper", "hertz", NULL};
    const char *const *more = *text == 'v' || *text == 'i' ? waves : strncmp(text, ".ic", 3) == 0 ? state : functions;
    int depth = 0;
    for (const char *c = text; *c; c++) {
        depth += *c == '(' ? 1 : *c == ')' ? -1 : 0;
        if (depth < 0 || depth > 50)
            return es_spice_refuse(error, at, "parentheses do not match, or are more than 50 deep");
        size_t length = c == text || !in_name(c[-1]) ? strspn(c, element_signs) : 0;
        if (is_in(c, length, moving))
            return es_spice_refuse(error, at, "\"%.*s\" makes a value that changes in time or with the temperature, which is not imported; expected a number", (int)length, c);
        const char *name = *c == '(' ? called(text, c, &length) : NULL;
        if (name && length && !is_in(name, length, functions) && !is_in(name, length, more))
            return es_spice_refuse(error, at, "\"%.*s(\" is not among the functions that are imported; expected a number, or an expression of numbers, parameters and sqrt, sin, "
                                              "exp and the like", (int)(length < 64 ? length : 64), name);
    }
    return depth == 0 ? ES_OK : es_spice_refuse(error, at, "parentheses do not match");
}

static enum es_status check_word(struct es_error *error, const char *what, const char *word, const char *signs, struct es_spice_place at) {
    if (strstr(word, "es__"))
        return es_spice_refuse(error, at, "the name \"%.70s\" holds es__, which import keeps for parts of its own; take another", word);
    if (strlen(word) <= ES_SPICE_WORD && *word && word[strspn(word, signs)] == '\0')
        return ES_OK;
    return es_spice_refuse(error, at, "\"%.70s%s\" is no name of %s; expected at most %d letters, digits and _", word, strlen(word) > 70 ? "..." : "", what, ES_SPICE_WORD);
}

enum es_status es_spice_check_nodes(struct es_error *error, const struct es_spice_words *w, size_t first, size_t count, struct es_spice_place at) {
    if (w->count < first + count)
        return es_spice_refuse(error, at, "\"%s\" has %zu words; expected a name and %zu nodes at least", w->word[0], w->count, count);
    enum es_status status = ES_OK;
    for (size_t i = first; i < first + count && status == ES_OK; i++)
        status = check_word(error, "a node", w->word[i], node_signs, at);
    return status;
}

// The words from `first` on: key=value, with the keys of the list.
static enum es_status check_keys(struct es_error *error, const struct es_spice_words *w, size_t first, const char *const *keys, struct es_spice_place at) {
    for (size_t i = first; i < w->count; i++) {
        size_t length = strcspn(w->word[i], "=");
        if (w->word[i][length] != '=' || !is_in(w->word[i], length, keys) || !es_spice_is_value(w->word[i] + length + 1))
            return es_spice_refuse(error, at, "\"%s\": \"%.70s\" is not imported; expected %s=, %s= or nothing", w->word[0], w->word[i], keys[0], keys[1] ? keys[1] : keys[0]);
    }
    return ES_OK;
}

static enum es_status check_value(struct es_error *error, const struct es_spice_words *w, size_t i, struct es_spice_place at) {
    const char *word = w->count > i ? w->word[i] : "", letter[] = {w->word[0][0], '=', '\0'};
    const char *value = strncmp(word, letter, 2) == 0 ? word + 2 : word;
    if (!es_spice_is_value(value))
        return es_spice_refuse(error, at, "\"%s\" has the value \"%.70s\"; expected a number or an expression in {}, as models, and what depends on voltages, are not imported", w->word[0], word);
    if (is_truncated(value))
        return es_spice_refuse(error, at, "\"%s\" has the value \"%.70s\", of which ngspice takes no notice after the first letter; write 4.7k for 4k7", w->word[0], value);
    return ES_OK;
}

// ---- elements --------------------------------------------------------------------------------------------------------

static enum es_status check_two_pole(struct es_error *error, const struct es_spice_words *w, const char *text, struct es_spice_place at) {
    static const char *const resistor[] = {"m", NULL}, *const storing[] = {"ic", "m", NULL};
    (void)text;
    enum es_status status = es_spice_check_nodes(error, w, 1, 2, at);
    if (status == ES_OK)
        status = check_value(error, w, 3, at);
    return status == ES_OK ? check_keys(error, w, 4, w->word[0][0] == 'r' ? resistor : storing, at) : status;
}

static enum es_status check_coupling(struct es_error *error, const struct es_spice_words *w, const char *text, struct es_spice_place at) {
    (void)text;
    if (w->count != 4)
        return es_spice_refuse(error, at, "\"%s\" has %zu words; expected a name, two inductors and a coefficient, one pair in a line", w->word[0], w->count);
    for (size_t i = 1; i <= 2; i++) // ngspice does not survive others
        if (*w->word[i] != 'l')
            return es_spice_refuse(error, at, "\"%s\" couples \"%.70s\"; expected two inductors", w->word[0], w->word[i]);
    enum es_status status = es_spice_check_nodes(error, w, 1, 2, at);
    return status == ES_OK ? check_value(error, w, 3, at) : status;
}

static enum es_status check_controlled(struct es_error *error, const struct es_spice_words *w, const char *text, struct es_spice_place at) {
    static const char *const keys[] = {"m", NULL};
    (void)text;
    if (w->count < 6 || !es_spice_is_value(w->word[5]))
        return es_spice_refuse(error, at, "\"%s\" is no linear source of four nodes; expected \"%s n+ n- c+ c- value\", as poly, tables and functions are not imported", w->word[0], w->word[0]);
    enum es_status status = es_spice_check_nodes(error, w, 1, 4, at);
    if (status == ES_OK)
        status = check_value(error, w, 5, at);
    return status == ES_OK ? check_keys(error, w, 6, keys, at) : status;
}

const char *es_spice_after_nodes(const char *text) {
    for (int i = 0; i < 3; i++) {
        text += strcspn(text, " ");
        text += strspn(text, " ");
    }
    return text;
}

// The next word of a source from *c on, of waveforms each by itself; its length, 0 at the end.
static size_t source_word(const char **c) {
    *c += strspn(*c, " (),");
    return **c == '{' ? strcspn(*c, "}") + 1 : **c == '\'' ? strcspn(*c + 1, "'") + 2 : strcspn(*c, " (),");
}

bool es_spice_is_wave(const char *text) {
    const char *c = es_spice_after_nodes(text);
    for (size_t length; (length = source_word(&c)); c += length)
        if (is_in(c, length, waves))
            return true;
    return false;
}

static enum es_status check_source(struct es_error *error, const struct es_spice_words *w, const char *text, struct es_spice_place at) {
    static const char *const constant[] = {"dc", "ac", NULL};
    enum es_status status = es_spice_check_nodes(error, w, 1, 2, at);
    const char *c = es_spice_after_nodes(text);
    for (size_t length; status == ES_OK && (length = source_word(&c)); c += length) {
        bool multiple = *text == 'i' && strncmp(c, "m=", 2) == 0;
        if (!es_spice_is_value(c) && !multiple && !is_in(c, length, constant) && !is_in(c, length, waves))
            status = es_spice_refuse(error, at, "\"%s\": \"%.*s\" is not imported; expected dc, sin, pulse, pwl, exp, sffm or am with numbers", w->word[0], (int)(length < 70 ? length : 70), c);
    }
    return status;
}

static enum es_status check_instance(struct es_error *error, const struct es_spice_words *w, const char *text, struct es_spice_place at) {
    size_t count = 1;
    (void)text;
    while (count < w->count && !strchr(w->word[count], '='))
        count++;
    if (count < 3)
        return es_spice_refuse(error, at, "\"%s\" has no nodes; expected \"%s nodes subcircuit\"", w->word[0], w->word[0]);
    enum es_status status = es_spice_check_nodes(error, w, 1, count - 1, at);
    for (size_t i = count; i < w->count && status == ES_OK; i++)
        if (!strchr(w->word[i], '='))
            status = es_spice_refuse(error, at, "\"%s\": \"%.70s\" after parameters; expected name=value", w->word[0], w->word[i]);
    return status;
}

static const struct {
    const char *letters;
    enum es_status (*check)(struct es_error *error, const struct es_spice_words *w, const char *text, struct es_spice_place at);
} forms[] = {
    {"rlc", check_two_pole}, {"k", check_coupling}, {"ge", check_controlled}, {"vi", check_source}, {"x", check_instance},
};

bool es_spice_is_element(const char *text) {
    return strchr(element_letters, *text) != NULL;
}

enum es_status es_spice_check_element(struct es_error *error, const struct es_spice_words *w, const char *text, struct es_spice_place at) {
    size_t i = 0;
    while (!strchr(forms[i].letters, *text))
        i++;
    bool pointed = *text != 'x' && text[1] != '.';
    enum es_status status = check_word(error, "an element", w->word[0], pointed ? element_signs : name_signs, at);
    return status == ES_OK ? forms[i].check(error, w, text, at) : status;
}

enum es_status es_spice_check_name(struct es_error *error, const char *what, const char *word, struct es_spice_place at) {
    return check_word(error, what, word, name_signs, at);
}

size_t es_spice_node_length(const char *text) {
    return strspn(text, node_signs);
}

enum es_status es_spice_check_signs(struct es_error *error, const char *text, struct es_spice_place at) {
    const char *c = text + strspn(text, line_signs);
    if (!*c)
        return ES_OK;
    return es_spice_refuse(error, at, *c > ' ' && *c <= '~' ? "the character %c is not imported%s" : "a byte of value %d%s",
                  *c > ' ' && *c <= '~' ? *c : (unsigned char)*c, "; expected letters, digits and _ . + - * / ( ) { } ' = , ^");
}
