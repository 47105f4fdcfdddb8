// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
#include "data/dataset.h"

#include "core/random.h"
#include "runner.h"

#include <complex.h>
#include <ftw.h>
#include <math.h>
#include <sndfile.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { RATE = 16000, LONG = 8000 };

static const double pi = 3.14159265358979323846;
static const char *const vowel[] = {"ae", "ei", "iy"};
static char directory[256];
static struct es_error error;
static struct es_dataset set;

static int remove_entry(const char *path, const struct stat *about, int type, struct FTW *walk) {
    (void)about, (void)type, (void)walk;
    return remove(path);
}

static void make_directory(void) {
    const char *base = getenv("TMPDIR");
    snprintf(directory, sizeof directory, "%s/echospice-XXXXXX", base ? base : "/tmp");
    ck_assert_ptr_nonnull(mkdtemp(directory));
    error.text[0] = '\0';
    set = (struct es_dataset){0};
}

static void remove_directory(void) {
    es_dataset_free(&set);
    nftw(directory, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

static const char *path_of(const char *name) {
    static char path[4][512];
    static size_t next;
    next = (next + 1) % 4;
    snprintf(path[next], sizeof path[next], "%s/%s", directory, name);
    return path[next];
}

static void write_bytes(const char *name, const void *bytes, size_t size) {
    FILE *file = fopen(path_of(name), "wb");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(bytes, 1, size, file), size);
    fclose(file);
}

static void write_text(const char *name, const char *text) {
    write_bytes(name, text, strlen(text));
}

static void write_sound(const char *name, int rate, int channels, int format, const double *wave, size_t frames) {
    SF_INFO info = {.samplerate = rate, .channels = channels, .format = format};
    SNDFILE *file = sf_open(path_of(name), SFM_WRITE, &info);
    ck_assert_ptr_nonnull(file);
    ck_assert_int_eq(sf_writef_double(file, wave, (sf_count_t)frames), (sf_count_t)frames);
    sf_close(file);
}

static void write_tone(const char *name, double hz, size_t frames) {
    double *wave = calloc(frames, sizeof *wave);
    for (size_t n = 0; n < frames; n++)
        wave[n] = 0.5 * sin(2 * pi * hz * (double)n / RATE);
    write_sound(name, RATE, 1, SF_FORMAT_WAV | SF_FORMAT_DOUBLE, wave, frames);
    free(wave);
}

static void write_folder(const char *table) {
    write_tone("a.wav", 500, LONG);
    write_tone("b.wav", 1000, LONG);
    write_tone("c.wav", 2000, LONG);
    write_text("folds.tsv", table);
}

static struct es_task audio_task(void) {
    return (struct es_task){.kind = &es_wav_folder,
                            .interval = 1e-4,
                            .points = 1000,
                            .amplitude = 0.7,
                            .line = 42,
                            .rate = RATE,
                            .folds = "fold",
                            .speakers = 4,
                            .test_speakers = 2,
                            .seed = 1};
}

// A network's; valid until the next call.
static const struct es_roles *roles(size_t channels, size_t outputs, size_t classes, const char *const *class) {
    static const char *const channel[] = {"a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m", "n"};
    static struct es_roles made;
    made = (struct es_roles){channels, channel, outputs, classes, class};
    return &made;
}

static enum es_status load(struct es_task task) {
    return task.kind->load(&task, directory, roles(1, 3, 3, vowel), &set, &error);
}

// Refused with all of the texts in one sentence, and nothing left behind.
static void assert_refused(enum es_status status, ...) {
    ck_assert_int_eq(status, ES_BAD_INPUT);
    va_list texts;
    va_start(texts, status);
    for (const char *text; (text = va_arg(texts, const char *));)
        ck_assert_msg(strstr(error.text, text) != NULL, "\"%s\" is not in: %s", text, error.text);
    va_end(texts);
    ck_assert_ptr_null(strchr(error.text, '\n'));
    ck_assert_uint_gt(strlen(error.text), 30);
    const struct es_dataset empty = {0};
    ck_assert_mem_eq(&set, &empty, sizeof set);
}

static double rms(const double *x, size_t n) {
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += x[i] * x[i];
    return sqrt(sum / (double)n);
}

// Amplitude of the sine of `hz` in the middle half of x; `rest` is the rms of what is not that sine.
static double tone_in(const double *x, size_t length, double rate, double hz, double *rest) {
    size_t period = (size_t)lround(rate / hz), first = length / 4, count = length / 2 / period * period;
    double complex sum = 0;
    for (size_t n = first; n < first + count; n++)
        sum += x[n] * cexp(-2 * I * pi * hz * (double)n / rate);
    sum *= 2 / (double)count;
    *rest = 0;
    for (size_t n = first; n < first + count; n++)
        *rest += pow(x[n] - creal(sum * cexp(2 * I * pi * hz * (double)n / rate)), 2) / (double)count;
    *rest = sqrt(*rest);
    return cabs(sum);
}

// ---- the list, windows

START_TEST(rows_are_complete) {
    const char *const names[] = {"formants", "wav-folder", "sines", "ts", "csv", "idx", "forecast", "parity", "waveform"};
    for (size_t i = 0; i < 9; i++) {
        const struct es_data_kind *kind = (const struct es_data_kind *)es_data_kinds[i];
        ck_assert_str_eq(kind->row.name, names[i]);
        ck_assert_str_ne(kind->row.about, "");
        ck_assert_ptr_nonnull(kind->row.source);
        ck_assert(kind->load != NULL);
        ck_assert_int_eq(kind->files, kind != &es_formants && kind != &es_sines && kind != &es_parity && kind != &es_waveform);
        ck_assert_int_eq(kind->labels, kind != &es_sines && kind != &es_forecast && kind != &es_waveform);
        ck_assert_int_eq(kind->targets, kind == &es_sines || kind == &es_forecast || kind == &es_parity || kind == &es_waveform);
    }
    ck_assert_ptr_null(es_data_kinds[9]);
}
END_TEST

enum { POINTS = 8, LENGTH = 12 };

static struct es_dataset ramp(struct es_sample *sample, double *wave, double amplitude) {
    for (int n = 0; n < 2 * LENGTH; n++)
        wave[n] = n < LENGTH ? n + 1 : -10 * (n - LENGTH + 1);
    *sample = (struct es_sample){.wave = {wave, LENGTH}};
    return (struct es_dataset){.channels = 2, .points = POINTS, .samples = 1, .sample = sample, .amplitude = amplitude, .bias = -1};
}

START_TEST(window_is_the_centre) {
    double wave[2 * LENGTH], input[2 * POINTS];
    struct es_sample sample;
    struct es_dataset ramps = ramp(&sample, wave, 0);
    es_dataset_window(&ramps, 0, false, 1, 1, input);
    for (int n = 0; n < POINTS; n++) {
        ck_assert_double_eq(input[n], n + 3);
        ck_assert_double_eq(input[POINTS + n], -10 * (n + 3));
    }
}
END_TEST

START_TEST(window_is_scaled_per_channel) {
    double wave[2 * LENGTH], input[2 * POINTS];
    struct es_sample sample;
    struct es_dataset ramps = ramp(&sample, wave, 0.25);
    es_dataset_window(&ramps, 0, false, 1, 1, input);
    ck_assert_double_eq_tol(rms(input, POINTS), 0.25, 1e-15);
    ck_assert_double_eq_tol(rms(input + POINTS, POINTS), 0.25, 1e-15);
    ck_assert_double_eq_tol(input[1] / input[0], 4.0 / 3, 1e-15);
    memset(wave, 0, LENGTH * sizeof *wave);
    es_dataset_window(&ramps, 0, false, 1, 1, input);
    ck_assert_double_eq(rms(input, POINTS), 0);
    ck_assert_double_eq_tol(rms(input + POINTS, POINTS), 0.25, 1e-15);
}
END_TEST

START_TEST(windows_are_drawn_evenly_and_again) {
    double wave[2 * LENGTH], input[2 * POINTS], again[2 * POINTS];
    size_t count[LENGTH - POINTS + 1] = {0}, draws = 5000;
    struct es_sample sample;
    struct es_dataset ramps = ramp(&sample, wave, 0);
    for (size_t epoch = 0; epoch < draws; epoch++) {
        es_dataset_window(&ramps, 0, true, 9, epoch, input);
        es_dataset_window(&ramps, 0, true, 9, epoch, again);
        ck_assert_mem_eq(input, again, sizeof input);
        for (int n = 1; n < POINTS; n++)
            ck_assert_double_eq(input[n], input[0] + n);
        count[(size_t)input[0] - 1]++;
    }
    for (size_t offset = 0; offset <= LENGTH - POINTS; offset++) // 1000 expected, deviation 28
        ck_assert_double_eq_tol((double)count[offset], 1000, 150);
}
END_TEST

START_TEST(window_of_a_sample_without_slack) {
    double wave[2 * LENGTH], input[2 * POINTS];
    struct es_sample sample;
    struct es_dataset ramps = ramp(&sample, wave, 0);
    sample.wave.length = POINTS;
    es_dataset_window(&ramps, 0, true, 3, 5, input);
    ck_assert_mem_eq(input, wave, sizeof input);
}
END_TEST

// ---- recordings

START_TEST(resampling_keeps_a_tone) {
    write_tone("tone.wav", 1000, LONG);
    struct es_task task = audio_task();
    task.rate = 10000;
    task.span = LONG;
    ck_assert_int_eq(es_wav_file(&task, path_of("tone.wav"), roles(1, 3, 3, vowel), &set, &error), ES_OK);
    ck_assert_uint_eq(set.samples, 1);
    ck_assert_uint_eq(set.channels, 1);
    ck_assert_int_eq(set.sample->label, -1);
    ck_assert_str_eq(set.sample->name, "tone.wav");
    ck_assert_double_eq_tol((double)set.sample->wave.length, LONG * 10.0 / 16, 2);
    double rest, peak = tone_in(set.sample->wave.value, set.sample->wave.length, 10000, 1000, &rest);
    ck_assert_double_eq_tol(peak, 0.5, 1e-4);
    ck_assert_double_lt(rest, 1e-4);
}
END_TEST

// Played s times as fast a tone is s times as high; nine speeds from 1 - 8 % to 1 + 8 %, the middle one as it was.
START_TEST(variants_play_faster_and_slower) {
    write_tone("tone.wav", 1000, LONG);
    struct es_task task = audio_task();
    task.rate = 10000;
    task.span = LONG;
    task.speed = 0.08;
    task.amplitude = 0; // as it is
    ck_assert_int_eq(es_wav_file(&task, path_of("tone.wav"), roles(1, 3, 3, vowel), &set, &error), ES_OK);
    ck_assert_uint_eq(set.sample->variants, 9);
    for (int i = 0; i < 9; i++) {
        const struct es_wave *wave = &set.sample->variant[i];
        double speed = 0.92 + 0.02 * i, rest, peak = tone_in(wave->value, wave->length, 10000, 1000 * speed, &rest);
        ck_assert_double_eq_tol(peak, 0.5, 1e-3);
        ck_assert_double_lt(rest, 1e-3);
        ck_assert_double_eq_tol((double)wave->length, (double)set.sample->wave.length / speed, 2);
    }
    double centre[2000], drawn[2000];
    bool varied = false;
    es_dataset_window(&set, 0, false, 1, 0, centre);
    ck_assert_mem_eq(centre, set.sample->wave.value + (set.sample->wave.length - set.points) / 2, set.points * sizeof(double));
    for (uint64_t epoch = 0; epoch < 9; epoch++) {
        es_dataset_window(&set, 0, true, 1, epoch, drawn);
        varied |= memcmp(centre, drawn, set.points * sizeof(double)) != 0;
    }
    ck_assert(varied);
}
END_TEST

// Half sines with signs of their own, the same for every window: squared, they are sin^2.
START_TEST(frames_weight_a_window) {
    double ones[1000], input[1000];
    for (int n = 0; n < 1000; n++)
        ones[n] = 0.25;
    write_sound("x.wav", RATE, 1, SF_FORMAT_WAV | SF_FORMAT_PCM_16, ones, 1000);
    struct es_task task = audio_task();
    task.frame = task.points / 5;
    task.amplitude = 1;
    ck_assert_int_eq(es_wav_file(&task, path_of("x.wav"), roles(1, 3, 3, vowel), &set, &error), ES_OK);
    es_dataset_window(&set, 0, true, 4, 2, input);
    int negative = 0;
    for (size_t n = 0; n < set.points; n++) {
        double half_sine = sin(3.14159265358979323846 * ((double)(n % task.frame) + 0.5) / (double)task.frame);
        ck_assert_double_eq_tol(fabs(input[n]), half_sine, 1e-12);
        negative += n % task.frame == 0 && input[n] < 0;
    }
    ck_assert_int_gt(negative, 0);
    ck_assert_int_lt(negative, 5);
}
END_TEST

START_TEST(pre_emphasis_follows_its_formula) {
    double wave[1000];
    for (int n = 0; n < 1000; n++)
        wave[n] = (n * 37 % 201 - 100) / 128.0;
    write_sound("x.wav", RATE, 1, SF_FORMAT_WAV | SF_FORMAT_PCM_16, wave, 1000);
    struct es_task task = audio_task();
    task.pre_emphasis = 0.75;
    ck_assert_int_eq(es_wav_file(&task, path_of("x.wav"), roles(1, 3, 3, vowel), &set, &error), ES_OK);
    ck_assert_uint_eq(set.sample->wave.length, 1000);
    ck_assert_double_eq_tol(set.sample->wave.value[0], wave[0], 1e-4);
    for (int n = 1; n < 1000; n++)
        ck_assert_double_eq_tol(set.sample->wave.value[n], wave[n] - 0.75 * wave[n - 1], 1e-4);
}
END_TEST

START_TEST(channels_are_averaged) {
    double wave[3 * 1000];
    for (int n = 0; n < 1000; n++)
        for (int c = 0; c < 3; c++)
            wave[3 * n + c] = c == 0 ? (n + 1) / 1024.0 : c == 1 ? -0.5 : 0.125;
    write_sound("x.flac", RATE, 3, SF_FORMAT_FLAC | SF_FORMAT_PCM_24, wave, 1000);
    struct es_task task = audio_task();
    ck_assert_int_eq(es_wav_file(&task, path_of("x.flac"), roles(1, 3, 3, vowel), &set, &error), ES_OK);
    for (int n = 0; n < 1000; n++)
        ck_assert_double_eq_tol(set.sample->wave.value[n], ((n + 1) / 1024.0 - 0.375) / 3, 1e-6);
}
END_TEST

START_TEST(centre_of_the_span_is_kept) {
    double wave[3001];
    for (int n = 0; n < 3001; n++)
        wave[n] = (n + 1) / 4096.0;
    write_sound("x.wav", RATE, 1, SF_FORMAT_WAV | SF_FORMAT_PCM_16, wave, 3001);
    const size_t span[] = {0, 500, 1000, 2001, 3001, 9000}, length[] = {1000, 1000, 1000, 2001, 3001, 3001};
    for (size_t i = 0; i < 6; i++) {
        struct es_task task = audio_task();
        task.span = span[i];
        ck_assert_int_eq(es_wav_file(&task, path_of("x.wav"), roles(1, 3, 3, vowel), &set, &error), ES_OK);
        ck_assert_uint_eq(set.sample->wave.length, length[i]);
        double first = wave[(3001 - length[i]) / 2];
        ck_assert_double_eq_tol(set.sample->wave.value[0], first, 1e-4);
        es_dataset_free(&set);
        ck_assert_ptr_null(set.arena);
    }
}
END_TEST

START_TEST(folder_gives_labels_and_folds) {
    write_folder("\xef\xbb\xbf"
                 "fold\tnote\tclass\tfile\r\n1\tx\tiy\tc.wav\r\n\r\n0\t\tae\ta.wav\r\n2\ty\tei\tb.wav");
    ck_assert_int_eq(load(audio_task()), ES_OK);
    ck_assert_uint_eq(set.samples, 3);
    ck_assert_uint_eq(set.folds, 3);
    ck_assert_uint_eq(set.classes, 3);
    ck_assert_uint_eq(set.outputs, 3);
    ck_assert_uint_eq(set.points, 1000);
    ck_assert_double_eq(set.amplitude, 0.7);
    const char *const name[] = {"c.wav", "a.wav", "b.wav"};
    const int label[] = {2, 0, 1}, fold[] = {1, 0, 2};
    const double hz[] = {2000, 500, 1000};
    for (size_t i = 0; i < 3; i++) {
        double rest;
        ck_assert_str_eq(set.sample[i].name, name[i]);
        ck_assert_int_eq(set.sample[i].label, label[i]);
        ck_assert_int_eq(set.sample[i].fold, fold[i]);
        ck_assert_ptr_null(set.sample[i].target);
        ck_assert_str_eq(set.class[i], vowel[i]);
        ck_assert_double_eq_tol(tone_in(set.sample[i].wave.value, set.sample[i].wave.length, RATE, hz[i], &rest), 0.5, 1e-9);
    }
}
END_TEST

START_TEST(without_a_fold_column_all_is_fold_0) {
    write_folder("file\tclass\na.wav\tae\nb.wav\tei\nc.wav\tiy\n");
    struct es_task task = audio_task();
    task.folds = "";
    ck_assert_int_eq(load(task), ES_OK);
    ck_assert_uint_eq(set.folds, 1);
    for (size_t i = 0; i < 3; i++)
        ck_assert_int_eq(set.sample[i].fold, 0);
}
END_TEST

// ---- folders that are refused

#define HEAD "file\tclass\tfold\n"
#define GOOD "a.wav\tae\t0\nb.wav\tei\t1\n"

static const struct {
    const char *table, *text[3];
} bad_table[] = {
    {"", {"line 1", "\"file\""}},
    {"name\tclass\tfold\n", {"line 1", "\"file\""}},
    {"file\tkind\tfold\n", {"line 1", "\"class\""}},
    {"file\tclass\tpart\n", {"line 1", "\"fold\""}},
    {"file\tclass\tfold\tfile\n", {"line 1", "2 columns", "\"file\""}},
    {HEAD, {"no sample", "\"ae\""}},
    {HEAD GOOD, {"no sample", "\"iy\""}},
    {HEAD GOOD "c.wav\tuw\t0\n", {"line 4", "\"uw\"", "ae, ei, iy"}},
    {HEAD GOOD "c.wav\t\t0\n", {"line 4", "class is \"\""}},
    {HEAD GOOD "c.wav\tiy\n", {"line 4", "2 fields", "3"}},
    {HEAD GOOD "c.wav\tiy\t0\t\n", {"line 4", "4 fields", "3"}},
    {HEAD GOOD "c.wav\tiy\t-1\n", {"line 4", "fold is \"-1\""}},
    {HEAD GOOD "c.wav\tiy\t1.5\n", {"line 4", "fold is \"1.5\""}},
    {HEAD GOOD "c.wav\tiy\t\n", {"line 4", "fold is \"\""}},
    {HEAD GOOD "c.wav\tiy\t99999999999999999999\n", {"line 4", "999999"}},
    {HEAD GOOD "c.wav\tiy\t3\n", {"fold 2", "3"}},
    {HEAD GOOD "\tiy\t0\n", {"line 4", "file is \"\""}},
    {HEAD GOOD "../c.wav\tiy\t0\n", {"line 4", "\"../c.wav\""}},
    {HEAD GOOD "/etc/passwd\tiy\t0\n", {"line 4", "\"/etc/passwd\""}},
    {HEAD GOOD "x/c.wav\tiy\t0\n", {"line 4", "\"x/c.wav\""}},
    {HEAD GOOD ".c.wav\tiy\t0\n", {"line 4", "\".c.wav\""}},
    {HEAD GOOD "a.wav\tiy\t1\n", {"\"a.wav\"", "more than one row"}},
    {HEAD GOOD "c.\x1bwav\tiy\t1\n", {"line 4", "27"}},
    {HEAD GOOD "c.\rwav\tiy\t1\n", {"line 4", "13"}},
    {HEAD GOOD "missing.wav\tiy\t0\n", {"missing.wav", "No such file"}},
};

START_TEST(bad_tables_are_refused) {
    write_folder(bad_table[_i].table);
    const char *const *text = bad_table[_i].text;
    enum es_status status = load(audio_task());
    assert_refused(status, strstr(error.text, "missing.wav") ? directory : path_of("folds.tsv"), text[0], text[1], text[2], NULL);
}
END_TEST

START_TEST(missing_directories_and_tables_are_refused) {
    struct es_task task = audio_task();
    assert_refused(load(task), path_of("folds.tsv"), NULL);
    assert_refused(es_wav_folder.load(&task, path_of("none"), roles(1, 3, 3, vowel), &set, &error), path_of("none"), "No such", NULL);
    assert_refused(es_wav_folder.load(&task, NULL, roles(1, 3, 3, vowel), &set, &error), "--data", NULL);
    write_text("file", "");
    assert_refused(es_wav_folder.load(&task, path_of("file"), roles(1, 3, 3, vowel), &set, &error), path_of("file"), "directory", NULL);
    mkdir(path_of("folds.tsv"), 0700);
    assert_refused(load(task), path_of("folds.tsv"), NULL);
}
END_TEST

START_TEST(long_tables_are_refused) {
    FILE *file = fopen(path_of("folds.tsv"), "w");
    fputs(HEAD, file);
    for (int i = 0; i < 100001; i++)
        fprintf(file, "%d.wav\tae\t0\n", i);
    fclose(file);
    assert_refused(load(audio_task()), path_of("folds.tsv"), "line 100002", "100000", NULL);
    ck_assert_int_eq(truncate(path_of("folds.tsv"), (256 << 20) + 1), 0);
    assert_refused(load(audio_task()), path_of("folds.tsv"), "268435457", NULL);
    char wide[] = "file\tclass\tfold";
    file = fopen(path_of("folds.tsv"), "w");
    fputs(wide, file);
    for (int i = 0; i < 100; i++)
        fputs("\tx", file);
    fclose(file);
    assert_refused(load(audio_task()), path_of("folds.tsv"), "line 1", "103 columns", NULL);
    write_bytes("folds.tsv", "file\tclass\0\tfold\n", 17);
    assert_refused(load(audio_task()), path_of("folds.tsv"), "line 1", "value 0", NULL);
}
END_TEST

// ---- recordings that are refused

static void assert_recording_refused(const char *name, const char *text, const char *other) {
    struct es_task task = audio_task();
    assert_refused(es_wav_file(&task, path_of(name), roles(1, 3, 3, vowel), &set, &error), path_of(name), text, other, NULL);
    write_folder(HEAD GOOD "c.wav\tiy\t1\n");
    char table[512];
    snprintf(table, sizeof table, HEAD GOOD "%s\tiy\t0\nc.wav\tiy\t1\n", name);
    write_text("folds.tsv", table);
    assert_refused(load(task), path_of(name), text, other, NULL);
}

START_TEST(cut_recordings_are_refused) {
    write_tone("cut.wav", 500, LONG);
    struct stat about;
    ck_assert_int_eq(stat(path_of("cut.wav"), &about), 0);
    ck_assert_int_eq(truncate(path_of("cut.wav"), about.st_size - 1), 0);
    assert_recording_refused("cut.wav", "promises 64000 bytes", "63999");
    ck_assert_int_eq(truncate(path_of("cut.wav"), about.st_size / 2), 0);
    assert_recording_refused("cut.wav", "promises 64000 bytes", "cut");
    ck_assert_int_eq(truncate(path_of("cut.wav"), 30), 0);
    assert_recording_refused("cut.wav", "\"data\"", "cut");
}
END_TEST

START_TEST(cut_recordings_of_other_formats_are_refused) {
    const int format[] = {SF_FORMAT_AIFF | SF_FORMAT_PCM_16, SF_FORMAT_FLAC | SF_FORMAT_PCM_16,
                          SF_FORMAT_WAV | SF_FORMAT_PCM_16 | SF_ENDIAN_BIG};
    double wave[LONG];
    for (int n = 0; n < LONG; n++)
        wave[n] = 0.9 * sin(n * n);
    write_sound("cut", RATE, 1, format[_i], wave, LONG);
    struct stat about;
    ck_assert_int_eq(stat(path_of("cut"), &about), 0);
    struct es_task task = audio_task();
    ck_assert_int_eq(es_wav_file(&task, path_of("cut"), roles(1, 3, 3, vowel), &set, &error), ES_OK);
    es_dataset_free(&set);
    ck_assert_int_eq(truncate(path_of("cut"), about.st_size - 1), 0);
    assert_recording_refused("cut", "promises", "cut");
    ck_assert_int_eq(truncate(path_of("cut"), about.st_size - 4000), 0);
    assert_recording_refused("cut", "promises", "cut");
}
END_TEST

START_TEST(what_is_no_sound_is_refused) {
    write_text("x.wav", "This is not a recording, whatever its name says.\n");
    assert_recording_refused("x.wav", "not a sound file", NULL);
    write_text("x.wav", "");
    assert_recording_refused("x.wav", "not a sound file", NULL);
    write_text("x.wav", "fLaC, and then something else.\n");
    assert_recording_refused("x.wav", "cannot be read", NULL);
    double wave[LONG] = {0.5, -0.5};
    write_sound("x.wav", RATE, 1, SF_FORMAT_AU | SF_FORMAT_PCM_16, wave, LONG); // a cut of it would not show
    assert_recording_refused("x.wav", "not a sound file", "WAV, AIFF or FLAC");
    remove(path_of("x.wav"));
    ck_assert_int_eq(mkfifo(path_of("x.wav"), 0600), 0);
    assert_recording_refused("x.wav", "not a regular file", NULL);
    remove(path_of("x.wav"));
    ck_assert_int_eq(mkdir(path_of("x.wav"), 0700), 0);
    assert_recording_refused("x.wav", "not a regular file", NULL);
}
END_TEST

START_TEST(values_that_are_no_sound_are_refused) {
    double wave[2000] = {0};
    write_sound("x.wav", RATE, 2, SF_FORMAT_WAV | SF_FORMAT_DOUBLE, wave, 1000);
    assert_recording_refused("x.wav", "silent", "1000");
    wave[0] = 1;
    wave[1001] = NAN;
    write_sound("x.wav", RATE, 2, SF_FORMAT_WAV | SF_FORMAT_DOUBLE, wave, 1000);
    assert_recording_refused("x.wav", "nan", "channel 2");
    wave[1001] = -INFINITY;
    write_sound("x.wav", RATE, 2, SF_FORMAT_WAV | SF_FORMAT_FLOAT, wave, 1000);
    assert_recording_refused("x.wav", "-inf", "channel 2");
    wave[1001] = 1e300;
    write_sound("x.wav", RATE, 2, SF_FORMAT_WAV | SF_FORMAT_DOUBLE, wave, 1000);
    assert_recording_refused("x.wav", "1e+300", "channel 2");
}
END_TEST

START_TEST(short_recordings_are_refused) {
    write_tone("x.wav", 500, 999);
    assert_recording_refused("x.wav", "999 samples", "1000 points");
}
END_TEST

START_TEST(long_recordings_are_refused) {
    const uint32_t frames = 10000001, rate = RATE;
    struct {
        char riff[4];
        uint32_t size;
        char wave[8];
        uint32_t sixteen;
        uint16_t pcm, channels;
        uint32_t rate, bytes;
        uint16_t align, bits;
        char data[4];
        uint32_t count;
    } head = {"RIFF", frames + 36, "WAVEfmt ", 16, 1, 1, rate, rate, 1, 8, "data", frames};
    ck_assert_uint_eq(sizeof head, 44);
    write_bytes("x.wav", &head, sizeof head);
    ck_assert_int_eq(truncate(path_of("x.wav"), 44 + frames), 0);
    assert_recording_refused("x.wav", "10000001 frames", "10000000");
    ck_assert_int_eq(truncate(path_of("x.wav"), (256 << 20) + 1), 0);
    assert_recording_refused("x.wav", "268435457 bytes", NULL);
    double wave[40000] = {0};
    write_sound("x.wav", 16, 1, SF_FORMAT_WAV | SF_FORMAT_PCM_16, wave, 1000);
    assert_recording_refused("x.wav", "16 Hz", "16000 Hz");
    write_sound("x.wav", 100, 1, SF_FORMAT_WAV | SF_FORMAT_PCM_16, wave, 40000);
    struct es_task task = audio_task();
    task.rate = 25600;
    assert_refused(es_wav_file(&task, path_of("x.wav"), roles(1, 3, 3, vowel), &set, &error), path_of("x.wav"), "10240000",
                   "10000000", NULL);
}
END_TEST

START_TEST(bad_audio_tasks_are_refused) {
    const struct es_data_kind *const kinds[] = {&es_wav_folder, &es_formants};
    for (size_t k = 0; k < 2; k++) {
        struct es_task task = audio_task();
        assert_refused(kinds[k]->load(&task, directory, roles(2, 3, 3, vowel), &set, &error), "line 42", "2 input", NULL);
        assert_refused(kinds[k]->load(&task, directory, roles(1, 3, 0, vowel), &set, &error), "line 42", "no class", NULL);
        task.kind = kinds[k];
        task.rate = -5;
        assert_refused(load(task), "line 42", "rate is -5", NULL);
        task.rate = NAN;
        assert_refused(load(task), "line 42", "rate is nan", NULL);
        task.rate = RATE, task.pre_emphasis = 1.5;
        assert_refused(load(task), "line 42", "pre-emphasis is 1.5", NULL);
        task.pre_emphasis = 0, task.amplitude = INFINITY;
        assert_refused(load(task), "line 42", "amplitude is inf", NULL);
        task.amplitude = 1, task.points = 1;
        assert_refused(load(task), "line 42", "1 points", NULL);
        task.points = 10, task.span = SIZE_MAX;
        assert_refused(load(task), "line 42", "18446744073709551615", NULL);
    }
}
END_TEST

// ---- synthetic vowels

enum { ORDER = 12, FRAME = 400, SPEAKERS = 200, PLACES = 2 };

// Linear prediction a[0] = 1 of a Hamming frame, by Levinson's recursion on the autocorrelation r.
static void predict(const double *x, double *a) {
    double w[FRAME], r[ORDER + 1] = {0}, old[ORDER + 1];
    for (size_t n = 0; n < FRAME; n++)
        w[n] = (x[n] - (n ? 0.97 * x[n - 1] : 0)) * (0.54 - 0.46 * cos(2 * pi * (double)n / (FRAME - 1)));
    for (size_t k = 0; k <= ORDER; k++)
        for (size_t n = k; n < FRAME; n++)
            r[k] += w[n] * w[n - k];
    memset(a, 0, (ORDER + 1) * sizeof *a);
    a[0] = 1;
    double e = r[0];
    for (size_t i = 1; i <= ORDER; i++) {
        double k = 0;
        memcpy(old, a, sizeof old);
        for (size_t j = 0; j < i; j++)
            k -= old[j] * r[i - j] / e;
        for (size_t j = 1; j <= i; j++)
            a[j] = old[j] + k * old[i - j];
        e *= 1 - k * k;
    }
}

// Roots of the prediction polynomial by Weierstrass' iteration.
static void roots_of(const double *a, double complex *z) {
    for (int i = 0; i < ORDER; i++)
        z[i] = 0.9 * cexp(I * (2 * pi * i / ORDER + 0.4));
    for (int turn = 0; turn < 100; turn++)
        for (int i = 0; i < ORDER; i++) {
            double complex p = 1, q = 1;
            for (int k = 1; k <= ORDER; k++)
                p = p * z[i] + a[k];
            for (int j = 0; j < ORDER; j++)
                q *= j == i ? 1 : z[i] - z[j];
            z[i] -= p / q;
        }
}

// F1, F2, F3 [Hz] of a frame at 10 kHz: the lowest roots of a bandwidth below 500 Hz.
static void measure_formants(const double *frame, double f[3]) {
    double a[ORDER + 1], lowest = 150;
    double complex z[ORDER];
    predict(frame, a);
    roots_of(a, z);
    for (int k = 0; k < 3; k++) {
        f[k] = 5000;
        for (int i = 0; i < ORDER; i++) {
            double hz = carg(z[i]) * 1e4 / (2 * pi), width = -log(cabs(z[i])) * 1e4 / pi;
            if (width < 500 && hz > lowest && hz < f[k])
                f[k] = hz;
        }
        lowest = f[k];
    }
}

static int compare(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *x, size_t n) {
    qsort(x, n, sizeof *x, compare);
    return x[n / 2];
}

static struct es_task vowel_task(void) {
    return (struct es_task){.kind = &es_formants,
                            .interval = 1e-4,
                            .points = 1000,
                            .amplitude = 0.5,
                            .line = 42,
                            .rate = 10000,
                            .span = 2500,
                            .pre_emphasis = 0,
                            .folds = "",
                            .speakers = SPEAKERS,
                            .test_speakers = 2,
                            .seed = 3};
}

static bool is_woman(const struct es_sample *sample) {
    return strchr(sample->name, '-')[1] == 'w';
}

// Median over the training speakers of one sex and vowel, `offset` samples from the centre.
static void population_formants(bool woman, int label, long offset, double f[3]) {
    static double value[3][SPEAKERS];
    size_t count = 0;
    for (size_t i = 0; i < set.samples; i++) {
        const struct es_sample *s = &set.sample[i];
        if (s->label != label || s->fold != 1 || is_woman(s) != woman)
            continue;
        double one[3];
        measure_formants(s->wave.value + (long)s->wave.length / 2 - FRAME / 2 + offset, one);
        for (size_t k = 0; k < 3; k++)
            value[k][count] = one[k];
        count++;
    }
    ck_assert_uint_eq(count, SPEAKERS / 2);
    for (size_t k = 0; k < 3; k++)
        f[k] = median(value[k], count);
}

// Linear prediction pulls F1 towards a harmonic of the pitch, so its tolerance is wider.
START_TEST(vowels_have_the_published_formants) {
    static const double tolerance[3] = {0.08, 0.03, 0.03};
    static const double published[2][3][3] = {{{588, 1952, 2601}, {476, 2089, 2691}, {342, 2322, 3000}},
                                              {{669, 2349, 2972}, {536, 2530, 3047}, {437, 2761, 3372}}};
    ck_assert_int_eq(load(vowel_task()), ES_OK);
    for (int woman = 0; woman < 2; woman++)
        for (int label = 0; label < 3; label++) {
            double f[3];
            population_formants(woman, label, -560, f); // where the vowel is steady
            for (int k = 0; k < 3; k++)
                ck_assert_msg(fabs(f[k] / published[woman][label][k] - 1) < tolerance[k], "%s of %s: F%d is %g, published %g",
                              vowel[label], woman ? "women" : "men", k + 1, f[k], published[woman][label][k]);
        }
}
END_TEST

START_TEST(ei_glides_and_iy_does_not) {
    ck_assert_int_eq(load(vowel_task()), ES_OK);
    for (int woman = 0; woman < 2; woman++) {
        double start[3], end[3];
        population_formants(woman, 1, -800, start);
        population_formants(woman, 1, 800, end);
        ck_assert_double_lt(end[0], 0.92 * start[0]);
        ck_assert_double_gt(end[1], 1.03 * start[1]);
        population_formants(woman, 2, -800, start);
        population_formants(woman, 2, 800, end);
        ck_assert_double_eq_tol(end[0] / start[0], 1, 0.04);
        ck_assert_double_eq_tol(end[1] / start[1], 1, 0.04);
    }
}
END_TEST

// Lag of the highest autocorrelation between 70 and 350 Hz; a multiple of a period has to be clearly better to win.
static double measure_pitch(const double *x, size_t n) {
    double best = 0;
    size_t lag = 0;
    for (size_t k = 10000 / 350; k < 10000 / 70; k++) {
        double s = 0, e = 0, d = 0;
        for (size_t i = 0; i + k < n; i++)
            s += x[i] * x[i + k], e += x[i] * x[i], d += x[i + k] * x[i + k];
        if (s / sqrt(e * d) > best + 0.02)
            best = s / sqrt(e * d), lag = k;
    }
    return 1e4 / (double)lag;
}

START_TEST(men_and_women_have_their_pitch) {
    ck_assert_int_eq(load(vowel_task()), ES_OK);
    double pitch[2][SPEAKERS];
    size_t count[2] = {0};
    for (size_t i = 0; i < set.samples; i++)
        if (set.sample[i].label == 0 && set.sample[i].fold == 1) {
            int woman = is_woman(&set.sample[i]);
            pitch[woman][count[woman]++] = measure_pitch(set.sample[i].wave.value + 800, 800);
        }
    ck_assert_uint_eq(count[0], count[1]);
    ck_assert_double_eq_tol(median(pitch[0], count[0]), 131, 7);
    ck_assert_double_eq_tol(median(pitch[1], count[1]), 220, 11);
}
END_TEST

START_TEST(speakers_differ_and_parts_are_disjoint) {
    struct es_task task = vowel_task();
    task.speakers = 9, task.test_speakers = 5;
    ck_assert_int_eq(load(task), ES_OK);
    ck_assert_uint_eq(set.samples, 42);
    ck_assert_uint_eq(set.folds, 2);
    size_t tested = 0;
    for (size_t i = 0; i < set.samples; i++) {
        ck_assert_uint_eq(set.sample[i].wave.length, 2500);
        tested += set.sample[i].fold == 0;
        for (size_t j = 0; j < i; j++) {
            ck_assert_str_ne(set.sample[i].name, set.sample[j].name);
            ck_assert_mem_ne(set.sample[i].wave.value, set.sample[j].wave.value, 1000 * sizeof(double));
        }
    }
    ck_assert_uint_eq(tested, 15);
}
END_TEST

static const struct es_sample *named(const struct es_dataset *from, const char *name) {
    for (size_t i = 0; i < from->samples; i++)
        if (strcmp(from->sample[i].name, name) == 0)
            return &from->sample[i];
    ck_abort_msg("no sample %s", name);
}

START_TEST(a_speaker_does_not_depend_on_the_others) {
    struct es_task task = vowel_task();
    task.speakers = 8, task.test_speakers = 6;
    ck_assert_int_eq(load(task), ES_OK);
    struct es_dataset few;
    task.speakers = 3, task.test_speakers = 4;
    const char *const two[] = {"iy", "ae"};
    ck_assert_int_eq(es_formants.load(&task, NULL, roles(1, 2, 2, two), &few, &error), ES_OK);
    ck_assert_uint_eq(few.samples, 14);
    for (size_t i = 0; i < few.samples; i++) {
        const struct es_sample *s = &few.sample[i], *same = named(&set, s->name);
        ck_assert_mem_eq(s->wave.value, same->wave.value, s->wave.length * sizeof(double));
        ck_assert_str_eq(few.class[s->label], set.class[same->label]);
        ck_assert_int_eq(s->fold, same->fold);
    }
    es_dataset_free(&few);
    task.seed++;
    ck_assert_int_eq(es_formants.load(&task, NULL, roles(1, 2, 2, two), &few, &error), ES_OK);
    ck_assert_mem_ne(few.sample[0].wave.value, named(&set, few.sample[0].name)->wave.value, few.sample[0].wave.length * sizeof(double));
    es_dataset_free(&few);
}
END_TEST

START_TEST(pre_emphasis_of_vowels_follows_its_formula) {
    struct es_task task = vowel_task();
    task.speakers = task.test_speakers = 1;
    ck_assert_int_eq(load(task), ES_OK);
    struct es_dataset raised;
    task.pre_emphasis = 0.9;
    ck_assert_int_eq(es_formants.load(&task, NULL, roles(1, 3, 3, vowel), &raised, &error), ES_OK);
    const double *x = set.sample[2].wave.value, *y = raised.sample[2].wave.value;
    for (size_t n = 1; n < set.sample[2].wave.length; n++)
        ck_assert_double_eq_tol(y[n], x[n] - 0.9 * x[n - 1], 1e-15);
    es_dataset_free(&raised);
}
END_TEST

START_TEST(bad_vowel_tasks_are_refused) {
    struct es_task task = vowel_task();
    const char *const unknown[] = {"ae", "oo", "iy"};
    assert_refused(es_formants.load(&task, NULL, roles(1, 3, 3, unknown), &set, &error), "line 42", "\"oo\"", "ae, ei, iy", NULL);
    task.speakers = 0;
    assert_refused(load(task), "line 42", "0 speakers", NULL);
    task.speakers = 10, task.test_speakers = 0;
    assert_refused(load(task), "line 42", "0 to test", NULL);
    task.test_speakers = SIZE_MAX;
    assert_refused(load(task), "line 42", "18446744073709551615", NULL);
    task.test_speakers = 33330;
    assert_refused(load(task), "line 42", "100020 samples", "100000", NULL);
    task.test_speakers = 3000;
    assert_refused(load(task), "line 42", "9030 samples of 2500 values", "64 MiB", NULL);
    task.test_speakers = 1, task.speakers = 1, task.rate = 1000, task.span = 320000;
    assert_refused(load(task), "line 42", "320 s", NULL);
}
END_TEST

// ---- sines

static struct es_task sines_task(void) {
    return (struct es_task){.kind = &es_sines,
                            .interval = 1e-7,
                            .points = 400,
                            .amplitude = 0.3,
                            .line = 42,
                            .seed = 5,
                            .samples = 6,
                            .target = 2e-6,
                            .frequency = 5e5};
}

static void solve(size_t n, double m[3][4]) {
    for (size_t i = 0; i < n; i++)
        for (size_t r = 0; r < n; r++) {
            double factor = m[r][i] / m[i][i];
            for (size_t c = i; c <= n && r != i; c++)
                m[r][c] -= factor * m[i][c];
        }
    for (size_t i = 0; i < n; i++)
        m[i][n] /= m[i][i];
}

static double pair(const double *x, size_t n, size_t k) {
    return k == 0 ? x[n] : x[n + k] + x[n - k];
}

// s sines satisfy, with p_k[n] = x[n + k] + x[n - k] and p_0 = x, the recurrence p_s + sum_{k<s} c_k p_k = 0: fits c [s].
static void fit_sines(const double *x, size_t length, size_t s, double *c) {
    double m[3][4] = {{0}};
    for (size_t n = s; n + s < length; n++)
        for (size_t row = 0; row < s; row++)
            for (size_t k = 0; k <= s; k++)
                m[row][k] += pair(x, n, row) * pair(x, n, k) * (k == s ? -1 : 1);
    solve(s, m);
    for (size_t k = 0; k < s; k++)
        c[k] = m[k][s];
}

// How far x is from satisfying the recurrence.
static double misfit(const double *x, size_t length, size_t s, const double *c) {
    double most = 0;
    for (size_t n = s; n + s < length; n++) {
        double sum = pair(x, n, s);
        for (size_t k = 0; k < s; k++)
            sum += c[k] * pair(x, n, k);
        most = fmax(most, fabs(sum));
    }
    return most;
}

// Frequencies between low and high, in cycles per sample: zeros of cos(s w) + c_0 / 2 + sum_{0<k<s} c_k cos(k w).
static size_t count_sines(size_t s, const double *c, double low, double high) {
    size_t zeros = 0;
    double last = 0;
    for (double f = low; f <= high; f += (high - low) / 20000) {
        double value = cos((double)s * 2 * pi * f) + 0.5 * c[0];
        for (size_t k = 1; k < s; k++)
            value += c[k] * cos((double)k * 2 * pi * f);
        zeros += last * value < 0;
        last = value;
    }
    return zeros;
}

static void assert_sines(const double *x, size_t s, double peak) {
    double c[3];
    fit_sines(x, 400, s, c);
    ck_assert_double_lt(misfit(x, 400, s, c), 1e-6 * peak);
    ck_assert_uint_eq(count_sines(s, c, 0.025, 0.1), s);
}

START_TEST(sines_are_sums_of_sines) {
    struct es_task task = sines_task();
    ck_assert_int_eq(es_sines.load(&task, NULL, roles(2, 3, 0, NULL), &set, &error), ES_OK);
    for (size_t i = 0; i < set.samples; i++) {
        for (size_t c = 0; c < 2; c++)
            assert_sines(set.sample[i].wave.value + c * 400, 3, task.amplitude);
        for (size_t o = 0; o < 3; o++)
            assert_sines(set.sample[i].target + o * 400, 2, task.target);
    }
}
END_TEST

START_TEST(targets_have_frequencies_of_their_own) {
    ck_assert_int_eq(load(sines_task()), ES_OK);
    for (size_t i = 0; i < set.samples; i++) {
        double c[3];
        fit_sines(set.sample[i].wave.value, 400, 3, c);
        ck_assert_double_gt(misfit(set.sample[i].target, 400, 3, c), 1e-5 * 2e-6);
    }
}
END_TEST

static double peak_of(const double *x, size_t n) {
    double peak = 0;
    for (size_t i = 0; i < n; i++)
        peak = fmax(peak, fabs(x[i]));
    return peak;
}

START_TEST(sines_reach_their_bounds_and_no_further) {
    struct es_task task = sines_task();
    task.points = 4000, task.samples = 20;
    ck_assert_int_eq(es_sines.load(&task, NULL, roles(1, 1, 3, vowel), &set, &error), ES_OK);
    ck_assert_uint_eq(set.samples, 20);
    ck_assert_uint_eq(set.folds, 1);
    ck_assert_double_eq(set.amplitude, 0);
    double highest_input = 0, highest_target = 0;
    for (size_t i = 0; i < set.samples; i++) {
        ck_assert_uint_eq(set.sample[i].wave.length, 4000);
        ck_assert_int_eq(set.sample[i].label, -1);
        ck_assert_int_eq(set.sample[i].fold, 0);
        highest_input = fmax(highest_input, peak_of(set.sample[i].wave.value, 4000));
        highest_target = fmax(highest_target, peak_of(set.sample[i].target, 4000));
    }
    ck_assert_double_le(highest_input, task.amplitude);
    ck_assert_double_gt(highest_input, 0.95 * task.amplitude);
    ck_assert_double_le(highest_target, task.target);
    ck_assert_double_gt(highest_target, 0.95 * task.target);
}
END_TEST

START_TEST(signals_do_not_depend_on_the_others) {
    struct es_task task = sines_task();
    ck_assert_int_eq(es_sines.load(&task, NULL, roles(3, 2, 0, NULL), &set, &error), ES_OK);
    struct es_dataset few;
    task.samples = 2;
    ck_assert_int_eq(es_sines.load(&task, NULL, roles(1, 1, 0, NULL), &few, &error), ES_OK);
    for (size_t i = 0; i < 2; i++) {
        ck_assert_mem_eq(few.sample[i].wave.value, set.sample[i].wave.value, 400 * sizeof(double));
        ck_assert_mem_eq(few.sample[i].target, set.sample[i].target, 400 * sizeof(double));
    }
    const double *wave = set.sample[0].wave.value, *target = set.sample[0].target;
    ck_assert_mem_ne(wave, wave + 400, 400 * sizeof(double));
    ck_assert_mem_ne(target, target + 400, 400 * sizeof(double));
    ck_assert_mem_ne(wave, set.sample[1].wave.value, 400 * sizeof(double));
    ck_assert_mem_ne(target, set.sample[1].target, 400 * sizeof(double));
    es_dataset_free(&few);
}
END_TEST

START_TEST(bad_sines_are_refused) {
    struct es_task task = sines_task();
    assert_refused(es_sines.load(&task, NULL, roles(0, 1, 0, NULL), &set, &error), "line 42", "0 inputs", NULL);
    assert_refused(es_sines.load(&task, NULL, roles(1, 0, 0, NULL), &set, &error), "line 42", "0 outputs", NULL);
    task.samples = 0;
    assert_refused(load(task), "line 42", "0 samples", NULL);
    task.samples = 100001;
    assert_refused(load(task), "line 42", "100001 samples", "100000", NULL);
    task.samples = 100000;
    assert_refused(load(task), "line 42", "100000 samples", "64 MiB", NULL);
    task = sines_task(), task.frequency = -1;
    assert_refused(load(task), "line 42", "frequency is -1", NULL);
    task.frequency = 3e6;
    assert_refused(load(task), "line 42", "frequency is 3e+06", NULL);
    task = sines_task(), task.interval = NAN;
    assert_refused(load(task), "line 42", "interval is nan", NULL);
    task = sines_task(), task.amplitude = INFINITY;
    assert_refused(load(task), "line 42", "amplitude is inf", NULL);
    task = sines_task(), task.target = -1;
    assert_refused(load(task), "line 42", "target is -1", NULL);
}
END_TEST

// ---- the bias, and when the cost counts

static const char *const with_bias[] = {"a", "bias", "b"};

START_TEST(bias_is_one_volt) {
    struct es_task task = sines_task();
    const struct es_roles biased = {3, with_bias, 1, 0, NULL};
    double input[3 * 400], plain[2 * 400];
    ck_assert_int_eq(es_sines.load(&task, NULL, roles(2, 1, 0, NULL), &set, &error), ES_OK);
    ck_assert_int_eq(set.bias, -1);
    es_dataset_window(&set, 2, true, 1, 1, plain);
    es_dataset_free(&set);
    ck_assert_int_eq(es_sines.load(&task, NULL, &biased, &set, &error), ES_OK);
    ck_assert_uint_eq(set.channels, 3);
    ck_assert_int_eq(set.bias, 1);
    es_dataset_window(&set, 2, true, 1, 1, input);
    for (int n = 0; n < 400; n++)
        ck_assert_double_eq(input[400 + n], 1);
    ck_assert_mem_eq(input, plain, sizeof plain / 2);
    ck_assert_mem_eq(input + 800, plain + 400, sizeof plain / 2);
}
END_TEST

// The rms and the frames of sound are not those of the bias.
START_TEST(bias_of_sound_is_one_volt) {
    struct es_task task = vowel_task();
    task.speakers = task.test_speakers = 1, task.frame = 100;
    const char *const channel[] = {"bias", "audio"};
    const struct es_roles biased = {2, channel, 3, 3, vowel};
    double input[2 * 1000], plain[1000];
    ck_assert_int_eq(es_formants.load(&task, NULL, roles(1, 3, 3, vowel), &set, &error), ES_OK);
    es_dataset_window(&set, 1, true, 1, 1, plain);
    es_dataset_free(&set);
    ck_assert_int_eq(es_formants.load(&task, NULL, &biased, &set, &error), ES_OK);
    es_dataset_window(&set, 1, true, 1, 1, input);
    for (int n = 0; n < 1000; n++)
        ck_assert_double_eq(input[n], 1);
    ck_assert_mem_eq(input + 1000, plain, sizeof plain);
    es_dataset_free(&set);
    const struct es_roles only = {1, channel, 3, 3, vowel};
    assert_refused(es_formants.load(&task, NULL, &only, &set, &error), "line 42", "0 input", NULL);
}
END_TEST

// The cost of the sample counts in the intervals first .. last - 1.
static void assert_counted(size_t sample, size_t first, size_t last) {
    double *weight = calloc(set.points, sizeof *weight);
    es_dataset_counted(&set, sample, weight);
    for (size_t n = 0; n + 1 < set.points; n++)
        ck_assert_double_eq(weight[n], n >= first && n < last);
    free(weight);
}

START_TEST(cost_counts_between_from_and_to) {
    static const struct {
        double from, to;
        size_t first, last;
    } good[] = {
        {0, 0, 0, 399}, {1e-5, 0, 100, 399}, {0, 3e-5, 0, 300}, {1.00000001e-5, 2e-5, 100, 200}, {3.98e-5, 3.99e-5, 398, 399}};
    struct es_task task = sines_task();
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        task.from = good[i].from, task.to = good[i].to;
        ck_assert_int_eq(es_sines.load(&task, NULL, roles(1, 1, 0, NULL), &set, &error), ES_OK);
        assert_counted(3, good[i].first, good[i].last);
        ck_assert_int_eq(set.windowed, i > 0);
        es_dataset_free(&set);
    }
    static const double bad[][2] = {{1.001e-5, 0}, {0, 4e-5},  {0, 1.5e-7}, {2e-5, 1e-5},
                                    {1e-5, 1e-5},  {-1e-7, 0}, {NAN, 0},    {0, INFINITY}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        task.from = bad[i][0], task.to = bad[i][1];
        assert_refused(es_sines.load(&task, NULL, roles(1, 1, 0, NULL), &set, &error), "line 42", "expected", NULL);
    }
}
END_TEST

