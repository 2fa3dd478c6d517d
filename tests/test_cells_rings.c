/* SPDX-License-Identifier: Apache-2.0 */
/* tests/test_cells_rings.c - runs and exact outlines of labels: what is traced, filled
 * again, must be the label, whatever its shape. */
#include "engine/cells/rings.h"
#include "tests/test.h"

#include <string.h>

enum { SIDE = 24 };

typedef struct scene {
    qn_mem mem;
    qn_arena arena;
    qn_labels labels;
    qn_runs runs;
    qn_rings rings;
    quern_error err;
} scene;

/* Rows of digits, zero-ended; a full stop is background. */
static bool scene_begin(qn_test *t, scene *s, const uint32_t *at, int64_t height,
                        int64_t width, uint32_t n)
{
    memset(s, 0, sizeof *s);
    qn_mem_init(&s->mem, NULL, 0);
    qn_arena_init(&s->arena, &s->mem);
    uint32_t *own = qn_exact(t, (size_t)(height * width) * sizeof *own);
    memcpy(own, at, (size_t)(height * width) * sizeof *own);
    s->labels = (qn_labels){height, width, own};
    return CHECK_OK(t, qn_runs_make(&s->labels, n, false, &s->arena, &s->runs, &s->err),
                    &s->err) &&
           CHECK_OK(t, qn_rings_init(&s->rings, &s->mem, &s->labels, &s->runs, &s->err),
                    &s->err);
}

static void scene_end(qn_test *t, scene *s)
{
    qn_rings_done(&s->rings);
    qn_arena_done(&s->arena);
    CHECK_EQ(t, (int64_t)s->mem.used, 0);
}

static void digits(const char *text, uint32_t *at)
{
    for (; *text; text++)
        *at++ = *text == '.' ? 0 : (uint32_t)(*text - '0');
}

/* Marks every pixel that lies right of an upright edge of the ring an odd number of
 * times: the even-odd rule over all rings of the label. */
static void fill(const qn_rings *rings, const qn_ring *ring, uint8_t *odd,
                 int64_t width)
{
    const qn_corner *c = rings->corners + ring->first;
    for (int64_t i = 0; i < ring->n; i++) {
        const qn_corner *a = &c[i], *b = &c[(i + 1) % ring->n];
        const int32_t top = a->y < b->y ? a->y : b->y,
                      bottom = a->y < b->y ? b->y : a->y;
        for (int32_t y = top; y < bottom; y++)
            for (int64_t x = a->x; x < width; x++)
                odd[y * width + x] ^= 1;
    }
}

/* Corners turn by right angles, none comes twice, the ring closes the right way round.
 */
static void check_ring(qn_test *t, const qn_rings *rings, const qn_ring *ring)
{
    const qn_corner *c = rings->corners + ring->first;
    CHECK(t, ring->n >= 4 && ring->n % 2 == 0);
    CHECK(t, (qn_ring_area2(rings, ring) > 0) == !ring->is_hole);
    for (int64_t i = 0; i < ring->n; i++) {
        const qn_corner *a = &c[i], *b = &c[(i + 1) % ring->n],
                        *d = &c[(i + 2) % ring->n];
        CHECK(t, (a->x == b->x) != (a->y == b->y));
        CHECK(t, (a->x == b->x) == (b->y == d->y));
        for (int64_t k = 0; k < i; k++)
            CHECK(t, c[k].x != a->x || c[k].y != a->y);
    }
}

static void check_label(qn_test *t, scene *s, uint32_t label)
{
    const int64_t pixels = s->labels.height * s->labels.width;
    uint8_t *odd = qn_exact(t, (size_t)pixels);
    int64_t area2 = 0, area = 0, outer = 0, wrong = 0;
    memset(odd, 0, (size_t)pixels);
    if (!CHECK_OK(t, qn_rings_trace(&s->rings, label, &s->err), &s->err)) return;
    for (int64_t i = 0; i < s->rings.n; i++) {
        const qn_ring *ring = &s->rings.ring[i];
        check_ring(t, &s->rings, ring);
        CHECK(t, ring->is_hole == (i > 0 && ring[-1].part == ring->part));
        outer += !ring->is_hole;
        area2 += qn_ring_area2(&s->rings, ring);
        fill(&s->rings, ring, odd, s->labels.width);
    }
    for (int64_t i = 0; i < pixels; i++) {
        area += s->labels.at[i] == label;
        wrong += (s->labels.at[i] == label) != odd[i];
    }
    CHECK_EQ(t, area2, 2 * area);
    CHECK_EQ(t, outer, s->rings.n_parts);
    CHECK_EQ(t, wrong, 0);
}

