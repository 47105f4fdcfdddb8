// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// The forms that a line may have. Internal to src/import.
#ifndef ES_IMPORT_FORM_H
#define ES_IMPORT_FORM_H

#include "import/text.h"

enum { ES_SPICE_WORDS = 2100 }; // of a line, but for those of waveforms

struct es_spice_words {
    size_t count;
    char *word[ES_SPICE_WORDS];
};

// ES_BAD_INPUT with FILE:LINE in front of the sentence.
enum es_status es_spice_refuse(struct es_error *error, struct es_spice_place at, const char *format, ...) __attribute__((format(printf, 3, 4)));

// Of a line without blanks around "=" and in expressions; those after the last that fits are left out.
void es_spice_split(struct es_arena *arena, const char *text, const char *separators, struct es_spice_words *w);

// Blanks in expressions and around "=" are dropped, several are one, letters are small, tabs are blanks. False where braces or quotes do not match.
// out [strlen(text) + 1]
bool es_spice_normalise(const char *text, char *out);

bool es_spice_is_value(const char *word);          // begins as a number or an expression
bool es_spice_is_element(const char *text);        // begins with a letter that is imported
size_t es_spice_node_length(const char *text);     // characters of the name of a node
const char *es_spice_after_nodes(const char *text); // of a source's normalised line
bool es_spice_is_wave(const char *text);           // of a source's normalised line: it changes in time

// ES_BAD_INPUT for a character that no line may have; for parentheses that do not match, and functions that are not of numbers alone, in a normalised line.
enum es_status es_spice_check_signs(struct es_error *error, const char *text, struct es_spice_place at);
enum es_status es_spice_check_calls(struct es_error *error, const char *text, struct es_spice_place at);

// `what` has the name `word`; words [first, first + count) are names of nodes.
enum es_status es_spice_check_name(struct es_error *error, const char *what, const char *word, struct es_spice_place at);
enum es_status es_spice_check_nodes(struct es_error *error, const struct es_spice_words *w, size_t first, size_t count, struct es_spice_place at);

// The normalised line of an element, whose words are w.
enum es_status es_spice_check_element(struct es_error *error, const struct es_spice_words *w, const char *text, struct es_spice_place at);

#endif
