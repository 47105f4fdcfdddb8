// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// Memory devices: the shipped cards against their published numbers and step equations, written here once more; statistics of a thousand devices;
// how parameters are held; training with devices; and cards that are refused.
#include "runner.h"
#include "support.h"

#include "device/memory.h"
#include "learn/train.h"
#include "store/store.h"
#include "xml/xml.h"

#include <gsl/gsl_randist.h>
#include <gsl/gsl_statistics_double.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { DEVICES = 1000 };

static const uint64_t seed = 1;

static struct es_card *card_of(const char *name) {
    char path[512];
    struct es_card *card;
    struct es_error error = {""};
    snprintf(path, sizeof path, "models/%s.xml", name);
    ck_assert_msg(es_card_read(path, &card, &error) == ES_OK, "%s", error.text);
    ck_assert_str_eq(card->name, name);
    return card;
}

// The published numbers: aihwkit's presets and the papers that they name; here again, so that a slip in a card is seen.
static const struct published {
    const char *name;
    const struct es_device_model *model;
    double step, up_down, max, min, d2d_step, d2d_up_down, d2d_max, d2d_min, cycle, constant, slope, write, stuck;
    bool additive, log_normal;
    size_t pulses; // of a curve
} published[] = {
    {"reram-es", &es_model_exponential, 0.00135, 0.259359, 1, -1, 0.2, 0.05, 0.3, 0.3, 5, 0, 0, 75, 0, false, false, 1000},
    {"reram-sb", &es_model_soft_bounds, 0.002, 0, 1.25, -0.75, 0.3, 0.01, 0.24, 0.4, 3.75, 0, 0, 56, 0, true, false, 1000},
    {"capacitor", &es_model_linear, 0.005, 0, 1, -1, 0.1, 0.06, 0.07, 0.07, 0.3, 0, 0, 0, 0, true, false, 400},
    {"ecram-li", &es_model_linear, 0.002, 0, 1.1724, -0.8276, 0.1, 0.01, 0.05, 0.05, 0.3, 0, 0, 0, 0, false, false, 1000},
    {"ecram-mo", &es_model_linear, 2.8214e-4, 0, 1.1714, -0.8286, 0.1, 0.01, 0.05, 0.05, 2, 0, 0, 0, 0, false, false, 7000},
    {"pcm", &es_model_exponential, 0.01, 0, 2, 0, 0.2, 0.05, 0.1, 0, 0.6, 0.042, 0.108, 0, 0, false, false, 20},
    {"reram-hfo2", &es_model_soft_bounds, 0.4622, 0, 1, -1, 0.7125, 0.01, 0.4295, 0.599, 0.2174, 0, 0, 0.5841, 0.0977, true, true, 20},
    {"idealized", &es_model_constant, 0.0002, 0, 1, -1, 0.3, 0, 0.3, 0.3, 0.3, 0, 0, 0, 0, false, false, 10000},
};

enum { PUBLISHED = sizeof published / sizeof *published };

// a, b, gamma up and down, A up and down of an exponential step; gamma up and down of a linear one, and their spread.
static const double *numbers_of(const struct published *p) {
    static const struct {
        const char *name;
        double number[6];
    } numbers[] = {
        {"reram-es", {-0.5, -0.5, 5, 5, -1.18445, -0.081404}}, {"pcm", {-1, 0, 2.5, 2.5, -27.235, -2.235}}, {"capacitor", {0.05, 0.05, 0.01}},
        {"ecram-li", {0.1153, 0.5085, 0.05}},                  {"ecram-mo", {0.4152, 0.7342, 0.05}},
    };
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        if (strcmp(p->name, numbers[i].name) == 0)
            return numbers[i].number;
    return NULL;
}

// w after n pulses from w0, by the step equation in closed form where there is one. dw > 0 is the step in direction d.
static long double geometric(long double w0, long double fixed, long double factor, size_t n) {
    return fixed + (w0 - fixed) * powl(factor, (long double)n);
}

static long double exponential_step(const double p[6], long double w0, long double dw, double window, int d, size_t n) {
    long double w = w0; // p: a, b, gamma up, gamma down, A up, A down
    while (n--) {
        long double z = 2 * p[0] * w / window + p[1], y = d > 0 ? 1 - p[4] * expl(p[2] * z) : 1 - p[5] * expl(-p[3] * z);
        w += d * dw * fmaxl(y, 0);
    }
    return w;
}

static double curve_of(const struct published *p, double w0, int d, size_t n) {
    long double dw = p->step * (1 + d * p->up_down), bound = d > 0 ? p->max : p->min, w;
    if (p->model == &es_model_constant)
        w = w0 + d * (long double)n * dw;
    else if (p->model == &es_model_soft_bounds)
        w = geometric(w0, bound, 1 - dw / fabsl(bound), n);
    else if (p->model == &es_model_exponential)
        w = exponential_step(numbers_of(p), w0, dw, p->max - p->min, d, n);
    else { // w + d dw (gamma^d w + 1) has the fixed point -1 / gamma^d = w_bound / gamma
        double gamma = numbers_of(p)[d < 0];
        w = geometric(w0, bound / gamma, 1 - dw * gamma / fabsl(bound), n);
    }
    return (double)fminl(fmaxl(w, p->min), p->max);
}

// The mean device without noise, up from its lowest value, then down.
START_TEST(curves_follow_the_step_equations) {
    const struct published *p = &published[_i];
    struct es_card *card = card_of(p->name);
    ck_assert_ptr_eq(card->model, p->model);
    card->cycle = 0;
    struct es_device mean = es_device_mean(card);
    struct es_stream noise = {.seed = seed};
    double w = card->min, worst = 0, turn = 0;
    for (int d = +1; d >= -1; d -= 2) {
        for (size_t n = 1; n <= p->pulses; n++) {
            w = es_device_pulse(card, &mean, w, d, &noise);
            if (n % (p->pulses / 20) == 0)
                worst = fmax(worst, fabs(w - curve_of(p, d > 0 ? p->min : turn, d, n)));
        }
        turn = w;
    }
    printf("%-10s %5zu pulses up and down: w off by %.1e\n", p->name, p->pulses, worst);
    ck_assert_double_lt(worst, 1.5e-12); // 1.5e-13 measured
    es_card_free(card);
}
END_TEST

START_TEST(quantised_levels) {
    struct es_card *card = card_of("quantised");
    struct es_device mean = es_device_mean(card);
    struct es_stream noise = {.seed = seed};
    double w = -1;
    for (int k = 1; k < 64; k++) {
        w = es_device_pulse(card, &mean, w, +1, &noise);
        ck_assert_double_eq_tol(w, -1 + 2 * k / 63., 1e-15);
    }
    ck_assert_double_eq(es_device_pulse(card, &mean, w, +1, &noise), 1);
    for (int k = 62; k >= 0; k--) {
        w = es_device_pulse(card, &mean, w, -1, &noise);
        ck_assert_double_eq_tol(w, -1 + 2 * k / 63., 1e-15);
    }
    ck_assert_double_eq_tol(es_device_place(card, &mean, 0.02), 1 / 63., 1e-15);
    ck_assert_double_eq_tol(es_device_place(card, &mean, -0.02), -1 / 63., 1e-15);
    es_card_free(card);
}
END_TEST

// The table's own rows, read by this test, come back: each curve from its own start.
START_TEST(a_table_is_retraced) {
    struct es_card *card = card_of("measured");
    struct es_device mean = es_device_mean(card);
    struct es_stream noise = {.seed = seed};
    FILE *file = fopen("models/measured.csv", "r");
    char line[256];
    double up = -1, down = 1;
    int rows = 0;
    ck_assert_ptr_nonnull(file);
    while (fgets(line, sizeof line, file)) {
        double pulse, asked_up, asked_down;
        if (sscanf(line, "%lf,%lf,%lf", &pulse, &asked_up, &asked_down) != 3)
            continue;
        if (rows++) {
            up = es_device_pulse(card, &mean, up, +1, &noise);
            down = es_device_pulse(card, &mean, down, -1, &noise);
        }
        ck_assert_double_eq_tol(up, -1 + 2 * (asked_up - 1) / 9, 1e-12);
        ck_assert_double_eq_tol(down, -1 + 2 * (asked_down - 1) / 9, 1e-12);
    }
    ck_assert_int_eq(rows, 65);
    fclose(file);
    es_card_free(card);
}
END_TEST

// Of x [DEVICES], with standard errors: that of the standard deviation from the fourth moment.
struct moments {
    double mean, of_mean, sd, of_sd;
};

static struct moments moments_of(const double *x) {
    double n = DEVICES, m = gsl_stats_mean(x, 1, DEVICES), s = gsl_stats_sd(x, 1, DEVICES), fourth = 0;
    for (size_t i = 0; i < DEVICES; i++)
        fourth += pow(x[i] - m, 4) / n;
    return (struct moments){m, s / sqrt(n), s, s > 0 ? sqrt(fmax(fourth - pow(s, 4), 0) / n) / (2 * s) : 0};
}

