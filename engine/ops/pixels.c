/* SPDX-License-Identifier: Apache-2.0 */
/* engine/ops/pixels.c - pictures as they lie in memory, uint8 [N,H,W,C], to what a
 * network reads: float32 [N,C,H,W], (pixel / 255 - mean[c]) / std[c].  A row of
 * training: bytes stay bytes until the first layer. */
#include "engine/op.h"

typedef struct pixels_params {
    qn_floats mean, std;
    int64_t bgr; /* channels change places: the network wants blue first */
} pixels_params;

static const qn_attr pixels_attrs[] = {QN_FLOATS(pixels_params, mean),
                                       QN_FLOATS(pixels_params, std),
                                       QN_INT(pixels_params, bgr, 0), QN_ATTRS_END};

static quern_status pixels_infer(const qn_infer *x, quern_error *err)
{
    const pixels_params *p = x->params;
    const qn_tensor *in = x->in[0];
    if (in->rank != 4 || in->dim[3] != p->mean.n || in->dim[3] != p->std.n)
        return qn_fail(err, QUERN_SHAPE,
                       "pixels are %s for %lld means and %lld deviations", QN_SHAPE(in),
                       (long long)p->mean.n, (long long)p->std.n);
    const int64_t dim[] = {in->dim[0], in->dim[3], in->dim[1], in->dim[2]};
    if (x->out[0]) qn_set_shape(x->out[0], QUERN_FLOAT, 4, dim);
    return QUERN_OK;
}

typedef struct pixels_job {
    const pixels_params *p;
    const uint8_t *x;
    float *y;
    int64_t size, channels;
} pixels_job;

static void pixels_range(void *ctx, int64_t begin, int64_t end, int worker)
{
    (void)worker;
    const pixels_job *job = ctx;
    const int64_t n_ch = job->channels, size = job->size;
    for (int64_t i = begin; i < end; i++)
        for (int64_t c = 0; c < n_ch; c++) {
            const int64_t from = job->p->bgr ? n_ch - 1 - c : c;
            const uint8_t *x = job->x + i * size * n_ch + from;
            float *y = job->y + (i * n_ch + c) * size;
            const float scale = 1 / (255 * job->p->std.v[c]);
            const float shift = -job->p->mean.v[c] / job->p->std.v[c];
            for (int64_t k = 0; k < size; k++)
                y[k] = (float)x[k * n_ch] * scale + shift;
        }
}

static quern_status pixels_run(const qn_instr *i, const qn_exec *x, quern_error *err)
{
    (void)err;
    const qn_tensor *in = i->in[0];
    pixels_job job = {.p = i->params,
                      .x = in->data,
                      .y = i->out[0]->data,
                      .size = in->dim[1] * in->dim[2],
                      .channels = in->dim[3]};
    qn_parallel_for(x->pool, in->dim[0], 8, pixels_range, &job);
    return QUERN_OK;
}

/* clang-format off */
const qn_op qn_op_pixels = {
    .name = "Pixels", .domain = "quern", .since = 1, .min_in = 1, .max_in = 1,
    .attrs = pixels_attrs, .params_size = sizeof(pixels_params),
    .types = {QN_BIT(QUERN_UINT8)}, .out_type = QUERN_FLOAT,
    .infer = pixels_infer, .run = pixels_run,
};
/* clang-format on */
