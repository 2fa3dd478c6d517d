/* SPDX-License-Identifier: Apache-2.0 */
/* kernels/ref/panels_ref.c - packing, and the reference row of slot panels_f32. */
#include "kernels/kernels.h"

#include <string.h>

qn_panels_f32_fn qn_panels_f32_ref;

/* One row of B, k long, becomes column j of a panel. */
static void pack_column(const char *from, int64_t k, float alpha, float *to)
{
    for (int64_t p = 0; p < k; p++) {
        float v;
        memcpy(&v, from + (size_t)p * sizeof v, sizeof v);
        to[p * QN_PANEL] = alpha * v;
    }
}

void qn_panels_pack(const qn_panels_source *s, int64_t c0, int64_t c1, float *to)
{
    for (int64_t c = c0; c < c1; c++, to += s->k * QN_PANEL) {
        const int64_t left = s->n - c * QN_PANEL, n = left < QN_PANEL ? left : QN_PANEL;
        if (n < QN_PANEL) memset(to, 0, (size_t)(s->k * QN_PANEL) * sizeof *to);
        const char *b = s->b;
        if (s->transposed) {
            for (int64_t j = 0; j < n; j++)
                pack_column(b + (size_t)((c * QN_PANEL + j) * s->ldb) * sizeof *to,
                            s->k, s->alpha, to + j);
            continue;
        }
        for (int64_t p = 0; p < s->k; p++) {
            float *row = to + p * QN_PANEL;
            memcpy(row, b + (size_t)(p * s->ldb + c * QN_PANEL) * sizeof *to,
                   (size_t)n * sizeof *to);
            for (int64_t j = 0; j < n; j++)
                row[j] *= s->alpha;
        }
    }
}

/* n columns of row i in panel c. */
static void compute_panel(const qn_panels_product *p, int64_t i, int64_t c, int64_t n)
{
    const float *a = p->a + i * p->lda, *b = p->b + c * QN_PANEL * p->k;
    float *y = p->y + i * p->ldy + c * QN_PANEL;
    float sum[QN_PANEL] = {0};
    for (int64_t j = 0; p->bias && j < n; j++)
        sum[j] = p->bias[c * QN_PANEL + j];
    for (int64_t k = 0; k < p->k; k++, b += QN_PANEL)
        for (int64_t j = 0; j < QN_PANEL; j++)
            sum[j] += a[k] * b[j];
    for (int64_t j = 0; j < n; j++)
        y[j] = p->add ? sum[j] + p->add[i * p->ld_add + c * QN_PANEL + j] : sum[j];
    qn_act_f32(p->act.kind, p->act.alpha, p->act.beta, y, n);
}

void qn_panels_f32_ref(const qn_panels_product *p, const qn_panels_task *t)
{
    for (int64_t i = t->i0; i < t->i1; i++)
        for (int64_t c = t->c0; c < t->c1; c++) {
            const int64_t left = p->n - c * QN_PANEL;
            compute_panel(p, i, c, left < QN_PANEL ? left : QN_PANEL);
        }
}
