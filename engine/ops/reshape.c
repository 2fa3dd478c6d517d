/* SPDX-License-Identifier: Apache-2.0 */
/* engine/ops/reshape.c - the same elements under another shape, without a copy: ONNX
 * Reshape-25, Flatten-25, Squeeze-25, Unsqueeze-25.  Lists that were attributes once
 * (Reshape before 5, the others before 13) become inputs. */
#include "engine/ops/grads.h"
#include "engine/index.h"
#include "engine/op.h"

/* Reshape -------------------------------------------------------------------------- */

typedef struct reshape_params {
    int64_t allowzero;
} reshape_params;

static quern_status reshape_lower(qn_graph *g, qn_node *node, quern_error *err)
{
    if (node->opset >= 5) return QUERN_OK;
    qn_node_drop_attr(node, "consumed_inputs");
    return qn_lower_ints(g, node, "shape", 1, err);
}

/* Fills the dim that was given as -1, so that the element counts agree. */
static quern_status fill_free_dim(qn_tensor *y, int at, const qn_tensor *x,
                                  quern_error *err)
{
    int64_t have = qn_tensor_count(x), want = 1;
    for (int i = 0; i < y->rank; i++)
        if (i != at && __builtin_mul_overflow(want, y->dim[i], &want))
            return qn_fail(err, QUERN_SHAPE, "dims of the new shape overflow");
    if (at >= 0) {
        if (want == 0 ? have != 0 : have % want != 0)
            return qn_fail(err, QUERN_SHAPE,
                           "%lld elements of %s do not divide into groups of %lld",
                           (long long)have, QN_SHAPE(x), (long long)want);
        y->dim[at] = want == 0 ? 0 : have / want;
    } else if (want != have) {
        return qn_fail(err, QUERN_SHAPE, "%s has %lld elements but %s needs %lld",
                       QN_SHAPE(x), (long long)have, QN_SHAPE(y), (long long)want);
    }
    return QUERN_OK;
}

static quern_status reshape_infer(const qn_infer *x, quern_error *err)
{
    const reshape_params *p = x->params;
    const qn_tensor *in = x->in[0];
    qn_tensor *y = x->out[0];
    QN_TRY(qn_infer_need(x, 1));
    int64_t n;
    QN_TRY(qn_read_ints(x->in[1], "the shape", QUERN_MAX_RANK, y->dim, &n, err));
    y->rank = (int)n;
    int at = -1;
    for (int i = 0; i < y->rank; i++) {
        if (y->dim[i] == 0 && !p->allowzero) {
            if (i >= in->rank)
                return qn_fail(err, QUERN_SHAPE, "dim %d is to be copied from %s", i,
                               QN_SHAPE(in));
            y->dim[i] = in->dim[i];
        } else if (y->dim[i] == -1 && at < 0) {
            at = i;
        } else if (y->dim[i] < 0) {
            return qn_fail(err, QUERN_SHAPE, "dim %d of the new shape is %lld%s", i,
                           (long long)y->dim[i], at < 0 ? "" : " after another -1");
        }
    }
    return fill_free_dim(y, at, in, err);
}

static const qn_attr reshape_attrs[] = {
    QN_INT(reshape_params, allowzero, 0),
    QN_ATTRS_END,
};

const qn_op qn_op_reshape = {
    .name = "Reshape",
    .since = 25,
    .min_in = 2,
    .max_in = 2,
    .flags = QN_OP_VIEW,
    .attrs = reshape_attrs,
    .params_size = sizeof(reshape_params),
    .types = {QN_T_ALL, QN_T_I64},
    .lower = reshape_lower,
    .infer = reshape_infer,
    .grad = qn_grad_reshape,
    .run = qn_run_copy,
};

/* Flatten -------------------------------------------------------------------------- */

typedef struct flatten_params {
    int64_t axis;
} flatten_params;

static quern_status flatten_infer(const qn_infer *x, quern_error *err)
{
    const flatten_params *p = x->params;
    const qn_tensor *in = x->in[0];
    int axis;
    QN_TRY(qn_axis(p->axis, in->rank, true, &axis, err));
    x->out[0]->rank = 2;
    x->out[0]->dim[0] = qn_dims_count(in, 0, axis);
    x->out[0]->dim[1] = qn_dims_count(in, axis, in->rank);
    return QUERN_OK;
}

