/* SPDX-License-Identifier: Apache-2.0 */
/* engine/cells/flows.c - see flows.h.  Each cell is done on its own box with a rim of
 * one pixel, 2 (h + w + 4) steps of heat from the pixel of the cell that is nearest to
 * its mean; the gradient over the cell is divided by its length plus 1e-60. */
#include "engine/cells/flows.h"

#include "kernels/kernels.h"

#include <math.h>
#include <string.h>

enum { GRAIN = 8 }; /* cells that are handed out together */
static const int64_t big = (int64_t)1
                           << 22; /* pixels of a box: one is done at a time */

/* What one cell needs; all zero between cells. */
typedef struct room {
    double *weight, *hot[2]; /* [rows][stride] */
    int32_t *lo, *hi;        /* [rows] */
    uint32_t *stack;         /* pixels of a part that may still spread */
} room;

/* Middle of a cell: the mean of its pixels in the coordinates of the padded box, as
 * Cellpose has them, for rounding decides between pixels that are equally near. */
typedef struct middle {
    int64_t sum_y, sum_x;
    double mean_y, mean_x;
    int64_t y, x;    /* the nearest pixel of the cell, the first of several */
    double distance; /* squared, from the mean */
} middle;

typedef struct job {
    const qn_labels *labels;
    qn_cells cells;
    middle *middle; /* [n + 1] */
    room *rooms;    /* one per worker */
    qn_heat_f64_fn *heat;
    float *dy, *dx;
} job;

/* ---- middles --------------------------------------------------------------------- */

static void find_means(job *j)
{
    const qn_labels *labels = j->labels;
    const uint32_t *at = labels->at;
    for (int64_t y = 0; y < labels->height; y++)
        for (int64_t x = 0; x < labels->width; x++, at++) {
            j->middle[*at].sum_y += y;
            j->middle[*at].sum_x += x;
        }
    for (uint32_t label = 1; label <= j->cells.n; label++) {
        const qn_cell_box *box = &j->cells.box[label];
        const int64_t n = j->cells.area[label];
        middle *m = &j->middle[label];
        m->distance = INFINITY;
        if (n == 0) continue;
        m->mean_y = (double)(m->sum_y - n * (box->top - 1)) / (double)n;
        m->mean_x = (double)(m->sum_x - n * (box->left - 1)) / (double)n;
    }
}

static void find_middles(job *j)
{
    const qn_labels *labels = j->labels;
    const uint32_t *at = labels->at;
    find_means(j);
    for (int64_t y = 0; y < labels->height; y++)
        for (int64_t x = 0; x < labels->width; x++, at++) {
            if (*at == 0) continue;
            const qn_cell_box *box = &j->cells.box[*at];
            middle *m = &j->middle[*at];
            const double dy = (double)(y - box->top + 1) - m->mean_y;
            const double dx = (double)(x - box->left + 1) - m->mean_x;
            const double d = dx * dx + dy * dy;
            if (d >= m->distance) continue;
            m->distance = d;
            m->y = y;
            m->x = x;
        }
}

/* ---- one cell -------------------------------------------------------------------- */

/* A cell's padded box in a room. */
typedef struct shape {
    const qn_labels *labels;
    uint32_t label;
    int64_t rows, stride;
    int64_t top, left; /* of the picture where row 0 and column 0 are */
    int64_t first, last;
} shape;

static void add_pixel(const shape *s, room *r, int64_t y, int64_t x)
{
    r->weight[y * s->stride + x] = 1 / 9.;
    if (r->lo[y] == r->hi[y]) r->lo[y] = r->hi[y] = (int32_t)x;
    if (x < r->lo[y]) r->lo[y] = (int32_t)x;
    if (x >= r->hi[y]) r->hi[y] = (int32_t)x + 1;
}

static void add_all(shape *s, const qn_cell_box *box, room *r)
{
    for (int64_t y = box->top; y < box->bottom; y++)
        for (int64_t x = box->left; x < box->right; x++)
            if (s->labels->at[y * s->labels->width + x] == s->label)
                add_pixel(s, r, y - s->top, x - s->left);
    s->first = 1;
    s->last = s->rows - 1;
}

