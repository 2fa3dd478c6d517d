/* SPDX-License-Identifier: Apache-2.0 */
/* engine/ops/roi.c - regions of interest pooled to one size: RoiAlign-22 (samples
 * between pixels) and MaxRoiPool-22 (whole pixels).  Lowered: RoiAlign-10 has no half
 * pixel. */
#include "engine/op.h"

#include <math.h>
#include <string.h>

typedef struct roi_params {
    const char *coordinate_transformation_mode, *mode;
    int64_t output_height, output_width, sampling_ratio;
    float spatial_scale;
    qn_ints pooled_shape;
} roi_params;

/* One axis of a region: where it starts, the size of a bin, the samples in a bin. */
typedef struct roi_axis {
    double start, bin;
    int64_t samples;
} roi_axis;

typedef struct roi_job {
    const qn_instr *i;
    int64_t height, width; /* of the result */
    bool half_pixel, largest;
} roi_job;

enum { MAX_SAMPLES = 1 << 16 }; /* of an axis: hostile regions must not run for ever */

static bool fair_size(int64_t n)
{
    return n >= 1 && n < INT64_C(1) << 31;
}

static quern_status roi_lower(qn_graph *g, qn_node *node, quern_error *err)
{
    (void)g;
    if (node->opset >= 16) return QUERN_OK;
    return qn_node_set_str(node, "coordinate_transformation_mode", "output_half_pixel",
                           err);
}

static quern_status roi_check(const qn_node *node, quern_error *err)
{
    const roi_params *p = node->params;
    if (strcmp(p->mode, "avg") != 0 && strcmp(p->mode, "max") != 0)
        return qn_fail(err, QUERN_INVALID, "mode is '%s'", p->mode);
    if (strcmp(p->coordinate_transformation_mode, "half_pixel") != 0 &&
        strcmp(p->coordinate_transformation_mode, "output_half_pixel") != 0)
        return qn_fail(err, QUERN_INVALID, "coordinate_transformation_mode is '%s'",
                       p->coordinate_transformation_mode);
    if (!fair_size(p->output_height) || !fair_size(p->output_width) ||
        p->sampling_ratio < 0 || p->sampling_ratio > MAX_SAMPLES)
        return qn_fail(err, QUERN_INVALID, "output %lldx%lld with sampling ratio %lld",
                       (long long)p->output_height, (long long)p->output_width,
                       (long long)p->sampling_ratio);
    return QUERN_OK;
}

static quern_status pooled_check(const qn_node *node, quern_error *err)
{
    const roi_params *p = node->params;
    const int64_t *size = p->pooled_shape.v;
    if (p->pooled_shape.n == 2 && fair_size(size[0]) && fair_size(size[1]))
        return QUERN_OK;
    return qn_fail(err, QUERN_INVALID,
                   "pooled_shape is not two numbers from 1 to 2^31");
}

static void shape_out(const qn_infer *x, int64_t height, int64_t width)
{
    if (!x->out[0]) return;
    x->out[0]->rank = 4;
    x->out[0]->dim[0] = x->in[1]->dim[0];
    x->out[0]->dim[1] = x->in[0]->dim[1];
    x->out[0]->dim[2] = height;
    x->out[0]->dim[3] = width;
}

static quern_status roi_infer(const qn_infer *x, quern_error *err)
{
    const roi_params *p = x->params;
    const qn_tensor *in = x->in[0], *rois = x->in[1], *index = x->in[2];
    if (in->rank != 4 || rois->rank != 2 || rois->dim[1] != 4 || index->rank != 1 ||
        index->dim[0] != rois->dim[0])
        return qn_fail(err, QUERN_SHAPE, "X is %s, rois %s, batch_indices %s",
                       QN_SHAPE(in), QN_SHAPE(rois), QN_SHAPE(index));
    shape_out(x, p->output_height, p->output_width);
    return QUERN_OK;
}

static quern_status pooled_infer(const qn_infer *x, quern_error *err)
{
    const roi_params *p = x->params;
    const qn_tensor *in = x->in[0], *rois = x->in[1];
    if (in->rank != 4 || rois->rank != 2 || rois->dim[1] != 5)
        return qn_fail(err, QUERN_SHAPE, "X is %s but rois is %s", QN_SHAPE(in),
                       QN_SHAPE(rois));
    shape_out(x, p->pooled_shape.v[0], p->pooled_shape.v[1]);
    return QUERN_OK;
}

static double pixel(const qn_tensor *x, int64_t at)
{
    return x->dtype == QUERN_DOUBLE ? ((const double *)x->data)[at]
                                    : (double)((const float *)x->data)[at];
}

