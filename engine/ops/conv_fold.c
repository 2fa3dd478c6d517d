/* SPDX-License-Identifier: Apache-2.0 */
/* engine/ops/conv_fold.c - see conv_fold.h.  Products by the gemm slots, a block of
 * output channels at a time, so that its columns stay in cache until they are folded.
 */
#include "engine/ops/conv_fold.h"

#include "kernels/act.h"
#include "kernels/conv.h"

#include <string.h>

typedef struct fold_state {
    qn_window w;
    int64_t n, groups, ic, oc; /* channels of a group, of in[0] and of out[0] */
    int64_t taps, len, image;  /* kernel; positions of in[0]; of out[0] */
    int64_t block, col_elems;  /* output channels at a time; scratch of a worker */
} fold_state;

typedef struct fold_job {
    const qn_instr *i;
    const qn_exec *x;
    const qn_tensor *bias;
} fold_job;

enum { COLUMN_BYTES = 1 << 20 };

quern_status qn_fold_prepare(qn_prep *p, const qn_window *window, int64_t group,
                             quern_error *err)
{
    const qn_instr *i = p->instr;
    const qn_tensor *x = i->in[0], *w = i->in[1];
    size_t elem = qn_dtype_size(x->dtype), bytes;
    fold_state *s;
    QN_TRY(qn_prep_state(p, sizeof *s, (void **)&s, err));
    s->w = *window;
    if (qn_tensor_count(i->out[0]) == 0) return QUERN_OK;
    s->n = x->dim[0];
    s->groups = group;
    s->ic = w->dim[0] / s->groups;
    s->oc = w->dim[1];
    s->taps = qn_window_product(s->w.kernel, s->w.rank);
    s->len = qn_window_product(s->w.out, s->w.rank);
    s->image = qn_window_product(s->w.in, s->w.rank);
    if (!qn_size_mul((size_t)s->taps, (size_t)s->len * elem, &bytes))
        return qn_fail(err, QUERN_LIMIT, "columns of %s take too much memory",
                       QN_SHAPE(w));
    s->block = bytes ? (int64_t)(COLUMN_BYTES / bytes) : s->oc;
    s->block = s->block < 1 ? 1 : s->block > s->oc ? s->oc : s->block;
    s->col_elems = s->block * s->taps * s->len;
    if (!qn_size_mul(bytes, (size_t)(s->block * p->n_workers), &bytes))
        return qn_fail(err, QUERN_LIMIT, "columns of %s take too much memory",
                       QN_SHAPE(w));
    qn_prep_scratch(p, bytes);
    return QUERN_OK;
}

/* Folds `count` channels of columns and finishes them; `channel` is the first in Y. */
static void fold(const fold_job *job, int64_t image, int64_t channel, int64_t count,
                 const void *cols)
{
    const fold_state *s = job->i->state;
    const qn_tensor *y = job->i->out[0];
    const qn_tensor *b = job->bias;
    const qn_act *act = &job->i->act;
    for (int64_t c = 0; c < count; c++) {
        int64_t at = (image * s->groups * s->oc + channel + c) * s->image;
        int64_t from = c * s->taps * s->len;
        double bias = b ? qn_get_real(b, channel + c) : 0;
        if (y->dtype == QUERN_DOUBLE) {
            double *to = (double *)y->data + at;
            memset(to, 0, (size_t)s->image * sizeof *to);
            qn_col2im_f64(&s->w, (const double *)cols + from, to);
            qn_shift_f64(to, bias, s->image);
            if (act->kind) qn_act_f64(act->kind, act->alpha, act->beta, to, s->image);
        } else {
            float *to = (float *)y->data + at;
            memset(to, 0, (size_t)s->image * sizeof *to);
            qn_col2im_f32(&s->w, (const float *)cols + from, to);
            qn_shift_f32(to, (float)bias, s->image);
            if (act->kind) qn_act_f32(act->kind, act->alpha, act->beta, to, s->image);
        }
    }
}

/* Item: (image, group, block of output channels). */
static void run_blocks(void *ctx, int64_t begin, int64_t end, int worker)
{
    const fold_job *job = ctx;
    const fold_state *s = job->i->state;
    const qn_tensor *x = job->i->in[0], *w = job->i->in[1];
    const qn_kernels *k = job->x->k;
    int64_t blocks = (s->oc + s->block - 1) / s->block, lda = s->oc * s->taps;
    for (int64_t t = begin; t < end; t++) {
        int64_t o = t % blocks * s->block, group = t / blocks % s->groups;
        int64_t image = t / blocks / s->groups;
        int64_t count = s->oc - o < s->block ? s->oc - o : s->block;
        int64_t xa = (image * s->groups + group) * s->ic * s->len;
        int64_t wa = group * s->ic * lda + o * s->taps;
        if (x->dtype == QUERN_DOUBLE) {
            double *cols = (double *)job->i->scratch + worker * s->col_elems;
            k->gemm_f64(k, true, false, count * s->taps, s->len, s->ic, 1,
                        (const double *)w->data + wa, lda, (const double *)x->data + xa,
                        s->len, 0, cols, s->len);
            fold(job, image, group * s->oc + o, count, cols);
        } else {
            float *cols = (float *)job->i->scratch + worker * s->col_elems;
            k->gemm_f32(k, true, false, count * s->taps, s->len, s->ic, 1,
                        (const float *)w->data + wa, lda, (const float *)x->data + xa,
                        s->len, 0, cols, s->len);
            fold(job, image, group * s->oc + o, count, cols);
        }
    }
}

void qn_fold_run(const qn_instr *i, const qn_exec *x, const qn_tensor *bias)
{
    const fold_state *s = i->state;
    fold_job job = {i, x, bias};
    if (s->n == 0) return;
    qn_parallel_for(x->pool, s->n * s->groups * ((s->oc + s->block - 1) / s->block), 1,
                    run_blocks, &job);
}
