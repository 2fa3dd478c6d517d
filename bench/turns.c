/* SPDX-License-Identifier: Apache-2.0 */
/* bench/turns.c - see turns.h. */
#include "bench/turns.h"

#include "bench/bench_os.h"
#include "bench/stats.h"
#include "engine/os.h"

const char *const qn_turn_clock_names[QN_TURN_CLOCKS] = {"wall", "cpu"};

/* A block: long enough for any clock, and behind runs that fill the caches with what
 * this side needs, unless it is so long that they do not matter. */
static const double block_seconds = 10e-3, warm_below = 20e-3;

typedef struct contest {
    const qn_turns *how;
    int64_t runs[2];
    bool is_warmed[2];
    int n; /* blocks measured */
    double *samples[QN_TURN_CLOCKS];
    quern_status status;
    quern_error *err;
} contest;

static quern_status block(contest *c, int who, qn_turn *turn)
{
    const qn_turns *how = c->how;
    if (c->is_warmed[who]) QN_TRY(how->run[who](how->ctx[who], 1, turn, c->err));
    return how->run[who](how->ctx[who], c->runs[who], turn, c->err);
}

/* What paired.h measures; the other clock's time goes to the same place of its own
 * list. */
static double measure(void *ctx, int side)
{
    contest *c = ctx;
    qn_turn turn;
    if (c->how->is_over && c->how->is_over(NULL))
        c->status = qn_fail(c->err, QUERN_CANCELLED, "interrupted");
    else
        c->status = block(c, side == QN_SIDE_B || side == QN_SIDE_B2, &turn);
    if (c->status != QUERN_OK) return 0;
    const int at = c->n++ / QN_SIDES * QN_SIDES + side;
    for (int k = 0; k < QN_TURN_CLOCKS; k++)
        c->samples[k][at] = turn.seconds[k] > 1e-9 ? turn.seconds[k] : 1e-9;
    return c->samples[c->how->clock][at];
}

static double now(void *ctx)
{
    (void)ctx;
    return qn_os_seconds();
}

static quern_status calibrate(contest *c)
{
    for (int who = 0; who < 2; who++) {
        qn_turn turn;
        for (int i = 0; i < 2; i++) /* the first one may plan, and fills caches */
            QN_TRY(c->how->run[who](c->how->ctx[who], 1, &turn, c->err));
        const double t = turn.seconds[QN_BY_WALL];
        c->runs[who] = t < block_seconds ? (int64_t)(block_seconds / t) + 1 : 1;
        c->is_warmed[who] = t < warm_below;
    }
    return QUERN_OK;
}

static double median_of(const double *samples, int rounds, int who, double *room)
{
    static const int sides[2][2] = {{QN_SIDE_A, QN_SIDE_A2}, {QN_SIDE_B, QN_SIDE_B2}};
    for (int i = 0; i < 2 * rounds; i++)
        room[i] = samples[(long)(i / 2) * QN_SIDES + sides[who][i % 2]];
    qn_sort(room, 2 * rounds);
    return qn_median(room, 2 * rounds);
}

quern_status qn_turns_run(const qn_turns *how, qn_arena *arena, qn_turns_result *out,
                          quern_error *err)
{
    contest c = {.how = how, .err = err};
    const size_t n = (size_t)how->max_rounds * QN_SIDES;
    qn_paired paired = {.measure = measure,
                        .now = now,
                        .ctx = &c,
                        .min_rounds = how->min_rounds,
                        .max_rounds = how->max_rounds,
                        .budget = how->seconds,
                        .threshold = 0.01,
                        .confidence = 0.95,
                        .control = how->control};
    void *at, *starved;
    QN_TRY(qn_arena_array(arena, (size_t)how->max_rounds, sizeof(bool), &starved, err));
    QN_TRY(qn_arena_array(arena, (QN_TURN_CLOCKS + 2) * n, sizeof(double), &at, err));
    double *samples = (double *)at + QN_TURN_CLOCKS * n, *room = samples + n;
    for (int k = 0; k < QN_TURN_CLOCKS; k++)
        c.samples[k] = (double *)at + (size_t)k * n;
    paired.is_starved = starved;
    paired.cores = how->cores;
    QN_TRY(calibrate(&c));
    const qn_comparison all = qn_compare_paired(&paired, samples, room);
    if (!all.is_complete) return c.status;
    for (int k = 0; k < QN_TURN_CLOCKS; k++) {
        out->by[k] = qn_judge_paired(&paired, c.samples[k], all.rounds, room);
        for (int who = 0; who < 2; who++)
            out->median[who][k] = median_of(c.samples[k], all.rounds, who, room);
    }
    return QUERN_OK;
}

quern_status qn_turn_session(void *ctx, int64_t n, qn_turn *turn, quern_error *err)
{
    quern_session *session = ctx;
    const double wall = qn_os_seconds(), cpu = qn_process_seconds();
    for (int64_t i = 0; i < n; i++)
        QN_TRY(quern_run(session, err));
    turn->seconds[QN_BY_WALL] = (qn_os_seconds() - wall) / (double)n;
    turn->seconds[QN_BY_CPU] = (qn_process_seconds() - cpu) / (double)n;
    return QUERN_OK;
}
