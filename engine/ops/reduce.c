/* SPDX-License-Identifier: Apache-2.0 */
/* engine/ops/reduce.c - ReduceSum, ReduceMean and eight more: one number for all
 * elements along some axes; ONNX ReduceSum-13, the others -18, ReduceMax/Min-20.  Older
 * forms have the axes as an attribute. */
#include "engine/ops/grads.h"
#include "kernels/reduce.h"
#include "engine/op.h"

#include <string.h>

typedef struct reduce_params {
    int64_t keepdims, noop_with_empty_axes;
} reduce_params;

static const qn_attr reduce_attrs[] = {QN_INT(reduce_params, keepdims, 1),
                                       QN_INT(reduce_params, noop_with_empty_axes, 0),
                                       QN_ATTRS_END};

static quern_status reduce_lower(qn_graph *g, qn_node *node, quern_error *err)
{
    const qn_attr_value *axes = qn_node_attr(node, "axes");
    if (!axes) return QUERN_OK;
    if (node->n_in > 1)
        return qn_fail(err, QUERN_INVALID, "axes is both an attribute and an input");
    qn_value *value;
    QN_TRY(qn_graph_add_ints(g, axes->ints.n, axes->ints.v, &value, err));
    QN_TRY(qn_node_set_input(node, 1, value, err));
    qn_node_drop_attr(node, "axes");
    return QUERN_OK;
}

/* Which dims of x vanish.  axes NULL: the input is absent. */
static quern_status reduced_dims(const reduce_params *p, const qn_tensor *x,
                                 const qn_tensor *axes, bool reduced[QUERN_MAX_RANK],
                                 quern_error *err)
{
    const int64_t n = axes ? qn_tensor_count(axes) : 0;
    for (int d = 0; d < QUERN_MAX_RANK; d++)
        reduced[d] = n == 0 && !p->noop_with_empty_axes;
    for (int64_t i = 0; i < n; i++) {
        int axis;
        QN_TRY(qn_axis(qn_get_int(axes, i), x->rank, false, &axis, err));
        reduced[axis] = true;
    }
    return QUERN_OK;
}

static quern_status reduce_infer(const qn_infer *x, quern_error *err)
{
    const reduce_params *p = x->params;
    const qn_tensor *in = x->in[0], *axes = x->n_in > 1 ? x->in[1] : NULL;
    if (axes && qn_tensor_count(axes) > 0) QN_TRY(qn_infer_need(x, 1));
    bool reduced[QUERN_MAX_RANK];
    QN_TRY(reduced_dims(p, in, axes, reduced, err));
    int rank = 0;
    int64_t dim[QUERN_MAX_RANK];
    for (int d = 0; d < in->rank; d++) {
        if (!reduced[d])
            dim[rank++] = in->dim[d];
        else if (p->keepdims)
            dim[rank++] = 1;
    }
    qn_set_shape(x->out[0], x->out[0]->dtype, rank, dim);
    return QUERN_OK;
}

typedef struct reduce_work {
    qn_reduce_kind kind;
    qn_reduce_shape shape;
    const qn_tensor *x;
    void *y;
} reduce_work;

static void reduce_range(void *ctx, int64_t begin, int64_t end, int worker)
{
    (void)worker;
    const reduce_work *w = ctx;
    const qn_reduce_shape *s = &w->shape;
    const void *x = w->x->data;
    switch (w->x->dtype) {
    case QUERN_FLOAT:
        qn_reduce_f32(w->kind, s, x, w->y, begin, end);
        break;
    case QUERN_DOUBLE:
        qn_reduce_f64(w->kind, s, x, w->y, begin, end);
        break;
    case QUERN_INT8:
        qn_reduce_i8(w->kind, s, x, w->y, begin, end);
        break;
    case QUERN_INT16:
        qn_reduce_i16(w->kind, s, x, w->y, begin, end);
        break;
    case QUERN_INT32:
        qn_reduce_i32(w->kind, s, x, w->y, begin, end);
        break;
    case QUERN_INT64:
        qn_reduce_i64(w->kind, s, x, w->y, begin, end);
        break;
    case QUERN_UINT16:
        qn_reduce_u16(w->kind, s, x, w->y, begin, end);
        break;
    case QUERN_UINT32:
        qn_reduce_u32(w->kind, s, x, w->y, begin, end);
        break;
    case QUERN_UINT64:
        qn_reduce_u64(w->kind, s, x, w->y, begin, end);
        break;
    default:
        qn_reduce_u8(w->kind, s, x, w->y, begin, end);
        break; /* bool too */
    }
}

