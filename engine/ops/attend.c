/* SPDX-License-Identifier: Apache-2.0 */
/* engine/ops/attend.c - see attend.h.  A block of query rows of one head is a work
 * item: product, softmax, product, on scores that stay in the worker's part of scratch
 * and in its cache; the matrix of all scores never is.  Cuts depend on the shapes
 * alone. */
#include "engine/ops/attend.h"

#include "engine/product.h"
#include "kernels/elementwise.h"
#include "kernels/softmax.h"

enum { SCORES = 64 << 10, FEWEST_ROWS = 32 }; /* a block has about so many scores */

typedef struct attend_job {
    const qn_attend *p;
    const qn_kernels *kernels;
    const float *q, *k, *v, *bias;
    float *y;
    char *room;
    int64_t block;
} attend_job;

static int64_t block_rows(const qn_attend *p)
{
    int64_t n = p->keys ? SCORES / p->keys : p->rows;
    if (n < FEWEST_ROWS) n = FEWEST_ROWS;
    if (n >= p->rows) return p->rows;
    const int64_t blocks = (p->rows + n - 1) / n;
    return (p->rows + blocks - 1) / blocks;
}

static bool room_bytes(const qn_attend *p, size_t *bytes)
{
    if (!qn_size_mul((size_t)block_rows(p), (size_t)p->keys, bytes) ||
        !qn_size_mul(*bytes, sizeof(float), bytes) || !qn_size_add(*bytes, 63, bytes))
        return false;
    *bytes -= *bytes % 64;
    return true;
}

static const float *place(const float *base, const qn_attend_side *s,
                          const int64_t b[2])
{
    return base + s->at + b[0] * s->batch[0] + b[1] * s->batch[1];
}

/* Scores of rows [i, i + m), turned into shares of one. */
static void score(const attend_job *j, const int64_t b[2], int64_t i, int64_t m,
                  float *s)
{
    const qn_attend *p = j->p;
    qn_gemm g = qn_gemm_dense(QUERN_FLOAT, false, p->k.col != 1, m, p->keys, p->size);
    g.lda = p->q.row;
    g.ldb = g.tb ? p->k.col : p->k.row;
    g.alpha = p->scale;
    g.a = place(j->q, &p->q, b) + i * p->q.row;
    g.b = place(j->k, &p->k, b);
    g.c = s;
    qn_gemm_run(&g, j->kernels, NULL);
    if (j->bias) {
        qn_binary_fn *add = qn_binary(QN_BINARY_add, QN_E_F32);
        const float *bias = place(j->bias, &p->bias, b) + i * p->bias.row;
        for (int64_t r = 0; r < m; r++) {
            float *row = s + r * p->keys;
            add(row, 1, bias + r * p->bias.row, p->bias.col, row, p->keys);
        }
    }
    j->kernels->softmax_f32(QN_SOFTMAX, p->keys, 1, s, s, 0, m);
}

static void attend_items(void *ctx, int64_t begin, int64_t end, int worker)
{
    const attend_job *j = ctx;
    const qn_attend *p = j->p;
    const int64_t blocks = (p->rows + j->block - 1) / j->block;
    size_t bytes = 0;
    room_bytes(p, &bytes);
    float *s = (float *)(j->room + (size_t)worker * bytes);
    for (int64_t item = begin; item < end; item++) {
        const int64_t i = item % blocks * j->block, head = item / blocks;
        const int64_t b[2] = {head / p->n[1], head % p->n[1]};
        const int64_t m = p->rows - i < j->block ? p->rows - i : j->block;
        score(j, b, i, m, s);
        qn_gemm g =
            qn_gemm_dense(QUERN_FLOAT, false, p->v.col != 1, m, p->width, p->keys);
        g.ldb = g.tb ? p->v.col : p->v.row;
        g.ldc = p->y.row;
        g.alpha = p->gain;
        g.a = s;
        g.b = place(j->v, &p->v, b);
        g.c = (float *)(uintptr_t)place(j->y, &p->y, b) + i * p->y.row;
        qn_gemm_run(&g, j->kernels, NULL);
    }
}

static quern_status attend_prepare(qn_prep *prep, quern_error *err)
{
    const qn_attend *p = prep->instr->params;
    size_t bytes;
    if (!room_bytes(p, &bytes) || !qn_size_mul(bytes, (size_t)prep->n_workers, &bytes))
        return qn_fail(err, QUERN_LIMIT, "%lld keys are too many", (long long)p->keys);
    qn_prep_scratch(prep, bytes);
    return QUERN_OK;
}

static quern_status attend_run(const qn_instr *i, const qn_exec *x, quern_error *err)
{
    const qn_attend *p = i->params;
    const qn_tensor *bias = i->in[QN_ATTEND_BIAS];
    (void)err;
    attend_job j = {.p = p,
                    .kernels = x->k,
                    .q = i->in[QN_ATTEND_Q]->data,
                    .k = i->in[QN_ATTEND_K]->data,
                    .v = i->in[QN_ATTEND_V]->data,
                    .bias = bias ? bias->data : NULL,
                    .y = i->out[0]->data,
                    .room = i->scratch,
                    .block = block_rows(p)};
    if (j.block == 0) return QUERN_OK;
    const int64_t blocks = (p->rows + j.block - 1) / j.block;
    qn_parallel_for(x->pool, p->n[0] * p->n[1] * blocks, 1, attend_items, &j);
    return QUERN_OK;
}

/* A file that names this row has no plan behind it. */
static quern_status attend_check(const qn_node *node, quern_error *err)
{
    (void)node;
    return qn_fail(err, QUERN_INVALID,
                   "Attend is made while a network is planned; files say Attention");
}

static double attend_macs(const qn_infer *x)
{
    const qn_attend *p = x->params;
    return (double)p->n[0] * (double)p->n[1] * (double)p->rows * (double)p->keys *
           (double)(p->size + p->width);
}

const qn_op qn_op_attend = {
    .name = "Attend",
    .domain = "quern",
    .since = 1,
    .min_in = QN_ATTEND_INPUTS,
    .max_in = QN_ATTEND_INPUTS,
    .types = {QN_T_F32},
    .check = attend_check,
    .infer = qn_infer_same,
    .prepare = attend_prepare,
    .run = attend_run,
    .macs = attend_macs,
};