// Within three standard errors of what is expected, which may have errors of its own.
static void check_expected(const char *what, const double *x, const struct moments *e) {
    struct moments m = moments_of(x);
    ck_assert_msg(fabs(m.mean - e->mean) <= 3 * hypot(m.of_mean, e->of_mean) + 1e-14, "%s: mean %.6g +- %.2g, expected %.6g", what, m.mean, m.of_mean, e->mean);
    ck_assert_msg(fabs(m.sd - e->sd) <= 3 * hypot(m.of_sd, e->of_sd) + 1e-14, "%s: standard deviation %.6g +- %.2g, expected %.6g", what, m.sd, m.of_sd, e->sd);
}

static void check_moments(const char *what, const double *x, double mean, double sd) {
    check_expected(what, x, &(struct moments){.mean = mean, .sd = sd});
}

// |x| of a normal x: the folded normal distribution (Leone, Nelson & Nottingham, Technometrics 1961).
static void check_folded(const char *what, const double *x, double mean, double sd) {
    double folded = sd > 0 ? sd * sqrt(2 / M_PI) * exp(-mean * mean / (2 * sd * sd)) + mean * erf(mean / (sd * M_SQRT2)) : fabs(mean);
    check_moments(what, x, folded, sqrt(fmax(mean * mean + sd * sd - folded * folded, 0)));
}

START_TEST(devices_spread_as_published) {
    const struct published *p = &published[_i];
    struct es_card *card = card_of(p->name);
    static double up[DEVICES], down[DEVICES], half[DEVICES], high[DEVICES], low[DEVICES];
    ck_assert_double_eq(card->stuck, p->stuck);
    card->stuck = 0;
    for (uint64_t i = 0; i < DEVICES; i++) {
        struct es_device device = es_device_draw(card, seed, i);
        up[i] = card->step * device.gain[ES_UP];
        down[i] = card->step * device.gain[ES_DOWN];
        half[i] = (device.gain[ES_UP] - device.gain[ES_DOWN]) / 2;
        high[i] = device.max;
        low[i] = device.min;
    }
    double sd = p->step * hypot(p->d2d_step, p->d2d_up_down);
    for (size_t i = 0; i < DEVICES && p->log_normal; i++) // ln of the mean of both
        up[i] = log((up[i] + down[i]) / 2);
    if (p->log_normal)
        check_moments("ln step", up, log(p->step), p->d2d_step);
    else {
        check_folded("step up", up, p->step * (1 + p->up_down), sd);
        check_folded("step down", down, p->step * (1 - p->up_down), sd);
    }
    if (p->d2d_step < 0.25 || p->log_normal) // else some are folded
        check_moments("asymmetry", half, p->up_down, p->d2d_up_down);
    check_folded("w_max", high, p->max, p->max * p->d2d_max);
    for (size_t i = 0; i < DEVICES; i++)
        low[i] = -low[i];
    check_folded("-w_min", low, -p->min, -p->min * p->d2d_min);
    es_card_free(card);
}
END_TEST

START_TEST(slopes_spread_about_their_means) {
    static const struct {
        const char *name;
        double up, down, spread, max, min;
    } linear[] = {{"ecram-li", 0.1153, 0.5085, 0.05, 1.1724, -0.8276}, {"ecram-mo", 0.4152, 0.7342, 0.05, 1.1714, -0.8286}, {"capacitor", 0.05, 0.05, 0.01, 1, -1}};
    static double up[DEVICES], down[DEVICES];
    struct es_card *card = card_of(linear[_i].name);
    for (uint64_t i = 0; i < DEVICES; i++) {
        struct es_device device = es_device_draw(card, seed, i);
        up[i] = -device.slope[ES_UP] * linear[_i].max;
        down[i] = -device.slope[ES_DOWN] * linear[_i].min;
    }
    check_folded("gamma up", up, linear[_i].up, linear[_i].spread);
    check_folded("gamma down", down, linear[_i].down, linear[_i].spread);
    es_card_free(card);
}
END_TEST

// One pulse of the mean device near the middle of its window, a thousand times; and the spread after 100 pulses in a row where the step is even.
START_TEST(pulses_vary_from_cycle_to_cycle) {
    const struct published *p = &published[_i];
    struct es_card *card = card_of(p->name);
    struct es_device mean = es_device_mean(card);
    static double x[DEVICES];
    const double w = (p->max + p->min) / 2 + 0.1;
    for (int d = +1; d >= -1; d -= 2) {
        double size = d * (curve_of(p, w, d, 1) - w);
        for (uint64_t i = 0; i < DEVICES; i++) {
            struct es_stream noise = {.seed = seed, .purpose = ES_RANDOM_PULSE, .id = i, .update = d > 0};
            x[i] = es_device_pulse(card, &mean, w, d, &noise) - w;
        }
        double noisy = p->additive ? p->step * (1 + d * p->up_down) : size;
        check_moments(p->name, x, d * size, p->cycle * (noisy + p->constant + p->slope * w));
    }
    for (uint64_t i = 0; i < DEVICES && p->model == &es_model_constant; i++) {
        struct es_stream noise = {.seed = seed, .purpose = ES_RANDOM_PULSE, .id = i, .update = 2};
        x[i] = 0;
        for (int n = 0; n < 100; n++)
            x[i] = es_device_pulse(card, &mean, x[i], +1, &noise);
    }
    if (p->model == &es_model_constant)
        check_moments("100 pulses", x, 100 * p->step, 10 * p->step * p->cycle);
    es_card_free(card);
}
END_TEST

// A device of the published numbers, drawn and pulsed by GSL: w [2] after the stated pulses up from its lowest value, and after as many down.
static void pulse_published(const struct published *p, gsl_rng *rng, double w[2]) {
    const double *number = numbers_of(p);
    bool linear = p->model == &es_model_linear;
    double draw = gsl_ran_gaussian(rng, p->d2d_step), gain = p->log_normal ? exp(draw) : 1 + draw, beta = p->up_down + gsl_ran_gaussian(rng, p->d2d_up_down);
    double max = fabs(p->max + gsl_ran_gaussian(rng, p->max * p->d2d_max)), min = -fabs(p->min + gsl_ran_gaussian(rng, -p->min * p->d2d_min));
    double gamma[] = {linear ? fabs(number[0] + gsl_ran_gaussian(rng, number[2])) : 0, linear ? fabs(number[1] + gsl_ran_gaussian(rng, number[2])) : 0};
    double v = min;
    for (int down = 0; down < 2; down++) {
        double sign = down ? -1 : 1, step = p->step * fabs(gain + sign * beta);
        for (size_t n = 0; n < p->pulses; n++) {
            double dw = step, part;
            if (p->model == &es_model_soft_bounds)
                dw = step - step * v / (down ? min : max);
            else if (linear)
                dw = step - step * gamma[down] * v / (down ? p->min : p->max);
            else if (p->model == &es_model_exponential)
                dw = (part = number[4 + down] * exp(sign * number[2 + down] * (2 * number[0] * v / (max - min) + number[1]))) < 1 ? step * (1 - part) : 0;
            v += sign * dw + gsl_ran_gaussian(rng, p->cycle * ((p->additive ? step : dw) + p->constant + p->slope * fabs(v)));
            v = v > max ? max : v < min ? min : v;
        }
        w[down] = v;
    }
}

// Spread and noise together, over the stated number of pulses.
START_TEST(many_devices_follow_the_step_equations) {
    const struct published *p = &published[_i];
    struct es_card *card = card_of(p->name);
    gsl_rng *rng = gsl_rng_alloc(gsl_rng_mt19937);
    static double w[2][DEVICES], published_w[2][DEVICES];
    card->stuck = 0;
    for (uint64_t i = 0; i < DEVICES; i++) {
        struct es_device device = es_device_draw(card, seed, i);
        struct es_stream noise = {.seed = seed, .purpose = ES_RANDOM_PULSE, .id = i};
        double v = device.min, expected[2];
        for (int down = 0; down < 2; down++) {
            for (size_t n = 0; n < p->pulses; n++)
                v = es_device_pulse(card, &device, v, down ? -1 : +1, &noise);
            w[down][i] = v;
        }
        pulse_published(p, rng, expected);
        published_w[0][i] = expected[0];
        published_w[1][i] = expected[1];
    }
    for (int down = 0; down < 2; down++) {
        struct moments expected = moments_of(published_w[down]), m = moments_of(w[down]);
        printf("%-10s %5zu pulses %-4s w %.4f +- %.4f, by GSL %.4f +- %.4f\n", p->name, p->pulses, down ? "down" : "up", m.mean, m.sd, expected.mean, expected.sd);
        check_expected(down ? "down" : "up", w[down], &expected);
    }
    gsl_rng_free(rng);
    es_card_free(card);
}
END_TEST

