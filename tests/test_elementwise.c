/* SPDX-License-Identifier: Apache-2.0 */
/* tests/test_elementwise.c - elementwise kernels against double and by definition, the
 * broadcasting walk against plain indexing, and the random numbers' shape. */
#include "engine/broadcast.h"
#include "engine/rng.h"
#include "kernels/act.h"
#include "kernels/elementwise.h"
#include "kernels/kernels.h"
#include "tests/test.h"

#include <float.h>
#include <math.h>
#include <string.h>

/* |got - want| in units of the last place of want as a float. */
static double ulps(float got, double want)
{
    int exp;
    if (isnan(want)) return isnan(got) ? 0 : HUGE_VAL;
    if (isinf((float)want)) return (double)got == want || isinf(got) ? 0 : 1;
    frexp(want, &exp);
    double ulp = ldexp(1, (exp < -125 ? -125 : exp) - 24);
    return fabs((double)got - want) / ulp;
}

/*  function, parameters, largest error in ulp; inputs spread over [-lim, lim] */
static const struct {
    const char *name;
    enum qn_unary_op op;
    float a, b, lim;
    double ulp;
} accurate[] = {
    {"exp", QN_UNARY_exp, 0, 0, 110, 1.5},
    {"tanh", QN_UNARY_tanh, 0, 0, 12, 2},
    {"erf", QN_UNARY_erf, 0, 0, 5, 3},
    {"sigmoid", QN_UNARY_sigmoid, 0, 0, 95, 3.5},
    {"log", QN_UNARY_log, 0, 0, 100, 2},
    {"sin", QN_UNARY_sin, 0, 0, 30, 2},
    {"atan", QN_UNARY_atan, 0, 0, 30, 2},
    {"softplus", QN_UNARY_softplus, 0, 0, 50, 4},
    {"softsign", QN_UNARY_softsign, 0, 0, 50, 2},
    {"elu", QN_UNARY_elu, 0.7f, 0, 30, 3},
    {"celu", QN_UNARY_celu, 0.7f, 0, 30, 5},
    {"selu", QN_UNARY_selu, 1.6f, 1.05f, 30, 4},
    {"swish", QN_UNARY_swish, 1, 0, 50, 5},
    {"mish", QN_UNARY_mish, 0, 0, 30, 8},
    {"gelu_tanh", QN_UNARY_gelu_tanh, 0, 0, 3, 40},
    {"reciprocal", QN_UNARY_reciprocal, 0, 0, 3, 0.6},
    {"hard_swish", QN_UNARY_hard_swish, 0, 0, 0.5f, 3},
};

void test_unary_accuracy(qn_test *t)
{
    enum { N = 20011 };
    float *x = qn_exact(t, N * sizeof *x), *y = qn_exact(t, N * sizeof *y);
    double *wide = qn_exact(t, N * sizeof *wide), *want = qn_exact(t, N * sizeof *want);
    for (size_t k = 0; k < sizeof accurate / sizeof *accurate; k++) {
        const float p[2] = {accurate[k].a, accurate[k].b};
        double worst = 0, at = 0;
        for (int i = 0; i < N; i++) {
            double lim = (double)accurate[k].lim;
            x[i] = (float)qn_test_uniform(t, -lim, lim);
            if (i % 3 == 0) x[i] *= 0x1p-20f;
            wide[i] = (double)x[i];
        }
        qn_unary(accurate[k].op, QN_E_F32)(x, y, N, p);
        qn_unary(accurate[k].op, QN_E_F64)(wide, want, N, p);
        for (int i = 0; i < N; i++)
            if (ulps(y[i], want[i]) > worst) worst = ulps(y[i], want[i]), at = wide[i];
        qn_note(t, "%s at %g", accurate[k].name, at);
        CHECK_WITHIN(t, worst, 0, accurate[k].ulp);
    }
}

/* gelu's left tail is a difference of nearly equal numbers: absolute error counts. */
void test_gelu(qn_test *t)
{
    for (int i = -800; i <= 800; i++) {
        float y = (float)i / 100;
        double want = 0.5 * (double)y * (1 + erf((double)y / sqrt(2)));
        qn_act_f32(QN_ACT_GELU, 0, 0, &y, 1);
        CHECK_WITHIN(t, (double)y, want, 2e-7 * (1 + fabs(want)));
    }
}

