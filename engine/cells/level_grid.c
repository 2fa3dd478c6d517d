/* SPDX-License-Identifier: Apache-2.0 */
/* engine/cells/level_grid.c - levels that differ from place to place: percentiles of
 * overlapping blocks, smoothed and interpolated; Cellpose 3.1, transforms.py:
 * normalize99_tile.
 *
 * Blocks without contrast take the levels of the nearest one that has some.  Smoothing
 * is along columns only and done twice, as it is there. */
#include "engine/cells/level_grid.h"

#include "engine/cells/measure.h"

#include <math.h>
#include <string.h>

#define NOISE 1e-3f /* between percentiles: the block is flat */
enum { REACH = 4 }; /* of the Gaussian, in blocks */

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t n_blocks(int64_t length, int64_t block)
{
    const double overlap = 0.1;
    if (length <= block) return 1;
    return (int64_t)ceil((1 + 2 * overlap) * (double)length / (double)block);
}

/* numpy.linspace(0, length - block, n), truncated. */
static int64_t start_of(int64_t i, int64_t n, int64_t length, int64_t block)
{
    const int64_t last = length - least(block, length);
    if (n < 2) return 0;
    return i == n - 1 ? last : (int64_t)((double)i * ((double)last / (double)(n - 1)));
}

/* ---- percentiles of a block ------------------------------------------------------ */

typedef struct measuring {
    const qn_input *in;
    int channel;
    int64_t block, height, width; /* of a block, within the picture */
    float *rows, *room, *more;    /* [height][picture's width], a block, a row */
    float *low, *high;            /* [ny][nx] of a plane */
} measuring;

static void measure_row(const measuring *m, const qn_level_grid *g, int64_t j)
{
    const int64_t w = m->in->picture->width;
    for (int64_t i = 0; i < g->nx; i++) {
        const int64_t x = start_of(i, g->nx, w, m->block);
        for (int64_t y = 0; y < m->height; y++)
            memcpy(m->room + y * m->width, m->rows + y * w + x,
                   (size_t)m->width * sizeof *m->room);
        const int64_t n = m->height * m->width;
        m->low[j * g->nx + i] = qn_percentile_float(m->room, n, m->in->settings->low);
        m->high[j * g->nx + i] = qn_percentile_float(m->room, n, m->in->settings->high);
    }
}

static void measure_plane(const measuring *m, const qn_level_grid *g, int64_t z)
{
    const int64_t h = m->in->picture->height, w = m->in->picture->width;
    for (int64_t j = 0; j < g->ny; j++) {
        const int64_t top = start_of(j, g->ny, h, m->block);
        for (int64_t y = 0; y < m->height; y++)
            qn_input_samples(m->in, z, m->channel, top + y, m->rows + y * w, m->more);
        measure_row(m, g, j);
    }
}

/* ---- blocks without contrast ----------------------------------------------------- */

static bool is_flat(const measuring *m, int64_t at)
{
    return !(m->high[at] - m->low[at] >= NOISE);
}

/* The nearest block with contrast, the first of several; -1: there is none. */
static int64_t nearest(const measuring *m, const qn_level_grid *g, int64_t at)
{
    int64_t best = -1, distance = INT64_MAX;
    for (int64_t k = 0; k < g->ny * g->nx; k++) {
        const int64_t dy = k / g->nx - at / g->nx, dx = k % g->nx - at % g->nx;
        if (dy * dy + dx * dx >= distance || is_flat(m, k)) continue;
        distance = dy * dy + dx * dx;
        best = k;
    }
    return best;
}

/* Adds the plane's part of the levels; false: it has no contrast anywhere. */
static bool add_plane(const measuring *m, qn_level_grid *g, float share)
{
    for (int64_t k = 0; k < g->ny * g->nx; k++) {
        const int64_t from = is_flat(m, k) ? nearest(m, g, k) : k;
        if (from < 0) return false;
        g->low[k] += share * m->low[from];
        g->high[k] += share * m->high[from];
    }
    return true;
}

/* ---- smoothing ------------------------------------------------------------------- */

static int64_t mirrored(int64_t i, int64_t n)
{
    const int64_t at = ((i % (2 * n)) + 2 * n) % (2 * n);
    return at < n ? at : 2 * n - 1 - at;
}

