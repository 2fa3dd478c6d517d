/* SPDX-License-Identifier: Apache-2.0 */
/* engine/ops/global_pool.c - GlobalAveragePool-22, GlobalMaxPool-22, GlobalLpPool-22:
 * one number a plane, all spatial dims become 1. */
#include "engine/ops/conv_shape.h"
#include "engine/ops/pool_blocked.h"
#include "engine/ops/pool_grad.h"
#include "kernels/pooling.h"

typedef float plane_f32_fn(const float *x, int64_t n, int64_t p);
typedef double plane_f64_fn(const double *x, int64_t n, int64_t p);

typedef struct global_job {
    const qn_instr *i;
    int64_t len, p;
    plane_f32_fn *f32;
    plane_f64_fn *f64;
} global_job;

static float mean_f32(const float *x, int64_t n, int64_t p)
{
    (void)p;
    return qn_mean_f32(x, n);
}

static double mean_f64(const double *x, int64_t n, int64_t p)
{
    (void)p;
    return qn_mean_f64(x, n);
}

static float greatest_f32(const float *x, int64_t n, int64_t p)
{
    (void)p;
    return qn_greatest_f32(x, n);
}

static double greatest_f64(const double *x, int64_t n, int64_t p)
{
    (void)p;
    return qn_greatest_f64(x, n);
}

static void run_planes(void *ctx, int64_t begin, int64_t end, int worker)
{
    const global_job *job = ctx;
    const qn_tensor *x = job->i->in[0], *y = job->i->out[0];
    (void)worker;
    for (int64_t n = begin; n < end; n++)
        if (x->dtype == QUERN_DOUBLE)
            ((double *)y->data)[n] =
                job->f64((const double *)x->data + n * job->len, job->len, job->p);
        else
            ((float *)y->data)[n] =
                job->f32((const float *)x->data + n * job->len, job->len, job->p);
}

static quern_status run_global(const qn_instr *i, const qn_exec *x, plane_f32_fn *f32,
                               plane_f64_fn *f64)
{
    const qn_window_params *p = i->params;
    global_job job = {i, qn_dims_count(i->in[0], 2, i->in[0]->rank), p ? p->p : 0, f32,
                      f64};
    int64_t grain = (64 << 10) / (job.len + 1);
    qn_parallel_for(x->pool, qn_tensor_count(i->out[0]), grain < 1 ? 1 : grain,
                    run_planes, &job);
    return QUERN_OK;
}

static quern_status global_average_run(const qn_instr *i, const qn_exec *x,
                                       quern_error *err)
{
    (void)err;
    if (i->is_blocked) return qn_mean_blocked_run(i, x);
    return run_global(i, x, mean_f32, mean_f64);
}

static quern_status global_max_run(const qn_instr *i, const qn_exec *x,
                                   quern_error *err)
{
    (void)err;
    if (i->is_blocked) {
        const qn_window w = qn_plane_window(i->in[0]);
        return qn_pool_blocked_run(i, x, &w, false, false);
    }
    return run_global(i, x, greatest_f32, greatest_f64);
}

static quern_status global_lp_run(const qn_instr *i, const qn_exec *x, quern_error *err)
{
    (void)err;
    return run_global(i, x, qn_lpnorm_f32, qn_lpnorm_f64);
}

static quern_status global_infer(const qn_infer *x, quern_error *err)
{
    if (x->in[0]->rank < 2)
        return qn_fail(err, QUERN_SHAPE, "X is %s, wanted [N,C,...]",
                       QN_SHAPE(x->in[0]));
    if (!x->out[0]) return QUERN_OK;
    qn_copy_shape(x->out[0], x->in[0]);
    for (int d = 2; d < x->out[0]->rank; d++)
        x->out[0]->dim[d] = 1;
    return QUERN_OK;
}

static quern_status global_lp_check(const qn_node *node, quern_error *err)
{
    const qn_window_params *p = node->params;
    if (p->p >= 1) return QUERN_OK;
    return qn_fail(err, QUERN_INVALID, "p is %lld, wanted at least 1", (long long)p->p);
}

static const qn_attr global_lp_attrs[] = {QN_INT(qn_window_params, p, 2), QN_ATTRS_END};

const qn_op qn_op_global_average_pool = {
    .name = "GlobalAveragePool",
    .since = 22,
    .min_in = 1,
    .max_in = 1,
    .flags = QN_OP_HALF_AS_F32,
    .types = {QN_T_FLOATS},
    .infer = global_infer,
    .blocked = qn_pool_blocked,
    .run = global_average_run,
    .grad = qn_global_average_pool_grad,
};

const qn_op qn_op_global_max_pool = {
    .name = "GlobalMaxPool",
    .since = 22,
    .min_in = 1,
    .max_in = 1,
    .flags = QN_OP_HALF_AS_F32,
    .types = {QN_T_FLOATS},
    .infer = global_infer,
    .blocked = qn_pool_blocked,
    .run = global_max_run,
    .grad = qn_global_max_pool_grad,
};

const qn_op qn_op_global_lp_pool = {
    .name = "GlobalLpPool",
    .since = 22,
    .first = 2, /* GlobalLpPool-1 has p as a float */
    .min_in = 1,
    .max_in = 1,
    .flags = QN_OP_HALF_AS_F32,
    .attrs = global_lp_attrs,
    .params_size = sizeof(qn_window_params),
    .types = {QN_T_FLOATS},
    .check = global_lp_check,
    .infer = global_infer,
    .run = global_lp_run,
};
