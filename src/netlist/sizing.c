// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
#include "netlist/sizing.h"

#include "net/modes.h"

#include <math.h>
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

const char *es_sizing_plate(const struct es_process *process, double capacitance, struct es_process_size *size) {
    const struct es_process_device *device = es_process_device(process, &es_role_capacitor);
    double largest = es_process_value(device, &(struct es_process_size){device->max_width, device->max_length, 1});
    size_t m = (size_t)fmin(ceil(capacitance / largest), ES_MULTIPLIER);
    double c = capacitance / (double)m, f = device->fringe, d = device->density;
    double side = (sqrt(4 * f * f + d * c) - 2 * f) / d; // density W^2 + 4 fringe W = C
    double width = fmin(fmax(round(side / process->grid) * process->grid, device->min_width), device->max_width);
    double length = (c - 2 * f * width) / (d * width + 2 * f);
    struct es_error error;
    if (es_process_fit(process, &es_role_capacitor, "", &(struct es_process_size){width, length, m}, size, &error) == ES_OK)
        return NULL;
    return capacitance < es_process_value(device, &(struct es_process_size){device->min_width, device->min_length, 1}) ? "smaller than the smallest plate"
                                                                                                                     : "larger than the plates that one instance has";
}

static void make_plate(const struct es_process *process, const struct es_process_device *device, struct es_made *made) {
    made->lacking = es_sizing_plate(process, made->asked * (double)made->halves, &made->size); // each half
    if (!made->lacking)
        made->made = es_process_value(device, &made->size) / (double)made->halves;
}

// As es_sizing_strip, of one device.
static bool fit_strip(const struct es_process *process, const struct es_process_device *device, double resistance, struct es_process_size *size) {
    double squares = device->sheet / (device->min_width + device->narrowing), ends = device->ends / device->min_width;
    double shortest = squares * device->min_length + ends;
    size_t m = resistance < shortest ? (size_t)fmin(ceil(shortest / resistance), ES_MULTIPLIER) : 1;
    const struct es_process_size asked = {device->min_width, (resistance * (double)m - ends) / squares, m};
    struct es_error error;
    return es_process_fit(process, device->role, "", &asked, size, &error) == ES_OK;
}

const char *es_sizing_strip(const struct es_process *process, double resistance, const struct es_role **role, struct es_process_size *size) {
    const struct es_role *const strips[] = {&es_role_resistor, &es_role_high_resistor};
    const struct es_process_device *device = NULL;
    for (size_t i = 0; i < 2; i++) {
        *role = strips[i];
        device = es_process_device(process, strips[i]);
        if (device && fit_strip(process, device, resistance, size))
            return NULL;
    }
    return !device                      ? "the process has no such device"
           : resistance < device->sheet ? "less than the strips that one instance has"
                                        : "longer than the longest strip; several in series are not made";
}

static void make_strip(const struct es_process *process, struct es_made *made) {
    double halves = (double)made->halves;
    made->lacking = es_sizing_strip(process, 1 / made->asked / halves, &made->role, &made->size);
    if (!made->lacking)
        made->made = 1 / (es_process_value(es_process_device(process, made->role), &made->size) * halves);
}

static void make_device(const struct es_process *process, enum form form, struct es_made *made) {
    const struct es_process_device *device = es_process_device(process, &es_role_capacitor);
    if (form == FORM_PLATE) {
        made->role = &es_role_capacitor;
        if (device)
            make_plate(process, device, made);
    }
    if (form == FORM_STRIP) {
        make_strip(process, made);
        device = es_process_device(process, made->role);
    }
    made->lacking = !device ? "the process has no such device" : form == FORM_COIL ? "the process has no inductor; take the technology gyrator or mesh" : made->lacking;
    if (made->lacking || (form != FORM_PLATE && form != FORM_STRIP))
        made->role = NULL;
    else
        made->sigma = es_process_relative_sigma(device, &made->size) / sqrt((double)made->halves);
}

// The largest trained value of that quantity of that kind.
static double full_scale(const struct es_network *net, const double *theta, const struct es_element_kind *kind, size_t quantity) {
    double most = 0;
    for (size_t i = 0; i < net->elements; i++) {
        const struct es_element *e = &net->element[i];
        if (e->kind == kind && e->parameter[quantity] != ES_FIXED)
            most = fmax(most, fabs(es_element_scale(e, quantity) * theta[e->parameter[quantity]]));
    }
    return most;
}

static void program(double unit, bool positive, struct es_made *made) {
    made->programmed = true;
    made->code = lround(made->asked / unit);
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
            if (rules[r].kind != e->kind)
                continue;
            bool of_node = e->kind == &es_mesh && rules[r].inside;
            if (of_node && i != branch) {
                e->value[k] = sizing->net->element[branch].value[k];
                continue;
            }
            size_t halves = halves_of(net, e, &rules[r]);
            struct es_made *made = &sizing->made[sizing->count++];
            *made = (struct es_made){.element = i, .quantity = k, .asked = q[k], .made = q[k], .halves = halves, .copies = of_node ? nodes : halves, .sigma = NAN};
            int parameter = e->parameter[k];
            if (bits && parameter != ES_FIXED && rules[r].form != FORM_COIL)
                program(full_scale(net, theta, e->kind, k) / exp2(bits), e->kind->quantity[k].positive, made);
            else if (process)
                make_device(process, rules[r].form, made);
            if (parameter == ES_FIXED)
                e->value[k] = made->made;
            else
                sizing->theta[parameter] = made->made / es_element_scale(e, k);
        }
    }
}

const struct es_made *es_sizing_find(const struct es_sizing *sizing, size_t element, size_t quantity) {
    for (size_t i = 0; i < sizing->count; i++)
        if (sizing->made[i].element == element && sizing->made[i].quantity == quantity)
            return &sizing->made[i];
    return NULL;
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

// Relative standard deviation of one mode.
static double spread(const struct es_sizing *sizing, const struct es_model *model, double omega, const double *shape) {
    double variance = 0;
    bool known = false;
    for (size_t i = 0; i < sizing->count; i++) {
        const struct es_made *made = &sizing->made[i];
        const struct es_element *e = &sizing->net->element[made->element];
        if (isnan(made->sigma) || (e->kind->term != ES_KINETIC && e->kind->term != ES_POTENTIAL))
            continue;
        double dk[ES_QUANTITIES], across = es_across(e, shape);
        e->kind->slope(model->q[made->element], dk);
        double share = dk[made->quantity] * made->made * across * across / 2;
        variance += pow(made->sigma * (e->kind->term == ES_KINETIC ? -share : share / (omega * omega)), 2);
        known = true;
    }
    return known ? sqrt(variance) : NAN;
}

struct es_sizing_spread es_sizing_spread(const struct es_sizing *sizing, struct es_arena *arena) {
    struct es_sizing_spread result = {NAN, NAN, NAN, NAN};
    struct es_model model;
    struct es_modes modes;
    const struct es_network *net = sizing->net;
    if (es_model_new(net, sizing->theta, arena, &model, NULL) != ES_OK || es_modes(&model, arena, &modes, NULL) != ES_OK)
        return result;
    for (size_t i = 0; i < modes.modes; i++) {
        if (modes.omega[i] <= 0)
            continue;
        double sigma = spread(sizing, &model, modes.omega[i], modes.shape + i * net->nodes);
        if (isnan(result.slowest)) {
            result.slowest = modes.omega[i];
            result.slowest_sigma = sigma;
        }
        result.fastest = modes.omega[i];
        result.fastest_sigma = sigma;
    }
    return result;
}
