/* SPDX-License-Identifier: Apache-2.0 */
/* kernels/tmpl/ck8c_sizes.h - every size of a tile, and the table of them.  Defined by
 * the includer: CK_TILE, the file of the tile, what that needs, CK_SET, a name, and
 * CK_TYPE, the type of its functions. */

#define CK_NV   1
#define CK_UPTO CK_PIXELS_1
#include "kernels/tmpl/ck8c_pixels.h"

#define CK_NV   2
#define CK_UPTO CK_PIXELS_2
#include "kernels/tmpl/ck8c_pixels.h"

#define CK_NV   3
#define CK_UPTO CK_PIXELS_3
#include "kernels/tmpl/ck8c_pixels.h"

/* [blocks - 1][pixels - 1] */
static CK_TYPE *const CK_SET[3][CK_MOST] = {
    {CK_CAT(CK_LIST_, CK_PIXELS_1)(1)},
    {CK_CAT(CK_LIST_, CK_PIXELS_2)(2)},
    {CK_CAT(CK_LIST_, CK_PIXELS_3)(3)},
};
#undef CK_TILE
#undef CK_EIGHT
#undef CK_LENGTH
#undef CK_TYPE
#undef CK_SET