// ---- series

static const char *const one_two[] = {"c1", "c2"};

static struct es_task series_task(const struct es_data_kind *kind) {
    return (struct es_task){.kind = kind,
                            .interval = 1e-4,
                            .points = 5,
                            .amplitude = 0.5,
                            .line = 42,
                            .folds = "",
                            .train = "train.csv",
                            .train_images = "a",
                            .train_labels = "b",
                            .test_images = "c",
                            .test_labels = "d",
                            .file = "series.txt",
                            .ahead = 1,
                            .stride = 1,
                            .train_values = 20,
                            .target = 2e-9};
}

static enum es_status load_series(struct es_task task, size_t channels) {
    return task.kind->load(&task, directory, roles(channels, 2, 2, one_two), &set, &error);
}

#define TS_HEAD                                                                                                                  \
    "# of a test\n@problemName x\n@timeStamps false\n@missing false\n@univariate false\n@dimensions 2\n@equalLength false\n"
#define TS_DATA "@classLabel true 1 2\n@data\n"
#define TRAIN_TS TS_HEAD TS_DATA "1,2,3:10,10,10:1\n4,5:10,10:2\n"
#define TEST_TS TS_HEAD TS_DATA "\n100,-3,7,1,8:12,10,8,10,10:2\n7:7:1"

