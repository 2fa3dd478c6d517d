/* SPDX-License-Identifier: Apache-2.0 */
/* engine/ops/conv.c - Y[n,o] = B[o] + sum over i, tap of W[o,i,tap] * X[n,i,window]:
 * any number of axes, groups, dilations; ONNX Conv-22.
 *
 * Four ways, chosen by prepare.  Pointwise: a product of W and the image as it lies.
 * Columns: windows unfolded block by block into scratch of each worker, then a product.
 * Shared: the same when there are too few blocks to go round: unfolded once, then
 * tiles. Depthwise: sums of shifted planes (kernels/ref/dwconv.c).  Bias and activation
 * follow on each tile while it is in cache.  Blocks depend on shapes only, so bits do
 * not depend on the number of threads. */
#include "engine/ops/conv_band.h"
#include "engine/ops/conv_blocked.h"
#include "engine/ops/conv_grad.h"
#include "engine/ops/conv_shape.h"
#include "kernels/act.h"
#include "kernels/conv.h"

typedef enum conv_way { CONV_POINT, CONV_COLS, CONV_SHARED, CONV_DEPTH } conv_way;

typedef struct conv_state {
    conv_way way;
    qn_window w;
    int64_t n, groups;      /* images, groups */
    int64_t ic, oc, k, len; /* of a group: channels; columns' rows; output positions */
    int64_t rows, cols;     /* of a tile of the output matrix [oc, len] */
    int64_t col_elems;      /* column scratch of a worker, elements */
    qn_dwconv dw;
} conv_state;

typedef struct conv_job {
    const qn_instr *i;
    const qn_exec *x;
    const conv_state *s;
    int64_t image, group; /* of CONV_SHARED */
} conv_job;

enum {
    TILE_BYTES = 1 << 20,    /* operands of a tile: about a second-level cache */
    SHARED_BYTES = 4 << 20,  /* most scratch for columns of a whole image */
    DEPTH_FLOATS = 24 << 10, /* planes of a depthwise block: fits with its result */
    FEW = 4                  /* tiles below this are cut finer */
};

static int64_t ceil_div(int64_t a, int64_t b)
{
    return (a + b - 1) / b;
}

static int64_t clamp(int64_t v, int64_t low, int64_t high)
{
    return v > high ? high : v < low ? low : v;
}

static bool is_point(const qn_window *w)
{
    for (int d = 0; d < w->rank; d++)
        if (w->kernel[d] != 1 || w->stride[d] != 1 || w->begin[d] || w->end[d])
            return false;
    return true;
}

/* Sizes of tiles; the number of tiles bounds how many workers help. */
static void choose_tiles(conv_state *s, size_t elem)
{
    s->rows = s->oc;
    s->cols = clamp(TILE_BYTES / (int64_t)elem / (s->k + s->oc) / 16 * 16, 64, 4096);
    if (s->cols > s->len) s->cols = s->len;
    int64_t blocks = s->n * s->groups * ceil_div(s->len, s->cols);
    if (s->way == CONV_COLS && blocks < FEW && s->oc >= 64 &&
        s->k * s->len * (int64_t)elem <= SHARED_BYTES)
        s->way = CONV_SHARED;
    if (s->way != CONV_COLS && blocks < FEW && s->oc >= 64)
        s->rows = ceil_div(ceil_div(s->oc, FEW), 16) * 16;
}

static quern_status conv_prepare(qn_prep *p, quern_error *err)
{
    const qn_instr *i = p->instr;
    if (i->is_blocked) return qn_conv_blocked_prepare(p, err);
    const qn_window_params *params = i->params;
    const qn_tensor *x = i->in[0], *w = i->in[1];
    size_t elem = qn_dtype_size(x->dtype);
    conv_state *s;
    QN_TRY(qn_prep_state(p, sizeof *s, (void **)&s, err));
    QN_TRY(qn_window_fit(params, x, w, &s->w, err));
    if (qn_tensor_count(i->out[0]) == 0) return QUERN_OK;
    s->n = x->dim[0];
    s->groups = params->group;
    s->ic = w->dim[1];
    s->oc = w->dim[0] / s->groups;
    s->k = s->ic * qn_window_product(s->w.kernel, s->w.rank);
    s->len = qn_window_product(s->w.out, s->w.rank);
    if (s->ic == 1 && s->k > 1 && s->oc <= 4 && elem == 4 && s->w.rank <= 2) {
        qn_window plane = s->w;
        qn_window_to_plane(&plane);
        if (qn_dwconv_init(&s->dw, &plane, DEPTH_FLOATS)) {
            s->way = CONV_DEPTH;
            qn_prep_scratch(p, (size_t)p->n_workers * elem *
                                   (size_t)qn_dwconv_scratch(&s->dw));
            return QUERN_OK;
        }
    }
    s->way = is_point(&s->w) ? CONV_POINT : CONV_COLS;
    choose_tiles(s, elem);
    if (s->way == CONV_POINT) return QUERN_OK;
    int64_t n_buffers = s->way == CONV_SHARED ? 1 : p->n_workers;
    s->col_elems = s->k * (s->way == CONV_SHARED ? s->len : s->cols);
    size_t bytes;
    if (!qn_size_mul((size_t)s->col_elems, elem * (size_t)n_buffers, &bytes))
        return qn_fail(err, QUERN_LIMIT, "columns of %s take too much memory",
                       QN_SHAPE(w));
    qn_prep_scratch(p, bytes);
    return QUERN_OK;
}

