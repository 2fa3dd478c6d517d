/* SPDX-License-Identifier: Apache-2.0 */
/* tools/decode_worker.c - what a worker does: take pictures, decode, answer.  All of it
 * happens between two turns of the wire, with no system call but for memory. */
#include "tools/decode_server.h"

#include "engine/os_spool.h"
#include "formats/raster_parts.h"
#include "tools/decode_planes.h"

#include <string.h>

/* Pixels of an answer after which the rest is left for the next message. */
#define ANSWER_BYTES ((size_t)1 << 20)

/* What is kept from message to message at the most. */
#define KEPT_BYTES ((size_t)128 << 20)

typedef struct picture {
    qn_decode_ask ask;
    qn_decode_answer answer;
    qn_image image;
    quern_error err;
    void *bytes;
} picture;

typedef struct worker {
    const qn_decode_plan *plan;
    const qn_decode_kit *kit;
    qn_wire wire;
    qn_mem mem;
    qn_spool spool;    /* of nothing but the mapped file */
    qn_arena arena;    /* files and pixels of a message */
    qn_arena unwanted; /* pixels that nobody needs */
    uint32_t n;
    picture list[QN_DECODE_BATCH];
} worker;

static bool wait_for_turn(void *ctx)
{
    qn_window *w = ctx;
    while (atomic_load_explicit(&w->turn, memory_order_acquire) != QN_TURN_WORKER)
        qn_word_wait(&w->turn, QN_TURN_CLIENT, 0);
    return true;
}

/* Bytes of pixels that go back. */
static size_t size_of(const picture *p)
{
    const qn_image *image = &p->image;
    if (p->answer.status != QUERN_OK || p->ask.only_checked) return 0;
    return (size_t)image->width * (size_t)image->height * (size_t)image->channels;
}

/* false: there is no room for what comes. */
static bool take_all(worker *w)
{
    if (w->n > QN_DECODE_BATCH) w->n = 0;
    for (uint32_t i = 0; i < w->n; i++)
        qn_wire_take(&w->wire, &w->list[i].ask, sizeof w->list[i].ask);
    w->mem.budget = 0;
    for (uint32_t i = 0; i < w->n; i++) {
        picture *p = &w->list[i];
        if (qn_arena_raw(&w->arena, p->ask.bytes, &p->bytes, NULL) != QUERN_OK)
            return false;
        qn_wire_take(&w->wire, p->bytes, p->ask.bytes);
    }
    return true;
}

/* What the plug-in reads cannot be opened from here; it is there, or why it is not. */
static quern_status decode_bytes(const worker *w, qn_arena *arena, picture *p)
{
    const qn_decode_kit *kit = w->kit;
    const qn_decode_ask *a = &p->ask;
    if (!qn_is_tiff(p->bytes, a->bytes))
        return w->plan->decode(arena, p->bytes, a->bytes, a->max_pixels, &p->image,
                               &p->err);
    if (!kit->tiff) return qn_fail(&p->err, QUERN_UNSUPPORTED, "%s", kit->why_not.text);
    return qn_image_tiff(arena, p->bytes, a->bytes, a->max_pixels, kit->tiff, &p->image,
                         &p->err);
}

static void decode(worker *w, picture *p)
{
    qn_decode_answer *a = &p->answer;
    qn_arena *arena = p->ask.only_checked ? &w->unwanted : &w->arena;
    w->mem.budget = p->ask.budget ? w->mem.used + p->ask.budget : 0;
    const quern_status status = decode_bytes(w, arena, p);
    qn_arena_reset(&w->unwanted);
    *a = (qn_decode_answer){.status = (int32_t)status};
    if (status != QUERN_OK) {
        a->n_text = (uint32_t)strlen(p->err.text);
        return;
    }
    a->width = p->image.width;
    a->height = p->image.height;
    a->channels = p->image.channels;
}

/* As many as one answer should hold. */
static uint32_t decode_some(worker *w)
{
    size_t bytes = 0;
    uint32_t n = 0;
    for (; n < w->n && bytes < ANSWER_BYTES; n++) {
        decode(w, &w->list[n]);
        bytes += size_of(&w->list[n]);
    }
    return n;
}

static void answer(worker *w, uint32_t n)
{
    qn_wire_begin(&w->wire);
    qn_wire_put(&w->wire, &n, sizeof n);
    for (uint32_t i = 0; i < n; i++) {
        const picture *p = &w->list[i];
        qn_wire_put(&w->wire, &p->answer, sizeof p->answer);
        qn_wire_put(&w->wire, p->err.text, p->answer.n_text);
        qn_wire_put(&w->wire, p->image.pixels, size_of(p));
    }
}

static void forget(worker *w)
{
    if (w->mem.used > KEPT_BYTES) {
        qn_arena_done(&w->arena);
        qn_arena_done(&w->unwanted);
    } else {
        qn_arena_reset(&w->arena);
    }
}

/* ---- planes ---- */

static bool answer_planes(worker *w)
{
    qn_planes_ask ask;
    const qn_decode_kit *kit = w->kit;
    void *room = kit->file.base;
    qn_wire_take(&w->wire, &ask, sizeof ask);
    w->mem.budget = 0;
    if (!ask.is_mapped && qn_arena_raw(&w->arena, ask.bytes, &room, NULL) != QUERN_OK)
        return false;
    if (!ask.is_mapped) qn_wire_take(&w->wire, room, ask.bytes);
    if (ask.is_mapped) ask.bytes = kit->file.bytes;
    w->mem.budget = ask.budget ? w->mem.used + ask.budget : 0;
    if (qn_is_tiff(room, ask.bytes) && !kit->tiff)
        qn_planes_refuse(&w->wire, &kit->why_not);
    else
        qn_planes_answer(&w->wire, &w->unwanted, room, ask.bytes, &ask, kit->tiff);
    qn_arena_reset(&w->unwanted);
    return true;
}

static bool answer_pictures(worker *w)
{
    if (!take_all(w)) return false;
    answer(w, decode_some(w));
    return true;
}

/* ---- message after message ---- */

static void begin(worker *w, const qn_decode_plan *plan, const qn_decode_kit *kit,
                  qn_window *window)
{
    *w = (worker){.plan = plan,
                  .kit = kit,
                  .wire = {.window = window,
                           .mine = QN_TURN_WORKER,
                           .wait = wait_for_turn,
                           .ctx = window}};
    qn_mem_init(&w->mem, NULL, 0);
    qn_spool_init(&w->spool, "", SIZE_MAX);
    w->spool.watched = kit->file;
    if (kit->file.base) w->mem.spool = &w->spool;
    qn_arena_init(&w->arena, &w->mem);
    qn_arena_init(&w->unwanted, &w->mem);
}

int qn_decode_work(const qn_decode_plan *plan, const qn_decode_kit *kit,
                   qn_window *window)
{
    qn_mem mem;
    void *room;
    qn_mem_init(&mem, NULL, 0);
    if (qn_mem_alloc(&mem, sizeof(worker), &room, NULL) != QUERN_OK)
        return QN_DECODE_NO_MEMORY;
    worker *w = room;
    begin(w, plan, kit, window);
    for (qn_wire_await(&w->wire); !w->wire.is_cut; qn_wire_pass(&w->wire)) {
        qn_wire_take(&w->wire, &w->n, sizeof w->n);
        if (!(w->n == QN_PLANES_ASKED ? answer_planes : answer_pictures)(w))
            return QN_DECODE_NO_MEMORY;
        forget(w);
    }
    return QN_DECODE_ODD;
}
