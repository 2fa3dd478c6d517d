/* SPDX-License-Identifier: Apache-2.0 */
/* tests/test_bench_pairs.c - what comparisons in pairs promise: no difference called
 * where there is none, a small one found, on simulated machines and on this one. */
#include "tests/test.h"

#include "bench/paired.h"
#include "engine/text.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- pairs ----------------------------------------------------------------------- */

/* A machine as shared ones are: 2 % jitter, a speed that wanders by 30 %, one sample in
 * eight slowed by half and one in fifty by ten times. */
typedef struct machine {
    qn_test *t;
    double seconds, speed, slowdown;
} machine;

static double normal(qn_test *t)
{
    double sum = -6;
    for (int i = 0; i < 12; i++)
        sum += qn_test_uniform(t, 0, 1);
    return sum;
}

static double simulated(void *ctx, int side)
{
    machine *m = ctx;
    const double dice = qn_test_uniform(m->t, 0, 1);
    m->speed = 0.98 * m->speed + 0.04 * qn_test_uniform(m->t, -0.3, 0.3);
    double s = 1e-3 * (1 + m->speed) * exp(0.02 * normal(m->t));
    if (dice < 0.125) s *= 1.5;
    if (dice > 0.98) s *= 10;
    if (side == QN_SIDE_B || side == QN_SIDE_B2) s *= m->slowdown;
    m->seconds += s;
    return s;
}

static double simulated_now(void *ctx)
{
    return ((machine *)ctx)->seconds;
}

enum { TRIALS = 200, ROUNDS = 400 };

/* Sanitizers and emulators take their time over as many. */
static int n_trials(qn_test *t)
{
    return qn_is_release(t) ? TRIALS : TRIALS / 5;
}

static int trials_that_say(qn_test *t, double slowdown, qn_judgement wanted)
{
    static double samples[ROUNDS * QN_SIDES], room[ROUNDS];
    int found = 0;
    for (int i = 0; i < n_trials(t); i++) {
        machine m = {.t = t, .slowdown = slowdown};
        const qn_paired how = {.measure = simulated,
                               .now = simulated_now,
                               .ctx = &m,
                               .min_rounds = 8,
                               .max_rounds = ROUNDS,
                               .budget = 1e9,
                               .threshold = 0.01,
                               .confidence = 0.99,
                               .control = 0.03};
        const qn_comparison c = qn_compare_paired(&how, samples, room);
        const bool differs =
            c.verdict == QN_JUDGED_SLOWER || c.verdict == QN_JUDGED_FASTER;
        found += wanted == QN_JUDGED_SAME ? differs : c.verdict == wanted;
    }
    return found;
}

void test_bench_same_is_same(qn_test *t)
{
    const int wrong = trials_that_say(t, 1, QN_JUDGED_SAME);
    qn_note(t, "%d of %d trials called a difference", wrong, n_trials(t));
    CHECK(t, wrong <= (n_trials(t) + 49) / 50);
}

void test_bench_finds_slowdown(qn_test *t)
{
    const int slower = trials_that_say(t, 1.05, QN_JUDGED_SLOWER);
    qn_note(t, "5 %% slower: found in %d of %d", slower, n_trials(t));
    CHECK(t, slower >= n_trials(t) * 95 / 100);
    const int faster = trials_that_say(t, 1 / 1.05, QN_JUDGED_FASTER);
    qn_note(t, "5 %% faster: found in %d of %d", faster, n_trials(t));
    CHECK(t, faster >= n_trials(t) * 95 / 100);
}

/* Rounds of a second that disturbs one side only are dropped, whichever side it is. */
static double disturbed(void *ctx, int side)
{
    int *n = ctx;
    const int round = (*n)++ / QN_SIDES;
    const bool is_hit =
        round % 4 == 1 ? side == QN_SIDE_A2 : round % 4 == 3 && side == QN_SIDE_B;
    return is_hit ? 1.5 : side == QN_SIDE_B || side == QN_SIDE_B2 ? 1.2 : 1;
}

static double no_time(void *ctx)
{
    (void)ctx;
    return 0;
}

