/* SPDX-License-Identifier: Apache-2.0 */
/* engine/cells/measure.c - see measure.h.  Cells are measured one by one, each by one
 * thread, over their runs. */
#include "engine/cells/measure.h"

#include "engine/cells/measure_parts.h"

#include <math.h>

#define BYTES_SEEN                                                    \
    16 /* a pixel of a cell: label, samples, ground between the cells \
        */

typedef struct task {
    const qn_segmented *seg;
    int64_t z;
    const qn_runs *runs;
    qn_labels labels;
    qn_cell *cells;
    qn_intensity *intensity;
    int n_channels;
    /* what each worker needs: for the largest cell */
    int64_t most_pixels, most_rows;
    char *room;
    size_t room_bytes;
    qn_mem *mem;
} task;

qn_labels qn_segmented_labels(const qn_segmented *seg, int64_t z)
{
    return (qn_labels){seg->height, seg->width,
                       (uint32_t *)seg->labels + z * seg->height * seg->width};
}

static void find_most(task *t)
{
    for (uint32_t label = 1; label <= t->runs->n_labels; label++) {
        int64_t n, pixels = 0, rows = 0;
        const qn_run *run = qn_runs_of(t->runs, label, &n);
        for (int64_t i = 0; i < n; i++) {
            pixels += run[i].end - run[i].begin;
            rows += i == 0 || run[i].line != run[i - 1].line;
        }
        t->most_pixels = pixels > t->most_pixels ? pixels : t->most_pixels;
        t->most_rows = rows > t->most_rows ? rows : t->most_rows;
        qn_mem_passed(t->mem, (size_t)n * sizeof *run);
    }
}

static quern_status make_room(task *t, qn_pool *pool, qn_arena *arena, quern_error *err)
{
    void *room;
    const size_t rows = (size_t)t->most_rows + 1, pixels = (size_t)t->most_pixels;
    /* two sides of two corners a row, each x and y; the samples of a channel */
    t->room_bytes = 2 * 2 * rows * 2 * sizeof(int64_t) + (pixels + 2) / 2 * 8;
    QN_TRY(
        qn_arena_array(arena, (size_t)qn_pool_size(pool), t->room_bytes, &room, err));
    t->room = room;
    return QUERN_OK;
}

static void measure_intensities(const task *t, const qn_cell_pixels *p, float *room)
{
    const qn_planes *picture = t->seg->picture;
    qn_intensity *out = t->intensity + (size_t)(p->label - 1) * (size_t)t->n_channels;
    for (int c = 0; c < t->n_channels; c++)
        qn_cell_intensity(p, qn_planes_channel(picture, t->z, c), picture->dtype, room,
                          &out[c]);
}

static void measure_cell(const task *t, uint32_t label, void *room)
{
    qn_cell *cell = &t->cells[label - 1];
    qn_cell_pixels p = {.labels = &t->labels, .label = label};
    const int64_t pixels = t->seg->height * t->seg->width;
    int64_t *corners = room;
    const qn_hull_room hull = {corners, corners + 4 * (t->most_rows + 1)};
    p.run = qn_runs_of(t->runs, label, &p.n_runs);
    if (p.n_runs == 0) return;
    qn_cell_moments(&p, cell);
    qn_cell_hull(&p, &hull, cell);
    qn_cell_perimeter(&p, cell);
    cell->flow_error = t->seg->flow_error ? t->seg->flow_error[label - 1] : NAN;
    cell->prob = t->seg->prob ? qn_cell_mean_prob(&p, t->seg->prob + t->z * pixels)
                 : t->seg->cell_prob ? (double)t->seg->cell_prob[label - 1]
                                     : NAN;
    measure_intensities(t, &p, (float *)(corners + 8 * (t->most_rows + 1)));
    qn_mem_passed(t->mem, sizeof *cell + (size_t)cell->area * BYTES_SEEN);
}

static void measure_cells(void *ctx, int64_t begin, int64_t end, int worker)
{
    const task *t = ctx;
    for (int64_t k = begin; k < end; k++)
        measure_cell(t, (uint32_t)k + 1, t->room + (size_t)worker * t->room_bytes);
}

/* The picture may be absent, and must else be of the labels' size. */
static quern_status check(const qn_segmented *seg, const qn_measure_options *options,
                          quern_error *err)
{
    const qn_planes *p = seg->picture;
    if (!(options->near >= 0 && options->near <= QN_MEASURE_NEAR_MAX))
        return qn_fail(err, QUERN_INVALID, "neighbours within %g pixels; 0 to %g go",
                       options->near, QN_MEASURE_NEAR_MAX);
    if (p && (p->height != seg->height || p->width != seg->width))
        return qn_fail(err, QUERN_DATA,
                       "labels of %lld x %lld pixels, a picture of "
                       "%lld x %lld",
                       (long long)seg->width, (long long)seg->height,
                       (long long)p->width, (long long)p->height);
    return QUERN_OK;
}

static quern_status make_rows(task *t, qn_arena *arena, quern_error *err)
{
    const size_t n = t->runs->n_labels;
    void *cells, *intensity;
    size_t values;
    if (!qn_size_mul(n, (size_t)t->n_channels, &values))
        return qn_fail(err, QUERN_LIMIT, "%zu cells of %d channels", n, t->n_channels);
    QN_TRY(qn_arena_array(arena, n + 1, sizeof(qn_cell), &cells, err));
    QN_TRY(qn_arena_array(arena, values + 1, sizeof(qn_intensity), &intensity, err));
    t->cells = cells;
    t->intensity = intensity;
    return QUERN_OK;
}

quern_status qn_measure(const qn_segmented *seg, int64_t z, const qn_runs *runs,
                        const qn_measure_options *options, qn_pool *pool,
                        qn_arena *arena, qn_measures *out, quern_error *err)
{
    task t = {.seg = seg, .z = z, .runs = runs, .labels = qn_segmented_labels(seg, z)};
    t.mem = arena->mem;
    QN_TRY(check(seg, options, err));
    t.n_channels = seg->picture ? (int)seg->picture->channels : 0;
    find_most(&t);
    QN_TRY(make_rows(&t, arena, err));
    QN_TRY(make_room(&t, pool, arena, err));
    qn_parallel_for(pool, runs->n_labels, 8, measure_cells, &t);
    QN_TRY(
        qn_cells_neighbours(&t.labels, runs, options->near, pool, arena, t.cells, err));
    QN_TRY(qn_cells_nearest(t.cells, runs->n_labels, pool, arena, err));
    *out = (qn_measures){.n = runs->n_labels,
                         .cell = t.cells,
                         .n_channels = t.n_channels,
                         .intensity = t.intensity};
    return qn_cells_census(t.cells, runs->n_labels, &t.labels, arena, &out->census,
                           err);
}
