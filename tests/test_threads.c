/* SPDX-License-Identifier: Apache-2.0 */
/* tests/test_threads.c - the pool: every item once, whatever the number of threads. */
#include "engine/pool.h"
#include "tests/test.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#define ITEMS 1000

typedef struct tally {
    atomic_int seen[ITEMS];
    atomic_int wrong; /* blocks of another size, workers out of range */
    qn_pool *pool;
    int64_t grain;
} tally;

static void count(void *ctx, int64_t begin, int64_t end, int worker)
{
    tally *c = ctx;
    if (begin % c->grain || end - begin > c->grain || worker < 0 ||
        worker >= qn_pool_size(c->pool))
        atomic_fetch_add(&c->wrong, 1);
    for (int64_t i = begin; i < end; i++)
        atomic_fetch_add(&c->seen[i], 1);
}

static bool each_seen(const tally *c, int times)
{
    for (int i = 0; i < ITEMS; i++)
        if (atomic_load(&c->seen[i]) != times) return false;
    return atomic_load(&c->wrong) == 0;
}

void test_pool_covers_items(qn_test *t)
{
    static const int threads[] = {1, 2, 3, 8};
    quern_error err;
    for (int i = 0; i < 4; i++) {
        quern_pool *pool;
        REQUIRE_OK(t, quern_pool_create(threads[i], &pool, &err), &err);
        CHECK_EQ(t, qn_pool_size(pool), threads[i]);
        for (int hot = 0; hot < 2; hot++) { /* asleep between jobs, and awake */
            tally c = {.pool = pool, .grain = 7};
            if (hot) qn_pool_enter_run(pool);
            for (int k = 0; k < 300; k++)
                qn_parallel_for(pool, ITEMS, c.grain, count, &c);
            if (hot) qn_pool_leave_run(pool);
            CHECK(t, each_seen(&c, 300));
        }
        quern_pool_free(pool);
    }
}

static void nest(void *ctx, int64_t begin, int64_t end, int worker)
{
    tally *c = ctx;
    (void)worker;
    for (int64_t i = begin; i < end; i++)
        qn_parallel_for(c->pool, ITEMS, c->grain, count, c);
}

void test_pool_nests_inline(qn_test *t)
{
    quern_error err;
    quern_pool *pool;
    REQUIRE_OK(t, quern_pool_create(3, &pool, &err), &err);
    tally c = {.pool = pool, .grain = 50};
    qn_parallel_for(pool, 5, 1, nest, &c);
    CHECK(t, each_seen(&c, 5));
    quern_pool_free(pool);
}

static void *use(void *arg)
{
    tally *c = arg;
    for (int k = 0; k < 100; k++)
        qn_parallel_for(c->pool, ITEMS, c->grain, count, c);
    return NULL;
}

/* Two sessions in two threads may share a pool: one of them works alone meanwhile. */
void test_pool_is_shared(qn_test *t)
{
    quern_error err;
    quern_pool *pool;
    pthread_t other;
    REQUIRE_OK(t, quern_pool_create(2, &pool, &err), &err);
    tally a = {.pool = pool, .grain = 10}, b = {.pool = pool, .grain = 10};
    REQUIRE(t, pthread_create(&other, NULL, use, &b) == 0);
    use(&a);
    pthread_join(other, NULL);
    CHECK(t, each_seen(&a, 100) && each_seen(&b, 100));
    quern_pool_free(pool);
}