// A larger spread scales the same draws; another seed or device has others.
START_TEST(draws_are_keyed) {
    struct es_card *card = card_of("idealized"), wide = *card;
    card->spread.step = card->spread.max = 0.15;
    wide.spread.step = wide.spread.max = 0.05;
    for (uint64_t i = 0; i < 20; i++) {
        struct es_device a = es_device_draw(card, seed, i), b = es_device_draw(&wide, seed, i), c = es_device_draw(card, seed + 1, i);
        ck_assert_double_eq_tol(a.gain[ES_UP] - 1, 3 * (b.gain[ES_UP] - 1), 1e-14);
        ck_assert_double_eq_tol(a.max - 1, 3 * (b.max - 1), 1e-14);
        ck_assert_double_ne(a.max, c.max);
        ck_assert_double_ne(a.max, es_device_draw(card, seed, i + 1).max);
        ck_assert_double_gt(fabs((a.max - 1) / card->spread.max - (-a.min - 1) / card->spread.min), 1e-6);
        ck_assert_double_gt(fabs((a.max - 1) / card->spread.max - (a.gain[ES_UP] - 1) / card->spread.step), 1e-6);
    }
    es_card_free(card);
}
END_TEST

START_TEST(a_tenth_of_the_hfo2_devices_is_stuck) {
    enum { MANY = 10000 };
    struct es_card *card = card_of("reram-hfo2");
    struct es_stream noise = {.seed = seed};
    double stuck = 0, deviation = sqrt(0.0977 * (1 - 0.0977) / MANY), sum = 0, squares = 0;
    for (uint64_t i = 0; i < MANY; i++) {
        struct es_device device = es_device_draw(card, seed, i);
        if (!device.stuck)
            continue;
        double w = es_device_place(card, &device, 0.7);
        ck_assert(fabs(w) <= 0.01);
        ck_assert_double_eq(es_device_pulse(card, &device, w, +1, &noise), w);
        ck_assert_double_eq(es_device_pulse(card, &device, w, -1, &noise), w);
        stuck++;
        sum += w;
        squares += w * w;
    }
    ck_assert_double_le(fabs(stuck / MANY - 0.0977), 3 * deviation);
    ck_assert_double_le(fabs(sum / stuck), 3 * 0.01 / sqrt(3 * stuck));                                 // even in -0.01 .. 0.01
    ck_assert_double_le(fabs(squares / stuck / (0.01 * 0.01 / 3) - 1), 3 * sqrt(4. / 5 / stuck)); // var(x^2) / mean(x^2)^2 = 4/5
    es_card_free(card);
}
END_TEST

// Programming, drift and reading of phase change memory, from Nandakumar et al., ICECS 2019.
static double clamp(double x, double low, double high) {
    return x < low ? low : x > high ? high : x;
}

START_TEST(phase_change_memory_drifts) {
    const double g = (const double[]){0.05, 0.3, 0.9}[_i];
    struct es_card *card = card_of("pcm");
    static double nu[DEVICES], left[DEVICES];
    double mean = clamp(-0.0155 * log(g) + 0.0244, 0.049, 0.1), sd = clamp(-0.0125 * log(g) - 0.0059, 0.008, 0.045);
    ck_assert_double_eq_tol(1e6 * card->g_max * es_card_programming(card, g), 0.26348 + 1.9650 * g - 1.1731 * g * g, 1e-12);
    for (uint64_t i = 0; i < DEVICES; i++) {
        struct es_stream noise = {.seed = seed, .purpose = ES_RANDOM_PROGRAM, .id = i, .sample = (uint64_t)_i};
        nu[i] = es_card_drift_exponent(card, g, es_random_normal(&noise));
        left[i] = log(es_card_drift(card, nu[i], 86400)); // a day: ln G = -nu ln(t / t_0)
        ck_assert_double_eq_tol(es_card_drift(card, nu[i], 3600), pow(3600 / 20., -nu[i]), 1e-14);
        ck_assert_double_eq(es_card_drift(card, nu[i], 1), 1);
    }
    check_folded("nu", nu, mean, sd);
    for (size_t i = 0; i < DEVICES; i++)
        left[i] = -left[i] / log(86400 / 20.);
    check_folded("drift in a day", left, mean, sd);
    double q = fmin(0.0088 / fmax(pow(g, 0.65), 1e-3), 0.2);
    ck_assert_double_eq_tol(es_card_reading(card, g, 3600), q * sqrt(log((3600 + 250e-9) / 500e-9)), 1e-14);
    ck_assert_double_eq(es_card_reading(card, g, 0), 0);
    es_card_free(card);
}
END_TEST

// A thousand conductances 0.1 .. 10 S in a network of two nodes, or inductances 0.1 .. 10 H.
static struct es_network *thousand(const struct es_element_kind *kind) {
    struct es_network *net = test_network(2);
    for (size_t i = 0; i < DEVICES; i++)
        test_train(net, test_add(net, kind, 0, 1, 1, 0, 0), 0, &es_log);
    return net;
}

static struct es_memory memory_of(const struct es_card *card, struct es_device_use use, const struct es_network *net) {
    struct es_memory memory;
    struct es_error error = {""};
    ck_assert_msg(es_memory_new(card, &use, net, seed, net->arena, &memory, &error) == ES_OK, "%s", error.text);
    return memory;
}

// x in -1 .. 1 of a conductance 0.1 .. 10 S, and back.
static double x_of(double conductance) {
    return (conductance - 5.05) / 4.95;
}

static double conductance_of(double x) {
    return 5.05 + 4.95 * x;
}

START_TEST(programming_has_its_noise) {
    struct es_card *card = card_of("pcm"), clean = *card;
    struct es_network *net = thousand(&es_conductance);
    static double g[DEVICES], theta[DEVICES];
    card->spread.max = 0; // no device is full before the asked value
    struct es_memory memory = memory_of(card, (struct es_device_use){.pair = false}, net);
    double asked = 0.3, sigma = (0.26348 + 1.9650 * asked - 1.1731 * asked * asked) / 25, at_zero = 0.26348 / 25;
    for (size_t i = 0; i < DEVICES; i++) {
        struct es_cell cell;
        theta[i] = es_memory_program(&memory, i, conductance_of(asked), &cell);
        g[i] = cell.w[0] / 2;
        ck_assert_double_eq_tol(x_of(theta[i]), (cell.w[0] - cell.w[1]) / 2, 1e-14);
    }
    check_moments("g", g, asked, sigma);
    for (size_t i = 0; i < DEVICES; i++)
        theta[i] = x_of(theta[i]);
    // the other device stands at 0 and cannot go below: half of a normal distribution
    check_moments("g_plus - g_minus", theta, asked - at_zero / sqrt(2 * M_PI), hypot(sigma, at_zero * sqrt(0.5 - 0.5 / M_PI)));
    memset(clean.programming, 0, sizeof clean.programming);
    struct es_memory exact = memory_of(&clean, (struct es_device_use){.pair = false}, net);
    struct es_cell cell;
    clean.spread.max = 0;
    ck_assert_double_eq_tol(es_memory_program(&exact, 0, conductance_of(-0.2), &cell), conductance_of(-0.2), 1e-14);
    ck_assert_double_eq_tol(cell.w[1], 0.4, 1e-14);
    es_card_free(card);
    es_network_free(net);
}
END_TEST

// A pair programmed to g and 0 is read a day after as g (t / t_0)^-nu with the noise of reading; without a law of drift nothing changes.
START_TEST(held_values_drift) {
    struct es_card *card = card_of("pcm"), *still = card_of("ecram-li");
    struct es_network *net = thousand(&es_conductance);
    static double x[DEVICES];
    const double g = 0.9, day = 86400, mean = 0.049, sd = 0.008; // of nu, at its lower bounds
    memset(card->programming, 0, sizeof card->programming);
    card->spread.max = 0;
    struct es_memory memory = memory_of(card, (struct es_device_use){.pair = false}, net), same = memory_of(still, (struct es_device_use){.pair = true}, net);
    for (size_t i = 0; i < DEVICES; i++) {
        struct es_cell cell;
        double theta = es_memory_program(&memory, i, conductance_of(g), &cell);
        ck_assert_double_eq(es_memory_read_after(&memory, i, 0, &cell), theta);
        x[i] = x_of(es_memory_read_after(&memory, i, day, &cell));
        theta = es_memory_program(&same, i, conductance_of(0.3), &cell);
        ck_assert_double_eq(es_memory_read_after(&same, i, day, &cell), theta);
    }
    // of exp(-nu L), nu normal: exp(-mean L + s^2 / 2) and its square, s = sd L; times 1 + q xi
    double l = log(day / 20), s = sd * l, q = 0.0088 / pow(g, 0.65) * sqrt(log((day + 250e-9) / 500e-9)), expected = g * exp(-mean * l + s * s / 2);
    check_moments("a day after", x, expected, sqrt(g * g * exp(-2 * mean * l + 2 * s * s) * (1 + q * q) - expected * expected));
    es_card_free(card);
    es_card_free(still);
    es_network_free(net);
}
END_TEST

