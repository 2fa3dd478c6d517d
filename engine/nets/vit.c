/* SPDX-License-Identifier: Apache-2.0 */
/* engine/nets/vit.c - a small vision transformer (Dosovitskiy et al.: An image is worth
 * 16x16 words, 2020) with the mean of the tokens instead of a class token.  Layers are
 * normalised before they act; GELU is written with Erf, as opset 17 has no other. */
#include "engine/nets/net_builder.h"

#include <math.h>

enum { HEAD_WIDTH = 32, MLP_RATIO = 2 };

/* About 8x8 patches, of at most 16 pixels. */
static int patch_side(int side)
{
    const int p = (side + 7) / 8;
    return p < 2 ? 2 : p > 16 ? 16 : p;
}

/* [batch,c,h,w] to tokens [batch,h/p * w/p,d] and their positions added; an edge that
 * is no whole patch is padded. */
static qn_flow patches(qn_builder *b, qn_flow x, int64_t d)
{
    const int64_t p = patch_side(qn_net_side(b)), dim[] = {d, x.c, p, p};
    const int64_t rows = (x.h + p - 1) / p, columns = (x.w + p - 1) / p;
    const int64_t n = rows * columns, position[] = {1, n, d};
    const double deviation = 1 / sqrt((double)(x.c * p * p));
    qn_value *in[] = {x.v, qn_net_normal(b, "patch", "weight", 4, dim, deviation),
                      qn_net_filled(b, "patch", "bias", d, 0)};
    qn_node *conv = qn_net_node(b, "Conv", "patch", 3, in);
    qn_net_set_ints(b, conv, "kernel_shape", 2, (int64_t[]){p, p});
    qn_net_set_ints(b, conv, "strides", 2, (int64_t[]){p, p});
    qn_net_set_ints(b, conv, "pads", 4,
                    (int64_t[]){0, 0, rows * p - x.h, columns * p - x.w});
    if (!conv) return x;
    qn_value *shape = qn_net_shape(b, "patch.shape", 3, (int64_t[]){0, d, n});
    qn_value *flat =
        qn_net_op(b, "Reshape", "patch.flat", 2, (qn_value *[]){conv->out[0], shape});
    qn_node *turn = qn_net_node(b, "Transpose", "patch.tokens", 1, &flat);
    qn_net_set_ints(b, turn, "perm", 3, (int64_t[]){0, 2, 1});
    qn_value *where = qn_net_normal(b, "position", "weight", 3, position, 0.02);
    qn_value *sum[] = {turn ? turn->out[0] : NULL, where};
    return (qn_flow){qn_net_op(b, "Add", "embedded", 2, sum), d, n, 1};
}

static qn_flow layer_norm(qn_builder *b, const char *name, qn_flow x)
{
    qn_value *in[] = {x.v, qn_net_filled(b, name, "weight", x.c, 1),
                      qn_net_filled(b, name, "bias", x.c, 0)};
    qn_node *node = qn_net_node(b, "LayerNormalization", name, 3, in);
    qn_net_set_int(b, node, "axis", -1);
    qn_net_set_float(b, node, "epsilon", 1e-6F);
    x.v = node ? node->out[0] : NULL;
    return x;
}

/* MatMul on the last dim and a bias; weights [in,out]. */
static qn_flow dense(qn_builder *b, const char *name, qn_flow x, int64_t out)
{
    const double deviation = sqrt(2.0 / (double)(x.c + out));
    qn_value *w = qn_net_normal(b, name, "weight", 2, (int64_t[]){x.c, out}, deviation);
    qn_value *product = qn_net_op(b, "MatMul", qn_net_name(b, "%s.product", name), 2,
                                  (qn_value *[]){x.v, w});
    qn_value *in[] = {product, qn_net_filled(b, name, "bias", out, 0)};
    return (qn_flow){qn_net_op(b, "Add", name, 2, in), out, x.h, x.w};
}

static qn_value *binary(qn_builder *b, const char *op_type, const char *name,
                        qn_value *x, qn_value *y)
{
    return qn_net_op(b, op_type, name, 2, (qn_value *[]){x, y});
}

/* x * (erf(x / sqrt(2)) + 1) / 2 */
static qn_flow gelu(qn_builder *b, const char *name, qn_flow x)
{
    qn_value *root = qn_net_scalar(b, qn_net_name(b, "%s.root2", name), sqrtf(2));
    qn_value *one = qn_net_scalar(b, qn_net_name(b, "%s.one", name), 1);
    qn_value *half = qn_net_scalar(b, qn_net_name(b, "%s.half", name), 0.5F);
    qn_value *v = binary(b, "Div", qn_net_name(b, "%s.div", name), x.v, root);
    v = qn_net_op(b, "Erf", qn_net_name(b, "%s.erf", name), 1, &v);
    v = binary(b, "Add", qn_net_name(b, "%s.add", name), v, one);
    v = binary(b, "Mul", qn_net_name(b, "%s.mul", name), x.v, v);
    x.v = binary(b, "Mul", name, v, half);
    return x;
}

