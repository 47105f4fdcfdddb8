// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// A conductance after programming and over time, t seconds since then:
//     G = G_asked + sigma_prog(g) xi >= 0,    G(t) = G (t / t_0)^-nu from t_0 on,    read with sigma = G(t) Q sqrt(ln((t + t_r) / (2 t_r)))
// nu is drawn for each device, from a normal distribution whose mean and spread fall with ln g. Letters and form: Nandakumar et al., ICECS 2019.
#include "device/device.h"

#include <math.h>

static const double smallest = 1e-7; // of g in ln g

double es_card_conductance(const struct es_card *card, double w) {
    return (w - card->min) / (card->max - card->min);
}

double es_card_programming(const struct es_card *card, double g) {
    double sigma = 0;
    for (size_t i = ES_PROGRAMMING; i-- > 0;)
        sigma = sigma * g + card->programming[i];
    return card->g_max > 0 ? fmax(sigma, 0) / card->g_max : 0;
}

static double log_law(const struct es_log_law *law, double g) {
    return fmin(fmax(law->slope * log(fmax(g, smallest)) + law->offset, law->min), law->max);
}

double es_card_drift_exponent(const struct es_card *card, double g, double xi) {
    return fabs(log_law(&card->drift_mean, g) + log_law(&card->drift_spread, g) * xi);
}

double es_card_drift(const struct es_card *card, double nu, double t) {
    return card->drift_time > 0 && t > card->drift_time ? pow(t / card->drift_time, -nu) : 1;
}

double es_card_reading(const struct es_card *card, double g, double t) {
    if (!(card->read_time > 0) || t <= card->read_time)
        return 0;
    double q = fmin(card->read / fmax(pow(fmax(g, 0), card->read_exponent), card->read_floor), card->read_most);
    return q * sqrt(log((t + card->read_time) / (2 * card->read_time)));
}

bool es_card_ages(const struct es_card *card) {
    return card->drift_time > 0 || card->read_time > 0;
}

double es_card_left(const struct es_card *card, double g, double t, struct es_stream *noise) {
    double nu = es_card_drift_exponent(card, g, es_random_normal(noise)), left = g * es_card_drift(card, nu, t);
    return left * fmax(1 + es_card_reading(card, g, t) * es_random_normal(noise), 0);
}
