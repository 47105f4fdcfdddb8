// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
#include "cli/netlist.h"

#include <math.h>
#include <stdlib.h>

// The largest signal of a pass: voltages of nodes, and w = gm1 psi / C_L of gyrators.
struct swing {
    const struct es_model *model;
    double most;
};

static void look(void *context, double t, const double *flux, const double *voltage) {
    struct swing *swing = context;
    const struct es_network *net = swing->model->net;
    (void)t;
    for (size_t n = 0; n < net->nodes; n++)
        swing->most = fmax(swing->most, fabs(voltage[n]));
    for (size_t i = 0; i < net->elements; i++)
        if (net->element[i].kind == &es_gyrator)
            swing->most = fmax(swing->most, fabs(es_across(&net->element[i], flux)) * swing->model->q[i][0] / swing->model->q[i][2]);
}

static enum es_status find_swing(struct cli_subject *s, const struct es_model *model, const struct es_pass *pass, double *swing, struct es_error *error) {
    struct swing found = {.model = model};
    const struct es_sink sink = {look, &found};
    const struct es_batch batch = {.grid = s->training.problem.grid, .passes = 1, .pass = pass, .sink = &sink};
    enum es_status status = es_engine_run(s->training.problem.engine, &batch, es_results_new(s->arena, model->net, 0, 1), error);
    *swing = found.most;
    if (status == ES_OK && !(*swing > 0))
        status = es_fail(error, ES_BAD_INPUT, "%s: nothing moves in the free pass; expected an input or an initial state", s->experiment->file);
    return status;
}

static enum es_status refuse(const struct cli_subject *s, struct es_error *error) {
    if (s->training.problem.rule != &es_rhel)
        return es_fail(error, ES_BAD_INPUT, "%s: a circuit of transistors runs two echoes, and the rule is %s; take rhel", s->experiment->file, s->training.problem.rule->row.name);
    if (s->training.problem.cost->reads != ES_READ_RUNNING)
        return es_fail(error, ES_BAD_INPUT, "%s: a circuit of transistors nudges along the pass, and the cost %s reads its end; take flux-tracking", s->experiment->file, s->training.problem.cost->row.name);
    if (s->chip.count)
        return es_fail(error, ES_BAD_INPUT, "--chip: transistors have nonidealities of their own; leave it out");
    return ES_OK;
}

enum es_status cli_cmos_text(struct cli_subject *s, size_t sample, const char *corner, const char *head, const struct es_dialect *dialect, enum es_flavour flavour, struct cli_making *making, struct es_error *error) {
    struct es_problem *problem = &s->training.problem;
    const struct es_network *net = problem->net;
    struct es_example example = es_centre_example(&s->set, sample, s->arena);
    struct es_model *model = ES_NEW(s->arena, 1, struct es_model);
    struct es_gradient gradient = {.slope = ES_NEW(s->arena, net->parameters, double)};
    struct es_cmos_report *report = ES_NEW(s->arena, 1, struct es_cmos_report);
    struct es_pass pass[3];
    double swing = 0;
    enum es_status status = refuse(s, error);
    if (status == ES_OK)
        status = es_model_new(net, s->theta, s->arena, model, error);
    if (status == ES_OK)
        status = es_gradient(problem, s->theta, 1, &example, &gradient, error);
    if (status == ES_OK)
        status = es_passes(problem, s->theta, &example, s->arena, pass, error);
    if (status == ES_OK && (pass[1].window || pass[1].growth != 0 || pass[1].skew != 0))
        status = es_fail(error, ES_BAD_INPUT, "%s: a circuit of transistors nudges evenly along the pass; take a cost without from, to and mask", s->experiment->file);
    if (status == ES_OK)
        status = find_swing(s, model, &pass[0], &swing, error);
    if (status != ES_OK)
        return status;
    making->cmos = report;
    making->text = es_cmos_text(&(struct es_cmos){.model = model, .grid = &problem->grid, .free = &pass[0], .echo = &pass[1], .beta_si = gradient.beta_si, .gradient = gradient.slope,
        .omega = s->omega, .swing = swing, .process = making->process, .corner = corner, .head = head, .dialect = dialect, .flavour = flavour}, s->arena, report, error);
    return making->text ? ES_OK : ES_BAD_INPUT;
}

static const char *unit_of(const struct es_cmos_made *made) {
    static const char *const unit[] = {[ES_CMOS_TRANSCONDUCTOR] = "S", [ES_CMOS_CAPACITOR] = "F", [ES_CMOS_COUPLING] = "F", [ES_CMOS_LEAD] = "Ohm", [ES_CMOS_SQUARER] = "A/V2"};
    return unit[made->kind];
}