static void write_ts(const char *train, const char *test) {
    write_text("x_TRAIN.ts", train);
    write_text("x_TEST.ts", test);
}

static void assert_sample(size_t sample, const char *name, int label, int fold, size_t length) {
    const struct es_sample *s = &set.sample[sample];
    ck_assert_str_eq(s->name, name);
    ck_assert_int_eq(s->label, label);
    ck_assert_int_eq(s->fold, fold);
    ck_assert_uint_eq(s->length, length);
    ck_assert_uint_eq(s->wave.length, set.points);
    ck_assert_ptr_null(s->target);
}

// x [count] with this mean and deviation, then zeros
static void assert_window(size_t sample, size_t channel, size_t count, const double *x, double mean, double deviation) {
    double *input = calloc(set.channels * set.points, sizeof *input), *window = input + channel * set.points;
    es_dataset_window(&set, sample, true, 1, 1, input);
    for (size_t n = 0; n < count; n++)
        ck_assert_double_eq_tol(window[n], 0.5 * (x[n] - mean) / deviation, 1e-13 * fmax(1, fabs(x[n])));
    for (size_t n = count; n < set.points; n++)
        ck_assert_double_eq(window[n], 0);
    free(input);
}

// What is learned from, 1 .. 5 in the first channel, has mean 3 and variance 2; the second is constant.
START_TEST(series_are_standardised_and_padded) {
    write_ts(TRAIN_TS, TEST_TS);
    ck_assert_msg(load_series(series_task(&es_ts), 2) == ES_OK, "%s", error.text);
    ck_assert_uint_eq(set.samples, 4);
    ck_assert_uint_eq(set.folds, 2);
    assert_sample(0, "x_TRAIN.ts:10", 0, 1, 3);
    assert_sample(1, "x_TRAIN.ts:11", 1, 1, 2);
    assert_sample(2, "x_TEST.ts:11", 1, 0, 5);
    assert_sample(3, "x_TEST.ts:12", 0, 0, 1);
    assert_window(0, 0, 3, (double[]){1, 2, 3}, 3, sqrt(2));
    assert_window(0, 1, 3, (double[]){10, 10, 10}, 10, 1);
    assert_window(1, 0, 2, (double[]){4, 5}, 3, sqrt(2));
    assert_window(2, 0, 5, (double[]){100, -3, 7, 1, 8}, 3, sqrt(2));
    assert_window(2, 1, 5, (double[]){12, 10, 8, 10, 10}, 10, 1);
    assert_window(3, 1, 1, (double[]){7}, 10, 1);
    assert_counted(0, 0, 4);
    ck_assert(!set.windowed);
}
END_TEST

