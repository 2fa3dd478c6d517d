/* SPDX-License-Identifier: Apache-2.0 */
/* engine/nets/net_builder.c - nodes, constants and initial weights of a built-in
 * network.  Weights are drawn by (seed, name), so a layer's do not depend on what else
 * the network has. */
#include "engine/nets/net_builder.h"

#include "engine/rng.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static bool failed(qn_builder *b)
{
    return b->error.status != QUERN_OK;
}

const char *qn_net_name(qn_builder *b, const char *format, ...)
{
    char text[96];
    const char *name = "";
    va_list list;
    va_start(list, format);
    const int n = vsnprintf(text, sizeof text, format, list);
    va_end(list);
    if (!failed(b))
        qn_arena_text(&b->model->arena, text, n > 0 ? strlen(text) : 0, &name,
                      &b->error);
    return name;
}

int64_t qn_net_width(const qn_builder *b, double channels)
{
    const double m = b->opt->multiplier != 0 ? b->opt->multiplier : 1;
    const int64_t eights = (int64_t)floor(channels * m / 8 + 0.5);
    return eights < 1 ? 8 : 8 * eights;
}

int qn_net_side(const qn_builder *b)
{
    return b->opt->height > b->opt->width ? b->opt->height : b->opt->width;
}

int qn_net_halvings(const qn_builder *b, int most)
{
    const int side = qn_net_side(b);
    const int shorter = b->opt->height + b->opt->width - side;
    int n = 0;
    while ((side + 1) >> n > most && shorter >> (n + 1) >= QN_NET_MIN_SIDE)
        n++;
    return n;
}

/* ---- nodes ---- */

qn_node *qn_net_node(qn_builder *b, const char *op_type, const char *name, int n,
                     qn_value *const *in)
{
    qn_graph *g = b->model->graph;
    qn_node *node = NULL;
    while (n > 0 && !in[n - 1])
        n--;
    if (failed(b) || qn_graph_new_node(g, op_type, "", QN_NET_OPSET, n, 1, &node,
                                       &b->error) != QUERN_OK)
        return NULL;
    if (qn_graph_add_value(g, name, &node->out[0], &b->error) != QUERN_OK) return NULL;
    node->name = name;
    for (int i = 0; i < n; i++)
        node->in[i] = in[i];
    qn_graph_insert(g, node, NULL);
    return node;
}

qn_value *qn_net_op(qn_builder *b, const char *op_type, const char *name, int n,
                    qn_value *const *in)
{
    qn_node *node = qn_net_node(b, op_type, name, n, in);
    return node ? node->out[0] : NULL;
}

void qn_net_set_int(qn_builder *b, qn_node *node, const char *name, int64_t i)
{
    if (!failed(b)) qn_node_set_int(node, name, i, &b->error);
}

void qn_net_set_ints(qn_builder *b, qn_node *node, const char *name, int n,
                     const int64_t *v)
{
    if (!failed(b)) qn_node_set_ints(node, name, n, v, &b->error);
}

void qn_net_set_float(qn_builder *b, qn_node *node, const char *name, float f)
{
    const qn_attr_value a = {.name = name, .kind = QN_ATTR_FLOAT, .f = f};
    if (!failed(b)) qn_node_set_attr(node, &a, &b->error);
}

/* ---- weights ---- */

float *qn_net_weight(qn_builder *b, const char *layer, const char *part, int rank,
                     const int64_t *dim, qn_value **out)
{
    qn_tensor t = {.dtype = QUERN_FLOAT, .rank = rank};
    const char *name = qn_net_name(b, "%s.%s", layer, part);
    memcpy(t.dim, dim, (size_t)rank * sizeof *dim);
    *out = NULL;
    if (failed(b) || qn_tensor_alloc(&b->model->arena, &t, &b->error) != QUERN_OK ||
        qn_graph_add_constant(b->model->graph, name, &t, out, &b->error) != QUERN_OK)
        return NULL;
    return t.data;
}

qn_value *qn_net_normal(qn_builder *b, const char *layer, const char *part, int rank,
                        const int64_t *dim, double deviation)
{
    qn_value *v;
    float *w = qn_net_weight(b, layer, part, rank, dim, &v);
    if (!w) return NULL;
    const qn_rng rng = qn_rng_make(b->opt->seed, v->name, 0);
    const int64_t n = qn_tensor_count(v->constant);
    for (int64_t i = 0; i < n; i++)
        w[i] = (float)(deviation * qn_rng_normal(&rng, (uint64_t)i));
    return v;
}

qn_value *qn_net_filled(qn_builder *b, const char *layer, const char *part, int64_t n,
                        float x)
{
    qn_value *v;
    float *w = qn_net_weight(b, layer, part, 1, &n, &v);
    for (int64_t i = 0; w && i < n; i++)
        w[i] = x;
    return v;
}

/* ---- constants ---- */

static qn_value *constant(qn_builder *b, const char *name, const qn_tensor *t)
{
    void *copy;
    qn_node *node = qn_net_node(b, "Constant", name, 0, NULL);
    if (!node ||
        qn_arena_alloc(&b->model->arena, sizeof *t, &copy, &b->error) != QUERN_OK)
        return NULL;
    memcpy(copy, t, sizeof *t);
    const qn_attr_value a = {.name = "value", .kind = QN_ATTR_TENSOR, .tensor = copy};
    qn_node_set_attr(node, &a, &b->error);
    return node->out[0];
}

qn_value *qn_net_scalar(qn_builder *b, const char *name, float x)
{
    qn_tensor t = {.dtype = QUERN_FLOAT};
    if (failed(b) || qn_tensor_alloc(&b->model->arena, &t, &b->error) != QUERN_OK)
        return NULL;
    *(float *)t.data = x;
    return constant(b, name, &t);
}

qn_value *qn_net_shape(qn_builder *b, const char *name, int n, const int64_t *v)
{
    qn_tensor t = {.dtype = QUERN_INT64, .rank = 1, .dim = {n}};
    if (failed(b) || qn_tensor_alloc(&b->model->arena, &t, &b->error) != QUERN_OK)
        return NULL;
    memcpy(t.data, v, (size_t)n * sizeof *v);
    return constant(b, name, &t);
}
