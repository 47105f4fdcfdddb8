// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
#include "cli/sweep.h"

#include "cli/gnuplot.h"

#include <math.h>
#include <string.h>

// One changed circuit: a case with its own problem.
struct variant {
    struct es_problem problem;
    struct es_example example;
    struct es_engine *engine; // to be closed, or NULL
    double value;
};

struct sweep {
    struct es_row row;
    const char *unit;
    bool at_rest; // whether it changes an equilibrium
    // The variant at point i of CLI_SWEEP_POINTS; from the case as it is.
    enum es_status (*vary)(const struct cli_case *c, size_t i, struct variant *v, struct es_error *error);
};

static const double *cut(const double *samples, size_t rows, size_t from, size_t to, struct es_arena *arena) {
    double *part = samples ? ES_NEW(arena, rows * to, double) : NULL;
    for (size_t r = 0; r < rows && part; r++)
        memcpy(part + r * to, samples + r * from, to * sizeof *part);
    return part;
}

// The first part of the sample, from all of it down to a 64th, by halves.
static enum es_status vary_horizon(const struct cli_case *c, size_t i, struct variant *v, struct es_error *error) {
    const struct es_network *net = c->problem->net;
    size_t all = c->problem->grid.points, points = 1 + (size_t)fmax(2, round((double)(all - 1) / (double)(1 << (CLI_SWEEP_POINTS - 1 - i))));
    (void)error;
    v->problem.grid.points = points = points < all ? points : all;
    v->example.input = cut(c->example->input, net->channels, all, points, c->arena);
    v->example.target = cut(c->example->target, net->outputs, all, points, c->arena);
    v->value = (double)(points - 1) * v->problem.grid.interval;
    return ES_OK;
}

// A conductance gamma C beside every capacitor C, gamma T from 0.03 to 3 and once 0.01.
static enum es_status vary_damping(const struct cli_case *c, size_t i, struct variant *v, struct es_error *error) {
    static const double values[CLI_SWEEP_POINTS] = {0.01, 0.03, 0.1, 0.3, 0.6, 1, 3};
    double duration = (double)(c->problem->grid.points - 1) * c->problem->grid.interval;
    const struct es_engine *engine = c->problem->engine;
    v->value = values[i];
    v->problem.net = es_network_damped(c->problem->net, c->theta, values[i] / duration, c->arena);
    struct es_engine_options options = {.scheme = engine->scheme->row.name};
    enum es_status status = es_engine_open(engine->kind, v->problem.net, &options, &v->engine, error);
    v->problem.engine = v->engine;
    return status;
}

static enum es_status vary_beta(const struct cli_case *c, size_t i, struct variant *v, struct es_error *error) {
    (void)c, (void)error;
    v->value = v->problem.beta = pow(10, (double)i - CLI_SWEEP_POINTS);
    return ES_OK;
}

static const struct sweep sweeps[CLI_SWEEPS] = {
    {{"horizon", "length of the pass", NULL}, "s", false, vary_horizon},
    {{"damping", "added damping x length, a conductance gamma C beside every C", NULL}, "", false, vary_damping},
    {{"beta", "nudge", NULL}, "", true, vary_beta},
};

// What one circuit, or one rule on it, does not admit or cannot deliver is a gap in the sweep, and does not end it.
static bool is_gap(enum es_status status) {
    return status == ES_BAD_INPUT || status == ES_FAILED;
}

static void leave_out(struct cli_sweep_point *point, const struct es_error *why) {
    point->reason = *why;
    for (size_t r = 0; es_rules[r]; r++)
        point->comparison[r].reason = *why;
}

// All rules on one circuit, the point's own.
static enum es_status measure_rules(struct cli_case *c, struct cli_sweep_point *point, struct es_error *error) {
    bool measured = false;
    enum es_status status = cli_find_exact(c, error);
    for (size_t r = 0; es_rules[r] && status == ES_OK; r++) {
        const struct es_rule *rule = (const void *)es_rules[r];
        if (rule->own_loss && rule->own_loss != rule)
            es_fail(&point->comparison[r].reason, ES_OK, "the same solutions as by %s", rule->own_loss->row.name);
        else
            status = cli_compare_rule(c, rule, &point->comparison[r], error);
        if (is_gap(status)) {
            point->comparison[r].reason = *error;
            status = ES_OK;
        }
        measured |= cli_compared(&point->comparison[r]);
    }
    if (status == ES_OK && !measured)
        point->reason = point->comparison[0].reason;
    return status;
}

static enum es_status measure_point(const struct cli_case *c, const struct sweep *sweep, size_t i, struct cli_sweep_point *point, struct es_error *error) {
    struct variant v = {.problem = *c->problem, .example = *c->example};
    struct cli_case varied = *c;
    varied.problem = &v.problem;
    varied.example = &v.example;
    v.problem.losses_allowed = true;
    enum es_status status = c->problem->engine->scheme->equilibrium && !sweep->at_rest ? es_fail(error, ES_BAD_INPUT, "at rest it changes nothing")
                                                                                       : sweep->vary(c, i, &v, error);
    point->value = v.value;
    if (status == ES_OK)
        status = measure_rules(&varied, point, error);
    if (is_gap(status)) {
        leave_out(point, error);
        status = ES_OK;
    }
    es_engine_close(v.engine);
    return status;
}

enum es_status cli_sweep(const struct cli_case *c, struct cli_sweeps *result, struct es_error *error) {
    struct cli_progress progress;
    enum es_status status = ES_OK;
    cli_progress_start(&progress);
    for (size_t k = 0; k < CLI_SWEEPS; k++)
        for (size_t i = 0; i < CLI_SWEEP_POINTS && status == ES_OK; i++) {
            cli_progress_show(&progress, (double)(k * CLI_SWEEP_POINTS + i) / (CLI_SWEEPS * CLI_SWEEP_POINTS), "%s", sweeps[k].row.about);
            status = measure_point(c, &sweeps[k], i, &result->point[k][i], error);
        }
    cli_progress_end();
    return status;
}

