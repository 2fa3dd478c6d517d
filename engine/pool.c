/* SPDX-License-Identifier: Apache-2.0 */
/* engine/pool.c - a fixed set of threads that share the blocks of one range at a time.
 *
 * A call publishes a job, wakes the workers, and works itself; whoever is free takes the
 * next block from an atomic counter.  Workers sleep on a condition between jobs. */
#include "engine/pool.h"

#include "engine/os.h"

#include <pthread.h>
#include <stdatomic.h>

typedef struct job {
    qn_range_fn *fn;
    void *ctx;
    int64_t n, grain, n_blocks;
} job;

typedef struct worker {
    qn_pool *pool;
    pthread_t thread;
    int index; /* 1 .. n_threads - 1; the caller is 0 */
} worker;

struct quern_pool {
    qn_mem mem;
    size_t bytes;
    int n_threads, n_started;
    pthread_mutex_t lock;
    pthread_cond_t wake, idle;
    job job;
    uint64_t epoch; /* number of the published job */
    int n_busy;     /* workers that have not finished it */
    bool stop;
    atomic_bool in_use; /* nested and concurrent calls run inline */
    atomic_llong next;  /* next block */
    worker workers[];
};

static void work(qn_pool *pool, int index)
{
    const job *j = &pool->job;
    for (;;) {
        int64_t b = atomic_fetch_add_explicit(&pool->next, 1, memory_order_relaxed);
        if (b >= j->n_blocks) return;
        int64_t begin = b * j->grain;
        int64_t end = begin + j->grain < j->n ? begin + j->grain : j->n;
        j->fn(j->ctx, begin, end, index);
    }
}

static void *worker_main(void *arg)
{
    const worker *self = arg;
    qn_pool *pool = self->pool;
    uint64_t seen = 0;
    pthread_mutex_lock(&pool->lock);
    for (;;) {
        while (pool->epoch == seen && !pool->stop)
            pthread_cond_wait(&pool->wake, &pool->lock);
        if (pool->stop) break;
        seen = pool->epoch;
        pthread_mutex_unlock(&pool->lock);
        work(pool, self->index);
        pthread_mutex_lock(&pool->lock);
        if (--pool->n_busy == 0) pthread_cond_signal(&pool->idle);
    }
    pthread_mutex_unlock(&pool->lock);
    return NULL;
}

quern_status quern_pool_create(int n_threads, quern_pool **out, quern_error *err)
{
    if (n_threads < 0 || n_threads > 1024)
        return qn_fail(err, QUERN_INVALID, "%d threads asked for, 1 to 1024 are possible",
                       n_threads);
    if (n_threads == 0) n_threads = qn_os_cores();
    size_t bytes = sizeof(qn_pool) + (size_t)n_threads * sizeof(worker);
    qn_mem mem;
    void *p;
    qn_mem_init(&mem, NULL, 0);
    QN_TRY(qn_mem_alloc(&mem, bytes, &p, err));
    qn_pool *pool = p;
    *pool = (qn_pool){.mem = mem, .bytes = bytes, .n_threads = n_threads};
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->wake, NULL);
    pthread_cond_init(&pool->idle, NULL);
    for (int i = 1; i < n_threads; i++) {
        pool->workers[i] = (worker){.pool = pool, .index = i};
        if (pthread_create(&pool->workers[i].thread, NULL, worker_main,
                           &pool->workers[i]) != 0) {
            quern_pool_free(pool);
            return qn_fail(err, QUERN_LIMIT, "thread %d of %d could not be started", i + 1,
                           n_threads);
        }
        pool->n_started++;
    }
    *out = pool;
    return QUERN_OK;
}

void quern_pool_free(quern_pool *pool)
{
    if (!pool) return;
    pthread_mutex_lock(&pool->lock);
    pool->stop = true;
    pthread_cond_broadcast(&pool->wake);
    pthread_mutex_unlock(&pool->lock);
    for (int i = 1; i <= pool->n_started; i++)
        pthread_join(pool->workers[i].thread, NULL);
    pthread_cond_destroy(&pool->wake);
    pthread_cond_destroy(&pool->idle);
    pthread_mutex_destroy(&pool->lock);
    qn_mem mem = pool->mem;
    qn_mem_free(&mem, pool, pool->bytes);
}

int quern_pool_threads(const quern_pool *pool)
{
    return pool ? pool->n_threads : 1;
}

int qn_pool_size(const qn_pool *pool)
{
    return pool ? pool->n_threads : 1;
}

static void run_inline(const job *j)
{
    for (int64_t begin = 0; begin < j->n; begin += j->grain)
        j->fn(j->ctx, begin, begin + j->grain < j->n ? begin + j->grain : j->n, 0);
}

void qn_parallel_for(qn_pool *pool, int64_t n, int64_t grain, qn_range_fn *fn, void *ctx)
{
    if (n <= 0) return;
    if (grain < 1) grain = 1;
    job j = {.fn = fn, .ctx = ctx, .n = n, .grain = grain, .n_blocks = (n - 1) / grain + 1};
    bool busy = false;
    if (!pool || pool->n_threads == 1 || j.n_blocks == 1 ||
        !atomic_compare_exchange_strong(&pool->in_use, &busy, true)) {
        run_inline(&j);
        return;
    }
    pthread_mutex_lock(&pool->lock);
    pool->job = j;
    atomic_store_explicit(&pool->next, 0, memory_order_relaxed);
    pool->n_busy = pool->n_started;
    pool->epoch++;
    pthread_cond_broadcast(&pool->wake);
    pthread_mutex_unlock(&pool->lock);
    work(pool, 0);
    pthread_mutex_lock(&pool->lock);
    while (pool->n_busy > 0)
        pthread_cond_wait(&pool->idle, &pool->lock);
    pthread_mutex_unlock(&pool->lock);
    atomic_store(&pool->in_use, false);
}
