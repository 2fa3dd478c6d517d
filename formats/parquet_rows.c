/* SPDX-License-Identifier: Apache-2.0 */
/* formats/parquet_rows.c - see parquet_rows.h.
 *
 * Unpacked pages stand in a ring, the one used last in front.  Values of a page may
 * point into its dictionary, so that stays as long as the page does. */
#include "formats/parquet_rows.h"

#include "engine/pool.h"

#include <string.h>

typedef enum page_state { ABSENT, BUSY, READY } page_state;

typedef struct page {
    const qn_parquet *file;
    int group, column;
    qn_pq_page at;
    int64_t first;           /* row */
    struct page *dictionary; /* or NULL */
    /* What follows is looked at inside monitor; values once the page is in use. */
    page_state state;
    int users;
    struct page *before, *after; /* in the ring, while READY */
    qn_mem mem;
    qn_arena arena;
    qn_pq_values values;
} page;

/* The pages of one file's column. */
typedef struct block {
    struct block *next;
    page *pages;
    int n;
} block;

struct qn_pq_rows {
    qn_arena arena;
    qn_monitor *monitor;
    block *blocks;
    page **data; /* [n_pages]: those with rows, in their order */
    size_t n_pages, n_room;
    int64_t n_rows;
    size_t room, used; /* bytes of unpacked pages */
    page ring;         /* its head */
};

quern_status qn_pq_rows_create(qn_mem *mem, size_t room, qn_pq_rows **out,
                               quern_error *err)
{
    void *p;
    *out = NULL;
    QN_TRY(qn_mem_alloc(mem, sizeof **out, &p, err));
    qn_pq_rows *rows = p;
    *rows = (qn_pq_rows){.room = room};
    rows->ring.before = rows->ring.after = &rows->ring;
    qn_arena_init(&rows->arena, mem);
    const quern_status status = qn_monitor_create(mem, &rows->monitor, err);
    if (status == QUERN_OK)
        *out = rows;
    else
        qn_mem_free(mem, rows, sizeof *rows);
    return status;
}

void qn_pq_rows_free(qn_pq_rows *rows)
{
    if (!rows) return;
    qn_mem *mem = rows->arena.mem;
    for (const block *b = rows->blocks; b; b = b->next)
        for (int i = 0; i < b->n; i++)
            if (b->pages[i].state == READY) qn_arena_done(&b->pages[i].arena);
    qn_monitor_free(rows->monitor);
    qn_arena_done(&rows->arena);
    qn_mem_free(mem, rows, sizeof *rows);
}

/* ---- the list of pages ---------------------------------------------------------- */

static quern_status keep_page(qn_pq_rows *rows, page *p, quern_error *err)
{
    if (rows->n_pages == rows->n_room) {
        const size_t room = rows->n_room ? 2 * rows->n_room : 64;
        void *more;
        QN_TRY(qn_arena_array(&rows->arena, room, sizeof *rows->data, &more, err));
        if (rows->n_pages) memcpy(more, rows->data, rows->n_pages * sizeof *rows->data);
        rows->data = more;
        rows->n_room = room;
    }
    rows->data[rows->n_pages++] = p;
    p->first = rows->n_rows;
    rows->n_rows += p->at.n_values;
    return QUERN_OK;
}

static quern_status add_group(qn_pq_rows *rows, const qn_parquet *file, int group,
                              int column, quern_error *err)
{
    qn_pq_page *found;
    void *room;
    int n;
    QN_TRY(qn_parquet_pages(file, group, column, &rows->arena, &found, &n, err));
    QN_TRY(qn_arena_alloc(&rows->arena, sizeof(block), &room, err));
    block *b = room;
    QN_TRY(qn_arena_array(&rows->arena, (size_t)n, sizeof(page), &room, err));
    *b = (block){rows->blocks, room, n};
    rows->blocks = b;
    for (int i = 0; i < n; i++) {
        page *p = b->pages + i;
        *p = (page){.file = file, .group = group, .column = column, .at = found[i]};
        if (p->at.is_dictionary) continue;
        if (b->pages[0].at.is_dictionary) p->dictionary = b->pages;
        if (p->at.n_values > 0) QN_TRY(keep_page(rows, p, err));
    }
    return QUERN_OK;
}

quern_status qn_pq_rows_add(qn_pq_rows *rows, const qn_parquet *file, int column,
                            quern_error *err)
{
    for (int g = 0; g < file->n_groups; g++)
        QN_TRY(add_group(rows, file, g, column, err));
    return QUERN_OK;
}

/* The page that row i is in: the last that begins at it or before. */
static page *find_page(const qn_pq_rows *rows, int64_t i)
{
    size_t low = 0, high = rows->n_pages;
    while (high - low > 1) {
        const size_t middle = low + (high - low) / 2;
        if (rows->data[middle]->first <= i)
            low = middle;
        else
            high = middle;
    }
    return rows->data[low];
}

