/* SPDX-License-Identifier: Apache-2.0 */
/* engine/cells/boundary.c - see boundary.h.  A boundary is the pixels of a cell that
 * have something else above, below, left or right.  Pixels near it are found in one
 * pass down, one up and one along: a pixel at distance g from the boundary in its
 * column covers sqrt(reach^2 - g^2) pixels to each side. */
#include "engine/cells/boundary.h"

#include <math.h>
#include <string.h>

typedef struct nearness {
    int64_t height, width;
    int32_t most;    /* whole pixels within reach */
    int32_t *spread; /* [most + 1]: pixels to each side */
    int32_t *gap;    /* [height][width] from the boundary in the column */
    int32_t *begun;  /* [width + 1]: covers that begin here less those that ended */
} nearness;

static quern_status make_nearness(nearness *n, const qn_labels *labels, double reach,
                                  qn_arena *arena, quern_error *err)
{
    const int64_t height = labels->height, width = labels->width;
    const double side = (double)(height > width ? height : width);
    void *p[3];
    n->height = height;
    n->width = width;
    n->most = (int32_t)fmin(reach, side);
    QN_TRY(qn_arena_array(arena, (size_t)n->most + 1, sizeof(int32_t), &p[0], err));
    QN_TRY(qn_arena_raw(arena, (size_t)(height * width) * sizeof(int32_t), &p[1], err));
    QN_TRY(qn_arena_array(arena, (size_t)width + 1, sizeof(int32_t), &p[2], err));
    n->spread = p[0];
    n->gap = p[1];
    n->begun = p[2];
    for (int32_t g = 0; g <= n->most; g++) {
        double x = floor(sqrt(fmax(0, reach * reach - (double)g * g))) + 1;
        while (x > 0 && sqrt(x * x + (double)g * g) > reach)
            x--;
        n->spread[g] = (int32_t)fmin(x, side);
    }
    return QUERN_OK;
}

static bool is_boundary(const qn_labels *l, int64_t y, int64_t x)
{
    const uint32_t *at = l->at + y * l->width + x;
    return *at && (y == 0 || x == 0 || y == l->height - 1 || x == l->width - 1 ||
                   at[-1] != *at || at[1] != *at || at[-l->width] != *at ||
                   at[l->width] != *at);
}

static int32_t one_more(const nearness *n, int32_t gap)
{
    return gap < n->most ? gap + 1 : n->most + 1;
}

static void find_gaps(nearness *n, const qn_labels *labels)
{
    const int64_t w = n->width;
    for (int64_t y = 0; y < n->height; y++)
        for (int64_t x = 0; x < w; x++) {
            int32_t *gap = &n->gap[y * w + x];
            *gap = y == 0 ? n->most + 1 : one_more(n, gap[-w]);
            if (is_boundary(labels, y, x)) *gap = 0;
        }
    for (int64_t y = n->height - 2; y >= 0; y--)
        for (int64_t x = 0; x < w; x++) {
            int32_t *gap = &n->gap[y * w + x];
            const int32_t below = one_more(n, gap[w]);
            if (below < *gap) *gap = below;
        }
}

/* near [height][width]: adds bit where a boundary is within reach. */
static void mark(nearness *n, const qn_labels *labels, uint8_t bit, uint8_t *near)
{
    const int64_t w = n->width;
    find_gaps(n, labels);
    for (int64_t y = 0; y < n->height; y++) {
        memset(n->begun, 0, ((size_t)w + 1) * sizeof *n->begun);
        for (int64_t x = 0; x < w; x++) {
            const int32_t gap = n->gap[y * w + x];
            if (gap > n->most) continue;
            const int64_t from = x - n->spread[gap], to = x + n->spread[gap] + 1;
            n->begun[from > 0 ? from : 0]++;
            n->begun[to < w ? to : w]--;
        }
        int32_t covers = 0;
        for (int64_t x = 0; x < w; x++) {
            covers += n->begun[x];
            if (covers > 0) near[y * w + x] |= bit;
        }
    }
}

quern_status qn_boundaries_agree(const qn_labels *truth, const qn_labels *predicted,
                                 double reach, qn_arena *arena, qn_agreement *out,
                                 quern_error *err)
{
    const size_t pixels = (size_t)(truth->height * truth->width);
    int64_t count[4] = {0};
    nearness n;
    void *room;
    QN_TRY(make_nearness(&n, truth, reach, arena, err));
    QN_TRY(qn_arena_array(arena, pixels, 1, &room, err));
    uint8_t *near = room;
    mark(&n, truth, 1, near);
    mark(&n, predicted, 2, near);
    for (size_t i = 0; i < pixels; i++)
        count[near[i]]++;
    out->edges_missed = count[1];
    out->edges_false = count[2];
    out->edges_hit = count[3];
    return QUERN_OK;
}
