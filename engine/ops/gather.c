/* SPDX-License-Identifier: Apache-2.0 */
/* engine/ops/gather.c - picks slices, elements or sub-tensors by index; ONNX Gather-13,
 * GatherElements-13, GatherND-13.  Every index is checked before anything is copied. */
#include "engine/ops/grads.h"
#include "engine/index.h"
#include "engine/op.h"
#include "engine/strided.h"

#define GRAIN_BYTES (64 << 10)

typedef struct gather_params {
    int64_t axis;
} gather_params;

static const qn_attr gather_attrs[] = {
    QN_INT(gather_params, axis, 0),
    QN_ATTRS_END,
};

/* Gather --------------------------------------------------------------------------- */

static quern_status gather_infer(const qn_infer *x, quern_error *err)
{
    const gather_params *p = x->params;
    const qn_tensor *in = x->in[0], *index = x->in[1];
    qn_tensor *y = x->out[0];
    int axis, k = 0;
    QN_TRY(qn_axis(p->axis, in->rank, false, &axis, err));
    int rank = in->rank + index->rank - 1;
    if (rank > QUERN_MAX_RANK)
        return qn_fail(err, QUERN_LIMIT, "rank %d is over the limit of %d", rank,
                       QUERN_MAX_RANK);
    for (int d = 0; d < axis; d++)
        y->dim[k++] = in->dim[d];
    for (int d = 0; d < index->rank; d++)
        y->dim[k++] = index->dim[d];
    for (int d = axis + 1; d < in->rank; d++)
        y->dim[k++] = in->dim[d];
    y->rank = rank;
    return QUERN_OK;
}

typedef struct gather_work {
    const qn_tensor *index;
    int64_t n_index, dim; /* indices; size of the axis */
    size_t block;         /* bytes behind one index */
    char *to;
    const char *from;
} gather_work;

/* Blocks [begin, end) of the output, counted over outer dims and indices. */
static void gather_range(void *ctx, int64_t begin, int64_t end, int worker)
{
    (void)worker;
    const gather_work *w = ctx;
    int64_t outer = begin / w->n_index, k = begin % w->n_index;
    char *to = w->to + (size_t)begin * w->block;
    const char *from = w->from + (size_t)(outer * w->dim) * w->block;
    for (int64_t i = begin; i < end; i++) {
        int64_t at = qn_index(w->index, k, w->dim);
        qn_copy_block(to, from + (size_t)at * w->block, w->block);
        to += w->block;
        if (++k < w->n_index) continue;
        k = 0;
        from += (size_t)w->dim * w->block;
    }
}

static quern_status gather_run(const qn_instr *i, const qn_exec *x, quern_error *err)
{
    const gather_params *p = i->params;
    const qn_tensor *in = i->in[0];
    int axis;
    QN_TRY(qn_axis(p->axis, in->rank, false, &axis, err));
    QN_TRY(qn_check_indices(i->in[1], in->dim[axis], err));
    gather_work w = {
        .index = i->in[1],
        .n_index = qn_tensor_count(i->in[1]),
        .dim = in->dim[axis],
        .block =
            (size_t)qn_dims_count(in, axis + 1, in->rank) * qn_dtype_size(in->dtype),
        .to = i->out[0]->data,
        .from = in->data,
    };
    int64_t n = qn_dims_count(in, 0, axis) * w.n_index;
    if (n == 0 || w.block == 0) return QUERN_OK;
    qn_parallel_for(x->pool, n, GRAIN_BYTES / (int64_t)w.block + 1, gather_range, &w);
    return QUERN_OK;
}

/* One index that is known.  As a constant of a file it may lie unaligned. */
static bool gather_places(const qn_instr *i, int k, qn_places *p)
{
    const gather_params *params = i->params;
    const qn_tensor *in = i->in[0], *index = i->in[1];
    int64_t stride[QUERN_MAX_RANK];
    quern_error err;
    int axis, n = 0;
    (void)k;
    if (!index->data || qn_tensor_count(index) != 1 ||
        qn_axis(params->axis, in->rank, false, &axis, &err) != QUERN_OK)
        return false;
    int64_t at = qn_get_int(index, 0);
    if (at < 0) at += in->dim[axis];
    if (at < 0 || at >= in->dim[axis]) return false;
    qn_row_major(in->rank, in->dim, stride);
    p->at = stride[axis] * at;
    for (int d = 0; d < axis; d++)
        p->step[n++] = stride[d];
    for (int d = 0; d < index->rank; d++)
        p->step[n++] = 0;
    for (int d = axis + 1; d < in->rank; d++)
        p->step[n++] = stride[d];
    return true;
}

const qn_op qn_op_gather = {
    .name = "Gather",
    .since = 13,
    .min_in = 2,
    .max_in = 2,
    .attrs = gather_attrs,
    .params_size = sizeof(gather_params),
    .types = {QN_T_ALL, QN_T_INDEX},
    .infer = gather_infer,
    .places = gather_places,
    .grad = qn_grad_gather,
    .run = gather_run,
};

/* GatherElements ------------------------------------------------------------------- */

static quern_status elements_infer(const qn_infer *x, quern_error *err)
{
    const gather_params *p = x->params;
    const qn_tensor *in = x->in[0], *index = x->in[1];
    int axis;
    QN_TRY(qn_axis(p->axis, in->rank, false, &axis, err));
    bool fits = index->rank == in->rank;
    for (int d = 0; fits && d < in->rank; d++)
        fits = d == axis || index->dim[d] <= in->dim[d];
    if (!fits)
        return qn_fail(err, QUERN_SHAPE, "indices %s do not fit into %s off axis %d",
                       QN_SHAPE(index), QN_SHAPE(in), axis);
    qn_copy_shape(x->out[0], index);
    return QUERN_OK;
}

