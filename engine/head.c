/* SPDX-License-Identifier: Apache-2.0 */
/* engine/head.c - see head.h.  The graph is walked backwards from its outputs to the
 * candidates, then forwards from the one chosen; node->mark says where a node stands.
 */
#include "engine/head.h"

#include "engine/rng.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { ELSEWHERE, BEHIND, CANDIDATE, PATH }; /* marks */

typedef struct surgery {
    quern_model *model;
    qn_graph *g;
    qn_raw_names names;
    const qn_head_options *opt;
    qn_node *head;
    qn_value *weight, *bias;
    int class_dim; /* of the weight */
    int64_t had;
    bool is_kept, is_flat, is_pooled; /* what lies on the path */
} surgery;

/* ---- which node ---- */

/* The dim of the weights that counts classes, or -1: no layer that can be a head. */
static int class_dim(const qn_node *node)
{
    const qn_tensor *w = node->n_in > 1 ? qn_raw_constant(node->in[1]) : NULL;
    if (!w || w->kind != QN_TENSOR || !qn_dtype_is_float(w->dtype)) return -1;
    if (qn_raw_is(node, "Gemm") && w->rank == 2 && !qn_node_int(node, "transA", 0))
        return qn_node_int(node, "transB", 0) ? 0 : 1;
    if (qn_raw_is(node, "MatMul") && w->rank == 2) return 1;
    if (!qn_raw_is(node, "Conv") || w->rank < 3 || qn_node_int(node, "group", 1) != 1)
        return -1;
    for (int d = 2; d < w->rank; d++)
        if (w->dim[d] != 1) return -1;
    return 0;
}

static bool is_one_of(const qn_node *node, const char *const *types)
{
    for (; *types; types++)
        if (qn_raw_is(node, *types)) return true;
    return false;
}

static bool is_squash(const qn_node *node)
{
    static const char *const types[] = {"Softmax", "LogSoftmax", "Sigmoid", NULL};
    return is_one_of(node, types);
}

static bool is_pool(const qn_node *node)
{
    static const char *const types[] = {"GlobalAveragePool", "GlobalMaxPool",
                                        "ReduceMean", "AveragePool", NULL};
    return is_one_of(node, types);
}

static bool is_reshape(const qn_node *node)
{
    static const char *const types[] = {"Flatten", "Reshape", "Squeeze", NULL};
    return is_one_of(node, types);
}

/* The input through which scores flow, or -1: the node is no part of a tail. */
static int data_input(const qn_node *node)
{
    static const char *const others[] = {"Relu", "Dropout", "Identity", NULL};
    if (node->n_in < 1 || !node->in[0]) return -1;
    if (is_squash(node) || is_pool(node) || is_reshape(node) || is_one_of(node, others))
        return 0;
    if (!qn_raw_is(node, "Add") || node->n_in != 2 || !node->in[1]) return -1;
    const bool a = qn_raw_constant(node->in[0]), b = qn_raw_constant(node->in[1]);
    return a == b ? -1 : a ? 1 : 0;
}

/* Marks tails and candidates; returns how many candidates there are and the first. */
static int find_candidates(qn_graph *g, qn_node **first)
{
    int n = 0;
    for (qn_node *node = g->first; node; node = node->next)
        node->mark = ELSEWHERE;
    for (int i = 0; i < g->n_outputs; i++)
        if (g->outputs[i]->producer) g->outputs[i]->producer->mark = BEHIND;
    for (qn_node *node = g->last; node; node = node->prev) {
        if (node->mark != BEHIND) continue;
        const int data = data_input(node);
        if (class_dim(node) >= 0) {
            node->mark = CANDIDATE;
            *first = node;
            n++;
        } else if (data >= 0 && node->in[data]->producer) {
            node->in[data]->producer->mark = BEHIND;
        }
    }
    return n;
}

static quern_status fail_none(const qn_graph *g, quern_error *err)
{
    if (!g->n_outputs) return qn_fail(err, QUERN_INVALID, "the graph has no output");
    const qn_value *out = g->outputs[0];
    return qn_fail(err, QUERN_INVALID,
                   "no head found: output '%s' comes from %s, not from a linear layer "
                   "or 1x1 convolution with constant weights",
                   out->name, out->producer ? QN_LABEL(out->producer) : "no node");
}

