/* SPDX-License-Identifier: Apache-2.0 */
/* tools/ort_column.c - see ort_column.h. */
#include "tools/ort_column.h"

#include "bench/ort.h"
#include "tools/term.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { MIN_ROUNDS = 9, MAX_ROUNDS = 2000 };

/* ---- is it there? ---------------------------------------------------------------- */

static quern_status open_one(qn_ort *ort, const char *program, const qn_bench_model *m,
                             int threads, quern_error *err)
{
    const qn_ort_model model = {
        .path = m->is_built ? NULL : m->path, .bytes = m->bytes.p, .n = m->bytes.n};
    const quern_status status = qn_ort_open(ort, program, &model, threads, err);
    if (status != QUERN_OK) {
        qn_within(err, "%s", program);
        qn_ort_close(ort);
    }
    return status;
}

/* The first that is there; the reason is that of the first. */
static quern_status open_any(qn_ort *ort, const char *program, const qn_bench_model *m,
                             int threads, quern_error *err)
{
    static const char *const usual[] = {"python3", "/usr/bin/python3",
                                        "libonnxruntime.so.1", "libonnxruntime.so"};
    if (strcmp(program, "auto") != 0) return open_one(ort, program, m, threads, err);
    quern_error unused;
    for (int i = 0; i < 4; i++)
        if (open_one(ort, usual[i], m, threads, i ? &unused : err) == QUERN_OK)
            return QUERN_OK;
    return err->status;
}

/* ---- are its outputs ours? ------------------------------------------------------- */

static quern_status feed_it(qn_ort *ort, const qn_bench_model *m, quern_error *err)
{
    if (ort->n_inputs != m->feed.n)
        return qn_fail(err, QUERN_INVALID, "takes %d inputs where quern takes %d",
                       ort->n_inputs, m->feed.n);
    for (int i = 0; i < m->feed.n; i++)
        QN_TRY(qn_ort_feed(ort, &m->feed.values[i], err));
    return QUERN_OK;
}

static quern_status compare_output(qn_ort_column *c, const qn_tensor *a,
                                   const qn_tensor *b, int i, quern_error *err)
{
    double most = 0, apart = 0;
    if (b->kind != QN_TENSOR || a->kind != QN_TENSOR || a->dtype == QUERN_STRING)
        return QUERN_OK; /* nothing to subtract */
    if (a->dtype != b->dtype || !qn_same_shape(a, b))
        return qn_fail(err, QUERN_SHAPE, "output %d is %s %s, and quern's is %s %s", i,
                       quern_dtype_name(b->dtype), QN_SHAPE(b),
                       quern_dtype_name(a->dtype), QN_SHAPE(a));
    for (int64_t k = 0; k < qn_tensor_count(a); k++) {
        const double x = qn_get_real(a, k), y = qn_get_real(b, k);
        if (x != y && !(isnan(x) && isnan(y))) {
            const double d = isnan(x - y) ? (double)INFINITY : fabs(x - y);
            if (d > apart) apart = d;
        }
        if (fabs(y) > most) most = fabs(y);
    }
    const double share = most > 0 ? apart / most : apart > 0 ? (double)INFINITY : 0;
    if (!(apart <= c->max_abs)) c->max_abs = apart;
    if (!(share <= c->max_rel)) c->max_rel = share;
    return QUERN_OK;
}

static quern_status compare(qn_ort_column *c, qn_ort *ort, const qn_bench_model *m,
                            qn_arena *arena, quern_error *err)
{
    qn_turn unused;
    QN_TRY(qn_ort_run(ort, 2, &unused.seconds[0], &unused.seconds[1], err));
    QN_TRY(qn_ort_peak(ort, &c->peak_bytes, err));
    for (int i = 0; i < quern_model_n_outputs(m->model); i++) {
        qn_tensor a, b;
        QN_TRY(qn_value_output(m->session, i, arena, &a, err));
        QN_TRY(qn_ort_output(ort, i, arena, &b, err));
        QN_TRY(compare_output(c, &a, &b, i, err));
    }
    return QUERN_OK;
}

/* ---- turns ----------------------------------------------------------------------- */

static quern_status run_ort(void *ctx, int64_t n, qn_turn *turn, quern_error *err)
{
    return qn_ort_run(ctx, n, &turn->seconds[QN_BY_WALL], &turn->seconds[QN_BY_CPU],
                      err);
}

static quern_status make(qn_ort_column *c, qn_ort *ort, const qn_bench_model *m,
                         int threads, qn_arena *arena, quern_error *err)
{
    const qn_turns how = {.run = {qn_turn_session, run_ort},
                          .ctx = {m->session, ort},
                          .clock = c->clock,
                          .seconds = qn_arg_real(m->args, "time"),
                          .min_rounds = MIN_ROUNDS,
                          .max_rounds = MAX_ROUNDS,
                          .control = qn_arg_real(m->args, "control"),
                          .cores = threads,
                          .is_over = qn_interrupted};
    QN_TRY(feed_it(ort, m, err));
    QN_TRY(quern_run(m->session, err));
    QN_TRY(compare(c, ort, m, arena, err));
    return qn_turns_run(&how, arena, &c->turns, err);
}

quern_status qn_ort_column_make(qn_ort_column *c, const qn_bench_model *m,
                                const char *program, int threads, quern_error *err)
{
    qn_ort ort;
    qn_arena arena;
    quern_error why = {.status = QUERN_OK};
    *c = (qn_ort_column){.clock = threads == 1 ? QN_BY_CPU : QN_BY_WALL};
    quern_status status = open_any(&ort, program, m, threads, &why);
    if (status == QUERN_OK) {
        qn_arena_init(&arena, (qn_mem *)&m->mem);
        snprintf(c->version, sizeof c->version, "%s", ort.version);
        c->base_bytes = ort.base_bytes;
        status = make(c, &ort, m, threads, &arena, &why);
        qn_arena_done(&arena);
        qn_ort_close(&ort);
    }
    c->is_there = status == QUERN_OK;
    snprintf(c->why, sizeof c->why, "%.399s", c->is_there ? "" : why.text);
    if (status != QUERN_CANCELLED) return QUERN_OK;
    return qn_fail(err, QUERN_CANCELLED, "interrupted");
}
