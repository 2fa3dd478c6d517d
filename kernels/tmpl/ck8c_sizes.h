/* SPDX-License-Identifier: Apache-2.0 */
/* kernels/tmpl/ck8c_sizes.h - every size of a tile, and the table of them.  Defined by
 * the includer: CK_TILE, the file of the tile, what that needs, CK_SET, a name, and
 * CK_TYPE, the type of its functions. */

#define CK_NV 1
#define CK_MR 1
#include CK_TILE
#define CK_MR 2
#include CK_TILE
#define CK_MR 3
#include CK_TILE
#define CK_MR 4
#include CK_TILE
#define CK_MR 5
#include CK_TILE
#define CK_MR 6
#include CK_TILE
#define CK_MR 7
#include CK_TILE
#define CK_MR 8
#include CK_TILE
#undef CK_NV

#define CK_NV 2
#define CK_MR 1
#include CK_TILE
#define CK_MR 2
#include CK_TILE
#define CK_MR 3
#include CK_TILE
#define CK_MR 4
#include CK_TILE
#if CK_PIXELS_2 > 4
#define CK_MR 5
#include CK_TILE
#define CK_MR 6
#include CK_TILE
#endif
#undef CK_NV

#define CK_NV 3
#define CK_MR 1
#include CK_TILE
#define CK_MR 2
#include CK_TILE
#define CK_MR 3
#include CK_TILE
#if CK_PIXELS_3 > 3
#define CK_MR 4
#include CK_TILE
#endif
#undef CK_NV

/* [blocks - 1][pixels - 1] */
static CK_TYPE *const CK_SET[3][8] = {
    {CK_FN(1, 1), CK_FN(1, 2), CK_FN(1, 3), CK_FN(1, 4), CK_FN(1, 5), CK_FN(1, 6),
     CK_FN(1, 7), CK_FN(1, 8)},
    {
        CK_FN(2, 1),
        CK_FN(2, 2),
        CK_FN(2, 3),
        CK_FN(2, 4),
#if CK_PIXELS_2 > 4
        CK_FN(2, 5),
        CK_FN(2, 6),
#endif
    },
    {
        CK_FN(3, 1),
        CK_FN(3, 2),
        CK_FN(3, 3),
#if CK_PIXELS_3 > 3
        CK_FN(3, 4),
#endif
    },
};
#undef CK_TILE
#undef CK_EIGHT
#undef CK_LENGTH
#undef CK_TYPE
#undef CK_SET