// What is read has the write noise, what is held has not, and it is drawn anew only when pulses have come.
START_TEST(write_noise_is_read_and_not_held) {
    const struct published *p = &published[_i];
    struct es_card *card = card_of(p->name);
    struct es_network *net = thousand(&es_conductance);
    static double x[DEVICES];
    card->spread.min = card->spread.max = card->stuck = 0;
    memset(card->programming, 0, sizeof card->programming);
    struct es_memory memory = memory_of(card, (struct es_device_use){.pair = false}, net);
    for (size_t i = 0; i < DEVICES; i++) {
        struct es_cell cell, before;
        size_t pulses = 0;
        double theta = es_memory_program(&memory, i, conductance_of(0), &cell), read = theta;
        x[i] = x_of(theta);
        ck_assert_double_eq_tol(cell.w[0], card->one_sided ? 0 : (p->max + p->min) / 2, 1e-14);
        before = cell;
        ck_assert(!es_memory_update(&memory, i, 1, 5, 5, &cell, &pulses, &read));
        ck_assert(pulses == 0 && read == theta && memcmp(&before, &cell, sizeof cell) == 0);
    }
    if (p->write * p->step / ((p->max - p->min) / 2) < 0.2) // else many are read at the bounds of the parameter
        check_moments("write noise", x, 0, p->write * p->step / ((p->max - p->min) / 2));
    es_card_free(card);
    es_network_free(net);
}
END_TEST

// Rounding to pulses is right in the mean, and its spread is that of a coin; accumulated changes lose nothing.
START_TEST(changes_become_pulses) {
    struct es_card *card = card_of("quantised");
    struct es_network *net = thousand(&es_conductance);
    static double steps[DEVICES];
    const double level = 4.95 * 2 / 63; // of conductance
    struct es_memory memory = memory_of(card, (struct es_device_use){.accumulate = false}, net), patient = memory_of(card, (struct es_device_use){.accumulate = true}, net);
    for (size_t i = 0; i < DEVICES; i++) {
        struct es_cell cell;
        size_t pulses = 0;
        double from = es_memory_program(&memory, i, 5, &cell), w = cell.w[0], read = from;
        ck_assert_double_le(fabs(from - 5), level / 2);
        es_memory_update(&memory, i, 1, from, from + 2.3 * level, &cell, &pulses, &read);
        steps[i] = (cell.w[0] - w) * 63 / 2;
        ck_assert_double_eq_tol(steps[i], (double)pulses, 1e-12);
        ck_assert_double_eq_tol(read - from, (double)pulses * level, 1e-12);
        es_memory_update(&memory, i, 2, read, read - 2 * level, &cell, &pulses, &read);
    }
    check_moments("rounded", steps, 2.3, sqrt(0.3 * 0.7));
    struct es_cell cell;
    size_t pulses = 0;
    double theta = es_memory_program(&patient, 0, 5, &cell), start = theta;
    for (uint64_t n = 1; n <= 25; n++) {
        es_memory_update(&patient, 0, n, 5, 5 - 0.3 * level, &cell, &pulses, &theta);
        ck_assert_uint_eq(pulses, (size_t)(0.3 * (double)n + 1e-9));
        ck_assert_double_eq_tol(theta, start - (double)pulses * level, 1e-12);
    }
    es_card_free(card);
    es_network_free(net);
}
END_TEST

// Each update is rounded by its own draw; at most a thousand pulses are given at once, and what is accumulated over them is given later.
START_TEST(many_pulses_take_many_updates) {
    struct es_card *card = card_of("idealized");
    struct es_network *net = thousand(&es_conductance);
    card->spread.step = card->spread.min = card->spread.max = card->cycle = 0;
    ck_assert_double_eq_tol(es_card_unit(card), 2e-4, 1e-18);
    struct es_memory coin = memory_of(card, (struct es_device_use){.accumulate = false}, net), patient = memory_of(card, (struct es_device_use){.accumulate = true}, net);
    struct es_cell cell;
    size_t pulses = 0;
    double theta = es_memory_program(&coin, 0, conductance_of(0), &cell);
    for (uint64_t n = 1; n <= 200; n++)
        es_memory_update(&coin, 0, n, 5, 5 + 0.3 * 2e-4 * 4.95, &cell, &pulses, &theta);
    ck_assert_double_le(fabs((double)pulses - 60), 3 * sqrt(200 * 0.3 * 0.7));
    pulses = 0;
    es_memory_update(&coin, 0, 201, conductance_of(0), conductance_of(0.5), &cell, &pulses, &theta);
    ck_assert_uint_eq(pulses, 1000);
    pulses = 0;
    theta = es_memory_program(&patient, 0, conductance_of(0), &cell);
    for (uint64_t n = 1; n <= 4; n++) {
        es_memory_update(&patient, 0, n, conductance_of(0), conductance_of(n == 1 ? 0.50005 : 0), &cell, &pulses, &theta);
        ck_assert_uint_eq(pulses, n < 3 ? 1000 * n : 2500);
        ck_assert_double_eq_tol(x_of(theta), (double)pulses * 2e-4, 1e-12);
    }
    es_card_free(card);
    es_network_free(net);
}
END_TEST

// Levels are written at once: any number of them is no obstacle, and memories of many bits come to hold what is asked.
START_TEST(levels_are_gone_over_at_once) {
    struct es_card *card = card_of("quantised");
    struct es_network *net = thousand(&es_conductance);
    card->p[0] = 20;
    card->step = 2 / (exp2(20) - 1);
    for (int pair = 0; pair < 2; pair++) {
        struct es_memory memory = memory_of(card, (struct es_device_use){.accumulate = true, .pair = pair, .refresh = pair ? 2 : 0}, net);
        struct es_cell cell;
        size_t pulses = 0;
        double theta = es_memory_program(&memory, 0, conductance_of(-0.8), &cell);
        es_memory_update(&memory, 0, 1, theta, conductance_of(0.7), &cell, &pulses, &theta);
        ck_assert_double_eq_tol(x_of(theta), 0.7, 2e-6);
        ck_assert_double_eq_tol((double)pulses, (pair ? 2 : 1) * 0.75 * (exp2(20) - 1), 3);
        if (!pair)
            continue;
        cell.w[0] += 0.25; // a pair far up
        cell.w[1] += 0.75;
        es_memory_update(&memory, 0, 2, 5, 5, &cell, &pulses, &theta);
        ck_assert_double_eq_tol(cell.w[0], 0.45, 4e-6);
        ck_assert_double_eq_tol(cell.w[1], -0.45, 4e-6);
    }
    es_card_free(card);
    es_network_free(net);
}
END_TEST

// What an optimiser reckons with: the mean of up and down in the middle of the window.
START_TEST(pulses_are_reckoned_in_the_middle) {
    struct es_card *es = card_of("reram-es"), *pcm = card_of("pcm"), *mo = card_of("ecram-mo");
    double up = 0.00135 * 1.259359 * (1 + 1.18445 * exp(-2.5)), down = 0.00135 * (1 - 0.259359) * (1 + 0.081404 * exp(2.5)), middle = (1.1714 - 0.8286) / 2;
    ck_assert_double_eq_tol(es_card_unit(es), (up + down) / 2, 1e-16);
    ck_assert_double_eq_tol(es_card_unit(pcm), 0.01 * (1 + 27.235 * exp(-2.5)), 1e-15);
    ck_assert_double_eq_tol(es_card_unit(mo), 2.8214e-4 * (1 - 0.4152 * middle / 1.1714 + 1 + 0.7342 * middle / 0.8286) / 2, 1e-17);
    es_card_free(es);
    es_card_free(pcm);
    es_card_free(mo);
}
END_TEST

// Coordinates are kept half a pulse and half the write noise off the bounds.
START_TEST(values_come_off_their_bounds) {
    struct es_card *card = card_of("quantised");
    struct es_network *net = thousand(&es_conductance);
    struct es_memory memory = memory_of(card, (struct es_device_use){.pair = false}, net);
    ck_assert_double_eq_tol(x_of(es_memory_off_bounds(&memory, 0, 10)), 1 - 1 / 63., 1e-14);
    ck_assert_double_eq_tol(x_of(es_memory_off_bounds(&memory, 0, 0.1)), -1 + 1 / 63., 1e-14);
    ck_assert_double_eq(es_memory_off_bounds(&memory, 0, 3), 3);
    es_card_free(card);
    es_network_free(net);
}
END_TEST

