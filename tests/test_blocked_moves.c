/* SPDX-License-Identifier: Apache-2.0 */
/* tests/test_blocked_moves.c - data that moves in the blocked layout, at widths that
 * fill no block: the channels of two tensors in turn, with the pass that finds them,
 * and transposes to pixels of channels and back. */
#include "formats/onnx.h"
#include "tests/onnx_kit.h"
#include "tests/planes.h"

#include <stdio.h>
#include <string.h>

/* ---- slot weave8c_f32 ---- */

static void check_weave(qn_test *t, qn_weave8c_f32_fn *fn, int c, int parts)
{
    enum { H = 3, W = 5, PLANE = H * W };
    const int dims[] = {2, c, H, W}, out[] = {2, 2 * c / parts, H, W};
    const size_t n = (size_t)(2 * out[1] * PLANE);
    float *x[2];
    qn_weave8c w;
    for (int i = 0; i < 2; i++)
        x[i] = qn_random_floats(t, (size_t)(2 * c * PLANE));
    w.x = qn_make_plane(t, x[0], dims, 1).p;
    w.z = qn_make_plane(t, x[1], dims, 1).p;
    double *want = qn_exact(t, n * sizeof *want), *tol = qn_exact(t, n * sizeof *tol);
    for (int p = 0; p < parts; p++) {
        qn_test_plane y = qn_make_plane(t, NULL, out, 2);
        w.y = y.p;
        w.first = p * out[1];
        for (size_t e = 0; e < n; e++) {
            const int pixel = (int)(e % PLANE), image = (int)(e / PLANE) / out[1];
            const int from = (int)(e / PLANE) % out[1] + p * out[1];
            want[e] = (double)x[from % 2][(image * c + from / 2) * PLANE + pixel];
            tol[e] = 0;
        }
        qn_reset_plane(&y);
        for (int64_t k = 0; k < 2 * qn_blocks8c(out[1]); k++) {
            const qn_task8c task = {
                .image = k % 2, .i1 = H, .c0 = k / 2, .c1 = k / 2 + 1};
            fn(&w, &task);
        }
        qn_check_plane(t, &y, want, tol);
    }
}

void test_weave_rows(qn_test *t)
{
    static const int widths[] = {1, 4, 8, 12, 29, 58};
    int n;
    const qn_kernel_row *rows = qn_kernel_rows(&n);
    for (int r = 0; r < n; r++) {
        if (strcmp(rows[r].slot, "weave8c_f32") != 0 ||
            (qn_cpu_isa() & rows[r].need) != rows[r].need)
            continue;
        for (int i = 0; i < 6; i++)
            for (int parts = 1; parts <= 2; parts++) {
                qn_note(t, "%s c %d, %d parts", rows[r].name, widths[i], parts);
                check_weave(t, (qn_weave8c_f32_fn *)rows[r].fn, widths[i], parts);
            }
    }
}

/* ---- pass fuse_shuffle ---- */

enum { SIDE = 6, WIDE = 10, NUMBERS = WIDE * SIDE * SIDE };

static void ints(qn_kit *k, const char *name, int n, const int64_t *v)
{
    char dims[12];
    snprintf(dims, sizeof dims, "%d", n);
    qn_kit_tensor(k, name, QUERN_INT64, dims, v, (size_t)n * sizeof *v);
}

static void node_ints(qn_kit *k, const char *text, const char *name, const char *v)
{
    size_t node = qn_kit_open(k, GRAPH_NODE, text);
    qn_kit_ints(k, name, v);
    qn_pb_end(&k->buf, node);
}

/* Two convolutions of x, shuffled by perm, cut, one half convolved; y [1,10,6,6]. */
static void shuffle_network(qn_test *t, qn_kit *k, const char *perm)
{
    const int64_t split[] = {1, 2, 10, 6, 6}, whole[] = {1, 20, 6, 6};
    const int64_t at[] = {0, 10, 20, 1};
    qn_kit_begin(k, 8, 17);
    qn_kit_value(k, GRAPH_INPUT, "x", QUERN_FLOAT, "1 10 6 6");
    for (int i = 0; i < 3; i++) {
        const char *const names[] = {"w0", "w1", "w2"};
        qn_kit_tensor(k, names[i], QUERN_FLOAT, "10 10 1 1",
                      qn_random_floats(t, WIDE * WIDE), WIDE * WIDE * sizeof(float));
    }
    ints(k, "split", 5, split);
    ints(k, "whole", 4, whole);
    for (int i = 0; i < 4; i++) {
        const char *const names[] = {"begin", "middle", "end", "axis"};
        ints(k, names[i], 1, &at[i]);
    }
    qn_kit_node(k, "Conv x w0 -> a");
    qn_kit_node(k, "Conv x w1 -> b");
    size_t node = qn_kit_open(k, GRAPH_NODE, "Concat a b -> c");
    qn_kit_int(k, "axis", 1);
    qn_pb_end(&k->buf, node);
    qn_kit_node(k, "Reshape c split -> s");
    node_ints(k, "Transpose s -> p", "perm", perm);
    qn_kit_node(k, "Reshape p whole -> z");
    qn_kit_node(k, "Slice z begin middle axis -> left");
    qn_kit_node(k, "Slice z middle end axis -> right");
    qn_kit_node(k, "Conv right w2 -> r");
    qn_kit_node(k, "Sub left r -> y");
    qn_kit_value(k, GRAPH_OUTPUT, "y", QUERN_FLOAT, NULL);
    qn_kit_end(k);
}

