/* SPDX-License-Identifier: Apache-2.0 */
/* engine/ops/channel_sum.c - ChannelSum: [N,C,...] to [C], the sums over all but the
 * channels, in double: the gradient of a convolution's bias. */
#include "engine/grad.h"
#include "engine/ops/norm_blocked.h"
#include "kernels/reduce.h"

static quern_status sum_infer(const qn_infer *x, quern_error *err)
{
    const qn_tensor *in = x->in[0];
    if (in->rank < 2)
        return qn_fail(err, QUERN_SHAPE, "dY is %s, wanted [N,C,...]", QN_SHAPE(in));
    qn_set_shape(x->out[0], in->dtype, 1, &in->dim[1]);
    return QUERN_OK;
}

typedef struct job {
    qn_reduce_shape shape;
    const qn_instr *i;
} job;

static void sum_range(void *ctx, int64_t begin, int64_t end, int worker)
{
    const job *j = ctx;
    const qn_instr *i = j->i;
    (void)worker;
    if (i->out[0]->dtype == QUERN_DOUBLE)
        qn_reduce_f64(QN_REDUCE_SUM, &j->shape, i->in[0]->data, i->out[0]->data, begin,
                      end);
    else
        qn_reduce_f32(QN_REDUCE_SUM, &j->shape, i->in[0]->data, i->out[0]->data, begin,
                      end);
}

static quern_status sum_prepare(qn_prep *p, quern_error *err)
{
    (void)err;
    if (p->instr->is_blocked) qn_norm_blocked_prepare(p);
    return QUERN_OK;
}

static quern_status sum_run(const qn_instr *i, const qn_exec *x, quern_error *err)
{
    bool reduced[QUERN_MAX_RANK] = {0};
    job j = {.i = i};
    (void)err;
    if (i->is_blocked) return qn_channel_sum_blocked_run(i, x);
    for (int d = 0; d < i->in[0]->rank; d++)
        reduced[d] = d != 1;
    qn_reduce_plan(i->in[0]->rank, i->in[0]->dim, reduced, &j.shape);
    qn_parallel_for(x->pool, j.shape.outer, 1, sum_range, &j);
    return QUERN_OK;
}

const qn_op qn_op_channel_sum = {
    .name = "ChannelSum",
    .domain = QN_DOMAIN,
    .since = 1,
    .min_in = 1,
    .max_in = 1,
    .flags = QN_OP_HALF_AS_F32,
    .types = {QN_T_FLOATS},
    .infer = sum_infer,
    .blocked = qn_channel_sum_blocked,
    .prepare = sum_prepare,
    .run = sum_run,
};