// 1 / L is what a device's conductance stands for: a pulse up lowers an inductance, and the middle of the window is the harmonic mean of the bounds.
START_TEST(inductances_are_held_inverse) {
    struct es_card *card = card_of("quantised");
    struct es_network *net = thousand(&es_inductor);
    struct es_memory memory = memory_of(card, (struct es_device_use){.pair = false}, net);
    struct es_cell cell;
    size_t pulses = 0;
    double theta = es_memory_program(&memory, 0, 2 / (10 + 0.1), &cell);
    ck_assert_double_le(fabs(cell.w[0]), 1 / 63. + 1e-14);
    double gamma = 1 / theta, more = theta * 0.9;
    es_memory_update(&memory, 0, 1, theta, more, &cell, &pulses, &theta);
    ck_assert_uint_ge(pulses, 2);
    ck_assert_double_eq_tol(1 / theta - gamma, (double)pulses * 4.95 * 2 / 63, 1e-12);
    es_card_free(card);
    es_network_free(net);
}
END_TEST

// The same step of 0.1 asked up and down from the middle; returns how far x went, in the mean.
static double went(const struct es_card *card, struct es_device_use use, const struct es_network *net, int d) {
    struct es_memory memory = memory_of(card, use, net);
    double sum = 0;
    for (size_t i = 0; i < DEVICES; i++) {
        struct es_cell cell;
        size_t pulses = 0;
        double from = es_memory_program(&memory, i, conductance_of(0), &cell), read = from;
        es_memory_update(&memory, i, 1, from, from + d * 0.495, &cell, &pulses, &read);
        sum += (x_of(read) - x_of(from)) / DEVICES;
    }
    return sum;
}

// A device whose pulses up are larger than those down is lopsided; two of them, pulsed against each other, are not.
START_TEST(a_pair_is_symmetric) {
    struct es_card *card = card_of("idealized");
    card->up_down = 0.3;
    struct es_network *net = thousand(&es_conductance);
    card->spread.step = card->spread.min = card->spread.max = card->cycle = 0;
    double single = went(card, (struct es_device_use){.pair = false}, net, +1) + went(card, (struct es_device_use){.pair = false}, net, -1);
    double up = went(card, (struct es_device_use){.pair = true}, net, +1), down = went(card, (struct es_device_use){.pair = true}, net, -1);
    ck_assert_double_eq_tol(single, 0.06, 1e-5); // 0.1 (1.3 - 0.7); the coin that rounds: up to 0.5 of 2e-4 / sqrt(1000)
    ck_assert_double_eq_tol(up + down, 0, 1e-5);
    ck_assert_double_eq_tol(up, 0.1, 1e-5);
    es_card_free(card);
    es_network_free(net);
}
END_TEST

// The two of a pair differ in their constants and in every noise, so that the noises of their difference add.
START_TEST(a_pair_is_two_devices) {
    struct es_card *card = card_of("idealized"), *ideal = card_of("ideal");
    struct es_network *net = thousand(&es_conductance);
    static double programmed[DEVICES], read[DEVICES], pulsed[DEVICES], constants[DEVICES];
    const double write = 50 * 2e-4;
    card->spread.min = card->spread.max = 0;
    card->write = 50;
    card->g_max = 1;
    card->programming[0] = 0.01; // of a window of 2
    struct es_memory memory = memory_of(card, (struct es_device_use){.pair = true}, net);
    for (size_t i = 0; i < DEVICES; i++) {
        struct es_cell cell, before;
        size_t pulses = 0;
        double theta = es_memory_program(&memory, i, conductance_of(0), &cell);
        programmed[i] = cell.w[0] - cell.w[1];
        read[i] = x_of(theta) - programmed[i] / 2;
        before = cell;
        double first = read[i], gain = memory.device[i][0].gain[ES_UP] + memory.device[i][1].gain[ES_DOWN];
        ck_assert(es_memory_update(&memory, i, 1, 5, conductance_of(100 * 2e-4 + x_of(5)), &cell, &pulses, &theta));
        ck_assert_double_gt(fabs(x_of(theta) - (cell.w[0] - cell.w[1]) / 2 - first), 1e-9); // write noise anew
        pulsed[i] = (cell.w[0] - before.w[0] - (cell.w[1] - before.w[1])) / 2e-4 - (double)pulses / 2 * gain;
        constants[i] = memory.device[i][0].gain[ES_UP] - memory.device[i][1].gain[ES_UP];
    }
    check_moments("programmed", programmed, 0, 0.02 * M_SQRT2);
    check_moments("read", read, 0, write * M_SQRT2 / 2);
    check_moments("pulsed", pulsed, 0, 0.3 * sqrt(2 * 100 * (1 + 0.09))); // 100 pulses on each, whose gains have mean square 1 + 0.3^2
    check_moments("gains", constants, 0, 0.3 * M_SQRT2);
    struct es_cell cell;
    size_t pulses = 0;
    struct es_memory both = memory_of(ideal, (struct es_device_use){.pair = true}, net);
    double theta = es_memory_program(&both, 0, conductance_of(0.2), &cell);
    es_memory_update(&both, 0, 1, theta, conductance_of(0.5), &cell, &pulses, &theta);
    ck_assert_double_eq_tol(cell.w[0], 0.5, 1e-14);
    ck_assert_double_eq_tol(cell.w[1], -0.5, 1e-14);
    ck_assert_double_eq_tol(x_of(theta), 0.5, 1e-14);
    es_card_free(card);
    es_card_free(ideal);
    es_network_free(net);
}
END_TEST

// Of a pair of one-sided devices each change pulses the one on its side; each update has its own noise.
START_TEST(a_change_has_its_direction) {
    struct es_card *pcm = card_of("pcm"), *even = card_of("idealized");
    struct es_network *net = thousand(&es_conductance);
    pcm->cycle = 0; // else a pulse may well go the wrong way
    struct es_memory memory = memory_of(pcm, (struct es_device_use){.pair = false}, net), single = memory_of(even, (struct es_device_use){.pair = false}, net);
    for (size_t i = 0; i < 20; i++) {
        struct es_cell cell, before;
        size_t pulses = 0;
        double theta = es_memory_program(&memory, i, conductance_of(0.2), &cell), start = theta;
        before = cell;
        ck_assert(es_memory_update(&memory, i, 1, theta, theta + 1, &cell, &pulses, &theta));
        ck_assert(theta > start && cell.w[0] > before.w[0] && cell.w[1] == before.w[1]);
        ck_assert(es_memory_update(&memory, i, 2, theta, theta - 3, &cell, &pulses, &theta));
        ck_assert(theta < start && cell.w[1] > before.w[1]);
        double first, second;
        theta = start = es_memory_program(&single, i, conductance_of(0), &cell);
        es_memory_update(&single, i, 1, start, start + 0.1, &cell, &pulses, &theta);
        first = cell.w[0];
        es_memory_update(&single, i, 2, start, start + 0.1, &cell, &pulses, &theta);
        second = cell.w[0] - first;
        ck_assert_double_gt(fabs(first - second), 1e-7);
    }
    es_card_free(pcm);
    es_card_free(even);
    es_network_free(net);
}
END_TEST

// A pair of one-sided devices that goes back and forth fills up; refreshing empties it and keeps the difference.
START_TEST(refreshing_empties_a_pair) {
    struct es_card *card = card_of("pcm");
    struct es_network *net = thousand(&es_conductance);
    card->spread.max = card->spread.step = card->spread.up_down = card->cycle = 0;
    memset(card->programming, 0, sizeof card->programming);
    struct es_memory plain = memory_of(card, (struct es_device_use){.pair = false}, net), memory = memory_of(card, (struct es_device_use){.refresh = 30}, net);
    struct es_cell full, fresh;
    double theta = es_memory_program(&plain, 0, conductance_of(0.2), &full), other = es_memory_program(&memory, 0, conductance_of(0.2), &fresh);
    size_t pulses = 0, more = 0;
    for (uint64_t n = 1; n <= 29; n++) {
        double change = 0.1 * (n % 2 ? 1 : -1);
        es_memory_update(&plain, 0, n, theta, theta + change, &full, &pulses, &theta);
        es_memory_update(&memory, 0, n, other, other + change, &fresh, &more, &other);
        ck_assert_mem_eq(&full, &fresh, sizeof full);
    }
    ck_assert(fmin(full.w[0], full.w[1]) > 0.6);
    double before = other;
    es_memory_update(&memory, 0, 30, other, other, &fresh, &more, &other);
    ck_assert_uint_ge(more, pulses); // none where the difference is less than half a pulse
    ck_assert(fmin(fresh.w[0], fresh.w[1]) == 0);
    ck_assert_double_le(fabs(x_of(other) - x_of(before)), 0.15); // the first pulse of an empty device is 0.28 of 2
    for (int d = -1; d <= 1; d += 2) { // a difference of 0.8 comes back, as near as half of a pulse of up to 0.06
        fresh.w[d < 0] = 1.5;
        fresh.w[d > 0] = 0.7;
        es_memory_update(&memory, 0, 60, other, other, &fresh, &more, &other);
        ck_assert_double_eq_tol(fresh.w[d < 0], 0.8, 0.04);
        ck_assert_double_eq(fresh.w[d > 0], 0);
        ck_assert_double_eq_tol(x_of(other), 0.4 * d, 0.02);
    }
    es_card_free(card);
    es_network_free(net);
}
END_TEST

