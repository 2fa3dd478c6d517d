/* SPDX-License-Identifier: Apache-2.0 */
/* engine/cells/rings.c - see rings.h.
 *
 * Every ring has an edge with the label below it, so the search for rings looks at
 * those only, and marks them.  Where two pixels of the label meet at a corner alone,
 * there are two ways on.  Of one part: the pixels enclose what lies at one side, so
 * parting the other two pixels keeps every ring simple.  Of two parts: the label's
 * pixels are parted. */
#include "engine/cells/rings.h"

#include "engine/cells/crack.h"

#include <stdlib.h>
#include <string.h>

typedef struct list {
    void *p;
    size_t n, cap; /* items */
} list;

struct qn_ring_tracer {
    qn_mem *mem;
    const qn_labels *labels;
    const qn_runs *runs;
    uint8_t *seen; /* a bit per pixel: the edge above it is part of a ring */
    size_t seen_bytes;
    list corners, rings, parents, parts;
    /* of the label at hand */
    uint32_t label;
    const qn_run *run;
    int64_t n_runs;
};
typedef struct qn_ring_tracer tracer;

/* Room for n items of size bytes; what is there stays. */
static quern_status reserve(qn_mem *mem, list *l, size_t n, size_t size,
                            quern_error *err)
{
    size_t cap = l->cap ? l->cap : 64, bytes;
    void *p;
    if (n <= l->cap) return QUERN_OK;
    while (cap < n)
        cap *= 2;
    if (!qn_size_mul(cap, size, &bytes))
        return qn_fail(err, QUERN_LIMIT, "an outline of %zu points", n);
    QN_TRY(qn_mem_alloc(mem, bytes, &p, err));
    if (l->p) {
        memcpy(p, l->p, l->n * size);
        qn_mem_free(mem, l->p, l->cap * size);
    }
    l->p = p;
    l->cap = cap;
    return QUERN_OK;
}

static void release(qn_mem *mem, list *l, size_t size)
{
    if (l->p) qn_mem_free(mem, l->p, l->cap * size);
}

static quern_status put_corner(tracer *t, const qn_crack *at, quern_error *err)
{
    QN_TRY(reserve(t->mem, &t->corners, t->corners.n + 1, sizeof(qn_corner), err));
    ((qn_corner *)t->corners.p)[t->corners.n++] = (qn_corner){at->x, at->y};
    return QUERN_OK;
}

/* ---- parts: runs that touch from row to row belong together ---------------------- */

static int64_t root_of(int64_t *parent, int64_t i)
{
    while (parent[i] != i)
        i = parent[i] = parent[parent[i]];
    return i;
}

/* The smaller number becomes the root, so that roots are the first runs of parts. */
static void join(int64_t *parent, int64_t a, int64_t b)
{
    a = root_of(parent, a);
    b = root_of(parent, b);
    if (a < b)
        parent[b] = a;
    else
        parent[a] = b;
}

static void join_rows(tracer *t, int64_t *parent)
{
    const qn_run *r = t->run;
    for (int64_t above = 0, i = 0; i < t->n_runs; i++) {
        while (above < i &&
               (r[above].line < r[i].line - 1 ||
                (r[above].line == r[i].line - 1 && r[above].end <= r[i].begin)))
            above++;
        for (int64_t k = above;
             k < i && r[k].line == r[i].line - 1 && r[k].begin < r[i].end; k++)
            join(parent, k, i);
    }
}

static quern_status find_parts(tracer *t, int64_t *n_parts, quern_error *err)
{
    const size_t n = (size_t)t->n_runs;
    QN_TRY(reserve(t->mem, &t->parents, n, sizeof(int64_t), err));
    QN_TRY(reserve(t->mem, &t->parts, n, sizeof(int64_t), err));
    int64_t *parent = t->parents.p, *part = t->parts.p;
    for (int64_t i = 0; i < t->n_runs; i++)
        parent[i] = i;
    join_rows(t, parent);
    *n_parts = 0;
    for (int64_t i = 0; i < t->n_runs; i++) {
        const int64_t root = root_of(parent, i);
        part[i] = root == i ? (*n_parts)++ : part[root];
    }
    return QUERN_OK;
}

/* The part of a pixel of the label. */
static int64_t part_at(const tracer *t, int32_t x, int32_t y)
{
    int64_t lo = 0, hi = t->n_runs;
    while (hi - lo > 1) {
        const int64_t mid = lo + (hi - lo) / 2;
        const qn_run *r = &t->run[mid];
        if (r->line < y || (r->line == y && r->begin <= x))
            lo = mid;
        else
            hi = mid;
    }
    return ((const int64_t *)t->parts.p)[lo];
}

/* ---- rings ----------------------------------------------------------------------- */

static bool is_seen(const tracer *t, int64_t pixel)
{
    return t->seen[pixel >> 3] >> (pixel & 7) & 1;
}

static void forget_seen(tracer *t)
{
    for (int64_t i = 0; i < t->n_runs; i++) {
        const int64_t row = t->run[i].line * t->labels->width;
        for (int64_t p = row + t->run[i].begin; p < row + t->run[i].end; p++)
            t->seen[p >> 3] &= (uint8_t) ~(1u << (p & 7));
    }
}

/* The two pixels of the label that meet at the corner only: beside the edge that was
 * walked, and across. */