static void smooth_columns(const qn_level_grid *g, float *v, float *copy)
{
    double weight[2 * REACH + 1], sum = 0;
    for (int k = -REACH; k <= REACH; k++)
        sum += weight[k + REACH] = exp(-0.5 * k * k);
    memcpy(copy, v, (size_t)(g->ny * g->nx) * sizeof *v);
    for (int64_t y = 0; y < g->ny; y++)
        for (int64_t x = 0; x < g->nx; x++) {
            double mean = 0;
            for (int k = -REACH; k <= REACH; k++)
                mean += weight[k + REACH] / sum *
                        (double)copy[mirrored(y + k, g->ny) * g->nx + x];
            v[y * g->nx + x] = (float)mean;
        }
}

/* ---- all of it ------------------------------------------------------------------- */

static quern_status make_room(measuring *m, qn_level_grid *g, qn_arena *arena,
                              qn_arena *scratch, quern_error *err)
{
    const qn_planes *p = m->in->picture;
    const size_t n = (size_t)(g->ny * g->nx);
    const struct {
        qn_arena *arena;
        size_t n;
        float **out;
    } parts[] = {{arena, n, &g->low},
                 {arena, n, &g->high},
                 {scratch, n, &m->low},
                 {scratch, n, &m->high},
                 {scratch, (size_t)(m->height * p->width), &m->rows},
                 {scratch, (size_t)(m->height * m->width), &m->room},
                 {scratch, (size_t)p->width, &m->more}};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        void *room;
        QN_TRY(qn_arena_array(parts[i].arena, parts[i].n, sizeof(float), &room, err));
        *parts[i].out = room;
    }
    QN_TRY(qn_bilinear_init(&g->y, g->ny, p->height, arena, err));
    return qn_bilinear_init(&g->x, g->nx, p->width, arena, err);
}

quern_status qn_level_grid_find(const qn_input *in, int channel,
                                const int64_t planes[2], qn_arena *arena,
                                qn_arena *scratch, const qn_level_grid **out,
                                quern_error *err)
{
    const qn_planes *p = in->picture;
    const int64_t block = in->settings->tile_norm;
    measuring m = {.in = in,
                   .channel = channel,
                   .block = block,
                   .height = least(block, p->height),
                   .width = least(block, p->width)};
    void *room;
    *out = NULL;
    QN_TRY(qn_arena_alloc(arena, sizeof(qn_level_grid), &room, err));
    qn_level_grid *g = room;
    g->ny = n_blocks(p->height, block);
    g->nx = n_blocks(p->width, block);
    QN_TRY(make_room(&m, g, arena, scratch, err));
    for (int64_t z = planes[0]; z < planes[1]; z++) {
        measure_plane(&m, g, z);
        if (!add_plane(&m, g, 1 / (float)(planes[1] - planes[0]))) return QUERN_OK;
    }
    for (int i = 0; i < 2; i++) {
        smooth_columns(g, g->low, m.low);
        smooth_columns(g, g->high, m.low);
    }
    *out = g;
    return QUERN_OK;
}

static float between(const float *v, int64_t at, int64_t last, float part)
{
    return v[at] * (1 - part) + v[at < last ? at + 1 : last] * part;
}

void qn_level_grid_row(const qn_level_grid *g, int64_t y, int64_t left, float *row,
                       int64_t n)
{
    const int64_t y0 = g->y.at[y], y1 = least(y0 + 1, g->ny - 1);
    const float *low0 = g->low + y0 * g->nx, *low1 = g->low + y1 * g->nx;
    const float *high0 = g->high + y0 * g->nx, *high1 = g->high + y1 * g->nx;
    const float py = g->y.part[y];
    for (int64_t x = 0; x < n; x++) {
        const int64_t at = g->x.at[left + x], last = g->nx - 1;
        const float px = g->x.part[left + x];
        const float low =
            between(low0, at, last, px) * (1 - py) + between(low1, at, last, px) * py;
        const float high =
            between(high0, at, last, px) * (1 - py) + between(high1, at, last, px) * py;
        row[x] = (row[x] - low) / (high - low);
    }
}
