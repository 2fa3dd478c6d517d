/* SPDX-License-Identifier: Apache-2.0 */
/* kernels/ref/pooling.c - the pools of every element type, and the walk over the rows
 * that one window covers. */
#include "kernels/pooling.h"

#include <math.h>

/* The taps of all axes but the last that lie inside, as row numbers. */
typedef struct qn_rows {
    int64_t start[QN_MAX_SPATIAL], from[QN_MAX_SPATIAL], to[QN_MAX_SPATIAL];
    int64_t tap[QN_MAX_SPATIAL];
    bool more;
} qn_rows;

static void qn_rows_start(qn_rows *r, const qn_window *w, const int64_t *at)
{
    r->more = true;
    for (int d = 0; d < w->rank - 1; d++) {
        r->start[d] = at[d] * w->stride[d] - w->begin[d];
        qn_window_taps(w, d, at[d], 0, w->in[d], &r->from[d], &r->to[d]);
        r->tap[d] = r->from[d];
        if (r->from[d] >= r->to[d]) r->more = false;
    }
}

static bool qn_rows_next(qn_rows *r, const qn_window *w, int64_t *row)
{
    if (!r->more) return false;
    *row = 0;
    for (int d = 0; d < w->rank - 1; d++)
        *row = *row * w->in[d] + r->start[d] + r->tap[d] * w->dilation[d];
    r->more = false;
    for (int d = w->rank - 2; d >= 0 && !r->more; d--) {
        if (++r->tap[d] < r->to[d])
            r->more = true;
        else
            r->tap[d] = r->from[d];
    }
    return true;
}

/* How many rows the window covers when padding counts. */
static int64_t qn_rows_padded(const qn_window *w, const int64_t *at)
{
    int64_t n = 1, from, to;
    for (int d = 0; d < w->rank - 1; d++) {
        qn_window_taps(w, d, at[d], -w->begin[d], w->in[d] + w->end[d], &from, &to);
        n *= to - from;
    }
    return n;
}

#define T             float
#define IS_NAN(v)     ((v) != (v))
#define LOWEST        -INFINITY
#define GREATER       greater_f32
#define MAX_OF        max_of_f32
#define MAX_INTO      max_into_f32
#define MAXPOOL       qn_maxpool_f32
#define MAXPOOL_INDEX qn_maxpool_index_f32
#include "kernels/tmpl/maxpool.h"
#undef GREATER
#undef MAX_OF
#undef MAX_INTO
#undef MAXPOOL
#undef MAXPOOL_INDEX
#define SUMPOOL    qn_sumpool_f32
#define POWERS     powers_f32
#define ROOT       root_f32
#define MEAN       qn_mean_f32
#define GREATEST   qn_greatest_f32
#define LPNORM     qn_lpnorm_f32
#define MATH(name) name##f
#include "kernels/tmpl/sumpool.h"
#undef SUMPOOL
#undef POWERS
#undef ROOT
#undef MEAN
#undef GREATEST
#undef LPNORM
#undef MATH
#define V(name) qn_##name##_f32
#include "kernels/tmpl/vpoolgrad.h"
#undef V
#undef T

#define T             double
#define GREATER       greater_f64
#define MAX_OF        max_of_f64
#define MAX_INTO      max_into_f64
#define MAXPOOL       qn_maxpool_f64
#define MAXPOOL_INDEX qn_maxpool_index_f64
#include "kernels/tmpl/maxpool.h"
#undef GREATER
#undef MAX_OF
#undef MAX_INTO
#undef MAXPOOL
#undef MAXPOOL_INDEX
#define SUMPOOL    qn_sumpool_f64
#define POWERS     powers_f64
#define ROOT       root_f64
#define MEAN       qn_mean_f64
#define GREATEST   qn_greatest_f64
#define LPNORM     qn_lpnorm_f64
#define MATH(name) name
#include "kernels/tmpl/sumpool.h"
#define V(name) qn_##name##_f64
#include "kernels/tmpl/vpoolgrad.h"
#undef V
#undef T
#undef LOWEST

#undef IS_NAN
#define IS_NAN(v)     false
#define T             int8_t
#define LOWEST        INT8_MIN
#define GREATER       greater_i8
#define MAX_OF        max_of_i8
#define MAX_INTO      max_into_i8
#define MAXPOOL       qn_maxpool_i8
#define MAXPOOL_INDEX qn_maxpool_index_i8
#include "kernels/tmpl/maxpool.h"
#undef T
#undef LOWEST
#undef GREATER
#undef MAX_OF
#undef MAX_INTO
#undef MAXPOOL
#undef MAXPOOL_INDEX

#define T             uint8_t
#define LOWEST        0
#define GREATER       greater_u8
#define MAX_OF        max_of_u8
#define MAX_INTO      max_into_u8
#define MAXPOOL       qn_maxpool_u8
#define MAXPOOL_INDEX qn_maxpool_index_u8
#include "kernels/tmpl/maxpool.h"
