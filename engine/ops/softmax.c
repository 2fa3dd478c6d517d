/* SPDX-License-Identifier: Apache-2.0 */
/* engine/ops/softmax.c - Softmax, LogSoftmax and Hardmax along one axis; ONNX -13.
 * Below 13 everything from the axis on was one row: lowering says so in the attribute
 * `flat`, which ONNX does not have. */
#include "engine/ops/attend.h"
#include "engine/ops/grads.h"
#include "kernels/softmax.h"
#include "engine/op.h"

typedef struct softmax_params {
    int64_t axis, flat;
} softmax_params;

static const qn_attr softmax_attrs[] = {QN_INT(softmax_params, axis, -1),
                                        QN_INT(softmax_params, flat, 0), QN_ATTRS_END};

static quern_status softmax_lower(qn_graph *g, qn_node *node, quern_error *err)
{
    (void)g;
    if (node->opset >= 13) return QUERN_OK;
    const int64_t axis = qn_node_int(node, "axis", 1);
    QN_TRY(qn_node_set_int(node, "axis", axis, err));
    return axis == -1 ? QUERN_OK : qn_node_set_int(node, "flat", 1, err);
}

static quern_status softmax_axis(const softmax_params *p, const qn_tensor *x, int *axis,
                                 quern_error *err)
{
    if (p->flat) return qn_axis(p->axis, x->rank, true, axis, err);
    if (x->rank == 0 && (p->axis == -1 || p->axis == 0)) { /* a scalar is one element */
        *axis = 0;
        return QUERN_OK;
    }
    return qn_axis(p->axis, x->rank, false, axis, err);
}

bool qn_is_row_softmax(const qn_instr *i)
{
    const softmax_params *p = i->params;
    const int64_t last = i->in[0]->rank - 1;
    return i->op == &qn_op_softmax && last >= 0 && (p->axis == -1 || p->axis == last);
}

static quern_status softmax_infer(const qn_infer *x, quern_error *err)
{
    int axis;
    QN_TRY(softmax_axis(x->params, x->in[0], &axis, err));
    return qn_infer_same(x, err);
}

typedef struct softmax_work {
    const qn_kernels *k;
    qn_softmax_kind kind;
    quern_dtype dtype;
    int64_t n, inner;
    const void *x;
    void *y;
} softmax_work;

static void softmax_range(void *ctx, int64_t begin, int64_t end, int worker)
{
    (void)worker;
    const softmax_work *w = ctx;
    if (w->dtype == QUERN_FLOAT)
        w->k->softmax_f32(w->kind, w->n, w->inner, w->x, w->y, begin, end);
    else
        qn_softmax_f64(w->kind, w->n, w->inner, w->x, w->y, begin, end);
}

static quern_status normalise(const qn_instr *i, const qn_exec *x, qn_softmax_kind kind,
                              quern_error *err)
{
    const softmax_params *p = i->params;
    const qn_tensor *in = i->in[0];
    int axis;
    QN_TRY(softmax_axis(p, in, &axis, err));
    const int end = p->flat ? in->rank : axis + 1 < in->rank ? axis + 1 : in->rank;
    softmax_work w = {.k = x->k,
                      .kind = kind,
                      .dtype = in->dtype,
                      .x = in->data,
                      .y = i->out[0]->data,
                      .n = qn_dims_count(in, axis, end),
                      .inner = qn_dims_count(in, end, in->rank)};
    const int64_t each = w.n * w.inner;
    const int64_t grain = each >= 8192 ? 1 : 8192 / (each > 0 ? each : 1);
    qn_parallel_for(x->pool, qn_dims_count(in, 0, axis), grain, softmax_range, &w);
    return QUERN_OK;
}

/* row name, ONNX name, kind */
#define SOFTMAX_MAP(X)                                                \
    X(softmax, "Softmax", QN_SOFTMAX, qn_grad_softmax)                \
    X(log_softmax, "LogSoftmax", QN_LOG_SOFTMAX, qn_grad_log_softmax) \
    X(hardmax, "Hardmax", QN_HARDMAX, NULL)

#define X(row, onnx, kind, gradient)                                   \
    static quern_status row##_run(const qn_instr *i, const qn_exec *x, \
                                  quern_error *err)                    \
    {                                                                  \
        return normalise(i, x, kind, err);                             \
    }                                                                  \
    const qn_op qn_op_##row = {                                        \
        .name = onnx,                                                  \
        .since = 13,                                                   \
        .min_in = 1,                                                   \
        .max_in = 1,                                                   \
        .flags = QN_OP_HALF_AS_F32 | QN_OP_INPLACE,                    \
        .attrs = softmax_attrs,                                        \
        .params_size = sizeof(softmax_params),                         \
        .types = {QN_T_FLOATS},                                        \
        .lower = softmax_lower,                                        \
        .infer = softmax_infer,                                        \
        .grad = gradient,                                              \
        .run = row##_run,                                              \
    };
SOFTMAX_MAP(X)
#undef X
