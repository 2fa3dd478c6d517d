/* SPDX-License-Identifier: Apache-2.0 */
/* engine/nets/mobile.c - inverted residuals with depthwise convolutions (Sandler et
 * al.: MobileNetV2, 2018), a small set of stages. */
#include "engine/nets/net_builder.h"

typedef struct stage {
    int expansion, width, n, stride;
} stage;

static const stage stages[] = {
    {1, 16, 1, 1}, {4, 24, 2, 2}, {4, 32, 3, 2}, {4, 64, 3, 2}, {4, 96, 2, 1}};

static qn_flow conv_relu6(qn_builder *b, const char *scope, int i, qn_flow x,
                          qn_conv_spec spec)
{
    x = qn_net_conv_norm(b, scope, i, x, spec);
    return qn_net_relu6(b, qn_net_name(b, "%s.relu%d", scope, i), x);
}

/* 1x1 to more channels, 3x3 on each alone, 1x1 back to few. */
static qn_flow block(qn_builder *b, const char *scope, qn_flow x, const stage *s,
                     int stride)
{
    const int64_t inner = s->expansion * x.c, width = qn_net_width(b, s->width);
    qn_flow y = x;
    if (s->expansion > 1)
        y = conv_relu6(b, scope, 1, y, (qn_conv_spec){inner, 1, 1, 1});
    y = conv_relu6(b, scope, 2, y, (qn_conv_spec){inner, 3, stride, inner});
    y = qn_net_conv_norm(b, scope, 3, y, (qn_conv_spec){width, 1, 1, 1});
    if (stride != 1 || x.c != width) return y;
    return qn_net_add(b, qn_net_name(b, "%s.add", scope), y, x);
}

static void build_mobile(qn_builder *b, const qn_net *net)
{
    const int stride = qn_net_side(b) < 48 ? 1 : 2;
    const qn_conv_spec first = {qn_net_width(b, net->width), 3, stride, 1};
    qn_flow x = conv_relu6(b, "stem", 1, qn_net_input(b), first);
    for (size_t k = 0; k < sizeof stages / sizeof *stages; k++)
        for (int i = 0; i < stages[k].n; i++) {
            const char *scope = qn_net_name(b, "stage%d.block%d", (int)k + 1, i + 1);
            x = block(b, scope, x, &stages[k], i == 0 ? stages[k].stride : 1);
        }
    x = conv_relu6(b, "last", 1, x, (qn_conv_spec){qn_net_width(b, 256), 1, 1, 1});
    x = qn_net_global_pool(b, "GlobalAveragePool", x);
    qn_net_head(b, qn_net_flatten(b, x));
}

const qn_net qn_net_mobile_s = {
    .name = "mobile-s",
    .summary = "11 inverted residual blocks, depthwise convolutions",
    .build = build_mobile,
    .width = 16,
    .side = 64,
    .optimizer = "sgd",
    .rate = 0.1,
    .decay = 5e-5,
    .smoothing = 0.05,
    .n_epochs = 30,
    .augment = "standard",
};
