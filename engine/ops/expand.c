/* SPDX-License-Identifier: Apache-2.0 */
/* engine/ops/expand.c - repeats a tensor along its axes: ONNX Expand-13 (broadcast to a
 * shape, both ways) and Tile-13 (repeats per axis; opset 1 tiles one axis). */
#include "engine/ops/grads.h"
#include "engine/index.h"
#include "engine/op.h"
#include "engine/strided.h"

static quern_status expand_infer(const qn_infer *x, quern_error *err)
{
    qn_tensor want = {.dtype = x->in[0]->dtype};
    int64_t n;
    QN_TRY(qn_infer_need(x, 1));
    QN_TRY(qn_read_ints(x->in[1], "the shape", QUERN_MAX_RANK, want.dim, &n, err));
    want.rank = (int)n;
    for (int i = 0; i < want.rank; i++)
        if (want.dim[i] < 0)
            return qn_fail(err, QUERN_SHAPE, "dim %d of the shape is %lld", i,
                           (long long)want.dim[i]);
    qn_copy_shape(x->out[0], x->in[0]);
    return qn_broadcast_shape(x->out[0], &want, err);
}

static quern_status expand_run(const qn_instr *i, const qn_exec *x, quern_error *err)
{
    (void)err;
    const qn_tensor *in = i->in[0], *y = i->out[0];
    qn_strided box = {.size = qn_dtype_size(in->dtype), .rank = y->rank};
    int64_t stride[QUERN_MAX_RANK];
    qn_row_major(in->rank, in->dim, stride);
    qn_row_major(y->rank, y->dim, box.to);
    for (int d = 0; d < y->rank; d++) {
        int k = d - (y->rank - in->rank);
        box.dim[d] = y->dim[d];
        box.from[d] = k < 0 || in->dim[k] == 1 ? 0 : stride[k];
    }
    qn_strided_copy(x->pool, &box, y->data, in->data);
    return QUERN_OK;
}

const qn_op qn_op_expand = {
    .name = "Expand",
    .since = 13,
    .first = 8,
    .min_in = 2,
    .max_in = 2,
    .types = {QN_T_ALL, QN_T_I64},
    .infer = expand_infer,
    .grad = qn_grad_expand,
    .run = expand_run,
};

/* Tile ----------------------------------------------------------------------------- */

/* Inputs 1 and 2 of the opset 1 form: number of tiles and axis, of the data's type. */
static quern_status tile_one_axis(const qn_infer *x, quern_error *err)
{
    const qn_tensor *tiles = x->in[1], *at = x->in[2];
    qn_tensor *y = x->out[0];
    QN_TRY(qn_infer_need(x, 1));
    QN_TRY(qn_infer_need(x, 2));
    if (qn_tensor_count(tiles) != 1 || qn_tensor_count(at) != 1)
        return qn_fail(err, QUERN_SHAPE,
                       "tiles is %s and axis is %s instead of scalars", QN_SHAPE(tiles),
                       QN_SHAPE(at));
    double n = qn_get_real(tiles, 0), a = qn_get_real(at, 0);
    if (!(n >= 0 && n < 1e15) || !(a >= 0 && a < y->rank))
        return qn_fail(err, QUERN_DATA, "%g tiles along axis %g of %s", n, a,
                       QN_SHAPE(x->in[0]));
    int64_t *d = &y->dim[(int)a];
    if (__builtin_mul_overflow(*d, (int64_t)n, d))
        return qn_fail(err, QUERN_SHAPE, "%g tiles of %s overflow", n,
                       QN_SHAPE(x->in[0]));
    return QUERN_OK;
}

static quern_status tile_infer(const qn_infer *x, quern_error *err)
{
    const qn_tensor *in = x->in[0];
    qn_tensor *y = x->out[0];
    qn_copy_shape(y, in);
    if (x->n_in == 3) return tile_one_axis(x, err);
    QN_TRY(qn_infer_need(x, 1));
    if (qn_tensor_count(x->in[1]) != in->rank)
        return qn_fail(err, QUERN_SHAPE, "repeats is %s for an input %s",
                       QN_SHAPE(x->in[1]), QN_SHAPE(in));
    for (int d = 0; d < in->rank; d++) {
        int64_t times = qn_get_int(x->in[1], d);
        if (times < 0 || __builtin_mul_overflow(in->dim[d], times, &y->dim[d]))
            return qn_fail(err, QUERN_SHAPE, "%lld repeats of dim %d of %s",
                           (long long)times, d, QN_SHAPE(in));
    }
    return QUERN_OK;
}

static quern_status tile_run(const qn_instr *i, const qn_exec *x, quern_error *err)
{
    (void)err;
    const qn_tensor *in = i->in[0], *y = i->out[0];
    if (qn_tensor_count(y) == 0) return QUERN_OK;
    qn_strided box = {.size = qn_dtype_size(in->dtype), .rank = 2 * in->rank};
    int64_t from[QUERN_MAX_RANK], to[QUERN_MAX_RANK];
    qn_row_major(in->rank, in->dim, from);
    qn_row_major(y->rank, y->dim, to);
    for (int d = 0; d < in->rank; d++) {
        box.dim[2 * d] = y->dim[d] / in->dim[d];
        box.to[2 * d] = to[d] * in->dim[d];
        box.dim[2 * d + 1] = in->dim[d];
        box.to[2 * d + 1] = to[d];
        box.from[2 * d + 1] = from[d];
    }
    qn_strided_copy(x->pool, &box, y->data, in->data);
    return QUERN_OK;
}

const qn_op qn_op_tile = {
    .name = "Tile",
    .since = 13,
    .min_in = 2,
    .max_in = 3,
    .types = {QN_T_ALL, QN_T_INTS | QN_T_FLOATS},
    .infer = tile_infer,
    .grad = qn_grad_tile,
    .run = tile_run,
};
