// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// Vowels from a source and a filter: a pulse train of glottal flow (Rosenberg 1971, form C) with jitter, shimmer and breath
// drives a cascade of resonators
//     y[n] = A x[n] + B y[n-1] + C y[n-2],   C = -exp(-2 M_PI b T), B = 2 exp(-M_PI b T) cos(2 M_PI f T), A = 1 - B - C
// (Klatt 1980) at the formants f with bandwidths b. Formants and pitch of men and women: Hillenbrand et al. 1995. What comes
// out is treated as a recording is.
#include "core/random.h"
#include "data/audio.h"
#include "data/make.h"

#include <math.h>
#include <string.h>

enum { TABULATED = 3, FORMANTS = 8, BLOCK = 32, NAMES = 64 };
enum part { HELD_OUT, TRAINING, PARTS }; // the fold, and the id of the speaker's streams

static const double voice_rate = 32000; // [Hz]
static const double steady = -0.2;      // place of the tabulated formants in a vowel that reaches from -0.5 to 0.5
static const double margin = 0.05;      // before and after what is kept, for the filters to settle [s]

struct vowel {
    const char *name;
    double formant[2][TABULATED]; // [man, woman][F1, F2, F3] where the vowel is steady [Hz]
    double glide[TABULATED];      // relative change from start to end, as in the recordings of the same study
};

static const struct vowel vowels[] = {
    {"ae", {{588, 1952, 2601}, {669, 2349, 2972}}, {0.10, -0.15, 0}},
    {"ei", {{476, 2089, 2691}, {536, 2530, 3047}}, {-0.25, 0.12, 0.05}},
    {"iy", {{342, 2322, 3000}, {437, 2761, 3372}}, {0, 0, 0}},
    {"ah", {{768, 1333, 2522}, {936, 1551, 2815}}, {0, 0, 0}},
    {"uw", {{378, 997, 2343}, {459, 1105, 2735}}, {0, 0, 0}},
};

enum { VOWELS = sizeof vowels / sizeof *vowels };

static const double pitch_of[2] = {131, 220};    // [Hz]
static const double fourth_of[2] = {3640, 4320}; // F4 [Hz]; the higher ones follow in equal steps
static const double step_of[2] = {1000, 1150};   // [Hz]

// Standard deviations of the logarithm, and their limit in standard deviations.
static const double pitch_spread = 0.12, tract_spread = 0.05, formant_spread = 0.05, length_spread = 0.15, limit = 2.5;
static const double jitter = 0.01, shimmer = 0.04; // from period to period
static const double breath = 0.002;                // of the flow's peak

struct utterance {
    struct es_stream stream;
    double frequency[FORMANTS]; // where the vowel is steady [Hz]
    double glide[FORMANTS];
    double bandwidth; // relative
    double pitch;     // [Hz]
    double open;      // part of a period in which the glottis opens and closes
    double length;    // of the vowel [s]
    size_t frames;
};

static double spread(struct es_stream *stream, double deviation) {
    return exp(deviation * fmin(fmax(es_random_normal(stream), -limit), limit));
}

static void choose_formants(struct utterance *u, const struct vowel *vowel, bool woman, double tract) {
    for (size_t f = 0; f < FORMANTS; f++) {
        bool known = f < TABULATED;
        double centre = known ? vowel->formant[woman][f] : fourth_of[woman] + step_of[woman] * (double)(f - TABULATED);
        u->frequency[f] = centre * tract * (known ? spread(&u->stream, formant_spread) : 1);
        u->glide[f] = known ? vowel->glide[f] : 0;
    }
}

