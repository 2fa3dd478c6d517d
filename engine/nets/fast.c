/* SPDX-License-Identifier: Apache-2.0 */
/* engine/nets/fast.c - three groups of two 3x3 convolutions, in the manner of
 * hlb-CIFAR10 and airbench: the first of a group is pooled before it is normalised,
 * which leaves a quarter of the work, and the second adds to what it was given. */
#include "engine/nets/net_builder.h"

enum { MOST_PIXELS = 48 }; /* of a side, before the first group */

static qn_flow group(qn_builder *b, int i, qn_flow x, int64_t width)
{
    const char *scope = qn_net_name(b, "group%d", i);
    const qn_conv_spec spec = {width, 3, 1, 1};
    x = qn_net_conv(b, qn_net_name(b, "%s.conv1", scope), x, spec);
    x = qn_net_pool(b, "MaxPool", qn_net_name(b, "%s.pool", scope), x, 2);
    x = qn_net_batch_norm(b, qn_net_name(b, "%s.bn1", scope), x);
    x = qn_net_relu(b, qn_net_name(b, "%s.relu1", scope), x);
    qn_flow y = qn_net_conv_norm(b, scope, 2, x, spec);
    y = qn_net_add(b, qn_net_name(b, "%s.add", scope), y, x);
    return qn_net_relu(b, qn_net_name(b, "%s.relu2", scope), y);
}

static void groups(qn_builder *b, qn_flow x, int64_t w1, int64_t w2, int64_t w3)
{
    x = group(b, 1, x, w1);
    x = group(b, 2, x, w2);
    x = group(b, 3, x, w3);
    x = qn_net_global_pool(b, "GlobalMaxPool", x);
    qn_net_head(b, qn_net_flatten(b, x));
}

static void build_fast(qn_builder *b, const qn_net *net)
{
    const int64_t w = qn_net_width(b, net->width);
    qn_flow x = qn_net_input(b);
    x = qn_net_shrink(b, x, w, qn_net_halvings(b, MOST_PIXELS));
    groups(b, x, w, 2 * w, 4 * w);
}

/* ---- fast64: wide, behind whitening filters ---- */

/* Weights of filter i on 2x2 patches of c channels: mean and differences of the patch
 * (Haar) by mean and differences of the colours, close to the principal components of
 * photographs; differences, which vary less, count four times. */
static void whitening_filter(float *w, int i, int c)
{
    static const float patch[4][4] = {
        {1, 1, 1, 1}, {4, 4, -4, -4}, {4, -4, 4, -4}, {4, -4, -4, 4}};
    static const float gray[1][3] = {{1}};
    static const float colour[3][3] = {
        {0.577F, 0.577F, 0.577F}, {2.828F, 0, -2.828F}, {1.633F, -3.266F, 1.633F}};
    const float(*mix)[3] = c == 1 ? gray : colour;
    for (int k = 0; k < c; k++)
        for (int p = 0; p < 4; p++)
            w[4 * k + p] = 0.14F * mix[i / 4][k] * patch[i % 4][p];
}

/* Every filter and its negative, so that a ReLU behind them loses nothing. */
static qn_flow whitening(qn_builder *b, qn_flow x)
{
    const int c = (int)x.c, n = 8 * c;
    qn_value *weight;
    float *w =
        qn_net_weight(b, "whiten", "weight", 4, (int64_t[]){n, c, 2, 2}, &weight);
    for (int i = 0; w && i < n / 2; i++) {
        whitening_filter(w + 4 * i * c, i, c);
        for (int k = 0; k < 4 * c; k++)
            w[4 * (n / 2 + i) * c + k] = -w[4 * i * c + k];
    }
    qn_value *in[] = {x.v, weight, qn_net_filled(b, "whiten", "bias", n, 0)};
    qn_node *node = qn_net_node(b, "Conv", "whiten", 3, in);
    qn_net_set_ints(b, node, "kernel_shape", 2, (int64_t[]){2, 2});
    x = (qn_flow){node ? node->out[0] : NULL, n, x.h - 1, x.w - 1};
    return qn_net_relu(b, "whiten.relu", x);
}

static void build_fast64(qn_builder *b, const qn_net *net)
{
    const int64_t w1 = qn_net_width(b, net->width), w2 = qn_net_width(b, 256);
    const int shrink = qn_net_halvings(b, MOST_PIXELS);
    qn_flow x = qn_net_input(b);
    /* below 16 pixels three poolings would leave nothing of one pixel less */
    if (shrink == 0 && b->opt->height > 8 && b->opt->width > 8) x = whitening(b, x);
    groups(b, qn_net_shrink(b, x, w1, shrink), w1, w2, w2);
}

const qn_net qn_net_fast16 = {
    .name = "fast16",
    .summary = "six convolutions of 16 to 64 channels, residual",
    .build = build_fast,
    .width = 16,
    .side = 28,
    .optimizer = "sgd",
    .rate = 0.1,
    .decay = 5e-4,
    .smoothing = 0.05,
    .n_epochs = 8,
    .augment = "standard",
};

const qn_net qn_net_fast32 = {
    .name = "fast32",
    .summary = "six convolutions of 32 to 128 channels, residual",
    .build = build_fast,
    .width = 32,
    .side = 28,
    .optimizer = "muon",
    .rate = 0.02,
    .decay = 0.01,
    .smoothing = 0.05,
    .n_epochs = 8,
    .augment = "standard",
};

const qn_net qn_net_fast64 = {
    .name = "fast64",
    .summary = "six convolutions of 64 to 256 channels, residual",
    .build = build_fast64,
    .width = 64,
    .side = 32,
    .optimizer = "sgd",
    .rate = 0.1,
    .decay = 5e-4,
    .smoothing = 0.1,
    .n_epochs = 10,
    .augment = "strong",
};
