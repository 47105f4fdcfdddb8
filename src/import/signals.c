// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// The waveforms of sources as signals: ngspice plays a circuit of the sources alone, at twice as many points as the grid has, so that what lies between two points
// is known to be straight or not.
#include "import/circuit.h"

#include "import/form.h"
#include "net/modes.h"

#include <math.h>
#include <string.h>

enum { POINTS = 1000000, VALUES = 64 << 20, SUBSTEPS = 1000 };

struct waves {
    size_t count;
    int *part;              // [count] sources
    const char **node;      // [count] where they are played
    double *fine, *coarse;  // [count][2 steps + 1], and [points]
};

// ---- the grid --------------------------------------------------------------------------------------------------------

static double fastest_mode(const struct es_network *net) {
    double theta = 0; // nothing is trained yet
    return es_modes_fastest(net, &theta);
}

// .tran's step; without .tran ten periods of the fastest mode, or, where nothing resonates, ten time constants of all there is.
static enum es_status choose_grid(struct es_circuit_import *c) {
    struct es_import *import = c->import;
    double step = c->time[3] > 0 && c->time[3] < c->time[0] ? c->time[3] : c->time[0], end = c->time[1];
    if (c->timed && !(step > 0 && end >= step && end / step <= POINTS))
        return es_fail(c->error, ES_BAD_INPUT, "%.200s:%d: .tran has steps of %g s up to %g s; expected 1 to %d steps", c->spice->tran_at.file, c->spice->tran_at.line, step, end,
                       POINTS);
    if (!c->timed) {
        double omega = fastest_mode(import->net), farad = 0, siemens = 0;
        for (size_t i = 0; i < import->net->elements; i++) {
            const struct es_element *e = &import->net->element[i];
            farad += e->kind == &es_capacitor ? e->value[0] : 0;
            siemens += e->kind == &es_conductance ? e->value[0] : 0;
        }
        step = omega > 0 ? 2 * M_PI / omega / 20 : siemens > 0 && farad > 0 ? farad / siemens / 20 : 1e-9;
        end = 200 * step;
        es_import_note(c, c->spice->line[0].at, es_arena_printf(c->arena, "there is no .tran: the pass takes %.4g s", end));
    }
    size_t steps = (size_t)fmax(round(end / step), 1);
    import->interval = es_import_round(end / (double)steps);
    import->points = steps + 1;
    return ES_OK;
}

// The engine's own choice is 20 steps per period of the fastest mode; the circuit's is taken where it is finer.
static void choose_substeps(struct es_import *import, size_t merged) {
    double omega = fastest_mode(import->net), needed = omega > 0 ? 20 * omega * import->interval / (2 * M_PI) : 1;
    import->substeps = merged > 1 && (double)merged >= needed * (1 - 1e-9) ? merged : 0;
}

// ---- waveforms -------------------------------------------------------------------------------------------------------

// What a source plays, but for the m of a current source, which counts with what it drives.
static const char *waveform(struct es_arena *arena, const char *text) {
    char *copy = es_arena_string(arena, text), *multiple = strstr(copy, " m=");
    if (multiple)
        memset(multiple + 1, ' ', strcspn(multiple + 1, " "));
    return es_spice_after_nodes(copy);
}

// The circuit with sources alone, each at a node of its own: source v1 of a cell plays at the cell's node es__v1. A resistor keeps cells from being empty.
static size_t sources_alone(const struct es_circuit_import *c, const char **line) {
    size_t lines = 0;
    for (size_t i = 0; i < c->spice->lines; i++) {
        const struct es_spice_line *l = &c->spice->line[i];
        if (*l->name == 'v' || *l->name == 'i')
            line[lines++] = es_arena_printf(c->arena, "ves__%s es__%s 0 %s", l->name, l->name, waveform(c->arena, l->text));
        else if (*l->name == 'x' || strcmp(l->name, ".param") == 0 || strcmp(l->name, ".subckt") == 0 || strcmp(l->name, ".ends") == 0)
            line[lines++] = l->text;
        if (strcmp(l->name, ".subckt") == 0)
            line[lines++] = "res__ es__ 0 1";
    }
    line[lines++] = "res__ es__ 0 1";
    return lines;
}

// Where ngspice has the source's node: x1.es__v1 for v.x1.v1.
static const char *own_node(const struct es_circuit_import *c, const struct es_import_part *part) {
    const char *flat = part->flat->name, *name = flat[1] == '.' ? flat + 2 : flat;
    return es_arena_printf(c->arena, "%.*ses__%s", (int)(strlen(name) - strlen(part->line->name)), name, part->line->name);
}

