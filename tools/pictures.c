/* SPDX-License-Identifier: Apache-2.0 */
/* tools/pictures.c - see pictures.h. */
#include "tools/pictures.h"

#include "formats/deflate.h"
#include "formats/idx.h"
#include "formats/files.h"

#include <stdio.h>
#include <string.h>

#define MAX_STDIN ((size_t)256 << 20) /* bytes of a picture from standard input */

void qn_pictures_init(qn_pictures *p, qn_mem *mem, const char *const *operands, int n,
                      int64_t max_pixels)
{
    *p = (qn_pictures){.operands = operands, .n_operands = n, .max_pixels = max_pixels};
    qn_arena_init(&p->arena, mem);
}

void qn_pictures_done(qn_pictures *p)
{
    qn_arena_done(&p->arena);
}

/* ---- IDX ------------------------------------------------------------------------ */

/* [N,H,W] or [N,H,W,C] of uint8. */
static quern_status open_idx(qn_pictures *p, const char *path, quern_error *err)
{
    qn_tensor *t = &p->idx;
    QN_TRY(qn_idx_load(&p->arena, path, 0, t, err));
    const int64_t c = t->rank == 4 ? t->dim[3] : 1;
    if (t->dtype != QUERN_UINT8 || t->rank < 3 || t->rank > 4 || (c != 1 && c != 3))
        return qn_fail(err, QUERN_UNSUPPORTED,
                       "an IDX file of %s %s holds no pictures ([N,H,W] of uint8 does)",
                       quern_dtype_name(t->dtype), QN_SHAPE(t));
    if (t->dim[1] < 1 || t->dim[2] < 1 || t->dim[1] > QN_IMAGE_MAX_SIDE ||
        t->dim[2] > QN_IMAGE_MAX_SIDE)
        return qn_fail(err, QUERN_LIMIT, "pictures of %s; a side has at most %d pixels",
                       QN_SHAPE(t), QN_IMAGE_MAX_SIDE);
    p->idx_name = path;
    p->next_item = 0;
    p->n_items = t->dim[0];
    return QUERN_OK;
}

static quern_status next_item(qn_pictures *p, qn_arena *arena, qn_image *out,
                              const char **name, quern_error *err)
{
    char text[QN_PATH_MAX];
    const qn_tensor *t = &p->idx;
    const int64_t i = p->next_item++, size = qn_dims_count(t, 1, t->rank);
    QN_TRY(qn_path_format(text, err, "%s#%lld", p->idx_name, (long long)i));
    *out = (qn_image){(int)t->dim[2], (int)t->dim[1], t->rank == 4 ? (int)t->dim[3] : 1,
                      (uint8_t *)t->data + i * size};
    return qn_arena_text(arena, text, strlen(text), name, err);
}

/* By name, since a gzipped file does not begin as one: <..>idx<n>-ubyte, .idx, .gz. */
static bool is_idx(const char *path, const void *bytes, size_t n)
{
    return qn_idx_is(bytes, n) || qn_is_gzip(bytes, n) || qn_ends_with(path, ".idx");
}

/* ---- files ---------------------------------------------------------------------- */

static quern_status read_stdin(qn_arena *arena, void **bytes, size_t *n,
                               quern_error *err)
{
    char room[1 << 14];
    qn_buf all;
    quern_status status = QUERN_OK;
    qn_buf_init(&all, arena->mem);
    for (size_t k;
         status == QUERN_OK && (k = fread(room, 1, sizeof room, stdin)) > 0;) {
        qn_buf_add(&all, room, k);
        if (all.n > MAX_STDIN)
            status = qn_fail(err, QUERN_LIMIT, "more than %zu bytes", MAX_STDIN);
    }
    if (status == QUERN_OK && ferror(stdin))
        status = qn_fail(err, QUERN_IO, "cannot read");
    if (status == QUERN_OK) status = qn_buf_status(&all, err);
    if (status == QUERN_OK) status = qn_arena_raw(arena, all.n, bytes, err);
    if (status == QUERN_OK && all.n) memcpy(*bytes, all.p, all.n);
    *n = all.n;
    qn_buf_done(&all);
    return status;
}

