/* SPDX-License-Identifier: Apache-2.0 */
/* engine/nets/cells.c - Cellpose's network, written node by node; weights are named as
 * in Cellpose's own files. */
#include "engine/nets/cells.h"

#include "engine/nets/net_builder.h"

#include <math.h>
#include <string.h>

enum { MAX_WIDTH = 1024, TOP = QN_CELLS_LEVELS - 1 };

typedef struct cells {
    qn_builder *b;
    const qn_cells_net *net;
    qn_flow style; /* [batch,deepest] */
} cells;

/* ---- layers ---- */

/* Normalisation, ReLU unless it is left out, convolution with bias; in this order, so
 * that padding adds zeros behind the activation. */
static qn_flow norm_conv(qn_builder *b, const char *scope, qn_flow x, qn_conv_spec s,
                         bool has_relu)
{
    const char *name = qn_net_name(b, "%s.%d", scope, has_relu ? 2 : 1);
    const int64_t k = s.kernel, p = k / 2, dim[] = {s.out, x.c, k, k};
    x = qn_net_batch_norm(b, qn_net_name(b, "%s.0", scope), x);
    if (has_relu) x = qn_net_relu(b, qn_net_name(b, "%s.1", scope), x);
    const double deviation = sqrt(1.0 / (3.0 * (double)(x.c * k * k)));
    qn_value *w = qn_net_normal(b, name, "weight", 4, dim, deviation);
    qn_value *in[] = {x.v, w, qn_net_filled(b, name, "bias", s.out, 0)};
    qn_node *node = qn_net_node(b, "Conv", name, 3, in);
    qn_net_set_ints(b, node, "kernel_shape", 2, (int64_t[]){k, k});
    qn_net_set_ints(b, node, "pads", 4, (int64_t[]){p, p, p, p});
    return (qn_flow){node ? node->out[0] : NULL, s.out, x.h, x.w};
}

static qn_flow project(qn_builder *b, const char *scope, qn_flow x, int64_t out)
{
    return norm_conv(b, qn_net_name(b, "%s.proj", scope), x,
                     (qn_conv_spec){.out = out, .kernel = 1}, false);
}

/* Convolution number i of a block. */
static qn_flow conv3(qn_builder *b, const char *scope, int i, qn_flow x, int64_t out)
{
    return norm_conv(b, qn_net_name(b, "%s.conv.conv_%d", scope, i), x,
                     (qn_conv_spec){.out = out, .kernel = 3}, true);
}

static qn_flow down(qn_builder *b, int level, qn_flow x, int64_t out)
{
    const char *scope = qn_net_name(b, "downsample.down.res_down_%d", level);
    qn_flow y = project(b, scope, x, out);
    x = conv3(b, scope, 1, conv3(b, scope, 0, x, out), out);
    x = qn_net_add(b, qn_net_name(b, "%s.add0", scope), y, x);
    y = conv3(b, scope, 3, conv3(b, scope, 2, x, out), out);
    return qn_net_add(b, qn_net_name(b, "%s.add1", scope), x, y);
}

/* The mean over the picture, scaled to length 1. */
static qn_flow style_of(qn_builder *b, qn_flow x)
{
    qn_value *axis = qn_net_shape(b, "style.axis", 1, (int64_t[]){1});
    qn_value *two = qn_net_scalar(b, "style.two", 2);
    qn_value *half = qn_net_scalar(b, "style.half", 0.5F);
    x = qn_net_flatten(b, qn_net_global_pool(b, "GlobalAveragePool", x));
    qn_value *v = qn_net_op(b, "Pow", "style.square", 2, (qn_value *[]){x.v, two});
    qn_node *sum = qn_net_node(b, "ReduceSum", "style.sum", 2, (qn_value *[]){v, axis});
    qn_net_set_int(b, sum, "keepdims", 1);
    v = sum ? sum->out[0] : NULL;
    v = qn_net_op(b, "Pow", "style.norm", 2, (qn_value *[]){v, half});
    x.v = qn_net_op(b, "Div", "style", 2, (qn_value *[]){x.v, v});
    return x;
}

/* x shifted by the style, then a convolution. */
static qn_flow styled(const cells *c, const char *up, int i, qn_flow x)
{
    qn_builder *b = c->b;
    const char *scope = qn_net_name(b, "%s.conv.conv_%d", up, i);
    qn_value *axes =
        qn_net_shape(b, qn_net_name(b, "%s.axes", scope), 2, (int64_t[]){2, 3});
    qn_flow shift = qn_net_linear(b, qn_net_name(b, "%s.full", scope), c->style, x.c,
                                  sqrt(1.0 / 3));
    shift.v = qn_net_op(b, "Unsqueeze", qn_net_name(b, "%s.shift", scope), 2,
                        (qn_value *[]){shift.v, axes});
    x = qn_net_add(b, qn_net_name(b, "%s.add", scope), x, shift);
    return norm_conv(b, qn_net_name(b, "%s.conv", scope), x,
                     (qn_conv_spec){.out = x.c, .kernel = 3}, true);
}