/* [batch,n,d] to [batch,heads,n,d/heads], or its last two dims turned. */
static qn_value *split_heads(qn_builder *b, const char *name, qn_value *v,
                             qn_value *shape, bool is_turned)
{
    const int64_t straight[] = {0, 2, 1, 3}, turned[] = {0, 2, 3, 1};
    qn_value *in[] = {v, shape};
    qn_value *parts = qn_net_op(b, "Reshape", qn_net_name(b, "%s.parts", name), 2, in);
    qn_node *node = qn_net_node(b, "Transpose", name, 1, &parts);
    qn_net_set_ints(b, node, "perm", 4, is_turned ? turned : straight);
    return node ? node->out[0] : NULL;
}

static qn_value *weights_of_heads(qn_builder *b, const char *scope, qn_value *q,
                                  qn_value *k)
{
    qn_value *scale = qn_net_scalar(b, qn_net_name(b, "%s.scale", scope),
                                    (float)(1 / sqrt((double)HEAD_WIDTH)));
    q = binary(b, "Mul", qn_net_name(b, "%s.scaled", scope), q, scale);
    qn_value *s = binary(b, "MatMul", qn_net_name(b, "%s.scores", scope), q, k);
    qn_node *node =
        qn_net_node(b, "Softmax", qn_net_name(b, "%s.softmax", scope), 1, &s);
    qn_net_set_int(b, node, "axis", -1);
    return node ? node->out[0] : NULL;
}

static qn_flow attention(qn_builder *b, const char *scope, qn_flow x)
{
    static const char *const parts[] = {"query", "key", "value"};
    const int64_t heads[] = {0, x.h, x.c / HEAD_WIDTH, HEAD_WIDTH};
    qn_value *v[3];
    qn_value *shape = qn_net_shape(b, qn_net_name(b, "%s.heads", scope), 4, heads);
    for (int i = 0; i < 3; i++) {
        const char *name = qn_net_name(b, "%s.%s", scope, parts[i]);
        const qn_flow y = dense(b, name, x, x.c);
        v[i] = split_heads(b, qn_net_name(b, "%s.turned", name), y.v, shape, i == 1);
    }
    qn_value *a = weights_of_heads(b, scope, v[0], v[1]);
    a = binary(b, "MatMul", qn_net_name(b, "%s.mixed", scope), a, v[2]);
    qn_node *turn =
        qn_net_node(b, "Transpose", qn_net_name(b, "%s.back", scope), 1, &a);
    qn_net_set_ints(b, turn, "perm", 4, (int64_t[]){0, 2, 1, 3});
    qn_value *joined =
        qn_net_shape(b, qn_net_name(b, "%s.shape", scope), 3, (int64_t[]){0, x.h, x.c});
    x.v = binary(b, "Reshape", qn_net_name(b, "%s.joined", scope),
                 turn ? turn->out[0] : NULL, joined);
    return dense(b, qn_net_name(b, "%s.out", scope), x, x.c);
}

static qn_flow block(qn_builder *b, int i, qn_flow x)
{
    const char *scope = qn_net_name(b, "block%d", i);
    qn_flow y = layer_norm(b, qn_net_name(b, "%s.norm1", scope), x);
    y = attention(b, qn_net_name(b, "%s.attention", scope), y);
    x = qn_net_add(b, qn_net_name(b, "%s.add1", scope), x, y);
    y = layer_norm(b, qn_net_name(b, "%s.norm2", scope), x);
    y = dense(b, qn_net_name(b, "%s.mlp1", scope), y, MLP_RATIO * x.c);
    y = gelu(b, qn_net_name(b, "%s.gelu", scope), y);
    y = dense(b, qn_net_name(b, "%s.mlp2", scope), y, x.c);
    return qn_net_add(b, qn_net_name(b, "%s.add2", scope), x, y);
}

static void build_vit(qn_builder *b, const qn_net *net)
{
    const int64_t d = 4 * qn_net_width(b, net->width / 4.0); /* whole heads */
    qn_flow x = patches(b, qn_net_input(b), d);
    for (int i = 1; i <= net->depth; i++)
        x = block(b, i, x);
    x = layer_norm(b, "norm", x);
    qn_node *mean = qn_net_node(b, "ReduceMean", "pool", 1, &x.v);
    qn_net_set_ints(b, mean, "axes", 1, (int64_t[]){1});
    qn_net_set_int(b, mean, "keepdims", 0);
    qn_net_head(b, (qn_flow){mean ? mean->out[0] : NULL, d, 1, 1});
}

const qn_net qn_net_vit_tiny = {
    .name = "vit-tiny",
    .summary = "vision transformer, 4 blocks of width 96, 3 heads",
    .build = build_vit,
    .width = 96,
    .depth = 4,
    .side = 32,
    .optimizer = "adamw",
    .rate = 1e-3,
    .decay = 0.05,
    .smoothing = 0.05,
    .n_epochs = 30,
    .augment = "standard",
};