static bool is_heard(const struct es_circuit_import *c, int source) {
    for (size_t i = 0; i < c->parts; i++)
        if ((c->part[i].kind && c->part[i].signal == source) || c->part[i].target == source)
            return true;
    return false;
}

static enum es_status play(struct es_circuit_import *c, struct waves *w) {
    const struct es_import *import = c->import;
    size_t fine = 2 * import->points - 1;
    double end = (double)(import->points - 1) * import->interval;
    const char **line = ES_NEW(c->arena, 2 * c->spice->lines + 1, const char *);
    if ((double)w->count * (double)fine > VALUES)
        return es_fail(c->error, ES_BAD_INPUT, "%.200s:%d: %zu waveforms of %zu points; expected at most %d values: take larger steps, or a shorter time", c->spice->tran_at.file,
                       c->spice->tran_at.line, w->count, import->points, VALUES / 2);
    w->fine = ES_NEW(c->arena, w->count * fine, double);
    return es_ngspice_sample(line, sources_alone(c, line), w->node, w->count, c->time[0], end, import->interval / 2, fine, w->fine, c->error);
}

static double peak(const double *value, size_t count) {
    double largest = 0;
    for (size_t i = 0; i < count; i++)
        largest = fmax(largest, fabs(value[i]));
    return largest;
}

// How far a waveform is from straight lines between points `apart` of its own.
static double unevenness(const double *fine, size_t count, size_t apart) {
    double worst = 0;
    for (size_t i = 0; i + 1 < count; i++) {
        size_t a = i / apart * apart, b = a + apart;
        double at = (double)(i - a) / (double)apart;
        worst = fmax(worst, fabs(fine[i] - (fine[a] + at * (fine[b] - fine[a]))));
    }
    return worst;
}

// The most steps that can be one interval, waveforms being straight in it.
static size_t merge_steps(const struct es_import *import, const struct waves *w) {
    size_t steps = import->points - 1, best = 1;
    for (size_t s = 2; s <= SUBSTEPS && s <= steps && w->count; s++) {
        bool straight = steps % s == 0;
        for (size_t i = 0; i < w->count && straight; i++) {
            const double *fine = w->fine + i * (2 * steps + 1);
            straight = unevenness(fine, 2 * steps + 1, 2 * s) <= 1e-9 * peak(fine, 2 * steps + 1);
        }
        best = straight ? s : best;
    }
    return best;
}

static void tell_unevenness(struct es_circuit_import *c, const struct waves *w) {
    size_t fine = 2 * c->import->points - 1;
    for (size_t i = 0; i < w->count; i++) {
        const struct es_import_part *part = &c->part[w->part[i]];
        double worst = unevenness(w->fine + i * fine, fine, 2), largest = peak(w->fine + i * fine, fine);
        double narrowest = part->flat->narrowest, apart = c->import->interval / 2;
        if (narrowest > 0 && narrowest < apart)
            es_import_note(c, part->line->at, es_arena_printf(c->arena, "\"%s\" has pulses, or pauses, of %.4g s, and is looked at every %.4g s, which loses what lies between; a step in .tran "
                                                              "of less than twice the pulse keeps it", part->flat->name, narrowest, apart));
        if (worst > 1e-6 * largest)
            es_import_note(c, part->line->at, es_arena_printf(c->arena, "\"%s\" is taken as straight between points %.4g s apart, which it is not by up to %.2g of its peak; a smaller "
                                                              "step in .tran follows it better", part->flat->name, c->import->interval, worst / largest));
    }
}

static enum es_status list_waves(struct es_circuit_import *c, struct waves *w) {
    w->part = ES_NEW(c->arena, c->parts, int);
    w->node = ES_NEW(c->arena, c->parts, const char *);
    for (size_t i = 0; i < c->parts; i++) {
        if (!c->part[i].wave || !is_heard(c, (int)i))
            continue;
        if (!c->timed)
            return es_import_refuse(c, &c->part[i], "changes in time, and nothing says how long to look at it; add a line .tran STEP END");
        w->part[w->count] = (int)i;
        w->node[w->count++] = own_node(c, &c->part[i]);
    }
    return ES_OK;
}

