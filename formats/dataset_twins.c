/* SPDX-License-Identifier: Apache-2.0 */
/* formats/dataset_twins.c - equal pictures, found by sorting their SHA-256. */
#include "formats/dataset.h"

#include <stdlib.h>
#include <string.h>

typedef struct print {
    const uint8_t *digest; /* [32] */
    int64_t item;
} print;

static int by_digest(const void *a, const void *b)
{
    const print *x = a, *y = b;
    const int order = memcmp(x->digest, y->digest, 32);
    if (order) return order;
    return x->item < y->item ? -1 : x->item > y->item;
}

/* Prints of all pictures that could be read, sorted. */
static quern_status sort_prints(const qn_dataset *set, const qn_survey *survey,
                                qn_arena *arena, print **out, int64_t *n,
                                quern_error *err)
{
    void *room;
    QN_TRY(qn_arena_array(arena, (size_t)set->n, sizeof **out, &room, err));
    *out = room;
    *n = 0;
    for (int64_t i = 0; i < set->n; i++)
        if (survey->is_good[i]) (*out)[(*n)++] = (print){survey->digest[i], i};
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

quern_status qn_dataset_twins(const qn_dataset *set, const qn_survey *survey,
                              bool across_only, qn_arena *arena, qn_twin **out,
                              int64_t *n_out, quern_error *err)
{
    qn_arena scratch;
    print *prints;
    int64_t n = 0;
    void *room = NULL;
    *n_out = 0;
    qn_arena_init(&scratch, arena->mem);
    quern_status status = sort_prints(set, survey, &scratch, &prints, &n, err);
    if (status == QUERN_OK)
        status = qn_arena_array(arena, (size_t)n, sizeof **out, &room, err);
    *out = room;
    for (int64_t from = 0, to; status == QUERN_OK && from < n; from = to) {
        for (to = from + 1; to < n; to++)
            if (memcmp(prints[from].digest, prints[to].digest, 32) != 0) break;
        pair_up(set, prints + from, to - from, across_only, *out, n_out);
    }
    qn_arena_done(&scratch);
    if (*n_out) qsort(*out, (size_t)*n_out, sizeof **out, by_second);
    return status;
}
