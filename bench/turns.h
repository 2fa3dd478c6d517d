/* SPDX-License-Identifier: Apache-2.0 */
/* bench/turns.h - two ways to run a network, in turns: blocks of runs of some
 * milliseconds, compared in paired rounds (paired.h) by the clock on the wall and by
 * processor time.
 *
 * Processor time is that of all threads, so it says how fast a single thread is on a
 * machine that has other work, too, and nothing about more threads than one. */
#ifndef QN_BENCH_TURNS_H
#define QN_BENCH_TURNS_H

#include "bench/paired.h"
#include "engine/mem.h"

typedef enum qn_turn_clock { QN_BY_WALL, QN_BY_CPU, QN_TURN_CLOCKS } qn_turn_clock;
extern const char *const qn_turn_clock_names[QN_TURN_CLOCKS]; /* wall cpu */

/* Seconds of one run, by either clock. */
typedef struct qn_turn {
    double seconds[QN_TURN_CLOCKS];
} qn_turn;

/* Runs n times. */
typedef quern_status qn_turn_fn(void *ctx, int64_t n, qn_turn *turn, quern_error *err);

typedef struct qn_turns {
    qn_turn_fn *run[2]; /* A and B */
    void *ctx[2];
    qn_turn_clock clock; /* the one that decides when there are enough rounds */
    double seconds;      /* to spend, once there are min_rounds */
    int min_rounds, max_rounds;
    double control; /* of paired.h */
    int cores; /* a block needs: rounds that had fewer are dropped; to 1: not looked at
                */
    quern_cancel_fn *is_over; /* asked before each block; NULL: never */
} qn_turns;

typedef struct qn_turns_result {
    qn_comparison by[QN_TURN_CLOCKS]; /* B's time / A's */
    double median[2][QN_TURN_CLOCKS]; /* seconds of one run, over all rounds */
} qn_turns_result;

quern_status qn_turns_run(const qn_turns *how, qn_arena *arena, qn_turns_result *out,
                          quern_error *err);

/* A qn_turn_fn: runs of the quern_session that ctx is. */
qn_turn_fn qn_turn_session;

#endif
