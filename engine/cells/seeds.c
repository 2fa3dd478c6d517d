/* SPDX-License-Identifier: Apache-2.0 */
/* engine/cells/seeds.c - see seeds.h; the rules are those of Cellpose 3.1.  A seed is a
 * bin of more than 10 ends that no bin of its 5x5 neighbourhood exceeds.  From it the
 * label spreads five times by one pixel in all directions over bins of more than 2
 * ends. Higher seeds come later and overwrite. */
#include "engine/cells/seeds.h"

#include <stdlib.h>

enum {
    LEAST_SEED = 11,  /* ends in the bin of a seed */
    LEAST_SPREAD = 3, /* in a bin to which its label spreads */
    NEAR = 2,         /* bins around a seed that it must not be exceeded by */
    REACH = 5,        /* bins that a label spreads */
    SIDE = 2 * REACH + 1
};

typedef struct seed {
    uint32_t height, at; /* ends in the bin, the bin */
} seed;

typedef struct pile {
    int64_t height, width;
    const uint32_t *ends; /* [height][width] */
} pile;

static uint32_t ends_at(const pile *p, int64_t y, int64_t x)
{
    const bool inside = y >= 0 && x >= 0 && y < p->height && x < p->width;
    return inside ? p->ends[y * p->width + x] : 0;
}

static bool is_seed(const pile *p, int64_t y, int64_t x)
{
    const uint32_t here = ends_at(p, y, x);
    if (here < LEAST_SEED) return false;
    for (int64_t v = y - NEAR; v <= y + NEAR; v++)
        for (int64_t u = x - NEAR; u <= x + NEAR; u++)
            if (ends_at(p, v, u) > here) return false;
    return true;
}

static int64_t count_seeds(const pile *p, seed *out)
{
    int64_t n = 0;
    for (int64_t y = 0; y < p->height; y++)
        for (int64_t x = 0; x < p->width; x++) {
            const int64_t at = y * p->width + x;
            if (p->ends[at] < LEAST_SEED || !is_seed(p, y, x)) continue;
            if (out) out[n] = (seed){p->ends[at], (uint32_t)at};
            n++;
        }
    return n;
}

static int compare_seeds(const void *a, const void *b)
{
    const seed *s = a, *t = b;
    if (s->height != t->height) return s->height < t->height ? -1 : 1;
    return s->at < t->at ? -1 : 1;
}

/* A window around a seed as a bit per bin. */
typedef struct window {
    uint32_t row[SIDE];
} window;

static window spread(window w, const window *may)
{
    window out;
    for (int i = 0; i < SIDE; i++) {
        uint32_t bits = w.row[i];
        if (i > 0) bits |= w.row[i - 1];
        if (i < SIDE - 1) bits |= w.row[i + 1];
        out.row[i] = (bits | bits << 1 | bits >> 1) & may->row[i];
    }
    return out;
}

static void write_seed(const pile *p, const seed *s, uint32_t label, uint32_t *map)
{
    const int64_t top = s->at / p->width - REACH, left = s->at % p->width - REACH;
    window may = {{0}}, is = {{0}};
    for (int i = 0; i < SIDE; i++)
        for (int k = 0; k < SIDE; k++)
            if (ends_at(p, top + i, left + k) >= LEAST_SPREAD)
                may.row[i] |= (uint32_t)1 << k;
    is.row[REACH] = (uint32_t)1 << REACH;
    for (int round = 0; round < REACH; round++)
        is = spread(is, &may);
    for (int i = 0; i < SIDE; i++)
        for (int k = 0; k < SIDE; k++)
            if (is.row[i] >> k & 1) map[(top + i) * p->width + left + k] = label;
}

quern_status qn_seeds_labels(qn_labels *ends, qn_arena *arena, uint32_t *n,
                             quern_error *err)
{
    const size_t pixels = (size_t)(ends->height * ends->width);
    void *heights, *maps, *list;
    QN_TRY(qn_arena_array(arena, pixels, sizeof(uint32_t), &heights, err));
    QN_TRY(qn_arena_array(arena, pixels, sizeof(uint32_t), &maps, err));
    uint32_t *height = heights, *map = maps;
    for (size_t i = 0; i < pixels; i++)
        if (ends->at[i]) height[ends->at[i] - 1]++;
    const pile p = {ends->height, ends->width, height};
    const int64_t n_seeds = count_seeds(&p, NULL);
    QN_TRY(qn_arena_array(arena, (size_t)n_seeds, sizeof(seed), &list, err));
    seed *seeds = list;
    count_seeds(&p, seeds);
    qsort(seeds, (size_t)n_seeds, sizeof *seeds, compare_seeds);
    for (int64_t k = 0; k < n_seeds; k++)
        write_seed(&p, &seeds[k], (uint32_t)k + 1, map);
    for (size_t i = 0; i < pixels; i++)
        if (ends->at[i]) ends->at[i] = map[ends->at[i] - 1];
    *n = (uint32_t)n_seeds;
    return QUERN_OK;
}
