/* SPDX-License-Identifier: Apache-2.0 */
/* engine/raw.c - small questions and edits on raw models, and untying shared tensors.
 */
#include "engine/raw.h"

#include "engine/pass.h"
#include "engine/text.h"

#include <stdio.h>
#include <string.h>

bool qn_raw_is(const qn_node *node, const char *op_type)
{
    return node && !*node->domain && !strcmp(node->op_type, op_type);
}

const qn_tensor *qn_raw_constant(const qn_value *v)
{
    if (!v || v->is_input) return NULL;
    if (v->constant) return v->constant;
    if (!qn_raw_is(v->producer, "Constant")) return NULL;
    const qn_attr_value *a = qn_node_attr(v->producer, "value");
    return a && a->kind == QN_ATTR_TENSOR ? a->tensor : NULL;
}

quern_status qn_raw_set_constant(qn_graph *g, qn_value *v, const qn_tensor *t,
                                 quern_error *err)
{
    void *copy;
    QN_TRY(qn_arena_alloc(g->arena, sizeof *t, &copy, err));
    v->constant = copy;
    *v->constant = *t;
    v->producer = NULL;
    v->dtype = t->dtype;
    v->rank = t->rank;
    memcpy(v->dim, t->dim, sizeof v->dim);
    memset(v->symbol, 0, sizeof v->symbol);
    return QUERN_OK;
}

/* ---- names ---- */

/* Names that are made here are own<N>.<base>; N of this one, or -1. */
static int64_t own_number(const char *name)
{
    int64_t n;
    if (strncmp(name, "own", 3) != 0) return -1;
    const size_t length = strcspn(name + 3, ".");
    return qn_text_to_int(name + 3, length, &n) && n < INT32_MAX ? n : -1;
}

static int64_t largest_number(const qn_graph *g)
{
    int64_t largest = -1;
    for (int i = 0; i < g->n_values; i++) {
        const int64_t n = own_number(g->values[i]->name);
        if (n > largest) largest = n;
    }
    for (const qn_node *node = g->first; node; node = node->next) {
        const qn_graph *sub;
        for (int k = 0; (sub = qn_node_subgraph(node, k)); k++) {
            const int64_t n = largest_number(sub);
            if (n > largest) largest = n;
        }
    }
    return largest;
}

void qn_raw_names_init(qn_raw_names *names, const quern_model *raw)
{
    *names = (qn_raw_names){raw->graph->arena, largest_number(raw->graph) + 1};
}

quern_status qn_raw_name(qn_raw_names *names, const char *base, const char **out,
                         quern_error *err)
{
    if (own_number(base) >= 0) base += strcspn(base, ".");
    const char *dot = *base == '.' ? "" : ".";
    const size_t n = strlen(base) + 32;
    void *text;
    QN_TRY(qn_arena_alloc(names->arena, n, &text, err));
    snprintf(text, n, "own%lld%s%s", (long long)names->next++, dot, base);
    *out = text;
    return QUERN_OK;
}

/* ---- pruning ---- */

qn_pass_fn qn_pass_dead_nodes;

quern_status qn_raw_prune(quern_model *raw, quern_error *err)
{
    qn_graph *g = raw->graph;
    int n = 0;
    QN_TRY(qn_pass_dead_nodes(raw, g, &n, err));
    qn_graph_count_uses(g);
    for (int i = 0; i < g->n_values; i++)
        if (!g->values[i]->n_uses && !g->values[i]->is_input)
            g->values[i]->constant = NULL;
    return QUERN_OK;
}

/* ---- untying ---- */

static bool is_weight(const qn_tensor *t)
{
    return t && t->kind == QN_TENSOR && t->rank > 0 && qn_dtype_is_float(t->dtype);
}

static bool is_output(const qn_graph *g, const qn_value *v)
{
    for (int i = 0; i < g->n_outputs; i++)
        if (g->outputs[i] == v) return true;
    return false;
}

/* Outputs of Constant and of Identity of an initializer become initializers. */
static quern_status lift(qn_graph *g, quern_error *err)
{
    for (qn_node *node = g->first, *next; node; node = next) {
        next = node->next;
        qn_value *out = node->n_out == 1 ? node->out[0] : NULL;
        const bool is_identity = qn_raw_is(node, "Identity") && node->n_in == 1;
        const qn_tensor *t = is_identity ? qn_raw_constant(node->in[0])
                             : qn_raw_is(node, "Constant") && out ? qn_raw_constant(out)
                                                                  : NULL;
        if (!out || !is_weight(t) || is_output(g, out)) continue;
        qn_graph_remove(g, node);
        QN_TRY(qn_raw_set_constant(g, out, t, err));
    }
    return QUERN_OK;
}

quern_status qn_raw_untie(quern_model *raw, quern_error *err)
{
    qn_graph *g = raw->graph;
    const char *name;
    qn_raw_names names;
    QN_TRY(lift(g, err));
    qn_graph_count_uses(g);
    qn_raw_names_init(&names, raw);
    for (qn_node *node = g->first; node; node = node->next)
        for (int i = 0; i < node->n_in; i++) {
            qn_value *v = node->in[i];
            if (!v || v->n_uses < 2 || v->is_input || !is_weight(v->constant)) continue;
            v->n_uses--;
            QN_TRY(qn_raw_name(&names, v->name, &name, err));
            QN_TRY(qn_graph_add_constant(g, name, v->constant, &node->in[i], err));
            node->in[i]->n_uses = 1;
        }
    return qn_raw_prune(raw, err);
}

/* ---- the form of inference ---- */

/* Keeps the first output; the others must have no readers. */
static quern_status one_output(qn_node *node, quern_error *err)
{
    for (int i = 1; i < node->n_out; i++) {
        if (node->out[i] && node->out[i]->n_uses)
            return qn_fail(err, QUERN_UNSUPPORTED,
                           "output %d of node '%s', made in training only, is read", i,
                           QN_LABEL(node));
        if (node->out[i]) node->out[i]->producer = NULL;
    }
    if (node->n_out > 1) node->n_out = 1;
    return QUERN_OK;
}

quern_status qn_raw_inference(quern_model *raw, quern_error *err)
{
    qn_graph_count_uses(raw->graph);
    for (qn_node *node = raw->graph->first; node; node = node->next) {
        if (qn_raw_is(node, "BatchNormalization")) {
            qn_node_drop_attr(node, "training_mode");
            QN_TRY(one_output(node, err));
        } else if (qn_raw_is(node, "Dropout") && node->n_in > 2) {
            node->n_in = node->in[1] ? 2 : 1; /* training_mode */
        }
    }
    return qn_raw_prune(raw, err);
}
