/* SPDX-License-Identifier: Apache-2.0 */
/* kernels/tmpl/gw8c.h - one tile of a filter gradient in registers: CK_MR rows (an
 * input channel at a tap) by CK_NV blocks of 8 output channels, in the words of
 * ck8c_words.h. A step is a pixel: CK_NV vectors of dY and one number for each row.
 * Every size adds up an element in the same order.
 *
 * Defined by the includer: CK_SET, CK_MR, CK_NV; GW_FETCH: 1 if it fetches ahead. */
#define CK_EACH CK_CAT(CK_ROWS_, CK_MR)

static void CK_FN(CK_NV, CK_MR)(const qn_gw8c *a, const int64_t *row, float *sum)
{
    const float *dy = a->dy;
    const int64_t plane = a->dy_plane;
    CK_EACH(GW_POINT)
    CK_EACH(CK_CAT(GW_INIT_, CK_NV))
    if (a->add_up) {
        CK_EACH(CK_CAT(GW_RESUME_, CK_NV))
    }
    (void)plane;
#pragma GCC unroll 2
    for (const qn_gw8c_pixel *p = a->pixel; p < a->end; p++) {
        const int64_t k = p->x;
#if GW_FETCH
        int64_t place;
        memcpy(&place, (const char *)p + a->shift, sizeof place);
        __builtin_prefetch(a->ahead + place, 0, 2);
#endif
        const float *w = dy + p->dy;
        CK_CAT(GW_LOAD_, CK_NV)
        CK_EACH(CK_CAT(CK_STEP_, CK_NV))
    }
    CK_EACH(CK_CAT(GW_STORE_, CK_NV))
}

#undef CK_EACH
#undef CK_MR
