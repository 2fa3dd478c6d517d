/* SPDX-License-Identifier: Apache-2.0 */
/* engine/metrics.h - how good a classifier is: every figure of an evaluation, from
 * arrays of probabilities and labels.
 *
 * All sums are in double and in a fixed order: the same bits at any thread count.  A
 * figure that is not defined for the data (the ROC-AUC of a class that no item has) is
 * NaN.  Weights, where there are any, count in every figure but not in the counts. */
#ifndef QN_ENGINE_METRICS_H
#define QN_ENGINE_METRICS_H

#include "engine/pool.h"

/* What a classifier said of n items, and what they are. */
typedef struct qn_predictions {
    int64_t n;
    int n_classes;
    const float *p;       /* [n][n_classes] probabilities */
    const float *logits;  /* [n][n_classes] of which p is the softmax; NULL: unknown */
    const int32_t *label; /* [n]; outside 0 .. n_classes-1: the item does not count */
    const float *weight;  /* [n], at least 0; NULL: all 1 */
} qn_predictions;

/* ---- figures of the whole -------------------------------------------------------- */

/*  name, key in reports, title, whether the bootstrap gives it an interval (it would
 *  mislead for ECE, which resampling only makes larger) */
#define QN_FIGURE_MAP(X)                                                         \
    X(TOP1, "top1", "accuracy", true)                                            \
    X(TOP5, "top5", "top-5 accuracy", true)                                      \
    X(BALANCED_ACCURACY, "balanced_accuracy", "balanced accuracy", true)         \
    X(MACRO_PRECISION, "macro_precision", "macro precision", true)               \
    X(MACRO_RECALL, "macro_recall", "macro recall", true)                        \
    X(MACRO_F1, "macro_f1", "macro F1", true)                                    \
    X(WEIGHTED_PRECISION, "weighted_precision", "weighted precision", true)      \
    X(WEIGHTED_F1, "weighted_f1", "weighted F1", true)                           \
    X(KAPPA, "kappa", "Cohen's kappa", true)                                     \
    X(MCC, "mcc", "Matthews correlation", true)                                  \
    X(ROC_AUC, "roc_auc", "ROC-AUC, macro", false)                               \
    X(AVERAGE_PRECISION, "average_precision", "average precision, macro", false) \
    X(LOSS, "loss", "log loss", true)                                            \
    X(BRIER, "brier", "Brier score", true)                                       \
    X(CONFIDENCE, "confidence", "mean confidence", true)                         \
    X(ECE, "ece", "calibration error (ECE)", false)                              \
    X(ECE_MASS, "ece_mass", "ECE, bins of equal mass", false)

typedef enum qn_figure {
#define X(name, key, title, has_interval) QN_FIGURE_##name,
    QN_FIGURE_MAP(X)
#undef X
        QN_N_FIGURES
} qn_figure;

/* Key, title and whether there is an interval, of a figure. */
typedef struct qn_figure_row {
    const char *key, *title;
    bool has_interval;
} qn_figure_row;
const qn_figure_row *qn_figure_at(qn_figure figure);

/* ---- parts of the whole ---------------------------------------------------------- */

/* What became of one item. */
typedef struct qn_outcome {
    int32_t label;     /* -1: does not count */
    int32_t predicted; /* class of the highest p, the first of equals */
    int32_t rank;      /* of the label among the answers; 0: it is the answer */
    float weight;
    double confidence; /* p of what was predicted */
    double p_label;    /* p of the label */
    double loss;       /* -log p_label; NaN: not known */
    double brier; /* sum over classes of (p - 1 or 0)^2, in 0 .. 2; NaN: not known */
} qn_outcome;

/* One class against the rest. */
typedef struct qn_class_metrics {
    int64_t n, n_predicted, n_hits;  /* items, answers, items answered so */
    double support, predicted, hits; /* the same by weight */
    double precision, recall, f1;    /* NaN where there is nothing to divide by */
    double roc_auc, average_precision;
} qn_class_metrics;

