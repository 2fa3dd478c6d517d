/* SPDX-License-Identifier: Apache-2.0 */
/* engine/cells/cellnet.c - see cellnet.h.  One row of tiles is in memory at a time;
 * tiles run one after the other, threads work within them, so sums have one order. */
#include "engine/cells/cellnet.h"

#include <string.h>

enum { PLANES = 3, MULTIPLE = 16 }; /* dY, dX, logit; of which a tile's side is */

/* ---- what the model is ---- */

static quern_status check_input(const quern_info *in, qn_cellnet *net, quern_error *err)
{
    if (in->dtype != QUERN_FLOAT || in->rank != 4)
        return qn_fail(err, QUERN_SHAPE,
                       "input '%s' is %s of rank %d; a network for cells takes float32 "
                       "of rank 4",
                       in->name, quern_dtype_name(in->dtype), in->rank);
    if (in->dim[0] > 1)
        return qn_fail(err, QUERN_SHAPE,
                       "input '%s' insists on %lld pictures; 1 is fed", in->name,
                       (long long)in->dim[0]);
    if (in->dim[1] == 0 || in->dim[1] > QN_INPUT_CHANNELS)
        return qn_fail(err, QUERN_SHAPE, "input '%s' has %lld channels, not 1 to %d",
                       in->name, (long long)in->dim[1], QN_INPUT_CHANNELS);
    net->channels = in->dim[1] < 0 ? 2 : (int)in->dim[1];
    for (int i = 0; i < 2; i++) {
        net->fixed[i] = in->dim[2 + i] > 0 ? in->dim[2 + i] : 0;
        if (net->fixed[i] > 0 && net->fixed[i] < MULTIPLE)
            return qn_fail(err, QUERN_SHAPE,
                           "input '%s' is %lld pixels %s; at least %d", in->name,
                           (long long)net->fixed[i], i ? "wide" : "high", MULTIPLE);
    }
    return QUERN_OK;
}

quern_status qn_cellnet_init(qn_cellnet *net, const quern_model *model,
                             quern_session *session, qn_pool *pool, quern_error *err)
{
    quern_info in, out;
    *net = (qn_cellnet){.session = session, .pool = pool, .diam_mean = 30};
    if (quern_model_n_inputs(model) != 1 || !quern_model_input(model, 0, &in) ||
        !quern_model_output(model, 0, &out))
        return qn_fail(err, QUERN_SHAPE,
                       "it has %d inputs and %d outputs; a network for cells takes 1 "
                       "and gives at least 1",
                       quern_model_n_inputs(model), quern_model_n_outputs(model));
    QN_TRY(check_input(&in, net, err));
    if (out.dtype != QUERN_FLOAT || (out.rank >= 0 && out.rank != 4) ||
        (out.rank == 4 && out.dim[1] >= 0 && out.dim[1] != PLANES))
        return qn_fail(err, QUERN_SHAPE,
                       "output '%s' is %s of rank %d with %lld channels; flows and "
                       "probability are float32 of rank 4 with %d",
                       out.name, quern_dtype_name(out.dtype), out.rank,
                       (long long)(out.rank > 1 ? out.dim[1] : 0), PLANES);
    return QUERN_OK;
}

quern_status qn_cellnet_tiles(const qn_cellnet *net, const qn_input *in,
                              qn_arena *arena, qn_tiles *tiles, quern_error *err)
{
    const qn_segment_settings *s = in->settings;
    const qn_tile_options options = {.tile = s->tile,
                                     .overlap = s->tile_overlap,
                                     .augment = s->augment,
                                     .fixed = {net->fixed[0], net->fixed[1]},
                                     .multiple = MULTIPLE};
    return qn_tiles_init(tiles, in->height, in->width, &options, arena, err);
}

/* ---- tiles ---- */

typedef struct run {
    const qn_cellnet *net;
    const qn_input *in;
    qn_tiles tiles;
    int64_t z;
    float *strip; /* [channels][tile][total]: the rows of a row of tiles */
    float *tile;  /* [channels][tile][tile]: what the session reads */
    float *out;
} run;

/* Zeros, and the rows of the picture that lie in tile row j. */
static quern_status fill_strip(const run *r, int64_t j, qn_arena *scratch,
                               quern_error *err)
{
    const qn_tile_axis *y = &r->tiles.y, *x = &r->tiles.x;
    const int64_t top = y->start[j] - y->before, bottom = top + y->tile;
    const int64_t from = top > 0 ? top : 0;
    const int64_t to = bottom < y->length ? bottom : y->length;
    const size_t plane = (size_t)(y->tile * x->total);
    memset(r->strip, 0, plane * (size_t)r->net->channels * sizeof *r->strip);
    for (int c = 0; c < r->net->channels && to > from; c++) {
        float *rows =
            r->strip + (size_t)c * plane + (from - top) * x->total + x->before;
        QN_TRY(qn_input_rows(r->in, r->z, c, from, to, r->net->pool, scratch, rows,
                             x->total, err));
    }
    return QUERN_OK;
}

