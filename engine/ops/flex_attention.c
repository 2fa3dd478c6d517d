/* SPDX-License-Identifier: Apache-2.0 */
/* engine/ops/flex_attention.c - attention whose scores and probabilities may each pass
 * through a subgraph; ai.onnx.preview FlexAttention-1.  The subgraphs see the whole
 * array [batch, heads, queries, keys] in the type softmax_precision names. */
#include "engine/body.h"
#include "engine/product.h"
#include "kernels/convert.h"
#include "kernels/softmax.h"

#include <math.h>
#include <string.h>

typedef struct flex_params {
    qn_graph *score_mod, *prob_mod;
    int64_t softmax_precision;
    float scale;
} flex_params;

static const qn_attr flex_attrs[] = {
    {QN_ATTR_AT(flex_params, score_mod), .kind = QN_ATTR_GRAPH},
    {QN_ATTR_AT(flex_params, prob_mod), .kind = QN_ATTR_GRAPH},
    QN_INT(flex_params, softmax_precision, 0),
    QN_FLOAT(flex_params, scale, NAN),
    QN_ATTRS_END};

static quern_status flex_check(const qn_node *node, quern_error *err)
{
    const flex_params *p = node->params;
    const qn_graph *mods[] = {p->score_mod, p->prob_mod};
    for (int k = 0; k < 2; k++)
        if (mods[k] && (mods[k]->n_inputs != 1 || mods[k]->n_outputs != 1))
            return qn_fail(
                err, QUERN_INVALID, "%s has %d inputs and %d outputs, not 1 and 1",
                k ? "prob_mod" : "score_mod", mods[k]->n_inputs, mods[k]->n_outputs);
    const int64_t type = p->softmax_precision;
    if (type != 0 && type != QUERN_FLOAT && type != QUERN_DOUBLE &&
        type != QUERN_FLOAT16 && type != QUERN_BFLOAT16)
        return qn_fail(err, QUERN_INVALID, "softmax_precision is %lld, no float type",
                       (long long)type);
    return QUERN_OK;
}

static quern_status flex_infer(const qn_infer *x, quern_error *err)
{
    const qn_tensor *q = x->in[0], *k = x->in[1], *v = x->in[2];
    bool fits = q->rank == 4 && k->rank == 4 && v->rank == 4 && q->dtype == k->dtype &&
                q->dtype == v->dtype;
    fits = fits && k->dim[0] == q->dim[0] && v->dim[0] == q->dim[0] &&
           k->dim[1] == v->dim[1] && k->dim[2] == v->dim[2] && k->dim[3] == q->dim[3] &&
           k->dim[1] > 0 && q->dim[1] % k->dim[1] == 0;
    if (!fits)
        return qn_fail(err, QUERN_SHAPE, "Q is %s, K is %s and V is %s", QN_SHAPE(q),
                       QN_SHAPE(k), QN_SHAPE(v));
    const int64_t dim[4] = {q->dim[0], q->dim[1], q->dim[2], v->dim[3]};
    qn_set_shape(x->out[0], x->out[0]->dtype, 4, dim);
    return QUERN_OK;
}

static qn_tensor scores_of(const qn_instr *i)
{
    const qn_tensor *q = i->in[0], *k = i->in[1];
    qn_tensor s = {0};
    qn_set_shape(&s, q->dtype, 4,
                 (int64_t[]){q->dim[0], q->dim[1], q->dim[2], k->dim[2]});
    s.data = i->scratch;
    return s;
}

static quern_status flex_prepare(qn_prep *p, quern_error *err)
{
    qn_tensor s = scores_of(p->instr);
    QN_TRY(qn_tensor_check(&s, err));
    qn_prep_scratch(p, qn_tensor_bytes(&s));
    return QUERN_OK;
}

