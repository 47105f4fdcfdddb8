// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
#include "data/audio.h"
#include "core/random.h"

#include <math.h>
#include <samplerate.h>

enum { SPEEDS = 9 };

static const double lowest_rate = 1000, highest_rate = 1e6; // [Hz]

static enum es_status check_numbers(const struct es_task *task, struct es_error *error) {
    if (!(task->rate >= lowest_rate && task->rate <= highest_rate))
        return es_fail(error, ES_BAD_INPUT, "task, line %d: rate is %g Hz; expected %g to %g Hz, such as 10 kHz", task->line,
                       task->rate, lowest_rate, highest_rate);
    if (!(task->pre_emphasis >= 0 && task->pre_emphasis <= 1))
        return es_fail(error, ES_BAD_INPUT, "task, line %d: pre-emphasis is %g; expected 0 (none) to 1", task->line,
                       task->pre_emphasis);
    if (!(task->speed >= 0 && task->speed <= 0.5))
        return es_fail(error, ES_BAD_INPUT, "task, line %d: speed is %g; expected 0 (none) to 0.5", task->line, task->speed);
    if (!(task->amplitude >= 0 && task->amplitude < HUGE_VAL))
        return es_fail(error, ES_BAD_INPUT, "task, line %d: amplitude is %g V; expected the rms of a window, or 0 to leave it",
                       task->line, task->amplitude);
    return ES_OK;
}

enum es_status es_audio_check(const struct es_task *task, const char *kind, const struct es_roles *roles, struct es_error *error) {
    size_t signals = es_roles_signals(roles);
    if (signals != 1)
        return es_fail(error, ES_BAD_INPUT,
                       "task, line %d: the network has %zu input channels but the bias; expected 1, as %s gives sound", task->line,
                       signals, kind);
    if (roles->classes < 1)
        return es_fail(error, ES_BAD_INPUT,
                       "task, line %d: the network names no class; %s gives labels, so name what the "
                       "outputs tell apart",
                       task->line, kind);
    if (task->points < 2 || es_audio_span(task) > ES_AUDIO_FRAMES)
        return es_fail(error, ES_BAD_INPUT, "task, line %d: %zu points in a span of %zu; expected 2 to %d samples", task->line,
                       task->points, task->span, ES_AUDIO_FRAMES);
    return check_numbers(task, error);
}

size_t es_audio_span(const struct es_task *task) {
    return task->span > task->points ? task->span : task->points;
}

static enum es_status check_rates(const struct es_recording *r, double rate, struct es_error *error) {
    double frames = (double)r->frames * rate / r->rate;
    if (!src_is_valid_ratio(rate / r->rate) || frames > ES_AUDIO_FRAMES)
        return es_fail(error, ES_BAD_INPUT,
                       "%s: %zu frames at %g Hz make %.0f at the task's %g Hz; expected at most %d, and rates within a factor "
                       "of 256: cut the recording or change the rate",
                       r->name, r->frames, r->rate, frames, rate, ES_AUDIO_FRAMES);
    return ES_OK;
}

static enum es_status resample(struct es_recording *r, double rate, struct es_error *error) {
    if (r->rate == rate)
        return ES_OK;
    enum es_status status = check_rates(r, rate, error);
    if (status)
        return status;
    size_t room = (size_t)ceil((double)r->frames * rate / r->rate) + 1;
    float *in = ES_NEW(r->scratch, r->frames, float), *out = ES_NEW(r->scratch, room, float);
    for (size_t n = 0; n < r->frames; n++)
        in[n] = (float)r->wave[n];
    SRC_DATA data = {.data_in = in,
                     .data_out = out,
                     .input_frames = (long)r->frames,
                     .output_frames = (long)room,
                     .src_ratio = rate / r->rate};
    int code = src_simple(&data, SRC_SINC_BEST_QUALITY, 1);
    if (code)
        return es_fail(error, ES_FAILED, "%s: resampling from %g Hz to %g Hz failed: %s", r->name, r->rate, rate,
                       src_strerror(code));
    r->frames = (size_t)data.output_frames_gen;
    r->wave = ES_NEW(r->scratch, r->frames, double);
    r->rate = rate;
    for (size_t n = 0; n < r->frames; n++)
        r->wave[n] = (double)out[n];
    return ES_OK;
}

static bool silent(const double *wave, size_t length) {
    size_t n = 0;
    while (n < length && wave[n] == 0)
        n++;
    return n == length;
}

// The recording played at `speed` times its own, as a wave at task->rate.
static enum es_status keep_wave(const struct es_task *task, const struct es_recording *recording, double speed, struct es_arena *arena,
                                struct es_wave *wave, struct es_error *error) {
    struct es_recording r = *recording;
    r.rate *= speed;
    enum es_status status = resample(&r, task->rate, error);
    if (status)
        return status;
    if (r.frames < task->points)
        return es_fail(error, ES_BAD_INPUT,
                       "%s: the recording has %zu samples at %g Hz; expected at least the task's %zu points: leave the file out "
                       "or ask for fewer points",
                       r.name, r.frames, task->rate, task->points);
    size_t span = es_audio_span(task), length = r.frames < span ? r.frames : span, first = (r.frames - length) / 2;
    double *value = ES_NEW(arena, length, double);
    for (size_t n = 0; n < length; n++) // y[n] = x[n] - a x[n-1], x[-1] = 0
        value[n] = r.wave[first + n] - (first + n ? task->pre_emphasis * r.wave[first + n - 1] : 0);
    *wave = (struct es_wave){value, length};
    if (silent(value, length))
        return es_fail(error, ES_BAD_INPUT, "%s: the centre %zu samples are silent (all 0); expected sound there: leave the file out",
                       r.name, length);
    return ES_OK;
}

enum es_status es_audio_keep(const struct es_task *task, const struct es_recording *recording, struct es_arena *arena,
                             struct es_sample *sample, struct es_error *error) {
    enum es_status status = keep_wave(task, recording, 1, arena, &sample->wave, error);
    sample->variants = task->speed > 0 ? SPEEDS : 0;
    struct es_wave *variant = ES_NEW(arena, sample->variants, struct es_wave);
    for (size_t i = 0; i < sample->variants && !status; i++)
        status = keep_wave(task, recording, 1 + task->speed * (2. * (double)i / (SPEEDS - 1) - 1), arena, &variant[i], error);
    sample->variant = variant;
    return status;
}

void es_audio_windows(const struct es_task *task, struct es_dataset *set) {
    set->amplitude = task->amplitude;
    if (!task->frame)
        return;
    double *envelope = ES_NEW(set->arena, task->points, double);
    for (size_t n = 0; n < task->points; n++) {
        struct es_stream stream = {.seed = task->seed, .purpose = ES_RANDOM_FRAME, .id = n / task->frame};
        double sign = es_random_below(&stream, 2) ? 1 : -1;
        envelope[n] = sign * sin(M_PI * ((double)(n % task->frame) + 0.5) / (double)task->frame);
    }
    set->envelope = envelope;
}