static void copy_row(const float *from, float *to, int64_t n, bool turned)
{
    if (!turned)
        memcpy(to, from, (size_t)n * sizeof *to);
    else
        for (int64_t i = 0; i < n; i++)
            to[i] = from[n - 1 - i];
}

static void cut_tile(const run *r, int64_t i, const bool flips[2])
{
    const int64_t h = r->tiles.y.tile, w = r->tiles.x.tile, total = r->tiles.x.total;
    for (int c = 0; c < r->net->channels; c++)
        for (int64_t y = 0; y < h; y++) {
            const int64_t from = flips[0] ? h - 1 - y : y;
            copy_row(r->strip + (c * h + from) * total + r->tiles.x.start[i],
                     r->tile + (c * h + y) * w, w, flips[1]);
        }
}

/* Adds the tile's part of one plane; the sign of a flow turns with its axis. */
static void blend_plane(const run *r, int64_t j, int64_t i, const bool flips[2], int c,
                        const float *y_of)
{
    const qn_tile_axis *ya = &r->tiles.y, *xa = &r->tiles.x;
    const float *wy = ya->weight + j * ya->tile, *wx = xa->weight + i * xa->tile;
    const float sign = c < 2 && flips[c] ? -1 : 1;
    const int64_t left = xa->start[i] - xa->before;
    const int64_t x0 = left < 0 ? -left : 0;
    const int64_t x1 = xa->length - left < xa->tile ? xa->length - left : xa->tile;
    for (int64_t y = 0; y < ya->tile; y++) {
        const int64_t row = ya->start[j] - ya->before + y;
        if (row < 0 || row >= ya->length) continue;
        const float *from = y_of + (flips[0] ? ya->tile - 1 - y : y) * xa->tile;
        float *to = r->out + (c * ya->length + row) * xa->length + left;
        for (int64_t x = x0; x < x1; x++)
            to[x] += sign * wy[y] * wx[x] * from[flips[1] ? xa->tile - 1 - x : x];
    }
}

static quern_status run_tile(const run *r, int64_t j, int64_t i, quern_error *err)
{
    const int64_t h = r->tiles.y.tile, w = r->tiles.x.tile;
    const quern_tensor in = {QUERN_FLOAT, 4, {1, r->net->channels, h, w}, r->tile};
    quern_tensor out;
    bool flips[2];
    qn_tile_flips(&r->tiles, j, i, flips);
    cut_tile(r, i, flips);
    QN_TRY(quern_session_bind(r->net->session, 0, &in, err));
    QN_TRY(quern_run(r->net->session, err));
    QN_TRY(quern_session_output(r->net->session, 0, &out, err));
    if (out.dtype != QUERN_FLOAT || out.rank != 4 || out.dim[0] != 1 ||
        out.dim[1] != PLANES || out.dim[2] != h || out.dim[3] != w)
        return qn_fail(err, QUERN_SHAPE,
                       "the network gives [%lld,%lld,%lld,%lld] for a tile of %lld x "
                       "%lld, not [1,3,%lld,%lld]",
                       (long long)out.dim[0], (long long)out.dim[1],
                       (long long)out.dim[2], (long long)out.dim[3], (long long)h,
                       (long long)w, (long long)h, (long long)w);
    for (int c = 0; c < PLANES; c++)
        blend_plane(r, j, i, flips, c, (const float *)out.data + c * h * w);
    return QUERN_OK;
}

static quern_status run_tiles(const run *r, qn_arena *scratch, quern_error *err)
{
    const int64_t ny = r->tiles.y.n, nx = r->tiles.x.n;
    const qn_cellnet *net = r->net;
    for (int64_t j = 0; j < ny; j++) {
        QN_TRY(fill_strip(r, j, scratch, err));
        for (int64_t i = 0; i < nx; i++) {
            QN_TRY(run_tile(r, j, i, err));
            if (net->progress &&
                !net->progress(net->progress_ctx, j * nx + i + 1, ny * nx))
                return qn_fail(err, QUERN_CANCELLED, "interrupted");
        }
    }
    return QUERN_OK;
}

quern_status qn_cellnet_run(const qn_cellnet *net, const qn_input *in, int64_t z,
                            qn_arena *scratch, float *out, quern_error *err)
{
    run r = {.net = net, .in = in, .z = z, .out = out};
    void *strip, *tile;
    QN_TRY(qn_cellnet_tiles(net, in, scratch, &r.tiles, err));
    const size_t rows = (size_t)(net->channels * r.tiles.y.tile);
    QN_TRY(qn_arena_array(scratch, rows * (size_t)r.tiles.x.total, sizeof *r.strip,
                          &strip, err));
    QN_TRY(qn_arena_array(scratch, rows * (size_t)r.tiles.x.tile, sizeof *r.tile, &tile,
                          err));
    r.strip = strip;
    r.tile = tile;
    memset(out, 0, (size_t)(PLANES * in->height * in->width) * sizeof *out);
    return run_tiles(&r, scratch, err);
}
