/* SPDX-License-Identifier: Apache-2.0 */
/* engine/cells/segmenter.c - see segmenter.h; the order of steps is that of
 * Cellpose 3.1's CellposeModel.eval.  Labels of a stack that is not stitched go on from
 * plane to plane, so that a number means one cell. */
#include "engine/cells/segmenter.h"

#include "engine/cells/bilinear.h"
#include "engine/cells/dynamics.h"
#include "engine/os.h"

#include <string.h>

#define STEPS 200 /* of the dynamics, for pixels of the network's scale */

typedef struct work {
    const qn_cellnet *net;
    qn_segmented *out;
    qn_arena *arena, *scratch;
    const qn_level *level; /* or NULL */
    double rescale;
    float *flow, *prob; /* of out, to write */
    uint32_t *labels;
} work;

static int64_t plane_size(const qn_segmented *s)
{
    return s->height * s->width;
}

/* ---- flows ---- */

/* The network's three planes at the picture's size. */
static quern_status place_flows(const work *w, const qn_input *in, int64_t z,
                                const float *net, quern_error *err)
{
    const int64_t pixels = plane_size(w->out), n = in->height * in->width;
    float *to[3] = {w->flow + 2 * z * pixels, w->flow + (2 * z + 1) * pixels,
                    w->prob + z * pixels};
    for (int c = 0; c < 3; c++)
        QN_TRY(qn_bilinear_plane(net + c * n, in->height, in->width, w->net->pool,
                                 w->scratch, to[c], w->out->height, w->out->width,
                                 err));
    return QUERN_OK;
}

static qn_dynamics_options dynamics_of(const qn_segmented *s, double rescale)
{
    const qn_segment_settings *o = s->settings;
    qn_dynamics_options d = QN_DYNAMICS_DEFAULT;
    const double steps = o->no_resample ? STEPS : STEPS / rescale;
    d.prob_threshold = o->cellprob_threshold;
    d.flow_threshold = o->flow_threshold;
    d.steps = o->niter > 0 ? o->niter : steps < 1 ? 1 : (int64_t)steps;
    d.min_size = o->stitch > 0 && s->depth > 1 ? -1 : o->min_size;
    return d;
}

static quern_status keep_labels(qn_segmented *s, uint32_t *labels, int64_t z,
                                qn_labels *found, qn_arena *scratch, quern_error *err)
{
    const bool goes_on = s->depth > 1 && !(s->settings->stitch > 0);
    const int64_t n = plane_size(s);
    uint32_t *to = labels + z * n, cells = qn_labels_max(found);
    if (s->settings->exclude_edges) {
        QN_TRY(qn_labels_drop_border(found, cells, scratch, err));
        QN_TRY(qn_labels_renumber(found, scratch, &cells, err));
    }
    const uint32_t before = goes_on ? (uint32_t)s->n_labels : 0;
    for (int64_t i = 0; i < n; i++)
        to[i] = found->at[i] ? found->at[i] + before : 0;
    s->n_labels = before + cells;
    return QUERN_OK;
}

/* ---- planes of a stack ---- */

/* Cells of fewer pixels than min_size in all planes together go; the others are 1..n.
 */
static quern_status drop_small_bodies(qn_segmented *s, uint32_t *labels, uint32_t n,
                                      qn_arena *scratch, quern_error *err)
{
    void *area, *number;
    uint32_t next = 0;
    QN_TRY(qn_arena_array(scratch, (size_t)n + 1, sizeof(int64_t), &area, err));
    QN_TRY(qn_arena_array(scratch, (size_t)n + 1, sizeof(uint32_t), &number, err));
    const int64_t all = plane_size(s) * s->depth;
    for (int64_t i = 0; i < all; i++)
        ((int64_t *)area)[labels[i]]++;
    for (uint32_t k = 1; k <= n; k++)
        if (((int64_t *)area)[k] > 0 && ((int64_t *)area)[k] >= s->settings->min_size)
            ((uint32_t *)number)[k] = ++next;
    for (int64_t i = 0; i < all; i++)
        labels[i] = ((uint32_t *)number)[labels[i]];
    s->n_labels = next;
    return QUERN_OK;
}

