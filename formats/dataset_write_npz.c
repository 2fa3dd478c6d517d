/* SPDX-License-Identifier: Apache-2.0 */
/* formats/dataset_write_npz.c - a .npz archive as MedMNIST's: train_images [N,H,W] or
 * [N,H,W,3] and train_labels [N,1] of each split, images and labels of an undivided
 * set, and class_names where numbers do not say it all. */
#include "formats/dataset_arrays.h"
#include "formats/dataset_build.h"
#include "formats/npy.h"
#include "formats/zip_write.h"

#include <stdio.h>
#include <string.h>

static const char *const parts[] = {"images.npy", "train_images.npy", "val_images.npy",
                                    "test_images.npy"};
static const char *const labels[] = {"labels.npy", "train_labels.npy", "val_labels.npy",
                                     "test_labels.npy"};

static quern_status put_head(qn_buf *out, const qn_arrays *a, int64_t n,
                             quern_error *err)
{
    const qn_tensor t = {.dtype = QUERN_UINT8,
                         .rank = a->channels == 1 ? 3 : 4,
                         .dim = {n, a->height, a->width, a->channels}};
    return qn_npy_write_header(out, &t, err);
}

static quern_status npz_begin(qn_writer *w, quern_error *err)
{
    QN_TRY(qn_writer_is_file(w, err));
    for (int s = 0; s < 4; s++)
        if (!strcmp(w->result, parts[s]))
            return qn_fail(err, QUERN_INVALID, "the archive may not be called '%s'",
                           w->result);
    return qn_arrays_begin(w, parts, put_head, err);
}

/* ---- members ---- */

static quern_status add_tensor(qn_writer *w, qn_zip *zip, const char *name,
                               const qn_tensor *t, quern_error *err)
{
    qn_buf npy;
    qn_buf_init(&npy, w->mem);
    quern_status status = t->dtype == QUERN_STRING ? qn_npy_write_text(&npy, t, err)
                                                   : qn_npy_write(&npy, t, err);
    if (status == QUERN_OK) status = qn_zip_add(zip, name, npy.p, npy.n, err);
    qn_buf_done(&npy);
    return status;
}

/* Labels waited as bytes, or as four of them each, big-endian. */
static quern_status add_labels(qn_writer *w, qn_zip *zip, int split, quern_error *err)
{
    const qn_arrays *a = w->state;
    const uint8_t *p = (const uint8_t *)a->part[split].labels.p;
    qn_tensor t = {.dtype = QUERN_UINT8, .rank = 2, .dim = {a->part[split].n, 1}};
    qn_arena arena;
    qn_arena_init(&arena, w->mem);
    quern_status status = QUERN_OK;
    if (qn_arrays_label_size(w) == 4) {
        t.dtype = QUERN_INT32;
        status = qn_arena_raw(&arena, (size_t)t.dim[0] * 4, &t.data, err);
        for (int64_t i = 0; status == QUERN_OK && i < t.dim[0]; i++, p += 4)
            ((int32_t *)t.data)[i] = p[0] << 24 | p[1] << 16 | p[2] << 8 | p[3];
    } else {
        t.data = a->part[split].labels.p;
    }
    if (status == QUERN_OK) status = add_tensor(w, zip, labels[split], &t, err);
    qn_arena_done(&arena);
    return status;
}

static quern_status add_names(qn_writer *w, qn_zip *zip, quern_error *err)
{
    const qn_dataset *set = w->set;
    void *room;
    QN_TRY(
        qn_arena_array(w->arena, (size_t)set->n_classes, sizeof(qn_str), &room, err));
    const qn_tensor t = {
        .dtype = QUERN_STRING, .rank = 1, .dim = {set->n_classes}, .data = room};
    for (int c = 0; c < set->n_classes; c++)
        ((qn_str *)room)[c] = (qn_str){set->classes[c], strlen(set->classes[c])};
    return add_tensor(w, zip, "class_names.npy", &t, err);
}

static quern_status add_members(qn_writer *w, qn_zip *zip, quern_error *err)
{
    static const int order[] = {QN_SPLIT_TRAIN, QN_SPLIT_VAL, QN_SPLIT_TEST,
                                QN_SPLIT_NONE};
    const qn_arrays *a = w->state;
    qn_map map;
    for (int k = 0; k < 4; k++) {
        const int s = order[k];
        if (!a->part[s].n) continue;
        QN_TRY(qn_arrays_map(w, parts[s], &map, err));
        const quern_status status = qn_zip_add(zip, parts[s], map.base, map.bytes, err);
        qn_map_done(&map);
        QN_TRY(status);
        QN_TRY(qn_arrays_remove(w, parts[s], err));
        QN_TRY(add_labels(w, zip, s, err));
    }
    if (!qn_writer_is_numbered(w) || !w->class_splits[w->set->n_classes - 1])
        QN_TRY(add_names(w, zip, err));
    return qn_zip_end(zip, err);
}

static quern_status npz_end(qn_writer *w, quern_error *err)
{
    qn_out_file file;
    qn_zip zip;
    QN_TRY(qn_arrays_end(w, err));
    QN_TRY(qn_writer_open(w, w->result, &file, err));
    qn_zip_begin(&zip, &file, w->mem);
    const quern_status status = add_members(w, &zip, err);
    qn_zip_done(&zip);
    qn_out_close(&file);
    return status;
}

const qn_dataset_writer qn_dataset_write_npz = {
    .name = "npz",
    .other_names = "medmnist",
    .about = "one .npz archive: train_images, train_labels and so on, of one size",
    .begin = npz_begin,
    .add = qn_arrays_add,
    .end = npz_end,
    .done = qn_arrays_done,
};
