/* SPDX-License-Identifier: Apache-2.0 */
/* engine/grad.c - the walk backwards: which nodes lie between the wanted values and the
 * loss, and the sum of what reaches each value. */
#include "engine/grad.h"

#include "engine/eval.h"
#include "engine/finish.h"
#include "engine/pass.h"

#include <string.h>

struct qn_grad {
    quern_model *model;
    qn_graph *graph;
    qn_arena room;      /* of this walk */
    int n_values;       /* of the graph as it was */
    uint8_t *is_wanted; /* by value: depends on what is differentiated by */
    uint8_t *is_passed; /* by value: the loss depends on it */
    qn_value **sum;     /* by value: its gradient so far, or NULL */
};

/* ---- which values take part ---- */

static void number_values(qn_grad *g)
{
    for (int i = 0; i < g->n_values; i++)
        g->graph->values[i]->id = i;
}

static bool any_wanted(const qn_grad *g, const qn_node *node)
{
    for (int i = 0; i < node->n_in; i++)
        if (node->in[i] && g->is_wanted[node->in[i]->id]) return true;
    return false;
}

static bool any_passed(const qn_grad *g, const qn_node *node)
{
    for (int i = 0; i < node->n_out; i++)
        if (node->out[i] && g->is_passed[node->out[i]->id]) return true;
    return false;
}

/* Integers (indices, shapes) pass no gradient on. */
static void mark(const qn_value *v, uint8_t *set)
{
    if (v && (v->dtype == QUERN_FLOAT || v->dtype == QUERN_DOUBLE)) set[v->id] = 1;
}

static void mark_paths(qn_grad *g, const qn_value *loss, qn_value *const *wrt, int n)
{
    for (int i = 0; i < n; i++)
        mark(wrt[i], g->is_wanted);
    for (qn_node *node = g->graph->first; node; node = node->next)
        for (int i = 0; any_wanted(g, node) && i < node->n_out; i++)
            mark(node->out[i], g->is_wanted);
    mark(loss, g->is_passed);
    for (qn_node *node = g->graph->last; node; node = node->prev)
        for (int i = 0; any_passed(g, node) && i < node->n_in; i++)
            mark(node->in[i], g->is_passed);
}

/* All that is missing, before anything is built. */
static quern_status check_rows(qn_grad *g, quern_error *err)
{
    for (qn_node *node = g->graph->first; node; node = node->next)
        if (any_wanted(g, node) && any_passed(g, node) && !node->op->grad)
            QN_TRY(qn_missing_add(g->model, node, "no gradient", err));
    return qn_missing_report(g->model, err);
}

/* ---- what rows ask ---- */

qn_value *qn_grad_of(const qn_grad *g, const qn_node *node, int i)
{
    const qn_value *v = i < node->n_out ? node->out[i] : NULL;
    return v && v->id < g->n_values ? g->sum[v->id] : NULL;
}

bool qn_grad_wants(const qn_grad *g, const qn_node *node, int i)
{
    const qn_value *v = i < node->n_in ? node->in[i] : NULL;
    return v && v->id < g->n_values && g->is_wanted[v->id];
}

quern_status qn_grad_add(qn_grad *g, const qn_node *node, int i, qn_value *d,
                         quern_error *err)
{
    if (!d || !qn_grad_wants(g, node, i)) return QUERN_OK;
    qn_value *v = node->in[i], **sum = &g->sum[v->id];
    if (!qn_value_has_shape(v) || !qn_value_same_shape(v, d))
        return qn_fail(err, QUERN_SHAPE,
                       "the gradient of input %d has rank %d and first dim %lld, the "
                       "input rank %d and first dim %lld",
                       i, d->rank, (long long)(d->rank > 0 ? d->dim[0] : 0), v->rank,
                       (long long)(v->rank > 0 ? v->dim[0] : 0));
    if (!*sum) {
        *sum = d;
        return QUERN_OK;
    }
    return qn_grad_2(g, "Add", *sum, d, sum, err);
}

/* ---- nodes ---- */

