/* SPDX-License-Identifier: Apache-2.0 */
/* engine/cells/input_filter.c - pictures smoothed, or what is blurred taken off, before
 * their levels are found: qn_input_filter; Cellpose 3.1, transforms.py:
 * smooth_sharpen_img.
 *
 * There it is a product of Fourier transforms with a Gaussian as large as the picture.
 * A Gaussian is the product of two curves, so it is done along rows, then along
 * columns, with the picture repeating itself beyond its edge.  The curve's steps are
 * (height + 1) / (length - 1) pixels along both axes, as they are there. */
#include "engine/cells/input_planes.h"

#include <math.h>
#include <string.h>

#define LEAST 1e-9 /* of the weights: smaller ones are left out */

typedef struct curve {
    int64_t length;   /* of the axis */
    int64_t first, n; /* weight k is of the pixel first + k further on */
    float *weight;
    double middle; /* the weight of the pixel itself */
} curve;

static double height_at(int64_t height, int64_t length, int64_t k, double radius)
{
    const double step = length > 1 ? ((double)height + 1) / (double)(length - 1) : 0;
    const double at = (double)k * step - (double)height / 2;
    return exp(-at * at / (2 * radius * radius));
}

static quern_status curve_init(curve *c, int64_t height, int64_t length, double radius,
                               qn_arena *arena, quern_error *err)
{
    double sum = 0;
    int64_t from = length, to = 0;
    void *room;
    for (int64_t k = 0; k < length; k++)
        sum += height_at(height, length, k, radius);
    for (int64_t k = 0; k < length; k++) {
        if (height_at(height, length, k, radius) < LEAST * sum) continue;
        if (from == length) from = k;
        to = k + 1;
    }
    if (!(sum > 0) || to <= from)
        return qn_fail(err, QUERN_INVALID, "a radius of %g pixels on a side of %lld",
                       radius, (long long)length);
    QN_TRY(qn_arena_array(arena, (size_t)(to - from), sizeof(float), &room, err));
    *c = (curve){length, from - length / 2, to - from, room,
                 height_at(height, length, length / 2, radius) / sum};
    for (int64_t k = from; k < to; k++)
        c->weight[k - from] = (float)(height_at(height, length, k, radius) / sum);
    return QUERN_OK;
}

static int64_t wrapped(int64_t i, int64_t n)
{
    const int64_t rest = i % n;
    return rest < 0 ? rest + n : rest;
}

/* ---- one Gaussian --------------------------------------------------------------- */

typedef struct blurring {
    const curve *y, *x;
    const float *in;
    float *across, *out; /* [height][width]: after rows; after both */
    float *room;         /* a row that repeats itself, for each worker */
    size_t row_room;
    float share; /* of what is added to out */
    qn_mem *mem;
} blurring;

static void blur_rows(void *ctx, int64_t begin, int64_t end, int worker)
{
    const blurring *b = ctx;
    const curve *c = b->x;
    float *row = b->room + b->row_room * (size_t)worker;
    for (int64_t y = begin; y < end; y++) {
        const float *in = b->in + y * c->length;
        float *to = b->across + y * c->length;
        for (int64_t i = 0; i < c->length + c->n; i++)
            row[i] = in[wrapped(i + c->first, c->length)];
        memset(to, 0, (size_t)c->length * sizeof *to);
        for (int64_t k = 0; k < c->n; k++)
            for (int64_t i = 0; i < c->length; i++)
                to[i] += c->weight[k] * row[i + k];
    }
    qn_mem_passed(b->mem, (size_t)(2 * (end - begin) * c->length) * sizeof *row);
}

static void blur_columns(void *ctx, int64_t begin, int64_t end, int worker)
{
    const blurring *b = ctx;
    const curve *c = b->y;
    const int64_t width = b->x->length;
    float *sum = b->room + b->row_room * (size_t)worker;
    for (int64_t y = begin; y < end; y++) {
        memset(sum, 0, (size_t)width * sizeof *sum);
        for (int64_t k = 0; k < c->n; k++) {
            const float *in = b->across + wrapped(y + c->first + k, c->length) * width;
            for (int64_t i = 0; i < width; i++)
                sum[i] += c->weight[k] * in[i];
        }
        for (int64_t i = 0; i < width; i++)
            b->out[y * width + i] += b->share * sum[i];
    }
    qn_mem_passed(b->mem, (size_t)(3 * (end - begin) * width) * sizeof *sum);
}

