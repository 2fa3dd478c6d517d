/* SPDX-License-Identifier: Apache-2.0 */
/* engine/cells/matching.c - see agreement.h: pairs of labels that share pixels, and the
 * matching of two sets that is worth most.
 *
 * The matching grows by one cell of the first set at a time: along the path that gains
 * most, found by Dijkstra's method on worths that potentials keep from being negative.
 * A path stays among cells that touch, so it is short whatever the picture's size. */
#include "engine/cells/agreement.h"

#include "engine/cells/interned.h"

#include <math.h>
#include <stdlib.h>

/* ---- overlaps -------------------------------------------------------------------- */

static int compare_overlaps(const void *p, const void *q)
{
    const qn_overlap *s = p, *t = q;
    if (s->a != t->a) return s->a < t->a ? -1 : 1;
    return s->b < t->b ? -1 : s->b > t->b;
}

quern_status qn_labels_overlap(const qn_labels *a, const qn_labels *b, qn_arena *arena,
                               qn_overlap **out, int64_t *n, quern_error *err)
{
    qn_interned pairs = {.arena = arena};
    uint64_t last = 0;
    size_t index = 0;
    void *list;
    for (int64_t i = 0, end = a->height * a->width; i < end; i++) {
        if (a->at[i] == 0 || b->at[i] == 0) continue;
        const uint64_t key = (uint64_t)a->at[i] << 32 | b->at[i];
        if (key != last) QN_TRY(qn_interned_index(&pairs, key, &index, err));
        last = key;
        pairs.count[index]++;
    }
    QN_TRY(qn_arena_array(arena, pairs.n, sizeof **out, &list, err));
    *out = list;
    *n = (int64_t)pairs.n;
    for (size_t i = 0; i < pairs.n; i++)
        (*out)[i] = (qn_overlap){(uint32_t)(pairs.key[i] >> 32), (uint32_t)pairs.key[i],
                                 pairs.count[i]};
    qsort(list, pairs.n, sizeof **out, compare_overlaps);
    return QUERN_OK;
}

/* ---- the best matching ----------------------------------------------------------- */

/* A cell of the second set that a path may reach, and for what. */
typedef struct step {
    double loss;
    uint32_t j;
} step;

typedef struct search {
    const qn_worth *pairs;
    int64_t *first;      /* [n_a + 1]: where the pairs of i begin */
    double *u, *v;       /* potentials: u[i] + v[j] >= worth, = where matched */
    int64_t *partner;    /* [n_a], or -1 */
    int64_t *partner_of; /* [n_b], or -1 */
    double *loss;        /* [n_b] of the best path so far */
    uint32_t *from;      /* [n_b]: the i before j on it */
    uint32_t *seen;      /* the j that have a loss */
    int64_t n_seen, n_heap;
    step *heap;
    double end_loss; /* of the best path that leaves some i without a partner */
    int64_t end;     /* that i */
} search;

