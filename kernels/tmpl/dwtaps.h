/* SPDX-License-Identifier: Apache-2.0 */
/* kernels/tmpl/dwtaps.h - slot dwtaps_f32 in the words of v8_<instruction set>.h, which
 * the includer has included: a sum of shifted planes with 4 accumulators of 8 lanes,
 * one load and one FMA a tap and vector.  The last vector begins where it still fits,
 * so it may reckon some elements once more. */
#include <math.h>

qn_dwtaps_f32_fn QN_V8_ROW(dwtaps_f32);

/* Fewer elements than a vector has, by the same operations. */
static void few_taps(int64_t n, int taps, const int64_t *shift, const float *weight,
                     float bias, const float *x, float *y)
{
    for (int64_t i = 0; i < n; i++) {
        float a = bias;
        for (int t = 0; t < taps; t++)
            a = fmaf(weight[t], x[shift[t] + i], a);
        y[i] = a;
    }
}

void QN_V8_ROW(dwtaps_f32)(int64_t n, int taps, const int64_t *shift,
                           const float *weight, float bias, const float *x, float *y)
{
    if (n < 8) {
        few_taps(n, taps, shift, weight, bias, x, y);
        return;
    }
    int64_t i = 0;
    for (; i + 32 <= n; i += 32) {
        qn_v8 a = qn_set8(bias), b = a, c = a, d = a;
        for (int t = 0; t < taps; t++) {
            const float *p = x + shift[t] + i;
            const qn_v8 w = qn_set8(weight[t]);
            a = qn_fma8(w, qn_load8(p), a);
            b = qn_fma8(w, qn_load8(p + 8), b);
            c = qn_fma8(w, qn_load8(p + 16), c);
            d = qn_fma8(w, qn_load8(p + 24), d);
        }
        qn_store8(y + i, a);
        qn_store8(y + i + 8, b);
        qn_store8(y + i + 16, c);
        qn_store8(y + i + 24, d);
    }
    for (; i < n; i += 8) {
        const int64_t at = i + 8 <= n ? i : n - 8;
        qn_v8 a = qn_set8(bias);
        for (int t = 0; t < taps; t++)
            a = qn_fma8(qn_set8(weight[t]), qn_load8(x + shift[t] + at), a);
        qn_store8(y + at, a);
    }
}
