/* SPDX-License-Identifier: Apache-2.0 */
/* engine/plan.c - building a plan: infer, fold, keep what is alive, prepare. */
#include "engine/plan.h"

#include "engine/eval.h"
#include "engine/layout.h"
#include "engine/pass.h"
#include "engine/session.h"

#include <string.h>

/* Values computed while planning may be this large; larger ones are computed each run.
 */
#define FOLD_BYTES ((size_t)1 << 20)

typedef struct builder {
    qn_plan *plan;
    const qn_plan_options *opt;
    qn_exec exec;       /* for folding */
    qn_arena junk;      /* state and scratch of folded nodes */
    uint8_t *is_needed; /* by slot */
} builder;

static qn_slot *slot_of(const builder *b, const qn_value *v)
{
    return v ? &b->plan->slots[v->id] : NULL;
}

static void set_input(qn_slot *s, const qn_tensor *t, int input)
{
    s->t = *t;
    s->t.data = NULL;
    s->place = QN_PLACE_INPUT;
    s->input = input;
    s->is_known = t->kind == QN_TENSOR;
}

static quern_status make_slots(builder *b, const qn_tensor *inputs, quern_error *err)
{
    qn_plan *plan = b->plan;
    const qn_graph *g = plan->graph;
    void *p;
    /* Values that a blocked row touches may need a twin in the other layout. */
    size_t twins = 0;
    for (const qn_node *node = g->first; node; node = node->next)
        if (node->op->blocked) twins += (size_t)(node->n_in + node->n_out);
    QN_TRY(qn_arena_array(&plan->arena, (size_t)g->n_values + twins, sizeof(qn_slot),
                          &p, err));
    plan->slots = p;
    plan->n_slots = g->n_values;
    plan->cap_slots = g->n_values + (int)twins;
    for (int i = 0; i < g->n_values; i++) {
        qn_slot *s = &plan->slots[i];
        s->root = s;
        if (!g->values[i]->constant) continue;
        s->t = *g->values[i]->constant;
        s->place = QN_PLACE_CONSTANT;
        s->is_known = s->t.kind == QN_TENSOR;
        s->is_trained = g->values[i]->is_parameter;
    }
    QN_TRY(
        qn_arena_array(&plan->arena, (size_t)g->n_outputs, sizeof(qn_slot *), &p, err));
    plan->outputs = p;
    for (int i = 0; i < g->n_outputs; i++)
        plan->outputs[i] = slot_of(b, g->outputs[i]);
    int k = 0;
    for (int i = 0; i < g->n_inputs; i++, k++)
        set_input(slot_of(b, g->inputs[i]), &inputs[k], k);
    for (int i = 0; i < g->n_captures; i++, k++)
        if (!g->captures[i]->constant)
            set_input(slot_of(b, g->captures[i]), &inputs[k], k);
    return QUERN_OK;
}

/* The arrays of one step; folded nodes use them too. */
static quern_status make_step(builder *b, const qn_node *node, qn_step *step,
                              quern_error *err)
{
    qn_arena *a = &b->plan->arena;
    size_t n_in = (size_t)node->n_in, n_out = (size_t)node->n_out;
    void *in, *out, *in_slots, *out_slots;
    QN_TRY(qn_arena_array(a, n_in, sizeof(qn_tensor *), &in, err));
    QN_TRY(qn_arena_array(a, n_in, sizeof(qn_slot *), &in_slots, err));
    QN_TRY(qn_arena_array(a, n_out, sizeof(qn_tensor *), &out, err));
    QN_TRY(qn_arena_array(a, n_out, sizeof(qn_slot *), &out_slots, err));
    *step = (qn_step){.in = in_slots, .out = out_slots};
    step->instr = (qn_instr){.op = node->op,
                             .node = node,
                             .params = node->params,
                             .act = node->act,
                             .in = in,
                             .out = out,
                             .n_in = node->n_in,
                             .n_out = node->n_out};
    for (int i = 0; i < node->n_in; i++) {
        step->in[i] = slot_of(b, node->in[i]);
        step->instr.in[i] = step->in[i] ? &step->in[i]->t : NULL;
    }
    for (int i = 0; i < node->n_out; i++) {
        step->out[i] = slot_of(b, node->out[i]);
        step->instr.out[i] = step->out[i] ? &step->out[i]->t : NULL;
    }
    return QUERN_OK;
}

