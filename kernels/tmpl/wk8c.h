/* SPDX-License-Identifier: Apache-2.0 */
/* kernels/tmpl/wk8c.h - one tile of the products inside a Winograd convolution: CK_MR
 * neighbouring inputs by CK_NV blocks of 8 channels, in the words of
 * kernels/x86/ck8c_avx2.h.  Unlike ck8c.h it needs one pointer for all inputs, starts at
 * zero and stores what it has. */
static void WK_FN(CK_NV, CK_MR)(const qn_wk8c *a, const float *v, const float *w,
                                float *m)
{
    const __m256 b0 = _mm256_setzero_ps(), b1 = b0, b2 = b0;
    CK_CAT(CK_ROWS_, CK_MR)(CK_CAT(CK_INIT_, CK_NV))
    for (int64_t b = 0; b < a->blocks; b++, v += a->v_step) {
        CK_CAT(CK_ROWS_, CK_MR)(WK_POINT)
#pragma GCC unroll 4
        for (int64_t k = 0; k < 8; k++) {
            CK_CAT(CK_LOAD_, CK_NV)
            CK_CAT(CK_ROWS_, CK_MR)(CK_CAT(CK_STEP_, CK_NV))
            w += 8 * CK_NV;
        }
    }
    CK_CAT(CK_ROWS_, CK_MR)(CK_CAT(WK_STORE_, CK_NV))
    (void)b1, (void)b2;
}
#undef CK_MR
