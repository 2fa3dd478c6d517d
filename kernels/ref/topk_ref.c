/* SPDX-License-Identifier: Apache-2.0 */
/* kernels/ref/topk_ref.c - selection for every number type. */
#include "kernels/topk.h"

#define T         float
#define IS_NAN(x) ((x) != (x))
#define BETTER    better_f32
#define SINK      sink_f32
#define TOPK      topk_f32
#include "kernels/tmpl/vtopk.h"

#define T         double
#define IS_NAN(x) ((x) != (x))
#define BETTER    better_f64
#define SINK      sink_f64
#define TOPK      topk_f64
#include "kernels/tmpl/vtopk.h"

#define T         int8_t
#define IS_NAN(x) false
#define BETTER    better_i8
#define SINK      sink_i8
#define TOPK      topk_i8
#include "kernels/tmpl/vtopk.h"

#define T         uint8_t
#define IS_NAN(x) false
#define BETTER    better_u8
#define SINK      sink_u8
#define TOPK      topk_u8
#include "kernels/tmpl/vtopk.h"

#define T         int16_t
#define IS_NAN(x) false
#define BETTER    better_i16
#define SINK      sink_i16
#define TOPK      topk_i16
#include "kernels/tmpl/vtopk.h"

#define T         uint16_t
#define IS_NAN(x) false
#define BETTER    better_u16
#define SINK      sink_u16
#define TOPK      topk_u16
#include "kernels/tmpl/vtopk.h"

#define T         int32_t
#define IS_NAN(x) false
#define BETTER    better_i32
#define SINK      sink_i32
#define TOPK      topk_i32
#include "kernels/tmpl/vtopk.h"

#define T         uint32_t
#define IS_NAN(x) false
#define BETTER    better_u32
#define SINK      sink_u32
#define TOPK      topk_u32
#include "kernels/tmpl/vtopk.h"

#define T         int64_t
#define IS_NAN(x) false
#define BETTER    better_i64
#define SINK      sink_i64
#define TOPK      topk_i64
#include "kernels/tmpl/vtopk.h"

#define T         uint64_t
#define IS_NAN(x) false
#define BETTER    better_u64
#define SINK      sink_u64
#define TOPK      topk_u64
#include "kernels/tmpl/vtopk.h"

qn_topk_fn *qn_topk_kernel(int type)
{
    static qn_topk_fn *const rows[QN_TOPK_TYPES] = {
        [QN_TOPK_FLOAT] = topk_f32, [QN_TOPK_DOUBLE] = topk_f64,
        [QN_TOPK_INT8] = topk_i8,   [QN_TOPK_UINT8] = topk_u8,
        [QN_TOPK_INT16] = topk_i16, [QN_TOPK_UINT16] = topk_u16,
        [QN_TOPK_INT32] = topk_i32, [QN_TOPK_UINT32] = topk_u32,
        [QN_TOPK_INT64] = topk_i64, [QN_TOPK_UINT64] = topk_u64,
    };
    return rows[type];
}