static bool inputs_known(const qn_step *step)
{
    for (int i = 0; i < step->instr.n_in; i++)
        if (step->in[i] && !step->in[i]->is_known) return false;
    return true;
}

static bool inputs_have_data(const qn_step *step)
{
    if (step->instr.op->flags & QN_OP_FROM_SHAPE) return true;
    for (int i = 0; i < step->instr.n_in; i++)
        if (step->in[i] && (!step->in[i]->t.data || step->in[i]->is_trained))
            return false;
    return true;
}

static bool is_small(const qn_step *step, bool with_outputs)
{
    size_t in = 0, out = 0;
    for (int i = 0; i < step->instr.n_in; i++)
        if (step->in[i]) in += qn_tensor_bytes(&step->in[i]->t);
    for (int i = 0; with_outputs && i < step->instr.n_out; i++)
        if (step->out[i]) out += qn_tensor_bytes(&step->out[i]->t);
    return with_outputs ? out <= FOLD_BYTES || out <= in : in <= FOLD_BYTES;
}

static quern_status fold(builder *b, qn_step *step, quern_error *err)
{
    qn_arena_reset(&b->junk);
    b->exec.arena = &b->junk;
    QN_TRY(qn_eval(step->instr.node, step->instr.in, step->instr.out, &b->exec, err));
    for (int i = 0; i < step->instr.n_out; i++) {
        qn_slot *s = step->out[i];
        if (!s) continue;
        qn_tensor made = s->t;
        QN_TRY(qn_tensor_copy(&b->plan->arena, &s->t, &made, err));
        s->place = QN_PLACE_CONSTANT;
        s->is_known = s->t.kind == QN_TENSOR;
    }
    b->plan->n_folded++;
    return QUERN_OK;
}

static quern_status make_view(builder *b, qn_step *step, quern_error *err)
{
    qn_slot *from = step->in[0], *to = step->out[0];
    if (from->place == QN_PLACE_CONSTANT)
        QN_TRY(
            qn_session_align(b->opt->session, step->instr.node->in[0], &from->t, err));
    to->root = from->root;
    to->place = from->place;
    to->input = from->input;
    to->t.data = from->t.data;
    to->is_known = true;
    to->is_trained = from->is_trained;
    return QUERN_OK;
}

/* A few bytes of model can ask for any size: said here, where the node is known. */
static quern_status check_budget(const builder *b, const qn_step *step,
                                 quern_error *err)
{
    size_t budget = b->opt->mem->budget;
    for (int i = 0; budget && i < step->instr.n_out; i++) {
        const qn_tensor *t = step->instr.out[i];
        if (t && t->kind == QN_TENSOR && qn_tensor_bytes(t) > budget)
            return qn_fail(err, QUERN_LIMIT,
                           "output %d, %s, takes %zu bytes of at most %zu", i,
                           QN_SHAPE(t), qn_tensor_bytes(t), budget);
    }
    return QUERN_OK;
}

/* The node becomes constants, a view, or a step; *kept says that it is a step. */
static quern_status visit(builder *b, const qn_node *node, qn_step *step, bool *kept,
                          quern_error *err)
{
    unsigned flags = node->op->flags;
    *kept = false;
    QN_TRY(make_step(b, node, step, err));
    bool known = inputs_known(step);
    bool foldable =
        known && !(flags & (QN_OP_RANDOM | QN_OP_SUBGRAPH)) && inputs_have_data(step);
    quern_status status = QN_DEFER;
    if (flags & QN_OP_DYNAMIC) {
        if (foldable && is_small(step, false)) return fold(b, step, err);
    } else if (known) {
        status = qn_infer_node(node, step->instr.in, step->instr.out, err);
        if (status != QUERN_OK && status != QN_DEFER) return status;
        if (status == QUERN_OK) QN_TRY(check_budget(b, step, err));
        if (status == QUERN_OK && (flags & QN_OP_VIEW)) return make_view(b, step, err);
        if (status == QUERN_OK && foldable && is_small(step, true))
            return fold(b, step, err);
    }
    step->is_dynamic = status == QN_DEFER;
    for (int i = 0; i < node->n_out; i++)
        if (step->out[i]) {
            step->out[i]->place = step->is_dynamic ? QN_PLACE_RUN : QN_PLACE_SLAB;
            step->out[i]->is_known = !step->is_dynamic;
        }
    *kept = true;
    return QUERN_OK;
}

