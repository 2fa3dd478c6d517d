/* SPDX-License-Identifier: Apache-2.0 */
/* bench/paired.h - is B slower than A?  The one comparison that may decide anything.
 *
 * A machine's speed moves by tens of percent within seconds, so A and B are measured in
 * the same round, a moment apart, in changing order, and only their ratio counts.  Both
 * are measured twice in each round: what A shows against itself is no difference, and a
 * round in which either differs much from itself is dropped, and counted.  Looking at
 * both keeps that fair: it does not favour the side that was disturbed less. */
#ifndef QN_BENCH_PAIRED_H
#define QN_BENCH_PAIRED_H

#include <stdbool.h>

enum { QN_SIDE_A, QN_SIDE_B, QN_SIDE_A2, QN_SIDE_B2, QN_SIDES };

typedef enum qn_judgement {
    QN_JUDGED_SAME,
    QN_JUDGED_FASTER,
    QN_JUDGED_SLOWER,
    QN_JUDGED_INCONCLUSIVE
} qn_judgement;
const char *qn_judgement_name(qn_judgement j); /* "slower" */

typedef struct qn_paired {
    /* Seconds of one block of work of that side (QN_SIDE_A2 is A again); 0 or less ends
     * the comparison. */
    double (*measure)(void *ctx, int side);
    double (*now)(void *ctx); /* seconds */
    void *ctx;
    int min_rounds, max_rounds; /* min: of rounds that count */
    double budget;     /* seconds; four times as many for min_rounds that count */
    double threshold;  /* differences below this share do not count: 0.01 */
    double confidence; /* of the intervals: 0.99 */
    double control;    /* rounds whose controls are off by more are dropped; 0: none */
    /* Cores that a round needs (peaks.h) and room for max_rounds that say whether it
     * had fewer: then it is dropped, too.  0: nobody looks. */
    int cores;
    bool *is_starved;
} qn_paired;

/* A ratio of times and the interval that holds its median; NaN in [0, inf] of none. */
typedef struct qn_ratio {
    double median, lo, hi; /* B's time / A's */
    double p;              /* sign test against 1; ties dropped */
    int ties;
} qn_ratio;

typedef struct qn_comparison {
    int rounds, dropped; /* measured, and those of them that do not count */
    int starved;         /* of the dropped: for want of cores */
    bool is_complete;    /* false: measure failed */
    qn_ratio b, all;     /* of the rounds that count; of all */
    qn_ratio control;    /* A against itself, of all rounds */
    double floor;        /* share below which this machine shows differences anyway */
    qn_judgement verdict;
} qn_comparison;

/* samples: room for max_rounds * QN_SIDES doubles, which keep every time measured;
 * room: max_rounds doubles. */
qn_comparison qn_compare_paired(const qn_paired *how, double *samples, double *room);
/* The same judgement over samples that are there already. */
qn_comparison qn_judge_paired(const qn_paired *how, const double *samples, int rounds,
                              double *room);

#endif
