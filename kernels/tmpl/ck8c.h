/* SPDX-License-Identifier: Apache-2.0 */
/* kernels/tmpl/ck8c.h - one tile of a convolution in registers: CK_MR pixels by CK_NV
 * blocks of 8 output channels, included once per size.  The accumulators stay in
 * registers from the bias to the store.  Every size adds up an element in the same
 * order, k = 0, 1, ...
 *
 * Defined by the includer: CK_SET, CK_MR, CK_NV; CK_LENGTH, the inputs of a segment,
 * and CK_EIGHT, 1 if there are always 8. */
#define CK_EACH  CK_CAT(CK_ROWS_, CK_MR)
#define CK_INIT  CK_CAT(CK_INIT_, CK_NV)
#define CK_ADD   CK_CAT(CK_ADD_, CK_NV)
#define CK_MAX   CK_CAT(CK_MAX_, CK_NV)
#define CK_MIN   CK_CAT(CK_MIN_, CK_NV)
#define CK_STORE CK_CAT(CK_STORE_, CK_NV)
#define CK_SWISH CK_CAT(CK_SWISH_, CK_NV)

static void CK_FN(CK_NV, CK_MR)(const qn_ck8c *a, const float *const *x,
                                const int64_t *yo, const int64_t *ao)
{
    const float *w = a->w, *ahead = a->ahead, *const after = a->after;
    CK_CAT(CK_BIAS_, CK_NV)
    CK_EACH(CK_INIT)
    for (const int64_t *s = a->segment; s < a->end; s++) {
        const int64_t f = *s + a->shift;
        CK_EACH(CK_POINT)
#pragma GCC unroll 16
        for (int line = 0; line < CK_AHEAD; line++)
            __builtin_prefetch(ahead + 16 * line, 0, 2);
        ahead += 16 * CK_AHEAD;
        if (after) {
#pragma GCC unroll 16
            for (int line = 0; line < CK_FETCH; line++)
                __builtin_prefetch(after + f + 16 * line, 0, 3);
        }
#include "kernels/tmpl/ck8c_products.h"
    }
    if (a->add) {
        CK_EACH(CK_ADD)
    }
    if (a->bounds.has_lo) {
        const CK_VEC lo = CK_SPLAT(a->bounds.lo);
        CK_EACH(CK_MAX)
    }
    if (a->bounds.has_hi) {
        const CK_VEC hi = CK_SPLAT(a->bounds.hi);
        CK_EACH(CK_MIN)
    }
    if (a->hard_swish) {
        CK_EACH(CK_SWISH)
    }
    CK_EACH(CK_STORE)
}

#undef CK_EACH
#undef CK_INIT
#undef CK_ADD
#undef CK_MAX
#undef CK_MIN
#undef CK_STORE
#undef CK_SWISH
#undef CK_MR
