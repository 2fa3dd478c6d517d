/* SPDX-License-Identifier: Apache-2.0 */
/* kernels/tmpl/vheat.h - slot heat_f64 under the name HEAT_F64; the compiler makes
 * vectors of the loop over columns. */
#include "kernels/heat.h"

/* n is a multiple of 4: what is beyond the shape has weight 0. */
static void heat_row(int64_t n, int64_t stride, const double *restrict weight,
                     const double *restrict from, double *restrict to)
{
    const double *up = from - stride, *down = from + stride;
    for (int64_t x = 0; x < n; x++) {
        const double sides = from[x] + up[x] + down[x] + from[x - 1] + from[x + 1];
        to[x] = weight[x] * (sides + up[x - 1] + up[x + 1] + down[x - 1] + down[x + 1]);
    }
}

static int64_t heat_least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t heat_most(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* Heat has come reach pixels far. */
static void heat_step(const qn_heat *h, int64_t reach, const double *from, double *to)
{
    const int64_t last = heat_least(h->last, h->row + reach + 1);
    for (int64_t y = heat_most(h->first, h->row - reach); y < last; y++) {
        const int64_t lo = heat_most(h->lo[y], h->column - reach);
        const int64_t hi = heat_least(h->hi[y], h->column + reach + 1);
        const int64_t at = y * h->stride + lo;
        if (lo < hi)
            heat_row((hi - lo + 3) & ~(int64_t)3, h->stride, h->weight + at, from + at,
                     to + at);
    }
}

void HEAT_F64(const qn_heat *h)
{
    double *from = h->from, *to = h->to;
    for (int64_t t = 0; t < h->steps; t++) {
        from[h->row * h->stride + h->column] += 1;
        heat_step(h, t + 1, from, to);
        double *const other = from;
        from = to;
        to = other;
    }
}
