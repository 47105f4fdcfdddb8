// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
#include "learn/sensitivity.h"

#include "learn/specimen.h"

#include <float.h>
#include <gsl/gsl_statistics_double.h>
#include <math.h>
#include <string.h>

const struct es_row es_limits[ES_LIMITS] = {
    [ES_LIMIT_COSINE_99] = {"cosine_0.99", "the cosine between the rule's and the exact gradient falls to 0.99", "cosine 0.99"},
    [ES_LIMIT_COSINE_90] = {"cosine_0.9", "the same, to 0.9", "cosine 0.9"},
    [ES_LIMIT_LOSS] = {"loss_10_percent", "the loss on the test samples rises by 10 %", "loss +10 %"},
    [ES_LIMIT_ACCURACY] = {"accuracy_2_errors", "the accuracy on the test samples falls by 2 standard errors", "accuracy -2 SE"},
};

static const struct es_acting in_training = {{"training", "trained on the chip, used on one without the nonideality", ""}, true, false},
                              in_use = {{"use", "the values as given, used on the chip", ""}, false, true},
                              in_both = {{"both", "trained and used on the chip", ""}, true, true};
const struct es_row *const es_actings[] = {&in_use.row, &in_training.row, &in_both.row, NULL};

// ---- one magnitude ---------------------------------------------------------------------------------------------------

// The two things that are looked at take work of their own.
enum subject { COSINE, SCORE, SUBJECTS };

static enum subject subject_of(enum es_limit limit) {
    return limit == ES_LIMIT_COSINE_99 || limit == ES_LIMIT_COSINE_90 ? COSINE : SCORE;
}

static double value_of(const struct es_quality *quality, enum es_limit limit) {
    return subject_of(limit) == COSINE ? quality->cosine : limit == ES_LIMIT_LOSS ? quality->loss : quality->accuracy;
}

// The work of a search while it is done.
struct search {
    const struct es_sensitivity *sensitivity;
    const struct es_nonideality *kind; // NULL: none
    double done, piece, all;           // measurements that have ended, part of the next that has, measurements that there may be
};

static void show(const struct search *search) {
    const struct es_sensitivity *s = search->sensitivity;
    if (s->progress)
        s->progress(s->context, fmin((search->done + search->piece) / search->all, 1));
}

// Chip `number`, with the nonideality in place of what the chip has of its kind.
static struct es_chip chip_with(const struct search *search, double magnitude, size_t number, struct es_arena *arena) {
    const struct es_chip *base = search->sensitivity->chip;
    struct es_chip chip = {.nonideal = ES_NEW(arena, base->count + 1, struct es_nonideal), .seed = base->seed + number};
    for (const struct es_row *const *row = es_nonidealities; *row; row++) {
        const struct es_nonideality *kind = (const void *)*row;
        double value = kind == search->kind ? magnitude : kind->ideal;
        for (size_t i = 0; i < base->count && kind != search->kind; i++)
            value = base->nonideal[i].kind == kind ? base->nonideal[i].value : value;
        if (value != kind->ideal)
            chip.nonideal[chip.count++] = (struct es_nonideal){kind, value};
    }
    return chip;
}

static bool is_drawn(const struct es_chip *chip) {
    bool drawn = false;
    for (size_t i = 0; i < chip->count; i++)
        drawn |= chip->nonideal[i].kind->drawn;
    return drawn;
}

static enum es_status open_specimen(const struct es_sensitivity *s, const struct es_chip *chip, struct es_specimen *specimen, struct es_error *error) {
    return es_specimen_open(specimen, s->experiment, s->set, s->fold, s->substeps, s->samples, chip, error);
}

struct watched {
    struct search *search;
    uint64_t updates;
    double part; // of a measurement that one training is
    double before;
};

static enum es_status updated(void *context, const struct es_state *state, const struct es_metrics *update, const struct es_metrics *epoch,
                              struct es_error *error) {
    const struct watched *watched = context;
    (void)update, (void)epoch, (void)error;
    watched->search->piece = watched->before + watched->part * (double)state->update / (double)watched->updates;
    show(watched->search);
    return ES_OK;
}

