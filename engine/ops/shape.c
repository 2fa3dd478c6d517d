/* SPDX-License-Identifier: Apache-2.0 */
/* engine/ops/shape.c - dims and element count as data; known while planning, so these
 * are nearly always folded; ONNX Shape-25, Size-25. */
#include "engine/op.h"

typedef struct shape_params {
    int64_t start, end;
} shape_params;

/* The range [*from, *to) of axes asked for, clamped to the rank. */
static void shape_range(const shape_params *p, int rank, int *from, int *to)
{
    int64_t a = p->start < 0 ? p->start + rank : p->start;
    int64_t b = p->end < 0 ? p->end + rank : p->end;
    a = a < 0 ? 0 : a > rank ? rank : a;
    b = b < a ? a : b > rank ? rank : b;
    *from = (int)a;
    *to = (int)b;
}

static quern_status shape_infer(const qn_infer *x, quern_error *err)
{
    (void)err;
    int from, to;
    shape_range(x->params, x->in[0]->rank, &from, &to);
    x->out[0]->rank = 1;
    x->out[0]->dim[0] = to - from;
    return QUERN_OK;
}

static quern_status shape_run(const qn_instr *i, const qn_exec *x, quern_error *err)
{
    (void)x;
    (void)err;
    int from, to;
    shape_range(i->params, i->in[0]->rank, &from, &to);
    int64_t *y = i->out[0]->data;
    for (int d = from; d < to; d++)
        y[d - from] = i->in[0]->dim[d];
    return QUERN_OK;
}

static const qn_attr shape_attrs[] = {
    QN_INT(shape_params, start, 0),
    QN_INT(shape_params, end, INT64_MAX),
    QN_ATTRS_END,
};

const qn_op qn_op_shape = {
    .name = "Shape",
    .since = 25,
    .min_in = 1,
    .max_in = 1,
    .flags = QN_OP_FROM_SHAPE,
    .attrs = shape_attrs,
    .params_size = sizeof(shape_params),
    .types = {QN_T_ALL},
    .out_type = QUERN_INT64,
    .infer = shape_infer,
    .run = shape_run,
};

static quern_status size_infer(const qn_infer *x, quern_error *err)
{
    (void)err;
    x->out[0]->rank = 0;
    return QUERN_OK;
}

static quern_status size_run(const qn_instr *i, const qn_exec *x, quern_error *err)
{
    (void)x;
    (void)err;
    *(int64_t *)i->out[0]->data = qn_tensor_count(i->in[0]);
    return QUERN_OK;
}

const qn_op qn_op_size = {
    .name = "Size",
    .since = 25,
    .min_in = 1,
    .max_in = 1,
    .flags = QN_OP_FROM_SHAPE,
    .types = {QN_T_ALL},
    .out_type = QUERN_INT64,
    .infer = size_infer,
    .run = size_run,
};
