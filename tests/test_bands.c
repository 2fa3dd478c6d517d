/* SPDX-License-Identifier: Apache-2.0 */
/* tests/test_bands.c - a 1x1 convolution joined with the depthwise one behind it: the
 * same bits as one after the other, with any window, tail of channels, cut and number
 * of threads; and the 1x1 convolution behind that, where there is one.  What is between
 * them as an output keeps them apart. */
#include "tests/bands_kit.h"

#include <stdio.h>
#include <string.h>

typedef struct block {
    int n, in, between, h, w; /* images, channels, rows and columns */
    int kernel, stride, dilation;
    const char *pads;
    bool adds;   /* a residual */
    int out;     /* channels of the 1x1 behind; 0: there is none */
    bool is_raw; /* no 1x1 in front */
    int joins;   /* steps that go into others */
    bool again;  /* the same depthwise one behind the third: apart it takes that */
} block;

static const block blocks[] = {
    {1, 16, 72, 41, 37, 3, 1, 1, "1 1 1 1", false, 0, false, 1, false},
    {1, 16, 72, 41, 37, 3, 2, 1, "1 1 1 1", false, 0, false, 1, false},
    {2, 5, 100, 30, 27, 5, 2, 1, "2 2 2 2", false, 0, false, 1, false}, /* a tail */
    {1, 24, 200, 20, 19, 5, 1, 1, "2 2 2 2", true, 0, false, 1, false},
    {1, 8, 24, 61, 60, 3, 2, 1, "0 0 1 1", false, 0, false, 1,
     false}, /* as TensorFlow pads */
    {1, 8, 600, 12, 12, 3, 1, 1, "1 1 1 1", false, 0, false, 1, false},
    {3, 8, 24, 3, 1200, 7, 1, 1, "3 3 3 3", true, 0, false, 1,
     false}, /* more kernel than rows */
    {1, 8, 20, 70, 51, 2, 3, 1, "0 0 0 0", false, 0, false, 1,
     false}, /* rows that nobody reads */
    {1, 16, 88, 33, 29, 3, 1, 2, "2 2 2 2", false, 0, false, 0,
     false}, /* dilated: apart */
    {1, 16, 96, 61, 57, 3, 2, 1, "1 1 1 1", false, 24, false, 2, false},
    {2, 12, 140, 30, 27, 3, 1, 1, "1 1 1 1", true, 20, false, 2, false},
    {1, 16, 72, 41, 37, 5, 1, 1, "2 2 2 2", true, 100, false, 2, false},
    {1, 24, 200, 21, 19, 3, 1, 1, "1 1 1 1", true, 24, false, 1, false}, /* too many */
    {2, 40, 40, 63, 61, 3, 1, 1, "1 1 1 1", true, 16, true, 1, false},
    {1, 32, 32, 63, 61, 3, 1, 1, "1 1 1 1", false, 32, true, 0, true},
    {1, 200, 200, 39, 37, 5, 2, 1, "2 2 2 2", false, 9, true, 1, false},
};

typedef struct numbers {
    const float *expand, *side, *bias, *depth, *project;
} numbers;

/* Channels of y. */
static int last_of(const block *b)
{
    return b->out ? b->out : b->between;
}

static numbers draw(qn_test *t, const block *b)
{
    const size_t c = (size_t)b->between, n = c * (size_t)b->in;
    return (numbers){qn_random_floats(t, n),
                     qn_random_floats(t, (size_t)(last_of(b) * b->in)),
                     qn_random_floats(t, c),
                     qn_random_floats(t, c * (size_t)(b->kernel * b->kernel)),
                     qn_random_floats(t, c * (size_t)b->out + 1)};
}

static void pointwise(qn_kit *k, int out, int in, const float *data, const char *w,
                      const char *node)
{
    char dims[64];
    const size_t n = (size_t)out * (size_t)in;
    snprintf(dims, sizeof dims, "%d %d 1 1", out, in);
    qn_kit_tensor(k, w, QUERN_FLOAT, dims, data, n * sizeof(float));
    qn_kit_node(k, node);
}

/* data NULL: the filters are there already. */
static void depthwise(qn_kit *k, const block *b, const char *nodes, const float *data)
{
    char text[64];
    const size_t n = (size_t)(b->between * b->kernel * b->kernel);
    snprintf(text, sizeof text, "%d 1 %d %d", b->between, b->kernel, b->kernel);
    if (data) qn_kit_tensor(k, "wd", QUERN_FLOAT, text, data, n * sizeof(float));
    size_t node = qn_kit_open(k, GRAPH_NODE, nodes);
    qn_kit_ints(k, "pads", b->pads);
    snprintf(text, sizeof text, "%d %d", b->stride, b->stride);
    qn_kit_ints(k, "strides", text);
    snprintf(text, sizeof text, "%d %d", b->dilation, b->dilation);
    qn_kit_ints(k, "dilations", text);
    qn_kit_int(k, "group", b->between);
    qn_pb_end(&k->buf, node);
}

