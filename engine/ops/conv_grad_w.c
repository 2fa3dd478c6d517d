/* SPDX-License-Identifier: Apache-2.0 */
/* engine/ops/conv_grad_w.c - ConvGradW: the gradient of a convolution's filters, the
 * sum over images and positions of dY times the window of X.
 *
 * Images are dealt to a number of shards that depends on shapes only; each shard adds
 * up its own gradient, and a tree adds the shards: so the bits do not depend on the
 * number of threads.  Plain: dY [channels, positions] times columns', a stretch of
 * positions at a time. */
#include "engine/ops/conv_grad.h"
#include "engine/ops/conv_grad_blocked.h"
#include "engine/shards.h"
#include "kernels/conv.h"

#include <string.h>

enum { IN_DY, IN_X, IN_W };

enum {
    COLUMN_BYTES = 1 << 20,
    PARTIAL_BYTES = 32 << 20 /* most memory for the sums of all shards */
};

typedef struct state {
    qn_window w;
    int64_t n, groups, ic, oc; /* channels of a group */
    int64_t k, len, cols;      /* a filter; positions; of them at a time */
    int64_t shards, size;      /* elements of dW */
    size_t partial_bytes;      /* before the columns, in scratch */
} state;

typedef struct job {
    const qn_instr *i;
    const qn_exec *x;
    char *partial; /* [shards][size] */
} job;

static quern_status w_infer(const qn_infer *x, quern_error *err)
{
    qn_window w;
    QN_TRY(qn_infer_one_type(x, 3, err));
    QN_TRY(
        qn_conv_grad_fit(x->params, x->in[IN_DY], x->in[IN_X], x->in[IN_W], &w, err));
    qn_copy_shape(x->out[0], x->in[IN_W]);
    return QUERN_OK;
}

static quern_status w_prepare(qn_prep *p, quern_error *err)
{
    const qn_instr *i = p->instr;
    const qn_window_params *params = i->params;
    const qn_tensor *x = i->in[IN_X], *w = i->in[IN_W];
    size_t elem = qn_dtype_size(x->dtype), columns;
    state *s;
    if (i->is_blocked) return qn_conv_grad_w_blocked_prepare(p, err);
    QN_TRY(qn_prep_state(p, sizeof *s, (void **)&s, err));
    QN_TRY(qn_window_fit(params, x, w, &s->w, err));
    s->size = qn_tensor_count(w);
    if (s->size == 0) return QUERN_OK;
    s->n = x->dim[0];
    s->groups = params->group;
    s->ic = w->dim[1];
    s->oc = w->dim[0] / s->groups;
    s->k = s->ic * qn_window_product(s->w.kernel, s->w.rank);
    s->len = qn_window_product(s->w.out, s->w.rank);
    s->cols = COLUMN_BYTES / (int64_t)elem / s->k;
    s->cols = s->cols < 16 ? 16 : s->cols;
    s->cols = s->cols < s->len ? s->cols : s->len;
    s->shards = qn_shards(s->n, s->size * (int64_t)elem, PARTIAL_BYTES);
    s->partial_bytes = qn_shards_bytes(s->shards, s->size, elem);
    if (!qn_size_mul((size_t)(s->k * s->cols) * elem, (size_t)p->n_workers, &columns))
        return qn_fail(err, QUERN_LIMIT, "columns of %s take too much memory",
                       QN_SHAPE(w));
    qn_prep_scratch(p, s->partial_bytes + columns);
    return QUERN_OK;
}

/* Adds positions [part->col0, part->col1) of one image and group to its dW. */
static void add_product(const job *j, int64_t image_group, const qn_cols *part,
                        int64_t shard, void *cols)
{
    const state *s = j->i->state;
    const qn_kernels *k = j->x->k;
    const int64_t x_at = image_group * s->ic * qn_window_product(s->w.in, s->w.rank);
    const int64_t dy_at = image_group * s->oc * s->len + part->col0;
    const int64_t dw_at = shard * s->size + image_group % s->groups * s->oc * s->k;
    const void *x = j->i->in[IN_X]->data, *dy = j->i->in[IN_DY]->data;
    if (j->i->out[0]->dtype == QUERN_DOUBLE) {
        qn_im2col_8(&s->w, part, (const double *)x + x_at, cols);
        k->gemm_f64(k, false, true, s->oc, s->k, part->ld, 1,
                    (const double *)dy + dy_at, s->len, cols, part->ld, 1,
                    (double *)j->partial + dw_at, s->k);
    } else {
        qn_im2col_4(&s->w, part, (const float *)x + x_at, cols);
        k->gemm_f32(k, false, true, s->oc, s->k, part->ld, 1, (const float *)dy + dy_at,
                    s->len, cols, part->ld, 1, (float *)j->partial + dw_at, s->k);
    }
}

/* Item: (shard, group). */
static void run_shards(void *ctx, int64_t begin, int64_t end, int worker)
{
    const job *j = ctx;
    const state *s = j->i->state;
    const size_t elem = qn_dtype_size(j->i->out[0]->dtype);
    void *cols = (char *)j->i->scratch + s->partial_bytes +
                 (size_t)worker * (size_t)(s->k * s->cols) * elem;
    for (int64_t t = begin; t < end; t++) {
        const int64_t shard = t / s->groups, group = t % s->groups;
        const int64_t first = s->n * shard / s->shards;
        const int64_t last = s->n * (shard + 1) / s->shards;
        char *dw = j->partial + (size_t)(shard * s->size + group * s->oc * s->k) * elem;
        memset(dw, 0, (size_t)(s->oc * s->k) * elem);
        for (int64_t n = first; n < last; n++)
            for (int64_t c = 0; c < s->len; c += s->cols) {
                const int64_t c1 = c + s->cols < s->len ? c + s->cols : s->len;
                const qn_cols part = {0, s->k, c, c1, c1 - c};
                add_product(j, n * s->groups + group, &part, shard, cols);
            }
    }
}

static quern_status w_run(const qn_instr *i, const qn_exec *x, quern_error *err)
{
    (void)err;
    if (i->is_blocked) {
        qn_conv_grad_w_blocked_run(i, x);
        return QUERN_OK;
    }
    const state *s = i->state;
    job j = {i, x, s->shards > 1 ? i->scratch : i->out[0]->data};
    if (s->size == 0) return QUERN_OK;
    qn_parallel_for(x->pool, s->shards * s->groups, 1, run_shards, &j);
    if (s->shards > 1)
        qn_shards_sum(x->pool, i->out[0]->dtype, s->shards, s->size, j.partial,
                      i->out[0]->data);
    return QUERN_OK;
}

static double w_macs(const qn_infer *x)
{
    return (double)qn_tensor_count(x->in[IN_DY]) *
           (double)qn_dims_count(x->in[IN_W], 1, x->in[IN_W]->rank);
}

static const qn_attr w_attrs[] = {QN_CONV_ATTRS, QN_ATTRS_END};

const qn_op qn_op_conv_grad_w = {
    .name = "ConvGradW",
    .domain = QN_DOMAIN,
    .since = 1,
    .min_in = 3,
    .max_in = 3,
    .flags = QN_OP_HALF_AS_F32,
    .attrs = w_attrs,
    .params_size = sizeof(qn_window_params),
    .types = {QN_T_FLOATS},
    .shape_only = 1 << IN_W,
    .check = qn_window_check,
    .infer = w_infer,
    .blocked = qn_conv_grad_w_blocked,
    .prepare = w_prepare,
    .run = w_run,
    .macs = w_macs,
};
