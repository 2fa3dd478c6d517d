/* SPDX-License-Identifier: Apache-2.0 */
/* tests/test_panels.c - products with a packed operand: every row of the slot against
 * sums in double, parts against the whole; and the passes that lead to it: networks
 * with and without them. */
#include "engine/linear.h"
#include "engine/pool.h"
#include "formats/onnx.h"
#include "tests/onnx_kit.h"
#include "tests/test.h"

#include <float.h>
#include <math.h>
#include <string.h>

static const float sentinel = 7.25f;

typedef struct problem {
    qn_panels_product p;
    int64_t m;
    size_t y_size;
    double *want, *tol;
} problem;

static double activate(int kind, double x)
{
    if (kind == QN_ACT_RELU) return x < 0 ? 0 : x;
    return kind == QN_ACT_GELU ? x / 2 * (1 + erf(x / sqrt(2))) : x;
}

static void expect(qn_test *t, problem *p, const float *b, bool transposed, float alpha)
{
    const qn_panels_product *q = &p->p;
    const int64_t n = q->n, k = q->k;
    p->want = qn_exact(t, (size_t)(p->m * n) * sizeof(double));
    p->tol = qn_exact(t, (size_t)(p->m * n) * sizeof(double));
    for (int64_t i = 0; i < p->m; i++)
        for (int64_t j = 0; j < n; j++) {
            double sum = q->bias ? (double)q->bias[j] : 0, mass = fabs(sum);
            for (int64_t e = 0; e < k; e++) {
                double x = (double)alpha * (double)q->a[i * q->lda + e] *
                           (double)b[transposed ? j * k + e : e * n + j];
                sum += x;
                mass += fabs(x);
            }
            if (q->add) sum += (double)q->add[i * q->ld_add + j];
            mass += fabs(sum);
            p->want[i * n + j] = activate(q->act.kind, sum);
            p->tol[i * n + j] = ((double)k + 4) * FLT_EPSILON * mass + 1e-6;
        }
}

static problem make(qn_test *t, int64_t m, int64_t n, int64_t k, int how)
{
    static const int acts[] = {QN_ACT_NONE, QN_ACT_RELU, QN_ACT_GELU};
    const int64_t gap = how & 1 ? 3 : 0;
    const bool transposed = how & 2;
    const float alpha = how & 4 ? 0.5f : 1;
    problem p = {.m = m};
    float *b = qn_random_floats(t, (size_t)(k * n));
    float *packed = qn_exact(t, (size_t)qn_panels_size(k, n) * sizeof(float));
    const qn_panels_source s = {b, transposed ? k : n, k, n, transposed, alpha};
    qn_panels_pack(&s, 0, qn_panels(n), packed);
    p.p = (qn_panels_product){.n = n, .k = k, .b = packed, .lda = k + gap};
    p.p.ldy = p.p.ld_add = n + gap;
    p.p.a = qn_random_floats(t, (size_t)(m * p.p.lda));
    if (how & 8) p.p.bias = qn_random_floats(t, (size_t)n);
    if (how & 16) p.p.add = qn_random_floats(t, (size_t)(m * p.p.ld_add));
    p.p.act.kind = (uint8_t)acts[how % 3];
    p.y_size = (size_t)(m * p.p.ldy);
    expect(t, &p, b, transposed, alpha);
    return p;
}

static float *clean_result(qn_test *t, const problem *p)
{
    float *y = qn_exact(t, p->y_size * sizeof *y);
    for (size_t i = 0; i < p->y_size; i++)
        y[i] = sentinel;
    return y;
}

static void check_values(qn_test *t, const problem *p, const float *y)
{
    double worst = 0;
    bool is_clean = true;
    for (int64_t i = 0; i < p->m; i++)
        for (int64_t j = 0; j < p->p.ldy; j++) {
            const int64_t at = i * p->p.n + j;
            if (j >= p->p.n) {
                is_clean = is_clean && y[i * p->p.ldy + j] == sentinel;
                continue;
            }
            double off = fabs((double)y[i * p->p.ldy + j] - p->want[at]) - p->tol[at];
            if (!(off <= worst)) worst = off;
        }
    CHECK_WITHIN(t, worst, 0, 0);
    CHECK(t, is_clean);
}

