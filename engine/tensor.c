/* SPDX-License-Identifier: Apache-2.0 */
/* engine/tensor.c - element types, shapes, copies. */
#include "engine/tensor.h"

#include "kernels/convert.h"

#include <stdio.h>
#include <string.h>

/* By dtype number: bytes in memory, bits in a file (0: not a fixed size). */
static const struct {
    uint8_t size, bits;
} widths[] = {
    [QUERN_FLOAT] = {4, 32},        [QUERN_UINT8] = {1, 8},
    [QUERN_INT8] = {1, 8},          [QUERN_UINT16] = {2, 16},
    [QUERN_INT16] = {2, 16},        [QUERN_INT32] = {4, 32},
    [QUERN_INT64] = {8, 64},        [QUERN_STRING] = {sizeof(qn_str), 0},
    [QUERN_BOOL] = {1, 8},          [QUERN_FLOAT16] = {2, 16},
    [QUERN_DOUBLE] = {8, 64},       [QUERN_UINT32] = {4, 32},
    [QUERN_UINT64] = {8, 64},       [QUERN_COMPLEX64] = {8, 64},
    [QUERN_COMPLEX128] = {16, 128}, [QUERN_BFLOAT16] = {2, 16},
    [QUERN_FLOAT8E4M3FN] = {1, 8},  [QUERN_FLOAT8E4M3FNUZ] = {1, 8},
    [QUERN_FLOAT8E5M2] = {1, 8},    [QUERN_FLOAT8E5M2FNUZ] = {1, 8},
    [QUERN_UINT4] = {1, 4},         [QUERN_INT4] = {1, 4},
    [QUERN_FLOAT4E2M1] = {1, 4},    [QUERN_FLOAT8E8M0] = {1, 8},
    [QUERN_UINT2] = {1, 2},         [QUERN_INT2] = {1, 2},
};
#define N_WIDTHS (sizeof widths / sizeof widths[0])

size_t qn_dtype_size(quern_dtype dtype)
{
    return (size_t)dtype < N_WIDTHS ? widths[dtype].size : 0;
}

int qn_dtype_bits(quern_dtype dtype)
{
    return (size_t)dtype < N_WIDTHS ? widths[dtype].bits : 0;
}

size_t quern_dtype_size(quern_dtype dtype)
{
    return qn_dtype_size(dtype);
}

const char *quern_dtype_name(quern_dtype dtype)
{
    static const char *const names[] = {
#define X(name, number, text) [number] = text,
        QUERN_DTYPE_MAP(X)
#undef X
    };
    return (size_t)dtype < sizeof names / sizeof names[0] ? names[dtype] : "unknown";
}

static bool in_set(quern_dtype dtype, uint32_t set)
{
    return (size_t)dtype < N_WIDTHS && (QN_BIT(dtype) & set);
}

bool qn_dtype_is_float(quern_dtype dtype)
{
    return in_set(dtype, QN_T_FLOATS | QN_T_FLOAT8 | QN_BIT(QUERN_FLOAT4E2M1));
}

bool qn_dtype_is_signed(quern_dtype dtype)
{
    return in_set(dtype, QN_T_SIGNED | QN_BIT(QUERN_INT4) | QN_BIT(QUERN_INT2));
}

bool qn_dtype_is_integer(quern_dtype dtype)
{
    return qn_dtype_is_signed(dtype) ||
           in_set(dtype, QN_T_UNSIGNED | QN_BIT(QUERN_UINT4) | QN_BIT(QUERN_UINT2));
}

bool qn_is_aligned(const void *p, quern_dtype dtype)
{
    size_t size = qn_dtype_size(dtype);
    if (dtype == QUERN_COMPLEX64 || dtype == QUERN_COMPLEX128) size /= 2;
    if (dtype == QUERN_STRING) size = sizeof(void *);
    return size == 0 || (uintptr_t)p % size == 0;
}

int64_t qn_dims_count(const qn_tensor *t, int from, int to)
{
    int64_t n = 1;
    for (int i = from; i < to; i++)
        n *= t->dim[i];
    return n;
}

int64_t qn_tensor_count(const qn_tensor *t)
{
    return qn_dims_count(t, 0, t->rank);
}

qn_plane8c qn_tensor_plane(const qn_tensor *t)
{
    qn_plane8c p;
    int64_t origin;
    qn_plane8c_shape(&p, t->dim[1], t->dim[2], t->dim[3], t->halo, &origin);
    if (t->image) p.image = t->image;
    p.data = t->data ? (float *)t->data + origin : NULL;
    return p;
}

void qn_tensor_clear_rim(const qn_tensor *t, int64_t begin, int64_t end)
{
    int64_t tail = t->dim[1] % QN_BLOCK8, origin;
    qn_plane8c p;
    qn_plane8c_shape(&p, t->dim[1], t->dim[2], t->dim[3], t->halo, &origin);
    if (t->image) p.image = t->image;
    p.data = (float *)t->data + origin;
    for (int64_t n = begin; n < end; n++) {
        if (t->halo) qn_plane8c_clear_halo(&p, origin, n);
        float *last = p.data + n * p.image + t->dim[1] / QN_BLOCK8 * p.plane;
        for (int64_t y = 0; tail && y < p.h; y++)
            for (int64_t x = 0; x < p.w; x++)
                memset(last + y * p.row + x * QN_BLOCK8 + tail, 0,
                       (size_t)(QN_BLOCK8 - tail) * sizeof(float));
    }
}

