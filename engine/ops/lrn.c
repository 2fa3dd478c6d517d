/* SPDX-License-Identifier: Apache-2.0 */
/* engine/ops/lrn.c - local response normalisation across channels; ONNX LRN-13. */
#include "engine/op.h"
#include "kernels/norm.h"

typedef struct lrn_params {
    float alpha, beta, bias;
    int64_t size;
} lrn_params;

typedef struct lrn_job {
    const qn_instr *i;
    qn_lrn how;
    int64_t blocks; /* of an image */
} lrn_job;

static quern_status lrn_check(const qn_node *node, quern_error *err)
{
    const lrn_params *p = node->params;
    if (p->size >= 1 && p->size < INT64_C(1) << 40) return QUERN_OK;
    return qn_fail(err, QUERN_INVALID, "size is %lld, wanted at least 1",
                   (long long)p->size);
}

static quern_status lrn_infer(const qn_infer *x, quern_error *err)
{
    if (x->in[0]->rank < 2)
        return qn_fail(err, QUERN_SHAPE, "X is %s, wanted [N,C,...]",
                       QN_SHAPE(x->in[0]));
    return qn_infer_same(x, err);
}

/* Item: a block of positions of one image. */
static void run_blocks(void *ctx, int64_t begin, int64_t end, int worker)
{
    const lrn_job *job = ctx;
    const qn_tensor *x = job->i->in[0], *y = job->i->out[0];
    int64_t len = job->how.pitch;
    (void)worker;
    for (int64_t t = begin; t < end; t++) {
        int64_t from = t % job->blocks * QN_LRN_BLOCK;
        int64_t n = len - from < QN_LRN_BLOCK ? len - from : QN_LRN_BLOCK;
        int64_t at = t / job->blocks * job->how.channels * len + from;
        if (x->dtype == QUERN_DOUBLE)
            qn_lrn_f64(&job->how, (const double *)x->data + at, (double *)y->data + at,
                       n);
        else
            qn_lrn_f32(&job->how, (const float *)x->data + at, (float *)y->data + at,
                       n);
    }
}

static quern_status lrn_run(const qn_instr *i, const qn_exec *x, quern_error *err)
{
    const lrn_params *p = i->params;
    const qn_tensor *in = i->in[0];
    (void)err;
    int64_t len = qn_dims_count(in, 2, in->rank);
    lrn_job job = {i,
                   {in->dim[1], len, p->size, p->alpha, p->beta, p->bias},
                   (len + QN_LRN_BLOCK - 1) / QN_LRN_BLOCK};
    qn_parallel_for(x->pool, in->dim[0] * job.blocks, 1, run_blocks, &job);
    return QUERN_OK;
}

static const qn_attr lrn_attrs[] = {
    QN_FLOAT(lrn_params, alpha, 1e-4f), QN_FLOAT(lrn_params, beta, 0.75f),
    QN_FLOAT(lrn_params, bias, 1), QN_REQUIRED(lrn_params, size, QN_ATTR_INT),
    QN_ATTRS_END};

const qn_op qn_op_lrn = {
    .name = "LRN",
    .since = 13,
    .min_in = 1,
    .max_in = 1,
    .flags = QN_OP_HALF_AS_F32,
    .attrs = lrn_attrs,
    .params_size = sizeof(lrn_params),
    .types = {QN_T_FLOATS},
    .check = lrn_check,
    .infer = lrn_infer,
    .run = lrn_run,
};
