/* SPDX-License-Identifier: Apache-2.0 */
/* engine/pass.c - runs the rows of passes.def, and small questions that passes ask. */
#include "engine/pass.h"

#include <math.h>
#include <string.h>

#define QN_PASS(name, flags) qn_pass_fn qn_pass_##name;
#define QN_PLAN_PASS(name)
#include "engine/passes.def"
#undef QN_PLAN_PASS
#undef QN_PASS

static const qn_pass rows[] = {
#define QN_PASS(name, flags) {#name, qn_pass_##name, flags},
#define QN_PLAN_PASS(name)   {#name, NULL, 0},
#include "engine/passes.def"
#undef QN_PLAN_PASS
#undef QN_PASS
};
#define N_ROWS     ((int)(sizeof rows / sizeof rows[0]))
#define MAX_ROUNDS 8

int quern_pass(int i, const char **name)
{
    if (i < 0 || i >= N_ROWS) return 0;
    *name = rows[i].name;
    return 1;
}

/* list: names with commas between. */
static bool is_listed(const char *list, const char *name)
{
    size_t n = strlen(name);
    for (const char *at = list; at && *at;
         at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL)
        if ((strncmp(at, name, n) == 0 && (at[n] == 0 || at[n] == ',')) ||
            strcmp(at, "all") == 0)
            return true;
    return false;
}

bool qn_pass_is_on(const quern_model *model, const char *name)
{
    return !is_listed(model->disable_passes, name);
}

/* Outer graph first, so that what it learns reaches the bodies. */
static quern_status run_on(quern_model *model, const qn_pass *pass, qn_graph *g,
                           int *n_changed, quern_error *err)
{
    quern_status status = pass->run(model, g, n_changed, err);
    qn_graph_resolve(g);
    for (qn_node *node = g->first; node && status == QUERN_OK; node = node->next) {
        qn_graph *sub;
        for (int k = 0; (sub = qn_node_subgraph(node, k)) && status == QUERN_OK; k++)
            status = run_on(model, pass, sub, n_changed, err);
    }
    return status;
}

quern_status qn_passes_run(quern_model *model, quern_error *err)
{
    for (int round = 0; round < MAX_ROUNDS; round++) {
        int n_changed = 0;
        for (int i = 0; i < N_ROWS; i++)
            if (rows[i].run && qn_pass_is_on(model, rows[i].name) &&
                !(model->purpose == QN_FOR_GRADIENTS && rows[i].flags & QN_PASS_FUSES))
                QN_TRY(run_on(model, &rows[i], model->graph, &n_changed, err));
        if (n_changed == 0) break;
    }
    return QUERN_OK;
}

const qn_tensor *qn_const_input(const qn_node *node, int i)
{
    const qn_value *v = i < node->n_in ? node->in[i] : NULL;
    return v && !v->is_parameter ? v->constant : NULL;
}

bool qn_input_is(const qn_node *node, int i, double c)
{
    const qn_tensor *t = qn_const_input(node, i);
    if (!t || !qn_dtype_is_float(t->dtype) || t->rank > 1 || qn_tensor_count(t) != 1)
        return false;
    return fabs(qn_get_real(t, 0) - c) <=
           (qn_dtype_is_half(t->dtype) ? 4e-3 : 1e-6) * fabs(c);
}

bool qn_value_has_shape(const qn_value *v)
{
    if (!v || v->kind != QN_TENSOR || v->rank < 0) return false;
    for (int i = 0; i < v->rank; i++)
        if (v->dim[i] < 0) return false;
    return true;
}

bool qn_value_same_shape(const qn_value *a, const qn_value *b)
{
    return qn_value_has_shape(a) && qn_value_has_shape(b) && a->rank == b->rank &&
           memcmp(a->dim, b->dim, (size_t)a->rank * sizeof a->dim[0]) == 0;
}

bool qn_node_is(const qn_node *node, const char *name)
{
    return node && node->op && !node->op->domain && strcmp(node->op->name, name) == 0;
}

qn_node *qn_only_use(const qn_graph *g, const qn_value *v)
{
    if (v->n_uses != 1) return NULL;
    for (qn_node *n = v->producer ? v->producer->next : g->first; n; n = n->next)
        for (int i = 0; i < n->n_in; i++)
            if (n->in[i] == v) return n;
    return NULL;
}

bool qn_is_graph_output(const qn_graph *g, const qn_value *v)
{
    for (int i = 0; i < g->n_outputs; i++)
        if (qn_resolve(g->outputs[i]) == v) return true;
    return false;
}

bool qn_ints_are(const qn_node *node, const char *name, int64_t wanted)
{
    const qn_attr_value *a = qn_node_attr(node, name);
    for (int64_t i = 0; a && i < a->ints.n; i++)
        if (a->ints.v[i] != wanted) return false;
    return true;
}

bool qn_is_unpadded(const qn_node *node)
{
    return qn_ints_are(node, "pads", 0) && (!qn_node_attr(node, "auto_pad") ||
                                            qn_node_str_is(node, "auto_pad", "NOTSET"));
}

bool qn_is_pixel_conv(const qn_node *node)
{
    if (!qn_node_is(node, "Conv")) return false;
    const qn_tensor *w = qn_const_input(node, 1);
    for (int d = 2; w && d < w->rank; d++)
        if (w->dim[d] != 1) return false;
    return w && w->rank > 2 && qn_ints_are(node, "strides", 1) && qn_is_unpadded(node);
}