static void finish_f32(const conv_job *job, const float *bias, float *y, int64_t n)
{
    const qn_act *act = &job->i->act;
    if (bias) qn_shift_f32(y, *bias, n);
    if (act->kind != QN_ACT_NONE)
        job->x->k->act_f32(act->kind, act->alpha, act->beta, y, n);
}

static void finish_f64(const conv_job *job, const double *bias, double *y, int64_t n)
{
    const qn_act *act = &job->i->act;
    if (bias) qn_shift_f64(y, *bias, n);
    if (act->kind != QN_ACT_NONE) qn_act_f64(act->kind, act->alpha, act->beta, y, n);
}

/* One tile: output channels [m0, m1) of a group, positions [c0, c1) of an image; b is
 * the column matrix at c0. */
static void run_tile(const conv_job *job, int64_t image_group, const int64_t tile[4],
                     const void *b, int64_t ldb)
{
    const conv_state *s = job->s;
    const qn_instr *i = job->i;
    int64_t m0 = tile[0], m = tile[1] - m0, c0 = tile[2], c = tile[3] - c0;
    int64_t w_row = image_group % s->groups * s->oc + m0;
    int64_t y0 = (image_group * s->oc + m0) * s->len + c0;
    const void *bias = i->n_in > 2 && i->in[2] ? i->in[2]->data : NULL;
    const qn_kernels *k = job->x->k;
    if (i->out[0]->dtype == QUERN_FLOAT) {
        float *y = (float *)i->out[0]->data + y0;
        const float *w = (const float *)i->in[1]->data + w_row * s->k;
        if (s->len == 1) /* one position: both vectors are dense */
            k->gemv_f32(true, m, s->k, 1, b, w, s->k, 0, y);
        else
            k->gemm_f32(k, false, false, m, c, s->k, 1, w, s->k, b, ldb, 0, y, s->len);
        for (int64_t r = 0; r < m; r++)
            finish_f32(job, bias ? (const float *)bias + w_row + r : NULL,
                       y + r * s->len, c);
    } else {
        double *y = (double *)i->out[0]->data + y0;
        k->gemm_f64(k, false, false, m, c, s->k, 1,
                    (const double *)i->in[1]->data + w_row * s->k, s->k, b, ldb, 0, y,
                    s->len);
        for (int64_t r = 0; r < m; r++)
            finish_f64(job, bias ? (const double *)bias + w_row + r : NULL,
                       y + r * s->len, c);
    }
}

static const char *group_image(const conv_job *job, int64_t image_group)
{
    const conv_state *s = job->s;
    const qn_tensor *x = job->i->in[0];
    return (const char *)x->data +
           (size_t)(image_group * s->ic * qn_window_product(s->w.in, s->w.rank)) *
               qn_dtype_size(x->dtype);
}

static void unfold(const conv_job *job, int64_t image_group, const qn_cols *part,
                   void *to)
{
    const char *x = group_image(job, image_group);
    if (job->i->in[0]->dtype == QUERN_FLOAT)
        qn_im2col_4(&job->s->w, part, x, to);
    else
        qn_im2col_8(&job->s->w, part, x, to);
}

/* Item: (image*group, row block, column block). */
static void run_blocks(void *ctx, int64_t begin, int64_t end, int worker)
{
    const conv_job *job = ctx;
    const conv_state *s = job->s;
    size_t elem = qn_dtype_size(job->i->in[0]->dtype);
    int64_t per_row = ceil_div(s->len, s->cols), per_image = ceil_div(s->oc, s->rows);
    for (int64_t t = begin; t < end; t++) {
        int64_t c0 = t % per_row * s->cols, m0 = t / per_row % per_image * s->rows;
        int64_t tile[4] = {m0, clamp(m0 + s->rows, 0, s->oc), c0,
                           clamp(c0 + s->cols, 0, s->len)};
        int64_t image_group = t / per_row / per_image;
        if (s->way == CONV_POINT) {
            const char *x = group_image(job, image_group);
            run_tile(job, image_group, tile, x + (size_t)c0 * elem, s->len);
        } else if (s->way == CONV_SHARED) {
            run_tile(job, job->image * s->groups + job->group, tile,
                     (const char *)job->i->scratch + (size_t)c0 * elem, s->len);
        } else {
            char *cols =
                (char *)job->i->scratch + (size_t)worker * (size_t)s->col_elems * elem;
            qn_cols part = {0, s->k, c0, tile[3], tile[3] - c0};
            unfold(job, image_group, &part, cols);
            run_tile(job, image_group, tile, cols, part.ld);
        }
    }
}

