/* SPDX-License-Identifier: Apache-2.0 */
/* engine/slab.c - where activations lie: lifetimes, in-place results, offsets.
 *
 * Greedy by size: the largest block first, each at the lowest offset that is free
 * during its life (Pisarchyk and Lee 2020, arXiv:2001.03288). */
#include "engine/plan.h"

#include <stdlib.h>

static size_t padded(size_t bytes)
{
    return (bytes + QN_ALIGN - 1) & ~(size_t)(QN_ALIGN - 1);
}

static void note_life(qn_plan *plan)
{
    for (int i = 0; i < plan->n_slots; i++)
        plan->slots[i].first = -1;
    for (int k = 0; k < plan->n_steps; k++) {
        const qn_step *step = &plan->steps[k];
        for (int i = 0; i < step->instr.n_out; i++)
            if (step->instr.out[i] && step->out[i]->place == QN_PLACE_SLAB) {
                qn_slot *s = step->out[i]->root; /* another one for parts of a whole */
                if (s->first < 0) s->first = k;
                s->last = k;
                s->bytes = padded(qn_tensor_bytes(&s->t));
            }
        for (int i = 0; i < step->instr.n_in; i++)
            if (step->in[i] && !(i < 32 && step->instr.op->shape_only >> i & 1))
                step->in[i]->root->last = k;
    }
    for (int i = 0; i < plan->graph->n_outputs; i++)
        plan->outputs[i]->root->last = plan->n_steps;
}

/* May the first output of step k be written over input i? */
static bool can_overwrite(const qn_step *step, int i, int k)
{
    const qn_slot *in = step->in[i], *out = step->out[0];
    if (!in || out->root != out || in->shift || in->t.layout != out->t.layout ||
        in->t.halo != out->t.halo || in->place != QN_PLACE_SLAB || in->root->last != k)
        return false;
    if (in->root->bytes != out->bytes || in->t.dtype != out->t.dtype ||
        !qn_same_shape(&in->t, &out->t))
        return false;
    for (int j = 0; j < step->instr.n_in;
         j++) /* the same memory read in another shape */
        if (step->in[j] && step->in[j]->root == in->root &&
            !qn_same_shape(&step->in[j]->t, &in->t))
            return false;
    return true;
}

static void overwrite_inputs(qn_plan *plan)
{
    for (int k = 0; k < plan->n_steps; k++) {
        qn_step *step = &plan->steps[k];
        if (!(step->instr.op->flags & QN_OP_INPLACE) || step->is_dynamic ||
            step->half || !step->instr.out[0])
            continue;
        for (int i = 0; i < step->instr.n_in; i++)
            if (can_overwrite(step, i, k)) {
                qn_slot *root = step->in[i]->root, *out = step->out[0];
                root->last = out->last;
                /* views of the output follow it to its new root */
                for (int s = 0; s < plan->n_slots; s++)
                    if (plan->slots[s].root == out) plan->slots[s].root = root;
                break;
            }
    }
}

/* A block to be placed: a slot or the scratch of a step. */
typedef struct block {
    size_t bytes, *offset;
    int first, last;
} block;

static int by_size(const void *a, const void *b)
{
    const block *x = a, *y = b;
    if (x->bytes != y->bytes) return x->bytes < y->bytes ? 1 : -1;
    return x->first - y->first;
}

static int by_offset(const void *a, const void *b)
{
    const block *x = *(const block *const *)a, *y = *(const block *const *)b;
    return *x->offset < *y->offset ? -1 : *x->offset > *y->offset;
}

static int gather_blocks(qn_plan *plan, block *blocks)
{
    int n = 0;
    for (int i = 0; i < plan->n_slots; i++) {
        qn_slot *s = &plan->slots[i];
        if (s->place == QN_PLACE_SLAB && s->root == s && s->bytes)
            blocks[n++] = (block){s->bytes, &s->offset, s->first, s->last};
    }
    for (int k = 0; k < plan->n_steps; k++) {
        qn_step *step = &plan->steps[k];
        size_t bytes = padded(step->instr.scratch_bytes);
        if (step->half) bytes += padded(qn_half_scratch(step->half));
        if (bytes) blocks[n++] = (block){bytes, &step->scratch_offset, k, k};
    }
    return n;
}

/* Places block n among the n placed before it; `live` is room for n pointers. */
static quern_status place(block *blocks, int n, const block **live, size_t *slab,
                          quern_error *err)
{
    const block *b = &blocks[n];
    int n_live = 0;
    for (int i = 0; i < n; i++)
        if (blocks[i].first <= b->last && b->first <= blocks[i].last)
            live[n_live++] = &blocks[i];
    if (n_live) qsort(live, (size_t)n_live, sizeof(block *), by_offset);
    size_t at = 0, end;
    for (int i = 0; i < n_live; i++) {
        if (*live[i]->offset >= at && *live[i]->offset - at >= b->bytes) break;
        end = *live[i]->offset + live[i]->bytes;
        if (end > at) at = end;
    }
    if (!qn_size_add(at, b->bytes, &end) || end > (SIZE_MAX >> 1))
        return qn_fail(err, QUERN_LIMIT, "activations take more than %zu bytes", at);
    *b->offset = at;
    if (end > *slab) *slab = end;
    return QUERN_OK;
}

quern_status qn_plan_assign(qn_plan *plan, bool no_reuse, quern_error *err)
{
    note_life(plan);
    if (!no_reuse) overwrite_inputs(plan);
    void *p;
    size_t room = (size_t)plan->n_slots + (size_t)plan->n_steps;
    QN_TRY(qn_arena_array(&plan->arena, room, sizeof(block), &p, err));
    block *blocks = p;
    QN_TRY(qn_arena_array(&plan->arena, room, sizeof(block *), &p, err));
    int n = gather_blocks(plan, blocks);
    plan->unshared_bytes = 0;
    for (int i = 0; i < n; i++)
        if (!qn_size_add(plan->unshared_bytes, blocks[i].bytes, &plan->unshared_bytes))
            plan->unshared_bytes = SIZE_MAX;
    if (no_reuse)
        for (int i = 0; i < n; i++) {
            blocks[i].first = 0;
            blocks[i].last = plan->n_steps;
        }
    if (n) qsort(blocks, (size_t)n, sizeof *blocks, by_size);
    for (int i = 0; i < n; i++)
        QN_TRY(place(blocks, i, p, &plan->slab_bytes, err));
    return QUERN_OK;
}
