/* SPDX-License-Identifier: Apache-2.0 */
/* engine/ops/onehot.c - matrices with few ones: ONNX OneHot-28 and EyeLike-22. */
#include "engine/index.h"
#include "engine/op.h"
#include "engine/strided.h"

typedef struct onehot_params {
    int64_t axis;
} onehot_params;

/* Element i of any number type as an integer; what does not fit is out of any range. */
static int64_t to_int(const qn_tensor *t, int64_t i)
{
    if (!qn_dtype_is_float(t->dtype)) return qn_get_int(t, i);
    double x = qn_get_real(t, i);
    return x > -9e18 && x < 9e18 ? (int64_t)x : INT64_MAX;
}

static quern_dtype onehot_dtype(const qn_node *node, int i)
{
    (void)i;
    return node->in[2]->dtype;
}

static quern_status onehot_infer(const qn_infer *x, quern_error *err)
{
    const onehot_params *p = x->params;
    const qn_tensor *index = x->in[0];
    qn_tensor *y = x->out[0];
    int axis, rank = index->rank + 1;
    if (rank > QUERN_MAX_RANK)
        return qn_fail(err, QUERN_LIMIT, "rank %d is over the limit of %d", rank,
                       QUERN_MAX_RANK);
    QN_TRY(qn_axis(p->axis, rank, false, &axis, err));
    if (qn_tensor_count(x->in[1]) != 1 || qn_tensor_count(x->in[2]) != 2)
        return qn_fail(err, QUERN_SHAPE,
                       "depth is %s and values is %s, not [1] and [2]",
                       QN_SHAPE(x->in[1]), QN_SHAPE(x->in[2]));
    QN_TRY(qn_infer_need(x, 1));
    int64_t depth = to_int(x->in[1], 0);
    if (depth < 0 || depth == INT64_MAX)
        return qn_fail(err, QUERN_DATA, "depth is %g", qn_get_real(x->in[1], 0));
    y->rank = rank;
    y->dtype = x->in[2]->dtype;
    for (int d = 0; d < rank; d++)
        y->dim[d] = d == axis ? depth : index->dim[d < axis ? d : d - 1];
    return QUERN_OK;
}

static quern_status onehot_run(const qn_instr *i, const qn_exec *x, quern_error *err)
{
    const onehot_params *p = i->params;
    const qn_tensor *index = i->in[0];
    qn_tensor *y = i->out[0];
    int axis;
    QN_TRY(qn_axis(p->axis, y->rank, false, &axis, err));
    int64_t depth = y->dim[axis], inner = qn_dims_count(y, axis + 1, y->rank);
    int64_t n = qn_tensor_count(index);
    size_t size = qn_dtype_size(y->dtype);
    const char *off = i->in[2]->data, *on = off + size;
    qn_fill(x->pool, y->data, qn_tensor_count(y), size, off);
    for (int64_t k = 0; k < n; k++) {
        int64_t at = to_int(index, k);
        if (at < 0) at += depth;
        if (at < 0 || at >= depth) continue;
        int64_t place = (k / inner * depth + at) * inner + k % inner;
        memcpy((char *)y->data + (size_t)place * size, on, size);
    }
    return QUERN_OK;
}

static const qn_attr onehot_attrs[] = {
    QN_INT(onehot_params, axis, -1),
    QN_ATTRS_END,
};

const qn_op qn_op_onehot = {
    .name = "OneHot",
    .since = 28,
    .first = 9,
    .min_in = 3,
    .max_in = 3,
    .attrs = onehot_attrs,
    .params_size = sizeof(onehot_params),
    .types = {QN_T_NUMBERS, QN_T_NUMBERS, QN_T_ALL},
    .out_dtype = onehot_dtype,
    .infer = onehot_infer,
    .run = onehot_run,
};

/* EyeLike -------------------------------------------------------------------------- */

typedef struct eye_params {
    int64_t dtype, k;
} eye_params;

static quern_dtype eye_dtype(const qn_node *node, int i)
{
    (void)i;
    const eye_params *p = node->params;
    return p->dtype ? (quern_dtype)p->dtype : node->in[0]->dtype;
}

static quern_status eye_check(const qn_node *node, quern_error *err)
{
    const eye_params *p = node->params;
    if (p->dtype < 0 || p->dtype > 31 || (p->dtype && !((QN_T_PLAIN >> p->dtype) & 1)))
        return qn_fail(err, QUERN_INVALID, "dtype %lld is no number type",
                       (long long)p->dtype);
    return QUERN_OK;
}

static quern_status eye_infer(const qn_infer *x, quern_error *err)
{
    if (x->in[0]->rank != 2)
        return qn_fail(err, QUERN_SHAPE, "input %s is no matrix", QN_SHAPE(x->in[0]));
    qn_copy_shape(x->out[0], x->in[0]);
    return QUERN_OK;
}

static quern_status eye_run(const qn_instr *i, const qn_exec *x, quern_error *err)
{
    (void)x;
    (void)err;
    const eye_params *p = i->params;
    qn_tensor *y = i->out[0];
    size_t bytes = qn_tensor_bytes(y);
    if (bytes) memset(y->data, 0, bytes);
    int64_t rows = y->dim[0], cols = y->dim[1], k = p->k;
    if (k <= -rows || k >= cols) return QUERN_OK;
    for (int64_t r = k < 0 ? -k : 0; r < rows && r + k < cols; r++)
        qn_set_real(y, r * cols + r + k, 1);
    return QUERN_OK;
}

static const qn_attr eye_attrs[] = {
    QN_INT(eye_params, dtype, 0),
    QN_INT(eye_params, k, 0),
    QN_ATTRS_END,
};

const qn_op qn_op_eye_like = {
    .name = "EyeLike",
    .since = 22,
    .first = 9,
    .min_in = 1,
    .max_in = 1,
    .flags = QN_OP_FROM_SHAPE,
    .attrs = eye_attrs,
    .params_size = sizeof(eye_params),
    .types = {QN_T_PLAIN},
    .out_dtype = eye_dtype,
    .check = eye_check,
    .infer = eye_infer,
    .run = eye_run,
};