START_TEST(single_devices_are_not_refreshed) {
    struct es_card *card = card_of("ecram-li");
    struct es_network *net = thousand(&es_conductance);
    struct es_memory memory;
    struct es_error error = {""};
    ck_assert_int_eq(es_memory_new(card, &(struct es_device_use){.refresh = 5}, net, seed, net->arena, &memory, &error), ES_BAD_INPUT);
    ck_assert_ptr_nonnull(strstr(error.text, "--pair"));
    es_card_free(card);
    es_network_free(net);
}
END_TEST

// w falls by 1 / lifetime of each device at each update, with no pulse.
START_TEST(capacitors_leak) {
    struct es_card *card = card_of("capacitor");
    struct es_network *net = thousand(&es_conductance);
    static double rate[DEVICES], lifetime[DEVICES];
    ck_assert_double_eq(card->lifetime, 1e6);
    struct es_memory memory = memory_of(card, (struct es_device_use){.pair = false}, net);
    for (size_t i = 0; i < DEVICES; i++) {
        struct es_cell cell;
        size_t pulses = 0;
        double theta = es_memory_program(&memory, i, conductance_of(0.5), &cell), start = cell.w[0];
        for (uint64_t n = 1; n <= 100; n++)
            ck_assert(es_memory_update(&memory, i, n, theta, theta, &cell, &pulses, &theta));
        rate[i] = -log(cell.w[0] / start) / 100;
        lifetime[i] = 1e-6 / rate[i];
        ck_assert_uint_eq(pulses, 0);
        ck_assert_double_eq_tol(x_of(theta), cell.w[0], 1e-14);
    }
    check_folded("lifetime", lifetime, 1, 0.3);
    card->stuck = 1;
    struct es_memory stuck = memory_of(card, (struct es_device_use){.pair = false}, net);
    struct es_cell cell;
    size_t pulses = 0;
    double theta = es_memory_program(&stuck, 0, conductance_of(0.5), &cell);
    ck_assert(cell.w[0] != 0 && !es_memory_update(&stuck, 0, 1, theta, theta, &cell, &pulses, &theta));
    es_card_free(card);
    es_network_free(net);
}
END_TEST

// Training: small.xml in the twin.
struct session {
    struct es_experiment *experiment;
    struct es_dataset set;
    struct es_engine *engine;
    struct es_training training;
    struct es_arena *arena;
    struct es_card *card;
    struct es_store *store; // or NULL
    uint64_t stop;          // after this update, 0: never
    double first, last;     // losses of updates 1 .. 3 and of the last three
    size_t pulses;
};

static enum es_status updated(void *context, const struct es_state *state, const struct es_metrics *update, const struct es_metrics *epoch, struct es_error *error) {
    struct session *s = context;
    (void)epoch;
    s->pulses += update->pulses;
    s->first += state->update <= 3 ? update->loss / 3 : 0;
    s->last += state->update + 3 > s->training.updates ? update->loss / 3 : 0;
    if (s->store && es_store_update(s->store, s->experiment->net, state, update, error) != ES_OK)
        return ES_NO_RESOURCE;
    return state->update == s->stop ? es_fail(error, ES_INTERRUPTED, "stopped") : ES_OK;
}

static void open_session(struct session *s, const char *card, struct es_device_use use, size_t jobs, size_t epochs) {
    struct es_error error = {""};
    *s = (struct session){.arena = es_arena_new(), .card = card ? card_of(card) : NULL};
    ck_assert_msg(es_experiment_read("tests/small.xml", NULL, &s->experiment, &error) == ES_OK, "%s", error.text);
    struct es_experiment *x = s->experiment;
    const struct es_roles roles = {x->net->channels, x->net->channel, x->net->outputs, x->net->classes, x->net->class};
    ck_assert_int_eq(x->task.kind->load(&x->task, NULL, &roles, &s->set, &error), ES_OK);
    x->epochs = epochs;
    s->engine = test_engine(&es_twin, x->net, NULL, jobs);
    ck_assert_msg(es_training_prepare(&s->training, x, &s->set, s->engine, 0, s->arena, &error) == ES_OK, "%s", error.text);
    s->training.updated = updated;
    s->training.context = s;
    s->training.device = s->card;
    s->training.use = use;
}

static void close_session(struct session *s) {
    es_engine_close(s->engine);
    es_dataset_free(&s->set);
    es_card_free(s->card);
    es_experiment_free(s->experiment);
    es_arena_free(s->arena);
}

// The parameters' and the devices' state after a whole training.
static void train_whole(const char *card, struct es_device_use use, size_t jobs, size_t epochs, double *u, struct es_cell *cell, struct session *result) {
    struct session s;
    struct es_error error = {""};
    open_session(&s, card, use, jobs, epochs);
    struct es_state state = es_state_new(s.experiment->net, s.arena);
    ck_assert_msg(es_train(&s.training, &state, &error) == ES_OK, "%s", error.text);
    memcpy(u, state.u, s.experiment->net->parameters * sizeof *u);
    memcpy(cell, state.cell, s.experiment->net->parameters * sizeof *cell);
    *result = s;
    close_session(&s);
}

enum { PARAMETERS = 18, EPOCHS = 60 };

static const char *const cards[] = {"ideal", "quantised", "idealized", "reram-es", "reram-sb", "reram-hfo2", "pcm", "ecram-li", "ecram-mo", "capacitor", "measured"};

enum { CARDS = sizeof cards / sizeof *cards };

// Devices that take any value change nothing; those with fine, even steps learn; all give the same bits for any number of workers.
START_TEST(every_card_trains) {
    static double loss;
    double u[2][PARAMETERS], plain[PARAMETERS];
    struct es_cell cell[2][PARAMETERS];
    struct session s, two;
    struct es_device_use use = {.accumulate = _i % 2};
    train_whole(cards[_i], use, 1, EPOCHS, u[0], cell[0], &s);
    train_whole(cards[_i], use, 2, EPOCHS, u[1], cell[1], &two);
    ck_assert_mem_eq(u[0], u[1], sizeof u[0]);
    ck_assert_mem_eq(cell[0], cell[1], sizeof cell[0]);
    ck_assert_uint_eq(s.pulses, two.pulses);
    printf("%-10s loss %.3f to %.3f, %zu pulses\n", cards[_i], s.first, s.last, s.pulses);
    bool ideal = strcmp(cards[_i], "ideal") == 0;
    ck_assert_int_eq(s.pulses == 0, ideal);
    ck_assert(isfinite(s.last));
    if (ideal) {
        train_whole(NULL, use, 1, EPOCHS, plain, cell[1], &two);
        for (size_t i = 0; i < PARAMETERS; i++)
            ck_assert_double_eq_tol(u[0][i], plain[i], 1e-9); // 1e-13 measured
        loss = two.last;
        ck_assert_double_eq_tol(s.last, loss, 1e-9);
    }
    if (ideal || strncmp(cards[_i], "ecram", 5) == 0 || strcmp(cards[_i], "capacitor") == 0)
        ck_assert_double_lt(s.last, 0.8 * s.first);
}
END_TEST

// Stopped after every update and taken up from the store by a new session: the same bits as without.
START_TEST(resumes_to_the_same_bits) {
    static const struct {
        const char *card;
        struct es_device_use use;
    } variants[] = {{"reram-hfo2", {.accumulate = true, .pair = true, .refresh = 3}}, {"pcm", {.refresh = 4}}, {"capacitor", {.accumulate = true}}};
    char path[] = "/tmp/es_test_XXXXXX", out[64];
    double u[PARAMETERS];
    struct es_cell cell[PARAMETERS];
    struct session whole, s;
    struct es_error error = {""};
    size_t pulses = 0;
    ck_assert_ptr_nonnull(mkdtemp(path));
    snprintf(out, sizeof out, "%s/run.db", path);
    train_whole(variants[_i].card, variants[_i].use, 1, 7, u, cell, &whole);
    for (uint64_t stop = 1; stop <= whole.training.updates; stop++) {
        open_session(&s, variants[_i].card, variants[_i].use, 1, 7);
        ck_assert_int_eq(stop == 1 ? es_store_create(out, s.experiment->net, 0, NULL, &s.store, &error) : es_store_open(out, true, &s.store, &error), ES_OK);
        s.stop = stop;
        struct es_state state = es_state_new(s.experiment->net, s.arena);
        ck_assert_int_eq(es_store_state(s.store, s.experiment->net, &state, &error), ES_OK);
        ck_assert_int_eq(es_train(&s.training, &state, &error), ES_INTERRUPTED);
        pulses += s.pulses;
        if (stop == whole.training.updates) {
            ck_assert_mem_eq(u, state.u, sizeof u);
            ck_assert_mem_eq(cell, state.cell, sizeof cell);
        }
        es_store_close(s.store);
        close_session(&s);
    }
    ck_assert_uint_eq(pulses, whole.pulses);
    struct es_metrics *epoch;
    struct es_arena *arena = es_arena_new();
    size_t epochs;
    ck_assert_int_eq(es_store_open(out, false, &s.store, &error), ES_OK);
    ck_assert_int_eq(es_store_epochs(s.store, 0, arena, &epochs, &epoch, &error), ES_OK);
    while (epochs--)
        pulses -= epoch[epochs].pulses;
    ck_assert_uint_eq(pulses, 0);
    es_store_close(s.store);
    es_arena_free(arena);
    unlink(out);
    rmdir(path);
}
END_TEST

