// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
#include "netlist/sizing.h"

#include "net/modes.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

// How a quantity of a kind is made.
enum form { FORM_PLATE, FORM_STRIP, FORM_TRANSCONDUCTOR, FORM_COIL };

static const struct rule {
    const struct es_element_kind *kind;
    size_t quantity;
    enum form form;
    bool inside; // of the element, between wires of its own; else between its nodes
} rules[] = {
    {&es_capacitor, 0, FORM_PLATE, false},
    {&es_inductor, 0, FORM_COIL, false},
    {&es_conductance, 0, FORM_STRIP, false},
    {&es_gyrator, 0, FORM_TRANSCONDUCTOR, true}, {&es_gyrator, 1, FORM_TRANSCONDUCTOR, true}, {&es_gyrator, 2, FORM_PLATE, true},
    {&es_saturating_gyrator, 0, FORM_TRANSCONDUCTOR, true}, {&es_saturating_gyrator, 1, FORM_TRANSCONDUCTOR, true}, {&es_saturating_gyrator, 2, FORM_PLATE, true},
    {&es_mesh, 0, FORM_STRIP, false}, {&es_mesh, 1, FORM_TRANSCONDUCTOR, true}, {&es_mesh, 2, FORM_PLATE, true},
    {&es_input, 0, FORM_TRANSCONDUCTOR, true},
};

// Two halves, each of twice the capacitance or half the resistance.
static size_t halves_of(const struct es_network *net, const struct es_element *e, const struct rule *rule) {
    return net->differential && !rule->inside && e->p >= 0 && e->n >= 0 ? 2 : 1;
}

// Of a model without <size>, or without <capacitance> or <resistance>.
static const char unknown[] = "the process does not say which sizes its device has, or of which value they are";

// The other side of a plate: C = density W L + fringe 2 (W + L).
static double other_side(const struct es_process_device *device, double c, double side) {
    return (c - 2 * device->fringe * side) / (device->density * side + 2 * device->fringe);
}

static double clamp(double x, double low, double high) {
    return fmin(fmax(x, low), high);
}

// The first and the last step of the grid in a range, which may end between steps (es_process_fit).
static double first_step(double min, double grid) {
    return ceil(min / grid - 0.25) * grid;
}

static double last_step(double max, double grid) {
    return floor(max / grid + 0.25) * grid;
}

// By how much a plate is off, relative to itself, where W and L are a step off.
static double one_step(const struct es_process_size *size, double grid) {
    return grid * (1 / size->width + 1 / size->length);
}

const char *es_sizing_plate(const struct es_process *process, double capacitance, struct es_process_size *size) {
    const struct es_process_device *device = es_process_device(process, &es_role_capacitor);
    if (!device)
        return "the process has no capacitor";
    const double grid = process->grid, f = device->fringe, d = device->density;
    const struct es_process_size least = {first_step(device->min_width, grid), first_step(device->min_length, grid), 1};
    const struct es_process_size most = {last_step(device->max_width, grid), last_step(device->max_length, grid), 1};
    double smallest = es_process_value(device, &least), largest = es_process_value(device, &most);
    if (!(smallest > 0))
        return unknown;
    double m = fmax(ceil(capacitance / (largest * (1 + one_step(&most, grid)))), 1), c = capacitance / m;
    if (!(m <= ES_MULTIPLIER))
        return "larger than the plates that one instance has";
    if (c < smallest * (1 - one_step(&least, grid)))
        return "smaller than the smallest plates";
    double square = (sqrt(4 * f * f + d * c) - 2 * f) / d; // density W^2 + 4 fringe W = C
    double width = other_side(device, c, clamp(square, least.length, most.length));
    width = clamp(round(width / grid) * grid, least.width, most.width);
    const struct es_process_size asked = {width, clamp(other_side(device, c, width), least.length, most.length), (size_t)m};
    struct es_error error;
    return es_process_fit(process, &es_role_capacitor, "", &asked, size, &error) == ES_OK ? NULL : "the process has no size for it";
}

static void make_plate(const struct es_process *process, const struct es_process_device *device, struct es_made *made) {
    made->lacking = es_sizing_plate(process, made->asked * (double)made->halves, &made->size); // each half
    if (!made->lacking)
        made->made = es_process_value(device, &made->size) / (double)made->halves;
}

// As es_sizing_strip, of one device.
static const char *fit_strip(const struct es_process *process, const struct es_process_device *device, double resistance, struct es_process_size *size) {
    double width = first_step(device->min_width, process->grid), squares = device->sheet / (width + device->narrowing), ends = device->ends / width;
    double shortest = squares * first_step(device->min_length, process->grid) + ends;
    if (!(width > 0 && squares > 0))
        return unknown;
    size_t m = resistance < shortest ? (size_t)fmin(ceil(shortest / resistance), ES_MULTIPLIER) : 1;
    const struct es_process_size asked = {width, (resistance * (double)m - ends) / squares, m};
    struct es_error error;
    if (es_process_fit(process, device->role, "", &asked, size, &error) == ES_OK)
        return NULL;
    return resistance < shortest ? "a larger conductance than the strips that one instance has" : "longer than the longest strip; several in series are not made";
}

