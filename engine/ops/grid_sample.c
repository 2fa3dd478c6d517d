/* SPDX-License-Identifier: Apache-2.0 */
/* engine/ops/grid_sample.c - X at the points of a grid, in one to three dimensions;
 * ONNX GridSample-22. */
#include "engine/op.h"
#include "kernels/sample.h"

#include <string.h>

typedef struct gs_params {
    const char *mode, *padding_mode;
    int64_t align_corners;
} gs_params;

typedef struct gs_job {
    const qn_instr *i;
    qn_sample how;
    int64_t points, plane; /* of an image: grid points; pixels */
} gs_job;

static const char *const modes[] = {"linear", "nearest", "cubic"};
static const char *const outsides[] = {"zeros", "border", "reflection"};

static int find(const char *const *list, const char *text)
{
    for (int i = 0; i < 3; i++)
        if (strcmp(list[i], text) == 0) return i;
    return -1;
}

static quern_status gs_lower(qn_graph *g, qn_node *node, quern_error *err)
{
    (void)g; /* 20 renamed the modes of 16 */
    if (qn_node_str_is(node, "mode", "bilinear"))
        return qn_node_set_str(node, "mode", "linear", err);
    if (qn_node_str_is(node, "mode", "bicubic"))
        return qn_node_set_str(node, "mode", "cubic", err);
    return QUERN_OK;
}

static quern_status gs_check(const qn_node *node, quern_error *err)
{
    const gs_params *p = node->params;
    if (find(modes, p->mode) < 0)
        return qn_fail(err, QUERN_INVALID, "mode is '%s'", p->mode);
    if (find(outsides, p->padding_mode) < 0)
        return qn_fail(err, QUERN_INVALID, "padding_mode is '%s'", p->padding_mode);
    return QUERN_OK;
}

static quern_status gs_infer(const qn_infer *x, quern_error *err)
{
    const qn_tensor *in = x->in[0], *grid = x->in[1];
    int spatial = in->rank - 2;
    if (spatial < 1 || grid->rank != in->rank || grid->dim[grid->rank - 1] != spatial ||
        grid->dim[0] != in->dim[0])
        return qn_fail(err, QUERN_SHAPE, "X is %s but grid is %s", QN_SHAPE(in),
                       QN_SHAPE(grid));
    if (spatial > QN_SAMPLE_RANK)
        return qn_fail(err, QUERN_UNSUPPORTED, "%d spatial axes, at most %d", spatial,
                       QN_SAMPLE_RANK);
    if (!x->out[0]) return QUERN_OK;
    qn_copy_shape(x->out[0], in);
    for (int d = 0; d < spatial; d++)
        x->out[0]->dim[2 + d] = grid->dim[1 + d];
    if (qn_dims_count(in, 2, in->rank) == 0 && qn_tensor_count(x->out[0]) > 0)
        return qn_fail(err, QUERN_SHAPE, "X is %s: no pixel to sample", QN_SHAPE(in));
    return QUERN_OK;
}

/* Item: a point of the grid of one image; all channels there. */
static void run_points(void *ctx, int64_t begin, int64_t end, int worker)
{
    const gs_job *job = ctx;
    const qn_tensor *x = job->i->in[0], *grid = job->i->in[1];
    qn_tensor *y = job->i->out[0];
    int64_t channels = x->dim[1];
    int rank = job->how.rank;
    (void)worker;
    for (int64_t t = begin; t < end; t++) {
        double pixel[QN_SAMPLE_RANK];
        for (int d = 0; d < rank; d++) /* the grid has the fastest axis first */
            pixel[d] = qn_sample_pixel(&job->how, d,
                                       qn_get_real(grid, t * rank + rank - 1 - d));
        qn_point point;
        qn_sample_point(&job->how, pixel, &point);
        int64_t image = t / job->points;
        int64_t from = image * channels * job->plane;
        int64_t to = image * channels * job->points + t % job->points;
        for (int64_t c = 0; c < channels; c++, from += job->plane, to += job->points) {
            if (x->dtype == QUERN_FLOAT)
                ((float *)y->data)[to] =
                    (float)qn_sample_f32(&point, (const float *)x->data + from);
            else if (x->dtype == QUERN_DOUBLE)
                ((double *)y->data)[to] =
                    qn_sample_f64(&point, (const double *)x->data + from);
            else {
                double sum = 0;
                for (int k = 0; k < point.n; k++)
                    sum += point.weight[k] * qn_get_real(x, from + point.at[k]);
                qn_set_real(y, to, sum);
            }
        }
    }
}

static quern_status gs_run(const qn_instr *i, const qn_exec *x, quern_error *err)
{
    const gs_params *p = i->params;
    const qn_tensor *in = i->in[0];
    (void)err;
    if (qn_tensor_count(i->out[0]) == 0) return QUERN_OK;
    gs_job job = {.i = i,
                  .how = {.rank = in->rank - 2,
                          .mode = (qn_sample_mode)find(modes, p->mode),
                          .outside = (qn_sample_outside)find(outsides, p->padding_mode),
                          .align_corners = p->align_corners != 0},
                  .points = qn_dims_count(i->out[0], 2, in->rank),
                  .plane = qn_dims_count(in, 2, in->rank)};
    for (int d = 0; d < job.how.rank; d++)
        job.how.dim[d] = in->dim[2 + d];
    qn_parallel_for(x->pool, in->dim[0] * job.points, 256, run_points, &job);
    return QUERN_OK;
}

static const qn_attr gs_attrs[] = {QN_STR(gs_params, mode, "linear"),
                                   QN_STR(gs_params, padding_mode, "zeros"),
                                   QN_INT(gs_params, align_corners, 0), QN_ATTRS_END};

const qn_op qn_op_grid_sample = {
    .name = "GridSample",
    .since = 22,
    .first = 16,
    .min_in = 2,
    .max_in = 2,
    .flags = QN_OP_HALF_AS_F32,
    .attrs = gs_attrs,
    .params_size = sizeof(gs_params),
    .types = {QN_T_PLAIN, QN_T_FLOATS},
    .lower = gs_lower,
    .check = gs_check,
    .infer = gs_infer,
    .run = gs_run,
};