static bool is_new(const shape *s, const room *r, int64_t y, int64_t x)
{
    const int64_t v = y + s->top, u = x + s->left;
    return v >= 0 && u >= 0 && v < s->labels->height && u < s->labels->width &&
           s->labels->at[v * s->labels->width + u] == s->label &&
           r->weight[y * s->stride + x] == 0;
}

/* The part that hangs together with the middle: heat comes to no other, and a box full
 * of crumbs would take its time. */
static void add_part(shape *s, const middle *m, room *r)
{
    size_t n = 0;
    s->first = s->last = m->y - s->top;
    add_pixel(s, r, m->y - s->top, m->x - s->left);
    r->stack[n++] = (uint32_t)((m->y - s->top) * s->stride + m->x - s->left);
    while (n) {
        const int64_t at = r->stack[--n], y = at / s->stride, x = at % s->stride;
        if (y < s->first) s->first = y;
        if (y >= s->last) s->last = y + 1;
        for (int64_t v = y - 1; v <= y + 1; v++)
            for (int64_t u = x - 1; u <= x + 1; u++)
                if (is_new(s, r, v, u)) {
                    add_pixel(s, r, v, u);
                    r->stack[n++] = (uint32_t)(v * s->stride + u);
                }
    }
}

static void write_flows(const job *j, const shape *s, const room *r, const double *heat)
{
    const int64_t width = s->labels->width;
    for (int64_t y = s->first; y < s->last; y++)
        for (int64_t x = r->lo[y]; x < r->hi[y]; x++) {
            const double *at = heat + y * s->stride + x;
            if (r->weight[y * s->stride + x] == 0) continue;
            const double dy = at[s->stride] - at[-s->stride], dx = at[1] - at[-1];
            const double length = 1e-60 + sqrt(dy * dy + dx * dx);
            const int64_t i = (y + s->top) * width + x + s->left;
            j->dy[i] = (float)(dy / length);
            j->dx[i] = (float)(dx / length);
        }
}

static void clear(const shape *s, room *r)
{
    for (int64_t y = s->first; y < s->last; y++) {
        const int64_t at = y * s->stride + r->lo[y];
        const size_t bytes =
            (size_t)(r->hi[y] - r->lo[y] + QN_HEAT_PAD) * sizeof(double);
        memset(r->weight + at, 0, bytes);
        memset(r->hot[0] + at, 0, bytes);
        memset(r->hot[1] + at, 0, bytes);
        r->lo[y] = r->hi[y] = 0;
    }
}

static int64_t stride_of(const qn_cell_box *box)
{
    return box->right - box->left + 2 + QN_HEAT_PAD;
}

static void do_cell(const job *j, uint32_t label, room *r)
{
    const qn_cell_box *box = &j->cells.box[label];
    const middle *m = &j->middle[label];
    const int64_t h = box->bottom - box->top, w = box->right - box->left;
    shape s = {.labels = j->labels,
               .label = label,
               .rows = h + 2,
               .stride = stride_of(box),
               .top = box->top - 1,
               .left = box->left - 1};
    if (h * w > 8 * j->cells.area[label])
        add_part(&s, m, r);
    else
        add_all(&s, box, r);
    const qn_heat heat = {.stride = s.stride,
                          .first = s.first,
                          .last = s.last,
                          .lo = r->lo,
                          .hi = r->hi,
                          .weight = r->weight,
                          .from = r->hot[0],
                          .to = r->hot[1],
                          .row = m->y - s.top,
                          .column = m->x - s.left,
                          .steps = 2 * (h + w + 4)};
    j->heat(&heat);
    write_flows(j, &s, r, r->hot[0]);
    clear(&s, r);
}

static void do_cells(void *ctx, int64_t begin, int64_t end, int worker)
{
    const job *j = ctx;
    for (int64_t i = begin; i < end; i++)
        if (j->cells.area[i + 1]) do_cell(j, (uint32_t)i + 1, &j->rooms[worker]);
}

/* ---- all cells ------------------------------------------------------------------- */

