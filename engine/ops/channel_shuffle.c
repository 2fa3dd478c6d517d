/* SPDX-License-Identifier: Apache-2.0 */
/* engine/ops/channel_shuffle.c - the channels of two tensors in turn, cut into equal
 * parts: the channel shuffle of ShuffleNet with the concatenation before it and the
 * split behind it, made by fuse_shuffle.  In the blocked layout it is one pass at any
 * width. */
#include "engine/op.h"
#include "engine/rows8c.h"

#include <string.h>

static quern_status shuffle_infer(const qn_infer *x, quern_error *err)
{
    const qn_tensor *a = x->in[0], *b = x->in[1];
    if (!qn_same_shape(a, b) || a->rank < 2 || 2 * a->dim[1] % x->n_out)
        return qn_fail(err, QUERN_SHAPE, "%s and %s do not make %d equal parts",
                       QN_SHAPE(a), QN_SHAPE(b), x->n_out);
    for (int i = 0; i < x->n_out; i++) {
        if (!x->out[i]) continue;
        qn_copy_shape(x->out[i], a);
        x->out[i]->dim[1] = 2 * a->dim[1] / x->n_out;
    }
    return QUERN_OK;
}

static bool shuffle_blocked(const qn_instr *i, qn_blocked *how)
{
    const qn_tensor *a = i->in[0];
    if (a->rank != 4 || a->dtype != QUERN_FLOAT || qn_tensor_count(a) == 0)
        return false;
    *how = (qn_blocked){.in = 3};
    return true;
}

typedef struct job {
    const qn_kernels *k;
    qn_weave8c w;
} job;

static void weave_task(const void *ctx, const qn_task8c *t)
{
    const job *j = ctx;
    j->k->weave8c_f32(&j->w, t);
}

static void run_blocked(const qn_instr *i, const qn_exec *x)
{
    job j = {.k = x->k};
    j.w.x = qn_tensor_plane(i->in[0]);
    j.w.z = qn_tensor_plane(i->in[1]);
    for (int p = 0; p < i->n_out; p++) {
        if (!i->out[p]) continue;
        j.w.y = qn_tensor_plane(i->out[p]);
        j.w.first = p * j.w.y.c;
        qn_parallel_blocks8c(x->pool, i->in[0]->dim[0], &j.w.y, weave_task, &j);
    }
}

/* Part p of one image. */
static void copy_part(const qn_instr *i, int p, int64_t image, size_t plane)
{
    const qn_tensor *y = i->out[p];
    const int64_t c = i->in[0]->dim[1], n = y->dim[1];
    char *to = (char *)y->data + (size_t)(image * n) * plane;
    for (int64_t ch = 0; ch < n; ch++, to += plane) {
        const int64_t from = p * n + ch;
        const char *x = i->in[from % 2]->data;
        memcpy(to, x + (size_t)(image * c + from / 2) * plane, plane);
    }
}

static quern_status shuffle_run(const qn_instr *i, const qn_exec *x, quern_error *err)
{
    (void)err;
    const qn_tensor *a = i->in[0];
    const size_t plane = (size_t)qn_dims_count(a, 2, a->rank) * qn_dtype_size(a->dtype);
    if (i->is_blocked) {
        run_blocked(i, x);
        return QUERN_OK;
    }
    for (int p = 0; p < i->n_out; p++)
        for (int64_t n = 0; i->out[p] && n < a->dim[0]; n++)
            copy_part(i, p, n, plane);
    return QUERN_OK;
}

/* clang-format off */
const qn_op qn_op_shuffle = {
    .name = "Shuffle", .domain = "quern", .since = 1, .min_in = 2, .max_in = 2,
    .min_out = 1, .max_out = -1,
    .types = {QN_T_ALL},
    .infer = shuffle_infer, .blocked = shuffle_blocked, .run = shuffle_run,
};
/* clang-format on */
