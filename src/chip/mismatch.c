// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// Values that came out otherwise than they were drawn: q = q_drawn exp(sigma xi), xi normal, once for every value of a chip. (The logarithm is normal, so that
// no value changes its sign.) What is trained is multiplied likewise, and training may find it out.
//
// By Pelgrom's law (IEEE JSSC 24, 1989) a deviation falls with the area as 1 / sqrt(area). The figures below are of single devices, as they are drawn here; two
// side by side differ by sqrt(2) as much.
#include "chip/make.h"

#include <math.h>

enum family { CAPACITOR = 1, INDUCTOR = 2, TRANSCONDUCTOR = 4, PLATES = 8 };

// Which value of which kind spreads, and with which families.
static const struct spread {
    const struct es_element_kind *kind;
    const char *quantity;
    int families;
} spreads[] = {
    {&es_capacitor, "capacitance", CAPACITOR | PLATES},
    {&es_inductor, "inductance", INDUCTOR}, {&es_duffing, "inductance", INDUCTOR}, {&es_saturating_inductor, "current", INDUCTOR}, {&es_josephson, "current", INDUCTOR},
    {&es_gyrator, "CL", INDUCTOR | PLATES}, {&es_saturating_gyrator, "CL", INDUCTOR | PLATES}, {&es_sensing_gyrator, "CL", INDUCTOR | PLATES},
    {&es_gyrator, "gm1", TRANSCONDUCTOR}, {&es_saturating_gyrator, "gm1", TRANSCONDUCTOR}, {&es_sensing_gyrator, "gm1", TRANSCONDUCTOR},
    {&es_gyrator, "gm2", TRANSCONDUCTOR}, {&es_saturating_gyrator, "gm2", TRANSCONDUCTOR}, {&es_sensing_gyrator, "gm2", TRANSCONDUCTOR},
    {&es_input, "gain", TRANSCONDUCTOR},
};
enum { SPREADS = sizeof spreads / sizeof *spreads };

// Multiplies every value of the family by factor exp(sigma xi). Returns how many there are.
static size_t spread(struct es_making *making, enum family family, enum es_salt salt, double sigma, double factor) {
    struct es_network *net = making->net;
    size_t count = 0;
    for (size_t e = 0; e < making->ideal->elements; e++)
        for (size_t s = 0; s < SPREADS; s++) {
            if (!(spreads[s].families & (int)family) || spreads[s].kind != net->element[e].kind)
                continue;
            size_t q = (size_t)es_quantity_of(spreads[s].kind, spreads[s].quantity);
            es_making_scale(&net->element[e], q, factor * exp(sigma * es_making_draw(making, salt, e, q)));
            count++;
        }
    return count;
}

static enum es_status capacitors(struct es_making *making, double sigma, struct es_error *error) {
    return spread(making, CAPACITOR, ES_SALT_SIGMA, sigma, 1) ? ES_OK : es_making_nothing(making, &es_capacitor_mismatch, "capacitor", error);
}

static enum es_status inductors(struct es_making *making, double sigma, struct es_error *error) {
    return spread(making, INDUCTOR, ES_SALT_SIGMA, sigma, 1) ? ES_OK : es_making_nothing(making, &es_inductor_mismatch, "inductor or gyrator", error);
}

static enum es_status transconductors(struct es_making *making, double sigma, struct es_error *error) {
    return spread(making, TRANSCONDUCTOR, ES_SALT_SIGMA, sigma, 1) ? ES_OK : es_making_nothing(making, &es_transconductor_mismatch, "gyrator or input", error);
}

// SKY130, cap_mim_m3_1.model.spice: 0.01 2.8 / sqrt(W L) in um, a standard deviation.
static enum es_status capacitor_area(struct es_making *making, double area, struct es_error *error) {
    static const double pelgrom = 2.8e-2 * 1e-6; // [m]
    return spread(making, PLATES, ES_SALT_AREA, pelgrom / sqrt(area), 1) ? ES_OK : es_making_nothing(making, &es_capacitor_area, "capacitor", error);
}

// SKY130, nfet_01v8: sigma(Vth) = 3.36 mV um / sqrt(W L) of one device. In weak inversion a transconductor has gm = I / (2 n U_T) of a current that a
// mirror of two devices makes, d ln I = d Vth / (n U_T).
static enum es_status transistor_area(struct es_making *making, double area, struct es_error *error) {
    static const double pelgrom = 3.36e-3 * 1e-6, n = 1.4, thermal = 0.02585; // [V m], slope factor, U_T at 300 K [V]
    double sigma = sqrt(2) * pelgrom / sqrt(area) / (n * thermal);
    return spread(making, TRANSCONDUCTOR, ES_SALT_AREA, sigma, 1) ? ES_OK : es_making_nothing(making, &es_transistor_area, "gyrator or input", error);
}

static enum es_status warm(struct es_making *making, double rise, struct es_error *error) {
    size_t count = spread(making, TRANSCONDUCTOR, ES_SALT_SIGMA, 0, 1 - 0.002 * rise);
    return count ? ES_OK : es_making_nothing(making, &es_temperature_rise, "gyrator or input", error);
}

const struct es_nonideality es_capacitor_mismatch = {
    .row = {"capacitor-mismatch", "relative standard deviation of every capacitance, drawn once for a chip", "Pelgrom et al., IEEE JSSC 24 (1989)"},
    .unit = "", .ideal = 0, .min = 0, .max = 1, .drawn = true, .make = capacitors,
};

const struct es_nonideality es_inductor_mismatch = {
    .row = {"inductor-mismatch", "relative standard deviation of every inductance, critical current and gyrator's CL, drawn once for a chip",
            "Pelgrom et al., IEEE JSSC 24 (1989)"},
    .unit = "", .ideal = 0, .min = 0, .max = 1, .drawn = true, .make = inductors,
};

const struct es_nonideality es_transconductor_mismatch = {
    .row = {"transconductor-mismatch", "relative standard deviation of every gm1, gm2 and input gain, each drawn once for a chip",
            "Pelgrom et al., IEEE JSSC 24 (1989)"},
    .unit = "", .ideal = 0, .min = 0, .max = 1, .drawn = true, .make = transconductors,
};

const struct es_nonideality es_capacitor_area = {
    .row = {"capacitor-area", "plate area of every capacitor and CL, with the relative deviation 2.8 % um / sqrt(area) of a MIM capacitor",
            "SKY130, sky130_fd_pr__cap_mim_m3_1"},
    .unit = "m2", .ideal = INFINITY, .min = 1e-15, .max = 1, .drawn = true, .make = capacitor_area,
};

const struct es_nonideality es_transistor_area = {
    .row = {"transistor-area",
            "gate area of every transconductor's current mirror in weak inversion: 3.36 mV um / sqrt(area) of threshold, twice, over n U_T = 36 mV",
            "SKY130, nfet_01v8; Pelgrom et al., IEEE JSSC 24 (1989)"},
    .unit = "m2", .ideal = INFINITY, .min = 1e-15, .max = 1, .drawn = true, .make = transistor_area,
};

const struct es_nonideality es_temperature_rise = {
    .row = {"temperature-rise", "above the temperature that gm1, gm2 and input gains are given for: they fall by 0.2 % per kelvin",
            "bias currents that do not follow the temperature"},
    .unit = "K", .ideal = 0, .min = -300, .max = 400, .make = warm,
};