const char *es_sizing_strip(const struct es_process *process, double resistance, const struct es_role **role, struct es_process_size *size) {
    const struct es_role *const strips[] = {&es_role_resistor, &es_role_high_resistor};
    const char *lacking = "the process has no resistor";
    for (size_t i = 0; i < 2 && lacking; i++) {
        const struct es_process_device *device = es_process_device(process, strips[i]);
        *role = strips[i];
        if (device)
            lacking = fit_strip(process, device, resistance, size);
    }
    return lacking;
}

static void make_resistor(const struct es_process *process, struct es_made *made) {
    double halves = (double)made->halves;
    made->lacking = es_sizing_strip(process, 1 / made->asked / halves, &made->role, &made->size);
    if (!made->lacking)
        made->made = 1 / (es_process_value(es_process_device(process, made->role), &made->size) * halves);
}

// Where the process has transconductors; elsewhere nothing is asked of one.
static void make_transconductor(const struct es_process *process, struct es_made *made) {
    struct es_transconductor_point point = {0};
    struct es_error error;
    if (!process->transconductors)
        return;
    if (made->made != 0 && es_process_transconductor(process, NULL, "", fabs(made->made), &point, &error) != ES_OK)
        made->lacking = "no bias that was measured gives this gm";
    else
        made->bias = point.bias;
}

static void make_device(const struct es_process *process, enum form form, struct es_made *made) {
    switch (form) {
    case FORM_PLATE:
        made->role = &es_role_capacitor;
        make_plate(process, es_process_device(process, made->role), made);
        break;
    case FORM_STRIP:
        make_resistor(process, made);
        break;
    case FORM_COIL:
        made->lacking = "the process has no inductor; take the technology gyrator or mesh";
        break;
    case FORM_TRANSCONDUCTOR:
        make_transconductor(process, made);
        break;
    }
    if (made->lacking)
        made->role = NULL;
    if (made->role)
        made->sigma = es_process_relative_sigma(es_process_device(process, made->role), &made->size) / sqrt((double)made->halves);
}

// Whether that quantity is where its parameter is read from, or has none; a parasitic follows another's.
static bool is_own(const struct es_network *net, size_t element, size_t quantity) {
    int parameter = net->element[element].parameter[quantity];
    return parameter == ES_FIXED || (net->parameter[parameter].element == element && net->parameter[parameter].quantity == quantity);
}

// The largest trained value of that quantity of that kind.
static double full_scale(const struct es_network *net, const double *theta, const struct es_element_kind *kind, size_t quantity) {
    double most = 0;
    for (size_t i = 0; i < net->elements; i++) {
        const struct es_element *e = &net->element[i];
        if (e->kind == kind && e->parameter[quantity] != ES_FIXED && is_own(net, i, quantity))
            most = fmax(most, fabs(es_element_scale(e, quantity) * theta[e->parameter[quantity]]));
    }
    return most;
}

static void program(double unit, bool positive, struct es_made *made) {
    made->programmed = true;
    made->code = unit > 0 ? lround(made->asked / unit) : 0; // all of them 0
    if (positive && made->code < 1)
        made->code = 1;
    made->made = unit * (double)made->code;
}

// What a mesh has at each of its nodes is in the values of its first branch.
static size_t mesh_nodes(const struct es_network *net, struct es_arena *arena) {
    bool *there = ES_NEW(arena, net->nodes + 1, bool); // ground at 0
    size_t count = 0;
    for (size_t i = 0; i < net->elements; i++)
        if (net->element[i].kind == &es_mesh)
            there[net->element[i].p + 1] = there[net->element[i].n + 1] = true;
    for (size_t i = 1; i <= net->nodes; i++)
        count += there[i];
    return count;
}

void es_sizing_new(const struct es_network *net, const double *theta, const struct es_process *process, unsigned bits, struct es_arena *arena, struct es_sizing *sizing) {
    *sizing = (struct es_sizing){.made = ES_NEW(arena, 3 * net->elements, struct es_made), .net = ES_NEW(arena, 1, struct es_network), .theta = ES_NEW(arena, net->parameters, double)};
    *sizing->net = *net;
    sizing->net->element = ES_NEW(arena, net->elements, struct es_element);
    memcpy(sizing->net->element, net->element, net->elements * sizeof *net->element);
    if (net->parameters)
        memcpy(sizing->theta, theta, net->parameters * sizeof *theta);
    const size_t nodes = mesh_nodes(net, arena);
    size_t branch = net->elements; // the first of the mesh
    for (size_t i = 0; i < net->elements; i++) {
        struct es_element *e = &sizing->net->element[i];
        double q[ES_QUANTITIES];
        branch = e->kind == &es_mesh && branch == net->elements ? i : branch;
        es_element_values(net, theta, i, q);
        for (size_t r = 0; r < sizeof rules / sizeof *rules; r++) {
            size_t k = rules[r].quantity;
            if (rules[r].kind != e->kind || !is_own(net, i, k))
                continue;
            bool of_node = e->kind == &es_mesh && rules[r].inside;
            if (of_node && i != branch) {
                e->value[k] = sizing->net->element[branch].value[k];
                continue;
            }
            size_t halves = halves_of(net, e, &rules[r]);
            struct es_made *made = &sizing->made[sizing->count++];
            *made = (struct es_made){.element = i, .quantity = k, .asked = q[k], .made = q[k], .halves = halves, .copies = of_node ? nodes : halves, .bias = NAN, .sigma = NAN};
            int parameter = e->parameter[k];
            if (bits && parameter != ES_FIXED && rules[r].form != FORM_COIL)
                program(full_scale(net, theta, e->kind, k) / exp2(bits), e->kind->quantity[k].positive, made);
            if (process && (!made->programmed || rules[r].form == FORM_TRANSCONDUCTOR))
                make_device(process, rules[r].form, made);
            if (parameter == ES_FIXED)
                e->value[k] = made->made;
            else
                sizing->theta[parameter] = made->made / es_element_scale(e, k);
        }
    }
}