static qn_flow up(const cells *c, int level, qn_flow x, qn_flow skip)
{
    qn_builder *b = c->b;
    const char *scope = qn_net_name(b, "upsample.up.res_up_%d", level);
    qn_flow y = project(b, scope, x, skip.c);
    x = conv3(b, scope, 0, x, skip.c);
    x = qn_net_add(b, qn_net_name(b, "%s.skip", scope), x, skip);
    x = qn_net_add(b, qn_net_name(b, "%s.add0", scope), y, styled(c, scope, 1, x));
    y = styled(c, scope, 3, styled(c, scope, 2, x));
    return qn_net_add(b, qn_net_name(b, "%s.add1", scope), x, y);
}

static qn_flow twice(qn_builder *b, int level, qn_flow x)
{
    static const qn_attr_value words[] = {
        {.name = "mode", .kind = QN_ATTR_STRING, .s = {"nearest", 7}},
        {.name = "coordinate_transformation_mode",
         .kind = QN_ATTR_STRING,
         .s = {"asymmetric", 10}},
        {.name = "nearest_mode", .kind = QN_ATTR_STRING, .s = {"floor", 5}}};
    static const float scales[] = {1, 1, 2, 2};
    const qn_attr_value value = {
        .name = "value_floats", .kind = QN_ATTR_FLOATS, .floats = {4, scales}};
    const char *name = qn_net_name(b, "upsample.twice_%d", level);
    qn_node *by = qn_net_node(b, "Constant", qn_net_name(b, "%s.by", name), 0, NULL);
    if (by) qn_node_set_attr(by, &value, &b->error);
    qn_node *node = qn_net_node(b, "Resize", name, 3,
                                (qn_value *[]){x.v, NULL, by ? by->out[0] : NULL});
    for (int i = 0; node && i < 3; i++)
        if (qn_node_set_attr(node, &words[i], &b->error) != QUERN_OK) node = NULL;
    return (qn_flow){node ? node->out[0] : NULL, x.c, 2 * x.h, 2 * x.w};
}

/* ---- the ends ---- */

/* The one value of a list of inputs or outputs. */
static void set_end(qn_builder *b, qn_value *v, qn_value ***list, int *n, int64_t c)
{
    void *p;
    static const char *const symbol[] = {"batch", NULL, "height", "width"};
    if (!v || qn_arena_array(&b->model->arena, 1, sizeof v, &p, &b->error) != QUERN_OK)
        return;
    v->dtype = QUERN_FLOAT;
    v->rank = 4;
    for (int d = 0; d < 4; d++) {
        v->dim[d] = d == 1 ? c : -1;
        v->symbol[d] = symbol[d];
    }
    *list = p;
    (*list)[(*n)++] = v;
}

static qn_flow begin(qn_builder *b)
{
    qn_graph *g = b->model->graph;
    qn_flow x = {NULL, QN_CELLS_PLANES, 8, 8};
    if (qn_graph_add_value(g, "input", &x.v, &b->error) != QUERN_OK) return x;
    x.v->is_input = true;
    set_end(b, x.v, &g->inputs, &g->n_inputs, x.c);
    return x;
}

static void finish(qn_builder *b, qn_flow x)
{
    qn_graph *g = b->model->graph;
    x = norm_conv(b, "output", x, (qn_conv_spec){.out = 3, .kernel = 1}, true);
    if (x.v) x.v->name = "output";
    set_end(b, x.v, &g->outputs, &g->n_outputs, 3);
}

static void build(qn_builder *b, const void *which)
{
    cells c = {.b = b, .net = which};
    qn_flow level[QN_CELLS_LEVELS], x = begin(b);
    for (int i = 0; i <= TOP; i++) {
        if (i > 0)
            x = qn_net_pool(b, "MaxPool", qn_net_name(b, "downsample.pool_%d", i), x,
                            2);
        level[i] = x = down(b, i, x, c.net->width[i]);
    }
    c.style = style_of(b, x);
    for (int i = TOP; i >= 0; i--) {
        if (i < TOP) x = twice(b, i, x);
        x = up(&c, i, x, level[i]);
    }
    finish(b, x);
}

quern_status qn_cells_net_build(const qn_cells_net *net,
                                const quern_model_options *memory, quern_model **out,
                                quern_error *err)
{
    *out = NULL;
    for (int i = 0; i < QN_CELLS_LEVELS; i++)
        if (net->width[i] < 1 || net->width[i] > MAX_WIDTH)
            return qn_fail(err, QUERN_INVALID,
                           "level %d has %lld channels, not 1 to %d", i + 1,
                           (long long)net->width[i], MAX_WIDTH);
    const qn_net_options opt = {.seed = net->seed};
    return qn_net_make(&(qn_net_plan){"cells", build, net, &opt}, memory, out, err);
}
