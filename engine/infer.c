/* SPDX-License-Identifier: Apache-2.0 */
/* engine/infer.c - shape functions that many rows share, and what follows from shapes.
 */
#include "engine/op.h"

quern_status qn_infer_need(const qn_infer *x, int i)
{
    return x->in[i]->data ? QUERN_OK : QN_DEFER;
}

quern_status qn_infer_same(const qn_infer *x, quern_error *err)
{
    (void)err;
    if (x->out[0]) qn_copy_shape(x->out[0], x->in[0]);
    return QUERN_OK;
}

quern_status qn_broadcast_shape(qn_tensor *acc, const qn_tensor *b, quern_error *err)
{
    qn_tensor a = *acc;
    int rank = a.rank > b->rank ? a.rank : b->rank;
    acc->rank = rank;
    for (int i = 1; i <= rank; i++) {
        int64_t da = i <= a.rank ? a.dim[a.rank - i] : 1;
        int64_t db = i <= b->rank ? b->dim[b->rank - i] : 1;
        if (da != db && da != 1 && db != 1)
            return qn_fail(err, QUERN_SHAPE, "shapes %s and %s do not broadcast",
                           QN_SHAPE(&a), QN_SHAPE(b));
        acc->dim[rank - i] = da == 1 ? db : da;
    }
    return QUERN_OK;
}

quern_status qn_infer_broadcast(const qn_infer *x, quern_error *err)
{
    qn_tensor acc = {.rank = 0};
    for (int i = 0; i < x->n_in; i++)
        if (x->in[i]) QN_TRY(qn_broadcast_shape(&acc, x->in[i], err));
    if (x->out[0]) qn_copy_shape(x->out[0], &acc);
    return QUERN_OK;
}

double qn_instr_macs(const qn_instr *instr)
{
    const qn_infer shapes = {.node = instr->node,
                             .params = instr->params,
                             .n_in = instr->node->n_in - instr->node->n_captures,
                             .n_out = instr->node->n_out,
                             .in = instr->in,
                             .out = instr->out};
    return (instr->op->macs ? instr->op->macs(&shapes) : 0) +
           (instr->feeder ? qn_instr_macs(instr->feeder) : 0);
}
