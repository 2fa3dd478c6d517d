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

/* Input n of a step, behind those that it has, is that slot. */
static quern_status add_input(qn_plan *plan, qn_step *step, int n, qn_slot *slot,
                              quern_error *err)
{
    void *in, *slots;
    const size_t had = (size_t)step->instr.n_in, all = (size_t)n + 1;
    QN_TRY(qn_arena_array(&plan->arena, all, sizeof *step->instr.in, &in, err));
    QN_TRY(qn_arena_array(&plan->arena, all, sizeof *step->in, &slots, err));
    memcpy(in, step->instr.in, had * sizeof *step->instr.in);
    memcpy(slots, step->in, had * sizeof *step->in);
    step->instr.in = in;
    step->in = slots;
    step->in[n] = slot;
    step->instr.in[n] = &slot->t;
    step->instr.n_in = n + 1;
    return QUERN_OK;
}

/* Behind an absent bias, too. */
static int next_input(const qn_step *step)
{
    return step->instr.n_in < 3 ? 3 : step->instr.n_in;
}

static quern_status move(qn_fuser *f, int k, int i, quern_error *err)
{
    qn_step *add = &f->plan->steps[k];
    qn_step *to = &f->plan->steps[f->made_by[qn_root_index(f, add->in[i])]];
    const int n = next_input(to);
    QN_TRY(add_input(f->plan, to, n, add->in[1 - i], err));
    to->instr.residual = to->instr.in[n];
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

/* Which operand of an Add or Mul is [N,C,1,1] beside [N,C,H,W]; -1: neither is. */
static int find_spread(const qn_step *step, const qn_op *op)
{
    const qn_tensor *y = step->instr.out[0];
    if (step->is_dynamic || step->instr.op != op || !y || y->rank != 4 ||
        y->dtype != QUERN_FLOAT || step->instr.act.kind != QN_ACT_NONE)
        return -1;
    for (int i = 0; i < 2; i++) {
        const qn_tensor *u = step->instr.in[i];
        if (qn_same_shape(step->instr.in[1 - i], y) && u->rank == 4 &&
            u->dim[0] == y->dim[0] && u->dim[1] == y->dim[1] && u->dim[2] == 1 &&
            u->dim[3] == 1)
            return step->in[i]->place == QN_PLACE_SLAB ? i : -1;
    }
    return -1;
}

/* The step of that row that alone makes what only step k reads as its input 0, one
 * number a channel taken into account; *i: which operand has those.  Else NULL. */
static qn_step *find_spreader(const qn_fuser *f, int k, const qn_op *op, int *i)
{
    const qn_slot *x = f->plan->steps[k].in[0];
    if (!x || x->root != x || f->n_uses[qn_root_index(f, x)] != 1) return NULL;
    const int p = f->made_by[qn_root_index(f, x)];
    if (p < 0 || f->is_gone[p]) return NULL;
    *i = find_spread(&f->plan->steps[p], op);
    return *i < 0 ? NULL : &f->plan->steps[p];
}

/* Step k reads from before the step that spreads its operand i, which is input n. */
static quern_status take_spread(qn_fuser *f, int k, qn_step *from, int i, int n,
                                quern_error *err)
{
    qn_step *step = &f->plan->steps[k];
    QN_TRY(add_input(f->plan, step, n, from->in[i], err));
    step->in[0] = from->in[1 - i];
    step->instr.in[0] = &step->in[0]->t;
    f->is_gone[from - f->plan->steps] = true;
    return QUERN_OK;
}

static quern_status fuse_shift(qn_fuser *f, int k, quern_error *err)
{
    qn_step *step = &f->plan->steps[k];
    const qn_op *op = step->instr.op;
    qn_blocked how;
    int i;
    if (step->is_dynamic || !(op->flags & QN_OP_SHIFTS) || step->instr.residual ||
        !op->blocked || !op->blocked(&step->instr, &how))
        return QUERN_OK;
    qn_step *add = find_spreader(f, k, &qn_op_add, &i);
    if (!add) return QUERN_OK;
    const int n = step->instr.n_in;
    QN_TRY(take_spread(f, k, add, i, n, err));
    step->instr.residual = step->instr.in[n];
    return QUERN_OK;
}

quern_status qn_plan_fuse_shifts(qn_plan *plan, quern_error *err)
{
    return qn_for_steps(plan, fuse_shift, err);
}

static quern_status fuse_gate(qn_fuser *f, int k, quern_error *err)
{
    qn_step *step = &f->plan->steps[k];
    int i;
    if (step->is_dynamic || !step->instr.op->gates) return QUERN_OK;
    qn_step *mul = find_spreader(f, k, &qn_op_mul, &i);
    if (!mul || !step->instr.op->gates(&step->instr)) return QUERN_OK;
    const int n = next_input(step);
    QN_TRY(take_spread(f, k, mul, i, n, err));
    step->instr.gate = step->instr.in[n];
    return QUERN_OK;
}

quern_status qn_plan_fuse_gates(qn_plan *plan, quern_error *err)
{
    return qn_for_steps(plan, fuse_gate, err);
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
