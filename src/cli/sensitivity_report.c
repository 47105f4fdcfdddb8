// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
#include "cli/sensitivity.h"

#include "learn/trial.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const reaches[] = {"undefined", "none", "beyond", "always", "found"}; // by enum es_reach

static bool acts(const struct cli_finding *finding) {
    bool any = false;
    for (enum es_limit limit = 0; limit < ES_LIMITS; limit++)
        any |= finding->margin[limit].reach != ES_REACH_UNDEFINED;
    return any;
}

// A limit that exists for this network and cost.
static bool exists(const struct cli_budget *budget, enum es_limit limit) {
    return !isnan(budget->sensitivity->limit[limit]);
}

static const char *acting_of(const struct cli_budget *budget, enum es_limit limit) {
    return limit == ES_LIMIT_COSINE_99 || limit == ES_LIMIT_COSINE_90 ? "training" : budget->sensitivity->acting->row.name;
}

static const char *magnitude_text(const struct es_nonideality *kind, double x, char text[32]) {
    if (*kind->unit && fabs(x) >= 1e-15) { // there is no prefix for less
        double digits = pow(10, 2 - floor(log10(x)));
        return cli_si(round(x * digits) / digits, kind->unit, text);
    }
    snprintf(text, 32, *kind->unit ? "%.3g %s" : "%.3g", x, kind->unit);
    return text;
}

static const char *cell(const struct es_nonideality *kind, const struct es_margin *margin, char text[40]) {
    char magnitude[32];
    const char *mark = margin->spread > 1 ? "~" : "";
    magnitude_text(kind, margin->magnitude, magnitude);
    switch (margin->reach) {
    case ES_REACH_UNDEFINED:
        return "-";
    case ES_REACH_NONE:
        return "none";
    case ES_REACH_ALWAYS:
        return "any";
    case ES_REACH_BEYOND:
        snprintf(text, 40, "%s %s%s", isfinite(kind->ideal) ? ">" : "<", magnitude, mark);
        return text;
    case ES_REACH_FOUND:
        snprintf(text, 40, "%s%s%s%s", magnitude, margin->fails ? "!" : "", mark, margin->returns ? "*" : "");
        return text;
    }
    return "";
}

// In lines of at most 80 columns, words being between spaces.
__attribute__((format(printf, 1, 2))) static void print_wrapped(const char *format, ...) {
    char *text = NULL, *left;
    va_list arguments;
    va_start(arguments, format);
    int length = vasprintf(&text, format, arguments);
    va_end(arguments);
    size_t column = 0;
    left = length < 0 ? NULL : text;
    for (char *word; (word = strsep(&left, " "));) {
        bool fits = column + 1 + strlen(word) <= 80;
        printf("%s%s", column == 0 ? "" : fits ? " " : "\n", word);
        column = (column && fits ? column + 1 : 0) + strlen(word);
    }
    puts("");
    free(text);
}

static void print_head(const struct cli_budget *budget) {
    const struct cli_subject *subject = budget->subject;
    const struct es_sensitivity *s = budget->sensitivity;
    const struct es_experiment *x = subject->experiment;
    char epochs[32] = "", accuracy[64] = "";
    if (s->acting->training)
        snprintf(epochs, sizeof epochs, ", %zu epochs", x->epochs);
    if (exists(budget, ES_LIMIT_ACCURACY))
        snprintf(accuracy, sizeof accuracy, ", accuracy %.4f, standard error (SE) %.4f", s->ideal.accuracy, s->standard_error);
    print_wrapped("%s, %s; engine %s, scheme %s, rule %s; means over %zu chip%s", x->net->name, subject->trained ? "trained" : "not trained",
                  x->engine->row.name, x->scheme->row.name, x->rule->row.name, s->chips, s->chips == 1 ? "" : "s");
    print_wrapped("training: gradient at the %s values, of %zu training samples", subject->trained ? "trained" : "start", s->samples);
    print_wrapped("%s: %s%s; %zu %ssamples%s", s->acting->row.name, s->acting->row.about, epochs, s->tested, subject->set.folds > 1 ? "test " : "",
                  s->tested < 1000 ? ", fewer than 1000" : "");
    print_wrapped("%s: cosine %.6g, loss %.4g %s%s", s->chip->count ? "with --chip alone" : "ideal", s->ideal.cosine, s->ideal.loss,
                  es_cost_unit(x->cost, x->net), accuracy);
    print_wrapped("how much of each nonideality, alone, until (to 2 %%, bits whole):\n");
}

static size_t width_of(const struct cli_budget *budget, enum es_limit limit) {
    char text[40];
    size_t width = strlen(es_limits[limit].source);
    for (size_t i = 0; i < budget->kinds; i++) {
        size_t length = strlen(cell(budget->kind[i], &budget->finding[i].margin[limit], text));
        width = length > width ? length : width;
    }
    return width;
}

// One line: `word` of every limit that exists, right-aligned.
static void print_line(const struct cli_budget *budget, const char *name, const char *bound, const char *const word[ES_LIMITS]) {
    printf("%-23s %-3s", name, bound);
    for (enum es_limit limit = 0; limit < ES_LIMITS; limit++)
        if (exists(budget, limit))
            printf("  %*s", (int)width_of(budget, limit), word[limit]);
    puts("");
}