quern_status qn_grad_node(qn_grad *g, const char *domain, const char *op_type, int n_in,
                          qn_value *const *in, int n_out, qn_node **out,
                          quern_error *err)
{
    QN_TRY(qn_graph_new_node(g->graph, op_type, domain, QN_OPSET_NEWEST, n_in, n_out,
                             out, err));
    for (int i = 0; i < n_in; i++)
        (*out)->in[i] = in[i];
    for (int i = 0; i < n_out; i++) {
        QN_TRY(qn_graph_add_value(g->graph, "", &(*out)->out[i], err));
        (*out)->out[i]->id = g->n_values; /* none of the differentiated graph's */
    }
    return QUERN_OK;
}

static void as_tensor(qn_tensor *t, const qn_value *v)
{
    if (v->constant && !v->is_parameter)
        *t = *v->constant;
    else
        qn_set_shape(t, v->dtype, v->rank, v->dim);
}

/* Shapes and types of the outputs. */
static quern_status infer(qn_grad *g, qn_node *node, quern_error *err)
{
    void *room, *in, *out;
    size_t n_in = (size_t)node->n_in, n_out = (size_t)node->n_out;
    QN_TRY(qn_arena_array(&g->room, n_in + n_out, sizeof(qn_tensor), &room, err));
    QN_TRY(qn_arena_array(&g->room, n_in, sizeof(qn_tensor *), &in, err));
    QN_TRY(qn_arena_array(&g->room, n_out, sizeof(qn_tensor *), &out, err));
    qn_tensor *t = room, **pin = in, **pout = out;
    for (int i = 0; i < node->n_in; i++)
        if (node->in[i]) as_tensor(pin[i] = t + i, node->in[i]);
    for (int i = 0; i < node->n_out; i++)
        pout[i] = t + n_in + i;
    quern_status status = qn_infer_node(node, (const qn_tensor *const *)pin, pout, err);
    if (status == QN_DEFER)
        return qn_fail(err, QUERN_UNSUPPORTED, "its shape depends on data");
    QN_TRY(status);
    for (int i = 0; i < node->n_out; i++) {
        qn_value *v = node->out[i];
        v->dtype = pout[i]->dtype;
        v->rank = pout[i]->rank;
        memcpy(v->dim, pout[i]->dim, sizeof v->dim);
    }
    return QUERN_OK;
}

quern_status qn_grad_append(qn_grad *g, qn_node *node, quern_error *err)
{
    const qn_op *op = qn_op_find(node->domain, node->op_type);
    if (!op)
        return qn_fail(err, QUERN_UNSUPPORTED,
                       "its gradient needs %s, which is not "
                       "known",
                       node->op_type);
    qn_graph_insert(g->graph, node, NULL);
    quern_status status = qn_op_bind(g->graph, node, op, err);
    if (status == QUERN_OK) status = infer(g, node, err);
    if (status != QUERN_OK) qn_within(err, "%s of its gradient", node->op_type);
    return status;
}

quern_status qn_grad_emit(qn_grad *g, const char *domain, const char *op_type, int n_in,
                          qn_value *const *in, qn_value **out, quern_error *err)
{
    qn_node *node;
    QN_TRY(qn_grad_node(g, domain, op_type, n_in, in, 1, &node, err));
    QN_TRY(qn_grad_append(g, node, err));
    *out = node->out[0];
    return QUERN_OK;
}

quern_status qn_grad_1(qn_grad *g, const char *op_type, qn_value *a, qn_value **out,
                       quern_error *err)
{
    return qn_grad_emit(g, "", op_type, 1, &a, out, err);
}

quern_status qn_grad_2(qn_grad *g, const char *op_type, qn_value *a, qn_value *b,
                       qn_value **out, quern_error *err)
{
    return qn_grad_emit(g, "", op_type, 2, (qn_value *[]){a, b}, out, err);
}

quern_status qn_grad_ints(qn_grad *g, int64_t n, const int64_t *v, qn_value **out,
                          quern_error *err)
{
    return qn_graph_add_ints(g->graph, n, v, out, err);
}

quern_status qn_grad_scalar(qn_grad *g, double x, const qn_value *like, qn_value **out,
                            quern_error *err)
{
    qn_tensor t = {.dtype = like->dtype};
    QN_TRY(qn_tensor_alloc(g->graph->arena, &t, err));
    qn_set_real(&t, 0, x);
    return qn_graph_add_constant(g->graph, "", &t, out, err);
}

