/* SPDX-License-Identifier: Apache-2.0 */
/* formats/cell_batches.c - windows of items: where they lie, what is seen there, which
 * flows belong to it. */
#include "formats/cell_batches.h"

#include "engine/cells/flows.h"
#include "engine/rng.h"
#include "engine/shuffle.h"

#include <math.h>
#include <string.h>

#define PI 3.14159265358979323846

/* ---- a window ---- */

/* A square of side x side pixels on the picture: (row, column) of the window lies at
 * centre + turn * ((row, column) + 1/2 - side / 2). */
typedef struct window {
    int64_t side;
    double centre[2];  /* y, x on the picture, pixels from its corner */
    double turn[2][2]; /* a step of the window in pixels of the picture */
} window;

static void place_of(const window *w, int64_t row, int64_t column, double at[2])
{
    const double y = (double)row + 0.5 - (double)w->side / 2;
    const double x = (double)column + 0.5 - (double)w->side / 2;
    for (int k = 0; k < 2; k++)
        at[k] = w->centre[k] + w->turn[k][0] * y + w->turn[k][1] * x;
}

static double sample_at(const qn_cell_item *item, const uint16_t *plane, int64_t y,
                        int64_t x, double otherwise)
{
    if (y < 0 || x < 0 || y >= item->height || x >= item->width) return otherwise;
    return plane[y * item->width + x];
}

/* Between four pixels; outside the picture is what comes out as 0. */
static void see_plane(const qn_cell_item *item, int c, const window *w, float *out)
{
    const uint16_t *plane = item->plane[c];
    const double low = item->low[c], range = item->high[c] - low;
    memset(out, 0, (size_t)(w->side * w->side) * sizeof *out);
    if (!plane || !(range > 0)) return;
    for (int64_t row = 0; row < w->side; row++)
        for (int64_t column = 0; column < w->side; column++) {
            double at[2];
            place_of(w, row, column, at);
            const double y = at[0] - 0.5, x = at[1] - 0.5;
            const double fy = y - floor(y), fx = x - floor(x);
            const int64_t iy = (int64_t)floor(y), ix = (int64_t)floor(x);
            const double top = (1 - fx) * sample_at(item, plane, iy, ix, low) +
                               fx * sample_at(item, plane, iy, ix + 1, low);
            const double bottom = (1 - fx) * sample_at(item, plane, iy + 1, ix, low) +
                                  fx * sample_at(item, plane, iy + 1, ix + 1, low);
            out[row * w->side + column] =
                (float)(((1 - fy) * top + fy * bottom - low) / range);
        }
}

static quern_status see_labels(const qn_cell_item *item, const window *w,
                               qn_arena *arena, qn_labels *out, uint32_t *n,
                               quern_error *err)
{
    QN_TRY(qn_labels_init(arena, w->side, w->side, out, err));
    for (int64_t i = 0; i < w->side * w->side; i++) {
        double at[2];
        place_of(w, i / w->side, i % w->side, at);
        const int64_t y = (int64_t)floor(at[0]), x = (int64_t)floor(at[1]);
        if (y >= 0 && x >= 0 && y < item->height && x < item->width)
            out->at[i] = item->labels[y * item->width + x];
    }
    return qn_labels_renumber(out, arena, n, err);
}

quern_status qn_cell_view(const qn_cell_item *item, double diameter, int64_t side,
                          qn_arena *arena, float **planes, qn_labels *labels,
                          quern_error *err)
{
    void *p;
    uint32_t n;
    const double step = item->diameter / diameter;
    const window w = {side,
                      {(double)item->height / 2, (double)item->width / 2},
                      {{step, 0}, {0, step}}};
    const size_t pixels = (size_t)(side * side);
    QN_TRY(qn_arena_raw(arena, QN_CELL_PLANES * pixels * sizeof **planes, &p, err));
    *planes = p;
    for (int c = 0; c < QN_CELL_PLANES; c++)
        see_plane(item, c, &w, *planes + (size_t)c * pixels);
    return see_labels(item, &w, arena, labels, &n, err);
}

/* ---- batches ---- */

