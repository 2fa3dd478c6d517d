/* SPDX-License-Identifier: Apache-2.0 */
/* kernels/x86/panels_avx512.c - slot panels_f32 for AVX-512: the products are those of
 * AVX2, which wider tiles (24x16, 12x32) do not beat where both have the same peak; the
 * activations take 16 lanes at a time, over a few panels that are in the cache. */
#include "kernels/kernels.h"
#include "kernels/x86/v8_avx512.h"
#include "kernels/tmpl/panels_act.h"

qn_panels_f32_fn qn_panels_f32_avx2, qn_panels_f32_avx512;

/* Of one part: what its rows and panels leave in the cache is activated there, and few
 * panels come without having been fetched. */
enum { MAX_ROWS = 252, MAX_PANELS = 12 };

static int64_t smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* The panels of a part, and what is behind them. */
static void compute_part(const qn_panels_product *p, const qn_act *act,
                         const qn_panels_task *t)
{
    const int64_t from = t->c0 * QN_PANEL, to = smaller(t->c1 * QN_PANEL, p->n);
    qn_panels_f32_avx2(p, t);
    qn_panels_activate(act, p->y + t->i0 * p->ldy + from, p->ldy, t->i1 - t->i0,
                       to - from);
}

void qn_panels_f32_avx512(const qn_panels_product *p, const qn_panels_task *t)
{
    if (qn_act8_is_bounds(&p->act)) {
        qn_panels_f32_avx2(p, t);
        return;
    }
    qn_panels_product plain = *p;
    plain.act = (qn_act){QN_ACT_NONE, 0, 0};
    for (int64_t i = t->i0; i < t->i1; i += MAX_ROWS)
        for (int64_t c = t->c0; c < t->c1; c += MAX_PANELS) {
            const qn_panels_task part = {i, smaller(i + MAX_ROWS, t->i1), c,
                                         smaller(c + MAX_PANELS, t->c1)};
            compute_part(&plain, &p->act, &part);
        }
}