void test_rings_shapes(qn_test *t)
{
    /* a donut with an island, a bow tie, a hole that touches the outside at a corner */
    static const char picture[] = "11111...22.."
                                  "1...1...22.."
                                  "1.1.1.....22"
                                  "1...1.....22"
                                  "11111......."
                                  "333.....4..."
                                  "3.3....4.4.."
                                  "33......4...";
    uint32_t at[8 * 12];
    scene s;
    digits(picture, at);
    if (!scene_begin(t, &s, at, 8, 12, 5)) return;
    static const int64_t rings[] = {3, 2, 2, 4, 0}, parts[] = {2, 2, 1, 4, 0};
    for (uint32_t label = 1; label <= 5; label++) {
        qn_note(t, "label %u", label);
        check_label(t, &s, label);
        CHECK_EQ(t, s.rings.n, rings[label - 1]);
        CHECK_EQ(t, s.rings.n_parts, parts[label - 1]);
    }
    /* the ring of a single pixel, in words */
    REQUIRE_OK(t, qn_rings_trace(&s.rings, 4, &s.err), &s.err);
    const qn_corner *c = s.rings.corners + s.rings.ring[0].first;
    CHECK(t, c[0].x == 9 && c[0].y == 5 && c[1].x == 9 && c[1].y == 6);
    CHECK(t, c[2].x == 8 && c[2].y == 6 && c[3].x == 8 && c[3].y == 5);
    scene_end(t, &s);
}

void test_rings_random(qn_test *t)
{
    uint32_t at[SIDE * SIDE];
    for (int round = 0; round < 150; round++) {
        const int64_t height = qn_test_int(t, 1, SIDE), width = qn_test_int(t, 1, SIDE);
        const int64_t n = qn_test_int(t, 1, 3), none = qn_test_int(t, 0, 2);
        scene s;
        qn_note(t, "round %d, %d x %d", round, (int)width, (int)height);
        for (int64_t i = 0; i < height * width; i++) {
            const int64_t v = qn_test_int(t, -none, n);
            at[i] = v < 0 ? 0 : (uint32_t)v;
        }
        if (!scene_begin(t, &s, at, height, width, (uint32_t)n)) return;
        for (uint32_t label = 1; label <= n; label++)
            check_label(t, &s, label);
        if (n > 0) check_label(t, &s, 1); /* again: nothing is remembered */
        scene_end(t, &s);
    }
}

void test_runs_by_row_and_column(qn_test *t)
{
    static const char picture[] = "11.22"
                                  "1..22"
                                  "1221.";
    uint32_t at[15];
    qn_runs columns;
    int64_t n;
    scene s;
    digits(picture, at);
    if (!scene_begin(t, &s, at, 3, 5, 3)) return;
    const qn_run *run = qn_runs_of(&s.runs, 1, &n);
    CHECK_EQ(t, n, 4);
    CHECK(t, run[0].line == 0 && run[0].begin == 0 && run[0].end == 2);
    CHECK(t, run[3].line == 2 && run[3].begin == 3 && run[3].end == 4);
    run = qn_runs_of(&s.runs, 3, &n);
    CHECK_EQ(t, n, 0);
    REQUIRE_OK(t, qn_runs_make(&s.labels, 3, true, &s.arena, &columns, &s.err), &s.err);
    run = qn_runs_of(&columns, 2, &n);
    CHECK_EQ(t, n, 4);
    CHECK(t, run[0].line == 1 && run[0].begin == 2 && run[0].end == 3);
    CHECK(t, run[3].line == 4 && run[3].begin == 0 && run[3].end == 2);
    CHECK_FAILS(t, qn_runs_make(&s.labels, 1, false, &s.arena, &columns, &s.err),
                QUERN_DATA, &s.err, "label 2, of only 1");
    scene_end(t, &s);
}