START_TEST(nothing_is_fitted_to_what_is_tested) {
    struct es_dataset other;
    double input[10], again[10];
    write_ts(TRAIN_TS, TEST_TS);
    ck_assert_int_eq(load_series(series_task(&es_ts), 2), ES_OK);
    other = set;
    write_ts(TRAIN_TS, TS_HEAD TS_DATA "1e6,2:3,-1e9:1\n");
    ck_assert_int_eq(load_series(series_task(&es_ts), 2), ES_OK);
    for (size_t i = 0; i < 2; i++) {
        es_dataset_window(&other, i, true, 1, 1, input);
        es_dataset_window(&set, i, true, 1, 1, again);
        ck_assert_mem_eq(input, again, sizeof input);
    }
    es_dataset_free(&other);
    es_dataset_free(&set);
    write_ts(TRAIN_TS, TEST_TS);
    struct es_task task = series_task(&es_ts);
    task.fold = 1; // tested on the first file, so fitted to the second: 100, -3, 7, 1, 8, 7
    ck_assert_int_eq(load_series(task, 2), ES_OK);
    assert_window(0, 0, 3, (double[]){1, 2, 3}, 20, sqrt((80 * 80 + 23 * 23 + 13 * 13 + 19 * 19 + 12 * 12 + 13 * 13) / 6.0));
}
END_TEST

