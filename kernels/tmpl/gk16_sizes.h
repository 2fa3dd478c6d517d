/* SPDX-License-Identifier: Apache-2.0 */
/* kernels/tmpl/gk16_sizes.h - the tiles of one set, 1 to 6 rows; see gk16.h,
 * and the table of them. */
#define GK_MR 1
#include "kernels/tmpl/gk16.h"
#define GK_MR 2
#include "kernels/tmpl/gk16.h"
#define GK_MR 3
#include "kernels/tmpl/gk16.h"
#define GK_MR 4
#include "kernels/tmpl/gk16.h"
#define GK_MR 5
#include "kernels/tmpl/gk16.h"
#define GK_MR 6
#include "kernels/tmpl/gk16.h"

static qn_gk16_fn *const GK_SET[6] = {
    CK_FN_(GK_SET, 2, 1), CK_FN_(GK_SET, 2, 2), CK_FN_(GK_SET, 2, 3),
    CK_FN_(GK_SET, 2, 4), CK_FN_(GK_SET, 2, 5), CK_FN_(GK_SET, 2, 6),
};
#undef GK_SET
#undef GK_COL
#undef GK_STEPS