static void check_row(qn_test *t, qn_panels_f32_fn *fn)
{
    static const int64_t sizes[][3] = {
        {1, 1, 1},    {1, 64, 9},  {1, 133, 40},  {2, 16, 7},
        {3, 17, 5},   {4, 8, 64},  {5, 31, 33},   {6, 48, 2},
        {7, 15, 16},  {11, 70, 8}, {13, 200, 3},  {31, 20, 1100},
        {600, 5, 70}, {3, 40, 0},  {9, 16, 1025}, {25, 150, 24}};
    for (int s = 0; s < (int)(sizeof sizes / sizeof *sizes) * 8; s++) {
        const int64_t *d = sizes[s / 8];
        problem p = make(t, d[0], d[1], d[2], (s * 5 + 3) % 32);
        qn_note(t, "m %d n %d k %d, case %d", (int)d[0], (int)d[1], (int)d[2], s & 7);
        p.p.y = clean_result(t, &p);
        const float *whole = p.p.y;
        fn(&p.p, &(qn_panels_task){0, d[0], 0, qn_panels(d[1])});
        check_values(t, &p, whole);
        p.p.y = clean_result(t, &p);
        for (int64_t i = 0, rows; i < d[0]; i += rows) {
            rows = qn_test_int(t, 1, d[0] - i);
            for (int64_t c = 0, n; c < qn_panels(d[1]); c += n) {
                n = qn_test_int(t, 1, qn_panels(d[1]) - c);
                fn(&p.p, &(qn_panels_task){i, i + rows, c, c + n});
            }
        }
        CHECK(t, memcmp(whole, p.p.y, p.y_size * sizeof *whole) == 0);
    }
}

void test_panels_rows(qn_test *t)
{
    int n;
    const qn_kernel_row *rows = qn_kernel_rows(&n);
    for (int r = 0; r < n; r++)
        if (strcmp(rows[r].slot, "panels_f32") == 0 &&
            (qn_cpu_isa() & rows[r].need) == rows[r].need)
            check_row(t, (qn_panels_f32_fn *)rows[r].fn);
}

void test_panels_threads(qn_test *t)
{
    quern_error err;
    qn_pool *pool;
    qn_kernels k;
    REQUIRE_OK(t, quern_pool_create(3, &pool, &err), &err);
    qn_kernels_init(&k, qn_cpu_isa());
    static const int64_t sizes[][3] = {{1, 3000, 130}, {300, 290, 301}, {2, 999, 700}};
    for (int s = 0; s < 3; s++) {
        problem p = make(t, sizes[s][0], sizes[s][1], sizes[s][2], 26);
        const qn_linear l = {.k = p.p.k, .n = p.p.n, .panels = p.p.b};
        float *alone = p.p.y = clean_result(t, &p);
        qn_linear_run(&l, p.m, p.p, &(qn_exec){.k = &k});
        check_values(t, &p, alone);
        p.p.y = clean_result(t, &p);
        qn_linear_run(&l, p.m, p.p, &(qn_exec){.k = &k, .pool = pool});
        CHECK(t, memcmp(alone, p.p.y, p.y_size * sizeof *alone) == 0);
    }
    quern_pool_free(pool);
}

void test_panels_not_a_number(qn_test *t)
{
    qn_kernels k;
    qn_kernels_init(&k, qn_cpu_isa());
    problem p = make(t, 4, 20, 6, 9); /* ReLU */
    float *a = qn_random_floats(t, (size_t)(p.m * p.p.lda));
    a[2 * p.p.lda + 1] = NAN;
    p.p.a = a;
    p.p.y = clean_result(t, &p);
    p.p.act.kind = QN_ACT_RELU;
    k.panels_f32(&p.p, &(qn_panels_task){0, 4, 0, 2});
    for (int64_t j = 0; j < 20; j++) {
        CHECK(t, isnan(p.p.y[2 * p.p.ldy + j]));
        CHECK(t, !isnan(p.p.y[1 * p.p.ldy + j]));
    }
}

/* ---- rows in between ---- */

