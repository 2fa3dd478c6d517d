/* SPDX-License-Identifier: Apache-2.0 */
/* engine/mem.c - heap with a budget, and arenas that grow by chunks. */
#include "engine/mem.h"

#include "engine/os_spool.h"

#include <stdlib.h>
#include <string.h>

static void *system_alloc(void *ctx, size_t size, size_t align)
{
    (void)ctx;
    void *p = NULL;
    return posix_memalign(&p, align, size) == 0 ? p : NULL;
}

static void system_free(void *ctx, void *p, size_t size)
{
    (void)ctx;
    (void)size;
    free(p);
}

void qn_mem_init(qn_mem *mem, const quern_allocator *allocator, size_t budget)
{
    *mem = (qn_mem){.budget = budget};
    mem->allocator =
        allocator ? *allocator
                  : (quern_allocator){.alloc = system_alloc, .free = system_free};
}

quern_status qn_mem_alloc(qn_mem *mem, size_t size, void **out, quern_error *err)
{
    return qn_mem_alloc_aligned(mem, size, QN_ALIGN, out, err);
}

quern_status qn_mem_alloc_aligned(qn_mem *mem, size_t size, size_t align, void **out,
                                  quern_error *err)
{
    *out = NULL;
    size_t ask = size ? size : 1;
    mem->n_allocs++;
    if (mem->fail_at > 0 && --mem->fail_at == 0)
        return qn_fail(err, QUERN_MEMORY, "no memory for %zu bytes, %zu in use", ask,
                       mem->used);
    if (mem->spool && ask >= mem->spool->least)
        return qn_spool_alloc(mem->spool, ask, out, err);
    if (mem->budget && (ask > mem->budget || mem->used > mem->budget - ask))
        return qn_fail(err, QUERN_LIMIT,
                       "needs %zu bytes more, %zu of a budget of %zu are in use", ask,
                       mem->used, mem->budget);
    void *p = mem->allocator.alloc(mem->allocator.ctx, ask, align);
    if (!p)
        return qn_fail(err, QUERN_MEMORY, "no memory for %zu bytes, %zu in use", ask,
                       mem->used);
    mem->used += ask;
    if (mem->used > mem->peak) mem->peak = mem->used;
    *out = p;
    return QUERN_OK;
}

void qn_mem_free(qn_mem *mem, void *p, size_t size)
{
    if (!p) return;
    size_t ask = size ? size : 1;
    if (mem->spool && qn_spool_free(mem->spool, p)) return;
    mem->used -= ask;
    mem->allocator.free(mem->allocator.ctx, p, ask);
}

void qn_mem_passed(qn_mem *mem, size_t bytes)
{
    if (mem->spool) qn_spool_passed(mem->spool, bytes);
}

bool qn_size_mul(size_t a, size_t b, size_t *out)
{
    return !__builtin_mul_overflow(a, b, out);
}

bool qn_size_add(size_t a, size_t b, size_t *out)
{
    return !__builtin_add_overflow(a, b, out);
}

/* A chunk is one heap block: this header, then room. */
struct qn_arena_chunk {
    qn_arena_chunk *next;
    size_t size, used; /* bytes, header included */
    size_t touched;    /* behind these bytes all are zero; without a spool: size */
    char pad[QN_ALIGN - sizeof(void *) - 3 * sizeof(size_t)];
};

#define CHUNK_MIN ((size_t)64 << 10)

void qn_arena_init(qn_arena *arena, qn_mem *mem)
{
    *arena = (qn_arena){.mem = mem};
}

void qn_arena_done(qn_arena *arena)
{
    for (qn_arena_chunk *c = arena->first, *next; c; c = next) {
        next = c->next;
        qn_mem_free(arena->mem, c, c->size);
    }
    qn_arena_init(arena, arena->mem);
}

void qn_arena_reset(qn_arena *arena)
{
    for (qn_arena_chunk *c = arena->first; c; c = c->next)
        c->used = sizeof *c;
    arena->current = arena->first;
    arena->used = 0;
}

/* The first chunk from current on with room for n bytes at an offset of that alignment.
 */
static quern_status find_chunk(qn_arena *a, size_t n, size_t align,
                               qn_arena_chunk **out, quern_error *err)
{
    for (qn_arena_chunk *c = a->current; c; c = c->next) {
        size_t at = (c->used + align - 1) & ~(align - 1);
        if (at <= c->size && n <= c->size - at) {
            a->current = c;
            *out = c;
            return QUERN_OK;
        }
    }
    /* Chunks grow with what the arena holds, so a large arena has few of them. */
    size_t size = CHUNK_MIN, need;
    if (!qn_size_add(n, sizeof(qn_arena_chunk) + QN_ALIGN, &need))
        return qn_fail(err, QUERN_LIMIT, "a piece of %zu bytes is too large", n);
    while (size < a->used / 4 && size < (CHUNK_MIN << 8))
        size *= 2;
    if (size < need) size = need;
    void *p;
    QN_TRY(qn_mem_alloc(a->mem, size, &p, err));
    qn_arena_chunk *c = p;
    const bool is_clean = a->mem->spool && size >= a->mem->spool->least;
    c->size = size;
    c->used = sizeof *c;
    c->touched = is_clean ? sizeof *c : size;
    if (a->current) {
        c->next = a->current->next;
        a->current->next = c;
    } else {
        c->next = a->first;
        a->first = c;
    }
    a->current = c;
    *out = c;
    return QUERN_OK;
}

/* dirty: of the bytes, those that need not be zero; the first ones. */
static quern_status take_piece(qn_arena *arena, size_t size, void **out, size_t *dirty,
                               quern_error *err)
{
    *out = NULL;
    size_t align = size >= QN_ALIGN ? QN_ALIGN : 16;
    qn_arena_chunk *c = NULL;
    QN_TRY(find_chunk(arena, size ? size : 1, align, &c, err));
    size_t at = (c->used + align - 1) & ~(align - 1);
    *dirty = c->touched < at ? 0 : c->touched - at < size ? c->touched - at : size;
    c->used = at + (size ? size : 1);
    if (c->touched < c->used) c->touched = c->used;
    arena->used += size;
    *out = (char *)c + at;
    return QUERN_OK;
}

quern_status qn_arena_raw(qn_arena *arena, size_t size, void **out, quern_error *err)
{
    size_t dirty;
    return take_piece(arena, size, out, &dirty, err);
}

quern_status qn_arena_alloc(qn_arena *arena, size_t size, void **out, quern_error *err)
{
    size_t dirty;
    QN_TRY(take_piece(arena, size, out, &dirty, err));
    memset(*out, 0, dirty);
    return QUERN_OK;
}

quern_status qn_arena_array(qn_arena *arena, size_t n, size_t size, void **out,
                            quern_error *err)
{
    size_t bytes;
    *out = NULL;
    if (!qn_size_mul(n, size, &bytes))
        return qn_fail(err, QUERN_LIMIT, "%zu elements of %zu bytes are too many", n,
                       size);
    return qn_arena_alloc(arena, bytes, out, err);
}

quern_status qn_arena_text(qn_arena *arena, const char *text, size_t n,
                           const char **out, quern_error *err)
{
    void *p;
    *out = NULL;
    QN_TRY(qn_arena_raw(arena, n + 1, &p, err));
    if (n) memcpy(p, text, n);
    ((char *)p)[n] = 0;
    *out = p;
    return QUERN_OK;
}
