/* SPDX-License-Identifier: Apache-2.0 */
/* tests/test_nets.c - the built-in networks: as large as tabled, repeatable, and good
 * for every input they promise to take. */
#include "tests/test.h"

#include "engine/nets.h"
#include "formats/onnx.h"

#include <math.h>
#include <string.h>

typedef struct subject {
    const char *net;
    int height, width, channels;
    double multiplier;
} subject;

static quern_model *build(qn_test *t, const subject *s, uint64_t seed)
{
    const qn_net_options opt = {.height = s->height,
                                .width = s->width,
                                .channels = s->channels,
                                .n_classes = 10,
                                .multiplier = s->multiplier,
                                .seed = seed};
    quern_model *m = NULL;
    quern_error err;
    const qn_net *net = qn_net_find(s->net);
    if (CHECK(t, net)) CHECK_OK(t, qn_net_build(net, &opt, NULL, &m, &err), &err);
    return m;
}

/* The network as bytes that qn_buf_done frees. */
static void build_bytes(qn_test *t, const subject *s, uint64_t seed, qn_mem *mem,
                        qn_buf *to)
{
    quern_error err;
    quern_model *m = build(t, s, seed);
    qn_mem_init(mem, NULL, 0);
    qn_buf_init(to, mem);
    if (m) CHECK_OK(t, qn_onnx_write(to, m, &err), &err);
    quern_model_free(m);
}

/* Numbers that training changes: all initializers but the running statistics. */
static int64_t trained(const quern_model *m)
{
    int64_t n = 0;
    for (int i = 0; i < m->graph->n_values; i++) {
        const qn_value *v = m->graph->values[i];
        if (v->constant && !strstr(v->name, ".running_"))
            n += qn_tensor_count(v->constant);
    }
    return n;
}

/* Runs the bytes on x [n,C,H,W]; returns multiply-adds of a run. */
static double run(qn_test *t, const qn_buf *bytes, const char *disable,
                  const quern_tensor *x, float *out, size_t n_out)
{
    quern_model_options mo = {.size = sizeof mo, .disable_passes = disable};
    quern_session_options so = {.size = sizeof so, .n_threads = 1};
    quern_session_stats stats = {0};
    quern_session *s;
    quern_model *m;
    quern_tensor y;
    quern_error err;
    if (!CHECK_OK(t, quern_model_parse(bytes->p, bytes->n, &mo, &m, &err), &err))
        return 0;
    if (CHECK_OK(t, quern_session_create(m, &so, &s, &err), &err)) {
        if (CHECK_OK(t, quern_session_bind(s, 0, x, &err), &err) &&
            CHECK_OK(t, quern_run(s, &err), &err) &&
            CHECK_OK(t, quern_session_output(s, 0, &y, &err), &err) &&
            CHECK_EQ(t, y.rank == 2 ? y.dim[0] * y.dim[1] : 0, (int64_t)n_out))
            memcpy(out, y.data, n_out * sizeof *out);
        quern_session_get_stats(s, &stats);
        quern_session_free(s);
    }
    quern_model_free(m);
    return stats.macs;
}

/* ---- size ---- */

static void check_size(qn_test *t, const subject *s, int64_t weights, double macs)
{
    const size_t n = (size_t)s->channels * (size_t)s->height * (size_t)s->width;
    quern_tensor x = {.dtype = QUERN_FLOAT,
                      .rank = 4,
                      .dim = {1, s->channels, s->height, s->width},
                      .data = qn_random_floats(t, n)};
    qn_mem mem;
    qn_buf bytes;
    float y[10];
    qn_note(t, "%s at %dx%dx%d", s->net, s->height, s->width, s->channels);
    quern_model *m = build(t, s, 1);
    REQUIRE(t, m);
    CHECK_EQ(t, trained(m), weights);
    quern_model_free(m);
    build_bytes(t, s, 1, &mem, &bytes);
    CHECK_WITHIN(t, run(t, &bytes, NULL, &x, y, 10), macs, 0);
    qn_buf_done(&bytes);
}