START_TEST(mask_ends_with_the_series) {
    struct es_task task = series_task(&es_ts);
    write_ts(TRAIN_TS, TS_HEAD TS_DATA "100,-3,7,1,8:12,10,8,10,10:2\n");
    task.mask = true;
    ck_assert_int_eq(load_series(task, 2), ES_OK);
    ck_assert(set.windowed);
    ck_assert_uint_eq(set.sample[0].counted, 2);
    assert_counted(0, 0, 2);
    assert_counted(1, 0, 1);
    assert_counted(2, 0, 4);
    es_dataset_free(&set);
    write_ts(TS_HEAD TS_DATA "1,2,3:1,2,3:1\n4,5,6,7:1,2,3,4:2\n", TS_HEAD TS_DATA "1,2,3:1,2,3:1\n");
    task.from = 1e-4, task.to = 3e-4;
    ck_assert_int_eq(load_series(task, 2), ES_OK);
    assert_counted(0, 1, 2);
    assert_counted(1, 1, 3);
    es_dataset_free(&set);
    task.from = 2e-4;
    assert_refused(load_series(task, 2), "x_TRAIN.ts:10", "3 points", "mask", NULL);
    task.from = 0, write_ts(TRAIN_TS, TEST_TS);
    assert_refused(load_series(task, 2), "x_TEST.ts:12", "1 points", NULL);
}
END_TEST

// Averages of two; the fifth and seventh value are left over.
START_TEST(rest_of_a_group_is_dropped) {
    struct es_task task = series_task(&es_ts);
    task.decimate = 2, task.points = 3;
    write_ts(TS_DATA "1,3,2,6,100:1\n", TS_DATA "9,11,15,25,30,36,-9:2\n");
    ck_assert_msg(load_series(task, 1) == ES_OK, "%s", error.text);
    assert_sample(0, "x_TRAIN.ts:3", 0, 1, 2);
    assert_window(0, 0, 2, (double[]){2, 4}, 3, 1);
    assert_window(1, 0, 3, (double[]){10, 20, 33}, 3, 1);
    es_dataset_free(&set);
    task.points = 2;
    assert_refused(load_series(task, 1), path_of("x_TEST.ts"), "line 3", "7 values", "3 points", NULL);
    task.decimate = 6, task.points = 5;
    assert_refused(load_series(task, 1), path_of("x_TRAIN.ts"), "line 3", "5 values", "0 points", NULL);
}
END_TEST

START_TEST(archive_headers_are_read) {
    write_ts("\xef\xbb\xbf% a comment\r\n@problemname\tx\r\n@dimension 1\r\n@equallength TRUE\r\n@serieslength 3 \r\n@classlabel "
             "true 2 1\r\n"
             "@DATA \r\n 1, 2 ,3 : 2 \r\n#\r\n1,2,4:1",
             "@classLabel true 1\n@targetLabel false\n@data\n.5,-1E1,+3.:1\n");
    ck_assert_msg(load_series(series_task(&es_ts), 1) == ES_OK, "%s", error.text);
    ck_assert_uint_eq(set.samples, 3);
    ck_assert_int_eq(set.sample[0].label, 1);
    ck_assert_int_eq(set.sample[1].label, 0);
    assert_window(2, 0, 3, (double[]){0.5, -10, 3}, 13 / 6.0, sqrt(35 / 6.0 - 169 / 36.0));
}
END_TEST

// ---- tables

START_TEST(columns_are_channel_after_channel) {
    struct es_task task = series_task(&es_csv);
    write_text("train.csv", "\"information\",x2,y1,y2,class\n1,2,30,40,1\n# left out\n3,6,50,40,2\n");
    write_text("test.csv", "4 3 40 40 2\n");
    task.test = "test.csv";
    ck_assert_msg(load_series(task, 2) == ES_OK, "%s", error.text);
    ck_assert_uint_eq(set.folds, 2);
    assert_sample(0, "train.csv:2", 0, 1, 2);
    assert_sample(1, "train.csv:4", 1, 1, 2);
    assert_sample(2, "test.csv:1", 1, 0, 2);
    assert_window(0, 0, 2, (double[]){1, 2}, 3, sqrt(3.5));
    assert_window(1, 1, 2, (double[]){50, 40}, 40, sqrt(50));
    assert_window(2, 0, 2, (double[]){4, 3}, 3, sqrt(3.5));
}
END_TEST

// One value for each channel is constant; in fold 1 the fit is to rows 1 and 3.
START_TEST(folds_of_a_table) {
    struct es_task task = series_task(&es_csv);
    write_text("train.csv", "1\t5\t1\n7\t5\t2\n3\t9\t2\n");
    write_text("folds.txt", "0\n1\n\n2\n");
    task.folds = "folds.txt", task.fold = 1;
    ck_assert_msg(load_series(task, 2) == ES_OK, "%s", error.text);
    ck_assert_uint_eq(set.folds, 3);
    for (size_t i = 0; i < 3; i++)
        ck_assert_int_eq(set.sample[i].fold, (int)i);
    assert_window(1, 0, 5, (double[]){7, 7, 7, 7, 7}, 2, 1);
    assert_window(2, 1, 5, (double[]){9, 9, 9, 9, 9}, 7, 2);
    es_dataset_free(&set);
    task.folds = "";
    ck_assert_int_eq(load_series(task, 2), ES_OK);
    ck_assert_uint_eq(set.folds, 1);
    assert_window(0, 0, 5, (double[]){1, 1, 1, 1, 1}, 11 / 3.0, sqrt(59 / 3.0 - 121 / 9.0));
}
END_TEST