static size_t slot_index(const builder *b, const qn_slot *s)
{
    return (size_t)(s->root - b->plan->slots);
}

/* Drops steps that nothing reads, and outputs that nobody asked for. */
static void keep_alive(builder *b)
{
    qn_plan *plan = b->plan;
    for (int i = 0; i < plan->graph->n_outputs; i++)
        b->is_needed[slot_index(b, plan->outputs[i])] = 1;
    int to = plan->n_steps;
    for (int k = plan->n_steps - 1; k >= 0; k--) {
        qn_step *step = &plan->steps[k];
        bool alive = false;
        for (int i = 0; i < step->instr.n_out; i++)
            if (step->out[i] && b->is_needed[slot_index(b, step->out[i])])
                alive = true;
            else
                step->instr.out[i] = NULL;
        if (!alive) continue;
        for (int i = 0; i < step->instr.n_in; i++)
            if (step->in[i]) b->is_needed[slot_index(b, step->in[i])] = 1;
        plan->steps[--to] = *step;
    }
    plan->n_steps -= to;
    plan->steps += to;
}

/* Constants that run will read as they are. */
static quern_status align_inputs(builder *b, qn_step *step, quern_error *err)
{
    for (int i = 0; i < step->instr.n_in; i++) {
        qn_slot *s = step->in[i];
        if (!s || s->place != QN_PLACE_CONSTANT || i >= step->instr.node->n_in ||
            (i < 32 && (step->instr.packed >> i & 1)))
            continue;
        QN_TRY(qn_session_align(b->opt->session, step->instr.node->in[i], &s->t, err));
    }
    return QUERN_OK;
}

static bool has_half(const qn_step *step)
{
    for (int i = 0; i < step->instr.n_in; i++)
        if (step->in[i] && qn_dtype_is_half(step->in[i]->t.dtype)) return true;
    return false;
}

static quern_status align_outputs(builder *b, quern_error *err)
{
    const qn_graph *g = b->plan->graph;
    for (int i = 0; i < g->n_outputs; i++) {
        qn_slot *s = b->plan->outputs[i];
        if (s->place == QN_PLACE_CONSTANT)
            QN_TRY(qn_session_align(b->opt->session, g->outputs[i], &s->t, err));
    }
    return QUERN_OK;
}

static quern_status prepare_step(builder *b, qn_step *step, quern_error *err)
{
    qn_plan *plan = b->plan;
    const qn_node *node = step->instr.node;
    if (step->is_dynamic) {
        plan->n_dynamic++;
        return align_inputs(b, step, err);
    }
    plan->macs += qn_instr_macs(&step->instr);
    if (has_half(step)) QN_TRY(align_inputs(b, step, err));
    QN_TRY(qn_half_make(&plan->arena, &step->instr, &step->half, err));
    qn_prep prep = {.instr = &step->instr,
                    .k = b->opt->k,
                    .n_workers = b->opt->n_workers,
                    .no_winograd = b->opt->no_winograd,
                    .fixed_batch = b->opt->session->model->purpose == QN_FOR_TRAINING,
                    .tuning = b->opt->tuning,
                    .arena = &plan->arena,
                    .session = b->opt->session};
    if (node->op->prepare) QN_TRY(node->op->prepare(&prep, err));
    return align_inputs(b, step, err);
}

static quern_status at_node(quern_status status, const qn_node *node, quern_error *err)
{
    if (status != QUERN_OK) qn_within(err, "node '%s'", QN_LABEL(node));
    return status;
}