/* Counted by hand from the layers, as in: fast16 = 9 * (16 + 16*16 + 16*32 + 32*32 +
 * 32*64 + 64*64) + 2 * 2 * (16 + 32 + 64) + 650. */
void test_nets_sizes(qn_test *t)
{
    check_size(t, &(subject){"tiny", 28, 28, 1, 1}, 24058, 1919872);
    check_size(t, &(subject){"fast16", 28, 28, 1, 1}, 72666, 3154816);
    check_size(t, &(subject){"fast32", 28, 28, 1, 1}, 288170, 12392192);
    check_size(t, &(subject){"fast32", 32, 32, 3, 1}, 288746, 17401088);
    check_size(t, &(subject){"fast64", 32, 32, 3, 1}, 1972802, 118147360);
    check_size(t, &(subject){"resnet8", 32, 32, 3, 1}, 78042, 12501632);
    check_size(t, &(subject){"resnet14", 32, 32, 3, 1}, 175258, 26657408);
    check_size(t, &(subject){"resnet14", 64, 64, 3, 2}, 696618, 105743616);
    check_size(t, &(subject){"resnet20", 32, 32, 3, 1}, 272474, 40813184);
    check_size(t, &(subject){"mobile-s", 64, 64, 3, 1}, 274378, 9736704);
    check_size(t, &(subject){"mobile-s", 96, 96, 3, 1}, 274378, 21904384);
}

/* ---- every input ---- */

/* Two pictures: finite scores, those of the plain graph, and a picture's do not depend
 * on its neighbour. */
static void check_runs(qn_test *t, const subject *s)
{
    const size_t n = (size_t)s->channels * (size_t)s->height * (size_t)s->width;
    quern_tensor x = {.dtype = QUERN_FLOAT,
                      .rank = 4,
                      .dim = {2, s->channels, s->height, s->width},
                      .data = qn_random_floats(t, 2 * n)};
    qn_mem mem;
    qn_buf bytes;
    float y[20] = {0}, plain[20] = {0}, alone[10] = {0};
    qn_note(t, "%s at %dx%dx%d, widths times %g", s->net, s->height, s->width,
            s->channels, s->multiplier);
    build_bytes(t, s, 5, &mem, &bytes);
    run(t, &bytes, NULL, &x, y, 20);
    run(t, &bytes, "all", &x, plain, 20);
    x.dim[0] = 1;
    run(t, &bytes, NULL, &x, alone, 10);
    for (int i = 0; i < 20; i++) {
        CHECK(t, isfinite(y[i]));
        CHECK_WITHIN(t, y[i], plain[i], 1e-4);
        if (i < 10) CHECK_WITHIN(t, alone[i], y[i], 1e-5);
    }
    CHECK(t, y[0] != y[1] && y[0] != y[10]);
    qn_buf_done(&bytes);
}

void test_nets_inputs(qn_test *t)
{
    static const int side[][3] = {{8, 8, 1}, {9, 31, 3}, {48, 47, 1}, {8, 100, 3}};
    const qn_net *net;
    for (int i = 0; (net = qn_net_at(i)); i++)
        for (size_t k = 0; k < sizeof side / sizeof *side; k++)
            check_runs(t, &(subject){net->name, side[k][0], side[k][1], side[k][2],
                                     k == 1 ? 0.5 : 0});
    check_runs(t, &(subject){"fast16", 224, 224, 3, 1});
}

/* ---- weights ---- */

void test_nets_seed(qn_test *t)
{
    const subject a = {"fast16", 28, 28, 1, 1}, b = {"fast16", 64, 64, 3, 1};
    qn_mem m1, m2, m3;
    qn_buf b1, b2, b3;
    build_bytes(t, &a, 7, &m1, &b1);
    build_bytes(t, &a, 7, &m2, &b2);
    build_bytes(t, &a, 8, &m3, &b3);
    CHECK(t, b1.n == b2.n && !memcmp(b1.p, b2.p, b1.n));
    CHECK(t, b1.n == b3.n && memcmp(b1.p, b3.p, b1.n));
    qn_buf_done(&b1);
    qn_buf_done(&b2);
    qn_buf_done(&b3);
    /* a layer's numbers do not depend on what stands before it */
    quern_model *x = build(t, &a, 7), *y = build(t, &b, 7);
    REQUIRE(t, x && y);
    const qn_tensor *p = x->graph->last->in[1]->constant;
    CHECK(t, !memcmp(p->data, y->graph->last->in[1]->constant->data, 2560));
    quern_model_free(x);
    quern_model_free(y);
}