START_TEST(bad_folds_of_a_table_are_refused) {
    static const struct {
        const char *folds, *text[2];
    } bad[] = {{"0\n1\n", {"line 3", "2 folds"}},   {"0\n1\n0\n1\n", {"line 4", "3 rows"}},
               {"0\nx\n1\n", {"line 2", "\"x\""}},  {"0\n1 1\n1\n", {"line 2", "\"1 1\""}},
               {"0\n1000\n1\n", {"line 2", "999"}}, {"0\n2\n0\n", {"fold 1", "2"}},
               {"", {"line 1", "0 folds"}}};
    struct es_task task = series_task(&es_csv);
    task.folds = "folds.txt";
    write_text("train.csv", "1,5,1\n7,5,2\n3,9,2\n");
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        write_text("folds.txt", bad[i].folds);
        assert_refused(load_series(task, 2), path_of("folds.txt"), bad[i].text[0], bad[i].text[1], NULL);
    }
}
END_TEST

START_TEST(labels_find_their_class) {
    const char *const class[] = {"c_1", "c1", "Iris_setosa", "plus", "c2_0"};
    struct es_task task = series_task(&es_csv);
    write_text("train.csv", "1,2,-1\n1,2,1\n1,2,Iris-setosa\n1,2, \"plus\" \n1,3,2.0\n");
    ck_assert_msg(es_csv.load(&task, directory, roles(1, 5, 5, class), &set, &error) == ES_OK, "%s", error.text);
    for (int i = 0; i < 5; i++)
        ck_assert_int_eq(set.sample[i].label, i);
    es_dataset_free(&set);
    const char *const both[] = {"c1", "cc1"};
    write_text("train.csv", "1,2,c1\n1,2,cc1\n");
    ck_assert_int_eq(es_csv.load(&task, directory, roles(1, 2, 2, both), &set, &error), ES_OK);
    ck_assert_int_eq(set.sample[0].label, 0);
    ck_assert_int_eq(set.sample[1].label, 1);
    es_dataset_free(&set);
    write_text("train.csv", "1,2,1\n1,2,2\n1,2,c1\n");
    assert_refused(load_series(task, 1), path_of("train.csv"), "line 3", "\"c1\"", "\"1\"", NULL);
    write_text("train.csv", "1,2,1\n1,2,2\n1,2,3\n");
    assert_refused(load_series(task, 1), path_of("train.csv"), "line 3", "\"3\"", "c1, c2", "class=\"c1\" is for 1", NULL);
    write_text("train.csv", "1,2,1\n1,2,1\n");
    assert_refused(load_series(task, 1), path_of("train.csv"), "no sample", "\"c2\"", NULL);
}
END_TEST

// ---- images

static void write_idx(const char *name, size_t sizes, const unsigned *size, size_t bytes, const unsigned char *value) {
    unsigned char file[256] = {0, 0, 8, (unsigned char)sizes};
    for (size_t i = 0; i < 4 * sizes; i++)
        file[4 + i] = (unsigned char)(size[i / 4] >> (24 - 8 * (i % 4)));
    memcpy(file + 4 + 4 * sizes, value, bytes);
    write_bytes(name, file, 4 + 4 * sizes + bytes);
}

static void write_images(void) {
    write_idx("a", 3, (unsigned[]){2, 2, 3}, 12, (unsigned char[]){0, 1, 2, 3, 4, 5, 255, 254, 253, 252, 251, 250});
    write_idx("b", 1, (unsigned[]){2}, 2, (unsigned char[]){2, 1});
    write_idx("c", 3, (unsigned[]){1, 2, 3}, 6, (unsigned char[]){9, 8, 7, 6, 5, 4});
    write_idx("d", 1, (unsigned[]){1}, 1, (unsigned char[]){1});
}

START_TEST(images_are_series) {
    struct es_task task = series_task(&es_idx);
    double deviation =
        sqrt((2 * (127.5 * 127.5 + 126.5 * 126.5 + 125.5 * 125.5 + 124.5 * 124.5 + 123.5 * 123.5 + 122.5 * 122.5)) / 12);
    write_images();
    task.points = 7;
    ck_assert_msg(load_series(task, 1) == ES_OK, "%s", error.text);
    assert_sample(0, "a:0", 1, 1, 6);
    assert_sample(2, "c:0", 0, 0, 6);
    assert_window(0, 0, 6, (double[]){0, 1, 2, 3, 4, 5}, 127.5, deviation);
    assert_window(2, 0, 6, (double[]){9, 8, 7, 6, 5, 4}, 127.5, deviation);
    es_dataset_free(&set);
    ck_assert_int_eq(load_series(task, 2), ES_OK); // all pixels have one mean
    assert_window(1, 0, 3, (double[]){255, 254, 253}, 127.5, deviation);
    assert_window(1, 1, 3, (double[]){252, 251, 250}, 127.5, deviation);
    es_dataset_free(&set);
    task.points = 2;
    ck_assert_int_eq(load_series(task, 6), ES_OK); // a channel for each pixel, constant
    for (size_t c = 0; c < 6; c++)
        assert_window(2, c, 2, (double[]){9 - (double)c, 9 - (double)c}, 127.5, deviation);
    es_dataset_free(&set);
    assert_refused(load_series(task, 3), path_of("c"), "2 rows", "3 input channels", NULL);
    task.points = 5;
    assert_refused(load_series(task, 1), path_of("a"), "image 0", "6 values", NULL);
}
END_TEST

START_TEST(bad_images_are_refused) {
    struct es_task task = series_task(&es_idx);
    task.points = 7;
    static const unsigned size[][3] = {{2, 2, 4}, {2, 2, 2}, {~0u, ~0u, ~0u}, {1u << 31, 1u << 31, 1u << 2},
                                       {0, 2, 3}, {2, 0, 3}};
    for (size_t i = 0; i < sizeof size / sizeof *size; i++) {
        write_images();
        write_idx("a", 3, size[i], 12, (unsigned char[12]){0});
        assert_refused(load_series(task, 1), path_of("a"), "promises", "12 follow", NULL);
    }
    write_images();
    write_bytes("a", "\0\0\10\3\0\0\0\2\0\0\0\2\0\0\0", 15);
    assert_refused(load_series(task, 1), path_of("a"), "0x00000803", NULL);
    write_bytes("a", "\x1f\x8b\10\3\0\0\0\2\0\0\0\2\0\0\0\3", 16);
    assert_refused(load_series(task, 1), path_of("a"), "unpack", NULL);
    write_bytes("a", "", 0);
    assert_refused(load_series(task, 1), path_of("a"), "0x00000803", NULL);
    write_images();
    write_idx("b", 1, (unsigned[]){3}, 3, (unsigned char[]){2, 1, 1});
    assert_refused(load_series(task, 1), path_of("b"), "3 labels", path_of("a"), NULL);
    write_idx("b", 1, (unsigned[]){2}, 2, (unsigned char[]){2, 7});
    assert_refused(load_series(task, 1), path_of("a"), "image 1", "\"7\"", NULL);
    remove(path_of("d"));
    assert_refused(load_series(task, 1), path_of("d"), "No such file", NULL);
}
END_TEST

// ---- forecasts

static double series_value(size_t i) {
    return (double)(i * i % 23) - 7.25;
}

static void write_series(const char *head, const char *format, size_t count) {
    FILE *file = fopen(path_of("series.txt"), "w");
    fputs(head, file);
    for (size_t i = 0; i < count; i++)
        fprintf(file, format, series_value(i), 3 * series_value(i + 100) + 1);
    fclose(file);
}

static void moments(double (*value)(size_t), size_t begin, size_t end, double *mean, double *deviation) {
    double sum = 0, squares = 0, count = (double)(end - begin);
    for (size_t i = begin; i < end; i++)
        sum += value(i), squares += value(i) * value(i);
    *mean = sum / count;
    *deviation = sqrt(squares / count - *mean * *mean);
}

// The sample's target at the last point is y[index], and its input ends with x[index - ahead].
static void assert_forecast(size_t sample, size_t index, size_t ahead, double (*y)(size_t), double mean_y, double deviation_y) {
    double mean, deviation;
    const struct es_sample *s = &set.sample[sample];
    moments(series_value, 0, 20, &mean, &deviation);
    ck_assert_uint_eq(s->wave.length, 5);
    ck_assert_int_eq(s->label, -1);
    for (size_t n = 0; n < 5; n++) {
        ck_assert_double_eq_tol(s->wave.value[n], 0.5 * (series_value(index - ahead - 4 + n) - mean) / deviation, 1e-13);
        for (size_t o = 0; o < set.outputs; o++)
            ck_assert_double_eq_tol(s->target[5 * o + n], 2e-9 * (y(index - 4 + n) - mean_y) / deviation_y, 1e-21);
    }
}

START_TEST(forecasts_are_of_what_comes_after) {
    struct es_task task = series_task(&es_forecast);
    double mean, deviation, tested, spread;
    moments(series_value, 0, 20, &mean, &deviation);
    moments(series_value, 20, 30, &tested, &spread);
    for (task.ahead = 1; task.ahead < 5; task.ahead += 3)
        for (size_t outputs = 1; outputs < 3; outputs++) {
            write_series("", "%.17g\n", 30);
            ck_assert_msg(es_forecast.load(&task, directory, roles(1, outputs, 0, NULL), &set, &error) == ES_OK, "%s",
                          error.text);
            size_t first = 4 + task.ahead;
            ck_assert_uint_eq(set.samples, 30 - first);
            ck_assert_uint_eq(set.folds, 2);
            for (size_t i = 0; i < set.samples; i++) {
                ck_assert_int_eq(set.sample[i].fold, first + i < 20);
                assert_forecast(i, first + i, task.ahead, series_value, mean, deviation);
            }
            ck_assert_double_eq_tol(es_dataset_target_variance(&set, 0), pow(2e-9 * spread / deviation, 2), 1e-30);
            double counted, tracked = es_dataset_tracked_variance(&set, 0, &counted);
            ck_assert(counted == 10 * 4 && tracked > 0);
            es_dataset_free(&set);
        }
}
END_TEST

START_TEST(training_windows_have_a_stride) {
    struct es_task task = series_task(&es_forecast);
    double mean, deviation;
    moments(series_value, 0, 20, &mean, &deviation);
    write_series("# of a test\n\"month\",value\n", "1749-01, %.17g ,x\r\n", 30);
    task.input_column = task.target_column = 1, task.stride = 4;
    ck_assert_msg(load_series(task, 1) == ES_OK, "%s", error.text);
    const size_t index[] = {5, 9, 13, 17, 20, 21, 22};
    ck_assert_uint_eq(set.samples, 14);
    for (size_t i = 0; i < 7; i++)
        assert_forecast(i, index[i], 1, series_value, mean, deviation);
    ck_assert_str_eq(set.sample[3].name, "series.txt-17");
    ck_assert_int_eq(set.sample[3].fold, 1);
    ck_assert_int_eq(set.sample[4].fold, 0);
}
END_TEST

static double other_value(size_t i) {
    return 3 * series_value(i + 100) + 1;
}

START_TEST(another_column_is_told) {
    struct es_task task = series_task(&es_forecast);
    double mean, deviation;
    moments(other_value, 0, 20, &mean, &deviation);
    write_series("", "%.17g\t%.17g\n", 30);
    task.target_column = 1, task.ahead = 0;
    ck_assert_msg(load_series(task, 1) == ES_OK, "%s", error.text);
    ck_assert_uint_eq(set.samples, 26);
    for (size_t i = 0; i < 26; i++)
        assert_forecast(i, 4 + i, 0, other_value, mean, deviation);
}
END_TEST

START_TEST(no_forecast_is_fitted_to_what_is_tested) {
    struct es_task task = series_task(&es_forecast);
    write_series("", "%.17g\n", 30);
    ck_assert_int_eq(load_series(task, 1), ES_OK);
    struct es_dataset all = set;
    FILE *file = fopen(path_of("series.txt"), "w");
    for (size_t i = 0; i < 30; i++)
        fprintf(file, "%.17g\n", i < 20 ? series_value(i) : 1e6 * (double)i);
    fclose(file);
    ck_assert_int_eq(load_series(task, 1), ES_OK);
    for (size_t i = 0; i < 15; i++) { // the samples to learn from, and no more
        ck_assert_mem_eq(all.sample[i].wave.value, set.sample[i].wave.value, 5 * sizeof(double));
        ck_assert_mem_eq(all.sample[i].target, set.sample[i].target, 5 * sizeof(double));
    }
    ck_assert_mem_ne(all.sample[15].target, set.sample[15].target, 5 * sizeof(double));
    es_dataset_free(&all);
}
END_TEST

