/* SPDX-License-Identifier: Apache-2.0 */
/* engine/cells/input_planes.c - see input_planes.h; Cellpose 3.1, transforms.py:
 * reshape, normalize99, resize_image.
 *
 * Nothing of the picture's size is made: rows are taken from the samples, brought to
 * their level and scaled when the network asks for them.  A percentile is found by
 * counting: floats are ordered by their bits, so 65536 bins of the upper half and as
 * many of the lower half of one bin hold every order statistic exactly. */
#include "engine/cells/input_planes.h"

#include "engine/cells/level_grid.h"

#include <math.h>
#include <string.h>

#define FEW   (224.0 * 224 * 224) /* samples; of more a grid is taken */
#define NOISE 1e-3f               /* between percentiles: the channel is flat */
enum { BINS = 65536, RANKS = 4 };

quern_status qn_input_init(qn_input *in, const qn_planes *picture,
                           const qn_segment_settings *settings, int channels,
                           double rescale, quern_error *err)
{
    const int most =
        settings->chan > settings->chan2 ? settings->chan : settings->chan2;
    if (picture->channels > 1 && channels < 3 && most > picture->channels)
        return qn_fail(err, QUERN_INVALID,
                       "channel %d is asked for, the picture has %lld", most,
                       (long long)picture->channels);
    const double h = (double)picture->height * rescale;
    const double w = (double)picture->width * rescale;
    if (!(h < INT32_MAX) || !(w < INT32_MAX))
        return qn_fail(err, QUERN_LIMIT, "%g x %g pixels for the network are too many",
                       w, h);
    *in = (qn_input){.picture = picture,
                     .settings = settings,
                     .channels = channels,
                     .height = h < 1 ? 1 : (int64_t)h,
                     .width = w < 1 ? 1 : (int64_t)w};
    return QUERN_OK;
}

/* ---- rows of what is looked at ---- */

static void samples_of(const qn_planes *p, int64_t z, int64_t c, int64_t y, float *row)
{
    const void *at = qn_planes_channel(p, z, c);
    const int64_t n = p->width;
    if (p->dtype == QUERN_FLOAT)
        memcpy(row, (const float *)at + y * n, (size_t)n * sizeof *row);
    else if (p->dtype == QUERN_UINT16)
        for (int64_t x = 0; x < n; x++)
            row[x] = (float)((const uint16_t *)at)[y * n + x];
    else
        for (int64_t x = 0; x < n; x++)
            row[x] = (float)((const uint8_t *)at)[y * n + x];
}

/* The mean of all channels, or the brightness of red, green and blue (ITU-R BT.601). */
static void gray_of(const qn_input *in, int64_t z, int64_t y, float *row, float *more)
{
    static const float luma[] = {0.299f, 0.587f, 0.114f};
    const qn_planes *p = in->picture;
    const bool is_luma = in->settings->is_luma && p->channels == 3;
    memset(row, 0, (size_t)p->width * sizeof *row);
    for (int64_t c = 0; c < p->channels; c++) {
        samples_of(p, z, c, y, more);
        for (int64_t x = 0; x < p->width; x++)
            row[x] += is_luma ? luma[c] * more[x] : more[x];
    }
    const float n = is_luma ? 1 : (float)p->channels;
    for (int64_t x = 0; x < p->width; x++)
        row[x] /= n;
}

/* Channel c of the picture that channel i of the network is: -1 the mean, -2 nothing.
 */
static int64_t source_of(const qn_input *in, int i)
{
    const qn_segment_settings *s = in->settings;
    const int64_t n = in->picture->channels;
    if (in->channels == 3) return i < n ? i : -2;
    if (n == 1) return i == 0 ? 0 : -2;
    if (i == 0) return s->chan - 1;
    return s->chan > 0 && s->chan2 > 0 ? s->chan2 - 1 : -2;
}

/* A row is taken. */
static void tell_of_row(const qn_input *in, int i)
{
    const qn_planes *p = in->picture;
    const size_t rows = source_of(in, i) == -1 ? (size_t)p->channels : 1;
    if (p->mem)
        qn_mem_passed(p->mem, rows * (size_t)p->width * qn_dtype_size(p->dtype));
}

bool qn_input_has(const qn_input *in, int i)
{
    return source_of(in, i) != -2;
}

void qn_input_samples(const qn_input *in, int64_t z, int i, int64_t y, float *row,
                      float *more)
{
    const int64_t source = source_of(in, i);
    tell_of_row(in, i);
    if (source == -1)
        gray_of(in, z, y, row, more);
    else
        samples_of(in->picture, z, source, y, row);
}

/* ---- percentiles ---- */

typedef struct ranks {
    int64_t upper[BINS], lower[RANKS][BINS];
    int64_t rank[RANKS], before[RANKS]; /* asked for; samples in bins below */
    uint32_t bin[RANKS];
    float value[RANKS];
    float least, most;
} ranks;