// From the start values to theta [parameters].
static enum es_status train(struct search *search, struct es_specimen *specimen, double part, double *theta, struct es_error *error) {
    struct es_training *training = &specimen->training;
    struct watched watched = {search, training->updates, part, search->piece};
    struct es_state state = es_state_new(specimen->experiment.net, specimen->arena);
    training->updated = updated;
    training->context = &watched;
    enum es_status status = es_rule_admits(specimen->experiment.rule, &training->problem, error);
    if (status == ES_OK)
        status = es_train(training, &state, error);
    es_state_theta(specimen->experiment.net, &state, theta);
    return status;
}

static enum es_status test(const struct es_sensitivity *s, struct es_specimen *specimen, const double *theta, struct es_evaluation *e, struct es_error *error) {
    return es_evaluate(&specimen->training.problem, s->set, s->set->folds > 1 ? s->fold : SIZE_MAX, theta, specimen->arena, e, error);
}

// Trained, if it is, on `chip`, and used on it or on `other`.
static enum es_status score(struct search *search, const struct es_chip *chip, const struct es_chip *other, double part, struct es_evaluation *e,
                            struct es_error *error) {
    const struct es_sensitivity *s = search->sensitivity;
    struct es_arena *arena = es_arena_new();
    struct es_specimen specimen;
    double *trained = ES_NEW(arena, s->experiment->net->parameters, double);
    enum es_status status = open_specimen(s, chip, &specimen, error);
    if (status == ES_OK && s->acting->training)
        status = train(search, &specimen, part, trained, error);
    if (status == ES_OK && !s->acting->use) {
        es_specimen_close(&specimen);
        status = open_specimen(s, other, &specimen, error);
    }
    if (status == ES_OK)
        status = test(s, &specimen, s->acting->training ? trained : s->theta, e, error);
    es_specimen_close(&specimen);
    es_arena_free(arena);
    return status;
}

static enum es_status agree(const struct es_sensitivity *s, const struct es_chip *chip, double *cosine, struct es_error *error) {
    struct es_agreement agreement = {NAN, NAN, NAN};
    struct es_specimen specimen;
    enum es_status status = open_specimen(s, chip, &specimen, error);
    if (status == ES_OK)
        status = es_rule_admits(specimen.experiment.rule, &specimen.training.problem, error);
    if (status == ES_OK)
        status = es_specimen_agreement(&specimen, s->theta, 0, &agreement, error);
    *cosine = agreement.cosine;
    es_specimen_close(&specimen);
    return status;
}

// What one chip does. What the engine gives up on is a circuit that has failed, which is no error here.
static enum es_status measure_chip(struct search *search, enum subject subject, double magnitude, size_t number, double part, struct es_quality *quality,
                                   size_t *tested, struct es_error *error) {
    struct es_arena *arena = es_arena_new();
    struct es_chip chip = chip_with(search, magnitude, number, arena), other = chip_with(search, search->kind ? search->kind->ideal : 0, number, arena);
    struct es_evaluation e = {.loss = NAN};
    double cosine = NAN;
    enum es_status status = subject == COSINE ? agree(search->sensitivity, &chip, &cosine, error) : score(search, &chip, &other, part, &e, error);
    bool failed = status == ES_FAILED;
    if (subject == COSINE)
        quality->cosine = failed ? NAN : cosine;
    else {
        quality->loss = failed ? NAN : e.loss;
        quality->accuracy = failed || !e.judged || !isfinite(e.loss) ? NAN : (double)e.right / (double)e.samples;
        *tested = e.samples;
    }
    es_arena_free(arena);
    return failed && search->kind ? ES_OK : status;
}

// Mean and standard deviation of every `stride`th value, `count` of them.
static void summarise(const double *value, size_t stride, size_t count, double *mean, double *deviation) {
    *mean = gsl_stats_mean(value, stride, count);
    *deviation = count > 1 ? gsl_stats_sd_m(value, stride, count, *mean) : 0;
}

