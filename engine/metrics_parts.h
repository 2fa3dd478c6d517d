/* SPDX-License-Identifier: Apache-2.0 */
/* engine/metrics_parts.h - what the files of metrics.h share: sums over items, and the
 * figures that follow from sums alone (so that the bootstrap need not keep items). */
#ifndef QN_ENGINE_METRICS_PARTS_H
#define QN_ENGINE_METRICS_PARTS_H

#include "engine/metrics.h"

/* Sums over items, by weight. */
typedef struct qn_tally {
    int n_classes;
    double *support, *predicted, *hits; /* [n_classes]: one block, in this order */
    double weight, top5, loss, brier, confidence;
} qn_tally;

void qn_tally_init(qn_tally *t, double *room, int n_classes); /* room: 3 * n_classes */
void qn_tally_add(qn_tally *t, const qn_outcome *o);
/* Those figures that follow from the sums; the others stay as they are. */
void qn_tally_figures(const qn_tally *t, double figure[QN_N_FIGURES]);
/* 2 hits / (support + predicted): the harmonic mean of precision and recall. */
double qn_f1(double hits, double support, double predicted);

/* Fills roc_auc and average_precision of the classes and their means. */
quern_status qn_metrics_rank(const qn_predictions *in, const qn_metrics_options *opt,
                             qn_arena *arena, qn_metrics *m, quern_error *err);
/* Fills the bins and both calibration errors. */
quern_status qn_metrics_calibrate(qn_metrics *m, qn_arena *arena, quern_error *err);
/* Fills lo and hi. */
quern_status qn_metrics_bootstrap(const qn_metrics_options *opt, qn_arena *arena,
                                  qn_metrics *m, quern_error *err);

/* A key that sorts (as an unsigned number) by value, which is not below 0, then by
 * index, which is below 2^32. */
uint64_t qn_sort_key(float value, int64_t index);
int qn_by_key(const void *a, const void *b); /* for qsort */
#define QN_KEY_INDEX(key) ((int64_t)((key)&0xffffffffu))

#endif