/* Deviation of a 3x3 convolution to 64 channels: sqrt(2 / (9 * 64)); of 18432 normal
 * numbers it is found within 4 / sqrt(2 * 18432) of itself. */
void test_nets_initial(qn_test *t)
{
    quern_model *m = build(t, &(subject){"fast16", 28, 28, 1, 1}, 3);
    REQUIRE(t, m);
    const double want = sqrt(2.0 / (9 * 64));
    for (int i = 0; i < m->graph->n_values; i++) {
        const qn_value *v = m->graph->values[i];
        const float *w = v->constant ? v->constant->data : NULL;
        const int64_t n = w ? qn_tensor_count(v->constant) : 0;
        double sum = 0;
        for (int64_t k = 0; k < n; k++)
            sum += (double)w[k] * w[k];
        const double found = sqrt(sum / (double)n);
        if (!strcmp(v->name, "group3.conv1.weight"))
            CHECK_WITHIN(t, found, want, want * 4 / sqrt(2 * 18432.0));
        if (!strcmp(v->name, "fc.bias")) CHECK_WITHIN(t, found, 0, 0);
        if (strstr(v->name, "running_var")) CHECK_WITHIN(t, found, 1, 0);
    }
    CHECK_STR(t, m->graph->inputs[0]->name, "image");
    CHECK_STR(t, m->graph->outputs[0]->name, "logits");
    CHECK_STR(t, m->graph->outputs[0]->symbol[0], "batch");
    quern_model_free(m);
}

/* ---- refusals ---- */

static void check_refused(qn_test *t, qn_net_options opt, const char *why)
{
    quern_error err;
    quern_model *m;
    CHECK_FAILS(t, qn_net_build(qn_net_at(0), &opt, NULL, &m, &err), QUERN_INVALID,
                &err, why);
    CHECK(t, !m);
}

void test_nets_refuse(qn_test *t)
{
    const qn_net_options good = {
        .height = 28, .width = 28, .channels = 1, .n_classes = 10};
    qn_net_options o = good;
    o.height = 7;
    check_refused(t, o, "the height is 7; built-in networks take 8 to 224 pixels");
    o = good;
    o.width = 225;
    check_refused(t, o, "the width is 225");
    o = good;
    o.channels = 4;
    check_refused(t, o, "4 channels");
    o = good;
    o.n_classes = 1;
    check_refused(t, o, "1 classes; a classifier needs 2");
    o = good;
    o.multiplier = NAN;
    check_refused(t, o, "multiplier");
    CHECK(t, !qn_net_find("resnet9000"));
    CHECK(t, !qn_net_at(-1));
}

/* The n-th allocation fails: an error, nothing left behind. */
void test_nets_memory(qn_test *t)
{
    const qn_net_options opt = {
        .height = 32, .width = 32, .channels = 3, .n_classes = 10};
    const qn_net *net;
    for (int i = 0; (net = qn_net_at(i)); i++) {
        quern_status status = QUERN_MEMORY;
        for (int64_t n = 1; status != QUERN_OK; n++) {
            qn_heap heap = {.fail_at = n};
            quern_allocator a = qn_heap_allocator(&heap);
            quern_model_options mo = {.size = sizeof mo, .allocator = &a};
            quern_model *m;
            quern_error err;
            qn_note(t, "%s, allocation %lld fails", net->name, (long long)n);
            status = qn_net_build(net, &opt, &mo, &m, &err);
            if (status != QUERN_OK) CHECK_EQ(t, status, QUERN_MEMORY);
            quern_model_free(m);
            CHECK_EQ(t, heap.blocks, 0);
        }
    }
}
