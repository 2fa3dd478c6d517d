/* SPDX-License-Identifier: Apache-2.0 */
/* kernels/ref/resize_ref.c - tables of ONNX Resize-19, and the passes that use them. */
#include "kernels/resize.h"

#include <math.h>

/* How far a kernel reaches to either side, in input elements. */
static double reach_of(const qn_resize *how, double scale)
{
    double radius = how->mode == QN_CUBIC ? 2 : 1;
    return how->antialias && scale < 1 ? radius / scale : radius;
}

int64_t qn_resize_taps(const qn_resize *how, double scale)
{
    enum { MOST = 1 << 30 }; /* the caller finds it too many; NaN, too */
    if (how->mode == QN_NEAREST) return 1;
    double reach = ceil(reach_of(how, scale));
    return 2 * (reach < MOST ? (int64_t)reach : (int64_t)MOST);
}

/* The output size before rounding down; whole up to the rounding of the scale itself.
 */
static double full_width(const qn_resize_axis *a)
{
    double width = a->scale * (double)a->in, whole = nearbyint(width);
    return fabs(width - whole) < 1e-6 * width ? whole : width;
}

/* Where output i lies on the axis. */
static double place(const qn_resize *how, const qn_resize_axis *a, int64_t i)
{
    double o = (double)i, in = (double)a->in, width = full_width(a);
    switch (how->coord) {
    case QN_ALIGN_CORNERS:
        return width == 1 ? 0 : o * (in - 1) / (width - 1);
    case QN_ASYMMETRIC:
        return o / a->scale;
    case QN_TF_CROP_AND_RESIZE:
        if (a->out > 1)
            return a->roi[0] * (in - 1) +
                   o * (a->roi[1] - a->roi[0]) * (in - 1) / (width - 1);
        return 0.5 * (a->roi[0] + a->roi[1]) * (in - 1);
    case QN_PYTORCH_HALF_PIXEL:
        return a->out > 1 ? (o + 0.5) / a->scale - 0.5 : 0;
    case QN_TF_HALF_PIXEL:
        return (o + 0.5) / a->scale;
    case QN_HALF_PIXEL_SYMMETRIC:
        return in / 2 * (1 - (double)a->out / width) + (o + 0.5) / a->scale - 0.5;
    default:
        return (o + 0.5) / a->scale - 0.5;
    }
}

static double kernel(const qn_resize *how, double x)
{
    double a = how->cubic_a;
    x = fabs(x);
    if (how->mode == QN_LINEAR) return x < 1 ? 1 - x : 0;
    if (x <= 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
    return x < 2 ? ((a * x - 5 * a) * x + 8 * a) * x - 4 * a : 0;
}

static int64_t clamp_index(double i, int64_t n)
{
    return !(i > 0) ? 0 : i > (double)(n - 1) ? n - 1 : (int64_t)i;
}

/* Coordinates are rounded to float first, as engines that sample in float do, so that a
 * scale such as 1.2f, a little above 1.2, does not turn 5 into 4.9999998. */
static int64_t nearest(qn_resize_round round, double x, int64_t n)
{
    double f = floor((double)(float)x), part = (double)(float)x - f;
    bool up = round == QN_ROUND_PREFER_FLOOR  ? part > 0.5
              : round == QN_ROUND_PREFER_CEIL ? part >= 0.5
                                              : round == QN_CEIL && part > 0;
    return clamp_index(up ? f + 1 : f, n);
}

static void weights(const qn_resize *how, const qn_resize_axis *a, int64_t i, double x)
{
    double shrink = how->antialias && a->scale < 1 ? a->scale : 1, sum = 0;
    int64_t half = a->taps / 2;
    double first = floor(x) - (double)half + 1;
    for (int64_t t = 0; t < a->taps; t++) {
        double at = first + (double)t, c = kernel(how, (at - x) * shrink);
        if (how->exclude_outside && (at < 0 || at >= (double)a->in)) c = 0;
        a->index[i * a->taps + t] = clamp_index(at, a->in);
        a->coef[i * a->taps + t] = c;
        sum += c;
    }
    if (sum == 0 || !(how->exclude_outside || how->antialias)) return;
    for (int64_t t = 0; t < a->taps; t++)
        a->coef[i * a->taps + t] /= sum;
}

void qn_resize_table(const qn_resize *how, qn_resize_axis *a)
{
    for (int64_t i = 0; i < a->out; i++) {
        double x = place(how, a, i);
        double slack = 1e-6, end = (double)(a->in - 1);
        if (how->coord == QN_TF_CROP_AND_RESIZE && !(x >= -slack && x <= end + slack))
            a->index[i * a->taps] = -1;
        else if (how->mode == QN_NEAREST)
            a->index[i] = nearest(how->round, x, a->in);
        else
            weights(how, a, i, x);
    }
}

#define T      float
#define LINES  qn_resize_lines_f32
#define ACROSS across_f32
#define ALONG  along_f32
#include "kernels/tmpl/vresize.h"
#undef T
#undef LINES
#undef ACROSS
#undef ALONG
#define T      double
#define LINES  qn_resize_lines_f64
#define ACROSS across_f64
#define ALONG  along_f64
#include "kernels/tmpl/vresize.h"