static void check_softmax(qn_test *t, qn_softmax_f32_fn *fn, int64_t n)
{
    float *x = qn_random_floats(t, (size_t)(3 * n)),
          *y = qn_exact(t, (size_t)(3 * n) * 4);
    for (int64_t i = 0; i < 3 * n; i++)
        x[i] *= 20;
    if (n > 2) x[1] = -INFINITY;
    x[2 * n + n / 2] = NAN;
    fn(QN_SOFTMAX, n, 1, x, y, 0, 3);
    for (int64_t o = 0; o < 3; o++) {
        double max = -INFINITY, sum = 0;
        for (int64_t i = 0; i < n; i++)
            max = fmax(max, (double)x[o * n + i]);
        for (int64_t i = 0; i < n; i++)
            sum += exp((double)x[o * n + i] - max);
        for (int64_t i = 0; i < n; i++)
            CHECK_WITHIN(t, (double)y[o * n + i],
                         o == 2 ? (double)NAN : exp((double)x[o * n + i] - max) / sum,
                         1e-6);
    }
    if (n > 2) CHECK(t, y[1] == 0);
    fn(QN_SOFTMAX, n, 1, x, x, 0, 2); /* in place: the same bits */
    CHECK(t, memcmp(x, y, (size_t)(2 * n) * sizeof *x) == 0);
}

/* A row far from zero, or with an outlier in the place that is looked at first. */
static void check_rownorm(qn_test *t, qn_rownorm_f32_fn *fn, int64_t n, int how)
{
    float *x = qn_random_floats(t, (size_t)n), *y = qn_exact(t, (size_t)n * 4);
    float *want = qn_exact(t, (size_t)n * 4);
    for (int64_t i = 0; i < n; i++)
        x[i] += how == 1 ? 1000.f : how == 2 && i == 0 ? 1e4f : 0.f;
    const qn_rownorm p = {n, 1e-5, qn_random_floats(t, (size_t)n),
                          how ? qn_random_floats(t, (size_t)n) : NULL};
    const qn_moments exact = qn_rownorm_f32_ref(&p, x, want), got = fn(&p, x, y);
    const double spread = sqrt(exact.variance + 1e-5);
    CHECK_WITHIN(t, got.mean, exact.mean, 1e-6 * spread + 1e-7 * fabs(exact.mean));
    CHECK_WITHIN(t, got.variance, exact.variance, 2e-5 * exact.variance + 1e-9);
    for (int64_t i = 0; i < n; i++)
        CHECK_WITHIN(t, (double)y[i], (double)want[i],
                     1e-5 * fabs((double)want[i]) + 1e-6 +
                         2e-7 * fabs(exact.mean) / spread);
    const qn_moments again = fn(&p, x, NULL);
    CHECK(t, again.mean == got.mean && again.variance == got.variance);
}

void test_softmax_rows(qn_test *t)
{
    static const int64_t sizes[] = {1, 3, 8, 9, 16, 49, 197};
    int n;
    const qn_kernel_row *rows = qn_kernel_rows(&n);
    for (int i = 0; i < n * 7; i++) {
        const qn_kernel_row *row = &rows[i / 7];
        if ((qn_cpu_isa() & row->need) != row->need) continue;
        qn_note(t, "%s n %d", row->name, (int)sizes[i % 7]);
        if (strcmp(row->slot, "softmax_f32") == 0)
            check_softmax(t, (qn_softmax_f32_fn *)row->fn, sizes[i % 7]);
        for (int how = 0; how < 3 && strcmp(row->slot, "rownorm_f32") == 0; how++)
            check_rownorm(t, (qn_rownorm_f32_fn *)row->fn, sizes[i % 7], how);
    }
}

/* ---- passes ---------------------------------------------------------------------- */

enum { ROWS = 6, IN = 5, OUT = 18 };

static void kit_constant(qn_test *t, qn_kit *k, const char *name, const char *dims,
                         int n)
{
    qn_kit_tensor(k, name, QUERN_FLOAT, dims, qn_random_floats(t, (size_t)n),
                  (size_t)n * sizeof(float));
}

static void kit_scalar(qn_kit *k, const char *name, float v)
{
    qn_kit_tensor(k, name, QUERN_FLOAT, "", &v, sizeof v);
}

/* x [2,3,5] -> Linear -> body -> y [2,3,18] or what the body makes of it. */
static void kit_network(qn_test *t, qn_kit *k, const char *const *body)
{
    qn_kit_begin(k, 8, 17);
    qn_kit_value(k, GRAPH_INPUT, "x", QUERN_FLOAT, "2 3 5");
    kit_constant(t, k, "w", "5 18", IN * OUT);
    kit_constant(t, k, "b", "18", OUT);
    kit_constant(t, k, "s", "18 1", OUT);
    kit_constant(t, k, "r", "18", OUT);
    kit_scalar(k, "root2", 1.41421356f);
    kit_scalar(k, "inverse", 0.70710678f);
    kit_scalar(k, "one", 1);
    kit_scalar(k, "half", 0.5f);
    qn_kit_node(k, "MatMul x w -> m");
    qn_kit_node(k, "Add b m -> a");
    for (; *body; body++) {
        size_t node = qn_kit_open(k, GRAPH_NODE, *body);
        if (strncmp(*body, "Transpose", 9) == 0) qn_kit_ints(k, "perm", "0 2 1");
        qn_pb_end(&k->buf, node);
    }
    qn_kit_value(k, GRAPH_OUTPUT, "y", QUERN_FLOAT, NULL);
    qn_kit_end(k);
}

