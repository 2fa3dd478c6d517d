/* SPDX-License-Identifier: Apache-2.0 */
/* formats/dataset_write_cifar.c - the binary files of CIFAR-10: batches of a label and
 * 32 x 32 pixels of R, of G, of B each, for training and for testing. */
#include "formats/dataset_write.h"

#include <stdio.h>

enum { SIDE = 32, PLANE = SIDE * SIDE, RECORD = 1 + 3 * PLANE, MAX_BATCHES = 9 };

typedef struct batches {
    qn_out_file train, test;
    int n_batches;            /* of training that were begun */
    int64_t n_train, n_batch; /* items; those of a full batch */
} batches;

static quern_status check_set(qn_writer *w, quern_error *err)
{
    const qn_dataset *set = w->set;
    const bool *has = w->has_split;
    if (has[QN_SPLIT_VAL])
        return qn_fail(err, QUERN_UNSUPPORTED,
                       "CIFAR's files are of train and of test, and the set has val");
    if (set->n_classes > 256)
        return qn_fail(err, QUERN_UNSUPPORTED,
                       "a label of CIFAR is one byte, for 256 classes; the set has %d",
                       set->n_classes);
    if (has[QN_SPLIT_NONE]) {
        w->as_split[QN_SPLIT_NONE] = QN_SPLIT_TRAIN;
        qn_writer_loses(w, "that items are undivided (they become train)");
    }
    return QUERN_OK;
}

static quern_status cifar_begin(qn_writer *w, quern_error *err)
{
    void *room;
    QN_TRY(check_set(w, err));
    QN_TRY(qn_arena_alloc(w->arena, sizeof(batches), &room, err));
    batches *b = room;
    b->train.fd = b->test.fd = -1;
    /* readers take data_batch_10 before data_batch_2, so there are 9 at most */
    b->n_batch = (w->n + MAX_BATCHES - 1) / MAX_BATCHES;
    if (b->n_batch < 10000) b->n_batch = 10000;
    w->state = b;
    return qn_writer_put_classes(w, "batches.meta.txt", err);
}

/* The file that the next item of the split goes to. */
static quern_status open_batch(qn_writer *w, qn_split split, qn_out_file **out,
                               quern_error *err)
{
    batches *b = w->state;
    char name[32];
    *out = split == QN_SPLIT_TEST ? &b->test : &b->train;
    if (split == QN_SPLIT_TEST)
        return b->test.fd < 0 ? qn_writer_open(w, "test_batch.bin", &b->test, err)
                              : QUERN_OK;
    if (b->n_train++ % b->n_batch != 0) return QUERN_OK;
    qn_out_close(&b->train);
    snprintf(name, sizeof name, "data_batch_%d.bin", ++b->n_batches);
    return qn_writer_open(w, name, &b->train, err);
}

static quern_status cifar_add(qn_writer *w, const qn_piece *piece, quern_error *err)
{
    uint8_t record[RECORD];
    qn_out_file *file;
    const qn_image *image = &piece->image;
    if (image->height != SIDE || image->width != SIDE || image->channels != 3)
        return qn_fail(err, QUERN_UNSUPPORTED,
                       "CIFAR holds RGB pictures of 32 x 32 pixels; this one is %s, "
                       "%d x %d",
                       image->channels == 3 ? "RGB" : "gray", image->width,
                       image->height);
    record[0] = (uint8_t)piece->label;
    for (int i = 0; i < PLANE; i++)
        for (int c = 0; c < 3; c++)
            record[1 + c * PLANE + i] = image->pixels[3 * i + c];
    QN_TRY(open_batch(w, w->as_split[piece->split], &file, err));
    return qn_out_write(file, record, sizeof record, err);
}

static quern_status cifar_end(qn_writer *w, quern_error *err)
{
    (void)w, (void)err;
    return QUERN_OK;
}

static void cifar_done(qn_writer *w)
{
    batches *b = w->state;
    if (!b) return;
    qn_out_close(&b->train);
    qn_out_close(&b->test);
}

const qn_dataset_writer qn_dataset_write_cifar = {
    .name = "cifar",
    .other_names = "cifar10",
    .about = "the binary files of CIFAR-10: 32 x 32 RGB, train and test",
    .begin = cifar_begin,
    .add = cifar_add,
    .end = cifar_end,
    .done = cifar_done,
};
