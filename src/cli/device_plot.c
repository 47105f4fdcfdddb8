// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
#include "cli/device.h"

#include "cli/gnuplot.h"

// Pulses up and then down along one axis: columns pulse, mean, sd, single devices.
static void write_curve(const struct cli_device_report *r, size_t singles, FILE *to) {
    fputs("$curve << EOD\n", to);
    for (size_t i = 0; i < cli_directions(r); i++)
        for (size_t s = 0; s <= r->samples; s++) {
            const struct cli_sample *sample = &r->curve[i][s];
            fprintf(to, "%zu %.9g %.9g", sample->pulse + i * r->pulses, sample->w.mean, sample->w.sd);
            for (size_t k = 0; k < singles; k++)
                fprintf(to, " %.9g", sample->single[k]);
            fputs("\n", to);
        }
    fputs("EOD\n", to);
}

static void plot_curve(const struct cli_device_report *r, FILE *to) {
    size_t singles = r->devices < CLI_SINGLES ? r->devices : CLI_SINGLES, directions = cli_directions(r);
    write_curve(r, singles, to);
    fprintf(to, "set xrange [0:%zu]; set xlabel 'number of pulses'; set ylabel 'weight w (no unit)'\n", r->pulses * directions);
    fprintf(to, "set label 1 '%zu pulses up' at graph %g, 1.03 center\n", r->pulses, 0.5 / (double)directions);
    if (directions == 2)
        fprintf(to, "set label 2 '%zu pulses down' at graph 0.75, 1.03 center; set arrow 1 from first %zu, graph 0 to first %zu, graph 1 nohead dt 2 lc rgb '#777777'\n",
                r->pulses, r->pulses, r->pulses);
    fprintf(to, "plot $curve using 1:($2-$3):($2+$3) with filledcurves lc rgb '#c6dbef' title 'mean +- standard deviation of %zu devices'", r->devices);
    for (size_t k = 0; k < singles; k++)
        fprintf(to, ", $curve using 1:%zu with lines lc rgb '#c8501e' lw 0.7 title '%s'", 4 + k, k ? "" : "single devices, as read");
    fputs(", $curve using 1:2 with lines lc rgb '#08519c' lw 3 title 'mean'\nunset label; unset arrow\n", to);
}

static void plot_retention(const struct cli_device_report *r, FILE *to) {
    double scale;
    const char *unit = cli_retention_unit(r->card, &scale);
    for (size_t i = 0; i < CLI_LEVELS; i++) {
        fprintf(to, "$keep%zu << EOD\n", i);
        for (size_t t = 0; t < CLI_TIMES; t++)
            fprintf(to, "%.9g %.9g %.9g\n", cli_time[t].seconds, scale * r->kept[i][t].mean, scale * r->kept[i][t].sd);
        fputs("EOD\n", to);
    }
    fprintf(to, "set logscale x; set xrange [0.5:1e8]; set yrange [0:*]; set xlabel 'time since programming'; set ylabel 'conductance / %s' noenhanced\n"
                "set xtics ('1 s' 1, '1 min' 60, '1 h' 3600, '1 day' 86400, '30 d' 2592000, '1 year' 31557600)\nplot ", unit);
    for (size_t i = 0; i < CLI_LEVELS; i++)
        fprintf(to, "%s$keep%zu with yerrorlines lc rgb '%s' lw 2 pt 7 ps 0.5 title 'programmed to %.3g %s' noenhanced", i ? ", " : "", i, cli_colour[i], scale * cli_level[i], unit);
    fputs("\n", to);
}

enum es_status cli_device_plot(const struct cli_device_report *r, FILE *picture, struct es_error *error) {
    FILE *script = cli_gnuplot_script(error);
    if (!script)
        return ES_NO_RESOURCE;
    int panels = (r->pulses > 0) + r->retention;
    fprintf(script,
            "set terminal svg size %d,480 font 'sans,12' background 'white'\n"
            "set multiplot layout 1,%d title '%s: %s' noenhanced\n"
            "set border 3; set tics nomirror; set grid ytics lc rgb '#dddddd'\n"
            "set key at graph 0.5, -0.22 center top horizontal font 'sans,10'; set tmargin 3; set bmargin 8\n",
            panels > 1 ? 1100 : 640, panels, r->card->name, r->card->model->row.about);
    if (r->pulses)
        plot_curve(r, script);
    if (r->retention)
        plot_retention(r, script);
    return cli_gnuplot_draw(script, picture, error);
}