static quern_status stitch(qn_segmented *s, uint32_t *labels, qn_arena *scratch,
                           quern_error *err)
{
    void *planes;
    uint32_t n = 0;
    QN_TRY(qn_arena_array(scratch, (size_t)s->depth, sizeof(qn_labels), &planes, err));
    qn_labels *plane = planes;
    for (int64_t z = 0; z < s->depth; z++)
        plane[z] = (qn_labels){s->height, s->width, labels + z * plane_size(s)};
    QN_TRY(qn_labels_stitch(plane, s->depth, s->settings->stitch, scratch, &n, err));
    for (int64_t z = 0; z < s->depth; z++)
        QN_TRY(qn_labels_fill_holes(&plane[z], n, scratch, err));
    return drop_small_bodies(s, labels, n, scratch, err);
}

/* ---- one plane ---- */

static quern_status plane_labels(qn_segmented *s, const qn_flow_field *field, int64_t z,
                                 const qn_dynamics_options *how, qn_pool *pool,
                                 qn_arena *scratch, quern_error *err)
{
    qn_labels found;
    QN_TRY(qn_dynamics_labels(field, how, pool, scratch, &found, NULL, err));
    return keep_labels(s, (uint32_t *)(uintptr_t)s->labels, z, &found, scratch, err);
}

static qn_flow_field field_of(const qn_segmented *s, int64_t z)
{
    const int64_t n = plane_size(s);
    return (qn_flow_field){s->height, s->width, s->flow + 2 * z * n,
                           s->flow + (2 * z + 1) * n, s->prob + z * n};
}

static quern_status run_plane(work *w, qn_input *in, int64_t z, quern_error *err)
{
    void *net;
    const int64_t n = in->height * in->width;
    qn_segmented *s = w->out;
    const double start = qn_os_seconds();
    QN_TRY(qn_arena_array(w->scratch, 3 * (size_t)n, sizeof(float), &net, err));
    QN_TRY(qn_cellnet_run(w->net, in, z, w->scratch, net, err));
    QN_TRY(place_flows(w, in, z, net, err));
    const double middle = qn_os_seconds();
    qn_dynamics_options how = dynamics_of(s, w->rescale);
    qn_flow_field field = field_of(s, z);
    if (s->settings->no_resample) {
        const float *p = net;
        field = (qn_flow_field){in->height, in->width, p, p + n, p + 2 * n};
        how.height = s->height;
        how.width = s->width;
    }
    QN_TRY(plane_labels(s, &field, z, &how, w->net->pool, w->scratch, err));
    s->seconds[1] += middle - start;
    s->seconds[2] += qn_os_seconds() - middle;
    qn_arena_reset(w->scratch);
    return QUERN_OK;
}

static quern_status make_room(work *w, quern_error *err)
{
    void *flow, *prob, *labels;
    const size_t n = (size_t)(plane_size(w->out) * w->out->depth);
    QN_TRY(qn_arena_array(w->arena, 2 * n, sizeof(float), &flow, err));
    QN_TRY(qn_arena_array(w->arena, n, sizeof(float), &prob, err));
    QN_TRY(qn_arena_array(w->arena, n, sizeof(uint32_t), &labels, err));
    w->out->flow = w->flow = flow;
    w->out->prob = w->prob = prob;
    w->out->labels = w->labels = labels;
    return QUERN_OK;
}

static quern_status run_planes(work *w, quern_error *err)
{
    qn_segmented *s = w->out;
    qn_input in;
    const bool is_body = s->settings->stitch > 0 && s->depth > 1;
    QN_TRY(
        qn_input_init(&in, s->picture, s->settings, w->net->channels, w->rescale, err));
    QN_TRY(make_room(w, err));
    for (int64_t z = 0; z < s->depth; z++) {
        const double start = qn_os_seconds();
        if (w->level)
            memcpy(in.level, w->level, sizeof in.level);
        else if (z == 0 || !is_body) /* a body's planes have one level */
            QN_TRY(qn_input_levels(&in, is_body ? 0 : z, is_body ? s->depth : z + 1,
                                   w->arena, err));
        s->seconds[0] += qn_os_seconds() - start;
        QN_TRY(run_plane(w, &in, z, err));
    }
    const quern_status status =
        is_body ? stitch(s, w->labels, w->scratch, err) : QUERN_OK;
    qn_arena_reset(w->scratch);
    return status;
}