static int by_place(const void *a, const void *b) {
    const struct es_made *x = a, *y = b;
    return x->element != y->element ? (x->element > y->element) - (x->element < y->element) : (x->quantity > y->quantity) - (x->quantity < y->quantity);
}

const struct es_made *es_sizing_find(const struct es_sizing *sizing, size_t element, size_t quantity) {
    const struct es_made key = {.element = element, .quantity = quantity};
    return sizing->count ? bsearch(&key, sizing->made, sizing->count, sizeof key, by_place) : NULL;
}

double es_sizing_area(const struct es_sizing *sizing) {
    double area = 0;
    for (size_t i = 0; i < sizing->count; i++) {
        const struct es_made *made = &sizing->made[i];
        if (made->role)
            area += (double)(made->copies * made->size.multiplier) * made->size.width * made->size.length;
    }
    return area;
}

double es_sizing_power(const struct es_sizing *sizing, const struct es_process *process) {
    double bias = 0;
    bool known = false;
    for (size_t i = 0; i < sizing->count; i++)
        if (!isnan(sizing->made[i].bias)) {
            bias += (double)sizing->made[i].copies * sizing->made[i].bias;
            known = true;
        }
    return known ? ES_TRANSCONDUCTOR_DRAW * process->supply * bias : NAN;
}

// Relative standard deviation of one mode. charge [nodes] is M times its shape.
static double spread(const struct es_sizing *sizing, const struct es_model *model, double omega, const double *shape, const double *charge) {
    double variance = 0;
    bool known = false;
    for (size_t i = 0; i < sizing->count; i++) {
        const struct es_made *made = &sizing->made[i];
        const struct es_element *e = &sizing->net->element[made->element];
        if (isnan(made->sigma) || (e->kind->term != ES_KINETIC && e->kind->term != ES_POTENTIAL))
            continue;
        known = true;
        if (e->kind == &es_mesh && made->quantity == 2) { // an integrator at each node
            for (size_t n = 0; n < sizing->net->nodes; n++)
                variance += pow(made->sigma * shape[n] * charge[n] / 2, 2);
            continue;
        }
        double dk[ES_QUANTITIES], across = es_across(e, shape);
        e->kind->slope(model->q[made->element], dk);
        double share = dk[made->quantity] * made->made * across * across / 2;
        variance += pow(made->sigma * (e->kind->term == ES_KINETIC ? -share : share / (omega * omega)), 2);
    }
    return known ? sqrt(variance) : NAN;
}

// M^-1 is the sum of the shapes' squares.
static double noise(const struct es_modes *modes, size_t nodes) {
    static const double boltzmann = 1.380649e-23; // [J / K]
    double most = 0;
    for (size_t n = 0; n < nodes; n++) {
        double inverse = 0;
        for (size_t i = 0; i < modes->modes; i++)
            inverse += modes->shape[i * nodes + n] * modes->shape[i * nodes + n];
        most = fmax(most, inverse);
    }
    return sqrt(boltzmann * ES_SIZING_TEMPERATURE * most);
}

struct es_sizing_spread es_sizing_spread(const struct es_sizing *sizing, struct es_arena *arena) {
    struct es_sizing_spread result = {NAN, NAN, NAN, NAN, NAN};
    struct es_model model;
    struct es_modes modes;
    const struct es_network *net = sizing->net;
    if (es_model_new(net, sizing->theta, arena, &model, NULL) != ES_OK || es_modes(&model, arena, &modes, NULL) != ES_OK)
        return result;
    double *charge = ES_NEW(arena, net->nodes, double);
    result.noise = noise(&modes, net->nodes);
    for (size_t i = 0; i < modes.modes; i++) {
        if (modes.omega[i] <= 0)
            continue;
        const double *shape = modes.shape + i * net->nodes;
        es_model_momentum(&model, shape, charge);
        double sigma = spread(sizing, &model, modes.omega[i], shape, charge);
        if (isnan(result.slowest)) {
            result.slowest = modes.omega[i];
            result.slowest_sigma = sigma;
        }
        result.fastest = modes.omega[i];
        result.fastest_sigma = sigma;
    }
    return result;
}
