/* SPDX-License-Identifier: Apache-2.0 */
/* tests/test_mem.c - budgets, arenas and the sentence of an error: the ground floor. */
#include "tests/test.h"

#include "engine/mem.h"
#include "engine/pages.h"

#include <stdint.h>
#include <string.h>

void test_mem_counts_bytes(qn_test *t)
{
    qn_heap heap = {0};
    quern_allocator a = qn_heap_allocator(&heap);
    qn_mem mem;
    qn_mem_init(&mem, &a, 0);
    quern_error err;
    void *p, *q;
    REQUIRE_OK(t, qn_mem_alloc(&mem, 100, &p, &err), &err);
    REQUIRE_OK(t, qn_mem_alloc(&mem, 0, &q, &err), &err);
    CHECK(t, q != NULL);
    CHECK_EQ(t, (int64_t)((uintptr_t)p % QN_ALIGN), 0);
    CHECK_EQ(t, heap.blocks, 2);
    CHECK_EQ(t, (int64_t)mem.n_allocs, 2);
    qn_mem_free(&mem, p, 100);
    qn_mem_free(&mem, q, 0);
    qn_mem_free(&mem, NULL, 7);
    CHECK_EQ(t, heap.blocks, 0);
    CHECK_EQ(t, heap.bytes, 0);
    CHECK_EQ(t, (int64_t)mem.used, 0);
    CHECK(t, mem.peak >= 100);
}

void test_mem_budget(qn_test *t)
{
    qn_mem mem;
    qn_mem_init(&mem, NULL, 1000);
    quern_error err;
    void *p, *q;
    REQUIRE_OK(t, qn_mem_alloc(&mem, 600, &p, &err), &err);
    CHECK_FAILS(t, qn_mem_alloc(&mem, 401, &q, &err), QUERN_LIMIT, &err, "401");
    CHECK_HAS(t, err.text, "1000");
    CHECK(t, q == NULL);
    CHECK_FAILS(t, qn_mem_alloc(&mem, SIZE_MAX, &q, &err), QUERN_LIMIT, &err, "bytes");
    CHECK_OK(t, qn_mem_alloc(&mem, 400, &q, &err), &err);
    qn_mem_free(&mem, q, 400);
    qn_mem_free(&mem, p, 600);
}

/* Pieces neither overlap nor move, small ones come alone, and behind a megabyte they
 * lie side by side on a large page. */
void test_mem_pages(qn_test *t)
{
    enum { N = 40 };
    static const size_t sizes[] = {1, 64, 100, 300 << 10, 500 << 10, 3 << 20, 0};
    qn_heap heap = {0};
    quern_allocator a = qn_heap_allocator(&heap);
    qn_mem mem;
    qn_mem_init(&mem, &a, 0);
    qn_pages pages = {0};
    quern_error err;
    char *piece[N];
    for (int i = 0; i < N; i++) {
        void *p;
        const size_t n = sizes[i % 7];
        REQUIRE_OK(t, qn_pages_alloc(&pages, &mem, n, &p, &err), &err);
        piece[i] = p;
        CHECK_EQ(t, (int64_t)((uintptr_t)p % QN_ALIGN), 0);
        if (i == 0) CHECK(t, heap.bytes < 4096);
        memset(p, i + 1, n);
    }
    for (int i = 0; i < N; i++)
        for (size_t k = 0; k < sizes[i % 7]; k += 999)
            CHECK_EQ(t, piece[i][k], i + 1);
    CHECK_EQ(t, (int64_t)((uintptr_t)piece[5] % QN_LARGE_PAGE), 0);
    CHECK(t, mem.used < 2 * pages.bytes + 2 * QN_LARGE_PAGE);
    void *p;
    CHECK_FAILS(t, qn_pages_alloc(&pages, &mem, SIZE_MAX, &p, &err), QUERN_LIMIT, &err,
                "too large");
    CHECK_FAILS(t, qn_pages_alloc(&pages, &mem, SIZE_MAX - 64, &p, &err), QUERN_LIMIT,
                &err, "too large");
    CHECK(t, p == NULL);
    qn_pages_done(&pages, &mem);
    CHECK_EQ(t, heap.blocks, 0);
    CHECK_EQ(t, (int64_t)mem.used, 0);
}

