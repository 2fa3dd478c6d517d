/* SPDX-License-Identifier: Apache-2.0 */
/* kernels/ref/dwconv.c - depthwise convolution of one channel as a sum of shifted
 * planes. Padding and stride are taken out first: the input rows are copied into one
 * padded plane per stride phase, so tap (y, x) is a constant distance in flat memory
 * and the inner loop (slot dwtaps_f32) has unit stride.  Narrow maps are summed as one
 * flat run, which keeps vectors full; the few columns between rows are computed and not
 * copied. */
#include "kernels/conv.h"

#include <string.h>

qn_dwtaps_f32_fn qn_dwtaps_f32_ref;

enum { MAX_STRIDE = 4, MAX_REACH = 64, NARROW = 48 };

bool qn_dwconv_init(qn_dwconv *dw, const qn_window *w, int64_t scratch_floats)
{
    if (w->rank != 2 || w->kernel[0] * w->kernel[1] > QN_DWCONV_TAPS) return false;
    for (int d = 0; d < 2; d++)
        if (w->stride[d] > MAX_STRIDE || w->begin[d] > MAX_REACH ||
            w->end[d] > MAX_REACH || (w->kernel[d] - 1) * w->dilation[d] > MAX_REACH)
            return false;
    dw->w = *w;
    int64_t reach = (w->kernel[0] - 1) * w->dilation[0] / w->stride[0];
    dw->plane_w = w->out[1] + (w->kernel[1] - 1) * w->dilation[1] / w->stride[1];
    int64_t per_row = dw->plane_w * (w->stride[0] * w->stride[1] + 1);
    int64_t rows = scratch_floats / per_row - reach;
    dw->rows = rows < 1 ? 1 : rows < w->out[0] ? rows : w->out[0];
    dw->plane_h = dw->rows + reach;
    dw->plane = dw->plane_h * dw->plane_w;
    return true;
}

int64_t qn_dwconv_scratch(const qn_dwconv *dw)
{
    return dw->plane * (dw->w.stride[0] * dw->w.stride[1] + 1);
}

static void split_row(const qn_dwconv *dw, int64_t phase, const float *x, float *to)
{
    int64_t step = dw->w.stride[1], width = dw->w.in[1];
    int64_t shift = phase - dw->w.begin[1]; /* to[c] = x[c*step + shift] */
    int64_t c = 0, n = dw->plane_w;
    for (; c < n && c * step + shift < 0; c++)
        to[c] = 0;
    int64_t end = width - shift + step - 1 > 0 ? (width - shift + step - 1) / step : 0;
    if (end > n) end = n;
    if (step == 1 && c < end) {
        memcpy(to + c, x + c + shift, (size_t)(end - c) * sizeof *to);
        c = end;
    }
    for (; c < end; c++)
        to[c] = x[c * step + shift];
    for (; c < n; c++)
        to[c] = 0;
}

void qn_dwconv_split(const qn_dwconv *dw, int64_t row0, int64_t row1, const float *x,
                     float *scratch)
{
    const qn_window *w = &dw->w;
    int64_t n_rows = row1 - row0 + (dw->plane_h - dw->rows);
    for (int64_t py = 0; py < w->stride[0]; py++)
        for (int64_t px = 0; px < w->stride[1]; px++, scratch += dw->plane)
            for (int64_t r = 0; r < n_rows; r++) {
                int64_t i = (row0 + r) * w->stride[0] + py - w->begin[0];
                float *to = scratch + r * dw->plane_w;
                if (i < 0 || i >= w->in[0])
                    memset(to, 0, (size_t)dw->plane_w * sizeof *to);
                else
                    split_row(dw, px, x + i * w->in[1], to);
            }
}

void qn_dwconv_rows(const qn_kernels *k, const qn_dwconv *dw, int64_t n_rows,
                    const float *weight, float bias, float *scratch, float *y)
{
    const qn_window *w = &dw->w;
    int64_t shift[QN_DWCONV_TAPS], ow = w->out[1];
    int n_taps = 0;
    for (int64_t ky = 0; ky < w->kernel[0]; ky++)
        for (int64_t kx = 0; kx < w->kernel[1]; kx++) {
            int64_t ry = ky * w->dilation[0], rx = kx * w->dilation[1];
            int64_t phase = ry % w->stride[0] * w->stride[1] + rx % w->stride[1];
            shift[n_taps++] =
                phase * dw->plane + ry / w->stride[0] * dw->plane_w + rx / w->stride[1];
        }
    if (ow >= NARROW || n_rows == 1) {
        for (int64_t r = 0; r < n_rows; r++)
            k->dwtaps_f32(ow, n_taps, shift, weight, bias, scratch + r * dw->plane_w,
                          y + r * ow);
        return;
    }
    float *flat = scratch + dw->plane * w->stride[0] * w->stride[1];
    k->dwtaps_f32((n_rows - 1) * dw->plane_w + ow, n_taps, shift, weight, bias, scratch,
                  flat);
    for (int64_t r = 0; r < n_rows; r++)
        memcpy(y + r * ow, flat + r * dw->plane_w, (size_t)ow * sizeof *y);
}

void qn_dwtaps_f32_ref(int64_t n, int taps, const int64_t *shift, const float *weight,
                       float bias, const float *x, float *y)
{
    for (int64_t i = 0; i < n; i++)
        y[i] = bias;
    for (int t = 0; t < taps; t++) {
        const float *from = x + shift[t];
        float factor = weight[t];
        for (int64_t i = 0; i < n; i++)
            y[i] += factor * from[i];
    }
}

void qn_shift_f32(float *y, float bias, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        y[i] += bias;
}

void qn_shift_f64(double *y, double bias, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        y[i] += bias;
}
