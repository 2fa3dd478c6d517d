/* SPDX-License-Identifier: Apache-2.0 */
/* tools/decode_wire.c - see decode_wire.h. */
#define _GNU_SOURCE
#include "tools/decode_wire.h"

#include <errno.h>
#include <string.h>

#ifdef __linux__
#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

bool qn_word_wait(_Atomic uint32_t *word, uint32_t value, double seconds)
{
    const struct timespec most = {(time_t)seconds,
                                  (long)((seconds - (double)(time_t)seconds) * 1e9)};
    return syscall(SYS_futex, word, FUTEX_WAIT, value, seconds > 0 ? &most : NULL, NULL,
                   0) == 0 ||
           errno != ETIMEDOUT;
}

void qn_word_wake(_Atomic uint32_t *word)
{
    syscall(SYS_futex, word, FUTEX_WAKE, 1, NULL, NULL, 0);
}

#else

bool qn_word_wait(_Atomic uint32_t *word, uint32_t value, double seconds)
{
    (void)word, (void)value, (void)seconds;
    return false;
}

void qn_word_wake(_Atomic uint32_t *word)
{
    (void)word;
}

#endif

quern_status qn_wire_status(int64_t status)
{
    static const quern_status all[] = {QUERN_UNSUPPORTED, QUERN_LIMIT, QUERN_MEMORY,
                                       QUERN_DATA,        QUERN_SHAPE, QUERN_INVALID};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        if (status == (int64_t)all[i]) return all[i];
    return QUERN_FORMAT;
}

void qn_wire_begin(qn_wire *wire)
{
    wire->at = 0;
}

void qn_wire_await(qn_wire *wire)
{
    qn_window *w = wire->window;
    wire->is_cut = wire->is_cut || !wire->wait(wire->ctx);
    const uint32_t fill = atomic_load_explicit(&w->fill, memory_order_relaxed);
    wire->at = 0;
    wire->fill = fill < sizeof w->data ? fill : sizeof w->data;
}

void qn_wire_pass(qn_wire *wire)
{
    qn_window *w = wire->window;
    if (wire->is_cut) return;
    atomic_store_explicit(&w->fill, (uint32_t)wire->at, memory_order_relaxed);
    atomic_store_explicit(&w->turn, 1 - wire->mine, memory_order_release);
    qn_word_wake(&w->turn);
    qn_wire_await(wire);
}

void qn_wire_put(qn_wire *wire, const void *p, size_t n)
{
    const uint8_t *from = p;
    const size_t room = sizeof wire->window->data;
    while (n > 0 && !wire->is_cut) {
        if (wire->at == room) {
            qn_wire_pass(wire);
            continue;
        }
        const size_t k = n < room - wire->at ? n : room - wire->at;
        memcpy(wire->window->data + wire->at, from, k);
        wire->at += k;
        from += k;
        n -= k;
    }
}

void qn_wire_take(qn_wire *wire, void *p, size_t n)
{
    uint8_t *to = p;
    const size_t room = sizeof wire->window->data;
    while (n > 0 && !wire->is_cut) {
        if (wire->at == wire->fill) {
            /* A window that was not full was the last one. */
            wire->is_cut = wire->fill < room;
            qn_wire_begin(wire);
            qn_wire_pass(wire);
            continue;
        }
        const size_t k = n < wire->fill - wire->at ? n : wire->fill - wire->at;
        memcpy(to, wire->window->data + wire->at, k);
        wire->at += k;
        to += k;
        n -= k;
    }
    if (n > 0) memset(to, 0, n);
}
