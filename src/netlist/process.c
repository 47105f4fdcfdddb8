// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
#include "netlist/process.h"

#include "core/value.h"
#include "netlist/spice.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const char design_kits[] = "tapeout flows of xschem, magic and netgen";

const struct es_role es_role_nfet = {{"nfet", "n-channel transistor: d g s b", design_kits}, {"d", "g", "s", "b"}};
const struct es_role es_role_pfet = {{"pfet", "p-channel transistor: d g s b", design_kits}, {"d", "g", "s", "b"}};
const struct es_role es_role_capacitor = {{"capacitor", "capacitor between metals: p (top plate) n", design_kits}, {"p", "n"}};
const struct es_role es_role_resistor = {{"resistor", "resistor of some hundred ohm a square: p n b (body)", design_kits}, {"p", "n", "b"}};
const struct es_role es_role_high_resistor = {{"high-resistor", "resistor of a kilohm a square and more: p n b (body)", design_kits}, {"p", "n", "b"}};
const struct es_role es_role_memory = {{"memory", "resistive memory cell: te be (electrodes)", design_kits}, {"te", "be"}};
const struct es_role es_role_nfet_io = {{"nfet-io", "n-channel transistor of thick oxide, for 3.3 V: d g s b", design_kits}, {"d", "g", "s", "b"}};
const struct es_role es_role_pfet_io = {{"pfet-io", "p-channel transistor of thick oxide, for 3.3 V: d g s b", design_kits}, {"d", "g", "s", "b"}};

const struct es_row *const es_roles[] = {&es_role_nfet.row,          &es_role_pfet.row,   &es_role_capacitor.row, &es_role_resistor.row,
                                         &es_role_high_resistor.row, &es_role_memory.row, &es_role_nfet_io.row,   &es_role_pfet_io.row, NULL};

void es_process_free(struct es_process *process) {
    if (process)
        es_arena_free(process->arena);
}

const struct es_process_device *es_process_device(const struct es_process *process, const struct es_role *role) {
    for (size_t i = 0; es_roles[i]; i++)
        if (es_roles[i] == &role->row)
            return process->device[i];
    return NULL;
}

bool es_process_transistors(const struct es_process *process, double supply, const struct es_role **n, const struct es_role **p) {
    bool own = process->supply >= supply;
    *n = own ? &es_role_nfet : &es_role_nfet_io;
    *p = own ? &es_role_pfet : &es_role_pfet_io;
    return es_process_device(process, *n) && es_process_device(process, *p);
}

// One size onto the grid. A fixed one need not be given.
static enum es_status fit(const struct es_process *process, const struct es_role *role, const char *name, const char *what, double asked, double min,
                          double max, double *size, struct es_error *error) {
    double steps = asked == 0 && min == max ? min / process->grid : asked / process->grid;
    *size = round(steps) * process->grid;
    double slack = process->grid / 4; // a range may end between steps
    if (*size >= min - slack && *size <= max + slack)
        return ES_OK;
    const char *hint = asked < min   ? "take the smallest one and change the other size or the bias"
                       : min == max ? "leave it out, there is only one"
                                    : "take several in parallel by the multiplier";
    return es_fail(error, ES_BAD_INPUT, "process %s, %s \"%s\": %s = %.6g um: expected %.6g um .. %.6g um; %s", process->name, role->row.name, name, what,
                   asked * 1e6, min * 1e6, max * 1e6, hint);
}

