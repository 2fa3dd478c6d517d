/* SPDX-License-Identifier: Apache-2.0 */
/* bench/worker_case.c - see worker_case.h. */
#include "bench/worker_case.h"

#define BLOCK_SECONDS 4e-3

static void run(void *ctx)
{
    qn_bench_case *c = ctx;
    c->adapter->run(c);
}

/* Keeps the implementation if a few samples are faster than those before. */
static void choose(qn_worker_case *w, const qn_impl *impl, double *best)
{
    const int64_t calls = qn_clock_calls(&w->clock, &w->work);
    double least = qn_clock_sample(&w->clock, &w->work, calls);
    for (int i = 0; i < 8; i++) {
        const double t = qn_clock_sample(&w->clock, &w->work, calls);
        least = t < least ? t : least;
    }
    if (*best > 0 && least >= *best) return;
    *best = least;
    w->impl = *impl;
}

static quern_status open_impl(qn_worker_case *w, const qn_impl *impl, qn_arena *arena,
                              quern_error *err)
{
    w->c = (qn_bench_case){.adapter = impl->suspect.adapter,
                           .truth = &w->truth,
                           .k = impl->suspect.k,
                           .fn = impl->suspect.fn,
                           .arena = arena,
                           .use = QN_USE_TIME};
    w->work = (qn_work){.run = run, .ctx = &w->c};
    return qn_bench_open(&w->c, err);
}

quern_status qn_worker_case_open(qn_worker_case *w, const qn_kernel_bench *b,
                                 const qn_problem *p, qn_arena *arena, quern_error *err)
{
    qn_impl list[QN_IMPLS];
    double best = 0;
    const int n = qn_impls_of(b, p, list);
    *w = (qn_worker_case){.clock = b->clock};
    if (n == 0)
        return qn_fail(err, QUERN_UNSUPPORTED, "no implementation fits the problem");
    QN_TRY(qn_truth_make(&w->truth, p, QN_DATA_REALS, arena, err));
    for (int i = 0; i < n; i++) {
        QN_TRY(open_impl(w, &list[i], arena, err));
        choose(w, &list[i], &best);
        qn_bench_close(&w->c);
    }
    QN_TRY(open_impl(w, &w->impl, arena, err));
    run(&w->c);
    const qn_check_result check = qn_verify_output(&w->c);
    if (check.status != QN_CHECK_OK)
        return qn_fail(err, QUERN_DATA, "%s: %s", w->impl.name, check.text);
    w->calls = (int64_t)(BLOCK_SECONDS / best) + 1;
    return QUERN_OK;
}

double qn_worker_case_block(qn_worker_case *w)
{
    return qn_clock_sample(&w->clock, &w->work, w->calls);
}

void qn_worker_case_close(qn_worker_case *w)
{
    qn_bench_close(&w->c);
}
