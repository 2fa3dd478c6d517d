/* SPDX-License-Identifier: Apache-2.0 */
/* engine/fuse_attention.c - attention as exporters write it, a product, a softmax and a
 * product, becomes one step (engine/ops/attend.c) that never has all scores at once.
 *
 * Around the three stand copies: slices and transpositions that cut heads out of one
 * projection, a factor, a transposition of the result.  Each says which elements of its
 * operand it copies (qn_op.places), so the step can read and write those in place: an
 * operand is followed back as long as its index still maps onto fixed strides. */
#include "engine/fuser.h"
#include "engine/ops/attend.h"
#include "engine/strided.h"

#include <string.h>

/* A value [dim..], its elements found in another: base[at + i . step], times scale. */
typedef struct view {
    qn_slot *base;
    int64_t at, dim[4], step[4]; /* two of batch, rows, cols */
    double scale;
} view;

static const qn_step *maker(const qn_fuser *f, const qn_slot *s)
{
    const int p = f->made_by[qn_root_index(f, s)];
    return p < 0 || f->is_gone[p] || f->plan->steps[p].is_dynamic ? NULL
                                                                  : &f->plan->steps[p];
}

static bool is_plain(const qn_step *step, const qn_op *op)
{
    return step && step->instr.op == op && step->instr.act.kind == QN_ACT_NONE &&
           !step->instr.residual && step->instr.out[0] &&
           step->instr.out[0]->dtype == QUERN_FLOAT;
}

static view view_of(qn_slot *s)
{
    const qn_tensor *t = &s->t;
    view v = {.base = s, .dim = {1, 1, 1, 1}, .scale = 1};
    int64_t step[QUERN_MAX_RANK];
    qn_row_major(t->rank, t->dim, step);
    for (int d = 0; d < t->rank; d++) {
        v.dim[d + 4 - t->rank] = t->dim[d];
        v.step[d + 4 - t->rank] = step[d];
    }
    return v;
}

/* ---- following a view back ---- */

/* Rewrites flat offsets in a tensor of this shape, as strides are, by where the places
 * are; false if a sum of offsets would carry from one dim into the next. */
static bool move_steps(view *v, const qn_tensor *t, const qn_places *p)
{
    int64_t stride[QUERN_MAX_RANK], last[QUERN_MAX_RANK], at = p->at;
    view moved = *v;
    qn_row_major(t->rank, t->dim, stride);
    for (int d = 0; d < t->rank; d++) {
        last[d] = v->at / stride[d] % t->dim[d];
        at += last[d] * p->step[d];
    }
    for (int i = 0; i < 4; i++) {
        int d = t->rank - 1;
        if (v->dim[i] == 1) continue;
        while (d > 0 && (t->dim[d] == 1 || stride[d] * t->dim[d] <= v->step[i]))
            d--;
        if (d < 0 || v->step[i] % stride[d]) return false;
        last[d] += v->step[i] / stride[d] * (v->dim[i] - 1);
        if (last[d] >= t->dim[d]) return false;
        moved.step[i] = v->step[i] / stride[d] * p->step[d];
    }
    moved.at = at;
    *v = moved;
    return true;
}

/* The number that step multiplies its operand `from` by; 0: it does something else. */
static double factor(const qn_step *step, int *from)
{
    const bool divides = is_plain(step, &qn_op_div);
    if (!divides && !is_plain(step, &qn_op_mul)) return 0;
    for (int i = divides ? 1 : 0; i < 2; i++) {
        const qn_tensor *c = &step->in[i]->t;
        *from = 1 - i;
        if (step->in[i]->place != QN_PLACE_CONSTANT || !c->data ||
            qn_tensor_count(c) != 1 ||
            !qn_same_shape(&step->in[1 - i]->t, step->instr.out[0]))
            continue;
        const double x = qn_get_real(c, 0);
        return divides ? 1 / x : x;
    }
    return 0;
}

static bool step_back(const qn_fuser *f, view *v)
{
    const qn_step *step = maker(f, v->base);
    const int64_t count = qn_tensor_count(&v->base->t);
    qn_places places;
    int from;
    if (v->base->shift || !step) return false;
    for (int k = 0; k < step->instr.n_out; k++) {
        const qn_slot *out = step->out[k];
        if (out != v->base->root || qn_tensor_count(&out->t) != count) continue;
        if (!step->instr.op->places ||
            !step->instr.op->places(&step->instr, k, &places))
            break;
        if (!move_steps(v, &out->t, &places)) return false;
        v->base = step->in[0];
        return true;
    }
    const double x = factor(step, &from);
    if (x == 0 || step->out[0] != v->base->root) return false;
    v->scale *= x;
    v->base = step->in[from];
    return true;
}

/* Products read rows or columns whose elements lie side by side. */
static bool can_read(const view *v, bool rows_only)
{
    const bool in_rows = v->step[3] == 1 || v->dim[3] == 1;
    const bool in_cols = !rows_only && (v->step[2] == 1 || v->dim[2] == 1);
    return v->base->place != QN_PLACE_CONSTANT && (in_rows || in_cols);
}