// The text that a run store keeps stands alone and means the same device.
START_TEST(a_card_travels_as_text) {
    struct es_card *card = card_of(cards[_i]), *copy;
    struct es_error error = {""};
    struct es_device_model const *model = card->model;
    ck_assert_msg(es_card_parse(card->xml, strlen(card->xml), "run.db", &copy, &error) == ES_OK, "%s", error.text);
    ck_assert(copy->model == model && copy->points == card->points && copy->step == card->step && copy->cycle == card->cycle && copy->slope == card->slope);
    if (card->points) {
        ck_assert_mem_eq(copy->pulse, card->pulse, card->points * sizeof(double));
        ck_assert_mem_eq(copy->up, card->up, card->points * sizeof(double));
        ck_assert_mem_eq(copy->down, card->down, card->points * sizeof(double));
    }
    es_card_free(copy);
    es_card_free(card);
}
END_TEST

// Cards that are refused. A good one, line by line; each case changes one line.
static const char *const good[] = {
    "<device name='a'>",
    "<update model='linear' step='0.01' up-down='0.1' min='-1' max='1' gamma-up='0.1' gamma-down='0.1' source='s'/>",
    "<spread step='0.1' min='0.1' max='0.1' gamma='0.1' source='s'/>",
    "<noise cycle='0.1' write='1' form='additive' source='s'/>",
    "<stuck fraction='0.1' range='0.1' source='s'/>",
    "<leak lifetime='100' spread='0.1' source='s'/>",
    "<conductance max='25 uS' source='s'/>",
    "<programming c0='1 uS' c1='1 uS' source='s'/>",
    "<drift time='20 s' mean-slope='0' mean-offset='0.1' mean-min='0' mean-max='1' spread-slope='0' spread-offset='0' spread-min='0' spread-max='1' source='s'/>",
    "<read time='1 us' q='0.01' exponent='0.5' floor='1e-3' most='0.2' source='s'/>",
    "<energy pulse='1 pJ' source='s'/>",
    "</device>",
};

enum { LINES = sizeof good / sizeof *good };

static const struct {
    int line; // from 1
    const char *text, *says; // of this line, or as "card.xml:LINE: ..." of another
} bad[] = {
    {1, "<device>", "name"},
    {1, "<device name='a b'>", "letters"},
    {1, "<device name='a' colour='red'>", "cannot stand here"},
    {2, "", "card.xml:1: <device> \"a\": <update> is missing"},
    {2, "<update model='linear' step='0.01' min='-1' max='1' gamma-up='0.1' gamma-down='0.1'/>", "source"},
    {2, "<update model='linear' step='0.01' min='-1' max='1' gamma-up='0.1' gamma-down='0.1' source='  '/>", "come from"},
    {2, "<update model='linear' step='0.01' min='1' max='-1' gamma-up='0.1' gamma-down='0.1' source='s'/>", "more than min"},
    {2, "<update model='linear' step='0.01' min='1' max='1' gamma-up='0.1' gamma-down='0.1' source='s'/>", "more than min"},
    {2, "<update model='linear' step='0.01' min='0' max='1' gamma-up='0.1' gamma-down='0.1' source='s'/>", "min < 0 < max"},
    {2, "<update model='linear' step='-0.01' min='-1' max='1' gamma-up='0.1' gamma-down='0.1' source='s'/>", "value > 0"},
    {2, "<update model='linear' step='0' min='-1' max='1' gamma-up='0.1' gamma-down='0.1' source='s'/>", "value > 0"},
    {2, "<update model='linear' step='nan' min='-1' max='1' gamma-up='0.1' gamma-down='0.1' source='s'/>", "number"},
    {2, "<update model='linear' step='1e400' min='-1' max='1' gamma-up='0.1' gamma-down='0.1' source='s'/>", "1e400"},
    {2, "<update model='linear' step='5' min='-1' max='1' gamma-up='0.1' gamma-down='0.1' source='s'/>", "the window"},
    {2, "<update model='linear' step='0.01' min='-1' max='1' gamma-up='0.1' source='s'/>", "gamma-down"},
    {2, "<update model='linear' step='0.01' min='-1' max='1' gamma-up='-0.1' gamma-down='0.1' source='s'/>", "from 0 to 1"},
    {2, "<update model='linear' step='0.01' min='-1' max='1' gamma-up='0.1' gamma-down='1.1' source='s'/>", "from 0 to 1"},
    {2, "<update model='constant' step='0.01' min='1' max='2' source='s'/>", "min = \"1\": expected min <= 0 <= max"},
    {2, "<update model='constant' step='0.01' min='-2' max='-1' source='s'/>", "max = \"-1\": expected min <= 0 <= max"},
    {2, "<update model='exponential' step='0.1' min='-1' max='1' a='1' b='1' gamma-up='1e5' gamma-down='1' A-up='-5' A-down='0' source='s'/>", "changes w by inf"},
    {2, "<update model='table' min='-1' max='1' source='s'><point pulse='0' up='0' down='1'/></update>", "at least two rows"},
    {2, "<update model='table' min='-1' max='1' source='s'><point pulse='0' up='1' down='5'/><point pulse='1' up='2' down='4'/></update>", "share no values"},
    {2, "<update model='cubic' step='0.01' min='-1' max='1' source='s'/>", "linear"},
    {2, "<update model='linear' step='0.01' up-down='2' min='-1' max='1' gamma-up='0.1' gamma-down='0.1' source='s'/>", "from -1 to 1"},
    {2, "<update model='linear' step='0.01' min='-1' max='1' gamma-up='0.1' gamma-down='0.1' bits='3' source='s'/>", "cannot stand here"},
    {2, "<update model='linear' step='1 uS' min='-1' max='1' gamma-up='0.1' gamma-down='0.1' source='s'/>", "plain number"},
    {2, "<update model='quantised' bits='0' min='-1' max='1' source='s'/>", "bits"},
    {2, "<update model='quantised' bits='2.5' min='-1' max='1' source='s'/>", "bits"},
    {2, "<update model='quantised' bits='60' min='-1' max='1' source='s'/>", "bits"},
    {2, "<update model='soft-bounds' step='0.1' min='0.5' max='1' source='s'/>", "min < 0 < max"},
    {2, "<update model='constant' step='0.1' min='-1' max='1' direction='down' source='s'/>", "direction"},
    {2, "<update model='exponential' step='0.1' min='-1' max='1' a='0' b='0' gamma-up='1' gamma-down='1' A-up='5' A-down='5' source='s'/>", "changes w by 0"},
    {2, "<update model='constant' step='0.1' min='-1' max='1' source='s'/><update model='ideal' min='-1' max='1' source='s'/>", "already"},
    {2, "<update model='constant' step='0.1' min='-1' max='1' source='s'/>", "card.xml:3: <spread>: gamma = \"0.1\": only the model linear has slopes"},
    {2, "<update model='ideal' min='-1' max='1' source='s'/>", "card.xml:3: <spread>: the model ideal takes any value without pulses"},
    {2, "<update model='quantised' bits='3' min='-1' max='1' source='s'/>", "card.xml:3: <spread>: the model quantised goes from level to level"},
    {3, "<spread step='-0.1' source='s'/>", "from 0 to 10"},
    {3, "<spread step='1000' distribution='log-normal' source='s'/>", "from 0 to 10"},
    {3, "<spread step='0.1'/>", "source"},
    {3, "<spread sigma='0.1' source='s'/>", "cannot stand here"},
    {3, "<spread step='0.1' distribution='cauchy' source='s'/>", "log-normal"},
    {4, "<noise cycle='-1' source='s'/>", ">= 0"},
    {4, "<noise form='loud' source='s'/>", "additive"},
    {4, "<noise cycle='inf' source='s'/>", "number"},
    {4, "<noise constant='-1' source='s'/>", ">= 0"},
    {4, "<noise slope='-1' source='s'/>", ">= 0"},
    {5, "<stuck fraction='1.5' source='s'/>", "from 0 to 1"},
    {5, "<stuck source='s'/>", "fraction"},
    {6, "<leak lifetime='0.5' source='s'/>", ">= 1"},
    {6, "<leak lifetime='100' spread='-1' source='s'/>", "from 0 to 10"},
    {7, "<conductance max='0' source='s'/>", "value > 0"},
    {7, "<conductance max='25 uF' source='s'/>", "siemens"},
    {7, "", "card.xml:8: <programming>: <conductance> is missing"},
    {8, "<programming c0='-1 uS' source='s'/>", ">= 0"},
    {9, "<drift time='20 s' mean-slope='0' mean-offset='0' mean-min='1' mean-max='0' spread-slope='0' spread-offset='0' spread-min='0' spread-max='1' source='s'/>", "at least mean-min"},
    {9, "<drift time='0' mean-slope='0' mean-offset='0' mean-min='0' mean-max='0' spread-slope='0' spread-offset='0' spread-min='0' spread-max='1' source='s'/>", "value > 0"},
    {9, "<drift time='20 s' source='s'/>", "mean-slope"},
    {10, "<read time='1 us' q='0.01' exponent='0.5' floor='0' most='0.2' source='s'/>", "value > 0"},
    {11, "<energy pulse='-1 pJ' source='s'/>", ">= 0"},
    {11, "<energy pulse='1 pJ'/>", "source"},
    {11, "<colour pulse='1 pJ' source='s'/>", "cannot stand in"},
    {11, "lost words", "card.xml:1: <device> \"a\": the text \" lost words \" cannot stand in it"},
    {12, "</devise>", "not well-formed"},
};

