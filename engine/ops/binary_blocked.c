/* SPDX-License-Identifier: Apache-2.0 */
/* engine/ops/binary_blocked.c - two operands in the blocked layout; see the header. */
#include "engine/ops/binary_blocked.h"

#include "engine/rows8c.h"

#include <string.h>

extern const qn_op qn_op_add, qn_op_mul;

enum { SPREAD = 64 }; /* pixels of one number a channel */

/* [N,C,1,1] beside [N,C,H,W]. */
static bool is_factor(const qn_tensor *z, const qn_tensor *x)
{
    return z->rank == 4 && z->dim[0] == x->dim[0] && z->dim[1] == x->dim[1] &&
           z->dim[2] == 1 && z->dim[3] == 1;
}

/* Which operand has one number for each channel, of a Mul or an Add; -1 for none. */
static int factor(const qn_instr *i)
{
    if ((i->op != &qn_op_mul && i->op != &qn_op_add) ||
        qn_same_shape(i->in[0], i->in[1]))
        return -1;
    if (is_factor(i->in[1], i->in[0])) return 1;
    return is_factor(i->in[0], i->in[1]) ? 0 : -1;
}

bool qn_binary_blocked(const qn_instr *i, qn_blocked *how)
{
    const qn_tensor *a = i->in[0], *b = i->in[1];
    if (!i->out[0] || a->rank != 4 || b->rank != 4 || a->dtype != QUERN_FLOAT ||
        b->dtype != QUERN_FLOAT || i->out[0]->dtype != QUERN_FLOAT ||
        qn_tensor_count(i->out[0]) == 0)
        return false;
    *how = (qn_blocked){.in = 3};
    return qn_same_shape(a, b) || factor(i) >= 0;
}

typedef struct job {
    const qn_kernels *k;
    qn_binary_fn *fn;
    qn_map8c m; /* z: the second operand, or the factor */
} job;

/* Row t of y is there: its activation, and zeros where there is no channel, for these
 * have been divided and the like. */
static void finish_row(const job *j, int64_t t, float *y)
{
    const qn_plane8c *p = &j->m.y;
    const int64_t n = p->w * QN_BLOCK8, real = p->c % QN_BLOCK8;
    if (j->m.act.kind)
        j->k->act_f32(j->m.act.kind, j->m.act.alpha, j->m.act.beta, y, n);
    if (real == 0 || t / p->h % qn_blocks8c(p->c) != p->c / QN_BLOCK8) return;
    for (int64_t i = 0; i < n; i += QN_BLOCK8)
        memset(y + i + real, 0, (size_t)(QN_BLOCK8 - real) * sizeof *y);
}

/* Item: a row of a blocked tensor. */
static void combine_rows(void *ctx, int64_t begin, int64_t end, int worker)
{
    const job *j = ctx;
    int64_t n = j->m.x.w * QN_BLOCK8;
    (void)worker;
    for (int64_t t = begin; t < end; t++) {
        float *y = qn_row8c(&j->m.y, t);
        j->fn(qn_row8c(&j->m.x, t), 1, qn_row8c(&j->m.z, t), 1, y, n);
        finish_row(j, t, y);
    }
}

/* The same with one pixel of z for all of a plane. */
static void combine_pixels(void *ctx, int64_t begin, int64_t end, int worker)
{
    const job *j = ctx;
    const int64_t h = j->m.y.h, n = j->m.y.w * QN_BLOCK8;
    float z[SPREAD * QN_BLOCK8];
    (void)worker;
    for (int64_t t = begin; t < end; t++) {
        float *y = qn_row8c(&j->m.y, t);
        const float *x = qn_row8c(&j->m.x, t);
        for (int i = 0; i < SPREAD && (t == begin || t % h == 0); i++)
            memcpy(z + i * QN_BLOCK8, qn_row8c(&j->m.z, t / h), QN_BLOCK8 * sizeof *z);
        for (int64_t at = 0; at < n; at += SPREAD * QN_BLOCK8)
            j->fn(x + at, 1, z, 1, y + at,
                  n - at < SPREAD * QN_BLOCK8 ? n - at : SPREAD * QN_BLOCK8);
        finish_row(j, t, y);
    }
}

static void scale_task(const void *ctx, const qn_task8c *t)
{
    const job *j = ctx;
    j->k->scale8c_f32(&j->m, t);
}

quern_status qn_binary_blocked_run(const qn_instr *i, const qn_exec *x,
                                   qn_binary_fn *fn)
{
    int f = factor(i);
    job j = {.k = x->k, .fn = fn};
    j.m = (qn_map8c){.x = qn_tensor_plane(i->in[f == 0]),
                     .z = qn_tensor_plane(i->in[f != 0]),
                     .y = qn_tensor_plane(i->out[0]),
                     .act = i->act};
    if (f < 0 || i->op == &qn_op_add)
        qn_parallel_for(x->pool, qn_n_rows8c(&j.m.y, i->out[0]->dim[0]),
                        qn_row8c_grain(&j.m.y), f < 0 ? combine_rows : combine_pixels,
                        &j);
    else
        qn_parallel_blocks8c(x->pool, i->out[0]->dim[0], &j.m.y, scale_task, &j);
    return QUERN_OK;
}