enum es_status es_process_fit(const struct es_process *process, const struct es_role *role, const char *name, const struct es_process_size *asked,
                               struct es_process_size *size, struct es_error *error) {
    const struct es_process_device *device = es_process_device(process, role);
    if (!device)
        return es_fail(error, ES_BAD_INPUT, "process %s has no device in the role %s, which \"%s\" needs; expected one in %s", process->name, role->row.name,
                       name, process->file);
    *size = (struct es_process_size){.multiplier = asked->multiplier ? asked->multiplier : 1};
    size_t most = device->min_width > 0 ? ES_MULTIPLIER : 1;
    if (size->multiplier > most)
        return es_fail(error, ES_BAD_INPUT, "process %s, %s \"%s\": multiplier = %zu: expected at most %zu; %s", process->name, role->row.name, name,
                       size->multiplier, most, most > 1 ? "take larger devices" : "give each an instance of its own");
    enum es_status status = fit(process, role, name, "width", asked->width, device->min_width, device->max_width, &size->width, error);
    return status == ES_OK ? fit(process, role, name, "length", asked->length, device->min_length, device->max_length, &size->length, error) : status;
}

// In the units of the line. Sizes are whole steps of the grid, so that 12 digits spell them exactly.
static double parameter_value(const struct es_process_device *device, const struct es_line_form *form, size_t i, const struct es_process_size *size) {
    double w = size->width, d = device->diffusion, unit = form->unit;
    switch (form->parameter[i].kind) {
    case ES_PARAMETER_WIDTH: return w / unit;
    case ES_PARAMETER_LENGTH: return size->length / unit;
    case ES_PARAMETER_MULTIPLIER: return (double)size->multiplier;
    case ES_PARAMETER_AREA: return w * d / (unit * unit);
    case ES_PARAMETER_PERIMETER: return 2 * (w + d) / unit;
    case ES_PARAMETER_SQUARES: return d / w;
    case ES_PARAMETER_FIXED: break;
    }
    return form->parameter[i].value;
}

static enum es_status check_names(const struct es_process *process, const struct es_role *role, const char *name, const char *const node[],
                                  struct es_error *error) {
    static const char expected[] = "expected letters, digits and _, not starting with a digit";
    if (!es_name_valid(name))
        return es_fail(error, ES_BAD_INPUT, "process %s, %s \"%s\": the name cannot stand in a netlist; %s", process->name, role->row.name, name, expected);
    for (size_t i = 0; role->pin[i]; i++)
        if (!es_name_valid(node[i]) && strcmp(node[i], "0") != 0)
            return es_fail(error, ES_BAD_INPUT, "process %s, %s \"%s\": pin %s is at \"%s\", which cannot stand in a netlist; %s", process->name,
                           role->row.name, name, role->pin[i], node[i], expected);
    return ES_OK;
}

enum es_status es_process_line(const struct es_process *process, const struct es_role *role, enum es_flavour flavour, const char *name,
                               const char *const node[], const struct es_process_size *size, struct es_arena *arena, const char **line, struct es_error *error) {
    struct es_process_size on_grid;
    enum es_status status = check_names(process, role, name, node, error);
    if (status == ES_OK)
        status = es_process_fit(process, role, name, size, &on_grid, error);
    if (status != ES_OK)
        return status;
    const struct es_process_device *device = es_process_device(process, role);
    const struct es_line_form *form = &device->form[flavour];
    char *text = es_arena_printf(arena, "%c%s", form->letter, name);
    for (size_t i = 0; i < form->pins; i++)
        text = es_arena_printf(arena, "%s %s", text, node[form->pin[i]]);
    text = device->model ? es_arena_printf(arena, "%s %s", text, device->model)
                         : es_arena_printf(arena, "%s %.17g", text, es_process_value(device, &on_grid));
    for (size_t i = 0; i < form->parameters; i++)
        text = es_arena_printf(arena, "%s %s=%.12g", text, form->parameter[i].name, parameter_value(device, form, i, &on_grid));
    *line = text;
    return ES_OK;
}

static double multiplier(const struct es_process_size *size) {
    return size->multiplier ? (double)size->multiplier : 1;
}

double es_process_value(const struct es_process_device *device, const struct es_process_size *size) {
    double w = size->width, l = size->length;
    if (device->density > 0)
        return multiplier(size) * (device->density * w * l + device->fringe * 2 * (w + l));
    if (device->sheet > 0)
        return (device->sheet * l / (w + device->narrowing) + device->ends / w) / multiplier(size);
    return NAN;
}