void cli_sweep_csv(const struct cli_sweeps *result, FILE *csv) {
    fputs("sweep,value,unit,rule,relative_error,cosine,norm_ratio\n", csv);
    for (size_t k = 0; k < CLI_SWEEPS; k++)
        for (size_t i = 0; i < CLI_SWEEP_POINTS; i++)
            for (size_t r = 0; es_rules[r]; r++) {
                const struct cli_sweep_point *p = &result->point[k][i];
                const struct cli_comparison *c = &p->comparison[r];
                if (cli_compared(c))
                    fprintf(csv, "%s,%.17g,%s,%s,%.17g,%.17g,%.17g\n", sweeps[k].row.name, p->value, sweeps[k].unit, es_rules[r]->name, c->agreement.relative_error, c->agreement.cosine,
                            c->agreement.norm_ratio);
            }
}

void cli_sweep_gaps(const struct cli_sweeps *result) {
    for (size_t k = 0; k < CLI_SWEEPS; k++)
        for (size_t i = 0; i < CLI_SWEEP_POINTS; i++) {
            const struct cli_sweep_point *p = &result->point[k][i], *last = i ? p - 1 : NULL;
            if (p->reason.text[0] && (!last || strcmp(p->reason.text, last->reason.text) != 0))
                printf("not measured: %s, from %.3g%s%s: %s\n", sweeps[k].row.name, p->value, sweeps[k].unit[0] ? " " : "", sweeps[k].unit, p->reason.text);
        }
}

// ---- the picture -----------------------------------------------------------------------------------------------------

static bool drawn(const struct cli_comparison *c) {
    return cli_compared(c) && isfinite(c->agreement.relative_error) && c->agreement.relative_error > 0;
}

// The data of one rule in one sweep as a block of gnuplot's; false if there is none.
static bool write_block(FILE *to, const struct cli_sweeps *result, size_t k, size_t r) {
    size_t count = 0;
    for (size_t i = 0; i < CLI_SWEEP_POINTS; i++)
        count += drawn(&result->point[k][i].comparison[r]);
    if (!count)
        return false;
    fprintf(to, "$s%zur%zu << EOD\n", k, r);
    for (size_t i = 0; i < CLI_SWEEP_POINTS; i++)
        if (drawn(&result->point[k][i].comparison[r]))
            fprintf(to, "%.9g %.9g\n", result->point[k][i].value, result->point[k][i].comparison[r].agreement.relative_error);
    fputs("EOD\n", to);
    return true;
}

static bool any_drawn(const struct cli_sweeps *result, size_t k) {
    bool any = false;
    for (size_t i = 0; i < CLI_SWEEP_POINTS; i++)
        for (size_t r = 0; es_rules[r]; r++)
            any |= drawn(&result->point[k][i].comparison[r]);
    return any;
}

static void write_panel(FILE *to, const struct cli_sweeps *result, size_t k) {
    bool has[CLI_RULES];
    for (size_t r = 0; es_rules[r]; r++)
        has[r] = write_block(to, result, k, r);
    double first = INFINITY, last = 0; // a range of a single value is none to gnuplot
    for (size_t i = 0; i < CLI_SWEEP_POINTS; i++)
        if (!result->point[k][i].reason.text[0]) {
            first = fmin(first, result->point[k][i].value);
            last = fmax(last, result->point[k][i].value);
        }
    if (first == last)
        fprintf(to, "set xrange [%.9g:%.9g]\n", first / 10, first * 10);
    else
        fputs("set xrange [*:*]\n", to);
    fprintf(to, "set xlabel '%s%s%s'\n", sweeps[k].row.about, sweeps[k].unit[0] ? " / " : "", sweeps[k].unit);
    const char *separator = "plot ";
    for (size_t r = 0; es_rules[r]; r++) {
        if (!has[r])
            continue;
        fprintf(to, "%s$s%zur%zu with linespoints lc rgb '%s' pt %zu lw 2 ps 0.8 title '%s'", separator, k, r, cli_colour[r % CLI_COLOURS], r + 1, es_rules[r]->name);
        separator = ", ";
    }
    fputs("\n", to);
}

// A panel for each sweep that has anything to show: gnuplot fails on an empty one.
static void write_script(FILE *to, const struct cli_sweeps *result, const char *title) {
    size_t panels = 0;
    for (size_t k = 0; k < CLI_SWEEPS; k++)
        panels += any_drawn(result, k);
    fprintf(to,
            "set terminal svg size %zu,460 font 'sans,12' background 'white'\n"
            "set multiplot layout 1,%zu title 'The rules on %s: relative error of the gradient' noenhanced\n"
            "set border 3; set tics nomirror; set grid ytics lc rgb '#dddddd'\n"
            "set logscale xy; set format xy '10^{%%T}'; set yrange [1e-16:*]\n"
            "set ylabel 'relative error'; set key at graph 0.5, -0.2 center top horizontal font 'sans,10'; set bmargin 9\n",
            panels ? 400 * panels : 400, panels ? panels : 1, title);
    for (size_t k = 0; k < CLI_SWEEPS; k++)
        if (any_drawn(result, k))
            write_panel(to, result, k);
}

enum es_status cli_sweep_svg(const struct cli_sweeps *result, const char *title, FILE *svg, struct es_error *error) {
    FILE *script = cli_gnuplot_script(error);
    if (!script)
        return ES_NO_RESOURCE;
    write_script(script, result, title);
    return cli_gnuplot_draw(script, svg, error);
}
