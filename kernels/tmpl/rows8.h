/* SPDX-License-Identifier: Apache-2.0 */
/* kernels/tmpl/rows8.h - what is done row by row between matrix products: slots
 * softmax_f32 (rows that lie densely; the rest is the reference's) and moments_f32, in
 * the words of v8_<instruction set>.h and f4_<instruction set>.h, which the includer
 * has included. */
#include "kernels/tmpl/act8c.h"

#include <string.h>

qn_softmax_f32_fn QN_V8_ROW(softmax_f32);
qn_moments_f32_fn QN_V8_ROW(moments_f32);

static float reduce8(qn_v8 v, bool is_max)
{
    float lane[8], r;
    qn_store8(lane, v);
    r = lane[0];
    for (int i = 1; i < 8; i++)
        r = is_max ? lane[i] > r ? lane[i] : r : r + lane[i];
    return r;
}

/* exp(x) for x <= 0, 0 from where it would be subnormal; NaN gives NaN. */
static qn_v8 exp_below(qn_v8 x)
{
    return qn_unless_lt8(x, qn_set8(-87.3f), qn_exp8(x));
}

/* A NaN may escape the maximum, but not the sum. */
static void softmax_row(const float *x, float *y, int64_t n)
{
    const int64_t whole = n / 8 * 8;
    float tail[8];
    for (int i = 0; i < 8; i++)
        tail[i] = whole + i < n ? x[whole + i] : -INFINITY;
    const qn_v8 last = qn_load8(tail);
    qn_v8 max = last, sum;
    for (int64_t i = 0; i < whole; i += 8)
        max = qn_max8(max, qn_load8(x + i));
    max = qn_set8(reduce8(max, true));
    sum = qn_zero8();
    for (int64_t i = 0; i < whole; i += 8) {
        const qn_v8 e = exp_below(qn_sub8(qn_load8(x + i), max));
        sum = qn_add8(sum, e);
        qn_store8(y + i, e);
    }
    qn_v8 rest = exp_below(qn_sub8(last, max));
    if (whole < n) sum = qn_add8(sum, rest);
    const qn_v8 scale = qn_set8(1 / reduce8(sum, false));
    for (int64_t i = 0; i < whole; i += 8)
        qn_store8(y + i, qn_mul8(scale, qn_load8(y + i)));
    qn_store8(tail, qn_mul8(scale, rest));
    memcpy(y + whole, tail, (size_t)(n - whole) * sizeof *y);
}

void QN_V8_ROW(softmax_f32)(qn_softmax_kind kind, int64_t n, int64_t inner,
                            const float *x, float *y, int64_t begin, int64_t end)
{
    if (kind != QN_SOFTMAX || inner != 1 || n == 0) {
        qn_softmax_f32(kind, n, inner, x, y, begin, end);
        return;
    }
    for (int64_t o = begin; o < end; o++)
        softmax_row(x + o * n, y + o * n, n);
}

/* Sums of (x - shift) and (x - shift)^2, in the reference's eight lanes. */
static void sums(const float *x, int64_t n, double shift, double *sum, double *squares)
{
    const qn_d4 by = qn_set4d(shift);
    qn_d4 s0 = qn_set4d(0), s1 = s0, q0 = s0, q1 = s0;
    int64_t i = 0;
    for (; i + 8 <= n; i += 8) {
        qn_d4 a = qn_sub4d(qn_widen4(qn_load4f(x + i)), by);
        qn_d4 b = qn_sub4d(qn_widen4(qn_load4f(x + i + 4)), by);
        s0 = qn_add4d(s0, a);
        s1 = qn_add4d(s1, b);
        q0 = qn_add4d(q0, qn_mul4d(a, a));
        q1 = qn_add4d(q1, qn_mul4d(b, b));
    }
    double s[8], q[8];
    qn_store4d(s, s0);
    qn_store4d(s + 4, s1);
    qn_store4d(q, q0);
    qn_store4d(q + 4, q1);
    for (int j = 0; i < n; i++, j++) {
        const double v = (double)x[i] - shift;
        s[j] += v;
        q[j] += v * v;
    }
    *sum = ((s[0] + s[1]) + (s[2] + s[3])) + ((s[4] + s[5]) + (s[6] + s[7]));
    *squares = ((q[0] + q[1]) + (q[2] + q[3])) + ((q[4] + q[5]) + (q[6] + q[7]));
}

qn_moments QN_V8_ROW(moments_f32)(const float *x, int64_t n)
{
    double sum, squares;
    const double shift = n > 0 ? (double)x[0] : 0;
    sums(x, n, shift, &sum, &squares);
    const double mean = shift + sum / (double)n;
    sums(x, n, mean, &sum, &squares);
    return (qn_moments){mean, squares / (double)n};
}
