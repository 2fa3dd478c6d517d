/* SPDX-License-Identifier: Apache-2.0 */
/* formats/idx.c - see idx.h; the format is that of LeCun's MNIST page. */
#include "formats/idx.h"

#include "engine/os.h"
#include "formats/deflate.h"

#include <string.h>

static quern_dtype type_of(uint8_t code)
{
    switch (code) {
    case 0x08:
        return QUERN_UINT8;
    case 0x09:
        return QUERN_INT8;
    case 0x0b:
        return QUERN_INT16;
    case 0x0c:
        return QUERN_INT32;
    case 0x0d:
        return QUERN_FLOAT;
    case 0x0e:
        return QUERN_DOUBLE;
    default:
        return QUERN_UNDEFINED;
    }
}

bool qn_idx_is(const void *bytes, size_t n)
{
    const uint8_t *p = bytes;
    return n >= 4 && p[0] == 0 && p[1] == 0 && type_of(p[2]) != QUERN_UNDEFINED &&
           p[3] >= 1 && p[3] <= QUERN_MAX_RANK;
}

/* to may be from. */
static void to_little_endian(uint8_t *to, const uint8_t *from, size_t size, size_t n)
{
    if (size == 1) {
        memcpy(to, from, n);
        return;
    }
    for (size_t i = 0; i < n; i++, to += size, from += size)
        for (size_t a = 0, b = size - 1; a < b; a++, b--) {
            const uint8_t t = from[a];
            to[a] = from[b];
            to[b] = t;
        }
}

/* Dtype and dims from the first bytes of a file that has n; *head: what they take. */
static quern_status parse_head(const uint8_t *p, size_t n, qn_tensor *out, size_t *head,
                               quern_error *err)
{
    *out = (qn_tensor){0};
    if (!qn_idx_is(p, n))
        return qn_fail(err, QUERN_FORMAT, "it does not begin as an IDX file");
    out->dtype = type_of(p[2]);
    out->rank = p[3];
    *head = 4 + 4 * (size_t)out->rank;
    if (n < *head)
        return qn_fail(err, QUERN_FORMAT, "%zu bytes; the header takes %zu", n, *head);
    p += 4;
    for (int d = 0; d < out->rank; d++, p += 4)
        out->dim[d] = (int64_t)p[0] << 24 | p[1] << 16 | p[2] << 8 | p[3];
    return qn_tensor_check(out, err);
}

static quern_status check_size(const qn_tensor *t, size_t n, quern_error *err)
{
    if (qn_tensor_bytes(t) == n) return QUERN_OK;
    return qn_fail(err, QUERN_FORMAT, "%s of %s takes %zu bytes, the file has %zu",
                   QN_SHAPE(t), quern_dtype_name(t->dtype), qn_tensor_bytes(t), n);
}

quern_status qn_idx_parse(qn_arena *arena, const void *bytes, size_t n, qn_tensor *out,
                          quern_error *err)
{
    size_t head;
    QN_TRY(parse_head(bytes, n, out, &head, err));
    QN_TRY(check_size(out, n - head, err));
    QN_TRY(qn_tensor_alloc(arena, out, err));
    to_little_endian(out->data, (const uint8_t *)bytes + head,
                     qn_dtype_size(out->dtype), (size_t)qn_tensor_count(out));
    return QUERN_OK;
}

/* deflate packs at most 1032 to 1, so a lie about the size is refused early. */
static quern_status check_packed_size(const qn_idx_file *f, quern_error *err)
{
    if (qn_tensor_bytes(&f->shape) / 1032 <= f->map.bytes) return QUERN_OK;
    return qn_fail(err, QUERN_FORMAT, "%s of %s takes %zu bytes, which %zu cannot hold",
                   QN_SHAPE(&f->shape), quern_dtype_name(f->shape.dtype),
                   qn_tensor_bytes(&f->shape), f->map.bytes);
}

static quern_status read_head(qn_idx_file *f, quern_error *err)
{
    uint8_t first[4 + 4 * QUERN_MAX_RANK];
    size_t n = 0;
    f->is_packed = qn_is_gzip(f->map.base, f->map.bytes);
    if (!f->is_packed) {
        QN_TRY(parse_head(f->map.base, f->map.bytes, &f->shape, &f->head, err));
        return check_size(&f->shape, f->map.bytes - f->head, err);
    }
    QN_TRY(qn_gunzip_head(f->map.base, f->map.bytes, first, sizeof first, &n, err));
    QN_TRY(parse_head(first, n, &f->shape, &f->head, err));
    return check_packed_size(f, err);
}

quern_status qn_idx_open(const char *path, qn_idx_file *out, quern_error *err)
{
    qn_file file;
    *out = (qn_idx_file){0};
    QN_TRY(qn_file_open(NULL, path, &file, err));
    quern_status status = qn_file_map(&file, &out->map, err);
    qn_file_close(&file);
    QN_TRY(status);
    status = read_head(out, err);
    if (status != QUERN_OK) qn_idx_close(out);
    return status;
}

quern_status qn_idx_read(const qn_idx_file *file, void *to, quern_error *err)
{
    const size_t size = qn_dtype_size(file->shape.dtype);
    const uint8_t *from = (const uint8_t *)file->map.base + file->head;
    if (file->is_packed) {
        QN_TRY(qn_gunzip_body(file->map.base, file->map.bytes, file->head, to,
                              qn_tensor_bytes(&file->shape), err));
        from = to;
    }
    if (size > 1 || from != to)
        to_little_endian(to, from, size, (size_t)qn_tensor_count(&file->shape));
    return QUERN_OK;
}

void qn_idx_close(qn_idx_file *file)
{
    qn_map_done(&file->map);
}

quern_status qn_idx_load(qn_arena *arena, const char *path, size_t limit,
                         qn_tensor *out, quern_error *err)
{
    qn_idx_file file;
    if (limit == 0) limit = (size_t)1 << 32;
    QN_TRY(qn_idx_open(path, &file, err));
    quern_status status = QUERN_OK;
    *out = file.shape;
    if (qn_tensor_bytes(out) > limit)
        status = qn_fail(err, QUERN_LIMIT, "%s takes %zu bytes; at most %zu",
                         QN_SHAPE(out), qn_tensor_bytes(out), limit);
    if (status == QUERN_OK) status = qn_tensor_alloc(arena, out, err);
    if (status == QUERN_OK) status = qn_idx_read(&file, out->data, err);
    qn_idx_close(&file);
    return status;
}