static quern_status fail_many(const qn_graph *g, int n, quern_error *err)
{
    char names[400] = "";
    size_t at = 0;
    for (const qn_node *node = g->first; node; node = node->next) {
        if (node->mark != CANDIDATE || at + QN_LABEL_TEXT + 4 > sizeof names) continue;
        at += (size_t)snprintf(names + at, sizeof names - at, "%s'%s'", at ? ", " : "",
                               QN_LABEL(node));
    }
    return qn_fail(err, QUERN_INVALID,
                   "%d layers may be the head: %s; name one with --head", n, names);
}

static qn_node *find_named(const qn_graph *g, const char *name)
{
    for (qn_node *node = g->first; node; node = node->next)
        if (!strcmp(node->name, name) ||
            (node->n_out && node->out[0] && !strcmp(node->out[0]->name, name)))
            return node;
    return NULL;
}

static quern_status choose(surgery *s, quern_error *err)
{
    const char *name = s->opt->node;
    const int n = find_candidates(s->g, &s->head);
    if (!name && n == 0) return fail_none(s->g, err);
    if (!name && n > 1) return fail_many(s->g, n, err);
    if (!name) return QUERN_OK;
    s->head = find_named(s->g, name);
    if (!s->head) return qn_fail(err, QUERN_INVALID, "no node is called '%s'", name);
    if (class_dim(s->head) < 0 || !s->head->n_out || !s->head->out[0])
        return qn_fail(err, QUERN_INVALID,
                       "node '%s' cannot be the head: it is no linear layer or 1x1 "
                       "convolution with constant weights",
                       QN_LABEL(s->head));
    return QUERN_OK;
}

/* ---- weights ---- */

static quern_status new_tensor(surgery *s, const qn_tensor *like, int dim,
                               qn_tensor *out, quern_error *err)
{
    *out = *like;
    out->dim[dim] = s->opt->n_classes;
    QN_TRY(qn_tensor_check(out, err));
    return qn_tensor_alloc(s->g->arena, out, err);
}

static quern_status new_weight(surgery *s, quern_error *err)
{
    qn_tensor t;
    QN_TRY(new_tensor(s, s->weight->constant, s->class_dim, &t, err));
    const qn_rng rng = qn_rng_make(s->opt->seed, s->weight->name, 0);
    const int64_t n = qn_tensor_count(&t), features = n / s->opt->n_classes;
    const double deviation = features ? 1 / sqrt(3.0 * (double)features) : 0;
    for (int64_t i = 0; i < n; i++)
        qn_set_real(&t, i, deviation * qn_rng_normal(&rng, (uint64_t)i));
    return qn_raw_set_constant(s->g, s->weight, &t, err);
}

/* One number a class becomes zeros; a single one for all may stay. */
static quern_status new_bias(surgery *s, qn_value *v, const qn_node *node,
                             quern_error *err)
{
    const qn_tensor *old = v->constant;
    const int64_t n = qn_tensor_count(old);
    int dim = old->rank - 1;
    qn_tensor t;
    if (n == 1 && s->had != 1) return QUERN_OK;
    while (dim > 0 && old->dim[dim] == 1)
        dim--; /* [C,1,1] behind a convolution */
    if (n != s->had || dim < 0 || old->dim[dim] != n)
        return qn_fail(err, QUERN_SHAPE, "bias of node '%s' is %s for %lld classes",
                       QN_LABEL(node), QN_SHAPE(old), (long long)s->had);
    s->bias = v;
    if (s->is_kept) return QUERN_OK;
    QN_TRY(new_tensor(s, old, dim, &t, err));
    for (int64_t i = 0; i < s->opt->n_classes; i++)
        qn_set_real(&t, i, 0);
    return qn_raw_set_constant(s->g, v, &t, err);
}

/* The initializer behind input i of a node, for it alone. */
static quern_status own_constant(surgery *s, qn_node *node, int i, qn_value **out,
                                 quern_error *err)
{
    const char *name;
    const qn_value *v = node->in[i];
    *out = node->in[i];
    if (v->constant && v->n_uses == 1) return QUERN_OK;
    QN_TRY(qn_raw_name(&s->names, v->name, &name, err));
    QN_TRY(qn_graph_add_constant(s->g, name, qn_raw_constant(v), out, err));
    node->in[i] = *out;
    (*out)->n_uses = 1;
    return QUERN_OK;
}

