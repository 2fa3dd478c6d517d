/* SPDX-License-Identifier: Apache-2.0 */
/* engine/mem.h - the only door to the heap.  A qn_mem counts bytes against a budget and
 * speaks to the caller's allocator; a qn_arena hands out pieces that are freed
 * together. Four lifetimes exist: model arena, session arena, slab (activations),
 * scratch. */
#ifndef QN_ENGINE_MEM_H
#define QN_ENGINE_MEM_H

#include "engine/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define QN_LARGE_PAGE ((size_t)2 << 20) /* bytes */

#define QN_ALIGN 64 /* bytes; every block and every arena piece of 64 bytes or more */

typedef struct qn_mem {
    quern_allocator allocator;
    size_t budget;     /* bytes; 0 means no limit */
    size_t used, peak; /* bytes */
    int64_t fail_at;   /* tests: the n-th allocation from now fails; 0 means never */
    uint64_t n_allocs;
    struct qn_spool *spool; /* takes blocks that are too large (os_spool.h), or NULL */
} qn_mem;

/* allocator NULL means the system's; budget 0 means no limit. */
void qn_mem_init(qn_mem *mem, const quern_allocator *allocator, size_t budget);

/* size bytes, 64-byte aligned, not cleared; size 0 gives a valid pointer to nothing.
 * Fails with QUERN_LIMIT over the budget and QUERN_MEMORY when the allocator refuses.
 * A block that the spool takes does not count. */
quern_status qn_mem_alloc(qn_mem *mem, size_t size, void **out, quern_error *err);
/* The same with the alignment that is asked for, a power of two; a block that the spool
 * takes has a small page's. */
quern_status qn_mem_alloc_aligned(qn_mem *mem, size_t size, size_t align, void **out,
                                  quern_error *err);
void qn_mem_free(qn_mem *mem, void *p, size_t size); /* size as it was asked for */
/* That many bytes of large blocks were read or written: with a spool they may leave
 * memory.  For loops that go through what has a whole picture's size; any thread. */
void qn_mem_passed(qn_mem *mem, size_t bytes);

/* Checked arithmetic for sizes that come from outside; false on overflow. */
bool qn_size_mul(size_t a, size_t b, size_t *out);
bool qn_size_add(size_t a, size_t b, size_t *out);

typedef struct qn_arena_chunk qn_arena_chunk;

typedef struct qn_arena {
    qn_mem *mem;
    qn_arena_chunk *first, *current;
    size_t used; /* bytes handed out since init or reset */
} qn_arena;

void qn_arena_init(qn_arena *arena, qn_mem *mem);
void qn_arena_done(qn_arena *arena);  /* frees every piece */
void qn_arena_reset(qn_arena *arena); /* forgets every piece, keeps the memory */

/* size bytes, zeroed; aligned to 64 when size >= 64, else to 16. */
quern_status qn_arena_alloc(qn_arena *arena, size_t size, void **out, quern_error *err);
/* The same, not zeroed: for tensors. */
quern_status qn_arena_raw(qn_arena *arena, size_t size, void **out, quern_error *err);
/* n elements of size bytes, zeroed, product checked. */
quern_status qn_arena_array(qn_arena *arena, size_t n, size_t size, void **out,
                            quern_error *err);
/* A copy of n bytes with a zero byte behind them. */
quern_status qn_arena_text(qn_arena *arena, const char *text, size_t n,
                           const char **out, quern_error *err);

#endif
