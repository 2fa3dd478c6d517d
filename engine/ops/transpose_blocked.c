/* SPDX-License-Identifier: Apache-2.0 */
/* engine/ops/transpose_blocked.c - see transpose_blocked.h. */
#include "engine/ops/transpose_blocked.h"

#include "engine/rows8c.h"

#include <string.h>

bool qn_transpose_can_block(const qn_instr *i, const int64_t *perm, qn_blocked *how)
{
    static const int64_t out[4] = {0, 2, 3, 1}, in[4] = {0, 3, 1, 2};
    const qn_tensor *x = i->in[0];
    if (x->rank != 4 || x->dtype != QUERN_FLOAT || qn_tensor_count(x) == 0)
        return false;
    if (memcmp(perm, out, sizeof out) == 0)
        *how = (qn_blocked){.in = 1, .plain_out = 1};
    else if (memcmp(perm, in, sizeof in) == 0)
        *how = (qn_blocked){.brings = true};
    else
        return false;
    return true;
}

typedef struct job {
    qn_plane8c blocked;
    float *plain; /* [n][h][w][c] */
    bool to_plain;
} job;

static void copy_pixels(bool to_plain, float *blocked, float *plain,
                        const qn_plane8c *p, size_t bytes)
{
    for (int64_t i = 0; i < p->w; i++, blocked += QN_BLOCK8, plain += p->c)
        if (to_plain)
            memcpy(plain, blocked, bytes);
        else
            memcpy(blocked, plain, bytes);
}

/* Item: a row of all channels. */
static void copy_rows(void *ctx, int64_t begin, int64_t end, int worker)
{
    const job *j = ctx;
    const qn_plane8c *p = &j->blocked;
    (void)worker;
    for (int64_t t = begin; t < end; t++) {
        float *plain = j->plain + t * p->w * p->c;
        float *row = p->data + t / p->h * p->image + t % p->h * p->row;
        for (int64_t c = 0; c < p->c;
             c += QN_BLOCK8, row += p->plane, plain += QN_BLOCK8)
            if (p->c - c >= QN_BLOCK8) /* a constant size */
                copy_pixels(j->to_plain, row, plain, p, QN_BLOCK8 * sizeof(float));
            else
                copy_pixels(j->to_plain, row, plain, p,
                            (size_t)(p->c - c) * sizeof(float));
    }
}

void qn_transpose_blocked_run(const qn_instr *i, const qn_exec *x)
{
    const bool to_plain = i->in[0]->layout == QN_NCHW8C;
    const qn_tensor *blocked = to_plain ? i->in[0] : i->out[0];
    const qn_tensor *plain = to_plain ? i->out[0] : i->in[0];
    job j = {qn_tensor_plane(blocked), plain->data, to_plain};
    int64_t grain = (32 << 10) / (j.blocked.w * j.blocked.c);
    qn_parallel_for(x->pool, blocked->dim[0] * j.blocked.h, grain > 0 ? grain : 1,
                    copy_rows, &j);
}
