// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
#include "data/file.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const double largest = 1e100; // so that squares can be added up

enum es_status es_directory_check(const char *dir, const char *kind, const char *what, struct es_error *error) {
    struct stat about;
    if (!dir)
        return es_fail(error, ES_BAD_INPUT, "%s has no directory; expected one with %s: name it with --data", kind, what);
    if (stat(dir, &about))
        return es_fail(error, ES_BAD_INPUT, "%s: cannot be opened (%s); expected a directory with %s: check the name", dir,
                       strerror(errno), what);
    if (!S_ISDIR(about.st_mode))
        return es_fail(error, ES_BAD_INPUT, "%s: not a directory; expected one with %s", dir, what);
    return ES_OK;
}

static enum es_status read_bytes(FILE *file, const char *path, const char *what, struct es_arena *scratch, char **bytes,
                                 size_t *size, struct es_error *error) {
    struct stat about;
    if (fstat(fileno(file), &about) || !S_ISREG(about.st_mode))
        return es_fail(error, ES_BAD_INPUT, "%s: not a regular file; expected %s", path, what);
    if (about.st_size > ES_FILE_BYTES)
        return es_fail(error, ES_BAD_INPUT, "%s: the file has %lld bytes; expected at most %d: split it", path,
                       (long long)about.st_size, ES_FILE_BYTES);
    *size = (size_t)about.st_size;
    *bytes = ES_NEW(scratch, *size + 1, char);
    size_t got = fread(*bytes, 1, *size, file);
    if (got < *size)
        return es_fail(error, ES_BAD_INPUT, "%s: %zu of %zu bytes could be read; expected %s", path, got, *size, what);
    return ES_OK;
}

enum es_status es_file_read(const char *path, const char *what, struct es_arena *scratch, char **bytes, size_t *size,
                            struct es_error *error) {
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    FILE *file = fd < 0 ? NULL : fdopen(fd, "rb");
    if (!file)
        return es_fail(error, ES_BAD_INPUT, "%s: cannot be opened (%s); expected %s: check the name", path, strerror(errno),
                       what);
    enum es_status status = read_bytes(file, path, what, scratch, bytes, size, error);
    fclose(file);
    return status;
}

enum es_status es_text_read(const char *path, const char *what, struct es_arena *scratch, struct es_text *text,
                            struct es_error *error) {
    size_t size, line = 1;
    *text = (struct es_text){.at = {path, "line", 0}};
    enum es_status status = es_file_read(path, what, scratch, &text->rest, &size, error);
    if (status)
        return status;
    const char *end = text->rest + size;
    if (strncmp(text->rest, "\xef\xbb\xbf", 3) == 0)
        text->rest += 3;
    for (const char *c = text->rest; c < end; c++) {
        bool space = *c == '\t' || *c == '\n' || (*c == '\r' && c[1] == '\n');
        if (((unsigned char)*c < ' ' && !space) || *c == 0x7f)
            return es_fail(error, ES_BAD_INPUT, "%s, line %zu: a byte of value %d; expected text", path, line, *c);
        line += *c == '\n';
    }
    return ES_OK;
}

size_t es_text_lines(const struct es_text *text) {
    size_t lines = 1;
    for (const char *c = text->rest; c && *c; c++)
        lines += *c == '\n';
    return lines;
}

char *es_text_line(struct es_text *text) {
    char *line = strsep(&text->rest, "\n");
    if (!line)
        return NULL;
    text->at.number++;
    line[strcspn(line, "\r")] = '\0';
    return line;
}

char *es_text_data(struct es_text *text, const char *comments) {
    for (char *line; (line = es_text_line(text));) {
        line += strspn(line, " \t");
        if (*line && !strchr(comments, *line))
            return line;
    }
    return NULL;
}

char es_text_separator(const char *line) {
    return strchr(line, ',') ? ',' : strchr(line, '\t') ? '\t' : ' ';
}

size_t es_text_fields(const char *line, char separator) {
    size_t count = 0;
    for (const char *c = line; separator == ' ' && *c; c++)
        count += *c != ' ' && (c == line || c[-1] == ' ');
    for (const char *c = line; separator != ' ' && c; c = strchr(c, separator)) {
        c += count > 0;
        count++;
    }
    return count;
}

static char *trim(char *field) {
    field += strspn(field, " \t\"");
    size_t length = strlen(field);
    while (length && strchr(" \t\"", field[length - 1]))
        field[--length] = '\0';
    return field;
}

char *es_text_field(char **rest, char separator) {
    const char separators[] = {separator, '\0'};
    if (*rest && separator == ' ') {
        *rest += strspn(*rest, " ");
        *rest = **rest ? *rest : NULL;
    }
    char *field = strsep(rest, separators);
    return field ? trim(field) : NULL;
}

static bool is_number(const char *field, double *value) {
    char *end;
    *value = strtod(field, &end);
    return end > field && !*end && field[strspn(field, "0123456789+-.eE")] == '\0' && fabs(*value) <= largest;
}

bool es_text_is_title(const char *line, struct es_arena *scratch) {
    char separator = es_text_separator(line), *rest = es_arena_string(scratch, line), *field, *end;
    char first = line[strspn(line, "\"")];
    bool letters = (first >= 'A' && first <= 'Z') || (first >= 'a' && first <= 'z');
    while (letters && (field = es_text_field(&rest, separator))) {
        strtod(field, &end);
        letters = end == field || *end; // nan and inf are numbers here
    }
    return letters;
}

enum es_status es_text_number(const struct es_text *text, const char *field, size_t column, double *value,
                              struct es_error *error) {
    if (is_number(field, value))
        return ES_OK;
    bool missing = !*field || strcmp(field, "?") == 0 || isnan(*value);
    return es_fail(error, ES_BAD_INPUT, "%s, line %zu: value %zu is \"%.100s\"; expected a number of magnitude up to %g%s",
                   text->at.path, text->at.number, column, field, largest,
                   missing ? ": where one is missing, fill it in or leave the line out" : "");
}

bool es_text_whole(const char *field, size_t max, size_t *value) {
    char *end;
    errno = 0;
    unsigned long long number = strtoull(field, &end, 10);
    *value = (size_t)number;
    return *field >= '0' && *field <= '9' && !*end && !errno && number <= max;
}
