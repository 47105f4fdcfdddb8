// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
#include "core/arena.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ALIGNMENT = 64, BLOCK = 1 << 16 };

struct block {
    struct block *next;
    size_t used, size; // bytes behind this header
};

struct es_arena {
    struct block *first;
};

static const size_t header = (sizeof(struct block) + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;

static _Noreturn void out_of_memory(void) {
    fputs("echospice: out of memory\n", stderr);
    _exit(2);
}

struct es_arena *es_arena_new(void) {
    struct es_arena *arena = calloc(1, sizeof *arena);
    if (!arena)
        out_of_memory();
    return arena;
}

void es_arena_free(struct es_arena *arena) {
    if (!arena)
        return;
    for (struct block *block = arena->first, *next; block; block = next) {
        next = block->next;
        free(block);
    }
    free(arena);
}

void *es_arena_alloc(struct es_arena *arena, size_t count, size_t size) {
    if (size && count > (SIZE_MAX / 2 - ALIGNMENT) / size)
        out_of_memory();
    size_t bytes = (count * size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    struct block *block = arena->first;
    if (!block || block->size - block->used < bytes) {
        size_t room = bytes > BLOCK ? bytes : BLOCK;
        block = aligned_alloc(ALIGNMENT, header + room);
        if (!block)
            out_of_memory();
        *block = (struct block){.next = arena->first, .used = 0, .size = room};
        arena->first = block;
    }
    void *memory = (char *)block + header + block->used;
    block->used += bytes;
    return memset(memory, 0, bytes);
}

char *es_arena_string(struct es_arena *arena, const char *text) {
    size_t size = strlen(text) + 1;
    return memcpy(es_arena_alloc(arena, size, 1), text, size);
}

char *es_arena_printf(struct es_arena *arena, const char *format, ...) {
    va_list args;
    char *made;
    va_start(args, format);
    int length = vasprintf(&made, format, args);
    va_end(args);
    if (length < 0)
        out_of_memory();
    char *text = es_arena_string(arena, made);
    free(made);
    return text;
}