static enum es_status measure(struct search *search, enum subject subject, double magnitude, struct es_quality *mean, struct es_quality *deviation, size_t *tested,
                              struct es_error *error) {
    const struct es_sensitivity *s = search->sensitivity;
    bool drawn = is_drawn(s->chip) || (search->kind && search->kind->drawn);
    size_t chips = drawn ? s->chips : 1, stride = sizeof *mean / sizeof(double);
    struct es_arena *arena = es_arena_new();
    struct es_quality *quality = ES_NEW(arena, chips, struct es_quality);
    enum es_status status = ES_OK;
    for (size_t i = 0; i < chips && status == ES_OK; i++) {
        search->piece = (double)i / (double)chips;
        show(search);
        status = measure_chip(search, subject, magnitude, i, 1 / (double)chips, &quality[i], tested, error);
    }
    if (subject == COSINE)
        summarise(&quality->cosine, stride, chips, &mean->cosine, &deviation->cosine);
    else {
        summarise(&quality->loss, stride, chips, &mean->loss, &deviation->loss);
        summarise(&quality->accuracy, stride, chips, &mean->accuracy, &deviation->accuracy);
    }
    es_arena_free(arena);
    search->piece = 0;
    search->done++;
    show(search);
    return status;
}

enum es_status es_sensitivity_measure(const struct es_sensitivity *s, const struct es_nonideality *kind, double magnitude, struct es_quality *quality,
                                      struct es_error *error) {
    struct search search = {.sensitivity = s, .kind = kind, .all = SUBJECTS};
    struct es_quality deviation;
    size_t tested;
    enum es_status status = measure(&search, COSINE, magnitude, quality, &deviation, &tested, error);
    return status == ES_OK ? measure(&search, SCORE, magnitude, quality, &deviation, &tested, error) : status;
}

enum es_status es_sensitivity_start(struct es_sensitivity *s, struct es_error *error) {
    struct search search = {.sensitivity = s, .all = SUBJECTS};
    struct es_quality deviation;
    enum es_status status = measure(&search, COSINE, 0, &s->ideal, &deviation, &s->tested, error);
    if (status == ES_OK)
        status = measure(&search, SCORE, 0, &s->ideal, &deviation, &s->tested, error);
    if (status != ES_OK)
        return status;
    double n = (double)s->tested, p = (s->ideal.accuracy * n + 1) / (n + 2);
    s->standard_error = sqrt(p * (1 - p) / n);
    s->limit[ES_LIMIT_COSINE_99] = 0.99;
    s->limit[ES_LIMIT_COSINE_90] = 0.9;
    s->limit[ES_LIMIT_LOSS] = s->ideal.loss > 0 ? 1.1 * s->ideal.loss : NAN;
    s->limit[ES_LIMIT_ACCURACY] = s->ideal.accuracy - 2 * s->standard_error;
    return ES_OK;
}

// ---- the search ------------------------------------------------------------------------------------------------------

// Magnitudes from the best, 0, to the worst, `last`: in equal factors, or whole bits. PROBES + 1 of them, evenly spaced, are looked at first. From where the
// nonideality begins to tell, neighbours are `fine` apart, so that a limit that is passed and kept again is seen; then its first crossing is bisected.
enum { PROBES = 8, DECADES = 24, FINE = 4 /* in a decade */ };
static const double moved = 0.1; // part of the way to the limit
const double es_sensitivity_tolerance = 0.02;

struct point {
    bool known[SUBJECTS], refused[SUBJECTS];
    struct es_quality quality, deviation; // mean and standard deviation of the chips
};

struct lattice {
    const struct es_nonideality *kind;
    double best, worst;
    size_t last, fine;
    struct point *point; // [last + 1]
};

static bool is_whole(const struct es_nonideality *kind) {
    return strcmp(kind->unit, "bit") == 0;
}

void es_sensitivity_range(const struct es_sensitivity *s, const struct es_nonideality *kind, double *best, double *worst) {
    double decades = pow(10, DECADES), longest = (double)(s->set->points - 1) * s->experiment->task.interval;
    bool grows = isfinite(kind->ideal);
    *worst = is_whole(kind) ? ceil(kind->min) : !grows ? kind->min : strcmp(kind->unit, "s") == 0 ? fmin(kind->max, longest) : kind->max;
    *best = !grows ? kind->max : kind->min > 0 ? kind->min : *worst / decades;
}

