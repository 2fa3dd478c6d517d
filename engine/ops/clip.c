/* SPDX-License-Identifier: Apache-2.0 */
/* engine/ops/clip.c - Clip-13: Y = min(max(X, lo), hi), both limits optional; where
 * lo > hi the upper wins; NaN passes.  Versions before 11 had the limits as attributes.
 */
#include "engine/broadcast.h"
#include "engine/ops/unary_grad.h"

#include <math.h>

/* Attribute `name` of an old node becomes input i. */
static quern_status limit_input(qn_graph *g, qn_node *node, const char *name, int i,
                                quern_error *err)
{
    const qn_attr_value *a = qn_node_attr(node, name);
    if (!a) return QUERN_OK;
    void *data;
    qn_value *v;
    QN_TRY(qn_arena_alloc(g->arena, sizeof(double), &data, err));
    qn_tensor t = {.dtype = node->in[0] ? node->in[0]->dtype : QUERN_FLOAT,
                   .data = data};
    if (!qn_dtype_is_float(t.dtype)) t.dtype = QUERN_FLOAT;
    qn_set_real(&t, 0, (double)a->f);
    qn_node_drop_attr(node, name);
    QN_TRY(qn_graph_add_constant(g, "", &t, &v, err));
    return qn_node_set_input(node, i, v, err);
}

static quern_status clip_lower(qn_graph *g, qn_node *node, quern_error *err)
{
    qn_node_drop_attr(node, "consumed_inputs");
    if (node->opset >= 11) return QUERN_OK;
    QN_TRY(limit_input(g, node, "min", 1, err));
    return limit_input(g, node, "max", 2, err);
}

typedef struct clip_state {
    qn_clip_fn *fn;
    double least, most; /* the limits that are absent, in X's type */
} clip_state;

static quern_status check_limit(const qn_tensor *limit, const qn_tensor *x,
                                const char *name, quern_error *err)
{
    if (!limit) return QUERN_OK;
    bool fits = limit->dtype == x->dtype || qn_dtype_is_float(x->dtype);
    if (!fits || qn_tensor_count(limit) != 1)
        return qn_fail(err, QUERN_SHAPE, "%s is %s%s, takes one %s", name,
                       quern_dtype_name(limit->dtype), QN_SHAPE(limit),
                       quern_dtype_name(x->dtype));
    return QUERN_OK;
}

static quern_status clip_prepare(qn_prep *p, quern_error *err)
{
    void *room;
    const qn_instr *i = p->instr;
    const qn_tensor *x = i->in[0];
    QN_TRY(check_limit(i->n_in > 1 ? i->in[1] : NULL, x, "min", err));
    QN_TRY(check_limit(i->n_in > 2 ? i->in[2] : NULL, x, "max", err));
    QN_TRY(qn_prep_state(p, sizeof(clip_state), &room, err));
    clip_state *s = room;
    s->fn = qn_clip((enum qn_elem)x->dtype);
    if (!s->fn)
        return qn_fail(err, QUERN_UNSUPPORTED, "no kernel for %s",
                       quern_dtype_name(x->dtype));
    const double least = -HUGE_VAL, most = HUGE_VAL; /* integers saturate */
    qn_convert(&least, QN_E_F64, &s->least, (enum qn_elem)x->dtype, 1, 0);
    qn_convert(&most, QN_E_F64, &s->most, (enum qn_elem)x->dtype, 1, 0);
    return QUERN_OK;
}

typedef struct clip_job {
    qn_clip_fn *fn;
    const char *x;
    char *y;
    size_t size;
    double lo, hi; /* one element each, of X's type */
} clip_job;

static void clip_block(void *ctx, int64_t begin, int64_t end, int worker)
{
    const clip_job *job = ctx;
    (void)worker;
    size_t at = (size_t)begin * job->size;
    job->fn(job->x + at, job->y + at, end - begin, &job->lo, &job->hi);
}

static quern_status clip_run(const qn_instr *i, const qn_exec *x, quern_error *err)
{
    (void)err;
    const clip_state *s = i->state;
    const qn_tensor *in = i->in[0];
    enum qn_elem type = (enum qn_elem)in->dtype;
    if (!i->out[0]) return QUERN_OK;
    clip_job job = {s->fn,    in->data, i->out[0]->data, qn_dtype_size(in->dtype),
                    s->least, s->most};
    if (i->n_in > 1 && i->in[1])
        qn_convert(i->in[1]->data, (enum qn_elem)i->in[1]->dtype, &job.lo, type, 1, 0);
    if (i->n_in > 2 && i->in[2])
        qn_convert(i->in[2]->data, (enum qn_elem)i->in[2]->dtype, &job.hi, type, 1, 0);
    int64_t n = qn_tensor_count(in);
    qn_parallel_for(n > 2 * QN_BLOCK ? x->pool : NULL, n, QN_BLOCK, clip_block, &job);
    return QUERN_OK;
}

/* The limits take no gradient. */
static quern_status clip_grad(qn_grad *g, const qn_node *node, quern_error *err)
{
    return qn_grad_unary(g, node, QN_UNARY_clip, 0, 0, err);
}

const qn_op qn_op_clip = {
    .name = "Clip",
    .since = 13,
    .min_in = 1,
    .max_in = 3,
    .flags = QN_OP_INPLACE | QN_OP_HALF_AS_F32,
    .types = {QN_T_NUMBERS},
    .lower = clip_lower,
    .infer = qn_infer_same,
    .prepare = clip_prepare,
    .run = clip_run,
    .grad = clip_grad,
};
