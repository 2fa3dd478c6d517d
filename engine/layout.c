/* SPDX-License-Identifier: Apache-2.0 */
/* engine/layout.c - which values of a plan lie blocked (QN_NCHW8C), and the reorders
 * where blocked and plain steps meet.
 *
 * One forward sweep decides (a step is blocked if it wants to be, if it can and an
 * operand already is, or if it stands where the two meet and the next wants it), one
 * collects the halos that readers need, one finds the concatenations that can be
 * written in place, one rebuilds the list of steps with the reorders in it. */
#include "engine/layout.h"

#include <string.h>

extern const qn_op qn_op_reorder;

typedef struct layouter {
    qn_plan *plan;
    qn_slot **twin;    /* by slot: the same value in the other layout, or NULL */
    int *halo;         /* by slot: needed by those who read it blocked */
    uint8_t *is_fixed; /* by slot: belongs to a concatenation already */
    qn_step *steps;    /* the new list */
    int n_steps;
} layouter;

static size_t index_of(const layouter *l, const qn_slot *s)
{
    return (size_t)(s - l->plan->slots);
}

static bool has(uint32_t set, int i)
{
    return i < 32 && (set >> i & 1);
}

static bool is_blocked(const qn_slot *s)
{
    return s->root->t.layout == QN_NCHW8C && s->t.layout == QN_NCHW8C;
}

/* A view of blocked memory is no blocked value itself: it wants the plain twin. */
static bool views_blocked(const qn_slot *s)
{
    return s->root != s && s->root->t.layout == QN_NCHW8C && s->t.layout == QN_PLAIN;
}

/* ---- decide ---- */

static bool follows(const qn_step *step)
{
    for (int i = 0; i < step->instr.n_in; i++)
        if (has(step->how.in, i) && step->in[i] && is_blocked(step->in[i])) return true;
    return false;
}

enum { LOOK_AHEAD = 4 }; /* steps in a row that only follow */

/* Would those behind step k read its result blocked, if it were? */
static bool is_wanted(const layouter *l, int k, int depth)
{
    const qn_slot *y = l->plan->steps[k].out[0];
    for (int j = k + 1; y && j < l->plan->n_steps; j++) {
        const qn_step *step = &l->plan->steps[j];
        for (int i = 0; step->can_block && i < step->instr.n_in; i++) {
            if (step->in[i] != y || !has(step->how.in, i)) continue;
            if (step->how.wants || follows(step)) return true;
            if (depth < LOOK_AHEAD && !has(step->how.plain_out, 0) &&
                is_wanted(l, j, depth + 1))
                return true;
        }
    }
    return false;
}

static void decide(layouter *l)
{
    for (int k = 0; k < l->plan->n_steps; k++) {
        qn_step *step = &l->plan->steps[k];
        const qn_op *op = step->instr.op;
        step->can_block =
            !step->is_dynamic && op->blocked && op->blocked(&step->instr, &step->how);
    }
    for (int k = 0; k < l->plan->n_steps; k++) {
        qn_step *step = &l->plan->steps[k];
        const qn_blocked *how = &step->how;
        step->instr.is_blocked =
            step->can_block &&
            (how->wants || follows(step) || (how->brings && is_wanted(l, k, 0)));
        if (!step->instr.is_blocked) continue;
        for (int i = 0; i < step->instr.n_out; i++)
            if (step->instr.out[i] && !has(how->plain_out, i))
                step->out[i]->t.layout = QN_NCHW8C;
    }
}

static void collect_halos(layouter *l)
{
    for (int k = 0; k < l->plan->n_steps; k++) {
        const qn_step *step = &l->plan->steps[k];
        const int i = step->how.halo_in;
        if (!step->instr.is_blocked || !has(step->how.in, i) || !step->in[i]) continue;
        int *halo = &l->halo[index_of(l, step->in[i])];
        if (step->how.halo > *halo) *halo = step->how.halo;
    }
}

/* ---- concatenations in place ---- */

static bool is_channel_concat(const qn_step *step)
{
    return step->instr.is_blocked && !step->instr.op->domain &&
           strcmp(step->instr.op->name, "Concat") == 0;
}

static bool is_output(const layouter *l, const qn_slot *s)
{
    for (int i = 0; i < l->plan->graph->n_outputs; i++)
        if (l->plan->outputs[i]->root == s) return true;
    return false;
}

static size_t channel_shift(const qn_slot *whole, int64_t c)
{
    return (size_t)(c / QN_BLOCK8 * qn_tensor_plane(&whole->t).plane) * sizeof(float);
}

