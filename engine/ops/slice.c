/* SPDX-License-Identifier: Apache-2.0 */
/* engine/ops/slice.c - NumPy slicing with steps of either sign; ONNX Slice-13.  Opset 1
 * had starts, ends and axes as attributes. */
#include "engine/ops/grads.h"
#include "engine/index.h"
#include "engine/op.h"
#include "engine/strided.h"

static quern_status slice_lower(qn_graph *g, qn_node *node, quern_error *err)
{
    if (node->opset >= 10) return QUERN_OK;
    QN_TRY(qn_lower_ints(g, node, "starts", 1, err));
    QN_TRY(qn_lower_ints(g, node, "ends", 2, err));
    return qn_lower_ints(g, node, "axes", 3, err);
}

/* Which elements are taken along each axis of the input. */
typedef struct slice_range {
    int64_t start[QUERN_MAX_RANK], step[QUERN_MAX_RANK], count[QUERN_MAX_RANK];
} slice_range;

static int64_t clamp(int64_t x, int64_t lo, int64_t hi)
{
    return x < lo ? lo : x > hi ? hi : x;
}

/* One axis of dim elements, by the clamping rules of ONNX. */
static void axis_range(slice_range *r, int axis, int64_t dim, const int64_t ses[3])
{
    int64_t start = ses[0] < 0 ? ses[0] + dim : ses[0];
    int64_t end = ses[1] < 0 ? ses[1] + dim : ses[1];
    int64_t step = ses[2], length;
    uint64_t stride; /* |step|, also for INT64_MIN */
    if (step > 0) {
        start = clamp(start, 0, dim);
        length = clamp(end, 0, dim) - start;
        stride = (uint64_t)step;
    } else {
        start = clamp(start, dim > 0 ? 0 : -1, dim - 1);
        length = start - clamp(end, -1, dim - 1);
        stride = 0 - (uint64_t)step;
    }
    r->count[axis] = length <= 0 ? 0 : (int64_t)(((uint64_t)length - 1) / stride + 1);
    r->start[axis] = start;
    r->step[axis] = r->count[axis] > 1 ? step : 1;
}

/* starts, ends, axes and steps: inputs 1 to 4, all known. */
static quern_status read_ranges(const qn_tensor *const *in, int n_in, slice_range *r,
                                quern_error *err)
{
    int rank = in[0]->rank;
    int64_t list[QUERN_MAX_RANK], n = qn_tensor_count(in[1]);
    const qn_tensor *axes_in = n_in > 3 ? in[3] : NULL;
    const qn_tensor *steps = n_in > 4 ? in[4] : NULL;
    int axes[QUERN_MAX_RANK];
    if (n > rank || qn_tensor_count(in[2]) != n ||
        (axes_in && qn_tensor_count(axes_in) != n) ||
        (steps && qn_tensor_count(steps) != n))
        return qn_fail(err, QUERN_SHAPE, "starts is %s, ends is %s, for an input %s",
                       QN_SHAPE(in[1]), QN_SHAPE(in[2]), QN_SHAPE(in[0]));
    for (int64_t i = 0; i < n; i++)
        list[i] = axes_in ? qn_get_int(axes_in, i) : i;
    QN_TRY(qn_axes(list, n, rank, axes, err));
    for (int d = 0; d < rank; d++)
        axis_range(r, d, in[0]->dim[d], (int64_t[3]){0, in[0]->dim[d], 1});
    for (int64_t i = 0; i < n; i++) {
        int64_t ses[3] = {qn_get_int(in[1], i), qn_get_int(in[2], i),
                          steps ? qn_get_int(steps, i) : 1};
        if (ses[2] == 0)
            return qn_fail(err, QUERN_DATA, "the step of axis %d is 0", axes[i]);
        axis_range(r, axes[i], in[0]->dim[axes[i]], ses);
    }
    return QUERN_OK;
}

static quern_status slice_infer(const qn_infer *x, quern_error *err)
{
    slice_range r;
    for (int i = 1; i < x->n_in; i++)
        if (x->in[i]) QN_TRY(qn_infer_need(x, i));
    QN_TRY(read_ranges(x->in, x->n_in, &r, err));
    x->out[0]->rank = x->in[0]->rank;
    for (int d = 0; d < x->in[0]->rank; d++)
        x->out[0]->dim[d] = r.count[d];
    return QUERN_OK;
}

static qn_places places_of(const qn_tensor *in, const slice_range *r)
{
    int64_t stride[QUERN_MAX_RANK];
    qn_places p = {.at = 0};
    qn_row_major(in->rank, in->dim, stride);
    for (int d = 0; d < in->rank; d++) {
        p.step[d] = stride[d] * r->step[d];
        p.at += stride[d] * r->start[d];
    }
    return p;
}

static bool slice_places(const qn_instr *i, int k, qn_places *p)
{
    slice_range r;
    quern_error err;
    (void)k;
    for (int j = 1; j < i->n_in; j++)
        if (i->in[j] && !i->in[j]->data) return false;
    if (read_ranges(i->in, i->n_in, &r, &err) != QUERN_OK) return false;
    *p = places_of(i->in[0], &r);
    return true;
}

static quern_status slice_run(const qn_instr *i, const qn_exec *x, quern_error *err)
{
    const qn_tensor *in = i->in[0];
    slice_range r;
    QN_TRY(read_ranges(i->in, i->n_in, &r, err));
    qn_strided box = {.size = qn_dtype_size(in->dtype), .rank = in->rank};
    if (qn_tensor_count(i->out[0]) == 0) return QUERN_OK;
    const qn_places places = places_of(in, &r);
    qn_row_major(in->rank, i->out[0]->dim, box.to);
    for (int d = 0; d < in->rank; d++) {
        box.dim[d] = i->out[0]->dim[d];
        box.from[d] = places.step[d];
    }
    qn_strided_copy(x->pool, &box, i->out[0]->data,
                    (const char *)in->data + places.at * (int64_t)box.size);
    return QUERN_OK;
}

const qn_op qn_op_slice = {
    .name = "Slice",
    .since = 13,
    .min_in = 3,
    .max_in = 5,
    .types = {QN_T_ALL, QN_T_INDEX},
    .lower = slice_lower,
    .infer = slice_infer,
    .places = slice_places,
    .grad = qn_grad_slice,
    .run = slice_run,
};
