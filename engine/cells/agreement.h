/* SPDX-License-Identifier: Apache-2.0 */
/* engine/cells/agreement.h - how well predicted cells agree with true ones: the figures
 * of Cellpose 3.1 and StarDist (average precision, F1, panoptic quality), the
 * aggregated Jaccard index and precision and recall of boundaries.
 *
 * Cells are matched one to one so that as many pairs as possible reach a threshold of
 * intersection over union.  Nothing in both pictures is full agreement: 1. */
#ifndef QN_ENGINE_CELLS_AGREEMENT_H
#define QN_ENGINE_CELLS_AGREEMENT_H

#include "engine/cells/labels.h"

/* Pairs of labels that share pixels. */
typedef struct qn_overlap {
    uint32_t a, b; /* label in the first picture, in the second: none is 0 */
    int64_t pixels;
} qn_overlap;

/* Sorted by a, then b.  Pictures of the same size, labels 1..n each. */
quern_status qn_labels_overlap(const qn_labels *a, const qn_labels *b, qn_arena *arena,
                               qn_overlap **out, int64_t *n, quern_error *err);

/* Pairs (i, j), i < n_a, j < n_b, sorted by i, each worth more than 0: the matching of
 * the largest sum.  partner [n_a]: j of i, or -1. */
typedef struct qn_worth {
    uint32_t i, j;
    double worth;
} qn_worth;
quern_status qn_match_best(const qn_worth *pairs, int64_t n, uint32_t n_a, uint32_t n_b,
                           qn_arena *arena, int64_t *partner, quern_error *err);

enum { QN_AGREEMENT_LEVELS = 10 }; /* thresholds 0.5, 0.55 .. 0.95 */

/* Counts add up over pictures. */
typedef struct qn_agreement {
    int64_t n_true, n_predicted;       /* cells */
    int64_t hits[QN_AGREEMENT_LEVELS]; /* pairs that reach each threshold */
    double iou_sum;                    /* of the pairs that reach 0.5 */
    int64_t shared, together; /* pixels: of best pairs, of cells in either picture */
    int64_t classic[2];       /* the same, as the classic index counts them */
    int64_t edges_hit, edges_false, edges_missed; /* pixels near boundaries */
    double diameter,
        reach; /* median of the true cells; tolerance of boundaries, pixels */
} qn_agreement;

/* Labels of any numbers; both are renumbered.  reach_scale: the tolerance of boundaries
 * over the median diameter of the true cells; at least a pixel. */
quern_status qn_labels_agree(qn_labels *truth, qn_labels *predicted, double reach_scale,
                             qn_arena *arena, qn_agreement *out, quern_error *err);
void qn_agreement_add(qn_agreement *sum, const qn_agreement *more);

/* The first level that is at least iou: 0 for 0.5, 5 for 0.75, 8 for 0.9. */
int qn_agreement_level(double iou);
/* Figures of one picture, or of counts that were added up. */
double qn_agreement_precision_at(const qn_agreement *a, int level); /* TP/(TP+FP+FN) */
double qn_agreement_mean_precision(const qn_agreement *a);          /* of all levels */
double qn_agreement_f1(const qn_agreement *a);                      /* at 0.5 */
double qn_agreement_panoptic(const qn_agreement *a);                /* at 0.5 */
double qn_agreement_jaccard(const qn_agreement *a);                 /* as Cellpose's */
double qn_agreement_jaccard_classic(const qn_agreement *a); /* Kumar et al. 2017 */
double qn_agreement_edge_precision(const qn_agreement *a);
double qn_agreement_edge_recall(const qn_agreement *a);
double qn_agreement_edge_f1(const qn_agreement *a);

#endif
