/* SPDX-License-Identifier: Apache-2.0 */
/* engine/ops/where.c - Where-16: Y = C ? A : B with NumPy's broadcasting over all
 * three, any element type. */
#include "engine/ops/grads.h"
#include "engine/broadcast.h"
#include "engine/op.h"
#include "kernels/elementwise.h"

typedef struct where_state {
    qn_bcast plan;
    qn_select_fn *fn;
    size_t size; /* bytes of an element */
} where_state;

static quern_dtype where_dtype(const qn_node *node, int i)
{
    (void)i;
    return node->n_in > 1 && node->in[1] ? node->in[1]->dtype : QUERN_UNDEFINED;
}

static quern_status where_prepare(qn_prep *p, quern_error *err)
{
    void *room;
    const qn_instr *i = p->instr;
    if (i->in[1]->dtype != i->in[2]->dtype)
        return qn_fail(err, QUERN_SHAPE, "X is %s but Y is %s",
                       quern_dtype_name(i->in[1]->dtype),
                       quern_dtype_name(i->in[2]->dtype));
    QN_TRY(qn_prep_state(p, sizeof(where_state), &room, err));
    where_state *s = room;
    s->size = qn_dtype_size(i->in[1]->dtype);
    s->fn = qn_select(s->size);
    if (i->out[0]) qn_bcast_plan(&s->plan, i->out[0], 3, i->in);
    return QUERN_OK;
}

typedef struct where_job {
    const where_state *s;
    const char *c, *a, *b;
    char *y;
} where_job;

static void where_row(void *ctx, const int64_t *in, int64_t out, int64_t n)
{
    const where_job *job = ctx;
    size_t size = job->s->size;
    const qn_bcast *plan = &job->s->plan;
    qn_strided c = {job->c + in[0], qn_bcast_stride(plan, 0)};
    qn_strided a = {job->a + (size_t)in[1] * size, qn_bcast_stride(plan, 1)};
    qn_strided b = {job->b + (size_t)in[2] * size, qn_bcast_stride(plan, 2)};
    job->s->fn(c, a, b, job->y + (size_t)out * size, n);
}

static quern_status where_run(const qn_instr *i, const qn_exec *x, quern_error *err)
{
    (void)err;
    if (!i->out[0]) return QUERN_OK;
    where_job job = {i->state, i->in[0]->data, i->in[1]->data, i->in[2]->data,
                     i->out[0]->data};
    qn_bcast_run(&job.s->plan, x->pool, where_row, &job);
    return QUERN_OK;
}

const qn_op qn_op_where = {
    .name = "Where",
    .since = 16,
    .min_in = 3,
    .max_in = 3,
    .flags = QN_OP_INPLACE,
    .types = {QN_T_BOOL, QN_T_ALL},
    .out_dtype = where_dtype,
    .infer = qn_infer_broadcast,
    .prepare = where_prepare,
    .grad = qn_grad_where,
    .run = where_run,
};