void test_unary_special(qn_test *t)
{
    static const enum qn_unary_op keep_nan[] = {
        QN_UNARY_relu,    QN_UNARY_clip, QN_UNARY_leaky_relu,   QN_UNARY_elu,
        QN_UNARY_exp,     QN_UNARY_tanh, QN_UNARY_erf,          QN_UNARY_sigmoid,
        QN_UNARY_swish,   QN_UNARY_mish, QN_UNARY_hard_sigmoid, QN_UNARY_hard_swish,
        QN_UNARY_gelu,    QN_UNARY_sign, QN_UNARY_abs,          QN_UNARY_floor,
        QN_UNARY_softplus};
    const float p[2] = {0.25f, 0.5f};
    for (size_t k = 0; k < sizeof keep_nan / sizeof *keep_nan; k++) {
        float x[9], y[9];
        for (int i = 0; i < 9; i++)
            x[i] = NAN;
        qn_unary(keep_nan[k], QN_E_F32)(x, y, 9, p);
        qn_note(t, "function %d", (int)keep_nan[k]);
        for (int i = 0; i < 9; i++)
            CHECK(t, isnan(y[i]));
    }
    static const struct {
        enum qn_unary_op op;
        float x, y;
    } cases[] = {
        {QN_UNARY_exp, INFINITY, INFINITY},
        {QN_UNARY_exp, -INFINITY, 0},
        {QN_UNARY_exp, 89, INFINITY},
        {QN_UNARY_exp, -103, 0x1p-149f},
        {QN_UNARY_tanh, -INFINITY, -1},
        {QN_UNARY_tanh, INFINITY, 1},
        {QN_UNARY_tanh, -0.0f, -0.0f},
        {QN_UNARY_erf, INFINITY, 1},
        {QN_UNARY_erf, -INFINITY, -1},
        {QN_UNARY_sigmoid, INFINITY, 1},
        {QN_UNARY_sigmoid, -INFINITY, 0},
        {QN_UNARY_round, 2.5f, 2},
        {QN_UNARY_round, -3.5f, -4},
        {QN_UNARY_round, 1e30f, 1e30f},
        {QN_UNARY_relu, -INFINITY, 0},
        {QN_UNARY_sign, -3, -1},
        {QN_UNARY_softplus, INFINITY, INFINITY},
        {QN_UNARY_mish, INFINITY, INFINITY},
        {QN_UNARY_log, 0, -INFINITY},
    };
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        float y;
        qn_unary(cases[k].op, QN_E_F32)(&cases[k].x, &y, 1, p);
        qn_note(t, "case %zu", k);
        CHECK_WITHIN(t, (double)y, (double)cases[k].y, 0);
        CHECK(t, signbit(y) == signbit(cases[k].y));
    }
}

void test_unary_in_place_and_sizes(qn_test *t)
{
    const float p[2] = {0.25f, 0.5f};
    for (int64_t n = 0; n < 40; n++)
        for (int op = 0; op < QN_UNARY_COUNT; op++) {
            qn_unary_fn *fn = qn_unary((enum qn_unary_op)op, QN_E_F32);
            if (!fn) continue;
            size_t bytes = (size_t)n * sizeof(float);
            float *x = qn_hard_floats(t, (size_t)n), *y = qn_exact(t, bytes);
            fn(x, y, n, p);
            fn(x, x, n, p);
            qn_note(t, "function %d, n=%d", op, (int)n);
            for (int64_t i = 0; i < n; i++)
                CHECK_WITHIN(t, (double)x[i], (double)y[i], 0);
        }
}

/* Whatever the machine offers gives the bits of the plain loops. */
void test_unary_same_bits(qn_test *t)
{
    enum { N = 1003 };
    const float p[2] = {0.25f, 0.5f};
    int n_rows;
    const qn_kernel_row *rows = qn_kernel_rows(&n_rows);
    float *x = qn_hard_floats(t, N), *y = qn_exact(t, N * sizeof *y);
    float *want = qn_exact(t, N * sizeof *want);
    for (int k = 0; k < n_rows; k++) {
        if (strcmp(rows[k].slot, "unary_f32") != 0) continue;
        if ((qn_cpu_isa() & rows[k].need) != rows[k].need) continue;
        for (int op = 0; op < QN_UNARY_COUNT; op++) {
            qn_unary_fn *fn = qn_unary((enum qn_unary_op)op, QN_E_F32);
            if (!fn) continue;
            fn(x, want, N, p);
            ((qn_unary_f32_fn *)rows[k].fn)(op, x, y, N, p);
            int n_wrong = 0;
            for (int i = 0; i < N; i++)
                n_wrong += !(isnan(y[i]) && isnan(want[i])) &&
                           memcmp(&y[i], &want[i], sizeof y[i]) != 0;
            qn_note(t, "%s, function %d", rows[k].name, op);
            CHECK_EQ(t, n_wrong, 0);
        }
    }
}

