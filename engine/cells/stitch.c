/* SPDX-License-Identifier: Apache-2.0 */
/* engine/cells/stitch.c - see dynamics.h: cells of neighbouring planes become one by
 * their overlap, as Cellpose's stitch3D; planes without cells do not restart the
 * numbers. */
#include "engine/cells/agreement.h"
#include "engine/cells/dynamics.h"

#include <string.h>

/* For one cell of a plane. */
typedef struct choice {
    uint32_t below; /* label in the plane below, 0: none */
    double iou;
} choice;

typedef struct stacked {
    qn_overlap *pairs; /* a: this plane, b: the one below */
    int64_t n_pairs;
    qn_cells here, below;
} stacked;

static double iou_of(const stacked *s, const qn_overlap *p)
{
    const int64_t both = s->here.area[p->a] + s->below.area[p->b] - p->pixels;
    return (double)p->pixels / (double)both;
}

/* For each cell of this plane the one below it that it belongs to. */
static quern_status choose(const stacked *s, double threshold, qn_arena *arena,
                           choice *chosen, quern_error *err)
{
    void *room;
    QN_TRY(qn_arena_array(arena, (size_t)s->below.n + 1, sizeof(double), &room, err));
    double *most = room; /* of the cell below over this plane's cells */
    for (int64_t i = 0; i < s->n_pairs; i++) {
        const qn_overlap *p = &s->pairs[i];
        const double iou = iou_of(s, p);
        if (iou > most[p->b]) most[p->b] = iou;
    }
    for (int64_t i = 0; i < s->n_pairs; i++) {
        const qn_overlap *p = &s->pairs[i];
        const double iou = iou_of(s, p);
        if (iou < threshold || iou < most[p->b] || iou <= chosen[p->a].iou) continue;
        chosen[p->a] = (choice){p->b, iou};
    }
    return QUERN_OK;
}

static quern_status stitch_plane(qn_labels *here, const qn_labels *below,
                                 double threshold, qn_arena *arena, uint32_t *n,
                                 quern_error *err)
{
    stacked s;
    void *room;
    const uint32_t n_here = qn_labels_max(here);
    QN_TRY(qn_labels_survey(here, n_here, arena, &s.here, err));
    QN_TRY(qn_labels_survey(below, *n, arena, &s.below, err));
    QN_TRY(qn_labels_overlap(here, below, arena, &s.pairs, &s.n_pairs, err));
    QN_TRY(qn_arena_array(arena, (size_t)n_here + 1, sizeof(choice), &room, err));
    choice *chosen = room;
    QN_TRY(choose(&s, threshold, arena, chosen, err));
    for (uint32_t label = 1; label <= n_here; label++)
        if (chosen[label].below == 0 && s.here.area[label]) chosen[label].below = ++*n;
    for (int64_t i = 0, end = here->height * here->width; i < end; i++)
        here->at[i] = chosen[here->at[i]].below;
    return QUERN_OK;
}

quern_status qn_labels_stitch(qn_labels *plane, int64_t n_planes, double threshold,
                              qn_arena *arena, uint32_t *n, quern_error *err)
{
    qn_arena scratch;
    quern_status status = QUERN_OK;
    qn_arena_init(&scratch, arena->mem);
    *n = n_planes > 0 ? qn_labels_max(&plane[0]) : 0;
    for (int64_t z = 1; z < n_planes && status == QUERN_OK; z++) {
        status = stitch_plane(&plane[z], &plane[z - 1], threshold, &scratch, n, err);
        qn_arena_reset(&scratch);
    }
    qn_arena_done(&scratch);
    return status;
}
