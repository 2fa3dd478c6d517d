/* SPDX-License-Identifier: Apache-2.0 */
/* formats/cells_contour.c - outlines as text, the way Cellpose writes them: a line per
 * label, x,y,x,y,... of the pixels at its outer border, each a step of eight from the
 * one before, from the first pixel of the picture's rows downwards.
 *
 * Of a label in several pieces the longest outline counts; one of four pixels or fewer
 * leaves its line empty.  The pixels are those beside the edges that are walked along,
 * with pixels joined across corners. */
#include "engine/cells/crack.h"
#include "formats/cells_out.h"

typedef struct tracer {
    qn_labels labels;
    uint8_t *seen; /* a bit per pixel: the edge above it has been walked */
    uint32_t label;
    qn_buf points, longest; /* of pixel */
} tracer;

typedef struct pixel {
    int32_t x, y;
} pixel;

static size_t count(const qn_buf *points)
{
    return points->n / sizeof(pixel);
}

static pixel at(const qn_buf *points, size_t i)
{
    return ((const pixel *)(const void *)points->p)[i];
}

static void add_pixel(qn_buf *points, const qn_crack *crack)
{
    pixel p;
    const size_t n = count(points);
    qn_crack_pixel(crack, &p.x, &p.y);
    if (n > 0 && at(points, n - 1).x == p.x && at(points, n - 1).y == p.y) return;
    qn_buf_add(points, &p, sizeof p);
}

static qn_heading turn(const tracer *t, const qn_crack *c)
{
    bool mine, other;
    qn_crack_look(c, &t->labels, t->label, &mine, &other);
    if (other) return qn_turn_away(c->heading);
    return mine ? c->heading : qn_turn_to_label(c->heading);
}

/* Walks along the edge above (x, y) and on; twice the signed area, positive for an
 * outer border. */
static int64_t walk(tracer *t, int32_t x, int32_t y)
{
    qn_crack c = {x, y, QN_RIGHT};
    int64_t area2 = 0;
    qn_buf_clear(&t->points);
    do {
        const int32_t x0 = c.x, y0 = c.y;
        add_pixel(&t->points, &c);
        if (c.heading == QN_RIGHT) {
            const int64_t i = c.y * t->labels.width + c.x;
            t->seen[i >> 3] |= (uint8_t)(1u << (i & 7));
        }
        qn_crack_step(&c);
        c.heading = turn(t, &c);
        area2 += (int64_t)x0 * c.y - (int64_t)c.x * y0;
    } while (c.x != x || c.y != y || c.heading != QN_RIGHT);
    const size_t n = count(&t->points);
    if (n > 1 && at(&t->points, n - 1).x == at(&t->points, 0).x &&
        at(&t->points, n - 1).y == at(&t->points, 0).y)
        t->points.n -= sizeof(pixel);
    return area2;
}

static void take_if_longer(tracer *t)
{
    if (t->points.n <= t->longest.n) return;
    const qn_buf held = t->longest;
    t->longest = t->points;
    t->points = held;
}

static void find_longest(tracer *t, const qn_runs *runs)
{
    int64_t n;
    const qn_run *run = qn_runs_of(runs, t->label, &n);
    qn_buf_clear(&t->longest);
    for (int64_t i = 0; i < n; i++)
        for (int32_t x = run[i].begin; x < run[i].end; x++) {
            const int64_t k = run[i].line * t->labels.width + x;
            if (t->seen[k >> 3] >> (k & 7) & 1) continue;
            if (qn_label_at(&t->labels, t->label, x, run[i].line - 1)) continue;
            if (walk(t, x, run[i].line) > 0) take_if_longer(t);
        }
}

/* From the first pixel the other way round. */
static void put_line(const qn_buf *points, qn_buf *out)
{
    const size_t n = count(points);
    for (size_t i = 0; n > 4 && i < n; i++) {
        const pixel p = at(points, (n - i) % n);
        qn_buf_format(out, i ? ",%d,%d" : "%d,%d", p.x, p.y);
    }
    qn_buf_byte(out, '\n');
}

quern_status qn_cells_outlines_text(const qn_cells_out *c, qn_buf *out,
                                    quern_error *err)
{
    tracer t = {.labels = qn_segmented_labels(c->seg, c->z)};
    void *seen;
    const size_t bytes = (size_t)(t.labels.height * t.labels.width + 7) / 8;
    QN_TRY(qn_mem_alloc(c->mem, bytes, &seen, err));
    t.seen = seen;
    for (size_t i = 0; i < bytes; i++)
        t.seen[i] = 0;
    qn_buf_init(&t.points, c->mem);
    qn_buf_init(&t.longest, c->mem);
    for (t.label = 1; t.label <= c->runs->n_labels; t.label++) {
        if (c->measures->cell[t.label - 1].area == 0) continue;
        find_longest(&t, c->runs);
        put_line(&t.longest, out);
    }
    quern_status status = qn_buf_status(&t.points, err);
    if (status == QUERN_OK) status = qn_buf_status(&t.longest, err);
    if (status == QUERN_OK) status = qn_buf_status(out, err);
    qn_buf_done(&t.points);
    qn_buf_done(&t.longest);
    qn_mem_free(c->mem, seen, bytes);
    return status;
}
