/* SPDX-License-Identifier: Apache-2.0 */
/* tools/values.c - see values.h; the comparison is in agree.c. */
#include "tools/values.h"

#include "formats/npy.h"
#include "formats/onnx.h"
#include "formats/files.h"

#include <math.h>
#include <string.h>

/* ---- reading ---- */

quern_status qn_value_load(qn_arena *arena, const char *path, const quern_info *info,
                           qn_tensor *out, quern_error *err)
{
    quern_status status;
    if (qn_ends_with(path, ".npy"))
        status = qn_npy_load(arena, path, out, err);
    else if (qn_ends_with(path, ".pb"))
        status = qn_onnx_value_load(arena, path, info, out, err);
    else
        status = qn_fail(err, QUERN_UNSUPPORTED, "values are .npy or .pb files");
    if (status != QUERN_OK) qn_within(err, "%s", path);
    return status;
}

quern_status qn_value_zeros(qn_arena *arena, const quern_info *info,
                            const qn_tensor *shape, qn_tensor *out, quern_error *err)
{
    *out = (qn_tensor){.dtype = info->dtype, .rank = info->rank > 0 ? info->rank : 0};
    if (shape) {
        out->rank = shape->rank;
        memcpy(out->dim, shape->dim, sizeof out->dim);
    } else {
        for (int d = 0; d < out->rank; d++)
            out->dim[d] = info->dim[d] < 0 ? 1 : info->dim[d];
    }
    QN_TRY(qn_tensor_check(out, err));
    QN_TRY(qn_tensor_alloc(arena, out, err));
    memset(out->data, 0, qn_tensor_bytes(out));
    return QUERN_OK;
}

/* SplitMix64's finalizer (Steele, Lea, Flood 2014) over a counter. */
static uint64_t hash(uint64_t seed, uint64_t stream, uint64_t counter)
{
    uint64_t z =
        seed + 0x9e3779b97f4a7c15u * (counter + 1) + 0xd1b54a32d192ed03u * stream;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

void qn_value_randomize(qn_tensor *t, uint64_t seed, int input)
{
    const int64_t n = qn_tensor_count(t);
    if (t->kind != QN_TENSOR || t->dtype == QUERN_STRING) return;
    const bool is_float = qn_dtype_is_float(t->dtype);
    const uint64_t range = t->dtype == QUERN_BOOL || qn_dtype_bits(t->dtype) == 2 ? 2
                           : qn_dtype_bits(t->dtype) == 4                         ? 7
                                                                                  : 10;
    for (int64_t i = 0; i < n; i++) {
        const uint64_t h = hash(seed, (uint64_t)input, (uint64_t)i);
        if (t->dtype == QUERN_COMPLEX64 || t->dtype == QUERN_COMPLEX128) return;
        const double uniform = (double)(h >> 40) * 0x1p-24; /* exact in float32 */
        qn_set_real(t, i, is_float ? uniform : (double)(h % range));
    }
}

/* ---- binding ---- */

quern_tensor qn_value_public(const qn_tensor *t)
{
    quern_tensor out = {.dtype = t->dtype, .rank = t->rank, .data = t->data};
    memcpy(out.dim, t->dim, sizeof out.dim);
    return out;
}

static qn_tensor private_of(const quern_tensor *t)
{
    qn_tensor out = {.dtype = t->dtype, .rank = t->rank, .data = t->data};
    memcpy(out.dim, t->dim, sizeof out.dim);
    return out;
}

#define MAX_ITEMS 4096 /* of a sequence input */

static quern_status bind_sequence(quern_session *session, int i, const qn_tensor *value,
                                  quern_error *err)
{
    quern_tensor items[MAX_ITEMS];
    const int64_t n = value->dim[0];
    const qn_tensor *item = value->data;
    if (n > MAX_ITEMS)
        return qn_fail(err, QUERN_LIMIT, "a sequence of %lld tensors; the most is %d",
                       (long long)n, MAX_ITEMS);
    for (int64_t k = 0; k < n; k++)
        items[k] = qn_value_public(&item[k]);
    return quern_session_bind_sequence(session, i, n ? items : NULL, (int)n,
                                       value->dtype, err);
}

quern_status qn_value_bind(quern_session *session, int i, const qn_tensor *value,
                           quern_error *err)
{
    const quern_tensor tensor = qn_value_public(value);
    if (value->kind == QN_NONE) return quern_session_bind_none(session, i, err);
    if (value->kind == QN_SEQUENCE) return bind_sequence(session, i, value, err);
    return quern_session_bind(session, i, &tensor, err);
}

quern_status qn_value_output(quern_session *session, int i, qn_arena *arena,
                             qn_tensor *out, quern_error *err)
{
    const int64_t n = quern_session_output_length(session, i);
    quern_tensor tensor = {.data = NULL};
    void *items;
    if (n == -2) {
        *out = (qn_tensor){.kind = QN_NONE};
        return QUERN_OK;
    }
    if (n == -1) {
        QN_TRY(quern_session_output(session, i, &tensor, err));
        *out = private_of(&tensor);
        return QUERN_OK;
    }
    QN_TRY(qn_arena_array(arena, (size_t)n + 1, sizeof(qn_tensor), &items, err));
    for (int64_t k = 0; k < n; k++) {
        QN_TRY(quern_session_output_item(session, i, k, &tensor, err));
        ((qn_tensor *)items)[k] = private_of(&tensor);
    }
    *out = (qn_tensor){.kind = QN_SEQUENCE, .rank = 1, .dim = {n}, .data = items};
    if (n) out->dtype = ((qn_tensor *)items)->dtype;
    return QUERN_OK;
}

/* ---- summary ---- */

qn_summary qn_value_summary(const qn_tensor *t)
{
    qn_summary s = {.min = INFINITY, .max = -INFINITY};
    double sum = 0;
    int64_t n = 0;
    if (t->kind != QN_TENSOR || t->dtype == QUERN_STRING ||
        t->dtype == QUERN_COMPLEX64 || t->dtype == QUERN_COMPLEX128)
        return s;
    for (int64_t i = 0, count = qn_tensor_count(t); i < count; i++) {
        const double x = qn_get_real(t, i);
        if (isnan(x)) continue;
        if (x < s.min) s.min = x;
        if (x > s.max) s.max = x;
        sum += x;
        n++;
    }
    s.mean = n ? sum / (double)n : NAN;
    s.is_number = n > 0;
    return s;
}
