/* SPDX-License-Identifier: Apache-2.0 */
/* formats/dataset_arrays.c - see dataset_arrays.h. */
#include "formats/dataset_arrays.h"

quern_status qn_arrays_begin(qn_writer *w, const char *const names[4],
                             quern_status (*head)(qn_buf *, const qn_arrays *, int64_t,
                                                  quern_error *),
                             quern_error *err)
{
    void *room;
    QN_TRY(qn_arena_alloc(w->arena, sizeof(qn_arrays), &room, err));
    qn_arrays *a = room;
    a->names = names;
    a->head = head;
    for (int s = 0; s < 4; s++) {
        a->part[s].pixels.fd = -1;
        qn_buf_init(&a->part[s].labels, w->mem);
    }
    w->state = a;
    return QUERN_OK;
}

int qn_arrays_label_size(const qn_writer *w)
{
    return w->set->n_classes <= 256 ? 1 : 4;
}

static quern_status check_shape(qn_arrays *a, const qn_image *image, quern_error *err)
{
    if (!a->height) {
        a->height = image->height;
        a->width = image->width;
        a->channels = image->channels;
    }
    if (a->height == image->height && a->width == image->width &&
        a->channels == image->channels)
        return QUERN_OK;
    return qn_fail(err, QUERN_UNSUPPORTED,
                   "an array holds pictures of one size: this one has %d x %d pixels "
                   "of %d channels, those before %d x %d of %d",
                   image->width, image->height, image->channels, a->width, a->height,
                   a->channels);
}

/* The header in front of n pictures, over what stands there. */
static quern_status put_head(qn_writer *w, int split, int64_t n, bool is_new,
                             quern_error *err)
{
    qn_arrays *a = w->state;
    qn_out_file *file = &a->part[split].pixels;
    qn_buf head;
    qn_buf_init(&head, w->mem);
    quern_status status = a->head(&head, a, n, err);
    if (status == QUERN_OK) status = qn_buf_status(&head, err);
    if (status == QUERN_OK)
        status = is_new ? qn_out_write(file, head.p, head.n, err)
                        : qn_out_patch(file, 0, head.p, head.n, err);
    qn_buf_done(&head);
    return status;
}

static void put_label(qn_buf *out, int size, int32_t label)
{
    if (size == 1)
        qn_buf_byte(out, label);
    else
        qn_buf_u32be(out, (uint32_t)label);
}

quern_status qn_arrays_add(qn_writer *w, const qn_piece *piece, quern_error *err)
{
    qn_arrays *a = w->state;
    const qn_image *image = &piece->image;
    const int s = w->as_split[piece->split];
    QN_TRY(check_shape(a, image, err));
    if (a->part[s].pixels.fd < 0) {
        QN_TRY(qn_writer_open(w, a->names[s], &a->part[s].pixels, err));
        QN_TRY(put_head(w, s, 0, true, err));
    }
    QN_TRY(qn_out_write(
        &a->part[s].pixels, image->pixels,
        (size_t)image->height * (size_t)image->width * (size_t)image->channels, err));
    put_label(&a->part[s].labels, qn_arrays_label_size(w), piece->label);
    a->part[s].n++;
    return qn_buf_status(&a->part[s].labels, err);
}

quern_status qn_arrays_end(qn_writer *w, quern_error *err)
{
    qn_arrays *a = w->state;
    for (int s = 0; s < 4; s++) {
        if (a->part[s].pixels.fd < 0) continue;
        QN_TRY(put_head(w, s, a->part[s].n, false, err));
        qn_out_close(&a->part[s].pixels);
    }
    return QUERN_OK;
}

void qn_arrays_done(qn_writer *w)
{
    qn_arrays *a = w->state;
    for (int s = 0; a && s < 4; s++) {
        qn_out_close(&a->part[s].pixels);
        qn_buf_done(&a->part[s].labels);
    }
}

quern_status qn_arrays_map(const qn_writer *w, const char *name, qn_map *out,
                           quern_error *err)
{
    char path[QN_PATH_MAX];
    qn_file file;
    QN_TRY(qn_writer_path(w, name, path, err));
    QN_TRY(qn_file_open(NULL, path, &file, err));
    const quern_status status = qn_file_map(&file, out, err);
    qn_file_close(&file);
    return status;
}

quern_status qn_arrays_remove(const qn_writer *w, const char *name, quern_error *err)
{
    char path[QN_PATH_MAX];
    QN_TRY(qn_writer_path(w, name, path, err));
    return qn_disk_remove(w->plan->disk, path, err);
}