// Every waveform at the points of the grid, to 11 decimals of its peak: ngspice's times are off by some units in their last place, and slopes make more of it.
static void thin(struct es_circuit_import *c, struct waves *w, size_t merged) {
    struct es_import *import = c->import;
    size_t steps = import->points - 1, points = steps / merged + 1;
    w->coarse = ES_NEW(c->arena, w->count * points, double);
    for (size_t i = 0; i < w->count; i++) {
        const double *fine = w->fine + i * (2 * steps + 1);
        double largest = peak(fine, 2 * steps + 1), unit = largest > 0 ? pow(10, floor(log10(largest)) - 11) : 1;
        for (size_t k = 0; k < points; k++)
            w->coarse[i * points + k] = es_import_round(round(fine[2 * k * merged] / unit) * unit);
    }
    import->interval = es_import_round(import->interval * (double)merged);
    import->points = points;
}

// ---- channels --------------------------------------------------------------------------------------------------------

static bool is_constant(const double *value, size_t count) {
    for (size_t i = 1; i < count; i++)
        if (value[i] != value[0])
            return false;
    return true;
}

static int find_channel(struct es_network *net, const char *name) {
    size_t i = 0;
    while (i < net->channels && strcmp(net->channel[i], name) != 0)
        i++;
    return i < net->channels ? (int)i : -1;
}

// A source's own channel: of our own decks v_x_signal is "signal"; others have the source's name.
static const char *channel_name(const struct es_circuit_import *c, const struct es_import_part *part) {
    const struct es_network *net = c->import->net;
    const char *flat = part->flat->name;
    char *name = es_arena_string(c->arena, flat[1] == '.' ? flat + 2 : strncmp(flat, "v_x_", 4) == 0 && flat[4] ? flat + 4 : flat);
    for (char *x = name; *x; x++)
        *x = *x == '.' ? '_' : *x;
    if (strlen(name) > ES_SPICE_WORD - 8)
        name += strlen(name) - (ES_SPICE_WORD - 8);
    if ((*name < 'a' || *name > 'z') || strcmp(name, "bias") == 0)
        name = es_arena_printf(c->arena, "c%s", name);
    while (find_channel((struct es_network *)net, name) >= 0)
        name = es_arena_printf(c->arena, "%s_", name);
    return name;
}

static int add_channel(struct es_network *net, const char *name) {
    net->channel[net->channels] = name;
    return (int)net->channels++;
}

// What is constant is the bias, and its value a factor of the elements that it drives.
static void assign_channels(struct es_circuit_import *c, const struct waves *w) {
    struct es_import *import = c->import;
    struct es_network *net = import->net;
    int *channel = ES_NEW(c->arena, c->parts, int);
    import->input = ES_NEW(c->arena, (w->count + 1) * import->points, double);
    for (size_t i = 0; i < c->parts; i++) {
        struct es_import_part *part = &c->part[i];
        if (!part->kind || part->signal < 0)
            continue;
        size_t k = 0;
        while (k < w->count && w->part[k] != part->signal)
            k++;
        const double *wave = w->coarse + k * import->points;
        bool bias = k == w->count || (is_constant(wave, import->points) && *wave != 0);
        int *own = &channel[part->signal], at = bias ? find_channel(net, "bias") : *own - 1;
        if (at < 0) {
            at = add_channel(net, bias ? "bias" : channel_name(c, &c->part[part->signal]));
            for (size_t n = 0; n < import->points; n++)
                import->input[(size_t)at * import->points + n] = bias ? 1 : wave[n];
        }
        if (!bias)
            *own = at + 1;
        net->element[part->element].channel = at;
        net->element[part->element].value[0] *= bias && k < w->count ? *wave : 1;
    }
}

static void assign_targets(struct es_circuit_import *c, const struct waves *w) {
    struct es_import *import = c->import;
    for (size_t i = 0; i < c->parts; i++)
        for (size_t k = 0; k < w->count && c->part[i].target >= 0 && c->part[i].kind; k++) {
            if (w->part[k] != c->part[i].target)
                continue;
            if (!import->target)
                import->target = ES_NEW(c->arena, import->net->outputs * import->points, double);
            for (size_t n = 0; n < import->points; n++)
                import->target[(size_t)import->net->element[c->part[i].element].channel * import->points + n] =
                    c->part[i].target_scale * w->coarse[k * import->points + n];
        }
}

enum es_status es_import_signals(struct es_circuit_import *c) {
    struct waves w = {.count = 0};
    size_t merged = 1;
    enum es_status status = choose_grid(c);
    if (status == ES_OK)
        status = list_waves(c, &w);
    if (status == ES_OK && w.count)
        status = play(c, &w);
    if (status != ES_OK)
        return status;
    if (w.count) {
        tell_unevenness(c, &w);
        merged = merge_steps(c->import, &w);
        thin(c, &w, merged);
    }
    choose_substeps(c->import, merged);
    assign_channels(c, &w);
    assign_targets(c, &w);
    return ES_OK;
}
