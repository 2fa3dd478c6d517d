/* SPDX-License-Identifier: Apache-2.0 */
/* engine/ops/max_unpool.c - puts each value where MaxPool's Indices found it, zeros
 * elsewhere; ONNX MaxUnpool-22.  Indices count in the shape that the window implies; a
 * larger output_shape keeps coordinates, not flat positions. */
#include "engine/ops/conv_shape.h"

#include <string.h>

/* The shape that kernel, strides and pads imply for X. */
static quern_status implied_shape(const qn_window_params *p, const qn_tensor *x,
                                  qn_tensor *out, quern_error *err)
{
    qn_window w;
    QN_TRY(qn_window_kernel(p, x, NULL, &w, err));
    if (p->pads.v && p->pads.n != 2 * w.rank)
        return qn_fail(err, QUERN_SHAPE, "%lld pads for %d spatial axes",
                       (long long)p->pads.n, w.rank);
    *out = *x;
    for (int d = 0; d < w.rank; d++) {
        int64_t pads = p->pads.v ? p->pads.v[d] + p->pads.v[w.rank + d] : 0, grown;
        if (__builtin_mul_overflow(w.in[d] - 1, w.stride[d], &grown) ||
            __builtin_add_overflow(grown, w.kernel[d] - pads, &grown))
            return qn_fail(err, QUERN_LIMIT, "axis %d of %s grows too far", d + 2,
                           QN_SHAPE(x));
        out->dim[2 + d] = w.in[d] == 0 || grown < 0 ? 0 : grown;
    }
    return QUERN_OK;
}

static quern_status unpool_infer(const qn_infer *x, quern_error *err)
{
    const qn_tensor *shape = x->n_in > 2 ? x->in[2] : NULL;
    qn_tensor implied;
    QN_TRY(implied_shape(x->params, x->in[0], &implied, err));
    if (!qn_same_shape(x->in[0], x->in[1]))
        return qn_fail(err, QUERN_SHAPE, "X is %s but I is %s", QN_SHAPE(x->in[0]),
                       QN_SHAPE(x->in[1]));
    if (shape) {
        QN_TRY(qn_infer_need(x, 2));
        if (qn_tensor_count(shape) != implied.rank)
            return qn_fail(err, QUERN_SHAPE, "output_shape is %s, wanted %d values",
                           QN_SHAPE(shape), implied.rank);
        for (int d = 0; d < implied.rank; d++) {
            int64_t n = qn_get_int(shape, d);
            if (n < (d < 2 ? implied.dim[d] : 0))
                return qn_fail(err, QUERN_DATA, "output_shape[%d] is %lld for X %s", d,
                               (long long)n, QN_SHAPE(x->in[0]));
            implied.dim[d] = n;
        }
    }
    if (x->out[0]) qn_copy_shape(x->out[0], &implied);
    return QUERN_OK;
}

static quern_status unpool_run(const qn_instr *i, const qn_exec *x, quern_error *err)
{
    const qn_tensor *in = i->in[0], *out = i->out[0];
    const int64_t *index = i->in[1]->data;
    size_t elem = qn_dtype_size(in->dtype);
    qn_tensor implied;
    (void)x;
    QN_TRY(implied_shape(i->params, in, &implied, err));
    memset(out->data, 0, qn_tensor_bytes(out));
    size_t size = 1;
    for (int d = 0; d < implied.rank; d++)
        if (!qn_size_mul(size, (size_t)implied.dim[d], &size))
            return qn_fail(err, QUERN_LIMIT, "unpooled shape %s is too large",
                           QN_SHAPE(&implied));
    for (int64_t k = 0, n = qn_tensor_count(in); k < n; k++) {
        if (index[k] < 0 || (uint64_t)index[k] >= size)
            return qn_fail(err, QUERN_DATA, "index %lld in %s", (long long)index[k],
                           QN_SHAPE(&implied));
        int64_t rest = index[k], at = 0, pitch = 1;
        bool inside = true;
        for (int d = implied.rank - 1; d >= 0; d--) {
            int64_t dim = implied.dim[d] > 0 ? implied.dim[d] : 1, c = rest % dim;
            rest /= dim;
            inside = inside && c < out->dim[d];
            at += c * pitch;
            pitch *= out->dim[d];
        }
        if (inside)
            memcpy((char *)out->data + (size_t)at * elem,
                   (const char *)in->data + (size_t)k * elem, elem);
    }
    return QUERN_OK;
}

static const qn_attr unpool_attrs[] = {
    QN_REQUIRED(qn_window_params, kernel_shape, QN_ATTR_INTS),
    QN_INTS(qn_window_params, strides), QN_INTS(qn_window_params, pads), QN_ATTRS_END};

const qn_op qn_op_max_unpool = {
    .name = "MaxUnpool",
    .since = 22,
    .first = 9,
    .min_in = 2,
    .max_in = 3,
    .attrs = unpool_attrs,
    .params_size = sizeof(qn_window_params),
    .types = {QN_T_FLOATS, QN_T_I64},
    .check = qn_window_check,
    .infer = unpool_infer,
    .run = unpool_run,
};
