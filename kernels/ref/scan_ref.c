/* SPDX-License-Identifier: Apache-2.0 */
/* kernels/ref/scan_ref.c - running sums and products for every number type they take.
 */
#include "kernels/scan.h"

#define T    float
#define SCAN qn_scan_f32
#include "kernels/tmpl/vscan.h"

#define T    double
#define SCAN qn_scan_f64
#include "kernels/tmpl/vscan.h"

#define T    uint32_t
#define SCAN qn_scan_u32
#include "kernels/tmpl/vscan.h"

#define T    uint64_t
#define SCAN qn_scan_u64
#include "kernels/tmpl/vscan.h"