static quern_status elements_run(const qn_instr *i, const qn_exec *x, quern_error *err)
{
    (void)x;
    const gather_params *p = i->params;
    const qn_tensor *in = i->in[0], *index = i->in[1];
    int axis, rank = in->rank;
    QN_TRY(qn_axis(p->axis, rank, false, &axis, err));
    QN_TRY(qn_check_indices(index, in->dim[axis], err));
    int64_t n = qn_tensor_count(index), stride[QUERN_MAX_RANK],
            at[QUERN_MAX_RANK] = {0};
    int64_t base = 0, step; /* offset of the row but for the axis */
    size_t size = qn_dtype_size(in->dtype);
    qn_row_major(rank, in->dim, stride);
    step = stride[axis];
    stride[axis] = 0;
    const char *from = in->data;
    char *to = i->out[0]->data;
    int64_t row = index->dim[rank - 1], last = stride[rank - 1];
    for (int64_t k = 0; k < n; k += row) {
        for (int64_t j = 0; j < row; j++) {
            int64_t off =
                base + j * last + qn_index(index, k + j, in->dim[axis]) * step;
            qn_copy_block(to + (size_t)(k + j) * size, from + (size_t)off * size, size);
        }
        for (int d = rank - 2; d >= 0; d--) {
            base += stride[d];
            if (++at[d] < index->dim[d]) break;
            base -= at[d] * stride[d];
            at[d] = 0;
        }
    }
    return QUERN_OK;
}

const qn_op qn_op_gather_elements = {
    .name = "GatherElements",
    .since = 13,
    .first = 11,
    .min_in = 2,
    .max_in = 2,
    .attrs = gather_attrs,
    .params_size = sizeof(gather_params),
    .types = {QN_T_ALL, QN_T_INDEX},
    .infer = elements_infer,
    .grad = qn_grad_gather_elements,
    .run = elements_run,
};

/* GatherND ------------------------------------------------------------------------- */

typedef struct gather_nd_params {
    int64_t batch_dims;
} gather_nd_params;

static quern_status nd_infer(const qn_infer *x, quern_error *err)
{
    const gather_nd_params *p = x->params;
    const qn_tensor *in = x->in[0], *index = x->in[1];
    qn_tensor *y = x->out[0];
    int64_t b = p->batch_dims, q = index->rank;
    if (q < 1 || b < 0 || b >= q || b >= in->rank)
        return qn_fail(err, QUERN_SHAPE, "batch_dims %lld with data %s and indices %s",
                       (long long)b, QN_SHAPE(in), QN_SHAPE(index));
    int64_t depth = index->dim[q - 1];
    if (depth > in->rank - b)
        return qn_fail(err, QUERN_SHAPE, "index tuples of %lld for data %s",
                       (long long)depth, QN_SHAPE(in));
    for (int64_t d = 0; d < b; d++)
        if (in->dim[d] != index->dim[d])
            return qn_fail(err, QUERN_SHAPE,
                           "data %s and indices %s differ in batch dim "
                           "%lld",
                           QN_SHAPE(in), QN_SHAPE(index), (long long)d);
    int64_t rank = q - 1 + in->rank - b - depth;
    if (rank > QUERN_MAX_RANK)
        return qn_fail(err, QUERN_LIMIT, "rank %lld is over the limit of %d",
                       (long long)rank, QUERN_MAX_RANK);
    y->rank = 0;
    for (int64_t d = 0; d < q - 1; d++)
        y->dim[y->rank++] = index->dim[d];
    for (int64_t d = b + depth; d < in->rank; d++)
        y->dim[y->rank++] = in->dim[d];
    return QUERN_OK;
}

static quern_status nd_run(const qn_instr *i, const qn_exec *x, quern_error *err)
{
    (void)x;
    const gather_nd_params *p = i->params;
    const qn_tensor *in = i->in[0], *index = i->in[1];
    int b = (int)p->batch_dims, depth = (int)index->dim[index->rank - 1];
    int64_t stride[QUERN_MAX_RANK];
    qn_row_major(in->rank, in->dim, stride);
    int64_t batches = qn_dims_count(index, 0, b);
    int64_t tuples = qn_dims_count(index, b, index->rank - 1);
    int64_t batch = qn_dims_count(in, b, in->rank);
    size_t size = qn_dtype_size(in->dtype);
    size_t block = (size_t)qn_dims_count(in, b + depth, in->rank) * size;
    char *to = i->out[0]->data;
    for (int64_t k = 0; k < batches * tuples; k++) {
        int64_t off = k / tuples * batch;
        for (int d = 0; d < depth; d++) {
            int64_t at = qn_index(index, k * depth + d, in->dim[b + d]);
            if (at < 0)
                return qn_fail(err, QUERN_DATA, "index %lld at tuple %lld, of %lld",
                               (long long)qn_index_raw(index, k * depth + d),
                               (long long)k, (long long)in->dim[b + d]);
            off += at * stride[b + d];
        }
        qn_copy_block(to, (const char *)in->data + (size_t)off * size, block);
        to += block;
    }
    return QUERN_OK;
}

static const qn_attr nd_attrs[] = {
    QN_INT(gather_nd_params, batch_dims, 0),
    QN_ATTRS_END,
};

const qn_op qn_op_gather_nd = {
    .name = "GatherND",
    .since = 13,
    .first = 11,
    .min_in = 2,
    .max_in = 2,
    .attrs = nd_attrs,
    .params_size = sizeof(gather_nd_params),
    .types = {QN_T_ALL, QN_T_I64},
    .infer = nd_infer,
    .grad = qn_grad_gather_nd,
    .run = nd_run,
};
