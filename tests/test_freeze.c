/* SPDX-License-Identifier: Apache-2.0 */
/* tests/test_freeze.c - weights by layer, and which of them are frozen. */
#include "tests/test.h"

#include "engine/freeze.h"
#include "engine/nets.h"

#include <string.h>

typedef struct fixture {
    quern_model *model;
    qn_mem mem;
    qn_arena arena;
    qn_layers layers;
} fixture;

static bool open_net(qn_test *t, fixture *f, const char *net)
{
    const qn_net_options opt = {
        .height = 28, .width = 28, .channels = 1, .n_classes = 10};
    quern_error err;
    qn_mem_init(&f->mem, NULL, 0);
    qn_arena_init(&f->arena, &f->mem);
    return CHECK_OK(t, qn_net_build(qn_net_find(net), &opt, NULL, &f->model, &err),
                    &err) &&
           CHECK_OK(t, qn_layers_find(f->model, &f->arena, &f->layers, &err), &err);
}

static void close_net(fixture *f)
{
    qn_arena_done(&f->arena);
    quern_model_free(f->model);
}

static int layer(const fixture *f, const char *name)
{
    const qn_layer_weight *w = qn_layers_get(&f->layers, name);
    return w ? w->layer : -1;
}

/* Six convolutions and the head; norms belong to their convolutions. */
void test_freeze_layers(qn_test *t)
{
    fixture f;
    REQUIRE(t, open_net(t, &f, "fast16"));
    CHECK_EQ(t, f.layers.n_layers, 7);
    CHECK_EQ(t, f.layers.n_weights, 6 + 6 * 4 + 2);
    CHECK_EQ(t, layer(&f, "group1.conv1.weight"), 0);
    CHECK_EQ(t, layer(&f, "group1.bn1.running_var"), 0);
    CHECK_EQ(t, layer(&f, "group2.conv2.weight"), 3);
    CHECK_EQ(t, layer(&f, "group2.bn2.bias"), 3);
    CHECK_EQ(t, layer(&f, "fc.bias"), 6);
    CHECK_EQ(t, layer(&f, "fc"), -1);
    CHECK_WITHIN(t, qn_layers_rate(&f.layers, "fc.weight", 0.5), 1, 0);
    CHECK_WITHIN(t, qn_layers_rate(&f.layers, "group2.bn2.bias", 0.5), 0.125, 0);
    CHECK_WITHIN(t, qn_layers_rate(&f.layers, "nobody", 0.5), 1, 0);
    close_net(&f);
}

static const qn_node *node(const fixture *f, const char *name)
{
    for (const qn_node *n = f->model->graph->first; n; n = n->next)
        if (!strcmp(n->name, name)) return n;
    return NULL;
}

void test_freeze_first(qn_test *t)
{
    fixture f;
    quern_error err;
    REQUIRE(t, open_net(t, &f, "fast16"));
    CHECK_OK(t, qn_layers_freeze(&f.layers, "2", &err), &err);
    CHECK(t, qn_layers_is_frozen(&f.layers, "group1.conv2.weight"));
    CHECK(t, !qn_layers_is_frozen(&f.layers, "group2.conv1.weight"));
    CHECK(t, qn_layers_norm_is_frozen(&f.layers, node(&f, "group1.bn2")));
    CHECK(t, !qn_layers_norm_is_frozen(&f.layers, node(&f, "group2.bn1")));
    CHECK_FAILS(t, qn_layers_freeze(&f.layers, "7", &err), QUERN_INVALID, &err,
                "7 layers cannot be frozen: the network has 7");
    CHECK_FAILS(t, qn_layers_freeze(&f.layers, "0", &err), QUERN_INVALID, &err,
                "0 layers");
    close_net(&f);
}

void test_freeze_patterns(qn_test *t)
{
    fixture f;
    quern_error err;
    REQUIRE(t, open_net(t, &f, "resnet8"));
    CHECK_OK(t, qn_layers_freeze(&f.layers, "stem*,stage[12].*", &err), &err);
    CHECK(t, qn_layers_is_frozen(&f.layers, "stem.bn1.weight"));
    CHECK(t, qn_layers_is_frozen(&f.layers, "stage2.block1.shortcut.conv1.weight"));
    CHECK(t, !qn_layers_is_frozen(&f.layers, "stage3.block1.conv1.weight"));
    CHECK(t, !qn_layers_is_frozen(&f.layers, "fc.weight"));
    /* the name of a node serves, too */
    CHECK_OK(t, qn_layers_freeze(&f.layers, "fc", &err), &err);
    CHECK(t, qn_layers_is_frozen(&f.layers, "fc.weight"));
    CHECK_FAILS(t, qn_layers_freeze(&f.layers, "stem*,layer9*", &err), QUERN_INVALID,
                &err, "no weight or node is called 'layer9*'");
    CHECK_FAILS(t, qn_layers_freeze(&f.layers, "*", &err), QUERN_INVALID, &err,
                "freezes all");
    close_net(&f);
}
