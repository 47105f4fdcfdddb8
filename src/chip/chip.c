// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
#include "chip/chip.h"

#include "chip/make.h"
#include "chip/use.h"
#include "core/value.h"
#include "net/modes.h"

#include <math.h>
#include <string.h>

// In the order in which they act: what an element has become is what a loss follows, what is lost is what is undone, and what drives is there before the flip.
const struct es_row *const es_nonidealities[] = {
    &es_capacitor_mismatch.row, &es_inductor_mismatch.row, &es_transconductor_mismatch.row, &es_capacitor_area.row, &es_transistor_area.row,
    &es_temperature_rise.row, &es_saturation.row, &es_sense_saturation.row, &es_offset.row, &es_q_parallel.row, &es_q_series.row, &es_gain.row,
    &es_excess_phase.row, &es_compensation.row, &es_input_bits.row, &es_flip_jitter.row, &es_flip_gain.row, &es_flip_charge.row, &es_drive_skew.row,
    &es_noise_temperature.row, &es_output_noise.row, &es_output_bits.row, &es_integral_noise.row, &es_integral_bits.row, NULL,
};

double es_chip_frequency(const struct es_network *net) {
    struct es_arena *arena = es_arena_new();
    double *theta = ES_NEW(arena, net->parameters, double), sum = 0;
    struct es_model model;
    struct es_modes modes = {0};
    size_t count = 0;
    es_network_start(net, theta);
    if (net->nodes && es_model_new(net, theta, arena, &model, NULL) == ES_OK && es_modes(&model, arena, &modes, NULL) != ES_OK)
        modes.modes = 0;
    for (size_t i = 0; i < modes.modes; i++)
        if (modes.omega[i] > 1e-6 * modes.omega[modes.modes - 1]) { // less is rounding
            sum += log(modes.omega[i]);
            count++;
        }
    es_arena_free(arena);
    return count ? exp(sum / (double)count) : NAN;
}

// ---- KEY=VALUE -------------------------------------------------------------------------------------------------------

static enum es_status parse_value(const struct es_nonideality *kind, const char *text, double *value, struct es_error *error) {
    struct es_error why = {""};
    enum es_status status = ES_OK;
    if (isinf(kind->ideal) && strcmp(text, "inf") == 0)
        *value = INFINITY;
    else
        status = es_value_parse(text, kind->unit, value, &why);
    if (status != ES_OK)
        return es_fail(error, status, "--chip %s=%s: %s", kind->row.name, text, why.text);
    if (*value == kind->ideal || (*value >= kind->min && *value <= kind->max))
        return ES_OK;
    return es_fail(error, ES_BAD_INPUT, "--chip %s=%s: expected %g to %g%s%s, or %g, which is ideal; %s", kind->row.name, text, kind->min, kind->max,
                   *kind->unit ? " " : "", kind->unit, kind->ideal, kind->row.about);
}

static enum es_status parse_pair(char *pair, double value[], bool given[], struct es_error *error) {
    char *equals = strchr(pair, '='), names[512];
    if (equals)
        *equals = '\0';
    for (size_t i = 0; es_nonidealities[i] && equals; i++) {
        if (strcmp(es_nonidealities[i]->name, pair) != 0)
            continue;
        if (given[i])
            return es_fail(error, ES_BAD_INPUT, "--chip %s=%s: the key is there twice; give it once", pair, equals + 1);
        given[i] = true;
        return parse_value((const void *)es_nonidealities[i], equals + 1, &value[i], error);
    }
    if (!equals)
        return es_fail(error, ES_BAD_INPUT, "--chip \"%s\": expected KEY=VALUE, or several with commas between, as in q-parallel=100,offset=2mV", pair);
    return es_fail(error, ES_BAD_INPUT, "--chip %s=%s: there is no such nonideality; expected %s (`echospice list nonidealities`)", pair, equals + 1,
                   es_row_names(es_nonidealities, names, sizeof names));
}

enum es_status es_chip_parse(const char *text, uint64_t seed, struct es_arena *arena, struct es_chip *chip, struct es_error *error) {
    size_t rows = 0;
    while (es_nonidealities[rows])
        rows++;
    double *value = ES_NEW(arena, rows, double);
    bool *given = ES_NEW(arena, rows, bool);
    enum es_status status = ES_OK;
    *chip = (struct es_chip){.nonideal = ES_NEW(arena, rows, struct es_nonideal), .seed = seed};
    char *rest = es_arena_string(arena, text);
    for (char *pair; *text && status == ES_OK && (pair = strsep(&rest, ","));)
        status = parse_pair(pair, value, given, error);
    for (size_t i = 0; i < rows && status == ES_OK; i++) {
        const struct es_nonideality *kind = (const void *)es_nonidealities[i];
        if (given[i] && value[i] != kind->ideal)
            chip->nonideal[chip->count++] = (struct es_nonideal){kind, value[i]};
    }
    return status;
}