static struct lattice lattice_of(const struct es_sensitivity *s, const struct es_nonideality *kind, struct es_arena *arena) {
    struct lattice lattice = {.kind = kind, .fine = 1};
    es_sensitivity_range(s, kind, &lattice.best, &lattice.worst);
    double decades = fabs(log10(lattice.worst / lattice.best));
    lattice.last = is_whole(kind) ? (size_t)(lattice.best - lattice.worst) : (size_t)ceil(decades * log(10) / log1p(es_sensitivity_tolerance));
    if (!is_whole(kind))
        lattice.fine = (size_t)ceil((double)lattice.last / (FINE * decades));
    lattice.point = ES_NEW(arena, lattice.last + 1, struct point);
    return lattice;
}

static double magnitude_at(const struct lattice *lattice, double i) {
    if (is_whole(lattice->kind))
        return lattice->best - i;
    return i >= (double)lattice->last ? lattice->worst : lattice->best * pow(lattice->worst / lattice->best, i / (double)lattice->last);
}

// Looks at a point once. Where the nonideality cannot act there, the point is refused, and *why says why.
static enum es_status look(struct search *search, struct lattice *lattice, enum subject subject, size_t i, struct es_error *why, struct es_error *error) {
    struct point *point = &lattice->point[i];
    size_t tested;
    if (point->known[subject])
        return ES_OK;
    enum es_status status = measure(search, subject, magnitude_at(lattice, (double)i), &point->quality, &point->deviation, &tested, error);
    point->known[subject] = true;
    point->refused[subject] = status == ES_BAD_INPUT;
    if (status == ES_BAD_INPUT)
        *why = *error;
    return status == ES_BAD_INPUT ? ES_OK : status;
}

enum state { UNKNOWN, KEPT, PASSED, REFUSED };

static enum state state_of(const struct es_sensitivity *s, const struct point *point, enum es_limit limit) {
    enum subject subject = subject_of(limit);
    double value = value_of(&point->quality, limit);
    if (!point->known[subject] || point->refused[subject])
        return point->known[subject] ? REFUSED : UNKNOWN;
    return (limit == ES_LIMIT_LOSS ? value < s->limit[limit] : value > s->limit[limit]) ? KEPT : PASSED; // NAN has passed
}

// From the ideal to the limit.
static double way(const struct es_sensitivity *s, enum es_limit limit) {
    return fabs(s->limit[limit] - value_of(&s->ideal, limit));
}

static bool has_moved(const struct es_sensitivity *s, const struct point *point, enum es_limit limit) {
    return !(fabs(value_of(&point->quality, limit) - value_of(&s->ideal, limit)) <= moved * way(s, limit));
}

// *kept and *passed: the first two known neighbours where the limit is kept at the one and not at the other; the last point and one more where it is
// kept at all.
static void bracket(const struct es_sensitivity *s, const struct lattice *lattice, enum es_limit limit, size_t *kept, size_t *passed) {
    *kept = SIZE_MAX;
    for (*passed = 0; *passed <= lattice->last; ++*passed) {
        enum state state = state_of(s, &lattice->point[*passed], limit);
        if (state == KEPT)
            *kept = *passed;
        else if (state != UNKNOWN)
            return;
    }
}

// The point to look at next, or SIZE_MAX: between the first known neighbours, up to the crossing, that are too far apart.
static size_t next(const struct es_sensitivity *s, const struct lattice *lattice, enum es_limit limit) {
    size_t kept, passed, before = 0;
    bracket(s, lattice, limit, &kept, &passed);
    for (size_t i = 1; i <= lattice->last && i <= passed && kept != SIZE_MAX; i++) {
        const struct point *a = &lattice->point[before], *b = &lattice->point[i];
        if (!b->known[subject_of(limit)])
            continue;
        size_t apart = i == passed ? 1 : has_moved(s, a, limit) || has_moved(s, b, limit) ? lattice->fine : lattice->last;
        if (i - before > apart)
            return before + (i - before) / 2;
        before = i;
    }
    return SIZE_MAX;
}

static bool all_refused(const struct es_sensitivity *s, const struct lattice *lattice, enum es_limit limit) {
    bool all = true;
    for (size_t i = 0; i <= lattice->last; i++) {
        enum state state = state_of(s, &lattice->point[i], limit);
        all &= state == UNKNOWN || state == REFUSED;
    }
    return all;
}

