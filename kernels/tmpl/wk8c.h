/* SPDX-License-Identifier: Apache-2.0 */
/* kernels/tmpl/wk8c.h - one tile of the products inside a Winograd convolution: CK_MR
 * neighbouring inputs by CK_NV blocks of 8 channels, in the words of
 * kernels/tmpl/ck8c_words.h.  Unlike ck8c.h it needs one pointer for all inputs of a
 * product, starts at zero, goes on from product to product and stores what it has. */
static void CK_FN(CK_NV, CK_MR)(const qn_wk8c *a, const float *v, const float *w,
                                float *m)
{
    const float *first_v = v, *first_w = w;
    CK_CAT(CK_ZERO_, CK_NV)
    CK_CAT(CK_ROWS_, CK_MR)
    (CK_CAT(CK_INIT_, CK_NV)) for (int i = 1;; i++)
    {
        for (int64_t b = 0; b < a->blocks; b++, v += a->v_step) {
            fetch_next(a, w, 4 * CK_NV);
            CK_CAT(CK_ROWS_, CK_MR)(WK_POINT)
#include "kernels/tmpl/ck8c_products.h"
        }
        if (i >= a->n) break;
        v = first_v + a->v_apart[i];
        w = first_w + a->w_apart[i];
    }
    CK_CAT(CK_ROWS_, CK_MR)(CK_CAT(WK_STORE_, CK_NV))
}
#undef CK_MR
