/* SPDX-License-Identifier: Apache-2.0 */
/* engine/fuse.c - residual additions move into the step that produces an operand, and
 * upsampling into the step that reads its result.
 *
 * Done on the plan and not on the graph, because only here are shapes known for
 * networks with free dims, and a broadcast must not be mistaken for an addition of
 * equals. */
#include "engine/fuser.h"

#include <string.h>

static void count(qn_fuser *f)
{
    qn_plan *plan = f->plan;
    for (int i = 0; i < plan->n_slots; i++)
        f->made_by[i] = -1;
    for (int k = 0; k < plan->n_steps; k++) {
        const qn_step *step = &plan->steps[k];
        for (int i = 0; i < step->instr.n_in; i++)
            if (step->in[i]) f->n_uses[qn_root_index(f, step->in[i])]++;
        for (int i = 0; i < step->instr.n_out; i++)
            if (step->instr.out[i]) f->made_by[step->out[i] - plan->slots] = k;
    }
    for (int i = 0; i < plan->graph->n_outputs; i++)
        f->n_uses[qn_root_index(f, plan->outputs[i])]++;
}

/* Of rows with a blocked form only that form adds: such a step must run so for sure. */
static bool adds(const qn_step *step)
{
    const qn_op *op = step->instr.op;
    qn_blocked how = {0};
    if (step->is_dynamic || !(op->flags & QN_OP_ADDS)) return false;
    return !op->blocked || (op->blocked(&step->instr, &how) && how.wants);
}

/* Can step k, an addition, move into the producer of its operand i? */
static bool can_move(const qn_fuser *f, int k, int i)
{
    const qn_step *add = &f->plan->steps[k];
    const qn_slot *mine = add->in[i], *other = add->in[1 - i];
    if (mine->root != mine || other->place == QN_PLACE_CONSTANT ||
        f->n_uses[qn_root_index(f, mine)] != 1)
        return false;
    int p = f->made_by[qn_root_index(f, mine)];
    if (p < 0 || f->is_gone[p]) return false;
    const qn_step *producer = &f->plan->steps[p];
    if (!adds(producer) || producer->out[0] != mine || producer->instr.residual ||
        producer->instr.act.kind != QN_ACT_NONE || mine->t.dtype != QUERN_FLOAT)
        return false;
    /* the other operand must be there when the producer runs */
    return f->made_by[qn_root_index(f, other)] < p;
}

static quern_status move(qn_fuser *f, int k, int i, quern_error *err)
{
    qn_step *add = &f->plan->steps[k];
    qn_step *to = &f->plan->steps[f->made_by[qn_root_index(f, add->in[i])]];
    int had = to->instr.n_in, n = had < 3 ? 3 : had; /* behind an absent bias */
    void *in, *slots;
    QN_TRY(
        qn_arena_array(&f->plan->arena, (size_t)n + 1, sizeof *to->instr.in, &in, err));
    QN_TRY(qn_arena_array(&f->plan->arena, (size_t)n + 1, sizeof *to->in, &slots, err));
    memcpy(in, to->instr.in, (size_t)had * sizeof *to->instr.in);
    memcpy(slots, to->in, (size_t)had * sizeof *to->in);
    to->instr.in = in;
    to->in = slots;
    to->in[n] = add->in[1 - i];
    to->instr.in[n] = to->instr.residual = &to->in[n]->t;
    to->instr.n_in = n + 1;
    to->instr.act = add->instr.act;
    to->out[0] = add->out[0];
    to->instr.out[0] = &to->out[0]->t;
    f->made_by[to->out[0] - f->plan->slots] = (int)(to - f->plan->steps);
    f->is_gone[k] = true;
    return QUERN_OK;
}

static bool is_plain_add(const qn_step *step)
{
    return !step->is_dynamic && step->instr.op->name && !step->instr.op->domain &&
           strcmp(step->instr.op->name, "Add") == 0 && step->instr.out[0] &&
           qn_same_shape(&step->in[0]->t, &step->in[1]->t);
}

static void drop_gone(qn_fuser *f)
{
    int kept = 0;
    for (int k = 0; k < f->plan->n_steps; k++)
        if (!f->is_gone[k]) f->plan->steps[kept++] = f->plan->steps[k];
    f->plan->n_steps = kept;
}

quern_status qn_for_steps(qn_plan *plan, qn_fuse_fn *fn, quern_error *err)
{
    qn_arena room;
    void *uses, *made, *gone;
    size_t n = (size_t)plan->n_slots + 1;
    qn_arena_init(&room, plan->arena.mem);
    quern_status status = qn_arena_array(&room, n, sizeof(int), &uses, err);
    if (status == QUERN_OK) status = qn_arena_array(&room, n, sizeof(int), &made, err);
    if (status == QUERN_OK)
        status =
            qn_arena_array(&room, (size_t)plan->n_steps + 1, sizeof(bool), &gone, err);
    if (status == QUERN_OK) {
        qn_fuser f = {plan, uses, made, gone};
        count(&f);
        for (int k = 0; k < plan->n_steps && status == QUERN_OK; k++)
            status = fn(&f, k, err);
        drop_gone(&f);
    }
    qn_arena_done(&room);
    return status;
}

