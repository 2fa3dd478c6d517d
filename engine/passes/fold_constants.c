/* SPDX-License-Identifier: Apache-2.0 */
/* engine/passes/fold_constants.c - shapes that follow from static input shapes, and
 * nodes whose inputs are all known, computed once for good.
 *
 * Shape inference and folding go together: Shape -> Gather -> Concat -> Reshape chains
 * fold as soon as the shape at their head is known. */
#include "engine/eval.h"
#include "engine/pass.h"

#include <string.h>

/* Results may be this large, or as large as what they replace. */
#define FOLD_BYTES ((size_t)1 << 20)

typedef struct folder {
    qn_exec exec;
    qn_arena room; /* of the node at hand */
    int *n_changed;
} folder;

/* Operands of the node at hand. */
typedef struct operands {
    const qn_tensor **in;
    qn_tensor **out;
    bool shapes, values; /* of all inputs are known */
} operands;

/* What is known of the outer values that bodies capture. */
static void tell_captures(const qn_node *node)
{
    int at = node->n_in - node->n_captures;
    qn_graph *sub;
    for (int k = 0; (sub = qn_node_subgraph(node, k)); k++)
        for (int j = 0; j < sub->n_captures; j++, at++) {
            qn_value *in = sub->captures[j];
            const qn_value *out = node->in[at];
            in->constant = out->constant;
            in->dtype = out->dtype;
            in->kind = out->kind;
            in->rank = out->rank;
            memcpy(in->dim, out->dim, sizeof in->dim);
        }
}

static void gather_inputs(const qn_node *node, qn_tensor *room, operands *o)
{
    o->shapes = o->values = true;
    for (int i = 0; i < node->n_in; i++) {
        const qn_value *v = node->in[i];
        if (!v) continue;
        o->in[i] = v->constant && !v->is_parameter ? v->constant : &room[i];
        if (o->in[i] == v->constant) continue;
        o->values = false;
        if (!qn_value_has_shape(v) || v->dtype == QUERN_UNDEFINED)
            o->shapes = false;
        else
            qn_set_shape(&room[i], v->dtype, v->rank, v->dim);
    }
    if (node->op->flags & QN_OP_FROM_SHAPE) o->values = o->shapes;
}

static quern_status gather(folder *f, const qn_node *node, operands *o,
                           quern_error *err)
{
    size_t n_in = (size_t)node->n_in, n_out = (size_t)node->n_out;
    void *t, *in, *out, *made;
    qn_arena_reset(&f->room);
    QN_TRY(qn_arena_array(&f->room, n_in, sizeof(qn_tensor), &t, err));
    QN_TRY(qn_arena_array(&f->room, n_in, sizeof(void *), &in, err));
    QN_TRY(qn_arena_array(&f->room, n_out, sizeof(void *), &out, err));
    QN_TRY(qn_arena_array(&f->room, n_out, sizeof(qn_tensor), &made, err));
    *o = (operands){.in = in, .out = out};
    for (int i = 0; i < node->n_out; i++)
        o->out[i] = node->out[i] ? (qn_tensor *)made + i : NULL;
    gather_inputs(node, t, o);
    return QUERN_OK;
}

static void learn(qn_node *node, qn_tensor *const *out, int *n_changed)
{
    for (int i = 0; i < node->n_out; i++) {
        qn_value *v = node->out[i];
        if (!v || out[i]->kind != QN_TENSOR) continue;
        if (v->rank < 0) ++*n_changed;
        v->dtype = out[i]->dtype;
        v->rank = out[i]->rank;
        memcpy(v->dim, out[i]->dim, sizeof v->dim);
    }
}

static bool is_small(const qn_node *node, const operands *o)
{
    size_t used = 0, made = 0;
    for (int i = 0; i < node->n_in; i++)
        if (o->in[i]) used += qn_tensor_bytes(o->in[i]);
    if (node->op->flags & QN_OP_DYNAMIC) return used <= FOLD_BYTES;
    for (int i = 0; i < node->n_out; i++)
        if (o->out[i]) made += qn_tensor_bytes(o->out[i]);
    return made <= FOLD_BYTES || made <= used;
}

/* The node's outputs become constants and the node goes. */
static quern_status fold(folder *f, qn_node *node, operands *o, quern_error *err)
{
    qn_arena *keep = node->graph->arena;
    QN_TRY(qn_eval(node, o->in, o->out, &f->exec, err));
    learn(node, o->out, f->n_changed);
    for (int i = 0; i < node->n_out; i++) {
        qn_value *v = node->out[i];
        void *p;
        if (!v) continue;
        QN_TRY(qn_arena_alloc(keep, sizeof(qn_tensor), &p, err));
        QN_TRY(qn_tensor_copy(keep, p, o->out[i], err));
        v->constant = p;
        v->kind = v->constant->kind;
    }
    qn_graph_remove(node->graph, node);
    ++*f->n_changed;
    return QUERN_OK;
}

/* Constant nodes give their tensor as it lies, without a copy. */
static bool take_constant(folder *f, qn_node *node)
{
    const qn_attr_value *a =
        qn_node_is(node, "Constant") ? qn_node_attr(node, "value") : NULL;
    if (!a || !a->tensor || !node->out[0]) return false;
    node->out[0]->constant = a->tensor;
    learn(node, &a->tensor, f->n_changed);
    qn_graph_remove(node->graph, node);
    ++*f->n_changed;
    return true;
}

static quern_status visit(folder *f, qn_node *node, quern_error *err)
{
    operands o;
    unsigned flags = node->op->flags;
    tell_captures(node);
    if (take_constant(f, node)) return QUERN_OK;
    QN_TRY(gather(f, node, &o, err));
    if (!o.shapes) return QUERN_OK;
    if (!(flags & QN_OP_DYNAMIC)) {
        quern_status status = qn_infer_node(node, o.in, o.out, err);
        if (status != QUERN_OK) return status == QN_DEFER ? QUERN_OK : status;
        learn(node, o.out, f->n_changed);
    }
    if (!o.values || (flags & (QN_OP_RANDOM | QN_OP_SUBGRAPH)) || !is_small(node, &o))
        return QUERN_OK;
    return fold(f, node, &o, err);
}

qn_pass_fn qn_pass_fold_constants;
quern_status qn_pass_fold_constants(quern_model *model, qn_graph *g, int *n_changed,
                                    quern_error *err)
{
    folder f = {.n_changed = n_changed};
    qn_kernels k;
    qn_kernels_init(&k, qn_cpu_isa());
    qn_arena_init(&f.room, &model->mem);
    f.exec = (qn_exec){.k = &k, .arena = &f.room};
    quern_status status = QUERN_OK;
    for (qn_node *node = g->first, *next; node && status == QUERN_OK; node = next) {
        next = node->next;
        for (int i = 0; i < node->n_in; i++)
            node->in[i] = qn_resolve(node->in[i]);
        status = visit(&f, node, err);
        if (status != QUERN_OK) qn_within(err, "node '%s'", QN_LABEL(node));
    }
    qn_arena_done(&f.room);
    return status;
}