static void print_table(const struct cli_budget *budget) {
    const char *word[ES_LIMITS];
    char text[ES_LIMITS][40];
    for (enum es_limit limit = 0; limit < ES_LIMITS; limit++)
        word[limit] = acting_of(budget, limit);
    print_line(budget, "", "", word);
    for (enum es_limit limit = 0; limit < ES_LIMITS; limit++)
        word[limit] = es_limits[limit].source;
    print_line(budget, "nonideality", "", word);
    for (size_t i = 0; i < budget->kinds; i++) {
        for (enum es_limit limit = 0; limit < ES_LIMITS; limit++)
            word[limit] = cell(budget->kind[i], &budget->finding[i].margin[limit], text[limit]);
        if (budget->ended[i] && acts(&budget->finding[i]))
            print_line(budget, budget->kind[i]->row.name, isfinite(budget->kind[i]->ideal) ? "max" : "min", word);
    }
    puts("");
}

void cli_budget_text(const struct cli_budget *budget) {
    print_head(budget);
    print_table(budget);
    char text[32];
    double w0 = es_chip_frequency(budget->subject->ideal);
    if (isfinite(w0))
        print_wrapped("Q and phase are meant at w0 = %s, the middle of the network's band.", cli_si(w0, "rad/s", text));
    print_wrapped("none: changes nothing but rounding; > and <: not up to there; any: from the start; *: the first of several crossings; !: from there on the circuit has failed, and cannot be simulated; ~: the chips' standard "
                  "deviation is more than the change asked for, so that more --chips tell more; see --help.");
    for (size_t i = 0; i < budget->kinds; i++)
        if (budget->ended[i] && budget->finding[i].why.text[0])
            print_wrapped("%s %s: %s", budget->kind[i]->row.name, acts(&budget->finding[i]) ? "refused in part" : "left out", budget->finding[i].why.text);
}

static json_t *margin_json(const struct cli_budget *budget, const struct es_nonideality *kind, const struct es_margin *margin, enum es_limit limit) {
    return json_pack("{s:s, s:s, s:o, s:s, s:o, s:b, s:b}", "acting", acting_of(budget, limit), "reach", reaches[margin->reach], "magnitude",
                     cli_real(margin->magnitude), "unit", kind->unit, "spread", cli_real(margin->spread), "fails", margin->fails, "returns",
                     margin->returns);
}

void cli_budget_json(const struct cli_budget *budget) {
    const struct cli_subject *subject = budget->subject;
    const struct es_sensitivity *s = budget->sensitivity;
    const struct es_experiment *x = subject->experiment;
    json_t *list = json_array();
    for (size_t i = 0; i < budget->kinds; i++) {
        const struct es_nonideality *kind = budget->kind[i];
        json_t *row = json_pack("{s:s, s:s, s:o, s:s}", "nonideality", kind->row.name, "unit", kind->unit, "ideal", cli_real(kind->ideal), "why",
                                budget->finding[i].why.text);
        for (enum es_limit limit = 0; limit < ES_LIMITS && budget->ended[i]; limit++)
            json_object_set_new(row, es_limits[limit].name, margin_json(budget, kind, &budget->finding[i].margin[limit], limit));
        json_array_append_new(list, row);
    }
    cli_print_json(json_pack("{s:s, s:b, s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:o, s:o, s:s, s:o, s:o, s:o, s:o}", "network", x->net->name, "trained",
                             subject->trained, "engine", x->engine->row.name, "scheme", x->scheme->row.name, "rule", x->rule->row.name, "acting",
                             s->acting->row.name, "epochs", (json_int_t)(s->acting->training ? x->epochs : 0), "chips", (json_int_t)s->chips, "seed",
                             (json_int_t)s->chip->seed, "samples", (json_int_t)s->tested, "gradient_samples", (json_int_t)s->samples, "cosine",
                             cli_real(s->ideal.cosine), "loss", cli_real(s->ideal.loss), "loss_unit", es_cost_unit(x->cost, x->net), "accuracy",
                             cli_real(s->ideal.accuracy), "standard_error", cli_real(s->standard_error), "tolerance", cli_real(es_sensitivity_tolerance),
                             "nonidealities", list));
}

void cli_budget_csv(const struct cli_budget *budget, FILE *csv) {
    fputs("nonideality,unit,ideal,limit,acting,reach,magnitude,spread,fails,returns\n", csv);
    for (size_t i = 0; i < budget->kinds; i++)
        for (enum es_limit limit = 0; limit < ES_LIMITS && budget->ended[i]; limit++) {
            const struct es_nonideality *kind = budget->kind[i];
            const struct es_margin *margin = &budget->finding[i].margin[limit];
            fprintf(csv, "%s,%s,%g,%s,%s,%s,", kind->row.name, kind->unit, kind->ideal, es_limits[limit].name, acting_of(budget, limit), reaches[margin->reach]);
            fprintf(csv, isnan(margin->magnitude) ? "," : "%.17g,", margin->magnitude);
            fprintf(csv, isnan(margin->spread) ? "," : "%.3g,", margin->spread);
            fprintf(csv, "%s,%s\n", margin->fails ? "yes" : "no", margin->returns ? "yes" : "no");
        }
}