/* Grows with the number. */
static uint32_t key_of(float x)
{
    uint32_t u;
    memcpy(&u, &x, sizeof u);
    return u & 0x80000000u ? ~u : u | 0x80000000u;
}

static float of_key(uint32_t key)
{
    const uint32_t u = key & 0x80000000u ? key & 0x7fffffffu : ~key;
    float x;
    memcpy(&x, &u, sizeof x);
    return x;
}

static void count_upper(ranks *r, const float *row, int64_t n, int64_t step)
{
    for (int64_t x = 0; x < n; x += step)
        r->upper[key_of(row[x] + 0.0f) >> 16]++; /* -0 is 0 */
}

static void count_lower(ranks *r, const float *row, int64_t n, int64_t step)
{
    for (int64_t x = 0; x < n; x += step) {
        const uint32_t key = key_of(row[x] + 0.0f);
        for (int k = 0; k < RANKS; k++)
            r->lower[k][key & 0xffff] += key >> 16 == r->bin[k];
    }
}

static void look_at(ranks *r, const float *row, int64_t n)
{
    for (int64_t x = 0; x < n; x++) {
        r->least = fminf(r->least, row[x]);
        r->most = fmaxf(r->most, row[x]);
    }
}

static uint32_t bin_of(const int64_t *bins, int64_t rank, int64_t *before)
{
    uint32_t i = 0;
    for (*before = 0; i < BINS - 1 && *before + bins[i] <= rank; i++)
        *before += bins[i];
    return i;
}

typedef struct grid {
    int64_t z, y, x; /* every z-th plane, y-th row, x-th column */
} grid;

static grid grid_of(const qn_planes *p, int64_t planes)
{
    grid g = {1, 1, 1};
    if ((double)planes * (double)p->height * (double)p->width <= FEW) return g;
    g.z = planes / 50 > 1 ? planes / 50 : 1;
    g.y = p->height / 224 > 1 ? p->height / 224 : 1;
    g.x = p->width / 224 > 1 ? p->width / 224 : 1;
    return g;
}

/* Goes over the rows of planes [from, to): pass 0 looks at all and counts upper halves,
 * pass 1 counts lower halves. */
static void go_over(const qn_input *in, int i, const int64_t planes[2], const grid *g,
                    ranks *r, float *rows, int pass)
{
    const qn_planes *p = in->picture;
    for (int64_t z = planes[0]; z < planes[1]; z++)
        for (int64_t y = 0; y < p->height; y++) {
            const bool counts = (z - planes[0]) % g->z == 0 && y % g->y == 0;
            if (!counts && pass == 1) continue;
            qn_input_samples(in, z, i, y, rows, rows + p->width);
            if (pass == 0) look_at(r, rows, p->width);
            if (counts && pass == 0) count_upper(r, rows, p->width, g->x);
            if (counts && pass == 1) count_lower(r, rows, p->width, g->x);
        }
}

static int64_t steps(int64_t n, int64_t step)
{
    return (n + step - 1) / step;
}

/* Between two order statistics, as numpy.percentile has it. */
static double between(const ranks *r, int k, double at)
{
    const double a = (double)r->value[k], b = (double)r->value[k + 1];
    return a + (b - a) * (at - floor(at));
}

static void find_level(const qn_input *in, int i, const int64_t planes[2], ranks *r,
                       float *rows, qn_level *level)
{
    const qn_planes *p = in->picture;
    const grid g = grid_of(p, planes[1] - planes[0]);
    const int64_t n = steps(planes[1] - planes[0], g.z) * steps(p->height, g.y) *
                      steps(p->width, g.x);
    const double at[2] = {in->settings->low / 100 * (double)(n - 1),
                          in->settings->high / 100 * (double)(n - 1)};
    memset(r, 0, sizeof *r);
    r->least = INFINITY;
    r->most = -INFINITY;
    go_over(in, i, planes, &g, r, rows, 0);
    for (int k = 0; k < RANKS; k++) {
        const int64_t rank = (int64_t)at[k / 2] + k % 2;
        r->rank[k] = rank < n ? rank : n - 1;
        r->bin[k] = bin_of(r->upper, r->rank[k], &r->before[k]);
    }
    go_over(in, i, planes, &g, r, rows, 1);
    for (int k = 0; k < RANKS; k++) {
        int64_t before;
        const uint32_t low = bin_of(r->lower[k], r->rank[k] - r->before[k], &before);
        r->value[k] = of_key(r->bin[k] << 16 | low);
    }
    const double low = between(r, 0, at[0]), span = between(r, 2, at[1]) - low;
    level->low = (float)low;
    level->span = (float)span;
    level->is_flat = !(r->most > r->least) || !(span > (double)NOISE);
}