static void network(qn_kit *k, const block *b, const numbers *w, bool apart)
{
    char dims[64];
    qn_kit_begin(k, 8, 17);
    snprintf(dims, sizeof dims, "%d %d %d %d", b->n, b->in, b->h, b->w);
    qn_kit_value(k, GRAPH_INPUT, "x", QUERN_FLOAT, dims);
    snprintf(dims, sizeof dims, "%d", b->between);
    qn_kit_tensor(k, "b", QUERN_FLOAT, dims, w->bias,
                  (size_t)b->between * sizeof(float));
    if (b->adds) pointwise(k, last_of(b), b->in, w->side, "ws", "Conv x ws -> r");
    if (!b->is_raw) {
        pointwise(k, b->between, b->in, w->expand, "we", "Conv x we b -> e");
        qn_kit_node(k, "HardSwish e -> a");
    }
    depthwise(k, b, b->is_raw ? "Conv x wd b -> d" : "Conv a wd b -> d", w->depth);
    if (b->out) {
        qn_kit_node(k, "Relu d -> h");
        pointwise(k, b->out, b->between, w->project, "wp", "Conv h wp -> z");
    }
    if (b->adds) qn_kit_node(k, b->out ? "Add z r -> s" : "Add d r -> s");
    if (b->again)
        depthwise(k, b, "Conv z wd -> y", NULL);
    else if (b->adds)
        qn_kit_node(k, "Sigmoid s -> y");
    else
        qn_kit_node(k, b->out ? "Relu z -> y" : "Relu d -> y");
    qn_kit_value(k, GRAPH_OUTPUT, "y", QUERN_FLOAT, NULL);
    if (apart && !b->is_raw) qn_kit_value(k, GRAPH_OUTPUT, "a", QUERN_FLOAT, NULL);
    if (apart && b->out) qn_kit_value(k, GRAPH_OUTPUT, "h", QUERN_FLOAT, NULL);
    qn_kit_end(k);
}

static void check_block(qn_test *t, const block *b)
{
    quern_error err;
    const numbers w = draw(t, b);
    quern_model *model[2] = {NULL, NULL};
    qn_note(t, "%d x %d x %d, kernel %d", b->between, b->h, b->w, b->kernel);
    for (int apart = 0; apart < 2; apart++) {
        qn_kit k;
        network(&k, b, &w, apart);
        CHECK_OK(t, quern_model_parse(k.buf.p, k.buf.n, NULL, &model[apart], &err),
                 &err);
        qn_kit_done(&k);
    }
    quern_tensor x = {QUERN_FLOAT, 4, {b->n, b->in, b->h, b->w}, NULL};
    x.data = qn_random_floats(t, (size_t)(b->n * b->in * b->h * b->w));
    /* the reorders of the other outputs are more */
    const int others = !b->is_raw + (b->out > 0);
    qn_bands_check(t, model[0], model[1], &x, others + b->joins);
    quern_model_free(model[0]);
    quern_model_free(model[1]);
}

void test_bands_same_bits(qn_test *t)
{
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++)
        check_block(t, &blocks[i]);
}

/* What is too small to pay stays two. */
void test_bands_small(qn_test *t)
{
    const block b = {1, 8, 24, 8, 8, 3, 1, 1, "1 1 1 1", false, 0, false, 1, false};
    qn_kit k;
    quern_model *model;
    quern_error err;
    qn_mem mem;
    qn_buf y;
    const quern_session_options opt = {.n_threads = 1};
    quern_tensor x = {QUERN_FLOAT, 4, {1, 8, 8, 8}, qn_random_floats(t, 512)};
    const numbers w = draw(t, &b);
    network(&k, &b, &w, false);
    REQUIRE(t, quern_model_parse(k.buf.p, k.buf.n, NULL, &model, &err) == QUERN_OK);
    qn_mem_init(&mem, NULL, 0);
    qn_buf_init(&y, &mem);
    CHECK_EQ(t, qn_bands_run(t, model, opt, &x, &y),
             4); /* with a reorder at either end */
    qn_buf_done(&y);
    quern_model_free(model);
    qn_kit_done(&k);
}
