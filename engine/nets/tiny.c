/* SPDX-License-Identifier: Apache-2.0 */
/* engine/nets/tiny.c - three 3x3 convolutions, the first two pooled before they are
 * normalised: for unit tests and small processors. */
#include "engine/nets/net_builder.h"

static void build_tiny(qn_builder *b, const qn_net *net)
{
    const int64_t w = qn_net_width(b, net->width);
    qn_flow x = qn_net_input(b);
    x = qn_net_shrink(b, x, w, qn_net_halvings(b, 65));
    for (int i = 1; i <= 3; i++) {
        const qn_conv_spec spec = {w << (i - 1), 3, 1, 1};
        x = qn_net_conv(b, qn_net_name(b, "conv%d", i), x, spec);
        if (i < 3) x = qn_net_pool(b, "MaxPool", qn_net_name(b, "pool%d", i), x, 2);
        x = qn_net_batch_norm(b, qn_net_name(b, "bn%d", i), x);
        x = qn_net_relu(b, qn_net_name(b, "relu%d", i), x);
    }
    x = qn_net_global_pool(b, "GlobalAveragePool", x);
    qn_net_head(b, qn_net_flatten(b, x));
}

const qn_net qn_net_tiny = {
    .name = "tiny",
    .summary = "three convolutions, 24 thousand weights",
    .build = build_tiny,
    .width = 16,
    .side = 28,
    .optimizer = "sgd",
    .rate = 0.1,
    .decay = 5e-4,
    .smoothing = 0,
    .n_epochs = 10,
    .augment = "light",
};
