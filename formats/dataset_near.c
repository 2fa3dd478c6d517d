/* SPDX-License-Identifier: Apache-2.0 */
/* formats/dataset_near.c - pictures that are alike, by their sketches.
 *
 * Two hashes of 64 bits that differ in at most 3 agree in one of four parts of 16 bits
 * at least.  So the pictures are sorted by each part in turn, and those with the same
 * part are compared. */
#include "formats/dataset.h"

#include <stdlib.h>
#include <string.h>

enum {
    PARTS = 4,
    MOST_BITS = 3,   /* in which hashes may differ */
    LEAST_RANGE = 8, /* of brightness; duller pictures are alike by nature */
    WINDOW = 512     /* pictures that one is compared with, in each part */
};

typedef struct entry {
    uint64_t bits; /* turned so that the part is on top */
    int64_t item;
} entry;

typedef struct search {
    const qn_dataset *set;
    const qn_survey *survey;
    double distance;
    bool across_only;
    int64_t *partner; /* [n]: the first picture that it is like, or -1 */
    bool is_cut;
} search;

static int by_bits(const void *a, const void *b)
{
    const entry *x = a, *y = b;
    if (x->bits != y->bits) return x->bits < y->bits ? -1 : 1;
    return x->item < y->item ? -1 : x->item > y->item;
}

static int count_bits(uint64_t v)
{
    int n = 0;
    for (; v; v &= v - 1)
        n++;
    return n;
}

static bool are_alike(const search *s, int64_t a, int64_t b)
{
    const qn_sketch *x = &s->survey->sketch[a], *y = &s->survey->sketch[b];
    if (s->across_only && s->set->split[a] == s->set->split[b]) return false;
    return count_bits(x->bits ^ y->bits) <= MOST_BITS &&
           memcmp(s->survey->digest[a], s->survey->digest[b], 32) != 0 &&
           qn_sketch_distance(x, y) <= s->distance;
}

static void compare(search *s, int64_t a, int64_t b)
{
    const int64_t first = a < b ? a : b, second = a < b ? b : a;
    if (s->partner[second] >= 0 && s->partner[second] <= first) return;
    if (are_alike(s, first, second)) s->partner[second] = first;
}

static void search_part(search *s, const entry *entries, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        for (int64_t k = i + 1; k < n && entries[k].bits >> 48 == entries[i].bits >> 48;
             k++) {
            if (k - i > WINDOW) {
                s->is_cut = true;
                break;
            }
            compare(s, entries[i].item, entries[k].item);
        }
}

static void search_all(search *s, entry *entries)
{
    for (int part = 0; part < PARTS; part++) {
        int64_t n = 0;
        for (int64_t i = 0; i < s->set->n; i++) {
            const qn_sketch *sketch = &s->survey->sketch[i];
            const uint64_t bits = sketch->bits;
            if (!s->survey->is_good[i] ||
                sketch->brightest - sketch->darkest < LEAST_RANGE)
                continue;
            entries[n++] =
                (entry){part ? bits << 16 * part | bits >> (64 - 16 * part) : bits, i};
        }
        if (n) qsort(entries, (size_t)n, sizeof *entries, by_bits);
        search_part(s, entries, n);
    }
}

static quern_status list_pairs(const search *s, qn_arena *arena, qn_twin **out,
                               int64_t *n_out, quern_error *err)
{
    void *room;
    int64_t n = 0;
    for (int64_t i = 0; i < s->set->n; i++)
        n += s->partner[i] >= 0;
    QN_TRY(qn_arena_array(arena, (size_t)n, sizeof **out, &room, err));
    *out = room;
    *n_out = n;
    n = 0;
    for (int64_t i = 0; i < s->set->n; i++)
        if (s->partner[i] >= 0) (*out)[n++] = (qn_twin){s->partner[i], i};
    return QUERN_OK;
}

quern_status qn_dataset_near(const qn_dataset *set, const qn_survey *survey,
                             double distance, bool across_only, qn_arena *arena,
                             qn_twin **out, int64_t *n_out, bool *is_cut,
                             quern_error *err)
{
    search s = {set, survey, distance, across_only, NULL, false};
    qn_arena scratch;
    void *entries = NULL, *partner = NULL;
    qn_arena_init(&scratch, arena->mem);
    quern_status status =
        qn_arena_array(&scratch, (size_t)set->n, sizeof(entry), &entries, err);
    if (status == QUERN_OK)
        status =
            qn_arena_array(&scratch, (size_t)set->n, sizeof(int64_t), &partner, err);
    if (status == QUERN_OK) {
        s.partner = partner;
        for (int64_t i = 0; i < set->n; i++)
            s.partner[i] = -1;
        search_all(&s, entries);
        *is_cut = s.is_cut;
        status = list_pairs(&s, arena, out, n_out, err);
    }
    qn_arena_done(&scratch);
    return status;
}
