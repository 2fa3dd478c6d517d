/* SPDX-License-Identifier: Apache-2.0 */
/* tools/segment_cost.c - see segment_cost.h. */
#include "tools/segment_cost.h"

#include "engine/os_spool.h"

#define OWN_BYTES     16 /* a pixel of the picture: flows, logit, label */
#define DRIFT_BYTES   13 /* a pixel of the picture while the dynamics run */
#define NETWORK_BYTES 12 /* a pixel of the network's scale */
#define LABEL_BYTES   4
#define PROGRAM_BYTES 12e6 /* that are there for any picture */
#define COVERED       0.4  /* of a picture, by its cells: as in a dense culture */
#define CELL_BYTES    3500 /* of a cell while figures and outlines are written */

/* Bytes for the pixels of what is worked on at once. */
static double work_bytes(const qn_planes *p, const qn_input *in)
{
    const double pixels = (double)p->height * (double)p->width;
    const double samples = pixels * (double)(p->channels * p->depth);
    return samples * (double)qn_dtype_size(p->dtype) +
           pixels * OWN_BYTES * (double)p->depth + pixels * DRIFT_BYTES +
           (double)(in->height * in->width) * NETWORK_BYTES;
}

static int64_t pieces(int64_t length, int64_t side)
{
    return (length - 1) / side + 1;
}

/* The largest square with its margin, as a picture. */
static qn_planes square_of(const qn_planes *p, int64_t side, double diameter)
{
    qn_planes part = *p;
    const int64_t whole = side + 2 * qn_segment_margin(diameter);
    if (part.height > whole) part.height = whole;
    if (part.width > whole) part.width = whole;
    return part;
}

/* What is known of cells while files are written. */
static double cell_bytes(const qn_planes *p, double diameter)
{
    const double pixels = (double)p->height * (double)p->width;
    const double n = COVERED * pixels / (0.785 * diameter * diameter);
    return n * CELL_BYTES;
}

/* What is larger than the spool's least lies on the disk, the rest in memory. */
static void place_whole(const qn_planes *p, qn_segment_cost *out)
{
    const double pixels = (double)p->height * (double)p->width;
    const double parts[] = {pixels * (double)p->channels *
                                (double)qn_dtype_size(p->dtype),
                            pixels * LABEL_BYTES};
    for (int i = 0; i < 2; i++)
        if (parts[i] >= (double)QN_SPOOL_LEAST)
            out->disk_bytes += parts[i];
        else
            out->bytes += parts[i];
    if (out->disk_bytes > 0) out->bytes += (double)QN_SPOOL_PASSED;
}

quern_status qn_segment_cost_of(const qn_segment_job *job, int64_t side,
                                qn_segment_cost *out, quern_error *err)
{
    qn_input in;
    qn_tiles tiles;
    void *data;
    quern_session_stats stats;
    const qn_cellnet *net = job->net;
    const double diameter =
        job->settings->diameter > 0 ? job->settings->diameter : net->diam_mean;
    const qn_planes picture =
        side > 0 ? square_of(job->picture, side, diameter) : *job->picture;
    QN_TRY(qn_input_init(&in, &picture, job->settings, net->channels,
                         net->diam_mean / diameter, err));
    QN_TRY(qn_cellnet_tiles(net, &in, job->scratch, &tiles, err));
    const int64_t h = tiles.y.tile, w = tiles.x.tile;
    QN_TRY(qn_arena_array(job->scratch, (size_t)(net->channels * h * w), sizeof(float),
                          &data, err));
    const quern_tensor tensor = {QUERN_FLOAT, 4, {1, net->channels, h, w}, data};
    QN_TRY(quern_session_bind(net->session, 0, &tensor, err));
    QN_TRY(quern_session_plan(net->session, err));
    quern_session_get_stats(net->session, &stats);
    *out = (qn_segment_cost){.planes = picture.depth,
                             .tiles = tiles.y.n * tiles.x.n,
                             .tile_h = h,
                             .tile_w = w,
                             .diameter = diameter,
                             .bytes = PROGRAM_BYTES + (double)stats.peak_bytes +
                                      work_bytes(&picture, &in)};
    if (side > 0) {
        /* squares are done when the cells are written */
        const double cells = cell_bytes(job->picture, diameter);
        const double work = work_bytes(&picture, &in);
        if (cells > work) out->bytes += cells - work;
        out->squares =
            pieces(job->picture->height, side) * pieces(job->picture->width, side);
        place_whole(job->picture, out);
    }
    const double n = (double)(out->squares ? out->squares : 1);
    out->gflop = 2e-9 * stats.macs * (double)(out->tiles * out->planes) * n;
    return QUERN_OK;
}