// Whether nothing that was looked at differs from what is without the nonideality by more than the rounding of a mean.
static bool changes_nothing(const struct es_sensitivity *s, const struct lattice *lattice, enum es_limit limit) {
    double ideal = value_of(&s->ideal, limit);
    bool nothing = true;
    for (size_t i = 0; i <= lattice->last; i++) {
        enum state state = state_of(s, &lattice->point[i], limit);
        if (state == KEPT || state == PASSED)
            nothing &= fabs(value_of(&lattice->point[i].quality, limit) - ideal) <= 4 * DBL_EPSILON * fabs(ideal);
    }
    return nothing;
}

static struct es_margin margin_of(const struct es_sensitivity *s, const struct lattice *lattice, enum es_limit limit) {
    struct es_margin margin = {.reach = ES_REACH_FOUND, .spread = NAN};
    size_t kept, passed;
    bracket(s, lattice, limit, &kept, &passed);
    if (isnan(s->limit[limit]) || all_refused(s, lattice, limit))
        return (struct es_margin){.reach = ES_REACH_UNDEFINED, .magnitude = NAN, .spread = NAN};
    if (changes_nothing(s, lattice, limit))
        return (struct es_margin){.reach = ES_REACH_NONE, .magnitude = NAN, .spread = NAN};
    if (kept == SIZE_MAX)
        return (struct es_margin){.reach = ES_REACH_ALWAYS, .magnitude = lattice->best, .spread = NAN};
    margin.spread = value_of(&lattice->point[kept].deviation, limit) / way(s, limit);
    if (passed > lattice->last || state_of(s, &lattice->point[passed], limit) == REFUSED)
        margin.reach = ES_REACH_BEYOND;
    else
        margin.fails = isnan(value_of(&lattice->point[passed].quality, limit));
    margin.magnitude = magnitude_at(lattice, margin.reach == ES_REACH_BEYOND || is_whole(lattice->kind) ? (double)kept : (double)kept + 0.5);
    for (size_t i = passed; i <= lattice->last; i++)
        margin.returns |= state_of(s, &lattice->point[i], limit) == KEPT;
    return margin;
}

static enum es_status find(struct search *search, struct lattice *lattice, enum es_limit limit, struct es_error *why, struct es_error *error) {
    enum es_status status = ES_OK;
    for (size_t k = 0; k <= PROBES && status == ES_OK; k++)
        status = look(search, lattice, subject_of(limit), k * lattice->last / PROBES, why, error);
    for (size_t i; status == ES_OK && (i = next(search->sensitivity, lattice, limit)) != SIZE_MAX;)
        status = look(search, lattice, subject_of(limit), i, why, error);
    return status;
}

static bool is_of(const struct es_chip *chip, const struct es_nonideality *kind) {
    bool is = false;
    for (size_t i = 0; i < chip->count; i++)
        is |= chip->nonideal[i].kind == kind;
    return is;
}

// What is found without `kind`, where the chip has it.
static enum es_status start_without(struct es_sensitivity *s, const struct es_nonideality *kind, struct es_arena *arena, struct es_error *error) {
    if (!is_of(s->chip, kind))
        return ES_OK;
    struct search search = {.sensitivity = s, .kind = kind};
    struct es_chip *without = ES_NEW(arena, 1, struct es_chip);
    *without = chip_with(&search, kind->ideal, 0, arena);
    s->chip = without;
    return es_sensitivity_start(s, error);
}

enum es_status es_sensitivity_find(const struct es_sensitivity *given, const struct es_nonideality *kind, struct es_margin margin[ES_LIMITS],
                                   struct es_error *why, struct es_error *error) {
    struct es_arena *arena = es_arena_new();
    struct es_sensitivity s = *given;
    struct lattice lattice = lattice_of(&s, kind, arena);
    struct search search = {.sensitivity = &s, .kind = kind};
    search.all = SUBJECTS * (PROBES + 1) + ES_LIMITS * (log2((double)lattice.last / PROBES) + FINE);
    *why = (struct es_error){""};
    enum es_status status = start_without(&s, kind, arena, error);
    for (enum es_limit limit = 0; limit < ES_LIMITS && status == ES_OK; limit++)
        if (!isnan(s.limit[limit]))
            status = find(&search, &lattice, limit, why, error);
    for (enum es_limit limit = 0; limit < ES_LIMITS; limit++)
        margin[limit] = margin_of(&s, &lattice, limit);
    es_arena_free(arena);
    return status;
}