/* The farthest value back that the product can read its operand from. */
static view follow(const qn_fuser *f, qn_slot *s, bool rows_only)
{
    view best = view_of(s), v = best;
    while (step_back(f, &v))
        if (can_read(&v, rows_only)) best = v;
    return best;
}

/* ---- the three steps ---- */

typedef struct match {
    const qn_step *first; /* Q K' */
    qn_slot *bias;        /* NULL: none */
    qn_value *bias_value;
    double scale;
    qn_slot *y;
    int copy; /* the step behind that transposes the result, or -1 */
    view out;
} match;

static bool is_read_once(const qn_fuser *f, const qn_slot *s)
{
    return f->n_uses[qn_root_index(f, s)] == 1;
}

/* [.., M, N] with up to two dims before them, as `like`. */
static bool has_batch_of(const qn_tensor *t, const qn_tensor *like)
{
    return t->rank == like->rank &&
           memcmp(t->dim, like->dim, (size_t)(t->rank - 2) * sizeof *t->dim) == 0;
}

static bool takes_bias(const qn_step *add, int i)
{
    const qn_tensor *b = &add->in[i]->t, *y = add->instr.out[0];
    return b->rank <= y->rank && qn_same_shape(&add->in[1 - i]->t, y) &&
           qn_node_int(add->instr.node, "axis", -1) < 0; /* before opset 7 */
}

/* From the softmax's operand back to the product, over a factor and one sum. */
static bool find_product(const qn_fuser *f, const qn_step *softmax, match *m)
{
    qn_slot *s = softmax->in[0];
    for (;;) {
        const qn_step *step = maker(f, s);
        int from;
        if (!step || !is_read_once(f, s) || step->out[0] != s) return false;
        if (is_plain(step, &qn_op_matmul)) {
            m->first = step;
            return true;
        }
        const double x = factor(step, &from);
        if (x != 0) {
            m->scale *= x;
            s = step->in[from];
        } else if (is_plain(step, &qn_op_add) && !m->bias && m->scale == 1) {
            /* the scores are made last */
            const int i = f->made_by[qn_root_index(f, step->in[0])] >
                          f->made_by[qn_root_index(f, step->in[1])];
            if (!takes_bias(step, i)) return false;
            m->bias = step->in[i];
            m->bias_value = step->instr.node->in[i];
            s = step->in[1 - i];
        } else {
            return false;
        }
    }
}

static bool find_three(const qn_fuser *f, int k, match *m)
{
    const qn_step *last = &f->plan->steps[k];
    if (last->is_dynamic || !is_plain(last, &qn_op_matmul)) return false;
    const qn_step *softmax = maker(f, last->in[0]);
    const qn_tensor *y = last->instr.out[0];
    if (!is_plain(softmax, &qn_op_softmax) || !qn_is_row_softmax(&softmax->instr) ||
        softmax->out[0] != last->in[0] || !is_read_once(f, last->in[0]) ||
        !find_product(f, softmax, m))
        return false;
    const qn_tensor *q = m->first->instr.in[0], *kt = m->first->instr.in[1];
    return y->rank >= 2 && y->rank <= 4 && qn_tensor_count(y) > 0 &&
           qn_tensor_count(q) > 0 && qn_tensor_count(kt) > 0 && has_batch_of(q, y) &&
           has_batch_of(kt, y) && has_batch_of(last->instr.in[0], y) &&
           has_batch_of(last->instr.in[1], y) &&
           m->first->in[0]->place != QN_PLACE_CONSTANT &&
           m->first->in[1]->place != QN_PLACE_CONSTANT &&
           last->in[1]->place != QN_PLACE_CONSTANT;
}

/* ---- the result ---- */

/* A copy behind the last product that only reorders its result: the view is that of the
 * result in the copy, if that has fixed strides with rows in one piece. */
static bool reorders(const qn_step *step, view *v)
{
    const qn_tensor *from = step->instr.in[0], *to = step->instr.out[0];
    int64_t to_stride[QUERN_MAX_RANK];
    qn_places p, back = {.at = 0};
    if (!step->instr.op->places || !step->instr.op->places(&step->instr, 0, &p) ||
        p.at != 0 || from->rank != to->rank ||
        qn_tensor_count(from) != qn_tensor_count(to))
        return false;
    qn_row_major(to->rank, to->dim, to_stride);
    int64_t from_stride[QUERN_MAX_RANK];
    qn_row_major(from->rank, from->dim, from_stride);
    for (int d = 0; d < from->rank; d++) {
        int e = 0;
        while (e < to->rank &&
               (p.step[e] != from_stride[d] || to->dim[e] != from->dim[d]))
            e++;
        if (e == to->rank) return false;
        back.step[d] = to_stride[e];
    }
    return move_steps(v, from, &back) && (v->step[3] == 1 || v->dim[3] == 1);
}