static void put_size(FILE *file, const struct es_process_size *size) {
    if (size->multiplier)
        fprintf(file, "%.17g,%.17g,%zu,", size->width, size->length, size->multiplier);
    else
        fputs(",,,", file);
}

char *cli_cmos_csv(const struct es_cmos_report *report) {
    char *text = NULL;
    size_t size = 0;
    FILE *file = open_memstream(&text, &size);
    if (!file)
        return NULL;
    fputs("name,asked,unit,bias,slope,strays,made,width,length,multiplier,sigma\n", file);
    for (size_t i = 0; i < report->count; i++) {
        const struct es_cmos_made *made = &report->made[i];
        fprintf(file, "%s,%.17g,%s,", made->name, made->asked, unit_of(made));
        if (made->kind == ES_CMOS_TRANSCONDUCTOR || made->kind == ES_CMOS_SQUARER)
            fprintf(file, "%.17g,", made->bias);
        else
            fputc(',', file);
        if (made->kind == ES_CMOS_TRANSCONDUCTOR)
            fprintf(file, "%.17g", made->slope);
        fputc(',', file);
        if (made->kind == ES_CMOS_CAPACITOR)
            fprintf(file, "%.17g", made->strays);
        fprintf(file, ",%.17g,", made->made);
        put_size(file, &made->size);
        if (isfinite(made->sigma))
            fprintf(file, "%.17g", made->sigma);
        fputc('\n', file);
    }
    for (size_t i = 0; i < report->transistors; i++) {
        const struct es_cmos_transistor *t = &report->transistor[i];
        fprintf(file, "%s.%s,%.17g,m,,,,%.17g,", t->cell, t->name, t->asked, t->size.length);
        put_size(file, &t->size);
        fputc('\n', file);
    }
    fclose(file);
    return text;
}

static json_t *json_made(const struct es_cmos_made *m) {
    json_t *object = json_pack("{s:s, s:s, s:f}", "name", m->name, "unit", unit_of(m), "asked", m->asked);
    json_t *more = m->kind == ES_CMOS_TRANSCONDUCTOR ? json_pack("{s:f, s:f}", "bias", m->bias, "slope", m->slope)
                   : m->kind == ES_CMOS_SQUARER      ? json_pack("{s:f}", "bias", m->bias)
                                                     : json_pack("{s:f}", "made", m->made);
    if (m->kind == ES_CMOS_CAPACITOR)
        json_object_set_new(more, "strays", json_real(m->strays));
    if (m->kind == ES_CMOS_CAPACITOR || m->kind == ES_CMOS_TRANSCONDUCTOR)
        json_object_set_new(more, "sigma", cli_real(m->sigma));
    json_object_update_new(object, more);
    if (m->size.multiplier)
        json_object_update_new(object, json_pack("{s:f, s:f, s:I}", "width", m->size.width, "length", m->size.length, "multiplier", (json_int_t)m->size.multiplier));
    return object;
}

static json_t *json_mode(const struct es_cmos_mode *mode) {
    return json_pack("{s:o, s:o, s:o}", "frequency", cli_real(mode->omega / (2 * M_PI)), "sigma_plates", cli_real(mode->plates), "sigma_transistors", cli_real(mode->transistors));
}

json_t *cli_cmos_json(const struct es_cmos_report *report) {
    json_t *made = json_array(), *transistors = json_array();
    for (size_t i = 0; i < report->count; i++)
        json_array_append_new(made, json_made(&report->made[i]));
    for (size_t i = 0; i < report->transistors; i++) {
        const struct es_cmos_transistor *t = &report->transistor[i];
        json_array_append_new(transistors, json_pack("{s:s, s:s, s:s, s:f, s:f, s:f}", "cell", t->cell, "name", t->name, "role", t->role->row.name, "asked", t->asked, "width", t->size.width, "length",
                                                     t->size.length));
    }
    return json_pack("{s:f, s:o, s:f, s:f, s:f, s:b, s:b, s:o, s:o, s:o, s:o, s:o}", "scale", report->scale, "beta_si", cli_real(report->beta_si > 0 ? report->beta_si : NAN), "power", report->power, "plate_area",
                     report->plates, "channel_area", report->channels, "by_hand", report->by_hand, "squarers_by_hand", report->squarers_by_hand, "noise", cli_real(report->noise), "slowest_mode", json_mode(&report->slowest), "fastest_mode", json_mode(&report->fastest),
                     "made", made, "transistors", transistors);
}

