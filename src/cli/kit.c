// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
#include "cli/kit.h"

#include <string.h>
#include <unistd.h>

// Where the process's libraries are: as the user says, beside its map, or a place to be filled in. Whole, as netlists and workers stand elsewhere.
static const char *kit_path(const struct es_process *process, const char *pdk, struct es_arena *arena) {
    const char *slash = strrchr(process->file, '/'), *file = process->corner[0].library[0].file;
    const char *path = pdk ? pdk : es_arena_printf(arena, "%.*s", slash ? (int)(slash - process->file) : 1, slash ? process->file : ".");
    if (!pdk && access(es_arena_printf(arena, "%s/%s", path, file), R_OK) != 0)
        return es_arena_printf(arena, "/path/to/%s", process->name);
    return cli_whole_path(path, arena);
}

enum es_status cli_kit_head(const struct es_process *process, const char *corner, const char *pdk, const struct es_dialect *dialect, struct es_arena *arena, const char **head,
                             struct es_error *error) {
    const char *lines, *text = "";
    enum es_status status = es_process_libraries(process, corner, kit_path(process, pdk, arena), arena, &lines, error);
    for (size_t i = 0; i < process->notes && status == ES_OK; i++)
        text = es_arena_printf(arena, "%s* %s\n", text, process->note[i]);
    if (dialect != &es_dialect_ngspice)
        text = es_arena_printf(arena, "%s* the libraries are for ngspice: put those of the design kit for %s in their place, where it has them\n", text, dialect->row.name);
    for (size_t i = 0; i < process->settings && dialect == &es_dialect_ngspice; i++)
        text = es_arena_printf(arena, "%s* in .spiceinit: set %s%s%s\n", text, process->setting[i].name, process->setting[i].value ? "=" : "",
                               process->setting[i].value ? process->setting[i].value : "");
    if (status == ES_OK)
        *head = es_arena_printf(arena, "%s%s", text, lines);
    return status;
}

static const char *asked_or_stored(const char *asked, struct es_store *store, const char *key, struct es_arena *arena) {
    return asked ? asked : store ? es_store_get(store, key, arena) : NULL;
}

// ngspice would not find them either, one worker after the other.
static enum es_status check_libraries(const struct es_process *process, const char *corner, const char *pdk, struct es_arena *arena, struct es_error *error) {
    const char *path = kit_path(process, pdk, arena);
    const struct es_process_corner *c = process->corner;
    while (corner && strcmp(c->name, corner) != 0)
        c++; // it is there, the head was made of it
    for (size_t i = 0; i < c->libraries; i++)
        if (access(es_arena_printf(arena, "%s/%s", path, c->library[i].file), R_OK) != 0)
            return es_fail(error, ES_BAD_INPUT, "process %s: no library %s/%s; say where the kit is, --pdk DIR", process->name, path, c->library[i].file);
    return ES_OK;
}

// Training moves a transconductance between its bounds, and so its bias.
static enum es_status check_bounds(const struct cli_subject *s, const struct es_element *e, struct es_error *error) {
    struct es_transconductor_point point;
    enum es_status status = ES_OK;
    for (size_t q = 0; e->kind == &es_gyrator && e->kind->quantity[q].name; q++) {
        if (e->parameter[q] == ES_FIXED || strcmp(e->kind->quantity[q].unit, "S") != 0)
            continue;
        const struct es_parameter *p = &s->experiment->net->parameter[e->parameter[q]];
        for (int i = 0; i < 2 && status == ES_OK; i++)
            status = es_process_transconductor(s->process, s->kit.corner, e->name, (i ? p->max : p->min) * es_element_scale(e, q), &point, error);
    }
    return status;
}

enum es_status cli_kit_open(const struct cli_options *options, struct cli_subject *s, struct es_error *error) {
    struct es_store *store = options->process ? NULL : s->store; // a process that is asked for has corners and libraries of its own
    const char *name = asked_or_stored(options->process, store, "process", s->arena), *pdk = asked_or_stored(options->pdk, store, "pdk", s->arena);
    s->kit = (struct es_cmos_kit){.corner = asked_or_stored(options->corner, store, "corner", s->arena)};
    if (!name)
        return es_fail(error, ES_BAD_INPUT, "the scheme transistors: of which process? take --process NAME");
    if (s->technology != &es_cmos)
        return es_fail(error, ES_BAD_INPUT, "--process %s: transistors realise the technology cmos; take --technology cmos", name);
    if (s->chip.count)
        return es_fail(error, ES_BAD_INPUT, "--chip: transistors have nonidealities of their own; leave it out");
    s->experiment->reversal = &es_swap_outputs;
    enum es_status status = cli_process_read(name, &s->process, error);
    if (status == ES_OK && !s->kit.corner)
        s->kit.corner = s->process->corner[0].name;
    if (status == ES_OK)
        status = cli_kit_head(s->process, s->kit.corner, pdk, &es_dialect_ngspice, s->arena, &s->kit.head, error);
    if (status == ES_OK)
        status = check_libraries(s->process, s->kit.corner, pdk, s->arena, error);
    s->kit.process = s->process;
    for (size_t i = 0; i < s->experiment->net->elements && status == ES_OK; i++)
        status = check_bounds(s, &s->experiment->net->element[i], error);
    return status;
}