static void find_copy(const qn_fuser *f, int k, match *m)
{
    const qn_plan *plan = f->plan;
    m->copy = -1;
    m->y = plan->steps[k].out[0];
    m->out = view_of(m->y);
    if (!is_read_once(f, m->y)) return;
    for (int j = k + 1; j < plan->n_steps; j++) {
        const qn_step *step = &plan->steps[j];
        if (step->instr.n_in < 1 || !step->in[0] || step->in[0]->root != m->y) continue;
        view v = m->out;
        if (step->is_dynamic || step->in[0]->shift ||
            step->out[0]->root != step->out[0] || !reorders(step, &v))
            return;
        m->copy = j;
        m->y = step->out[0];
        m->out = v;
        return;
    }
}

/* ---- the step ---- */

static qn_attend_side side_of(const view *v)
{
    return (qn_attend_side){
        v->at, {v->step[0], v->step[1]}, v->step[2], v->dim[3] == 1 ? 1 : v->step[3]};
}

/* 0 where the bias counts for all. */
static qn_attend_side bias_side(const qn_slot *bias)
{
    view v = view_of((qn_slot *)(uintptr_t)bias);
    for (int d = 0; d < 4; d++)
        if (v.dim[d] == 1) v.step[d] = 0;
    return (qn_attend_side){0, {v.step[0], v.step[1]}, v.step[2], v.step[3]};
}

/* A node of its own, so that the plan finds the row and, of a constant bias, the value.
 */
static quern_status make_node(qn_fuser *f, qn_step *step, const qn_attend *p,
                              qn_value *bias, quern_error *err)
{
    void *node, *params, *in;
    QN_TRY(qn_arena_array(&f->plan->arena, 1, sizeof(qn_node), &node, err));
    QN_TRY(qn_arena_array(&f->plan->arena, 1, sizeof *p, &params, err));
    QN_TRY(qn_arena_array(&f->plan->arena, QN_ATTEND_INPUTS, sizeof(qn_value *), &in,
                          err));
    *(qn_attend *)params = *p;
    ((qn_value **)in)[QN_ATTEND_BIAS] = bias;
    *(qn_node *)node = (qn_node){.op = &qn_op_attend,
                                 .op_type = qn_op_attend.name,
                                 .name = step->instr.node->name,
                                 .domain = qn_op_attend.domain,
                                 .overload = "",
                                 .params = params,
                                 .in = in,
                                 .n_in = QN_ATTEND_INPUTS,
                                 .out = step->instr.node->out,
                                 .n_out = 1};
    step->instr.op = &qn_op_attend;
    step->instr.node = node;
    step->instr.params = params;
    return QUERN_OK;
}

static quern_status replace(qn_fuser *f, int k, const match *m, const view in[3],
                            quern_error *err)
{
    qn_step *step = &f->plan->steps[k];
    void *p, *slots;
    const qn_attend attend = {
        .n = {m->out.dim[0], m->out.dim[1]},
        .rows = m->out.dim[2],
        .keys = in[QN_ATTEND_K].dim[3],
        .size = in[QN_ATTEND_K].dim[2],
        .width = m->out.dim[3],
        .scale = m->scale * in[QN_ATTEND_Q].scale * in[QN_ATTEND_K].scale,
        .gain = in[QN_ATTEND_V].scale,
        .q = side_of(&in[QN_ATTEND_Q]),
        .k = side_of(&in[QN_ATTEND_K]),
        .v = side_of(&in[QN_ATTEND_V]),
        .y = side_of(&m->out),
        .bias = m->bias ? bias_side(m->bias) : (qn_attend_side){0}};
    QN_TRY(qn_arena_array(&f->plan->arena, QN_ATTEND_INPUTS, sizeof(qn_tensor *), &p,
                          err));
    QN_TRY(qn_arena_array(&f->plan->arena, QN_ATTEND_INPUTS, sizeof(qn_slot *), &slots,
                          err));
    QN_TRY(make_node(f, step, &attend, m->bias_value, err));
    step->in = slots;
    step->instr.in = p;
    step->instr.n_in = QN_ATTEND_INPUTS;
    for (int i = 0; i < QN_ATTEND_INPUTS; i++) {
        step->in[i] = i < QN_ATTEND_BIAS ? in[i].base : m->bias;
        step->instr.in[i] = step->in[i] ? &step->in[i]->t : NULL;
    }
    step->out[0] = m->y;
    step->instr.out[0] = &m->y->t;
    f->made_by[qn_root_index(f, m->y)] = k;
    if (m->copy >= 0) f->is_gone[m->copy] = true;
    return QUERN_OK;
}

static quern_status fuse_attention(qn_fuser *f, int k, quern_error *err)
{
    match m = {.scale = 1};
    if (f->is_gone[k] || !find_three(f, k, &m)) return QUERN_OK;
    find_copy(f, k, &m);
    const view in[3] = {follow(f, m.first->in[0], true),
                        follow(f, m.first->in[1], false),
                        follow(f, f->plan->steps[k].in[1], false)};
    return replace(f, k, &m, in, err);
}

quern_status qn_plan_fuse_attention(qn_plan *plan, quern_error *err)
{
    return qn_for_steps(plan, fuse_attention, err);
}