typedef struct cell_batches {
    qn_batches base;
    qn_cell_batches_options opt;
    qn_mem *mem;
    size_t bytes;
    qn_arena room;
    int64_t margin;
    const qn_cell_item **items; /* [n_items] to train by */
    int64_t n_items;
    float *planes, *target, *weight;
} cell_batches;

/* Draws of one window; they are counted, so each has a place of its own. */
enum draw {
    DRAW_SCALE,
    DRAW_ANGLE,
    DRAW_FREE, /* whether the angle is any, or one of four */
    DRAW_MIRROR,
    DRAW_Y,
    DRAW_X,
    DRAW_GAIN,
    DRAW_OFFSET = DRAW_GAIN + QN_CELL_PLANES,
    DRAW_GAMMA = DRAW_OFFSET + QN_CELL_PLANES,
    DRAW_NOISE = DRAW_GAMMA + QN_CELL_PLANES,
    N_DRAWS = DRAW_NOISE + QN_CELL_PLANES
};

static double between(const qn_rng *rng, int draw, double low, double high)
{
    return low + (high - low) * qn_rng_uniform53(rng, (uint64_t)draw);
}

/* Somewhere between 0 and n, so that the window's reach of r stays inside if it can. */
static double centre_of(const qn_rng *rng, int draw, double n, double r)
{
    return r < n / 2 ? between(rng, draw, r, n - r) : n / 2;
}

static window draw_window(const cell_batches *b, const qn_cell_item *item,
                          const qn_rng *rng)
{
    const double scale = between(rng, DRAW_SCALE, 0.75, 1.25);
    const double step = item->diameter / (b->opt.diameter * scale);
    const double quarter = floor(between(rng, DRAW_ANGLE, 0, 4)) * PI / 2;
    const double angle = between(rng, DRAW_FREE, 0, 1) < 0.5
                             ? quarter
                             : between(rng, DRAW_ANGLE, 0, 2 * PI);
    const double mirror = between(rng, DRAW_MIRROR, 0, 1) < 0.5 ? -1 : 1;
    const double c = cos(angle) * step, s = sin(angle) * step;
    const double reach = step * (double)b->opt.crop / 2;
    return (window){
        b->opt.crop,
        {centre_of(rng, DRAW_Y, (double)item->height, reach),
         centre_of(rng, DRAW_X, (double)item->width, reach)},
        {{c, -s * mirror}, {s, c * mirror}},
    };
}

/* Another exposure: gain, offset, gamma, noise. */
static void relight(const qn_rng *rng, int c, float *plane, int64_t n)
{
    const double gain = exp(0.2 * qn_rng_normal(rng, (uint64_t)(DRAW_GAIN + c)));
    const double offset = 0.05 * qn_rng_normal(rng, (uint64_t)(DRAW_OFFSET + c));
    const double gamma = exp(0.3 * qn_rng_normal(rng, (uint64_t)(DRAW_GAMMA + c)));
    const double noise = fmax(0, between(rng, DRAW_NOISE + c, -0.06, 0.06));
    for (int64_t i = 0; i < n; i++) {
        const double x = plane[i], bent = x > 0 ? pow(x, gamma) : x;
        const uint64_t at = (uint64_t)(N_DRAWS + c * n + i);
        const double grain = noise > 0 ? noise * qn_rng_normal(rng, at) : 0;
        plane[i] = (float)(gain * bent + offset + grain);
    }
}

/* Flows and mask of the window, computed on a wider one. */
static quern_status aim(cell_batches *b, const qn_cell_item *item, window w,
                        float *target, quern_error *err)
{
    void *p;
    uint32_t n;
    qn_labels labels;
    const int64_t crop = w.side, m = b->margin, wide = crop + 2 * m;
    w.side = wide;
    QN_TRY(see_labels(item, &w, &b->room, &labels, &n, err));
    QN_TRY(qn_arena_raw(&b->room, 2 * (size_t)(wide * wide) * sizeof *target, &p, err));
    float *dy = p, *dx = dy + wide * wide;
    QN_TRY(qn_labels_flows(&labels, n, NULL, &b->room, dy, dx, err));
    for (int64_t row = 0; row < crop; row++)
        for (int64_t column = 0; column < crop; column++) {
            const int64_t to = row * crop + column,
                          from = (row + m) * wide + column + m;
            target[to] = dy[from];
            target[to + crop * crop] = dx[from];
            target[to + 2 * crop * crop] = labels.at[from] != 0;
        }
    return QUERN_OK;
}