static double over_area(double constant, const struct es_process_device *device, const struct es_process_size *size) {
    return constant / sqrt(multiplier(size) * (size->width + device->width_offset) * (size->length + device->length_offset));
}

double es_process_threshold_sigma(const struct es_process_device *device, const struct es_process_size *size) {
    return over_area(device->threshold_mismatch, device, size);
}

double es_process_relative_sigma(const struct es_process_device *device, const struct es_process_size *size) {
    return over_area(device->relative_mismatch, device, size);
}

static enum es_status find_corner(const struct es_process *process, const char *name, const struct es_process_corner **corner, struct es_error *error) {
    char names[512] = "";
    for (size_t i = 0; i < process->corners; i++) {
        if (!name || strcmp(process->corner[i].name, name) == 0) {
            *corner = &process->corner[i];
            return ES_OK;
        }
        size_t used = strlen(names);
        snprintf(names + used, sizeof names - used, "%s%s", i == 0 ? "" : ", ", process->corner[i].name);
    }
    return es_fail(error, ES_BAD_INPUT, "process %s has no corner \"%s\"; expected one of %s", process->name, name, names);
}

enum es_status es_process_libraries(const struct es_process *process, const char *name, const char *pdk, struct es_arena *arena, const char **lines,
                                    struct es_error *error) {
    const struct es_process_corner *corner = NULL;
    enum es_status status = find_corner(process, name, &corner, error);
    if (status != ES_OK)
        return status;
    bool plain = *pdk != '\0';
    for (const char *c = pdk; *c; c++)
        plain = plain && (unsigned char)*c >= ' ' && *c != 0x7f && !strchr("\"'`$;\\{}", *c);
    if (!plain)
        return es_fail(error, ES_BAD_INPUT, "process %s: its path cannot stand in a netlist; expected one without quotes, $, ;, \\, braces and line ends",
                       process->name);
    const char *text = "";
    for (size_t i = 0; i < corner->libraries; i++) {
        const struct es_process_library *library = &corner->library[i];
        text = library->section ? es_arena_printf(arena, "%s.lib \"%s/%s\" %s\n", text, pdk, library->file, library->section)
                                : es_arena_printf(arena, "%s.include \"%s/%s\"\n", text, pdk, library->file);
    }
    *lines = text;
    return ES_OK;
}

static double between(double a, double b, double share) {
    return a * pow(b / a, share);
}

enum es_status es_process_transconductor(const struct es_process *process, const char *corner, const char *name, double gm, struct es_transconductor_point *point,
                                         struct es_error *error) {
    const struct es_process_transconductor *table = NULL;
    const char *asked = corner ? corner : process->corner[0].name;
    for (size_t i = 0; i < process->transconductors; i++)
        if (strcmp(process->transconductor[i].corner, asked) == 0)
            table = &process->transconductor[i];
    if (!table)
        return es_fail(error, ES_BAD_INPUT, "process %s: its transconductor was not measured in the corner %s; expected a <transconductor> in %s with rows of it, as models/process/generic.xml has (bench/cmos.sh calibrate), or the flavour lvs, whose biases are by hand where nothing was measured",
                       process->name, asked, process->file);
    const struct es_transconductor_point *low = table->point, *last = low + table->points - 1;
    if (!(gm >= low->gm && gm <= last->gm))
        return es_fail(error, ES_BAD_INPUT, "process %s, corner %s, transconductor \"%s\": gm = %.6g S: expected %.6g S .. %.6g S, which biases of %.6g A .. %.6g A give; scale the transconductances of the network, and its capacitors with them, or its inputs; of a nudge take another beta",
                       process->name, asked, name, gm, low->gm, last->gm, low->bias, last->bias);
    while (low + 1 < last && low[1].gm < gm)
        low++;
    double share = log(gm / low->gm) / log(low[1].gm / low->gm);
    *point = (struct es_transconductor_point){.bias = between(low->bias, low[1].bias, share), .gm = gm, .delay = between(low->delay, low[1].delay, share),
                                              .cin = between(low->cin, low[1].cin, share), .go = between(low->go, low[1].go, share), .cout = between(low->cout, low[1].cout, share)};
    point->slope = gm / point->bias * log(low[1].gm / low->gm) / log(low[1].bias / low->bias);
    return ES_OK;
}

