// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// Memory with one owner: everything allocated from an arena is freed with it. Allocations are zeroed and aligned to 64
// bytes. If the system refuses memory the process ends with one line on standard error and exit status 2: sizes that come
// from files are bounded before they get here, so a refusal means that the machine, not the input, is at its end.
#ifndef ES_CORE_ARENA_H
#define ES_CORE_ARENA_H

#include <stddef.h>

struct es_arena;

struct es_arena *es_arena_new(void);
void es_arena_free(struct es_arena *arena); // NULL is allowed
void *es_arena_alloc(struct es_arena *arena, size_t count, size_t size); // [count] objects of `size` bytes, zeroed
char *es_arena_string(struct es_arena *arena, const char *text);         // a copy
char *es_arena_printf(struct es_arena *arena, const char *format, ...) __attribute__((format(printf, 2, 3)));

#define ES_NEW(arena, count, type) ((type *)es_arena_alloc(arena, count, sizeof(type)))

#endif
