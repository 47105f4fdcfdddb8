// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
#include "data/audio.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <sndfile.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CHANNELS = 64, BLOCK = 4096, CHUNKS = 1000, HEAD = 12 };

static const off_t largest_file = (off_t)256 << 20; // [bytes]
static const double largest_value = 1e6;            // of full scale: above it is no sound

// libsndfile shortens a recording in silence when the file ends before its header says. So only formats are read in which
// that shows: by the size of the chunk of sound, or, in FLAC, by fewer frames than promised.
struct container {
    const char *tag, *form, *sound;
    bool big_endian;
};

static const struct container containers[] = {
    {"RIFF", "WAVE", "data", false}, {"RIFX", "WAVE", "data", true}, {"FORM", "AIFF", "SSND", true},
    {"FORM", "AIFC", "SSND", true},  {"fLaC", "", "", true},
};

static uint32_t chunk_size(const unsigned char *b, bool big) {
    return big ? (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3]
               : (uint32_t)b[3] << 24 | (uint32_t)b[2] << 16 | (uint32_t)b[1] << 8 | b[0];
}

static const struct container *container_of(int fd) {
    char head[HEAD];
    if (pread(fd, head, sizeof head, 0) != sizeof head)
        return NULL;
    for (size_t i = 0; i < sizeof containers / sizeof *containers; i++)
        if (memcmp(head, containers[i].tag, 4) == 0 && memcmp(head + 8, containers[i].form, strlen(containers[i].form)) == 0)
            return &containers[i];
    return NULL;
}

static enum es_status check_chunk(off_t promised, off_t left, const char *path, struct es_error *error) {
    if (promised > 0 && promised <= left)
        return ES_OK;
    return es_fail(
        error, ES_BAD_INPUT,
        "%s: the header promises %lld bytes of sound, but %lld follow; the file is cut or was not closed: copy it again", path,
        (long long)promised, (long long)left);
}

static enum es_status check_container(int fd, off_t size, const char *path, struct es_error *error) {
    const struct container *form = container_of(fd);
    if (!form)
        return es_fail(error, ES_BAD_INPUT, "%s: not a sound file of a known format; expected WAV, AIFF or FLAC: convert it",
                       path);
    if (!*form->sound)
        return ES_OK;
    off_t at = HEAD;
    unsigned char head[8];
    for (int i = 0; i < CHUNKS && pread(fd, head, sizeof head, at) == sizeof head; i++) {
        off_t promised = chunk_size(head + 4, form->big_endian);
        at += (off_t)sizeof head;
        if (memcmp(head, form->sound, 4) == 0)
            return check_chunk(promised, size - at, path, error);
        at += promised + (promised & 1);
    }
    return es_fail(error, ES_BAD_INPUT, "%s: no chunk of sound (\"%s\") in the file; it is cut or damaged: copy it again", path,
                   form->sound);
}

static enum es_status check_format(const SF_INFO *info, const char *path, struct es_error *error) {
    if (info->frames < 1 || info->frames > ES_AUDIO_FRAMES)
        return es_fail(error, ES_BAD_INPUT, "%s: the recording has %lld frames; expected 1 to %d: cut it", path,
                       (long long)info->frames, ES_AUDIO_FRAMES);
    if (info->channels < 1 || info->channels > CHANNELS)
        return es_fail(error, ES_BAD_INPUT, "%s: the recording has %d channels; expected 1 to %d: mix it", path, info->channels,
                       CHANNELS);
    if (info->samplerate < 1)
        return es_fail(error, ES_BAD_INPUT, "%s: the recording's rate is %d Hz; expected a positive rate", path,
                       info->samplerate);
    return ES_OK;
}

static enum es_status check_values(const double *value, size_t frames, size_t channels, const char *path,
                                   struct es_error *error) {
    for (size_t i = 0; i < frames * channels; i++)
        if (!(fabs(value[i]) <= largest_value))
            return es_fail(error, ES_BAD_INPUT,
                           "%s: a value of channel %zu is %g; expected finite values of at most %g, "
                           "full scale being 1: write the file again",
                           path, i % channels + 1, value[i], largest_value);
    return ES_OK;
}

static void mix(const double *value, size_t frames, size_t channels, double *wave) {
    for (size_t n = 0; n < frames; n++) {
        double sum = 0;
        for (size_t c = 0; c < channels; c++)
            sum += value[n * channels + c];
        wave[n] = sum / (double)channels;
    }
}

static enum es_status read_frames(SNDFILE *file, const SF_INFO *info, struct es_recording *r, struct es_error *error) {
    size_t channels = (size_t)info->channels, frames = (size_t)info->frames, done = 0;
    double *block = ES_NEW(r->scratch, BLOCK * channels, double);
    r->wave = ES_NEW(r->scratch, frames, double);
    while (done < frames) {
        sf_count_t got = sf_readf_double(file, block, (sf_count_t)(frames - done < BLOCK ? frames - done : BLOCK));
        if (got < 1)
            return es_fail(error, ES_BAD_INPUT,
                           "%s: the header promises %zu frames, but %zu can be read; the file is cut or "
                           "damaged: copy it again",
                           r->name, frames, done);
        enum es_status status = check_values(block, (size_t)got, channels, r->name, error);
        if (status)
            return status;
        mix(block, (size_t)got, channels, r->wave + done);
        done += (size_t)got;
    }
    r->frames = frames;
    r->rate = info->samplerate;
    return ES_OK;
}

static enum es_status read_sound(int fd, struct es_recording *r, struct es_error *error) {
    SF_INFO info = {0};
    SNDFILE *file = sf_open_fd(fd, SFM_READ, &info, false);
    if (!file)
        return es_fail(error, ES_BAD_INPUT,
                       "%s: the sound cannot be read (%.100s); expected WAV, AIFF or FLAC: copy or convert it", r->name,
                       sf_strerror(NULL));
    enum es_status status = check_format(&info, r->name, error);
    if (!status)
        status = read_frames(file, &info, r, error);
    sf_close(file);
    return status;
}

static enum es_status read_regular(int fd, struct es_recording *r, struct es_error *error) {
    struct stat about;
    if (fstat(fd, &about) || !S_ISREG(about.st_mode))
        return es_fail(error, ES_BAD_INPUT, "%s: not a regular file; expected a recording", r->name);
    if (about.st_size > largest_file)
        return es_fail(error, ES_BAD_INPUT, "%s: the file has %lld bytes; expected at most %lld: cut the recording", r->name,
                       (long long)about.st_size, (long long)largest_file);
    enum es_status status = check_container(fd, about.st_size, r->name, error);
    return status ? status : read_sound(fd, r, error);
}

enum es_status es_audio_read(const char *path, struct es_arena *scratch, struct es_recording *recording, struct es_error *error) {
    *recording = (struct es_recording){.name = path, .scratch = scratch};
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return es_fail(error, ES_BAD_INPUT, "%s: cannot be opened (%s); expected a recording: check the name", path,
                       strerror(errno));
    enum es_status status = read_regular(fd, recording, error);
    close(fd);
    return status;
}
