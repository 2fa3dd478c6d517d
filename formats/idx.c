/* SPDX-License-Identifier: Apache-2.0 */
/* formats/idx.c - see idx.h; the format is that of LeCun's MNIST page. */
#include "formats/idx.h"

#include "engine/os.h"
#include "formats/bytes.h"
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

static void to_little_endian(uint8_t *to, const uint8_t *from, size_t size, size_t n)
{
    for (size_t i = 0; i < n; i++, to += size, from += size)
        for (size_t k = 0; k < size; k++)
            to[k] = from[size - 1 - k];
}

quern_status qn_idx_parse(qn_arena *arena, const void *bytes, size_t n, qn_tensor *out,
                          quern_error *err)
{
    qn_span file = {bytes, n, 0}, head, dim;
    *out = (qn_tensor){0};
    if (!qn_idx_is(bytes, n) || !qn_take(&file, 4, &head))
        return qn_fail(err, QUERN_FORMAT, "it does not begin as an IDX file");
    out->dtype = type_of(head.p[2]);
    out->rank = head.p[3];
    for (int d = 0; d < out->rank; d++) {
        if (!qn_take(&file, 4, &dim))
            return qn_fail(err, QUERN_FORMAT, "%zu bytes; the header takes %d", n,
                           4 + 4 * out->rank);
        out->dim[d] =
            (int64_t)dim.p[0] << 24 | dim.p[1] << 16 | dim.p[2] << 8 | dim.p[3];
    }
    QN_TRY(qn_tensor_check(out, err));
    if (qn_tensor_bytes(out) != file.n)
        return qn_fail(err, QUERN_FORMAT, "%s of %s takes %zu bytes, the file has %zu",
                       QN_SHAPE(out), quern_dtype_name(out->dtype),
                       qn_tensor_bytes(out), file.n);
    QN_TRY(qn_tensor_alloc(arena, out, err));
    to_little_endian(out->data, file.p, qn_dtype_size(out->dtype),
                     (size_t)qn_tensor_count(out));
    return QUERN_OK;
}

static quern_status parse_maybe_packed(qn_arena *arena, const qn_map *map, size_t limit,
                                       qn_tensor *out, quern_error *err)
{
    qn_buf plain;
    if (!qn_is_gzip(map->base, map->bytes))
        return qn_idx_parse(arena, map->base, map->bytes, out, err);
    qn_buf_init(&plain, arena->mem);
    quern_status status =
        qn_gunzip(map->base, map->bytes, limit ? limit : (size_t)1 << 32, &plain, err);
    if (status == QUERN_OK) status = qn_idx_parse(arena, plain.p, plain.n, out, err);
    qn_buf_done(&plain);
    return status;
}

quern_status qn_idx_load(qn_arena *arena, const char *path, size_t limit,
                         qn_tensor *out, quern_error *err)
{
    qn_file file;
    qn_map map;
    QN_TRY(qn_file_open(NULL, path, &file, err));
    quern_status status = qn_file_map(&file, &map, err);
    qn_file_close(&file);
    if (status != QUERN_OK) return status;
    status = parse_maybe_packed(arena, &map, limit, out, err);
    qn_map_done(&map);
    return status;
}