enum { BAD = sizeof bad / sizeof *bad };

static enum es_status parse_lines(int line, const char *text, struct es_error *error) {
    char whole[4096] = "";
    struct es_card *card;
    for (int i = 0; i < LINES; i++) {
        strcat(whole, i + 1 == line ? text : good[i]);
        strcat(whole, "\n");
    }
    enum es_status status = es_card_parse(whole, strlen(whole), "card.xml", &card, error);
    es_card_free(card);
    return status;
}

START_TEST(bad_cards_are_refused) {
    struct es_error error = {""};
    ck_assert_msg(parse_lines(0, "", &error) == ES_OK, "%s", error.text);
    for (size_t i = 0; i < BAD; i++) {
        char place[32];
        error.text[0] = '\0';
        ck_assert_msg(parse_lines(bad[i].line, bad[i].text, &error) == ES_BAD_INPUT, "accepted: %s", bad[i].text);
        snprintf(place, sizeof place, "card.xml:%d: ", bad[i].line);
        if (strncmp(bad[i].says, "card.xml:", 9) != 0)
            ck_assert_msg(strncmp(error.text, place, strlen(place)) == 0, "%s: %s", bad[i].text, error.text);
        ck_assert_msg(strstr(error.text, bad[i].says) != NULL, "%s: %s", bad[i].text, error.text);
    }
}
END_TEST

// A card with its table in a file beside it: NULL for no such file.
static enum es_status read_table(const char *directory, const char *file, const char *rows, struct es_error *error) {
    char path[128], beside[128];
    snprintf(path, sizeof path, "%s/card.xml", directory);
    snprintf(beside, sizeof beside, "%s/table.csv", directory);
    FILE *card_file = fopen(path, "w"), *table = rows ? fopen(beside, "w") : NULL;
    fprintf(card_file, "<device name='a'>\n<update model='table' file='%s' min='-1' max='1' source='s'/></device>\n", file);
    fclose(card_file);
    if (table) {
        fputs(rows, table);
        fclose(table);
    }
    struct es_card *card;
    enum es_status status = es_card_read(path, &card, error);
    es_card_free(card);
    unlink(path);
    unlink(beside);
    return status;
}

START_TEST(bad_tables_are_refused) {
    static const struct {
        const char *file, *rows, *says;
    } tables[] = {
        {"table.csv", "0,1,5\n1,2,4\n2,2,3\n", "table.csv:3: column \"up\": expected more than in the row before"},
        {"table.csv", "0,1,5\n1,2,4\n2,3,4.5\n", "table.csv:3: column \"down\": expected less"},
        {"table.csv", "0,1,5\n1,2,4\n1,3,3\n", "table.csv:3: column \"pulse\""},
        {"table.csv", "1,1,5\n2,2,4\n", "expected 0 in the first row"},
        {"table.csv", "0,1,5\n", "at least two rows"},
        {"table.csv", "", "at least two rows"},
        {"table.csv", "0,1,5\n1,2\n", "table.csv:2: 2 columns; expected 3"},
        {"table.csv", "0,1,5\n1,nan,4\n", "line 2"},
        {"table.csv", "0,1,5\n1,x,4\n", "line 2"},
        {"table.csv", "0,1,5\n1,1e200,4\n", "line 2"},
        {"missing.csv", NULL, "card.xml:2: <update>: file = \"missing.csv\""},
        {"../table.csv", "0,1,5\n1,2,4\n", "must stand below"},
        {"a/../../table.csv", "0,1,5\n1,2,4\n", "must stand below"},
        {"/etc/passwd", NULL, "must stand below"},
        {".", NULL, "not a regular file"},
    };
    char directory[] = "/tmp/es_test_XXXXXX";
    struct es_error error = {""};
    ck_assert_ptr_nonnull(mkdtemp(directory));
    ck_assert_msg(read_table(directory, "table.csv", "# comment\npulse,up,down\n0,1,5\n3,2,4\n9,6,0\n", &error) == ES_OK, "%s", error.text);
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
        error.text[0] = '\0';
        ck_assert_msg(read_table(directory, tables[i].file, tables[i].rows, &error) == ES_BAD_INPUT, "accepted: %s", tables[i].rows);
        ck_assert_msg(strstr(error.text, tables[i].says) != NULL, "%s: %s", tables[i].says, error.text);
    }
    static char rows[5 << 20]; // a table of too many rows, a card of too many bytes
    for (size_t i = 0, used = 0; i < 10500; i++)
        used += (size_t)snprintf(rows + used, sizeof rows - used, "%zu,%zu,-%zu\n", i, i, i);
    ck_assert_int_eq(read_table(directory, "table.csv", rows, &error), ES_BAD_INPUT);
    ck_assert_ptr_nonnull(strstr(error.text, "table.csv:10001"));
    memset(rows, ' ', sizeof rows);
    struct es_card *card;
    ck_assert_int_eq(es_card_parse(rows, sizeof rows, "card.xml", &card, &error), ES_BAD_INPUT);
    ck_assert_ptr_nonnull(strstr(error.text, "larger than"));
    const char *stored = "<device name='a'><update model='table' file='t.csv' min='0' max='1' source='s'/></device>";
    ck_assert_int_eq(es_card_parse(stored, strlen(stored), "run.db", &card, &error), ES_BAD_INPUT);
    ck_assert_ptr_nonnull(strstr(error.text, "hold its table"));
    rmdir(directory);
}
END_TEST

Suite *test_suite(void) {
    Suite *suite = suite_create("device");
    TCase *t = tcase_create("devices");
    tcase_set_timeout(t, 120);
    suite_add_tcase(suite, t);
    tcase_add_loop_test(t, curves_follow_the_step_equations, 0, PUBLISHED);
    tcase_add_test(t, quantised_levels);
    tcase_add_test(t, a_table_is_retraced);
    tcase_add_loop_test(t, devices_spread_as_published, 0, PUBLISHED);
    tcase_add_loop_test(t, slopes_spread_about_their_means, 0, 3);
    tcase_add_loop_test(t, pulses_vary_from_cycle_to_cycle, 0, PUBLISHED);
    tcase_add_loop_test(t, many_devices_follow_the_step_equations, 0, PUBLISHED);
    tcase_add_test(t, draws_are_keyed);
    tcase_add_test(t, a_tenth_of_the_hfo2_devices_is_stuck);
    tcase_add_loop_test(t, phase_change_memory_drifts, 0, 3);
    tcase_add_test(t, programming_has_its_noise);
    tcase_add_test(t, held_values_drift);
    tcase_add_loop_test(t, write_noise_is_read_and_not_held, 0, PUBLISHED);
    tcase_add_test(t, changes_become_pulses);
    tcase_add_test(t, many_pulses_take_many_updates);
    tcase_add_test(t, levels_are_gone_over_at_once);
    tcase_add_test(t, pulses_are_reckoned_in_the_middle);
    tcase_add_test(t, values_come_off_their_bounds);
    tcase_add_test(t, inductances_are_held_inverse);
    tcase_add_test(t, a_pair_is_two_devices);
    tcase_add_test(t, a_pair_is_symmetric);
    tcase_add_test(t, a_change_has_its_direction);
    tcase_add_test(t, refreshing_empties_a_pair);
    tcase_add_test(t, single_devices_are_not_refreshed);
    tcase_add_test(t, capacitors_leak);
    tcase_add_loop_test(t, every_card_trains, 0, CARDS);
    tcase_add_loop_test(t, resumes_to_the_same_bits, 0, 3);
    tcase_add_loop_test(t, a_card_travels_as_text, 0, CARDS);
    tcase_add_test(t, bad_cards_are_refused);
    tcase_add_test(t, bad_tables_are_refused);
    return suite;
}
