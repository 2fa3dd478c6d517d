/* SPDX-License-Identifier: Apache-2.0 */
/* engine/ops/swiglu.c - SwiGLU-28: Y = A * sigmoid(alpha * A) * B, equal shapes. */
#include "engine/broadcast.h"
#include "engine/op.h"
#include "kernels/elementwise.h"

typedef struct swiglu_params {
    float alpha;
} swiglu_params;

static quern_status swiglu_infer(const qn_infer *x, quern_error *err)
{
    if (!qn_same_shape(x->in[0], x->in[1]))
        return qn_fail(err, QUERN_SHAPE, "A is %s but B is %s", QN_SHAPE(x->in[0]),
                       QN_SHAPE(x->in[1]));
    return qn_infer_same(x, err);
}

static quern_status swiglu_prepare(qn_prep *p, quern_error *err)
{
    if (p->instr->in[0]->dtype == p->instr->in[1]->dtype) return QUERN_OK;
    return qn_fail(err, QUERN_SHAPE, "A is %s but B is %s",
                   quern_dtype_name(p->instr->in[0]->dtype),
                   quern_dtype_name(p->instr->in[1]->dtype));
}

typedef struct swiglu_job {
    const char *a, *b;
    char *y;
    enum qn_elem type;
    size_t size;
    float p[2];
} swiglu_job;

static void swiglu_block(void *ctx, int64_t begin, int64_t end, int worker)
{
    const swiglu_job *job = ctx;
    (void)worker;
    size_t at = (size_t)begin * job->size;
    int64_t n = end - begin;
    qn_unary(QN_UNARY_swish, job->type)(job->a + at, job->y + at, n, job->p);
    qn_binary(QN_BINARY_mul, job->type)(job->y + at, 1, job->b + at, 1, job->y + at, n);
}

static quern_status swiglu_run(const qn_instr *i, const qn_exec *x, quern_error *err)
{
    (void)err;
    const swiglu_params *p = i->params;
    if (!i->out[0]) return QUERN_OK;
    swiglu_job job = {i->in[0]->data,
                      i->in[1]->data,
                      i->out[0]->data,
                      (enum qn_elem)i->in[0]->dtype,
                      qn_dtype_size(i->in[0]->dtype),
                      {p->alpha, 0}};
    int64_t n = qn_tensor_count(i->in[0]);
    /* not in place: B is read after A's half is written */
    qn_parallel_for(n > 2 * QN_BLOCK ? x->pool : NULL, n, QN_BLOCK, swiglu_block, &job);
    return QUERN_OK;
}

static const qn_attr swiglu_attrs[] = {
    QN_FLOAT(swiglu_params, alpha, 1.0f),
    QN_ATTRS_END,
};

const qn_op qn_op_swiglu = {
    .name = "SwiGLU",
    .since = 28,
    .min_in = 2,
    .max_in = 2,
    .flags = QN_OP_HALF_AS_F32,
    .attrs = swiglu_attrs,
    .params_size = sizeof(swiglu_params),
    .types = {QN_T_FLOATS},
    .infer = swiglu_infer,
    .prepare = swiglu_prepare,
    .run = swiglu_run,
};