static quern_status fuse_add(qn_fuser *f, int k, quern_error *err)
{
    const qn_step *add = &f->plan->steps[k];
    if (!is_plain_add(add)) return QUERN_OK;
    /* the later producer first: its other operand is there already */
    const int later = f->made_by[qn_root_index(f, add->in[1])] >
                      f->made_by[qn_root_index(f, add->in[0])];
    if (can_move(f, k, later)) return move(f, k, later, err);
    return can_move(f, k, 1 - later) ? move(f, k, 1 - later, err) : QUERN_OK;
}

quern_status qn_plan_fuse_adds(qn_plan *plan, quern_error *err)
{
    return qn_for_steps(plan, fuse_add, err);
}

/* ---- one number a channel ---- */

/* Which operand of an addition is [N,C,1,1] beside [N,C,H,W]; -1: neither is. */
static int find_shift(const qn_step *add)
{
    const qn_tensor *y = add->instr.out[0];
    if (add->is_dynamic || add->instr.op != &qn_op_add || !y || y->rank != 4 ||
        y->dtype != QUERN_FLOAT || add->instr.act.kind != QN_ACT_NONE)
        return -1;
    for (int i = 0; i < 2; i++) {
        const qn_tensor *u = add->instr.in[i];
        if (qn_same_shape(add->instr.in[1 - i], y) && u->rank == 4 &&
            u->dim[0] == y->dim[0] && u->dim[1] == y->dim[1] && u->dim[2] == 1 &&
            u->dim[3] == 1)
            return i;
    }
    return -1;
}

/* Input 0 of a step that shifts by itself is read from before the addition. */
static quern_status fuse_shift(qn_fuser *f, int k, quern_error *err)
{
    qn_step *step = &f->plan->steps[k];
    const qn_op *op = step->instr.op;
    qn_slot *sum = step->in[0];
    qn_blocked how;
    void *in, *slots;
    if (step->is_dynamic || !(op->flags & QN_OP_SHIFTS) || !sum || sum->root != sum ||
        step->instr.residual || f->n_uses[qn_root_index(f, sum)] != 1 || !op->blocked ||
        !op->blocked(&step->instr, &how))
        return QUERN_OK;
    const int p = f->made_by[qn_root_index(f, sum)];
    const qn_step *add = p < 0 ? NULL : &f->plan->steps[p];
    const int i = add && !f->is_gone[p] ? find_shift(add) : -1;
    if (i < 0 || add->in[i]->place != QN_PLACE_SLAB) return QUERN_OK;
    const size_t n = (size_t)step->instr.n_in;
    QN_TRY(qn_arena_array(&f->plan->arena, n + 1, sizeof *step->instr.in, &in, err));
    QN_TRY(qn_arena_array(&f->plan->arena, n + 1, sizeof *step->in, &slots, err));
    memcpy(in, step->instr.in, n * sizeof *step->instr.in);
    memcpy(slots, step->in, n * sizeof *step->in);
    step->instr.in = in;
    step->in = slots;
    step->in[0] = add->in[1 - i];
    step->in[n] = add->in[i];
    step->instr.in[0] = &step->in[0]->t;
    step->instr.in[n] = step->instr.residual = &step->in[n]->t;
    step->instr.n_in++;
    f->is_gone[p] = true;
    return QUERN_OK;
}

quern_status qn_plan_fuse_shifts(qn_plan *plan, quern_error *err)
{
    return qn_for_steps(plan, fuse_shift, err);
}

/* ---- upsampling ---- */

/* Input i of step k is read from before the step that doubles it. */
static void read_halves(qn_fuser *f, int k, int i)
{
    qn_step *step = &f->plan->steps[k];
    qn_slot *from = step->in[i];
    if (!from || from->root != from || from->place != QN_PLACE_SLAB) return;
    const int p = f->made_by[qn_root_index(f, from)];
    if (p < 0) return;
    const qn_step *up = &f->plan->steps[p];
    if (up->is_dynamic || !up->instr.op->doubles || !up->instr.op->doubles(&up->instr))
        return;
    if (step->instr.residual == step->instr.in[i])
        step->instr.residual = up->instr.in[0];
    step->in[i] = up->in[0];
    step->instr.in[i] = up->instr.in[0];
    step->instr.twice |= UINT32_C(1) << i;
    f->is_gone[p] = --f->n_uses[qn_root_index(f, from)] == 0;
}

static quern_status fuse_upsample(qn_fuser *f, int k, quern_error *err)
{
    const qn_instr *instr = &f->plan->steps[k].instr;
    (void)err;
    if (f->plan->steps[k].is_dynamic || !instr->op->halves) return QUERN_OK;
    const uint32_t can = instr->op->halves(instr);
    for (int i = 0; i < instr->n_in && i < 32; i++)
        if (can >> i & 1) read_halves(f, k, i);
    return QUERN_OK;
}

quern_status qn_plan_fuse_upsample(qn_plan *plan, quern_error *err)
{
    return qn_for_steps(plan, fuse_upsample, err);
}
