/* SPDX-License-Identifier: Apache-2.0 */
/* kernels/tmpl/ck8c.h - one tile of a convolution in AVX2 registers: CK_MR pixels by
 * CK_NV blocks of 8 output channels, included once per size.  Each step of k loads
 * CK_NV vectors of weights, broadcasts one input of each pixel and issues CK_MR * CK_NV
 * multiply-adds; the accumulators stay in registers from the bias to the store.  Every
 * size adds up an element in the same order, k = 0, 1, ...
 *
 * Defined by the includer: CK_SET, CK_MR, CK_NV; CK_LEN, the length of a segment, a
 * constant or an expression of `a` (qn_ck8c). */
#define CK_EACH       CK_CAT(CK_ROWS_, CK_MR)
#define CK_INIT       CK_CAT(CK_INIT_, CK_NV)
#define CK_STEP       CK_CAT(CK_STEP_, CK_NV)
#define CK_ADD        CK_CAT(CK_ADD_, CK_NV)
#define CK_MAX        CK_CAT(CK_MAX_, CK_NV)
#define CK_MIN        CK_CAT(CK_MIN_, CK_NV)
#define CK_STORE      CK_CAT(CK_STORE_, CK_NV)

static void CK_FN(CK_NV, CK_MR)(const qn_ck8c *a, const float *const *x, const int64_t *yo,
                    const int64_t *ao)
{
    const float *w = a->w, *ahead = a->ahead, *const after = a->after;
    CK_CAT(CK_BIAS_, CK_NV)
    CK_EACH(CK_INIT)
    for (const int64_t *s = a->segment; s < a->end; s++) {
        const int64_t f = *s + a->shift;
        CK_EACH(CK_POINT)
        _mm_prefetch((const char *)ahead, _MM_HINT_T1);
        ahead += 16;
        if (after) {
            _mm_prefetch((const char *)(after + f), _MM_HINT_T0);
            _mm_prefetch((const char *)(after + f + 16), _MM_HINT_T0);
            _mm_prefetch((const char *)(after + f + 32), _MM_HINT_T0);
        }
#pragma GCC unroll 4
        for (int64_t k = 0; k < (CK_LEN); k++) {
            CK_CAT(CK_LOAD_, CK_NV)
            CK_EACH(CK_STEP)
            w += 8 * CK_NV;
        }
    }
    if (a->add) {
        CK_EACH(CK_ADD)
    }
    if (a->bounds.has_lo) {
        const __m256 lo = _mm256_set1_ps(a->bounds.lo);
        CK_EACH(CK_MAX)
    }
    if (a->bounds.has_hi) {
        const __m256 hi = _mm256_set1_ps(a->bounds.hi);
        CK_EACH(CK_MIN)
    }
    CK_EACH(CK_STORE)
}

#undef CK_EACH
#undef CK_INIT
#undef CK_STEP
#undef CK_ADD
#undef CK_MAX
#undef CK_MIN
#undef CK_STORE
#undef CK_MR
