/* SPDX-License-Identifier: Apache-2.0 */
/* bench/walk.c - see walk.h; extraction is in extract.c. */
#include "bench/walk.h"

#include "engine/session.h"

static double bytes_of(const qn_tensor *t)
{
    return t && t->kind == QN_TENSOR ? (double)qn_tensor_bytes(t) : 0;
}

bool qn_walk_at(const quern_session *session, int i, qn_walk_step *step)
{
    const qn_plan *plan = session->main ? session->main->plans : NULL;
    if (!plan || i >= plan->n_steps) return false;
    const qn_instr *instr = &plan->steps[i].instr;
    *step = (qn_walk_step){.instr = instr, .op = instr->op->name};
    qn_node_label(step->label, instr->node);
    for (int k = 0; k < instr->n_in; k++)
        step->bytes += bytes_of(instr->in[k]);
    for (int k = 0; k < instr->n_out; k++)
        step->bytes += bytes_of(instr->out[k]);
    if (!plan->steps[i].is_dynamic) step->flops = 2 * qn_instr_macs(instr);
    return true;
}