size_t qn_tensor_bytes(const qn_tensor *t)
{
    if (t->kind == QN_NONE) return 0;
    if (t->layout == QN_NCHW8C)
        return (size_t)(t->dim[0] * qn_tensor_plane(t).image) * qn_dtype_size(t->dtype);
    size_t size = t->kind == QN_SEQUENCE ? sizeof(qn_tensor) : qn_dtype_size(t->dtype);
    return (size_t)qn_tensor_count(t) * size;
}

quern_status qn_tensor_check(const qn_tensor *t, quern_error *err)
{
    if (t->rank < 0 || t->rank > QUERN_MAX_RANK)
        return qn_fail(err, QUERN_LIMIT, "rank is %d, the most is %d", t->rank,
                       QUERN_MAX_RANK);
    size_t bytes = t->kind == QN_SEQUENCE ? sizeof(qn_tensor) : qn_dtype_size(t->dtype);
    if (bytes == 0)
        return qn_fail(err, QUERN_UNSUPPORTED, "element type %d is not known",
                       (int)t->dtype);
    /* The dims of an empty tensor must fit, too: parts of it are multiplied everywhere.
     */
    bool fits = true;
    for (int i = 0; i < t->rank; i++) {
        if (t->dim[i] < 0)
            return qn_fail(err, QUERN_SHAPE, "dim %d is %lld, it must not be negative",
                           i, (long long)t->dim[i]);
        if (t->dim[i] != 0)
            fits = fits && qn_size_mul(bytes, (size_t)t->dim[i], &bytes);
    }
    if (!fits || bytes > (SIZE_MAX >> 2))
        return qn_fail(err, QUERN_LIMIT, "a tensor of shape %s is too large",
                       QN_SHAPE(t));
    return QUERN_OK;
}

bool qn_same_shape(const qn_tensor *a, const qn_tensor *b)
{
    if (a->rank != b->rank) return false;
    for (int i = 0; i < a->rank; i++)
        if (a->dim[i] != b->dim[i]) return false;
    return true;
}

void qn_set_shape(qn_tensor *t, quern_dtype dtype, int rank, const int64_t *dim)
{
    t->dtype = dtype;
    t->rank = rank;
    for (int i = 0; i < rank; i++)
        t->dim[i] = dim[i];
}

void qn_copy_shape(qn_tensor *to, const qn_tensor *from)
{
    qn_set_shape(to, to->dtype, from->rank, from->dim);
}

const char *qn_shape_text(char *text, const qn_tensor *t)
{
    size_t at = 0;
    text[at++] = '[';
    for (int i = 0; i < t->rank && i < QUERN_MAX_RANK; i++)
        at += (size_t)snprintf(text + at, QN_SHAPE_TEXT - at, i ? ",%lld" : "%lld",
                               (long long)t->dim[i]);
    text[at++] = ']';
    text[at] = 0;
    return text;
}

int64_t qn_get_int(const qn_tensor *t, int64_t i)
{
    const char *p = (const char *)t->data + (size_t)i * qn_dtype_size(t->dtype);
    int64_t v = 0;
    memcpy(&v, p, qn_dtype_size(t->dtype) <= 8 ? qn_dtype_size(t->dtype) : 8);
    switch (t->dtype) {
    case QUERN_INT8:
    case QUERN_INT4:
    case QUERN_INT2:
        return (int8_t)v;
    case QUERN_INT16:
        return (int16_t)v;
    case QUERN_INT32:
        return (int32_t)v;
    default:
        return v;
    }
}

double qn_get_real(const qn_tensor *t, int64_t i)
{
    double v = 0;
    const char *p = (const char *)t->data + (size_t)i * qn_dtype_size(t->dtype);
    qn_convert(p, (enum qn_elem)t->dtype, &v, QN_E_F64, 1, 0);
    return v;
}

void qn_set_real(qn_tensor *t, int64_t i, double value)
{
    char *p = (char *)t->data + (size_t)i * qn_dtype_size(t->dtype);
    qn_convert(&value, QN_E_F64, p, (enum qn_elem)t->dtype, 1, 0);
}

quern_status qn_tensor_alloc(qn_arena *arena, qn_tensor *t, quern_error *err)
{
    return qn_arena_raw(arena, qn_tensor_bytes(t), &t->data, err);
}

static quern_status copy_strings(qn_arena *arena, qn_tensor *t, quern_error *err)
{
    qn_str *s = t->data;
    for (int64_t i = 0; i < qn_tensor_count(t); i++)
        QN_TRY(qn_arena_text(arena, s[i].p, s[i].n, &s[i].p, err));
    return QUERN_OK;
}

quern_status qn_tensor_copy(qn_arena *arena, qn_tensor *to, const qn_tensor *from,
                            quern_error *err)
{
    *to = *from;
    if (from->kind == QN_NONE) return QUERN_OK;
    QN_TRY(qn_tensor_alloc(arena, to, err));
    size_t bytes = qn_tensor_bytes(from);
    if (bytes) memcpy(to->data, from->data, bytes);
    if (from->kind == QN_SEQUENCE) {
        qn_tensor *item = to->data;
        for (int64_t i = 0; i < to->dim[0]; i++) {
            qn_tensor whole = item[i];
            QN_TRY(qn_tensor_copy(arena, &item[i], &whole, err));
        }
        return QUERN_OK;
    }
    return from->dtype == QUERN_STRING ? copy_strings(arena, to, err) : QUERN_OK;
}

quern_status qn_axis(int64_t axis, int rank, bool end_ok, int *out, quern_error *err)
{
    int64_t top = end_ok ? rank : rank - 1;
    if (axis < -(int64_t)rank || axis > top)
        return qn_fail(err, QUERN_SHAPE, "axis is %lld, the rank is %d",
                       (long long)axis, rank);
    *out = (int)(axis < 0 ? axis + rank : axis);
    return QUERN_OK;
}