void test_integer_corners(qn_test *t)
{
    static const struct {
        enum qn_binary_op op;
        int32_t a, b, y;
    } cases[] = {
        {QN_BINARY_div, INT32_MIN, -1, INT32_MIN},
        {QN_BINARY_div, -7, 2, -3},
        {QN_BINARY_div, 7, 0, 0},
        {QN_BINARY_mod, -7, 3, 2},
        {QN_BINARY_mod, 7, -3, -2},
        {QN_BINARY_mod, INT32_MIN, -1, 0},
        {QN_BINARY_fmod, -7, 3, -1},
        {QN_BINARY_add, INT32_MAX, 1, INT32_MIN},
        {QN_BINARY_mul, INT32_MIN, -1, INT32_MIN},
        {QN_BINARY_pow, 3, 4, 81},
        {QN_BINARY_pow, -1, -3, -1},
        {QN_BINARY_pow, 2, -1, 0},
        {QN_BINARY_pow, 0, 0, 1},
        {QN_BINARY_shift_left, 1, 31, INT32_MIN},
        {QN_BINARY_shift_left, 1, 32, 0},
        {QN_BINARY_shift_left, 1, -1, 0},
        {QN_BINARY_shift_right, -8, 1, -4},
        {QN_BINARY_shift_right, -8, 40, -1},
        {QN_BINARY_shift_right, 8, 40, 0},
        {QN_BINARY_max, -1, 1, 1},
        {QN_BINARY_min, -1, 1, -1},
    };
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        int32_t y;
        qn_note(t, "case %zu", k);
        qn_binary(cases[k].op, QN_E_I32)(&cases[k].a, 1, &cases[k].b, 1, &y, 1);
        CHECK_EQ(t, y, cases[k].y);
    }
    const uint8_t a = 200, b = 100;
    uint8_t y;
    qn_binary(QN_BINARY_add, QN_E_U8)(&a, 1, &b, 1, &y, 1);
    CHECK_EQ(t, y, 44);
    qn_binary(QN_BINARY_sub, QN_E_U8)(&b, 1, &a, 1, &y, 1);
    CHECK_EQ(t, y, 156);
}

void test_float_corners(qn_test *t)
{
    static const struct {
        enum qn_binary_op op;
        double a, b, y;
    } cases[] = {
        {QN_BINARY_max, (double)NAN, 1, (double)NAN},
        {QN_BINARY_max, 1, (double)NAN, (double)NAN},
        {QN_BINARY_min, (double)NAN, 1, (double)NAN},
        {QN_BINARY_min, 1, (double)NAN, (double)NAN},
        {QN_BINARY_mod, -7, 3, 2},
        {QN_BINARY_mod, 7, -3, -2},
        {QN_BINARY_mod, -1, HUGE_VAL, HUGE_VAL},
        {QN_BINARY_mod, 1, HUGE_VAL, 1},
        {QN_BINARY_mod, 1, 0, (double)NAN},
        {QN_BINARY_fmod, -7, 3, -1},
        {QN_BINARY_pow, -HUGE_VAL, 0.5, HUGE_VAL},
        {QN_BINARY_pow, -3, 2, 9},
        {QN_BINARY_div, 1, 0, HUGE_VAL},
        {QN_BINARY_prelu, -2, 0.5, -1},
    };
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++)
        for (int stride = 0; stride < 2; stride++) {
            double y;
            qn_note(t, "case %zu, stride %d", k, stride);
            qn_binary(cases[k].op, QN_E_F64)(&cases[k].a, 1, &cases[k].b, stride, &y,
                                             1);
            CHECK_WITHIN(t, y, cases[k].y, 0);
        }
}

/* ---- broadcasting ---- */

typedef struct walk_log {
    const qn_bcast *b;
    int64_t *out_seen, *a, *c;
} walk_log;

static void log_row(void *ctx, const int64_t *in, int64_t out, int64_t n)
{
    walk_log *log = ctx;
    for (int64_t i = 0; i < n; i++) {
        log->out_seen[out + i]++;
        log->a[out + i] = in[0] + i * qn_bcast_stride(log->b, 0);
        log->c[out + i] = in[1] + i * qn_bcast_stride(log->b, 1);
    }
}

/* Element of `t` that output element `at` of shape y reads, by definition. */
static int64_t source(const qn_tensor *t, const qn_tensor *y, int64_t at)
{
    int64_t from = 0, step = 1;
    for (int d = y->rank - 1; d >= y->rank - t->rank; d--) {
        int own = d - (y->rank - t->rank);
        if (t->dim[own] > 1) from += at % y->dim[d] * step;
        step *= t->dim[own];
        at /= y->dim[d];
    }
    return from;
}