static quern_status replace_weights(surgery *s, quern_error *err)
{
    qn_node *head = s->head;
    qn_value *bias;
    s->class_dim = class_dim(head);
    s->had = qn_raw_constant(head->in[1])->dim[s->class_dim];
    s->is_kept = s->opt->keep && s->had == s->opt->n_classes;
    QN_TRY(own_constant(s, head, 1, &s->weight, err));
    if (!s->is_kept) QN_TRY(new_weight(s, err));
    if (head->n_in < 3 || !head->in[2]) return QUERN_OK;
    if (!qn_raw_constant(head->in[2]))
        return qn_fail(err, QUERN_UNSUPPORTED, "bias of node '%s' is no constant",
                       QN_LABEL(head));
    QN_TRY(own_constant(s, head, 2, &bias, err));
    return new_bias(s, bias, head, err);
}

/* ---- what lies behind ---- */

/* [1,1000] or [-1,1000] in a Reshape: the classes are others now. */
static quern_status fix_target(surgery *s, qn_node *node, quern_error *err)
{
    const qn_tensor *shape = node->n_in > 1 ? qn_raw_constant(node->in[1]) : NULL;
    qn_tensor t;
    qn_value *v;
    if (s->is_kept || !shape || shape->dtype != QUERN_INT64 || shape->rank != 1)
        return QUERN_OK;
    QN_TRY(qn_tensor_copy(s->g->arena, &t, shape, err));
    int64_t *dim = t.data;
    for (int64_t i = 1; i < t.dim[0]; i++)
        if (dim[i] == s->had) {
            dim[i] = s->opt->n_classes;
            QN_TRY(own_constant(s, node, 1, &v, err));
            return qn_raw_set_constant(s->g, v, &t, err);
        }
    return QUERN_OK;
}

/* One node behind the head, in order. */
static quern_status follow(surgery *s, qn_node *node, int data, quern_error *err)
{
    qn_value *bias;
    if (is_squash(node)) {
        qn_value_replace(node->out[0], node->in[data]);
        return QUERN_OK;
    }
    s->is_pooled = s->is_pooled || (is_pool(node) && !qn_raw_is(node, "AveragePool"));
    s->is_flat = s->is_flat || is_reshape(node);
    if (qn_raw_is(node, "ReduceMean") && !qn_node_int(node, "keepdims", 1))
        s->is_flat = true;
    if (qn_raw_is(node, "Reshape")) return fix_target(s, node, err);
    if (!qn_raw_is(node, "Add")) return QUERN_OK;
    QN_TRY(own_constant(s, node, 1 - data, &bias, err));
    return new_bias(s, bias, node, err);
}

/* Edits the path to the outputs; *out is the first output on it, as it is declared. */
static quern_status follow_path(surgery *s, qn_value **out, quern_error *err)
{
    *out = NULL;
    s->is_flat = !qn_raw_is(s->head, "Conv");
    const bool is_tail = s->head->mark == CANDIDATE;
    s->head->mark = PATH;
    for (qn_node *node = s->head->next; is_tail && node; node = node->next) {
        if (node->mark != BEHIND) continue;
        const int data = data_input(node);
        const qn_node *from = data < 0 ? NULL : node->in[data]->producer;
        if (!from || from->mark != PATH || !node->n_out || !node->out[0]) continue;
        node->mark = PATH;
        QN_TRY(follow(s, node, data, err));
    }
    for (int i = s->g->n_outputs - 1; i >= 0; i--) {
        const qn_node *from = s->g->outputs[i]->producer;
        if (from && from->mark == PATH) *out = s->g->outputs[i];
    }
    return QUERN_OK;
}

/* ---- the output ---- */

/* The dim of a declared shape that counts classes, or -1. */
static int declared_classes(const qn_value *v, int64_t had)
{
    for (int d = v->rank - 1; d >= 0; d--)
        if (v->dim[d] == had && (d > 0 || v->rank == 1)) return d;
    return v->rank > 1 ? 1 : -1;
}

