/* SPDX-License-Identifier: Apache-2.0 */
/* tests/test_pool_band.c - a convolution of a plain image joined with the MaxPool
 * behind it: the same bits as one after the other, with any window, padding, tail of
 * channels, cut and number of threads; and the cases in which the two stay apart. */
#include "tests/bands_kit.h"

#include <stdio.h>
#include <string.h>

typedef struct stem {
    int n, in, out, h, w; /* images, channels, rows and columns */
    int kernel, stride;
    const char *pads;
    int pool[3]; /* kernel, stride, dilation */
    const char *pool_pads;
    bool ceil, joins;
    const char *act;
} stem;

static const stem stems[] = {
    {1, 3, 64, 90, 61, 3, 2, "0 0 0 0", {3, 2, 1}, "0 0 0 0", true, true, "Relu"},
    {1, 3, 64, 77, 93, 7, 2, "3 3 3 3", {3, 2, 1}, "1 1 1 1", false, true, "Relu"},
    {2, 3, 24, 81, 90, 3, 1, "1 1 1 1", {3, 2, 1}, "1 1 1 1", false, true, "Relu"},
    {3, 1, 20, 60, 67, 5, 1, "2 2 2 2", {3, 1, 1}, "1 1 1 1", false, true, "Sigmoid"},
    {1, 4, 21, 66, 73, 3, 1, "0 2 1 0", {2, 3, 1}, "0 0 0 0", false, true, "HardSwish"},
    {1, 3, 40, 90, 44, 3, 1, "1 1 1 1", {2, 2, 1}, "0 0 0 0", false, true, "Relu"},
    {1, 3, 17, 64, 71, 3, 1, "1 1 1 1", {3, 2, 3}, "2 1 2 1", true, true, "Relu"},
    {1, 2, 24, 12, 900, 3, 1, "1 1 1 1", {11, 4, 1}, "5 3 5 3", false, true, "Relu"},
    {1, 3, 40, 91, 45, 3, 1, "1 1 1 1", {2, 2, 1}, "0 0 0 0", true, false, "Relu"},
    {1, 3, 16, 40, 40, 3, 1, "1 1 1 1", {3, 2, 1}, "1 1 1 1", false, false, "Relu"},
    {1, 5, 64, 90, 61, 3, 2, "1 1 1 1", {3, 2, 1}, "1 1 1 1", false, false, "Relu"},
};

typedef struct numbers {
    const float *weight, *bias;
} numbers;

static void square(qn_kit *k, const char *name, int n)
{
    char text[32];
    snprintf(text, sizeof text, "%d %d", n, n);
    qn_kit_ints(k, name, text);
}

static void add_conv(qn_kit *k, const stem *s, const numbers *w)
{
    char dims[64];
    const size_t n = (size_t)(s->out * s->in * s->kernel * s->kernel);
    snprintf(dims, sizeof dims, "%d", s->out);
    qn_kit_tensor(k, "b", QUERN_FLOAT, dims, w->bias, (size_t)s->out * sizeof(float));
    snprintf(dims, sizeof dims, "%d %d %d %d", s->out, s->in, s->kernel, s->kernel);
    qn_kit_tensor(k, "w", QUERN_FLOAT, dims, w->weight, n * sizeof(float));
    const size_t node = qn_kit_open(k, GRAPH_NODE, "Conv x w b -> c");
    qn_kit_ints(k, "pads", s->pads);
    square(k, "strides", s->stride);
    qn_pb_end(&k->buf, node);
}

static void add_pool(qn_kit *k, const stem *s)
{
    const size_t node = qn_kit_open(k, GRAPH_NODE, "MaxPool a -> y");
    square(k, "kernel_shape", s->pool[0]);
    square(k, "strides", s->pool[1]);
    square(k, "dilations", s->pool[2]);
    qn_kit_ints(k, "pads", s->pool_pads);
    qn_kit_int(k, "ceil_mode", s->ceil);
    qn_pb_end(&k->buf, node);
}

/* apart: what lies between the two is an output, too. */
static quern_model *parse(qn_test *t, const stem *s, const numbers *w, bool apart)
{
    qn_kit k;
    char dims[64];
    quern_error err;
    quern_model *model = NULL;
    qn_kit_begin(&k, 8, 17);
    snprintf(dims, sizeof dims, "%d %d %d %d", s->n, s->in, s->h, s->w);
    qn_kit_value(&k, GRAPH_INPUT, "x", QUERN_FLOAT, dims);
    add_conv(&k, s, w);
    snprintf(dims, sizeof dims, "%s c -> a", s->act);
    qn_kit_node(&k, dims);
    add_pool(&k, s);
    qn_kit_value(&k, GRAPH_OUTPUT, "y", QUERN_FLOAT, NULL);
    if (apart) qn_kit_value(&k, GRAPH_OUTPUT, "a", QUERN_FLOAT, NULL);
    qn_kit_end(&k);
    CHECK_OK(t, quern_model_parse(k.buf.p, k.buf.n, NULL, &model, &err), &err);
    qn_kit_done(&k);
    return model;
}

static void check_stem(qn_test *t, const stem *s)
{
    const size_t taps = (size_t)(s->in * s->kernel * s->kernel);
    const numbers w = {qn_random_floats(t, (size_t)s->out * taps),
                       qn_random_floats(t, (size_t)s->out)};
    quern_model *joined = parse(t, s, &w, false), *apart = parse(t, s, &w, true);
    quern_tensor x = {QUERN_FLOAT, 4, {s->n, s->in, s->h, s->w}, NULL};
    x.data = qn_random_floats(t, (size_t)(s->n * s->in * s->h * s->w));
    qn_note(t, "%d x %d x %d, pool of %d", s->out, s->h, s->w, s->pool[0]);
    /* the reorder of the second output is one more */
    qn_bands_check(t, joined, apart, &x, s->joins ? 2 : 1);
    quern_model_free(joined);
    quern_model_free(apart);
}

void test_pool_band_same_bits(qn_test *t)
{
    for (size_t i = 0; i < sizeof stems / sizeof *stems; i++)
        check_stem(t, &stems[i]);
}
