// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// Johnson noise: of a conductance G the current 2 k T G white (two-sided, [A^2 s]), of a resistance R the voltage 2 k T R in series; a leakage GL at a
// gyrator's CL is worth the voltage 2 k T GL / gm1^2 at its input. White noise is a number for each step h, of variance 1 / h; the implicit midpoint
// rule then leaves cov(v) = k T / C as it is (learn/thermal.h), and both engines get the same numbers.
#include "chip/use.h"

#include "chip/make.h"

#include <math.h>

static const double boltzmann = 1.380649e-23; // [J / K]

struct source {
    struct es_injection at;
    size_t loss; // quantity that makes the noise
};

// source [elements]. Negative conductances undo losses, and are taken to be as noisy; the pole of an excess phase, with its gm2 < 0, is none.
static size_t list_sources(const struct es_network *net, struct source *source) {
    size_t count = 0;
    for (size_t e = 0; e < net->elements; e++) {
        const struct es_element *element = &net->element[e];
        if (element->kind == &es_conductance)
            source[count++] = (struct source){{.element = e, .series = false}, 0};
        else if (es_element_decays(element) && (element->kind == &es_inductor || es_making_value(element, 1) > 0))
            source[count++] = (struct source){{.element = e, .series = true}, element->kind->loss};
    }
    return count;
}

// [A^2 s] or [V^2 s] over k T.
static double density(const struct es_model *model, const struct source *source) {
    const double *q = model->q[source->at.element];
    bool leaks = source->at.series && model->net->element[source->at.element].kind != &es_inductor;
    return 2 * fabs(q[source->loss]) / (leaks ? q[0] * q[0] : 1);
}

// injection [injections][steps] of one pass: what it has, then the noise.
static enum es_status draw(const struct es_using *use, double temperature, const struct es_batch *batch, size_t had, size_t sources, const struct source *source,
                           struct es_pass *pass, struct es_error *error) {
    size_t steps = es_grid_steps(&batch->grid);
    double *injection = ES_NEW(use->arena, (had + sources) * steps, double);
    struct es_model model;
    enum es_status status = es_model_new(use->net, pass->theta, use->arena, &model, error);
    for (size_t i = 0; i < had * steps && pass->injection; i++)
        injection[i] = pass->injection[i];
    for (size_t s = 0; s < sources && status == ES_OK; s++) {
        struct es_stream stream = es_using_stream(use, ES_RANDOM_JOHNSON, source[s].at.element, pass);
        double size = sqrt(boltzmann * temperature * density(&model, &source[s]) / es_grid_step(&batch->grid));
        for (size_t n = 0; n < steps; n++)
            injection[(had + s) * steps + n] = size * es_random_normal(&stream);
    }
    pass->injection = injection;
    return status;
}

static enum es_status add_noise(const struct es_using *use, double temperature, struct es_batch *batch, struct es_pass *pass, struct es_error *error) {
    size_t had = batch->injections;
    struct source *source = ES_NEW(use->arena, use->net->elements, struct source);
    size_t sources = list_sources(use->net, source);
    if (!sources)
        return es_fail(error, ES_BAD_INPUT, "--chip noise-temperature: network \"%s\" has no conductance, resistance or leakage that could be noisy; add q-parallel, q-series "
                       "or gain, or leave it out", use->net->name);
    struct es_injection *at = ES_NEW(use->arena, had + sources, struct es_injection);
    for (size_t i = 0; i < had; i++)
        at[i] = batch->injection[i];
    for (size_t s = 0; s < sources; s++)
        at[had + s] = source[s].at;
    enum es_status status = ES_OK;
    for (size_t i = 0; i < batch->passes && status == ES_OK; i++)
        status = draw(use, temperature, batch, had, sources, source, &pass[i], error);
    batch->injections = had + sources;
    batch->injection = at;
    return status;
}

const struct es_nonideality es_noise_temperature = {
    .row = {"noise-temperature", "of the Johnson noise of all conductances, resistances and leakages, those of other nonidealities too",
            "Johnson 1928, Nyquist 1928"},
    .unit = "K", .ideal = 0, .min = 0, .max = 1e12, .drawn = true, .ask = add_noise,
};