// What belongs to the speaker is drawn from a stream without vowel, so that it is the same in all their vowels.
static struct utterance choose(uint64_t seed, enum part part, size_t speaker, size_t vowel, size_t frames) {
    struct es_stream stream = {.seed = seed, .purpose = ES_RANDOM_SPEAKER, .id = part, .sample = speaker};
    bool woman = speaker % 2;
    double tract = spread(&stream, tract_spread);
    struct utterance u = {.stream = stream, .frames = frames};
    u.pitch = pitch_of[woman] * spread(&stream, pitch_spread);
    u.open = 0.3 + 0.1 * es_random_uniform(&stream); // with it the fundamental is as weak as in the recordings
    u.bandwidth = 0.9 + 0.4 * es_random_uniform(&stream);
    u.length = 0.28 * spread(&stream, length_spread);
    u.stream.update = 1 + vowel;
    u.stream.step = 0;
    choose_formants(&u, &vowels[vowel], woman, tract);
    return u;
}

// Flow at phase `t` of a period, which opens for 2/3 of the open part and closes for 1/3.
static double glottal_flow(double t, double open) {
    double rise = open * 2 / 3, fall = open / 3;
    if (t < rise)
        return 0.5 * (1 - cos(M_PI * t / rise));
    return t < open ? cos(0.5 * M_PI * (t - rise) / fall) : 0;
}

static void voice(struct utterance *u, double *flow) {
    double start = -voice_rate / u->pitch * es_random_uniform(&u->stream);
    while (start < (double)u->frames) {
        double progress = start / (double)u->frames;
        double period = voice_rate / (u->pitch * (1.05 - 0.1 * progress)) * spread(&u->stream, jitter);
        double peak = spread(&u->stream, shimmer);
        for (double n = fmax(ceil(start), 0); n < fmin(start + period, (double)u->frames); n++)
            flow[(size_t)n] = peak * glottal_flow((n - start) / period, u->open);
        start += period;
    }
}

// The lips radiate the flow's difference; breath follows the opening.
static void radiate(struct utterance *u, double *wave) {
    for (size_t n = 0; n + 1 < u->frames; n++) {
        double noise = 2 * es_random_uniform(&u->stream) - 1;
        wave[n] = wave[n + 1] - wave[n] + breath * noise * (0.3 + wave[n]);
    }
    wave[u->frames - 1] = 0;
}

static double bandwidth(double frequency) { // [Hz]
    return 60 + frequency * frequency / 7e4;
}

static double formant_at(const struct utterance *u, size_t formant, size_t n) {
    double t = ((double)n - 0.5 * (double)u->frames) / voice_rate;
    double place = fmin(fmax(t / u->length, -0.5), 0.5);
    return u->frequency[formant] * (1 + u->glide[formant] * (place - steady));
}

static void resonate(const struct utterance *u, size_t formant, double *wave) {
    double a = 0, b = 0, c = 0, y1 = 0, y2 = 0;
    for (size_t n = 0; n < u->frames; n++) {
        if (n % BLOCK == 0) {
            double f = formant_at(u, formant, n), width = u->bandwidth * bandwidth(f);
            c = -exp(-2 * M_PI * width / voice_rate);
            b = 2 * exp(-M_PI * width / voice_rate) * cos(2 * M_PI * f / voice_rate);
            a = 1 - b - c;
        }
        double y = a * wave[n] + b * y1 + c * y2;
        y2 = y1;
        wave[n] = y1 = y;
    }
}

static enum es_status say(const struct es_task *task, struct utterance *u, struct es_dataset *set, struct es_sample *sample,
                          struct es_error *error) {
    struct es_arena *scratch = es_arena_new();
    struct es_recording recording = {.name = sample->name, .rate = voice_rate, .frames = u->frames, .scratch = scratch};
    recording.wave = ES_NEW(scratch, u->frames, double);
    voice(u, recording.wave);
    radiate(u, recording.wave);
    for (size_t f = 0; f < FORMANTS; f++)
        resonate(u, f, recording.wave);
    enum es_status status = es_audio_keep(task, &recording, set->arena, sample, error);
    es_arena_free(scratch);
    return status;
}

static size_t find_vowel(const char *name) {
    size_t v = 0;
    while (v < VOWELS && strcmp(vowels[v].name, name) != 0)
        v++;
    return v;
}

