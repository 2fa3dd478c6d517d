/* SPDX-License-Identifier: Apache-2.0 */
/* engine/schedule.h - the learning rate of each step: a function of the step's number
 * alone, but for plateau, which looks at a metric once an epoch. */
#ifndef QN_ENGINE_SCHEDULE_H
#define QN_ENGINE_SCHEDULE_H

#include <stdbool.h>
#include <stdint.h>

/*  name, what it does from the peak on; p: share of the steps behind the warm-up */
#define QN_SCHEDULE_MAP(X)                                                        \
    X(CONSTANT, "constant", "the peak rate throughout")                           \
    X(STEP, "step", "times 0.1 after each third of the steps")                    \
    X(POLY, "poly", "peak (1 - p)^2")                                             \
    X(LINEAR, "linear", "straight down to the end rate")                          \
    X(COSINE, "cosine", "half a cosine down to the end rate")                     \
    X(ONECYCLE, "onecycle", "cosine up for 30 %, down to nearly 0 (Smith 2018)")  \
    X(TRIANGULAR, "triangular", "straight up for 23 %, straight down to the end") \
    X(PLATEAU, "plateau", "times 0.3 whenever the metric stalls for 3 epochs")

typedef enum qn_schedule_kind {
#define X(name, text, about) QN_SCHEDULE_##name,
    QN_SCHEDULE_MAP(X)
#undef X
        QN_N_SCHEDULES
} qn_schedule_kind;

typedef struct qn_schedule {
    qn_schedule_kind kind;
    double peak, end;        /* rates */
    int64_t n_steps, warmup; /* all steps; of them, those of a linear warm-up */
    /* plateau's state, saved with the training */
    double best, scale;
    int n_stalled;
} qn_schedule;

const char *qn_schedule_name(int kind, const char **about); /* NULL past the end */
bool qn_schedule_find(const char *name, qn_schedule_kind *out);
void qn_schedule_start(qn_schedule *s); /* plateau's state */
double qn_schedule_rate(const qn_schedule *s, int64_t step);
/* Once an epoch; higher is better. */
void qn_schedule_observe(qn_schedule *s, double metric);

#endif