/* Slot p, and what lies in its memory, becomes a piece of whole's memory. */
static void embed(layouter *l, qn_slot *p, qn_slot *whole, size_t shift)
{
    int64_t image = qn_tensor_plane(&whole->t).image;
    l->halo[index_of(l, p)] = l->halo[index_of(l, whole)];
    l->is_fixed[index_of(l, p)] = 1;
    for (int i = 0; i < l->plan->n_slots; i++) {
        qn_slot *s = &l->plan->slots[i];
        if (s->root != p) continue;
        s->root = whole->root;
        s->shift += whole->shift + shift;
        s->t.image = image;
        s->t.halo = whole->t.halo;
    }
}

/* Views in plain layout, and results, must keep memory of their own. */
static bool is_free(const layouter *l, const qn_slot *p)
{
    if (p->root != p || p->place != QN_PLACE_SLAB || !is_blocked(p) ||
        is_output(l, p) || l->is_fixed[index_of(l, p)])
        return false;
    for (int i = 0; i < l->plan->n_slots; i++)
        if (l->plan->slots[i].root == p && views_blocked(&l->plan->slots[i]))
            return false;
    return true;
}

static bool can_embed(const layouter *l, const qn_slot *p, const qn_slot *whole,
                      int64_t channel)
{
    if (p == whole || p->t.dim[1] % QN_BLOCK8 || channel % QN_BLOCK8 || !is_free(l, p))
        return false;
    return !l->is_fixed[index_of(l, whole)] ||
           l->halo[index_of(l, p)] <= l->halo[index_of(l, whole)];
}

/* The parts are pieces of a larger whole already, one behind the other: so is this. */
static bool alias_pieces(layouter *l, const qn_step *step)
{
    qn_slot *whole = step->out[0];
    const qn_slot *first = step->in[0];
    size_t at = first->shift;
    if (!is_free(l, whole) || !l->is_fixed[index_of(l, first)] ||
        l->halo[index_of(l, whole)] > l->halo[index_of(l, first)])
        return false;
    for (int i = 0; i < step->instr.n_in; i++) {
        const qn_slot *p = step->in[i];
        if (p->root != first->root || p->shift != at || !is_blocked(p) ||
            p->t.dim[1] % QN_BLOCK8)
            return false;
        at += channel_shift(first, p->t.dim[1]);
    }
    embed(l, whole, first->root, first->shift);
    return true;
}

static void embed_parts(layouter *l, const qn_step *step)
{
    qn_slot *whole = step->out[0];
    int *halo = &l->halo[index_of(l, whole)];
    int64_t c = 0;
    if (alias_pieces(l, step)) return;
    for (int i = 0; i < step->instr.n_in; i++) {
        int need = l->halo[index_of(l, step->in[i])];
        if (can_embed(l, step->in[i], whole, c) && need > *halo) *halo = need;
        c += step->in[i]->t.dim[1];
    }
    whole->t.halo = (uint8_t)*halo;
    c = 0;
    for (int i = 0; i < step->instr.n_in; i++) {
        qn_slot *p = step->in[i];
        if (can_embed(l, p, whole, c)) embed(l, p, whole, channel_shift(whole, c));
        c += p->t.dim[1];
    }
}

/* From the last to the first, so that the largest whole of nested ones comes first. */
static void embed_all(layouter *l)
{
    for (int k = l->plan->n_steps - 1; k >= 0; k--)
        if (is_channel_concat(&l->plan->steps[k])) embed_parts(l, &l->plan->steps[k]);
    for (int i = 0; i < l->plan->n_slots; i++)
        if (l->plan->slots[i].t.layout == QN_NCHW8C)
            l->plan->slots[i].t.halo = (uint8_t)l->halo[i];
}

/* ---- reorders ---- */

static quern_status emit_reorder(layouter *l, qn_slot *from, qn_slot *to,
                                 quern_error *err)
{
    qn_arena *a = &l->plan->arena;
    void *node, *in, *out, *in_slot, *out_slot;
    QN_TRY(qn_arena_alloc(a, sizeof(qn_node), &node, err));
    QN_TRY(qn_arena_array(a, 1, sizeof(qn_tensor *), &in, err));
    QN_TRY(qn_arena_array(a, 1, sizeof(qn_tensor *), &out, err));
    QN_TRY(qn_arena_array(a, 1, sizeof(qn_slot *), &in_slot, err));
    QN_TRY(qn_arena_array(a, 1, sizeof(qn_slot *), &out_slot, err));
    *(qn_node *)node = (qn_node){.op = &qn_op_reorder,
                                 .op_type = qn_op_reorder.name,
                                 .name = "layout",
                                 .domain = qn_op_reorder.domain,
                                 .overload = ""};
    qn_step *step = &l->steps[l->n_steps++];
    *step = (qn_step){.in = in_slot, .out = out_slot};
    step->in[0] = from;
    step->out[0] = to;
    step->instr = (qn_instr){.op = &qn_op_reorder,
                             .node = node,
                             .in = in,
                             .out = out,
                             .n_in = 1,
                             .n_out = 1,
                             .is_blocked = true};
    step->instr.in[0] = &from->t;
    step->instr.out[0] = &to->t;
    l->plan->n_reorders++;
    return QUERN_OK;
}

