/* SPDX-License-Identifier: Apache-2.0 */
/* formats/dataset_twins.c - equal pictures, found by sorting their SHA-256. */
#include "formats/dataset.h"
#include "formats/sha256.h"

#include <stdlib.h>
#include <string.h>

typedef struct print {
    uint8_t digest[32];
    int64_t item;
} print;

static void digest_of(const qn_image *image, uint8_t digest[32])
{
    qn_sha256 s;
    const int32_t size[3] = {image->height, image->width, image->channels};
    qn_sha256_init(&s);
    qn_sha256_add(&s, size, sizeof size);
    qn_sha256_add(&s, image->pixels,
                  (size_t)image->height * (size_t)image->width *
                      (size_t)image->channels);
    qn_sha256_end(&s, digest);
}

static int by_digest(const void *a, const void *b)
{
    const print *x = a, *y = b;
    const int order = memcmp(x->digest, y->digest, sizeof x->digest);
    if (order) return order;
    return x->item < y->item ? -1 : x->item > y->item;
}

/* Prints of all pictures that can be read, sorted. */
static quern_status take_prints(const qn_dataset *set, qn_arena *arena, print **out,
                                int64_t *n, quern_error *err)
{
    void *room;
    qn_arena pixels;
    qn_image image;
    quern_status status = QUERN_OK;
    QN_TRY(qn_arena_array(arena, (size_t)set->n, sizeof **out, &room, err));
    *out = room;
    *n = 0;
    qn_arena_init(&pixels, arena->mem);
    for (int64_t i = 0; i < set->n && status != QUERN_MEMORY; i++) {
        qn_arena_reset(&pixels);
        status = qn_dataset_read(set, i, &pixels, &image, err);
        if (status != QUERN_OK) continue;
        digest_of(&image, (*out)[*n].digest);
        (*out)[(*n)++].item = i;
    }
    qn_arena_done(&pixels);
    if (status == QUERN_MEMORY) return status;
    if (*n) qsort(*out, (size_t)*n, sizeof **out, by_digest);
    return QUERN_OK;
}

/* The first of the equal prints same[0 .. k-1] that pairs with same[k], or -1. */
static int64_t find_partner(const qn_dataset *set, const print *same, int64_t k,
                            const int64_t first[4], bool across_only)
{
    int64_t best = -1;
    if (!across_only) return k ? same[0].item : -1;
    for (int s = 0; s < 4; s++)
        if (s != set->split[same[k].item] && first[s] >= 0 &&
            (best < 0 || first[s] < best))
            best = first[s];
    return best;
}

/* Pairs among n equal prints, in order of their items. */
static void pair_up(const qn_dataset *set, const print *same, int64_t n,
                    bool across_only, qn_twin *out, int64_t *n_out)
{
    int64_t first[4] = {-1, -1, -1, -1}; /* item, by split */
    for (int64_t k = 0; k < n; k++) {
        const int64_t partner = find_partner(set, same, k, first, across_only);
        const uint8_t split = set->split[same[k].item];
        if (partner >= 0) out[(*n_out)++] = (qn_twin){partner, same[k].item};
        if (first[split] < 0) first[split] = same[k].item;
    }
}

static int by_second(const void *a, const void *b)
{
    const qn_twin *x = a, *y = b;
    return x->b < y->b ? -1 : x->b > y->b;
}

quern_status qn_dataset_twins(const qn_dataset *set, bool across_only, qn_arena *arena,
                              qn_twin **out, int64_t *n_out, quern_error *err)
{
    print *prints;
    int64_t n;
    void *room;
    *n_out = 0;
    QN_TRY(take_prints(set, arena, &prints, &n, err));
    QN_TRY(qn_arena_array(arena, (size_t)n, sizeof **out, &room, err));
    *out = room;
    for (int64_t from = 0, to; from < n; from = to) {
        for (to = from + 1; to < n; to++)
            if (memcmp(prints[from].digest, prints[to].digest, 32) != 0) break;
        pair_up(set, prints + from, to - from, across_only, *out, n_out);
    }
    if (*n_out) qsort(*out, (size_t)*n_out, sizeof **out, by_second);
    return QUERN_OK;
}
