/* SPDX-License-Identifier: Apache-2.0 */
/* tests/test_reduce.c - reductions, arg max, softmax, recurrent cells, attention rows,
 * losses and optimizers against plain formulas in double. */
#include "kernels/attention.h"
#include "kernels/loss.h"
#include "kernels/recurrent.h"
#include "kernels/reduce.h"
#include "kernels/softmax.h"
#include "tests/test.h"

#include <float.h>
#include <math.h>
#include <string.h>

enum { RANK = 4 };

static void check_floats(qn_test *t, const float *got, const float *want, size_t n)
{
    for (size_t i = 0; i < n; i++)
        CHECK_WITHIN(t, (double)got[i], (double)want[i], 0);
}

static bool same_bytes(const void *a, const void *b, size_t n)
{
    return memcmp(a, b, n) == 0;
}

static double combine(qn_reduce_kind kind, double acc, double x)
{
    switch (kind) {
    case QN_REDUCE_MAX:
        return x > acc || isnan(x) ? x : acc;
    case QN_REDUCE_MIN:
        return x < acc || isnan(x) ? x : acc;
    case QN_REDUCE_PROD:
        return acc * x;
    case QN_REDUCE_L1:
        return acc + fabs(x);
    case QN_REDUCE_L2:
    case QN_REDUCE_SUM_SQUARE:
        return acc + x * x;
    case QN_REDUCE_LOG_SUM_EXP:
        return acc + exp(x);
    default:
        return acc + x;
    }
}

static double identity(qn_reduce_kind kind)
{
    return kind == QN_REDUCE_MAX   ? -(double)INFINITY
           : kind == QN_REDUCE_MIN ? (double)INFINITY
                                   : kind == QN_REDUCE_PROD;
}

static double finish(qn_reduce_kind kind, double acc, int64_t count)
{
    switch (kind) {
    case QN_REDUCE_MEAN:
        return acc / (double)count;
    case QN_REDUCE_L2:
        return sqrt(acc);
    case QN_REDUCE_LOG_SUM:
    case QN_REDUCE_LOG_SUM_EXP:
        return log(acc);
    default:
        return acc;
    }
}

/* Sums element by element, finding each one's place from its index. */
static void reduce_plainly(qn_reduce_kind kind, const int64_t *dim, const bool *gone,
                           const float *x, int64_t n, double *y, int64_t n_y)
{
    int64_t step[RANK], size = 1;
    for (int d = RANK - 1; d >= 0; d--) {
        step[d] = gone[d] ? 0 : size;
        size *= gone[d] ? 1 : dim[d];
    }
    for (int64_t j = 0; j < n_y; j++)
        y[j] = identity(kind);
    for (int64_t i = 0; i < n; i++) {
        int64_t rest = i, at = 0;
        for (int d = RANK - 1; d >= 0; d--) {
            at += rest % dim[d] * step[d];
            rest /= dim[d];
        }
        y[at] = combine(kind, y[at], (double)x[i]);
    }
}

void test_reduce_kinds(qn_test *t)
{
    static const int64_t shapes[][RANK] = {
        {2, 3, 4, 5}, {1, 7, 1, 129}, {3, 1, 130, 2}, {17, 1, 1, 1}, {2, 0, 3, 1}};
    for (int s = 0; s < 5 * 16 * 10; s++) {
        const int64_t *dim = shapes[s % 5];
        const qn_reduce_kind kind = (qn_reduce_kind)(s / 5 % 10);
        bool gone[RANK];
        int64_t n = 1, n_y = 1;
        for (int d = 0; d < RANK; d++) {
            gone[d] = s / 50 >> d & 1;
            n *= dim[d];
            n_y *= gone[d] ? 1 : dim[d];
        }
        float *x = qn_random_floats(t, (size_t)n),
              *y = qn_exact(t, (size_t)n_y * sizeof *y);
        for (int64_t i = 0; i < n && kind == QN_REDUCE_LOG_SUM; i++)
            x[i] = fabsf(x[i]);
        double *want = qn_exact(t, (size_t)n_y * sizeof *want);
        qn_reduce_shape plan;
        qn_reduce_plan(RANK, dim, gone, &plan);
        CHECK_EQ(t, plan.outer * plan.width, n_y);
        qn_reduce_f32(kind, &plan, x, y, 0, plan.outer);
        reduce_plainly(kind, dim, gone, x, n, want, n_y);
        qn_note(t, "shape %d, kind %d, mask %d", s % 5, (int)kind, s / 50);
        for (int64_t j = 0; j < n_y; j++) {
            const double w = finish(kind, want[j], plan.count);
            CHECK_WITHIN(t, (double)y[j], w, isfinite(w) ? 4e-7 * (fabs(w) + 1) : 0);
        }
    }
}