/* Passes s through a subgraph and takes the result back in the type of s. */
static quern_status modify(const qn_instr *i, const qn_exec *x, const qn_graph *graph,
                           qn_tensor *s, quern_error *err)
{
    if (!graph) return QUERN_OK;
    const flex_params *p = i->params;
    const int64_t n = qn_tensor_count(s);
    qn_tensor in = *s;
    if (p->softmax_precision) in.dtype = (quern_dtype)p->softmax_precision;
    if (in.dtype != s->dtype) {
        QN_TRY(qn_exec_output(x, &in, err));
        qn_convert(s->data, (enum qn_elem)s->dtype, in.data, (enum qn_elem)in.dtype, n,
                   0);
    }
    qn_body body;
    QN_TRY(qn_body_init(&body, i, x, graph, err));
    body.inputs[0] = in;
    QN_TRY(qn_body_run(&body, err));
    const qn_tensor *out = qn_body_output(&body, 0);
    if (out->dtype != in.dtype || !qn_same_shape(out, &in))
        return qn_fail(err, QUERN_SHAPE, "a subgraph made %s %s of %s %s",
                       quern_dtype_name(out->dtype), QN_SHAPE(out),
                       quern_dtype_name(in.dtype), QN_SHAPE(&in));
    if (out->dtype == s->dtype)
        memcpy(s->data, out->data, qn_tensor_bytes(s));
    else
        qn_convert(out->data, (enum qn_elem)out->dtype, s->data, (enum qn_elem)s->dtype,
                   n, 0);
    return QUERN_OK;
}

/* One product for each head of queries; those of a group share keys and values. */
static void by_head(const qn_instr *i, const qn_exec *x, qn_gemm g)
{
    const int64_t heads = i->in[1]->dim[1], group = i->in[0]->dim[1] / heads;
    const int64_t a = g.m * g.k, b = g.k * g.n, c = g.m * g.n;
    g.rank = 3;
    memcpy(g.dim, (int64_t[]){i->in[0]->dim[0], heads, group}, 3 * sizeof(int64_t));
    memcpy(g.step_a, (int64_t[]){heads * group * a, group * a, a}, 3 * sizeof(int64_t));
    memcpy(g.step_b, (int64_t[]){heads * b, b, 0}, 3 * sizeof(int64_t));
    memcpy(g.step_c, (int64_t[]){heads * group * c, group * c, c}, 3 * sizeof(int64_t));
    qn_gemm_run(&g, x->k, x->pool);
}

static void softmax_rows(void *ctx, int64_t begin, int64_t end, int worker)
{
    (void)worker;
    const qn_tensor *s = ctx;
    if (s->dtype == QUERN_FLOAT)
        qn_softmax_f32(QN_SOFTMAX, s->dim[3], 1, s->data, s->data, begin, end);
    else
        qn_softmax_f64(QN_SOFTMAX, s->dim[3], 1, s->data, s->data, begin, end);
}

static quern_status flex_run(const qn_instr *i, const qn_exec *x, quern_error *err)
{
    const flex_params *p = i->params;
    const qn_tensor *q = i->in[0], *v = i->in[2];
    qn_tensor s = scores_of(i);
    qn_gemm g = qn_gemm_dense(q->dtype, false, true, q->dim[2], s.dim[3], q->dim[3]);
    g.alpha = isnan(p->scale) ? 1 / sqrt((double)q->dim[3]) : (double)p->scale;
    g.a = q->data;
    g.b = i->in[1]->data;
    g.c = s.data;
    by_head(i, x, g);
    QN_TRY(modify(i, x, p->score_mod, &s, err));
    qn_parallel_for(x->pool, qn_dims_count(&s, 0, 3), 64, softmax_rows, &s);
    QN_TRY(modify(i, x, p->prob_mod, &s, err));
    g = qn_gemm_dense(q->dtype, false, false, q->dim[2], v->dim[3], s.dim[3]);
    g.a = s.data;
    g.b = v->data;
    g.c = i->out[0]->data;
    by_head(i, x, g);
    return QUERN_OK;
}

/* clang-format off */
const qn_op qn_op_flex_attention = {
    .name = "FlexAttention", .domain = "ai.onnx.preview", .since = 1,
    .min_in = 3, .max_in = 3,
    .flags = QN_OP_HALF_AS_F32 | QN_OP_SUBGRAPH,
    .attrs = flex_attrs, .params_size = sizeof(flex_params),
    .types = {QN_T_FLOATS},
    .check = flex_check, .infer = flex_infer, .prepare = flex_prepare, .run = flex_run,
};
/* clang-format on */
