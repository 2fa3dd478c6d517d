/* SPDX-License-Identifier: Apache-2.0 */
/* engine/cells/neighbours.c - which cells touch or lie near a cell: from the pixels at
 * its border every pixel within the distance is looked at. */
#include "engine/cells/crack.h"
#include "engine/cells/measure_parts.h"

#include <stdlib.h>

#define BYTES_SEEN 12 /* a pixel of a cell: labels, and ground between the cells */

typedef struct offset {
    int32_t x, y;
} offset;

typedef struct search {
    const qn_labels *labels;
    const qn_runs *runs;
    qn_cell *cells;
    offset *offsets; /* the eight that touch first */
    int64_t n_offsets;
    /* per worker [n + 1]: 2 * the label beside which it was seen last, 1 more: touching
     */
    uint64_t *seen;
    qn_mem *mem;
} search;

static bool is_near(int32_t x, int32_t y, double near)
{
    return (x || y) && (double)x * x + (double)y * y <= near * near;
}

static quern_status list_offsets(search *s, double near, qn_arena *arena,
                                 quern_error *err)
{
    const int32_t reach = (int32_t)near;
    const size_t side = 2 * (size_t)reach + 1;
    void *room;
    QN_TRY(qn_arena_array(arena, side * side + 8, sizeof(offset), &room, err));
    s->offsets = room;
    for (int32_t y = -1; y <= 1; y++)
        for (int32_t x = -1; x <= 1; x++)
            if (x || y) s->offsets[s->n_offsets++] = (offset){x, y};
    for (int32_t y = -reach; y <= reach; y++)
        for (int32_t x = -reach; x <= reach; x++)
            if (is_near(x, y, near) && (abs(x) > 1 || abs(y) > 1))
                s->offsets[s->n_offsets++] = (offset){x, y};
    return QUERN_OK;
}

/* Counts what a pixel at the border sees. */
static void look_round(const search *s, uint32_t label, int32_t x, int32_t y,
                       uint64_t *seen)
{
    const qn_labels *labels = s->labels;
    qn_cell *cell = &s->cells[label - 1];
    for (int64_t k = 0; k < s->n_offsets; k++) {
        const int64_t nx = (int64_t)x + s->offsets[k].x;
        const int64_t ny = (int64_t)y + s->offsets[k].y;
        if (nx < 0 || ny < 0 || nx >= labels->width || ny >= labels->height) continue;
        const uint32_t other = labels->at[ny * labels->width + nx];
        if (other == 0 || other == label) continue;
        if (seen[other] >> 1 != label) {
            seen[other] = 2 * (uint64_t)label;
            cell->n_near++;
        }
        if (k < 8 && seen[other] == 2 * (uint64_t)label) {
            seen[other]++;
            cell->n_touching++;
        }
    }
}

static bool is_inside(const qn_labels *labels, uint32_t label, int32_t x, int32_t y)
{
    return qn_label_at(labels, label, x - 1, y) &&
           qn_label_at(labels, label, x + 1, y) &&
           qn_label_at(labels, label, x, y - 1) && qn_label_at(labels, label, x, y + 1);
}

static void search_cells(void *ctx, int64_t begin, int64_t end, int worker)
{
    const search *s = ctx;
    uint64_t *seen = s->seen + (size_t)worker * ((size_t)s->runs->n_labels + 1);
    for (int64_t k = begin; k < end; k++) {
        const uint32_t label = (uint32_t)k + 1;
        int64_t n;
        const qn_run *run = qn_runs_of(s->runs, label, &n);
        for (int64_t i = 0; i < n; i++)
            for (int32_t x = run[i].begin; x < run[i].end; x++)
                if (!is_inside(s->labels, label, x, run[i].line))
                    look_round(s, label, x, run[i].line, seen);
        qn_mem_passed(s->mem, (size_t)s->cells[k].area * BYTES_SEEN);
    }
}

quern_status qn_cells_neighbours(const qn_labels *labels, const qn_runs *runs,
                                 double near, qn_pool *pool, qn_arena *arena,
                                 qn_cell *cells, quern_error *err)
{
    search s = {.labels = labels, .runs = runs, .cells = cells, .mem = arena->mem};
    void *seen;
    size_t n;
    QN_TRY(list_offsets(&s, near, arena, err));
    if (!qn_size_mul((size_t)runs->n_labels + 1, (size_t)qn_pool_size(pool), &n))
        return qn_fail(err, QUERN_LIMIT, "%u cells", runs->n_labels);
    QN_TRY(qn_arena_array(arena, n, sizeof(uint64_t), &seen, err));
    s.seen = seen;
    qn_parallel_for(pool, runs->n_labels, 64, search_cells, &s);
    return QUERN_OK;
}
