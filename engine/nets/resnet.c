/* SPDX-License-Identifier: Apache-2.0 */
/* engine/nets/resnet.c - residual networks for small pictures (He, Zhang, Ren, Sun:
 * Deep residual learning for image recognition, 2015, section 4.2): three stages of
 * basic blocks, 1x1 projections where the shape changes. */
#include "engine/nets/net_builder.h"

/* Crops by an eighth take so much that 20 epochs do not fit what is left. */
#define AUGMENT "flip=0.5,shift=0.04,erase=0.25"

static qn_flow block(qn_builder *b, const char *scope, qn_flow x, int64_t width,
                     int stride)
{
    qn_flow y = qn_net_conv_norm(b, scope, 1, x, (qn_conv_spec){width, 3, stride, 1});
    y = qn_net_relu(b, qn_net_name(b, "%s.relu1", scope), y);
    y = qn_net_conv_norm(b, scope, 2, y, (qn_conv_spec){width, 3, 1, 1});
    if (stride != 1 || x.c != width) {
        const qn_conv_spec spec = {width, 1, stride, 1};
        x = qn_net_conv_norm(b, qn_net_name(b, "%s.shortcut", scope), 1, x, spec);
    }
    y = qn_net_add(b, qn_net_name(b, "%s.add", scope), y, x);
    return qn_net_relu(b, qn_net_name(b, "%s.relu2", scope), y);
}

/* Large pictures are halved until about 32 pixels are left. */
static qn_flow stem(qn_builder *b, qn_flow x, int64_t width)
{
    const int n = qn_net_halvings(b, 48);
    if (n > 0) return qn_net_shrink(b, x, width, n);
    x = qn_net_conv_norm(b, "stem", 1, x, (qn_conv_spec){width, 3, 1, 1});
    return qn_net_relu(b, "stem.relu1", x);
}

static void build_resnet(qn_builder *b, const qn_net *net)
{
    const int64_t w = qn_net_width(b, net->width);
    qn_flow x = stem(b, qn_net_input(b), w);
    for (int stage = 0; stage < 3; stage++)
        for (int i = 0; i < net->depth; i++) {
            const char *scope = qn_net_name(b, "stage%d.block%d", stage + 1, i + 1);
            x = block(b, scope, x, w << stage, stage > 0 && i == 0 ? 2 : 1);
        }
    x = qn_net_global_pool(b, "GlobalAveragePool", x);
    qn_net_head(b, qn_net_flatten(b, x));
}

const qn_net qn_net_resnet8 = {
    .name = "resnet8",
    .summary = "residual network, 3 blocks of 16 to 64 channels",
    .build = build_resnet,
    .width = 16,
    .depth = 1,
    .side = 32,
    .optimizer = "muon",
    .rate = 0.02,
    .decay = 0.01,
    .smoothing = 0.05,
    .n_epochs = 20,
    .augment = AUGMENT,
};

const qn_net qn_net_resnet14 = {
    .name = "resnet14",
    .summary = "residual network, 6 blocks of 16 to 64 channels",
    .build = build_resnet,
    .width = 16,
    .depth = 2,
    .side = 32,
    .optimizer = "muon",
    .rate = 0.02,
    .decay = 0.01,
    .smoothing = 0.05,
    .n_epochs = 20,
    .augment = AUGMENT,
};

const qn_net qn_net_resnet20 = {
    .name = "resnet20",
    .summary = "residual network, 9 blocks of 16 to 64 channels",
    .build = build_resnet,
    .width = 16,
    .depth = 3,
    .side = 32,
    .optimizer = "muon",
    .rate = 0.02,
    .decay = 0.01,
    .smoothing = 0.05,
    .n_epochs = 20,
    .augment = AUGMENT,
};
