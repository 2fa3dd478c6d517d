/* SPDX-License-Identifier: Apache-2.0 */
/* engine/broadcast.c - see engine/broadcast.h. */
#include "engine/broadcast.h"

/* Elements between neighbours of in along dimension d of an output of rank `rank`; 0
 * where it is broadcast. */
static int64_t stride_of(const qn_tensor *in, int rank, int d)
{
    int own = d - (rank - in->rank);
    if (own < 0 || in->dim[own] == 1) return 0;
    return qn_dims_count(in, own + 1, in->rank);
}

/* True when dimension `last` of the plan and the next of size n are one for everybody.
 */
static bool merges(const qn_bcast *b, int last, const int64_t *stride, int64_t n)
{
    for (int k = 0; k < b->n_in; k++)
        if (b->stride[k][last] != stride[k] * n) return false;
    return true;
}

void qn_bcast_plan(qn_bcast *b, const qn_tensor *out, int n_in,
                   const qn_tensor *const *in)
{
    b->n_in = n_in;
    b->rank = 0;
    b->count = qn_tensor_count(out);
    for (int d = 0; d < out->rank; d++) {
        int64_t n = out->dim[d], stride[QN_BCAST_MAX];
        if (n == 1) continue;
        for (int k = 0; k < n_in; k++)
            stride[k] = stride_of(in[k], out->rank, d);
        bool same = b->rank > 0 && merges(b, b->rank - 1, stride, n);
        int to = same ? b->rank - 1 : b->rank++;
        b->dim[to] = same ? b->dim[to] * n : n;
        for (int k = 0; k < n_in; k++)
            b->stride[k][to] = stride[k];
    }
    if (b->rank > 0) return;
    b->rank = 1;
    b->dim[0] = 1;
    for (int k = 0; k < n_in; k++)
        b->stride[k][0] = 1;
}

void qn_bcast_walk(const qn_bcast *b, int64_t begin, int64_t end, qn_bcast_row *row,
                   void *ctx)
{
    int64_t at[QUERN_MAX_RANK], in[QN_BCAST_MAX] = {0}, rest = begin;
    for (int d = b->rank - 1; d >= 0 && begin < end; d--) {
        at[d] = rest % b->dim[d];
        rest /= b->dim[d];
        for (int k = 0; k < b->n_in; k++)
            in[k] += at[d] * b->stride[k][d];
    }
    int last = b->rank - 1;
    while (begin < end) {
        int64_t n = b->dim[last] - at[last];
        if (n > end - begin) n = end - begin;
        row(ctx, in, begin, n);
        begin += n;
        at[last] += n;
        for (int k = 0; k < b->n_in; k++)
            in[k] += n * b->stride[k][last];
        for (int d = last; d > 0 && at[d] == b->dim[d]; d--) {
            at[d] = 0;
            at[d - 1]++;
            for (int k = 0; k < b->n_in; k++)
                in[k] += b->stride[k][d - 1] - b->dim[d] * b->stride[k][d];
        }
    }
}

typedef struct walk_job {
    const qn_bcast *b;
    qn_bcast_row *row;
    void *ctx;
} walk_job;

static void walk_block(void *ctx, int64_t begin, int64_t end, int worker)
{
    const walk_job *job = ctx;
    (void)worker;
    qn_bcast_walk(job->b, begin, end, job->row, job->ctx);
}

void qn_bcast_run(const qn_bcast *b, qn_pool *pool, qn_bcast_row *row, void *ctx)
{
    walk_job job = {b, row, ctx};
    qn_parallel_for(b->count > 2 * QN_BLOCK ? pool : NULL, b->count, QN_BLOCK,
                    walk_block, &job);
}