static enum es_status check_classes(const struct es_task *task, size_t classes, const char *const *class,
                                    struct es_error *error) {
    char known[NAMES] = "";
    for (size_t v = 0; v < VOWELS; v++) {
        strcat(known, v == 0 ? "" : ", ");
        strcat(known, vowels[v].name);
    }
    for (size_t i = 0; i < classes; i++)
        if (find_vowel(class[i]) == VOWELS)
            return es_fail(error, ES_BAD_INPUT,
                           "task, line %d: class \"%.100s\" is no vowel that formants can make; expected "
                           "some of %s",
                           task->line, class[i], known);
    return ES_OK;
}

static size_t voice_frames(const struct es_task *task) {
    double seconds = (double)es_audio_span(task) / task->rate * (1 + task->speed) + 2 * margin;
    return (size_t)fmin(ceil(seconds * voice_rate), ES_AUDIO_FRAMES + 1.0);
}

static enum es_status check_sizes(const struct es_task *task, size_t classes, struct es_error *error) {
    if (task->speakers < 1 || task->test_speakers < 1 || task->speakers > ES_DATA_SAMPLES ||
        task->test_speakers > ES_DATA_SAMPLES)
        return es_fail(error, ES_BAD_INPUT, "task, line %d: %zu speakers to learn from and %zu to test; expected 1 to %d of each",
                       task->line, task->speakers, task->test_speakers, ES_DATA_SAMPLES);
    if (voice_frames(task) > ES_AUDIO_FRAMES)
        return es_fail(error, ES_BAD_INPUT,
                       "task, line %d: %zu samples at %g Hz last %g s; expected at most %.0f s: ask for "
                       "fewer points",
                       task->line, es_audio_span(task), task->rate, (double)es_audio_span(task) / task->rate,
                       ES_AUDIO_FRAMES / voice_rate - 2 * margin);
    return es_dataset_fits(task, (task->speakers + task->test_speakers) * classes, (double)es_audio_span(task), error);
}

static enum es_status add_speaker(const struct es_task *task, enum part part, size_t speaker, struct es_dataset *set,
                                  struct es_error *error) {
    for (size_t i = 0; i < set->classes; i++) {
        struct es_sample *sample = &set->sample[set->samples++];
        sample->name = es_arena_printf(set->arena, "%s-%s%zu-%s", part == TRAINING ? "train" : "test", speaker % 2 ? "w" : "m",
                                       speaker, set->class[i]);
        sample->label = (int)i;
        sample->fold = (int)part;
        struct utterance u = choose(task->seed, part, speaker, find_vowel(set->class[i]), voice_frames(task));
        enum es_status status = say(task, &u, set, sample, error);
        if (status)
            return status;
    }
    return ES_OK;
}

static enum es_status load_formants(const struct es_task *task, const char *dir, const struct es_roles *roles,
                                    struct es_dataset *set, struct es_error *error) {
    (void)dir;
    *set = (struct es_dataset){0};
    enum es_status status = es_audio_check(task, es_formants.row.name, roles, error);
    if (!status)
        status = check_classes(task, roles->classes, roles->class, error);
    if (!status)
        status = check_sizes(task, roles->classes, error);
    if (!status)
        status = es_dataset_make(task, roles, set, error);
    if (status)
        return status;
    es_audio_windows(task, set);
    set->folds = PARTS;
    set->sample = es_samples_new(set, (task->speakers + task->test_speakers) * set->classes);
    for (size_t s = 0; s < task->speakers && !status; s++)
        status = add_speaker(task, TRAINING, s, set, error);
    for (size_t s = 0; s < task->test_speakers && !status; s++)
        status = add_speaker(task, HELD_OUT, s, set, error);
    if (status)
        es_dataset_free(set);
    return status;
}

const struct es_data_kind es_formants = {
    .row = {"formants", "synthetic vowels ae, ei, iy, ah, uw of many speakers",
            "Klatt, JASA 67, 1980; Hillenbrand et al., JASA 97, 1995; Rosenberg, JASA 49, 1971"},
    .labels = true,
    .load = load_formants,
};