static quern_status read_file(qn_arena *arena, const char *path, void **bytes,
                              size_t *n, quern_error *err)
{
    qn_file file;
    if (!strcmp(path, "-")) return read_stdin(arena, bytes, n, err);
    QN_TRY(qn_file_open(NULL, path, &file, err));
    const quern_status status = qn_file_read(&file, arena, bytes, err);
    *n = file.bytes;
    qn_file_close(&file);
    return status;
}

/* A picture, or the first item of an IDX file, or (of a folder's file) neither. */
static quern_status next_file(qn_pictures *p, const char *path, bool must,
                              qn_arena *arena, qn_image *out, const char **name,
                              bool *is_there, quern_error *err)
{
    void *bytes;
    size_t n;
    *is_there = false;
    QN_TRY(read_file(arena, path, &bytes, &n, err));
    if (strcmp(path, "-") != 0 && is_idx(path, bytes, n)) {
        if (!must && !strstr(path, "idx")) return QUERN_OK;
        QN_TRY(open_idx(p, path, err));
        *is_there = p->n_items > 0;
        return *is_there ? next_item(p, arena, out, name, err) : QUERN_OK;
    }
    if (!must && !qn_image_is(bytes, n)) return QUERN_OK;
    *is_there = true;
    QN_TRY(qn_arena_text(arena, path, strlen(path), name, err));
    return qn_image_decode_by(p->decoder, arena, bytes, n, p->max_pixels, out, err);
}

/* ---- one after the other -------------------------------------------------------- */

static quern_status next_of_folder(qn_pictures *p, qn_arena *arena, qn_image *out,
                                   const char **name, bool *is_there, quern_error *err)
{
    char path[QN_PATH_MAX];
    const char *kept;
    QN_TRY(qn_path_format(path, err, "%s/%s", p->folder, p->names[p->next_name++]));
    *is_there = false;
    if (qn_path_is_folder(path)) return QUERN_OK;
    QN_TRY(qn_arena_text(&p->arena, path, strlen(path), &kept, err));
    const quern_status status =
        next_file(p, kept, false, arena, out, name, is_there, err);
    if (status != QUERN_OK) qn_within(err, "%s", kept);
    return status;
}

static quern_status next_operand(qn_pictures *p, qn_arena *arena, qn_image *out,
                                 const char **name, bool *is_there, quern_error *err)
{
    const char *path = p->operands[p->next++];
    quern_status status;
    *is_there = false;
    if (qn_path_is_folder(path)) {
        p->folder = path;
        p->next_name = 0;
        status = qn_dir_list(path, &p->arena, &p->names, &p->n_names, err);
    } else {
        status = next_file(p, path, true, arena, out, name, is_there, err);
    }
    if (status != QUERN_OK) qn_within(err, "%s", path);
    return status;
}

quern_status qn_pictures_next(qn_pictures *p, qn_arena *arena, qn_image *out,
                              const char **name, bool *is_there, quern_error *err)
{
    for (*is_there = false; !*is_there;) {
        if (p->next_item < p->n_items) {
            *is_there = true;
            return next_item(p, arena, out, name, err);
        }
        if (p->next_name < p->n_names)
            QN_TRY(next_of_folder(p, arena, out, name, is_there, err));
        else if (p->next < p->n_operands)
            QN_TRY(next_operand(p, arena, out, name, is_there, err));
        else
            return QUERN_OK;
    }
    return QUERN_OK;
}

int64_t qn_pictures_left(const qn_pictures *p)
{
    return p->n_items - p->next_item + p->n_names - p->next_name + p->n_operands -
           p->next;
}