/* Lower neighbour of v on an axis of n pixels and how far v is beyond it; false if v is
 * outside.  At the last pixel both neighbours are that pixel. */
static bool neighbours(double v, int64_t n, int64_t *low, int64_t *high, double *part)
{
    if (n == 0 || !(v >= -1 && v <= (double)n)) return false;
    if (v < 0) v = 0;
    *low = (int64_t)v < n - 1 ? (int64_t)v : n - 1;
    *high = *low < n - 1 ? *low + 1 : *low;
    *part = *low < n - 1 ? v - (double)*low : 0;
    return true;
}

/* One sample: the weighted pixels added up, or the largest of them (as the operator is
 * defined, of the products). */
static double sample(const qn_tensor *x, int64_t plane, double v, double u,
                     bool largest)
{
    int64_t y0, y1, x0, x1, w = x->dim[3];
    double ly, lx, part[4];
    if (!neighbours(v, x->dim[2], &y0, &y1, &ly) || !neighbours(u, w, &x0, &x1, &lx))
        return 0;
    part[0] = (1 - ly) * (1 - lx) * pixel(x, plane + y0 * w + x0);
    part[1] = (1 - ly) * lx * pixel(x, plane + y0 * w + x1);
    part[2] = ly * (1 - lx) * pixel(x, plane + y1 * w + x0);
    part[3] = ly * lx * pixel(x, plane + y1 * w + x1);
    if (!largest) return part[0] + part[1] + part[2] + part[3];
    return fmax(fmax(part[0], part[1]), fmax(part[2], part[3]));
}

static double bin_value(const roi_job *job, const roi_axis a[2], int64_t plane,
                        const int64_t bin[2])
{
    double sum = 0;
    for (int64_t i = 0; i < a[0].samples; i++)
        for (int64_t j = 0; j < a[1].samples; j++) {
            double v =
                a[0].start +
                a[0].bin * ((double)bin[0] + ((double)i + 0.5) / (double)a[0].samples);
            double u =
                a[1].start +
                a[1].bin * ((double)bin[1] + ((double)j + 0.5) / (double)a[1].samples);
            double s = sample(job->i->in[0], plane, v, u, job->largest);
            if (!job->largest)
                sum += s;
            else if (s > sum || (i == 0 && j == 0))
                sum = s;
        }
    int64_t count = a[0].samples * a[1].samples;
    return job->largest || count == 0 ? sum : sum / (double)count;
}

static roi_axis axis_of(const roi_job *job, int64_t roi, int d)
{
    const roi_params *p = job->i->params;
    const qn_tensor *rois = job->i->in[1];
    double shift = job->half_pixel ? 0.5 : 0, scale = (double)p->spatial_scale;
    double start = qn_get_real(rois, roi * 4 + 1 - d) * scale - shift;
    double size = qn_get_real(rois, roi * 4 + 3 - d) * scale - shift - start;
    if (!job->half_pixel && !(size > 1)) size = 1;
    roi_axis a = {start, size / (double)(d ? job->width : job->height),
                  p->sampling_ratio};
    double samples = ceil(a.bin);
    if (a.samples == 0)
        a.samples = !(samples > 0)          ? 0
                    : samples > MAX_SAMPLES ? MAX_SAMPLES
                                            : (int64_t)samples;
    return a;
}

/* Item: a region. */
static void run_regions(void *ctx, int64_t begin, int64_t end, int worker)
{
    const roi_job *job = ctx;
    const qn_tensor *x = job->i->in[0];
    qn_tensor *y = job->i->out[0];
    int64_t bins = job->height * job->width;
    (void)worker;
    for (int64_t r = begin; r < end; r++) {
        roi_axis a[2] = {axis_of(job, r, 0), axis_of(job, r, 1)};
        int64_t image = qn_get_int(job->i->in[2], r);
        for (int64_t c = 0; c < x->dim[1]; c++) {
            int64_t plane = (image * x->dim[1] + c) * x->dim[2] * x->dim[3];
            for (int64_t b = 0; b < bins; b++) {
                int64_t bin[2] = {b / job->width, b % job->width};
                qn_set_real(y, (r * x->dim[1] + c) * bins + b,
                            bin_value(job, a, plane, bin));
            }
        }
    }
}

static quern_status check_images(const qn_tensor *t, int64_t pitch, int64_t n,
                                 quern_error *err)
{
    for (int64_t r = 0; r < t->dim[0]; r++) {
        double image = qn_get_real(t, r * pitch);
        if (!(image >= 0 && image < (double)n))
            return qn_fail(err, QUERN_DATA, "region %lld is of image %g of %lld",
                           (long long)r, image, (long long)n);
    }
    return QUERN_OK;
}

