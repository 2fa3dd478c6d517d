/* SPDX-License-Identifier: Apache-2.0 */
/* engine/pool.c - a fixed set of threads that share the blocks of one range at a time.
 *
 * A call publishes a job and works itself; whoever is free enters.  Each thread has a
 * share of consecutive blocks, so that rows of a picture stay in the caches of one core
 * from job to job, and helps the others when it is through.  The caller leaves when no
 * block is left and nobody is inside, so a thread that slept through a short job costs
 * nothing.  Between the jobs of one run workers spin for a while; between runs they
 * sleep. */
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
    _Alignas(QN_ALIGN) atomic_llong next; /* block of its share, by itself in a line */
    int64_t end;
    qn_pool *pool;
    pthread_t thread;
    int index; /* 1 .. n_threads - 1; the caller is 0 */
} worker;

struct quern_pool {
    qn_mem mem;
    size_t bytes;
    int n_threads, n_started;
    job job;            /* stable while `open` or somebody is inside */
    atomic_bool in_use; /* nested and concurrent calls run inline */
    atomic_bool open;   /* the job may be entered */
    atomic_int inside;  /* workers in the job */
    atomic_uint epoch;  /* number of jobs published */
    atomic_int n_runs;  /* runs in progress: workers spin between jobs */
    atomic_int n_asleep;
    atomic_bool stop;
    pthread_mutex_t lock; /* of sleeping and waking */
    pthread_cond_t wake;
    worker workers[];
};

enum { SPINS = 4000 }; /* looks before a worker sleeps within a run: 50 to 100 us */