START_TEST(bad_forecasts_are_refused) {
    struct es_task task = series_task(&es_forecast);
    const char *path = directory;
    write_series("", "%.17g\n", 30);
    assert_refused(load_series(task, 2), "line 42", "2 input channels", NULL);
    assert_refused(es_forecast.load(&task, directory, roles(1, 0, 0, NULL), &set, &error), "line 42", "0 outputs", NULL);
    task.train_values = 30;
    assert_refused(load_series(task, 1), path, "30 values", "0 to test", NULL);
    task.train_values = 5;
    assert_refused(load_series(task, 1), path, "0 windows", NULL);
    task.train_values = SIZE_MAX;
    assert_refused(load_series(task, 1), path, "0 to test", NULL);
    task = series_task(&es_forecast), task.points = 31;
    assert_refused(load_series(task, 1), path, "30 values", "31 points", NULL);
    task.points = 5, task.ahead = 0;
    assert_refused(load_series(task, 1), "line 42", "ahead is 0", NULL);
    task.ahead = 1, task.target = 0;
    assert_refused(load_series(task, 1), "line 42", "target is 0", NULL);
    task.target = 1, task.input_column = 1;
    assert_refused(load_series(task, 1), path, "line 1", "1 columns", "column 1", NULL);
    task.input_column = 0;
    static const struct {
        const char *text[3];
    } bad[] = {{{"1\n2\nx\n", "line 3", "\"x\""}},     {{"?\n1\n", "line 1", "missing"}},    {{"1\nnan\n", "line 2", "missing"}},
               {{"nan\n1\n", "line 1", "\"nan\""}},    {{"1\n-inf\n", "line 2", "-inf"}},    {{"1\n1e999\n", "line 2", "1e999"}},
               {{"1\n0x10\n", "line 2", "0x10"}},      {{"1\n1 2\n,3\n", "line 3", "\"\""}}, {{"", "0 values", "windows"}},
               {{"a title\n", "0 values", "windows"}}, {{"1\na title\n", "line 2", "\"a\""}}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        write_text("series.txt", bad[i].text[0]);
        assert_refused(load_series(task, 1), path_of("series.txt"), bad[i].text[1], bad[i].text[2], NULL);
    }
}
END_TEST

// ---- series that are refused

static const struct {
    const char *train, *text[3];
} bad_ts[] = {
    {"", {"line 1", "@data", "ends"}},
    {TS_HEAD, {"line 8", "@data", "ends"}},
    {"1,2:1,2:1\n", {"line 1", "\"1,2:1,2:1\"", "before @data"}},
    {"@seriesLenght 3\n" TS_DATA, {"line 1", "\"@seriesLenght\"", "before @data"}},
    {"@dimensions 1000000000\n" TS_DATA, {"line 1", "\"1000000000\"", "expected 2"}},
    {"@dimensions\n" TS_DATA, {"line 1", "@dimensions is \"\"", "expected 2"}},
    {"@dimensions 99999999999999999999\n" TS_DATA, {"line 1", "\"99999999999999999999\"", "expected 2"}},
    {"@seriesLength 99999999999999999999\n" TS_DATA, {"line 1", "@seriesLength", "whole"}},
    {"@equalLength true\n@seriesLength 18446744073709551615\n" TS_DATA "1,2:1,2:1\n",
     {"line 5", "2 values", "18446744073709551615"}},
    {"@equalLength true\n" TS_DATA "1,2:1,2:1\n1:1:1\n", {"line 5", "1 values", "expected 2"}},
    {"@timeStamps true\n" TS_DATA, {"line 1", "@timeStamps", "false"}},
    {"@targetLabel true\n" TS_DATA, {"line 1", "@targetLabel", "false"}},
    {"@classLabel false\n@data\n", {"line 1", "@classLabel", "classes are to be learned"}},
    {"@classLabel\n@data\n", {"line 1", "@classLabel", "classes are to be learned"}},
    {"@classLabel true 1 2 3\n@data\n", {"line 1", "\"3\"", "c1, c2"}},
    {TS_DATA "1,2:1,2\n", {"line 3", "2 parts", "expected 3"}},
    {TS_DATA "1,2:1,2:1,2:1\n", {"line 3", "4 parts", "expected 3"}},
    {TS_DATA "1,2:1,2,3:1\n", {"line 3", "channel 2 has 3", "expected 2"}},
    {TS_DATA "1,2:1:1\n", {"line 3", "channel 2 has 1", "expected 2"}},
    {TS_DATA "1,?:1,2:1\n", {"line 3", "value 2 is \"?\"", "missing"}},
    {TS_DATA "1,2:1,NaN:1\n", {"line 3", "value 4 is \"NaN\"", "missing"}},
    {TS_DATA "1,2:,2:1\n", {"line 3", "value 3 is \"\"", "missing"}},
    {TS_DATA "1,inf:1,2:1\n", {"line 3", "value 2 is \"inf\"", "1e+100"}},
    {TS_DATA "1,-2e100:1,2:1\n", {"line 3", "\"-2e100\"", "1e+100"}},
    {TS_DATA "1,2e:1,2:1\n", {"line 3", "\"2e\"", "1e+100"}},
    {TS_DATA "(0,1),(1,2):(0,1):1\n", {"line 3", "value 1 is \"(0\"", ""}},
    {TS_DATA "1,2:1,2:\n", {"line 3", "class is \"\"", "c1, c2"}},
    {TS_DATA "1,2:1,2:1:\n", {"line 3", "4 parts", "expected 3"}},
    {TS_DATA "1,2,3,4,5,6:1,2,3,4,5,6:1\n", {"line 3", "6 values", "task's 5"}},
    {TS_DATA "1,2:1,2:1\n", {"no sample", "\"c2\"", ""}},
    {TS_DATA "1,2:1,2:\x1b\n", {"line 3", "27", ""}},
};

START_TEST(bad_ts_files_are_refused) {
    const char *const *text = bad_ts[_i].text;
    write_ts(bad_ts[_i].train, TS_HEAD TS_DATA "1,2:3,4:1\n");
    enum es_status status = load_series(series_task(&es_ts), 2);
    assert_refused(status, strstr(error.text, "no sample") ? directory : path_of("x_TRAIN.ts"), text[0], text[1], text[2], NULL);
}
END_TEST

START_TEST(bad_directories_of_ts_files_are_refused) {
    struct es_task task = series_task(&es_ts);
    assert_refused(load_series(task, 2), directory, "0 files", "_TEST.ts", NULL);
    write_ts(TRAIN_TS, TEST_TS);
    write_text("y_TRAIN.ts", TRAIN_TS);
    assert_refused(load_series(task, 2), directory, "2 files", "_TRAIN.ts", NULL);
    remove(path_of("y_TRAIN.ts"));
    assert_refused(es_ts.load(&task, NULL, roles(2, 2, 2, one_two), &set, &error), "ts", "--data", NULL);
    assert_refused(es_ts.load(&task, path_of("x_TEST.ts"), roles(2, 2, 2, one_two), &set, &error), path_of("x_TEST.ts"),
                   "directory", NULL);
    assert_refused(es_ts.load(&task, directory, roles(0, 2, 2, one_two), &set, &error), "line 42", "0 input", NULL);
    assert_refused(es_ts.load(&task, directory, roles(2, 2, 0, one_two), &set, &error), "line 42", "0 classes", NULL);
    task.amplitude = 0;
    assert_refused(load_series(task, 2), "line 42", "amplitude is 0", NULL);
    task = series_task(&es_ts), task.points = 1;
    assert_refused(load_series(task, 2), "line 42", "1 points", NULL);
    task.points = 40000000;
    assert_refused(load_series(task, 2), path_of("x_TRAIN.ts"), "line 10", "512 MiB", NULL);
    task.points = 5, remove(path_of("x_TEST.ts"));
    ck_assert_int_eq(mkfifo(path_of("x_TEST.ts"), 0600), 0);
    assert_refused(load_series(task, 2), path_of("x_TEST.ts"), "not a regular file", NULL);
}
END_TEST

static const struct {
    const char *table, *text[3];
} bad_csv[] = {
    {"1,2,1\n1,2\n", {"line 2", "2 columns", "3 as before"}},
    {"1,2,3,1\n", {"line 1", "4 columns", "2 input channels"}},
    {"1\n", {"line 1", "1 columns", "2 input channels"}},
    {"1,?,1\n", {"line 1", "value 2 is \"?\"", "missing"}},
    {"1,,1\n", {"line 1", "value 2 is \"\"", "missing"}},
    {"?,1,1\n", {"line 1", "value 1 is \"?\"", "missing"}},
    {"x,y,z\nx,y,z\n", {"line 2", "value 1 is \"x\"", ""}},
    {"NA,2,1\n1,2,1\n", {"line 1", "value 1 is \"NA\"", ""}},
    {"nan,x,y\n1,2,1\n", {"line 1", "value 1 is \"nan\"", "missing"}},
    {"1,0x1,1\n", {"line 1", "value 2 is \"0x1\"", ""}},
    {"1,2,1\n3,4,\n", {"line 2", "class is \"\"", "c1, c2"}},
    {"1,2,3,4,5,6,7,8,9,10,11,12,1\n", {"line 1", "6 values", "task's 5"}},
    {"", {"no sample", "\"c1\"", ""}},
};

START_TEST(bad_tables_of_samples_are_refused) {
    const char *const *text = bad_csv[_i].text;
    write_text("train.csv", bad_csv[_i].table);
    assert_refused(load_series(series_task(&es_csv), 2), path_of("train.csv"), text[0], text[1], text[2], NULL);
}
END_TEST

START_TEST(large_tables_of_samples_are_refused) {
    struct es_task task = series_task(&es_csv);
    FILE *file = fopen(path_of("train.csv"), "w");
    for (int i = 0; i < 4000000; i++)
        fputs("1,", file);
    fputs("1\n", file);
    fclose(file);
    assert_refused(load_series(task, 2), path_of("train.csv"), "line 1", "2000000 values", NULL);
    file = fopen(path_of("train.csv"), "w");
    for (int i = 0; i < 100001; i++)
        fprintf(file, "1,2,%d\n", i % 2 + 1);
    fclose(file);
    assert_refused(load_series(task, 2), path_of("train.csv"), "line 100001", "100000", NULL);
    write_bytes("train.csv", "1,2,1\n1,\0,2\n", 12);
    assert_refused(load_series(task, 2), path_of("train.csv"), "line 2", "value 0", NULL);
    write_text("train.csv", "1,2,1\n");
    task.decimate = 2;
    assert_refused(load_series(task, 2), path_of("train.csv"), "line 1", "1 values", "0 points", NULL);
}
END_TEST

// Good files with bytes changed, cut or added: read or refused with a sentence, and nothing else.
START_TEST(changed_files_are_read_or_refused) {
    const struct es_data_kind *const kinds[] = {&es_ts, &es_csv, &es_idx, &es_forecast};
    const char *const file[] = {"x_TRAIN.ts", "train.csv", "a", "series.txt"};
    const char *const text[] = {TRAIN_TS, "1,2,30,40,1\n3,6,50,40,2\n", NULL, "a b\n1 2\n2 3\n3 1\n4 7\n5 8\n6 1\n7 7\n8 7\n"};
    struct es_stream stream = {.seed = 1, .purpose = ES_RANDOM_TEST, .id = (uint64_t)_i};
    static const char special[] = {0, '\n', ',', ':', '-', 'e', '9', '@', '?', '\xff', ' ', '#', '\t', '"'};
    struct es_task task = series_task(kinds[_i]);
    task.points = kinds[_i] == &es_idx ? 7 : 3, task.train_values = 6;
    for (int turn = 0; turn < 400; turn++) {
        char bytes[1024];
        write_ts(TRAIN_TS, TS_HEAD TS_DATA "1,2:3,4:1\n");
        write_images();
        FILE *from = fopen(path_of(file[_i]), text[_i] ? "w+" : "r");
        fwrite(text[_i] ? text[_i] : "", 1, text[_i] ? strlen(text[_i]) : 0, from);
        rewind(from);
        size_t size = fread(bytes, 1, sizeof bytes, from);
        fclose(from);
        for (uint64_t k = es_random_below(&stream, 4); k < 4; k++)
            bytes[es_random_below(&stream, size)] = special[es_random_below(&stream, sizeof special)];
        write_bytes(file[_i], bytes, es_random_below(&stream, 3) ? size : es_random_below(&stream, size));
        enum es_status status = load_series(task, kinds[_i] == &es_ts ? 2 : 1);
        if (status)
            assert_refused(status, "expected", NULL);
        es_dataset_free(&set);
    }
}
END_TEST

// ---- the real recordings and series

START_TEST(real_vowels_are_read) {
    const char *shared = getenv("ES_SHARED_DATA");
    char path[512];
    snprintf(path, sizeof path, "%s/vowels_ae_ei_iy", shared ? shared : "");
    if (!shared || access(path, R_OK)) {
        puts("SKIP: real_vowels_are_read: ES_SHARED_DATA names no directory with vowels_ae_ei_iy");
        return;
    }
    struct es_task task = vowel_task();
    task.folds = "fold_speaker";
    ck_assert_int_eq(es_wav_folder.load(&task, path, roles(1, 3, 3, vowel), &set, &error), ES_OK);
    ck_assert_uint_eq(set.samples, 279);
    ck_assert_uint_eq(set.folds, 5);
    size_t count[3] = {0};
    for (size_t i = 0; i < set.samples; i++) {
        count[set.sample[i].label]++;
        ck_assert_uint_eq(set.sample[i].wave.length, 2500);
        for (size_t j = 0; j < i; j++)
            ck_assert(strncmp(set.sample[i].name, set.sample[j].name, 3) || set.sample[i].fold == set.sample[j].fold);
    }
    for (size_t c = 0; c < 3; c++)
        ck_assert_uint_eq(count[c], 93);
}
END_TEST