qn_arena *qn_grad_room(qn_grad *g)
{
    return &g->room;
}

quern_status qn_grad_copy_attrs(const qn_node *from, qn_node *to, quern_error *err)
{
    for (int i = 0; i < from->n_attrs; i++)
        QN_TRY(qn_node_set_attr(to, &from->attrs[i], err));
    return QUERN_OK;
}

/* ---- shapes ---- */

quern_status qn_grad_reshape_like(qn_grad *g, qn_value *d, qn_value *like,
                                  qn_value **out, quern_error *err)
{
    qn_value *shape;
    *out = d;
    if (qn_value_same_shape(d, like)) return QUERN_OK;
    QN_TRY(qn_grad_ints(g, like->rank, like->dim, &shape, err));
    return qn_grad_2(g, "Reshape", d, shape, out, err);
}

quern_status qn_grad_sum_to(qn_grad *g, qn_value *d, qn_value *like, qn_value **out,
                            quern_error *err)
{
    int64_t axis[QUERN_MAX_RANK], n = 0;
    const int lead = d->rank - like->rank;
    for (int i = 0; i < d->rank; i++)
        if (i < lead || like->dim[i - lead] != d->dim[i]) axis[n++] = i;
    *out = d;
    if (n > 0) {
        qn_value *axes;
        QN_TRY(qn_grad_ints(g, n, axis, &axes, err));
        QN_TRY(qn_grad_2(g, "ReduceSum", d, axes, out, err));
    }
    return qn_grad_reshape_like(g, *out, like, out, err);
}

/* ---- the walk ---- */

static quern_status alloc_marks(qn_grad *g, quern_error *err)
{
    void *p;
    size_t n = (size_t)g->n_values + 1;
    QN_TRY(qn_arena_array(&g->room, n, 1, &p, err));
    g->is_wanted = p;
    QN_TRY(qn_arena_array(&g->room, n, 1, &p, err));
    g->is_passed = p;
    QN_TRY(qn_arena_array(&g->room, n, sizeof(qn_value *), &p, err));
    g->sum = p;
    return QUERN_OK;
}

static bool has_gradient(const qn_grad *g, const qn_node *node)
{
    for (int i = 0; i < node->n_out; i++)
        if (qn_grad_of(g, node, i)) return true;
    return false;
}

static quern_status walk(qn_grad *g, qn_value *loss, quern_error *err)
{
    qn_node *last = g->graph->last;
    QN_TRY(qn_grad_scalar(g, 1, loss, &g->sum[loss->id], err));
    QN_TRY(qn_grad_reshape_like(g, g->sum[loss->id], loss, &g->sum[loss->id], err));
    for (qn_node *node = last; node; node = node->prev) {
        if (!any_wanted(g, node) || !has_gradient(g, node)) continue;
        quern_status status = node->op->grad(g, node, err);
        if (status != QUERN_OK) {
            qn_within(err, "node '%s'", QN_LABEL(node));
            return status;
        }
    }
    return QUERN_OK;
}

static quern_status build(qn_grad *g, qn_value *loss, qn_value *const *wrt, int n,
                          qn_value **grads, quern_error *err)
{
    QN_TRY(alloc_marks(g, err));
    number_values(g);
    mark_paths(g, loss, wrt, n);
    QN_TRY(check_rows(g, err));
    QN_TRY(walk(g, loss, err));
    for (int i = 0; i < n; i++)
        grads[i] = g->sum[wrt[i]->id];
    return QUERN_OK;
}

quern_status qn_grad_build(quern_model *model, qn_value *loss, qn_value *const *wrt,
                           int n, qn_value **grads, quern_error *err)
{
    if (!qn_value_has_shape(loss))
        return qn_fail(err, QUERN_SHAPE, "the shape of the loss is not known");
    qn_grad g = {
        .model = model, .graph = model->graph, .n_values = model->graph->n_values};
    qn_arena_init(&g.room, &model->mem);
    quern_status status = build(&g, loss, wrt, n, grads, err);
    qn_arena_done(&g.room);
    return status;
}
