/* SPDX-License-Identifier: Apache-2.0 */
/* tools/segment_cost.c - see segment_cost.h. */
#include "tools/segment_cost.h"

#define OWN_BYTES     16 /* a pixel of the picture: flows, logit, label */
#define DRIFT_BYTES   28 /* a pixel of the picture while the dynamics run */
#define NETWORK_BYTES 12 /* a pixel of the network's scale */

quern_status qn_segment_cost_of(const qn_cellnet *net, const qn_planes *picture,
                                const qn_segment_settings *settings, qn_arena *scratch,
                                qn_segment_cost *out, quern_error *err)
{
    qn_input in;
    qn_tiles tiles;
    void *data;
    quern_session_stats stats;
    const double diameter =
        settings->diameter > 0 ? settings->diameter : net->diam_mean;
    QN_TRY(qn_input_init(&in, picture, settings, net->channels,
                         net->diam_mean / diameter, err));
    QN_TRY(qn_cellnet_tiles(net, &in, scratch, &tiles, err));
    const int64_t h = tiles.y.tile, w = tiles.x.tile;
    QN_TRY(qn_arena_array(scratch, (size_t)(net->channels * h * w), sizeof(float),
                          &data, err));
    const quern_tensor tensor = {QUERN_FLOAT, 4, {1, net->channels, h, w}, data};
    QN_TRY(quern_session_bind(net->session, 0, &tensor, err));
    QN_TRY(quern_session_plan(net->session, err));
    quern_session_get_stats(net->session, &stats);
    const double pixels = (double)picture->height * (double)picture->width;
    const double samples = pixels * (double)(picture->channels * picture->depth);
    *out = (qn_segment_cost){
        .planes = picture->depth,
        .tiles = tiles.y.n * tiles.x.n,
        .tile_h = h,
        .tile_w = w,
        .diameter = diameter,
        .bytes = (double)stats.peak_bytes +
                 samples * (double)qn_dtype_size(picture->dtype) +
                 pixels * OWN_BYTES * (double)picture->depth + pixels * DRIFT_BYTES +
                 (double)(in.height * in.width) * NETWORK_BYTES,
    };
    out->gflop = 2e-9 * stats.macs * (double)(out->tiles * out->planes);
    return QUERN_OK;
}
