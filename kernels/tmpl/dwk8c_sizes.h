/* SPDX-License-Identifier: Apache-2.0 */
/* kernels/tmpl/dwk8c_sizes.h - kernels/tmpl/dwk8c.h for 1 to DW_MOST outputs, and
 * DW_SET, the table of them, for DW_K and DW_S defined by the includer. */
#define DW_N 1
#include "kernels/tmpl/dwk8c.h"
#define DW_N 2
#include "kernels/tmpl/dwk8c.h"
#define DW_N 3
#include "kernels/tmpl/dwk8c.h"
#define DW_N 4
#include "kernels/tmpl/dwk8c.h"
#define DW_N 5
#include "kernels/tmpl/dwk8c.h"
#define DW_N 6
#include "kernels/tmpl/dwk8c.h"
#if DW_MOST > 6
#define DW_N 7
#include "kernels/tmpl/dwk8c.h"
#define DW_N 8
#include "kernels/tmpl/dwk8c.h"
#endif
static qn_dwk8c_fn *const DW_SET[DW_MOST] = {
    DW_FN(DW_K, DW_S, 1), DW_FN(DW_K, DW_S, 2), DW_FN(DW_K, DW_S, 3),
    DW_FN(DW_K, DW_S, 4), DW_FN(DW_K, DW_S, 5), DW_FN(DW_K, DW_S, 6),
#if DW_MOST > 6
    DW_FN(DW_K, DW_S, 7), DW_FN(DW_K, DW_S, 8),
#endif
};
#undef DW_K
#undef DW_S
#undef DW_SET
