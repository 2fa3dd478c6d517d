/* SPDX-License-Identifier: Apache-2.0 */
/* engine/ops/variadic.c - Max-13, Min-13, Sum-13, Mean-13: any number of operands,
 * joined from the left, with NumPy's broadcasting.
 *
 * Not in place: the output fills up while later operands are still to be read. */
#include "engine/ops/grads.h"
#include "engine/broadcast.h"
#include "engine/op.h"
#include "kernels/elementwise.h"

#include <string.h>

typedef struct variadic_state {
    qn_bcast first;  /* of in[0] and in[1] into the output */
    qn_bcast *later; /* of the output and in[k + 2] into the output */
    qn_binary_fn *fn;
    size_t size; /* bytes of an element */
} variadic_state;

static quern_status variadic_lower(qn_graph *g, qn_node *node, quern_error *err)
{
    (void)g;
    (void)err;
    qn_node_drop_attr(node, "consumed_inputs");
    return QUERN_OK;
}

static quern_status check_inputs(const qn_instr *i, quern_error *err)
{
    for (int k = 0; k < i->n_in; k++) {
        if (!i->in[k]) return qn_fail(err, QUERN_INVALID, "input %d is absent", k);
        if (i->in[k]->dtype != i->in[0]->dtype)
            return qn_fail(err, QUERN_SHAPE, "input %d is %s but input 0 is %s", k,
                           quern_dtype_name(i->in[k]->dtype),
                           quern_dtype_name(i->in[0]->dtype));
    }
    return QUERN_OK;
}

static quern_status variadic_prepare(qn_prep *p, enum qn_binary_op op, quern_error *err)
{
    const qn_instr *i = p->instr;
    void *room;
    int n_later = i->n_in > 2 ? i->n_in - 2 : 0;
    QN_TRY(check_inputs(i, err));
    QN_TRY(qn_prep_state(p, sizeof(variadic_state) + (size_t)n_later * sizeof(qn_bcast),
                         &room, err));
    variadic_state *s = room;
    s->later = (qn_bcast *)(s + 1);
    s->size = qn_dtype_size(i->in[0]->dtype);
    s->fn = qn_binary(op, (enum qn_elem)i->in[0]->dtype);
    if (!s->fn)
        return qn_fail(err, QUERN_UNSUPPORTED, "no kernel for %s",
                       quern_dtype_name(i->in[0]->dtype));
    const qn_tensor *y = i->out[0];
    if (!y || i->n_in == 1) return QUERN_OK;
    qn_bcast_plan(&s->first, y, 2, i->in);
    for (int k = 0; k < n_later; k++)
        qn_bcast_plan(&s->later[k], y, 2, (const qn_tensor *[]){y, i->in[k + 2]});
    return QUERN_OK;
}

typedef struct variadic_job {
    const qn_bcast *plan;
    qn_binary_fn *fn;
    size_t size;
    const char *a, *b;
    char *y;
} variadic_job;

static void variadic_row(void *ctx, const int64_t *in, int64_t out, int64_t n)
{
    const variadic_job *job = ctx;
    job->fn(job->a + (size_t)in[0] * job->size, qn_bcast_stride(job->plan, 0),
            job->b + (size_t)in[1] * job->size, qn_bcast_stride(job->plan, 1),
            job->y + (size_t)out * job->size, n);
}

static quern_status variadic_run(const qn_instr *i, const qn_exec *x, quern_error *err)
{
    (void)err;
    const variadic_state *s = i->state;
    if (!i->out[0]) return QUERN_OK;
    void *y = i->out[0]->data;
    if (i->n_in == 1) {
        memcpy(y, i->in[0]->data, qn_tensor_bytes(i->in[0]));
        return QUERN_OK;
    }
    variadic_job job = {&s->first, s->fn, s->size, i->in[0]->data, i->in[1]->data, y};
    qn_bcast_run(job.plan, x->pool, variadic_row, &job);
    for (int k = 2; k < i->n_in; k++) {
        variadic_job next = {&s->later[k - 2], s->fn, s->size, y, i->in[k]->data, y};
        qn_bcast_run(next.plan, x->pool, variadic_row, &next);
    }
    return QUERN_OK;
}

static quern_status max_prepare(qn_prep *p, quern_error *err)
{
    return variadic_prepare(p, QN_BINARY_max, err);
}

static quern_status min_prepare(qn_prep *p, quern_error *err)
{
    return variadic_prepare(p, QN_BINARY_min, err);
}

static quern_status sum_prepare(qn_prep *p, quern_error *err)
{
    return variadic_prepare(p, QN_BINARY_add, err);
}

static quern_status mean_run(const qn_instr *i, const qn_exec *x, quern_error *err)
{
    QN_TRY(variadic_run(i, x, err));
    if (!i->out[0]) return QUERN_OK;
    quern_dtype dtype = i->out[0]->dtype;
    double n = i->n_in;
    float nf = (float)i->n_in;
    const void *divisor = dtype == QUERN_DOUBLE ? (const void *)&n : (const void *)&nf;
    qn_binary(QN_BINARY_div, (enum qn_elem)dtype)(
        i->out[0]->data, 1, divisor, 0, i->out[0]->data, qn_tensor_count(i->out[0]));
    return QUERN_OK;
}

#define VARIADIC_COMMON \
    .min_in = 1, .max_in = -1, .lower = variadic_lower, .infer = qn_infer_broadcast

const qn_op qn_op_max = {
    .name = "Max",
    .since = 13,
    .flags = QN_OP_HALF_AS_F32,
    .types = {QN_T_NUMBERS},
    .prepare = max_prepare,
    .grad = qn_grad_most,
    .run = variadic_run,
    VARIADIC_COMMON,
};

const qn_op qn_op_min = {
    .name = "Min",
    .since = 13,
    .flags = QN_OP_HALF_AS_F32,
    .types = {QN_T_NUMBERS},
    .prepare = min_prepare,
    .grad = qn_grad_most,
    .run = variadic_run,
    VARIADIC_COMMON,
};

const qn_op qn_op_sum = {
    .name = "Sum",
    .since = 13,
    .flags = QN_OP_HALF_AS_F32,
    .types = {QN_T_FLOATS},
    .prepare = sum_prepare,
    .grad = qn_grad_sum,
    .run = variadic_run,
    VARIADIC_COMMON,
};

const qn_op qn_op_mean = {
    .name = "Mean",
    .since = 13,
    .flags = QN_OP_HALF_AS_F32,
    .types = {QN_T_FLOATS},
    .prepare = sum_prepare,
    .grad = qn_grad_sum,
    .run = mean_run,
    VARIADIC_COMMON,
};