/* Item: one row (channel, tap) of the column matrix. */
static void run_unfold(void *ctx, int64_t begin, int64_t end, int worker)
{
    const conv_job *job = ctx;
    const conv_state *s = job->s;
    size_t elem = qn_dtype_size(job->i->in[0]->dtype);
    qn_cols part = {begin, end, 0, s->len, s->len};
    (void)worker;
    unfold(job, job->image * s->groups + job->group, &part,
           (char *)job->i->scratch + (size_t)(begin * s->len) * elem);
}

/* Item: (image*input channel, block of output rows); each makes all outputs of it. */
static void run_depthwise(void *ctx, int64_t begin, int64_t end, int worker)
{
    const conv_job *job = ctx;
    const conv_state *s = job->s;
    const qn_dwconv *dw = &s->dw;
    const qn_instr *i = job->i;
    float *scratch = (float *)i->scratch + worker * qn_dwconv_scratch(dw);
    const float *bias = i->n_in > 2 && i->in[2] ? i->in[2]->data : NULL;
    int64_t blocks = ceil_div(dw->w.out[0], dw->rows);
    for (int64_t t = begin; t < end; t++) {
        int64_t plane = t / blocks, row0 = t % blocks * dw->rows;
        int64_t row1 = clamp(row0 + dw->rows, 0, dw->w.out[0]);
        qn_dwconv_split(
            dw, row0, row1,
            (const float *)i->in[0]->data + plane * dw->w.in[0] * dw->w.in[1], scratch);
        for (int64_t o = 0; o < s->oc; o++) {
            int64_t channel = plane % s->groups * s->oc + o;
            float *y = (float *)i->out[0]->data + (plane * s->oc + o) * s->len +
                       row0 * dw->w.out[1];
            qn_dwconv_rows(job->x->k, dw, row1 - row0,
                           (const float *)i->in[1]->data + channel * s->k,
                           bias ? bias[channel] : 0, scratch, y);
            finish_f32(job, NULL, y, (row1 - row0) * dw->w.out[1]);
        }
    }
}

static quern_status conv_run(const qn_instr *i, const qn_exec *x, quern_error *err)
{
    (void)err;
    const conv_state *s = i->state;
    if (i->is_blocked) return qn_conv_blocked_run(i, x);
    conv_job job = {.i = i, .x = x, .s = s};
    if (s->n == 0) return QUERN_OK; /* nothing in Y */
    if (s->way == CONV_DEPTH) {
        int64_t blocks = ceil_div(s->dw.w.out[0], s->dw.rows);
        qn_parallel_for(x->pool, s->n * s->groups * blocks,
                        clamp((32 << 10) / (s->dw.rows * s->dw.w.out[1]), 1, 64),
                        run_depthwise, &job);
        return QUERN_OK;
    }
    int64_t tiles = ceil_div(s->len, s->cols) * ceil_div(s->oc, s->rows);
    if (s->way != CONV_SHARED) {
        qn_parallel_for(x->pool, s->n * s->groups * tiles, 1, run_blocks, &job);
        return QUERN_OK;
    }
    for (job.image = 0; job.image < s->n; job.image++)
        for (job.group = 0; job.group < s->groups; job.group++) {
            qn_parallel_for(x->pool, s->k, clamp((16 << 10) / s->len, 1, s->k),
                            run_unfold, &job);
            qn_parallel_for(x->pool, tiles, 1, run_blocks, &job);
        }
    return QUERN_OK;
}

static quern_status conv_infer(const qn_infer *x, quern_error *err)
{
    const qn_window_params *p = x->params;
    const qn_tensor *b = x->n_in > 2 ? x->in[2] : NULL;
    qn_window w;
    QN_TRY(qn_infer_one_type(x, 3, err));
    QN_TRY(qn_conv_check_shapes(x->in[0], x->in[1], b, p->group, err));
    QN_TRY(qn_window_fit(p, x->in[0], x->in[1], &w, err));
    qn_window_shape(x->out[0], x->in[0], x->in[1]->dim[0], &w);
    return QUERN_OK;
}

static double conv_macs(const qn_infer *x)
{
    return (double)qn_tensor_count(x->out[0]) *
           (double)qn_dims_count(x->in[1], 1, x->in[1]->rank);
}

static const qn_attr conv_attrs[] = {QN_CONV_ATTRS, QN_ATTRS_END};

const qn_op qn_op_conv = {
    .name = "Conv",
    .since = 22,
    .min_in = 2,
    .max_in = 3,
    .flags = QN_OP_HALF_AS_F32 | QN_OP_FUSES_ACT | QN_OP_ADDS,
    .attrs = conv_attrs,
    .params_size = sizeof(qn_window_params),
    .types = {QN_T_FLOATS},
    .check = qn_window_check,
    .infer = conv_infer,
    .blocked = qn_conv_blocked,
    .halves = qn_conv_halves,
    .gates = qn_conv_gates,
    .takes_feeder = qn_conv_takes_feeder,
    .prepare = conv_prepare,
    .run = conv_run,
    .grad = qn_conv_grad,
    .macs = conv_macs,
};
