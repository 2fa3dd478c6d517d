/* SPDX-License-Identifier: Apache-2.0 */
/* engine/bands.c - steps that take in the one before them: what lies between the two is
 * made piece by piece in scratch and never a whole.  Which steps can, and when it pays,
 * their rows say (takes_feeder). */
#include "engine/layout.h"

#include <string.h>

static bool is_output(const qn_plan *plan, const qn_slot *s)
{
    for (int i = 0; i < plan->graph->n_outputs; i++)
        if (plan->outputs[i]->root == s) return true;
    return false;
}

static int count_reads(const qn_plan *plan, const qn_slot *s)
{
    int n = 0;
    for (int k = 0; k < plan->n_steps; k++)
        for (int i = 0; i < plan->steps[k].instr.n_in; i++)
            if (plan->steps[k].in[i]) n += plan->steps[k].in[i]->root == s;
    return n;
}

/* The one step before k that writes s and nothing else; -1: there is none. */
static int find_maker(const qn_plan *plan, int k, const qn_slot *s)
{
    while (--k >= 0)
        if (plan->steps[k].instr.n_out == 1 && plan->steps[k].out[0] == s) return k;
    return -1;
}

/* Whether a later step may read it, too. */
static bool stays(const qn_slot *s)
{
    return s && (s->place == QN_PLACE_SLAB || s->place == QN_PLACE_INPUT);
}

static int find_feeder(const qn_plan *plan, int k, const qn_join *how)
{
    const qn_step *step = &plan->steps[k];
    const qn_op *op = step->instr.op;
    if (!op->takes_feeder || !step->instr.is_blocked || !step->in[0]) return -1;
    const qn_slot *between = step->in[0];
    if (between->root != between || between->place != QN_PLACE_SLAB ||
        is_output(plan, between) || count_reads(plan, between) != 1)
        return -1;
    const int maker = find_maker(plan, k, between);
    if (maker < 0) return -1;
    const qn_step *feeder = &plan->steps[maker];
    const bool can = feeder->instr.is_blocked && !feeder->half &&
                     (feeder->instr.feeder || stays(feeder->in[0])) &&
                     op->takes_feeder(&step->instr, &feeder->instr, how);
    return can ? maker : -1;
}

static quern_status join(qn_plan *plan, qn_step *step, const qn_step *feeder,
                         quern_error *err)
{
    void *copy, *in, *slots;
    const size_t n = (size_t)step->instr.n_in, all = n + (size_t)feeder->instr.n_in;
    QN_TRY(qn_arena_alloc(&plan->arena, sizeof(qn_instr), &copy, err));
    QN_TRY(qn_arena_array(&plan->arena, all, sizeof *step->instr.in, &in, err));
    QN_TRY(qn_arena_array(&plan->arena, all, sizeof *step->in, &slots, err));
    memcpy(in, step->instr.in, n * sizeof *step->instr.in);
    memcpy(slots, step->in, n * sizeof *step->in);
    step->in[0]->place = QN_PLACE_UNUSED;
    step->instr.in = in;
    step->in = slots;
    memcpy(step->in + n, feeder->in, (all - n) * sizeof *step->in);
    memcpy(step->instr.in + n, feeder->instr.in, (all - n) * sizeof *step->instr.in);
    step->instr.n_in = (int)all;
    *(qn_instr *)copy = feeder->instr;
    step->instr.feeder = copy;
    return QUERN_OK;
}

static void drop(qn_plan *plan, int k)
{
    const size_t behind = (size_t)(plan->n_steps - k - 1);
    memmove(plan->steps + k, plan->steps + k + 1, behind * sizeof *plan->steps);
    plan->n_steps--;
}

quern_status qn_plan_join_bands(qn_plan *plan, const qn_join *how, quern_error *err)
{
    for (int k = 0; k < plan->n_steps; k++) {
        const int feeder = find_feeder(plan, k, how);
        if (feeder < 0) continue;
        QN_TRY(join(plan, &plan->steps[k], &plan->steps[feeder], err));
        drop(plan, feeder);
        k--;
    }
    return QUERN_OK;
}
