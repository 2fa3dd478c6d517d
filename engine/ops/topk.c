/* SPDX-License-Identifier: Apache-2.0 */
/* engine/ops/topk.c - the k largest or smallest along an axis with their positions;
 * ONNX TopK-24.  k was an attribute before 10.  Output is always sorted. */
#include "engine/index.h"
#include "engine/op.h"
#include "kernels/topk.h"

#include <string.h>

#define GRAIN_ELEMENTS 16384

typedef struct topk_params {
    int64_t axis, largest, sorted;
} topk_params;

static quern_status topk_lower(qn_graph *g, qn_node *node, quern_error *err)
{
    const qn_attr_value *k = qn_node_attr(node, "k");
    qn_value *v;
    if (node->opset >= 10 || !k) return QUERN_OK;
    QN_TRY(qn_graph_add_ints(g, 1, &k->i, &v, err));
    QN_TRY(qn_node_set_input(node, 1, v, err));
    qn_node_drop_attr(node, "k");
    return QUERN_OK;
}

static quern_dtype topk_dtype(const qn_node *node, int i)
{
    return i == 0 ? node->in[0]->dtype : QUERN_INT64;
}

static quern_status topk_infer(const qn_infer *x, quern_error *err)
{
    const topk_params *p = x->params;
    const qn_tensor *in = x->in[0];
    int axis;
    int64_t k;
    QN_TRY(qn_axis(p->axis, in->rank, false, &axis, err));
    QN_TRY(qn_infer_need(x, 1));
    QN_TRY(qn_scalar_int(x->in[1], "K", &k, err));
    if (k < 0 || k > in->dim[axis])
        return qn_fail(err, QUERN_DATA, "K is %lld but axis %d of %s has %lld elements",
                       (long long)k, axis, QN_SHAPE(in), (long long)in->dim[axis]);
    for (int i = 0; i < x->n_out; i++) {
        if (!x->out[i]) continue;
        qn_copy_shape(x->out[i], in);
        x->out[i]->dim[axis] = k;
    }
    return QUERN_OK;
}

typedef struct topk_work {
    qn_topk_fn *fn;
    bool largest;
    int64_t n, k, inner; /* axis, kept, elements behind the axis */
    size_t size;
    const char *from;
    char *values;     /* may be NULL */
    int64_t *indices; /* may be NULL */
    int64_t *scratch; /* k for each worker */
} topk_work;

static void topk_lanes(void *ctx, int64_t begin, int64_t end, int worker)
{
    const topk_work *w = ctx;
    int64_t *kept = w->scratch + worker * w->k;
    for (int64_t lane = begin; lane < end; lane++) {
        int64_t outer = lane / w->inner, in = lane % w->inner;
        const char *x = w->from + (size_t)(outer * w->n * w->inner + in) * w->size;
        int64_t to = outer * w->k * w->inner + in;
        w->fn(w->n, x, w->inner, w->largest, w->k, kept);
        for (int64_t j = 0; j < w->k; j++, to += w->inner) {
            if (w->values)
                memcpy(w->values + (size_t)to * w->size,
                       x + (size_t)(kept[j] * w->inner) * w->size, w->size);
            if (w->indices) w->indices[to] = kept[j];
        }
    }
}

static int64_t kept_count(const qn_instr *i)
{
    const topk_params *p = i->params;
    const qn_tensor *y = i->out[0] ? i->out[0] : i->n_out > 1 ? i->out[1] : NULL;
    return y ? y->dim[p->axis < 0 ? p->axis + y->rank : p->axis] : 0;
}

static quern_status topk_prepare(qn_prep *p, quern_error *err)
{
    size_t bytes;
    if (!qn_size_mul((size_t)kept_count(p->instr),
                     (size_t)p->n_workers * sizeof(int64_t), &bytes))
        return qn_fail(err, QUERN_LIMIT, "K is %lld", (long long)kept_count(p->instr));
    qn_prep_scratch(p, bytes);
    return QUERN_OK;
}

static quern_status topk_run(const qn_instr *i, const qn_exec *x, quern_error *err)
{
    static const struct {
        quern_dtype dtype;
        int type;
    } types[] = {
        {QUERN_FLOAT, QN_TOPK_FLOAT}, {QUERN_DOUBLE, QN_TOPK_DOUBLE},
        {QUERN_INT8, QN_TOPK_INT8},   {QUERN_UINT8, QN_TOPK_UINT8},
        {QUERN_INT16, QN_TOPK_INT16}, {QUERN_UINT16, QN_TOPK_UINT16},
        {QUERN_INT32, QN_TOPK_INT32}, {QUERN_UINT32, QN_TOPK_UINT32},
        {QUERN_INT64, QN_TOPK_INT64}, {QUERN_UINT64, QN_TOPK_UINT64},
    };
    const topk_params *p = i->params;
    const qn_tensor *in = i->in[0];
    int axis;
    QN_TRY(qn_axis(p->axis, in->rank, false, &axis, err));
    topk_work w = {.largest = p->largest != 0,
                   .n = in->dim[axis],
                   .k = kept_count(i),
                   .inner = qn_dims_count(in, axis + 1, in->rank),
                   .size = qn_dtype_size(in->dtype),
                   .from = in->data,
                   .values = i->out[0] ? i->out[0]->data : NULL,
                   .indices = i->n_out > 1 && i->out[1] ? i->out[1]->data : NULL,
                   .scratch = i->scratch};
    for (size_t t = 0; t < sizeof types / sizeof *types; t++)
        if (types[t].dtype == in->dtype) w.fn = qn_topk_kernel(types[t].type);
    int64_t lanes = qn_dims_count(in, 0, axis) * w.inner;
    if (lanes == 0 || w.k == 0) return QUERN_OK;
    qn_parallel_for(x->pool, lanes, GRAIN_ELEMENTS / w.n + 1, topk_lanes, &w);
    return QUERN_OK;
}

static const qn_attr topk_attrs[] = {
    QN_INT(topk_params, axis, -1),
    QN_INT(topk_params, largest, 1),
    QN_INT(topk_params, sorted, 1),
    QN_ATTRS_END,
};

const qn_op qn_op_topk = {
    .name = "TopK",
    .since = 24,
    .min_in = 2,
    .max_in = 2,
    .min_out = 1,
    .max_out = 2,
    .flags = QN_OP_HALF_AS_F32,
    .attrs = topk_attrs,
    .params_size = sizeof(topk_params),
    .types = {QN_T_NUMBERS, QN_T_I64},
    .out_dtype = topk_dtype,
    .lower = topk_lower,
    .infer = topk_infer,
    .prepare = topk_prepare,
    .run = topk_run,
};