/* Its y, and how many nodes it has; -1 after a failed check. */
static int run_network(qn_test *t, const qn_kit *k, const char *disable,
                       const char *layout, float *y, uint64_t *reorders)
{
    quern_error err;
    quern_model *m;
    quern_session *s;
    const quern_model_options opt = {.size = sizeof opt, .disable_passes = disable};
    const quern_session_options so = {
        .size = sizeof so, .n_threads = 1, .layout = layout};
    float x[NUMBERS];
    for (int i = 0; i < NUMBERS; i++)
        x[i] = (float)(i * 7 % 11) / 4 - 1;
    if (!CHECK_OK(t, quern_model_parse(k->buf.p, k->buf.n, &opt, &m, &err), &err))
        return -1;
    const int n_nodes = m->graph->n_nodes;
    if (CHECK_OK(t, quern_session_create(m, &so, &s, &err), &err)) {
        quern_tensor in = {
            .dtype = QUERN_FLOAT, .rank = 4, .dim = {1, WIDE, SIDE, SIDE}, .data = x};
        quern_tensor out = {0};
        CHECK_OK(t, quern_session_bind(s, 0, &in, &err), &err);
        CHECK_OK(t, quern_run(s, &err), &err);
        CHECK_OK(t, quern_session_output(s, 0, &out, &err), &err);
        if (out.data) memcpy(y, out.data, NUMBERS * sizeof *y);
        quern_session_stats stats;
        quern_session_get_stats(s, &stats);
        *reorders = (uint64_t)stats.reorders;
        quern_session_free(s);
    }
    quern_model_free(m);
    return n_nodes;
}

static void check_network(qn_test *t, const qn_kit *k, int nodes, uint64_t reorders)
{
    static const char *const layouts[] = {"plain", "blocked"};
    float want[NUMBERS] = {0}, y[NUMBERS] = {1};
    uint64_t n = 0;
    run_network(t, k, "all", "plain", want, &n);
    for (int i = 0; i < 2; i++) {
        qn_note(t, "%d nodes, %s", nodes, layouts[i]);
        CHECK_EQ(t, run_network(t, k, NULL, layouts[i], y, &n), nodes);
        CHECK_EQ(t, n, i ? reorders : 0);
        for (int e = 0; e < NUMBERS; e++)
            CHECK_WITHIN(t, (double)y[e], (double)want[e], 1e-5);
    }
}

void test_pass_fuse_shuffle(qn_test *t)
{
    qn_kit k;
    shuffle_network(t, &k, "0 2 1 3 4"); /* three Conv, Shuffle, Sub */
    check_network(t, &k, 5, 2);
    qn_kit_done(&k);
    shuffle_network(t, &k, "0 2 1 4 3"); /* turns the pictures, too */
    check_network(t, &k, 10, 6);
    qn_kit_done(&k);
}

/* ---- transposes ------------------------------------------------------------------ */

/* Between convolutions, pixels of channels for a product with one number a channel. */
void test_layout_transposes(qn_test *t)
{
    qn_kit k;
    qn_kit_begin(&k, 8, 17);
    qn_kit_value(&k, GRAPH_INPUT, "x", QUERN_FLOAT, "1 10 6 6");
    for (int i = 0; i < 2; i++)
        qn_kit_tensor(&k, i ? "w1" : "w0", QUERN_FLOAT, "10 10 1 1",
                      qn_random_floats(t, WIDE * WIDE), WIDE * WIDE * sizeof(float));
    qn_kit_tensor(&k, "s", QUERN_FLOAT, "10", qn_random_floats(t, WIDE),
                  WIDE * sizeof(float));
    qn_kit_node(&k, "Conv x w0 -> a");
    node_ints(&k, "Transpose a -> p", "perm", "0 2 3 1");
    qn_kit_node(&k, "Mul p s -> q");
    node_ints(&k, "Transpose q -> b", "perm", "0 3 1 2");
    qn_kit_node(&k, "Add a b -> r");
    qn_kit_node(&k, "Conv r w1 -> y");
    qn_kit_value(&k, GRAPH_OUTPUT, "y", QUERN_FLOAT, NULL);
    qn_kit_end(&k);
    check_network(t, &k, 6, 2); /* x and y */
    qn_kit_done(&k);
}
