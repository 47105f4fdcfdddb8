// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
#include "data/dataset.h"
#include "core/random.h"
#include "data/make.h"

#include <math.h>
#include <string.h>

const struct es_row *const es_data_kinds[] = {&es_formants.row, &es_wav_folder.row, &es_sines.row, NULL};

struct es_dataset es_dataset_make(const struct es_task *task, size_t channels, size_t outputs, size_t classes,
                                  const char *const *class) {
    struct es_dataset set = {
        .arena = es_arena_new(), .channels = channels, .outputs = outputs, .points = task->points, .classes = classes};
    set.class = ES_NEW(set.arena, classes, const char *);
    for (size_t i = 0; i < classes; i++)
        set.class[i] = es_arena_string(set.arena, class[i]);
    return set;
}

enum es_status es_dataset_fits(const struct es_task *task, size_t samples, double values_per_sample, struct es_error *error) {
    if (samples > ES_DATA_SAMPLES)
        return es_fail(error, ES_BAD_INPUT, "task, line %d: %zu samples; expected at most %d: ask for fewer", task->line, samples,
                       ES_DATA_SAMPLES);
    if ((double)samples * values_per_sample > ES_DATA_VALUES)
        return es_fail(error, ES_BAD_INPUT,
                       "task, line %d: %zu samples of %g values each take %.0f MiB; expected at most %d MiB: ask for fewer "
                       "samples or fewer points",
                       task->line, samples, values_per_sample, (double)samples * values_per_sample * 8 / (1 << 20),
                       ES_DATA_VALUES / (1 << 17));
    return ES_OK;
}

void es_dataset_free(struct es_dataset *set) {
    if (!set)
        return;
    es_arena_free(set->arena);
    *set = (struct es_dataset){0};
}

static void scale_to_rms(double *wave, size_t points, double rms) {
    double sum = 0;
    for (size_t n = 0; n < points; n++)
        sum += wave[n] * wave[n];
    double gain = sum > 0 ? rms / sqrt(sum / (double)points) : 0;
    for (size_t n = 0; n < points; n++)
        wave[n] *= gain;
}

void es_dataset_window(const struct es_dataset *set, size_t sample, bool draw, uint64_t seed, uint64_t epoch, double *input) {
    const struct es_sample *s = &set->sample[sample];
    struct es_stream stream = {.seed = seed, .purpose = ES_RANDOM_WINDOW, .sample = sample, .update = epoch};
    const struct es_wave *wave = draw && s->variants ? &s->variant[es_random_below(&stream, s->variants)] : &s->wave;
    size_t slack = wave->length - set->points;
    size_t offset = draw ? (size_t)es_random_below(&stream, slack + 1) : slack / 2;
    for (size_t c = 0; c < set->channels; c++) {
        double *window = input + c * set->points;
        memcpy(window, wave->value + c * wave->length + offset, set->points * sizeof *window);
        if (set->amplitude > 0)
            scale_to_rms(window, set->points, set->amplitude);
        for (size_t n = 0; set->envelope && n < set->points; n++)
            window[n] *= set->envelope[n];
    }
}