/* ---- planes --------------------------------------------------------------------- */

typedef struct filtering {
    const qn_input *in;
    const qn_segment_settings *settings;
    qn_pool *pool;
    qn_arena *arena; /* for what has the picture's size */
    qn_planes *out;
    float *plane, *across;
} filtering;

/* Adds share times what a Gaussian of that radius makes of the plane; *middle: its
 * weight of the pixel itself. */
static quern_status add_blurred(const filtering *f, double radius, float share,
                                float *to, double *middle, quern_error *err)
{
    enum { GRAIN = 16 };
    const int64_t h = f->out->height, w = f->out->width;
    curve y, x;
    void *room;
    QN_TRY(curve_init(&y, h, h, radius, f->arena, err));
    QN_TRY(curve_init(&x, h, w, radius, f->arena, err));
    const size_t row = (size_t)(w + x.n);
    QN_TRY(qn_arena_array(f->arena, row * (size_t)qn_pool_size(f->pool), sizeof(float),
                          &room, err));
    blurring b = {&y, &x, f->plane, f->across, to, room, row, share, f->arena->mem};
    qn_parallel_for(f->pool, h, GRAIN, blur_rows, &b);
    qn_parallel_for(f->pool, h, GRAIN, blur_columns, &b);
    *middle = y.middle * x.middle;
    return QUERN_OK;
}

static quern_status filter_plane(const filtering *f, float *to, quern_error *err)
{
    const double smooth = f->settings->smooth, sharpen = f->settings->sharpen;
    const int64_t w = f->out->width;
    double middle;
    if (smooth > 0) QN_TRY(add_blurred(f, smooth, 1, to, &middle, err));
    if (!(sharpen > 0)) return QUERN_OK;
    QN_TRY(add_blurred(f, sharpen, -1, to, &middle, err));
    if (smooth > 0) return QUERN_OK;
    /* the pixel itself counts 1, whatever the Gaussian took off it */
    for (int64_t y = 0; y < f->out->height; y++) {
        for (int64_t i = y * w; i < (y + 1) * w; i++)
            to[i] += (float)(1 + middle) * f->plane[i];
        qn_mem_passed(f->arena->mem, 2 * (size_t)w * sizeof *to);
    }
    return QUERN_OK;
}

static quern_status make_room(filtering *f, const qn_planes *picture, int channels,
                              quern_error *err)
{
    const size_t pixels = (size_t)(picture->height * picture->width);
    void *data, *plane, *across;
    *f->out = *picture;
    f->out->dtype = QUERN_FLOAT;
    f->out->channels = channels;
    f->out->is_colour = false;
    f->out->mem = f->arena->mem;
    QN_TRY(qn_arena_array(f->arena, pixels * (size_t)(picture->depth * channels),
                          sizeof(float), &data, err));
    QN_TRY(qn_arena_array(f->arena, pixels, sizeof(float), &plane, err));
    QN_TRY(qn_arena_array(f->arena, pixels, sizeof(float), &across, err));
    f->out->data = data;
    f->plane = plane;
    f->across = across;
    return QUERN_OK;
}

quern_status qn_input_filter(const qn_input *in, qn_pool *pool, qn_arena *arena,
                             qn_planes *out, quern_error *err)
{
    filtering f = {in, in->settings, pool, arena, out, NULL, NULL};
    const qn_planes *p = in->picture;
    void *more;
    int n = 0;
    while (n < in->channels && qn_input_has(in, n))
        n++;
    QN_TRY(make_room(&f, p, n, err));
    QN_TRY(qn_arena_array(arena, (size_t)p->width, sizeof(float), &more, err));
    for (int64_t z = 0; z < p->depth; z++)
        for (int c = 0; c < n; c++) {
            for (int64_t y = 0; y < p->height; y++)
                qn_input_samples(in, z, c, y, f.plane + y * p->width, more);
            float *to = (float *)(uintptr_t)qn_planes_channel(out, z, c);
            QN_TRY(filter_plane(&f, to, err));
        }
    return QUERN_OK;
}
