/* SPDX-License-Identifier: Apache-2.0 */
/* engine/ops/resize_blocked.c - Resize in the blocked layout (kernels/blocked.h). */
#include "engine/ops/resize_blocked.h"

#include "engine/ops/resize_state.h"
#include "engine/rows8c.h"

bool qn_resize_doubles(const qn_instr *i)
{
    qn_resize_state s;
    const qn_tensor *x = i->in[0];
    if (x->rank != 4 || x->dtype != QUERN_FLOAT || !i->out[0] ||
        qn_tensor_count(x) == 0 ||
        qn_resize_setup(i->params, i->in, i->n_in, &s, NULL) != QUERN_OK ||
        s.how.mode != QN_NEAREST || s.active[0] || s.active[1])
        return false;
    for (int d = 2; d < 4; d++)
        if (s.axis[d].scale != 2 || s.axis[d].out != 2 * s.axis[d].in) return false;
    /* Outputs 2k and 2k + 1 lie at k and k + 1/2, or at k -+ 1/4. */
    if (s.how.coord == QN_ASYMMETRIC)
        return s.how.round == QN_FLOOR || s.how.round == QN_ROUND_PREFER_FLOOR;
    return s.how.coord == QN_HALF_PIXEL && s.how.round != QN_FLOOR &&
           s.how.round != QN_CEIL;
}

struct qn_resize_blocked {
    int32_t *at[2][2]; /* [rows, columns][first, second] input of each output */
    float *mix[2];     /* weight of the second; NULL: one tap */
};

static quern_status make_axis(qn_arena *arena, const qn_resize_axis *a,
                              qn_resize_blocked *t, int d, quern_error *err)
{
    void *first, *second, *mix;
    size_t n = (size_t)a->out;
    QN_TRY(qn_arena_array(arena, n, sizeof(int32_t), &first, err));
    QN_TRY(qn_arena_array(arena, n, sizeof(int32_t), &second, err));
    QN_TRY(qn_arena_array(arena, n, sizeof(float), &mix, err));
    t->at[d][0] = first;
    t->at[d][1] = second;
    t->mix[d] = a->taps > 1 ? mix : NULL;
    for (int64_t i = 0; i < a->out; i++) {
        const int64_t *index = a->index + i * a->taps;
        t->at[d][0][i] = t->at[d][1][i] = (int32_t)index[0];
        if (a->taps < 2) continue;
        t->at[d][1][i] = (int32_t)index[1];
        t->mix[d][i] = (float)a->coef[i * a->taps + 1];
    }
    return QUERN_OK;
}

quern_status qn_resize_blocked_make(qn_prep *p, const qn_resize_axis *axis,
                                    qn_resize_blocked **out, quern_error *err)
{
    void *room;
    QN_TRY(qn_arena_alloc(p->arena, sizeof(qn_resize_blocked), &room, err));
    *out = room;
    for (int d = 0; d < 2; d++)
        QN_TRY(make_axis(p->arena, &axis[2 + d], *out, d, err));
    return QUERN_OK;
}

typedef struct job {
    const qn_kernels *k;
    qn_resize8c r;
} job;

static void run_task(const void *ctx, const qn_task8c *t)
{
    const job *j = ctx;
    j->k->resize8c_f32(&j->r, t);
}

quern_status qn_resize_blocked_run(const qn_instr *i, const qn_exec *x,
                                   const qn_resize_blocked *tables)
{
    job j = {.k = x->k};
    j.r = (qn_resize8c){.x = qn_tensor_plane(i->in[0]),
                        .y = qn_tensor_plane(i->out[0]),
                        .row0 = tables->at[0][0],
                        .row1 = tables->at[0][1],
                        .col0 = tables->at[1][0],
                        .col1 = tables->at[1][1],
                        .row_mix = tables->mix[0],
                        .col_mix = tables->mix[1]};
    qn_parallel_blocks8c(x->pool, i->in[0]->dim[0], &j.r.y, run_task, &j);
    return QUERN_OK;
}
