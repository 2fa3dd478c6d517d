/* SPDX-License-Identifier: Apache-2.0 */
/* engine/cells/agreement.c - see agreement.h: the counts of two pictures, and figures
 * from counts.  Boundaries are in boundary.c. */
#include "engine/cells/agreement.h"

#include "engine/cells/boundary.h"

#include <math.h>

static const double levels[QN_AGREEMENT_LEVELS] = {0.5,  0.55, 0.6,  0.65, 0.7,
                                                   0.75, 0.8,  0.85, 0.9,  0.95};

/* Two pictures side by side. */
typedef struct couple {
    qn_cells truth, predicted;
    qn_overlap *pairs; /* a: true, b: predicted */
    int64_t n_pairs;
} couple;

static int64_t union_of(const couple *c, const qn_overlap *p)
{
    return c->truth.area[p->a] + c->predicted.area[p->b] - p->pixels;
}

static double iou_of(const couple *c, const qn_overlap *p)
{
    return (double)p->pixels / (double)union_of(c, p);
}

/* Above 0.5 a cell has one partner at most.  At exactly 0.5 it may have two, and they
 * have no other: whichever is taken, as many pairs are found. */
static quern_status count_hits(const couple *c, qn_arena *arena, qn_agreement *out,
                               quern_error *err)
{
    void *p, *q;
    QN_TRY(qn_arena_array(arena, (size_t)c->truth.n + 1, sizeof(bool), &p, err));
    QN_TRY(qn_arena_array(arena, (size_t)c->predicted.n + 1, sizeof(bool), &q, err));
    bool *taken_true = p, *taken = q;
    for (int64_t i = 0; i < c->n_pairs; i++) {
        const qn_overlap *pair = &c->pairs[i];
        const double iou = iou_of(c, pair);
        if (iou < levels[0] || taken_true[pair->a] || taken[pair->b]) continue;
        taken_true[pair->a] = taken[pair->b] = true;
        out->iou_sum += iou;
        for (int k = 0; k < QN_AGREEMENT_LEVELS; k++)
            out->hits[k] += iou >= levels[k];
    }
    return QUERN_OK;
}

/* Cellpose's index: over the cells matched best, pairs of at least 0.5 first. */
static quern_status count_shared(const couple *c, qn_arena *arena, qn_agreement *out,
                                 quern_error *err)
{
    const uint32_t n_a = c->truth.n, n_b = c->predicted.n;
    const double n_least = n_a < n_b ? n_a : n_b;
    void *worths, *partners;
    QN_TRY(qn_arena_array(arena, (size_t)c->n_pairs, sizeof(qn_worth), &worths, err));
    QN_TRY(qn_arena_array(arena, n_a, sizeof(int64_t), &partners, err));
    qn_worth *worth = worths;
    int64_t *partner = partners;
    for (int64_t i = 0; i < c->n_pairs; i++) {
        const double iou = iou_of(c, &c->pairs[i]);
        worth[i] = (qn_worth){c->pairs[i].a - 1, c->pairs[i].b - 1,
                              (iou >= 0.5) + iou / (2 * n_least)};
    }
    QN_TRY(qn_match_best(worth, c->n_pairs, n_a, n_b, arena, partner, err));
    for (int64_t i = 0; i < c->n_pairs; i++) {
        const qn_overlap *p = &c->pairs[i];
        if (partner[p->a - 1] == (int64_t)p->b - 1) out->shared += p->pixels;
    }
    return QUERN_OK;
}

/* Kumar's index: each true cell with the predicted one of the largest IoU. */
static quern_status count_classic(const couple *c, qn_arena *arena, qn_agreement *out,
                                  quern_error *err)
{
    void *room;
    QN_TRY(qn_arena_array(arena, (size_t)c->predicted.n + 1, sizeof(bool), &room, err));
    bool *used = room;
    const qn_overlap *p = c->pairs, *end = c->pairs + c->n_pairs;
    for (uint32_t label = 1; label <= c->truth.n; label++) {
        const qn_overlap *best = NULL;
        for (; p < end && p->a == label; p++)
            if (!best || iou_of(c, p) > iou_of(c, best)) best = p;
        out->classic[0] += best ? best->pixels : 0;
        out->classic[1] += best ? union_of(c, best) : c->truth.area[label];
        if (best) used[best->b] = true;
    }
    for (uint32_t label = 1; label <= c->predicted.n; label++)
        if (!used[label]) out->classic[1] += c->predicted.area[label];
    return QUERN_OK;
}

