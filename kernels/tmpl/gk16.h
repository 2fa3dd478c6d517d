/* SPDX-License-Identifier: Apache-2.0 */
/* kernels/tmpl/gk16.h - one tile of a matrix product in registers: GK_MR rows by 16
 * columns, included once per size.  Written in the words of ck8c_words.h.  The sums
 * stay in registers over a stretch of k; a longer k comes back for them, which keeps
 * their bits.  Where the sums will go is fetched first, for a store that has to wait
 * holds up the next tile; eight steps of k fetch one line of what is needed next. Every
 * size adds up an element in the same order, k = 0, 1, ...
 *
 * Defined by the includer: GK_SET, GK_MR; GK_COL, floats from k to k+1 in a row of A, a
 * constant or an expression of `g` (qn_gk16); GK_STEPS, what GK_AT_ONCE steps of k do.
 */
#define GK_EACH CK_CAT(CK_ROWS_, GK_MR)

static void CK_FN_(GK_SET, 2, GK_MR)(const qn_gk16 *g, const qn_gk16_tile *s)
{
    const qn_gk16 *a = g;
    const float *x = s->x, *add = s->add;
    float *y = s->y;
    const int64_t ldy = s->ldy;
    const float *w = g->b;
    CK_BIAS_2
    GK_EACH(CK_INIT_2)
    if (g->add_up) {
        GK_EACH(GK_RESUME)
    }
    GK_EACH(GK_POINT)
    GK_EACH(GK_NEAR)
    int64_t k = 0, left = g->k;
    for (const char *next = s->fetch; left >= 8; left -= 8, next += s->pace) {
        __builtin_prefetch(next, 0, 3);
#pragma GCC unroll 8
        for (int u = 0; u < 8; u += GK_AT_ONCE, k += GK_AT_ONCE * (GK_COL)) {
            GK_STEPS
            w += 16 * GK_AT_ONCE;
        }
    }
    for (; left > 0; left--, k += (GK_COL)) {
        GK_STEPS_ANY
        w += 16;
    }
    if (add) {
        GK_EACH(GK_ADD)
    }
    if (g->bounds.has_lo) {
        const qn_v8 lo = qn_set8(g->bounds.lo);
        GK_EACH(CK_MAX_2)
    }
    if (g->bounds.has_hi) {
        const qn_v8 hi = qn_set8(g->bounds.hi);
        GK_EACH(CK_MIN_2)
    }
    GK_EACH(GK_STORE)
}

#undef GK_EACH
#undef GK_MR