static quern_status build(builder *b, const qn_tensor *inputs, quern_error *err)
{
    qn_plan *plan = b->plan;
    const qn_graph *g = plan->graph;
    void *p;
    QN_TRY(make_slots(b, inputs, err));
    QN_TRY(qn_arena_array(&plan->arena, (size_t)g->n_nodes, sizeof(qn_step), &p, err));
    plan->steps = p;
    for (const qn_node *node = g->first; node; node = node->next) {
        bool kept;
        QN_TRY(at_node(visit(b, node, &plan->steps[plan->n_steps], &kept, err), node,
                       err));
        plan->n_steps += kept;
    }
    QN_TRY(qn_arena_array(&b->junk, (size_t)plan->n_slots + 1, 1, &p, err));
    b->is_needed = p;
    const quern_model *model = b->opt->session->model;
    const bool runs = model->purpose == QN_FOR_RUNNING;
    if (runs && qn_pass_is_on(model, "fuse_attention"))
        QN_TRY(qn_plan_fuse_attention(plan, err));
    keep_alive(b);
    if (!b->opt->plain) {
        const bool may_transform = runs && !b->opt->no_winograd;
        const qn_join how = {may_transform && qn_pass_is_on(model, "fuse_norm_ahead"),
                             b->opt->tuning};
        QN_TRY(qn_plan_fuse_adds(plan, err));
        if (runs && qn_pass_is_on(model, "fuse_shift"))
            QN_TRY(qn_plan_fuse_shifts(plan, err));
        if (runs && qn_pass_is_on(model, "fuse_gate"))
            QN_TRY(qn_plan_fuse_gates(plan, err));
        if (may_transform && qn_pass_is_on(model, "fuse_upsample"))
            QN_TRY(qn_plan_fuse_upsample(plan, err));
        QN_TRY(qn_plan_layout(plan, err));
        QN_TRY(qn_plan_join_bands(plan, &how, err));
    }
    for (int i = 0; i < plan->n_steps; i++)
        QN_TRY(at_node(prepare_step(b, &plan->steps[i], err), plan->steps[i].instr.node,
                       err));
    QN_TRY(align_outputs(b, err));
    return qn_plan_assign(plan, b->opt->no_reuse, err);
}

static quern_status copy_key(qn_plan *plan, const qn_tensor *inputs, quern_error *err)
{
    void *p;
    plan->n_key = plan->graph->n_inputs + plan->graph->n_captures;
    QN_TRY(
        qn_arena_array(&plan->arena, (size_t)plan->n_key, sizeof(qn_tensor), &p, err));
    plan->key = p;
    if (plan->n_key) memcpy(p, inputs, (size_t)plan->n_key * sizeof(qn_tensor));
    return QUERN_OK;
}

quern_status qn_plan_build(const qn_graph *graph, const qn_tensor *inputs,
                           const qn_plan_options *opt, qn_plan **out, quern_error *err)
{
    void *p;
    *out = NULL;
    QN_TRY(qn_mem_alloc(opt->mem, sizeof(qn_plan), &p, err));
    qn_plan *plan = p;
    *plan = (qn_plan){.graph = graph};
    qn_arena_init(&plan->arena, opt->mem);
    builder b = {.plan = plan, .opt = opt};
    b.exec = (qn_exec){.k = opt->k, .session = opt->session};
    qn_arena_init(&b.junk, opt->mem);
    quern_status status = copy_key(plan, inputs, err);
    if (status == QUERN_OK) status = build(&b, inputs, err);
    qn_arena_done(&b.junk);
    if (status != QUERN_OK) {
        qn_plan_free(plan);
        return status;
    }
    *out = plan;
    return QUERN_OK;
}

void qn_plan_free(qn_plan *plan)
{
    if (!plan) return;
    for (int i = 0; i < plan->n_steps; i++) {
        const qn_instr *instr = &plan->steps[i].instr;
        if (!plan->steps[i].is_dynamic && instr->op->done) instr->op->done(instr);
    }
    qn_arena_done(&plan->arena);
    qn_mem_free(plan->arena.mem, plan, sizeof *plan);
}

bool qn_plan_fits(const qn_plan *plan, const qn_tensor *inputs)
{
    for (int i = 0; i < plan->n_key; i++) {
        const qn_tensor *a = &plan->key[i], *b = &inputs[i];
        if (a->kind != b->kind) return false;
        if (a->kind != QN_TENSOR) continue;
        if (a->dtype != b->dtype || !qn_same_shape(a, b)) return false;
    }
    return true;
}
