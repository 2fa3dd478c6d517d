/* SPDX-License-Identifier: Apache-2.0 */
/* engine/nets/net_layers.c - the layers that built-in networks are made of. */
#include "engine/nets/net_builder.h"

#include <math.h>
#include <string.h>

qn_flow qn_net_input(qn_builder *b)
{
    const qn_net_options *o = b->opt;
    qn_graph *g = b->model->graph;
    qn_flow x = {NULL, o->channels, o->height, o->width};
    void *list;
    if (qn_arena_array(g->arena, 1, sizeof *g->inputs, &list, &b->error) != QUERN_OK ||
        qn_graph_add_value(g, "image", &x.v, &b->error) != QUERN_OK)
        return x;
    x.v->is_input = true;
    x.v->dtype = QUERN_FLOAT;
    x.v->rank = 4;
    memcpy(x.v->dim, (int64_t[]){-1, x.c, x.h, x.w}, 4 * sizeof x.c);
    x.v->symbol[0] = "batch";
    g->inputs = list;
    g->inputs[g->n_inputs++] = x.v;
    return x;
}

/* ---- convolution and normalisation ---- */

static int64_t shrunk(int64_t n, int stride)
{
    return (n + stride - 1) / stride;
}

qn_flow qn_net_conv(qn_builder *b, const char *name, qn_flow x, qn_conv_spec s)
{
    const int64_t group = s.group ? s.group : 1, k = s.kernel, p = (k - 1) / 2;
    const int64_t dim[] = {s.out, x.c / group, k, k};
    const double deviation = sqrt(2.0 / (double)(s.out / group * k * k));
    qn_value *w = qn_net_normal(b, name, "weight", 4, dim, deviation);
    qn_node *node = qn_net_node(b, "Conv", name, 2, (qn_value *[]){x.v, w});
    qn_net_set_ints(b, node, "kernel_shape", 2, (int64_t[]){k, k});
    qn_net_set_ints(b, node, "pads", 4, (int64_t[]){p, p, p, p});
    qn_net_set_ints(b, node, "strides", 2, (int64_t[]){s.stride, s.stride});
    if (group > 1) qn_net_set_int(b, node, "group", group);
    return (qn_flow){node ? node->out[0] : NULL, s.out, shrunk(x.h, s.stride),
                     shrunk(x.w, s.stride)};
}

qn_flow qn_net_batch_norm(qn_builder *b, const char *name, qn_flow x)
{
    qn_value *in[] = {x.v, qn_net_filled(b, name, "weight", x.c, 1),
                      qn_net_filled(b, name, "bias", x.c, 0),
                      qn_net_filled(b, name, "running_mean", x.c, 0),
                      qn_net_filled(b, name, "running_var", x.c, 1)};
    qn_node *node = qn_net_node(b, "BatchNormalization", name, 5, in);
    qn_net_set_float(b, node, "epsilon", 1e-5F);
    qn_net_set_float(b, node, "momentum", 0.9F);
    x.v = node ? node->out[0] : NULL;
    return x;
}

qn_flow qn_net_conv_norm(qn_builder *b, const char *scope, int i, qn_flow x,
                         qn_conv_spec s)
{
    x = qn_net_conv(b, qn_net_name(b, "%s.conv%d", scope, i), x, s);
    return qn_net_batch_norm(b, qn_net_name(b, "%s.bn%d", scope, i), x);
}

qn_flow qn_net_shrink(qn_builder *b, qn_flow x, int64_t width, int n)
{
    for (int i = 1; i <= n; i++) {
        x = qn_net_conv_norm(b, "stem", i, x, (qn_conv_spec){width, 3, 2, 1});
        x = qn_net_relu(b, qn_net_name(b, "stem.relu%d", i), x);
    }
    return x;
}

/* ---- without weights ---- */

qn_flow qn_net_relu(qn_builder *b, const char *name, qn_flow x)
{
    x.v = qn_net_op(b, "Relu", name, 1, &x.v);
    return x;
}

qn_flow qn_net_relu6(qn_builder *b, const char *name, qn_flow x)
{
    qn_value *in[] = {x.v, qn_net_scalar(b, qn_net_name(b, "%s.min", name), 0),
                      qn_net_scalar(b, qn_net_name(b, "%s.max", name), 6)};
    x.v = qn_net_op(b, "Clip", name, 3, in);
    return x;
}

qn_flow qn_net_add(qn_builder *b, const char *name, qn_flow x, qn_flow y)
{
    x.v = qn_net_op(b, "Add", name, 2, (qn_value *[]){x.v, y.v});
    return x;
}

qn_flow qn_net_pool(qn_builder *b, const char *op_type, const char *name, qn_flow x,
                    int k)
{
    qn_node *node = qn_net_node(b, op_type, name, 1, &x.v);
    qn_net_set_ints(b, node, "kernel_shape", 2, (int64_t[]){k, k});
    qn_net_set_ints(b, node, "strides", 2, (int64_t[]){k, k});
    return (qn_flow){node ? node->out[0] : NULL, x.c, x.h / k, x.w / k};
}

qn_flow qn_net_global_pool(qn_builder *b, const char *op_type, qn_flow x)
{
    return (qn_flow){qn_net_op(b, op_type, "pool", 1, &x.v), x.c, 1, 1};
}

qn_flow qn_net_flatten(qn_builder *b, qn_flow x)
{
    return (qn_flow){qn_net_op(b, "Flatten", "flatten", 1, &x.v), x.c * x.h * x.w, 1,
                     1};
}

/* ---- linear layers ---- */

qn_flow qn_net_linear(qn_builder *b, const char *name, qn_flow x, int64_t out,
                      double gain)
{
    const int64_t dim[] = {out, x.c};
    qn_value *w = qn_net_normal(b, name, "weight", 2, dim, gain / sqrt((double)x.c));
    qn_value *in[] = {x.v, w, qn_net_filled(b, name, "bias", out, 0)};
    qn_node *node = qn_net_node(b, "Gemm", name, 3, in);
    qn_net_set_int(b, node, "transB", 1);
    return (qn_flow){node ? node->out[0] : NULL, out, 1, 1};
}

static void set_output(qn_builder *b, qn_value *v, const char *name, int64_t classes)
{
    qn_graph *g = b->model->graph;
    void *list;
    if (!v || qn_arena_array(g->arena, 1, sizeof *g->outputs, &list, &b->error)) return;
    v->name = name;
    v->dtype = QUERN_FLOAT;
    v->rank = 2;
    v->dim[0] = -1;
    v->dim[1] = classes;
    v->symbol[0] = "batch";
    g->outputs = list;
    g->outputs[g->n_outputs++] = v;
}

void qn_net_head(qn_builder *b, qn_flow x)
{
    const int classes = b->opt->n_classes;
    x = qn_net_linear(b, "fc", x, classes, sqrt(1.0 / 3));
    if (b->opt->softmax) {
        qn_node *node = qn_net_node(b, "Softmax", "softmax", 1, &x.v);
        qn_net_set_int(b, node, "axis", -1);
        x.v = node ? node->out[0] : NULL;
    }
    set_output(b, x.v, b->opt->softmax ? "probabilities" : "logits", classes);
}
