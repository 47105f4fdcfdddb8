// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: echospice contributors
//
// Images and labels as those of MNIST: IDX files of bytes, which begin with big-endian numbers of 4 bytes each, 0x803, images,
// rows, columns; and 0x801, labels. With one input channel an image is a series of all its pixels, row by row; with as many as
// the image has rows, each row is a channel and each column a point; with as many as it has pixels, each is constant. All pixels have one
// mean and deviation.
#include "data/series.h"

#include <stdio.h>

enum part { TEST, TRAIN, PARTS }; // the fold
enum { IMAGES = 0x803, LABELS = 0x801 };

struct idx {
    const char *path;
    size_t size[3]; // images, rows, columns; or labels
    const unsigned char *value;
};

static size_t number(const unsigned char *b) {
    return (size_t)b[0] << 24 | (size_t)b[1] << 16 | (size_t)b[2] << 8 | b[3];
}

// Reads `sizes` sizes and checks that so many bytes follow.
static enum es_status read_idx(struct es_series *s, const char *dir, const char *name, size_t magic, size_t sizes,
                               struct idx *f) {
    char *bytes;
    size_t length, head = 4 * (1 + sizes);
    double promised = 1;
    f->path = es_arena_printf(s->scratch, "%s/%s", dir, name);
    enum es_status status = es_file_read(f->path, "an IDX file of bytes", s->scratch, &bytes, &length, s->error);
    if (status)
        return status;
    if (length < head || number((unsigned char *)bytes) != magic)
        return es_fail(
            s->error, ES_BAD_INPUT,
            "%s: the file does not begin with 0x%.8zx and %zu sizes; expected an IDX file of unsigned bytes: unpack it", f->path,
            magic, sizes);
    for (size_t i = 0; i < sizes; i++)
        promised *= (double)(f->size[i] = number((unsigned char *)bytes + 4 * (i + 1)));
    if (promised < 1 || promised != (double)(length - head))
        return es_fail(
            s->error, ES_BAD_INPUT,
            "%s: the header promises %.0f bytes, but %zu follow; expected as many, and one at least: copy the file again",
            f->path, promised, length - head);
    f->value = (unsigned char *)bytes + head;
    return ES_OK;
}

static enum es_status check_images(const struct es_series *s, const struct idx *images, const struct idx *labels) {
    if (images->size[0] != labels->size[0])
        return es_fail(s->error, ES_BAD_INPUT,
                       "%s: %zu labels for the %zu images of %s; expected one each: name files of one set", labels->path,
                       labels->size[0], images->size[0], images->path);
    size_t pixels = images->size[1] * images->size[2];
    if (s->signals == 1 || s->signals == images->size[1] || s->signals == pixels)
        return ES_OK;
    return es_fail(
        s->error, ES_BAD_INPUT,
        "%s: images of %zu rows for a network of %zu input channels but the bias; expected 1 channel, which plays row after "
        "row, or %zu, a row each, or %zu, a pixel each",
        images->path, images->size[1], s->signals, images->size[1], pixels);
}

static enum es_status add_image(struct es_series *s, const struct idx *images, const struct idx *labels, size_t i, int fold) {
    struct es_place at = {images->path, "image", i};
    char label[4];
    size_t pixels = images->size[1] * images->size[2], repeat = pixels == s->signals && s->task->decimate <= 1 ? s->task->points : 1;
    size_t length = pixels / s->signals * repeat;
    double *raw;
    enum es_status status = es_series_raw(s, &at, length, &raw);
    for (size_t n = 0; n < pixels * repeat && !status; n++)
        raw[n] = images->value[i * pixels + n / repeat];
    snprintf(label, sizeof label, "%d", labels->value[i]);
    return status ? status : es_series_add(s, &at, length, label, fold);
}

static enum es_status add_images(struct es_series *s, const struct idx *images, const struct idx *labels, int fold) {
    enum es_status status = ES_OK;
    for (size_t i = 0; i < images->size[0] && !status; i++)
        status = add_image(s, images, labels, i, fold);
    return status;
}

static enum es_status read_files(struct es_series *s, const char *dir) {
    const struct es_task *task = s->task;
    const char *const image[PARTS] = {task->test_images, task->train_images}, *const label[PARTS] = {task->test_labels,
                                                                                                     task->train_labels};
    struct idx images[PARTS], labels[PARTS];
    enum es_status status = ES_OK;
    for (size_t part = 0; part < PARTS && !status; part++) {
        status = read_idx(s, dir, image[part], IMAGES, 3, &images[part]);
        if (!status)
            status = read_idx(s, dir, label[part], LABELS, 1, &labels[part]);
        if (!status)
            status = check_images(s, &images[part], &labels[part]);
    }
    if (status)
        return status;
    es_series_expect(s, images[TRAIN].size[0] + images[TEST].size[0]);
    status = add_images(s, &images[TRAIN], &labels[TRAIN], TRAIN);
    return status ? status : add_images(s, &images[TEST], &labels[TEST], TEST);
}

static enum es_status load_idx(const struct es_task *task, const char *dir, const struct es_roles *roles, struct es_dataset *set,
                               struct es_error *error) {
    struct es_series s;
    enum es_status status = es_series_begin(&s, task, dir, "the IDX files that the task names", roles, set, error);
    if (status)
        return status;
    set->folds = PARTS;
    s.joint = true;
    s.path = dir;
    return es_series_end(&s, read_files(&s, dir));
}

const struct es_data_kind es_idx = {
    .row = {"idx", "images and labels in IDX files, as those of MNIST", "LeCun, Cortes, Burges, the MNIST database"},
    .labels = true,
    .files = true,
    .load = load_idx,
};
