/* SPDX-License-Identifier: Apache-2.0 */
/* kernels/tmpl/ck8c_pixels.h - the tiles of CK_NV blocks by 1 to CK_UPTO pixels. */
#if CK_UPTO >= 1
#define CK_MR 1
#include CK_TILE
#endif
#if CK_UPTO >= 2
#define CK_MR 2
#include CK_TILE
#endif
#if CK_UPTO >= 3
#define CK_MR 3
#include CK_TILE
#endif
#if CK_UPTO >= 4
#define CK_MR 4
#include CK_TILE
#endif
#if CK_UPTO >= 5
#define CK_MR 5
#include CK_TILE
#endif
#if CK_UPTO >= 6
#define CK_MR 6
#include CK_TILE
#endif
#if CK_UPTO >= 7
#define CK_MR 7
#include CK_TILE
#endif
#if CK_UPTO >= 8
#define CK_MR 8
#include CK_TILE
#endif
#if CK_UPTO >= 9
#define CK_MR 9
#include CK_TILE
#endif
#if CK_UPTO >= 10
#define CK_MR 10
#include CK_TILE
#endif
#if CK_UPTO >= 11
#define CK_MR 11
#include CK_TILE
#endif
#if CK_UPTO >= 12
#define CK_MR 12
#include CK_TILE
#endif
#if CK_UPTO >= 13
#define CK_MR 13
#include CK_TILE
#endif
#if CK_UPTO >= 14
#define CK_MR 14
#include CK_TILE
#endif
#if CK_UPTO >= 15
#define CK_MR 15
#include CK_TILE
#endif
#if CK_UPTO >= 16
#define CK_MR 16
#include CK_TILE
#endif
#if CK_UPTO >= 17
#define CK_MR 17
#include CK_TILE
#endif
#if CK_UPTO >= 18
#define CK_MR 18
#include CK_TILE
#endif
#if CK_UPTO >= 19
#define CK_MR 19
#include CK_TILE
#endif
#if CK_UPTO >= 20
#define CK_MR 20
#include CK_TILE
#endif
#if CK_UPTO >= 21
#define CK_MR 21
#include CK_TILE
#endif
#if CK_UPTO >= 22
#define CK_MR 22
#include CK_TILE
#endif
#if CK_UPTO >= 23
#define CK_MR 23
#include CK_TILE
#endif
#if CK_UPTO >= 24
#define CK_MR 24
#include CK_TILE
#endif
#undef CK_NV
#undef CK_UPTO