static const char *const digit[] = {"c0", "c1", "c2", "c3", "c4", "c5", "c6", "c7", "c8", "c9"};
static const char *const speaker[] = {"c1", "c2", "c3", "c4", "c5", "c6", "c7", "c8", "c9"};
static const char *const side[] = {"negativity", "positivity"};
static const char *const iris[] = {"Iris_setosa", "Iris_versicolor", "Iris_virginica"};

static const struct {
    const char *directory;
    struct es_task task;
    size_t channels, classes, learned, tested, folds, shortest, longest;
    const char *const *class;
} real[] = {
    {"JapaneseVowels", {.kind = &es_ts, .points = 29}, 12, 9, 270, 370, 2, 7, 29, speaker},
    {"ItalyPowerDemand", {.kind = &es_ts, .points = 24}, 1, 2, 67, 1029, 2, 24, 24, one_two},
    {"Chinatown", {.kind = &es_ts, .points = 24}, 1, 2, 20, 343, 2, 24, 24, one_two},
    {"UnitTest", {.kind = &es_ts, .points = 30}, 1, 2, 20, 22, 2, 24, 24, one_two},
    {"SCP1ch1", {.kind = &es_ts, .points = 56, .decimate = 16}, 1, 2, 268, 293, 2, 56, 56, side},
    {"optdigits",
     {.kind = &es_csv, .points = 64, .train = "optdigits.tra", .test = "optdigits.tes"},
     1,
     10,
     3823,
     1797,
     2,
     64,
     64,
     digit},
    {"optdigits",
     {.kind = &es_csv, .points = 8, .train = "optdigits.tra", .test = "optdigits.tes"},
     8,
     10,
     3823,
     1797,
     2,
     8,
     8,
     digit},
    {"static", {.kind = &es_csv, .points = 4, .train = "iris.csv", .folds = "iris_folds.txt"}, 1, 3, 120, 30, 5, 4, 4, iris},
    {"static", {.kind = &es_csv, .points = 9, .train = "iris.csv", .folds = "iris_folds.txt"}, 4, 3, 120, 30, 5, 9, 9, iris},
    {"static", {.kind = &es_csv, .points = 13, .train = "wine.csv", .folds = "wine_folds.txt"}, 1, 3, 141, 37, 5, 13, 13, digit + 1},
    {"static",
     {.kind = &es_csv, .points = 4, .train = "banknote_authentication.csv", .folds = "banknote_authentication_folds.txt"},
     1,
     2,
     1097,
     275,
     5,
     4,
     4,
     digit},
    {"mnist14",
     {.kind = &es_idx,
      .points = 196,
      .train_images = "train6000-images.idx3-ubyte",
      .train_labels = "train6000-labels.idx1-ubyte",
      .test_images = "test2000-images.idx3-ubyte",
      .test_labels = "test2000-labels.idx1-ubyte"},
     1,
     10,
     6000,
     2000,
     2,
     196,
     196,
     digit},
    {"mnist14",
     {.kind = &es_idx,
      .points = 14,
      .train_images = "train6000-images.idx3-ubyte",
      .train_labels = "train6000-labels.idx1-ubyte",
      .test_images = "test2000-images.idx3-ubyte",
      .test_labels = "test2000-labels.idx1-ubyte"},
     14,
     10,
     6000,
     2000,
     2,
     14,
     14,
     digit},
    {"forecast",
     {.kind = &es_forecast, .points = 20, .file = "santafe_laser_A_rows1-4000.txt", .train_values = 3000},
     1,
     0,
     2980,
     1000,
     2,
     20,
     20,
     NULL},
    {"forecast",
     {.kind = &es_forecast,
      .points = 36,
      .file = "monthly_sunspots_1749_1983.csv",
      .train_values = 2000,
      .input_column = 1,
      .target_column = 1},
     1,
     0,
     1964,
     820,
     2,
     36,
     36,
     NULL},
    {"generated",
     {.kind = &es_forecast, .points = 18, .file = "mackey_glass_tau17.txt", .train_values = 2000, .ahead = 84},
     1,
     0,
     1899,
     2000,
     2,
     18,
     18,
     NULL},
    {"generated",
     {.kind = &es_forecast, .points = 30, .file = "narma10_seed1.tsv", .train_values = 2000, .target_column = 1},
     1,
     0,
     1971,
     2000,
     2,
     30,
     30,
     NULL},
};

// Every channel of what is learned from has mean 0 and deviation 1.
static void assert_standardised(const struct es_dataset *from, bool joint) {
    double sum = 0, squares = 0, count = 0;
    for (size_t c = 0; c < from->channels; c++) {
        for (size_t i = 0; i < from->samples; i++)
            for (size_t n = 0; n < from->sample[i].length && from->sample[i].fold != 0; n++, count++) {
                double x = from->sample[i].wave.value[c * from->points + n];
                sum += x, squares += x * x;
            }
        if (joint && c + 1 < from->channels)
            continue;
        ck_assert_double_eq_tol(sum / count, 0, 1e-9);
        ck_assert(squares == 0 || fabs(squares / count - 1) < 1e-9); // some pixels are always 0
        sum = squares = count = 0;
    }
}

START_TEST(real_series_are_read) {
    const char *shared = getenv("ES_SHARED_DATA");
    char path[512];
    snprintf(path, sizeof path, "%s/%s", shared ? shared : "", real[_i].directory);
    if (!shared || access(path, R_OK)) {
        printf("SKIP: real_series_are_read: ES_SHARED_DATA names no directory with %s\n", real[_i].directory);
        return;
    }
    struct es_task task = real[_i].task;
    task.interval = 1e-6, task.amplitude = task.target = 1, task.stride = 1, task.folds = task.folds ? task.folds : "";
    if (task.kind == &es_forecast && !task.ahead && task.input_column == task.target_column)
        task.ahead = 1;
    enum es_status status = task.kind->load(
        &task, path, roles(real[_i].channels, real[_i].classes ? real[_i].classes : 1, real[_i].classes, real[_i].class), &set,
        &error);
    ck_assert_msg(status == ES_OK, "%s", error.text);
    size_t tested = 0, shortest = SIZE_MAX, longest = 0;
    for (size_t i = 0; i < set.samples; i++) {
        tested += set.sample[i].fold == 0;
        shortest = set.sample[i].length < shortest ? set.sample[i].length : shortest;
        longest = set.sample[i].length > longest ? set.sample[i].length : longest;
    }
    ck_assert_uint_eq(set.samples - tested, real[_i].learned);
    ck_assert_uint_eq(tested, real[_i].tested);
    ck_assert_uint_eq(set.folds, real[_i].folds);
    ck_assert_uint_eq(shortest, real[_i].shortest);
    ck_assert_uint_eq(longest, real[_i].longest);
    if (task.kind != &es_forecast)
        assert_standardised(&set, task.kind == &es_idx);
    else
        ck_assert_double_gt(es_dataset_target_variance(&set, 0), 0.1);
}
END_TEST

static TCase *new_case(Suite *suite, const char *name) {
    TCase *tests = tcase_create(name);
    tcase_add_checked_fixture(tests, make_directory, remove_directory);
    tcase_set_timeout(tests, 60);
    suite_add_tcase(suite, tests);
    return tests;
}

static void add_windows(Suite *suite) {
    TCase *tests = new_case(suite, "windows");
    tcase_add_test(tests, rows_are_complete);
    tcase_add_test(tests, window_is_the_centre);
    tcase_add_test(tests, window_is_scaled_per_channel);
    tcase_add_test(tests, windows_are_drawn_evenly_and_again);
    tcase_add_test(tests, window_of_a_sample_without_slack);
}

static void add_recordings(Suite *suite) {
    TCase *tests = new_case(suite, "recordings");
    tcase_add_test(tests, resampling_keeps_a_tone);
    tcase_add_test(tests, variants_play_faster_and_slower);
    tcase_add_test(tests, frames_weight_a_window);
    tcase_add_test(tests, pre_emphasis_follows_its_formula);
    tcase_add_test(tests, channels_are_averaged);
    tcase_add_test(tests, centre_of_the_span_is_kept);
    tcase_add_test(tests, folder_gives_labels_and_folds);
    tcase_add_test(tests, without_a_fold_column_all_is_fold_0);
    tcase_add_test(tests, real_vowels_are_read);
}

static void add_refusals(Suite *suite) {
    TCase *tests = new_case(suite, "refusals");
    tcase_add_loop_test(tests, bad_tables_are_refused, 0, sizeof bad_table / sizeof *bad_table);
    tcase_add_test(tests, missing_directories_and_tables_are_refused);
    tcase_add_test(tests, long_tables_are_refused);
    tcase_add_test(tests, cut_recordings_are_refused);
    tcase_add_loop_test(tests, cut_recordings_of_other_formats_are_refused, 0, 3);
    tcase_add_test(tests, what_is_no_sound_is_refused);
    tcase_add_test(tests, values_that_are_no_sound_are_refused);
    tcase_add_test(tests, short_recordings_are_refused);
    tcase_add_test(tests, long_recordings_are_refused);
    tcase_add_test(tests, bad_audio_tasks_are_refused);
    tcase_add_test(tests, bad_vowel_tasks_are_refused);
    tcase_add_test(tests, bad_sines_are_refused);
}

static void add_synthetic(Suite *suite) {
    TCase *tests = new_case(suite, "synthetic");
    tcase_add_test(tests, vowels_have_the_published_formants);
    tcase_add_test(tests, ei_glides_and_iy_does_not);
    tcase_add_test(tests, men_and_women_have_their_pitch);
    tcase_add_test(tests, speakers_differ_and_parts_are_disjoint);
    tcase_add_test(tests, a_speaker_does_not_depend_on_the_others);
    tcase_add_test(tests, pre_emphasis_of_vowels_follows_its_formula);
    tcase_add_test(tests, sines_are_sums_of_sines);
    tcase_add_test(tests, targets_have_frequencies_of_their_own);
    tcase_add_test(tests, sines_reach_their_bounds_and_no_further);
    tcase_add_test(tests, signals_do_not_depend_on_the_others);
}

static void add_series(Suite *suite) {
    TCase *tests = new_case(suite, "series");
    tcase_add_test(tests, bias_is_one_volt);
    tcase_add_test(tests, bias_of_sound_is_one_volt);
    tcase_add_test(tests, cost_counts_between_from_and_to);
    tcase_add_test(tests, series_are_standardised_and_padded);
    tcase_add_test(tests, nothing_is_fitted_to_what_is_tested);
    tcase_add_test(tests, mask_ends_with_the_series);
    tcase_add_test(tests, rest_of_a_group_is_dropped);
    tcase_add_test(tests, archive_headers_are_read);
    tcase_add_test(tests, columns_are_channel_after_channel);
    tcase_add_test(tests, folds_of_a_table);
    tcase_add_test(tests, labels_find_their_class);
    tcase_add_test(tests, images_are_series);
    tcase_add_test(tests, forecasts_are_of_what_comes_after);
    tcase_add_test(tests, training_windows_have_a_stride);
    tcase_add_test(tests, another_column_is_told);
    tcase_add_test(tests, no_forecast_is_fitted_to_what_is_tested);
    tcase_add_loop_test(tests, real_series_are_read, 0, sizeof real / sizeof *real);
}

static void add_series_refusals(Suite *suite) {
    TCase *tests = new_case(suite, "series refused");
    tcase_add_test(tests, bad_folds_of_a_table_are_refused);
    tcase_add_test(tests, bad_images_are_refused);
    tcase_add_test(tests, bad_forecasts_are_refused);
    tcase_add_loop_test(tests, bad_ts_files_are_refused, 0, sizeof bad_ts / sizeof *bad_ts);
    tcase_add_test(tests, bad_directories_of_ts_files_are_refused);
    tcase_add_loop_test(tests, bad_tables_of_samples_are_refused, 0, sizeof bad_csv / sizeof *bad_csv);
    tcase_add_test(tests, large_tables_of_samples_are_refused);
    tcase_add_loop_test(tests, changed_files_are_read_or_refused, 0, 4);
}

Suite *test_suite(void) {
    Suite *suite = suite_create("data");
    add_windows(suite);
    add_recordings(suite);
    add_refusals(suite);
    add_synthetic(suite);
    add_series(suite);
    add_series_refusals(suite);
    return suite;
}
