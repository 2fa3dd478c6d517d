/* SPDX-License-Identifier: Apache-2.0 */
/* engine/cells/nearest.c - the distance from each centroid to the nearest other one, by
 * a tree that halves the points by x and by y in turns (Bentley 1975).  It has no
 * pointers: the middle of a range of points is the node. */
#include "engine/cells/measure_parts.h"

#include <math.h>

typedef struct spot {
    double at[2]; /* x, y */
    uint32_t cell;
} spot;

static void swap(spot *a, spot *b)
{
    const spot held = *a;
    *a = *b;
    *b = held;
}

/* The k-th along the axis to its place, smaller ones before it, larger ones behind. */
static void part(spot *p, int64_t n, int64_t k, int axis)
{
    int64_t lo = 0, hi = n - 1;
    while (lo < hi) {
        const double pivot = p[lo + (hi - lo) / 2].at[axis];
        int64_t i = lo, j = hi;
        while (i <= j) {
            while (p[i].at[axis] < pivot)
                i++;
            while (p[j].at[axis] > pivot)
                j--;
            if (i > j) break;
            swap(&p[i++], &p[j--]);
        }
        if (k > j && k < i) return;
        if (k <= j)
            hi = j;
        else
            lo = i;
    }
}

static void build(spot *p, int64_t n, int axis)
{
    while (n > 1) {
        const int64_t middle = n / 2;
        part(p, n, middle, axis);
        axis = !axis;
        build(p, middle, axis);
        p += middle + 1;
        n -= middle + 1;
    }
}

typedef struct query {
    const spot *from;
    double best; /* square of the distance */
} query;

static void find(query *q, const spot *p, int64_t n, int axis)
{
    while (n > 0) {
        const int64_t middle = n / 2;
        const spot *node = p + middle;
        const double dx = q->from->at[0] - node->at[0];
        const double dy = q->from->at[1] - node->at[1];
        const double off = axis ? dy : dx;
        if (node != q->from && dx * dx + dy * dy < q->best) q->best = dx * dx + dy * dy;
        const spot *behind = node + 1;
        const int64_t n_behind = n - middle - 1;
        axis = !axis;
        /* the near side first; the far one only if it can hold something nearer */
        if (off < 0) {
            find(q, p, middle, axis);
            p = behind;
            n = off * off < q->best ? n_behind : 0;
        } else {
            find(q, behind, n_behind, axis);
            n = off * off < q->best ? middle : 0;
        }
    }
}

typedef struct task {
    const spot *spots;
    int64_t n;
    qn_cell *cells;
    qn_mem *mem;
} task;

static void find_all(void *ctx, int64_t begin, int64_t end, int worker)
{
    const task *t = ctx;
    (void)worker;
    for (int64_t i = begin; i < end; i++) {
        query q = {&t->spots[i], INFINITY};
        find(&q, t->spots, t->n, 0);
        t->cells[t->spots[i].cell].nearest = t->n > 1 ? sqrt(q.best) : NAN;
    }
    qn_mem_passed(t->mem, (size_t)(end - begin) * sizeof *t->cells);
}

quern_status qn_cells_nearest(qn_cell *cells, uint32_t n, qn_pool *pool,
                              qn_arena *arena, quern_error *err)
{
    void *room;
    task t = {.cells = cells, .mem = arena->mem};
    QN_TRY(qn_arena_array(arena, (size_t)n + 1, sizeof(spot), &room, err));
    spot *spots = room;
    for (uint32_t i = 0; i < n; i++)
        if (cells[i].area > 0) spots[t.n++] = (spot){{cells[i].x, cells[i].y}, i};
    build(spots, t.n, 0);
    t.spots = spots;
    qn_parallel_for(pool, t.n, 256, find_all, &t);
    return QUERN_OK;
}