static quern_status find_one(const qn_input *in, int i, const int64_t planes[2],
                             qn_arena *room, qn_arena *arena, qn_level *level,
                             quern_error *err)
{
    const qn_segment_settings *s = in->settings;
    void *r, *rows;
    *level = (qn_level){.span = 1, .is_flat = source_of(in, i) == -2};
    if (s->to > s->from && !s->no_norm) { /* also of a channel that is not there */
        level->low = (float)s->from;
        level->span = (float)(s->to - s->from);
        level->flat =
            s->invert ? 1 + level->low / level->span : -level->low / level->span;
        level->is_inverted = s->invert;
        return QUERN_OK;
    }
    if (level->is_flat || s->no_norm) return QUERN_OK;
    level->is_inverted = s->invert;
    if (s->tile_norm > 0) {
        QN_TRY(qn_level_grid_find(in, i, planes, arena, room, &level->grid, err));
        level->is_flat = !level->grid;
        return QUERN_OK;
    }
    QN_TRY(qn_arena_alloc(room, sizeof(ranks), &r, err));
    QN_TRY(qn_arena_array(room, 2 * (size_t)in->picture->width, sizeof(float), &rows,
                          err));
    find_level(in, i, planes, r, rows, level);
    return QUERN_OK;
}

quern_status qn_input_levels(qn_input *in, int64_t from, int64_t to, qn_arena *arena,
                             quern_error *err)
{
    const int64_t planes[2] = {from, to};
    quern_status status = QUERN_OK;
    for (int i = 0; i < in->channels && status == QUERN_OK; i++) {
        qn_arena room;
        qn_arena_init(&room, arena->mem);
        status = find_one(in, i, planes, &room, arena, &in->level[i], err);
        qn_arena_done(&room);
    }
    return status;
}

/* ---- rows as the network sees them ---- */

typedef struct scaling {
    const qn_input *in;
    int64_t z, from, stride;
    int channel;
    qn_bilinear y, x;
    float *rows; /* four for each thread */
    float *out;
} scaling;

static void level_row(const qn_level *l, int64_t y, float *row, int64_t n)
{
    if (l->grid)
        qn_level_grid_row(l->grid, l->top + y, l->left, row, n);
    else
        for (int64_t x = 0; x < n; x++)
            row[x] = (row[x] - l->low) / l->span;
    for (int64_t x = 0; l->is_inverted && x < n; x++)
        row[x] = 1 - row[x];
}

/* Row y of the picture, scaled along x; kept in one of two places. */
static const float *scaled_row(const scaling *s, int64_t y, int64_t here[2],
                               float *room)
{
    const int place = (int)(y & 1);
    const int64_t n = s->in->picture->width;
    float *row = room + 2 * n + place * s->x.out;
    if (here[place] == y) return row;
    qn_input_samples(s->in, s->z, s->channel, y, room, room + n);
    level_row(&s->in->level[s->channel], y, room, n);
    qn_bilinear_row(&s->x, room, row);
    here[place] = y;
    return row;
}

static void scale_rows(void *ctx, int64_t begin, int64_t end, int worker)
{
    const scaling *s = ctx;
    const int64_t n = s->x.out;
    float *room = s->rows + 2 * (s->x.in + n) * worker;
    int64_t here[2] = {-1, -1};
    for (int64_t i = begin; i < end; i++) {
        const float part = s->y.part[s->from + i];
        const int64_t at = s->y.at[s->from + i];
        const float *x0 = scaled_row(s, at, here, room);
        float *out = s->out + i * s->stride;
        if (part == 0)
            memcpy(out, x0, (size_t)n * sizeof *out);
        else
            qn_bilinear_mix(x0, scaled_row(s, at + 1, here, room), part, n, out);
    }
}

quern_status qn_input_rows(const qn_input *in, int64_t z, int channel, int64_t from,
                           int64_t to, qn_pool *pool, qn_arena *scratch, float *out,
                           int64_t stride, quern_error *err)
{
    enum { GRAIN = 16 };
    scaling s = {.in = in,
                 .z = z,
                 .from = from,
                 .stride = stride,
                 .channel = channel,
                 .out = out};
    const qn_planes *p = in->picture;
    void *rows;
    if (in->level[channel].is_flat) {
        for (int64_t i = 0; i < to - from; i++)
            for (int64_t x = 0; x < in->width; x++)
                out[i * stride + x] = in->level[channel].flat;
        return QUERN_OK;
    }
    QN_TRY(qn_bilinear_init(&s.y, p->height, in->height, scratch, err));
    QN_TRY(qn_bilinear_init(&s.x, p->width, in->width, scratch, err));
    const size_t n = 2 * (size_t)(p->width + in->width) * (size_t)qn_pool_size(pool);
    QN_TRY(qn_arena_array(scratch, n, sizeof *s.rows, &rows, err));
    s.rows = rows;
    qn_parallel_for(pool, to - from, GRAIN, scale_rows, &s);
    return QUERN_OK;
}
