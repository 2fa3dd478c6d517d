/* SPDX-License-Identifier: Apache-2.0 */
/* engine/linear.c - see linear.h. */
#include "engine/linear.h"

#include <string.h>

static void pack(void *packed, const qn_tensor *weight, const void *ctx)
{
    const qn_linear *l = ctx;
    const qn_panels_source s = {.b = weight->data,
                                .ldb = l->transposed ? l->k : l->n,
                                .k = l->k,
                                .n = l->n,
                                .transposed = l->transposed,
                                .alpha = l->alpha};
    qn_panels_pack(&s, 0, qn_panels(l->n), packed);
}

quern_status qn_linear_pack(qn_prep *p, int i, qn_linear *l, quern_error *err)
{
    const void *packed;
    size_t size, panel = QN_PANEL * sizeof(float);
    uint32_t alpha;
    l->panels = NULL;
    if (p->instr->in[i]->dtype != QUERN_FLOAT || p->k->cblas_sgemm) return QUERN_OK;
    if (l->k == 0 || l->n == 0) return QUERN_OK;
    if (!qn_size_mul((size_t)qn_panels(l->n) * panel, (size_t)l->k, &size))
        return QUERN_OK;
    memcpy(&alpha, &l->alpha, sizeof alpha);
    const uint64_t key = UINT64_C(1) << 48 | (uint64_t)alpha << 1 | l->transposed;
    const qn_packer how = {key, size, pack, l, sizeof *l};
    QN_TRY(qn_prep_pack(p, i, &how, &packed, err));
    l->panels = packed;
    return QUERN_OK;
}

/* An item is a block of rows and panels: what lies in which block has no part in the
 * bits (kernels/panels.h). */
typedef struct work {
    qn_panels_product c;
    const qn_kernels *k;
    int64_t m, rows, panels, down, across; /* block size; blocks each way */
} work;

enum {
    BLOCK_ROWS = 256,
    BLOCK_MACS = 1 << 17, /* worth handing out: two microseconds */
    VECTOR_MACS = 1 << 18,
    BLOCKS = 8, /* for each thread */
    FEW_ROWS = 3
};

static int64_t parts(int64_t n, int64_t most)
{
    return (n + most - 1) / most;
}

/* One thread has blocks of rows alone, which find the next panel fetched; more have
 * several blocks each. */
static void choose_blocks(work *w, int n_threads)
{
    const bool is_vector = w->m <= FEW_ROWS;
    const int64_t n_panels = qn_panels(w->c.n);
    w->rows = parts(w->m, parts(w->m, BLOCK_ROWS));
    w->down = parts(w->m, w->rows);
    const double macs = (double)w->m * (double)w->c.k * (double)w->c.n;
    int64_t blocks = n_threads > 1 ? (int64_t)BLOCKS * n_threads : 1;
    const int64_t worth = (int64_t)(macs / (is_vector ? VECTOR_MACS : BLOCK_MACS));
    blocks = parts(blocks < worth ? blocks : worth + 1, w->down);
    blocks = blocks < n_panels ? blocks : n_panels;
    w->panels = parts(n_panels, blocks);
    if (is_vector) w->panels = (w->panels + 3) / 4 * 4;
    w->across = parts(n_panels, w->panels);
}

static void run_items(void *ctx, int64_t begin, int64_t end, int worker)
{
    const work *w = ctx;
    const int64_t n_panels = qn_panels(w->c.n);
    (void)worker;
    for (int64_t i = begin; i < end; i++) {
        qn_panels_task t = {.i0 = i / w->across * w->rows,
                            .c0 = i % w->across * w->panels};
        t.i1 = t.i0 + w->rows < w->m ? t.i0 + w->rows : w->m;
        t.c1 = t.c0 + w->panels < n_panels ? t.c0 + w->panels : n_panels;
        w->k->panels_f32(&w->c, &t);
    }
}

void qn_linear_run(const qn_linear *l, int64_t m, qn_panels_product c, const qn_exec *x)
{
    if (m == 0) return;
    c.k = l->k;
    c.n = l->n;
    c.b = l->panels;
    work w = {.c = c, .k = x->k, .m = m};
    choose_blocks(&w, qn_pool_size(x->pool));
    qn_parallel_for(x->pool, w.down * w.across, 1, run_items, &w);
}
