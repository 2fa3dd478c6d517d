/* SPDX-License-Identifier: Apache-2.0 */
/* kernels/tmpl/ck8c_sizes.h - every size of kernels/tmpl/ck8c.h, for CK_SET (a name) and
 * CK_LEN defined by the includer, and the table of them. */

#define CK_NV 1
#define CK_MR 1
#include "kernels/tmpl/ck8c.h"
#define CK_MR 2
#include "kernels/tmpl/ck8c.h"
#define CK_MR 3
#include "kernels/tmpl/ck8c.h"
#define CK_MR 4
#include "kernels/tmpl/ck8c.h"
#define CK_MR 5
#include "kernels/tmpl/ck8c.h"
#define CK_MR 6
#include "kernels/tmpl/ck8c.h"
#define CK_MR 7
#include "kernels/tmpl/ck8c.h"
#define CK_MR 8
#include "kernels/tmpl/ck8c.h"
#undef CK_NV

#define CK_NV 2
#define CK_MR 1
#include "kernels/tmpl/ck8c.h"
#define CK_MR 2
#include "kernels/tmpl/ck8c.h"
#define CK_MR 3
#include "kernels/tmpl/ck8c.h"
#define CK_MR 4
#include "kernels/tmpl/ck8c.h"
#define CK_MR 5
#include "kernels/tmpl/ck8c.h"
#define CK_MR 6
#include "kernels/tmpl/ck8c.h"
#undef CK_NV

#define CK_NV 3
#define CK_MR 1
#include "kernels/tmpl/ck8c.h"
#define CK_MR 2
#include "kernels/tmpl/ck8c.h"
#define CK_MR 3
#include "kernels/tmpl/ck8c.h"
#define CK_MR 4
#include "kernels/tmpl/ck8c.h"
#undef CK_NV

/* [blocks - 1][pixels - 1] */
static qn_ck8c_fn *const CK_SET[3][8] = {
    {CK_FN(1, 1), CK_FN(1, 2), CK_FN(1, 3), CK_FN(1, 4), CK_FN(1, 5), CK_FN(1, 6),
     CK_FN(1, 7), CK_FN(1, 8)},
    {CK_FN(2, 1), CK_FN(2, 2), CK_FN(2, 3), CK_FN(2, 4), CK_FN(2, 5), CK_FN(2, 6)},
    {CK_FN(3, 1), CK_FN(3, 2), CK_FN(3, 3), CK_FN(3, 4)},
};
#undef CK_LEN
#undef CK_SET