static quern_status reduce_run(const qn_instr *i, const qn_exec *x, qn_reduce_kind kind,
                               quern_error *err)
{
    bool reduced[QUERN_MAX_RANK];
    const qn_tensor *axes = i->n_in > 1 ? i->in[1] : NULL;
    QN_TRY(reduced_dims(i->params, i->in[0], axes, reduced, err));
    reduce_work w = {.kind = kind, .x = i->in[0], .y = i->out[0]->data};
    qn_reduce_plan(w.x->rank, w.x->dim, reduced, &w.shape);
    const int64_t each = w.shape.count * w.shape.width;
    const int64_t grain = each >= 32768 ? 1 : 32768 / (each > 0 ? each : 1);
    qn_parallel_for(x->pool, w.shape.outer, grain, reduce_range, &w);
    if (w.x->dtype == QUERN_BOOL && w.shape.count == 0 && kind == QN_REDUCE_MIN)
        memset(w.y, 1, (size_t)qn_tensor_count(i->out[0]));
    return QUERN_OK;
}

#define QN_T_REDUCE                                                                   \
    (QN_T_FLOATS | QN_BIT(QUERN_INT32) | QN_BIT(QUERN_INT64) | QN_BIT(QUERN_UINT32) | \
     QN_BIT(QUERN_UINT64))

/* row name, ONNX name, version, kind, types; they differ in nothing else */
#define REDUCE_MAP(X)                                                           \
    X(sum, "ReduceSum", 13, QN_REDUCE_SUM, QN_T_REDUCE, qn_grad_reduce_sum)     \
    X(mean, "ReduceMean", 18, QN_REDUCE_MEAN, QN_T_REDUCE, qn_grad_reduce_mean) \
    X(max, "ReduceMax", 20, QN_REDUCE_MAX, QN_T_PLAIN, qn_grad_reduce_most)     \
    X(min, "ReduceMin", 20, QN_REDUCE_MIN, QN_T_PLAIN, qn_grad_reduce_most)     \
    X(prod, "ReduceProd", 18, QN_REDUCE_PROD, QN_T_REDUCE, qn_grad_reduce_prod) \
    X(l1, "ReduceL1", 18, QN_REDUCE_L1, QN_T_REDUCE, qn_grad_reduce_l1)         \
    X(l2, "ReduceL2", 18, QN_REDUCE_L2, QN_T_REDUCE, qn_grad_reduce_l2)         \
    X(sum_square, "ReduceSumSquare", 18, QN_REDUCE_SUM_SQUARE, QN_T_REDUCE,     \
      qn_grad_reduce_sum_square)                                                \
    X(log_sum, "ReduceLogSum", 28, QN_REDUCE_LOG_SUM, QN_T_REDUCE,              \
      qn_grad_reduce_log_sum)                                                   \
    X(log_sum_exp, "ReduceLogSumExp", 28, QN_REDUCE_LOG_SUM_EXP, QN_T_FLOATS,   \
      qn_grad_reduce_log_sum_exp)

#define X(row, onnx, version, kind, dtypes, gradient)                           \
    static quern_status reduce_##row##_run(const qn_instr *i, const qn_exec *x, \
                                           quern_error *err)                    \
    {                                                                           \
        return reduce_run(i, x, kind, err);                                     \
    }                                                                           \
    const qn_op qn_op_reduce_##row = {                                          \
        .name = onnx,                                                           \
        .since = version,                                                       \
        .min_in = 1,                                                            \
        .max_in = 2,                                                            \
        .flags = QN_OP_HALF_AS_F32,                                             \
        .attrs = reduce_attrs,                                                  \
        .params_size = sizeof(reduce_params),                                   \
        .types = {dtypes, QN_T_I64},                                            \
        .lower = reduce_lower,                                                  \
        .infer = reduce_infer,                                                  \
        .grad = gradient,                                                       \
        .run = reduce_##row##_run,                                              \
    };
REDUCE_MAP(X)
#undef X
