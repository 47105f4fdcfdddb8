// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// Files that are read whole: bytes; and text by lines, fields and numbers. Internal to src/data, and
// to the reader of device cards.
#ifndef ES_DATA_FILE_H
#define ES_DATA_FILE_H

#include "data/make.h"

enum { ES_FILE_BYTES = 256 << 20 }; // largest file

// ES_BAD_INPUT unless `dir` is a directory. `what` is what `kind` expects in it.
enum es_status es_directory_check(const char *dir, const char *kind, const char *what, struct es_error *error);

// Reads a regular file of at most ES_FILE_BYTES into `scratch`, followed by a 0. `what` was expected.
enum es_status es_file_read(const char *path, const char *what, struct es_arena *scratch, char **bytes, size_t *size,
                            struct es_error *error);

struct es_text {
    struct es_place at; // the line that was read last
    char *rest;         // the lines after it, or NULL
};

// Refuses control characters but tabs and ends of lines, so a text has no 0 in it.
enum es_status es_text_read(const char *path, const char *what, struct es_arena *scratch, struct es_text *text,
                            struct es_error *error);

size_t es_text_lines(const struct es_text *text); // that are left, at most
char *es_text_line(struct es_text *text);         // the next, without its end; NULL after the last

// The next line with something in it that does not start with one of `comments`, from its first character that is no blank.
char *es_text_data(struct es_text *text, const char *comments);

// What separates the fields of a line: commas, else tabs, else blanks, several of which count as one.
char es_text_separator(const char *line);
size_t es_text_fields(const char *line, char separator);

// The next field, without blanks and quotes around it; NULL after the last. *rest is the line at first.
char *es_text_field(char **rest, char separator);

// Titles above the columns: the line starts with a letter and has no number in it.
bool es_text_is_title(const char *line, struct es_arena *scratch);

// ES_BAD_INPUT unless column `column` of the line is a finite number of magnitude <= 1e100.
enum es_status es_text_number(const struct es_text *text, const char *field, size_t column, double *value,
                              struct es_error *error);

// False unless the field is a whole number of decimal digits, at most `max`.
bool es_text_whole(const char *field, size_t max, size_t *value);

#endif
