/* SPDX-License-Identifier: Apache-2.0 */
/* kernels/ref/attention_ref.c - rows of attention scores in float and double. */
#include "kernels/attention.h"
#include "kernels/softmax.h"
#include "kernels/vmath.h"

#include <string.h>

#define SUF f32
#include "kernels/tmpl/vattention.h"
#define SUF f64
#include "kernels/tmpl/vattention.h"

void qn_linear_attention_f32(const qn_linear_step *p, float *state, float *values,
                             float *y)
{
    const int64_t dk = p->dk, dv = p->dv;
    memcpy(values, p->v, (size_t)dv * sizeof *values);
    for (int64_t d = 0; p->decay && d < dk; d++) {
        const float keep = expf(p->decay[d * p->decay_step]);
        for (int64_t m = 0; m < dv; m++)
            state[d * dv + m] *= keep;
    }
    for (int64_t d = 0; p->beta && d < dk; d++)
        for (int64_t m = 0; m < dv; m++)
            values[m] -= state[d * dv + m] * p->k[d];
    for (int64_t m = 0; p->beta && m < dv; m++)
        values[m] *= *p->beta;
    for (int64_t d = 0; d < dk; d++)
        for (int64_t m = 0; m < dv; m++)
            state[d * dv + m] += p->k[d] * values[m];
    for (int64_t g = 0; y && g < p->group; g++) {
        float *to = y + g * dv;
        memset(to, 0, (size_t)dv * sizeof *to);
        for (int64_t d = 0; d < dk; d++) {
            const float q = p->scale * p->q[g * dk + d];
            for (int64_t m = 0; m < dv; m++)
                to[m] += q * state[d * dv + m];
        }
    }
}
