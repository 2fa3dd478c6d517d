/* SPDX-License-Identifier: Apache-2.0 */
/* engine/ops/conv_norm.c - see conv_norm.h. */
#include "engine/ops/conv_norm.h"

#include "engine/ops/batch_norm_blocked.h"
#include "engine/ops/conv_blocked.h"

typedef struct conv_norm {
    qn_conv_way way;
    qn_ahead8c ahead;
    size_t shifts; /* where they begin, of the scratch's floats */
} conv_norm;

/* Kernels map by bounds only, and zeros must stay zeros where there is no channel. */
static bool is_bounds(const qn_act *act)
{
    return act->kind == QN_ACT_NONE || act->kind == QN_ACT_RELU ||
           (act->kind == QN_ACT_CLIP && act->alpha <= 0 && act->beta >= 0);
}

bool qn_conv_takes_norm(const qn_instr *i, const qn_instr *feeder, const qn_join *how)
{
    qn_conv_way way;
    return how->may_map && feeder->op == &qn_op_batch_normalization &&
           is_bounds(&feeder->act) && qn_conv_blocked_way(i, &way) &&
           way.slot == QN_CONV_DIRECT &&
           (way.c.twice || qn_conv_way_tile(&way, how->tuning) > 0);
}

quern_status qn_conv_norm_prepare(qn_prep *p, quern_error *err)
{
    conv_norm *s;
    qn_prep feeder = *p;
    feeder.instr = p->instr->feeder;
    QN_TRY(qn_prep_state(p, sizeof *s, (void **)&s, err));
    QN_TRY(qn_batch_norm_ahead(&feeder, &s->ahead, err));
    QN_TRY(qn_conv_blocked_prepare_way(p, &s->way, err));
    if (s->way.slot != QN_CONV_WINO)
        return qn_fail(err, QUERN_INVALID, "a normalisation ahead of a direct sum");
    s->shifts = s->way.scratch * (size_t)p->n_workers;
    qn_prep_scratch(p,
                    (s->shifts + qn_batch_norm_shifts(feeder.instr)) * sizeof(float));
    return QUERN_OK;
}

void qn_conv_norm_run(const qn_instr *i, const qn_exec *x)
{
    const conv_norm *s = i->state;
    qn_conv8c c = s->way.c;
    c.ahead = s->ahead;
    qn_batch_norm_set_residual(i->feeder, &c.ahead, (float *)i->scratch + s->shifts);
    c.x = qn_tensor_plane(i->feeder->in[0]);
    c.y = qn_tensor_plane(i->out[0]);
    if (i->residual) c.add = qn_tensor_plane(i->residual);
    qn_conv_way_run(&s->way, &c, i, x);
}