static void print_biases(const struct es_cmos_report *report) {
    size_t biases = 0;
    double least = INFINITY, most = 0;
    char low[32], high[32], power[32];
    for (size_t i = 0; i < report->count; i++)
        if (report->made[i].kind == ES_CMOS_TRANSCONDUCTOR) {
            biases++;
            least = fmin(least, report->made[i].bias);
            most = fmax(most, report->made[i].bias);
        }
    printf("  %zu transconductors with biases of %s .. %s, %s in all%s\n", biases, cli_si(least, "A", low), cli_si(most, "A", high), cli_si(report->power, "W", power),
           report->by_hand ? "; to first order by hand, not simulated" : "");
    if (report->by_hand)
        puts("  strays, delays and losses are taken as 0: calibrate the transconductor with the design kit, as bench/cmos.sh calibrate does");
}

static void print_squarers(const struct es_cmos_report *report) {
    const struct es_cmos_made *squarer = NULL;
    size_t count = 0;
    char k[32], bias[32], sum[32];
    for (size_t i = 0; i < report->count; i++)
        if (report->made[i].kind == ES_CMOS_SQUARER) {
            squarer = &report->made[i]; // all are alike
            count++;
        }
    if (count)
        printf("  %zu squarers of %s with biases of %s, each into %s%s\n", count, cli_si(squarer->asked, "A/V2", k), cli_si(squarer->bias, "A", bias), cli_si(squarer[1].made, "F", sum),
               report->squarers_by_hand ? "; to first order by hand, not simulated" : "");
}

static const char *percent(double sigma, char text[32]) {
    snprintf(text, 32, isfinite(sigma) ? "%.2g %%" : "not known", 100 * sigma);
    return text;
}

static void print_mode(const char *which, const struct es_cmos_mode *mode) {
    char frequency[32], plates[32], transistors[32];
    if (mode->omega > 0)
        printf("  %s mode %s; standard deviation by the mismatch of plates: %s, of transistors: %s\n", which, cli_si(mode->omega / (2 * M_PI), "Hz", frequency), percent(mode->plates, plates),
               percent(mode->transistors, transistors));
}

static void print_noise(const struct es_cmos_report *report) {
    char noise[32];
    print_mode("slowest", &report->slowest);
    print_mode("fastest", &report->fastest);
    if (isfinite(report->noise))
        printf("  noise of a node: %s rms at least, of the capacitances at %d K\n", cli_si(report->noise, "V", noise), ES_SIZING_TEMPERATURE);
}

static void print_devices(const struct es_cmos_report *report, enum es_cmos_kind kind, const char *what, const char *ideal) {
    size_t count = 0, lacking = 0;
    double worst = 0;
    for (size_t i = 0; i < report->count; i++) {
        const struct es_cmos_made *made = &report->made[i];
        if (made->kind != kind)
            continue;
        count++;
        lacking += made->size.multiplier == 0;
        worst = fmax(worst, fabs(made->made / made->asked - 1));
    }
    if (count)
        printf("  %s: %zu, on the grid within %.2g %%\n", what, count, 100 * worst);
    if (lacking)
        printf("  ... of which %zu fit no device and are %s, which is not defined\n", lacking, ideal);
}

static void print_transistors(const struct es_process *process, const struct es_cmos_report *report) {
    size_t grown = 0;
    double longest = 0;
    for (size_t i = 0; i < report->transistors; i++)
        if (report->transistor[i].size.length > report->transistor[i].asked + process->grid) {
            grown++;
            longest = fmax(longest, report->transistor[i].size.length);
        }
    if (grown)
        printf("  %zu of the cells' %zu transistors are longer than in models/cells, up to %.4g um, and wider in proportion: %s makes none so short\n", grown, report->transistors, longest * 1e6, process->name);
}

void cli_cmos_print(const struct cli_making *making) {
    const struct es_cmos_report *report = making->cmos;
    printf("%s: what each transconductor's bias, each capacitor's plates and each transistor of the cells are\n", making->table);
    print_biases(report);
    print_squarers(report);
    print_devices(report, ES_CMOS_CAPACITOR, "capacitors", "");
    print_devices(report, ES_CMOS_COUPLING, "couplings, in pairs of plates", "es_capacitor");
    print_devices(report, ES_CMOS_LEAD, "leads, in pairs", "es_resistor");
    print_transistors(making->process, report);
    printf("  %s: %.4g um2 of plates, %.4g um2 of transistors' channels; wires, wells and leads are not counted\n", making->process->name, report->plates * 1e12, report->channels * 1e12);
    print_noise(report);
    printf("  signals are the network's times %.4g, so that they stay within %g mV\n", report->scale, 1e3 * ES_CMOS_SWING);
}
