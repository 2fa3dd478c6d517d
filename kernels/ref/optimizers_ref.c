/* SPDX-License-Identifier: Apache-2.0 */
/* kernels/ref/optimizers_ref.c - optimizer steps: bound by memory, so plain loops that
 * the compiler can vectorise are as fast as any. */
#include "kernels/optimizers.h"

#include <math.h>

void qn_sgd(const qn_update *u, int64_t n, float *restrict w, const float *restrict g,
            float *restrict v)
{
    const float mu = u->beta1, keep = u->nesterov ? 1.0f : 0.0f;
    const float pull = u->nesterov ? mu : 1.0f;
    for (int64_t i = 0; i < n; i++) {
        const float d = u->scale * g[i] + u->decay * w[i];
        v[i] = mu * v[i] + d;
        w[i] -= u->rate * (keep * d + pull * v[i]);
    }
}

/* Moments of one number; returns the direction of Adam. */
static inline float adam(const qn_update *u, float g, float *m, float *v)
{
    *m = u->beta1 * *m + (1 - u->beta1) * g;
    *v = u->beta2 * *v + (1 - u->beta2) * g * g;
    return *m / u->fix1 / (sqrtf(*v / u->fix2) + u->epsilon);
}

void qn_adamw(const qn_update *u, int64_t n, float *restrict w, const float *restrict g,
              float *restrict m, float *restrict v)
{
    for (int64_t i = 0; i < n; i++) {
        const float kept = w[i] * (1 - u->rate * u->decay);
        w[i] = kept - u->rate * adam(u, u->scale * g[i], &m[i], &v[i]);
    }
}

void qn_lamb_direction(const qn_update *u, int64_t n, const float *restrict w,
                       const float *restrict g, float *restrict m, float *restrict v,
                       float *restrict d)
{
    for (int64_t i = 0; i < n; i++)
        d[i] = adam(u, u->scale * g[i], &m[i], &v[i]) + u->decay * w[i];
}

void qn_lion(const qn_update *u, int64_t n, float *restrict w, const float *restrict g,
             float *restrict m)
{
    for (int64_t i = 0; i < n; i++) {
        const float gi = u->scale * g[i], c = u->beta1 * m[i] + (1 - u->beta1) * gi;
        const float sign = (float)((c > 0) - (c < 0));
        w[i] -= u->rate * (sign + u->decay * w[i]);
        m[i] = u->beta2 * m[i] + (1 - u->beta2) * gi;
    }
}

void qn_muon_momentum(const qn_update *u, int64_t n, const float *restrict g,
                      float *restrict m, float *restrict d)
{
    const float mu = u->beta1;
    for (int64_t i = 0; i < n; i++) {
        const float gi = u->scale * g[i];
        m[i] = mu * m[i] + gi;
        d[i] = u->nesterov ? gi + mu * m[i] : m[i];
    }
}

void qn_descend(float rate, int64_t n, float *restrict w, const float *restrict d)
{
    for (int64_t i = 0; i < n; i++)
        w[i] -= rate * d[i];
}

void qn_approach(float rate, int64_t n, float *restrict to, const float *restrict from)
{
    for (int64_t i = 0; i < n; i++)
        to[i] += rate * (from[i] - to[i]);
}

double qn_square_sum(int64_t n, const float *x)
{
    double sum[4] = {0};
    int64_t i = 0;
    for (; i + 4 <= n; i += 4)
        for (int k = 0; k < 4; k++)
            sum[k] += (double)x[i + k] * (double)x[i + k];
    for (; i < n; i++)
        sum[0] += (double)x[i] * (double)x[i];
    return (sum[0] + sum[1]) + (sum[2] + sum[3]);
}