/* ---- unpacked pages; all of this inside the monitor ----------------------------- */

static void take_out(page *p)
{
    p->before->after = p->after;
    p->after->before = p->before;
}

static void put_in_front(qn_pq_rows *rows, page *p)
{
    p->before = &rows->ring;
    p->after = rows->ring.after;
    p->before->after = p->after->before = p;
}

static void drop(qn_pq_rows *rows, page *p)
{
    take_out(p);
    p->state = ABSENT;
    rows->used -= p->mem.used;
    if (p->dictionary) p->dictionary->users--;
    qn_arena_done(&p->arena);
}

/* Drops what nobody uses, the oldest first, until there is room. */
static void make_way(qn_pq_rows *rows)
{
    for (page *p = rows->ring.before; p != &rows->ring && rows->used > rows->room;) {
        page *const next = p->before;
        if (p->users == 0) drop(rows, p);
        p = next;
    }
}

static void settle(qn_pq_rows *rows, page *p, quern_status status)
{
    p->state = status == QUERN_OK ? READY : ABSENT;
    if (status == QUERN_OK) {
        p->users = 1;
        rows->used += p->mem.used;
        put_in_front(rows, p);
        make_way(rows);
    }
    qn_monitor_notify(rows->monitor);
}

/* ---- using a page --------------------------------------------------------------- */

static quern_status unpack(page *p, quern_error *err)
{
    qn_mem_init(&p->mem, NULL, 0);
    qn_arena_init(&p->arena, &p->mem);
    const quern_status status = qn_parquet_decode(
        p->file, p->group, p->column, &p->at,
        p->dictionary ? &p->dictionary->values : NULL, &p->arena, &p->values, err);
    if (status != QUERN_OK) qn_arena_done(&p->arena);
    return status;
}

static void release(qn_pq_rows *rows, page *p)
{
    qn_monitor_enter(rows->monitor);
    p->users--;
    make_way(rows);
    qn_monitor_leave(rows->monitor);
}

/* Whether the page was there, or is being unpacked by another thread and then there;
 * if not, it is this thread's to unpack. */
static bool find_unpacked(qn_pq_rows *rows, page *p)
{
    qn_monitor_enter(rows->monitor);
    while (p->state == BUSY)
        qn_monitor_wait(rows->monitor);
    const bool found = p->state == READY;
    if (found) {
        p->users++;
        take_out(p);
        put_in_front(rows, p);
    } else {
        p->state = BUSY;
    }
    qn_monitor_leave(rows->monitor);
    return found;
}

/* One that does not rest on another. */
static quern_status hold_alone(qn_pq_rows *rows, page *p, quern_error *err)
{
    if (find_unpacked(rows, p)) return QUERN_OK;
    const quern_status status = unpack(p, err);
    qn_monitor_enter(rows->monitor);
    settle(rows, p, status);
    qn_monitor_leave(rows->monitor);
    return status;
}

/* The page unpacked, until it is released.  Its dictionary is held for it. */
static quern_status hold(qn_pq_rows *rows, page *p, quern_error *err)
{
    if (!p->dictionary) return hold_alone(rows, p, err);
    if (find_unpacked(rows, p)) return QUERN_OK;
    quern_status status = hold_alone(rows, p->dictionary, err);
    const bool has_dictionary = status == QUERN_OK;
    if (has_dictionary) status = unpack(p, err);
    qn_monitor_enter(rows->monitor);
    if (has_dictionary && status != QUERN_OK) p->dictionary->users--;
    settle(rows, p, status);
    qn_monitor_leave(rows->monitor);
    return status;
}

quern_status qn_pq_rows_get(qn_pq_rows *rows, int64_t i, qn_arena *arena,
                            const void **bytes, size_t *n, quern_error *err)
{
    void *copy = NULL;
    *bytes = NULL;
    *n = 0;
    if (i < 0 || i >= rows->n_rows)
        return qn_fail(err, QUERN_INVALID, "row %lld of %lld", (long long)i,
                       (long long)rows->n_rows);
    page *p = find_page(rows, i);
    QN_TRY(hold(rows, p, err));
    const int64_t k = i - p->first;
    quern_status status = QUERN_OK;
    if (!p->values.is_null || !p->values.is_null[k]) {
        const qn_span *value = p->values.bytes + k;
        status = qn_arena_raw(arena, value->n, &copy, err);
        if (status == QUERN_OK && value->n) memcpy(copy, value->p, value->n);
        *bytes = copy;
        *n = value->n;
    }
    release(rows, p);
    return status;
}
