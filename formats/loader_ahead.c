/* SPDX-License-Identifier: Apache-2.0 */
/* formats/loader_ahead.c - a ring of batches and the threads that keep it full.
 *
 * The window of tickets want .. want + n_slots - 1 has one slot each.  A thread takes
 * the first ticket of the window that nobody has taken, once its slot is free; the
 * reader moves the window, forwards or anywhere else.  The slot of want itself is
 * what the reader holds, and the window covers it, so nobody writes there. */
#include "formats/loader_state.h"

#include "engine/os.h"

/* Past the last epoch there is nothing to do; unless it is asked for. */
static bool is_due(const qn_loader *l, int64_t ticket)
{
    return l->o.n_epochs == 0 || !l->varies || ticket == l->want ||
           ticket < l->o.n_epochs * l->batches.per_epoch;
}

/* The slot of the first ticket that can be begun now, or NULL. */
static qn_loader_slot *next_slot(qn_loader *l)
{
    for (int64_t t = l->want; t < l->want + l->n_slots && is_due(l, t); t++) {
        qn_loader_slot *slot = &l->slots[t % l->n_slots];
        if (slot->state == QN_SLOT_BUSY) continue;
        if (slot->state == QN_SLOT_READY && slot->ticket == t) continue;
        slot->ticket = t;
        return slot;
    }
    return NULL;
}

static void keep_full(void *ctx)
{
    qn_loader *l = ctx;
    qn_monitor_enter(l->monitor);
    while (!l->stop) {
        qn_loader_slot *slot = next_slot(l);
        if (!slot) {
            qn_monitor_wait(l->monitor);
            continue;
        }
        slot->state = QN_SLOT_BUSY;
        qn_monitor_leave(l->monitor);
        slot->status = qn_loader_fill(l, slot, &slot->err);
        qn_monitor_enter(l->monitor);
        slot->state = QN_SLOT_READY;
        qn_monitor_notify(l->monitor);
    }
    qn_monitor_leave(l->monitor);
}

quern_status qn_loader_start(qn_loader *l, quern_error *err)
{
    if (l->o.n_threads == 0) return QUERN_OK;
    void *threads;
    QN_TRY(qn_arena_array(&l->arena, (size_t)l->o.n_threads, sizeof(qn_thread *),
                          &threads, err));
    l->threads = threads;
    QN_TRY(qn_monitor_create(l->mem, &l->monitor, err));
    for (; l->n_started < l->o.n_threads; l->n_started++)
        QN_TRY(qn_thread_start(l->mem, keep_full, l, &l->threads[l->n_started], err));
    return QUERN_OK;
}

void qn_loader_stop(qn_loader *l)
{
    if (l->monitor) {
        qn_monitor_enter(l->monitor);
        l->stop = true;
        qn_monitor_notify(l->monitor);
        qn_monitor_leave(l->monitor);
    }
    for (int i = 0; i < l->n_started; i++)
        qn_thread_join(l->threads[i]);
    qn_monitor_free(l->monitor);
}

/* Waits until the threads have made the batch of ticket. */
static qn_loader_slot *await(qn_loader *l, int64_t ticket)
{
    qn_loader_slot *slot = &l->slots[ticket % l->n_slots];
    qn_monitor_enter(l->monitor);
    l->want = ticket;
    qn_monitor_notify(l->monitor);
    if (slot->state != QN_SLOT_READY || slot->ticket != ticket) {
        const double from = qn_os_seconds();
        while (slot->state != QN_SLOT_READY || slot->ticket != ticket)
            qn_monitor_wait(l->monitor);
        l->batches.waited += qn_os_seconds() - from;
    }
    qn_monitor_leave(l->monitor);
    return slot;
}

static qn_loader_slot *make_now(qn_loader *l, int64_t ticket)
{
    qn_loader_slot *slot = l->slots;
    const double from = qn_os_seconds();
    slot->ticket = ticket;
    slot->status = qn_loader_fill(l, slot, &slot->err);
    l->batches.waited += qn_os_seconds() - from;
    return slot;
}

/* A loader whose epochs are alike goes round for ever: what is ready then serves the
 * epoch that is asked for, whichever it is. */
static int64_t ticket_of(const qn_loader *l, int64_t epoch, int64_t batch)
{
    const int64_t per_epoch = l->batches.per_epoch;
    if (l->varies) return epoch * per_epoch + batch;
    const int64_t ahead = (batch - l->want % per_epoch + per_epoch) % per_epoch;
    return l->want + ahead;
}

quern_status qn_loader_get(qn_batches *b, int64_t epoch, int64_t batch, qn_batch *out,
                           quern_error *err)
{
    qn_loader *l = (qn_loader *)b;
    if (epoch < 0 || batch < 0 || batch >= b->per_epoch)
        return qn_fail(err, QUERN_INVALID, "batch %lld of epoch %lld; there are %lld",
                       (long long)batch, (long long)epoch, (long long)b->per_epoch);
    const int64_t ticket = ticket_of(l, epoch, batch);
    qn_loader_slot *slot = l->n_started ? await(l, ticket) : make_now(l, ticket);
    if (slot->status != QUERN_OK)
        return qn_fail(err, slot->status, "%s", slot->err.text);
    *out = (qn_batch){.n = slot->n,
                      .pixels = slot->pixels,
                      .target = slot->target,
                      .weight = slot->weight,
                      .label = slot->label,
                      .item = slot->item};
    return QUERN_OK;
}
