/* SPDX-License-Identifier: Apache-2.0 */
/* engine/ops/qlinear_lower.c - quantised operators of com.microsoft that become
 * DequantizeLinear, the float operator and QuantizeLinear: QLinearAveragePool,
 * QLinearGlobalAveragePool, QLinearConcat, QLinearSoftmax and QGemm, version 1 each.
 *
 * Inputs come in triples: tensor, scale, zero point (which may be absent). */
#include "engine/op.h"

static qn_value *input(const qn_node *node, int i)
{
    return i < node->n_in ? node->in[i] : NULL;
}

/* The float value of the triple that starts at input i; axis of a scale per channel. */
static quern_status widen(qn_graph *g, qn_node *node, int i, int64_t axis,
                          qn_value **out, quern_error *err)
{
    qn_value *in[] = {input(node, i), input(node, i + 1), input(node, i + 2)};
    if (!in[0] || !in[1])
        return qn_fail(err, QUERN_INVALID, "input %d or its scale is absent", i);
    QN_TRY(qn_graph_emit(g, node, "DequantizeLinear", 3, in, out, err));
    return qn_node_set_int((*out)->producer, "axis", axis, err);
}

static quern_status copy_attrs(const qn_node *from, qn_node *to,
                               const char *const *names, quern_error *err)
{
    for (; *names; names++) {
        const qn_attr_value *a = qn_node_attr(from, *names);
        if (a) QN_TRY(qn_node_set_attr(to, a, err));
    }
    return QUERN_OK;
}

/* The node's result is y quantised by the scale at input i and the zero point behind
 * it; the node goes. */
static quern_status narrow(qn_graph *g, qn_node *node, qn_value *y, int i,
                           quern_error *err)
{
    qn_value *in[] = {y, input(node, i), input(node, i + 1)}, *q;
    if (!in[1])
        return qn_fail(err, QUERN_INVALID, "the scale at input %d is absent", i);
    QN_TRY(qn_graph_emit(g, node, "QuantizeLinear", 3, in, &q, err));
    qn_value_replace(node->out[0], q);
    qn_graph_remove(g, node);
    return QUERN_OK;
}

static quern_status channels_first(const qn_node *node, quern_error *err)
{
    if (qn_node_int(node, "channels_last", 0) == 0) return QUERN_OK;
    return qn_fail(err, QUERN_UNSUPPORTED, "channels_last");
}

static const char *const pool_attrs[] = {
    "auto_pad", "ceil_mode", "count_include_pad", "kernel_shape", "pads",
    "strides",  NULL};
static const char *const axis_attrs[] = {"axis", NULL};
static const char *const no_attrs[] = {NULL};

/* One tensor in, one out: x triple, scale and zero point of y. */
static quern_status lower_unary(qn_graph *g, qn_node *node, const char *op,
                                const char *const *attrs, quern_error *err)
{
    qn_value *x, *y;
    QN_TRY(channels_first(node, err));
    QN_TRY(widen(g, node, 0, 1, &x, err));
    QN_TRY(qn_graph_emit(g, node, op, 1, &x, &y, err));
    QN_TRY(copy_attrs(node, y->producer, attrs, err));
    return narrow(g, node, y, 3, err);
}

static quern_status pool_lower(qn_graph *g, qn_node *node, quern_error *err)
{
    return lower_unary(g, node, "AveragePool", pool_attrs, err);
}

static quern_status global_pool_lower(qn_graph *g, qn_node *node, quern_error *err)
{
    return lower_unary(g, node, "GlobalAveragePool", no_attrs, err);
}

/* Attribute opset says which Softmax is meant: below 13 the coerced one. */
static quern_status softmax_lower(qn_graph *g, qn_node *node, quern_error *err)
{
    qn_value *x, *y;
    int64_t opset = qn_node_int(node, "opset", 13);
    QN_TRY(widen(g, node, 0, 1, &x, err));
    QN_TRY(qn_graph_emit(g, node, "Softmax", 1, &x, &y, err));
    QN_TRY(copy_attrs(node, y->producer, axis_attrs, err));
    if (opset < 13) y->producer->opset = opset;
    return narrow(g, node, y, 3, err);
}

static quern_status concat_lower(qn_graph *g, qn_node *node, quern_error *err)
{
    int n = (node->n_in - 2) / 3;
    void *room;
    qn_value *y;
    if (node->n_in < 5 || (node->n_in - 2) % 3)
        return qn_fail(err, QUERN_INVALID, "has %d inputs, takes 2 and triples",
                       node->n_in);
    QN_TRY(qn_arena_array(g->arena, (size_t)n, sizeof(qn_value *), &room, err));
    qn_value **x = room;
    for (int i = 0; i < n; i++)
        QN_TRY(widen(g, node, 2 + 3 * i, 1, &x[i], err));
    QN_TRY(qn_graph_emit(g, node, "Concat", n, x, &y, err));
    QN_TRY(copy_attrs(node, y->producer, axis_attrs, err));
    return narrow(g, node, y, 0, err);
}

/* C is int32 in units of a_scale * b_scale. */
static quern_status widen_bias(qn_graph *g, qn_node *node, qn_value **c,
                               quern_error *err)
{
    qn_value *scales[] = {input(node, 1), input(node, 4)}, *unit, *real;
    *c = NULL;
    if (!input(node, 6)) return QUERN_OK;
    QN_TRY(qn_graph_emit(g, node, "Mul", 2, scales, &unit, err));
    QN_TRY(qn_graph_emit(g, node, "CastLike", 2, (qn_value *[]){input(node, 6), unit},
                         &real, err));
    return qn_graph_emit(g, node, "Mul", 2, (qn_value *[]){real, unit}, c, err);
}

static quern_status gemm_lower(qn_graph *g, qn_node *node, quern_error *err)
{
    static const char *const attrs[] = {"alpha", "transA", "transB", NULL};
    qn_value *in[3], *y;
    int64_t columns = qn_node_int(node, "transB", 0) ? 0 : 1; /* axis of B's scales */
    QN_TRY(widen(g, node, 0, 1, &in[0], err));
    QN_TRY(widen(g, node, 3, columns, &in[1], err));
    QN_TRY(widen_bias(g, node, &in[2], err));
    QN_TRY(qn_graph_emit(g, node, "Gemm", 3, in, &y, err));
    QN_TRY(copy_attrs(node, y->producer, attrs, err));
    if (input(node, 7)) return narrow(g, node, y, 7, err);
    qn_value_replace(node->out[0], y);
    qn_graph_remove(g, node);
    return QUERN_OK;
}

/* Rows that are never bound: lowering replaces every node of theirs. */
#define LOWERED(row, text, least, most, hook) \
    const qn_op qn_op_##row = {               \
        .name = text,                         \
        .domain = "com.microsoft",            \
        .since = 1,                           \
        .min_in = least,                      \
        .max_in = most,                       \
        .types = {QN_T_PLAIN},                \
        .lower = hook,                        \
    };
LOWERED(qlinear_average_pool, "QLinearAveragePool", 4, 5, pool_lower)
LOWERED(qlinear_global_average_pool, "QLinearGlobalAveragePool", 5, 5,
        global_pool_lower)
LOWERED(qlinear_concat, "QLinearConcat", 5, -1, concat_lower)
LOWERED(qlinear_softmax, "QLinearSoftmax", 5, 5, softmax_lower)
LOWERED(qgemm, "QGemm", 6, 9, gemm_lower)
#undef LOWERED