static quern_status make_room(qn_arena *arena, int64_t pixels, int64_t rows, room *r,
                              quern_error *err)
{
    void *p[6];
    for (int i = 0; i < 3; i++)
        QN_TRY(qn_arena_array(arena, (size_t)pixels, sizeof(double), &p[i], err));
    for (int i = 3; i < 5; i++)
        QN_TRY(qn_arena_array(arena, (size_t)rows, sizeof(int32_t), &p[i], err));
    QN_TRY(qn_arena_raw(arena, (size_t)pixels * sizeof(uint32_t), &p[5], err));
    *r = (room){p[0], {p[1], p[2]}, p[3], p[4], p[5]};
    return QUERN_OK;
}

/* Rooms for the largest cell: one per worker, or a single one if that is big. */
static quern_status make_rooms(job *j, qn_pool **pool, qn_arena *arena,
                               quern_error *err)
{
    int64_t pixels = 0, rows = 0;
    void *rooms;
    for (uint32_t label = 1; label <= j->cells.n; label++) {
        const qn_cell_box *box = &j->cells.box[label];
        const int64_t h = box->bottom - box->top + 2, size = h * stride_of(box);
        if (size > pixels) pixels = size;
        if (h > rows) rows = h;
    }
    if (pixels > big) *pool = NULL;
    const int n = qn_pool_size(*pool);
    QN_TRY(qn_arena_array(arena, (size_t)n, sizeof *j->rooms, &rooms, err));
    j->rooms = rooms;
    for (int i = 0; i < n; i++)
        QN_TRY(make_room(arena, pixels, rows, &j->rooms[i], err));
    return QUERN_OK;
}

quern_status qn_labels_flows(const qn_labels *labels, uint32_t n, qn_pool *pool,
                             qn_arena *scratch, float *dy, float *dx, quern_error *err)
{
    const size_t pixels = (size_t)(labels->height * labels->width);
    qn_kernels kernels;
    void *middles;
    qn_kernels_init(&kernels, qn_cpu_isa());
    job j = {.labels = labels, .heat = kernels.heat_f64, .dy = dy, .dx = dx};
    QN_TRY(qn_labels_survey(labels, n, scratch, &j.cells, err));
    QN_TRY(qn_arena_array(scratch, (size_t)n + 1, sizeof *j.middle, &middles, err));
    j.middle = middles;
    QN_TRY(make_rooms(&j, &pool, scratch, err));
    find_middles(&j);
    memset(dy, 0, pixels * sizeof *dy);
    memset(dx, 0, pixels * sizeof *dx);
    qn_parallel_for(pool, n, GRAIN, do_cells, &j);
    return QUERN_OK;
}

/* ---- flow error ------------------------------------------------------------------ */

static double square_of_gap(float unit, float scaled)
{
    const float flow = isfinite(scaled) ? scaled / QN_FLOW_SCALE : 0;
    const double gap = (double)unit - (double)flow;
    return gap * gap;
}

quern_status qn_labels_flow_error(const qn_labels *labels, uint32_t n,
                                  const qn_flow_field *field, qn_pool *pool,
                                  qn_arena *scratch, double *error, quern_error *err)
{
    const size_t pixels = (size_t)(labels->height * labels->width);
    void *flows, *areas;
    QN_TRY(qn_arena_raw(scratch, 2 * pixels * sizeof(float), &flows, err));
    QN_TRY(qn_arena_array(scratch, (size_t)n + 1, sizeof(int64_t), &areas, err));
    float *dy = flows, *dx = dy + pixels;
    int64_t *area = areas;
    QN_TRY(qn_labels_flows(labels, n, pool, scratch, dy, dx, err));
    memset(error, 0, ((size_t)n + 1) * sizeof *error);
    for (size_t i = 0; i < pixels; i++) {
        const uint32_t label = labels->at[i];
        if (label == 0) continue;
        area[label]++;
        error[label] +=
            square_of_gap(dy[i], field->dy[i]) + square_of_gap(dx[i], field->dx[i]);
    }
    for (uint32_t label = 1; label <= n; label++)
        if (area[label]) error[label] /= (double)area[label];
    return QUERN_OK;
}
