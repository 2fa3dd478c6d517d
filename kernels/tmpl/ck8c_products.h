/* SPDX-License-Identifier: Apache-2.0 */
/* kernels/tmpl/ck8c_products.h - what a tile does with the inputs of one segment.  Each
 * step of k loads CK_NV vectors of weights, takes one input of each pixel and issues
 * CK_MR * CK_NV multiply-adds.  Where a multiplication can take one lane of a vector,
 * the inputs of four steps are loaded at once; where there are registers for the
 * weights of four steps, a pixel takes all of these before the next does. */
#if CK_EIGHT && defined(CK_LANE)
for (int64_t k = 0; k < 8; k += 4) {
    CK_CAT(CK_ROWS_, CK_MR)(CK_QUAD) CK_LANE(0) CK_LANE(1) CK_LANE(2) CK_LANE(3)
}
#elif CK_EIGHT && defined(CK_FOUR)
for (int64_t k = 0; k < 8; k += 4) {
    CK_CAT(CK_FOUR_, CK_NV)
    CK_CAT(CK_ROWS_, CK_MR)(CK_CAT(CK_FOURFOLD_, CK_NV)) w += 32 * CK_NV;
}
#else
#pragma GCC unroll 4
for (int64_t k = 0; k < CK_LENGTH; k++) {
    CK_CAT(CK_LOAD_, CK_NV)
    CK_CAT(CK_ROWS_, CK_MR)(CK_CAT(CK_STEP_, CK_NV)) w += 8 * CK_NV;
}
#endif