void test_bench_drops_rounds(qn_test *t)
{
    double samples[40 * QN_SIDES], room[40];
    int n = 0;
    qn_paired how = {.measure = disturbed,
                     .now = no_time,
                     .ctx = &n,
                     .min_rounds = 40,
                     .max_rounds = 40,
                     .budget = 1,
                     .threshold = 0.01,
                     .confidence = 0.95,
                     .control = 0.03};
    qn_comparison c = qn_compare_paired(&how, samples, room);
    CHECK_EQ(t, c.rounds, 40);
    CHECK_EQ(t, c.dropped, 20);
    CHECK_WITHIN(t, c.b.median, 1.2, 1e-12);
    CHECK_WITHIN(t, c.b.lo, 1.2, 1e-12);
    how.control = 0;
    c = qn_judge_paired(&how, samples, 40, room);
    CHECK_EQ(t, c.dropped, 0);
    bool starved[40];
    for (int i = 0; i < 40; i++)
        starved[i] = i < 30;
    how.cores = 2, how.is_starved = starved;
    c = qn_judge_paired(&how, samples, 40, room);
    CHECK_EQ(t, c.dropped, 30);
    CHECK_EQ(t, c.starved, 30);
    how.cores = 0;
    how.control = 1e-9; /* none is that good: nothing can be said */
    for (int i = 0; i < 40; i++)
        samples[i * QN_SIDES + QN_SIDE_A2] = 1.01;
    c = qn_judge_paired(&how, samples, 40, room);
    CHECK_EQ(t, c.dropped, 40);
    CHECK(t, isnan(c.b.median));
    CHECK_EQ(t, c.verdict, QN_JUDGED_INCONCLUSIVE);
}

/* ---- pairs on this machine as it is ---------------------------------------------- */

/* ctx: how much longer B takes. */
static double real_block(void *ctx, int side)
{
    const bool is_b = side == QN_SIDE_B || side == QN_SIDE_B2;
    const int n = is_b ? (int)(4000 * *(const double *)ctx) : 4000;
    const double start = qn_seconds();
    volatile double sum = 0;
    for (int i = 0; i < n; i++)
        sum = sum + i;
    return qn_seconds() - start;
}

static double real_now(void *ctx)
{
    (void)ctx;
    return qn_seconds();
}

/* QN_TRIALS=200 of `make test-long`, else fewer. */
static int real_trials(int usual)
{
    const char *text = getenv("QN_TRIALS");
    int64_t n;
    return text && qn_text_to_int(text, strlen(text), &n) && n > 0 ? (int)n : usual;
}

static int real_verdicts(double slowdown, int trials, qn_judgement wanted)
{
    static double samples[ROUNDS * QN_SIDES], room[ROUNDS];
    const qn_paired how = {.measure = real_block,
                           .now = real_now,
                           .ctx = &slowdown,
                           .min_rounds = 40,
                           .max_rounds = ROUNDS,
                           .budget = 1e9,
                           .threshold = 0.01,
                           .confidence = 0.99,
                           .control = 0.03};
    int found = 0;
    for (int i = 0; i < trials; i++) {
        const qn_comparison c = qn_compare_paired(&how, samples, room);
        const bool differs =
            c.verdict == QN_JUDGED_SLOWER || c.verdict == QN_JUDGED_FASTER;
        found += wanted == QN_JUDGED_SAME ? differs : c.verdict == wanted;
    }
    return found;
}

void test_bench_same_is_same_here(qn_test *t)
{
    const int n = real_trials(50);
    const int wrong = real_verdicts(1, n, QN_JUDGED_SAME);
    qn_note(t, "%d of %d called a difference", wrong, n);
    CHECK(t,
          wrong <= (n > 100 ? n / 50 : 2)); /* 2 %; of few, by chance, a little more */
}

void test_bench_finds_slowdown_here(qn_test *t)
{
    if (!qn_is_release(t)) {
        qn_skip(t, "5 %% are found in the release build");
        return;
    }
    const int n = real_trials(20);
    const int found = real_verdicts(1.05, n, QN_JUDGED_SLOWER);
    qn_note(t, "5 %% slower: found in %d of %d", found, n);
    CHECK(t, found >= n * 95 / 100);
}
