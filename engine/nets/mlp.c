/* SPDX-License-Identifier: Apache-2.0 */
/* engine/nets/mlp.c - two hidden layers on the pixels; pictures of more than 32 pixels
 * are averaged down first. */
#include "engine/nets/net_builder.h"

#include <math.h>

static void build_mlp(qn_builder *b, const qn_net *net)
{
    const int k = (qn_net_side(b) + 31) / 32;
    qn_flow x = qn_net_input(b);
    if (k > 1) x = qn_net_pool(b, "AveragePool", "pool", x, k);
    x = qn_net_flatten(b, x);
    for (int i = 1; i <= net->depth; i++) {
        const int64_t width = qn_net_width(b, (double)net->width / i);
        x = qn_net_linear(b, qn_net_name(b, "fc%d", i), x, width, sqrt(2));
        x = qn_net_relu(b, qn_net_name(b, "relu%d", i), x);
    }
    qn_net_head(b, x);
}

const qn_net qn_net_mlp = {
    .name = "mlp",
    .summary = "two hidden layers of 256 and 128",
    .build = build_mlp,
    .width = 256,
    .depth = 2,
    .side = 28,
    .optimizer = "sgd",
    .rate = 0.05,
    .decay = 5e-4,
    .smoothing = 0.05,
    .n_epochs = 8,
    .augment = "light",
};