static quern_status fill(cell_batches *b, int64_t place, const qn_cell_item *item,
                         uint64_t draw, quern_error *err)
{
    const int64_t n = b->opt.crop * b->opt.crop;
    const qn_rng rng = qn_rng_make(b->opt.seed, item->name, draw);
    const window w = draw_window(b, item, &rng);
    float *planes = b->planes + QN_CELL_PLANES * n * place;
    for (int c = 0; c < QN_CELL_PLANES; c++) {
        see_plane(item, c, &w, planes + c * n);
        if (item->plane[c]) relight(&rng, c, planes + c * n, n);
    }
    b->weight[place] = 1;
    const quern_status status = aim(b, item, w, b->target + 3 * n * place, err);
    qn_arena_reset(&b->room);
    return status;
}

static quern_status get(qn_batches *base, int64_t epoch, int64_t batch, qn_batch *out,
                        quern_error *err)
{
    cell_batches *b = (cell_batches *)base;
    for (int64_t k = 0; k < b->opt.batch; k++) {
        /* past the last item the order begins anew, as another round */
        const int64_t at = batch * b->opt.batch + k, round = at / b->n_items;
        const uint64_t turn = (uint64_t)epoch * 4096 + (uint64_t)round;
        const qn_shuffle order =
            qn_shuffle_make(b->opt.seed, "cells", turn, b->n_items);
        const int64_t i = qn_shuffle_at(&order, at % b->n_items);
        QN_TRY(fill(b, k, b->items[i], turn, err));
    }
    *out = (qn_batch){.n = b->opt.batch,
                      .pixels = (const uint8_t *)b->planes,
                      .target = b->target,
                      .weight = b->weight};
    return QUERN_OK;
}

static void done(qn_batches *base)
{
    cell_batches *b = (cell_batches *)base;
    qn_arena_done(&b->room);
    qn_mem_free(b->mem, b, b->bytes);
}

static int64_t count_items(const qn_cell_set *set, const qn_cell_item **items)
{
    int64_t n = 0;
    for (int64_t i = 0; i < set->n; i++) {
        if (set->items[i].part != QN_CELLS_TRAIN) continue;
        if (items) items[n] = &set->items[i];
        n++;
    }
    return n;
}

quern_status qn_cell_batches(qn_mem *mem, const qn_cell_batches_options *opt,
                             qn_batches **out, quern_error *err)
{
    void *p;
    const int64_t n = count_items(opt->set, NULL);
    if (n == 0) return qn_fail(err, QUERN_DATA, "there is no picture to train by");
    const size_t pixels = (size_t)(opt->batch * opt->crop * opt->crop);
    const size_t floats = (QN_CELL_PLANES + 3) * pixels + (size_t)opt->batch;
    const size_t list = (size_t)n * sizeof(qn_cell_item *);
    const size_t bytes = sizeof(cell_batches) + list + floats * sizeof(float);
    QN_TRY(qn_mem_alloc(mem, bytes, &p, err));
    cell_batches *b = p;
    *b = (cell_batches){.opt = *opt, .mem = mem, .bytes = bytes, .n_items = n};
    b->margin = (int64_t)ceil(1.5 * opt->diameter);
    b->items = (const qn_cell_item **)(b + 1);
    b->planes = (float *)((char *)(b + 1) + list);
    b->target = b->planes + QN_CELL_PLANES * pixels;
    b->weight = b->target + 3 * pixels;
    count_items(opt->set, b->items);
    qn_arena_init(&b->room, mem);
    b->base = (qn_batches){.per_epoch = (n + opt->batch - 1) / opt->batch,
                           .n_items = n,
                           .max_n = opt->batch,
                           .height = (int)opt->crop,
                           .width = (int)opt->crop,
                           .channels = QN_CELL_PLANES,
                           .get = get,
                           .free = done};
    *out = &b->base;
    return QUERN_OK;
}
