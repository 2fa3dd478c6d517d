/* SPDX-License-Identifier: Apache-2.0 */
/* kernels/tmpl/rows8.h - what is done row by row between matrix products: slots
 * softmax_f32 (rows that lie densely; the rest is the reference's) and rownorm_f32, in
 * the words of v8_<instruction set>.h, which the includer has included. */
#include "kernels/tmpl/act8c.h"

#include <string.h>

qn_softmax_f32_fn QN_V8_ROW(softmax_f32);
qn_rownorm_f32_fn QN_V8_ROW(rownorm_f32);

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

static float sum8(qn_v8 v)
{
    float s[8];
    qn_store8(s, v);
    return ((s[0] + s[1]) + (s[2] + s[3])) + ((s[4] + s[5]) + (s[6] + s[7]));
}

/* The sum of x - shift; squares NULL or that of (x - shift)^2. */
static inline __attribute__((always_inline)) float sum_row(const float *x, int64_t n,
                                                           float shift, float *squares)
{
    const qn_v8 by = qn_set8(shift);
    qn_v8 s0 = qn_zero8(), s1 = s0, q0 = s0, q1 = s0;
    int64_t i = 0;
    for (; i + 16 <= n; i += 16) {
        const qn_v8 a = qn_sub8(qn_load8(x + i), by);
        const qn_v8 b = qn_sub8(qn_load8(x + i + 8), by);
        s0 = qn_add8(s0, a);
        s1 = qn_add8(s1, b);
        if (squares) q0 = qn_fma8(a, a, q0), q1 = qn_fma8(b, b, q1);
    }
    float s = sum8(qn_add8(s0, s1)), q = squares ? sum8(qn_add8(q0, q1)) : 0;
    for (; i < n; i++) {
        const float a = x[i] - shift;
        s += a;
        q += a * a;
    }
    if (squares) *squares = q;
    return s;
}

/* A first look finds about where the mean is, from the first number on; the second
 * takes sums about that, which are small, and both moments from them: a row far from
 * zero loses nothing. */
static qn_moments moments_of_row(const float *x, int64_t n)
{
    float squares;
    const double one = 1 / (double)n;
    const float near = (float)((double)x[0] + (double)sum_row(x, n, x[0], NULL) * one);
    const double rest = (double)sum_row(x, n, near, &squares) * one;
    const double variance = (double)squares * one - rest * rest;
    return (qn_moments){(double)near + rest, variance < 0 ? 0 : variance};
}

qn_moments QN_V8_ROW(rownorm_f32)(const qn_rownorm *p, const float *x, float *y)
{
    const int64_t n = p->n;
    if (n == 0) return qn_rownorm_f32_ref(p, x, y);
    const qn_moments m = moments_of_row(x, n);
    if (!y) return m;
    const float mean = (float)m.mean,
                factor = (float)(1 / sqrt(m.variance + p->epsilon));
    const qn_v8 by = qn_set8(mean), times = qn_set8(factor);
    int64_t i = 0;
    for (; i + 8 <= n; i += 8) {
        const qn_v8 h = qn_mul8(qn_sub8(qn_load8(x + i), by), times);
        const qn_v8 bias = p->bias ? qn_load8(p->bias + i) : qn_zero8();
        qn_store8(y + i, qn_fma8(h, qn_load8(p->scale + i), bias));
    }
    for (; i < n; i++)
        y[i] = fmaf((x[i] - mean) * factor, p->scale[i], p->bias ? p->bias[i] : 0);
    return m;
}
