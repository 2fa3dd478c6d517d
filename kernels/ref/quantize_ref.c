/* SPDX-License-Identifier: Apache-2.0 */
/* kernels/ref/quantize_ref.c - linear quantisation in plain C. */
#include "kernels/quantize.h"

#include <math.h>

static inline float quantize_one(float x, float scale, float zero, float least,
                                 float most)
{
    float t = x / scale, lo = least - zero, hi = most - zero;
    t = t == t ? t : 0;
    t = t < lo ? lo : t; /* limits are whole numbers: clamping first is the same */
    t = t > hi ? hi : t;
    const float magic = 0x1.8p23f; /* |t| < 2^17: adding it rounds half to even */
    return (t + magic) - magic + zero;
}

void qn_quantize_f32(const float *x, const qn_quant *q, float *y, int64_t n)
{
    const float *scale = q->scale, *zero = q->zero, least = q->least, most = q->most;
    if (q->stride == 0) {
        const float s = *scale, z = *zero;
        for (int64_t i = 0; i < n; i++)
            y[i] = quantize_one(x[i], s, z, least, most);
        return;
    }
    for (int64_t i = 0; i < n; i++)
        y[i] = quantize_one(x[i], scale[i], zero[i], least, most);
}

void qn_scale_down_f32(const float *x, const qn_quant *q, float *y, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        y[i] = x[i] / q->scale[i * q->stride] + q->zero[i * q->stride];
}

void qn_dequantize_f32(const float *x, const qn_quant *q, float *y, int64_t n)
{
    if (q->stride == 0) {
        const float s = *q->scale, z = *q->zero;
        for (int64_t i = 0; i < n; i++)
            y[i] = (x[i] - z) * s;
        return;
    }
    for (int64_t i = 0; i < n; i++)
        y[i] = (x[i] - q->zero[i]) * q->scale[i];
}

void qn_range_f32(const float *x, int64_t n, float *lo, float *hi)
{
    float a = 0, b = 0;
    for (int64_t i = 0; i < n; i++) {
        a = x[i] < a ? x[i] : a;
        b = x[i] > b ? x[i] : b;
    }
    *lo = a;
    *hi = b;
}