void test_reduce_integers(qn_test *t)
{
    const int64_t dim[1] = {3};
    const bool gone[1] = {true};
    qn_reduce_shape s;
    qn_reduce_plan(1, dim, gone, &s);
    const int32_t x[3] = {-5, 2, INT32_MIN};
    int32_t y;
    qn_reduce_i32(QN_REDUCE_L1, &s, x, &y, 0, 1);
    CHECK_EQ(t, y, (int64_t)INT32_MIN + 7); /* 2^31 + 7, modulo 2^32 */
    qn_reduce_i32(QN_REDUCE_MEAN, &s, (const int32_t[]){-5, 2, -1}, &y, 0, 1);
    CHECK_EQ(t, y, -1); /* -4 / 3, towards zero */
    qn_reduce_i32(QN_REDUCE_MAX, &s, x, &y, 0, 1);
    CHECK_EQ(t, y, 2);
    const uint8_t b[3] = {200, 3, 255};
    uint8_t low;
    qn_reduce_u8(QN_REDUCE_MIN, &s, b, &low, 0, 1);
    CHECK_EQ(t, low, 3);
}

void test_reduce_not_a_number(qn_test *t)
{
    const int64_t dim[2] = {3, 20};
    float x[60], y[20];
    for (int i = 0; i < 60; i++)
        x[i] = (float)i;
    x[25] = NAN;
    qn_reduce_shape s;
    for (int axis = 0; axis < 2; axis++) {
        qn_reduce_plan(2, dim, (const bool[]){axis == 0, axis == 1}, &s);
        for (int kind = QN_REDUCE_MAX; kind <= QN_REDUCE_MIN; kind++) {
            qn_reduce_f32((qn_reduce_kind)kind, &s, x, y, 0, s.outer);
            CHECK(t, isnan(y[axis == 0 ? 5 : 1]));
            CHECK(t, !isnan(y[0]));
        }
    }
    int64_t at[3];
    qn_arg_f32(&(qn_arg_shape){.n = 20, .inner = 1}, x, at, 0, 3);
    CHECK_EQ(t, at[0], 19);
    CHECK_EQ(t, at[1], 5);
    qn_arg_f32(&(qn_arg_shape){.n = 20, .inner = 1, .smallest = true}, x, at, 0, 3);
    CHECK_EQ(t, at[0], 0);
    CHECK_EQ(t, at[1], 5);
    const int8_t same[4] = {3, 7, 7, -1};
    qn_arg_i8(&(qn_arg_shape){.n = 4, .inner = 1, .last = true}, same, at, 0, 1);
    CHECK_EQ(t, at[0], 2);
}

void test_softmax_slices(qn_test *t)
{
    static const int64_t shapes[][3] = {
        {3, 1, 1}, {2, 17, 1}, {2, 5, 70}, {1, 1000, 1}};
    for (int s = 0; s < 8; s++) {
        const int64_t *d = shapes[s / 2], n = d[0] * d[1] * d[2];
        const qn_softmax_kind kind = s % 2 ? QN_LOG_SOFTMAX : QN_SOFTMAX;
        float *x = qn_random_floats(t, (size_t)n),
              *y = qn_exact(t, (size_t)n * sizeof *y);
        for (int64_t i = 0; i < n; i++)
            x[i] = 30 * x[i] + 1000;
        qn_softmax_f32(kind, d[1], d[2], x, y, 0, d[0]);
        for (int64_t i = 0; i < n; i++) {
            const int64_t first = i / (d[1] * d[2]) * d[1] * d[2] + i % d[2];
            double sum = 0;
            for (int64_t k = 0; k < d[1]; k++)
                sum += exp((double)x[first + k * d[2]] - (double)x[i]);
            const double want = kind == QN_SOFTMAX ? 1 / sum : -log(sum);
            CHECK_WITHIN(t, (double)y[i], want, 1e-6 * (fabs(want) + 0.1));
        }
        qn_softmax_f32(kind, d[1], d[2], x, x, 0, d[0]); /* in place: the same bits */
        CHECK(t, same_bytes(x, y, (size_t)n * sizeof *x));
    }
    float h[6] = {1, 3, 3, 2, -1, -2}, y[6];
    qn_softmax_f32(QN_HARDMAX, 3, 1, h, y, 0, 2);
    check_floats(t, y, (const float[]){0, 1, 0, 1, 0, 0}, sizeof y / sizeof *y);
}

static double sigmoid(double x)
{
    return 1 / (1 + exp(-x));
}

void test_lstm_cell(qn_test *t)
{
    enum { H = 19 };
    const qn_cell cell = {
        .hidden = H,
        .act = {{QN_CELL_SIGMOID, 0, 0}, {QN_CELL_TANH, 0, 0}, {QN_CELL_TANH, 0, 0}}};
    float *gate = qn_random_floats(t, 4 * H), *p = qn_random_floats(t, 3 * H);
    float *c = qn_random_floats(t, H), *h = qn_random_floats(t, H);
    float before[4 * H], old[H];
    memcpy(before, gate, sizeof before);
    memcpy(old, c, sizeof old);
    qn_lstm_cell_f32(&cell, gate, p, c, h);
    for (int i = 0; i < H; i++) {
        const double was = (double)old[i];
        const double in = sigmoid((double)before[i] + (double)p[i] * was);
        const double forget =
            sigmoid((double)before[2 * H + i] + (double)p[2 * H + i] * was);
        const double state = forget * was + in * tanh((double)before[3 * H + i]);
        const double out = sigmoid((double)before[H + i] + (double)p[H + i] * state);
        CHECK_WITHIN(t, (double)c[i], state, 1e-6);
        CHECK_WITHIN(t, (double)h[i], out * tanh(state), 1e-6);
    }
}