const char *es_chip_outside(const struct es_chip *chip, struct es_arena *arena) {
    const char *text = "";
    size_t count = 0, left = 0;
    for (size_t i = 0; i < chip->count; i++)
        left += !chip->nonideal[i].kind->make;
    for (size_t i = 0; i < chip->count; i++)
        if (!chip->nonideal[i].kind->make) {
            left--;
            text = es_arena_printf(arena, "%s%s%s", text, count++ == 0 ? "" : left ? ", " : " and ", chip->nonideal[i].kind->row.name);
        }
    return text;
}

// ---- the network as made ---------------------------------------------------------------------------------------------

enum es_status es_chip_network(const struct es_chip *chip, const struct es_network *net, struct es_arena *arena, struct es_network **made,
                               struct es_error *error) {
    struct es_making making = {.chip = chip, .ideal = net, .net = ES_NEW(arena, 1, struct es_network), .arena = arena, .room = net->elements};
    *making.net = *net;
    making.net->element = ES_NEW(arena, net->elements, struct es_element);
    making.net->parameter = ES_NEW(arena, net->parameters, struct es_parameter);
    memcpy(making.net->element, net->element, net->elements * sizeof *net->element);
    memcpy(making.net->parameter, net->parameter, net->parameters * sizeof *net->parameter);
    making.w0 = es_chip_frequency(net);
    enum es_status status = ES_OK;
    for (size_t i = 0; i < chip->count && status == ES_OK; i++)
        if (chip->nonideal[i].kind->make)
            status = chip->nonideal[i].kind->make(&making, chip->nonideal[i].value, error);
    *made = making.net;
    return status;
}

double es_making_draw(const struct es_making *making, enum es_salt salt, size_t element, size_t quantity) {
    struct es_stream stream = {.seed = making->chip->seed, .purpose = ES_RANDOM_CHIP, .id = element, .sample = quantity, .update = salt};
    return es_random_normal(&stream);
}

int es_quantity_of(const struct es_element_kind *kind, const char *name) {
    for (int q = 0; kind->quantity[q].name; q++)
        if (strcmp(kind->quantity[q].name, name) == 0)
            return q;
    return -1;
}

void es_making_scale(struct es_element *e, size_t quantity, double factor) {
    if (e->parameter[quantity] == ES_FIXED)
        e->value[quantity] *= factor;
    else
        e->scale[quantity] = factor * es_element_scale(e, quantity);
}

double es_making_value(const struct es_element *e, size_t quantity) {
    return e->value[quantity] * (e->parameter[quantity] == ES_FIXED ? 1 : es_element_scale(e, quantity));
}

static void make_room(struct es_making *making) {
    struct es_network *net = making->net;
    if (net->elements < making->room)
        return;
    making->room = 2 * making->room + 16;
    struct es_element *element = ES_NEW(making->arena, making->room, struct es_element);
    memcpy(element, net->element, net->elements * sizeof *element);
    net->element = element;
}

struct es_element *es_making_add(struct es_making *making, const struct es_element_kind *kind, const char *prefix, size_t e, int p, int n) {
    make_room(making);
    const struct es_element *from = &making->net->element[e];
    struct es_element *element = &making->net->element[making->net->elements++];
    *element = (struct es_element){.name = es_arena_printf(making->arena, "%s.%s", prefix, from->name), .kind = kind, .p = p, .n = n, .channel = -1, .class = -1,
                                   .line = from->line};
    for (size_t q = 0; q < ES_QUANTITIES; q++) {
        element->parameter[q] = ES_FIXED;
        element->value[q] = kind->quantity[q].name && kind->quantity[q].optional ? NAN : 0;
    }
    return element;
}

enum es_status es_making_lose(struct es_making *making, struct es_element *e, size_t of, double factor, struct es_error *error) {
    size_t loss = e->kind->loss;
    if (!es_element_decays(e))
        es_element_follow(e, loss, e, of, factor);
    else if (e->parameter[loss] == ES_FIXED && e->parameter[of] == ES_FIXED)
        e->value[loss] += factor * e->value[of];
    else
        return es_fail(error, ES_BAD_INPUT, "network \"%s\", line %d: the %s of %s \"%s\" would follow two values, one of them trained; fix one, or leave one "
                       "of q-series and gain out of --chip", making->net->name, e->line, e->kind->quantity[loss].name, e->kind->row.name, e->name);
    return ES_OK;
}

enum es_status es_making_refuse(const struct es_making *making, const struct es_nonideality *kind, size_t e, const char *why, struct es_error *error) {
    const struct es_element *element = &making->net->element[e];
    return es_fail(error, ES_BAD_INPUT, "--chip %s: network \"%s\", line %d: %s \"%s\" %s", kind->row.name, making->net->name, element->line, element->kind->row.name,
                   element->name, why);
}

enum es_status es_making_nothing(const struct es_making *making, const struct es_nonideality *kind, const char *what, struct es_error *error) {
    return es_fail(error, ES_BAD_INPUT, "--chip %s: network \"%s\" has no %s, so there is nothing that it could act on; leave it out", kind->row.name, making->net->name, what);
}

enum es_status es_making_oscillates(const struct es_making *making, const struct es_nonideality *kind, struct es_error *error) {
    return isnan(making->w0) ? es_making_nothing(making, kind, "mode that oscillates, at whose frequency it is meant", error) : ES_OK;
}
