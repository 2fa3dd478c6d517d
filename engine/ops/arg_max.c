/* SPDX-License-Identifier: Apache-2.0 */
/* engine/ops/arg_max.c - where along an axis the largest or smallest element stands;
 * NaN counts as the most extreme; ONNX ArgMax-13, ArgMin-13. */
#include "kernels/reduce.h"
#include "engine/op.h"

typedef struct arg_params {
    int64_t axis, keepdims, select_last_index;
} arg_params;

static const qn_attr arg_attrs[] = {
    QN_INT(arg_params, axis, 0), QN_INT(arg_params, keepdims, 1),
    QN_INT(arg_params, select_last_index, 0), QN_ATTRS_END};

static quern_status arg_infer(const qn_infer *x, quern_error *err)
{
    const arg_params *p = x->params;
    const qn_tensor *in = x->in[0];
    qn_tensor *y = x->out[0];
    int axis;
    QN_TRY(qn_axis(p->axis, in->rank, false, &axis, err));
    qn_set_shape(y, QUERN_INT64, 0, NULL);
    for (int d = 0; d < in->rank; d++) {
        if (d != axis)
            y->dim[y->rank++] = in->dim[d];
        else if (p->keepdims)
            y->dim[y->rank++] = 1;
    }
    if (in->dim[axis] == 0 && qn_tensor_count(y) > 0)
        return qn_fail(err, QUERN_SHAPE, "axis %d of %s is empty", axis, QN_SHAPE(in));
    return QUERN_OK;
}

typedef struct arg_work {
    qn_arg_shape shape;
    const qn_tensor *x;
    int64_t *y;
} arg_work;

static void arg_range(void *ctx, int64_t begin, int64_t end, int worker)
{
    (void)worker;
    const arg_work *w = ctx;
    const qn_arg_shape *s = &w->shape;
    const void *x = w->x->data;
    switch (w->x->dtype) {
    case QUERN_FLOAT:
        qn_arg_f32(s, x, w->y, begin, end);
        break;
    case QUERN_DOUBLE:
        qn_arg_f64(s, x, w->y, begin, end);
        break;
    case QUERN_INT8:
        qn_arg_i8(s, x, w->y, begin, end);
        break;
    case QUERN_INT16:
        qn_arg_i16(s, x, w->y, begin, end);
        break;
    case QUERN_INT32:
        qn_arg_i32(s, x, w->y, begin, end);
        break;
    case QUERN_INT64:
        qn_arg_i64(s, x, w->y, begin, end);
        break;
    case QUERN_UINT8:
        qn_arg_u8(s, x, w->y, begin, end);
        break;
    case QUERN_UINT16:
        qn_arg_u16(s, x, w->y, begin, end);
        break;
    case QUERN_UINT32:
        qn_arg_u32(s, x, w->y, begin, end);
        break;
    default:
        qn_arg_u64(s, x, w->y, begin, end);
        break;
    }
}

static quern_status arg_run(const qn_instr *i, const qn_exec *x, bool smallest,
                            quern_error *err)
{
    const arg_params *p = i->params;
    arg_work w = {.x = i->in[0], .y = i->out[0]->data};
    int axis;
    QN_TRY(qn_axis(p->axis, w.x->rank, false, &axis, err));
    w.shape = (qn_arg_shape){.n = w.x->dim[axis],
                             .inner = qn_dims_count(w.x, axis + 1, w.x->rank),
                             .smallest = smallest,
                             .last = p->select_last_index != 0};
    const int64_t each = w.shape.n * w.shape.inner;
    const int64_t grain = each >= 32768 ? 1 : 32768 / (each > 0 ? each : 1);
    qn_parallel_for(x->pool, qn_dims_count(w.x, 0, axis), grain, arg_range, &w);
    return QUERN_OK;
}

static quern_status arg_max_run(const qn_instr *i, const qn_exec *x, quern_error *err)
{
    return arg_run(i, x, false, err);
}

static quern_status arg_min_run(const qn_instr *i, const qn_exec *x, quern_error *err)
{
    return arg_run(i, x, true, err);
}

/* clang-format off */
const qn_op qn_op_arg_max = {
    .name = "ArgMax", .since = 13, .min_in = 1, .max_in = 1,
    .flags = QN_OP_HALF_AS_F32, .attrs = arg_attrs, .params_size = sizeof(arg_params),
    .types = {QN_T_NUMBERS}, .out_type = QUERN_INT64,
    .infer = arg_infer, .run = arg_max_run,
};
const qn_op qn_op_arg_min = {
    .name = "ArgMin", .since = 13, .min_in = 1, .max_in = 1,
    .flags = QN_OP_HALF_AS_F32, .attrs = arg_attrs, .params_size = sizeof(arg_params),
    .types = {QN_T_NUMBERS}, .out_type = QUERN_INT64,
    .infer = arg_infer, .run = arg_min_run,
};
/* clang-format on */