static void push(search *s, step item)
{
    int64_t at = s->n_heap++;
    while (at > 0 && s->heap[(at - 1) / 2].loss > item.loss) {
        s->heap[at] = s->heap[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    s->heap[at] = item;
}

static step pop(search *s)
{
    const step top = s->heap[0], last = s->heap[--s->n_heap];
    int64_t at = 0;
    for (int64_t next; (next = 2 * at + 1) < s->n_heap; at = next) {
        next += next + 1 < s->n_heap && s->heap[next + 1].loss < s->heap[next].loss;
        if (s->heap[next].loss >= last.loss) break;
        s->heap[at] = s->heap[next];
    }
    s->heap[at] = last;
    return top;
}

/* The path has come to i: where it may go on, and what ending here would lose. */
static void visit(search *s, uint32_t i, double loss)
{
    if (loss + s->u[i] < s->end_loss) {
        s->end_loss = loss + s->u[i];
        s->end = i;
    }
    for (int64_t k = s->first[i]; k < s->first[i + 1]; k++) {
        const uint32_t j = s->pairs[k].j;
        const double more = loss + fmax(0, s->u[i] + s->v[j] - s->pairs[k].worth);
        if (more >= s->loss[j]) continue;
        if (isinf(s->loss[j])) s->seen[s->n_seen++] = j;
        s->loss[j] = more;
        s->from[j] = i;
        push(s, (step){more, j});
    }
}

/* Hands partners on along the path that ends at j, back to start. */
static void hand_on(search *s, uint32_t start, int64_t j)
{
    while (j >= 0) {
        const uint32_t i = s->from[j];
        const int64_t next = s->partner[i];
        s->partner[i] = j;
        s->partner_of[j] = i;
        j = i == start ? -1 : next;
    }
}

static void update_potentials(search *s, uint32_t start, double least)
{
    s->u[start] -= least;
    for (int64_t k = 0; k < s->n_seen; k++) {
        const uint32_t j = s->seen[k];
        const double gain = least - s->loss[j];
        if (gain > 0 && s->partner_of[j] >= 0) {
            s->v[j] += gain;
            s->u[s->partner_of[j]] -= gain;
        }
    }
}

static void add_to_matching(search *s, uint32_t start)
{
    int64_t found = -1;
    double least;
    s->end_loss = INFINITY;
    s->n_seen = s->n_heap = 0;
    visit(s, start, 0);
    while (s->n_heap && found < 0) {
        const step at = pop(s);
        if (at.loss >= s->end_loss) break;
        if (at.loss > s->loss[at.j]) continue;
        if (s->partner_of[at.j] < 0)
            found = at.j;
        else
            visit(s, (uint32_t)s->partner_of[at.j], at.loss);
    }
    least = found >= 0 ? s->loss[found] : s->end_loss;
    update_potentials(s, start, least);
    if (found < 0 && s->end != start) { /* its partner is passed to the one before */
        found = s->partner[s->end];
        s->partner[s->end] = -1;
    }
    hand_on(s, start, found);
    for (int64_t k = 0; k < s->n_seen; k++)
        s->loss[s->seen[k]] = INFINITY;
}

static quern_status make_search(search *s, int64_t n, uint32_t n_a, uint32_t n_b,
                                qn_arena *arena, quern_error *err)
{
    void *p[8];
    const size_t size[8] = {
        ((size_t)n_a + 1) * sizeof *s->first, (size_t)n_a * sizeof *s->u,
        (size_t)n_b * sizeof *s->v,           (size_t)n_b * sizeof *s->partner_of,
        (size_t)n_b * sizeof *s->loss,        (size_t)n_b * sizeof *s->from,
        (size_t)n_b * sizeof *s->seen,        (size_t)n * sizeof *s->heap};
    for (int i = 0; i < 8; i++)
        QN_TRY(qn_arena_alloc(arena, size[i], &p[i], err));
    s->first = p[0];
    s->u = p[1];
    s->v = p[2];
    s->partner_of = p[3];
    s->loss = p[4];
    s->from = p[5];
    s->seen = p[6];
    s->heap = p[7];
    for (uint32_t j = 0; j < n_b; j++) {
        s->partner_of[j] = -1;
        s->loss[j] = INFINITY;
    }
    return QUERN_OK;
}

quern_status qn_match_best(const qn_worth *pairs, int64_t n, uint32_t n_a, uint32_t n_b,
                           qn_arena *arena, int64_t *partner, quern_error *err)
{
    search s = {.pairs = pairs, .partner = partner};
    QN_TRY(make_search(&s, n, n_a, n_b, arena, err));
    for (int64_t k = 0; k < n; k++) {
        s.first[pairs[k].i + 1] = k + 1;
        s.u[pairs[k].i] = fmax(s.u[pairs[k].i], pairs[k].worth);
    }
    for (uint32_t i = 0; i < n_a; i++) {
        if (s.first[i + 1] == 0) s.first[i + 1] = s.first[i];
        partner[i] = -1;
    }
    for (uint32_t i = 0; i < n_a; i++)
        add_to_matching(&s, i);
    return QUERN_OK;
}