static void declare(surgery *s, qn_value *v, const qn_value *declared)
{
    v->dtype = s->weight->dtype;
    v->kind = QN_TENSOR;
    if (v != declared && declared->rank >= 0) {
        v->rank = declared->rank;
        memcpy(v->dim, declared->dim, sizeof v->dim);
        memcpy(v->symbol, declared->symbol, sizeof v->symbol);
    }
    const int at = declared_classes(v, s->had);
    if (at < 0) return;
    v->dim[at] = s->opt->n_classes;
    v->symbol[at] = NULL;
}

static quern_status append(surgery *s, const char *op_type, qn_value **v,
                           quern_error *err)
{
    qn_node *node;
    const int64_t opset = qn_model_opset(s->model, "");
    QN_TRY(qn_graph_new_node(s->g, op_type, "", opset, 1, 1, &node, err));
    QN_TRY(qn_graph_add_value(s->g, "", &node->out[0], err));
    node->in[0] = *v;
    QN_TRY(qn_raw_name(&s->names, op_type, &node->name, err));
    node->out[0]->name = node->name;
    qn_graph_insert(s->g, node, NULL);
    *v = node->out[0];
    return QUERN_OK;
}

/* Scores of a convolution are maps: their mean, as [batch,classes]. */
static quern_status flatten(surgery *s, qn_value **v, quern_error *err)
{
    int64_t batch = *v && (*v)->rank > 0 ? (*v)->dim[0] : -1;
    const char *symbol = batch < 0 && (*v)->rank > 0 ? (*v)->symbol[0] : NULL;
    if (!s->is_pooled) QN_TRY(append(s, "GlobalAveragePool", v, err));
    QN_TRY(append(s, "Flatten", v, err));
    (*v)->rank = 2;
    (*v)->dim[0] = batch;
    (*v)->dim[1] = s->opt->n_classes;
    (*v)->symbol[0] = symbol;
    return QUERN_OK;
}

static bool is_output(const qn_graph *g, const qn_value *v)
{
    for (int i = 0; i < g->n_outputs; i++)
        if (g->outputs[i] == v) return true;
    return false;
}

/* The graph ends in the scores alone, under the name that the output had. */
static quern_status set_output(surgery *s, qn_value *declared, quern_error *err)
{
    const char *name;
    qn_value *v = qn_resolve(declared);
    const bool keeps_name = v != declared && is_output(s->g, v);
    declare(s, v, declared);
    if (!s->is_flat) QN_TRY(flatten(s, &v, err));
    if (v != declared && !keeps_name) {
        name = declared->name;
        QN_TRY(qn_raw_name(&s->names, name, &declared->name, err));
        v->name = name;
    }
    if (s->g->n_outputs > 1)
        qn_model_log(s->model, "of %d outputs only '%s' is kept", s->g->n_outputs,
                     v->name);
    s->g->outputs[0] = v;
    s->g->n_outputs = 1;
    qn_graph_resolve(s->g);
    return QUERN_OK;
}

static quern_status operate(surgery *s, quern_error *err)
{
    qn_value *declared;
    QN_TRY(qn_raw_untie(s->model, err));
    qn_raw_names_init(&s->names, s->model);
    QN_TRY(choose(s, err));
    QN_TRY(replace_weights(s, err));
    QN_TRY(follow_path(s, &declared, err));
    if (!declared) declared = s->head->out[0];
    if (!s->g->n_outputs) return fail_none(s->g, err);
    QN_TRY(set_output(s, declared, err));
    return qn_raw_prune(s->model, err);
}

quern_status qn_head_replace(quern_model *raw, const qn_head_options *opt, qn_head *out,
                             quern_error *err)
{
    surgery s = {.model = raw, .g = raw->graph, .opt = opt};
    if (opt->n_classes < 2)
        return qn_fail(err, QUERN_INVALID, "%lld classes; a classifier needs 2",
                       (long long)opt->n_classes);
    QN_TRY(operate(&s, err));
    if (!out) return QUERN_OK;
    char text[QN_LABEL_TEXT];
    qn_node_label(text, s.head);
    *out = (qn_head){.weight = s.weight->name,
                     .bias = s.bias ? s.bias->name : NULL,
                     .had = s.had,
                     .n_features = qn_tensor_count(s.weight->constant) /
                                   s.weight->constant->dim[s.class_dim],
                     .is_kept = s.is_kept};
    return qn_arena_text(&raw->arena, text, strlen(text), &out->label, err);
}