static const qn_attr flatten_attrs[] = {
    QN_INT(flatten_params, axis, 1),
    QN_ATTRS_END,
};

const qn_op qn_op_flatten = {
    .name = "Flatten",
    .since = 25,
    .min_in = 1,
    .max_in = 1,
    .flags = QN_OP_VIEW,
    .attrs = flatten_attrs,
    .params_size = sizeof(flatten_params),
    .types = {QN_T_ALL},
    .infer = flatten_infer,
    .grad = qn_grad_reshape,
    .run = qn_run_copy,
};

/* Squeeze and Unsqueeze ------------------------------------------------------------ */

static quern_status axes_lower(qn_graph *g, qn_node *node, quern_error *err)
{
    return node->opset >= 13 ? QUERN_OK : qn_lower_ints(g, node, "axes", 1, err);
}

/* A bit for each axis listed in input 1, of a tensor of some rank. */
static quern_status axes_mask(const qn_infer *x, int rank, unsigned *mask,
                              quern_error *err)
{
    int64_t list[QUERN_MAX_RANK], n;
    int axes[QUERN_MAX_RANK];
    QN_TRY(qn_infer_need(x, 1));
    QN_TRY(qn_read_ints(x->in[1], "axes", QUERN_MAX_RANK, list, &n, err));
    QN_TRY(qn_axes(list, n, rank, axes, err));
    *mask = 0;
    for (int64_t i = 0; i < n; i++)
        *mask |= 1u << axes[i];
    return QUERN_OK;
}

static quern_status squeeze_infer(const qn_infer *x, quern_error *err)
{
    const qn_tensor *in = x->in[0];
    qn_tensor *y = x->out[0];
    bool listed = x->n_in > 1 && x->in[1];
    unsigned mask = 0;
    if (listed) QN_TRY(axes_mask(x, in->rank, &mask, err));
    y->rank = 0;
    for (int i = 0; i < in->rank; i++) {
        if (listed && (mask >> i & 1) && in->dim[i] != 1)
            return qn_fail(err, QUERN_SHAPE, "axis %d of %s has %lld elements, not 1",
                           i, QN_SHAPE(in), (long long)in->dim[i]);
        if (listed ? mask >> i & 1 : in->dim[i] == 1) continue;
        y->dim[y->rank++] = in->dim[i];
    }
    return QUERN_OK;
}

const qn_op qn_op_squeeze = {
    .name = "Squeeze",
    .since = 25,
    .min_in = 1,
    .max_in = 2,
    .flags = QN_OP_VIEW,
    .types = {QN_T_ALL, QN_T_I64},
    .lower = axes_lower,
    .infer = squeeze_infer,
    .grad = qn_grad_reshape,
    .run = qn_run_copy,
};

static quern_status unsqueeze_infer(const qn_infer *x, quern_error *err)
{
    const qn_tensor *in = x->in[0];
    qn_tensor *y = x->out[0];
    QN_TRY(qn_infer_need(x, 1));
    int64_t rank = in->rank + qn_tensor_count(x->in[1]);
    if (rank > QUERN_MAX_RANK)
        return qn_fail(err, QUERN_LIMIT, "rank %lld is over the limit of %d",
                       (long long)rank, QUERN_MAX_RANK);
    unsigned mask;
    QN_TRY(axes_mask(x, (int)rank, &mask, err));
    y->rank = (int)rank;
    for (int i = 0, from = 0; i < y->rank; i++)
        y->dim[i] = mask >> i & 1 ? 1 : in->dim[from++];
    return QUERN_OK;
}

const qn_op qn_op_unsqueeze = {
    .name = "Unsqueeze",
    .since = 25,
    .min_in = 2,
    .max_in = 2,
    .flags = QN_OP_VIEW,
    .types = {QN_T_ALL, QN_T_I64},
    .lower = axes_lower,
    .infer = unsqueeze_infer,
    .grad = qn_grad_reshape,
    .run = qn_run_copy,
};