static bool is_one_part(const tracer *t, const qn_crack *before)
{
    int32_t x0, y0, x1, y1;
    qn_crack on = *before;
    qn_crack_pixel(&on, &x0, &y0);
    qn_crack_step(&on);
    on.heading = qn_turn_away(on.heading);
    qn_crack_pixel(&on, &x1, &y1);
    return part_at(t, x0, y0) == part_at(t, x1, y1);
}

static qn_heading turn(const tracer *t, const qn_crack *before, const qn_crack *at)
{
    bool mine, other;
    qn_crack_look(at, t->labels, t->label, &mine, &other);
    if (!other) return mine ? at->heading : qn_turn_to_label(at->heading);
    if (mine) return qn_turn_away(at->heading);
    return is_one_part(t, before) ? qn_turn_away(at->heading)
                                  : qn_turn_to_label(at->heading);
}

/* The ring that goes along the edge above pixel (x, y). */
static quern_status trace_ring(tracer *t, int32_t x, int32_t y, quern_error *err)
{
    const qn_crack start = {x, y, QN_RIGHT};
    const size_t first = t->corners.n;
    qn_crack at = start;
    do {
        const qn_crack before = at;
        if (at.heading == QN_RIGHT) {
            const int64_t pixel = at.y * t->labels->width + at.x;
            t->seen[pixel >> 3] |= (uint8_t)(1u << (pixel & 7));
        }
        qn_crack_step(&at);
        at.heading = turn(t, &before, &at);
        if (at.heading != before.heading) QN_TRY(put_corner(t, &at, err));
    } while (at.x != start.x || at.y != start.y || at.heading != start.heading);
    QN_TRY(reserve(t->mem, &t->rings, t->rings.n + 1, sizeof(qn_ring), err));
    ((qn_ring *)t->rings.p)[t->rings.n++] = (qn_ring){
        (int64_t)first, (int64_t)(t->corners.n - first), part_at(t, x, y), false};
    return QUERN_OK;
}

static quern_status trace_run(tracer *t, const qn_run *run, quern_error *err)
{
    const int64_t row = run->line * t->labels->width;
    for (int32_t x = run->begin; x < run->end; x++) {
        if (is_seen(t, row + x) || qn_label_at(t->labels, t->label, x, run->line - 1))
            continue;
        QN_TRY(trace_ring(t, x, run->line, err));
    }
    return QUERN_OK;
}

static int by_part(const void *a, const void *b)
{
    const qn_ring *p = a, *q = b;
    if (p->part != q->part) return p->part < q->part ? -1 : 1;
    return p->first < q->first ? -1 : p->first > q->first;
}

/* The first ring of a part is found at its topmost pixel, so it is the outer one. */
static void mark_holes(qn_ring *rings, size_t n)
{
    for (size_t i = 0; i < n; i++)
        rings[i].is_hole = i > 0 && rings[i - 1].part == rings[i].part;
}

quern_status qn_rings_trace(qn_rings *rings, uint32_t label, quern_error *err)
{
    tracer *t = rings->tracer;
    rings->n = rings->n_parts = 0;
    t->corners.n = t->rings.n = 0;
    t->label = label;
    t->run = qn_runs_of(t->runs, label, &t->n_runs);
    if (t->n_runs == 0) return QUERN_OK;
    forget_seen(t);
    QN_TRY(find_parts(t, &rings->n_parts, err));
    for (int64_t i = 0; i < t->n_runs; i++)
        QN_TRY(trace_run(t, &t->run[i], err));
    qsort(t->rings.p, t->rings.n, sizeof(qn_ring), by_part);
    mark_holes(t->rings.p, t->rings.n);
    rings->corners = t->corners.p;
    rings->ring = t->rings.p;
    rings->n = (int64_t)t->rings.n;
    return QUERN_OK;
}

quern_status qn_rings_init(qn_rings *rings, qn_mem *mem, const qn_labels *labels,
                           const qn_runs *runs, quern_error *err)
{
    void *room, *seen;
    const size_t bytes = (size_t)(labels->height * labels->width + 7) / 8;
    *rings = (qn_rings){0};
    QN_TRY(qn_mem_alloc(mem, sizeof(tracer), &room, err));
    rings->tracer = room;
    *rings->tracer = (tracer){.mem = mem, .labels = labels, .runs = runs};
    QN_TRY(qn_mem_alloc(mem, bytes, &seen, err));
    rings->tracer->seen = seen;
    rings->tracer->seen_bytes = bytes;
    return QUERN_OK;
}

void qn_rings_done(qn_rings *rings)
{
    tracer *t = rings->tracer;
    if (!t) return;
    release(t->mem, &t->corners, sizeof(qn_corner));
    release(t->mem, &t->rings, sizeof(qn_ring));
    release(t->mem, &t->parents, sizeof(int64_t));
    release(t->mem, &t->parts, sizeof(int64_t));
    if (t->seen) qn_mem_free(t->mem, t->seen, t->seen_bytes);
    qn_mem_free(t->mem, t, sizeof *t);
    *rings = (qn_rings){0};
}

int64_t qn_ring_area2(const qn_rings *rings, const qn_ring *ring)
{
    const qn_corner *c = rings->corners + ring->first;
    int64_t sum = 0;
    for (int64_t i = 0; i < ring->n; i++) {
        const qn_corner *a = &c[i], *b = &c[i + 1 < ring->n ? i + 1 : 0];
        sum += (int64_t)a->x * b->y - (int64_t)b->x * a->y;
    }
    return sum;
}