quern_status qn_segment_filter(qn_segment_job *job, qn_planes *picture,
                               qn_segment_settings *settings, quern_error *err)
{
    const qn_segment_settings *s = job->settings;
    qn_input in;
    if (!(s->smooth > 0) && !(s->sharpen > 0)) return QUERN_OK;
    if (s->to > s->from) return QUERN_OK; /* as Cellpose has it */
    QN_TRY(qn_input_init(&in, job->picture, s, job->net->channels, 1, err));
    QN_TRY(qn_input_filter(&in, job->net->pool, job->arena, picture, err));
    *settings = *s;
    settings->smooth = settings->sharpen = 0;
    settings->chan = 1; /* its channels are the network's */
    settings->chan2 = picture->channels > 1 ? 2 : 0;
    job->picture = picture;
    job->settings = settings;
    return QUERN_OK;
}

static quern_status run_filtered(const qn_segment_job *job, qn_segmented *out,
                                 quern_error *err)
{
    const double start = qn_os_seconds();
    *out = (qn_segmented){.picture = job->picture,
                          .depth = job->picture->depth,
                          .height = job->picture->height,
                          .width = job->picture->width,
                          .diameter = job->settings->diameter,
                          .um_per_px = job->picture->um_per_px,
                          .settings = job->settings,
                          .model = job->net->name,
                          .model_sha256 = job->net->sha256};
    if (!(out->diameter > 0))
        QN_TRY(qn_segment_diameter(job->net, job->picture, job->settings, job->scratch,
                                   &out->diameter, err));
    out->seconds[1] = qn_os_seconds() - start;
    work w = {.net = job->net,
              .out = out,
              .arena = job->arena,
              .scratch = job->scratch,
              .level = job->level,
              .rescale = job->net->diam_mean / out->diameter};
    QN_TRY(run_planes(&w, err));
    out->seconds[3] = qn_os_seconds() - start;
    return QUERN_OK;
}

quern_status qn_segment_run(const qn_segment_job *job, qn_segmented *out,
                            quern_error *err)
{
    qn_segment_job own = *job;
    qn_planes picture;
    qn_segment_settings settings;
    QN_TRY(qn_segment_filter(&own, &picture, &settings, err));
    QN_TRY(run_filtered(&own, out, err));
    out->picture = job->picture;
    out->settings = job->settings;
    return QUERN_OK;
}

quern_status qn_segment_picture(const qn_cellnet *net, const qn_planes *picture,
                                const qn_segment_settings *settings, qn_arena *arena,
                                qn_arena *scratch, qn_segmented *out, quern_error *err)
{
    const qn_segment_job job = {net, picture, settings, NULL, arena, scratch};
    return qn_segment_run(&job, out, err);
}

quern_status qn_segment_labels(qn_segmented *out, double rescale, qn_pool *pool,
                               qn_arena *arena, qn_arena *scratch, quern_error *err)
{
    void *labels;
    const size_t n = (size_t)(plane_size(out) * out->depth);
    const qn_dynamics_options how = dynamics_of(out, rescale);
    QN_TRY(qn_arena_array(arena, n, sizeof(uint32_t), &labels, err));
    out->labels = labels;
    out->n_labels = 0;
    for (int64_t z = 0; z < out->depth; z++) {
        const qn_flow_field field = field_of(out, z);
        QN_TRY(plane_labels(out, &field, z, &how, pool, scratch, err));
        qn_arena_reset(scratch);
    }
    if (out->settings->stitch > 0 && out->depth > 1)
        QN_TRY(stitch(out, labels, scratch, err));
    qn_arena_reset(scratch);
    return QUERN_OK;
}

quern_status qn_segment_errors(qn_segmented *out, qn_pool *pool, qn_arena *arena,
                               qn_arena *scratch, quern_error *err)
{
    void *error, *kept;
    const qn_labels labels = {out->height, out->width,
                              (uint32_t *)(uintptr_t)out->labels};
    const uint32_t n = (uint32_t)out->n_labels;
    if (out->depth != 1 || !out->flow) return QUERN_OK;
    const qn_flow_field field = field_of(out, 0);
    QN_TRY(qn_arena_array(scratch, (size_t)n + 1, sizeof(double), &error, err));
    QN_TRY(qn_arena_array(arena, (size_t)n + 1, sizeof(float), &kept, err));
    QN_TRY(qn_labels_flow_error(&labels, n, &field, pool, scratch, error, err));
    for (uint32_t i = 0; i < n; i++)
        ((float *)kept)[i] = (float)((double *)error)[i + 1];
    out->flow_error = kept;
    qn_arena_reset(scratch);
    return QUERN_OK;
}
