/* SPDX-License-Identifier: Apache-2.0 */
/* engine/cells/tiles.c - see tiles.h; Cellpose 3.1, transforms.py: get_pad_yx,
 * make_tiles, _taper_mask, average_tiles. */
#include "engine/cells/tiles.h"

#include <math.h>

#define RIM        8   /* zeros on each side, before rounding up */
#define TAPER      7.5 /* of the sigmoid that weights fall along, pixels */
#define SHOULDER   20  /* pixels from the edge where the weight is one half */
#define SMALLEST   224 /* the taper is that of tiles at least so large */
#define AUTO_LEAST 192
#define AUTO_MOST  592 /* side of a tile that is chosen by cost */
#define AUTO_JOIN  24  /* pixels that such tiles overlap at least */

/* ---- sizes ---- */

/* Zeros up to a multiple, and RIM more on each side; all of it at least least. */
static void pad(qn_tile_axis *a, int64_t multiple, int64_t least)
{
    const int64_t up = (a->length + multiple - 1) / multiple * multiple - a->length;
    a->before = RIM + up / 2;
    a->total = a->length + up + 2 * RIM;
    if (a->total < least) a->total = least;
}

/* The side in multiples that makes number * side least; the whole picture is one. */
static void choose(qn_tile_axis *a, int64_t multiple)
{
    int64_t best = INT64_MAX;
    a->tile = a->total;
    a->n = 1;
    if (a->total <= AUTO_MOST) return;
    for (int64_t t = AUTO_LEAST; t <= AUTO_MOST; t += multiple) {
        const int64_t join = t / 10 > AUTO_JOIN ? t / 10 : AUTO_JOIN;
        const int64_t n = 1 + (a->total - t + t - join - 1) / (t - join);
        if (n * t > best) continue;
        best = n * t;
        a->tile = t;
        a->n = n;
    }
}

static void divide(qn_tile_axis *a, const qn_tile_options *o, int64_t fixed)
{
    const int64_t usual = o->tile || !o->augment ? o->tile : SMALLEST;
    const int64_t side = fixed ? fixed : usual;
    const double overlap = fmin(0.5, fmax(0.05, o->overlap));
    if (side == 0) {
        choose(a, o->multiple);
    } else if (o->augment) {
        a->tile = side;
        a->n = (int64_t)ceil(2.0 * (double)a->total / (double)side);
        if (a->n < 2) a->n = 2;
    } else {
        const double n = (1 + 2 * overlap) * (double)a->total / (double)side;
        a->tile = side < a->total ? side : a->total;
        a->n = a->total <= side ? 1 : (int64_t)ceil(n);
    }
}

/* ---- starts and weights ---- */

static double taper(int64_t i, int64_t tile, int64_t longest)
{
    const double size = (double)(longest > SMALLEST ? longest : SMALLEST);
    const double middle = (size - 1) / 2;
    const double at = (double)(i + (int64_t)size / 2 - tile / 2);
    return 1 / (1 + exp((fabs(at - middle) - (size / 2 - SHOULDER)) / TAPER));
}

/* numpy.linspace(0, total - tile, n), truncated. */
static int64_t start_of(const qn_tile_axis *a, int64_t i)
{
    const double last = (double)(a->total - a->tile);
    if (a->n < 2) return 0;
    return i == a->n - 1 ? a->total - a->tile
                         : (int64_t)((double)i * (last / (double)(a->n - 1)));
}

static quern_status lay(qn_tile_axis *a, int64_t longest, qn_arena *arena,
                        quern_error *err)
{
    void *start, *weight, *sum;
    const size_t n = (size_t)a->n, tile = (size_t)a->tile;
    QN_TRY(qn_arena_array(arena, n, sizeof *a->start, &start, err));
    QN_TRY(qn_arena_array(arena, n * tile, sizeof *a->weight, &weight, err));
    QN_TRY(qn_arena_array(arena, (size_t)a->total, sizeof(double), &sum, err));
    a->start = start;
    a->weight = weight;
    for (int64_t i = 0; i < a->n; i++) {
        a->start[i] = start_of(a, i);
        for (int64_t k = 0; k < a->tile; k++)
            ((double *)sum)[a->start[i] + k] += taper(k, a->tile, longest);
    }
    for (int64_t i = 0; i < a->n; i++)
        for (int64_t k = 0; k < a->tile; k++)
            a->weight[i * a->tile + k] =
                (float)(taper(k, a->tile, longest) / ((double *)sum)[a->start[i] + k]);
    return QUERN_OK;
}

static int64_t longer(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

quern_status qn_tiles_init(qn_tiles *tiles, int64_t height, int64_t width,
                           const qn_tile_options *options, qn_arena *arena,
                           quern_error *err)
{
    const qn_tile_options *o = options;
    *tiles = (qn_tiles){.y = {.length = height}, .x = {.length = width}};
    tiles->augment = o->augment;
    const int64_t least = o->augment ? (o->tile ? o->tile : SMALLEST) : 0;
    pad(&tiles->y, o->multiple, longer(least, o->fixed[0]));
    pad(&tiles->x, o->multiple, longer(least, o->fixed[1]));
    divide(&tiles->y, o, o->fixed[0]);
    divide(&tiles->x, o, o->fixed[1]);
    const int64_t longest = longer(tiles->y.tile, tiles->x.tile);
    QN_TRY(lay(&tiles->y, longest, arena, err));
    return lay(&tiles->x, longest, arena, err);
}

void qn_tile_flips(const qn_tiles *tiles, int64_t j, int64_t i, bool flips[2])
{
    flips[0] = tiles->augment && i % 2 == 1;
    flips[1] = tiles->augment && j % 2 == 1;
}