static inline void relax(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

/* What is left of one share. */
static void work_off(const job *j, worker *share, int index)
{
    while (atomic_load_explicit(&share->next, memory_order_relaxed) < share->end) {
        int64_t b = atomic_fetch_add_explicit(&share->next, 1, memory_order_relaxed);
        if (b >= share->end) return;
        int64_t begin = b * j->grain;
        int64_t end = begin + j->grain < j->n ? begin + j->grain : j->n;
        j->fn(j->ctx, begin, end, index);
    }
}

static void work(qn_pool *pool, int index)
{
    for (int i = 0; i < pool->n_threads; i++)
        work_off(&pool->job, &pool->workers[(index + i) % pool->n_threads], index);
}

static void share_out(qn_pool *pool)
{
    const int64_t n = pool->job.n_blocks, size = n / pool->n_threads;
    int64_t longer = n % pool->n_threads, at = 0;
    for (int i = 0; i < pool->n_threads; i++) {
        atomic_store_explicit(&pool->workers[i].next, at, memory_order_relaxed);
        at += size + (longer-- > 0);
        pool->workers[i].end = at;
    }
}

static bool is_news(qn_pool *pool, unsigned seen)
{
    return atomic_load(&pool->epoch) != seen || atomic_load(&pool->stop);
}

static void await_job(qn_pool *pool, unsigned seen)
{
    for (int i = 0; i < SPINS && atomic_load(&pool->n_runs) > 0; i++) {
        if (is_news(pool, seen)) return;
        relax();
    }
    pthread_mutex_lock(&pool->lock);
    atomic_fetch_add(&pool->n_asleep, 1);
    while (!is_news(pool, seen))
        pthread_cond_wait(&pool->wake, &pool->lock);
    atomic_fetch_sub(&pool->n_asleep, 1);
    pthread_mutex_unlock(&pool->lock);
}

static void *worker_main(void *arg)
{
    const worker *self = arg;
    qn_pool *pool = self->pool;
    unsigned seen = 0;
    for (;;) {
        await_job(pool, seen);
        if (atomic_load(&pool->stop)) return NULL;
        seen = atomic_load(&pool->epoch);
        /* Entering comes before looking: the caller closes the job before it looks
         * whether anybody is inside, so one of the two sees the other. */
        atomic_fetch_add(&pool->inside, 1);
        if (atomic_load(&pool->open)) work(pool, self->index);
        atomic_fetch_sub(&pool->inside, 1);
    }
}

static void wake_all(qn_pool *pool)
{
    if (atomic_load(&pool->n_asleep) == 0) return;
    pthread_mutex_lock(&pool->lock);
    pthread_cond_broadcast(&pool->wake);
    pthread_mutex_unlock(&pool->lock);
}

void qn_pool_enter_run(qn_pool *pool)
{
    if (pool) atomic_fetch_add(&pool->n_runs, 1);
}

void qn_pool_leave_run(qn_pool *pool)
{
    if (pool) atomic_fetch_sub(&pool->n_runs, 1);
}

quern_status quern_pool_create(int n_threads, quern_pool **out, quern_error *err)
{
    if (n_threads < 0 || n_threads > 1024)
        return qn_fail(err, QUERN_INVALID,
                       "%d threads asked for, 1 to 1024 are possible", n_threads);
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
    for (int i = 1; i < n_threads; i++) {
        pool->workers[i] = (worker){.pool = pool, .index = i};
        if (pthread_create(&pool->workers[i].thread, NULL, worker_main,
                           &pool->workers[i]) != 0) {
            quern_pool_free(pool);
            return qn_fail(err, QUERN_LIMIT, "thread %d of %d could not be started",
                           i + 1, n_threads);
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
    atomic_store(&pool->stop, true);
    pthread_cond_broadcast(&pool->wake);
    pthread_mutex_unlock(&pool->lock);
    for (int i = 1; i <= pool->n_started; i++)
        pthread_join(pool->workers[i].thread, NULL);
    pthread_cond_destroy(&pool->wake);
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

void qn_parallel_for(qn_pool *pool, int64_t n, int64_t grain, qn_range_fn *fn,
                     void *ctx)
{
    if (n <= 0) return;
    if (grain < 1) grain = 1;
    job j = {
        .fn = fn, .ctx = ctx, .n = n, .grain = grain, .n_blocks = (n - 1) / grain + 1};
    bool busy = false;
    if (!pool || pool->n_threads == 1 || j.n_blocks == 1 ||
        !atomic_compare_exchange_strong(&pool->in_use, &busy, true)) {
        run_inline(&j);
        return;
    }
    pool->job = j;
    share_out(pool);
    atomic_store(&pool->open, true);
    atomic_fetch_add(&pool->epoch, 1);
    wake_all(pool);
    work(pool, 0);
    atomic_store(&pool->open, false);
    for (int spins = 0; atomic_load(&pool->inside) > 0; spins++) {
        relax();
        if (spins > SPINS) qn_os_yield(); /* more threads than cores */
    }
    atomic_store(&pool->in_use, false);
}

/* ---- threads beside the pool ---- */

struct qn_thread {
    qn_mem *mem;
    pthread_t handle;
    void (*fn)(void *ctx);
    void *ctx;
};

static void *thread_main(void *arg)
{
    const qn_thread *self = arg;
    self->fn(self->ctx);
    return NULL;
}

quern_status qn_thread_start(qn_mem *mem, void (*fn)(void *ctx), void *ctx,
                             qn_thread **out, quern_error *err)
{
    void *p;
    *out = NULL;
    QN_TRY(qn_mem_alloc(mem, sizeof(qn_thread), &p, err));
    qn_thread *thread = p;
    *thread = (qn_thread){.mem = mem, .fn = fn, .ctx = ctx};
    if (pthread_create(&thread->handle, NULL, thread_main, thread) != 0) {
        qn_mem_free(mem, thread, sizeof *thread);
        return qn_fail(err, QUERN_LIMIT, "a thread could not be started");
    }
    *out = thread;
    return QUERN_OK;
}

void qn_thread_join(qn_thread *thread)
{
    if (!thread) return;
    pthread_join(thread->handle, NULL);
    qn_mem_free(thread->mem, thread, sizeof *thread);
}

struct qn_monitor {
    qn_mem *mem;
    pthread_mutex_t lock;
    pthread_cond_t news;
};

quern_status qn_monitor_create(qn_mem *mem, qn_monitor **out, quern_error *err)
{
    void *p;
    *out = NULL;
    QN_TRY(qn_mem_alloc(mem, sizeof(qn_monitor), &p, err));
    qn_monitor *monitor = p;
    monitor->mem = mem;
    pthread_mutex_init(&monitor->lock, NULL);
    pthread_cond_init(&monitor->news, NULL);
    *out = monitor;
    return QUERN_OK;
}

void qn_monitor_free(qn_monitor *monitor)
{
    if (!monitor) return;
    pthread_cond_destroy(&monitor->news);
    pthread_mutex_destroy(&monitor->lock);
    qn_mem_free(monitor->mem, monitor, sizeof *monitor);
}

void qn_monitor_enter(qn_monitor *monitor)
{
    pthread_mutex_lock(&monitor->lock);
}

void qn_monitor_leave(qn_monitor *monitor)
{
    pthread_mutex_unlock(&monitor->lock);
}

void qn_monitor_wait(qn_monitor *monitor)
{
    pthread_cond_wait(&monitor->news, &monitor->lock);
}

void qn_monitor_notify(qn_monitor *monitor)
{
    pthread_cond_broadcast(&monitor->news);
}