// Of the formula by hand: 4 n UT and I0. ES_BAD_INPUT where the map lacks them.
static enum es_status find_channel(const struct es_process *process, const struct es_process_device *device, double ratio, const char *what, const char *name, double *per_gm, double *i0,
                                   struct es_error *error) {
    *per_gm = 4 * device->slope * ES_THERMAL_VOLTAGE;
    *i0 = *per_gm * device->mu_cox * ratio * ES_THERMAL_VOLTAGE;
    if (!(*i0 > 0))
        return es_fail(error, ES_BAD_INPUT, "process %s, %s \"%s\": %s has no <channel> in %s with its slope and mu-cox, which give its bias; add them", process->name, what, name,
                       device->role->row.name, process->file);
    return ES_OK;
}

// gm times 4 n UT of a pair with that tail current, which it is itself in weak inversion.
static double weaken(double current, double i0) {
    return 2 * current / (1 + sqrt(1 + 4 * current / i0));
}

enum es_status es_process_transconductor_by_hand(const struct es_process *process, const struct es_process_device *device, double ratio, const char *name, double gm,
                                                 struct es_transconductor_point *point, struct es_error *error) {
    const double least = 1e-9, most = 50; // [A], of I0
    double per_gm, i0;
    if (find_channel(process, device, ratio, "transconductor", name, &per_gm, &i0, error) != ES_OK)
        return ES_BAD_INPUT;
    const double weak = per_gm * gm, bias = weak * (1 + weak / i0), low = weaken(least, i0) / per_gm, high = weaken(most * i0, i0) / per_gm;
    if (!(gm >= low && gm <= high))
        return es_fail(error, ES_BAD_INPUT, "process %s, transconductor \"%s\": gm = %.6g S: expected %.6g S .. %.6g S, which biases of %.6g A .. %.6g A give by hand formulas; scale the transconductances of the network, and its capacitors with them, or its inputs",
                       process->name, name, gm, low, high, least, most * i0);
    *point = (struct es_transconductor_point){.bias = bias, .gm = gm, .slope = 1 / (per_gm * (1 + 2 * weak / i0))};
    return ES_OK;
}

const struct es_process_squarer *es_process_squarer(const struct es_process *process, const char *corner) {
    for (size_t i = 0; i < process->squarers; i++)
        if (strcmp(process->squarer[i].corner, corner ? corner : process->corner[0].name) == 0)
            return &process->squarer[i];
    return NULL;
}

enum es_status es_process_squarer_by_hand(const struct es_process *process, const struct es_process_device *n, double n_ratio, const struct es_process_device *p, double p_ratio,
                                          const char *name, double bias, struct es_process_squarer *squarer, struct es_error *error) {
    double n_per_gm, n_i0, p_per_gm, p_i0;
    if (find_channel(process, n, n_ratio, "squarer", name, &n_per_gm, &n_i0, error) != ES_OK || find_channel(process, p, p_ratio, "squarer", name, &p_per_gm, &p_i0, error) != ES_OK)
        return ES_BAD_INPUT;
    double gm = weaken(bias, p_i0) / p_per_gm, slope = 1 / (n_per_gm * (1 + 2 * weaken(bias / 2, n_i0) / n_i0));
    *squarer = (struct es_process_squarer){.corner = process->corner[0].name, .bias = bias, .k = 2 * gm * slope};
    return ES_OK;
}