/* Runs the network; its y, and how many nodes the model has. */
static void run_network(qn_test *t, const qn_kit *k, const char *disable, float *y,
                        int *n_nodes)
{
    quern_error err;
    quern_model *m;
    quern_session *s;
    const quern_model_options opt = {.size = sizeof opt, .disable_passes = disable};
    const quern_session_options so = {.size = sizeof so, .n_threads = 1};
    float x[ROWS * IN];
    for (int i = 0; i < ROWS * IN; i++)
        x[i] = (float)(i * 7 % 11) / 4 - 1;
    REQUIRE_OK(t, quern_model_parse(k->buf.p, k->buf.n, &opt, &m, &err), &err);
    *n_nodes = m->graph->n_nodes;
    if (CHECK_OK(t, quern_session_create(m, &so, &s, &err), &err)) {
        quern_tensor in = {
            .dtype = QUERN_FLOAT, .rank = 3, .dim = {2, 3, 5}, .data = x};
        quern_tensor out = {0};
        CHECK_OK(t, quern_session_bind(s, 0, &in, &err), &err);
        CHECK_OK(t, quern_run(s, &err), &err);
        CHECK_OK(t, quern_session_output(s, 0, &out, &err), &err);
        if (out.data) memcpy(y, out.data, ROWS * OUT * sizeof *y);
        quern_session_free(s);
    }
    quern_model_free(m);
}

static void check_network(qn_test *t, const char *const *body, int left)
{
    qn_kit k;
    float with[ROWS * OUT] = {0}, without[ROWS * OUT] = {1};
    int n_nodes = 0, all = 0;
    kit_network(t, &k, body);
    run_network(t, &k, NULL, with, &n_nodes);
    run_network(t, &k, "all", without, &all);
    qn_note(t, "%s", body[0]);
    CHECK_EQ(t, n_nodes, left);
    for (int i = 0; i < ROWS * OUT; i++)
        CHECK_WITHIN(t, (double)with[i], (double)without[i], 2e-6);
    qn_kit_done(&k);
}

void test_pass_fuse_bias(qn_test *t)
{
    check_network(t, (const char *const[]){"Neg a -> y", NULL}, 2);
    check_network(t, (const char *const[]){"Relu a -> y", NULL}, 1);
    check_network(t, (const char *const[]){"Add a m -> y", NULL}, 3);
    check_network(t, (const char *const[]){"Neg a -> n", "Add m n -> y", NULL}, 4);
}

void test_pass_fuse_gelu(qn_test *t)
{
    check_network(t,
                  (const char *const[]){"Div a root2 -> d", "Erf d -> e",
                                        "Add e one -> f", "Mul a f -> g",
                                        "Mul g half -> y", NULL},
                  1);
    check_network(t,
                  (const char *const[]){"Mul inverse a -> d", "Mul a half -> h",
                                        "Erf d -> e", "Add one e -> f", "Mul h f -> y",
                                        NULL},
                  1);
    check_network(t,
                  (const char *const[]){"Div a root2 -> d", "Erf d -> e",
                                        "Add e one -> f", "Mul half f -> g",
                                        "Mul g a -> y", NULL},
                  1);
    check_network(t, /* not GELU: x + instead of x times */
                  (const char *const[]){"Div a root2 -> d", "Erf d -> e",
                                        "Add e one -> f", "Add a f -> g",
                                        "Mul g half -> y", NULL},
                  6);
}

void test_pass_fold_scale(qn_test *t)
{
    check_network(t, (const char *const[]){"Mul a r -> y", NULL}, 1);
    check_network(t, (const char *const[]){"Transpose a -> c", "Mul s c -> y", NULL},
                  2);
    check_network(t, (const char *const[]){"Mul a half -> y", NULL}, 2);
}
