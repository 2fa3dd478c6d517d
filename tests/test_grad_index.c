/* SPDX-License-Identifier: Apache-2.0 */
/* tests/test_grad_index.c - gradients of rows that pick, place and repeat elements,
 * against central differences in double. */
#include "tests/grad_kit.h"

#define GRAD(t, text, in, numbers, y, ...)                                     \
    CHECK_GRAD_NODE(t, .node = (text), .inputs = (in), .constants = (numbers), \
                    .y_dims = (y), .with = (__VA_ARGS__))

void test_grad_gathers(qn_test *t)
{
    GRAD(t, "Gather x i -> y", "x 4 2", "i 3 1 1 -1 0", "5 2", NULL);
    GRAD(t, "Gather x i -> y", "x 2 4 3", "i:2x2 3 1 1 0", "2 2 2 3", "axis=1");
    GRAD(t, "Gather x i -> y", "x 2 3 4", "i 3 0 3", "2 3 3", "axis=-1");
    GRAD(t, "Gather x i -> y", "x 2 3 4", "i: -1", "2 4", "axis=1");
    GRAD(t, "Gather x i -> y", "x 2 3 4", "i 2", "2 3 1", "axis=2");
    GRAD(t, "GatherElements x i -> y", "x 2 3", "i:2x2 0 0 2 -1", "2 2", "axis=1");
    GRAD(t, "GatherElements x i -> y", "x 2 3", "i:3x3 0 1 1 1 1 0 0 0 0", "3 3",
         "axis=0");
    GRAD(t, "GatherND x i -> y", "x 3 2 2", "i:4x1 2 0 2 1", "4 2 2", NULL);
    GRAD(t, "GatherND x i -> y", "x 3 2 2", "i:2x2 2 1 0 0", "2 2", NULL);
}

void test_grad_scatters(qn_test *t)
{
    GRAD(t, "ScatterND x i u -> y", "x 4 2; u 2 2", "i:2x1 3 1", "4 2", NULL);
    GRAD(t, "ScatterND x i u -> y", "x 4 2; u 3", "i:3x2 3 1 0 0 3 1", "4 2",
         "reduction=add");
    GRAD(t, "ScatterElements x i u -> y", "x 3 3; u 1 2", "i:1x2 1 2", "3 3", "axis=1");
    GRAD(t, "ScatterElements x i u -> y", "x 3 3; u 2 3", "i:2x3 0 1 2 0 2 1", "3 3",
         "reduction=add");
}

void test_grad_pads(qn_test *t)
{
    GRAD(t, "Pad x i -> y", "x 3 4", "i 2 1 1 3", "6 8", "mode=reflect");
    GRAD(t, "Pad x i -> y", "x 3 4", "i 2 1 1 3", "6 8", "mode=edge");
    GRAD(t, "Pad x i -> y", "x 3 4", "i 2 1 1 6", "6 11", "mode=wrap");
    GRAD(t, "Pad x i -> y", "x 3 4", "i -1 1 0 0", "2 5", "mode=edge");
    GRAD(t, "Pad x i v -> y", "x 3 4; v", "i 1 0 0 -2", "4 2", NULL);
    GRAD(t, "Pad x i _ a -> y", "x 2 3 4", "i 1 2; a 1", "2 6 4", NULL);
}

void test_grad_tiles(qn_test *t)
{
    GRAD(t, "Tile x i -> y", "x 2 3", "i 3 2", "6 6", NULL);
    GRAD(t, "Tile x i -> y", "x 2 1 3 2 1", "i 1 3 2 1 4", "2 3 6 2 4", NULL);
    GRAD(t, "Trilu x -> y", "x 2 3 4", NULL, "2 3 4", "upper=0");
    GRAD(t, "Trilu x k -> y", "x 3 3", "k: 1", "3 3", NULL);
    GRAD(t, "CumSum x i -> y", "x 2 4 2", "i: 1", "2 4 2", NULL);
    GRAD(t, "CumSum x i -> y", "x 2 4", "i: -1", "2 4", "exclusive=1 reverse=1");
    GRAD(t, "DepthToSpace x -> y", "x 1 8 2 3", NULL, "1 2 4 6", "blocksize=2");
    GRAD(t, "DepthToSpace x -> y", "x 1 8 2 3", NULL, "1 2 4 6",
         "blocksize=2 mode=CRD");
    GRAD(t, "SpaceToDepth x -> y", "x 2 1 4 6", NULL, "2 4 2 3", "blocksize=2");
}
