/* SPDX-License-Identifier: Apache-2.0 */
/* formats/dataset_write_idx.c - a folder of IDX files as MNIST's: pictures and labels
 * of each split, gzipped when asked for, and classes.txt where numbers do not say it
 * all. */
#include "formats/dataset_arrays.h"
#include "formats/dataset_build.h"
#include "formats/deflate.h"

#include <stdio.h>
#include <string.h>

/* In front of "images-idx3-ubyte". */
static const char *const prefixes[] = {"", "train-", "val-", "t10k-"};
static const char *const labels[] = {"labels-idx1-ubyte", "train-labels-idx1-ubyte",
                                     "val-labels-idx1-ubyte", "t10k-labels-idx1-ubyte"};
/* The files of pixels while they grow. */
static const char *const parts[] = {"none.part", "train.part", "val.part", "test.part"};

enum { UINT8 = 8, INT32 = 12 }; /* types of elements */

static quern_status put_head(qn_buf *out, const qn_arrays *a, int64_t n,
                             quern_error *err)
{
    const bool is_gray = a->channels == 1;
    if (n > UINT32_MAX)
        return qn_fail(err, QUERN_LIMIT, "%lld pictures; an IDX file holds %lld",
                       (long long)n, (long long)UINT32_MAX);
    qn_buf_add(out, "\0\0\10", 3);
    qn_buf_byte(out, is_gray ? 3 : 4);
    qn_buf_u32be(out, (uint32_t)n);
    qn_buf_u32be(out, (uint32_t)a->height);
    qn_buf_u32be(out, (uint32_t)a->width);
    if (!is_gray) qn_buf_u32be(out, (uint32_t)a->channels);
    return QUERN_OK;
}

static quern_status idx_begin(qn_writer *w, quern_error *err)
{
    return qn_arrays_begin(w, parts, put_head, err);
}

/* ---- files ---- */

/* A new file of the n bytes, in pieces, gzipped. */
static quern_status put_gzipped(const qn_writer *w, const char *name, const void *p,
                                size_t n, quern_error *err)
{
    char path[QN_PATH_MAX];
    qn_out_file file;
    qn_gzip *gzip;
    qn_buf packed;
    QN_TRY(qn_path_format(path, err, "%s.gz", name));
    QN_TRY(qn_gzip_begin(w->mem, &gzip, err));
    qn_buf_init(&packed, w->mem);
    quern_status status = qn_writer_open(w, path, &file, err);
    const uint8_t *from = p;
    for (bool is_last = false; status == QUERN_OK && !is_last;) {
        const size_t k = n < (1 << 20) ? n : 1 << 20;
        is_last = k == n;
        qn_buf_clear(&packed);
        status = qn_gzip_add(gzip, from, k, is_last, &packed, err);
        if (status == QUERN_OK) status = qn_out_write(&file, packed.p, packed.n, err);
        from += k;
        n -= k;
    }
    qn_out_close(&file);
    qn_gzip_end(gzip);
    qn_buf_done(&packed);
    return status;
}

static quern_status put_labels(qn_writer *w, int split, quern_error *err)
{
    const qn_arrays *a = w->state;
    const qn_buf *body = &a->part[split].labels;
    qn_buf file;
    qn_buf_init(&file, w->mem);
    qn_buf_add(&file, "\0\0", 2);
    qn_buf_byte(&file, qn_arrays_label_size(w) == 1 ? UINT8 : INT32);
    qn_buf_byte(&file, 1);
    qn_buf_u32be(&file, (uint32_t)a->part[split].n);
    qn_buf_add(&file, body->p, body->n);
    quern_status status = qn_buf_status(&file, err);
    if (status == QUERN_OK)
        status = w->plan->gzip ? put_gzipped(w, labels[split], file.p, file.n, err)
                               : qn_writer_put(w, labels[split], file.p, file.n, err);
    qn_buf_done(&file);
    return status;
}

static quern_status name_pictures(qn_writer *w, int split, quern_error *err)
{
    const qn_arrays *a = w->state;
    char name[64], from[QN_PATH_MAX], to[QN_PATH_MAX];
    qn_map map;
    snprintf(name, sizeof name, "%simages-idx%d-ubyte", prefixes[split],
             a->channels == 1 ? 3 : 4);
    if (!w->plan->gzip) {
        QN_TRY(qn_writer_path(w, parts[split], from, err));
        QN_TRY(qn_writer_path(w, name, to, err));
        return qn_disk_move(w->plan->disk, from, to, err);
    }
    QN_TRY(qn_arrays_map(w, parts[split], &map, err));
    const quern_status status = put_gzipped(w, name, map.base, map.bytes, err);
    qn_map_done(&map);
    return status == QUERN_OK ? qn_arrays_remove(w, parts[split], err) : status;
}

/* Whether the largest label has an item and classes are called by their numbers. */
static bool are_told(const qn_writer *w)
{
    return qn_writer_is_numbered(w) && w->class_splits[w->set->n_classes - 1];
}

static quern_status idx_end(qn_writer *w, quern_error *err)
{
    const qn_arrays *a = w->state;
    QN_TRY(qn_arrays_end(w, err));
    for (int s = 0; s < 4; s++) {
        if (!a->part[s].n) continue;
        QN_TRY(name_pictures(w, s, err));
        QN_TRY(put_labels(w, s, err));
    }
    return are_told(w) ? QUERN_OK : qn_writer_put_classes(w, "classes.txt", err);
}

const qn_dataset_writer qn_dataset_write_idx = {
    .name = "idx",
    .other_names = "mnist",
    .about = "IDX files as MNIST's, of one size; --gzip packs them",
    .begin = idx_begin,
    .add = qn_arrays_add,
    .end = idx_end,
    .done = qn_arrays_done,
};