void test_gru_cell(qn_test *t)
{
    enum { H = 9 };
    const qn_cell cell = {.hidden = H,
                          .act = {{QN_CELL_SIGMOID, 0, 0}, {QN_CELL_TANH, 0, 0}},
                          .clip = 0.5};
    float *gate = qn_random_floats(t, 3 * H), *h = qn_random_floats(t, H);
    float *hidden = qn_random_floats(t, H), before[3 * H], old[H];
    memcpy(before, gate, sizeof before);
    memcpy(old, h, sizeof old);
    qn_gru_gates_f32(&cell, gate, h, NULL);
    qn_gru_cell_f32(&cell, gate, hidden, h);
    for (int i = 0; i < H; i++) {
        const double z = sigmoid(fmax(-0.5, fmin(0.5, (double)before[i])));
        const double r = sigmoid(fmax(-0.5, fmin(0.5, (double)before[H + i])));
        const double g = (double)before[2 * H + i] + r * (double)hidden[i];
        const double want =
            (1 - z) * tanh(fmax(-0.5, fmin(0.5, g))) + z * (double)old[i];
        CHECK_WITHIN(t, (double)h[i], want, 1e-6);
    }
}

void test_attention_rows(qn_test *t)
{
    const double inf = (double)INFINITY;
    const double bias[4] = {0, -inf, 1, -inf}, shut[4] = {-inf, -inf, -inf, -inf};
    float s[4] = {1, NAN, 2, INFINITY};
    qn_attention_bias_f32(4, bias, s);
    qn_attention_row_f32(4, bias, s);
    CHECK_WITHIN(t, (double)s[0], 1 / (1 + exp(2)), 1e-6);
    CHECK_WITHIN(t, (double)s[1], 0, 0);
    CHECK_WITHIN(t, (double)s[3], 0, 0);
    float closed[4] = {1, NAN, 2, INFINITY};
    qn_attention_bias_f32(4, shut, closed);
    qn_attention_row_f32(4, shut, closed);
    for (int i = 0; i < 4; i++)
        CHECK_WITHIN(t, (double)closed[i], 0, 0);
    float x[5] = {1, 2, 3, 4, 5}, y[5];
    const float zero[2] = {0, 0}, one[2] = {1, 1}; /* a quarter turn */
    qn_rotate_f32(&(qn_rotary){.size = 5, .half = 2}, x, zero, one, y);
    check_floats(t, y, (const float[]){-3, -4, 1, 2, 5}, sizeof y / sizeof *y);
    qn_rotate_f32(&(qn_rotary){.size = 5, .half = 2, .interleaved = true}, x, zero, one,
                  y);
    check_floats(t, y, (const float[]){-2, 1, -4, 3, 5}, sizeof y / sizeof *y);
}

void test_loss_nll(qn_test *t)
{
    const float logp[6] = {-1, -2, -3, -4, -5, -6}, weight[3] = {1, 10, 100};
    const int32_t label[2] = {2, 0};
    float y[2];
    qn_nll p = {.n = 2, .classes = 3, .rest = 1, .label = label};
    qn_nll_f32(&p, logp, NULL, y);
    CHECK_WITHIN(t, (double)y[0], 3, 0);
    CHECK_WITHIN(t, (double)y[1], 4, 0);
    p.reduction = QN_LOSS_MEAN;
    qn_nll_f32(&p, logp, weight, y);
    CHECK_WITHIN(t, (double)y[0], 304.0 / 101, 1e-6);
    p.has_ignored = true;
    p.ignored = 2;
    qn_nll_f32(&p, logp, weight, y);
    CHECK_WITHIN(t, (double)y[0], 4, 0);
}

void test_optimizer_steps(qn_test *t)
{
    const double x = 2, g = 0.5, v = 0.25, h = 4;
    double nx, nv, nh;
    qn_momentum_f64(&(qn_momentum){.rate = 0.1, .alpha = 0.9, .beta = 1}, 1, &x, &g, &v,
                    &nx, &nv);
    CHECK_WITHIN(t, nv, 0.725, 1e-15);
    CHECK_WITHIN(t, nx, 2 - 0.0725, 1e-15);
    qn_adagrad_f64(&(qn_adagrad){.rate = 0.1}, 1, &x, &g, &h, &nx, &nh);
    CHECK_WITHIN(t, nx, 2 - 0.05 / sqrt(4.25), 1e-15);
    qn_adam_f64(&(qn_adam){.rate = 0.1, .alpha = 0.5, .beta = 0.5, .decay_post = 0.5},
                1, &x, &g, &v, &h, &nx, &nv, &nh);
    CHECK_WITHIN(t, nx, 0.5 * (2 - 0.0375 / sqrt(2.125)), 1e-15);
}