void test_broadcast_walk(qn_test *t)
{
    for (int round = 0; round < 500; round++) {
        qn_tensor y = {.rank = (int)qn_test_int(t, 0, 5)}, in[2] = {{.rank = 0}};
        for (int d = 0; d < y.rank; d++)
            y.dim[d] = qn_test_int(t, round % 20 == 0 ? 0 : 1, 5);
        for (int k = 0; k < 2; k++) {
            in[k].rank = (int)qn_test_int(t, 0, y.rank);
            for (int d = 0; d < in[k].rank; d++) {
                int64_t full = y.dim[y.rank - in[k].rank + d];
                in[k].dim[d] = qn_test_int(t, 0, 2) == 0 ? 1 : full;
            }
        }
        qn_bcast b;
        qn_bcast_plan(&b, &y, 2, (const qn_tensor *[]){&in[0], &in[1]});
        size_t bytes = (size_t)b.count * sizeof(int64_t);
        walk_log log = {&b, qn_exact(t, bytes), qn_exact(t, bytes), qn_exact(t, bytes)};
        if (bytes) memset(log.out_seen, 0, bytes);
        int64_t cut = qn_test_int(t, 0, b.count);
        qn_bcast_walk(&b, 0, cut, log_row, &log);
        qn_bcast_walk(&b, cut, b.count, log_row, &log);
        int64_t n_wrong = 0;
        for (int64_t i = 0; i < b.count; i++)
            n_wrong += log.out_seen[i] != 1 || log.a[i] != source(&in[0], &y, i) ||
                       log.c[i] != source(&in[1], &y, i);
        qn_note(t, "round %d", round);
        CHECK_EQ(t, n_wrong, 0);
    }
}

/* A channel's bias has rows of whole planes. */
void test_broadcast_collapses(qn_test *t)
{
    const qn_tensor y = {.rank = 4, .dim = {2, 3, 5, 7}};
    const qn_tensor bias = {.rank = 3, .dim = {3, 1, 1}};
    qn_bcast b;
    qn_bcast_plan(&b, &y, 2, (const qn_tensor *[]){&y, &bias});
    CHECK_EQ(t, b.rank, 3);
    CHECK_EQ(t, b.dim[2], 35);
    CHECK_EQ(t, qn_bcast_stride(&b, 0), 1);
    CHECK_EQ(t, qn_bcast_stride(&b, 1), 0);
    qn_bcast_plan(&b, &y, 2, (const qn_tensor *[]){&y, &y});
    CHECK_EQ(t, b.rank, 1);
    CHECK_EQ(t, b.dim[0], 210);
}

/* ---- random numbers ---- */

/* The answers of the paper's own test program for all zeros and all ones. */
void test_rng_philox(qn_test *t)
{
    static const uint32_t zeros[4] = {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8};
    static const uint32_t ones[4] = {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd};
    uint32_t out[4];
    qn_rng_block(&(qn_rng){0, 0}, 0, out);
    for (int i = 0; i < 4; i++)
        CHECK_EQ(t, out[i], zeros[i]);
    qn_rng_block(&(qn_rng){UINT64_MAX, UINT64_MAX}, UINT64_MAX, out);
    for (int i = 0; i < 4; i++)
        CHECK_EQ(t, out[i], ones[i]);
}

void test_rng_moments(qn_test *t)
{
    enum { N = 100000 };
    qn_rng rng = qn_rng_make(1, "node", 0), other = qn_rng_make(1, "edon", 0);
    double sum[3] = {0}, square[3] = {0}, product = 0;
    for (uint64_t i = 0; i < N; i++) {
        double x[3] = {qn_rng_uniform(&rng, i), qn_rng_uniform53(&rng, i),
                       qn_rng_normal(&rng, i)};
        for (int k = 0; k < 3; k++) {
            sum[k] += x[k];
            square[k] += x[k] * x[k];
        }
        product += (x[0] - 0.5) * (qn_rng_uniform(&other, i) - 0.5);
        if (x[0] < 0 || x[0] >= 1) CHECK_WITHIN(t, x[0], 0.5, 0.5);
    }
    for (int k = 0; k < 3; k++) {
        double mean = k == 2 ? 0 : 0.5, second = k == 2 ? 1 : 1.0 / 3;
        CHECK_WITHIN(t, sum[k] / N, mean, 0.02);
        CHECK_WITHIN(t, square[k] / N, second, 0.03);
    }
    CHECK_WITHIN(t, product / N, 0, 0.002);
}