static int64_t count_together(const qn_labels *a, const qn_labels *b)
{
    int64_t n = 0;
    for (int64_t i = 0, end = a->height * a->width; i < end; i++)
        n += a->at[i] || b->at[i];
    return n;
}

quern_status qn_labels_agree(qn_labels *truth, qn_labels *predicted, double reach_scale,
                             qn_arena *arena, qn_agreement *out, quern_error *err)
{
    couple c;
    uint32_t n_true, n_predicted;
    *out = (qn_agreement){.n_true = 0};
    if (truth->height != predicted->height || truth->width != predicted->width)
        return qn_fail(err, QUERN_SHAPE,
                       "%lld x %lld pixels, but the truth has %lld x "
                       "%lld",
                       (long long)predicted->width, (long long)predicted->height,
                       (long long)truth->width, (long long)truth->height);
    QN_TRY(qn_labels_renumber(truth, arena, &n_true, err));
    QN_TRY(qn_labels_renumber(predicted, arena, &n_predicted, err));
    QN_TRY(qn_labels_survey(truth, n_true, arena, &c.truth, err));
    QN_TRY(qn_labels_survey(predicted, n_predicted, arena, &c.predicted, err));
    QN_TRY(qn_labels_overlap(truth, predicted, arena, &c.pairs, &c.n_pairs, err));
    out->n_true = n_true;
    out->n_predicted = n_predicted;
    out->together = count_together(truth, predicted);
    QN_TRY(count_hits(&c, arena, out, err));
    QN_TRY(count_shared(&c, arena, out, err));
    QN_TRY(count_classic(&c, arena, out, err));
    QN_TRY(qn_cells_diameter(&c.truth, arena, &out->diameter, err));
    out->reach = fmax(1, reach_scale * out->diameter);
    return qn_boundaries_agree(truth, predicted, out->reach, arena, out, err);
}

void qn_agreement_add(qn_agreement *sum, const qn_agreement *more)
{
    sum->n_true += more->n_true;
    sum->n_predicted += more->n_predicted;
    for (int k = 0; k < QN_AGREEMENT_LEVELS; k++)
        sum->hits[k] += more->hits[k];
    sum->iou_sum += more->iou_sum;
    sum->shared += more->shared;
    sum->together += more->together;
    sum->classic[0] += more->classic[0];
    sum->classic[1] += more->classic[1];
    sum->edges_hit += more->edges_hit;
    sum->edges_false += more->edges_false;
    sum->edges_missed += more->edges_missed;
}

/* ---- figures --------------------------------------------------------------------- */

static double share(double part, double whole)
{
    return whole > 0 ? part / whole : 1;
}

int qn_agreement_level(double iou)
{
    int k = 0;
    while (k < QN_AGREEMENT_LEVELS && levels[k] < iou)
        k++;
    return k;
}

double qn_agreement_precision_at(const qn_agreement *a, int level)
{
    const int64_t hits = a->hits[level];
    return share((double)hits, (double)(a->n_true + a->n_predicted - hits));
}

double qn_agreement_mean_precision(const qn_agreement *a)
{
    double sum = 0;
    for (int k = 0; k < QN_AGREEMENT_LEVELS; k++)
        sum += qn_agreement_precision_at(a, k);
    return sum / QN_AGREEMENT_LEVELS;
}

double qn_agreement_f1(const qn_agreement *a)
{
    return share(2 * (double)a->hits[0], (double)(a->n_true + a->n_predicted));
}

double qn_agreement_panoptic(const qn_agreement *a)
{
    return share(2 * a->iou_sum, (double)(a->n_true + a->n_predicted));
}

double qn_agreement_jaccard(const qn_agreement *a)
{
    return share((double)a->shared, (double)a->together);
}

double qn_agreement_jaccard_classic(const qn_agreement *a)
{
    return share((double)a->classic[0], (double)a->classic[1]);
}

/* Without pixels to judge, precision is that of a picture that misses all or nothing.
 */
static double edge_share(const qn_agreement *a, int64_t wrong)
{
    if (a->edges_hit + wrong == 0) return a->edges_false + a->edges_missed == 0;
    return (double)a->edges_hit / (double)(a->edges_hit + wrong);
}

double qn_agreement_edge_precision(const qn_agreement *a)
{
    return edge_share(a, a->edges_false);
}

double qn_agreement_edge_recall(const qn_agreement *a)
{
    return edge_share(a, a->edges_missed);
}

double qn_agreement_edge_f1(const qn_agreement *a)
{
    return share(2 * (double)a->edges_hit,
                 (double)(2 * a->edges_hit + a->edges_false + a->edges_missed));
}