static quern_status roi_run(const qn_instr *i, const qn_exec *x, quern_error *err)
{
    const roi_params *p = i->params;
    bool half = strcmp(p->coordinate_transformation_mode, "half_pixel") == 0;
    roi_job job = {i, p->output_height, p->output_width, half,
                   strcmp(p->mode, "max") == 0};
    QN_TRY(check_images(i->in[2], 1, i->in[0]->dim[0], err));
    qn_parallel_for(x->pool, i->in[1]->dim[0], 1, run_regions, &job);
    return QUERN_OK;
}

/* ---- MaxRoiPool ---- */

/* Pixels [*from, *to) of bin b, clipped to the image of n pixels. */
static void pooled_bin(double start, double end, int64_t bins, int64_t b, int64_t n,
                       int64_t *from, int64_t *to)
{
    double size = fmax(end - start + 1, 1) / (double)bins;
    double low = start + floor((double)b * size);
    double high = start + ceil((double)(b + 1) * size);
    *from = !(low > 0) ? 0 : low > (double)n ? n : (int64_t)low;
    *to = !(high > 0) ? 0 : high > (double)n ? n : (int64_t)high;
}

static quern_status pooled_run(const qn_instr *i, const qn_exec *x, quern_error *err)
{
    const roi_params *p = i->params;
    const qn_tensor *in = i->in[0], *rois = i->in[1];
    int64_t h = p->pooled_shape.v[0], w = p->pooled_shape.v[1], channels = in->dim[1];
    double scale = (double)p->spatial_scale;
    (void)x;
    QN_TRY(check_images(rois, 5, in->dim[0], err));
    for (int64_t t = 0, n = qn_tensor_count(i->out[0]); t < n; t++) {
        int64_t r = t / (channels * h * w), c = t / (h * w) % channels;
        int64_t y0, y1, x0, x1, image = (int64_t)qn_get_real(rois, r * 5);
        double edge[4];
        for (int k = 0; k < 4; k++)
            edge[k] = round(qn_get_real(rois, r * 5 + 1 + k) * scale);
        pooled_bin(edge[1], edge[3], h, t / w % h, in->dim[2], &y0, &y1);
        pooled_bin(edge[0], edge[2], w, t % w, in->dim[3], &x0, &x1);
        int64_t plane = (image * channels + c) * in->dim[2] * in->dim[3];
        double best = y0 < y1 && x0 < x1 ? -INFINITY : 0;
        for (int64_t v = y0; v < y1; v++)
            for (int64_t u = x0; u < x1; u++) {
                double value = pixel(in, plane + v * in->dim[3] + u);
                if (value > best || isnan(value)) best = value;
            }
        qn_set_real(i->out[0], t, best);
    }
    return QUERN_OK;
}

static const qn_attr roi_attrs[] = {
    QN_STR(roi_params, coordinate_transformation_mode, "half_pixel"),
    QN_STR(roi_params, mode, "avg"),
    QN_INT(roi_params, output_height, 1),
    QN_INT(roi_params, output_width, 1),
    QN_INT(roi_params, sampling_ratio, 0),
    QN_FLOAT(roi_params, spatial_scale, 1),
    QN_ATTRS_END};
static const qn_attr pooled_attrs[] = {
    QN_REQUIRED(roi_params, pooled_shape, QN_ATTR_INTS),
    QN_FLOAT(roi_params, spatial_scale, 1), QN_ATTRS_END};

const qn_op qn_op_roi_align = {
    .name = "RoiAlign",
    .since = 22,
    .first = 10,
    .min_in = 3,
    .max_in = 3,
    .flags = QN_OP_HALF_AS_F32,
    .attrs = roi_attrs,
    .params_size = sizeof(roi_params),
    .types = {QN_T_FLOATS, QN_T_FLOATS, QN_T_I64},
    .lower = roi_lower,
    .check = roi_check,
    .infer = roi_infer,
    .run = roi_run,
};

const qn_op qn_op_max_roi_pool = {
    .name = "MaxRoiPool",
    .since = 22,
    .min_in = 2,
    .max_in = 2,
    .flags = QN_OP_HALF_AS_F32,
    .attrs = pooled_attrs,
    .params_size = sizeof(roi_params),
    .types = {QN_T_FLOATS},
    .check = pooled_check,
    .infer = pooled_infer,
    .run = pooled_run,
};