/* Each of its allocations may be the one that fails. */
void test_mem_pages_fail(qn_test *t)
{
    for (int64_t at = 1; at < 3; at++) {
        qn_heap heap = {.fail_at = at};
        quern_allocator a = qn_heap_allocator(&heap);
        qn_mem mem;
        qn_mem_init(&mem, &a, 0);
        qn_pages pages = {0};
        quern_error err;
        void *p;
        CHECK_FAILS(t, qn_pages_alloc(&pages, &mem, 5 << 20, &p, &err), QUERN_MEMORY,
                    &err, "no memory");
        CHECK(t, p == NULL);
        qn_pages_done(&pages, &mem);
        CHECK_EQ(t, heap.blocks, 0);
    }
}

void test_mem_fails_at(qn_test *t)
{
    qn_heap heap = {.fail_at = 3};
    quern_allocator a = qn_heap_allocator(&heap);
    qn_mem mem;
    qn_mem_init(&mem, &a, 0);
    mem.fail_at = 2;
    quern_error err;
    void *p, *q;
    REQUIRE_OK(t, qn_mem_alloc(&mem, 8, &p, &err), &err);
    CHECK_FAILS(t, qn_mem_alloc(&mem, 8, &q, &err), QUERN_MEMORY, &err, "no memory");
    CHECK_OK(t, qn_mem_alloc(&mem, 8, &q, NULL), NULL);
    void *none;
    CHECK_FAILS(t, qn_mem_alloc(&mem, 9, &none, &err), QUERN_MEMORY, &err, "9 bytes");
    CHECK(t, none == NULL);
    qn_mem_free(&mem, p, 8);
    qn_mem_free(&mem, q, 8);
    CHECK_EQ(t, heap.blocks, 0);
}

void test_size_arithmetic(qn_test *t)
{
    size_t n = 0;
    CHECK(t, qn_size_mul(3, 5, &n) && n == 15);
    CHECK(t, qn_size_mul(0, SIZE_MAX, &n) && n == 0);
    CHECK(t, !qn_size_mul(SIZE_MAX / 2 + 1, 2, &n));
    CHECK(t, qn_size_add(SIZE_MAX - 1, 1, &n) && n == SIZE_MAX);
    CHECK(t, !qn_size_add(SIZE_MAX, 1, &n));
}

/* Pieces of every size are aligned, zeroed, apart from each other, and reset keeps the
 * memory: the second round asks the heap for nothing. */
void test_arena_pieces(qn_test *t)
{
    qn_heap heap = {0};
    quern_allocator a = qn_heap_allocator(&heap);
    qn_mem mem;
    qn_mem_init(&mem, &a, 0);
    qn_arena arena;
    qn_arena_init(&arena, &mem);
    quern_error err;
    static const size_t sizes[] = {0,  1,    15,    16, 63,     64,
                                   65, 1000, 70000, 3,  300000, 17};
    int64_t asked = 0;
    for (int round = 0; round < 2; round++) {
        unsigned char *piece[sizeof sizes / sizeof sizes[0]];
        for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
            void *p;
            qn_note(t, "round %d, piece of %zu bytes", round, sizes[i]);
            REQUIRE_OK(t, qn_arena_alloc(&arena, sizes[i], &p, &err), &err);
            CHECK_EQ(t, (int64_t)((uintptr_t)p % (sizes[i] >= 64 ? 64 : 16)), 0);
            piece[i] = p;
            for (size_t k = 0; k < sizes[i]; k++)
                if (piece[i][k] != 0) CHECK_EQ(t, piece[i][k], 0);
            memset(p, (int)i + 1, sizes[i]);
        }
        for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
            if (sizes[i] > 0) CHECK_EQ(t, piece[i][sizes[i] - 1], (int64_t)i + 1);
        if (round == 1) CHECK_EQ(t, heap.n_allocs, asked);
        asked = heap.n_allocs;
        qn_arena_reset(&arena);
        CHECK_EQ(t, (int64_t)arena.used, 0);
    }
    qn_arena_done(&arena);
    CHECK_EQ(t, heap.blocks, 0);
    CHECK_EQ(t, heap.bytes, 0);
}

