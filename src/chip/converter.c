// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// Converters at the inputs and outputs, and what reads the local integrals. A converter of b bits has 2^b - 1 levels from -full to full scale, a step of
// 2 full / (2^b - 2) apart, one of them 0; that of a reading, which is an integral of squares, 2^b levels between 0 and full scale, none at its ends.
// b need not be whole. Aihwkit's converters are of this kind (devices of IBM's analog hardware acceleration kit, inp_res, out_res).
#include "chip/use.h"

#include <math.h>

static double quantise(double x, double full, double bits) {
    double step = 2 * full / (exp2(bits) - 2);
    return full > 0 ? fmax(fmin(round(x / step) * step, full), -full) : x;
}

// In the middle of its step, so that it is never 0.
static double quantise_reading(double x, double full, double bits) {
    double step = full / exp2(bits);
    return full > 0 ? (fmax(fmin(floor(x / step), exp2(bits) - 1), 0) + 0.5) * step : x;
}

static double largest(size_t count, const double *x) {
    double most = 0;
    for (size_t i = 0; i < count; i++)
        most = fmax(most, fabs(x[i]));
    return most;
}

// ---- inputs ----------------------------------------------------------------------------------------------------------

static enum es_status input_bits(const struct es_using *use, double bits, struct es_batch *batch, struct es_pass *pass, struct es_error *error) {
    (void)error;
    size_t points = batch->grid.points, channels = use->net->channels;
    for (size_t i = 0; i < batch->passes; i++) {
        double *input = ES_NEW(use->arena, channels * points, double);
        for (size_t c = 0; c < channels; c++) {
            const double *x = pass[i].input + c * points;
            double full = largest(points, x);
            for (size_t n = 0; n < points; n++)
                input[c * points + n] = quantise(x[n], full, bits);
        }
        pass[i].input = input;
    }
    return ES_OK;
}

// ---- readings of the free pass ---------------------------------------------------------------------------------------

static bool is_free(const struct es_pass *pass) {
    return pass->run == 0 && !pass->reversal;
}

static void output_noise(const struct es_using *use, double sigma, const struct es_batch *batch, struct es_result *result) {
    for (size_t i = 0; i < batch->passes; i++) {
        double full = largest(batch->accumulators, result[i].integral);
        for (size_t a = 0; a < batch->accumulators && is_free(&batch->pass[i]); a++) {
            struct es_stream stream = es_using_stream(use, ES_RANDOM_READ, a, &batch->pass[i]);
            result[i].integral[a] = fmax(result[i].integral[a] + sigma * full * es_random_normal(&stream), 1e-6 * full);
        }
    }
}

static void output_bits(const struct es_using *use, double bits, const struct es_batch *batch, struct es_result *result) {
    (void)use;
    for (size_t i = 0; i < batch->passes; i++) {
        double full = largest(batch->accumulators, result[i].integral);
        for (size_t a = 0; a < batch->accumulators && is_free(&batch->pass[i]); a++)
            result[i].integral[a] = quantise_reading(result[i].integral[a], full, bits);
    }
}

// ---- local integrals, and the waveforms that a rule keeps ------------------------------------------------------------

// The largest of the integrals of one pass that are of the same two signals.
static double full_scale(const struct es_batch *batch, const struct es_result *result, size_t a) {
    const struct es_accumulator *own = &batch->accumulator[a];
    double full = 0;
    for (size_t i = 0; i < batch->accumulators; i++) {
        const struct es_accumulator *other = &batch->accumulator[i];
        if (other->a.signal == own->a.signal && other->b.signal == own->b.signal)
            full = fmax(full, fabs(result->integral[i]));
    }
    return full;
}

// Each integral x becomes change(x, full scale); likewise, of recorded passes, each voltage in the middle of a step, those of one node having one full scale.
static void change_integrals(const struct es_using *use, double value, double (*change)(double x, double full, double value, struct es_stream *stream),
                             const struct es_batch *batch, struct es_result *result) {
    size_t nodes = use->net->nodes, steps = es_grid_steps(&batch->grid);
    double *full = ES_NEW(use->arena, batch->accumulators + nodes, double);
    for (size_t i = 0; i < batch->passes; i++) {
        for (size_t a = 0; a < batch->accumulators; a++)
            full[a] = full_scale(batch, &result[i], a);
        for (size_t a = 0; a < batch->accumulators && !is_free(&batch->pass[i]); a++) {
            struct es_stream stream = es_using_stream(use, ES_RANDOM_READ, a, &batch->pass[i]);
            result[i].integral[a] = change(result[i].integral[a], full[a], value, &stream);
        }
        for (size_t n = 0; n < nodes && batch->recorded; n++) {
            struct es_stream stream = es_using_stream(use, ES_RANDOM_READ, batch->accumulators + n, &batch->pass[i]);
            double most = 0;
            for (size_t s = 0; s < steps; s++)
                most = fmax(most, fabs(result[i].middle[s * nodes + n]));
            for (size_t s = 0; s < steps; s++)
                result[i].middle[s * nodes + n] = change(result[i].middle[s * nodes + n], most, value, &stream);
        }
    }
}

static double with_noise(double x, double full, double sigma, struct es_stream *stream) {
    return x + sigma * full * es_random_normal(stream);
}

static double with_bits(double x, double full, double bits, struct es_stream *stream) {
    (void)stream;
    return quantise(x, full, bits);
}

static void integral_noise(const struct es_using *use, double sigma, const struct es_batch *batch, struct es_result *result) {
    change_integrals(use, sigma, with_noise, batch, result);
}

static void integral_bits(const struct es_using *use, double bits, const struct es_batch *batch, struct es_result *result) {
    change_integrals(use, bits, with_bits, batch, result);
}

static const char aihwkit[] = "Rasch et al., arXiv 2104.02184";

const struct es_nonideality es_input_bits = {
    .row = {"input-bits", "resolution of the inputs; full scale is the largest size of the channel in the pass", aihwkit},
    .unit = "bit", .ideal = INFINITY, .min = 1.5, .max = 52, .ask = input_bits,
};

const struct es_nonideality es_output_noise = {
    .row = {"output-noise", "standard deviation of what a running cost reads of each output; full scale is the largest of them in the pass, and none falls below 1e-6 of it",
            aihwkit},
    .unit = "", .ideal = 0, .min = 0, .max = 10, .drawn = true, .read = output_noise,
};

const struct es_nonideality es_output_bits = {
    .row = {"output-bits", "resolution of what a running cost reads of each output, from 0 to full scale, the largest of them in the pass", aihwkit},
    .unit = "bit", .ideal = INFINITY, .min = 1, .max = 52, .read = output_bits,
};

const struct es_nonideality es_integral_noise = {
    .row = {"integral-noise", "standard deviation of each local integral of a pass; full scale is the largest of the same signals in the pass; of waveforms that a rule keeps, the node's largest",
            aihwkit},
    .unit = "", .ideal = 0, .min = 0, .max = 10, .drawn = true, .read = integral_noise,
};

const struct es_nonideality es_integral_bits = {
    .row = {"integral-bits", "resolution of each local integral of a pass, before passes are compared; full scale as of integral-noise", aihwkit},
    .unit = "bit", .ideal = INFINITY, .min = 1.5, .max = 52, .read = integral_bits,
};
