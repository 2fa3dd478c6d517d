/* SPDX-License-Identifier: Apache-2.0 */
/* kernels/ref/scatter_ref.c - the reductions of the Scatter family for every number
 * type.
 */
#include "kernels/scatter.h"

#include <stdbool.h>

#define T         float
#define IS_NAN(x) ((x) != (x))
#define W         float
#define ADD       add_f32
#define MUL       mul_f32
#define MAX       max_f32
#define MIN       min_f32
#include "kernels/tmpl/vscatter.h"

#define T         double
#define IS_NAN(x) ((x) != (x))
#define W         double
#define ADD       add_f64
#define MUL       mul_f64
#define MAX       max_f64
#define MIN       min_f64
#include "kernels/tmpl/vscatter.h"

#define T         int8_t
#define IS_NAN(x) false
#define W         uint32_t
#define ADD       add_i8
#define MUL       mul_i8
#define MAX       max_i8
#define MIN       min_i8
#include "kernels/tmpl/vscatter.h"

#define T         uint8_t
#define IS_NAN(x) false
#define W         uint32_t
#define ADD       add_u8
#define MUL       mul_u8
#define MAX       max_u8
#define MIN       min_u8
#include "kernels/tmpl/vscatter.h"

#define T         int16_t
#define IS_NAN(x) false
#define W         uint32_t
#define ADD       add_i16
#define MUL       mul_i16
#define MAX       max_i16
#define MIN       min_i16
#include "kernels/tmpl/vscatter.h"

#define T         uint16_t
#define IS_NAN(x) false
#define W         uint32_t
#define ADD       add_u16
#define MUL       mul_u16
#define MAX       max_u16
#define MIN       min_u16
#include "kernels/tmpl/vscatter.h"

#define T         int32_t
#define IS_NAN(x) false
#define W         uint32_t
#define ADD       add_i32
#define MUL       mul_i32
#define MAX       max_i32
#define MIN       min_i32
#include "kernels/tmpl/vscatter.h"

#define T         uint32_t
#define IS_NAN(x) false
#define W         uint32_t
#define ADD       add_u32
#define MUL       mul_u32
#define MAX       max_u32
#define MIN       min_u32
#include "kernels/tmpl/vscatter.h"

#define T         int64_t
#define IS_NAN(x) false
#define W         uint64_t
#define ADD       add_i64
#define MUL       mul_i64
#define MAX       max_i64
#define MIN       min_i64
#include "kernels/tmpl/vscatter.h"

#define T         uint64_t
#define IS_NAN(x) false
#define W         uint64_t
#define ADD       add_u64
#define MUL       mul_u64
#define MAX       max_u64
#define MIN       min_u64
#include "kernels/tmpl/vscatter.h"

qn_scatter_fn *qn_scatter_kernel(int type, int reduction)
{
    static qn_scatter_fn *const rows[QN_SCATTER_TYPES][QN_SCATTER_REDUCTIONS] = {
        [QN_SCATTER_FLOAT] = {add_f32, mul_f32, max_f32, min_f32},
        [QN_SCATTER_DOUBLE] = {add_f64, mul_f64, max_f64, min_f64},
        [QN_SCATTER_INT8] = {add_i8, mul_i8, max_i8, min_i8},
        [QN_SCATTER_UINT8] = {add_u8, mul_u8, max_u8, min_u8},
        [QN_SCATTER_INT16] = {add_i16, mul_i16, max_i16, min_i16},
        [QN_SCATTER_UINT16] = {add_u16, mul_u16, max_u16, min_u16},
        [QN_SCATTER_INT32] = {add_i32, mul_i32, max_i32, min_i32},
        [QN_SCATTER_UINT32] = {add_u32, mul_u32, max_u32, min_u32},
        [QN_SCATTER_INT64] = {add_i64, mul_i64, max_i64, min_i64},
        [QN_SCATTER_UINT64] = {add_u64, mul_u64, max_u64, min_u64},
    };
    return rows[type][reduction];
}
