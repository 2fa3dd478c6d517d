/* SPDX-License-Identifier: Apache-2.0 */
/* kernels/ref/reduce_ref.c - reductions for every element type. */
#include "kernels/reduce.h"

void qn_reduce_plan(int rank, const int64_t *dim, const bool *reduced,
                    qn_reduce_shape *shape)
{
    *shape = (qn_reduce_shape){.width = 1, .length = 1, .outer = 1, .count = 1};
    int64_t step = 1;
    bool first = true, innermost = true, kind = false;
    int64_t keep[QN_REDUCE_RANK], keep_step[QN_REDUCE_RANK];
    int64_t red[QN_REDUCE_RANK], red_step[QN_REDUCE_RANK];
    for (int d = rank - 1; d >= 0; d--) { /* innermost first; turned round below */
        if (reduced[d]) shape->count *= dim[d];
        if (dim[d] == 1) continue;
        if (!first && reduced[d] != kind) innermost = false;
        first = false;
        kind = reduced[d];
        if (innermost) {
            *(kind ? &shape->length : &shape->width) *= dim[d];
        } else if (kind) {
            red[shape->n_red] = dim[d];
            red_step[shape->n_red++] = step;
        } else {
            keep[shape->n_keep] = dim[d];
            keep_step[shape->n_keep++] = step;
            shape->outer *= dim[d];
        }
        step *= dim[d];
    }
    for (int d = 0; d < shape->n_red; d++) {
        shape->red[d] = red[shape->n_red - 1 - d];
        shape->red_step[d] = red_step[shape->n_red - 1 - d];
    }
    for (int d = 0; d < shape->n_keep; d++) {
        shape->keep[d] = keep[shape->n_keep - 1 - d];
        shape->keep_step[d] = keep_step[shape->n_keep - 1 - d];
    }
}

#define SUF       f32
#define LOWEST    (-INFINITY)
#define HIGHEST   INFINITY
#define IS_FLOAT  1
#define IS_SIGNED 0
#include "kernels/tmpl/vreduce.h"
#define SUF       f64
#define LOWEST    (-(double)INFINITY)
#define HIGHEST   (double)INFINITY
#define IS_FLOAT  1
#define IS_SIGNED 0
#include "kernels/tmpl/vreduce.h"
#define SUF       i8
#define LOWEST    INT8_MIN
#define HIGHEST   INT8_MAX
#define IS_FLOAT  0
#define IS_SIGNED 1
#include "kernels/tmpl/vreduce.h"
#define SUF       i16
#define LOWEST    INT16_MIN
#define HIGHEST   INT16_MAX
#define IS_FLOAT  0
#define IS_SIGNED 1
#include "kernels/tmpl/vreduce.h"
#define SUF       i32
#define LOWEST    INT32_MIN
#define HIGHEST   INT32_MAX
#define IS_FLOAT  0
#define IS_SIGNED 1
#include "kernels/tmpl/vreduce.h"
#define SUF       i64
#define LOWEST    INT64_MIN
#define HIGHEST   INT64_MAX
#define IS_FLOAT  0
#define IS_SIGNED 1
#include "kernels/tmpl/vreduce.h"
#define SUF       u8
#define LOWEST    0
#define HIGHEST   UINT8_MAX
#define IS_FLOAT  0
#define IS_SIGNED 0
#include "kernels/tmpl/vreduce.h"
#define SUF       u16
#define LOWEST    0
#define HIGHEST   UINT16_MAX
#define IS_FLOAT  0
#define IS_SIGNED 0
#include "kernels/tmpl/vreduce.h"
#define SUF       u32
#define LOWEST    0
#define HIGHEST   UINT32_MAX
#define IS_FLOAT  0
#define IS_SIGNED 0
#include "kernels/tmpl/vreduce.h"
#define SUF       u64
#define LOWEST    0
#define HIGHEST   UINT64_MAX
#define IS_FLOAT  0
#define IS_SIGNED 0
#include "kernels/tmpl/vreduce.h"