/* Items whose confidence lies in one interval: a bar of the reliability diagram. */
typedef struct qn_bin {
    double lo, hi; /* equal width: (lo, hi]; equal mass: least and largest inside */
    int64_t n;
    double weight, confidence, accuracy; /* weight: share of the whole; means or NaN */
} qn_bin;
#define QN_BINS 15

typedef struct qn_metrics {
    int64_t n; /* items that count */
    int n_classes, n_top;
    double figure[QN_N_FIGURES];
    double lo[QN_N_FIGURES], hi[QN_N_FIGURES]; /* 95 % interval; NaN: none */
    double *top;               /* [n_top]: accuracy when k + 1 answers are allowed */
    qn_class_metrics *classes; /* [n_classes] */
    int64_t *confusion;        /* [label][predicted], items */
    qn_bin width[QN_BINS], mass[QN_BINS]; /* of equal width, of equal mass */
    int64_t n_outcomes;
    const qn_outcome *outcomes; /* [n_outcomes]: one per item given */
} qn_metrics;

typedef struct qn_metrics_options {
    int top;         /* how long top is to be; 0: 5 */
    int bootstrap;   /* resamples for the intervals; 0: no intervals */
    uint64_t seed;   /* of the bootstrap */
    bool no_ranking; /* leave out ROC-AUC and average precision, which sort */
    qn_pool *pool;   /* NULL: one thread */
} qn_metrics_options;

/* All of it; opt NULL: the defaults.  What out points to lives in the arena.  Fails
 * with QUERN_DATA on a p that is no number of at least 0, a weight below 0, and when no
 * item counts. */
quern_status qn_metrics_compute(const qn_predictions *in, const qn_metrics_options *opt,
                                qn_arena *arena, qn_metrics *out, quern_error *err);
/* The same where only outcomes are known: no ranking figures.  The outcomes are kept,
 * not copied. */
quern_status qn_metrics_of_outcomes(const qn_outcome *outcomes, int64_t n,
                                    int n_classes, const qn_metrics_options *opt,
                                    qn_arena *arena, qn_metrics *out, quern_error *err);

/* ---- calibration ----------------------------------------------------------------- */

typedef struct qn_temperature {
    double value;         /* T: p = softmax(logits / T); within 0.01 .. 100 */
    double before, after; /* log loss at T = 1 and at value */
} qn_temperature;

/* The temperature of least log loss (Guo, Pleiss, Sun, Weinberger: On calibration of
 * modern neural networks, 2017).  Fit it on validation data, never on what is reported.
 */
quern_status qn_temperature_fit(const qn_predictions *in, qn_pool *pool,
                                qn_arena *arena, qn_temperature *out, quern_error *err);

/* ---- comparing and looking ------------------------------------------------------- */

/* Two classifiers on the same items (McNemar 1947): only those matter that one of them
 * has right and the other has not. */
typedef struct qn_mcnemar {
    int64_t both, only_a, only_b, neither; /* items answered rightly */
    double chi2;    /* with Edwards' correction; 0 without disagreement */
    double p_chi2;  /* its probability, one degree of freedom */
    double p_exact; /* binomial, two-sided */
} qn_mcnemar;
/* Items that do not count in either are left out. */
qn_mcnemar qn_mcnemar_test(const qn_outcome *a, const qn_outcome *b, int64_t n);

/* Indices of the wrong answers, the most confident first; at most most of them. label
 * and predicted choose one cell of the confusion matrix, -1: any. */
quern_status qn_mistakes(const qn_metrics *m, int label, int predicted, int64_t most,
                         qn_arena *arena, int64_t **out, int64_t *n_out,
                         quern_error *err);

/* A cell off the diagonal. */
typedef struct qn_confused {
    int32_t label, predicted;
    int64_t n;
} qn_confused;
/* The fullest such cells, the fullest first; at most most of them. */
quern_status qn_most_confused(const qn_metrics *m, int64_t most, qn_arena *arena,
                              qn_confused **out, int64_t *n_out, quern_error *err);

#endif
