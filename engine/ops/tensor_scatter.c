/* SPDX-License-Identifier: Apache-2.0 */
/* engine/ops/tensor_scatter.c - writes new steps into a cache at a position per sample;
 * ONNX TensorScatter-24. */
#include "engine/index.h"
#include "engine/op.h"
#include "engine/strided.h"

typedef struct cache_params {
    int64_t axis;
    const char *mode;
} cache_params;

static quern_status cache_check(const qn_node *node, quern_error *err)
{
    const cache_params *p = node->params;
    if (strcmp(p->mode, "linear") != 0 && strcmp(p->mode, "circular") != 0)
        return qn_fail(err, QUERN_INVALID, "mode '%s' is not known", p->mode);
    return QUERN_OK;
}

static quern_status cache_infer(const qn_infer *x, quern_error *err)
{
    const cache_params *p = x->params;
    const qn_tensor *in = x->in[0], *up = x->in[1], *at = x->n_in > 2 ? x->in[2] : NULL;
    int axis;
    QN_TRY(qn_axis(p->axis, in->rank, false, &axis, err));
    bool fits = axis > 0 && up->rank == in->rank && up->dtype == in->dtype;
    for (int d = 0; fits && d < in->rank; d++)
        fits = d == axis ? up->dim[d] <= in->dim[d] : up->dim[d] == in->dim[d];
    if (!fits)
        return qn_fail(err, QUERN_SHAPE,
                       "update %s %s does not fit cache %s %s on axis "
                       "%d",
                       quern_dtype_name(up->dtype), QN_SHAPE(up),
                       quern_dtype_name(in->dtype), QN_SHAPE(in), axis);
    if (at && (at->rank != 1 || at->dim[0] != in->dim[0]))
        return qn_fail(err, QUERN_SHAPE, "write_indices %s for a batch of %lld",
                       QN_SHAPE(at), (long long)in->dim[0]);
    qn_copy_shape(x->out[0], in);
    return QUERN_OK;
}

/* Where the update of sample b begins, checked. */
static quern_status write_start(const qn_instr *i, int axis, int64_t b, int64_t *start,
                                quern_error *err)
{
    const cache_params *p = i->params;
    const qn_tensor *at = i->n_in > 2 ? i->in[2] : NULL;
    int64_t max = i->in[0]->dim[axis], n = i->in[1]->dim[axis];
    *start = at ? ((const int64_t *)at->data)[b] : 0;
    if (*start < 0 || (strcmp(p->mode, "linear") == 0 && *start > max - n))
        return qn_fail(err, QUERN_DATA, "%lld steps at %lld of sample %lld, of %lld",
                       (long long)n, (long long)*start, (long long)b, (long long)max);
    if (max > 0) *start %= max;
    return QUERN_OK;
}

static quern_status cache_run(const qn_instr *i, const qn_exec *x, quern_error *err)
{
    (void)x;
    const cache_params *p = i->params;
    const qn_tensor *in = i->in[0], *up = i->in[1];
    int axis;
    QN_TRY(qn_axis(p->axis, in->rank, false, &axis, err));
    int64_t max = in->dim[axis], n = up->dim[axis], start;
    int64_t rows = qn_dims_count(in, 1, axis);
    size_t block =
        (size_t)qn_dims_count(in, axis + 1, in->rank) * qn_dtype_size(in->dtype);
    size_t bytes = qn_tensor_bytes(in);
    for (int64_t b = 0; b < in->dim[0]; b++)
        QN_TRY(write_start(i, axis, b, &start, err));
    if (bytes == 0) return QUERN_OK;
    memcpy(i->out[0]->data, in->data, bytes);
    const char *from = up->data;
    for (int64_t b = 0; b < in->dim[0]; b++) {
        QN_TRY(write_start(i, axis, b, &start, err));
        for (int64_t r = 0; r < rows; r++) {
            char *to = (char *)i->out[0]->data + (size_t)((b * rows + r) * max) * block;
            for (int64_t k = 0; k < n; k++, from += block)
                qn_copy_block(to + (size_t)((start + k) % max) * block, from, block);
        }
    }
    return QUERN_OK;
}

static const qn_attr cache_attrs[] = {
    QN_INT(cache_params, axis, -2),
    QN_STR(cache_params, mode, "linear"),
    QN_ATTRS_END,
};

const qn_op qn_op_tensor_scatter = {
    .name = "TensorScatter",
    .since = 24,
    .first = 24,
    .min_in = 2,
    .max_in = 3,
    .attrs = cache_attrs,
    .params_size = sizeof(cache_params),
    .types = {QN_T_ALL, QN_T_ALL, QN_T_I64},
    .check = cache_check,
    .infer = cache_infer,
    .run = cache_run,
};