void test_arena_refuses(qn_test *t)
{
    qn_mem mem;
    qn_mem_init(&mem, NULL, 1 << 20);
    qn_arena arena;
    qn_arena_init(&arena, &mem);
    quern_error err;
    void *p;
    CHECK_FAILS(t, qn_arena_alloc(&arena, 2 << 20, &p, &err), QUERN_LIMIT, &err,
                "budget");
    CHECK_FAILS(t, qn_arena_raw(&arena, SIZE_MAX, &p, &err), QUERN_LIMIT, &err,
                "large");
    CHECK_FAILS(t, qn_arena_array(&arena, SIZE_MAX / 2, 3, &p, &err), QUERN_LIMIT, &err,
                "3 bytes");
    const char *text;
    REQUIRE_OK(t, qn_arena_text(&arena, "convolution", 4, &text, &err), &err);
    CHECK_STR(t, text, "conv");
    qn_arena_done(&arena);
    CHECK_EQ(t, (int64_t)mem.used, 0);
}

void test_error_sentence(qn_test *t)
{
    quern_error err;
    CHECK_EQ(t, qn_fail(&err, QUERN_SHAPE, "%d is not %d", 3, 4), QUERN_SHAPE);
    CHECK_EQ(t, err.status, QUERN_SHAPE);
    qn_within(&err, "node '%s'", "conv1");
    qn_within(&err, "net.onnx");
    CHECK_STR(t, err.text, "net.onnx: node 'conv1': 3 is not 4");
    qn_within(&err, "net.onnx");
    CHECK_STR(t, err.text, "net.onnx: node 'conv1': 3 is not 4");
    CHECK_EQ(t, qn_fail(NULL, QUERN_DATA, "nobody reads this"), QUERN_DATA);
    qn_within(NULL, "nowhere");
}

/* However long place and sentence are, the text ends inside its buffer. */
void test_error_is_cut(qn_test *t)
{
    char *longer = qn_exact(t, 3000);
    memset(longer, 'x', 2999);
    longer[2999] = '\0';
    quern_error err;
    qn_fail(&err, QUERN_DATA, "%s", longer);
    CHECK_EQ(t, (int64_t)strlen(err.text), (int64_t)sizeof err.text - 1);
    qn_within(&err, "place");
    CHECK_EQ(t, (int64_t)strlen(err.text), (int64_t)sizeof err.text - 1);
    CHECK_EQ(t, strncmp(err.text, "place: xxx", 10), 0);
    qn_within(&err, "%s", longer);
    CHECK(t, strlen(err.text) < sizeof err.text);
}

void test_status_map(qn_test *t)
{
    CHECK_EQ(t, quern_status_exit_code(QUERN_OK), 0);
    CHECK_EQ(t, quern_status_exit_code(QUERN_SHAPE), 1);
    CHECK_EQ(t, quern_status_exit_code(QUERN_UNSUPPORTED), 3);
    CHECK_EQ(t, quern_status_exit_code(QUERN_LIMIT), 4);
    CHECK_EQ(t, quern_status_exit_code(QUERN_CANCELLED), 130);
    CHECK_EQ(t, quern_status_exit_code((quern_status)99), 1);
    CHECK_STR(t, quern_status_text(QUERN_OK), "done");
    CHECK(t, quern_status_text((quern_status)99) != NULL);
    CHECK_STR(t, quern_version(), QUERN_VERSION);
}
