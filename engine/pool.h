/* SPDX-License-Identifier: Apache-2.0 */
/* engine/pool.h - threads as a handle.  Sessions may share one; a session belongs to
 * one thread at a time.  There is one primitive, and kernels never see it.
 *
 * Beside the pool: a thread of its own for work that waits (reading ahead), and the
 * monitor by which it and its owner speak. */
#ifndef QN_ENGINE_POOL_H
#define QN_ENGINE_POOL_H

#include "engine/mem.h"

typedef quern_pool qn_pool;

/* Works on items [begin, end); worker is 0 .. qn_pool_size - 1 and unique among those
 * that run at the same time. */
typedef void qn_range_fn(void *ctx, int64_t begin, int64_t end, int worker);

/* Splits [0, n) into blocks of grain items (the last may be smaller) and returns when
 * all are done.  Blocks depend on n and grain only, never on the number of threads, so
 * a sum per block has the same bits everywhere.  The caller works too; a nested call,
 * or a NULL pool, runs inline. */
void qn_parallel_for(qn_pool *pool, int64_t n, int64_t grain, qn_range_fn *fn,
                     void *ctx);
/* Between these workers stay awake from one call to the next.  NULL is fine. */
void qn_pool_enter_run(qn_pool *pool);
void qn_pool_leave_run(qn_pool *pool);
int qn_pool_size(const qn_pool *pool); /* threads, the caller included; NULL is 1 */

/* ---- threads beside the pool ---- */

typedef struct qn_thread qn_thread;
/* Runs fn(ctx) on a new thread. */
quern_status qn_thread_start(qn_mem *mem, void (*fn)(void *ctx), void *ctx,
                             qn_thread **out, quern_error *err);
void qn_thread_join(qn_thread *thread); /* waits for fn's end; frees; NULL is fine */

/* A lock, and a place to wait inside it for what others change. */
typedef struct qn_monitor qn_monitor;
quern_status qn_monitor_create(qn_mem *mem, qn_monitor **out, quern_error *err);
void qn_monitor_free(qn_monitor *monitor); /* NULL is fine */
void qn_monitor_enter(qn_monitor *monitor);
void qn_monitor_leave(qn_monitor *monitor);
void qn_monitor_wait(qn_monitor *monitor);   /* leaves, sleeps until told, enters */
void qn_monitor_notify(qn_monitor *monitor); /* wakes all that wait */

#endif