/* The same value in the other layout, made on first demand. */
static quern_status twin_of(layouter *l, qn_slot *s, qn_layout layout, int halo,
                            qn_slot **out, quern_error *err)
{
    qn_slot **twin = &l->twin[index_of(l, s)];
    if (!*twin) {
        qn_slot *t = &l->plan->slots[l->plan->n_slots++];
        t->t = s->t;
        t->t.data = NULL;
        t->t.image = 0;
        t->t.layout = (uint8_t)layout;
        t->t.halo = (uint8_t)halo;
        t->root = t;
        t->place = QN_PLACE_SLAB;
        t->is_known = true;
        QN_TRY(emit_reorder(l, s, t, err));
        *twin = t;
    }
    *out = *twin;
    return QUERN_OK;
}

/* The slot to read a value from in plain layout. */
static quern_status plain_of(layouter *l, qn_slot *s, qn_slot **out, quern_error *err)
{
    *out = s;
    if (is_blocked(s)) return twin_of(l, s, QN_PLAIN, 0, out, err);
    if (!views_blocked(s)) return QUERN_OK;
    qn_slot *twin;
    QN_TRY(twin_of(l, s->root, QN_PLAIN, 0, &twin, err));
    s->root = twin;
    return QUERN_OK;
}

static quern_status blocked_of(layouter *l, qn_slot *s, qn_slot **out, quern_error *err)
{
    *out = s;
    if (is_blocked(s)) return QUERN_OK;
    int halo = l->halo[index_of(l, s)];
    QN_TRY(plain_of(l, s, &s, err));
    return twin_of(l, s, QN_NCHW8C, halo, out, err);
}

static quern_status connect(layouter *l, qn_step *step, quern_error *err)
{
    for (int i = 0; i < step->instr.n_in; i++) {
        qn_slot *s = step->in[i], *from;
        if (!s || s->t.kind != QN_TENSOR || has(step->instr.op->shape_only, i))
            continue;
        bool blocked = step->instr.is_blocked && has(step->how.in, i);
        QN_TRY(blocked ? blocked_of(l, s, &from, err) : plain_of(l, s, &from, err));
        if (step->instr.residual == step->instr.in[i]) step->instr.residual = &from->t;
        if (step->instr.gate == step->instr.in[i]) step->instr.gate = &from->t;
        step->in[i] = from;
        step->instr.in[i] = &from->t;
    }
    return QUERN_OK;
}

static quern_status rebuild(layouter *l, quern_error *err)
{
    qn_plan *plan = l->plan;
    void *p;
    size_t most = (size_t)plan->n_steps;
    for (int k = 0; k < plan->n_steps; k++)
        if (plan->steps[k].instr.is_blocked)
            most += (size_t)(plan->steps[k].instr.n_in + plan->steps[k].instr.n_out);
    QN_TRY(qn_arena_array(&plan->arena, most + 1, sizeof(qn_step), &p, err));
    l->steps = p;
    for (int k = 0; k < plan->n_steps; k++) {
        qn_step step = plan->steps[k];
        QN_TRY(connect(l, &step, err));
        l->steps[l->n_steps++] = step;
    }
    for (int i = 0; i < plan->graph->n_outputs; i++)
        QN_TRY(plain_of(l, plan->outputs[i], &plan->outputs[i], err));
    plan->steps = l->steps;
    plan->n_steps = l->n_steps;
    return QUERN_OK;
}

quern_status qn_plan_layout(qn_plan *plan, quern_error *err)
{
    layouter l = {.plan = plan};
    qn_arena room;
    void *twin, *halo, *fixed;
    decide(&l);
    bool any = false;
    for (int k = 0; k < plan->n_steps; k++)
        any = any || plan->steps[k].instr.is_blocked;
    if (!any) return QUERN_OK;
    qn_arena_init(&room, plan->arena.mem);
    size_t n = (size_t)plan->cap_slots + 1;
    quern_status status = qn_arena_array(&room, n, sizeof(void *), &twin, err);
    if (status == QUERN_OK) status = qn_arena_array(&room, n, sizeof(int), &halo, err);
    if (status == QUERN_OK) status = qn_arena_array(&room, n, 1, &fixed, err);
    if (status == QUERN_OK) {
        l.twin = twin;
        l.halo = halo;
        l.is_fixed = fixed;
        collect_halos(&l);
        embed_all(&l);
        status = rebuild(&l, err);
    }
    qn_arena_done(&room);
    return status;
}
